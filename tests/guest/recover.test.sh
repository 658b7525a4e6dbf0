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
# A first manager whose databases are half-made, by what psql says of them.
first_manager() {
  use_role manager "$@"
  died_half_way manager
  echo 'password=TOP-SECRET' >"$S/files/pg_service.conf"
  seal
  mkdir -p "$ROOT/usr/bin"
  cp "$TESTS/fakes/psql" "$ROOT/usr/bin/"
  answer https://10.0.0.12:8008/ 200
  answer https://10.0.0.13:8008/ 503
}
dropped() { (calls psql | grep -o 'DROP .*' || :) | tr '\n' ' '; }
asked() { calls psql | grep -qF -- "$1"; }
all='DROP DATABASE IF EXISTS cloudify_db DROP DATABASE IF EXISTS stage DROP DATABASE IF EXISTS composer DROP ROLE IF EXISTS cloudify '
count_databases="SELECT count(*) FROM pg_database WHERE datname='cloudify_db'"
count_managers='SELECT count(*) FROM managers'
sql_says() { printf '%s\n' "$2" >"$ROOT/answers/psql-$(tr -c 'A-Za-z0-9\n' _ <<<"$1")"; }
test_first_manager_drops_what_is_half_made() {
  first_manager manager-first 10.0.0.11 10.0.0.12 10.0.0.13
  sql_says "$count_databases" 1
  sql_says "$count_managers" 0
  drive
  is state READY
  [[ $(dropped) == "$all" ]]
  asked "-d service=cfy-seed host=10.0.0.12 dbname=cloudify_db -c $count_managers"
  asked pg_terminate_backend
  grep -q "^PGSERVICEFILE=$S/files/pg_service.conf" "$ROOT/calls/environment-psql"
  none grep -q SECRET "$ROOT/calls/psql"
  installs 1
}
test_first_manager_before_the_tables() {
  first_manager manager-first 10.0.0.12
  sql_says "$count_databases" 1
  sql_says "$count_managers" 'ERROR:  relation "managers" does not exist'
  drive
  is state READY
  [[ $(dropped) == "$all" ]]
}
# Its row is the last thing that it commits: whoever has one there has data.
test_first_manager_never_drops_what_a_manager_is_in() {
  first_manager manager-first 10.0.0.11 10.0.0.12
  sql_says "$count_databases" 1
  sql_says "$count_managers" 3
  drive
  is state READY
  [[ -z $(dropped) ]]
  installs 1
}
# Cut between two statements of the installer, or of ours: CREATE ROLE would fail for ever.
test_first_manager_with_a_part_of_the_databases() {
  first_manager manager-first 10.0.0.11 10.0.0.12
  sql_says "$count_databases" 0
  drive
  is state READY
  [[ $(dropped) == "$all" ]]
}
test_first_manager_before_its_packages() {
  first_manager manager-first 10.0.0.11 10.0.0.12
  rm "$ROOT/usr/bin/psql"
  drive
  is state READY
  count psql . 0
}
test_first_manager_that_cannot_tell_waits() {
  first_manager manager-first 10.0.0.11 10.0.0.12
  plan_drop '^time\tstall' && plan_add time stall_after 0
  sql_says "$count_databases" 'psql: could not connect to server'
  start_driver
  until_true is code CFY-G062
  is state STALLED
  [[ $(status cause) == *'could not connect'* ]]
  installs 0
  [[ -z $(dropped) ]]
  sql_says "$count_databases" 0
  wait "$driver"
  is state READY
}
test_first_manager_waits_for_a_leader() {
  first_manager manager-first 10.0.0.11 10.0.0.13
  plan_drop '^time\tstall' && plan_add time stall_after 0
  start_driver
  until_true is code CFY-G062
  installs 0
  count psql . 0
}
test_first_manager_whose_drop_fails_tries_again() {
  first_manager manager-first 10.0.0.12
  sql_says "$count_databases" 1
  sql_says "$count_managers" 0
  sql_says 'DROP DATABASE IF EXISTS stage' 'ERROR:  database "stage" is being accessed by other users'
  start_driver
  until_true is state WAITING
  installs 0
  rm "$ROOT/answers/psql-DROP_DATABASE_IF_EXISTS_stage"
  wait "$driver"
  is state READY
}
test_all_in_one_asks_as_the_databases_own_user() {
  first_manager manager-first -
  mkdir -p "$ROOT/var/lib/pgsql/14/data"
  touch "$ROOT/var/lib/pgsql/14/data/PG_VERSION"
  sql_says "$count_databases" 1
  sql_says "$count_managers" 0
  drive
  is state READY
  [[ $(dropped) == "$all" ]]
  called sudo '^-u postgres .*psql'
  asked "-d dbname=cloudify_db -c $count_managers"
}
test_all_in_one_whose_database_does_not_start_begins_anew() {
  first_manager manager-first -
  mkdir -p "$ROOT/var/lib/pgsql/14/data"
  touch "$ROOT/var/lib/pgsql/14/data/PG_VERSION"
  sql_says "$count_databases" 'psql: connection to server on socket failed'
  drive
  is state READY
  called systemctl 'start supervisord'
  says "puts $ROOT/var/lib/pgsql/14/data aside"
  [[ ! -e $ROOT/var/lib/pgsql/14/data && -e $(echo "$ROOT"/var/lib/pgsql/14/data.20*/PG_VERSION) ]]
  [[ -z $(dropped) ]]
  count psql . 6
  installs 1
}
test_all_in_one_without_a_database_runs_again() {
  first_manager manager-first -
  drive
  is state READY
  count psql . 0
}
test_first_manager_on_a_foreign_server_stops() {
  use_role manager stop
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
test_first_manager_that_fails_on_a_foreign_server_stops() {
  use_role manager stop
  echo 1 >"$ROOT/answers/install-fails"
  drive_fails
  is code CFY-G062
  installs 1
}
test_role_that_was_ready_is_never_installed_over() {
  drive
  rm "$ROOT"/var/lib/cfy-seed/stamps/READY "$ROOT"/etc/cloudify/.configured/*
  mkdir -p "$S/files" "$S/curl" "$ROOT/var/lib/cloud/instances/i-1/scripts"
  seed_files
  drive_fails
  is code CFY-G065
  [[ $(status cause) == */etc/cloudify/.configured/database_service* ]]
  installs 1
}

