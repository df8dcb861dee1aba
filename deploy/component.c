/* A component as a C function: one call of a helper function per layer, in order. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/deploy_internal.h"

typedef struct {
    const esp_network *net;
    const esp_c_names *names;
    const esp_c_plan  *plan;
    const esp_component *component;
    FILE              *out;
    esp_c_helpers     *used;
    bool               rows; /* several samples at once */
} writer;

/* ---- expressions ---- */

/* The value that layer i of the component writes. */
static const char *value_name(const writer *w, int i, char text[16])
{
    int v = w->plan->value[i];
    if (v == w->plan->output) return "y";
    snprintf(text, 16, "v%d", v + 1);
    return text;
}

static const char *input_name(const writer *w, const esp_layer *layer, int k, char text[16])
{
    int input = layer->input[k];
    return input == ESP_INPUT ? "x" : value_name(w, input - w->component->first_layer, text);
}

/* "encoder_1_bias", or "NULL" for a layer without. */
static const char *tensor_name(const writer *w, int tensor, const char *suffix, char text[ESP_C_NAME + 16])
{
    if (tensor < 0) return "NULL";
    snprintf(text, ESP_C_NAME + 16, "%s_%s", w->names->layer[w->net->tensor[tensor].layer], suffix);
    return text;
}

static void use(const writer *w, const char *helper)
{
    esp_c_helper_use(w->used, helper);
}

static int pixels_in(const esp_layer *layer)
{
    return layer->in_rows ? layer->in_rows * layer->in_cols : 1;
}

static int pixels_out(const esp_layer *layer)
{
    return layer->out_rows ? layer->out_rows * layer->out_cols : 1;
}

/* ---- activations ---- */

void esp_c_activation_write(FILE *out, esp_act act, float alpha, float beta, const char *count, const char *values,
                            esp_c_helpers *used)
{
    static const char *const helper[] = {
        [ESP_ACT_RELU] = "relu", [ESP_ACT_ELU] = "elu", [ESP_ACT_TANH] = "hyperbolic", [ESP_ACT_SIGMOID] = "sigmoid",
        [ESP_ACT_LEAKY_RELU] = "leaky_relu", [ESP_ACT_GELU] = "gelu", [ESP_ACT_GELU_TANH] = "gelu_tanh",
        [ESP_ACT_SILU] = "silu", [ESP_ACT_SOFTPLUS] = "softplus", [ESP_ACT_CLIP] = "clip"};
    char parameters[96] = "", text[32];
    if (act == ESP_ACT_NONE) return;
    bool takes_alpha = act == ESP_ACT_ELU || act == ESP_ACT_LEAKY_RELU || act == ESP_ACT_CLIP;
    for (int i = 0; i < (act == ESP_ACT_CLIP ? 2 : takes_alpha ? 1 : 0); i++) {
        esp_format(text, sizeof text, "%.9g", (double)(i ? beta : alpha));
        strcat(strcat(parameters, text), strpbrk(text, ".e") ? "f, " : ".0f, ");
    }
    esp_c_helper_use(used, helper[act]);
    fprintf(out, "    %s(%s, %s%s);\n", helper[act], count, parameters, values);
}

static void write_activation(const writer *w, const esp_layer *layer, const char *y)
{
    char count[24];
    bool alone = layer->kind == ESP_LAYER_ACT;
    snprintf(count, sizeof count, "%s%d", w->rows ? "rows * " : "", layer->out_size);
    esp_c_activation_write(w->out, layer->act, alone ? layer->alpha : 1.0f, layer->beta, count, y, w->used);
}

/* ---- layers ---- */

static void write_dense(const writer *w, const esp_layer *layer, const char *x, const char *y)
{
    char weight[ESP_C_NAME + 16], bias[ESP_C_NAME + 16];
    use(w, w->rows ? "dense_rows" : "dense");
    fprintf(w->out, "    dense%s%d, %d, %s, %s, %s, %s);\n", w->rows ? "_rows(rows, " : "(", layer->in_size,
            layer->out_size, x,
            tensor_name(w, layer->weight, "weight", weight), tensor_name(w, layer->bias, "bias", bias), y);
}

