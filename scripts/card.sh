#!/usr/bin/env bash
# Writes the CARD.md of a trained agent: where it comes from, its learning curve, and what it scores on
# 100 held-out episodes of each start with each controller (about eight minutes on two cores).
#   scripts/card.sh RUN_DIR CHECKPOINT "PROCESSOR AND THREADS IT WAS TRAINED ON" > models/TASK/CARD.md
set -euo pipefail
cd "$(dirname "$0")/.."
espalier=build/release/espalier run=$1 checkpoint=$2 machine=$3

field() { tr -d '\n\t ' | grep -o "\"$1\":[^,}]*" | head -n 1 | cut -d: -f2; }

wall=$(tail -n 1 "$run/metrics.jsonl" | field wall_s)
cat <<TEXT
# $(basename "$(dirname "$checkpoint")") agent

Trained from pixels by

    espalier train $(dirname "$checkpoint")/config.json -o RUN_DIR

and copied from RUN_DIR/checkpoint.safetensors, the best of the evaluations below. The same version gives bit-identical
tensors again on the same kind of processor, with any number of threads.

| | |
|---|---|
| espalier | $($espalier --version | head -n 1) |
| trained on | $machine |
| time | $(awk "BEGIN { printf \"%.1f\", $wall / 60 }") minutes |
| seed | $(field seed <"$run/config.json") |
| file | $(stat -c %s "$checkpoint") bytes, sha256 $(sha256sum "$checkpoint" | cut -c1-16) |
| configuration | $(dirname "$checkpoint")/config.json, every key spelled out |

## Held-out evaluation

Sparse reward, 100 episodes of each start, \`espalier eval $checkpoint --episodes 100 --seed 1000 --controller C
--start S\`. An episode counts as held when the pole stays within 0.1 rad and 0.5 rad/s of upright from some control
step to the end.

| controller | start | mean return | 95 % interval | held |
|---|---|---|---|---|
TEXT
for controller in mppi policy; do
    for start in random hanging; do
        json=$($espalier eval "$checkpoint" --episodes 100 --seed 1000 --controller $controller --start $start \
            --json --quiet | tr -d "\n\t")
        interval=$(grep -o '"return_ci95":\[[^]]*\]' <<<"$json" | sed 's/.*\[\(.*\),\(.*\)\]/\1 \2/')
        read -r low high <<<"$interval"
        printf '| %s | %s | %.1f | [%.1f, %.1f] | %.0f %% |\n' $controller $start "$(field return_mean <<<"$json")" \
            "$low" "$high" "$(awk "BEGIN { print 100 * $(field success_rate <<<"$json") }")"
    done
done
cat <<'TEXT'

## Learning curve

Mean return of the evaluations during training (sparse reward, `train.eval_episodes` episodes each, the planner with the
smaller budget `planner.search.*`). The checkpoint of the row with the highest mean of the four was kept.

| update | policy, random | policy, hanging | planner, random | planner, hanging | minutes |
|---|---|---|---|---|---|
TEXT
grep policy_random "$run/metrics.jsonl" | while read -r line; do
    printf '| %d | %.0f | %.0f | %.0f | %.0f | %.1f |\n' "$(field update <<<"$line")" \
        "$(field policy_random <<<"$line")" "$(field policy_hanging <<<"$line")" \
        "$(field planner_random <<<"$line")" "$(field planner_hanging <<<"$line")" \
        "$(awk "BEGIN { print $(field wall_s <<<"$line") / 60 }")"
done
