/* Pooling: the largest or the mean pixel under a window, channel by channel. */
#include <math.h>
#include <string.h>

#include "nn/nn_internal.h"

/* The pixels of one place of the window that are inside the image. */
typedef struct {
    int row, row_end, col, col_end;
    float weight; /* of each pixel in a mean */
} place;

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static place place_at(const esp_layer *layer, int row, int col)
{
    int top = row * layer->stride - layer->top, left = col * layer->stride_cols - layer->left;
    place p = {clamp(top, 0, layer->in_rows), clamp(top + layer->kernel, 0, layer->in_rows),
               clamp(left, 0, layer->in_cols), clamp(left + layer->kernel_cols, 0, layer->in_cols), 0};
    int inside = (p.row_end - p.row) * (p.col_end - p.col);
    p.weight = 1.0f / (float)(layer->counts_padding ? layer->kernel * layer->kernel_cols : inside > 0 ? inside : 1);
    return p;
}

static void pool_place(const esp_layer *layer, const place *p, int channels, const float *x, float *y)
{
    bool largest = layer->kind == ESP_LAYER_MAXPOOL;
    for (int c = 0; c < channels; c++) y[c] = largest ? -INFINITY : 0.0f;
    for (int r = p->row; r < p->row_end; r++)
        for (int k = p->col; k < p->col_end; k++) {
            const float *pixel = x + (size_t)(r * layer->in_cols + k) * (size_t)channels;
            for (int c = 0; c < channels; c++) y[c] = !largest ? y[c] + pixel[c] : pixel[c] > y[c] ? pixel[c] : y[c];
        }
    for (int c = 0; c < channels && !largest; c++) y[c] *= p->weight;
}

void esp_pool_forward(const esp_layer *layer, const float *x, int n, float *y)
{
    int channels = esp_layer_channels(layer);
    for (int i = 0; i < n; i++, x += layer->in_size)
        for (int r = 0; r < layer->out_rows; r++)
            for (int k = 0; k < layer->out_cols; k++, y += channels) {
                place p = place_at(layer, r, k);
                pool_place(layer, &p, channels, x, y);
            }
}

/* The largest pixel takes the whole gradient; of equal ones the first. */
static void spread_to_largest(const esp_layer *layer, const place *p, int channels, const float *x, const float *y,
                              const float *dy, float *dx)
{
    for (int c = 0; c < channels; c++) {
        bool found = false;
        for (int r = p->row; r < p->row_end && !found; r++)
            for (int k = p->col; k < p->col_end && !found; k++) {
                size_t at = (size_t)(r * layer->in_cols + k) * (size_t)channels + (size_t)c;
                found = x[at] == y[c];
                if (found) dx[at] += dy[c];
            }
    }
}

static void spread_evenly(const esp_layer *layer, const place *p, int channels, const float *dy, float *dx)
{
    for (int r = p->row; r < p->row_end; r++)
        for (int k = p->col; k < p->col_end; k++) {
            float *pixel = dx + (size_t)(r * layer->in_cols + k) * (size_t)channels;
            for (int c = 0; c < channels; c++) pixel[c] += p->weight * dy[c];
        }
}

void esp_pool_backward(const esp_layer *layer, const float *x, const float *y, int n, const float *dy, float *dx)
{
    int channels = esp_layer_channels(layer);
    memset(dx, 0, (size_t)n * (size_t)layer->in_size * sizeof *dx);
    for (int i = 0; i < n; i++, x += layer->in_size, dx += layer->in_size)
        for (int r = 0; r < layer->out_rows; r++)
            for (int k = 0; k < layer->out_cols; k++, y += channels, dy += channels) {
                place p = place_at(layer, r, k);
                if (layer->kind == ESP_LAYER_MAXPOOL) spread_to_largest(layer, &p, channels, x, y, dy, dx);
                else                                  spread_evenly(layer, &p, channels, dy, dx);
            }
}
