/* The four products against plain loops in double. */
#include "check.h"
#include "nn/nn.h"

enum { M = 5, N = 7, K = 11, WIDTH = 9, FIRST = 2 };

static float a[K * WIDTH], b[K * N], c[M * N], expected[M * N];

static void fill(void)
{
    esp_rng rng = esp_rng_make(8, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, a, K * WIDTH);
    esp_rng_normal(&rng, b, K * N);
    esp_rng_normal(&rng, c, M * N);
}

/* Element (i, k) of the left factor and (k, j) of the right one are found by their strides. */
static void plain_product(const float *left, int left_i, int left_k, int right_k, int right_j, double beta)
{
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            double sum = beta * (double)c[i * N + j];
            for (int k = 0; k < K; k++)
                sum += (double)left[i * left_i + k * left_k] * (double)b[k * right_k + j * right_j];
            expected[i * N + j] = (float)sum;
        }
}

#define CHECK_PRODUCT() CHECK_CLOSE("c", M * N, c, expected, 1e-5, 1e-5) /* float32 sums of 11 products */

static void products_are_those_of_plain_loops(void)
{
    fill();
    plain_product(a, K, 1, 1, K, 1.0);
    esp_gemm_nt(M, N, K, a, b, 1.0f, c);
    CHECK_PRODUCT();
    plain_product(a, K, 1, N, 1, 0.0);
    esp_gemm_nn(M, N, K, a, b, 0.0f, c);
    CHECK_PRODUCT();
    plain_product(a, 1, M, N, 1, 0.5);
    esp_gemm_tn(M, N, K, a, b, 0.5f, c);
    CHECK_PRODUCT();
}

static void columns_of_a_wider_matrix_are_multiplied_in_place(void)
{
    fill();
    plain_product(a + FIRST, 1, WIDTH, N, 1, 0.0);
    esp_gemm_tn_columns(M, N, K, WIDTH, a + FIRST, b, 0.0f, c);
    CHECK_PRODUCT();
}

static CU_TestInfo tests[] = {
    {"products_are_those_of_plain_loops", products_are_those_of_plain_loops},
    {"columns_of_a_wider_matrix_are_multiplied_in_place", columns_of_a_wider_matrix_are_multiplied_in_place},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("gemm", tests)
