/* Computes the nodes whose inputs are all constant, above all the shapes that exporters compute from the batch size:
 * Shape, Gather, Concat, Reshape. The number of samples is a symbol in them, ESP_ONNX_BATCH, which may be moved around
 * but not calculated with. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_internal.h"

/* One node that is computed. */
typedef struct {
    esp_onnx_model      *model;
    const esp_onnx_node *node;
    const esp_onnx_tensor *in[4]; /* inputs, NULL: left out */
    esp_onnx_tensor     *out;     /* the result; NULL: it cannot be computed */
} folding;

static esp_status make(folding *f, int type, int rank, const int64_t *dim)
{
    size_t count;
    esp_status status = esp_onnx_count(rank, dim, &count);
    if (status == ESP_OK && count > ESP_ONNX_FOLDED - f->model->folded)
        status = esp_fail(ESP_ERR_FORMAT, "its constants have more than %d elements together", ESP_ONNX_FOLDED);
    if (status != ESP_OK) return esp_onnx_refuse(f->model, f->node, status, "%s", esp_error_text());
    f->model->folded += count;
    f->out = esp_onnx_tensor_new(type, rank, dim);
    return ESP_OK;
}

static void copy_element(esp_onnx_tensor *to, size_t i, const esp_onnx_tensor *from, size_t k)
{
    if (to->real) to->real[i] = from->real[k];
    else to->whole[i] = from->whole[k];
}

/* The same elements with other dimensions. */
static esp_status same_elements(folding *f, int rank, const int64_t *dim)
{
    esp_status status = make(f, f->in[0]->type, rank, dim);
    if (status != ESP_OK) return status;
    for (size_t i = 0; i < f->out->count; i++) copy_element(f->out, i, f->in[0], i);
    return ESP_OK;
}

static esp_status fold_same(folding *f)
{
    return same_elements(f, f->in[0]->rank, f->in[0]->dim);
}

static esp_status fold_cast(folding *f)
{
    int64_t to;
    esp_status status = esp_onnx_int(f->model, f->node, "to", 1, &to);
    const esp_onnx_tensor *in = f->in[0];
    if (status == ESP_OK) status = make(f, (int)to, in->rank, in->dim);
    if (status != ESP_OK) return status;
    for (size_t i = 0; i < in->count; i++) {
        if (f->out->real) f->out->real[i] = in->real ? in->real[i] : (float)in->whole[i];
        else if (f->out->whole && in->whole) f->out->whole[i] = in->whole[i];
        else if (f->out->whole && fabsf(in->real[i]) < 9e18f) f->out->whole[i] = (int64_t)in->real[i];
    }
    return ESP_OK;
}

/* ---- dimensions ---- */

static esp_status fold_reshape(folding *f)
{
    int64_t dim[ESP_ONNX_RANK];
    int rank;
    esp_status status = esp_onnx_reshape(f->model, f->node, f->in[0]->rank, f->in[0]->dim, &rank, dim);
    return status == ESP_OK ? same_elements(f, rank, dim) : status;
}

static esp_status fold_transpose(folding *f)
{
    const esp_onnx_tensor *in = f->in[0];
    int order[ESP_ONNX_RANK];
    int64_t dim[ESP_ONNX_RANK];
    size_t stride[ESP_ONNX_RANK], step[ESP_ONNX_RANK], each = 1;
    esp_status status = esp_onnx_order(f->model, f->node, in->rank, order);
    if (status != ESP_OK) return status;
    for (int d = in->rank - 1; d >= 0; d--) {
        stride[d] = each;
        each *= (size_t)in->dim[d];
    }
    for (int d = 0; d < in->rank; d++) {
        dim[d] = in->dim[order[d]];
        step[d] = stride[order[d]];
    }
    status = make(f, in->type, in->rank, dim);
    for (size_t i = 0; status == ESP_OK && i < f->out->count; i++) {
        size_t rest = i, from = 0;
        for (int d = in->rank - 1; d >= 0; d--) {
            from += rest % (size_t)dim[d] * step[d];
            rest /= (size_t)dim[d];
        }
        copy_element(f->out, i, in, from);
    }
    return status;
}

/* ---- parts ---- */

