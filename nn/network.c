/* A network is a description: axes, and layers whose tensors refer to them. Shapes, offsets and
 * sizes are derived from the axes, so a pruned network is the same description with smaller ones. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"

/* Truncation would make two names equal; names come from our own code, so it is a broken promise. */
static void copy_name(char *out, size_t size, const char *name)
{
    assert(strlen(name) < size);
    snprintf(out, size, "%s", name);
}

esp_network *esp_network_new(void)
{
    return esp_alloc(1, sizeof(esp_network));
}

void esp_network_free(esp_network *net)
{
    if (!net) return;
    free(net->weights);
    free(net);
}

int esp_network_axis(esp_network *net, const char *name, int size, bool prunable)
{
    assert(net->num_axes < ESP_MAX_AXES && size > 0);
    esp_axis *axis = &net->axis[net->num_axes];
    copy_name(axis->name, sizeof axis->name, name);
    axis->size = size;
    axis->prunable = prunable;
    return net->num_axes++;
}

esp_dim esp_dim_of(int axis)
{
    esp_dim dim = {.num = 1};
    dim.part[0].axis = axis;
    dim.part[0].block = 1;
    return dim;
}

esp_dim esp_dim_concat(int first, int second)
{
    esp_dim dim = esp_dim_of(first);
    dim.num = 2;
    dim.part[1].axis = second;
    dim.part[1].block = 1;
    return dim;
}

int esp_dim_size(const esp_network *net, const esp_dim *dim)
{
    int size = 0;
    for (int i = 0; i < dim->num; i++) size += net->axis[dim->part[i].axis].size * dim->part[i].block;
    return size;
}

int esp_network_component(esp_network *net, const char *name)
{
    assert(net->num_components < ESP_MAX_COMPONENTS);
    esp_component *component = &net->component[net->num_components];
    copy_name(component->name, sizeof component->name, name);
    component->first_layer = net->num_layers;
    component->first_tensor = net->num_tensors;
    return net->num_components++;
}

esp_layer *esp_network_layer(esp_network *net, esp_layer_kind kind, const char *module)
{
    assert(net->num_components > 0 && net->num_layers < ESP_MAX_LAYERS);
    int component = net->num_components - 1, index = net->num_layers++;
    esp_layer *layer = &net->layer[index];
    layer->kind = kind;
    layer->component = component;
    copy_name(layer->module, sizeof layer->module, module);
    layer->num_inputs = 1;
    layer->input[0] = index == net->component[component].first_layer ? ESP_INPUT : index - 1;
    layer->eps = ESP_NORM_EPS;
    layer->weight = layer->bias = layer->mean = layer->var = -1;
    net->component[component].num_layers++;
    return layer;
}

int esp_network_tensor(esp_network *net, const char *suffix, bool trainable, int rank, const esp_dim *dims,
                       const int *shape)
{
    assert(net->num_tensors < ESP_MAX_TENSORS && rank <= 4);
    esp_layer *layer = &net->layer[net->num_layers - 1];
    esp_tensor *tensor = &net->tensor[net->num_tensors];
    char module[ESP_NAME];
    memcpy(module, layer->module, sizeof module);
    snprintf(tensor->name, sizeof tensor->name, "%s.%s", module, suffix);
    tensor->component = layer->component;
    tensor->layer = net->num_layers - 1;
    tensor->trainable = trainable;
    tensor->rank = rank;
    for (int i = 0; i < rank; i++) {
        tensor->dim[i] = dims[i];
        if (dims[i].num == 0) tensor->shape[i] = shape[i];
    }
    net->component[layer->component].num_tensors++;
    return net->num_tensors++;
}

void esp_network_image(esp_network *net, int channels, int rows)
{
    esp_layer *layer = esp_network_layer(net, ESP_LAYER_IMAGE, "image");
    layer->in = layer->out = esp_dim_of(channels);
    layer->in_rows = layer->in_cols = rows;
}

