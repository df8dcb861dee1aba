#!/usr/bin/env bash
# Makes the results table of README.md: the dense agent and gd, magnitude and random cuts at four
# sparsities, for both controllers, on held-out episodes of both starts. Writes docs/results.md and
# the pruned agents to out/results/. Takes about an hour on two cores with the default; a run that was
# stopped goes on, finished rows are kept in out/results/*.json.
#   scripts/results.sh [EPISODES]     planner episodes of each start (default 100; the policy always plays 100)
set -euo pipefail
cd "$(dirname "$0")/.."
espalier=build/release/espalier agent=models/pendulum/agent.safetensors
planner_episodes=${1:-100} policy_episodes=100 out=out/results table=docs/results.md
mkdir -p "$out"

number() { grep -o "\"$2\":[^,}]*" "$1" | head -n 1 | cut -d: -f2; }
interval() { grep -o '"return_ci95":\[[^]]*\]' "$1" | sed 's/.*\[\(.*\),\(.*\)\]/\1 \2/'; }

# keep FILE COMMAND...: runs the command unless FILE is there, and gives it the name only when done
keep() {
    local file=$1
    shift
    [ -s "$file" ] && return
    "$@" | tr -d '\n\t' >"$file.part"
    mv "$file.part" "$file"
}

measure() { # measure NAME CHECKPOINT CONTROLLER
    local episodes=$planner_episodes
    [ "$3" = policy ] && episodes=$policy_episodes
    for start in random hanging; do
        keep "$out/$1.$start.json" $espalier eval "$2" --controller "$3" --start $start --seed 1000 \
            --episodes "$episodes" --json --quiet
    done
}

row() { # row NAME METHOD TARGET MILLISECONDS
    local low high cells=""
    for start in random hanging; do
        read -r low high < <(interval "$out/$1.$start.json")
        cells+=$(printf ' %.1f [%.1f, %.1f] | %.0f %% |' "$(number "$out/$1.$start.json" return_mean)" "$low" "$high" \
            "$(awk "BEGIN { print 100 * $(number "$out/$1.$start.json" success_rate) }")")
    done
    printf '| %s | %s |%s %d | %.4g | %.3g |\n' "$2" "$3" "$cells" "$(number "$out/$1.random.json" params_used)" \
        "$(awk "BEGIN { print $(number "$out/$1.random.json" flops_per_action) / 1e6 }")" \
        "$4" >>"$table.part"
}

cat >"$table.part" <<TEXT
# Pruned agents in closed loop

Made by \`scripts/results.sh $planner_episodes\`: held-out episodes of each start (\`--seed 1000\`; $planner_episodes with the planner,
$policy_episodes with the policy), sparse reward, mean return with its 95 % bootstrap interval, and the share of episodes that hold the pole up to the end. Parameters are
those the controller uses. Time is the median latency of one action on all cores.
TEXT

for controller in mppi policy; do
    {
        printf '\n## Controller: %s\n\n' "$controller"
        echo '| method | sparsity | return, random start | held | return, hanging start | held | parameters | MFLOP an action | ms an action |'
        echo '|---|---|---|---|---|---|---|---|---|'
    } >>"$table.part"
    measure "dense-$controller" $agent $controller
    for percent in 20 40 60 80; do
        for method in gd magnitude-l1 magnitude-l2 random; do
            name=$method-$percent-$controller importance=l2
            [ "$method" = magnitude-l1 ] && importance=l1
            [ "$method" = random ] && importance=random
            keep "$out/$name.prune.json" $espalier prune $agent --controller $controller --sparsity 0.$percent \
                --method "${method%%-*}" --importance $importance --report-episodes 2 --json --quiet \
                -o "$out/$name.safetensors"
            measure "$name" "$out/$name.safetensors" $controller
        done
    done
    row "dense-$controller" dense "0 %" "$(number "$out/gd-20-$controller.prune.json" action_ms_before)"
    for percent in 20 40 60 80; do
        for method in gd magnitude-l1 magnitude-l2 random; do
            name=$method-$percent-$controller
            row "$name" "${method/-/ }" "$percent %" "$(number "$out/$name.prune.json" action_ms_after)"
        done
    done
done
mv "$table.part" "$table"
echo "wrote $table"
