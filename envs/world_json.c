/* What a world observes, rewards and ends with, for people and programs. */
#include <math.h>
#include <string.h>

#include "envs/envs_internal.h"
#include "envs/task_internal.h"

static void add_names(cJSON *json, const char *key, const char *const *names)
{
    cJSON *list = cJSON_AddArrayToObject(json, key);
    for (int i = 0; names && names[i]; i++) cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
}

/* Expressions as they stand in the file; a task in C has names alone. */
static void add_expressions(cJSON *json, const esp_task *task)
{
    static const char *const keys[] = {"definitions", "terms", "rewards", "termination", "goal", "commands"};
    const esp_task_file *file = task->about.file ? task->state : NULL;
    for (int i = 0; file && i < 6; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(file->json, keys[i]);
        if (item) cJSON_AddItemToObject(json, keys[i], cJSON_Duplicate(item, true));
    }
    if (file) return;
    add_names(json, "terms", task->terms ? task->about.terms : NULL);
    add_names(json, "rewards", task->about.rewards);
}

static void add_times(cJSON *json, const esp_world *world)
{
    const esp_env_config *config = &world->config;
    cJSON_AddNumberToObject(json, "step_s", world->task->about.timestep);
    cJSON_AddNumberToObject(json, "action_repeat", config->action_repeat);
    cJSON_AddNumberToObject(json, "control_period_s", world->model->opt.timestep * world->repeat);
    cJSON_AddNumberToObject(json, "physics_steps_per_action", world->repeat);
    cJSON_AddNumberToObject(json, "episode_steps", world->num_steps);
    cJSON_AddNumberToObject(json, "episode_s", world->num_steps * esp_world_period(world));
}

static void add_items(cJSON *json, const esp_world *world)
{
    cJSON *items = cJSON_AddArrayToObject(json, "observation");
    int numbers = 0;
    for (int k = 0; k < world->num_items; k++) {
        const esp_obs_item *item = &world->item[k];
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", item->name);
        if (item->kind == ESP_ITEM_PIXELS) {
            cJSON_AddStringToObject(one, "camera", item->camera);
            cJSON_AddNumberToObject(one, "width", item->width);
            cJSON_AddNumberToObject(one, "height", item->height);
        } else {
            cJSON_AddNumberToObject(one, "size", item->width);
            numbers += item->width * item->history;
        }
        cJSON_AddNumberToObject(one, "history", item->history);
        cJSON_AddItemToArray(items, one);
    }
    cJSON_AddNumberToObject(json, "observation_numbers", numbers);
}

static void add_actions(cJSON *json, const esp_world *world)
{
    cJSON *actions = cJSON_AddArrayToObject(json, "actions");
    for (int k = 0; k < world->num_actions; k++) {
        const esp_actuation *a = &world->actuation[k];
        const char *name = mj_id2name(world->model, mjOBJ_ACTUATOR, k);
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", name ? name : "");
        cJSON_AddNumberToObject(one, "offset", a->offset);
        cJSON_AddNumberToObject(one, "scale", a->scale);
        if (isfinite(a->control_low)) cJSON_AddNumberToObject(one, "control_low", a->control_low);
        if (isfinite(a->control_high)) cJSON_AddNumberToObject(one, "control_high", a->control_high);
        cJSON_AddItemToArray(actions, one);
    }
}

cJSON *esp_world_json(const esp_world *world)
{
    const esp_task_description *about = &world->task->about;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "task", about->name);
    if (about->about) cJSON_AddStringToObject(json, "about", about->about);
    cJSON_AddStringToObject(json, "scene", world->scene);
    add_times(json, world);
    add_names(json, "starts", about->starts);
    add_expressions(json, world->task);
    add_items(json, world);
    add_actions(json, world);
    return json;
}
