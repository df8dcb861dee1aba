/* The closed loop of an agent: how its controllers play episodes. */
#include "agent/agent_internal.h"

static void *create(const void *context, const esp_network *net, const esp_episode *episodes, int n)
{
    const esp_agent_acting_config *c = context;
    esp_controller *controller = esp_controller_create(net, c->config, c->kind, c->budget, n);
    esp_controller_begin(controller, episodes, n);
    return controller;
}

static void free_controller(void *controller)
{
    esp_controller_free(controller);
}

/* A planner's samples already fill matrix products; a policy needs more episodes in lockstep. */
esp_actors esp_agent_actors(const esp_agent_acting_config *config)
{
    return (esp_actors){.create = create, .free = free_controller, .act = esp_controller_act, .context = config,
                        .block = config->kind == ESP_CONTROLLER_MPPI ? ESP_EPISODE_BLOCK / 2 : ESP_EPISODE_BLOCK};
}

esp_status esp_evaluate(esp_pool *pool, const esp_evaluation *ev, const char *task, esp_trajectory *trajectories)
{
    esp_agent_acting_config config = {.config = ev->config, .kind = ev->kind, .budget = ev->budget};
    esp_actors actors = ev->actors ? *ev->actors : esp_agent_actors(&config);
    esp_playing playing = {.actors = &actors, .net = ev->net, .episodes = ev->episodes, .count = ev->count,
                           .noise = ev->noise, .intended = ev->intended};
    return esp_play_episodes(pool, &playing, task, trajectories);
}
