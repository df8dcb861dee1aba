/* The gradient of the whole chain against central differences of plain loops, and what a step does to
 * weights and running statistics. */
#include <omp.h>

#include "plain_network.h"
#include "small_autoencoder.h"

enum { PIXELS = 13, HIDDEN = 9, LATENT = 4, BATCH = 6 };

static esp_network *test_network(void)
{
    esp_network *net = small_autoencoder(PIXELS, HIDDEN, LATENT, 2);
    esp_rng rng = esp_rng_make(2, ESP_RNG_TEST, 0);
    for (int i = 0; i < net->num_tensors; i++) {
        const esp_layer *layer = &net->layer[net->tensor[i].layer];
        if (layer->kind != ESP_LAYER_BATCHNORM) continue;
        float *w = esp_network_weights(net, i);
        for (size_t k = 0; k < net->tensor[i].count; k++) w[k] += (float)(0.5 * esp_rng_uniform(&rng));
    }
    return net;
}

/* Input and target differ, so that neither is taken for the other. */
static void fill_batch(esp_autoencoder_updater *u, int pixels, int n)
{
    esp_rng rng = esp_rng_make(4, ESP_RNG_TEST, 1);
    for (int i = 0; i < pixels * n; i++) {
        u->input[i] = (float)esp_rng_uniform(&rng);
        u->target[i] = (float)esp_rng_uniform(&rng);
    }
}

/* Summed over pixels, averaged over images. */
static double plain_loss(const esp_autoencoder_updater *u, const double *weights, int n, bool training)
{
    const esp_network *net = u->net;
    int pixels = net->layer[0].in_size;
    double x[PIXELS * BATCH], loss = 0.0;
    for (int i = 0; i < n; i++)
        for (int p = 0; p < pixels; p++) x[i * pixels + p] = u->input[p * n + i];
    double *latent = plain_forward(net, 0, weights, x, n, training);
    double *y = plain_forward(net, 1, weights, latent, n, training);
    for (int i = 0; i < n; i++)
        for (int p = 0; p < pixels; p++) {
            double error = y[i * pixels + p] - (double)u->target[p * n + i];
            loss += error * error / n;
        }
    free(latent);
    free(y);
    return loss;
}

static void check_gradient(bool batch_statistics)
{
    const double h = 1e-5;
    esp_network *net = test_network();
    esp_autoencoder_updater *u = esp_autoencoder_updater_create(net, BATCH);
    esp_autoencoder_step step = {.n = BATCH, .batch_statistics = batch_statistics, .learning_rate = 0.0};
    double mse = 0.0, *weights = esp_alloc(net->num_weights, sizeof *weights);
    float *expected = esp_alloc(net->num_weights, sizeof *expected);
    fill_batch(u, PIXELS, BATCH);
    for (size_t i = 0; i < net->num_weights; i++) weights[i] = net->weights[i];
    double loss = plain_loss(u, weights, BATCH, batch_statistics);
    for (int t = 0; t < net->num_tensors; t++) {
        const esp_tensor *tensor = &net->tensor[t];
        for (size_t i = tensor->offset; tensor->trainable && i < tensor->offset + tensor->count; i++) {
            double kept = weights[i];
            weights[i] = kept + h;
            double above = plain_loss(u, weights, BATCH, batch_statistics);
            weights[i] = kept - h;
            expected[i] = (float)((above - plain_loss(u, weights, BATCH, batch_statistics)) / (2 * h));
            weights[i] = kept;
        }
    }
    CHECK_OK(esp_autoencoder_updater_step(u, &step, &mse));
    CU_ASSERT_DOUBLE_EQUAL(mse, loss / PIXELS, 1e-6); /* float32 */
    CHECK_CLOSE("gradient", net->num_weights, u->grads, expected, 2e-5, 2e-4); /* float32 sums over six layers */
    free(weights);
    free(expected);
    esp_autoencoder_updater_free(u);
    esp_network_free(net);
}

static void gradient_matches_central_difference_with_batch_statistics(void)
{
    check_gradient(true);
}

static void gradient_matches_central_difference_with_running_statistics(void)
{
    check_gradient(false);
}

