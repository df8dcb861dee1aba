/* The safetensors file format: 8 bytes of header length (little-endian), a JSON header, raw tensors. No size in a
 * file is trusted: each is compared with the bytes that are really there before anything of that size is allocated. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"

#define FILE_LIMIT ((size_t)2 << 30)
#define HEADER_LIMIT ((size_t)4 << 20) /* enough for thousands of tensors */
#define NAME_LIMIT 255        /* bytes; keeps error sentences readable */
#define EXACT_INTEGER 9.0e15  /* below 2^53, so a JSON number holds it exactly */
#define ALIGNMENT 8           /* size of the largest element */

static const struct {
    const char *name;
    size_t      size;
} dtypes[] = {[ESP_F32] = {"F32", 4}, [ESP_U8] = {"U8", 1}, [ESP_I64] = {"I64", 8}};

/* ---- reading ---- */

/* A tensor, and the place of its bytes according to the file, counted from the end of the header. */
typedef struct {
    esp_st_tensor tensor;
    size_t begin, end;
} entry;

static bool read_index(const cJSON *item, double limit, size_t *out)
{
    if (!cJSON_IsNumber(item)) return false;
    double value = item->valuedouble;
    if (!(value >= 0 && value <= limit) || value != (double)(uint64_t)value) return false;
    *out = (size_t)value;
    return true;
}

static bool name_is_plain(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) return false;
    return length > 0 && length <= NAME_LIMIT;
}

static esp_status read_dtype(const char *path, const char *name, const cJSON *item, esp_dtype *out)
{
    if (!cJSON_IsString(item))
        return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s': dtype is not a string", path, name);
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (strcmp(item->valuestring, dtypes[i].name) != 0) continue;
        *out = (esp_dtype)i;
        return ESP_OK;
    }
    return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s' has type %.16s; only F32, U8 and I64 are read", path, name,
                    item->valuestring);
}

static esp_status read_shape(const char *path, const cJSON *item, esp_st_tensor *tensor)
{
    if (!cJSON_IsArray(item))
        return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s': shape is not a list", path, tensor->name);
    tensor->count = 1;
    for (const cJSON *length = item->child; length; length = length->next) {
        size_t value;
        if (tensor->rank == ESP_MAX_RANK)
            return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s': shape has more than %d dimensions", path, tensor->name,
                            ESP_MAX_RANK);
        if (!read_index(length, EXACT_INTEGER, &value))
            return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s': entry %d of its shape is not a size", path, tensor->name,
                            tensor->rank);
        if (__builtin_mul_overflow(tensor->count, value, &tensor->count))
            return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s': shape overflows", path, tensor->name);
        tensor->shape[tensor->rank++] = (int64_t)value;
    }
    return ESP_OK;
}

static esp_status read_offsets(const char *path, const cJSON *item, size_t data_size, entry *out)
{
    const esp_st_tensor *tensor = &out->tensor;
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2 || !read_index(item->child, EXACT_INTEGER, &out->begin) ||
        !read_index(item->child->next, EXACT_INTEGER, &out->end) || out->begin > out->end)
        return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s': data_offsets is not [begin, end]", path, tensor->name);
    if (out->end > data_size)
        return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s' ends at byte %zu of the data, but the file has %zu; "
                        "is it truncated?", path, tensor->name, out->end, data_size);
    size_t bytes;
    if (__builtin_mul_overflow(tensor->count, dtypes[tensor->dtype].size, &bytes))
        return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s': shape overflows", path, tensor->name);
    if (bytes != out->end - out->begin)
        return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s': its shape needs %zu bytes, its data_offsets span %zu", path,
                        tensor->name, bytes, out->end - out->begin);
    return ESP_OK;
}

/* `out` belongs to the caller even on failure: its name may have been set. */
static esp_status read_entry(const char *path, const cJSON *item, size_t data_size, entry *out)
{
    if (!name_is_plain(item->string))
        return esp_fail(ESP_ERR_FORMAT, "%s: a tensor's name is empty, longer than %d bytes or not printable", path,
                        NAME_LIMIT);
    const char *keys[3] = {"dtype", "shape", "data_offsets"};
    cJSON *values[3];
    for (int i = 0; i < 3; i++) {
        values[i] = cJSON_GetObjectItemCaseSensitive(item, keys[i]);
        if (!values[i])
            return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s' has no %s", path, item->string, keys[i]);
    }
    if (cJSON_GetArraySize(item) != 3)
        return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s' has keys besides dtype, shape and data_offsets", path,
                        item->string);

    out->tensor.name = esp_strdup(item->string);
    esp_status status = read_dtype(path, item->string, values[0], &out->tensor.dtype);
    if (status == ESP_OK) status = read_shape(path, values[1], &out->tensor);
    if (status == ESP_OK) status = read_offsets(path, values[2], data_size, out);
    return status;
}

