/* Random graphs: the pruned network computes what the dense one does when removed units output zero. The environment
 * variable ESPALIER_GRAPHS says how many. */
#include "pruning/pruning.h"
#include "random_graph.h"

enum { N = 4, FEW = 60 };

static int number_of_graphs(void)
{
    const char *text = getenv("ESPALIER_GRAPHS");
    return text ? atoi(text) : FEW;
}

static esp_cut random_cut(const esp_network *net, uint64_t seed)
{
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 78);
    esp_widths widths = esp_widths_full(net);
    esp_ranking ranking;
    esp_cut cut;
    for (int a = 0; a < net->num_axes; a++)
        if (net->axis[a].prunable) widths.kept[a] = 1 + (int)esp_rng_below(&rng, (uint32_t)net->axis[a].size);
    CHECK_OK(esp_ranking_make(net, esp_importance_find("random"), seed, NULL, &ranking));
    esp_cut_make(net, &ranking, &widths, &cut);
    esp_ranking_free(&ranking);
    return cut;
}

/* [axis][unit] */
static void list_removed(const esp_network *net, const esp_cut *cut, bool *removed[ESP_MAX_AXES])
{
    for (int a = 0; a < net->num_axes; a++) {
        removed[a] = esp_alloc((size_t)net->axis[a].size, sizeof(bool));
        memset(removed[a], true, (size_t)net->axis[a].size);
        for (int i = 0; i < cut->widths.kept[a]; i++) removed[a][cut->kept[a][i]] = false;
    }
}

static bool same_outputs(const esp_network *net, const esp_network *smaller, const esp_cut *cut, uint64_t seed)
{
    bool *removed[ESP_MAX_AXES] = {NULL};
    list_removed(net, cut, removed);
    graph_rows rows = graph_rows_make(net, 0, N, seed);
    double *weights = plain_weights(net), *expected = graph_plain(net, 0, weights, &rows, removed);
    esp_tape *tape = esp_tape_create(smaller, 0, N);
    esp_packed *packed = esp_packed_create(smaller, 1);
    esp_runner *runner = esp_runner_create(packed, 0, N);
    size_t count = (size_t)(N * net->component[0].out_size);
    bool same = smaller->component[0].out_size == net->component[0].out_size &&
                graph_close("tape", count, esp_forward(smaller, tape, rows.x, N), expected, 1e-5) &&
                graph_close("runner", count, esp_runner_forward(runner, rows.x, N), expected, 1e-5);
    esp_runner_free(runner);
    esp_packed_free(packed);
    esp_tape_free(tape);
    graph_rows_free(&rows);
    free(weights);
    free(expected);
    for (int a = 0; a < net->num_axes; a++) free(removed[a]);
    return same;
}

static int units_removed(const esp_network *net, const esp_cut *cut)
{
    int removed = 0;
    for (int a = 0; a < net->num_axes; a++) removed += net->axis[a].size - cut->widths.kept[a];
    return removed;
}

static void pruned_graphs_compute_what_dense_ones_do_without_the_removed_units(void)
{
    int removed = 0, count = number_of_graphs();
    for (int seed = 0; seed < count; seed++) {
        esp_network *net = random_network((uint64_t)seed), *smaller = NULL;
        CU_ASSERT_PTR_NOT_NULL(net);
        if (!net) continue;
        esp_cut cut = random_cut(net, (uint64_t)seed);
        CHECK_OK(esp_surgery(net, &cut, &smaller));
        bool same = same_outputs(net, smaller, &cut, (uint64_t)seed);
        if (!same) printf("\n    graph %d ", seed);
        CU_ASSERT(same);
        CU_ASSERT_EQUAL(esp_network_params(smaller, ESP_ALL_COMPONENTS),
                        esp_widths_params(net, &cut.widths, ESP_ALL_COMPONENTS));
        removed += units_removed(net, &cut);
        esp_network_free(smaller);
        esp_cut_free(&cut);
        esp_network_free(net);
    }
    CU_ASSERT(removed > count); /* most graphs lose units */
}

