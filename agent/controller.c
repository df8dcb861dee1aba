/* Two controllers from one checkpoint: the policy alone, or the planner. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"

struct esp_controller {
    esp_packed *packed;
    esp_runner *encoder;
    esp_runner *policy; /* NULL for the planner */
    esp_mppi *planner;  /* NULL for the policy */
    int episodes, num_actions;
    esp_rng *rng;      /* [episodes] streams of the planner's samples */
    esp_plan_trace *trace; /* filled by every plan, or NULL */
};

esp_controller *esp_controller_create(const esp_network *net, const esp_agent_config *config, esp_controller_kind kind,
                                      const esp_plan_budget *budget, int episodes)
{
    esp_controller *c = esp_alloc(1, sizeof *c);
    c->packed = esp_packed_create(net, esp_controller_components(ESP_CONTROLLER_POLICY));
    c->episodes = episodes;
    c->num_actions = net->component[ESP_TOLD_POLICY].out_size;
    c->encoder = esp_runner_create(c->packed, ESP_TOLD_ENCODER, episodes);
    c->rng = esp_alloc((size_t)episodes, sizeof *c->rng);
    if (kind == ESP_CONTROLLER_MPPI)
        c->planner = esp_mppi_create(net, &config->planner, budget, &config->loss, episodes);
    else
        c->policy = esp_runner_create(c->packed, ESP_TOLD_POLICY, episodes);
    return c;
}

void esp_controller_free(esp_controller *c)
{
    if (!c) return;
    esp_runner_free(c->encoder);
    esp_runner_free(c->policy);
    esp_mppi_free(c->planner);
    esp_packed_free(c->packed);
    free(c->rng);
    free(c);
}

void esp_controller_begin(esp_controller *c, const esp_episode *episodes, int n)
{
    for (int e = 0; e < n; e++) {
        c->rng[e] = esp_rng_make(episodes[e].seed, ESP_RNG_PLAN, episodes[e].index);
        if (c->planner) esp_mppi_reset(c->planner, e);
    }
}

void esp_controller_copy(esp_controller *to, const esp_controller *from)
{
    memcpy(to->rng, from->rng, (size_t)from->episodes * sizeof *from->rng);
    if (from->planner) esp_mppi_copy(to->planner, from->planner);
}

void esp_controller_watch(esp_controller *c, esp_plan_trace *trace)
{
    c->trace = trace;
}

esp_status esp_controller_act(void *controller, int n, int step, const esp_observation *obs, float *actions)
{
    esp_controller *c = controller;
    (void)step;
    const float *z = esp_runner_forward(c->encoder, obs->item[0], n);
    if (c->planner) return esp_mppi_plan(c->planner, n, z, NULL, c->rng, actions, c->trace);

    const float *mu = esp_runner_forward(c->policy, z, n);
    for (int i = 0; i < n * c->num_actions; i++) actions[i] = tanhf(mu[i]);
    return ESP_OK;
}
