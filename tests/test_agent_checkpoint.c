/* An agent in one file: weights and configuration come back as they were, sizes are those of the
 * shapes, and a file that is no agent says why. */
#include <unistd.h>

#include "tiny_agent.h"

enum { ACTIONS = 2 };

static char folder[] = "/tmp/espalier-checkpoint-XXXXXX";
static char path[sizeof folder + 32], other[sizeof folder + 32];

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/agent.safetensors", folder);
    snprintf(other, sizeof other, "%s/config.json", folder);
}

__attribute__((destructor)) static void remove_folder(void)
{
    unlink(path);
    unlink(other);
    rmdir(folder);
}

static bool same_weights(const esp_network *a, const esp_network *b)
{
    return a->num_weights == b->num_weights && memcmp(a->weights, b->weights, a->num_weights * sizeof(float)) == 0;
}

static bool same_config(const esp_agent_config *a, const esp_agent_config *b)
{
    cJSON *x = esp_config_json(esp_agent_fields, esp_agent_num_fields, a);
    cJSON *y = esp_config_json(esp_agent_fields, esp_agent_num_fields, b);
    char *first = cJSON_PrintUnformatted(x), *second = cJSON_PrintUnformatted(y);
    bool same = strcmp(first, second) == 0;
    cJSON_free(first);
    cJSON_free(second);
    cJSON_Delete(x);
    cJSON_Delete(y);
    return same;
}

/* Writes all tensors of `net` but the one called `left_out`, with `text` as the agent's
 * configuration; NULL: none. */
static void write_tensors(const esp_network *net, const char *left_out, const char *text)
{
    esp_st_tensor entries[ESP_MAX_TENSORS], used[ESP_MAX_TENSORS];
    int count = esp_network_entries(net, "", entries), kept = 0;
    cJSON *metadata = cJSON_CreateObject();
    if (text) cJSON_AddStringToObject(metadata, "espalier", text);
    for (int i = 0; i < count; i++)
        if (!left_out || strcmp(entries[i].name, left_out) != 0) used[kept++] = entries[i];
    CHECK_OK(esp_safetensors_write(path, used, kept, text ? metadata : NULL));
    cJSON_Delete(metadata);
    esp_st_names_free(entries, count);
}

static void write_config(const esp_agent_config *config)
{
    cJSON *json = esp_config_json(esp_agent_fields, esp_agent_num_fields, config);
    CHECK_OK(esp_json_write(other, json));
    cJSON_Delete(json);
}

/* Half of the units of every axis gone. */
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
    CHECK_OK(esp_ranking_make(net, ESP_IMPORTANCE_L1, 1, NULL, &ranking));
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
    esp_checkpoint read = {0};
    CHECK_OK(esp_checkpoint_write(path, &config, net));
    CHECK_OK(esp_checkpoint_read(path, NULL, &read));
    CU_ASSERT(same_weights(net, read.net));
    CU_ASSERT(same_config(&config, &read.config));
    CU_ASSERT_EQUAL(read.config.train.seed, 123456789012345u);
    CU_ASSERT_EQUAL(read.config.loss.learning_rate, 1.0 / 3.0);
    esp_checkpoint_free(&read);
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void equal_agents_give_equal_files(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    char *first = NULL, *second = NULL;
    size_t first_size = 0, second_size = 0;
    CHECK_OK(esp_checkpoint_write(path, &config, net));
    CHECK_OK(esp_file_read(path, (size_t)1 << 20, &first, &first_size));
    CHECK_OK(esp_checkpoint_write(path, &config, net));
    CHECK_OK(esp_file_read(path, (size_t)1 << 20, &second, &second_size));
    CU_ASSERT_EQUAL_FATAL(first_size, second_size);
    CU_ASSERT_EQUAL(memcmp(first, second, first_size), 0);
    free(first);
    free(second);
    esp_network_free(net);
}

static void pruned_agent_loads_by_its_shapes(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1), *small = prune(net);
    esp_checkpoint read = {0};
    CU_ASSERT(small->num_weights < net->num_weights);
    CHECK_OK(esp_checkpoint_write(path, &config, small));
    CHECK_OK(esp_checkpoint_read(path, NULL, &read));
    CU_ASSERT(same_weights(small, read.net));
    for (int i = 0; i < small->num_axes; i++) CU_ASSERT_EQUAL(read.net->axis[i].size, small->axis[i].size);
    CU_ASSERT_EQUAL(esp_told_latent(read.net), 2);
    esp_checkpoint_free(&read);
    esp_network_free(small);
    esp_network_free(net);
}

