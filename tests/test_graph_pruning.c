/* Importance and repair where values are read by several layers: residual sums, concatenations, slices. */
#include "pruning/pruning.h"
#include "random_graph.h"

enum { COUNT = 200, UNITS = 8 };

/* Recorded rows for the only component. */
typedef struct {
    float          *x;
    esp_calibration calibration;
} data;

static data data_make(const esp_network *net, int count, uint64_t seed)
{
    size_t values = (size_t)count * (size_t)net->component[0].in_size;
    data d = {.x = esp_alloc(values, sizeof(float)), .calibration = {.count = count}};
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 3);
    esp_rng_normal(&rng, d.x, values);
    for (int c = 0; c < ESP_MAX_COMPONENTS; c++) d.calibration.feed[c].source = -1;
    d.calibration.feed[0].data = d.x;
    CHECK_OK(esp_calibration_check(net, &d.calibration));
    return d;
}

/* x -> a -> tanh -> b; sum of tanh(a) and b -> c. */
static esp_network *residual(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "net");
    int x = esp_graph_input(g, "x", 6), a = esp_graph_act(g, graph_dense(g, x, "a", UNITS), ESP_ACT_TANH);
    int sum = esp_graph_combine(g, ESP_LAYER_ADD, a, graph_dense(g, a, "b", UNITS));
    esp_graph_output(g, "y", graph_dense(g, esp_graph_act(g, sum, ESP_ACT_SILU), "c", 3));
    return graph_finished(g);
}

static float *tensor(const esp_network *net, const char *name)
{
    return esp_network_weights(net, esp_network_find_tensor(net, name));
}

/* The second half of the units computes what the first half does. */
static void duplicate_units(esp_network *net)
{
    for (int u = 0; u < UNITS / 2; u++) {
        int twin = u + UNITS / 2;
        memcpy(tensor(net, "a.weight") + twin * 6, tensor(net, "a.weight") + u * 6, 6 * sizeof(float));
        memcpy(tensor(net, "b.weight") + twin * UNITS, tensor(net, "b.weight") + u * UNITS, UNITS * sizeof(float));
        tensor(net, "a.bias")[twin] = tensor(net, "a.bias")[u];
        tensor(net, "b.bias")[twin] = tensor(net, "b.bias")[u];
    }
}

/* Keeps the first half of the axis of a. */
static esp_cut keep_half(const esp_network *net)
{
    esp_widths widths = esp_widths_full(net);
    esp_ranking ranking;
    esp_cut cut;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("l2"), 0, NULL, &ranking));
    int axis = net->tensor[esp_network_find_tensor(net, "a.weight")].dim[0].part[0].axis;
    for (int u = 0; u < UNITS; u++) ranking.order[axis][u] = u;
    widths.kept[axis] = UNITS / 2;
    esp_cut_make(net, &ranking, &widths, &cut);
    esp_ranking_free(&ranking);
    return cut;
}

/* Mean squared difference of the outputs on recorded rows. */
static double difference(const esp_network *a, const esp_network *b, const data *d)
{
    int n = d->calibration.count, outs = a->component[0].out_size;
    esp_tape *one = esp_tape_create(a, 0, n), *two = esp_tape_create(b, 0, n);
    const float *y = esp_forward(a, one, d->x, n), *z = esp_forward(b, two, d->x, n);
    double sum = 0;
    for (int i = 0; i < n * outs; i++) sum += ((double)y[i] - (double)z[i]) * ((double)y[i] - (double)z[i]);
    esp_tape_free(one);
    esp_tape_free(two);
    return sum / (n * outs);
}

static esp_network *operated(const esp_network *net, const char *compensation, const data *d, const esp_cut *cut)
{
    esp_surgeon *surgeon = NULL;
    esp_network *smaller = NULL;
    CHECK_OK(esp_surgeon_create(net, esp_compensation_find(compensation), &d->calibration, &surgeon));
    CHECK_OK(esp_surgeon_operate(surgeon, cut, &smaller));
    esp_surgeon_free(surgeon);
    return smaller;
}

