/* Two kinds of networks with recorded data for every component: an autoencoder with normalisations,
 * and a small version of the agent of Table III. */
#ifndef ESP_RECORDED_DATA_H
#define ESP_RECORDED_DATA_H

#include <omp.h>

#include "check.h"
#include "pruned_networks.h"
#include "pruning/compensate_internal.h"
#include "pruning/importance_internal.h"

typedef struct {
    esp_network    *net;
    esp_calibration calibration;
    void           *owned[8];    /* arrays behind the calibration */
    int             num_owned;
} recorded;

static inline void *recorded_own(recorded *r, void *array)
{
    return r->owned[r->num_owned++] = array;
}

static inline float *recorded_normals(recorded *r, size_t count, uint64_t index)
{
    float *x = recorded_own(r, esp_alloc(count, sizeof *x));
    esp_rng rng = esp_rng_make(5, ESP_RNG_TEST, index);
    esp_rng_normal(&rng, x, count);
    return x;
}

static inline void recorded_free(recorded *r)
{
    for (int i = 0; i < r->num_owned; i++) free(r->owned[i]);
    esp_network_free(r->net);
}

/* in 6 -> one 9 (BatchNorm, ReLU) -> latent 4 | latent -> two 7 (BatchNorm, ReLU) -> out 6 (Sigmoid) */
static inline recorded recorded_autoencoder(int count)
{
    recorded r = {.net = esp_network_new()};
    esp_network *net = r.net;
    int in = esp_network_axis(net, "in", 6, false), one = esp_network_axis(net, "one", 9, true);
    int latent = esp_network_axis(net, "latent", 4, true), two = esp_network_axis(net, "two", 7, true);
    esp_network_component(net, "encoder");
    esp_network_dense(net, "encoder.0", esp_dim_of(in), esp_dim_of(one), ESP_ACT_NONE);
    esp_network_norm(net, ESP_LAYER_BATCHNORM, "encoder.1", one, ESP_ACT_RELU);
    esp_network_dense(net, "encoder.3", esp_dim_of(one), esp_dim_of(latent), ESP_ACT_NONE);
    esp_network_component(net, "decoder");
    esp_network_dense(net, "decoder.0", esp_dim_of(latent), esp_dim_of(two), ESP_ACT_NONE);
    esp_network_norm(net, ESP_LAYER_BATCHNORM, "decoder.1", two, ESP_ACT_RELU);
    esp_network_dense(net, "decoder.3", esp_dim_of(two), esp_dim_of(in), ESP_ACT_SIGMOID);
    if (esp_network_finish(net) != ESP_OK) abort();
    fill_weights(net, 3);
    r.calibration = (esp_calibration){.count = count, .feed = {{.source = -1}, {.source = 0}}};
    r.calibration.feed[0].data = recorded_normals(&r, (size_t)count * 6, 10);
    return r;
}

/* The encoder reads images, the policy the latent, the other heads the latent and an action. */
static inline recorded recorded_agent(int count, int channels, int latent, int hidden)
{
    recorded r = {.net = agent_network_of(channels, latent, hidden)};
    esp_network_init_default(r.net, 4);
    size_t bytes = (size_t)count * 9 * 28 * 28;
    uint8_t *frames = recorded_own(&r, esp_alloc(bytes, 1));
    esp_rng rng = esp_rng_make(5, ESP_RNG_TEST, 20);
    for (size_t i = 0; i < bytes; i++) frames[i] = (uint8_t)esp_rng_below(&rng, 256);
    float *actions = recorded_normals(&r, (size_t)count, 21);
    r.calibration = (esp_calibration){.count = count};
    r.calibration.feed[0] = (esp_feed){.source = -1, .data = frames};
    for (int c = 1; c < r.net->num_components; c++)
        r.calibration.feed[c] = (esp_feed){.source = 0, .data = actions, .columns = 1};
    int policy = esp_network_find_component(r.net, "_pi");
    r.calibration.feed[policy] = (esp_feed){.source = 0};
    return r;
}

