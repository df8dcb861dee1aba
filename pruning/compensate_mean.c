/* Compensation by means: the average contribution of the removed units is added to the biases of the layers that read
 * them. */
#include <stdlib.h>
#include <string.h>

#include "pruning/compensate_internal.h"

typedef struct {
    const esp_network *net;
    /* [columns] means of the values that a layer's weights are multiplied with; NULL: not a reader. */
    double            *mean[ESP_MAX_LAYERS];
} means;

void *esp_mean_prepare(const esp_network *net, const esp_calibration *calibration)
{
    means *m = esp_alloc(1, sizeof *m);
    bool wanted[ESP_MAX_LAYERS];
    esp_gram grams[ESP_MAX_LAYERS];
    m->net = net;
    esp_pruned_readers(net, calibration, wanted);
    esp_grams_make(net, calibration, wanted, grams);
    for (int l = 0; l < net->num_layers; l++) {
        /* Layers with the same weights read different means. */
        if (!wanted[l] || net->layer[l].bias < 0 || esp_layer_shares_weights(net, l)) continue;
        m->mean[l] = grams[l].mean;
        grams[l].mean = NULL;
    }
    esp_grams_free(net, grams);
    return m;
}

void esp_mean_free(void *prepared)
{
    means *m = prepared;
    for (int l = 0; l < ESP_MAX_LAYERS; l++) free(m->mean[l]);
    free(m);
}

/* Columns of the kept weights, [columns]. */
static void kept_columns(const esp_network *net, const esp_cut *cut, const esp_layer *layer, bool *kept)
{
    int area = layer->kind == ESP_LAYER_CONV2D ? layer->kernel * layer->kernel_cols : 1;
    int *inputs = esp_alloc((size_t)esp_dim_size(net, &layer->in), sizeof *inputs);
    int count = esp_cut_positions(net, cut, &layer->in, inputs);
    memset(kept, 0, (size_t)esp_layer_columns(layer) * sizeof *kept);
    for (int i = 0; i < count; i++) memset(kept + inputs[i] * area, true, (size_t)area * sizeof *kept);
    free(inputs);
}

static void repair_layer(const means *m, const esp_cut *cut, int l, const esp_network *smaller)
{
    const esp_network *net = m->net;
    const esp_layer *layer = &net->layer[l];
    const float *weights = esp_network_weights(net, layer->weight);
    float *bias = esp_network_weights(smaller, smaller->layer[l].bias);
    int columns = esp_layer_columns(layer);
    bool *kept = esp_alloc((size_t)columns, sizeof *kept);
    int *outputs = esp_alloc((size_t)esp_dim_size(net, &layer->out), sizeof *outputs);
    int outs = esp_cut_positions(net, cut, &layer->out, outputs);
    kept_columns(net, cut, layer, kept);
    for (int o = 0; o < outs; o++) {
        const float *row = weights + (size_t)outputs[o] * (size_t)columns;
        double lost = 0;
        for (int j = 0; j < columns; j++)
            if (!kept[j]) lost += (double)row[j] * m->mean[l][j];
        bias[o] += (float)lost;
    }
    free(outputs);
    free(kept);
}

esp_status esp_mean_repair(const void *prepared, const esp_cut *cut, esp_network *smaller)
{
    const means *m = prepared;
    for (int l = 0; l < m->net->num_layers; l++)
        if (m->mean[l]) repair_layer(m, cut, l, smaller);
    return ESP_OK;
}