void esp_network_conv2d(esp_network *net, const char *module, int in, int out, int kernel, int stride, esp_act act)
{
    esp_layer *layer = esp_network_layer(net, ESP_LAYER_CONV2D, module);
    const esp_dim dims[4] = {esp_dim_of(out), esp_dim_of(in)};
    layer->in = dims[1];
    layer->out = dims[0];
    layer->kernel = layer->kernel_cols = kernel;
    layer->stride = layer->stride_cols = stride;
    layer->dilation = layer->dilation_cols = 1;
    layer->act = act;
    layer->weight = esp_network_tensor(net, "weight", true, 4, dims, (const int[4]){0, 0, kernel, kernel});
    layer->bias = esp_network_tensor(net, "bias", true, 1, dims, NULL);
}

void esp_network_flatten(esp_network *net)
{
    esp_layer *layer = esp_network_layer(net, ESP_LAYER_FLATTEN, "flatten");
    layer->in = layer[-1].out; /* its block, pixels per channel, is known only when the network is finished */
}

void esp_network_dense(esp_network *net, const char *module, esp_dim in, esp_dim out, esp_act act)
{
    esp_layer *layer = esp_network_layer(net, ESP_LAYER_DENSE, module);
    layer->in = in;
    layer->out = out;
    layer->act = act;
    const esp_dim dims[2] = {out, in};
    layer->weight = esp_network_tensor(net, "weight", true, 2, dims, NULL);
    layer->bias = esp_network_tensor(net, "bias", true, 1, dims, NULL);
}

void esp_network_norm(esp_network *net, esp_layer_kind kind, const char *module, int axis, esp_act act)
{
    assert(kind == ESP_LAYER_LAYERNORM || kind == ESP_LAYER_BATCHNORM);
    esp_layer *layer = esp_network_layer(net, kind, module);
    layer->in = layer->out = esp_dim_of(axis);
    layer->act = act;
    layer->weight = esp_network_tensor(net, "weight", true, 1, &layer->out, NULL);
    layer->bias = esp_network_tensor(net, "bias", true, 1, &layer->out, NULL);
    if (kind == ESP_LAYER_BATCHNORM) {
        layer->mean = esp_network_tensor(net, "running_mean", false, 1, &layer->out, NULL);
        layer->var = esp_network_tensor(net, "running_var", false, 1, &layer->out, NULL);
    }
}

/* ---- derived from the axes ---- */

/* Pixels per channel; 1 for vectors. */
static int pixels(int rows, int cols)
{
    return rows ? rows * cols : 1;
}

static esp_dim times(esp_dim dim, int block)
{
    for (int p = 0; p < dim.num; p++) dim.part[p].block *= block;
    return dim;
}

int esp_window_places(int side, int before, int after, int window, int stride, int dilation)
{
    int covered = (window - 1) * (dilation ? dilation : 1) + 1, padded = side + before + after;
    return padded < covered ? 0 : (padded - covered) / stride + 1;
}

static esp_status derive_window(esp_layer *layer)
{
    layer->out_rows = esp_window_places(layer->in_rows, layer->top, layer->bottom, layer->kernel, layer->stride,
                                        layer->dilation);
    layer->out_cols = esp_window_places(layer->in_cols, layer->left, layer->right, layer->kernel_cols,
                                        layer->stride_cols, layer->dilation_cols);
    if (layer->out_rows && layer->out_cols) return ESP_OK;
    int side = layer->out_rows ? layer->in_cols : layer->in_rows;
    return esp_fail(ESP_ERR_SHAPE, "layer '%s': its image has %d pixels per side, its kernel needs %d; use a larger "
                    "image or smaller strides", layer->module, side,
                    layer->out_rows ? layer->kernel_cols : layer->kernel);
}

/* Image sides, from the layer that is read first. */
static esp_status derive_sides(esp_network *net, esp_layer *layer)
{
    const esp_layer *read = layer->input[0] == ESP_INPUT ? NULL : &net->layer[layer->input[0]];
    if (layer->kind != ESP_LAYER_IMAGE) {
        layer->in_rows = read ? read->out_rows : 0;
        layer->in_cols = read ? read->out_cols : 0;
    }
    switch (layer->kind) {
    case ESP_LAYER_CONV2D:
    case ESP_LAYER_MAXPOOL:
    case ESP_LAYER_AVGPOOL:
        return derive_window(layer);
    case ESP_LAYER_FLATTEN:
        layer->out = times(layer->in, pixels(layer->in_rows, layer->in_cols));
        layer->out_rows = layer->out_cols = 0;
        break;
    case ESP_LAYER_UNFLATTEN: /* declared */
        break;
    default:
        layer->out_rows = layer->in_rows;
        layer->out_cols = layer->in_cols;
    }
    return ESP_OK;
}

