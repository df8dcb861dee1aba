#!/usr/bin/env bash
# Shell scripts parse, and bench/reproduce writes a whole document even without results: every table has rows of equal
# width, and every missing number is a dash.
# usage: scripts.sh SOURCE_FOLDER
set -u
cd "$1" || exit 1
status=0

fail() {
    echo "$*"
    status=1
}

for script in demo check scripts/*.sh tests/*.sh bench/reproduce bench/reproduce.d/*.sh; do
    bash -n "$script" || fail "$script does not parse"
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# shellcheck disable=SC2034
write_parts() (
    set -euo pipefail
    source bench/reproduce.d/settings.sh
    for file in bench/reproduce.d/*.sh; do source "$file"; done
    out=$folder document=$folder/results.md
    for part in "${all_parts[@]}"; do "write_$part"; done
)
write_parts >"$folder/text" 2>"$folder/errors" || fail "a part cannot be written without results"
[ ! -s "$folder/errors" ] || fail "$(cat "$folder/errors")"
awk -F'|' '/^\|/ { if (width && NF != width) { print "a row is not as wide as its table: " $0; bad = 1 }
                   width = NF; next }
           { width = 0 } END { exit bad }' "$folder/text" || status=1
grep -q '| - |' "$folder/text" || fail "missing numbers are not dashes"

[ $status -eq 0 ] && echo "scripts are sound"
exit $status
