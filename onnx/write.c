/* From a network to a model: one node per layer and one for its activation, opset 17. Between nodes a row is
 * [samples, values] and an image [samples, channels, rows, columns]. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_internal.h"

#define OPSET 17
#define IR_VERSION 8                         /* of files with opset 17 */
#define LARGEST ((size_t)INT32_MAX)          /* bytes of a message */

/* A list of pointers that grows. */
typedef struct {
    void **item;
    size_t count;
} list;

/* The model while it is put together. */
typedef struct {
    const esp_onnx_file *file;
    const esp_network   *net;
    esp_onnx_pool        pool;       /* memory of the message, but for weights, which the network has */
    list                 nodes, constants;
    list                 names, node_names; /* names in use, of values and of nodes */
    char               **value;      /* [num_layers] name of each layer's output; NULL: not written */
    char                *whole;      /* name of the row that the component reads; NULL: not needed so far */
    bool                 inner;      /* the component reads what another one wrote */
} writer;

static void append(writer *w, list *l, void *item)
{
    if ((l->count & (l->count - 1)) == 0) {
        void **larger = esp_onnx_pool_take(&w->pool, l->count ? 2 * l->count : 1, sizeof *larger);
        if (l->count) memcpy(larger, l->item, l->count * sizeof *larger);
        l->item = larger;
    }
    l->item[l->count++] = item;
}

static char *text(writer *w, const char *from)
{
    size_t length = strlen(from) + 1;
    return memcpy(esp_onnx_pool_take(&w->pool, length, 1), from, length);
}

/* A name that is not in the list, and is then. */
static char *unused(writer *w, list *names, const char *wanted)
{
    size_t size = strlen(wanted) + 16;
    char *name = esp_onnx_pool_take(&w->pool, size, 1);
    snprintf(name, size, "%s", wanted);
    for (int i = 2, taken = 1; taken; i++) {
        taken = 0;
        for (size_t k = 0; k < names->count && !taken; k++) taken = strcmp(names->item[k], name) == 0;
        if (taken) snprintf(name, size, "%s_%d", wanted, i);
    }
    append(w, names, name);
    return name;
}

/* A name that no other value has. */
static char *unique(writer *w, const char *wanted)
{
    return unused(w, &w->names, wanted);
}

/* ---- constants ---- */

static Onnx__TensorProto *add_tensor(writer *w, char *name, int type, int rank, const int *dim)
{
    Onnx__TensorProto *tensor = esp_onnx_pool_take(&w->pool, 1, sizeof *tensor);
    onnx__tensor_proto__init(tensor);
    tensor->name = name;
    tensor->has_data_type = true;
    tensor->data_type = type;
    tensor->n_dims = (size_t)rank;
    tensor->dims = esp_onnx_pool_take(&w->pool, (size_t)rank + 1, sizeof *tensor->dims);
    for (int d = 0; d < rank; d++) tensor->dims[d] = dim[d];
    append(w, &w->constants, tensor);
    return tensor;
}

static void set_bytes(Onnx__TensorProto *tensor, const void *data, size_t size)
{
    tensor->has_raw_data = true;
    tensor->raw_data = (ProtobufCBinaryData){.data = (uint8_t *)data, .len = size};
}

/* A constant of integers. */
static char *add_integers(writer *w, const char *wanted, int count, const int *values)
{
    int64_t *copy = esp_onnx_pool_take(&w->pool, (size_t)count, sizeof *copy);
    for (int i = 0; i < count; i++) copy[i] = values[i];
    char *name = unique(w, wanted);
    set_bytes(add_tensor(w, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, &count), copy, (size_t)count * sizeof *copy);
    return name;
}

static char *add_number(writer *w, const char *wanted, float value)
{
    float *copy = esp_onnx_pool_take(&w->pool, 1, sizeof *copy);
    *copy = value;
    char *name = unique(w, wanted);
    set_bytes(add_tensor(w, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 0, NULL), copy, sizeof *copy);
    return name;
}

