# What is made, from what, and how many episodes it may take.
# shellcheck shell=bash disable=SC2034

all_parts=(autoencoder pendulum agents)
espalier=build/release/espalier
autoencoder=models/mnist/autoencoder.safetensors agent=models/pendulum/agent.safetensors
ordinary=models/mnist/ordinary.safetensors ordinary_config=models/mnist/ordinary.json
out=out/reproduce document=docs/results.md
report_seed=2026                # names the held-out episodes of every table; no choice was made with them
mnist=${ESPALIER_MNIST:-../shared/data/mnist}
data=(--data "$mnist")
[ -d "$mnist" ] || data=()

# Episodes from each start; baselines that fail need fewer to show it.
planner_episodes=100 planner_baseline_episodes=12 policy_episodes=100
curve_episodes=12               # of the planner's curve in Fig. 4
percents=(20 40 60 80)          # sparsities of the agents
autoencoder_percents=(20 50 80) # of the autoencoder, beyond the paper
curve_sparsities=0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9
budgets=(50 150 500 1344)       # episodes of a search
search_limits=(--set search.iterations=1000 --set search.generations=1000 --set search.draws=1000) # none but these
planner_budgets=(500)
descent_budget=1344 fifth_budget=268 search_seeds=(2 3 4 5 6)
methods_budget=125              # evaluations, of four episodes, of a search in the comparison over sparsities
search_methods=(gd grid sensitivity evolve random nlopt:cobyla nlopt:bobyqa nlopt:crs2 nlopt:isres nlopt:direct)
planner_methods=(gd sensitivity evolve)
agent_steps=500                 # gradient steps on a pruned agent
one_epoch=235                   # gradient steps: 60,000 images in batches of 256
compensated_budget=100          # evaluations of a search whose every candidate is repaired
grid_limits=() gd_limits=() agent_limits=() # the defaults
declare -A minutes=([autoencoder]=12 [pendulum]=18 [agents]=30)

make_it_quick() {
    out=out/reproduce-quick document=$out/results.md
    planner_episodes=2 planner_baseline_episodes=2 policy_episodes=4 curve_episodes=2
    percents=(20) autoencoder_percents=(50) curve_sparsities=0.2,0.6
    budgets=(100) descent_budget=100 fifth_budget=60 search_seeds=(2) planner_budgets=(24) methods_budget=20
    search_methods=(gd evolve random) planner_methods=(gd)
    agent_steps=20 one_epoch=20 compensated_budget=16
    grid_limits=(--images 100)
    gd_limits=(--set search.iterations=2 --budget 30)
    agent_limits=(--set search.finalists=1 --budget 40)
    minutes=([autoencoder]=1 [pendulum]=1 [agents]=1)
}
