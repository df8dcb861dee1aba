/* The builder: checks every node as it is described, and keeps it. */
#include <stdlib.h>
#include <string.h>

#include "graph/graph_internal.h"

enum {
    MOST_VALUES = 1 << 24, /* of one node per sample: sums over nodes still fit an int */
    MOST_NODES = 1 << 14   /* many more than layers, since nodes without effect are left out */
};

static const float unit_alpha = 1.0f;

esp_graph *esp_graph_new(void)
{
    return esp_alloc(1, sizeof(esp_graph));
}

void esp_graph_free(esp_graph *graph)
{
    if (!graph) return;
    for (int i = 0; i < graph->num_nodes; i++)
        for (int k = 0; k < ESP_NODE_TENSORS; k++) free(graph->node[i].data[k]);
    free(graph->node);
    free(graph->tie);
    free(graph->name);
    free(graph);
}

esp_status esp_graph_status(const esp_graph *graph)
{
    return graph->error.status == ESP_OK ? ESP_OK : esp_error_raise(&graph->error);
}

esp_shape esp_graph_shape(const esp_graph *graph, int value)
{
    return value >= 0 && value < graph->num_nodes ? graph->node[value].shape : (esp_shape){0, 0, 0};
}

/* ---- errors ---- */

/* Keeps the first one: `status` was just recorded by esp_fail. */
static int failed(esp_graph *graph, esp_status status)
{
    esp_error_take(&graph->error, status);
    return ESP_NO_VALUE;
}

static bool usable(const esp_graph *graph)
{
    return graph->error.status == ESP_OK;
}

/* A value of the component that is being built, or an error. */
static bool check_value(esp_graph *graph, int value)
{
    if (!usable(graph) || value == ESP_NO_VALUE) return false;
    if (value >= 0 && value < graph->num_nodes && graph->node[value].layer.component == graph->num_components - 1)
        return true;
    failed(graph, esp_fail(ESP_ERR_SHAPE, "a node reads value %d, which its component does not have", value));
    return false;
}

static bool check_name(esp_graph *graph, const char *name)
{
    size_t length = strlen(name);
    if (length < ESP_NAME) return true;
    failed(graph, esp_fail(ESP_ERR_SHAPE, "'%.40s...': a name of %zu bytes, expected at most %d", name, length,
                           ESP_NAME - 1));
    return false;
}

static bool is_image(esp_shape shape)
{
    return shape.rows > 0;
}

static int pixels(esp_shape shape)
{
    return is_image(shape) ? shape.rows * shape.cols : 1;
}

static const char *name_of(const esp_graph *graph, int value)
{
    return graph->node[value].layer.module;
}

/* ---- nodes ---- */

static void *grown(void *list, int num, int *room, size_t size)
{
    if (num < *room) return list;
    *room = num ? 2 * num : 16;
    void *larger = esp_alloc((size_t)*room, size);
    if (num) memcpy(larger, list, (size_t)num * size);
    free(list);
    return larger;
}

static bool check_shape(esp_graph *graph, const char *module, esp_shape shape)
{
    double values = (double)shape.channels * (shape.rows ? (double)shape.rows * shape.cols : 1);
    bool sides = (shape.rows == 0 && shape.cols == 0) || (shape.rows > 0 && shape.cols > 0);
    if (shape.channels > 0 && sides && values <= MOST_VALUES) return true;
    failed(graph, esp_fail(ESP_ERR_SHAPE, "node '%s': %d x %d x %d values, expected 1 to %d", module, shape.channels,
                           shape.rows, shape.cols, MOST_VALUES));
    return false;
}

