/* From a checked model to a network: constants are computed, activations recognised, and every node that is left
 * becomes a node of the graph, or is refused by name. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/translate_internal.h"

/* ---- values ---- */

esp_status esp_translate_input(const esp_translation *t, const esp_onnx_node *node, int k, const esp_onnx_value **out)
{
    char word[ESP_ONNX_WORD];
    if (k >= node->num_inputs || node->input[k] < 0)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "its input %d is missing", k);
    const esp_onnx_value *value = &t->model->value[node->input[k]];
    if (value->constant)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "its input %d, '%s', is a constant", k,
                               esp_onnx_word(value->name, word));
    if (t->of[node->input[k]] == ESP_NO_VALUE || !value->shaped)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "its input '%s' is not one that is supported",
                               esp_onnx_word(value->name, word));
    *out = value;
    return ESP_OK;
}

int esp_translate_value(const esp_translation *t, const esp_onnx_node *node, int k)
{
    return t->of[node->input[k]];
}

bool esp_translate_is_image(const esp_translation *t, int value)
{
    return esp_graph_shape(t->graph, value).rows > 0;
}

esp_status esp_translate_image(esp_translation *t, const esp_onnx_node *node, int k, int *out)
{
    const esp_onnx_value *x = &t->model->value[node->input[k]];
    *out = t->of[node->input[k]];
    if (esp_translate_is_image(t, *out)) return ESP_OK;
    if (x->rank < 3 || x->rank > 4 || (x->batch != 0 && x->dim[0] != 1) || x->batch > 0)
        return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "its input is not an image: it has %d dimensions",
                               x->rank);
    *out = esp_graph_unflatten(t->graph, *out, (int)x->dim[1], (int)x->dim[2], x->rank == 4 ? (int)x->dim[3] : 1);
    return esp_graph_status(t->graph);
}

int esp_translate_row(esp_translation *t, const esp_onnx_node *node, int k)
{
    return esp_graph_flatten(t->graph, t->of[node->input[k]]);
}

void esp_translate_output(esp_translation *t, const esp_onnx_node *node, int k, int value, int rank,
                          const int64_t *dim, int batch)
{
    if (k >= node->num_outputs || node->output[k] < 0) return;
    esp_onnx_value *out = &t->model->value[node->output[k]];
    t->of[node->output[k]] = value;
    out->rank = rank;
    memmove(out->dim, dim, (size_t)rank * sizeof *dim);
    out->batch = batch;
    out->shaped = true;
}

void esp_translate_output_like(esp_translation *t, const esp_onnx_node *node, int value, const esp_onnx_value *like)
{
    esp_onnx_value copy = *like;
    esp_translate_output(t, node, 0, value, copy.rank, copy.dim, copy.batch);
}

void esp_translate_around(const esp_onnx_value *value, int axis, int64_t *before, int64_t *behind)
{
    *before = *behind = 1;
    for (int d = 0; d < value->rank; d++) {
        if (d == value->batch) continue;
        if (d < axis) *before *= value->dim[d];
        if (d > axis) *behind *= value->dim[d];
    }
}

/* ---- constants ---- */

esp_status esp_translate_check(const esp_translation *t, const esp_onnx_node *node, const char *what, size_t count,
                               const float *numbers)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(numbers[i]) <= ESP_WEIGHT_LIMIT))
            return esp_onnx_refuse(t->model, node, ESP_ERR_NUMERIC, "its %s: %g at index %zu", what,
                                   (double)numbers[i], i);
    return ESP_OK;
}

esp_status esp_translate_weights(const esp_translation *t, const esp_onnx_node *node, int k, const char *what,
                                 const esp_onnx_tensor **out)
{
    const esp_onnx_tensor *tensor = esp_onnx_constant(t->model, node, k);
    if (!tensor)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "its %s (input %d) must be constant", what, k);
    if (!tensor->real)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "its %s (input %d) has type %s; only float and double "
                               "are supported", what, k, esp_onnx_type_name(tensor->type));
    *out = tensor;
    return esp_translate_check(t, node, what, tensor->count, tensor->real);
}

