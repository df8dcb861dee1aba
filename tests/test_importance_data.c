/* Importance from recorded data: activity against plain sums, loss changes against central differences, and
 * elimination against fits that are solved again for every candidate. */
#include "plain_network.h"
#include "recorded_data.h"

static esp_ranking rank(const recorded *r, const char *name)
{
    esp_ranking ranking;
    CHECK_OK(esp_ranking_make(r->net, esp_importance_find(name), 1, &r->calibration, &ranking));
    return ranking;
}

static double outgoing_square(const esp_network *net, const char *module, int first, int block)
{
    const esp_layer *layer = &net->layer[layer_named(net, module)];
    const float *w = esp_network_weights(net, layer->weight);
    int columns = esp_layer_columns(layer);
    double sum = 0;
    for (int o = 0; o < net->tensor[layer->weight].shape[0]; o++)
        for (int j = first; j < first + block; j++) sum += (double)w[o * columns + j] * (double)w[o * columns + j];
    return sum;
}

/* ---- activation ---- */

static void activation_is_root_mean_square_times_outgoing_norm(void)
{
    enum { COUNT = 30 };
    const char *heads[] = {"_dynamics.0", "_reward.0", "_pi.0", "_Q1.0", "_Q2.0"};
    recorded r = recorded_agent(COUNT, 4, 5, 8);
    esp_ranking ranking = rank(&r, "activation");
    float *z = recorded_inputs(r.net, &r.calibration, layer_named(r.net, "_pi.0"));
    float *flat = recorded_inputs(r.net, &r.calibration, layer_named(r.net, "_encoder.10"));
    float *pixels = recorded_inputs(r.net, &r.calibration, layer_named(r.net, "_encoder.5"));
    int conv2_size = r.net->layer[layer_named(r.net, "_encoder.5")].in_size;
    for (int u = 0; u < 5; u++) {
        double square = 0, out = 0;
        for (int i = 0; i < COUNT; i++) square += (double)z[i * 5 + u] * (double)z[i * 5 + u] / COUNT;
        for (int h = 0; h < 5; h++) out += outgoing_square(r.net, heads[h], u, 1);
        CU_ASSERT_DOUBLE_EQUAL(ranking.score[esp_network_find_axis(r.net, "latent")][u], sqrt(square * out), 1e-9);
    }
    for (int u = 0; u < 4; u++) {
        double square = 0;
        for (int i = 0; i < COUNT; i++)
            for (int p = 0; p < 9; p++) square += pow((double)flat[(i * 4 + u) * 9 + p], 2) / (9 * COUNT);
        double expected = sqrt(square * outgoing_square(r.net, "_encoder.10", 9 * u, 9));
        CU_ASSERT_DOUBLE_EQUAL(ranking.score[esp_network_find_axis(r.net, "enc.conv4")][u], expected, 1e-9);
        square = 0;
        for (int i = u; i < COUNT * conv2_size; i += 4) square += pow((double)pixels[i], 2) / (COUNT * conv2_size / 4);
        expected = sqrt(square * outgoing_square(r.net, "_encoder.5", 9 * u, 9));
        CU_ASSERT_DOUBLE_EQUAL(ranking.score[esp_network_find_axis(r.net, "enc.conv2")][u], expected, 1e-9);
    }
    free(z);
    free(flat);
    free(pixels);
    esp_ranking_free(&ranking);
    recorded_free(&r);
}

/* ---- taylor ---- */

/* Squared error of one sample against its targets, all in double. */
static double plain_loss(const recorded *r, const double *weights, int sample)
{
    const esp_network *net = r->net;
    double *outputs[ESP_MAX_COMPONENTS] = {NULL}, loss = 0;
    for (int c = 0; c < net->num_components; c++) {
        const esp_feed *feed = &r->calibration.feed[c];
        int size = net->component[c].in_size, width = feed->source < 0 ? 0 : net->component[feed->source].out_size;
        bool image = net->layer[net->component[c].first_layer].kind == ESP_LAYER_IMAGE;
        double *x = esp_alloc((size_t)size, sizeof *x);
        for (int j = 0; j < size; j++) {
            int at = sample * (size - width) + j - width;
            x[j] = j < width ? outputs[feed->source][j]
                 : image     ? ((const uint8_t *)feed->data)[at] : (double)((const float *)feed->data)[at];
        }
        outputs[c] = plain_forward(net, c, weights, x, 1, false);
        int outs = net->component[c].out_size;
        for (int o = 0; o < outs && feed->target; o++)
            loss += pow(outputs[c][o] - (double)feed->target[sample * outs + o], 2);
        free(x);
    }
    for (int c = 0; c < net->num_components; c++) free(outputs[c]);
    return loss;
}

