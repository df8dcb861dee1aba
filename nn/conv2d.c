/* Convolution as a matrix product: patches of [row, column, channel] images are laid out as rows
 * (a few long copies each) and multiplied by the kernels, a few images at a time so that the
 * patches stay in the second-level cache. */
#include <string.h>

#include "nn/nn_internal.h"

/* Groups of channels are convolutions side by side: their patches are laid out and multiplied one group at a time. */
#define PATCH_FLOATS (192 * 1024) /* 768 KiB of patches at once; 1 MiB of L2 per core is usual */

/* Sizes of one convolution and the pieces of its scratch memory. */
typedef struct {
    int groups, channels, kernels, patch, out_pixels; /* channels and kernels per group */
    int images;                                       /* images laid out at once */
    float *weights;                                   /* [groups * kernels, kernel, kernel, channels] */
    float *patches;                                   /* [images * out_pixels, patch] */
    float *dweights, *dpatches;
    float *part;                                      /* [images * out_pixels, kernels] of one of several groups */
} conv;

static conv conv_sizes(const esp_layer *layer)
{
    int channels = esp_layer_channels(layer);
    conv c = {.groups = layer->per_group ? channels / layer->per_group : 1,
              .out_pixels = layer->out_rows * layer->out_cols};
    c.channels = channels / c.groups;
    c.kernels = layer->out_size / c.out_pixels / c.groups;
    c.patch = layer->kernel * layer->kernel_cols * c.channels;
    c.images = PATCH_FLOATS / (c.out_pixels * c.patch);
    if (c.images < 1) c.images = 1;
    return c;
}

static size_t weights_size(const conv *c)
{
    return (size_t)c->groups * (size_t)c->kernels * (size_t)c->patch;
}

static size_t patches_size(const conv *c)
{
    return (size_t)c->images * (size_t)c->out_pixels * (size_t)c->patch;
}

static conv conv_plan(const esp_layer *layer, float *scratch)
{
    conv c = conv_sizes(layer);
    c.weights = scratch;
    c.dweights = c.weights + weights_size(&c);
    c.patches = c.dweights + weights_size(&c);
    c.dpatches = c.patches + patches_size(&c);
    c.part = c.dpatches + patches_size(&c);
    return c;
}

size_t esp_conv2d_scratch(const esp_layer *layer)
{
    conv c = conv_sizes(layer);
    size_t part = c.groups > 1 ? (size_t)c.images * (size_t)c.out_pixels * (size_t)c.kernels : 0;
    return 2 * weights_size(&c) + 2 * patches_size(&c) + part;
}

static int kernel_area(const esp_layer *layer)
{
    return layer->kernel * layer->kernel_cols;
}

void esp_conv2d_patch_order(const esp_layer *layer, const float *weights, float *ordered)
{
    conv c = conv_sizes(layer);
    int kernels = c.groups * c.kernels, channels = c.channels, area = kernel_area(layer);
    for (int o = 0; o < kernels; o++)
        for (int i = 0; i < channels; i++)
            for (int k = 0; k < area; k++)
                ordered[(o * area + k) * channels + i] = weights[(o * channels + i) * area + k];
}

static void add_from_patch_order(const conv *c, int area, float *grads)
{
    for (int o = 0; o < c->groups * c->kernels; o++)
        for (int i = 0; i < c->channels; i++)
            for (int k = 0; k < area; k++)
                grads[(o * c->channels + i) * area + k] += c->dweights[o * c->patch + k * c->channels + i];
}

/* ---- pixels under the window ---- */

bool esp_conv2d_is_plain(const esp_layer *layer)
{
    return layer->per_group == 0 && layer->dilation == 1 && layer->dilation_cols == 1;
}

/* Whether the pixels under one row of the kernel are one stretch of the image. */
static bool reads_stretches(const esp_layer *layer)
{
    bool padded = layer->top || layer->bottom || layer->left || layer->right;
    return esp_conv2d_is_plain(layer) && !padded;
}

/* Offset of the pixel under tap (ky, kx) at place (oy, ox), in pixels; -1: padding. */
static int pixel_under(const esp_layer *layer, int oy, int ox, int ky, int kx)
{
    int row = oy * layer->stride + ky * layer->dilation - layer->top;
    int col = ox * layer->stride_cols + kx * layer->dilation_cols - layer->left;
    bool inside = row >= 0 && row < layer->in_rows && col >= 0 && col < layer->in_cols;
    return inside ? row * layer->in_cols + col : -1;
}

int esp_conv2d_pixel(const esp_layer *layer, int place, int tap)
{
    return pixel_under(layer, place / layer->out_cols, place % layer->out_cols, tap / layer->kernel_cols,
                       tap % layer->kernel_cols);
}

