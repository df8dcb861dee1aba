/* What every search method promises, for all groups, targets, pins and rounding; and what each is good for. */
#include "check.h"
#include "pruned_networks.h"
#include "synthetic_performance.h"

static esp_search_config target(double sparsity)
{
    esp_search_config config = esp_search_config_default();
    config.target.sparsity = sparsity;
    return config;
}

static bool is(const esp_search_method *method, const char *name)
{
    return strcmp(method->name, name) == 0;
}

static void draw_limits(bench *b, uint64_t seed, double lowest, double range)
{
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 6);
    for (int g = 0; g < b->grouping.num; g++) {
        double u = esp_rng_uniform(&rng);
        b->performance.limit[g] = lowest + range * u * u;
    }
}

/* ---- promises ---- */

static void make_groups(bench *b, bool paper)
{
    if (paper) CHECK_OK(esp_grouping_from_specs(b->net, table_iv, TABLE_IV, ESP_ALL_COMPONENTS, &b->grouping));
    else       esp_grouping_structural(b->net, ESP_ALL_COMPONENTS, &b->grouping);
}

/* Widths obey rounding, pins and the bound of 0.95. */
static void check_widths(const bench *b, const esp_search_result *result)
{
    for (int g = 0; g < b->grouping.num; g++) {
        const esp_group *group = &b->grouping.group[g];
        for (int i = 0; i < group->num_axes; i++) {
            int n = b->net->axis[group->axis[i]].size, kept = result->widths.kept[group->axis[i]];
            CU_ASSERT(kept >= n - n * 19 / 20 && kept <= n);
            CU_ASSERT(kept == n || kept % b->grouping.round_to == 0);
            CU_ASSERT(group->most > 0 || kept == n);
        }
    }
    CU_ASSERT_EQUAL(result->widths.kept[esp_network_find_axis(b->net, "pixels")], 9);
}

static void every_method_keeps_target_pins_and_rounding(void)
{
    bench b;
    bench_start(&b, agent_network_of(16, 20, 64));
    draw_limits(&b, 4, 0.3, 1);
    for (const esp_search_method *method = esp_search_methods; method->name; method++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 8);
            esp_search_config config = target(0.1 + 0.6 * esp_rng_uniform(&rng));
            esp_search_result result;
            bool paper = seed % 2;
            make_groups(&b, paper);
            b.grouping.round_to = seed % 4 < 2 ? 1 : 4;
            if (seed >= 4) CHECK_OK(esp_grouping_pin(&b.grouping, paper ? "Encoder ?" : "enc.conv[12]", 0));
            b.config.budget = 60;
            config.seed = seed;
            CHECK_OK(bench_search(&b, method->name, &config, &result));
            CU_ASSERT(fabs((paper ? result.nominal : result.structural) - config.target.sparsity) <=
                      config.target.tolerance + 1e-12);
            CU_ASSERT(result.evaluations <= 60);
            check_widths(&b, &result);
        }
    }
    bench_end(&b);
}

static void pins_that_forbid_the_target_are_named(void)
{
    bench b;
    bench_start(&b, agent_network_of(16, 20, 64));
    CHECK_OK(esp_grouping_pin(&b.grouping, "*hidden*", 0));
    esp_search_config config = target(0.6);
    esp_search_result result;
    CHECK_FAILS(ESP_ERR_INFEASIBLE, bench_search(&b, "gd", &config, &result), "or loosen --pin");
    CU_ASSERT_EQUAL(b.performance.evaluations, 0);
    bench_end(&b);
}

static void baseline_and_result_have_one_scale(void)
{
    bench b;
    bench_start(&b, agent_network_of(16, 20, 64));
    b.performance.noise = 0.1;
    draw_limits(&b, 4, 0.3, 1);
    for (const esp_search_method *method = esp_search_methods; method->name; method++) {
        for (int finalists = 1; finalists <= 6; finalists += 5) {
            esp_search_config config = target(0.3);
            esp_search_result result;
            config.finalists = finalists;
            b.config.budget = 300;
            CHECK_OK(bench_search(&b, method->name, &config, &result));
            esp_widths full = esp_widths_full(b.net);
            double noise[2] = {synthetic_noise(&b.performance, &full, result.scale),
                               synthetic_noise(&b.performance, &result.widths, result.scale)};
            bool one = is(method, "magnitude") || is(method, "global") || is(method, "lamp");
            CU_ASSERT(result.scale == 1 || (finalists > 1 && !one));
            CU_ASSERT_DOUBLE_EQUAL(result.baseline, 845 * (1 + noise[0]), 1e-9);
            CU_ASSERT_DOUBLE_EQUAL(result.performance,
                                   synthetic_truth(&b.performance, &result.widths) * (1 + noise[1]), 1e-9);
        }
    }
    bench_end(&b);
}

/* ---- finalists ---- */

/* 10 % noise: the luckiest of 40 draws is rarely the best. */
static void finalists_are_better_than_the_luckiest(void)
{
    bench b;
    double truth[2] = {0};
    bench_start(&b, agent_network_of(16, 20, 64));
    b.performance.noise = 0.1;
    for (uint64_t seed = 0; seed < 10; seed++) {
        draw_limits(&b, seed, 0.4, 0.6);
        for (int i = 0; i < 2; i++) {
            esp_search_config config = target(0.3);
            esp_search_result result;
            config.seed = seed;
            config.finalists = i == 0 ? 1 : 8;
            CHECK_OK(bench_search(&b, "random", &config, &result));
            truth[i] += synthetic_truth(&b.performance, &result.widths) / 10;
        }
    }
    CU_ASSERT(truth[1] > truth[0] + 10);
    bench_end(&b);
}

