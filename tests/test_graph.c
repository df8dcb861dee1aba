/* Networks from nodes: axes follow from them, and forward computes what plain loops compute. */
#include "graph_networks.h"

enum { N = 3 };

static void chain_fuses_activations_and_makes_one_axis_per_layer(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "policy");
    int x = esp_graph_input(g, "obs", 5);
    x = esp_graph_act(g, graph_dense(g, x, "fc1", 7), ESP_ACT_RELU);
    x = esp_graph_act(g, graph_dense(g, x, "fc2", 6), ESP_ACT_SILU);
    esp_graph_output(g, "action", graph_dense(g, x, "fc3", 2));
    esp_network *net = graph_finished(g);
    CU_ASSERT_EQUAL(net->num_layers, 4); /* SiLU is a layer of its own */
    CU_ASSERT_EQUAL(net->layer[0].act, ESP_ACT_RELU);
    CU_ASSERT_EQUAL(net->num_axes, 4);
    int fc1 = esp_network_find_axis(net, "fc1"), obs = esp_network_find_axis(net, "obs");
    CU_ASSERT_FATAL(fc1 >= 0 && obs >= 0);
    CU_ASSERT_TRUE(net->axis[fc1].prunable);
    CU_ASSERT_FALSE(net->axis[obs].prunable);
    CU_ASSERT_STRING_EQUAL(net->axis[obs].fixed, "input");
    CU_ASSERT_STRING_EQUAL(net->axis[esp_network_find_axis(net, "fc3")].fixed, "output");
    graph_check_forward(net, 0, N);
    esp_network_free(net);
}

static void residual_sum_makes_one_axis_of_its_branches(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "net");
    int x = esp_graph_input(g, "x", 4);
    int a = graph_dense(g, x, "a", 6), b = graph_dense(g, esp_graph_act(g, a, ESP_ACT_TANH), "b", 6);
    esp_graph_output(g, "y", graph_dense(g, esp_graph_combine(g, ESP_LAYER_ADD, a, b), "c", 3));
    esp_network *net = graph_finished(g);
    CU_ASSERT_EQUAL(net->num_axes, 3);
    CU_ASSERT_EQUAL(net->tensor[esp_network_find_tensor(net, "a.weight")].dim[0].part[0].axis,
                    net->tensor[esp_network_find_tensor(net, "b.weight")].dim[0].part[0].axis);
    graph_check_forward(net, 0, N);
    esp_network_free(net);
}

static void concat_and_slice_divide_axes_where_they_are_cut(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "net");
    int x = esp_graph_input(g, "x", 4), z = esp_graph_input(g, "z", 3);
    int a = graph_dense(g, x, "a", 6), first = esp_graph_slice(g, a, 0, 2), rest = esp_graph_slice(g, a, 2, 4);
    int both = esp_graph_concat(g, 3, (const int[]){rest, z, first});
    esp_graph_output(g, "y", graph_dense(g, both, "b", 3));
    esp_graph_output(g, "w", graph_dense(g, rest, "c", 2));
    esp_network *net = graph_finished(g);
    const esp_tensor *t = &net->tensor[esp_network_find_tensor(net, "a.weight")];
    CU_ASSERT_EQUAL(t->dim[0].num, 2);
    CU_ASSERT_STRING_EQUAL(net->axis[t->dim[0].part[1].axis].name, "a[2:6]");
    CU_ASSERT_EQUAL(net->tensor[esp_network_find_tensor(net, "b.weight")].dim[1].num, 3);
    CU_ASSERT_EQUAL(net->component[0].num_inputs, 2);
    CU_ASSERT_EQUAL(esp_port_size(net, &net->component[0].output[1]), 2);
    CU_ASSERT_EQUAL(net->component[0].in_size, 7);
    CU_ASSERT_EQUAL(net->component[0].out_size, 5);
    graph_check_forward(net, 0, N);
    esp_network_free(net);
}

/* ---- axes ---- */

static const esp_dim *dim_of(const esp_network *net, const char *tensor, int d)
{
    return &net->tensor[esp_network_find_tensor(net, tensor)].dim[d];
}

