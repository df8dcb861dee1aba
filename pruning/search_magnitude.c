/* The baseline that practice starts from: every group loses the same fraction of its units, and
 * importance alone decides which. */
#include "pruning/pruning_internal.h"

esp_status esp_search_magnitude(esp_objective *objective, const esp_search_config *config, esp_search_result *result)
{
    const double equal[ESP_MAX_AXES] = {0};
    result->iterations = 1;
    return esp_search_project(objective, config, equal, &result->widths);
}
