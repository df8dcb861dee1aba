/* The tiny agent as a role to be played. */
#ifndef ESP_TESTS_TINY_ROLE_H
#define ESP_TESTS_TINY_ROLE_H

#include "application/application_internal.h"

#include "tiny_agent.h"

static inline esp_role tiny_role(const esp_agent_config *config, const esp_network *net, esp_controller_kind kind)
{
    return (esp_role){.name = "tiny", .net = net, .env = &config->env, .controller = (int)kind, .config = config,
                      .acting = &esp_agent_acting};
}

#endif