/* Twins can be replaced by each other in b and in c. */
static void least_squares_makes_up_for_twins_on_both_branches(void)
{
    esp_network *net = residual();
    duplicate_units(net);
    data d = data_make(net, COUNT, 1);
    esp_cut cut = keep_half(net);
    esp_network *plain = operated(net, "none", &d, &cut), *repaired = operated(net, "lsq", &d, &cut);
    /* Not 0: with few rows the fit is drawn towards the old weights. */
    CU_ASSERT(difference(net, repaired, &d) < 1e-3 * difference(net, plain, &d));
    esp_network_free(plain);
    esp_network_free(repaired);
    esp_network_free(net);
    esp_cut_free(&cut);
    free(d.x);
}

static void obs_finds_that_twins_are_not_needed(void)
{
    esp_network *net = residual();
    duplicate_units(net);
    data d = data_make(net, COUNT, 1);
    esp_ranking ranking;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("obs"), 0, &d.calibration, &ranking));
    int axis = net->tensor[esp_network_find_tensor(net, "a.weight")].dim[0].part[0].axis;
    bool kept[UNITS] = {false};
    for (int i = 0; i < UNITS / 2; i++) kept[ranking.order[axis][i]] = true;
    for (int u = 0; u < UNITS / 2; u++) CU_ASSERT(kept[u] != kept[u + UNITS / 2]); /* one of each pair */
    esp_ranking_free(&ranking);
    esp_network_free(net);
    free(d.x);
}

/* The readers are b, of tanh(a), and c, of silu(sum): the axis is the same. */
static void activity_counts_every_value_that_is_read(void)
{
    esp_network *net = residual();
    data d = data_make(net, COUNT, 2);
    esp_ranking ranking;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("activation"), 0, &d.calibration, &ranking));
    int axis = net->tensor[esp_network_find_tensor(net, "a.weight")].dim[0].part[0].axis;
    esp_tape *tape = esp_tape_create(net, 0, COUNT);
    esp_forward(net, tape, d.x, COUNT);
    int reader[2] = {net->tensor[esp_network_find_tensor(net, "b.weight")].layer,
                     net->tensor[esp_network_find_tensor(net, "c.weight")].layer};
    for (int u = 0; u < UNITS; u++) {
        double score = 0;
        for (int r = 0; r < 2; r++) {
            const esp_tensor *weight = &net->tensor[net->layer[reader[r]].weight];
            const float *value = esp_tape_output(tape, net->layer[reader[r]].input[0]);
            const float *w = net->weights + weight->offset;
            double square = 0, outgoing = 0;
            for (int i = 0; i < COUNT; i++)
                square += (double)value[i * UNITS + u] * (double)value[i * UNITS + u] / COUNT;
            for (int o = 0; o < weight->shape[0]; o++) outgoing += (double)w[o * UNITS + u] * (double)w[o * UNITS + u];
            score += square * outgoing;
        }
        CU_ASSERT_DOUBLE_EQUAL(ranking.score[axis][u], sqrt(score), 1e-5 * (1 + sqrt(score)));
    }
    esp_tape_free(tape);
    esp_ranking_free(&ranking);
    esp_network_free(net);
    free(d.x);
}

