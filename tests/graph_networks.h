/* Networks from graphs, checked against plain loops in double: forward by tape and by runner, backward by central
 * differences. */
#ifndef ESP_TESTS_GRAPH_NETWORKS_H
#define ESP_TESTS_GRAPH_NETWORKS_H

#include "graph/graph.h"
#include "plain_graph.h"

/* Float sums of up to a few hundred products of values near 1. */
#define GRAPH_FORWARD_TOLERANCE 2e-5
/* The differences come from loops in double (h = 1e-5: error 1e-9), so what remains is float32 again. */
#define GRAPH_BACKWARD_TOLERANCE 1e-4

/* Random weights around 0, gains and variances around 1. */
static inline void graph_shake(esp_network *net, uint64_t seed)
{
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 0);
    for (int t = 0; t < net->num_tensors; t++) {
        const esp_tensor *tensor = &net->tensor[t];
        const esp_layer *layer = &net->layer[tensor->layer];
        bool norm = layer->kind == ESP_LAYER_LAYERNORM || layer->kind == ESP_LAYER_BATCHNORM;
        double centre = norm && (t == layer->weight || t == layer->var) ? 1 : 0;
        double spread = tensor->rank > 1 ? sqrt(3.0 * tensor->shape[0] / (double)tensor->count) : 0.5;
        for (size_t i = 0; i < tensor->count; i++)
            esp_network_weights(net, t)[i] = (float)(centre + spread * (2 * esp_rng_uniform(&rng) - 1));
    }
}

static inline esp_network *graph_finished(esp_graph *graph)
{
    esp_network *net = NULL;
    CHECK_OK(esp_graph_finish(graph, &net));
    esp_graph_free(graph);
    graph_shake(net, 11);
    return net;
}

/* Rows for a component; bytes where it reads them. */
typedef struct {
    int     n;
    double *wide;   /* [n, in_size] */
    void   *x;      /* the same as the component wants it */
} graph_rows;

static inline graph_rows graph_rows_make(const esp_network *net, int component, int n, uint64_t seed)
{
    size_t count = (size_t)n * (size_t)net->component[component].in_size;
    bool bytes = esp_component_reads_bytes(net, component);
    graph_rows rows = {n, esp_alloc(count, sizeof(double)), esp_alloc(count, sizeof(float))};
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 1);
    for (size_t i = 0; i < count; i++) {
        float value = bytes ? (float)esp_rng_below(&rng, 256) : (float)(2 * esp_rng_uniform(&rng) - 1);
        rows.wide[i] = (double)value;
        if (bytes) ((uint8_t *)rows.x)[i] = (uint8_t)value;
        else       ((float *)rows.x)[i] = value;
    }
    return rows;
}

static inline void graph_rows_free(graph_rows *rows)
{
    free(rows->wide);
    free(rows->x);
}

/* Outputs of all rows by plain loops, [n, out_size] in new memory. */
static inline double *graph_plain(const esp_network *net, int component, const double *weights, const graph_rows *rows,
                                  plain_removed removed)
{
    const esp_component *c = &net->component[component];
    double *y = esp_alloc((size_t)(rows->n * c->out_size), sizeof *y);
    for (int i = 0; i < rows->n; i++)
        plain_graph_forward(net, component, weights, rows->wide + (size_t)i * (size_t)c->in_size, removed,
                            y + (size_t)i * (size_t)c->out_size);
    return y;
}

static inline bool graph_close(const char *what, size_t count, const float *got, const double *expected,
                               double tolerance)
{
    for (size_t i = 0; i < count; i++) {
        if (fabs((double)got[i] - expected[i]) <= tolerance * (1 + fabs(expected[i]))) continue;
        printf("\n    %s[%zu]: got %.9g, expected %.9g ", what, i, (double)got[i], expected[i]);
        return false;
    }
    return true;
}

