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
