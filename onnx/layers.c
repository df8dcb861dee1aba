/* Operators with weights: products, convolutions, normalisations; and pooling. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "onnx/translate_internal.h"

/* ---- products ---- */

/* A product of the rows of x with constant weights, and what is added. */
typedef struct {
    int             inputs, outputs;
    const float    *weight;      /* [outputs, inputs] */
    const float    *bias;        /* [outputs] or NULL */
    const esp_onnx_value *x;
    int             weight_input; /* of the node, for names */
} product;

/* The numbers of a constant that is added to rows [.., size], each for one output; NULL: it is not such a constant. */
static const float *added_row(esp_onnx_model *model, const esp_onnx_tensor *constant, int size)
{
    if (!constant->real || (constant->count != 1 && constant->count != (size_t)size)) return NULL;
    if (constant->count == (size_t)size && size > 1 && constant->dim[constant->rank - 1] != size) return NULL;
    if (constant->count == (size_t)size) return constant->real;
    float *row = esp_onnx_keep(model, (size_t)size, sizeof *row);
    for (int i = 0; i < size; i++) row[i] = constant->real[0];
    return row;
}

/* The output of `last`, which is the node itself or one that was merged into it. */
static esp_status add_dense(esp_translation *t, const esp_onnx_node *node, const esp_onnx_node *last,
                            const product *p)
{
    esp_onnx_value out = *p->x;
    out.dim[out.rank - 1] = p->outputs;
    const char *module = esp_translate_module(t, node, p->weight_input);
    int row = esp_translate_row(t, node, 0);
    int value = esp_graph_dense(t->graph, row, &(esp_dense_spec){.module = module, .outputs = p->outputs,
                                                                 .weight = p->weight, .bias = p->bias,
                                                                 .no_bias = !p->bias});
    esp_translate_output(t, last, 0, value, out.rank, out.dim, out.batch);
    return esp_graph_status(t->graph);
}

/* x must be rows: every dimension but the last counts samples or has size 1. */
static esp_status check_rows(const esp_translation *t, const esp_onnx_node *node, const esp_onnx_value *x, int64_t size)
{
    if (x->dim[x->rank - 1] != size || x->batch == x->rank - 1)
        return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "its input does not have rows of %lld values as its "
                               "weights need", (long long)size);
    for (int d = 0; d < x->rank - 1; d++)
        if (d != x->batch && x->dim[d] != 1)
            return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE,
                                   "it multiplies %lld rows per sample; only one is supported", (long long)x->dim[d]);
    return ESP_OK;
}

static float *transposed(esp_onnx_model *model, const float *from, int rows, int cols, float scale)
{
    float *to = esp_onnx_keep(model, (size_t)rows * (size_t)cols, sizeof *to);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) to[(size_t)c * (size_t)rows + (size_t)r] = scale * *from++;
    return to;
}

/* Rows and columns of constant weights. */
static esp_status matrix_of(const esp_translation *t, const esp_onnx_node *node, const esp_onnx_tensor *w, int *rows,
                            int *cols)
{
    bool fits = w->rank >= 2;
    for (int d = 0; d + 2 < w->rank; d++) fits = fits && w->dim[d] == 1;
    fits = fits && w->count > 0 && w->dim[w->rank - 1] <= ESP_ONNX_LARGEST && w->dim[w->rank - 2] <= ESP_ONNX_LARGEST;
    if (!fits) return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "its weights are not a matrix");
    *rows = (int)w->dim[w->rank - 2];
    *cols = (int)w->dim[w->rank - 1];
    return ESP_OK;
}