static int by_offset(const void *a, const void *b)
{
    const entry *first = a, *second = b;
    if (first->begin != second->begin) return first->begin < second->begin ? -1 : 1;
    return (first->end > second->end) - (first->end < second->end);
}

static esp_status check_tiling(const char *path, const entry *entries, int count, size_t data_size)
{
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        const entry *at = &entries[i];
        if (at->begin < used)
            return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s' overlaps another: it begins at byte %zu of the data, but "
                            "%zu bytes are taken", path, at->tensor.name, at->begin, used);
        if (at->begin > used)
            return esp_fail(ESP_ERR_FORMAT, "%s: a gap of %zu bytes before tensor '%s'", path, at->begin - used,
                            at->tensor.name);
        used = at->end;
    }
    if (used != data_size)
        return esp_fail(ESP_ERR_FORMAT, "%s: %zu bytes after the last tensor", path, data_size - used);
    return ESP_OK;
}

static esp_status check_metadata(const char *path, const cJSON *metadata)
{
    if (!cJSON_IsObject(metadata)) return esp_fail(ESP_ERR_FORMAT, "%s: __metadata__ is not an object", path);
    for (const cJSON *item = metadata->child; item; item = item->next)
        if (!cJSON_IsString(item))
            return esp_fail(ESP_ERR_FORMAT, "%s: __metadata__ entry '%.80s' is not a string", path, item->string);
    return ESP_OK;
}

/* Copies the tensors out of the file's bytes, where they may not be aligned: the header in front of them can have any
 * length, and byte tensors can lie between them. */
