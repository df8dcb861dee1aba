/* Adam, norms and averages against plain loops in double whose correctness is obvious. */
#include <omp.h>

#include "check.h"
#include "nn/nn.h"

#define COUNT 1003 /* not a multiple of any vector width */

static void fill_normal(uint64_t index, size_t count, float *out)
{
    esp_rng rng = esp_rng_make(7, ESP_RNG_TEST, index);
    esp_rng_normal(&rng, out, count);
}

/* Kingma and Ba 2015, Algorithm 1, for one weight after `steps` equal-scaled gradients. */
static double plain_adam(double weight, const float *grads, int steps, size_t stride, double lr, double scale)
{
    double m = 0.0, v = 0.0;
    for (int k = 1; k <= steps; k++) {
        double g = scale * grads[(size_t)(k - 1) * stride];
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        weight -= lr * (m / (1 - pow(0.9, k))) / (sqrt(v / (1 - pow(0.999, k))) + 1e-8);
    }
    return weight;
}

static void adam_equals_the_plain_loop(void)
{
    enum { STEPS = 20 };
    static float weights[COUNT], start[COUNT], expected[COUNT], grads[STEPS * COUNT];
    const float lr = 3e-3f, scale = 0.25f;
    fill_normal(0, COUNT, start);
    fill_normal(1, STEPS * COUNT, grads);
    memcpy(weights, start, sizeof weights);
    esp_adam adam;
    esp_adam_init(&adam, COUNT);
    for (int k = 0; k < STEPS; k++) esp_adam_step(&adam, lr, scale, grads + k * COUNT, weights);
    for (size_t i = 0; i < COUNT; i++)
        expected[i] = (float)plain_adam(start[i], grads + i, STEPS, COUNT, (double)lr, (double)scale);
    CU_ASSERT_EQUAL(adam.step, STEPS);
    CHECK_CLOSE("weights", COUNT, weights, expected, 2e-6, 1e-6); /* 20 float32 roundings of values near 1 */
    esp_adam_free(&adam);
    CU_ASSERT_PTR_NULL(adam.m);
}

/* Parts in any order and of any length, one of them at the ragged end. */
static void a_step_in_parts_is_the_same_step(void)
{
    static float whole[COUNT], pieces[COUNT], grad[COUNT];
    esp_adam first, second;
    esp_adam_init(&first, COUNT);
    esp_adam_init(&second, COUNT);
    for (int k = 0; k < 3; k++) {
        fill_normal((uint64_t)k, COUNT, grad);
        esp_adam_step(&first, 1e-2f, 0.5f, grad, whole);
        esp_adam_rates rates = esp_adam_begin(&second, 1e-2f);
        esp_adam_move(&second, rates, 0.5f, 512, COUNT - 512, grad, pieces);
        esp_adam_move(&second, rates, 0.5f, 0, 512, grad, pieces);
    }
    CU_ASSERT_EQUAL(second.step, 3);
    CU_ASSERT_EQUAL(memcmp(whole, pieces, sizeof whole), 0);
    esp_adam_free(&first);
    esp_adam_free(&second);
}

static void first_step_moves_every_weight_by_the_rate(void)
{
    float weights[3] = {0}, grad[3] = {1e-4f, -5.0f, 0.0f}, expected[3] = {-0.01f, 0.01f, 0.0f};
    esp_adam adam;
    esp_adam_init(&adam, 3);
    esp_adam_step(&adam, 0.01f, 1.0f, grad, weights);
    CHECK_CLOSE("weights", 3, weights, expected, 0.0, 2e-4); /* eps is 1e-4 of the smallest gradient */
    esp_adam_free(&adam);
}

static void late_steps_have_no_bias_correction_left(void)
{
    float weights[1] = {0}, grad[1] = {2.0f};
    esp_adam adam;
    esp_adam_init(&adam, 1);
    adam.step = INT64_C(4000000000);
    adam.m[0] = 2.0f;
    adam.v[0] = 4.0f;
    esp_adam_step(&adam, 0.5f, 1.0f, grad, weights);
    CU_ASSERT_DOUBLE_EQUAL(weights[0], -0.5, 1e-6);
    esp_adam_free(&adam);
}

