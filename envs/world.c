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
    const esp_task *task = esp_task_find(config->task);
    if (!task) return ESP_ERR_USAGE;
    esp_status status = esp_task_settle(task, "env.start", task->about.starts, &config->start);
    if (status == ESP_OK) status = esp_task_settle(task, "env.reward", task->about.rewards, &config->reward);
    return status == ESP_OK ? check_numbers(config) : status;
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

static char *scene_below(const char *models, const char *task)
{
    char *folder = esp_path_join(models, task);
    char *scene = esp_path_join(folder, "scene.xml");
    free(folder);
    return scene;
}

/* share/espalier/models of the prefix in whose bin/ or lib/ this code is installed, wherever that is; NULL if the file
 * cannot be told. */
static char *models_of_prefix(void)
{
    Dl_info library;
    char *file = dladdr((void *)scene_below, &library) && strchr(library.dli_fname, '/')
                     ? realpath(library.dli_fname, NULL) : realpath("/proc/self/exe", NULL);
    for (int up = 0; up < 2 && file; up++) { /* the file's name, then bin/ or lib/ */
        char *slash = strrchr(file, '/');
        if (slash) *slash = '\0';
    }
    char *models = file ? esp_path_join(file, "share/espalier/models") : NULL;
    free(file);
    return models;
}

esp_status esp_scene_find(const esp_env_config *config, char **out)
{
    static atomic_bool told;
    if (config->scene && config->scene[0]) {
        *out = esp_strdup(config->scene);
        return ESP_OK;
    }
    char *prefix = models_of_prefix();
    const char *models[] = {getenv("ESPALIER_MODELS"), prefix, ESP_MODELS_INSTALLED, ESP_MODELS_SOURCE};
    for (int i = 0; i < 4; i++) {
        if (!models[i]) continue;
        char *scene = scene_below(models[i], config->task);
        if (access(scene, F_OK) == 0) {
            if (i > 0 && models[0] && !atomic_exchange(&told, true))
                esp_log(ESP_LOG_WARNING, "no %s/scene.xml below $ESPALIER_MODELS (%s); using %s", config->task,
                        models[0], scene);
            *out = scene;
            free(prefix);
            return ESP_OK;
        }
        free(scene);
    }
    free(prefix);
    return esp_fail(ESP_ERR_MACHINE, "no %s/scene.xml below $ESPALIER_MODELS (%s), %s or %s; set ESPALIER_MODELS to "
                    "the folder models/ of espalier's source", config->task, models[0] ? models[0] : "not set",
                    ESP_MODELS_INSTALLED, ESP_MODELS_SOURCE);
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

static esp_status load_model(void *argument)
{
    esp_world *world = ((loading *)argument)->world;
    struct stat file;
    if (stat(world->scene, &file) != 0) return esp_fail(ESP_ERR_IO, "cannot be read: %s", strerror(errno));
    if (!S_ISREG(file.st_mode)) return esp_fail(ESP_ERR_IO, "is not a file");

    char text[ESP_ERROR_TEXT] = "", line[ESP_ERROR_TEXT];
    world->model = compile(world->scene, text, sizeof text);
    esp_one_line(text, line, sizeof line);
    if (!world->model) return esp_fail(ESP_ERR_FORMAT, "%s", line[0] ? line : "MuJoCo cannot load it");
    if (line[0]) esp_log(ESP_LOG_WARNING, "%s: %s", world->scene, line);
    return ESP_OK;
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
    const char *mismatch = world->task->mismatch(world->task, simulated), *task = world->task->about.name;
    if (mismatch) return esp_fail(ESP_ERR_FORMAT, "does not fit task '%s': %s", task, mismatch);
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
static void fill_actuation(esp_world *world, const mjModel *model)
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
}

double esp_world_period(const esp_world *world)
{
    return world->config.action_repeat * world->task->about.timestep;
}

#define SAME_TIME 1e-9 /* relative tolerance, because decimal fractions are rounded in binary */

/* A scene may be simulated in finer steps than the task's, but the controller was made for the task's control
 * period. */
static void fill_times(esp_world *world)
{
    double timestep = world->model->opt.timestep, task = world->task->about.timestep, period = esp_world_period(world);
    world->num_steps = esp_env_steps(&world->config);
    world->repeat = world->config.action_repeat;
    world->reward_weight = 1.0;
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
    if (status == ESP_OK) {
        fill_actuation(world, simulated);
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
    double weight = world->task->about.reward_per_control ? 1.0 : world->reward_weight;
    return weight * world->task->reward(world->task, model, play, world->reward);
}

int esp_world_pixels(const esp_world *world)
{
    for (int k = 0; k < world->num_items; k++)
        if (world->item[k].kind == ESP_ITEM_PIXELS) return k;
    return -1;
}
