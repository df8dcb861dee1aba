/* Loss gradients on recorded data, for criteria that ask how much a unit affects the outputs. The loss is the squared
 * error against the targets of the calibration. Without targets every output counts equally: the loss is a
 * combination of the outputs, each divided by its standard deviation, with random signs +-1; in expectation its
 * squared gradient is that of the sum over the outputs (Hutchinson's estimator). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/calibration.h"

struct esp_loss {
    const esp_network     *net;
    const esp_calibration *calibration;
    bool     curvature;
    uint64_t seed;
    float   *scale[ESP_MAX_COMPONENTS]; /* [out_size] scale of the outputs that count; NULL: none of them counts */
};

/* ---- which outputs count, and how much ---- */

static bool has_targets(const esp_network *net, const esp_calibration *calibration)
{
    for (int c = 0; c < net->num_components; c++)
        if (esp_calibration_feeds(calibration, c) && calibration->feed[c].target) return true;
    return false;
}

static void add_moments(const esp_loss *loss, const esp_playback *play, const esp_playback_block *block,
                        double *const *moments)
{
    for (int c = 0; c < loss->net->num_components; c++) {
        if (!moments[c]) continue;
        const float *y = esp_playback_output(play, block, c);
        int outs = loss->net->component[c].out_size;
        for (int i = 0; i < block->n; i++)
            for (int o = 0; o < outs; o++, y++) {
                moments[c][o] += (double)*y;
                moments[c][outs + o] += (double)*y * (double)*y;
            }
    }
}

/* 1 / standard deviation; an output that never varies does not count. */
static void scale_by_deviation(const esp_loss *loss, int c, const double *moments)
{
    int outs = loss->net->component[c].out_size, count = loss->calibration->count;
    for (int o = 0; o < outs; o++) {
        double mean = moments[o] / count, square = moments[outs + o] / count, variance = square - mean * mean;
        loss->scale[c][o] = variance > 1e-10 * square ? (float)(1 / sqrt(variance)) : 0.0f;
    }
}

static void measure_outputs(esp_loss *loss)
{
    const esp_network *net = loss->net;
    double *moments[ESP_MAX_COMPONENTS] = {NULL};
    for (int c = 0; c < net->num_components; c++) {
        if (!esp_calibration_feeds(loss->calibration, c)) continue;
        if (esp_calibration_is_source(net, loss->calibration, c)) continue; /* counts through its readers */
        moments[c] = esp_alloc(2 * (size_t)net->component[c].out_size, sizeof(double));
        loss->scale[c] = esp_alloc((size_t)net->component[c].out_size, sizeof(float));
    }
    esp_playback *play = esp_playback_create(net, loss->calibration);
    while (esp_playback_next(play))
        for (int b = 0; b < play->num_blocks; b++) add_moments(loss, play, &play->block[b], moments);
    esp_playback_free(play);
    for (int c = 0; c < net->num_components; c++) {
        if (moments[c]) scale_by_deviation(loss, c, moments[c]);
        free(moments[c]);
    }
}

esp_loss *esp_loss_create(const esp_network *net, const esp_calibration *calibration, bool curvature, uint64_t seed)
{
    esp_loss *loss = esp_alloc(1, sizeof *loss);
    *loss = (esp_loss){.net = net, .calibration = calibration, .curvature = curvature, .seed = seed};
    if (!has_targets(net, calibration)) {
        measure_outputs(loss);
        return loss;
    }
    for (int c = 0; c < net->num_components; c++) {
        if (!esp_calibration_feeds(calibration, c) || !calibration->feed[c].target) continue;
        loss->scale[c] = esp_alloc((size_t)net->component[c].out_size, sizeof(float));
        for (int o = 0; o < net->component[c].out_size; o++) loss->scale[c][o] = 1;
    }
    return loss;
}

void esp_loss_free(esp_loss *loss)
{
    if (!loss) return;
    for (int c = 0; c < ESP_MAX_COMPONENTS; c++) free(loss->scale[c]);
    free(loss);
}

/* ---- backward ---- */

/* Every sample and component has its own stream. */
static void fill_signs(const esp_loss *loss, int c, int sample, float *dy)
{
    uint64_t index = (uint64_t)sample * ESP_MAX_COMPONENTS + (uint64_t)c;
    esp_rng rng = esp_rng_make(loss->seed, ESP_RNG_LOSS, index);
    uint32_t bits = 0;
    for (int o = 0; o < loss->net->component[c].out_size; o++) {
        if (o % 32 == 0) bits = esp_rng_u32(&rng);
        dy[o] = bits >> (o % 32) & 1u ? loss->scale[c][o] : -loss->scale[c][o];
    }
}

static void add_output_gradient(const esp_loss *loss, const esp_playback *play, const esp_playback_block *block,
                                int c, float *dy)
{
    int outs = loss->net->component[c].out_size;
    const float *target = loss->calibration->feed[c].target, *y = esp_playback_output(play, block, c);
    float *row = esp_alloc((size_t)outs, sizeof *row);
    for (int i = 0; i < block->n; i++, dy += outs, y += outs) {
        if (target && !loss->curvature)
            for (int o = 0; o < outs; o++) row[o] = 2 * (y[o] - target[(size_t)(block->first + i) * (size_t)outs + o]);
        else
            fill_signs(loss, c, block->first + i, row);
        for (int o = 0; o < outs; o++) dy[o] += row[o];
    }
    free(row);
}

