/* The objective: performance by width vector and scale. Coefficients are real but units are whole, so many
 * coefficients mean the same cut; each cut is evaluated once and remembered here and in the journal. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/journal_internal.h"
#include "search/run_internal.h"

/* Default number of cuts handed to the application together: enough for every core, and few enough that a kill loses
 * little and that the progress bar moves. */
enum { EVALUATIONS_AT_ONCE = 16 };

typedef struct {
    esp_widths widths;
    int        scale;
    double     performance;
    bool       asked;        /* asked for by this run; false: only known from the journal */
} record;

struct esp_objective {
    esp_objective_config config;
    esp_journal *journal;    /* NULL: no journal is kept */
    int     known;           /* records that the journal already held */
    int     num_records, capacity;
    int     spent;           /* part of the budget: sum of the scales of all evaluations asked for */
    int     reserve;         /* part of the budget that the present evaluations may not use */
    record *records;         /* in the order of evaluation; those of the journal first */
    double  done, span;      /* progress of the search, of 1, and how far the next evaluations bring it */
    esp_levels levels;
};

/* ---- memory of evaluations ---- */

/* A plain scan: a search makes a few thousand evaluations at most, and each takes far longer. */
static record *find(const esp_objective *objective, const esp_widths *widths, int scale)
{
    for (int i = 0; i < objective->num_records; i++) {
        record *r = &objective->records[i];
        if (r->scale == scale && esp_widths_equal(objective->config.net, &r->widths, widths)) return r;
    }
    return NULL;
}

static void add(esp_objective *objective, const esp_widths *widths, int scale, double performance, bool asked)
{
    if (objective->num_records == objective->capacity) {
        int capacity = objective->capacity ? 2 * objective->capacity : 256;
        record *larger = esp_alloc((size_t)capacity, sizeof *larger);
        if (objective->records) memcpy(larger, objective->records, (size_t)objective->num_records * sizeof *larger);
        free(objective->records);
        objective->records = larger;
        objective->capacity = capacity;
    }
    objective->records[objective->num_records++] = (record){*widths, scale, performance, asked};
}

static void take_from_journal(void *context, const esp_widths *widths, int scale, double performance)
{
    esp_objective *objective = context;
    if (!find(objective, widths, scale)) add(objective, widths, scale, performance, false);
}

/* ---- create ---- */

esp_status esp_objective_create(const esp_objective_config *config, esp_objective **out)
{
    if (config->budget < 0 || config->budget == 1)
        return esp_fail(ESP_ERR_RANGE, "budget: %d evaluations, expected 0 (no limit) or at least 2: "
                        "the uncut network and one cut", config->budget);
    if (config->at_once < 0)
        return esp_fail(ESP_ERR_RANGE, "at_once: %d evaluations, expected 0 (%d) or at least 1", config->at_once,
                        EVALUATIONS_AT_ONCE);
    esp_objective *objective = esp_alloc(1, sizeof *objective);
    objective->config = *config;
    if (config->at_once == 0) objective->config.at_once = EVALUATIONS_AT_ONCE;
    objective->config.identity = objective->config.about = NULL; /* read above, and not kept */
    esp_levels_make(config->net, config->grouping, &objective->levels);
    esp_status status = ESP_OK;
    if (config->journal) status = esp_journal_open(config, take_from_journal, objective, &objective->journal);
    if (objective->journal && esp_journal_makes_way(objective->journal)) objective->num_records = 0;
    objective->known = objective->num_records;
    objective->config.journal = NULL; /* opened here and not kept */
    if (status == ESP_OK) *out = objective;
    else                  esp_objective_free(objective);
    return status;
}

void esp_objective_free(esp_objective *objective)
{
    if (!objective) return;
    esp_levels_free(&objective->levels);
    esp_journal_close(objective->journal);
    free(objective->records);
    free(objective);
}

int esp_objective_known(const esp_objective *objective)
{
    return objective->known;
}

const cJSON *esp_objective_question(const esp_objective *objective)
{
    return objective->journal ? esp_journal_question(objective->journal) : NULL;
}

esp_status esp_objective_add_result(esp_objective *objective, const cJSON *result)
{
    return objective->journal ? esp_journal_add_result(objective->journal, result) : ESP_OK;
}

/* ---- evaluate ---- */

