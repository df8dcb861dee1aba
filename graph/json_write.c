/* A network as JSON: nodes and sizes, from which its axes follow again. The layers that cut the row that a component
 * reads into its inputs, and those that join its outputs, are not nodes: they follow from inputs and outputs. */
#include <stdlib.h>
#include <string.h>

#include "graph/json_internal.h"

/* One component while it is written. */
typedef struct {
    const esp_network   *net;
    const esp_component *component;
    int  num_values;
    int  value[ESP_MAX_LAYERS]; /* by layer: number of its output; -1: none */
    int  owner[ESP_MAX_TENSORS]; /* by tensor: the value of the layer that has it; -1: none so far */
} writer;

static int pixels(int rows, int cols)
{
    return rows ? rows * cols : 1;
}

static int value_of(const writer *w, int layer)
{
    return layer == ESP_INPUT ? 0 : w->value[layer];
}

/* ---- inputs ---- */

/* The input that a slice of the row takes; -1: none. */
static int port_of_slice(const writer *w, const esp_layer *layer)
{
    esp_dim before = layer->in;
    before.num = layer->skip_parts;
    int start = esp_dim_size(w->net, &before) + layer->skip_values, at = 0;
    for (int i = 0; i < w->component->num_inputs; i++) {
        int size = esp_port_size(w->net, &w->component->input[i]);
        if (at == start && size == layer->out_size) return i;
        at += size;
    }
    return -1;
}

/* Whether the layer is an input, or a step on the way to one; then its output has the input's number. */
static bool is_input(writer *w, int l)
{
    const esp_layer *layer = &w->net->layer[l];
    const esp_component *c = w->component;
    int read = layer->input[0], port = -1;
    if (layer->kind == ESP_LAYER_IMAGE) port = 0;
    if (layer->kind == ESP_LAYER_SLICE && read == ESP_INPUT && c->num_inputs > 1) port = port_of_slice(w, layer);
    if (layer->kind == ESP_LAYER_UNFLATTEN) {
        int number = read == ESP_INPUT && c->num_inputs == 1 ? 0 : read == ESP_INPUT ? -1 : w->value[read];
        bool row = read == ESP_INPUT || (w->net->layer[read].kind == ESP_LAYER_SLICE &&
                                         w->net->layer[read].input[0] == ESP_INPUT && c->num_inputs > 1);
        if (row && number >= 0 && number < c->num_inputs && c->input[number].rows) port = number;
    }
    w->value[l] = port;
    return port >= 0;
}

static cJSON *shape_json(int channels, int rows, int cols)
{
    const int shape[3] = {channels, rows, cols};
    return cJSON_CreateIntArray(shape, rows ? 3 : 1);
}

static cJSON *inputs_json(const writer *w)
{
    cJSON *list = cJSON_CreateArray();
    int component = (int)(w->component - w->net->component);
    for (int i = 0; i < w->component->num_inputs; i++) {
        const esp_port *port = &w->component->input[i];
        cJSON *input = cJSON_CreateObject();
        cJSON_AddStringToObject(input, "name", port->name);
        cJSON_AddItemToObject(input, "shape", shape_json(esp_dim_size(w->net, &port->dim), port->rows, port->cols));
        if (esp_component_reads_bytes(w->net, component)) cJSON_AddTrueToObject(input, "bytes");
        cJSON_AddItemToArray(list, input);
    }
    return list;
}

/* ---- nodes ---- */

static void add_inputs(const writer *w, const esp_layer *layer, cJSON *node)
{
    int read[ESP_MAX_INPUTS];
    for (int k = 0; k < layer->num_inputs; k++) read[k] = value_of(w, layer->input[k]);
    cJSON_AddItemToObject(node, "in", cJSON_CreateIntArray(read, layer->num_inputs));
}

static void add_window(const esp_layer *layer, cJSON *node)
{
    const int numbers[ESP_WINDOW_NUMBERS] = {layer->kernel, layer->kernel_cols, layer->stride, layer->stride_cols,
                                             layer->top, layer->left, layer->bottom, layer->right, layer->dilation,
                                             layer->dilation_cols};
    cJSON_AddItemToObject(node, "window", cJSON_CreateIntArray(numbers, ESP_WINDOW_NUMBERS));
}

static void add_product(writer *w, int l, cJSON *node)
{
    const esp_layer *layer = &w->net->layer[l];
    int outputs = w->net->tensor[layer->weight].shape[0];
    if (w->owner[layer->weight] >= 0) cJSON_AddNumberToObject(node, "like", w->owner[layer->weight]);
    else                              w->owner[layer->weight] = w->num_values;
    cJSON_AddNumberToObject(node, "outputs", outputs);
    cJSON_AddBoolToObject(node, "bias", layer->bias >= 0);
    if (layer->kind != ESP_LAYER_CONV2D) return;
    int channels = layer->in_size / pixels(layer->in_rows, layer->in_cols);
    cJSON_AddNumberToObject(node, "groups", layer->per_group ? channels / layer->per_group : 1);
    add_window(layer, node);
}

