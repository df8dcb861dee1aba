/* Starts: feasible cuts of good quality, from which methods that move on the feasible set begin. The equal cut alone
 * is not a good start: at 60 % it leaves the shipped policy a return of 10 of 830, and so does every cut near it. */
#include "search/run_internal.h"
#include "search/starts_internal.h"

/* Curves take at most this fraction (1/3) of what is left of a budget. */
enum { SHARE = 3 };

esp_status esp_starts_make(esp_search_run *run, esp_starts *out)
{
    int levels = esp_curves_affordable(run, esp_objective_left(run->objective) / SHARE), predicted = 0;
    out->num = 1;
    out->widths[0] = run->result.widths;
    for (int lamp = 0; lamp < 2; lamp++) out->num += esp_global_cut(run, lamp, &out->widths[out->num]) == ESP_OK;
    out->informed = levels > 1;
    if (!out->informed) return ESP_OK;
    esp_status status = esp_curves_make(run, levels, out->curves);
    if (status == ESP_OK) status = esp_curves_candidates(run, out->curves, &predicted, &out->widths[out->num]);
    out->num += predicted;
    return status;
}
