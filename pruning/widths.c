/* Widths: how many units of each axis stay, and the sparsity that follows. The size of a tensor follows from the widths
 * of its axes, so sparsity takes microseconds of integer arithmetic and needs no pruned network. */
#include <math.h>
#include <string.h>

#include "pruning/pruning.h"

esp_widths esp_widths_full(const esp_network *net)
{
    esp_widths widths = {{0}};
    for (int i = 0; i < net->num_axes; i++) widths.kept[i] = net->axis[i].size;
    return widths;
}

bool esp_widths_equal(const esp_network *net, const esp_widths *a, const esp_widths *b)
{
    return memcmp(a->kept, b->kept, (size_t)net->num_axes * sizeof(int)) == 0;
}

static int fewest_units(const esp_grouping *grouping, int n)
{
    int fewest = n - (int)floor(grouping->ceiling * n);
    return fewest > 1 ? fewest : 1;
}

static int units_kept(const esp_grouping *grouping, int n, double coefficient)
{
    int kept = n - (int)lround(coefficient * n), fewest = fewest_units(grouping, n);
    return kept > n ? n : kept < fewest ? fewest : kept;
}

/* The nearest width that the rounding allows, within the group's bounds if such a width exists. */
static int width_of(const esp_grouping *grouping, const esp_group *group, int n, double coefficient)
{
    int kept = units_kept(grouping, n, fmin(fmax(coefficient, group->least), group->most));
    int low = units_kept(grouping, n, group->most), high = units_kept(grouping, n, group->least);
    int below = kept - kept % grouping->round_to, above = below == kept ? kept : below + grouping->round_to;
    if (kept == n || above > n) above = n;
    if (below < fewest_units(grouping, n)) return above;
    if ((below >= low) != (above <= high)) return below >= low ? below : above;
    return kept - below < above - kept ? below : above;
}

esp_widths esp_widths_of(const esp_network *net, const esp_grouping *grouping, const double *coefficients)
{
    esp_widths widths = esp_widths_full(net);
    for (int g = 0; g < grouping->num; g++) {
        const esp_group *group = &grouping->group[g];
        for (int i = 0; i < group->num_axes; i++) {
            int axis = group->axis[i];
            widths.kept[axis] = width_of(grouping, group, net->axis[axis].size, coefficients[g]);
        }
    }
    return widths;
}

double esp_group_fraction(const esp_network *net, const esp_group *group, const esp_widths *widths)
{
    int before = 0, kept = 0;
    for (int i = 0; i < group->num_axes; i++) {
        before += net->axis[group->axis[i]].size;
        kept += widths->kept[group->axis[i]];
    }
    return (double)(before - kept) / before;
}

/* ---- exact ---- */

size_t esp_tensor_params(const esp_tensor *tensor, const esp_widths *widths)
{
    size_t count = 1;
    for (int d = 0; d < tensor->rank; d++) {
        const esp_dim *dim = &tensor->dim[d];
        size_t size = dim->num ? 0 : (size_t)tensor->shape[d];
        for (int p = 0; p < dim->num; p++) size += (size_t)widths->kept[dim->part[p].axis] * (size_t)dim->part[p].block;
        count *= size;
    }
    return count;
}

static bool counts(const esp_tensor *tensor, unsigned components)
{
    return tensor->trainable && (components >> tensor->component & 1u);
}

size_t esp_widths_params(const esp_network *net, const esp_widths *widths, unsigned components)
{
    size_t params = 0;
    for (int i = 0; i < net->num_tensors; i++)
        if (counts(&net->tensor[i], components)) params += esp_tensor_params(&net->tensor[i], widths);
    return params;
}

double esp_structural_sparsity(const esp_network *net, const esp_widths *widths, unsigned components)
{
    size_t before = esp_network_params(net, components);
    if (before == 0) return 0;
    return (double)(before - esp_widths_params(net, widths, components)) / (double)before;
}

