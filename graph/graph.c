/* The builder: components, their inputs and outputs, ties and names; what every node has to meet. */
#include <stdlib.h>
#include <string.h>

#include "graph/graph_internal.h"

enum {
    MOST_VALUES = 1 << 24, /* of one node per sample: sums over nodes still fit an int */
    MOST_NODES = 1 << 14   /* many more than layers, since nodes without effect are left out */
};

esp_graph *esp_graph_new(void)
{
    return esp_alloc(1, sizeof(esp_graph));
}

void esp_graph_free(esp_graph *graph)
{
    if (!graph) return;
    for (int i = 0; i < graph->num_nodes; i++)
        for (int k = 0; k < ESP_NODE_TENSORS; k++) free(graph->node[i].data[k]);
    free(graph->node);
    free(graph->tie);
    free(graph->name);
    free(graph);
}

esp_status esp_graph_status(const esp_graph *graph)
{
    return graph->error.status == ESP_OK ? ESP_OK : esp_error_raise(&graph->error);
}

esp_shape esp_graph_shape(const esp_graph *graph, int value)
{
    return value >= 0 && value < graph->num_nodes ? graph->node[value].shape : (esp_shape){0, 0, 0};
}

/* ---- errors ---- */

int esp_refuse(esp_graph *graph, esp_status status, const char *format, ...)
{
    char text[ESP_ERROR_TEXT];
    va_list arguments;
    if (!esp_graph_usable(graph)) return ESP_NO_VALUE;
    va_start(arguments, format);
    esp_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    esp_error_take(&graph->error, esp_fail(status, "%s", text));
    return ESP_NO_VALUE;
}

bool esp_graph_usable(const esp_graph *graph)
{
    return graph->error.status == ESP_OK;
}

bool esp_graph_has(esp_graph *graph, int value)
{
    if (!esp_graph_usable(graph) || value == ESP_NO_VALUE) return false;
    if (value >= 0 && value < graph->num_nodes && graph->node[value].layer.component == graph->num_components - 1)
        return true;
    esp_refuse(graph, ESP_ERR_SHAPE, "a node reads value %d, which its component does not have", value);
    return false;
}

static bool check_name(esp_graph *graph, const char *name)
{
    size_t length = strlen(name);
    if (length < ESP_NAME) return true;
    esp_refuse(graph, ESP_ERR_SHAPE, "'%.40s...': a name of %zu bytes, expected at most %d", name, length,
               ESP_NAME - 1);
    return false;
}

/* ---- nodes ---- */

static void *grown(void *list, int num, int *room, size_t size)
{
    if (num < *room) return list;
    *room = num ? 2 * num : 16;
    void *larger = esp_alloc((size_t)*room, size);
    if (num) memcpy(larger, list, (size_t)num * size);
    free(list);
    return larger;
}

bool esp_graph_check_shape(esp_graph *graph, const char *module, esp_shape shape)
{
    double values = (double)shape.channels * (shape.rows ? (double)shape.rows * shape.cols : 1);
    bool sides = (shape.rows == 0 && shape.cols == 0) || (shape.rows > 0 && shape.cols > 0);
    if (shape.channels > 0 && sides && values <= MOST_VALUES) return true;
    esp_refuse(graph, ESP_ERR_SHAPE, "node '%s': %d x %d x %d values, expected 1 to %d", module, shape.channels,
               shape.rows, shape.cols, MOST_VALUES);
    return false;
}

esp_node *esp_graph_add(esp_graph *graph, esp_layer_kind kind, const char *module, int num, const int *inputs,
                        esp_shape shape)
{
    for (int k = 0; k < num; k++)
        if (!esp_graph_has(graph, inputs[k])) return NULL;
    if (!esp_graph_usable(graph) || !check_name(graph, module)) return NULL;
    if (!esp_graph_check_shape(graph, module, shape)) return NULL;
    if (graph->num_components == 0) {
        esp_refuse(graph, ESP_ERR_SHAPE, "node '%s': no component was started", module);
        return NULL;
    }
    if (graph->num_nodes == MOST_NODES) {
        esp_refuse(graph, ESP_ERR_SHAPE, "node '%s': more than %d nodes", module, MOST_NODES);
        return NULL;
    }
    graph->node = grown(graph->node, graph->num_nodes, &graph->node_room, sizeof *graph->node);
    esp_node *node = &graph->node[graph->num_nodes++];
    *node = (esp_node){.shape = shape, .shares = ESP_NO_VALUE};
    node->layer = (esp_layer){.kind = kind, .component = graph->num_components - 1, .num_inputs = num,
                              .eps = ESP_NORM_EPS, .weight = -1, .bias = -1, .mean = -1, .var = -1};
    memcpy(node->layer.module, module, strlen(module) + 1);
    for (int k = 0; k < num; k++) node->layer.input[k] = inputs[k];
    return node;
}

