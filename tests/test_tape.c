/* Every layer: forward against plain loops, and backward against their central differences. */
#include "plain_network.h"

/* Sums of up to 450 float32 products of values near 1. */
#define FORWARD_TOLERANCE 2e-5
/* The differences come from loops in double (h = 1e-5: error 1e-9), so what remains is float32
 * again. */
#define BACKWARD_TOLERANCE 1e-4

static esp_rng test_rng(uint64_t index)
{
    return esp_rng_make(5, ESP_RNG_TEST, index);
}

static bool reads_image(const esp_network *net)
{
    return net->layer[net->component[0].first_layer].kind == ESP_LAYER_IMAGE;
}

static void fill_weights(esp_network *net)
{
    esp_rng rng = test_rng(1);
    esp_rng_normal(&rng, net->weights, net->num_weights);
    for (int i = 0; i < net->num_tensors; i++) {
        float *w = esp_network_weights(net, i);
        for (size_t k = 0; k < net->tensor[i].count; k++) {
            w[k] *= 0.5f;
            if (net->layer[net->tensor[i].layer].var == i) w[k] = fabsf(w[k]) + 0.5f;
        }
    }
}

/* One forward pass of the only component, with everything that a backward pass may need. */
typedef struct {
    const esp_network *net;
    esp_tape *tape;
    int    n;
    size_t in, out, weights;         /* sizes of the batch's input and output, and number of weights */
    double *x;
    void   *input;                   /* x as the network wants it: float or uint8 */
    float  *direction;               /* the loss is the sum of direction * y */
    float  *y;
} probe;

static probe probe_make(const esp_network *net, int n)
{
    const esp_component *part = &net->component[0];
    probe p = {.net = net, .n = n, .in = (size_t)n * (size_t)part->in_size, .out = (size_t)n * (size_t)part->out_size,
               .weights = net->num_weights};
    float *values = esp_alloc(p.in, sizeof *values);
    uint8_t *pixels = esp_alloc(p.in, 1);
    esp_rng rng = test_rng(2);
    esp_rng_normal(&rng, values, p.in);
    p.x = esp_alloc(p.in, sizeof *p.x);
    for (size_t i = 0; i < p.in; i++) {
        pixels[i] = (uint8_t)esp_rng_below(&rng, 256);
        p.x[i] = reads_image(net) ? (double)pixels[i] : (double)values[i];
    }
    p.input = reads_image(net) ? (void *)pixels : values;
    free(reads_image(net) ? (void *)values : pixels);
    p.direction = esp_alloc(p.out, sizeof *p.direction);
    p.y = esp_alloc(p.out, sizeof *p.y);
    esp_rng_normal(&rng, p.direction, p.out);
    p.tape = esp_tape_create(net, 0, n + 2); /* more capacity than the batch needs, as when a batch is not full */
    memcpy(p.y, esp_forward(net, p.tape, p.input, n), p.out * sizeof *p.y);
    return p;
}

static void probe_free(probe *p)
{
    esp_tape_free(p->tape);
    free(p->x);
    free(p->input);
    free(p->direction);
    free(p->y);
}

static void probe_backward(probe *p, float *grads, float *dx)
{
    float *dy = esp_alloc(p->out, sizeof *dy);
    memcpy(dy, p->direction, p->out * sizeof *dy);
    esp_backward(p->net, p->tape, dy, grads, dx);
    free(dy);
}

static double plain_loss(const probe *p, const double *weights)
{
    double *y = plain_forward(p->net, 0, weights, p->x, p->n, false), loss = 0.0;
    for (size_t i = 0; i < p->out; i++) loss += (double)p->direction[i] * y[i];
    free(y);
    return loss;
}

/* d loss / d values[i] for every i; values are the weights themselves or the input. */
static float *central_differences(const probe *p, const double *weights, double *values, size_t count)
{
    const double h = 1e-5;
    float *slopes = esp_alloc(count, sizeof *slopes);
    for (size_t i = 0; i < count; i++) {
        double kept = values[i];
        values[i] = kept + h;
        double above = plain_loss(p, weights);
        values[i] = kept - h;
        double below = plain_loss(p, weights);
        values[i] = kept;
        slopes[i] = (float)((above - below) / (2 * h));
    }
    return slopes;
}

static double *weights_in_double(const esp_network *net)
{
    double *weights = esp_alloc(net->num_weights, sizeof *weights);
    for (size_t i = 0; i < net->num_weights; i++) weights[i] = (double)net->weights[i];
    return weights;
}

static void check_forward(const probe *p, const double *weights)
{
    double *expected = plain_forward(p->net, 0, weights, p->x, p->n, false);
    for (size_t i = 0; i < p->out; i++) {
        float value = (float)expected[i];
        CHECK_CLOSE("y", 1, &p->y[i], &value, FORWARD_TOLERANCE, FORWARD_TOLERANCE);
    }
    free(expected);
}

