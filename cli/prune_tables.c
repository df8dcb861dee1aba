/* The result of a pruning, before and after, as tables. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/prune.h"

/* The stages that were measured, in order. */
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

/* A row of numbers, with the share of the first that is left at the end: "99.1 %", or nothing when
 * the first is 0. Of decibels the difference is shown, "-0.06 dB". */
static void number_row(esp_table *table, const char *name, const stages *s, const double values[ESP_PRUNED_STAGES],
                       char *(*text)(double value, char out[ESP_NUMBER_TEXT]), bool decibels)
{
    char out[ESP_NUMBER_TEXT];
    esp_table_row(table, "%s", name);
    for (int i = 0; i < s->count; i++) esp_table_cell(table, "%s", text(values[s->stage[i]], out));
    double before = values[s->stage[0]], last = values[s->stage[s->count - 1]];
    if (decibels)        esp_table_cell(table, "%+.2f dB", last - before);
    else if (before > 0) esp_table_cell(table, "%.1f %%", 100 * last / before);
    else                 esp_table_cell(table, "-");
}

static const esp_figure *figure_of(const esp_pruning *p, int stage, const char *key)
{
    return esp_figure_list_find(&p->measured[stage].figures, key);
}

static void interval_row(esp_table *table, const esp_pruning *p, const stages *s)
{
    if (isnan(p->measured[s->stage[0]].low)) return;
    esp_table_row(table, "  95 %% interval");
    for (int i = 0; i < s->count; i++) {
        const esp_measurement *m = &p->measured[s->stage[i]];
        esp_table_cell(table, "%.1f to %.1f", m->low, m->high);
    }
}

/* A figure of all stages; for an error also the increase. */
static void compared_row(esp_table *table, const esp_pruning *p, const stages *s, const esp_compared *compared)
{
    const esp_figure *first = figure_of(p, s->stage[0], compared->key);
    if (!first) return; /* not every task has every figure */
    bool unit = compared->task_unit && first->unit;
    esp_table_row(table, "%s%s%s", compared->label, unit ? ", " : "", unit ? first->unit : "");
    for (int i = 0; i < s->count; i++) {
        esp_figure figure = *figure_of(p, s->stage[i], compared->key);
        figure.unit = NULL; /* the row's label names it */
        char *text = esp_figure_text(&figure);
        esp_table_cell(table, "%s", text);
        free(text);
    }
    if (!compared->error) return;
    esp_table_row(table, "  added");
    for (int i = 0; i < s->count; i++)
        esp_table_cell(table, "%.*f", compared->decimals,
                       figure_of(p, s->stage[i], compared->key)->value - first->value);
}

/* Three digits only when the middle four fifths of the repeats agree to 1 %: a median says no more than that. */
static void time_text(const esp_timing *time, double ms, char *out, size_t size)
{
    bool exact = time->p90 - time->p10 < 0.01 * time->median;
    int whole = (int)floor(log10(fmax(ms, 1e-6))) + 1, decimals = (exact ? 3 : 2) - whole;
    esp_format(out, size, "%.*f", decimals > 0 ? decimals : 0, ms);
}

/* The median, and between which times four of five repeats lie. */
static void time_rows(esp_table *table, const char *name, const esp_pruning *p, const stages *s)
{
    const esp_timing *first = &p->time[s->stage[0]], *last = &p->time[s->stage[s->count - 1]];
    char low[ESP_NUMBER_TEXT], high[ESP_NUMBER_TEXT];
    esp_table_row(table, "%s", name);
    for (int i = 0; i < s->count; i++) {
        time_text(&p->time[s->stage[i]], p->time[s->stage[i]].median, low, sizeof low);
        esp_table_cell(table, "%s", low);
    }
    esp_table_cell(table, "%.0f %%", 100 * last->median / first->median);
    esp_table_row(table, "  four of five within");
    for (int i = 0; i < s->count; i++) {
        const esp_timing *time = &p->time[s->stage[i]];
        time_text(time, time->p10, low, sizeof low);
        time_text(time, time->p90, high, sizeof high);
        esp_table_cell(table, "%s to %s", low, high);
    }
}

