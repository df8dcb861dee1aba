/* Computes small parts of a model on one row, in double: nodes that work element by element, and means over the row.
 * Recognition compares what they compute with what layers compute, so it need not know how each exporter writes an
 * activation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/evaluate_internal.h"

/* ---- functions of one element; p: parameters ---- */

static double f_same(double x, const double *p) { (void)p; return x; }
static double f_neg(double x, const double *p) { (void)p; return -x; }
static double f_abs(double x, const double *p) { (void)p; return fabs(x); }
static double f_sqrt(double x, const double *p) { (void)p; return sqrt(x); }
static double f_exp(double x, const double *p) { (void)p; return exp(x); }
static double f_log(double x, const double *p) { (void)p; return log(x); }
static double f_erf(double x, const double *p) { (void)p; return erf(x); }
static double f_tanh(double x, const double *p) { (void)p; return tanh(x); }
static double f_sigmoid(double x, const double *p) { (void)p; return 1 / (1 + exp(-x)); }
static double f_softplus(double x, const double *p) { (void)p; return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double f_relu(double x, const double *p) { (void)p; return x > 0 ? x : 0; }
static double f_leaky(double x, const double *p) { return x > 0 ? x : p[0] * x; }
static double f_elu(double x, const double *p) { return x > 0 ? x : p[0] * expm1(x); }
static double f_selu(double x, const double *p) { return p[1] * f_elu(x, p); }
static double f_celu(double x, const double *p) { return x > 0 ? x : p[0] * expm1(x / p[0]); }
static double f_reciprocal(double x, const double *p) { (void)p; return 1 / x; }
static double f_hard_sigmoid(double x, const double *p) { return fmin(1, fmax(0, p[0] * x + p[1])); }
static double f_hard_swish(double x, const double *p) { (void)p; return x * fmin(1, fmax(0, x / 6 + 0.5)); }
static double f_gelu(double x, const double *p) { (void)p; return 0.5 * x * (1 + erf(x * M_SQRT1_2)); }
static double f_not(double x, const double *p) { (void)p; return x == 0; }

static double f_gelu_tanh(double x, const double *p)
{
    (void)p;
    return 0.5 * x * (1 + tanh(sqrt(M_2_PI) * (x + 0.044715 * x * x * x)));
}

/* ---- functions of two elements ---- */

static double f_add(double a, double b) { return a + b; }
static double f_sub(double a, double b) { return a - b; }
static double f_mul(double a, double b) { return a * b; }
static double f_div(double a, double b) { return a / b; }
static double f_min(double a, double b) { return fmin(a, b); }
static double f_max(double a, double b) { return fmax(a, b); }
static double f_greater(double a, double b) { return a > b; }
static double f_greater_equal(double a, double b) { return a >= b; }
static double f_less(double a, double b) { return a < b; }
static double f_less_equal(double a, double b) { return a <= b; }
static double f_equal(double a, double b) { return a == b; }

static const struct {
    const char *op;
    double    (*one)(double x, const double *p);
    const char *name[2];      /* attributes p[0], p[1] */
    float       otherwise[2]; /* their values when absent */
} unary[] = {
    {"Identity", f_same, {0}, {0}},    {"Dropout", f_same, {0}, {0}},   {"Cast", f_same, {0}, {0}},
    {"Expand", f_same, {0}, {0}},      {"Unsqueeze", f_same, {0}, {0}}, {"Neg", f_neg, {0}, {0}},
    {"Abs", f_abs, {0}, {0}},          {"Sqrt", f_sqrt, {0}, {0}},      {"Exp", f_exp, {0}, {0}},
    {"Log", f_log, {0}, {0}},          {"Erf", f_erf, {0}, {0}},        {"Tanh", f_tanh, {0}, {0}},
    {"Sigmoid", f_sigmoid, {0}, {0}},  {"Softplus", f_softplus, {0}, {0}}, {"Relu", f_relu, {0}, {0}},
    {"LeakyRelu", f_leaky, {"alpha"}, {0.01f}}, {"Elu", f_elu, {"alpha"}, {1}}, {"Celu", f_celu, {"alpha"}, {1}},
    {"Selu", f_selu, {"alpha", "gamma"}, {1.67326319f, 1.05070102f}}, {"Reciprocal", f_reciprocal, {0}, {0}},
    {"HardSigmoid", f_hard_sigmoid, {"alpha", "beta"}, {0.2f, 0.5f}}, {"HardSwish", f_hard_swish, {0}, {0}},
    {"Not", f_not, {0}, {0}},
};

static const struct {
    const char *op;
    double    (*two)(double a, double b);
} binary[] = {
    {"Add", f_add}, {"Sub", f_sub}, {"Mul", f_mul}, {"Div", f_div}, {"Pow", pow}, {"Min", f_min}, {"Max", f_max},
    {"Greater", f_greater}, {"GreaterOrEqual", f_greater_equal}, {"Less", f_less}, {"LessOrEqual", f_less_equal},
    {"Equal", f_equal},
};

/* ---- preparing ---- */

static bool choose_clip(const esp_onnx_model *model, const esp_onnx_node *node, esp_onnx_step *out)
{
    float low, high;
    if (esp_onnx_real(model, node, "min", -INFINITY, &low) != ESP_OK ||
        esp_onnx_real(model, node, "max", INFINITY, &high) != ESP_OK) return false;
    out->p[0] = (double)low;
    out->p[1] = (double)high;
    for (int k = 1; k < node->num_inputs && k < 3; k++) {
        const esp_onnx_tensor *bound = esp_onnx_constant(model, node, k);
        if (node->input[k] < 0) continue;
        if (!bound || !bound->real || bound->count != 1) return false;
        out->p[k - 1] = (double)bound->real[0];
    }
    out->kind = ESP_ONNX_CLIP;
    out->num_inputs = 1;
    return true;
}

/* The mean over the last dimension, or over one given from the back. */
static bool choose_mean(const esp_onnx_model *model, const esp_onnx_node *node, esp_onnx_step *out)
{
    int count;
    const int64_t *axes;
    if (esp_onnx_list(model, node, "axes", 1, &count, &axes) != ESP_OK || count != 1) return false;
    const esp_onnx_value *in = &model->value[node->input[0]];
    out->kind = ESP_ONNX_MEAN;
    out->num_inputs = 1;
    return axes[0] == -1 || (in->shaped && axes[0] == in->rank - 1) || (!in->shaped && axes[0] == 1);
}

static bool choose_unary(const esp_onnx_model *model, const esp_onnx_node *node, esp_onnx_step *out)
{
    for (size_t i = 0; i < sizeof unary / sizeof *unary; i++) {
        if (strcmp(unary[i].op, node->op) != 0) continue;
        out->kind = ESP_ONNX_ONE;
        out->num_inputs = 1;
        out->one = unary[i].one;
        for (int k = 0; k < 2; k++) {
            float value = unary[i].otherwise[k];
            if (unary[i].name[k] && esp_onnx_real(model, node, unary[i].name[k], value, &value) != ESP_OK) return false;
            out->p[k] = (double)value;
        }
        return true;
    }
    return false;
}

static bool choose_gelu(const esp_onnx_model *model, const esp_onnx_node *node, esp_onnx_step *out)
{
    char approximate[8];
    if (esp_onnx_text(model, node, "approximate", approximate, sizeof approximate) != ESP_OK) return false;
    out->kind = ESP_ONNX_ONE;
    out->num_inputs = 1;
    out->one = strcmp(approximate, "tanh") == 0 ? f_gelu_tanh : f_gelu;
    return true;
}

/* A cast between the types that are computed in float here. */
static bool keeps_values(const esp_onnx_model *model, const esp_onnx_node *node)
{
    int64_t to = 0;
    return esp_onnx_int(model, node, "to", 0, &to) == ESP_OK &&
           (to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT || to == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE);
}

bool esp_onnx_step_make(const esp_onnx_model *model, const esp_onnx_node *node, esp_onnx_step *out)
{
    *out = (esp_onnx_step){.node = node};
    if (node->num_inputs < 1 || node->input[0] < 0 || node->num_outputs < 1 || node->output[0] < 0) return false;
    out->reshapes = strcmp(node->op, "Expand") == 0 || strcmp(node->op, "Unsqueeze") == 0;
    if (strcmp(node->op, "Cast") == 0 && !keeps_values(model, node)) return false;
    if (strcmp(node->op, "Dropout") == 0 && node->num_inputs > 2) return false; /* it may be in training mode */
    if (strcmp(node->op, "Clip") == 0) return choose_clip(model, node, out);
    if (strcmp(node->op, "Gelu") == 0) return choose_gelu(model, node, out);
    if (strcmp(node->op, "ReduceMean") == 0) return choose_mean(model, node, out);
    if (strcmp(node->op, "Where") == 0) {
        out->kind = ESP_ONNX_WHERE;
        out->num_inputs = 3;
        return node->num_inputs == 3 && node->input[1] >= 0 && node->input[2] >= 0;
    }
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++) {
        if (strcmp(binary[i].op, node->op) != 0) continue;
        out->kind = ESP_ONNX_TWO;
        out->num_inputs = 2;
        out->two = binary[i].two;
        return node->num_inputs == 2 && node->input[1] >= 0;
    }
    return choose_unary(model, node, out);
}

