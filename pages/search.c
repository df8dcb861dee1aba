/* The page of a search: before and after, what it tried, what it removed from each group. Everything comes from its
 * journal; an unfinished search has a page as well. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages/pages_internal.h"

/* ---- numbers ---- */

/* Pointer to the JSON that describes the pruning. */
static const char *place(const esp_report *report)
{
    return esp_data_find(report->data, "/result") ? "/result" : "/about";
}

static const char *measure_of(const esp_report *report)
{
    const esp_application *application = esp_report_application(report, place(report));
    return application ? application->measure_name : "performance";
}

static const char *last_stage(const esp_report *report)
{
    return esp_data_find(report->data, "/result/performance_finetuned") ? "finetuned" : "after";
}

/* "before: 847.9; 95 % interval 804.9 to 890.8" */
static void performance_remark(const esp_report *report, const char *stage, char *out, size_t size)
{
    char pointer[2][64], before[ESP_NUMBER_TEXT];
    esp_text_performance(esp_data_number(report->data, "/result/performance_before"), before);
    for (int i = 0; i < 2; i++)
        snprintf(pointer[i], sizeof pointer[i], "/result/performance_%s_ci95/%d", stage, i);
    double low = esp_data_number(report->data, pointer[0]), high = esp_data_number(report->data, pointer[1]);
    snprintf(out, size, "before: %s", before);
    if (isfinite(low) && isfinite(high))
        snprintf(out + strlen(out), size - strlen(out), "; 95\u00a0%% interval %.1f to %.1f", low, high);
}

static void ratio_card(esp_report *report, const char *label, const char *key, esp_number_fn text)
{
    char before[64], after[64], remark[128], words[ESP_NUMBER_TEXT];
    snprintf(before, sizeof before, "/result/%s_before", key);
    snprintf(after, sizeof after, "/result/%s_after", key);
    double ratio = esp_data_number(report->data, after) / esp_data_number(report->data, before);
    esp_format(remark, sizeof remark, "%.1f\u00a0%% of %s", 100 * ratio,
               text(esp_data_number(report->data, before), words));
    esp_report_card(report, label, text, after, isfinite(ratio) ? remark : NULL);
}

static void add_cards(esp_report *report)
{
    const esp_application *application = esp_report_application(report, "/result");
    const char *action = application ? application->action_name : "action", *stage = last_stage(report);
    char pointer[64], remark[256], label[64], key[64];
    const char *constraint = esp_data_text(report->data, "/result/constraint");
    snprintf(remark, sizeof remark, "of the parameters in use; target: %g\u00a0%% %s",
             100 * esp_data_number(report->data, "/result/target_sparsity"), constraint ? constraint : "");
    esp_report_card(report, "removed", esp_text_percent, "/result/structural_sparsity", remark);
    snprintf(pointer, sizeof pointer, "/result/performance_%s", stage);
    performance_remark(report, stage, remark, sizeof remark);
    esp_report_card(report, measure_of(report), esp_text_performance, pointer, remark);
    ratio_card(report, "parameters", "params", esp_text_count);
    snprintf(label, sizeof label, "FLOPs per %s", action);
    ratio_card(report, label, "flops", esp_text_scaled);
    snprintf(label, sizeof label, "ms per %s", action);
    snprintf(key, sizeof key, "%s_ms", action);
    ratio_card(report, label, key, esp_text_short);
}

/* ---- charts ---- */

static bool any_finite(int count, const double *values)
{
    for (int i = 0; i < count; i++)
        if (isfinite(values[i])) return true;
    return false;
}

/* Values of the evaluations at the first fidelity, or at the others; in new memory. */
static double *pick(const esp_evaluations *e, bool first)
{
    double *values = esp_alloc((size_t)e->count, sizeof *values);
    for (int i = 0; i < e->count; i++) values[i] = (e->scale[i] == 1) == first ? e->performance[i] : NAN;
    return values;
}

