# Pruned agents: what five ways leave of the pendulum agent at four sparsities, for both controllers.
# shellcheck shell=bash

agent_ways=("gd l2" "evolve l2" "magnitude l1" "magnitude l2" "random random")

finetuned_ways=("magnitude l2" "evolve l2") # policy

episodes_of() { # episodes_of CONTROLLER METHOD
    case $1-$2 in
        policy-*) echo "$policy_episodes" ;;
        mppi-gd | mppi-evolve | mppi-dense) echo "$planner_episodes" ;;
        *) echo "$planner_baseline_episodes" ;;
    esac
}

run_agents() {
    local controller percent way method importance name
    for percent in "${percents[@]}"; do
        for way in "${finetuned_ways[@]}"; do
            read -r method importance <<<"$way"
            name=finetuned-$method-$importance-$percent
            cut_down "$name" "$agent" --controller policy --sparsity "0.$percent" --method "$method" \
                --importance "$importance" --finetune "$agent_steps" --report-episodes 1 "${agent_limits[@]}"
            play "$name" "$out/$name.safetensors" policy "$policy_episodes"
        done
    done
    for controller in policy mppi; do
        play "dense-$controller" "$agent" $controller "$(episodes_of $controller dense)"
        for percent in "${percents[@]}"; do
            for way in "${agent_ways[@]}"; do
                read -r method importance <<<"$way"
                name=$method-$importance-$percent-$controller
                cut_down "$name" "$agent" --controller $controller --sparsity "0.$percent" --method "$method" \
                    --importance "$importance" --report-episodes 1 "${agent_limits[@]}"
                play "$name" "$out/$name.safetensors" $controller "$(episodes_of $controller "$method")"
            done
        done
    done
}

agent_row() { # agent_row NAME METHOD SPARSITY
    row "$2" "$3" "$(returns "$1.random")" "$(held "$1.random")" "$(returns "$1.hanging")" "$(held "$1.hanging")" \
        "$(count "$1.random" .params_used)" "$(num %.4g "$1.random" '.flops_per_action / 1e6')"
}

agents_table() { # agents_table CONTROLLER
    local percent way method importance name
    head_row method sparsity "return, random start" held "return, hanging start" held parameters \
        "MFLOP per action"
    agent_row "dense-$1" dense "0 %"
    for percent in "${percents[@]}"; do
        for way in "${agent_ways[@]}"; do
            read -r method importance <<<"$way"
            name=$method-$importance-$percent-$1
            agent_row "$name" "$method${importance/#/ }" "$percent %"
        done
    done
}

# The same cut without gradient steps is in the table before.
finetuned_table() {
    local percent way method importance name
    head_row method sparsity "return, random start" held "return, hanging start" held
    for percent in "${percents[@]}"; do
        for way in "${finetuned_ways[@]}"; do
            read -r method importance <<<"$way"
            name=finetuned-$method-$importance-$percent
            row "$method $importance" "$percent %" "$(returns "$name.random")" "$(held "$name.random")" \
                "$(returns "$name.hanging")" "$(held "$name.hanging")"
        done
    done
}

write_agents() {
    cat <<TEXT
## Pruned agents

Each row is made by

\`\`\`sh
$(folded "espalier prune --preset paper --groups structural $agent --controller C --method M --importance I --sparsity S --report-episodes 1 -o OUT")
$(folded "espalier eval OUT --controller C --start START --seed $report_seed --episodes N")
\`\`\`

TEXT
    prose <<TEXT
With the planner N is $planner_episodes for the dense agent, gd and evolve and $planner_baseline_episodes for the
baselines; with the policy it is $policy_episodes. Sparsity is structural, of the parameters that the controller uses.
How long an action takes is in [speed.md](speed.md).
TEXT
    cat <<TEXT

### Planner (\`--controller mppi\`), the whole agent

Simulated with $(simulated_with "gd-l2-${percents[0]}-mppi.random").

$(agents_table mppi)

### Policy (\`--controller policy\`), encoder and policy alone

Simulated with $(simulated_with "gd-l2-${percents[0]}-policy.random").

$(agents_table policy)

The searches find that the convolutions and the latent carry the controller and that the hidden layers hardly do. The same
fraction everywhere breaks the agent at 20 to 40 %; gd, the paper's search, keeps the pole up with a fifth of the
parameters, and evolve keeps more of the policy's return from the hanging start.

### Policy after $agent_steps gradient steps (\`--finetune $agent_steps\`)

Beyond the paper, and not part of the rows above: the pruned policy learns from recorded rollouts of the unpruned agent.
Simulated with $(simulated_with "finetuned-evolve-l2-${percents[0]}.random").

$(finetuned_table)
TEXT
}
