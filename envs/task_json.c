/* Values of a task file: strict, with the place in every sentence. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "envs/task_internal.h"

/* ---- keys ---------------------------------------------------------------------------------------- */

esp_status esp_task_keys(const cJSON *object, const char *where, const char *keys)
{
    char words[64][ESP_CONFIG_TEXT];
    const char *known[64];
    int count = esp_choice_count(keys);
    if (!cJSON_IsObject(object)) return esp_fail(ESP_ERR_FORMAT, "%s: expected an object", where);
    for (int i = 0; i < count; i++) {
        esp_choice_word(keys, i, words[i]);
        known[i] = words[i];
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        if (esp_choice_index(keys, item->string) >= 0) continue;
        const char *nearest = esp_nearest(item->string, known, count);
        if (nearest)
            return esp_fail(ESP_ERR_FORMAT, "%s: there is no key '%s'; did you mean '%s'?", where, item->string,
                            nearest);
        return esp_fail(ESP_ERR_FORMAT, "%s: there is no key '%s'; expected %s", where, item->string, keys);
    }
    return ESP_OK;
}

/* ---- numbers ------------------------------------------------------------------------------------- */

static esp_status refuse_name(void *context, const char *name, const double **address)
{
    (void)context, (void)address;
    return esp_fail(ESP_ERR_FORMAT, "'%s' has no place in a constant", name);
}

esp_status esp_task_number(const cJSON *value, const char *where, double *out)
{
    if (cJSON_IsNumber(value)) {
        *out = value->valuedouble;
        return ESP_OK;
    }
    if (!cJSON_IsString(value)) return esp_fail(ESP_ERR_FORMAT, "%s: expected a number", where);
    esp_expression *constant = NULL;
    esp_status status = esp_expression_create(value->valuestring, where, refuse_name, NULL, &constant);
    if (status != ESP_OK) return status;
    *out = esp_expression_value(constant);
    esp_expression_free(constant);
    if (!isnan(*out)) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: '%s' is not a number", where, value->valuestring);
}

esp_status esp_task_number_within(const cJSON *value, const char *where, double least, double most, double *out)
{
    double number;
    if (!value) return ESP_OK;
    esp_status status = esp_task_number(value, where, &number);
    if (status != ESP_OK) return status;
    if (!(number >= least && number <= most))
        return esp_fail(ESP_ERR_RANGE, "%s: %g, expected %g to %g", where, number, least, most);
    *out = number;
    return ESP_OK;
}

esp_status esp_task_int_within(const cJSON *value, const char *where, int least, int most, int *out)
{
    double number = *out;
    esp_status status = esp_task_number_within(value, where, least, most, &number);
    if (status != ESP_OK) return status;
    if (number != floor(number)) return esp_fail(ESP_ERR_RANGE, "%s: %g, expected a whole number", where, number);
    *out = (int)number;
    return ESP_OK;
}

esp_status esp_task_numbers(const cJSON *value, const char *where, int count, double *out)
{
    int found = cJSON_GetArraySize(value);
    if (!cJSON_IsArray(value) || found != count)
        return esp_fail(ESP_ERR_FORMAT, "%s: expected a list of %d numbers, found %s", where, count,
                        cJSON_IsArray(value) ? "another length" : "something else");
    esp_status status = ESP_OK;
    for (int i = 0; i < count && status == ESP_OK; i++)
        status = esp_task_number(cJSON_GetArrayItem(value, i), where, &out[i]);
    return status;
}

/* ---- texts --------------------------------------------------------------------------------------- */

esp_status esp_task_text(const cJSON *value, const char *where, const char **out)
{
    if (!value) return ESP_OK;
    if (!cJSON_IsString(value)) return esp_fail(ESP_ERR_FORMAT, "%s: expected text", where);
    *out = value->valuestring;
    return ESP_OK;
}

esp_status esp_task_choice(const cJSON *value, const char *where, const char *choices, int *out)
{
    const char *word = "";
    if (!value) return ESP_OK;
    esp_status status = esp_task_text(value, where, &word);
    if (status != ESP_OK) return status;
    int index = esp_choice_index(choices, word);
    if (index < 0) return esp_fail(ESP_ERR_FORMAT, "%s: '%s', expected %s", where, word, choices);
    *out = index;
    return ESP_OK;
}

esp_status esp_task_texts(const cJSON *object, const char *where, esp_text_list *out)
{
    *out = (esp_text_list){.count = 0};
    if (!object) return ESP_OK;
    if (!cJSON_IsObject(object)) return esp_fail(ESP_ERR_FORMAT, "%s: expected an object of expressions", where);
    int count = cJSON_GetArraySize(object);
    if (count > ESP_TASK_LIST)
        return esp_fail(ESP_ERR_RANGE, "%s: %d entries, expected at most %d", where, count, ESP_TASK_LIST);
    esp_named_text *list = esp_alloc((size_t)count + 1, sizeof *list);
    esp_status status = ESP_OK;
    const cJSON *item;
    int i = 0;
    cJSON_ArrayForEach(item, object) {
        list[i].name = item->string;
        if (!esp_is_identifier(item->string))
            status = esp_fail(ESP_ERR_FORMAT, "%s: '%s' is no name: use letters, digits and _", where, item->string);
        else if (!cJSON_IsString(item))
            status = esp_fail(ESP_ERR_FORMAT, "%s.%s: expected an expression, as text", where, item->string);
        else list[i++].text = item->valuestring;
        if (status != ESP_OK) break;
    }
    if (status == ESP_OK) *out = (esp_text_list){count, list};
    else                  free(list);
    return status;
}
