/* espalier prune: searches the coefficients, writes the smaller network, proves it on held-out
 * data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "cli/prune.h"

/* ---- options ---- */

typedef struct {
    esp_options *common;
    esp_prune_request request;
    const char  *checkpoint, *output;
    bool         has_sparsity;          /* --sparsity was given */
    char        *journal;               /* owned */
    esp_journal_kind journal_kind;
    esp_lock    *lock;                  /* lock of the output, owned */
} arguments;

enum { KEY_SPARSITY = 0x2000, KEY_METHOD, KEY_JOURNAL, KEY_ALL_COMPONENTS };

static const struct argp_option table[] = {
    {"output", 'o', "OUT.safetensors", 0, "The smaller network", 0},
    {"sparsity", KEY_SPARSITY, "X", 0, "Fraction of the original controller's parameters to "
     "remove, of a pruned file too (default 0.2)", 0},
    {"method", KEY_METHOD, "NAME", 0, "Search method, see below (default sensitivity; paper: gd)", 0},
    {"all-components", KEY_ALL_COMPONENTS, NULL, 0,
     "Also write the components that the controller does not run", 0},
    {"journal", KEY_JOURNAL, "FILE", 0, "File for all evaluations, from which an interrupted search "
     "resumes (default OUT.safetensors.journal.jsonl)", 0},
    {0},
};

static esp_status finish_arguments(arguments *a)
{
    esp_status status = esp_need_argument(a->checkpoint, "CHECKPOINT");
    if (status == ESP_OK) status = esp_need_argument(a->output, "-o OUT.safetensors");
    a->request.smallest = a->request.keep > 0 && !a->has_sparsity;
    if (status != ESP_OK || a->journal) return status;
    size_t size = strlen(a->output) + sizeof ".journal.jsonl";
    a->journal = esp_alloc(size, 1);
    snprintf(a->journal, size, "%s.journal.jsonl", a->output);
    return ESP_OK;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->request;
        state->child_inputs[1] = a->common;
        break;
    case 'o': a->output = argument; break;
    case KEY_SPARSITY:
        status = esp_parse_sparsity("--sparsity", argument, &a->request.search.target.sparsity);
        a->has_sparsity = true;
        break;
    case KEY_METHOD: status = esp_parse_method("--method", argument, &a->request.method); break;
    case KEY_ALL_COMPONENTS: a->request.all_components = true; break;
    case KEY_JOURNAL:
        free(a->journal);
        a->journal = esp_strdup(argument);
        a->journal_kind = ESP_JOURNAL_NAMED;
        break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->checkpoint, argument); break;
    case ARGP_KEY_END: status = finish_arguments(a); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "CHECKPOINT -o OUT.safetensors",
    .doc = "Searches how many units of each group the network can lose, with episodes in the simulator or images, and "
           "writes the physically smaller network.\v"
           "Examples:\n"
           "  espalier prune agent.safetensors --sparsity 0.2 -o pruned.safetensors\n"
           "  espalier prune agent.safetensors --controller policy --keep 99% -o p.st\n"
           "  espalier prune agent.safetensors --method magnitude --importance l1 -o m.st\n"
           "  espalier prune models/mnist/autoencoder.safetensors --data DIR -o small.st\n"
           "  espalier prune policy.onnx --sparsity 0.5 -o small.onnx\n"
           "  espalier prune policy.onnx --data in.safetensors --keep 99% -o s.onnx\n"
           "\n"
           "Sparsity counts the parameters that the controller uses. The search sees other\n"
           "episodes or images than the report. A search that was stopped resumes from its\n"
           "journal when the same command is given again.",
    .children = esp_prune_children,
};

/* ---- checks worth making before a long search ---- */

static esp_status check_not_input(const arguments *a)
{
    struct stat in, out;
    if (stat(a->checkpoint, &in) != 0 || stat(a->output, &out) != 0) return ESP_OK;
    if (in.st_dev != out.st_dev || in.st_ino != out.st_ino) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "-o: '%s' is the checkpoint itself; name another file", a->output);
}

