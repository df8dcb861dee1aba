/* Recorded data: how the components of a network are fed with it, and what then stands at every
 * layer. A batch is cut into blocks of fixed size that run on all threads; who sums over samples
 * does so block by block in order, so no sum depends on the number of threads. */
#include <stdlib.h>
#include <string.h>

#include "pruning/pruning_internal.h"

/* ---- does it fit? ---- */

bool esp_calibration_feeds(const esp_calibration *calibration, int component)
{
    return calibration->feed[component].source >= 0 || calibration->feed[component].data;
}

bool esp_calibration_is_source(const esp_network *net, const esp_calibration *calibration, int component)
{
    for (int c = component + 1; c < net->num_components; c++)
        if (calibration->feed[c].source == component) return true;
    return false;
}

static esp_status check_source(const esp_network *net, const esp_calibration *calibration, int c)
{
    const esp_feed *feed = &calibration->feed[c];
    const esp_component *component = &net->component[c];
    if (feed->source >= c || !esp_calibration_feeds(calibration, feed->source))
        return esp_fail(ESP_ERR_SHAPE, "recorded data of '%s': its source is component %d, expected one that is fed "
                        "and stands before it", component->name, feed->source);
    if (feed->columns < 0 || (feed->columns > 0) != (feed->data != NULL))
        return esp_fail(ESP_ERR_SHAPE, "recorded data of '%s': %d columns %s data", component->name, feed->columns,
                        feed->data ? "with" : "without");
    int width = net->component[feed->source].out_size + feed->columns;
    if (width != component->in_size)
        return esp_fail(ESP_ERR_SHAPE, "recorded data of '%s': the output of '%s' and %d columns are %d values, the "
                        "input has %d", component->name, net->component[feed->source].name, feed->columns, width,
                        component->in_size);
    return ESP_OK;
}

/* Recorded values stay as many when units are removed, so they must not stand for units. */
static esp_status check_fixed(const esp_network *net, const esp_calibration *calibration, int c)
{
    const esp_dim *in = &net->layer[net->component[c].first_layer].in;
    for (int p = calibration->feed[c].source >= 0; p < in->num; p++)
        if (net->axis[in->part[p].axis].prunable)
            return esp_fail(ESP_ERR_SHAPE, "recorded data of '%s': it stands for units of '%s', which can be removed; "
                            "name the component they come from", net->component[c].name,
                            net->axis[in->part[p].axis].name);
    return ESP_OK;
}

esp_status esp_calibration_check(const esp_network *net, const esp_calibration *calibration)
{
    if (calibration->count < 1)
        return esp_fail(ESP_ERR_SHAPE, "recorded data: %d samples, expected at least one", calibration->count);
    int fed = 0;
    for (int c = 0; c < net->num_components; c++) {
        if (!esp_calibration_feeds(calibration, c)) continue;
        esp_status status = check_fixed(net, calibration, c);
        if (status == ESP_OK && calibration->feed[c].source >= 0) status = check_source(net, calibration, c);
        if (status != ESP_OK) return status;
        fed++;
    }
    return fed ? ESP_OK : esp_fail(ESP_ERR_SHAPE, "recorded data: no component is fed");
}

/* ---- playback ---- */

enum { BLOCK = 128 };

esp_playback *esp_playback_create(const esp_network *net, const esp_calibration *calibration)
{
    esp_playback *play = esp_alloc(1, sizeof *play);
    play->net = net;
    play->calibration = calibration;
    int blocks = (calibration->count + BLOCK - 1) / BLOCK;
    play->max_blocks = blocks < ESP_PLAYBACK_BLOCKS ? blocks : ESP_PLAYBACK_BLOCKS;
    for (int b = 0; b < play->max_blocks; b++) {
        esp_playback_block *block = &play->block[b];
        for (int c = 0; c < net->num_components; c++) {
            if (!esp_calibration_feeds(calibration, c)) continue;
            block->tape[c] = esp_tape_create(net, c, BLOCK);
            if (calibration->feed[c].source >= 0 && calibration->feed[c].columns)
                block->joined[c] = esp_alloc((size_t)BLOCK * (size_t)net->component[c].in_size, sizeof(float));
        }
    }
    return play;
}

void esp_playback_free(esp_playback *play)
{
    if (!play) return;
    for (int b = 0; b < play->max_blocks; b++) {
        for (int c = 0; c < play->net->num_components; c++) {
            esp_tape_free(play->block[b].tape[c]);
            free(play->block[b].joined[c]);
        }
    }
    free(play);
}

void esp_feed_join(const esp_feed *feed, int first, int n, int width, const float *source, float *joined)
{
    const float *data = (const float *)feed->data + (size_t)first * (size_t)feed->columns;
    size_t total = (size_t)(width + feed->columns);
    for (int i = 0; i < n; i++) {
        memcpy(joined + i * total, source + (size_t)i * (size_t)width, (size_t)width * sizeof *joined);
        memcpy(joined + i * total + width, data + (size_t)i * (size_t)feed->columns,
               (size_t)feed->columns * sizeof *joined);
    }
}

