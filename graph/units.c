/* Units: which positions of which values are removed together, by union-find over all positions. A unit's number grows
 * with the node that makes it, and the root of a set is its smallest number, so that the root belongs to the first
 * node. */
#include <stdlib.h>

#include "graph/graph_internal.h"

int esp_unit_root(esp_units *units, int unit)
{
    while (units->tied[unit] != unit) {
        units->tied[unit] = units->tied[units->tied[unit]];
        unit = units->tied[unit];
    }
    return unit;
}

void esp_unit_fix(esp_units *units, int unit, const char *why)
{
    int root = esp_unit_root(units, unit);
    if (!units->fixed[root]) units->fixed[root] = why;
}

static void tie(esp_units *units, int a, int b)
{
    int low = esp_unit_root(units, a), high = esp_unit_root(units, b);
    if (low == high) return;
    if (low > high) {
        int swap = low;
        low = high;
        high = swap;
    }
    units->tied[high] = low;
    if (!units->fixed[low]) units->fixed[low] = units->fixed[high];
}

static void tie_all(esp_units *units, int a, int b, int count)
{
    for (int i = 0; i < count; i++) tie(units, a + i, b + i);
}

/* Every position of a long dimension to the channel that it is one of `block` values of. */
static void tie_blocks(esp_units *units, int channels, int positions, int count, int block)
{
    for (int i = 0; i < count; i++) tie(units, positions + i, channels + i / block);
}

/* ---- by kind of node ---- */

/* Channels of a group go together: a part of them cannot be removed, since groups are equal. */
static void tie_conv(esp_units *units, const esp_node *node, int in, int in_channels, int out)
{
    int per_group = node->layer.per_group, kernels = node->shape.channels;
    if (per_group == 0) return;
    int groups = in_channels / per_group;
    for (int i = 0; i < in_channels; i++) tie(units, in + i, in + i / per_group * per_group);
    for (int o = 0; o < kernels; o++) tie(units, out + o, in + o / (kernels / groups) * per_group);
}

static void tie_concat(esp_units *units, const esp_plan *plan, const esp_node *node, int out)
{
    for (int k = 0; k < node->layer.num_inputs; k++) {
        int read = node->layer.input[k], width = plan->node[read].shape.channels;
        tie_all(units, units->first[read], out, width);
        out += width;
    }
}

static void tie_node(esp_units *units, const esp_plan *plan, int i)
{
    const esp_node *node = &plan->node[i];
    if (node->is_row) return;
    int read = node->layer.input[0], in = units->first[read], out = units->first[i];
    int in_channels = plan->node[read].shape.channels, channels = node->shape.channels;
    switch (node->layer.kind) {
    case ESP_LAYER_DENSE:
        break;
    case ESP_LAYER_CONV2D:
        tie_conv(units, node, in, in_channels, out);
        break;
    case ESP_LAYER_FLATTEN:
        tie_blocks(units, in, out, channels, channels / in_channels);
        break;
    case ESP_LAYER_IMAGE:
    case ESP_LAYER_UNFLATTEN:
        tie_blocks(units, out, in, in_channels, in_channels / channels);
        break;
    case ESP_LAYER_CONCAT:
        tie_concat(units, plan, node, out);
        break;
    case ESP_LAYER_SLICE:
        tie_all(units, in + node->first, out, channels);
        break;
    default:
        for (int k = 0; k < node->layer.num_inputs; k++)
            tie_all(units, units->first[node->layer.input[k]], out, channels);
    }
    if (node->shares == ESP_NO_VALUE) return;
    const esp_node *owner = &plan->node[node->shares];
    tie_all(units, units->first[node->shares], out, channels);
    tie_all(units, units->first[owner->layer.input[0]], in, in_channels);
}

/* ---- inputs, outputs, and what the caller says ---- */

