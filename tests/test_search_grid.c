/* The grid: survivors counted without enumeration equal those enumerated, samples of them are
 * uniform, and stage 1 touches no network. */
#include "check.h"
#include "pruned_networks.h"
#include "synthetic_performance.h"

static esp_search_config grid_config(double sparsity, double tolerance, int points)
{
    esp_search_config config = esp_search_config_default();
    config.target.sparsity = sparsity;
    config.target.tolerance = tolerance;
    config.grid = points;
    config.finalists = 1;
    return config;
}

/* ---- brute force ---- */

/* Distinct settings of a group on the grid, as coefficients. */
static int settings_of(const bench *b, int g, int points, double *coefficient)
{
    int num = 0;
    double c[ESP_MAX_AXES] = {0};
    esp_widths last;
    for (int i = 0; i < points; i++) {
        c[g] = ESP_MAX_COEFFICIENT * i / (points - 1);
        esp_widths widths = esp_widths_of(b->net, &b->grouping, c);
        if (i == 0 || memcmp(&widths, &last, sizeof widths) != 0) coefficient[num++] = c[g];
        last = widths;
    }
    return num;
}

static void enumerate(const bench *b, const esp_search_config *config, int g, double coefficient[][64],
                      const int *count, double *c, double *combinations, double *survivors)
{
    if (g < b->grouping.num) {
        for (int i = 0; i < count[g]; i++) {
            c[g] = coefficient[g][i];
            enumerate(b, config, g + 1, coefficient, count, c, combinations, survivors);
        }
        return;
    }
    esp_widths widths = esp_widths_of(b->net, &b->grouping, c);
    double sparsity = esp_structural_sparsity(b->net, &widths, b->grouping.components), size = 0, removed = 0;
    for (int i = 0; i < b->grouping.num; i++) { /* Eq. (1b) */
        size += (double)b->grouping.group[i].params;
        removed += c[i] * (double)b->grouping.group[i].params;
    }
    if (!b->grouping.structural_constraint) sparsity = removed / size;
    ++*combinations;
    *survivors += fabs(sparsity - config->target.sparsity) <= config->target.tolerance + 1e-12;
}

static void check_counts(bench *b, const esp_search_config *config)
{
    double coefficient[ESP_MAX_AXES][64], c[ESP_MAX_AXES], combinations = 0, survivors = 0;
    int count[ESP_MAX_AXES];
    for (int g = 0; g < b->grouping.num; g++) count[g] = settings_of(b, g, config->grid, coefficient[g]);
    enumerate(b, config, 0, coefficient, count, c, &combinations, &survivors);
    esp_search_result result;
    esp_status status = bench_search(b, "grid", config, &result);
    CU_ASSERT_EQUAL(status, survivors > 0 ? ESP_OK : ESP_ERR_INFEASIBLE);
    if (status != ESP_OK) return;
    CU_ASSERT_EQUAL(result.combinations, combinations);
    CU_ASSERT_EQUAL(result.survivors, survivors);
    double evaluated = 1 + fmin(survivors, config->samples); /* and the equal cut, in case rounding spoils all others */
    CU_ASSERT(result.evaluations == evaluated || result.evaluations == evaluated + 1);
}

static void counts_equal_enumeration_on_chains_and_trees(void)
{
    for (int kind = 0; kind < 3; kind++) {
        bench b;
        bench_start(&b, kind == 0 ? small_network() : agent_network_of(4, 6, 8));
        if (kind == 1) esp_grouping_structural(b.net, 0x21u, &b.grouping);
        if (kind == 2) esp_grouping_structural(b.net, 0x03u, &b.grouping);
        for (int i = 0; i < 8; i++) {
            esp_search_config config = grid_config(0.1 + 0.1 * i, 0.003 * (1 + i % 3), kind == 0 ? 7 : 4);
            check_counts(&b, &config);
        }
        bench_end(&b);
    }
}

static void counts_equal_enumeration_with_nominal_sparsity(void)
{
    bench b;
    bench_start(&b, agent_network_of(8, 6, 24));
    CHECK_OK(esp_grouping_from_specs(b.net, table_iv, TABLE_IV, 0x09u, &b.grouping));
    for (int i = 0; i < 8; i++) {
        esp_search_config config = grid_config(0.1 + 0.1 * i, 0.01, 6);
        check_counts(&b, &config);
    }
    bench_end(&b);
}

/* ---- samples ---- */

enum { BINS = 4096 };

/* Counts how often each cut is evaluated, by a hash of its widths. */
static esp_status count_cuts(void *context, int n, const esp_cut *cuts, int scale, double *performance)
{
    int *bins = context;
    (void)scale;
    for (int i = 0; i < n; i++) {
        uint64_t hash = 0;
        for (int a = 0; a < 10; a++) hash = hash * 31 + (uint64_t)cuts[i].widths.kept[a];
        bins[hash % BINS] += n > 1; /* the uncut network is evaluated alone */
        performance[i] = 1;
    }
    return ESP_OK;
}

/* Chi-square of k bins has mean k - 1 and variance 2 (k - 1). Samples without replacement vary less, by the share of
 * survivors that are not drawn. */