static void print_stages(const esp_pruning *p)
{
    static const char *const alignment[] = {"lrr", "lrrr", "lrrrr", "lrrrrr"};
    const esp_application *app = p->subject->application;
    double performance[ESP_PRUNED_STAGES] = {0}, params[ESP_PRUNED_STAGES], bytes[ESP_PRUNED_STAGES],
        flops[ESP_PRUNED_STAGES];
    char name[64];
    stages s = measured_stages(p);
    esp_table *table = esp_table_create(alignment[s.count - 1]);
    esp_table_row(table, " ");
    for (int i = 0; i < s.count; i++) {
        int stage = s.stage[i];
        esp_table_cell(table, "%s", esp_prune_stage_names[stage]);
        performance[stage] = p->measured[stage].performance;
        params[stage] = esp_pruning_params(p, stage);
        flops[stage] = esp_pruning_flops(p, stage);
        bytes[stage] = (double)p->bytes[stage == ESP_BEFORE ? ESP_BEFORE : ESP_AFTER];
    }
    esp_table_cell(table, "%s / before", esp_prune_stage_names[s.stage[s.count - 1]]);
    esp_table_rule(table);
    number_row(table, app->measure_name, &s, performance, esp_text_performance, app->decibels);
    interval_row(table, p, &s);
    for (const esp_compared *c = app->compared; c->key; c++) compared_row(table, p, &s, c);
    number_row(table, "parameters", &s, params, esp_text_count, false);
    number_row(table, "file, bytes", &s, bytes, esp_text_count, false);
    snprintf(name, sizeof name, "FLOPs per %s", app->action_name);
    number_row(table, name, &s, flops, esp_text_scaled, false);
    snprintf(name, sizeof name, "ms per %s", app->action_name);
    time_rows(table, name, p, &s);
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
            if (i == 0) esp_format(coefficient, sizeof coefficient, "%.3f", p->result.coefficient[g]);
            esp_table_row(table, "%s|%s|%s|%d|%d", i == 0 ? group->name : "", coefficient, net->axis[axis].name,
                          net->axis[axis].size, p->result.widths.kept[axis]);
        }
    }
    esp_table_print(table);
}

static void print_time(const esp_pruning *p)
{
    char all[ESP_NUMBER_TEXT], finetuning[ESP_NUMBER_TEXT];
    if (p->finetune_s > 0)
        printf("time: %s with recording and finetuning, which took %s\n", esp_text_seconds(p->wall_s, all),
               esp_text_seconds(p->finetune_s, finetuning));
    else
        printf("time: %s with recording\n", esp_text_seconds(p->wall_s, all));
}

static void print_search(const esp_pruning *p)
{
    char combinations[ESP_NUMBER_TEXT], survivors[ESP_NUMBER_TEXT], samples[ESP_NUMBER_TEXT],
        evaluations[64], iterations[64];
    const esp_search_result *r = &p->result;
    if (r->combinations > 0)
        printf("grid of %s combinations, %s at the target\n", esp_text_count(r->combinations, combinations),
               esp_text_count(r->survivors, survivors));
    printf("search: %s, %s %s, %s\n", esp_text_counted(r->evaluations, "evaluation", evaluations, 64),
           esp_text_count((double)r->evaluations * p->subject->search, samples), p->subject->application->sample_name,
           esp_text_counted(r->iterations, "iteration", iterations, 64));
    print_time(p);
    printf("performance in the search: %.4g, unpruned %.4g (%s)\n", r->performance, r->baseline,
           p->subject->application->measure_name);
    if (!r->judged) printf("not judged: the uncut network has no performance to lose, so importance alone decided\n");
}

void esp_pruning_print_tables(const esp_pruning *p)
{
    const esp_subject *subject = p->subject;
    const esp_application *app = subject->application;
    char groups[ESP_CONFIG_TEXT], text[256];
    esp_choice_word(ESP_GROUPS_CHOICES, p->request.groups, groups);
    printf("%s pruned: %s, %s, %s groups\n", subject->path, p->request.method->name,
           p->request.importance->name, groups);
    printf("sparsity %.4f structural, %.4f nominal; target %g +- %g %s\n", p->result.structural, p->result.nominal,
           p->request.search.target.sparsity, p->request.search.target.tolerance,
           p->grouping.structural_constraint ? "structural" : "nominal");
    print_search(p);
    putchar('\n');
    print_groups(p);
    app->samples(subject, text, sizeof text);
    printf("\n%s\n", text);
    print_stages(p);    for (int i = ESP_AFTER; i < ESP_PRUNED_STAGES; i++)
        if (p->has[i] && !(i == ESP_AFTER && p->has[ESP_FINETUNED]))
            esp_print_paired(app->sample_name, esp_prune_stage_names[ESP_BEFORE], &p->measured[ESP_BEFORE].samples,
                             esp_prune_stage_names[i], &p->measured[i].samples, subject->settings->seed);
}
