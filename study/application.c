/* The table of applications. */
#include <string.h>

#include "study/study.h"

const esp_application *const esp_applications[] = {&esp_application_agent, &esp_application_autoencoder, NULL};

const esp_application *esp_application_find(const char *name)
{
    for (int i = 0; esp_applications[i]; i++)
        if (strcmp(esp_applications[i]->name, name) == 0) return esp_applications[i];
    esp_fail(ESP_ERR_FORMAT, "application '%s' is unknown; there are tdmpc and autoencoder", name);
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
