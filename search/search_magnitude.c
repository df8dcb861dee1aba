/* The usual baseline of practitioners: every group loses the same fraction of its units, and
 * importance alone decides which. */
#include "search/methods_internal.h"
#include "search/run_internal.h"

esp_status esp_search_magnitude(esp_search_run *run)
{
    const double equal[ESP_MAX_AXES] = {0};
    run->result.iterations = 1;
    return esp_project(run->levels, &run->config->target, equal, &run->result.widths);
}
