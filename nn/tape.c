/* One component, layer by layer: forward records the output of each, backward visits them in
 * reverse. Derivatives of activations are functions of their output, so they work in place. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn_internal.h"

struct esp_tape {
    int component, capacity, n;   /* n: number of samples in the last forward */
    const void *x;                /* borrowed input of the last forward */
    float *out[ESP_MAX_LAYERS];   /* [capacity, out_size] of each layer of the component */
    float *scratch;               /* patches of one convolution at a time */
    float *gradient[2];           /* [capacity, largest size], made by the first backward */
    int widest;
    esp_gradient_fn watch;
    void *watch_context;
};

ESP_VECTORISED
void esp_add_rows(int rows, int cols, const float *restrict src, float *restrict dst)
{
    for (int i = 0; i < rows; i++, src += cols)
        for (int j = 0; j < cols; j++) dst[j] += src[j];
}

static const esp_layer *tape_layer(const esp_network *net, const esp_tape *tape, int i)
{
    return &net->layer[net->component[tape->component].first_layer + i];
}

esp_tape *esp_tape_create(const esp_network *net, int component, int capacity)
{
    esp_tape *tape = esp_alloc(1, sizeof *tape);
    tape->component = component;
    tape->capacity = capacity;
    size_t scratch = 0;
    for (int i = 0; i < net->component[component].num_layers; i++) {
        const esp_layer *layer = tape_layer(net, tape, i);
        tape->out[i] = esp_alloc((size_t)capacity * layer->out_size, sizeof(float));
        if (layer->out_size > tape->widest) tape->widest = layer->out_size;
        if (esp_layer_scratch(layer) > scratch) scratch = esp_layer_scratch(layer);
    }
    if (scratch) tape->scratch = esp_alloc(scratch, sizeof(float));
    return tape;
}

void esp_tape_free(esp_tape *tape)
{
    if (!tape) return;
    for (int i = 0; i < ESP_MAX_LAYERS; i++) free(tape->out[i]);
    free(tape->scratch);
    free(tape->gradient[0]);
    free(tape->gradient[1]);
    free(tape);
}

const float *esp_tape_output(const esp_tape *tape, int i)
{
    return tape->out[i];
}

void esp_tape_watch(esp_tape *tape, esp_gradient_fn watch, void *context)
{
    tape->watch = watch;
    tape->watch_context = context;
}

const float *esp_forward(const esp_network *net, esp_tape *tape, const void *x, int n)
{
    assert(n > 0 && n <= tape->capacity);
    int layers = net->component[tape->component].num_layers;
    tape->x = x;
    tape->n = n;
    for (int i = 0; i < layers; i++) {
        const void *below = i == 0 ? x : tape->out[i - 1];
        int layer = (int)(tape_layer(net, tape, i) - net->layer);
        esp_layer_forward(net, layer, below, n, tape->scratch, tape->out[i]);
    }
    return tape->out[layers - 1];
}

static void dense_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                           float *grads, float *dx)
{
    if (grads) {
        esp_gemm_tn(layer->out_size, layer->in_size, n, dy, x, 1.0f, grads + net->tensor[layer->weight].offset);
        esp_add_rows(n, layer->out_size, dy, grads + net->tensor[layer->bias].offset);
    }
    if (dx) esp_gemm_nn(n, layer->in_size, layer->out_size, dy, esp_network_weights(net, layer->weight), 0.0f, dx);
}

static void layer_backward(const esp_network *net, esp_tape *tape, int i, const void *x, float *dy, float *grads,
                           float *dx)
{
    const esp_layer *layer = tape_layer(net, tape, i);
    int n = tape->n;
    esp_act_backward(layer->act, (size_t)n * layer->out_size, tape->out[i], dy);
    switch (layer->kind) {
    case ESP_LAYER_IMAGE:
        break;
    case ESP_LAYER_CONV2D:
        esp_conv2d_backward(net, layer, x, n, dy, tape->scratch, grads, dx);
        break;
    case ESP_LAYER_FLATTEN:
        if (dx) esp_flatten_backward(layer, dy, n, dx);
        break;
    case ESP_LAYER_DENSE:
        dense_backward(net, layer, x, n, dy, grads, dx);
        break;
    case ESP_LAYER_LAYERNORM:
        esp_layernorm_backward(net, layer, x, n, dy, grads, dx);
        break;
    case ESP_LAYER_BATCHNORM:
        esp_batchnorm_backward(net, layer, x, n, dy, grads, dx);
        break;
    }
}

static void make_gradient_buffers(esp_tape *tape)
{
    if (tape->gradient[0]) return;
    for (int i = 0; i < 2; i++) tape->gradient[i] = esp_alloc((size_t)tape->capacity * tape->widest, sizeof(float));
}

void esp_backward(const esp_network *net, esp_tape *tape, float *dy, float *grads, float *dx)
{
    make_gradient_buffers(tape);
    int last = net->component[tape->component].num_layers - 1;
    /* Images have no gradient: stop above them. */
    int first = tape_layer(net, tape, 0)->kind == ESP_LAYER_IMAGE ? 1 : 0;
    assert(!(first && dx));
    for (int i = last; i >= first; i--) {
        if (tape->watch) tape->watch(tape->watch_context, i, dy);
        float *below = i == first ? dx : tape->gradient[i % 2];
        layer_backward(net, tape, i, i == 0 ? tape->x : tape->out[i - 1], dy, grads, below);
        dy = below;
    }
}
