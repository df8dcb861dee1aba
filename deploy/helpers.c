/* Which helper functions generated code has: those that are called, after those that they call. */
#include <assert.h>
#include <string.h>

#include "deploy/texts_internal.h"

/* A file of deploy/runtime; the helpers that it calls stand before it. */
typedef struct {
    const char *name;
    const char *calls[3];
} helper;

static const helper helpers[] = {
    {"products", {NULL}},
    {"begin", {NULL}},
    {"window", {NULL}},
    {"exponential", {NULL}},
    {"dense", {"products", "begin"}},
    {"dense_rows", {"products", "begin"}},
    {"random", {NULL}},
    {"convolution", {"window", "products", "begin"}},
    {"grouped", {"window", "begin"}},
    {"max_pool", {"window"}},
    {"average_pool", {"window"}},
    {"image", {NULL}},
    {"transpose", {NULL}},
    {"columns", {NULL}},
    {"layer_norm", {NULL}},
    {"scale", {NULL}},
    {"add", {NULL}},
    {"subtract", {NULL}},
    {"multiply", {NULL}},
    {"divide", {NULL}},
    {"relu", {NULL}},
    {"elu", {"exponential"}},
    {"hyperbolic", {"exponential"}},
    {"sigmoid", {"exponential"}},
    {"silu", {"exponential"}},
    {"leaky_relu", {NULL}},
    {"gelu", {NULL}},
    {"gelu_tanh", {"exponential"}},
    {"softplus", {"exponential"}},
    {"clip", {NULL}},
};
enum { NUM_HELPERS = sizeof helpers / sizeof *helpers };

void esp_c_helper_use(esp_c_helpers *used, const char *name)
{
    int i = 0;
    while (i < NUM_HELPERS && strcmp(helpers[i].name, name) != 0) i++;
    assert(i < NUM_HELPERS);
    *used |= (esp_c_helpers)1 << i;
    for (int k = 0; k < 3 && helpers[i].calls[k]; k++) esp_c_helper_use(used, helpers[i].calls[k]);
}

void esp_c_helpers_write(esp_c_helpers used, FILE *out)
{
    char file[64];
    for (int i = 0; i < NUM_HELPERS; i++) {
        if (!(used >> i & 1)) continue;
        snprintf(file, sizeof file, "%s.c", helpers[i].name);
        fprintf(out, "%s\n", esp_c_runtime_text(file));
    }
}
