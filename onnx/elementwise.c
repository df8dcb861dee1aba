/* Operators that work element by element, and what was recognised in several of them. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "onnx/translate_internal.h"

/* ---- what was recognised ---- */

/* Multiplies by one number. */
static int times(esp_translation *t, const esp_onnx_node *node, int value, double factor)
{
    int channels = esp_graph_shape(t->graph, value).channels;
    float *scale = esp_onnx_keep(t->model, (size_t)channels, sizeof *scale);
    for (int i = 0; i < channels; i++) scale[i] = (float)factor;
    return esp_graph_scale(t->graph, value, esp_translate_module(t, node, -1), scale, NULL);
}

static bool has_parameters(esp_act act)
{
    return act == ESP_ACT_LEAKY_RELU || act == ESP_ACT_CLIP;
}

static int add_act(esp_translation *t, const esp_onnx_node *node, int value, const esp_onnx_meaning *m)
{
    if (m->act == ESP_ACT_NONE) return value;
    bool plain = !has_parameters(m->act) && (m->act != ESP_ACT_ELU || m->alpha == 1);
    value = plain ? esp_graph_act(t->graph, value, m->act)
                  : esp_graph_act_with(t->graph, value, m->act, (float)m->alpha, (float)m->beta);
    return m->gain == 1 ? value : times(t, node, value, m->gain);
}

static esp_status add_layernorm(esp_translation *t, const esp_onnx_node *node, int value, const esp_onnx_meaning *m)
{
    const esp_onnx_value *x = &t->model->value[m->root];
    int size = esp_graph_shape(t->graph, value).channels;
    if (esp_translate_is_image(t, value) || x->dim[x->rank - 1] != size || (m->width && m->width != size))
        return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "it normalises parts of a sample; only all of its values "
                               "together are supported");
    float *gain = esp_onnx_keep(t->model, 2 * (size_t)size, sizeof *gain), *offset = gain + size;
    for (int i = 0; i < size; i++) {
        gain[i] = (float)m->weight[m->width ? i : 0];
        offset[i] = (float)m->bias[m->width ? i : 0];
    }
    esp_status status = esp_translate_check(t, node, "gain and offset", 2 * (size_t)size, gain);
    if (status != ESP_OK) return status;
    esp_norm_spec spec = {.module = esp_translate_module(t, node, -1), .eps = fmaxf((float)m->eps, FLT_MIN),
                          .gain = gain, .offset = offset};
    esp_translate_output_like(t, node, esp_graph_layernorm(t->graph, value, &spec), x);
    return esp_graph_status(t->graph);
}

esp_status esp_translate_meaning(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_meaning *m = node->meaning;
    int value = t->of[m->root];
    const float parameters[] = {(float)m->alpha, (float)m->gain};
    esp_status status = esp_translate_check(t, node, "parameters", m->act == ESP_ACT_CLIP ? 0 : 2, parameters);
    if (status != ESP_OK) return status;
    if (value == ESP_NO_VALUE) return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "its input is not computed");
    if (m->kind == ESP_ONNX_MEANS_LAYERNORM) return add_layernorm(t, node, value, m);
    esp_translate_output_like(t, node, add_act(t, node, value, m), &t->model->value[m->root]);
    return esp_graph_status(t->graph);
}

/* ---- two values ---- */

static esp_layer_kind kind_of(const esp_onnx_node *node)
{
    switch (*node->op) {
    case 'A': return ESP_LAYER_ADD;
    case 'S': return ESP_LAYER_SUB;
    case 'M': return ESP_LAYER_MUL;
    default:  return ESP_LAYER_DIV;
    }
}

static bool same_samples(const esp_onnx_value *a, const esp_onnx_value *b)
{
    if (a->rank != b->rank || a->batch != b->batch) return false;
    for (int d = 0; d < a->rank; d++)
        if (a->dim[d] != b->dim[d]) return false;
    return true;
}

static esp_status combine(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *a, *b;
    esp_status status = esp_translate_input(t, node, 0, &a);
    if (status == ESP_OK) status = esp_translate_input(t, node, 1, &b);
    if (status != ESP_OK) return status;
    if (!same_samples(a, b))
        return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "its two inputs have different shapes");
    int left = esp_translate_value(t, node, 0), right = esp_translate_value(t, node, 1);
    if (esp_translate_is_image(t, left) != esp_translate_is_image(t, right)) {
        left = esp_translate_row(t, node, 0);
        right = esp_translate_row(t, node, 1);
    }
    esp_translate_output_like(t, node, esp_graph_combine(t->graph, kind_of(node), left, right), a);
    return esp_graph_status(t->graph);
}