# broker_data NAME TERMS: what RabbitMQ left of its members; and what the installer finds decides whether it deletes that.
broker_data() {
  mkdir -p "$ROOT/var/lib/rabbitmq/mnesia/rabbit@$1"
  echo "$2" >"$ROOT/var/lib/rabbitmq/mnesia/rabbit@$1/cluster_nodes.config"
  # shellcheck disable=SC2016 # expands in the fake
  sed -i '2i [[ $1 != install ]] || ls -A "$CFY_ROOT/etc/cloudify/.configured" >"$CFY_ROOT/calls/configured" 2>&1 || :' "$ROOT/bin/cfy_manager"
}
first_broker() {
  plan_drop '^host' && plan_add host broker-1 10.0.0.12
  use_role broker broker /etc/cloudify/.configured/broker - 10.0.0.22 broker-2 10.0.0.23 broker-3
  plan_add marker broker /etc/cloudify/.installed/broker
  no_gate database
  died_half_way broker
  broker_data broker-1 "$1"
}
test_first_broker_keeps_data_that_others_joined() {
  first_broker "{['rabbit@broker-1','rabbit@broker-2'],['rabbit@broker-1','rabbit@broker-2']}."
  drive
  is state READY
  installs 1
  grep -qx broker "$ROOT/calls/configured"
  says 'keeps its data: it is in one cluster with broker-2'
}
test_first_broker_alone_begins_anew() {
  first_broker "{['rabbit@broker-1'],['rabbit@broker-1']}."
  drive
  is state READY
  none grep -qx broker "$ROOT/calls/configured"
}
test_first_broker_with_a_name_that_is_longer() {
  first_broker "{['rabbit@broker-1','rabbit@broker-22'],['rabbit@broker-1']}."
  drive
  none grep -qx broker "$ROOT/calls/configured"
}