/* Counts the evaluations asked for and appends records for unknown ones; stops at the budget. */
static void admit(esp_objective *objective, int n, const esp_widths *widths, int scale)
{
    for (int i = 0; i < n && esp_objective_left(objective) >= scale; i++) {
        record *known = find(objective, &widths[i], scale);
        if (known && known->asked) continue;
        if (known) known->asked = true;
        else       add(objective, &widths[i], scale, NAN, true);
        objective->spent += scale;
    }
}

static esp_status run(const esp_objective *objective, int n, const record *records, double *performance)
{
    const esp_objective_config *config = &objective->config;
    esp_cut *cuts = esp_alloc((size_t)n, sizeof *cuts);
    for (int i = 0; i < n; i++) esp_cut_make(config->net, config->ranking, &records[i].widths, &cuts[i]);
    esp_status status = config->performance(config->context, n, cuts, records[0].scale, performance);
    for (int i = 0; i < n; i++) esp_cut_free(&cuts[i]);
    free(cuts);
    for (int i = 0; i < n && status == ESP_OK; i++)
        if (!isfinite(performance[i]))
            status = esp_fail(ESP_ERR_NUMERIC, "performance of a cut at sparsity %.3f is %g, expected a finite number",
                              esp_constrained_sparsity(config->net, config->grouping, &records[i].widths),
                              performance[i]);
    return status;
}

/* Evaluates n records of one scale, starting at `first`, and writes them to the journal. */
static esp_status evaluate_block(esp_objective *objective, int first, int n)
{
    esp_status status = esp_check_interrupt();
    if (status != ESP_OK) return status;
    record *records = &objective->records[first];
    double *performance = esp_alloc((size_t)n, sizeof *performance), start = esp_clock();
    status = run(objective, n, records, performance);
    double wall_s = (esp_clock() - start) / n;
    for (int i = 0; i < n && status == ESP_OK; i++) {
        esp_evaluation evaluation = {.widths = &records[i].widths, .scale = records[i].scale, .number = first + i + 1,
                                     .performance = performance[i], .wall_s = wall_s};
        if (objective->journal)
            status = esp_journal_append(objective->journal, &objective->config, &evaluation);
        if (status == ESP_OK) records[i].performance = performance[i];
    }
    free(performance);
    return status;
}

/* After a failure: evaluations that did not happen do not count against the budget. */
static void withdraw(esp_objective *objective, int first)
{
    while (objective->num_records > first && isnan(objective->records[objective->num_records - 1].performance)) {
        objective->num_records--;
        objective->spent -= objective->records[objective->num_records].scale;
    }
}

void esp_objective_stage(esp_objective *objective, double done, double span)
{
    objective->done = done;
    objective->span = span;
}

static void show_progress(const esp_objective *objective, int first, int at)
{
    double share = (double)(at - first) / (objective->num_records - first);
    const record *latest = &objective->records[at - 1];
    int evaluations = objective->spent - (objective->num_records - at) * latest->scale;
    char count[64];
    esp_progress("prune", objective->done + objective->span * share, 1, "%s, performance %.4g at sparsity %.3f",
                 esp_text_counted(evaluations, "evaluation", count, sizeof count), latest->performance,
                 esp_constrained_sparsity(objective->config.net, objective->config.grouping, &latest->widths));
}

esp_status esp_objective_evaluate(esp_objective *objective, int n, const esp_widths *widths, int scale,
                                  double *performance)
{
    int first = objective->num_records, at_once = objective->config.at_once;
    admit(objective, n, widths, scale);
    esp_status status = ESP_OK;
    for (int at = first; at < objective->num_records && status == ESP_OK;) {
        int left = objective->num_records - at, block = left < at_once ? left : at_once;
        status = evaluate_block(objective, at, block);
        at += block;
        if (status == ESP_OK) show_progress(objective, first, at);
    }
    if (status != ESP_OK) {
        withdraw(objective, first);
        return status;
    }
    for (int i = 0; i < n; i++) {
        const record *known = find(objective, &widths[i], scale);
        performance[i] = known && known->asked ? known->performance : NAN;
    }
    return ESP_OK;
}

int esp_objective_evaluations(const esp_objective *objective)
{
    return objective->spent;
}

int esp_objective_left(const esp_objective *objective)
{
    return objective->config.budget ? objective->config.budget - objective->reserve - objective->spent : INT_MAX;
}

const esp_levels *esp_objective_levels(const esp_objective *objective)
{
    return &objective->levels;
}

void esp_objective_reserve(esp_objective *objective, int evaluations)
{
    objective->reserve = evaluations;
}

const esp_objective_config *esp_objective_settings(const esp_objective *objective)
{
    return &objective->config;
}
