/* Symmetric positive definite systems by Cholesky. LAPACK's columns are our rows: the lower triangle
 * of a row-major matrix is its upper one, and right-hand sides are rows. */
#include <lapacke.h>

#include "nn/nn_internal.h"

static esp_status check(lapack_int info, int n)
{
    if (info == 0) return ESP_OK;
    return esp_fail(ESP_ERR_NUMERIC, "a matrix of %d rows is not positive definite (row %d)", n, (int)info);
}

esp_status esp_spd_solve(int n, int m, double *a, double *b)
{
    esp_blas_use_one_thread();
    return check(LAPACKE_dposv_work(LAPACK_COL_MAJOR, 'U', n, m, a, n, b, n), n);
}

esp_status esp_spd_invert(int n, double *a)
{
    esp_blas_use_one_thread();
    esp_status status = check(LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', n, a, n), n);
    if (status == ESP_OK) status = check(LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'U', n, a, n), n);
    for (int i = 0; i < n && status == ESP_OK; i++)
        for (int j = i + 1; j < n; j++) a[(size_t)i * n + j] = a[(size_t)j * n + i];
    return status;
}