typedef struct {
    esp_loss_fn watch;
    void       *context;
    const esp_playback_block *block;
    int         first_layer;
} watcher;

static void watch_layer(void *context, int i, const float *dy)
{
    const watcher *w = context;
    w->watch(w->context, w->block, w->first_layer + i, dy);
}

/* Gradients of the first `width` columns of [n, columns], added to dy [n, width]. */
static void add_to_source(int n, int width, int columns, const float *dx, float *dy)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < width; j++) dy[(size_t)i * (size_t)width + j] += dx[(size_t)i * (size_t)columns + j];
}

void esp_loss_backward(const esp_loss *loss, const esp_playback *play, const esp_playback_block *block,
                       esp_loss_fn watch, void *context)
{
    const esp_network *net = loss->net;
    float *dy[ESP_MAX_COMPONENTS] = {NULL};
    for (int c = 0; c < net->num_components; c++)
        if (block->tape[c])
            dy[c] = esp_alloc((size_t)block->n * (size_t)net->component[c].out_size, sizeof(float));
    for (int c = net->num_components; c-- > 0;) {
        if (!block->tape[c]) continue;
        const esp_component *component = &net->component[c];
        int source = loss->calibration->feed[c].source;
        float *dx = source < 0 ? NULL : esp_alloc((size_t)block->n * (size_t)component->in_size, sizeof *dx);
        watcher w = {watch, context, block, component->first_layer};
        if (loss->scale[c]) add_output_gradient(loss, play, block, c, dy[c]);
        esp_tape_watch(block->tape[c], watch_layer, &w);
        esp_backward(net, block->tape[c], dy[c], NULL, dx);
        esp_tape_watch(block->tape[c], NULL, NULL);
        if (dx) add_to_source(block->n, net->component[source].out_size, component->in_size, dx, dy[source]);
        free(dx);
    }
    for (int c = 0; c < net->num_components; c++) free(dy[c]);
}

/* ---- sensitivity: what an error of a pre-activation costs at the outputs ---- */

typedef struct {
    const esp_network *net;
    double *sums[ESP_MAX_LAYERS]; /* [outs] sums for layers with weights */
} sensitivity;

static void add_squares(void *context, const esp_playback_block *block, int l, const float *dy)
{
    sensitivity *s = context;
    const esp_layer *layer = &s->net->layer[l];
    if (!s->sums[l]) return;
    size_t count = (size_t)block->n * (size_t)layer->out_size, outs = (size_t)s->net->tensor[layer->weight].shape[0];
    float *g = esp_alloc(count, sizeof *g);
    memcpy(g, dy, count * sizeof *g);
    const esp_component *component = &s->net->component[layer->component];
    esp_act_backward(layer->act, count, esp_tape_output(block->tape[layer->component], l - component->first_layer), g);
    for (size_t i = 0; i < count; i++) s->sums[l][i % outs] += (double)g[i] * (double)g[i];
    free(g);
}

static sensitivity sensitivity_make(const esp_network *net, const bool *wanted)
{
    sensitivity s = {.net = net};
    for (int l = 0; l < net->num_layers; l++)
        if (wanted[l]) s.sums[l] = esp_alloc((size_t)net->tensor[net->layer[l].weight].shape[0], sizeof(double));
    return s;
}

static void sensitivity_move(sensitivity *from, double **to)
{
    for (int l = 0; l < from->net->num_layers; l++) {
        if (!from->sums[l]) continue;
        for (int o = 0; o < from->net->tensor[from->net->layer[l].weight].shape[0]; o++) to[l][o] += from->sums[l][o];
        free(from->sums[l]);
    }
}

void esp_loss_sensitivity(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                          const bool *wanted, double **squares)
{
    sensitivity total = sensitivity_make(net, wanted);
    memcpy(squares, total.sums, sizeof total.sums);
    esp_loss *loss = esp_loss_create(net, calibration, true, seed);
    esp_playback *play = esp_playback_create(net, calibration);
    while (esp_playback_next(play)) {
        sensitivity part[ESP_PLAYBACK_BLOCKS];
#pragma omp parallel for schedule(dynamic)
        for (int b = 0; b < play->num_blocks; b++) {
            part[b] = sensitivity_make(net, wanted);
            esp_loss_backward(loss, play, &play->block[b], add_squares, &part[b]);
        }
        for (int b = 0; b < play->num_blocks; b++) sensitivity_move(&part[b], squares);
    }
    esp_playback_free(play);
    esp_loss_free(loss);
    for (int l = 0; l < net->num_layers; l++) {
        if (!wanted[l]) continue;
        double rows = (double)calibration->count * esp_layer_rows(&net->layer[l]);
        for (int o = 0; o < net->tensor[net->layer[l].weight].shape[0]; o++) squares[l][o] /= rows;
    }
}
