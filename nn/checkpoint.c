/* A checkpoint is one safetensors file: the network's tensors under their own names, its configuration as
 * JSON text in __metadata__.espalier, so that it needs no side file. */
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"

#define METADATA_KEY "espalier"

esp_status esp_checkpoint_config_json(const esp_safetensors *file, const char *config_path, cJSON **out)
{
    if (config_path) return esp_json_read(config_path, out);
    const char *text = esp_safetensors_metadata(file, METADATA_KEY);
    if (text) return esp_json_parse(text, strlen(text), file->path, out);
    return esp_fail(ESP_ERR_FORMAT, "%s: no espalier configuration in the file; name one with --config CONFIG.json",
                    file->path);
}

/* A configuration of another application would be refused for its first key; say what it is instead. */
static esp_status check_application(const cJSON *json, const char *source, const char *application)
{
    const char *found = esp_json_text(json, "application");
    if (!found || strcmp(found, application) == 0) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: this is of application '%s', one of '%s' is needed", source, found,
                    application);
}

esp_status esp_checkpoint_read_config(const esp_safetensors *file, const char *config_path, const char *application,
                                      const esp_field *fields, int count, void *config)
{
    cJSON *json = NULL;
    const char *source = config_path ? config_path : file->path;
    esp_status status = esp_checkpoint_config_json(file, config_path, &json);
    if (status == ESP_OK) status = check_application(json, source, application);
    if (status == ESP_OK) status = esp_config_read(fields, count, json, source, config);
    cJSON_Delete(json);
    return status;
}

esp_status esp_checkpoint_write(const char *path, const esp_network *net, const esp_field *fields, int count,
                                const void *config)
{
    esp_st_tensor entries[ESP_MAX_TENSORS];
    int num_entries = esp_network_entries(net, "", entries);
    cJSON *json = esp_config_json(fields, count, config);
    char *text = esp_json_line(json);
    cJSON *metadata = cJSON_CreateObject();
    cJSON_AddStringToObject(metadata, METADATA_KEY, text);
    cJSON_AddStringToObject(metadata, "version", ESP_VERSION);
    esp_status status = esp_safetensors_write(path, entries, num_entries, metadata);
    cJSON_Delete(metadata);
    free(text);
    cJSON_Delete(json);
    esp_st_names_free(entries, num_entries);
    return status;
}