esp_status esp_translate_matmul(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_tensor *w;
    product p = {.weight_input = 1};
    if (node->num_inputs == 2 && esp_onnx_constant(t->model, node, 0) && !esp_onnx_constant(t->model, node, 1))
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "constant weights must be its second input");
    if (node->num_inputs == 2 && !esp_onnx_constant(t->model, node, 1))
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "the product of two computed values (attention) is not "
                               "supported");
    esp_status status = esp_translate_input(t, node, 0, &p.x);
    if (status == ESP_OK) status = esp_translate_weights(t, node, 1, "weights", &w);
    if (status == ESP_OK) status = matrix_of(t, node, w, &p.inputs, &p.outputs);
    if (status == ESP_OK) status = check_rows(t, node, p.x, p.inputs);
    if (status != ESP_OK) return status;
    p.weight = transposed(t->model, w->real, p.inputs, p.outputs, 1);
    const esp_onnx_node *last = node;
    esp_onnx_node *add = esp_translate_next(t, node, "Add");
    if (add && !add->meaning) {
        int k = add->input[0] == node->output[0] ? 1 : 0;
        const esp_onnx_tensor *constant = esp_onnx_constant(t->model, add, k);
        const esp_onnx_tensor *checked;
        p.bias = constant && constant->rank <= p.x->rank ? added_row(t->model, constant, p.outputs) : NULL;
        if (p.bias) status = esp_translate_weights(t, add, k, "bias", &checked);
        if (p.bias) last = add;
    }
    if (status == ESP_OK) status = add_dense(t, node, last, &p);
    if (last != node) add->covered = true;
    return status;
}

/* alpha A B + beta C with A computed. */
esp_status esp_translate_gemm(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_tensor *w, *c = NULL;
    product p = {.weight_input = 1};
    int rows = 0, cols = 0;
    int64_t trans_a = 0, trans_b = 0;
    float alpha = 1, beta = 1;
    esp_status status = esp_translate_input(t, node, 0, &p.x);
    if (status == ESP_OK) status = esp_onnx_int(t->model, node, "transA", 0, &trans_a);
    if (status == ESP_OK) status = esp_onnx_int(t->model, node, "transB", 0, &trans_b);
    if (status == ESP_OK) status = esp_onnx_real(t->model, node, "alpha", 1, &alpha);
    if (status == ESP_OK) status = esp_onnx_real(t->model, node, "beta", 1, &beta);
    if (status == ESP_OK) status = esp_translate_weights(t, node, 1, "weights", &w);
    if (status == ESP_OK) status = matrix_of(t, node, w, &rows, &cols);
    if (status != ESP_OK) return status;
    if (trans_a) return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "transA: samples must be its rows");
    p.inputs = trans_b ? cols : rows;
    p.outputs = trans_b ? rows : cols;
    status = check_rows(t, node, p.x, p.inputs);
    if (status != ESP_OK) return status;
    float *scaled = transposed(t->model, w->real, rows, cols, alpha);
    if (trans_b) {
        if (alpha != 1) for (size_t i = 0; i < w->count; i++) scaled[i] = alpha * w->real[i];
        p.weight = alpha != 1 ? scaled : w->real;
    } else {
        p.weight = scaled;
    }
    if (node->num_inputs > 2 && node->input[2] >= 0) {
        status = esp_translate_weights(t, node, 2, "bias", &c);
        if (status != ESP_OK) return status;
        const float *row = added_row(t->model, c, p.outputs);
        if (!row) return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "its third input is not one number per output");
        float *bias = esp_onnx_keep(t->model, (size_t)p.outputs, sizeof *bias);
        for (int i = 0; i < p.outputs; i++) bias[i] = beta * row[i];
        p.bias = bias;
    }
    status = esp_translate_check(t, node, "scaled weights", w->count, p.weight);
    if (status == ESP_OK && p.bias) status = esp_translate_check(t, node, "scaled bias", (size_t)p.outputs, p.bias);
    return status == ESP_OK ? add_dense(t, node, node, &p) : status;
}

/* ---- windows ---- */

/* Padding on two sides of one direction that keeps ceil(size / stride) places. */
static void same_padding(int size, int kernel, int stride, int dilation, bool upper, int *before, int *after)
{
    int places = (size + stride - 1) / stride, all = (places - 1) * stride + (kernel - 1) * dilation + 1 - size;
    if (all < 0) all = 0;
    *before = upper ? all / 2 : all - all / 2;
    *after = all - *before;
}

