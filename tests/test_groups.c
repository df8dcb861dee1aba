/* Groups: the sizes of Tables II and IV, and what is pruned for a controller that uses fewer
 * components. */
#include "check.h"
#include "pruned_networks.h"

static const esp_group *group_named(const esp_grouping *grouping, const char *name)
{
    for (int g = 0; g < grouping->num; g++)
        if (strcmp(grouping->group[g].name, name) == 0) return &grouping->group[g];
    return NULL;
}

static unsigned policy_components(const esp_network *net)
{
    return 1u << esp_network_find_component(net, "_encoder") | 1u << esp_network_find_component(net, "_pi");
}

static void agent_has_the_parameters_of_table_three(void)
{
    esp_network *net = agent_network();
    CU_ASSERT_EQUAL(esp_network_params(net, ESP_ALL_COMPONENTS), 1548360);
    CU_ASSERT_EQUAL(esp_network_params(net, policy_components(net)), 362003);
    esp_network_free(net);
}

static void table_four_sizes_match_to_the_parameter(void)
{
    const size_t expected[] = {25632, 9248, 9248, 262656, 262656, 262656, 262656, 262656, 26112, 106496};
    const int modules[] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 5};
    esp_network *net = agent_network();
    esp_grouping grouping;
    CHECK_OK(esp_grouping_from_specs(net, table_iv, TABLE_IV, ESP_ALL_COMPONENTS, &grouping));
    CU_ASSERT_EQUAL_FATAL(grouping.num, 10);
    CU_ASSERT_FALSE(grouping.structural_constraint);
    for (int g = 0; g < grouping.num; g++) {
        CU_ASSERT_EQUAL(grouping.group[g].params, expected[g]);
        CU_ASSERT_EQUAL(grouping.group[g].modules, modules[g]);
        CU_ASSERT_EQUAL(grouping.group[g].coupling, g >= 8);
    }
    CU_ASSERT_EQUAL(grouping.group[9].num_axes, 4);
    esp_network_free(net);
}

/* Linear(784,652) BN ReLU, Linear(652,520) BN ReLU, Linear(520,388) BN ReLU, Linear(388,256), mirrored. */
static esp_network *paper_autoencoder(void)
{
    const int width[] = {784, 652, 520, 388, 256, 388, 520, 652, 784};
    const char *name[] = {"pixels", "enc.1", "enc.2", "enc.3", "latent", "dec.1", "dec.2", "dec.3", "image"};
    esp_network *net = esp_network_new();
    for (int i = 0; i < 9; i++) esp_network_axis(net, name[i], width[i], i != 0 && i != 8);
    for (int i = 0; i < 8; i++) {
        char module[ESP_NAME];
        if (i % 4 == 0) esp_network_component(net, i == 0 ? "encoder" : "decoder");
        snprintf(module, sizeof module, "%s.%d", i < 4 ? "encoder" : "decoder", 3 * (i % 4));
        esp_network_dense(net, module, esp_dim_of(i), esp_dim_of(i + 1), ESP_ACT_NONE);
        if (i % 4 == 3) continue;
        snprintf(module, sizeof module, "%s.%d", i < 4 ? "encoder" : "decoder", 3 * (i % 4) + 1);
        esp_network_norm(net, ESP_LAYER_BATCHNORM, module, i + 1, ESP_ACT_RELU);
    }
    CHECK_OK(esp_network_finish(net));
    return net;
}

static void table_two_sizes_match_to_the_parameter(void)
{
    /* Activations are modules in the paper but not layers here; eight fill the list. */
    static const esp_group_spec table_ii[] = {
        {"Encoder 1", false, {"enc.3"}, {"encoder.3", "encoder.4", "encoder.5", "encoder.6", "encoder.7", "encoder.8",
                                         "encoder.9", "encoder.10"}},
        {"Encoder 2", false, {"enc.2"}, {"encoder.3", "encoder.4", "encoder.5", "encoder.6"}},
        {"Decoder 1", false, {"dec.3"}, {"decoder.6"}},
        {"Decoder 2", false, {"dec.2"}, {"decoder.3"}},
        {"Latent", true, {"latent"}, {"encoder.9"}},
    };
    const size_t expected[] = {202148, 339560, 339692, 202280, 99584};
    esp_network *net = paper_autoencoder();
    esp_grouping grouping;
    CU_ASSERT_EQUAL(esp_network_params(net, ESP_ALL_COMPONENTS), 2312992);
    CHECK_OK(esp_grouping_from_specs(net, table_ii, 5, ESP_ALL_COMPONENTS, &grouping));
    for (int g = 0; g < 5; g++) CU_ASSERT_EQUAL(grouping.group[g].params, expected[g]);
    CU_ASSERT_EQUAL(grouping.group[0].modules, 8);
    CU_ASSERT_EQUAL(grouping.group[1].modules, 4);
    esp_network_free(net);
}

static void structural_grouping_has_one_group_for_every_prunable_axis(void)
{
    esp_network *net = agent_network();
    esp_grouping grouping;
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
    CU_ASSERT_EQUAL(grouping.num, 15);
    CU_ASSERT_TRUE(grouping.structural_constraint);
    CU_ASSERT_PTR_NULL(group_named(&grouping, "pixels"));
    CU_ASSERT_PTR_NULL(group_named(&grouping, "action"));
    for (int g = 0; g < grouping.num; g++) {
        CU_ASSERT_EQUAL(grouping.group[g].num_axes, 1);
        CU_ASSERT_EQUAL(grouping.group[g].coupling, strcmp(grouping.group[g].name, "latent") == 0);
    }
    esp_network_free(net);
}

