/* espalier bench: speed of every hot path against the machine's limit. */
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

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
    .doc = "Measures every hot path for about a second: median, 10th and 90th percentile, and speed as a share of a "
           "matrix product's. Without a checkpoint it uses a full-size agent with random weights. Rows: gemm, "
           "encode.1, policy.1, encode.64, plan.reference, plan.shipped, plan.search, plan.pruned50, update, frame, "
           "episodes.policy, episodes.mppi.\v"
           "Examples:\n"
           "  espalier bench\n"
           "  espalier bench --only 'plan*' --threads 1 --json\n"
           "  espalier bench pruned.safetensors --only 'episodes*'\n"
           "  espalier bench policy.onnx --only 'answer*'\n",
    .children = esp_options_children,
};

/* ---- results ---- */

static const char *build_type(void)
{
#ifdef __OPTIMIZE__
    return "optimised, " __VERSION__;
#else
    return "not optimised, " __VERSION__;
#endif
}

static const char *name_of(const esp_bench *bench)
{
    return bench->checkpoint ? bench->checkpoint : "random weights";
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
    esp_processor_name(processor, sizeof processor);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "checkpoint", name_of(bench));
    cJSON_AddStringToObject(json, "processor", processor);
    cJSON_AddNumberToObject(json, "threads", bench->threads);
    cJSON_AddStringToObject(json, "build", build_type());
    cJSON_AddStringToObject(json, "kernel", esp_kernel_used());
    cJSON_AddStringToObject(json, "blas_kernel", esp_blas_describe().kernel);
    cJSON_AddNumberToObject(json, "peak_gflops", bench->peak);
    cJSON *rows = cJSON_AddArrayToObject(json, "rows");
    for (int i = 0; i < bench->num_rows; i++) cJSON_AddItemToArray(rows, row_json(bench, &bench->row[i]));
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

static void print_table(const esp_bench *bench)
{
    char processor[256];
    esp_processor_name(processor, sizeof processor);
    printf("%s; kernels for %s; %s\n", processor, esp_kernel_used(), build_type());
    printf("%s; matrix products of OpenBLAS (%s) peak at %.1f GFLOP/s per thread\n\n", name_of(bench),
           esp_blas_describe().kernel, bench->peak);
    esp_table *table = esp_table_create("lrrrrlrrll");
    esp_table_row(table, "path|threads|median|p10|p90|unit|GFLOP/s|of peak|size|");
    esp_table_rule(table);
    for (int i = 0; i < bench->num_rows; i++) {
        const esp_bench_row *row = &bench->row[i];
        char gflops[ESP_NUMBER_TEXT] = "", share[ESP_NUMBER_TEXT] = "";
        if (row->gflops > 0) {
            esp_format(gflops, sizeof gflops, "%.1f", row->gflops);
            esp_format(share, sizeof share, "%.0f %%", 100 * share_of_peak(bench, row));
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
    esp_bench bench = {.settings = &options->settings, .checkpoint = a.checkpoint, .only = a.only,
                       .threads = omp_get_max_threads()};
    if (status == ESP_OK) status = esp_bench_run(&bench);
    if (status == ESP_OK && bench.num_rows == 0)
        status = esp_fail(ESP_ERR_USAGE, "--only: no row matches '%s'; `espalier bench --help' lists them", a.only);
    if (status == ESP_OK && options->json) print_json(&bench);
    if (status == ESP_OK && !options->json) print_table(&bench);
    return status == ESP_OK ? ESP_EXIT_DONE : esp_console_fail(status);
}
