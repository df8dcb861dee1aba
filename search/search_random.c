/* The random baseline: coefficients are drawn uniformly and scaled to the target sparsity, and the
 * best draw is kept. With one draw it is the paper's random pruning. */
#include "search/methods_internal.h"
#include "search/run_internal.h"

enum { DRAWS_AT_ONCE = 16 };

/* Draw number `index` is the same whatever was drawn before. */
static esp_status draw(const esp_search_run *run, int index, esp_widths *widths)
{
    double direction[ESP_MAX_AXES];
    esp_rng rng = esp_rng_make(run->config->seed, ESP_RNG_SEARCH, (uint64_t)index);
    for (int g = 0; g < run->levels->num; g++) direction[g] = esp_rng_uniform(&rng);
    return esp_project(run->levels, &run->config->target, direction, widths);
}

static esp_status evaluate_draws(esp_search_run *run, int first, int count)
{
    esp_widths widths[DRAWS_AT_ONCE] = {{{0}}};
    int drawn = 0;
    for (int i = first; i < first + count; i++)
        if (draw(run, i, &widths[drawn]) == ESP_OK) drawn++; /* otherwise the direction is too coarse */
    return esp_search_judge(run, drawn, widths, NULL);
}

esp_status esp_search_random(esp_search_run *run)
{
    int total = run->config->draws, done = 0;
    esp_status status = ESP_OK;
    while (done < total && status == ESP_OK && esp_objective_left(run->objective) > 0) {
        int count = total - done < DRAWS_AT_ONCE ? total - done : DRAWS_AT_ONCE;
        esp_search_stage(run, done, count, total);
        status = evaluate_draws(run, done, count);
        done += count;
    }
    run->result.iterations = done;
    return status;
}
