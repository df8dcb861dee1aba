/* Axes, and everything that follows from their sizes: shapes, offsets, parameters,
 * multiply-adds. */
#include "check.h"
#include "nn/nn.h"

/* ---- the full-size agent: Table III of the paper ---- */

static void add_encoder(esp_network *net, int channels, int latent, int rows, const int strides[4])
{
    static const int kernels[4] = {7, 5, 3, 3};
    esp_network_component(net, "_encoder");
    esp_network_image(net, channels, rows);
    int in = channels;
    for (int k = 0; k < 4; k++) {
        char name[16];
        snprintf(name, sizeof name, "_encoder.%d", 2 * k + 1);
        int out = esp_network_axis(net, name, 32, true);
        esp_network_conv2d(net, name, in, out, kernels[k], strides[k], ESP_ACT_RELU);
        in = out;
    }
    esp_network_flatten(net);
    esp_network_dense(net, "_encoder.10", esp_dim_of(in), esp_dim_of(latent), ESP_ACT_NONE);
}

static void add_head(esp_network *net, const char *name, esp_dim in, int out, bool value)
{
    char module[4][ESP_NAME];
    for (int i = 0; i < 4; i++) snprintf(module[i], ESP_NAME, "%s.%d", name, value ? (int[]){0, 1, 3, 5}[i] : 2 * i);
    int first = esp_network_axis(net, module[0], 512, true), second = esp_network_axis(net, module[2], 512, true);
    esp_network_component(net, name);
    esp_network_dense(net, module[0], in, esp_dim_of(first), value ? ESP_ACT_NONE : ESP_ACT_ELU);
    if (value) esp_network_norm(net, ESP_LAYER_LAYERNORM, module[1], first, ESP_ACT_TANH);
    esp_network_dense(net, module[value ? 2 : 1], esp_dim_of(first), esp_dim_of(second), ESP_ACT_ELU);
    esp_network_dense(net, module[value ? 3 : 2], esp_dim_of(second), esp_dim_of(out), ESP_ACT_NONE);
}

static esp_network *make_agent(int rows, const int strides[4])
{
    esp_network *net = esp_network_new();
    int channels = esp_network_axis(net, "channels", 9, false), latent = esp_network_axis(net, "latent", 50, true);
    int action = esp_network_axis(net, "action", 1, false), scalar = esp_network_axis(net, "scalar", 1, false);
    esp_dim both = esp_dim_concat(latent, action);
    add_encoder(net, channels, latent, rows, strides);
    add_head(net, "_dynamics", both, latent, false);
    add_head(net, "_reward", both, scalar, false);
    add_head(net, "_pi", esp_dim_of(latent), action, false);
    add_head(net, "_Q1", both, scalar, true);
    add_head(net, "_Q2", both, scalar, true);
    CHECK_OK(esp_network_finish(net));
    return net;
}

static const int strides28[4] = {2, 1, 1, 1}, strides84[4] = {2, 2, 2, 2};

static size_t component_params(const esp_network *net, const char *name)
{
    return esp_network_params(net, 1u << esp_network_find_component(net, name));
}

static void agent_has_the_parameters_of_table_3(void)
{
    esp_network *net = make_agent(28, strides28);
    CU_ASSERT_EQUAL(component_params(net, "_encoder"), 72722);
    CU_ASSERT_EQUAL(component_params(net, "_dynamics"), 314930);
    CU_ASSERT_EQUAL(component_params(net, "_reward"), 289793);
    CU_ASSERT_EQUAL(component_params(net, "_pi"), 289281);
    CU_ASSERT_EQUAL(component_params(net, "_Q1"), 290817);
    CU_ASSERT_EQUAL(component_params(net, "_Q2"), 290817);
    CU_ASSERT_EQUAL(esp_network_params(net, ESP_ALL_COMPONENTS), 1548360);
    CU_ASSERT_EQUAL(net->num_weights, 1548360);
    esp_network_free(net);
}

static void images_of_28_and_84_pixels_give_equal_parameters(void)
{
    esp_network *net = make_agent(84, strides84);
    CU_ASSERT_EQUAL(esp_network_params(net, ESP_ALL_COMPONENTS), 1548360);
    esp_network_free(net);
}

static void image_sides_follow_kernels_and_strides(void)
{
    static const int sides[5] = {28, 11, 7, 5, 3};
    esp_network *net = make_agent(28, strides28);
    for (int k = 0; k < 4; k++) {
        CU_ASSERT_EQUAL(net->layer[k + 1].in_rows, sides[k]);
        CU_ASSERT_EQUAL(net->layer[k + 1].out_rows, sides[k + 1]);
    }
    CU_ASSERT_EQUAL(net->layer[0].in_size, 9 * 28 * 28);
    CU_ASSERT_EQUAL(net->layer[5].out_size, 288);
    CU_ASSERT_EQUAL(net->component[0].in_size, 9 * 28 * 28);
    CU_ASSERT_EQUAL(net->component[0].out_size, 50);
    esp_network_free(net);
}

