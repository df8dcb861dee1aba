/* Initial weights: orthogonal where they should be, bounded where they should be, and the same
 * for the same seed. */
#include <cblas.h>

#include "check.h"
#include "nn/nn.h"

/* [few, many] or its transpose: the short side's vectors are orthogonal with norm gain. */
static void check_orthogonal(int rows, int cols, float gain, const float *w)
{
    int few = rows < cols ? rows : cols, many = rows < cols ? cols : rows;
    int step = rows < cols ? 1 : cols, next = rows < cols ? cols : 1;
    double worst = 0.0;
    for (int a = 0; a < few; a++)
        for (int b = 0; b <= a; b++) {
            double sum = 0.0;
            for (int i = 0; i < many; i++) sum += (double)w[a * next + i * step] * (double)w[b * next + i * step];
            double error = fabs(sum - (a == b ? (double)gain * (double)gain : 0.0));
            if (!(error <= worst)) worst = error;
        }
    CU_ASSERT(worst < 3e-6); /* float32 QR; the reference's own deviation is 6.5e-7 */
}

static void check_random_matrix(int rows, int cols, float gain)
{
    float *w = esp_alloc((size_t)rows * (size_t)cols, sizeof *w);
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, (uint64_t)(rows * 1000 + cols));
    esp_rng_normal(&rng, w, (size_t)rows * (size_t)cols);
    esp_orthogonal(rows, cols, gain, w);
    check_orthogonal(rows, cols, gain, w);
    free(w);
}

static void orthogonal_makes_the_shorter_side_orthogonal(void)
{
    check_random_matrix(1, 1, 1.0f);
    check_random_matrix(1, 50, 1.0f);
    check_random_matrix(50, 1, 1.0f);
    check_random_matrix(6, 6, 2.0f);
    check_random_matrix(51, 512, 1.0f);
    check_random_matrix(128, 51, 1.0f);
    check_random_matrix(32, 441, sqrtf(2.0f));
}

/* Gram-Schmidt keeps the direction of its input; Householder alone would not. */
static void orthogonal_keeps_a_scaled_identity_positive(void)
{
    float w[9] = {3, 0, 0, 0, 0.5f, 0, 0, 0, 7};
    const float expected[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    esp_orthogonal(3, 3, 1.0f, w);
    CHECK_CLOSE("w", 9, w, expected, 1e-6, 0.0);
}

/* One layer of every kind that has weights. */
static esp_network *make_network(void)
{
    esp_network *net = esp_network_new();
    int colors = esp_network_axis(net, "colors", 2, false), conv = esp_network_axis(net, "conv", 4, true);
    int latent = esp_network_axis(net, "latent", 5, true), hidden = esp_network_axis(net, "hidden", 12, true);
    esp_network_component(net, "encoder");
    esp_network_image(net, colors, 6);
    esp_network_conv2d(net, "encoder.1", colors, conv, 3, 1, ESP_ACT_RELU);
    esp_network_flatten(net);
    esp_network_dense(net, "encoder.4", esp_dim_of(conv), esp_dim_of(latent), ESP_ACT_NONE);
    esp_network_component(net, "head");
    esp_network_dense(net, "head.0", esp_dim_of(latent), esp_dim_of(hidden), ESP_ACT_NONE);
    esp_network_norm(net, ESP_LAYER_LAYERNORM, "head.1", hidden, ESP_ACT_TANH);
    esp_network_norm(net, ESP_LAYER_BATCHNORM, "head.2", hidden, ESP_ACT_NONE);
    CHECK_OK(esp_network_finish(net));
    return net;
}

static const float *weights_of(const esp_network *net, const char *name)
{
    return esp_network_weights(net, esp_network_find_tensor(net, name));
}

static bool all_equal(const esp_network *net, const char *name, float value)
{
    const float *w = weights_of(net, name);
    for (size_t i = 0; i < net->tensor[esp_network_find_tensor(net, name)].count; i++)
        if (w[i] != value) return false;
    return true;
}

static void check_norms_are_identities(const esp_network *net)
{
    CU_ASSERT(all_equal(net, "head.1.weight", 1.0f));
    CU_ASSERT(all_equal(net, "head.1.bias", 0.0f));
    CU_ASSERT(all_equal(net, "head.2.weight", 1.0f));
    CU_ASSERT(all_equal(net, "head.2.bias", 0.0f));
    CU_ASSERT(all_equal(net, "head.2.running_mean", 0.0f));
    CU_ASSERT(all_equal(net, "head.2.running_var", 1.0f));
}

static void orthogonal_start_has_the_gains_of_the_reference(void)
{
    esp_network *net = make_network();
    esp_network_init_orthogonal(net, 3);
    check_orthogonal(4, 18, sqrtf(2.0f), weights_of(net, "encoder.1.weight"));
    check_orthogonal(5, 64, 1.0f, weights_of(net, "encoder.4.weight"));
    check_orthogonal(12, 5, 1.0f, weights_of(net, "head.0.weight"));
    CU_ASSERT(all_equal(net, "encoder.1.bias", 0.0f));
    CU_ASSERT(all_equal(net, "head.0.bias", 0.0f));
    check_norms_are_identities(net);
    esp_network_free(net);
}

static void check_uniform(const esp_network *net, const char *name, double bound)
{
    const float *w = weights_of(net, name);
    double largest = 0.0, sum = 0.0;
    size_t count = net->tensor[esp_network_find_tensor(net, name)].count;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)w[i]));
        sum += (double)w[i];
    }
    CU_ASSERT(largest <= bound);
    CU_ASSERT(largest > 0.5 * bound);
    CU_ASSERT(fabs(sum / (double)count) < bound); /* both signs occur */
}

