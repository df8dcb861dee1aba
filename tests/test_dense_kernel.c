/* Every kernel that this processor can run, against a plain loop. */
#include <math.h>

#include "nn/dense_kernel.h"
#include "plain_network.h"

enum { MOST_ROWS = 250, MOST_OUTPUTS = 150, MOST_INPUTS = 90 };

static float x[MOST_ROWS * MOST_INPUTS], w[MOST_OUTPUTS * MOST_INPUTS], y[MOST_ROWS * MOST_OUTPUTS];
static float expected[MOST_ROWS * MOST_OUTPUTS];

typedef struct {
    float *panels, *bias; /* owned */
} weights;

static weights lay_out(const esp_dense_kernel *kernel, int outputs, int inputs)
{
    esp_rng rng = esp_rng_make(3, ESP_RNG_TEST, 0);
    weights made = {.panels = esp_alloc(esp_panels_size(kernel, outputs, inputs), sizeof(float)),
                    .bias = esp_alloc((size_t)esp_padded_outputs(kernel, outputs), sizeof(float))};
    esp_rng_normal(&rng, x, MOST_ROWS * MOST_INPUTS);
    esp_rng_normal(&rng, w, (size_t)outputs * (size_t)inputs);
    esp_rng_normal(&rng, made.bias, (size_t)outputs);
    esp_panels_fill(kernel, outputs, inputs, w, made.panels);
    return made;
}

static void let_go(weights *made)
{
    free(made->panels);
    free(made->bias);
}

static void plain_product(int rows, int outputs, int inputs, const float *bias, esp_act act)
{
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < outputs; o++) {
            double sum = (double)bias[o];
            for (int i = 0; i < inputs; i++) sum += (double)x[r * inputs + i] * (double)w[o * inputs + i];
            expected[r * outputs + o] = (float)plain_act(act, sum);
        }
}

static void check_product(const esp_dense_kernel *kernel, int rows, int outputs, int inputs, esp_act act)
{
    weights made = lay_out(kernel, outputs, inputs);
    esp_rows shape = {.groups = 1, .rows = rows, .row_step = inputs, .segments = 1, .length = inputs};
    plain_product(rows, outputs, inputs, made.bias, act);
    y[rows * outputs] = 77.0f; /* after the result: must not change */
    kernel->run(&shape, outputs, x, made.panels, made.bias, act, y);
    CHECK_CLOSE(kernel->name, (size_t)(rows * outputs), y, expected, 2e-5, 2e-5); /* float32 sums of 90 products */
    CU_ASSERT_EQUAL(y[rows * outputs], 77.0f);
    let_go(&made);
}

/* Heights of tiles and blocks, widths of vectors and panels, and one more or less than each. */
static void products_of_all_sizes_are_those_of_a_plain_loop(void)
{
    static const int rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 18, 119, 120, 121, 249};
    static const int outputs[] = {1, 3, 4, 8, 9, 15, 16, 17, 31, 32, 33, 50, 64, 69, 128, 141};
    for (int k = 0; k < esp_dense_num_kernels; k++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows && esp_dense_kernels[k].usable(); r++)
            for (size_t o = 0; o < sizeof outputs / sizeof *outputs; o++)
                check_product(&esp_dense_kernels[k], rows[r], outputs[o], 1 + (int)(r * 7 + o) % MOST_INPUTS,
                              ESP_ACT_NONE);
}

static void every_activation_is_applied(void)
{
    for (int k = 0; k < esp_dense_num_kernels; k++)
        for (int act = ESP_ACT_NONE; act <= ESP_ACT_SIGMOID && esp_dense_kernels[k].usable(); act++)
            check_product(&esp_dense_kernels[k], 13, 37, 21, (esp_act)act);
}

static void one_row_is_bit_identical_alone_and_among_many(void)
{
    enum { ROWS = 137, OUTPUTS = 149, INPUTS = 88 };
    static float alone[OUTPUTS];
    esp_rows many = {.groups = 1, .rows = ROWS, .row_step = INPUTS, .segments = 1, .length = INPUTS}, one = many;
    one.rows = 1;
    for (int k = 0; k < esp_dense_num_kernels; k++) {
        const esp_dense_kernel *kernel = &esp_dense_kernels[k];
        if (!kernel->usable()) continue;
        weights made = lay_out(kernel, OUTPUTS, INPUTS);
        kernel->run(&many, OUTPUTS, x, made.panels, made.bias, ESP_ACT_ELU, y);
        for (int r = 0; r < ROWS; r++) {
            kernel->run(&one, OUTPUTS, x + r * INPUTS, made.panels, made.bias, ESP_ACT_ELU, alone);
            CU_ASSERT_EQUAL(memcmp(alone, y + r * OUTPUTS, sizeof alone), 0);
        }
        let_go(&made);
    }
}

/* AVX2 and AVX-512 add in the same order with the same fused operations; the baseline has none of
 * these. */
static void wider_vectors_give_bit_identical_results(void)
{
    enum { ROWS = 40, OUTPUTS = 45, INPUTS = 60 };
    static float first[ROWS * OUTPUTS];
    int compared = 0;
    for (int k = 0; k < esp_dense_num_kernels - 1; k++) {
        const esp_dense_kernel *kernel = &esp_dense_kernels[k];
        esp_rows shape = {.groups = 1, .rows = ROWS, .row_step = INPUTS, .segments = 1, .length = INPUTS};
        if (!kernel->usable()) continue;
        weights made = lay_out(kernel, OUTPUTS, INPUTS);
        kernel->run(&shape, OUTPUTS, x, made.panels, made.bias, ESP_ACT_NONE, y);
        if (compared++ == 0) memcpy(first, y, sizeof first);
        CU_ASSERT_EQUAL(memcmp(first, y, sizeof first), 0);
        let_go(&made);
    }
    if (compared < 2) printf("\n    (this processor has one set of wide vectors) ");
}

static CU_TestInfo tests[] = {
    {"products of all sizes are those of a plain loop", products_of_all_sizes_are_those_of_a_plain_loop},
    {"every activation is applied", every_activation_is_applied},
    {"one row is bit-identical alone and among many", one_row_is_bit_identical_alone_and_among_many},
    {"wider vectors give bit-identical results", wider_vectors_give_bit_identical_results},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("dense_kernel", tests)
