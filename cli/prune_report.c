/* What a pruning has done, before and after: as JSON, as tables. */
#include <math.h>
#include <stdio.h>

#include "study/prune.h"

/* Of the controller: what sparsity counts. */
static double params_of(const esp_pruning *p, int stage)
{
    return (double)esp_network_params(p->net[stage], p->subject->components);
}

static double flops_of(const esp_pruning *p, int stage)
{
    return p->subject->application->flops(p->subject, p->net[stage]);
}

/* ---- JSON ---- */

/* What shares a coefficient: a name for every one, and the axes it moves. */
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

static void add_question(cJSON *json, const esp_pruning *p)
{
    const esp_subject *subject = p->subject;
    const esp_application *app = subject->application;
    char key[64];
    cJSON_AddStringToObject(json, "application", app->name);
    app->question_json(subject, json);
    cJSON_AddNumberToObject(json, "seed", (double)subject->options->seed);
    snprintf(key, sizeof key, "search_%s", app->sample_name);
    cJSON_AddNumberToObject(json, key, subject->judging.search);
    cJSON_AddStringToObject(json, "method", p->request.method->name);
    esp_json_add_choice(json, "importance", ESP_IMPORTANCE_CHOICES, p->request.importance);
    esp_json_add_choice(json, "groups", ESP_GROUPS_CHOICES, p->request.groups);
    esp_json_add_choice(json, "compensation", ESP_COMPENSATION_CHOICES, p->request.compensation);
    cJSON_AddNumberToObject(json, "finetune_steps", p->request.finetune);
    cJSON_AddNumberToObject(json, "target_sparsity", p->request.search.target.sparsity);
    cJSON_AddNumberToObject(json, "tolerance", p->request.search.target.tolerance);
    cJSON_AddStringToObject(json, "constraint", p->grouping.structural_constraint ? "structural" : "nominal");
    cJSON_AddNumberToObject(json, "lambda", p->request.search.lambda);
    add_grouping(json, p);
}

