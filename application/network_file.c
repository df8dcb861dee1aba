/* A network of any architecture as a checkpoint: the graph and the names of an ONNX file as JSON in the file's
 * metadata, the weights as tensors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "application/network_internal.h"
#include "graph/graph.h"

/* ---- writing ---- */

static cJSON *ports_json(int count, const esp_onnx_port *ports)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", ports[i].name);
        cJSON_AddItemToObject(item, "shape", cJSON_CreateIntArray(ports[i].dim, ports[i].rank));
        cJSON_AddNumberToObject(item, "batch", ports[i].batch);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

static cJSON *config_of(const esp_onnx_file *file)
{
    cJSON *config = cJSON_CreateObject();
    cJSON_AddStringToObject(config, "application", esp_json_text(file->metadata.contract, "application"));
    cJSON_AddItemToObject(config, "graph", esp_graph_to_json(file->net));
    cJSON_AddItemToObject(config, "inputs", ports_json(file->num_inputs, file->input));
    cJSON_AddItemToObject(config, "outputs", ports_json(file->num_outputs, file->output));
    cJSON *nodes = cJSON_AddArrayToObject(config, "nodes");
    for (int i = 0; i < file->num_nodes; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "layer", file->node[i].module);
        cJSON_AddStringToObject(item, "name", file->node[i].name);
        cJSON_AddItemToArray(nodes, item);
    }
    return config;
}

static void add_text(cJSON *metadata, const char *key, const cJSON *json)
{
    char *line = json ? esp_json_line(json) : NULL;
    if (line) cJSON_AddStringToObject(metadata, key, line);
    free(line);
}

esp_status esp_network_file_write(const char *path, const esp_onnx_file *file)
{
    esp_st_tensor entries[ESP_MAX_TENSORS];
    int count = esp_network_entries(file->net, "", entries);
    cJSON *metadata = cJSON_CreateObject(), *config = config_of(file);
    add_text(metadata, "espalier", config);
    add_text(metadata, ESP_CONTRACT_KEY, file->metadata.contract);
    add_text(metadata, ESP_PEDIGREE_KEY, file->metadata.pedigree);
    cJSON_AddStringToObject(metadata, "version", ESP_VERSION);
    esp_status status = esp_safetensors_write(path, entries, count, metadata);
    cJSON_Delete(config);
    cJSON_Delete(metadata);
    esp_st_names_free(entries, count);
    return status;
}

cJSON *esp_network_contract(const esp_onnx_file *file)
{
    cJSON *contract = esp_contract_new("network", "");
    cJSON_DeleteItemFromObject(contract, "task");
    const char *const keys[] = {"inputs", "outputs"};
    for (int k = 0; k < 2; k++) {
        cJSON *list = cJSON_AddArrayToObject(contract, keys[k]);
        for (int i = 0; i < (k ? file->num_outputs : file->num_inputs); i++) {
            const esp_onnx_port *port = k ? &file->output[i] : &file->input[i];
            cJSON *item = cJSON_CreateObject();
            cJSON_AddStringToObject(item, "name", port->name);
            cJSON_AddNumberToObject(item, "size", port->size);
            cJSON_AddItemToArray(list, item);
        }
    }
    return contract;
}

/* ---- reading ---- */

static esp_status read_port(const cJSON *item, const esp_port *axes, const esp_network *net, const char *source,
                            esp_onnx_port *out)
{
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape"), *dim;
    const char *name = esp_json_text(item, "name");
    double batch = esp_json_number(item, "batch"), size = 1;
    int rank = cJSON_GetArraySize(shape);
    if (!name || !*name || !cJSON_IsArray(shape) || rank > 8 || !(batch >= -1 && batch < rank) || batch != floor(batch))
        return esp_fail(ESP_ERR_FORMAT, "%s: an input or output needs 'name', 'shape' and 'batch'", source);
    *out = (esp_onnx_port){.name = esp_strdup(name), .batch = (int)batch, .size = esp_port_size(net, axes)};
    memcpy(out->axis, axes->name, sizeof out->axis);
    cJSON_ArrayForEach(dim, shape) {
        bool open = out->rank == out->batch && dim->valuedouble == -1;
        if (!cJSON_IsNumber(dim) || (!open && !(dim->valuedouble >= 1 && dim->valuedouble <= 1 << 24)))
            return esp_fail(ESP_ERR_FORMAT, "%s: '%.60s' has a shape that no value has", source, name);
        if (out->rank != out->batch) size *= dim->valuedouble;
        out->dim[out->rank++] = (int)dim->valuedouble;
    }
    return size == out->size ? ESP_OK : esp_fail(ESP_ERR_SHAPE, "%s: '%.60s' has another shape than the graph", source,
                                                 name);
}

static esp_status read_ports(const cJSON *config, const char *key, int count, const esp_port *axes,
                             const esp_network *net, const char *source, int *num, esp_onnx_port **out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(config, key), *item;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != count)
        return esp_fail(ESP_ERR_FORMAT, "%s: expected %d '%s', as the graph has", source, count, key);
    *out = esp_alloc((size_t)count, sizeof **out);
    esp_status status = ESP_OK;
    cJSON_ArrayForEach(item, list) {
        if (status == ESP_OK) status = read_port(item, &axes[*num], net, source, &(*out)[*num]);
        ++*num;
    }
    return status;
}

static esp_status read_nodes(const cJSON *config, const char *source, esp_onnx_file *file)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(config, "nodes"), *item;
    file->node = esp_alloc((size_t)cJSON_GetArraySize(list), sizeof *file->node);
    cJSON_ArrayForEach(item, list) {
        const char *layer = esp_json_text(item, "layer"), *name = esp_json_text(item, "name");
        if (!layer || !name || strlen(layer) >= ESP_NAME)
            return esp_fail(ESP_ERR_FORMAT, "%s: a node needs 'layer' and 'name'", source);
        esp_onnx_label *label = &file->node[file->num_nodes++];
        memcpy(label->module, layer, strlen(layer) + 1);
        label->name = esp_strdup(name);
    }
    return ESP_OK;
}

esp_status esp_network_file_read(const esp_checkpoint *checkpoint, esp_onnx_file *out)
{
    esp_onnx_file file = {.net = NULL};
    const cJSON *config = checkpoint->config, *graph = cJSON_GetObjectItemCaseSensitive(config, "graph");
    const char *source = checkpoint->source;
    esp_status status = graph ? esp_graph_from_json(graph, source, &file.net)
                              : esp_fail(ESP_ERR_FORMAT, "%s: a network needs the key 'graph'", source);
    if (status == ESP_OK && file.net->num_components != 1)
        status = esp_fail(ESP_ERR_FORMAT, "%s: %d components, expected 1", source, file.net->num_components);
    const esp_component *component = status == ESP_OK ? &file.net->component[0] : NULL;
    if (status == ESP_OK)
        status = read_ports(config, "inputs", component->num_inputs, component->input, file.net, source,
                            &file.num_inputs, &file.input);
    if (status == ESP_OK)
        status = read_ports(config, "outputs", component->num_outputs, component->output, file.net, source,
                            &file.num_outputs, &file.output);
    if (status == ESP_OK) status = read_nodes(config, source, &file);
    if (status == ESP_OK) status = esp_network_load(file.net, checkpoint->file, "");
    if (status == ESP_OK) file.metadata = esp_metadata_complete(&checkpoint->metadata, esp_network_contract(&file));
    if (status == ESP_OK) *out = file;
    else                  esp_onnx_file_free(&file);
    return status;
}
