/* Compensation: surgery with a repair of the layers behind. A compensation is three functions and one row of the
 * table below. */
#include <stdlib.h>

#include "pruning/compensate_internal.h"

const esp_compensation esp_compensations[] = {
    {"none", "the weights that stay are copied unchanged", false, NULL, NULL, NULL},
    {"mean", "the removed units' mean contribution goes into the bias", true, esp_mean_prepare, esp_mean_repair,
     esp_mean_free},
    {"lsq", "least-squares fit to the uncut network's pre-activations", true, esp_lsq_prepare, esp_lsq_repair,
     esp_lsq_free},
    {NULL, NULL, false, NULL, NULL, NULL},
};

const esp_compensation *esp_compensation_find(const char *name)
{
    return esp_row_find(esp_compensations, sizeof *esp_compensations, name);
}

/* ---- the surgeon ---- */

struct esp_surgeon {
    const esp_network      *net;
    const esp_compensation *compensation;
    void                   *prepared;      /* private to the compensation */
};

esp_status esp_surgeon_create(const esp_network *net, const esp_compensation *compensation,
                              const esp_calibration *calibration, esp_surgeon **out)
{
    if (compensation->needs_data) {
        if (!calibration)
            return esp_fail(ESP_ERR_USAGE, "compensation '%s' needs recorded data, but there is none",
                            compensation->name);
        esp_status status = esp_calibration_check(net, calibration);
        if (status != ESP_OK) return status;
    }
    esp_surgeon *surgeon = esp_alloc(1, sizeof *surgeon);
    surgeon->net = net;
    surgeon->compensation = compensation;
    if (compensation->prepare) surgeon->prepared = compensation->prepare(net, calibration);
    *out = surgeon;
    return ESP_OK;
}

void esp_surgeon_free(esp_surgeon *surgeon)
{
    if (!surgeon) return;
    if (surgeon->compensation->free) surgeon->compensation->free(surgeon->prepared);
    free(surgeon);
}

esp_status esp_surgeon_operate(const esp_surgeon *surgeon, const esp_cut *cut, esp_network **out)
{
    const esp_compensation *compensation = surgeon->compensation;
    esp_network *smaller = NULL;
    esp_status status = esp_surgery(surgeon->net, cut, &smaller);
    if (status == ESP_OK && compensation->repair) status = compensation->repair(surgeon->prepared, cut, smaller);
    if (status == ESP_OK) *out = smaller;
    else                  esp_network_free(smaller);
    return status;
}
