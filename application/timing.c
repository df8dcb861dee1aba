/* Times that can be compared: the work of several networks in turns, so that whatever else the machine does hits all
 * of them alike. */
#include <stdlib.h>

#include "application/application_internal.h"

void esp_timing_take(int n, esp_timed_fn work, void *const *context, esp_timing *out)
{
    enum { WARM_UP = 3, LEAST = 11, MOST = 400 };
    const double budget_s = 0.5 * n;
    double *ms = esp_alloc((size_t)n * MOST, sizeof *ms);
    int count = 0;
    for (int i = 0; i < WARM_UP; i++)
        for (int k = 0; k < n; k++) work(context[k]);
    for (double end = esp_clock() + budget_s; count < MOST && (count < LEAST || esp_clock() < end); count++)
        for (int k = 0; k < n; k++) {
            double started = esp_clock();
            work(context[k]);
            ms[k * MOST + count] = 1e3 * (esp_clock() - started);
        }
    for (int k = 0; k < n; k++) {
        double *own = ms + k * MOST;
        esp_sort_doubles(count, own);
        out[k] = (esp_timing){.repeats = count, .median = esp_quantile(count, own, 0.5),
                              .p10 = esp_quantile(count, own, 0.1), .p90 = esp_quantile(count, own, 0.9)};
    }
    free(ms);
}

/* ---- one row through a network ---- */

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
