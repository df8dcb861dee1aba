/* How long a network of one component takes for an answer. */
#include <stdlib.h>

#include "application/application_internal.h"

/* A network that answers one input again and again. */
typedef struct {
    esp_packed  *packed;
    esp_runner  *runner;
    const float *x;
} answering;

static void answer_once(void *context)
{
    const answering *a = context;
    esp_runner_forward(a->runner, a->x, 1);
}

void esp_time_answers(int n, const esp_network *const *nets, const float *x, esp_timing *out)
{
    answering *each = esp_alloc((size_t)n, sizeof *each);
    void **context = esp_alloc((size_t)n, sizeof *context);
    for (int k = 0; k < n; k++) {
        each[k].packed = esp_packed_create(nets[k], 1);
        each[k].runner = esp_runner_create(each[k].packed, 0, 1);
        each[k].x = x;
        context[k] = &each[k];
    }
    esp_timing_take(n, answer_once, context, out);
    for (int k = 0; k < n; k++) {
        esp_runner_free(each[k].runner);
        esp_packed_free(each[k].packed);
    }
    free(each);
    free(context);
}

/* ---- for `bench` ---- */

enum { ANSWERS = 100 }; /* per measured repeat, so that reading the clock does not count */

static esp_status answer_often(void *context)
{
    const answering *a = context;
    const float *y = NULL;
    for (int i = 0; i < ANSWERS; i++) y = esp_runner_forward(a->runner, a->x, 1);
    return esp_bench_finite(1, y);
}

esp_status esp_bench_answers(const esp_network *net, const char *name, const char *unit, esp_bench *out)
{
    answering a = {.packed = esp_packed_create(net, 1)};
    float *x = esp_bench_floats((size_t)net->component[0].in_size);
    a.runner = esp_runner_create(a.packed, 0, 1);
    a.x = x;
    esp_bench_path path = {.work = answer_often, .context = &a, .per_second = ANSWERS, .unit = unit,
                           .flops = ANSWERS * 2.0 * esp_component_macs(net, 0)};
    esp_status status = esp_bench_add(out, name, "one input at a time", 1, &path);
    esp_runner_free(a.runner);
    esp_packed_free(a.packed);
    free(x);
    return status;
}
