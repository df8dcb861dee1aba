/* One layer on its own: what the tape records, and the matrix that its weights are multiplied with. */
#include "check.h"
#include "pruned_networks.h"

enum { N = 3 };

static uint8_t *random_frames(void)
{
    uint8_t *frames = esp_alloc(N * 9 * 28 * 28, 1);
    esp_rng rng = esp_rng_make(8, ESP_RNG_TEST, 0);
    for (int i = 0; i < N * 9 * 28 * 28; i++) frames[i] = (uint8_t)esp_rng_below(&rng, 256);
    return frames;
}

static float *layer_output(const esp_network *net, int l, const void *x)
{
    size_t scratch_size = esp_layer_scratch(&net->layer[l]);
    float *scratch = esp_alloc(scratch_size + 1, sizeof *scratch);
    float *y = esp_alloc(N * (size_t)net->layer[l].out_size, sizeof *y);
    esp_layer_forward(net, l, x, N, scratch, y);
    free(scratch);
    return y;
}

static void a_layer_on_its_own_gives_what_the_tape_recorded(void)
{
    esp_network *net = agent_network_of(4, 5, 8);
    esp_network_init_default(net, 1);
    uint8_t *frames = random_frames();
    esp_tape *tape = esp_tape_create(net, 0, N);
    const float *z = esp_forward(net, tape, frames, N);
    int layers = net->component[0].num_layers;
    CU_ASSERT_PTR_EQUAL(esp_tape_output(tape, layers - 1), z);
    for (int l = 0; l < layers; l++) {
        float *y = layer_output(net, l, l == 0 ? (const void *)frames : esp_tape_output(tape, l - 1));
        CU_ASSERT_EQUAL(memcmp(y, esp_tape_output(tape, l), N * (size_t)net->layer[l].out_size * sizeof *y), 0);
        free(y);
    }
    esp_tape_free(tape);
    free(frames);
    esp_network_free(net);
}

/* conv1 has stride 2 and a kernel of 7, conv2 stride 1 and 5. */
static void weights_times_patches_are_the_convolution(void)
{
    esp_network *net = agent_network_of(4, 5, 8);
    esp_network_init_default(net, 1);
    uint8_t *frames = random_frames();
    esp_tape *tape = esp_tape_create(net, 0, N);
    esp_forward(net, tape, frames, N);
    for (int l = 1; l <= 2; l++) {
        const esp_layer *layer = &net->layer[l];
        int rows = N * esp_layer_rows(layer), columns = esp_layer_columns(layer);
        float *patches = esp_alloc((size_t)rows * (size_t)columns, sizeof *patches);
        float *y = esp_alloc((size_t)rows * 4, sizeof *y);
        esp_layer_patches(layer, esp_tape_output(tape, l - 1), N, patches);
        esp_gemm_nt(rows, 4, columns, patches, esp_network_weights(net, layer->weight), 0, y);
        esp_act_forward(layer->act, rows, 4, esp_network_weights(net, layer->bias), y);
        CHECK_CLOSE("y", (size_t)rows * 4, y, esp_tape_output(tape, l), 1e-5, 1e-5);
        free(patches);
        free(y);
    }
    esp_tape_free(tape);
    free(frames);
    esp_network_free(net);
}

static void rows_and_columns_are_those_of_the_weights(void)
{
    esp_network *net = agent_network_of(4, 5, 8);
    for (int l = 0; l < net->num_layers; l++) {
        const esp_layer *layer = &net->layer[l];
        if (layer->kind != ESP_LAYER_DENSE && layer->kind != ESP_LAYER_CONV2D) continue;
        const esp_tensor *weight = &net->tensor[layer->weight];
        CU_ASSERT_EQUAL((size_t)esp_layer_columns(layer), weight->count / (size_t)weight->shape[0]);
        CU_ASSERT_EQUAL(esp_layer_rows(layer) * weight->shape[0], layer->out_size);
    }
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"a_layer_on_its_own_gives_what_the_tape_recorded", a_layer_on_its_own_gives_what_the_tape_recorded},
    {"weights_times_patches_are_the_convolution", weights_times_patches_are_the_convolution},
    {"rows_and_columns_are_those_of_the_weights", rows_and_columns_are_those_of_the_weights},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("layer", tests)
