/* The files of tests/onnx: networks that exporters wrote (tests/record/onnx_*.py), with inputs and what onnxruntime
 * makes of them. */
#ifndef ESP_ONNX_FIXTURES_H
#define ESP_ONNX_FIXTURES_H

#include <glob.h>

#include "check.h"
#include "onnx/onnx.h"

#define ONNX_FOLDER ESP_SOURCE "/tests/onnx/"

/* A fixture and its recorded samples. */
typedef struct {
    char             path[512];
    esp_safetensors *recorded;
    int              count;      /* samples */
    const float     *x, *y;      /* [count, values] */
    size_t           num_y;      /* values in y */
} onnx_fixture;

static inline void onnx_fixture_open(const char *path, onnx_fixture *out)
{
    char recorded[520];
    snprintf(out->path, sizeof out->path, "%s", path);
    snprintf(recorded, sizeof recorded, "%.*s.safetensors", (int)(strlen(path) - 5), path);
    CHECK_OK(esp_safetensors_read(recorded, &out->recorded));
    const esp_st_tensor *x = esp_safetensors_find(out->recorded, "x"), *y = esp_safetensors_find(out->recorded, "y");
    CU_ASSERT_FATAL(x && y && x->rank == 2 && y->rank == 2 && x->shape[0] == y->shape[0]);
    out->count = (int)x->shape[0];
    out->x = x->data;
    out->y = y->data;
    out->num_y = y->count;
}

static inline void onnx_fixture_close(onnx_fixture *fixture)
{
    esp_safetensors_free(fixture->recorded);
}

/* Calls `check` for every fixture. */
static inline void onnx_fixtures_each(void (*check)(const onnx_fixture *fixture))
{
    glob_t found;
    CU_ASSERT_EQUAL_FATAL(glob(ONNX_FOLDER "*.onnx", 0, NULL, &found), 0);
    CU_ASSERT(found.gl_pathc >= 20);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        onnx_fixture fixture;
        onnx_fixture_open(found.gl_pathv[i], &fixture);
        check(&fixture);
        onnx_fixture_close(&fixture);
    }
    globfree(&found);
}

/* What a network makes of samples x [n, inputs]; the caller frees it. */
static inline float *onnx_outputs(const esp_network *net, const float *x, int n)
{
    size_t count = (size_t)n * (size_t)net->component[0].out_size;
    esp_tape *tape = esp_tape_create(net, 0, n);
    float *y = esp_alloc(count, sizeof *y);
    memcpy(y, esp_forward(net, tape, x, n), count * sizeof *y);
    esp_tape_free(tape);
    return y;
}

#endif
