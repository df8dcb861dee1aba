/* Gram matrices: against sums in double over every sample and every place of a kernel. */
#include "recorded_data.h"

/* Element (i, j) of the mean of x x^T, x ending with a 1. */
static double plain_gram(const esp_layer *layer, const float *inputs, int count, int i, int j)
{
    int columns = esp_layer_columns(layer), rows = esp_layer_rows(layer);
    double sum = 0;
    for (int s = 0; s < count; s++) {
        const float *x = inputs + (size_t)s * (size_t)layer->in_size;
        for (int place = 0; place < rows; place++)
            sum += (i < columns ? plain_column(layer, x, place, i) : 1) *
                   (j < columns ? plain_column(layer, x, place, j) : 1);
    }
    return sum / ((double)count * rows);
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
        int n = grams[l].n, step = n / 12 + 1;
        CU_ASSERT_EQUAL(n, r->net->tensor[layer->weight].count / (size_t)r->net->tensor[layer->weight].shape[0] + 1);
        for (int i = n - 1; i >= 0; i -= step)
            for (int j = n - 1; j >= 0; j -= step) {
                double expected = plain_gram(layer, inputs, r->calibration.count, i, j);
                CU_ASSERT_DOUBLE_EQUAL(grams[l].g[i * n + j], expected, 1e-5 * (1 + fabs(expected)));
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
    const float *y = recorded_normals(&r, (size_t)(COUNT * rows * OUTS), 40);
    esp_gram cross;
    esp_gram_init(&cross, layer, OUTS);
    esp_gram_add(&cross, layer, inputs, 3, y);
    esp_gram_add(&cross, layer, inputs + 3 * layer->in_size, COUNT - 3, y + 3 * rows * OUTS);
    esp_gram_finish(&cross);
    for (int o = 0; o < OUTS; o++)
        for (int j = 0; j <= columns; j++) {
            double sum = 0;
            for (int s = 0; s < COUNT; s++)
                for (int place = 0; place < rows; place++)
                    sum += (double)y[(s * rows + place) * OUTS + o] *
                           (j < columns ? plain_column(layer, inputs + s * layer->in_size, place, j) : 1);
            CU_ASSERT_DOUBLE_EQUAL(cross.g[o * (columns + 1) + j], sum / (COUNT * rows), 1e-6);
        }
    esp_gram_free(&cross);
    free(inputs);
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
        if (wanted[l])
            CU_ASSERT_EQUAL(memcmp(one[l].g, two[l].g, (size_t)one[l].n * (size_t)one[l].n * sizeof(double)), 0);
    esp_grams_free(r.net, one);
    esp_grams_free(r.net, two);
    recorded_free(&r);
}

static void ridge_is_a_share_of_the_mean_diagonal(void)
{
    double g[] = {2, 0, 9, 0, 4, 9, 9, 9, 1}, zeros[9] = {0};
    esp_gram gram = {.n = 3, .g = g}, dead = {.n = 3, .g = zeros};
    CU_ASSERT_DOUBLE_EQUAL(esp_gram_ridge(&gram, 0.1), 0.3, 1e-15);
    CU_ASSERT(esp_gram_ridge(&dead, 0.1) > 0);
}

static CU_TestInfo tests[] = {
    {"gram_matrices_match_plain_loops", gram_matrices_match_plain_loops},
    {"products_with_targets_match_plain_loops", products_with_targets_match_plain_loops},
    {"sums_do_not_depend_on_the_number_of_threads", sums_do_not_depend_on_the_number_of_threads},
    {"ridge_is_a_share_of_the_mean_diagonal", ridge_is_a_share_of_the_mean_diagonal},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("gram", tests)
