/* LayerNorm over the units of a sample, BatchNorm with its running statistics. */
#include <math.h>

#include "nn/nn_internal.h"
#include "nn/sums.h"

/* Mean and 1 / sqrt(biased variance + eps) of one row. */
ESP_INLINE void row_statistics(const float *x, int size, float eps, float *mean, float *rstd)
{
    *mean = esp_sum(size, x) / (float)size;
    *rstd = 1.0f / sqrtf(esp_squares(size, x, *mean) / (float)size + eps);
}

ESP_VECTORISED
void esp_layernorm_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *y)
{
    int size = layer->in_size;
    const float *gain = esp_network_weights(net, layer->weight), *offset = esp_network_weights(net, layer->bias);
    for (int i = 0; i < n; i++, x += size, y += size) {
        float mean, rstd;
        row_statistics(x, size, layer->eps, &mean, &rstd);
        for (int j = 0; j < size; j++) y[j] = (x[j] - mean) * rstd * gain[j] + offset[j];
    }
}

/* With u = dy * gain and h = normalised x: dx = rstd (u - mean(u) - h mean(u h)). */
ESP_VECTORISED
void esp_layernorm_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                            float *grads, float *dx)
{
    int size = layer->in_size;
    const float *gain = esp_network_weights(net, layer->weight);
    float *dgain = grads ? grads + net->tensor[layer->weight].offset : NULL;
    float *doffset = grads ? grads + net->tensor[layer->bias].offset : NULL;
    for (int i = 0; i < n; i++, x += size, dy += size) {
        float mean, rstd;
        row_statistics(x, size, layer->eps, &mean, &rstd);
        for (int j = 0; j < size && grads; j++) {
            dgain[j] += dy[j] * (x[j] - mean) * rstd;
            doffset[j] += dy[j];
        }
        if (!dx) continue;
        float u_mean = esp_dot(size, dy, gain) / (float)size;
        float uh_mean = rstd * ESP_SUM(size, j, dy[j] * gain[j] * (x[j] - mean)) / (float)size;
        for (int j = 0; j < size; j++)
            dx[j] = rstd * (dy[j] * gain[j] - u_mean - (x[j] - mean) * rstd * uh_mean);
        dx += size;
    }
}

/* Channels are innermost, so that the pixels of all images are the rows of a matrix. */
static int channel_rows(const esp_network *net, const esp_layer *layer, int n, int *size)
{
    *size = net->tensor[layer->weight].shape[0];
    return n * (layer->in_size / *size);
}

ESP_VECTORISED
void esp_batchnorm_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *y)
{
    int size, rows = channel_rows(net, layer, n, &size);
    float eps = layer->eps;
    const float *gain = esp_network_weights(net, layer->weight), *offset = esp_network_weights(net, layer->bias);
    const float *mean = esp_network_weights(net, layer->mean), *var = esp_network_weights(net, layer->var);
    for (int i = 0; i < rows; i++, x += size, y += size)
        for (int j = 0; j < size; j++) y[j] = (x[j] - mean[j]) / sqrtf(var[j] + eps) * gain[j] + offset[j];
}

/* One unit at a time: dx = gain rstd dy. */
ESP_VECTORISED
void esp_batchnorm_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                            float *grads, float *dx)
{
    int size, rows = channel_rows(net, layer, n, &size);
    const float *gain = esp_network_weights(net, layer->weight);
    const float *mean = esp_network_weights(net, layer->mean), *var = esp_network_weights(net, layer->var);
    for (int j = 0; j < size; j++) {
        float rstd = 1.0f / sqrtf(var[j] + layer->eps), dy_sum = 0.0f, dyh_sum = 0.0f;
        for (int i = 0; i < rows; i++) {
            size_t at = (size_t)i * size + j;
            dy_sum += dy[at];
            dyh_sum += dy[at] * (x[at] - mean[j]) * rstd;
        }
        if (grads) {
            grads[net->tensor[layer->weight].offset + j] += dyh_sum;
            grads[net->tensor[layer->bias].offset + j] += dy_sum;
        }
        for (int i = 0; i < rows && dx; i++) {
            size_t at = (size_t)i * size + j;
            dx[at] = gain[j] * rstd * dy[at];
        }
    }
}
