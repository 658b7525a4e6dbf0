#!/bin/bash
# Each phase done, each phase killed and resumed, and what stops or repeats it.
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; ROOT and S come from lib.sh

test_all_phases_end_ready() {
  drive
  is state READY
  is host db-2
  is cluster prod
  installs 1
  [[ $(status waiting_for) == '[]' && $(status generation) == 1 && $(status schema) == 1 ]]
  says '^20[0-9-]+T[0-9:]+Z cfy-seed db-2 RUNNING PREFLIGHT '
  says 'cfy-seed db-2 RUNNING INSTALL/database '
  cmp "$ROOT/out" "$ROOT/dev/console"
}

# Kills the driver when CONDITION holds, boots again, and expects the normal end.
killed_at() {
  start_driver
  until_true "$@"
  kill_driver
  rm -rf "$ROOT"/hang/*
  drive
  is state READY
  installs 1
  [[ $(<"$ROOT/etc/hosts") == *'END cfy-seed'*localhost* ]]
}
test_killed_in_preflight() { touch "$ROOT/hang/ip" && killed_at called ip addr; }
test_killed_in_payload() {
  touch "$ROOT/hang/curl" && killed_at called curl payload
  count yum install 1
}
test_killed_in_packages() { touch "$ROOT/hang/yum" && killed_at called yum install; }
test_killed_in_configure() {
  touch "$ROOT/hang/cfy_manager-validate" && killed_at called cfy_manager validate
  count curl payload 1
}
test_killed_in_wait() {
  rm "$ROOT/answers/tcp-10.0.0.11-2380"
  start_driver
  until_true is state WAITING
  kill_driver
  touch "$ROOT/answers/tcp-10.0.0.11-2380"
  drive
  is state READY
  installs 1
}
test_killed_in_install_never_installs_twice() {
  touch "$ROOT/hang/cfy_manager-install"
  start_driver
  until_true installs 1
  kill_driver
  start_driver
  # The second driver follows the install that it found running.
  until_true resumed
  rm "$ROOT/hang/cfy_manager-install"
  wait "$driver"
  is state READY
  installs 1
}
resumed() { (($(grep -c 'RUNNING INSTALL/database' "$ROOT/out") > 1)); }
test_killed_in_health() {
  tabs http https://10.0.0.12:2379/health 200 - 1 - >"$S/health/database" && seal
  start_driver
  until_true is phase HEALTH
  kill_driver
  answer https://10.0.0.12:2379/health 200
  drive
  is state READY
  installs 1
}
test_killed_in_scrub() {
  # shellcheck disable=SC2016 # expands in the fake
  printf '#!/bin/bash\n[[ $* != *obj.pkl* ]] || note rm "$@"\nexec /bin/rm "$@"\n' >"$ROOT/bin/rm"
  chmod 755 "$ROOT/bin/rm"
  touch "$ROOT/hang/rm"
  killed_at called rm obj.pkl
  [[ ! -e $S/files ]]
}

test_ready_exits_at_once() {
  drive
  : >"$ROOT/calls/systemctl"
  : >"$ROOT/out"
  drive
  [[ ! -s $ROOT/calls/systemctl && ! -s $ROOT/out ]]
  is state READY
}
test_second_driver_says_so() {
  touch "$ROOT/hang/ip"
  start_driver
  until_true called ip addr
  drive_fails
  says CFY-G002
}
test_markers_forbid_an_install() {
  marked
  rm "$ROOT/answers/tcp-10.0.0.11-2380"
  drive
  is state READY
  installs 0
  count systemctl '^start' 0
}
test_install_by_hand_respects_markers_and_lock() {
  marked
  bash "$SCRIPT" install database
  installs 0
  rm -r "$ROOT/etc/cloudify"
  exec 7>"$ROOT/var/lib/cfy-seed/install-database.lock"
  flock 7
  none bash "$SCRIPT" install database
  installs 0
}
test_no_install_before_the_gate_holds() {
  rm "$ROOT/answers/tcp-10.0.0.11-2380"
  start_driver
  until_true is state WAITING
  until_true grep -q 'waits for db-1: tcp 10.0.0.11:2380 (no connection) since 20' "$ROOT/out"
  installs 0
  [[ $(status waiting_for) == '[{"peer": "db-1", "probe": "tcp 10.0.0.11:2380", "since": "'*'", "next_try": "'* ]]
  touch "$ROOT/answers/tcp-10.0.0.11-2380"
  wait "$driver"
  is state READY
}
test_stalled_goes_on() {
  plan_drop '^time\tstall' && plan_add time stall_after 0
  rm "$ROOT/answers/tcp-10.0.0.11-2380"
  start_driver
  until_true is state STALLED
  is code CFY-G050
  grep -q 'STALLED WAIT/database CFY-G050' "$ROOT/etc/issue"
  touch "$ROOT/answers/tcp-10.0.0.11-2380"
  wait "$driver"
  is state READY
  is code ''
  none grep -q CFY-G050 "$ROOT/etc/issue"
}
test_environment_of_cfy_manager() {
  drive
  local env=$ROOT/calls/environment-install
  grep -qx LANG=en_US.UTF-8 "$env"
  grep -qx HOME=/root "$env"
  grep -qE '^PATH=.*:/sbin:/bin:/usr/sbin:/usr/bin' "$env"
  none grep -qE '^(LC_ALL|TZ)=' "$env"
  [[ $(<"$ROOT/calls/umask") == 0022 ]]
}
test_two_roles_in_order() {
  plan_add role 2 broker /etc/cloudify/cfy-seed/broker.yaml
  plan_add file broker.yaml /etc/cloudify/cfy-seed/broker.yaml 0600
  plan_add marker broker /etc/cloudify/.configured/queue_service
  plan_add recover broker rerun
  drive
  is state READY
  [[ $(calls cfy_manager | grep ^install) == *database.yaml*$'\n'*broker.yaml* ]]
}
test_balancer() {
  plan_drop '^(role|marker|recover|fetch|rpm|rpm_name)\t'
  plan_add file haproxy.cfg /etc/haproxy/haproxy.cfg 0600
  plan_add role 1 load_balancer /etc/haproxy/haproxy.cfg
  plan_add recover load_balancer rerun
  tabs unit haproxy.service >"$S/health/load_balancer" && seal
  touch "$ROOT/answers/unit-haproxy.service"
  echo Enforcing >"$ROOT/answers/getenforce"
  drive
  is state READY
  called haproxy "^-c -f $ROOT/etc/haproxy/haproxy.cfg"
  called setsebool haproxy_connect_any
  called systemctl 'enable haproxy'
  called systemctl 'restart haproxy'
  count cfy_manager . 0
}
