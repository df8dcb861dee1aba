/* An autoencoder as a checkpoint, with PyTorch's tensor names. Hidden sizes are read from the tensor shapes, so a
 * pruned autoencoder loads like a dense one. */
#include "autoencoder/autoencoder.h"

static esp_status check_tensors(const esp_safetensors *file)
{
    if (esp_safetensors_find(file, "encoder.0.weight")) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: tensor 'encoder.0.weight' is missing; expected an autoencoder", file->path);
}

cJSON *esp_autoencoder_contract(void)
{
    cJSON *contract = esp_contract_new("autoencoder", "reconstruction"), *image = cJSON_CreateObject();
    cJSON_AddStringToObject(image, "name", "image");
    cJSON_AddNumberToObject(image, "width", ESP_IMAGE_SIDE);
    cJSON_AddNumberToObject(image, "height", ESP_IMAGE_SIDE);
    cJSON_AddNumberToObject(image, "channels", 1);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(contract, "observation"), image);
    return contract;
}

esp_status esp_autoencoder_checkpoint_take(const esp_checkpoint *file, esp_autoencoder_checkpoint *out)
{
    esp_autoencoder_checkpoint loaded = {.config = esp_autoencoder_config_default()};
    esp_status status = esp_checkpoint_config(file, "autoencoder", esp_autoencoder_fields, esp_autoencoder_num_fields,
                                              &loaded.config);
    if (status == ESP_OK) status = check_tensors(file->file);
    if (status == ESP_OK) status = esp_autoencoder_create(&loaded.net);
    if (status == ESP_OK) status = esp_network_load(loaded.net, file->file, "");
    if (status == ESP_OK) loaded.metadata = esp_metadata_complete(&file->metadata, esp_autoencoder_contract());

    if (status == ESP_OK) *out = loaded;
    else esp_autoencoder_checkpoint_free(&loaded);
    return status;
}

esp_status esp_autoencoder_checkpoint_read(const char *path, const char *config_path, esp_autoencoder_checkpoint *out)
{
    esp_checkpoint file = {.file = NULL};
    esp_status status = esp_checkpoint_open(path, config_path, &file);
    if (status == ESP_OK) status = esp_autoencoder_checkpoint_take(&file, out);
    esp_checkpoint_close(&file);
    return status;
}

esp_status esp_autoencoder_checkpoint_save(const char *path, const esp_autoencoder_config *config,
                                           const esp_network *net, const esp_metadata *metadata)
{
    esp_checkpoint_content content = {.net = net, .components = ESP_ALL_COMPONENTS, .fields = esp_autoencoder_fields,
                                      .num_fields = esp_autoencoder_num_fields, .config = config,
                                      .contract = metadata->contract, .pedigree = metadata->pedigree};
    return esp_checkpoint_write(path, &content);
}

esp_status esp_autoencoder_checkpoint_write(const char *path, const esp_autoencoder_config *config,
                                            const esp_network *net)
{
    esp_metadata metadata = {.contract = esp_autoencoder_contract()};
    esp_status status = esp_autoencoder_checkpoint_save(path, config, net, &metadata);
    esp_metadata_free(&metadata);
    return status;
}

void esp_autoencoder_checkpoint_free(esp_autoencoder_checkpoint *checkpoint)
{
    esp_network_free(checkpoint->net);
    esp_metadata_free(&checkpoint->metadata);
    checkpoint->net = NULL;
}
