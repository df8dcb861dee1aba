/* The agent's networks, layer by layer, against recorded outputs of the reference (cases 1 and 2).
 * Hidden sizes start at 1 and come from the files, as those of a pruned network would. */
#include "reference.h"

enum { CONVS = 4 };

/* Shapes of the convolutions, apart from their channels. */
typedef struct { int kernel[CONVS], stride[CONVS]; } conv_sizes;

/* The first `convs` convolutions and a flatten, then optionally the linear layer. */
static esp_network *make_encoder(int channels, int rows, const conv_sizes *sizes, int convs, bool linear)
{
    esp_network *net = esp_network_new();
    int in = esp_network_axis(net, "channels", channels, false);
    int latent = esp_network_axis(net, "latent", 1, true);
    esp_network_component(net, "_encoder");
    esp_network_image(net, in, rows);
    for (int k = 0; k < convs; k++) {
        char module[16];
        snprintf(module, sizeof module, "_encoder.%d", 2 * k + 1);
        int out = esp_network_axis(net, module, 1, true);
        esp_network_conv2d(net, module, in, out, sizes->kernel[k], sizes->stride[k], ESP_ACT_RELU);
        in = out;
    }
    esp_network_flatten(net);
    if (linear) esp_network_dense(net, "_encoder.10", esp_dim_of(in), esp_dim_of(latent), ESP_ACT_NONE);
    return net;
}

static void read_list(const esp_safetensors *file, const char *key, int list[CONVS])
{
    const char *text = esp_safetensors_metadata(file, key);
    CU_ASSERT_FATAL(text != NULL);
    CU_ASSERT_EQUAL_FATAL(sscanf(text, "%d,%d,%d,%d", list, list + 1, list + 2, list + 3), CONVS);
}

/* Output of the network's only component for `n` images. */
static void check_images(esp_network *net, const esp_safetensors *weights, const esp_safetensors *file,
                         const char *expected, int n, double atol)
{
    CHECK_OK(esp_network_load(net, weights, ""));
    const esp_st_tensor *images = reference_tensor(file, "in.image");
    esp_tape *tape = esp_tape_create(net, 0, n);
    const float *got = esp_forward(net, tape, images->data, n);
    reference_check(file, expected, (size_t)n * (size_t)net->component[0].out_size, got, atol, 1e-5);
    esp_tape_free(tape);
    esp_network_free(net);
}

static void check_encoder(const char *weights_name, const char *name)
{
    esp_safetensors *file = reference_open(name), *weights = reference_open(weights_name);
    const esp_st_tensor *images = reference_tensor(file, "in.image");
    conv_sizes sizes;
    int channels = (int)images->shape[1], rows = (int)images->shape[2];
    read_list(file, "kernels", sizes.kernel);
    read_list(file, "strides", sizes.stride);
    for (int convs = 1; convs <= CONVS; convs++) {
        char expected[16];
        snprintf(expected, sizeof expected, "out.relu%d", convs);
        check_images(make_encoder(channels, rows, &sizes, convs, false), weights, file, expected, 1, 1e-5);
    }
    check_images(make_encoder(channels, rows, &sizes, CONVS, true), weights, file, "out.latent", (int)images->shape[0],
                 2e-5);
    esp_safetensors_free(file);
    esp_safetensors_free(weights);
}

/* ---- heads ---- */

static int add_hidden(esp_network *net, const char *module)
{
    return esp_network_axis(net, module, 1, true);
}

/* Linear, ELU, Linear, ELU, Linear: dynamics, reward and policy. */
static void add_head(esp_network *net, const char *name, esp_dim in, int out, esp_act act)
{
    char module[3][ESP_NAME];
    for (int i = 0; i < 3; i++) snprintf(module[i], ESP_NAME, "%s.%d", name, 2 * i);
    int first = add_hidden(net, module[0]), second = add_hidden(net, module[1]);
    esp_network_component(net, name);
    esp_network_dense(net, module[0], in, esp_dim_of(first), ESP_ACT_ELU);
    esp_network_dense(net, module[1], esp_dim_of(first), esp_dim_of(second), ESP_ACT_ELU);
    esp_network_dense(net, module[2], esp_dim_of(second), esp_dim_of(out), act);
}

