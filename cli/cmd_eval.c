/* espalier eval: the performance of a checkpoint on held-out episodes or images. */
#include <math.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/junit.h"
#include "pages/pages.h"

typedef struct {
    esp_options *common;
    esp_judging  judging;
    const char  *checkpoint;
    const char  *junit;            /* path, or NULL */
    const char  *card;             /* path, or NULL */
    const esp_given *demand;       /* the demand in `judging`, a least performance; NULL: nothing is demanded */
    double       started;          /* esp_clock at the start */
} arguments;

enum { KEY_JUNIT = 0x2000, KEY_CARD };

static const struct argp_option table[] = {
    {"junit", KEY_JUNIT, "FILE.xml", 0, "Write the result as JUnit XML too, for the test report of a CI system", 0},
    {"card", KEY_CARD, "FILE.md", 0, "Write a Hugging Face model card with these figures, contract and pedigree", 0},
    {0},
};

static esp_status finish_arguments(arguments *a)
{
    a->demand = esp_judging_find(&a->judging, ESP_KEY_DEMAND);
    return esp_need_argument(a->checkpoint, "CHECKPOINT");
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
    case KEY_JUNIT:
        a->junit = argument;
        status = esp_need_suffix("--junit", argument, ".xml");
        break;
    case KEY_CARD:
        a->card = argument;
        status = esp_need_suffix("--card", argument, ".md");
        break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->checkpoint, argument); break;
    case ARGP_KEY_END: status = finish_arguments(a); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp_child children[] = {{&esp_eval_argp, 0, NULL, 0}, ESP_OPTIONS_CHILD, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "CHECKPOINT|TASK.json",
    .doc = "Plays episodes of an agent in the simulator, from rendered pixels, and reports their return; or "
           "reconstructs the test images with an autoencoder and reports the error.\v"
           "Examples:\n"
           "  espalier eval models/pendulum/agent.safetensors\n"
           "  espalier eval pruned.safetensors --controller policy --start hanging\n"
           "  espalier eval pruned.safetensors --min-return 800 --junit eval.xml\n"
           "  espalier eval pruned.safetensors --episodes 100 --card CARD.md\n"
           "  espalier eval models/pendulum/task.json --controller random\n"
           "  espalier eval autoencoder.safetensors --data DIR --picture sheet.png\n",
    .children = children,
};

/* ---- results ---- */

static cJSON *result_json(const esp_subject *subject, const esp_measurement *m)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", subject->application->name);
    cJSON_AddStringToObject(json, "checkpoint", subject->path);
    esp_subject_question_json(subject, json);
    cJSON_AddNumberToObject(json, "seed", (double)subject->settings->seed);
    esp_figure_list_json(&m->figures, json);
    esp_samples_starts_json(&m->samples, subject->application->sample_name, subject->settings->seed, "starts", json);
    cJSON_AddNumberToObject(json, "params", (double)esp_network_params(subject->net, ESP_ALL_COMPONENTS));
    cJSON_AddNumberToObject(json, "params_used", (double)esp_network_params(subject->net, subject->components));
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    return json;
}

static void print_table(const esp_subject *subject, const esp_measurement *m)
{
    char all[ESP_NUMBER_TEXT], used[ESP_NUMBER_TEXT];
    size_t params = esp_network_params(subject->net, ESP_ALL_COMPONENTS);
    size_t params_used = esp_network_params(subject->net, subject->components);
    esp_figure_list question = {.count = 0};
    subject->application->question(subject, &question);
    esp_table *table = esp_table_create("ll");
    esp_table_row(table, "checkpoint|%s", subject->path);
    esp_table_figures(table, &question);
    esp_table_figures(table, &m->figures);
    esp_figure_list_free(&question);
    esp_text_count((double)params, all);
    if (params == 0) {
        /* a task, which has no network */
    } else if (params_used == params) {
        esp_table_row(table, "parameters|%s", all);
    } else {
        esp_table_row(table, "parameters|%s, of which the controller uses %s", all,
                      esp_text_count((double)params_used, used));
    }
    esp_table_print(table);
}

