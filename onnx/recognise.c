/* Finds activations and LayerNormalization in what exporters write for them: the part of a model between two values is
 * computed on a few rows and compared with each layer. Nodes that became part of another are covered. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/evaluate_internal.h"

#define SAME 2e-6 /* the constants of exporters are rounded to float, 6e-8 */

/* ---- activations ---- */

static double apply(const esp_onnx_model *model, const esp_onnx_region *region, double x)
{
    double y;
    esp_onnx_region_run(model, region, &x, &y);
    return y;
}

static double act_of(const esp_onnx_meaning *m, double x)
{
    switch (m->act) {
    case ESP_ACT_NONE:       return x;
    case ESP_ACT_RELU:       return x > 0 ? x : 0;
    case ESP_ACT_TANH:       return tanh(x);
    case ESP_ACT_SIGMOID:    return 1 / (1 + exp(-x));
    case ESP_ACT_ELU:        return m->gain * (x > 0 ? x : m->alpha * expm1(x));
    case ESP_ACT_LEAKY_RELU: return x > 0 ? x : m->alpha * x;
    case ESP_ACT_GELU:       return 0.5 * x * (1 + erf(x * M_SQRT1_2));
    case ESP_ACT_GELU_TANH:  return 0.5 * x * (1 + tanh(sqrt(M_2_PI) * (x + 0.044715 * x * x * x)));
    case ESP_ACT_SILU:       return x / (1 + exp(-x));
    case ESP_ACT_SOFTPLUS:   return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    default:                 return fmin(m->beta, fmax(m->alpha, x));
    }
}

/* Where two functions are compared: uneven, so that no period fits; close to 0, where thresholds are; and far out,
 * where bounds are. */
enum { EVEN = 48, SPECIAL = 13, PROBES = EVEN + 2 * SPECIAL };

static double probe(int i)
{
    static const double special[SPECIAL] = {1e-4, 3e-3, 0.02, 0.06, 9, 14, 25, 60, 200, 1e3, 1e5, 1e9, 1e30};
    if (i < EVEN) return -6 + 12 * (i + 0.3) / EVEN;
    return i % 2 ? special[(i - EVEN) / 2] : -special[(i - EVEN) / 2];
}

/* Where exp overflows, in the file as well, an activation that is written with it has no value to compare. */
static bool has_overflowed(esp_act act, double x, double y)
{
    bool by_exp = act == ESP_ACT_SIGMOID || act == ESP_ACT_TANH || act == ESP_ACT_SILU || act == ESP_ACT_SOFTPLUS ||
                  act == ESP_ACT_ELU || act == ESP_ACT_GELU_TANH;
    return by_exp && fabs(x) > 80 && !isfinite(y);
}

static bool is_activation(const double *y, const esp_onnx_meaning *m)
{
    for (int i = 0; i < PROBES; i++) {
        double expected = act_of(m, probe(i));
        if (has_overflowed(m->act, probe(i), y[i])) continue;
        if (!(fabs(y[i] - expected) <= SAME * (1 + fabs(expected)))) return false;
    }
    return true;
}

/* A number in the file is a float: the same one comes out. */
static double as_float(double x)
{
    return x > (double)FLT_MAX ? INFINITY : x < -(double)FLT_MAX ? -INFINITY : (double)(float)x;
}

static bool find_activation(const esp_onnx_model *model, const esp_onnx_region *region, esp_onnx_meaning *out)
{
    static const esp_act acts[] = {ESP_ACT_NONE, ESP_ACT_RELU, ESP_ACT_TANH, ESP_ACT_SIGMOID, ESP_ACT_ELU,
                                   ESP_ACT_LEAKY_RELU, ESP_ACT_GELU, ESP_ACT_GELU_TANH, ESP_ACT_SILU,
                                   ESP_ACT_SOFTPLUS, ESP_ACT_CLIP};
    double y[PROBES], low = apply(model, region, -1e38), high = apply(model, region, 1e38);
    double left = apply(model, region, -1), right = apply(model, region, 1);
    for (int i = 0; i < PROBES; i++) y[i] = apply(model, region, probe(i));
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        esp_onnx_meaning m = {.kind = ESP_ONNX_MEANS_ACT, .act = acts[i], .gain = 1};
        if (acts[i] == ESP_ACT_ELU) {
            m.gain = as_float(right);
            m.alpha = right != 0 ? as_float(left / right / expm1(-1)) : 0;
        } else if (acts[i] == ESP_ACT_LEAKY_RELU) {
            m.alpha = as_float(-left);
        } else if (acts[i] == ESP_ACT_CLIP) {
            m.alpha = low <= -1e37 ? -(double)FLT_MAX : as_float(low);
            m.beta = high >= 1e37 ? (double)FLT_MAX : as_float(high);
            if (!(m.alpha < m.beta)) continue;
        }
        if (!is_activation(y, &m)) continue;
        if (acts[i] == ESP_ACT_CLIP && m.beta - m.alpha < 1 && /* may be between two probes */
            fabs(apply(model, region, (m.alpha + m.beta) / 2) - (m.alpha + m.beta) / 2) > SAME) continue;
        *out = m;
        return true;
    }
    return false;
}

