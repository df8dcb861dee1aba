/* A pass of all threads over one batch: its gradient against central differences of plain loops, the running
 * statistics that it moves, and the centres that it subtracts from its inputs. */
#include <omp.h>

#include "plain_network.h"
#include "small_autoencoder.h"

enum { PIXELS = 13, HIDDEN = 9, LATENT = 4, BATCH = 6 };

/* The loss is the sum of direction * y: its gradient is the direction. */
typedef struct {
    esp_network   *net;
    esp_team_tape *tape;
    int    out, n;
    float *x;                   /* [in, n] */
    float *direction, *y;       /* [out, n] */
    float *grads;               /* [num_weights] */
} probe;

static esp_network *test_network(void)
{
    return shaken_autoencoder(PIXELS, HIDDEN, LATENT, 2);
}

static probe probe_make(esp_network *net, int n)
{
    int in = net->layer[0].in_size, out = net->layer[net->num_layers - 1].out_size;
    size_t values = (size_t)(out * n);
    probe p = {.net = net, .tape = esp_team_tape_create(net, n + 2), .out = out, .n = n,
               .x = esp_alloc((size_t)(in * n), sizeof(float)), .direction = esp_alloc(values, sizeof(float)),
               .y = esp_alloc(values, sizeof(float)), .grads = esp_alloc(net->num_weights, sizeof(float))};
    esp_rng rng = esp_rng_make(4, ESP_RNG_TEST, 1);
    for (int i = 0; i < in * n; i++) p.x[i] = (float)esp_rng_uniform(&rng);
    esp_rng_normal(&rng, p.direction, values);
    return p;
}

static void probe_free(probe *p)
{
    esp_team_tape_free(p->tape);
    free(p->x);
    free(p->direction);
    free(p->y);
    free(p->grads);
    esp_network_free(p->net);
}

static void record(void *context, int first, int count, int n, const float *y, float *dy)
{
    const probe *p = context;
    size_t at = (size_t)(first * n), size = (size_t)(count * n) * sizeof(float);
    memcpy(p->y + at, y, size);
    memcpy(dy, p->direction + at, size);
}

static void probe_pass(probe *p, bool batch_statistics)
{
    esp_team_gradient(p->tape, p->x, p->n, batch_statistics, record, p, p->grads);
}

static double plain_loss(const probe *p, const double *weights, bool batch_statistics)
{
    double x[PIXELS * BATCH], loss = 0.0;
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < PIXELS; k++) x[i * PIXELS + k] = p->x[k * p->n + i];
    double *latent = plain_forward(p->net, 0, weights, x, p->n, batch_statistics);
    double *y = plain_forward(p->net, 1, weights, latent, p->n, batch_statistics);
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < p->out; k++) loss += (double)p->direction[k * p->n + i] * y[i * p->out + k];
    free(latent);
    free(y);
    return loss;
}

/* For trainable weights; the others have no gradient. */
static float *central_differences(const probe *p, double *weights, bool batch_statistics)
{
    const double h = 1e-5;
    float *slopes = esp_alloc(p->net->num_weights, sizeof *slopes);
    for (int t = 0; t < p->net->num_tensors; t++) {
        const esp_tensor *tensor = &p->net->tensor[t];
        for (size_t i = tensor->offset; tensor->trainable && i < tensor->offset + tensor->count; i++) {
            double kept = weights[i];
            weights[i] = kept + h;
            double above = plain_loss(p, weights, batch_statistics);
            weights[i] = kept - h;
            slopes[i] = (float)((above - plain_loss(p, weights, batch_statistics)) / (2 * h));
            weights[i] = kept;
        }
    }
    return slopes;
}

static void check_gradient(bool batch_statistics)
{
    probe p = probe_make(test_network(), BATCH);
    double *weights = esp_alloc(p.net->num_weights, sizeof *weights), loss = 0.0;
    for (size_t i = 0; i < p.net->num_weights; i++) weights[i] = p.net->weights[i];
    double expected = plain_loss(&p, weights, batch_statistics);
    float *slopes = central_differences(&p, weights, batch_statistics);
    probe_pass(&p, batch_statistics);
    for (int i = 0; i < p.out * p.n; i++) loss += (double)p.direction[i] * p.y[i];
    CU_ASSERT_DOUBLE_EQUAL(loss, expected, 1e-4); /* float32 */
    CHECK_CLOSE("gradient", p.net->num_weights, p.grads, slopes, 2e-5, 2e-4); /* float32 sums over six layers */
    free(weights);
    free(slopes);
    probe_free(&p);
}

