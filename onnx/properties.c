/* What a model says about itself: the same JSON texts as in a checkpoint, as properties of the model. */
#include <string.h>

#include "onnx/onnx_internal.h"

esp_status esp_onnx_metadata(const esp_onnx_model *model, esp_metadata *out)
{
    cJSON *texts = cJSON_CreateObject();
    for (size_t i = 0; i < model->message->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *entry = model->message->metadata_props[i];
        bool ours = entry->key && entry->value && (strcmp(entry->key, ESP_CONTRACT_KEY) == 0 ||
                                                   strcmp(entry->key, ESP_PEDIGREE_KEY) == 0);
        if (ours && !cJSON_HasObjectItem(texts, entry->key)) cJSON_AddStringToObject(texts, entry->key, entry->value);
    }
    esp_status status = esp_metadata_read(&(esp_safetensors){.metadata = texts, .path = model->path}, out);
    cJSON_Delete(texts);
    return status;
}
