/* Groups: which axes share a coefficient, and how many parameters belong to it. Both built-in
 * groupings are derived from the tensors, which already say what depends on what. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "pruning/pruning.h"

static bool among(unsigned components, int component)
{
    return components >> component & 1u;
}

static void clear(esp_grouping *grouping, unsigned components)
{
    memset(grouping, 0, sizeof *grouping);
    grouping->components = components;
    grouping->round_to = 1;
    grouping->ceiling = ESP_MAX_COEFFICIENT;
    for (int g = 0; g < ESP_MAX_AXES; g++) grouping->group[g].most = ESP_MAX_COEFFICIENT;
}

static bool couples(const esp_network *net, int axis)
{
    return __builtin_popcount(esp_axis_components(net, axis)) > 1;
}

/* ---- structural: one group per axis ---- */

static void count_along(const esp_network *net, unsigned components, int axis, esp_group *group)
{
    int last_layer = -1;
    for (int i = 0; i < net->num_tensors; i++) {
        const esp_tensor *tensor = &net->tensor[i];
        if (!among(components, tensor->component) || !esp_tensor_has_axis(tensor, axis)) continue;
        if (tensor->trainable) group->params += tensor->count;
        if (tensor->layer != last_layer) group->modules++; /* tensors of a layer follow each other */
        last_layer = tensor->layer;
    }
}

void esp_grouping_structural(const esp_network *net, unsigned components, esp_grouping *out)
{
    clear(out, components);
    out->structural_constraint = true;
    for (int axis = 0; axis < net->num_axes; axis++) {
        if (!net->axis[axis].prunable || !(esp_axis_components(net, axis) & components)) continue;
        esp_group *group = &out->group[out->num++];
        snprintf(group->name, sizeof group->name, "%s", net->axis[axis].name);
        group->coupling = couples(net, axis);
        group->axis[group->num_axes++] = axis;
        count_along(net, components, axis, group);
    }
}

/* ---- the table of an application ---- */

enum { LIST = sizeof(((esp_group_spec *)0)->axes) / sizeof(char *) };

static esp_status check_axis(const esp_network *net, const esp_grouping *grouping, const char *group,
                             const char *name, int *axis)
{
    *axis = esp_network_find_axis(net, name);
    if (*axis < 0) return esp_fail(ESP_ERR_SHAPE, "group '%s': the network has no axis '%s'", group, name);
    if (!net->axis[*axis].prunable)
        return esp_fail(ESP_ERR_SHAPE, "group '%s': axis '%s' is an input or output; its units stay", group, name);
    for (int g = 0; g <= grouping->num; g++) /* including the group being filled */
        for (int i = 0; i < grouping->group[g].num_axes; i++)
            if (grouping->group[g].axis[i] == *axis)
                return esp_fail(ESP_ERR_SHAPE, "group '%s': axis '%s' is already in a group", group, name);
    return ESP_OK;
}

/* Counts only the producer, because then every parameter belongs to at most one group. */
static size_t count_produced(const esp_network *net, unsigned components, const esp_group *group)
{
    size_t params = 0;
    for (int i = 0; i < net->num_layers; i++) {
        const esp_layer *layer = &net->layer[i];
        if (!esp_layer_has_weights(layer) || !among(components, layer->component)) continue;
        bool produces = false;
        for (int k = 0; k < group->num_axes; k++)
            for (int p = 0; p < layer->out.num; p++)
                if (layer->out.part[p].axis == group->axis[k]) produces = true;
        if (!produces) continue;
        params += net->tensor[layer->weight].count;
        if (layer->bias >= 0) params += net->tensor[layer->bias].count;
    }
    return params;
}

static bool elsewhere(const esp_network *net, unsigned components, const char *module)
{
    for (int i = 0; i < net->num_layers; i++)
        if (strcmp(net->layer[i].module, module) == 0) return !among(components, net->layer[i].component);
    return false;
}

/* In a network without some of its components, axes may be missing; in a whole network a missing
 * axis is a wrong name. */
static bool left_out(const esp_network *net, const char *axis)
{
    bool whole = esp_network_components(net) == (1u << net->num_components) - 1;
    return !whole && esp_network_find_axis(net, axis) < 0;
}

/* Fills the group after the last; it counts only once it has an axis. */
static esp_status add_group(const esp_network *net, const esp_group_spec *spec, unsigned components,
                            esp_grouping *grouping)
{
    if (grouping->num == ESP_MAX_AXES)
        return esp_fail(ESP_ERR_SHAPE, "group '%s': more than %d groups", spec->name, ESP_MAX_AXES);
    esp_group *group = &grouping->group[grouping->num];
    snprintf(group->name, sizeof group->name, "%s", spec->name);
    group->coupling = spec->coupling;
    for (int i = 0; i < LIST && spec->axes[i]; i++) {
        int axis;
        if (left_out(net, spec->axes[i])) continue;
        esp_status status = check_axis(net, grouping, spec->name, spec->axes[i], &axis);
        if (status != ESP_OK) return status;
        if (esp_axis_components(net, axis) & components) group->axis[group->num_axes++] = axis;
    }
    for (int i = 0; i < LIST && spec->modules[i]; i++)
        if (!elsewhere(net, components, spec->modules[i])) group->modules++;
    group->params = count_produced(net, components, group);
    if (group->num_axes > 0) grouping->num++;
    else                     *group = (esp_group){.most = ESP_MAX_COEFFICIENT};
    return ESP_OK;
}

esp_status esp_grouping_from_specs(const esp_network *net, const esp_group_spec *specs, int count,
                                   unsigned components, esp_grouping *out)
{
    clear(out, components);
    esp_status status = ESP_OK;
    for (int i = 0; i < count && status == ESP_OK; i++) status = add_group(net, &specs[i], components, out);
    return status;
}

/* ---- bounds ---- */

static esp_status nothing_matches(const esp_grouping *grouping, const char *pattern)
{
    char list[ESP_ERROR_TEXT / 2] = "";
    for (int g = 0; g < grouping->num; g++) {
        size_t length = strlen(list);
        snprintf(list + length, sizeof list - length, "%s%s", g > 0 ? ", " : "", grouping->group[g].name);
    }
    return esp_fail(ESP_ERR_USAGE, "no group matches '%.64s'; there are: %s", pattern, list);
}

void esp_grouping_limit(esp_grouping *grouping, double ceiling)
{
    grouping->ceiling = ceiling;
    for (int g = 0; g < grouping->num; g++) grouping->group[g].most = ceiling;
}

esp_status esp_grouping_pin(esp_grouping *grouping, const char *pattern, double value)
{
    if (!(value >= 0 && value <= grouping->ceiling))
        return esp_fail(ESP_ERR_RANGE, "group '%.64s': coefficient %g, expected 0 to %g", pattern, value,
                        grouping->ceiling);
    int matches = 0;
    for (int g = 0; g < grouping->num; g++) {
        if (fnmatch(pattern, grouping->group[g].name, 0) != 0) continue;
        grouping->group[g].least = grouping->group[g].most = value;
        matches++;
    }
    return matches > 0 ? ESP_OK : nothing_matches(grouping, pattern);
}
