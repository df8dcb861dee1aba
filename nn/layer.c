/* One layer on its own: forward and backward by kind, and the matrix that its weights are multiplied with. */
#include <assert.h>

#include "nn/nn_internal.h"

size_t esp_layer_scratch(const esp_layer *layer)
{
    if (layer->kind != ESP_LAYER_CONV2D) return 0;
    return esp_layer_is_depthwise(layer) ? esp_depthwise_scratch(layer) : esp_conv2d_scratch(layer);
}

static size_t outputs_of(const esp_layer *layer, int n)
{
    return (size_t)n * (size_t)layer->out_size;
}

/* ---- forward ---- */

static void dense_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *y)
{
    const float *bias = layer->bias >= 0 ? esp_network_weights(net, layer->bias) : NULL;
    esp_gemm_nt(n, layer->out_size, layer->in_size, x, esp_network_weights(net, layer->weight), 0.0f, y);
    esp_act_forward(layer->act, n, layer->out_size, bias, y);
}

void esp_layer_apply(const esp_network *net, int index, const void *const *x, int n, float *scratch, float *y)
{
    const esp_layer *layer = &net->layer[index];
    switch (layer->kind) {
    case ESP_LAYER_IMAGE:
        esp_image_forward(layer, x[0], n, y);
        break;
    case ESP_LAYER_CONV2D: /* adds bias and activation itself, while the outputs are in cache */
        if (esp_layer_is_depthwise(layer)) esp_depthwise_forward(net, layer, x[0], n, scratch, y);
        else                               esp_conv2d_forward(net, layer, x[0], n, scratch, y);
        break;
    case ESP_LAYER_FLATTEN:
        esp_flatten_forward(layer, x[0], n, y);
        break;
    case ESP_LAYER_DENSE:
        dense_forward(net, layer, x[0], n, y);
        break;
    case ESP_LAYER_LAYERNORM:
        esp_layernorm_forward(net, layer, x[0], n, y);
        esp_act_forward(layer->act, n, layer->out_size, NULL, y);
        break;
    case ESP_LAYER_BATCHNORM:
        esp_batchnorm_forward(net, layer, x[0], n, y);
        esp_act_forward(layer->act, n, layer->out_size, NULL, y);
        break;
    case ESP_LAYER_UNFLATTEN:
        esp_unflatten_forward(layer, x[0], n, y);
        break;
    case ESP_LAYER_ACT:
        esp_act_layer_forward(layer, outputs_of(layer, n), x[0], y);
        break;
    case ESP_LAYER_SCALE:
        esp_scale_forward(net, layer, x[0], n, y);
        break;
    case ESP_LAYER_ADD:
    case ESP_LAYER_SUB:
    case ESP_LAYER_MUL:
    case ESP_LAYER_DIV:
        esp_combine_forward(layer->kind, outputs_of(layer, n), x[0], x[1], y);
        break;
    case ESP_LAYER_CONCAT:
        esp_concat_forward(net, layer, x, n, y);
        break;
    case ESP_LAYER_SLICE:
        esp_slice_forward(net, layer, x[0], n, y);
        break;
    case ESP_LAYER_MAXPOOL:
    case ESP_LAYER_AVGPOOL:
        esp_pool_forward(layer, x[0], n, y);
        break;
    }
}

void esp_layer_forward(const esp_network *net, int index, const void *x, int n, float *scratch, float *y)
{
    assert(net->layer[index].num_inputs == 1);
    esp_layer_apply(net, index, &x, n, scratch, y);
}

/* ---- backward ---- */

static void dense_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                           float *grads, float *dx)
{
    if (grads) esp_gemm_tn(layer->out_size, layer->in_size, n, dy, x, 1.0f, grads + net->tensor[layer->weight].offset);
    if (grads && layer->bias >= 0) esp_add_rows(n, layer->out_size, dy, grads + net->tensor[layer->bias].offset);
    if (dx) esp_gemm_nn(n, layer->in_size, layer->out_size, dy, esp_network_weights(net, layer->weight), 0.0f, dx);
}