/* A tensor of the network, once for all layers that have it; `tail` sizes of 1 follow its dimensions. */
static char *add_weights(writer *w, int index, int tail)
{
    const esp_tensor *from = &w->net->tensor[index];
    int dim[ESP_ONNX_RANK];
    for (size_t i = 0; i < w->constants.count; i++) {
        Onnx__TensorProto *known = w->constants.item[i];
        if (known->raw_data.data == (uint8_t *)esp_network_weights(w->net, index) &&
            known->n_dims == (size_t)(from->rank + tail)) return known->name;
    }
    for (int d = 0; d < from->rank + tail; d++) dim[d] = d < from->rank ? from->shape[d] : 1;
    char *name = unique(w, from->name);
    set_bytes(add_tensor(w, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, from->rank + tail, dim),
              esp_network_weights(w->net, index), from->count * sizeof(float));
    return name;
}

/* ---- nodes ---- */

/* Inputs up to the first NULL. */
static Onnx__NodeProto *add_node(writer *w, const char *op, const char *name, char *output, int count,
                                 char *const *inputs)
{
    Onnx__NodeProto *node = esp_onnx_pool_take(&w->pool, 1, sizeof *node);
    onnx__node_proto__init(node);
    node->op_type = text(w, op);
    node->name = unused(w, &w->node_names, name);
    node->input = esp_onnx_pool_take(&w->pool, (size_t)count + 1, sizeof *node->input);
    for (int k = 0; k < count && inputs[k]; k++) node->input[node->n_input++] = inputs[k];
    node->output = esp_onnx_pool_take(&w->pool, 1, sizeof *node->output);
    node->output[node->n_output++] = output;
    append(w, &w->nodes, node);
    return node;
}

/* A node between others: its output gets a name of its own. */
static char *add_step(writer *w, const char *op, const char *base, char *first, char *second)
{
    char *output = unique(w, base);
    add_node(w, op, output, output, 2, (char *[]){first, second});
    return output;
}

static Onnx__AttributeProto *add_attribute(writer *w, Onnx__NodeProto *node, const char *name, int type)
{
    Onnx__AttributeProto **longer = esp_onnx_pool_take(&w->pool, node->n_attribute + 1, sizeof *longer);
    if (node->n_attribute) memcpy(longer, node->attribute, node->n_attribute * sizeof *longer);
    Onnx__AttributeProto *attribute = esp_onnx_pool_take(&w->pool, 1, sizeof *attribute);
    onnx__attribute_proto__init(attribute);
    attribute->name = text(w, name);
    attribute->has_type = true;
    attribute->type = (Onnx__AttributeProto__AttributeType)type;
    longer[node->n_attribute++] = attribute;
    node->attribute = longer;
    return attribute;
}

static void set_int(writer *w, Onnx__NodeProto *node, const char *name, int64_t value)
{
    Onnx__AttributeProto *attribute = add_attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    attribute->has_i = true;
    attribute->i = value;
}

static void set_real(writer *w, Onnx__NodeProto *node, const char *name, float value)
{
    Onnx__AttributeProto *attribute = add_attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    attribute->has_f = true;
    attribute->f = value;
}

static void set_ints(writer *w, Onnx__NodeProto *node, const char *name, int count, const int *values)
{
    Onnx__AttributeProto *attribute = add_attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    attribute->n_ints = (size_t)count;
    attribute->ints = esp_onnx_pool_take(&w->pool, (size_t)count, sizeof *attribute->ints);
    for (int i = 0; i < count; i++) attribute->ints[i] = values[i];
}

/* ---- activations ---- */

/* x Phi(x), which is an operator only from opset 20 on. */
static char *add_gelu(writer *w, const char *base, char *x, bool by_tanh)
{
    char *half = add_number(w, "half", 0.5f), *one = add_number(w, "one", 1.0f), *inner;
    if (by_tanh) {
        char *cube = add_step(w, "Mul", base, add_step(w, "Mul", base, x, x), x);
        char *sum = add_step(w, "Add", base, x, add_step(w, "Mul", base, cube, add_number(w, "cubic", 0.044715f)));
        inner = add_step(w, "Tanh", base, add_step(w, "Mul", base, sum, add_number(w, "root", 0.79788456f)), NULL);
    } else {
        inner = add_step(w, "Erf", base, add_step(w, "Mul", base, x, add_number(w, "root", 0.70710678f)), NULL);
    }
    return add_step(w, "Mul", base, add_step(w, "Mul", base, x, add_step(w, "Add", base, inner, one)), half);
}

