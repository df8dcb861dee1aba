/* One pruning in numbers: the network before and after, one column per stage, as `prune` prints
 * it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pages/pages_internal.h"

const esp_application *esp_report_application(const esp_report *report, const char *pointer)
{
    char place[256];
    snprintf(place, sizeof place, "%s/application", pointer);
    const char *name = esp_data_text(report->data, place);
    return name ? esp_application_find(name) : NULL;
}

typedef struct {
    esp_report *report;
    const char *pointer;
    int count, stage[ESP_PRUNED_STAGES];
} stages;

static double number_at(const stages *s, const char *key, int stage)
{
    char place[256];
    snprintf(place, sizeof place, "%s/%s_%s", s->pointer, key, esp_prune_stage_names[stage]);
    return esp_data_number(s->report->data, place);
}

/* Intervals of the performance, which episodes have. */
static void add_intervals(const stages *s, double dense)
{
    esp_page_row(s->report->page);
    esp_page_cell(s->report->page, "95 % interval");
    for (int i = 0; i < s->count; i++)
        esp_report_interval(s->report, dense, "%s/performance_%s_ci95", s->pointer, esp_prune_stage_names[s->stage[i]]);
    esp_page_cell(s->report->page, "");
}

/* Compensation and finetuning do not change sizes, so sizes are given before and after the cut
 * only. */
static int stage_of(const stages *s, int column, bool size)
{
    return size && s->stage[column] != ESP_BEFORE ? ESP_AFTER : s->stage[column];
}

/* The performance, in red when too little is left in the end. At last the share that is left, or of decibels the
 * difference. */
static void add_performance(const stages *s, const esp_application *app, const char *name)
{
    char text[ESP_NUMBER_TEXT], pointer[256];
    double before = number_at(s, "performance", ESP_BEFORE), last = number_at(s, "performance", s->stage[s->count - 1]);
    esp_page_row(s->report->page);
    esp_page_cell(s->report->page, name);
    for (int i = 0; i < s->count; i++)
        esp_report_performance(s->report, i == s->count - 1 ? app : NULL, before, "%s/performance_%s", s->pointer,
                               esp_prune_stage_names[s->stage[i]]);
    if (app && app->decibels) esp_format(text, sizeof text, "%+.2f dB", last - before);
    else if (before > 0)      esp_text_percent(last / before, text);
    else                      *text = 0;
    esp_page_number(s->report->page, &(esp_quantity){.text = text, .bad = esp_report_is_bad(app, before, last)});
    snprintf(pointer, sizeof pointer, "%s/performance_before_ci95", s->pointer);
    if (esp_data_find(s->report->data, pointer)) add_intervals(s, before);
}

/* The last column, for values that pruning changes: the share of the first that is left in the
 * end. */
static void add_ratio(const stages *s, const char *key, bool wanted, bool size)
{
    char text[ESP_NUMBER_TEXT];
    double before = number_at(s, key, ESP_BEFORE), last = number_at(s, key, stage_of(s, s->count - 1, size));
    bool known = wanted && before > 0 && !isnan(last);
    esp_page_cell(s->report->page, known ? esp_text_percent(last / before, text) : "");
}

/* Cells of "KEY_before", "KEY_after" ...; no row when the first is missing. */
static void add_row(const stages *s, const char *name, const char *key, esp_number_fn text, bool ratio, bool size)
{
    if (isnan(number_at(s, key, ESP_BEFORE))) return;
    esp_page_row(s->report->page);
    esp_page_cell(s->report->page, name);
    for (int i = 0; i < s->count; i++)
        esp_report_cell(s->report, text, "%s/%s_%s", s->pointer, key, esp_prune_stage_names[stage_of(s, i, size)]);
    add_ratio(s, key, ratio, size);
}

/* A figure that the application compares; no row when it was not measured, as in some tasks. */
static void add_compared(const stages *s, const esp_compared *c)
{
    if (c->kind == ESP_FIGURE_SHARE || c->error) {
        add_row(s, c->label, c->key, c->error ? esp_text_error : esp_text_percent, c->error, false);
        return;
    }
    char place[256], label[128];
    if (isnan(number_at(s, c->key, ESP_BEFORE))) return;
    snprintf(place, sizeof place, "%s/%s_unit", s->pointer, c->key);
    const char *unit = c->task_unit ? esp_data_text(s->report->data, place) : NULL;
    snprintf(label, sizeof label, "%s%s%s", c->label, unit ? ", " : "", unit ? unit : "");
    esp_page_row(s->report->page);
    esp_page_cell(s->report->page, label);
    for (int i = 0; i < s->count; i++)
        esp_report_number(s->report, c->decimals, false, "%s/%s_%s", s->pointer, c->key,
                          esp_prune_stage_names[s->stage[i]]);
    esp_page_cell(s->report->page, "");
}

static void add_times(const stages *s, const char *action)
{
    char name[64], key[64], text[ESP_NUMBER_TEXT] = "";
    snprintf(name, sizeof name, "ms per %s", action);
    snprintf(key, sizeof key, "%s_ms", action);
    double before = number_at(s, key, ESP_BEFORE), after = number_at(s, key, ESP_AFTER);
    if (isnan(before)) return;
    esp_page_row(s->report->page);
    esp_page_cell(s->report->page, name);
    for (int i = 0; i < s->count; i++)
        esp_report_time(s->report, "%s/%s_%s", s->pointer, key, esp_prune_stage_names[stage_of(s, i, true)]);
    if (before > 0 && !isnan(after)) esp_format(text, sizeof text, "%.0f %%", 100 * after / before);
    esp_page_cell(s->report->page, text);
}

void esp_report_stages(esp_report *report, const char *pointer)
{
    static const char *const alignment[] = {"lrr", "lrrr", "lrrrr", "lrrrrr"};
    const esp_application *app = esp_report_application(report, pointer);
    const char *measure = app ? app->measure_name : "performance", *action = app ? app->action_name : "action";
    stages s = {.report = report, .pointer = pointer};
    char headings[128] = "", name[64];
    for (int i = 0; i < ESP_PRUNED_STAGES; i++) {
        if (isnan(number_at(&s, "performance", i))) continue;
        s.stage[s.count++] = i;
        snprintf(headings + strlen(headings), sizeof headings - strlen(headings), "|%s", esp_prune_stage_names[i]);
    }
    if (s.count == 0) return;
    snprintf(headings + strlen(headings), sizeof headings - strlen(headings), "|%s / before",
             esp_prune_stage_names[s.stage[s.count - 1]]);
    esp_page_table(report->page, "On held-out data, which the search never saw.", alignment[s.count - 1], headings);
    add_performance(&s, app, measure);
    for (const esp_compared *c = app ? app->compared : NULL; c && c->key; c++)
        add_compared(&s, c);
    add_row(&s, "parameters", "params", esp_text_count, true, true);
    add_row(&s, "file, bytes", "size_bytes", esp_text_count, true, true);
    snprintf(name, sizeof name, "FLOPs per %s", action);
    add_row(&s, name, "flops", esp_text_scaled, true, true);
    add_times(&s, action);
}
