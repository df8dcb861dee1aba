# Use case II: the TD-MPC agent and the pendulum. Tables III, IV and VII, Figure 4, and all search methods at equal
# numbers of episodes.
# shellcheck shell=bash

# An evaluation of these searches is two episodes, one from each start, so --budget is half the episodes.
rankings=("magnitude l1" "magnitude l2" "global l2" "lamp l2")

search_name() { echo "search-$1-$2-$3${4:+-seed$4}" | tr : -; } # METHOD EPISODES CONTROLLER [SEED]

run_search() { # run_search METHOD EPISODES CONTROLLER [SEED]
    local name
    name=$(search_name "$@")
    cut_down "$name" "$agent" --controller "$3" --sparsity 0.6 --method "$1" --episodes 2 --budget $(($2 / 2)) \
        "${search_limits[@]}" --report-episodes 1 ${4:+--seed "$4"}
    play "$name" "$out/$name.safetensors" "$3" "$(episodes_of "$3" baseline)"
}

run_pendulum() {
    local controller way method importance budget seed
    local curve=(--methods magnitude/l1,magnitude/l2 --sparsities "$curve_sparsities" --seed "$report_seed")
    run agent inspect "$agent"
    for controller in policy mppi; do
        play "dense-$controller" "$agent" $controller "$(episodes_of $controller dense)"
        cut_down "table-7-$controller" "$agent" --controller $controller --groups paper --sparsity 0.2 --method gd \
            --report-episodes 1 "${agent_limits[@]}"
        play "table-7-$controller" "$out/table-7-$controller.safetensors" $controller "$(episodes_of $controller gd)"
    done
    run figure-4-policy sweep "$agent" --controller policy "${curve[@]}" --report-episodes "$policy_episodes" \
        -o "$out/figure-4-policy.sweep"
    run figure-4-mppi sweep "$agent" --controller mppi "${curve[@]}" --report-episodes "$curve_episodes" \
        -o "$out/figure-4-mppi.sweep"
    run methods-policy sweep "$agent" --controller policy \
        --methods "$(list "${planner_methods[@]}" global magnitude/l2)" --sparsities "$(list "${percents[@]/#/0.}")" \
        --report-episodes "$policy_episodes" --budget "$methods_budget" \
        -o "$out/methods-policy.sweep"
    for way in "${rankings[@]}"; do
        read -r method importance <<<"$way"
        cut_down "rank-$method-$importance" "$agent" --controller policy --sparsity 0.6 --method "$method" \
            --importance "$importance" --report-episodes 1
        play "rank-$method-$importance" "$out/rank-$method-$importance.safetensors" policy "$policy_episodes"
    done
    for budget in "${budgets[@]}"; do
        for method in "${search_methods[@]}"; do run_search "$method" "$budget" policy; done
    done
    for budget in "${planner_budgets[@]}"; do
        for method in "${planner_methods[@]}"; do run_search "$method" "$budget" mppi; done
    done
    for seed in "${search_seeds[@]}"; do
        run_search gd "$descent_budget" policy "$seed"
        for method in sensitivity evolve; do run_search "$method" "$fifth_budget" policy "$seed"; done
    done
}

list() { (IFS=,; echo "$*"); }

table_3() {
    local controller
    cat <<TEXT
### Table III: the agent

TEXT
    head_row "" paper ours
    row components "encoder, dynamics, reward, value, policy" "$(get agent '.components | keys_unsorted | join(", ")')"
    row "total parameters" 1,548,360 "$(count agent .params)"
    row "latent dimensions" 50 "$(get agent '.axes[] | select(.name == "latent") | .size')"
    row "hidden units" 512 "$(get agent '.axes[] | select(.name == "pi.hidden1") | .size')"
    row "model size" "12.4 MB" "$(num '%.1f MB' agent '.size_bytes / 1e6')"
    row "FLOPs per action, planner" "412 M" "$(num '%.0f M' agent '.flops_per_action / 1e6')"
    row "FLOPs per action, policy" "" "$(num '%.1f M' agent '.flops_per_action_policy / 1e6')"
    row "episode" "125 steps" "125 control steps of 8 physics steps"
    row "episode reward" 858.6 ""
    for controller in mppi policy; do
        row "  $controller, random start" "" "$(returns dense-$controller.random)"
        row "  $controller, hanging start" "" "$(returns dense-$controller.hanging)"
    done
    cat <<TEXT

Simulated with $(simulated_with dense-mppi.random) (planner) and $(simulated_with dense-policy.random) (policy).

12.4 MB are 2 x 1,548,360 x 4 bytes: the online and the target network; ours is the online one alone. The paper does not
say what its FLOPs are counted for. 858.6 is more than any controller reaches on the control suite's pendulum, from a
hanging start (about 690) or on average over random starts (about 845), so the task, its rewards or its starts were
others: compare shares, not returns.
TEXT
    made_by agent dense-{mppi,policy}.{random,hanging}
}

table_4() {
    local i group
    local names=("encoder 1" "encoder 2" "encoder 3" dynamics reward pi Q1 - "coupling encoder-pi" "coupling")
    local modules=(1 1 1 1 1 1 1 - 2 5) params=(25,632 9,248 9,248 262,656 262,656 262,656 262,656 - 26,112 369,152)
    local symbols=(c_{1..8}^tdmpc c_{1..2}^tdmpc,\ coupling)
    cat <<TEXT
### Tables IV and V: the groups

TEXT
    head_row "paper's group" "coefficient" "its modules" "its parameters" "ours" type modules parameters
    for i in {0..9}; do
        group=".groups.paper[$i]"
        row "${names[i]}" "${symbols[i]}" "${modules[i]}" "${params[i]}" "$(get agent "$group.name")" \
            "$(get agent "$group.type")" "$(get agent "$group.modules")" "$(count agent "$group.params")"
    done
    cat <<TEXT

Table IV prints seven component-specific and three coupling groups (that of 26,112 twice, here once); Tables V and VII
need eight and two. 369,152 = 262,656 + 4 x 26,624: the hidden layer of Q2, which the table lacks, and the four first
layers that read latent and action. So Q2 is the eighth group here, and 4 x 26,624 = 106,496 parameters are the last one.
TEXT
}

table_7() {
    cat <<TEXT
### Table VII: gradient descent on the paper's groups at 20 % nominal

TEXT
    head_row "" paper "ours, planner" "ours, policy"
    row7 "episode reward, random start" 720.08 returns .random
    row7 "episode reward, hanging start" "" returns .hanging
    row7 "  kept of the unpruned agent's, random start" "83.9 %" kept_return .random
    row7 "  hanging start" "" kept_return .hanging
    row7 "achieved sparsity, nominal, %" 19.70 num %.2f .nominal_sparsity*100
    row7 "achieved sparsity, structural, %" "" num %.2f .structural_sparsity*100
    row7 iterations 64 num %d .iterations
    row7 "evaluations, of two episodes (planner) or four (policy)" "" num %d .evaluations
    row7 parameters 1,258,740 count .params_after
    row7 "runtime; ours: processor time, s" 46.22 num %.1f .cpu_s
    row7 "coefficients, component-specific" "0.0531, 0.0586, 0.0600, 0.2040, 0.2286, 0.2370, 0.2441, 0.2258" \
        paper_coefficients false
    row7 "coefficients, coupling" "0.0, 0.0" paper_coefficients true
    cat <<TEXT

Simulated with $(simulated_with table-7-mppi.random) (planner) and $(simulated_with table-7-policy.random) (policy).

Coefficients are in the order of Table IV; the policy has those of encoder and policy alone. In the paper's numbers,

- 1,258,740 parameters left are 1 - 1,258,740 / 1,548,360 = 18.70 % removed, not 19.70 %; the printed coefficients
  remove 301,754 under Eq. (1b), 20.25 % of the groups' 1,490,016 parameters or 19.49 % of all;
- 604.7 after the baseline's 20 % is 29.6 % less than 858.6, not "over 30 %";
- 64 iterations with ten coefficients are 1,280 episodes of central differences, in 46.22 s 0.29 ms per control step; at
  Table III's 412 MFLOP per step that is 1.4 TFLOP/s, more than the 0.5 that its processor can do.
TEXT
    made_by table-7-mppi table-7-mppi.{random,hanging} table-7-policy table-7-policy.{random,hanging}
}

# row7 LABEL PAPER FUNCTION [FORMAT] WHAT: a column per controller. WHAT is a filter, or ".random": evaluations
row7() {
    local label=$1 paper=$2 function=$3 what=${*: -1} controller cells=()
    for controller in mppi policy; do
        case $function in
            num) cells+=("$(num "$4" "table-7-$controller" "$what")") ;;
            count | paper_coefficients) cells+=("$($function "table-7-$controller" "$what")") ;;
            *) cells+=("$($function "table-7-$controller$what" "dense-$controller$what")") ;;
        esac
    done
    row "$label" "$paper" "${cells[@]}"
}

