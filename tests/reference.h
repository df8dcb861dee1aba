/* Recorded vectors of the reference TD-MPC: where they are, and how a test reads and compares them.
 * They are not part of the project, so a program that finds none says so and is skipped. */
#ifndef ESP_TESTS_REFERENCE_H
#define ESP_TESTS_REFERENCE_H

#include <sys/stat.h>

#include "check.h"
#include "nn/nn.h"

static inline const char *reference_folder(void)
{
    const char *folder = getenv("ESPALIER_REFERENCE");
    return folder ? folder : ESP_SOURCE "/../shared/reference";
}

/* Runs before main, so that the suite of a program that includes this need not ask. */
__attribute__((constructor)) static void skip_without_reference(void)
{
    struct stat info;
    if (stat(reference_folder(), &info) == 0 && S_ISDIR(info.st_mode)) return;
    printf("skipped: there is no folder '%s' (ESPALIER_REFERENCE names another)\n", reference_folder());
    exit(77);
}

static inline esp_safetensors *reference_open(const char *file)
{
    char *path = esp_path_join(reference_folder(), file);
    esp_safetensors *out = NULL;
    CHECK_OK(esp_safetensors_read(path, &out));
    free(path);
    return out;
}

static inline const esp_st_tensor *reference_tensor(const esp_safetensors *file, const char *name)
{
    const esp_st_tensor *tensor = esp_safetensors_find(file, name);
    if (!tensor) printf("\n    %s: no tensor '%s' ", file->path, name);
    CU_ASSERT_FATAL(tensor != NULL);
    return tensor;
}

static inline const float *reference_floats(const esp_safetensors *file, const char *name)
{
    const esp_st_tensor *tensor = reference_tensor(file, name);
    CU_ASSERT_EQUAL_FATAL(tensor->dtype, ESP_F32);
    return tensor->data;
}

/* A number from the metadata of a case, which hold its sizes and constants. */
static inline double reference_number(const esp_safetensors *file, const char *key)
{
    const char *text = esp_safetensors_metadata(file, key);
    if (!text) printf("\n    %s: no metadata '%s' ", file->path, key);
    CU_ASSERT_FATAL(text != NULL);
    return atof(text);
}

static inline int reference_int(const esp_safetensors *file, const char *key)
{
    return (int)reference_number(file, key);
}

/* The same for a case that may leave it to the reference's default. */
static inline double reference_number_or(const esp_safetensors *file, const char *key, double otherwise)
{
    return esp_safetensors_metadata(file, key) ? reference_number(file, key) : otherwise;
}

/* Compares with tensor `name`, which must have `count` entries. */
static inline void reference_check(const esp_safetensors *file, const char *name, size_t count, const float *got,
                                   double atol, double rtol)
{
    const float *expected = reference_floats(file, name);
    CU_ASSERT_EQUAL_FATAL(reference_tensor(file, name)->count, count);
    CHECK_CLOSE(name, count, got, expected, atol, rtol);
}

#endif
