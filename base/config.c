/* A configuration is a plain struct and a table of its keys; reading, --set and writing walk the
 * table, so a key is described once. */
#include "base/base.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_INTEGER 9007199254740991u /* 2^53 - 1: from 2^53 on, neighbouring integers become the same JSON number */

/* ---- what was expected, in words ----------------------------------------------------------- */

static void describe_choices(const char *choices, char *text, size_t size)
{
    snprintf(text, size, "one of ");
    for (const char *c = choices; *c; c++) {
        size_t length = strlen(text);
        snprintf(text + length, size - length, *c == '|' ? ", " : "%c", *c);
    }
}

static bool is_text_field(const esp_field *field)
{
    return field->type == ESP_TEXT || field->type == ESP_PATH;
}

static void describe(const esp_field *field, char *text, size_t size)
{
    bool is_number = field->type == ESP_INT || field->type == ESP_U64 || field->type == ESP_DOUBLE;
    if (field->type == ESP_BOOL)   snprintf(text, size, "true or false");
    if (is_text_field(field))  snprintf(text, size, "text");
    if (field->type == ESP_CHOICE) describe_choices(field->choices, text, size);
    if (!is_number) return;

    const char *noun = field->type == ESP_DOUBLE ? "a number" : "a whole number";
    if (isfinite(field->min) && isfinite(field->max))
        esp_format(text, size, "%s from %.15g to %.15g", noun, field->min, field->max);
    else if (isfinite(field->min))
        esp_format(text, size, "%s of at least %.15g", noun, field->min);
    else if (isfinite(field->max))
        esp_format(text, size, "%s of at most %.15g", noun, field->max);
    else
        snprintf(text, size, "%s", noun);
}

static void describe_found(const cJSON *value, char *text, size_t size)
{
    if (cJSON_IsNumber(value))      esp_format(text, size, "%.15g", value->valuedouble);
    else if (cJSON_IsString(value)) snprintf(text, size, "'%.60s'", value->valuestring);
    else if (cJSON_IsBool(value))   snprintf(text, size, "%s", cJSON_IsTrue(value) ? "true" : "false");
    else if (cJSON_IsObject(value)) snprintf(text, size, "an object");
    else if (cJSON_IsArray(value))  snprintf(text, size, "an array");
    else                            snprintf(text, size, "null");
}

static esp_status refuse_value(const esp_field *field, const cJSON *value, const char *source, esp_status status)
{
    char expected[512], found[80];
    describe(field, expected, sizeof expected);
    describe_found(value, found, sizeof found);
    return esp_fail(status, "%s: '%s' must be %s, found %s", source, field->path, expected, found);
}

/* ---- values -------------------------------------------------------------------------------- */

/* A 64-bit integer is a JSON number where that is exact, and a string of its digits elsewhere. */
static bool parse_u64(const cJSON *value, uint64_t *out)
{
    if (cJSON_IsNumber(value)) {
        double number = value->valuedouble;
        if (number != floor(number) || number < 0 || number > (double)EXACT_INTEGER) return false;
        *out = (uint64_t)number;
        return true;
    }
    return cJSON_IsString(value) && esp_u64_parse(value->valuestring, out);
}

static esp_status read_u64(const esp_field *field, const cJSON *value, const char *source, uint64_t *out)
{
    uint64_t number;
    if (cJSON_IsNumber(value) && value->valuedouble > (double)EXACT_INTEGER)
        return esp_fail(ESP_ERR_RANGE, "%s: '%s' is not below 2^53, where a JSON number is exact (write it as a "
                        "string of digits)", source, field->path);
    bool is_negative = cJSON_IsNumber(value) && value->valuedouble < 0;
    if (!parse_u64(value, &number))
        return refuse_value(field, value, source, is_negative ? ESP_ERR_RANGE : ESP_ERR_USAGE);
    if ((double)number < field->min || (double)number > field->max)
        return refuse_value(field, value, source, ESP_ERR_RANGE);
    *out = number;
    return ESP_OK;
}

static esp_status read_number(const esp_field *field, const cJSON *value, const char *source, double *out)
{
    if (!cJSON_IsNumber(value)) return refuse_value(field, value, source, ESP_ERR_USAGE);
    double number = value->valuedouble;
    if (field->type == ESP_INT && number != floor(number)) return refuse_value(field, value, source, ESP_ERR_USAGE);
    bool inside = number >= field->min && number <= field->max; /* false for NaN */
    if (field->type == ESP_INT && (number < INT_MIN || number > INT_MAX)) inside = false;
    if (!inside || !isfinite(number)) return refuse_value(field, value, source, ESP_ERR_RANGE);
    *out = number;
    return ESP_OK;
}

static esp_status read_text(const esp_field *field, const cJSON *value, const char *source, const char **out)
{
    if (!cJSON_IsString(value)) return refuse_value(field, value, source, ESP_ERR_USAGE);
    *out = esp_intern(value->valuestring);
    return ESP_OK;
}

