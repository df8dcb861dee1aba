/* The nodes of the builder, by kind: each checks that its sizes fit what it reads. */
#include <string.h>

#include "graph/graph_internal.h"

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

static float *copy_of(const float *values, size_t count)
{
    if (!values) return NULL;
    float *copy = esp_alloc(count, sizeof *copy);
    memcpy(copy, values, count * sizeof *copy);
    return copy;
}

/* ---- layers with weights ---- */

int esp_graph_dense(esp_graph *graph, int x, const esp_dense_spec *spec)
{
    if (!esp_graph_has(graph, x)) return ESP_NO_VALUE;
    esp_shape in = graph->node[x].shape;
    if (is_image(in))
        return esp_refuse(graph, ESP_ERR_SHAPE, "dense layer '%s' reads an image; flatten it", spec->module);
    esp_node *node = esp_graph_add(graph, ESP_LAYER_DENSE, spec->module, 1, &x, (esp_shape){spec->outputs, 0, 0});
    if (!node) return ESP_NO_VALUE;
    node->no_bias = spec->no_bias;
    node->data[0] = copy_of(spec->weight, (size_t)spec->outputs * (size_t)in.channels);
    node->data[1] = copy_of(spec->bias, (size_t)spec->outputs);
    return esp_graph_last(graph);
}

static int or_one(int number)
{
    return number == 0 ? 1 : number;
}

enum { MOST_WINDOW = 1 << 12 }; /* products of two of them fit an int */

static bool window_is_sane(const esp_window *w)
{
    int numbers[] = {w->rows, w->cols, or_one(w->row_stride), or_one(w->col_stride), or_one(w->row_dilation),
                     or_one(w->col_dilation), w->top + 1, w->left + 1, w->bottom + 1, w->right + 1};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i] < 1 || numbers[i] > MOST_WINDOW) return false;
    return true;
}

/* A node that moves a window over an image. */
static esp_node *add_window(esp_graph *graph, esp_layer_kind kind, const char *module, int x, int channels,
                            const esp_window *w)
{
    if (!esp_graph_has(graph, x)) return NULL;
    esp_shape in = graph->node[x].shape;
    if (!is_image(in)) {
        esp_refuse(graph, ESP_ERR_SHAPE, "node '%s' reads a row, expected an image", module);
        return NULL;
    }
    if (!window_is_sane(w)) {
        esp_refuse(graph, ESP_ERR_SHAPE, "node '%s': its window of %d x %d, strides, padding and dilation are not "
                   "within 1 to %d", module, w->rows, w->cols, MOST_WINDOW);
        return NULL;
    }
    esp_shape out = {channels,
                     esp_window_places(in.rows, w->top, w->bottom, w->rows, or_one(w->row_stride), w->row_dilation),
                     esp_window_places(in.cols, w->left, w->right, w->cols, or_one(w->col_stride), w->col_dilation)};
    if (out.rows == 0 || out.cols == 0) {
        esp_refuse(graph, ESP_ERR_SHAPE, "layer '%s': its image has %d x %d pixels, its window needs %d x %d; use a "
                   "larger image or smaller strides", module, in.rows, in.cols, w->rows, w->cols);
        return NULL;
    }
    esp_node *node = esp_graph_add(graph, kind, module, 1, &x, out);
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
    if (!esp_graph_has(graph, x)) return ESP_NO_VALUE;
    int channels = graph->node[x].shape.channels, groups = or_one(spec->groups);
    if (groups < 1 || channels % groups || spec->kernels < 1 || spec->kernels % groups)
        return esp_refuse(graph, ESP_ERR_SHAPE, "convolution '%s': %d groups do not divide %d channels and %d kernels",
                          spec->module, groups, channels, spec->kernels);
    esp_node *node = add_window(graph, ESP_LAYER_CONV2D, spec->module, x, spec->kernels, &spec->window);
    if (!node) return ESP_NO_VALUE;
    node->layer.per_group = groups > 1 ? channels / groups : 0;
    node->no_bias = spec->no_bias;
    size_t area = (size_t)spec->window.rows * (size_t)spec->window.cols;
    node->data[0] = copy_of(spec->weight, (size_t)spec->kernels * (size_t)(channels / groups) * area);
    node->data[1] = copy_of(spec->bias, (size_t)spec->kernels);
    return esp_graph_last(graph);
}

