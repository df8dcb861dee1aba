/* An agent small enough to train, plan and differentiate in a moment: 24 pixels leave one pixel
 * after the four convolutions, and every layer of the real agent is there. */
#ifndef ESP_TESTS_TINY_AGENT_H
#define ESP_TESTS_TINY_AGENT_H

#include "agent/agent.h"

#include "check.h"

enum { TINY_STEPS = 12 }; /* control steps per episode */

static inline esp_agent_config tiny_config(void)
{
    esp_agent_config config = esp_agent_config_default();
    config.env.image_size = 24;
    config.env.frame_stack = 2;
    config.env.reward = "dense";
    config.env.physics_steps = TINY_STEPS * config.env.action_repeat;
    config.network = (esp_network_config){.latent = 4, .hidden = 8, .channels = 3};
    config.planner.budget = (esp_plan_budget){.horizon = 3, .samples = 24, .elites = 6, .iterations = 2};
    config.planner.search = (esp_plan_budget){.horizon = 2, .samples = 20, .elites = 4, .iterations = 2};
    CHECK_OK(esp_agent_config_settle(&config));
    return config;
}

/* The usual initial weights plus noise: otherwise the last layers of reward and values are zero,
 * and so are most gradients. */
static inline esp_network *tiny_network(const esp_agent_config *config, int num_actions, uint64_t seed)
{
    esp_network *net = NULL;
    CHECK_OK(esp_told_create(config, num_actions, &net));
    esp_told_init(net, seed);
    float *shake = esp_alloc(net->num_weights, sizeof *shake);
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, shake, net->num_weights);
    for (size_t i = 0; i < net->num_weights; i++) net->weights[i] += 0.2f * shake[i];
    free(shake);
    return net;
}

#endif
