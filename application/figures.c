/* Lists of named results. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/application.h"

static double *copy_list(int count, const double *list)
{
    double *copy = esp_alloc((size_t)count + 1, sizeof *copy);
    memcpy(copy, list, (size_t)count * sizeof *copy);
    return copy;
}

void esp_figure_list_add(esp_figure_list *figures, esp_figure figure)
{
    enum { STEP = 8 };
    if (figures->count % STEP == 0) {
        esp_figure *larger = esp_alloc((size_t)figures->count + STEP, sizeof *larger);
        if (figures->count > 0) memcpy(larger, figures->figure, (size_t)figures->count * sizeof *larger);
        free(figures->figure);
        figures->figure = larger;
    }
    if (figure.text) figure.text = esp_strdup(figure.text);
    if (figure.unit) figure.unit = esp_strdup(figure.unit);
    if (figure.list) figure.list = copy_list(figure.count, figure.list);
    figures->figure[figures->count++] = figure;
}

const esp_figure *esp_figure_list_find(const esp_figure_list *figures, const char *key)
{
    for (int i = 0; i < figures->count; i++)
        if (figures->figure[i].key && strcmp(figures->figure[i].key, key) == 0) return &figures->figure[i];
    return NULL;
}

char *esp_figure_text(const esp_figure *f)
{
    char number[ESP_NUMBER_TEXT], text[2 * ESP_NUMBER_TEXT] = "";
    const char *value = text;
    switch (f->kind) {
    case ESP_FIGURE_TEXT: value = f->text; break;
    case ESP_FIGURE_NUMBER:
        if (isnan(f->value)) value = "-";
        else                 esp_format(text, sizeof text, "%.*f", f->decimals, f->value);
        break;
    case ESP_FIGURE_SCALED: value = esp_text_scaled(f->value, number); break;
    case ESP_FIGURE_SECONDS: value = esp_text_seconds(f->value, number); break;
    case ESP_FIGURE_SHARE: esp_format(text, sizeof text, "%.0f of %.0f", f->value, f->other); break;
    case ESP_FIGURE_INTERVAL:
        esp_format(text, sizeof text, "[%.*f, %.*f]", f->decimals, f->value, f->decimals, f->other);
        break;
    case ESP_FIGURE_LIST: snprintf(text, sizeof text, "%d values", f->count); break;
    }
    /* the prefix of 12.4 M and the unit FLOP make 12.4 MFLOP */
    const char *space = f->unit && f->kind != ESP_FIGURE_SCALED ? " " : "", *unit = f->unit ? f->unit : "";
    size_t size = strlen(value) + strlen(space) + strlen(unit) + 1;
    char *out = esp_alloc(size, 1);
    snprintf(out, size, "%s%s%s", value, space, unit);
    return out;
}

void esp_figure_json(const esp_figure *figure, const char *key, cJSON *object)
{
    switch (figure->kind) {
    case ESP_FIGURE_TEXT: cJSON_AddStringToObject(object, key, figure->text); break;
    case ESP_FIGURE_SHARE: cJSON_AddNumberToObject(object, key, figure->value / figure->other); break;
    case ESP_FIGURE_INTERVAL: esp_json_add_doubles(object, key, 2, (double[]){figure->value, figure->other}); break;
    case ESP_FIGURE_LIST: esp_json_add_doubles(object, key, figure->count, figure->list); break;
    default:
        if (isnan(figure->value)) cJSON_AddNullToObject(object, key);
        else                      cJSON_AddNumberToObject(object, key, figure->value);
    }
}

void esp_figure_list_json(const esp_figure_list *figures, cJSON *object)
{
    for (int i = 0; i < figures->count; i++)
        if (figures->figure[i].key) esp_figure_json(&figures->figure[i], figures->figure[i].key, object);
}

void esp_figure_list_free(esp_figure_list *figures)
{
    for (int i = 0; i < figures->count; i++) {
        free((void *)figures->figure[i].text);
        free((void *)figures->figure[i].unit);
        free((void *)figures->figure[i].list);
    }
    free(figures->figure);
    *figures = (esp_figure_list){.count = 0};
}
