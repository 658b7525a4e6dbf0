#!/bin/bash
# The payload: where it is looked for, what is checked, what is copied, and what a host says of a bad one.
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; ROOT and S come from lib.sh

# The pair that payloads of these tests are signed with, made once.
signing_key() {
  local key=${TMPDIR:-/tmp}/cfy-seed-test-box-key-$UID
  # Tests run side by side: the first one's stays.
  [[ -e $key ]] || { openssl genrsa -out "$key.$$" 2048 2>/dev/null && mv -n "$key.$$" "$key" && rm -f "$key.$$"; }
  echo "$key"
}

# DIRECTORY: a payload, as `build --offline` lays it out.
payload_in() {
  mkdir -p "$1"/{packages,repodata,keys}
  head -c 4096 /dev/urandom >"$1/packages/which-2.21-20.el8.x86_64.rpm"
  head -c 9000 /dev/urandom >"$1/packages/gcc-c++-8.5~rc1-1.el8.x86_64.rpm"
  echo '<repomd/>' >"$1/repodata/repomd.xml"
  gzip -n <<<'<metadata/>' >"$1/repodata/primary.xml.gz"
  echo 'a public key' >"$1/keys/RPM-GPG-KEY"
  echo '{"schema": "cfy-seed/payload/v1", "files": []}' >"$1/payload.lock"
  echo '[cfy-seed]' >"$1/cfy-seed.repo"
  sign "$1"
}
# DIRECTORY [KEY]: what it holds now, signed.
sign() {
  local key=${2:-}
  key=${key:-$(signing_key)}
  (cd "$1" && find . -type f ! -name 'SHA256SUMS*' ! -name box-key.pem -printf '%P\n' | sort | xargs sha256sum >SHA256SUMS)
  openssl dgst -sha256 -sign "$key" -out "$1/SHA256SUMS.sig" "$1/SHA256SUMS"
  openssl rsa -in "$key" -pubout -out "$1/box-key.pem" 2>/dev/null
}

# A host that wants `which` and the installer from the payload, and what was there when yum was called.
wants_payload() {
  openssl rsa -in "$(signing_key)" -pubout -out "$S/box-key.pem" 2>/dev/null
  plan_drop '^(fetch|rpm|packages_from)\t'
  plan_add fetch payload
  plan_add fetch repo
  plan_add payload medium CFYPAYLOAD
  plan_add payload directory /media/cfypayload
  plan_add payload url http://payload.example.org/box/
  plan_add payload directory /opt/cfy-seed/payload
  plan_add packages_from payload
  plan_add package which
  plan_add rpm payload
  plan_add repo payload file:///var/lib/cfy-seed/payload /etc/pki/rpm-gpg/RPM-GPG-KEY-cfy-seed-payload
  plan_add file gpg.key /etc/pki/rpm-gpg/RPM-GPG-KEY-cfy-seed-payload 0644
  # shellcheck disable=SC2016 # expands in the fake
  sed -i '2i [[ -e $CFY_ROOT/at-yum ]] || cp -a "$CFY_ROOT/var/lib/cfy-seed/payload" "$CFY_ROOT/at-yum"' "$ROOT/bin/yum"
}
medium=run/cfy-seed/medium
# NAME: a device with the label, and a payload on it.
device() {
  echo "dev/$1" >>"$ROOT/answers/devices"
  payload_in "$ROOT/dev/$1"
}
# What yum saw is what was listed, and nothing is left: neither mount nor copy.
installed_from() {
  is state READY
  (cd "$ROOT/at-yum" && sha256sum --quiet -c "$1/SHA256SUMS")
  [[ $(find "$ROOT/at-yum" -type f | wc -l) == 9 ]]
  called yum "--disablerepo=\* --enablerepo=cfy-seed-payload install which"
  called yum "--disablerepo=\* --enablerepo=cfy-seed-\* install cloudify-manager-install-7.0.4"
  grep -qx module_hotfixes=1 "$ROOT/etc/yum.repos.d/cfy-seed-payload.repo"
  grep -qx gpgcheck=1 "$ROOT/etc/yum.repos.d/cfy-seed-payload.repo"
  [[ ! -e $ROOT/var/lib/cfy-seed/payload && ! -L $ROOT/$medium ]]
  installs 1
}

