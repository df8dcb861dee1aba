/* Axes: every part of every dimension is an axis times a block; equal lists of units are one axis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph_internal.h"

/* ---- lists of units ---- */

static int find_axis(const esp_axes *axes, int size, const int *unit)
{
    for (int i = 0; i < axes->num; i++)
        if (axes->axis[i].size == size && memcmp(axes->axis[i].unit, unit, (size_t)size * sizeof *unit) == 0) return i;
    return -1;
}

/* Takes ownership of the list. */
static int axis_of(esp_axes *axes, int size, int *unit, bool fixed)
{
    int known = find_axis(axes, size, unit);
    if (known >= 0) {
        free(unit);
        return known;
    }
    if (axes->num == axes->room) {
        axes->room = axes->room ? 2 * axes->room : 32;
        esp_axis_plan *larger = esp_alloc((size_t)axes->room, sizeof *larger);
        if (axes->num) memcpy(larger, axes->axis, (size_t)axes->num * sizeof *larger);
        free(axes->axis);
        axes->axis = larger;
    }
    axes->axis[axes->num] = (esp_axis_plan){.size = size, .unit = unit, .fixed = fixed, .index = -1};
    return axes->num++;
}

/* The parts of a dimension; their axes are indices into `axes` until all are known. */
static esp_dim dim_of(esp_axes *axes, const esp_runs *runs, const int *root, int count, bool merged)
{
    esp_dim dim = {0};
    esp_stretch part;
    for (int at = 0; esp_next_stretch(runs, root, count, merged, &at, &part); dim.num++) {
        int *unit = esp_alloc((size_t)part.units, sizeof *unit);
        for (int u = 0; u < part.units; u++) unit[u] = root[part.first + u * part.block];
        dim.part[dim.num].axis = axis_of(axes, part.units, unit, part.fixed);
        dim.part[dim.num].block = part.block;
    }
    return dim;
}

static void read_dims(const esp_graph *graph, const esp_runs *runs, esp_axes *axes)
{
    const esp_plan *plan = runs->plan;
    for (int i = 0; i < plan->num; i++)
        axes->dim[i] = dim_of(axes, runs, runs->root + runs->units->first[i], plan->node[i].shape.channels,
                              runs->merged[i]);
    for (int c = 0; c < graph->num_components; c++) {
        if (plan->row[c] < 0) continue;
        int unit = runs->units->first[plan->row[c]];
        for (int i = 0; i < graph->component[c].num_inputs; i++) {
            int value = graph->component[c].input[i];
            esp_shape shape = graph->node[value].shape;
            int count = shape.channels * (shape.rows ? shape.rows * shape.cols : 1);
            if (plan->node_of[value] < 0) axes->unread[c][i] = dim_of(axes, runs, runs->root + unit, count, true);
            unit += count;
        }
    }
}

/* ---- names ---- */

/* The axis at a position of a dimension; -1: none. */
static int axis_at(const esp_axes *axes, const esp_dim *dim, int position)
{
    for (int p = 0; p < dim->num; p++) {
        position -= axes->axis[dim->part[p].axis].size * dim->part[p].block;
        if (position < 0) return dim->part[p].axis;
    }
    return -1;
}

/* What a value consists of; NULL: it is not in the network. */
static const esp_dim *dim_of_value(const esp_graph *graph, const esp_runs *runs, const esp_axes *axes, int value)
{
    int node = runs->plan->node_of[value], c = graph->node[value].layer.component;
    if (node >= 0) return &axes->dim[node];
    for (int i = 0; i < graph->component[c].num_inputs; i++)
        if (graph->component[c].input[i] == value) return &axes->unread[c][i];
    return NULL;
}

static void apply_names(const esp_graph *graph, const esp_runs *runs, esp_axes *axes)
{
    for (int k = 0; k < graph->num_names; k++) {
        const esp_axis_name *entry = &graph->name[k];
        const esp_dim *dim = dim_of_value(graph, runs, axes, entry->value);
        int axis = dim ? axis_at(axes, dim, entry->first) : -1;
        if (axis < 0 || axes->axis[axis].name) continue;
        axes->axis[axis].name = entry->name;
        axes->axis[axis].order = k;
    }
}

