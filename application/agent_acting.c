/* How an agent acts step by step, for viewers. */
#include <stdlib.h>

#include "application/application_internal.h"

typedef struct {
    esp_controller *controller;
    esp_plan_trace  plan;       /* plan behind the last action, owned; all NULL for the policy */
    esp_considered  considered; /* view of the plan; count 0: there is none */
} actor;

static unsigned components(int controller)
{
    return esp_controller_components((esp_controller_kind)controller);
}

static esp_status check(const esp_network *net, int controller)
{
    return esp_controller_check(net, (esp_controller_kind)controller);
}

static int num_actions(const esp_network *net)
{
    return net->component[ESP_TOLD_POLICY].out_size;
}

/* The configuration still describes the network before any pruning. */
static esp_status original_params(const esp_role *role, int actions, size_t *out)
{
    esp_network *dense = NULL;
    esp_status status = esp_told_create(role->config, actions, &dense);
    if (status == ESP_OK) *out = esp_network_params(dense, components(role->controller));
    esp_network_free(dense);
    return status;
}

/* Shows the sequences that the first iteration sampled and the mean after the last iteration. */
static void watch(actor *a, const esp_planner_config *planner, int actions)
{
    const esp_plan_budget *budget = &planner->budget;
    size_t sequences = (size_t)(budget->samples + esp_policy_trajectories(planner, budget->samples));
    size_t iterations = (size_t)budget->iterations, steps = (size_t)budget->horizon * (size_t)actions;
    a->plan.actions = esp_alloc(iterations * steps * sequences, sizeof(float));
    a->plan.value = esp_alloc(iterations * sequences, sizeof(float));
    a->plan.mean = esp_alloc(iterations * steps, sizeof(float));
    a->considered = (esp_considered){.count = (int)sequences, .steps = budget->horizon, .num_actions = actions,
                                     .actions = a->plan.actions, .value = a->plan.value,
                                     .mean = a->plan.mean + (iterations - 1) * steps};
    esp_controller_watch(a->controller, &a->plan);
}

static void *create(const esp_role *role)
{
    const esp_agent_config *config = role->config;
    const esp_controller_kind kind = (esp_controller_kind)role->controller;
    actor *a = esp_alloc(1, sizeof *a);
    a->controller = esp_controller_create(role->net, config, kind, &config->planner.budget, 1);
    if (kind == ESP_CONTROLLER_MPPI) watch(a, &config->planner, num_actions(role->net));
    return a;
}

static void free_actor(void *controller)
{
    actor *a = controller;
    if (!a) return;
    esp_controller_free(a->controller);
    free(a->plan.actions);
    free(a->plan.value);
    free(a->plan.mean);
    free(a);
}

static void begin(void *controller, const esp_episode *episode)
{
    esp_controller_begin(((actor *)controller)->controller, episode, 1);
}

static esp_status act(void *controller, int n, int step, const esp_observation *obs, float *actions)
{
    return esp_controller_act(((actor *)controller)->controller, n, step, obs, actions);
}

static bool considered(const void *controller, esp_considered *out)
{
    *out = ((const actor *)controller)->considered;
    return out->count > 0;
}

const esp_acting esp_agent_acting = {
    .controllers = ESP_CONTROLLER_CHOICES, .components = components, .check = check, .num_actions = num_actions,
    .original_params = original_params, .create = create, .free = free_actor, .begin = begin, .act = act,
    .considered = considered,
};