static char *add_clip(writer *w, const char *base, char *x, float low, float high)
{
    char *output = unique(w, base);
    char *inputs[] = {x, add_number(w, "low", low), add_number(w, "high", high)};
    add_node(w, "Clip", output, output, 3, inputs);
    return output;
}

/* The activation of a layer after `x`. */
static char *add_act(writer *w, const esp_layer *layer, const char *base, char *x)
{
    static const char *const ops[] = {
        [ESP_ACT_RELU] = "Relu", [ESP_ACT_ELU] = "Elu", [ESP_ACT_TANH] = "Tanh", [ESP_ACT_SIGMOID] = "Sigmoid",
        [ESP_ACT_LEAKY_RELU] = "LeakyRelu", [ESP_ACT_SOFTPLUS] = "Softplus"};
    switch (layer->act) {
    case ESP_ACT_NONE:      return x;
    case ESP_ACT_GELU:      return add_gelu(w, base, x, false);
    case ESP_ACT_GELU_TANH: return add_gelu(w, base, x, true);
    case ESP_ACT_SILU:      return add_step(w, "Mul", base, x, add_step(w, "Sigmoid", base, x, NULL));
    case ESP_ACT_CLIP:      return add_clip(w, base, x, layer->alpha, layer->beta);
    default:                break;
    }
    char *output = unique(w, base);
    Onnx__NodeProto *node = add_node(w, ops[layer->act], output, output, 1, &x);
    bool slope = layer->act == ESP_ACT_LEAKY_RELU || (layer->act == ESP_ACT_ELU && layer->kind == ESP_LAYER_ACT);
    if (slope) set_real(w, node, "alpha", layer->alpha);
    return output;
}

/* ---- layers ---- */

static bool is_image(const esp_layer *layer)
{
    return layer->out_rows > 0;
}

static void set_window(writer *w, Onnx__NodeProto *node, const esp_layer *layer)
{
    set_ints(w, node, "kernel_shape", 2, (int[]){layer->kernel, layer->kernel_cols});
    set_ints(w, node, "strides", 2, (int[]){layer->stride, layer->stride_cols});
    set_ints(w, node, "pads", 4, (int[]){layer->top, layer->left, layer->bottom, layer->right});
}

static char *add_conv(writer *w, const esp_layer *layer, const char *name, char *x)
{
    char *output = unique(w, name), *inputs[] = {x, add_weights(w, layer->weight, 0), NULL};
    if (layer->bias >= 0) inputs[2] = add_weights(w, layer->bias, 0);
    Onnx__NodeProto *node = add_node(w, "Conv", name, output, 3, inputs);
    int channels = layer->in_size / (layer->in_rows * layer->in_cols);
    set_window(w, node, layer);
    set_ints(w, node, "dilations", 2, (int[]){layer->dilation ? layer->dilation : 1,
                                              layer->dilation_cols ? layer->dilation_cols : 1});
    set_int(w, node, "group", layer->per_group ? channels / layer->per_group : 1);
    return output;
}

static char *add_dense(writer *w, const esp_layer *layer, const char *name, char *x)
{
    char *output = unique(w, name), *inputs[] = {x, add_weights(w, layer->weight, 0), NULL};
    if (layer->bias >= 0) inputs[2] = add_weights(w, layer->bias, 0);
    set_int(w, add_node(w, "Gemm", name, output, 3, inputs), "transB", 1);
    return output;
}

static char *add_norm(writer *w, const esp_layer *layer, const char *name, char *x)
{
    bool batch = layer->kind == ESP_LAYER_BATCHNORM;
    char *output = unique(w, name);
    char *inputs[] = {x, add_weights(w, layer->weight, 0), add_weights(w, layer->bias, 0), NULL, NULL};
    if (batch) {
        inputs[3] = add_weights(w, layer->mean, 0);
        inputs[4] = add_weights(w, layer->var, 0);
    }
    Onnx__NodeProto *node = add_node(w, batch ? "BatchNormalization" : "LayerNormalization", name, output, 5, inputs);
    set_real(w, node, "epsilon", layer->eps);
    if (!batch) set_int(w, node, "axis", -1);
    return output;
}

