/* Every kind of node, forward against plain loops and backward against central differences. */
#include "graph_networks.h"

enum { N = 3 };

/* Adds one component's output behind a value and checks all that it computes. */
static void check(esp_graph *g, int value)
{
    esp_graph_output(g, "y", value);
    esp_network *net = graph_finished(g);
    graph_check_forward(net, 0, N);
    graph_check_backward(net, 0, N);
    esp_network_free(net);
}

static int vector(esp_graph **g, int size)
{
    *g = esp_graph_new();
    esp_graph_component(*g, "net");
    return esp_graph_input(*g, "x", size);
}

static int image(esp_graph **g, int channels, int rows, int cols)
{
    *g = esp_graph_new();
    esp_graph_component(*g, "net");
    return esp_graph_input_image(*g, "x", channels, rows, cols);
}

static void every_activation_alone(void)
{
    static const struct { esp_act act; float alpha, beta; } acts[] = {
        {ESP_ACT_RELU, 1, 0}, {ESP_ACT_ELU, 1, 0}, {ESP_ACT_ELU, 0.7f, 0}, {ESP_ACT_TANH, 1, 0},
        {ESP_ACT_SIGMOID, 1, 0}, {ESP_ACT_LEAKY_RELU, 0.2f, 0}, {ESP_ACT_GELU, 1, 0}, {ESP_ACT_GELU_TANH, 1, 0},
        {ESP_ACT_SILU, 1, 0}, {ESP_ACT_SOFTPLUS, 1, 0}, {ESP_ACT_CLIP, -0.3f, 0.5f},
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        esp_graph *g;
        int x = vector(&g, 9);
        check(g, esp_graph_act_with(g, x, acts[i].act, acts[i].alpha, acts[i].beta)); /* of an input */
        x = vector(&g, 4);
        x = esp_graph_act_with(g, graph_dense(g, x, "a", 6), acts[i].act, acts[i].alpha, acts[i].beta);
        check(g, graph_dense(g, x, "b", 3)); /* behind a product */
    }
}

static void values_are_combined_element_by_element(void)
{
    for (esp_layer_kind kind = ESP_LAYER_ADD; kind <= ESP_LAYER_DIV; kind++) {
        esp_graph *g;
        int x = vector(&g, 5), a = graph_dense(g, x, "a", 4), b = graph_dense(g, x, "b", 4);
        b = esp_graph_scale(g, esp_graph_act(g, b, ESP_ACT_SOFTPLUS), "far", NULL, (const float[]){1, 1, 1, 1});
        check(g, graph_dense(g, esp_graph_combine(g, kind, a, b), "c", 2));
    }
}

static void a_value_may_be_combined_with_itself(void)
{
    esp_graph *g;
    int x = vector(&g, 5), a = graph_dense(g, x, "a", 4);
    check(g, esp_graph_combine(g, ESP_LAYER_MUL, a, a));
    x = vector(&g, 4);
    check(g, esp_graph_combine(g, ESP_LAYER_ADD, x, x));
}

static void constants_scale_and_shift(void)
{
    const float two[] = {2, 3, 4}, minus[] = {-1, -2, -3};
    esp_graph *g;
    for (int k = 1; k < 4; k++) {
        int x = vector(&g, 3);
        check(g, graph_dense(g, esp_graph_scale(g, x, "s", k & 1 ? two : NULL, k & 2 ? minus : NULL), "a", 2));
        x = image(&g, 3, 4, 2);
        check(g, esp_graph_scale(g, x, "s", k & 1 ? two : NULL, k & 2 ? minus : NULL));
    }
}

static void concat_and_slice_of_rows_and_images(void)
{
    esp_graph *g;
    int x = vector(&g, 6), y = esp_graph_input(g, "y", 3);
    int parts[] = {esp_graph_slice(g, x, 2, 3), y, graph_dense(g, x, "a", 2), y};
    check(g, graph_dense(g, esp_graph_concat(g, 4, parts), "b", 3));
    x = image(&g, 2, 3, 4);
    int a = graph_conv(g, x, "a", 5, 2), b = graph_conv(g, x, "b", 2, 2);
    int both = esp_graph_concat(g, 2, (const int[]){esp_graph_slice(g, a, 1, 3), b});
    check(g, graph_conv(g, both, "c", 2, 2));
}

static void concat_of_many_values(void)
{
    esp_graph *g;
    int parts[20], x = vector(&g, 20);
    for (int k = 0; k < 20; k++) parts[k] = esp_graph_slice(g, x, 19 - k, 1);
    check(g, graph_dense(g, esp_graph_concat(g, 20, parts), "a", 3));
}

static void several_inputs_and_outputs_are_joined_in_their_order(void)
{
    esp_graph *g;
    int x = vector(&g, 3), picture = esp_graph_input_image(g, "picture", 2, 3, 3), y = esp_graph_input(g, "y", 2);
    int a = graph_dense(g, esp_graph_concat(g, 2, (const int[]){y, x}), "a", 4);
    esp_graph_output(g, "picture", graph_conv(g, picture, "c", 2, 2));
    esp_graph_output(g, "y", y);
    check(g, a);
}