/* Linear, LayerNorm, Tanh, Linear, ELU, Linear. */
static void add_value(esp_network *net, const char *name, esp_dim in, int out)
{
    static const int index[4] = {0, 1, 3, 5};
    char module[4][ESP_NAME];
    for (int i = 0; i < 4; i++) snprintf(module[i], ESP_NAME, "%s.%d", name, index[i]);
    int first = add_hidden(net, module[0]), second = add_hidden(net, module[2]);
    esp_network_component(net, name);
    esp_network_dense(net, module[0], in, esp_dim_of(first), ESP_ACT_NONE);
    esp_network_norm(net, ESP_LAYER_LAYERNORM, module[1], first, ESP_ACT_TANH);
    esp_network_dense(net, module[2], esp_dim_of(first), esp_dim_of(second), ESP_ACT_ELU);
    esp_network_dense(net, module[3], esp_dim_of(second), esp_dim_of(out), ESP_ACT_NONE);
}

static esp_network *make_heads(int action_size, esp_act policy_act)
{
    esp_network *net = esp_network_new();
    int latent = esp_network_axis(net, "latent", 1, true);
    int action = esp_network_axis(net, "action", action_size, false);
    int scalar = esp_network_axis(net, "scalar", 1, false);
    esp_dim both = esp_dim_concat(latent, action);
    add_head(net, "_dynamics", both, latent, ESP_ACT_NONE);
    add_head(net, "_reward", both, scalar, ESP_ACT_NONE);
    add_head(net, "_pi", esp_dim_of(latent), action, policy_act);
    add_value(net, "_Q1", both, scalar);
    add_value(net, "_Q2", both, scalar);
    return net;
}

static void check_head(const esp_network *net, const esp_safetensors *file, const char *component,
                       const char *expected, const float *x, int n)
{
    int index = esp_network_find_component(net, component);
    esp_tape *tape = esp_tape_create(net, index, n);
    const float *got = esp_forward(net, tape, x, n);
    reference_check(file, expected, (size_t)n * (size_t)net->component[index].out_size, got, 2e-5, 2e-5);
    esp_tape_free(tape);
}

static float *concat_rows(const esp_st_tensor *a, const esp_st_tensor *b)
{
    size_t n = (size_t)a->shape[0], left = (size_t)a->shape[1], right = (size_t)b->shape[1];
    float *rows = esp_alloc(n * (left + right), sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        memcpy(rows + i * (left + right), (const float *)a->data + i * left, left * sizeof *rows);
        memcpy(rows + i * (left + right) + left, (const float *)b->data + i * right, right * sizeof *rows);
    }
    return rows;
}

static void check_heads(const char *weights_name, const char *name)
{
    esp_safetensors *file = reference_open(name), *weights = reference_open(weights_name);
    const esp_st_tensor *z = reference_tensor(file, "in.z"), *a = reference_tensor(file, "in.a");
    int n = (int)z->shape[0];
    float *za = concat_rows(z, a);
    esp_network *net = make_heads((int)a->shape[1], ESP_ACT_TANH);
    esp_network *linear = make_heads((int)a->shape[1], ESP_ACT_NONE);
    CHECK_OK(esp_network_load(net, weights, ""));
    CHECK_OK(esp_network_load(linear, weights, ""));

    check_head(net, file, "_dynamics", "out.next_z", za, n);
    check_head(net, file, "_reward", "out.reward", za, n);
    check_head(net, file, "_pi", "out.pi", z->data, n);
    check_head(linear, file, "_pi", "out.pi_pre_tanh", z->data, n);
    check_head(net, file, "_Q1", "out.Q1", za, n);
    check_head(net, file, "_Q2", "out.Q2", za, n);

    free(za);
    esp_network_free(net);
    esp_network_free(linear);
    esp_safetensors_free(file);
    esp_safetensors_free(weights);
}

/* ---- claims ---- */

static void full_encoder_equals_the_reference(void)
{
    check_encoder("model_full.safetensors", "encoder_full.safetensors");
}

static void small_encoder_equals_the_reference_at_28_pixels(void)
{
    check_encoder("encoder_small28.safetensors", "encoder_small28.safetensors");
}

static void small_encoder_equals_the_reference_at_84_pixels(void)
{
    check_encoder("encoder_small84.safetensors", "encoder_small84.safetensors");
}

static void full_heads_equal_the_reference(void)
{
    check_heads("model_full.safetensors", "heads_full.safetensors");
}

static void small_heads_equal_the_reference(void)
{
    check_heads("heads_small.safetensors", "heads_small.safetensors");
}

static CU_TestInfo tests[] = {
    {"full_encoder_equals_the_reference", full_encoder_equals_the_reference},
    {"small_encoder_equals_the_reference_at_28_pixels", small_encoder_equals_the_reference_at_28_pixels},
    {"small_encoder_equals_the_reference_at_84_pixels", small_encoder_equals_the_reference_at_84_pixels},
    {"full_heads_equal_the_reference", full_heads_equal_the_reference},
    {"small_heads_equal_the_reference", small_heads_equal_the_reference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_layers", tests)
