/* One runner per thread: passes data through a component's layers. A layer's output has a buffer until its last reader
 * has run; for a chain these are two buffers that take turns. */
#include <assert.h>
#include <stdlib.h>

#include "nn/nn_internal.h"

/* One layer, or a product and the activation that alone reads it. */
typedef struct {
    int          layer, num_inputs;
    esp_act      act;
    const float *x[ESP_MAX_INPUTS]; /* NULL: the component's row */
    float       *y;
} step;

struct esp_runner {
    const esp_packed *packed; /* borrowed */
    int    component, capacity;
    int    num_steps;
    step   step[ESP_MAX_LAYERS];
    int    num_buffers;
    float *buffer[ESP_MAX_LAYERS];
    float *scratch;
    float *sum;               /* of a first layer that is dense: share of inputs that all rows have in common */
};

/* ---- which buffer ---- */

/* While buffers are assigned: by layer of the network. */
typedef struct {
    const esp_network   *net;
    const esp_component *component;
    int    last_reader[ESP_MAX_LAYERS]; /* of a layer's output; ESP_MAX_LAYERS: the output of the component */
    int    buffer_of[ESP_MAX_LAYERS];   /* -1: its output is never stored */
    int    num;
    size_t size[ESP_MAX_LAYERS];        /* floats per sample of a buffer */
    int    free_after[ESP_MAX_LAYERS];  /* last layer that reads what a buffer holds */
} layout;

static void find_readers(layout *l)
{
    int first = l->component->first_layer, end = first + l->component->num_layers;
    for (int i = first; i < end; i++) {
        l->last_reader[i] = i;
        for (int k = 0; k < l->net->layer[i].num_inputs; k++)
            if (l->net->layer[i].input[k] != ESP_INPUT) l->last_reader[l->net->layer[i].input[k]] = i;
    }
    if (end > first) l->last_reader[end - 1] = ESP_MAX_LAYERS;
}

/* A buffer that nothing reads any more by the time that layer `at` writes: the smallest that is large enough, or else
 * the largest. */
static int free_buffer(const layout *l, int at, size_t size)
{
    int best = -1;
    for (int b = 0; b < l->num; b++) {
        if (l->free_after[b] >= at) continue;
        bool fits = l->size[b] >= size, best_fits = best >= 0 && l->size[best] >= size;
        if (best < 0 || (fits && (!best_fits || l->size[b] < l->size[best])) ||
            (!fits && !best_fits && l->size[b] > l->size[best]))
            best = b;
    }
    return best;
}

/* The output of `layer` is written when layer `at` has its turn. */
static void assign(layout *l, int layer, int at)
{
    size_t size = (size_t)l->net->layer[layer].out_size;
    int b = free_buffer(l, at, size);
    if (b < 0) l->size[b = l->num++] = 0;
    if (size > l->size[b]) l->size[b] = size;
    l->free_after[b] = l->last_reader[layer];
    l->buffer_of[layer] = b;
}

/* ---- which steps ---- */

/* The activation layer that alone reads a product and that the kernels compute along with it; -1: none. */
static int activation_behind(const esp_packed *packed, const layout *l, int i)
{
    const esp_network *net = l->net;
    int end = l->component->first_layer + l->component->num_layers, reads = 0;
    if (!esp_packed_has(packed, i) || net->layer[i].act != ESP_ACT_NONE || i + 1 == end) return -1;
    int reader = l->last_reader[i];
    for (int j = i + 1; j < end; j++)
        for (int k = 0; k < net->layer[j].num_inputs; k++) reads += net->layer[j].input[k] == i;
    if (reads != 1 || net->layer[reader].kind != ESP_LAYER_ACT || net->layer[reader].act != ESP_ACT_SILU) return -1;
    return reader;
}

