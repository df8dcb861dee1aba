/* nn: networks whose tensor dimensions are named axes, their layers forward and backward, Adam,
 * initialisation, safetensors.
 *
 * Matrices are row-major, slowest first: [batch, features]. Images enter as uint8
 * [batch, channel, row, column] (PyTorch's order); inside convolutions they are
 * [batch, row, column, channel], because then a patch is a few long contiguous copies.
 * Weights keep PyTorch's layouts: dense [out, in], conv [out, in, kh, kw]. */
#ifndef ESP_NN_H
#define ESP_NN_H

#include "base/base.h"

/* ---- gemm.c: the one door to BLAS --------------------------------------------------------- */

/* c[m,n] = a b^T + beta c, a [m,k], b [n,k], all row-major and packed. Single-threaded, like all products here:
 * parallel work is divided above this level, so results do not depend on the number of threads. With beta 0, c may
 * hold anything. */
void esp_gemm_nt(int m, int n, int k, const float *a, const float *b, float beta, float *c);
/* The same with b [k,n]: c = a b + beta c. */
void esp_gemm_nn(int m, int n, int k, const float *a, const float *b, float beta, float *c);
/* The same with a [k,m] and b [k,n]: c = a^T b + beta c. */
void esp_gemm_tn(int m, int n, int k, const float *a, const float *b, float beta, float *c);
/* esp_gemm_nn on parts of larger matrices: a_width, b_width and c_width are the distances between rows, in floats. */
void esp_gemm_nn_part(int m, int n, int k, const float *a, int a_width, const float *b, int b_width, float beta,
                      float *c, int c_width);
/* esp_gemm_tn on m neighbouring columns, starting at `a`, of a matrix [k, width]. */
void esp_gemm_tn_columns(int m, int n, int k, int width, const float *a, const float *b, float beta, float *c);
/* The lower triangle of c[n,n] = a^T a + beta * c; a is [k,n]. */
void esp_syrk(int n, int k, const float *a, float beta, float *c);

/* The BLAS in use. Texts belong to the library. */
typedef struct {
    const char *version; /* "OpenBLAS 0.3.21" and how it was built */
    const char *kernel;  /* the processor whose kernels it picked, for example "SkylakeX" */
    const char *file;    /* the loaded library; NULL: linked statically */
} esp_blas_facts;

esp_blas_facts esp_blas_describe(void); /* of this process */
/* An OpenBLAS older than the processor may not know it and then picks kernels without AVX: several times slower. The
 * value of OPENBLAS_CORETYPE, which OpenBLAS reads when a program starts, that names better ones; NULL: those in use
 * are as good. */
const char *esp_blas_better_kernel(void);

/* ---- spd.c: symmetric positive definite systems, LAPACK in double ---------------------------- */

/* Replaces a [n,n], of which the lower triangle is read, by its Cholesky factor. Single-threaded, like everything
 * here. ESP_ERR_NUMERIC when a is not positive definite. */
esp_status esp_spd_factor(int n, double *a);
/* Solves x a = b for every row of b [m,n], in place; factor [n,n] from esp_spd_factor. */
void esp_spd_solve(int n, int m, const double *factor, double *b);
/* Replaces a [n,n], of which the lower triangle is read, by its inverse, both triangles. */
esp_status esp_spd_invert(int n, double *a);

/* ---- eigen.c ----------------------------------------------------------------------------------- */

/* Replaces row i of a symmetric matrix a [n,n], whose lower triangle is read, by the eigenvector of values[i], of
 * length 1; values [n] ascend. */
void esp_symmetric_eigen(int n, double *a, double *values);

/* ---- activation.c ------------------------------------------------------------------------- */

/* Activations, element by element. The derivatives of the first five follow from their output, so that they can be
 * part of another layer; there, ELU has alpha 1. The others are layers of their own (ESP_LAYER_ACT). */
typedef enum {
    ESP_ACT_NONE,       /* x */
    ESP_ACT_RELU,       /* max(x, 0) */
    ESP_ACT_ELU,        /* alpha (exp(x) - 1) for x < 0 */
    ESP_ACT_TANH,       /* tanh(x) */
    ESP_ACT_SIGMOID,    /* 1 / (1 + exp(-x)) */
    ESP_ACT_LEAKY_RELU, /* alpha x for x < 0 */
    ESP_ACT_GELU,       /* x Phi(x), by erf */
    ESP_ACT_GELU_TANH,  /* its approximation by tanh */
    ESP_ACT_SILU,       /* x sigmoid(x), also called swish */
    ESP_ACT_SOFTPLUS,   /* log(1 + exp(x)) */
    ESP_ACT_CLIP        /* alpha to beta */
} esp_act;

