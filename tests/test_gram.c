/* Gram matrices against sums in double over every sample and every place of a kernel. */
#include "recorded_data.h"

/* Covariance of columns i and j. */
static double plain_covariance(const esp_layer *layer, const float *inputs, int count, int i, int j)
{
    int rows = esp_layer_rows(layer);
    double product = 0, one = 0, other = 0, all = (double)count * rows;
    for (int s = 0; s < count; s++) {
        const float *x = inputs + (size_t)s * (size_t)layer->in_size;
        for (int place = 0; place < rows; place++) {
            double a = plain_column(layer, x, place, i), b = plain_column(layer, x, place, j);
            product += a * b;
            one += a;
            other += b;
        }
    }
    return product / all - one / all * (other / all);
}

static void check_grams(recorded *r)
{
    bool wanted[ESP_MAX_LAYERS];
    esp_gram grams[ESP_MAX_LAYERS];
    int checked = 0;
    esp_pruned_readers(r->net, &r->calibration, wanted);
    esp_grams_make(r->net, &r->calibration, wanted, grams);
    for (int l = 0; l < r->net->num_layers; l++) {
        if (!wanted[l]) continue;
        const esp_layer *layer = &r->net->layer[l];
        float *inputs = recorded_inputs(r->net, &r->calibration, l);
        int n = grams[l].columns, step = n / 12 + 1;
        CU_ASSERT_EQUAL(n, esp_layer_columns(layer));
        for (int i = n - 1; i >= 0; i -= step)
            for (int j = n - 1; j >= 0; j -= step) {
                double expected = plain_covariance(layer, inputs, r->calibration.count, i, j);
                double scale = sqrt(grams[l].g[i * n + i] * grams[l].g[j * n + j]); /* float32 sums */
                CU_ASSERT_DOUBLE_EQUAL(grams[l].g[i * n + j], expected, 1e-5 * scale);
            }
        free(inputs);
        checked++;
    }
    CU_ASSERT(checked >= 3);
    esp_grams_free(r->net, grams);
}

static void gram_matrices_match_plain_loops(void)
{
    recorded autoencoder = recorded_autoencoder(1100), agent = recorded_agent(20, 4, 5, 8);
    check_grams(&autoencoder);
    check_grams(&agent); /* convolutions, flatten, latent and action */
    recorded_free(&autoencoder);
    recorded_free(&agent);
}

static void products_with_targets_match_plain_loops(void)
{
    enum { COUNT = 7, OUTS = 3 };
    recorded r = recorded_agent(COUNT, 4, 5, 8);
    int l = layer_named(r.net, "_encoder.5");
    const esp_layer *layer = &r.net->layer[l];
    int rows = esp_layer_rows(layer), columns = esp_layer_columns(layer);
    float *inputs = recorded_inputs(r.net, &r.calibration, l);
    float *y = recorded_normals(&r, (size_t)(COUNT * rows * OUTS), 40);
    for (int o = 0; o < OUTS; o++) { /* targets come from their mean */
        double mean = 0;
        for (int i = 0; i < COUNT * rows; i++) mean += (double)y[i * OUTS + o] / (COUNT * rows);
        for (int i = 0; i < COUNT * rows; i++) y[i * OUTS + o] -= (float)mean;
    }
    esp_gram cross;
    esp_gram_init(&cross, layer, OUTS);
    esp_gram_add(&cross, layer, inputs, 3, y);
    esp_gram_add(&cross, layer, inputs + 3 * layer->in_size, COUNT - 3, y + 3 * rows * OUTS);
    esp_gram_finish(&cross);
    for (int o = 0; o < OUTS; o++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int s = 0; s < COUNT; s++)
                for (int place = 0; place < rows; place++)
                    sum += (double)y[(s * rows + place) * OUTS + o] *
                           plain_column(layer, inputs + s * layer->in_size, place, j);
            CU_ASSERT_DOUBLE_EQUAL(cross.g[o * columns + j], sum / (COUNT * rows), 1e-6);
        }
    esp_gram_free(&cross);
    free(inputs);
    recorded_free(&r);
}

/* 1,000 + 0.5 sin: in float the squares alone would have errors of 0.06. */
static void inputs_that_hardly_move_keep_their_variance(void)
{
    enum { COUNT = 3000 };
    recorded r = recorded_autoencoder(1);
    const esp_layer *layer = &r.net->layer[layer_named(r.net, "encoder.3")];
    float *x = esp_alloc((size_t)COUNT * 9, sizeof *x);
    for (int i = 0; i < COUNT * 9; i++) x[i] = 1000 + (float)(0.5 * sin(i % 9 + 0.37 * (i / 9)));
    esp_gram gram;
    esp_gram_init(&gram, layer, 0);
    esp_gram_add(&gram, layer, x, COUNT, NULL);
    esp_gram_finish(&gram);
    for (int i = 0; i < 9; i++) {
        CU_ASSERT_DOUBLE_EQUAL(gram.mean[i], 1000, 1e-3);
        for (int j = 0; j < 9; j++)
            CU_ASSERT_DOUBLE_EQUAL(gram.g[i * 9 + j], plain_covariance(layer, x, COUNT, i, j), 1e-5);
    }
    esp_gram_free(&gram);
    free(x);
    recorded_free(&r);
}

static void sums_do_not_depend_on_the_number_of_threads(void)
{
    recorded r = recorded_agent(300, 4, 5, 8);
    bool wanted[ESP_MAX_LAYERS];
    esp_gram one[ESP_MAX_LAYERS], two[ESP_MAX_LAYERS];
    int before = omp_get_max_threads();
    esp_pruned_readers(r.net, &r.calibration, wanted);
    omp_set_num_threads(1);
    esp_grams_make(r.net, &r.calibration, wanted, one);
    omp_set_num_threads(2);
    esp_grams_make(r.net, &r.calibration, wanted, two);
    omp_set_num_threads(before);
    for (int l = 0; l < r.net->num_layers; l++)
        if (wanted[l]) {
            size_t count = (size_t)one[l].columns * (size_t)one[l].columns;
            CU_ASSERT_EQUAL(memcmp(one[l].g, two[l].g, count * sizeof(double)), 0);
        }
    esp_grams_free(r.net, one);
    esp_grams_free(r.net, two);
    recorded_free(&r);
}

static void ridge_is_a_share_of_the_mean_variance_and_never_nothing(void)
{
    double g[] = {2, 0, 0, 4}, zeros[4] = {0};
    esp_gram gram = {.columns = 2, .g = g}, dead = {.columns = 2, .g = zeros};
    esp_gram_add_ridge(&gram, 0.1);
    CU_ASSERT_DOUBLE_EQUAL(g[0], 2.3, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(g[3], 4.3, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(gram.ridge, 0.3, 1e-5);
    CU_ASSERT_EQUAL(g[1], 0);
    esp_gram_add_ridge(&dead, 0.1);
    CU_ASSERT(zeros[0] > 0 && zeros[3] == zeros[0]);
}

static CU_TestInfo tests[] = {
    {"gram_matrices_match_plain_loops", gram_matrices_match_plain_loops},
    {"inputs_that_hardly_move_keep_their_variance", inputs_that_hardly_move_keep_their_variance},
    {"products_with_targets_match_plain_loops", products_with_targets_match_plain_loops},
    {"sums_do_not_depend_on_the_number_of_threads", sums_do_not_depend_on_the_number_of_threads},
    {"ridge_is_a_share_of_the_mean_variance_and_never_nothing",
     ridge_is_a_share_of_the_mean_variance_and_never_nothing},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("gram", tests)
