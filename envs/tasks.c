/* The tasks of this process: files, found by name below the models folders or by path, and tasks in C. */
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "envs/envs_internal.h"
#include "envs/task_internal.h"

enum { MOST_TASKS = 256, MOST_NAMES = 512 };

/* Tasks that were found so far, never removed: worlds and configurations point into them. */
static struct {
    pthread_mutex_t lock;
    int             count, num_allowed;
    const esp_task *task[MOST_TASKS];
    const char     *name[MOST_TASKS];     /* as asked for */
    const char     *allowed[MOST_TASKS];  /* paths of native code */
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text), end = strlen(suffix);
    return length > end && strcmp(text + length - end, suffix) == 0;
}

/* ---- sentences -------------------------------------------------------------------------------------- */

typedef struct {
    char *name[MOST_NAMES];
    int   count;
} name_list;

/* Folders with a task.json, and one level below them; their names begin with `group`, unless it is NULL. */
static void list_folder(const char *folder, const char *group, name_list *list)
{
    DIR *directory = opendir(folder);
    for (const struct dirent *entry; directory && (entry = readdir(directory));) {
        if (entry->d_name[0] == '.' || list->count == MOST_NAMES) continue;
        char *inner = esp_path_join(folder, entry->d_name), *file = esp_path_join(inner, "task.json");
        if (access(file, F_OK) == 0)
            list->name[list->count++] = group ? esp_path_join(group, entry->d_name) : esp_strdup(entry->d_name);
        if (!group && esp_is_folder(inner)) list_folder(inner, entry->d_name, list);
        free(inner);
        free(file);
    }
    if (directory) closedir(directory);
}

static esp_status refuse(const char *name)
{
    char *folders[4];
    name_list list = {.count = 0};
    esp_models_folders(folders);
    for (int i = 0; i < 4; i++) {
        if (folders[i]) list_folder(folders[i], NULL, &list);
        free(folders[i]);
    }
    for (int i = 0; i < known.count && list.count < MOST_NAMES; i++)
        list.name[list.count++] = esp_strdup(known.task[i]->about.name);
    const char *nearest = esp_nearest(name, (const char *const *)list.name, list.count);
    if (!nearest && list.count > 0) nearest = list.name[0];
    esp_status status =
        nearest ? esp_fail(ESP_ERR_USAGE, "env.task: there is no task '%s'; did you mean '%s'?", name, nearest)
                : esp_fail(ESP_ERR_USAGE, "env.task: there is no task '%s', nor any other; set ESPALIER_MODELS to the "
                           "folder models/ of espalier's source", name);
    for (int i = 0; i < list.count; i++) free(list.name[i]);
    return status;
}

/* ---- native code ---------------------------------------------------------------------------------------- */

/* Stays loaded until the process ends. */
static esp_status load_native(const char *path, const esp_task **out)
{
    bool allowed = false;
    for (int i = 0; i < known.num_allowed; i++) allowed |= strcmp(known.allowed[i], path) == 0;
    if (!allowed)
        return esp_fail(ESP_ERR_USAGE, "env.task: '%s' is native code, which only the command line may name: "
                        "--set env.task=%s", path, path);
    char *file = realpath(path, NULL); /* a name without a slash would be searched in the system's folders */
    void *library = file ? dlopen(file, RTLD_NOW | RTLD_LOCAL) : NULL;
    free(file);
    const int *version = library ? dlsym(library, "esp_task_version") : NULL;
    const esp_task *task = library ? dlsym(library, "esp_task_export") : NULL;
    esp_status status = ESP_OK;
    if (!library) {
        const char *why = dlerror();
        status = esp_fail(ESP_ERR_IO, "env.task: %s: cannot be loaded%s%s", path, why ? ": " : "", why ? why : "");
    } else if (!version || !task) {
        status = esp_fail(ESP_ERR_FORMAT, "env.task: %s: exports no esp_task_version or no esp_task_export", path);
    } else if (*version != ESP_TASK_VERSION) {
        status = esp_fail(ESP_ERR_FORMAT, "env.task: %s: made for version %d of envs.h, this is %d", path, *version,
                          ESP_TASK_VERSION);
    }
    if (status == ESP_OK) *out = task;
    else if (library) dlclose(library);
    return status;
}

