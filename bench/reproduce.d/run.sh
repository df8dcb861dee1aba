# Runs espalier and keeps what it says: $out/NAME.json, with the command, the seconds that it kept processors busy, and
# the version of MuJoCo. Everything else that belongs to the run is named $out/NAME.*, too.
# shellcheck shell=bash

counting='' jobs=0 started_jobs=0 failures=() mujoco=''

fresh() { # fresh FILE LINE CHECKPOINT
    [ -s "$1" ] && [ ! "$3" -nt "$1" ] && [ "$(jq -r .command "$1")" = "$2" ]
}

# run NAME COMMAND CHECKPOINT [ARGUMENT...]: runs the command unless its result is up to date. While `counting`, it
# only counts, and deletes outdated results, so that runs that depend on them are counted too.
run() {
    local name=$1 checkpoint=$3 file=$out/$1.json line user system TIMEFORMAT='%U %S'
    shift
    line="espalier $*"
    fresh "$file" "$line" "$checkpoint" && return
    if [ "$counting" ]; then
        jobs=$((jobs + 1))
        rm -rf "${out:?}/$name".*
        return
    fi
    started_jobs=$((started_jobs + 1))
    printf '%(%H:%M:%S)T  %d of %d  %s\n' -1 "$started_jobs" "$jobs" "$name"
    # Processor time, so that results do not depend on what else runs; threads that wait must not spin.
    if ! { time OMP_WAIT_POLICY=passive "$espalier" "$@" --json --quiet >"$file.part" 2>"$out/$name.log"; } \
        2>"$file.time"; then
        failures+=("$line: $(tail -n 1 "$out/$name.log")")
        echo "          failed: $(tail -n 1 "$out/$name.log")"
        return
    fi
    read -r user system <"$file.time"
    jq --arg command "$line" --arg user "$user" --arg system "$system" --arg mujoco "$mujoco" \
        '. + {command: $command, cpu_s: (($user | tonumber) + ($system | tonumber)), mujoco: $mujoco}' \
        "$file.part" >"$file.part2"
    rm "$file.part" "$file.time"
    mv "$file.part2" "$file"
}

# cut_down NAME CHECKPOINT [ARGUMENT...]: prunes into $out/NAME.safetensors.
cut_down() {
    local name=$1
    shift
    run "$name" prune --preset paper --groups structural "$@" -o "$out/$name.safetensors"
}

# play NAME CHECKPOINT CONTROLLER EPISODES: held-out episodes of both starts.
play() {
    local start
    for start in random hanging; do
        run "$1.$start" eval "$2" --controller "$3" --start $start --seed "$report_seed" --episodes "$4"
    done
}

# Counts what is left to do, says so, does it, and keeps the text of every part.
run_parts() {
    local part
    trap 'echo "stopped; the same command continues" >&2; exit 130' INT TERM
    mujoco=$("$espalier" doctor --json --quiet | jq -r .mujoco.version)
    counting=1
    for part; do "run_$part"; done
    counting=''
    say "$jobs runs to do; from scratch, on two free cores, it takes about"
    for part; do printf '%s: %s minutes\n' "$part" "${minutes[$part]}"; done
    for part; do
        "run_$part"
        "write_$part" >"$out/$part.md"
    done
}

report_failures() {
    [ ${#failures[@]} -eq 0 ] && return
    echo "these runs failed, and their results are missing from the tables:" >&2
    printf '  %s\n' "${failures[@]}" >&2
    return 1
}
