/* A third application is a third row: this test replaces the table in study/applications.c by one with a toy that no
 * other file knows, and opens, judges, prunes, measures, writes and sweeps with it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "study/study.h"

#include "check.h"
#include "pruned_networks.h"

/* ---- the toy: as many points as it has units, times its gain ---- */

typedef struct { int application; double size; } toy_config;

static const esp_field toy_fields[] = {
    {"application", ESP_CHOICE, offsetof(toy_config, application), 0, 0, "toy", "the one value"},
    {"toy.size", ESP_DOUBLE, offsetof(toy_config, size), 0, 10, NULL, "whatever it is"},
};
enum { TOY_FIELDS = sizeof toy_fields / sizeof *toy_fields };

typedef struct { toy_config config; double gain; bool ready; } toy;

static const esp_option toy_options[] = {
    {"gain", "gain", ESP_FOR_EVAL | ESP_FOR_PRUNE, ESP_OPTION_NUMBER, "X", 0, 0, "Toy: points per unit"},
    {.key = NULL},
};

static esp_status toy_open(esp_subject *subject, esp_search_config *search)
{
    toy *t = subject->state = esp_alloc(1, sizeof *t);
    subject->net = small_network();
    subject->components = ESP_ALL_COMPONENTS;
    if (!subject->search) subject->search = 1;
    t->gain = esp_judging_number(&subject->judging, "gain", 1);
    esp_status status = esp_checkpoint_config(subject->file, "toy", toy_fields, TOY_FIELDS, &t->config);
    if (status == ESP_OK) status = esp_network_load(subject->net, subject->file->file, "");
    if (status == ESP_OK) status = esp_settings_apply(subject->settings, toy_fields, TOY_FIELDS, &t->config, search);
    return status;
}

static esp_status toy_prepare(esp_subject *subject)
{
    ((toy *)subject->state)->ready = true;
    return ESP_OK;
}

static void toy_close(esp_subject *subject) { free(subject->state); }
static void toy_forget(void *recording) { (void)recording; }

static esp_status toy_record(const esp_subject *subject, void **recording, esp_calibration *calibration)
{
    (void)subject, (void)recording, (void)calibration;
    return esp_fail(ESP_ERR_USAGE, "the toy records nothing");
}

static double units(const esp_network *net)
{
    double sum = 0;
    for (int i = 0; i < net->num_axes; i++) sum += net->axis[i].prunable ? net->axis[i].size : 0;
    return sum;
}

static esp_status toy_performance(void *context, int n, const esp_cut *cuts, int scale, double *performance)
{
    const esp_subject *subject = context;
    const toy *t = subject->state;
    (void)scale;
    for (int i = 0; i < n; i++) {
        performance[i] = 0;
        for (int k = 0; k < subject->net->num_axes; k++)
            if (subject->net->axis[k].prunable) performance[i] += t->gain * cuts[i].widths.kept[k];
    }
    return ESP_OK;
}

static void nothing_to_free(void *context) { (void)context; }

static esp_status toy_judge(const esp_judge_config *config, esp_judge *out)
{
    *out = (esp_judge){toy_performance, (void *)config->subject, 16, nothing_to_free};
    return ESP_OK;
}

static void toy_identify(const esp_subject *subject, cJSON *identity)
{
    cJSON_AddNumberToObject(identity, "gain", ((toy *)subject->state)->gain);
}

static esp_status toy_measure(const esp_subject *subject, const esp_network *net, const char *task,
                              esp_measurement *out)
{
    const toy *t = subject->state;
    (void)task;
    if (!t->ready) return esp_fail(ESP_ERR_USAGE, "not prepared");
    out->performance = t->gain * units(net);
    esp_figure_list_add(&out->figures, (esp_figure){.key = "units", .line = 1, .label = "units",
                                                    .kind = ESP_FIGURE_NUMBER, .value = units(net)});
    return ESP_OK;
}

static double toy_flops(const esp_subject *subject, const esp_network *net)
{
    (void)subject;
    return (double)esp_network_params(net, ESP_ALL_COMPONENTS);
}

static void toy_time(const esp_subject *subject, int n, const esp_network *const *nets, esp_timing *out)
{
    (void)subject, (void)nets;
    for (int k = 0; k < n; k++) out[k] = (esp_timing){.repeats = 1, .median = 1, .p10 = 1, .p90 = 1};
}

static esp_status toy_finetune(const esp_subject *subject, void *recording, esp_network *net, int steps)
{
    (void)subject, (void)recording, (void)net, (void)steps;
    return ESP_OK;
}

static esp_status write_toy(const char *path, const toy_config *config, const esp_network *net)
{
    esp_checkpoint_content content = {.net = net, .components = ESP_ALL_COMPONENTS, .fields = toy_fields,
                                      .num_fields = TOY_FIELDS, .config = config};
    return esp_checkpoint_write(path, &content);
}

static esp_status toy_write(const esp_subject *subject, const char *path, const esp_network *net, unsigned components,
                            const cJSON *pedigree)
{
    (void)components;
    CU_ASSERT_EQUAL(cJSON_GetArraySize(pedigree), 1);
    return write_toy(path, &((toy *)subject->state)->config, net);
}

static void toy_question(const esp_subject *subject, esp_figure_list *out)
{
    esp_figure_list_add(out, (esp_figure){.key = "gain", .kind = ESP_FIGURE_NUMBER,
                                          .value = ((toy *)subject->state)->gain});
}

static const esp_compared toy_compared[] = {
    {.key = "units", .label = "units", .kind = ESP_FIGURE_NUMBER},
    {.key = NULL},
};