/* Whether the derivative follows from the output, so that the activation can be part of another layer. */
bool esp_act_fuses(esp_act act);
/* y[rows, cols] = act(y + bias) in one pass; bias [cols] or NULL; an activation that fuses. */
void esp_act_forward(esp_act act, int rows, int cols, const float *bias, float *y);
/* dy *= act'(x), expressed through the output y = act(x), of an activation that fuses. */
void esp_act_backward(esp_act act, size_t count, const float *y, float *dy);
/* exp by a polynomial that compilers vectorise; relative error below 3e-7 on [-87, 88]. */
float esp_expf(float x);

/* ---- network.c: axes, tensors, components -------------------------------------------------- */

#define ESP_NAME 64           /* bytes of a name, including the final 0 */
#define ESP_MAX_AXES 128      /* axes per network */
#define ESP_MAX_TENSORS 512   /* tensors per network */
#define ESP_MAX_LAYERS 256    /* layers per network */
#define ESP_MAX_COMPONENTS 8  /* components per network: encoder, dynamics ... */
#define ESP_MAX_PARTS 8       /* parts per dimension */
#define ESP_MAX_INPUTS 8      /* inputs per layer */
#define ESP_MAX_PORTS 8       /* named inputs, and named outputs, per component */

/* One dimension of the network along which units can be removed; fixed when it is an input or output of the
 * network. */
typedef struct {
    char name[ESP_NAME]; /* "_dynamics.0" */
    int  size;           /* units, >= 1 */
    bool prunable;       /* false: all units stay, because the outside world gives them their meaning */
    const char *fixed;   /* why not, such as "input"; static text, NULL: not known or prunable */
} esp_axis;

/* A tensor dimension is a concatenation of parts; a part is an axis times a block (flatten: channel x 3x3 has block
 * 9). A dimension without parts (kernel rows and columns) has num == 0 and its size in the tensor's shape. */
typedef struct {
    int num;                                         /* parts, 0 .. ESP_MAX_PARTS */
    struct { int axis, block; } part[ESP_MAX_PARTS]; /* index of the axis, and values per unit of it */
} esp_dim;

/* A parameter of a layer: the axes of its dimensions, and where its values are. */
typedef struct {
    char    name[2 * ESP_NAME]; /* "_encoder.1.weight" */
    int     component;          /* index */
    int     layer;              /* index */
    bool    trainable;          /* false: running statistics */
    int     rank;               /* dimensions, 1 .. 4 */
    int     shape[4];           /* [rank] sizes, slowest first; derived from the axes by esp_network_finish */
    esp_dim dim[4];             /* [rank] what each dimension consists of */
    size_t  offset, count;      /* place in esp_network.weights, in floats */
} esp_tensor;

/* What a layer does; [..] is one sample. Images are [h,w,c] between layers. */
typedef enum {
    ESP_LAYER_IMAGE,     /* uint8 [c,h,w] -> float [h,w,c] / 255 */
    ESP_LAYER_CONV2D,    /* [h,w,c] -> [h',w',c'] */
    ESP_LAYER_FLATTEN,   /* [h,w,c] -> [c,h,w] as one row */
    ESP_LAYER_DENSE,     /* y = W x + b, W [out, in] */
    ESP_LAYER_LAYERNORM, /* over the values of a row, biased variance, affine */
    ESP_LAYER_BATCHNORM, /* by unit or channel, affine, running statistics; of the batch only in esp_team_gradient */
    ESP_LAYER_UNFLATTEN, /* [c,h,w] as one row -> [h,w,c] */
    ESP_LAYER_ACT,       /* an activation alone, with parameters */
    ESP_LAYER_SCALE,     /* y = x * weight + bias by unit or channel, both constant */
    ESP_LAYER_ADD,       /* of two values of one shape */
    ESP_LAYER_SUB,       /* first - second */
    ESP_LAYER_MUL,       /* of two values of one shape */
    ESP_LAYER_DIV,       /* first / second */
    ESP_LAYER_CONCAT,    /* of up to ESP_MAX_INPUTS rows, or of the channels of images */
    ESP_LAYER_SLICE,     /* a stretch of a row or of channels */
    ESP_LAYER_MAXPOOL,   /* by channel; padding never wins */
    ESP_LAYER_AVGPOOL    /* by channel */
} esp_layer_kind;

#define ESP_INPUT (-1) /* in place of a layer that is read: the row that the component reads */

