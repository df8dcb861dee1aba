/* The charts of a sweep: performance over sparsity (Fig. 4 of the paper), performance over parameters, and
 * the coefficients that were found at each sparsity. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages/pages_internal.h"

/* ---- curves ---- */

/* The curve of one method over the sparsities, starting at the dense network: means over the seeds with their
 * intervals. */
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

/* With one seed the interval is that of its episodes, with several that of their means. way NULL: the dense
 * network. */
static void add_point(const esp_sweep *sweep, const esp_sweep_way *way, double sparsity, curve *out)
{
    double values[ESP_SWEEP_SEEDS], params = 0;
    int count = 0, i = out->count;
    char key[64], interval[64];
    const cJSON *last = NULL;
    for (int s = 0; s < sweep->num_seeds; s++) {
        const cJSON *cell = esp_sweep_find(sweep, way, sparsity, sweep->seed + (uint64_t)s);
        if (!cell) continue;
        snprintf(key, sizeof key, "performance_%s", esp_cell_stage(cell));
        if (isnan(esp_json_number(cell, key))) continue;
        values[count++] = esp_json_number(cell, key);
        params += esp_json_number(cell, way ? "params_after" : "params_before");
        last = cell;
    }
    if (count == 0) return;
    esp_summary summary = esp_summarise(count, values, sweep->seed);
    out->sparsity[i] = 100 * sparsity;
    out->params[i] = params / count;
    out->performance[i] = summary.mean;
    out->low[i] = count > 1 ? summary.low : NAN;
    out->high[i] = count > 1 ? summary.high : NAN;
    if (count == 1) snprintf(interval, sizeof interval, "performance_%s_ci95", esp_cell_stage(last));
    if (count == 1) take_interval(last, interval, &out->low[i], &out->high[i]);
    out->count++;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The sparsities in rising order. */
static void sort_sparsities(const esp_sweep *sweep, double sparsity[ESP_SWEEP_LIST])
{
    for (int i = 0; i < sweep->num_sparsities; i++) sparsity[i] = sweep->sparsity[i];
    qsort(sparsity, (size_t)sweep->num_sparsities, sizeof *sparsity, compare_doubles);
}

static void make_curves(const esp_sweep *sweep, const double *sparsity, curve *curves, curve *dense)
{
    add_point(sweep, NULL, 0, dense);
    for (int w = 0; w < sweep->num_ways; w++) {
        curves[w] = *dense;
        for (int i = 0; i < sweep->num_sparsities; i++)
            add_point(sweep, &sweep->way[w], sparsity[i], &curves[w]);
    }
}

/* ---- charts ---- */

/* Who receives the charts. */
typedef struct {
    esp_sweep_chart_fn take;
    void *context;
} taker;

/* Fig. 4: the performance left as sparsity rises. */
static esp_status draw_degradation(const esp_sweep *sweep, const curve *curves, const curve *dense, taker to)
{
    esp_chart_series series[ESP_SWEEP_LIST];
    for (int w = 0; w < sweep->num_ways; w++)
        series[w] = (esp_chart_series){.name = sweep->way[w].name, .count = curves[w].count, .x = curves[w].sparsity,
                                       .y = curves[w].performance, .low = curves[w].low, .high = curves[w].high};
    esp_chart_reference references[] = {{.at = dense->performance[0], .label = "dense"},
                                        {.vertical = true, .at = 20, .label = "the paper's 20\u00a0%"}};
    esp_chart chart = {.kind = ESP_CHART_LINES, .title = "Performance after pruning",
                       .x = {.label = "parameters removed (%)", .low = 0, .high = 100},
                       .y = {.label = sweep->measure_name},
                       .num_series = sweep->num_ways, .series = series, .num_references = 2, .references = references};
    return to.take(to.context, "performance", &chart);
}

/* Sizes that differ by a large factor crowd at the left of a linear axis. */
#define MANY_SIZES 8

static bool spans(const esp_sweep *sweep, const curve *curves)
{
    double least = INFINITY, most = 0;
    for (int w = 0; w < sweep->num_ways; w++)
        for (int i = 0; i < curves[w].count; i++) {
            least = fmin(least, curves[w].params[i]);
            most = fmax(most, curves[w].params[i]);
        }
    return most > MANY_SIZES * least;
}

static esp_status draw_pareto(const esp_sweep *sweep, const curve *curves, const curve *dense, taker to)
{
    esp_chart_series series[ESP_SWEEP_LIST + 1];
    for (int w = 0; w < sweep->num_ways; w++)
        series[w] = (esp_chart_series){.name = sweep->way[w].name, .count = curves[w].count - 1,
                                       .x = curves[w].params + 1, .y = curves[w].performance + 1};
    series[sweep->num_ways] = (esp_chart_series){.name = "dense", .count = dense->count, .x = dense->params,
                                                 .y = dense->performance};
    esp_chart chart = {.kind = ESP_CHART_POINTS, .title = "Performance and size",
                       .x = {.label = "parameters", .log = spans(sweep, curves)},
                       .y = {.label = sweep->measure_name}, .num_series = sweep->num_ways + 1,
                       .series = series, .frontier = true};
    return to.take(to.context, "pareto", &chart);
}

/* What a method removed from each group at a sparsity, one colour per method as in the other charts; false when there
 * is nothing to show. The coefficients of `magnitude` are all the same. */
static bool take_coefficients(const esp_sweep *sweep, int w, double sparsity, double values[ESP_MAX_AXES],
                              const char *groups[ESP_MAX_AXES], int *num_groups)
{
    const cJSON *cell = esp_sweep_find(sweep, &sweep->way[w], sparsity, sweep->seed), *group;
    const cJSON *coefficients = cJSON_GetObjectItemCaseSensitive(cell, "coefficients");
    if (!coefficients || strcmp(sweep->way[w].method->name, "magnitude") == 0) return false;
    *num_groups = 0;
    cJSON_ArrayForEach(group, coefficients) {
        groups[*num_groups] = group->string;
        values[(*num_groups)++] = group->valuedouble;
    }
    return true;
}

static esp_status draw_coefficients(const esp_sweep *sweep, double sparsity, taker to)
{
    double values[ESP_SWEEP_LIST][ESP_MAX_AXES];
    const char *groups[ESP_MAX_AXES];
    esp_chart_series series[ESP_SWEEP_LIST];
    char title[64], name[64];
    int num_series = 0, num_groups = 0;
    for (int w = 0; w < sweep->num_ways; w++) {
        if (!take_coefficients(sweep, w, sparsity, values[num_series], groups, &num_groups)) continue;
        series[num_series] = (esp_chart_series){.name = sweep->way[w].name, .count = num_groups,
                                                .y = values[num_series], .style = w + 1};
        num_series++;
    }
    if (num_series == 0) return ESP_OK;
    esp_format(title, sizeof title, "Coefficients of the groups at %g\u00a0%% sparsity", 100 * sparsity);
    esp_format(name, sizeof name, "coefficients-%g", 100 * sparsity);
    esp_chart chart = {.kind = ESP_CHART_BARS, .title = title,
                       .y = {.label = "share of units removed", .low = 0, .high = 1},
                       .num_series = num_series, .series = series, .num_categories = num_groups, .categories = groups,
                       .width = 960};
    return to.take(to.context, name, &chart);
}

esp_status esp_sweep_draw(const esp_sweep *sweep, esp_sweep_chart_fn take, void *context)
{
    taker to = {take, context};
    curve *curves = esp_alloc((size_t)sweep->num_ways + 1, sizeof *curves), dense = {.count = 0};
    double sparsity[ESP_SWEEP_LIST];
    sort_sparsities(sweep, sparsity);
    make_curves(sweep, sparsity, curves, &dense);
    esp_status status = draw_degradation(sweep, curves, &dense, to);
    if (status == ESP_OK) status = draw_pareto(sweep, curves, &dense, to);
    for (int i = 0; i < sweep->num_sparsities && status == ESP_OK; i++)
        status = draw_coefficients(sweep, sparsity[i], to);
    free(curves);
    return status;
}
