/* Runners of graphs: no allocation while they run, and outputs that do not depend on the rows beside them. */
#include "allocations.h"
#include "random_graph.h"

enum { N = 7, GRAPHS = 60 };

static void a_pass_allocates_nothing(void)
{
    if (!COUNTS_ALLOCATIONS) {
        printf("skipped: a sanitizer owns the allocator ");
        return;
    }
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        esp_network *net = random_network(seed);
        graph_rows rows = graph_rows_make(net, 0, N, seed);
        esp_packed *packed = esp_packed_create(net, 1);
        esp_runner *runner = esp_runner_create(packed, 0, N);
        esp_runner_forward(runner, rows.x, N); /* BLAS allocates its buffers once */
        start_counting();
        esp_runner_forward(runner, rows.x, N);
        CU_ASSERT_EQUAL(stop_counting(), 0);
        esp_runner_free(runner);
        esp_packed_free(packed);
        graph_rows_free(&rows);
        esp_network_free(net);
    }
}

static void a_row_gives_the_same_bits_alone_and_among_others(void)
{
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        esp_network *net = random_network(seed);
        graph_rows rows = graph_rows_make(net, 0, N, seed);
        size_t in = (size_t)net->component[0].in_size, out = (size_t)net->component[0].out_size;
        esp_packed *packed = esp_packed_create(net, 1);
        esp_runner *many = esp_runner_create(packed, 0, N), *one = esp_runner_create(packed, 0, 1);
        const float *y = esp_runner_forward(many, rows.x, N);
        for (size_t i = 0; i < N; i++) {
            const float *alone = esp_runner_forward(one, (const float *)rows.x + i * in, 1);
            CU_ASSERT_EQUAL(memcmp(alone, y + i * out, out * sizeof *y), 0);
        }
        esp_runner_free(many);
        esp_runner_free(one);
        esp_packed_free(packed);
        graph_rows_free(&rows);
        esp_network_free(net);
    }
}

/* The kernels compute SiLU along with the product before it, but only where nothing else reads the product. */
static void an_activation_may_follow_a_product_that_others_read(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "net");
    int x = esp_graph_input(g, "x", 5), a = graph_dense(g, x, "a", 8), b = esp_graph_act(g, a, ESP_ACT_SILU);
    int c = graph_dense(g, b, "b", 8), d = esp_graph_act(g, c, ESP_ACT_SILU);
    esp_graph_output(g, "y", graph_dense(g, esp_graph_combine(g, ESP_LAYER_ADD, a, d), "c", 3));
    esp_network *net = graph_finished(g);
    graph_check_forward(net, 0, N);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"a pass allocates nothing", a_pass_allocates_nothing},
    {"a row gives the same bits alone and among others", a_row_gives_the_same_bits_alone_and_among_others},
    {"an activation may follow a product that others read", an_activation_may_follow_a_product_that_others_read},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("runner", tests)