static void check_backward(probe *p, double *weights)
{
    float *grads = esp_alloc(p->weights, sizeof *grads);
    float *dx = reads_image(p->net) ? NULL : esp_alloc(p->in, sizeof *dx);
    probe_backward(p, grads, dx);

    float *slopes = central_differences(p, weights, weights, p->weights);
    for (int i = 0; i < p->net->num_tensors; i++) {
        const esp_tensor *tensor = &p->net->tensor[i];
        if (!tensor->trainable) memset(slopes + tensor->offset, 0, tensor->count * sizeof *slopes);
        CHECK_CLOSE(tensor->name, tensor->count, grads + tensor->offset, slopes + tensor->offset, BACKWARD_TOLERANCE,
                    BACKWARD_TOLERANCE);
    }
    free(slopes);
    if (dx) {
        slopes = central_differences(p, weights, p->x, p->in);
        CHECK_CLOSE("dx", p->in, dx, slopes, BACKWARD_TOLERANCE, BACKWARD_TOLERANCE);
        free(slopes);
    }
    free(dx);
    free(grads);
}

static void check_network(esp_network *net, int n)
{
    CHECK_OK(esp_network_finish(net));
    fill_weights(net);
    double *weights = weights_in_double(net);
    probe p = probe_make(net, n);
    check_forward(&p, weights);
    check_backward(&p, weights);
    probe_free(&p);
    free(weights);
    esp_network_free(net);
}

/* ---- networks ---- */

static const esp_act activations[] = {ESP_ACT_NONE, ESP_ACT_RELU, ESP_ACT_ELU, ESP_ACT_TANH, ESP_ACT_SIGMOID};
#define ACTIVATIONS (int)(sizeof activations / sizeof *activations)

static esp_network *make_dense(esp_act act)
{
    esp_network *net = esp_network_new();
    int in = esp_network_axis(net, "in", 5, false), out = esp_network_axis(net, "out", 4, true);
    esp_network_component(net, "dense");
    esp_network_dense(net, "dense", esp_dim_of(in), esp_dim_of(out), act);
    return net;
}

static esp_network *make_norm(esp_layer_kind kind, esp_act act)
{
    esp_network *net = esp_network_new();
    int axis = esp_network_axis(net, "units", 7, true);
    esp_network_component(net, "norm");
    esp_network_norm(net, kind, "norm", axis, act);
    return net;
}

static esp_network *make_encoder(int channels, int rows, int kernels, int first_kernel, int stride)
{
    esp_network *net = esp_network_new();
    int in = esp_network_axis(net, "channels", channels, false), latent = esp_network_axis(net, "latent", 5, true);
    int first = esp_network_axis(net, "first", kernels, true), second = esp_network_axis(net, "second", 4, true);
    esp_network_component(net, "encoder");
    esp_network_image(net, in, rows);
    esp_network_conv2d(net, "encoder.1", in, first, first_kernel, stride, ESP_ACT_RELU);
    esp_network_conv2d(net, "encoder.3", first, second, 2, 1, ESP_ACT_ELU);
    esp_network_flatten(net);
    esp_network_dense(net, "encoder.6", esp_dim_of(second), esp_dim_of(latent), ESP_ACT_NONE);
    return net;
}

/* The kinds of layers in a value network, after a concatenated input. */
static esp_network *make_value(void)
{
    esp_network *net = esp_network_new();
    int latent = esp_network_axis(net, "latent", 4, true), action = esp_network_axis(net, "action", 2, false);
    int first = esp_network_axis(net, "first", 6, true), second = esp_network_axis(net, "second", 5, true);
    int scalar = esp_network_axis(net, "scalar", 1, false);
    esp_network_component(net, "value");
    esp_network_dense(net, "value.0", esp_dim_concat(latent, action), esp_dim_of(first), ESP_ACT_NONE);
    esp_network_norm(net, ESP_LAYER_LAYERNORM, "value.1", first, ESP_ACT_TANH);
    esp_network_dense(net, "value.3", esp_dim_of(first), esp_dim_of(second), ESP_ACT_ELU);
    esp_network_dense(net, "value.5", esp_dim_of(second), esp_dim_of(scalar), ESP_ACT_NONE);
    return net;
}

/* The kinds of layers in the autoencoder. */
static esp_network *make_autoencoder(void)
{
    esp_network *net = esp_network_new();
    int pixels = esp_network_axis(net, "pixels", 6, false), hidden = esp_network_axis(net, "hidden", 4, true);
    esp_network_component(net, "autoencoder");
    esp_network_dense(net, "encoder.0", esp_dim_of(pixels), esp_dim_of(hidden), ESP_ACT_NONE);
    esp_network_norm(net, ESP_LAYER_BATCHNORM, "encoder.1", hidden, ESP_ACT_RELU);
    esp_network_dense(net, "decoder.0", esp_dim_of(hidden), esp_dim_of(pixels), ESP_ACT_SIGMOID);
    return net;
}

