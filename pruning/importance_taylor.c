/* Importance by the loss (Molchanov et al. 2017, arXiv:1611.06440): to first order, silencing a unit changes the loss
 * of a sample by its loss gradient times its activation, summed over its pixels. */
#include <math.h>
#include <stdlib.h>

#include "pruning/importance_internal.h"

/* The output of one layer, along an axis. */
typedef struct {
    int  axis, layer;
    int *unit;         /* unit of every value of the output */
} output;

typedef struct {
    const esp_network *net;
    int   num_outputs;
    output output[ESP_MAX_READERS];
} outputs;

static bool known(const outputs *v, int axis, int layer)
{
    for (int i = 0; i < v->num_outputs; i++)
        if (v->output[i].axis == axis && v->output[i].layer == layer) return true;
    return false;
}

/* Several layers may read one output; backward has summed their gradients. */
static void list_outputs(const esp_network *net, const esp_calibration *calibration, outputs *out)
{
    *out = (outputs){.net = net};
    for (int axis = 0; axis < net->num_axes; axis++) {
        esp_reader readers[ESP_MAX_READERS];
        int count = net->axis[axis].prunable ? esp_axis_readers(net, calibration, axis, readers) : 0;
        for (int r = 0; r < count; r++) {
            int layer = esp_reader_producer(net, calibration, &readers[r]);
            if (known(out, axis, layer)) continue;
            out->output[out->num_outputs++] = (output){axis, layer, esp_reader_units(net, &readers[r], axis)};
        }
    }
}

/* Sums of one block of samples. */
typedef struct {
    const outputs *outputs;
    double *change[ESP_MAX_AXES]; /* [n, units] change of the loss, per sample */
    double *sum[ESP_MAX_AXES];    /* [units] sum of its magnitude */
} block_sums;

static void add_change(void *context, const esp_playback_block *block, int l, const float *dy)
{
    const block_sums *sums = context;
    const esp_network *net = sums->outputs->net;
    const esp_layer *layer = &net->layer[l];
    const float *y = esp_tape_output(block->tape[layer->component], l - net->component[layer->component].first_layer);
    for (int v = 0; v < sums->outputs->num_outputs; v++) {
        const output *output = &sums->outputs->output[v];
        if (output->layer != l) continue;
        int units = net->axis[output->axis].size;
        for (int i = 0; i < block->n; i++) {
            double *change = sums->change[output->axis] + (size_t)i * (size_t)units;
            for (int j = 0; j < layer->out_size; j++) {
                size_t at = (size_t)i * (size_t)layer->out_size + (size_t)j;
                if (output->unit[j] >= 0) change[output->unit[j]] += (double)dy[at] * (double)y[at];
            }
        }
    }
}

static void run_block(const esp_loss *loss, const esp_playback *play, const esp_playback_block *block,
                      block_sums *sums)
{
    const esp_network *net = sums->outputs->net;
    for (int axis = 0; axis < net->num_axes; axis++) {
        size_t units = (size_t)net->axis[axis].size;
        sums->change[axis] = esp_alloc((size_t)block->n * units, sizeof(double));
        sums->sum[axis] = esp_alloc(units, sizeof(double));
    }
    esp_loss_backward(loss, play, block, add_change, sums);
    for (int axis = 0; axis < net->num_axes; axis++) {
        size_t units = (size_t)net->axis[axis].size;
        for (size_t i = 0; i < (size_t)block->n * units; i++) sums->sum[axis][i % units] += fabs(sums->change[axis][i]);
        free(sums->change[axis]);
    }
}

static void take_sums(const esp_network *net, block_sums *sums, double *const *scores)
{
    for (int axis = 0; axis < net->num_axes; axis++) {
        for (int u = 0; u < net->axis[axis].size; u++) scores[axis][u] += sums->sum[axis][u];
        free(sums->sum[axis]);
    }
}

esp_status esp_score_taylor(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                            double *const *scores)
{
    outputs outputs;
    list_outputs(net, calibration, &outputs);
    esp_loss *loss = esp_loss_create(net, calibration, false, seed);
    esp_playback *play = esp_playback_create(net, calibration);
    while (esp_playback_next(play)) {
        block_sums sums[ESP_PLAYBACK_BLOCKS];
#pragma omp parallel for schedule(dynamic)
        for (int b = 0; b < play->num_blocks; b++) {
            sums[b] = (block_sums){.outputs = &outputs};
            run_block(loss, play, &play->block[b], &sums[b]);
        }
        for (int b = 0; b < play->num_blocks; b++) take_sums(net, &sums[b], scores);
    }
    esp_playback_free(play);
    esp_loss_free(loss);
    for (int v = 0; v < outputs.num_outputs; v++) free(outputs.output[v].unit);
    for (int axis = 0; axis < net->num_axes; axis++)
        for (int u = 0; u < net->axis[axis].size; u++) scores[axis][u] /= calibration->count;
    return ESP_OK;
}