/* A dense layer after flatten reads channel x pixels, so its tensor's block depends on the image side. */
static void derive_flattened_input(esp_network *net, esp_layer *layer)
{
    if (layer->kind != ESP_LAYER_DENSE || layer->input[0] == ESP_INPUT) return;
    const esp_layer *read = &net->layer[layer->input[0]];
    if (read->kind != ESP_LAYER_FLATTEN) return;
    layer->in = read->out;
    net->tensor[layer->weight].dim[1] = layer->in;
}

static void derive_component(esp_network *net, esp_component *component)
{
    component->in_size = component->out_size = 0;
    if (component->num_layers == 0) return;
    const esp_layer *first = &net->layer[component->first_layer];
    if (component->in.num == 0) component->in = times(first->in, pixels(first->in_rows, first->in_cols));
    component->in_size = esp_dim_size(net, &component->in);
    component->out_size = net->layer[component->first_layer + component->num_layers - 1].out_size;
}

static esp_status derive_sizes(esp_network *net)
{
    for (int i = 0; i < net->num_layers; i++) {
        esp_layer *layer = &net->layer[i];
        esp_status status = derive_sides(net, layer);
        if (status != ESP_OK) return status;
        derive_flattened_input(net, layer);
        layer->in_size = esp_dim_size(net, &layer->in) * pixels(layer->in_rows, layer->in_cols);
        layer->out_size = esp_dim_size(net, &layer->out) * pixels(layer->out_rows, layer->out_cols);
    }
    for (int c = 0; c < net->num_components; c++) derive_component(net, &net->component[c]);
    return ESP_OK;
}

static void derive_tensors(esp_network *net)
{
    size_t offset = 0;
    for (int i = 0; i < net->num_tensors; i++) {
        esp_tensor *tensor = &net->tensor[i];
        tensor->count = 1;
        for (int d = 0; d < tensor->rank; d++) {
            if (tensor->dim[d].num) tensor->shape[d] = esp_dim_size(net, &tensor->dim[d]);
            tensor->count *= (size_t)tensor->shape[d];
        }
        tensor->offset = offset;
        offset += tensor->count;
    }
    net->num_weights = offset;
    for (int c = 0; c < net->num_components; c++) {
        esp_component *component = &net->component[c];
        component->offset = component->count = 0;
        if (component->num_tensors) component->offset = net->tensor[component->first_tensor].offset;
        for (int i = 0; i < component->num_tensors; i++)
            component->count += net->tensor[component->first_tensor + i].count;
    }
}

esp_status esp_network_finish(esp_network *net)
{
    esp_status status = derive_sizes(net);
    if (status != ESP_OK) return status;
    derive_tensors(net);
    free(net->weights);
    net->weights = esp_alloc(net->num_weights, sizeof(float));
    return ESP_OK;
}

esp_network *esp_network_describe(const esp_network *net)
{
    esp_network *copy = esp_network_new();
    *copy = *net;
    copy->weights = NULL;
    return copy;
}

esp_network *esp_network_clone(const esp_network *net)
{
    esp_network *copy = esp_network_describe(net);
    copy->weights = esp_alloc(net->num_weights, sizeof(float));
    memcpy(copy->weights, net->weights, net->num_weights * sizeof(float));
    return copy;
}

/* ---- questions ---- */

int esp_port_size(const esp_network *net, const esp_port *port)
{
    return esp_dim_size(net, &port->dim) * pixels(port->rows, port->cols);
}

int esp_network_find_axis(const esp_network *net, const char *name)
{
    for (int i = 0; i < net->num_axes; i++)
        if (strcmp(net->axis[i].name, name) == 0) return i;
    return -1;
}

