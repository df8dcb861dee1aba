/* espalier sweep: many prunings side by side - methods x sparsities x seeds - for Fig. 4 and Pareto
 * curves. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/prune.h"
#include "pages/pages.h"

/* ---- options ---- */

typedef struct {
    esp_options *common;
    const char  *checkpoint;
    const char  *methods, *sparsities;
    const char  *tensorboard; /* folder for event files; NULL: none */
    esp_sweep    sweep;
} arguments;

enum { KEY_METHODS = 0x2000, KEY_SPARSITIES, KEY_SEEDS, KEY_TENSORBOARD };

#define DEFAULT_METHODS "gd,magnitude/l1,magnitude/l2,random"
#define DEFAULT_SPARSITIES "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"

static const struct argp_option table[] = {
    {"output", 'o', "DIR", 0, "Folder of the sweep: results.jsonl, results.csv, pictures", 0},
    {"methods", KEY_METHODS, "LIST", 0, "METHOD or METHOD/IMPORTANCE, ... (default " DEFAULT_METHODS ")", 0},
    {"sparsities", KEY_SPARSITIES, "LIST", 0, "Sparsities, ... (default 0.1,0.2,...,0.9)", 0},
    {"seeds", KEY_SEEDS, "N", 0, "Number of seeds, counted up from --seed (default 1)", 0},
    {"tensorboard", KEY_TENSORBOARD, "DIR", 0, "Also write the results as event files for TensorBoard", 0},
    {0},
};

/* "magnitude/l1"; without an importance, that of --importance. */
static esp_status parse_way(arguments *a, const char *text)
{
    esp_sweep_way *way = &a->sweep.way[a->sweep.num_ways++];
    char method[sizeof way->name];
    const char *slash = strchr(text, '/');
    snprintf(way->name, sizeof way->name, "%s", text);
    snprintf(method, sizeof method, "%.*s", (int)(slash ? slash - text : (long)strlen(text)), text);
    way->importance = a->sweep.request.importance;
    esp_status status = esp_parse_method("--methods", method, &way->method);
    if (status == ESP_OK && slash) status = esp_parse_importance("--methods", slash + 1, &way->importance);
    for (int i = 0; i < a->sweep.num_ways - 1 && status == ESP_OK; i++)
        if (strcmp(a->sweep.way[i].name, way->name) == 0)
            status = esp_fail(ESP_ERR_USAGE, "--methods: '%s' is in the list twice", text);
    return status;
}

static esp_status parse_one_sparsity(arguments *a, const char *text)
{
    double *sparsity = a->sweep.sparsity;
    int count = a->sweep.num_sparsities++;
    esp_status status = esp_parse_sparsity("--sparsities", text, &sparsity[count]);
    for (int i = 0; i < count && status == ESP_OK; i++)
        if (esp_sweep_equal(sparsity[i], sparsity[count]))
            status = esp_fail(ESP_ERR_USAGE, "--sparsities: %s is in the list twice", text);
    return status;
}

/* Whether the list has a comma at either end, or two in a row. */
static bool has_gap(const char *list)
{
    char before = ',';
    for (const char *c = list; *c; c++) {
        if (*c == ' ') continue;
        if (*c == ',' && before == ',') return true;
        before = *c;
    }
    return before == ',';
}

static esp_status parse_list(arguments *a, const char *option, const char *list,
                             esp_status (*one)(arguments *a, const char *text))
{
    if (has_gap(list)) return esp_fail(ESP_ERR_USAGE, "%s: the list '%s' has an empty entry", option, list);
    char *copy = esp_strdup(list), *rest = NULL;
    esp_status status = ESP_OK;
    int count = 0;
    for (char *word = strtok_r(copy, ", ", &rest); word && status == ESP_OK; word = strtok_r(NULL, ", ", &rest)) {
        if (count++ == ESP_SWEEP_LIST)
            status = esp_fail(ESP_ERR_USAGE, "%s: more than %d entries", option, ESP_SWEEP_LIST);
        else
            status = one(a, word);
    }
    free(copy);
    return status;
}

static esp_status finish_arguments(arguments *a)
{
    esp_status status = esp_need_argument(a->checkpoint, "CHECKPOINT");
    if (status == ESP_OK) status = esp_need_argument(a->sweep.folder, "-o DIR");
    esp_prune_request_choose(&a->sweep.request);
    if (status == ESP_OK) status = parse_list(a, "--methods", a->methods, parse_way);
    if (status == ESP_OK) status = parse_list(a, "--sparsities", a->sparsities, parse_one_sparsity);
    return status;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->sweep.request;
        state->child_inputs[1] = a->common;
        break;
    case 'o': a->sweep.folder = argument; break;
    case KEY_METHODS: a->methods = argument; break;
    case KEY_SPARSITIES: a->sparsities = argument; break;
    case KEY_SEEDS: status = esp_parse_int("--seeds", argument, 1, ESP_SWEEP_SEEDS, &a->sweep.num_seeds); break;
    case KEY_TENSORBOARD: a->tensorboard = argument; break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->checkpoint, argument); break;
    case ARGP_KEY_END: status = finish_arguments(a); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "CHECKPOINT -o DIR",
    .doc = "Prunes a checkpoint with several methods to several sparsities and draws the remaining performance. "
           "It writes no network: `espalier prune' makes the one you want.\v"
           "Examples:\n"
           "  espalier sweep agent.safetensors --controller policy -o out/sweep\n"
           "  espalier sweep agent.safetensors --methods gd,magnitude/l1 \\\n"
           "      --sparsities 0.2,0.6 -o out/two\n"
           "  espalier sweep models/mnist/autoencoder.safetensors --data DIR \\\n"
           "      --methods gd,grid --groups paper -o out/mnist\n"
           "\n"
           "The same command resumes where it was stopped, and adds methods, sparsities\n"
           "and seeds to a sweep that was finished; finished cells are never computed\n"
           "again.",
    .children = esp_prune_children,
};

