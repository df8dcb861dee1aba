/* The model is the paper's: its parameters, its groups, and what an action costs. */
#include "agent/agent.h"

#include "check.h"

static esp_network *make_agent(int image_size)
{
    esp_agent_config config = esp_agent_config_default();
    esp_network *net = NULL;
    config.env.image_size = image_size;
    CHECK_OK(esp_told_create(&config, 1, &net));
    return net;
}

static size_t params_of(const esp_network *net, esp_told_component component)
{
    return esp_network_params(net, 1u << component);
}

static void agent_has_the_parameters_of_table_three(void)
{
    static const size_t expected[ESP_TOLD_COMPONENTS] = {
        [ESP_TOLD_ENCODER] = 72722, [ESP_TOLD_DYNAMICS] = 314930, [ESP_TOLD_REWARD] = 289793,
        [ESP_TOLD_POLICY] = 289281, [ESP_TOLD_Q1] = 290817, [ESP_TOLD_Q2] = 290817};
    esp_network *net = make_agent(28);
    CU_ASSERT_EQUAL(net->num_components, ESP_TOLD_COMPONENTS);
    CU_ASSERT_EQUAL(esp_network_params(net, ESP_ALL_COMPONENTS), 1548360);
    for (int c = 0; c < ESP_TOLD_COMPONENTS; c++) CU_ASSERT_EQUAL(params_of(net, c), expected[c]);
    CU_ASSERT_EQUAL(esp_told_latent(net), 50);
    esp_network_free(net);
}

static void images_of_84_pixels_need_as_many_parameters(void)
{
    esp_network *net = make_agent(84);
    CU_ASSERT_EQUAL(esp_network_params(net, ESP_ALL_COMPONENTS), 1548360);
    CU_ASSERT_EQUAL(params_of(net, ESP_TOLD_ENCODER), 72722);
    esp_network_free(net);
}

static void images_too_small_for_the_kernels_are_refused(void)
{
    esp_agent_config config = esp_agent_config_default();
    esp_network *net = NULL;
    config.env.image_size = 21;
    CHECK_FAILS(ESP_ERR_SHAPE, esp_told_create(&config, 1, &net), "larger image");
    CU_ASSERT_PTR_NULL(net);
}

static void components_carry_the_names_of_the_reference(void)
{
    static const char *const names[] = {"_encoder", "_dynamics", "_reward", "_Q1", "_Q2", "_pi"};
    esp_network *net = make_agent(28);
    for (int c = 0; c < ESP_TOLD_COMPONENTS; c++) CU_ASSERT_STRING_EQUAL(net->component[c].name, names[c]);
    CU_ASSERT(esp_network_find_tensor(net, "_encoder.10.weight") >= 0);
    CU_ASSERT(esp_network_find_tensor(net, "_Q2.1.bias") >= 0);
    CU_ASSERT(esp_network_find_tensor(net, "_pi.4.weight") >= 0);
    esp_network_free(net);
}

/* The model's optimiser moves one range of weights, the policy's the rest. */
static void policy_weights_come_last(void)
{
    esp_network *net = make_agent(28);
    const esp_component *policy = &net->component[ESP_TOLD_POLICY];
    CU_ASSERT_EQUAL(policy->offset, 1548360 - 289281);
    CU_ASSERT_EQUAL(policy->offset + policy->count, net->num_weights);
    esp_network_free(net);
}

static void policy_controller_uses_encoder_and_policy_alone(void)
{
    esp_network *net = make_agent(28);
    CU_ASSERT_EQUAL(esp_network_params(net, esp_controller_components(ESP_CONTROLLER_POLICY)), 362003);
    CU_ASSERT_EQUAL(esp_network_params(net, esp_controller_components(ESP_CONTROLLER_MPPI)), 1548360);
    esp_network_free(net);
}

static void fresh_agent_expects_no_reward_and_no_value(void)
{
    static const char *const zero[] = {"_reward.4.weight", "_reward.4.bias", "_Q1.5.weight",
                                       "_Q1.5.bias",       "_Q2.5.weight",   "_Q2.5.bias"};
    static const char *const random[] = {"_dynamics.4.weight", "_pi.4.weight", "_reward.2.weight", "_Q1.3.weight"};
    esp_network *net = make_agent(28);
    esp_told_init(net, 3);
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++) {
        int tensor = esp_network_find_tensor(net, zero[i]);
        CU_ASSERT_EQUAL(esp_norm2(net->tensor[tensor].count, esp_network_weights(net, tensor)), 0.0);
    }
    for (size_t i = 0; i < sizeof random / sizeof *random; i++) {
        int tensor = esp_network_find_tensor(net, random[i]);
        CU_ASSERT(esp_norm2(net->tensor[tensor].count, esp_network_weights(net, tensor)) > 0.5);
    }
    esp_network_free(net);
}

