/* The network of Table I and the groups of Table II, to the parameter. */
#include "autoencoder/autoencoder.h"

#include "check.h"

static esp_network *create(void)
{
    esp_network *net = NULL;
    CHECK_OK(esp_autoencoder_create(&net));
    return net;
}

static void network_has_the_parameters_of_table_i(void)
{
    esp_network *net = create();
    CU_ASSERT_EQUAL(esp_network_params(net, ESP_ALL_COMPONENTS), 2312992);
    CU_ASSERT_EQUAL(esp_network_params(net, 1u << ESP_AUTOENCODER_ENCODER), 1156232);
    CU_ASSERT_EQUAL(esp_network_params(net, 1u << ESP_AUTOENCODER_DECODER), 1156760);
    esp_network_free(net);
}

static void components_map_images_to_a_latent_and_back(void)
{
    esp_network *net = create();
    const esp_component *encoder = &net->component[ESP_AUTOENCODER_ENCODER];
    const esp_component *decoder = &net->component[ESP_AUTOENCODER_DECODER];
    CU_ASSERT_EQUAL(net->num_components, ESP_AUTOENCODER_COMPONENTS);
    CU_ASSERT_EQUAL(encoder->in_size, ESP_IMAGE_PIXELS);
    CU_ASSERT_EQUAL(encoder->out_size, 256);
    CU_ASSERT_EQUAL(decoder->in_size, 256);
    CU_ASSERT_EQUAL(decoder->out_size, ESP_IMAGE_PIXELS);
    esp_network_free(net);
}

/* Sequential counts its ReLUs, so the names skip 2, 5 and 8. */
static void tensors_have_the_names_and_shapes_of_pytorch(void)
{
    static const struct { const char *name; int rows, cols; } expected[] = {
        {"encoder.0.weight", 652, 784}, {"encoder.1.weight", 652, 0},   {"encoder.1.running_mean", 652, 0},
        {"encoder.3.weight", 520, 652}, {"encoder.4.bias", 520, 0},     {"encoder.6.weight", 388, 520},
        {"encoder.7.running_var", 388, 0}, {"encoder.9.weight", 256, 388}, {"encoder.9.bias", 256, 0},
        {"decoder.0.weight", 388, 256}, {"decoder.3.weight", 520, 388}, {"decoder.6.weight", 652, 520},
        {"decoder.7.weight", 652, 0},   {"decoder.9.weight", 784, 652}, {"decoder.9.bias", 784, 0},
    };
    esp_network *net = create();
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        int tensor = esp_network_find_tensor(net, expected[i].name);
        CU_ASSERT_FATAL(tensor >= 0);
        CU_ASSERT_EQUAL(net->tensor[tensor].rank, expected[i].cols ? 2 : 1);
        CU_ASSERT_EQUAL(net->tensor[tensor].shape[0], expected[i].rows);
        if (expected[i].cols) CU_ASSERT_EQUAL(net->tensor[tensor].shape[1], expected[i].cols);
    }
    CU_ASSERT_EQUAL(esp_network_find_tensor(net, "encoder.2.weight"), -1);
    esp_network_free(net);
}

static void paper_groups_have_the_parameters_of_table_ii(void)
{
    static const struct { const char *name; size_t params; } expected[] = {
        {"encoder.1", 202148}, {"encoder.2", 339560}, {"decoder.1", 339692}, {"decoder.2", 202280},
        {"encoder-decoder", 99584}};
    esp_network *net = create();
    esp_grouping grouping;
    CHECK_OK(esp_grouping_from_specs(net, esp_autoencoder_paper_groups, esp_autoencoder_num_paper_groups,
                                     ESP_ALL_COMPONENTS, &grouping));
    CU_ASSERT_EQUAL_FATAL(grouping.num, 5);
    for (int g = 0; g < 5; g++) {
        CU_ASSERT_STRING_EQUAL(grouping.group[g].name, expected[g].name);
        CU_ASSERT_EQUAL(grouping.group[g].params, expected[g].params);
    }
    esp_network_free(net);
}

static void structural_groups_are_the_seven_hidden_and_latent_axes(void)
{
    esp_network *net = create();
    esp_grouping grouping;
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
    CU_ASSERT_EQUAL(grouping.num, 7);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"network_has_the_parameters_of_table_i", network_has_the_parameters_of_table_i},
    {"components_map_images_to_a_latent_and_back", components_map_images_to_a_latent_and_back},
    {"tensors_have_the_names_and_shapes_of_pytorch", tensors_have_the_names_and_shapes_of_pytorch},
    {"paper_groups_have_the_parameters_of_table_ii", paper_groups_have_the_parameters_of_table_ii},
    {"structural_groups_are_the_seven_hidden_and_latent_axes", structural_groups_are_the_seven_hidden_and_latent_axes},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("autoencoder_model", tests)
