#!/bin/bash
# What the script leaves on the host: status.json, /etc/hosts, chrony, banners, scrubbed secrets; and the bootcmd.
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; ROOT and S come from lib.sh

test_status_is_json_whatever_the_text() {
  local nasty
  # shellcheck disable=SC2016 # meant literally
  nasty=$'a"b\\c \e[31mred\e[0m {}[] $(x) `y` \x01\x7f ü \xff %s \' end'
  plan_add refuse CFY-S001 "$nasty" "$nasty"
  drive_fails
  is code CFY-S001
  # shellcheck disable=SC2016 # meant literally
  [[ $(status cause) == 'a"b\c '*'$(x) `y`'*"%s ' end"* ]]
  [[ $(stat -c %a "$ROOT/var/lib/cfy-seed/status.json") == 644 ]]
  python3 - "$ROOT/var/lib/cfy-seed/status.json" <<'X'
import json, sys
keys = "schema generation cluster host state phase role code cause fix since waiting_for"
assert list(json.load(open(sys.argv[1]))) == keys.split()
X
}
test_status_is_json_in_a_wait() {
  no_gate database
  gate database http 'https://10.0.0.11/a"b\c' 200 - 1 -
  start_driver
  until_true is state WAITING
  [[ $(status waiting_for) == *'"peer": "db-1"'* ]]
}

