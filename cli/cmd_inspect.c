/* espalier inspect: what a checkpoint consists of, and which axes could share a coefficient. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/layers.h"
#include "cli/origin.h"

typedef struct {
    esp_options *common;
    const char  *checkpoint;
} arguments;

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = a->common; break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->checkpoint, argument); break;
    case ARGP_KEY_END: status = esp_need_argument(a->checkpoint, "CHECKPOINT"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "CHECKPOINT|TASK.json",
    .doc = "Lists components, axes and both groupings of a checkpoint, its contract and its pedigree. An axis is a "
           "dimension along which units can be removed; a group is a set of axes that share one coefficient. Of a task "
           "file: what it observes, rewards and ends with.\v"
           "Examples:\n"
           "  espalier inspect models/pendulum/agent.safetensors\n"
           "  espalier inspect policy.onnx\n"
           "  espalier inspect pruned.safetensors --json\n"
           "  espalier inspect models/pendulum/task.json\n",
    .children = esp_options_children,
};

/* ---- facts ---- */

typedef struct {
    const esp_subject *subject;
    esp_grouping structural, paper;
    esp_figure_list  work;              /* work per action or image, owned */
} facts;

static esp_status gather(const esp_subject *subject, facts *out)
{
    const esp_application *app = subject->application;
    out->subject = subject;
    app->inspect(subject, &out->work);
    esp_grouping_structural(subject->net, ESP_ALL_COMPONENTS, &out->structural);
    return esp_grouping_from_specs(subject->net, app->paper_groups, *app->num_paper_groups, ESP_ALL_COMPONENTS,
                                   &out->paper);
}

static const char *group_type(const esp_group *group)
{
    return group->coupling ? "coupling" : "component-specific";
}

/* ---- JSON ---- */

static void add_axes(cJSON *json, const esp_network *net)
{
    cJSON *axes = cJSON_AddArrayToObject(json, "axes");
    for (int i = 0; i < net->num_axes; i++) {
        cJSON *axis = cJSON_CreateObject();
        cJSON_AddStringToObject(axis, "name", net->axis[i].name);
        cJSON_AddNumberToObject(axis, "size", net->axis[i].size);
        cJSON *components = cJSON_AddArrayToObject(axis, "components");
        for (int c = 0; c < net->num_components; c++)
            if (esp_axis_components(net, i) >> c & 1u)
                cJSON_AddItemToArray(components, cJSON_CreateString(esp_component_name(net, c)));
        cJSON_AddBoolToObject(axis, "prunable", net->axis[i].prunable);
        if (net->axis[i].fixed) cJSON_AddStringToObject(axis, "fixed", net->axis[i].fixed);
        cJSON_AddItemToArray(axes, axis);
    }
}

static void add_groups(cJSON *json, const char *name, const esp_grouping *grouping)
{
    cJSON *groups = cJSON_AddArrayToObject(json, name);
    for (int g = 0; g < grouping->num; g++) {
        const esp_group *group = &grouping->group[g];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", group->name);
        cJSON_AddStringToObject(item, "type", group_type(group));
        cJSON_AddNumberToObject(item, "modules", group->modules);
        cJSON_AddNumberToObject(item, "params", (double)group->params);
        cJSON_AddItemToArray(groups, item);
    }
}

