/* Initial weights. Every tensor draws from its own stream, so a network's initial weights depend on
 * the seed and on nothing that was drawn before. */
#include <assert.h>
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

#include "nn/nn.h"

/* Replaces q (column-major, rows >= cols) by its orthonormal factor; diagonal receives that of
 * R. */
static void householder_qr(int rows, int cols, float *q, float *diagonal)
{
    /* With more threads LAPACK divides its products differently, and they round differently. */
    openblas_set_num_threads(1);
    float *tau = esp_alloc((size_t)cols, sizeof *tau);
    lapack_int info = LAPACKE_sgeqrf(LAPACK_COL_MAJOR, rows, cols, q, rows, tau);
    for (int j = 0; j < cols; j++) diagonal[j] = q[(size_t)j * rows + j];
    if (info == 0) info = LAPACKE_sorgqr(LAPACK_COL_MAJOR, rows, cols, cols, q, rows, tau);
    assert(info == 0); /* a QR of finite numbers always exists */
    (void)info;
    free(tau);
}

static void transpose(int rows, int cols, const float *in, float *out)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) out[(size_t)j * rows + i] = in[(size_t)i * cols + j];
}

/* Makes the `few` vectors of length `many`, stored one after another in w, orthogonal with norm
 * `gain`. */
static void orthogonal_vectors(int few, int many, float gain, float *w)
{
    float *diagonal = esp_alloc((size_t)few, sizeof *diagonal);
    householder_qr(many, few, w, diagonal);
    /* Householder's method leaves the signs open; a positive diagonal makes Q unique. */
    for (int j = 0; j < few; j++) {
        float factor = diagonal[j] < 0 ? -gain : gain;
        for (int i = 0; i < many; i++) w[(size_t)j * many + i] *= factor;
    }
    free(diagonal);
}

void esp_orthogonal(int rows, int cols, float gain, float *w)
{
    /* LAPACK is column-major, so it sees the transpose of row-major w: short rows need no copy. */
    if (rows < cols) {
        orthogonal_vectors(rows, cols, gain, w);
        return;
    }
    float *columns = esp_alloc((size_t)rows * (size_t)cols, sizeof *columns);
    transpose(rows, cols, w, columns);
    orthogonal_vectors(cols, rows, gain, columns);
    transpose(cols, rows, columns, w);
    free(columns);
}

static void fill(float *w, size_t count, float value)
{
    for (size_t i = 0; i < count; i++) w[i] = value;
}

/* Gains and offsets, also constant ones. */
static bool layer_is_norm(const esp_layer *layer)
{
    return layer->kind == ESP_LAYER_LAYERNORM || layer->kind == ESP_LAYER_BATCHNORM || layer->kind == ESP_LAYER_SCALE;
}

/* The identity: gain 1, offset 0, running mean 0 and variance 1. */
static void init_norm_tensor(esp_network *net, int index)
{
    const esp_tensor *tensor = &net->tensor[index];
    const esp_layer *layer = &net->layer[tensor->layer];
    fill(esp_network_weights(net, index), tensor->count, index == layer->weight || index == layer->var ? 1.0f : 0.0f);
}

void esp_network_init_orthogonal(esp_network *net, uint64_t seed)
{
    for (int i = 0; i < net->num_tensors; i++) {
        const esp_tensor *tensor = &net->tensor[i];
        const esp_layer *layer = &net->layer[tensor->layer];
        float *w = esp_network_weights(net, i);
        if (layer_is_norm(layer)) {
            init_norm_tensor(net, i);
        } else if (i == layer->bias) {
            fill(w, tensor->count, 0.0f);
        } else {
            esp_rng rng = esp_rng_make(seed, ESP_RNG_INIT, (uint64_t)i);
            esp_rng_normal(&rng, w, tensor->count);
            float gain = layer->kind == ESP_LAYER_CONV2D ? sqrtf(2.0f) : 1.0f;
            esp_orthogonal(tensor->shape[0], (int)(tensor->count / (size_t)tensor->shape[0]), gain, w);
        }
    }
}

void esp_network_init_default(esp_network *net, uint64_t seed)
{
    for (int i = 0; i < net->num_tensors; i++) {
        const esp_tensor *tensor = &net->tensor[i];
        const esp_layer *layer = &net->layer[tensor->layer];
        if (layer_is_norm(layer)) {
            init_norm_tensor(net, i);
            continue;
        }
        const esp_tensor *weight = &net->tensor[layer->weight];
        double bound = 1.0 / sqrt((double)(weight->count / (size_t)weight->shape[0]));
        esp_rng rng = esp_rng_make(seed, ESP_RNG_INIT, (uint64_t)i);
        float *w = esp_network_weights(net, i);
        for (size_t k = 0; k < tensor->count; k++) w[k] = (float)(bound * (2.0 * esp_rng_uniform(&rng) - 1.0));
    }
}
