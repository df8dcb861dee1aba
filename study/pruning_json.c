/* A pruning, before and after, as JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/study.h"

/* What shares a coefficient: the name of every group, and the axes it moves. */
static void add_grouping(cJSON *json, const esp_pruning *p)
{
    const esp_network *net = p->subject->net;
    cJSON *list = cJSON_AddArrayToObject(json, "grouping");
    for (int g = 0; g < p->grouping.num; g++) {
        const esp_group *group = &p->grouping.group[g];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", group->name);
        cJSON_AddStringToObject(item, "type", group->coupling ? "coupling" : "component");
        cJSON *axes = cJSON_AddArrayToObject(item, "axes");
        for (int i = 0; i < group->num_axes; i++)
            cJSON_AddItemToArray(axes, cJSON_CreateString(net->axis[group->axis[i]].name));
        cJSON_AddNumberToObject(item, "params", (double)group->params);
        cJSON_AddItemToArray(list, item);
    }
}

static void add_subject(cJSON *json, const esp_pruning *p)
{
    cJSON_AddStringToObject(json, "application", p->subject->application->name);
    esp_subject_question_json(p->subject, json);
    cJSON_AddNumberToObject(json, "seed", (double)p->subject->settings->seed);
}

static void add_question(cJSON *json, const esp_pruning *p)
{
    char key[64];
    snprintf(key, sizeof key, "search_%s", p->subject->application->sample_name);
    cJSON_AddNumberToObject(json, key, p->subject->search);
    cJSON_AddStringToObject(json, "method", p->request.method->name);
    cJSON_AddStringToObject(json, "importance", p->request.importance->name);
    esp_json_add_choice(json, "groups", ESP_GROUPS_CHOICES, p->request.groups);
    cJSON_AddStringToObject(json, "compensation", p->request.compensation->name);
    cJSON_AddNumberToObject(json, "finetune_steps", p->request.finetune);
    esp_json_add_choice(json, "preset", ESP_PRESET_CHOICES, p->request.preset);
    cJSON_AddNumberToObject(json, "target_sparsity", p->request.search.target.sparsity);
    cJSON_AddNumberToObject(json, "tolerance", p->request.search.target.tolerance);
    cJSON_AddStringToObject(json, "constraint", p->grouping.structural_constraint ? "structural" : "nominal");
    cJSON_AddNumberToObject(json, "lambda", p->request.search.lambda);
    add_grouping(json, p);
}

static void add_origin(cJSON *json, const esp_pruning *p)
{
    cJSON_AddStringToObject(json, "source", p->subject->path);
    const char *command = p->subject->settings->command;
    if (command) cJSON_AddStringToObject(json, "command", command);
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
}

static void add_answer(cJSON *json, const esp_pruning *p)
{
    const esp_network *net = p->subject->net;
    cJSON_AddNumberToObject(json, "nominal_sparsity", p->result.nominal);
    cJSON_AddNumberToObject(json, "structural_sparsity", p->result.structural);
    cJSON *coefficients = cJSON_AddObjectToObject(json, "coefficients");
    for (int g = 0; g < p->grouping.num; g++)
        cJSON_AddNumberToObject(coefficients, p->grouping.group[g].name, p->result.coefficient[g]);
    cJSON *kept = cJSON_AddObjectToObject(json, "kept");
    for (int i = 0; i < net->num_axes; i++)
        if (net->axis[i].prunable)
            cJSON_AddItemToObject(kept, net->axis[i].name,
                                  cJSON_CreateIntArray((int[]){p->result.widths.kept[i], net->axis[i].size}, 2));
}

static void add_figure(cJSON *json, const esp_compared *compared, const esp_figure *figure, int stage)
{
    char key[64];
    snprintf(key, sizeof key, "%s_%s", figure->key, esp_prune_stage_names[stage]);
    esp_figure_json(figure, key, json);
    snprintf(key, sizeof key, "%s_unit", figure->key);
    if (compared->task_unit && figure->unit && stage == ESP_BEFORE) cJSON_AddStringToObject(json, key, figure->unit);
}

/* The figures that are compared, of one measurement, in the order of measurement. */
static void add_compared(cJSON *json, const esp_pruning *p, int stage)
{
    const esp_figure_list *figures = &p->measured[stage].figures;
    for (int i = 0; i < figures->count; i++)
        for (const esp_compared *c = p->subject->application->compared; c->key; c++)
            if (figures->figure[i].key && strcmp(c->key, figures->figure[i].key) == 0)
                add_figure(json, c, &figures->figure[i], stage);
}

static void add_measured(cJSON *json, const esp_pruning *p, int stage)
{
    const esp_measurement *m = &p->measured[stage];
    char key[64];
    snprintf(key, sizeof key, "performance_%s", esp_prune_stage_names[stage]);
    cJSON_AddNumberToObject(json, key, m->performance);
    snprintf(key, sizeof key, "performance_%s_ci95", esp_prune_stage_names[stage]);
    if (!isnan(m->low)) esp_json_add_doubles(json, key, 2, (double[]){m->low, m->high});
    add_compared(json, p, stage);
    snprintf(key, sizeof key, "starts_%s", esp_prune_stage_names[stage]);
    esp_samples_starts_json(&m->samples, p->subject->application->sample_name, p->subject->settings->seed, key, json);
    if (stage == ESP_BEFORE || !p->has[ESP_BEFORE] || m->samples.num_starts == 0) return;
    snprintf(key, sizeof key, "paired_%s", esp_prune_stage_names[stage]);
    cJSON_AddItemToObject(json, key, esp_samples_paired_json(&p->measured[ESP_BEFORE].samples, &m->samples,
                                                             p->subject->settings->seed));
}

