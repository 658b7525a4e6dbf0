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

# A minute of patience is two seconds here.
hasty_curl() {
  # shellcheck disable=SC2016 # expands in the fake
  printf '#!/bin/bash\nexec /usr/bin/curl "${@/#60/2}"\n' >"$ROOT/bin/curl"
  chmod 755 "$ROOT/bin/curl"
}
test_hostile_payload_that_crawls_is_told_and_tried_again() {
  payload_from slow
  hasty_curl
  plan_drop '^time\t' && plan_add time poll 1 && plan_add time stall_after 0
  start_driver
  until_true is code CFY-G022
  is state STALLED
  [[ $(status cause) == *"$server/slow: curl exit 28 "*Operation\ too\ slow* ]]
  until_true tried_again /slow/SHA256SUMS
}
test_hostile_rpm_that_crawls_is_told_and_tried_again() {
  hostile_server
  hasty_curl
  plan_drop '^(time|rpm)\t' && plan_add time poll 1 && plan_add time stall_after 0
  plan_add rpm url "$server/slow/rpm" "$(repeat 64 0 | tr -d '\n')"
  start_driver
  until_true is code CFY-G022
  is state STALLED
  [[ $(status cause) == *'curl exit 28 '*Operation\ too\ slow* ]]
  until_true tried_again /slow/rpm
}
tried_again() { (($(grep -cx "$1" "$ROOT/http") > 1)); }
# Whatever a command waits for, and however well it is fed: a host that has said nothing else by then says that it takes long.
test_hostile_server_that_is_just_fast_enough_is_told() {
  plan_drop '^time\tstall' && plan_add time stall_after 0
  touch "$ROOT/hang/curl"
  start_driver
  until_true is code CFY-G064
  is state STALLED
  [[ $(status cause) == 'takes long: log/download.log since 20'* && $(status fix) == *' log in /var/lib/cfy-seed.' ]]
  # What is known later is more than that, and is not taken back by the next try.
  repeat 300 7 >"$ROOT/answers/download"
  rm "$ROOT/hang/curl"
  until_true is code CFY-G022
  until_true called_often curl payload
  is code CFY-G022
  [[ $(grep -c CFY-G064 "$ROOT/out") == 1 ]]
  : >"$ROOT/answers/download"
  wait "$driver"
  is state READY
}
called_often() { (($(calls "$1" | grep -c "$2") > 4)); }

# What was a file when the host looked at it is a pipe that nobody writes to, or a link to a good one, when it reads.
becomes() {
  local here=$ROOT/media/cfypayload
  wants_payload
  payload_in "$here"
  cp "$here/payload.lock" "$ROOT/lock"
  printf '#!/bin/bash\n[[ $* != *if=*payload.lock* ]] || { rm -f "%s" && %s "%s"; }\nexec /usr/bin/dd "$@"\n' \
    "$here/payload.lock" "$1" "$here/payload.lock" >"$ROOT/bin/dd"
  chmod 755 "$ROOT/bin/dd"
  payload_fails CFY-G025 "/media/cfypayload: payload.lock is missing"
}
test_hostile_file_that_becomes_a_pipe() { becomes mkfifo; }
test_hostile_file_that_becomes_a_link() { becomes "ln -s $ROOT/lock"; }
