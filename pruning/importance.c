/* Importance: the score by which the units of an axis are ranked. A criterion is one function and
 * one row of the table below. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "pruning/pruning.h"

/* ---- norms of the weights ---- */

/* Unit of `axis` behind every position of a dimension, -1 for positions of another axis. */
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

static void score_l1(const esp_network *net, int axis, uint64_t seed, double *scores)
{
    (void)seed;
    sum_powers(net, axis, 1, scores);
}

static void score_l2(const esp_network *net, int axis, uint64_t seed, double *scores)
{
    (void)seed;
    sum_powers(net, axis, 2, scores);
    for (int i = 0; i < net->axis[axis].size; i++) scores[i] = sqrt(scores[i]);
}

/* ---- chance ---- */

static void score_random(const esp_network *net, int axis, uint64_t seed, double *scores)
{
    esp_rng rng = esp_rng_make(seed, ESP_RNG_IMPORTANCE, (uint64_t)axis);
    for (int i = 0; i < net->axis[axis].size; i++) scores[i] = esp_rng_uniform(&rng);
}

/* ---- the table, and ranks ---- */

typedef void (*score_fn)(const esp_network *net, int axis, uint64_t seed, double *scores);

/* In the order of ESP_IMPORTANCE_CHOICES. */
static const score_fn criteria[] = {
    [ESP_IMPORTANCE_L1] = score_l1,
    [ESP_IMPORTANCE_L2] = score_l2,
    [ESP_IMPORTANCE_RANDOM] = score_random,
};

void esp_importance_scores(const esp_network *net, int axis, esp_importance kind, uint64_t seed, double *scores)
{
    assert(kind < sizeof criteria / sizeof *criteria && axis >= 0 && axis < net->num_axes);
    criteria[kind](net, axis, seed, scores);
}

typedef struct {
    double score;
    int    unit;
} scored_unit;

static int compare_units(const void *a, const void *b)
{
    const scored_unit *left = a, *right = b;
    int order = (left->score < right->score) - (left->score > right->score);
    return order ? order : left->unit - right->unit;
}

static int *rank_axis(const esp_network *net, int axis, esp_importance kind, uint64_t seed)
{
    size_t n = (size_t)net->axis[axis].size;
    double *scores = esp_alloc(n, sizeof *scores);
    scored_unit *units = esp_alloc(n, sizeof *units);
    int *order = esp_alloc(n, sizeof *order);
    esp_importance_scores(net, axis, kind, seed, scores);
    for (size_t i = 0; i < n; i++) units[i] = (scored_unit){scores[i], (int)i};
    qsort(units, n, sizeof *units, compare_units);
    for (size_t i = 0; i < n; i++) order[i] = units[i].unit;
    free(scores);
    free(units);
    return order;
}

void esp_ranking_make(const esp_network *net, esp_importance kind, uint64_t seed, esp_ranking *out)
{
    *out = (esp_ranking){{NULL}};
    for (int axis = 0; axis < net->num_axes; axis++) out->order[axis] = rank_axis(net, axis, kind, seed);
}

void esp_ranking_free(esp_ranking *ranking)
{
    for (int axis = 0; axis < ESP_MAX_AXES; axis++) free(ranking->order[axis]);
    *ranking = (esp_ranking){{NULL}};
}