static void add_origin(cJSON *json, const esp_pruning *p)
{
    cJSON_AddStringToObject(json, "source", p->subject->path);
    cJSON_AddStringToObject(json, "command", p->subject->options->command);
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

static void add_performance(cJSON *json, const esp_pruning *p)
{
    for (int i = 0; i < ESP_PRUNED_STAGES; i++) {
        char key[64];
        if (!p->has[i]) continue;
        snprintf(key, sizeof key, "performance_%s", esp_prune_stage_names[i]);
        cJSON_AddNumberToObject(json, key, p->measured[i].performance);
        p->subject->application->prune_json(&p->measured[i], esp_prune_stage_names[i], json);
    }
    cJSON_AddNumberToObject(json, "search_performance_before", p->result.baseline);
    cJSON_AddNumberToObject(json, "search_performance", p->result.performance);
    cJSON_AddNumberToObject(json, "evaluations", p->result.evaluations);
    cJSON_AddNumberToObject(json, "iterations", p->result.iterations);
    if (p->result.combinations > 0) { /* of a grid */
        cJSON_AddNumberToObject(json, "combinations", p->result.combinations);
        cJSON_AddNumberToObject(json, "survivors", p->result.survivors);
    }
    cJSON_AddNumberToObject(json, "wall_s", p->wall_s);
}

static void add_size(cJSON *json, const esp_pruning *p)
{
    cJSON_AddNumberToObject(json, "params_before", params_of(p, ESP_BEFORE));
    cJSON_AddNumberToObject(json, "params_after", params_of(p, ESP_AFTER));
    cJSON_AddNumberToObject(json, "flops_before", flops_of(p, ESP_BEFORE));
    cJSON_AddNumberToObject(json, "flops_after", flops_of(p, ESP_AFTER));
    for (int i = 0; i < ESP_PRUNED_STAGES; i++) {
        char key[64];
        if (i != ESP_BEFORE && i != ESP_AFTER) continue; /* of the same size as after */
        snprintf(key, sizeof key, "%s_ms_%s", p->subject->application->action_name, esp_prune_stage_names[i]);
        if (p->has[i]) cJSON_AddNumberToObject(json, key, p->ms[i]);
        snprintf(key, sizeof key, "size_bytes_%s", esp_prune_stage_names[i]);
        if (p->bytes[i]) cJSON_AddNumberToObject(json, key, (double)p->bytes[i]);
    }
}

cJSON *esp_pruning_dense_json(const esp_pruning *p)
{
    const esp_application *app = p->subject->application;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", app->name);
    app->question_json(p->subject, json);
    cJSON_AddNumberToObject(json, "seed", (double)p->subject->options->seed);
    cJSON_AddNumberToObject(json, "performance_before", p->measured[ESP_BEFORE].performance);
    app->prune_json(&p->measured[ESP_BEFORE], "before", json);
    cJSON_AddNumberToObject(json, "params_before", params_of(p, ESP_BEFORE));
    cJSON_AddNumberToObject(json, "flops_before", flops_of(p, ESP_BEFORE));
    add_origin(json, p);
    return json;
}

cJSON *esp_pruning_json(const esp_pruning *p)
{
    cJSON *json = cJSON_CreateObject();
    add_question(json, p);
    add_answer(json, p);
    add_performance(json, p);
    add_size(json, p);
    add_origin(json, p);
    return json;
}

cJSON *esp_pruning_about_json(const esp_pruning *p)
{
    cJSON *json = cJSON_CreateObject();
    add_question(json, p);
    add_origin(json, p);
    return json;
}

/* ---- tables ---- */

/* The stages that there are, in order. */
typedef struct {
    int count, stage[ESP_PRUNED_STAGES];
} stages;

static stages measured_stages(const esp_pruning *p)
{
    stages s = {.count = 0};
    for (int i = 0; i < ESP_PRUNED_STAGES; i++)
        if (p->has[i]) s.stage[s.count++] = i;
    return s;
}

/* A row of numbers, and how much of the first is left in the end: "99.1 %", nothing when it was nothing. */
static void number_row(esp_table *table, const char *name, const stages *s, const double values[ESP_PRUNED_STAGES],
                       char *(*text)(double value, char out[ESP_NUMBER_TEXT]))
{
    char out[ESP_NUMBER_TEXT];
    esp_table_row(table, "%s", name);
    for (int i = 0; i < s->count; i++) esp_table_cell(table, "%s", text(values[s->stage[i]], out));
    double before = values[s->stage[0]], last = values[s->stage[s->count - 1]];
    if (before > 0) esp_table_cell(table, "%.1f %%", 100 * last / before);
    else            esp_table_cell(table, "-");
}

static void print_stages(const esp_pruning *p)
{
    static const char *const alignment[] = {"lrr", "lrrr", "lrrrr", "lrrrrr"};
    const esp_application *app = p->subject->application;
    double performance[ESP_PRUNED_STAGES], params[ESP_PRUNED_STAGES], bytes[ESP_PRUNED_STAGES],
        flops[ESP_PRUNED_STAGES];
    esp_measurement measured[ESP_PRUNED_STAGES];
    char name[64];
    stages s = measured_stages(p);
    esp_table *table = esp_table_create(alignment[s.count - 1]);
    esp_table_row(table, " ");
    for (int i = 0; i < s.count; i++) {
        int stage = s.stage[i];
        esp_table_cell(table, "%s", esp_prune_stage_names[stage]);
        measured[i] = p->measured[stage];
        performance[stage] = p->measured[stage].performance;
        params[stage] = params_of(p, stage);
        flops[stage] = flops_of(p, stage);
        bytes[stage] = (double)p->bytes[stage == ESP_BEFORE ? ESP_BEFORE : ESP_AFTER];
    }
    esp_table_cell(table, "%s / before", esp_prune_stage_names[s.stage[s.count - 1]]);
    esp_table_rule(table);
    number_row(table, app->measure_name, &s, performance, esp_text_performance);
    app->prune_rows(s.count, measured, table);
    number_row(table, "parameters", &s, params, esp_text_count);
    number_row(table, "file, bytes", &s, bytes, esp_text_count);
    snprintf(name, sizeof name, "FLOP an %s", app->action_name);
    number_row(table, name, &s, flops, esp_text_scaled);
    snprintf(name, sizeof name, "ms an %s", app->action_name);
    number_row(table, name, &s, p->ms, esp_text_short);
    esp_table_print(table);
}

static void print_groups(const esp_pruning *p)
{
    const esp_network *net = p->subject->net;
    esp_table *table = esp_table_create("lrlrr");
    esp_table_row(table, "group|coefficient|axis|units|kept");
    esp_table_rule(table);
    for (int g = 0; g < p->grouping.num; g++) {
        const esp_group *group = &p->grouping.group[g];
        for (int i = 0; i < group->num_axes; i++) {
            int axis = group->axis[i];
            char coefficient[ESP_NUMBER_TEXT] = "";
            if (i == 0) snprintf(coefficient, sizeof coefficient, "%.3f", p->result.coefficient[g]);
            esp_table_row(table, "%s|%s|%s|%d|%d", i == 0 ? group->name : "", coefficient, net->axis[axis].name,
                          net->axis[axis].size, p->result.widths.kept[axis]);
        }
    }
    esp_table_print(table);
}

static void print_search(const esp_pruning *p)
{
    char time[ESP_NUMBER_TEXT], combinations[ESP_NUMBER_TEXT], survivors[ESP_NUMBER_TEXT];
    const esp_search_result *r = &p->result;
    if (r->combinations > 0)
        printf("grid of %s combinations, %s at the target\n", esp_text_count(r->combinations, combinations),
               esp_text_count(r->survivors, survivors));
    printf("%d evaluations of %d %s%s, %d iteration%s, %s; search %s %.4g, was %.4g\n", r->evaluations,
           p->subject->judging.search, p->subject->application->sample_name,
           r->scale > 1 ? " (longer ones count as several)" : "", r->iterations, r->iterations == 1 ? "" : "s",
           esp_text_seconds(p->wall_s, time), p->subject->application->measure_name, r->performance, r->baseline);
}

void esp_pruning_print_tables(const esp_pruning *p)
{
    const esp_subject *subject = p->subject;
    const esp_application *app = subject->application;
    char importance[ESP_CONFIG_TEXT], groups[ESP_CONFIG_TEXT], text[256];
    esp_choice_word(ESP_IMPORTANCE_CHOICES, p->request.importance, importance);
    esp_choice_word(ESP_GROUPS_CHOICES, p->request.groups, groups);
    printf("%s pruned: %s, %s, %s groups\n", subject->path, p->request.method->name, importance, groups);
    printf("sparsity %.4f structural, %.4f nominal; target %g +- %g %s\n", p->result.structural, p->result.nominal,
           p->request.search.target.sparsity, p->request.search.target.tolerance,
           p->grouping.structural_constraint ? "structural" : "nominal");
    print_search(p);
    putchar('\n');
    print_groups(p);
    app->question_text(subject, text, sizeof text);
    printf("\n%s\n", text);
    print_stages(p);
}