static void start(esp_graph **g, int *x, int size)
{
    *g = esp_graph_new();
    esp_graph_component(*g, "net");
    *x = esp_graph_input(*g, "x", size);
}

/* x[0:20] + x[4:24]: units whose numbers are equal modulo 4 go together. */
static void an_axis_tied_to_itself_with_an_offset_repeats_its_units(void)
{
    esp_graph *g;
    int x;
    start(&g, &x, 5);
    int a = graph_dense(g, x, "a", 24);
    int sum = esp_graph_combine(g, ESP_LAYER_ADD, esp_graph_slice(g, a, 0, 20), esp_graph_slice(g, a, 4, 20));
    esp_graph_output(g, "y", graph_dense(g, sum, "b", 2));
    esp_network *net = graph_finished(g);
    const esp_dim *out = dim_of(net, "a.weight", 0);
    CU_ASSERT_EQUAL(out->num, 6);
    CU_ASSERT_EQUAL(net->axis[out->part[0].axis].size, 4);
    for (int p = 1; p < out->num; p++) CU_ASSERT_EQUAL(out->part[p].axis, out->part[0].axis);
    CU_ASSERT_TRUE(net->axis[out->part[0].axis].prunable);
    graph_check_forward(net, 0, N);
    esp_network_free(net);
}

static void an_axis_that_no_few_parts_express_is_fixed(void)
{
    esp_graph *g;
    int x;
    start(&g, &x, 5);
    int a = graph_dense(g, x, "a", 24); /* 12 pairs */
    int sum = esp_graph_combine(g, ESP_LAYER_ADD, esp_graph_slice(g, a, 0, 22), esp_graph_slice(g, a, 2, 22));
    esp_graph_output(g, "y", graph_dense(g, sum, "b", 2));
    esp_network *net = graph_finished(g);
    const esp_dim *out = dim_of(net, "a.weight", 0);
    CU_ASSERT_EQUAL(out->num, 1);
    CU_ASSERT_FALSE(net->axis[out->part[0].axis].prunable);
    CU_ASSERT(strstr(net->axis[out->part[0].axis].fixed, "scattered") != NULL);
    graph_check_forward(net, 0, N);
    esp_network_free(net);
}

static void flatten_repeats_the_unit_of_a_channel(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "net");
    int x = esp_graph_input_image(g, "x", 2, 4, 5), a = graph_conv(g, x, "a", 6, 2);
    esp_graph_output(g, "y", graph_dense(g, esp_graph_flatten(g, a), "b", 2));
    esp_network *net = graph_finished(g);
    CU_ASSERT_EQUAL(dim_of(net, "b.weight", 1)->num, 1);
    CU_ASSERT_EQUAL(dim_of(net, "b.weight", 1)->part[0].block, 12);
    CU_ASSERT_EQUAL(dim_of(net, "b.weight", 1)->part[0].axis, dim_of(net, "a.weight", 0)->part[0].axis);
    CU_ASSERT_EQUAL(net->component[0].in_size, 40);
    esp_network_free(net);
}

static void a_slice_that_divides_the_pixels_of_a_channel_fixes_it(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "net");
    int x = esp_graph_input_image(g, "x", 2, 4, 5), a = esp_graph_flatten(g, graph_conv(g, x, "a", 6, 2));
    esp_graph_output(g, "y", graph_dense(g, esp_graph_slice(g, a, 12 + 5, 40), "b", 2));
    esp_network *net = graph_finished(g);
    const esp_dim *out = dim_of(net, "a.weight", 0);
    int fixed = 0;
    for (int p = 0; p < out->num; p++)
        if (!net->axis[out->part[p].axis].prunable) {
            CU_ASSERT_STRING_EQUAL(net->axis[out->part[p].axis].fixed, "divided by a slice");
            fixed += net->axis[out->part[p].axis].size;
        }
    CU_ASSERT_EQUAL(fixed, 2); /* the channels in which it begins and ends */
    graph_check_forward(net, 0, N);
    esp_network_free(net);
}

