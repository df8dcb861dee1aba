/* The error of a batch, its gradient, and the effect of a step on the weights. */
#include <omp.h>

#include "small_autoencoder.h"

enum { PIXELS = 13, HIDDEN = 9, LATENT = 4, BATCH = 6 };

static esp_network *test_network(void)
{
    return shaken_autoencoder(PIXELS, HIDDEN, LATENT, 2);
}

/* Input and target differ, so that mixing them up would show. */
static void fill_batch(esp_autoencoder_updater *u, int pixels, int n)
{
    esp_rng rng = esp_rng_make(4, ESP_RNG_TEST, 1);
    for (int i = 0; i < pixels * n; i++) {
        u->input[i] = (float)esp_rng_uniform(&rng);
        u->target[i] = (float)esp_rng_uniform(&rng);
    }
}

/* Compares with the reconstruction of a plain tape, per pixel and image; the gradient is twice the
 * difference, per image. */
static void error_and_gradient_are_those_of_the_batch(void)
{
    esp_network *net = test_network();
    esp_autoencoder_updater *u = esp_autoencoder_updater_create(net, BATCH);
    esp_tape *encoder = esp_tape_create(net, 0, BATCH), *decoder = esp_tape_create(net, 1, BATCH);
    esp_autoencoder_step step = {.n = BATCH, .batch_statistics = false, .learning_rate = 0.0};
    float x[BATCH * PIXELS], dy[BATCH * PIXELS], dz[BATCH * LATENT],
        *grads = esp_alloc(net->num_weights, sizeof *grads);
    double mse, expected = 0.0;
    fill_batch(u, PIXELS, BATCH);
    for (int i = 0; i < BATCH; i++)
        for (int p = 0; p < PIXELS; p++) x[i * PIXELS + p] = u->input[p * BATCH + i];
    const float *y = esp_forward(net, decoder, esp_forward(net, encoder, x, BATCH), BATCH);
    for (int i = 0; i < BATCH; i++)
        for (int p = 0; p < PIXELS; p++) {
            double difference = (double)y[i * PIXELS + p] - u->target[p * BATCH + i];
            expected += difference * difference / (BATCH * PIXELS);
            dy[i * PIXELS + p] = (float)(2.0 * difference / BATCH);
        }
    esp_backward(net, decoder, dy, grads, dz);
    esp_backward(net, encoder, dz, grads, NULL);
    CHECK_OK(esp_autoencoder_updater_step(u, &step, &mse));
    CU_ASSERT_DOUBLE_EQUAL(mse, expected, 1e-6); /* float32 */
    CHECK_CLOSE("gradient", net->num_weights, u->grads, grads, 1e-5, 1e-4); /* float32, other order of sums */
    esp_tape_free(encoder);
    esp_tape_free(decoder);
    esp_autoencoder_updater_free(u);
    free(grads);
    esp_network_free(net);
}

/* The gradient is that of the tests above; Adam is that of nn. */
static void a_step_is_adam_on_the_gradient(void)
{
    esp_network *net = test_network(), *expected = esp_network_clone(net);
    esp_autoencoder_updater *u = esp_autoencoder_updater_create(net, BATCH);
    esp_autoencoder_step step = {.n = BATCH, .batch_statistics = false, .learning_rate = 1e-2};
    esp_adam adam;
    double mse;
    esp_adam_init(&adam, net->num_weights);
    fill_batch(u, PIXELS, BATCH);
    for (int k = 0; k < 3; k++) {
        CHECK_OK(esp_autoencoder_updater_step(u, &step, &mse));
        esp_adam_step(&adam, 1e-2f, 1.0f, u->grads, expected->weights);
    }
    CU_ASSERT_EQUAL(memcmp(net->weights, expected->weights, net->num_weights * sizeof(float)), 0);
    esp_adam_free(&adam);
    esp_autoencoder_updater_free(u);
    esp_network_free(expected);
    esp_network_free(net);
}

/* Hidden layers of several stripes, the last one ragged. */
static void result_is_bit_identical_for_any_number_of_threads(void)
{
    enum { WIDE = 300, MANY = 40 };
    float *weights[3];
    size_t count = 0;
    for (int threads = 1; threads <= 3; threads++) {
        esp_network *net = small_autoencoder(WIDE, WIDE - 7, LATENT, 5);
        esp_autoencoder_updater *u = esp_autoencoder_updater_create(net, MANY);
        esp_autoencoder_step step = {.n = MANY, .batch_statistics = true, .learning_rate = 1e-3};
        double mse;
        omp_set_num_threads(threads);
        fill_batch(u, WIDE, MANY);
        for (int k = 0; k < 4; k++) CHECK_OK(esp_autoencoder_updater_step(u, &step, &mse));
        count = net->num_weights;
        weights[threads - 1] = net->weights;
        net->weights = NULL;
        esp_autoencoder_updater_free(u);
        esp_network_free(net);
    }
    for (int i = 1; i < 3; i++) CU_ASSERT_EQUAL(memcmp(weights[0], weights[i], count * sizeof(float)), 0);
    for (int i = 0; i < 3; i++) free(weights[i]);
    omp_set_num_threads(omp_get_num_procs());
}

static void weights_that_overflow_are_reported(void)
{
    esp_network *net = test_network();
    esp_autoencoder_updater *u = esp_autoencoder_updater_create(net, BATCH);
    esp_autoencoder_step step = {.n = BATCH, .batch_statistics = true, .learning_rate = 0.0};
    double mse;
    fill_batch(u, PIXELS, BATCH);
    net->weights[0] = INFINITY;
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_autoencoder_updater_step(u, &step, &mse), "train.learning_rate");
    esp_autoencoder_updater_free(u);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"error_and_gradient_are_those_of_the_batch", error_and_gradient_are_those_of_the_batch},
    {"a_step_is_adam_on_the_gradient", a_step_is_adam_on_the_gradient},
    {"result_is_bit_identical_for_any_number_of_threads", result_is_bit_identical_for_any_number_of_threads},
    {"weights_that_overflow_are_reported", weights_that_overflow_are_reported},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("autoencoder_update", tests)