/* Both components of a pair with removed units: rows [n, in_size] and extra [n, PAIR_EXTRA] -> [n, out_size]. */
static float *pair_outputs(const esp_network *net, const float *rows, const float *extra)
{
    int width = net->component[0].out_size, in = width + PAIR_EXTRA;
    float *row = esp_alloc((size_t)(N * in), sizeof *row), *y = esp_alloc((size_t)(N * 3), sizeof *y);
    esp_tape *encoder = esp_tape_create(net, 0, N), *head = esp_tape_create(net, 1, N);
    const float *z = esp_forward(net, encoder, rows, N);
    for (int i = 0; i < N; i++) {
        memcpy(row + i * in, z + i * width, (size_t)width * sizeof *row);
        memcpy(row + i * in + width, extra + i * PAIR_EXTRA, PAIR_EXTRA * sizeof *row);
    }
    memcpy(y, esp_forward(net, head, row, N), (size_t)(N * 3) * sizeof *y);
    esp_tape_free(encoder);
    esp_tape_free(head);
    free(row);
    return y;
}

/* The same by plain loops with units that output zero. */
static double *plain_pair_outputs(const esp_network *net, const graph_rows *rows, const float *extra,
                                  plain_removed removed)
{
    int width = net->component[0].out_size, in = width + PAIR_EXTRA;
    double *weights = plain_weights(net), *z = graph_plain(net, 0, weights, rows, removed);
    double *row = esp_alloc((size_t)in, sizeof *row), *y = esp_alloc((size_t)(N * 3), sizeof *y);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < in; k++)
            row[k] = k < width ? z[i * width + k] : (double)extra[i * PAIR_EXTRA + k - width];
        plain_graph_forward(net, 1, weights, row, removed, y + i * 3);
    }
    free(weights);
    free(z);
    free(row);
    return y;
}

static void pairs_of_components_lose_the_units_that_they_share(void)
{
    int shared = 0, count = number_of_graphs();
    for (uint64_t seed = 0; seed < (uint64_t)count; seed++) {
        esp_network *net = random_pair(seed), *smaller = NULL;
        CU_ASSERT_PTR_NOT_NULL_FATAL(net);
        esp_cut cut = random_cut(net, seed);
        CHECK_OK(esp_surgery(net, &cut, &smaller));
        bool *removed[ESP_MAX_AXES] = {NULL};
        list_removed(net, &cut, removed);
        graph_rows rows = graph_rows_make(net, 0, N, seed);
        const float extra[N * PAIR_EXTRA] = {0.1f, -0.2f, 0.3f, 0.4f, -0.5f, 0.6f, 0.7f, 0.8f};
        double *expected = plain_pair_outputs(net, &rows, extra, removed);
        float *y = pair_outputs(smaller, rows.x, extra);
        bool same = graph_close("pair", N * 3, y, expected, 1e-5);
        if (!same) printf("\n    pair %d ", (int)seed);
        CU_ASSERT(same);
        shared += smaller->component[0].out_size < net->component[0].out_size;
        for (int a = 0; a < net->num_axes; a++) free(removed[a]);
        free(expected);
        free(y);
        graph_rows_free(&rows);
        esp_cut_free(&cut);
        esp_network_free(smaller);
        esp_network_free(net);
    }
    CU_ASSERT(shared > count / 2);
}

static void gradients_of_random_graphs_match_central_differences(void)
{
    for (uint64_t seed = 1000; seed < 1010; seed++) {
        esp_network *net = random_network(seed);
        CU_ASSERT_PTR_NOT_NULL_FATAL(net);
        if (net->num_weights < 1500) graph_check_backward(net, 0, 2);
        esp_network_free(net);
    }
}

static CU_TestInfo tests[] = {
    {"pruned graphs compute what dense ones do without the removed units",
     pruned_graphs_compute_what_dense_ones_do_without_the_removed_units},
    {"pairs of components lose the units that they share", pairs_of_components_lose_the_units_that_they_share},
    {"gradients of random graphs match central differences", gradients_of_random_graphs_match_central_differences},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("graph surgery", tests)