static void file_without_metadata_needs_a_configuration(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_checkpoint read = {0};
    write_tensors(net, NULL, NULL);
    write_config(&config);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_checkpoint_read(path, NULL, &read), "--config");
    CU_ASSERT_PTR_NULL(read.net);
    CHECK_OK(esp_checkpoint_read(path, other, &read));
    CU_ASSERT(same_weights(net, read.net));
    CU_ASSERT(same_config(&config, &read.config));
    esp_checkpoint_free(&read);
    esp_network_free(net);
}

static void missing_tensor_is_named(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_checkpoint read = {0};
    write_config(&config);
    write_tensors(net, "_dynamics.2.weight", NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_checkpoint_read(path, other, &read), "'_dynamics.2.weight' is missing");
    write_tensors(net, "_pi.4.bias", NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_checkpoint_read(path, other, &read), "no TD-MPC agent");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void weights_that_are_not_finite_are_refused(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_checkpoint read = {0};
    net->weights[5] = NAN;
    CHECK_OK(esp_checkpoint_write(path, &config, net));
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_checkpoint_read(path, NULL, &read), "_encoder.1.weight");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

/* The frames a network sees face the world: their number is the configuration's, not the file's. */
static void configuration_of_another_world_is_refused(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_checkpoint read = {0};
    config.env.frame_stack = 3;
    CHECK_OK(esp_checkpoint_write(path, &config, net));
    CHECK_FAILS(ESP_ERR_SHAPE, esp_checkpoint_read(path, NULL, &read), "_encoder.1.weight");
    config.env.frame_stack = 2;
    config.env.image_size = 28;
    CHECK_OK(esp_checkpoint_write(path, &config, net));
    CHECK_FAILS(ESP_ERR_SHAPE, esp_checkpoint_read(path, NULL, &read), "_encoder.10.weight");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void configuration_that_is_none_is_refused(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_checkpoint read = {0};
    write_tensors(net, NULL, "{\"planner\": ");
    CHECK_FAILS(ESP_ERR_FORMAT, esp_checkpoint_read(path, NULL, &read), "agent.safetensors");
    write_tensors(net, NULL, "{\"planner\": {\"sample\": 3}}");
    CHECK_FAILS(ESP_ERR_USAGE, esp_checkpoint_read(path, NULL, &read), "planner.samples");
    write_tensors(net, NULL, "{\"planner\": {\"elites\": 500}}");
    CHECK_FAILS(ESP_ERR_RANGE, esp_checkpoint_read(path, NULL, &read), "planner.elites");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void an_autoencoder_is_no_agent(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_checkpoint read = {0};
    write_tensors(net, NULL, "{\"application\": \"autoencoder\", \"train\": {\"epochs\": 3}}");
    CHECK_FAILS(ESP_ERR_FORMAT, esp_checkpoint_read(path, NULL, &read), "this is an autoencoder");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void more_actions_than_supported_are_refused(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ESP_MAX_ACTIONS + 1, 1);
    esp_checkpoint read = {0};
    CHECK_OK(esp_checkpoint_write(path, &config, net));
    CHECK_FAILS(ESP_ERR_SHAPE, esp_checkpoint_read(path, NULL, &read), "9 actions");
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"weights_and_configuration_read_back_bit_for_bit", weights_and_configuration_read_back_bit_for_bit},
    {"equal_agents_give_equal_files", equal_agents_give_equal_files},
    {"pruned_agent_loads_by_its_shapes", pruned_agent_loads_by_its_shapes},
    {"file_without_metadata_needs_a_configuration", file_without_metadata_needs_a_configuration},
    {"missing_tensor_is_named", missing_tensor_is_named},
    {"weights_that_are_not_finite_are_refused", weights_that_are_not_finite_are_refused},
    {"configuration_of_another_world_is_refused", configuration_of_another_world_is_refused},
    {"configuration_that_is_none_is_refused", configuration_that_is_none_is_refused},
    {"an_autoencoder_is_no_agent", an_autoencoder_is_no_agent},
    {"more_actions_than_supported_are_refused", more_actions_than_supported_are_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_checkpoint", tests)
