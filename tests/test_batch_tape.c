/* A batch tape against the plain tape: outputs, input gradients and weight gradients of every kind of component. */
#include "agent/agent.h"
#include "check.h"

enum { N = 23, CUT = 9, ACTIONS = 2 };

/* Sums of up to 3,000 float32 products in another order. */
#define TOLERANCE 2e-4

static esp_network *agent(int channels)
{
    esp_agent_config config = esp_agent_config_default();
    esp_network *net = NULL;
    config.network = (esp_network_config){.hidden = 141, .channels = channels, .latent = 19};
    CHECK_OK(esp_told_create(&config, ACTIONS, &net));
    esp_network_init_default(net, 4);
    return net;
}

/* A component, its samples, and what the plain tape says about them. */
typedef struct {
    int         component;
    size_t      in, out;
    bool        image;
    const void *x;            /* [N, in] */
    float      *numbers, *dy; /* [N, in], [N, out] */
    uint8_t    *bytes;        /* [N, in] */
    float      *y, *dx, *grads;
} plain_pass;

static plain_pass plain(const esp_network *net, int component)
{
    const esp_component *c = &net->component[component];
    plain_pass p = {.component = component, .in = (size_t)c->in_size, .out = (size_t)c->out_size,
                    .image = net->layer[c->first_layer].kind == ESP_LAYER_IMAGE};
    esp_rng rng = esp_rng_make(3, ESP_RNG_TEST, (uint64_t)component);
    p.numbers = esp_alloc(N * p.in, sizeof(float));
    p.bytes = esp_alloc(N * p.in, 1);
    p.dy = esp_alloc(N * p.out, sizeof(float));
    p.y = esp_alloc(N * p.out, sizeof(float));
    p.dx = esp_alloc(N * p.in, sizeof(float));
    p.grads = esp_alloc(net->num_weights, sizeof(float));
    esp_rng_normal(&rng, p.numbers, N * p.in);
    esp_rng_normal(&rng, p.dy, N * p.out);
    for (size_t i = 0; i < N * p.in; i++) p.bytes[i] = (uint8_t)esp_rng_below(&rng, 256);
    p.x = p.image ? (const void *)p.bytes : p.numbers;
    esp_tape *tape = esp_tape_create(net, component, N);
    float *dy = esp_alloc(N * p.out, sizeof(float));
    memcpy(dy, p.dy, N * p.out * sizeof *dy);
    memcpy(p.y, esp_forward(net, tape, p.x, N), N * p.out * sizeof *dy);
    esp_backward(net, tape, dy, p.grads, p.image ? NULL : p.dx);
    free(dy);
    esp_tape_free(tape);
    return p;
}

static void free_plain(plain_pass *p)
{
    void *const arrays[] = {p->numbers, p->bytes, p->dy, p->y, p->dx, p->grads};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

/* Samples first .. first + n - 1, forward and backward. */
static void run(esp_batch_tape *tape, const plain_pass *p, int first, int n, float *y, float *dx)
{
    float *scratch = esp_alloc(esp_batch_tape_scratch(tape) + 1, sizeof *scratch);
    size_t at = (size_t)first * p->out, count = (size_t)n * p->out;
    memcpy(y + at, esp_batch_forward(tape, first, n), count * sizeof *y);
    memcpy(esp_batch_gradient(tape, first), p->dy + at, count * sizeof *y);
    esp_batch_backward(tape, first, n, scratch, p->image ? NULL : dx + (size_t)first * p->in);
    free(scratch);
}

static void check_component(const esp_network *net, const esp_packed *packed, int component)
{
    plain_pass p = plain(net, component);
    float *y = esp_alloc(N * p.out, sizeof *y), *dx = esp_alloc(N * p.in, sizeof *dx);
    float *grads = esp_alloc(net->num_weights, sizeof *grads);
    const esp_component *c = &net->component[component];
    esp_batch_tape *tape = esp_batch_tape_create(packed, component, N);
    esp_batch_input(tape, p.x);
    run(tape, &p, 0, CUT, y, dx);
    run(tape, &p, CUT, N - CUT, y, dx);
    for (size_t i = 0; i < c->count; i++) grads[c->offset + i] = 77.0f; /* must be overwritten */
    for (int piece = esp_batch_pieces(tape) - 1; piece >= 0; piece--) esp_batch_piece(tape, piece, N, grads);
    CHECK_CLOSE(c->name, N * p.out, y, p.y, TOLERANCE, TOLERANCE);
    CHECK_CLOSE(c->name, N * p.in, dx, p.dx, TOLERANCE, TOLERANCE);
    CHECK_CLOSE(c->name, net->num_weights, grads, p.grads, TOLERANCE, TOLERANCE);
    esp_batch_tape_free(tape);
    free_plain(&p);
    free(y);
    free(dx);
    free(grads);
}

/* 13 and 33 channels: panels with outputs that do not exist. */
static void outputs_and_gradients_are_those_of_the_plain_tape(void)
{
    static const int channels[] = {13, 33};
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
        esp_network *net = agent(channels[i]);
        esp_packed *packed = esp_packed_create_to_learn(net, ESP_ALL_COMPONENTS);
        for (int component = 0; component < net->num_components; component++) check_component(net, packed, component);
        esp_packed_free(packed);
        esp_network_free(net);
    }
}

static void every_kernel_gives_these_gradients(void)
{
    for (int k = 0; k < esp_num_kernels(); k++) {
        if (esp_kernel_choose(esp_kernel_name(k)) != ESP_OK) continue;
        esp_network *net = agent(20);
        esp_packed *packed = esp_packed_create_to_learn(net, ESP_ALL_COMPONENTS);
        check_component(net, packed, ESP_TOLD_ENCODER);
        check_component(net, packed, ESP_TOLD_Q1);
        esp_packed_free(packed);
        esp_network_free(net);
    }
}

static void selected_samples_have_the_gradients_they_have_among_all(void)
{
    enum { SELECTED = 4, FIRST = 2 };
    static const int samples[SELECTED] = {0, 3, 4, 17};
    esp_network *net = agent(8);
    esp_packed *packed = esp_packed_create_to_learn(net, ESP_ALL_COMPONENTS);
    plain_pass p = plain(net, ESP_TOLD_Q1);
    float *y = esp_alloc(N, sizeof *y), *dx = esp_alloc(N * p.in, sizeof *dx), *few = esp_alloc(N * p.in, sizeof *few);
    esp_batch_tape *tape = esp_batch_tape_create(packed, ESP_TOLD_Q1, N);
    esp_batch_input(tape, p.x);
    run(tape, &p, 0, N, y, dx);
    esp_batch_forward(tape, 0, N);
    esp_batch_select(tape, FIRST, SELECTED, samples);
    for (int k = 0; k < SELECTED; k++) esp_batch_gradient(tape, FIRST)[k] = p.dy[FIRST + samples[k]];
    esp_batch_backward(tape, FIRST, SELECTED, NULL, few);
    for (size_t k = 0; k < SELECTED; k++)
        CU_ASSERT_EQUAL(memcmp(few + k * p.in, dx + (size_t)(FIRST + samples[k]) * p.in, p.in * sizeof *dx), 0);
    esp_batch_tape_free(tape);
    free_plain(&p);
    free(y);
    free(dx);
    free(few);
    esp_packed_free(packed);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"outputs and gradients are those of the plain tape", outputs_and_gradients_are_those_of_the_plain_tape},
    {"every kernel gives these gradients", every_kernel_gives_these_gradients},
    {"selected samples have the gradients they have among all",
     selected_samples_have_the_gradients_they_have_among_all},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("batch_tape", tests)
