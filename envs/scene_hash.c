/* Tells whether a scene is still the one that results were made with: a hash over the bytes of its MJCF and of every
 * file that it names. A hash of the compiled model would depend on MuJoCo's version. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "envs/envs.h"

#define FILE_LIMIT ((size_t)256 << 20)
enum { MOST_FILES = 1000, DEEPEST = 8 }; /* end the recursion in scenes that include themselves */

typedef struct {
    uint64_t hash;
    int      files;
} digest;

static esp_status hash_file(const char *path, int depth, digest *d);

static esp_status hash_named(const char *scene, const char *name, int depth, digest *d)
{
    char *path = esp_path_resolve(scene, name);
    bool there = access(path, F_OK) == 0; /* otherwise the file is below meshdir or texturedir */
    esp_status status = there && depth < DEEPEST && d->files < MOST_FILES ? hash_file(path, depth + 1, d) : ESP_OK;
    free(path);
    return status;
}

/* Hashes every file="NAME" of an include, a mesh, a texture or a height field. */
static esp_status hash_files_of(const char *scene, const char *text, int depth, digest *d)
{
    static const char attribute[] = "file=";
    esp_status status = ESP_OK;
    for (const char *at = text; status == ESP_OK && (at = strstr(at, attribute));) {
        at += strlen(attribute);
        const char *end = *at == '"' || *at == '\'' ? strchr(at + 1, *at) : NULL;
        if (!end) continue;
        size_t length = (size_t)(end - at - 1);
        char *name = memcpy(esp_alloc(length + 1, 1), at + 1, length);
        status = hash_named(scene, name, depth, d);
        free(name);
        at = end;
    }
    return status;
}

static esp_status hash_file(const char *path, int depth, digest *d)
{
    char *bytes = NULL;
    size_t size = 0;
    esp_status status = esp_file_read(path, FILE_LIMIT, &bytes, &size);
    if (status != ESP_OK) return status;
    d->files++;
    for (size_t i = 0; i < size; i++) d->hash = esp_hash_step(d->hash, (unsigned char)bytes[i]);
    const char *suffix = strrchr(path, '.');
    if (suffix && strcmp(suffix, ".xml") == 0) status = hash_files_of(path, bytes, depth, d);
    free(bytes);
    return status;
}

esp_status esp_scene_hash(const char *path, uint64_t *hash)
{
    digest d = {.hash = ESP_HASH_START};
    esp_status status = hash_file(path, 0, &d);
    if (status == ESP_OK) *hash = d.hash;
    return status;
}
