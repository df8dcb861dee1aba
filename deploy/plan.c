/* Where the values of a component live: memory is shared by values that are never needed at the same time. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/deploy_internal.h"

/* Of the layers of a component, counted from its first. */
typedef struct {
    const esp_network   *net;
    const esp_component *component;
    int last_reader[ESP_MAX_LAYERS];   /* INT_MAX: it is the output */
    int begin[ESP_MAX_LAYERS], end[ESP_MAX_LAYERS]; /* by place: first layer that writes it, last one that reads it */
} lives;

static const esp_layer *layer_at(const lives *l, int i)
{
    return &l->net->layer[l->component->first_layer + i];
}

/* The layer that gives input k, counted from the component's first; ESP_INPUT: the component's row. */
static int read_by(const lives *l, int i, int k)
{
    int input = layer_at(l, i)->input[k];
    return input == ESP_INPUT ? ESP_INPUT : input - l->component->first_layer;
}

static void find_readers(lives *l)
{
    int count = l->component->num_layers;
    for (int i = 0; i < count; i++) l->last_reader[i] = i;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < layer_at(l, i)->num_inputs; k++)
            if (read_by(l, i, k) != ESP_INPUT) l->last_reader[read_by(l, i, k)] = i;
    l->last_reader[count - 1] = INT_MAX;
}

/* Whether it computes every value from the value at the same place, or from all of them before it writes. */
static bool works_in_place(const esp_layer *layer)
{
    switch (layer->kind) {
    case ESP_LAYER_ACT:
    case ESP_LAYER_SCALE:
    case ESP_LAYER_BATCHNORM:
    case ESP_LAYER_LAYERNORM:
    case ESP_LAYER_ADD:
    case ESP_LAYER_SUB:
    case ESP_LAYER_MUL:
    case ESP_LAYER_DIV: return true;
    default: return false;
    }
}

/* Whether a change between [row, column, channel] and [channel, row, column] moves nothing: one pixel or channel. */
static bool moves_nothing(const esp_layer *layer)
{
    if (layer->kind != ESP_LAYER_FLATTEN && layer->kind != ESP_LAYER_UNFLATTEN) return false;
    int pixels = layer->in_rows ? layer->in_rows * layer->in_cols : layer->out_rows * layer->out_cols;
    return pixels == 1 || pixels == layer->in_size;
}

/* Whether only dense layers read it, whose weights can take another order of inputs. */
static bool only_dense_reads(const lives *l, int i)
{
    if (l->last_reader[i] == INT_MAX) return false;
    for (int j = i + 1; j <= l->last_reader[i]; j++)
        for (int k = 0; k < layer_at(l, j)->num_inputs; k++)
            if (read_by(l, j, k) == i &&
                (layer_at(l, j)->kind != ESP_LAYER_DENSE ||
                 esp_layer_shares_weights(l->net, l->component->first_layer + j)))
                return false;
    return true;
}

/* ---- places ---- */

static void assign_places(const lives *l, esp_c_plan *plan)
{
    for (int i = 0; i < l->component->num_layers; i++) {
        const esp_layer *layer = layer_at(l, i);
        int first = read_by(l, i, 0);
        bool last_use = first != ESP_INPUT && l->last_reader[first] == i;
        plan->skipped[i] = last_use && (moves_nothing(layer) ||
                                        (layer->kind == ESP_LAYER_FLATTEN && only_dense_reads(l, i)));
        plan->in_place[i] = plan->skipped[i] || (last_use && works_in_place(layer));
        plan->value[i] = plan->in_place[i] ? plan->value[first] : plan->num_values++;
    }
    plan->output = plan->value[l->component->num_layers - 1];
}

static void find_lives(lives *l, esp_c_plan *plan)
{
    for (int v = 0; v < plan->num_values; v++) l->begin[v] = -1;
    for (int i = 0; i < l->component->num_layers; i++) {
        int v = plan->value[i];
        size_t size = (size_t)layer_at(l, i)->out_size;
        if (l->begin[v] < 0) l->begin[v] = i;
        l->end[v] = l->last_reader[i];
        if (size > plan->size[v]) plan->size[v] = size;
    }
}

/* ---- memory ---- */

enum { ALIGN = 4 }; /* floats */

static bool meet(const lives *l, int v, int w)
{
    return l->begin[v] <= l->end[w] && l->begin[w] <= l->end[v];
}

/* The lowest offset at which v overlaps none of the placed values that are needed at the same time. */
static size_t lowest_offset(const lives *l, const esp_c_plan *plan, const bool *placed, int v)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int w = 0; w < plan->num_values; w++) {
            bool apart = offset + plan->size[v] <= plan->offset[w] || offset >= plan->offset[w] + plan->size[w];
            if (!placed[w] || !meet(l, v, w) || apart) continue;
            offset = (plan->offset[w] + plan->size[w] + ALIGN - 1) / ALIGN * ALIGN;
            moved = true;
        }
    }
    return offset;
}

/* Largest values first, which leaves the fewest gaps. */
static void place_values(const lives *l, esp_c_plan *plan)
{
    bool placed[ESP_MAX_LAYERS] = {false};
    for (;;) {
        int largest = -1;
        for (int v = 0; v < plan->num_values; v++)
            if (!placed[v] && v != plan->output && (largest < 0 || plan->size[v] > plan->size[largest])) largest = v;
        if (largest < 0) return;
        plan->offset[largest] = lowest_offset(l, plan, placed, largest);
        placed[largest] = true;
        size_t end = plan->offset[largest] + plan->size[largest];
        if (end > plan->floats) plan->floats = end;
    }
}

void esp_c_plan_make(const esp_network *net, int component, esp_c_plan *out)
{
    lives *l = esp_alloc(1, sizeof *l);
    l->net = net;
    l->component = &net->component[component];
    memset(out, 0, sizeof *out);
    find_readers(l);
    assign_places(l, out);
    find_lives(l, out);
    place_values(l, out);
    free(l);
}
