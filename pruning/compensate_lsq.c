/* Compensation by least squares: front to back, every layer of the smaller network whose input has changed is fitted
 * so that its actual input gives the pre-activations of the dense network. */
#include <stdlib.h>
#include <string.h>

#include "pruning/compensate_internal.h"

enum {
    BLOCK = 256,  /* samples that go through a few layers together */
    STRIPE = 128  /* outputs fitted together */
};

typedef struct {
    const esp_network     *net;
    const esp_calibration *calibration;
    float  *target[ESP_MAX_LAYERS]; /* [count * rows, outs] pre-activations of the dense network */
    double *mean[ESP_MAX_LAYERS];   /* [outs] their means */
} refitting;

/* ---- which layers ---- */

/* cut NULL: whether any axis can lose units. */
static bool loses_units(const esp_network *net, const esp_cut *cut, const esp_dim *dim)
{
    for (int p = 0; p < dim->num; p++) {
        int axis = dim->part[p].axis;
        if (cut ? cut->widths.kept[axis] < net->axis[axis].size : net->axis[axis].prunable) return true;
    }
    return false;
}

/* Finds the fed layers with weights whose input differs from that in the dense network. */
static void find_changed(const refitting *refit, const esp_cut *cut, bool *changed)
{
    const esp_network *net = refit->net;
    bool output[ESP_MAX_COMPONENTS] = {false};
    memset(changed, 0, ESP_MAX_LAYERS * sizeof *changed);
    for (int c = 0; c < net->num_components; c++) {
        int source = refit->calibration->feed[c].source, first = net->component[c].first_layer;
        if (!esp_calibration_feeds(refit->calibration, c)) continue;
        output[c] = source >= 0 && output[source];
        for (int l = first; l < first + net->component[c].num_layers; l++) {
            changed[l] = output[c] && esp_layer_has_weights(&net->layer[l]);
            if (loses_units(net, cut, &net->layer[l].out)) output[c] = true;
        }
    }
}

/* ---- the dense network ---- */

static void record_block(refitting *refit, const esp_network *linear, const esp_playback *play,
                         const esp_playback_block *block)
{
    for (int l = 0; l < linear->num_layers; l++) {
        if (!refit->target[l]) continue;
        const esp_layer *layer = &linear->layer[l];
        size_t scratch_size = esp_layer_scratch(layer);
        float *scratch = scratch_size ? esp_alloc(scratch_size, sizeof(float)) : NULL;
        esp_layer_forward(linear, l, esp_playback_input(play, block, l), block->n, scratch,
                          refit->target[l] + (size_t)block->first * (size_t)layer->out_size);
        free(scratch);
    }
}

static double *mean_rows(int count, const esp_layer *layer, const float *y)
{
    size_t places = (size_t)esp_layer_rows(layer), outs = (size_t)layer->out_size / places;
    size_t rows = (size_t)count * places;
    double *mean = esp_alloc(outs, sizeof *mean);
    for (size_t i = 0; i < rows; i++, y += outs)
        for (size_t o = 0; o < outs; o++) mean[o] += (double)y[o];
    for (size_t o = 0; o < outs; o++) mean[o] /= (double)rows;
    return mean;
}

void *esp_lsq_prepare(const esp_network *net, const esp_calibration *calibration)
{
    refitting *refit = esp_alloc(1, sizeof *refit);
    *refit = (refitting){.net = net, .calibration = calibration};
    bool changed[ESP_MAX_LAYERS];
    find_changed(refit, NULL, changed);
    esp_network *linear = esp_network_clone(net); /* computes each layer on its own, without activation */
    for (int l = 0; l < net->num_layers; l++) {
        linear->layer[l].act = ESP_ACT_NONE;
        if (changed[l])
            refit->target[l] = esp_alloc((size_t)calibration->count * (size_t)net->layer[l].out_size, sizeof(float));
    }
    esp_playback *play = esp_playback_create(net, calibration);
    while (esp_playback_next(play)) {
#pragma omp parallel for schedule(dynamic)
        for (int b = 0; b < play->num_blocks; b++) record_block(refit, linear, play, &play->block[b]);
    }
    esp_playback_free(play);
    esp_network_free(linear);
    for (int l = 0; l < net->num_layers; l++)
        if (refit->target[l]) refit->mean[l] = mean_rows(calibration->count, &net->layer[l], refit->target[l]);
    return refit;
}

void esp_lsq_free(void *prepared)
{
    refitting *refit = prepared;
    for (int l = 0; l < ESP_MAX_LAYERS; l++) {
        free(refit->target[l]);
        free(refit->mean[l]);
    }
    free(refit);
}