test_payload_on_a_medium() {
  wants_payload
  device sr0
  drive
  installed_from "$ROOT/dev/sr0"
  count mount '^-o ro,nodev,nosuid,noexec /dev/sr0 ' 1
  count umount . 1
  called blkid '-t LABEL=CFYPAYLOAD'
}
test_payload_in_a_directory() {
  wants_payload
  payload_in "$ROOT/media/cfypayload"
  drive
  installed_from "$ROOT/media/cfypayload"
  count mount . 0
}
test_payload_over_http() {
  wants_payload
  payload_in "$ROOT/server/payload/box"
  drive
  installed_from "$ROOT/server/payload/box"
  # A plus sign is a blank to some servers, and no address stands in an argument.
  grep -q '/box/packages/gcc-c%2B%2B-8.5~rc1' "$ROOT/calls/curl-config"
  none called curl payload.example.org
}
test_payload_of_the_image() {
  wants_payload
  payload_in "$ROOT/opt/cfy-seed/payload"
  drive
  installed_from "$ROOT/opt/cfy-seed/payload"
}
test_payload_places_have_an_order() {
  local place
  wants_payload
  for place in dev/sr0 media/cfypayload server/payload/box opt/cfy-seed/payload; do payload_in "$ROOT/$place"; done
  echo dev/sr0 >"$ROOT/answers/devices"
  drive
  installed_from "$ROOT/dev/sr0"
  says 'has the payload of /dev/sr0'
  count curl payload 0
}
test_payload_of_several_devices_each_is_tried() {
  wants_payload
  device sdb
  device sdc
  device sdd
  echo 32 >"$ROOT/dev/sdb/no-file-system"
  echo x >>"$ROOT/dev/sdc/SHA256SUMS"
  drive
  installed_from "$ROOT/dev/sdd"
  count mount . 3
  count umount . 2
}
test_payload_file_that_one_place_has_wrong_comes_from_the_next() {
  wants_payload
  device sdb
  cp -a "$ROOT/dev/sdb" "$ROOT/dev/sdc"
  echo dev/sdc >>"$ROOT/answers/devices"
  echo x >>"$ROOT/dev/sdb/packages/which-2.21-20.el8.x86_64.rpm"
  echo x >>"$ROOT/dev/sdc/repodata/repomd.xml"
  drive
  is state READY
  says 'has the payload of /dev/sdc'
  [[ $(<"$ROOT/at-yum/repodata/repomd.xml") == '<repomd/>' ]]
}
test_payload_that_nothing_needs_is_not_waited_for() {
  wants_payload
  printf 'which\ncloudify-manager-install 7.0.4\n' >>"$ROOT/answers/rpms"
  drive
  is state READY
  count yum . 0
  count blkid . 0
}
test_payload_for_packages_alone() {
  wants_payload
  plan_drop '^rpm\t' && plan_add rpm preinstalled
  echo cloudify-manager-install 7.0.4 >>"$ROOT/answers/rpms"
  payload_in "$ROOT/media/cfypayload"
  drive
  is state READY
  count yum . 1
}
test_payload_that_comes_late() {
  wants_payload
  plan_drop '^time\tstall' && plan_add time stall_after 0
  start_driver
  until_true is code CFY-G023
  is state STALLED
  [[ $(status cause) == *'no medium CFYPAYLOAD'*/media/cfypayload*payload.example.org*404*/opt/cfy-seed/payload* ]]
  count yum . 0
  device sr1
  mv "$ROOT/dev/sr1" "$ROOT/dev/sr0" && echo dev/sr0 >"$ROOT/answers/devices"
  wait "$driver"
  installed_from "$ROOT/dev/sr0"
}
test_payload_that_the_line_loses_is_waited_for() {
  wants_payload
  plan_drop '^time\tstall' && plan_add time stall_after 0
  repeat 100 7 >"$ROOT/answers/download"
  start_driver
  until_true is code CFY-G022
  payload_in "$ROOT/ready"
  mkdir "$ROOT/server/payload" && mv "$ROOT/ready" "$ROOT/server/payload/box"
  : >"$ROOT/answers/download"
  wait "$driver"
  installed_from "$ROOT/server/payload/box"
}
test_payload_download_resumes() {
  wants_payload
  payload_in "$ROOT/server/payload/box"
  # List and signature come, then the first file breaks off, and the server cannot resume.
  printf '0\n0\n18\n33\n' >"$ROOT/answers/download"
  drive
  installed_from "$ROOT/server/payload/box"
}