/* ---- cost ---- */

static void encoding_a_picture_takes_3_29_million_multiply_adds(void)
{
    esp_network *small = make_agent(28), *large = make_agent(84);
    CU_ASSERT_EQUAL(esp_component_macs(small, ESP_TOLD_ENCODER), 3289696);
    CU_ASSERT(fabs(esp_component_macs(large, ESP_TOLD_ENCODER) / 30.4e6 - 1.0) < 0.005);
    esp_network_free(small);
    esp_network_free(large);
}

static void a_plan_of_the_paper_costs_25_gigaflop(void)
{
    esp_network *net = make_agent(28);
    esp_planner_config planner = esp_agent_config_default().planner;
    esp_plan_budget budget = {.horizon = 5, .samples = 512, .elites = 64, .iterations = 6};
    CU_ASSERT_EQUAL(esp_policy_trajectories(&planner, budget.samples), 25);
    double flops = esp_action_flops(net, &planner, &budget, ESP_CONTROLLER_MPPI);
    CU_ASSERT(flops > 24e9 && flops < 26e9);
    esp_network_free(net);
}

static void an_action_of_the_policy_costs_encoder_and_policy(void)
{
    esp_network *net = make_agent(28);
    esp_planner_config planner = esp_agent_config_default().planner;
    double expected = 2.0 * (3289696 + 50 * 512 + 512 * 512 + 512);
    CU_ASSERT_EQUAL(esp_action_flops(net, &planner, &planner.budget, ESP_CONTROLLER_POLICY), expected);
    esp_network_free(net);
}

/* ---- groups ---- */

/* The paper's last row says 369,152: Q2's 262,656, which it does not list, and these 106,496. */
static void paper_groups_are_those_of_table_four(void)
{
    static const struct { const char *name; size_t params; int modules; bool coupling; } expected[] = {
        {"encoder.1", 25632, 1, false}, {"encoder.2", 9248, 1, false}, {"encoder.3", 9248, 1, false},
        {"dynamics", 262656, 1, false}, {"reward", 262656, 1, false},  {"pi", 262656, 1, false},
        {"Q1", 262656, 1, false},       {"Q2", 262656, 1, false},      {"encoder-pi", 26112, 2, true},
        {"encoder-model", 4 * 26624, 5, true}};
    esp_network *net = make_agent(28);
    esp_grouping groups;
    CHECK_OK(esp_grouping_from_specs(net, esp_told_paper_groups, esp_told_num_paper_groups,
                                     esp_controller_components(ESP_CONTROLLER_MPPI), &groups));
    CU_ASSERT_EQUAL_FATAL(groups.num, 10);
    for (int g = 0; g < 10; g++) {
        CU_ASSERT_STRING_EQUAL(groups.group[g].name, expected[g].name);
        CU_ASSERT_EQUAL(groups.group[g].params, expected[g].params);
        CU_ASSERT_EQUAL(groups.group[g].modules, expected[g].modules);
        CU_ASSERT_EQUAL(groups.group[g].coupling, expected[g].coupling);
    }
    esp_network_free(net);
}

static void paper_groups_of_the_policy_controller_leave_the_model_out(void)
{
    static const char *const names[] = {"encoder.1", "encoder.2", "encoder.3", "pi", "encoder-pi"};
    esp_network *net = make_agent(28);
    esp_grouping groups;
    CHECK_OK(esp_grouping_from_specs(net, esp_told_paper_groups, esp_told_num_paper_groups,
                                     esp_controller_components(ESP_CONTROLLER_POLICY), &groups));
    CU_ASSERT_EQUAL_FATAL(groups.num, 5);
    for (int g = 0; g < 5; g++) CU_ASSERT_STRING_EQUAL(groups.group[g].name, names[g]);
    esp_network_free(net);
}

/* ---- small pieces ---- */

