/* Named arrays of a running computation, written to a file and read back into the same memory. */
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

double esp_double_of(int64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
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
        return esp_fail(ESP_ERR_SHAPE, "%s: tensor '%s' has %zu entries, this configuration needs %zu", path,
                        wanted->name, found->count, wanted->count);
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
