#!/bin/sh
# The include lines are the map of the program: a module includes only modules below it.
# usage: includes.sh SOURCE_FOLDER
cd "$1" || exit 1
status=0

allow() { # allow MODULE "modules it may include"
    for file in "$1"/*.c "$1"/*.h; do
        [ -f "$file" ] || continue
        for module in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$file" | sort -u); do
            case " $1 $2 " in
                *" $module "*) ;;
                *) echo "$file includes $module/, but $1 may include only: $2"; status=1 ;;
            esac
        done
        # An internal header stays in its folder.
        for header in $(sed -n 's/^#include "\([a-z]*\/[a-z_]*_internal\.h\)"/\1/p' "$file"); do
            [ "${header%%/*}" = "$1" ] || { echo "$file includes $header of another module"; status=1; }
        done
    done
}

allow base    ""
allow nn      "base"
allow graph   "nn base"
allow onnx    "graph nn base"
allow deploy  "nn base"
allow envs    "base"
allow calibration "nn base"
allow pruning "calibration nn base"
allow elimination "pruning nn base"
allow search  "elimination pruning nn base"
allow closedloop "envs pruning nn base"
allow controller "closedloop envs pruning nn base"
allow agent   "closedloop envs pruning graph nn base"
allow autoencoder "pruning graph nn base"
allow report  "base"
allow sequential "base"
allow plugin  "agent closedloop envs pruning nn base"
allow application "deploy onnx report agent controller closedloop graph autoencoder envs search pruning nn base"
allow study   "application deploy sequential report search pruning nn base"
allow viewer  "application report envs search pruning nn base"
allow pages   "viewer study application report envs search pruning nn base"
allow cli     "deploy pages viewer study application report envs search pruning nn base"

# Nothing below cli knows a command line.
for file in $(grep -l '^#include <argp.h>' */*.[ch]); do
    case $file in
        cli/* | tests/* | build/*) ;;
        *) echo "$file includes argp.h, but only cli knows a command line"; status=1 ;;
    esac
done
# Applications are rows of a table: outside their folder nobody asks which one it is.
for file in $(grep -lE 'esp_application_(agent|autoencoder)' */*.[ch]); do
    case $file in
        application/application*.c | application/application.h | tests/*) ;;
        *) echo "$file names an application; a hook of esp_application says what differs"; status=1 ;;
    esac
done
[ $status -eq 0 ] && echo "include directions hold"
exit $status
