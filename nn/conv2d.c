/* Convolution as a matrix product: patches of [row, column, channel] images are laid out as rows
 * (a few long copies each) and multiplied by the kernels, a few images at a time so that the
 * patches stay in the second-level cache. */
#include <string.h>

#include "nn/nn_internal.h"

#define PATCH_FLOATS (192 * 1024) /* 768 KiB of patches at once; 1 MiB of L2 per core is usual */

int esp_layer_channels(const esp_layer *layer)
{
    return layer->in_size / (layer->in_rows * layer->in_rows);
}

static int layer_kernels(const esp_layer *layer)
{
    return layer->out_size / (layer->out_rows * layer->out_rows);
}

void esp_image_forward(const esp_layer *layer, const uint8_t *x, int n, float *y)
{
    float scaled[256]; /* x / 255 rounds differently from x * (1 / 255): divide once per value */
    for (int i = 0; i < 256; i++) scaled[i] = (float)i / 255.0f;
    int pixels = layer->in_rows * layer->in_rows, channels = esp_layer_channels(layer);
    for (int i = 0; i < n; i++, x += layer->in_size, y += layer->in_size)
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < pixels; p++) y[p * channels + c] = scaled[x[c * pixels + p]];
}

void esp_flatten_forward(const esp_layer *layer, const float *x, int n, float *y)
{
    int pixels = layer->in_rows * layer->in_rows, channels = esp_layer_channels(layer);
    for (int i = 0; i < n; i++, x += layer->in_size, y += layer->in_size)
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < pixels; p++) y[c * pixels + p] = x[p * channels + c];
}

void esp_flatten_backward(const esp_layer *layer, const float *dy, int n, float *dx)
{
    int pixels = layer->in_rows * layer->in_rows, channels = esp_layer_channels(layer);
    for (int i = 0; i < n; i++, dx += layer->in_size, dy += layer->in_size)
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < pixels; p++) dx[p * channels + c] = dy[c * pixels + p];
}

/* Sizes of one convolution and the pieces of its scratch memory. */
typedef struct {
    int channels, kernels, patch, out_pixels, images; /* images laid out at once */
    float *weights;                                   /* [kernels, kernel, kernel, channels] */
    float *patches;                                   /* [images * out_pixels, patch] */
    float *dweights, *dpatches;
} conv;

static conv conv_sizes(const esp_layer *layer)
{
    conv c = {.channels = esp_layer_channels(layer), .kernels = layer_kernels(layer)};
    c.patch = layer->kernel * layer->kernel * c.channels;
    c.out_pixels = layer->out_rows * layer->out_rows;
    c.images = PATCH_FLOATS / (c.out_pixels * c.patch);
    if (c.images < 1) c.images = 1;
    return c;
}

static conv conv_plan(const esp_layer *layer, float *scratch)
{
    conv c = conv_sizes(layer);
    c.weights = scratch;
    c.dweights = c.weights + (size_t)c.kernels * c.patch;
    c.patches = c.dweights + (size_t)c.kernels * c.patch;
    c.dpatches = c.patches + (size_t)c.images * c.out_pixels * c.patch;
    return c;
}

size_t esp_conv2d_scratch(const esp_layer *layer)
{
    conv c = conv_sizes(layer);
    return 2 * (size_t)c.kernels * c.patch + 2 * (size_t)c.images * c.out_pixels * c.patch;
}

void esp_conv2d_patch_order(const esp_layer *layer, const float *weights, float *ordered)
{
    int kernels = layer_kernels(layer), channels = esp_layer_channels(layer), area = layer->kernel * layer->kernel;
    for (int o = 0; o < kernels; o++)
        for (int i = 0; i < channels; i++)
            for (int k = 0; k < area; k++)
                ordered[(o * area + k) * channels + i] = weights[(o * channels + i) * area + k];
}

static void add_from_patch_order(const conv *c, int area, float *grads)
{
    for (int o = 0; o < c->kernels; o++)
        for (int i = 0; i < c->channels; i++)
            for (int k = 0; k < area; k++)
                grads[(o * c->channels + i) * area + k] += c->dweights[o * c->patch + k * c->channels + i];
}

