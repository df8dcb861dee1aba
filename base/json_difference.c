/* The first difference between two JSON objects, as a sentence for the person who expected them to
 * be equal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

static char *key_below(const char *prefix, const char *name)
{
    size_t bytes = strlen(prefix) + strlen(name) + 2;
    char *path = esp_alloc(bytes, 1);
    snprintf(path, bytes, "%s%s%s", prefix, *prefix ? "." : "", name);
    return path;
}

/* A value as JSON, or "absent"; new memory. */
static char *value_text(const cJSON *value)
{
    return value ? esp_json_line(value) : esp_strdup("absent");
}

static char *describe(const char *path, const cJSON *first, const char *first_name, const cJSON *second,
                      const char *second_name)
{
    char *a = value_text(first), *b = value_text(second);
    size_t bytes = strlen(path) + strlen(a) + strlen(b) + strlen(first_name) + strlen(second_name) + 32;
    char *text = esp_alloc(bytes, 1);
    snprintf(text, bytes, "'%s' is %s in %s and %s in %s", path, a, first_name, b, second_name);
    free(a);
    free(b);
    return text;
}

static char *difference(const char *prefix, const cJSON *first, const char *first_name, const cJSON *second,
                        const char *second_name);

static char *member_difference(const char *prefix, const char *key, const cJSON *first, const char *first_name,
                               const cJSON *second, const char *second_name)
{
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(first, key), *b = cJSON_GetObjectItemCaseSensitive(second, key);
    char *path = key_below(prefix, key), *text = NULL;
    if (cJSON_IsObject(a) && cJSON_IsObject(b)) text = difference(path, a, first_name, b, second_name);
    else if (!a || !b || !cJSON_Compare(a, b, true)) text = describe(path, a, first_name, b, second_name);
    free(path);
    return text;
}

static char *difference(const char *prefix, const cJSON *first, const char *first_name, const cJSON *second,
                        const char *second_name)
{
    char *text = NULL;
    for (const cJSON *item = first->child; item && !text; item = item->next)
        text = member_difference(prefix, item->string, first, first_name, second, second_name);
    for (const cJSON *item = second->child; item && !text; item = item->next)
        if (!cJSON_GetObjectItemCaseSensitive(first, item->string))
            text = member_difference(prefix, item->string, first, first_name, second, second_name);
    return text;
}

char *esp_json_difference(const cJSON *first, const char *first_name, const cJSON *second, const char *second_name)
{
    return difference("", first, first_name, second, second_name);
}
