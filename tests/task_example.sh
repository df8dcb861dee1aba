#!/bin/sh
# Builds examples/task.c as a shared object and plays it: from the command line alone, never because a file names it.
# usage: task_example.sh SOURCE_FOLDER EXECUTABLE MUJOCO_INCLUDE COMPILER [FLAG...]
source=$1 espalier=$2 include=$3 compiler=$4
shift 4
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
fail() { echo "$1"; exit 1; }
export ESPALIER_MODELS="$source/models"
agent=$source/models/pendulum/agent.safetensors scene=$source/models/pendulum/scene.xml

$compiler -std=gnu11 -Wall -Wextra -Werror -shared -fPIC "$@" -I"$source" -I"$include" $(pkg-config --cflags libcjson) \
    -o "$folder/mytask.so" "$source/examples/task.c" -lm || fail "examples/task.c does not build"
cd "$folder" || exit 1
"$espalier" eval "$agent" --controller policy --episodes 4 --quiet --set env.task=./mytask.so --set env.scene="$scene" \
    --start hanging --set env.reward=energy --set train.reward=energy --json | tr -d "\t\n" >said
[ -s said ] || fail "eval fails"
grep -q '"task":"./mytask.so"' said || fail "the result does not name the task"
mean=$(sed -n 's/.*"return_mean":\([0-9]*\).*/\1/p' said)
[ "$mean" -ge 300 ] && [ "$mean" -le 1000 ] || fail "the policy earns $mean of 1000 for energy"

printf '{"application": "tdmpc", "env": {"task": "./mytask.so"}}' >config.json
"$espalier" train config.json -o run >/dev/null 2>error && fail "a file may name native code"
grep -q "only the command line may name" error || fail "the refusal does not say what to do: $(cat error)"
"$espalier" eval "$agent" --set env.task=./absent.so >/dev/null 2>error && fail "a missing library is not an error"
grep -q "absent.so: cannot be loaded" error || fail "the error does not name the library: $(cat error)"
echo "examples/task.c earns the policy $mean"
