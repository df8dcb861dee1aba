/* The checkpoint a command works on, and which application it is of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/application.h"

esp_status esp_file_bytes(const char *path, size_t *bytes)
{
    struct stat info;
    if (stat(path, &info) != 0) return esp_fail(ESP_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    *bytes = (size_t)info.st_size;
    return ESP_OK;
}

void esp_measurement_free(esp_measurement *measurement)
{
    free(measurement->returns);
    measurement->returns = NULL;
}

/* ---- the application ---- */

static const esp_application *const applications[] = {&esp_application_agent, &esp_application_autoencoder};
enum { NUM_APPLICATIONS = sizeof applications / sizeof *applications };

const esp_application *esp_application_find(const char *name)
{
    for (int i = 0; i < NUM_APPLICATIONS; i++)
        if (strcmp(applications[i]->name, name) == 0) return applications[i];
    esp_fail(ESP_ERR_FORMAT, "application '%s' is unknown; there are tdmpc and autoencoder", name);
    return NULL;
}

esp_status esp_application_of_json(const cJSON *json, const char *source, const esp_application **out)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(json, "application");
    if (!name) *out = &esp_application_agent; /* what the key says by default */
    else if (cJSON_IsString(name)) *out = esp_application_find(name->valuestring);
    else return esp_fail(ESP_ERR_USAGE, "%s: key 'application' must be a string", source);
    if (*out) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "%s: %s", source, esp_error_text());
}

/* By --config, else by the configuration inside the file. */
static esp_status find_application(const char *path, const char *config_path, const esp_application **out)
{
    esp_safetensors *file = NULL;
    cJSON *json = NULL;
    esp_status status;
    if (config_path) {
        status = esp_json_read(config_path, &json);
    } else {
        status = esp_safetensors_read(path, &file);
        const char *text = status == ESP_OK ? esp_safetensors_metadata(file, "espalier") : NULL;
        if (text) status = esp_json_parse(text, strlen(text), path, &json);
        else if (status == ESP_OK)
            status = esp_fail(ESP_ERR_FORMAT, "%s: no espalier configuration in the file; name one with "
                              "--config CONFIG.json", path);
    }
    if (status == ESP_OK) status = esp_application_of_json(json, config_path ? config_path : path, out);
    esp_safetensors_free(file);
    cJSON_Delete(json);
    /* A wrong key in a checkpoint is the file's fault, one in --config the user's. */
    return status == ESP_ERR_USAGE && !config_path ? ESP_ERR_FORMAT : status;
}

/* ---- open and close ---- */

static esp_status check_options(const esp_subject *subject)
{
    const esp_judging *judging = &subject->judging;
    bool agent = subject->application == &esp_application_agent;
    const char *stray = agent ? judging->for_autoencoder : judging->for_agent;
    if (!stray) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "%s: not for %s, which is of application '%s'", stray, subject->path,
                    subject->application->name);
}

esp_status esp_subject_open(const char *path, const esp_options *options, const esp_judging *judging,
                            esp_search_config *search, esp_subject *out)
{
    esp_subject subject = {.path = path, .options = options, .judging = *judging};
    esp_status status = esp_file_bytes(path, &subject.bytes);
    if (status == ESP_OK) status = find_application(path, options->config, &subject.application);
    if (status == ESP_OK) status = check_options(&subject);
    if (status == ESP_OK) status = subject.application->open(&subject, search);
    if (status == ESP_OK) *out = subject;
    else                  esp_subject_close(&subject);
    return status;
}

void esp_subject_close(esp_subject *subject)
{
    if (subject->application) subject->application->close(subject);
    esp_network_free(subject->net);
    *subject = (esp_subject){.net = NULL};
}