static void plan_steps(esp_runner *r, layout *l)
{
    int first = l->component->first_layer;
    bool done[ESP_MAX_LAYERS] = {false};
    for (int i = first; i < first + l->component->num_layers; i++) {
        if (done[i]) continue;
        int behind = activation_behind(r->packed, l, i), writes = behind >= 0 ? behind : i;
        assign(l, writes, i);
        done[writes] = true;
        r->step[r->num_steps++] = (step){.layer = i, .num_inputs = l->net->layer[i].num_inputs,
                                         .act = l->net->layer[writes].act};
        if (writes != i) l->buffer_of[i] = l->buffer_of[writes];
    }
}

static void connect(esp_runner *r, const layout *l)
{
    for (int s = 0; s < r->num_steps; s++) {
        step *step = &r->step[s];
        step->y = r->buffer[l->buffer_of[step->layer]];
        for (int k = 0; k < step->num_inputs; k++) {
            int read = l->net->layer[step->layer].input[k];
            if (read != ESP_INPUT) step->x[k] = r->buffer[l->buffer_of[read]];
        }
    }
}

/* ---- the runner ---- */

/* Whether its first step is a dense layer, which is alone in reading the component's row. */
static bool begins_dense(const esp_runner *r)
{
    for (int s = 1; s < r->num_steps; s++)
        for (int k = 0; k < r->step[s].num_inputs; k++)
            if (!r->step[s].x[k]) return false;
    if (r->num_steps == 0) return false;
    return esp_packed_network(r->packed)->layer[r->step[0].layer].kind == ESP_LAYER_DENSE;
}

esp_runner *esp_runner_create(const esp_packed *packed, int component, int capacity)
{
    const esp_network *net = esp_packed_network(packed);
    layout *l = esp_alloc(1, sizeof *l);
    esp_runner *r = esp_alloc(1, sizeof *r);
    size_t scratch = 0;
    *l = (layout){.net = net, .component = &net->component[component]};
    r->packed = packed;
    r->component = component;
    r->capacity = capacity;
    find_readers(l);
    plan_steps(r, l);
    r->num_buffers = l->num;
    for (int b = 0; b < l->num; b++) r->buffer[b] = esp_alloc((size_t)capacity * l->size[b], sizeof(float));
    connect(r, l);
    for (int s = 0; s < r->num_steps; s++) {
        size_t needed = esp_packed_forward_scratch(packed, r->step[s].layer);
        if (needed > scratch) scratch = needed;
    }
    if (scratch) r->scratch = esp_alloc(scratch, sizeof(float));
    if (begins_dense(r)) r->sum = esp_alloc(esp_packed_sum_size(packed, r->step[0].layer), sizeof(float));
    free(l);
    return r;
}

void esp_runner_free(esp_runner *r)
{
    if (!r) return;
    for (int b = 0; b < r->num_buffers; b++) free(r->buffer[b]);
    free(r->scratch);
    free(r->sum);
    free(r);
}

/* The steps from `first` on; x is the component's row. */
static const float *run_steps(esp_runner *r, int first, const void *x, int n)
{
    for (int s = first; s < r->num_steps; s++) {
        const step *step = &r->step[s];
        const void *read[ESP_MAX_INPUTS];
        for (int k = 0; k < step->num_inputs; k++) read[k] = step->x[k] ? (const void *)step->x[k] : x;
        esp_packed_forward(r->packed, step->layer, read, n, step->act, r->scratch, step->y);
    }
    return r->num_steps ? r->step[r->num_steps - 1].y : x;
}

const float *esp_runner_forward(esp_runner *r, const void *x, int n)
{
    assert(n > 0 && n <= r->capacity);
    return run_steps(r, 0, x, n);
}

const float *esp_runner_forward_shared(esp_runner *r, const float *head, int shared, const float *tails, int n)
{
    const step *step = &r->step[0];
    assert(r->sum && n > 0 && n <= r->capacity);
    esp_packed_begin(r->packed, step->layer, head, shared, r->sum);
    esp_packed_end(r->packed, step->layer, r->sum, shared, tails, n, step->act, step->y);
    return run_steps(r, 1, NULL, n);
}
