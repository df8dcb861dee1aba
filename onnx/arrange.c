/* Operators that move values without computing: shapes, order, parts. */
#include <stdlib.h>
#include <string.h>

#include "onnx/translate_internal.h"

/* ---- shapes ---- */

/* The dimension of out that counts the samples of x; -2: samples and values are mixed. */
static int find_batch(const esp_onnx_value *x, int rank, const int64_t *dim)
{
    if (x->batch < 0) return -1;
    for (int d = 0; d < rank; d++) {
        if (dim[d] == x->dim[x->batch]) return d;
        if (dim[d] != 1) break;
    }
    return x->dim[x->batch] == 1 ? -1 : -2;
}

static bool same_dims(const esp_onnx_value *x, int rank, const int64_t *dim)
{
    if (x->rank != rank) return false;
    for (int d = 0; d < rank; d++)
        if (x->dim[d] != dim[d]) return false;
    return true;
}

esp_status esp_translate_reshape(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    int rank;
    int64_t dim[ESP_ONNX_RANK];
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status == ESP_OK) status = esp_onnx_reshape(t->model, node, x->rank, x->dim, &rank, dim);
    if (status != ESP_OK) return status;
    int batch = find_batch(x, rank, dim);
    if (batch == -2) return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "it mixes samples with their values");
    int value = same_dims(x, rank, dim) ? esp_translate_value(t, node, 0) : esp_translate_row(t, node, 0);
    esp_translate_output(t, node, 0, value, rank, dim, batch);
    return esp_graph_status(t->graph);
}

/* Allowed when the values of a sample stay in their order. */
esp_status esp_translate_transpose(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    int order[ESP_ONNX_RANK], last = -1, batch = -1;
    int64_t dim[ESP_ONNX_RANK];
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status == ESP_OK) status = esp_onnx_order(t->model, node, x->rank, order);
    if (status != ESP_OK) return status;
    for (int d = 0; d < x->rank; d++) {
        dim[d] = x->dim[order[d]];
        if (order[d] == x->batch) batch = d;
        else if (dim[d] != 1 && order[d] < last)
            return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "it changes the order of a sample's values; only "
                                   "moving the dimension of the samples is supported");
        else if (dim[d] != 1) last = order[d];
    }
    esp_translate_output(t, node, 0, esp_translate_row(t, node, 0), x->rank, dim, batch);
    return esp_graph_status(t->graph);
}

/* ---- parts ---- */

/* Parts along a dimension are stretches of the graph's value when it is the slowest one of a sample. */
static esp_status check_slowest(const esp_translation *t, const esp_onnx_node *node, const esp_onnx_value *x, int axis)
{
    int64_t before, behind;
    esp_translate_around(x, axis, &before, &behind);
    if (axis == x->batch) return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "it divides or joins samples");
    if (before == 1) return ESP_OK;
    return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "dimension %d is not the first with more than one entry",
                           axis);
}

/* Values or channels of the graph per entry of the dimension: an image counts channels. */
static int64_t stride_of(const esp_translation *t, const esp_onnx_value *x, int value, int axis)
{
    int64_t before, behind;
    esp_translate_around(x, axis, &before, &behind);
    return esp_translate_is_image(t, value) ? 1 : behind;
}

esp_status esp_translate_concat(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *first = NULL;
    esp_onnx_value out = {.rank = 0};
    int axis = 0, values[ESP_MAX_INPUTS];
    if (node->num_inputs < 1 || node->num_inputs > ESP_MAX_INPUTS)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "it joins %d values, 1 to %d are supported",
                               node->num_inputs, ESP_MAX_INPUTS);
    bool images = true;
    for (int k = 0; k < node->num_inputs; k++) {
        const esp_onnx_value *x;
        esp_status status = esp_translate_input(t, node, k, &x);
        if (status == ESP_OK && !first) {
            first = x;
            out = *x;
            status = esp_onnx_axis(t->model, node, "axis", 0, x->rank, &axis);
            if (status == ESP_OK) out.dim[axis] = 0;
        }
        if (status == ESP_OK) status = check_slowest(t, node, x, axis);
        bool fits = status == ESP_OK && x->rank == out.rank && x->batch == out.batch;
        for (int d = 0; fits && d < x->rank; d++) fits = d == axis || x->dim[d] == out.dim[d];
        if (status == ESP_OK && !fits)
            status = esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "its inputs do not fit together");
        if (status != ESP_OK) return status;
        images = images && esp_translate_is_image(t, esp_translate_value(t, node, k));
        out.dim[axis] += x->dim[axis];
    }
    for (int k = 0; k < node->num_inputs; k++)
        values[k] = images ? esp_translate_value(t, node, k) : esp_translate_row(t, node, k);
    esp_translate_output_like(t, node, esp_graph_concat(t->graph, node->num_inputs, values), &out);
    return esp_graph_status(t->graph);
}

/* Output k: `count` entries of dimension `axis` from `first` on. */
static esp_status take(esp_translation *t, const esp_onnx_node *node, int k, const esp_onnx_value *x, int axis,
                       int64_t first, int64_t count)
{
    int value = esp_translate_value(t, node, 0);
    if (esp_translate_is_image(t, value) && axis != 1) value = esp_translate_row(t, node, 0);
    int64_t each = stride_of(t, x, value, axis);
    esp_onnx_value out = *x;
    out.dim[axis] = count;
    if (count < 1) return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "an output has no values");
    if (count != x->dim[axis]) value = esp_graph_slice(t->graph, value, (int)(first * each), (int)(count * each));
    esp_translate_output(t, node, k, value, out.rank, out.dim, out.batch);
    return esp_graph_status(t->graph);
}

