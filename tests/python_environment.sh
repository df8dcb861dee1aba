#!/usr/bin/env bash
# scripts/python_host.sh keeps a finished environment and rebuilds one that an interrupted run left; the test of Python
# hosts is skipped, with a reason, when the environment is half-made. Stand-ins for python3 and pip need no network.
# usage: python_environment.sh SOURCE_FOLDER
set -u
source_folder=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0
fail() { echo "$*"; status=1; }

mkdir -p "$folder/scripts" "$folder/bin"
cp "$source_folder/scripts/python_host.sh" "$source_folder/scripts/mujoco.txt" "$folder/scripts"
version=$(sed -n 's/^mujoco[a-z-]*==\([0-9.]*\).*/\1/p' "$folder/scripts/mujoco.txt")
environment=$folder/build/python-$version

# `python3 -m venv DIR`: a python that does what it is told, and the pip of $folder/pip.
cat >"$folder/bin/python3" <<END
#!/bin/sh
mkdir -p "\$3/bin"
printf '#!/bin/sh\nexit 0\n' >"\$3/bin/python"
cp "$folder/pip" "\$3/bin/pip"
chmod +x "\$3/bin/python" "\$3/bin/pip"
echo made >>"$folder/made"
END
chmod +x "$folder/bin/python3"
run() { (PATH=$folder/bin:$PATH; exec "$folder/scripts/python_host.sh") >"$folder/out" 2>&1; }
made() { [ "$(wc -l <"$folder/made")" -eq "$1" ] || fail "$2: made $(wc -l <"$folder/made") times, expected $1"; }
hosts() { sh "$source_folder/tests/python_hosts.sh" "$folder" no-library "$version" "" >"$folder/out" 2>&1; }

hosts; [ $? -eq 77 ] && grep -q 'skipped: no ' "$folder/out" || fail "a missing environment is not skipped"

printf '#!/bin/sh\nkill -9 $PPID\n' >"$folder/pip" # the run ends in the middle of the installation
run && fail "a killed run succeeds"
[ -x "$environment/bin/python" ] || fail "the killed run left no half-made environment to try this with"
hosts; [ $? -eq 77 ] && grep -q 'skipped: .*half-made' "$folder/out" || fail "a half-made environment is not skipped"

printf '#!/bin/sh\nexit 0\n' >"$folder/pip"
run || fail "the run after a killed one fails: $(cat "$folder/out")"
made 2 "after a killed run"
run || fail "a finished environment is refused"
made 2 "a finished environment"

printf '#!/bin/sh\nexit 1\n' >"$environment/bin/python"
hosts; [ $? -eq 77 ] && grep -q 'skipped: .*broken' "$folder/out" || fail "a broken environment is not skipped"
run || fail "a broken environment is not made anew"
made 3 "a broken environment"

[ $status -eq 0 ] && echo "half-made environments are skipped and made anew"
exit $status
