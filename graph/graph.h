/* graph: networks described by nodes and sizes alone. Which units have to be removed together, the axes of the
 * network, follows from the nodes: element-wise nodes tie the units of their inputs one to one, concat and slice pass
 * them on, flatten repeats the unit of a channel for each of its pixels, the channels of a group of a convolution go
 * together, and a dense layer or a convolution makes new ones. Units of the network's inputs and outputs are fixed. */
#ifndef ESP_GRAPH_H
#define ESP_GRAPH_H

#include "nn/nn.h"

/* ---- graph.c, nodes.c: the builder ------------------------------------------------------------------------- */

/* A network under construction: components, and values that nodes compute from other values of their component.
 * Values are numbers. A function that fails records the first error, which esp_graph_finish returns, and gives
 * ESP_NO_VALUE; functions that read ESP_NO_VALUE do nothing and give ESP_NO_VALUE, so that callers need not check in
 * between. Names longer than ESP_NAME - 1 bytes, unknown values, sizes that do not fit and limits of nn.h are such
 * errors. Texts and arrays are copied. */
typedef struct esp_graph esp_graph;

#define ESP_NO_VALUE (-1) /* the result of a function that failed */

/* The shape of a value: a row of `channels` values, or an image when rows and cols are not 0. */
typedef struct { int channels, rows, cols; } esp_shape;

/* An empty graph; the caller frees it. */
esp_graph *esp_graph_new(void);
void       esp_graph_free(esp_graph *graph); /* accepts NULL */
/* The first error, ESP_OK: none so far. */
esp_status esp_graph_status(const esp_graph *graph);
/* Of a value; zeros for ESP_NO_VALUE. */
esp_shape  esp_graph_shape(const esp_graph *graph, int value);

/* Starts a component and returns its number; what follows belongs to it. Without nodes it is a slot that keeps its
 * number. */
int  esp_graph_component(esp_graph *graph, const char *name);
/* An input; the row that the component reads is its inputs in the order of these calls. */
int  esp_graph_input(esp_graph *graph, const char *name, int size);
/* An image in the row as floats, [channels, rows, cols]. */
int  esp_graph_input_image(esp_graph *graph, const char *name, int channels, int rows, int cols);
/* An image of bytes [channels, rows, cols], read as 0 to 1; the only input of its component. */
int  esp_graph_input_bytes(esp_graph *graph, const char *name, int channels, int rows, int cols);
/* An output; the row that the component writes is its outputs in the order of these calls. Images are flattened to
 * [channels, rows, cols]. Nodes that no output depends on are left out of the network. */
void esp_graph_output(esp_graph *graph, const char *name, int value);

/* y = W x + b. */
typedef struct {
    const char  *module;  /* its tensors are module.weight and module.bias */
    int          outputs; /* at least 1 */
    const float *weight;  /* [outputs, inputs]; NULL: zeros */
    const float *bias;    /* [outputs]; NULL: zeros */
    bool         no_bias; /* no tensor module.bias */
} esp_dense_spec;

/* A dense layer on a row. */
int esp_graph_dense(esp_graph *graph, int x, const esp_dense_spec *spec);

/* Where a window of a convolution or of pooling is placed. */
typedef struct {
    int rows, cols;                   /* of the window */
    int row_stride, col_stride;       /* 0: 1 */
    int top, left, bottom, right;     /* padding */
    int row_dilation, col_dilation;   /* pixels between taps, 0: 1; convolutions only */
} esp_window;

/* A convolution of an image. */
typedef struct {
    const char  *module;  /* its tensors are module.weight and module.bias */
    int          kernels; /* channels of the output, a multiple of groups */
    int          groups;  /* 0: 1; as many as channels: depthwise */
    esp_window   window;  /* place of the kernel */
    const float *weight;  /* [kernels, channels / groups, rows, cols]; NULL: zeros */
    const float *bias;    /* [kernels]; NULL: zeros */
    bool         no_bias; /* no tensor module.bias */
} esp_conv_spec;

/* A convolution of an image; groups divide its channels and the kernels. */
int esp_graph_conv(esp_graph *graph, int x, const esp_conv_spec *spec);
/* The dense layer or convolution that gave the value `like`, with the same weights, on another value of equal shape. */
int esp_graph_again(esp_graph *graph, int x, int like);

