#!/bin/bash
# Servers, media and peers that mean harm: they cost time, and never the host's disk, its voice or its life.
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; ROOT and S come from lib.sh

# The real curl, and a server that answers as the path says: sets `server`.
hostile_server() {
  rm "$ROOT/bin/curl"
  unset http_proxy https_proxy
  setsid python3 -u "$TESTS/hostile.py" "$ROOT/server/box" >"$ROOT/http" 2>&1 &
  echo "$!" >>"$ROOT/groups"
  until_true grep -q 'port [0-9]' "$ROOT/http"
  server=http://127.0.0.1:$(grep -oE 'port [0-9]+' "$ROOT/http" | grep -oE '[0-9]+')
}
# HOW: a host whose payload is on such a server.
payload_from() {
  wants_payload
  payload_in "$ROOT/server/box"
  hostile_server
  plan_drop '^payload\t'
  plan_add payload url "$server/$1"
}
# Of what was too long nothing is left.
keeps_little() { [[ -z $(find "$ROOT/var/lib/cfy-seed" -size +1M -ls | tee -a "$ROOT/out") ]]; }

test_hostile_list_without_end() {
  payload_from endless
  payload_fails CFY-G025 "$server/endless: SHA256SUMS is longer than 32768 KiB"
  keeps_little
}
test_hostile_signature_without_end() {
  payload_from endless_signature
  payload_fails CFY-G024 "$server/endless_signature: SHA256SUMS.sig cannot be read"
  keeps_little
}
test_hostile_payload_file_fills_the_disk() {
  wants_payload
  plan_drop '^time\tstall' && plan_add time stall_after 0
  payload_in "$ROOT/server/payload/box"
  # List and signature, and then no more room, however often.
  { repeat 2 0 && repeat 300 23; } >"$ROOT/answers/download"
  start_driver
  until_true is code CFY-G013
  until_true freed
  : >"$ROOT/answers/download"
  wait "$driver"
  installed_from "$ROOT/server/payload/box"
}
# No part lies there while the host waits.
freed() { tail -n 1 "$ROOT/out" | grep -q 'curl exit 23.*next try' && [[ -z $(find "$ROOT/var/lib/cfy-seed" -name '*part') ]]; }
test_hostile_rpm_fills_the_disk() {
  plan_drop '^time\tstall' && plan_add time stall_after 0
  repeat 300 23 >"$ROOT/answers/download"
  start_driver
  until_true is code CFY-G013
  until_true freed
  : >"$ROOT/answers/download"
  wait "$driver"
  is state READY
}
