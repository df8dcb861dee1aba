/* The page of a sweep: degradation curves, the frontier, coefficients, all cells in a table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pages/pages_internal.h"

/* ---- data ---- */

/* Copies the cells without the members that are equal in all of them. */
static void add_cells(esp_report *report, const esp_sweep *sweep)
{
    cJSON *cells = cJSON_Duplicate(sweep->results, true), *cell;
    cJSON_ArrayForEach(cell, cells) {
        cJSON *grouping = cJSON_DetachItemFromObjectCaseSensitive(cell, "grouping");
        if (grouping && !cJSON_HasObjectItem(report->data, "grouping"))
            cJSON_AddItemToObject(report->data, "grouping", grouping);
        else
            cJSON_Delete(grouping);
    }
    cJSON_AddItemToObject(report->data, "cells", cells);
}

static esp_status read_sweep(esp_report *report, esp_sweep *sweep)
{
    cJSON *question = NULL;
    char *path = esp_path_join(report->source->path, "sweep.json");
    report->data = cJSON_CreateObject();
    cJSON_AddStringToObject(report->data, "kind", "sweep");
    cJSON_AddStringToObject(report->data, "source", report->source->path);
    cJSON_AddStringToObject(report->data, "version", ESP_VERSION);
    esp_status status = esp_json_read(path, &question);
    if (status == ESP_OK) cJSON_AddItemToObject(report->data, "question", question);
    if (status == ESP_OK) status = esp_sweep_read(report->source->path, sweep);
    if (status == ESP_OK) add_cells(report, sweep);
    free(path);
    return status;
}

static const cJSON *cells_of(const esp_report *report)
{
    return cJSON_GetObjectItemCaseSensitive(report->data, "cells");
}

/* The first cell of the dense network. */
static int dense_cell(const esp_report *report)
{
    const cJSON *cell;
    int index = 0;
    cJSON_ArrayForEach(cell, cells_of(report)) {
        if (strcmp(esp_json_text(cell, "way"), "dense") == 0) return index;
        index++;
    }
    return -1;
}

static double dense_performance(const esp_report *report)
{
    const cJSON *cell = cJSON_GetArrayItem(cells_of(report), dense_cell(report));
    return esp_json_number(cell, "performance_before");
}

static const esp_application *application_of(const esp_report *report)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/cells/%d", dense_cell(report));
    return esp_report_application(report, pointer);
}

/* The smallest network that keeps enough of the performance, or -1. */
static int smallest_good(const esp_report *report)
{
    const esp_application *application = application_of(report);
    const cJSON *cell;
    int index = 0, found = -1;
    double dense = dense_performance(report), sparsest = -INFINITY;
    if (!application) return -1;
    cJSON_ArrayForEach(cell, cells_of(report)) {
        double sparsity = esp_json_number(cell, "structural_sparsity");
        char key[64];
        snprintf(key, sizeof key, "performance_%s", esp_cell_stage(cell));
        double kept = esp_application_kept(application, dense, esp_json_number(cell, key));
        if (kept >= ESP_KEPT_ENOUGH && sparsity > sparsest) {
            sparsest = sparsity;
            found = index;
        }
        index++;
    }
    return found;
}

/* ---- numbers ---- */

static void dense_card(esp_report *report, const esp_sweep *sweep, int dense)
{
    char label[64], pointer[64], remark[128];
    snprintf(pointer, sizeof pointer, "/cells/%d/performance_before_ci95/0", dense);
    double low = esp_data_number(report->data, pointer);
    snprintf(pointer, sizeof pointer, "/cells/%d/performance_before_ci95/1", dense);
    double high = esp_data_number(report->data, pointer);
    esp_format(remark, sizeof remark, "95\u00a0%% interval %.1f to %.1f", low, high);
    snprintf(label, sizeof label, "dense: %s", sweep->measure_name);
    snprintf(pointer, sizeof pointer, "/cells/%d/performance_before", dense);
    esp_report_card(report, label, esp_text_performance, pointer, isfinite(low) && isfinite(high) ? remark : NULL);
}

static void good_cards(esp_report *report, const esp_sweep *sweep, int good)
{
    char pointer[64], remark[256], params[ESP_NUMBER_TEXT], label[64];
    const cJSON *cell = cJSON_GetArrayItem(cells_of(report), good);
    snprintf(pointer, sizeof pointer, "/cells/%d/structural_sparsity", good);
    snprintf(remark, sizeof remark, "by %s; keeps at least %g\u00a0%% of the performance",
             esp_json_text(cell, "way"), 100 * ESP_KEPT_ENOUGH);
    esp_report_card(report, "can be removed", esp_text_percent, pointer, remark);
    snprintf(pointer, sizeof pointer, "/cells/%d/performance_%s", good, esp_cell_stage(cell));
    snprintf(label, sizeof label, "its %s", sweep->measure_name);
    esp_report_card(report, label, esp_text_performance, pointer, "on held-out data");
    snprintf(pointer, sizeof pointer, "/cells/%d/params_after", good);
    snprintf(remark, sizeof remark, "of %s", esp_text_count(esp_json_number(cell, "params_before"), params));
    esp_report_card(report, "its parameters", esp_text_count, pointer, remark);
}

