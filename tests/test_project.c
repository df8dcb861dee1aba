/* Projection: the cut along any direction has the target sparsity. */
#include <math.h>

#include "check.h"
#include "pruned_networks.h"

/* A network with structural groups and their levels. */
typedef struct {
    esp_network  *net;
    esp_grouping *grouping;
    esp_levels    levels;
} subject;

/* Takes ownership of the network. */
static subject subject_of(esp_network *net)
{
    subject s = {.net = net, .grouping = esp_alloc(1, sizeof *s.grouping)};
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, s.grouping);
    esp_levels_make(net, s.grouping, &s.levels);
    return s;
}

static void subject_free(subject *s)
{
    esp_levels_free(&s->levels);
    free(s->grouping);
    esp_network_free(s->net);
}

static double sparsity_at(const subject *s, const esp_widths *widths)
{
    return esp_constrained_sparsity(s->net, s->grouping, widths);
}

static void projection_of_any_direction_comes_within_tolerance(void)
{
    subject s = subject_of(agent_network_of(16, 20, 64));
    for (int seed = 0; seed < 200; seed++) {
        esp_rng rng = esp_rng_make((uint64_t)seed, ESP_RNG_TEST, 5);
        double direction[ESP_MAX_AXES];
        for (int g = 0; g < s.grouping->num; g++)
            direction[g] = esp_rng_below(&rng, 3) == 0 ? 0 : pow(esp_rng_uniform(&rng), 4); /* some reach the limit */
        const esp_target target = {0.95 * esp_rng_uniform(&rng), 0.003};
        esp_widths widths;
        CHECK_OK(esp_project(&s.levels, &target, direction, &widths));
        CU_ASSERT(fabs(sparsity_at(&s, &widths) - target.sparsity) <= 0.003);
        for (int i = 0; i < s.net->num_axes; i++) {
            int n = s.net->axis[i].size;
            CU_ASSERT(widths.kept[i] >= n - n * 19 / 20 && (s.net->axis[i].prunable || widths.kept[i] == n));
        }
    }
    subject_free(&s);
}

static void projection_keeps_the_proportions_of_its_direction(void)
{
    subject s = subject_of(agent_network());
    double direction[ESP_MAX_AXES] = {0};
    direction[5] = 1;
    direction[6] = 2;
    direction[7] = 1;
    const esp_target target = {0.2, 0.01};
    esp_widths widths;
    CHECK_OK(esp_project(&s.levels, &target, direction, &widths));
    double five = esp_group_fraction(s.net, &s.grouping->group[5], &widths);
    for (int g = 0; g < s.grouping->num; g++) {
        double fraction = esp_group_fraction(s.net, &s.grouping->group[g], &widths);
        CU_ASSERT_DOUBLE_EQUAL(fraction, direction[g] * five, 2.0 / 512);
    }
    CU_ASSERT_DOUBLE_EQUAL(sparsity_at(&s, &widths), 0.2, 0.001); /* the closest step, not the first within 0.01 */
    subject_free(&s);
}

static void exchange_of_units_finds_what_single_moves_miss(void)
{
    subject s = subject_of(small_network());
    int reached = 0;
    for (int one = 1; one <= 7; one++) {
        for (int two = 1; two <= 5; two++) {
            esp_widths aim = esp_widths_full(s.net), widths;
            aim.kept[1] = one;
            aim.kept[2] = two;
            const esp_target target = {sparsity_at(&s, &aim), 0.001};
            const double equal[ESP_MAX_AXES] = {0};
            if (esp_project(&s.levels, &target, equal, &widths) != ESP_OK) continue;
            CU_ASSERT_DOUBLE_EQUAL(sparsity_at(&s, &widths), target.sparsity, 0.001);
            reached++;
        }
    }
    CU_ASSERT(reached >= 28); /* of 35: the rest needs more than one exchange */
    subject_free(&s);
}

static void equal_cut_takes_the_same_fraction_of_every_group(void)
{
    subject s = subject_of(agent_network_of(16, 20, 64));
    const esp_target target = {0.5, 0.02};
    esp_ranking ranking;
    esp_cut cut;
    CHECK_OK(esp_ranking_make(s.net, esp_importance_find("l2"), 0, NULL, &ranking));
    CHECK_OK(esp_cut_equal(s.net, s.grouping, &ranking, &target, &cut));
    CU_ASSERT(esp_target_met(&s.levels, &target, &cut.widths));
    double first = esp_group_fraction(s.net, &s.grouping->group[0], &cut.widths);
    for (int g = 0; g < s.grouping->num; g++) { /* within a unit of the smallest axis, 16 channels */
        CU_ASSERT_DOUBLE_EQUAL(esp_group_fraction(s.net, &s.grouping->group[g], &cut.widths), first, 1.0 / 16);
    }
    esp_cut_free(&cut);
    const esp_target beyond = {0.99, 0};
    CHECK_FAILS(ESP_ERR_INFEASIBLE, esp_cut_equal(s.net, s.grouping, &ranking, &beyond, &cut), "the nearest is");
    esp_ranking_free(&ranking);
    subject_free(&s);
}

static CU_TestInfo tests[] = {
    {"projection_of_any_direction_comes_within_tolerance", projection_of_any_direction_comes_within_tolerance},
    {"projection_keeps_the_proportions_of_its_direction", projection_keeps_the_proportions_of_its_direction},
    {"exchange_of_units_finds_what_single_moves_miss", exchange_of_units_finds_what_single_moves_miss},
    {"equal_cut_takes_the_same_fraction_of_every_group", equal_cut_takes_the_same_fraction_of_every_group},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("project", tests)
