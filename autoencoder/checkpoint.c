/* An autoencoder as a checkpoint, with PyTorch's tensor names. Hidden sizes are read off the shapes, so a
 * pruned autoencoder loads like a dense one. */
#include "autoencoder/autoencoder.h"

static esp_status check_tensors(const esp_safetensors *file, const char *path)
{
    if (esp_safetensors_find(file, "encoder.0.weight")) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: tensor 'encoder.0.weight' is missing; this is no autoencoder", path);
}

esp_status esp_autoencoder_checkpoint_read(const char *path, const char *config_path, esp_autoencoder_checkpoint *out)
{
    esp_safetensors *file = NULL;
    esp_autoencoder_checkpoint loaded = {.config = esp_autoencoder_config_default()};
    esp_status status = esp_safetensors_read(path, &file);
    if (status == ESP_OK)
        status = esp_checkpoint_read_config(file, config_path, "autoencoder", esp_autoencoder_fields,
                                       esp_autoencoder_num_fields, &loaded.config);
    if (status == ESP_OK) status = check_tensors(file, path);
    if (status == ESP_OK) status = esp_autoencoder_create(&loaded.net);
    if (status == ESP_OK) status = esp_network_load(loaded.net, file, "");

    esp_safetensors_free(file);
    if (status == ESP_OK) *out = loaded;
    else esp_autoencoder_checkpoint_free(&loaded);
    return status;
}

esp_status esp_autoencoder_checkpoint_write(const char *path, const esp_autoencoder_config *config,
                                            const esp_network *net)
{
    return esp_checkpoint_write(path, net, esp_autoencoder_fields, esp_autoencoder_num_fields, config);
}

void esp_autoencoder_checkpoint_free(esp_autoencoder_checkpoint *checkpoint)
{
    esp_network_free(checkpoint->net);
    checkpoint->net = NULL;
}
