/* Lowering: from described nodes to one node per layer. Nodes that no output depends on are dropped, activations
 * become part of the layer before them where nothing else reads it, and the row that a component reads is cut into its
 * inputs, and its outputs are joined to the row that it writes. */
#include <stdlib.h>
#include <string.h>

#include "graph/graph_internal.h"

/* ---- what is needed ---- */

static void mark(const esp_graph *graph, bool *needed, int *readers)
{
    for (int c = 0; c < graph->num_components; c++)
        for (int o = 0; o < graph->component[c].num_outputs; o++) {
            needed[graph->component[c].output[o]] = true;
            readers[graph->component[c].output[o]]++;
        }
    for (int i = graph->num_nodes; i-- > 0;) { /* nodes stand behind what they read */
        const esp_node *node = &graph->node[i];
        for (int k = 0; k < node->layer.num_inputs && needed[i]; k++) {
            needed[node->layer.input[k]] = true;
            readers[node->layer.input[k]]++;
        }
        if (needed[i] && node->shares != ESP_NO_VALUE) needed[node->shares] = true;
    }
}

static bool takes_activation(const esp_node *node)
{
    esp_layer_kind kind = node->layer.kind;
    bool affine = kind == ESP_LAYER_DENSE || kind == ESP_LAYER_CONV2D || kind == ESP_LAYER_LAYERNORM ||
                  kind == ESP_LAYER_BATCHNORM;
    return !node->is_row && affine && node->layer.act == ESP_ACT_NONE;
}

/* ---- nodes of the plan ---- */

static int add(esp_plan *plan, const esp_node *node)
{
    if (plan->num == plan->room) {
        plan->room = plan->room ? 2 * plan->room : 64;
        esp_node *larger = esp_alloc((size_t)plan->room, sizeof *larger);
        if (plan->num) memcpy(larger, plan->node, (size_t)plan->num * sizeof *larger);
        free(plan->node);
        plan->node = larger;
    }
    plan->node[plan->num] = *node;
    return plan->num++;
}

static int add_kind(esp_plan *plan, esp_layer_kind kind, const char *module, int component, int num, const int *inputs,
                    esp_shape shape)
{
    esp_node node = {.shape = shape, .shares = ESP_NO_VALUE};
    node.layer = (esp_layer){.kind = kind, .component = component, .num_inputs = num, .eps = ESP_NORM_EPS,
                             .weight = -1, .bias = -1, .mean = -1, .var = -1};
    memcpy(node.layer.module, module, strlen(module) + 1);
    memcpy(node.layer.input, inputs, (size_t)num * sizeof *inputs);
    return add(plan, &node);
}

static int values_of(esp_shape shape)
{
    return shape.channels * (shape.rows ? shape.rows * shape.cols : 1);
}

/* The row that a component reads. */
static void add_row(const esp_graph *graph, int c, esp_plan *plan)
{
    const esp_graph_component_plan *component = &graph->component[c];
    esp_node row = {.is_row = true, .shares = ESP_NO_VALUE};
    row.layer = (esp_layer){.component = c};
    for (int i = 0; i < component->num_inputs; i++)
        row.shape.channels += values_of(graph->node[component->input[i]].shape);
    plan->row[c] = add(plan, &row);
}

/* One input: a stretch of the row, as an image if it is one. */
static int add_input(const esp_graph *graph, int value, esp_plan *plan)
{
    const esp_node *input = &graph->node[value];
    int c = input->layer.component, first = 0, at = plan->row[c];
    const esp_graph_component_plan *component = &graph->component[c];
    if (input->is_bytes) return add_kind(plan, ESP_LAYER_IMAGE, "image", c, 1, &at, input->shape);
    for (int i = 0; component->input[i] != value; i++) first += values_of(graph->node[component->input[i]].shape);
    esp_shape stretch = {values_of(input->shape), 0, 0};
    if (component->num_inputs > 1) {
        at = add_kind(plan, ESP_LAYER_SLICE, input->layer.module, c, 1, &at, stretch);
        plan->node[at].first = first;
    }
    return input->shape.rows ? add_kind(plan, ESP_LAYER_UNFLATTEN, "unflatten", c, 1, &at, input->shape) : at;
}

