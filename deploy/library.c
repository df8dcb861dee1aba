/* Exported controllers compiled as shared libraries. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/deploy_internal.h"

struct esp_library {
    void          *handle;
    const char    *hash;
    const int32_t *sizes;  /* inputs, outputs, bytes of a state */
    void (*reset)(void *state, uint64_t seed, uint64_t episode);
    int  (*step)(void *state, const void *input, float *output);
};

/* ISO C has no conversion from an object pointer to a function pointer. */
static void find_function(void *handle, const char *name, void *function)
{
    void *symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol);
}

static esp_status find_symbols(const char *path, esp_library *l)
{
    l->hash = dlsym(l->handle, "espalier_export_hash");
    l->sizes = dlsym(l->handle, "espalier_export_sizes");
    find_function(l->handle, "espalier_export_reset", &l->reset);
    find_function(l->handle, "espalier_export_step", &l->step);
    bool good = l->hash && l->sizes && l->reset && l->step && memchr(l->hash, 0, 17) && l->sizes[0] > 0 &&
                l->sizes[1] > 0 && l->sizes[2] > 0;
    if (good) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: is not a controller of `espalier export`: build the target that ends with "
                    "_shared", path);
}

esp_status esp_library_open(const char *path, esp_library **out)
{
    /* A name without a slash would be searched in the system's folders. */
    char *file = strchr(path, '/') ? esp_strdup(path) : esp_path_join(".", path);
    esp_library *l = esp_alloc(1, sizeof *l);
    l->handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    esp_status status = l->handle ? find_symbols(path, l)
                                  : esp_fail(ESP_ERR_IO, "%s: cannot be loaded: %s", path, dlerror());
    free(file);
    if (status == ESP_OK) *out = l;
    else                  esp_library_free(l);
    return status;
}

void esp_library_free(esp_library *l)
{
    if (!l) return;
    if (l->handle) dlclose(l->handle);
    free(l);
}

const char *esp_library_hash(const esp_library *l)
{
    return l->hash;
}

int esp_library_inputs(const esp_library *l)
{
    return l->sizes[0];
}

int esp_library_outputs(const esp_library *l)
{
    return l->sizes[1];
}

void *esp_library_state(const esp_library *l)
{
    return esp_alloc((size_t)l->sizes[2], 1);
}

void esp_library_reset(const esp_library *l, void *state, uint64_t seed, uint64_t episode)
{
    l->reset(state, seed, episode);
}

bool esp_library_step(const esp_library *l, void *state, const void *input, float *output)
{
    return l->step(state, input, output) == 0;
}
