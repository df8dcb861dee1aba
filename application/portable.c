/* A subject as an ONNX file, which other programs run. */
#include <string.h>

#include "application/application_internal.h"
#include "onnx/onnx.h"

static esp_status find_component(const esp_subject *subject, const char *name, int *count, int *components)
{
    const esp_network *net = subject->net;
    char names[256] = "";
    for (int c = 0; c < net->num_components; c++) {
        if (net->component[c].num_layers == 0) continue;
        components[0] = c;
        *count = 1;
        if (strcmp(esp_component_name(net, c), name) == 0) return ESP_OK;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", esp_component_name(net, c));
    }
    return esp_fail(ESP_ERR_USAGE, "%s: no component '%s'; it has %s", subject->path, name, names);
}

esp_status esp_subject_write_onnx(const esp_subject *subject, const char *component, const char *path, int *inputs,
                                  int *outputs)
{
    int count, components[ESP_MAX_COMPONENTS];
    esp_onnx_file file;
    esp_status status = component ? find_component(subject, component, &count, components)
                                  : esp_subject_chain(subject, &count, components);
    if (status != ESP_OK) return status;
    *inputs = subject->net->component[components[0]].in_size;
    *outputs = subject->net->component[components[count - 1]].out_size;
    if (subject->application->export_onnx) return subject->application->export_onnx(subject, path);
    esp_onnx_describe(subject->net, count, components, component ? ESP_ACT_NONE : subject->application->last, &file);
    file.metadata = subject->metadata;
    status = esp_onnx_write(path, &file);
    file.net = NULL;
    file.metadata = (esp_metadata){.contract = NULL};
    esp_onnx_file_free(&file);
    return status;
}