/* One step of a component: an affine part or a rearrangement, then an activation. */
typedef struct {
    esp_layer_kind kind;           /* decides which of the members below are used */
    esp_act act;                   /* applied to the result; ESP_LAYER_ACT: the layer itself */
    float   alpha, beta;           /* ESP_LAYER_ACT: parameters of the activation */
    float   eps;                   /* both normalisations: added to the variance */
    char    module[ESP_NAME];      /* "_encoder.1"; tensors are module.weight, module.bias ... */
    int     component;             /* index */
    int     num_inputs, input[ESP_MAX_INPUTS]; /* layers of the component that stand before this one, or ESP_INPUT */
    esp_dim in, out;               /* of the first input and of the output; channels of images */
    int     kernel, stride;        /* conv and pooling: rows of the window, rows from one place to the next */
    int     kernel_cols, stride_cols; /* the same for columns */
    int     dilation, dilation_cols; /* conv: pixels from one tap of the kernel to the next */
    int     top, left, bottom, right; /* conv and pooling: padding */
    int     per_group;             /* conv: input channels per group; 0: one group */
    bool    counts_padding;        /* average pooling: padding counts as zeros */
    int     in_rows, out_rows;     /* image rows before and after; 0 for vectors */
    int     in_cols, out_cols;     /* the same for columns */
    int     skip_parts, skip_values; /* slice: parts of `in` before it, and values of the next part, which is fixed */
    int     weight, bias, mean, var; /* indices of tensors, -1 if none; layers may share them */
    int     in_size, out_size;     /* values per sample; derived from the axes */
} esp_layer;

/* One of several values that a component reads or writes, which are joined to one row in their order. */
typedef struct {
    char    name[ESP_NAME];        /* "observation" */
    esp_dim dim;                   /* values of a row, channels of an image [channel, row, column] */
    int     rows, cols;            /* of an image; 0: a row */
} esp_port;

/* A part of the network that can run on its own; its layers and tensors are contiguous. It reads one row and writes
 * one row, the output of its last layer. */
typedef struct {
    char   name[ESP_NAME];         /* "_encoder" */
    int    first_layer, num_layers;   /* range of esp_network.layer */
    int    first_tensor, num_tensors; /* range of esp_network.tensor */
    esp_dim in;                    /* of the row that it reads; derived from the first layer when num is 0 */
    int    num_inputs, num_outputs; /* 0: not named */
    esp_port input[ESP_MAX_PORTS], output[ESP_MAX_PORTS]; /* [num_inputs], [num_outputs] parts of both rows */
    int    in_size, out_size;      /* values per sample; 0 without layers */
    size_t offset, count;          /* range of esp_network.weights */
} esp_component;

#define ESP_NORM_EPS 1e-5f /* added to the variance by both normalisations, as in PyTorch */

/* A network is plain data: build it axis by axis and layer by layer, then call esp_network_finish. `weights` (owned)
 * holds all tensors back to back in the order of their declaration. */
typedef struct {
    int num_axes, num_tensors, num_layers, num_components; /* used entries of the arrays below */
    esp_axis      axis[ESP_MAX_AXES];           /* [num_axes] in the order they were declared */
    esp_tensor    tensor[ESP_MAX_TENSORS];      /* [num_tensors] */
    esp_layer     layer[ESP_MAX_LAYERS];        /* [num_layers] component by component */
    esp_component component[ESP_MAX_COMPONENTS]; /* [num_components] */
    size_t num_weights;                         /* running statistics included */
    float *weights;                             /* [num_weights] owned; NULL before esp_network_finish */
} esp_network;

/* The functions below describe networks by axes declared by hand, layer by layer, each of which reads the one before
 * it; graph/graph.h derives axes from nodes.
 *
 * An empty network; the caller frees it. */
esp_network *esp_network_new(void);
void         esp_network_free(esp_network *net); /* accepts NULL */
/* Declares an axis and returns its index. */
int     esp_network_axis(esp_network *net, const char *name, int size, bool prunable);
esp_dim esp_dim_of(int axis);                    /* a dimension of one axis */
esp_dim esp_dim_concat(int first, int second);   /* two axes, such as latent | action */
/* Starts a component; the layers that follow belong to it. A component without layers keeps its number, for code that
 * knows components by number. */
int  esp_network_component(esp_network *net, const char *name);
/* The layer that takes images [channels, rows, rows] of bytes; `channels` is an axis. */
void esp_network_image(esp_network *net, int channels, int rows);
/* A square convolution without padding from axis `in` to axis `out`; tensors module.weight [out, in, kernel, kernel]
 * and module.bias [out]. */
void esp_network_conv2d(esp_network *net, const char *module, int in, int out, int kernel, int stride, esp_act act);
/* Turns the output of the layer before, [channel, row, column], into one row of values. */
void esp_network_flatten(esp_network *net);
/* Tensors module.weight [out, in] and module.bias [out]. */
void esp_network_dense(esp_network *net, const char *module, esp_dim in, esp_dim out, esp_act act);
/* kind is ESP_LAYER_LAYERNORM or ESP_LAYER_BATCHNORM; tensors module.weight (gain) and module.bias (offset) along the
 * axis, and for BatchNorm also module.running_mean and module.running_var. */
