#!/bin/sh
# cmake/mujoco.cmake finds library, headers, version and licence of a MuJoCo in every layout it comes in, and refuses a
# folder without one.
# usage: mujoco_layouts.sh SOURCE_FOLDER
source=$(cd "$1" && pwd) || exit 1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

mkdir scripts
cp "$source/scripts/mujoco.txt" scripts
cat >CMakeLists.txt <<TEXT
cmake_minimum_required(VERSION 3.25)
project(layouts LANGUAGES NONE)
set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS TRUE)
include($source/cmake/mujoco.cmake)
message(STATUS "found \${MUJOCO_VERSION} \${MUJOCO_LIBRARY} \${MUJOCO_INCLUDE} \${MUJOCO_BUNDLED} \${MUJOCO_LICENCES}")
TEXT

put() { # put FILE [TEXT]
    mkdir -p "$(dirname "$1")"
    echo "$2" >"$1"
}
header='#define mjVERSION_HEADER'

put archive/include/mujoco/mujoco.h "$header 337"
put archive/lib/libmujoco.so.3.3.7
ln -s libmujoco.so.3.3.7 archive/lib/libmujoco.so
put archive/LICENSE

put wheel3/mujoco/include/mujoco/mujoco.h "$header 3017000"
put wheel3/mujoco/libmujoco.so.3.17.0
put wheel3/mujoco-3.17.0.dist-info/licenses/LICENSE

put site/mujoco/include/mujoco/mujoco.h "$header 4000001"
put site/mujoco/libmujoco.so.4.0.1
put site/mujoco_core-4.0.1.dist-info/licenses/LICENSE
put site/numpy-2.4.6.dist-info/licenses/LICENSE

status=0
finds() { # finds ROOT VERSION LIBRARY INCLUDE LICENCE
    cmake -S . -B "build-$(basename "$1")" -DMUJOCO_ROOT="$folder/$1" >log 2>&1
    expected="found $2 $folder/$3 $folder/$4 TRUE $folder/$5"
    grep -qxF -- "-- $expected" log || { echo "MUJOCO_ROOT=$1: expected '$expected', got"; cat log; status=1; }
}
finds archive 3.3.7 archive/lib/libmujoco.so.3.3.7 archive/include archive/LICENSE
finds wheel3 3.17.0 wheel3/mujoco/libmujoco.so.3.17.0 wheel3/mujoco/include wheel3/mujoco-3.17.0.dist-info/licenses/LICENSE
finds site 4.0.1 site/mujoco/libmujoco.so.4.0.1 site/mujoco/include site/mujoco_core-4.0.1.dist-info/licenses/LICENSE
finds site/mujoco 4.0.1 site/mujoco/libmujoco.so.4.0.1 site/mujoco/include site/mujoco_core-4.0.1.dist-info/licenses/LICENSE

mkdir empty
if cmake -S . -B build-empty -DMUJOCO_ROOT="$folder/empty" >log 2>&1 || ! grep -q "MUJOCO_ROOT: no libmujoco.so" log; then
    echo "an empty MUJOCO_ROOT was taken"
    status=1
fi
[ $status -eq 0 ] && echo "every layout is found"
exit $status
