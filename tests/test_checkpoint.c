/* A network and its configuration in one file, whatever the application. */
#include "checkpoint_file.h"

typedef struct {
    int    application, steps;
    double rate;
} config;

static const esp_field fields[] = {
    {"application", ESP_CHOICE, offsetof(config, application), 0, 0, "juggler", "what the checkpoint is"},
    {"train.steps", ESP_INT, offsetof(config, steps), 0, 100, NULL, "steps"},
    {"train.rate", ESP_DOUBLE, offsetof(config, rate), 0, 1, NULL, "rate"},
};
enum { NUM_FIELDS = sizeof fields / sizeof *fields };

static esp_network *make_network(void)
{
    esp_network *net = esp_network_new();
    int in = esp_network_axis(net, "in", 3, false), out = esp_network_axis(net, "out", 2, true);
    esp_network_component(net, "arm");
    esp_network_dense(net, "arm.0", esp_dim_of(in), esp_dim_of(out), ESP_ACT_NONE);
    CHECK_OK(esp_network_finish(net));
    esp_network_init_default(net, 1);
    return net;
}

static esp_status read_config(const char *from, config *out)
{
    esp_safetensors *file = NULL;
    CHECK_OK(esp_safetensors_read(path, &file));
    esp_status status = esp_checkpoint_read_config(file, from, "juggler", fields, NUM_FIELDS, out);
    esp_safetensors_free(file);
    return status;
}

/* ---- claims ---- */

static void network_and_configuration_read_back_bit_for_bit(void)
{
    config written = {.steps = 7, .rate = 1.0 / 3.0}, read = {.steps = 1};
    esp_network *net = make_network(), *back = esp_network_describe(net);
    esp_safetensors *file = NULL;
    CHECK_OK(esp_checkpoint_write(path, net, fields, NUM_FIELDS, &written));
    CHECK_OK(read_config(NULL, &read));
    CU_ASSERT(read.steps == 7 && read.rate == 1.0 / 3.0);
    CHECK_OK(esp_safetensors_read(path, &file));
    CHECK_OK(esp_network_load(back, file, ""));
    CU_ASSERT(same_weights(net, back));
    CU_ASSERT_STRING_EQUAL(esp_safetensors_metadata(file, "version"), ESP_VERSION);
    esp_safetensors_free(file);
    esp_network_free(back);
    esp_network_free(net);
}

static void equal_networks_give_equal_files(void)
{
    config written = {.steps = 7};
    esp_network *net = make_network();
    char *first = NULL, *second = NULL;
    size_t first_size = 0, second_size = 0;
    CHECK_OK(esp_checkpoint_write(path, net, fields, NUM_FIELDS, &written));
    CHECK_OK(esp_file_read(path, (size_t)1 << 20, &first, &first_size));
    CHECK_OK(esp_checkpoint_write(path, net, fields, NUM_FIELDS, &written));
    CHECK_OK(esp_file_read(path, (size_t)1 << 20, &second, &second_size));
    CU_ASSERT_EQUAL_FATAL(first_size, second_size);
    CU_ASSERT_EQUAL(memcmp(first, second, first_size), 0);
    free(first);
    free(second);
    esp_network_free(net);
}

/* Keys that are absent keep their value. */
static void file_without_configuration_takes_it_from_another(void)
{
    static const char text[] = "{\"train\": {\"steps\": 9}}";
    config read = {.steps = 1, .rate = 0.5};
    esp_network *net = make_network();
    write_tensors(net, NULL, NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, read_config(NULL, &read), "--config CONFIG.json");
    CHECK_OK(esp_file_write(config_path, text, strlen(text)));
    CHECK_OK(read_config(config_path, &read));
    CU_ASSERT(read.steps == 9 && read.rate == 0.5);
    write_tensors(net, NULL, "{\"train\": {\"steps\": 10}}");
    CHECK_OK(read_config(config_path, &read));
    CU_ASSERT_EQUAL(read.steps, 9);
    CHECK_FAILS(ESP_ERR_IO, read_config("/nowhere/config.json", &read), "/nowhere/config.json");
    esp_network_free(net);
}

static void configuration_that_is_none_is_refused(void)
{
    config read = {.steps = 1};
    esp_network *net = make_network();
    write_tensors(net, NULL, "{\"train\": ");
    CHECK_FAILS(ESP_ERR_FORMAT, read_config(NULL, &read), path);
    write_tensors(net, NULL, "{\"train\": {\"step\": 3}}");
    CHECK_FAILS(ESP_ERR_USAGE, read_config(NULL, &read), "train.steps");
    write_tensors(net, NULL, "{\"train\": {\"steps\": 101}}");
    CHECK_FAILS(ESP_ERR_RANGE, read_config(NULL, &read), "from 0 to 100");
    write_tensors(net, NULL, "{\"application\": \"singer\", \"pitch\": 440}");
    CHECK_FAILS(ESP_ERR_FORMAT, read_config(NULL, &read), "application 'singer', one of 'juggler' is needed");
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"network and configuration read back bit for bit", network_and_configuration_read_back_bit_for_bit},
    {"equal networks give equal files", equal_networks_give_equal_files},
    {"file without configuration takes it from another", file_without_configuration_takes_it_from_another},
    {"configuration that is none is refused", configuration_that_is_none_is_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("checkpoint", tests)
