/* What an agent's file says about itself: the world it belongs to, and the controller that it is for. */
#include "agent/agent.h"

cJSON *esp_agent_contract(const char *path, const esp_agent_config *config, const esp_world *world,
                          esp_controller_kind controller)
{
    char word[ESP_CONFIG_TEXT];
    cJSON *contract = esp_contract_new("tdmpc", config->env.task);
    esp_contract_add_world(contract, path, &config->env, world);
    esp_choice_word(ESP_CONTROLLER_CHOICES, (int)controller, word);
    cJSON_AddStringToObject(contract, "controller", word);
    return contract;
}