static void gradient_matches_central_difference_with_batch_statistics(void)
{
    check_gradient(true);
}

static void gradient_matches_central_difference_with_running_statistics(void)
{
    check_gradient(false);
}

/* The same as two tapes of one thread, whose BatchNorm has running statistics only. */
static void running_statistics_give_the_gradient_of_tapes(void)
{
    probe p = probe_make(test_network(), BATCH);
    const esp_network *net = p.net;
    float x[BATCH * PIXELS], dy[BATCH * PIXELS], dz[BATCH * LATENT],
        *grads = esp_alloc(net->num_weights, sizeof *grads);
    for (int i = 0; i < BATCH; i++)
        for (int k = 0; k < PIXELS; k++) {
            x[i * PIXELS + k] = p.x[k * BATCH + i];
            dy[i * PIXELS + k] = p.direction[k * BATCH + i];
        }
    esp_tape *encoder = esp_tape_create(net, 0, BATCH), *decoder = esp_tape_create(net, 1, BATCH);
    esp_forward(net, decoder, esp_forward(net, encoder, x, BATCH), BATCH);
    esp_backward(net, decoder, dy, grads, dz);
    esp_backward(net, encoder, dz, grads, NULL);
    probe_pass(&p, false);
    CHECK_CLOSE("gradient", net->num_weights, p.grads, grads, 1e-5, 1e-4); /* float32, other order of sums */
    esp_tape_free(encoder);
    esp_tape_free(decoder);
    free(grads);
    probe_free(&p);
}

