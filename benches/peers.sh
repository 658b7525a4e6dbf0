#!/bin/bash
# Measures cfy-seed beside what a person would use instead, in one run, interleaved, by medians.
#
#   benches/peers.sh [ROUNDS]        at least 5 rounds; 7 unless said
#
# fresh    a nine-node build with a new vault at RSA-2048, against a loop of `openssl req -newkey` and `openssl x509 -req`
#          for as many key pairs: the CA, nine hosts, two clients
# rebuild  the same build with the vault in place: wall time, and peak resident memory
# images   nine seed images, against nine runs of genisoimage over the same directories. Our side is the bench `steps`,
#          which reads the same directories, makes the images with the library's writer, and is one process, as a build is
# box      `build --offline` of a payload of 2 GiB that no compressor makes smaller, everything else in place, against `tar | gzip -1`
#          and then `sha256sum` of the archive; and against `cat` of the same bytes to the same disk, synced, together with one pass of
#          the crate sha2 over them (by `steps`): peak memory too
# repodata the metadata of 500 packages (by `steps`), against createrepo_c over the same directory
#
#   benches/peers.sh --box [ROUNDS]     only the last two, 3 rounds unless said; needs 14 GiB of disk for a while
#
# Wall time decides; user and system time stand beside it, because other work on the machine hardly changes them.
# Ends with status 1 where a bound does not hold. Needs openssl, genisoimage, createrepo_c, GNU time, awk.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
self=${here}/$(basename "${BASH_SOURCE[0]}")
readonly hosts=(db-1 db-2 db-3 broker-1 broker-2 broker-3 manager-1 manager-2 manager-3) clients=(cloudify postgres)
readonly images=(user-data meta-data network-config vendor-data)
export LC_ALL=C

# The recipe of the seed document: one key and one certificate after the other.
recipe() {
  local name
  cd "$1"
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Cloudify CA" -keyout ca.key -out ca.crt
  for name in "${hosts[@]}" "${clients[@]}"; do
    printf 'subjectAltName=DNS:%s,IP:10.0.0.11\n' "${name}" > "${name}.ext"
    openssl req -newkey rsa:2048 -nodes -subj "/CN=${name}" -keyout "${name}.key" -out "${name}.csr"
    openssl x509 -req -in "${name}.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -extfile "${name}.ext" \
      -out "${name}.crt"
  done
}

# One image for each host, with the options of cloud-init's own documentation.
genisoimages() {
  local host
  for host in "${hosts[@]}"; do
    genisoimage -quiet -output "$2/${host}.iso" -volid cidata -joliet -rock "${images[@]/#/$1/${host}/}"
  done
}

# What people do without cfy-seed: pack, and digest what was packed.
tarball() {
  tar -C "$1" -cf - . | gzip -1 > "$2"
  sha256sum "$2" > "$2.sha256"
  sync "$2"
}

