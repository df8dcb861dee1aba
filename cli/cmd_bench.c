/* espalier bench: speed of every hot path against the machine's limit. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/bench.h"

typedef struct {
    esp_options *common;
    const char  *checkpoint; /* NULL: a full-size agent with random weights */
    const char  *only;
} arguments;

enum { KEY_ONLY = 0x2000 };

static const struct argp_option table[] = {
    {"only", KEY_ONLY, "PATTERN", 0, "Measure the rows whose name matches, for example 'plan*'", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a->common;
        return 0;
    case KEY_ONLY:
        a->only = argument;
        return 0;
    case ARGP_KEY_ARG: return esp_parse_error(esp_take_argument(&a->checkpoint, argument));
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "[CHECKPOINT]",
    .doc = "Measures every hot path for about a second: median, 10th and 90th percentile, and the share of the "
           "machine's matrix product. Without a checkpoint, on a full-size agent with random weights. Rows: gemm, "
           "encode.1, policy.1, encode.64, plan.reference, plan.shipped, plan.search, plan.pruned50, update, frame, "
           "episodes.policy, episodes.mppi.\v"
           "Examples:\n"
           "  espalier bench\n"
           "  espalier bench --only 'plan*' --threads 1 --json\n"
           "  espalier bench pruned.safetensors --only 'episodes*'\n",
    .children = esp_options_children,
};

/* ---- the agent ---- */

/* Last layers start at zero, which the planner would be quick with: their gain is that of the rest. */
static void shake_last_layers(esp_network *net, uint64_t seed)
{
    static const char *const last[] = {"_reward.4.weight", "_Q1.5.weight", "_Q2.5.weight"};
    for (int i = 0; i < 3; i++) {
        const esp_tensor *tensor = &net->tensor[esp_network_find_tensor(net, last[i])];
        esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, (uint64_t)i);
        esp_rng_normal(&rng, net->weights + tensor->offset, tensor->count);
        for (size_t k = 0; k < tensor->count; k++) net->weights[tensor->offset + k] *= 0.05f;
    }
}

static esp_status make_agent(const esp_options *options, esp_subject *subject)
{
    subject->path = "random weights";
    esp_agent_config *config = &subject->agent.config;
    *config = esp_agent_config_default();
    esp_status status = esp_options_apply(options, esp_agent_fields, esp_agent_num_fields, config, NULL);
    if (status == ESP_OK) status = esp_agent_config_check(config);
    if (status == ESP_OK) status = esp_told_create(config, 1, &subject->net);
    if (status != ESP_OK) return status;
    esp_told_init(subject->net, options->seed);
    shake_last_layers(subject->net, options->seed);
    return ESP_OK;
}

static esp_status open_agent(const arguments *a, esp_subject *subject)
{
    esp_judging judging = esp_judging_default();
    esp_status status = esp_subject_open(a->checkpoint, a->common, &judging, NULL, subject);
    if (status != ESP_OK || subject->application == &esp_application_agent) return status;
    return esp_fail(ESP_ERR_USAGE, "%s: an %s, but bench measures the paths of an agent", a->checkpoint,
                    subject->application->name);
}

/* ---- results ---- */

static void read_processor(char *name, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    snprintf(name, size, "unknown processor");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (file) fclose(file);
}

static const char *build_type(void)
{
#ifdef __OPTIMIZE__
    return "optimised, " __VERSION__;
#else
    return "not optimised, " __VERSION__;
#endif
}

static double share_of_peak(const esp_bench *bench, const esp_bench_row *row)
{
    return row->gflops / (bench->peak * row->threads);
}

static cJSON *row_json(const esp_bench *bench, const esp_bench_row *row)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", row->name);
    cJSON_AddStringToObject(json, "size", row->size);
    cJSON_AddNumberToObject(json, "threads", row->threads);
    cJSON_AddNumberToObject(json, "repeats", row->repeats);
    cJSON_AddNumberToObject(json, "median", row->median);
    cJSON_AddNumberToObject(json, "p10", row->p10);
    cJSON_AddNumberToObject(json, "p90", row->p90);
    cJSON_AddStringToObject(json, "unit", row->unit);
    if (row->gflops > 0) {
        cJSON_AddNumberToObject(json, "gflops", row->gflops);
        cJSON_AddNumberToObject(json, "share_of_peak", share_of_peak(bench, row));
    }
    if (row->note[0]) cJSON_AddStringToObject(json, "note", row->note);
    return json;
}

static void print_json(const esp_bench *bench)
{
    char processor[256];
    read_processor(processor, sizeof processor);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "checkpoint", bench->subject.path);
    cJSON_AddStringToObject(json, "processor", processor);
    cJSON_AddNumberToObject(json, "threads", bench->threads);
    cJSON_AddStringToObject(json, "build", build_type());
    cJSON_AddNumberToObject(json, "peak_gflops", bench->peak);
    cJSON *rows = cJSON_AddArrayToObject(json, "rows");
    for (int i = 0; i < bench->num_rows; i++) cJSON_AddItemToArray(rows, row_json(bench, &bench->row[i]));
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

static void print_table(const esp_bench *bench)
{
    char processor[256];
    read_processor(processor, sizeof processor);
    printf("%s; %s\n", processor, build_type());
    printf("%s; matrix products peak at %.1f GFLOP/s a thread\n\n", bench->subject.path, bench->peak);
    esp_table *table = esp_table_create("lrrrrlrrll");
    esp_table_row(table, "path|threads|median|p10|p90|unit|GFLOP/s|of peak|size|");
    esp_table_rule(table);
    for (int i = 0; i < bench->num_rows; i++) {
        const esp_bench_row *row = &bench->row[i];
        char gflops[ESP_NUMBER_TEXT] = "", share[ESP_NUMBER_TEXT] = "";
        if (row->gflops > 0) {
            snprintf(gflops, sizeof gflops, "%.1f", row->gflops);
            snprintf(share, sizeof share, "%.0f %%", 100 * share_of_peak(bench, row));
        }
        esp_table_row(table, "%s|%d|%.3f|%.3f|%.3f|%s|%s|%s|%s|%s", row->name, row->threads, row->median, row->p10,
                      row->p90, row->unit, gflops, share, row->size, row->note);
    }
    esp_table_print(table);
}

int esp_cmd_bench(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    esp_bench bench = {.only = a.only, .threads = omp_get_max_threads()};
    if (status == ESP_OK && a.checkpoint) status = open_agent(&a, &bench.subject);
    if (status == ESP_OK && !a.checkpoint) status = make_agent(options, &bench.subject);
    if (status == ESP_OK) status = esp_bench_run(&bench);
    if (status == ESP_OK && bench.num_rows == 0)
        status = esp_fail(ESP_ERR_USAGE, "--only: no row matches '%s'; `espalier bench --help' lists them", a.only);
    if (status == ESP_OK && options->json) print_json(&bench);
    if (status == ESP_OK && !options->json) print_table(&bench);
    esp_subject_close(&bench.subject);
    return status == ESP_OK ? ESP_EXIT_DONE : esp_console_fail(status);
}