# The real curl and a real server, which cannot resume: half a file is there, and another one with other bytes.
test_payload_over_http_for_real() {
  local here=$ROOT/server/box part=$ROOT/var/lib/cfy-seed/payload/packages port
  rm "$ROOT/bin/curl"
  unset http_proxy https_proxy
  wants_payload
  payload_in "$here"
  setsid python3 -u -m http.server --bind 127.0.0.1 --directory "$ROOT/server" 0 >"$ROOT/http" 2>&1 &
  echo "$!" >>"$ROOT/groups"
  until_true grep -q 'port [0-9]' "$ROOT/http"
  port=$(grep -oE 'port [0-9]+' "$ROOT/http" | head -n 1)
  plan_drop '^(payload|time)\t'
  plan_add payload url "http://127.0.0.1:${port#port }/box"
  plan_add time poll 1
  plan_add time stall_after 0
  mkdir -p "$part"
  head -c 1000 "$here/packages/gcc-c++-8.5~rc1-1.el8.x86_64.rpm" >"$part/gcc-c++-8.5~rc1-1.el8.x86_64.rpm.part"
  head -c 9999 /dev/zero >"$part/which-2.21-20.el8.x86_64.rpm.part"
  mv "$here/payload.lock" "$ROOT/lock"
  payload_fails CFY-G025 "http://127.0.0.1:${port#port }/box: payload.lock is missing"
  mv "$here" "$here.away"
  start_driver
  until_true is code CFY-G023
  [[ $(status cause) == *404* ]]
  mv "$ROOT/lock" "$here.away/payload.lock" && mv "$here.away" "$here"
  wait "$driver"
  installed_from "$here"
}

