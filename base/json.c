/* JSON files as cJSON trees: strict when read, whole or one line when written. */
#include "base/base_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- duplicate keys ------------------------------------------------------------------------ */

/* A key and its number in the order of the text. */
typedef struct {
    const char *name;
    size_t number;
} numbered_key;

static int compare_keys(const void *a, const void *b)
{
    const numbered_key *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : (left->number > right->number) - (left->number < right->number);
}

/* Sorted, because comparing all pairs would take hours on a hostile file of a million keys. */
static const numbered_key *find_repeated(numbered_key *keys, size_t count)
{
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (strcmp(keys[i - 1].name, keys[i].name) == 0) return &keys[i];
    return NULL;
}

/* Walks the tree in the order of the text; *next is the number of the next key. Returns true when
 * an object repeats a key, and sets *repeated to it. */
static bool repeats_key(const cJSON *json, size_t *next, numbered_key *repeated)
{
    if (!json->child) return false;
    bool found = false;
    size_t count = 0;
    numbered_key *keys = cJSON_IsObject(json) ? esp_alloc((size_t)cJSON_GetArraySize(json), sizeof *keys) : NULL;

    const cJSON *item;
    cJSON_ArrayForEach(item, json) {
        if (keys) keys[count++] = (numbered_key){item->string, (*next)++};
        found = repeats_key(item, next, repeated);
        if (found) break;
    }
    const numbered_key *repeat = found || !keys ? NULL : find_repeated(keys, count);
    if (repeat) *repeated = *repeat;
    free(keys);
    return found || repeat;
}

static esp_status check_keys(const cJSON *json, const char *text, size_t size, const char *source)
{
    size_t next = 0;
    numbered_key repeated;
    if (!repeats_key(json, &next, &repeated)) return ESP_OK;

    int line = 0;
    esp_status status = esp_json_scan(text, size, source, repeated.number, &line);
    if (status != ESP_OK) return status;
    return esp_fail(ESP_ERR_FORMAT, "%s: line %d: duplicate key '%s'", source, line, repeated.name);
}

/* ---- reading ------------------------------------------------------------------------------- */

esp_status esp_json_parse(const char *text, size_t size, const char *source, cJSON **out)
{
    int line;
    esp_status status = esp_json_scan(text, size, source, SIZE_MAX, &line);
    if (status != ESP_OK) return status;

    locale_t before = esp_locale_plain();
    cJSON *json = cJSON_ParseWithLength(text, size);
    esp_locale_restore(before);
    if (!json) return esp_fail(ESP_ERR_MACHINE, "%s: no memory for a tree of %zu bytes of JSON", source, size);
    status = check_keys(json, text, size, source);
    if (status == ESP_OK) *out = json;
    else                  cJSON_Delete(json);
    return status;
}

esp_status esp_json_read(const char *path, cJSON **out)
{
    char *text = NULL;
    size_t size = 0;
    esp_status status = esp_file_read(path, ESP_JSON_LIMIT, &text, &size);
    if (status == ESP_OK) status = esp_json_parse(text, size, path, out);
    free(text);
    return status;
}

/* ---- values -------------------------------------------------------------------------------- */

double esp_json_number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

const char *esp_json_text(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

int esp_json_choice(const cJSON *object, const char *key, const char *choices)
{
    const char *word = esp_json_text(object, key);
    return word ? esp_choice_index(choices, word) : -1;
}

/* ---- writing ------------------------------------------------------------------------------- */

static char *print_text(const cJSON *json, char *(*print)(const cJSON *))
{
    locale_t before = esp_locale_plain();
    char *text = print(json);
    esp_locale_restore(before);
    return text;
}

char *esp_json_line(const cJSON *json)
{
    return print_text(json, cJSON_PrintUnformatted);
}

char *esp_json_pretty(const cJSON *json)
{
    return print_text(json, cJSON_Print);
}

/* Replaces the final 0 by the newline that editors and line counters expect. */
static esp_status write_text(const char *path, char *text, esp_status (*write)(const char *, const void *, size_t))
{
    if (!text) return esp_fail(ESP_ERR_MACHINE, "cannot write '%s': no memory for its JSON text", path);
    size_t length = strlen(text);
    text[length] = '\n';
    esp_status status = write(path, text, length + 1);
    free(text);
    return status;
}

esp_status esp_json_write(const char *path, const cJSON *json)
{
    return write_text(path, esp_json_pretty(json), esp_file_write);
}

esp_status esp_json_append(const char *path, const cJSON *json)
{
    return write_text(path, esp_json_line(json), esp_file_append);
}

void esp_json_add_doubles(cJSON *object, const char *key, int count, const double *values)
{
    cJSON_AddItemToObject(object, key, cJSON_CreateDoubleArray(values, count));
}

void esp_json_add_choice(cJSON *object, const char *key, const char *choices, int index)
{
    char word[ESP_CONFIG_TEXT];
    esp_choice_word(choices, index, word);
    cJSON_AddStringToObject(object, key, word);
}