static void convolutions_of_every_shape(void)
{
    static const esp_conv_spec specs[] = {
        {.kernels = 3, .window = {.rows = 3, .cols = 2}},
        {.kernels = 3, .window = {.rows = 3, .cols = 3, .row_stride = 2, .col_stride = 1}},
        {.kernels = 3, .window = {.rows = 3, .cols = 3, .top = 1, .left = 1, .bottom = 1, .right = 1}},
        {.kernels = 3, .window = {.rows = 3, .cols = 3, .row_stride = 2, .col_stride = 2, .bottom = 1, .right = 2}},
        {.kernels = 3, .window = {.rows = 2, .cols = 3, .row_dilation = 2, .col_dilation = 2}},
        {.kernels = 3, .no_bias = true, .window = {.rows = 1, .cols = 1}},
        {.kernels = 6, .groups = 2, .window = {.rows = 3, .cols = 3, .top = 1, .left = 2, .row_stride = 2}},
        {.kernels = 4, .groups = 4, .window = {.rows = 3, .cols = 3, .top = 1, .left = 1, .bottom = 1, .right = 1}},
        {.kernels = 8, .groups = 4, .no_bias = true, .window = {.rows = 2, .cols = 2, .row_dilation = 2}},
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        esp_graph *g;
        int x = image(&g, 4, 6, 7);
        esp_conv_spec spec = specs[i];
        spec.module = "a";
        check(g, esp_graph_act(g, esp_graph_conv(g, x, &spec), ESP_ACT_TANH));
        x = image(&g, 4, 6, 7);
        check(g, esp_graph_act(g, esp_graph_conv(g, x, &spec), ESP_ACT_SILU));
    }
}

static void pooling_of_every_kind(void)
{
    const esp_window windows[] = {{.rows = 2, .cols = 2, .row_stride = 2, .col_stride = 2},
                                  {.rows = 3, .cols = 2, .top = 1, .left = 1, .bottom = 1, .right = 1,
                                   .col_stride = 2}};
    for (int w = 0; w < 2; w++)
        for (int kind = 0; kind < 3; kind++) {
            esp_graph *g;
            int x = image(&g, 2, 6, 5);
            x = graph_conv(g, x, "a", 3, 2);
            x = kind == 0 ? esp_graph_max_pool(g, x, &windows[w])
                          : esp_graph_average_pool(g, x, &windows[w], kind == 1);
            check(g, x);
        }
    esp_graph *g;
    int x = image(&g, 2, 6, 5);
            x = graph_conv(g, x, "a", 3, 2);
    check(g, graph_dense(g, esp_graph_flatten(g, esp_graph_global_average(g, x)), "b", 2));
}

static void normalisations_of_rows_and_channels(void)
{
    esp_graph *g;
    int x = vector(&g, 5);
    x = esp_graph_layernorm(g, graph_dense(g, x, "a", 6), &(esp_norm_spec){.module = "n", .eps = 1e-3f});
    check(g, graph_dense(g, x, "b", 2));
    x = vector(&g, 5);
    x = esp_graph_batchnorm(g, graph_dense(g, x, "a", 6), &(esp_norm_spec){.module = "n", .eps = 1e-3f});
    check(g, graph_dense(g, esp_graph_act(g, x, ESP_ACT_RELU), "b", 2));
    x = image(&g, 2, 4, 5);
    check(g, esp_graph_batchnorm(g, graph_conv(g, x, "a", 3, 2), &(esp_norm_spec){.module = "n"}));
}

static void flatten_and_its_inverse(void)
{
    esp_graph *g;
    int x = vector(&g, 12);
    x = graph_conv(g, esp_graph_unflatten(g, graph_dense(g, x, "a", 24), 2, 3, 4), "b", 3, 2);
    check(g, graph_dense(g, esp_graph_flatten(g, x), "c", 2));
}

static void bytes_are_read_as_zero_to_one(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "net");
    int x = esp_graph_input_bytes(g, "pixels", 2, 4, 5);
    check(g, graph_dense(g, esp_graph_flatten(g, graph_conv(g, x, "a", 3, 2)), "b", 2));
}

static void weights_may_be_used_again(void)
{
    esp_graph *g;
    int x = vector(&g, 4), y = esp_graph_input(g, "y", 4);
    int a = graph_dense(g, x, "a", 3), again = esp_graph_again(g, y, a);
    check(g, graph_dense(g, esp_graph_combine(g, ESP_LAYER_SUB, esp_graph_act(g, a, ESP_ACT_ELU), again), "b", 2));
}

static void an_input_may_be_the_output(void)
{
    esp_graph *g;
    int x = vector(&g, 4);
    check(g, x);
    x = image(&g, 2, 3, 4);
    check(g, x);
}

static CU_TestInfo tests[] = {
    {"every activation alone", every_activation_alone},
    {"values are combined element by element", values_are_combined_element_by_element},
    {"a value may be combined with itself", a_value_may_be_combined_with_itself},
    {"constants scale and shift", constants_scale_and_shift},
    {"concat and slice of rows and images", concat_and_slice_of_rows_and_images},
    {"concat of many values", concat_of_many_values},
    {"several inputs and outputs are joined in their order", several_inputs_and_outputs_are_joined_in_their_order},
    {"convolutions of every shape", convolutions_of_every_shape},
    {"pooling of every kind", pooling_of_every_kind},
    {"normalisations of rows and channels", normalisations_of_rows_and_channels},
    {"flatten and its inverse", flatten_and_its_inverse},
    {"bytes are read as zero to one", bytes_are_read_as_zero_to_one},
    {"weights may be used again", weights_may_be_used_again},
    {"an input may be the output", an_input_may_be_the_output},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("graph layers", tests)