esp_status esp_translate_units(const esp_translation *t, const esp_onnx_node *node, int k, const char *what, int size,
                               const float **out)
{
    const esp_onnx_tensor *tensor;
    esp_status status = esp_translate_weights(t, node, k, what, &tensor);
    if (status != ESP_OK) return status;
    if (tensor->count != (size_t)size)
        return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "its %s has %zu values for %d units", what, tensor->count,
                               size);
    *out = tensor->real;
    return ESP_OK;
}

/* ---- neighbours and names ---- */

esp_onnx_node *esp_translate_next(const esp_translation *t, const esp_onnx_node *node, const char *op)
{
    const esp_onnx_value *out = &t->model->value[node->output[0]];
    if (node->num_outputs < 1 || node->output[0] < 0 || out->readers != 1 || out->reader < 0) return NULL;
    esp_onnx_node *next = &t->model->node[out->reader];
    return !next->covered && strcmp(next->op, op) == 0 && next->num_inputs == 2 && next->num_outputs == 1 ? next : NULL;
}

static bool is_taken(const esp_translation *t, const char *name)
{
    for (int i = 0; i < t->names->num_nodes; i++)
        if (strcmp(t->names->node[i].module, name) == 0) return true;
    return false;
}

/* Length of the text without an ending that tensors have; 0: it has none. */
static size_t stem(const char *text)
{
    static const char *const endings[] = {".weight", "_weight", ".gamma", ".scale"};
    size_t length = strlen(text);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t end = strlen(endings[i]);
        if (length > end && strcmp(text + length - end, endings[i]) == 0) return length - end;
    }
    return 0;
}

const char *esp_translate_module(esp_translation *t, const esp_onnx_node *node, int k)
{
    enum { MOST = ESP_NAME - 20 }; /* room for a number; the builder adds to names of axes, too */
    char base[ESP_NAME], name[ESP_NAME];
    const char *weights = k >= 0 && node->input[k] >= 0 ? t->model->value[node->input[k]].name : "";
    size_t length = stem(weights);
    esp_onnx_shorten(length ? weights : node->name, length ? length : strlen(node->name), MOST, base);
    if (!*base) snprintf(base, sizeof base, "layer");
    snprintf(name, sizeof name, "%s", base);
    for (int i = 2; is_taken(t, name); i++) snprintf(name, sizeof name, "%.*s_%d", MOST, base, i);
    return esp_onnx_file_label(t->names, name, node->name);
}

/* ---- nodes ---- */

/* The same value. The third input of Dropout says whether it is in training mode. */
static esp_status alias(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    const esp_onnx_tensor *training = esp_onnx_constant(t->model, node, 2);
    esp_status status = esp_translate_input(t, node, 0, &x);
    bool known = node->num_inputs < 3 || node->input[2] < 0 || (training && training->whole && training->count == 1);
    if (status == ESP_OK && (!known || (training && training->whole[0])))
        status = esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "it is in training mode; export for inference");
    if (status == ESP_OK) esp_translate_output_like(t, node, esp_translate_value(t, node, 0), x);
    return status;
}

static const struct {
    const char      *op;
    esp_translate_fn translate;
} operators[] = {
    {"MatMul", esp_translate_matmul},       {"Gemm", esp_translate_gemm},          {"Conv", esp_translate_conv},
    {"BatchNormalization", esp_translate_batchnorm}, {"LayerNormalization", esp_translate_layernorm},
    {"MaxPool", esp_translate_pool},        {"AveragePool", esp_translate_pool},
    {"GlobalAveragePool", esp_translate_global_pool}, {"GlobalMaxPool", esp_translate_global_pool},
    {"ReduceMean", esp_translate_mean},     {"Add", esp_translate_binary},         {"Sub", esp_translate_binary},
    {"Mul", esp_translate_binary},          {"Div", esp_translate_binary},         {"Neg", esp_translate_neg},
    {"Pow", esp_translate_pow},             {"Reshape", esp_translate_reshape},    {"Flatten", esp_translate_reshape},
    {"Squeeze", esp_translate_reshape},     {"Unsqueeze", esp_translate_reshape},
    {"Transpose", esp_translate_transpose}, {"Concat", esp_translate_concat},      {"Split", esp_translate_split},
    {"Slice", esp_translate_slice},         {"Gather", esp_translate_gather},      {"Identity", alias},
    {"Dropout", alias},
};