static char *add_scale(writer *w, const esp_layer *layer, const char *name, char *x)
{
    int tail = is_image(layer) ? 2 : 0;
    if (layer->weight >= 0) x = add_step(w, "Mul", name, x, add_weights(w, layer->weight, tail));
    return layer->bias >= 0 ? add_step(w, "Add", name, x, add_weights(w, layer->bias, tail)) : x;
}

static char *add_reshape(writer *w, const char *name, char *x, int rank, const int *dim)
{
    return add_step(w, "Reshape", name, x, add_integers(w, "shape", rank, dim));
}

static char *add_flatten(writer *w, const char *name, char *x)
{
    char *output = unique(w, name);
    set_int(w, add_node(w, "Flatten", name, output, 1, &x), "axis", 1);
    return output;
}

static char *add_slice(writer *w, const char *name, char *x, int first, int count)
{
    char *output = unique(w, name);
    char *inputs[] = {x, add_integers(w, "first", 1, &first), add_integers(w, "end", 1, (int[]){first + count}),
                      add_integers(w, "along", 1, (int[]){1})};
    add_node(w, "Slice", name, output, 4, inputs);
    return output;
}

static char *add_concat(writer *w, const char *name, int count, char *const *inputs)
{
    char *output = unique(w, name);
    set_int(w, add_node(w, "Concat", name, output, count, inputs), "axis", 1);
    return output;
}

static char *add_pool(writer *w, const esp_layer *layer, const char *name, char *x)
{
    char *output = unique(w, name);
    bool largest = layer->kind == ESP_LAYER_MAXPOOL;
    Onnx__NodeProto *node = add_node(w, largest ? "MaxPool" : "AveragePool", name, output, 1, &x);
    set_window(w, node, layer);
    if (!largest) set_int(w, node, "count_include_pad", layer->counts_padding);
    return output;
}