/* A node of the component started last that reads `num` values; NULL after an error. Its value is num_nodes - 1. */
static esp_node *add_node(esp_graph *graph, esp_layer_kind kind, const char *module, int num, const int *inputs,
                          esp_shape shape)
{
    for (int k = 0; k < num; k++)
        if (!check_value(graph, inputs[k])) return NULL;
    if (!usable(graph) || !check_name(graph, module) || !check_shape(graph, module, shape)) return NULL;
    if (graph->num_components == 0) {
        failed(graph, esp_fail(ESP_ERR_SHAPE, "node '%s': no component was started", module));
        return NULL;
    }
    if (graph->num_nodes == MOST_NODES) {
        failed(graph, esp_fail(ESP_ERR_SHAPE, "node '%s': more than %d nodes", module, MOST_NODES));
        return NULL;
    }
    graph->node = grown(graph->node, graph->num_nodes, &graph->node_room, sizeof *graph->node);
    esp_node *node = &graph->node[graph->num_nodes++];
    *node = (esp_node){.shape = shape, .shares = ESP_NO_VALUE};
    node->layer = (esp_layer){.kind = kind, .component = graph->num_components - 1, .num_inputs = num,
                              .eps = ESP_NORM_EPS, .weight = -1, .bias = -1, .mean = -1, .var = -1};
    memcpy(node->layer.module, module, strlen(module) + 1);
    for (int k = 0; k < num; k++) node->layer.input[k] = inputs[k];
    return node;
}

static int last_value(const esp_graph *graph)
{
    return graph->num_nodes - 1;
}

static float *copy_of(const float *values, size_t count)
{
    if (!values) return NULL;
    float *copy = esp_alloc(count, sizeof *copy);
    memcpy(copy, values, count * sizeof *copy);
    return copy;
}

/* ---- components ---- */

int esp_graph_component(esp_graph *graph, const char *name)
{
    if (!usable(graph) || !check_name(graph, name)) return -1;
    if (graph->num_components == ESP_MAX_COMPONENTS)
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "component '%s': more than %d components", name,
                                      ESP_MAX_COMPONENTS));
    esp_graph_component_plan *component = &graph->component[graph->num_components];
    memcpy(component->name, name, strlen(name) + 1);
    return graph->num_components++;
}

static int add_input(esp_graph *graph, const char *name, esp_shape shape, bool bytes)
{
    esp_node *node = add_node(graph, ESP_LAYER_SLICE, name, 0, NULL, shape);
    if (!node) return ESP_NO_VALUE;
    esp_graph_component_plan *component = &graph->component[graph->num_components - 1];
    if (component->num_inputs == ESP_MAX_PORTS)
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "input '%s': more than %d inputs", name, ESP_MAX_PORTS));
    bool alone = component->num_inputs == 0 || !(bytes || graph->node[component->input[0]].is_bytes);
    if (!alone)
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "input '%s': an image of bytes must be the only input", name));
    node->is_row = true;
    node->is_bytes = bytes;
    return component->input[component->num_inputs++] = last_value(graph);
}

int esp_graph_input(esp_graph *graph, const char *name, int size)
{
    return add_input(graph, name, (esp_shape){size, 0, 0}, false);
}

int esp_graph_input_image(esp_graph *graph, const char *name, int channels, int rows, int cols)
{
    return add_input(graph, name, (esp_shape){channels, rows, cols}, false);
}

int esp_graph_input_bytes(esp_graph *graph, const char *name, int channels, int rows, int cols)
{
    return add_input(graph, name, (esp_shape){channels, rows, cols}, true);
}

void esp_graph_output(esp_graph *graph, const char *name, int value)
{
    if (!check_value(graph, value) || !check_name(graph, name)) return;
    esp_graph_component_plan *component = &graph->component[graph->num_components - 1];
    if (component->num_outputs == ESP_MAX_PORTS) {
        failed(graph, esp_fail(ESP_ERR_SHAPE, "output '%s': more than %d outputs", name, ESP_MAX_PORTS));
        return;
    }
    memcpy(component->output_name[component->num_outputs], name, strlen(name) + 1);
    component->output[component->num_outputs++] = value;
}

/* ---- layers with weights ---- */

int esp_graph_dense(esp_graph *graph, int x, const esp_dense_spec *spec)
{
    if (!check_value(graph, x)) return ESP_NO_VALUE;
    esp_shape in = graph->node[x].shape;
    if (is_image(in))
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "dense layer '%s' reads an image; flatten it", spec->module));
    esp_node *node = add_node(graph, ESP_LAYER_DENSE, spec->module, 1, &x, (esp_shape){spec->outputs, 0, 0});
    if (!node) return ESP_NO_VALUE;
    node->no_bias = spec->no_bias;
    node->data[0] = copy_of(spec->weight, (size_t)spec->outputs * (size_t)in.channels);
    node->data[1] = copy_of(spec->bias, (size_t)spec->outputs);
    return last_value(graph);
}