follows_schema() {
  "$(find_jsonschema)" - "$TESTS/../../docs/status.schema.json" "$ROOT/var/lib/cfy-seed/status.json" <<'X'
import json, sys
import jsonschema
schema, status = (json.load(open(path)) for path in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(status)
X
}
test_status_follows_its_schema() {
  no_gate database
  gate database http https://10.0.0.11/ok 200 - 1 -
  start_driver
  until_true is state WAITING
  follows_schema
  answer https://10.0.0.11/ok 200
  wait "$driver"
  follows_schema
  is state READY
}
test_status_of_a_failure_follows_its_schema() {
  plan_add refuse CFY-S001 cause fix
  drive_fails
  follows_schema
}
test_hosts_block_comes_once() {
  drive
  cp "$ROOT/etc/hosts" "$ROOT/first"
  rm "$ROOT"/var/lib/cfy-seed/stamps/{READY,PREFLIGHT}
  mkdir -p "$S/files" "$S/curl" "$ROOT/var/lib/cloud/instances/i-1/scripts"
  seed_files
  drive
  cmp "$ROOT/first" "$ROOT/etc/hosts"
  [[ $(head -n 6 "$ROOT/etc/hosts" | tr '\t' ' ') == '# BEGIN cfy-seed
10.0.0.11 db-1.example.org db-1
10.0.0.12 db-2.example.org db-2
10.0.0.13 db-3 db-3
10.0.0.21 broker-1 broker-1
# END cfy-seed' ]]
  [[ $(tail -n 2 "$ROOT/etc/hosts") == $'127.0.0.1 localhost\n::1 localhost' ]]
}
test_hosts_block_replaces_an_older_one() {
  printf '127.0.0.1 localhost\n# BEGIN cfy-seed\n10.9.9.9 old\n# END cfy-seed\n10.1.1.1 mine' >"$ROOT/etc/hosts"
  drive
  none grep -q old "$ROOT/etc/hosts"
  [[ $(grep -c BEGIN "$ROOT/etc/hosts") == 1 && $(tail -n 1 "$ROOT/etc/hosts") == '10.1.1.1 mine' ]]
}
test_hosts_block_without_end_loses_nothing() {
  printf '# BEGIN cfy-seed\n10.1.1.1 mine\n' >"$ROOT/etc/hosts"
  drive
  grep -qx '10.1.1.1 mine' "$ROOT/etc/hosts"
}
test_hosts_that_cannot_be_renamed_over() {
  # shellcheck disable=SC2016 # expands in the fake
  printf '#!/bin/bash\n[[ $* != */etc/hosts ]] || exit 1\nexec /bin/mv "$@"\n' >"$ROOT/bin/mv"
  chmod 755 "$ROOT/bin/mv"
  drive
  is state READY
  grep -q 'db-1.example.org' "$ROOT/etc/hosts"
  [[ ! -e $ROOT/etc/hosts.cfy ]]
}
test_ntp() {
  plan_add ntp 10.0.0.1 && plan_add ntp ntp.example.org
  drive
  [[ $(<"$ROOT/etc/chrony.conf") == '# BEGIN cfy-seed
server 10.0.0.1 iburst
server ntp.example.org iburst
# END cfy-seed
pool example.org iburst' ]]
  count systemctl '^restart chronyd' 1
}
test_ntp_that_does_not_restart_is_a_warning() {
  plan_add ntp 10.0.0.1
  touch "$ROOT/answers/no-restart"
  drive
  is state READY
  says 'warning: chronyd'
}
test_banner_of_ready() {
  drive
  grep -q 'cfy-seed db-2 READY' "$ROOT/etc/motd"
  grep -q 'Welcome \\S' "$ROOT/etc/issue"
}

test_banners_of_systems_that_have_directories_for_them() {
  mkdir "$ROOT"/etc/{issue,motd}.d
  plan_add refuse CFY-S001 cause fix
  drive_fails
  grep -q 'db-2 FAILED PREFLIGHT CFY-S001 cause fix' "$ROOT/etc/issue.d/cfy-seed.issue"
  [[ $(<"$ROOT/etc/issue") == 'Welcome \S' ]]
  plan_drop '^refuse'
  drive
  none grep -q FAILED "$ROOT/etc/issue.d/cfy-seed.issue"
  grep -q READY "$ROOT/etc/motd.d/cfy-seed.motd"
}

secrets_left() { grep -rlE 'SECRET' "$ROOT/var" "$ROOT/run" || :; }
test_scrub_pins_and_removes() {
  drive
  [[ -e $ROOT/etc/cloud/cloud-init.disabled ]]
  [[ $(<"$ROOT/calls/vmtoolsd") == '--cmd info-set guestinfo.userdata ---' ]]
  none grep -Evq '/log/|/secret/plan$' <(secrets_left)
  [[ -e $ROOT/var/lib/cloud/instances/i-1/boot-finished && -e $S/plan && -e $S/seed.sha256 ]]
  [[ -e $ROOT/etc/cloudify/cfy-seed/host.key && ! -e $S/files && ! -e $S/curl ]]
  says 'safe to detach'
  # the log of the installer holds the password, and only root reads it
  [[ $(stat -c %a "$ROOT/var/lib/cfy-seed/log/install-database.log") == 600 ]]
}
test_scrub_keep_does_it_at_every_boot() {
  plan_drop '^scrub' && plan_add scrub keep 'the platform keeps them: PLATFORM-COMMAND'
  drive
  [[ ! -e $ROOT/etc/cloud/cloud-init.disabled && ! -e $ROOT/calls/vmtoolsd ]]
  says 'READY SCRUB secrets removed; the platform keeps them: PLATFORM-COMMAND'
  echo user-data-SECRET >"$ROOT/var/lib/cloud/instances/i-1/user-data.txt"
  drive
  is state READY
  [[ ! -e $ROOT/var/lib/cloud/instances/i-1/user-data.txt ]]
  installs 1
}
test_no_secret_is_said() {
  echo 1 >"$ROOT/answers/install-fails"
  drive
  none grep -rq SECRET "$ROOT/out" "$ROOT/dev/console" "$ROOT/var/lib/cfy-seed/status.json" "$ROOT/etc/issue" "$ROOT/etc/motd"
}
test_gather_takes_no_secret() {
  echo 1 >"$ROOT/answers/install-fails"
  drive
  bash "$SCRIPT" gather "$ROOT/g.tar.gz"
  [[ $(stat -c %a "$ROOT/g.tar.gz") == 600 ]]
  mkdir "$ROOT/g" && tar -C "$ROOT/g" -xzf "$ROOT/g.tar.gz"
  [[ -e $ROOT/g/status.json ]]
  none grep -rq SECRET "$ROOT/g"
}
test_status_prints_the_file() {
  drive
  [[ $(bash "$SCRIPT" status) == "$(<"$ROOT/var/lib/cfy-seed/status.json")" ]]
}
test_usage() {
  local rc=0
  bash "$SCRIPT" dance || rc=$?
  [[ $rc == 64 ]]
}

# The bootcmd, with its paths below ROOT.
boot() { sed "s|/var/lib|$ROOT&|g; s|/etc/cloudify|$ROOT&|g" "$GUEST/bootcmd" | sh -eu; }
semaphores() { (cd "$ROOT/var/lib/cloud/instances/i-1/sem" && echo *); }
cloud() {
  mkdir -p "$ROOT/var/lib/cloud/instances/$1/sem"
  ln -sfn "instances/$1" "$ROOT/var/lib/cloud/instance"
  touch "$ROOT/var/lib/cloud/instances/$1/sem/"{config_write_files,config_runcmd,config_scripts_user,config_ssh}
}
test_bootcmd_heals_until_seeded() {
  rm -rf "$ROOT/var/lib/cfy-seed"
  cloud i-1
  boot
  [[ $(semaphores) == config_ssh ]]
  [[ $(stat -c %a "$ROOT"/var/lib/cfy-seed{,/secret,/stamps,/log} "$ROOT/etc/cloudify/cfy-seed" | tr '\n' ' ') == '755 700 700 700 700 ' ]]
  cloud i-1
  echo digest >"$ROOT/var/lib/cfy-seed/SEEDED"
  boot
  [[ $(semaphores) == 'config_runcmd config_scripts_user config_ssh config_write_files' ]]
}
test_bootcmd_forgets_an_older_generation() {
  cloud i-1
  boot
  echo digest >"$ROOT/var/lib/cfy-seed/SEEDED"
  cloud i-2
  boot
  [[ ! -e $ROOT/var/lib/cfy-seed/SEEDED && ! -e $ROOT/var/lib/cloud/instances/i-2/sem/config_write_files ]]
}
