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
#
# Wall time decides; user and system time stand beside it, because other work on the machine hardly changes them.
# Ends with status 1 where a bound does not hold. Needs openssl, genisoimage, GNU time, awk.
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

case ${1:-} in
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

rounds=${1:-7}
if ! [[ ${rounds} =~ ^[1-9][0-9]?$ ]] || ((rounds < 5)); then
  echo "usage: benches/peers.sh [ROUNDS], 5 to 99" >&2
  exit 64
fi
for tool in openssl genisoimage awk; do
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
(cd "${work}" && "${seed}" init cluster.yaml 2> /dev/null)
build=("${seed}" build "${work}/cluster.yaml" --out "${work}/out" --vault "${work}/vault")
tree=${work}/out/example/hosts
for ((round = 1; round <= rounds; round++)); do
  rm -rf "${work}"/{vault,out,recipe,ours,theirs}
  mkdir "${work}"/{recipe,ours,theirs}
  measure fresh "${build[@]}"
  measure recipe bash "${self}" --recipe "${work}/recipe"
  measure rebuild "${build[@]}"
  measure images "${steps}" images "${tree}" "${work}/ours"
  measure genisoimages bash "${self}" --genisoimages "${tree}" "${work}/theirs"
done

printf '%s rounds, %s processors, load %s, %s\n\n' "${rounds}" "$(nproc || true)" \
  "$(cut -d ' ' -f 1-3 /proc/loadavg || true)" "$(openssl version || true)"
printf '%-14s %12s %12s %14s %12s\n' '' 'median, s' 'least, s' 'CPU median, s' 'peak, MiB'
for what in fresh recipe rebuild images genisoimages; do
  wall=$(median "${what}" 1)
  best=$(least "${what}" 1)
  cpu=$(median "${what}" 2)
  peak=$(sort -n -k 3,3 "${work}/figures/${what}" | awk 'END { printf "%.1f", $3 / 1024 }')
  printf '%-14s %12s %12s %14s %12s\n' "${what}" "${wall}" "${best}" "${cpu}" "${peak}"
done

fresh=$(median fresh 1)
recipe=$(median recipe 1)
rebuild=$(median rebuild 1)
ours=$(median images 1)
theirs=$(median genisoimages 1)
speed=$(ratio "${recipe}" "${fresh}")
share=$(ratio "${ours}" "${theirs}")
memory=$(sort -n -k 3,3 "${work}/figures/rebuild" | awk 'END { printf "%.1f", $3 / 1024 }')
echo
verdict 'fresh build, times as fast as the recipe' "${speed}" '>=' 3.5
verdict 'rebuild, seconds' "${rebuild}" '<' 0.080
verdict 'rebuild, peak MiB' "${memory}" '<' 40
verdict 'nine images, share of genisoimage' "${share}" '<' 1
exit "${failed}"
