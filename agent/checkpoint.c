/* An agent as a checkpoint, with the reference's tensor names. Hidden sizes are read off the shapes, so a
 * pruned agent loads like a dense one. */
#include "agent/agent.h"

/* The axis size found in the file overrides the configuration's, which describes the dense agent. */
static esp_status read_config(const esp_safetensors *file, const char *config_path, esp_agent_config *config)
{
    *config = esp_agent_config_default();
    esp_status status =
        esp_checkpoint_read_config(file, config_path, "tdmpc", esp_agent_fields, esp_agent_num_fields, config);
    return status == ESP_OK ? esp_agent_config_check(config) : status;
}

/* The number of actions faces the world: it is read off the policy's last layer. */
static esp_status count_actions(const esp_safetensors *file, const char *path, int *actions)
{
    const esp_st_tensor *bias = esp_safetensors_find(file, "_pi.4.bias");
    if (!bias || bias->rank != 1)
        return esp_fail(ESP_ERR_FORMAT, "%s: tensor '_pi.4.bias' is missing; this is no TD-MPC agent", path);
    if (bias->shape[0] < 1 || bias->shape[0] > ESP_MAX_ACTIONS)
        return esp_fail(ESP_ERR_SHAPE, "%s: %lld actions; 1 to %d are supported", path, (long long)bias->shape[0],
                        ESP_MAX_ACTIONS);
    *actions = (int)bias->shape[0];
    return ESP_OK;
}

esp_status esp_agent_checkpoint_read(const char *path, const char *config_path, esp_agent_checkpoint *out)
{
    esp_safetensors *file = NULL;
    esp_agent_checkpoint loaded = {.net = NULL};
    int actions = 0;
    esp_status status = esp_safetensors_read(path, &file);
    if (status == ESP_OK) status = read_config(file, config_path, &loaded.config);
    if (status == ESP_OK) status = count_actions(file, path, &actions);
    if (status == ESP_OK) status = esp_told_create(&loaded.config, actions, &loaded.net);
    if (status == ESP_OK) status = esp_network_load(loaded.net, file, "");

    esp_safetensors_free(file);
    if (status == ESP_OK) *out = loaded;
    else esp_agent_checkpoint_free(&loaded);
    return status;
}

esp_status esp_agent_checkpoint_write(const char *path, const esp_agent_config *config, const esp_network *net)
{
    return esp_checkpoint_write(path, net, esp_agent_fields, esp_agent_num_fields, config);
}

void esp_agent_checkpoint_free(esp_agent_checkpoint *checkpoint)
{
    esp_network_free(checkpoint->net);
    checkpoint->net = NULL;
}