static void samples_of_the_survivors_are_uniform(void)
{
    bench b;
    int all[BINS] = {0}, drawn[BINS] = {0}, bins = 0;
    bench_start(&b, agent_network_of(4, 6, 8));
    esp_grouping_structural(b.net, 0x03u, &b.grouping);
    b.config.performance = count_cuts;
    b.config.context = all;
    esp_search_config config = grid_config(0.5, 0.05, 4);
    esp_search_result result;
    CHECK_OK(bench_search(&b, "grid", &config, &result));
    CU_ASSERT(result.survivors > 100);
    b.config.context = drawn;
    config.samples = 20;
    for (config.seed = 0; config.seed < 500; config.seed++) CHECK_OK(bench_search(&b, "grid", &config, &result));
    double expected = 500 * 20 / result.survivors, chi = 0;
    for (int i = 0; i < BINS; i++) {
        if (all[i] != 1) continue; /* hashes that collide */
        chi += (drawn[i] - expected) * (drawn[i] - expected) / expected;
        bins++;
    }
    CU_ASSERT(bins > 0.9 * result.survivors);
    chi /= 1 - 20 / result.survivors;
    CU_ASSERT(fabs(chi - bins) < 5 * sqrt(2.0 * bins));
    bench_end(&b);
}

static void empty_grid_names_the_nearest_sparsity(void)
{
    bench b;
    bench_start(&b, small_network());
    esp_search_config config = grid_config(0.33, 0.01, 2); /* 7 or 1 and 5 or 1 units */
    esp_search_result result;
    CHECK_FAILS(ESP_ERR_INFEASIBLE, bench_search(&b, "grid", &config, &result),
                "none of 4 points of the grid has sparsity 0.33 +- 0.01: the nearest is");
    bench_end(&b);
}

/* ---- the paper's cases ---- */

static void autoencoder_of_the_paper_has_971_survivors(void)
{
    const int width[] = {784, 652, 520, 388, 256, 388, 520, 652, 784};
    const char *name[] = {"pixels", "e1", "e2", "e3", "latent", "d1", "d2", "d3", "image"};
    static const esp_group_spec table_ii[] = {{"Encoder 1", false, {"e3"}, {NULL}},
                                               {"Encoder 2", false, {"e2"}, {NULL}},
                                              {"Decoder 1", false, {"d3"}, {NULL}},
                                               {"Decoder 2", false, {"d2"}, {NULL}},
                                              {"Latent", true, {"latent"}, {NULL}}};
    esp_network *net = esp_network_new();
    for (int i = 0; i < 9; i++) esp_network_axis(net, name[i], width[i], i != 0 && i != 8);
    esp_network_component(net, "both");
    for (int i = 0; i < 8; i++) {
        char module[ESP_NAME];
        snprintf(module, sizeof module, "both.%d", i);
        esp_network_dense(net, module, esp_dim_of(i), esp_dim_of(i + 1), ESP_ACT_NONE);
    }
    CHECK_OK(esp_network_finish(net));
    bench b;
    bench_start(&b, net);
    CHECK_OK(esp_grouping_from_specs(net, table_ii, 5, ESP_ALL_COMPONENTS, &b.grouping));
    esp_search_config config = grid_config(0.2, 0.01, 10);
    esp_search_result result;
    CHECK_OK(bench_search(&b, "grid", &config, &result));
    CU_ASSERT_EQUAL(result.combinations, 1e5);
    CU_ASSERT_EQUAL(result.survivors, 971);
    CU_ASSERT_EQUAL(result.evaluations, 972);
    bench_end(&b);
}

/* 10^10 and 4 x 10^14 combinations are too many to enumerate, but the counts over windows that tile the range must
 * add up to all of them. */
static void windows_that_tile_the_range_count_every_combination(void)
{
    for (int paper = 0; paper < 2; paper++) {
        bench b;
        bench_start(&b, agent_network());
        if (paper) CHECK_OK(esp_grouping_from_specs(b.net, table_iv, TABLE_IV, ESP_ALL_COMPONENTS, &b.grouping));
        double sum = 0, combinations = 0;
        for (int i = 0; i < (paper ? 10 : 3); i++) {
            /* edges that no sum of whole parameters hits */
            double width = paper ? 0.1 : 1.0 / 3, edge = 1e-9 * M_PI;
            esp_search_config config = grid_config((i + 0.5) * width - edge, 0.5 * width, 10);
            config.samples = 3;
            esp_search_result result;
            CHECK_OK(bench_search(&b, "grid", &config, &result));
            combinations = result.combinations;
            sum += result.survivors;
            CU_ASSERT(fabs(config.target.sparsity - (paper ? result.nominal : result.structural)) <=
                      config.target.tolerance);
        }
        CU_ASSERT_EQUAL(combinations, paper ? 1e10 : 1e15);
        CU_ASSERT_EQUAL(sum, combinations);
        bench_end(&b);
    }
}

static CU_TestInfo tests[] = {
    {"counts_equal_enumeration_on_chains_and_trees", counts_equal_enumeration_on_chains_and_trees},
    {"counts_equal_enumeration_with_nominal_sparsity", counts_equal_enumeration_with_nominal_sparsity},
    {"samples_of_the_survivors_are_uniform", samples_of_the_survivors_are_uniform},
    {"empty_grid_names_the_nearest_sparsity", empty_grid_names_the_nearest_sparsity},
    {"autoencoder_of_the_paper_has_971_survivors", autoencoder_of_the_paper_has_971_survivors},
    {"windows_that_tile_the_range_count_every_combination", windows_that_tile_the_range_count_every_combination},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("search_grid", tests)