int esp_graph_again(esp_graph *graph, int x, int like)
{
    if (!esp_graph_has(graph, x) || !esp_graph_has(graph, like)) return ESP_NO_VALUE;
    esp_node copy = graph->node[like];
    if (copy.is_row || (copy.layer.kind != ESP_LAYER_DENSE && copy.layer.kind != ESP_LAYER_CONV2D))
        return esp_refuse(graph, ESP_ERR_SHAPE, "node '%s' has no weights to use again", name_of(graph, like));
    esp_shape a = graph->node[x].shape, b = graph->node[copy.layer.input[0]].shape;
    if (a.channels != b.channels || a.rows != b.rows || a.cols != b.cols)
        return esp_refuse(graph, ESP_ERR_SHAPE, "the weights of '%s' fit %d x %d x %d values, found %d x %d x %d",
                          copy.layer.module, b.channels, b.rows, b.cols, a.channels, a.rows, a.cols);
    esp_node *node = esp_graph_add(graph, copy.layer.kind, copy.layer.module, 1, &x, copy.shape);
    if (!node) return ESP_NO_VALUE;
    node->layer = copy.layer;
    node->layer.input[0] = x;
    node->no_bias = copy.no_bias;
    node->shares = copy.shares == ESP_NO_VALUE ? like : copy.shares;
    return esp_graph_last(graph);
}

/* ---- normalisations, activations, constants ---- */

static int add_norm(esp_graph *graph, esp_layer_kind kind, int x, const esp_norm_spec *spec)
{
    if (!esp_graph_has(graph, x)) return ESP_NO_VALUE;
    esp_shape shape = graph->node[x].shape;
    if (kind == ESP_LAYER_LAYERNORM && is_image(shape))
        return esp_refuse(graph, ESP_ERR_SHAPE, "layer normalisation '%s' reads an image, expected a row",
                          spec->module);
    if (!(spec->eps >= 0))
        return esp_refuse(graph, ESP_ERR_RANGE, "normalisation '%s': eps %g, expected at least 0", spec->module,
                          (double)spec->eps);
    esp_node *node = esp_graph_add(graph, kind, spec->module, 1, &x, shape);
    if (!node) return ESP_NO_VALUE;
    if (spec->eps > 0) node->layer.eps = spec->eps;
    const float *data[ESP_NODE_TENSORS] = {spec->gain, spec->offset, spec->mean, spec->var};
    for (int k = 0; k < ESP_NODE_TENSORS; k++) node->data[k] = copy_of(data[k], (size_t)shape.channels);
    return esp_graph_last(graph);
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
    return esp_graph_act_with(graph, x, act, 1.0f, 0.0f);
}

int esp_graph_act_with(esp_graph *graph, int x, esp_act act, float alpha, float beta)
{
    if (!esp_graph_has(graph, x)) return ESP_NO_VALUE;
    if (act == ESP_ACT_NONE) return x;
    if (!(alpha == alpha && beta == beta && (act != ESP_ACT_CLIP || alpha <= beta)))
        return esp_refuse(graph, ESP_ERR_RANGE, "an activation of '%s' has the parameters %g and %g", name_of(graph, x),
                          (double)alpha, (double)beta);
    esp_node *node = esp_graph_add(graph, ESP_LAYER_ACT, "activation", 1, &x, graph->node[x].shape);
    if (!node) return ESP_NO_VALUE;
    node->layer.act = act;
    node->layer.alpha = alpha;
    node->layer.beta = beta;
    return esp_graph_last(graph);
}

int esp_graph_combine(esp_graph *graph, esp_layer_kind kind, int a, int b)
{
    static const char *const names[] = {"add", "sub", "mul", "div"};
    if (!esp_graph_has(graph, a) || !esp_graph_has(graph, b)) return ESP_NO_VALUE;
    esp_shape x = graph->node[a].shape, y = graph->node[b].shape;
    if (kind < ESP_LAYER_ADD || kind > ESP_LAYER_DIV || x.channels != y.channels || x.rows != y.rows ||
        x.cols != y.cols)
        return esp_refuse(graph, ESP_ERR_SHAPE, "'%s' and '%s' are combined element by element, but have %d x %d x %d "
                          "and %d x %d x %d values", name_of(graph, a), name_of(graph, b), x.channels, x.rows, x.cols,
                          y.channels, y.rows, y.cols);
    bool added = esp_graph_add(graph, kind, names[kind - ESP_LAYER_ADD], 2, (const int[]){a, b}, x) != NULL;
    return added ? esp_graph_last(graph) : ESP_NO_VALUE;
}

int esp_graph_scale(esp_graph *graph, int x, const char *module, const float *scale, const float *shift)
{
    if (!esp_graph_has(graph, x)) return ESP_NO_VALUE;
    if (!scale && !shift)
        return esp_refuse(graph, ESP_ERR_SHAPE, "node '%s' has neither a scale nor a shift", module);
    esp_node *node = esp_graph_add(graph, ESP_LAYER_SCALE, module, 1, &x, graph->node[x].shape);
    if (!node) return ESP_NO_VALUE;
    node->data[0] = copy_of(scale, (size_t)node->shape.channels);
    node->data[1] = copy_of(shift, (size_t)node->shape.channels);
    return esp_graph_last(graph);
}