int esp_network_find_tensor(const esp_network *net, const char *name)
{
    for (int i = 0; i < net->num_tensors; i++)
        if (strcmp(net->tensor[i].name, name) == 0) return i;
    return -1;
}

int esp_network_find_component(const esp_network *net, const char *name)
{
    for (int i = 0; i < net->num_components; i++)
        if (strcmp(net->component[i].name, name) == 0) return i;
    return -1;
}

const char *esp_component_name(const esp_network *net, int component)
{
    const char *name = net->component[component].name;
    return name + (*name == '_');
}

float *esp_network_weights(const esp_network *net, int tensor)
{
    assert(tensor >= 0 && tensor < net->num_tensors);
    return net->weights + net->tensor[tensor].offset;
}

unsigned esp_network_components(const esp_network *net)
{
    unsigned present = 0;
    for (int c = 0; c < net->num_components; c++)
        if (net->component[c].num_layers > 0) present |= 1u << c;
    return present;
}

bool esp_component_is_chain(const esp_network *net, int component)
{
    const esp_component *c = &net->component[component];
    for (int i = c->first_layer; i < c->first_layer + c->num_layers; i++) {
        int below = i == c->first_layer ? ESP_INPUT : i - 1;
        if (net->layer[i].num_inputs != 1 || net->layer[i].input[0] != below) return false;
    }
    return true;
}

bool esp_component_reads_bytes(const esp_network *net, int component)
{
    const esp_component *c = &net->component[component];
    return c->num_layers > 0 && net->layer[c->first_layer].kind == ESP_LAYER_IMAGE;
}

int esp_layer_input_size(const esp_network *net, const esp_layer *layer, int input)
{
    int read = layer->input[input];
    return read == ESP_INPUT ? net->component[layer->component].in_size : net->layer[read].out_size;
}

bool esp_layer_shares_weights(const esp_network *net, int layer)
{
    for (int i = 0; i < net->num_layers; i++)
        if (i != layer && net->layer[i].weight >= 0 && net->layer[i].weight == net->layer[layer].weight) return true;
    return false;
}

bool esp_tensor_has_axis(const esp_tensor *tensor, int axis)
{
    for (int d = 0; d < tensor->rank; d++)
        for (int p = 0; p < tensor->dim[d].num; p++)
            if (tensor->dim[d].part[p].axis == axis) return true;
    return false;
}

unsigned esp_axis_components(const esp_network *net, int axis)
{
    unsigned components = 0;
    for (int i = 0; i < net->num_tensors; i++)
        if (esp_tensor_has_axis(&net->tensor[i], axis)) components |= 1u << net->tensor[i].component;
    return components;
}

size_t esp_network_params(const esp_network *net, unsigned components)
{
    size_t count = 0;
    for (int i = 0; i < net->num_tensors; i++)
        if (net->tensor[i].trainable && (components >> net->tensor[i].component & 1)) count += net->tensor[i].count;
    return count;
}

size_t esp_network_bytes(const esp_network *net, unsigned components)
{
    size_t count = 0;
    for (int i = 0; i < net->num_tensors; i++)
        if (components >> net->tensor[i].component & 1) count += net->tensor[i].count;
    return count * sizeof(float);
}

uint64_t esp_network_hash(const esp_network *net)
{
    uint64_t hash = ESP_HASH_START;
    for (int i = 0; i < net->num_axes; i++) hash = esp_hash_step(hash, (uint64_t)net->axis[i].size);
    for (size_t i = 0; i < net->num_weights; i++) {
        uint32_t bits;
        memcpy(&bits, &net->weights[i], sizeof bits);
        hash = esp_hash_step(hash, bits);
    }
    return hash;
}

double esp_component_macs(const esp_network *net, int component)
{
    double macs = 0;
    const esp_component *part = &net->component[component];
    for (int i = part->first_layer; i < part->first_layer + part->num_layers; i++) {
        const esp_layer *layer = &net->layer[i];
        if (layer->kind == ESP_LAYER_CONV2D)
            macs += (double)net->tensor[layer->weight].count * layer->out_rows * layer->out_cols;
        if (layer->kind == ESP_LAYER_DENSE) macs += (double)net->tensor[layer->weight].count;
    }
    return macs;
}
