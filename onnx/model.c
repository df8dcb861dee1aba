/* From the bytes of a file to tables of values and nodes, every index, order and size of which is checked. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_internal.h"

/* ---- memory ---- */

void *esp_onnx_pool_take(esp_onnx_pool *pool, size_t count, size_t size)
{
    if ((pool->count & (pool->count - 1)) == 0) { /* full at every power of two */
        void **larger = esp_alloc(pool->count ? 2 * (size_t)pool->count : 1, sizeof *larger);
        if (pool->count) memcpy(larger, pool->block, (size_t)pool->count * sizeof *larger);
        free(pool->block);
        pool->block = larger;
    }
    return pool->block[pool->count++] = esp_alloc(count, size);
}

void esp_onnx_pool_free(esp_onnx_pool *pool)
{
    for (int i = 0; i < pool->count; i++) free(pool->block[i]);
    free(pool->block);
    *pool = (esp_onnx_pool){.count = 0};
}

void *esp_onnx_keep(esp_onnx_model *model, size_t count, size_t size)
{
    return esp_onnx_pool_take(&model->pool, count, size);
}

void esp_onnx_model_free(esp_onnx_model *model)
{
    if (!model) return;
    for (int i = 0; i < model->num_values; i++) esp_onnx_tensor_free(model->value[i].constant);
    esp_onnx_pool_free(&model->pool);
    if (model->message) onnx__model_proto__free_unpacked(model->message, NULL);
    free(model->path);
    free(model->folder);
    free(model);
}

/* ---- messages ---- */

char *esp_onnx_word(const char *name, char out[ESP_ONNX_WORD])
{
    size_t i;
    for (i = 0; name[i] && i < ESP_ONNX_WORD - 4; i++) {
        unsigned char c = (unsigned char)name[i];
        out[i] = c < 0x20 || c >= 0x7f ? '?' : name[i];
    }
    snprintf(out + i, ESP_ONNX_WORD - i, "%s", name[i] ? "..." : "");
    return out;
}

esp_status esp_onnx_refuse(const esp_onnx_model *model, const esp_onnx_node *node, esp_status status,
                           const char *format, ...)
{
    char why[ESP_ERROR_TEXT], name[ESP_ONNX_WORD], op[ESP_ONNX_WORD];
    va_list list;
    va_start(list, format);
    esp_format_list(why, sizeof why, format, list);
    va_end(list);
    return esp_fail(status, "%s: node '%s' (%s): %s", model->path, esp_onnx_word(node->name, name),
                    esp_onnx_word(node->op, op), why);
}

/* ---- names ---- */

static int compare_values(const void *a, const void *b)
{
    return strcmp(((const esp_onnx_value *)a)->name, ((const esp_onnx_value *)b)->name);
}

int esp_onnx_find(const esp_onnx_model *model, const char *name)
{
    if (model->num_values == 0) return -1;
    esp_onnx_value key = {.name = name};
    const esp_onnx_value *found =
        bsearch(&key, model->value, (size_t)model->num_values, sizeof key, compare_values);
    return found ? (int)(found - model->value) : -1;
}

static const char *text_of(const char *text)
{
    return text ? text : "";
}

/* All names of inputs, constants and results of nodes, each once. */
static void list_values(esp_onnx_model *model)
{
    const Onnx__GraphProto *graph = model->message->graph;
    size_t count = graph->n_input + graph->n_initializer, n = 0;
    for (size_t i = 0; i < graph->n_node; i++) count += graph->node[i]->n_output;
    model->value = esp_onnx_keep(model, count, sizeof *model->value);
    for (size_t i = 0; i < graph->n_input; i++) model->value[n++].name = text_of(graph->input[i]->name);
    for (size_t i = 0; i < graph->n_initializer; i++) model->value[n++].name = text_of(graph->initializer[i]->name);
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_output; k++)
            model->value[n++].name = text_of(graph->node[i]->output[k]);
    if (n) qsort(model->value, n, sizeof *model->value, compare_values);
    for (size_t i = 0; i < n; i++) {
        if (!*model->value[i].name) continue; /* a result that nobody wants */
        if (model->num_values && strcmp(model->value[model->num_values - 1].name, model->value[i].name) == 0) continue;
        model->value[model->num_values++].name = model->value[i].name;
    }
    for (int i = 0; i < model->num_values; i++)
        model->value[i].producer = model->value[i].reader = model->value[i].batch = -1;
}

/* ---- constants and inputs ---- */

static esp_status read_constant(esp_onnx_model *model, const Onnx__TensorProto *from)
{
    char word[ESP_ONNX_WORD];
    esp_onnx_word(text_of(from->name), word);
    int index = esp_onnx_find(model, text_of(from->name));
    if (index < 0) return esp_fail(ESP_ERR_FORMAT, "%s: a constant has no name", model->path);
    esp_onnx_value *value = &model->value[index];
    if (value->constant) return esp_fail(ESP_ERR_FORMAT, "%s: constant '%s' occurs twice", model->path, word);
    esp_status status = esp_onnx_tensor_read(from, model->folder, &value->constant);
    if (status != ESP_OK) return esp_fail_in(status, "%s: constant '%s'", model->path, word);
    value->defined = true;
    return ESP_OK;
}

