/* Layers without weights to learn that work element by element: two values of one shape, and constant scales. */
#include "nn/nn_internal.h"

#define LOOP(EXPRESSION) \
    for (size_t i = 0; i < count; i++) y[i] = (EXPRESSION)

ESP_VECTORISED
void esp_combine_forward(esp_layer_kind kind, size_t count, const float *a, const float *b, float *y)
{
    switch (kind) {
    case ESP_LAYER_ADD: LOOP(a[i] + b[i]); break;
    case ESP_LAYER_SUB: LOOP(a[i] - b[i]); break;
    case ESP_LAYER_MUL: LOOP(a[i] * b[i]); break;
    default:            LOOP(a[i] / b[i]); break;
    }
}

ESP_VECTORISED
static void first_gradient(esp_layer_kind kind, size_t count, const float *b, const float *dy, float *y)
{
    switch (kind) {
    case ESP_LAYER_MUL: LOOP(dy[i] * b[i]); break;
    case ESP_LAYER_DIV: LOOP(dy[i] / b[i]); break;
    default:            LOOP(dy[i]); break;
    }
}

ESP_VECTORISED
static void second_gradient(esp_layer_kind kind, size_t count, const float *a, const float *b, const float *dy,
                            float *y)
{
    switch (kind) {
    case ESP_LAYER_ADD: LOOP(dy[i]); break;
    case ESP_LAYER_SUB: LOOP(-dy[i]); break;
    case ESP_LAYER_MUL: LOOP(dy[i] * a[i]); break;
    default:            LOOP(-dy[i] * a[i] / (b[i] * b[i])); break;
    }
}

void esp_combine_backward(esp_layer_kind kind, size_t count, const float *a, const float *b, const float *dy,
                          float *const *dx)
{
    if (dx[0]) first_gradient(kind, count, b, dy, dx[0]);
    if (dx[1]) second_gradient(kind, count, a, b, dy, dx[1]);
}

/* y [rows, width] = x * scale + shift; either may be NULL. */
ESP_VECTORISED
static void scale_rows(size_t rows, size_t width, const float *scale, const float *shift, const float *x, float *y)
{
    for (size_t i = 0; i < rows; i++, x += width, y += width) {
        if (scale)
            for (size_t j = 0; j < width; j++) y[j] = x[j] * scale[j];
        if (shift)
            for (size_t j = 0; j < width; j++) y[j] = (scale ? y[j] : x[j]) + shift[j];
    }
}

/* Channels are innermost, so that an image is a matrix of pixels. */
static void scale_size(const esp_network *net, const esp_layer *layer, int n, size_t *rows, size_t *width)
{
    *width = net->tensor[layer->weight >= 0 ? layer->weight : layer->bias].count;
    *rows = (size_t)n * (size_t)layer->in_size / *width;
}

static const float *tensor_or_null(const esp_network *net, int tensor)
{
    return tensor >= 0 ? esp_network_weights(net, tensor) : NULL;
}

void esp_scale_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *y)
{
    size_t rows, width;
    scale_size(net, layer, n, &rows, &width);
    scale_rows(rows, width, tensor_or_null(net, layer->weight), tensor_or_null(net, layer->bias), x, y);
}

void esp_scale_backward(const esp_network *net, const esp_layer *layer, const float *dy, int n, float *dx)
{
    size_t rows, width;
    scale_size(net, layer, n, &rows, &width);
    if (layer->weight >= 0) scale_rows(rows, width, esp_network_weights(net, layer->weight), NULL, dy, dx);
    else                    first_gradient(ESP_LAYER_ADD, rows * width, NULL, dy, dx);
}
