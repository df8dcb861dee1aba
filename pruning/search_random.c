/* The baseline of chance: coefficients drawn uniformly, scaled to the target sparsity, the best
 * draw kept. With one iteration it is the paper's random pruning. */
#include <math.h>

#include "pruning/pruning_internal.h"

enum { DRAWS_AT_ONCE = 16 };

/* Draw number `index` is the same whatever was drawn before it. */
static esp_status draw(const esp_objective *objective, const esp_search_config *config, int index, esp_widths *widths)
{
    double direction[ESP_MAX_AXES];
    esp_rng rng = esp_rng_make(config->seed, ESP_RNG_SEARCH, (uint64_t)index);
    for (int g = 0; g < esp_objective_settings(objective)->grouping->num; g++) direction[g] = esp_rng_uniform(&rng);
    return esp_search_project(objective, config, direction, widths);
}

static esp_status evaluate_draws(esp_objective *objective, const esp_search_config *config, int first, int count,
                                 esp_search_result *result)
{
    esp_widths widths[DRAWS_AT_ONCE] = {{{0}}};
    double performance[DRAWS_AT_ONCE];
    int drawn = 0;
    for (int i = first; i < first + count; i++)
        if (draw(objective, config, i, &widths[drawn]) == ESP_OK) drawn++; /* else: this direction is too coarse */
    esp_status status = esp_objective_evaluate(objective, drawn, widths, performance);
    for (int i = 0; i < drawn && status == ESP_OK; i++)
        esp_search_offer(objective, config, &widths[i], performance[i], result);
    return status;
}

esp_status esp_search_random(esp_objective *objective, const esp_search_config *config, esp_search_result *result)
{
    esp_status status = ESP_OK;
    int done = 0;
    while (done < config->iterations && status == ESP_OK && esp_objective_left(objective) > 0) {
        int count = config->iterations - done < DRAWS_AT_ONCE ? config->iterations - done : DRAWS_AT_ONCE;
        esp_objective_stage(objective, done, count, config->iterations);
        status = evaluate_draws(objective, config, done, count, result);
        done += count;
    }
    result->iterations = done;
    return status;
}
