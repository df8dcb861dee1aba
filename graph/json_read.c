/* A network from JSON that may come from a stranger: every number is checked for type and range here, and everything
 * that has to fit together by the builder. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/json_internal.h"

enum {
    MOST_NODES = 4096,  /* per component: more than layers, since outputs decide which nodes become layers */
    MOST_SIZE = 1 << 24,
    MOST_TIES = 1 << 16
};

/* A graph while it is read. */
typedef struct {
    const char *source;
    esp_graph  *graph;
    int         num_components;
    int         num_values[ESP_MAX_COMPONENTS];
    int        *value[ESP_MAX_COMPONENTS];   /* values of the graph by number; owned */
    int        *product[ESP_MAX_COMPONENTS]; /* the same without the activation of their node; owned */
    int         num_inputs[ESP_MAX_COMPONENTS], num_outputs[ESP_MAX_COMPONENTS];
    int         output[ESP_MAX_COMPONENTS][ESP_MAX_PORTS];
    const char *where; /* the node that is being read, for messages */
} reader;

static esp_status wrong(const reader *r, const char *key, const char *expected)
{
    return esp_fail(ESP_ERR_FORMAT, "%s: graph: '%.60s': %s: expected %s", r->source, r->where, key, expected);
}

/* ---- numbers, texts, lists ---- */

static bool is_whole(const cJSON *item, double least, double most, int *out)
{
    if (!cJSON_IsNumber(item)) return false;
    double number = item->valuedouble;
    if (!(number >= least && number <= most) || number != floor(number)) return false;
    *out = (int)number;
    return true;
}

static esp_status read_int(const reader *r, const cJSON *json, const char *key, int least, int most, int *out)
{
    if (is_whole(cJSON_GetObjectItemCaseSensitive(json, key), least, most, out)) return ESP_OK;
    char expected[64];
    snprintf(expected, sizeof expected, "a whole number from %d to %d", least, most);
    return wrong(r, key, expected);
}

/* A list of at most `most` whole numbers; *count is how many there are. */
static esp_status read_ints(const reader *r, const cJSON *json, const char *key, int most, int least, int largest,
                            int *out, int *count)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, key), *item;
    *count = 0;
    if (!cJSON_IsArray(list)) return wrong(r, key, "a list of numbers");
    cJSON_ArrayForEach(item, list) {
        if (*count == most || !is_whole(item, least, largest, &out[*count]))
            return wrong(r, key, *count == most ? "fewer numbers" : "whole numbers within their range");
        ++*count;
    }
    return ESP_OK;
}

static esp_status read_float(const reader *r, const cJSON *json, const char *key, float *out)
{
    double number = esp_json_number(json, key);
    if (!(fabs(number) <= 1e30)) return wrong(r, key, "a number");
    *out = (float)number;
    return ESP_OK;
}

static esp_status read_bool(const reader *r, const cJSON *json, const char *key, bool *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (!cJSON_IsBool(item)) return wrong(r, key, "true or false");
    *out = cJSON_IsTrue(item);
    return ESP_OK;
}

static esp_status read_name(const reader *r, const cJSON *json, const char **out)
{
    *out = esp_json_text(json, "name");
    return *out ? ESP_OK : wrong(r, "name", "a text");
}

/* ---- nodes ---- */

typedef struct {
    const char     *name;
    esp_layer_kind  kind;
    int             num_inputs, input[ESP_MAX_INPUTS]; /* values of the graph */
    const cJSON    *json;
} node;

static esp_status read_window(const reader *r, const cJSON *json, esp_window *out)
{
    enum { MOST = 4096 };
    int n[ESP_WINDOW_NUMBERS], count;
    esp_status status = read_ints(r, json, "window", ESP_WINDOW_NUMBERS, 0, MOST, n, &count);
    if (status == ESP_OK && count != ESP_WINDOW_NUMBERS) status = wrong(r, "window", "10 numbers");
    if (status == ESP_OK) *out = (esp_window){n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9]};
    return status;
}

/* The value of `like`: a dense layer or convolution whose weights are used again. */
static esp_status read_again(const reader *r, int component, const node *n, int *value)
{
    int like;
    esp_status status = read_int(r, n->json, "like", 0, r->num_values[component] - 1, &like);
    if (status == ESP_OK) *value = esp_graph_again(r->graph, n->input[0], r->product[component][like]);
    return status;
}

