/* Networks laid out for the kernels of dense_kernel.c: weights in panels, once for all threads, and layers that
 * read them. */
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
    if (layer->bias < 0) return; /* zeros */
    memcpy(p->bias[index], esp_network_weights(p->net, layer->bias), (size_t)outputs * sizeof(float));
}

/* Whether it has weights that the kernels read and belongs to one of the components. */
static bool is_wanted(const esp_packed *p, int index, unsigned components)
{
    const esp_layer *layer = &p->net->layer[index];
    if (!(components >> layer->component & 1)) return false;
    return layer->kind == ESP_LAYER_DENSE || (layer->kind == ESP_LAYER_CONV2D && esp_conv2d_is_plain(layer));
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

size_t esp_packed_sum_size(const esp_packed *p, int index)
{
    return bias_floats(p, &p->net->layer[index]);
}

void esp_packed_begin(const esp_packed *p, int index, const float *x, int shared, float *sum)
{
    const esp_layer *layer = &p->net->layer[index];
    esp_rows rows = {.groups = 1, .rows = 1, .segments = 1, .length = shared, .after = layer->in_size - shared};
    assert(p->panels[index] && layer->kind == ESP_LAYER_DENSE);
    p->kernel->run(&rows, layer->out_size, x, p->panels[index], p->bias[index], ESP_ACT_NONE, sum);
}

void esp_packed_end(const esp_packed *p, int index, const float *sum, int shared, const float *x, int n, esp_act act,
                    float *y)
{
    const esp_layer *layer = &p->net->layer[index];
    int length = layer->in_size - shared;
    esp_rows rows = {.groups = 1, .rows = n, .row_step = length, .segments = 1, .length = length, .before = shared};
    p->kernel->run(&rows, layer->out_size, x, p->panels[index], sum, act, y);
}

static esp_rows dense_rows(const esp_layer *layer, int n)
{
    return (esp_rows){.groups = 1, .rows = n, .row_step = layer->in_size, .segments = 1, .length = layer->in_size};
}

/* The rows of one image with its padding. */
static esp_rows conv_rows(const esp_layer *layer)
{
    int channels = esp_layer_channels(layer), image_row = (layer->left + layer->in_cols + layer->right) * channels;
    return (esp_rows){.groups = layer->out_rows, .group_step = layer->stride * image_row, .rows = layer->out_cols,
                      .row_step = layer->stride_cols * channels, .segments = layer->kernel, .segment_step = image_row,
                      .length = layer->kernel_cols * channels};
}

size_t esp_packed_forward_scratch(const esp_packed *p, int index)
{
    const esp_layer *layer = &p->net->layer[index];
    if (layer->kind != ESP_LAYER_CONV2D) return 0;
    return p->panels[index] ? esp_conv2d_padded(layer) : esp_layer_scratch(layer);
}

static void conv_forward(const esp_packed *p, int index, const float *x, int n, esp_act act, float *padded, float *y)
{
    const esp_layer *layer = &p->net->layer[index];
    bool pads = esp_conv2d_padded(layer) > 0;
    esp_rows rows = conv_rows(layer);
    for (int i = 0; i < n; i++, x += layer->in_size, y += layer->out_size) {
        if (pads) esp_conv2d_pad(layer, x, padded);
        p->kernel->run(&rows, outputs_of(layer), pads ? padded : x, p->panels[index], p->bias[index], act, y);
    }
}

void esp_packed_forward(const esp_packed *p, int index, const void *const *x, int n, esp_act act, float *scratch,
                        float *y)
{
    const esp_layer *layer = &p->net->layer[index];
    assert(p->panels[index] || layer->kind != ESP_LAYER_DENSE);
    if (!p->panels[index] && layer->kind == ESP_LAYER_CONV2D) {
        /* One at a time: how BLAS rounds depends on the number of rows. */
        for (int i = 0; i < n; i++) {
            const void *image = (const float *)x[0] + (size_t)i * (size_t)layer->in_size;
            esp_layer_apply(p->net, index, &image, 1, scratch, y + (size_t)i * (size_t)layer->out_size);
        }
    } else if (!p->panels[index]) {
        esp_layer_apply(p->net, index, x, n, scratch, y);
    } else if (layer->kind == ESP_LAYER_CONV2D) {
        conv_forward(p, index, x[0], n, act, scratch, y);
    } else {
        esp_rows rows = dense_rows(layer, n);
        p->kernel->run(&rows, outputs_of(layer), x[0], p->panels[index], p->bias[index], act, y);
    }
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

bool esp_packed_has(const esp_packed *packed, int layer)
{
    return packed->panels[layer] != NULL;
}

const esp_network *esp_packed_network(const esp_packed *packed)
{
    return packed->net;
}

const esp_dense_kernel *esp_packed_kernel(const esp_packed *packed)
{
    return packed->kernel;
}
