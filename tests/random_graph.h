/* Random networks: residual sums, concatenations, slices, weights used again, convolutions with padding, strides,
 * groups and depth-wise, pooling, normalisations, flatten and its inverse. */
#ifndef ESP_TESTS_RANDOM_GRAPH_H
#define ESP_TESTS_RANDOM_GRAPH_H

#include "graph_networks.h"

enum { RANDOM_VALUES = 64 };

typedef struct {
    esp_graph *graph;
    esp_rng    rng;
    int        num, value[RANDOM_VALUES];
    int        input;          /* first input of the component */
    int        names;
    char       name[ESP_NAME];
} random_graph;

static inline int random_below(random_graph *r, int count)
{
    return (int)esp_rng_below(&r->rng, (uint32_t)count);
}

static inline const char *random_name(random_graph *r)
{
    snprintf(r->name, sizeof r->name, "n%d", r->names++);
    return r->name;
}

static inline void random_keep(random_graph *r, int value)
{
    if (value != ESP_NO_VALUE && r->num < RANDOM_VALUES) r->value[r->num++] = value;
}

/* One of the latest values: graphs get deep. */
static inline int random_value(random_graph *r)
{
    int recent = r->num < 4 ? r->num : 4;
    return r->value[random_below(r, 3) ? r->num - 1 - random_below(r, recent) : random_below(r, r->num)];
}

static inline esp_shape random_shape(const random_graph *r, int value)
{
    return esp_graph_shape(r->graph, value);
}

static inline int random_dense(random_graph *r, int x, int outputs)
{
    return esp_graph_dense(r->graph, esp_graph_flatten(r->graph, x),
                           &(esp_dense_spec){.module = random_name(r), .outputs = outputs,
                                             .no_bias = random_below(r, 4) == 0});
}

static inline int random_conv(random_graph *r, int x, int kernels, int groups, bool same)
{
    esp_shape s = random_shape(r, x);
    esp_conv_spec spec = {.module = random_name(r), .kernels = kernels, .groups = groups,
                          .no_bias = random_below(r, 4) == 0};
    if (same) {
        spec.window = (esp_window){.rows = 3, .cols = 3, .top = 1, .left = 1, .bottom = 1, .right = 1};
    } else {
        spec.window = (esp_window){.rows = 1 + random_below(r, s.rows < 3 ? s.rows : 3),
                                   .cols = 1 + random_below(r, s.cols < 3 ? s.cols : 3),
                                   .top = random_below(r, 2), .right = random_below(r, 2),
                                   .row_stride = 1 + random_below(r, 2), .col_stride = 1 + random_below(r, 2)};
    }
    return esp_graph_conv(r->graph, x, &spec);
}

static inline bool random_alike(const random_graph *r, int a, int b)
{
    esp_shape x = random_shape(r, a), y = random_shape(r, b);
    return x.channels == y.channels && x.rows == y.rows && x.cols == y.cols;
}

/* A value of the shape of x: an older one, or a new branch. */
static inline int random_partner(random_graph *r, int x)
{
    int other = random_value(r);
    if (random_alike(r, x, other)) return other;
    esp_shape s = random_shape(r, x);
    return s.rows ? random_conv(r, x, s.channels, 1, true) : random_dense(r, other, s.channels);
}

static inline int random_activation(random_graph *r, int x)
{
    static const esp_act acts[] = {ESP_ACT_RELU, ESP_ACT_ELU,  ESP_ACT_TANH,     ESP_ACT_SIGMOID, ESP_ACT_LEAKY_RELU,
                                   ESP_ACT_GELU, ESP_ACT_SILU, ESP_ACT_SOFTPLUS, ESP_ACT_GELU_TANH};
    return esp_graph_act_with(r->graph, x, acts[random_below(r, 9)], random_below(r, 2) ? 1.0f : 0.3f, 0);
}

