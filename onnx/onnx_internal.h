/* The content of an ONNX file in memory, checked, and what the files of this folder do with it. */
#ifndef ESP_ONNX_INTERNAL_H
#define ESP_ONNX_INTERNAL_H

#include "onnx.pb-c.h"
#include "onnx/onnx.h"

#define ESP_ONNX_FILE_LIMIT ((size_t)512 << 20)  /* largest file, and largest file of external data, bytes */
#define ESP_ONNX_MEMORY_LIMIT ((size_t)2 << 30)  /* most memory for the content of a file, bytes */
#define ESP_ONNX_RANK 8                          /* most dimensions of a value */
#define ESP_ONNX_LARGEST (1 << 24)               /* largest dimension of an input */
#define ESP_ONNX_LONGEST 4096                    /* most entries of a list in an attribute */
#define ESP_ONNX_FOLDED (1 << 26)                /* most elements of all constants that are computed */
#define ESP_ONNX_WIDEST 65536                    /* most values of a row that are recognised */
#define ESP_ONNX_OLDEST 7                        /* opsets that are read */
#define ESP_ONNX_NEWEST 23

/* In the dimensions of a value, and in integers that were computed from them: the number of samples, which the file
 * leaves open. */
#define ESP_ONNX_BATCH INT64_MIN

/* ---- scan.c ---- */

/* ESP_ERR_FORMAT when the bytes are not those of a message, are nested too deeply, or would take too much memory. */
esp_status esp_onnx_scan(const char *path, const void *bytes, size_t size);

/* ---- tensor.c ---- */

/* A constant. Values of floating-point types are kept as float, those of integers and booleans as int64_t. */
typedef struct {
    int      type;                /* TensorProto.DataType */
    int      rank;                /* dimensions */
    int64_t  dim[ESP_ONNX_RANK];  /* [rank] slowest first */
    size_t   count;               /* elements */
    float   *real;                /* [count], owned; NULL: not of a type that is read as float */
    int64_t *whole;               /* [count], owned; NULL: not of a type that is read as an integer */
} esp_onnx_tensor;

/* Reads a tensor with its data, which may be in another file of the folder `folder`. ESP_ERR_FORMAT when data and
 * dimensions disagree. The data of other types (float16, texts, quantized) is not read. The sentence does not name
 * the file. */
esp_status  esp_onnx_tensor_read(const Onnx__TensorProto *from, const char *folder, esp_onnx_tensor **out);
esp_onnx_tensor *esp_onnx_tensor_new(int type, int rank, const int64_t *dim); /* zeros; float or int64 by type */
void        esp_onnx_tensor_free(esp_onnx_tensor *tensor); /* accepts NULL */
const char *esp_onnx_type_name(int type);                  /* "float16" */
/* Elements of a shape; ESP_ERR_FORMAT when a dimension is negative or the data would be too large. */
esp_status  esp_onnx_count(int rank, const int64_t *dim, size_t *count);

/* ---- external.c ---- */

/* Reads the `size` bytes of a tensor that are in a file of the model's folder; the caller frees *data. Refuses paths
 * out of the folder, links, and files that are too short. The sentence does not name the model. */
esp_status esp_onnx_external(const Onnx__TensorProto *tensor, const char *folder, size_t size, char **data);

/* ---- model.c ---- */

/* Blocks of memory that are freed together; zeroed memory is an empty pool. */
typedef struct {
    void **block; /* [count] */
    int    count; /* number of blocks */
} esp_onnx_pool;

void *esp_onnx_pool_take(esp_onnx_pool *pool, size_t count, size_t size); /* zeroed */
void  esp_onnx_pool_free(esp_onnx_pool *pool);

