/* The file format: what was written comes back, and nothing in a file is trusted. */
#include <unistd.h>

#include "check.h"
#include "nn/nn.h"

static char folder[] = "/tmp/test_safetensors_XXXXXX";
static char path[sizeof folder + 16];

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/x.safetensors", folder);
}

__attribute__((destructor)) static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

/* Replaces esp_file_write, whose sync to disk would make the thousands of files below slow. */
static void put_file(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* A file with any header text, followed by `data_size` bytes 0, 1, 2 ... */
static void put_header(const char *header, size_t data_size)
{
    size_t length = strlen(header);
    unsigned char *bytes = esp_alloc(8 + length + data_size, 1);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(length >> 8 * i);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_size; i++) bytes[8 + length + i] = (unsigned char)i;
    put_file(bytes, 8 + length + data_size);
    free(bytes);
}

static const float floats[6] = {1.5f, -2.0f, 3.25f, 0.0f, 1e-30f, 3e38f};
static const int64_t longs[2] = {-1, INT64_C(1) << 40};
static const uint8_t bytes3[3] = {0, 127, 255};

static const esp_st_tensor samples[] = {
    {.name = "longs", .dtype = ESP_I64, .rank = 1, .shape = {2}, .count = 2, .data = longs},
    {.name = "_pi.0.weight", .dtype = ESP_F32, .rank = 2, .shape = {2, 3}, .count = 6, .data = floats},
    {.name = "bytes", .dtype = ESP_U8, .rank = 3, .shape = {1, 3, 1}, .count = 3, .data = bytes3},
    {.name = "scalar", .dtype = ESP_F32, .rank = 0, .count = 1, .data = floats},
    {.name = "nothing", .dtype = ESP_F32, .rank = 2, .shape = {0, 4}, .count = 0, .data = floats},
};
#define SAMPLES (int)(sizeof samples / sizeof *samples)

static void write_samples(void)
{
    cJSON *metadata = cJSON_CreateObject();
    cJSON_AddStringToObject(metadata, "espalier", "{\"a\": \"\\u00e9 and \\\"quotes\\\"\"}");
    CHECK_OK(esp_safetensors_write(path, samples, SAMPLES, metadata));
    cJSON_Delete(metadata);
}

static void written_tensors_and_metadata_are_read_back(void)
{
    write_samples();
    esp_safetensors *file;
    CHECK_OK(esp_safetensors_read(path, &file));
    CU_ASSERT_EQUAL(file->count, SAMPLES);
    for (int i = 0; i < SAMPLES; i++) {
        const esp_st_tensor *got = esp_safetensors_find(file, samples[i].name);
        CU_ASSERT_FATAL(got != NULL);
        CU_ASSERT_EQUAL(got->dtype, samples[i].dtype);
        CU_ASSERT_EQUAL(got->rank, samples[i].rank);
        CU_ASSERT_EQUAL(got->count, samples[i].count);
        CU_ASSERT_EQUAL(memcmp(got->shape, samples[i].shape, sizeof got->shape), 0);
        size_t element = got->dtype == ESP_I64 ? 8 : got->dtype == ESP_F32 ? 4 : 1;
        CU_ASSERT_EQUAL(memcmp(got->data, samples[i].data, got->count * element), 0);
    }
    CU_ASSERT_STRING_EQUAL(esp_safetensors_metadata(file, "espalier"),
                           "{\"a\": \"\\u00e9 and \\\"quotes\\\"\"}");
    CU_ASSERT_PTR_NULL(esp_safetensors_metadata(file, "Espalier"));
    CU_ASSERT_PTR_NULL(esp_safetensors_find(file, "absent"));
    esp_safetensors_free(file);
}

static void equal_tensors_give_equal_bytes(void)
{
    char *first, *second;
    size_t first_size, second_size;
    write_samples();
    CHECK_OK(esp_file_read(path, 1 << 20, &first, &first_size));
    write_samples();
    CHECK_OK(esp_file_read(path, 1 << 20, &second, &second_size));
    CU_ASSERT_EQUAL_FATAL(first_size, second_size);
    CU_ASSERT_EQUAL(memcmp(first, second, first_size), 0);
    CU_ASSERT_EQUAL(first[0] % 8, 0); /* length of the header: data begins at a multiple of 8 */
    free(first);
    free(second);
}

static void file_without_tensors_is_a_file(void)
{
    esp_safetensors *file;
    CHECK_OK(esp_safetensors_write(path, NULL, 0, NULL));
    CHECK_OK(esp_safetensors_read(path, &file));
    CU_ASSERT_EQUAL(file->count, 0);
    CU_ASSERT_PTR_NULL(esp_safetensors_metadata(file, "espalier"));
    esp_safetensors_free(file);
}

static void tensors_at_odd_places_are_read_aligned(void)
{
    put_header("{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
               "\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[3,7]},"
               "\"i\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[7,15]}}", 15);
    esp_safetensors *file;
    CHECK_OK(esp_safetensors_read(path, &file));
    const esp_st_tensor *f = esp_safetensors_find(file, "f"), *i = esp_safetensors_find(file, "i");
    CU_ASSERT_EQUAL((uintptr_t)f->data % 4, 0);
    CU_ASSERT_EQUAL((uintptr_t)i->data % 8, 0);
    CU_ASSERT_EQUAL(*(const int64_t *)i->data, INT64_C(0x0e0d0c0b0a090807));
    esp_safetensors_free(file);
}

