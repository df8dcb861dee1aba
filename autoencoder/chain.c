/* Turns a network into a chain of products whose units are ordered by importance: BatchNorm in evaluation mode is a
 * scale and a shift per unit, which become part of the layer before it. */
#include <math.h>
#include <stdlib.h>

#include "autoencoder/objective_internal.h"

/* Units keep their places on the axes of input and output: images are read and compared there. */
static int unit_at(const esp_network *net, const esp_ranking *ranking, int axis, int place)
{
    return net->axis[axis].prunable ? ranking->order[axis][place] : place;
}

/* The scale and shift of one unit; norm NULL: no BatchNorm follows. */
static void scale_and_shift(const esp_network *net, const esp_layer *norm, int unit, double *scale, double *shift)
{
    *scale = 1;
    *shift = 0;
    if (!norm) return;
    double gain = esp_network_weights(net, norm->weight)[unit], offset = esp_network_weights(net, norm->bias)[unit];
    double mean = esp_network_weights(net, norm->mean)[unit], var = esp_network_weights(net, norm->var)[unit];
    *scale = gain / sqrt(var + ESP_NORM_EPS);
    *shift = offset - mean * *scale;
}

static esp_chain_layer layer_make(const esp_network *net, const esp_ranking *ranking, const esp_layer *dense,
                                  const esp_layer *norm)
{
    int in = dense->in_size, out = dense->out_size, to = dense->out.part[0].axis;
    esp_chain_layer layer = {dense->in.part[0].axis, in, out, norm ? norm->act : dense->act,
                             esp_alloc((size_t)out * (size_t)in, sizeof(float)), esp_alloc((size_t)out, sizeof(float))};
    const float *weight = esp_network_weights(net, dense->weight), *bias = esp_network_weights(net, dense->bias);
    for (int i = 0; i < out; i++) {
        int unit = unit_at(net, ranking, to, i);
        double scale, shift;
        scale_and_shift(net, norm, unit, &scale, &shift);
        layer.bias[i] = (float)(scale * bias[unit] + shift);
        for (int j = 0; j < in; j++)
            layer.weight[(size_t)i * in + j] =
                (float)(scale * weight[(size_t)unit * in + unit_at(net, ranking, layer.axis, j)]);
    }
    return layer;
}

static const esp_layer *norm_behind(const esp_network *net, int i)
{
    const esp_layer *dense = &net->layer[i];
    bool follows = i + 1 < net->num_layers && net->layer[i + 1].kind == ESP_LAYER_BATCHNORM;
    return follows && dense->act == ESP_ACT_NONE ? &net->layer[i + 1] : NULL;
}

esp_status esp_chain_make(const esp_network *net, const esp_ranking *ranking, esp_chain *out)
{
    *out = (esp_chain){0};
    for (int i = 0; i < net->num_layers; i++) {
        const esp_layer *layer = &net->layer[i], *norm = norm_behind(net, i);
        if (layer->kind != ESP_LAYER_DENSE) {
            esp_chain_free(out);
            return esp_fail(ESP_ERR_SHAPE, "layer '%s': only dense layers with or without BatchNorm can be "
                            "evaluated by reconstruction", layer->module);
        }
        out->layer[out->num++] = layer_make(net, ranking, layer, norm);
        if (norm) i++;
    }
    return ESP_OK;
}

void esp_chain_free(esp_chain *chain)
{
    for (int i = 0; i < chain->num; i++) {
        free(chain->layer[i].weight);
        free(chain->layer[i].bias);
    }
    *chain = (esp_chain){0};
}
