/* espalier compare: whether one checkpoint is worse than another, on the same episodes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/junit.h"

enum { LIMIT = 1000 }; /* default of --episodes */

typedef struct {
    esp_options *common;
    esp_judging  judging;
    const char  *checkpoint[2];
    const char  *junit;            /* path, or NULL */
    double       margin;
    double       started;          /* esp_clock at the start */
} arguments;

enum { KEY_MARGIN = 0x2000, KEY_JUNIT };

static const struct argp_option table[] = {
    {"margin", KEY_MARGIN, "X%", 0, "Share of A's mean return that B may lose (default 1%)", 0},
    {"junit", KEY_JUNIT, "FILE.xml", 0, "Write the verdict as JUnit XML too, for the test report of a CI system", 0},
    {0},
};

static esp_status parse_margin(const char *text, double *out)
{
    esp_status status = esp_parse_share("--margin", text, out);
    if (status == ESP_OK && !(*out > 0 && *out < 1))
        status = esp_fail(ESP_ERR_USAGE, "--margin: %s is outside the range, 0%% < margin < 100%%%s", text,
                          *out == 0 ? "; without a margin not even an equal network is ever found not worse" : "");
    return status;
}

static esp_status take_checkpoint(arguments *a, const char *argument)
{
    for (int k = 0; k < 2; k++)
        if (!a->checkpoint[k]) {
            a->checkpoint[k] = argument;
            return ESP_OK;
        }
    return esp_fail(ESP_ERR_USAGE, "unexpected argument '%s'; two checkpoints are compared", argument);
}

