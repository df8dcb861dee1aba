/* Every configuration key of a search. Target and tolerance are options of `prune`, because every
 * search has another one. */
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
    KEY_INT(iterations, 1, 100000, "iterations at most (gd), generations (evolve), draws (random), tens of evaluations "
            "(nlopt)"),
    KEY_INT(grid, 2, 1000, "points of each coefficient from 0 to 0.95 (grid)"),
    KEY_INT(samples, 1, 1e7, "combinations of the grid evaluated at most, drawn uniformly (grid)"),
    KEY_INT(levels, 1, 64, "cuts of each group alone (sensitivity)"),
    KEY_INT(finalists, 1, ESP_MAX_FINALISTS,
            "best points judged again with 4 and 16 times the episodes or images; 1: none is"),
};
const int esp_search_num_fields = sizeof esp_search_fields / sizeof *esp_search_fields;
