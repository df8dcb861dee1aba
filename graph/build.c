/* Building: one layer per node of the plan, with its tensors along the axes that were derived. */
#include <stdlib.h>
#include <string.h>

#include "graph/graph_internal.h"

#define MOST_WEIGHTS 1e9 /* of a network: 4 GB */

typedef struct {
    const esp_graph *graph;
    const esp_plan  *plan;
    const esp_runs  *runs;
    const esp_axes  *axes;
    esp_network     *net;
    int             *layer_of; /* [nodes] layer of a node; ESP_INPUT: the row */
} build;

/* ---- tensors ---- */

static int add(const build *b, const char *suffix, bool trainable, int rank, const esp_dim *dims, const int *shape)
{
    return esp_network_tensor(b->net, suffix, trainable, rank, dims, shape);
}

static void add_product(const build *b, const esp_node *node, esp_layer *layer)
{
    bool conv = layer->kind == ESP_LAYER_CONV2D;
    esp_dim dims[4] = {layer->out, layer->in};
    if (layer->per_group) dims[1] = (esp_dim){0};
    const int shape[4] = {0, layer->per_group, layer->kernel, layer->kernel_cols};
    layer->weight = add(b, "weight", true, conv ? 4 : 2, dims, shape);
    if (!node->no_bias) layer->bias = add(b, "bias", true, 1, dims, NULL);
}

static void add_tensors(const build *b, const esp_node *node, esp_layer *layer)
{
    if (node->shares != ESP_NO_VALUE) {
        const esp_layer *owner = &b->net->layer[b->layer_of[node->shares]];
        layer->weight = owner->weight;
        layer->bias = owner->bias;
        return;
    }
    switch (layer->kind) {
    case ESP_LAYER_DENSE:
    case ESP_LAYER_CONV2D:
        add_product(b, node, layer);
        break;
    case ESP_LAYER_LAYERNORM:
    case ESP_LAYER_BATCHNORM:
        layer->weight = add(b, "weight", true, 1, &layer->out, NULL);
        layer->bias = add(b, "bias", true, 1, &layer->out, NULL);
        if (layer->kind == ESP_LAYER_LAYERNORM) break;
        layer->mean = add(b, "running_mean", false, 1, &layer->out, NULL);
        layer->var = add(b, "running_var", false, 1, &layer->out, NULL);
        break;
    case ESP_LAYER_SCALE:
        if (node->data[0]) layer->weight = add(b, "weight", false, 1, &layer->out, NULL);
        if (node->data[1]) layer->bias = add(b, "bias", false, 1, &layer->out, NULL);
        break;
    default:
        break;
    }
}

static void fill(float *to, size_t count, const float *from, float otherwise)
{
    for (size_t i = 0; i < count; i++) to[i] = from ? from[i] : otherwise;
}

/* What the caller gave, or initial values. */
static void fill_tensors(const build *b, const esp_node *node, const esp_layer *layer)
{
    const int tensor[ESP_NODE_TENSORS] = {layer->weight, layer->bias, layer->mean, layer->var};
    bool norm = layer->kind == ESP_LAYER_LAYERNORM || layer->kind == ESP_LAYER_BATCHNORM;
    if (node->shares != ESP_NO_VALUE) return;
    for (int k = 0; k < ESP_NODE_TENSORS; k++)
        if (tensor[k] >= 0)
            fill(esp_network_weights(b->net, tensor[k]), b->net->tensor[tensor[k]].count, node->data[k],
                 norm && k % 3 == 0 ? 1.0f : 0.0f); /* gain and variance */
}

/* ---- layers ---- */

/* The parts before a slice, and what it skips of the part that it begins in, which is fixed. */
static void set_skip(const build *b, const esp_node *node, esp_layer *layer)
{
    int read = node->layer.input[0], at = 0;
    const esp_node *in = &b->plan->node[read];
    const int *root = b->runs->root + b->runs->units->first[read];
    esp_stretch part;
    layer->skip_parts = layer->skip_values = 0;
    while (esp_next_stretch(b->runs, root, in->shape.channels, b->runs->merged[read], &at, &part) && at <= node->first)
        layer->skip_parts++;
    layer->skip_values = node->first - part.first;
}

