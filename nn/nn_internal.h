/* The layers behind esp_forward and esp_backward: pure functions over given memory. */
#ifndef ESP_NN_INTERNAL_H
#define ESP_NN_INTERNAL_H

#include "nn/nn.h"

/* gemm.c: call before the first call of BLAS or LAPACK. */
void esp_blas_use_one_thread(void);

/* dst[cols] += sum of the rows of src [rows, cols], in row order. */
void esp_add_rows(int rows, int cols, const float *src, float *dst);

/* packed.c: one layer on n samples, x [n, in_size] -> y [n, out_size]. All kinds but dense and convolution
 * run esp_layer_forward. */
void esp_packed_forward(const esp_packed *packed, int layer, const void *x, int n, float *y);
/* The gradient of a layer's inputs, dx [n, in_size], from that of its outputs before the activation, dy [n, out_size];
 * for a layer that was packed to learn. scratch: esp_packed_scratch floats. */
void   esp_packed_backward(const esp_packed *packed, int layer, const float *dy, int n, float *scratch, float *dx);
size_t esp_packed_scratch(const esp_layer *layer);
const esp_network *esp_packed_network(const esp_packed *packed); /* whose weights are packed */
const struct esp_dense_kernel *esp_packed_kernel(const esp_packed *packed); /* that they are packed for */

/* conv2d.c: channels of the image that a layer reads. */
int esp_layer_channels(const esp_layer *layer);
/* conv2d.c: images are [n, row, column, channel]. */
void   esp_image_forward(const esp_layer *layer, const uint8_t *x, int n, float *y);
void   esp_flatten_forward(const esp_layer *layer, const float *x, int n, float *y);
void   esp_flatten_backward(const esp_layer *layer, const float *dy, int n, float *dx);
size_t esp_conv2d_scratch(const esp_layer *layer); /* floats, forward and backward */
/* Writes every place of the kernel as a row [n, out_rows, out_rows | channel, kernel row, kernel
 * column]. */
void   esp_conv2d_patches(const esp_layer *layer, const float *x, int n, float *patches);
/* Patches [images * places, kernel row, kernel column, channel] -> dx [images, in_size]: every patch adds to the pixels
 * it came from. */
void   esp_conv2d_add_patches(const esp_layer *layer, const float *patches, int images, float *dx);
/* Weights [out, in, kh, kw] -> [out, kh, kw, in], the order of the pixels that they are multiplied with. */
void   esp_conv2d_patch_order(const esp_layer *layer, const float *weights, float *ordered);
void   esp_conv2d_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *scratch,
                          float *y);
/* dy is the gradient before the activation. grads or dx may be NULL: not wanted. */
void   esp_conv2d_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                           float *scratch, float *grads, float *dx);

/* norm.c: LayerNorm over the units of a sample; BatchNorm with its running statistics. */
void esp_layernorm_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *y);
void esp_layernorm_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                            float *grads, float *dx);
void esp_batchnorm_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *y);
void esp_batchnorm_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                            float *grads, float *dx);

#endif