/* ---- one repair ---- */

typedef struct {
    const refitting *refit;
    const esp_cut   *cut;
    esp_network     *net;                        /* the smaller network */
    bool             changed[ESP_MAX_LAYERS];
    float           *output[ESP_MAX_COMPONENTS]; /* [count, out_size] outputs of components that others read */
} operation;

/* Memory to run a few layers, one per thread. */
typedef struct { float *scratch, *between[2]; } workspace;

static workspace workspace_make(const esp_network *net, int from, int to)
{
    size_t widest = 1, scratch = 1;
    for (int l = from; l < to; l++) {
        if (esp_layer_scratch(&net->layer[l]) > scratch) scratch = esp_layer_scratch(&net->layer[l]);
        if ((size_t)net->layer[l].out_size > widest) widest = (size_t)net->layer[l].out_size;
    }
    return (workspace){esp_alloc(scratch, sizeof(float)),
                       {esp_alloc(BLOCK * widest, sizeof(float)), esp_alloc(BLOCK * widest, sizeof(float))}};
}

static void workspace_free(workspace *space)
{
    free(space->scratch);
    free(space->between[0]);
    free(space->between[1]);
}

/* Runs n samples x [n, in_size of from] through the layers from .. to - 1 into y. */
static void run_block(const esp_network *net, int from, int to, const workspace *space, const void *x, int n, float *y)
{
    for (int l = from; l < to; l++) {
        float *out = l == to - 1 ? y : space->between[l % 2];
        esp_layer_forward(net, l, x, n, space->scratch, out);
        x = out;
    }
}

static void run_layers(const operation *op, int from, int to, const void *x, float *y)
{
    const esp_layer *in = &op->net->layer[from], *out = &op->net->layer[to - 1];
    size_t in_bytes = (size_t)in->in_size * (in->kind == ESP_LAYER_IMAGE ? 1 : sizeof(float));
    int count = op->refit->calibration->count;
#pragma omp parallel
    {
        workspace space = workspace_make(op->net, from, to);
#pragma omp for schedule(dynamic)
        for (int first = 0; first < count; first += BLOCK)
            run_block(op->net, from, to, &space, (const char *)x + (size_t)first * in_bytes,
                      count - first < BLOCK ? count - first : BLOCK, y + (size_t)first * (size_t)out->out_size);
        workspace_free(&space);
    }
}

/* The targets, relative to their means, of kept outputs first_out .. first_out + outs - 1, [n * rows, outs]. */
static void gather_targets(const operation *op, int l, int first_out, int outs, int first, int n, float *y)
{
    const esp_layer *dense = &op->refit->net->layer[l];
    int axis = dense->out.part[0].axis, size = op->refit->net->axis[axis].size, rows = esp_layer_rows(dense);
    const int *kept = op->cut->kept[axis] + first_out;
    const float *target = op->refit->target[l] + (size_t)first * (size_t)dense->out_size;
    const double *mean = op->refit->mean[l];
    for (int i = 0; i < n * rows; i++, target += size)
        for (int k = 0; k < outs; k++) *y++ = target[kept[k]] - (float)mean[kept[k]];
}

/* One sum over all samples: the Gram matrix (outs 0), or the products of a few outputs with the inputs. */
static void collect(const operation *op, int l, const float *x, int first_out, int outs, esp_gram *gram)
{
    const esp_layer *layer = &op->net->layer[l];
    int count = op->refit->calibration->count;
    size_t rows = (size_t)esp_layer_rows(layer);
    float *y = outs ? esp_alloc(BLOCK * rows * (size_t)outs, sizeof *y) : NULL;
    esp_gram_init(gram, layer, outs);
    for (int first = 0; first < count; first += BLOCK) {
        int n = count - first < BLOCK ? count - first : BLOCK;
        if (y) gather_targets(op, l, first_out, outs, first, n, y);
        esp_gram_add(gram, layer, x + (size_t)first * (size_t)layer->in_size, n, y);
    }
    esp_gram_finish(gram);
    free(y);
}

/* (G + ridge) w^T = cross^T + ridge w0^T: the least-squares fit that is drawn towards the old weights w0; the bias
 * then keeps the mean. */
