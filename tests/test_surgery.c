/* Surgery: every weight of the smaller network is the intended one, and the smaller network
 * computes what the large one does when the removed units are silenced. */
#include "check.h"
#include "pruned_networks.h"

static esp_cut random_cut(const esp_network *net, uint64_t seed)
{
    esp_widths widths = random_widths(net, seed);
    esp_ranking ranking;
    esp_cut cut;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("random"), seed, NULL, &ranking));
    esp_cut_make(net, &ranking, &widths, &cut);
    esp_ranking_free(&ranking);
    return cut;
}

static bool keeps(const esp_cut *cut, int axis, int unit)
{
    for (int i = 0; i < cut->widths.kept[axis]; i++)
        if (cut->kept[axis][i] == unit) return true;
    return false;
}

/* Whether a position of a dimension belongs to a kept unit, found part by part. */
static bool position_stays(const esp_network *net, const esp_cut *cut, const esp_dim *dim, int position)
{
    for (int p = 0; p < dim->num; p++) {
        int axis = dim->part[p].axis, block = dim->part[p].block, length = net->axis[axis].size * block;
        if (position < length) return keeps(cut, axis, position / block);
        position -= length;
    }
    return true; /* kernel rows and columns */
}

static void surgery_of_nothing_changes_no_bit(void)
{
    esp_network *net = agent_network_of(8, 6, 16), *same = NULL;
    esp_ranking ranking;
    esp_cut cut;
    esp_widths full = esp_widths_full(net);
    CHECK_OK(esp_ranking_make(net, esp_importance_find("l1"), 0, NULL, &ranking));
    esp_cut_make(net, &ranking, &full, &cut);
    CHECK_OK(esp_surgery(net, &cut, &same));
    CU_ASSERT_EQUAL_FATAL(same->num_weights, net->num_weights);
    CU_ASSERT_EQUAL(memcmp(same->weights, net->weights, net->num_weights * sizeof(float)), 0);
    esp_network_free(same);
    esp_cut_free(&cut);
    esp_ranking_free(&ranking);
    esp_network_free(net);
}

static void cut_keeps_the_most_important_units_in_their_order(void)
{
    esp_network *net = small_network();
    int order[3][7] = {{0, 1, 2}, {4, 1, 6, 0, 2, 3, 5}, {3, 2, 1, 0, 4}}, last[2] = {0, 1};
    esp_ranking ranking = {.order = {order[0], order[1], order[2], last}};
    esp_widths widths = {{3, 3, 2, 2}};
    esp_cut cut;
    esp_cut_make(net, &ranking, &widths, &cut);
    const int one[] = {1, 4, 6}, two[] = {2, 3};
    CU_ASSERT_EQUAL(memcmp(cut.kept[1], one, sizeof one), 0);
    CU_ASSERT_EQUAL(memcmp(cut.kept[2], two, sizeof two), 0);
    esp_cut_free(&cut);
    esp_network_free(net);
}

/* Walks the large tensor: the kept entries must be the smaller tensor, in order. */
static bool tensor_was_copied(const esp_network *net, const esp_cut *cut, const esp_network *smaller, int t)
{
    const esp_tensor *tensor = &net->tensor[t];
    const float *from = esp_network_weights(net, t), *to = esp_network_weights(smaller, t);
    size_t next = 0;
    for (size_t i = 0; i < tensor->count; i++) {
        size_t rest = i;
        bool stays = true;
        for (int d = tensor->rank - 1; d >= 0; d--) {
            stays = stays && position_stays(net, cut, &tensor->dim[d], (int)(rest % (size_t)tensor->shape[d]));
            rest /= (size_t)tensor->shape[d];
        }
        if (stays && (next == smaller->tensor[t].count || to[next++] != from[i])) return false;
    }
    return next == smaller->tensor[t].count;
}