/* ---- LayerNormalization ---- */

/* Row number `seed` with mean 0.5 and the given standard deviation. */
static void fill_row(int width, int seed, double deviation, double *x)
{
    double mean = 0, square = 0;
    for (int i = 0; i < width; i++) mean += x[i] = sin(12.9898 * (i + 1) + 78.233 * seed);
    mean /= width;
    for (int i = 0; i < width; i++) square += (x[i] - mean) * (x[i] - mean);
    double scale = deviation / sqrt(square / width);
    for (int i = 0; i < width; i++) x[i] = 0.5 + (x[i] - mean) * scale;
}

/* Gain, offset and epsilon that explain the region if it is a LayerNormalization: its offset is what it makes of a row
 * of zeros, its gain shows where epsilon is negligible, and then epsilon follows from any other row. */
static void solve(const esp_onnx_model *model, const esp_onnx_region *region, double *x, double *y,
                  esp_onnx_meaning *m)
{
    int width = region->width;
    double *gain = m->weight, *offset = m->bias, weight = 0;
    memset(x, 0, (size_t)width * sizeof *x);
    esp_onnx_region_run(model, region, x, offset);
    fill_row(width, 1, 1e5, x);
    esp_onnx_region_run(model, region, x, y);
    for (int i = 0; i < width; i++) gain[i] = (y[i] - offset[i]) / ((x[i] - 0.5) / 1e5);
    const double small = 1e-2;
    double sum = 0;
    fill_row(width, 2, small, x);
    esp_onnx_region_run(model, region, x, y);
    for (int i = 0; i < width; i++) {
        double wanted = gain[i] * (x[i] - 0.5), found = y[i] - offset[i];
        sum += wanted * wanted;
        weight += wanted * found;
    }
    double root = weight != 0 ? sum / weight : 0; /* sqrt(variance + epsilon) */
    m->eps = as_float(root * root - small * small);
}

static bool is_layernorm(const esp_onnx_model *model, const esp_onnx_region *region, double *x, double *y,
                         const esp_onnx_meaning *m)
{
    for (int seed = 3; seed < 7; seed++) {
        double deviation = pow(10, seed - 5);
        fill_row(region->width, seed, deviation, x);
        esp_onnx_region_run(model, region, x, y);
        for (int i = 0; i < region->width; i++) {
            double expected = m->weight[i] * (x[i] - 0.5) / sqrt(deviation * deviation + m->eps) + m->bias[i];
            if (!(fabs(y[i] - expected) <= 1e-5 * (1 + fabs(m->weight[i]) + fabs(m->bias[i])))) return false;
        }
    }
    return m->eps >= 0 && m->eps < 1;
}

/* A gain that is a float in the file comes out as that float, up to the last digit. */
static bool find_layernorm(esp_onnx_model *model, const esp_onnx_region *region, esp_onnx_meaning *out)
{
    size_t width = (size_t)region->width;
    double *x = esp_alloc(2 * width, sizeof *x), *y = x + width;
    *out = (esp_onnx_meaning){.kind = ESP_ONNX_MEANS_LAYERNORM, .width = region->width};
    out->weight = esp_onnx_keep(model, width, sizeof *out->weight);
    out->bias = esp_onnx_keep(model, width, sizeof *out->bias);
    solve(model, region, x, y, out);
    bool found = is_layernorm(model, region, x, y, out);
    free(x);
    return found;
}