static esp_status window_list(const esp_translation *t, const esp_onnx_node *node, const char *name, int least,
                              int expected, int64_t otherwise, int *out)
{
    int count;
    const int64_t *list;
    esp_status status = esp_onnx_ints(t->model, node, name, &count, &list);
    if (status != ESP_OK) return status;
    if (list && count != expected)
        return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "%s has %d entries, expected %d", name, count, expected);
    for (int i = 0; i < expected; i++) {
        int64_t value = list ? list[i] : otherwise;
        if (value < least || value > ESP_ONNX_LONGEST)
            return esp_onnx_refuse(t->model, node, ESP_ERR_RANGE, "%s holds %lld", name, (long long)value);
        out[i] = (int)value;
    }
    return ESP_OK;
}

/* The window of a node in `dims` directions, 1 or 2, over an image; kernel [dims]. A missing second direction has one
 * column. */
static esp_status read_window(const esp_translation *t, const esp_onnx_node *node, int dims, const int *kernel,
                              esp_shape image, esp_window *out)
{
    int stride[2] = {1, 1}, dilation[2] = {1, 1}, pad[4] = {0};
    char automatic[16];
    esp_status status = window_list(t, node, "strides", 1, dims, 1, stride);
    if (status == ESP_OK) status = window_list(t, node, "dilations", 1, dims, 1, dilation);
    if (status == ESP_OK) status = window_list(t, node, "pads", 0, 2 * dims, 0, pad);
    if (status == ESP_OK) status = esp_onnx_text(t->model, node, "auto_pad", automatic, sizeof automatic);
    if (status != ESP_OK) return status;
    bool upper = strcmp(automatic, "SAME_UPPER") == 0, same = upper || strcmp(automatic, "SAME_LOWER") == 0;
    int sides[2] = {image.rows, image.cols};
    for (int d = 0; d < dims && same; d++)
        same_padding(sides[d], kernel[d], stride[d], dilation[d], upper, &pad[d], &pad[dims + d]);
    if (strcmp(automatic, "VALID") == 0) memset(pad, 0, sizeof pad);
    *out = (esp_window){.rows = kernel[0], .row_stride = stride[0], .top = pad[0], .bottom = pad[dims],
                        .row_dilation = dilation[0], .cols = 1, .col_stride = 1, .col_dilation = 1};
    if (dims == 1) return ESP_OK;
    out->cols = kernel[1];
    out->col_stride = stride[1];
    out->col_dilation = dilation[1];
    out->left = pad[1];
    out->right = pad[3];
    return ESP_OK;
}

/* ---- the output of a node that makes an image of an image ---- */

static esp_status output_image(esp_translation *t, const esp_onnx_node *node, const esp_onnx_value *x, int value)
{
    esp_status status = esp_graph_status(t->graph);
    if (status != ESP_OK) return status;
    esp_shape shape = esp_graph_shape(t->graph, value);
    int64_t dim[ESP_ONNX_RANK] = {x->dim[0], shape.channels, shape.rows, shape.cols};
    esp_translate_output(t, node, 0, value, x->rank, dim, x->batch);
    return ESP_OK;
}

