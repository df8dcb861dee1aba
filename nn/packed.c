/* Networks laid out for the kernels of dense_kernel.c: weights in panels, once for all threads, and one runner per
 * thread, which passes data through a component's layers from buffer to buffer. */
#include <assert.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "nn/dense_kernel.h"
#include "nn/nn_internal.h"

struct esp_packed {
    const esp_network      *net;                    /* borrowed */
    const esp_dense_kernel *kernel;
    float *memory;                                  /* owned; the pointers below point into it */
    float *panels[ESP_MAX_LAYERS], *bias[ESP_MAX_LAYERS]; /* per dense and convolution layer; NULL: not packed */
    float *ordered[ESP_MAX_LAYERS];                 /* weights of a convolution in the order of its patches */
    float *back[ESP_MAX_LAYERS];                    /* panels of the transposed weights; NULL: not wanted */
    float *zeros;                                   /* the bias of a backward pass */
};

struct esp_runner {
    const esp_packed *packed; /* borrowed */
    int    component, capacity;
    float *buffer[2];         /* [capacity, widest layer] */
};

/* ---- packing ---- */

static int outputs_of(const esp_layer *layer)
{
    return layer->out_size / esp_layer_rows(layer);
}

/* A cache line: vectors of any instruction set then never straddle two. */
enum { LINE = 64, LINE_FLOATS = LINE / sizeof(float) };

