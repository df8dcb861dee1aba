/* espalier view: a window in which controllers act and a person can intervene. */
#include <stdio.h>

#include "cli/shown.h"

typedef struct {
    esp_shown        shown;
    esp_view_options view;
} arguments;

enum { KEY_SIZE = 0x2000, KEY_SECONDS, KEY_ALONG };

static const struct argp_option table[] = {
    {"size", KEY_SIZE, "WxH", 0, "Size of the window (default 960x600, wider for several checkpoints)", 0},
    {"along", KEY_ALONG, "DIR|JOURNAL", 0, "Folder of `espalier sweep', or journal of `espalier prune', of the first "
     "checkpoint: its slider picks the best cut found there (default: units of smallest norm, the same fraction "
     "everywhere)", 0},
    {"seconds", KEY_SECONDS, "S", 0, "Close the window after S seconds", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->shown; break;
    case KEY_SIZE: status = esp_parse_size("--size", argument, 64, 8192, &a->view.width, &a->view.height); break;
    case KEY_SECONDS: status = esp_parse_positive("--seconds", argument, 1e6, &a->view.seconds); break;
    case KEY_ALONG: a->view.along = argument; break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp_child children[] = {{&esp_shown_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .doc = "Opens a window in which controllers act, side by side from the same start. Pause, slow "
           "motion, pushes with the mouse, a choice of controllers, and a slider that prunes the running one; F1 lists "
           "the keys. Without a display `espalier record` makes a video.\v"
           "Examples:\n"
           "  espalier view models/pendulum/agent.safetensors --controller policy\n"
           "  espalier view agent.safetensors pruned.safetensors --start hanging\n"
           "  espalier view agent.safetensors --controller policy --along out/sweep\n",
    .children = children,
};

static void print_json(const arguments *a, const esp_view_result *result)
{
    cJSON *json = cJSON_CreateObject(), *paths = cJSON_AddArrayToObject(json, "checkpoints");
    for (int i = 0; i < a->shown.count; i++) cJSON_AddItemToArray(paths, cJSON_CreateString(a->shown.path[i]));
    cJSON_AddNumberToObject(json, "seconds", result->seconds);
    cJSON_AddNumberToObject(json, "simulated_seconds", result->simulated);
    cJSON_AddNumberToObject(json, "frames", result->frames);
    cJSON_AddNumberToObject(json, "frame_ms", result->frame_ms);
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

int esp_cmd_view(int argc, char **argv, esp_options *options)
{
    arguments a = {.shown = esp_shown_of(options)};
    esp_view_result result;
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK) status = esp_shown_open(&a.shown);
    if (status == ESP_OK) {
        a.view.seed = options->settings.seed;
        if (a.view.width == 0) {
            a.view.width = 320 + 640 * a.shown.count;
            a.view.height = 600;
        }
        status = esp_view(a.shown.count, a.shown.role, &a.view, &result);
    }
    if (status == ESP_OK && options->json) print_json(&a, &result);
    esp_shown_close(&a.shown);
    return status == ESP_OK ? ESP_EXIT_DONE : esp_console_fail(status);
}
