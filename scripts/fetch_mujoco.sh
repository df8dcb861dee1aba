#!/usr/bin/env bash
# Puts the MuJoCo that scripts/mujoco.txt pins into build/mujoco-X.Y.Z: its wheel from the Python package index, checked
# against the hashes there and unpacked. Nothing is installed, and it does not matter which Python runs pip. An intact
# copy is kept.
# Exit status 1: it cannot be downloaded; one line says why. 2: the index sent another file than the pinned one.
set -euo pipefail
cd "$(dirname "$0")/.."

pin=$(sed '/^# For the Python hosts/,$d' scripts/mujoco.txt)
version=$(grep -o '^mujoco[a-z-]*==[0-9.]*' <<<"$pin" | cut -d= -f3)
folder=build/mujoco-$version

intact() { (cd "$folder" 2>/dev/null && sha256sum --quiet --strict -c SHA256SUMS >/dev/null 2>&1); }
intact && exit 0

mkdir -p build
new=$(mktemp -d build/mujoco.XXXXXX)
trap 'rm -rf "$new"' EXIT
echo "$pin" >"$new/pin.txt"
machine=$(uname -m)
if ! python3 -m pip download -q --disable-pip-version-check --no-input --retries 1 --timeout 20 --no-deps \
    --require-hashes --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 \
    --platform "manylinux_2_28_$machine" --platform "manylinux_2_27_$machine" \
    -r "$new/pin.txt" -d "$new" >"$new/log" 2>&1
then
    grep -q 'DO NOT MATCH THE HASHES' "$new/log" &&
        { echo "MuJoCo $version from the package index is not the file that scripts/mujoco.txt pins" >&2; exit 2; }
    echo "no MuJoCo $version from the package index ($(tail -n 1 "$new/log"))" >&2
    exit 1
fi
python3 -m zipfile -e "$new"/*.whl "$new/unpacked"
(cd "$new/unpacked" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
rm -rf "$folder"
mv -T "$new/unpacked" "$folder"
