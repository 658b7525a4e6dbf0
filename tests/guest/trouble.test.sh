#!/bin/bash
# What ends FAILED, with which code, and that nothing happens after it.
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; ROOT and S come from lib.sh

fails_with() {
  drive_fails
  is state FAILED
  is code "$1"
  [[ -n $(status cause) && -n $(status fix) ]]
  grep -q "FAILED.*$1" "$ROOT/etc/issue"
  grep -q 'Welcome' "$ROOT/etc/issue"
  says "cfy-seed [^ ]+ FAILED [^ ]+ $1 .*Fix: "
}

test_missing_seed_file() {
  rm "$S/files/host.key"
  fails_with CFY-G001
  [[ $(status cause) == *files/host.key* && $(status fix) == *Reboot* ]]
  [[ ! -e $ROOT/var/lib/cfy-seed/SEEDED ]]
}
test_damaged_seed_file() {
  drive
  : >"$S/plan"
  rm "$ROOT"/var/lib/cfy-seed/stamps/READY
  fails_with CFY-G001
  [[ ! -e $ROOT/var/lib/cfy-seed/SEEDED ]]
}
test_missing_seed_list() {
  rm "$S/seed.sha256"
  fails_with CFY-G001
}
test_seed_list_cut_short() {
  head -n 2 "$S/seed.sha256" >"$S/x" && mv "$S/x" "$S/seed.sha256"
  fails_with CFY-G001
}
test_seeded_holds_the_digest() {
  drive
  local sum
  sum=$(sha256sum <"$S/seed.sha256")
  [[ $(<"$ROOT/var/lib/cfy-seed/SEEDED") == "${sum%% *}" ]]
}
test_refuse_record_ends_with_its_code() {
  plan_add refuse CFY-S042 'no licence "x"' 'put license.yaml there'
  plan_drop '^need\tmem' && plan_add need memory_mb 9999999
  fails_with CFY-S042
  [[ $(status cause) == *'no licence "x"'*CFY-G012* && $(status fix) == 'put license.yaml there' ]]
  says 'CFY-G012'
  count yum . 0
}
test_memory() { plan_drop '^need' && plan_add need memory_mb 9999999 && fails_with CFY-G012; }
test_disk() { plan_drop '^need' && plan_add need disk_mb /opt 999999999 && fails_with CFY-G013; }
test_os() { plan_drop '^need' && plan_add need os rhel,centos 8 0 && fails_with CFY-G014; }
test_os_release() { plan_drop '^need' && plan_add need os rocky 7 0 && fails_with CFY-G014; }
test_own_address() { echo >"$ROOT/answers/ip" && fails_with CFY-G010; }
test_own_address_is_no_prefix() { echo 'inet 10.0.0.1/24' >"$ROOT/answers/ip" && fails_with CFY-G010; }
test_own_address_late() {
  : >"$ROOT/answers/ip"
  start_driver
  until_true called ip addr
  echo '2: eth0 inet 10.0.0.12/24' >"$ROOT/answers/ip"
  wait "$driver"
  is state READY
}
test_clock() {
  # shellcheck disable=SC2016 # expands in the fake
  printf '#!/bin/bash\necho "notBefore=Nov 20 00:00:00 2019 GMT"\necho "notAfter=Nov 20 00:00:00 2020 GMT"\n' >"$ROOT/bin/openssl"
  chmod 755 "$ROOT/bin/openssl"
  fails_with CFY-G011
  [[ $(status cause) == *'Nov 20 00:00:00 2020 GMT'* ]]
}
test_unreadable_certificate() {
  echo rubbish >"$S/files/host.crt"
  seal
  fails_with CFY-G011
}
test_unknown_schema() { plan_drop '^schema' && plan_add schema 9 && fails_with CFY-G004; }
# image_record: the digest of the driver's own files, as a bundle for a baked image names it.
image_record() {
  local sum
  mkdir -p "$ROOT"/usr/local/sbin "$ROOT"/etc/systemd/system
  cp "$SCRIPT" "$ROOT/usr/local/sbin/"
  cp "$GUEST"/cfy-{firstboot,install@}.service "$ROOT/etc/systemd/system/"
  sum=$(cat "$ROOT"/usr/local/sbin/cfy-firstboot "$ROOT"/etc/systemd/system/cfy-{firstboot,install@}.service "$ROOT"/usr/local/lib/cfy-seed/* | sha256sum)
  plan_add image "${sum%% *}"
}
test_image_of_this_release() {
  image_record
  drive
  is state READY
}
test_image_of_another_release() {
  local file
  for file in usr/local/sbin/cfy-firstboot etc/systemd/system/cfy-install@.service usr/local/lib/cfy-seed/recover-broker; do
    image_record
    echo >>"$ROOT/$file"
    fails_with CFY-G004
    [[ $(status cause) == *'baked the image'* && $(status fix) == *'bake the image'* ]]
    plan_drop '^image'
    cp "$GUEST/recover-broker" "$ROOT/usr/local/lib/cfy-seed/"
  done
  called yum . && return 1
  image_record
  rm "$ROOT/usr/local/lib/cfy-seed/recover-broker"
  fails_with CFY-G004
}
# What runcmd runs, with the host's paths.
image_check() {
  sed -e "s#/usr/local/sbin#$ROOT&#" -e "s#/dev/console#$ROOT&#" -e "s#/etc/issue#$ROOT&#g" -e "s#/var/lib#$ROOT&#" "$GUEST/image-check" >"$ROOT/check"
  sh -c "$(cat "$ROOT/check")" cfy-seed db-2 prod 3 >>"$ROOT/out"
}
test_image_without_the_driver_is_loud() {
  local schema=$TESTS/../../docs/status.schema.json python
  image_check
  image_check
  is state FAILED
  is code CFY-G004
  is cluster prod
  is host db-2
  is generation 3
  grep -qE '^[0-9TZ:-]+ cfy-seed db-2 FAILED PREFLIGHT CFY-G004 .* Fix: ' "$ROOT/dev/console"
  [[ $(grep -c CFY-G004 "$ROOT/etc/issue") == 1 ]]
  python=$(find_jsonschema)
  "$python" -c 'import json, sys, jsonschema; jsonschema.validate(*(json.load(open(path)) for path in sys.argv[1:]))' \
    "$ROOT/var/lib/cfy-seed/status.json" "$schema"
}
test_image_with_the_driver_is_left_alone() {
  image_record
  image_check
  [[ ! -e $ROOT/var/lib/cfy-seed/status.json ]]
  none grep CFY "$ROOT/etc/issue"
}
test_unknown_probe() {
  gate database pigeon 10.0.0.11 1
  fails_with CFY-G004
}

test_wrong_digest() {
  echo other >"$ROOT/server/rpm"
  fails_with CFY-G020
  [[ ! -e $ROOT/var/lib/cfy-seed/payload/part && ! -e $ROOT/var/lib/cfy-seed/payload/cloudify.rpm ]]
  count yum . 0
}
test_download_resumes_and_hides_its_url() {
  printf '18\n28\n' >"$ROOT/answers/download"
  drive
  is state READY
  count curl payload 3
  none called curl SECRET
  grep -qxF 'url = "https://files.example.org/c\"f\\y.rpm?token=SECRET"' "$ROOT/calls/curl-config"
  none grep -q SECRET "$ROOT/out"
}
test_download_starts_again_where_it_cannot_resume() {
  printf '18\n33\n' >"$ROOT/answers/download"
  drive
  is state READY
}
test_download_stalls_and_goes_on() {
  plan_drop '^time\tstall' && plan_add time stall_after 0
  repeat 100 7 >"$ROOT/answers/download"
  start_driver
  until_true is code CFY-G022
  is state STALLED
  : >"$ROOT/answers/download"
  wait "$driver"
  is state READY
}
test_download_to_a_full_disk_says_so_and_goes_on() {
  plan_drop '^time\tstall' && plan_add time stall_after 0
  # Every second try of a server that cannot resume: no failure of its own.
  for ((n = 0; n < 50; n++)); do printf '23\n33\n'; done >"$ROOT/answers/download"
  start_driver
  until_true is code CFY-G013
  is state STALLED
  : >"$ROOT/answers/download"
  wait "$driver"
  is state READY
  none grep -q CFY-G022 "$ROOT/out"
}
test_preinstalled_missing() { plan_drop '^(fetch|rpm)\t' && plan_add rpm preinstalled && fails_with CFY-G021; }
test_preinstalled_other_version() {
  plan_drop '^(fetch|rpm)\t' && plan_add rpm preinstalled
  echo cloudify-manager-install 6.4.2 >>"$ROOT/answers/rpms"
  fails_with CFY-G021
  [[ $(status cause) == *6.4.2* ]]
}
test_preinstalled() {
  plan_drop '^(fetch|rpm)\t' && plan_add rpm preinstalled
  echo cloudify-manager-install 7.0.4 >>"$ROOT/answers/rpms"
  drive
  is state READY
  count yum . 0
}
test_repository() {
  plan_drop '^(fetch|rpm)\t' && plan_add fetch repo && plan_add rpm repo
  plan_add repo cloudify https://mirror.example.org/c /etc/cloudify/cfy-seed/gpg.key
  plan_add file gpg.key /etc/cloudify/cfy-seed/gpg.key 0644
  plan_add proxy http://user:SECRET@proxy:3128
  # shellcheck disable=SC2016 # expands in the fake
  sed -i '2i [[ -e $CFY_ROOT/etc/cloudify/cfy-seed/gpg.key ]] || exit 9\necho "$https_proxy" >>"$CFY_ROOT/calls/proxy"' "$ROOT/bin/yum"
  drive
  is state READY
  grep -qx gpgcheck=1 "$ROOT/etc/yum.repos.d/cfy-seed-cloudify.repo"
  grep -qx gpgkey=file:///etc/cloudify/cfy-seed/gpg.key "$ROOT/etc/yum.repos.d/cfy-seed-cloudify.repo"
  grep -qx enabled=0 "$ROOT/etc/yum.repos.d/cfy-seed-cloudify.repo"
  grep -qx skip_if_unavailable=0 "$ROOT/etc/yum.repos.d/cfy-seed-cloudify.repo"
  # A repository that was repaired is seen at the next try.
  grep -qx metadata_expire=1 "$ROOT/etc/yum.repos.d/cfy-seed-cloudify.repo"
  grep -q SECRET "$ROOT/calls/proxy"
  none called yum SECRET
  called yum 'cfy-seed-\* install cloudify-manager-install-7.0.4'
}
test_packages_missing_in_image() {
  plan_add package which && plan_add package cronie
  fails_with CFY-G030
  [[ $(status cause) == *'which cronie'* ]]
}
test_packages_from_repository() {
  plan_drop '^packages_from' && plan_add packages_from os && plan_add fetch repo && plan_add repo os https://mirror/os - && plan_add package which
  drive
  is state READY
  called yum "--disablerepo=\* --enablerepo=cfy-seed-os install which"
  says 'warning: no GPG key for os'
}
test_yum_lock_passes() {
  repeat 5 'Another app is currently holding the yum lock; waiting' >"$ROOT/answers/yum-fails"
  drive
  is state READY
  count yum . 6
}
test_yum_gives_up_on_a_bad_signature() {
  repeat 9 'The downloaded packages were saved in cache. Error: GPG check FAILED' >"$ROOT/answers/yum-fails"
  fails_with CFY-G031
  count yum . 3
  [[ $(status cause) == *'GPG check FAILED'* ]]
}
test_packages_that_yum_did_not_find() {
  plan_drop '^packages_from' && plan_add packages_from system-repos && plan_add package nothing
  fails_with CFY-G031
}
test_validate_refuses() {
  touch "$ROOT/answers/validate-fails"
  fails_with CFY-G041
  installs 0
  [[ $(stat -c %a "$ROOT/var/lib/cfy-seed/log/validate-database.log") == 600 ]]
}
test_file_that_cannot_be_written() {
  mkdir -p "$ROOT/etc/cloudify/cfy-seed/host.key/x"
  fails_with CFY-G040
}
test_files_and_modes() {
  drive
  local d=$ROOT/etc/cloudify/cfy-seed
  [[ $(stat -c %a "$d" "$d/host.key" "$d/host.crt" | tr '\n' ' ') == '700 600 644 ' ]]
  [[ -z $(find "$ROOT/etc" -name '*.cfy*' -o -name '*.new') ]]
}
test_unexpected_death_is_loud() {
  printf '#!/bin/bash\nexit 3\n' >"$ROOT/bin/chmod" && chmod 755 "$ROOT/bin/chmod"
  fails_with CFY-G003
}
