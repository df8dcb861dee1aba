/* A network without a task as an application: from an ONNX file or a checkpoint, judged by how well its outputs agree
 * with those of the network that was opened, on recorded inputs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/network_internal.h"

#define SEARCH_INPUTS 1000 /* inputs per evaluation of a search */

static const esp_option options[] = {
    {"data", "data", ESP_FOR_EVAL | ESP_FOR_PRUNE, ESP_OPTION_TEXT, "FILE", 0, 0,
     "ONNX: FILE.safetensors with an array [rows, ...] for every input, by its name"},
    {"inputs", ESP_KEY_SEARCH, ESP_FOR_PRUNE, ESP_OPTION_COUNT, "N", 1, 10000000,
     "ONNX: recorded inputs per evaluation (default 1000)"},
    {"min-agreement", ESP_KEY_DEMAND, ESP_FOR_PRUNE, ESP_OPTION_NUMBER, "X", 0, 0,
     "ONNX: exit with status 3 when the agreement of the outputs is below X (1: equal)"},
    {.key = NULL},
};

/* ---- open ---- */

static esp_status open_network(esp_subject *subject, esp_search_config *search)
{
    esp_network_subject *state = subject->state = esp_alloc(1, sizeof *state);
    esp_status status = subject->file ? esp_network_file_read(subject->file, &state->file)
                                      : esp_onnx_read(subject->path, &state->file);
    if (status != ESP_OK) return status;
    state->data = esp_judging_text(&subject->judging, "data");
    subject->net = state->file.net;
    subject->metadata = state->file.metadata;
    state->file.net = NULL;
    state->file.metadata = (esp_metadata){.contract = NULL};
    subject->components = ESP_ALL_COMPONENTS;
    if (!subject->search) subject->search = SEARCH_INPUTS;
    return esp_settings_apply(subject->settings, NULL, 0, NULL, search);
}

static esp_status prepare(esp_subject *subject)
{
    return esp_network_rows(subject, subject->state);
}

static void close_network(esp_subject *subject)
{
    esp_network_subject *state = subject->state;
    esp_network_rows_free(state);
    esp_onnx_file_free(&state->file);
    free(state);
}

/* ---- recorded data ---- */

static bool has_data(const esp_subject *subject)
{
    return ((const esp_network_subject *)subject->state)->data != NULL;
}

static esp_status record(const esp_subject *subject, void **memory, esp_calibration *out)
{
    const esp_network_subject *state = subject->state;
    const esp_rows *rows = &state->rows[ESP_ROWS_LEARN];
    if (!state->data)
        return esp_fail(ESP_ERR_USAGE, "importance or repair from recorded data needs --data FILE.safetensors; without "
                        "it give --importance l1, l2 or random and --compensate none");
    *out = (esp_calibration){.count = rows->count};
    out->feed[0] = (esp_feed){.source = -1, .data = rows->x, .target = rows->y};
    *memory = subject->state; /* the rows stay where they are */
    return ESP_OK;
}

static void forget(void *memory)
{
    (void)memory;
}

/* ---- the judge of a search ---- */

static void identify(const esp_subject *subject, cJSON *identity)
{
    const esp_network_subject *state = subject->state;
    esp_json_add_hash(identity, "inputs_hash", state->hash);
    cJSON_AddNumberToObject(identity, "inputs", subject->search);
}

/* What candidates are judged by; borrows everything. */
typedef struct {
    const esp_surgeon *surgeon;
    const esp_rows    *rows;
    int                count; /* rows per evaluation */
} judging;

static esp_status judge_cut(const judging *j, const esp_cut *cut, int scale, double *performance)
{
    esp_network *net = NULL;
    int most = j->rows->count / j->count + 1;
    esp_status status = esp_surgeon_operate(j->surgeon, cut, &net);
    if (status == ESP_OK)
        *performance = esp_network_agreement(net, j->rows, (scale < most ? scale : most) * j->count, NULL);
    esp_network_free(net);
    return status;
}

static esp_status performance(void *context, int n, const esp_cut *cuts, int scale, double *out)
{
    const judging *j = context;
    esp_error *errors = esp_alloc((size_t)n, sizeof *errors);
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < n; i++) esp_error_take(&errors[i], judge_cut(j, &cuts[i], scale, &out[i]));
    esp_status status = esp_error_first(errors, n);
    free(errors);
    return status;
}

static esp_status judge(const esp_judge_config *config, esp_judge *out)
{
    const esp_network_subject *state = config->subject->state;
    judging *j = esp_alloc(1, sizeof *j);
    const esp_rows *rows = &state->rows[ESP_ROWS_SEARCH];
    int count = config->subject->search < rows->count ? config->subject->search : rows->count;
    *j = (judging){config->surgeon, rows, count};
    *out = (esp_judge){performance, j, 16, free};
    return ESP_OK;
}

static esp_status keeps(const esp_subject *subject, const esp_network *net, double *share)
{
    const esp_rows *rows = &((const esp_network_subject *)subject->state)->rows[ESP_ROWS_KEEP];
    *share = esp_network_agreement(net, rows, rows->count, NULL);
    return ESP_OK;
}

/* ---- size and time ---- */

static double flops(const esp_subject *subject, const esp_network *net)
{
    (void)subject;
    return 2.0 * esp_component_macs(net, 0);
}