static esp_status draw_performance(esp_report *report, const esp_evaluations *e)
{
    double *first = pick(e, true), *again = pick(e, false);
    esp_chart_series series[3] = {{.name = "evaluation", .count = e->count, .x = e->number, .y = first}};
    int points = 1;
    if (any_finite(e->count, again))
        series[points++] =
            (esp_chart_series){.name = "re-evaluated on more data", .count = e->count, .x = e->number, .y = again};
    series[points] =
        (esp_chart_series){.name = "best so far at the target", .count = e->count, .x = e->number, .y = e->feasible};
    esp_chart_reference uncut = {.at = e->performance[0], .label = "uncut"};
    esp_chart chart = {.kind = ESP_CHART_LINES, .title = "Performance of the cuts tried", .x = {.label = "evaluation"},
                       .y = {.label = measure_of(report)}, .series = series, .num_scattered = points,
                       .num_series = points + any_finite(e->count, e->feasible), .num_references = 1,
                       .references = &uncut};
    esp_status status = esp_page_chart(report->page, &chart, "Each point is one cut of the network, judged on the "
                                       "episodes or images of the search; the first is the uncut network. The best few "
                                       "are re-evaluated on more of them, so that luck does not decide the result.");
    free(first);
    free(again);
    return status;
}

static esp_status draw_objective(esp_report *report, const esp_evaluations *e)
{
    if (!any_finite(e->count, e->objective)) return ESP_OK;
    esp_chart_series series[] = {{.name = "evaluation", .count = e->count, .x = e->number, .y = e->objective},
                                 {.name = "least so far", .count = e->count, .x = e->number, .y = e->best}};
    esp_chart chart = {.kind = ESP_CHART_LINES, .title = "Objective", .x = {.label = "evaluation"},
                       .y = {.label = "J, less is better"}, .num_series = 2, .series = series, .num_scattered = 1};
    return esp_page_chart(report->page, &chart, "J(c) = -P(c) / |P(0)| + \u03bb (\u03c1(c) - \u03c1*)\u00b2, with "
                          "performance P, sparsity \u03c1 and its target \u03c1*: far from the target the second term "
                          "dominates, at the target the first.");
}

static esp_status draw_sparsity(esp_report *report, const esp_evaluations *e)
{
    double *percent = esp_alloc((size_t)e->count, sizeof *percent);
    for (int i = 0; i < e->count; i++) percent[i] = 100 * e->sparsity[i];
    char pointer[64];
    snprintf(pointer, sizeof pointer, "%s/target_sparsity", place(report));
    double target = esp_data_number(report->data, pointer);
    esp_chart_series series = {.count = e->count, .x = e->number, .y = percent};
    esp_chart_reference wanted = {.at = 100 * target, .label = "target"};
    esp_chart chart = {.kind = ESP_CHART_LINES, .title = "Sparsity of the cuts tried", .x = {.label = "evaluation"},
                       .y = {.label = "parameters removed (%)", .low = 0, .high = isfinite(target) ? 110 * target : 1},
                       .num_series = 1, .series = &series, .num_scattered = 1, .num_references = isfinite(target),
                       .references = &wanted};
    esp_status status = ESP_OK;
    if (any_finite(e->count, percent))
        status = esp_page_chart(report->page, &chart, "Exact, computed from the widths alone.");
    free(percent);
    return status;
}

static esp_status add_charts(esp_report *report, const esp_evaluations *e)
{
    esp_page_section(report->page, "The search");
    if (e->count == 0) {
        esp_page_note(report->page, "Nothing has been evaluated yet.");
        return ESP_OK;
    }
    char note[160];
    snprintf(note, sizeof note, "Of %d evaluations, %d are drawn: the best and the worst of each part of the journal.",
             e->all, e->count);
    if (e->count < e->all) esp_page_note(report->page, note);
    esp_status status = draw_objective(report, e);
    if (status == ESP_OK) status = draw_performance(report, e);
    return status == ESP_OK ? draw_sparsity(report, e) : status;
}

