/* Eigenvectors of a symmetric matrix satisfy their definition. */
#include "check.h"
#include "nn/nn.h"

enum { N = 9 };

/* Only the lower triangle is filled in; the upper one holds values that must not be read. */
static void fill(double *a, double *whole)
{
    esp_rng rng = esp_rng_make(6, ESP_RNG_TEST, 0);
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) {
            double value = esp_rng_uniform(&rng) - 0.5;
            whole[i * N + j] = whole[j * N + i] = value;
            a[j * N + i] = 1e9;
            a[i * N + j] = value;
        }
}

static void rows_are_orthonormal_eigenvectors_by_ascending_value(void)
{
    double a[N * N], whole[N * N], values[N];
    fill(a, whole);
    esp_symmetric_eigen(N, a, values);
    for (int v = 0; v < N; v++) {
        CU_ASSERT(v == 0 || values[v - 1] <= values[v]);
        for (int i = 0; i < N; i++) {
            double product = 0.0;
            for (int j = 0; j < N; j++) product += whole[i * N + j] * a[v * N + j];
            CU_ASSERT_DOUBLE_EQUAL(product, values[v] * a[v * N + i], 1e-12); /* double, nine products */
        }
        for (int w = 0; w <= v; w++) {
            double product = 0.0;
            for (int j = 0; j < N; j++) product += a[v * N + j] * a[w * N + j];
            CU_ASSERT_DOUBLE_EQUAL(product, v == w ? 1.0 : 0.0, 1e-12);
        }
    }
}

static CU_TestInfo tests[] = {
    {"rows_are_orthonormal_eigenvectors_by_ascending_value", rows_are_orthonormal_eigenvectors_by_ascending_value},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("eigen", tests)
