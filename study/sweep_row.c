/* A cell of a sweep as one flat row: the network that results, whatever stages it went through. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/study.h"

/* A column, and the key of the cell that it holds. A '#' at the end of a key stands for the stage whose size the
 * network has. */
typedef struct {
    const char *column, *key;
} source;

static const source asked[] = {
    {"way", "way"}, {"method", "method"}, {"importance", "importance"}, {"groups", "groups"},
    {"target_sparsity", "target_sparsity"}, {"seed", "seed"}, {"compensation", "compensation"},
    {"finetune_steps", "finetune_steps"}, {"structural_sparsity", "structural_sparsity"},
    {"nominal_sparsity", "nominal_sparsity"}, {"judged", "judged"}, {NULL, NULL}};

static const source measured[] = {
    {"search_performance", "search_performance"}, {"evaluations", "evaluations"}, {"wall_s", "wall_s"},
    {"params", "params_#"}, {"bytes", "weight_bytes_#"}, {"flops", "flops_#"}, {NULL, NULL}};

typedef struct {
    const cJSON *cell;
    const char *stage, *size; /* the last stage that was measured, and the one whose size it has */
    cJSON *row;
} maker;

static const cJSON *item_of(const maker *m, const char *key)
{
    char name[96];
    size_t length = strlen(key);
    bool sized = key[length - 1] == '#';
    snprintf(name, sizeof name, "%.*s%s", (int)(length - sized), key, sized ? m->size : "");
    return cJSON_GetObjectItemCaseSensitive(m->cell, name);
}

/* NAN: unknown, an empty cell. */
static void add_number(const maker *m, const char *column, double value)
{
    if (isfinite(value)) cJSON_AddNumberToObject(m->row, column, value);
    else                 cJSON_AddNullToObject(m->row, column);
}

static void add(const maker *m, const source *sources)
{
    for (const source *s = sources; s->column; s++) {
        const cJSON *item = item_of(m, s->key);
        cJSON_AddItemToObject(m->row, s->column, item ? cJSON_Duplicate(item, false) : cJSON_CreateNull());
    }
}

/* The held-out performance of the network and of the unpruned one with the same seed. */
static void add_performance(const maker *m, const esp_sweep *sweep)
{
    char key[64];
    double seed = esp_json_number(m->cell, "seed");
    const cJSON *dense = seed >= 0 ? esp_sweep_find(sweep, NULL, 0, (uint64_t)seed) : NULL;
    add_number(m, "performance_before", esp_json_number(dense, "performance_before"));
    snprintf(key, sizeof key, "performance_%s", m->stage);
    add_number(m, "performance", esp_json_number(m->cell, key));
    snprintf(key, sizeof key, "performance_%s_ci95", m->stage);
    const cJSON *ends = cJSON_GetObjectItemCaseSensitive(m->cell, key);
    const cJSON *low = cJSON_GetArrayItem(ends, 0), *high = cJSON_GetArrayItem(ends, 1);
    add_number(m, "performance_low", cJSON_IsNumber(low) ? low->valuedouble : NAN);
    add_number(m, "performance_high", cJSON_IsNumber(high) ? high->valuedouble : NAN);
}

static void add_compared(const maker *m, const esp_application *application)
{
    char key[96];
    for (const esp_compared *c = application->compared; c->key; c++) {
        snprintf(key, sizeof key, "%s_%s", c->key, m->stage);
        add_number(m, c->key, esp_json_number(m->cell, key));
    }
}

static void add_costs(const maker *m, const esp_application *application)
{
    char key[96];
    add(m, measured);
    add_number(m, "macs", esp_json_number(m->row, "flops") / 2);
    snprintf(key, sizeof key, "%s_ms_%s", application->action_name, m->size);
    add_number(m, "ms", esp_json_number(m->cell, key));
}

/* Nothing was removed from the dense network, and no search took evaluations. */
static void complete_dense(const maker *m)
{
    static const char *const none[] = {"target_sparsity", "structural_sparsity", "nominal_sparsity", "finetune_steps",
                                       "evaluations"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        cJSON_ReplaceItemInObjectCaseSensitive(m->row, none[i], cJSON_CreateNumber(0));
}

cJSON *esp_sweep_row(const esp_sweep *sweep, const cJSON *cell)
{
    bool dense = strcmp(esp_json_text(cell, "way"), "dense") == 0;
    maker m = {.cell = cell, .size = dense ? "before" : "after", .row = cJSON_CreateObject()};
    m.stage = esp_cell_stage(cell);
    add(&m, asked);
    add_performance(&m, sweep);
    add_compared(&m, sweep->application);
    add_costs(&m, sweep->application);
    if (dense) complete_dense(&m);
    add(&m, (const source[]){{"error", "error"}, {NULL, NULL}});
    return m.row;
}
