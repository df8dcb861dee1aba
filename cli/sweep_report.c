/* What a sweep leaves to look at: results.csv, performance over sparsity (Fig. 4 of the paper),
 * performance over parameters, and the coefficients that were found. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sweep.h"
#include "report/report.h"

#define PICTURE_ZOOM 2

static double number(const cJSON *cell, const char *key)
{
    const cJSON *item = cell ? cJSON_GetObjectItemCaseSensitive(cell, key) : NULL;
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

/* ---- results.csv ---- */

static const char *const columns[] = {
    "way", "method", "importance", "groups", "target_sparsity", "seed", "structural_sparsity", "nominal_sparsity",
    "performance_before", "performance_after", "search_performance", "evaluations", "wall_s", "params_after",
    "flops_after", "error"};
enum { NUM_COLUMNS = sizeof columns / sizeof *columns };

/* Sentences may hold commas and quotes. */
static void write_text(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"') putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void write_value(FILE *out, const cJSON *item)
{
    if (cJSON_IsNumber(item)) fprintf(out, "%.10g", item->valuedouble);
    else if (cJSON_IsString(item)) write_text(out, item->valuestring);
}

/* The groups of the first cell that has any; all cells of a sweep have the same. */
static const cJSON *find_groups(const esp_sweep *sweep)
{
    const cJSON *cell, *groups = NULL;
    cJSON_ArrayForEach(cell, sweep->results)
        if (!groups) groups = cJSON_GetObjectItemCaseSensitive(cell, "coefficients");
    return groups;
}

static void write_rows(FILE *out, const esp_sweep *sweep)
{
    const cJSON *groups = find_groups(sweep), *group, *cell;
    for (int i = 0; i < NUM_COLUMNS; i++) fprintf(out, "%s%s", i ? "," : "", columns[i]);
    cJSON_ArrayForEach(group, groups) fprintf(out, ",c:%s", group->string);
    putc('\n', out);
    cJSON_ArrayForEach(cell, sweep->results) {
        for (int i = 0; i < NUM_COLUMNS; i++) {
            if (i) putc(',', out);
            write_value(out, cJSON_GetObjectItemCaseSensitive(cell, columns[i]));
        }
        const cJSON *coefficients = cJSON_GetObjectItemCaseSensitive(cell, "coefficients");
        cJSON_ArrayForEach(group, groups) {
            putc(',', out);
            write_value(out, cJSON_GetObjectItemCaseSensitive(coefficients, group->string));
        }
        putc('\n', out);
    }
}

static esp_status write_csv(const esp_sweep *sweep)
{
    char *text = NULL, *path = esp_path_join(sweep->folder, "results.csv");
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    esp_status status = out ? ESP_OK : esp_fail(ESP_ERR_MACHINE, "no memory for %s", path);
    if (out) {
        write_rows(out, sweep);
        fclose(out);
        status = esp_file_write(path, text, size);
    }
    free(text);
    free(path);
    return status;
}

/* ---- pictures ---- */

/* One way over the sparsities, from the dense network on; the mean over the seeds with its interval. */
enum { CURVE_POINTS = ESP_SWEEP_LIST + 1 };
typedef struct {
    int    count;
    double sparsity[CURVE_POINTS], params[CURVE_POINTS];
    double performance[CURVE_POINTS], low[CURVE_POINTS], high[CURVE_POINTS];
} curve;

static void take_interval(const cJSON *cell, const char *key, double *low, double *high)
{
    const cJSON *interval = cJSON_GetObjectItemCaseSensitive(cell, key);
    const cJSON *first = cJSON_GetArrayItem(interval, 0), *last = cJSON_GetArrayItem(interval, 1);
    if (!cJSON_IsNumber(first) || !cJSON_IsNumber(last)) return;
    *low = first->valuedouble;
    *high = last->valuedouble;
}

/* One seed has the interval of its episodes, several that of their means. way NULL: the dense network. */
static void add_point(const esp_sweep *sweep, const esp_subject *subject, const esp_sweep_way *way, double sparsity,
                      curve *out)
{
    const char *suffix = way ? "after" : "before";
    double values[1000], params = 0;
    int count = 0, i = out->count;
    char key[64], interval[64];
    const cJSON *last = NULL;
    snprintf(key, sizeof key, "performance_%s", suffix);
    snprintf(interval, sizeof interval, "performance_%s_ci95", suffix);
    for (int s = 0; s < sweep->num_seeds; s++) {
        const cJSON *cell = esp_sweep_find(sweep, way, sparsity, subject->options->seed + (uint64_t)s);
        if (isnan(number(cell, key))) continue;
        values[count++] = number(cell, key);
        params += number(cell, way ? "params_after" : "params_before");
        last = cell;
    }
    if (count == 0) return;
    esp_summary summary = esp_summarise(count, values, subject->options->seed);
    out->sparsity[i] = 100 * sparsity;
    out->params[i] = params / count;
    out->performance[i] = summary.mean;
    out->low[i] = count > 1 ? summary.low : NAN;
    out->high[i] = count > 1 ? summary.high : NAN;
    if (count == 1) take_interval(last, interval, &out->low[i], &out->high[i]);
    out->count++;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void make_curves(const esp_sweep *sweep, const esp_subject *subject, curve *curves, curve *dense)
{
    double sparsity[ESP_SWEEP_LIST];
    for (int i = 0; i < sweep->num_sparsities; i++) sparsity[i] = sweep->sparsity[i];
    qsort(sparsity, (size_t)sweep->num_sparsities, sizeof *sparsity, compare_doubles);
    add_point(sweep, subject, NULL, 0, dense);
    for (int w = 0; w < sweep->num_ways; w++) {
        curves[w] = *dense;
        for (int i = 0; i < sweep->num_sparsities; i++)
            add_point(sweep, subject, &sweep->way[w], sparsity[i], &curves[w]);
    }
}

static esp_status draw(const esp_sweep *sweep, const char *name, const esp_chart *chart)
{
    char file[64], *svg = NULL;
    snprintf(file, sizeof file, "%s.svg", name);
    char *svg_path = esp_path_join(sweep->folder, file);
    snprintf(file, sizeof file, "%s.png", name);
    char *png_path = esp_path_join(sweep->folder, file);
    esp_status status = esp_chart_svg(chart, &svg);
    if (status == ESP_OK) status = esp_file_write(svg_path, svg, strlen(svg));
    if (status == ESP_OK) status = esp_svg_draw(svg, PICTURE_ZOOM, png_path);
    if (status == ESP_ERR_MACHINE) { /* the SVG is there */
        esp_log(ESP_LOG_WARNING, "%s", esp_error_text());
        status = ESP_OK;
    }
    free(svg);
    free(svg_path);
    free(png_path);
    return status;
}

/* Fig. 4: what is left of the performance as sparsity rises. */
static esp_status draw_degradation(const esp_sweep *sweep, const esp_subject *subject, const curve *curves,
                                   const curve *dense)
{
    esp_chart_series series[ESP_SWEEP_LIST];
    for (int w = 0; w < sweep->num_ways; w++)
        series[w] = (esp_chart_series){.name = sweep->way[w].name, .count = curves[w].count, .x = curves[w].sparsity,
                                       .y = curves[w].performance, .low = curves[w].low, .high = curves[w].high};
    esp_chart_reference references[] = {{.at = dense->performance[0], .label = "dense"},
                                        {.vertical = true, .at = 20, .label = "20 %"}};
    esp_chart chart = {.kind = ESP_CHART_LINES, .title = "Performance after pruning",
                       .x = {.label = "parameters removed (%)", .low = 0, .high = 100},
                       .y = {.label = subject->application->measure_name},
                       .num_series = sweep->num_ways, .series = series, .num_references = 2, .references = references};
    return draw(sweep, "performance", &chart);
}

static esp_status draw_pareto(const esp_sweep *sweep, const esp_subject *subject, const curve *curves,
                              const curve *dense)
{
    esp_chart_series series[ESP_SWEEP_LIST + 1];
    for (int w = 0; w < sweep->num_ways; w++)
        series[w] = (esp_chart_series){.name = sweep->way[w].name, .count = curves[w].count - 1,
                                       .x = curves[w].params + 1, .y = curves[w].performance + 1};
    series[sweep->num_ways] = (esp_chart_series){.name = "dense", .count = dense->count, .x = dense->params,
                                                 .y = dense->performance};
    esp_chart chart = {.kind = ESP_CHART_POINTS, .title = "Performance and size", .x = {.label = "parameters"},
                       .y = {.label = subject->application->measure_name}, .num_series = sweep->num_ways + 1,
                       .series = series, .frontier = true};
    return draw(sweep, "pareto", &chart);
}

/* Which groups gave how much, at the sparsity that is nearest to the paper's 20 %: a colour a method. The
 * coefficients of `magnitude` are all the same. */
static esp_status draw_coefficients(const esp_sweep *sweep, const esp_subject *subject)
{
    double values[ESP_SWEEP_LIST][ESP_MAX_AXES], sparsity = sweep->sparsity[0];
    const char *groups[ESP_MAX_AXES];
    esp_chart_series series[ESP_SWEEP_LIST];
    char title[64];
    int num_series = 0, num_groups = 0;
    for (int i = 1; i < sweep->num_sparsities; i++)
        if (fabs(sweep->sparsity[i] - 0.2) < fabs(sparsity - 0.2)) sparsity = sweep->sparsity[i];
    for (int w = 0; w < sweep->num_ways; w++) {
        const cJSON *cell = esp_sweep_find(sweep, &sweep->way[w], sparsity, subject->options->seed), *group;
        const cJSON *coefficients = cJSON_GetObjectItemCaseSensitive(cell, "coefficients");
        if (!coefficients || strcmp(sweep->way[w].method->name, "magnitude") == 0) continue;
        num_groups = 0;
        cJSON_ArrayForEach(group, coefficients) {
            groups[num_groups] = group->string;
            values[num_series][num_groups++] = group->valuedouble;
        }
        series[num_series] =
            (esp_chart_series){.name = sweep->way[w].name, .count = num_groups, .y = values[num_series]};
        num_series++;
    }
    if (num_series == 0) return ESP_OK;
    snprintf(title, sizeof title, "Coefficients of the groups at %g %% sparsity", 100 * sparsity);
    esp_chart chart = {.kind = ESP_CHART_BARS, .title = title,
                       .y = {.label = "share of units removed", .low = 0, .high = 1},
                       .num_series = num_series, .series = series, .num_categories = num_groups, .categories = groups,
                       .width = 960};
    return draw(sweep, "coefficients", &chart);
}

esp_status esp_sweep_report(const esp_sweep *sweep, const esp_subject *subject)
{
    curve *curves = esp_alloc((size_t)sweep->num_ways, sizeof *curves), dense = {.count = 0};
    make_curves(sweep, subject, curves, &dense);
    esp_status status = write_csv(sweep);
    if (status == ESP_OK) status = draw_degradation(sweep, subject, curves, &dense);
    if (status == ESP_OK) status = draw_pareto(sweep, subject, curves, &dense);
    if (status == ESP_OK) status = draw_coefficients(sweep, subject);
    free(curves);
    return status;
}

/* ---- on the terminal ---- */

static void print_table(const esp_sweep *sweep, const esp_subject *subject)
{
    esp_table *table = esp_table_create("lrrrrrr");
    esp_table_row(table, "method|seed|target|sparsity|%s|parameters|evaluations", subject->application->measure_name);
    esp_table_rule(table);
    const cJSON *cell;
    cJSON_ArrayForEach(cell, sweep->results) {
        const char *way = cJSON_GetObjectItemCaseSensitive(cell, "way")->valuestring;
        double target = number(cell, "target_sparsity");
        bool is_dense = isnan(target);
        double performance = number(cell, is_dense ? "performance_before" : "performance_after");
        char params[ESP_NUMBER_TEXT];
        esp_table_row(table, "%s|%.0f", way, number(cell, "seed"));
        if (is_dense) esp_table_cell(table, "|");
        else if (isnan(performance)) esp_table_cell(table, "%g|can't be reached", target);
        else esp_table_cell(table, "%g|%.3f", target, number(cell, "structural_sparsity"));
        if (isnan(performance)) continue;
        esp_text_count(number(cell, is_dense ? "params_before" : "params_after"), params);
        esp_table_cell(table, "%.5g|%s", performance, params);
        if (!is_dense) esp_table_cell(table, "%.0f", number(cell, "evaluations"));
    }
    esp_table_print(table);
    printf("\nresults.jsonl, results.csv and pictures are in %s\n", sweep->folder);
}

void esp_sweep_print(const esp_sweep *sweep, const esp_subject *subject)
{
    if (!subject->options->json) {
        print_table(sweep, subject);
        return;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", subject->application->name);
    cJSON_AddStringToObject(json, "directory", sweep->folder);
    cJSON_AddItemToObject(json, "cells", cJSON_Duplicate(sweep->results, true));
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}
