/* Readers: the layers whose weights are multiplied with the units of an axis. */
#include <string.h>

#include "calibration/calibration.h"

/* Weights per value that is read: the area of a kernel. */
static int kernel_area(const esp_layer *layer)
{
    return layer->kind == ESP_LAYER_CONV2D ? layer->kernel * layer->kernel_cols : 1;
}

int esp_axis_readers(const esp_network *net, const esp_calibration *calibration, int axis, esp_reader *out)
{
    int count = 0;
    for (int l = 0; l < net->num_layers; l++) {
        const esp_layer *layer = &net->layer[l];
        if (!esp_layer_has_weights(layer) || !esp_calibration_feeds(calibration, layer->component)) continue;
        int area = kernel_area(layer), first = 0;
        for (int p = 0; p < layer->in.num; p++) {
            int part = layer->in.part[p].axis, block = layer->in.part[p].block * area;
            if (part == axis) out[count++] = (esp_reader){l, first, block};
            first += net->axis[part].size * block;
        }
    }
    return count;
}

int *esp_reader_units(const esp_network *net, const esp_reader *reader, int axis)
{
    const esp_layer *layer = &net->layer[reader->layer];
    int units = net->axis[axis].size, *unit = esp_alloc((size_t)layer->in_size, sizeof *unit);
    int area = kernel_area(layer), channels = esp_dim_size(net, &layer->in); /* channels are innermost */
    for (int j = 0; j < layer->in_size; j++) {
        int column = j % channels * area;
        int u = column < reader->first ? -1 : (column - reader->first) / reader->block;
        unit[j] = u < units ? u : -1;
    }
    return unit;
}

int esp_reader_producer(const esp_network *net, const esp_calibration *calibration, const esp_reader *reader)
{
    int component = net->layer[reader->layer].component, read = net->layer[reader->layer].input[0];
    if (read != ESP_INPUT) return read;
    const esp_component *source = &net->component[calibration->feed[component].source];
    return source->first_layer + source->num_layers - 1;
}

void esp_pruned_readers(const esp_network *net, const esp_calibration *calibration, bool *wanted)
{
    memset(wanted, 0, ESP_MAX_LAYERS * sizeof *wanted);
    for (int axis = 0; axis < net->num_axes; axis++) {
        esp_reader readers[ESP_MAX_READERS];
        int count = net->axis[axis].prunable ? esp_axis_readers(net, calibration, axis, readers) : 0;
        for (int r = 0; r < count; r++) wanted[readers[r].layer] = true;
    }
}
