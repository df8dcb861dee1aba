/* An autoencoder in one file: weights and configuration come back as they were, sizes follow from the shapes, and a
 * file that does not hold an autoencoder is refused with the reason. */
#include "agent/agent.h"
#include "autoencoder/autoencoder.h"

#include "checkpoint_file.h"

static esp_network *network(uint64_t seed)
{
    esp_network *net = NULL;
    CHECK_OK(esp_autoencoder_create(&net));
    esp_network_init_default(net, seed);
    return net;
}

/* ---- claims ---- */

static void weights_and_configuration_read_back_bit_for_bit(void)
{
    esp_autoencoder_config config = esp_autoencoder_config_default();
    esp_autoencoder_checkpoint read = {0};
    esp_network *net = network(1);
    config.train.seed = 123456789012345u;
    config.train.learning_rate = 1.0 / 3.0;
    config.train.epochs = 7;
    CHECK_OK(esp_autoencoder_checkpoint_write(path, &config, net));
    CHECK_OK(esp_autoencoder_checkpoint_read(path, NULL, &read));
    CU_ASSERT(same_weights(net, read.net));
    CU_ASSERT_EQUAL(read.config.train.seed, 123456789012345u);
    CU_ASSERT_EQUAL(read.config.train.learning_rate, 1.0 / 3.0);
    CU_ASSERT_EQUAL(read.config.train.epochs, 7);
    esp_autoencoder_checkpoint_free(&read);
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void pruned_autoencoder_loads_by_its_shapes(void)
{
    static const char *const axes[] = {"encoder.hidden1", "encoder.hidden2", "encoder.hidden3", "latent",
                                       "decoder.hidden1", "decoder.hidden2", "decoder.hidden3"};
    esp_autoencoder_config config = esp_autoencoder_config_default();
    esp_autoencoder_checkpoint read = {0};
    esp_network *net = network(1), *small = esp_network_describe(net);
    for (int i = 0; i < 7; i++) small->axis[esp_network_find_axis(small, axes[i])].size = 3 + i;
    CHECK_OK(esp_network_finish(small));
    esp_network_init_default(small, 2);
    CHECK_OK(esp_autoencoder_checkpoint_write(path, &config, small));
    CHECK_OK(esp_autoencoder_checkpoint_read(path, NULL, &read));
    CU_ASSERT(same_weights(small, read.net));
    for (int i = 0; i < 7; i++) CU_ASSERT_EQUAL(read.net->axis[esp_network_find_axis(small, axes[i])].size, 3 + i);
    esp_autoencoder_checkpoint_free(&read);
    esp_network_free(small);
    esp_network_free(net);
}

static void file_without_metadata_needs_a_configuration(void)
{
    esp_autoencoder_config config = esp_autoencoder_config_default();
    esp_autoencoder_checkpoint read = {0};
    esp_network *net = network(1);
    cJSON *json = esp_config_json(esp_autoencoder_fields, esp_autoencoder_num_fields, &config);
    CHECK_OK(esp_json_write(config_path, json));
    write_tensors(net, NULL, NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_autoencoder_checkpoint_read(path, NULL, &read), "--config");
    CU_ASSERT_PTR_NULL(read.net);
    CHECK_OK(esp_autoencoder_checkpoint_read(path, config_path, &read));
    CU_ASSERT(same_weights(net, read.net));
    esp_autoencoder_checkpoint_free(&read);
    cJSON_Delete(json);
    esp_network_free(net);
}

static void files_without_an_autoencoder_are_refused_with_the_reason(void)
{
    static const char plain[] = "{\"application\": \"autoencoder\"}";
    esp_autoencoder_checkpoint read = {0};
    esp_network *net = network(1);
    write_tensors(net, "decoder.4.running_var", plain);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_autoencoder_checkpoint_read(path, NULL, &read), "'decoder.4.running_var'");
    write_tensors(net, NULL, "{\"application\": \"autoencoder\", \"train\": {\"epoch\": 3}}");
    CHECK_FAILS(ESP_ERR_USAGE, esp_autoencoder_checkpoint_read(path, NULL, &read), "train.epochs");
    net->weights[5] = NAN;
    write_tensors(net, NULL, plain);
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_autoencoder_checkpoint_read(path, NULL, &read), "encoder.0.weight");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void an_agent_is_refused_as_an_autoencoder(void)
{
    esp_agent_config config = esp_agent_config_default();
    esp_autoencoder_checkpoint read = {0};
    esp_network *agent = NULL;
    config.network = (esp_network_config){.latent = 4, .hidden = 8, .channels = 3};
    CHECK_OK(esp_told_create(&config, 1, &agent));
    CHECK_OK(esp_agent_checkpoint_write(path, &config, agent));
    CHECK_FAILS(ESP_ERR_FORMAT, esp_autoencoder_checkpoint_read(path, NULL, &read), "'tdmpc'");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(agent);
}

static CU_TestInfo tests[] = {
    {"weights_and_configuration_read_back_bit_for_bit", weights_and_configuration_read_back_bit_for_bit},
    {"pruned_autoencoder_loads_by_its_shapes", pruned_autoencoder_loads_by_its_shapes},
    {"file_without_metadata_needs_a_configuration", file_without_metadata_needs_a_configuration},
    {"files_without_an_autoencoder_are_refused_with_the_reason",
     files_without_an_autoencoder_are_refused_with_the_reason},
    {"an_agent_is_refused_as_an_autoencoder", an_agent_is_refused_as_an_autoencoder},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("autoencoder_checkpoint", tests)