const void *esp_feed_rows(const esp_network *net, const esp_calibration *calibration, int component, int first)
{
    const char *data = calibration->feed[component].data;
    size_t size = (size_t)net->component[component].in_size;
    bool image = net->layer[net->component[component].first_layer].kind == ESP_LAYER_IMAGE;
    return data + (size_t)first * size * (image ? 1 : sizeof(float));
}

static const void *component_input(const esp_playback *play, esp_playback_block *block, int c)
{
    const esp_feed *feed = &play->calibration->feed[c];
    if (feed->source < 0) return esp_feed_rows(play->net, play->calibration, c, block->first);
    const float *source = esp_playback_output(play, block, feed->source);
    if (!feed->columns) return source;
    esp_feed_join(feed, block->first, block->n, play->net->component[feed->source].out_size, source, block->joined[c]);
    return block->joined[c];
}

static void run_block(const esp_playback *play, esp_playback_block *block)
{
    for (int c = 0; c < play->net->num_components; c++) {
        if (!block->tape[c]) continue;
        block->input[c] = component_input(play, block, c);
        esp_forward(play->net, block->tape[c], block->input[c], block->n);
    }
}

bool esp_playback_next(esp_playback *play)
{
    int left = play->calibration->count - play->played;
    play->num_blocks = 0;
    for (int b = 0; b < play->max_blocks && left > 0; b++) {
        esp_playback_block *block = &play->block[play->num_blocks++];
        block->first = play->played;
        block->n = left < BLOCK ? left : BLOCK;
        play->played += block->n;
        left -= block->n;
    }
#pragma omp parallel for schedule(dynamic)
    for (int b = 0; b < play->num_blocks; b++) run_block(play, &play->block[b]);
    return play->num_blocks > 0;
}

const float *esp_playback_input(const esp_playback *play, const esp_playback_block *block, int layer)
{
    int component = play->net->layer[layer].component, i = layer - play->net->component[component].first_layer;
    return i == 0 ? block->input[component] : esp_tape_output(block->tape[component], i - 1);
}

const float *esp_playback_output(const esp_playback *play, const esp_playback_block *block, int component)
{
    return esp_tape_output(block->tape[component], play->net->component[component].num_layers - 1);
}

/* ---- who reads an axis ---- */

bool esp_layer_has_weights(const esp_layer *layer)
{
    return layer->kind == ESP_LAYER_DENSE || layer->kind == ESP_LAYER_CONV2D;
}

int esp_axis_readers(const esp_network *net, const esp_calibration *calibration, int axis, esp_reader *out)
{
    int count = 0;
    for (int l = 0; l < net->num_layers; l++) {
        const esp_layer *layer = &net->layer[l];
        if (!esp_layer_has_weights(layer) || !esp_calibration_feeds(calibration, layer->component)) continue;
        int area = layer->kind == ESP_LAYER_CONV2D ? layer->kernel * layer->kernel : 1, first = 0;
        for (int p = 0; p < layer->in.num; p++) {
            int part = layer->in.part[p].axis, block = layer->in.part[p].block * area;
            if (part == axis) out[count++] = (esp_reader){l, first, block};
            first += net->axis[part].size * block;
        }
    }
    return count;
}

int *esp_reader_units(const esp_network *net, const esp_reader *reader, int axis)
{
    const esp_layer *layer = &net->layer[reader->layer];
    int units = net->axis[axis].size, *unit = esp_alloc((size_t)layer->in_size, sizeof *unit);
    for (int j = 0; j < layer->in_size; j++) {
        if (layer->kind == ESP_LAYER_CONV2D) { /* channels are innermost, and one axis */
            unit[j] = j % units;
            continue;
        }
        int u = j < reader->first ? -1 : (j - reader->first) / reader->block;
        unit[j] = u < units ? u : -1;
    }
    return unit;
}

int esp_reader_heard(const esp_network *net, const esp_calibration *calibration, const esp_reader *reader)
{
    int component = net->layer[reader->layer].component;
    if (reader->layer > net->component[component].first_layer) return reader->layer - 1;
    const esp_component *source = &net->component[calibration->feed[component].source];
    return source->first_layer + source->num_layers - 1;
}

void esp_pruned_readers(const esp_network *net, const esp_calibration *calibration, bool *wanted)
{
    memset(wanted, 0, ESP_MAX_LAYERS * sizeof *wanted);
    for (int axis = 0; axis < net->num_axes; axis++) {
        esp_reader readers[ESP_MAX_READERS];
        int count = net->axis[axis].prunable ? esp_axis_readers(net, calibration, axis, readers) : 0;
        for (int r = 0; r < count; r++) wanted[readers[r].layer] = true;
    }
}