static esp_status read_product(const reader *r, int component, const node *n, int *value)
{
    if (cJSON_HasObjectItem(n->json, "like")) return read_again(r, component, n, value);
    int outputs = 0, groups = 1;
    bool bias = true, conv = n->kind == ESP_LAYER_CONV2D;
    esp_window window = {0};
    esp_status status = read_int(r, n->json, "outputs", 1, MOST_SIZE, &outputs);
    if (status == ESP_OK) status = read_bool(r, n->json, "bias", &bias);
    if (status == ESP_OK && conv) status = read_int(r, n->json, "groups", 1, MOST_SIZE, &groups);
    if (status == ESP_OK && conv) status = read_window(r, n->json, &window);
    if (status != ESP_OK) return status;
    *value = conv ? esp_graph_conv(r->graph, n->input[0],
                                   &(esp_conv_spec){.module = n->name, .kernels = outputs, .groups = groups,
                                                    .window = window, .no_bias = !bias})
                  : esp_graph_dense(r->graph, n->input[0], &(esp_dense_spec){.module = n->name, .outputs = outputs,
                                                                            .no_bias = !bias});
    return ESP_OK;
}

static esp_status read_norm(const reader *r, const node *n, int *value)
{
    esp_norm_spec spec = {.module = n->name};
    esp_status status = read_float(r, n->json, "eps", &spec.eps);
    if (status != ESP_OK) return status;
    *value = n->kind == ESP_LAYER_LAYERNORM ? esp_graph_layernorm(r->graph, n->input[0], &spec)
                                            : esp_graph_batchnorm(r->graph, n->input[0], &spec);
    return ESP_OK;
}

static esp_status read_activation(const reader *r, const node *n, int *value)
{
    float alpha = 1, beta = 0;
    int act = esp_json_choice(n->json, "act", ESP_ACT_CHOICES);
    if (act <= 0) return wrong(r, "act", ESP_ACT_CHOICES);
    esp_status status = read_float(r, n->json, "alpha", &alpha);
    if (status == ESP_OK) status = read_float(r, n->json, "beta", &beta);
    if (status == ESP_OK) *value = esp_graph_act_with(r->graph, n->input[0], (esp_act)act, alpha, beta);
    return status;
}

/* The constants are in tensors; here are zeros in their place. */
static esp_status read_scale(const reader *r, const node *n, int *value)
{
    bool scale = false, shift = false;
    esp_status status = read_bool(r, n->json, "scale", &scale);
    if (status == ESP_OK) status = read_bool(r, n->json, "shift", &shift);
    if (status != ESP_OK) return status;
    float *zeros = esp_alloc((size_t)esp_graph_shape(r->graph, n->input[0]).channels + 1, sizeof *zeros);
    *value = esp_graph_scale(r->graph, n->input[0], n->name, scale ? zeros : NULL, shift ? zeros : NULL);
    free(zeros);
    return ESP_OK;
}

static esp_status read_slice(const reader *r, const node *n, int *value)
{
    int first = 0, count = 0;
    esp_status status = read_int(r, n->json, "first", 0, MOST_SIZE, &first);
    if (status == ESP_OK) status = read_int(r, n->json, "count", 1, MOST_SIZE, &count);
    if (status == ESP_OK) *value = esp_graph_slice(r->graph, n->input[0], first, count);
    return status;
}

static esp_status read_shape(const reader *r, const cJSON *json, esp_shape *out)
{
    int numbers[3] = {0}, count;
    esp_status status = read_ints(r, json, "shape", 3, 1, MOST_SIZE, numbers, &count);
    if (status == ESP_OK && count != 1 && count != 3) status = wrong(r, "shape", "1 or 3 numbers");
    if (status == ESP_OK) *out = (esp_shape){numbers[0], numbers[1], numbers[2]};
    return status;
}

static esp_status read_unflatten(const reader *r, const node *n, int *value)
{
    esp_shape shape;
    esp_status status = read_shape(r, n->json, &shape);
    if (status == ESP_OK)
        *value = esp_graph_unflatten(r->graph, n->input[0], shape.channels, shape.rows, shape.cols);
    return status;
}

static esp_status read_pool(const reader *r, const node *n, int *value)
{
    esp_window window;
    bool counts_padding = false;
    esp_status status = read_window(r, n->json, &window);
    if (status == ESP_OK) status = read_bool(r, n->json, "counts_padding", &counts_padding);
    if (status != ESP_OK) return status;
    *value = n->kind == ESP_LAYER_MAXPOOL ? esp_graph_max_pool(r->graph, n->input[0], &window)
                                          : esp_graph_average_pool(r->graph, n->input[0], &window, counts_padding);
    return ESP_OK;
}