static esp_status fold_concat(folding *f)
{
    const esp_onnx_model *model = f->model;
    const esp_onnx_tensor *first = f->in[0];
    int axis;
    int64_t dim[ESP_ONNX_RANK];
    esp_status status = esp_onnx_axis(model, f->node, "axis", 0, first->rank, &axis);
    if (status != ESP_OK) return status;
    memcpy(dim, first->dim, sizeof dim);
    dim[axis] = 0;
    for (int k = 0; k < f->node->num_inputs; k++) {
        const esp_onnx_tensor *part = esp_onnx_constant(model, f->node, k);
        bool fits = part && part->rank == first->rank && !part->real == !first->real;
        for (int d = 0; fits && d < part->rank; d++) fits = d == axis || part->dim[d] == dim[d];
        if (!fits) return esp_onnx_refuse(model, f->node, ESP_ERR_SHAPE, "its inputs do not fit together");
        dim[axis] += part->dim[axis];
    }
    status = make(f, first->type, first->rank, dim);
    if (status != ESP_OK) return status;
    size_t outer = 1, inner = 1, at = 0;
    for (int d = 0; d < axis; d++) outer *= (size_t)dim[d];
    for (int d = axis + 1; d < first->rank; d++) inner *= (size_t)dim[d];
    for (size_t o = 0; o < outer; o++) {
        for (int k = 0; k < f->node->num_inputs; k++) {
            const esp_onnx_tensor *part = esp_onnx_constant(model, f->node, k);
            size_t length = (size_t)part->dim[axis] * inner;
            for (size_t i = 0; i < length; i++) copy_element(f->out, at++, part, o * length + i);
        }
    }
    return ESP_OK;
}

/* Takes the entries `pick` [n] along an axis; `rank` and `dim` are those of the result. */
static esp_status take(folding *f, int axis, size_t n, const int64_t *pick, int rank, const int64_t *dim)
{
    const esp_onnx_tensor *in = f->in[0];
    size_t outer = 1, inner = 1, at = 0;
    esp_status status = make(f, in->type, rank, dim);
    if (status != ESP_OK) return status;
    for (int d = 0; d < axis; d++) outer *= (size_t)in->dim[d];
    for (int d = axis + 1; d < in->rank; d++) inner *= (size_t)in->dim[d];
    for (size_t o = 0; o < outer; o++)
        for (size_t k = 0; k < n; k++)
            for (size_t i = 0; i < inner; i++)
                copy_element(f->out, at++, in, (o * (size_t)in->dim[axis] + (size_t)pick[k]) * inner + i);
    return ESP_OK;
}

static esp_status fold_gather(folding *f)
{
    const esp_onnx_tensor *in = f->in[0], *index = f->in[1];
    int axis, rank = 0;
    esp_status status = esp_onnx_axis(f->model, f->node, "axis", 0, in->rank, &axis);
    if (status != ESP_OK) return status;
    if (!index || !index->whole || in->rank - 1 + index->rank > ESP_ONNX_RANK) return ESP_OK;
    int64_t dim[2 * ESP_ONNX_RANK], *pick = esp_alloc(index->count, sizeof *pick);
    for (int d = 0; d < axis; d++) dim[rank++] = in->dim[d];
    for (int d = 0; d < index->rank; d++) dim[rank++] = index->dim[d];
    for (int d = axis + 1; d < in->rank; d++) dim[rank++] = in->dim[d];
    for (size_t i = 0; i < index->count && status == ESP_OK; i++) {
        pick[i] = index->whole[i] < 0 && index->whole[i] != ESP_ONNX_BATCH ? index->whole[i] + in->dim[axis]
                                                                          : index->whole[i];
        if (pick[i] < 0 || pick[i] >= in->dim[axis])
            status = esp_onnx_refuse(f->model, f->node, ESP_ERR_SHAPE, "an index is outside its input");
    }
    if (status == ESP_OK) status = take(f, axis, index->count, pick, rank, dim);
    free(pick);
    return status;
}

static esp_status fold_slice(folding *f)
{
    const esp_onnx_tensor *in = f->in[0];
    int axis;
    esp_onnx_stretch stretch;
    esp_status status = esp_onnx_slice(f->model, f->node, in->rank, in->dim, &axis, &stretch);
    if (status != ESP_OK) return status;
    int64_t dim[ESP_ONNX_RANK], *pick = esp_alloc((size_t)stretch.count, sizeof *pick);
    memcpy(dim, in->dim, sizeof dim);
    dim[axis] = stretch.count;
    for (int64_t i = 0; i < stretch.count; i++) pick[i] = stretch.first + i * stretch.step;
    status = take(f, axis, (size_t)stretch.count, pick, in->rank, dim);
    free(pick);
    return status;
}