static void surgery_keeps_exactly_the_planned_units(void)
{
    esp_network *net = agent_network_of(8, 6, 16);
    for (uint64_t seed = 0; seed < 50; seed++) {
        esp_cut cut = random_cut(net, seed);
        esp_network *smaller = NULL;
        CHECK_OK(esp_surgery(net, &cut, &smaller));
        for (int t = 0; t < net->num_tensors; t++) CU_ASSERT(tensor_was_copied(net, &cut, smaller, t));
        CU_ASSERT_EQUAL(esp_network_params(smaller, ESP_ALL_COMPONENTS),
                        esp_widths_params(net, &cut.widths, ESP_ALL_COMPONENTS));
        esp_network_free(smaller);
        esp_cut_free(&cut);
    }
    esp_network_free(net);
}

/* ---- what the networks compute ---- */

static void silence_removed_units(esp_network *net, const esp_cut *cut)
{
    for (int t = 0; t < net->num_tensors; t++) {
        const esp_tensor *tensor = &net->tensor[t];
        if (tensor->rank < 2) continue;
        int kernel = tensor->rank == 4 ? tensor->shape[2] * tensor->shape[3] : 1;
        for (int row = 0; row < tensor->shape[0]; row++)
            for (int column = 0; column < tensor->shape[1]; column++)
                if (!position_stays(net, cut, &tensor->dim[1], column))
                    memset(esp_network_weights(net, t) + (row * tensor->shape[1] + column) * kernel, 0,
                           (size_t)kernel * sizeof(float));
    }
}

/* Entries of a vector that belong to kept units. */
static void keep_entries(const esp_network *net, const esp_cut *cut, const esp_dim *dim, const float *x, float *kept)
{
    for (int i = 0; i < esp_dim_size(net, dim); i++)
        if (position_stays(net, cut, dim, i)) *kept++ = x[i];
}

static const esp_layer *last_layer(const esp_network *net, int component)
{
    return &net->layer[net->component[component].first_layer + net->component[component].num_layers - 1];
}

static void run(const esp_network *net, int component, const void *x, float *y)
{
    esp_tape *tape = esp_tape_create(net, component, 1);
    memcpy(y, esp_forward(net, tape, x, 1), (size_t)net->component[component].out_size * sizeof(float));
    esp_tape_free(tape);
}

static void compare_component(const esp_network *net, const esp_cut *cut, const esp_network *smaller, int component,
                              uint64_t seed)
{
    enum { MOST = 9 * 28 * 28 };
    float x[64], x_kept[64], y[64], expected[64], got[64];
    uint8_t image[MOST];
    const esp_layer *first = &net->layer[net->component[component].first_layer];
    const void *large_input = x, *small_input = x_kept;
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 3);
    esp_rng_normal(&rng, x, 64);
    for (int i = 0; i < MOST; i++) image[i] = (uint8_t)esp_rng_below(&rng, 256);
    if (first->kind == ESP_LAYER_IMAGE) large_input = small_input = image;
    else                                keep_entries(net, cut, &first->in, x, x_kept);
    run(net, component, large_input, y);
    run(smaller, component, small_input, got);
    keep_entries(net, cut, &last_layer(net, component)->out, y, expected);
    size_t count = (size_t)smaller->component[component].out_size;
    /* 1e-4: float32 sums of up to 72 products in another order, through four layers */
    CHECK_CLOSE(net->component[component].name, count, got, expected, 1e-4, 1e-4);
}

static void compare_networks(esp_network *net, int components, int seeds)
{
    for (uint64_t seed = 0; seed < (uint64_t)seeds; seed++) {
        esp_cut cut = random_cut(net, seed);
        esp_network *smaller = NULL, *silenced = esp_network_clone(net);
        CHECK_OK(esp_surgery(net, &cut, &smaller));
        silence_removed_units(silenced, &cut);
        for (int c = 0; c < components; c++) compare_component(silenced, &cut, smaller, c, seed);
        esp_network_free(silenced);
        esp_network_free(smaller);
        esp_cut_free(&cut);
    }
    esp_network_free(net);
}

static void cut_perceptron_computes_what_silenced_units_leave(void)
{
    compare_networks(small_network(), 1, 100);
}

