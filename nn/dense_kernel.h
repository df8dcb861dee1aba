/* The inner loop of dense and convolution layers: rows of inputs times a matrix of weights that was laid out in panels,
 * plus bias, through the activation; and the sums over many rows that gradients of a convolution's weights are. It is
 * compiled for several instruction sets; the best one that the processor has is chosen at run time.
 *
 * An output is bias + x[0] w[0] + x[1] w[1] + ..., added in this order for any number of rows, so the result for one
 * sample does not depend on how many others are computed with it. */
#ifndef ESP_NN_DENSE_KERNEL_H
#define ESP_NN_DENSE_KERNEL_H

#include "nn/nn.h"

/* Where the inputs of one product are: `groups` times `rows` rows. Row r of group g starts at
 * x + g * group_step + r * row_step and is read as `segments` segments of `length` floats, segment_step apart. A dense
 * layer is one group of rows with one segment each; a convolution has one group per row of its output and one segment
 * per row of its kernel, read directly from the image. Steps are in floats. */
typedef struct {
    int groups, group_step;     /* number of groups, and floats from one to the next */
    int rows, row_step;         /* the same for the rows of a group */
    int segments, segment_step; /* the same for the segments of a row */
    int length;                 /* floats per segment */
    int before, after;          /* inputs of the panels that precede and follow those of a row; mostly 0 */
} esp_rows;

/* The functions for one instruction set. */
typedef struct esp_dense_kernel {
    const char *name;  /* "avx2" */
    int panel;         /* outputs per panel */
    int vector;        /* floats per vector; the last panel is only as many vectors wide as it needs */
    bool (*usable)(void); /* whether this processor has it */
    /* y [groups * rows, outputs] = act(x w + bias). panels: see esp_panels_fill. */
    void (*run)(const esp_rows *rows, int outputs, const float *x, const float *panels, const float *bias, esp_act act,
                float *y);
    /* sums += x w for the rows of one group. The inputs of a segment are x_step floats apart; w [inputs, outputs] is
     * row-major and read up to one panel beyond its end; sums [rows, outputs] are laid out like the panels of `rows`
     * inputs. */
    void (*add)(const esp_rows *rows, int outputs, const float *x, int x_step, const float *w, float *sums);
} esp_dense_kernel;

extern const esp_dense_kernel esp_dense_kernels[];   /* fastest first; the last one runs on every processor */
extern const int              esp_dense_num_kernels; /* number of kernels */
/* The chosen kernel, or the fastest that this processor can run. */
const esp_dense_kernel *esp_dense_kernel_used(void);

/* Floats of a weight matrix in panels. */
size_t esp_panels_size(const esp_dense_kernel *kernel, int outputs, int inputs);
/* Outputs rounded up to whole vectors: the number of floats in the bias that a kernel reads. */
int esp_padded_outputs(const esp_dense_kernel *kernel, int outputs);
/* w [outputs, inputs] -> panels: for each panel, its weights input by input; outputs that do not exist are 0. */
void esp_panels_fill(const esp_dense_kernel *kernel, int outputs, int inputs, const float *w, float *panels);
/* The same from the transposed matrix, w [inputs, outputs]. */
void esp_panels_copy(const esp_dense_kernel *kernel, int outputs, int inputs, const float *w, float *panels);
/* Where in panels the weight of this output and input is. */
size_t esp_panels_index(const esp_dense_kernel *kernel, int outputs, int inputs, int output, int input);

#endif