/* Why an operator is not supported, for those that people might expect. */
static const char *reason(const char *op)
{
    static const struct { const char *op, *why; } reasons[] = {
        {"If", "control flow is not supported"}, {"Loop", "control flow is not supported"},
        {"Scan", "control flow is not supported"}, {"LSTM", "recurrent networks are not supported"},
        {"GRU", "recurrent networks are not supported"}, {"RNN", "recurrent networks are not supported"},
        {"QLinearMatMul", "quantized networks are not supported"},
        {"QLinearConv", "quantized networks are not supported"},
        {"QuantizeLinear", "quantized networks are not supported"},
        {"DequantizeLinear", "quantized networks are not supported"},
        {"MatMulInteger", "quantized networks are not supported"},
        {"ConvInteger", "quantized networks are not supported"},
        {"DynamicQuantizeLinear", "quantized networks are not supported"},
        {"RandomNormal", "random numbers are not supported; export the deterministic policy"},
        {"RandomNormalLike", "random numbers are not supported; export the deterministic policy"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reasons[i].op, op) == 0) return reasons[i].why;
    return "this operator is not supported (docs/onnx.md lists those that are)";
}

static bool is_wanted(const esp_onnx_model *model, const esp_onnx_node *node)
{
    for (int k = 0; k < node->num_outputs; k++)
        if (node->output[k] >= 0 && model->value[node->output[k]].readers > 0) return true;
    return false;
}

static esp_status dispatch(esp_translation *t, esp_onnx_node *node)
{
    if (node->meaning) return esp_translate_meaning(t, node);
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].op, node->op) == 0) return operators[i].translate(t, node);
    return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "%s", reason(node->op));
}

static esp_status translate_node(esp_translation *t, esp_onnx_node *node)
{
    if (node->covered || !is_wanted(t->model, node)) return ESP_OK;
    esp_status status = esp_onnx_fold(t->model, node);
    if (status != ESP_OK || node->covered) return status;
    status = dispatch(t, node);
    if (status == ESP_OK || esp_graph_status(t->graph) == ESP_OK) return status;
    return esp_onnx_refuse(t->model, node, status, "%s", esp_error_text()); /* the graph does not know the node */
}

/* ---- the whole model ---- */

/* The only node that reads a value, if it has this operator; else NULL. */
static esp_onnx_node *only_reader(const esp_translation *t, int value, const char *op)
{
    const esp_onnx_value *v = &t->model->value[value];
    if (value < 0 || v->readers != 1 || v->reader < 0) return NULL;
    esp_onnx_node *reader = &t->model->node[v->reader];
    return strcmp(reader->op, op) == 0 && reader->num_outputs == 1 && reader->input[0] == value ? reader : NULL;
}

/* An image of bytes, which a Cast to float and a division by 255 follow. */
static esp_status add_bytes(esp_translation *t, int index, const char *axis)
{
    esp_onnx_model *model = t->model;
    const esp_onnx_value *value = &model->value[index];
    esp_onnx_node *cast = only_reader(t, index, "Cast"), *div = cast ? only_reader(t, cast->output[0], "Div") : NULL;
    int64_t to = 0;
    esp_status status = cast ? esp_onnx_int(model, cast, "to", 0, &to) : ESP_OK;
    if (status != ESP_OK) return status;
    const esp_onnx_tensor *by = div ? esp_onnx_constant(model, div, 1) : NULL;
    bool fits = by && by->real && by->count == 1 && by->real[0] == 255 && by->rank <= value->rank &&
                to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT && model->num_inputs == 1 && div->output[0] >= 0;
    if (!fits)
        return esp_fail(ESP_ERR_FORMAT, "%s: an input of bytes must be the only one, cast to float and divided by 255",
                        model->path);
    cast->covered = div->covered = true;
    esp_translate_output_like(t, div, esp_graph_input_bytes(t->graph, axis, (int)value->dim[1], (int)value->dim[2],
                                                            (int)value->dim[3]), value);
    return esp_graph_status(t->graph);
}

