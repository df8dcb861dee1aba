/* Components of any shape as plain loops in double whose correctness is obvious: images are [channel, row, column],
 * layers read their inputs by index. Units that are removed can be made to output zero, and then count in no
 * normalisation: what a pruned network has to compute. */
#ifndef ESP_TESTS_PLAIN_GRAPH_H
#define ESP_TESTS_PLAIN_GRAPH_H

#include "plain_network.h"

/* Which units are removed: [axis][unit]; NULL: none. */
typedef bool *const *plain_removed;

static inline int plain_pixels(int rows, int cols)
{
    return rows ? rows * cols : 1;
}

/* Whether the unit at position p of a dimension is removed. */
static inline bool plain_gone(const esp_network *net, const esp_dim *dim, plain_removed removed, int p)
{
    for (int i = 0; removed && i < dim->num; i++) {
        int axis = dim->part[i].axis, block = dim->part[i].block, length = net->axis[axis].size * block;
        if (p < length) return removed[axis] && removed[axis][p / block];
        p -= length;
    }
    return false;
}

static inline double plain_pixel(const esp_layer *layer, const double *x, int channel, int row, int col, double outside)
{
    bool inside = row >= 0 && row < layer->in_rows && col >= 0 && col < layer->in_cols;
    return inside ? x[(channel * layer->in_rows + row) * layer->in_cols + col] : outside;
}

static inline double plain_conv_at(const esp_network *net, const esp_layer *layer, const double *w, const double *x,
                                   int o, int row, int col)
{
    const int *shape = net->tensor[layer->weight].shape;
    int groups = layer->in_size / plain_pixels(layer->in_rows, layer->in_cols) / shape[1];
    int first = o / (shape[0] / groups) * shape[1];
    double sum = 0;
    for (int i = 0; i < shape[1]; i++)
        for (int r = 0; r < shape[2]; r++)
            for (int c = 0; c < shape[3]; c++)
                sum += w[((o * shape[1] + i) * shape[2] + r) * shape[3] + c] *
                       plain_pixel(layer, x, first + i, row * layer->stride + r * layer->dilation - layer->top,
                                   col * layer->stride_cols + c * layer->dilation_cols - layer->left, 0);
    return sum;
}

static inline double plain_pool_at(const esp_layer *layer, const double *x, int channel, int row, int col)
{
    double most = -INFINITY, sum = 0;
    int inside = 0;
    for (int r = row * layer->stride - layer->top; r < row * layer->stride - layer->top + layer->kernel; r++)
        for (int c = col * layer->stride_cols - layer->left; c < col * layer->stride_cols - layer->left +
             layer->kernel_cols; c++) {
            inside += plain_pixel(layer, x, channel, r, c, NAN) == plain_pixel(layer, x, channel, r, c, NAN);
            most = fmax(most, plain_pixel(layer, x, channel, r, c, -INFINITY));
            sum += plain_pixel(layer, x, channel, r, c, 0);
        }
    if (layer->kind == ESP_LAYER_MAXPOOL) return most;
    return sum / (layer->counts_padding ? layer->kernel * layer->kernel_cols : inside);
}

static inline void plain_layernorm(const esp_network *net, const esp_layer *layer, const double *w, const double *b,
                                   plain_removed removed, const double *x, double *y)
{
    double mean = 0, var = 0;
    int count = 0;
    for (int i = 0; i < layer->in_size; i++) count += !plain_gone(net, &layer->in, removed, i);
    for (int i = 0; i < layer->in_size; i++) mean += plain_gone(net, &layer->in, removed, i) ? 0 : x[i] / count;
    for (int i = 0; i < layer->in_size; i++)
        var += plain_gone(net, &layer->in, removed, i) ? 0 : (x[i] - mean) * (x[i] - mean) / count;
    for (int i = 0; i < layer->in_size; i++)
        y[i] = (x[i] - mean) / sqrt(var + (double)layer->eps) * w[i] + b[i];
}

