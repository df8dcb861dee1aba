/* Importance from the weights alone: norms over all weights that a unit reads and writes with.
 *
 * lamp: the squared norm divided by the sum of the squared norms of all units of the axis that are not smaller: Lee
 * et al. 2021 (arXiv:2010.07611), with units in place of weights. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pruning/importance_internal.h"

/* Unit of `axis` at every position of a dimension, -1 for positions of another axis. */
static int *units_of_positions(const esp_network *net, const esp_tensor *tensor, int d, int axis)
{
    int *unit = esp_alloc((size_t)tensor->shape[d], sizeof *unit);
    int position = 0;
    for (int p = 0; p < tensor->dim[d].num; p++) {
        int part = tensor->dim[d].part[p].axis, block = tensor->dim[d].part[p].block;
        for (int i = 0; i < net->axis[part].size * block; i++) unit[position++] = part == axis ? i / block : -1;
    }
    return unit;
}

static void add_powers(const esp_network *net, int t, int d, const int *unit, int power, double *sums)
{
    const esp_tensor *tensor = &net->tensor[t];
    const float *weights = esp_network_weights(net, t);
    size_t inner = 1;
    for (int i = d + 1; i < tensor->rank; i++) inner *= (size_t)tensor->shape[i];
    for (size_t row = 0; row < tensor->count / inner; row++) {
        int target = unit[row % (size_t)tensor->shape[d]];
        if (target < 0) continue;
        double sum = 0;
        for (size_t i = row * inner; i < (row + 1) * inner; i++)
            sum += power == 1 ? fabs((double)weights[i]) : (double)weights[i] * weights[i];
        sums[target] += sum;
    }
}

static void sum_powers(const esp_network *net, int axis, int power, double *sums)
{
    for (int i = 0; i < net->axis[axis].size; i++) sums[i] = 0;
    for (int t = 0; t < net->num_tensors; t++) {
        const esp_tensor *tensor = &net->tensor[t];
        if (tensor->rank < 2 || !esp_tensor_has_axis(tensor, axis)) continue;
        for (int d = 0; d < tensor->rank; d++) {
            if (tensor->dim[d].num == 0) continue;
            int *unit = units_of_positions(net, tensor, d, axis);
            add_powers(net, t, d, unit, power, sums);
            free(unit);
        }
    }
}

esp_status esp_score_l1(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores)
{
    (void)calibration;
    (void)seed;
    for (int axis = 0; axis < net->num_axes; axis++) sum_powers(net, axis, 1, scores[axis]);
    return ESP_OK;
}

esp_status esp_score_l2(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores)
{
    (void)calibration;
    (void)seed;
    for (int axis = 0; axis < net->num_axes; axis++) {
        sum_powers(net, axis, 2, scores[axis]);
        for (int i = 0; i < net->axis[axis].size; i++) scores[axis][i] = sqrt(scores[axis][i]);
    }
    return ESP_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Turns squared norms into shares: a unit's divided by the sum over all that are not smaller, including itself. */
static void share_among_larger(int n, double *squares)
{
    double *sorted = esp_alloc((size_t)n, sizeof *sorted), *rest = esp_alloc((size_t)n, sizeof *rest);
    memcpy(sorted, squares, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare_doubles);
    double sum = 0;
    for (int i = n; i-- > 0;) rest[i] = sum += sorted[i];
    for (int u = 0; u < n; u++) {
        int i = 0;
        while (sorted[i] < squares[u]) i++;
        squares[u] = rest[i] > 0 ? squares[u] / rest[i] : 0;
    }
    free(sorted);
    free(rest);
}

esp_status esp_score_lamp(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                          double *const *scores)
{
    (void)calibration;
    (void)seed;
    for (int axis = 0; axis < net->num_axes; axis++) {
        sum_powers(net, axis, 2, scores[axis]);
        share_among_larger(net->axis[axis].size, scores[axis]);
    }
    return ESP_OK;
}
