/* What an agent's file says about the world it belongs to: scene, observation, action map, and the controller that
 * the file is for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"

/* null stands for the scene that ships with the task. */
static void add_scene(cJSON *contract, const char *path, const char *scene, const esp_world *world)
{
    uint64_t hash;
    char *relative = esp_path_relative(path, scene ? scene : "");
    if (relative[0]) cJSON_AddStringToObject(contract, "scene", relative);
    else          cJSON_AddNullToObject(contract, "scene");
    if (world && esp_scene_hash(world->scene, &hash) == ESP_OK) esp_json_add_hash(contract, "scene_hash", hash);
    free(relative);
}

static void add_pixels(cJSON *contract, const esp_env_config *env)
{
    const esp_task *task = esp_task_find(env->task);
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "name", task ? task->about.items[0].name : "pixels");
    if (task) cJSON_AddStringToObject(item, "camera", task->about.items[0].camera);
    cJSON_AddNumberToObject(item, "width", env->image_size);
    cJSON_AddNumberToObject(item, "height", env->image_size);
    cJSON_AddNumberToObject(item, "channels", 1);
    cJSON_AddNumberToObject(item, "stack", env->frame_stack);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(contract, "observation"), item);
}

/* control = offset + scale * output, with the output clipped to [-1, 1], as in esp_simulator_act. */
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

cJSON *esp_agent_contract(const char *path, const esp_agent_config *config, const esp_world *world,
                          esp_controller_kind controller)
{
    char word[ESP_CONFIG_TEXT];
    cJSON *contract = esp_contract_new("tdmpc", config->env.task);
    add_scene(contract, path, config->env.scene, world);
    add_pixels(contract, &config->env);
    if (world) add_actions(contract, world);
    esp_choice_word(ESP_CONTROLLER_CHOICES, (int)controller, word);
    cJSON_AddStringToObject(contract, "controller", word);
    return contract;
}