/* ---- sensitivity ---- */

/* Four groups with known curves: the cut is within 1 % of the best of all whole widths. */
static void knapsack_comes_close_to_exhaustive_search(void)
{
    bench b;
    bench_start(&b, agent_network_of(4, 6, 16));
    esp_grouping_structural(b.net, 0x20u, &b.grouping); /* the latent and one head */
    for (uint64_t seed = 0; seed < 8; seed++) {
        draw_limits(&b, seed, 0.2, 1);
        esp_search_config config = target(0.3 + 0.05 * (double)(seed % 4));
        esp_search_result result;
        config.target.tolerance = 0.02;
        config.levels = 16;
        CHECK_OK(bench_search(&b, "sensitivity", &config, &result));
        double best = 0;
        esp_widths widths = esp_widths_full(b.net);
        int *kept[3];
        for (int g = 0; g < 3; g++) kept[g] = &widths.kept[b.grouping.group[g].axis[0]];
        for (*kept[0] = 1; *kept[0] <= 6; ++*kept[0])
            for (*kept[1] = 1; *kept[1] <= 16; ++*kept[1])
                for (*kept[2] = 1; *kept[2] <= 16; ++*kept[2])
                    if (fabs(esp_structural_sparsity(b.net, &widths, 0x20u) - config.target.sparsity) <= 0.02)
                        best = fmax(best, synthetic_truth(&b.performance, &widths));
        CU_ASSERT(synthetic_truth(&b.performance, &result.widths) >= 0.99 * best);
    }
    CU_ASSERT_EQUAL(b.grouping.num, 3);
    bench_end(&b);
}

static void curves_serve_every_target(void)
{
    bench b;
    char path[] = "/tmp/espalier-curves-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fclose(file);
    bench_start(&b, agent_network_of(16, 20, 64));
    draw_limits(&b, 2, 0.3, 1);
    b.config.journal = path;
    for (int i = 0; i < 4; i++) {
        esp_search_config config = target(0.2 + 0.15 * i);
        esp_search_result result;
        config.finalists = 1;
        b.performance.evaluations = 0;
        CHECK_OK(bench_search(&b, "sensitivity", &config, &result));
        CU_ASSERT(i == 0 ? b.performance.evaluations > 15 * 8 : b.performance.evaluations <= 6);
    }
    remove(path);
    bench_end(&b);
}

/* ---- against each other ---- */

/* Mean noise-free performance over random choices of the groups that hurt. */
static double mean_truth(bench *b, const char *method, double sparsity, int budget)
{
    double sum = 0;
    for (uint64_t seed = 0; seed < 6; seed++) {
        draw_limits(b, seed, 0.3, 1.5);
        esp_search_config config = target(sparsity);
        esp_search_result result;
        config.seed = seed;
        b->config.budget = budget;
        CHECK_OK(bench_search(b, method, &config, &result));
        sum += synthetic_truth(&b->performance, &result.widths) / 6;
    }
    return sum;
}

static void few_evaluations_suffice_where_descent_needs_many(void)
{
    bench b;
    bench_start(&b, agent_network_of(16, 20, 64));
    b.performance.noise = 0.02;
    double descent = mean_truth(&b, "gd", 0.5, 1000), equal = mean_truth(&b, "magnitude", 0.5, 0);
    double knapsack = mean_truth(&b, "sensitivity", 0.5, 200), evolution = mean_truth(&b, "evolve", 0.5, 400);
    CU_ASSERT(descent > equal);
    CU_ASSERT(knapsack > descent);
    CU_ASSERT(evolution > descent);
    bench_end(&b);
}

/* ---- one ranking of all units ---- */

static void global_takes_the_lowest_scores_of_all_groups(void)
{
    bench b;
    bench_start(&b, agent_network_of(16, 20, 64));
    for (int lamp = 0; lamp < 2; lamp++) {
        esp_search_config config = target(0.4);
        esp_search_result result;
        double lowest_kept = INFINITY, highest_gone = 0;
        config.target.tolerance = 0.05; /* no repair */
        CHECK_OK(bench_search(&b, lamp ? "lamp" : "global", &config, &result));
        for (int g = 0; g < b.grouping.num; g++) {
            int axis = b.grouping.group[g].axis[0], n = b.net->axis[axis].size, kept = result.widths.kept[axis];
            double staying = 0;
            for (int i = 0; i < n; i++) {
                double s = b.ranking.score[axis][b.ranking.order[axis][i]];
                staying += s * s;
                double score = lamp ? s * s / staying : s;
                if (i < kept && kept > n - n * 19 / 20) lowest_kept = fmin(lowest_kept, score);
                if (i >= kept) highest_gone = fmax(highest_gone, score);
            }
        }
        CU_ASSERT(highest_gone <= lowest_kept);
    }
    bench_end(&b);
}

static CU_TestInfo tests[] = {
    {"every_method_keeps_target_pins_and_rounding", every_method_keeps_target_pins_and_rounding},
    {"pins_that_forbid_the_target_are_named", pins_that_forbid_the_target_are_named},
    {"baseline_and_result_have_one_scale", baseline_and_result_have_one_scale},
    {"finalists_are_better_than_the_luckiest", finalists_are_better_than_the_luckiest},
    {"knapsack_comes_close_to_exhaustive_search", knapsack_comes_close_to_exhaustive_search},
    {"curves_serve_every_target", curves_serve_every_target},
    {"few_evaluations_suffice_where_descent_needs_many", few_evaluations_suffice_where_descent_needs_many},
    {"global_takes_the_lowest_scores_of_all_groups", global_takes_the_lowest_scores_of_all_groups},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("search_methods", tests)
