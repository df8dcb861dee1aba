/* One component over a whole batch: threads compute samples, then share the gradients of the weights. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nn/dense_kernel.h"
#include "nn/nn_internal.h"

enum {
    STRIPE = 128,    /* outputs of a dense layer whose weights' gradients are one piece */
    OVERREAD = 1024  /* floats behind dy that esp_dense_kernel.add may read */
};

struct esp_batch_tape {
    const esp_packed *packed;     /* borrowed */
    const esp_network *net;       /* borrowed: whose weights are packed */
    const esp_layer *layer;       /* [num_layers] of the component */
    int num_layers, capacity;
    const void *x;                /* borrowed: [capacity, in_size] */
    float *out[ESP_MAX_LAYERS];   /* [capacity, out_size] */
    float *dy[ESP_MAX_LAYERS];    /* the same; before the activation once backward has been there */
    float *sums[ESP_MAX_LAYERS];  /* gradients of a convolution's weights, one panelled matrix per kernel row */
    size_t scratch;
};

/* ---- memory ---- */

/* Values of a patch in one row of the kernel. */
static int patch_row(const esp_layer *layer)
{
    return layer->kernel_cols * esp_layer_channels(layer);
}

static int kernels_of(const esp_layer *layer)
{
    return layer->out_size / esp_layer_rows(layer);
}

static size_t sums_size(const esp_batch_tape *tape, const esp_layer *layer)
{
    return esp_panels_size(esp_packed_kernel(tape->packed), kernels_of(layer), patch_row(layer));
}

/* Pieces of a layer: stripes of a dense layer's outputs, rows of a convolution's kernel, a whole norm. */
static int pieces_of(const esp_layer *layer)
{
    switch (layer->kind) {
    case ESP_LAYER_DENSE:     return (layer->out_size + STRIPE - 1) / STRIPE;
    case ESP_LAYER_CONV2D:    return layer->kernel;
    case ESP_LAYER_LAYERNORM:
    case ESP_LAYER_BATCHNORM: return 1;
    case ESP_LAYER_IMAGE:
    case ESP_LAYER_FLATTEN:   return 0;
    default:                  return -1; /* not supported */
    }
}

static int index_of(const esp_batch_tape *tape, int i)
{
    return (int)(&tape->layer[i] - tape->net->layer);
}

esp_batch_tape *esp_batch_tape_create(const esp_packed *packed, int component, int capacity)
{
    esp_batch_tape *tape = esp_alloc(1, sizeof *tape);
    assert(esp_component_is_chain(esp_packed_network(packed), component));
    tape->packed = packed;
    tape->net = esp_packed_network(packed);
    tape->layer = &tape->net->layer[tape->net->component[component].first_layer];
    tape->num_layers = tape->net->component[component].num_layers;
    tape->capacity = capacity;
    for (int i = 0; i < tape->num_layers; i++) {
        const esp_layer *layer = &tape->layer[i];
        assert(pieces_of(layer) >= 0 && esp_packed_forward_scratch(packed, index_of(tape, i)) == 0);
        size_t count = (size_t)capacity * (size_t)layer->out_size;
        tape->out[i] = esp_alloc(count, sizeof(float));
        tape->dy[i] = esp_alloc(count + OVERREAD, sizeof(float));
        if (layer->kind != ESP_LAYER_CONV2D) continue;
        tape->sums[i] = esp_alloc((size_t)layer->kernel * sums_size(tape, layer), sizeof(float));
        if (esp_packed_scratch(layer) > tape->scratch) tape->scratch = esp_packed_scratch(layer);
    }
    return tape;
}

void esp_batch_tape_free(esp_batch_tape *tape)
{
    if (!tape) return;
    for (int i = 0; i < tape->num_layers; i++) {
        free(tape->out[i]);
        free(tape->dy[i]);
        free(tape->sums[i]);
    }
    free(tape);
}

size_t esp_batch_tape_scratch(const esp_batch_tape *tape)
{
    return tape->scratch;
}

/* ---- samples ---- */