static void multiply_adds_count_every_pixel_of_a_convolution(void)
{
    esp_network *net = make_agent(28, strides28);
    double expected = 9.0 * 49 * 32 * 11 * 11 + 32.0 * 25 * 32 * 7 * 7 + 32.0 * 9 * 32 * 5 * 5 + 32.0 * 9 * 32 * 3 * 3 +
                      288.0 * 50;
    CU_ASSERT_EQUAL(esp_component_macs(net, 0), expected);
    CU_ASSERT_EQUAL(esp_component_macs(net, esp_network_find_component(net, "_pi")), 50 * 512 + 512 * 512 + 512);
    esp_network_free(net);
}

static void tensors_lie_back_to_back_inside_their_components(void)
{
    esp_network *net = make_agent(28, strides28);
    size_t offset = 0, component_offset = 0;
    for (int i = 0; i < net->num_tensors; i++) {
        CU_ASSERT_EQUAL(net->tensor[i].offset, offset);
        CU_ASSERT_PTR_EQUAL(esp_network_weights(net, i), net->weights + offset);
        offset += net->tensor[i].count;
    }
    for (int c = 0; c < net->num_components; c++) {
        CU_ASSERT_EQUAL(net->component[c].offset, component_offset);
        component_offset += net->component[c].count;
    }
    CU_ASSERT_EQUAL(offset, net->num_weights);
    CU_ASSERT_EQUAL(component_offset, net->num_weights);
    esp_network_free(net);
}

static void names_find_axes_tensors_and_components(void)
{
    esp_network *net = make_agent(28, strides28);
    const esp_tensor *tensor = &net->tensor[esp_network_find_tensor(net, "_encoder.10.weight")];
    CU_ASSERT_EQUAL(tensor->rank, 2);
    CU_ASSERT_EQUAL(tensor->shape[0], 50);
    CU_ASSERT_EQUAL(tensor->shape[1], 288);
    CU_ASSERT_EQUAL(tensor->dim[1].part[0].block, 9);
    CU_ASSERT_EQUAL(tensor->dim[1].part[0].axis, esp_network_find_axis(net, "_encoder.7"));
    CU_ASSERT_EQUAL(esp_network_find_tensor(net, "_encoder.2.weight"), -1);
    CU_ASSERT_EQUAL(esp_network_find_axis(net, "Latent"), -1);
    CU_ASSERT_EQUAL(esp_network_find_component(net, "_Q3"), -1);
    esp_network_free(net);
}

static void concatenated_inputs_add_their_axes(void)
{
    esp_network *net = make_agent(28, strides28);
    const esp_tensor *tensor = &net->tensor[esp_network_find_tensor(net, "_Q1.0.weight")];
    CU_ASSERT_EQUAL(tensor->shape[1], 51);
    CU_ASSERT_EQUAL(tensor->dim[1].num, 2);
    CU_ASSERT_EQUAL(esp_dim_size(net, &tensor->dim[1]), 51);
    CU_ASSERT(esp_tensor_has_axis(tensor, esp_network_find_axis(net, "latent")));
    CU_ASSERT(esp_tensor_has_axis(tensor, esp_network_find_axis(net, "action")));
    CU_ASSERT_FALSE(esp_tensor_has_axis(tensor, esp_network_find_axis(net, "scalar")));
    esp_network_free(net);
}

static void latent_couples_all_components_and_hidden_axes_none(void)
{
    esp_network *net = make_agent(28, strides28);
    CU_ASSERT_EQUAL(esp_axis_components(net, esp_network_find_axis(net, "latent")), 0x3f);
    CU_ASSERT_EQUAL(esp_axis_components(net, esp_network_find_axis(net, "_encoder.7")), 1);
    CU_ASSERT_EQUAL(esp_axis_components(net, esp_network_find_axis(net, "_Q1.0")), 1u << 4);
    esp_network_free(net);
}

static void smaller_axes_make_a_smaller_network(void)
{
    esp_network *net = make_agent(28, strides28), *small = esp_network_describe(net);
    CU_ASSERT_PTR_NULL(small->weights);
    small->axis[esp_network_find_axis(small, "latent")].size = 40;
    small->axis[esp_network_find_axis(small, "_encoder.7")].size = 5;
    CHECK_OK(esp_network_finish(small));
    CU_ASSERT_EQUAL(small->tensor[esp_network_find_tensor(small, "_encoder.10.weight")].shape[0], 40);
    CU_ASSERT_EQUAL(small->tensor[esp_network_find_tensor(small, "_encoder.10.weight")].shape[1], 45);
    CU_ASSERT_EQUAL(small->tensor[esp_network_find_tensor(small, "_reward.0.weight")].shape[1], 41);
    CU_ASSERT_EQUAL(small->component[0].out_size, 40);
    CU_ASSERT_EQUAL(component_params(small, "_pi"), 289281 - 10 * 512);
    CU_ASSERT_EQUAL(net->component[0].out_size, 50);
    esp_network_free(net);
    esp_network_free(small);
}

