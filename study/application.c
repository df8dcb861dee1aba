/* Which application a name or a configuration means. */
#include <stdio.h>
#include <string.h>

#include "study/study.h"

/* "tdmpc and autoencoder" */
static void list_names(char *out, size_t size)
{
    *out = 0;
    for (int i = 0; esp_applications[i]; i++) {
        const char *before = i == 0 ? "" : esp_applications[i + 1] ? ", " : " and ";
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
    esp_fail(ESP_ERR_FORMAT, "application '%s' is unknown; there are %s", name, names);
    return NULL;
}

esp_status esp_application_of_json(const cJSON *json, const char *source, const esp_application **out)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(json, "application");
    if (!name) *out = esp_applications[0];
    else if (cJSON_IsString(name)) *out = esp_application_find(name->valuestring);
    else return esp_fail(ESP_ERR_USAGE, "%s: key 'application' must be a string", source);
    if (*out) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "%s: %s", source, esp_error_text());
}