static void channels_of_a_group_go_together(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "net");
    int x = esp_graph_input_image(g, "x", 2, 5, 5), a = graph_conv(g, x, "a", 6, 2);
    int b = esp_graph_conv(g, a, &(esp_conv_spec){.module = "b", .kernels = 9, .groups = 3,
                                                  .window = {.rows = 2, .cols = 2}});
    int c = esp_graph_conv(g, b, &(esp_conv_spec){.module = "c", .kernels = 18, .groups = 9,
                                                  .window = {.rows = 2, .cols = 2}});
    esp_graph_output(g, "y", graph_dense(g, esp_graph_flatten(g, c), "d", 2));
    esp_network *net = graph_finished(g);
    int axis = dim_of(net, "a.weight", 0)->part[0].axis;
    CU_ASSERT_EQUAL(net->axis[axis].size, 3);
    CU_ASSERT_EQUAL(dim_of(net, "a.weight", 0)->part[0].block, 2);
    CU_ASSERT_EQUAL(dim_of(net, "b.weight", 0)->part[0].block, 3);
    CU_ASSERT_EQUAL(dim_of(net, "c.weight", 0)->part[0].block, 6);
    CU_ASSERT_EQUAL(dim_of(net, "c.weight", 0)->part[0].axis, axis);
    CU_ASSERT_EQUAL(dim_of(net, "b.weight", 1)->num, 0);
    CU_ASSERT_EQUAL(dim_of(net, "d.weight", 1)->part[0].block, 24);
    graph_check_forward(net, 0, N);
    esp_network_free(net);
}

static void wires_let_units_between_components_be_removed(void)
{
    for (int wired = 0; wired < 2; wired++) {
        esp_graph *g;
        int x;
        start(&g, &x, 5);
        int z = graph_dense(g, x, "a", 7);
        esp_graph_output(g, "z", z);
        esp_graph_component(g, "head");
        int in = esp_graph_input(g, "z", 7);
        esp_graph_output(g, "y", graph_dense(g, in, "b", 2));
        if (wired) esp_graph_wire(g, z, 0, in, 0, 7);
        else       esp_graph_tie(g, z, 0, in, 0, 7);
        esp_graph_name(g, in, 0, "latent");
        esp_network *net = graph_finished(g);
        CU_ASSERT_STRING_EQUAL(net->axis[0].name, "latent");
        CU_ASSERT_EQUAL(net->axis[0].prunable, wired == 1);
        CU_ASSERT_EQUAL(net->num_axes, 3);
        CU_ASSERT_EQUAL(esp_axis_components(net, 0), 3);
        esp_network_free(net);
    }
}

static void names_of_axes_come_first_and_are_unique(void)
{
    esp_graph *g;
    int x;
    start(&g, &x, 5);
    int a = graph_dense(g, x, "a", 4), b = graph_dense(g, a, "b", 4), c = graph_dense(g, b, "c", 4);
    esp_graph_output(g, "y", c);
    esp_graph_name(g, b, 0, "second");
    esp_graph_name(g, x, 0, "a");
    esp_network *net = graph_finished(g);
    static const char *const names[] = {"second", "a", "a#2", "c"};
    CU_ASSERT_EQUAL_FATAL(net->num_axes, 4);
    for (int i = 0; i < 4; i++) CU_ASSERT_STRING_EQUAL(net->axis[i].name, names[i]);
    esp_network_free(net);
}

static void nodes_without_effect_are_left_out(void)
{
    esp_graph *g;
    int x;
    start(&g, &x, 5);
    int unread = esp_graph_input(g, "unread", 3);
    graph_dense(g, unread, "dead", 40);
    esp_graph_output(g, "y", graph_dense(g, x, "a", 4));
    esp_network *net = graph_finished(g);
    CU_ASSERT_EQUAL(esp_network_find_tensor(net, "dead.weight"), -1);
    CU_ASSERT_EQUAL(net->component[0].in_size, 8);
    CU_ASSERT_EQUAL(esp_port_size(net, &net->component[0].input[1]), 3);
    graph_check_forward(net, 0, N);
    esp_network_free(net);
}

