#!/bin/sh
# The controller inside Python programs (python_hosts.py), with the Python that scripts/python_host.sh puts below build/.
# usage: python_hosts.sh SOURCE_FOLDER LIBRARY MUJOCO_VERSION [SANITIZERS]
folder=$1/build/python-$3
skip() { echo "skipped: $*"; exit 77; }
[ -z "$4" ] || skip "a Python without sanitizers cannot load a library with them"
[ -d "$folder" ] || skip "no $folder (scripts/python_host.sh gets it from the package index, for the pinned MuJoCo)"
[ -e "$folder/finished" ] && "$folder/bin/python" -c "import glfw, mujoco, numpy" ||
    skip "$folder is half-made or broken; scripts/python_host.sh makes it anew"
exec "$folder/bin/python" "$1/tests/python_hosts.py" "$2" "$1"
