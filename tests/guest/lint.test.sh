#!/bin/bash
# What every file here must hold, without a host: size, syntax, floor, codes.
# shellcheck disable=SC2250,SC2310,SC2312,SC2154 # braces are noise here; ROOT and S come from lib.sh

# As the generator does it: comment lines, empty lines and leading blanks go, the first line stays.
stripped() { sed -e '1!{/^[[:space:]]*#/d}' -e '/^$/d' -e 's/^[[:space:]]*//' "$SCRIPT"; }

test_lint_size() {
  local n
  n=$(stripped | gzip -9 | wc -c)
  echo "$n bytes"
  ((n < 7168))
}
test_lint_stripped_script_works() {
  stripped >"$ROOT/stripped"
  bash -n "$ROOT/stripped"
  SCRIPT=$ROOT/stripped
  export CFY_SCRIPT=$SCRIPT
  drive
  is state READY
}
test_lint_shellcheck() {
  cd "$TESTS/../.." || return
  shellcheck -x -o all --severity=style templates/guest/cfy-firstboot templates/guest/{unpack,{fetch,recover}-*} tests/guest/run tests/guest/*.sh tests/guest/fakes/*
  shellcheck -s sh --severity=style templates/guest/bootcmd templates/guest/image-check
}
test_lint_syntax() {
  local file
  for file in "$SCRIPT" "$GUEST"/{fetch,recover}-* "$TESTS"/run "$TESTS"/*.sh "$TESTS"/fakes/*; do bash -n "$file"; done
  sh -n "$GUEST/bootcmd"
  sh -n "$GUEST/image-check"
}
test_lint_bash_4_2() {
  local newer='\$\{[^}]*@[QEPAaKkUuL]\}|wait -n|(local|declare|typeset) -[a-zA-Z]*n|mapfile -d|readarray|EPOCH(SECONDS|REALTIME)|BASH_ARGV0|SRANDOM'
  newer+='|inherit_errexit|\[-[0-9]+\]\+?=|unset [^ ]*\[-|local -$|\$\{[^}]*:[^}]*: *-[0-9]+\}|\bcoproc\b|set -[a-zA-Z]*u'
  none grep -nE "$newer" <(grep -hvE '^[[:space:]]*#' "$SCRIPT" "$GUEST"/{fetch,recover}-*)
}
test_lint_tools() {
  none grep -nwE 'python3?|jq|sed|awk|perl|grep|xargs|find|hostname|nc|wget|dig' <(grep -hvE '^[[:space:]]*#' "$SCRIPT" "$GUEST"/{fetch,recover}-*)
}
test_lint_no_secret_in_argv() {
  none grep -nE 'set -[a-z]*x|curl .*(-u|--user)\b' "$SCRIPT" "$GUEST"/{fetch,recover}-*
}
test_lint_codes() {
  local used table pages
  table=$(grep -oE '^[0-9]{3}\|' "$GUEST/codes" | grep -oE '[0-9]{3}' | sort)
  [[ $table == "$(sort -u <<<"$table")" ]]
  used=$(grep -oE '\b(fail|problem|later|overdue|trouble [A-Z]+|await [^ ]+|(wrong|why)\+?=\(|CFY-G) ?[0-9]{3}\b' "$SCRIPT" "$GUEST"/{fetch,recover}-* | grep -oE '[0-9]{3}$' | sort -u)
  [[ $used == "$table" ]] || { diff <(echo "$used") <(echo "$table") && return 1; }
  pages=$(grep -oE '^## CFY-G[0-9]{3} ' "$TESTS/../../docs/codes/guest.md" | grep -oE '[0-9]{3}' | sort)
  [[ $pages == "$table" ]]
}
test_lint_units() {
  grep -qx 'KillMode=process' "$GUEST/cfy-install@.service"
  grep -qx 'Restart=on-abnormal' "$GUEST/cfy-firstboot.service"
  none grep -E '^After=.*(cloud-final|multi-user)' "$GUEST/cfy-firstboot.service"
}
