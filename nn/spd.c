/* Symmetric positive definite systems by Cholesky. LAPACK's columns are our rows: the lower triangle of a row-major
 * matrix is its upper triangle, and right-hand sides are rows. */
#include <lapacke.h>
#include <math.h>

#include "nn/nn_internal.h"

esp_status esp_spd_factor(int n, double *a)
{
    esp_blas_use_one_thread();
    lapack_int row = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', n, a, n);
    /* Some libraries let NaN pass unnoticed; it ends up on the diagonal. */
    for (lapack_int i = 0; i < n && row == 0; i++)
        if (!isfinite(a[(size_t)i * (size_t)n + (size_t)i])) row = i + 1;
    if (row == 0) return ESP_OK;
    return esp_fail(ESP_ERR_NUMERIC, "a matrix of %d rows is not positive definite (row %d)", n, (int)row);
}

void esp_spd_solve(int n, int m, const double *factor, double *b)
{
    LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'U', n, m, factor, n, b, n);
}

esp_status esp_spd_invert(int n, double *a)
{
    esp_status status = esp_spd_factor(n, a);
    if (status != ESP_OK) return status;
    LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'U', n, a, n);
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++) a[(size_t)i * (size_t)n + (size_t)j] = a[(size_t)j * (size_t)n + (size_t)i];
    return ESP_OK;
}