/* One sample through one layer, without what is removed from its output. */
static inline void plain_graph_layer(const esp_network *net, const esp_layer *layer, const double *weights,
                                     const double *const *x, const int *sizes, plain_removed removed, double *y)
{
    int in_pixels = plain_pixels(layer->in_rows, layer->in_cols);
    int pixels = plain_pixels(layer->out_rows, layer->out_cols), channels = layer->out_size / pixels;
    const double *w = layer->weight >= 0 ? plain_tensor(net, weights, layer->weight) : NULL;
    const double *b = layer->bias >= 0 ? plain_tensor(net, weights, layer->bias) : NULL;
    int start = 0, at = 0;
    esp_dim before = layer->in;
    before.num = layer->kind == ESP_LAYER_SLICE ? layer->skip_parts : 0;
    start = esp_dim_size(net, &before) + layer->skip_values;
    if (layer->kind == ESP_LAYER_LAYERNORM) plain_layernorm(net, layer, w, b, removed, x[0], y);
    for (int k = 0; k < layer->num_inputs && layer->kind == ESP_LAYER_CONCAT; k++)
        for (int i = 0; i < sizes[k]; i++) y[at++] = x[k][i]; /* channels are outermost */
    for (int i = 0; i < layer->out_size; i++) {
        int c = i / pixels, row = layer->out_rows ? i % pixels / layer->out_cols : 0;
        int col = layer->out_rows ? i % layer->out_cols : 0;
        switch (layer->kind) {
        case ESP_LAYER_IMAGE: y[i] = x[0][i] / 255; break;
        case ESP_LAYER_CONV2D: y[i] = plain_conv_at(net, layer, w, x[0], c, row, col) + (b ? b[c] : 0); break;
        case ESP_LAYER_FLATTEN:
        case ESP_LAYER_UNFLATTEN: y[i] = x[0][i]; break;
        case ESP_LAYER_DENSE:
            y[i] = b ? b[i] : 0;
            for (int j = 0; j < layer->in_size; j++) y[i] += w[i * layer->in_size + j] * x[0][j];
            break;
        case ESP_LAYER_BATCHNORM:
            y[i] = (x[0][i] - plain_tensor(net, weights, layer->mean)[c]) /
                   sqrt(plain_tensor(net, weights, layer->var)[c] + (double)layer->eps) * w[c] + b[c];
            break;
        case ESP_LAYER_ACT:
            y[i] = plain_act_with(layer->act, (double)layer->alpha, (double)layer->beta, x[0][i]);
            break;
        case ESP_LAYER_SCALE: y[i] = x[0][i] * (w ? w[c] : 1) + (b ? b[c] : 0); break;
        case ESP_LAYER_ADD: y[i] = x[0][i] + x[1][i]; break;
        case ESP_LAYER_SUB: y[i] = x[0][i] - x[1][i]; break;
        case ESP_LAYER_MUL: y[i] = x[0][i] * x[1][i]; break;
        case ESP_LAYER_DIV: y[i] = x[0][i] / x[1][i]; break;
        case ESP_LAYER_SLICE: y[i] = x[0][start * in_pixels + i]; break;
        case ESP_LAYER_MAXPOOL:
        case ESP_LAYER_AVGPOOL: y[i] = plain_pool_at(layer, x[0], c, row, col); break;
        default: break;
        }
        if (layer->kind != ESP_LAYER_ACT) y[i] = plain_act(layer->act, y[i]);
    }
    for (int i = 0; i < layer->out_size; i++)
        if (plain_gone(net, &layer->out, removed, i / pixels)) y[i] = 0;
    (void)channels;
}

/* One sample x [in_size] -> y [out_size]. weights: as net->weights, in double. */
static inline void plain_graph_forward(const esp_network *net, int component, const double *weights, const double *x,
                                       plain_removed removed, double *y)
{
    const esp_component *part = &net->component[component];
    double *out[ESP_MAX_LAYERS] = {NULL};
    for (int i = 0; i < part->num_layers; i++) {
        const esp_layer *layer = &net->layer[part->first_layer + i];
        const double *read[ESP_MAX_INPUTS];
        int sizes[ESP_MAX_INPUTS];
        for (int k = 0; k < layer->num_inputs; k++) {
            read[k] = layer->input[k] == ESP_INPUT ? x : out[layer->input[k] - part->first_layer];
            sizes[k] = esp_layer_input_size(net, layer, k);
        }
        out[i] = esp_alloc((size_t)layer->out_size, sizeof *out[i]);
        plain_graph_layer(net, layer, weights, read, sizes, removed, out[i]);
    }
    memcpy(y, out[part->num_layers - 1], (size_t)part->out_size * sizeof *y);
    for (int i = 0; i < part->num_layers; i++) free(out[i]);
}

static inline double *plain_weights(const esp_network *net)
{
    double *weights = esp_alloc(net->num_weights + 1, sizeof *weights);
    for (size_t i = 0; i < net->num_weights; i++) weights[i] = (double)net->weights[i];
    return weights;
}

#endif
