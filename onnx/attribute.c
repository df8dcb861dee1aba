/* Attributes of a node, by name and type. */
#include <stdio.h>
#include <string.h>

#include "onnx/onnx_internal.h"

const Onnx__AttributeProto *esp_onnx_attribute(const esp_onnx_node *node, const char *name)
{
    for (size_t i = 0; i < node->proto->n_attribute; i++)
        if (node->proto->attribute[i]->name && strcmp(node->proto->attribute[i]->name, name) == 0)
            return node->proto->attribute[i];
    return NULL;
}

/* NULL when it is absent; a failure when it has another type. Files of early versions do not say the type. */
static esp_status find(const esp_onnx_model *model, const esp_onnx_node *node, const char *name,
                       Onnx__AttributeProto__AttributeType type, const Onnx__AttributeProto **out)
{
    *out = esp_onnx_attribute(node, name);
    if (!*out || !(*out)->has_type || (*out)->type == type) return ESP_OK;
    return esp_onnx_refuse(model, node, ESP_ERR_FORMAT, "attribute '%s' has another type than the standard's", name);
}

esp_status esp_onnx_int(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, int64_t otherwise,
                        int64_t *out)
{
    const Onnx__AttributeProto *a;
    esp_status status = find(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT, &a);
    if (status == ESP_OK) *out = a ? a->i : otherwise;
    return status;
}

esp_status esp_onnx_real(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, float otherwise,
                         float *out)
{
    const Onnx__AttributeProto *a;
    esp_status status = find(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT, &a);
    if (status == ESP_OK) *out = a ? a->f : otherwise;
    return status;
}

esp_status esp_onnx_ints(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, int *count,
                         const int64_t **out)
{
    const Onnx__AttributeProto *a;
    esp_status status = find(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS, &a);
    if (status != ESP_OK) return status;
    if (a && a->n_ints > ESP_ONNX_LONGEST)
        return esp_onnx_refuse(model, node, ESP_ERR_FORMAT, "attribute '%s' has %zu entries", name, a->n_ints);
    *count = a ? (int)a->n_ints : 0;
    *out = a ? a->ints : NULL;
    return ESP_OK;
}

esp_status esp_onnx_text(const esp_onnx_model *model, const esp_onnx_node *node, const char *name, char *out,
                         size_t size)
{
    const Onnx__AttributeProto *a;
    esp_status status = find(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING, &a);
    if (status != ESP_OK) return status;
    size_t length = a ? a->s.len < size ? a->s.len : size - 1 : 0;
    if (length) memcpy(out, a->s.data, length);
    out[length] = 0;
    return ESP_OK;
}
