#!/bin/bash
# A role that failed or died half-way follows its rule.
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; ROOT and S come from lib.sh

# A power cut inside the install: it began once, the unit is gone, there are no markers.
died_half_way() { touch "$ROOT/var/lib/cfy-seed/stamps/started-$1"; }

test_failed_install_is_tried_again() {
  echo 2 >"$ROOT/answers/install-fails"
  drive
  is state READY
  installs 3
}
test_failed_install_ends_after_three() {
  echo 9 >"$ROOT/answers/install-fails"
  drive_fails
  is code CFY-G060
  installs 3
  drive_fails
  is code CFY-G060
  echo 0 >"$ROOT/answers/install-fails"
  bash "$SCRIPT" retry
  drive
  is state READY
}
test_gate_is_asked_again_before_a_rerun() {
  died_half_way database
  rm "$ROOT/answers/tcp-10.0.0.11-2380"
  start_driver
  until_true is state WAITING
  installs 0
}
test_install_without_markers_fails() {
  touch "$ROOT/answers/no-markers"
  drive_fails
  is code CFY-G061
  installs 1
  rm "$ROOT/answers/no-markers"
  bash "$SCRIPT" retry
  called systemctl '^stop cfy-install@database'
  drive
  is state READY
}
test_first_manager_stops() {
  use_role manager manager-first
  died_half_way manager
  drive_fails
  is code CFY-G062
  [[ $(status fix) == *cloudify_db*stage*composer* ]]
  drive_fails
  is code CFY-G062
  installs 0
  bash "$SCRIPT" retry
  drive
  is state READY
  installs 1
}
test_first_manager_failed_stops() {
  use_role manager manager-first
  echo 1 >"$ROOT/answers/install-fails"
  drive_fails
  is code CFY-G062
  installs 1
}

nodes() { echo "https://$1:15671/api/nodes?columns=name,running"; }
broker_2() {
  plan_drop '^host' && plan_add host broker-2 10.0.0.12
  use_role broker broker-join broker.conf 10.0.0.21 broker-1 10.0.0.23 broker-3
  no_gate database
  died_half_way broker
}
test_joiner_is_forgotten_first() {
  broker_2
  answer "$(nodes 10.0.0.21)" 200 '[{"name":"rabbit@broker-1","running":true},{"name":"rabbit@broker-2","running":false}]'
  echo 2 >"$ROOT/answers/rabbitmqctl-fails"
  drive
  is state READY
  called supervisorctl 'stop cloudify-rabbitmq'
  count rabbitmqctl '^-n rabbit@broker-1 forget_cluster_node rabbit@broker-2$' 3
  installs 1
}
test_joiner_nobody_lists_just_runs_again() {
  broker_2
  answer "$(nodes 10.0.0.21)" 200 '[{"name":"rabbit@broker-1","running":true}]'
  drive
  is state READY
  count rabbitmqctl . 0
  count supervisorctl . 0
}
test_joiner_asks_the_next_peer() {
  broker_2
  answer "$(nodes 10.0.0.23)" 200 '[{"name":"rabbit@broker-2","running":true}]'
  drive
  count rabbitmqctl '^-n rabbit@broker-3 forget' 1
}
test_joiner_waits_for_a_peer() {
  broker_2
  plan_drop '^time\tstall' && plan_add time stall_after 0
  start_driver
  until_true is code CFY-G063
  installs 0
  answer "$(nodes 10.0.0.21)" 200 '[{"name":"rabbit@broker-1","running":true}]'
  wait "$driver"
  is state READY
}
test_first_join_forgets_nobody() {
  broker_2
  rm "$ROOT"/var/lib/cfy-seed/stamps/*
  drive
  is state READY
  count curl 15671 0
}

etcd=https://10.0.0.11:2379
locked_etcd() {
  plan_drop '^recover' && plan_add recover database database 10.0.0.11 10.0.0.12
  died_half_way database
  answer "$etcd/health" 200 '{"health":"true"}'
  answer "$etcd/v2/auth/enable" 200 '{"enabled":false}'
  answer "$etcd/v2/auth/roles/cloudifyauthsetup" 200 '{"role":"cloudifyauthsetup"}'
}
test_stale_etcd_lock_is_removed() {
  locked_etcd
  drive
  is state READY
  [[ $(calls curl | grep -o 'DELETE .*' | tr '\n' ' ') == "DELETE $etcd/v2/auth/roles/cloudifyauthsetup DELETE $etcd/v2/auth/users/root DELETE $etcd/v2/auth/users/patroni DELETE $etcd/v2/auth/roles/patroni DELETE $etcd/v2/auth/roles/guest " ]]
  installs 1
}
test_etcd_with_authentication_is_left_alone() {
  locked_etcd
  answer "$etcd/v2/auth/enable" 200 '{"enabled":true}'
  drive
  is state READY
  count curl DELETE 0
}
test_etcd_without_lock_is_left_alone() {
  locked_etcd
  answer "$etcd/v2/auth/roles/cloudifyauthsetup" 404
  drive
  count curl DELETE 0
}
test_etcd_lock_of_a_working_peer_is_left_alone() {
  locked_etcd
  # shellcheck disable=SC2016 # expands in the fake
  printf '%s\n' '[[ $* != *cloudifyauthsetup ]] || { n=$(grep -c cloudifyauthsetup "$CFY_ROOT/calls/curl"); ((n < 3)) || { printf "\n404"; exit 0; }; }' |
    sed -i '/^note/r /dev/stdin' "$ROOT/bin/curl"
  drive
  count curl DELETE 0
}
test_etcd_without_quorum_runs_again() {
  locked_etcd
  answer "$etcd/health" exit28
  drive
  is state READY
  count curl DELETE 0
}
