/* Small IDX files, valid and invalid, in a folder that is removed at the end. */
#ifndef ESP_TESTS_IDX_FILES_H
#define ESP_TESTS_IDX_FILES_H

#include <unistd.h>
#include <zlib.h>

#include "autoencoder/autoencoder.h"
#include "tests/check.h"

enum { IDX_HEADER = 16 };

typedef struct {
    size_t   size;
    uint8_t *data; /* owned */
} idx_bytes;

static char idx_folder[] = "/tmp/espalier-idx-XXXXXX";

__attribute__((constructor)) static void idx_folder_make(void)
{
    if (!mkdtemp(idx_folder)) exit(1);
}

__attribute__((destructor)) static void idx_folder_remove(void)
{
    char command[sizeof idx_folder + 16];
    snprintf(command, sizeof command, "rm -rf %s", idx_folder);
    if (system(command) != 0) printf("%s stays behind\n", idx_folder);
}

static inline void idx_put(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* `count` images of noise on white paper, after a header. */
static inline idx_bytes idx_make(int count, uint64_t seed)
{
    idx_bytes file = {.size = IDX_HEADER + (size_t)count * ESP_IMAGE_PIXELS};
    file.data = esp_alloc(file.size, 1);
    idx_put(file.data, 0x0803);
    idx_put(file.data + 4, (uint32_t)count);
    idx_put(file.data + 8, ESP_IMAGE_SIDE);
    idx_put(file.data + 12, ESP_IMAGE_SIDE);
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 0);
    for (size_t i = IDX_HEADER; i < file.size; i += 1 + esp_rng_below(&rng, 64))
        file.data[i] = (uint8_t)esp_rng_below(&rng, 256);
    return file;
}

static inline idx_bytes idx_gzip(const uint8_t *data, size_t size)
{
    z_stream z = {0};
    CU_ASSERT_EQUAL_FATAL(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    idx_bytes packed = {.size = deflateBound(&z, size)};
    packed.data = esp_alloc(packed.size, 1);
    z.next_in = (Bytef *)data;
    z.avail_in = (uInt)size;
    z.next_out = packed.data;
    z.avail_out = (uInt)packed.size;
    CU_ASSERT_EQUAL_FATAL(deflate(&z, Z_FINISH), Z_STREAM_END);
    packed.size = z.total_out;
    deflateEnd(&z);
    return packed;
}

/* Writes a file with this name and content and returns its path, valid until the next call. */
static inline const char *idx_write(const char *name, const uint8_t *data, size_t size)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", idx_folder, name);
    unlink(path); /* file systems flush a file that is overwritten, which takes 2 ms each time */
    FILE *file = fopen(path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    CU_ASSERT_EQUAL(fwrite(data, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
    return path;
}

static inline bool idx_holds(const esp_images *images, const idx_bytes *file)
{
    size_t size = (size_t)images->count * ESP_IMAGE_PIXELS;
    return size == file->size - IDX_HEADER && memcmp(images->pixels, file->data + IDX_HEADER, size) == 0;
}

#endif
