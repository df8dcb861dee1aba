/* Compensation: surgery that repairs what it leaves. */
#include <stdlib.h>

#include "pruning/pruning_internal.h"

struct esp_surgeon {
    const esp_network     *net;
    esp_compensation       compensation;
    const esp_calibration *calibration;
};

esp_status esp_surgeon_create(const esp_network *net, esp_compensation compensation,
                              const esp_calibration *calibration, esp_surgeon **out)
{
    if (compensation != ESP_COMPENSATION_NONE && !calibration)
        return esp_fail(ESP_ERR_USAGE, "compensation looks at recorded data, and there is none");
    esp_surgeon *surgeon = esp_alloc(1, sizeof *surgeon);
    *surgeon = (esp_surgeon){net, compensation, calibration};
    *out = surgeon;
    return ESP_OK;
}

void esp_surgeon_free(esp_surgeon *surgeon)
{
    free(surgeon);
}

esp_status esp_surgeon_operate(const esp_surgeon *surgeon, const esp_cut *cut, esp_network **out)
{
    return esp_surgery(surgeon->net, cut, out);
}