/* Bytes as numbers from 0 to 1. */
static char *add_bytes(writer *w, const char *name, char *x)
{
    char *output = unique(w, name);
    set_int(w, add_node(w, "Cast", name, output, 1, &x), "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    return add_step(w, "Div", name, output, add_number(w, "brightest", 255.0f));
}

static int slice_start(const writer *w, const esp_layer *layer)
{
    esp_dim before = layer->in;
    before.num = layer->skip_parts;
    return esp_dim_size(w->net, &before) + layer->skip_values;
}

static char *add_layer(writer *w, const esp_layer *layer, const char *name, char *const *x)
{
    int pixels = is_image(layer) ? layer->out_rows * layer->out_cols : 1;
    switch (layer->kind) {
    case ESP_LAYER_IMAGE:     return add_bytes(w, name, x[0]);
    case ESP_LAYER_CONV2D:    return add_conv(w, layer, name, x[0]);
    case ESP_LAYER_FLATTEN:   return add_flatten(w, name, x[0]);
    case ESP_LAYER_DENSE:     return add_dense(w, layer, name, x[0]);
    case ESP_LAYER_LAYERNORM:
    case ESP_LAYER_BATCHNORM: return add_norm(w, layer, name, x[0]);
    case ESP_LAYER_UNFLATTEN:
        return add_reshape(w, name, x[0], 4, (int[]){0, layer->out_size / pixels, layer->out_rows, layer->out_cols});
    case ESP_LAYER_ACT:       return x[0]; /* the activation follows */
    case ESP_LAYER_SCALE:     return add_scale(w, layer, name, x[0]);
    case ESP_LAYER_ADD:       return add_step(w, "Add", name, x[0], x[1]);
    case ESP_LAYER_SUB:       return add_step(w, "Sub", name, x[0], x[1]);
    case ESP_LAYER_MUL:       return add_step(w, "Mul", name, x[0], x[1]);
    case ESP_LAYER_DIV:       return add_step(w, "Div", name, x[0], x[1]);
    case ESP_LAYER_CONCAT:    return add_concat(w, name, layer->num_inputs, x);
    case ESP_LAYER_SLICE:     return add_slice(w, name, x[0], slice_start(w, layer), layer->out_size / pixels);
    case ESP_LAYER_MAXPOOL:
    case ESP_LAYER_AVGPOOL:   return add_pool(w, layer, name, x[0]);
    }
    return NULL;
}

/* ---- inputs and outputs ---- */

static bool is_plain_row(const esp_onnx_port *port)
{
    return port->rank == 2 && port->batch == 0;
}

static char *row_of_port(writer *w, const esp_onnx_port *port)
{
    if (is_plain_row(port)) return port->name;
    return add_reshape(w, port->axis, port->name, 2, (int[]){-1, port->size});
}

/* The row of all inputs. */
static char *whole_input(writer *w)
{
    if (w->whole) return w->whole;
    const esp_onnx_file *file = w->file;
    char **rows = esp_onnx_pool_take(&w->pool, (size_t)file->num_inputs, sizeof *rows);
    for (int i = 0; i < file->num_inputs; i++) rows[i] = row_of_port(w, &file->input[i]);
    w->whole = file->num_inputs > 1 ? add_concat(w, "inputs", file->num_inputs, rows) : rows[0];
    return w->whole;
}

/* The input that starts at a value of the row of all inputs and has this size; NULL: none. */
static const esp_onnx_port *port_at(const writer *w, int first, int size)
{
    int at = 0;
    for (int i = 0; i < w->file->num_inputs; at += w->file->input[i++].size)
        if (at == first && w->file->input[i].size == size) return &w->file->input[i];
    return NULL;
}

/* What an image layer reads is an input with these dimensions, as it is. */
static bool is_that_image(const esp_onnx_port *port, const esp_layer *layer)
{
    int pixels = layer->out_rows * layer->out_cols;
    return port && port->rank == 4 && port->batch == 0 && port->dim[1] == layer->out_size / pixels &&
           port->dim[2] == layer->out_rows && port->dim[3] == layer->out_cols;
}

/* The output of a layer that only hands on an input; NULL: it is another layer. */
static char *input_itself(writer *w, const esp_layer *layer)
{
    if (layer->input[0] != ESP_INPUT || layer->act != ESP_ACT_NONE) return NULL;
    if (layer->kind == ESP_LAYER_SLICE && !w->inner) {
        const esp_onnx_port *port = port_at(w, slice_start(w, layer), layer->out_size);
        return port ? row_of_port(w, port) : NULL;
    }
    const esp_onnx_port *all = w->file->num_inputs == 1 && !w->inner ? &w->file->input[0] : NULL;
    return layer->kind == ESP_LAYER_UNFLATTEN && is_that_image(all, layer) ? all->name : NULL;
}

static const char *node_name(const esp_onnx_file *file, const char *module)
{
    for (int i = 0; i < file->num_nodes; i++)
        if (strcmp(file->node[i].module, module) == 0) return file->node[i].name;
    return module;
}

static void write_layer(writer *w, int index)
{
    const esp_layer *layer = &w->net->layer[index];
    char *x[ESP_MAX_INPUTS];
    w->value[index] = input_itself(w, layer);
    if (w->value[index]) return;
    for (int k = 0; k < layer->num_inputs; k++) {
        bool bytes = layer->kind == ESP_LAYER_IMAGE;
        if (layer->input[k] != ESP_INPUT) x[k] = w->value[layer->input[k]];
        else x[k] = bytes ? w->file->input[0].name : whole_input(w);
    }
    w->value[index] = add_act(w, layer, layer->module, add_layer(w, layer, node_name(w->file, layer->module), x));
}

/* Whether a name belongs to an input or output. */
static bool is_port(const esp_onnx_file *file, const char *name)
{
    for (int i = 0; i < file->num_inputs; i++)
        if (file->input[i].name == name) return true;
    for (int i = 0; i < file->num_outputs; i++)
        if (file->output[i].name == name) return true;
    return false;
}

static void rename_value(writer *w, const char *value, char *name)
{
    for (size_t i = 0; i < w->nodes.count; i++) {
        Onnx__NodeProto *node = w->nodes.item[i];
        for (size_t k = 0; k < node->n_input; k++)
            if (node->input[k] == value) node->input[k] = name;
        if (node->output[0] == value) node->output[0] = name;
    }
}

/* Gives an output its own name and dimensions. */
static void write_output(writer *w, const esp_onnx_port *port, char *value)
{
    if (!is_plain_row(port)) {
        char *inputs[] = {value, add_integers(w, "shape", port->rank, port->dim)};
        add_node(w, "Reshape", port->axis, port->name, 2, inputs);
    } else if (is_port(w->file, value)) { /* an input, or an output twice */
        add_node(w, "Identity", port->axis, port->name, 1, &value);
    } else {
        for (int i = 0; i < w->net->num_layers; i++)
            if (w->value[i] == value) w->value[i] = port->name;
        rename_value(w, value, port->name);
    }
}

/* Whether the layer only puts the outputs one after another. */
static bool joins_outputs(const esp_onnx_file *file, const esp_layer *layer)
{
    if (layer->kind != ESP_LAYER_CONCAT || layer->act != ESP_ACT_NONE) return false;
    if (layer->out_rows > 0 || layer->num_inputs != file->num_outputs) return false;
    for (int i = 0; i < file->num_outputs; i++)
        if (layer->input[i] == ESP_INPUT || file->net->layer[layer->input[i]].out_size != file->output[i].size)
            return false;
    return true;
}

/* A component whose row another one reads. */
static void write_inner(writer *w, const esp_component *component)
{
    for (int i = 0; i < component->num_layers; i++) write_layer(w, component->first_layer + i);
    w->whole = w->value[component->first_layer + component->num_layers - 1];
    w->inner = true;
}

static void write_last(writer *w, const esp_component *component)
{
    const esp_onnx_file *file = w->file;
    int last = component->first_layer + component->num_layers - 1, at = 0;
    bool joins = file->last == ESP_ACT_NONE && joins_outputs(file, &w->net->layer[last]);
    for (int i = component->first_layer; i <= last - joins; i++) write_layer(w, i);
    const esp_layer act = {.kind = ESP_LAYER_ACT, .act = file->last, .alpha = 1};
    if (!joins) w->value[last] = add_act(w, &act, "outputs", w->value[last]);
    for (int i = 0; i < file->num_outputs; at += file->output[i++].size) {
        const esp_onnx_port *port = &file->output[i];
        char *value = joins ? w->value[w->net->layer[last].input[i]] : w->value[last];
        if (!joins && file->num_outputs > 1) value = add_slice(w, port->axis, value, at, port->size);
        write_output(w, port, value);
    }
}

static Onnx__ValueInfoProto *value_info(writer *w, const esp_onnx_port *port, bool bytes)
{
    Onnx__ValueInfoProto *info = esp_onnx_pool_take(&w->pool, 1, sizeof *info);
    Onnx__TypeProto *type = esp_onnx_pool_take(&w->pool, 1, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = esp_onnx_pool_take(&w->pool, 1, sizeof *tensor);
    Onnx__TensorShapeProto *shape = esp_onnx_pool_take(&w->pool, 1, sizeof *shape);
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    info->name = port->name;
    info->type = type;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->has_elem_type = true;
    tensor->elem_type = bytes ? ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    shape->dim = esp_onnx_pool_take(&w->pool, (size_t)port->rank + 1, sizeof *shape->dim);
    for (int d = 0; d < port->rank; d++) {
        Onnx__TensorShapeProto__Dimension *dim = esp_onnx_pool_take(&w->pool, 1, sizeof *dim);
        onnx__tensor_shape_proto__dimension__init(dim);
        dim->value_case = port->dim[d] < 0 ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                                           : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (port->dim[d] < 0) dim->dim_param = text(w, "batch");
        else                  dim->dim_value = port->dim[d];
        shape->dim[shape->n_dim++] = dim;
    }
    return info;
}

/* ---- the model ---- */

static void add_property(writer *w, Onnx__ModelProto *model, const char *key, const cJSON *json)
{
    if (!json) return;
    Onnx__StringStringEntryProto *entry = esp_onnx_pool_take(&w->pool, 1, sizeof *entry);
    onnx__string_string_entry_proto__init(entry);
    char *line = esp_json_line(json);
    entry->key = text(w, key);
    entry->value = text(w, line);
    free(line);
    model->metadata_props[model->n_metadata_props++] = entry;
}

static void fill_model(writer *w, Onnx__ModelProto *model, Onnx__GraphProto *graph, Onnx__OperatorSetIdProto *opset)
{
    model->has_ir_version = true;
    model->ir_version = IR_VERSION;
    model->producer_name = text(w, "espalier");
    model->producer_version = text(w, ESP_VERSION);
    model->graph = graph;
    opset->domain = text(w, "");
    opset->has_version = true;
    opset->version = OPSET;
    model->opset_import = esp_onnx_pool_take(&w->pool, 1, sizeof *model->opset_import);
    model->opset_import[model->n_opset_import++] = opset;
    model->metadata_props = esp_onnx_pool_take(&w->pool, 2, sizeof *model->metadata_props);
    add_property(w, model, ESP_CONTRACT_KEY, w->file->metadata.contract);
    add_property(w, model, ESP_PEDIGREE_KEY, w->file->metadata.pedigree);
    graph->name = text(w, "network");
    graph->node = (Onnx__NodeProto **)w->nodes.item;
    graph->n_node = w->nodes.count;
    graph->initializer = (Onnx__TensorProto **)w->constants.item;
    graph->n_initializer = w->constants.count;
}

static void fill_ports(writer *w, Onnx__GraphProto *graph, bool bytes)
{
    const esp_onnx_file *file = w->file;
    graph->input = esp_onnx_pool_take(&w->pool, (size_t)file->num_inputs, sizeof *graph->input);
    graph->output = esp_onnx_pool_take(&w->pool, (size_t)file->num_outputs, sizeof *graph->output);
    for (int i = 0; i < file->num_inputs; i++)
        graph->input[graph->n_input++] = value_info(w, &file->input[i], bytes);
    for (int i = 0; i < file->num_outputs; i++)
        graph->output[graph->n_output++] = value_info(w, &file->output[i], false);
}

static esp_status pack(const Onnx__ModelProto *model, uint8_t **bytes, size_t *size)
{
    *size = onnx__model_proto__get_packed_size(model);
    if (*size > LARGEST)
        return esp_fail(ESP_ERR_RANGE, "%zu bytes; an ONNX file has at most %zu", *size, LARGEST);
    *bytes = esp_alloc(*size, 1);
    onnx__model_proto__pack(model, *bytes);
    return ESP_OK;
}

esp_status esp_onnx_print(const esp_onnx_file *file, uint8_t **bytes, size_t *size)
{
    writer w = {.file = file, .net = file->net};
    const esp_component *components = file->net->component;
    int count = file->num_components;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset;
    onnx__model_proto__init(&model);
    onnx__graph_proto__init(&graph);
    onnx__operator_set_id_proto__init(&opset);
    w.value = esp_onnx_pool_take(&w.pool, (size_t)file->net->num_layers, sizeof *w.value);
    for (int i = 0; i < file->num_inputs; i++) append(&w, &w.names, file->input[i].name);
    for (int i = 0; i < file->num_outputs; i++) append(&w, &w.names, file->output[i].name);
    for (int i = 0; i + 1 < count; i++) write_inner(&w, &components[file->component[i]]);
    write_last(&w, &components[count ? file->component[count - 1] : 0]);
    fill_ports(&w, &graph, esp_component_reads_bytes(file->net, count ? file->component[0] : 0));
    fill_model(&w, &model, &graph, &opset);
    esp_status status = pack(&model, bytes, size);
    esp_onnx_pool_free(&w.pool);
    return status;
}

esp_status esp_onnx_write(const char *path, const esp_onnx_file *file)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    esp_status status = esp_onnx_print(file, &bytes, &size);
    if (status != ESP_OK) return esp_fail_in(status, "%s", path);
    status = esp_file_write(path, bytes, size);
    free(bytes);
    return status;
}