# The same bytes to the same disk.
copy() {
  cat "$1"/* > "$2"
  sync "$2"
}

case ${1:-} in
  --tarball)
    tarball "$2" "$3"
    exit
    ;;
  --copy)
    copy "$2" "$3"
    exit
    ;;
  --recipe)
    recipe "$2" > /dev/null 2>&1
    exit
    ;;
  --genisoimages)
    genisoimages "$2" "$3" > /dev/null 2>&1
    exit
    ;;
  *) ;;
esac

# measure WHAT COMMAND…: adds "wall user+sys peak-KiB" (seconds, seconds) to the file of WHAT.
measure() {
  local what=$1 start end
  shift
  start=${EPOCHREALTIME}
  command time --quiet --format '%U %S %M' --output "${work}/usage" "$@" > "${work}/log" 2>&1 || {
    cat "${work}/log" >&2
    echo "peers.sh: ${what}: $* failed" >&2
    exit 2
  }
  end=${EPOCHREALTIME}
  awk -v start="${start}" -v end="${end}" '{ printf "%.4f %.2f %d\n", end - start, $1 + $2, $3 }' "${work}/usage" \
    >> "${work}/figures/${what}"
}

# median WHAT COLUMN
median() {
  sort -n -k "$2,$2" "${work}/figures/$1" |
    awk -v column="$2" '{ v[NR] = $column } END { m = int((NR + 1) / 2); print NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2 }'
}

# least WHAT COLUMN
least() {
  sort -n -k "$2,$2" "${work}/figures/$1" | awk -v column="$2" 'NR == 1 { print $column }'
}

failed=0
# verdict TEXT VALUE OPERATOR BOUND
verdict() {
  local word=holds
  if ! awk -v value="$2" -v bound="$4" "BEGIN { exit !(value $3 bound) }"; then
    word=FAILS
    failed=1
  fi
  printf '  %-44s %9s   bound %s %-5s %s\n' "$1" "$2" "$3" "$4" "${word}"
}

ratio() {
  awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

only=all
least_rounds=5
rounds=7
if [[ ${1:-} == --box ]]; then
  only=box
  least_rounds=3
  rounds=3
  shift
fi
rounds=${1:-${rounds}}
if ! [[ ${rounds} =~ ^[1-9][0-9]?$ ]] || ((rounds < least_rounds)); then
  echo "usage: benches/peers.sh [ROUNDS], 5 to 99; or benches/peers.sh --box [ROUNDS], 3 to 99" >&2
  exit 64
fi
for tool in openssl genisoimage createrepo_c awk; do
  type -P "${tool}" > /dev/null || {
    echo "peers.sh: ${tool} is missing" >&2
    exit 2
  }
done

cd "${here}/.."
cargo build --release --locked --quiet
steps=$(cargo bench --bench steps --no-run --locked --message-format json 2> /dev/null |
  sed -n 's/.*"name":"steps".*"executable":"\([^"]*\)".*/\1/p')
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
seed=${target}/release/cfy-seed
# Beside the build, so that it is the same disk: in memory a sync costs nothing.
work=$(mktemp -d "${target}/peers.XXXXXX")
trap 'rm -rf "${work}"' EXIT

mkdir "${work}/figures"

# A cluster whose payload is 2 GiB, with its vault; what hosts want beside it is in the image.
prepare_box() {
  mkdir "${work}"/{offline,packages,small}
  "${steps}" packages "${work}/packages" 8 256
  "${steps}" packages "${work}/small" 500 0
  cd "${work}/offline"
  "${seed}" init cluster.yaml 2> /dev/null
  sed -i 's/from: image/from: payload/' cluster.yaml
  "${seed}" payload plan --format json 2> /dev/null | sed -n 's/.*"package": "\([^" ]*\).*/\1/p' |
    awk '{ printf "package\t%s\t0\t1\t1\tx86_64\nprovides\t%s\t=\t1-1\n", $1, $1 }' > image
  "${seed}" payload add image "${work}"/packages/*.rpm 2> /dev/null
  rm -r "${work}/packages"
  "${box[@]}" 2> "${work}/log" || {
    cat "${work}/log" >&2
    exit 2
  }
  cd "${work}"
}

box_round() {
  rm -rf "${work}"/{metadata,copy,tar.gz,small/repodata}
  mkdir "${work}/metadata"
  measure box "${box[@]}"
  measure copy bash "${self}" --copy "${payload}" "${work}/copy"
  measure sha256 "${steps}" sha256 "${payload}"/*
  measure tarball bash "${self}" --tarball "${payload}" "${work}/tar.gz"
  measure repodata "${steps}" repodata "${work}/small" "${work}/metadata"
  measure createrepo createrepo_c --quiet --general-compress-type gz "${work}/small"
}

seed_round() {
  rm -rf "${work}"/{vault,out,recipe,ours,theirs}
  mkdir "${work}"/{recipe,ours,theirs}
  measure fresh "${build[@]}"
  measure recipe bash "${self}" --recipe "${work}/recipe"
  measure rebuild "${build[@]}"
  measure images "${steps}" images "${tree}" "${work}/ours"
  measure genisoimages bash "${self}" --genisoimages "${tree}" "${work}/theirs"
}

build=("${seed}" build "${work}/cluster.yaml" --out "${work}/out" --vault "${work}/vault")
box=("${seed}" build "${work}/offline/cluster.yaml" --offline --out "${work}/offline/out")
tree=${work}/out/example/hosts
payload=${work}/offline/example.payload/packages
measured=(box copy sha256 tarball repodata createrepo)
if [[ ${only} == all ]]; then
  (cd "${work}" && "${seed}" init cluster.yaml 2> /dev/null)
  measured=(fresh recipe rebuild images genisoimages "${measured[@]}")
fi
prepare_box
for ((round = 1; round <= rounds; round++)); do
  [[ ${only} == box ]] || seed_round
  box_round
done

printf '%s rounds, %s processors, load %s, %s\n\n' "${rounds}" "$(nproc || true)" \
  "$(cut -d ' ' -f 1-3 /proc/loadavg || true)" "$(openssl version || true)"
printf '%-14s %12s %12s %14s %12s\n' '' 'median, s' 'least, s' 'CPU median, s' 'peak, MiB'
# peak WHAT
peak() {
  sort -n -k 3,3 "${work}/figures/$1" | awk 'END { printf "%.1f", $3 / 1024 }'
}
for what in "${measured[@]}"; do
  wall=$(median "${what}" 1)
  best=$(least "${what}" 1)
  cpu=$(median "${what}" 2)
  most=$(peak "${what}")
  printf '%-14s %12s %12s %14s %12s\n' "${what}" "${wall}" "${best}" "${cpu}" "${most}"
done
echo

# share ONE OTHER: sets `value` to the median of the one by that of the other.
share() {
  local one other
  one=$(median "$1" 1)
  other=$(median "$2" 1)
  value=$(ratio "${one}" "${other}")
}

if [[ ${only} == all ]]; then
  share recipe fresh
  verdict 'fresh build, times as fast as the recipe' "${value}" '>=' 3.5
  value=$(median rebuild 1)
  verdict 'rebuild, seconds' "${value}" '<' 0.080
  value=$(peak rebuild)
  verdict 'rebuild, peak MiB' "${value}" '<' 40
  share images genisoimages
  verdict 'nine images, share of genisoimage' "${value}" '<' 1
fi
share box tarball
verdict 'box, share of tar, gzip -1 and sha256sum' "${value}" '<=' 0.10
copied=$(median copy 1)
digested=$(median sha256 1)
needed=$(awk -v copy="${copied}" -v digest="${digested}" 'BEGIN { print copy + digest }')
value=$(median box 1)
value=$(ratio "${value}" "${needed}")
verdict 'box, times cat and one pass of sha2' "${value}" '<=' 2
value=$(peak box)
verdict 'box, peak MiB' "${value}" '<' 64
share repodata createrepo
verdict 'repodata of 500, share of createrepo_c' "${value}" '<=' 1
exit "${failed}"
