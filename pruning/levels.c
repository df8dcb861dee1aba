/* Levels: the widths that a group can really have. Coefficients are real, but units are whole,
 * rounded and bounded, so a group has a finite ladder of settings, on which searches move. */
#include <math.h>
#include <stdlib.h>

#include "pruning/pruning.h"

static int largest_axis(const esp_network *net, const esp_group *group)
{
    int largest = group->axis[0];
    for (int i = 1; i < group->num_axes; i++)
        if (net->axis[group->axis[i]].size > net->axis[largest].size) largest = group->axis[i];
    return largest;
}

static esp_widths with_one(const esp_network *net, const esp_grouping *grouping, int g, double coefficient)
{
    double coefficients[ESP_MAX_AXES] = {0};
    coefficients[g] = coefficient;
    return esp_widths_of(net, grouping, coefficients);
}

/* The realised fraction if it gives these widths, so that a level's coefficient is the one
 * reported; with rounding and several axes possibly only the requested coefficient does. */
static double name_level(const esp_network *net, const esp_grouping *grouping, int g, double asked)
{
    int axis = largest_axis(net, &grouping->group[g]);
    esp_widths widths = with_one(net, grouping, g, asked);
    double realised = 1 - (double)widths.kept[axis] / net->axis[axis].size;
    esp_widths again = with_one(net, grouping, g, realised);
    return esp_widths_equal(net, &again, &widths) ? realised : asked;
}

static void make_group(const esp_network *net, const esp_grouping *grouping, int g, esp_levels *levels)
{
    int units = net->axis[largest_axis(net, &grouping->group[g])].size;
    levels->coefficient[g] = esp_alloc((size_t)units + 1, sizeof(double));
    esp_widths last;
    for (int removed = 0; removed <= units; removed++) {
        double asked = (double)removed / units;
        esp_widths widths = with_one(net, grouping, g, asked);
        if (removed > 0 && esp_widths_equal(net, &widths, &last)) continue;
        levels->coefficient[g][levels->count[g]++] = name_level(net, grouping, g, asked);
        last = widths;
    }
}

void esp_levels_make(const esp_network *net, const esp_grouping *grouping, esp_levels *out)
{
    *out = (esp_levels){.net = net, .grouping = grouping, .num = grouping->num};
    for (int g = 0; g < grouping->num; g++) make_group(net, grouping, g, out);
}

void esp_levels_free(esp_levels *levels)
{
    for (int g = 0; g < levels->num; g++) free(levels->coefficient[g]);
    *levels = (esp_levels){0};
}

int esp_levels_nearest(const esp_levels *levels, int g, double coefficient)
{
    const double *c = levels->coefficient[g];
    int low = 0, high = levels->count[g] - 1;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (c[middle] <= coefficient) low = middle;
        else                          high = middle;
    }
    return coefficient - c[low] < c[high] - coefficient ? low : high;
}

esp_widths esp_levels_widths(const esp_levels *levels, const int *level)
{
    double coefficient[ESP_MAX_AXES];
    for (int g = 0; g < levels->num; g++) coefficient[g] = levels->coefficient[g][level[g]];
    return esp_widths_of(levels->net, levels->grouping, coefficient);
}
