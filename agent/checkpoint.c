/* An agent as a checkpoint, with the reference's tensor names. Hidden sizes are read from the tensor shapes, so a
 * pruned agent loads like a dense one. */
#include <string.h>

#include "agent/agent.h"

/* Axis sizes in the file override those of the configuration, which describes the dense agent. */
static esp_status read_config(const esp_checkpoint *file, esp_agent_config *config)
{
    *config = esp_agent_config_default();
    esp_status status = esp_checkpoint_config(file, "tdmpc", esp_agent_fields, esp_agent_num_fields, config);
    return status == ESP_OK ? esp_agent_config_settle(config) : status;
}

/* Limits how large a network a damaged file can make us allocate before its tensors are checked. */
enum { MOST_ACTIONS = 4096 };

/* The number of actions is read from the policy's last layer. */
static esp_status count_actions(const esp_safetensors *file, int *actions)
{
    const esp_st_tensor *bias = esp_safetensors_find(file, "_pi.4.bias");
    if (!bias || bias->rank != 1)
        return esp_fail(ESP_ERR_FORMAT, "%s: tensor '_pi.4.bias' is missing or not a vector; expected a TD-MPC agent",
                        file->path);
    if (bias->shape[0] < 1 || bias->shape[0] > MOST_ACTIONS)
        return esp_fail(ESP_ERR_SHAPE, "%s: %lld actions; 1 to %d are supported", file->path,
                        (long long)bias->shape[0], MOST_ACTIONS);
    *actions = (int)bias->shape[0];
    return ESP_OK;
}

static bool belongs_to(const esp_st_tensor *tensor, const char *component)
{
    size_t length = strlen(component);
    return tensor->name[0] == '_' && strncmp(tensor->name + 1, component, length) == 0 &&
           tensor->name[1 + length] == '.';
}

/* The components with at least one tensor in the file; a present component must be complete. Encoder and policy are
 * always required. */
static unsigned components_in(const esp_safetensors *file)
{
    unsigned present = esp_controller_components(ESP_CONTROLLER_POLICY);
    for (int i = 0; i < file->count; i++)
        for (int c = 0; c < ESP_TOLD_COMPONENTS; c++)
            if (belongs_to(&file->tensor[i], esp_told_names[c])) present |= 1u << c;
    return present;
}

/* The planner, if all components that it runs are present; otherwise the policy. */
static esp_controller_kind all_purpose(const esp_network *net)
{
    unsigned missing = esp_controller_components(ESP_CONTROLLER_MPPI) & ~esp_network_components(net);
    return missing ? ESP_CONTROLLER_POLICY : ESP_CONTROLLER_MPPI;
}

static esp_status read_controller(const esp_checkpoint *file, const esp_network *net, esp_controller_kind *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(file->metadata.contract, "controller");
    *out = all_purpose(net);
    if (!item) return ESP_OK;
    int index = esp_json_choice(file->metadata.contract, "controller", ESP_CONTROLLER_CHOICES);
    if (index < 0)
        return esp_fail(ESP_ERR_FORMAT, "%s: contract: 'controller' must be one of " ESP_CONTROLLER_CHOICES,
                        file->file->path);
    *out = (esp_controller_kind)index;
    esp_status status = esp_controller_check(net, *out);
    return status == ESP_OK ? ESP_OK : esp_fail_in(ESP_ERR_FORMAT, "%s: contract", file->file->path);
}

esp_status esp_agent_checkpoint_take(const esp_checkpoint *file, esp_agent_checkpoint *out)
{
    esp_agent_checkpoint loaded = {.net = NULL};
    int actions = 0;
    esp_status status = read_config(file, &loaded.config);
    if (status == ESP_OK) status = count_actions(file->file, &actions);
    if (status == ESP_OK)
        status = esp_told_create_part(&loaded.config, actions, components_in(file->file), &loaded.net);
    if (status == ESP_OK) status = esp_network_load(loaded.net, file->file, "");
    if (status == ESP_OK) status = read_controller(file, loaded.net, &loaded.controller);
    if (status == ESP_OK)
        loaded.metadata = esp_metadata_complete(
            &file->metadata, esp_agent_contract(file->file->path, &loaded.config, NULL, loaded.controller));

    if (status == ESP_OK) *out = loaded;
    else esp_agent_checkpoint_free(&loaded);
    return status;
}

esp_status esp_agent_checkpoint_read(const char *path, const char *config_path, esp_agent_checkpoint *out)
{
    esp_checkpoint file = {.file = NULL};
    esp_status status = esp_checkpoint_open(path, config_path, &file);
    if (status == ESP_OK) status = esp_agent_checkpoint_take(&file, out);
    esp_checkpoint_close(&file);
    return status;
}

esp_status esp_agent_checkpoint_save(const char *path, const esp_agent_config *config, const esp_network *net,
                                     unsigned components, const esp_metadata *metadata)
{
    esp_checkpoint_content content = {.net = net, .components = components, .fields = esp_agent_fields,
                                      .num_fields = esp_agent_num_fields, .config = config,
                                      .contract = metadata->contract, .pedigree = metadata->pedigree};
    return esp_checkpoint_write(path, &content);
}

esp_status esp_agent_checkpoint_write(const char *path, const esp_agent_config *config, const esp_network *net)
{
    esp_metadata metadata = {.contract = esp_agent_contract(path, config, NULL, all_purpose(net))};
    esp_status status = esp_agent_checkpoint_save(path, config, net, ESP_ALL_COMPONENTS, &metadata);
    esp_metadata_free(&metadata);
    return status;
}

void esp_agent_checkpoint_free(esp_agent_checkpoint *checkpoint)
{
    esp_network_free(checkpoint->net);
    esp_metadata_free(&checkpoint->metadata);
    checkpoint->net = NULL;
}
