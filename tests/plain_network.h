/* The layers once more, as plain loops in double whose correctness is obvious: forward is compared
 * with them, and central differences are taken of them. Images stay [channel, row, column]. */
#ifndef ESP_TESTS_PLAIN_NETWORK_H
#define ESP_TESTS_PLAIN_NETWORK_H

#include "check.h"
#include "nn/nn.h"

#define PLAIN_EPS 1e-5

static inline double plain_act_with(esp_act act, double alpha, double beta, double x)
{
    switch (act) {
    case ESP_ACT_NONE:       return x;
    case ESP_ACT_RELU:       return x > 0 ? x : 0;
    case ESP_ACT_ELU:        return x > 0 ? x : alpha * expm1(x);
    case ESP_ACT_TANH:       return tanh(x);
    case ESP_ACT_SIGMOID:    return 1 / (1 + exp(-x));
    case ESP_ACT_LEAKY_RELU: return x > 0 ? x : alpha * x;
    case ESP_ACT_GELU:       return x / 2 * (1 + erf(x / sqrt(2)));
    case ESP_ACT_GELU_TANH:  return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case ESP_ACT_SILU:       return x / (1 + exp(-x));
    case ESP_ACT_SOFTPLUS:   return log1p(exp(x));
    case ESP_ACT_CLIP:       return fmin(fmax(x, alpha), beta);
    }
    return NAN;
}

static inline double plain_act(esp_act act, double x)
{
    return plain_act_with(act, 1, 0, x);
}

static inline const double *plain_tensor(const esp_network *net, const double *weights, int tensor)
{
    return weights + net->tensor[tensor].offset;
}

static inline void plain_dense(const esp_network *net, const esp_layer *layer, const double *weights, const double *x,
                               double *y)
{
    const double *w = plain_tensor(net, weights, layer->weight), *b = plain_tensor(net, weights, layer->bias);
    for (int o = 0; o < layer->out_size; o++) {
        y[o] = b[o];
        for (int i = 0; i < layer->in_size; i++) y[o] += w[o * layer->in_size + i] * x[i];
    }
}

static inline void plain_conv2d(const esp_network *net, const esp_layer *layer, const double *weights, const double *x,
                                double *y)
{
    const double *w = plain_tensor(net, weights, layer->weight), *b = plain_tensor(net, weights, layer->bias);
    int rows = layer->in_rows, side = layer->out_rows, k = layer->kernel;
    int channels = net->tensor[layer->weight].shape[1], kernels = net->tensor[layer->weight].shape[0];
    for (int o = 0; o < kernels; o++)
        for (int r = 0; r < side; r++)
            for (int c = 0; c < side; c++) {
                double sum = b[o];
                for (int i = 0; i < channels; i++)
                    for (int kr = 0; kr < k; kr++)
                        for (int kc = 0; kc < k; kc++)
                            sum += w[((o * channels + i) * k + kr) * k + kc] *
                                   x[(i * rows + r * layer->stride + kr) * rows + c * layer->stride + kc];
                y[(o * side + r) * side + c] = sum;
            }
}

/* Normalises `count` values, `stride` apart, by the given mean and variance, or by their own. */
static inline void plain_normalise(int count, int stride, const double *x, const double *mean_var, double *y)
{
    double mean = 0, var = 0;
    for (int i = 0; i < count; i++) mean += x[i * stride] / count;
    for (int i = 0; i < count; i++) var += (x[i * stride] - mean) * (x[i * stride] - mean) / count;
    if (mean_var) {
        mean = mean_var[0];
        var = mean_var[1];
    }
    for (int i = 0; i < count; i++) y[i * stride] = (x[i * stride] - mean) / sqrt(var + PLAIN_EPS);
}

static inline void plain_norm(const esp_network *net, const esp_layer *layer, const double *weights, const double *x,
                              int n, bool training, double *y)
{
    int size = layer->in_size;
    if (layer->kind == ESP_LAYER_LAYERNORM)
        for (int i = 0; i < n; i++) plain_normalise(size, 1, x + i * size, NULL, y + i * size);
    for (int j = 0; j < size && layer->kind == ESP_LAYER_BATCHNORM; j++) {
        double running[2] = {plain_tensor(net, weights, layer->mean)[j], plain_tensor(net, weights, layer->var)[j]};
        plain_normalise(n, size, x + j, training ? NULL : running, y + j);
    }
    const double *gain = plain_tensor(net, weights, layer->weight), *offset = plain_tensor(net, weights, layer->bias);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < size; j++) y[i * size + j] = y[i * size + j] * gain[j] + offset[j];
}

static inline void plain_layer(const esp_network *net, const esp_layer *layer, const double *weights, const double *x,
                               int n, bool training, double *y)
{
    if (layer->kind == ESP_LAYER_LAYERNORM || layer->kind == ESP_LAYER_BATCHNORM)
        plain_norm(net, layer, weights, x, n, training, y);
    for (int i = 0; i < n; i++) {
        const double *xi = x + (size_t)i * layer->in_size;
        double *yi = y + (size_t)i * layer->out_size;
        if (layer->kind == ESP_LAYER_DENSE) plain_dense(net, layer, weights, xi, yi);
        if (layer->kind == ESP_LAYER_CONV2D) plain_conv2d(net, layer, weights, xi, yi);
        if (layer->kind == ESP_LAYER_IMAGE)
            for (int k = 0; k < layer->in_size; k++) yi[k] = xi[k] / 255;
        if (layer->kind == ESP_LAYER_FLATTEN) memcpy(yi, xi, (size_t)layer->in_size * sizeof *yi);
        for (int k = 0; k < layer->out_size; k++) yi[k] = plain_act(layer->act, yi[k]);
    }
}

/* x [n, in_size], pixels as their values 0..255; returns [n, out_size] in new memory. */
static inline double *plain_forward(const esp_network *net, int component, const double *weights, const double *x,
                                    int n, bool training)
{
    const esp_component *part = &net->component[component];
    double *in = esp_alloc((size_t)n * (size_t)part->in_size, sizeof *in);
    memcpy(in, x, (size_t)n * (size_t)part->in_size * sizeof *in);
    for (int i = part->first_layer; i < part->first_layer + part->num_layers; i++) {
        double *out = esp_alloc((size_t)n * (size_t)net->layer[i].out_size, sizeof *out);
        plain_layer(net, &net->layer[i], weights, in, n, training, out);
        free(in);
        in = out;
    }
    return in;
}

#endif