esp_status esp_translate_conv(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_tensor *w;
    const esp_onnx_value *x;
    esp_conv_spec spec = {.module = NULL};
    int image, kernel[2] = {1, 1};
    int64_t groups;
    esp_status status = esp_translate_weights(t, node, 1, "weights", &w);
    if (status == ESP_OK) status = esp_translate_input(t, node, 0, &x);
    if (status == ESP_OK) status = esp_translate_image(t, node, 0, &image);
    if (status == ESP_OK) status = esp_onnx_int(t->model, node, "group", 1, &groups);
    if (status != ESP_OK) return status;
    esp_shape shape = esp_graph_shape(t->graph, image);
    bool fits = w->rank == x->rank && w->count > 0 && groups > 0 && shape.channels % groups == 0 &&
                w->dim[1] == shape.channels / groups && w->dim[0] % groups == 0 && w->dim[0] <= ESP_ONNX_LARGEST;
    for (int d = 2; d < w->rank; d++) {
        fits = fits && w->dim[d] <= ESP_ONNX_LONGEST;
        if (fits) kernel[d - 2] = (int)w->dim[d];
    }
    if (!fits) return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "its weights do not fit its input of %d channels",
                                      shape.channels);
    status = read_window(t, node, w->rank - 2, kernel, shape, &spec.window);
    spec.kernels = (int)w->dim[0];
    spec.groups = (int)groups;
    spec.weight = w->real;
    spec.no_bias = node->num_inputs < 3 || node->input[2] < 0;
    if (status == ESP_OK && !spec.no_bias) status = esp_translate_units(t, node, 2, "bias", spec.kernels, &spec.bias);
    if (status != ESP_OK) return status;
    spec.module = esp_translate_module(t, node, 1);
    return output_image(t, node, x, esp_graph_conv(t->graph, image, &spec));
}

/* ---- normalisations ---- */

/* What is added to the variance. The graph takes 0 for its default. */
static esp_status read_epsilon(const esp_translation *t, const esp_onnx_node *node, float *out)
{
    esp_status status = esp_onnx_real(t->model, node, "epsilon", 1e-5f, out);
    if (status != ESP_OK || (*out >= 0 && *out <= 1)) {
        if (*out == 0) *out = FLT_MIN;
        return status;
    }
    return esp_onnx_refuse(t->model, node, ESP_ERR_RANGE, "epsilon is %g, expected 0 to 1", (double)*out);
}

esp_status esp_translate_batchnorm(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    esp_norm_spec spec = {.module = NULL};
    int64_t training;
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status != ESP_OK) return status;
    int value = esp_translate_value(t, node, 0);
    if (!esp_translate_is_image(t, value) && x->rank > 2) status = esp_translate_image(t, node, 0, &value);
    if (status != ESP_OK) return status;
    int channels = esp_graph_shape(t->graph, value).channels;
    status = esp_onnx_int(t->model, node, "training_mode", 0, &training);
    if (status == ESP_OK) status = read_epsilon(t, node, &spec.eps);
    if (status == ESP_OK) status = esp_translate_units(t, node, 1, "scale", channels, &spec.gain);
    if (status == ESP_OK) status = esp_translate_units(t, node, 2, "bias", channels, &spec.offset);
    if (status == ESP_OK) status = esp_translate_units(t, node, 3, "mean", channels, &spec.mean);
    if (status == ESP_OK) status = esp_translate_units(t, node, 4, "variance", channels, &spec.var);
    if (status != ESP_OK) return status;
    if (training)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "it is in training mode; export for inference");
    for (int i = 0; i < channels; i++)
        if (spec.var[i] < 0) return esp_onnx_refuse(t->model, node, ESP_ERR_NUMERIC, "a variance is negative");
    spec.module = esp_translate_module(t, node, 1);
    esp_translate_output_like(t, node, esp_graph_batchnorm(t->graph, value, &spec), x);
    return esp_graph_status(t->graph);
}

esp_status esp_translate_layernorm(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    esp_norm_spec spec = {.module = NULL};
    int axis;
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status == ESP_OK) status = esp_onnx_axis(t->model, node, "axis", -1, x->rank, &axis);
    if (status == ESP_OK) status = read_epsilon(t, node, &spec.eps);
    if (status != ESP_OK) return status;
    int64_t before, behind;
    esp_translate_around(x, axis, &before, &behind);
    if (before != 1 || axis <= x->batch || esp_translate_is_image(t, esp_translate_value(t, node, 0)))
        return esp_onnx_refuse(t->model, node, ESP_ERR_SHAPE, "it must normalise all values of a sample together");
    int size = esp_graph_shape(t->graph, esp_translate_value(t, node, 0)).channels;
    status = esp_translate_units(t, node, 1, "scale", size, &spec.gain);
    if (status == ESP_OK && node->num_inputs > 2 && node->input[2] >= 0)
        status = esp_translate_units(t, node, 2, "bias", size, &spec.offset);
    if (status != ESP_OK) return status;
    spec.module = esp_translate_module(t, node, 1);
    esp_translate_output_like(t, node, esp_graph_layernorm(t->graph, esp_translate_value(t, node, 0), &spec), x);
    return esp_graph_status(t->graph);
}