static void add_nodes(const esp_graph *graph, int c, const bool *needed, const int *readers, esp_plan *plan)
{
    for (int i = 0; i < graph->num_nodes; i++) {
        esp_node node = graph->node[i];
        if (node.layer.component != c || !needed[i]) continue;
        if (node.is_row) {
            plan->node_of[i] = add_input(graph, i, plan);
            continue;
        }
        int read = node.layer.input[0];
        bool plain = node.layer.act != ESP_ACT_ELU || node.layer.alpha == 1.0f;
        if (node.layer.kind == ESP_LAYER_ACT && esp_act_fuses(node.layer.act) && plain && readers[read] == 1 &&
            takes_activation(&plan->node[plan->node_of[read]])) {
            plan->node[plan->node_of[read]].layer.act = node.layer.act;
            plan->node_of[i] = plan->node_of[read];
            continue;
        }
        for (int k = 0; k < node.layer.num_inputs; k++) node.layer.input[k] = plan->node_of[node.layer.input[k]];
        if (node.shares != ESP_NO_VALUE) node.shares = plan->node_of[node.shares];
        plan->node_of[i] = add(plan, &node);
    }
}

/* The row that a component writes: its outputs, flattened and joined. */
static void add_outputs(const esp_graph *graph, int c, esp_plan *plan)
{
    const esp_graph_component_plan *component = &graph->component[c];
    int part[ESP_MAX_PORTS];
    esp_shape all = {0, 0, 0};
    for (int o = 0; o < component->num_outputs; o++) {
        part[o] = plan->node_of[component->output[o]];
        esp_shape shape = plan->node[part[o]].shape, row = {values_of(shape), 0, 0};
        if (shape.rows) part[o] = add_kind(plan, ESP_LAYER_FLATTEN, "flatten", c, 1, &part[o], row);
        all.channels += row.channels;
    }
    int last = part[0];
    if (component->num_outputs > 1)
        last = add_kind(plan, ESP_LAYER_CONCAT, "outputs", c, component->num_outputs, part, all);
    else if (last != plan->num - 1 || plan->node[last].is_row) /* an input is the output */
        last = add_kind(plan, ESP_LAYER_SLICE, "output", c, 1, &last, all);
    plan->last[c] = last;
}

/* ---- checks ---- */

static bool has_tensors(const esp_node *node)
{
    switch (node->layer.kind) {
    case ESP_LAYER_DENSE:
    case ESP_LAYER_CONV2D:
    case ESP_LAYER_LAYERNORM:
    case ESP_LAYER_BATCHNORM:
    case ESP_LAYER_SCALE:
        return !node->is_row && node->shares == ESP_NO_VALUE;
    default:
        return false;
    }
}

static esp_status check_names(const esp_plan *plan)
{
    for (int i = 0; i < plan->num; i++)
        for (int j = 0; j < i && has_tensors(&plan->node[i]); j++)
            if (has_tensors(&plan->node[j]) && strcmp(plan->node[i].layer.module, plan->node[j].layer.module) == 0)
                return esp_fail(ESP_ERR_SHAPE, "two nodes have the name '%s', after which tensors are named",
                                plan->node[i].layer.module);
    return ESP_OK;
}

static esp_status check_component(const esp_graph *graph, int c)
{
    bool nodes = false;
    for (int i = 0; i < graph->num_nodes; i++) nodes = nodes || graph->node[i].layer.component == c;
    const esp_graph_component_plan *component = &graph->component[c];
    if (nodes && (component->num_outputs == 0 || component->num_inputs == 0))
        return esp_fail(ESP_ERR_SHAPE, "component '%s' has no %s", component->name,
                        component->num_outputs ? "input" : "output");
    return ESP_OK;
}

esp_status esp_plan_make(const esp_graph *graph, esp_plan *out)
{
    size_t nodes = (size_t)graph->num_nodes + 1;
    bool *needed = esp_alloc(nodes, sizeof *needed);
    int *readers = esp_alloc(nodes, sizeof *readers);
    *out = (esp_plan){.node_of = esp_alloc(nodes, sizeof *out->node_of)};
    for (int i = 0; i < graph->num_nodes; i++) out->node_of[i] = -1;
    mark(graph, needed, readers);
    esp_status status = ESP_OK;
    for (int c = 0; c < graph->num_components && status == ESP_OK; c++) {
        out->row[c] = out->last[c] = -1;
        status = check_component(graph, c);
        if (status != ESP_OK || graph->component[c].num_outputs == 0) continue;
        add_row(graph, c, out);
        add_nodes(graph, c, needed, readers, out);
        add_outputs(graph, c, out);
        if (out->num > ESP_MAX_LAYERS + ESP_MAX_COMPONENTS)
            status = esp_fail(ESP_ERR_SHAPE, "component '%s': the network has more than %d layers",
                              graph->component[c].name, ESP_MAX_LAYERS);
    }
    free(needed);
    free(readers);
    if (status == ESP_OK) status = check_names(out);
    return status;
}

void esp_plan_free(esp_plan *plan)
{
    free(plan->node);
    free(plan->node_of);
    *plan = (esp_plan){0};
}
