/* A checkpoint is one safetensors file: the reference's tensor names, our configuration in
 * __metadata__.espalier. Hidden sizes are read off the shapes, so a pruned agent needs no side file. */
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"

#define METADATA_KEY "espalier"

/* An autoencoder's configuration would be refused for its first key; say what the file is instead. */
static esp_status check_application(const cJSON *json, const char *path)
{
    const cJSON *application = cJSON_GetObjectItemCaseSensitive(json, "application");
    if (cJSON_IsString(application) && strcmp(application->valuestring, "autoencoder") == 0)
        return esp_fail(ESP_ERR_FORMAT, "%s: this is an autoencoder, a TD-MPC agent is needed", path);
    return ESP_OK;
}

/* The axis size found in the file overrides the configuration's, which describes the dense agent. */
static esp_status read_config(const esp_safetensors *file, const char *path, const char *config_path,
                              esp_agent_config *config)
{
    cJSON *json = NULL;
    esp_status status;
    const char *text = esp_safetensors_metadata(file, METADATA_KEY), *source = config_path ? config_path : path;
    if (config_path) status = esp_json_read(config_path, &json);
    else if (text) status = esp_json_parse(text, strlen(text), path, &json);
    else
        return esp_fail(ESP_ERR_FORMAT, "%s: no espalier configuration in the file; name one with --config CONFIG.json",
                        path);
    *config = esp_agent_config_default();
    if (status == ESP_OK) status = check_application(json, source);
    if (status == ESP_OK) status = esp_config_read(esp_agent_fields, esp_agent_num_fields, json, source, config);
    if (status == ESP_OK) status = esp_agent_config_check(config);
    cJSON_Delete(json);
    return status;
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

esp_status esp_checkpoint_read(const char *path, const char *config_path, esp_checkpoint *out)
{
    esp_safetensors *file = NULL;
    esp_checkpoint loaded = {.net = NULL};
    int actions = 0;
    esp_status status = esp_safetensors_read(path, &file);
    if (status == ESP_OK) status = read_config(file, path, config_path, &loaded.config);
    if (status == ESP_OK) status = count_actions(file, path, &actions);
    if (status == ESP_OK) status = esp_told_create(&loaded.config, actions, &loaded.net);
    if (status == ESP_OK) status = esp_network_load(loaded.net, file, "");

    esp_safetensors_free(file);
    if (status == ESP_OK) *out = loaded;
    else esp_checkpoint_free(&loaded);
    return status;
}

esp_status esp_checkpoint_write(const char *path, const esp_agent_config *config, const esp_network *net)
{
    esp_st_tensor entries[ESP_MAX_TENSORS];
    int count = esp_network_entries(net, "", entries);
    cJSON *json = esp_config_json(esp_agent_fields, esp_agent_num_fields, config);
    char *text = cJSON_PrintUnformatted(json);
    cJSON *metadata = cJSON_CreateObject();
    cJSON_AddStringToObject(metadata, METADATA_KEY, text);
    cJSON_AddStringToObject(metadata, "version", ESP_VERSION);
    esp_status status = esp_safetensors_write(path, entries, count, metadata);
    cJSON_Delete(metadata);
    cJSON_free(text);
    cJSON_Delete(json);
    esp_st_names_free(entries, count);
    return status;
}

void esp_checkpoint_free(esp_checkpoint *checkpoint)
{
    esp_network_free(checkpoint->net);
    checkpoint->net = NULL;
}