static float *rows_of(float *matrix, const esp_layer *layer, int first)
{
    return matrix + (size_t)first * (size_t)layer->out_size;
}

static const void *input_rows(const esp_batch_tape *tape, int i, int first)
{
    if (i > 0) return rows_of(tape->out[i - 1], &tape->layer[i - 1], first);
    size_t size = tape->layer->kind == ESP_LAYER_IMAGE ? 1 : sizeof(float);
    return (const char *)tape->x + (size_t)first * (size_t)tape->layer->in_size * size;
}

void esp_batch_input(esp_batch_tape *tape, const void *x)
{
    tape->x = x;
}

const float *esp_batch_forward(esp_batch_tape *tape, int first, int n)
{
    int last = tape->num_layers - 1;
    assert(first >= 0 && n > 0 && first + n <= tape->capacity);
    for (int i = 0; i <= last; i++) {
        const void *x = input_rows(tape, i, first);
        esp_packed_forward(tape->packed, index_of(tape, i), &x, n, tape->layer[i].act, NULL,
                           rows_of(tape->out[i], &tape->layer[i], first));
    }
    return rows_of(tape->out[last], &tape->layer[last], first);
}

float *esp_batch_gradient(esp_batch_tape *tape, int first)
{
    int last = tape->num_layers - 1;
    return rows_of(tape->dy[last], &tape->layer[last], first);
}

void esp_batch_select(esp_batch_tape *tape, int first, int n, const int *samples)
{
    for (int i = 0; i < tape->num_layers; i++) {
        const esp_layer *layer = &tape->layer[i];
        float *rows = rows_of(tape->out[i], layer, first);
        for (int k = 0; k < n; k++)
            memmove(rows_of(rows, layer, k), rows_of(rows, layer, samples[k]), (size_t)layer->out_size * sizeof *rows);
    }
}

/* dx of layer i from the gradient dy before its activation. */
static void layer_backward(const esp_batch_tape *tape, int i, int first, int n, const float *dy, float *scratch,
                           float *dx)
{
    const esp_layer *layer = &tape->layer[i];
    switch (layer->kind) {
    case ESP_LAYER_IMAGE:
        break;
    case ESP_LAYER_CONV2D:
    case ESP_LAYER_DENSE:
        esp_packed_backward(tape->packed, index_of(tape, i), dy, n, scratch, dx);
        break;
    case ESP_LAYER_FLATTEN:
        esp_flatten_backward(layer, dy, n, dx);
        break;
    case ESP_LAYER_LAYERNORM:
        esp_layernorm_backward(tape->net, layer, input_rows(tape, i, first), n, dy, NULL, dx);
        break;
    case ESP_LAYER_BATCHNORM:
        esp_batchnorm_backward(tape->net, layer, input_rows(tape, i, first), n, dy, NULL, dx);
        break;
    default:
        break; /* refused by create */
    }
}

void esp_batch_backward(esp_batch_tape *tape, int first, int n, float *scratch, float *dx)
{
    int lowest = tape->layer->kind == ESP_LAYER_IMAGE ? 1 : 0; /* pixels have no gradient */
    assert(!(lowest && dx));
    for (int i = tape->num_layers - 1; i >= lowest; i--) {
        const esp_layer *layer = &tape->layer[i];
        float *dy = rows_of(tape->dy[i], layer, first);
        float *below = i > lowest ? rows_of(tape->dy[i - 1], layer - 1, first) : dx;
        esp_act_backward(layer->act, (size_t)n * (size_t)layer->out_size, rows_of(tape->out[i], layer, first), dy);
        if (below) layer_backward(tape, i, first, n, dy, scratch, below);
    }
}

/* ---- weights ---- */

int esp_batch_pieces(const esp_batch_tape *tape)
{
    int pieces = 0;
    for (int i = 0; i < tape->num_layers; i++) pieces += pieces_of(&tape->layer[i]);
    return pieces;
}

