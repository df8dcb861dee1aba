/* The command line: what has to be kept, and results that are not good enough. */
#include "cli_run.h"

#define QUICK " --episodes 2 --report-episodes 2 --set search.levels=2 --set search.finalists=2 "
#define POLICY "$E prune agent.safetensors --controller policy" QUICK

static void keep_alone_finds_a_smaller_network_and_its_command_makes_it_again(void)
{
    cli_begin();
    CLI_OK(POLICY "--keep 0.01 --finetune 5 -o least.st --json");
    cJSON *json = cli_json(), *rounds = cJSON_GetObjectItem(json, "rounds");
    CU_ASSERT(cli_number(json, "params_after") < 0.1 * cli_number(json, "params_before"));
    CU_ASSERT(cJSON_GetArraySize(rounds) >= 1);
    CU_ASSERT_EQUAL(cli_number(json, "keep"), 0.01);
    cJSON_Delete(json);
    CLI_OK("command=$($E inspect least.st --json | "
           "sed -n 's/.*\"command\":[[:space:]]*\"espalier \\(.*\\)\".*/\\1/p') && "
           "$E $command --report-episodes 1 --quiet -o again.st && cmp least.st again.st");
}

static void sparsity_of_a_pruned_file_counts_from_the_original(void)
{
    CLI_OK(BARE "agent.safetensors --controller policy --method magnitude --sparsity 0.4 --tolerance 0.1" QUICK
           "-o p.st --json");
    cJSON *first = cli_json();
    CLI_OK(BARE "p.st --method magnitude --sparsity 0.7 --tolerance 0.1" QUICK "-o q.st --json");
    cJSON *second = cli_json();
    CU_ASSERT_EQUAL(cli_number(second, "params_before"), cli_number(first, "params_before"));
    CU_ASSERT_EQUAL(cli_number(second, "params_input"), cli_number(first, "params_after"));
    CU_ASSERT_DOUBLE_EQUAL(cli_number(second, "structural_sparsity"), 0.7, 0.1);
    CU_ASSERT_EQUAL(cli_number(second, "structural_sparsity"),
                    1 - cli_number(second, "params_after") / cli_number(first, "params_before"));
    CU_ASSERT_EQUAL(cli(BARE "p.st --method magnitude --sparsity 0.1" QUICK "-o r.st"), 1);
    CU_ASSERT(strstr(cli_err, "of the original's parameters before") != NULL);
    cJSON_Delete(first);
    cJSON_Delete(second);
}

static void a_demand_that_is_missed_has_status_3_and_the_file_is_written(void)
{
    CU_ASSERT_EQUAL(cli(BARE "agent.safetensors --controller policy --method magnitude --min-return 1e9" QUICK
                        "-o low.st --quiet"), 3);
    CU_ASSERT(strstr(cli_err, "below --min-return") != NULL);
    CLI_OK("test -s low.st");
    CU_ASSERT_EQUAL(cli("$E sweep agent.safetensors --controller policy --methods magnitude --sparsities 0.2 "
                        "--tolerance 0.1 --min-return 1e9" QUICK "-o sweep --quiet"), 3);
    CU_ASSERT(strstr(cli_err, "misses --min-return") != NULL);
}

static void shares_are_read_with_and_without_percent(void)
{
    CLI_OK(BARE "agent.safetensors --controller policy --method magnitude --sparsity '40 %%' --tolerance 0.1" QUICK
           "-o percent.st --quiet --json");
    cJSON *json = cli_json();
    CU_ASSERT_EQUAL(cli_number(json, "target_sparsity"), 0.4);
    cJSON_Delete(json);
    cli_check_refusal(2, "prune agent.safetensors -o o --sparsity 98", "write 0.95 or 95%");
    cli_check_refusal(2, "prune agent.safetensors -o o --keep 99", "write 99% or 0.99");
    cli_check_refusal(2, "prune agent.safetensors -o o --sparsity much%", "found 'much%'");
}

static void keep_is_a_share_of_one(void)
{
    cli_check_refusal(2, "prune agent.safetensors -o o --keep 0", "--keep: 0 is outside the range");
    cli_check_refusal(2, "prune agent.safetensors -o o --keep 101%", "--keep: 101% is outside the range");
    cli_check_refusal(2, "prune agent.safetensors -o o --rounds 0", "--rounds: expected a whole number from 1");
    cli_check_refusal(2, "prune agent.safetensors -o o --preset fast", "best|paper");
}

/* Half of what is left may be there or not. */
static void a_tolerance_that_decides_the_result_is_warned_about(void)
{
    CLI_OK(BARE "agent.safetensors --controller policy --method magnitude --sparsity 0.8 --tolerance 0.1" QUICK
           "-o wide.st");
    CU_ASSERT(strstr(cli_err, "of what is left at sparsity 0.8") != NULL);
}

#define BLIND "$E prune " ESP_SOURCE "/models/pendulum/agent.safetensors --controller policy --sparsity 0.95 " \
              "--method magnitude --compensate none --finetune 0 --rounds 1 --episodes 2 --report-episodes 1 --json "

/* Without repair every cut of 95 % lets the pole hang. */
static void a_blind_search_says_so_and_begins_again_with_repaired_cuts(void)
{
    CLI_OK(BLIND "--importance obs -o blind.st");
    CU_ASSERT(strstr(cli_err, "the search is blind") != NULL);
    CU_ASSERT(strstr(cli_err, "begins again with cuts that least squares repairs") != NULL);
    cJSON *json = cli_json();
    CU_ASSERT(cli_number(json, "search_performance") > 0.05 * cli_number(json, "search_performance_before"));
    CU_ASSERT_STRING_EQUAL(esp_json_text(json, "compensation"), "none"); /* of the result, as asked for */
    cJSON_Delete(json);
    CLI_OK(BLIND "--preset paper --groups structural -o paper.st");
    CU_ASSERT(strstr(cli_err, "the search is blind") != NULL);
    CU_ASSERT(strstr(cli_err, "begins again") == NULL);
    cli_end();
}

static CU_TestInfo tests[] = {
    {"keep alone finds a smaller network and its command makes it again",
     keep_alone_finds_a_smaller_network_and_its_command_makes_it_again},
    {"sparsity of a pruned file counts from the original", sparsity_of_a_pruned_file_counts_from_the_original},
    {"a demand that is missed has status 3 and the file is written",
     a_demand_that_is_missed_has_status_3_and_the_file_is_written},
    {"shares are read with and without percent", shares_are_read_with_and_without_percent},
    {"keep is a share of one", keep_is_a_share_of_one},
    {"a tolerance that decides the result is warned about", a_tolerance_that_decides_the_result_is_warned_about},
    {"a blind search says so and begins again with repaired cuts",
     a_blind_search_says_so_and_begins_again_with_repaired_cuts},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli_keep", tests)
