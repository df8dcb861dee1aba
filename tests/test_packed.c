/* Packed networks: every component of an agent and of other shapes against the tape. */
#include "agent/agent.h"
#include "check.h"

static esp_network *agent(void)
{
    esp_agent_config config = esp_agent_config_default();
    esp_network *net = NULL;
    config.network.hidden = 77;
    config.network.channels = 13;
    config.network.latent = 19;
    CHECK_OK(esp_told_create(&config, 2, &net));
    esp_network_init_default(net, 4);
    return net;
}

/* Both sum up to 4,000 float32 products of small weights, in different orders. */
#define TOLERANCE 1e-5

static void check_component(const esp_network *net, const esp_packed *packed, int component, int n)
{
    size_t in = (size_t)n * (size_t)net->component[component].in_size;
    float *x = esp_alloc(in, sizeof *x);
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, (uint64_t)component);
    esp_rng_normal(&rng, x, in); /* as pixels: any bytes */
    esp_tape *tape = esp_tape_create(net, component, n);
    esp_runner *runner = esp_runner_create(packed, component, n);
    CHECK_CLOSE(net->component[component].name, (size_t)n * (size_t)net->component[component].out_size,
                esp_runner_forward(runner, x, n), esp_forward(net, tape, x, n), TOLERANCE, TOLERANCE);
    esp_runner_free(runner);
    esp_tape_free(tape);
    free(x);
}

static void every_component_gives_what_the_tape_gives(void)
{
    esp_network *net = agent();
    esp_packed *packed = esp_packed_create(net, ESP_ALL_COMPONENTS);
    for (int c = 0; c < net->num_components; c++)
        for (int n = 1; n <= 40; n += 13) check_component(net, packed, c, n);
    esp_packed_free(packed);
    esp_network_free(net);
}

static void an_image_is_bit_identical_alone_and_among_others(void)
{
    enum { N = 7 };
    esp_network *net = agent();
    esp_packed *packed = esp_packed_create(net, 1u << ESP_TOLD_ENCODER);
    const esp_component *encoder = &net->component[ESP_TOLD_ENCODER];
    size_t pixels = (size_t)encoder->in_size, latent = (size_t)encoder->out_size;
    uint8_t *obs = esp_alloc(N * pixels, 1);
    esp_rng rng = esp_rng_make(2, ESP_RNG_TEST, 0);
    for (size_t i = 0; i < N * pixels; i++) obs[i] = (uint8_t)esp_rng_below(&rng, 256);
    esp_runner *many = esp_runner_create(packed, ESP_TOLD_ENCODER, N);
    esp_runner *one = esp_runner_create(packed, ESP_TOLD_ENCODER, 1);
    const float *z = esp_runner_forward(many, obs, N);
    for (size_t i = 0; i < N; i++)
        CU_ASSERT_EQUAL(memcmp(esp_runner_forward(one, obs + i * pixels, 1), z + i * latent, latent * sizeof *z), 0);
    esp_runner_free(many);
    esp_runner_free(one);
    esp_packed_free(packed);
    free(obs);
    esp_network_free(net);
}

static void check_common_beginning(void)
{
    enum { N = 14, ACTIONS = 2 };
    esp_network *net = agent();
    esp_packed *packed = esp_packed_create(net, 1u << ESP_TOLD_DYNAMICS);
    size_t in = (size_t)net->component[ESP_TOLD_DYNAMICS].in_size, shared = in - ACTIONS;
    size_t out = (size_t)net->component[ESP_TOLD_DYNAMICS].out_size;
    float *rows = esp_alloc(N * in, sizeof *rows), tails[N * ACTIONS];
    esp_rng rng = esp_rng_make(3, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, rows, N * in);
    for (size_t i = 0; i < N; i++) {
        memcpy(rows + i * in, rows, shared * sizeof *rows);
        memcpy(tails + i * ACTIONS, rows + i * in + shared, ACTIONS * sizeof *tails);
    }
    esp_runner *joined = esp_runner_create(packed, ESP_TOLD_DYNAMICS, N);
    esp_runner *split = esp_runner_create(packed, ESP_TOLD_DYNAMICS, N);
    for (int n = 1; n <= N; n++)
        CU_ASSERT_EQUAL(memcmp(esp_runner_forward_shared(split, rows, (int)shared, tails, n),
                               esp_runner_forward(joined, rows, n), (size_t)n * out * sizeof *rows), 0);
    esp_runner_free(joined);
    esp_runner_free(split);
    esp_packed_free(packed);
    free(rows);
    esp_network_free(net);
}

static void rows_with_a_common_beginning_give_the_same_bits(void)
{
    const char *used = esp_kernel_used();
    for (int k = 0; k < esp_num_kernels(); k++)
        if (esp_kernel_choose(esp_kernel_name(k)) == ESP_OK) check_common_beginning();
    CHECK_OK(esp_kernel_choose(used));
}

static void filling_again_takes_over_weights_that_moved(void)
{
    esp_network *net = agent();
    esp_packed *packed = esp_packed_create(net, 1u << ESP_TOLD_POLICY | 1u << ESP_TOLD_Q1);
    for (size_t i = 0; i < net->num_weights; i++) net->weights[i] *= 1.5f;
    esp_packed_fill(packed, ESP_ALL_COMPONENTS);
    check_component(net, packed, ESP_TOLD_POLICY, 3);
    check_component(net, packed, ESP_TOLD_Q1, 3);
    esp_packed_free(packed);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"every component gives what the tape gives", every_component_gives_what_the_tape_gives},
    {"an image is bit-identical alone and among others", an_image_is_bit_identical_alone_and_among_others},
    {"rows with a common beginning give the same bits", rows_with_a_common_beginning_give_the_same_bits},
    {"filling again takes over weights that moved", filling_again_takes_over_weights_that_moved},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("packed", tests)
