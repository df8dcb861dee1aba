/* Importance as activity: how large a unit's output is, times how large the weights are that read
 * it. */
#include <math.h>
#include <stdlib.h>

#include "pruning/importance_internal.h"

/* Adds the squares of a reader's weights, per unit. */
static void add_outgoing(const esp_network *net, const esp_reader *reader, int units, double *squares)
{
    const esp_layer *layer = &net->layer[reader->layer];
    const float *weights = esp_network_weights(net, layer->weight);
    int columns = esp_layer_columns(layer), outs = net->tensor[layer->weight].shape[0];
    for (int o = 0; o < outs; o++, weights += columns)
        for (int j = 0; j < units * reader->block; j++) {
            double w = (double)weights[reader->first + j];
            squares[j / reader->block] += w * w;
        }
}

/* Adds the squares of a reader's inputs, per unit, over all samples and pixels. */
static void add_activity(const esp_playback *play, const esp_reader *reader, const int *unit, double *squares)
{
    size_t size = (size_t)play->net->layer[reader->layer].in_size;
    for (int b = 0; b < play->num_blocks; b++) {
        const float *x = esp_playback_input(play, &play->block[b], reader->layer);
        for (size_t i = 0; i < (size_t)play->block[b].n * size; i++) {
            int u = unit[i % size];
            if (u >= 0) squares[u] += (double)x[i] * (double)x[i];
        }
    }
}

/* One reader of one axis. */
typedef struct {
    int        axis;
    esp_reader reader;
    int       *unit;     /* [in_size] unit of every input */
    double    *activity; /* [units] */
} reading;

static int list_readings(const esp_network *net, const esp_calibration *calibration, reading *out)
{
    int count = 0;
    for (int axis = 0; axis < net->num_axes; axis++) {
        esp_reader readers[ESP_MAX_READERS];
        int n = net->axis[axis].prunable ? esp_axis_readers(net, calibration, axis, readers) : 0;
        for (int r = 0; r < n; r++)
            out[count++] = (reading){axis, readers[r], esp_reader_units(net, &readers[r], axis),
                                     esp_alloc((size_t)net->axis[axis].size, sizeof(double))};
    }
    return count;
}

/* Root mean square of the input times the norm of the weights it meets: for an axis that all its
 * readers read alike, the unit's root mean square times the norm of all its outgoing weights. */
static void add_scores(const esp_network *net, const esp_calibration *calibration, const reading *h, double *scores)
{
    int units = net->axis[h->axis].size;
    double *outgoing = esp_alloc((size_t)units, sizeof *outgoing);
    int positions = 0;
    for (int j = 0; j < net->layer[h->reader.layer].in_size; j++) positions += h->unit[j] == 0;
    double values = (double)calibration->count * positions;
    add_outgoing(net, &h->reader, units, outgoing);
    for (int u = 0; u < units; u++) scores[u] += h->activity[u] / values * outgoing[u];
    free(outgoing);
}

esp_status esp_score_activation(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                                double *const *scores)
{
    (void)seed;
    reading *readings = esp_alloc(ESP_MAX_READERS, sizeof *readings);
    int count = list_readings(net, calibration, readings);
    esp_playback *play = esp_playback_create(net, calibration);
    while (esp_playback_next(play)) {
#pragma omp parallel for schedule(dynamic)
        for (int h = 0; h < count; h++)
            add_activity(play, &readings[h].reader, readings[h].unit, readings[h].activity);
    }
    esp_playback_free(play);
    for (int h = 0; h < count; h++) {
        add_scores(net, calibration, &readings[h], scores[readings[h].axis]);
        free(readings[h].unit);
        free(readings[h].activity);
    }
    free(readings);
    for (int axis = 0; axis < net->num_axes; axis++)
        for (int u = 0; u < net->axis[axis].size; u++) scores[axis][u] = sqrt(scores[axis][u]);
    return ESP_OK;
}
