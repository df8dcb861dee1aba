/* Numbers of a report by their place in its data, so that the page shows what the data holds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages/pages_internal.h"

/* ---- find ---- */

const cJSON *esp_data_find(const cJSON *data, const char *pointer)
{
    while (data && *pointer == '/') {
        char name[256];
        size_t length = strcspn(++pointer, "/");
        if (length >= sizeof name) return NULL;
        snprintf(name, sizeof name, "%.*s", (int)length, pointer);
        uint64_t index = 0;
        bool is_index = esp_u64_parse(name, &index) && index < INT32_MAX;
        if (!cJSON_IsArray(data)) data = cJSON_GetObjectItemCaseSensitive(data, name);
        else                      data = is_index ? cJSON_GetArrayItem(data, (int)index) : NULL;
        pointer += length;
    }
    return data;
}

double esp_data_number(const cJSON *data, const char *pointer)
{
    const cJSON *item = esp_data_find(data, pointer);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

const char *esp_data_text(const cJSON *data, const char *pointer)
{
    const cJSON *item = esp_data_find(data, pointer);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* ---- on the page ---- */

bool esp_report_is_bad(const esp_application *application, double dense, double performance)
{
    return application && esp_application_kept(application, dense, performance) < ESP_KEPT_ENOUGH;
}

static void add_number(esp_report *report, esp_number_fn text, const char *pointer, bool bad)
{
    char words[ESP_NUMBER_TEXT];
    double value = esp_data_number(report->data, pointer);
    if (isnan(value))
        esp_page_cell(report->page, "");
    else
        esp_page_number(report->page, &(esp_quantity){text(value, words), pointer, value, bad});
}

void esp_report_cell(esp_report *report, esp_number_fn text, const char *format, ...)
{
    char pointer[256];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(pointer, sizeof pointer, format, arguments);
    va_end(arguments);
    add_number(report, text, pointer, false);
}

void esp_report_number(esp_report *report, int decimals, bool sign, const char *format, ...)
{
    char pointer[256], words[ESP_NUMBER_TEXT];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(pointer, sizeof pointer, format, arguments);
    va_end(arguments);
    double value = esp_data_number(report->data, pointer);
    esp_format(words, sizeof words, sign ? "%+.*f" : "%.*f", decimals, value);
    if (isnan(value)) esp_page_cell(report->page, "");
    else              esp_page_number(report->page, &(esp_quantity){words, pointer, value, false});
}

/* Decimals of a time in ms: three digits only where four of five repeats lie within 1 %, else two. */
static int time_decimals(const cJSON *data, const char *pointer)
{
    char place[288];
    snprintf(place, sizeof place, "%s_p10_p90", pointer);
    const cJSON *quantiles = esp_data_find(data, place);
    double ms = esp_data_number(data, pointer);
    double spread = esp_data_number(quantiles, "/1") - esp_data_number(quantiles, "/0");
    int digits = spread >= 0.01 * ms ? 2 : 3, whole = (int)floor(log10(fmax(ms, 1e-6))) + 1;
    return digits > whole ? digits - whole : 0;
}

char *esp_report_time_text(const esp_report *report, const char *pointer, char out[ESP_NUMBER_TEXT])
{
    double ms = esp_data_number(report->data, pointer);
    if (isnan(ms)) *out = 0;
    else           esp_format(out, ESP_NUMBER_TEXT, "%.*f", time_decimals(report->data, pointer), ms);
    return out;
}

void esp_report_time(esp_report *report, const char *format, ...)
{
    char pointer[256], words[ESP_NUMBER_TEXT];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(pointer, sizeof pointer, format, arguments);
    va_end(arguments);
    double ms = esp_data_number(report->data, pointer);
    esp_report_time_text(report, pointer, words);
    if (isnan(ms)) esp_page_cell(report->page, "");
    else           esp_page_number(report->page, &(esp_quantity){words, pointer, ms, false});
}

/* Decimals are those that the dense network's performance has: a column reads "844.4" and "0.8", not "0.75". */
static char *text_of_hundreds(double value, char out[ESP_NUMBER_TEXT])
{
    esp_format(out, ESP_NUMBER_TEXT, "%.1f", value);
    return out;
}

esp_number_fn esp_report_performance_text(double dense)
{
    return fabs(dense) >= 100 ? text_of_hundreds : esp_text_performance;
}

void esp_report_performance(esp_report *report, const esp_application *application, double dense, const char *format,
                            ...)
{
    char pointer[256];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(pointer, sizeof pointer, format, arguments);
    va_end(arguments);
    bool bad = esp_report_is_bad(application, dense, esp_data_number(report->data, pointer));
    add_number(report, esp_report_performance_text(dense), pointer, bad);
}

void esp_report_interval(esp_report *report, double dense, const char *format, ...)
{
    char pointer[256], low[ESP_NUMBER_TEXT], high[ESP_NUMBER_TEXT], text[2 * ESP_NUMBER_TEXT + 8];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(pointer, sizeof pointer, format, arguments);
    va_end(arguments);
    const cJSON *interval = esp_data_find(report->data, pointer);
    double from = esp_data_number(interval, "/0"), to = esp_data_number(interval, "/1");
    esp_number_fn words = esp_report_performance_text(dense);
    snprintf(text, sizeof text, "%s to %s", words(from, low), words(to, high));
    esp_page_cell(report->page, isnan(from) || isnan(to) ? "" : text);
}

static void add_card(esp_report *report, const char *label, esp_number_fn text, const char *pointer,
                     const char *remark, bool bad)
{
    char words[ESP_NUMBER_TEXT];
    double value = esp_data_number(report->data, pointer);
    if (!isnan(value))
        esp_page_card(report->page, label, &(esp_quantity){text(value, words), pointer, value, bad}, remark);
}

void esp_report_card(esp_report *report, const char *label, esp_number_fn text, const char *pointer,
                     const char *remark)
{
    add_card(report, label, text, pointer, remark, false);
}

void esp_report_bad_card(esp_report *report, const char *label, esp_number_fn text, const char *pointer,
                         const char *remark)
{
    add_card(report, label, text, pointer, remark, true);
}

void esp_report_fact(esp_report *report, const char *label, const char *pointer)
{
    const char *text = esp_data_text(report->data, pointer);
    if (text) esp_page_fact(report->page, label, text);
}

void esp_report_origin(esp_report *report, const char *pointer, const char *otherwise)
{
    const char *command = esp_data_text(report->data, pointer);
    esp_page_section(report->page, "Where it comes from");
    if (command) esp_page_code(report->page, command);
    else         esp_page_note(report->page, otherwise);
}

void esp_report_asked(esp_report *report, const char *pointer)
{
    static const struct { const char *key, *label; } facts[] = {
        {"task", "task"}, {"start", "start"}, {"controller", "controller"}, {"data", "data"}, {"method", "method"},
        {"importance", "importance"}, {"groups", "groups"}, {"compensation", "compensation"},
        {"version", "made with espalier"},
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        char place[256];
        snprintf(place, sizeof place, "%s/%s", pointer, facts[i].key);
        esp_report_fact(report, facts[i].label, place);
    }
}

void esp_report_folded(esp_report *report, const char *summary, const char *pointer)
{
    const cJSON *json = esp_data_find(report->data, pointer);
    if (!json) return;
    char *text = esp_json_pretty(json);
    esp_page_folded(report->page, summary, text);
    free(text);
}