static void time_of_answer(const esp_subject *subject, int n, const esp_network *const *nets, esp_timing *out)
{
    esp_time_answers(n, nets, ((const esp_network_subject *)subject->state)->rows[ESP_ROWS_REPORT].x, out);
}

static esp_status bench(const esp_subject *subject, esp_bench *out)
{
    return subject ? esp_bench_answers(subject->net, "answer.1", "answers/s", out) : ESP_OK;
}

/* ---- held-out inputs ---- */

static const char *data_name(const esp_subject *subject)
{
    const esp_network_subject *state = subject->state;
    if (state->data) return esp_path_name(state->data);
    return esp_component_reads_bytes(subject->net, 0) ? "random bytes" : "standard normal inputs";
}

static esp_status measure(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out)
{
    (void)task;
    const esp_network_subject *state = subject->state;
    const esp_rows *rows = &state->rows[ESP_ROWS_REPORT];
    double mse;
    out->performance = esp_network_agreement(net, rows, rows->count, &mse);
    esp_figure_list_add(&out->figures, (esp_figure){.key = "inputs", .line = 1, .label = "inputs",
                                                    .kind = ESP_FIGURE_NUMBER, .value = rows->count,
                                                    .unit = "held-out inputs"});
    esp_figure_list_add(&out->figures, (esp_figure){.key = "agreement", .line = 2, .label = "agreement",
                                                    .kind = ESP_FIGURE_NUMBER, .decimals = 6,
                                                    .value = out->performance, .unit = "of the outputs (1: equal)"});
    esp_figure_list_add(&out->figures, (esp_figure){.key = "mse", .line = 3, .label = "error",
                                                    .kind = ESP_FIGURE_NUMBER, .decimals = 6, .value = mse,
                                                    .unit = "mean squared error of the outputs"});
    return ESP_OK;
}

static const esp_compared compared[] = {
    {.key = "mse", .label = "mean squared error", .kind = ESP_FIGURE_NUMBER, .decimals = 6},
    {.key = NULL},
};

/* ---- writing ---- */

static esp_status write_network(const esp_subject *subject, const char *path, const esp_network *net,
                                unsigned components, const cJSON *pedigree)
{
    (void)components; /* there is one */
    esp_onnx_file file = ((const esp_network_subject *)subject->state)->file;
    const char *application = esp_json_text(subject->metadata.contract, "application");
    bool own = application && strcmp(application, "network") == 0;
    cJSON *contract = own ? cJSON_Duplicate(subject->metadata.contract, true) : esp_network_contract(&file);
    file.net = (esp_network *)net; /* read only */
    file.metadata = (esp_metadata){.contract = contract, .pedigree = (cJSON *)pedigree};
    esp_status status = esp_has_suffix(path, ".onnx") ? esp_onnx_write(path, &file)
                                                      : esp_network_file_write(path, &file);
    cJSON_Delete(contract);
    return status;
}

static esp_status export_network(const esp_subject *subject, const char *path)
{
    esp_onnx_file file = ((const esp_network_subject *)subject->state)->file;
    file.net = subject->net;
    file.metadata = subject->metadata;
    return esp_onnx_write(path, &file);
}

static void ancestry(const esp_subject *subject, cJSON *entry)
{
    const esp_network_subject *state = subject->state;
    if (state->data) cJSON_AddStringToObject(entry, "data", esp_path_name(state->data));
    esp_json_add_hash(entry, "inputs_hash", state->hash);
}

/* ---- descriptions ---- */

static void question(const esp_subject *subject, esp_figure_list *out)
{
    esp_figure_list_add(out, (esp_figure){.key = "data", .text = data_name(subject)});
}

static void samples(const esp_subject *subject, char *out, size_t size)
{
    const esp_network_subject *state = subject->state;
    char count[64];
    esp_text_counted(state->rows[ESP_ROWS_REPORT].count, "held-out input", count, sizeof count);
    snprintf(out, size, "%s, %s", count, data_name(subject));
}

static void inspect(const esp_subject *subject, esp_figure_list *out)
{
    esp_figure_list_add(out, (esp_figure){.key = "flops_per_answer", .line = 1, .kind = ESP_FIGURE_SCALED,
                                          .value = flops(subject, subject->net), .unit = "FLOP"});
}

static void title(const esp_subject *subject, char *out, size_t size)
{
    const esp_network_subject *state = subject->state;
    if (state->file.opset) snprintf(out, size, "network of opset %d", state->file.opset);
    else                   snprintf(out, size, "network");
}

static const int no_groups = 0;

const esp_application esp_application_network = {
    .name = "network",
    .measure_name = "agreement of the outputs",
    .sample_name = "inputs",
    .action_name = "answer",
    .suffix = ".onnx",
    .num_paper_groups = &no_groups,
    .num_fields = &no_groups,
    .options = options,
    .compared = compared,
    .open = open_network,
    .prepare = prepare,
    .close = close_network,
    .has_data = has_data,
    .record = record,
    .forget = forget,
    .identify = identify,
    .judge = judge,
    .finetune = esp_network_finetune,
    .keeps = keeps,
    .measure = measure,
    .flops = flops,
    .time = time_of_answer,
    .bench = bench,
    .write = write_network,
    .export_onnx = export_network,
    .ancestry = ancestry,
    .question = question,
    .inspect = inspect,
    .title = title,
    .samples = samples,
};
