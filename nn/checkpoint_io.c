/* Between a network and a file of named tensors: the file's shapes decide how large the prunable
 * axes are, so a pruned network loads with the description it was pruned from. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"

#define MAX_UNITS 65536   /* largest axis: times the pixels of an image it still fits an int */
#define NAME_BYTES 256
#define SHAPE_BYTES 192

static void full_name(const char *prefix, const esp_tensor *tensor, char out[NAME_BYTES])
{
    int length = snprintf(out, NAME_BYTES, "%s%s", prefix, tensor->name);
    assert(length < NAME_BYTES);
    (void)length;
}

/* ---- loading ---- */

static esp_status find_tensors(const esp_network *net, const esp_safetensors *file, const char *prefix,
                               const esp_st_tensor **found)
{
    for (int i = 0; i < net->num_tensors; i++) {
        char name[NAME_BYTES];
        full_name(prefix, &net->tensor[i], name);
        const esp_st_tensor *source = found[i] = esp_safetensors_find(file, name);
        if (!source) return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s' is missing", file->path, name);
        if (source->dtype != ESP_F32)
            return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s' holds integers; weights must be F32", file->path, name);
        if (source->rank != net->tensor[i].rank)
            return esp_fail(ESP_ERR_SHAPE, "%s: tensor '%s' has %d dimensions, expected %d", file->path,
                            name, source->rank, net->tensor[i].rank);
    }
    return ESP_OK;
}

static esp_status resize_axis(esp_network *net, int index, const esp_safetensors *file, const esp_st_tensor *source,
                              int64_t units)
{
    if (units < 1 || units > MAX_UNITS)
        return esp_fail(ESP_ERR_SHAPE, "%s: tensor '%s' gives axis '%s' %lld units, expected 1 to %d", file->path,
                        source->name, net->axis[index].name, (long long)units, MAX_UNITS);
    net->axis[index].size = (int)units;
    return ESP_OK;
}

/* Rows first: the tensor that produces an axis has this axis alone as its first dimension. Columns
 * determine the axes that no tensor here produces; they repeat every unit `block` times. */
static esp_status read_axis_sizes(esp_network *net, const esp_safetensors *file, const esp_st_tensor *const *found)
{
    bool known[ESP_MAX_AXES] = {false};
    for (int d = 0; d < 2; d++) {
        for (int i = 0; i < net->num_tensors; i++) {
            const esp_tensor *tensor = &net->tensor[i];
            if (d >= tensor->rank || tensor->dim[d].num != 1) continue;
            int axis = tensor->dim[d].part[0].axis;
            if (known[axis] || !net->axis[axis].prunable) continue;
            int64_t units = found[i]->shape[d] / tensor->dim[d].part[0].block;
            esp_status status = resize_axis(net, axis, file, found[i], units);
            if (status != ESP_OK) return status;
            known[axis] = true;
        }
    }
    return ESP_OK;
}

static void shape_text(int rank, const int64_t *shape, char out[SHAPE_BYTES])
{
    int used = snprintf(out, SHAPE_BYTES, "[");
    for (int d = 0; d < rank; d++)
        used += snprintf(out + used, SHAPE_BYTES - (size_t)used, d ? ", %lld" : "%lld", (long long)shape[d]);
    snprintf(out + used, SHAPE_BYTES - (size_t)used, "]");
}

/* The shape that a tensor should have by the axes of `net`; tensor->shape itself is only derived by
 * esp_network_finish. */
static void expected_shape(const esp_network *net, const esp_tensor *tensor, int64_t out[4])
{
    for (int d = 0; d < tensor->rank; d++)
        out[d] = tensor->dim[d].num ? esp_dim_size(net, &tensor->dim[d]) : tensor->shape[d];
}

static esp_status check_shapes(const esp_network *net, const esp_safetensors *file, const esp_st_tensor *const *found)
{
    for (int i = 0; i < net->num_tensors; i++) {
        int64_t expected[4];
        size_t bytes = (size_t)found[i]->rank * sizeof *expected;
        expected_shape(net, &net->tensor[i], expected);
        if (memcmp(found[i]->shape, expected, bytes) == 0) continue;
        char found_text[SHAPE_BYTES], expected_text[SHAPE_BYTES];
        shape_text(found[i]->rank, found[i]->shape, found_text);
        shape_text(found[i]->rank, expected, expected_text);
        return esp_fail(ESP_ERR_SHAPE, "%s: tensor '%s' has shape %s, expected %s", file->path,
                        found[i]->name, found_text, expected_text);
    }
    return ESP_OK;
}

static esp_status check_weight(const esp_safetensors *file, const esp_st_tensor *tensor, size_t index, bool variance)
{
    float value = ((const float *)tensor->data)[index];
    if (!isfinite(value))
        return esp_fail(ESP_ERR_NUMERIC, "%s: tensor '%s' is %s at index %zu; weights must be finite", file->path,
                        tensor->name, isnan(value) ? "NaN" : "infinite", index);
    if (fabsf(value) > ESP_WEIGHT_LIMIT)
        return esp_fail(ESP_ERR_NUMERIC,
                        "%s: tensor '%s' is %g at index %zu; weights beyond %g overflow as soon as "
                        "they are multiplied",
                        file->path, tensor->name, (double)value, index, (double)ESP_WEIGHT_LIMIT);
    if (variance && value < 0)
        return esp_fail(ESP_ERR_NUMERIC, "%s: tensor '%s' is %g at index %zu; a variance cannot be negative",
                        file->path, tensor->name, (double)value, index);
    return ESP_OK;
}

static esp_status copy_weights(esp_network *net, const esp_safetensors *file, const esp_st_tensor *const *found)
{
    for (int i = 0; i < net->num_tensors; i++) {
        bool variance = net->layer[net->tensor[i].layer].var == i;
        for (size_t k = 0; k < found[i]->count; k++) {
            esp_status status = check_weight(file, found[i], k, variance);
            if (status != ESP_OK) return status;
        }
        memcpy(esp_network_weights(net, i), found[i]->data, found[i]->count * sizeof(float));
    }
    return ESP_OK;
}

esp_status esp_network_load(esp_network *net, const esp_safetensors *file, const char *prefix)
{
    const esp_st_tensor *found[ESP_MAX_TENSORS];
    esp_status status = find_tensors(net, file, prefix, found);
    /* Finished twice: the first time determines how many pixels a flattened channel has, so that
     * all shapes are checked before weights of the file's size are allocated. */
    if (status == ESP_OK) status = esp_network_finish(net);
    if (status == ESP_OK) status = read_axis_sizes(net, file, found);
    if (status == ESP_OK) status = check_shapes(net, file, found);
    if (status == ESP_OK) status = esp_network_finish(net);
    if (status == ESP_OK) status = copy_weights(net, file, found);
    return status;
}

/* ---- saving ---- */

int esp_network_entries(const esp_network *net, const char *prefix, esp_st_tensor *out)
{
    for (int i = 0; i < net->num_tensors; i++) {
        const esp_tensor *tensor = &net->tensor[i];
        char name[NAME_BYTES];
        full_name(prefix, tensor, name);
        out[i] = (esp_st_tensor){.name = esp_strdup(name), .dtype = ESP_F32, .rank = tensor->rank,
                                 .count = tensor->count, .data = esp_network_weights(net, i)};
        for (int d = 0; d < tensor->rank; d++) out[i].shape[d] = tensor->shape[d];
    }
    return net->num_tensors;
}
