/* Eigenvectors of symmetric matrices. LAPACK's columns are our rows. */
#include <assert.h>
#include <lapacke.h>

#include "nn/nn_internal.h"

void esp_symmetric_eigen(int n, double *a, double *values)
{
    esp_blas_use_one_thread();
    lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', n, a, n, values);
    assert(info == 0); /* eigenvectors of finite numbers always exist */
    (void)info;
}