/* Scales up a unit by scaling all weights that read it. */
static void scale_unit(const recorded *r, int axis, int unit, double factor, double *weights)
{
    esp_reader readers[ESP_MAX_READERS];
    int count = esp_axis_readers(r->net, &r->calibration, axis, readers);
    for (int i = 0; i < count; i++) {
        const esp_layer *layer = &r->net->layer[readers[i].layer];
        int columns = esp_layer_columns(layer), b = readers[i].block;
        double *w = weights + r->net->tensor[layer->weight].offset;
        for (int o = 0; o < r->net->tensor[layer->weight].shape[0]; o++)
            for (int j = 0; j < b; j++) w[o * columns + readers[i].first + unit * b + j] *= factor;
    }
}

static void check_taylor(recorded *r)
{
    const double h = 1e-4;
    esp_ranking ranking = rank(r, "taylor");
    size_t count = r->net->num_weights;
    double *dense = esp_alloc(count, sizeof *dense), *moved = esp_alloc(count, sizeof *moved);
    for (size_t i = 0; i < count; i++) dense[i] = (double)r->net->weights[i];
    for (int axis = 0; axis < r->net->num_axes; axis++) {
        for (int u = 0; u < r->net->axis[axis].size && r->net->axis[axis].prunable; u++) {
            double mean = 0;
            for (int s = 0; s < r->calibration.count; s++) {
                double loss[2];
                for (int side = 0; side < 2; side++) {
                    memcpy(moved, dense, count * sizeof *moved);
                    scale_unit(r, axis, u, side ? 1 + h : 1 - h, moved);
                    loss[side] = plain_loss(r, moved, s);
                }
                mean += fabs(loss[1] - loss[0]) / (2 * h) / r->calibration.count;
            }
            /* float32 forward and backward against double */
            CU_ASSERT_DOUBLE_EQUAL(ranking.score[axis][u], mean, 1e-4 + 1e-3 * mean);
        }
    }
    free(dense);
    free(moved);
    esp_ranking_free(&ranking);
}

static void taylor_matches_central_differences(void)
{
    recorded autoencoder = recorded_autoencoder(7), agent = recorded_agent(2, 3, 3, 5);
    recorded_targets(&autoencoder, "decoder");
    check_taylor(&autoencoder);
    recorded_targets(&agent, "_reward"); /* two opinions: their gradients add up in the latent */
    recorded_targets(&agent, "_Q1");
    check_taylor(&agent);
    recorded_free(&autoencoder);
    recorded_free(&agent);
}

/* Without targets an output counts by its own standard deviation, so its unit does not matter. */
static void without_targets_every_output_counts_alike(void)
{
    recorded r = recorded_agent(40, 3, 3, 5);
    esp_ranking before = rank(&r, "taylor");
    const esp_layer *last = &r.net->layer[layer_named(r.net, "_reward.4")];
    for (size_t i = 0; i < r.net->tensor[last->weight].count; i++) esp_network_weights(r.net, last->weight)[i] *= 64;
    esp_network_weights(r.net, last->bias)[0] *= 64;
    esp_ranking after = rank(&r, "taylor");
    for (int axis = 0; axis < r.net->num_axes; axis++)
        for (int u = 0; u < r.net->axis[axis].size; u++)
            CU_ASSERT_DOUBLE_EQUAL(after.score[axis][u], before.score[axis][u], 1e-4 * before.score[axis][u] + 1e-7);
    esp_ranking_free(&before);
    esp_ranking_free(&after);
    recorded_free(&r);
}

/* ---- obs ---- */

/* The least that the readers of an axis lose when all columns of `gone` units are zero and all other columns are
 * free: sum_o h_o w_S (A_SS - A_SR A_RR^-1 A_RS) w_S^T with A the matrix with its ridge. */