static void structural_group_counts_every_tensor_along_its_axis(void)
{
    esp_network *net = agent_network();
    esp_grouping grouping;
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
    const esp_group *conv4 = group_named(&grouping, "enc.conv4"), *norm = group_named(&grouping, "Q1.hidden1");
    const esp_group *latent = group_named(&grouping, "latent");
    CU_ASSERT_EQUAL(conv4->params, 32 * 32 * 9 + 32 + 288 * 50);
    CU_ASSERT_EQUAL(conv4->modules, 2);
    CU_ASSERT_EQUAL(norm->params, 512 * 51 + 512 + 2 * 512 + 512 * 512);
    CU_ASSERT_EQUAL(norm->modules, 3);
    CU_ASSERT_EQUAL(latent->params, 288 * 50 + 50 + 512 * 50 + 50 + 4 * 512 * 51 + 512 * 50);
    CU_ASSERT_EQUAL(latent->modules, 7);
    esp_network_free(net);
}

static void policy_leaves_out_the_components_it_never_runs(void)
{
    esp_network *net = agent_network();
    esp_grouping structural, paper;
    esp_grouping_structural(net, policy_components(net), &structural);
    CHECK_OK(esp_grouping_from_specs(net, table_iv, TABLE_IV, policy_components(net), &paper));
    CU_ASSERT_EQUAL(structural.num, 7);
    CU_ASSERT_PTR_NULL(group_named(&structural, "dynamics.hidden1"));
    CU_ASSERT_EQUAL(group_named(&structural, "latent")->params, 288 * 50 + 50 + 512 * 50);
    CU_ASSERT_EQUAL(paper.num, 5);
    CU_ASSERT_PTR_NULL(group_named(&paper, "Dynamics"));
    CU_ASSERT_EQUAL(group_named(&paper, "Encoder-Pi")->params, 26112);
    esp_network_free(net);
}

static void shared_group_keeps_only_axes_and_modules_of_the_components(void)
{
    esp_network *net = agent_network();
    esp_grouping grouping;
    unsigned two = 1u << esp_network_find_component(net, "_encoder") | 1u << esp_network_find_component(net, "_reward");
    CHECK_OK(esp_grouping_from_specs(net, table_iv, TABLE_IV, two, &grouping));
    const esp_group *shared = group_named(&grouping, "Encoder-World");
    CU_ASSERT_EQUAL(shared->num_axes, 1);
    CU_ASSERT_EQUAL(shared->modules, 2);
    CU_ASSERT_EQUAL(shared->params, 26624);
    esp_network_free(net);
}

static void wrong_tables_are_refused_by_name(void)
{
    const esp_group_spec unknown = {"A", false, {"three"}, {NULL}}, fixed = {"B", false, {"in"}, {NULL}};
    const esp_group_spec repeated[] = {{"C", false, {"one"}, {NULL}}, {"D", false, {"two", "one"}, {NULL}}};
    esp_network *net = small_network();
    esp_grouping grouping;
    CHECK_FAILS(ESP_ERR_SHAPE, esp_grouping_from_specs(net, &unknown, 1, ESP_ALL_COMPONENTS, &grouping), "'three'");
    CHECK_FAILS(ESP_ERR_SHAPE, esp_grouping_from_specs(net, &fixed, 1, ESP_ALL_COMPONENTS, &grouping),
                "is an input or output");
    CHECK_FAILS(ESP_ERR_SHAPE, esp_grouping_from_specs(net, repeated, 2, ESP_ALL_COMPONENTS, &grouping),
                "group 'D': axis 'one' is already in a group");
    esp_network_free(net);
}

static void pin_fixes_the_groups_that_match_its_pattern(void)
{
    esp_network *net = agent_network();
    esp_grouping grouping;
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
    CHECK_OK(esp_grouping_pin(&grouping, "enc.*", 0));
    CHECK_OK(esp_grouping_pin(&grouping, "latent", 0.3));
    for (int g = 0; g < grouping.num; g++) {
        double value = g < 4 ? 0 : g == 4 ? 0.3 : ESP_MAX_COEFFICIENT;
        CU_ASSERT_EQUAL(grouping.group[g].least, g == 4 ? 0.3 : 0);
        CU_ASSERT_EQUAL(grouping.group[g].most, value);
    }
    CHECK_FAILS(ESP_ERR_USAGE, esp_grouping_pin(&grouping, "conv*", 0), "'conv*'; there are: enc.conv1, enc.conv2,");
    CHECK_FAILS(ESP_ERR_RANGE, esp_grouping_pin(&grouping, "latent", 0.96), "0 to 0.95");
    CHECK_FAILS(ESP_ERR_RANGE, esp_grouping_pin(&grouping, "latent", NAN), "0 to 0.95");
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"pin_fixes_the_groups_that_match_its_pattern", pin_fixes_the_groups_that_match_its_pattern},
    {"agent_has_the_parameters_of_table_three", agent_has_the_parameters_of_table_three},
    {"table_four_sizes_match_to_the_parameter", table_four_sizes_match_to_the_parameter},
    {"table_two_sizes_match_to_the_parameter", table_two_sizes_match_to_the_parameter},
    {"structural_grouping_has_one_group_for_every_prunable_axis",
     structural_grouping_has_one_group_for_every_prunable_axis},
    {"structural_group_counts_every_tensor_along_its_axis", structural_group_counts_every_tensor_along_its_axis},
    {"policy_leaves_out_the_components_it_never_runs", policy_leaves_out_the_components_it_never_runs},
    {"shared_group_keeps_only_axes_and_modules_of_the_components",
     shared_group_keeps_only_axes_and_modules_of_the_components},
    {"wrong_tables_are_refused_by_name", wrong_tables_are_refused_by_name},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("groups", tests)
