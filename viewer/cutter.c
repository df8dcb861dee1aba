/* Cuts a network to any sparsity, at once: by magnitude, the same fraction of every group, or to the widths that
 * a sweep found. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/viewer_internal.h"

#define TOLERANCE 0.02 /* of the sparsity: what a slider cannot tell apart */

/* A finished cell of a sweep. */
typedef struct {
    esp_controller_kind kind;
    double         target;      /* the sparsity it was asked for */
    double         performance; /* on held-out episodes */
    esp_importance importance;
    uint64_t       seed;        /* of random importance */
    esp_widths     widths;
} point;

struct esp_cutter {
    const esp_network *net;     /* borrowed */
    point             *points;  /* [num_points], owned; none: by magnitude */
    int                num_points;
};

/* ---- the cells of a sweep ------------------------------------------------------------------------------ */

static double number(const cJSON *cell, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(cell, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

/* Index of the word behind a key, -1 when it is none of them. */
static int choice(const cJSON *cell, const char *key, const char *choices)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(cell, key);
    return cJSON_IsString(item) ? esp_choice_index(choices, item->valuestring) : -1;
}

/* {axis: [kept, before]} of this very network. */
static bool read_widths(const esp_network *net, const cJSON *kept, esp_widths *out)
{
    *out = esp_widths_full(net);
    for (int i = 0; i < net->num_axes; i++) {
        if (!net->axis[i].prunable) continue;
        const cJSON *pair = cJSON_GetObjectItemCaseSensitive(kept, net->axis[i].name);
        const cJSON *left = cJSON_GetArrayItem(pair, 0), *before = cJSON_GetArrayItem(pair, 1);
        if (!cJSON_IsNumber(left) || !cJSON_IsNumber(before) || before->valuedouble != net->axis[i].size) return false;
        if (!(left->valuedouble >= 1 && left->valuedouble <= net->axis[i].size)) return false;
        out->kept[i] = (int)left->valuedouble;
    }
    return true;
}

/* Whether weights alone make the cell's network again: nothing was fitted or learnt after the cut. */
static bool is_repeatable(const cJSON *cell, int importance)
{
    return importance >= 0 && !esp_importance_needs_data((esp_importance)importance) &&
           choice(cell, "compensation", ESP_COMPENSATION_CHOICES) == ESP_COMPENSATION_NONE &&
           number(cell, "finetune_steps") == 0;
}

static void take_cell(esp_cutter *cutter, const cJSON *cell, int *misfits)
{
    int kind = choice(cell, "controller", ESP_CONTROLLER_CHOICES);
    int importance = choice(cell, "importance", ESP_IMPORTANCE_CHOICES);
    const cJSON *kept = cJSON_GetObjectItemCaseSensitive(cell, "kept");
    point p = {.kind = (esp_controller_kind)kind, .target = number(cell, "target_sparsity"),
               .performance = number(cell, "performance_after"), .importance = (esp_importance)importance};
    double seed = number(cell, "seed");
    if (!cJSON_IsObject(kept) || kind < 0 || !isfinite(p.target) || !isfinite(p.performance)) return;
    if (!is_repeatable(cell, importance) || !(seed >= 0 && seed < 0x1p53)) return;
    if (!read_widths(cutter->net, kept, &p.widths)) {
        ++*misfits;
        return;
    }
    p.seed = (uint64_t)seed;
    cutter->points[cutter->num_points++] = p;
}

static esp_status read_lines(esp_cutter *cutter, const char *path, char *text)
{
    int lines = 1, misfits = 0, line = 0;
    for (const char *c = text; *c; c++) lines += *c == '\n';
    cutter->points = esp_alloc((size_t)lines, sizeof *cutter->points);
    char *rest = NULL;
    for (char *at = strtok_r(text, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest)) {
        cJSON *cell = NULL;
        esp_status status = esp_json_parse(at, strlen(at), "not JSON", &cell);
        if (status != ESP_OK) return esp_fail_in(status, "%s: line %d", path, line + 1);
        take_cell(cutter, cell, &misfits);
        cJSON_Delete(cell);
        line++;
    }
    if (cutter->num_points > 0) return ESP_OK;
    if (misfits > 0) return esp_fail(ESP_ERR_SHAPE, "%s: is of a network of other sizes", path);
    return esp_fail(ESP_ERR_FORMAT, "%s: no cell of an agent that was cut by its weights alone", path);
}

static esp_status read_sweep(esp_cutter *cutter, const char *folder)
{
    char *path = esp_path_join(folder, "results.jsonl"), *text = NULL;
    size_t size = 0;
    esp_status status = esp_file_read(path, (size_t)1 << 30, &text, &size);
    if (status == ESP_OK) status = read_lines(cutter, path, text);
    free(text);
    free(path);
    return status;
}

esp_status esp_cutter_create(const esp_network *net, const char *sweep, esp_cutter **out)
{
    esp_cutter *cutter = esp_alloc(1, sizeof *cutter);
    cutter->net = net;
    esp_status status = sweep ? read_sweep(cutter, sweep) : ESP_OK;
    if (status == ESP_OK) *out = cutter;
    else                  esp_cutter_free(cutter);
    return status;
}

void esp_cutter_free(esp_cutter *cutter)
{
    if (!cutter) return;
    free(cutter->points);
    free(cutter);
}

/* ---- cuts ---------------------------------------------------------------------------------------------- */

/* Of the cells nearest to the sparsity, the one that acts best; the whole network may be nearer than any. */
static esp_status nearest_point(const esp_cutter *cutter, esp_controller_kind kind, double sparsity, point *out)
{
    const point *best = NULL;
    for (int i = 0; i < cutter->num_points; i++) {
        const point *p = &cutter->points[i];
        if (p->kind != kind) continue;
        double farther = best ? fabs(p->target - sparsity) - fabs(best->target - sparsity) : -1.0;
        if (farther < -1e-9 || (farther < 1e-9 && p->performance > best->performance)) best = p;
    }
    if (!best) return esp_fail(ESP_ERR_USAGE, "the sweep is of the other controller");
    *out = *best;
    if (sparsity < fabs(best->target - sparsity)) out->widths = esp_widths_full(cutter->net);
    return ESP_OK;
}

/* The same fraction of every group. */
static esp_status even_point(const esp_cutter *cutter, esp_controller_kind kind, double sparsity, point *out)
{
    esp_grouping grouping;
    esp_objective *objective = NULL;
    unsigned used = esp_controller_components(kind);
    esp_grouping_structural(cutter->net, used, &grouping);
    esp_objective_config config = {.net = cutter->net, .grouping = &grouping, .components = used};
    esp_search_config search = esp_search_config_default();
    search.sparsity = sparsity;
    search.tolerance = TOLERANCE;
    const double equally[ESP_MAX_AXES] = {0};
    *out = (point){.importance = ESP_IMPORTANCE_L2};
    esp_status status = esp_objective_create(&config, &objective);
    if (status == ESP_OK) status = esp_search_project(objective, &search, equally, &out->widths);
    esp_objective_free(objective);
    return status;
}

static esp_status operate(const esp_cutter *cutter, const point *p, esp_network **out)
{
    esp_ranking ranking;
    esp_cut cut;
    esp_status status = esp_ranking_make(cutter->net, p->importance, p->seed, NULL, &ranking);
    if (status != ESP_OK) return status;
    esp_cut_make(cutter->net, &ranking, &p->widths, &cut);
    status = esp_surgery(cutter->net, &cut, out);
    esp_cut_free(&cut);
    esp_ranking_free(&ranking);
    return status;
}

esp_status esp_cutter_cut(const esp_cutter *cutter, esp_controller_kind kind, double sparsity, esp_network **out)
{
    point p;
    esp_status status = cutter->num_points > 0 ? nearest_point(cutter, kind, sparsity, &p)
                                               : even_point(cutter, kind, sparsity, &p);
    return status == ESP_OK ? operate(cutter, &p, out) : status;
}
