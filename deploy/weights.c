/* The constants of generated code: weights in the order in which its loops read them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/deploy_internal.h"

/* ---- numbers as text ---- */

void esp_c_floats_write(FILE *out, size_t count, const float *values)
{
    char text[32];
    for (size_t i = 0; i < count; i++) {
        esp_format(text, sizeof text, "%.9g", (double)values[i]);
        bool whole = !strpbrk(text, ".e");
        fprintf(out, "%s%s%sf,%s", i % 8 ? " " : "    ", text, whole ? ".0" : "", i % 8 == 7 ? "\n" : "");
    }
    if (count % 8) fputc('\n', out);
}

void esp_c_bytes_write(FILE *out, size_t count, const uint8_t *values)
{
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%u,%s", i % 24 ? " " : "    ", values[i], i % 24 == 23 ? "\n" : "");
    if (count % 24) fputc('\n', out);
}

/* ---- orders ---- */

typedef struct {
    const esp_c_export *what;
    const esp_c_names  *names;
    FILE               *out;
    size_t              bytes;
} writer;

/* What is written is checked here: an array that is not finite has no meaning on a device. */
static esp_status write_array(writer *w, int layer, const char *suffix, const char *shape, size_t count,
                              const float *values)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return esp_fail(ESP_ERR_NUMERIC, "layer '%s': %s[%zu] is not a finite number, so it cannot be exported",
                            w->what->net->layer[layer].module, suffix, i);
    fprintf(w->out, "/* %s: %s */\nstatic const float %s_%s[%zu] = {\n", w->what->net->layer[layer].module, shape,
            w->names->layer[layer], suffix, count);
    esp_c_floats_write(w->out, count, values);
    fputs("};\n\n", w->out);
    w->bytes += count * sizeof *values;
    return ESP_OK;
}

static esp_status write_vector(writer *w, int layer, int tensor, const char *suffix)
{
    char shape[64];
    const esp_network *net = w->what->net;
    if (tensor < 0 || net->tensor[tensor].layer != layer) return ESP_OK; /* shared arrays are written once */
    size_t count = net->tensor[tensor].count;
    snprintf(shape, sizeof shape, "[%zu]", count);
    return write_array(w, layer, suffix, shape, count, esp_network_weights(net, tensor));
}

/* The image whose flattening a dense layer takes over, because the plan skipped it; NULL: none. */
static const esp_layer *flattened(const writer *w, const esp_c_plan *plan, const esp_layer *layer)
{
    int input = layer->input[0], first = w->what->net->component[layer->component].first_layer;
    if (input == ESP_INPUT || !plan->skipped[input - first]) return NULL;
    const esp_layer *before = &w->what->net->layer[input];
    return before->kind == ESP_LAYER_FLATTEN ? before : NULL;
}

/* Column of a dense layer's weights for value i of its input: of [channel, row, column] for [row, column, channel]. */
static int column_of(const esp_layer *image, int i)
{
    if (!image) return i;
    int pixels = image->in_rows * image->in_cols, channels = image->in_size / pixels;
    return i % channels * pixels + i / channels;
}

static esp_status write_dense(writer *w, const esp_c_plan *plan, int index)
{
    char shape[64];
    const esp_layer *layer = &w->what->net->layer[index];
    const esp_layer *image = flattened(w, plan, layer);
    const float *weights = esp_network_weights(w->what->net, layer->weight);
    int inputs = layer->in_size, outputs = layer->out_size;
    size_t count = (size_t)inputs * (size_t)outputs;
    if (w->what->net->tensor[layer->weight].layer != index) return ESP_OK;
    float *ordered = esp_alloc(count, sizeof *ordered);
    for (int i = 0; i < inputs; i++)
        for (int o = 0; o < outputs; o++)
            ordered[(size_t)i * outputs + o] = weights[(size_t)o * inputs + column_of(image, i)];
    snprintf(shape, sizeof shape, "[%d inputs][%d outputs]", inputs, outputs);
    esp_status status = write_array(w, index, "weight", shape, count, ordered);
    free(ordered);
    return status;
}