/* The sizes as a constant in front of the function. */
static void write_window(const writer *w, int index)
{
    const esp_layer *layer = &w->net->layer[index];
    int channels = layer->in_size / pixels_in(layer), kernels = layer->out_size / pixels_out(layer);
    fprintf(w->out,
            "static const window %s_window = {\n"
            "    %d, %d, %d, /* reads: rows, columns, channels */\n"
            "    %d, %d, %d, /* writes */\n"
            "    %d, %d,     /* window: rows, columns */\n"
            "    %d, %d,     /* stride */\n"
            "    %d, %d,     /* dilation */\n"
            "    %d, %d      /* padding: top, left */\n"
            "};\n",
            w->names->layer[index], layer->in_rows, layer->in_cols, channels, layer->out_rows, layer->out_cols,
            kernels, layer->kernel, layer->kernel_cols, layer->stride, layer->stride_cols,
            layer->dilation ? layer->dilation : 1, layer->dilation_cols ? layer->dilation_cols : 1, layer->top,
            layer->left);
}

static void write_conv(const writer *w, int index, const char *x, const char *y)
{
    const esp_layer *layer = &w->net->layer[index];
    char weight[ESP_C_NAME + 16], bias[ESP_C_NAME + 16];
    tensor_name(w, layer->weight, "weight", weight);
    const char *shift = tensor_name(w, layer->bias, "bias", bias);
    use(w, layer->per_group ? "grouped" : "convolution");
    if (layer->per_group)
        fprintf(w->out, "    grouped_convolution(&%s_window, %d, %s, %s, %s, %s);\n", w->names->layer[index],
                layer->per_group, x, weight, shift, y);
    else
        fprintf(w->out, "    convolution(&%s_window, %s, %s, %s, %s);\n", w->names->layer[index], x, weight, shift, y);
}

static void write_pool(const writer *w, int index, const char *x, const char *y)
{
    const esp_layer *layer = &w->net->layer[index];
    bool largest = layer->kind == ESP_LAYER_MAXPOOL;
    use(w, largest ? "max_pool" : "average_pool");
    fprintf(w->out, "    %s(&%s_window, %s%s, %s);\n", largest ? "max_pool" : "average_pool", w->names->layer[index],
            largest ? "" : layer->counts_padding ? "1, " : "0, ", x, y);
}

/* Layers that work in place, on a copy when their input is still needed. */
static void write_in_place(const writer *w, int index, const char *x, const char *y)
{
    const esp_layer *layer = &w->net->layer[index];
    char first[ESP_C_NAME + 16], second[ESP_C_NAME + 16];
    if (strcmp(x, y) != 0)
        fprintf(w->out, "    memcpy(%s, %s, %s%d * sizeof *%s);\n", y, x, w->rows ? "(size_t)rows * " : "",
                layer->out_size, y);
    if (layer->kind == ESP_LAYER_LAYERNORM) {
        char eps[32];
        esp_format(eps, sizeof eps, "%.9g", (double)layer->eps);
        use(w, "layer_norm");
        tensor_name(w, layer->weight, "gain", first);
        tensor_name(w, layer->bias, "bias", second);
        if (w->rows) fputs("    for (int r = 0; r < rows; r++)\n    ", w->out);
        fprintf(w->out, "    layer_norm(%d, %sf, %s, %s, %s", layer->out_size, eps, first, second, y);
        if (w->rows) fprintf(w->out, " + r * %d", layer->out_size);
        fputs(");\n", w->out);
    } else if (layer->kind == ESP_LAYER_BATCHNORM || layer->kind == ESP_LAYER_SCALE) {
        int tensor = layer->weight >= 0 ? layer->weight : layer->bias, width = (int)w->net->tensor[tensor].count;
        bool batch = layer->kind == ESP_LAYER_BATCHNORM;
        use(w, "scale");
        fprintf(w->out, "    scale_rows(%d, %d, %s, %s, %s);\n", layer->out_size / width, width,
                tensor_name(w, layer->weight, "factor", first),
                tensor_name(w, batch ? layer->weight : layer->bias, "shift", second), y);
    }
}

