/* An agent in one file: weights and configuration come back as they were, sizes follow from the
 * shapes, and a file that does not hold an agent is refused with the reason. */
#include "checkpoint_file.h"
#include "tiny_agent.h"

enum { ACTIONS = 2 };

static bool same_config(const esp_agent_config *a, const esp_agent_config *b)
{
    cJSON *first = esp_config_json(esp_agent_fields, esp_agent_num_fields, a);
    cJSON *second = esp_config_json(esp_agent_fields, esp_agent_num_fields, b);
    bool same = cJSON_Compare(first, second, true);
    cJSON_Delete(first);
    cJSON_Delete(second);
    return same;
}

static void write_config(const esp_agent_config *config)
{
    cJSON *json = esp_config_json(esp_agent_fields, esp_agent_num_fields, config);
    CHECK_OK(esp_json_write(config_path, json));
    cJSON_Delete(json);
}

/* Removes half of the units of every axis. */
static esp_network *prune(const esp_network *net)
{
    esp_grouping grouping;
    esp_ranking ranking;
    esp_cut cut;
    esp_network *small = NULL;
    double coefficients[ESP_MAX_AXES];
    for (int i = 0; i < ESP_MAX_AXES; i++) coefficients[i] = 0.5;
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
    esp_widths widths = esp_widths_of(net, &grouping, coefficients);
    CHECK_OK(esp_ranking_make(net, esp_importance_find("l1"), 1, NULL, &ranking));
    esp_cut_make(net, &ranking, &widths, &cut);
    CHECK_OK(esp_surgery(net, &cut, &small));
    esp_cut_free(&cut);
    esp_ranking_free(&ranking);
    return small;
}

/* ---- claims ---- */

static void weights_and_configuration_read_back_bit_for_bit(void)
{
    esp_agent_config config = tiny_config();
    config.train.seed = 123456789012345u;
    config.loss.learning_rate = 1.0 / 3.0;
    config.planner.act_on = ESP_ACT_ON_ELITE;
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_agent_checkpoint read = {0};
    CHECK_OK(esp_agent_checkpoint_write(path, &config, net));
    CHECK_OK(esp_agent_checkpoint_read(path, NULL, &read));
    CU_ASSERT(same_weights(net, read.net));
    CU_ASSERT(same_config(&config, &read.config));
    CU_ASSERT_EQUAL(read.config.train.seed, 123456789012345u);
    CU_ASSERT_EQUAL(read.config.loss.learning_rate, 1.0 / 3.0);
    esp_agent_checkpoint_free(&read);
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void pruned_agent_loads_by_its_shapes(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1), *small = prune(net);
    esp_agent_checkpoint read = {0};
    CU_ASSERT(small->num_weights < net->num_weights);
    CHECK_OK(esp_agent_checkpoint_write(path, &config, small));
    CHECK_OK(esp_agent_checkpoint_read(path, NULL, &read));
    CU_ASSERT(same_weights(small, read.net));
    for (int i = 0; i < small->num_axes; i++) CU_ASSERT_EQUAL(read.net->axis[i].size, small->axis[i].size);
    CU_ASSERT_EQUAL(esp_told_latent(read.net), 2);
    esp_agent_checkpoint_free(&read);
    esp_network_free(small);
    esp_network_free(net);
}

static void file_without_metadata_needs_a_configuration(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_agent_checkpoint read = {0};
    write_tensors(net, NULL, NULL);
    write_config(&config);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_agent_checkpoint_read(path, NULL, &read), "--config");
    CU_ASSERT_PTR_NULL(read.net);
    CHECK_OK(esp_agent_checkpoint_read(path, config_path, &read));
    CU_ASSERT(same_weights(net, read.net));
    CU_ASSERT(same_config(&config, &read.config));
    esp_agent_checkpoint_free(&read);
    esp_network_free(net);
}

