/* A hash as a value in a JSON file. */
#include <stdio.h>

#include "base/base.h"

void esp_json_add_hash(cJSON *object, const char *key, uint64_t hash)
{
    char text[17];
    snprintf(text, sizeof text, "%016jx", (uintmax_t)hash);
    cJSON_AddStringToObject(object, key, text);
}
