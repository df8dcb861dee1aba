/* Measures hot paths: one row per path, repeats from the same start state so that they differ only by the machine,
 * and the matrix product with which all of them are compared. */
#include <fnmatch.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/application_internal.h"

#define SAMPLE_S 1.0      /* seconds per row */
#define MAX_REPEATS 2000
#define MIN_REPEATS 3
#define DATA_SEED 1

/* ---- one row ---- */

bool esp_bench_wanted(const esp_bench *bench, const char *name)
{
    return !bench->only || fnmatch(bench->only, name, 0) == 0;
}

static esp_status repeat(const esp_bench_path *p, double *seconds)
{
    if (p->prepare) p->prepare(p->context);
    double started = esp_clock();
    esp_status status = p->work(p->context);
    *seconds = esp_clock() - started;
    return status == ESP_OK ? esp_check_interrupt() : status;
}

/* Sorted seconds of all repeats, after one that warms up caches, renderers and threads. */
static esp_status sample(const esp_bench_path *p, double *seconds, int *count)
{
    *count = 0;
    esp_status status = repeat(p, seconds);
    for (double end = esp_clock() + SAMPLE_S;
         status == ESP_OK && *count < MAX_REPEATS && (*count < MIN_REPEATS || esp_clock() < end); ++*count)
        status = repeat(p, &seconds[*count]);
    esp_sort_doubles(*count, seconds);
    return status;
}

static void fill_row(const esp_bench_path *p, int count, const double *seconds, esp_bench_row *row)
{
    double low = esp_quantile(count, seconds, 0.1), high = esp_quantile(count, seconds, 0.9);
    double median = esp_quantile(count, seconds, 0.5);
    row->repeats = count;
    row->gflops = p->flops / median * 1e-9;
    row->median = p->per_second > 0 ? p->per_second / median : 1e3 * median;
    row->p10 = p->per_second > 0 ? p->per_second / high : 1e3 * low;
    row->p90 = p->per_second > 0 ? p->per_second / low : 1e3 * high;
    snprintf(row->unit, sizeof row->unit, "%s", p->per_second > 0 ? p->unit : "ms");
}

static esp_status measure_row(const char *name, const char *size, int threads, const esp_bench_path *p,
                              esp_bench_row *row)
{
    double seconds[MAX_REPEATS];
    int count, before = omp_get_max_threads();
    omp_set_num_threads(threads);
    esp_status status = sample(p, seconds, &count);
    omp_set_num_threads(before);
    if (status != ESP_OK) return esp_fail_in(status, "bench %s", name);
    *row = (esp_bench_row){.threads = threads};
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->size, sizeof row->size, "%s", size);
    fill_row(p, count, seconds, row);
    return ESP_OK;
}

esp_status esp_bench_add(esp_bench *bench, const char *name, const char *size, int threads, const esp_bench_path *p)
{
    if (!esp_bench_wanted(bench, name) || bench->num_rows == ESP_MAX_BENCH_ROWS) return ESP_OK;
    esp_progress("bench", bench->num_rows, 0, "%s", name);
    esp_status status = measure_row(name, size, threads, p, &bench->row[bench->num_rows]);
    if (status == ESP_OK) bench->num_rows++;
    return status;
}

static const esp_bench_row *find_row(const esp_bench *bench, const char *name, int threads)
{
    for (int i = 0; i < bench->num_rows; i++)
        if (strcmp(bench->row[i].name, name) == 0 && bench->row[i].threads == threads) return &bench->row[i];
    return NULL;
}

void esp_bench_compare(esp_bench *bench, const char *name, int threads, const char *than)
{
    const esp_bench_row *other = find_row(bench, name, threads);
    if (bench->num_rows == 0 || !other) return;
    esp_bench_row *row = &bench->row[bench->num_rows - 1];
    char number[ESP_NUMBER_TEXT];
    esp_format(number, sizeof number, "%.2f", row->median / other->median);
    if (row != other) snprintf(row->note, sizeof row->note, "%s %s", number, than);
}

esp_status esp_bench_finite(int count, const float *x)
{
    for (int i = 0; i < count; i++)
        if (!isfinite(x[i])) return esp_fail(ESP_ERR_NUMERIC, "a result is not finite");
    return ESP_OK;
}

static void fill_normal(size_t count, float *x)
{
    esp_rng rng = esp_rng_make(DATA_SEED, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, x, count);
}

float *esp_bench_floats(size_t count)
{
    float *x = esp_alloc(count, sizeof *x);
    fill_normal(count, x);
    return x;
}

/* ---- matrix product: the limit that all others are compared with ---- */

enum { GEMM = 512 };

typedef struct { float *a, *b, *c; } product;

static esp_status multiply(void *context)
{
    product *p = context;
    esp_gemm_nt(GEMM, GEMM, GEMM, p->a, p->b, 0, p->c);
    return esp_bench_finite(GEMM * GEMM, p->c);
}

/* Measured whatever is selected, because the other rows are compared with it. */
static esp_status measure_gemm(esp_bench *bench)
{
    const size_t count = (size_t)GEMM * GEMM;
    product p = {esp_bench_floats(count), esp_bench_floats(count), esp_bench_floats(count)};
    esp_bench_path path = {.work = multiply, .context = &p, .flops = 2.0 * GEMM * GEMM * GEMM};
    esp_status status = measure_row("gemm", "512 x 512 x 512, float32", 1, &path, &bench->row[0]);
    bench->peak = bench->row[0].gflops;
    bench->num_rows = status == ESP_OK && esp_bench_wanted(bench, "gemm");
    free(p.a);
    free(p.b);
    free(p.c);
    return status;
}

/* ---- all ---- */

static esp_status open_and_measure(esp_bench *bench)
{
    esp_subject subject = {.net = NULL};
    esp_status status = esp_subject_open(bench->checkpoint, bench->settings, NULL, NULL, &subject);
    if (status == ESP_OK && !subject.application->bench)
        status = esp_fail(ESP_ERR_USAGE, "%s: application '%s' has nothing for bench to measure", bench->checkpoint,
                          subject.application->name);
    if (status == ESP_OK) status = measure_gemm(bench);
    if (status == ESP_OK) status = subject.application->bench(&subject, bench);
    esp_subject_close(&subject);
    return status;
}

static esp_status measure_all(esp_bench *bench)
{
    if (bench->checkpoint) return open_and_measure(bench);
    esp_status status = measure_gemm(bench);
    for (int i = 0; esp_applications[i] && status == ESP_OK; i++)
        if (esp_applications[i]->bench) status = esp_applications[i]->bench(NULL, bench);
    return status;
}

esp_status esp_bench_run(esp_bench *bench)
{
    esp_status status = measure_all(bench);
    esp_progress("bench", 1, 1, "%d rows", bench->num_rows);
    return status;
}
