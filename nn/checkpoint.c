/* A checkpoint is one safetensors file: the network's tensors under their own names and, as JSON text in
 * __metadata__, its configuration (`espalier`), contract and pedigree, so that no second file is needed. */
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"

#define CONFIG_KEY "espalier"

/* ---- paths inside ---- */

static cJSON *value_at(cJSON *json, const char *path)
{
    char name[ESP_CONFIG_TEXT];
    for (size_t span; json && *path; path += span + (path[span] == '.')) {
        span = strcspn(path, ".");
        if (span >= sizeof name) return NULL;
        memcpy(name, path, span);
        name[span] = 0;
        json = cJSON_GetObjectItemCaseSensitive(json, name);
    }
    return json;
}

/* Rewrites every path of a configuration, relative to `file` or to this process. */
static void move_paths(cJSON *json, const esp_field *fields, int count, const char *file,
                       char *(*move)(const char *file, const char *path))
{
    for (int i = 0; i < count; i++) {
        cJSON *value = fields[i].type == ESP_PATH ? value_at(json, fields[i].path) : NULL;
        if (!cJSON_IsString(value)) continue;
        char *moved = move(file, value->valuestring);
        cJSON_SetValuestring(value, moved);
        free(moved);
    }
}

/* ---- reading ---- */

static esp_status read_config(const esp_checkpoint *checkpoint, cJSON **out)
{
    const char *text = esp_safetensors_metadata(checkpoint->file, CONFIG_KEY), *path = checkpoint->file->path;
    if (checkpoint->source != path) return esp_json_read(checkpoint->source, out);
    if (text) return esp_json_parse(text, strlen(text), path, out);
    return esp_fail(ESP_ERR_FORMAT, "%s: no espalier configuration in the file; name one with --config CONFIG.json",
                    path);
}

esp_status esp_checkpoint_open(const char *path, const char *config_path, esp_checkpoint *out)
{
    esp_checkpoint checkpoint = {.file = NULL};
    esp_status status = esp_safetensors_read(path, &checkpoint.file);
    if (status == ESP_OK) {
        checkpoint.source = config_path ? config_path : checkpoint.file->path;
        status = read_config(&checkpoint, &checkpoint.config);
    }
    if (status == ESP_OK) status = esp_metadata_refuse_code(checkpoint.config, checkpoint.source);
    if (status == ESP_OK) status = esp_metadata_read(checkpoint.file, &checkpoint.metadata);
    if (status == ESP_OK) *out = checkpoint;
    else                  esp_checkpoint_close(&checkpoint);
    return status;
}

void esp_checkpoint_close(esp_checkpoint *checkpoint)
{
    esp_safetensors_free(checkpoint->file);
    cJSON_Delete(checkpoint->config);
    esp_metadata_free(&checkpoint->metadata);
    *checkpoint = (esp_checkpoint){.file = NULL};
}

/* Names the application: otherwise the configuration of another one would be refused for its first unknown key. */
static esp_status check_application(const char *found, const char *source, const char *application)
{
    if (!found || strcmp(found, application) == 0) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: its application is '%s', expected '%s'", source, found, application);
}

esp_status esp_checkpoint_config(const esp_checkpoint *checkpoint, const char *application, const esp_field *fields,
                                 int count, void *config)
{
    const char *path = checkpoint->file->path;
    cJSON *json = cJSON_Duplicate(checkpoint->config, true);
    move_paths(json, fields, count, checkpoint->source, esp_path_resolve);
    esp_status status = check_application(esp_json_text(json, "application"), checkpoint->source, application);
    if (status == ESP_OK)
        status = check_application(esp_json_text(checkpoint->metadata.contract, "application"), path, application);
    if (status == ESP_OK) status = esp_config_read(fields, count, json, checkpoint->source, config);
    cJSON_Delete(json);
    return status;
}

/* ---- writing ---- */

static void add_text(cJSON *metadata, const char *key, const cJSON *json)
{
    char *text = json ? esp_json_line(json) : NULL;
    if (text) cJSON_AddStringToObject(metadata, key, text);
    free(text);
}

static cJSON *metadata_json(const char *path, const esp_checkpoint_content *content)
{
    cJSON *metadata = cJSON_CreateObject();
    cJSON *config = esp_config_json(content->fields, content->num_fields, content->config);
    move_paths(config, content->fields, content->num_fields, path, esp_path_relative);
    add_text(metadata, CONFIG_KEY, config);
    add_text(metadata, ESP_CONTRACT_KEY, content->contract);
    if (cJSON_GetArraySize(content->pedigree) > 0) add_text(metadata, ESP_PEDIGREE_KEY, content->pedigree);
    cJSON_AddStringToObject(metadata, "version", ESP_VERSION);
    cJSON_Delete(config);
    return metadata;
}

static int entries_of(const esp_network *net, unsigned components, esp_st_tensor *out)
{
    int count = 0, all = esp_network_entries(net, "", out);
    for (int i = 0; i < all; i++) {
        if (components >> net->tensor[i].component & 1u) out[count++] = out[i];
        else                                             esp_st_names_free(&out[i], 1);
    }
    return count;
}

esp_status esp_checkpoint_write(const char *path, const esp_checkpoint_content *content)
{
    esp_st_tensor entries[ESP_MAX_TENSORS];
    int count = entries_of(content->net, content->components, entries);
    cJSON *metadata = metadata_json(path, content);
    esp_status status = esp_safetensors_write(path, entries, count, metadata);
    cJSON_Delete(metadata);
    esp_st_names_free(entries, count);
    return status;
}
