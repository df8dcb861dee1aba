/* Symmetric positive definite systems: solutions and inverses multiply back to the originals. */
#include "check.h"
#include "nn/nn.h"

enum { N = 23, M = 5 };

/* b b^T + 1, only the lower triangle filled. */
static void make_matrix(double *a)
{
    float b[N * N];
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 3);
    esp_rng_normal(&rng, b, N * N);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = i == j;
            for (int k = 0; k < N; k++) sum += (double)b[i * N + k] * (double)b[j * N + k];
            a[i * N + j] = j <= i ? sum : NAN; /* reading the other half would show */
        }
}

static double at(const double *a, int i, int j)
{
    return i >= j ? a[i * N + j] : a[j * N + i];
}

static void rows_of_the_solution_times_the_matrix_are_the_right_hand_sides(void)
{
    double a[N * N], factor[N * N], b[M * N], x[M * N];
    make_matrix(a);
    for (int i = 0; i < M * N; i++) b[i] = sin(i);
    memcpy(factor, a, sizeof a);
    memcpy(x, b, sizeof b);
    CHECK_OK(esp_spd_factor(N, factor));
    esp_spd_solve(N, M, factor, x);
    for (int r = 0; r < M; r++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++) sum += x[r * N + k] * at(a, k, j);
            CU_ASSERT_DOUBLE_EQUAL(sum, b[r * N + j], 1e-10);
        }
}

static void inverse_times_the_matrix_is_one(void)
{
    double a[N * N], inverse[N * N];
    make_matrix(a);
    memcpy(inverse, a, sizeof a);
    CHECK_OK(esp_spd_invert(N, inverse));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++) sum += inverse[i * N + k] * at(a, k, j);
            CU_ASSERT_DOUBLE_EQUAL(sum, i == j, 1e-10);
        }
}

static void indefinite_matrix_reports_its_row(void)
{
    double a[] = {1, 0, 0, 0, 2, 0, 0, 5, -1};
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_spd_factor(3, a), "row 3");
    double b[] = {NAN};
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_spd_invert(1, b), "not positive definite");
}

static CU_TestInfo tests[] = {
    {"rows_of_the_solution_times_the_matrix_are_the_right_hand_sides",
     rows_of_the_solution_times_the_matrix_are_the_right_hand_sides},
    {"inverse_times_the_matrix_is_one", inverse_times_the_matrix_is_one},
    {"indefinite_matrix_reports_its_row", indefinite_matrix_reports_its_row},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("spd", tests)