int esp_graph_last(const esp_graph *graph)
{
    return graph->num_nodes - 1;
}

/* ---- components ---- */

int esp_graph_component(esp_graph *graph, const char *name)
{
    if (!esp_graph_usable(graph) || !check_name(graph, name)) return -1;
    if (graph->num_components == ESP_MAX_COMPONENTS)
        return esp_refuse(graph, ESP_ERR_SHAPE, "component '%s': more than %d components", name, ESP_MAX_COMPONENTS);
    esp_graph_component_plan *component = &graph->component[graph->num_components];
    memcpy(component->name, name, strlen(name) + 1);
    return graph->num_components++;
}

static int add_input(esp_graph *graph, const char *name, esp_shape shape, bool bytes)
{
    esp_node *node = esp_graph_add(graph, ESP_LAYER_SLICE, name, 0, NULL, shape);
    if (!node) return ESP_NO_VALUE;
    esp_graph_component_plan *component = &graph->component[graph->num_components - 1];
    if (component->num_inputs == ESP_MAX_PORTS)
        return esp_refuse(graph, ESP_ERR_SHAPE, "input '%s': more than %d inputs", name, ESP_MAX_PORTS);
    bool alone = component->num_inputs == 0 || !(bytes || graph->node[component->input[0]].is_bytes);
    if (!alone)
        return esp_refuse(graph, ESP_ERR_SHAPE, "input '%s': an image of bytes must be the only input", name);
    node->is_row = true;
    node->is_bytes = bytes;
    return component->input[component->num_inputs++] = esp_graph_last(graph);
}

int esp_graph_input(esp_graph *graph, const char *name, int size)
{
    return add_input(graph, name, (esp_shape){size, 0, 0}, false);
}

int esp_graph_input_image(esp_graph *graph, const char *name, int channels, int rows, int cols)
{
    return add_input(graph, name, (esp_shape){channels, rows, cols}, false);
}

int esp_graph_input_bytes(esp_graph *graph, const char *name, int channels, int rows, int cols)
{
    return add_input(graph, name, (esp_shape){channels, rows, cols}, true);
}

void esp_graph_output(esp_graph *graph, const char *name, int value)
{
    if (!esp_graph_has(graph, value) || !check_name(graph, name)) return;
    esp_graph_component_plan *component = &graph->component[graph->num_components - 1];
    if (component->num_outputs == ESP_MAX_PORTS) {
        esp_refuse(graph, ESP_ERR_SHAPE, "output '%s': more than %d outputs", name, ESP_MAX_PORTS);
        return;
    }
    memcpy(component->output_name[component->num_outputs], name, strlen(name) + 1);
    component->output[component->num_outputs++] = value;
}

/* ---- ties and names ---- */

void esp_graph_call(esp_graph *graph, int value, const char *module)
{
    if (!esp_graph_usable(graph) || value == ESP_NO_VALUE || !check_name(graph, module)) return;
    memcpy(graph->node[value].layer.module, module, strlen(module) + 1);
}

static bool has_units(esp_graph *graph, int value, int first, int count)
{
    if (!esp_graph_usable(graph) || value == ESP_NO_VALUE) return false;
    bool known = value >= 0 && value < graph->num_nodes;
    if (known && first >= 0 && count >= 1 && first <= graph->node[value].shape.channels - count) return true;
    esp_refuse(graph, ESP_ERR_SHAPE, "value %d has no units %d to %d", value, first, first + count - 1);
    return false;
}

static void add_tie(esp_graph *graph, int a, int a_first, int b, int b_first, int count, bool wired)
{
    if (!has_units(graph, a, a_first, count) || !has_units(graph, b, b_first, count)) return;
    graph->tie = grown(graph->tie, graph->num_ties, &graph->tie_room, sizeof *graph->tie);
    graph->tie[graph->num_ties++] = (esp_tie){a, a_first, b, b_first, count, wired};
}

void esp_graph_tie(esp_graph *graph, int a, int a_first, int b, int b_first, int count)
{
    add_tie(graph, a, a_first, b, b_first, count, false);
}

void esp_graph_wire(esp_graph *graph, int a, int a_first, int b, int b_first, int count)
{
    add_tie(graph, a, a_first, b, b_first, count, true);
}

void esp_graph_name(esp_graph *graph, int value, int first, const char *name)
{
    if (!has_units(graph, value, first, 1) || !check_name(graph, name)) return;
    graph->name = grown(graph->name, graph->num_names, &graph->name_room, sizeof *graph->name);
    esp_axis_name *entry = &graph->name[graph->num_names++];
    entry->value = value;
    entry->first = first;
    memcpy(entry->name, name, strlen(name) + 1);
}
