/* Whether the files of a scene lie where they may: a task file of a stranger must not make MuJoCo read others. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "envs/envs_internal.h"
#include "envs/task_internal.h"

#define FILE_LIMIT ((size_t)256 << 20)
enum { DEEPEST = 8, MOST_FILES = 1000 };

typedef struct {
    const char  *scene;
    int          count;
    char *const *folders;
    int          files;
} search;

/* Both real paths; a folder that does not exist contains nothing. */
static bool is_below(const char *path, const char *folder)
{
    char *real = folder ? realpath(folder, NULL) : NULL;
    size_t length = real ? strlen(real) : 0;
    bool below = real && strncmp(path, real, length) == 0 && (path[length] == '/' || path[length] == '\0');
    free(real);
    return below;
}

static esp_status check_path(const search *s, const char *path)
{
    char *real = realpath(path, NULL);
    bool below = !real; /* MuJoCo says that it does not exist */
    for (int i = 0; i < s->count && !below; i++) below = is_below(real, s->folders[i]);
    free(real);
    if (below) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "scene: '%s' lies outside of the task's folder and of the models folder", path);
}

static esp_status check_file(search *s, const char *path, int depth);

/* The value of the attribute at `at`, which is followed by = and quotes; NULL: it is not. */
static char *value_of(const char *at)
{
    at += strspn(at, " \t\r\n");
    if (*at++ != '=') return NULL;
    at += strspn(at, " \t\r\n");
    const char *end = *at == '"' || *at == '\'' ? strchr(at + 1, *at) : NULL;
    if (!end) return NULL;
    size_t length = (size_t)(end - at - 1);
    return memcpy(esp_alloc(length + 1, 1), at + 1, length);
}

static esp_status check_named(search *s, const char *scene, const char *name, int depth)
{
    char *path = esp_path_resolve(scene, name);
    esp_status status = check_path(s, path);
    const char *suffix = strrchr(path, '.');
    if (status == ESP_OK && suffix && strcmp(suffix, ".xml") == 0 && access(path, R_OK) == 0)
        status = depth < DEEPEST && s->files < MOST_FILES
                     ? check_file(s, path, depth + 1)
                     : esp_fail(ESP_ERR_FORMAT, "scene: '%s': includes more than %d deep", path, DEEPEST);
    free(path);
    return status;
}

/* Every file that an attribute names, and the folders in which MuJoCo looks for meshes and textures. */
static esp_status check_text(search *s, const char *scene, const char *text, int depth)
{
    static const char *const attributes[] = {"file", "meshdir", "texturedir", "assetdir"};
    esp_status status = ESP_OK;
    for (int k = 0; k < 4; k++)
        for (const char *at = text; status == ESP_OK && (at = strstr(at, attributes[k]));) {
            at += strlen(attributes[k]);
            char *name = value_of(at);
            if (name) status = check_named(s, scene, name, depth);
            free(name);
        }
    return status;
}

static esp_status check_file(search *s, const char *path, int depth)
{
    char *text = NULL;
    size_t size = 0;
    s->files++;
    esp_status status = esp_file_read(path, FILE_LIMIT, &text, &size);
    if (status == ESP_OK) status = check_text(s, path, text, depth);
    free(text);
    return status;
}

esp_status esp_scene_stays_below(const char *scene, int count, char *const *folders)
{
    search s = {scene, count, folders, 0};
    esp_status status = check_path(&s, scene);
    if (status == ESP_OK && access(scene, R_OK) == 0) status = check_file(&s, scene, 0);
    return status;
}
