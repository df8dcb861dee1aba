/* espalier report: the results of a run, a sweep or a search as one page to look at. */
#include <stdio.h>

#include "cli/cli.h"
#include "pages/pages.h"

typedef struct {
    esp_options      *common;
    esp_pages_request page;
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
    case 'o': a->page.output = argument; break;
    case KEY_NO_FILM: a->page.film = false; break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->page.source, argument); break;
    case ARGP_KEY_END:
        status = esp_need_argument(a->page.source, "SOURCE");
        if (status == ESP_OK) status = esp_need_suffix("-o", a->page.output, ".html");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "SOURCE [-o FILE.html]",
    .doc = "Writes one self-contained HTML page of results: curves, tables, an episode, the exact command. "
           "SOURCE is a folder of `train' or `sweep', a network written by `prune', or the journal "
           "of a search.\v"
           "Examples:\n"
           "  espalier report runs/pendulum -o run.html\n"
           "  espalier report out/pruned.safetensors -o pruned.html\n"
           "  espalier report out/sweep -o sweep.html\n"
           "  espalier report out/pruned.safetensors.journal.jsonl --no-film\n",
    .children = esp_options_children,
};

/* ---- result ---- */

static void print_json(const esp_pages_request *request, const esp_pages_result *result)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "output", request->output);
    cJSON_AddNumberToObject(json, "bytes", (double)result->bytes);
    cJSON_AddStringToObject(json, "source", request->source);
    esp_json_add_choice(json, "kind", ESP_SOURCE_CHOICES, (int)result->kind);
    cJSON_AddNumberToObject(json, result->counted, result->count);
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

int esp_cmd_report(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options,
                   .page = {.settings = &options->settings, .output = "report.html", .film = true}};
    esp_pages_result result;
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK) status = esp_pages_write(&a.page, &result);
    if (status == ESP_OK && options->json) print_json(&a.page, &result);
    if (status == ESP_OK && !options->json)
        printf("written: %s (%zu kB)\n", a.page.output, (result.bytes + 999) / 1000);
    return status == ESP_OK ? ESP_EXIT_DONE : esp_console_fail(status);
}
