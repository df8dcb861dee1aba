/* espalier eval: the closed-loop return of a checkpoint. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

typedef struct {
    esp_options *common;
    const char  *checkpoint;
    int          episodes, controller;
    int          start;            /* esp_start, or -1: the configuration's */
    double       min_return;
    bool         has_min_return;
} arguments;

enum { KEY_EPISODES = 0x2000, KEY_CONTROLLER, KEY_START, KEY_MIN_RETURN };

static const struct argp_option table[] = {
    {"episodes", KEY_EPISODES, "N", 0, "Episodes to play (default 20); --seed names them", 0},
    {"controller", KEY_CONTROLLER, ESP_CONTROLLER_CHOICES, 0, "The planner, or the policy alone (default mppi)", 0},
    {"start", KEY_START, "random|hanging", 0, "Short for --set env.start=...", 0},
    {"min-return", KEY_MIN_RETURN, "X", 0, "Exit with status 3 when the mean return is below X", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = a->common; break;
    case KEY_EPISODES: status = esp_parse_int("--episodes", argument, 1, 1000000, &a->episodes); break;
    case KEY_CONTROLLER:
        status = esp_parse_choice("--controller", argument, ESP_CONTROLLER_CHOICES, &a->controller);
        break;
    case KEY_START: status = esp_parse_choice("--start", argument, "random|hanging", &a->start); break;
    case KEY_MIN_RETURN:
        a->has_min_return = true;
        status = esp_parse_double("--min-return", argument, &a->min_return);
        break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->checkpoint, argument); break;
    case ARGP_KEY_END: status = esp_need_argument(a->checkpoint, "CHECKPOINT"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp_child children[] = {{&esp_options_argp, 0, "Options of every command:", 1}, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "CHECKPOINT",
    .doc = "Plays episodes of a checkpoint in the simulator, from rendered pixels, and reports their return.\v"
           "Examples:\n"
           "  espalier eval models/pendulum/agent.safetensors\n"
           "  espalier eval pruned.safetensors --controller policy --start hanging\n"
           "  espalier eval pruned.safetensors --min-return 800 --json    # for a CI job\n",
    .children = children,
};

/* ---- results ---- */

static const char *choice(const char *choices, int index, char word[ESP_CONFIG_TEXT])
{
    esp_choice_word(choices, index, word);
    return word;
}

static unsigned used_components(const arguments *a)
{
    return esp_controller_components((esp_controller_kind)a->controller);
}

static double flops(const arguments *a, const esp_subject *subject)
{
    const esp_planner_config *planner = &subject->config.planner;
    return esp_action_flops(subject->net, planner, &planner->budget, (esp_controller_kind)a->controller);
}

static void print_json(const arguments *a, const esp_subject *subject, const esp_measurement *m)
{
    char word[ESP_CONFIG_TEXT];
    const esp_summary *s = &m->summary;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", "tdmpc");
    cJSON_AddStringToObject(json, "checkpoint", subject->path);
    cJSON_AddStringToObject(json, "task", subject->config.env.task);
    cJSON_AddStringToObject(json, "start", choice("random|hanging", subject->config.env.start, word));
    cJSON_AddStringToObject(json, "reward", choice("sparse|dense", subject->config.env.reward, word));
    cJSON_AddStringToObject(json, "controller", choice(ESP_CONTROLLER_CHOICES, a->controller, word));
    cJSON_AddNumberToObject(json, "seed", (double)a->common->seed);
    cJSON_AddNumberToObject(json, "episodes", s->count);
    cJSON_AddNumberToObject(json, "return_mean", s->mean);
    cJSON_AddNumberToObject(json, "return_std", s->std);
    esp_json_add_doubles(json, "return_ci95", 2, (double[]){s->low, s->high});
    cJSON_AddNumberToObject(json, "return_iqm", s->iqm);
    esp_json_add_doubles(json, "returns", s->count, m->returns);
    cJSON_AddNumberToObject(json, "success_rate", (double)m->settled / s->count);
    cJSON_AddNumberToObject(json, "steps_per_second", m->steps);
    cJSON_AddNumberToObject(json, "params", (double)esp_network_params(subject->net, ESP_ALL_COMPONENTS));
    cJSON_AddNumberToObject(json, "params_used", (double)esp_network_params(subject->net, used_components(a)));
    cJSON_AddNumberToObject(json, "flops_per_action", flops(a, subject));
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

static void print_table(const arguments *a, const esp_subject *subject, const esp_measurement *m)
{
    char word[ESP_CONFIG_TEXT], first[ESP_NUMBER_TEXT], second[ESP_NUMBER_TEXT];
    const esp_summary *s = &m->summary;
    esp_table *table = esp_table_create("ll");
    esp_table_row(table, "checkpoint|%s", subject->path);
    esp_table_row(table, "task|%s, %s start, %s reward", subject->config.env.task,
                  subject->config.env.start == ESP_START_HANGING ? "hanging" : "random",
                  choice("sparse|dense", subject->config.env.reward, word));
    esp_table_row(table, "controller|%s", choice(ESP_CONTROLLER_CHOICES, a->controller, word));
    esp_table_row(table, "episodes|%d of seed %ju", s->count, (uintmax_t)a->common->seed);
    esp_table_row(table, "mean return|%.1f   95 %% interval [%.1f, %.1f]", s->mean, s->low, s->high);
    esp_table_row(table, "deviation|%.1f   interquartile mean %.1f", s->std, s->iqm);
    esp_table_row(table, "goal kept|%d of %d episodes hold the pole up to the end", m->settled, s->count);
    esp_table_row(table, "parameters|%s, of which the controller uses %s",
                  esp_text_count((double)esp_network_params(subject->net, ESP_ALL_COMPONENTS), first),
                  esp_text_count((double)esp_network_params(subject->net, used_components(a)), second));
    esp_table_row(table, "work|%sFLOP an action", esp_text_scaled(flops(a, subject), first));
    esp_table_row(table, "speed|%.1f control steps a second", m->steps);
    esp_table_print(table);
}

static int judge(const arguments *a, const esp_summary *s)
{
    if (!a->has_min_return || s->mean >= a->min_return) return ESP_EXIT_DONE;
    esp_fail(ESP_ERR_RANGE, "mean return %.1f is below --min-return %g", s->mean, a->min_return);
    esp_console_fail(ESP_ERR_RANGE);
    return ESP_EXIT_THRESHOLD;
}

static esp_status evaluate(const arguments *a, const esp_subject *subject, esp_measurement *out)
{
    esp_stage stage;
    esp_status status = esp_stage_open(subject, &stage);
    if (status != ESP_OK) return status;
    status = esp_measure(&stage, subject, subject->net, (esp_controller_kind)a->controller, a->common->seed,
                         a->episodes, "eval", out);
    esp_stage_close(&stage);
    return status;
}

int esp_cmd_eval(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options, .episodes = 20, .controller = ESP_CONTROLLER_MPPI, .start = -1};
    esp_subject subject = {.net = NULL};
    esp_measurement measurement = {.returns = NULL};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK) status = esp_subject_open(a.checkpoint, options, NULL, &subject);
    if (status == ESP_OK && a.start >= 0) subject.config.env.start = a.start;
    if (status == ESP_OK) status = evaluate(&a, &subject, &measurement);
    int result = ESP_EXIT_DONE;
    if (status != ESP_OK) {
        result = esp_console_fail(status);
    } else {
        if (options->json) print_json(&a, &subject, &measurement);
        else               print_table(&a, &subject, &measurement);
        result = judge(&a, &measurement.summary);
    }
    esp_measurement_free(&measurement);
    esp_subject_close(&subject);
    return result;
}
