/* Files of controllers: an .onnx model or a checkpoint, each with the contract that says in which world it acts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/controller_internal.h"
#include "graph/graph.h"

#define GRAPH_KEY "graph" /* of __metadata__: the network as docs/graph.md describes it */

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

static bool ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text), end = strlen(suffix);
    return length > end && strcmp(text + length - end, suffix) == 0;
}

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
    if (!ends_with(task, ".json")) return esp_intern(task);
    char *resolved = esp_path_resolve(path, task);
    const char *out = esp_intern(resolved);
    free(resolved);
    return out;
}

/* Network and names of an .onnx file; the world is in its contract, if it has one. */
static esp_status read_onnx(esp_subject *subject, esp_controller_subject *c)
{
    esp_status status = esp_onnx_read(subject->path, &c->file);
    if (status != ESP_OK) return status;
    subject->net = c->file.net;
    subject->metadata = c->file.metadata;
    c->file.net = NULL;
    c->file.metadata = (esp_metadata){.contract = NULL};
    if (!is_controller(subject->metadata.contract)) { /* what another application said is not ours to keep */
        cJSON_Delete(subject->metadata.contract);
        subject->metadata.contract = NULL;
        return ESP_OK;
    }
    const char *task = esp_json_text(subject->metadata.contract, "task");
    const char *scene = esp_json_text(subject->metadata.contract, "scene");
    if (task) c->stored.env.task = task_seen_from_here(subject->path, task);
    if (scene) {
        char *resolved = esp_path_resolve(subject->path, scene);
        c->stored.env.scene = esp_intern(resolved);
        free(resolved);
    }
    return ESP_OK;
}

/* The names under which other programs see the network's inputs or outputs. */
static esp_onnx_port *ports_of(const esp_network *net, int count, const esp_port *ports)
{
    esp_onnx_port *out = esp_alloc((size_t)count + 1, sizeof *out);
    for (int i = 0; i < count; i++) {
        int size = esp_port_size(net, &ports[i]);
        out[i] = (esp_onnx_port){.name = esp_strdup(ports[i].name), .rank = 2, .dim = {-1, size}, .batch = 0,
                                 .size = size};
        snprintf(out[i].axis, sizeof out[i].axis, "%s", ports[i].name);
    }
    return out;
}

static void name_ports(const esp_network *net, esp_onnx_file *file)
{
    const esp_component *component = &net->component[0];
    file->num_inputs = component->num_inputs;
    file->num_outputs = component->num_outputs;
    file->input = ports_of(net, component->num_inputs, component->input);
    file->output = ports_of(net, component->num_outputs, component->output);
}

/* A checkpoint keeps its network's graph beside the tensors. */
static esp_status read_network(const esp_checkpoint *file, esp_network **out)
{
    const char *path = file->file->path, *text = esp_safetensors_metadata(file->file, GRAPH_KEY);
    cJSON *json = NULL;
    if (!text) return esp_fail(ESP_ERR_FORMAT, "%s: no '" GRAPH_KEY "' in the file's metadata", path);
    esp_status status = esp_json_parse(text, strlen(text), path, &json);
    if (status == ESP_OK) status = esp_graph_from_json(json, path, out);
    if (status == ESP_OK) status = esp_network_load(*out, file->file, "");
    cJSON_Delete(json);
    return status;
}

static esp_status read_checkpoint(esp_subject *subject, esp_controller_subject *c)
{
    const esp_checkpoint *file = subject->file;
    esp_status status = esp_checkpoint_config(file, "controller", esp_controller_fields, esp_controller_num_fields,
                                              &c->stored);
    if (status == ESP_OK) status = read_network(file, &subject->net);
    if (status != ESP_OK) return esp_subject_blame(subject, status);
    if (c->stored.env.task) c->stored.env.task = task_seen_from_here(file->source, c->stored.env.task);
    subject->metadata = esp_metadata_complete(&file->metadata, NULL);
    subject->metadata.derived = false;
    name_ports(subject->net, &c->file);
    return ESP_OK;
}

esp_status esp_controller_read(esp_subject *subject)
{
    esp_controller_subject *c = subject->state;
    c->stored.env = esp_env_config_of("");
    c->stored.env.task = NULL;
    return subject->file ? read_checkpoint(subject, c) : read_onnx(subject, c);
}

/* ---- writing ---- */

static void add_ports(cJSON *contract, const char *key, int count, const esp_onnx_port *ports)
{
    cJSON *list = cJSON_AddArrayToObject(contract, key);
    for (int i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", ports[i].name);
        cJSON_AddNumberToObject(item, "size", ports[i].size);
        cJSON_AddItemToArray(list, item);
    }
}

/* A task of the models folder by its name, another by its place relative to the file that names it. */
static char *task_seen_from(const char *path, const char *task)
{
    char *name = esp_task_model_name(task);
    if (name) return name;
    return ends_with(task, ".json") ? esp_path_relative(path, task) : esp_strdup(task);
}

static cJSON *contract_of(const esp_subject *subject, const char *path, const char *task)
{
    const esp_controller_subject *c = subject->state;
    cJSON *contract = esp_contract_new("controller", task);
    esp_contract_add_world(contract, path, &c->world->config, c->world);
    add_ports(contract, "inputs", c->file.num_inputs, c->file.input);
    add_ports(contract, "outputs", c->file.num_outputs, c->file.output);
    return contract;
}

esp_status esp_controller_write(const esp_subject *subject, const char *path, const esp_network *net,
                                unsigned components, const cJSON *pedigree)
{
    const esp_controller_subject *c = subject->state;
    char *task = task_seen_from(path, c->config.env.task);
    cJSON *contract = contract_of(subject, path, task), *graph = esp_graph_to_json(net);
    esp_controller_config config = c->stored;
    config.env.task = esp_intern(task);
    config.env.scene = c->config.env.scene; /* the scene in which it was judged */
    esp_checkpoint_content content = {.net = net, .components = components, .fields = esp_controller_fields,
                                      .num_fields = esp_controller_num_fields, .config = &config,
                                      .contract = contract, .pedigree = pedigree, .graph = graph};
    esp_onnx_file file = c->file;
    file.net = (esp_network *)net; /* read only */
    file.metadata = (esp_metadata){.contract = contract, .pedigree = (cJSON *)pedigree};
    esp_status status = ends_with(path, ".onnx") ? esp_onnx_write(path, &file) : esp_checkpoint_write(path, &content);
    cJSON_Delete(contract);
    cJSON_Delete(graph);
    free(task);
    return status;
}
