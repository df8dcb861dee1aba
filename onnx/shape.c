/* What the attributes and constant inputs of a node say about dimensions: the same for constants, which are folded,
 * and for values that the network computes. */
#include <string.h>

#include "onnx/onnx_internal.h"

const esp_onnx_tensor *esp_onnx_constant(const esp_onnx_model *model, const esp_onnx_node *node, int k)
{
    return k < node->num_inputs && node->input[k] >= 0 ? model->value[node->input[k]].constant : NULL;
}

static esp_status normalise_axis(const esp_onnx_model *model, const esp_onnx_node *node, int64_t axis, int rank,
                                 int *out)
{
    if (axis < -rank || axis >= rank)
        return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "axis %lld of %d dimensions", (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return ESP_OK;
}

esp_status esp_onnx_axis(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, int64_t otherwise,
                         int rank, int *out)
{
    int64_t axis;
    esp_status status = esp_onnx_int(model, node, name, otherwise, &axis);
    return status == ESP_OK ? normalise_axis(model, node, axis, rank, out) : status;
}

esp_status esp_onnx_list(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, int k, int *count,
                         const int64_t **out)
{
    const esp_onnx_tensor *tensor = esp_onnx_constant(model, node, k);
    if (k < node->num_inputs && node->input[k] >= 0) {
        if (!tensor || !tensor->whole || tensor->rank > 1 || tensor->count > ESP_ONNX_LONGEST)
            return esp_onnx_refuse(model, node, ESP_ERR_FORMAT, "its input %d (%s) must be constant integers", k, name);
        *count = (int)tensor->count;
        *out = tensor->whole;
        return ESP_OK;
    }
    return esp_onnx_ints(model, node, name, count, out);
}

esp_status esp_onnx_axes(const esp_onnx_model *model, const esp_onnx_node *node, int rank, bool *set, bool *given)
{
    int count;
    const int64_t *axes;
    esp_status status = esp_onnx_list(model, node, "axes", 1, &count, &axes);
    memset(set, 0, ESP_ONNX_RANK * sizeof *set);
    *given = status == ESP_OK && axes;
    for (int i = 0; i < count && status == ESP_OK; i++) {
        int axis = 0;
        status = normalise_axis(model, node, axes[i], rank, &axis);
        if (status == ESP_OK) set[axis] = true;
    }
    return status;
}

/* ---- Reshape, Flatten, Squeeze, Unsqueeze ---- */

/* Product of some dimensions; with ESP_ONNX_BATCH among them it is that many times the product of the others, and
 * *open counts how often. */
static int64_t product(int first, int end, const int64_t *dim, int *open)
{
    int64_t all = 1;
    for (int d = first; d < end; d++) {
        if (dim[d] == ESP_ONNX_BATCH) ++*open;
        else if (__builtin_mul_overflow(all, dim[d], &all)) return -1;
    }
    return all;
}

static esp_status squeeze(const esp_onnx_model *model, const esp_onnx_node *node, int rank, const int64_t *dim,
                          int *out_rank, int64_t *out)
{
    bool set[ESP_ONNX_RANK], given;
    esp_status status = esp_onnx_axes(model, node, rank, set, &given);
    *out_rank = 0;
    for (int d = 0; d < rank && status == ESP_OK; d++) {
        bool drop = given ? set[d] : dim[d] == 1;
        if (drop && dim[d] != 1)
            status = esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "dimension %d does not have size 1", d);
        if (!drop) out[(*out_rank)++] = dim[d];
    }
    return status;
}

