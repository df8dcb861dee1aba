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

static CU_TestInfo tests[] = {
    {"a chain fuses activations and makes one axis per layer", chain_fuses_activations_and_makes_one_axis_per_layer},
    {"a residual sum makes one axis of its branches", residual_sum_makes_one_axis_of_its_branches},
    {"concat and slice divide axes where they are cut", concat_and_slice_divide_axes_where_they_are_cut},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("graph", tests)
