/* A task with its model: finds the scene, loads it, and checks that it fits before the first step. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "envs/envs_internal.h"

esp_env_config esp_env_config_default(void)
{
    return (esp_env_config){
        .task = "pendulum",
        .action_repeat = 8,
        .physics_steps = 1000,
        .frame_stack = 9,
        .image_size = 28,
        .supersample = 3,
    };
}

esp_env_config esp_env_config_of(const char *task)
{
    esp_env_config config = esp_env_config_default();
    config.task = esp_intern(task);
    config.action_repeat = config.physics_steps = 0;
    return config;
}

/* ---- the configuration -------------------------------------------------------------------------- */

static esp_status check_range(const char *key, int value, int min, int max)
{
    if (value >= min && value <= max) return ESP_OK;
    return esp_fail(ESP_ERR_RANGE, "env.%s is %d, expected %d to %d", key, value, min, max);
}

static esp_status check_numbers(const esp_env_config *config)
{
    esp_status status = check_range("action_repeat", config->action_repeat, 1, 1000);
    if (status == ESP_OK) status = check_range("physics_steps", config->physics_steps, 1, 1000000);
    if (status == ESP_OK) status = check_range("frame_stack", config->frame_stack, 1, ESP_FRAME_STACK_MAX);
    if (status == ESP_OK)
        status = check_range("image_size", config->image_size, ESP_IMAGE_SIZE_MIN, ESP_IMAGE_SIZE_MAX);
    if (status == ESP_OK) status = check_range("supersample", config->supersample, 1, 8);
    if (status == ESP_OK && config->physics_steps % config->action_repeat != 0)
        status = esp_fail(ESP_ERR_RANGE, "env.physics_steps is %d, expected a multiple of env.action_repeat, %d",
                          config->physics_steps, config->action_repeat);
    return status;
}

esp_status esp_task_settle(const esp_task *task, const char *key, const char *const *names, const char **name)
{
    int index = esp_names_index(names, *name);
    if (index >= 0) {
        *name = names[index];
        return ESP_OK;
    }
    char known[256] = "";
    for (int i = 0, used = 0; names[i] && used < (int)sizeof known; i++)
        used += snprintf(known + used, sizeof known - (size_t)used, "%s%s", i > 0 ? ", " : "", names[i]);
    return esp_fail(ESP_ERR_USAGE, "%s: task '%s' has no '%s'; expected one of %s", key, task->about.name, *name,
                    known);
}

esp_status esp_env_config_settle(esp_env_config *config)
{
    const esp_task *task = NULL;
    esp_status status = esp_task_open(config->task, &task);
    if (status == ESP_OK) status = esp_task_settle(task, "env.start", task->about.starts, &config->start);
    if (status == ESP_OK) status = esp_task_settle(task, "env.reward", task->about.rewards, &config->reward);
    if (status != ESP_OK) return status;
    if (!config->action_repeat) config->action_repeat = task->about.action_repeat ? task->about.action_repeat : 1;
    if (!config->physics_steps) config->physics_steps = task->about.steps ? task->about.steps : 1000;
    return check_numbers(config);
}

int esp_env_steps(const esp_env_config *config)
{
    return config->physics_steps / config->action_repeat;
}

size_t esp_env_pixels(const esp_env_config *config)
{
    return (size_t)config->image_size * (size_t)config->image_size;
}

size_t esp_obs_item_size(const esp_obs_item *item)
{
    return (size_t)item->width * (size_t)item->height;
}

/* ---- the scene ---------------------------------------------------------------------------------- */

/* share/espalier/models of the prefix in whose bin/ or lib/ this code is installed, wherever that is; NULL if the file
 * cannot be told. */
static char *models_of_prefix(void)
{
    Dl_info library;
    char *file = dladdr((void *)esp_models_folders, &library) && strchr(library.dli_fname, '/')
                     ? realpath(library.dli_fname, NULL) : realpath("/proc/self/exe", NULL);
    for (int up = 0; up < 2 && file; up++) { /* the file's name, then bin/ or lib/ */
        char *slash = strrchr(file, '/');
        if (slash) *slash = '\0';
    }
    char *models = file ? esp_path_join(file, "share/espalier/models") : NULL;
    free(file);
    return models;
}

void esp_models_folders(char *folders[4])
{
    const char *chosen = getenv("ESPALIER_MODELS");
    folders[0] = chosen ? esp_strdup(chosen) : NULL;
    folders[1] = models_of_prefix();
    folders[2] = esp_strdup(ESP_MODELS_INSTALLED);
    folders[3] = esp_strdup(ESP_MODELS_SOURCE);
}