void esp_network_norm(esp_network *net, esp_layer_kind kind, const char *module, int axis, esp_act act);
/* Adds a layer to the component started last. It reads the layer before it until its inputs are set; eps is
 * ESP_NORM_EPS, all tensors are -1. The pointer is valid as long as the network. */
esp_layer *esp_network_layer(esp_network *net, esp_layer_kind kind, const char *module);
/* Adds the tensor module.suffix to the layer added last and returns its index. dims [rank]: those with num 0 have the
 * size that `shape` gives, which may be NULL without any. */
int esp_network_tensor(esp_network *net, const char *suffix, bool trainable, int rank, const esp_dim *dims,
                       const int *shape);
/* Derives shapes, offsets and sizes from the axes and allocates zeroed weights. May be called again after axis sizes
 * were changed. ESP_ERR_SHAPE when an image gets too small. */
esp_status esp_network_finish(esp_network *net);
/* A copy of the description with no weights, to be resized and finished. */
esp_network *esp_network_describe(const esp_network *net);
/* A copy with its own weights; the caller frees it. */
esp_network *esp_network_clone(const esp_network *net);

/* Places of a window along one side of an image with padding before and after it; 0: it does not fit. dilation 0: 1. */
int   esp_window_places(int side, int before, int after, int window, int stride, int dilation);
/* Values along a dimension, from the present sizes of its axes. */
int   esp_dim_size(const esp_network *net, const esp_dim *dim);
int   esp_port_size(const esp_network *net, const esp_port *port); /* values per sample */
int   esp_network_find_axis(const esp_network *net, const char *name);       /* -1: none */
int   esp_network_find_tensor(const esp_network *net, const char *name);     /* -1: none */
int   esp_network_find_component(const esp_network *net, const char *name);  /* -1: none */
/* A component's name without the underscore with which its tensors' names begin: "encoder". */
const char *esp_component_name(const esp_network *net, int component);
/* The values of the tensor with this index, inside net->weights. */
float *esp_network_weights(const esp_network *net, int tensor);
/* Bit c is set when component c has layers. A component without layers is a slot: it was left out of this network. */
unsigned esp_network_components(const esp_network *net);
/* Whether any dimension of the tensor contains the axis. */
bool  esp_tensor_has_axis(const esp_tensor *tensor, int axis);
/* Bit c is set when component c has a tensor along the axis. */
unsigned esp_axis_components(const esp_network *net, int axis);
size_t esp_network_params(const esp_network *net, unsigned components); /* trainable ones, in a set of components */
/* Bytes of the weights of a set of components as a file stores them, running statistics included. */
size_t esp_network_bytes(const esp_network *net, unsigned components);
#define ESP_ALL_COMPONENTS (~0u) /* the set of all components, one bit each */
/* Whether every layer of the component reads the one before it and nothing else. */
bool esp_component_is_chain(const esp_network *net, int component);
/* Whether the component reads bytes: its first layer is an image. */
bool esp_component_reads_bytes(const esp_network *net, int component);
/* Values per sample of one input of a layer. */
int esp_layer_input_size(const esp_network *net, const esp_layer *layer, int input);
/* Whether another layer has the same weights. */
bool esp_layer_shares_weights(const esp_network *net, int layer);
/* Hash over the sizes of the axes and the bits of the weights. */
uint64_t esp_network_hash(const esp_network *net);
/* Multiply-adds per sample through one component. */
double esp_component_macs(const esp_network *net, int component);

/* ---- layer.c: one layer on its own ---------------------------------------------------------- */

/* Floats of scratch memory for forward and backward; 0 for all but convolutions. */
size_t esp_layer_scratch(const esp_layer *layer);
/* The values that a layer reads, [num_inputs], each [n, esp_layer_input_size], and its output y [n, out_size]. */
void esp_layer_apply(const esp_network *net, int layer, const void *const *x, int n, float *scratch, float *y);
/* The same for a layer with one input: x [n, in_size] (uint8 images for an image layer) -> y [n, out_size], activation
 * included; BatchNorm uses its running statistics. */
void esp_layer_forward(const esp_network *net, int layer, const void *x, int n, float *scratch, float *y);
/* Rows per sample that the weights [out, columns] of a dense or convolution layer are multiplied with: one for a
 * dense layer, one per place of the kernel for a convolution. */
int esp_layer_rows(const esp_layer *layer);
/* Whether it multiplies its input by a matrix of weights: dense layers and convolutions of one group. */
bool esp_layer_has_weights(const esp_layer *layer);
/* Values per row: the inputs of a dense layer, or channels times kernel area of a convolution. */
int esp_layer_columns(const esp_layer *layer);
/* x [n, in_size] -> patches [n * rows, columns] of a convolution, columns in the order of its weights. */
void esp_layer_patches(const esp_layer *layer, const float *x, int n, float *patches);