static void copy_tensors(esp_safetensors *file, const entry *entries, const char *data, size_t data_size)
{
    file->bytes = esp_alloc(data_size + (size_t)file->count * ALIGNMENT + 1, 1);
    size_t used = 0;
    for (int i = 0; i < file->count; i++) {
        size_t size = entries[i].end - entries[i].begin;
        memcpy(file->bytes + used, data + entries[i].begin, size);
        file->tensor[i] = entries[i].tensor;
        file->tensor[i].data = file->bytes + used;
        used += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}

/* header: a JSON object without __metadata__. */
static esp_status read_tensors(esp_safetensors *file, const cJSON *header, const char *data, size_t data_size)
{
    int count = 0;
    for (const cJSON *item = header->child; item; item = item->next) count++;
    entry *entries = esp_alloc((size_t)count + 1, sizeof *entries);

    esp_status status = ESP_OK;
    int i = 0;
    for (const cJSON *item = header->child; item && status == ESP_OK; item = item->next)
        status = read_entry(file->path, item, data_size, &entries[i++]);
    if (status == ESP_OK) {
        qsort(entries, (size_t)count, sizeof *entries, by_offset);
        status = check_tiling(file->path, entries, count, data_size);
    }
    if (status == ESP_OK) {
        file->tensor = esp_alloc((size_t)count + 1, sizeof *file->tensor);
        file->count = count;
        copy_tensors(file, entries, data, data_size);
    } else {
        for (i = 0; i < count; i++) free(entries[i].tensor.name);
    }
    free(entries);
    return status;
}

/* Length of the header, checked against the bytes that follow. */
static esp_status read_header_size(const char *path, const char *bytes, size_t size, size_t *out)
{
    if (size < 8)
        return esp_fail(ESP_ERR_FORMAT, "%s: %zu bytes are too few for a safetensors file; is it truncated?", path,
                        size);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | (unsigned char)bytes[i];
    if (length > HEADER_LIMIT)
        return esp_fail(ESP_ERR_FORMAT, "%s: a header of %llu bytes, expected at most %zu; is this a safetensors file?",
                        path, (unsigned long long)length, HEADER_LIMIT);
    if (length > size - 8)
        return esp_fail(ESP_ERR_FORMAT, "%s: the header needs %llu bytes, but the file has %zu; is it truncated?", path,
                        (unsigned long long)length, size - 8);
    *out = (size_t)length;
    return ESP_OK;
}

static esp_status read_bytes(esp_safetensors *file, const char *bytes, size_t size)
{
    cJSON *header = NULL;
    size_t header_size = 0;
    esp_status status = read_header_size(file->path, bytes, size, &header_size);
    if (status == ESP_OK) status = esp_json_parse(bytes + 8, header_size, file->path, &header);
    if (status == ESP_OK && !cJSON_IsObject(header))
        status = esp_fail(ESP_ERR_FORMAT, "%s: the header is not a JSON object", file->path);
    if (status == ESP_OK) {
        file->metadata = cJSON_DetachItemFromObjectCaseSensitive(header, "__metadata__");
        if (file->metadata) status = check_metadata(file->path, file->metadata);
    }
    if (status == ESP_OK) status = read_tensors(file, header, bytes + 8 + header_size, size - 8 - header_size);
    cJSON_Delete(header);
    return status;
}

esp_status esp_safetensors_read(const char *path, esp_safetensors **out)
{
    char *bytes = NULL;
    size_t size = 0;
    esp_status status = esp_file_read(path, FILE_LIMIT, &bytes, &size);
    if (status != ESP_OK) return status;

    esp_safetensors *file = esp_alloc(1, sizeof *file);
    file->path = esp_strdup(path);
    status = read_bytes(file, bytes, size);
    free(bytes);
    if (status == ESP_OK) *out = file;
    else esp_safetensors_free(file);
    return status;
}

void esp_safetensors_free(esp_safetensors *file)
{
    if (!file) return;
    esp_st_names_free(file->tensor, file->count);
    free(file->tensor);
    cJSON_Delete(file->metadata);
    free(file->path);
    free(file->bytes);
    free(file);
}

void esp_st_names_free(esp_st_tensor *tensors, int count)
{
    for (int i = 0; i < count; i++) {
        free(tensors[i].name);
        tensors[i].name = NULL;
    }
}

const esp_st_tensor *esp_safetensors_find(const esp_safetensors *file, const char *name)
{
    for (int i = 0; i < file->count; i++)
        if (strcmp(file->tensor[i].name, name) == 0) return &file->tensor[i];
    return NULL;
}

const char *esp_safetensors_metadata(const esp_safetensors *file, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(file->metadata, key);
    return item ? item->valuestring : NULL;
}

/* ---- writing ---- */

static size_t tensor_bytes(const esp_st_tensor *tensor)
{
    return tensor->count * dtypes[tensor->dtype].size;
}

static cJSON *entry_json(const esp_st_tensor *tensor, size_t begin)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "dtype", dtypes[tensor->dtype].name);
    cJSON *shape = cJSON_AddArrayToObject(json, "shape");
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        count *= (size_t)tensor->shape[i];
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)tensor->shape[i]));
    }
    assert(tensor->rank <= ESP_MAX_RANK && count == tensor->count);
    (void)count; /* for builds without assert */
    cJSON *offsets = cJSON_AddArrayToObject(json, "data_offsets");
    cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)begin));
    cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)(begin + tensor_bytes(tensor))));
    return json;
}

/* The header as text; *data_size is the sum of all tensors' bytes. */
static char *header_text(const esp_st_tensor *tensors, int count, const cJSON *metadata, size_t *data_size)
{
    cJSON *header = cJSON_CreateObject();
    if (metadata) cJSON_AddItemToObject(header, "__metadata__", cJSON_Duplicate(metadata, true));
    *data_size = 0;
    for (int i = 0; i < count; i++) {
        cJSON_AddItemToObject(header, tensors[i].name, entry_json(&tensors[i], *data_size));
        *data_size += tensor_bytes(&tensors[i]);
    }
    char *text = esp_json_line(header);
    cJSON_Delete(header);
    return text;
}

esp_status esp_safetensors_write(const char *path, const esp_st_tensor *tensors, int count, const cJSON *metadata)
{
    size_t data_size;
    char *header = header_text(tensors, count, metadata, &data_size);
    if (!header) return esp_fail(ESP_ERR_MACHINE, "%s: no memory left for the header", path);
    size_t length = strlen(header);
    size_t padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t size = 8 + padded + data_size;
    char *bytes = esp_alloc(size, 1);

    for (int i = 0; i < 8; i++) bytes[i] = (char)(padded >> 8 * i & 0xff);
    memset(bytes + 8, ' ', padded);
    memcpy(bytes + 8, header, length);
    char *data = bytes + 8 + padded;
    for (int i = 0; i < count; i++) {
        memcpy(data, tensors[i].data, tensor_bytes(&tensors[i]));
        data += tensor_bytes(&tensors[i]);
    }
    esp_status status = esp_file_write(path, bytes, size);
    free(bytes);
    free(header);
    return status;
}
