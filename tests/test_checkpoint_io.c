/* A network in a file: its sizes come back from the shapes, and a file that does not fit says why. */
#include "checkpoint_file.h"

/* Flatten, concatenation and running statistics: every way in which a shape can follow from the
 * axes. */
static esp_network *describe_network(int latent_units, int kernels, int hidden_units)
{
    esp_network *net = esp_network_new();
    int channels = esp_network_axis(net, "channels", 2, false), action = esp_network_axis(net, "action", 1, false);
    int latent = esp_network_axis(net, "latent", latent_units, true);
    int conv = esp_network_axis(net, "conv", kernels, true);
    int hidden = esp_network_axis(net, "hidden", hidden_units, true);
    esp_network_component(net, "encoder");
    esp_network_image(net, channels, 6);
    esp_network_conv2d(net, "encoder.1", channels, conv, 3, 1, ESP_ACT_RELU);
    esp_network_flatten(net);
    esp_network_dense(net, "encoder.4", esp_dim_of(conv), esp_dim_of(latent), ESP_ACT_NONE);
    esp_network_component(net, "head");
    esp_network_dense(net, "head.0", esp_dim_concat(latent, action), esp_dim_of(hidden), ESP_ACT_NONE);
    esp_network_norm(net, ESP_LAYER_BATCHNORM, "head.1", hidden, ESP_ACT_TANH);
    esp_network_dense(net, "head.3", esp_dim_of(hidden), esp_dim_of(action), ESP_ACT_NONE);
    return net;
}

static esp_network *make_network(void)
{
    esp_network *net = describe_network(4, 3, 7);
    CHECK_OK(esp_network_finish(net));
    esp_network_init_default(net, 9);
    return net;
}

/* Writes the network's tensors, tensor `name` replaced by `other` (left out if other's name is NULL). */
static void write_with(const esp_network *net, const char *prefix, const char *name, const esp_st_tensor *other)
{
    esp_st_tensor entries[ESP_MAX_TENSORS], used[ESP_MAX_TENSORS];
    int count = esp_network_entries(net, prefix, entries), kept = 0;
    for (int i = 0; i < count; i++) {
        bool replaced = name && strcmp(entries[i].name, name) == 0;
        if (!replaced) used[kept++] = entries[i];
        else if (other->name) used[kept++] = *other;
    }
    CHECK_OK(esp_safetensors_write(path, used, kept, NULL));
    esp_st_names_free(entries, count);
}

static esp_status load(esp_network *net, const char *prefix)
{
    esp_safetensors *file = NULL;
    CHECK_OK(esp_safetensors_read(path, &file));
    esp_status status = esp_network_load(net, file, prefix);
    esp_safetensors_free(file);
    return status;
}

static void sizes_and_weights_come_back_from_the_file(void)
{
    esp_network *net = make_network(), *back = describe_network(50, 32, 512);
    write_with(net, "", NULL, NULL);
    CHECK_OK(load(back, ""));
    CU_ASSERT_EQUAL(back->axis[esp_network_find_axis(back, "latent")].size, 4);
    CU_ASSERT_EQUAL(back->axis[esp_network_find_axis(back, "conv")].size, 3);
    CU_ASSERT_EQUAL(back->axis[esp_network_find_axis(back, "hidden")].size, 7);
    CU_ASSERT_EQUAL_FATAL(back->num_weights, net->num_weights);
    CU_ASSERT_EQUAL(memcmp(back->weights, net->weights, net->num_weights * sizeof(float)), 0);
    CU_ASSERT_EQUAL(back->component[0].out_size, 4);
    esp_network_free(net);
    esp_network_free(back);
}

static void two_networks_share_a_file_by_prefix(void)
{
    esp_network *online = make_network(), *target = make_network(), *back = describe_network(1, 1, 1);
    esp_network_init_default(target, 10);
    esp_st_tensor entries[2 * ESP_MAX_TENSORS];
    int count = esp_network_entries(online, "", entries);
    count += esp_network_entries(target, "target.", entries + count);
    CHECK_OK(esp_safetensors_write(path, entries, count, NULL));
    esp_st_names_free(entries, count);
    CHECK_OK(load(back, "target."));
    CU_ASSERT_EQUAL(memcmp(back->weights, target->weights, target->num_weights * sizeof(float)), 0);
    CHECK_OK(load(back, ""));
    CU_ASSERT_EQUAL(memcmp(back->weights, online->weights, online->num_weights * sizeof(float)), 0);
    esp_network_free(online);
    esp_network_free(target);
    esp_network_free(back);
}

/* An axis that only inputs mention: the heads of an agent whose encoder is in another file. */
static void axes_without_a_producer_are_read_off_the_columns(void)
{
    esp_network *net = esp_network_new(), *back;
    int latent = esp_network_axis(net, "latent", 6, true), action = esp_network_axis(net, "action", 2, false);
    esp_network_component(net, "_pi");
    esp_network_dense(net, "_pi.0", esp_dim_of(latent), esp_dim_of(action), ESP_ACT_TANH);
    back = esp_network_describe(net);
    back->axis[latent].size = 50;
    CHECK_OK(esp_network_finish(net));
    write_with(net, "", NULL, NULL);
    CHECK_OK(load(back, ""));
    CU_ASSERT_EQUAL(back->axis[latent].size, 6);
    esp_network_free(net);
    esp_network_free(back);
}

