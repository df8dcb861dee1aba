/* An autoencoder in one file: weights and configuration come back as they were, sizes are those of the
 * shapes, and a file that is no autoencoder says why. */
#include <unistd.h>

#include "agent/agent.h"
#include "autoencoder/autoencoder.h"

#include "check.h"

static char folder[] = "/tmp/espalier-autoencoder-XXXXXX";
static char path[sizeof folder + 32], other[sizeof folder + 32];

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/autoencoder.safetensors", folder);
    snprintf(other, sizeof other, "%s/config.json", folder);
}

__attribute__((destructor)) static void remove_folder(void)
{
    unlink(path);
    unlink(other);
    rmdir(folder);
}

static esp_network *network(uint64_t seed)
{
    esp_network *net = NULL;
    CHECK_OK(esp_autoencoder_create(&net));
    esp_network_init_default(net, seed);
    return net;
}

static bool same_weights(const esp_network *a, const esp_network *b)
{
    return a->num_weights == b->num_weights && memcmp(a->weights, b->weights, a->num_weights * sizeof(float)) == 0;
}

/* Writes all tensors of `net` but the one called `left_out`, with `text` as the configuration; NULL: none. */
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
    CHECK_OK(esp_json_write(other, json));
    write_tensors(net, NULL, NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_autoencoder_checkpoint_read(path, NULL, &read), "--config");
    CU_ASSERT_PTR_NULL(read.net);
    CHECK_OK(esp_autoencoder_checkpoint_read(path, other, &read));
    CU_ASSERT(same_weights(net, read.net));
    esp_autoencoder_checkpoint_free(&read);
    cJSON_Delete(json);
    esp_network_free(net);
}

static void files_that_are_no_autoencoder_say_why(void)
{
    static const char plain[] = "{\"application\": \"autoencoder\"}";
    esp_autoencoder_checkpoint read = {0};
    esp_network *net = network(1);
    write_tensors(net, "decoder.4.running_var", plain);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_autoencoder_checkpoint_read(path, NULL, &read), "'decoder.4.running_var'");
    write_tensors(net, NULL, "{\"application\": \"autoencoder\", \"train\": {\"epoch\": 3}}");
    CHECK_FAILS(ESP_ERR_USAGE, esp_autoencoder_checkpoint_read(path, NULL, &read), "train.epochs");
    write_tensors(net, NULL, "{\"application\": ");
    CHECK_FAILS(ESP_ERR_FORMAT, esp_autoencoder_checkpoint_read(path, NULL, &read), "autoencoder.safetensors");
    net->weights[5] = NAN;
    write_tensors(net, NULL, plain);
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_autoencoder_checkpoint_read(path, NULL, &read), "encoder.0.weight");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(net);
}

static void an_agent_is_no_autoencoder(void)
{
    esp_agent_config config = esp_agent_config_default();
    esp_autoencoder_checkpoint read = {0};
    esp_network *agent = NULL;
    config.network = (esp_network_config){.latent = 4, .hidden = 8, .channels = 3};
    CHECK_OK(esp_told_create(&config, 1, &agent));
    CHECK_OK(esp_checkpoint_write(path, &config, agent));
    CHECK_FAILS(ESP_ERR_FORMAT, esp_autoencoder_checkpoint_read(path, NULL, &read), "this is a TD-MPC agent");
    CU_ASSERT_PTR_NULL(read.net);
    esp_network_free(agent);
}

static CU_TestInfo tests[] = {
    {"weights_and_configuration_read_back_bit_for_bit", weights_and_configuration_read_back_bit_for_bit},
    {"pruned_autoencoder_loads_by_its_shapes", pruned_autoencoder_loads_by_its_shapes},
    {"file_without_metadata_needs_a_configuration", file_without_metadata_needs_a_configuration},
    {"files_that_are_no_autoencoder_say_why", files_that_are_no_autoencoder_say_why},
    {"an_agent_is_no_autoencoder", an_agent_is_no_autoencoder},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("autoencoder_checkpoint", tests)