/* Prints a sweep that was finished before even where nothing can be written. */
static esp_status report(const esp_sweep *sweep, const char *tensorboard, int known)
{
    esp_status status = esp_sweep_write_csv(sweep);
    if (status == ESP_OK && tensorboard) status = esp_sweep_write_events(sweep, tensorboard);
    if (status == ESP_OK) status = esp_sweep_write_pictures(sweep);
    if (status != ESP_ERR_IO || cJSON_GetArraySize(sweep->results) > known) return status;
    esp_log(ESP_LOG_WARNING, "%s (every cell was finished before)", esp_error_text());
    return ESP_OK;
}

static void print_table(const esp_sweep *sweep, const esp_subject *subject)
{
    esp_table *table = esp_table_create("lrrrrrr");
    esp_table_row(table, "method|seed|target|sparsity|%s|parameters|evaluations", subject->application->measure_name);
    esp_table_rule(table);
    const cJSON *cell;
    cJSON_ArrayForEach(cell, sweep->results) {
        const char *way = cJSON_GetObjectItemCaseSensitive(cell, "way")->valuestring;
        double target = esp_json_number(cell, "target_sparsity");
        bool is_dense = isnan(target);
        char params[ESP_NUMBER_TEXT], key[64];
        snprintf(key, sizeof key, "performance_%s", esp_cell_stage(cell));
        double performance = esp_json_number(cell, key);
        esp_table_row(table, "%s|%.0f", way, esp_json_number(cell, "seed"));
        if (is_dense) esp_table_cell(table, "|");
        else if (isnan(performance)) esp_table_cell(table, "%g|cannot be reached", target);
        else esp_table_cell(table, "%g|%.3f", target, esp_json_number(cell, "structural_sparsity"));
        if (isnan(performance)) continue;
        esp_text_count(esp_json_number(cell, is_dense ? "params_before" : "params_after"), params);
        esp_table_cell(table, "%.5g|%s", performance, params);
        if (!is_dense) esp_table_cell(table, "%.0f", esp_json_number(cell, "evaluations"));
    }
    esp_table_print(table);
    printf("\nresults.jsonl, results.csv and pictures are in %s\n", sweep->folder);
}

static void print_result(const esp_sweep *sweep, const esp_subject *subject, bool json)
{
    if (!json) {
        print_table(sweep, subject);
        return;
    }
    cJSON *result = cJSON_CreateObject();
    cJSON_AddStringToObject(result, "application", subject->application->name);
    cJSON_AddStringToObject(result, "directory", sweep->folder);
    cJSON_AddItemToObject(result, "cells", cJSON_Duplicate(sweep->results, true));
    cJSON_AddStringToObject(result, "version", ESP_VERSION);
    esp_json_print(result);
}

static int fail(const arguments *a, esp_status status)
{
    if (status == ESP_ERR_INTERRUPTED)
        esp_fail(status, "interrupted; the same command resumes from %s", a->sweep.folder);
    return esp_console_fail(status);
}

int esp_cmd_sweep(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options, .methods = DEFAULT_METHODS,
                   .sparsities = DEFAULT_SPARSITIES,
                   .sweep = {.num_seeds = 1, .request = esp_prune_request_default()}};
    esp_sweep *sweep = &a.sweep;
    sweep->request.preset = ESP_PRESET_PAPER; /* bare methods are compared: nothing repaired, nothing finetuned */
    sweep->request.groups = esp_choice_index(ESP_GROUPS_CHOICES, "structural");
    esp_subject subject = {.net = NULL};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK)
        status = esp_subject_open(a.checkpoint, &options->settings, &sweep->request.judging,
                                  &sweep->request.search, &subject);
    if (status == ESP_OK) status = esp_subject_prepare(&subject);
    if (status == ESP_OK) status = esp_sweep_open(sweep, &subject);
    int known = cJSON_GetArraySize(sweep->results);
    if (status == ESP_OK) status = esp_sweep_run(sweep, &subject);
    if (status == ESP_OK) status = report(sweep, a.tensorboard, known);
    if (status == ESP_OK) print_result(sweep, &subject, options->json);
    bool finished = status == ESP_OK;
    if (finished) status = esp_sweep_check(sweep, &subject);
    int result = status == ESP_OK ? ESP_EXIT_DONE : fail(&a, status);
    if (finished && status != ESP_OK) result = ESP_EXIT_THRESHOLD;
    esp_sweep_close(sweep);
    esp_subject_close(&subject);
    return result;
}