/* One tap after another: the channels first .. first + count - 1 of every pixel, zeros for padding. */
static void lay_out_taps(const esp_layer *layer, int first, int count, const float *x, int images, float *patches)
{
    int channels = esp_layer_channels(layer);
    size_t bytes = (size_t)count * sizeof *patches;
    for (int image = 0; image < images; image++, x += layer->in_size)
        for (int oy = 0; oy < layer->out_rows; oy++)
            for (int ox = 0; ox < layer->out_cols; ox++)
                for (int ky = 0; ky < layer->kernel; ky++)
                    for (int kx = 0; kx < layer->kernel_cols; kx++, patches += count) {
                        int pixel = pixel_under(layer, oy, ox, ky, kx);
                        if (pixel < 0) memset(patches, 0, bytes);
                        else           memcpy(patches, x + (size_t)pixel * channels + first, bytes);
                    }
}

static void lay_out_patches(const esp_layer *layer, const conv *c, int group, const float *x, int images,
                            float *patches)
{
    if (!reads_stretches(layer)) {
        lay_out_taps(layer, group * c->channels, c->channels, x, images, patches);
        return;
    }
    int cols = layer->in_cols, run = layer->kernel_cols * c->channels;
    for (int image = 0; image < images; image++, x += layer->in_size)
        for (int oy = 0; oy < layer->out_rows; oy++)
            for (int ox = 0; ox < layer->out_cols; ox++)
                for (int ky = 0; ky < layer->kernel; ky++, patches += run)
                    memcpy(patches, x + ((oy * layer->stride + ky) * cols + ox * layer->stride_cols) * c->channels,
                           (size_t)run * sizeof(float));
}

/* The transpose of lay_out_taps: every patch adds to the pixels it came from. */
static void add_taps(const esp_layer *layer, int first, int count, const float *patches, int images, float *dx)
{
    int channels = esp_layer_channels(layer);
    for (int image = 0; image < images; image++, dx += layer->in_size)
        for (int oy = 0; oy < layer->out_rows; oy++)
            for (int ox = 0; ox < layer->out_cols; ox++)
                for (int ky = 0; ky < layer->kernel; ky++)
                    for (int kx = 0; kx < layer->kernel_cols; kx++, patches += count) {
                        int pixel = pixel_under(layer, oy, ox, ky, kx);
                        float *to = dx + (size_t)(pixel < 0 ? 0 : pixel) * channels + first;
                        for (int k = 0; k < count && pixel >= 0; k++) to[k] += patches[k];
                    }
}

ESP_VECTORISED
static void add_stretches(const esp_layer *layer, const float *patches, int images, float *dx)
{
    int cols = layer->in_cols, channels = esp_layer_channels(layer), run = layer->kernel_cols * channels;
    for (int image = 0; image < images; image++, dx += layer->in_size)
        for (int oy = 0; oy < layer->out_rows; oy++)
            for (int ox = 0; ox < layer->out_cols; ox++)
                for (int ky = 0; ky < layer->kernel; ky++, patches += run) {
                    float *to = dx + ((oy * layer->stride + ky) * cols + ox * layer->stride_cols) * channels;
                    for (int k = 0; k < run; k++) to[k] += patches[k];
                }
}

static void add_patches(const esp_layer *layer, const conv *c, int group, const float *patches, int images, float *dx)
{
    if (reads_stretches(layer)) add_stretches(layer, patches, images, dx);
    else add_taps(layer, group * c->channels, c->channels, patches, images, dx);
}

void esp_conv2d_add_patches(const esp_layer *layer, const float *patches, int images, float *dx)
{
    conv c = conv_sizes(layer);
    memset(dx, 0, (size_t)images * layer->in_size * sizeof(float));
    add_patches(layer, &c, 0, patches, images, dx);
}

void esp_conv2d_patches(const esp_layer *layer, const float *x, int n, float *patches)
{
    int channels = esp_layer_channels(layer), area = kernel_area(layer);
    for (int image = 0; image < n; image++, x += layer->in_size)
        for (int oy = 0; oy < layer->out_rows; oy++)
            for (int ox = 0; ox < layer->out_cols; ox++, patches += channels * area)
                for (int k = 0; k < area; k++) {
                    int at = pixel_under(layer, oy, ox, k / layer->kernel_cols, k % layer->kernel_cols);
                    const float *pixel = x + (size_t)(at < 0 ? 0 : at) * channels;
                    for (int c = 0; c < channels; c++) patches[c * area + k] = at < 0 ? 0.0f : pixel[c];
                }
}