/* ---- arithmetic ---- */

/* False: the result cannot be known. */
static bool whole_of(const char *op, int64_t a, int64_t b, int64_t *out)
{
    bool open = a == ESP_ONNX_BATCH || b == ESP_ONNX_BATCH;
    if (strcmp(op, "Mul") == 0 && open) {
        *out = ESP_ONNX_BATCH;
        return a == 1 || b == 1;
    }
    if (strcmp(op, "Equal") == 0 && open) { /* a number of samples is positive */
        *out = a == b;
        return a == b || (a == ESP_ONNX_BATCH ? b : a) < 1;
    }
    if (open) return false;
    if (strcmp(op, "Equal") == 0) return *out = a == b, true;
    if (strcmp(op, "Add") == 0) return !__builtin_add_overflow(a, b, out);
    if (strcmp(op, "Sub") == 0) return !__builtin_sub_overflow(a, b, out);
    if (strcmp(op, "Mul") == 0) return !__builtin_mul_overflow(a, b, out);
    if (strcmp(op, "Min") == 0) return *out = a < b ? a : b, true;
    if (strcmp(op, "Max") == 0) return *out = a > b ? a : b, true;
    if (strcmp(op, "Div") != 0 || b == 0 || (b == -1 && a == INT64_MIN)) return false;
    *out = a / b;
    return true;
}

static bool real_of(const char *op, float a, float b, float *out)
{
    if (strcmp(op, "Add") == 0) *out = a + b;
    else if (strcmp(op, "Sub") == 0) *out = a - b;
    else if (strcmp(op, "Mul") == 0) *out = a * b;
    else if (strcmp(op, "Div") == 0) *out = a / b;
    else if (strcmp(op, "Pow") == 0) *out = powf(a, b);
    else if (strcmp(op, "Min") == 0) *out = fminf(a, b);
    else if (strcmp(op, "Max") == 0) *out = fmaxf(a, b);
    else return false;
    return true;
}

/* Element of a tensor that is broadcast to the dimensions of another. */
static size_t broadcast_index(const esp_onnx_tensor *tensor, const esp_onnx_tensor *to, size_t i)
{
    size_t index = 0, each = 1;
    for (int d = to->rank - 1, e = tensor->rank - 1; e >= 0; d--, e--) {
        size_t place = i % (size_t)to->dim[d];
        i /= (size_t)to->dim[d];
        if (tensor->dim[e] > 1) index += place * each;
        each *= (size_t)tensor->dim[e];
    }
    return index;
}

static void give_up(folding *f)
{
    esp_onnx_tensor_free(f->out);
    f->out = NULL;
}

static esp_status fold_binary(folding *f)
{
    const esp_onnx_tensor *a = f->in[0], *b = f->in[1];
    int rank;
    int64_t dim[ESP_ONNX_RANK];
    if (!b || !a->real != !b->real) return ESP_OK;
    esp_status status = esp_onnx_broadcast(f->model, f->node, a->rank, a->dim, b->rank, b->dim, &rank, dim);
    bool compares = strcmp(f->node->op, "Equal") == 0;
    if (status == ESP_OK && compares && a->real) return ESP_OK;
    if (status == ESP_OK) status = make(f, compares ? ONNX__TENSOR_PROTO__DATA_TYPE__BOOL : a->type, rank, dim);
    if (status != ESP_OK) return status;
    bool known = true;
    for (size_t i = 0; i < f->out->count && known; i++) {
        size_t k = broadcast_index(a, f->out, i), l = broadcast_index(b, f->out, i);
        known = f->out->real ? real_of(f->node->op, a->real[k], b->real[l], &f->out->real[i])
                             : whole_of(f->node->op, a->whole[k], b->whole[l], &f->out->whole[i]);
    }
    if (!known) give_up(f);
    return ESP_OK;
}

