/* Preloaded into a program that does not know the library: takes over its simulations, and learns when one of them
 * ends. A program that links the library is left alone until it attaches a simulation. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/plugin_internal.h"

/* The function of that name in the library behind this one, which is MuJoCo. */
static void *behind(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

ESP_PLUGIN_API void mj_deleteData(mjData *data);

/* Forgets the data first: another simulation may soon have its address. */
void mj_deleteData(mjData *data)
{
    void (*original)(mjData *);
    *(void **)&original = behind("mj_deleteData");
    esp_callback_forget(data);
    if (original) original(data);
}

ESP_PLUGIN_API mjModel *mj_loadXML(const char *filename, const mjVFS *vfs, char *error, int error_size);

/* The compiler makes one step with a model to test it: not a simulation to act in. */
mjModel *mj_loadXML(const char *filename, const mjVFS *vfs, char *error, int error_size)
{
    mjModel *(*original)(const char *, const mjVFS *, char *, int);
    *(void **)&original = behind("mj_loadXML");
    if (!original) return NULL;
    esp_callback_pause(true);
    mjModel *model = original(filename, vfs, error, error_size);
    esp_callback_pause(false);
    return model;
}

#if mjVERSION_HEADER >= 320
ESP_PLUGIN_API mjModel *mj_compile(mjSpec *spec, const mjVFS *vfs);

/* The other way to a model, used by the Python package and newer programs. */
mjModel *mj_compile(mjSpec *spec, const mjVFS *vfs)
{
    mjModel *(*original)(mjSpec *, const mjVFS *);
    *(void **)&original = behind("mj_compile");
    if (!original) return NULL;
    esp_callback_pause(true);
    mjModel *model = original(spec, vfs);
    esp_callback_pause(false);
    return model;
}
#endif

/* LD_PRELOAD names files by path, which the loader has resolved: only the file name is left to compare. */
static bool is_preloaded(void)
{
    Dl_info self;
    const char *preload = getenv("LD_PRELOAD");
    if (!preload || !dladdr((void *)is_preloaded, &self) || !self.dli_fname) return false;
    const char *slash = strrchr(self.dli_fname, '/');
    return strstr(preload, slash ? slash + 1 : self.dli_fname) != NULL;
}

__attribute__((constructor)) static void begin(void)
{
    if (!is_preloaded()) return;
    if (esp_plugin_check_mujoco() == ESP_OK) esp_callback_take_all();
    else                                     fprintf(stderr, "espalier: %s: left alone\n", esp_error_text());
}