static void write_combine(const writer *w, const esp_layer *layer, const char *x, const char *y)
{
    char text[16];
    const char *other = input_name(w, layer, 1, text);
    const char *name = layer->kind == ESP_LAYER_ADD ? "add"
                       : layer->kind == ESP_LAYER_SUB ? "subtract"
                       : layer->kind == ESP_LAYER_MUL ? "multiply" : "divide";
    if (strcmp(x, y) != 0) fprintf(w->out, "    memcpy(%s, %s, %d * sizeof *%s);\n", y, x, layer->out_size, y);
    use(w, name);
    fprintf(w->out, "    %s(%d, %s, %s);\n", name, layer->out_size, other, y);
}

static void write_concat(const writer *w, const esp_layer *layer, const char *y)
{
    char text[16];
    int pixels = pixels_in(layer), total = layer->out_size / pixels, at = 0;
    use(w, "columns");
    for (int k = 0; k < layer->num_inputs; k++) {
        int width = esp_layer_input_size(w->net, layer, k) / pixels;
        fprintf(w->out, "    copy_columns(%d, %d, %s, %d, %s + %d, %d);\n", pixels, width,
                input_name(w, layer, k, text), width, y, at, total);
        at += width;
    }
}

static void write_slice(const writer *w, const esp_layer *layer, const char *x, const char *y)
{
    esp_dim before = layer->in;
    before.num = layer->skip_parts;
    int pixels = pixels_in(layer), width = layer->out_size / pixels;
    use(w, "columns");
    fprintf(w->out, "    copy_columns(%d, %d, %s + %d, %d, %s, %d);\n", pixels, width, x,
            esp_dim_size(w->net, &before) + layer->skip_values, layer->in_size / pixels, y, width);
}

static void write_transpose(const writer *w, const esp_layer *layer, const char *x, const char *y)
{
    bool flatten = layer->kind == ESP_LAYER_FLATTEN;
    int pixels = flatten ? pixels_in(layer) : pixels_out(layer), channels = layer->in_size / pixels;
    use(w, "transpose");
    fprintf(w->out, "    transpose(%d, %d, %s, %s);\n", flatten ? pixels : channels, flatten ? channels : pixels, x, y);
}

static void write_step(const writer *w, int index, const char *x, const char *y)
{
    const esp_layer *layer = &w->net->layer[index];
    switch (layer->kind) {
    case ESP_LAYER_IMAGE:
        use(w, "image");
        fprintf(w->out, "    read_image(%d, %d, %s, %s);\n", layer->in_size / pixels_in(layer), pixels_in(layer), x, y);
        break;
    case ESP_LAYER_CONV2D: write_conv(w, index, x, y); break;
    case ESP_LAYER_FLATTEN:
    case ESP_LAYER_UNFLATTEN: write_transpose(w, layer, x, y); break;
    case ESP_LAYER_DENSE: write_dense(w, layer, x, y); break;
    case ESP_LAYER_LAYERNORM:
    case ESP_LAYER_BATCHNORM:
    case ESP_LAYER_ACT:
    case ESP_LAYER_SCALE: write_in_place(w, index, x, y); break;
    case ESP_LAYER_ADD:
    case ESP_LAYER_SUB:
    case ESP_LAYER_MUL:
    case ESP_LAYER_DIV: write_combine(w, layer, x, y); break;
    case ESP_LAYER_CONCAT: write_concat(w, layer, y); break;
    case ESP_LAYER_SLICE: write_slice(w, layer, x, y); break;
    case ESP_LAYER_MAXPOOL:
    case ESP_LAYER_AVGPOOL: write_pool(w, index, x, y); break;
    }
    write_activation(w, layer, y);
}