/* Layers with weights. */
static void weights_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                             float *scratch, float *grads, float *dx)
{
    switch (layer->kind) {
    case ESP_LAYER_CONV2D:
        if (esp_layer_is_depthwise(layer)) esp_depthwise_backward(net, layer, x, n, dy, scratch, grads, dx);
        else                               esp_conv2d_backward(net, layer, x, n, dy, scratch, grads, dx);
        break;
    case ESP_LAYER_DENSE:
        dense_backward(net, layer, x, n, dy, grads, dx);
        break;
    case ESP_LAYER_LAYERNORM:
        esp_layernorm_backward(net, layer, x, n, dy, grads, dx);
        break;
    default:
        esp_batchnorm_backward(net, layer, x, n, dy, grads, dx);
    }
}

/* Layers without weights and with one input. */
static void plain_backward(const esp_network *net, const esp_layer *layer, const float *x, const float *y, int n,
                           const float *dy, float *dx)
{
    switch (layer->kind) {
    case ESP_LAYER_FLATTEN:
        esp_flatten_backward(layer, dy, n, dx);
        break;
    case ESP_LAYER_UNFLATTEN:
        esp_unflatten_backward(layer, dy, n, dx);
        break;
    case ESP_LAYER_ACT:
        esp_act_layer_backward(layer, outputs_of(layer, n), x, dy, dx);
        break;
    case ESP_LAYER_SCALE:
        esp_scale_backward(net, layer, dy, n, dx);
        break;
    case ESP_LAYER_SLICE:
        esp_slice_backward(net, layer, dy, n, dx);
        break;
    default:
        esp_pool_backward(layer, x, y, n, dy, dx);
    }
}

void esp_layer_backward(const esp_network *net, int index, const void *const *x, const float *y, int n,
                        const float *dy, float *scratch, float *grads, float *const *dx)
{
    const esp_layer *layer = &net->layer[index];
    switch (layer->kind) {
    case ESP_LAYER_IMAGE: /* pixels have no gradient */
        break;
    case ESP_LAYER_CONV2D:
    case ESP_LAYER_DENSE:
    case ESP_LAYER_LAYERNORM:
    case ESP_LAYER_BATCHNORM:
        weights_backward(net, layer, x[0], n, dy, scratch, grads, dx[0]);
        break;
    case ESP_LAYER_ADD:
    case ESP_LAYER_SUB:
    case ESP_LAYER_MUL:
    case ESP_LAYER_DIV:
        esp_combine_backward(layer->kind, outputs_of(layer, n), x[0], x[1], dy, dx);
        break;
    case ESP_LAYER_CONCAT:
        esp_concat_backward(net, layer, dy, n, dx);
        break;
    default:
        if (dx[0]) plain_backward(net, layer, x[0], y, n, dy, dx[0]);
    }
}

/* ---- the matrix of weights ---- */

bool esp_layer_has_weights(const esp_layer *layer)
{
    return layer->kind == ESP_LAYER_DENSE || (layer->kind == ESP_LAYER_CONV2D && layer->per_group == 0);
}

int esp_layer_rows(const esp_layer *layer)
{
    assert(layer->kind == ESP_LAYER_DENSE || layer->kind == ESP_LAYER_CONV2D);
    return layer->kind == ESP_LAYER_CONV2D ? layer->out_rows * layer->out_cols : 1;
}

int esp_layer_columns(const esp_layer *layer)
{
    assert(esp_layer_has_weights(layer));
    if (layer->kind == ESP_LAYER_DENSE) return layer->in_size;
    return esp_layer_channels(layer) * layer->kernel * layer->kernel_cols;
}

void esp_layer_patches(const esp_layer *layer, const float *x, int n, float *patches)
{
    assert(layer->kind == ESP_LAYER_CONV2D && layer->per_group == 0);
    esp_conv2d_patches(layer, x, n, patches);
}
