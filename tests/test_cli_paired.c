/* What `prune` and `eval` say about the same episodes before and after, about every start, about what the return hides,
 * and about time. */
#include "cli_run.h"

static const char prune[] = "$E prune agent.safetensors --controller policy --sparsity 0.4 --tolerance 0.1 --method "
                            "magnitude --compensate none --finetune 0 --report-episodes 4 --quiet -o p.safetensors";

static void prune_pairs_the_same_episodes_of_every_start(void)
{
    cli_begin();
    CLI_OK("%s --json", prune);
    cJSON *json = cli_json();
    const cJSON *paired = cJSON_GetObjectItem(json, "paired_after");
    const cJSON *starts = cJSON_GetObjectItem(json, "starts_after");
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(paired), 2);
    const cJSON *first = cJSON_GetArrayItem(paired, 0);
    CU_ASSERT_STRING_EQUAL(esp_json_text(first, "start"), "random");
    CU_ASSERT_EQUAL(cli_number(first, "pairs"), 4);
    /* The performance is that of the configured start, whatever other starts were played. */
    CU_ASSERT_DOUBLE_EQUAL(cli_number(first, "before"), cli_number(json, "performance_before"), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cli_number(first, "after"), cli_number(json, "performance_after"), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cli_number(first, "difference"), cli_number(first, "after") - cli_number(first, "before"),
                           1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cli_number(cJSON_GetArrayItem(paired, 1), "after"),
                           cli_number(cJSON_GetObjectItem(starts, "hanging"), "return_mean"), 1e-9);
    cli_check_keys(json, "return_iqm_before return_iqm_after return_worst_after total_variation_before "
                         "total_variation_after saturation_share_after goal_seconds_after steady_error_after "
                         "action_ms_before action_ms_after action_ms_before_p10_p90 action_ms_after_p10_p90");
    cJSON_Delete(json);
}

static void a_start_that_is_named_is_the_only_one(void)
{
    CLI_OK("%s --json --start hanging", prune);
    cJSON *json = cli_json();
    const cJSON *paired = cJSON_GetObjectItem(json, "paired_after");
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(paired), 1);
    CU_ASSERT_STRING_EQUAL(esp_json_text(cJSON_GetArrayItem(paired, 0), "start"), "hanging");
    CU_ASSERT_DOUBLE_EQUAL(cli_number(cJSON_GetArrayItem(paired, 0), "before"), cli_number(json, "performance_before"),
                           1e-9);
    cJSON_Delete(json);
}

static void tables_show_pairs_and_the_spread_of_times(void)
{
    CLI_OK("%s", prune);
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "the same episodes, before and after: return"));
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "got worse"));
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "four of five within"));
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "total variation of actions"));
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "steady-state error, rad"));
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "with recording"));
}

static void eval_plays_the_configured_start_unless_all_are_asked_for(void)
{
    CLI_OK("$E eval agent.safetensors --controller policy --episodes 3 --json");
    cJSON *one = cli_json();
    CLI_OK("$E eval agent.safetensors --controller policy --episodes 3 --json --start all");
    cJSON *all = cli_json();
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(one, "starts")), 1);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(all, "starts")), 2);
    CU_ASSERT_EQUAL(cli_number(all, "return_mean"), cli_number(one, "return_mean"));
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(all, "returns")), 3);
    cli_check_keys(all, "return_iqm return_worst total_variation saturation_share goal_seconds steady_error");
    cli_check_keys(cJSON_GetObjectItem(cJSON_GetObjectItem(all, "starts"), "hanging"),
                   "episodes return_mean return_ci95 return_iqm return_worst total_variation steady_error");
    CLI_OK("$E eval agent.safetensors --controller policy --episodes 3 --json --start all --set env.start=hanging");
    cJSON *hanging = cli_json();
    CU_ASSERT_STRING_EQUAL(esp_json_text(hanging, "start"), "hanging");
    CU_ASSERT_EQUAL(cli_number(hanging, "return_mean"),
                    cli_number(cJSON_GetObjectItem(cJSON_GetObjectItem(all, "starts"), "hanging"), "return_mean"));
    cJSON_Delete(one);
    cJSON_Delete(all);
    cJSON_Delete(hanging);
}

/* No network moves less than not at all. */
static void a_bound_of_the_variation_that_is_not_met_gives_status_3(void)
{
    CLI_OK("rm -f p.safetensors*"); /* no journal of another question */
    CU_ASSERT_EQUAL(cli("%s --max-variation 0.000001", prune), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_err, "above --max-variation 1e-06 times"));
    CLI_OK("%s --max-variation 1000", prune);
}

static CU_TestInfo tests[] = {
    {"prune pairs the same episodes of every start", prune_pairs_the_same_episodes_of_every_start},
    {"a start that is named is the only one", a_start_that_is_named_is_the_only_one},
    {"tables show pairs and the spread of times", tables_show_pairs_and_the_spread_of_times},
    {"eval plays the configured start unless all are asked for",
     eval_plays_the_configured_start_unless_all_are_asked_for},
    {"a bound of the variation that is not met gives status 3",
     a_bound_of_the_variation_that_is_not_met_gives_status_3},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli_paired", tests)
