/* `eval --junit`: what a CI system reads about an evaluation that was good enough, too bad, or
 * impossible. */
#include "cli_run.h"
#include "strict_xml.h"

static char *report;

/* Reads the report of the last run: well formed, with these numbers of failures and errors. */
static void read_report(int failures, int errors)
{
    char counts[64];
    free(report);
    report = cli_file("eval.xml");
    snprintf(counts, sizeof counts, " tests=\"1\" failures=\"%d\" errors=\"%d\" time=\"", failures, errors);
    CU_ASSERT(is_strict_xml(report));
    CU_ASSERT(strstr(report, "<testsuite name=\"espalier.eval\"") == report);
    CU_ASSERT(strstr(report, counts) != NULL);
    CU_ASSERT(strstr(report, "<testcase classname=\"espalier.eval\" name=\"") != NULL);
}

static bool report_has(const char *text)
{
    bool found = strstr(report, text) != NULL;
    if (!found) printf("\n    '%s' is not in: %s ", text, report);
    return found;
}

/* The same value in the report and in the JSON object on standard output. */
static bool report_has_property(const cJSON *json, const char *key)
{
    char text[256];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    char *value = cJSON_PrintUnformatted(item);
    snprintf(text, sizeof text, "<property name=\"%s\" value=\"%s\"/>", key,
             cJSON_IsString(item) ? item->valuestring : value);
    cJSON_free(value);
    return report_has(text);
}

static const char eval[] = "$E eval agent.safetensors --controller policy --episodes 3 --json --quiet --junit eval.xml";

static void a_met_threshold_is_a_test_that_passed(void)
{
    cli_begin();
    CLI_OK("%s --min-return 0", eval);
    read_report(0, 0);
    CU_ASSERT(report_has("name=\"min-return 0: agent.safetensors\""));
    CU_ASSERT(strstr(report, "<failure") == NULL && strstr(report, "<error") == NULL);
}

static void without_a_threshold_the_test_is_that_the_evaluation_runs(void)
{
    CLI_OK("%s", eval);
    read_report(0, 0);
    CU_ASSERT(report_has("name=\"runs: agent.safetensors\""));
}

static void properties_are_the_numbers_of_the_json_object(void)
{
    static const char *const keys[] = {"application", "checkpoint", "controller", "seed", "episodes", "return_mean",
                                       "return_ci95", "params", "version"};
    CLI_OK("%s --seed 7", eval);
    cJSON *json = cli_json();
    read_report(0, 0);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) CU_ASSERT(report_has_property(json, keys[i]));
    CU_ASSERT(strstr(report, "\"returns\"") == NULL);
    cJSON_Delete(json);
}

static void a_missed_threshold_is_a_failure_with_its_sentence(void)
{
    CU_ASSERT_EQUAL(cli("%s --min-return 999", eval), 3);
    read_report(1, 0);
    CU_ASSERT(strstr(cli_err, "is below --min-return 999\n") != NULL && cli_lines(cli_err) == 1);
    CU_ASSERT(report_has("is below --min-return 999</failure>"));
    CU_ASSERT(report_has("name=\"min-return 999: agent.safetensors\""));
    cJSON_Delete(cli_json());
}

static void an_evaluation_that_failed_is_an_error_with_its_sentence(void)
{
    CLI_OK("head -c 500 agent.safetensors > 'cut <&\"short\">'");
    CU_ASSERT_EQUAL(cli("$E eval 'cut <&\"short\">' --junit eval.xml"), 1);
    read_report(0, 1);
    CU_ASSERT(report_has("name=\"runs: cut &lt;&amp;&quot;short&quot;&gt;\""));
    CU_ASSERT(report_has("</error>"));
    CU_ASSERT(report_has("<property name=\"version\""));
    CU_ASSERT(strstr(cli_err, "cut <&") != NULL && cli_lines(cli_err) == 1);
}

/* A job that runs out of time is killed: the file must not look like an earlier success. */
static void a_killed_evaluation_leaves_an_error(void)
{
    char *argv[] = {"espalier", "eval", "agent.safetensors", "--episodes", "1000000", "--junit", "eval.xml", NULL};
    CLI_OK("rm eval.xml");
    CU_ASSERT_EQUAL(cli_interrupt(argv, "eval.xml", SIGKILL), -1);
    read_report(0, 1);
    CU_ASSERT(report_has("did not finish</error>"));
}

static void a_report_that_cannot_be_written_is_a_failure(void)
{
    cli_check_refusal(1, "eval agent.safetensors --junit nowhere/eval.xml", "nowhere/eval.xml");
    cli_check_refusal(2, "eval agent.safetensors --junit run", "'run'");
}

static CU_TestInfo tests[] = {
    {"a met threshold is a test that passed", a_met_threshold_is_a_test_that_passed},
    {"without a threshold the test is that the evaluation runs",
     without_a_threshold_the_test_is_that_the_evaluation_runs},
    {"properties are the numbers of the JSON object", properties_are_the_numbers_of_the_json_object},
    {"a missed threshold is a failure with its sentence", a_missed_threshold_is_a_failure_with_its_sentence},
    {"an evaluation that failed is an error with its sentence",
     an_evaluation_that_failed_is_an_error_with_its_sentence},
    {"a killed evaluation leaves an error", a_killed_evaluation_leaves_an_error},
    {"a report that cannot be written is a failure", a_report_that_cannot_be_written_is_a_failure},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli_junit", tests)