static const esp_application application_toy = {
    .name = "toy", .measure_name = "points", .sample_name = "looks", .action_name = "look", .options = toy_options,
    .compared = toy_compared, .open = toy_open, .prepare = toy_prepare, .close = toy_close, .record = toy_record,
    .forget = toy_forget, .identify = toy_identify, .judge = toy_judge, .measure = toy_measure, .flops = toy_flops,
    .time = toy_time, .finetune = toy_finetune, .write = toy_write, .question = toy_question,
};

const esp_application *const esp_applications[] = {&esp_application_agent, &esp_application_autoencoder,
                                                   &application_toy, NULL};

/* ---- the tests ---- */

static char folder[] = "/tmp/espalier-third-XXXXXX";
static char *checkpoint, *pruned;

static void make_files(void)
{
    esp_network *net = small_network();
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    checkpoint = esp_path_join(folder, "toy.safetensors");
    pruned = esp_path_join(folder, "pruned.safetensors");
    CHECK_OK(write_toy(checkpoint, &(toy_config){.size = 3}, net));
    esp_network_free(net);
}

static esp_subject open_toy(const esp_settings *settings, const esp_judging *judging, esp_search_config *search)
{
    esp_subject subject = {.net = NULL};
    CHECK_OK(esp_subject_open(checkpoint, settings, judging, search, &subject));
    CHECK_OK(esp_subject_prepare(&subject));
    return subject;
}

static void third_application_is_pruned_and_measured(void)
{
    make_files();
    esp_settings settings = esp_settings_default();
    esp_prune_request request = esp_prune_request_default();
    esp_pruning pruning = {.subject = NULL};
    request.preset = ESP_PRESET_PAPER; /* nothing is recorded */
    request.groups = esp_choice_index(ESP_GROUPS_CHOICES, "structural");
    request.search.target.sparsity = 0.3;
    request.search.target.tolerance = 0.1;
    CHECK_OK(esp_judging_give(&request.judging, ESP_FOR_PRUNE, "gain", "2"));
    esp_subject subject = open_toy(&settings, &request.judging, &request.search);
    CU_ASSERT_PTR_EQUAL(subject.application, &application_toy);
    CHECK_OK(esp_pruning_search(&subject, &request, NULL, ESP_JOURNAL_OWN, &pruning));
    CHECK_OK(esp_pruning_write(&pruning, pruned));
    CHECK_OK(esp_pruning_measure(&pruning, ESP_BEFORE));
    CHECK_OK(esp_pruning_measure(&pruning, ESP_AFTER));
    esp_pruning_time(&pruning);
    CU_ASSERT_DOUBLE_EQUAL(pruning.measured[ESP_BEFORE].performance, 2 * (7 + 5), 0);
    CU_ASSERT(pruning.measured[ESP_AFTER].performance < 2 * (7 + 5));
    CU_ASSERT_DOUBLE_EQUAL(pruning.result.structural, 0.3, 0.1);

    cJSON *json = esp_pruning_json(&pruning);
    CU_ASSERT_STRING_EQUAL(esp_json_text(json, "application"), "toy");
    CU_ASSERT_DOUBLE_EQUAL(esp_json_number(json, "gain"), 2, 0);
    CU_ASSERT_DOUBLE_EQUAL(esp_json_number(json, "units_before"), 12, 0);
    CU_ASSERT(esp_json_number(json, "look_ms_after") == 1);
    CU_ASSERT(!cJSON_HasObjectItem(json, "performance_before_ci95")); /* it has no interval */
    cJSON_Delete(json);
    esp_pruning_free(&pruning);
    esp_subject_close(&subject);
}

static void third_application_refuses_options_of_others(void)
{
    esp_settings settings = esp_settings_default();
    esp_judging judging = {.count = 0};
    esp_subject subject = {.net = NULL};
    CHECK_OK(esp_judging_give(&judging, ESP_FOR_EVAL, "data", "/tmp"));
    CU_ASSERT_EQUAL(esp_subject_open(checkpoint, &settings, &judging, NULL, &subject), ESP_ERR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(esp_error_text(), "which belongs to application 'toy'"));
}

static void third_application_is_swept(void)
{
    esp_settings settings = esp_settings_default();
    char *out = esp_path_join(folder, "sweep");
    esp_sweep sweep = {.folder = out, .num_ways = 1, .num_sparsities = 1, .num_seeds = 1, .sparsity = {0.3},
                       .way = {{.method = esp_search_find("magnitude"), .importance = esp_importance_find("l1"),
                                .name = "magnitude"}},
                       .request = esp_prune_request_default()};
    sweep.request.preset = ESP_PRESET_PAPER;
    sweep.request.groups = esp_choice_index(ESP_GROUPS_CHOICES, "structural");
    sweep.request.search.target.tolerance = 0.1;
    esp_subject subject = open_toy(&settings, NULL, &sweep.request.search);
    CHECK_OK(esp_sweep_open(&sweep, &subject));
    CHECK_OK(esp_sweep_run(&sweep, &subject));
    CHECK_OK(esp_sweep_write_csv(&sweep));
    CU_ASSERT_EQUAL(cJSON_GetArraySize(sweep.results), 2);
    CU_ASSERT_STRING_EQUAL(sweep.measure_name, "points");
    esp_sweep_close(&sweep);
    esp_subject_close(&subject);
    free(out);

    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    CU_ASSERT_EQUAL(system(command), 0);
    free(checkpoint);
    free(pruned);
}

static CU_TestInfo tests[] = {
    {"third application is pruned and measured", third_application_is_pruned_and_measured},
    {"third application refuses options of others", third_application_refuses_options_of_others},
    {"third application is swept", third_application_is_swept},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("third application", tests)
