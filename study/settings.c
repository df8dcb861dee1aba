/* How a run was asked for, whatever asked for it. */
#include <string.h>

#include "study/study.h"

esp_settings esp_settings_default(void)
{
    return (esp_settings){.seed = 1};
}

esp_status esp_settings_apply(const esp_settings *settings, const esp_field *fields, int count, void *config,
                              esp_search_config *search)
{
    esp_status status = ESP_OK;
    for (int i = 0; i < settings->num_assignments && status == ESP_OK; i++) {
        const char *assignment = settings->assignment[i];
        if (search && strncmp(assignment, "search.", strlen("search.")) == 0)
            status = esp_config_set(esp_search_fields, esp_search_num_fields, assignment, search);
        else
            status = esp_config_set(fields, count, assignment, config);
    }
    return status;
}