/* The same statistics as the layers of nn, which keep PyTorch's unbiased variance. */
static void running_statistics_move_as_those_of_a_tape(void)
{
    esp_network *net = test_network(), *expected = esp_network_clone(net);
    esp_autoencoder_updater *u = esp_autoencoder_updater_create(net, BATCH);
    esp_tape *encoder = esp_tape_create(net, 0, BATCH), *decoder = esp_tape_create(net, 1, BATCH);
    esp_autoencoder_step step = {.n = BATCH, .batch_statistics = true, .learning_rate = 0.0};
    float x[BATCH * PIXELS];
    double mse;
    fill_batch(u, PIXELS, BATCH);
    for (int i = 0; i < BATCH; i++)
        for (int p = 0; p < PIXELS; p++) x[i * PIXELS + p] = u->input[p * BATCH + i];
    esp_tape_train(encoder, true);
    esp_tape_train(decoder, true);
    esp_forward(expected, decoder, esp_forward(expected, encoder, x, BATCH), BATCH);
    esp_tape_update_statistics(encoder, expected);
    esp_tape_update_statistics(decoder, expected);
    CHECK_OK(esp_autoencoder_updater_step(u, &step, &mse));
    CHECK_CLOSE("weights", net->num_weights, net->weights, expected->weights, 1e-6, 1e-5); /* float32 */
    esp_tape_free(encoder);
    esp_tape_free(decoder);
    esp_autoencoder_updater_free(u);
    esp_network_free(expected);
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
static void any_number_of_threads_gives_the_same_bits(void)
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

/* Off the input, as the contract of `input` asks. */
static void centre_input(esp_autoencoder_updater *u)
{
    for (int p = 0; p < PIXELS; p++)
        for (int i = 0; i < BATCH; i++) u->input[p * BATCH + i] -= u->centres[p];
}

/* The same function of the images in other coordinates: same error, and the plain weights come back. */
static void centred_inputs_change_the_gradient_only(void)
{
    esp_network *net = test_network(), *plain = esp_network_clone(net), *back = esp_network_clone(net);
    esp_autoencoder_updater *u = esp_autoencoder_updater_create(net, BATCH);
    esp_autoencoder_step step = {.n = BATCH, .batch_statistics = false, .learning_rate = 0.0};
    double mse, centred;
    fill_batch(u, PIXELS, BATCH);
    CHECK_OK(esp_autoencoder_updater_step(u, &step, &mse));
    fill_batch(u, PIXELS, BATCH);
    esp_autoencoder_updater_centre(u, BATCH);
    centre_input(u);
    CHECK_OK(esp_autoencoder_updater_step(u, &step, &centred));
    CU_ASSERT_DOUBLE_EQUAL(centred, mse, 1e-6); /* float32 */
    CU_ASSERT(net->weights[net->tensor[net->layer[0].bias].offset] != plain->weights[PIXELS * HIDDEN]);
    esp_autoencoder_updater_export(u, net->weights, back->weights);
    CHECK_CLOSE("weights", net->num_weights, back->weights, plain->weights, 1e-6, 1e-6);
    esp_autoencoder_updater_free(u);
    esp_network_free(back);
    esp_network_free(plain);
    esp_network_free(net);
}

/* In plain coordinates d loss / dW = sum dz x, in centred ones sum dz (x - centre). */
static void a_centred_gradient_lacks_the_centres_share(void)
{
    esp_network *net = test_network();
    esp_autoencoder_updater *u = esp_autoencoder_updater_create(net, BATCH);
    esp_autoencoder_step step = {.n = BATCH, .batch_statistics = false, .learning_rate = 0.0};
    const esp_layer *last = &net->layer[net->num_layers - 1];
    size_t weight = net->tensor[last->weight].offset, bias = net->tensor[last->bias].offset;
    float expected[PIXELS * HIDDEN];
    double mse;
    fill_batch(u, PIXELS, BATCH);
    CHECK_OK(esp_autoencoder_updater_step(u, &step, &mse));
    memcpy(expected, u->grads + weight, sizeof expected);
    esp_autoencoder_updater_centre(u, BATCH);
    const float *centre = u->centres + u->num_centres - HIDDEN;
    for (int j = 0; j < PIXELS; j++)
        for (int k = 0; k < HIDDEN; k++) expected[j * HIDDEN + k] -= u->grads[bias + (size_t)j] * centre[k];
    centre_input(u);
    CHECK_OK(esp_autoencoder_updater_step(u, &step, &mse));
    CHECK_CLOSE("gradient", PIXELS * HIDDEN, u->grads + weight, expected, 1e-5, 1e-4); /* float32 */
    esp_autoencoder_updater_free(u);
    esp_network_free(net);
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
    {"gradient_matches_central_difference_with_batch_statistics",
     gradient_matches_central_difference_with_batch_statistics},
    {"gradient_matches_central_difference_with_running_statistics",
     gradient_matches_central_difference_with_running_statistics},
    {"running_statistics_move_as_those_of_a_tape", running_statistics_move_as_those_of_a_tape},
    {"a_step_is_adam_on_the_gradient", a_step_is_adam_on_the_gradient},
    {"any_number_of_threads_gives_the_same_bits", any_number_of_threads_gives_the_same_bits},
    {"centred_inputs_change_the_gradient_only", centred_inputs_change_the_gradient_only},
    {"a_centred_gradient_lacks_the_centres_share", a_centred_gradient_lacks_the_centres_share},
    {"weights_that_overflow_are_reported", weights_that_overflow_are_reported},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("autoencoder_update", tests)