/* Sums of the columns of x [n, width], from column `first` on. */
ESP_VECTORISED
static void column_sums(int n, int width, int first, int count, const float *x, float *restrict sums)
{
    memset(sums, 0, (size_t)count * sizeof *sums);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < count; j++) sums[j] += x[(size_t)i * width + first + j];
}

static void dense_piece(const esp_batch_tape *tape, int i, int stripe, int n, float *grads)
{
    const esp_layer *layer = &tape->layer[i];
    int first = stripe * STRIPE, count = layer->out_size - first < STRIPE ? layer->out_size - first : STRIPE;
    float *weights = grads + tape->net->tensor[layer->weight].offset;
    esp_gemm_tn_columns(count, layer->in_size, n, layer->out_size, tape->dy[i] + first, input_rows(tape, i, 0), 0.0f,
                        weights + (size_t)first * layer->in_size);
    column_sums(n, layer->out_size, first, count, tape->dy[i], grads + tape->net->tensor[layer->bias].offset + first);
}

/* Gradients of row ky of the kernels: for every place of the image, its pixels under that row times the gradients of
 * the outputs there. The pixels are read where they are; copying them into patches took as long as the product. */
static void conv_piece(const esp_batch_tape *tape, int i, int ky, int n, float *grads)
{
    const esp_layer *layer = &tape->layer[i];
    const esp_dense_kernel *kernel = esp_packed_kernel(tape->packed);
    int channels = esp_layer_channels(layer), kernels = kernels_of(layer), cols = layer->kernel_cols;
    int width = patch_row(layer), image_row = layer->in_cols * channels;
    float *sums = tape->sums[i] + (size_t)ky * sums_size(tape, layer);
    float *weights = grads + tape->net->tensor[layer->weight].offset;
    const float *x = (const float *)input_rows(tape, i, 0) + (size_t)ky * image_row;
    esp_rows rows = {.groups = 1, .rows = width, .row_step = 1, .segments = layer->out_rows,
                     .segment_step = layer->stride * image_row, .length = layer->out_cols};

    memset(sums, 0, sums_size(tape, layer) * sizeof *sums);
    for (int s = 0; s < n; s++)
        kernel->add(&rows, kernels, x + (size_t)s * layer->in_size, layer->stride_cols * channels,
                    rows_of(tape->dy[i], layer, s), sums);
    for (int o = 0; o < kernels; o++)
        for (int c = 0; c < channels; c++)
            for (int kx = 0; kx < cols; kx++)
                weights[((o * channels + c) * layer->kernel + ky) * cols + kx] =
                    sums[esp_panels_index(kernel, kernels, width, o, kx * channels + c)];
    if (ky == 0)
        column_sums(n * esp_layer_rows(layer), kernels, 0, kernels, tape->dy[i],
                    grads + tape->net->tensor[layer->bias].offset);
}

static void norm_piece(const esp_batch_tape *tape, int i, int n, float *grads)
{
    const esp_layer *layer = &tape->layer[i];
    const esp_tensor *gain = &tape->net->tensor[layer->weight], *offset = &tape->net->tensor[layer->bias];
    memset(grads + gain->offset, 0, gain->count * sizeof *grads);
    memset(grads + offset->offset, 0, offset->count * sizeof *grads);
    if (layer->kind == ESP_LAYER_LAYERNORM)
        esp_layernorm_backward(tape->net, layer, input_rows(tape, i, 0), n, tape->dy[i], grads, NULL);
    else
        esp_batchnorm_backward(tape->net, layer, input_rows(tape, i, 0), n, tape->dy[i], grads, NULL);
}

void esp_batch_piece(const esp_batch_tape *tape, int piece, int n, float *grads)
{
    int i = 0;
    for (; piece >= pieces_of(&tape->layer[i]); i++) piece -= pieces_of(&tape->layer[i]);
    switch (tape->layer[i].kind) {
    case ESP_LAYER_DENSE:  dense_piece(tape, i, piece, n, grads); break;
    case ESP_LAYER_CONV2D: conv_piece(tape, i, piece, n, grads); break;
    default:               norm_piece(tape, i, n, grads); break;
    }
}
