/* espalier train: trains an agent or an autoencoder from a configuration file. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

typedef struct {
    esp_options *common;
    esp_train_request request;
    const char *tensorboard; /* NULL: no event files */
} arguments;

enum { KEY_RESUME = 0x2000, KEY_TENSORBOARD };

static const struct argp_option table[] = {
    {"output", 'o', "RUN_DIR", 0, "Folder of the run: config.json, metrics.jsonl, checkpoint.safetensors", 0},
    {"resume", KEY_RESUME, NULL, 0, "Resume an interrupted run; the result is bit-identical", 0},
    {"tensorboard", KEY_TENSORBOARD, "DIR", 0, "Also write the metrics as event files for TensorBoard", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->request.judging;
        state->child_inputs[1] = a->common;
        break;
    case 'o': a->request.run_dir = argument; break;
    case KEY_TENSORBOARD: a->tensorboard = argument; break;
    case KEY_RESUME: a->request.resume = true; break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->request.path, argument); break;
    case ARGP_KEY_END:
        status = esp_need_argument(a->request.path, "CONFIG.json");
        if (status == ESP_OK) status = esp_need_argument(a->request.run_dir, "-o RUN_DIR");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp_child children[] = {{&esp_train_argp, 0, NULL, 0}, ESP_OPTIONS_CHILD, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "CONFIG.json -o RUN_DIR",
    .doc = "Trains an agent from pixels and keeps the best checkpoint of its periodic evaluations, or trains an "
           "autoencoder of digits. Every configuration key is described in docs/configuration.md.\v"
           "Examples:\n"
           "  espalier train models/pendulum/config.json -o runs/pendulum\n"
           "  espalier train models/pendulum/config.json -o runs/pendulum --resume\n"
           "  espalier train models/pendulum/config.json -o runs/small --seed 3 \\\n"
           "      --set network.hidden=256\n"
           "  espalier train models/mnist/config.json --data DIR -o runs/mnist\n",
    .children = children,
};

static void print(const esp_application *application, const esp_figure_list *figures, bool json)
{
    if (json) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "application", application->name);
        esp_figure_list_json(figures, object);
        cJSON_AddStringToObject(object, "version", ESP_VERSION);
        esp_json_print(object);
    } else {
        esp_table *table = esp_table_create("ll");
        esp_table_figures(table, figures);
        esp_table_print(table);
    }
}

static int fail(const arguments *a, esp_status status)
{
    if (status != ESP_ERR_INTERRUPTED) return esp_console_fail(status);
    char *state = esp_path_join(a->request.run_dir, "state.safetensors");
    if (access(state, F_OK) == 0)
        esp_fail(status, "interrupted; resume with: %s%s", a->common->command, a->request.resume ? "" : " --resume");
    else
        esp_fail(status, "interrupted before a state was saved; begin again with: %s%s", a->common->command,
                 a->request.resume ? "" : " --resume");
    free(state);
    return esp_console_fail(status);
}

/* Trains, with event files for TensorBoard on request. */
static esp_status train(arguments *a, const esp_application **application, esp_figure_list *figures)
{
    if (!a->tensorboard) return esp_training_run(&a->request, application, figures);
    esp_board *board = esp_board_new(a->tensorboard, a->request.run_dir);
    a->request.watch = (esp_run_watch){.see = esp_board_take, .context = board};
    esp_status status = esp_training_run(&a->request, application, figures);
    if (status == ESP_OK) status = esp_board_finish(board);
    esp_board_free(board);
    return status;
}

int esp_cmd_train(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options, .request = {.settings = &options->settings}};
    const esp_application *application = NULL;
    esp_figure_list figures = {.count = 0};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK) status = train(&a, &application, &figures);
    if (status == ESP_OK) print(application, &figures, options->json);
    esp_figure_list_free(&figures);
    return status == ESP_OK ? ESP_EXIT_DONE : fail(&a, status);
}