static inline void graph_check_forward(const esp_network *net, int component, int n)
{
    graph_rows rows = graph_rows_make(net, component, n, 5);
    double *weights = plain_weights(net), *expected = graph_plain(net, component, weights, &rows, NULL);
    size_t count = (size_t)(n * net->component[component].out_size);
    esp_tape *tape = esp_tape_create(net, component, n);
    esp_packed *packed = esp_packed_create(net, 1u << component);
    esp_runner *runner = esp_runner_create(packed, component, n);
    CU_ASSERT(graph_close("tape", count, esp_forward(net, tape, rows.x, n), expected, GRAPH_FORWARD_TOLERANCE));
    CU_ASSERT(graph_close("runner", count, esp_runner_forward(runner, rows.x, n), expected, GRAPH_FORWARD_TOLERANCE));
    esp_runner_free(runner);
    esp_packed_free(packed);
    esp_tape_free(tape);
    graph_rows_free(&rows);
    free(weights);
    free(expected);
}

/* The sum of direction * y. */
static inline double graph_loss(const esp_network *net, int component, const double *weights, const graph_rows *rows,
                                const float *direction)
{
    size_t count = (size_t)(rows->n * net->component[component].out_size);
    double *y = graph_plain(net, component, weights, rows, NULL), loss = 0;
    for (size_t i = 0; i < count; i++) loss += (double)direction[i] * y[i];
    free(y);
    return loss;
}

static inline bool graph_difference(const esp_network *net, int component, const double *weights,
                                    const graph_rows *rows, const float *direction, const char *what, double *value,
                                    float got)
{
    const double h = 1e-5, before = *value;
    *value = before + h;
    double above = graph_loss(net, component, weights, rows, direction);
    *value = before - h;
    double below = graph_loss(net, component, weights, rows, direction);
    *value = before;
    double expected = (above - below) / (2 * h);
    if (fabs((double)got - expected) <= GRAPH_BACKWARD_TOLERANCE * (1 + fabs(expected))) return true;
    printf("\n    gradient of %s: got %.9g, expected %.9g ", what, (double)got, expected);
    return false;
}

/* Gradients of all trainable weights and of the inputs. */
static inline void graph_check_backward(const esp_network *net, int component, int n)
{
    const esp_component *c = &net->component[component];
    size_t outs = (size_t)(n * c->out_size), ins = (size_t)(n * c->in_size);
    bool bytes = esp_component_reads_bytes(net, component);
    graph_rows rows = graph_rows_make(net, component, n, 5);
    double *weights = plain_weights(net);
    float *direction = esp_alloc(outs, sizeof *direction), *dy = esp_alloc(outs, sizeof *dy);
    float *grads = esp_alloc(net->num_weights + 1, sizeof *grads), *dx = bytes ? NULL : esp_alloc(ins, sizeof *dx);
    esp_rng rng = esp_rng_make(6, ESP_RNG_TEST, 2);
    esp_rng_normal(&rng, direction, outs);
    memcpy(dy, direction, outs * sizeof *dy);
    esp_tape *tape = esp_tape_create(net, component, n);
    esp_forward(net, tape, rows.x, n);
    esp_backward(net, tape, dy, grads, dx);
    bool good = true;
    for (int t = 0; t < net->num_tensors && good; t++)
        for (size_t i = 0; i < net->tensor[t].count && net->tensor[t].trainable && good; i++)
            good = graph_difference(net, component, weights, &rows, direction, net->tensor[t].name,
                                    &weights[net->tensor[t].offset + i], grads[net->tensor[t].offset + i]);
    for (size_t i = 0; i < ins && dx && good; i++)
        good = graph_difference(net, component, weights, &rows, direction, "input", &rows.wide[i], dx[i]);
    CU_ASSERT(good);
    esp_tape_free(tape);
    graph_rows_free(&rows);
    free(weights);
    free(direction);
    free(dy);
    free(grads);
    free(dx);
}

static inline int graph_dense(esp_graph *g, int x, const char *module, int outputs)
{
    return esp_graph_dense(g, x, &(esp_dense_spec){.module = module, .outputs = outputs});
}

static inline int graph_conv(esp_graph *g, int x, const char *module, int kernels, int side)
{
    return esp_graph_conv(g, x, &(esp_conv_spec){.module = module, .kernels = kernels,
                                                 .window = {.rows = side, .cols = side}});
}

#endif
