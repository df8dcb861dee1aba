#!/bin/sh
# The files of plugin/ and envs/ compile against the headers of another MuJoCo.
# usage: MUJOCO_ROOT=DIR plugin_headers.sh SOURCE_FOLDER COMPILER
cd "$1" || exit 1
root=$MUJOCO_ROOT
[ -n "$root" ] || { echo "skipped: MUJOCO_ROOT names no folder with include/mujoco/mujoco.h"; exit 77; }
[ -d "$root/mujoco/include" ] && root=$root/mujoco # a wheel
header=$root/include/mujoco/mujoco.h
[ -f "$header" ] || { echo "$header is missing"; exit 1; }
version=$(sed -n 's/^#define mjVERSION_HEADER *//p' "$root"/include/mujoco/*.h)
for file in plugin/*.c envs/*.c; do
    "$2" -std=gnu11 -Wall -Wextra -Werror -fopenmp -fsyntax-only -I. -isystem "$root/include" \
        -DESP_MODELS_INSTALLED='""' -DESP_MODELS_SOURCE='""' "$file" || exit 1
done
echo "compiles against MuJoCo $version"