/* Mean and, as PyTorch keeps it, unbiased variance over the batch, of the first layer's units. */
static void running_statistics_move_a_tenth_towards_the_batch(void)
{
    probe p = probe_make(test_network(), BATCH);
    esp_network *before = esp_network_clone(p.net);
    const esp_layer *dense = &p.net->layer[0], *norm = dense + 1;
    const float *w = esp_network_weights(before, dense->weight), *bias = esp_network_weights(before, dense->bias);
    probe_pass(&p, true);
    for (int j = 0; j < HIDDEN; j++) {
        double z[BATCH], mean = 0.0, var = 0.0;
        for (int i = 0; i < BATCH; i++) {
            z[i] = bias[j];
            for (int k = 0; k < PIXELS; k++) z[i] += (double)w[j * PIXELS + k] * p.x[k * BATCH + i];
            mean += z[i] / BATCH;
        }
        for (int i = 0; i < BATCH; i++) var += (z[i] - mean) * (z[i] - mean) / (BATCH - 1);
        double old_mean = esp_network_weights(before, norm->mean)[j],
               old_var = esp_network_weights(before, norm->var)[j];
        CU_ASSERT_DOUBLE_EQUAL(esp_network_weights(p.net, norm->mean)[j], 0.9 * old_mean + 0.1 * mean, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(esp_network_weights(p.net, norm->var)[j], 0.9 * old_var + 0.1 * var, 1e-6);
    }
    esp_network_free(before);
    probe_free(&p);
}

static void a_pass_with_running_statistics_changes_no_weight(void)
{
    probe p = probe_make(test_network(), BATCH);
    esp_network *before = esp_network_clone(p.net);
    probe_pass(&p, false);
    CU_ASSERT_EQUAL(memcmp(p.net->weights, before->weights, p.net->num_weights * sizeof(float)), 0);
    esp_network_free(before);
    probe_free(&p);
}

/* ---- centres ---- */

static void centre_input(probe *p)
{
    size_t count = 0;
    const float *centres = esp_team_tape_centres(p->tape, &count);
    CU_ASSERT_EQUAL(count, PIXELS + HIDDEN + LATENT + HIDDEN);
    for (int k = 0; k < PIXELS; k++)
        for (int i = 0; i < p->n; i++) p->x[k * p->n + i] -= centres[k];
}

/* The same function of the batch in other coordinates: equal outputs, and the plain weights come back. */
static void centred_inputs_change_the_gradient_only(void)
{
    probe p = probe_make(test_network(), BATCH);
    esp_network *plain = esp_network_clone(p.net), *back = esp_network_clone(p.net);
    float y[PIXELS * BATCH];
    probe_pass(&p, false);
    memcpy(y, p.y, sizeof y);
    esp_team_tape_centre(p.tape, p.x, BATCH);
    centre_input(&p);
    probe_pass(&p, false);
    CHECK_CLOSE("y", PIXELS * BATCH, p.y, y, 1e-6, 1e-6); /* float32 */
    CU_ASSERT(p.net->weights[PIXELS * HIDDEN] != plain->weights[PIXELS * HIDDEN]); /* the first bias */
    esp_team_tape_plain(p.tape, p.net->weights, back->weights);
    CHECK_CLOSE("weights", p.net->num_weights, back->weights, plain->weights, 1e-6, 1e-6);
    esp_network_free(back);
    esp_network_free(plain);
    probe_free(&p);
}

/* In plain coordinates d loss / dW = sum dz x, in centred ones sum dz (x - centre). */
static void a_centred_gradient_lacks_the_centres_share(void)
{
    probe p = probe_make(test_network(), BATCH);
    const esp_layer *last = &p.net->layer[p.net->num_layers - 1];
    size_t weight = p.net->tensor[last->weight].offset, bias = p.net->tensor[last->bias].offset, count = 0;
    float expected[PIXELS * HIDDEN];
    probe_pass(&p, false);
    memcpy(expected, p.grads + weight, sizeof expected);
    esp_team_tape_centre(p.tape, p.x, BATCH);
    const float *centre = esp_team_tape_centres(p.tape, &count) + count - HIDDEN;
    for (int j = 0; j < PIXELS; j++)
        for (int k = 0; k < HIDDEN; k++) expected[j * HIDDEN + k] -= p.grads[bias + (size_t)j] * centre[k];
    centre_input(&p);
    probe_pass(&p, false);
    CHECK_CLOSE("gradient", PIXELS * HIDDEN, p.grads + weight, expected, 1e-5, 1e-4); /* float32 */
    probe_free(&p);
}

/* ---- threads ---- */

/* Layers of several stripes, the last one ragged. */
static void result_is_bit_identical_for_any_number_of_threads(void)
{
    enum { WIDE = 300, MANY = 40 };
    float *grads[3];
    size_t count = 0;
    for (int threads = 1; threads <= 3; threads++) {
        probe p = probe_make(small_autoencoder(WIDE, WIDE - 7, LATENT, 5), MANY);
        omp_set_num_threads(threads);
        probe_pass(&p, true);
        count = p.net->num_weights;
        grads[threads - 1] = p.grads;
        p.grads = NULL;
        probe_free(&p);
    }
    for (int i = 1; i < 3; i++) CU_ASSERT_EQUAL(memcmp(grads[0], grads[i], count * sizeof(float)), 0);
    for (int i = 0; i < 3; i++) free(grads[i]);
    omp_set_num_threads(omp_get_num_procs());
}

static CU_TestInfo tests[] = {
    {"gradient matches central difference with batch statistics",
     gradient_matches_central_difference_with_batch_statistics},
    {"gradient matches central difference with running statistics",
     gradient_matches_central_difference_with_running_statistics},
    {"running statistics give the gradient of tapes", running_statistics_give_the_gradient_of_tapes},
    {"running statistics move a tenth towards the batch", running_statistics_move_a_tenth_towards_the_batch},
    {"a pass with running statistics changes no weight", a_pass_with_running_statistics_changes_no_weight},
    {"centred inputs change the gradient only", centred_inputs_change_the_gradient_only},
    {"a centred gradient lacks the centres' share", a_centred_gradient_lacks_the_centres_share},
    {"result is bit-identical for any number of threads", result_is_bit_identical_for_any_number_of_threads},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("team_tape", tests)
