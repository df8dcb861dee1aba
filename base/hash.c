/* A hash as a value in a JSON file. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"

void esp_json_add_hash(cJSON *object, const char *key, uint64_t hash)
{
    char text[17];
    snprintf(text, sizeof text, "%016jx", (uintmax_t)hash);
    cJSON_AddStringToObject(object, key, text);
}

bool esp_json_hash_equals(const cJSON *object, const char *key, uint64_t hash)
{
    char text[17];
    const char *found = esp_json_text(object, key);
    snprintf(text, sizeof text, "%016jx", (uintmax_t)hash);
    return found && strcmp(found, text) == 0;
}