/* The input with this number, counted over all components. */
static const esp_node *port_node(const esp_graph *graph, int port)
{
    int c = 0;
    while (port >= graph->component[c].num_inputs) port -= graph->component[c++].num_inputs;
    return &graph->node[graph->component[c].input[port]];
}

/* After what makes its first unit; a part of it by its range there. */
static void default_name(const esp_graph *graph, const esp_runs *runs, const esp_axis_plan *axis, char out[ESP_NAME])
{
    int unit = axis->unit[0], port = runs->units->port[unit], maker = runs->maker[unit];
    int start = port >= 0 ? unit : runs->units->first[maker];
    while (port >= 0 && start > runs->units->first[maker] && runs->units->port[start - 1] == port) start--;
    const esp_node *node = port >= 0 ? port_node(graph, port) : &runs->plan->node[maker];
    int first = unit - start;
    const char *base = node->layer.module;
    int length = first == 0 && axis->size == node->shape.channels
                     ? snprintf(out, ESP_NAME, "%s", base)
                     : snprintf(out, ESP_NAME, "%s[%d:%d]", base, first, first + axis->size);
    if (length >= ESP_NAME) snprintf(out, ESP_NAME, "%.40s...[%d:%d]", base, first, first + axis->size);
}

static void make_unique(const esp_network *net, char name[ESP_NAME])
{
    char base[ESP_NAME];
    memcpy(base, name, ESP_NAME);
    for (int k = 2; esp_network_find_axis(net, name) >= 0; k++) snprintf(name, ESP_NAME, "%.50s#%d", base, k);
}

/* ---- into the network ---- */

static void declare(const esp_runs *runs, esp_axis_plan *axis, const char *name, esp_network *net)
{
    axis->index = esp_network_axis(net, name, axis->size, !axis->fixed);
    if (axis->fixed) net->axis[axis->index].fixed = runs->units->fixed[axis->unit[0]];
}

static void declare_named(const esp_graph *graph, const esp_runs *runs, esp_axes *axes, esp_network *net)
{
    for (int k = 0; k < graph->num_names; k++)
        for (int i = 0; i < axes->num; i++)
            if (axes->axis[i].name && axes->axis[i].order == k) declare(runs, &axes->axis[i], axes->axis[i].name, net);
}

static void declare_others(const esp_graph *graph, const esp_runs *runs, esp_axes *axes, esp_network *net)
{
    for (int i = 0; i < axes->num; i++) {
        if (axes->axis[i].name) continue;
        char name[ESP_NAME];
        default_name(graph, runs, &axes->axis[i], name);
        make_unique(net, name);
        declare(runs, &axes->axis[i], name, net);
    }
}

static void renumber(const esp_axes *axes, esp_dim *dim)
{
    for (int p = 0; p < dim->num; p++) dim->part[p].axis = axes->axis[dim->part[p].axis].index;
}

esp_status esp_axes_make(const esp_graph *graph, const esp_runs *runs, esp_network *net, esp_axes *out)
{
    *out = (esp_axes){.dim = esp_alloc((size_t)runs->plan->num + 1, sizeof *out->dim)};
    read_dims(graph, runs, out);
    if (out->num > ESP_MAX_AXES)
        return esp_fail(ESP_ERR_SHAPE, "the network has %d axes, expected at most %d", out->num, ESP_MAX_AXES);
    apply_names(graph, runs, out);
    declare_named(graph, runs, out, net);
    declare_others(graph, runs, out, net);
    for (int i = 0; i < runs->plan->num; i++) renumber(out, &out->dim[i]);
    for (int c = 0; c < ESP_MAX_COMPONENTS; c++)
        for (int i = 0; i < ESP_MAX_PORTS; i++) renumber(out, &out->unread[c][i]);
    return ESP_OK;
}

void esp_axes_free(esp_axes *axes)
{
    for (int i = 0; i < axes->num; i++) free(axes->axis[i].unit);
    free(axes->axis);
    free(axes->dim);
    *axes = (esp_axes){0};
}