static void norm_equals_the_plain_sum(void)
{
    static float x[COUNT];
    fill_normal(2, COUNT, x);
    for (size_t count = 0; count < 40; count++) {
        double sum = 0.0;
        for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
        CU_ASSERT_DOUBLE_EQUAL(esp_norm2(count, x), sqrt(sum), 1e-13); /* order of double sums */
    }
}

static void norm_survives_squares_beyond_float(void)
{
    const float x[2] = {3e30f, 4e30f};
    CU_ASSERT_DOUBLE_EQUAL(esp_norm2(2, x) / 5e30, 1.0, 1e-6);
}

static void clipping_scales_long_gradients_only(void)
{
    CU_ASSERT_EQUAL(esp_clip_scale(0.0, 10.0), 1.0f);
    CU_ASSERT_EQUAL(esp_clip_scale(9.9, 10.0), 1.0f);
    CU_ASSERT_DOUBLE_EQUAL(esp_clip_scale(40.0, 10.0), 10.0 / (40.0 + 1e-6), 1e-7);
    CU_ASSERT_EQUAL(esp_clip_scale(INFINITY, 10.0), 0.0f);
    CU_ASSERT(isnan(esp_clip_scale(NAN, 10.0)));
}

static void moving_average_equals_the_plain_loop(void)
{
    static float source[COUNT], target[COUNT], expected[COUNT];
    fill_normal(3, COUNT, source);
    fill_normal(4, COUNT, target);
    for (size_t i = 0; i < COUNT; i++)
        expected[i] = (float)(0.99 * (double)target[i] + 0.01 * (double)source[i]);
    esp_ema(COUNT, 0.01f, source, target);
    CHECK_CLOSE("target", COUNT, target, expected, 1e-6, 0.0);
    esp_ema(COUNT, 1.0f, source, target);
    CHECK_CLOSE("copy", COUNT, target, source, 1e-6, 0.0);
}

/* More weights than one thread takes at once, and not a multiple of that. */
static void weights_do_not_depend_on_the_number_of_threads(void)
{
    enum { MANY = 200003 };
    static float grad[MANY], weights[3][MANY], target[3][MANY];
    int before = omp_get_max_threads();
    fill_normal(5, MANY, grad);
    for (int threads = 1; threads <= 3; threads++) {
        float *w = weights[threads - 1], *t = target[threads - 1];
        omp_set_num_threads(threads);
        fill_normal(6, MANY, w);
        fill_normal(7, MANY, t);
        esp_adam adam;
        esp_adam_init(&adam, MANY);
        for (int k = 0; k < 2; k++) esp_adam_step(&adam, 1e-3f, 0.5f, grad, w);
        esp_ema(MANY, 0.01f, w, t);
        esp_adam_free(&adam);
        CU_ASSERT_EQUAL(memcmp(w, weights[0], sizeof weights[0]), 0);
        CU_ASSERT_EQUAL(memcmp(t, target[0], sizeof target[0]), 0);
    }
    omp_set_num_threads(before);
}

static CU_TestInfo tests[] = {
    {"adam_equals_the_plain_loop", adam_equals_the_plain_loop},
    {"a_step_in_parts_is_the_same_step", a_step_in_parts_is_the_same_step},
    {"first_step_moves_every_weight_by_the_rate", first_step_moves_every_weight_by_the_rate},
    {"late_steps_have_no_bias_correction_left", late_steps_have_no_bias_correction_left},
    {"norm_equals_the_plain_sum", norm_equals_the_plain_sum},
    {"norm_survives_squares_beyond_float", norm_survives_squares_beyond_float},
    {"clipping_scales_long_gradients_only", clipping_scales_long_gradients_only},
    {"moving_average_equals_the_plain_loop", moving_average_equals_the_plain_loop},
    {"weights_do_not_depend_on_the_number_of_threads", weights_do_not_depend_on_the_number_of_threads},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("adam", tests)