/* A named value of the graph. */
typedef struct {
    const char      *name;      /* borrowed from the message */
    int              producer;  /* index of the node that computes it; -1: an input or a constant of the file */
    int              readers;   /* inputs of nodes and outputs of the graph that it is */
    int              reader;    /* the last node that reads it; -1: none */
    bool             defined;   /* an input, a constant, or the output of a node that was passed */
    esp_onnx_tensor *constant;  /* owned; NULL: not a constant */
    bool             bytes;     /* an input of bytes */
    bool             shaped;    /* the members below are known */
    int              rank;      /* dimensions */
    int64_t          dim[ESP_ONNX_RANK]; /* [rank], or ESP_ONNX_BATCH */
    int              batch;     /* dimension that counts samples; -1: it holds one sample */
} esp_onnx_value;

/* What a node, and nodes before it that it covers, were recognised as. */
typedef struct {
    enum { ESP_ONNX_MEANS_ACT, ESP_ONNX_MEANS_LAYERNORM } kind;
    int     root;              /* index of the value that it reads */
    esp_act act;               /* activation */
    double  gain;              /* factor behind it; 1 but for Selu */
    double  alpha, beta;       /* its parameters */
    int     width;             /* LayerNormalization: values per row; 0: any, all gains and offsets alike */
    double *weight, *bias;     /* [width] gains and offsets */
    double  eps;               /* added to the variance */
} esp_onnx_meaning;

/* An operation. Names and attributes are borrowed from the message. */
typedef struct {
    const Onnx__NodeProto *proto;  /* attributes */
    const char *name;              /* as in the file; made up when it has none */
    const char *op;                /* "MatMul" */
    int         num_inputs;        /* number of inputs */
    int        *input;             /* [num_inputs] indices of values; -1: left out */
    int         num_outputs;       /* number of outputs */
    int        *output;            /* [num_outputs] indices of values; -1: left out */
    esp_onnx_meaning *meaning;     /* NULL: the operation itself */
    bool        covered;           /* computed at reading, or part of what another node became */
} esp_onnx_node;

/* A model: the message and tables over it. Owns everything. */
typedef struct {
    char            *path;        /* for messages */
    char            *folder;      /* of external data; NULL: none is read */
    Onnx__ModelProto *message;    /* what protobuf-c unpacked */
    int              opset;       /* of the standard operators */
    int              num_values;  /* number of values */
    esp_onnx_value  *value;       /* [num_values] sorted by name */
    int              num_nodes;   /* number of nodes */
    esp_onnx_node   *node;        /* [num_nodes] in an order in which they can be computed */
    int              num_inputs, num_outputs; /* of the graph, without constants that are listed as inputs */
    int             *input, *output;          /* [num_inputs], [num_outputs] indices of values */
    size_t           folded;      /* elements of all constants that were computed */
    esp_onnx_pool    pool;        /* memory that lives as long as the model */
} esp_onnx_model;

/* Checks the bytes of a file and makes tables over them: names, order, types, sizes of the data. Operators are not
 * looked at. `path` is for messages; `folder` has external data, NULL: there is none. The caller frees *out. */
esp_status esp_onnx_model_parse(const char *path, const char *folder, const void *bytes, size_t size,
                                esp_onnx_model **out);
void       esp_onnx_model_free(esp_onnx_model *model); /* accepts NULL */
int        esp_onnx_find(const esp_onnx_model *model, const char *name); /* index of a value; -1: none */
/* Zeroed memory that the model frees. */
void      *esp_onnx_keep(esp_onnx_model *model, size_t count, size_t size);

