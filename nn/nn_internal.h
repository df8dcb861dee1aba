/* The layers behind esp_forward and esp_backward: pure functions over given memory. */
#ifndef ESP_NN_INTERNAL_H
#define ESP_NN_INTERNAL_H

#include "nn/nn.h"

/* gemm.c: call before the first call of BLAS or LAPACK. */
void esp_blas_use_one_thread(void);

/* dst[cols] += sum of the rows of src [rows, cols], in row order. */
void esp_add_rows(int rows, int cols, const float *src, float *dst);

/* packed.c: one layer on n samples: x [num_inputs], each [n, esp_layer_input_size] -> y [n, out_size]. `act` takes the
 * place of the activation of a layer that is packed; the kernels have those that fuse and SiLU. Layers that are not
 * packed run esp_layer_apply. scratch: esp_packed_forward_scratch floats. */
void   esp_packed_forward(const esp_packed *packed, int layer, const void *const *x, int n, esp_act act, float *scratch,
                          float *y);
/* The first `shared` columns of a dense layer, with its bias, times x [shared]: sum [out_size], rounded up to whole
 * vectors. */
void   esp_packed_begin(const esp_packed *packed, int layer, const float *x, int shared, float *sum);
/* The rest: y [n, out_size] = act(sum + x w) for x [n, in_size - shared]; bit-identical to one product. */
void   esp_packed_end(const esp_packed *packed, int layer, const float *sum, int shared, const float *x, int n,
                      esp_act act, float *y);
/* Floats of such a sum. */
size_t esp_packed_sum_size(const esp_packed *packed, int layer);
size_t esp_packed_forward_scratch(const esp_packed *packed, int layer);
bool   esp_packed_has(const esp_packed *packed, int layer); /* whether its weights are packed */
/* The gradient of a layer's inputs, dx [n, in_size], from that of its outputs before the activation, dy [n, out_size];
 * for a layer that was packed to learn. scratch: esp_packed_scratch floats. */
void   esp_packed_backward(const esp_packed *packed, int layer, const float *dy, int n, float *scratch, float *dx);
size_t esp_packed_scratch(const esp_layer *layer);
const esp_network *esp_packed_network(const esp_packed *packed); /* whose weights are packed */
const struct esp_dense_kernel *esp_packed_kernel(const esp_packed *packed); /* that they are packed for */

/* activation.c: ESP_LAYER_ACT; backward needs its input. */
void esp_act_layer_forward(const esp_layer *layer, size_t count, const float *x, float *y);
void esp_act_layer_backward(const esp_layer *layer, size_t count, const float *x, const float *dy, float *dx);

/* rearrange.c: channels of the image that a layer reads. */
int esp_layer_channels(const esp_layer *layer);
/* rearrange.c: images are [n, row, column, channel]. */
void   esp_image_forward(const esp_layer *layer, const uint8_t *x, int n, float *y);
void   esp_flatten_forward(const esp_layer *layer, const float *x, int n, float *y);
void   esp_flatten_backward(const esp_layer *layer, const float *dy, int n, float *dx);
void   esp_unflatten_forward(const esp_layer *layer, const float *x, int n, float *y);
void   esp_unflatten_backward(const esp_layer *layer, const float *dy, int n, float *dx);
void   esp_concat_forward(const esp_network *net, const esp_layer *layer, const void *const *x, int n, float *y);
/* dx [num_inputs]; NULL: not wanted. */
void   esp_concat_backward(const esp_network *net, const esp_layer *layer, const float *dy, int n, float *const *dx);
void   esp_slice_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *y);
void   esp_slice_backward(const esp_network *net, const esp_layer *layer, const float *dy, int n, float *dx);
int    esp_slice_start(const esp_network *net, const esp_layer *layer); /* first value or channel of the stretch */

/* elementwise.c: two values of one shape; dx [2], NULL: not wanted. */
void esp_combine_forward(esp_layer_kind kind, size_t count, const float *a, const float *b, float *y);
void esp_combine_backward(esp_layer_kind kind, size_t count, const float *a, const float *b, const float *dy,
                          float *const *dx);
void esp_scale_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *y);
void esp_scale_backward(const esp_network *net, const esp_layer *layer, const float *dy, int n, float *dx);

/* pool.c */
void esp_pool_forward(const esp_layer *layer, const float *x, int n, float *y);
void esp_pool_backward(const esp_layer *layer, const float *x, const float *y, int n, const float *dy, float *dx);

/* layer.c: the gradients of one layer from that of its outputs before a fused activation, dy [n, out_size]: adds those
 * of its weights to grads (NULL: not wanted), writes those of its inputs to dx [num_inputs], each
 * [n, esp_layer_input_size] or NULL: not wanted. x, y: what forward read and wrote. */
void esp_layer_backward(const esp_network *net, int layer, const void *const *x, const float *y, int n,
                        const float *dy, float *scratch, float *grads, float *const *dx);

/* conv2d.c: offset of the pixel under a tap of the kernel at a place of it, in pixels; -1: padding. */
int esp_conv2d_pixel(const esp_layer *layer, int place, int tap);

/* depthwise.c: convolutions with a group per channel, as esp_conv2d_forward and esp_conv2d_backward. */
bool   esp_layer_is_depthwise(const esp_layer *layer);
size_t esp_depthwise_scratch(const esp_layer *layer); /* floats, forward and backward */
void   esp_depthwise_forward(const esp_network *net, const esp_layer *layer, const float *x, int n, float *scratch,
                             float *y);
void   esp_depthwise_backward(const esp_network *net, const esp_layer *layer, const float *x, int n, const float *dy,
                              float *scratch, float *grads, float *dx);

/* conv2d.c: one group, no dilation. */
bool esp_conv2d_is_plain(const esp_layer *layer);
/* One image with its padding, and its floats; 0 without padding. */
void   esp_conv2d_pad(const esp_layer *layer, const float *x, float *padded);
size_t esp_conv2d_padded(const esp_layer *layer);
size_t esp_conv2d_scratch(const esp_layer *layer); /* floats, forward and backward */
/* Writes every place of the kernel as a row [n, out_rows, out_cols | channel, kernel row, kernel
 * column], of a convolution of one group. */
void   esp_conv2d_patches(const esp_layer *layer, const float *x, int n, float *patches);
/* Patches [images * places, kernel row, kernel column, channel] -> dx [images, in_size]: every patch adds to the
 * pixels it came from. */
void   esp_conv2d_add_patches(const esp_layer *layer, const float *patches, int images, float *dx);
/* Weights [out, in, kh, kw] -> [out, kh, kw, in], the order of the pixels that they are multiplied with; in: channels
 * of a group. */
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
