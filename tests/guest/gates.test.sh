#!/bin/bash
# The gate grammar, each probe type against canned answers (gates.md says what real services answer).
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; ROOT and S come from lib.sh

# opens GATE-RECORD…: the install may start. stays GATE-RECORD…: it may not, and the answer matches $why.
opens() {
  no_gate database
  gate database "$@"
  drive
  is state READY
}
stays() {
  no_gate database
  gate database "$@"
  start_driver
  until_true is state WAITING
  until_true says "$why"
  installs 0
}
leader='{"state": "running", "role": "master", "xlog": {"location": 1}, "replication": ['
standby() { printf '{"usename": "replicator", "application_name": "%s", "client_addr": "10.0.0.1", "state": "%s", "sync_state": "%s", "sync_priority": 1}' "$@"; }
patroni() {
  answer https://10.0.0.11:8008/ 503 '{"state": "running", "role": "replica"}'
  answer https://10.0.0.12:8008/ 200 "$leader$1], \"patroni\": {\"version\": \"3.0.2\"}}"
  answer https://10.0.0.13:8008/ 503 '{"state": "running", "role": "replica"}'
}
db=(10.0.0.11 10.0.0.12 10.0.0.13)

test_gate_tcp() { opens tcp 10.0.0.11 2380 1; }
test_gate_tcp_of_an_external_name() {
  : >"$ROOT/answers/tcp-db.example.com-5432"
  opens tcp db.example.com 5432 2
}
test_gate_tcp_closed() { why='db-3: tcp 10.0.0.13:2380 \(no connection' stays tcp 10.0.0.13 2380 1; }
test_gate_http() {
  answer https://10.0.0.11:2379/health 200 '{"health":"true"}'
  opens http https://10.0.0.11:2379/health 200 '"health": *"true"' 1 -
}
test_gate_http_other_text() {
  answer https://10.0.0.11:2379/health 200 '{"health":"false"}'
  why='db-1: http https.*health \(http 200' stays http https://10.0.0.11:2379/health 200 '"health": *"true"' 1 -
}
test_gate_http_503() {
  answer https://10.0.0.11:2379/health 503 '{"health":"true"}'
  why='http 503' stays http https://10.0.0.11:2379/health 200 - 1 -
}
test_gate_http_refused() { why='curl exit 7' stays http https://10.0.0.11/api/v3.1/ok 200 - 1 -; }
test_gate_http_58_is_tried_again() {
  answer https://10.0.0.11/ok exit58
  why='curl exit 58' stays http https://10.0.0.11/ok 200 - 1 -
  answer https://10.0.0.11/ok 200
  wait "$driver"
  is state READY
  called curl "--noproxy \* --connect-timeout 3 -m 5 --tlsv1.2 --cacert $ROOT/etc/cloudify/cfy-seed/ca.crt"
}
test_gate_database() {
  patroni "$(standby pg10_0_0_11 streaming sync), $(standby pg10_0_0_13 streaming async)"
  opens database 2 2 "${db[@]}"
}
test_gate_database_newer_role_name() {
  leader=${leader/master/primary}
  patroni "$(standby pg10_0_0_11 streaming sync)"
  opens database 1 1 "${db[@]}"
}
test_gate_database_clones_do_not_count() {
  patroni "$(standby pg10_0_0_11 streaming sync), $(standby pg_basebackup streaming async), $(standby pg_basebackup backup async)"
  why='leaders 1, streaming 1, sync 1' stays database 2 1 "${db[@]}"
}
test_gate_database_no_synchronous() {
  patroni "$(standby pg10_0_0_11 streaming potential), $(standby pg10_0_0_13 streaming async)"
  why='streaming 2, sync 0' stays database 2 1 "${db[@]}"
}
test_gate_database_not_streaming() {
  patroni "$(standby pg10_0_0_11 streaming sync), $(standby pg10_0_0_13 catchup async)"
  why='streaming 1, sync 1' stays database 2 1 "${db[@]}"
}
test_gate_database_200_of_a_replica() {
  leader=${leader/master/replica}
  patroni "$(standby pg10_0_0_11 streaming sync)"
  why='leaders 0' stays database 1 1 "${db[@]}"
}
test_gate_database_two_leaders() {
  patroni "$(standby pg10_0_0_11 streaming sync)"
  cp "$ROOT/answers/https___10_0_0_12_8008_" "$ROOT/answers/https___10_0_0_13_8008_"
  why='leaders 2' stays database 1 1 "${db[@]}"
}
test_gate_database_hanging_node() {
  patroni "$(standby pg10_0_0_11 streaming sync)"
  answer https://10.0.0.13:8008/ exit28
  opens database 1 1 "${db[@]}"
}

nodes='https://10.0.0.21:15671/api/nodes?columns=name,running'
test_gate_broker() {
  answer "$nodes" 200 '[{"name":"rabbit@broker-1","running":true},{"name":"rabbit@broker-2","running":true}]'
  opens broker 10.0.0.21 1 broker.conf broker-1 broker-2
  grep -q TOP-SECRET "$ROOT/calls/curl-config"
  none called curl SECRET
}
# A foreign broker by its name: whoever we log in as is an administrator there. What the file says of its CA comes last.
test_gate_external_broker() {
  local url=https://mq-2.example.com:15671/api/whoami
  answer "$url" 200 '{"name":"cfy","tags":["monitoring","administrator"]}'
  opens http "$url" 200 '"tags":[^}]*administrator' 1 broker.conf
  called curl "--cacert $ROOT/etc/cloudify/cfy-seed/ca.crt -K $S/curl/broker.conf "
}
test_gate_external_broker_without_rights() {
  answer https://10.9.0.1:15671/api/whoami 200 '{"name":"cfy","tags":["management"]}'
  why='10.9.0.1: http https.*whoami \(http 200' stays http https://10.9.0.1:15671/api/whoami 200 '"tags":[^}]*administrator' 1 broker.conf
}
test_gate_broker_missing_member() {
  answer "$nodes" 200 '[{"name":"rabbit@broker-1","running":true}]'
  why='broker-1: broker broker-1 broker-2 \(broker-2 is not running' stays broker 10.0.0.21 1 broker broker-1 broker-2
}
test_gate_broker_member_down() {
  answer "$nodes" 200 '[{"name":"rabbit@broker-1","running":true},{"name":"rabbit@broker-2","running":false}]'
  why='broker-2 is not running' stays broker 10.0.0.21 1 broker broker-1 broker-2
}
test_gate_broker_similar_name() {
  answer "$nodes" 200 '[{"name":"rabbit@broker-11","running":true}]'
  why='broker-1 is not running' stays broker 10.0.0.21 1 broker broker-1
}
test_gate_broker_401() {
  answer "$nodes" 401 '{"error":"not_authorised"}'
  why='http 401' stays broker 10.0.0.21 1 broker broker-1
}

test_gate_hold_counts_in_a_row() {
  # shellcheck disable=SC2016 # expands in the fake
  printf '%s\n' '[[ $* != *10.0.0.11/ok ]] || { n=$(grep -c 10.0.0.11/ok "$CFY_ROOT/calls/curl"); ((n == 2)) && exit 7; printf "\n200"; exit 0; }' |
    sed -i '/^note/r /dev/stdin' "$ROOT/bin/curl"
  opens http https://10.0.0.11/ok 200 - 3 -
  # held 1, refused, then 1, 2, 3
  count curl 10.0.0.11/ok 5
  says '\(http 200 1 of 3' && says '\(http 200 2 of 3'
}
test_gate_lines_hold_in_one_round() {
  gate database tcp 10.0.0.13 2380 1
  start_driver
  until_true says 'db-3: tcp'
  rm "$ROOT/answers/tcp-10.0.0.11-2380"
  until_true says 'db-1: tcp'
  touch "$ROOT/answers/tcp-10.0.0.13-2380"
  /bin/sleep 0.5
  installs 0
  touch "$ROOT/answers/tcp-10.0.0.11-2380"
  wait "$driver"
  is state READY
}
test_no_gate() {
  no_gate database
  drive
  is state READY
}
test_health_stalls_and_goes_on() {
  plan_drop '^time\tstall' && plan_add time stall_after 0
  tabs unit supervisord.service >"$S/health/database" && seal
  start_driver
  until_true is code CFY-G051
  is state STALLED
  touch "$ROOT/answers/unit-supervisord.service"
  wait "$driver"
  is state READY
}