/* A normalisation: of a row over its values (LayerNorm), or of every unit or channel by running statistics
 * (BatchNorm). */
typedef struct {
    const char  *module; /* its tensors are module.weight, module.bias and for BatchNorm module.running_mean ... */
    float        eps;    /* 0: ESP_NORM_EPS */
    const float *gain, *offset; /* [channels]; NULL: 1 and 0 */
    const float *mean, *var;    /* [channels] BatchNorm; NULL: 0 and 1 */
} esp_norm_spec;

/* LayerNorm of a row. */
int esp_graph_layernorm(esp_graph *graph, int x, const esp_norm_spec *spec);
/* BatchNorm with running statistics, of a row or of the channels of an image. */
int esp_graph_batchnorm(esp_graph *graph, int x, const esp_norm_spec *spec);

/* An activation; ELU with alpha 1. */
int esp_graph_act(esp_graph *graph, int x, esp_act act);
/* With parameters: leaky ReLU (alpha), ELU (alpha), clip (alpha to beta). */
int esp_graph_act_with(esp_graph *graph, int x, esp_act act, float alpha, float beta);
/* ESP_LAYER_ADD, SUB, MUL or DIV of two values of one shape. */
int esp_graph_combine(esp_graph *graph, esp_layer_kind kind, int a, int b);
/* x * scale + shift by unit or channel, [channels] constants in tensors module.weight and module.bias that are not
 * trained; NULL: not there, but not both. */
int esp_graph_scale(esp_graph *graph, int x, const char *module, const float *scale, const float *shift);
/* Rows one after another, or the channels of images of equal sides; count >= 1. */
int esp_graph_concat(esp_graph *graph, int count, const int *values);
/* `count` values or channels from `first` on. */
int esp_graph_slice(esp_graph *graph, int x, int first, int count);
/* An image as a row [channels, rows, cols]; a row stays as it is. */
int esp_graph_flatten(esp_graph *graph, int x);
/* The inverse: a row as an image. */
int esp_graph_unflatten(esp_graph *graph, int x, int channels, int rows, int cols);
/* The largest pixel under a window, padding not counted. */
int esp_graph_max_pool(esp_graph *graph, int x, const esp_window *window);
/* The mean under a window; counts_padding: over the whole window, with zeros outside the image. */
int esp_graph_average_pool(esp_graph *graph, int x, const esp_window *window, bool counts_padding);
/* The mean of every channel, an image of 1 x 1. */
int esp_graph_global_average(esp_graph *graph, int x);

/* Gives a node the module name under which the network lists its layer. Nodes with tensors have one already. */
void esp_graph_call(esp_graph *graph, int value, const char *module);

/* Units first .. first + count - 1 of two values, in any components, are removed together or not at all. */
void esp_graph_tie(esp_graph *graph, int a, int a_first, int b, int b_first, int count);
/* The same for what one component writes and another reads: units of inputs and outputs, which are otherwise fixed, can
 * be removed when every input and output that has them is wired. */
void esp_graph_wire(esp_graph *graph, int a, int a_first, int b, int b_first, int count);
/* Names the axis of unit `first` of a value. Axes that are named come first in the network, in the order of these
 * calls; the others follow, named after the node that makes them. */
void esp_graph_name(esp_graph *graph, int value, int first, const char *name);

/* Derives the axes and makes the network, which the caller frees; the graph stays as it is. The first error of the
 * functions above; ESP_ERR_SHAPE when a component has nodes but no output, or when the network exceeds a limit of nn.h;
 * the sentence names the node. */
esp_status esp_graph_finish(const esp_graph *graph, esp_network **out);

/* ---- json_write.c, json_read.c: a network's graph in a file's metadata -------------------------------- */

/* Nodes, sizes, names and ties of a network that esp_graph_finish made, pruned or not; without weights. docs/graph.md
 * describes it. The caller deletes it. */
cJSON *esp_graph_to_json(const esp_network *net);
/* The same network with initial weights, for esp_network_load; the caller frees it. ESP_ERR_FORMAT or ESP_ERR_SHAPE,
 * naming `source`, the file, and the node that is wrong. Everything is checked before anything of the sizes in the
 * JSON is allocated. */
esp_status esp_graph_from_json(const cJSON *json, const char *source, esp_network **out);

#endif
