/* What a file says about the world of its controller: scene, observation, actions. */
#include <stdlib.h>
#include <string.h>

#include "envs/envs.h"

/* ---- writing ---- */

/* null stands for the scene that ships with the task. */
static void add_scene(cJSON *contract, const char *path, const char *scene, const esp_world *world)
{
    uint64_t hash;
    char *relative = esp_path_relative(path, scene ? scene : "");
    if (relative[0]) cJSON_AddStringToObject(contract, "scene", relative);
    else             cJSON_AddNullToObject(contract, "scene");
    if (world && esp_scene_hash(world->scene, &hash) == ESP_OK) esp_json_add_hash(contract, "scene_hash", hash);
    free(relative);
}

static cJSON *item_json(const esp_obs_item *item)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", item->name);
    if (item->kind == ESP_ITEM_PIXELS) {
        cJSON_AddStringToObject(json, "camera", item->camera);
        cJSON_AddNumberToObject(json, "width", item->width);
        cJSON_AddNumberToObject(json, "height", item->height);
        cJSON_AddNumberToObject(json, "channels", 1); /* gray */
    } else {
        cJSON_AddNumberToObject(json, "size", item->width * item->height);
    }
    cJSON_AddNumberToObject(json, "stack", item->history);
    return json;
}

static void add_observation(cJSON *contract, const esp_env_config *config)
{
    const esp_task *task = esp_task_find(config->task);
    cJSON *items = cJSON_AddArrayToObject(contract, "observation");
    for (int k = 0; task && k < task->about.num_items; k++) {
        esp_obs_item item = esp_task_item(task, config, k);
        cJSON_AddItemToArray(items, item_json(&item));
    }
}

/* control = offset + scale * output, with the output clipped to [-1, 1], as in
 * esp_simulator_act. */
static cJSON *action_json(const esp_world *world, int actuator)
{
    const char *name = mj_id2name(world->model, mjOBJ_ACTUATOR, actuator);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", name ? name : "");
    cJSON_AddNumberToObject(json, "offset", world->actuation[actuator].offset);
    cJSON_AddNumberToObject(json, "scale", world->actuation[actuator].scale);
    return json;
}

static void add_actions(cJSON *contract, const esp_world *world)
{
    cJSON *actions = cJSON_AddArrayToObject(contract, "action");
    for (int k = 0; k < world->num_actions; k++) cJSON_AddItemToArray(actions, action_json(world, k));
    cJSON_AddNumberToObject(contract, "control_period_s", world->model->opt.timestep * world->repeat);
}

void esp_contract_add_world(cJSON *contract, const char *path, const esp_env_config *config, const esp_world *world)
{
    add_scene(contract, path, config->scene, world);
    add_observation(contract, config);
    if (world) add_actions(contract, world);
}

/* ---- comparing ---- */

void esp_contract_check_scene(const cJSON *contract, const char *path, const esp_env_config *config)
{
    uint64_t hash;
    char *scene = NULL;
    if (!esp_json_text(contract, "scene_hash") || esp_scene_find(config, &scene) != ESP_OK) return;
    if (esp_scene_hash(scene, &hash) == ESP_OK && !esp_json_hash_equals(contract, "scene_hash", hash))
        esp_log(ESP_LOG_WARNING, "%s: was made with another scene than %s (their hashes differ); results may differ",
                path, scene);
    free(scene);
}
