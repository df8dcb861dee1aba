/* A network and its configuration in one file, for any application. */
#include "checkpoint_file.h"

typedef struct {
    int    application, steps;
    double rate;
    const char *scene;
} config;

static const esp_field fields[] = {
    {"application", ESP_CHOICE, offsetof(config, application), 0, 0, "juggler", "what the checkpoint is"},
    {"train.steps", ESP_INT, offsetof(config, steps), 0, 100, NULL, "steps"},
    {"train.rate", ESP_DOUBLE, offsetof(config, rate), 0, 1, NULL, "rate"},
    {"env.scene", ESP_PATH, offsetof(config, scene), 0, 0, NULL, "scene"},
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
    esp_checkpoint file = {.file = NULL};
    esp_status status = esp_checkpoint_open(path, from, &file);
    if (status == ESP_OK) status = esp_checkpoint_config(&file, "juggler", fields, NUM_FIELDS, out);
    esp_checkpoint_close(&file);
    return status;
}

static esp_status write_checkpoint(const esp_network *net, const config *written, const cJSON *contract,
                                   const cJSON *pedigree)
{
    esp_checkpoint_content content = {.net = net, .components = ESP_ALL_COMPONENTS, .fields = fields,
                                      .num_fields = NUM_FIELDS, .config = written, .contract = contract,
                                      .pedigree = pedigree};
    return esp_checkpoint_write(path, &content);
}

/* ---- claims ---- */

static void network_and_configuration_read_back_bit_for_bit(void)
{
    config written = {.steps = 7, .rate = 1.0 / 3.0}, read = {.steps = 1};
    esp_network *net = make_network(), *back = esp_network_describe(net);
    esp_safetensors *file = NULL;
    CHECK_OK(write_checkpoint(net, &written, NULL, NULL));
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
    CHECK_OK(write_checkpoint(net, &written, NULL, NULL));
    CHECK_OK(esp_file_read(path, (size_t)1 << 20, &first, &first_size));
    CHECK_OK(write_checkpoint(net, &written, NULL, NULL));
    CHECK_OK(esp_file_read(path, (size_t)1 << 20, &second, &second_size));
    CU_ASSERT_EQUAL_FATAL(first_size, second_size);
    CU_ASSERT_EQUAL(memcmp(first, second, first_size), 0);
    free(first);
    free(second);
    esp_network_free(net);
}

/* Absent keys keep their value. */
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

static void invalid_configuration_is_refused(void)
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
    CHECK_FAILS(ESP_ERR_FORMAT, read_config(NULL, &read), "its application is 'singer', expected 'juggler'");
    esp_network_free(net);
}

static void contract_and_pedigree_stand_beside_the_configuration(void)
{
    config written = {.steps = 7};
    esp_network *net = make_network();
    esp_checkpoint read = {.file = NULL};
    cJSON *contract = esp_contract_new("juggler", "five balls"), *pedigree = cJSON_CreateArray();
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "parent", "00ff");
    cJSON_AddStringToObject(entry, "method", "gd");
    cJSON_AddItemToArray(pedigree, entry);
    CHECK_OK(write_checkpoint(net, &written, contract, pedigree));
    CHECK_OK(esp_checkpoint_open(path, NULL, &read));
    CU_ASSERT(cJSON_Compare(read.metadata.contract, contract, true));
    CU_ASSERT(cJSON_Compare(read.metadata.pedigree, pedigree, true));
    esp_checkpoint_close(&read);
    cJSON_ReplaceItemInObject(contract, "application", cJSON_CreateString("singer"));
    CHECK_OK(write_checkpoint(net, &written, contract, NULL));
    CHECK_FAILS(ESP_ERR_FORMAT, read_config(NULL, &written), "'singer'");
    cJSON_Delete(contract);
    cJSON_Delete(pedigree);
    esp_network_free(net);
}

/* The file is moved together with the file that it names. */
static void path_inside_is_relative_to_the_file(void)
{
    config written = {.steps = 7}, read = {.steps = 1};
    esp_network *net = make_network();
    char scene[sizeof folder + 32], moved[sizeof folder + 8], command[256];
    snprintf(scene, sizeof scene, "%s/scene.xml", folder);
    snprintf(moved, sizeof moved, "%s.moved", folder);
    written.scene = esp_intern(scene);
    CHECK_OK(esp_file_write(scene, "<a/>", 4));
    CHECK_OK(write_checkpoint(net, &written, NULL, NULL));
    CHECK_OK(read_config(NULL, &read));
    CU_ASSERT_STRING_EQUAL(read.scene, scene);

    snprintf(command, sizeof command, "cp -r %s %s", folder, moved);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
    char original[sizeof path];
    memcpy(original, path, sizeof path);
    snprintf(path, sizeof path, "%s/net.safetensors", moved);
    snprintf(scene, sizeof scene, "%s/scene.xml", moved);
    CHECK_OK(read_config(NULL, &read));
    CU_ASSERT_STRING_EQUAL(read.scene, scene);
    memcpy(path, original, sizeof path);
    snprintf(command, sizeof command, "rm -r %s %s/scene.xml", moved, folder);
    CU_ASSERT_EQUAL(system(command), 0);
    esp_network_free(net);
}

static void configuration_never_names_native_code(void)
{
    config read = {.steps = 1};
    esp_network *net = make_network();
    write_tensors(net, NULL, "{\"env\": {\"scene\": \"./evil.so\"}}");
    CHECK_FAILS(ESP_ERR_FORMAT, read_config(NULL, &read), "native code ('./evil.so')");
    esp_network_free(net);
}

static void components_that_are_not_asked_for_are_not_written(void)
{
    config written = {.steps = 7};
    esp_network *net = make_network();
    esp_safetensors *file = NULL;
    int in = esp_network_axis(net, "more", 3, false);
    esp_network_component(net, "leg");
    esp_network_dense(net, "leg.0", esp_dim_of(in), esp_dim_of(in), ESP_ACT_NONE);
    CHECK_OK(esp_network_finish(net));
    esp_checkpoint_content content = {.net = net, .components = 2u, .fields = fields, .num_fields = NUM_FIELDS,
                                      .config = &written};
    CHECK_OK(esp_checkpoint_write(path, &content));
    CHECK_OK(esp_safetensors_read(path, &file));
    CU_ASSERT_EQUAL(file->count, 2);
    CU_ASSERT(esp_safetensors_find(file, "leg.0.weight") && esp_safetensors_find(file, "leg.0.bias"));
    esp_safetensors_free(file);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"contract and pedigree stand beside the configuration", contract_and_pedigree_stand_beside_the_configuration},
    {"path inside is relative to the file", path_inside_is_relative_to_the_file},
    {"configuration never names native code", configuration_never_names_native_code},
    {"components that are not asked for are not written", components_that_are_not_asked_for_are_not_written},
    {"network and configuration read back bit for bit", network_and_configuration_read_back_bit_for_bit},
    {"equal networks give equal files", equal_networks_give_equal_files},
    {"file without configuration takes it from another", file_without_configuration_takes_it_from_another},
    {"invalid configuration is refused", invalid_configuration_is_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("checkpoint", tests)