/* The sizes of the parts: given, or equal with a smaller last one. */
static esp_status part_sizes(const esp_translation *t, const esp_onnx_node *node, int64_t size, int64_t *parts)
{
    int count, n = node->num_outputs;
    const int64_t *given;
    int64_t sum = 0;
    esp_status status = esp_onnx_list(t->model, node, "split", 1, &count, &given);
    if (status != ESP_OK) return status;
    if (given && count != n)
        return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "%d sizes for %d outputs", count, n);
    int64_t each = (size + n - 1) / n;
    bool fits = true;
    for (int k = 0; k < n; k++) {
        parts[k] = given ? given[k] : each < size - sum ? each : size - sum;
        fits = fits && parts[k] >= 0 && parts[k] <= size - sum;
        if (fits) sum += parts[k];
    }
    if (fits && sum == size) return ESP_OK;
    return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "its sizes do not add up to %lld", (long long)size);
}

esp_status esp_translate_split(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    int axis;
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status == ESP_OK) status = esp_onnx_axis(t->model, node, "axis", 0, x->rank, &axis);
    if (status == ESP_OK) status = check_slowest(t, node, x, axis);
    if (status != ESP_OK) return status;
    int64_t first = 0, *parts = esp_alloc((size_t)node->num_outputs, sizeof *parts);
    status = part_sizes(t, node, x->dim[axis], parts);
    for (int k = 0; k < node->num_outputs && status == ESP_OK; first += parts[k++])
        if (node->output[k] >= 0 && t->model->value[node->output[k]].readers > 0)
            status = take(t, node, k, x, axis, first, parts[k]);
    free(parts);
    return status;
}

/* Old opsets have starts, ends and axes as attributes, which are lists too. */
esp_status esp_translate_slice(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    esp_onnx_stretch stretch;
    int axis;
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status == ESP_OK) status = esp_onnx_slice(t->model, node, x->rank, x->dim, &axis, &stretch);
    if (status == ESP_OK) status = check_slowest(t, node, x, axis);
    if (status == ESP_OK && stretch.step != 1 && stretch.count > 1)
        status = esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "steps are not supported");
    return status == ESP_OK ? take(t, node, 0, x, axis, stretch.first, stretch.count) : status;
}

/* Runs of neighbouring entries, each of which is a slice. */
static esp_status gather_runs(esp_translation *t, const esp_onnx_node *node, const esp_onnx_value *x, int axis,
                              const esp_onnx_tensor *index, int *out)
{
    int value = esp_translate_value(t, node, 0), count = 0, runs[ESP_MAX_INPUTS];
    if (esp_translate_is_image(t, value) && axis != 1) value = esp_translate_row(t, node, 0);
    int64_t each = stride_of(t, x, value, axis), size = x->dim[axis], end;
    for (size_t i = 0; i < index->count; i = (size_t)end) {
        int64_t first = index->whole[i] < 0 ? index->whole[i] + size : index->whole[i], length = 1;
        if (index->whole[i] == ESP_ONNX_BATCH || first < 0 || first >= size)
            return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "an index is outside its input");
        while (i + (size_t)length < index->count && first + length < size &&
               (index->whole[i + (size_t)length] == first + length ||
                index->whole[i + (size_t)length] == first + length - size)) length++;
        if (count == ESP_MAX_INPUTS)
            return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "it takes more than %d stretches", ESP_MAX_INPUTS);
        runs[count++] = esp_graph_slice(t->graph, value, (int)(first * each), (int)(length * each));
        end = (int64_t)i + length;
    }
    if (count == 0) return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "it takes nothing");
    *out = count > 1 ? esp_graph_concat(t->graph, count, runs) : runs[0];
    return esp_graph_status(t->graph);
}

esp_status esp_translate_gather(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    const esp_onnx_tensor *index = esp_onnx_constant(t->model, node, 1);
    int axis, rank = 0, value = 0;
    int64_t dim[ESP_ONNX_RANK];
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status == ESP_OK) status = esp_onnx_axis(t->model, node, "axis", 0, x->rank, &axis);
    if (status == ESP_OK && (!index || !index->whole || index->rank > 1))
        status = esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "its indices must be constant, in one dimension");
    if (status == ESP_OK) status = check_slowest(t, node, x, axis);
    if (status == ESP_OK) status = gather_runs(t, node, x, axis, index, &value);
    if (status != ESP_OK) return status;
    for (int d = 0; d < x->rank; d++) {
        if (d != axis) dim[rank++] = x->dim[d];
        else if (index->rank == 1) dim[rank++] = (int64_t)index->count;
    }
    int batch = x->batch > axis && index->rank == 0 ? x->batch - 1 : x->batch;
    if (esp_translate_is_image(t, value) && index->rank == 0) value = esp_graph_flatten(t->graph, value);
    esp_translate_output(t, node, 0, value, rank, dim, batch);
    return esp_graph_status(t->graph);
}