/* ---- packed.c, runner.c: weights in the order in which the kernels read them ----------------------------- */

/* The weights of some components, copied into the order in which the fastest kernel of this processor reads them.
 * Shared by any number of threads; borrows the network. The outputs of a sample are
 * bit-identical for any number of samples beside it. */
typedef struct esp_packed esp_packed;

/* components: bit i packs component i. Owned by the caller. */
esp_packed *esp_packed_create(const esp_network *net, unsigned components);
/* The same for an esp_batch_tape: also packs the transposed weights, with which gradients go back. */
esp_packed *esp_packed_create_to_learn(const esp_network *net, unsigned components);
/* Copies the weights of those components again, after they changed; on all threads unless inside a parallel region. */
void        esp_packed_fill(esp_packed *packed, unsigned components);
void        esp_packed_free(esp_packed *packed);  /* accepts NULL */

/* Runs one component on up to `capacity` samples. Borrows what was packed; one runner per thread. */
typedef struct esp_runner esp_runner;

/* Owned by the caller. */
esp_runner *esp_runner_create(const esp_packed *packed, int component, int capacity);
void        esp_runner_free(esp_runner *runner);  /* accepts NULL */
/* x [n, in_size] float, or uint8 images when the first layer is an image -> [n, out_size] inside the runner, valid
 * until its next call. BatchNorm uses running statistics. Allocates nothing. */
const float *esp_runner_forward(esp_runner *runner, const void *x, int n);
/* The same, bit for bit, for rows that begin with the same values: head [shared]; tails [n, in_size - shared] are the
 * rest of every row. The share of head in the first layer, which must be dense, is computed once. */
const float *esp_runner_forward_shared(esp_runner *runner, const float *head, int shared, const float *tails, int n);

/* The instruction sets that the inner loops of matrix products were compiled for, fastest first: "avx512", "avx2",
 * "baseline" (any processor). */
int         esp_num_kernels(void);
const char *esp_kernel_name(int index); /* 0 <= index < esp_num_kernels() */
/* The one in use: the fastest that this processor has, unless another was chosen. */
const char *esp_kernel_used(void);
/* Chooses one by name, to compare or to get what another processor gets, before anything is packed. ESP_ERR_USAGE:
 * no such name; ESP_ERR_MACHINE: this processor lacks it. */
esp_status  esp_kernel_choose(const char *name);

/* ---- tape.c: one component forward, and backward over what forward recorded ---------------- */

/* Owns the activations of one component for up to `capacity` samples. One tape per thread. A tape fits the sizes of
 * one network; a pruned network needs its own. */
typedef struct esp_tape esp_tape;

/* A tape for one component of `net`; the caller frees it. It keeps no reference to the network. */
esp_tape *esp_tape_create(const esp_network *net, int component, int capacity);
void      esp_tape_free(esp_tape *tape);  /* accepts NULL */
/* x: [n, in_size] float, or uint8 images when the first layer is an image; borrowed until backward. Returns [n,
 * out_size] inside the tape, valid until the next esp_forward. */
const float *esp_forward(const esp_network *net, esp_tape *tape, const void *x, int n);
/* Overwrites dy [n, out_size]. Adds weight gradients to grads (laid out like net->weights; NULL: not wanted) and
 * writes dx [n, in_size] (NULL: not wanted; always NULL for images). */
void esp_backward(const esp_network *net, esp_tape *tape, float *dy, float *grads, float *dx);
/* Output of the component's i-th layer, [n, out_size], activation included; valid until the next forward. */
const float *esp_tape_output(const esp_tape *tape, int i);
/* Receives the loss gradient dy [n, out_size] of the component's i-th layer, activation included. */
typedef void (*esp_gradient_fn)(void *context, int i, const float *dy);
/* Makes backward pass the gradient of every layer's output to `watch`, last layer first. NULL (default): no
 * watcher. */
void esp_tape_watch(esp_tape *tape, esp_gradient_fn watch, void *context);

/* ---- batch_tape.c: one component over a batch whose samples threads share ------------------------ */

/* Outputs and gradients of every layer for all samples of a batch. First, threads run forward and backward for
 * different samples; then they share the gradients of the weights, which are sums over the whole batch, in pieces.
 * Nothing depends on the number of threads; the outputs and gradients of a sample not even on the samples computed
 * with it. */
typedef struct esp_batch_tape esp_batch_tape;

/* For up to `capacity` samples. Borrows the weights, which were packed to learn. The caller frees it. */
esp_batch_tape *esp_batch_tape_create(const esp_packed *packed, int component, int capacity);
void            esp_batch_tape_free(esp_batch_tape *tape); /* accepts NULL */
/* The samples: x [capacity, in_size] float, or uint8 images when the first layer is an image. Borrowed, and read
 * whenever a function below needs one. */
