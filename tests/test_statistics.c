/* Statistics of returns against plain formulas. */
#include <math.h>

#include "base/base.h"

#include "check.h"

static void quantiles_are_linear_between_neighbours(void)
{
    const double sorted[] = {1, 2, 4, 8, 16};
    CU_ASSERT_DOUBLE_EQUAL(esp_quantile(5, sorted, 0), 1, 0);
    CU_ASSERT_DOUBLE_EQUAL(esp_quantile(5, sorted, 0.5), 4, 0);
    CU_ASSERT_DOUBLE_EQUAL(esp_quantile(5, sorted, 1), 16, 0);
    CU_ASSERT_DOUBLE_EQUAL(esp_quantile(5, sorted, 0.1), 1.4, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(esp_quantile(5, sorted, 0.9), 12.8, 1e-14);
    CU_ASSERT_DOUBLE_EQUAL(esp_quantile(1, sorted, 0.3), 1, 0);
}

static void mean_and_deviation_follow_their_definitions(void)
{
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    esp_summary summary = esp_summarise(8, values, 1);
    CU_ASSERT_EQUAL(summary.count, 8);
    CU_ASSERT_DOUBLE_EQUAL(summary.mean, 5, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(summary.std, sqrt(32.0 / 7.0), 1e-15);
}

static void interquartile_mean_drops_a_quarter_on_either_side(void)
{
    const double eight[] = {100, 1, 2, 3, 4, 5, 6, -50}; /* sorted: -50 1 | 2 3 4 5 | 6 100 */
    CU_ASSERT_DOUBLE_EQUAL(esp_interquartile_mean(8, eight), 3.5, 1e-15);
    const double five[] = {9, 1, 2, 3, 7};               /* sorted: 1 | 2 3 7 | 9 */
    CU_ASSERT_DOUBLE_EQUAL(esp_interquartile_mean(5, five), 4, 1e-15);
    const double three[] = {3, 1, 8};
    CU_ASSERT_DOUBLE_EQUAL(esp_interquartile_mean(3, three), 4, 1e-15);
    const double one[] = {7};
    CU_ASSERT_DOUBLE_EQUAL(esp_interquartile_mean(1, one), 7, 0);
}

/* The mean of 100 normal values lies within 1.96 / 10 of their expectation in 95 % of cases. */
static void bootstrap_interval_is_as_wide_as_theory_says(void)
{
    float noise[100];
    double values[100];
    esp_rng rng = esp_rng_make(4, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, noise, 100);
    for (int i = 0; i < 100; i++) values[i] = 800 + 30 * (double)noise[i];
    esp_summary summary = esp_summarise(100, values, 1);
    double half = 1.96 * summary.std / 10;
    /* 5 %: a bootstrap of 10,000 resamples scatters by 2 %, and uses n, not n - 1 */
    CU_ASSERT_DOUBLE_EQUAL(summary.high - summary.mean, half, 0.05 * half);
    CU_ASSERT_DOUBLE_EQUAL(summary.mean - summary.low, half, 0.05 * half);
}

static void bootstrap_interval_covers_the_expectation_in_95_of_100_cases(void)
{
    int covered = 0;
    for (uint64_t k = 0; k < 200; k++) {
        float noise[30];
        double values[30], low, high;
        esp_rng rng = esp_rng_make(5, ESP_RNG_TEST, k);
        esp_rng_normal(&rng, noise, 30);
        for (int i = 0; i < 30; i++) values[i] = noise[i];
        esp_bootstrap_interval(30, values, k, &low, &high);
        covered += low <= 0 && 0 <= high;
    }
    CU_ASSERT(covered >= 178 && covered <= 199); /* 93.5 % expected for n = 30; 3 deviations of 200 draws */
}

static void interval_of_equal_values_is_a_point(void)
{
    const double values[] = {690, 690, 690};
    esp_summary summary = esp_summarise(3, values, 9);
    CU_ASSERT(summary.low == 690 && summary.high == 690 && summary.std == 0);
    esp_summary one = esp_summarise(1, values, 9);
    CU_ASSERT(one.low == 690 && one.high == 690 && one.std == 0 && one.iqm == 690);
}

static void equal_seeds_give_equal_intervals(void)
{
    const double values[] = {1, 5, 2, 8, 3};
    double low[3], high[3];
    for (int i = 0; i < 3; i++) esp_bootstrap_interval(5, values, i < 2 ? 1 : 2, &low[i], &high[i]);
    CU_ASSERT(low[0] == low[1] && high[0] == high[1]);
    CU_ASSERT(low[0] >= 1 && high[0] <= 8 && low[0] < high[0]);
}

static void pairs_are_compared_by_their_differences(void)
{
    const double before[] = {800, 900, 700, 1000, 600}, after[] = {810, 900, 690, 400, 600};
    esp_paired p = esp_pair(5, before, after, 1);
    CU_ASSERT_EQUAL(p.count, 5);
    CU_ASSERT_DOUBLE_EQUAL(p.before, 800, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(p.after, 680, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(p.mean, -120, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(p.iqm, (0 + 0 - 10) / 3.0, 1e-12); /* -600 | -10 0 0 | 10 */
    CU_ASSERT(p.worst == -600 && p.worst_index == 3);
    CU_ASSERT(p.worse == 0.4 && p.better == 0.2);
    CU_ASSERT(p.low >= -600 && p.low <= p.mean && p.mean <= p.high && p.high <= 10);
}

/* Of many pairs the interval is normal; it is as wide as that of the bootstrap. */
static void interval_of_many_pairs_is_that_of_the_bootstrap(void)
{
    enum { MANY = 3000 };
    static double before[MANY], after[MANY];
    double low, high;
    esp_rng rng = esp_rng_make(7, ESP_RNG_TEST, 0);
    for (int i = 0; i < MANY; i++) after[i] = pow(esp_rng_uniform(&rng), 8);
    esp_paired p = esp_pair(MANY, before, after, 1);
    esp_bootstrap_interval(MANY, after, 1, &low, &high);
    CU_ASSERT_DOUBLE_EQUAL(p.low, low, 0.05 * (high - low));
    CU_ASSERT_DOUBLE_EQUAL(p.high, high, 0.05 * (high - low));
}

/* What the samples have in common, here far more than what differs, cancels. */
static void interval_of_differences_ignores_what_pairs_have_in_common(void)
{
    double before[50], after[50], low, high;
    esp_rng rng = esp_rng_make(6, ESP_RNG_TEST, 0);
    for (int i = 0; i < 50; i++) {
        before[i] = 1000 * esp_rng_uniform(&rng);
        after[i] = before[i] - 1 - esp_rng_uniform(&rng);
    }
    esp_paired p = esp_pair(50, before, after, 1);
    esp_bootstrap_interval(50, before, 1, &low, &high);
    CU_ASSERT(p.high < -1 && p.low > -2 && p.worse == 1);
    CU_ASSERT(high - low > 100 * (p.high - p.low));
}

static CU_TestInfo tests[] = {
    {"quantiles are linear between neighbours", quantiles_are_linear_between_neighbours},
    {"mean and deviation follow their definitions", mean_and_deviation_follow_their_definitions},
    {"interquartile mean drops a quarter on either side", interquartile_mean_drops_a_quarter_on_either_side},
    {"bootstrap interval is as wide as theory says", bootstrap_interval_is_as_wide_as_theory_says},
    {"bootstrap interval covers the expectation in 95 of 100 cases",
     bootstrap_interval_covers_the_expectation_in_95_of_100_cases},
    {"interval of equal values is a point", interval_of_equal_values_is_a_point},
    {"pairs are compared by their differences", pairs_are_compared_by_their_differences},
    {"interval of many pairs is that of the bootstrap", interval_of_many_pairs_is_that_of_the_bootstrap},
    {"interval of differences ignores what pairs have in common",
     interval_of_differences_ignores_what_pairs_have_in_common},
    {"equal seeds give equal intervals", equal_seeds_give_equal_intervals},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("statistics", tests)