static int or_one(int number)
{
    return number == 0 ? 1 : number;
}

/* Pixels of the output along one side; 0: none. */
static int places(int side, int before, int after, int window, int stride, int dilation)
{
    int covered = (window - 1) * dilation + 1, padded = side + before + after;
    return padded < covered ? 0 : (padded - covered) / stride + 1;
}

static bool window_is_sane(const esp_window *w)
{
    enum { MOST = 1 << 12 }; /* products of two of them fit an int */
    int numbers[] = {w->rows, w->cols, or_one(w->row_stride), or_one(w->col_stride), or_one(w->row_dilation),
                     or_one(w->col_dilation), w->top + 1, w->left + 1, w->bottom + 1, w->right + 1};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i] < 1 || numbers[i] > MOST) return false;
    return true;
}

/* A node that moves a window over an image. */
static esp_node *add_window(esp_graph *graph, esp_layer_kind kind, const char *module, int x, int channels,
                            const esp_window *w)
{
    if (!check_value(graph, x)) return NULL;
    esp_shape in = graph->node[x].shape;
    if (!is_image(in) || !window_is_sane(w)) {
        failed(graph, esp_fail(ESP_ERR_SHAPE, is_image(in) ? "node '%s': window, strides and padding of %d x %d are "
                               "not within 1 to 4096" : "node '%s' reads a row, expected an image", module, w->rows,
                               w->cols));
        return NULL;
    }
    esp_shape out = {channels,
                     places(in.rows, w->top, w->bottom, w->rows, or_one(w->row_stride), or_one(w->row_dilation)),
                     places(in.cols, w->left, w->right, w->cols, or_one(w->col_stride), or_one(w->col_dilation))};
    if (out.rows == 0 || out.cols == 0) {
        failed(graph, esp_fail(ESP_ERR_SHAPE, "layer '%s': its image has %d x %d pixels, its window needs %d x %d; use "
                               "a larger image or smaller strides", module, in.rows, in.cols, w->rows, w->cols));
        return NULL;
    }
    esp_node *node = add_node(graph, kind, module, 1, &x, out);
    if (!node) return NULL;
    esp_layer *layer = &node->layer;
    layer->kernel = w->rows;
    layer->kernel_cols = w->cols;
    layer->stride = or_one(w->row_stride);
    layer->stride_cols = or_one(w->col_stride);
    layer->dilation = or_one(w->row_dilation);
    layer->dilation_cols = or_one(w->col_dilation);
    layer->top = w->top;
    layer->left = w->left;
    layer->bottom = w->bottom;
    layer->right = w->right;
    return node;
}

int esp_graph_conv(esp_graph *graph, int x, const esp_conv_spec *spec)
{
    if (!check_value(graph, x)) return ESP_NO_VALUE;
    int channels = graph->node[x].shape.channels, groups = or_one(spec->groups);
    if (groups < 1 || channels % groups || spec->kernels < 1 || spec->kernels % groups)
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "convolution '%s': %d groups do not divide %d channels and %d "
                                      "kernels", spec->module, groups, channels, spec->kernels));
    esp_node *node = add_window(graph, ESP_LAYER_CONV2D, spec->module, x, spec->kernels, &spec->window);
    if (!node) return ESP_NO_VALUE;
    node->layer.per_group = groups > 1 ? channels / groups : 0;
    node->no_bias = spec->no_bias;
    size_t area = (size_t)spec->window.rows * (size_t)spec->window.cols;
    node->data[0] = copy_of(spec->weight, (size_t)spec->kernels * (size_t)(channels / groups) * area);
    node->data[1] = copy_of(spec->bias, (size_t)spec->kernels);
    return last_value(graph);
}

