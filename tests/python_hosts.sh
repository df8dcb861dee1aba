#!/bin/sh
# The controller inside Python programs (python_hosts.py), with the Python that scripts/python_host.sh puts below build/.
# usage: python_hosts.sh SOURCE_FOLDER LIBRARY MUJOCO_VERSION [SANITIZERS]
python=$1/build/python-$3/bin/python
skip() { echo "skipped: $*"; exit 77; }
[ -z "$4" ] || skip "a Python without sanitizers cannot load a library with them"
[ -x "$python" ] || skip "no $python (scripts/python_host.sh gets it from the package index, for the pinned MuJoCo)"
exec "$python" "$1/tests/python_hosts.py" "$2" "$1"