/* ---- computing ---- */

/* A row: one element for all, or `width` elements. */
typedef struct {
    double *value;
    int     width;
} row;

static double at(const row *r, int i)
{
    return r->value[r->width == 1 ? 0 : i];
}

static void run_step(const esp_onnx_step *step, const row *in, row *out)
{
    out->width = 1;
    for (int k = 0; k < step->num_inputs; k++) out->width = in[k].width > out->width ? in[k].width : out->width;
    if (step->kind == ESP_ONNX_MEAN) {
        double sum = 0;
        for (int i = 0; i < out->width; i++) sum += at(in, i);
        out->value[0] = sum / out->width;
        out->width = 1;
        return;
    }
    for (int i = 0; i < out->width; i++) {
        switch (step->kind) {
        case ESP_ONNX_ONE:   out->value[i] = step->one(at(&in[0], i), step->p); break;
        case ESP_ONNX_TWO:   out->value[i] = step->two(at(&in[0], i), at(&in[1], i)); break;
        case ESP_ONNX_WHERE: out->value[i] = at(&in[0], i) != 0 ? at(&in[1], i) : at(&in[2], i); break;
        default:             out->value[i] = fmin(step->p[1], fmax(step->p[0], at(&in[0], i)));
        }
    }
}

static void fill_constant(const esp_onnx_tensor *constant, row *out)
{
    out->width = (int)constant->count;
    for (size_t i = 0; i < constant->count; i++)
        out->value[i] = constant->real ? (double)constant->real[i] : (double)constant->whole[i];
}

void esp_onnx_region_run(const esp_onnx_model *model, const esp_onnx_region *region, const double *x, double *y)
{
    size_t width = (size_t)region->width;
    double *memory = esp_alloc(width * (size_t)(region->count + 3), sizeof *memory), *spare = memory;
    row result[ESP_ONNX_REGION];
    for (int s = 0; s < region->count; s++) result[s].value = spare + width * (size_t)(s + 3);
    for (int s = region->count - 1; s >= 0; s--) { /* found from the last to the first */
        const esp_onnx_step *step = &region->step[s];
        row in[3];
        for (int k = 0; k < step->num_inputs; k++) {
            int value = step->node->input[k];
            in[k].value = spare + width * (size_t)k;
            if (model->value[value].constant) {
                fill_constant(model->value[value].constant, &in[k]);
            } else if (value == region->root) {
                in[k] = (row){(double *)x, region->width};
            } else {
                for (int t = s + 1; t < region->count; t++)
                    if (region->step[t].node->output[0] == value) in[k] = result[t];
            }
        }
        run_step(step, in, &result[s]);
    }
    for (int i = 0; i < region->width; i++) y[i] = at(&result[0], i);
    free(memory);
}