static void lay_out_patches(const esp_layer *layer, const conv *c, const float *x, int images, float *patches)
{
    int rows = layer->in_rows, run = layer->kernel * c->channels;
    for (int image = 0; image < images; image++, x += layer->in_size)
        for (int oy = 0; oy < layer->out_rows; oy++)
            for (int ox = 0; ox < layer->out_rows; ox++)
                for (int ky = 0; ky < layer->kernel; ky++, patches += run)
                    memcpy(patches, x + ((oy * layer->stride + ky) * rows + ox * layer->stride) * c->channels,
                           (size_t)run * sizeof(float));
}

/* The transpose of lay_out_patches: every patch adds to the pixels it came from. */
ESP_VECTORISED
void esp_conv2d_add_patches(const esp_layer *layer, const float *patches, int images, float *dx)
{
    int rows = layer->in_rows, channels = esp_layer_channels(layer), run = layer->kernel * channels;
    memset(dx, 0, (size_t)images * layer->in_size * sizeof(float));
    for (int image = 0; image < images; image++, dx += layer->in_size)
        for (int oy = 0; oy < layer->out_rows; oy++)
            for (int ox = 0; ox < layer->out_rows; ox++)
                for (int ky = 0; ky < layer->kernel; ky++, patches += run) {
                    float *to = dx + ((oy * layer->stride + ky) * rows + ox * layer->stride) * channels;
                    for (int k = 0; k < run; k++) to[k] += patches[k];
                }
}

void esp_conv2d_patches(const esp_layer *layer, const float *x, int n, float *patches)
{
    int channels = esp_layer_channels(layer), k = layer->kernel, rows = layer->in_rows;
    for (int image = 0; image < n; image++, x += layer->in_size)
        for (int oy = 0; oy < layer->out_rows; oy++)
            for (int ox = 0; ox < layer->out_rows; ox++, patches += channels * k * k)
                for (int ky = 0; ky < k; ky++)
                    for (int kx = 0; kx < k; kx++) {
                        int row = oy * layer->stride + ky, column = ox * layer->stride + kx;
                        const float *pixel = x + (row * rows + column) * channels;
                        for (int c = 0; c < channels; c++) patches[(c * k + ky) * k + kx] = pixel[c];
                    }
}

void esp_conv2d_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *scratch,
                        float *y)
{
    conv c = conv_plan(layer, scratch);
    esp_conv2d_patch_order(layer, esp_network_weights(net, layer->weight), c.weights);
    const float *bias = esp_network_weights(net, layer->bias);
    for (int first = 0; first < n; first += c.images) {
        int images = n - first < c.images ? n - first : c.images;
        float *out = y + (size_t)first * layer->out_size;
        lay_out_patches(layer, &c, x + (size_t)first * layer->in_size, images, c.patches);
        esp_gemm_nt(images * c.out_pixels, c.kernels, c.patch, c.patches, c.weights, 0.0f, out);
        esp_act_forward(layer->act, images * c.out_pixels, c.kernels, bias, out);
    }
}

void esp_conv2d_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                         float *scratch, float *grads, float *dx)
{
    conv c = conv_plan(layer, scratch);
    int area = layer->kernel * layer->kernel;
    if (dx) esp_conv2d_patch_order(layer, esp_network_weights(net, layer->weight), c.weights);
    memset(c.dweights, 0, (size_t)c.kernels * c.patch * sizeof(float));
    for (int first = 0; first < n; first += c.images) {
        int images = n - first < c.images ? n - first : c.images;
        int rows = images * c.out_pixels;
        const float *dout = dy + (size_t)first * layer->out_size;
        if (grads) {
            lay_out_patches(layer, &c, x + (size_t)first * layer->in_size, images, c.patches);
            esp_gemm_tn(c.kernels, c.patch, rows, dout, c.patches, 1.0f, c.dweights);
        }
        if (dx) {
            esp_gemm_nn(rows, c.patch, c.kernels, dout, c.weights, 0.0f, c.dpatches);
            esp_conv2d_add_patches(layer, c.dpatches, images, dx + (size_t)first * layer->in_size);
        }
    }
    if (!grads) return;
    add_from_patch_order(&c, area, grads + net->tensor[layer->weight].offset);
    esp_add_rows(n * c.out_pixels, c.kernels, dy, grads + net->tensor[layer->bias].offset);
}