static size_t whole_lines(size_t floats)
{
    return (floats + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS;
}

static size_t panel_floats(const esp_packed *p, const esp_layer *layer)
{
    return whole_lines(esp_panels_size(p->kernel, outputs_of(layer), esp_layer_columns(layer)));
}

static size_t bias_floats(const esp_packed *p, const esp_layer *layer)
{
    return whole_lines((size_t)esp_padded_outputs(p->kernel, outputs_of(layer)));
}

static size_t ordered_floats(const esp_layer *layer)
{
    if (layer->kind != ESP_LAYER_CONV2D) return 0;
    return whole_lines((size_t)outputs_of(layer) * (size_t)esp_layer_columns(layer));
}

/* The gradient of a layer's inputs has its inputs as outputs. */
static size_t back_floats(const esp_packed *p, const esp_layer *layer)
{
    return whole_lines(esp_panels_size(p->kernel, esp_layer_columns(layer), outputs_of(layer)));
}

static void pack_layer(esp_packed *p, int index)
{
    const esp_layer *layer = &p->net->layer[index];
    int outputs = outputs_of(layer), inputs = esp_layer_columns(layer);
    const float *weights = esp_network_weights(p->net, layer->weight);
    if (layer->kind == ESP_LAYER_CONV2D) {
        esp_conv2d_patch_order(layer, weights, p->ordered[index]);
        weights = p->ordered[index];
    }
    esp_panels_fill(p->kernel, outputs, inputs, weights, p->panels[index]);
    if (p->back[index]) esp_panels_copy(p->kernel, inputs, outputs, weights, p->back[index]);
    memcpy(p->bias[index], esp_network_weights(p->net, layer->bias), (size_t)outputs * sizeof(float));
}

/* Whether it has weights and belongs to one of the components. */
static bool is_wanted(const esp_packed *p, int index, unsigned components)
{
    const esp_layer *layer = &p->net->layer[index];
    return components >> layer->component & 1 && esp_layer_has_weights(layer);
}

void esp_packed_fill(esp_packed *p, unsigned components)
{
#pragma omp parallel for schedule(dynamic, 1) if (!omp_in_parallel())
    for (int i = 0; i < p->net->num_layers; i++)
        if (p->panels[i] && is_wanted(p, i, components)) pack_layer(p, i);
}

/* Whether the gradient of its inputs is ever needed: pixels have none. */
static bool has_backward(const esp_network *net, int index)
{
    const esp_layer *layer = &net->layer[index];
    int first = net->component[layer->component].first_layer;
    return !(net->layer[first].kind == ESP_LAYER_IMAGE && index == first + 1);
}

/* Takes `floats` floats from *at; returns where they begin. */
static float *carve(float **at, size_t floats)
{
    float *begin = *at;
    *at += floats;
    return begin;
}

static esp_packed *create(const esp_network *net, unsigned components, bool backward)
{
    esp_packed *p = esp_alloc(1, sizeof *p);
    size_t floats = 0, widest = 0;
    p->net = net;
    p->kernel = esp_dense_kernel_used();
    for (int i = 0; i < net->num_layers; i++) {
        const esp_layer *layer = &net->layer[i];
        if (!is_wanted(p, i, components)) continue;
        size_t padded = whole_lines((size_t)esp_padded_outputs(p->kernel, esp_layer_columns(layer)));
        floats += panel_floats(p, layer) + bias_floats(p, layer) + ordered_floats(layer);
        if (backward) floats += back_floats(p, layer);
        if (padded > widest) widest = padded;
    }
    p->memory = esp_alloc(floats + widest, sizeof *p->memory);
    float *at = p->memory;
    p->zeros = carve(&at, widest);
    for (int i = 0; i < net->num_layers; i++) {
        const esp_layer *layer = &net->layer[i];
        if (!is_wanted(p, i, components)) continue;
        p->panels[i] = carve(&at, panel_floats(p, layer));
        p->bias[i] = carve(&at, bias_floats(p, layer));
        p->ordered[i] = carve(&at, ordered_floats(layer));
        if (backward && has_backward(net, i)) p->back[i] = carve(&at, back_floats(p, layer));
    }
    esp_packed_fill(p, components);
    return p;
}

esp_packed *esp_packed_create(const esp_network *net, unsigned components)
{
    return create(net, components, false);
}

esp_packed *esp_packed_create_to_learn(const esp_network *net, unsigned components)
{
    return create(net, components, true);
}

void esp_packed_free(esp_packed *p)
{
    if (!p) return;
    free(p->memory);
    free(p);
}

/* ---- running ---- */

esp_runner *esp_runner_create(const esp_packed *packed, int component, int capacity)
{
    const esp_network *net = packed->net;
    const esp_component *c = &net->component[component];
    esp_runner *r = esp_alloc(1, sizeof *r);
    int widest = 0;
    for (int i = c->first_layer; i < c->first_layer + c->num_layers; i++)
        if (net->layer[i].out_size > widest) widest = net->layer[i].out_size;
    r->packed = packed;
    r->component = component;
    r->capacity = capacity;
    for (int i = 0; i < 2; i++) r->buffer[i] = esp_alloc((size_t)capacity * widest, sizeof(float));
    return r;
}

void esp_runner_free(esp_runner *r)
{
    if (!r) return;
    for (int i = 0; i < 2; i++) free(r->buffer[i]);
    free(r);
}

static esp_rows dense_rows(const esp_layer *layer, int n)
{
    return (esp_rows){.groups = 1, .rows = n, .row_step = layer->in_size, .segments = 1, .length = layer->in_size};
}

/* The rows of one image. */
static esp_rows conv_rows(const esp_layer *layer)
{
    int channels = esp_layer_channels(layer), image_row = layer->in_rows * channels;
    return (esp_rows){.groups = layer->out_rows, .group_step = layer->stride * image_row, .rows = layer->out_rows,
                      .row_step = layer->stride * channels, .segments = layer->kernel, .segment_step = image_row,
                      .length = layer->kernel * channels};
}

void esp_packed_forward(const esp_packed *p, int index, const void *x, int n, float *y)
{
    const esp_layer *layer = &p->net->layer[index];
    if (!esp_layer_has_weights(layer)) {
        esp_layer_forward(p->net, index, x, n, NULL, y);
        return;
    }
    assert(p->panels[index]);
    bool conv = layer->kind == ESP_LAYER_CONV2D;
    esp_rows rows = conv ? conv_rows(layer) : dense_rows(layer, n);
    const float *from = x;
    for (int i = 0; i < (conv ? n : 1); i++, from += layer->in_size, y += layer->out_size)
        p->kernel->run(&rows, outputs_of(layer), from, p->panels[index], p->bias[index], layer->act, y);
}

size_t esp_packed_scratch(const esp_layer *layer)
{
    return layer->kind == ESP_LAYER_CONV2D ? (size_t)esp_layer_rows(layer) * (size_t)esp_layer_columns(layer) : 0;
}

void esp_packed_backward(const esp_packed *p, int index, const float *dy, int n, float *scratch, float *dx)
{
    const esp_layer *layer = &p->net->layer[index];
    int outputs = outputs_of(layer), inputs = esp_layer_columns(layer), rows = esp_layer_rows(layer);
    bool conv = layer->kind == ESP_LAYER_CONV2D;
    esp_rows shape = {.groups = 1, .rows = conv ? rows : n, .row_step = outputs, .segments = 1, .length = outputs};
    assert(p->back[index]);
    if (!conv) p->kernel->run(&shape, inputs, dy, p->back[index], p->zeros, ESP_ACT_NONE, dx);
    for (int i = 0; i < n && conv; i++) {
        p->kernel->run(&shape, inputs, dy + (size_t)i * layer->out_size, p->back[index], p->zeros, ESP_ACT_NONE,
                       scratch);
        esp_conv2d_add_patches(layer, scratch, 1, dx + (size_t)i * layer->in_size);
    }
}

const esp_network *esp_packed_network(const esp_packed *packed)
{
    return packed->net;
}

const esp_dense_kernel *esp_packed_kernel(const esp_packed *packed)
{
    return packed->kernel;
}

const float *esp_runner_forward(esp_runner *r, const void *x, int n)
{
    const esp_component *c = &r->packed->net->component[r->component];
    assert(n > 0 && n <= r->capacity);
    for (int i = 0; i < c->num_layers; i++) {
        esp_packed_forward(r->packed, c->first_layer + i, x, n, r->buffer[i % 2]);
        x = r->buffer[i % 2];
    }
    return x;
}