static esp_status write_conv(writer *w, int index)
{
    char shape[96];
    const esp_layer *layer = &w->what->net->layer[index];
    const esp_tensor *tensor = &w->what->net->tensor[layer->weight];
    const float *weights = esp_network_weights(w->what->net, layer->weight);
    int kernels = tensor->shape[0], channels = tensor->shape[1], taps = tensor->shape[2] * tensor->shape[3];
    if (tensor->layer != index) return ESP_OK;
    float *ordered = esp_alloc(tensor->count, sizeof *ordered), *at = ordered;
    for (int t = 0; t < taps; t++)
        for (int c = 0; c < channels; c++)
            for (int k = 0; k < kernels; k++) *at++ = weights[((size_t)k * channels + c) * taps + t];
    snprintf(shape, sizeof shape, "[%d rows][%d columns][%d channels][%d kernels]", tensor->shape[2],
             tensor->shape[3], channels, kernels);
    esp_status status = write_array(w, index, "weight", shape, tensor->count, ordered);
    free(ordered);
    return status;
}

/* With running statistics BatchNorm is a factor and a shift per unit. */
static esp_status write_batchnorm(writer *w, int index)
{
    const esp_network *net = w->what->net;
    const esp_layer *layer = &net->layer[index];
    const float *gain = esp_network_weights(net, layer->weight), *offset = esp_network_weights(net, layer->bias);
    const float *mean = esp_network_weights(net, layer->mean), *var = esp_network_weights(net, layer->var);
    size_t count = net->tensor[layer->weight].count;
    char shape[64];
    if (net->tensor[layer->weight].layer != index) return ESP_OK;
    float *factor = esp_alloc(count, sizeof *factor), *shift = esp_alloc(count, sizeof *shift);
    for (size_t i = 0; i < count; i++) {
        double scale = (double)gain[i] / sqrt((double)var[i] + (double)layer->eps);
        factor[i] = (float)scale;
        shift[i] = (float)((double)offset[i] - (double)mean[i] * scale);
    }
    snprintf(shape, sizeof shape, "BatchNorm [%zu]", count);
    esp_status status = write_array(w, index, "factor", shape, count, factor);
    if (status == ESP_OK) status = write_array(w, index, "shift", shape, count, shift);
    free(factor);
    free(shift);
    return status;
}

static esp_status write_layer(writer *w, const esp_c_plan *plan, int index)
{
    const esp_layer *layer = &w->what->net->layer[index];
    esp_status status = ESP_OK;
    switch (layer->kind) {
    case ESP_LAYER_DENSE: status = write_dense(w, plan, index); break;
    case ESP_LAYER_CONV2D: status = write_conv(w, index); break;
    case ESP_LAYER_BATCHNORM: return write_batchnorm(w, index);
    case ESP_LAYER_LAYERNORM: status = write_vector(w, index, layer->weight, "gain"); break;
    case ESP_LAYER_SCALE: status = write_vector(w, index, layer->weight, "factor"); break;
    default: break;
    }
    bool shift = layer->kind == ESP_LAYER_SCALE;
    return status == ESP_OK ? write_vector(w, index, layer->bias, shift ? "shift" : "bias") : status;
}

esp_status esp_c_weights_write(const esp_c_export *what, const esp_c_names *names, int count, const int *components,
                               const esp_c_plan *plans, FILE *out, size_t *bytes)
{
    writer w = {what, names, out, 0};
    esp_status status = ESP_OK;
    for (int c = 0; c < count && status == ESP_OK; c++) {
        const esp_component *component = &what->net->component[components[c]];
        for (int i = 0; i < component->num_layers && status == ESP_OK; i++)
            status = write_layer(&w, &plans[c], component->first_layer + i);
    }
    *bytes = w.bytes;
    return status;
}