# REGEX…: FAILED with the code, the cause says all of these, and nothing was installed or left mounted.
payload_fails() {
  local word
  drive_fails
  is state FAILED
  is code "$1"
  for word in "${@:2}"; do [[ $(status cause) == *"$word"* ]] || { echo "$(status cause) lacks $word" && return 1; }; done
  count yum . 0
  [[ ! -L $ROOT/$medium ]]
}
test_payload_signed_with_another_key() {
  wants_payload
  device sr0
  openssl genrsa -out "$ROOT/other" 2048 2>/dev/null
  sign "$ROOT/dev/sr0" "$ROOT/other"
  payload_fails CFY-G024 /dev/sr0 SHA256SUMS
  sign "$ROOT/dev/sr0"
  drive
  installed_from "$ROOT/dev/sr0"
}
test_payload_without_a_signature() {
  wants_payload
  payload_in "$ROOT/media/cfypayload"
  rm "$ROOT/media/cfypayload/SHA256SUMS.sig"
  payload_fails CFY-G024 /media/cfypayload SHA256SUMS.sig
}
test_payload_with_a_list_that_was_changed() {
  wants_payload
  payload_in "$ROOT/media/cfypayload"
  sed -i '$d' "$ROOT/media/cfypayload/SHA256SUMS"
  payload_fails CFY-G024 /media/cfypayload
}
test_payload_names_every_bad_file_and_goes_on_from_there() {
  local here=$ROOT/media/cfypayload good
  wants_payload
  payload_in "$here"
  cp -a "$here" "$ROOT/good"
  echo x >"$here/packages/which-2.21-20.el8.x86_64.rpm"
  rm "$here/keys/RPM-GPG-KEY"
  ln -sf /etc/passwd "$here/payload.lock"
  rm "$here/cfy-seed.repo" && mkfifo "$here/cfy-seed.repo"
  payload_fails CFY-G025 /media/cfypayload: 'packages/which-2.21-20.el8.x86_64.rpm is damaged' 'keys/RPM-GPG-KEY is missing' \
    'payload.lock is missing' 'cfy-seed.repo is missing'
  # What was good is not read again.
  good=$here/packages/gcc-c++-8.5~rc1-1.el8.x86_64.rpm
  rm -r "$here" && cp -a "$ROOT/good" "$here" && rm "$good"
  drive
  is state READY
  (cd "$ROOT/at-yum" && sha256sum --quiet -c "$here/SHA256SUMS")
}
# NAME: a list that is signed and names this.
names_are_refused() {
  wants_payload
  payload_in "$ROOT/media/cfypayload"
  echo content >"$ROOT/escaped"
  echo "$(sha256sum <"$ROOT/escaped" | cut -c1-64)  $1" >>"$ROOT/media/cfypayload/SHA256SUMS"
  openssl dgst -sha256 -sign "$(signing_key)" -out "$ROOT/media/cfypayload/SHA256SUMS.sig" "$ROOT/media/cfypayload/SHA256SUMS"
  payload_fails CFY-G025 "SHA256SUMS names ${1:0:20}"
  [[ -z $(find "$ROOT/var/lib/cfy-seed/payload" -type f) ]]
}
test_payload_path_upwards() { names_are_refused ../../../../escaped; }
test_payload_path_upwards_inside() { names_are_refused packages/../../x; }
test_payload_path_that_is_absolute() { names_are_refused /etc/cron.d/x; }
test_payload_path_with_a_shell_in_it() {
  # shellcheck disable=SC2016 # meant literally
  names_are_refused 'packages/$(reboot)'
}
test_payload_path_of_the_list_itself() { names_are_refused SHA256SUMS.sig; }
test_payload_list_without_digests() {
  wants_payload
  payload_in "$ROOT/media/cfypayload"
  echo 'zz  x' >"$ROOT/media/cfypayload/SHA256SUMS"
  openssl dgst -sha256 -sign "$(signing_key)" -out "$ROOT/media/cfypayload/SHA256SUMS.sig" "$ROOT/media/cfypayload/SHA256SUMS"
  payload_fails CFY-G025 'SHA256SUMS names x'
}
test_payload_on_a_full_disk_says_so_and_goes_on() {
  wants_payload
  plan_drop '^time\tstall' && plan_add time stall_after 0
  payload_in "$ROOT/media/cfypayload"
  # shellcheck disable=SC2016 # expands in the fake
  printf '#!/bin/bash\n[[ ! -e $CFY_ROOT/full || $* != *which* ]] || { head -c 9 /dev/zero >"${2#of=}"; echo "dd: error writing: No space left on device" >&2; exit 1; }\nexec /usr/bin/dd "$@"\n' >"$ROOT/bin/dd"
  chmod 755 "$ROOT/bin/dd"
  touch "$ROOT/full"
  start_driver
  until_true is code CFY-G013
  is state STALLED
  [[ $(status cause) == */media/cfypayload*which*'No space left'* ]]
  [[ -z $(find "$ROOT/var/lib/cfy-seed/payload" -name '*.part') ]]
  count yum . 0
  rm "$ROOT/full"
  wait "$driver"
  installed_from "$ROOT/media/cfypayload"
}

