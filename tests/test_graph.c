/* Networks from nodes: axes follow from them, and forward computes what plain loops compute. */
#include "graph/graph.h"
#include "plain_graph.h"

enum { N = 3 };

static void shake(esp_network *net)
{
    esp_rng rng = esp_rng_make(11, ESP_RNG_TEST, 0);
    for (int t = 0; t < net->num_tensors; t++)
        for (size_t i = 0; i < net->tensor[t].count; i++)
            esp_network_weights(net, t)[i] = (float)(esp_rng_uniform(&rng) - 0.4);
    for (int l = 0; l < net->num_layers; l++)
        for (int i = 0; net->layer[l].var >= 0 && i < net->tensor[net->layer[l].var].shape[0]; i++)
            esp_network_weights(net, net->layer[l].var)[i] = (float)(0.5 + esp_rng_uniform(&rng));
}

/* Tape and runner against plain loops, on random rows. */
static void check_forward(esp_network *net, int component)
{
    const esp_component *c = &net->component[component];
    float *x = esp_alloc((size_t)(N * c->in_size), sizeof *x), *expected = esp_alloc((size_t)(N * c->out_size), 4);
    double *wide = esp_alloc((size_t)(N * c->in_size), sizeof *wide), *y = esp_alloc((size_t)c->out_size, sizeof *y);
    double *weights = plain_weights(net);
    esp_rng rng = esp_rng_make(5, ESP_RNG_TEST, 1);
    for (int i = 0; i < N * c->in_size; i++) wide[i] = x[i] = (float)(2 * esp_rng_uniform(&rng) - 1);
    for (int n = 0; n < N; n++) {
        plain_graph_forward(net, component, weights, wide + n * c->in_size, NULL, y);
        for (int o = 0; o < c->out_size; o++) expected[n * c->out_size + o] = (float)y[o];
    }
    esp_tape *tape = esp_tape_create(net, component, N);
    esp_packed *packed = esp_packed_create(net, 1u << component);
    esp_runner *runner = esp_runner_create(packed, component, N);
    CHECK_CLOSE("tape", (size_t)(N * c->out_size), esp_forward(net, tape, x, N), expected, 1e-5, 1e-5);
    CHECK_CLOSE("runner", (size_t)(N * c->out_size), esp_runner_forward(runner, x, N), expected, 1e-5, 1e-5);
    esp_runner_free(runner);
    esp_packed_free(packed);
    esp_tape_free(tape);
    free(weights);
    free(y);
    free(wide);
    free(expected);
    free(x);
}

static int dense(esp_graph *g, int x, const char *module, int outputs)
{
    return esp_graph_dense(g, x, &(esp_dense_spec){.module = module, .outputs = outputs});
}

static esp_network *finish(esp_graph *g)
{
    esp_network *net = NULL;
    CHECK_OK(esp_graph_finish(g, &net));
    esp_graph_free(g);
    shake(net);
    return net;
}

static void chain_fuses_activations_and_makes_one_axis_per_layer(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "policy");
    int x = esp_graph_input(g, "obs", 5);
    x = esp_graph_act(g, dense(g, x, "fc1", 7), ESP_ACT_RELU);
    x = esp_graph_act(g, dense(g, x, "fc2", 6), ESP_ACT_SILU);
    esp_graph_output(g, "action", dense(g, x, "fc3", 2));
    esp_network *net = finish(g);
    CU_ASSERT_EQUAL(net->num_layers, 4); /* SiLU is a layer of its own */
    CU_ASSERT_EQUAL(net->layer[0].act, ESP_ACT_RELU);
    CU_ASSERT_EQUAL(net->num_axes, 4);
    int fc1 = esp_network_find_axis(net, "fc1"), obs = esp_network_find_axis(net, "obs");
    CU_ASSERT_FATAL(fc1 >= 0 && obs >= 0);
    CU_ASSERT_TRUE(net->axis[fc1].prunable);
    CU_ASSERT_FALSE(net->axis[obs].prunable);
    CU_ASSERT_STRING_EQUAL(net->axis[obs].fixed, "input");
    CU_ASSERT_STRING_EQUAL(net->axis[esp_network_find_axis(net, "fc3")].fixed, "output");
    check_forward(net, 0);
    esp_network_free(net);
}

static void residual_sum_makes_one_axis_of_its_branches(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "net");
    int x = esp_graph_input(g, "x", 4);
    int a = dense(g, x, "a", 6), b = dense(g, esp_graph_act(g, a, ESP_ACT_TANH), "b", 6);
    esp_graph_output(g, "y", dense(g, esp_graph_combine(g, ESP_LAYER_ADD, a, b), "c", 3));
    esp_network *net = finish(g);
    CU_ASSERT_EQUAL(net->num_axes, 3);
    CU_ASSERT_EQUAL(net->tensor[esp_network_find_tensor(net, "a.weight")].dim[0].part[0].axis,
                    net->tensor[esp_network_find_tensor(net, "b.weight")].dim[0].part[0].axis);
    check_forward(net, 0);
    esp_network_free(net);
}

static void concat_and_slice_divide_axes_where_they_are_cut(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "net");
    int x = esp_graph_input(g, "x", 4), z = esp_graph_input(g, "z", 3);
    int a = dense(g, x, "a", 6), first = esp_graph_slice(g, a, 0, 2), rest = esp_graph_slice(g, a, 2, 4);
    int both = esp_graph_concat(g, 3, (const int[]){rest, z, first});
    esp_graph_output(g, "y", dense(g, both, "b", 3));
    esp_graph_output(g, "w", dense(g, rest, "c", 2));
    esp_network *net = finish(g);
    const esp_tensor *t = &net->tensor[esp_network_find_tensor(net, "a.weight")];
    CU_ASSERT_EQUAL(t->dim[0].num, 2);
    CU_ASSERT_STRING_EQUAL(net->axis[t->dim[0].part[1].axis].name, "a[2:6]");
    CU_ASSERT_EQUAL(net->tensor[esp_network_find_tensor(net, "b.weight")].dim[1].num, 3);
    CU_ASSERT_EQUAL(net->component[0].num_inputs, 2);
    CU_ASSERT_EQUAL(esp_port_size(net, &net->component[0].output[1]), 2);
    CU_ASSERT_EQUAL(net->component[0].in_size, 7);
    CU_ASSERT_EQUAL(net->component[0].out_size, 5);
    check_forward(net, 0);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"a chain fuses activations and makes one axis per layer", chain_fuses_activations_and_makes_one_axis_per_layer},
    {"a residual sum makes one axis of its branches", residual_sum_makes_one_axis_of_its_branches},
    {"concat and slice divide axes where they are cut", concat_and_slice_divide_axes_where_they_are_cut},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("graph", tests)