/* Prunings whose search had no performance to compare with. */
static int count_blind(const esp_report *report)
{
    int count = 0;
    const cJSON *cell;
    cJSON_ArrayForEach(cell, cells_of(report)) count += cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(cell, "judged"));
    return count;
}

static void add_cards(esp_report *report, const esp_sweep *sweep)
{
    int good = smallest_good(report);
    dense_card(report, sweep, dense_cell(report));
    if (good >= 0) good_cards(report, sweep, good);
    else           esp_page_warning(report->page, "No cut kept 95\u00a0% of the performance.");
    int blind = count_blind(report);
    if (blind == 0) return;
    char note[256];
    snprintf(note, sizeof note, "In %d of the prunings below the search could not judge its cuts, because the uncut "
             "network's own performance was 0: these results depend on importance alone.", blind);
    esp_page_note(report->page, note);
}

/* ---- charts ---- */

/* Who takes the charts of a sweep. */
typedef struct {
    esp_report *report;
    int         coefficients; /* charts of coefficients so far; one caption is enough for them */
} taker;

static esp_status add_chart(void *context, const char *name, const esp_chart *chart)
{
    static const struct { const char *name, *caption; } captions[] = {
        {"performance", "Performance left as parameters are removed, on held-out data, with 95 % intervals: over "
                        "the episodes, or over the seeds when there are several. Compare Fig. 4 of the paper."},
        {"pareto", "Each point is a pruned network. At the corners of the staircase, no network of that size or less "
                   "is better."},
        {"coefficients-", "What each method removed from each group. The baseline that removes the same from all "
                          "groups is left out."},
    };
    taker *taker = context;
    for (size_t i = 0; i < sizeof captions / sizeof *captions; i++)
        if (strncmp(captions[i].name, name, strlen(captions[i].name)) == 0)
            return esp_page_chart(taker->report->page, chart,
                                  i == 2 && taker->coefficients++ > 0 ? NULL : captions[i].caption);
    return ESP_OK;
}

static esp_status add_groups(esp_report *report)
{
    char pointer[64], text[640], recipe[512];
    int good = smallest_good(report);
    const cJSON *cell = cJSON_GetArrayItem(cells_of(report), good);
    if (good < 0 || !cJSON_HasObjectItem(cell, "coefficients")) return ESP_OK;
    esp_page_section(report->page, "The smallest network that still does the job");
    esp_report_recipe(cell, 1, recipe, sizeof recipe);
    esp_format(text, sizeof text, "%g\u00a0%% sparsity: %s.", 100 * esp_json_number(cell, "target_sparsity"), recipe);
    esp_page_text(report->page, text);
    snprintf(pointer, sizeof pointer, "/cells/%d", good);
    return esp_report_groups(report, pointer, "/grouping");
}

/* ---- the table ---- */

static void add_row(esp_report *report, const cJSON *cell, int index)
{
    esp_page *page = report->page;
    const char *way = esp_json_text(cell, "way"), *application = esp_json_text(cell, "application");
    const esp_application *app = application ? esp_application_find(application) : NULL;
    bool dense = strcmp(way, "dense") == 0;
    esp_page_row(page);
    esp_page_cell(page, way);
    esp_report_cell(report, esp_text_percent, "/cells/%d/target_sparsity", index);
    esp_report_cell(report, esp_text_whole, "/cells/%d/seed", index);
    if (esp_json_text(cell, "error")) {
        esp_page_cell(page, "out of reach");
        for (int i = 0; i < 6; i++) esp_page_cell(page, "");
        return;
    }
    const char *suffix = dense ? "before" : "after";
    esp_report_cell(report, esp_text_percent, "/cells/%d/structural_sparsity", index);
    double performance = dense_performance(report);
    esp_report_performance(report, app, performance, "/cells/%d/performance_%s", index, esp_cell_stage(cell));
    esp_report_interval(report, performance, "/cells/%d/performance_%s_ci95", index, esp_cell_stage(cell));
    esp_report_cell(report, esp_text_count, "/cells/%d/params_%s", index, suffix);
    esp_report_cell(report, esp_text_scaled, "/cells/%d/flops_%s", index, suffix);
    esp_report_time(report, "/cells/%d/%s_ms_%s", index, app ? app->action_name : "action", suffix);
    esp_report_cell(report, esp_text_count, "/cells/%d/evaluations", index);
}