int esp_graph_again(esp_graph *graph, int x, int like)
{
    if (!check_value(graph, x) || !check_value(graph, like)) return ESP_NO_VALUE;
    esp_node copy = graph->node[like];
    if (copy.is_row || (copy.layer.kind != ESP_LAYER_DENSE && copy.layer.kind != ESP_LAYER_CONV2D))
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "node '%s' has no weights to use again", name_of(graph, like)));
    esp_shape a = graph->node[x].shape, b = graph->node[copy.layer.input[0]].shape;
    if (a.channels != b.channels || a.rows != b.rows || a.cols != b.cols)
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "the weights of '%s' fit %d x %d x %d values, found %d x %d x %d",
                                      copy.layer.module, b.channels, b.rows, b.cols, a.channels, a.rows, a.cols));
    esp_node *node = add_node(graph, copy.layer.kind, copy.layer.module, 1, &x, copy.shape);
    if (!node) return ESP_NO_VALUE;
    node->layer = copy.layer;
    node->layer.input[0] = x;
    node->no_bias = copy.no_bias;
    node->shares = copy.shares == ESP_NO_VALUE ? like : copy.shares;
    return last_value(graph);
}

/* ---- normalisations, activations, constants ---- */

static int add_norm(esp_graph *graph, esp_layer_kind kind, int x, const esp_norm_spec *spec)
{
    if (!check_value(graph, x)) return ESP_NO_VALUE;
    esp_shape shape = graph->node[x].shape;
    if (kind == ESP_LAYER_LAYERNORM && is_image(shape))
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "layer normalisation '%s' reads an image, expected a row",
                                      spec->module));
    if (!(spec->eps >= 0))
        return failed(graph, esp_fail(ESP_ERR_RANGE, "normalisation '%s': eps %g, expected at least 0", spec->module,
                                      (double)spec->eps));
    esp_node *node = add_node(graph, kind, spec->module, 1, &x, shape);
    if (!node) return ESP_NO_VALUE;
    if (spec->eps > 0) node->layer.eps = spec->eps;
    const float *data[ESP_NODE_TENSORS] = {spec->gain, spec->offset, spec->mean, spec->var};
    for (int k = 0; k < ESP_NODE_TENSORS; k++) node->data[k] = copy_of(data[k], (size_t)shape.channels);
    return last_value(graph);
}

int esp_graph_layernorm(esp_graph *graph, int x, const esp_norm_spec *spec)
{
    return add_norm(graph, ESP_LAYER_LAYERNORM, x, spec);
}

int esp_graph_batchnorm(esp_graph *graph, int x, const esp_norm_spec *spec)
{
    return add_norm(graph, ESP_LAYER_BATCHNORM, x, spec);
}

int esp_graph_act(esp_graph *graph, int x, esp_act act)
{
    return esp_graph_act_with(graph, x, act, unit_alpha, 0.0f);
}

int esp_graph_act_with(esp_graph *graph, int x, esp_act act, float alpha, float beta)
{
    if (!check_value(graph, x)) return ESP_NO_VALUE;
    if (act == ESP_ACT_NONE) return x;
    if (!(alpha == alpha && beta == beta && (act != ESP_ACT_CLIP || alpha <= beta)))
        return failed(graph, esp_fail(ESP_ERR_RANGE, "an activation of '%s' has the parameters %g and %g",
                                      name_of(graph, x), (double)alpha, (double)beta));
    esp_node *node = add_node(graph, ESP_LAYER_ACT, "activation", 1, &x, graph->node[x].shape);
    if (!node) return ESP_NO_VALUE;
    node->layer.act = act;
    node->layer.alpha = alpha;
    node->layer.beta = beta;
    return last_value(graph);
}