static void weights_are_those_given_or_neutral(void)
{
    const float w[] = {1, 2, 3, 4, 5, 6}, b[] = {7, 8}, mean[] = {9, 10};
    esp_graph *g;
    int x;
    start(&g, &x, 3);
    int a = esp_graph_dense(g, x, &(esp_dense_spec){.module = "a", .outputs = 2, .weight = w, .bias = b});
    esp_graph_output(g, "y", esp_graph_batchnorm(g, a, &(esp_norm_spec){.module = "n", .mean = mean}));
    esp_network *net = NULL;
    CHECK_OK(esp_graph_finish(g, &net));
    esp_graph_free(g);
    CU_ASSERT_EQUAL(memcmp(esp_network_weights(net, esp_network_find_tensor(net, "a.weight")), w, sizeof w), 0);
    CU_ASSERT_EQUAL(memcmp(esp_network_weights(net, esp_network_find_tensor(net, "a.bias")), b, sizeof b), 0);
    CU_ASSERT_EQUAL(esp_network_weights(net, esp_network_find_tensor(net, "n.running_mean"))[1], 10);
    CU_ASSERT_EQUAL(esp_network_weights(net, esp_network_find_tensor(net, "n.running_var"))[1], 1);
    CU_ASSERT_EQUAL(esp_network_weights(net, esp_network_find_tensor(net, "n.weight"))[0], 1);
    CU_ASSERT_EQUAL(esp_network_weights(net, esp_network_find_tensor(net, "n.bias"))[0], 0);
    esp_network_free(net);
}

/* ---- what is refused ---- */

/* Fails with a sentence that contains `word`. */
static void refused(esp_graph *g, esp_status status, const char *word)
{
    esp_network *net = NULL;
    CHECK_FAILS(status, esp_graph_finish(g, &net), word);
    CU_ASSERT_PTR_NULL(net);
    esp_graph_free(g);
}

static void the_first_error_is_the_one_reported(void)
{
    esp_graph *g;
    int x;
    start(&g, &x, 5);
    int bad = esp_graph_slice(g, x, 3, 3);
    CU_ASSERT_EQUAL(bad, ESP_NO_VALUE);
    CU_ASSERT_EQUAL(graph_dense(g, bad, "a", 0), ESP_NO_VALUE);
    esp_graph_output(g, "y", bad);
    refused(g, ESP_ERR_SHAPE, "3 values from 3 on, but there are 5");
}

static void sizes_that_do_not_fit_are_refused(void)
{
    esp_graph *g;
    int x;
    start(&g, &x, 5);
    graph_dense(g, x, "a", 0);
    refused(g, ESP_ERR_SHAPE, "'a'");
    start(&g, &x, 5);
    esp_graph_combine(g, ESP_LAYER_ADD, x, graph_dense(g, x, "a", 4));
    refused(g, ESP_ERR_SHAPE, "element by element");
    start(&g, &x, 5);
    esp_graph_unflatten(g, x, 1, 2, 3);
    refused(g, ESP_ERR_SHAPE, "image of 1 x 2 x 3");
    start(&g, &x, 5);
    graph_conv(g, x, "c", 3, 3);
    refused(g, ESP_ERR_SHAPE, "expected an image");
    start(&g, &x, 9);
    graph_conv(g, esp_graph_unflatten(g, x, 1, 3, 3), "c", 3, 4);
    refused(g, ESP_ERR_SHAPE, "its window needs 4 x 4");
    start(&g, &x, 9);
    esp_graph_unflatten(g, x, 1 << 20, 1 << 12, 1 << 12);
    refused(g, ESP_ERR_SHAPE, "expected 1 to");
    start(&g, &x, 18);
    esp_graph_conv(g, esp_graph_unflatten(g, x, 2, 3, 3), &(esp_conv_spec){.module = "c", .kernels = 3, .groups = 2,
                                                                            .window = {.rows = 1, .cols = 1}});
    refused(g, ESP_ERR_SHAPE, "2 groups do not divide");
    start(&g, &x, 18);
    esp_graph_max_pool(g, esp_graph_unflatten(g, x, 2, 3, 3), &(esp_window){.rows = 2, .cols = 2, .top = 2});
    refused(g, ESP_ERR_SHAPE, "padding must be smaller");
    start(&g, &x, 18);
    esp_graph_layernorm(g, esp_graph_unflatten(g, x, 2, 3, 3), &(esp_norm_spec){.module = "n"});
    refused(g, ESP_ERR_SHAPE, "reads an image");
}