static void add_slice(const writer *w, const esp_layer *layer, cJSON *node)
{
    esp_dim before = layer->in;
    before.num = layer->skip_parts;
    cJSON_AddNumberToObject(node, "first", esp_dim_size(w->net, &before) + layer->skip_values);
    cJSON_AddNumberToObject(node, "count", layer->out_size / pixels(layer->out_rows, layer->out_cols));
}

static void add_attributes(writer *w, int l, cJSON *node)
{
    const esp_layer *layer = &w->net->layer[l];
    switch (layer->kind) {
    case ESP_LAYER_DENSE:
    case ESP_LAYER_CONV2D:
        add_product(w, l, node);
        break;
    case ESP_LAYER_LAYERNORM:
    case ESP_LAYER_BATCHNORM:
        cJSON_AddNumberToObject(node, "eps", (double)layer->eps);
        break;
    case ESP_LAYER_ACT:
        cJSON_AddNumberToObject(node, "alpha", (double)layer->alpha);
        cJSON_AddNumberToObject(node, "beta", (double)layer->beta);
        break;
    case ESP_LAYER_SCALE:
        cJSON_AddBoolToObject(node, "scale", layer->weight >= 0);
        cJSON_AddBoolToObject(node, "shift", layer->bias >= 0);
        break;
    case ESP_LAYER_SLICE:
        add_slice(w, layer, node);
        break;
    case ESP_LAYER_UNFLATTEN:
        cJSON_AddItemToObject(node, "shape", shape_json(esp_dim_size(w->net, &layer->out), layer->out_rows,
                                                        layer->out_cols));
        break;
    case ESP_LAYER_MAXPOOL:
    case ESP_LAYER_AVGPOOL:
        add_window(layer, node);
        cJSON_AddBoolToObject(node, "counts_padding", layer->counts_padding);
        break;
    default:
        break;
    }
}

static cJSON *node_json(writer *w, int l)
{
    const esp_layer *layer = &w->net->layer[l];
    cJSON *node = cJSON_CreateObject();
    esp_json_add_choice(node, "op", ESP_OP_CHOICES, (int)layer->kind);
    cJSON_AddStringToObject(node, "name", layer->module);
    add_inputs(w, layer, node);
    add_attributes(w, l, node);
    if (layer->act != ESP_ACT_NONE) esp_json_add_choice(node, "act", ESP_ACT_CHOICES, (int)layer->act);
    return node;
}

/* ---- outputs ---- */

/* The layers behind the outputs: what joins them, and what flattens those that are images. out [num_outputs]: the
 * layers whose values they are. */
static void find_outputs(const writer *w, int *out, bool *joins)
{
    const esp_component *c = w->component;
    int last = c->first_layer + c->num_layers - 1;
    const esp_layer *layer = &w->net->layer[last];
    out[0] = last;
    if (c->num_outputs > 1) {
        joins[last] = true;
        for (int o = 0; o < c->num_outputs; o++) out[o] = layer->input[o];
    }
    for (int o = 0; o < c->num_outputs; o++) {
        if (!c->output[o].rows || out[o] == ESP_INPUT) continue;
        joins[out[o]] = true;
        out[o] = w->net->layer[out[o]].input[0];
    }
    bool copies = c->num_outputs == 1 && layer->kind == ESP_LAYER_SLICE && layer->in_size == layer->out_size;
    if (copies) { /* an input that is the output */
        joins[last] = true;
        out[0] = layer->input[0];
    }
}

static cJSON *outputs_json(const writer *w, const int *out)
{
    cJSON *list = cJSON_CreateArray();
    for (int o = 0; o < w->component->num_outputs; o++) {
        cJSON *output = cJSON_CreateObject();
        cJSON_AddStringToObject(output, "name", w->component->output[o].name);
        cJSON_AddNumberToObject(output, "value", value_of(w, out[o]));
        cJSON_AddItemToArray(list, output);
    }
    return list;
}

static cJSON *component_json(writer *w)
{
    const esp_component *c = w->component;
    cJSON *json = cJSON_CreateObject(), *nodes;
    int out[ESP_MAX_PORTS];
    bool joins[ESP_MAX_LAYERS] = {false};
    cJSON_AddStringToObject(json, "name", c->name);
    if (c->num_layers == 0) return json; /* a slot */
    find_outputs(w, out, joins);
    cJSON_AddItemToObject(json, "inputs", inputs_json(w));
    cJSON_AddItemToObject(json, "nodes", nodes = cJSON_CreateArray());
    w->num_values = c->num_inputs;
    for (int l = c->first_layer; l < c->first_layer + c->num_layers; l++) {
        if (joins[l] || is_input(w, l)) continue;
        cJSON_AddItemToArray(nodes, node_json(w, l));
        w->value[l] = w->num_values++;
    }
    cJSON_AddItemToObject(json, "outputs", outputs_json(w, out));
    return json;
}

/* ---- axes ---- */

/* Where one axis begins in a dimension; -1: nowhere. */
static int position_in(const esp_network *net, const esp_dim *dim, int axis)
{
    int at = 0;
    for (int p = 0; p < dim->num; p++) {
        if (dim->part[p].axis == axis) return at;
        at += net->axis[dim->part[p].axis].size * dim->part[p].block;
    }
    return -1;
}