void            esp_batch_input(esp_batch_tape *tape, const void *x);
/* Runs samples first .. first + n - 1; returns their outputs [n, out_size]. */
const float    *esp_batch_forward(esp_batch_tape *tape, int first, int n);
/* Where the caller writes the loss gradient of the outputs of sample `first`, [out_size], and of those after it. */
float          *esp_batch_gradient(esp_batch_tape *tape, int first);
/* Gradients of all layers for these samples, and of their inputs: dx [n, in_size]; NULL: not wanted; always NULL for
 * images. scratch: esp_batch_tape_scratch floats. */
void            esp_batch_backward(esp_batch_tape *tape, int first, int n, float *scratch, float *dx);
size_t          esp_batch_tape_scratch(const esp_batch_tape *tape); /* floats; 0 without convolutions */
/* Sample first + samples[k] takes the place of sample first + k, for all k < n; samples [n] ascend. For a backward
 * pass over some samples; the others, and the correspondence to x, are lost. */
void            esp_batch_select(esp_batch_tape *tape, int first, int n, const int *samples);
/* Number of pieces that the gradients of the component's weights are divided into. */
int             esp_batch_pieces(const esp_batch_tape *tape);
/* Overwrites one piece of grads, laid out like the network's weights, with the sum over samples 0 .. n - 1. */
void            esp_batch_piece(const esp_batch_tape *tape, int piece, int n, float *grads);

/* ---- team_tape.c: one batch through a chain of dense layers, by all threads together ------------ */

/* A tape for training with large batches: all threads share it, whereas each thread needs an esp_tape of its own. The
 * components of the network, one after another, must consist of dense layers, each optionally followed by BatchNorm.
 * Activations are kept unit by unit, [units, n]: one thread computes a stripe of units from product to BatchNorm,
 * whose statistics run over the whole batch, so nothing depends on the number of threads. */
typedef struct esp_team_tape esp_team_tape;

/* For batches of up to `capacity` samples. Borrows the network, whose sizes must not change. */
esp_team_tape *esp_team_tape_create(esp_network *net, int capacity);
void           esp_team_tape_free(esp_team_tape *tape); /* accepts NULL */

/* The loss of the outputs first .. first + count - 1: reads y [count, n], writes dy [count, n]. It is called once per
 * pass for every output, on any thread. */
typedef void (*esp_team_loss_fn)(void *context, int first, int count, int n, const float *y, float *dy);

/* Forward, loss, backward: x [in, n]; grads [num_weights], laid out like the network's weights, is overwritten where
 * they are trainable. With batch statistics BatchNorm normalises by those of the batch (Ioffe and Szegedy 2015) and
 * moves the network's running ones a tenth towards them, the variance unbiased as in PyTorch; without them it uses
 * the running ones and leaves them unchanged. */
void esp_team_gradient(esp_team_tape *tape, const float *x, int n, bool batch_statistics, esp_team_loss_fn loss,
                       void *context, float *grads);

/* The centres of the inputs of all dense layers, one after another, [*count]; initially zero; owned by the tape. */
float *esp_team_tape_centres(esp_team_tape *tape, size_t *count);
/* Sets the centres to the mean inputs of the dense layers over x [in, n] (running statistics), and changes the biases
 * of the network accordingly: from then on its dense layers read centred inputs, and the caller who fills x subtracts
 * the first centres. Otherwise an offset that all units share would dominate every gradient. */
void esp_team_tape_centre(esp_team_tape *tape, const float *x, int n);
/* Converts `weights` [num_weights] of the centred network to those of a plain network, into out; out may equal
 * weights. */
void esp_team_tape_plain(const esp_team_tape *tape, const float *weights, float *out);

/* ---- init.c -------------------------------------------------------------------------------- */

/* Replaces w [rows, cols], filled with normals, by orthogonal rows or columns times gain: QR with positive diagonal
 * (reference case 7). */
void esp_orthogonal(int rows, int cols, float gain, float *w);
/* The reference agent's initial weights: dense gain 1, conv gain sqrt 2, biases 0, LayerNorm 1 and 0. */
void esp_network_init_orthogonal(esp_network *net, uint64_t seed);
/* PyTorch's default for Linear and Conv2d: uniform in +-1/sqrt(fan in), weights and biases. */
void esp_network_init_default(esp_network *net, uint64_t seed);

/* ---- adam.c -------------------------------------------------------------------------------- */

/* Adam (Kingma and Ba 2015) over a range of weights; moments [count], owned. */
typedef struct {
    size_t count;  /* number of weights */
    float *m, *v;  /* [count] running means of the gradient and of its square */
    int64_t step;  /* steps taken */
} esp_adam;