int esp_graph_combine(esp_graph *graph, esp_layer_kind kind, int a, int b)
{
    static const char *const names[] = {"add", "sub", "mul", "div"};
    if (!check_value(graph, a) || !check_value(graph, b)) return ESP_NO_VALUE;
    esp_shape x = graph->node[a].shape, y = graph->node[b].shape;
    if (kind < ESP_LAYER_ADD || kind > ESP_LAYER_DIV || x.channels != y.channels || x.rows != y.rows ||
        x.cols != y.cols)
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "'%s' and '%s' are combined element by element, but have %d x %d "
                                      "x %d and %d x %d x %d values", name_of(graph, a), name_of(graph, b), x.channels,
                                      x.rows, x.cols, y.channels, y.rows, y.cols));
    return add_node(graph, kind, names[kind - ESP_LAYER_ADD], 2, (const int[]){a, b}, x) ? last_value(graph)
                                                                                        : ESP_NO_VALUE;
}

int esp_graph_scale(esp_graph *graph, int x, const char *module, const float *scale, const float *shift)
{
    if (!check_value(graph, x)) return ESP_NO_VALUE;
    if (!scale && !shift)
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "node '%s' has neither a scale nor a shift", module));
    esp_node *node = add_node(graph, ESP_LAYER_SCALE, module, 1, &x, graph->node[x].shape);
    if (!node) return ESP_NO_VALUE;
    node->data[0] = copy_of(scale, (size_t)node->shape.channels);
    node->data[1] = copy_of(shift, (size_t)node->shape.channels);
    return last_value(graph);
}

/* ---- rearrangements ---- */

static int concat_few(esp_graph *graph, int count, const int *values)
{
    esp_shape out = esp_graph_shape(graph, values[0]);
    out.channels = 0;
    for (int k = 0; k < count; k++) {
        if (!check_value(graph, values[k])) return ESP_NO_VALUE;
        esp_shape shape = graph->node[values[k]].shape;
        if (shape.rows != out.rows || shape.cols != out.cols)
            return failed(graph, esp_fail(ESP_ERR_SHAPE, "'%s' of %d x %d pixels and '%s' of %d x %d are joined",
                                          name_of(graph, values[0]), out.rows, out.cols, name_of(graph, values[k]),
                                          shape.rows, shape.cols));
        out.channels += shape.channels; /* each at most MOST_VALUES, and few */
    }
    return add_node(graph, ESP_LAYER_CONCAT, "concat", count, values, out) ? last_value(graph) : ESP_NO_VALUE;
}

/* A layer reads few values, so more of them are joined in several steps. */
int esp_graph_concat(esp_graph *graph, int count, const int *values)
{
    if (!usable(graph) || count < 1)
        return count < 1 ? failed(graph, esp_fail(ESP_ERR_SHAPE, "concat of no values")) : ESP_NO_VALUE;
    int joined = values[0];
    for (int at = 1; at < count && joined != ESP_NO_VALUE;) {
        int few = count - at < ESP_MAX_INPUTS - 1 ? count - at : ESP_MAX_INPUTS - 1, parts[ESP_MAX_INPUTS] = {joined};
        for (int k = 0; k < few; k++) parts[k + 1] = values[at + k];
        joined = concat_few(graph, few + 1, parts);
        at += few;
    }
    return joined;
}

int esp_graph_slice(esp_graph *graph, int x, int first, int count)
{
    if (!check_value(graph, x)) return ESP_NO_VALUE;
    esp_shape shape = graph->node[x].shape;
    if (first < 0 || count < 1 || first > shape.channels - count)
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "a slice of '%s' takes %d values from %d on, but there are %d",
                                      name_of(graph, x), count, first, shape.channels));
    if (count == shape.channels) return x;
    shape.channels = count;
    esp_node *node = add_node(graph, ESP_LAYER_SLICE, "slice", 1, &x, shape);
    if (!node) return ESP_NO_VALUE;
    node->first = first;
    return last_value(graph);
}

int esp_graph_flatten(esp_graph *graph, int x)
{
    if (!check_value(graph, x)) return ESP_NO_VALUE;
    esp_shape shape = graph->node[x].shape;
    if (!is_image(shape)) return x;
    shape = (esp_shape){shape.channels * pixels(shape), 0, 0};
    return add_node(graph, ESP_LAYER_FLATTEN, "flatten", 1, &x, shape) ? last_value(graph) : ESP_NO_VALUE;
}