nodes() { echo "https://$1:15671/api/nodes?columns=name,running"; }
broker_2() {
  plan_drop '^host' && plan_add host broker-2 10.0.0.12
  use_role broker broker /etc/cloudify/.configured/broker broker.conf 10.0.0.21 broker-1 10.0.0.23 broker-3
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
  [[ $(stat -c %a "$ROOT/var/lib/cfy-seed/log/recover.log") == 600 ]]
  installs 1
}
test_joiner_that_has_joined_keeps_its_data() {
  broker_2
  plan_add marker broker /etc/cloudify/.installed/broker
  broker_data broker-2 "{['rabbit@broker-1','rabbit@broker-2'],['rabbit@broker-1','rabbit@broker-2']}."
  answer "$(nodes 10.0.0.21)" 200 '[{"name":"rabbit@broker-1","running":true},{"name":"rabbit@broker-2","running":true}]'
  drive
  is state READY
  grep -qx broker "$ROOT/calls/configured"
  count rabbitmqctl . 0
  count supervisorctl . 0
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
open_etcd() {
  plan_drop '^host' && plan_add host db-1 10.0.0.11
  echo '2: eth0    inet 10.0.0.11/24 brd 10.0.0.255 scope global eth0' >"$ROOT/answers/ip"
  plan_drop '^recover' && plan_add recover database database 10.0.0.11 10.0.0.12
  no_gate database
  tabs http "$etcd/v2/auth/enable" 200 '"enabled": *true' 1 - >"$S/health/database" && seal
  answer "$etcd/health" 200 '{"health":"true"}'
  answer "$etcd/v2/auth/enable" 200 '{"enabled":false}'
}
# The installer's second run secures it.
securing() {
  printf '200\n{"enabled":true}\n' >"$ROOT/answers/secured"
  # shellcheck disable=SC2016 # expands in the fake
  sed -i '2i [[ $1 != install || ! -e $CFY_ROOT/calls/cfy_manager ]] || ! grep -q ^install "$CFY_ROOT/calls/cfy_manager" || cp "$CFY_ROOT/answers/secured" "$CFY_ROOT/answers/https___10_0_0_11_2379_v2_auth_enable"' "$ROOT/bin/cfy_manager"
}
test_first_database_secures_etcd_that_nobody_has() {
  open_etcd
  securing
  drive
  is state READY
  installs 2
  says 'etcd has no authentication: installs once more'
  called systemctl '^stop cfy-install@database'
}
test_first_database_killed_while_it_secures() {
  open_etcd
  securing
  touch "$ROOT/hang/systemctl-stop"
  start_driver
  until_true called systemctl '^stop cfy-install@database'
  kill_driver
  rm "$ROOT"/hang/*
  drive
  is state READY
  installs 2
}
test_first_database_leaves_a_lock_to_its_owner() {
  open_etcd
  answer "$etcd/v2/auth/roles/cloudifyauthsetup" 200
  start_driver
  until_true count_at_least curl cloudifyauthsetup 9
  installs 1
}
test_other_databases_secure_nothing() {
  open_etcd
  plan_drop '^recover' && plan_add recover database database 10.0.0.12 10.0.0.11
  start_driver
  until_true count_at_least curl auth/enable 9
  installs 1
}
count_at_least() { (($(calls "$1" | grep -cE -- "$2") >= $3)); }
test_etcd_without_quorum_runs_again() {
  locked_etcd
  answer "$etcd/health" exit28
  drive
  is state READY
  count curl DELETE 0
}
