/* One component, layer by layer: forward records the output of each, backward visits them in reverse. Derivatives of
 * fused activations are functions of their output, so they work in place. The gradients of a value that several layers
 * read are added in the order of backward. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn_internal.h"

struct esp_tape {
    int component, capacity, n;   /* n: number of samples in the last forward */
    const void *x;                /* borrowed input of the last forward */
    float *out[ESP_MAX_LAYERS];   /* [capacity, out_size] of each layer of the component */
    float *scratch;               /* patches of one convolution at a time */
    float *gradient[ESP_MAX_LAYERS]; /* [capacity, out_size], made by the first backward; two take turns in a chain */
    float *memory;                /* of the gradients and what follows; owned */
    float *more;                  /* gradients of the inputs of one layer that are added to others */
    esp_gradient_fn watch;
    void *watch_context;
};

ESP_VECTORISED
void esp_add_rows(int rows, int cols, const float *restrict src, float *restrict dst)
{
    for (int i = 0; i < rows; i++, src += cols)
        for (int j = 0; j < cols; j++) dst[j] += src[j];
}

static int first_layer(const esp_network *net, const esp_tape *tape)
{
    return net->component[tape->component].first_layer;
}

static const esp_layer *tape_layer(const esp_network *net, const esp_tape *tape, int i)
{
    return &net->layer[first_layer(net, tape) + i];
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
    free(tape->memory);
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

/* What a layer reads, [num_inputs]. */
static void inputs_of(const esp_network *net, const esp_tape *tape, const esp_layer *layer,
                      const void *x[ESP_MAX_INPUTS])
{
    for (int k = 0; k < layer->num_inputs; k++)
        x[k] = layer->input[k] == ESP_INPUT ? tape->x : tape->out[layer->input[k] - first_layer(net, tape)];
}

const float *esp_forward(const esp_network *net, esp_tape *tape, const void *x, int n)
{
    assert(n > 0 && n <= tape->capacity);
    int layers = net->component[tape->component].num_layers, first = first_layer(net, tape);
    tape->x = x;
    tape->n = n;
    for (int i = 0; i < layers; i++) {
        const void *read[ESP_MAX_INPUTS];
        inputs_of(net, tape, tape_layer(net, tape, i), read);
        esp_layer_apply(net, first + i, read, n, tape->scratch, tape->out[i]);
    }
    return tape->out[layers - 1];
}

/* ---- backward ---- */

static size_t inputs_size(const esp_network *net, const esp_layer *layer)
{
    size_t size = 0;
    for (int k = 0; k < layer->num_inputs; k++) size += (size_t)esp_layer_input_size(net, layer, k);
    return size;
}

static void make_gradient_buffers(const esp_network *net, esp_tape *tape)
{
    if (tape->memory) return;
    int layers = net->component[tape->component].num_layers;
    bool chain = esp_component_is_chain(net, tape->component);
    size_t widest = 0, total = 0, most = 0, capacity = (size_t)tape->capacity;
    for (int i = 0; i < layers; i++) {
        size_t size = (size_t)tape_layer(net, tape, i)->out_size, read = inputs_size(net, tape_layer(net, tape, i));
        total += size;
        if (size > widest) widest = size;
        if (read > most) most = read;
    }
    float *at = tape->memory = esp_alloc(capacity * (chain ? 2 * widest : total + most), sizeof *at);
    for (int i = 0; i < layers; i++) {
        tape->gradient[i] = chain ? tape->memory + (size_t)(i % 2) * capacity * widest : at;
        at += capacity * (size_t)tape_layer(net, tape, i)->out_size;
    }
    if (!chain) tape->more = at;
}

/* One pass backward: where the gradients of the inputs go, and which already hold something. */
typedef struct {
    float *dx;                   /* of the component's inputs; NULL: not wanted */
    bool   begun[ESP_MAX_LAYERS], begun_dx;
} pass;

/* Where the gradient of one input belongs; NULL: it is not wanted. */
static float *target_of(const esp_network *net, const esp_tape *tape, const pass *p, int input)
{
    if (input == ESP_INPUT) return p->dx;
    if (net->layer[input].kind == ESP_LAYER_IMAGE) return NULL; /* pixels have no gradient */
    return tape->gradient[input - first_layer(net, tape)];
}

static void layer_backward(const esp_network *net, esp_tape *tape, int i, pass *p, float *dy, float *grads)
{
    const esp_layer *layer = tape_layer(net, tape, i);
    const void *x[ESP_MAX_INPUTS];
    float *target[ESP_MAX_INPUTS], *dx[ESP_MAX_INPUTS], *more = tape->more;
    inputs_of(net, tape, layer, x);
    for (int k = 0; k < layer->num_inputs; k++) {
        int read = layer->input[k];
        bool *begun = read == ESP_INPUT ? &p->begun_dx : &p->begun[read - first_layer(net, tape)];
        dx[k] = target[k] = target_of(net, tape, p, read);
        if (*begun && target[k]) dx[k] = more;
        if (*begun) more += (size_t)tape->n * (size_t)esp_layer_input_size(net, layer, k);
        *begun = true;
    }
    if (layer->kind != ESP_LAYER_ACT) esp_act_backward(layer->act, (size_t)tape->n * layer->out_size, tape->out[i], dy);
    esp_layer_backward(net, first_layer(net, tape) + i, x, tape->out[i], tape->n, dy, tape->scratch, grads, dx);
    for (int k = 0; k < layer->num_inputs; k++)
        if (dx[k] != target[k]) esp_add_rows(1, tape->n * esp_layer_input_size(net, layer, k), dx[k], target[k]);
}

void esp_backward(const esp_network *net, esp_tape *tape, float *dy, float *grads, float *dx)
{
    make_gradient_buffers(net, tape);
    pass p = {.dx = dx};
    int last = net->component[tape->component].num_layers - 1;
    int lowest = tape_layer(net, tape, 0)->kind == ESP_LAYER_IMAGE ? 1 : 0;
    assert(!(lowest && dx));
    for (int i = last; i >= lowest; i--) {
        float *gradient = i == last ? dy : tape->gradient[i];
        if (i < last && !p.begun[i]) /* nothing reads it */
            memset(gradient, 0, (size_t)tape->n * (size_t)tape_layer(net, tape, i)->out_size * sizeof *gradient);
        if (tape->watch) tape->watch(tape->watch_context, i, gradient);
        layer_backward(net, tape, i, &p, gradient, grads);
    }
}