static double plain_cost(const recorded *r, const esp_gram *gram, const double *squares, const esp_reader *reader,
                         int units, const bool *gone)
{
    const esp_layer *layer = &r->net->layer[reader->layer];
    int n = gram->columns, outs = r->net->tensor[layer->weight].shape[0], rest = 0;
    bool *out_of = esp_alloc((size_t)n, sizeof *out_of);
    int *free_column = esp_alloc((size_t)n, sizeof *free_column);
    double *a = esp_alloc((size_t)(n * n), sizeof *a), *matrix = esp_alloc((size_t)(n * n), sizeof *matrix);
    double *v = esp_alloc((size_t)n, sizeof *v), cost = 0;
    for (int u = 0; u < units; u++)
        for (int j = 0; j < reader->block; j++) out_of[reader->first + u * reader->block + j] = gone[u];
    for (int j = 0; j < n; j++)
        if (!out_of[j]) free_column[rest++] = j;
    memcpy(a, gram->g, (size_t)(n * n) * sizeof *a);
    for (int o = 0; o < outs; o++) {
        const float *w = esp_network_weights(r->net, layer->weight) + o * n;
        double own = 0, saved = 0;
        for (int i = 0; i < rest; i++) { /* A_RS w_S */
            v[i] = 0;
            for (int j = 0; j < n; j++)
                if (out_of[j]) v[i] += a[free_column[i] * n + j] * (double)w[j];
            for (int j = 0; j < rest; j++) matrix[i * rest + j] = a[free_column[i] * n + free_column[j]];
        }
        double *solved = esp_alloc((size_t)n, sizeof *solved);
        memcpy(solved, v, (size_t)rest * sizeof *v);
        plain_solve(rest, matrix, solved);
        for (int i = 0; i < rest; i++) saved += v[i] * solved[i];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                if (out_of[i] && out_of[j]) own += a[i * n + j] * (double)w[i] * (double)w[j];
        cost += squares[o] * (own - saved) * esp_layer_rows(layer);
        free(solved);
    }
    free(out_of);
    free(free_column);
    free(a);
    free(matrix);
    free(v);
    return cost;
}

static double plain_total(const recorded *r, const esp_gram *grams, double *const *squares, int axis, const bool *gone)
{
    esp_reader readers[ESP_MAX_READERS];
    int count = esp_axis_readers(r->net, &r->calibration, axis, readers);
    double total = 0;
    for (int i = 0; i < count; i++)
        total += plain_cost(r, &grams[readers[i].layer], squares[readers[i].layer], &readers[i],
                            r->net->axis[axis].size, gone);
    return total;
}

/* Replays the elimination: at every step no other unit would have been cheaper, and the score is the error of the
 * best fit without all units removed so far. */
static void check_elimination(const recorded *r, const char *name)
{
    int axis = esp_network_find_axis(r->net, name), units = r->net->axis[axis].size;
    bool wanted[ESP_MAX_LAYERS], gone[64] = {false};
    esp_gram grams[ESP_MAX_LAYERS];
    double *squares[ESP_MAX_LAYERS];
    esp_ranking ranking = rank(r, "obs");
    esp_pruned_readers(r->net, &r->calibration, wanted);
    esp_grams_make(r->net, &r->calibration, wanted, grams);
    esp_loss_sensitivity(r->net, &r->calibration, 1, wanted, squares);
    for (int l = 0; l < r->net->num_layers; l++)
        if (wanted[l]) esp_gram_add_ridge(&grams[l], ESP_OBS_RIDGE);
    for (int i = units; i-- > 0;) {
        int unit = ranking.order[axis][i];
        gone[unit] = true;
        double cost = plain_total(r, grams, squares, axis, gone), allowed = 1e-6 * cost + 1e-12;
        CU_ASSERT_DOUBLE_EQUAL(ranking.score[axis][unit], cost, allowed);
        gone[unit] = false;
        for (int other = 0; other < units; other++) {
            if (gone[other] || other == unit) continue;
            gone[other] = true;
            CU_ASSERT(plain_total(r, grams, squares, axis, gone) >= cost - allowed);
            gone[other] = false;
        }
        gone[unit] = true;
    }
    esp_grams_free(r->net, grams);
    for (int l = 0; l < r->net->num_layers; l++) free(squares[l]);
    esp_ranking_free(&ranking);
}

static void elimination_matches_fits_solved_anew(void)
{
    recorded autoencoder = recorded_autoencoder(200), agent = recorded_agent(60, 3, 4, 6);
    recorded_targets(&autoencoder, "decoder");
    check_elimination(&autoencoder, "one");
    check_elimination(&autoencoder, "two");
    check_elimination(&agent, "enc.conv3"); /* a convolution reads it */
    check_elimination(&agent, "enc.conv4"); /* nine columns per unit after flatten */
    check_elimination(&agent, "latent");    /* five readers, four of them with an action */
    check_elimination(&agent, "Q1.hidden1");
    recorded_free(&autoencoder);
    recorded_free(&agent);
}

static void duplicate_goes_first_and_its_twin_much_later(void)
{
    recorded r = recorded_autoencoder(400);
    int axis = esp_network_find_axis(r.net, "one");
    float *w = esp_network_weights(r.net, r.net->layer[0].weight);
    float *b = esp_network_weights(r.net, r.net->layer[0].bias);
    for (int u = 0; u < 9; u++) esp_network_weights(r.net, r.net->layer[1].bias)[u] = 1; /* no dead units */
    memcpy(w + 5 * 6, w + 2 * 6, 6 * sizeof *w);
    b[5] = b[2];
    for (int t = r.net->layer[1].weight; t <= r.net->layer[1].var; t++)
        esp_network_weights(r.net, t)[5] = esp_network_weights(r.net, t)[2];
    esp_ranking ranking = rank(&r, "obs");
    int first = ranking.order[axis][8], twin = first == 5 ? 2 : 5;
    CU_ASSERT(first == 5 || first == 2);
    CU_ASSERT(ranking.score[axis][first] < 0.2 * ranking.score[axis][ranking.order[axis][7]]);
    CU_ASSERT(ranking.score[axis][twin] > 10 * ranking.score[axis][first]);
    esp_ranking_free(&ranking);
    recorded_free(&r);
}