# Killed while a tool works, and switched on again.
payload_killed_at() {
  touch "$ROOT/hang/$1"
  start_driver
  until_true called "$1" "$2"
  kill_driver
  rm -rf "$ROOT"/hang/*
  drive
  is state READY
  installs 1
  [[ ! -L $ROOT/$medium ]]
}
test_payload_killed_while_it_looks() {
  wants_payload
  device sr0
  payload_killed_at blkid LABEL
}
test_payload_killed_while_mounted() {
  wants_payload
  device sr0
  # The first copy hangs: the medium is mounted.
  # shellcheck disable=SC2016 # expands in the fake
  printf '#!/bin/bash\n[[ $* != *SHA256SUMS* ]] || note dd "$@"\nexec /usr/bin/dd "$@"\n' >"$ROOT/bin/dd"
  chmod 755 "$ROOT/bin/dd"
  touch "$ROOT/hang/dd"
  start_driver
  until_true called dd SHA256SUMS
  [[ -L $ROOT/$medium ]]
  kill_driver
  [[ -L $ROOT/$medium ]]
  rm "$ROOT/hang/dd"
  drive
  installed_from "$ROOT/dev/sr0"
  count umount . 2
}
test_payload_killed_while_it_copies() {
  local file
  wants_payload
  payload_in "$ROOT/media/cfypayload"
  # shellcheck disable=SC2016 # expands in the fake
  printf '#!/bin/bash\nif [[ -e $CFY_ROOT/rest && $* == *"$(<"$CFY_ROOT/rest").part"* ]]; then mv "$CFY_ROOT"/rest{,s} && exec /bin/sleep 60; fi\nexec /bin/mv "$@"\n' >"$ROOT/bin/mv"
  chmod 755 "$ROOT/bin/mv"
  for file in cfy-seed.repo keys/RPM-GPG-KEY 1-1.el8.x86_64.rpm repodata/repomd.xml; do
    echo "$file" >"$ROOT/rest"
    start_driver
    until_true test -e "$ROOT/rests"
    kill_driver
    rm "$ROOT/rests"
  done
  drive
  installed_from "$ROOT/media/cfypayload"
}
test_payload_killed_while_yum_installs() {
  wants_payload
  payload_in "$ROOT/media/cfypayload"
  payload_killed_at yum install
}
test_payload_copy_is_looked_at_again_after_a_kill() {
  wants_payload
  device sr0
  touch "$ROOT/hang/yum"
  start_driver
  until_true called yum install
  kill_driver
  rm "$ROOT/hang/yum"
  echo x >"$ROOT/var/lib/cfy-seed/payload/repodata/repomd.xml"
  rm -rf "$ROOT/at-yum"
  drive
  installed_from "$ROOT/dev/sr0"
}

# A hundred times one byte of one file is another one: `take_payload` names it, and the copy has nothing that is wrong.
corrupted() {
  local here=$ROOT/media/cfypayload files file size at old new rc n
  # shellcheck disable=SC2034 # of the recipe
  local R=$ROOT D=$ROOT/var/lib/cfy-seed NL=$'\n'
  openssl rsa -in "$(signing_key)" -pubout -out "$S/box-key.pem" 2>/dev/null
  payload_in "$here"
  # shellcheck source=templates/guest/fetch-payload
  source "$GUEST/fetch-payload"
  mapfile -t files < <(cd "$here" && find . -type f ! -name box-key.pem -printf '%P\n' | sort)
  ((${#files[@]} == 9))
  RANDOM=$1$(date +%j)
  for ((n = 0; n < 100; n++)); do
    file=${files[n % 9]}
    size=$(stat -c %s "$here/$file")
    at=$(((RANDOM << 15 | RANDOM) % size))
    old=$(od -An -tu1 -j "$at" -N 1 "$here/$file")
    new=$(((old + 1 + RANDOM % 255) % 256))
    cp "$here/$file" "$ROOT/before"
    # shellcheck disable=SC2059 # an octal escape
    printf "\\$(printf %o "$new")" | dd of="$here/$file" bs=1 seek="$at" conv=notrunc status=none
    rm -rf "$copy" && mkdir -p "$copy"
    rc=0
    take_payload directory "$here" >"$D/log/payload.log" 2>&1 || rc=$?
    cp "$ROOT/before" "$here/$file"
    case $file in
      SHA256SUMS*) [[ $rc == 2 && ! -e $copy/SHA256SUMS ]] ;;
      *) [[ $rc == 3 && $(tail -n 1 "$D/log/payload.log") == "$file is damaged," ]] ;;
    esac || { echo "byte $at of $file: $old to $new: $rc" && tail -n 3 "$D/log/payload.log" && return 1; }
    (cd "$copy" && find . -type f ! -name 'SHA256SUMS*' -exec cmp {} "$here/{}" \;)
    [[ ! -e $copy/$file ]]
  done
  rm -rf "$copy" && mkdir -p "$copy"
  take_payload directory "$here" >"$D/log/payload.log" 2>&1
}
test_payload_corrupted_somewhere_1() { corrupted 1; }
test_payload_corrupted_somewhere_2() { corrupted 2; }
test_payload_corrupted_somewhere_3() { corrupted 3; }
