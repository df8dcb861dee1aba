/* search.*: every key of a search with its range and its default. Target and tolerance are options of `prune`,
 * because they differ from search to search. */
#include <stddef.h>

#include "search/search.h"

#define KEY_DOUBLE(name, low, high, help) \
    {"search." #name, ESP_DOUBLE, offsetof(esp_search_config, name), low, high, NULL, help}

#define KEY_INT(name, low, high, help) \
    {"search." #name, ESP_INT, offsetof(esp_search_config, name), low, high, NULL, help}

const esp_field esp_search_fields[] = {
    KEY_DOUBLE(lambda, 1e-9, 1e12, "weight of the quadratic sparsity penalty (gd)"),
    KEY_DOUBLE(rate, 1e-9, 1e3, "coefficient per slope of relative performance (gd)"),
    KEY_DOUBLE(momentum, 0, 0.999, "share of the last move that is repeated (gd)"),
    KEY_DOUBLE(difference, 1e-6, ESP_MAX_COEFFICIENT, "half-width of a central difference, at least one unit (gd)"),
    KEY_INT(iterations, 1, 100000, "most steps of the descent (gd)"),
    KEY_INT(generations, 1, 100000, "most generations (evolve)"),
    KEY_INT(draws, 1, 100000, "random directions, the best of which is the result (random)"),
    KEY_INT(grid, 2, 1000, "points of each coefficient from 0 to 0.95 (grid)"),
    KEY_INT(samples, 1, 1e7, "most cuts evaluated: drawn uniformly from the grid (grid) or tried (nlopt)"),
    KEY_INT(levels, 1, ESP_CURVE_LEVELS, "cuts of each group alone (sensitivity)"),
    KEY_INT(finalists, 1, ESP_MAX_FINALISTS,
            "best points re-evaluated with 4 and 16 times the episodes or images; 1: none"),
};
const int esp_search_num_fields = sizeof esp_search_fields / sizeof *esp_search_fields;

esp_search_config esp_search_config_default(void)
{
    return (esp_search_config){.target = {0.2, 0.01}, .lambda = 1e4, .rate = 0.05, .momentum = 0.5,
                               .difference = 0.05, .iterations = 40, .generations = 40, .draws = 40, .grid = 10,
                               .samples = 1000, .levels = 8, .finalists = 6, .seed = 1};
}

esp_status esp_search_config_check(const esp_search_config *config)
{
    const esp_target *target = &config->target;
    if (!(target->sparsity >= 0 && target->sparsity < 1))
        return esp_fail(ESP_ERR_RANGE, "target sparsity: %g, expected 0 <= sparsity < 1", target->sparsity);
    if (!(target->tolerance >= 0 && target->tolerance < 1))
        return esp_fail(ESP_ERR_RANGE, "tolerance: %g, expected 0 <= tolerance < 1", target->tolerance);
    return esp_config_check(esp_search_fields, esp_search_num_fields, "search", config);
}
