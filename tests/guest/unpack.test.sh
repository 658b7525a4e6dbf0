#!/bin/bash
# Certificates and keys are made on the host, out of what is left of them in secret/pki.
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; ROOT and S come from lib.sh

# BITS: a host whose key and certificate travel packed; ROOT/host.{crt,key} is what must come out.
packed_host() {
  (
    cd "$ROOT" || exit
    openssl req -x509 -newkey "rsa:$1" -nodes -days 2 -subj /CN=t -keyout any.key -out host.crt 2>/dev/null
    openssl rsa -in any.key -traditional -out host.key 2>/dev/null || openssl rsa -in any.key -out host.key
    openssl rsa -in host.key -outform DER -traditional -out key.der 2>/dev/null || openssl rsa -in host.key -outform DER -out key.der
    openssl x509 -in host.crt -outform DER -out crt.der
    python3 "$TESTS/pack.py" key.der crt.der "$S/pki" >record
  )
  plan_drop '^pair\t'
  cat "$ROOT/record" >>"$S/plan"
  # The list is made of what must be there, and nothing of it is there when the host boots.
  cp "$ROOT"/host.{crt,key} "$S/files/"
  seal
  rm "$S"/files/host.{crt,key}
}
# The key of the image that CONFIGURE installs.
installed() { cmp "$ROOT/host.$1" "$ROOT/etc/cloudify/cfy-seed/host.$1"; }

test_key_and_certificate_are_made() {
  packed_host 2048
  drive
  is state READY
  installed key
  installed crt
  [[ $(stat -c %a "$ROOT/etc/cloudify/cfy-seed/host.key") == 600 ]]
  [[ ! -e $S/pki && ! -e $S/files ]]
}
test_longer_keys_are_made() {
  local bits
  for bits in 3072 4096; do
    packed_host "$bits"
    # shellcheck disable=SC2016 # expands in the inner shell
    (export LC_ALL=C TAB=$'\t' && cd / && bash -e -c 'S=$0 && . "$1/unpack"' "$S" "$GUEST")
    cmp "$ROOT/host.key" "$S/files/host.key"
    cmp "$ROOT/host.crt" "$S/files/host.crt"
    [[ $(stat -c %a "$S/files/host.key") == 600 ]]
  done
}
test_torn_pack_is_named() {
  packed_host 2048
  truncate -s 100 "$S/pki"
  fails_with CFY-G001
  [[ $(status cause) == *secret/files/host.key*secret/pki* && ! -e $ROOT/var/lib/cfy-seed/SEEDED ]]
  none grep -q 'BEGIN' "$ROOT/out"
}
test_torn_recipe_of_unpacking_is_named() {
  packed_host 2048
  seal_library
  head -c 900 "$GUEST/unpack" >"$ROOT/usr/local/lib/cfy-seed/unpack"
  fails_with CFY-G001
  [[ $(status cause) == *lib/cfy-seed/unpack* ]]
}
# The list names the library, as the generator's does.
seal_library() {
  (cd "$ROOT" && sha256sum ./usr/local/lib/cfy-seed/unpack | digits | cat - "$S/seed.sha256" >list)
  mv "$ROOT/list" "$S/seed.sha256"
}
# A power cut while the key is written: what is half there is made again.
test_killed_while_unpacking() {
  packed_host 2048
  # shellcheck disable=SC2016 # expands in the fake
  printf '#!/bin/bash\nnote base64 "$@"\nexec /usr/bin/base64 "$@"\n' >"$ROOT/bin/base64"
  chmod 755 "$ROOT/bin/base64"
  touch "$ROOT/hang/base64"
  start_driver
  until_true called base64 .
  kill_driver
  [[ -s $S/files/host.key && ! -e $ROOT/var/lib/cfy-seed/SEEDED ]]
  [[ $(stat -c %a "$S/files/host.key") == 600 ]]
  rm "$ROOT/hang/base64"
  drive
  is state READY
  installed key
}
# No number of a key is in the arguments of a process, and nothing of it is said.
test_key_is_no_argument() {
  packed_host 2048
  local tool
  for tool in od tr base64 mkdir; do
    # shellcheck disable=SC2016 # expands in the fake
    printf '#!/bin/bash\nnote %s "$@"\nexec /usr/bin/%s "$@"\n' "$tool" "$tool" >"$ROOT/bin/$tool"
    chmod 755 "$ROOT/bin/$tool"
  done
  drive
  called od . && called base64 '-w 64'
  none grep -qE '[0-9a-f]{64}|[A-Za-z0-9+/]{60}' "$ROOT"/calls/*
}
