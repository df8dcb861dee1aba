/* onnx: networks from and to ONNX files.
 *
 * A file may come from a stranger: sizes, offsets, shapes and the order of nodes are checked before anything is
 * allocated, and what cannot be read is refused by the name of the node. docs/onnx.md has the table of operators. */
#ifndef ESP_ONNX_H
#define ESP_ONNX_H

#include "nn/nn.h"

/* An input or output of a network, as other programs see it. */
typedef struct {
    char *name;             /* any length, owned */
    char  axis[ESP_NAME];   /* its name inside the network: short and unique */
    int   rank, dim[8];     /* [rank] dimensions; -1: as many as there are samples */
    int   batch;            /* dimension that counts samples; -1: none, it holds one sample */
    int   size;             /* values per sample */
} esp_onnx_port;

/* The name of a layer's node. */
typedef struct {
    char  module[ESP_NAME]; /* of the layer */
    char *name;             /* of the node, any length, owned */
} esp_onnx_label;

/* A network with the names that a file gives; owns everything. Its first component reads the inputs as one row, or as
 * an image of bytes, and its last one writes the outputs as one row, each in this order. A network that was read has
 * one component. */
typedef struct {
    esp_network    *net;       /* the network */
    int             num_inputs, num_outputs, num_nodes; /* lengths of the lists below */
    esp_onnx_port  *input;     /* [num_inputs] */
    esp_onnx_port  *output;    /* [num_outputs] */
    esp_onnx_label *node;      /* [num_nodes] of layers whose node has another name than their module */
    int             num_components;                /* that are written, one after another; 0: the first one */
    int             component[ESP_MAX_COMPONENTS]; /* [num_components] each reads what the one before it wrote */
    esp_act         last;      /* applied to the outputs when they are written */
    int             opset;     /* version of the operators in the file; 0: not from an ONNX file */
    esp_metadata    metadata;  /* contract and pedigree, when the file has them */
} esp_onnx_file;

/* Reads a file of opset 7 to 23. ESP_ERR_IO, ESP_ERR_FORMAT, ESP_ERR_SHAPE, ESP_ERR_NUMERIC with one line that names
 * file, node, operator and reason. */
esp_status esp_onnx_read(const char *path, esp_onnx_file *out);
/* The same for `size` bytes in memory; `name` stands for the file in messages. External data is refused. */
esp_status esp_onnx_parse(const char *name, const void *bytes, size_t size, esp_onnx_file *out);
/* The bytes of a model of opset 17, as esp_onnx_write writes them; the caller frees *bytes. ESP_ERR_RANGE when they are
 * more than an ONNX file can have. */
esp_status esp_onnx_print(const esp_onnx_file *file, uint8_t **bytes, size_t *size);
/* Writes a model of opset 17 whose inputs, outputs and nodes have the names of `file`, atomically; contract and
 * pedigree become properties of the model. */
esp_status esp_onnx_write(const char *path, const esp_onnx_file *file);
/* Describes components of a network, whose input and output get the names and shapes of the graph; the network is
 * borrowed: set it to NULL before esp_onnx_file_free. */
void       esp_onnx_describe(esp_network *net, int num_components, const int *components, esp_act last,
                             esp_onnx_file *out);
void       esp_onnx_file_free(esp_onnx_file *file); /* accepts a zeroed struct */

#endif