static void noisy_action_clamps_noise_and_action(void)
{
    const float mu[] = {0.0f, 0.0f, 0.0f, 20.0f, -20.0f, 0.5f}, noise[] = {0.0f, 9.0f, -9.0f, 9.0f, 0.0f, 1.0f};
    const float expected[] = {0.0f, 0.3f, -0.3f, 1.0f - 1e-6f, -1.0f + 1e-6f, tanhf(0.5f) + 0.05f};
    float action[6];
    esp_noisy_action(6, mu, noise, 0.05f, action);
    CHECK_CLOSE("action", 6, action, expected, 1e-7, 0.0);
    CU_ASSERT(action[3] < 1.0f && action[4] > -1.0f);
}

static void latents_come_before_actions(void)
{
    const float z[] = {1, 2, 3, 4}, a[] = {5, 6}, expected[] = {1, 2, 5, 3, 4, 6};
    float x[6];
    esp_concat(2, 2, z, 1, a, x);
    CHECK_CLOSE("x", 6, x, expected, 0.0, 0.0);
}

/* The groups of Table IV that remain are those of pruning for the policy. */
static void agent_without_its_model_has_the_groups_of_the_policy(void)
{
    const unsigned used = esp_controller_components(ESP_CONTROLLER_POLICY);
    esp_agent_config config = esp_agent_config_default();
    esp_network *whole = NULL, *part = NULL;
    esp_grouping of_whole, of_part;
    CHECK_OK(esp_told_create(&config, 1, &whole));
    CHECK_OK(esp_told_create_part(&config, 1, used, &part));
    CU_ASSERT_EQUAL(esp_network_params(part, ESP_ALL_COMPONENTS), 362003);
    for (int paper = 0; paper < 2; paper++) {
        if (paper) {
            CHECK_OK(esp_grouping_from_specs(whole, esp_told_paper_groups, esp_told_num_paper_groups, used, &of_whole));
            CHECK_OK(esp_grouping_from_specs(part, esp_told_paper_groups, esp_told_num_paper_groups, ESP_ALL_COMPONENTS,
                                             &of_part));
        } else {
            esp_grouping_structural(whole, used, &of_whole);
            esp_grouping_structural(part, ESP_ALL_COMPONENTS, &of_part);
        }
        CU_ASSERT_EQUAL_FATAL(of_part.num, of_whole.num);
        for (int g = 0; g < of_part.num; g++) {
            CU_ASSERT_STRING_EQUAL(of_part.group[g].name, of_whole.group[g].name);
            CU_ASSERT_EQUAL(of_part.group[g].params, of_whole.group[g].params);
        }
    }
    esp_network_free(part);
    esp_network_free(whole);
}

static CU_TestInfo tests[] = {
    {"agent_has_the_parameters_of_table_three", agent_has_the_parameters_of_table_three},
    {"images_of_84_pixels_need_as_many_parameters", images_of_84_pixels_need_as_many_parameters},
    {"images_too_small_for_the_kernels_are_refused", images_too_small_for_the_kernels_are_refused},
    {"components_carry_the_names_of_the_reference", components_carry_the_names_of_the_reference},
    {"policy_weights_come_last", policy_weights_come_last},
    {"policy_controller_uses_encoder_and_policy_alone", policy_controller_uses_encoder_and_policy_alone},
    {"fresh_agent_expects_no_reward_and_no_value", fresh_agent_expects_no_reward_and_no_value},
    {"encoding_a_picture_takes_3_29_million_multiply_adds", encoding_a_picture_takes_3_29_million_multiply_adds},
    {"a_plan_of_the_paper_costs_25_gigaflop", a_plan_of_the_paper_costs_25_gigaflop},
    {"an_action_of_the_policy_costs_encoder_and_policy", an_action_of_the_policy_costs_encoder_and_policy},
    {"paper_groups_are_those_of_table_four", paper_groups_are_those_of_table_four},
    {"paper_groups_of_the_policy_controller_leave_the_model_out",
     paper_groups_of_the_policy_controller_leave_the_model_out},
    {"noisy_action_clamps_noise_and_action", noisy_action_clamps_noise_and_action},
    {"latents_come_before_actions", latents_come_before_actions},
    {"agent_without_its_model_has_the_groups_of_the_policy", agent_without_its_model_has_the_groups_of_the_policy},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_told", tests)
