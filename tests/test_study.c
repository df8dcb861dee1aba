/* What applications and commands share: settings, options that only some applications have,
 * figures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "study/study.h"

#include "check.h"

static void settings_reach_configuration_and_search(void)
{
    esp_settings settings = esp_settings_default();
    esp_agent_config config = esp_agent_config_default();
    esp_search_config search = esp_search_config_default();
    settings.assignment[settings.num_assignments++] = "planner.samples=64";
    settings.assignment[settings.num_assignments++] = "search.lambda=2.5";
    CHECK_OK(esp_settings_apply(&settings, esp_agent_fields, esp_agent_num_fields, &config, &search));
    CU_ASSERT_EQUAL(config.planner.budget.samples, 64);
    CU_ASSERT_DOUBLE_EQUAL(search.lambda, 2.5, 0);
    /* without a search its keys are unknown */
    CU_ASSERT_EQUAL(esp_settings_apply(&settings, esp_agent_fields, esp_agent_num_fields, &config, NULL),
                    ESP_ERR_USAGE);
}

static void option_is_checked_when_it_is_given(void)
{
    static const struct { const char *name, *text, *sentence; } wrong[] = {
        {"controller", "pilot", "--controller: expected mppi|policy|lib:FILE.so|zero|random, found 'pilot'"},
        {"episodes", "0", "--episodes: expected a whole number from 1 to 1000000, found '0'"},
        {"episodes", "0x10", "--episodes: expected a whole number from 1 to 1000000, found '0x10'"},
        {"min-return", "much", "--min-return: expected a number, found 'much'"},
        {"images", "9", "--images: no application has this option here"}, /* an option of `prune` */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        esp_judging judging = {.count = 0};
        CU_ASSERT_EQUAL(esp_judging_give(&judging, ESP_FOR_EVAL, wrong[i].name, wrong[i].text), ESP_ERR_USAGE);
        CU_ASSERT_STRING_EQUAL(esp_error_text(), wrong[i].sentence);
        CU_ASSERT_EQUAL(judging.count, 0);
    }
}

static void last_option_of_a_name_holds_and_keys_join_names(void)
{
    esp_judging eval = {.count = 0}, prune = {.count = 0};
    CHECK_OK(esp_judging_give(&eval, ESP_FOR_EVAL, "episodes", "5"));
    CHECK_OK(esp_judging_give(&eval, ESP_FOR_EVAL, "episodes", "7"));
    CU_ASSERT_EQUAL(eval.count, 1);
    CU_ASSERT_DOUBLE_EQUAL(esp_judging_number(&eval, ESP_KEY_REPORT, 20), 7, 0);
    CU_ASSERT_DOUBLE_EQUAL(esp_judging_number(&eval, ESP_KEY_SEARCH, 3), 3, 0);
    /* in prune the same name means the episodes of a search */
    CHECK_OK(esp_judging_give(&prune, ESP_FOR_PRUNE, "episodes", "5"));
    CHECK_OK(esp_judging_give(&prune, ESP_FOR_PRUNE, "controller", "policy"));
    CU_ASSERT_DOUBLE_EQUAL(esp_judging_number(&prune, ESP_KEY_SEARCH, 3), 5, 0);
    CU_ASSERT_STRING_EQUAL(esp_judging_text(&prune, "controller"), "policy");
    CU_ASSERT_DOUBLE_EQUAL(esp_judging_number(&prune, "controller", 0), 1, 0); /* index of the word */
    CU_ASSERT_PTR_NULL(esp_judging_text(&prune, "data"));
}

static void figures_own_their_content_and_keep_their_order(void)
{
    esp_figure_list list = {.count = 0};
    double values[] = {1, 2};
    char text[] = "hanging", unit[] = "dB";
    esp_figure_list_add(&list, (esp_figure){.key = "returns", .kind = ESP_FIGURE_LIST, .count = 2, .list = values});
    esp_figure_list_add(&list, (esp_figure){.key = "start", .text = text});
    esp_figure_list_add(&list, (esp_figure){.line = 1, .label = "for people", .text = "alone"});
    esp_figure_list_add(&list, (esp_figure){.key = "rate", .kind = ESP_FIGURE_SHARE, .value = 17, .other = 20});
    esp_figure_list_add(&list, (esp_figure){.key = "ci95", .kind = ESP_FIGURE_INTERVAL, .value = 3, .other = 4});
    for (int i = 0; i < 20; i++) /* more than its initial room */
        esp_figure_list_add(&list, (esp_figure){.key = "psnr", .kind = ESP_FIGURE_NUMBER, .value = i, .unit = unit});
    values[0] = -1;
    text[0] = unit[0] = 'x';
    CU_ASSERT_EQUAL(list.count, 25);
    CU_ASSERT_DOUBLE_EQUAL(list.figure[0].list[0], 1, 0);
    CU_ASSERT_STRING_EQUAL(esp_figure_list_find(&list, "start")->text, "hanging");
    CU_ASSERT_STRING_EQUAL(list.figure[24].unit, "dB");

    list.count = 5; /* equal keys are not valid JSON */
    cJSON *json = cJSON_CreateObject();
    esp_figure_list_json(&list, json);
    char *said = esp_json_line(json);
    CU_ASSERT_STRING_EQUAL(said, "{\"returns\":[1,2],\"start\":\"hanging\",\"rate\":0.85,\"ci95\":[3,4]}");
    free(said);
    cJSON_Delete(json);
    list.count = 25;
    esp_figure_list_free(&list);
    CU_ASSERT_EQUAL(list.count, 0);
}

/* A row that lacks a hook would crash the command that calls it. */
static void every_application_is_a_complete_row(void)
{
    for (int i = 0; esp_applications[i]; i++) {
        const esp_application *a = esp_applications[i];
        CU_ASSERT(a->name && a->measure_name && a->sample_name && a->action_name);
        CU_ASSERT(a->num_paper_groups && a->num_fields && a->options && a->compared);
        CU_ASSERT(!a->train || (a->learning && a->run_title && a->fields && a->paper_groups));
        CU_ASSERT(a->open && a->prepare && a->close && a->measure);
        /* What can be judged can be pruned. */
        CU_ASSERT(!a->judge || (a->record && a->forget && a->identify && a->finetune && a->write));
        CU_ASSERT(!a->judge || (a->flops && a->time));
        CU_ASSERT(a->question && a->inspect && a->title && a->samples);
        CU_ASSERT(!a->picture || a->film);
        for (const esp_option *o = a->options; o->name; o++) CU_ASSERT(o->key && o->purposes && o->argument && o->help);
        int columns = 0;
        for (const esp_metric *c = a->learning ? a->learning->columns : NULL; c && c->key; c++, columns++)
            CU_ASSERT(c->label && c->text);
        CU_ASSERT(columns <= ESP_MOST_COLUMNS);
        CU_ASSERT_PTR_EQUAL(esp_application_find(a->name), a);
    }
    CU_ASSERT_PTR_NULL(esp_application_find("toy"));
    CU_ASSERT_PTR_NOT_NULL(strstr(esp_error_text(), "application 'toy' is unknown; expected tdmpc, autoencoder"));
}

static CU_TestInfo tests[] = {
    {"settings reach configuration and search", settings_reach_configuration_and_search},
    {"option is checked when it is given", option_is_checked_when_it_is_given},
    {"last option of a name holds and keys join names", last_option_of_a_name_holds_and_keys_join_names},
    {"figures own their content and keep their order", figures_own_their_content_and_keep_their_order},
    {"every application is a complete row", every_application_is_a_complete_row},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("study", tests)
