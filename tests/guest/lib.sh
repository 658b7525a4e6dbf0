#!/bin/bash
# What the tests of the guest script share: a host in a directory, its seed, and questions about what happened.
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; functions in conditions are meant; ROOT is set below

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
GUEST=$(cd "$TESTS/../../templates/guest" && pwd)
SCRIPT=$GUEST/cfy-firstboot

# one_test FUNCTION: runs it on a fresh host and ends this process.
one_test() {
  set -eE +u -o pipefail
  trap 'echo "line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND"' ERR
  ROOT=$(mktemp -d)
  export CFY_ROOT=$ROOT CFY_SCRIPT=$SCRIPT
  export PATH=$ROOT/bin:$PATH
  trap 'end_host' EXIT
  new_host
  "$1"
  exit 0
}

end_host() {
  local pid rc=$?
  # What the driver said is the first thing one wants to know of a failure.
  ((rc == 0)) || tail -n 20 "$ROOT/out" || :
  # Only what this test started: every process notes its group.
  while read -r pid; do kill -9 -- "-$pid" 2>/dev/null; done <"$ROOT/groups" || :
  rm -rf "$ROOT"
}

new_host() {
  mkdir -p "$ROOT"/{bin,etc/cloud,dev/disk/by-label,proc,opt,root,run/cloud-init,server,answers,hang,units,calls}
  mkdir -p "$ROOT"/var/lib/{cfy-seed/{secret/{gates,health,curl,files},stamps,log},cloud/{seed/nocloud,instances/i-1/scripts}}
  cp "$TESTS"/fakes/* "$ROOT/bin/"
  mkdir -p "$ROOT/usr/local/lib/cfy-seed"
  cp "$GUEST"/{codes,unpack} "$GUEST"/{fetch,recover}-* "$ROOT/usr/local/lib/cfy-seed/"
  : >"$ROOT/groups"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$ROOT/etc/hosts"
  printf 'Welcome \\S\n' >"$ROOT/etc/issue"
  : >"$ROOT/etc/motd"
  printf 'pool example.org iburst\n' >"$ROOT/etc/chrony.conf"
  printf 'ID="rocky"\nVERSION_ID="8.10"\n' >"$ROOT/etc/os-release"
  echo 'Rocky Linux release 8.10 (Green Obsidian)' >"$ROOT/etc/redhat-release"
  printf 'MemTotal:        8000000 kB\n' >"$ROOT/proc/meminfo"
  echo '2: eth0    inet 10.0.0.12/24 brd 10.0.0.255 scope global eth0' >"$ROOT/answers/ip"
  echo rpm-content >"$ROOT/server/rpm"
  : >"$ROOT/dev/console"
  : >"$ROOT/answers/devices"
  S=$ROOT/var/lib/cfy-seed/secret
  plan_lines
  seed_files
}

# The plan of db-2, with a database role; tests add and replace lines.
plan_lines() {
  local sha
  sha=$(sha256sum <"$ROOT/server/rpm")
  {
    record schema 1
    record cluster prod
    record host db-2 10.0.0.12
    record generation 1
    record member 10.0.0.11 db-1.example.org db-1
    record member 10.0.0.12 db-2.example.org db-2
    record member 10.0.0.13 db-3 db-3
    record member 10.0.0.21 broker-1 broker-1
    record time poll 1
    record time stall_after 3600
    record need memory_mb 1838
    record need disk_mb /opt 1
    record need exec /opt
    record need os rhel,rocky 8 0
    record port 2379 cluster
    record port 8009 any
    record packages_from image
    record package sudo
    record package openssl
    record fetch url
    record rpm url 'https://files.example.org/c"f\y.rpm?token=SECRET' "${sha%% *}"
    record rpm_name cloudify-manager-install 7.0.4
    record ca /etc/cloudify/cfy-seed/ca.crt
    record cert /etc/cloudify/cfy-seed/host.crt
    record file ca.crt /etc/cloudify/cfy-seed/ca.crt 0644
    record file host.crt /etc/cloudify/cfy-seed/host.crt 0644
    record file host.key /etc/cloudify/cfy-seed/host.key 0600
    record file database.yaml /etc/cloudify/cfy-seed/database.yaml 0600
    record role 1 database /etc/cloudify/cfy-seed/database.yaml
    record marker database /etc/cloudify/.installed/database_service
    record marker database /etc/cloudify/.configured/database_service
    record recover database rerun
    record scrub pin 'safe to detach the seed'
  } >"$S/plan"
  printf 'sudo\nopenssl\n' >"$ROOT/answers/rpms"
}

seed_files() {
  local name
  if [[ ! -e ${TMPDIR:-/tmp}/cfy-seed-test-cert-$UID ]]; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=t -keyout /dev/null -out "$S/files/host.crt" 2>/dev/null
    cp "$S/files/host.crt" "${TMPDIR:-/tmp}/cfy-seed-test-cert-$UID"
  fi
  cp "${TMPDIR:-/tmp}/cfy-seed-test-cert-$UID" "$S/files/host.crt"
  for name in ca.crt host.key database.yaml broker.yaml manager.yaml haproxy.cfg gpg.key; do echo "$name TOP-SECRET" >"$S/files/$name"; done
  echo 'user = "cloudify:TOP-SECRET"' >"$S/curl/broker.conf"
  tabs tcp 10.0.0.11 2380 1 >"$S/gates/database"
  : >"$ROOT/answers/tcp-10.0.0.11-2380"
  echo user-data-SECRET | tee "$ROOT/var/lib/cloud/seed/nocloud/user-data" "$ROOT"/var/lib/cloud/instances/i-1/{user-data.txt,user-data.txt.i,cloud-config.txt,obj.pkl,vendor-data.txt,scripts/runcmd} \
    "$ROOT"/run/cloud-init/{instance-data-sensitive.json,combined-cloud-config.json} >/dev/null
  touch "$ROOT"/var/lib/cloud/instances/i-1/boot-finished
  : >"$S/pki"
  seal
}

tabs() {
  local IFS=$'\t'
  printf '%s\n' "$*"
}
record() { tabs "$@"; }
plan_add() { tabs "$@" >>"$S/plan" && seal; }
# plan_drop REGEX: removes the records that match.
plan_drop() {
  grep -Pv "$1" "$S/plan" >"$S/plan.x" || :
  mv "$S/plan.x" "$S/plan"
  seal
}
# Writes the digest list as the generator does: sorted, absolute paths of the host.
seal() { (cd "$ROOT" && find ./var/lib/cfy-seed/secret -type f ! -name seed.sha256 ! -name '*.x' | sort | xargs sha256sum | digits >"$S/seed.sha256"); }
digits() { sed -E 's|^(.{8})[^ ]*  \.|\1  |'; }

# A role besides the database: use_role NAME RULE…
use_role() {
  plan_drop '^(role|marker|recover)\t'
  plan_add role 1 "$1" "/etc/cloudify/cfy-seed/$1.yaml"
  plan_add file "$1.yaml" "/etc/cloudify/cfy-seed/$1.yaml" 0600
  plan_add marker "$1" "/etc/cloudify/.configured/$1"
  plan_add recover "$1" "${@:2}"
}
gate() {
  tabs "${@:2}" >>"$S/gates/$1"
  seal
}
no_gate() {
  rm -f "$S/gates/$1"
  seal
}
# answer URL HTTP [BODY]: what the fake curl says; HTTP may be `exitN`.
answer() { printf '%s\n%s\n' "$2" "${3:-}" >"$ROOT/answers/$(tr -c 'A-Za-z0-9\n' _ <<<"$1")"; }

# Runs the driver to its end, or in the background in a session of its own (killed as one).
drive() { timeout 60 bash "$SCRIPT" run >>"$ROOT/out" 2>&1; }
drive_fails() {
  local rc=0
  drive || rc=$?
  [[ $rc == 1 ]]
}
start_driver() {
  setsid bash "$SCRIPT" run >>"$ROOT/out" 2>&1 &
  driver=$!
  echo "$driver" >>"$ROOT/groups"
}
# The driver and what it waits for, as systemd and a power cut do; installs run in units of their own.
kill_driver() {
  kill -9 -- "-$driver" 2>/dev/null || :
  wait "$driver" 2>/dev/null || :
}
until_true() {
  local n
  for ((n = 0; n < 200; n++)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    /bin/sleep 0.05
  done
  echo "never true: $*"
  cat "$ROOT/out"
  return 1
}

# A Python that has jsonschema.
find_jsonschema() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import jsonschema' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}

# status FIELD: of status.json, by a real JSON parser.
status() { python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); v=d[sys.argv[2]]; print(v if isinstance(v,str) else json.dumps(v))' "$ROOT/var/lib/cfy-seed/status.json" "$1"; }
is() {
  local got
  got=$(status "$1")
  [[ $got == "$2" ]] || {
    echo "$1 is $got, not $2"
    cat "$ROOT/out"
    return 1
  }
}
says() { grep -qE -- "$1" "$ROOT/out" || { echo "does not say $1:" && cat "$ROOT/out" && return 1; }; }
calls() { cat "$ROOT/calls/$1" 2>/dev/null || :; }
called() { calls "$1" | grep -qE -- "$2"; }
# count COMMAND REGEX NUMBER
count() {
  local n
  n=$(calls "$1" | grep -cE -- "$2" || :)
  [[ $n == "$3" ]] || {
    echo "$1 $2: $n calls, not $3"
    calls "$1"
    return 1
  }
}
installs() { count cfy_manager '^install' "$1"; }
none() { ! "$@"; }
marked() { mkdir -p "$ROOT"/etc/cloudify/.{installed,configured} && touch "$ROOT"/etc/cloudify/.{installed,configured}/database_service; }
# repeat NUMBER LINE
repeat() {
  local n
  for ((n = 0; n < $1; n++)); do printf '%s\n' "$2"; done
}