/* ---- claims ---- */

static void dense_matches_plain_loops_with_every_activation(void)
{
    for (int i = 0; i < ACTIVATIONS; i++) check_network(make_dense(activations[i]), 3);
}

static void layernorm_matches_plain_loops_with_every_activation(void)
{
    for (int i = 0; i < ACTIVATIONS; i++) check_network(make_norm(ESP_LAYER_LAYERNORM, activations[i]), 3);
}

static void batchnorm_matches_plain_loops_with_every_activation(void)
{
    for (int i = 0; i < ACTIVATIONS; i++) check_network(make_norm(ESP_LAYER_BATCHNORM, activations[i]), 3);
}

static void convolutions_match_plain_loops(void)
{
    check_network(make_encoder(2, 8, 3, 3, 2), 3);
    check_network(make_encoder(3, 6, 1, 3, 1), 2); /* one kernel, as after a hard cut */
    check_network(make_encoder(1, 5, 2, 3, 2), 1); /* the last convolution leaves one pixel */
}

static void deep_networks_match_plain_loops(void)
{
    check_network(make_value(), 5);
    check_network(make_autoencoder(), 6);
    check_network(make_autoencoder(), 2);
}

static void gradients_accumulate(void)
{
    esp_network *net = make_value();
    CHECK_OK(esp_network_finish(net));
    fill_weights(net);
    probe p = probe_make(net, 4);
    float *once = esp_alloc(p.weights, sizeof *once), *more = esp_alloc(p.weights, sizeof *more);
    for (size_t i = 0; i < p.weights; i++) more[i] = 1.0f;
    probe_backward(&p, once, NULL);
    probe_backward(&p, more, NULL);
    probe_backward(&p, more, NULL);
    for (size_t i = 0; i < p.weights; i++) once[i] = 1.0f + 2.0f * once[i];
    CHECK_CLOSE("grads", p.weights, more, once, 1e-5, 1e-5); /* float32 rounding of the additions */
    free(once);
    free(more);
    probe_free(&p);
    esp_network_free(net);
}

/* What a watcher sees, multiplied by the activation's derivative and summed over the batch, per
 * layer. */
typedef struct {
    const esp_network *net;
    const esp_tape    *tape;
    int    n, next;              /* the layer expected next */
    float *bias[ESP_MAX_LAYERS]; /* [units] */
} bias_watch;

static void watch_bias(void *context, int i, const float *dy)
{
    bias_watch *watch = context;
    const esp_layer *layer = &watch->net->layer[i];
    CU_ASSERT_EQUAL(i, watch->next);
    watch->next = i - 1;
    if (layer->bias < 0) return;
    size_t units = watch->net->tensor[layer->bias].count, count = (size_t)watch->n * (size_t)layer->out_size;
    float *before = esp_alloc(count, sizeof *before);
    memcpy(before, dy, count * sizeof *before);
    esp_act_backward(layer->act, count, esp_tape_output(watch->tape, i), before);
    for (size_t k = 0; k < count; k++) watch->bias[i][k % units] += before[k];
    free(before);
}

/* The sum over the batch of a pre-activation's gradient is the gradient of its bias. */
static void check_watch(esp_network *net)
{
    enum { N = 6 };
    CHECK_OK(esp_network_finish(net));
    fill_weights(net);
    probe p = probe_make(net, N);
    float *grads = esp_alloc(p.weights, sizeof *grads);
    bias_watch watch = {net, p.tape, N, net->num_layers - 1, {NULL}};
    for (int i = 0; i < net->num_layers; i++) watch.bias[i] = esp_alloc((size_t)net->layer[i].out_size, sizeof(float));
    esp_tape_watch(p.tape, watch_bias, &watch);
    probe_backward(&p, grads, NULL);
    CU_ASSERT_EQUAL(watch.next, reads_image(net) ? 0 : -1);
    for (int i = 0; i < net->num_layers; i++) {
        const esp_tensor *bias = net->layer[i].bias < 0 ? NULL : &net->tensor[net->layer[i].bias];
        if (bias)
            CHECK_CLOSE("bias", bias->count, watch.bias[i], grads + bias->offset, BACKWARD_TOLERANCE,
                        BACKWARD_TOLERANCE);
        free(watch.bias[i]);
    }
    esp_tape_watch(p.tape, NULL, NULL);
    watch.next = 99; /* from here on a call of the watcher would fail */
    probe_backward(&p, grads, NULL);
    CU_ASSERT_EQUAL(watch.next, 99);
    free(grads);
    probe_free(&p);
    esp_network_free(net);
}