static esp_status read_constants(esp_onnx_model *model)
{
    const Onnx__GraphProto *graph = model->message->graph;
    esp_status status = ESP_OK;
    for (size_t i = 0; i < graph->n_initializer && status == ESP_OK; i++)
        status = read_constant(model, graph->initializer[i]);
    if (status == ESP_OK && graph->n_sparse_initializer > 0)
        return esp_fail(ESP_ERR_FORMAT, "%s: sparse constants are not supported", model->path);
    return status;
}

/* The dimensions of an input. The first of two or more counts samples; only that one may be left open. */
static esp_status read_shape(const esp_onnx_model *model, const Onnx__ValueInfoProto *info, esp_onnx_value *value)
{
    char word[ESP_ONNX_WORD];
    esp_onnx_word(value->name, word);
    const Onnx__TypeProto__Tensor *type =
        info->type && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? info->type->tensor_type : NULL;
    if (!type || !type->shape)
        return esp_fail(ESP_ERR_FORMAT, "%s: input '%s' has no shape", model->path, word);
    value->bytes = type->elem_type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 && type->shape->n_dim == 4;
    if (type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT && !value->bytes)
        return esp_fail(ESP_ERR_FORMAT, "%s: input '%s' has type %s; only float, and uint8 for images, are supported",
                        model->path, word, esp_onnx_type_name(type->elem_type));
    if (type->shape->n_dim == 0 || type->shape->n_dim > 5)
        return esp_fail(ESP_ERR_FORMAT, "%s: input '%s' has %zu dimensions, 1 to 5 are supported", model->path, word,
                        type->shape->n_dim);
    value->rank = (int)type->shape->n_dim;
    value->batch = value->rank > 1 ? 0 : -1;
    for (int i = 0; i < value->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];
        bool open = dim->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        value->dim[i] = open ? ESP_ONNX_BATCH : dim->dim_value;
        if (open && i != value->batch)
            return esp_fail(ESP_ERR_FORMAT, "%s: input '%s' leaves dimension %d open; only the first of several may "
                            "be, which counts samples", model->path, word, i);
        if (!open && (value->dim[i] < 1 || value->dim[i] > ESP_ONNX_LARGEST))
            return esp_fail(ESP_ERR_FORMAT, "%s: input '%s' has size %lld in dimension %d", model->path, word,
                            (long long)value->dim[i], i);
    }
    value->shaped = value->defined = true;
    return ESP_OK;
}

/* Old files list constants as inputs, too. */
static esp_status read_inputs(esp_onnx_model *model)
{
    const Onnx__GraphProto *graph = model->message->graph;
    model->input = esp_onnx_keep(model, graph->n_input, sizeof *model->input);
    for (size_t i = 0; i < graph->n_input; i++) {
        int index = esp_onnx_find(model, text_of(graph->input[i]->name));
        if (index < 0) return esp_fail(ESP_ERR_FORMAT, "%s: an input has no name", model->path);
        if (model->value[index].constant) continue;
        char word[ESP_ONNX_WORD];
        if (model->value[index].defined)
            return esp_fail(ESP_ERR_FORMAT, "%s: input '%s' occurs twice", model->path,
                            esp_onnx_word(model->value[index].name, word));
        model->input[model->num_inputs++] = index;
        esp_status status = read_shape(model, graph->input[i], &model->value[index]);
        if (status != ESP_OK) return status;
    }
    return ESP_OK;
}

/* ---- nodes ---- */

static const char *node_name(esp_onnx_model *model, const Onnx__NodeProto *from, int index)
{
    if (from->name && *from->name) return from->name;
    char text[ESP_ONNX_WORD + 16], op[ESP_ONNX_WORD];
    int length = snprintf(text, sizeof text, "%s_%d", esp_onnx_word(text_of(from->op_type), op), index);
    return memcpy(esp_onnx_keep(model, (size_t)length + 1, 1), text, (size_t)length);
}

static esp_status link_input(esp_onnx_model *model, esp_onnx_node *node, int k, const char *name)
{
    char word[ESP_ONNX_WORD];
    node->input[k] = *text_of(name) ? esp_onnx_find(model, name) : -1;
    if (!*text_of(name)) return ESP_OK;
    if (node->input[k] < 0)
        return esp_onnx_refuse(model, node, ESP_ERR_FORMAT, "nothing makes its input '%s'", esp_onnx_word(name, word));
    esp_onnx_value *value = &model->value[node->input[k]];
    if (!value->defined)
        return esp_onnx_refuse(model, node, ESP_ERR_FORMAT, "its input '%s' is made by a later node, or in a circle",
                               esp_onnx_word(name, word));
    value->readers++;
    value->reader = (int)(node - model->node);
    return ESP_OK;
}