static void names_and_structure_are_checked(void)
{
    esp_graph *g;
    int x;
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    start(&g, &x, 5);
    graph_dense(g, x, name, 3);
    refused(g, ESP_ERR_SHAPE, "a name of 199 bytes");
    start(&g, &x, 5);
    esp_graph_output(g, "y", graph_dense(g, graph_dense(g, x, "a", 3), "a", 3));
    refused(g, ESP_ERR_SHAPE, "two nodes have the name 'a'");
    start(&g, &x, 5);
    graph_dense(g, x, "a", 3);
    refused(g, ESP_ERR_SHAPE, "has no output");
    start(&g, &x, 5);
    esp_graph_output(g, "y", x);
    esp_graph_component(g, "other");
    graph_dense(g, x, "a", 3);
    refused(g, ESP_ERR_SHAPE, "which its component does not have");
    start(&g, &x, 5);
    esp_graph_input_bytes(g, "pixels", 1, 2, 2);
    refused(g, ESP_ERR_SHAPE, "must be the only input");
}

static void more_layers_or_axes_than_the_limit_are_refused(void)
{
    esp_graph *g;
    int x;
    char name[ESP_NAME];
    start(&g, &x, 5);
    for (int i = 0; i < 129; i++) {
        snprintf(name, sizeof name, "n%d", i);
        x = graph_dense(g, x, name, 3);
    }
    esp_graph_output(g, "y", x);
    refused(g, ESP_ERR_SHAPE, "axes, expected at most 128");
    start(&g, &x, 5);
    for (int i = 0; i < 300; i++) x = esp_graph_act(g, x, ESP_ACT_SILU);
    esp_graph_output(g, "y", x);
    refused(g, ESP_ERR_SHAPE, "more than 256 layers");
    start(&g, &x, 1 << 20);
    x = graph_dense(g, x, "a", 1 << 20);
    esp_graph_output(g, "y", x);
    refused(g, ESP_ERR_SHAPE, "weights, expected at most");
}

static CU_TestInfo tests[] = {
    {"a chain fuses activations and makes one axis per layer", chain_fuses_activations_and_makes_one_axis_per_layer},
    {"a residual sum makes one axis of its branches", residual_sum_makes_one_axis_of_its_branches},
    {"concat and slice divide axes where they are cut", concat_and_slice_divide_axes_where_they_are_cut},
    {"an axis tied to itself with an offset repeats its units",
     an_axis_tied_to_itself_with_an_offset_repeats_its_units},
    {"an axis that no few parts express is fixed", an_axis_that_no_few_parts_express_is_fixed},
    {"flatten repeats the unit of a channel", flatten_repeats_the_unit_of_a_channel},
    {"a slice that divides the pixels of a channel fixes it", a_slice_that_divides_the_pixels_of_a_channel_fixes_it},
    {"channels of a group go together", channels_of_a_group_go_together},
    {"wires let units between components be removed", wires_let_units_between_components_be_removed},
    {"names of axes come first and are unique", names_of_axes_come_first_and_are_unique},
    {"nodes without effect are left out", nodes_without_effect_are_left_out},
    {"weights are those given or neutral", weights_are_those_given_or_neutral},
    {"the first error is the one reported", the_first_error_is_the_one_reported},
    {"sizes that do not fit are refused", sizes_that_do_not_fit_are_refused},
    {"names and structure are checked", names_and_structure_are_checked},
    {"more layers or axes than the limit are refused", more_layers_or_axes_than_the_limit_are_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("graph", tests)