int esp_graph_unflatten(esp_graph *graph, int x, int channels, int rows, int cols)
{
    if (!check_value(graph, x)) return ESP_NO_VALUE;
    esp_shape in = graph->node[x].shape, out = {channels, rows, cols};
    if (!check_shape(graph, name_of(graph, x), out)) return ESP_NO_VALUE;
    if (is_image(in) || rows == 0 || in.channels != channels * pixels(out))
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "'%s' of %d values does not make an image of %d x %d x %d",
                                      name_of(graph, x), in.channels * pixels(in), channels, rows, cols));
    return add_node(graph, ESP_LAYER_UNFLATTEN, "unflatten", 1, &x, out) ? last_value(graph) : ESP_NO_VALUE;
}

/* ---- pooling ---- */

static int add_pool(esp_graph *graph, esp_layer_kind kind, int x, const esp_window *window, bool counts_padding)
{
    if (!check_value(graph, x)) return ESP_NO_VALUE;
    if (window->top >= window->rows || window->bottom >= window->rows || window->left >= window->cols ||
        window->right >= window->cols || or_one(window->row_dilation) != 1 || or_one(window->col_dilation) != 1)
        return failed(graph, esp_fail(ESP_ERR_SHAPE, "pooling of '%s': padding must be smaller than the window, and "
                                      "there is no dilation", name_of(graph, x)));
    esp_node *node = add_window(graph, kind, "pool", x, graph->node[x].shape.channels, window);
    if (!node) return ESP_NO_VALUE;
    node->layer.counts_padding = counts_padding;
    return last_value(graph);
}

int esp_graph_max_pool(esp_graph *graph, int x, const esp_window *window)
{
    return add_pool(graph, ESP_LAYER_MAXPOOL, x, window, false);
}

int esp_graph_average_pool(esp_graph *graph, int x, const esp_window *window, bool counts_padding)
{
    return add_pool(graph, ESP_LAYER_AVGPOOL, x, window, counts_padding);
}

int esp_graph_global_average(esp_graph *graph, int x)
{
    esp_shape shape = esp_graph_shape(graph, x);
    return esp_graph_average_pool(graph, x, &(esp_window){.rows = shape.rows, .cols = shape.cols}, false);
}

/* ---- ties and names ---- */

void esp_graph_call(esp_graph *graph, int value, const char *module)
{
    if (!usable(graph) || value == ESP_NO_VALUE || !check_name(graph, module)) return;
    memcpy(graph->node[value].layer.module, module, strlen(module) + 1);
}

static bool has_units(esp_graph *graph, int value, int first, int count)
{
    if (!usable(graph) || value == ESP_NO_VALUE) return false;
    bool known = value >= 0 && value < graph->num_nodes;
    if (known && first >= 0 && count >= 1 && first <= graph->node[value].shape.channels - count) return true;
    failed(graph, esp_fail(ESP_ERR_SHAPE, "value %d has no units %d to %d", value, first, first + count - 1));
    return false;
}

static void add_tie(esp_graph *graph, int a, int a_first, int b, int b_first, int count, bool wired)
{
    if (!has_units(graph, a, a_first, count) || !has_units(graph, b, b_first, count)) return;
    graph->tie = grown(graph->tie, graph->num_ties, &graph->tie_room, sizeof *graph->tie);
    graph->tie[graph->num_ties++] = (esp_tie){a, a_first, b, b_first, count, wired};
}

void esp_graph_tie(esp_graph *graph, int a, int a_first, int b, int b_first, int count)
{
    add_tie(graph, a, a_first, b, b_first, count, false);
}

void esp_graph_wire(esp_graph *graph, int a, int a_first, int b, int b_first, int count)
{
    add_tie(graph, a, a_first, b, b_first, count, true);
}

void esp_graph_name(esp_graph *graph, int value, int first, const char *name)
{
    if (!has_units(graph, value, first, 1) || !check_name(graph, name)) return;
    graph->name = grown(graph->name, graph->num_names, &graph->name_room, sizeof *graph->name);
    esp_axis_name *entry = &graph->name[graph->num_names++];
    entry->value = value;
    entry->first = first;
    memcpy(entry->name, name, strlen(name) + 1);
}
