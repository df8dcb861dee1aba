/* The one door to BLAS: row-major products, single-threaded. */
#define _GNU_SOURCE /* dladdr */
#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "nn/nn_internal.h"

/* By default OpenBLAS starts its own threads; ours divide the work above this level, in blocks of
 * fixed size, so that results do not depend on their number. */
static void use_one_thread(void)
{
    openblas_set_num_threads(1);
}

void esp_blas_use_one_thread(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, use_one_thread);
}

static void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const float *a, int a_width,
                 const float *b, int b_width, float beta, float *c, int c_width)
{
    esp_blas_use_one_thread();
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1.0f, a, a_width, b, b_width, beta, c, c_width);
}

void esp_gemm_nt(int m, int n, int k, const float *a, const float *b, float beta, float *c)
{
    gemm(CblasNoTrans, CblasTrans, m, n, k, a, k, b, k, beta, c, n);
}

void esp_gemm_nn(int m, int n, int k, const float *a, const float *b, float beta, float *c)
{
    gemm(CblasNoTrans, CblasNoTrans, m, n, k, a, k, b, n, beta, c, n);
}

void esp_gemm_nn_part(int m, int n, int k, const float *a, int a_width, const float *b, int b_width, float beta,
                      float *c, int c_width)
{
    gemm(CblasNoTrans, CblasNoTrans, m, n, k, a, a_width, b, b_width, beta, c, c_width);
}

void esp_gemm_tn(int m, int n, int k, const float *a, const float *b, float beta, float *c)
{
    gemm(CblasTrans, CblasNoTrans, m, n, k, a, m, b, n, beta, c, n);
}

void esp_gemm_tn_columns(int m, int n, int k, int width, const float *a, const float *b, float beta, float *c)
{
    gemm(CblasTrans, CblasNoTrans, m, n, k, a, width, b, n, beta, c, n);
}

void esp_syrk(int n, int k, const float *a, float beta, float *c)
{
    esp_blas_use_one_thread();
    cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, n, k, 1.0f, a, n, beta, c, n);
}

esp_blas_facts esp_blas_describe(void)
{
    Dl_info library;
    return (esp_blas_facts){
        .version = openblas_get_config(),
        .kernel = openblas_get_corename(),
        .file = dladdr((void *)cblas_sgemm, &library) ? library.dli_fname : NULL,
    };
}

const char *esp_blas_better_kernel(void)
{
#ifdef __x86_64__
    /* What OpenBLAS 0.3.21 picks for an unknown processor: the first for any x86-64, the others when it has AVX. */
    static const char *const fallbacks[] = {"Prescott", "Sandybridge", "Bulldozer"};
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    for (size_t i = 0; avx2 && i < sizeof fallbacks / sizeof *fallbacks; i++)
        if (strcmp(openblas_get_corename(), fallbacks[i]) == 0) return avx512 ? "SkylakeX" : "Haswell";
#endif
    return NULL;
}