static esp_status read_choice(const esp_field *field, const cJSON *value, const char *source, int *out)
{
    int index = cJSON_IsString(value) ? esp_choice_index(field->choices, value->valuestring) : -1;
    if (index < 0) return refuse_value(field, value, source, ESP_ERR_USAGE);
    *out = index;
    return ESP_OK;
}

static esp_status read_value(const esp_field *field, const cJSON *value, const char *source, void *config)
{
    void *member = (char *)config + field->offset;
    double number = 0;
    esp_status status = ESP_OK;
    switch (field->type) {
    case ESP_BOOL:
        if (!cJSON_IsBool(value)) return refuse_value(field, value, source, ESP_ERR_USAGE);
        *(bool *)member = cJSON_IsTrue(value);
        break;
    case ESP_INT:
        status = read_number(field, value, source, &number);
        if (status == ESP_OK) *(int *)member = (int)number;
        break;
    case ESP_DOUBLE:
        status = read_number(field, value, source, &number);
        if (status == ESP_OK) *(double *)member = number;
        break;
    case ESP_U64:    return read_u64(field, value, source, member);
    case ESP_TEXT:
    case ESP_PATH:   return read_text(field, value, source, member);
    case ESP_CHOICE: return read_choice(field, value, source, member);
    }
    return status;
}

/* ---- keys ---------------------------------------------------------------------------------- */

static const esp_field *find_field(const esp_field *fields, int count, const char *path)
{
    for (int i = 0; i < count; i++)
        if (strcmp(fields[i].path, path) == 0) return &fields[i];
    return NULL;
}

/* Whether any key lies below `path`: "planner" of "planner.samples". */
static bool is_group(const esp_field *fields, int count, const char *path)
{
    size_t length = strlen(path);
    for (int i = 0; i < count; i++)
        if (strncmp(fields[i].path, path, length) == 0 && fields[i].path[length] == '.') return true;
    return false;
}

/* The key may have been written without its group ("samples"), or misspelt. */
static const char *find_meant(const esp_field *fields, int count, const char *path)
{
    const char **paths = esp_alloc((size_t)count, sizeof *paths);
    const char *meant = NULL;
    for (int i = 0; i < count; i++) {
        const char *dot = fields[i].help ? strrchr(fields[i].path, '.') : NULL;
        if (!meant && dot && strcmp(dot + 1, path) == 0) meant = fields[i].path;
        paths[i] = fields[i].path;
    }
    if (!meant) meant = esp_nearest(path, paths, count);
    free(paths);
    return meant;
}

/* For "planer.samples" no key is near, but the first part is near a group. */
static const char *find_meant_group(const esp_field *fields, int count, const char *path, char *group)
{
    for (int i = 0; i < count; i++) {
        for (const char *dot = strchr(fields[i].path, '.'); dot; dot = strchr(dot + 1, '.')) {
            snprintf(group, ESP_CONFIG_TEXT, "%.*s", (int)(dot - fields[i].path), fields[i].path);
            const char *only[] = {group};
            if (esp_nearest(path, only, 1)) return group;
        }
    }
    return NULL;
}

static esp_status refuse_key(const esp_field *fields, int count, const char *path, const char *source)
{
    char group[ESP_CONFIG_TEXT];
    const char *meant = find_meant(fields, count, path);
    if (!meant) meant = find_meant_group(fields, count, path, group);
    if (!meant) return esp_fail(ESP_ERR_USAGE, "%s: unknown key '%s'", source, path);
    return esp_fail(ESP_ERR_USAGE, "%s: unknown key '%s' (did you mean '%s'?)", source, path, meant);
}

/* ---- reading ------------------------------------------------------------------------------- */

typedef struct {
    const esp_field *fields;
    int count;
    const char *source;
    void *config;
} reader;

static esp_status read_object(const reader *r, const cJSON *object, const char *prefix);

static esp_status read_member(const reader *r, const cJSON *item, const char *path)
{
    if (strchr(item->string, '.'))
        return esp_fail(ESP_ERR_USAGE, "%s: key '%s' has a dot (write nested objects instead)", r->source, path);
    const esp_field *field = find_field(r->fields, r->count, path);
    if (field) return read_value(field, item, r->source, r->config);
    if (!is_group(r->fields, r->count, path)) return refuse_key(r->fields, r->count, path, r->source);
    if (!cJSON_IsObject(item))
        return esp_fail(ESP_ERR_USAGE, "%s: '%s' is a group of keys and must be an object", r->source, path);
    return read_object(r, item, path);
}

static esp_status read_object(const reader *r, const cJSON *object, const char *prefix)
{
    esp_status status = ESP_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        size_t bytes = strlen(prefix) + strlen(item->string) + 2;
        char *path = esp_alloc(bytes, 1);
        snprintf(path, bytes, "%s%s%s", prefix, *prefix ? "." : "", item->string);
        status = read_member(r, item, path);
        free(path);
        if (status != ESP_OK) break;
    }
    return status;
}

esp_status esp_config_read(const esp_field *fields, int count, const cJSON *json, const char *source, void *config)
{
    if (!cJSON_IsObject(json)) return esp_fail(ESP_ERR_USAGE, "%s: a configuration must be a JSON object", source);
    reader r = {fields, count, source, config};
    return read_object(&r, json, "");
}