static void print_json(const facts *f)
{
    const esp_network *net = f->subject->net;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", f->subject->application->name);
    cJSON_AddStringToObject(json, "checkpoint", f->subject->path);
    cJSON *components = cJSON_AddObjectToObject(json, "components");
    for (int c = 0; c < net->num_components; c++)
        if (net->component[c].num_layers > 0)
            cJSON_AddNumberToObject(components, esp_component_name(net, c), (double)esp_network_params(net, 1u << c));
    cJSON_AddNumberToObject(json, "params", (double)esp_network_params(net, ESP_ALL_COMPONENTS));
    cJSON_AddNumberToObject(json, "size_bytes", (double)f->subject->bytes);
    esp_figure_list_json(&f->work, json);
    esp_layers_json(net, json);
    add_axes(json, net);
    cJSON *groups = cJSON_AddObjectToObject(json, "groups");
    add_groups(groups, "structural", &f->structural);
    add_groups(groups, "paper", &f->paper);
    esp_origin_json(f->subject, json);
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

/* ---- tables ---- */

static void print_components(const facts *f)
{
    const esp_network *net = f->subject->net;
    char params[ESP_NUMBER_TEXT], macs[ESP_NUMBER_TEXT];
    esp_table *table = esp_table_create("lrrr");
    esp_table_row(table, "component|layers|parameters|FLOPs per pass");
    esp_table_rule(table);
    for (int c = 0; c < net->num_components; c++) {
        const esp_component *component = &net->component[c];
        int layers = 0;
        if (component->num_layers == 0) continue; /* not in the file */
        for (int i = 0; i < component->num_layers; i++) layers += net->layer[component->first_layer + i].weight >= 0;
        esp_table_row(table, "%s|%d|%s|%s", esp_component_name(net, c), layers,
                      esp_text_count((double)esp_network_params(net, 1u << c), params),
                      esp_text_scaled(2 * esp_component_macs(net, c), macs));
    }
    esp_table_rule(table);
    esp_table_row(table, "total||%s|",
                  esp_text_count((double)esp_network_params(net, ESP_ALL_COMPONENTS), params));
    esp_table_print(table);
}

static void print_axes(const esp_network *net)
{
    esp_table *table = esp_table_create("lrll");
    esp_table_row(table, "axis|units|prunable|components");
    esp_table_rule(table);
    for (int i = 0; i < net->num_axes; i++) {
        char names[ESP_MAX_COMPONENTS * ESP_NAME] = "";
        for (int c = 0; c < net->num_components; c++) {
            if (!(esp_axis_components(net, i) >> c & 1u)) continue;
            if (*names) strcat(names, ", ");
            strcat(names, esp_component_name(net, c));
        }
        const char *fixed = net->axis[i].fixed;
        esp_table_row(table, "%s|%d|%s%s%s|%s", net->axis[i].name, net->axis[i].size,
                      net->axis[i].prunable ? "yes" : "no", fixed ? ": " : "", fixed ? fixed : "", names);
    }
    esp_table_print(table);
}

static void print_groups(const char *title, const esp_grouping *grouping)
{
    char params[ESP_NUMBER_TEXT];
    printf("\n%s groups\n", title);
    esp_table *table = esp_table_create("llrr");
    esp_table_row(table, "group|type|modules|parameters");
    esp_table_rule(table);
    for (int g = 0; g < grouping->num; g++) {
        const esp_group *group = &grouping->group[g];
        esp_table_row(table, "%s|%s|%d|%s", group->name, group_type(group), group->modules,
                      esp_text_count((double)group->params, params));
    }
    esp_table_print(table);
}

/* "per action 1.06 GFLOP with mppi, 7.16 MFLOP with policy" */
static void print_work(const facts *f)
{
    printf("per %s", f->subject->application->action_name);
    for (int i = 0; i < f->work.count; i++) {
        char *text = esp_figure_text(&f->work.figure[i]);
        printf("%s %s", i > 0 ? "," : "", text);
        free(text);
    }
}

static void print_tables(const facts *f)
{
    char bytes[ESP_NUMBER_TEXT], title[256];
    f->subject->application->title(f->subject, title, sizeof title);
    printf("%s: %s bytes, %s; ", f->subject->path, esp_text_count((double)f->subject->bytes, bytes), title);
    print_work(f);
    printf("\n\n");
    print_components(f);
    if (f->subject->net->num_components == 1) esp_layers_print(f->subject->net);
    putchar('\n');
    print_axes(f->subject->net);
    print_groups("structural", &f->structural);
    if (f->paper.num > 0) print_groups("paper", &f->paper);
    esp_origin_print(f->subject);
}

/* ---- something without a network: a task ---- */

/* "offset 0, scale 1" for an object, "a, b" for a list. */
static void write_value(const cJSON *value, char *out, size_t size)
{
    char *text = cJSON_IsString(value) ? esp_strdup(value->valuestring) : esp_json_line(value);
    size_t used = 0;
    for (const char *c = text; *c && used + 3 < size; c++) {
        if (strchr("{}[]\"", *c) && !cJSON_IsString(value)) continue;
        out[used++] = *c == '|' ? '/' : *c;
        if ((*c == ',' || *c == ':') && !cJSON_IsString(value)) out[used++] = ' ';
    }
    out[used] = '\0';
    free(text);
}

static void add_fact(esp_table *table, const char *key, const cJSON *value)
{
    char text[1024];
    write_value(value, text, sizeof text);
    esp_table_row(table, "%s|%s", key, text);
}

/* One row per fact; the entries of objects and of lists of objects have rows of their own. */
static void print_facts(const cJSON *facts)
{
    const cJSON *fact, *entry;
    esp_table *table = esp_table_create("ll");
    cJSON_ArrayForEach(fact, facts) {
        bool rows = cJSON_IsObject(fact) || (fact->child && cJSON_IsObject(fact->child));
        char key[256];
        if (!rows) add_fact(table, fact->string, fact);
        cJSON_ArrayForEach(entry, fact) {
            if (!rows) break;
            snprintf(key, sizeof key, "%s %s", fact->string, entry->string ? entry->string : "");
            add_fact(table, key, entry);
        }
    }
    esp_table_print(table);
}

static void show_facts(const esp_subject *subject, bool json)
{
    cJSON *facts = subject->application->facts(subject);
    if (json) {
        cJSON *all = cJSON_CreateObject();
        cJSON_AddStringToObject(all, "application", subject->application->name);
        cJSON_AddStringToObject(all, "checkpoint", subject->path);
        while (facts->child) {
            cJSON *item = cJSON_DetachItemViaPointer(facts, facts->child);
            cJSON_AddItemToObject(all, item->string, item);
        }
        cJSON_AddStringToObject(all, "version", ESP_VERSION);
        esp_json_print(all);
    } else {
        print_facts(facts);
    }
    cJSON_Delete(facts);
}

int esp_cmd_inspect(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options};
    esp_subject subject = {.net = NULL};
    facts f = {.subject = NULL};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK) status = esp_subject_open(a.checkpoint, &options->settings, NULL, NULL, &subject);
    bool network = status == ESP_OK && !subject.application->facts;
    if (status == ESP_OK && !network) show_facts(&subject, options->json);
    if (network) status = gather(&subject, &f);
    if (network && status == ESP_OK && options->json) print_json(&f);
    if (network && status == ESP_OK && !options->json) print_tables(&f);
    esp_figure_list_free(&f.work);
    esp_subject_close(&subject);
    return status == ESP_OK ? ESP_EXIT_DONE : esp_console_fail(status);
}