/* ---- a value and a constant ---- */

/* One number per unit or channel of the value from a constant that is broadcast to it; NULL: it is not so simple. */
static float *per_unit(esp_translation *t, const esp_onnx_value *x, int value, const esp_onnx_tensor *constant)
{
    esp_shape shape = esp_graph_shape(t->graph, value);
    float *units = esp_onnx_keep(t->model, (size_t)shape.channels, sizeof *units);
    bool image = esp_translate_is_image(t, value);
    int rank = constant->rank, first = x->rank - rank;
    if (first < 0) return NULL;
    for (int d = 0; d < rank; d++) {
        bool channels = !image || first + d == 1;
        if (constant->dim[d] != 1 && (first + d == x->batch || constant->dim[d] != x->dim[first + d] || !channels))
            return NULL;
    }
    for (int i = 0; i < shape.channels; i++) {
        size_t index = 0, each = 1;
        int64_t rest = i;
        for (int d = rank - 1; d >= 0; d--) { /* a channel of an image is its only dimension here */
            int64_t size = first + d == x->batch ? 1 : image && constant->dim[d] == 1 ? 1 : x->dim[first + d];
            if (constant->dim[d] > 1) index += (size_t)(rest % size) * each;
            each *= (size_t)constant->dim[d];
            rest /= size;
        }
        units[i] = constant->real[index];
    }
    return units;
}

/* x op c, or c op x, as x * scale + shift. */
static esp_status with_constant(esp_translation *t, esp_onnx_node *node, int k)
{
    const esp_onnx_value *x;
    const esp_onnx_tensor *constant;
    esp_status status = esp_translate_input(t, node, 1 - k, &x);
    if (status == ESP_OK) status = esp_translate_weights(t, node, k, "constant", &constant);
    if (status != ESP_OK) return status;
    int value = esp_translate_value(t, node, 1 - k), channels = esp_graph_shape(t->graph, value).channels;
    esp_layer_kind kind = kind_of(node);
    float *units = per_unit(t, x, value, constant), *scale = NULL;
    if (!units)
        return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "its constant is not one number per unit or channel");
    if (kind == ESP_LAYER_DIV && k == 0)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "a constant divided by a value is not supported");
    for (int i = 0; i < channels; i++) {
        if (kind == ESP_LAYER_SUB && k == 1) units[i] = -units[i];
        if (kind == ESP_LAYER_DIV) units[i] = 1 / units[i];
    }
    status = esp_translate_check(t, node, "factors", (size_t)channels, units);
    if (status != ESP_OK) return status;
    if (kind == ESP_LAYER_SUB && k == 0) {
        scale = esp_onnx_keep(t->model, (size_t)channels, sizeof *scale);
        for (int i = 0; i < channels; i++) scale[i] = -1;
    }
    bool factor = kind == ESP_LAYER_MUL || kind == ESP_LAYER_DIV;
    value = esp_graph_scale(t->graph, value, esp_translate_module(t, node, -1), factor ? units : scale,
                            factor ? NULL : units);
    esp_translate_output_like(t, node, value, x);
    return esp_graph_status(t->graph);
}

esp_status esp_translate_binary(esp_translation *t, esp_onnx_node *node)
{
    if (node->num_inputs != 2)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "it has %d inputs, expected 2", node->num_inputs);
    if (esp_onnx_constant(t->model, node, 1)) return with_constant(t, node, 1);
    if (esp_onnx_constant(t->model, node, 0)) return with_constant(t, node, 0);
    return combine(t, node);
}

esp_status esp_translate_neg(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status != ESP_OK) return status;
    esp_translate_output_like(t, node, times(t, node, esp_translate_value(t, node, 0), -1), x);
    return esp_graph_status(t->graph);
}

/* A square is a product. */
esp_status esp_translate_pow(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    const esp_onnx_tensor *power = esp_onnx_constant(t->model, node, 1);
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status != ESP_OK) return status;
    bool square = power && power->count == 1 && ((power->real && power->real[0] == 2) ||
                                                 (power->whole && power->whole[0] == 2));
    if (!square) return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "only the power 2 is supported");
    int value = esp_translate_value(t, node, 0);
    esp_translate_output_like(t, node, esp_graph_combine(t->graph, ESP_LAYER_MUL, value, value), x);
    return esp_graph_status(t->graph);
}
