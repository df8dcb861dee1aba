/* The line below a page's title names everything that decides a pruning, and which results are called bad. */
#include "pages/pages_internal.h"

#include "tests/check.h"

static void check_recipe(const char *json, int num_seeds, const char *expected)
{
    cJSON *asked = cJSON_Parse(json);
    char recipe[512];
    esp_report_recipe(asked, num_seeds, recipe, sizeof recipe);
    CU_ASSERT_STRING_EQUAL(recipe, expected);
    cJSON_Delete(asked);
}

static void a_recipe_names_all_of_it(void)
{
    check_recipe("{\"method\":\"evolve\",\"importance\":\"obs\",\"compensation\":\"lsq\",\"finetune_steps\":1500,"
                 "\"rounds\":3,\"seed\":7,\"groups\":\"paper\",\"controller\":\"mppi\"}", 1,
                 "method evolve, importance obs, repair lsq, 1,500 finetuning steps, 3 rounds, seed 7, paper groups, "
                 "controller mppi");
}

static void what_was_not_done_is_said(void)
{
    check_recipe("{\"method\":\"gd\",\"importance\":\"l2\",\"compensation\":\"none\",\"finetune_steps\":0,\"seed\":1}",
                 1, "method gd, importance l2, nothing repaired, not finetuned, seed 1");
}

static void a_sweep_names_its_seeds_and_single_things_are_singular(void)
{
    check_recipe("{\"compensation\":\"mean\",\"finetune\":1,\"rounds\":[{},{}],\"seed\":2}", 3,
                 "repair mean, 1 finetuning step, 2 rounds, seeds 2 to 4");
}

static void an_unknown_recipe_is_empty(void)
{
    check_recipe("{}", 1, "");
    check_recipe("{\"method\":5,\"seed\":\"x\",\"rounds\":null}", 1, "");
}

static void a_return_below_95_percent_is_bad(void)
{
    const esp_application *agent = &esp_application_agent;
    CU_ASSERT(!esp_report_is_bad(agent, 800, 760.1) && esp_report_is_bad(agent, 800, 759.9));
    CU_ASSERT(!esp_report_is_bad(agent, -800, -839) && esp_report_is_bad(agent, -800, -841));
    CU_ASSERT(!esp_report_is_bad(agent, 0, 0) && !esp_report_is_bad(agent, NAN, 5) && !esp_report_is_bad(NULL, 800, 1));
}

/* A share of a logarithm says nothing: 0.223 dB more error are 95 % of the quality. */
static void decibels_are_judged_by_their_difference(void)
{
    const esp_application *autoencoder = &esp_application_autoencoder;
    CU_ASSERT(!esp_report_is_bad(autoencoder, 24.20, 23.98) && esp_report_is_bad(autoencoder, 24.20, 23.97));
    CU_ASSERT(!esp_report_is_bad(autoencoder, 0.1, -0.12) && esp_report_is_bad(autoencoder, 0.1, -0.13));
    CU_ASSERT_DOUBLE_EQUAL(esp_application_kept(autoencoder, 20, 20 - 3.0103), 0.5, 1e-4);
}

static CU_TestInfo tests[] = {
    {"a recipe names all of it", a_recipe_names_all_of_it},
    {"what was not done is said", what_was_not_done_is_said},
    {"a sweep names its seeds and single things are singular", a_sweep_names_its_seeds_and_single_things_are_singular},
    {"an unknown recipe is empty", an_unknown_recipe_is_empty},
    {"a return below 95 percent is bad", a_return_below_95_percent_is_bad},
    {"decibels are judged by their difference", decibels_are_judged_by_their_difference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("recipe", tests)