static esp_status link_output(esp_onnx_model *model, int index, int k, const char *name)
{
    esp_onnx_node *node = &model->node[index];
    node->output[k] = *text_of(name) ? esp_onnx_find(model, name) : -1;
    if (node->output[k] < 0) return ESP_OK;
    esp_onnx_value *value = &model->value[node->output[k]];
    char word[ESP_ONNX_WORD];
    if (value->defined)
        return esp_onnx_refuse(model, node, ESP_ERR_FORMAT, "its output '%s' exists already",
                               esp_onnx_word(name, word));
    value->defined = true;
    value->producer = index;
    return ESP_OK;
}

static esp_status link_node(esp_onnx_model *model, int index)
{
    const Onnx__NodeProto *from = model->message->graph->node[index];
    esp_onnx_node *node = &model->node[index];
    esp_status status = ESP_OK;
    *node = (esp_onnx_node){.proto = from, .op = text_of(from->op_type), .name = node_name(model, from, index),
                            .num_inputs = (int)from->n_input, .num_outputs = (int)from->n_output};
    if (*text_of(from->domain) && strcmp(from->domain, "ai.onnx") != 0) {
        char word[ESP_ONNX_WORD];
        return esp_onnx_refuse(model, node, ESP_ERR_FORMAT, "operators of domain '%s' are not supported",
                               esp_onnx_word(from->domain, word));
    }
    node->input = esp_onnx_keep(model, from->n_input, sizeof *node->input);
    node->output = esp_onnx_keep(model, from->n_output, sizeof *node->output);
    for (int k = 0; k < node->num_inputs && status == ESP_OK; k++)
        status = link_input(model, node, k, from->input[k]);
    for (int k = 0; k < node->num_outputs && status == ESP_OK; k++)
        status = link_output(model, index, k, from->output[k]);
    return status;
}

static esp_status read_nodes(esp_onnx_model *model)
{
    esp_status status = ESP_OK;
    model->num_nodes = (int)model->message->graph->n_node;
    model->node = esp_onnx_keep(model, (size_t)model->num_nodes, sizeof *model->node);
    for (int i = 0; i < model->num_nodes && status == ESP_OK; i++) status = link_node(model, i);
    return status;
}

static esp_status read_outputs(esp_onnx_model *model)
{
    const Onnx__GraphProto *graph = model->message->graph;
    model->output = esp_onnx_keep(model, graph->n_output, sizeof *model->output);
    for (size_t i = 0; i < graph->n_output; i++) {
        char word[ESP_ONNX_WORD];
        const char *name = text_of(graph->output[i]->name);
        int index = esp_onnx_find(model, name);
        if (index < 0 || !model->value[index].defined)
            return esp_fail(ESP_ERR_FORMAT, "%s: nothing makes output '%s'", model->path, esp_onnx_word(name, word));
        model->value[index].readers++;
        model->output[model->num_outputs++] = index;
    }
    if (model->num_outputs == 0) return esp_fail(ESP_ERR_FORMAT, "%s: the graph has no output", model->path);
    return ESP_OK;
}

/* ---- the message ---- */

static esp_status find_opset(esp_onnx_model *model)
{
    const Onnx__ModelProto *message = model->message;
    int64_t version = 0;
    for (size_t i = 0; i < message->n_opset_import; i++) {
        const char *domain = text_of(message->opset_import[i]->domain);
        if (!*domain || strcmp(domain, "ai.onnx") == 0) version = message->opset_import[i]->version;
    }
    if (version < ESP_ONNX_OLDEST || version > ESP_ONNX_NEWEST)
        return esp_fail(ESP_ERR_FORMAT, "%s: opset %lld; opsets %d to %d are read", model->path, (long long)version,
                        ESP_ONNX_OLDEST, ESP_ONNX_NEWEST);
    model->opset = (int)version;
    return ESP_OK;
}

esp_status esp_onnx_model_parse(const char *path, const char *folder, const void *bytes, size_t size,
                                esp_onnx_model **out)
{
    esp_status status = esp_onnx_scan(path, bytes, size);
    if (status != ESP_OK) return status;
    esp_onnx_model *model = esp_alloc(1, sizeof *model);
    model->path = esp_strdup(path);
    if (folder) model->folder = esp_strdup(folder);
    model->message = onnx__model_proto__unpack(NULL, size, bytes);
    if (!model->message) status = esp_fail(ESP_ERR_FORMAT, "%s: not an ONNX file: its fields have wrong types", path);
    else if (!model->message->graph) status = esp_fail(ESP_ERR_FORMAT, "%s: not an ONNX file: it has no graph", path);
    if (status == ESP_OK) status = find_opset(model);
    if (status == ESP_OK) list_values(model);
    if (status == ESP_OK) status = read_constants(model);
    if (status == ESP_OK) status = read_inputs(model);
    if (status == ESP_OK) status = read_nodes(model);
    if (status == ESP_OK) status = read_outputs(model);
    if (status == ESP_OK) *out = model;
    else                  esp_onnx_model_free(model);
    return status;
}
