/* Runs: dimensions as parts. A dimension lists the roots of its positions; equal neighbours are one unit with several
 * positions, and units that follow each other in all dimensions alike belong to one axis. */
#include <assert.h>
#include <stdlib.h>

#include "graph/graph_internal.h"

enum {
    NONE = -1,
    UNSEEN = -2,
    PATIENCE = 64 /* rounds in which dimensions are fixed one by one */
};

/* One unit and its positions. */
typedef struct { int unit, count; } run;

static bool next_run(const int *root, int count, int *at, run *out)
{
    if (*at == count) return false;
    *out = (run){root[*at], 0};
    while (*at < count && root[*at] == out->unit) {
        out->count++;
        ++*at;
    }
    return true;
}

static bool is_fixed(const esp_runs *runs, int unit)
{
    return runs->units->fixed[unit] != NULL;
}

static const int *roots_of(const esp_runs *runs, int node, int *count)
{
    *count = runs->plan->node[node].shape.channels;
    return runs->root + runs->units->first[node];
}

/* ---- links ---- */

static void relate(int *slot, int unit)
{
    *slot = *slot == UNSEEN || *slot == unit ? unit : NONE;
}

static void link_node(esp_runs *runs, int node)
{
    int count, at = 0;
    const int *root = roots_of(runs, node, &count);
    run last = {NONE, 0}, now;
    while (next_run(root, count, &at, &now)) {
        bool alike = last.unit != NONE && !is_fixed(runs, last.unit) && !is_fixed(runs, now.unit) &&
                     last.count == now.count;
        if (last.unit != NONE) relate(&runs->next[last.unit], alike ? now.unit : NONE);
        relate(&runs->before[now.unit], alike ? last.unit : NONE);
        last = now;
    }
    if (last.unit != NONE) relate(&runs->next[last.unit], NONE);
}

static bool linked(const esp_runs *runs, int unit)
{
    int next = runs->next[unit];
    return next >= 0 && runs->before[next] == unit;
}

static void link_all(esp_runs *runs)
{
    for (int u = 0; u < runs->units->num; u++) {
        runs->root[u] = esp_unit_root(runs->units, u);
        runs->next[u] = runs->before[u] = UNSEEN;
    }
    for (int i = 0; i < runs->plan->num; i++) link_node(runs, i);
}

/* ---- parts ---- */

/* Where a unit comes from: an input or a node. */
static int origin(const esp_runs *runs, int unit)
{
    int port = runs->units->port[unit];
    return port >= 0 ? -1 - port : runs->maker[unit];
}

/* Fixed units with equal numbers of positions, of one origin; merged: all fixed positions. */
static void fixed_stretch(const esp_runs *runs, const int *root, int count, bool merged, int *at, esp_stretch *out)
{
    run now;
    int after = *at;
    while (after < count && is_fixed(runs, root[after])) {
        int before = after;
        if (merged) {
            after++;
            out->units++;
            continue;
        }
        next_run(root, count, &after, &now);
        bool fits = out->units == 0 ||
                    (now.count == out->block && origin(runs, now.unit) == origin(runs, root[out->first]));
        if (!fits) {
            after = before;
            break;
        }
        out->block = now.count;
        out->units++;
    }
    out->positions = after - *at;
    *at = after;
}

bool esp_next_stretch(const esp_runs *runs, const int *root, int count, bool merged, int *at, esp_stretch *out)
{
    if (*at == count) return false;
    *out = (esp_stretch){.first = *at, .block = 1};
    if (is_fixed(runs, root[*at])) {
        out->fixed = true;
        fixed_stretch(runs, root, count, merged, at, out);
        return true;
    }
    run now = {NONE, 0};
    do {
        next_run(root, count, at, &now);
        out->units++;
    } while (linked(runs, now.unit));
    out->block = now.count;
    out->positions = *at - out->first;
    return true;
}

/* ---- what parts cannot express ---- */

static void fix_node(esp_runs *runs, int node, const char *why)
{
    int count;
    const int *root = roots_of(runs, node, &count);
    for (int i = 0; i < count; i++) esp_unit_fix(runs->units, root[i], why);
}

/* A slice that begins or ends among the positions of one unit has a length that depends on that unit. */
static bool fix_divided(esp_runs *runs, int node)
{
    const esp_node *slice = &runs->plan->node[node];
    if (slice->is_row || slice->layer.kind != ESP_LAYER_SLICE) return false;
    int count, end = slice->first + slice->shape.channels;
    const int *root = roots_of(runs, slice->layer.input[0], &count);
    bool changed = false;
    const int cuts[2] = {slice->first, end};
    for (int k = 0; k < 2; k++) {
        int cut = cuts[k];
        if (cut == 0 || cut == count || root[cut - 1] != root[cut] || is_fixed(runs, root[cut])) continue;
        esp_unit_fix(runs->units, root[cut], "divided by a slice");
        changed = true;
    }
    return changed;
}

static bool fix_scattered(esp_runs *runs, int node)
{
    int count, at = 0, parts = 0;
    const int *root = roots_of(runs, node, &count);
    esp_stretch part;
    while (esp_next_stretch(runs, root, count, runs->merged[node], &at, &part)) parts++;
    if (parts <= ESP_MAX_PARTS) return false;
    if (runs->merged[node]) fix_node(runs, node, "scattered over too many parts of a dimension");
    runs->merged[node] = true;
    return true;
}

void esp_runs_make(const esp_plan *plan, esp_units *units, esp_runs *out)
{
    size_t count = (size_t)units->num + 1, nodes = (size_t)plan->num + 1;
    *out = (esp_runs){.plan = plan, .units = units, .root = esp_alloc(count, sizeof(int)),
                      .next = esp_alloc(count, sizeof(int)), .before = esp_alloc(count, sizeof(int)),
                      .maker = esp_alloc(count, sizeof(int)), .merged = esp_alloc(nodes, sizeof(bool))};
    for (int i = 0; i < plan->num; i++)
        for (int k = 0; k < plan->node[i].shape.channels; k++) out->maker[units->first[i] + k] = i;
    /* One dimension at a time, because it may leave others in few parts; but not for ever. */
    bool changed = true;
    for (int round = 0; changed; round++) {
        changed = false;
        link_all(out);
        for (int i = 0; i < plan->num; i++) changed = fix_divided(out, i) || changed;
        for (int i = 0; i < plan->num && (!changed || round >= PATIENCE); i++)
            changed = fix_scattered(out, i) || changed;
    }
}

void esp_runs_free(esp_runs *runs)
{
    free(runs->root);
    free(runs->next);
    free(runs->before);
    free(runs->maker);
    free(runs->merged);
    *runs = (esp_runs){0};
}
