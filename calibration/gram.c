/* Gram matrices: covariances of the values that the weights of a layer are multiplied with, over all samples and all
 * places of a kernel, and their covariances with targets. Together they are the normal equations of a least-squares
 * fit with a free bias. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/calibration.h"

#define FLOAT_NOISE 1e-6 /* relative error of float sums, with a margin */

enum {
    FLOAT_ROWS = 1024,         /* rows summed in float before they are added to the sums in double */
    BUFFER_FLOATS = 192 * 1024 /* rows laid out together: they stay in the second-level cache */
};

void esp_gram_init(esp_gram *gram, const esp_layer *layer, int outs)
{
    size_t columns = (size_t)esp_layer_columns(layer), height = outs ? (size_t)outs : columns;
    size_t sample = columns * (size_t)esp_layer_rows(layer);
    *gram = (esp_gram){.columns = (int)columns, .outs = outs};
    gram->samples = sample < BUFFER_FLOATS ? (int)(BUFFER_FLOATS / sample) : 1;
    gram->g = esp_alloc(height * columns, sizeof(double));
    gram->mean = esp_alloc(columns, sizeof(double));
    gram->products = esp_alloc(height * columns, sizeof(float));
    gram->sums = esp_alloc(columns, sizeof(float));
    gram->origin = esp_alloc(columns, sizeof(float));
    gram->buffer = esp_alloc((size_t)gram->samples * sample, sizeof(float));
}

static void free_sums(esp_gram *gram)
{
    free(gram->products);
    free(gram->sums);
    free(gram->origin);
    free(gram->buffer);
    gram->products = gram->sums = gram->origin = gram->buffer = NULL;
}

void esp_gram_free(esp_gram *gram)
{
    free_sums(gram);
    free(gram->g);
    free(gram->mean);
    *gram = (esp_gram){0};
}

static void flush(esp_gram *gram)
{
    size_t columns = (size_t)gram->columns, height = gram->outs ? (size_t)gram->outs : columns;
    if (!gram->pending) return;
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < (gram->outs ? columns : i + 1); j++)
            gram->g[i * columns + j] += (double)gram->products[i * columns + j];
    for (size_t j = 0; j < columns; j++) gram->mean[j] += (double)gram->sums[j];
    memset(gram->sums, 0, columns * sizeof *gram->sums);
    gram->rows += gram->pending;
    gram->pending = 0;
}

/* Columns are counted from the mean of the first rows: otherwise an input that hardly varies would be lost in the
 * rounding of its own square. */
static void choose_origin(esp_gram *gram, int rows)
{
    int columns = gram->columns;
    for (int j = 0; j < columns; j++) {
        double sum = 0;
        for (int i = 0; i < rows; i++) sum += (double)gram->buffer[(size_t)i * (size_t)columns + (size_t)j];
        gram->origin[j] = (float)(sum / rows);
    }
}

static void add_buffer(esp_gram *gram, int rows, const float *y)
{
    int columns = gram->columns;
    float *x = gram->buffer, keep = gram->pending ? 1.0f : 0.0f;
    if (gram->rows + gram->pending == 0) choose_origin(gram, rows);
    for (int i = 0; i < rows; i++, x += columns)
        for (int j = 0; j < columns; j++) {
            x[j] -= gram->origin[j];
            gram->sums[j] += x[j];
        }
    if (gram->outs) esp_gemm_tn(gram->outs, columns, rows, y, gram->buffer, keep, gram->products);
    else            esp_syrk(columns, rows, gram->buffer, keep, gram->products);
    gram->pending += rows;
    if (gram->pending >= FLOAT_ROWS) flush(gram);
}

void esp_gram_add(esp_gram *gram, const esp_layer *layer, const float *x, int n, const float *y)
{
    int rows = esp_layer_rows(layer);
    for (int first = 0; first < n; first += gram->samples) {
        int samples = n - first < gram->samples ? n - first : gram->samples;
        const float *in = x + (size_t)first * (size_t)layer->in_size;
        if (layer->kind == ESP_LAYER_CONV2D) esp_layer_patches(layer, in, samples, gram->buffer);
        else memcpy(gram->buffer, in, (size_t)samples * (size_t)layer->in_size * sizeof *in);
        add_buffer(gram, samples * rows, y ? y + (size_t)first * (size_t)(rows * gram->outs) : NULL);
    }
}

void esp_gram_finish(esp_gram *gram)
{
    size_t columns = (size_t)gram->columns, outs = (size_t)gram->outs;
    flush(gram);
    double rows = (double)gram->rows;
    for (size_t j = 0; j < columns; j++) gram->mean[j] /= rows; /* from the origin */
    for (size_t i = 0; i < outs * columns; i++) gram->g[i] /= rows;
    for (size_t i = 0; i < columns && !outs; i++)
        for (size_t j = 0; j <= i; j++) {
            double *lower = &gram->g[i * columns + j];
            *lower = *lower / rows - gram->mean[i] * gram->mean[j];
            gram->g[j * columns + i] = *lower;
        }
    for (size_t j = 0; j < columns; j++) gram->mean[j] += (double)gram->origin[j];
    free_sums(gram);
}

void esp_gram_add_ridge(esp_gram *gram, double share)
{
    size_t columns = (size_t)gram->columns;
    double variances = 0;
    for (size_t j = 0; j < columns; j++) variances += fmax(gram->g[j * columns + j], 0);
    double ridge = (share + FLOAT_NOISE) * variances / (double)columns;
    /* When no input varies, the fit does not depend on the weights, and any ridge will do. */
    gram->ridge = ridge > 0 ? ridge : 1;
    for (size_t j = 0; j < columns; j++) gram->g[j * columns + j] += gram->ridge;
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