static esp_status fold_unary(folding *f)
{
    const esp_onnx_tensor *in = f->in[0];
    const char *op = f->node->op;
    if (!in->real) return ESP_OK;
    esp_status status = make(f, in->type, in->rank, in->dim);
    if (status != ESP_OK) return status;
    for (size_t i = 0; i < in->count; i++) {
        float x = in->real[i];
        f->out->real[i] = strcmp(op, "Neg") == 0 ? -x : strcmp(op, "Sqrt") == 0 ? sqrtf(x)
                        : strcmp(op, "Exp") == 0 ? expf(x) : 1 / x;
    }
    return ESP_OK;
}

static esp_status fold_where(folding *f)
{
    const esp_onnx_tensor *c = f->in[0], *a = f->in[1], *b = f->in[2];
    int rank;
    int64_t dim[ESP_ONNX_RANK];
    if (!a || !b || !c->whole || !a->real != !b->real) return ESP_OK;
    esp_status status = esp_onnx_broadcast(f->model, f->node, a->rank, a->dim, b->rank, b->dim, &rank, dim);
    if (status == ESP_OK)
        status = esp_onnx_broadcast(f->model, f->node, rank, (int64_t[ESP_ONNX_RANK]){dim[0], dim[1], dim[2], dim[3],
                                    dim[4], dim[5], dim[6], dim[7]}, c->rank, c->dim, &rank, dim);
    if (status == ESP_OK) status = make(f, a->type, rank, dim);
    for (size_t i = 0; status == ESP_OK && i < f->out->count; i++) {
        const esp_onnx_tensor *from = c->whole[broadcast_index(c, f->out, i)] ? a : b;
        copy_element(f->out, i, from, broadcast_index(from, f->out, i));
    }
    return status;
}

static esp_status fold_constant_of_shape(folding *f)
{
    const Onnx__AttributeProto *value = esp_onnx_attribute(f->node, "value");
    esp_onnx_tensor *fill = NULL;
    const esp_onnx_tensor *shape = f->in[0];
    if (!shape->whole || shape->count > ESP_ONNX_RANK) return ESP_OK;
    for (size_t i = 0; i < shape->count; i++)
        if (shape->whole[i] < 0) return ESP_OK; /* depends on the number of samples */
    esp_status status = ESP_OK;
    if (value && value->t) status = esp_onnx_tensor_read(value->t, NULL, &fill);
    if (status != ESP_OK) return esp_onnx_refuse(f->model, f->node, status, "its value: %s", esp_error_text());
    int type = fill ? fill->type : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    status = make(f, type, (int)shape->count, shape->whole);
    if (status == ESP_OK && fill && fill->count == 1 && (fill->real || fill->whole))
        for (size_t i = 0; i < f->out->count; i++) copy_element(f->out, i, fill, 0);
    esp_onnx_tensor_free(fill);
    return status;
}

static esp_status fold_reduce_prod(folding *f)
{
    const esp_onnx_tensor *in = f->in[0];
    if (!in->whole || in->rank > 1) return ESP_OK;
    int64_t product = 1, keep;
    for (size_t i = 0; i < in->count; i++)
        if (!whole_of("Mul", product, in->whole[i], &product)) return ESP_OK;
    esp_status status = esp_onnx_int(f->model, f->node, "keepdims", 1, &keep);
    if (status == ESP_OK) status = make(f, in->type, keep && in->rank ? 1 : 0, (int64_t[]){1});
    if (status == ESP_OK) f->out->whole[0] = product;
    return status;
}

/* ---- constants written as nodes ---- */

static esp_status numbers(folding *f, const Onnx__AttributeProto *a)
{
    bool real = a->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT ||
                a->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
    bool one = a->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT ||
               a->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    int64_t count = (int64_t)(real ? a->n_floats : a->n_ints);
    esp_status status = make(f, real ? ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT : ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
                             one ? 0 : 1, &count);
    for (size_t i = 0; status == ESP_OK && i < f->out->count; i++) {
        if (real) f->out->real[i] = one ? a->f : a->floats[i];
        else f->out->whole[i] = one ? a->i : a->ints[i];
    }
    return status;
}