char *esp_models_find(const char *name, const char *file, bool *other)
{
    char *folders[4], *found = NULL;
    esp_models_folders(folders);
    for (int i = 0; i < 4; i++) {
        if (folders[i] && !found) {
            char *folder = esp_path_join(folders[i], name);
            found = esp_path_join(folder, file);
            free(folder);
            if (access(found, F_OK) != 0) {
                free(found);
                found = NULL;
            } else {
                *other = i > 0 && folders[0];
            }
        }
        free(folders[i]);
    }
    return found;
}

static esp_status find_in_models(const esp_task *task, char **out)
{
    static atomic_bool told;
    const char *chosen = getenv("ESPALIER_MODELS"), *file = task->about.scene ? task->about.scene : "scene.xml";
    bool other = false;
    char *scene = esp_models_find(task->about.name, file, &other);
    if (!scene)
        return esp_fail(ESP_ERR_MACHINE, "no %s/%s below $ESPALIER_MODELS (%s), %s or %s; set ESPALIER_MODELS to "
                        "the folder models/ of espalier's source", task->about.name, file,
                        chosen ? chosen : "not set", ESP_MODELS_INSTALLED, ESP_MODELS_SOURCE);
    if (other && !atomic_exchange(&told, true))
        esp_log(ESP_LOG_WARNING, "no %s/%s below $ESPALIER_MODELS (%s); using %s", task->about.name, file, chosen,
                scene);
    *out = scene;
    return ESP_OK;
}

/* The scene of a file that was given by its path is relative to that file; one of the models folder is looked for in
 * all models folders. */
esp_status esp_task_scene(const esp_task *task, char **out)
{
    size_t length = strlen(task->about.name);
    bool by_path = task->about.file && length > 5 && strcmp(task->about.name + length - 5, ".json") == 0;
    if (!by_path) return find_in_models(task, out);
    *out = esp_path_resolve(task->about.file, task->about.scene);
    return ESP_OK;
}

esp_status esp_scene_find(const esp_env_config *config, char **out)
{
    if (config->scene && config->scene[0]) {
        *out = esp_strdup(config->scene);
        return ESP_OK;
    }
    const esp_task *task = NULL;
    esp_status status = esp_task_open(config->task, &task);
    return status == ESP_OK ? esp_task_scene(task, out) : status;
}

/* A world that is about to get its model, and the host's model if the world is to adopt one. */
typedef struct {
    esp_world     *world;
    const mjModel *source;
} loading;

/* As mj_loadXML, but preserves the MJCF text that MuJoCo keeps of the last loaded model: a host may save it
 * (mj_saveLastXML). Before MuJoCo 3.2.0 there is no other way to load a file. */
static mjModel *compile(const char *scene, char *text, int size)
{
#if mjVERSION_HEADER >= 320
    mjSpec *spec = mj_parseXML(scene, NULL, text, size);
    if (!spec) return NULL;
    mjModel *model = mj_compile(spec, NULL);
    if (!text[0]) snprintf(text, (size_t)size, "%s", mjs_getError(spec));
    mj_deleteSpec(spec);
    return model;
#else
    return mj_loadXML(scene, NULL, text, size);
#endif
}

esp_status esp_model_load(const char *scene, bool warn, mjModel **out)
{
    struct stat file;
    if (stat(scene, &file) != 0) return esp_fail(ESP_ERR_IO, "cannot be read: %s", strerror(errno));
    if (!S_ISREG(file.st_mode)) return esp_fail(ESP_ERR_IO, "is not a file");

    char text[ESP_ERROR_TEXT] = "", line[ESP_ERROR_TEXT];
    mjModel *model = compile(scene, text, sizeof text);
    esp_one_line(text, line, sizeof line);
    if (!model) return esp_fail(ESP_ERR_FORMAT, "%s", line[0] ? line : "MuJoCo cannot load it");
    if (line[0] && warn) esp_log(ESP_LOG_WARNING, "%s: %s", scene, line);
    *out = model;
    return ESP_OK;
}

static esp_status load_model(void *argument)
{
    esp_world *world = ((loading *)argument)->world;
    esp_status status = esp_model_load(world->scene, true, &world->model);
    if (status == ESP_OK && world->task->edit) status = world->task->edit(world->task, world->model);
    return status;
}