/* Targets for the components that have one: normal numbers. */
static inline void recorded_targets(recorded *r, const char *component)
{
    int c = esp_network_find_component(r->net, component);
    size_t count = (size_t)r->calibration.count * (size_t)r->net->component[c].out_size;
    r->calibration.feed[c].target = recorded_normals(r, count, 30 + (uint64_t)c);
}

/* Outputs of every component for all samples, [count, out_size] each, by playing the data
 * through. */
static inline void recorded_outputs(const esp_network *net, const esp_calibration *calibration,
                                    float *outputs[ESP_MAX_COMPONENTS])
{
    esp_playback *play = esp_playback_create(net, calibration);
    for (int c = 0; c < net->num_components; c++)
        outputs[c] = esp_alloc((size_t)calibration->count * (size_t)net->component[c].out_size, sizeof(float));
    while (esp_playback_next(play)) {
        for (int b = 0; b < play->num_blocks; b++) {
            const esp_playback_block *block = &play->block[b];
            for (int c = 0; c < net->num_components; c++) {
                size_t size = (size_t)net->component[c].out_size;
                if (block->tape[c])
                    memcpy(outputs[c] + (size_t)block->first * size, esp_playback_output(play, block, c),
                           (size_t)block->n * size * sizeof(float));
            }
        }
    }
    esp_playback_free(play);
}

/* All inputs of a layer, [count, in_size]. */
static inline float *recorded_inputs(const esp_network *net, const esp_calibration *calibration, int layer)
{
    size_t size = (size_t)net->layer[layer].in_size;
    float *all = esp_alloc((size_t)calibration->count * size, sizeof *all);
    esp_playback *play = esp_playback_create(net, calibration);
    while (esp_playback_next(play))
        for (int b = 0; b < play->num_blocks; b++)
            memcpy(all + (size_t)play->block[b].first * size, esp_playback_input(play, &play->block[b], layer),
                   (size_t)play->block[b].n * size * sizeof *all);
    esp_playback_free(play);
    return all;
}

static inline int layer_named(const esp_network *net, const char *module)
{
    for (int l = 0; l < net->num_layers; l++)
        if (strcmp(net->layer[l].module, module) == 0) return l;
    abort();
}

/* Row `place` of the matrix that a layer's weights are multiplied with, straight from the
 * definition. */
static inline double plain_column(const esp_layer *layer, const float *x, int place, int column)
{
    if (layer->kind == ESP_LAYER_DENSE) return (double)x[column];
    int k = layer->kernel, channels = layer->in_size / (layer->in_rows * layer->in_rows);
    int channel = column / (k * k), row = column / k % k, col = column % k;
    row += place / layer->out_rows * layer->stride;
    col += place % layer->out_rows * layer->stride;
    return (double)x[(row * layer->in_rows + col) * channels + channel];
}

/* Gaussian elimination with row exchange: solves x a = b for one row b of n. Overwrites a and b. */
static inline void plain_solve(int n, double *a, double *b)
{
    for (int i = 0; i < n; i++) {
        int pivot = i;
        for (int r = i + 1; r < n; r++)
            if (fabs(a[r * n + i]) > fabs(a[pivot * n + i])) pivot = r;
        for (int j = 0; j < n; j++) {
            double swap = a[i * n + j];
            a[i * n + j] = a[pivot * n + j];
            a[pivot * n + j] = swap;
        }
        double swap = b[i];
        b[i] = b[pivot];
        b[pivot] = swap;
        for (int r = i + 1; r < n; r++) {
            double factor = a[r * n + i] / a[i * n + i];
            for (int j = i; j < n; j++) a[r * n + j] -= factor * a[i * n + j];
            b[r] -= factor * b[i];
        }
    }
    for (int i = n; i-- > 0;) {
        for (int j = i + 1; j < n; j++) b[i] -= a[i * n + j] * b[j];
        b[i] /= a[i * n + i];
    }
}

#endif