static esp_status add_layer(build *b, int i)
{
    const esp_node *node = &b->plan->node[i];
    enum { ROOM = 4 }; /* tensors of one layer */
    if (b->net->num_layers == ESP_MAX_LAYERS || b->net->num_tensors + ROOM > ESP_MAX_TENSORS)
        return esp_fail(ESP_ERR_SHAPE, "node '%s': the network has more than %d layers or %d tensors",
                        node->layer.module, ESP_MAX_LAYERS, ESP_MAX_TENSORS);
    b->layer_of[i] = b->net->num_layers;
    esp_layer *layer = esp_network_layer(b->net, node->layer.kind, node->layer.module);
    *layer = node->layer;
    for (int k = 0; k < layer->num_inputs; k++) layer->input[k] = b->layer_of[node->layer.input[k]];
    layer->weight = layer->bias = layer->mean = layer->var = -1;
    layer->out = b->axes->dim[i];
    layer->in = layer->kind == ESP_LAYER_IMAGE ? layer->out : b->axes->dim[node->layer.input[0]];
    layer->out_rows = node->shape.rows;
    layer->out_cols = node->shape.cols;
    if (layer->kind == ESP_LAYER_IMAGE) {
        layer->in_rows = node->shape.rows;
        layer->in_cols = node->shape.cols;
    }
    if (layer->kind == ESP_LAYER_SLICE) set_skip(b, node, layer);
    add_tensors(b, node, layer);
    return ESP_OK;
}

static void set_ports(const build *b, int c)
{
    const esp_graph_component_plan *from = &b->graph->component[c];
    esp_component *to = &b->net->component[c];
    to->in = b->axes->dim[b->plan->row[c]];
    to->num_inputs = from->num_inputs;
    to->num_outputs = from->num_outputs;
    for (int i = 0; i < from->num_inputs; i++) {
        const esp_node *input = &b->graph->node[from->input[i]];
        int node = b->plan->node_of[from->input[i]];
        to->input[i] = (esp_port){.dim = node < 0 ? b->axes->unread[c][i] : b->axes->dim[node],
                                  .rows = node < 0 ? 0 : input->shape.rows, .cols = node < 0 ? 0 : input->shape.cols};
        memcpy(to->input[i].name, input->layer.module, ESP_NAME);
    }
    for (int o = 0; o < from->num_outputs; o++) {
        int node = b->plan->node_of[from->output[o]];
        esp_shape shape = b->plan->node[node].shape;
        to->output[o] = (esp_port){.dim = b->axes->dim[node], .rows = shape.rows, .cols = shape.cols};
        memcpy(to->output[o].name, from->output_name[o], ESP_NAME);
    }
}

static esp_status add_components(build *b)
{
    esp_status status = ESP_OK;
    for (int c = 0; c < b->graph->num_components && status == ESP_OK; c++) {
        esp_network_component(b->net, b->graph->component[c].name);
        for (int i = 0; i < b->plan->num && status == ESP_OK; i++) {
            if (b->plan->node[i].layer.component != c) continue;
            if (b->plan->node[i].is_row) b->layer_of[i] = ESP_INPUT;
            else                         status = add_layer(b, i);
        }
        if (status == ESP_OK && b->plan->row[c] >= 0) set_ports(b, c);
    }
    return status;
}

static esp_status check_weights(const esp_network *net)
{
    double count = 0;
    for (int t = 0; t < net->num_tensors; t++) {
        double size = 1;
        for (int d = 0; d < net->tensor[t].rank; d++) {
            const esp_dim *dim = &net->tensor[t].dim[d];
            size *= dim->num ? esp_dim_size(net, dim) : net->tensor[t].shape[d];
        }
        count += size;
    }
    if (count <= MOST_WEIGHTS) return ESP_OK;
    return esp_fail(ESP_ERR_SHAPE, "the network has %.3g weights, expected at most %.3g", count, MOST_WEIGHTS);
}

static esp_status make_network(const esp_graph *graph, const esp_plan *plan, const esp_runs *runs, esp_network *net)
{
    esp_axes axes;
    esp_status status = esp_axes_make(graph, runs, net, &axes);
    build b = {graph, plan, runs, &axes, net, esp_alloc((size_t)plan->num + 1, sizeof(int))};
    if (status == ESP_OK) status = add_components(&b);
    if (status == ESP_OK) status = check_weights(net);
    if (status == ESP_OK) status = esp_network_finish(net);
    for (int i = 0; i < plan->num && status == ESP_OK; i++)
        if (b.layer_of[i] != ESP_INPUT) fill_tensors(&b, &plan->node[i], &net->layer[b.layer_of[i]]);
    free(b.layer_of);
    esp_axes_free(&axes);
    return status;
}

esp_status esp_graph_finish(const esp_graph *graph, esp_network **out)
{
    esp_plan plan = {0};
    esp_units units = {0};
    esp_runs runs = {0};
    esp_network *net = esp_network_new();
    esp_status status = esp_graph_status(graph);
    if (status == ESP_OK) status = esp_plan_make(graph, &plan);
    if (status == ESP_OK) status = esp_units_make(graph, &plan, &units);
    if (status == ESP_OK) esp_runs_make(&plan, &units, &runs);
    if (status == ESP_OK) status = make_network(graph, &plan, &runs, net);
    esp_runs_free(&runs);
    esp_units_free(&units);
    esp_plan_free(&plan);
    if (status == ESP_OK) *out = net;
    else                  esp_network_free(net);
    return status;
}
