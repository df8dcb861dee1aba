/* The charts of a search: objective, performance and sparsity of every cut that it tried. Cuts at the target, which may
 * become the result, are told from those beside it, which only show the way. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages/pages_internal.h"

/* ---- kinds of evaluations ---- */

/* The uncut network is none of them: it is a reference line. */
typedef enum { BESIDE, AT_TARGET, AGAIN, KINDS } kind;

/* Values of one kind of evaluations, as a series; NAN elsewhere. */
typedef struct {
    double *value[KINDS]; /* [count] each, owned */
    int     points[KINDS];
    bool    has_target;
} split;

static kind kind_of(const esp_evaluations *e, int i, double target, double tolerance)
{
    if (e->scale[i] != 1) return AGAIN;
    return fabs(e->sparsity[i] - target) <= tolerance + 1e-12 ? AT_TARGET : BESIDE;
}

static bool is_uncut(const esp_evaluations *e, int i)
{
    return e->sparsity[i] == 0;
}

static split split_values(esp_report *report, const esp_evaluations *e, const double *values)
{
    const cJSON *asked = esp_report_question(report->data);
    double target = esp_json_number(asked, "target_sparsity"), tolerance = esp_json_number(asked, "tolerance");
    split s = {.has_target = isfinite(target)};
    for (int k = 0; k < KINDS; k++) s.value[k] = esp_alloc((size_t)e->count, sizeof *s.value[k]);
    for (int i = 0; i < e->count; i++) {
        kind k = kind_of(e, i, target, tolerance);
        for (int other = 0; other < KINDS; other++) s.value[other][i] = NAN;
        if (is_uncut(e, i) || !isfinite(values[i])) continue;
        s.value[k][i] = values[i];
        s.points[k]++;
    }
    return s;
}

static void free_split(split *s)
{
    for (int k = 0; k < KINDS; k++) free(s->value[k]);
}

/* Each kind looks the same in all charts, and the best so far has the colour of the text. */
static const int styles[] = {[BESIDE] = 4, [AT_TARGET] = 1, [AGAIN] = 2, [KINDS] = 7};

/* Adds the kinds that occur as series of markers; returns their number. */
static int add_kinds(const esp_evaluations *e, const split *s, esp_chart_series *series)
{
    const char *const names[] = {[BESIDE] = s->has_target ? "beside the target" : "evaluation",
                                 [AT_TARGET] = "at the target", [AGAIN] = "re-evaluated on more data"};
    int count = 0;
    for (int k = 0; k < KINDS; k++)
        if (s->points[k] > 0)
            series[count++] = (esp_chart_series){.name = names[k], .count = e->count, .x = e->number, .y = s->value[k],
                                                 .style = styles[k]};
    return count;
}

static bool any_finite(int count, const double *values)
{
    for (int i = 0; i < count; i++)
        if (isfinite(values[i])) return true;
    return false;
}

/* ---- the objective ---- */

/* How far J may be from its least value, relative to the performance term, before a linear axis flattens the rest. */
#define STEEP 20

/* J above its least value, for a logarithmic axis; the least itself stands on the lower edge. */
static void above_least(int count, const double *objective, double least, double edge, double *out)
{
    for (int i = 0; i < count; i++) out[i] = fmax(objective[i] - least, edge);
}

/* The least positive distance from the least value, halved: where the least itself is drawn. */
static double lower_edge(const esp_evaluations *e, double least)
{
    double edge = INFINITY;
    for (int i = 0; i < e->count; i++)
        if (e->objective[i] > least) edge = fmin(edge, e->objective[i] - least);
    return isfinite(edge) ? fmax(edge / 2, 1e-6) : 1;
}

static void extremes(const esp_evaluations *e, double *least, double *most)
{
    *least = INFINITY, *most = -INFINITY;
    for (int i = 0; i < e->count; i++) {
        if (!isfinite(e->objective[i])) continue;
        *least = fmin(*least, e->objective[i]);
        *most = fmax(*most, e->objective[i]);
    }
}

static esp_status chart_objective(esp_report *report, const esp_evaluations *e, const double *values,
                                  const double *best, bool log, double least)
{
    char label[64] = "J, less is better", caption[512];
    split kinds = split_values(report, e, values);
    esp_chart_series series[KINDS + 1];
    esp_chart_reference rounds[ESP_ROUND_MARKS];
    int points = add_kinds(e, &kinds, series);
    series[points] = (esp_chart_series){.name = "least so far", .count = e->count, .x = e->number, .y = best,
                                        .style = styles[KINDS]};
    if (log) esp_format(label, sizeof label, "J above its least, %s%.4g", least < 0 ? "\u2212" : "", fabs(least));
    snprintf(caption, sizeof caption, "J(c) = \u2212P(c) / |P(0)| + \u03bb (\u03c1(c) \u2212 \u03c1*)\u00b2, with "
             "performance P, sparsity \u03c1 and its target \u03c1*: far from the target the second term dominates, "
             "at the target the first.%s",
             log ? " The least value stands on the lower edge of the logarithmic axis." : "");
    esp_chart chart = {.kind = ESP_CHART_LINES, .title = "Objective", .x = {.label = "evaluation"},
                       .y = {.label = label, .log = log}, .num_series = points + 1, .series = series,
                       .num_scattered = points, .num_references = esp_round_marks(e, rounds), .references = rounds};
    esp_status status = esp_page_chart(report->page, &chart, caption);
    free_split(&kinds);
    return status;
}

