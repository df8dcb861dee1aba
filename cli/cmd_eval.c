/* espalier eval: what a checkpoint is worth on held-out episodes or images. */
#include "cli/application.h"

typedef struct {
    esp_options *common;
    esp_judging  judging;
    const char  *checkpoint;
    const char  *picture; /* path, or NULL */
    double       least;   /* of --min-..., */
    const char  *demand;  /* which names it; NULL: nothing is demanded */
} arguments;

enum { KEY_EPISODES = 0x2000, KEY_MIN_RETURN, KEY_MIN_PSNR, KEY_PICTURE };

static const struct argp_option table[] = {
    {"episodes", KEY_EPISODES, "N", 0, "Agent: episodes to play (default 20); --seed names them", 0},
    {"min-return", KEY_MIN_RETURN, "X", 0, "Agent: exit with status 3 when the mean return is below X", 0},
    {"min-psnr", KEY_MIN_PSNR, "X", 0, "Autoencoder: the same when the PSNR of the mean error is below X dB", 0},
    {"picture", KEY_PICTURE, "FILE.png", 0, "Autoencoder: draw the first test images above their reconstructions", 0},
    {0},
};

static esp_status parse_demand(arguments *a, const char *option, const char *text)
{
    a->demand = option;
    return esp_parse_double(option, text, &a->least);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->judging;
        state->child_inputs[1] = a->common;
        break;
    case KEY_EPISODES:
        a->judging.for_agent = "--episodes";
        status = esp_parse_int("--episodes", argument, 1, 1000000, &a->judging.report);
        break;
    case KEY_MIN_RETURN:
        a->judging.for_agent = "--min-return";
        status = parse_demand(a, "--min-return", argument);
        break;
    case KEY_MIN_PSNR:
        a->judging.for_autoencoder = "--min-psnr";
        status = parse_demand(a, "--min-psnr", argument);
        break;
    case KEY_PICTURE:
        a->judging.for_autoencoder = "--picture";
        a->picture = argument;
        break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->checkpoint, argument); break;
    case ARGP_KEY_END: status = esp_need_argument(a->checkpoint, "CHECKPOINT"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp_child children[] = {{&esp_judging_argp, 0, NULL, 0}, ESP_OPTIONS_CHILD, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "CHECKPOINT",
    .doc = "Plays episodes of an agent in the simulator, from rendered pixels, and reports their return; or "
           "reconstructs the test images with an autoencoder and reports the error.\v"
           "Examples:\n"
           "  espalier eval models/pendulum/agent.safetensors\n"
           "  espalier eval pruned.safetensors --controller policy --start hanging\n"
           "  espalier eval pruned.safetensors --min-return 800 --json    # for a CI job\n"
           "  espalier eval autoencoder.safetensors --data DIR --picture sheet.png\n",
    .children = children,
};

/* ---- results ---- */

static void print_json(const esp_subject *subject, const esp_measurement *m)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", subject->application->name);
    cJSON_AddStringToObject(json, "checkpoint", subject->path);
    subject->application->question_json(subject, json);
    cJSON_AddNumberToObject(json, "seed", (double)subject->options->seed);
    subject->application->eval_json(subject, m, json);
    cJSON_AddNumberToObject(json, "params", (double)esp_network_params(subject->net, ESP_ALL_COMPONENTS));
    cJSON_AddNumberToObject(json, "params_used", (double)esp_network_params(subject->net, subject->components));
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

static void print_table(const esp_subject *subject, const esp_measurement *m)
{
    char all[ESP_NUMBER_TEXT], used[ESP_NUMBER_TEXT];
    size_t params = esp_network_params(subject->net, ESP_ALL_COMPONENTS);
    size_t params_used = esp_network_params(subject->net, subject->components);
    esp_table *table = esp_table_create("ll");
    esp_table_row(table, "checkpoint|%s", subject->path);
    subject->application->eval_rows(subject, m, table);
    esp_text_count((double)params, all);
    if (params_used == params) esp_table_row(table, "parameters|%s", all);
    else
        esp_table_row(table, "parameters|%s, of which the controller uses %s", all,
                      esp_text_count((double)params_used, used));
    esp_table_print(table);
}

static int judge(const arguments *a, const esp_subject *subject, const esp_measurement *m)
{
    if (!a->demand || m->performance >= a->least) return ESP_EXIT_DONE;
    esp_fail(ESP_ERR_RANGE, "%s %.4g is below %s %g", subject->application->measure_name, m->performance, a->demand,
             a->least);
    esp_console_fail(ESP_ERR_RANGE);
    return ESP_EXIT_THRESHOLD;
}

int esp_cmd_eval(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options, .judging = esp_judging_default()};
    esp_subject subject = {.net = NULL};
    esp_measurement measurement = {.returns = NULL};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK) status = esp_subject_open(a.checkpoint, options, &a.judging, NULL, &subject);
    if (status == ESP_OK) status = subject.application->prepare(&subject);
    if (status == ESP_OK) status = subject.application->measure(&subject, subject.net, "eval", &measurement);
    if (status == ESP_OK && a.picture) status = subject.application->picture(&subject, a.picture);
    int result = ESP_EXIT_DONE;
    if (status != ESP_OK) {
        result = esp_console_fail(status);
    } else {
        if (options->json) print_json(&subject, &measurement);
        else               print_table(&subject, &measurement);
        result = judge(&a, &subject, &measurement);
    }
    esp_measurement_free(&measurement);
    esp_subject_close(&subject);
    return result;
}