/* ---- rearrangements ---- */

static int concat_few(esp_graph *graph, int count, const int *values)
{
    esp_shape out = esp_graph_shape(graph, values[0]);
    out.channels = 0;
    for (int k = 0; k < count; k++) {
        if (!esp_graph_has(graph, values[k])) return ESP_NO_VALUE;
        esp_shape shape = graph->node[values[k]].shape;
        if (shape.rows != out.rows || shape.cols != out.cols)
            return esp_refuse(graph, ESP_ERR_SHAPE, "'%s' of %d x %d pixels and '%s' of %d x %d are joined",
                              name_of(graph, values[0]), out.rows, out.cols, name_of(graph, values[k]), shape.rows,
                              shape.cols);
        out.channels += shape.channels; /* each at most MOST_VALUES, and few */
    }
    return esp_graph_add(graph, ESP_LAYER_CONCAT, "concat", count, values, out) ? esp_graph_last(graph) : ESP_NO_VALUE;
}

/* A layer reads few values, so more of them are joined in several steps. */
int esp_graph_concat(esp_graph *graph, int count, const int *values)
{
    if (!esp_graph_usable(graph) || count < 1)
        return count < 1 ? esp_refuse(graph, ESP_ERR_SHAPE, "concat of no values") : ESP_NO_VALUE;
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
    if (!esp_graph_has(graph, x)) return ESP_NO_VALUE;
    esp_shape shape = graph->node[x].shape;
    if (first < 0 || count < 1 || first > shape.channels - count)
        return esp_refuse(graph, ESP_ERR_SHAPE, "a slice of '%s' takes %d values from %d on, but there are %d",
                          name_of(graph, x), count, first, shape.channels);
    if (count == shape.channels) return x;
    shape.channels = count;
    esp_node *node = esp_graph_add(graph, ESP_LAYER_SLICE, "slice", 1, &x, shape);
    if (!node) return ESP_NO_VALUE;
    node->first = first;
    return esp_graph_last(graph);
}

int esp_graph_flatten(esp_graph *graph, int x)
{
    if (!esp_graph_has(graph, x)) return ESP_NO_VALUE;
    esp_shape shape = graph->node[x].shape;
    if (!is_image(shape)) return x;
    shape = (esp_shape){shape.channels * pixels(shape), 0, 0};
    return esp_graph_add(graph, ESP_LAYER_FLATTEN, "flatten", 1, &x, shape) ? esp_graph_last(graph) : ESP_NO_VALUE;
}

int esp_graph_unflatten(esp_graph *graph, int x, int channels, int rows, int cols)
{
    if (!esp_graph_has(graph, x)) return ESP_NO_VALUE;
    esp_shape in = graph->node[x].shape, out = {channels, rows, cols};
    if (!esp_graph_check_shape(graph, name_of(graph, x), out)) return ESP_NO_VALUE;
    if (is_image(in) || rows == 0 || in.channels != channels * pixels(out))
        return esp_refuse(graph, ESP_ERR_SHAPE, "'%s' of %d values does not make an image of %d x %d x %d",
                          name_of(graph, x), in.channels * pixels(in), channels, rows, cols);
    return esp_graph_add(graph, ESP_LAYER_UNFLATTEN, "unflatten", 1, &x, out) ? esp_graph_last(graph) : ESP_NO_VALUE;
}

/* ---- pooling ---- */

static int add_pool(esp_graph *graph, esp_layer_kind kind, int x, const esp_window *window, bool counts_padding)
{
    if (!esp_graph_has(graph, x)) return ESP_NO_VALUE;
    if (!is_image(graph->node[x].shape))
        return esp_refuse(graph, ESP_ERR_SHAPE, "pooling of '%s': it is a row, expected an image", name_of(graph, x));
    if (window->top >= window->rows || window->bottom >= window->rows || window->left >= window->cols ||
        window->right >= window->cols || or_one(window->row_dilation) != 1 || or_one(window->col_dilation) != 1)
        return esp_refuse(graph, ESP_ERR_SHAPE, "pooling of '%s': padding must be smaller than the window, and there "
                          "is no dilation", name_of(graph, x));
    esp_node *node = add_window(graph, kind, "pool", x, graph->node[x].shape.channels, window);
    if (!node) return ESP_NO_VALUE;
    node->layer.counts_padding = counts_padding;
    return esp_graph_last(graph);
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
