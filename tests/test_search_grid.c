/* The grid: survivors counted without enumeration equal those enumerated, samples of them are
 * uniform, and stage 1 touches no network. */
#include "check.h"
#include "pruned_networks.h"
#include "synthetic_performance.h"

static esp_search_config grid_config(double sparsity, double tolerance, int points)
{
    esp_search_config config = esp_search_config_default();
    config.sparsity = sparsity;
    config.tolerance = tolerance;
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
    double sparsity = esp_structural_sparsity(b->net, &widths, b->config.components), size = 0, removed = 0;
    for (int i = 0; i < b->grouping.num; i++) { /* Eq. (1b) */
        size += (double)b->grouping.group[i].params;
        removed += c[i] * (double)b->grouping.group[i].params;
    }
    if (!b->grouping.structural_constraint) sparsity = removed / size;
    ++*combinations;
    *survivors += fabs(sparsity - config->sparsity) <= config->tolerance + 1e-12;
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
    CU_ASSERT_EQUAL(result.evaluations, 1 + fmin(survivors, config->samples));
}

static void counts_equal_enumeration_on_chains_and_trees(void)
{
    for (int kind = 0; kind < 3; kind++) {
        bench b;
        bench_start(&b, kind == 0 ? small_network() : agent_network_of(4, 6, 8));
        if (kind == 1) esp_grouping_structural(b.net, 0x21u, &b.grouping), b.config.components = 0x21u;
        if (kind == 2) esp_grouping_structural(b.net, 0x03u, &b.grouping), b.config.components = 0x03u;
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
    b.config.components = 0x09u;
    for (int i = 0; i < 8; i++) {
        esp_search_config config = grid_config(0.1 + 0.1 * i, 0.01, 6);
        check_counts(&b, &config);
    }
    bench_end(&b);
}

/* ---- the paper's cases ---- */

static void autoencoder_of_the_paper_has_971_survivors(void)
{
    const int width[] = {784, 652, 520, 388, 256, 388, 520, 652, 784};
    const char *name[] = {"pixels", "e1", "e2", "e3", "latent", "d1", "d2", "d3", "image"};
    static const esp_group_spec table_ii[] = {{"Encoder 1", false, {"e3"}, {NULL}}, {"Encoder 2", false, {"e2"}, {NULL}},
                                              {"Decoder 1", false, {"d3"}, {NULL}}, {"Decoder 2", false, {"d2"}, {NULL}},
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

/* 10^10 and 4 x 10^14 combinations: no enumeration to compare with, but the counts over windows that
 * tile the range add up to all of them. */
static void windows_that_tile_the_range_count_every_combination(void)
{
    for (int paper = 0; paper < 2; paper++) {
        bench b;
        bench_start(&b, agent_network());
        if (paper) CHECK_OK(esp_grouping_from_specs(b.net, table_iv, TABLE_IV, ESP_ALL_COMPONENTS, &b.grouping));
        double sum = 0, combinations = 0;
        for (int i = 0; i < (paper ? 10 : 3); i++) {
            /* edges that no sum of whole parameters meets */
            double width = paper ? 0.1 : 1.0 / 3, edge = 1e-9 * M_PI;
            esp_search_config config = grid_config((i + 0.5) * width - edge, 0.5 * width, 10);
            config.samples = 3;
            esp_search_result result;
            CHECK_OK(bench_search(&b, "grid", &config, &result));
            combinations = result.combinations;
            sum += result.survivors;
            CU_ASSERT(fabs(config.sparsity - (paper ? result.nominal : result.structural)) <= config.tolerance);
        }
        CU_ASSERT_EQUAL(combinations, paper ? 1e10 : 1e15);
        CU_ASSERT_EQUAL(sum, combinations);
        bench_end(&b);
    }
}

static CU_TestInfo tests[] = {
    {"counts_equal_enumeration_on_chains_and_trees", counts_equal_enumeration_on_chains_and_trees},
    {"counts_equal_enumeration_with_nominal_sparsity", counts_equal_enumeration_with_nominal_sparsity},
    {"autoencoder_of_the_paper_has_971_survivors", autoencoder_of_the_paper_has_971_survivors},
    {"windows_that_tile_the_range_count_every_combination", windows_that_tile_the_range_count_every_combination},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("search_grid", tests)