static void default_start_is_uniform_within_the_fan_in(void)
{
    esp_network *net = make_network();
    esp_network_init_default(net, 3);
    check_uniform(net, "encoder.1.weight", 1.0 / sqrt(18.0));
    check_uniform(net, "encoder.1.bias", 1.0 / sqrt(18.0));
    check_uniform(net, "encoder.4.weight", 1.0 / sqrt(64.0));
    check_uniform(net, "head.0.bias", 1.0 / sqrt(5.0));
    check_norms_are_identities(net);
    esp_network_free(net);
}

static void check_seeds(void (*init)(esp_network *, uint64_t))
{
    esp_network *first = make_network(), *second = make_network();
    size_t bytes = first->num_weights * sizeof(float);
    init(first, 11);
    memset(second->weights, 0x7f, bytes);
    init(second, 11);
    CU_ASSERT_EQUAL(memcmp(first->weights, second->weights, bytes), 0);
    init(second, 12);
    CU_ASSERT_NOT_EQUAL(memcmp(first->weights, second->weights, bytes), 0);
    esp_network_free(first);
    esp_network_free(second);
}

static void equal_seeds_give_equal_starts(void)
{
    check_seeds(esp_network_init_orthogonal);
    check_seeds(esp_network_init_default);
}

/* Large enough for BLAS to share the work among threads if it were allowed to. */
static void start_does_not_depend_on_the_threads_of_blas(void)
{
    enum { SIDE = 256 };
    static float first[SIDE * SIDE], second[SIDE * SIDE];
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, first, SIDE * SIDE);
    memcpy(second, first, sizeof first);
    openblas_set_num_threads(1);
    esp_orthogonal(SIDE, SIDE, 1.0f, first);
    openblas_set_num_threads(4);
    esp_orthogonal(SIDE, SIDE, 1.0f, second);
    CU_ASSERT_EQUAL(memcmp(first, second, sizeof first), 0);
}

static CU_TestInfo tests[] = {
    {"orthogonal_makes_the_shorter_side_orthogonal", orthogonal_makes_the_shorter_side_orthogonal},
    {"orthogonal_keeps_a_scaled_identity_positive", orthogonal_keeps_a_scaled_identity_positive},
    {"orthogonal_start_has_the_gains_of_the_reference", orthogonal_start_has_the_gains_of_the_reference},
    {"default_start_is_uniform_within_the_fan_in", default_start_is_uniform_within_the_fan_in},
    {"equal_seeds_give_equal_starts", equal_seeds_give_equal_starts},
    {"start_does_not_depend_on_the_threads_of_blas", start_does_not_depend_on_the_threads_of_blas},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("init", tests)