static void add_table(esp_report *report, const esp_sweep *sweep)
{
    char headings[256];
    const cJSON *cell;
    int index = 0;
    esp_page_section(report->page, "All cells");
    snprintf(headings, sizeof headings, "method|target|seed|removed|%s|95 %% interval|parameters|FLOPs|ms|evaluations",
             sweep->measure_name);
    esp_page_table(report->page, "One row per network; FLOPs and ms are per action or image. In red: less than "
                   "95\u00a0% of the performance of the dense network.", "lrrrrrrrrr", headings);
    cJSON_ArrayForEach(cell, cells_of(report)) add_row(report, cell, index++);
}

/* ---- where it comes from ---- */

/* Every command once, in order: a sweep may have grown in several runs. */
static void add_commands(esp_report *report)
{
    const cJSON *cell, *other;
    bool any = false;
    cJSON_ArrayForEach(cell, cells_of(report)) {
        const char *command = esp_json_text(cell, "command");
        bool known = !command;
        for (other = cells_of(report)->child; other != cell && !known; other = other->next)
            known = esp_json_text(other, "command") && strcmp(esp_json_text(other, "command"), command) == 0;
        if (!known) esp_page_code(report->page, command);
        any = any || command;
    }
    if (!any) esp_page_note(report->page, "The folder does not say which command made it.");
}

static const char *source_of(const esp_report *report)
{
    const cJSON *cell;
    cJSON_ArrayForEach(cell, cells_of(report))
        if (esp_json_text(cell, "source")) return esp_json_text(cell, "source");
    return NULL;
}

static void add_origin(esp_report *report)
{
    esp_page_section(report->page, "Where it comes from");
    add_commands(report);
    if (source_of(report)) esp_page_fact(report->page, "dense network", source_of(report));
    esp_page_fact(report->page, "sweep", report->source->path);
    esp_report_asked(report, "/question");
    esp_report_folded(report, "all settings", "/question");
}

/* A film of the dense network alone, since no pruned network is kept. It uses quick options: the
 * planner would take longer than the rest of the page. */
static void add_film(esp_report *report, const esp_sweep *sweep)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/cells/%d", dense_cell(report));
    if (!source_of(report)) return;
    esp_film_request request = {.application = esp_report_application(report, pointer), .count = 1,
                                .path = {source_of(report)}, .name = {"the dense network"},
                                .asked = esp_data_find(report->data, "/question"), .quick = true,
                                .seed = sweep->seed};
    esp_report_film(report, &request);
}

/* ---- the page ---- */

/* The importance of all cells, or NULL when they differ; then the names of the methods say which. */
static const char *common_importance(const esp_report *report)
{
    const char *common = NULL;
    const cJSON *cell;
    cJSON_ArrayForEach(cell, cells_of(report)) {
        const char *importance = esp_json_text(cell, "importance");
        if (importance && common && strcmp(importance, common) != 0) return NULL;
        if (importance) common = importance;
    }
    return common;
}

/* What all cells have in common. */
static void recipe_of(const esp_report *report, const esp_sweep *sweep, char *out, size_t size)
{
    cJSON *asked = cJSON_Duplicate(esp_data_find(report->data, "/question"), true);
    const char *importance = common_importance(report);
    if (importance) cJSON_AddStringToObject(asked, "importance", importance);
    cJSON_AddNumberToObject(asked, "seed", (double)sweep->seed);
    esp_report_recipe(asked, sweep->num_seeds, out, size);
    cJSON_Delete(asked);
}

static void start_page(esp_report *report, const esp_sweep *sweep)
{
    char title[512], lead[768], sizes[2][64], recipe[512];
    const char *source = source_of(report);
    snprintf(title, sizeof title, "Sweep of %s", esp_path_name(source ? source : report->source->path));
    esp_text_counted(cJSON_GetArraySize(cells_of(report)), "cell", sizes[0], sizeof *sizes);
    esp_text_counted(sweep->num_ways, "method", sizes[1], sizeof *sizes);
    recipe_of(report, sweep, recipe, sizeof recipe);
    snprintf(lead, sizeof lead, "%s: %s, %d sparsit%s; %s", sizes[0], sizes[1], sweep->num_sparsities,
             sweep->num_sparsities == 1 ? "y" : "ies", recipe);
    report->page = esp_page_create(title, lead);
}

static esp_status make_page(esp_report *report, const esp_sweep *sweep)
{
    start_page(report, sweep);
    add_cards(report, sweep);
    esp_page_section(report->page, "Performance, size, groups");
    taker taker = {.report = report};
    esp_status status = esp_sweep_draw(sweep, add_chart, &taker);
    if (status == ESP_OK) status = add_groups(report);
    if (status != ESP_OK) return status;
    add_film(report, sweep);
    add_table(report, sweep);
    add_origin(report);
    return ESP_OK;
}

esp_status esp_report_sweep(esp_report *report)
{
    esp_sweep sweep;
    esp_status status = read_sweep(report, &sweep);
    if (status != ESP_OK) return status;
    status = make_page(report, &sweep);
    esp_sweep_close(&sweep);
    return status;
}
