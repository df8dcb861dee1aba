/* Gram matrices: mean products of what the weights of a layer are multiplied with, over all samples
 * and all places of a kernel, with a constant 1 behind the columns for the bias; and mean products of
 * targets with the same. Together they are the normal equations of a least-squares fit. */
#include <stdlib.h>
#include <string.h>

#include "pruning/pruning_internal.h"

enum {
    FLOAT_ROWS = 1024,        /* rows summed in float before they go into the sums in double */
    PATCH_FLOATS = 192 * 1024 /* patches of a convolution laid out at once */
};

void esp_gram_init(esp_gram *gram, const esp_layer *layer, int outs)
{
    size_t columns = (size_t)esp_layer_columns(layer), height = outs ? (size_t)outs : columns;
    size_t image = columns * (size_t)esp_layer_rows(layer);
    *gram = (esp_gram){.n = (int)columns + 1, .outs = outs};
    gram->g = esp_alloc((outs ? height : height + 1) * (columns + 1), sizeof(double));
    gram->products = esp_alloc(height * columns, sizeof(float));
    gram->sums = esp_alloc(height, sizeof(float));
    if (layer->kind == ESP_LAYER_CONV2D) {
        gram->images = image < PATCH_FLOATS ? (int)(PATCH_FLOATS / image) : 1;
        gram->patches = esp_alloc((size_t)gram->images * image, sizeof(float));
    }
}

static void free_sums(esp_gram *gram)
{
    free(gram->products);
    free(gram->sums);
    free(gram->patches);
    gram->products = gram->sums = gram->patches = NULL;
}

void esp_gram_free(esp_gram *gram)
{
    free_sums(gram);
    free(gram->g);
    *gram = (esp_gram){0};
}

static void flush(esp_gram *gram)
{
    size_t n = (size_t)gram->n, columns = n - 1, height = gram->outs ? (size_t)gram->outs : columns;
    if (!gram->pending) return;
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < (gram->outs ? columns : i + 1); j++)
            gram->g[i * n + j] += (double)gram->products[i * columns + j];
    for (size_t i = 0; i < height; i++)
        gram->g[gram->outs ? i * n + columns : columns * n + i] += (double)gram->sums[i];
    gram->rows += gram->pending;
    gram->pending = 0;
}

static void add_sums(int rows, int columns, const float *x, float *sums)
{
    for (int i = 0; i < rows; i++, x += columns)
        for (int j = 0; j < columns; j++) sums[j] += x[j];
}

static void add_rows(esp_gram *gram, int rows, const float *x, const float *y)
{
    int columns = gram->n - 1, height = gram->outs ? gram->outs : columns;
    float keep = gram->pending ? 1.0f : 0.0f;
    if (!gram->pending) memset(gram->sums, 0, (size_t)height * sizeof *gram->sums);
    if (gram->outs) esp_gemm_tn(gram->outs, columns, rows, y, x, keep, gram->products);
    else            esp_syrk(columns, rows, x, keep, gram->products);
    add_sums(rows, height, gram->outs ? y : x, gram->sums);
    gram->pending += rows;
    if (gram->pending >= FLOAT_ROWS) flush(gram);
}

void esp_gram_add(esp_gram *gram, const esp_layer *layer, const float *x, int n, const float *y)
{
    if (layer->kind != ESP_LAYER_CONV2D) {
        add_rows(gram, n, x, y);
        return;
    }
    int rows = esp_layer_rows(layer);
    for (int first = 0; first < n; first += gram->images) {
        int images = n - first < gram->images ? n - first : gram->images;
        esp_layer_patches(layer, x + (size_t)first * (size_t)layer->in_size, images, gram->patches);
        add_rows(gram, images * rows, gram->patches, y ? y + (size_t)first * (size_t)(rows * gram->outs) : NULL);
    }
}

void esp_gram_finish(esp_gram *gram)
{
    size_t n = (size_t)gram->n, outs = (size_t)gram->outs;
    flush(gram);
    free_sums(gram);
    double rows = (double)gram->rows;
    for (size_t i = 0; i < outs * n; i++) gram->g[i] /= rows;
    if (outs) return;
    gram->g[n * n - 1] = rows;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) gram->g[j * n + i] = gram->g[i * n + j] /= rows;
}

double esp_gram_ridge(const esp_gram *gram, double share)
{
    size_t n = (size_t)gram->n;
    double trace = 0;
    for (size_t i = 0; i + 1 < n; i++) trace += gram->g[i * n + i];
    /* When all inputs are zero nothing depends on their weights, and any ridge will do. */
    return trace > 0 ? share * trace / (double)(n - 1) : 1;
}

/* ---- of a whole network ---- */

void esp_grams_make(const esp_network *net, const esp_calibration *calibration, const bool *wanted, esp_gram *grams)
{
    for (int l = 0; l < net->num_layers; l++) {
        grams[l] = (esp_gram){0};
        if (wanted[l]) esp_gram_init(&grams[l], &net->layer[l], 0);
    }
    esp_playback *play = esp_playback_create(net, calibration);
    while (esp_playback_next(play)) {
#pragma omp parallel for schedule(dynamic)
        for (int l = 0; l < net->num_layers; l++)
            for (int b = 0; b < play->num_blocks && wanted[l]; b++)
                esp_gram_add(&grams[l], &net->layer[l], esp_playback_input(play, &play->block[b], l),
                             play->block[b].n, NULL);
    }
    esp_playback_free(play);
    for (int l = 0; l < net->num_layers; l++)
        if (wanted[l]) esp_gram_finish(&grams[l]);
}

void esp_grams_free(const esp_network *net, esp_gram *grams)
{
    for (int l = 0; l < net->num_layers; l++) esp_gram_free(&grams[l]);
}
