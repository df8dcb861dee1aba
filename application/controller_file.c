/* Files of controllers: an .onnx model or a checkpoint, each with the contract that says in which world it acts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/controller_internal.h"
#include "application/network_internal.h"

#define KEY_INT(path, member, low, high, help) \
    {path, ESP_INT, offsetof(esp_controller_config, member), low, high, NULL, help}
#define KEY_TEXT(path, member, help) {path, ESP_TEXT, offsetof(esp_controller_config, member), 0, 0, NULL, help}

const esp_field esp_controller_fields[] = {
    {"application", ESP_CHOICE, offsetof(esp_controller_config, application), 0, 0, "controller",
     "the kind of checkpoint"},
    KEY_TEXT("env.task", env.task, "name of a task, or a task file"),
    {"env.scene", ESP_PATH, offsetof(esp_controller_config, env.scene), 0, 0, NULL,
     "MJCF file; empty: the task's own"},
    KEY_TEXT("env.start", env.start, "start of episodes, one of the task's; empty: the first"),
    KEY_TEXT("env.reward", env.reward, "reward, one of the task's; empty: the first"),
    KEY_INT("env.action_repeat", env.action_repeat, 0, 1000, "time steps of the task per control step; 0: the task's"),
    KEY_INT("env.physics_steps", env.physics_steps, 0, 1000000, "time steps of the task per episode; 0: the task's"),
};

const int esp_controller_num_fields = sizeof esp_controller_fields / sizeof *esp_controller_fields;

/* ---- which files ---- */

static bool is_controller(const cJSON *contract)
{
    const char *application = esp_json_text(contract, "application");
    return application && strcmp(application, "controller") == 0;
}

/* A file that cannot be read is left to those who say why. */
static bool says_controller(const char *path)
{
    esp_onnx_file file = {.net = NULL};
    bool says = esp_onnx_read(path, &file) == ESP_OK && is_controller(file.metadata.contract);
    esp_onnx_file_free(&file);
    return says;
}

bool esp_controller_claims(const char *path, const esp_settings *settings, const esp_judging *judging)
{
    if (esp_judging_find(judging, "task")) return true;
    for (int i = 0; i < settings->num_assignments; i++)
        if (strncmp(settings->assignment[i], "env.task=", 9) == 0) return true;
    return !esp_judging_find(judging, "data") && says_controller(path);
}

/* ---- reading ---- */

/* A task file is named relative to the file that names it. */
static const char *task_seen_from_here(const char *path, const char *task)
{
    if (!esp_has_suffix(task, ".json")) return esp_intern(task);
    char *resolved = esp_path_resolve(path, task);
    const char *out = esp_intern(resolved);
    free(resolved);
    return out;
}

/* The world is in the contract, if there is one. What another application said is not ours to keep. */
static void take_world(esp_subject *subject, esp_controller_subject *c)
{
    if (!is_controller(subject->metadata.contract)) {
        cJSON_Delete(subject->metadata.contract);
        subject->metadata.contract = NULL;
        return;
    }
    const char *task = esp_json_text(subject->metadata.contract, "task");
    const char *scene = esp_json_text(subject->metadata.contract, "scene");
    if (task) c->stored.env.task = task_seen_from_here(subject->path, task);
    if (!scene) return;
    char *resolved = esp_path_resolve(subject->path, scene);
    c->stored.env.scene = esp_intern(resolved);
    free(resolved);
}

/* Checkpoints hold what an .onnx file would: graph, names, weights and contract. */
static esp_status read_file(const esp_subject *subject, esp_onnx_file *out)
{
    if (!subject->file) return esp_onnx_read(subject->path, out);
    esp_status status = esp_network_file_read(subject->file, out);
    if (status == ESP_OK && !is_controller(out->metadata.contract))
        status = esp_fail(ESP_ERR_FORMAT, "%s: a controller needs a contract", subject->path);
    return esp_subject_blame(subject, status);
}

esp_status esp_controller_read(esp_subject *subject)
{
    esp_controller_subject *c = subject->state;
    c->stored.env = esp_env_config_of("");
    esp_status status = read_file(subject, &c->file);
    if (status != ESP_OK) return status;
    subject->net = c->file.net;
    subject->metadata = c->file.metadata;
    c->file.net = NULL;
    c->file.metadata = (esp_metadata){.contract = NULL};
    take_world(subject, c);
    return ESP_OK;
}

/* ---- writing ---- */

/* A task of the models folder by its name, another by its place relative to the file that names it. */
static char *task_seen_from(const char *path, const char *task)
{
    char *name = esp_task_model_name(task);
    if (name) return name;
    return esp_has_suffix(task, ".json") ? esp_path_relative(path, task) : esp_strdup(task);
}

/* Names of inputs and outputs as for any network, and the world. */
static cJSON *contract_of(const esp_subject *subject, const char *path)
{
    const esp_controller_subject *c = subject->state;
    char *task = task_seen_from(path, c->config.env.task);
    cJSON *contract = esp_contract_new("controller", task), *ports = esp_network_contract(&c->file);
    esp_contract_add_world(contract, path, &c->world->config, c->world);
    cJSON_AddItemToObject(contract, "inputs", cJSON_DetachItemFromObject(ports, "inputs"));
    cJSON_AddItemToObject(contract, "outputs", cJSON_DetachItemFromObject(ports, "outputs"));
    cJSON_Delete(ports);
    free(task);
    return contract;
}

esp_status esp_controller_write(const esp_subject *subject, const char *path, const esp_network *net,
                                unsigned components, const cJSON *pedigree)
{
    (void)components; /* there is one */
    esp_onnx_file file = ((const esp_controller_subject *)subject->state)->file;
    cJSON *contract = contract_of(subject, path);
    file.net = (esp_network *)net; /* read only */
    file.metadata = (esp_metadata){.contract = contract, .pedigree = (cJSON *)pedigree};
    esp_status status = esp_has_suffix(path, ".onnx") ? esp_onnx_write(path, &file)
                                                      : esp_network_file_write(path, &file);
    cJSON_Delete(contract);
    return status;
}
