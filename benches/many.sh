#!/bin/bash
# Measures how the cost of a build grows: with clusters in one run, and with hosts in one cluster.
#
#   benches/many.sh [ROUNDS]         medians of 5 rounds unless said; interleaved
#
# clusters  100 clusters of nine in one run, vaults in place, against one run for each of them
# hosts     90 hosts (3 databases, 77 brokers, 10 managers) against 9, vaults in place: at most eleven times the time
#
# Ends with status 1 where a bound does not hold. Needs GNU time, awk.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rounds=${1:-5}
export LC_ALL=C

cargo build --manifest-path "${root}/Cargo.toml" --locked --release --quiet
target=$(cargo metadata --manifest-path "${root}/Cargo.toml" --format-version 1 --no-deps --locked |
  sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
program=${target}/release/cfy-seed
# Beside the build, so that it is the same disk: in memory a sync costs nothing.
work=$(mktemp -d "${target}/many.XXXXXX")
trap 'rm -rf "${work}"' EXIT

# hosts ROLE COUNT NETWORK: lines of the host list.
hosts() {
  local number
  for ((number = 1; number <= $2; number++)); do
    echo "- {name: $1-${number}, roles: [$1], private_ip: 10.0.$3.${number}}"
  done
}

# spec NAME DATABASES BROKERS MANAGERS
spec() {
  printf 'apiVersion: cfy-seed/v1\nname: %s\ncloudify: {version: "7.0.4", rpm: {preinstalled: true}}\n' "$1"
  printf 'network: {prefix: 16}\nhosts:\n'
  hosts database "$2" 1
  hosts broker "$3" 2
  hosts manager "$4" 3
}

# measure WHAT COMMAND…: adds "wall user+sys peak-KiB" to the file of WHAT.
measure() {
  local what=$1 start end
  shift
  start=${EPOCHREALTIME}
  command time --quiet --format '%U %S %M' --output "${work}/usage" "$@" > "${work}/log" 2>&1 || {
    cat "${work}/log" >&2
    exit 1
  }
  end=${EPOCHREALTIME}
  awk -v start="${start}" -v end="${end}" '{print end - start, $1 + $2, $3}' "${work}/usage" >> "${work}/${what}"
}

# median WHAT COLUMN
median() {
  sort -n -k "$2,$2" "${work}/$1" | awk -v column="$2" '{value[NR] = $column} END {print value[int((NR + 1) / 2)]}'
}

one_by_one() {
  local spec
  for spec in "$@"; do
    "${program}" build --out "${work}/out" "${spec}"
  done
}
export -f one_by_one
export program work

for ((number = 1; number <= 100; number++)); do
  spec "c${number}" 3 3 3 > "${work}/c${number}.yaml"
done
spec nine 3 3 3 > "${work}/nine.yaml"
spec ninety 3 77 10 > "${work}/ninety.yaml"
clusters=("${work}"/c*.yaml)
start=${EPOCHREALTIME}
"${program}" build --out "${work}/out" "${clusters[@]}" > "${work}/log" 2>&1
awk "BEGIN {printf \"fresh: 100 clusters, 1200 keys: %.1f s\n\", ${EPOCHREALTIME} - ${start}}"
"${program}" build --out "${work}/out" "${work}/nine.yaml" "${work}/ninety.yaml" > "${work}/log" 2>&1

for ((round = 1; round <= rounds; round++)); do
  measure together "${program}" build --out "${work}/out" "${clusters[@]}"
  measure one-by-one bash -c 'one_by_one "$@"' bash "${clusters[@]}"
  measure nine "${program}" build --out "${work}/out" "${work}/nine.yaml"
  measure ninety "${program}" build --out "${work}/out" "${work}/ninety.yaml"
done

printf '%-12s%12s%12s%12s\n' '' 'median, s' 'CPU, s' 'peak, MiB'
for what in together one-by-one nine ninety; do
  wall=$(median "${what}" 1)
  cpu=$(median "${what}" 2)
  peak=$(median "${what}" 3)
  awk "BEGIN {printf \"%-12s%12.3f%12.2f%12.1f\n\", \"${what}\", ${wall}, ${cpu}, ${peak} / 1024}"
done
nine=$(median nine 1)
ninety=$(median ninety 1)
awk "BEGIN {ratio = ${ninety} / ${nine}; printf \"90 hosts against 9: %.1f times\n\", ratio; exit ratio > 11}"
