/* The cheap search: each group alone at a few levels, then the cuts with the least loss predicted
 * by these curves. */
#include "search/methods_internal.h"
#include "search/run_internal.h"
#include "search/starts_internal.h"

/* A budget too small for one level of every group leaves the equal cut. */
esp_status esp_search_sensitivity(esp_search_run *run)
{
    int levels = esp_curves_affordable(run, esp_objective_left(run->objective)), num = 0;
    esp_curve curves[ESP_MAX_AXES];
    esp_widths widths[ESP_CURVE_CANDIDATES];
    run->result.iterations = 1;
    if (levels < 1)
        esp_log(ESP_LOG_WARNING, "a budget of %d evaluations is too small for sensitivity, which takes at least one "
                "per group: every group loses the same fraction", run->settings->budget);
    if (levels < 1) return ESP_OK;
    esp_search_stage(run, 0, 0.95, 1);
    esp_status status = esp_curves_make(run, levels, curves);
    esp_search_stage(run, 0.95, 0.05, 1);
    if (status == ESP_OK) status = esp_curves_candidates(run, curves, &num, widths);
    return status == ESP_OK ? esp_search_judge(run, num, widths, NULL) : status;
}