/* Refuses names with the suffix of another kind of file. */
static esp_status check_suffix(const esp_subject *subject, const char *output)
{
    static const char *const others = ".c|.csv|.html|.json|.jsonl|.mp4|.onnx|.png|.svg|.xml";
    const char *suffix = strrchr(esp_path_name(output), '.'), *own = subject->application->suffix;
    if (!suffix || (own && strcmp(suffix, own) == 0) || esp_choice_index(others, suffix) < 0) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "-o: '%s' does not end with .safetensors%s%s, the format of a network", output,
                    own ? " or " : "", own ? own : "");
}

static esp_status check_output(arguments *a, const esp_subject *subject)
{
    if (strcmp(a->output, a->journal) == 0)
        return esp_fail(ESP_ERR_USAGE, "--journal: '%s' is the output as well; name another file", a->journal);
    esp_status status = check_not_input(a);
    if (status == ESP_OK) status = check_suffix(subject, a->output);
    if (status == ESP_OK) status = esp_file_writable(a->output);
    return status == ESP_OK ? esp_lock_take(a->output, &a->lock) : status;
}

/* ---- all ---- */

/* Writes the result to the journal and prints it. */
static esp_status tell(const arguments *a, const esp_pruning *p)
{
    cJSON *json = esp_pruning_json(p);
    cJSON_AddStringToObject(json, "checkpoint", a->output);
    cJSON_AddStringToObject(json, "journal", a->journal);
    esp_status status = esp_objective_add_result(p->objective, json);
    if (status == ESP_OK && a->common->json) {
        esp_json_print(json);
        return ESP_OK;
    }
    cJSON_Delete(json);
    if (status != ESP_OK) return status;
    esp_pruning_print_tables(p);
    printf("\nwritten: %s (evaluations in %s)\n", a->output, a->journal);
    return ESP_OK;
}

/* *verdict says which demand is not met. */
static esp_status prune(const arguments *a, const esp_subject *subject, esp_error *verdict)
{
    esp_pruning p;
    esp_status status = esp_pruning_search(subject, &a->request, a->journal, a->journal_kind, &p);
    if (status != ESP_OK) return status;
    status = esp_pruning_write(&p, a->output);
    for (int stage = 0; stage < ESP_PRUNED_STAGES && status == ESP_OK; stage++)
        status = esp_pruning_measure(&p, (esp_prune_stage)stage);
    if (status == ESP_OK) {
        esp_pruning_time(&p);
        status = tell(a, &p);
        esp_pruning_warn(&p);
        esp_error_take(verdict, esp_pruning_check(&p));
    }
    esp_pruning_free(&p);
    return status;
}

static int fail(const arguments *a, esp_status status)
{
    if (status == ESP_ERR_INTERRUPTED && access(a->journal, F_OK) == 0)
        esp_fail(status, "interrupted; the same command resumes from %s", a->journal);
    else if (status == ESP_ERR_INTERRUPTED)
        esp_fail(status, "interrupted before anything was evaluated; the same command starts again");
    return esp_console_fail(status);
}

int esp_cmd_prune(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options, .request = esp_prune_request_default()};
    a.request.judging.every_start = true; /* a proof covers all of them */
    esp_subject subject = {.net = NULL};
    esp_error verdict = {.status = ESP_OK};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK)
        status = esp_subject_open(a.checkpoint, &options->settings, &a.request.judging, &a.request.search, &subject);
    if (status == ESP_OK) status = check_output(&a, &subject);
    if (status == ESP_OK) status = esp_subject_prepare(&subject);
    if (status == ESP_OK) status = prune(&a, &subject, &verdict);
    int result = status == ESP_OK ? ESP_EXIT_DONE : fail(&a, status);
    if (status == ESP_OK && verdict.status != ESP_OK) {
        esp_console_fail(esp_error_raise(&verdict));
        result = ESP_EXIT_THRESHOLD;
    }
    esp_subject_close(&subject);
    esp_lock_release(a.lock);
    free(a.journal);
    return result;
}