static void add_performance(cJSON *json, const esp_pruning *p)
{
    for (int i = 0; i < ESP_PRUNED_STAGES; i++)
        if (p->has[i]) add_measured(json, p, i);
    cJSON_AddNumberToObject(json, "search_performance_before", p->result.baseline);
    cJSON_AddNumberToObject(json, "search_performance", p->result.performance);
    cJSON_AddBoolToObject(json, "judged", p->result.judged);
    double kept = esp_pruning_kept(p);
    if (!isnan(kept)) cJSON_AddNumberToObject(json, "kept_share", kept);
    if (p->request.keep > 0) cJSON_AddNumberToObject(json, "keep", p->request.keep);
    cJSON_AddNumberToObject(json, "evaluations", p->result.evaluations);
    cJSON_AddNumberToObject(json, "iterations", p->result.iterations);
    if (p->result.combinations > 0) { /* only a grid has combinations */
        cJSON_AddNumberToObject(json, "combinations", p->result.combinations);
        cJSON_AddNumberToObject(json, "survivors", p->result.survivors);
    }
    cJSON_AddNumberToObject(json, "wall_s", p->wall_s);
    cJSON_AddNumberToObject(json, "finetune_s", p->finetune_s);
}

/* The median, and the quantiles between which four of five repeats lie. */
static void add_time(cJSON *json, const char *key, const esp_timing *time)
{
    char quantiles[80];
    if (time->repeats == 0) return;
    cJSON_AddNumberToObject(json, key, time->median);
    snprintf(quantiles, sizeof quantiles, "%s_p10_p90", key);
    esp_json_add_doubles(json, quantiles, 2, (double[]){time->p10, time->p90});
}

static void add_rounds(cJSON *json, const esp_pruning *p)
{
    cJSON *rounds = cJSON_AddArrayToObject(json, "rounds");
    for (int i = 0; i < p->num_rounds; i++) {
        const esp_prune_round *round = &p->round[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "target_sparsity", round->target);
        cJSON_AddNumberToObject(item, "structural_sparsity", round->sparsity);
        cJSON_AddNumberToObject(item, "params", round->params);
        cJSON_AddNumberToObject(item, "evaluations", round->evaluations);
        cJSON_AddNumberToObject(item, "search_performance", round->performance);
        cJSON_AddNumberToObject(item, "finetune_steps", round->finetune);
        cJSON_AddNumberToObject(item, "wall_s", round->wall_s);
        cJSON_AddItemToArray(rounds, item);
    }
}

/* Time per action or image, and the bytes of the weights, of a stage. */
static void add_costs(cJSON *json, const esp_pruning *p, int stage)
{
    char key[64];
    snprintf(key, sizeof key, "%s_ms_%s", p->subject->application->action_name, esp_prune_stage_names[stage]);
    add_time(json, key, &p->time[stage]);
    snprintf(key, sizeof key, "weight_bytes_%s", esp_prune_stage_names[stage]);
    cJSON_AddNumberToObject(json, key, (double)esp_network_bytes(p->net[stage], p->subject->components));
}

static void add_size(cJSON *json, const esp_pruning *p)
{
    double original = esp_subject_original_params(p->subject);
    cJSON_AddNumberToObject(json, "params_before", original);
    cJSON_AddNumberToObject(json, "params_after", esp_pruning_params(p, ESP_AFTER));
    cJSON_AddNumberToObject(json, "params_input", esp_pruning_params(p, ESP_BEFORE));
    cJSON_AddNumberToObject(json, "params_original", original);
    cJSON_AddNumberToObject(json, "sparsity_of_original", 1.0 - esp_pruning_params(p, ESP_AFTER) / original);
    cJSON_AddNumberToObject(json, "flops_before", esp_pruning_flops(p, ESP_BEFORE));
    cJSON_AddNumberToObject(json, "flops_after", esp_pruning_flops(p, ESP_AFTER));
    for (int i = 0; i < ESP_PRUNED_STAGES; i++) {
        char key[64];
        if (i != ESP_BEFORE && i != ESP_AFTER) continue; /* the other stages have the size of ESP_AFTER */
        add_costs(json, p, i);
        snprintf(key, sizeof key, "size_bytes_%s", esp_prune_stage_names[i]);
        if (p->bytes[i]) cJSON_AddNumberToObject(json, key, (double)p->bytes[i]);
    }
}

cJSON *esp_pruning_dense_json(const esp_pruning *p)
{
    cJSON *json = cJSON_CreateObject();
    add_subject(json, p);
    add_measured(json, p, ESP_BEFORE);
    cJSON_AddNumberToObject(json, "params_before", esp_pruning_params(p, ESP_BEFORE));
    cJSON_AddNumberToObject(json, "flops_before", esp_pruning_flops(p, ESP_BEFORE));
    add_costs(json, p, ESP_BEFORE);
    add_origin(json, p);
    return json;
}

cJSON *esp_pruning_question_json(const esp_pruning *p)
{
    cJSON *json = cJSON_CreateObject();
    add_subject(json, p);
    add_question(json, p);
    return json;
}

cJSON *esp_pruning_json(const esp_pruning *p)
{
    cJSON *json = esp_pruning_question_json(p);
    add_answer(json, p);
    add_performance(json, p);
    add_rounds(json, p);
    add_size(json, p);
    add_origin(json, p);
    return json;
}

cJSON *esp_pruning_about_json(const esp_pruning *p)
{
    cJSON *json = esp_pruning_question_json(p);
    add_origin(json, p);
    return json;
}