static esp_status add_node(const reader *r, int component, const node *n, int *value)
{
    switch (n->kind) {
    case ESP_LAYER_DENSE:
    case ESP_LAYER_CONV2D:    return read_product(r, component, n, value);
    case ESP_LAYER_LAYERNORM:
    case ESP_LAYER_BATCHNORM: return read_norm(r, n, value);
    case ESP_LAYER_ACT:       return read_activation(r, n, value);
    case ESP_LAYER_SCALE:     return read_scale(r, n, value);
    case ESP_LAYER_SLICE:     return read_slice(r, n, value);
    case ESP_LAYER_UNFLATTEN: return read_unflatten(r, n, value);
    case ESP_LAYER_MAXPOOL:
    case ESP_LAYER_AVGPOOL:   return read_pool(r, n, value);
    case ESP_LAYER_FLATTEN:
        *value = esp_graph_flatten(r->graph, n->input[0]);
        return ESP_OK;
    case ESP_LAYER_CONCAT:
        *value = esp_graph_concat(r->graph, n->num_inputs, n->input);
        return ESP_OK;
    default:
        *value = esp_graph_combine(r->graph, n->kind, n->input[0], n->input[1]);
        return ESP_OK;
    }
}

static esp_status read_inputs(const reader *r, int component, node *n)
{
    esp_status status = read_ints(r, n->json, "in", ESP_MAX_INPUTS, 0, r->num_values[component] - 1, n->input,
                                  &n->num_inputs);
    bool two = n->kind >= ESP_LAYER_ADD && n->kind <= ESP_LAYER_DIV, many = n->kind == ESP_LAYER_CONCAT;
    if (status == ESP_OK && (many ? n->num_inputs < 1 : n->num_inputs != (two ? 2 : 1)))
        status = wrong(r, "in", two ? "two values" : "one value");
    for (int k = 0; k < n->num_inputs && status == ESP_OK; k++) n->input[k] = r->value[component][n->input[k]];
    return status;
}

/* A node, and the activation behind it. */
static esp_status read_node(reader *r, int component, const cJSON *json, int *value)
{
    node n = {.json = json};
    r->where = "a node";
    esp_status status = read_name(r, json, &n.name);
    if (status != ESP_OK) return status;
    r->where = n.name;
    int kind = esp_json_choice(json, "op", ESP_OP_CHOICES), act = ESP_ACT_NONE;
    if (kind <= ESP_LAYER_IMAGE) return wrong(r, "op", ESP_OP_CHOICES);
    n.kind = (esp_layer_kind)kind;
    status = read_inputs(r, component, &n);
    if (status == ESP_OK) status = add_node(r, component, &n, value);
    if (status == ESP_OK) status = esp_graph_status(r->graph);
    if (status != ESP_OK) return status;
    bool named = n.kind != ESP_LAYER_DENSE && n.kind != ESP_LAYER_CONV2D;
    r->product[component][r->num_values[component]] = *value;
    if (named && *value != n.input[0]) esp_graph_call(r->graph, *value, n.name);
    if (n.kind == ESP_LAYER_ACT || !cJSON_HasObjectItem(json, "act")) return ESP_OK;
    act = esp_json_choice(json, "act", ESP_ACT_CHOICES);
    if (act <= 0 || !esp_act_fuses((esp_act)act)) return wrong(r, "act", "relu, elu, tanh or sigmoid");
    *value = esp_graph_act(r->graph, *value, (esp_act)act);
    return ESP_OK;
}

/* ---- components ---- */

static int count_of(const cJSON *json, const char *key)
{
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, key));
}

static esp_status read_input(reader *r, const cJSON *json, int *value)
{
    const char *name;
    esp_shape shape = {0, 0, 0};
    r->where = "an input";
    esp_status status = read_name(r, json, &name);
    if (status == ESP_OK) status = read_shape(r, json, &shape);
    if (status != ESP_OK) return status;
    bool bytes = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "bytes"));
    if (bytes && !shape.rows) return wrong(r, "shape", "3 numbers");
    *value = bytes        ? esp_graph_input_bytes(r->graph, name, shape.channels, shape.rows, shape.cols)
             : shape.rows ? esp_graph_input_image(r->graph, name, shape.channels, shape.rows, shape.cols)
                          : esp_graph_input(r->graph, name, shape.channels);
    return esp_graph_status(r->graph);
}

static esp_status read_outputs(reader *r, int c, const cJSON *json)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "outputs")) {
        const char *name;
        int value;
        r->where = "an output";
        esp_status status = read_name(r, item, &name);
        if (status == ESP_OK) status = read_int(r, item, "value", 0, r->num_values[c] - 1, &value);
        if (status != ESP_OK) return status;
        esp_graph_output(r->graph, name, r->value[c][value]);
        status = esp_graph_status(r->graph);
        if (status != ESP_OK) return status;
        r->output[c][r->num_outputs[c]++] = r->value[c][value];
    }
    return ESP_OK;
}