#define ESP_ONNX_WORD 64 /* bytes of a name in messages */
/* A name from a file as it can be shown in a line: shortened, without control characters. Returns `out`. */
char *esp_onnx_word(const char *name, char out[ESP_ONNX_WORD]);
/* esp_fail with "PATH: node 'NAME' (OP): " in front. */
esp_status esp_onnx_refuse(const esp_onnx_model *model, const esp_onnx_node *node, esp_status status,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Attributes of a node, with the value that the standard gives when it is absent. ESP_ERR_FORMAT: of another type. */
esp_status esp_onnx_int(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, int64_t otherwise,
                        int64_t *out);
esp_status esp_onnx_real(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, float otherwise,
                         float *out);
/* *out has *count entries and is borrowed; NULL when the attribute is absent. */
esp_status esp_onnx_ints(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, int *count,
                         const int64_t **out);
/* "" when absent; cut off at `size`. */
esp_status esp_onnx_text(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, char *out,
                         size_t size);
const Onnx__AttributeProto *esp_onnx_attribute(const esp_onnx_node *node, const char *name); /* NULL: absent */

/* ---- shape.c: dimensions from attributes and constant inputs ---- */

/* Input k of a node when it is constant, else NULL. */
const esp_onnx_tensor *esp_onnx_constant(const esp_onnx_model *model, const esp_onnx_node *node, int k);
/* An attribute that names a dimension, counted from the front. */
esp_status esp_onnx_axis(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, int64_t otherwise,
                         int rank, int *out);
/* Integers from input k if the node has it, else from the attribute; *out is borrowed, NULL when both are absent. */
esp_status esp_onnx_list(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, int k, int *count,
                         const int64_t **out);
/* "axes", attribute or input 1, as a set [ESP_ONNX_RANK]; *given is false when they are absent. */
esp_status esp_onnx_axes(const esp_onnx_model *model, const esp_onnx_node *node, int rank, bool *set, bool *given);
/* Dimensions out [ESP_ONNX_RANK] that Reshape, Flatten, Squeeze or Unsqueeze give to dim [rank]. */
esp_status esp_onnx_reshape(const esp_onnx_model *model, const esp_onnx_node *node, int rank, const int64_t *dim,
                            int *out_rank, int64_t *out);
/* The order [rank] in which Transpose takes dimensions. */
esp_status esp_onnx_order(const esp_onnx_model *model, const esp_onnx_node *node, int rank, int *order);

/* Entries first, first + step ... of a dimension. */
typedef struct { int64_t first, step, count; } esp_onnx_stretch;

/* What Slice takes of dim [rank], along one dimension. */
esp_status esp_onnx_slice(const esp_onnx_model *model, const esp_onnx_node *node, int rank, const int64_t *dim,
                          int *axis, esp_onnx_stretch *out);
/* Dimensions out [ESP_ONNX_RANK] of an operation on elements of a and b. */
esp_status esp_onnx_broadcast(const esp_onnx_model *model, const esp_onnx_node *node, int a_rank, const int64_t *a,
                              int b_rank, const int64_t *b, int *rank, int64_t *out);

/* ---- fold.c ---- */

/* Computes a node whose inputs are all constant, or whose result follows from the dimensions of its input: its output
 * becomes a constant and the node is covered. Does nothing for other nodes. */
esp_status esp_onnx_fold(esp_onnx_model *model, esp_onnx_node *node);

/* ---- recognise.c ---- */

/* Sets the meaning of nodes that make activations and LayerNormalization of values that are not constant. Constants
 * have been computed before. */
void esp_onnx_recognise(esp_onnx_model *model);

/* ---- translate.c ---- */

/* Computes constants, recognises activations and makes a network of what is left, with its names. */
esp_status esp_onnx_translate(esp_onnx_model *model, esp_onnx_file *out);

/* ---- file.c ---- */

/* Adds an input or output and gives it a short name; the pointer is valid until the next one is added. */
esp_onnx_port *esp_onnx_file_port(esp_onnx_file *file, bool input, const char *name);
/* Notes the name of a layer's node; returns the module's name, valid until the next call. */
const char    *esp_onnx_file_label(esp_onnx_file *file, const char *module, const char *name);
/* The last `most` bytes of a text of `length` bytes, which other than printable ASCII become underscores; out
 * [most + 1]. */
void           esp_onnx_shorten(const char *text, size_t length, size_t most, char *out);

/* ---- properties.c ---- */

/* Contract and pedigree in the properties of the model. */
esp_status esp_onnx_metadata(const esp_onnx_model *model, esp_metadata *out);

#endif
