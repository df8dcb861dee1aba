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

/* Finds the fed layers with weights of their own whose input differs from that in the dense network. */
static void find_changed(const refitting *refit, const esp_cut *cut, bool *changed)
{
    const esp_network *net = refit->net;
    bool output[ESP_MAX_COMPONENTS] = {false}, differs[ESP_MAX_LAYERS] = {false};
    memset(changed, 0, ESP_MAX_LAYERS * sizeof *changed);
    for (int c = 0; c < net->num_components; c++) {
        int source = refit->calibration->feed[c].source, first = net->component[c].first_layer;
        if (!esp_calibration_feeds(refit->calibration, c)) continue;
        bool row = source >= 0 && output[source];
        for (int l = first; l < first + net->component[c].num_layers; l++) {
            const esp_layer *layer = &net->layer[l];
            bool in = false;
            for (int k = 0; k < layer->num_inputs; k++)
                in = in || (layer->input[k] == ESP_INPUT ? row : differs[layer->input[k]]);
            changed[l] = in && esp_layer_has_weights(layer) && !esp_layer_shares_weights(net, l);
            output[c] = differs[l] = in || loses_units(net, cut, &layer->out);
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
    const void      *row;                        /* [count, in_size] what the component at work reads */
    float           *value[ESP_MAX_LAYERS];      /* [count, out_size] outputs of layers that others still read */
    float           *output[ESP_MAX_COMPONENTS]; /* [count, out_size] outputs of components that others read */
} operation;

/* Whether a layer at or behind `to` reads the output of layer l, or else another component does. */
static bool is_read(const operation *op, int l, int to)
{
    const esp_component *c = &op->net->component[op->net->layer[l].component];
    int end = c->first_layer + c->num_layers;
    for (int reader = to; reader < end; reader++)
        for (int k = 0; k < op->net->layer[reader].num_inputs; k++)
            if (op->net->layer[reader].input[k] == l) return true;
    return l == end - 1 && to == end;
}

/* Memory to run a few layers, one per thread. */
typedef struct { float *scratch, *between[ESP_MAX_LAYERS]; } workspace;

static void workspace_make(const operation *op, int from, int to, workspace *space)
{
    size_t scratch = 1;
    for (int l = from; l < to; l++) {
        const esp_layer *layer = &op->net->layer[l];
        if (esp_layer_scratch(layer) > scratch) scratch = esp_layer_scratch(layer);
        space->between[l] = op->value[l] ? NULL : esp_alloc(BLOCK * (size_t)layer->out_size, sizeof(float));
    }
    space->scratch = esp_alloc(scratch, sizeof(float));
}

static void workspace_free(int from, int to, workspace *space)
{
    free(space->scratch);
    for (int l = from; l < to; l++) free(space->between[l]);
}

/* Where a value of the samples from `first` on is; ESP_INPUT: the row. */
static const void *rows_of(const operation *op, const workspace *space, int component, int l, int first)
{
    if (l == ESP_INPUT) {
        size_t bytes = esp_component_reads_bytes(op->net, component) ? 1 : sizeof(float);
        return (const char *)op->row + (size_t)first * (size_t)op->net->component[component].in_size * bytes;
    }
    return op->value[l] ? op->value[l] + (size_t)first * (size_t)op->net->layer[l].out_size : space->between[l];
}

/* Runs the samples first .. first + n - 1 through the layers from .. to - 1. */
static void run_block(const operation *op, int from, int to, const workspace *space, int first, int n)
{
    for (int l = from; l < to; l++) {
        const esp_layer *layer = &op->net->layer[l];
        const void *x[ESP_MAX_INPUTS];
        for (int k = 0; k < layer->num_inputs; k++)
            x[k] = rows_of(op, space, layer->component, layer->input[k], first);
        float *y = op->value[l] ? op->value[l] + (size_t)first * (size_t)layer->out_size : space->between[l];
        esp_layer_apply(op->net, l, x, n, space->scratch, y);
    }
}

/* Runs all samples through the layers from .. to - 1 and keeps what is read from `to` on. */
static void advance(operation *op, int first_layer, int from, int to)
{
    int count = op->refit->calibration->count;
    for (int l = from; l < to; l++)
        if (is_read(op, l, to))
            op->value[l] = esp_alloc((size_t)count * (size_t)op->net->layer[l].out_size, sizeof(float));
#pragma omp parallel if (from < to)
    {
        workspace space;
        workspace_make(op, from, to, &space);
#pragma omp for schedule(dynamic)
        for (int first = 0; first < count; first += BLOCK)
            run_block(op, from, to, &space, first, count - first < BLOCK ? count - first : BLOCK);
        workspace_free(from, to, &space);
    }
    for (int l = first_layer; l < from; l++) {
        if (is_read(op, l, to)) continue;
        free(op->value[l]);
        op->value[l] = NULL;
    }
}

/* The targets, relative to their means, of kept outputs first_out .. first_out + outs - 1, [n * rows, outs]; kept: the
 * outputs of the smaller layer in the dense one. */
static void gather_targets(const operation *op, int l, const int *kept, int first_out, int outs, int first, int n,
                           float *y)
{
    const esp_layer *dense = &op->refit->net->layer[l];
    int rows = esp_layer_rows(dense), size = dense->out_size / rows;
    const float *target = op->refit->target[l] + (size_t)first * (size_t)dense->out_size;
    const double *mean = op->refit->mean[l];
    for (int i = 0; i < n * rows; i++, target += size)
        for (int k = first_out; k < first_out + outs; k++) *y++ = target[kept[k]] - (float)mean[kept[k]];
}

/* One sum over all samples: the Gram matrix (outs 0), or the products of a few outputs with the inputs. */
static void collect(const operation *op, int l, const float *x, const int *kept, int first_out, int outs,
                    esp_gram *gram)
{
    const esp_layer *layer = &op->net->layer[l];
    int count = op->refit->calibration->count;
    size_t rows = (size_t)esp_layer_rows(layer);
    float *y = outs ? esp_alloc(BLOCK * rows * (size_t)outs, sizeof *y) : NULL;
    esp_gram_init(gram, layer, outs);
    for (int first = 0; first < count; first += BLOCK) {
        int n = count - first < BLOCK ? count - first : BLOCK;
        if (y) gather_targets(op, l, kept, first_out, outs, first, n, y);
        esp_gram_add(gram, layer, x + (size_t)first * (size_t)layer->in_size, n, y);
    }
    esp_gram_finish(gram);
    free(y);
}

/* Without a bias the fit has to meet the means, too: moments in place of covariances. */
static void use_moments(const operation *op, int l, const int *kept, int first_out, const double *x_mean,
                        esp_gram *gram)
{
    size_t columns = (size_t)gram->columns, height = gram->outs ? (size_t)gram->outs : columns;
    if (op->net->layer[l].bias >= 0) return;
    for (size_t i = 0; i < height; i++) {
        double mean = gram->outs ? op->refit->mean[l][kept[(size_t)first_out + i]] : x_mean[i];
        for (size_t j = 0; j < columns; j++) gram->g[i * columns + j] += mean * x_mean[j];
    }
}

/* (G + ridge) w^T = cross^T + ridge w0^T: the least-squares fit that is drawn towards the old weights w0; the bias
 * then keeps the mean. */
static void solve(const operation *op, int l, const int *kept, const esp_gram *factor, int first_out, esp_gram *cross)
{
    const esp_layer *layer = &op->net->layer[l];
    size_t columns = (size_t)cross->columns;
    float *weights = esp_network_weights(op->net, layer->weight) + (size_t)first_out * columns;
    float *bias = layer->bias >= 0 ? esp_network_weights(op->net, layer->bias) + first_out : NULL;
    use_moments(op, l, kept, first_out, factor->mean, cross);
    for (size_t i = 0; i < (size_t)cross->outs * columns; i++) cross->g[i] += factor->ridge * (double)weights[i];
    esp_spd_solve(cross->columns, cross->outs, factor->g, cross->g);
    for (size_t o = 0; o < (size_t)cross->outs; o++) {
        double mean = op->refit->mean[l][kept[(size_t)first_out + o]];
        for (size_t j = 0; j < columns; j++) {
            weights[o * columns + j] = (float)cross->g[o * columns + j];
            mean -= cross->g[o * columns + j] * factor->mean[j];
        }
        if (bias) bias[o] = (float)mean;
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
    const esp_layer *layer = &op->net->layer[l], *dense = &op->refit->net->layer[l];
    int *kept = esp_alloc((size_t)esp_dim_size(op->refit->net, &dense->out), sizeof *kept);
    int outs = esp_cut_positions(op->refit->net, op->cut, &dense->out, kept), stripes = (outs + STRIPE - 1) / STRIPE;
    esp_gram *grams = esp_alloc((size_t)stripes + 1, sizeof *grams);
#pragma omp parallel for schedule(dynamic)
    for (int s = 0; s <= stripes; s++) {
        int first = (s - 1) * STRIPE;
        collect(op, l, x, kept, first, s == 0 ? 0 : outs - first < STRIPE ? outs - first : STRIPE, &grams[s]);
    }
    use_moments(op, l, kept, 0, grams[0].mean, &grams[0]);
    esp_status status = factor(layer, &grams[0]);
#pragma omp parallel for schedule(dynamic)
    for (int s = 1; s <= stripes; s++)
        if (status == ESP_OK) solve(op, l, kept, &grams[0], (s - 1) * STRIPE, &grams[s]);
    for (int s = 0; s <= stripes; s++) esp_gram_free(&grams[s]);
    free(grams);
    free(kept);
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

static esp_status fit_component(operation *op, int c)
{
    int first = op->net->component[c].first_layer, end = first + op->net->component[c].num_layers, at = first;
    float *owned = NULL;
    op->row = component_input(op, c, &owned);
    esp_status status = ESP_OK;
    for (int l = first; l < end && status == ESP_OK; l++) {
        if (!op->changed[l]) continue;
        int read = op->net->layer[l].input[0];
        advance(op, first, at, l);
        at = l;
        status = fit(op, l, read == ESP_INPUT ? op->row : op->value[read]);
    }
    if (status == ESP_OK && esp_calibration_is_source(op->net, op->refit->calibration, c)) {
        advance(op, first, at, end);
        op->output[c] = op->value[end - 1];
        op->value[end - 1] = NULL;
    }
    for (int l = first; l < end; l++) {
        free(op->value[l]);
        op->value[l] = NULL;
    }
    free(owned);
    return status;
}

esp_status esp_lsq_repair(const void *prepared, const esp_cut *cut, esp_network *net)
{
    const refitting *refit = prepared;
    operation *op = esp_alloc(1, sizeof *op);
    *op = (operation){.refit = refit, .cut = cut, .net = net};
    find_changed(refit, cut, op->changed);
    esp_status status = ESP_OK;
    for (int c = 0; c < net->num_components && status == ESP_OK; c++)
        if (esp_calibration_feeds(refit->calibration, c)) status = fit_component(op, c);
    for (int c = 0; c < net->num_components; c++) free(op->output[c]);
    free(op);
    return status;
}