static esp_status finish_arguments(arguments *a)
{
    esp_status status = esp_need_argument(a->checkpoint[0], "A");
    return status == ESP_OK ? esp_need_argument(a->checkpoint[1], "B") : status;
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
    case KEY_MARGIN: status = parse_margin(argument, &a->margin); break;
    case KEY_JUNIT:
        a->junit = argument;
        status = esp_need_suffix("--junit", argument, ".xml");
        break;
    case ARGP_KEY_ARG: status = take_checkpoint(a, argument); break;
    case ARGP_KEY_END: status = finish_arguments(a); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp_child children[] = {{&esp_compare_argp, 0, NULL, 0}, ESP_OPTIONS_CHILD, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "A B",
    .doc = "Plays checkpoints A and B on the same episodes, from every start, and stops as soon as it is sure whether "
           "B is worse than A.\v"
           "Verdicts and exit statuses:\n"
           "  not worse  0   B returns more than (1 - margin) of A\n"
           "  worse      3   B returns less than A, and has lost more than the margin\n"
           "  undecided  3   the limit of episodes is reached\n"
           "Each of the first two is wrong at most 5 times in 100, whatever the returns\n"
           "look like. Networks of equal return take about 250 episodes of each start at a\n"
           "margin of 1 %; a loss of 3 % shows after about 100.\n"
           "\n"
           "Examples:\n"
           "  espalier compare models/pendulum/agent.safetensors pruned.safetensors\n"
           "  espalier compare A B --controller policy --margin 2% --episodes 500\n"
           "  espalier compare A B --junit compare.xml --json\n",
    .children = children,
};

/* ---- results ---- */

/* "B keeps 98.20 to 100.31 % of A's return", or what is known of it. */
static void describe_bounds(const esp_comparison *c, char *out, size_t size)
{
    if (c->low <= 0 && !isfinite(c->high)) snprintf(out, size, "what B keeps of A's return is not known yet");
    else if (!isfinite(c->high)) esp_format(out, size, "B keeps more than %.2f %% of A's return", 100 * c->low);
    else if (c->low <= 0) esp_format(out, size, "B keeps less than %.2f %% of A's return", 100 * c->high);
    else esp_format(out, size, "B keeps %.2f to %.2f %% of A's return", 100 * c->low, 100 * c->high);
}

static void describe(const esp_comparison *c, char *out, size_t size)
{
    char bounds[128], played[64];
    describe_bounds(c, bounds, sizeof bounds);
    esp_text_counted(c->samples[0].start[0].count, "episode", played, sizeof played);
    esp_format(out, size, "%s after %s of each start: %s, at a margin of %g %%", esp_verdict_names[c->verdict], played,
               bounds, 100 * c->margin);
}

static void print_traits(const esp_comparison *c)
{
    const esp_samples *a = &c->samples[0], *b = &c->samples[1];
    printf("\nmean over episodes, A and B\n");
    esp_table *table = esp_table_create("lllrr");
    esp_table_row(table, "start|figure|unit|A|B");
    esp_table_rule(table);
    for (int s = 0; s < a->num_starts; s++)
        for (int t = 1; t < a->num_traits; t++) {
            const esp_trait *trait = &a->trait[t];
            double of_a = esp_start_samples_mean(&a->start[s], t), of_b = esp_start_samples_mean(&b->start[s], t);
            esp_table_row(table, "%s|%s|%s", t == 1 ? a->start[s].name : "", trait->label,
                          trait->unit ? trait->unit : "");
            if (isnan(of_a)) esp_table_cell(table, "-");
            else             esp_table_cell(table, "%.*f", trait->decimals, of_a);
            if (isnan(of_b)) esp_table_cell(table, "-");
            else             esp_table_cell(table, "%.*f", trait->decimals, of_b);
        }
    esp_table_print(table);
}

static void print_result(const esp_subject subject[2], const esp_comparison *c)
{
    char text[512], params[ESP_NUMBER_TEXT];
    esp_table *table = esp_table_create("ll");
    for (int k = 0; k < 2; k++) {
        esp_figure_list question = {.count = 0};
        subject[k].application->question(&subject[k], &question);
        const esp_figure *controller = esp_figure_list_find(&question, "controller");
        esp_text_count((double)esp_network_params(subject[k].net, subject[k].components), params);
        esp_table_row(table, "%s|%s, %s%s%s parameters", k == 0 ? "A" : "B", subject[k].path,
                      controller ? controller->text : "", controller ? ", " : "", params);
        esp_figure_list_free(&question);
    }
    describe(c, text, sizeof text);
    esp_table_row(table, "verdict|%s", text);
    esp_format(text, sizeof text, "a verdict is wrong at most %g times in 100", 100 * c->error);
    esp_table_row(table, " |%s", text);
    esp_table_print(table);
    esp_print_paired(subject[0].application->sample_name, "A", &c->samples[0], "B", &c->samples[1], c->seed);
    print_traits(c);
}

/* The name tells the test apart from others, since a job may compare several checkpoints. */
static esp_status write_junit(const arguments *a, const cJSON *facts, const char *failure, const char *error)
{
    char name[1024];
    if (!a->junit) return ESP_OK;
    esp_format(name, sizeof name, "margin %g %%: %s and %s", 100 * a->margin, a->checkpoint[0], a->checkpoint[1]);
    esp_junit result = {.suite = "espalier.compare", .name = name, .seconds = esp_clock() - a->started, .facts = facts,
                        .failure = failure, .error = error};
    return esp_junit_write(a->junit, &result);
}

/* Writes a JUnit report that holds the error instead of a verdict. */
static esp_status write_junit_error(const arguments *a, const char *error)
{
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddNumberToObject(facts, "seed", (double)a->common->settings.seed);
    cJSON_AddStringToObject(facts, "version", ESP_VERSION);
    esp_status status = write_junit(a, facts, NULL, error);
    cJSON_Delete(facts);
    return status;
}

static int report(const arguments *a, const esp_subject subject[2], const esp_comparison_request *request,
                  const esp_comparison *c)
{
    char sentence[512];
    cJSON *json = esp_comparison_json(request, c);
    describe(c, sentence, sizeof sentence);
    esp_status status = write_junit(a, json, c->verdict == ESP_NOT_WORSE ? NULL : sentence, NULL);
    if (a->common->json) {
        esp_json_print(json);
    } else {
        print_result(subject, c);
        cJSON_Delete(json);
    }
    if (status != ESP_OK) return esp_console_fail(status);
    if (c->verdict == ESP_NOT_WORSE) return ESP_EXIT_DONE;
    esp_console_fail(esp_fail(ESP_ERR_RANGE, "%s: %s", a->checkpoint[1], sentence));
    return ESP_EXIT_THRESHOLD;
}

/* ---- all ---- */

static esp_status open_both(const arguments *a, esp_subject subject[2])
{
    esp_status status = ESP_OK;
    for (int k = 0; k < 2 && status == ESP_OK; k++)
        status = esp_subject_open(a->checkpoint[k], &a->common->settings, &a->judging, NULL, &subject[k]);
    return status;
}

static int compare(const arguments *a)
{
    esp_subject subject[2] = {{.net = NULL}, {.net = NULL}};
    esp_comparison comparison = {.verdict = ESP_UNDECIDED};
    esp_comparison_request request = {.a = &subject[0], .b = &subject[1], .margin = a->margin,
                                      .limit = (int)esp_judging_number(&a->judging, ESP_KEY_REPORT, LIMIT)};
    esp_status status = open_both(a, subject);
    if (status == ESP_OK) status = esp_compare(&request, &comparison);
    int result;
    if (status == ESP_OK) {
        result = report(a, subject, &request, &comparison);
    } else {
        esp_error failure;
        esp_error_take(&failure, status);
        /* Otherwise the file would keep saying that the comparison did not finish. */
        write_junit_error(a, failure.text);
        result = esp_console_fail(esp_error_raise(&failure));
    }
    esp_comparison_free(&comparison);
    for (int k = 0; k < 2; k++) esp_subject_close(&subject[k]);
    return result;
}

/* The report is first written as it should look after a kill; this also shows early whether it can
 * be written. */
int esp_cmd_compare(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options, .judging = {.every_start = true}, .margin = 0.01, .started = esp_clock()};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK) status = write_junit_error(&a, "the comparison did not finish");
    return status == ESP_OK ? compare(&a) : esp_console_fail(status);
}
