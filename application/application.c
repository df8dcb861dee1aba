/* Finds the application for a name or a configuration. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/application_internal.h"

/* "tdmpc or autoencoder" */
static void list_names(char *out, size_t size)
{
    *out = 0;
    for (int i = 0; esp_applications[i]; i++) {
        const char *before = i == 0 ? "" : esp_applications[i + 1] ? ", " : " or ";
        size_t length = strlen(out);
        snprintf(out + length, size - length, "%s%s", before, esp_applications[i]->name);
    }
}

const esp_application *esp_application_find(const char *name)
{
    char names[256];
    for (int i = 0; esp_applications[i]; i++)
        if (strcmp(esp_applications[i]->name, name) == 0) return esp_applications[i];
    list_names(names, sizeof names);
    esp_fail(ESP_ERR_FORMAT, "application '%s' is unknown; expected %s", name, names);
    return NULL;
}

bool esp_has_suffix(const char *path, const char *suffix)
{
    size_t length = strlen(path), end = suffix ? strlen(suffix) : 0;
    return suffix && length > end && strcmp(path + length - end, suffix) == 0;
}

const esp_application *esp_application_of_path(const char *path, const esp_settings *settings,
                                               const esp_judging *judging)
{
    for (int i = 0; esp_applications[i]; i++) {
        const esp_application *app = esp_applications[i];
        if (esp_has_suffix(path, app->suffix) && (!app->claims || app->claims(path, settings, judging))) return app;
    }
    return NULL;
}

/* A configuration that does not name its application belongs to the first one, unless it has a key that only another
 * application knows. */
static esp_status find_default(const cJSON *json, const char *source, const esp_application **out)
{
    const esp_application *first = esp_applications[0];
    char *path = esp_config_stranger(first->fields, *first->num_fields, json);
    esp_status status = ESP_OK;
    for (int i = 1; path && esp_applications[i] && status == ESP_OK; i++) {
        const esp_application *other = esp_applications[i];
        if (!other->fields || !esp_config_has(other->fields, *other->num_fields, path)) continue;
        status = esp_fail(ESP_ERR_USAGE, "%s: '%s' is a key of application '%s'; add \"application\": \"%s\"", source,
                          path, other->name, other->name);
    }
    free(path);
    *out = first;
    return status;
}

esp_status esp_application_of_json(const cJSON *json, const char *source, const esp_application **out)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(json, "application");
    if (!name) return find_default(json, source, out);
    if (cJSON_IsString(name)) *out = esp_application_find(name->valuestring);
    else return esp_fail(ESP_ERR_USAGE, "%s: key 'application' must be a string", source);
    if (*out) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "%s: %s", source, esp_error_text());
}

double esp_application_kept(const esp_application *application, double before, double after)
{
    if (application->decibels) return pow(10, (after - before) / 10);
    return before != 0 ? 1 + (after - before) / fabs(before) : NAN;
}
