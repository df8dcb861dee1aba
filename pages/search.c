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

const char *esp_report_measure(const esp_report *report)
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

static void add_time_card(esp_report *report, const char *action)
{
    char label[64], pointer[64], before[64], remark[96], words[ESP_NUMBER_TEXT], text[ESP_NUMBER_TEXT];
    snprintf(label, sizeof label, "ms per %s", action);
    snprintf(before, sizeof before, "/result/%s_ms_before", action);
    snprintf(pointer, sizeof pointer, "/result/%s_ms_after", action);
    double ms = esp_data_number(report->data, pointer), ratio = ms / esp_data_number(report->data, before);
    if (isnan(ms)) return;
    esp_format(remark, sizeof remark, "%.0f\u00a0%% of %s", 100 * ratio, esp_report_time_text(report, before, words));
    esp_page_card(report->page, label,
                  &(esp_quantity){esp_report_time_text(report, pointer, text), pointer, ms, false},
                  isfinite(ratio) ? remark : NULL);
}

/* The share that is kept from the worst start; NAN: the journal does not say. */
static double kept_share(const esp_report *report)
{
    return esp_data_number(report->data, "/result/kept_share");
}

/* Whether what is left in the end is too little. */
static bool result_is_bad(const esp_report *report)
{
    char pointer[64];
    if (!isnan(kept_share(report))) return kept_share(report) < ESP_KEPT_ENOUGH;
    snprintf(pointer, sizeof pointer, "/result/performance_%s", last_stage(report));
    return esp_report_is_bad(esp_report_application(report, "/result"),
                             esp_data_number(report->data, "/result/performance_before"),
                             esp_data_number(report->data, pointer));
}

static void add_cards(esp_report *report)
{
    const esp_application *application = esp_report_application(report, "/result");
    const char *action = application ? application->action_name : "action", *stage = last_stage(report);
    char pointer[64], remark[256], label[64];
    const char *constraint = esp_data_text(report->data, "/result/constraint");
    snprintf(remark, sizeof remark, "of the parameters in use; target: %g\u00a0%% %s",
             100 * esp_data_number(report->data, "/result/target_sparsity"), constraint ? constraint : "");
    esp_report_card(report, "removed", esp_text_percent, "/result/structural_sparsity", remark);
    snprintf(pointer, sizeof pointer, "/result/performance_%s", stage);
    performance_remark(report, stage, remark, sizeof remark);
    esp_number_fn text = esp_report_performance_text(esp_data_number(report->data, "/result/performance_before"));
    if (result_is_bad(report)) esp_report_bad_card(report, esp_report_measure(report), text, pointer, remark);
    else                       esp_report_card(report, esp_report_measure(report), text, pointer, remark);
    ratio_card(report, "parameters", "params", esp_text_count);
    snprintf(label, sizeof label, "FLOPs per %s", action);
    ratio_card(report, label, "flops", esp_text_scaled);
    add_time_card(report, action);
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

/* As `prune` counts them: longer evaluations count as several. */
static double num_evaluations(const esp_report *report, const esp_evaluations *e)
{
    double counted = esp_data_number(report->data, "/result/evaluations");
    return isnan(counted) ? e->cost : counted;
}

static void start_page(esp_report *report, const esp_evaluations *e)
{
    char title[512], lead[768], pointer[64], evaluations[64], recipe[512];
    const cJSON *asked = esp_report_question(report->data);
    const char *source = esp_data_text(asked, "/source");
    snprintf(pointer, sizeof pointer, "%s/target_sparsity", place(report));
    double target = esp_data_number(report->data, pointer);
    if (source && isfinite(target))
        esp_format(title, sizeof title, "Pruning of %.300s to %g\u00a0%%", esp_path_name(source), 100 * target);
    else
        snprintf(title, sizeof title, "Search journal %.300s", esp_path_name(report->source->journal));
    esp_report_recipe(asked, 1, recipe, sizeof recipe);
    esp_text_counted(num_evaluations(report, e), "evaluation", evaluations, sizeof evaluations);
    snprintf(lead, sizeof lead, "%s%s%s", recipe, *recipe ? "; " : "", evaluations);
    report->page = esp_page_create(title, lead);
}

/* What a reader must know before the numbers. */
static void add_notes(esp_report *report)
{
    char note[256];
    if (!esp_data_find(report->data, "/result"))
        esp_page_note(report->page, "The journal holds no result: the search was not finished, or was one of a sweep.");
    if (cJSON_IsFalse(esp_data_find(report->data, "/result/judged")))
        esp_page_note(report->page, "The uncut network's own performance is 0, so the search could not judge its "
                                    "cuts: the result depends on importance alone.");
    if (!result_is_bad(report)) return;
    const esp_application *application = esp_report_application(report, "/result");
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/result/performance_%s", last_stage(report));
    double before = esp_data_number(report->data, "/result/performance_before");
    double after = esp_data_number(report->data, pointer);
    snprintf(pointer, sizeof pointer, "/result/paired_%s", last_stage(report));
    bool several = cJSON_GetArraySize(esp_data_find(report->data, pointer)) > 1;
    if (application->decibels)
        esp_format(note, sizeof note, "The pruned network is %.2f dB worse than the one it was made from.",
                   before - after);
    else
        esp_format(note, sizeof note, "The pruned network has only %.1f\u00a0%% of the %s of the one it was made "
                   "from%s.", 100 * (several ? kept_share(report) : esp_application_kept(application, before, after)),
                   application->measure_name, several ? ", from the start where it loses most" : "");
    esp_page_warning(report->page, note);
}

static esp_status make_page(esp_report *report, const esp_evaluations *e)
{
    bool finished = esp_data_find(report->data, "/result");
    start_page(report, e);
    add_notes(report);
    if (finished) {
        add_cards(report);
        esp_page_section(report->page, "Before and after");
        esp_report_stages(report, "/result");
        esp_report_paired(report, "/result", last_stage(report));
        esp_report_rounds(report, "/result");
        add_film(report);
        esp_page_section(report->page, "What was removed where");
    }
    esp_status status = finished ? esp_report_groups(report, "/result", "/result/grouping") : ESP_OK;
    if (status == ESP_OK) status = esp_report_search_charts(report, e, place(report));
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
