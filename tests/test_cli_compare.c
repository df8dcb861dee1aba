/* `compare`: verdicts and their exit statuses, JSON, JUnit, threads, and what is refused. */
#include "cli_run.h"
#include "strict_xml.h"

static void two_checkpoints_are_needed(void)
{
    cli_begin();
    cli_check_refusal(2, "compare", "A is missing");
    cli_check_refusal(2, "compare agent.safetensors", "B is missing");
    cli_check_refusal(2, "compare agent.safetensors agent.safetensors agent.safetensors", "two checkpoints");
    cli_check_refusal(2, "compare agent.safetensors agent.safetensors --margin much", "'much'");
    cli_check_refusal(2, "compare agent.safetensors agent.safetensors --margin 120%", "120%");
    cli_check_refusal(2, "compare agent.safetensors agent.safetensors --junit out.txt", ".xml");
    CLI_OK("$E compare --help");
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "not worse  0"));
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "--margin"));
}

static const char same[] = "$E compare agent.safetensors agent.safetensors --controller policy --margin 20% --quiet";

static void a_network_of_equal_return_is_not_worse(void)
{
    CLI_OK("%s --json", same);
    cJSON *json = cli_json();
    cli_check_keys(json, "application task reward seed verdict margin error episodes limit kept kept_low kept_high "
                         "paired a b version");
    CU_ASSERT_STRING_EQUAL(esp_json_text(json, "verdict"), "not worse");
    CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "margin"), 0.2, 1e-15);
    CU_ASSERT_EQUAL(cli_number(json, "limit"), 1000);
    CU_ASSERT(cli_number(json, "kept") == 1 && cli_number(json, "kept_low") > 0.8 && cli_number(json, "kept_low") < 1);
    CU_ASSERT_EQUAL((int)cli_number(json, "episodes") % 20, 0);
    const cJSON *paired = cJSON_GetObjectItem(json, "paired");
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(paired), 2); /* every start */
    CU_ASSERT_STRING_EQUAL(esp_json_text(cJSON_GetArrayItem(paired, 0), "start"), "random");
    CU_ASSERT_STRING_EQUAL(esp_json_text(cJSON_GetArrayItem(paired, 1), "start"), "hanging");
    cli_check_keys(cJSON_GetArrayItem(paired, 1), "pairs before after kept difference difference_ci95 difference_iqm "
                                                  "worst worst_index worse_share better_share");
    cli_check_keys(cJSON_GetObjectItem(json, "a"), "checkpoint controller params_used return_mean return_ci95 "
                                                   "return_iqm return_worst total_variation saturation_share "
                                                   "goal_seconds steady_error starts");
    cJSON_Delete(json);
}

static void threads_do_not_change_the_result(void)
{
    CLI_OK("%s --json --threads 1", same);
    char *one = esp_strdup(cli_out);
    CLI_OK("%s --json --threads 3", same);
    CU_ASSERT_STRING_EQUAL(one, cli_out);
    free(one);
}

static void the_start_and_the_seed_name_the_episodes(void)
{
    CLI_OK("%s --json --start random --seed 5", same);
    cJSON *json = cli_json();
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(json, "paired")), 1);
    CU_ASSERT_EQUAL(cli_number(json, "seed"), 5);
    cJSON_Delete(json);
    cli_check_refusal(2, "compare agent.safetensors agent.safetensors --start sideways", "sideways");
}

/* 25 episodes cannot exclude a loss that small. */
static void undecided_at_the_limit_is_said_with_status_3(void)
{
    CU_ASSERT_EQUAL(cli("$E compare agent.safetensors agent.safetensors --controller policy --margin 1e-6 "
                        "--episodes 25 --junit c.xml"), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "undecided after 25 episodes of each start"));
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_err, "undecided after 25 episodes"));
    CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
    char *report = cli_file("c.xml");
    CU_ASSERT(is_strict_xml(report));
    CU_ASSERT_PTR_NOT_NULL(strstr(report, "<testsuite name=\"espalier.compare\" tests=\"1\" failures=\"1\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(report, "<property name=\"verdict\" value=\"undecided\"/>"));
    free(report);
}

/* The shipped policy, and what is left of it at 90 % when nothing is repaired. */
static void a_network_that_drops_the_pole_is_worse_with_status_3(void)
{
    CLI_OK("$E prune " ESP_SOURCE "/models/pendulum/agent.safetensors --controller policy --sparsity 0.9 --method "
           "magnitude --importance l2 --compensate none --finetune 0 --report-episodes 1 --quiet -o ruin.safetensors");
    CU_ASSERT_EQUAL(cli("$E compare " ESP_SOURCE "/models/pendulum/agent.safetensors ruin.safetensors --controller "
                        "policy --junit c.xml"), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "worse after 20 episodes of each start"));
    CU_ASSERT_PTR_NULL(strstr(cli_out, "not worse after"));
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_err, "ruin.safetensors: worse after 20 episodes"));
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "total variation of actions"));
    char *report = cli_file("c.xml");
    CU_ASSERT_PTR_NOT_NULL(strstr(report, "<property name=\"verdict\" value=\"worse\"/>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(report, "at a margin of 1 %</failure>"));
    free(report);
}

static void networks_of_different_tasks_are_refused(void)
{
    CLI_OK("sed 's/\"dense\"/\"sparse\"/' tiny.json > sparse.json && $E train sparse.json -o sparse --quiet");
    cli_check_refusal(2, "compare agent.safetensors sparse/checkpoint.safetensors", "reward");
    cli_check_refusal(2, "compare " ESP_SOURCE "/models/mnist/autoencoder.safetensors "
                         ESP_SOURCE "/models/mnist/autoencoder.safetensors", "all its images at once");
    cli_check_refusal(2, "compare agent.safetensors " ESP_SOURCE "/models/mnist/autoencoder.safetensors --quiet",
                      "'autoencoder'");
}

/* Not even a network against itself could pass. */
static void a_margin_of_nothing_is_refused(void)
{
    cli_check_refusal(2, "compare agent.safetensors agent.safetensors --margin 0", "margin < 100%; without a margin");
    cli_check_refusal(2, "compare agent.safetensors agent.safetensors --margin 100%", "0% < margin < 100%");
}

static void a_signal_stops_it_with_status_75(void)
{
    char *argv[] = {"espalier", "compare", "agent.safetensors", "agent.safetensors", "--margin", "1e-9", "--episodes",
                    "1000000", "--junit", "stopped.xml", NULL};
    CU_ASSERT_EQUAL(cli_interrupt(argv, "stopped.xml", SIGINT), 75);
    char *report = cli_file("stopped.xml");
    CU_ASSERT_PTR_NOT_NULL(strstr(report, "errors=\"1\""));
    free(report);
}

static CU_TestInfo tests[] = {
    {"two checkpoints are needed", two_checkpoints_are_needed},
    {"a network of equal return is not worse", a_network_of_equal_return_is_not_worse},
    {"threads do not change the result", threads_do_not_change_the_result},
    {"the start and the seed name the episodes", the_start_and_the_seed_name_the_episodes},
    {"undecided at the limit is said, with status 3", undecided_at_the_limit_is_said_with_status_3},
    {"a network that drops the pole is worse, with status 3", a_network_that_drops_the_pole_is_worse_with_status_3},
    {"networks of different tasks are refused", networks_of_different_tasks_are_refused},
    {"a margin of nothing is refused", a_margin_of_nothing_is_refused},
    {"a signal stops it with status 75", a_signal_stops_it_with_status_75},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli_compare", tests)