bool esp_config_has(const esp_field *fields, int count, const char *path)
{
    return find_field(fields, count, path) != NULL;
}

static char *stranger_below(const esp_field *fields, int count, const cJSON *object, const char *prefix)
{
    char *found = NULL;
    for (const cJSON *item = object->child; item && !found; item = item->next) {
        size_t bytes = strlen(prefix) + strlen(item->string) + 2;
        char *path = esp_alloc(bytes, 1);
        snprintf(path, bytes, "%s%s%s", prefix, *prefix ? "." : "", item->string);
        if (cJSON_IsObject(item)) found = stranger_below(fields, count, item, path);
        else if (!esp_config_has(fields, count, path)) found = esp_strdup(path);
        free(path);
    }
    return found;
}

char *esp_config_stranger(const esp_field *fields, int count, const cJSON *json)
{
    return cJSON_IsObject(json) ? stranger_below(fields, count, json, "") : NULL;
}

/* Numbers and booleans are read as JSON; everything else stays text, which the field's type then
 * refuses in its own words. */
static cJSON *parse_setting(const esp_field *field, const char *text)
{
    cJSON *value = NULL;
    bool is_text = is_text_field(field) || field->type == ESP_CHOICE;
    bool is_digits = *text && strspn(text, "0123456789") == strlen(text);
    bool is_exact_digits = field->type == ESP_U64 && is_digits; /* JSON numbers do not hold 64 bits */
    if (is_text || is_exact_digits || esp_json_parse(text, strlen(text), "--set", &value) != ESP_OK)
        value = cJSON_CreateString(text);
    return value;
}

esp_status esp_config_set(const esp_field *fields, int count, const char *assignment, void *config)
{
    const char *equals = strchr(assignment, '=');
    if (!equals) return esp_fail(ESP_ERR_USAGE, "--set: '%s' has no value (write PATH=VALUE)", assignment);

    char *path = esp_strdup(assignment);
    path[equals - assignment] = 0;
    const esp_field *field = find_field(fields, count, path);
    cJSON *value = NULL;
    esp_status status;
    if (field) {
        value = parse_setting(field, equals + 1);
        status = read_value(field, value, "--set", config);
    } else if (is_group(fields, count, path)) {
        status = esp_fail(ESP_ERR_USAGE, "--set: '%s' is a group of keys, not a value", path);
    } else {
        status = refuse_key(fields, count, path, "--set");
    }
    cJSON_Delete(value);
    free(path);
    return status;
}

/* ---- writing ------------------------------------------------------------------------------- */

static cJSON *write_u64(uint64_t number)
{
    if (number <= EXACT_INTEGER) return cJSON_CreateNumber((double)number);
    char digits[24];
    snprintf(digits, sizeof digits, "%ju", (uintmax_t)number);
    return cJSON_CreateString(digits);
}

static cJSON *write_text(const char *text)
{
    return cJSON_CreateString(text ? text : "");
}

static cJSON *write_value(const esp_field *field, const void *config)
{
    const void *member = (const char *)config + field->offset;
    char word[ESP_CONFIG_TEXT];
    switch (field->type) {
    case ESP_BOOL:   return cJSON_CreateBool(*(const bool *)member);
    case ESP_INT:    return cJSON_CreateNumber(*(const int *)member);
    case ESP_U64:    return write_u64(*(const uint64_t *)member);
    case ESP_DOUBLE: return cJSON_CreateNumber(*(const double *)member);
    case ESP_TEXT:
    case ESP_PATH:   return write_text(*(const char *const *)member);
    case ESP_CHOICE: esp_choice_word(field->choices, *(const int *)member, word); return cJSON_CreateString(word);
    }
    return NULL;
}

cJSON *esp_config_json(const esp_field *fields, int count, const void *config)
{
    cJSON *root = cJSON_CreateObject();
    for (int i = 0; i < count; i++) {
        if (!fields[i].help) continue;
        cJSON *object = root;
        char *path = esp_strdup(fields[i].path), *name = path;
        for (char *dot; (dot = strchr(name, '.')); name = dot + 1) {
            *dot = 0;
            cJSON *inner = cJSON_GetObjectItemCaseSensitive(object, name);
            object = inner ? inner : cJSON_AddObjectToObject(object, name);
        }
        cJSON_AddItemToObject(object, name, write_value(&fields[i], config));
        free(path);
    }
    return root;
}

/* ---- checking ------------------------------------------------------------------------------ */

esp_status esp_config_check(const esp_field *fields, int count, const char *source, const void *config)
{
    esp_status status = ESP_OK;
    for (int i = 0; i < count && status == ESP_OK; i++) {
        if (fields[i].type != ESP_INT && fields[i].type != ESP_DOUBLE) continue;
        double number;
        cJSON *value = write_value(&fields[i], config);
        status = read_number(&fields[i], value, source, &number);
        cJSON_Delete(value);
    }
    return status;
}