static void solve(const operation *op, int l, const esp_gram *factor, int first_out, esp_gram *cross)
{
    const esp_layer *layer = &op->net->layer[l];
    size_t columns = (size_t)cross->columns;
    float *weights = esp_network_weights(op->net, layer->weight) + (size_t)first_out * columns;
    float *bias = esp_network_weights(op->net, layer->bias) + first_out;
    const int *kept = op->cut->kept[layer->out.part[0].axis] + first_out;
    for (size_t i = 0; i < (size_t)cross->outs * columns; i++) cross->g[i] += factor->ridge * (double)weights[i];
    esp_spd_solve(cross->columns, cross->outs, factor->g, cross->g);
    for (size_t o = 0; o < (size_t)cross->outs; o++) {
        double mean = op->refit->mean[l][kept[o]];
        for (size_t j = 0; j < columns; j++) {
            weights[o * columns + j] = (float)cross->g[o * columns + j];
            mean -= cross->g[o * columns + j] * factor->mean[j];
        }
        bias[o] = (float)mean;
    }
}

static esp_status factor(const esp_layer *layer, esp_gram *gram)
{
    esp_gram_add_ridge(gram, ESP_LSQ_SHRINKAGE * gram->columns / (double)gram->rows);
    esp_status status = esp_spd_factor(gram->columns, gram->g);
    return status == ESP_OK ? status : esp_fail_in(status, "layer '%s' cannot be fitted", layer->module);
}

/* The Gram matrix and stripes of outputs are independent sums, which the threads share. */
static esp_status fit(const operation *op, int l, const float *x)
{
    const esp_layer *layer = &op->net->layer[l];
    int outs = layer->out_size / esp_layer_rows(layer), stripes = (outs + STRIPE - 1) / STRIPE;
    esp_gram *grams = esp_alloc((size_t)stripes + 1, sizeof *grams);
#pragma omp parallel for schedule(dynamic)
    for (int s = 0; s <= stripes; s++) {
        int first = (s - 1) * STRIPE;
        collect(op, l, x, first, s == 0 ? 0 : outs - first < STRIPE ? outs - first : STRIPE, &grams[s]);
    }
    esp_status status = factor(layer, &grams[0]);
#pragma omp parallel for schedule(dynamic)
    for (int s = 1; s <= stripes; s++)
        if (status == ESP_OK) solve(op, l, &grams[0], (s - 1) * STRIPE, &grams[s]);
    for (int s = 0; s <= stripes; s++) esp_gram_free(&grams[s]);
    free(grams);
    return status;
}

/* What a component reads in the smaller network; the caller frees *owned. */
static const void *component_input(const operation *op, int c, float **owned)
{
    const esp_calibration *calibration = op->refit->calibration;
    const esp_feed *feed = &calibration->feed[c];
    if (feed->source < 0) return feed->data;
    if (!feed->columns) return op->output[feed->source];
    *owned = esp_alloc((size_t)calibration->count * (size_t)op->net->component[c].in_size, sizeof(float));
    esp_feed_join(feed, 0, calibration->count, op->net->component[feed->source].out_size, op->output[feed->source],
                  *owned);
    return *owned;
}

/* Runs x through the layers from `from` up to `to`. */
static const void *advance(const operation *op, int from, int to, const void *x, float **owned)
{
    if (from == to) return x;
    float *y = esp_alloc((size_t)op->refit->calibration->count * (size_t)op->net->layer[to - 1].out_size, sizeof *y);
    run_layers(op, from, to, x, y);
    free(*owned);
    return *owned = y;
}

static esp_status fit_component(operation *op, int c)
{
    int first = op->net->component[c].first_layer, end = first + op->net->component[c].num_layers, at = first;
    float *owned = NULL;
    const void *x = component_input(op, c, &owned);
    esp_status status = ESP_OK;
    for (int l = first; l < end && status == ESP_OK; l++) {
        if (!op->changed[l]) continue;
        x = advance(op, at, l, x, &owned);
        at = l;
        status = fit(op, l, x);
    }
    if (status == ESP_OK && esp_calibration_is_source(op->net, op->refit->calibration, c)) {
        advance(op, at, end, x, &owned);
        op->output[c] = owned;
        owned = NULL;
    }
    free(owned);
    return status;
}

esp_status esp_lsq_repair(const void *prepared, const esp_cut *cut, esp_network *net)
{
    const refitting *refit = prepared;
    operation op = {.refit = refit, .cut = cut, .net = net};
    find_changed(refit, cut, op.changed);
    esp_status status = ESP_OK;
    for (int c = 0; c < net->num_components && status == ESP_OK; c++)
        if (esp_calibration_feeds(refit->calibration, c)) status = fit_component(&op, c);
    for (int c = 0; c < net->num_components; c++) free(op.output[c]);
    return status;
}