/* "encoder.1: convolution, 28 x 28 x 9 -> 11 x 11 x 32" */
static void write_comment(const writer *w, int index)
{
    static const char *const kinds[] = {
        [ESP_LAYER_IMAGE] = "bytes to numbers from 0 to 1", [ESP_LAYER_CONV2D] = "convolution",
        [ESP_LAYER_FLATTEN] = "flatten", [ESP_LAYER_DENSE] = "dense", [ESP_LAYER_LAYERNORM] = "LayerNorm",
        [ESP_LAYER_BATCHNORM] = "BatchNorm", [ESP_LAYER_UNFLATTEN] = "row to image", [ESP_LAYER_ACT] = "activation",
        [ESP_LAYER_SCALE] = "factor and shift", [ESP_LAYER_ADD] = "sum", [ESP_LAYER_SUB] = "difference",
        [ESP_LAYER_MUL] = "product", [ESP_LAYER_DIV] = "quotient", [ESP_LAYER_CONCAT] = "joined",
        [ESP_LAYER_SLICE] = "a part", [ESP_LAYER_MAXPOOL] = "largest of a window",
        [ESP_LAYER_AVGPOOL] = "mean of a window"};
    const esp_layer *layer = &w->net->layer[index];
    fprintf(w->out, "\n    /* ");
    if (*layer->module) fprintf(w->out, "%s: ", layer->module);
    fprintf(w->out, "%s, ", kinds[layer->kind]);
    if (layer->in_rows) fprintf(w->out, "%d x %d x ", layer->in_rows, layer->in_cols);
    fprintf(w->out, "%d -> ", layer->in_size / pixels_in(layer));
    if (layer->out_rows) fprintf(w->out, "%d x %d x ", layer->out_rows, layer->out_cols);
    fprintf(w->out, "%d */\n", layer->out_size / pixels_out(layer));
}

/* ---- the function ---- */

static bool has_window(const esp_layer *layer)
{
    return layer->kind == ESP_LAYER_CONV2D || layer->kind == ESP_LAYER_MAXPOOL || layer->kind == ESP_LAYER_AVGPOOL;
}

static void write_head(const writer *w, int component)
{
    const esp_component *c = w->component;
    const char *type = esp_component_reads_bytes(w->net, component) ? "uint8_t" : "float";
    for (int i = 0; i < c->num_layers; i++)
        if (has_window(&w->net->layer[c->first_layer + i])) write_window(w, c->first_layer + i);
    char macs[ESP_NUMBER_TEXT];
    esp_text_count(esp_component_macs(w->net, component), macs);
    fprintf(w->out, "/* %s: x [%d] -> y [%d], %s multiply-adds. work: %zu floats. */\n",
            esp_component_name(w->net, component), c->in_size, c->out_size, macs, w->plan->floats);
    fprintf(w->out, "static void run_%s(float *work, %sconst %s *x, float *y)\n{\n", w->names->component[component],
            w->rows ? "int rows, " : "", type);
    for (int v = 0; v < w->plan->num_values; v++)
        if (v != w->plan->output)
            fprintf(w->out, "    float *const v%d = work + %s%zu; /* [%s%zu] */\n", v + 1, w->rows ? "BATCH * " : "",
                    w->plan->offset[v], w->rows ? "rows][" : "", w->plan->size[v]);
    if (w->plan->floats == 0) fputs("    (void)work;\n", w->out);
}

void esp_c_component_write(const esp_c_export *what, const esp_c_names *names, const esp_c_plan *plan, int component,
                           bool rows, FILE *out, esp_c_helpers *used)
{
    writer w = {what->net, names, plan, &what->net->component[component], out, used, rows};
    char x[16], y[16];
    write_head(&w, component);
    for (int i = 0; i < w.component->num_layers; i++) {
        int index = w.component->first_layer + i;
        write_comment(&w, index);
        if (plan->skipped[i]) fputs("    /* nothing to do: what reads it knows the order */\n", out);
        else write_step(&w, index, input_name(&w, &w.net->layer[index], 0, x), value_name(&w, i, y));
    }
    fputs("}\n\n", out);
}