static esp_status add_inputs(esp_translation *t)
{
    for (int i = 0; i < t->model->num_inputs; i++) {
        const esp_onnx_value *value = &t->model->value[t->model->input[i]];
        esp_onnx_port *port = esp_onnx_file_port(t->names, true, value->name);
        int64_t size = 1;
        for (int d = 0; d < value->rank; d++) {
            if (d != value->batch && __builtin_mul_overflow(size, value->dim[d], &size)) size = INT64_MAX;
            port->dim[port->rank++] = value->dim[d] == ESP_ONNX_BATCH ? -1 : (int)value->dim[d];
        }
        port->batch = value->batch;
        if (size > ESP_ONNX_LARGEST)
            return esp_fail(ESP_ERR_SHAPE, "%s: an input has more than %d values", t->model->path, ESP_ONNX_LARGEST);
        port->size = (int)size;
        if (value->bytes) return add_bytes(t, t->model->input[i], port->axis);
        t->of[t->model->input[i]] = esp_graph_input(t->graph, port->axis, port->size);
    }
    if (t->model->num_inputs > 0) return esp_graph_status(t->graph);
    return esp_fail(ESP_ERR_FORMAT, "%s: the graph has no input", t->model->path);
}

static esp_status add_outputs(esp_translation *t)
{
    for (int i = 0; i < t->model->num_outputs; i++) {
        const esp_onnx_value *value = &t->model->value[t->model->output[i]];
        int node = t->of[t->model->output[i]];
        char word[ESP_ONNX_WORD];
        esp_onnx_word(value->name, word);
        if (value->constant) return esp_fail(ESP_ERR_FORMAT, "%s: output '%s' is a constant", t->model->path, word);
        if (value->producer < 0)
            return esp_fail(ESP_ERR_FORMAT, "%s: output '%s' is an input: there is nothing to compute", t->model->path,
                            word);
        if (node == ESP_NO_VALUE)
            return esp_fail(ESP_ERR_FORMAT, "%s: output '%s' is not one that is supported", t->model->path, word);
        esp_onnx_port *port = esp_onnx_file_port(t->names, false, value->name);
        for (int d = 0; d < value->rank; d++)
            port->dim[port->rank++] = value->dim[d] == ESP_ONNX_BATCH ? -1 : (int)value->dim[d];
        port->batch = value->batch;
        esp_shape shape = esp_graph_shape(t->graph, node);
        port->size = shape.channels * (shape.rows ? shape.rows * shape.cols : 1);
        esp_graph_output(t->graph, port->axis, node);
    }
    return esp_graph_status(t->graph);
}

static esp_status translate(esp_translation *t)
{
    esp_onnx_model *model = t->model;
    esp_status status = ESP_OK;
    for (int i = 0; i < model->num_values; i++) t->of[i] = ESP_NO_VALUE;
    esp_graph_component(t->graph, "network");
    for (int i = 0; i < model->num_nodes && status == ESP_OK; i++)
        if (strcmp(model->node[i].op, "Shape") != 0) status = esp_onnx_fold(model, &model->node[i]);
    if (status == ESP_OK) status = add_inputs(t);
    if (status == ESP_OK) esp_onnx_recognise(model);
    for (int i = 0; i < model->num_nodes && status == ESP_OK; i++) status = translate_node(t, &model->node[i]);
    if (status == ESP_OK) status = add_outputs(t);
    return status;
}

esp_status esp_onnx_translate(esp_onnx_model *model, esp_onnx_file *out)
{
    esp_translation t = {.model = model, .graph = esp_graph_new(), .names = out};
    t.of = esp_alloc((size_t)model->num_values + 1, sizeof *t.of);
    esp_status status = translate(&t);
    if (status == ESP_OK) {
        status = esp_graph_finish(t.graph, &out->net);
        if (status != ESP_OK) esp_fail_in(status, "%s", model->path);
    }
    esp_graph_free(t.graph);
    free(t.of);
    return status;
}