static void dead_units_cost_nothing(void)
{
    recorded r = recorded_agent(30, 4, 5, 8);
    const esp_layer *conv = &r.net->layer[layer_named(r.net, "_encoder.7")];
    int axis = esp_network_find_axis(r.net, "enc.conv4");
    for (int i = 0; i < 2 * 4 * 9; i++) esp_network_weights(r.net, conv->weight)[i] = 0;
    for (int u = 0; u < 4; u++) esp_network_weights(r.net, conv->bias)[u] = u < 2 ? -1.0f : 1.0f;
    for (const esp_importance *row = esp_importances; row->name; row++) {
        if (!row->needs_data) continue;
        esp_ranking ranking = rank(&r, row->name);
        for (int i = 0; i < r.net->num_axes; i++)
            for (int u = 0; u < r.net->axis[i].size; u++) CU_ASSERT(isfinite(ranking.score[i][u]));
        CU_ASSERT(ranking.order[axis][2] < 2 && ranking.order[axis][3] < 2);
        /* the ridge gives obs a trace of a signal */
        CU_ASSERT(ranking.score[axis][0] <= 1e-3 * ranking.score[axis][ranking.order[axis][1]]);
        esp_ranking_free(&ranking);
    }
    recorded_free(&r);
}

/* ---- all of them ---- */

static void scores_do_not_depend_on_the_number_of_threads(void)
{
    recorded r = recorded_agent(300, 4, 5, 8);
    int before = omp_get_max_threads();
    for (const esp_importance *row = esp_importances; row->name; row++) {
        omp_set_num_threads(1);
        esp_ranking one = rank(&r, row->name);
        omp_set_num_threads(2);
        esp_ranking two = rank(&r, row->name);
        for (int axis = 0; axis < r.net->num_axes; axis++)
            CU_ASSERT_EQUAL(memcmp(one.score[axis], two.score[axis],
                                   (size_t)r.net->axis[axis].size * sizeof(double)), 0);
        esp_ranking_free(&one);
        esp_ranking_free(&two);
    }
    omp_set_num_threads(before);
    recorded_free(&r);
}

static void missing_or_wrong_data_is_refused(void)
{
    recorded r = recorded_autoencoder(5);
    esp_ranking ranking = {.order = {NULL}};
    for (const esp_importance *row = esp_importances; row->name; row++)
        if (row->needs_data)
            CHECK_FAILS(ESP_ERR_USAGE, esp_ranking_make(r.net, row, 0, NULL, &ranking), row->name);
    r.calibration.count = 0;
    const esp_importance *obs = esp_importance_find("obs");
    CHECK_FAILS(ESP_ERR_SHAPE, esp_ranking_make(r.net, obs, 0, &r.calibration, &ranking), "0 samples");
    CU_ASSERT_PTR_NULL(ranking.order[0]);
    recorded_free(&r);
}

static void data_that_are_not_numbers_are_an_error(void)
{
    recorded r = recorded_autoencoder(5);
    esp_ranking ranking;
    ((float *)r.owned[0])[3] = NAN;
    const esp_importance *obs = esp_importance_find("obs"), *taylor = esp_importance_find("taylor");
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_ranking_make(r.net, obs, 0, &r.calibration, &ranking), "positive definite");
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_ranking_make(r.net, taylor, 0, &r.calibration, &ranking), "finite");
    recorded_free(&r);
}

static CU_TestInfo tests[] = {
    {"activation_is_root_mean_square_times_outgoing_norm", activation_is_root_mean_square_times_outgoing_norm},
    {"taylor_matches_central_differences", taylor_matches_central_differences},
    {"without_targets_every_output_counts_alike", without_targets_every_output_counts_alike},
    {"elimination_matches_fits_solved_anew", elimination_matches_fits_solved_anew},
    {"duplicate_goes_first_and_its_twin_much_later", duplicate_goes_first_and_its_twin_much_later},
    {"dead_units_cost_nothing", dead_units_cost_nothing},
    {"scores_do_not_depend_on_the_number_of_threads", scores_do_not_depend_on_the_number_of_threads},
    {"missing_or_wrong_data_is_refused", missing_or_wrong_data_is_refused},
    {"data_that_are_not_numbers_are_an_error", data_that_are_not_numbers_are_an_error},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("importance_data", tests)