static void finishing_twice_changes_nothing(void)
{
    esp_network *net = make_agent(28, strides28), *before = esp_network_clone(net);
    CHECK_OK(esp_network_finish(net));
    CU_ASSERT_EQUAL(memcmp(net->tensor, before->tensor, sizeof net->tensor), 0);
    CU_ASSERT_EQUAL(memcmp(net->layer, before->layer, sizeof net->layer), 0);
    CU_ASSERT_EQUAL(memcmp(net->component, before->component, sizeof net->component), 0);
    esp_network_free(net);
    esp_network_free(before);
}

static void clone_has_weights_of_its_own(void)
{
    esp_network *net = make_agent(28, strides28);
    esp_network_init_default(net, 1);
    esp_network *copy = esp_network_clone(net);
    CU_ASSERT_EQUAL(memcmp(copy->weights, net->weights, net->num_weights * sizeof(float)), 0);
    copy->weights[0] += 1.0f;
    CU_ASSERT_NOT_EQUAL(copy->weights[0], net->weights[0]);
    esp_network_free(net);
    esp_network_free(copy);
}

static void too_small_images_name_the_layer(void)
{
    esp_network *net = esp_network_new();
    int channels = esp_network_axis(net, "channels", 9, false), latent = esp_network_axis(net, "latent", 50, true);
    add_encoder(net, channels, latent, 28, strides84);
    CHECK_FAILS(ESP_ERR_SHAPE, esp_network_finish(net), "layer '_encoder.7'"); /* 28 -> 11 -> 4 -> 1 */
    esp_network_free(net);
}

/* ---- the autoencoder: Table I ---- */

static int add_block(esp_network *net, const char *half, int index, int in, int units, bool prunable)
{
    char name[ESP_NAME], norm[ESP_NAME];
    snprintf(name, sizeof name, "%s.%d", half, 3 * index);
    snprintf(norm, sizeof norm, "%s.%d", half, 3 * index + 1);
    int out = esp_network_axis(net, name, units, prunable);
    esp_network_dense(net, name, esp_dim_of(in), esp_dim_of(out), ESP_ACT_NONE);
    if (index < 3) esp_network_norm(net, ESP_LAYER_BATCHNORM, norm, out, ESP_ACT_RELU);
    return out;
}

static void autoencoder_has_the_parameters_of_table_1(void)
{
    esp_network *net = esp_network_new();
    int axis = esp_network_axis(net, "pixels", 784, false);
    esp_network_component(net, "encoder");
    for (int i = 0; i < 4; i++) axis = add_block(net, "encoder", i, axis, (int[]){652, 520, 388, 256}[i], true);
    esp_network_component(net, "decoder");
    for (int i = 0; i < 4; i++) axis = add_block(net, "decoder", i, axis, (int[]){388, 520, 652, 784}[i], i < 3);
    CHECK_OK(esp_network_finish(net));
    CU_ASSERT_EQUAL(esp_network_params(net, ESP_ALL_COMPONENTS), 2312992);
    CU_ASSERT_EQUAL(net->num_weights, 2312992 + 6240); /* running statistics are stored, not learned */
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"agent_has_the_parameters_of_table_3", agent_has_the_parameters_of_table_3},
    {"images_of_28_and_84_pixels_give_equal_parameters", images_of_28_and_84_pixels_give_equal_parameters},
    {"image_sides_follow_kernels_and_strides", image_sides_follow_kernels_and_strides},
    {"multiply_adds_count_every_pixel_of_a_convolution", multiply_adds_count_every_pixel_of_a_convolution},
    {"tensors_lie_back_to_back_inside_their_components", tensors_lie_back_to_back_inside_their_components},
    {"names_find_axes_tensors_and_components", names_find_axes_tensors_and_components},
    {"concatenated_inputs_add_their_axes", concatenated_inputs_add_their_axes},
    {"latent_couples_all_components_and_hidden_axes_none", latent_couples_all_components_and_hidden_axes_none},
    {"smaller_axes_make_a_smaller_network", smaller_axes_make_a_smaller_network},
    {"finishing_twice_changes_nothing", finishing_twice_changes_nothing},
    {"clone_has_weights_of_its_own", clone_has_weights_of_its_own},
    {"too_small_images_name_the_layer", too_small_images_name_the_layer},
    {"autoencoder_has_the_parameters_of_table_1", autoencoder_has_the_parameters_of_table_1},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("network", tests)
