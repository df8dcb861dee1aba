/* espalier sweep: many prunings side by side - methods x sparsities x seeds - for Fig. 4 and Pareto
 * curves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/sweep.h"

/* ---- options ---- */

typedef struct {
    esp_options *common;
    const char  *checkpoint;
    const char  *methods, *sparsities;
    esp_sweep    sweep;
} arguments;

enum { KEY_METHODS = 0x2000, KEY_SPARSITIES, KEY_SEEDS };

#define DEFAULT_METHODS "gd,magnitude/l1,magnitude/l2,random"
#define DEFAULT_SPARSITIES "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"

static const struct argp_option table[] = {
    {"output", 'o', "DIR", 0, "Folder of the sweep: results.jsonl, results.csv, pictures", 0},
    {"methods", KEY_METHODS, "LIST", 0, "METHOD or METHOD/IMPORTANCE, ... (default " DEFAULT_METHODS ")", 0},
    {"sparsities", KEY_SPARSITIES, "LIST", 0, "Sparsities, ... (default 0.1,0.2,...,0.9)", 0},
    {"seeds", KEY_SEEDS, "N", 0, "Seeds, from --seed on (default 1)", 0},
    {0},
};

/* "magnitude/l1"; without the importance, that of --importance. */
static esp_status parse_way(arguments *a, const char *text)
{
    esp_sweep_way *way = &a->sweep.way[a->sweep.num_ways++];
    char method[sizeof way->name];
    const char *slash = strchr(text, '/');
    snprintf(way->name, sizeof way->name, "%s", text);
    snprintf(method, sizeof method, "%.*s", (int)(slash ? slash - text : (long)strlen(text)), text);
    way->importance = a->sweep.request.importance;
    esp_status status = esp_parse_method(method, &way->method);
    if (status == ESP_OK && slash)
        status = esp_parse_choice("--methods", slash + 1, ESP_IMPORTANCE_CHOICES, &way->importance);
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

static esp_status parse_list(arguments *a, const char *option, const char *list,
                             esp_status (*one)(arguments *a, const char *text))
{
    char *copy = esp_strdup(list), *rest = NULL;
    esp_status status = ESP_OK;
    int count = 0;
    for (char *word = strtok_r(copy, ", ", &rest); word && status == ESP_OK; word = strtok_r(NULL, ", ", &rest)) {
        if (count++ == ESP_SWEEP_LIST)
            status = esp_fail(ESP_ERR_USAGE, "%s: more than %d entries", option, ESP_SWEEP_LIST);
        else
            status = one(a, word);
    }
    if (status == ESP_OK && count == 0) status = esp_fail(ESP_ERR_USAGE, "%s: the list is empty", option);
    free(copy);
    return status;
}

static esp_status finish_arguments(arguments *a)
{
    esp_status status = esp_need_argument(a->checkpoint, "CHECKPOINT");
    if (status == ESP_OK) status = esp_need_argument(a->sweep.folder, "-o DIR");
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
    .doc = "Prunes a checkpoint with several methods to several sparsities and draws what is left of its performance. "
           "No network is written: `prune' makes the one that is wanted.\v"
           "Examples:\n"
           "  espalier sweep agent.safetensors --controller policy -o out/sweep\n"
           "  espalier sweep agent.safetensors --methods gd,magnitude/l1 \\\n"
           "      --sparsities 0.2,0.6 -o out/two\n"
           "  espalier sweep models/mnist/autoencoder.safetensors --data DIR \\\n"
           "      --methods gd,grid --groups paper -o out/mnist\n"
           "\n"
           "The same command goes on where it was stopped, and adds methods, sparsities\n"
           "and seeds to a sweep that was finished; finished cells are never computed\n"
           "again.",
    .children = esp_prune_children,
};

/* ---- cells ---- */

static esp_status measure_dense(esp_sweep *sweep, const esp_subject *subject)
{
    uint64_t seed = subject->options->seed;
    if (esp_sweep_find(sweep, NULL, 0, seed)) return ESP_OK;
    esp_pruning p = {.subject = subject, .net = {[ESP_BEFORE] = subject->net}};
    esp_status status = esp_pruning_measure(&p, ESP_BEFORE);
    if (status == ESP_OK) {
        cJSON *cell = esp_pruning_dense_json(&p);
        cJSON_AddStringToObject(cell, "way", "dense");
        status = esp_sweep_add(sweep, cell);
    }
    esp_pruning_free(&p);
    return status;
}

/* Cells that share importance and seed share a journal: what one method evaluated another need not. */
static esp_status place_journal(const esp_sweep *sweep, const esp_sweep_way *way, uint64_t seed, char **path)
{
    char importance[ESP_CONFIG_TEXT], name[ESP_CONFIG_TEXT + 64];
    char *journals = esp_path_join(sweep->folder, "journals");
    esp_choice_word(ESP_IMPORTANCE_CHOICES, way->importance, importance);
    snprintf(name, sizeof name, "%s-%ju.jsonl", importance, (uintmax_t)seed);
    *path = esp_path_join(journals, name);
    esp_status status = esp_folder_make(journals);
    free(journals);
    return status;
}

static esp_status prune_cell(const esp_sweep *sweep, const esp_subject *subject, const esp_sweep_way *way,
                             double sparsity, cJSON **out)
{
    esp_prune_request request = sweep->request;
    esp_pruning p;
    char *journal = NULL;
    request.method = way->method;
    request.importance = way->importance;
    request.search.target.sparsity = sparsity;
    esp_status status = place_journal(sweep, way, subject->options->seed, &journal);
    if (status == ESP_OK) status = esp_pruning_search(subject, &request, journal, ESP_JOURNAL_SHARED, &p);
    free(journal);
    if (status != ESP_OK) return status;
    for (int stage = ESP_AFTER; stage < ESP_PRUNED_STAGES && status == ESP_OK; stage++)
        status = esp_pruning_measure(&p, (esp_prune_stage)stage);
    if (status == ESP_OK) *out = esp_pruning_json(&p);
    esp_pruning_free(&p);
    return status;
}

/* A sparsity that can't be reached is a result as well. */
static cJSON *infeasible_cell(const esp_subject *subject, double sparsity)
{
    cJSON *cell = cJSON_CreateObject();
    cJSON_AddNumberToObject(cell, "target_sparsity", sparsity);
    cJSON_AddNumberToObject(cell, "seed", (double)subject->options->seed);
    cJSON_AddStringToObject(cell, "error", esp_error_text());
    return cell;
}

static esp_status run_cell(esp_sweep *sweep, const esp_subject *subject, int number, const esp_sweep_way *way,
                           double sparsity)
{
    if (esp_sweep_find(sweep, way, sparsity, subject->options->seed)) return ESP_OK;
    cJSON *cell = NULL;
    int total = sweep->num_ways * sweep->num_sparsities * sweep->num_seeds;
    esp_log(ESP_LOG_INFO, "cell %d of %d: %s at %g, seed %ju", number, total, way->name, sparsity,
            (uintmax_t)subject->options->seed);
    esp_status status = prune_cell(sweep, subject, way, sparsity, &cell);
    if (status == ESP_ERR_INFEASIBLE) {
        esp_log(ESP_LOG_WARNING, "%s at %g: %s", way->name, sparsity, esp_error_text());
        cell = infeasible_cell(subject, sparsity);
    } else if (status != ESP_OK) {
        return status;
    }
    cJSON_AddStringToObject(cell, "way", way->name);
    return esp_sweep_add(sweep, cell);
}

static esp_status run_seed(esp_sweep *sweep, const esp_subject *subject, int index)
{
    esp_options options = *subject->options;
    esp_subject seeded = *subject;
    options.seed += (uint64_t)index;
    seeded.options = &options;
    int number = index * sweep->num_ways * sweep->num_sparsities;
    esp_status status = measure_dense(sweep, &seeded);
    for (int w = 0; w < sweep->num_ways; w++)
        for (int s = 0; s < sweep->num_sparsities && status == ESP_OK; s++)
            status = run_cell(sweep, &seeded, ++number, &sweep->way[w], sweep->sparsity[s]);
    return status;
}

/* A sweep that was finished before is told of wherever it lies, on a disk that cannot be written as well. */
static esp_status report(const esp_sweep *sweep, int known)
{
    esp_status status = esp_sweep_report(sweep);
    if (status != ESP_ERR_IO || cJSON_GetArraySize(sweep->results) > known) return status;
    esp_log(ESP_LOG_WARNING, "%s (every cell was finished before)", esp_error_text());
    return ESP_OK;
}

static int fail(const arguments *a, esp_status status)
{
    if (status == ESP_ERR_INTERRUPTED)
        esp_fail(status, "interrupted; the same command goes on from %s", a->sweep.folder);
    return esp_console_fail(status);
}

int esp_cmd_sweep(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options, .methods = DEFAULT_METHODS,
                   .sparsities = DEFAULT_SPARSITIES,
                   .sweep = {.num_seeds = 1, .request = esp_prune_request_default()}};
    esp_sweep *sweep = &a.sweep;
    esp_subject subject = {.net = NULL};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK)
        status = esp_subject_open(a.checkpoint, options, &sweep->request.judging, &sweep->request.search, &subject);
    if (status == ESP_OK) status = subject.application->prepare(&subject);
    if (status == ESP_OK) status = esp_sweep_open(sweep, &subject);
    int known = cJSON_GetArraySize(sweep->results);
    for (int i = 0; i < sweep->num_seeds && status == ESP_OK; i++) status = run_seed(sweep, &subject, i);
    if (status == ESP_OK) status = report(sweep, known);
    if (status == ESP_OK) esp_sweep_print(sweep, &subject);
    int result = status == ESP_OK ? ESP_EXIT_DONE : fail(&a, status);
    cJSON_Delete(sweep->results);
    esp_subject_close(&subject);
    return result;
}