static esp_status unsqueeze(const esp_onnx_model *model, const esp_onnx_node *node, int rank, const int64_t *dim,
                            int *out_rank, int64_t *out)
{
    int count;
    const int64_t *axes;
    bool set[ESP_ONNX_RANK], given;
    esp_status status = esp_onnx_list(model, node, "axes", 1, &count, &axes);
    if (status != ESP_OK) return status;
    if (rank + count > ESP_ONNX_RANK)
        return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "more than %d dimensions", ESP_ONNX_RANK);
    *out_rank = rank + count;
    status = esp_onnx_axes(model, node, *out_rank, set, &given);
    int left = rank;
    for (int d = *out_rank - 1; d >= 0 && status == ESP_OK; d--) {
        if (!set[d] && left == 0) status = esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "an axis occurs twice");
        else out[d] = set[d] ? 1 : dim[--left];
    }
    return status;
}

static esp_status flatten(const esp_onnx_model *model, const esp_onnx_node *node, int rank, const int64_t *dim,
                          int *out_rank, int64_t *out)
{
    int64_t axis;
    esp_status status = esp_onnx_int(model, node, "axis", 1, &axis);
    if (status != ESP_OK) return status;
    if (axis < 0) axis += rank;
    if (axis < 0 || axis > rank)
        return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "axis %lld of %d dimensions", (long long)axis, rank);
    int left = 0, right = 0;
    *out_rank = 2;
    out[0] = product(0, (int)axis, dim, &left);
    out[1] = product((int)axis, rank, dim, &right);
    if (left == 1 && out[0] == 1) out[0] = ESP_ONNX_BATCH;
    else if (left) out[0] = -1;
    if (right || out[0] == -1 || out[1] < 0)
        return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "it mixes samples with their values");
    return ESP_OK;
}

/* The one dimension that is -1 gets what is left. */
static esp_status fill_in(const esp_onnx_model *model, const esp_onnx_node *node, int rank, const int64_t *dim,
                          int out_rank, int64_t *out)
{
    int open = 0, out_open = 0, hole = -1;
    int64_t all = product(0, rank, dim, &open), known = 1;
    for (int d = 0; d < out_rank; d++) {
        if (out[d] == -1 && hole >= 0) return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "two dimensions are -1");
        if (out[d] == -1) {
            hole = d;
            continue;
        }
        if (out[d] == ESP_ONNX_BATCH) out_open++;
        else if (out[d] < 0 || __builtin_mul_overflow(known, out[d], &known)) known = -1;
    }
    if (hole >= 0 && known > 0 && all >= 0) {
        if (open == out_open) out[hole] = all % known ? -1 : all / known;
        else if (open == out_open + 1 && all == known) out[hole] = ESP_ONNX_BATCH;
        if (out[hole] != -1) return ESP_OK;
    } else if (hole < 0 && known == all && open == out_open) return ESP_OK;
    return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "its input does not have the shape's number of elements");
}

static esp_status reshape(const esp_onnx_model *model, const esp_onnx_node *node, int rank, const int64_t *dim,
                          int *out_rank, int64_t *out)
{
    int count;
    const int64_t *shape;
    int64_t zero_is_zero;
    esp_status status = esp_onnx_list(model, node, "shape", 1, &count, &shape);
    if (status == ESP_OK) status = esp_onnx_int(model, node, "allowzero", 0, &zero_is_zero);
    if (status != ESP_OK) return status;
    if (count > ESP_ONNX_RANK)
        return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "more than %d dimensions", ESP_ONNX_RANK);
    *out_rank = count;
    for (int d = 0; d < count; d++) {
        if (shape[d] == 0 && !zero_is_zero && d >= rank)
            return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "dimension %d is to be kept, there are %d", d, rank);
        out[d] = shape[d] == 0 && !zero_is_zero ? dim[d] : shape[d];
    }
    return fill_in(model, node, rank, dim, *out_rank, out);
}

esp_status esp_onnx_reshape(const esp_onnx_model *model, const esp_onnx_node *node, int rank, const int64_t *dim,
                            int *out_rank, int64_t *out)
{
    if (strcmp(node->op, "Squeeze") == 0) return squeeze(model, node, rank, dim, out_rank, out);
    if (strcmp(node->op, "Unsqueeze") == 0) return unsqueeze(model, node, rank, dim, out_rank, out);
    if (strcmp(node->op, "Flatten") == 0) return flatten(model, node, rank, dim, out_rank, out);
    return reshape(model, node, rank, dim, out_rank, out);
}