static inline int random_norm(random_graph *r, int x)
{
    esp_norm_spec spec = {.module = random_name(r), .eps = 0.01f};
    bool layernorm = random_shape(r, x).rows == 0 && random_shape(r, x).channels > 3 && random_below(r, 2);
    return layernorm ? esp_graph_layernorm(r->graph, x, &spec) : esp_graph_batchnorm(r->graph, x, &spec);
}

static inline int random_scale(random_graph *r, int x)
{
    float scale[4096], shift[4096];
    int channels = random_shape(r, x).channels;
    if (channels > 4096) return x;
    for (int i = 0; i < channels; i++) {
        scale[i] = (float)(0.5 + esp_rng_uniform(&r->rng));
        shift[i] = (float)(esp_rng_uniform(&r->rng) - 0.5);
    }
    int which = 1 + random_below(r, 3);
    return esp_graph_scale(r->graph, x, random_name(r), which & 1 ? scale : NULL, which & 2 ? shift : NULL);
}

static inline int random_concat(random_graph *r, int x)
{
    int parts[3] = {x}, count = 1;
    for (int tries = 0; tries < 6 && count < 3; tries++) {
        int other = random_value(r);
        esp_shape a = random_shape(r, x), b = random_shape(r, other);
        if (a.rows == b.rows && a.cols == b.cols && a.channels + b.channels < 40) parts[count++] = other;
    }
    return esp_graph_concat(r->graph, count, parts);
}

static inline int random_slice(random_graph *r, int x)
{
    int channels = random_shape(r, x).channels, count = 1 + random_below(r, channels);
    return esp_graph_slice(r->graph, x, random_below(r, channels - count + 1), count);
}

static inline int random_on_image(random_graph *r, int x)
{
    esp_shape s = random_shape(r, x);
    esp_window two = {.rows = 2, .cols = 2, .row_stride = 2, .col_stride = 2};
    switch (random_below(r, 8)) {
    case 0: return random_conv(r, x, 1 + random_below(r, 8), 1, false);
    case 1: return random_conv(r, x, s.channels * (1 + random_below(r, 2)), s.channels, random_below(r, 2)); /* depth */
    case 2: return s.channels % 2 ? random_conv(r, x, 4, 1, true) : random_conv(r, x, s.channels, s.channels / 2, true);
    case 3: return s.rows < 2 || s.cols < 2 ? x : random_below(r, 2)
                ? esp_graph_max_pool(r->graph, x, &two) : esp_graph_average_pool(r->graph, x, &two, false);
    case 4: return esp_graph_flatten(r->graph, x);
    case 5: return random_below(r, 3) ? x : esp_graph_global_average(r->graph, x);
    default: return random_conv(r, x, 2 + random_below(r, 6), 1, true);
    }
}

static inline int random_on_row(random_graph *r, int x)
{
    esp_shape s = random_shape(r, x);
    if (s.channels % 4 == 0 && s.channels > 4 && random_below(r, 8) == 0)
        return esp_graph_unflatten(r->graph, x, s.channels / 4, 2, 2);
    return random_dense(r, x, 2 + random_below(r, 12));
}

/* The weights of an earlier dense layer on another value of its size. */
static inline int random_again(random_graph *r, int x)
{
    int outputs = 2 + random_below(r, 6), y = random_partner(r, x);
    int first = random_dense(r, x, outputs);
    if (random_shape(r, x).rows) return first;
    int second = esp_graph_again(r->graph, y, first);
    random_keep(r, first);
    return random_below(r, 2) ? second : esp_graph_combine(r->graph, ESP_LAYER_ADD, first, second);
}

static inline int random_step(random_graph *r)
{
    int x = random_value(r);
    switch (random_below(r, 12)) {
    case 0: return random_activation(r, x);
    case 1: return random_norm(r, x);
    case 2: return esp_graph_combine(r->graph, random_below(r, 2) ? ESP_LAYER_ADD : ESP_LAYER_SUB, x,
                                     random_partner(r, x));
    case 3: return esp_graph_combine(r->graph, ESP_LAYER_MUL, x,
                                     esp_graph_act(r->graph, random_partner(r, x), ESP_ACT_TANH));
    case 4: return random_concat(r, x);
    case 5: return random_slice(r, x);
    case 6: return random_again(r, x);
    case 7: return random_below(r, 2) ? random_scale(r, x)
                                      : esp_graph_combine(r->graph, ESP_LAYER_ADD, x, random_partner(r, x));
    default: return random_shape(r, x).rows ? random_on_image(r, x) : random_on_row(r, x);
    }
}

