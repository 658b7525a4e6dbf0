#!/bin/bash
# What PREFLIGHT finds before anything is changed, and what it opens when nothing is wrong.
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; ROOT and S come from lib.sh

refuses() {
  drive_fails
  is state FAILED
  is code "$1"
  count yum . 0
  installs 0
}
# lies QUERY ANSWER: getent says that of QUERY.
lies() { sed -i "2i [[ \$2 != $1 ]] || { echo '$2' && exit; }" "$ROOT/bin/getent"; }
test_preflight_names() {
  lies db-3 '10.9.9.9 STREAM'
  refuses CFY-G015
  [[ $(status cause) == *'db-3 is not 10.0.0.13'* && $(status cause) != *db-1* ]]
}
test_preflight_names_backwards() {
  lies 10.0.0.21 '10.0.0.21 somebody'
  refuses CFY-G015
  [[ $(status cause) == *'10.0.0.21 is not broker-1'* ]]
}
listening() { printf 'State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0      128    %s    0.0.0.0:*\n' "$@" >"$ROOT/answers/ss"; }
test_preflight_port_taken() {
  listening 127.0.0.1:2379 && refuses CFY-G016
  [[ $(status cause) == *2379* ]]
}
test_preflight_similar_port() {
  listening 127.0.0.1:12379 10.0.0.12:23790
  drive
  is state READY
}
test_preflight_ports_of_an_install_that_began() {
  touch "$ROOT/var/lib/cfy-seed/stamps/started-database"
  listening 10.0.0.12:2379
  drive
  is state READY
}
test_preflight_noexec() {
  echo rw,nosuid,noexec,relatime >"$ROOT/answers/findmnt"
  refuses CFY-G017
  called findmnt "-T $ROOT/opt"
}
test_preflight_sudo() { touch "$ROOT/answers/sudo-refuses" && refuses CFY-G018; }
test_preflight_fapolicyd() { touch "$ROOT/answers/unit-fapolicyd" && refuses CFY-G019; }
test_preflight_packages_of_the_image() { plan_add package cronie && refuses CFY-G030; }
test_preflight_minor_release() {
  plan_drop '^need\tos' && plan_add need os rocky 8 6
  echo 'CentOS Linux release 8.5.2111' >"$ROOT/etc/redhat-release"
  refuses CFY-G014
  echo 'CentOS Linux release 8.10.2111' >"$ROOT/etc/redhat-release"
  drive
  is state READY
}
test_preflight_everything_at_once() {
  touch "$ROOT/answers/sudo-refuses" "$ROOT/answers/unit-fapolicyd"
  echo noexec >"$ROOT/answers/findmnt"
  listening 0.0.0.0:8009
  : >"$ROOT/answers/ip"
  plan_add package cronie
  plan_drop '^need\tmem' && plan_add need memory_mb 9999999
  drive_fails
  for code in 10 12 16 17 18 19 30; do [[ $(status cause) == *CFY-G0$code* ]]; done
}
test_preflight_opens_firewalld() {
  touch "$ROOT/answers/unit-firewalld"
  drive
  is state READY
  count firewall-cmd . 2
  called firewall-cmd '^-q --permanent .*--add-rich-rule=rule family=ipv4 port port=8009 protocol=tcp accept'
  called firewall-cmd '--add-rich-rule=rule family=ipv4 source address=10.0.0.13 port port=2379 protocol=tcp accept'
  none called firewall-cmd 'family=ipv4 port port=2379'
}
test_preflight_firewalld_refuses() {
  touch "$ROOT/answers/unit-firewalld" "$ROOT/answers/firewall-refuses"
  refuses CFY-G016
}
test_preflight_leaves_a_stopped_firewalld_alone() {
  drive
  count firewall-cmd . 0
}
# dated WHEN: what peers answer has headers, with a date.
dated() {
  echo "$1" >"$ROOT/answers/when"
  sed -i '$d' "$ROOT/bin/curl"
  # shellcheck disable=SC2016 # expands in the fake
  printf '%s\n' 'd=$(date -u -d "$(cat "$CFY_ROOT/answers/when")" "+%a, %d %b %Y %H:%M:%S GMT")' \
    'printf "HTTP/1.1 %s OK\r\nContent-Type: x\r\ndate: %s\r\n\r\n%s\n%s" "$http" "$d" "$body" "$http"' >>"$ROOT/bin/curl"
  answer https://10.0.0.11:2379/health 200 '{"health":"true"}'
  no_gate database
  gate database http https://10.0.0.11:2379/health 200 '^.."?health"?: *"?true"?.$' 3 -
}
test_clock_of_a_peer() {
  dated '3 hours ago'
  drive
  is state READY
  [[ $(grep -c CFY-G052 "$ROOT/out") == 1 ]]
  says 'CFY-G052 clocks differ: 10[78][0-9][0-9] s from https://10.0.0.11:2379'
}
test_clock_of_a_peer_is_ours() {
  dated now
  drive
  is state READY
  none grep -q CFY-G052 "$ROOT/out"
}