/* ---- Transpose, Slice, broadcasting ---- */

esp_status esp_onnx_order(const esp_onnx_model *model, const esp_onnx_node *node, int rank, int *order)
{
    int count;
    const int64_t *perm;
    bool seen[ESP_ONNX_RANK] = {false};
    esp_status status = esp_onnx_ints(model, node, "perm", &count, &perm);
    if (status != ESP_OK) return status;
    for (int d = 0; d < rank; d++) order[d] = rank - 1 - d;
    if (!perm) return ESP_OK;
    if (count != rank)
        return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "perm has %d entries for %d dimensions", count, rank);
    for (int d = 0; d < rank; d++) {
        if (perm[d] < 0 || perm[d] >= rank || seen[perm[d]])
            return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "perm is not an order of %d dimensions", rank);
        seen[order[d] = (int)perm[d]] = true;
    }
    return ESP_OK;
}

/* Entry `i` of the integers in input k or attribute `name`; `otherwise` when it is left out. */
static esp_status entry(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, int k, int count,
                        int64_t otherwise, int64_t *out)
{
    int found;
    const int64_t *list;
    esp_status status = esp_onnx_list(model, node, name, k, &found, &list);
    if (status != ESP_OK) return status;
    if (list && found != count)
        return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "%s has %d entries; slices along one dimension are "
                               "supported", name, found);
    *out = list ? list[0] : otherwise;
    return ESP_OK;
}

esp_status esp_onnx_slice(const esp_onnx_model *model, const esp_onnx_node *node, int rank, const int64_t *dim,
                          int *axis, esp_onnx_stretch *out)
{
    int64_t start = 0, end = 0, along = 0, step = 1;
    esp_status status = entry(model, node, "starts", 1, 1, 0, &start);
    if (status == ESP_OK) status = entry(model, node, "ends", 2, 1, 0, &end);
    if (status == ESP_OK) status = entry(model, node, "axes", 3, 1, 0, &along);
    if (status == ESP_OK && node->num_inputs > 4) status = entry(model, node, "steps", 4, 1, 1, &step);
    if (status == ESP_OK) status = normalise_axis(model, node, along, rank, axis);
    if (status != ESP_OK) return status;
    int64_t size = dim[*axis];
    if (size == ESP_ONNX_BATCH || start == ESP_ONNX_BATCH || end == ESP_ONNX_BATCH)
        return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "it takes some of the samples");
    if (step < 1) return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "step %lld is not supported", (long long)step);
    start = start < 0 ? start + size : start;
    end = end < 0 ? end + size : end;
    start = start < 0 ? 0 : start > size ? size : start;
    end = end < start ? start : end > size ? size : end;
    *out = (esp_onnx_stretch){start, step, (end - start) / step + ((end - start) % step != 0)};
    return ESP_OK;
}

esp_status esp_onnx_broadcast(const esp_onnx_model *model, const esp_onnx_node *node, int a_rank, const int64_t *a,
                              int b_rank, const int64_t *b, int *rank, int64_t *out)
{
    *rank = a_rank > b_rank ? a_rank : b_rank;
    for (int d = 1; d <= *rank; d++) {
        int64_t left = d <= a_rank ? a[a_rank - d] : 1, right = d <= b_rank ? b[b_rank - d] : 1;
        if (left != right && left != 1 && right != 1)
            return esp_onnx_refuse(model, node, ESP_ERR_SHAPE, "sizes %lld and %lld do not fit together",
                                   (long long)left, (long long)right);
        out[*rank - d] = left == 1 ? right : left;
    }
    return ESP_OK;
}