static void watched_gradients_are_those_of_the_layers_outputs(void)
{
    check_watch(make_value());
    check_watch(make_autoencoder());
    check_watch(make_encoder(2, 8, 3, 3, 2));
}

static void unwanted_gradients_change_nothing_else(void)
{
    esp_network *net = make_value();
    CHECK_OK(esp_network_finish(net));
    fill_weights(net);
    probe p = probe_make(net, 4);
    float *grads = esp_alloc(p.weights, sizeof *grads), *dx = esp_alloc(p.in, sizeof *dx);
    float *grads_alone = esp_alloc(p.weights, sizeof *grads), *dx_alone = esp_alloc(p.in, sizeof *dx);
    probe_backward(&p, grads, dx);
    probe_backward(&p, grads_alone, NULL);
    probe_backward(&p, NULL, dx_alone);
    probe_backward(&p, NULL, NULL);
    CU_ASSERT_EQUAL(memcmp(grads, grads_alone, p.weights * sizeof *grads), 0);
    CU_ASSERT_EQUAL(memcmp(dx, dx_alone, p.in * sizeof *dx), 0);
    free(grads);
    free(dx);
    free(grads_alone);
    free(dx_alone);
    probe_free(&p);
    esp_network_free(net);
}

static void unwanted_image_gradients_may_be_null(void)
{
    esp_network *net = make_encoder(2, 8, 3, 3, 2);
    CHECK_OK(esp_network_finish(net));
    fill_weights(net);
    probe p = probe_make(net, 2);
    probe_backward(&p, NULL, NULL);
    probe_free(&p);
    esp_network_free(net);
}

/* Sample by sample through a separate tape: outputs, and the sum of the weight gradients. */
static void check_batch_equals_samples(esp_network *net, int n)
{
    CHECK_OK(esp_network_finish(net));
    fill_weights(net);
    probe p = probe_make(net, n);
    float *batch = esp_alloc(p.weights, sizeof *batch), *samples = esp_alloc(p.weights, sizeof *samples);
    probe_backward(&p, batch, NULL);

    size_t in = p.in / (size_t)n, out = p.out / (size_t)n, element = reads_image(net) ? 1 : sizeof(float);
    esp_tape *tape = esp_tape_create(net, 0, 1);
    for (int i = 0; i < n; i++) {
        const float *y = esp_forward(net, tape, (const char *)p.input + (size_t)i * in * element, 1);
        CHECK_CLOSE("y", out, y, p.y + (size_t)i * out, FORWARD_TOLERANCE, FORWARD_TOLERANCE);
        esp_backward(net, tape, p.direction + (size_t)i * out, samples, NULL);
    }
    CHECK_CLOSE("grads", p.weights, batch, samples, BACKWARD_TOLERANCE, BACKWARD_TOLERANCE);
    esp_tape_free(tape);
    free(batch);
    free(samples);
    probe_free(&p);
    esp_network_free(net);
}

static void batch_equals_its_samples_one_by_one(void)
{
    check_batch_equals_samples(make_value(), 9);
    check_batch_equals_samples(make_autoencoder(), 9);
    check_batch_equals_samples(make_encoder(2, 8, 3, 3, 2), 9);
}

/* Patches of 3 and of 9 such images exceed the cache: both convolutions process 11 of them in
 * blocks, forward and backward, and the last block is not full. */
static void images_in_several_blocks_equal_single_images(void)
{
    check_batch_equals_samples(make_encoder(9, 28, 8, 3, 1), 11);
}

static CU_TestInfo tests[] = {
    {"dense_matches_plain_loops_with_every_activation", dense_matches_plain_loops_with_every_activation},
    {"layernorm_matches_plain_loops_with_every_activation", layernorm_matches_plain_loops_with_every_activation},
    {"batchnorm_matches_plain_loops_with_every_activation", batchnorm_matches_plain_loops_with_every_activation},
    {"convolutions_match_plain_loops", convolutions_match_plain_loops},
    {"deep_networks_match_plain_loops", deep_networks_match_plain_loops},
    {"gradients_accumulate", gradients_accumulate},
    {"watched_gradients_are_those_of_the_layers_outputs", watched_gradients_are_those_of_the_layers_outputs},
    {"unwanted_gradients_change_nothing_else", unwanted_gradients_change_nothing_else},
    {"unwanted_image_gradients_may_be_null", unwanted_image_gradients_may_be_null},
    {"batch_equals_its_samples_one_by_one", batch_equals_its_samples_one_by_one},
    {"images_in_several_blocks_equal_single_images", images_in_several_blocks_equal_single_images},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("tape", tests)
