/* Named arrays of a running computation, written to a file and read back into the same memory. */
#include <math.h>
#include <string.h>

#include "nn/nn.h"

static size_t dtype_size(esp_dtype dtype)
{
    return dtype == ESP_I64 ? 8 : dtype == ESP_F32 ? 4 : 1;
}

int64_t esp_double_bits(double number)
{
    int64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

esp_status esp_state_double(const char *path, const char *what, int64_t bits, double least, double most, double *out)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    if (!(number >= least && number <= most))
        return esp_fail(ESP_ERR_NUMERIC, "%s: %s is %g, expected a number from %g to %g", path, what, number, least,
                        most);
    *out = number;
    return ESP_OK;
}

esp_status esp_state_write(const char *path, const esp_state_item *items, int count)
{
    esp_st_tensor tensors[ESP_MAX_STATE_ITEMS];
    for (int i = 0; i < count; i++)
        tensors[i] = (esp_st_tensor){.name = (char *)items[i].name, .dtype = items[i].dtype, .rank = 1,
                                     .shape = {(int64_t)items[i].count}, .count = items[i].count,
                                     .data = items[i].data};
    return esp_safetensors_write(path, tensors, count, NULL);
}

static esp_status check_item(const char *path, const esp_state_item *wanted, const esp_st_tensor *found)
{
    if (!found) return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s' is missing", path, wanted->name);
    if (found->dtype != wanted->dtype || found->count != wanted->count)
        return esp_fail(ESP_ERR_SHAPE, "%s: tensor '%s' has %zu entries, but this configuration needs %zu", path,
                        wanted->name, found->count, wanted->count);
    const float *values = found->data;
    for (size_t i = 0; i < found->count && found->dtype == ESP_F32; i++)
        if (!isfinite(values[i]) || !(values[i] >= wanted->least && values[i] <= wanted->most))
            return esp_fail(ESP_ERR_NUMERIC, "%s: tensor '%s' is %g at index %zu, expected a number from %g to %g",
                            path, wanted->name, (double)values[i], i, wanted->least, wanted->most);
    return ESP_OK;
}

esp_status esp_state_read(const char *path, const esp_state_item *items, int count)
{
    esp_safetensors *file = NULL;
    esp_status status = esp_safetensors_read(path, &file);
    for (int i = 0; i < count && status == ESP_OK; i++)
        status = check_item(path, &items[i], esp_safetensors_find(file, items[i].name));
    for (int i = 0; i < count && status == ESP_OK; i++)
        memcpy(items[i].data, esp_safetensors_find(file, items[i].name)->data,
               items[i].count * dtype_size(items[i].dtype));
    esp_safetensors_free(file);
    return status;
}
