/* Compensation by least squares: front to back, every layer of the smaller network whose input has changed is fitted
 * so that its actual input gives what the dense network computed there. */
#include <stdlib.h>
#include <string.h>

#include "pruning/compensate_internal.h"
#include "pruning/refit_internal.h"

enum { BLOCK = 256 }; /* samples that go through a few layers together */

typedef struct {
    const esp_network     *net;
    const esp_calibration *calibration;
    float  *target[ESP_MAX_LAYERS]; /* [count * rows, outs] pre-activations of the dense network */
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
    return refit;
}

void esp_lsq_free(void *prepared)
{
    refitting *refit = prepared;
    for (int l = 0; l < ESP_MAX_LAYERS; l++) free(refit->target[l]);
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

static esp_status fit(const operation *op, int l, const float *x)
{
    const esp_calibration *calibration = op->refit->calibration;
    const esp_network *net = op->refit->net;
    const esp_layer *dense = &net->layer[l];
    int *kept = esp_alloc((size_t)esp_dim_size(net, &dense->out), sizeof *kept);
    esp_cut_positions(net, op->cut, &dense->out, kept);
    esp_status status = esp_refit_layer(&(esp_refit){
        .net = op->net, .layer = l, .count = calibration->count, .refinements = calibration->refinements, .x = x,
        .target = op->refit->target[l], .target_outs = dense->out_size / esp_layer_rows(dense), .kept = kept});
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
