/* Surgery: makes a physically smaller network from a network and the units to keep. It knows only
 * tensors and dimensions: a dimension is a concatenation of parts (axis times block), so the kept
 * units of its axes determine which slices of every tensor to copy. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pruning/pruning.h"

/* ---- the cut ---- */

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void esp_cut_make(const esp_network *net, const esp_ranking *ranking, const esp_widths *widths, esp_cut *out)
{
    *out = (esp_cut){.widths = *widths};
    for (int axis = 0; axis < net->num_axes; axis++) {
        int kept = widths->kept[axis];
        assert(kept >= 1 && kept <= net->axis[axis].size);
        assert(kept == net->axis[axis].size || net->axis[axis].prunable);
        out->kept[axis] = esp_alloc((size_t)kept, sizeof(int));
        memcpy(out->kept[axis], ranking->order[axis], (size_t)kept * sizeof(int));
        qsort(out->kept[axis], (size_t)kept, sizeof(int), compare_ints); /* units keep their order */
    }
}

esp_status esp_cut_equal(const esp_network *net, const esp_grouping *grouping, const esp_ranking *ranking,
                         const esp_target *target, esp_cut *out)
{
    const double equal[ESP_MAX_AXES] = {0};
    esp_levels levels;
    esp_widths widths;
    esp_levels_make(net, grouping, &levels);
    esp_status status = esp_project(&levels, target, equal, &widths);
    esp_levels_free(&levels);
    if (status == ESP_OK) esp_cut_make(net, ranking, &widths, out);
    return status;
}

void esp_cut_free(esp_cut *cut)
{
    for (int axis = 0; axis < ESP_MAX_AXES; axis++) free(cut->kept[axis]);
    *cut = (esp_cut){{{0}}, {NULL}};
}

/* ---- the copy ---- */

/* The kept positions of one dimension, in order. */
typedef struct {
    int  size;  /* positions before */
    int  count; /* positions kept */
    int *at;    /* [count], owned */
} slices;

static slices all_positions(int size)
{
    slices kept = {size, size, esp_alloc((size_t)size, sizeof(int))};
    for (int i = 0; i < size; i++) kept.at[i] = i;
    return kept;
}

int esp_cut_positions(const esp_network *net, const esp_cut *cut, const esp_dim *dim, int *positions)
{
    int first = 0, count = 0;
    for (int p = 0; p < dim->num; p++) {
        int axis = dim->part[p].axis, block = dim->part[p].block;
        for (int i = 0; i < cut->widths.kept[axis]; i++)
            for (int b = 0; b < block; b++) positions[count++] = first + cut->kept[axis][i] * block + b;
        first += net->axis[axis].size * block;
    }
    return count;
}

static slices kept_positions(const esp_network *net, const esp_cut *cut, const esp_tensor *tensor, int d)
{
    if (tensor->dim[d].num == 0) return all_positions(tensor->shape[d]);
    slices kept = {tensor->shape[d], 0, esp_alloc((size_t)tensor->shape[d], sizeof(int))};
    kept.count = esp_cut_positions(net, cut, &tensor->dim[d], kept.at);
    return kept;
}

static void copy_kept(const slices *dim, const float *from, float *to)
{
    for (int i = 0; i < dim[0].count; i++) {
        for (int j = 0; j < dim[1].count; j++) {
            for (int k = 0; k < dim[2].count; k++) {
                size_t row = ((size_t)dim[0].at[i] * dim[1].size + dim[1].at[j]) * dim[2].size + dim[2].at[k];
                const float *source = from + row * (size_t)dim[3].size;
                for (int l = 0; l < dim[3].count; l++) *to++ = source[dim[3].at[l]];
            }
        }
    }
}

static void copy_tensor(const esp_network *net, const esp_cut *cut, int t, const esp_network *smaller)
{
    const esp_tensor *tensor = &net->tensor[t];
    slices dim[4];
    int missing = 4 - tensor->rank; /* fills up with leading dimensions of one, so that inner loops stay long */
    for (int d = 0; d < 4; d++) dim[d] = d < missing ? all_positions(1) : kept_positions(net, cut, tensor, d - missing);
    copy_kept(dim, esp_network_weights(net, t), esp_network_weights(smaller, t));
    for (int d = 0; d < 4; d++) free(dim[d].at);
}

esp_status esp_surgery(const esp_network *net, const esp_cut *cut, esp_network **out)
{
    esp_network *smaller = esp_network_describe(net);
    for (int axis = 0; axis < net->num_axes; axis++) smaller->axis[axis].size = cut->widths.kept[axis];
    esp_status status = esp_network_finish(smaller);
    if (status != ESP_OK) {
        esp_network_free(smaller);
        return status;
    }
    for (int t = 0; t < net->num_tensors; t++) copy_tensor(net, cut, t, smaller);
    *out = smaller;
    return ESP_OK;
}