kept_return() { # kept_return PRUNED DENSE
    local before
    before=$(get "$2" .return_mean)
    num '%.1f %%' "$1" "100 * .return_mean / $before"
}

paper_coefficients() { # paper_coefficients NAME COUPLING
    local coupling
    coupling=$(get agent '[.groups.paper[] | select(.type == "coupling") | .name]' | tr -d '\n')
    get "$1" "[.coefficients | to_entries[] | select((.key | IN(${coupling:-[]}[])) == $2) |
        .value * 1e4 | round / 1e4 | tostring] | join(\", \")"
}

# "604.7 (70.4 %)" of a sweep's cell and the dense network's
curve_cell() { # curve_cell SWEEP WAY SPARSITY
    num "%.1f" "$1" ".cells[] | select(.way == \"$2\" and .target_sparsity == $3) | .performance_after"
}

figure_4() {
    local sparsity sweep way cells
    cat <<TEXT
### Figure 4: the same fraction everywhere, by magnitude

TEXT
    head_row sparsity paper "planner, l1" "planner, l2" "policy, l1" "policy, l2"
    row "0 %" 858.6 {"$(num %.1f figure-4-mppi "$dense_cell")","$(num %.1f figure-4-policy "$dense_cell")"}{,}
    for sparsity in ${curve_sparsities//,/ }; do
        cells=()
        for sweep in figure-4-mppi figure-4-policy; do
            for way in magnitude/l1 magnitude/l2; do cells+=("$(curve_cell $sweep $way "$sparsity")"); done
        done
        row "${sparsity#0.}0 %" "$([ "$sparsity" = 0.2 ] && echo 604.7)" "${cells[@]}"
    done
    echo
    prose <<TEXT
Structural groups and sparsity, random starts; $curve_episodes episodes with the planner
($(simulated_with figure-4-mppi)), $policy_episodes with the policy ($(simulated_with figure-4-policy)). Planner:
TEXT
    picture figure-4-mppi.sweep/performance.svg figure-4-planner.svg "return of the planner over sparsity"
    printf '\nPolicy:\n'
    picture figure-4-policy.sweep/performance.svg figure-4-policy.svg "return of the policy over sparsity"
    made_by figure-4-mppi figure-4-policy
}
dense_cell='[.cells[] | select(.way == "dense")][0].performance_before'

# "812 / 655" from random / hanging starts
both_returns() { echo "$(num %.0f "$1.random" .return_mean) / $(num %.0f "$1.hanging" .return_mean)"; }

budget_columns() { local budget; for budget; do echo "$budget episodes"; done; }

search_table() { # search_table CONTROLLER METHODS BUDGETS
    local method budget cells columns
    local -n methods=$2 all=$3
    mapfile -t columns < <(budget_columns "${all[@]}")
    head_row method "${columns[@]}"
    for method in "${methods[@]}"; do
        cells=()
        for budget in "${all[@]}"; do cells+=("$(both_returns "$(search_name "$method" "$budget" "$1")")"); done
        row "$method" "${cells[@]}"
    done
}

seeds_table() {
    local seed
    head_row "seed of the search" "gd, $descent_budget episodes" "sensitivity, $fifth_budget" "evolve, $fifth_budget"
    for seed in "${search_seeds[@]}"; do
        row "$seed" "$(both_returns "$(search_name gd "$descent_budget" policy "$seed")")" \
            "$(both_returns "$(search_name sensitivity "$fifth_budget" policy "$seed")")" \
            "$(both_returns "$(search_name evolve "$fifth_budget" policy "$seed")")"
    done
}

table_methods() {
    local way method importance
    cat <<TEXT
### Beyond the paper: every search method at equal numbers of episodes

TEXT
    prose <<TEXT
60 % structural, l2. Mean held-out return from random / hanging starts ($policy_episodes episodes each). A search may
spend as many episodes as the column says, all of them counted: an evaluation is two, one from each start, and the
longer ones of the finalists and those of the unpruned agent are included. 1,344 episodes are 64 iterations of the paper's gradient descent, 21 episodes each.
Policy, unpruned $(both_returns dense-policy), simulated with
$(for method in "${search_methods[@]}"; do search_name "$method" "${budgets[0]}" policy; done | sed 's/$/.random/' |
    { mapfile -t names; simulated_with "${names[@]}"; }):
TEXT
    cat <<TEXT

$(search_table policy search_methods budgets)

gd begins at the unpruned network, the optimisers of NLopt at the best of several cuts ([search.md](search.md)). Without a
search ($(simulated_with rank-magnitude-l2.random)):

TEXT
    head_row method importance return
    for way in "${rankings[@]}"; do
        read -r method importance <<<"$way"
        row "$method" "$importance" "$(both_returns "rank-$method-$importance")"
    done
    echo
    prose <<TEXT
Planner, unpruned $(both_returns dense-mppi) ($planner_baseline_episodes episodes of each start,
$(simulated_with "$(search_name gd "${planner_budgets[0]}" mppi).random"); the search itself plays with the smaller
\`planner.search.*\`):
TEXT
    cat <<TEXT

$(search_table mppi planner_methods planner_budgets)

Each cell is made by

\`\`\`sh
$(folded "espalier prune --preset paper --groups structural $agent --controller C --sparsity 0.6 --method METHOD --episodes 2 --budget EPISODES/2 \
${search_limits[*]} --report-episodes 1 -o OUT")
$(folded "espalier eval OUT --controller C --start START --seed $report_seed --episodes N")
\`\`\`

The policy again with other seeds of the search (\`--seed\`), to exclude luck; the other methods get a fifth of gd's episodes
($(simulated_with "$(search_name gd "$descent_budget" policy "${search_seeds[0]}").random")).

$(seeds_table)

TEXT
    prose <<TEXT
Methods over sparsity, policy ($(simulated_with methods-policy)), at most $methods_budget evaluations of four episodes,
and the coefficients at 20 %:
TEXT
    picture methods-policy.sweep/performance.svg methods-policy.svg "return by method and sparsity"
    picture methods-policy.sweep/coefficients.svg coefficients-policy.svg "coefficients per group"
    made_by methods-policy
}

write_pendulum() {
    printf '## Use case II: TD-MPC and the pendulum\n\n'
    table_3
    table_4
    echo
    table_7
    figure_4
    table_methods
}
