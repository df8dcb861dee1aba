/* One layer on its own: forward by kind, and the matrix that its weights are multiplied with. */
#include <assert.h>

#include "nn/nn_internal.h"

size_t esp_layer_scratch(const esp_layer *layer)
{
    return layer->kind == ESP_LAYER_CONV2D ? esp_conv2d_scratch(layer) : 0;
}

void esp_layer_forward(const esp_network *net, int index, const void *x, int n, float *scratch, float *y)
{
    const esp_layer *layer = &net->layer[index];
    switch (layer->kind) {
    case ESP_LAYER_IMAGE:
        esp_image_forward(layer, x, n, y);
        break;
    case ESP_LAYER_CONV2D: /* adds bias and activation itself, while the outputs are in cache */
        esp_conv2d_forward(net, layer, x, n, scratch, y);
        break;
    case ESP_LAYER_FLATTEN:
        esp_flatten_forward(layer, x, n, y);
        break;
    case ESP_LAYER_DENSE:
        esp_gemm_nt(n, layer->out_size, layer->in_size, x, esp_network_weights(net, layer->weight), 0.0f, y);
        esp_act_forward(layer->act, n, layer->out_size, esp_network_weights(net, layer->bias), y);
        break;
    case ESP_LAYER_LAYERNORM:
        esp_layernorm_forward(net, layer, x, n, y);
        esp_act_forward(layer->act, n, layer->out_size, NULL, y);
        break;
    case ESP_LAYER_BATCHNORM:
        esp_batchnorm_forward(net, layer, x, n, y);
        esp_act_forward(layer->act, n, layer->out_size, NULL, y);
        break;
    }
}

bool esp_layer_has_weights(const esp_layer *layer)
{
    return layer->kind == ESP_LAYER_DENSE || layer->kind == ESP_LAYER_CONV2D;
}

int esp_layer_rows(const esp_layer *layer)
{
    assert(layer->kind == ESP_LAYER_DENSE || layer->kind == ESP_LAYER_CONV2D);
    return layer->kind == ESP_LAYER_CONV2D ? layer->out_rows * layer->out_rows : 1;
}

int esp_layer_columns(const esp_layer *layer)
{
    assert(layer->kind == ESP_LAYER_DENSE || layer->kind == ESP_LAYER_CONV2D);
    if (layer->kind == ESP_LAYER_DENSE) return layer->in_size;
    return layer->in_size / (layer->in_rows * layer->in_rows) * layer->kernel * layer->kernel;
}

void esp_layer_patches(const esp_layer *layer, const float *x, int n, float *patches)
{
    assert(layer->kind == ESP_LAYER_CONV2D);
    esp_conv2d_patches(layer, x, n, patches);
}
