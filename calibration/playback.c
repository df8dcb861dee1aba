/* Playback: runs recorded data through a network. A batch is divided into blocks of fixed size that run on all threads;
 * callers sum over samples block by block in order, so no sum depends on the number of threads. */
#include <stdlib.h>
#include <string.h>

#include "calibration/calibration.h"

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
    return data + (size_t)first * size * (esp_component_reads_bytes(net, component) ? 1 : sizeof(float));
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
    int component = play->net->layer[layer].component, read = play->net->layer[layer].input[0];
    if (read == ESP_INPUT) return block->input[component];
    return esp_tape_output(block->tape[component], read - play->net->component[component].first_layer);
}

const float *esp_playback_output(const esp_playback *play, const esp_playback_block *block, int component)
{
    return esp_tape_output(block->tape[component], play->net->component[component].num_layers - 1);
}
