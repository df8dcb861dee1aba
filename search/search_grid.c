/* The paper's grid search (section IV-D): evenly spaced points for every coefficient; stage 1 keeps the combinations
 * that meet the target sparsity, stage 2 evaluates them.
 *
 * Stage 1 counts without enumerating (elimination.c), so 10^10 combinations are no more trouble than the 10^5 of the
 * paper. When more survive than may be evaluated, stage 2 takes a uniform sample. */
#include <math.h>
#include <stdlib.h>

#include "elimination/elimination.h"
#include "search/methods_internal.h"
#include "search/run_internal.h"

static int compare_ranks(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* `wanted` distinct numbers below `count`, ascending; all of them when there are not more. */
static double *draw_ranks(const esp_search_config *config, double count, int wanted)
{
    double *rank = esp_alloc((size_t)wanted + 1, sizeof *rank);
    esp_rng rng = esp_rng_make(config->seed, ESP_RNG_SEARCH, 0);
    for (int num = 0; num < wanted;) {
        for (int i = num; i < wanted; i++) rank[i] = wanted < count ? floor(esp_rng_uniform(&rng) * count) : i;
        qsort(rank, (size_t)wanted, sizeof *rank, compare_ranks);
        num = 0;
        for (int i = 0; i < wanted; i++)
            if (num == 0 || rank[i] != rank[num - 1]) rank[num++] = rank[i];
    }
    return rank;
}

static esp_status pick_all(esp_search_run *run, const esp_choices *choices, esp_elimination *elimination, int num,
                           const double *rank, esp_widths *widths)
{
    esp_status status = ESP_OK;
    for (int i = 0; i < num && status == ESP_OK; i++) {
        int choice[ESP_MAX_AXES];
        double coefficient[ESP_MAX_AXES];
        status = esp_elimination_pick(elimination, rank[i], choice);
        for (int g = 0; g < run->levels->num && status == ESP_OK; g++)
            coefficient[g] = choices->coefficient[g][choice[g]];
        if (status == ESP_OK) widths[i] = esp_widths_of(run->settings->net, run->settings->grouping, coefficient);
    }
    return status;
}

static esp_status evaluate_survivors(esp_search_run *run, const esp_choices *choices, esp_elimination *elimination)
{
    double survivors = run->result.survivors;
    int left = esp_objective_left(run->objective), most = left < run->config->samples ? left : run->config->samples;
    int num = survivors < most ? (int)survivors : most;
    if (num < 1) num = 1;
    double *rank = draw_ranks(run->config, survivors, num);
    esp_widths *widths = esp_alloc((size_t)num, sizeof *widths);
    esp_status status = pick_all(run, choices, elimination, num, rank, widths);
    for (int i = 0; i < num && status == ESP_OK; i++)
        if (esp_search_feasible(run, &widths[i])) run->result.widths = widths[i]; /* needed when the budget is spent */
    esp_search_stage(run, 0, 1, 1);
    if (status == ESP_OK) status = esp_search_judge(run, num, widths, NULL);
    free(widths);
    free(rank);
    return status;
}

static esp_status filter(esp_search_run *run, const esp_choices *choices, esp_elimination *elimination)
{
    const esp_target *target = &run->config->target;
    double nearest;
    run->result.combinations = 1;
    for (int g = 0; g < run->levels->num; g++) run->result.combinations *= choices->count[g];
    esp_status status = esp_elimination_count(elimination, target->sparsity, target->tolerance,
                                              &run->result.survivors, &nearest);
    if (status != ESP_OK) return status;
    esp_log(ESP_LOG_INFO, "grid: %.15g combinations, %.15g at sparsity %g +- %g", run->result.combinations,
            run->result.survivors, target->sparsity, target->tolerance);
    if (run->result.survivors > 0) return ESP_OK;
    return esp_fail(ESP_ERR_INFEASIBLE, "none of %.15g points of the grid has sparsity %g +- %g: the nearest is %.4f; "
                    "raise --tolerance or search.grid", run->result.combinations, target->sparsity, target->tolerance,
                    nearest);
}

esp_status esp_search_grid(esp_search_run *run)
{
    esp_choices choices;
    esp_elimination *elimination = NULL;
    const esp_objective_config *settings = run->settings;
    esp_choices_make(run->levels, settings->grouping, run->config->grid, &choices);
    esp_status status = esp_elimination_create(settings->net, settings->grouping, &choices, ESP_COUNT, &elimination);
    if (status == ESP_OK) status = filter(run, &choices, elimination);
    if (status == ESP_OK) status = evaluate_survivors(run, &choices, elimination);
    run->result.iterations = 1;
    esp_elimination_free(elimination);
    esp_choices_free(&choices);
    return status;
}
