/* Constants of a file: types, sizes, and data that is packed as bytes, as numbers, or kept in another file. */
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_internal.h"

/* How one element of a type is stored. */
typedef enum { NOT_READ, AS_FLOAT, AS_DOUBLE, AS_SIGNED, AS_UNSIGNED } storage;

static const struct {
    const char *name;
    storage     storage;
    size_t      bytes;
} types[] = {
    {"undefined", NOT_READ, 0},    {"float", AS_FLOAT, 4},       {"uint8", AS_UNSIGNED, 1},
    {"int8", AS_SIGNED, 1},        {"uint16", NOT_READ, 2},      {"int16", NOT_READ, 2},
    {"int32", AS_SIGNED, 4},       {"int64", AS_SIGNED, 8},      {"string", NOT_READ, 0},
    {"bool", AS_UNSIGNED, 1},      {"float16", NOT_READ, 2},     {"double", AS_DOUBLE, 8},
    {"uint32", NOT_READ, 4},       {"uint64", NOT_READ, 8},      {"complex64", NOT_READ, 8},
    {"complex128", NOT_READ, 16},  {"bfloat16", NOT_READ, 2},    {"float8e4m3fn", NOT_READ, 1},
    {"float8e4m3fnuz", NOT_READ, 1}, {"float8e5m2", NOT_READ, 1}, {"float8e5m2fnuz", NOT_READ, 1},
    {"uint4", NOT_READ, 0},        {"int4", NOT_READ, 0},        {"float4e2m1", NOT_READ, 0},
};

static bool is_known(int type)
{
    return type > 0 && (size_t)type < sizeof types / sizeof *types;
}

const char *esp_onnx_type_name(int type)
{
    return is_known(type) ? types[type].name : "an unknown type";
}

/* ---- memory ---- */

esp_status esp_onnx_count(int rank, const int64_t *dim, size_t *count)
{
    const size_t most = ESP_ONNX_MEMORY_LIMIT / sizeof(int64_t);
    *count = 1;
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 0) return esp_fail(ESP_ERR_FORMAT, "dimension %d is %lld", i, (long long)dim[i]);
        if (dim[i] > 0 && *count > most / (uint64_t)dim[i])
            return esp_fail(ESP_ERR_FORMAT, "its dimensions multiply to more than %zu elements", most);
        *count *= (size_t)dim[i];
    }
    return ESP_OK;
}

esp_onnx_tensor *esp_onnx_tensor_new(int type, int rank, const int64_t *dim)
{
    esp_onnx_tensor *tensor = esp_alloc(1, sizeof *tensor);
    tensor->type = type;
    tensor->rank = rank;
    tensor->count = 1;
    for (int i = 0; i < rank; i++) tensor->count *= (size_t)(tensor->dim[i] = dim[i]);
    storage kind = is_known(type) ? types[type].storage : NOT_READ;
    if (kind == AS_FLOAT || kind == AS_DOUBLE) tensor->real = esp_alloc(tensor->count, sizeof *tensor->real);
    else if (kind != NOT_READ) tensor->whole = esp_alloc(tensor->count, sizeof *tensor->whole);
    return tensor;
}

void esp_onnx_tensor_free(esp_onnx_tensor *tensor)
{
    if (!tensor) return;
    free(tensor->real);
    free(tensor->whole);
    free(tensor);
}

/* ---- data as bytes, little-endian ---- */

static int64_t integer_of(const uint8_t *bytes, size_t size, bool is_signed)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)bytes[i] << (8 * i);
    if (is_signed && size < 8 && value >> (8 * size - 1)) value |= ~(uint64_t)0 << (8 * size);
    return (int64_t)value;
}

