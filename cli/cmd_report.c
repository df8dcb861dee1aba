/* espalier report: what a run, a sweep or a search left behind, as one page to look at. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "pages/pages.h"

typedef struct {
    esp_options *common;
    const char  *source, *output;
    bool         film;
} arguments;

enum { KEY_NO_FILM = 0x2000 };

static const struct argp_option table[] = {
    {"output", 'o', "FILE.html", 0, "The page (default report.html)", 0},
    {"no-film", KEY_NO_FILM, NULL, 0, "No film strip of an episode and no reconstructed digits", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = a->common; break;
    case 'o': a->output = argument; break;
    case KEY_NO_FILM: a->film = false; break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->source, argument); break;
    case ARGP_KEY_END: status = esp_need_argument(a->source, "SOURCE"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "SOURCE [-o FILE.html]",
    .doc = "Draws what a command left behind into one HTML file that needs nothing else: curves, tables, an episode, "
           "the exact command. SOURCE is a folder of `train' or `sweep', a network written by `prune', or the journal "
           "of a search.\v"
           "Examples:\n"
           "  espalier report runs/pendulum -o run.html\n"
           "  espalier report out/pruned.safetensors -o pruned.html\n"
           "  espalier report out/sweep -o sweep.html\n"
           "  espalier report out/pruned.safetensors.journal.jsonl --no-film\n",
    .children = esp_options_children,
};

/* ---- result ---- */

static void print_json(const arguments *a, const esp_report *report, size_t bytes)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "output", a->output);
    cJSON_AddNumberToObject(json, "bytes", (double)bytes);
    cJSON_AddStringToObject(json, "source", a->source);
    esp_json_add_choice(json, "kind", ESP_SOURCE_CHOICES, report->source->kind);
    static const char *const counts[][2] = {{"lines", "/metrics"}, {"cells", "/cells"},
                                            {"evaluations", "/evaluations/performance"}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const cJSON *list = esp_data_find(report->data, counts[i][1]);
        if (list) cJSON_AddNumberToObject(json, counts[i][0], cJSON_GetArraySize(list));
    }
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

static esp_status make(const arguments *a, esp_report *report, size_t *bytes)
{
    static esp_status (*const pages[])(esp_report *report) = {[ESP_SOURCE_RUN] = esp_report_run,
                                                              [ESP_SOURCE_SWEEP] = esp_report_sweep,
                                                              [ESP_SOURCE_SEARCH] = esp_report_search};
    esp_status status = pages[report->source->kind](report);
    if (status != ESP_OK) return status;
    cJSON_AddStringToObject(report->data, "command", a->common->settings.command);
    esp_page_data(report->page, report->data);
    return esp_page_write(report->page, a->output, bytes);
}

int esp_cmd_report(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options, .output = "report.html", .film = true};
    esp_source source = {.path = NULL};
    size_t bytes = 0;
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK) status = esp_source_find(a.source, &source);
    esp_report report = {.settings = &options->settings, .source = &source, .film = a.film};
    if (status == ESP_OK) status = esp_file_writable(a.output);
    if (status == ESP_OK) status = make(&a, &report, &bytes);
    if (status == ESP_OK && options->json) print_json(&a, &report, bytes);
    if (status == ESP_OK && !options->json) printf("written: %s (%zu kB)\n", a.output, (bytes + 999) / 1000);
    esp_page_free(report.page);
    cJSON_Delete(report.data);
    esp_source_free(&source);
    return status == ESP_OK ? ESP_EXIT_DONE : esp_console_fail(status);
}
