/* The checkpoint a command works on, and which application it is of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "study/application.h"

esp_status esp_file_bytes(const char *path, size_t *bytes)
{
    struct stat info;
    if (stat(path, &info) != 0) return esp_fail(ESP_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    *bytes = (size_t)info.st_size;
    return ESP_OK;
}

esp_judging esp_judging_default(void)
{
    return (esp_judging){.controller = ESP_CONTROLLER_MPPI, .start = -1, .report = 20};
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

esp_status esp_subject_blame(const esp_subject *subject, esp_status status)
{
    bool wrong_key = status == ESP_ERR_USAGE || status == ESP_ERR_RANGE;
    return wrong_key && !subject->options->config ? ESP_ERR_FORMAT : status;
}

static esp_status find_application(const esp_subject *subject, const esp_application **out)
{
    const char *config_path = subject->options->config;
    esp_checkpoint file = {.file = NULL};
    esp_status status = esp_checkpoint_open(subject->path, config_path, &file);
    if (status == ESP_OK) status = esp_application_of_json(file.config, file.source, out);
    esp_checkpoint_close(&file);
    return esp_subject_blame(subject, status);
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
    if (status == ESP_OK) status = find_application(&subject, &subject.application);
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