/* The value networks are left out: their LayerNorm sees only the units that are left. */
static void cut_agent_computes_what_silenced_units_leave(void)
{
    esp_network *net = agent_network_of(8, 6, 16);
    for (size_t i = 0; i < net->num_weights; i++) net->weights[i] *= 0.2f; /* outputs of order one */
    compare_networks(net, esp_network_find_component(net, "_Q1"), 30);
}

static void batch_statistics_travel_with_their_units(void)
{
    esp_network *net = esp_network_new();
    int in = esp_network_axis(net, "in", 6, false), hidden = esp_network_axis(net, "hidden", 20, true);
    int out = esp_network_axis(net, "out", 4, false);
    esp_network_component(net, "net");
    esp_network_dense(net, "net.0", esp_dim_of(in), esp_dim_of(hidden), ESP_ACT_NONE);
    esp_network_norm(net, ESP_LAYER_BATCHNORM, "net.1", hidden, ESP_ACT_RELU);
    esp_network_dense(net, "net.3", esp_dim_of(hidden), esp_dim_of(out), ESP_ACT_NONE);
    CHECK_OK(esp_network_finish(net));
    fill_weights(net, 3);
    compare_networks(net, 1, 50);
}

static void layer_norm_runs_over_the_units_that_are_left(void)
{
    esp_network *net = agent_network_of(8, 6, 16), *smaller = NULL;
    esp_cut cut = random_cut(net, 5);
    CHECK_OK(esp_surgery(net, &cut, &smaller));
    const esp_layer *norm = &smaller->layer[smaller->component[esp_network_find_component(net, "_Q1")].first_layer + 1];
    CU_ASSERT_EQUAL(norm->kind, ESP_LAYER_LAYERNORM);
    CU_ASSERT_EQUAL(norm->in_size, cut.widths.kept[esp_network_find_axis(net, "Q1.hidden1")]);
    esp_network_free(smaller);
    esp_cut_free(&cut);
    esp_network_free(net);
}

static void surgery_twice_equals_surgery_once(void)
{
    esp_network *net = agent_network_of(8, 6, 16), *once = NULL, *again = NULL;
    esp_cut cut = random_cut(net, 8);
    CHECK_OK(esp_surgery(net, &cut, &once));
    esp_cut rest = random_cut(once, 9), both = {.widths = rest.widths};
    CHECK_OK(esp_surgery(once, &rest, &again));
    for (int axis = 0; axis < net->num_axes; axis++) {
        both.kept[axis] = esp_alloc((size_t)rest.widths.kept[axis], sizeof(int));
        for (int i = 0; i < rest.widths.kept[axis]; i++) both.kept[axis][i] = cut.kept[axis][rest.kept[axis][i]];
    }
    esp_network *direct = NULL;
    CHECK_OK(esp_surgery(net, &both, &direct));
    CU_ASSERT_EQUAL_FATAL(direct->num_weights, again->num_weights);
    CU_ASSERT_EQUAL(memcmp(direct->weights, again->weights, direct->num_weights * sizeof(float)), 0);
    esp_network_free(direct);
    esp_network_free(again);
    esp_network_free(once);
    esp_cut_free(&both);
    esp_cut_free(&rest);
    esp_cut_free(&cut);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"surgery_of_nothing_changes_no_bit", surgery_of_nothing_changes_no_bit},
    {"cut_keeps_the_most_important_units_in_their_order", cut_keeps_the_most_important_units_in_their_order},
    {"surgery_keeps_exactly_the_planned_units", surgery_keeps_exactly_the_planned_units},
    {"cut_perceptron_computes_what_silenced_units_leave", cut_perceptron_computes_what_silenced_units_leave},
    {"cut_agent_computes_what_silenced_units_leave", cut_agent_computes_what_silenced_units_leave},
    {"batch_statistics_travel_with_their_units", batch_statistics_travel_with_their_units},
    {"layer_norm_runs_over_the_units_that_are_left", layer_norm_runs_over_the_units_that_are_left},
    {"surgery_twice_equals_surgery_once", surgery_twice_equals_surgery_once},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("surgery", tests)