static void every_truncation_reports_format_error(void)
{
    char *bytes;
    size_t size;
    write_samples();
    CHECK_OK(esp_file_read(path, 1 << 20, &bytes, &size));
    for (size_t length = 0; length < size; length++) {
        esp_safetensors *file = NULL;
        put_file(bytes, length);
        CHECK_FAILS(ESP_ERR_FORMAT, esp_safetensors_read(path, &file), path);
        CU_ASSERT_PTR_NULL(file);
    }
    free(bytes);
}

/* Sanitizers would notice a misread byte; here the reader only has to return. */
static void flipped_bits_never_crash_the_reader(void)
{
    char *bytes;
    size_t size, accepted = 0;
    write_samples();
    CHECK_OK(esp_file_read(path, 1 << 20, &bytes, &size));
    for (size_t bit = 0; bit < 8 * size; bit++) {
        esp_safetensors *file = NULL;
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        put_file(bytes, size);
        if (esp_safetensors_read(path, &file) == ESP_OK) accepted++;
        esp_safetensors_free(file);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    /* Flipped bits of values are still values. */
    CU_ASSERT(accepted >= 8 * (sizeof floats + sizeof longs + sizeof bytes3));
    CU_ASSERT(accepted < 8 * size);
    free(bytes);
}

/* Two floats at [0,8] unless the text says otherwise; the reader's message must contain the
 * word. */
static void malformed_headers_are_refused_with_the_reason(void)
{
    static const struct {
        const char *header, *word;
    } cases[] = {
        {"", "line 1"},
        {"{", "line 1"},
        {"[]", "not a JSON object"},
        {"{} x", "line 1"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "duplicate"},
        {"{\"a\":1}", "has no dtype"},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "has no dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "has no shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "has no data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":0}}", "keys besides"},
        {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[0,8]}}", "'a' has type BF16"},
        {"{\"a\":{\"dtype\":\"f32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "'a' has type f32"},
        {"{\"a\":{\"dtype\":5,\"shape\":[2],\"data_offsets\":[0,8]}}", "dtype is not a string"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", "shape is not a list"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}}", "entry 0 of its shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,-2],\"data_offsets\":[0,8]}}", "entry 1 of its shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,8]}}", "entry 0 of its shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1e300],\"data_offsets\":[0,8]}}", "entry 0 of its shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", "more than 6 dimensions"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", "overflows"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387,1024],\"data_offsets\":[0,8]}}", "overflows"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1073741824],\"data_offsets\":[0,8]}}", "needs 4294967296 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "needs 12 bytes"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,8]}}", "needs 2 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}", "ends at byte 12"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,1e15]}}", "ends at byte"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "data_offsets is not"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", "data_offsets is not"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "data_offsets is not"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", "data_offsets is not"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":{\"begin\":0,\"end\":8}}}", "data_offsets is not"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "'b' overlaps"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "overlaps"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "gap of 4 bytes before tensor 'a'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "4 bytes after the last tensor"},
        {"{}", "8 bytes after the last tensor"},
        {"{\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "name is empty"},
        {"{\"a\\n\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "not printable"},
        {"{\"__metadata__\":[],\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "not an object"},
        {"{\"__metadata__\":{\"v\":1},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "entry 'v' is not a string"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        esp_safetensors *file = NULL;
        put_header(cases[i].header, 8);
        CHECK_FAILS(ESP_ERR_FORMAT, esp_safetensors_read(path, &file), cases[i].word);
        CHECK_FAILS(ESP_ERR_FORMAT, esp_safetensors_read(path, &file), path);
        CU_ASSERT_PTR_NULL(file);
    }
}

static void header_lengths_are_compared_with_the_file(void)
{
    esp_safetensors *file = NULL;
    unsigned char bytes[16] = {9, 0, 0, 0, 0, 0, 0, 0, '{', '}', ' ', ' ', ' ', ' ', ' ', ' '};
    put_file(bytes, sizeof bytes);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_safetensors_read(path, &file), "needs 9 bytes, but the file has 8");
    bytes[7] = 0x80;
    put_file(bytes, sizeof bytes);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_safetensors_read(path, &file), "at most 4194304");
}

static void long_names_are_refused(void)
{
    char header[512], name[257];
    memset(name, 'n', 256);
    name[256] = 0;
    snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", name);
    esp_safetensors *file = NULL;
    put_header(header, 8);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_safetensors_read(path, &file), "longer than 255 bytes");
}

static void absent_file_reports_io_error(void)
{
    esp_safetensors *file = NULL;
    unlink(path);
    CHECK_FAILS(ESP_ERR_IO, esp_safetensors_read(path, &file), path);
    CHECK_FAILS(ESP_ERR_IO, esp_safetensors_write("/nowhere/x.safetensors", samples, SAMPLES, NULL), "/nowhere");
}

static CU_TestInfo tests[] = {
    {"written_tensors_and_metadata_are_read_back", written_tensors_and_metadata_are_read_back},
    {"equal_tensors_give_equal_bytes", equal_tensors_give_equal_bytes},
    {"file_without_tensors_is_a_file", file_without_tensors_is_a_file},
    {"tensors_at_odd_places_are_read_aligned", tensors_at_odd_places_are_read_aligned},
    {"every_truncation_reports_format_error", every_truncation_reports_format_error},
    {"flipped_bits_never_crash_the_reader", flipped_bits_never_crash_the_reader},
    {"malformed_headers_are_refused_with_the_reason", malformed_headers_are_refused_with_the_reason},
    {"header_lengths_are_compared_with_the_file", header_lengths_are_compared_with_the_file},
    {"long_names_are_refused", long_names_are_refused},
    {"absent_file_reports_io_error", absent_file_reports_io_error},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("safetensors", tests)