/* Loads the agent's own scene, the one it has learnt to see; true if its physics equals that of the host's model. */
static bool load_own_scene(loading *l)
{
    esp_world *world = l->world;
    if (esp_scene_find(&world->config, &world->scene) != ESP_OK) return false;
    if (esp_guard(load_model, l, ESP_ERR_FORMAT) == ESP_OK && esp_same_physics(world->model, l->source)) return true;
    if (world->model) mj_deleteModel(world->model);
    world->model = NULL;
    return false;
}

static esp_status adopt_model(void *argument)
{
    loading *l = argument;
    esp_world *world = l->world;
    bool own = load_own_scene(l);
    free(world->scene);
    world->scene = esp_strdup(l->source->names); /* the names of a model begin with its own */
    if (own) world->model->opt.timestep = l->source->opt.timestep;
    else     world->model = mj_copyModel(NULL, l->source);
    return world->model ? ESP_OK : esp_fail(ESP_ERR_MACHINE, "no memory for a copy");
}

/* `simulated` is the model that is stepped: the world's own or the host's. */
static esp_status check_model(const esp_world *world, const mjModel *simulated)
{
    const char *task = world->task->about.name;
    esp_status fits = world->task->fit(world->task, simulated);
    if (fits != ESP_OK) return esp_fail_in(fits, "does not fit task '%s'", task);
    if (!(simulated->opt.timestep > 0.0 && simulated->opt.timestep < 10.0))
        return esp_fail(ESP_ERR_FORMAT, "timestep is %g s, expected above 0 and below 10", simulated->opt.timestep);
    if (simulated->nu < 1) return esp_fail(ESP_ERR_FORMAT, "has no actuator");
    for (int k = 0; k < world->num_items; k++)
        if (world->item[k].camera && mj_name2id(world->model, mjOBJ_CAMERA, world->item[k].camera) < 0)
            return esp_fail(ESP_ERR_FORMAT, "does not fit task '%s': a camera named '%s' is missing", task,
                            world->item[k].camera);
    return ESP_OK;
}

esp_obs_item esp_task_item(const esp_task *task, const esp_env_config *config, int k)
{
    esp_obs_item item = task->about.items[k];
    bool pixels = item.kind == ESP_ITEM_PIXELS;
    if (!item.history) item.history = pixels ? config->frame_stack : 1;
    if (!item.width) item.width = config->image_size;
    if (!item.height) item.height = pixels ? item.width : 1;
    if (!item.supersample) item.supersample = pixels ? config->supersample : 1;
    return item;
}

static void fill_items(esp_world *world)
{
    world->num_items = world->task->about.num_items;
    world->item = esp_alloc((size_t)world->num_items, sizeof *world->item);
    for (int k = 0; k < world->num_items; k++) world->item[k] = esp_task_item(world->task, &world->config, k);
}

/* [-1, 1] maps to the actuator's range in its own unit; an actuator without a range gets the output unchanged. */
static esp_status fill_actuation(esp_world *world, const mjModel *model)
{
    world->num_actions = (int)model->nu;
    world->actuation = esp_alloc((size_t)world->num_actions, sizeof *world->actuation);
    for (int k = 0; k < world->num_actions; k++) {
        const mjtNum *range = model->actuator_ctrlrange + 2 * k;
        bool limited = model->actuator_ctrllimited[k];
        esp_actuation *a = &world->actuation[k];
        *a = (esp_actuation){.low = -1.0, .high = 1.0, .offset = 0.0, .scale = 1.0, .control_low = -INFINITY,
                             .control_high = INFINITY};
        if (!limited) continue;
        a->offset = 0.5 * (range[0] + range[1]);
        a->scale = 0.5 * (range[1] - range[0]);
        a->control_low = range[0];
        a->control_high = range[1];
    }
    return world->task->actuation ? world->task->actuation(world->task, model, world->actuation) : ESP_OK;
}

double esp_world_period(const esp_world *world)
{
    return world->config.action_repeat * world->task->about.timestep;
}

#define SAME_TIME 1e-9 /* relative tolerance, because decimal fractions are rounded in binary */

/* Whether a time step of the task is a whole number of time steps of the model, which a task that is rewarded once per
 * step may count on; then also fills them in. */
static bool task_steps(esp_world *world)
{
    double count = world->task->about.timestep / world->model->opt.timestep;
    if (!world->task->about.reward_per_step || count < 1.0 - SAME_TIME) return false;
    if (fabs(count - round(count)) > SAME_TIME * count) return false;
    world->substeps = (int)round(count);
    world->repeat = world->config.action_repeat * world->substeps;
    return true;
}

