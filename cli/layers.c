/* What a network computes: every layer, what it reads, its size. */
#include <stdio.h>
#include <string.h>

#include "cli/layers.h"

static const char *const kinds[] = {
    [ESP_LAYER_IMAGE] = "image", [ESP_LAYER_CONV2D] = "conv", [ESP_LAYER_FLATTEN] = "flatten",
    [ESP_LAYER_DENSE] = "dense", [ESP_LAYER_LAYERNORM] = "layernorm", [ESP_LAYER_BATCHNORM] = "batchnorm",
    [ESP_LAYER_UNFLATTEN] = "unflatten", [ESP_LAYER_ACT] = "activation", [ESP_LAYER_SCALE] = "scale",
    [ESP_LAYER_ADD] = "add", [ESP_LAYER_SUB] = "sub", [ESP_LAYER_MUL] = "mul", [ESP_LAYER_DIV] = "div",
    [ESP_LAYER_CONCAT] = "concat", [ESP_LAYER_SLICE] = "slice", [ESP_LAYER_MAXPOOL] = "maxpool",
    [ESP_LAYER_AVGPOOL] = "avgpool"};

static const char *const acts[] = {
    [ESP_ACT_NONE] = "", [ESP_ACT_RELU] = "relu", [ESP_ACT_ELU] = "elu", [ESP_ACT_TANH] = "tanh",
    [ESP_ACT_SIGMOID] = "sigmoid", [ESP_ACT_LEAKY_RELU] = "leaky relu", [ESP_ACT_GELU] = "gelu",
    [ESP_ACT_GELU_TANH] = "gelu (tanh)", [ESP_ACT_SILU] = "silu", [ESP_ACT_SOFTPLUS] = "softplus",
    [ESP_ACT_CLIP] = "clip"};

/* "dense, relu" */
static void describe(const esp_layer *layer, char *out, size_t size)
{
    const char *act = acts[layer->act];
    if (layer->kind == ESP_LAYER_ACT) snprintf(out, size, "%s", act);
    else snprintf(out, size, "%s%s%s", kinds[layer->kind], *act ? ", " : "", act);
}

/* "512" or "32 x 7 x 7" */
static void output_of(const esp_layer *layer, char *out, size_t size)
{
    int pixels = layer->out_rows * layer->out_cols;
    if (pixels == 0) snprintf(out, size, "%d", layer->out_size);
    else snprintf(out, size, "%d x %d x %d", layer->out_size / pixels, layer->out_rows, layer->out_cols);
}

/* Numbers of the layers that are read, from 1; "input" for the component's row. */
static void inputs_of(const esp_network *net, const esp_layer *layer, char *out, size_t size)
{
    int first = net->component[layer->component].first_layer;
    *out = 0;
    for (int k = 0; k < layer->num_inputs; k++) {
        size_t used = strlen(out);
        if (layer->input[k] == ESP_INPUT) snprintf(out + used, size - used, "%sinput", k ? ", " : "");
        else snprintf(out + used, size - used, "%s%d", k ? ", " : "", layer->input[k] - first + 1);
    }
}

static double params_of(const esp_network *net, int layer)
{
    double params = 0;
    for (int i = 0; i < net->num_tensors; i++)
        if (net->tensor[i].layer == layer && net->tensor[i].trainable) params += (double)net->tensor[i].count;
    return params;
}

static double macs_of(const esp_network *net, int index)
{
    const esp_layer *layer = &net->layer[index];
    if (layer->kind == ESP_LAYER_DENSE) return (double)net->tensor[layer->weight].count;
    if (layer->kind != ESP_LAYER_CONV2D) return 0;
    return (double)net->tensor[layer->weight].count * layer->out_rows * layer->out_cols;
}

void esp_layers_json(const esp_network *net, cJSON *json)
{
    cJSON *layers = cJSON_AddArrayToObject(json, "layers");
    for (int i = 0; i < net->num_layers; i++) {
        const esp_layer *layer = &net->layer[i];
        int first = net->component[layer->component].first_layer;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", layer->module);
        cJSON_AddStringToObject(item, "kind", kinds[layer->kind]);
        if (*acts[layer->act]) cJSON_AddStringToObject(item, "activation", acts[layer->act]);
        cJSON_AddStringToObject(item, "component", esp_component_name(net, layer->component));
        cJSON *reads = cJSON_AddArrayToObject(item, "reads");
        for (int k = 0; k < layer->num_inputs; k++) {
            bool row = layer->input[k] == ESP_INPUT;
            cJSON_AddItemToArray(reads, row ? cJSON_CreateString("input")
                                            : cJSON_CreateNumber(layer->input[k] - first + 1));
        }
        cJSON_AddNumberToObject(item, "outputs", layer->out_size);
        cJSON_AddNumberToObject(item, "params", params_of(net, i));
        cJSON_AddNumberToObject(item, "macs", macs_of(net, i));
        cJSON_AddItemToArray(layers, item);
    }
}

void esp_layers_print(const esp_network *net)
{
    esp_table *table = esp_table_create("rllllrr");
    putchar('\n');
    esp_table_row(table, "|layer|kind|reads|output|parameters|MACs");
    esp_table_rule(table);
    for (int i = 0; i < net->num_layers; i++) {
        char kind[64], output[64], reads[128], params[ESP_NUMBER_TEXT], macs[ESP_NUMBER_TEXT];
        const esp_layer *layer = &net->layer[i];
        describe(layer, kind, sizeof kind);
        output_of(layer, output, sizeof output);
        inputs_of(net, layer, reads, sizeof reads);
        esp_table_row(table, "%d|%s|%s|%s|%s|%s|%s", i - net->component[layer->component].first_layer + 1,
                      layer->module, kind, reads, output, esp_text_count(params_of(net, i), params),
                      esp_text_scaled(macs_of(net, i), macs));
    }
    esp_table_print(table);
}