static esp_status draw_objective(esp_report *report, const esp_evaluations *e)
{
    if (!any_finite(e->count, e->objective)) return ESP_OK;
    double least, most;
    extremes(e, &least, &most);
    if (most - least <= STEEP) return chart_objective(report, e, e->objective, e->best, false, least);
    double edge = lower_edge(e, least);
    double *values = esp_alloc((size_t)e->count, sizeof *values), *best = esp_alloc((size_t)e->count, sizeof *best);
    above_least(e->count, e->objective, least, edge, values);
    above_least(e->count, e->best, least, edge, best);
    for (int i = 0; i < e->count; i++) {
        if (isnan(e->objective[i])) values[i] = NAN;
        if (isnan(e->best[i])) best[i] = NAN;
    }
    esp_status status = chart_objective(report, e, values, best, true, least);
    free(values);
    free(best);
    return status;
}

/* ---- performance and sparsity ---- */

/* The uncut network at the first fidelity and, where it was judged, at the last: a cut is to be compared with the one
 * that was judged on as much data. */
static int uncut_references(const esp_evaluations *e, esp_chart_reference out[2])
{
    int count = 1, again = -1;
    for (int i = 0; i < e->count; i++)
        if (is_uncut(e, i) && e->scale[i] > (again < 0 ? 1 : e->scale[again])) again = i;
    out[0] = (esp_chart_reference){.at = e->performance[0], .label = "uncut"};
    if (again >= 0) out[count++] = (esp_chart_reference){.at = e->performance[again], .label = "uncut, more data"};
    return count;
}

static esp_status draw_performance(esp_report *report, const esp_evaluations *e)
{
    split kinds = split_values(report, e, e->performance);
    esp_chart_series series[KINDS + 1];
    esp_chart_reference lines[2 + ESP_ROUND_MARKS];
    int uncut = uncut_references(e, lines), rounds = esp_round_marks(e, lines + uncut);
    int points = add_kinds(e, &kinds, series);
    series[points] = (esp_chart_series){.name = "best so far at the target", .count = e->count, .x = e->number,
                                        .y = e->feasible, .style = styles[KINDS]};
    esp_chart chart = {.kind = ESP_CHART_LINES, .title = "Performance of the cuts tried", .x = {.label = "evaluation"},
                       .y = {.label = esp_report_measure(report)}, .series = series, .num_scattered = points,
                       .num_series = points + any_finite(e->count, e->feasible),
                       .num_references = uncut + rounds, .references = lines};
    esp_status status = esp_page_chart(report->page, &chart, "Each point is one cut of the network, judged on the "
                                       "episodes or images of the search. The best few are re-evaluated on more of "
                                       "them, so that luck does not decide the result; the uncut network is, too.");
    free_split(&kinds);
    return status;
}

static esp_status draw_sparsity(esp_report *report, const esp_evaluations *e, const char *asked)
{
    double *percent = esp_alloc((size_t)e->count, sizeof *percent);
    for (int i = 0; i < e->count; i++) percent[i] = 100 * e->sparsity[i];
    char pointer[64];
    snprintf(pointer, sizeof pointer, "%s/target_sparsity", asked);
    double target = esp_data_number(report->data, pointer);
    split kinds = split_values(report, e, percent);
    esp_chart_series series[KINDS];
    int points = add_kinds(e, &kinds, series);
    esp_chart_reference lines[1 + ESP_ROUND_MARKS] = {{.at = 100 * target, .label = "target"}};
    int wanted = isfinite(target), rounds = esp_round_marks(e, lines + wanted);
    esp_chart chart = {.kind = ESP_CHART_LINES, .title = "Sparsity of the cuts tried", .x = {.label = "evaluation"},
                       .y = {.label = "parameters removed (%)"}, .num_series = points, .series = series,
                       .num_scattered = points, .num_references = wanted + rounds, .references = lines};
    esp_status status = ESP_OK;
    if (points > 0) status = esp_page_chart(report->page, &chart, "Exact, computed from the widths alone.");
    free_split(&kinds);
    free(percent);
    return status;
}

/* ---- all ---- */

/* "48 cuts were judged, 4 of them on more data; counted by length that is 57 evaluations." */
static void describe(esp_report *report, const esp_evaluations *e)
{
    char text[320], judged[64], counted[64], drawn[ESP_NUMBER_TEXT];
    int longer = 0;
    for (int i = 0; i < e->count; i++) longer += e->scale[i] > 1;
    esp_text_counted(e->all, "network", judged, sizeof judged);
    esp_text_counted(e->cost, "evaluation", counted, sizeof counted);
    if (longer > 0)
        snprintf(text, sizeof text, "The journal holds %s that were judged, %d of them on more data; counted by length "
                 "they are %s.", judged, longer, counted);
    else
        snprintf(text, sizeof text, "The journal holds %s.", counted);
    esp_page_text(report->page, text);
    if (e->count == e->all) return;
    snprintf(text, sizeof text, "Of them, %s are drawn: the best and the worst of each part of the journal.",
             esp_text_count(e->count, drawn));
    esp_page_note(report->page, text);
}

esp_status esp_report_search_charts(esp_report *report, const esp_evaluations *e, const char *asked)
{
    esp_page_section(report->page, "The search");
    if (e->count == 0) {
        esp_page_note(report->page, "Nothing has been evaluated yet.");
        return ESP_OK;
    }
    describe(report, e);
    esp_status status = draw_objective(report, e);
    if (status == ESP_OK) status = draw_performance(report, e);
    return status == ESP_OK ? draw_sparsity(report, e, asked) : status;
}