/* A scene may be simulated in finer steps than the task's, but the controller was made for the task's control
 * period. */
static void fill_times(esp_world *world)
{
    double timestep = world->model->opt.timestep, task = world->task->about.timestep, period = esp_world_period(world);
    world->num_steps = esp_env_steps(&world->config);
    world->substeps = 1;
    world->repeat = world->config.action_repeat;
    world->reward_weight = 1.0;
    if (task_steps(world)) return;
    if (fabs(timestep - task) <= SAME_TIME * task) return;
    world->repeat = (int)fmax(1.0, round(period / timestep));
    world->reward_weight = timestep / task;
    double real = world->repeat * timestep;
    esp_log(ESP_LOG_WARNING, "%s: time step %g s, task '%s' has %g s: a control step is %d physics steps, %g s%s",
            world->scene, timestep, world->task->about.name, task, world->repeat, real,
            fabs(real - period) <= SAME_TIME * period ? "" : ", as close as possible");
}

/* The off-screen buffer is as large as the largest picture; the box filter replaces its anti-aliasing. */
static void fit_buffer(esp_world *world)
{
    int width = 1, height = 1;
    for (int k = 0; k < world->num_items; k++) {
        const esp_obs_item *item = &world->item[k];
        if (item->kind != ESP_ITEM_PIXELS) continue;
        if (item->width * item->supersample > width) width = item->width * item->supersample;
        if (item->height * item->supersample > height) height = item->height * item->supersample;
    }
    world->model->vis.global.offwidth = width;
    world->model->vis.global.offheight = height;
    world->model->vis.quality.offsamples = 0;
    world->model->vis.quality.shadowsize = 0;
}

static esp_status make_world(const esp_env_config *config, esp_world **out)
{
    esp_env_config settled = *config;
    esp_status status = esp_env_config_settle(&settled);
    if (status != ESP_OK) return status;
    esp_world *world = *out = esp_alloc(1, sizeof **out);
    world->config = settled;
    world->task = esp_task_find(settled.task);
    world->start = esp_names_index(world->task->about.starts, settled.start);
    world->reward = esp_names_index(world->task->about.rewards, settled.reward);
    fill_items(world);
    return ESP_OK;
}

/* Calls `load` to give the world its model, then hands the world out, or frees it on failure. */
static esp_status finish_world(esp_world *world, esp_status (*load)(void *argument), const mjModel *source,
                               esp_world **out)
{
    loading l = {world, source};
    esp_status status = esp_guard(load, &l, ESP_ERR_FORMAT);
    const mjModel *simulated = source ? source : world->model;
    if (status == ESP_OK) status = check_model(world, simulated);
    if (status != ESP_OK && !source) esp_fail_in(status, "%s", world->scene);
    if (status == ESP_OK) status = fill_actuation(world, simulated);
    if (status == ESP_OK) {
        fill_times(world);
        fit_buffer(world);
        *out = world;
    } else {
        esp_world_free(world);
    }
    return status;
}

esp_status esp_world_create(const esp_env_config *config, esp_world **out)
{
    esp_world *world = NULL;
    esp_status status = make_world(config, &world);
    if (status == ESP_OK) status = esp_scene_find(&world->config, &world->scene);
    if (status == ESP_OK) return finish_world(world, load_model, NULL, out);
    esp_world_free(world);
    return status;
}

esp_status esp_world_adopt(const esp_env_config *config, const mjModel *model, esp_world **out)
{
    esp_world *world = NULL;
    esp_status status = make_world(config, &world);
    return status == ESP_OK ? finish_world(world, adopt_model, model, out) : status;
}

void esp_world_free(esp_world *world)
{
    if (!world) return;
    if (world->model) mj_deleteModel(world->model);
    free(world->actuation);
    free(world->item);
    free(world->scene);
    free(world);
}

double esp_world_reward(const esp_world *world, const mjModel *model, const esp_play *play)
{
    double weight = world->task->about.reward_per_step ? 1.0 : world->reward_weight;
    return weight * world->task->reward(world->task, model, play, world->reward);
}

int esp_world_pixels(const esp_world *world)
{
    for (int k = 0; k < world->num_items; k++)
        if (world->item[k].kind == ESP_ITEM_PIXELS) return k;
    return -1;
}
