/* The checkpoint a command works on, with the configuration the command line makes of it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"

esp_status esp_file_bytes(const char *path, size_t *bytes)
{
    struct stat info;
    if (stat(path, &info) != 0) return esp_fail(ESP_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    *bytes = (size_t)info.st_size;
    return ESP_OK;
}

/* A wrong key in a checkpoint is the file's fault, one in --config the user's. */
static esp_status read_checkpoint(const char *path, const char *config_path, esp_checkpoint *out)
{
    if (config_path) {
        cJSON *json = NULL;
        esp_agent_config config = esp_agent_config_default();
        esp_status status = esp_json_read(config_path, &json);
        if (status == ESP_OK)
            status = esp_config_read(esp_agent_fields, esp_agent_num_fields, json, config_path, &config);
        if (status == ESP_OK) status = esp_agent_config_check(&config);
        cJSON_Delete(json);
        if (status != ESP_OK) return status;
    }
    esp_status status = esp_checkpoint_read(path, config_path, out);
    bool content = status == ESP_ERR_USAGE || status == ESP_ERR_RANGE;
    return content ? ESP_ERR_FORMAT : status;
}

static esp_status check_fixed(const char *key, int stored, int wanted)
{
    if (stored == wanted) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "--set: '%s' is %d in the trained network and cannot be %d", key, stored, wanted);
}

static esp_status check_settings(const esp_agent_config *stored, const esp_agent_config *config)
{
    esp_status status = check_fixed("env.frame_stack", stored->env.frame_stack, config->env.frame_stack);
    if (status == ESP_OK) status = check_fixed("env.image_size", stored->env.image_size, config->env.image_size);
    if (status == ESP_OK) status = check_fixed("network.latent", stored->network.latent, config->network.latent);
    if (status == ESP_OK) status = check_fixed("network.hidden", stored->network.hidden, config->network.hidden);
    if (status == ESP_OK) status = check_fixed("network.channels", stored->network.channels, config->network.channels);
    return status;
}

esp_status esp_subject_open(const char *path, const esp_options *options, esp_search_config *search, esp_subject *out)
{
    esp_checkpoint checkpoint = {.net = NULL};
    esp_subject subject = {.path = path};
    esp_status status = read_checkpoint(path, options->config, &checkpoint);
    if (status == ESP_OK) status = esp_file_bytes(path, &subject.bytes);
    subject.stored = subject.config = checkpoint.config;
    subject.net = checkpoint.net;
    if (status == ESP_OK) status = esp_options_apply(options, &subject.config, search);
    if (status == ESP_OK) status = check_settings(&subject.stored, &subject.config);
    if (status == ESP_OK) *out = subject;
    else                  esp_subject_close(&subject);
    return status;
}

void esp_subject_close(esp_subject *subject)
{
    esp_network_free(subject->net);
    subject->net = NULL;
}