void esp_task_allow_native(const char *path)
{
    pthread_mutex_lock(&known.lock);
    if (known.num_allowed < MOST_TASKS) known.allowed[known.num_allowed++] = esp_intern(path);
    pthread_mutex_unlock(&known.lock);
}

/* ---- files ---------------------------------------------------------------------------------------------- */

/* The folders in which the files of a scene may lie: the task's own, and the models folder that it is in. */
static esp_status check_folders(const esp_task_file *file, const char *scene)
{
    char *folders[5] = {esp_path_folder(file->path)};
    esp_models_folders(folders + 1);
    esp_status status = esp_scene_stays_below(scene, 5, folders);
    for (int i = 0; i < 5; i++) free(folders[i]);
    return status == ESP_OK ? ESP_OK : esp_fail_in(status, "%s", file->path);
}

static esp_status load_file(const char *path, const char *name, const esp_task **out)
{
    esp_task_file *file = NULL;
    char *scene = NULL;
    esp_status status = esp_task_file_read(path, name, &file);
    if (status == ESP_OK) status = esp_task_scene(&file->task, &scene);
    if (status == ESP_OK) status = check_folders(file, scene);
    if (status == ESP_OK) status = esp_task_file_check(file, scene);
    free(scene);
    if (status == ESP_OK) *out = &file->task;
    else                  esp_task_file_free(file);
    return status;
}

static esp_status load(const char *name, const esp_task **out)
{
    bool other;
    if (ends_with(name, ".so")) return load_native(name, out);
    if (ends_with(name, ".json")) return load_file(name, name, out);
    char *path = name[0] ? esp_models_find(name, "task.json", &other) : NULL;
    esp_status status = path ? load_file(path, name, out) : refuse(name);
    free(path);
    return status;
}

/* The last `parts` folders above the file of a path. */
static char *last_folders(const char *file, int parts)
{
    char *folder = esp_path_folder(file), *at = folder + strlen(folder);
    while (parts > 0 && at > folder)
        if (*--at == '/') parts--;
    char *out = esp_strdup(*at == '/' ? at + 1 : at);
    free(folder);
    return out;
}

char *esp_task_model_name(const char *task)
{
    if (!ends_with(task, ".json")) return esp_strdup(task);
    char *file = realpath(task, NULL), *name = NULL;
    for (int parts = 1; parts <= 2 && file && !name; parts++) {
        bool other;
        char *tried = last_folders(file, parts), *found = esp_models_find(tried, "task.json", &other);
        char *real = found ? realpath(found, NULL) : NULL;
        if (real && strcmp(real, file) == 0) name = esp_strdup(tried);
        free(tried);
        free(found);
        free(real);
    }
    free(file);
    return name;
}

/* ---- the registry ----------------------------------------------------------------------------------------- */

static void add(const esp_task *task, const char *name)
{
    if (known.count == MOST_TASKS) return; /* found again when it is asked for again */
    known.name[known.count] = esp_intern(name);
    known.task[known.count++] = task;
}

void esp_task_register(const esp_task *task)
{
    pthread_mutex_lock(&known.lock);
    add(task, task->about.name);
    pthread_mutex_unlock(&known.lock);
}

esp_status esp_task_open(const char *name, const esp_task **out)
{
    const esp_task *found = NULL;
    esp_status status = ESP_OK;
    pthread_mutex_lock(&known.lock);
    for (int i = 0; i < known.count && !found; i++)
        if (strcmp(known.name[i], name) == 0) found = known.task[i];
    if (!found) {
        status = load(name, &found);
        if (status == ESP_OK) add(found, name);
    }
    pthread_mutex_unlock(&known.lock);
    if (status == ESP_OK) *out = found;
    return status;
}

const esp_task *esp_task_find(const char *name)
{
    const esp_task *task = NULL;
    return esp_task_open(name, &task) == ESP_OK ? task : NULL;
}

int esp_names_count(const char *const *names)
{
    int count = 0;
    while (names[count]) count++;
    return count;
}

int esp_names_index(const char *const *names, const char *name)
{
    if (!name || !name[0]) return 0;
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}
