/* A model on its way to a graph, node by node. */
#ifndef ESP_ONNX_TRANSLATE_H
#define ESP_ONNX_TRANSLATE_H

#include "graph/graph.h"
#include "onnx/onnx_internal.h"

/* State of the translation; borrows the model. A value of the model is a row of the graph, in the order of its
 * elements, or an image [channel, row, column]. */
typedef struct {
    esp_onnx_model *model;
    esp_graph      *graph;
    int            *of;      /* [num_values] value of the graph; ESP_NO_VALUE: not computed */
    esp_onnx_file  *names;   /* names of the layers so far */
} esp_translation;

/* Translates one node, whose outputs get a value and dimensions. */
typedef esp_status (*esp_translate_fn)(esp_translation *t, esp_onnx_node *node);

/* layers.c */
esp_status esp_translate_matmul(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_gemm(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_conv(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_batchnorm(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_layernorm(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_pool(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_global_pool(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_mean(esp_translation *t, esp_onnx_node *node);

/* elementwise.c */
esp_status esp_translate_meaning(esp_translation *t, esp_onnx_node *node); /* of what was recognised */
esp_status esp_translate_binary(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_neg(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_pow(esp_translation *t, esp_onnx_node *node);

/* arrange.c */
esp_status esp_translate_reshape(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_transpose(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_concat(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_split(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_slice(esp_translation *t, esp_onnx_node *node);
esp_status esp_translate_gather(esp_translation *t, esp_onnx_node *node);

/* ---- translate.c: what the others use ---- */

/* The computed value that a node reads as input k, with its dimensions; refused when it is left out or constant. */
esp_status esp_translate_input(const esp_translation *t, const esp_onnx_node *node, int k, const esp_onnx_value **out);
/* Its value in the graph; as an image [channel, row, column] or as a row. */
int        esp_translate_value(const esp_translation *t, const esp_onnx_node *node, int k);
esp_status esp_translate_image(esp_translation *t, const esp_onnx_node *node, int k, int *out);
int        esp_translate_row(esp_translation *t, const esp_onnx_node *node, int k);
bool       esp_translate_is_image(const esp_translation *t, int value); /* of the graph */
/* Gives output k of a node its value and its dimensions. */
void       esp_translate_output(esp_translation *t, const esp_onnx_node *node, int k, int value, int rank,
                                const int64_t *dim, int batch);
/* The same with the dimensions of another value. */
void       esp_translate_output_like(esp_translation *t, const esp_onnx_node *node, int value,
                                     const esp_onnx_value *like);
/* Constant numbers in input k, finite and at most ESP_WEIGHT_LIMIT. */
esp_status esp_translate_weights(const esp_translation *t, const esp_onnx_node *node, int k, const char *what,
                                 const esp_onnx_tensor **out);
/* The same for [size] numbers, one for each unit. */
esp_status esp_translate_units(const esp_translation *t, const esp_onnx_node *node, int k, const char *what, int size,
                               const float **out);
/* ESP_ERR_NUMERIC when one of the numbers is not finite or beyond ESP_WEIGHT_LIMIT. */
esp_status esp_translate_check(const esp_translation *t, const esp_onnx_node *node, const char *what, size_t count,
                               const float *numbers);
/* The name of the layer that a node becomes: from the name of its weights, input k, else its own; unique and short.
 * Owned by the translation. */
const char *esp_translate_module(esp_translation *t, const esp_onnx_node *node, int k);
/* The only node that reads a node's first output, if it has this operator; else NULL. */
esp_onnx_node *esp_translate_next(const esp_translation *t, const esp_onnx_node *node, const char *op);
/* Elements of one sample before, in and behind a dimension; batch: dimension that counts samples, not counted. */
void       esp_translate_around(const esp_onnx_value *value, int axis, int64_t *before, int64_t *behind);

#endif
