/* Calibration: recorded data for the components of a network, and the check that it fits. */
#include "calibration/calibration.h"

bool esp_calibration_feeds(const esp_calibration *calibration, int component)
{
    return calibration->feed[component].source >= 0 || calibration->feed[component].data;
}

bool esp_calibration_is_source(const esp_network *net, const esp_calibration *calibration, int component)
{
    for (int c = component + 1; c < net->num_components; c++)
        if (calibration->feed[c].source == component) return true;
    return false;
}

static esp_status check_source(const esp_network *net, const esp_calibration *calibration, int c)
{
    const esp_feed *feed = &calibration->feed[c];
    const esp_component *component = &net->component[c];
    if (feed->source >= c || !esp_calibration_feeds(calibration, feed->source))
        return esp_fail(ESP_ERR_SHAPE, "recorded data of '%s': its source is component %d, expected one that is fed "
                        "and stands before it", component->name, feed->source);
    if (feed->columns < 0 || (feed->columns > 0) != (feed->data != NULL))
        return esp_fail(ESP_ERR_SHAPE, "recorded data of '%s': %d columns %s data", component->name, feed->columns,
                        feed->data ? "with" : "without");
    int width = net->component[feed->source].out_size + feed->columns;
    if (width != component->in_size)
        return esp_fail(ESP_ERR_SHAPE, "recorded data of '%s': the output of '%s' and %d columns are %d values, the "
                        "input has %d", component->name, net->component[feed->source].name, feed->columns, width,
                        component->in_size);
    return ESP_OK;
}

/* Recorded values are not removed along with units, so they must not stand for units. */
static esp_status check_fixed(const esp_network *net, const esp_calibration *calibration, int c)
{
    const esp_dim *in = &net->component[c].in;
    int source = calibration->feed[c].source, from_source = source >= 0 ? net->component[source].out_size : 0, at = 0;
    for (int p = 0; p < in->num; p++) {
        const esp_axis *axis = &net->axis[in->part[p].axis];
        if (axis->prunable && at >= from_source)
            return esp_fail(ESP_ERR_SHAPE, "recorded data of '%s': it stands for units of '%s', which can be removed; "
                            "name the component they come from", net->component[c].name, axis->name);
        at += axis->size * in->part[p].block;
    }
    return ESP_OK;
}

esp_status esp_calibration_check(const esp_network *net, const esp_calibration *calibration)
{
    if (calibration->count < 1)
        return esp_fail(ESP_ERR_SHAPE, "recorded data: %d samples, expected at least one", calibration->count);
    int fed = 0;
    for (int c = 0; c < net->num_components; c++) {
        if (!esp_calibration_feeds(calibration, c)) continue;
        esp_status status = calibration->feed[c].source >= 0 ? check_source(net, calibration, c) : ESP_OK;
        if (status == ESP_OK) status = check_fixed(net, calibration, c);
        if (status != ESP_OK) return status;
        fed++;
    }
    return fed ? ESP_OK : esp_fail(ESP_ERR_SHAPE, "recorded data: no component is fed");
}