void esp_conv2d_pad(const esp_layer *layer, const float *x, float *padded)
{
    int channels = esp_layer_channels(layer), width = (layer->left + layer->in_cols + layer->right) * channels;
    memset(padded, 0, (size_t)(layer->top + layer->in_rows + layer->bottom) * (size_t)width * sizeof *padded);
    padded += (size_t)layer->top * (size_t)width + (size_t)(layer->left * channels);
    for (int r = 0; r < layer->in_rows; r++, x += layer->in_cols * channels, padded += width)
        memcpy(padded, x, (size_t)(layer->in_cols * channels) * sizeof *padded);
}

size_t esp_conv2d_padded(const esp_layer *layer)
{
    if (!layer->top && !layer->bottom && !layer->left && !layer->right) return 0;
    return (size_t)(layer->top + layer->in_rows + layer->bottom) *
           (size_t)(layer->left + layer->in_cols + layer->right) * (size_t)esp_layer_channels(layer);
}

/* ---- forward and backward ---- */

/* Between one group's columns of y [rows, groups * kernels] and a matrix of their own. */
static void put_group(const conv *c, int group, int rows, float *y)
{
    int width = c->groups * c->kernels;
    for (int i = 0; i < rows; i++)
        memcpy(y + (size_t)i * width + group * c->kernels, c->part + (size_t)i * c->kernels,
               (size_t)c->kernels * sizeof *y);
}

static const float *take_group(const conv *c, int group, int rows, const float *y)
{
    int width = c->groups * c->kernels;
    if (c->groups == 1) return y;
    for (int i = 0; i < rows; i++)
        memcpy(c->part + (size_t)i * c->kernels, y + (size_t)i * width + group * c->kernels,
               (size_t)c->kernels * sizeof *y);
    return c->part;
}

void esp_conv2d_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *scratch,
                        float *y)
{
    conv c = conv_plan(layer, scratch);
    esp_conv2d_patch_order(layer, esp_network_weights(net, layer->weight), c.weights);
    const float *bias = layer->bias >= 0 ? esp_network_weights(net, layer->bias) : NULL;
    for (int first = 0; first < n; first += c.images) {
        int images = n - first < c.images ? n - first : c.images, rows = images * c.out_pixels;
        float *out = y + (size_t)first * layer->out_size;
        for (int g = 0; g < c.groups; g++) {
            lay_out_patches(layer, &c, g, x + (size_t)first * layer->in_size, images, c.patches);
            esp_gemm_nt(rows, c.kernels, c.patch, c.patches, c.weights + (size_t)g * c.kernels * c.patch, 0.0f,
                        c.groups > 1 ? c.part : out);
            if (c.groups > 1) put_group(&c, g, rows, out);
        }
        esp_act_forward(layer->act, rows, c.groups * c.kernels, bias, out);
    }
}

/* Some images of one group. */
static void group_backward(const esp_layer *layer, const conv *c, int group, const float *x, int images,
                           const float *dy, bool grads, float *dx)
{
    int rows = images * c->out_pixels;
    size_t weights = (size_t)group * c->kernels * c->patch;
    const float *dout = take_group(c, group, rows, dy);
    if (grads) {
        lay_out_patches(layer, c, group, x, images, c->patches);
        esp_gemm_tn(c->kernels, c->patch, rows, dout, c->patches, 1.0f, c->dweights + weights);
    }
    if (dx) {
        esp_gemm_nn(rows, c->patch, c->kernels, dout, c->weights + weights, 0.0f, c->dpatches);
        add_patches(layer, c, group, c->dpatches, images, dx);
    }
}

void esp_conv2d_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                         float *scratch, float *grads, float *dx)
{
    conv c = conv_plan(layer, scratch);
    if (dx) esp_conv2d_patch_order(layer, esp_network_weights(net, layer->weight), c.weights);
    if (dx) memset(dx, 0, (size_t)n * (size_t)layer->in_size * sizeof *dx);
    memset(c.dweights, 0, weights_size(&c) * sizeof(float));
    for (int first = 0; first < n; first += c.images) {
        int images = n - first < c.images ? n - first : c.images;
        for (int g = 0; g < c.groups; g++)
            group_backward(layer, &c, g, x + (size_t)first * layer->in_size, images,
                           dy + (size_t)first * layer->out_size, grads != NULL,
                           dx ? dx + (size_t)first * layer->in_size : NULL);
    }
    if (!grads) return;
    add_from_patch_order(&c, kernel_area(layer), grads + net->tensor[layer->weight].offset);
    if (layer->bias >= 0)
        esp_add_rows(n * c.out_pixels, c.groups * c.kernels, dy, grads + net->tensor[layer->bias].offset);
}