static esp_status read_component(reader *r, const cJSON *json)
{
    int c = r->num_components, inputs = count_of(json, "inputs"), nodes = count_of(json, "nodes");
    const char *name;
    const cJSON *item;
    r->where = "a component";
    esp_status status = read_name(r, json, &name);
    if (status == ESP_OK && (inputs > ESP_MAX_PORTS || nodes > MOST_NODES))
        status = wrong(r, "inputs, nodes", "fewer of them");
    if (status != ESP_OK) return status;
    esp_graph_component(r->graph, name);
    status = esp_graph_status(r->graph);
    if (status != ESP_OK) return status;
    r->num_components++;
    r->num_inputs[c] = inputs;
    r->value[c] = esp_alloc((size_t)(inputs + nodes) + 1, sizeof *r->value[c]);
    r->product[c] = esp_alloc((size_t)(inputs + nodes) + 1, sizeof *r->product[c]);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "inputs")) {
        int *value = &r->value[c][r->num_values[c]];
        status = read_input(r, item, value);
        if (status != ESP_OK) return status;
        r->product[c][r->num_values[c]++] = *value;
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "nodes")) {
        status = read_node(r, c, item, &r->value[c][r->num_values[c]]);
        if (status != ESP_OK) return status;
        r->num_values[c]++;
    }
    return read_outputs(r, c, json);
}

static esp_status read_components(reader *r, const cJSON *json)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "components"), *item;
    esp_status status = ESP_OK;
    if (!cJSON_IsArray(list) || !list->child) return wrong(r, "components", "a list");
    cJSON_ArrayForEach(item, list) {
        status = read_component(r, item);
        if (status != ESP_OK) break;
    }
    return status;
}

/* ---- ties and names ---- */

/* component, whether it is an output, its number, and a unit of it. */
static esp_status read_place(const reader *r, const cJSON *json, const char *key, int *value, int *first)
{
    int n[4], count;
    esp_status status = read_ints(r, json, key, 4, 0, MOST_SIZE, n, &count);
    if (status != ESP_OK) return status;
    bool known = count == 4 && n[0] < r->num_components && n[1] < 2 &&
                 n[2] < (n[1] ? r->num_outputs[n[0]] : r->num_inputs[n[0]]);
    if (!known) return wrong(r, key, "component, 0 or 1 for an output, number, unit");
    *value = n[1] ? r->output[n[0]][n[2]] : r->value[n[0]][n[2]];
    *first = n[3];
    return ESP_OK;
}

static esp_status read_ties(reader *r, const cJSON *json)
{
    const cJSON *item;
    r->where = "ties";
    if (count_of(json, "ties") > MOST_TIES) return wrong(r, "ties", "fewer of them");
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "ties")) {
        int a, b, a_first, b_first, count = 0;
        bool wired = false;
        esp_status status = read_place(r, item, "a", &a, &a_first);
        if (status == ESP_OK) status = read_place(r, item, "b", &b, &b_first);
        if (status == ESP_OK) status = read_int(r, item, "count", 1, MOST_SIZE, &count);
        if (status == ESP_OK) status = read_bool(r, item, "wired", &wired);
        if (status != ESP_OK) return status;
        if (wired) esp_graph_wire(r->graph, a, a_first, b, b_first, count);
        else       esp_graph_tie(r->graph, a, a_first, b, b_first, count);
    }
    return esp_graph_status(r->graph);
}

static esp_status read_axes(reader *r, const cJSON *json)
{
    const cJSON *item;
    r->where = "axes";
    if (count_of(json, "axes") > ESP_MAX_AXES) return wrong(r, "axes", "fewer of them");
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "axes")) {
        const char *name;
        int component = 0, value = 0, first = 0;
        esp_status status = read_name(r, item, &name);
        if (status == ESP_OK) status = read_int(r, item, "component", 0, r->num_components - 1, &component);
        if (status == ESP_OK) status = read_int(r, item, "value", 0, r->num_values[component] - 1, &value);
        if (status == ESP_OK) status = read_int(r, item, "first", 0, MOST_SIZE, &first);
        if (status != ESP_OK) return status;
        esp_graph_name(r->graph, r->value[component][value], first, name);
    }
    return esp_graph_status(r->graph);
}

esp_status esp_graph_from_json(const cJSON *json, const char *source, esp_network **out)
{
    reader r = {.source = source, .graph = esp_graph_new(), .where = "graph"};
    int version;
    esp_status status = read_int(&r, json, "version", ESP_GRAPH_VERSION, ESP_GRAPH_VERSION, &version);
    if (status == ESP_OK) status = read_components(&r, json);
    if (status == ESP_OK) status = read_ties(&r, json);
    if (status == ESP_OK) status = read_axes(&r, json);
    if (status == ESP_OK) status = esp_graph_finish(r.graph, out);
    if (status != ESP_OK && !strstr(esp_error_text(), source)) esp_fail_in(status, "%s: graph", source);
    for (int c = 0; c < ESP_MAX_COMPONENTS; c++) {
        free(r.value[c]);
        free(r.product[c]);
    }
    esp_graph_free(r.graph);
    return status;
}
