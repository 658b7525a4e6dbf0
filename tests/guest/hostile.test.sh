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
# More than the floor, and for ever: the host says so when the time has come, and cuts nobody off any more after that.
fast_enough() {
  local n
  plan_drop '^time\t' && plan_add time poll 1 && plan_add time stall_after 2
  start_driver
  until_true is code CFY-G022
  is state STALLED
  [[ $(status cause) == *'curl exit 28 '*timed\ out* ]]
  until_true tried_again "$1"
  /bin/sleep 1
  n=$(grep -cx "$1" "$ROOT/http")
  /bin/sleep 4
  [[ $(grep -cx "$1" "$ROOT/http") == "$n" ]]
}
test_hostile_rpm_that_is_just_fast_enough_is_told() {
  hostile_server
  plan_drop '^rpm\t' && plan_add rpm url "$server/tough/rpm" "$(repeat 64 0 | tr -d '\n')"
  fast_enough /tough/rpm
}
test_hostile_payload_that_is_just_fast_enough_is_told() {
  payload_from tough
  fast_enough /tough/SHA256SUMS
}

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
test_hostile_file_that_fills_the_disk_keeps_no_other_from_us() {
  local rest=$ROOT/opt/cfy-seed/payload
  wants_payload
  payload_in "$ROOT/media/cfypayload"
  mkdir -p "${rest%/*}"
  cp -a "$ROOT/media/cfypayload" "$rest"
  # The other place has what does not fit here, and not what follows it in the list.
  rm "$rest/payload.lock"
  # shellcheck disable=SC2016 # expands in the fake
  printf '#!/bin/bash\n[[ $* != *if=*media*which* ]] || { echo "dd: error writing: No space left on device" >&2; exit 1; }\nexec /usr/bin/dd "$@"\n' >"$ROOT/bin/dd"
  chmod 755 "$ROOT/bin/dd"
  drive
  installed_from "$ROOT/media/cfypayload"
  says "has the payload of /opt/cfy-seed/payload"
}

# NUMBER: mount ends with it, as with 2 where the kernel has no such device: nobody has looked at a list then.
unmountable() {
  wants_payload
  plan_drop '^time\tstall' && plan_add time stall_after 0
  device sdb
  echo "$1" >"$ROOT/dev/sdb/no-file-system"
  start_driver
  until_true is code CFY-G023
  [[ $(status cause) == *'nothing at /dev/sdb (mount: wrong fs type on /dev/sdb missing codepage, or other error); '* ]]
  device sdc
  wait "$driver"
  installed_from "$ROOT/dev/sdc"
}
test_hostile_medium_that_cannot_be_mounted() { unmountable 32; }
test_hostile_medium_that_the_system_refuses() { unmountable 2; }

# Whoever sends on to another protocol is not followed, and the host says why.
test_hostile_server_that_sends_the_payload_to_another_protocol() {
  payload_from elsewhere
  plan_drop '^time\tstall' && plan_add time stall_after 0
  not_followed
}
test_hostile_server_that_sends_the_rpm_to_another_protocol() {
  hostile_server
  plan_drop '^(time\tstall|rpm\t)' && plan_add time stall_after 0
  plan_add rpm url "$server/elsewhere/rpm" "$(repeat 64 0 | tr -d '\n')"
  not_followed
}
not_followed() {
  start_driver
  until_true is code CFY-G022
  [[ $(status cause) == *'curl exit 1 curl: (1) Protocol'* ]]
  kill_driver
  # A client of FTP would wait for the server to speak, and never ask.
  [[ $(grep -c '^connection' "$ROOT/http") == $(grep -c '^/elsewhere/' "$ROOT/http") ]]
}

test_hostile_part_of_the_rpm_is_not_the_end() {
  mkdir "$ROOT/var/lib/cfy-seed/payload"
  echo bad >"$ROOT/var/lib/cfy-seed/payload/part"
  drive
  is state READY
  count curl payload/part 2
}

# A peer, or who speaks for it, at a probe.
test_hostile_date_of_a_peer() {
  dated now
  sed -i 's/^d=.*/d="Tue, 99 Foo GMT"/' "$ROOT/bin/curl"
  drive
  is state READY
  none grep -q CFY-G052 "$ROOT/out"
}
test_hostile_answer_of_a_peer_without_end() {
  plan_drop '^(fetch|rpm)\t' && plan_add rpm preinstalled
  echo cloudify-manager-install 7.0.4 >>"$ROOT/answers/rpms"
  hostile_server
  why='http .*/endless/ok \(curl exit (23|141)\)' stays http "$server/endless/ok" 200 - 1 -
}