static esp_status take_bytes(esp_onnx_tensor *tensor, const uint8_t *bytes, size_t size)
{
    size_t each = types[tensor->type].bytes;
    if (size != tensor->count * each)
        return esp_fail(ESP_ERR_FORMAT, "it has %zu bytes of data, its dimensions need %zu", size,
                        tensor->count * each);
    if (size == 0) return ESP_OK;
    switch (types[tensor->type].storage) {
    case AS_FLOAT: memcpy(tensor->real, bytes, size); break;
    case AS_DOUBLE:
        for (size_t i = 0; i < tensor->count; i++) {
            double value;
            memcpy(&value, bytes + i * each, each);
            tensor->real[i] = (float)value;
        }
        break;
    default:
        for (size_t i = 0; i < tensor->count; i++)
            tensor->whole[i] = integer_of(bytes + i * each, each, types[tensor->type].storage == AS_SIGNED);
    }
    return ESP_OK;
}

/* ---- data as numbers ---- */

static esp_status take_numbers(esp_onnx_tensor *tensor, const Onnx__TensorProto *from)
{
    bool is_float = types[tensor->type].storage == AS_FLOAT, is_double = types[tensor->type].storage == AS_DOUBLE;
    bool is_long = types[tensor->type].bytes == 8;
    size_t found = is_float ? from->n_float_data : is_double ? from->n_double_data
                   : is_long ? from->n_int64_data : from->n_int32_data;
    if (found != tensor->count)
        return esp_fail(ESP_ERR_FORMAT, "it has %zu numbers of type %s, its dimensions need %zu", found,
                        esp_onnx_type_name(tensor->type), tensor->count);
    for (size_t i = 0; i < found; i++) {
        if (is_float) tensor->real[i] = from->float_data[i];
        else if (is_double) tensor->real[i] = (float)from->double_data[i];
        else tensor->whole[i] = is_long ? from->int64_data[i] : from->int32_data[i];
    }
    return ESP_OK;
}

static bool is_external(const Onnx__TensorProto *from)
{
    return from->has_data_location && from->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

/* Data in the message must have an element, or a byte of it, for each that the dimensions claim: a few bytes of
 * dimensions must not take gigabytes. */
static esp_status check_claim(const Onnx__TensorProto *from, size_t count)
{
    size_t there = from->raw_data.len + from->n_float_data + from->n_double_data + from->n_int64_data +
                   from->n_int32_data;
    if (count <= there) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "its dimensions need %zu elements, its data has fewer", count);
}

static esp_status read_data(const Onnx__TensorProto *from, size_t count, const char *folder, esp_onnx_tensor **out)
{
    char *beside = NULL;
    size_t bytes = count * types[from->data_type].bytes;
    esp_status status = is_external(from) ? esp_onnx_external(from, folder, bytes, &beside) : check_claim(from, count);
    if (status != ESP_OK) return status;
    esp_onnx_tensor *tensor = esp_onnx_tensor_new(from->data_type, (int)from->n_dims, from->dims);
    if (beside) status = take_bytes(tensor, (const uint8_t *)beside, bytes);
    else if (from->has_raw_data) status = take_bytes(tensor, from->raw_data.data, from->raw_data.len);
    else status = take_numbers(tensor, from);
    free(beside);
    if (status == ESP_OK) *out = tensor;
    else                  esp_onnx_tensor_free(tensor);
    return status;
}

esp_status esp_onnx_tensor_read(const Onnx__TensorProto *from, const char *folder, esp_onnx_tensor **out)
{
    size_t count;
    if (from->n_dims > ESP_ONNX_RANK)
        return esp_fail(ESP_ERR_FORMAT, "it has %zu dimensions, at most %d are read", from->n_dims, ESP_ONNX_RANK);
    esp_status status = esp_onnx_count((int)from->n_dims, from->dims, &count);
    if (status != ESP_OK) return status;
    if (is_known(from->data_type) && types[from->data_type].storage != NOT_READ)
        return read_data(from, count, folder, out);
    *out = esp_onnx_tensor_new(from->data_type, (int)from->n_dims, from->dims); /* refused where it is used */
    return ESP_OK;
}