/* Sets the moments of `count` weights to zero. */
void  esp_adam_init(esp_adam *adam, size_t count);
void  esp_adam_free(esp_adam *adam); /* accepts a zeroed struct; zeroes it */
/* One step on weights [count] with grad [count] and learning rate lr: betas 0.9 and 0.999, eps 1e-8. Gradients are
 * multiplied by `scale` first (clipping). */
void  esp_adam_step(esp_adam *adam, float lr, float scale, const float *grad, float *weights);
/* Factors shared by all weights in one step: learning rate and root, both with their bias corrections. */
typedef struct { float rate, root; } esp_adam_rates;
/* The same step in parts, for threads that share the weights: begin once ... */
esp_adam_rates esp_adam_begin(esp_adam *adam, float lr);
/* ... then move every range [first, first + count) of `weights` and `grad` once, in any order. */
void  esp_adam_move(esp_adam *adam, esp_adam_rates rates, float scale, size_t first, size_t count, const float *grad,
                    float *weights);
/* 2-norm, summed in double in a fixed order. */
double esp_norm2(size_t count, const float *x);
/* min(1, max_norm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_. */
float  esp_clip_scale(double norm, double max_norm);
/* target += tau * (source - target) */
void   esp_ema(size_t count, float tau, const float *source, float *target);

/* ---- safetensors.c --------------------------------------------------------------------------- */

/* Element types that can be read and written: 32-bit float, byte, 64-bit integer, all little-endian. */
typedef enum { ESP_F32, ESP_U8, ESP_I64 } esp_dtype;

#define ESP_MAX_RANK 6 /* most dimensions of a tensor in a file */

/* A named tensor in a file, or to be written to one. */
typedef struct {
    char      *name;            /* owned by the file; borrowed when written */
    esp_dtype  dtype;           /* type of its elements */
    int        rank;            /* dimensions, 0 .. ESP_MAX_RANK */
    int64_t    shape[ESP_MAX_RANK]; /* [rank] slowest first */
    size_t     count;            /* number of elements */
    const void *data;            /* aligned to the element */
} esp_st_tensor;

/* A file read whole and validated: header length, JSON, types, shapes without overflow, offsets that cover the data
 * exactly. Owns everything it points to. */
typedef struct {
    int            count;        /* number of tensors */
    esp_st_tensor *tensor;       /* [count] in the order of their data */
    cJSON         *metadata;     /* object of strings, or NULL */
    char          *path;         /* used in messages */
    char          *bytes;        /* memory behind the data of all tensors */
} esp_safetensors;

/* The caller frees *out. ESP_ERR_IO when the file cannot be read, ESP_ERR_FORMAT when it violates the format in any
 * way; the sentence names file and tensor. */
esp_status esp_safetensors_read(const char *path, esp_safetensors **out);
void       esp_safetensors_free(esp_safetensors *file);  /* accepts NULL */
const esp_st_tensor *esp_safetensors_find(const esp_safetensors *file, const char *name); /* NULL: none */
const char *esp_safetensors_metadata(const esp_safetensors *file, const char *key);       /* NULL: none */
/* Writes tensors in the order given. The header is padded so that data starts at a multiple of 8; to align 8-byte
 * tensors the caller puts them first. metadata: object of strings or NULL. */
esp_status esp_safetensors_write(const char *path, const esp_st_tensor *tensors, int count, const cJSON *metadata);

/* ---- state.c: arrays of a running computation, saved to resume after a kill ------------------ */

#define ESP_MAX_STATE_ITEMS 16 /* most items per file */

/* One array of the file and its memory: the same table is used to write and to read. Items of 8 bytes come first, so
 * that all are aligned. */
typedef struct {
    const char *name;        /* name of the tensor; borrowed */
    esp_dtype   dtype;       /* type in memory and in the file */
    size_t      count;       /* entries */
    void       *data;        /* [count], borrowed */
    double      least, most; /* allowed range of ESP_F32 entries when read */
} esp_state_item;

/* Writes all items to one safetensors file, atomically. ESP_ERR_IO when it cannot be written. */
esp_status esp_state_write(const char *path, const esp_state_item *items, int count);
/* Reads all items back. Memory is written only when every item is present with its type and count (ESP_ERR_FORMAT,
 * ESP_ERR_SHAPE) and every ESP_F32 entry is in its range (ESP_ERR_NUMERIC; NaN and infinity never are); the sentence
 * names file, item and entry. */
esp_status esp_state_read(const char *path, const esp_state_item *items, int count);
/* The 64 bits of a double, which is how it is stored: esp_dtype has no 64-bit float. */
int64_t esp_double_bits(double number);
/* Reads such a double from the state file `path`. ESP_ERR_NUMERIC, naming file and `what`, when it is NaN or not in
 * [least, most]; *out is written on success only. */
