/* Search: what all methods share - the table in which they are found, and the promise about
 * sparsity. A method is one file and one row. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/methods_internal.h"
#include "search/run_internal.h"

#define NEGLIGIBLE 1e-9 /* performances up to this count as zero, in any application */

/* ---- the table ---- */

#define NLOPT_KEYS "samples|levels|finalists"

const esp_search_method esp_search_methods[] = {
    {"gd", "the paper's gradient descent by central differences",
     "lambda|rate|momentum|difference|iterations|finalists", esp_search_gd},
    {"grid", "the paper's grid: all points that meet the target, or a sample", "grid|samples|finalists",
     esp_search_grid},
    {"sensitivity", "each group alone at some levels, then a knapsack", "levels|finalists", esp_search_sensitivity},
    {"evolve", "moves units between groups; better ones play more", "generations|levels|finalists",
     esp_search_evolve},
    {"magnitude", "the same coefficient for every group (baseline)", NULL, esp_search_magnitude},
    {"global", "one ranking of all units over all groups (baseline)", NULL, esp_search_global},
    {"lamp", "the same, scores normalised within each axis (baseline)", NULL, esp_search_lamp},
    {"random", "best of search.draws random directions (baseline)", "draws|finalists", esp_search_random},
    {"nlopt:cobyla", "NLopt: linear models in a trust region", NLOPT_KEYS, esp_search_nlopt},
    {"nlopt:bobyqa", "NLopt: quadratic models in a trust region", NLOPT_KEYS, esp_search_nlopt},
    {"nlopt:crs2", "NLopt: controlled random search, local mutation", NLOPT_KEYS, esp_search_nlopt},
    {"nlopt:isres", "NLopt: evolution strategy, stochastic ranking", NLOPT_KEYS, esp_search_nlopt},
    {"nlopt:direct", "NLopt: dividing rectangles", NLOPT_KEYS, esp_search_nlopt},
    {NULL, NULL, NULL, NULL},
};

const esp_search_method *esp_search_find(const char *name)
{
    return esp_row_find(esp_search_methods, sizeof *esp_search_methods, name);
}

bool esp_search_reads(const esp_search_method *method, const char *path)
{
    const char *key = strchr(path, '.');
    return method->keys && key && esp_choice_index(method->keys, key + 1) >= 0;
}

/* ---- used by the methods ---- */

bool esp_search_feasible(const esp_search_run *run, const esp_widths *widths)
{
    return esp_target_met(run->levels, &run->config->target, widths);
}

double esp_search_best(const esp_search_run *run)
{
    return run->num_finalists > 0 ? run->finalist[0].performance : NAN;
}

esp_status esp_search_judge(esp_search_run *run, int n, const esp_widths *widths, double *performance)
{
    double *scores = performance ? performance : esp_alloc((size_t)n + 1, sizeof *scores);
    esp_status status = esp_objective_evaluate(run->objective, n, widths, 1, scores);
    for (int i = 0; i < n && status == ESP_OK; i++) esp_search_offer(run, &widths[i], scores[i]);
    if (!performance) free(scores);
    return status;
}

double esp_search_scale(const esp_search_run *run)
{
    double scale = fabs(run->result.baseline);
    return scale > NEGLIGIBLE ? scale : 1;
}

void esp_search_stage(const esp_search_run *run, double done, double span, double total)
{
    double share = 1 - esp_finalists_share(run->config);
    esp_objective_stage(run->objective, share * done / total, share * span / total);
}

/* ---- a search from start to finish ---- */

static void describe(esp_search_run *run)
{
    const esp_objective_config *settings = run->settings;
    esp_search_result *result = &run->result;
    for (int g = 0; g < settings->grouping->num; g++)
        result->coefficient[g] = esp_group_fraction(settings->net, &settings->grouping->group[g], &result->widths);
    result->structural = esp_structural_sparsity(settings->net, &result->widths, settings->grouping->components);
    result->nominal = esp_nominal_sparsity(settings->net, settings->grouping, &result->widths);
    result->evaluations = esp_objective_evaluations(run->objective);
}

static esp_status check_target(const esp_search_run *run)
{
    if (esp_search_feasible(run, &run->result.widths)) return ESP_OK;
    const esp_target *target = &run->config->target;
    double sparsity = esp_constrained_sparsity(run->settings->net, run->settings->grouping, &run->result.widths);
    return esp_fail(ESP_ERR_INFEASIBLE, "search method '%s' ended at sparsity %.3f, expected %.3f +- %.3f",
                    run->method->name, sparsity, target->sparsity, target->tolerance);
}

/* When the uncut network has no performance to lose, every cut looks as good as any other. */
static void check_baseline(esp_search_run *run)
{
    run->result.judged = fabs(run->result.baseline) > NEGLIGIBLE;
    if (run->result.judged) return;
    esp_log(ESP_LOG_WARNING, "the uncut network's own performance is %.3g, so this search cannot judge its cuts: the "
                             "result depends on importance alone. Train the network first, or check the start, "
                             "reward and scene with which it is judged", run->result.baseline);
}

static esp_status run_method(esp_search_run *run)
{
    const esp_widths full = esp_widths_full(run->settings->net);
    esp_objective_stage(run->objective, 0, 0);
    esp_status status = esp_objective_evaluate(run->objective, 1, &full, 1, &run->result.baseline);
    if (status == ESP_OK) check_baseline(run);
    esp_finalists_reserve(run);
    if (status == ESP_OK) status = run->method->search(run);
    esp_objective_reserve(run->objective, 0);
    if (status == ESP_OK && run->num_finalists == 0) status = esp_search_judge(run, 1, &run->result.widths, NULL);
    if (status == ESP_OK && run->num_finalists > 0) status = esp_finalists_judge(run);
    return status == ESP_OK ? check_target(run) : status;
}

esp_status esp_search(esp_objective *objective, const esp_search_method *method,
                      const esp_search_config *config, esp_search_result *result)
{
    const double equal[ESP_MAX_AXES] = {0};
    esp_search_run run = {.objective = objective, .settings = esp_objective_settings(objective),
                          .levels = esp_objective_levels(objective), .config = config, .method = method,
                          .result = {.performance = NAN, .scale = 1}};
    esp_status status = esp_search_config_check(config);
    if (status == ESP_OK)
        /* Is the target reachable at all? */
        status = esp_project(run.levels, &config->target, equal, &run.result.widths);
    if (status == ESP_OK) status = run_method(&run);
    if (status != ESP_OK) return status;
    describe(&run);
    char count[64];
    esp_progress("prune", 1, 1, "%s", esp_text_counted(run.result.evaluations, "evaluation", count, sizeof count));
    *result = run.result;
    return ESP_OK;
}
