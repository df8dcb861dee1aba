/* What results say about a handful of returns: mean, spread, a confidence interval, and differences pair by pair. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define RESAMPLES 10000

static double mean_of(int count, const double *values)
{
    double sum = 0;
    for (int i = 0; i < count; i++) sum += values[i];
    return sum / count;
}

static double deviation_of(int count, const double *values, double mean)
{
    if (count < 2) return 0;
    double sum = 0;
    for (int i = 0; i < count; i++) sum += (values[i] - mean) * (values[i] - mean);
    return sqrt(sum / (count - 1));
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void esp_sort_doubles(int count, double *values)
{
    qsort(values, (size_t)count, sizeof *values, compare);
}

double esp_quantile(int count, const double *sorted, double q)
{
    double at = q * (count - 1);
    int below = (int)floor(at);
    if (below >= count - 1) return sorted[count - 1];
    return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

static double *sorted_copy(int count, const double *values)
{
    double *copy = esp_alloc((size_t)count, sizeof *copy);
    memcpy(copy, values, (size_t)count * sizeof *copy);
    esp_sort_doubles(count, copy);
    return copy;
}

double esp_interquartile_mean(int count, const double *values)
{
    double *sorted = sorted_copy(count, values);
    int cut = count / 4;
    double mean = mean_of(count - 2 * cut, sorted + cut);
    free(sorted);
    return mean;
}

void esp_bootstrap_interval(int count, const double *values, uint64_t seed, double *low, double *high)
{
    double *means = esp_alloc(RESAMPLES, sizeof *means);
    for (int r = 0; r < RESAMPLES; r++) {
        esp_rng rng = esp_rng_make(seed, ESP_RNG_BOOTSTRAP, (uint64_t)r);
        double sum = 0;
        for (int i = 0; i < count; i++) sum += values[esp_rng_below(&rng, (uint32_t)count)];
        means[r] = sum / count;
    }
    esp_sort_doubles(RESAMPLES, means);
    *low = esp_quantile(RESAMPLES, means, 0.025);
    *high = esp_quantile(RESAMPLES, means, 0.975);
    free(means);
}

esp_summary esp_summarise(int count, const double *values, uint64_t seed)
{
    esp_summary summary = {.count = count, .mean = mean_of(count, values)};
    summary.std = deviation_of(count, values, summary.mean);
    summary.iqm = esp_interquartile_mean(count, values);
    esp_bootstrap_interval(count, values, seed, &summary.low, &summary.high);
    return summary;
}

/* 10,000 resamples of many thousand values take seconds, and their means are normal. */
static void interval_of(int count, const double *values, double mean, uint64_t seed, double *low, double *high)
{
    enum { MANY = 2000 };
    double half = 1.96 * deviation_of(count, values, mean) / sqrt(count);
    *low = mean - half;
    *high = mean + half;
    if (count <= MANY) esp_bootstrap_interval(count, values, seed, low, high);
}

esp_paired esp_pair(int count, const double *before, const double *after, uint64_t seed)
{
    double *difference = esp_alloc((size_t)count, sizeof *difference);
    esp_paired p = {.count = count, .before = mean_of(count, before), .after = mean_of(count, after)};
    int worse = 0, better = 0;
    for (int i = 0; i < count; i++) {
        difference[i] = after[i] - before[i];
        worse += difference[i] < 0;
        better += difference[i] > 0;
        if (difference[i] < difference[p.worst_index]) p.worst_index = i;
    }
    p.mean = mean_of(count, difference);
    p.iqm = esp_interquartile_mean(count, difference);
    p.worst = difference[p.worst_index];
    p.worse = (double)worse / count;
    p.better = (double)better / count;
    interval_of(count, difference, p.mean, seed, &p.low, &p.high);
    free(difference);
    return p;
}
