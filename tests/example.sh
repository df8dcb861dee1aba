#!/bin/sh
# Builds examples/prune.c as another project would, against installed files by pkg-config without --static, and checks
# that it prints the return that `espalier eval` reports for the file that it wrote.
# usage: example.sh SOURCE_FOLDER BUILD_FOLDER COMPILER [FLAG...]
source=$1 build=$2 compiler=$3
shift 3
command -v pkg-config >/dev/null || { echo "skipped: no pkg-config"; exit 77; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
fail() { echo "$1"; exit 1; }

cmake --install "$build" --prefix "$folder/prefix" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
pc=$(dirname "$(find "$folder/prefix" -name espalier.pc)")
flags=$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs espalier) || exit 1
cp "$source/examples/prune.c" "$folder" && cd "$folder" || exit 1
$compiler -std=gnu11 -Wall -Wextra -Werror "$@" prune.c $flags -o prune || fail "examples/prune.c does not build"

# What is installed works when the build folder is gone.
if ldd "$folder/prefix/bin/espalier" "$folder"/prefix/lib*/libespalier_controller.so ./prune | grep -F -e "not found" -e "$source"
then fail "a library is not found among the installed ones"; fi

"$folder/prefix/bin/espalier" doctor --json | grep -q "$folder/prefix/share/espalier/models" ||
    fail "the installed program does not take the models installed beside it"

./prune "$source/models/pendulum/agent.safetensors" pruned.safetensors >said || fail "prune: status $?"
cat said
"$folder/prefix/bin/espalier" eval pruned.safetensors --controller policy --quiet >table || fail "eval: status $?"
after=$(sed -n 's/.*after \([0-9.]*\)$/\1/p' said)
judged=$(sed -n 's/^mean return  *\([0-9.]*\).*/\1/p' table)
[ -n "$after" ] && [ "$after" = "$judged" ] || fail "the example says $after, espalier eval $judged"
./prune nosuch.safetensors x.safetensors 2>error && fail "a missing file is not an error"
grep -q "nosuch.safetensors" error || fail "the error message does not name the file"