static inline void random_component(random_graph *r, const char *name, int rows)
{
    esp_graph_component(r->graph, name);
    r->num = 0;
    int inputs = rows ? 1 : 1 + random_below(r, 2);
    for (int i = 0; i < inputs; i++)
        random_keep(r, rows || random_below(r, 2)
                           ? esp_graph_input(r->graph, i ? "b" : "a", rows ? rows : 3 + random_below(r, 6))
                           : esp_graph_input_image(r->graph, i ? "b" : "a", 1 + random_below(r, 4),
                                                   3 + random_below(r, 4), 3 + random_below(r, 4)));
    r->input = r->value[0];
    /* Mostly nodes do not read the inputs themselves, whose units are fixed. */
    for (int i = 0; i < r->num && random_below(r, 4); i++)
        r->value[i] = random_shape(r, r->value[i]).rows ? random_conv(r, r->value[i], 3 + random_below(r, 6), 1, true)
                                                        : random_dense(r, r->value[i], 4 + random_below(r, 10));
    int steps = 6 + random_below(r, 18);
    for (int i = 0; i < steps; i++) {
        int value = random_step(r);
        esp_shape s = random_shape(r, value);
        if (s.channels * (s.rows ? s.rows * s.cols : 1) < 400) random_keep(r, value);
    }
}

/* Its last values are outputs, some of them behind a dense layer so that their units can be removed. */
static inline void random_outputs(random_graph *r)
{
    int outputs = 1 + random_below(r, 2);
    for (int o = 0; o < outputs; o++) {
        int value = r->value[r->num - 1 - (o < r->num ? o : 0)];
        if (random_below(r, 16)) value = random_dense(r, value, 1 + random_below(r, 4));
        esp_graph_output(r->graph, o ? "v" : "y", value);
    }
}

/* A network of one component; the caller frees it. */
static inline esp_network *random_network(uint64_t seed)
{
    esp_network *net = NULL;
    random_graph r = {.graph = esp_graph_new(), .rng = esp_rng_make(seed, ESP_RNG_TEST, 77)};
    random_component(&r, "net", 0);
    random_outputs(&r);
    esp_status status = esp_graph_finish(r.graph, &net);
    if (status != ESP_OK) printf("\n    graph %d: %s ", (int)seed, esp_error_text());
    esp_graph_free(r.graph);
    if (net) graph_shake(net, seed);
    return net;
}

enum { PAIR_EXTRA = 2 }; /* values that the second component reads behind the output of the first */

/* Two components: the second reads the output of the first, whose units can be removed, and PAIR_EXTRA values. */
static inline esp_network *random_pair(uint64_t seed)
{
    esp_network *net = NULL;
    random_graph r = {.graph = esp_graph_new(), .rng = esp_rng_make(seed, ESP_RNG_TEST, 79)};
    random_component(&r, "encoder", 0);
    int z = random_dense(&r, r.value[r.num - 1], 5 + random_below(&r, 8));
    if (random_below(&r, 2)) z = random_activation(&r, z);
    int width = random_shape(&r, z).channels;
    esp_graph_output(r.graph, "z", z);
    random_component(&r, "head", width + PAIR_EXTRA);
    esp_graph_wire(r.graph, z, 0, r.input, 0, width);
    esp_graph_output(r.graph, "y", random_dense(&r, r.value[r.num - 1], 3));
    esp_status status = esp_graph_finish(r.graph, &net);
    if (status != ESP_OK) printf("\n    pair %d: %s ", (int)seed, esp_error_text());
    esp_graph_free(r.graph);
    if (net) graph_shake(net, seed);
    return net;
}

#endif
