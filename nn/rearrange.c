/* Layers that move values without computing: images, flatten and its inverse, concat, slice. */
#include <string.h>

#include "nn/nn_internal.h"

int esp_layer_channels(const esp_layer *layer)
{
    return layer->in_size / (layer->in_rows * layer->in_cols);
}

void esp_image_forward(const esp_layer *layer, const uint8_t *x, int n, float *y)
{
    float scaled[256]; /* x / 255 rounds differently from x * (1 / 255): divide once per value */
    for (int i = 0; i < 256; i++) scaled[i] = (float)i / 255.0f;
    int pixels = layer->in_rows * layer->in_cols, channels = esp_layer_channels(layer);
    for (int i = 0; i < n; i++, x += layer->in_size, y += layer->in_size)
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < pixels; p++) y[p * channels + c] = scaled[x[c * pixels + p]];
}

/* [n, rows, cols] -> [n, cols, rows] */
static void transpose(int n, int rows, int cols, const float *x, float *y)
{
    size_t size = (size_t)rows * (size_t)cols;
    for (int i = 0; i < n; i++, x += size, y += size)
        for (int c = 0; c < cols; c++)
            for (int r = 0; r < rows; r++) y[c * rows + r] = x[r * cols + c];
}

void esp_flatten_forward(const esp_layer *layer, const float *x, int n, float *y)
{
    transpose(n, layer->in_rows * layer->in_cols, esp_layer_channels(layer), x, y);
}

void esp_flatten_backward(const esp_layer *layer, const float *dy, int n, float *dx)
{
    transpose(n, esp_layer_channels(layer), layer->in_rows * layer->in_cols, dy, dx);
}

void esp_unflatten_forward(const esp_layer *layer, const float *x, int n, float *y)
{
    int pixels = layer->out_rows * layer->out_cols;
    transpose(n, layer->out_size / pixels, pixels, x, y);
}

void esp_unflatten_backward(const esp_layer *layer, const float *dy, int n, float *dx)
{
    int pixels = layer->out_rows * layer->out_cols;
    transpose(n, pixels, layer->out_size / pixels, dy, dx);
}

/* ---- stretches of rows; the rows of an image are its pixels ---- */

/* Copies `width` columns between matrices of `rows` rows that are from_step and to_step floats apart. */
static void copy_columns(int rows, int width, const float *from, int from_step, float *to, int to_step)
{
    for (int i = 0; i < rows; i++, from += from_step, to += to_step)
        memcpy(to, from, (size_t)width * sizeof *to);
}

static int pixels_of(const esp_layer *layer)
{
    return layer->in_rows ? layer->in_rows * layer->in_cols : 1;
}

void esp_concat_forward(const esp_network *net, const esp_layer *layer, const void *const *x, int n, float *y)
{
    int pixels = pixels_of(layer), total = layer->out_size / pixels;
    for (int k = 0; k < layer->num_inputs; k++) {
        int width = esp_layer_input_size(net, layer, k) / pixels;
        copy_columns(n * pixels, width, x[k], width, y, total);
        y += width;
    }
}

void esp_concat_backward(const esp_network *net, const esp_layer *layer, const float *dy, int n, float *const *dx)
{
    int pixels = pixels_of(layer), total = layer->out_size / pixels;
    for (int k = 0; k < layer->num_inputs; k++) {
        int width = esp_layer_input_size(net, layer, k) / pixels;
        if (dx[k]) copy_columns(n * pixels, width, dy, total, dx[k], width);
        dy += width;
    }
}

int esp_slice_start(const esp_network *net, const esp_layer *layer)
{
    esp_dim before = layer->in;
    before.num = layer->skip_parts;
    return esp_dim_size(net, &before) + layer->skip_values;
}

void esp_slice_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *y)
{
    int pixels = pixels_of(layer), width = layer->out_size / pixels;
    copy_columns(n * pixels, width, x + esp_slice_start(net, layer), layer->in_size / pixels, y, width);
}

void esp_slice_backward(const esp_network *net, const esp_layer *layer, const float *dy, int n, float *dx)
{
    int pixels = pixels_of(layer), width = layer->out_size / pixels;
    memset(dx, 0, (size_t)n * (size_t)layer->in_size * sizeof *dx);
    copy_columns(n * pixels, width, dy, width, dx + esp_slice_start(net, layer), layer->in_size / pixels);
}