static void files_that_do_not_fit_name_tensor_found_and_expected(void)
{
    static const float values[512];
    static const struct {
        const char *replaced;
        esp_st_tensor other;
        esp_status status;
        const char *word;
    } cases[] = {
        {"head.0.bias", {.name = NULL}, ESP_ERR_FORMAT, "'head.0.bias' is missing"},
        {"head.0.bias", {.name = "head.0.bias", .dtype = ESP_U8, .rank = 1, .shape = {7}, .count = 7}, ESP_ERR_FORMAT,
         "must be F32"},
        {"head.0.bias", {.name = "head.0.bias", .rank = 2, .shape = {7, 1}, .count = 7}, ESP_ERR_SHAPE,
         "has 2 dimensions, expected 1"},
        {"head.0.bias", {.name = "head.0.bias", .rank = 1, .shape = {8}, .count = 8}, ESP_ERR_SHAPE,
         "'head.0.bias' has shape [8], expected [7]"},
        {"head.0.weight", {.name = "head.0.weight", .rank = 2, .shape = {7, 4}, .count = 28}, ESP_ERR_SHAPE,
         "'head.0.weight' has shape [7, 4], expected [7, 5]"},
        {"encoder.4.weight", {.name = "encoder.4.weight", .rank = 2, .shape = {4, 27}, .count = 108}, ESP_ERR_SHAPE,
         "'encoder.4.weight' has shape [4, 27], expected [4, 48]"},
        {"encoder.1.weight", {.name = "encoder.1.weight", .rank = 4, .shape = {3, 2, 3, 5}, .count = 90}, ESP_ERR_SHAPE,
         "has shape [3, 2, 3, 5], expected [3, 2, 3, 3]"},
        {"head.3.weight", {.name = "head.3.weight", .rank = 2, .shape = {2, 7}, .count = 14}, ESP_ERR_SHAPE,
         "'head.3.weight' has shape [2, 7], expected [1, 7]"},
        {"encoder.4.weight", {.name = "encoder.4.weight", .rank = 2, .shape = {0, 48}, .count = 0}, ESP_ERR_SHAPE,
         "gives axis 'latent' 0 units"},
        {"encoder.4.weight", {.name = "encoder.4.weight", .rank = 2, .shape = {INT64_C(1) << 40, 0}, .count = 0},
         ESP_ERR_SHAPE, "gives axis 'latent' 1099511627776 units"},
    };
    esp_network *net = make_network();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        esp_network *back = describe_network(50, 32, 512);
        esp_st_tensor other = cases[i].other;
        other.data = values;
        write_with(net, "", cases[i].replaced, &other);
        CHECK_FAILS(cases[i].status, load(back, ""), cases[i].word);
        esp_network_free(back);
    }
    esp_network_free(net);
}

static void check_bad_value(const char *tensor, size_t index, float value, const char *word)
{
    esp_network *net = make_network(), *back = describe_network(50, 32, 512);
    esp_network_weights(net, esp_network_find_tensor(net, tensor))[index] = value;
    write_with(net, "", NULL, NULL);
    CHECK_FAILS(ESP_ERR_NUMERIC, load(back, ""), word);
    esp_network_free(net);
    esp_network_free(back);
}

static void weights_that_are_not_numbers_name_tensor_and_index(void)
{
    check_bad_value("head.0.weight", 11, NAN, "'head.0.weight' is NaN at index 11");
    check_bad_value("encoder.1.bias", 2, -INFINITY, "'encoder.1.bias' is infinite at index 2");
    check_bad_value("head.1.running_var", 0, -1e-3f, "'head.1.running_var' is -0.001 at index 0");
}

/* 3e38 is a float, but its products are not. */
static void weights_that_overflow_in_products_are_refused(void)
{
    check_bad_value("head.0.weight", 1, 3e38f, "'head.0.weight' is 3e+38 at index 1; weights beyond 1e+18 overflow");
    check_bad_value("encoder.1.bias", 0, -2e18f, "'encoder.1.bias' is -2e+18 at index 0");
}

static CU_TestInfo tests[] = {
    {"sizes_and_weights_come_back_from_the_file", sizes_and_weights_come_back_from_the_file},
    {"two_networks_share_a_file_by_prefix", two_networks_share_a_file_by_prefix},
    {"axes_without_a_producer_are_read_off_the_columns", axes_without_a_producer_are_read_off_the_columns},
    {"files_that_do_not_fit_name_tensor_found_and_expected", files_that_do_not_fit_name_tensor_found_and_expected},
    {"weights_that_are_not_numbers_name_tensor_and_index", weights_that_are_not_numbers_name_tensor_and_index},
    {"weights_that_overflow_in_products_are_refused", weights_that_overflow_in_products_are_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("checkpoint_io", tests)