static esp_status fold_constant(folding *f)
{
    const esp_onnx_model *model = f->model;
    if (f->node->proto->n_attribute != 1)
        return esp_onnx_refuse(model, f->node, ESP_ERR_FORMAT, "it has %zu values, expected 1",
                               f->node->proto->n_attribute);
    const Onnx__AttributeProto *a = f->node->proto->attribute[0];
    switch (a->type) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT: case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT: case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
        return numbers(f, a);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR: break;
    default: return esp_onnx_refuse(model, f->node, ESP_ERR_FORMAT, "a constant of this type is not supported");
    }
    esp_status status = a->t ? esp_onnx_tensor_read(a->t, model->folder, &f->out)
                             : esp_fail(ESP_ERR_FORMAT, "it is empty");
    return status == ESP_OK ? ESP_OK : esp_onnx_refuse(model, f->node, status, "%s", esp_error_text());
}

/* ---- all ---- */

static const struct {
    const char *op;
    esp_status (*fold)(folding *f);
} folds[] = {
    {"Identity", fold_same},   {"Dropout", fold_same},        {"Cast", fold_cast},
    {"Reshape", fold_reshape}, {"Squeeze", fold_reshape},     {"Unsqueeze", fold_reshape}, {"Flatten", fold_reshape},
    {"Transpose", fold_transpose}, {"Concat", fold_concat},   {"Gather", fold_gather},     {"Slice", fold_slice},
    {"Add", fold_binary},      {"Sub", fold_binary},          {"Mul", fold_binary},        {"Div", fold_binary},
    {"Pow", fold_binary},      {"Min", fold_binary},          {"Max", fold_binary},        {"Equal", fold_binary},
    {"Neg", fold_unary},       {"Sqrt", fold_unary},          {"Reciprocal", fold_unary},  {"Exp", fold_unary},
    {"Where", fold_where},     {"ConstantOfShape", fold_constant_of_shape}, {"ReduceProd", fold_reduce_prod},
};

static bool inputs_known(const esp_onnx_model *model, const esp_onnx_node *node)
{
    for (int k = 0; k < node->num_inputs; k++) {
        const esp_onnx_tensor *constant = esp_onnx_constant(model, node, k);
        if (node->input[k] >= 0 && (!constant || (!constant->real && !constant->whole))) return false;
    }
    return node->num_inputs > 0 && node->input[0] >= 0;
}

static esp_status fold_shape(folding *f)
{
    const esp_onnx_value *in = &f->model->value[f->node->input[0]];
    int64_t first, end, count;
    int rank = in->constant ? in->constant->rank : in->rank;
    const int64_t *dim = in->constant ? in->constant->dim : in->dim;
    if (!in->constant && !in->shaped) return ESP_OK;
    esp_status status = esp_onnx_int(f->model, f->node, "start", 0, &first);
    if (status == ESP_OK) status = esp_onnx_int(f->model, f->node, "end", rank, &end);
    if (status != ESP_OK) return status;
    if (first < 0) first += rank;
    if (end < 0) end += rank;
    if (end > rank) end = rank;
    if (first < 0 || end < first)
        return esp_onnx_refuse(f->model, f->node, ESP_ERR_SHAPE, "its start and end do not fit its input");
    count = end - first;
    status = make(f, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, &count);
    for (int64_t i = 0; status == ESP_OK && i < count; i++) f->out->whole[i] = dim[first + i];
    return status;
}

static esp_status compute(folding *f)
{
    const esp_onnx_node *node = f->node;
    if (strcmp(node->op, "Constant") == 0) return fold_constant(f);
    if (strcmp(node->op, "Shape") == 0) return node->num_inputs == 1 && node->input[0] >= 0 ? fold_shape(f) : ESP_OK;
    if (!inputs_known(f->model, node)) return ESP_OK;
    for (int k = 0; k < node->num_inputs && k < 4; k++) f->in[k] = esp_onnx_constant(f->model, node, k);
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
        if (strcmp(folds[i].op, node->op) == 0) return folds[i].fold(f);
    return ESP_OK;
}

esp_status esp_onnx_fold(esp_onnx_model *model, esp_onnx_node *node)
{
    folding f = {.model = model, .node = node};
    if (node->covered || node->num_outputs < 1 || node->output[0] < 0) return ESP_OK;
    esp_status status = compute(&f);
    if (status != ESP_OK) give_up(&f);
    if (!f.out) return status;
    model->value[node->output[0]].constant = f.out;
    node->covered = true;
    return ESP_OK;
}