/* Names an axis by a value and a unit of it; false when no value of the component has it. */
static bool locate(const writer *w, int axis, cJSON *json)
{
    const esp_component *c = w->component;
    int value = -1, first = -1;
    for (int i = 0; i < c->num_inputs && first < 0; i++)
        if ((first = position_in(w->net, &c->input[i].dim, axis)) >= 0) value = i;
    for (int l = c->first_layer; l < c->first_layer + c->num_layers && first < 0; l++)
        if (w->value[l] >= 0 && (first = position_in(w->net, &w->net->layer[l].out, axis)) >= 0) value = w->value[l];
    if (first < 0) return false;
    cJSON_AddNumberToObject(json, "component", (double)(c - w->net->component));
    cJSON_AddNumberToObject(json, "value", value);
    cJSON_AddNumberToObject(json, "first", first);
    return true;
}

static cJSON *axes_json(const writer *writers)
{
    const esp_network *net = writers[0].net;
    cJSON *list = cJSON_CreateArray();
    for (int a = 0; a < net->num_axes; a++) {
        cJSON *axis = cJSON_CreateObject();
        bool located = false;
        cJSON_AddStringToObject(axis, "name", net->axis[a].name);
        for (int c = 0; c < net->num_components && !located; c++) located = locate(&writers[c], a, axis);
        if (located) cJSON_AddItemToArray(list, axis);
        else         cJSON_Delete(axis);
    }
    return list;
}

/* ---- what components share ---- */

/* Units of inputs and outputs: part p of a dimension. */
typedef struct { int component, port, first, axis, block; bool output; } place;

static int list_places(const esp_network *net, place *out)
{
    int count = 0;
    for (int c = 0; c < net->num_components; c++)
        for (int k = 0; k < net->component[c].num_inputs + net->component[c].num_outputs; k++) {
            bool output = k >= net->component[c].num_inputs;
            int port = output ? k - net->component[c].num_inputs : k, first = 0;
            const esp_dim *dim = output ? &net->component[c].output[port].dim : &net->component[c].input[port].dim;
            for (int p = 0; p < dim->num; p++) {
                int axis = dim->part[p].axis, block = dim->part[p].block;
                out[count++] = (place){c, port, first, axis, block, output};
                first += net->axis[axis].size * block;
            }
        }
    return count;
}

static cJSON *place_json(const place *at, int offset)
{
    const int numbers[] = {at->component, at->output, at->port, at->first + offset};
    return cJSON_CreateIntArray(numbers, 4);
}

static void add_tie(cJSON *list, const place *a, int a_offset, const place *b, int b_offset, int count, bool wired)
{
    cJSON *tie = cJSON_CreateObject();
    cJSON_AddItemToObject(tie, "a", place_json(a, a_offset));
    cJSON_AddItemToObject(tie, "b", place_json(b, b_offset));
    cJSON_AddNumberToObject(tie, "count", count);
    cJSON_AddBoolToObject(tie, "wired", wired);
    cJSON_AddItemToArray(list, tie);
}

/* Every place of an axis is tied to the first one; with equal blocks position by position, else unit by unit. */
static cJSON *ties_json(const esp_network *net)
{
    enum { MOST_PLACES = ESP_MAX_COMPONENTS * 2 * ESP_MAX_PORTS * ESP_MAX_PARTS };
    place *places = esp_alloc(MOST_PLACES, sizeof *places);
    int count = list_places(net, places);
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < count; i++) {
        int first = 0;
        while (places[first].axis != places[i].axis) first++;
        const esp_axis *axis = &net->axis[places[i].axis];
        int a = places[first].block, b = places[i].block;
        if (first == i && !axis->prunable) continue; /* fixed by itself */
        if (a == b) {
            add_tie(list, &places[first], 0, &places[i], 0, axis->size * a, axis->prunable);
            continue;
        }
        for (int u = 0; u < axis->size; u++)
            for (int k = 0; k < b; k++) add_tie(list, &places[first], u * a, &places[i], u * b + k, 1, axis->prunable);
    }
    free(places);
    return list;
}

cJSON *esp_graph_to_json(const esp_network *net)
{
    writer *writers = esp_alloc(ESP_MAX_COMPONENTS, sizeof *writers);
    cJSON *json = cJSON_CreateObject(), *components;
    cJSON_AddNumberToObject(json, "version", ESP_GRAPH_VERSION);
    cJSON_AddItemToObject(json, "components", components = cJSON_CreateArray());
    for (int c = 0; c < net->num_components; c++) {
        writer *w = &writers[c];
        w->net = net;
        w->component = &net->component[c];
        for (int l = 0; l < ESP_MAX_LAYERS; l++) w->value[l] = -1;
        for (int t = 0; t < ESP_MAX_TENSORS; t++) w->owner[t] = -1;
        cJSON_AddItemToArray(components, component_json(w));
    }
    cJSON_AddItemToObject(json, "axes", axes_json(writers));
    cJSON_AddItemToObject(json, "ties", ties_json(net));
    free(writers);
    return json;
}