static void missing_tensor_is_named(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_agent_checkpoint read = {0};
    write_config(&config);
    write_tensors(net, "_dynamics.2.weight", NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_agent_checkpoint_read(path, config_path, &read), "'_dynamics.2.weight' is missing");
    write_tensors(net, "_pi.4.bias", NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_agent_checkpoint_read(path, config_path, &read), "expected a TD-MPC agent");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

/* A file with the policy's components alone: heads of the model are slots without layers, and their
 * axes are gone. */
static void file_of_the_policy_alone_loads_without_the_model(void)
{
    const unsigned used = esp_controller_components(ESP_CONTROLLER_POLICY);
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_agent_checkpoint read = {0}, again = {0};
    esp_metadata metadata = {.contract = esp_agent_contract(path, &config, NULL, ESP_CONTROLLER_POLICY)};
    CHECK_OK(esp_agent_checkpoint_save(path, &config, net, used, &metadata));
    CHECK_OK(esp_agent_checkpoint_read(path, NULL, &read));
    CU_ASSERT_EQUAL(read.controller, ESP_CONTROLLER_POLICY);
    CU_ASSERT_EQUAL(esp_network_components(read.net), used);
    CU_ASSERT_EQUAL(read.net->num_components, ESP_TOLD_COMPONENTS);
    CU_ASSERT_EQUAL(read.net->component[ESP_TOLD_Q1].in_size, 0);
    CU_ASSERT_EQUAL(esp_network_find_axis(read.net, "Q1.hidden1"), -1);
    CU_ASSERT_EQUAL(esp_network_find_axis(read.net, "scalar"), -1);
    CU_ASSERT_EQUAL(esp_network_params(read.net, ESP_ALL_COMPONENTS), esp_network_params(net, used));
    for (int c = 0; c < ESP_TOLD_COMPONENTS; c++)
        if (used >> c & 1u)
            CU_ASSERT_EQUAL(memcmp(read.net->weights + read.net->component[c].offset,
                                   net->weights + net->component[c].offset, net->component[c].count * sizeof(float)),
                            0);
    CHECK_OK(esp_controller_check(read.net, ESP_CONTROLLER_POLICY));
    CHECK_FAILS(ESP_ERR_USAGE, esp_controller_check(read.net, ESP_CONTROLLER_MPPI), "dynamics, reward, Q1, Q2");
    CHECK_OK(esp_agent_checkpoint_write(path, &read.config, read.net));
    CHECK_OK(esp_agent_checkpoint_read(path, NULL, &again));
    CU_ASSERT(same_weights(read.net, again.net));
    CU_ASSERT_EQUAL(again.controller, ESP_CONTROLLER_POLICY);
    esp_agent_checkpoint_free(&again);
    esp_agent_checkpoint_free(&read);
    esp_metadata_free(&metadata);
    esp_network_free(net);
}

/* As in all files written before contracts existed. */
static void missing_contract_follows_from_the_configuration(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_agent_checkpoint read = {0};
    write_tensors(net, NULL, "{\"env\": {\"image_size\": 24, \"frame_stack\": 2}, "
                             "\"network\": {\"latent\": 4, \"hidden\": 8, \"channels\": 3}}");
    CHECK_OK(esp_agent_checkpoint_read(path, NULL, &read));
    CU_ASSERT(read.metadata.derived);
    CU_ASSERT_EQUAL(read.controller, ESP_CONTROLLER_MPPI);
    CU_ASSERT_STRING_EQUAL(esp_json_text(read.metadata.contract, "application"), "tdmpc");
    CU_ASSERT_STRING_EQUAL(esp_json_text(read.metadata.contract, "task"), "pendulum");
    CU_ASSERT_STRING_EQUAL(esp_json_text(read.metadata.contract, "controller"), "mppi");
    CU_ASSERT_PTR_NULL(read.metadata.pedigree);
    esp_agent_checkpoint_free(&read);
    esp_network_free(net);
}

static void contract_for_a_controller_that_the_file_cannot_run_is_refused(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_agent_checkpoint read = {0};
    esp_metadata metadata = {.contract = esp_agent_contract(path, &config, NULL, ESP_CONTROLLER_MPPI)};
    CHECK_OK(
        esp_agent_checkpoint_save(path, &config, net, esp_controller_components(ESP_CONTROLLER_POLICY), &metadata));
    CHECK_FAILS(ESP_ERR_FORMAT, esp_agent_checkpoint_read(path, NULL, &read), "contract: controller 'mppi'");
    cJSON_ReplaceItemInObject(metadata.contract, "controller", cJSON_CreateString("psychic"));
    CHECK_OK(esp_agent_checkpoint_save(path, &config, net, ESP_ALL_COMPONENTS, &metadata));
    CHECK_FAILS(ESP_ERR_FORMAT, esp_agent_checkpoint_read(path, NULL, &read), "mppi|policy");
    CU_ASSERT_PTR_NULL(read.net);
    esp_metadata_free(&metadata);
    esp_network_free(net);
}

static void contract_says_what_the_agent_sees_and_does(void)
{
    esp_agent_config config = tiny_config();
    esp_world *world = NULL;
    CHECK_OK(esp_world_create(&config.env, &world));
    cJSON *contract = esp_agent_contract(path, &config, world, ESP_CONTROLLER_POLICY);
    const cJSON *pixels = cJSON_GetArrayItem(cJSON_GetObjectItem(contract, "observation"), 0);
    const cJSON *torque = cJSON_GetArrayItem(cJSON_GetObjectItem(contract, "action"), 0);
    CU_ASSERT(cJSON_IsNull(cJSON_GetObjectItem(contract, "scene")));
    CU_ASSERT_EQUAL(strlen(esp_json_text(contract, "scene_hash")), 16);
    CU_ASSERT_EQUAL(esp_json_number(pixels, "width"), 24.0);
    CU_ASSERT_EQUAL(esp_json_number(pixels, "stack"), 2.0);
    CU_ASSERT_STRING_EQUAL(esp_json_text(torque, "name"), "torque");
    CU_ASSERT_EQUAL(esp_json_number(torque, "scale"), 1.0);
    CU_ASSERT_EQUAL(esp_json_number(contract, "control_period_s"), 0.16);
    CU_ASSERT_STRING_EQUAL(esp_json_text(contract, "controller"), "policy");
    cJSON_Delete(contract);
    esp_world_free(world);
}

static void weights_that_are_not_finite_are_refused(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_agent_checkpoint read = {0};
    net->weights[5] = NAN;
    CHECK_OK(esp_agent_checkpoint_write(path, &config, net));
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_agent_checkpoint_read(path, NULL, &read), "_encoder.1.weight");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

/* The number of frames that a network sees comes from the configuration, not from the file. */
static void configuration_of_another_world_is_refused(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_agent_checkpoint read = {0};
    config.env.frame_stack = 3;
    CHECK_OK(esp_agent_checkpoint_write(path, &config, net));
    CHECK_FAILS(ESP_ERR_SHAPE, esp_agent_checkpoint_read(path, NULL, &read), "_encoder.1.weight");
    config.env.frame_stack = 2;
    config.env.image_size = 28;
    CHECK_OK(esp_agent_checkpoint_write(path, &config, net));
    CHECK_FAILS(ESP_ERR_SHAPE, esp_agent_checkpoint_read(path, NULL, &read), "_encoder.10.weight");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void invalid_configuration_is_refused(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_agent_checkpoint read = {0};
    write_tensors(net, NULL, "{\"planner\": {\"sample\": 3}}");
    CHECK_FAILS(ESP_ERR_USAGE, esp_agent_checkpoint_read(path, NULL, &read), "planner.samples");
    write_tensors(net, NULL, "{\"planner\": {\"elites\": 500}}");
    CHECK_FAILS(ESP_ERR_RANGE, esp_agent_checkpoint_read(path, NULL, &read), "planner.elites");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void an_autoencoder_is_refused_as_an_agent(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_agent_checkpoint read = {0};
    write_tensors(net, NULL, "{\"application\": \"autoencoder\", \"train\": {\"epochs\": 3}}");
    CHECK_FAILS(ESP_ERR_FORMAT, esp_agent_checkpoint_read(path, NULL, &read), "'autoencoder'");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void agent_may_have_any_number_of_actions(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, 29, 1);
    esp_agent_checkpoint read = {0};
    CHECK_OK(esp_agent_checkpoint_write(path, &config, net));
    CHECK_OK(esp_agent_checkpoint_read(path, NULL, &read));
    if (read.net) CU_ASSERT_EQUAL(read.net->component[ESP_TOLD_POLICY].out_size, 29);
    esp_agent_checkpoint_free(&read);
    esp_network_free(net);
}

/* hanging_fraction is the name from the time when there was one task. */
static void older_name_of_a_key_is_read_and_the_new_one_written(void)
{
    esp_agent_config config = esp_agent_config_default();
    CHECK_OK(esp_config_set(esp_agent_fields, esp_agent_num_fields, "train.hanging_fraction=0.25", &config));
    CU_ASSERT_EQUAL(config.train.other_starts, 0.25);
    cJSON *json = esp_config_json(esp_agent_fields, esp_agent_num_fields, &config);
    const cJSON *train = cJSON_GetObjectItemCaseSensitive(json, "train");
    CU_ASSERT_EQUAL(esp_json_number(train, "other_starts"), 0.25);
    CU_ASSERT_PTR_NULL(cJSON_GetObjectItemCaseSensitive(train, "hanging_fraction"));
    cJSON_Delete(json);
}

static CU_TestInfo tests[] = {
    {"weights_and_configuration_read_back_bit_for_bit", weights_and_configuration_read_back_bit_for_bit},
    {"pruned_agent_loads_by_its_shapes", pruned_agent_loads_by_its_shapes},
    {"file_without_metadata_needs_a_configuration", file_without_metadata_needs_a_configuration},
    {"missing_tensor_is_named", missing_tensor_is_named},
    {"file_of_the_policy_alone_loads_without_the_model", file_of_the_policy_alone_loads_without_the_model},
    {"missing_contract_follows_from_the_configuration", missing_contract_follows_from_the_configuration},
    {"contract_for_a_controller_that_the_file_cannot_run_is_refused",
     contract_for_a_controller_that_the_file_cannot_run_is_refused},
    {"contract_says_what_the_agent_sees_and_does", contract_says_what_the_agent_sees_and_does},
    {"weights_that_are_not_finite_are_refused", weights_that_are_not_finite_are_refused},
    {"configuration_of_another_world_is_refused", configuration_of_another_world_is_refused},
    {"invalid_configuration_is_refused", invalid_configuration_is_refused},
    {"an_autoencoder_is_refused_as_an_agent", an_autoencoder_is_refused_as_an_agent},
    {"agent_may_have_any_number_of_actions", agent_may_have_any_number_of_actions},
    {"older_name_of_a_key_is_read_and_the_new_one_written", older_name_of_a_key_is_read_and_the_new_one_written},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_checkpoint", tests)
