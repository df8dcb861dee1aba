/* A task with its model: finds the scene, loads it, and checks that it fits before anybody steps it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "envs/envs_internal.h"

esp_env_config esp_env_config_default(void)
{
    return (esp_env_config){
        .task = "pendulum",
        .start = ESP_START_RANDOM,
        .reward = ESP_REWARD_SPARSE,
        .action_repeat = 8,
        .physics_steps = 1000,
        .frame_stack = 9,
        .image_size = 28,
        .supersample = 3,
    };
}

static esp_status check_range(const char *key, int value, int min, int max)
{
    if (value >= min && value <= max) return ESP_OK;
    return esp_fail(ESP_ERR_RANGE, "env.%s is %d, expected %d to %d", key, value, min, max);
}

static esp_status check_config(const esp_env_config *config)
{
    esp_status status = check_range("start", config->start, ESP_START_RANDOM, ESP_START_HANGING);
    if (status == ESP_OK) status = check_range("reward", config->reward, ESP_REWARD_SPARSE, ESP_REWARD_MIXED);
    if (status == ESP_OK) status = check_range("action_repeat", config->action_repeat, 1, 1000);
    if (status == ESP_OK) status = check_range("physics_steps", config->physics_steps, 1, 1000000);
    if (status == ESP_OK) status = check_range("frame_stack", config->frame_stack, 1, 64);
    if (status == ESP_OK) status = check_range("image_size", config->image_size, 4, 512);
    if (status == ESP_OK) status = check_range("supersample", config->supersample, 1, 8);
    if (status == ESP_OK && config->physics_steps % config->action_repeat != 0)
        status = esp_fail(ESP_ERR_RANGE, "env.physics_steps is %d, expected a multiple of env.action_repeat, %d",
                          config->physics_steps, config->action_repeat);
    return status;
}

static char *scene_below(const char *models, const char *task)
{
    char *folder = esp_path_join(models, task);
    char *scene = esp_path_join(folder, "scene.xml");
    free(folder);
    return scene;
}

static esp_status find_scene(const esp_env_config *config, const char *task, char **out)
{
    if (config->scene[0]) {
        *out = esp_strdup(config->scene);
        return ESP_OK;
    }
    const char *models[] = {getenv("ESPALIER_MODELS"), ESP_MODELS_INSTALLED, ESP_MODELS_SOURCE};
    for (int i = 0; i < 3; i++) {
        if (!models[i]) continue;
        char *scene = scene_below(models[i], task);
        if (access(scene, F_OK) == 0) {
            *out = scene;
            return ESP_OK;
        }
        free(scene);
    }
    return esp_fail(ESP_ERR_MACHINE, "no %s/scene.xml below $ESPALIER_MODELS (%s), %s or %s; set ESPALIER_MODELS to "
                    "the folder models/ of espalier's source", task, models[0] ? models[0] : "not set", models[1],
                    models[2]);
}

/* A world that is about to get its model, and the model to copy if it is not to come from a file. */
typedef struct {
    esp_world     *world;
    const mjModel *source;
} loading;

static esp_status load_model(void *argument)
{
    esp_world *world = ((loading *)argument)->world;
    struct stat file;
    if (stat(world->scene, &file) != 0) return esp_fail(ESP_ERR_IO, "cannot be read: %s", strerror(errno));
    if (!S_ISREG(file.st_mode)) return esp_fail(ESP_ERR_IO, "is not a file");

    char text[ESP_ERROR_TEXT] = "", line[ESP_ERROR_TEXT];
    world->model = mj_loadXML(world->scene, NULL, text, sizeof text);
    esp_one_line(text, line, sizeof line);
    if (!world->model) return esp_fail(ESP_ERR_FORMAT, "%s", line[0] ? line : "MuJoCo cannot load it");
    if (line[0]) esp_log(ESP_LOG_WARNING, "%s: %s", world->scene, line);
    return ESP_OK;
}

static esp_status copy_model(void *argument)
{
    loading *l = argument;
    l->world->model = mj_copyModel(NULL, l->source);
    return l->world->model ? ESP_OK : esp_fail(ESP_ERR_MACHINE, "no memory for a copy");
}

static esp_status check_model(esp_world *world)
{
    const char *mismatch = world->task->mismatch(world->model);
    if (mismatch) return esp_fail(ESP_ERR_FORMAT, "does not fit task '%s': %s", world->task->name, mismatch);
    if (!(world->model->opt.timestep > 0.0 && world->model->opt.timestep < 10.0))
        return esp_fail(ESP_ERR_FORMAT, "timestep is %g s, expected above 0 and below 10", world->model->opt.timestep);
    if (world->model->nu < 1 || world->model->nu > ESP_MAX_ACTIONS)
        return esp_fail(ESP_ERR_FORMAT, "has %d actuators, expected 1 to %d", (int)world->model->nu, ESP_MAX_ACTIONS);

    world->camera = mj_name2id(world->model, mjOBJ_CAMERA, world->task->camera);
    if (world->camera < 0)
        return esp_fail(ESP_ERR_FORMAT, "does not fit task '%s': a camera named '%s' is missing", world->task->name,
                        world->task->camera);
    world->num_actions = (int)world->model->nu;
    world->num_steps = world->config.physics_steps / world->config.action_repeat;
    return ESP_OK;
}

/* The off-screen buffer is as large as the picture; anti-aliasing is the box filter's. */
static void fit_buffer(esp_world *world)
{
    int side = world->config.image_size * world->config.supersample;
    world->model->vis.global.offwidth = side;
    world->model->vis.global.offheight = side;
    world->model->vis.quality.offsamples = 0;
    world->model->vis.quality.shadowsize = 0;
}

static esp_status make_world(const esp_env_config *config, esp_world **out)
{
    const esp_task *task = esp_task_find(config->task);
    if (!task) return ESP_ERR_USAGE;
    esp_status status = check_config(config);
    if (status != ESP_OK) return status;
    *out = esp_alloc(1, sizeof **out);
    (*out)->config = *config;
    (*out)->task = task;
    return ESP_OK;
}

/* Has `load` give the world its model, and hands it out or frees it. */
static esp_status finish_world(esp_world *world, esp_status (*load)(void *argument), const mjModel *source,
                               esp_world **out)
{
    loading l = {world, source};
    esp_status status = esp_guard(load, &l, ESP_ERR_FORMAT);
    if (status == ESP_OK) status = check_model(world);
    if (status != ESP_OK && !source) esp_fail_in(status, "%s", world->scene);
    if (status == ESP_OK) {
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
    if (status == ESP_OK) status = find_scene(config, world->task->name, &world->scene);
    if (status == ESP_OK) return finish_world(world, load_model, NULL, out);
    esp_world_free(world);
    return status;
}

esp_status esp_world_adopt(const esp_env_config *config, const mjModel *model, esp_world **out)
{
    esp_world *world = NULL;
    esp_status status = make_world(config, &world);
    if (status != ESP_OK) return status;
    world->scene = esp_strdup(model->names); /* which begin with the model's own */
    return finish_world(world, copy_model, model, out);
}

void esp_world_free(esp_world *world)
{
    if (!world) return;
    if (world->model) mj_deleteModel(world->model);
    free(world->scene);
    free(world);
}