/* ---- pooling ---- */

static esp_status no_ceiling(const esp_translation *t, const esp_onnx_node *node)
{
    int64_t ceiling, order;
    esp_status status = esp_onnx_int(t->model, node, "ceil_mode", 0, &ceiling);
    if (status == ESP_OK) status = esp_onnx_int(t->model, node, "storage_order", 0, &order);
    if (status != ESP_OK || !ceiling) return status;
    return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "ceil_mode is not supported");
}

esp_status esp_translate_pool(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    esp_window window;
    int image, kernel[2] = {1, 1};
    int64_t counts_padding;
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status == ESP_OK) status = esp_translate_image(t, node, 0, &image);
    if (status == ESP_OK) status = window_list(t, node, "kernel_shape", 1, x->rank - 2, 1, kernel);
    if (status == ESP_OK) status = read_window(t, node, x->rank - 2, kernel, esp_graph_shape(t->graph, image), &window);
    if (status == ESP_OK) status = esp_onnx_int(t->model, node, "count_include_pad", 0, &counts_padding);
    if (status == ESP_OK) status = no_ceiling(t, node);
    if (status != ESP_OK) return status;
    if (window.row_dilation != 1 || window.col_dilation != 1)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "dilations are not supported in pooling");
    bool largest = strcmp(node->op, "MaxPool") == 0;
    return output_image(t, node, x, largest ? esp_graph_max_pool(t->graph, image, &window)
                                            : esp_graph_average_pool(t->graph, image, &window, counts_padding != 0));
}

static esp_status pool_all(esp_translation *t, esp_onnx_node *node, bool largest, bool keep)
{
    const esp_onnx_value *x;
    int image;
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status == ESP_OK) status = esp_translate_image(t, node, 0, &image);
    if (status != ESP_OK) return status;
    esp_shape shape = esp_graph_shape(t->graph, image);
    int value = largest ? esp_graph_max_pool(t->graph, image, &(esp_window){.rows = shape.rows, .cols = shape.cols})
                        : esp_graph_global_average(t->graph, image);
    if (keep) return output_image(t, node, x, value);
    int64_t dim[ESP_ONNX_RANK] = {x->dim[0], shape.channels};
    esp_translate_output(t, node, 0, esp_graph_flatten(t->graph, value), 2, dim, x->batch);
    return esp_graph_status(t->graph);
}

esp_status esp_translate_global_pool(esp_translation *t, esp_onnx_node *node)
{
    return pool_all(t, node, strcmp(node->op, "GlobalMaxPool") == 0, true);
}

/* A mean over the sides of an image is pooling. */
esp_status esp_translate_mean(esp_translation *t, esp_onnx_node *node)
{
    const esp_onnx_value *x;
    bool set[ESP_ONNX_RANK], given;
    int64_t keep;
    esp_status status = esp_translate_input(t, node, 0, &x);
    if (status == ESP_OK) status = esp_onnx_int(t->model, node, "keepdims", 1, &keep);
    if (status == ESP_OK) status = esp_onnx_axes(t->model, node, x->rank, set, &given);
    if (status != ESP_OK) return status;
    bool sides = given && x->rank > 2 && !set[0] && !set[1];
    for (int d = 2; d < x->rank; d++) sides = sides && set[d];
    if (!sides)
        return esp_onnx_refuse(t->model, node, ESP_ERR_FORMAT, "a mean that is neither of a whole image nor part of a "
                               "LayerNormalization is not supported");
    return pool_all(t, node, false, keep != 0);
}
