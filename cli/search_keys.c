/* Every configuration key of a search. Target and tolerance are options of `prune`, because every
 * search has another one. */
#include "cli/cli.h"

#define KEY_DOUBLE(name, low, high, help) \
    {"search." #name, ESP_DOUBLE, offsetof(esp_search_config, name), low, high, NULL, help}

const esp_field esp_search_fields[] = {
    KEY_DOUBLE(lambda, 1e-9, 1e12, "weight of the quadratic sparsity penalty (gd)"),
    KEY_DOUBLE(rate, 1e-9, 1e3, "coefficient per slope of relative performance (gd)"),
    KEY_DOUBLE(momentum, 0, 0.999, "share of the last move that is repeated (gd)"),
    KEY_DOUBLE(difference, 1e-6, ESP_MAX_COEFFICIENT, "half-width of a central difference, at least one unit (gd)"),
    {"search.iterations", ESP_INT, offsetof(esp_search_config, iterations), 1, 100000, NULL,
     "iterations at most (gd); coefficient vectors drawn (random)"},
    {"search.finalists", ESP_INT, offsetof(esp_search_config, finalists), 1, ESP_MAX_FINALISTS, NULL,
     "best points judged again with 4 and 16 times the episodes or images; 1: none is"},
};
const int esp_search_num_fields = sizeof esp_search_fields / sizeof *esp_search_fields;
