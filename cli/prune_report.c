/* What a pruning has done, before and after: as tables, as JSON. */
#include <stdio.h>

#include "cli/prune.h"

unsigned esp_pruning_components(const esp_pruning *p)
{
    return esp_controller_components((esp_controller_kind)p->controller);
}

static const esp_network *net_of(const esp_pruning *p, int when)
{
    return when == ESP_AFTER ? p->pruned : p->subject.net;
}

/* Of the controller: what sparsity counts. */
static double params_of(const esp_pruning *p, int when)
{
    return (double)esp_network_params(net_of(p, when), esp_pruning_components(p));
}

static double flops_of(const esp_pruning *p, int when)
{
    const esp_planner_config *planner = &p->subject.config.planner;
    return esp_action_flops(net_of(p, when), planner, &planner->budget, (esp_controller_kind)p->controller);
}

static double mean_of(const esp_pruning *p, int when)
{
    return p->measured[when].summary.mean;
}

static const char *start_of(const esp_pruning *p)
{
    return p->subject.config.env.start == ESP_START_HANGING ? "hanging" : "random";
}

/* ---- JSON ---- */

static void add_word(cJSON *json, const char *key, const char *choices, int index)
{
    char word[ESP_CONFIG_TEXT];
    esp_choice_word(choices, index, word);
    cJSON_AddStringToObject(json, key, word);
}

static void add_question(cJSON *json, const esp_pruning *p)
{
    cJSON_AddStringToObject(json, "application", "tdmpc");
    cJSON_AddStringToObject(json, "task", p->subject.config.env.task);
    cJSON_AddStringToObject(json, "start", start_of(p));
    add_word(json, "controller", ESP_CONTROLLER_CHOICES, p->controller);
    cJSON_AddNumberToObject(json, "seed", (double)p->common->seed);
    cJSON_AddNumberToObject(json, "search_episodes", p->episodes);
    cJSON_AddNumberToObject(json, "report_episodes", p->report_episodes);
    cJSON_AddStringToObject(json, "method", p->method->name);
    add_word(json, "importance", ESP_IMPORTANCE_CHOICES, p->importance);
    add_word(json, "groups", ESP_GROUPS_CHOICES, p->groups);
    cJSON_AddNumberToObject(json, "target_sparsity", p->search.sparsity);
    cJSON_AddNumberToObject(json, "tolerance", p->search.tolerance);
}

