#!/usr/bin/env bash
# Puts a Python with the pinned MuJoCo package, numpy and glfw into build/python-X.Y.Z, for the tests of the controller
# inside Python programs: a virtual environment, checked against the hashes in scripts/mujoco.txt. A finished one that
# works is kept; one that an interrupted run left is rebuilt. Exit status 1: it cannot be made; one line says why.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(grep -o '^mujoco[a-z-]*==[0-9.]*' scripts/mujoco.txt | cut -d= -f3)
folder=build/python-$version
works() { "$folder/bin/python" -c "import glfw, mujoco, numpy; assert mujoco.__version__ == '$version'" 2>/dev/null; }
cmp -s scripts/mujoco.txt "$folder/finished" && works && exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
rm -rf "$folder"
mkdir -p build
if ! { python3 -m venv "$folder" && "$folder/bin/pip" install -q --disable-pip-version-check --no-input --retries 1 \
       --timeout 20 --require-hashes --only-binary=:all: -r scripts/mujoco.txt; } >"$log" 2>&1 || ! works
then
    echo "no Python package of MuJoCo $version ($(tail -n 1 "$log"))" >&2
    rm -rf "$folder"
    exit 1
fi
cp scripts/mujoco.txt "$folder/finished" # comes last: without this file the folder counts as half-made