static void apply_ties(esp_units *units, const esp_graph *graph, const esp_plan *plan, bool *wired)
{
    for (int t = 0; t < graph->num_ties; t++) {
        const esp_tie *entry = &graph->tie[t];
        int a = plan->node_of[entry->a], b = plan->node_of[entry->b];
        if (a < 0 || b < 0) continue; /* not part of the network */
        tie_all(units, units->first[a] + entry->a_first, units->first[b] + entry->b_first, entry->count);
        for (int i = 0; i < entry->count && entry->wired; i++) {
            wired[units->first[a] + entry->a_first + i] = true;
            wired[units->first[b] + entry->b_first + i] = true;
        }
    }
}

/* A wire names units of an input or output; the row has them too. */
static void fix_unless_wired(esp_units *units, const bool *wired, int node, const esp_plan *plan, const char *why)
{
    int first = units->first[node], count = plan->node[node].shape.channels;
    for (int i = 0; i < count; i++)
        if (!wired[first + i]) esp_unit_fix(units, first + i, why);
}

static void fix_ports(esp_units *units, const esp_graph *graph, const esp_plan *plan, const bool *wired)
{
    for (int c = 0; c < graph->num_components; c++) {
        const esp_graph_component_plan *component = &graph->component[c];
        for (int i = 0; i < component->num_inputs && plan->row[c] >= 0; i++) {
            int node = plan->node_of[component->input[i]];
            if (node >= 0) fix_unless_wired(units, wired, node, plan, "input");
        }
        for (int o = 0; o < component->num_outputs; o++)
            fix_unless_wired(units, wired, plan->node_of[component->output[o]], plan, "output");
    }
}

/* Values of inputs that nothing reads stay; and every unit of a row remembers its input. */
static void describe_rows(esp_units *units, const esp_graph *graph, const esp_plan *plan)
{
    for (int u = 0; u < units->num; u++) units->port[u] = -1;
    for (int c = 0, port = 0; c < graph->num_components; c++) {
        int unit = plan->row[c] >= 0 ? units->first[plan->row[c]] : 0;
        for (int i = 0; i < graph->component[c].num_inputs && plan->row[c] >= 0; i++, port++) {
            int value = graph->component[c].input[i];
            esp_shape shape = graph->node[value].shape;
            int count = shape.channels * (shape.rows ? shape.rows * shape.cols : 1);
            for (int k = 0; k < count; k++, unit++) {
                units->port[unit] = port;
                if (plan->node_of[value] < 0) esp_unit_fix(units, unit, "input");
            }
        }
    }
}

esp_status esp_units_make(const esp_graph *graph, const esp_plan *plan, esp_units *out)
{
    enum { MOST_UNITS = 1 << 24 }; /* flattened images of 84 x 84 x 32 are 2^18 */
    *out = (esp_units){.first = esp_alloc((size_t)plan->num + 1, sizeof *out->first)};
    int64_t total = 0;
    for (int i = 0; i < plan->num; i++) {
        if (total > MOST_UNITS) break;
        out->first[i] = (int)total;
        total += plan->node[i].shape.channels;
    }
    if (total > MOST_UNITS)
        return esp_fail(ESP_ERR_SHAPE, "the values of all nodes have more than %d entries", MOST_UNITS);
    out->num = (int)total;
    out->tied = esp_alloc((size_t)total + 1, sizeof *out->tied);
    out->fixed = esp_alloc((size_t)total + 1, sizeof *out->fixed);
    out->port = esp_alloc((size_t)total + 1, sizeof *out->port);
    bool *wired = esp_alloc((size_t)total + 1, sizeof *wired);
    for (int u = 0; u < out->num; u++) out->tied[u] = u;
    for (int i = 0; i < plan->num; i++) tie_node(out, plan, i);
    apply_ties(out, graph, plan, wired);
    fix_ports(out, graph, plan, wired);
    describe_rows(out, graph, plan);
    free(wired);
    return ESP_OK;
}

void esp_units_free(esp_units *units)
{
    free(units->first);
    free(units->tied);
    free(units->fixed);
    free(units->port);
    *units = (esp_units){0};
}
