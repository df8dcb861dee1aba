/* A network with the names that an ONNX file gives to its inputs, outputs and nodes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_internal.h"

/* Lists are as long as a power of two, so that they double when they are full. */
static void *grown(void *list, int count, size_t size)
{
    if (count & (count - 1)) return list;
    void *larger = esp_alloc(count ? 2 * (size_t)count : 1, size);
    if (count) memcpy(larger, list, (size_t)count * size);
    free(list);
    return larger;
}

static bool axis_is_taken(const esp_onnx_file *file, const char *axis)
{
    for (int i = 0; i < file->num_inputs; i++)
        if (strcmp(file->input[i].axis, axis) == 0) return true;
    for (int i = 0; i < file->num_outputs; i++)
        if (strcmp(file->output[i].axis, axis) == 0) return true;
    return false;
}

/* Letters of ASCII that a shell, JSON and a terminal show as they are; the end of long names, where they differ. */
void esp_onnx_shorten(const char *text, size_t length, size_t most, char *out)
{
    for (; length > 0 && (*text == '/' || *text == '.'); length--) text++;
    if (length > most) text += length - most;
    if (length > most) length = most;
    for (size_t i = 0; i < length; i++) out[i] = text[i] > 0x20 && text[i] < 0x7f ? text[i] : '_';
    out[length] = 0;
}

esp_onnx_port *esp_onnx_file_port(esp_onnx_file *file, bool input, const char *name)
{
    enum { MOST = ESP_NAME - 20 }; /* room for a number */
    esp_onnx_port **list = input ? &file->input : &file->output;
    int *count = input ? &file->num_inputs : &file->num_outputs;
    char base[ESP_NAME], axis[ESP_NAME];
    esp_onnx_shorten(name, strlen(name), MOST, base);
    snprintf(axis, sizeof axis, "%s", *base ? base : input ? "input" : "output");
    for (int i = 2; axis_is_taken(file, axis); i++) snprintf(axis, sizeof axis, "%.*s_%d", MOST, base, i);
    *list = grown(*list, *count, sizeof **list);
    esp_onnx_port *port = &(*list)[(*count)++];
    *port = (esp_onnx_port){.name = esp_strdup(name), .batch = -1};
    memcpy(port->axis, axis, sizeof axis);
    return port;
}

const char *esp_onnx_file_label(esp_onnx_file *file, const char *module, const char *name)
{
    file->node = grown(file->node, file->num_nodes, sizeof *file->node);
    esp_onnx_label *label = &file->node[file->num_nodes++];
    *label = (esp_onnx_label){.name = esp_strdup(name)};
    snprintf(label->module, sizeof label->module, "%s", module);
    return label->module;
}

void esp_onnx_file_free(esp_onnx_file *file)
{
    for (int i = 0; i < file->num_inputs; i++) free(file->input[i].name);
    for (int i = 0; i < file->num_outputs; i++) free(file->output[i].name);
    for (int i = 0; i < file->num_nodes; i++) free(file->node[i].name);
    free(file->input);
    free(file->output);
    free(file->node);
    esp_network_free(file->net);
    esp_metadata_free(&file->metadata);
    *file = (esp_onnx_file){.net = NULL};
}

/* ---- networks that no file describes ---- */

/* An input or output as the graph names and shapes it. */
static void describe_port(esp_onnx_file *file, bool input, const esp_network *net, const esp_port *from, int size)
{
    bool one = from && from->dim.num == 1 && from->dim.part[0].block == 1;
    const char *name = one ? net->axis[from->dim.part[0].axis].name : NULL;
    if (!name || axis_is_taken(file, name)) name = from ? from->name : input ? "input" : "output";
    esp_onnx_port *port = esp_onnx_file_port(file, input, name);
    free(port->name);
    port->name = esp_strdup(port->axis);
    port->dim[port->rank++] = -1;
    port->batch = 0;
    port->size = size;
    if (from && from->rows) {
        port->dim[port->rank++] = esp_dim_size(net, &from->dim);
        port->dim[port->rank++] = from->rows;
        port->dim[port->rank++] = from->cols;
    } else {
        port->dim[port->rank++] = size;
    }
}

static void describe_ports(esp_onnx_file *file, bool input, const esp_network *net, int count, const esp_port *ports,
                           int size)
{
    for (int i = 0; i < count; i++) describe_port(file, input, net, &ports[i], esp_port_size(net, &ports[i]));
    if (count == 0) describe_port(file, input, net, NULL, size);
}

void esp_onnx_describe(esp_network *net, int num_components, const int *components, esp_act last, esp_onnx_file *out)
{
    const esp_component *first = &net->component[components[0]];
    const esp_component *end = &net->component[components[num_components - 1]];
    *out = (esp_onnx_file){.net = net, .num_components = num_components, .last = last};
    memcpy(out->component, components, (size_t)num_components * sizeof *components);
    describe_ports(out, true, net, first->num_inputs, first->input, first->in_size);
    describe_ports(out, false, net, end->num_outputs, end->output, end->out_size);
}

/* ---- reading ---- */

static esp_status read_model(esp_onnx_model *model, esp_onnx_file *out)
{
    esp_onnx_file file = {.opset = model->opset};
    esp_status status = esp_onnx_translate(model, &file);
    if (status == ESP_OK) status = esp_onnx_metadata(model, &file.metadata);
    if (status == ESP_OK) *out = file;
    else                  esp_onnx_file_free(&file);
    esp_onnx_model_free(model);
    return status;
}

esp_status esp_onnx_parse(const char *name, const void *bytes, size_t size, esp_onnx_file *out)
{
    esp_onnx_model *model = NULL;
    esp_status status = esp_onnx_model_parse(name, NULL, bytes, size, &model);
    return status == ESP_OK ? read_model(model, out) : status;
}

esp_status esp_onnx_read(const char *path, esp_onnx_file *out)
{
    char *bytes = NULL, *folder = esp_path_folder(path);
    size_t size = 0;
    esp_onnx_model *model = NULL;
    esp_status status = esp_file_read(path, ESP_ONNX_FILE_LIMIT, &bytes, &size);
    if (status == ESP_OK) status = esp_onnx_model_parse(path, folder, bytes, size, &model);
    free(bytes);
    free(folder);
    return status == ESP_OK ? read_model(model, out) : status;
}