/* ---- the network in action, origin ---- */

static void add_film(esp_report *report)
{
    const esp_application *application = esp_report_application(report, "/result");
    const char *before = esp_data_text(report->data, "/result/source"), *after = report->source->checkpoint;
    if (!after) after = esp_data_text(report->data, "/result/checkpoint");
    if (!application || !before || !after) return;
    double seed = esp_data_number(report->data, "/result/seed");
    esp_film_request request = {.application = application, .count = 2, .path = {before, after},
                                .name = {"the original network", "the pruned network"},
                                .asked = esp_data_find(report->data, "/result"),
                                .seed = seed >= 0 ? (uint64_t)seed : 1};
    esp_report_film(report, &request);
}

static void add_fact(esp_report *report, const char *label, const char *key)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, "%s/%s", place(report), key);
    esp_report_fact(report, label, pointer);
}

static void add_origin(esp_report *report)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, "%s/command", place(report));
    esp_report_origin(report, pointer, "The journal does not say which command wrote it.");
    add_fact(report, "network before", "source");
    add_fact(report, "pruned network", "checkpoint");
    esp_page_fact(report->page, "journal", report->source->journal);
    esp_report_asked(report, place(report));
    esp_report_folded(report, "all settings that decide an evaluation", "/identity");
}

/* ---- the page ---- */

static void start_page(esp_report *report, const esp_evaluations *e)
{
    char title[512], lead[512], pointer[64], evaluations[64];
    const cJSON *asked = esp_report_question(report->data);
    const char *source = esp_data_text(asked, "/source"), *method = esp_data_text(asked, "/method");
    const char *importance = esp_data_text(asked, "/importance"), *groups = esp_data_text(asked, "/groups");
    const char *controller = esp_data_text(asked, "/controller");
    snprintf(pointer, sizeof pointer, "%s/target_sparsity", place(report));
    double target = esp_data_number(report->data, pointer);
    if (source && isfinite(target))
        esp_format(title, sizeof title, "Pruning of %.300s to %g\u00a0%%", esp_path_name(source), 100 * target);
    else
        snprintf(title, sizeof title, "Search journal %.300s", esp_path_name(report->source->journal));
    esp_text_counted(e->all, "evaluation", evaluations, sizeof evaluations);
    if (method && importance && groups)
        snprintf(lead, sizeof lead, "method %s, importance %s, %s groups%s%s; %s in the journal", method,
                 importance, groups, controller ? ", controller " : "", controller ? controller : "", evaluations);
    else
        snprintf(lead, sizeof lead, "%s", evaluations);
    report->page = esp_page_create(title, lead);
    if (!esp_data_find(report->data, "/result"))
        esp_page_note(report->page, "The journal holds no result: the search was not finished, or was one of a sweep.");
    if (cJSON_IsFalse(esp_data_find(report->data, "/result/judged")))
        esp_page_note(report->page, "The uncut network's own performance is 0, so the search could not judge its "
                                    "cuts: the result depends on importance alone.");
}

static esp_status make_page(esp_report *report, const esp_evaluations *e)
{
    bool finished = esp_data_find(report->data, "/result");
    start_page(report, e);
    if (finished) {
        add_cards(report);
        esp_page_section(report->page, "Before and after");
        esp_report_stages(report, "/result");
        add_film(report);
        esp_page_section(report->page, "What was removed where");
    }
    esp_status status = finished ? esp_report_groups(report, "/result", "/result/grouping") : ESP_OK;
    if (status == ESP_OK) status = add_charts(report, e);
    if (status == ESP_OK) add_origin(report);
    return status;
}

esp_status esp_report_search(esp_report *report)
{
    esp_evaluations e = {.count = 0};
    esp_status status = esp_report_read_search(report, &e);
    if (status == ESP_OK) status = make_page(report, &e);
    esp_evaluations_free(&e);
    return status;
}