/* ---- regions ---- */

/* Values that the region reads and that no node of it makes. */
typedef struct {
    int  count, value[ESP_ONNX_REGION];
    bool mean;  /* the region has a mean */
    bool reshapes; /* it has a node that does more than compute, so that only a mean may go through it */
    int  width; /* of the constant rows in it; 1: single numbers */
} border;

/* False when the constant is neither a number nor a row of the region's width. */
static bool admit_constant(border *b, const esp_onnx_tensor *constant)
{
    if (!constant->real && !constant->whole) return false;
    if (constant->count == 1) return true;
    if (constant->count > ESP_ONNX_WIDEST || constant->count == 0) return false;
    if (constant->dim[constant->rank - 1] != (int64_t)constant->count) return false;
    if (b->width > 1 && b->width != (int)constant->count) return false;
    b->width = (int)constant->count;
    return true;
}

/* Makes a node part of the region. */
static bool take_in(const esp_onnx_model *model, const esp_onnx_node *node, esp_onnx_region *region, border *b)
{
    esp_onnx_step *step = &region->step[region->count];
    if (region->count == ESP_ONNX_REGION || node->covered || !esp_onnx_step_make(model, node, step)) return false;
    region->count++;
    b->mean |= step->kind == ESP_ONNX_MEAN;
    b->reshapes |= step->reshapes;
    for (int k = 0; k < step->num_inputs; k++) {
        int value = node->input[k];
        if (model->value[value].constant) {
            if (!admit_constant(b, model->value[value].constant)) return false;
            continue;
        }
        bool known = false;
        for (int i = 0; i < b->count; i++) known |= b->value[i] == value;
        if (!known && b->count == ESP_ONNX_REGION) return false;
        if (!known) b->value[b->count++] = value;
    }
    return true;
}

/* Replaces the value that is made last by what its node reads. */
static bool widen(const esp_onnx_model *model, esp_onnx_region *region, border *b)
{
    int last = 0;
    for (int i = 1; i < b->count; i++)
        if (model->value[b->value[i]].producer > model->value[b->value[last]].producer) last = i;
    int producer = model->value[b->value[last]].producer;
    if (producer < 0) return false;
    b->value[last] = b->value[--b->count];
    return take_in(model, &model->node[producer], region, b);
}

/* Covers the nodes whose results nothing outside the region reads. */
static void cover(esp_onnx_model *model, const esp_onnx_region *region)
{
    for (int s = 1; s < region->count; s++) {
        int value = region->step[s].node->output[0], inside = 0;
        for (int t = 0; t < s; t++) {
            const esp_onnx_node *reader = region->step[t].node;
            for (int k = 0; k < reader->num_inputs; k++)
                inside += reader->input[k] == value && (t == 0 || reader->covered);
        }
        esp_onnx_node *node = &model->node[model->value[value].producer];
        node->covered = inside == model->value[value].readers;
    }
}

static esp_onnx_meaning *find_meaning(esp_onnx_model *model, const esp_onnx_node *node)
{
    esp_onnx_region region = {.count = 0};
    border b = {.width = 1};
    esp_onnx_meaning found;
    if (!take_in(model, node, &region, &b) || b.reshapes || b.mean) return NULL;
    do {
        if (b.count != 1) continue;
        region.root = b.value[0];
        region.width = b.mean && b.width == 1 ? 8 : b.width; /* without gain and offset any width shows the same */
        bool match = b.mean ? find_layernorm(model, &region, &found)
                            : b.width == 1 && !b.reshapes && find_activation(model, &region, &found);
        if (!match) continue;
        if (b.mean && b.width == 1) found.width = 0;
        cover(model, &region);
        esp_onnx_meaning *meaning = esp_onnx_keep(model, 1, sizeof *meaning);
        *meaning = found;
        meaning->root = region.root;
        return meaning;
    } while (widen(model, &region, &b));
    return NULL;
}

void esp_onnx_recognise(esp_onnx_model *model)
{
    for (int i = model->num_nodes - 1; i >= 0; i--) {
        esp_onnx_node *node = &model->node[i];
        if (!node->covered && node->num_outputs > 0 && node->output[0] >= 0) node->meaning = find_meaning(model, node);
    }
}
