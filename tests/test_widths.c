/* Widths: rounding, and sparsity from counts against networks that are really cut. */
#include "check.h"
#include "pruned_networks.h"

static void some_units_always_stay(void)
{
    for (int n = 1; n <= 600; n++) {
        esp_network *net = esp_network_new();
        esp_network_axis(net, "units", n, true);
        esp_grouping grouping = {.num = 1, .round_to = 1, .ceiling = ESP_MAX_COEFFICIENT,
                                 .group = {{.num_axes = 1, .axis = {0}, .most = 1}}};
        double most = ESP_MAX_COEFFICIENT, all = 1;
        int kept = esp_widths_of(net, &grouping, &most).kept[0];
        CU_ASSERT(kept >= 1 && kept >= n - n * 19 / 20);
        CU_ASSERT_EQUAL(esp_widths_of(net, &grouping, &all).kept[0], n - n * 19 / 20);
        esp_network_free(net);
    }
}

static void coefficients_round_to_the_nearest_unit(void)
{
    esp_network *net = small_network();
    esp_grouping grouping;
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
    const double c[] = {0.22, 0.29}; /* 1.54 of 7 and 1.45 of 5 units */
    esp_widths widths = esp_widths_of(net, &grouping, c);
    CU_ASSERT_EQUAL(widths.kept[0], 3);
    CU_ASSERT_EQUAL(widths.kept[1], 5);
    CU_ASSERT_EQUAL(widths.kept[2], 4);
    CU_ASSERT_DOUBLE_EQUAL(esp_group_fraction(net, &grouping.group[0], &widths), 2.0 / 7, 1e-15);
    esp_network_free(net);
}

/* Kept units of one axis of n units under a group's bounds and rounding. */
static int kept_of(int n, int round_to, double least, double most, double coefficient)
{
    esp_network *net = esp_network_new();
    esp_network_axis(net, "units", n, true);
    esp_grouping grouping = {.num = 1, .round_to = round_to, .ceiling = ESP_MAX_COEFFICIENT,
                             .group = {{.num_axes = 1, .axis = {0}, .least = least, .most = most}}};
    int kept = esp_widths_of(net, &grouping, &coefficient).kept[0];
    esp_network_free(net);
    return kept;
}

static void rounded_widths_are_multiples_or_whole_and_the_nearest(void)
{
    for (int n = 1; n <= 100; n += 3) {
        for (int round_to = 1; round_to <= 16; round_to++) {
            for (int removed = 0; removed <= n; removed++) {
                int kept = kept_of(n, round_to, 0, ESP_MAX_COEFFICIENT, (double)removed / n);
                int fewest = n - n * 19 / 20, wish = n - removed < fewest ? fewest : n - removed, nearest = n;
                for (int w = fewest; w <= n; w++)
                    if ((w % round_to == 0 || w == n) && abs(w - wish) < abs(nearest - wish)) nearest = w;
                CU_ASSERT(kept == n || kept % round_to == 0);
                CU_ASSERT(kept >= fewest && kept <= n);
                CU_ASSERT_EQUAL(abs(kept - wish), abs(nearest - wish));
            }
        }
    }
}

static void bounds_hold_and_rounding_stays_within_them_where_it_can(void)
{
    for (int percent = 0; percent <= 100; percent += 5) {
        CU_ASSERT_EQUAL(kept_of(512, 8, 0, 0, percent / 100.0), 512);
        CU_ASSERT_EQUAL(kept_of(50, 1, 0.5, 0.5, percent / 100.0), 25);
        int kept = kept_of(512, 8, 0.3, 0.61, percent / 100.0); /* 200 to 358 */
        CU_ASSERT(kept >= 200 && kept <= 352);
    }
    CU_ASSERT_EQUAL(kept_of(512, 8, 0.1, 0.1, 0), 464); /* 461 is not a multiple */
    CU_ASSERT_EQUAL(kept_of(7, 8, 0.5, 0.5, 0), 7);     /* no multiple fits */
}

static void realised_coefficients_reproduce_every_width(void)
{
    esp_network *net = agent_network_of(32, 50, 512);
    esp_grouping grouping;
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
    for (int removed = 0; removed <= 486; removed++) {
        double c[ESP_MAX_AXES] = {0};
        c[5] = removed / 512.0;
        esp_widths widths = esp_widths_of(net, &grouping, c);
        CU_ASSERT_EQUAL(widths.kept[grouping.group[5].axis[0]], 512 - removed);
        CU_ASSERT_EQUAL(esp_group_fraction(net, &grouping.group[5], &widths), c[5]);
    }
    esp_network_free(net);
}

static void parameters_from_counts_equal_those_of_the_cut_network(void)
{
    esp_network *net = agent_network_of(8, 6, 16);
    for (uint64_t seed = 0; seed < 300; seed++) {
        esp_widths widths = random_widths(net, seed);
        esp_network *cut = esp_network_describe(net);
        for (int i = 0; i < net->num_axes; i++) cut->axis[i].size = widths.kept[i];
        CHECK_OK(esp_network_finish(cut));
        for (unsigned components = 1; components < 64; components += 5)
            CU_ASSERT_EQUAL(esp_widths_params(net, &widths, components), esp_network_params(cut, components));
        double removed = (double)(net->num_weights - cut->num_weights) / (double)net->num_weights;
        CU_ASSERT_EQUAL(esp_structural_sparsity(net, &widths, ESP_ALL_COMPONENTS), removed);
        esp_network_free(cut);
    }
    esp_network_free(net);
}