static double nominal_total(const esp_grouping *grouping)
{
    double total = 0;
    for (int g = 0; g < grouping->num; g++) total += (double)grouping->group[g].params;
    return total;
}

double esp_nominal_sparsity(const esp_network *net, const esp_grouping *grouping, const esp_widths *widths)
{
    double total = nominal_total(grouping), removed = 0;
    for (int g = 0; g < grouping->num; g++)
        removed += esp_group_fraction(net, &grouping->group[g], widths) * (double)grouping->group[g].params;
    return total > 0 ? removed / total : 0;
}

double esp_constrained_sparsity(const esp_network *net, const esp_grouping *grouping, const esp_widths *widths)
{
    return grouping->structural_constraint ? esp_structural_sparsity(net, widths, grouping->components)
                                           : esp_nominal_sparsity(net, grouping, widths);
}

/* ---- smooth ---- */

/* Without a ceiling a coefficient may be 1, where the gradient would divide by a width of 0. */
#define MOST_REAL 0.999

/* Real-valued widths, and the group that moves each axis (-1: none). */
typedef struct {
    double width[ESP_MAX_AXES];
    int    group[ESP_MAX_AXES];
} real_widths;

static real_widths widths_between(const esp_network *net, const esp_grouping *grouping, const double *coefficients)
{
    real_widths real;
    for (int i = 0; i < net->num_axes; i++) {
        real.width[i] = net->axis[i].size;
        real.group[i] = -1;
    }
    for (int g = 0; g < grouping->num; g++) {
        for (int i = 0; i < grouping->group[g].num_axes; i++) {
            int axis = grouping->group[g].axis[i];
            real.width[axis] *= 1 - fmin(coefficients[g], MOST_REAL);
            real.group[axis] = g;
        }
    }
    return real;
}

/* Real-valued parameters of one tensor; adds scale times their derivative with respect to every
 * coefficient. */
static double tensor_between(const esp_network *net, const esp_tensor *tensor, const real_widths *real, double scale,
                             double *gradient)
{
    double size[4], count = 1;
    for (int d = 0; d < tensor->rank; d++) {
        const esp_dim *dim = &tensor->dim[d];
        size[d] = dim->num ? 0 : tensor->shape[d];
        for (int p = 0; p < dim->num; p++) size[d] += real->width[dim->part[p].axis] * dim->part[p].block;
        count *= size[d];
    }
    for (int d = 0; d < tensor->rank && gradient; d++) {
        for (int p = 0; p < tensor->dim[d].num; p++) {
            int axis = tensor->dim[d].part[p].axis, group = real->group[axis];
            if (group < 0) continue;
            double per_coefficient = -(double)net->axis[axis].size * tensor->dim[d].part[p].block;
            gradient[group] += scale * per_coefficient * count / size[d]; /* some units always stay: size > 0 */
        }
    }
    return count;
}

static double smooth_structural(const esp_network *net, const esp_grouping *grouping, const double *coefficients,
                                double *gradient)
{
    double before = (double)esp_network_params(net, grouping->components), params = 0;
    if (before == 0) return 0;
    real_widths real = widths_between(net, grouping, coefficients);
    for (int i = 0; i < net->num_tensors; i++)
        if (counts(&net->tensor[i], grouping->components))
            params += tensor_between(net, &net->tensor[i], &real, -1 / before, gradient);
    return 1 - params / before;
}

double esp_smooth_sparsity(const esp_network *net, const esp_grouping *grouping, const double *coefficients,
                           double *gradient)
{
    for (int g = 0; g < grouping->num && gradient; g++) gradient[g] = 0;
    if (grouping->structural_constraint) return smooth_structural(net, grouping, coefficients, gradient);

    double total = nominal_total(grouping), sparsity = 0;
    for (int g = 0; g < grouping->num && total > 0; g++) {
        double share = (double)grouping->group[g].params / total;
        sparsity += coefficients[g] * share;
        if (gradient) gradient[g] = share;
    }
    return sparsity;
}