esp_status esp_state_double(const char *path, const char *what, int64_t bits, double least, double most, double *out);

/* ---- checkpoint_io.c: a network from and to named tensors ------------------------------------- */

/* Largest magnitude of a weight in a file. Products of such weights with equally large activations still fit 32-bit
 * floats (3.4e38); beyond the limit a forward pass would overflow silently. */
#define ESP_WEIGHT_LIMIT 1e18f

/* Takes the sizes of prunable axes from the file's shapes, finishes the network and copies the weights. Tensor names
 * are prefixed with `prefix`. Extra tensors in the file are ignored. ESP_ERR_FORMAT when a tensor is missing or holds
 * integers, ESP_ERR_SHAPE when sizes disagree, ESP_ERR_NUMERIC when a weight is not finite or beyond
 * ESP_WEIGHT_LIMIT, or a variance is negative; each names file and tensor. */
esp_status esp_network_load(esp_network *net, const esp_safetensors *file, const char *prefix);
/* Fills one entry per tensor of the network, borrowing its weights. Returns the number of entries; their names are
 * new memory (esp_st_names_free). */
int  esp_network_entries(const esp_network *net, const char *prefix, esp_st_tensor *out);
/* Frees the names of `count` entries, not the entries. */
void esp_st_names_free(esp_st_tensor *tensors, int count);

/* ---- metadata.c: what a file says about itself --------------------------------------------------- */

/* Keys of __metadata__, whose values are JSON text; docs/files.md describes them. */
#define ESP_CONTRACT_KEY "contract"
#define ESP_PEDIGREE_KEY "pedigree" /* list of prunings */
#define ESP_CONTRACT_VERSION 1      /* version of the contract's keys */

/* Contract and pedigree of a file; owns both. */
typedef struct {
    cJSON *contract;   /* object: version, application, task ...; NULL: the file has none */
    cJSON *pedigree;   /* list, one entry per pruning, oldest first; NULL: the file was not made by pruning */
    bool   derived;    /* the contract was not in the file but follows from the configuration */
} esp_metadata;

/* ESP_ERR_FORMAT when contract or pedigree are present but not as docs/files.md describes. */
esp_status esp_metadata_read(const esp_safetensors *file, esp_metadata *out);
/* A copy in new memory. Takes ownership of `otherwise`, which becomes the contract when there is none. */
esp_metadata esp_metadata_complete(const esp_metadata *metadata, cJSON *otherwise);
void       esp_metadata_free(esp_metadata *metadata); /* accepts a zeroed struct */
/* ESP_ERR_FORMAT when any text in the JSON names a shared object: nothing written in a file may load native code. */
esp_status esp_metadata_refuse_code(const cJSON *json, const char *source);
/* A contract with its first three keys; the caller adds the others and deletes it. */
cJSON     *esp_contract_new(const char *application, const char *task);
/* Trainable parameters of a set of components of `net` before the first pruning of the pedigree; NAN when the
 * pedigree does not say. */
double     esp_pedigree_params(const cJSON *pedigree, const esp_network *net, unsigned components);

/* ---- checkpoint.c: a network, its configuration and its metadata in one file ------------------------- */

/* A file that was read and parsed once, for all who use it. Owns everything except `source`. */
typedef struct {
    esp_safetensors *file;      /* all tensors */
    cJSON           *config;    /* configuration in the file, or that of --config for a file of another program */
    const char      *source;    /* name of the configuration in messages: the file's path, or config_path (borrowed) */
    esp_metadata     metadata;  /* contract and pedigree, if the file has them */
} esp_checkpoint;

/* ESP_ERR_FORMAT when there is no configuration, when a text in it names native code, or when contract or pedigree
 * are damaged. */
esp_status esp_checkpoint_open(const char *path, const char *config_path, esp_checkpoint *out);
void       esp_checkpoint_close(esp_checkpoint *checkpoint); /* accepts a zeroed struct */
/* Reads the configuration into `config` by the table of its keys; paths in it, which are relative to its file, become
 * paths for this process. ESP_ERR_FORMAT when configuration or contract name another application. */
esp_status esp_checkpoint_config(const esp_checkpoint *checkpoint, const char *application, const esp_field *fields,
                                 int count, void *config);

/* What to write; borrows everything. */
typedef struct {
    const esp_network *net;          /* network whose weights are written */
    unsigned           components;   /* set of components whose tensors are written */
    const esp_field   *fields;       /* [num_fields] keys of the configuration */
    int                num_fields;   /* number of keys */
    const void        *config;       /* the struct that `fields` describes */
    const cJSON       *contract, *pedigree; /* NULL: not written */
} esp_checkpoint_content;

/* Equal contents give equal files, apart from paths, which are made relative to the file. */
esp_status esp_checkpoint_write(const char *path, const esp_checkpoint_content *content);

#endif