static void sparsity_of_a_policy_ignores_what_it_never_runs(void)
{
    esp_network *net = agent_network();
    unsigned policy = 1u << esp_network_find_component(net, "_encoder") | 1u << esp_network_find_component(net, "_pi");
    esp_widths widths = esp_widths_full(net);
    widths.kept[esp_network_find_axis(net, "dynamics.hidden1")] = 1;
    CU_ASSERT_EQUAL(esp_structural_sparsity(net, &widths, policy), 0);
    CU_ASSERT(esp_structural_sparsity(net, &widths, ESP_ALL_COMPONENTS) > 0.18);
    widths.kept[esp_network_find_axis(net, "pi.hidden2")] = 256;
    CU_ASSERT_EQUAL(esp_structural_sparsity(net, &widths, policy), (256 * 512 + 256 + 256) / 362003.0);
    esp_network_free(net);
}

/* The coefficients of Table VII: 20.25 % by Eq. (1b). */
static void nominal_sparsity_is_equation_1b(void)
{
    const double c[] = {0.0531, 0.0586, 0.06, 0.2040, 0.2286, 0.2370, 0.2441, 0.2258, 0, 0};
    esp_network *net = agent_network();
    esp_grouping grouping;
    CHECK_OK(esp_grouping_from_specs(net, table_iv, TABLE_IV, ESP_ALL_COMPONENTS, &grouping));
    esp_widths widths = esp_widths_of(net, &grouping, c);
    double removed = 0, total = 0;
    for (int g = 0; g < grouping.num; g++) {
        int n = g < 3 ? 32 : 512;
        removed += round(c[g] * n) / n * (double)grouping.group[g].params;
        total += (double)grouping.group[g].params;
    }
    CU_ASSERT_DOUBLE_EQUAL(esp_nominal_sparsity(net, &grouping, &widths), removed / total, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(removed / total, 0.2025, 1e-3);
    CU_ASSERT_EQUAL(esp_constrained_sparsity(net, &grouping, &widths),
                    esp_nominal_sparsity(net, &grouping, &widths));
    esp_network_free(net);
}

static void smooth_sparsity_equals_the_exact_one_at_whole_units(void)
{
    esp_network *net = agent_network();
    for (int paper = 0; paper < 2; paper++) {
        esp_grouping grouping;
        double c[ESP_MAX_AXES];
        if (paper) CHECK_OK(esp_grouping_from_specs(net, table_iv, TABLE_IV, ESP_ALL_COMPONENTS, &grouping));
        else       esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
        for (int g = 0; g < grouping.num; g++) {
            int n = net->axis[grouping.group[g].axis[0]].size;
            c[g] = (double)((g + 1) * n / 20) / n;
        }
        esp_widths widths = esp_widths_of(net, &grouping, c);
        CU_ASSERT_DOUBLE_EQUAL(esp_smooth_sparsity(net, &grouping, c, NULL),
                               esp_constrained_sparsity(net, &grouping, &widths), 1e-12);
    }
    esp_network_free(net);
}

static void smooth_gradient_matches_central_difference(void)
{
    esp_network *net = agent_network();
    for (int paper = 0; paper < 2; paper++) {
        esp_grouping grouping;
        double c[ESP_MAX_AXES], gradient[ESP_MAX_AXES];
        if (paper) CHECK_OK(esp_grouping_from_specs(net, table_iv, TABLE_IV, 0x2fu, &grouping));
        else       esp_grouping_structural(net, 0x2fu, &grouping);
        for (int g = 0; g < grouping.num; g++) c[g] = 0.03 * (g + 1);
        esp_smooth_sparsity(net, &grouping, c, gradient);
        for (int g = 0; g < grouping.num; g++) {
            double at = c[g], h = 1e-5; /* the cubic term of a product of two widths is zero */
            c[g] = at + h;
            double above = esp_smooth_sparsity(net, &grouping, c, NULL);
            c[g] = at - h;
            double below = esp_smooth_sparsity(net, &grouping, c, NULL);
            c[g] = at;
            CU_ASSERT_DOUBLE_EQUAL(gradient[g], (above - below) / (2 * h), 1e-9);
        }
    }
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"some_units_always_stay", some_units_always_stay},
    {"coefficients_round_to_the_nearest_unit", coefficients_round_to_the_nearest_unit},
    {"rounded_widths_are_multiples_or_whole_and_the_nearest", rounded_widths_are_multiples_or_whole_and_the_nearest},
    {"bounds_hold_and_rounding_stays_within_them_where_it_can",
     bounds_hold_and_rounding_stays_within_them_where_it_can},
    {"realised_coefficients_reproduce_every_width", realised_coefficients_reproduce_every_width},
    {"parameters_from_counts_equal_those_of_the_cut_network", parameters_from_counts_equal_those_of_the_cut_network},
    {"sparsity_of_a_policy_ignores_what_it_never_runs", sparsity_of_a_policy_ignores_what_it_never_runs},
    {"nominal_sparsity_is_equation_1b", nominal_sparsity_is_equation_1b},
    {"smooth_sparsity_equals_the_exact_one_at_whole_units", smooth_sparsity_equals_the_exact_one_at_whole_units},
    {"smooth_gradient_matches_central_difference", smooth_gradient_matches_central_difference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("widths", tests)