/* ESP_ERR_RANGE when the demand is not met. */
static esp_status judge(const arguments *a, const esp_subject *subject, const esp_measurement *m)
{
    if (!a->demand || m->performance >= a->demand->number) return ESP_OK;
    return esp_fail(ESP_ERR_RANGE, "%s: %.4g is below --%s %g", subject->application->measure_name, m->performance,
                    a->demand->option->name, a->demand->number);
}

/* ---- for CI systems ---- */

/* The name tells the test apart from others, since a job may judge several checkpoints. */
static esp_status write_junit(const arguments *a, const cJSON *facts, const char *failure, const char *error)
{
    char name[1024];
    if (!a->junit) return ESP_OK;
    if (a->demand)
        esp_format(name, sizeof name, "%s %g: %s", a->demand->option->name, a->demand->number, a->checkpoint);
    else
        snprintf(name, sizeof name, "runs: %s", a->checkpoint);
    esp_junit result = {.suite = "espalier.eval", .name = name, .seconds = esp_clock() - a->started, .facts = facts,
                        .failure = failure, .error = error};
    return esp_junit_write(a->junit, &result);
}

/* Writes a JUnit report that holds the error instead of a result. */
static esp_status write_junit_error(const arguments *a, const char *error)
{
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddStringToObject(facts, "checkpoint", a->checkpoint);
    cJSON_AddNumberToObject(facts, "seed", (double)a->common->settings.seed);
    cJSON_AddStringToObject(facts, "version", ESP_VERSION);
    esp_status status = write_junit(a, facts, NULL, error);
    cJSON_Delete(facts);
    return status;
}

/* ---- all ---- */

static esp_status evaluate(const arguments *a, esp_subject *subject, esp_measurement *out)
{
    const char *picture = esp_judging_text(&a->judging, ESP_KEY_PICTURE);
    esp_status status = esp_subject_open(a->checkpoint, &a->common->settings, &a->judging, NULL, subject);
    if (status == ESP_OK) status = esp_subject_prepare(subject);
    if (status == ESP_OK) status = esp_subject_measure(subject, subject->net, "eval", out);
    if (status == ESP_OK && picture) status = subject->application->picture->draw(subject, picture);
    if (status == ESP_OK && a->card) status = esp_card_write(subject, out, a->card);
    return status;
}

static int report(const arguments *a, const esp_subject *subject, const esp_measurement *m)
{
    esp_error verdict;
    cJSON *json = result_json(subject, m);
    esp_error_take(&verdict, judge(a, subject, m));
    esp_status status = write_junit(a, json, verdict.status == ESP_OK ? NULL : verdict.text, NULL);
    if (a->common->json) {
        esp_json_print(json);
    } else {
        print_table(subject, m);
        cJSON_Delete(json);
    }
    if (status != ESP_OK) return esp_console_fail(status);
    if (verdict.status == ESP_OK) return ESP_EXIT_DONE;
    esp_console_fail(esp_error_raise(&verdict));
    return ESP_EXIT_THRESHOLD;
}

/* The report is first written as it should look after a kill; this also shows early whether it can
 * be written. */
int esp_cmd_eval(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options, .started = esp_clock()};
    esp_subject subject = {.net = NULL};
    esp_measurement measurement = {.performance = NAN};
    int result;
    esp_status status = esp_parse(&argp, argc, argv, &a);
    const char *picture = esp_judging_text(&a.judging, ESP_KEY_PICTURE);
    if (status == ESP_OK && picture) status = esp_need_suffix("--picture", picture, ".png");
    if (status == ESP_OK && picture) status = esp_file_writable(picture);
    if (status == ESP_OK && a.card) status = esp_file_writable(a.card);
    if (status == ESP_OK) status = write_junit_error(&a, "the evaluation did not finish");
    if (status != ESP_OK) return esp_console_fail(status);
    status = evaluate(&a, &subject, &measurement);
    if (status == ESP_OK) {
        result = report(&a, &subject, &measurement);
    } else {
        esp_error failure;
        esp_error_take(&failure, status);
        /* Otherwise the file would keep saying that the evaluation did not finish. */
        write_junit_error(&a, failure.text);
        result = esp_console_fail(esp_error_raise(&failure));
    }
    esp_measurement_free(&measurement);
    esp_subject_close(&subject);
    return result;
}