/* Every criterion and every repair, on graphs of any kind. */
static void random_graphs_are_ranked_and_repaired(void)
{
    static const char *const importances[] = {"l1", "l2", "lamp", "activation", "taylor", "obs"};
    double plain_error = 0, fitted_error = 0;
    int better = 0, worse = 0;
    for (uint64_t seed = 0; seed < 15; seed++) {
        esp_network *net = random_network(seed);
        data d = data_make(net, 100, seed);
        esp_ranking ranking;
        for (size_t k = 0; k < sizeof importances / sizeof *importances; k++) {
            CHECK_OK(esp_ranking_make(net, esp_importance_find(importances[k]), seed, &d.calibration, &ranking));
            if (k + 1 < sizeof importances / sizeof *importances) esp_ranking_free(&ranking);
        }
        esp_widths widths = esp_widths_full(net);
        for (int a = 0; a < net->num_axes; a++)
            if (net->axis[a].prunable) widths.kept[a] = (2 * net->axis[a].size + 2) / 3;
        esp_cut cut;
        esp_cut_make(net, &ranking, &widths, &cut);
        esp_network *plain = operated(net, "none", &d, &cut), *moved = operated(net, "mean", &d, &cut);
        esp_network *fitted = operated(net, "lsq", &d, &cut);
        double before = difference(net, plain, &d), after = difference(net, fitted, &d);
        CU_ASSERT(isfinite(after) && isfinite(difference(net, moved, &d)));
        better += after < before;
        worse += after > before;
        plain_error += log(before + 1e-9);
        fitted_error += log(after + 1e-9);
        esp_network_free(plain);
        esp_network_free(moved);
        esp_network_free(fitted);
        esp_network_free(net);
        esp_cut_free(&cut);
        esp_ranking_free(&ranking);
        free(d.x);
    }
    CU_ASSERT(fitted_error < plain_error);
    CU_ASSERT(better > 3 * worse);
}

/* The head reads the encoder's output and recorded values. */
static void pairs_of_components_are_repaired_through_their_source(void)
{
    double plain_error = 0, fitted_error = 0;
    for (uint64_t seed = 0; seed < 8; seed++) {
        esp_network *net = random_pair(seed);
        data d = data_make(net, COUNT, seed);
        float *extra = esp_alloc(COUNT * PAIR_EXTRA, sizeof *extra);
        esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 4);
        esp_rng_normal(&rng, extra, COUNT * PAIR_EXTRA);
        d.calibration.feed[1] = (esp_feed){.source = 0, .data = extra, .columns = PAIR_EXTRA};
        CHECK_OK(esp_calibration_check(net, &d.calibration));
        esp_ranking ranking;
        CHECK_OK(esp_ranking_make(net, esp_importance_find("obs"), seed, &d.calibration, &ranking));
        esp_widths widths = esp_widths_full(net);
        for (int a = 0; a < net->num_axes; a++)
            if (net->axis[a].prunable) widths.kept[a] = (2 * net->axis[a].size + 2) / 3;
        esp_cut cut;
        esp_cut_make(net, &ranking, &widths, &cut);
        esp_network *smaller[2] = {operated(net, "none", &d, &cut), operated(net, "lsq", &d, &cut)};
        double error[2] = {0, 0};
        for (int k = 0; k < 2; k++) {
            esp_playback *dense = esp_playback_create(net, &d.calibration);
            esp_playback *pruned = esp_playback_create(smaller[k], &d.calibration);
            while (esp_playback_next(dense) && esp_playback_next(pruned))
                for (int b = 0; b < dense->num_blocks; b++) {
                    const float *y = esp_playback_output(dense, &dense->block[b], 1);
                    const float *z = esp_playback_output(pruned, &pruned->block[b], 1);
                    for (int i = 0; i < dense->block[b].n * 3; i++)
                        error[k] += ((double)y[i] - (double)z[i]) * ((double)y[i] - (double)z[i]);
                }
            esp_playback_free(dense);
            esp_playback_free(pruned);
            esp_network_free(smaller[k]);
        }
        plain_error += log(error[0] + 1e-9);
        fitted_error += log(error[1] + 1e-9);
        esp_cut_free(&cut);
        esp_ranking_free(&ranking);
        esp_network_free(net);
        free(extra);
        free(d.x);
    }
    CU_ASSERT(fitted_error < plain_error);
}

static CU_TestInfo tests[] = {
    {"least squares makes up for twins on both branches", least_squares_makes_up_for_twins_on_both_branches},
    {"obs finds that twins are not needed", obs_finds_that_twins_are_not_needed},
    {"activity counts every value that is read", activity_counts_every_value_that_is_read},
    {"random graphs are ranked and repaired", random_graphs_are_ranked_and_repaired},
    {"pairs of components are repaired through their source", pairs_of_components_are_repaired_through_their_source},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("graph pruning", tests)