static void add_answer(cJSON *json, const esp_pruning *p)
{
    const esp_network *net = p->subject.net;
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

static void add_interval(cJSON *json, const char *key, const esp_summary *summary)
{
    esp_json_add_doubles(json, key, 2, (double[]){summary->low, summary->high});
}

static void add_performance(cJSON *json, const esp_pruning *p)
{
    const esp_measurement *before = &p->measured[ESP_BEFORE], *after = &p->measured[ESP_AFTER];
    cJSON_AddNumberToObject(json, "performance_before", mean_of(p, ESP_BEFORE));
    cJSON_AddNumberToObject(json, "performance_after", mean_of(p, ESP_AFTER));
    add_interval(json, "performance_before_ci95", &before->summary);
    add_interval(json, "performance_after_ci95", &after->summary);
    cJSON_AddNumberToObject(json, "success_rate_before", (double)before->settled / before->summary.count);
    cJSON_AddNumberToObject(json, "success_rate_after", (double)after->settled / after->summary.count);
    cJSON_AddNumberToObject(json, "search_performance_before", p->result.baseline);
    cJSON_AddNumberToObject(json, "search_performance", p->result.performance);
    cJSON_AddNumberToObject(json, "evaluations", p->result.evaluations);
    cJSON_AddNumberToObject(json, "iterations", p->result.iterations);
    cJSON_AddNumberToObject(json, "wall_s", p->wall_s);
}

static void add_size(cJSON *json, const esp_pruning *p)
{
    cJSON_AddNumberToObject(json, "params_before", params_of(p, ESP_BEFORE));
    cJSON_AddNumberToObject(json, "params_after", params_of(p, ESP_AFTER));
    cJSON_AddNumberToObject(json, "flops_before", flops_of(p, ESP_BEFORE));
    cJSON_AddNumberToObject(json, "flops_after", flops_of(p, ESP_AFTER));
    cJSON_AddNumberToObject(json, "action_ms_before", p->ms[ESP_BEFORE]);
    cJSON_AddNumberToObject(json, "action_ms_after", p->ms[ESP_AFTER]);
    cJSON_AddNumberToObject(json, "size_bytes_before", (double)p->bytes[ESP_BEFORE]);
    cJSON_AddNumberToObject(json, "size_bytes_after", (double)p->bytes[ESP_AFTER]);
    cJSON_AddStringToObject(json, "checkpoint", p->output);
    cJSON_AddStringToObject(json, "source", p->checkpoint);
    cJSON_AddStringToObject(json, "journal", p->journal);
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
}

void esp_pruning_print_json(const esp_pruning *p)
{
    cJSON *json = cJSON_CreateObject();
    add_question(json, p);
    add_answer(json, p);
    add_performance(json, p);
    add_size(json, p);
    esp_json_print(json);
}

/* ---- tables ---- */

/* "99.1 %" of what it was; nothing when it was nothing. */
static const char *share(double before, double after, char out[ESP_NUMBER_TEXT])
{
    if (before > 0) snprintf(out, ESP_NUMBER_TEXT, "%.1f %%", 100 * after / before);
    else            snprintf(out, ESP_NUMBER_TEXT, "-");
    return out;
}

static void count_row(esp_table *table, const char *name, double before, double after)
{
    char a[ESP_NUMBER_TEXT], b[ESP_NUMBER_TEXT], ratio[ESP_NUMBER_TEXT];
    esp_table_row(table, "%s|%s|%s|%s", name, esp_text_count(before, a), esp_text_count(after, b),
                  share(before, after, ratio));
}

static void print_before_after(const esp_pruning *p)
{
    char a[ESP_NUMBER_TEXT], b[ESP_NUMBER_TEXT], ratio[ESP_NUMBER_TEXT];
    const esp_measurement *before = &p->measured[ESP_BEFORE], *after = &p->measured[ESP_AFTER];
    esp_table *table = esp_table_create("lrrr");
    esp_table_row(table, "|before|after|kept");
    esp_table_rule(table);
    esp_table_row(table, "mean return|%.1f|%.1f|%s", before->summary.mean, after->summary.mean,
                  share(before->summary.mean, after->summary.mean, ratio));
    esp_table_row(table, "  95 %% interval|%.1f to %.1f|%.1f to %.1f|", before->summary.low, before->summary.high,
                  after->summary.low, after->summary.high);
    esp_table_row(table, "goal kept to the end|%d of %d|%d of %d|", before->settled, before->summary.count,
                  after->settled, after->summary.count);
    count_row(table, "parameters", params_of(p, ESP_BEFORE), params_of(p, ESP_AFTER));
    count_row(table, "file, bytes", (double)p->bytes[ESP_BEFORE], (double)p->bytes[ESP_AFTER]);
    esp_table_row(table, "FLOP an action|%s|%s|%s", esp_text_scaled(flops_of(p, ESP_BEFORE), a),
                  esp_text_scaled(flops_of(p, ESP_AFTER), b),
                  share(flops_of(p, ESP_BEFORE), flops_of(p, ESP_AFTER), ratio));
    esp_table_row(table, "ms an action|%.3g|%.3g|%s", p->ms[ESP_BEFORE], p->ms[ESP_AFTER],
                  share(p->ms[ESP_BEFORE], p->ms[ESP_AFTER], ratio));
    esp_table_print(table);
}

static void print_groups(const esp_pruning *p)
{
    const esp_network *net = p->subject.net;
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

void esp_pruning_print_tables(const esp_pruning *p)
{
    char controller[ESP_CONFIG_TEXT], importance[ESP_CONFIG_TEXT], groups[ESP_CONFIG_TEXT], time[ESP_NUMBER_TEXT];
    esp_choice_word(ESP_CONTROLLER_CHOICES, p->controller, controller);
    esp_choice_word(ESP_IMPORTANCE_CHOICES, p->importance, importance);
    esp_choice_word(ESP_GROUPS_CHOICES, p->groups, groups);
    printf("%s pruned for %s: %s, %s, %s groups\n", p->checkpoint, controller, p->method->name, importance, groups);
    printf("sparsity %.4f structural, %.4f nominal; target %g +- %g %s\n", p->result.structural, p->result.nominal,
           p->search.sparsity, p->search.tolerance, p->grouping.structural_constraint ? "structural" : "nominal");
    printf("%d evaluations of %d episodes, %d iteration%s, %s; search return %.1f, was %.1f\n\n",
           p->result.evaluations, p->episodes, p->result.iterations, p->result.iterations == 1 ? "" : "s",
           esp_text_seconds(p->wall_s, time), p->result.performance, p->result.baseline);
    print_groups(p);
    printf("\n%d held-out episodes of seed %ju, %s, %s start\n", p->report_episodes, (uintmax_t)p->common->seed,
           p->subject.config.env.task, start_of(p));
    print_before_after(p);
    printf("\nwritten: %s (evaluations in %s)\n", p->output, p->journal);
}
