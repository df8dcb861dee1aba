/* A checkpoint is one safetensors file: PyTorch's tensor names, our configuration in
 * __metadata__.espalier. Hidden sizes are read off the shapes, so a pruned autoencoder needs no side
 * file. */
#include <string.h>

#include "autoencoder/autoencoder.h"

#define METADATA_KEY "espalier"

/* An agent's configuration would be refused for its first key; say what the file is instead. */
static esp_status check_application(const cJSON *json, const char *path)
{
    const cJSON *application = cJSON_GetObjectItemCaseSensitive(json, "application");
    if (cJSON_IsString(application) && strcmp(application->valuestring, "tdmpc") == 0)
        return esp_fail(ESP_ERR_FORMAT, "%s: this is a TD-MPC agent, an autoencoder is needed", path);
    return ESP_OK;
}

static esp_status read_config(const esp_safetensors *file, const char *path, const char *config_path,
                              esp_autoencoder_config *config)
{
    cJSON *json = NULL;
    esp_status status;
    const char *text = esp_safetensors_metadata(file, METADATA_KEY), *source = config_path ? config_path : path;
    if (config_path) status = esp_json_read(config_path, &json);
    else if (text) status = esp_json_parse(text, strlen(text), path, &json);
    else
        return esp_fail(ESP_ERR_FORMAT, "%s: no espalier configuration in the file; name one with --config CONFIG.json",
                        path);
    *config = esp_autoencoder_config_default();
    if (status == ESP_OK) status = check_application(json, source);
    if (status == ESP_OK)
        status = esp_config_read(esp_autoencoder_fields, esp_autoencoder_num_fields, json, source, config);
    cJSON_Delete(json);
    return status;
}

static esp_status check_tensors(const esp_safetensors *file, const char *path)
{
    if (esp_safetensors_find(file, "encoder.0.weight")) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: tensor 'encoder.0.weight' is missing; this is no autoencoder", path);
}

esp_status esp_autoencoder_checkpoint_read(const char *path, const char *config_path, esp_autoencoder_checkpoint *out)
{
    esp_safetensors *file = NULL;
    esp_autoencoder_checkpoint loaded = {.net = NULL};
    esp_status status = esp_safetensors_read(path, &file);
    if (status == ESP_OK) status = read_config(file, path, config_path, &loaded.config);
    if (status == ESP_OK) status = check_tensors(file, path);
    if (status == ESP_OK) status = esp_autoencoder_create(&loaded.net);
    if (status == ESP_OK) status = esp_network_load(loaded.net, file, "");

    esp_safetensors_free(file);
    if (status == ESP_OK) *out = loaded;
    else esp_autoencoder_checkpoint_free(&loaded);
    return status;
}

esp_status esp_autoencoder_checkpoint_write(const char *path, const esp_autoencoder_config *config,
                                            const esp_network *net)
{
    esp_st_tensor entries[ESP_MAX_TENSORS];
    int count = esp_network_entries(net, "", entries);
    cJSON *json = esp_config_json(esp_autoencoder_fields, esp_autoencoder_num_fields, config);
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

void esp_autoencoder_checkpoint_free(esp_autoencoder_checkpoint *checkpoint)
{
    esp_network_free(checkpoint->net);
    checkpoint->net = NULL;
}
