/* Search: the objective evaluates every cut once, gradient descent finds what hurts, and nothing depends on chance or
 * on when the search was stopped. */
#include <limits.h>
#include <signal.h>

#include "check.h"
#include "pruned_networks.h"
#include "synthetic_performance.h"

/* A middle-sized agent: 15 groups, 36,000 parameters. */
static esp_network *middle_agent(void)
{
    return agent_network_of(16, 20, 64);
}

static esp_search_config target(double sparsity)
{
    esp_search_config config = esp_search_config_default();
    config.target.sparsity = sparsity;
    return config;
}

static bool same_point(const bench *b, const esp_search_result *x, const esp_search_result *y)
{
    return memcmp(x->widths.kept, y->widths.kept, (size_t)b->net->num_axes * sizeof(int)) == 0 &&
           x->performance == y->performance && x->evaluations == y->evaluations && x->iterations == y->iterations;
}

/* ---- the objective ---- */

static void equal_widths_are_evaluated_once(void)
{
    bench b;
    bench_start(&b, small_network());
    b.performance.limit[0] = 0.5;
    esp_objective *objective = NULL;
    CHECK_OK(esp_objective_create(&b.config, &objective));
    esp_widths full = esp_widths_full(b.net), less = full;
    less.kept[1] = 4;
    const esp_widths batch[] = {full, less, full, less, less};
    double performance[5];
    CHECK_OK(esp_objective_evaluate(objective, 5, batch, 1, performance));
    CU_ASSERT_EQUAL(b.performance.evaluations, 2);
    CU_ASSERT_EQUAL(performance[0], 845);
    CU_ASSERT_EQUAL(performance[2], 845);
    CU_ASSERT_EQUAL(performance[1], synthetic_truth(&b.performance, &less));
    CU_ASSERT_EQUAL(performance[4], performance[1]);
    CHECK_OK(esp_objective_evaluate(objective, 5, batch, 1, performance));
    CU_ASSERT_EQUAL(b.performance.calls, 1);
    CU_ASSERT_EQUAL(esp_objective_evaluations(objective), 2);
    CU_ASSERT_EQUAL(esp_objective_left(objective), INT_MAX);
    esp_objective_free(objective);
    bench_end(&b);
}

static void spent_budget_leaves_nan_and_no_error(void)
{
    bench b;
    bench_start(&b, small_network());
    b.config.budget = 3;
    esp_objective *objective = NULL;
    CHECK_OK(esp_objective_create(&b.config, &objective));
    esp_widths batch[5];
    double performance[5];
    for (int i = 0; i < 5; i++) {
        batch[i] = esp_widths_full(b.net);
        batch[i].kept[1] = 7 - i / 2 * 2 - (i == 3); /* 7 7 5 4 3 */
    }
    CHECK_OK(esp_objective_evaluate(objective, 5, batch, 1, performance));
    for (int i = 0; i < 5; i++) CU_ASSERT_EQUAL(isnan(performance[i]) != 0, i == 4);
    CU_ASSERT_EQUAL(esp_objective_left(objective), 0);
    CHECK_OK(esp_objective_evaluate(objective, 2, &batch[3], 1, performance));
    CU_ASSERT(!isnan(performance[0]) && isnan(performance[1]));
    esp_objective_free(objective);
    b.config.budget = 1;
    CHECK_FAILS(ESP_ERR_RANGE, esp_objective_create(&b.config, &objective), "at least 2");
    bench_end(&b);
}

static void cuts_are_evaluated_in_batches_of_the_requested_size(void)
{
    bench b;
    bench_start(&b, middle_agent());
    esp_widths batch[50];
    double performance[50];
    for (int i = 0; i < 50; i++) {
        batch[i] = esp_widths_full(b.net);
        batch[i].kept[esp_network_find_axis(b.net, "pi.hidden1")] -= i;
    }
    const int at_once[] = {0, 1, 20, 1000}, expected[] = {16, 1, 20, 50};
    for (int i = 0; i < 4; i++) {
        esp_objective *objective = NULL;
        b.config.at_once = at_once[i];
        b.performance.largest_batch = 0;
        CHECK_OK(esp_objective_create(&b.config, &objective));
        CHECK_OK(esp_objective_evaluate(objective, 50, batch, 1, performance));
        CU_ASSERT_EQUAL(b.performance.largest_batch, expected[i]);
        esp_objective_free(objective);
    }
    b.config.at_once = -1;
    CHECK_FAILS(ESP_ERR_RANGE, esp_objective_create(&b.config, NULL), "at_once");
    bench_end(&b);
}

static esp_status failing_performance(void *context, int n, const esp_cut *cuts, int scale, double *performance)
{
    (void)cuts;
    (void)scale;
    bool *number = context;
    for (int i = 0; i < n; i++) performance[i] = NAN;
    return *number ? ESP_OK : esp_fail(ESP_ERR_MACHINE, "the renderer is gone");
}

static void failed_evaluation_is_reported_and_forgotten(void)
{
    bench b;
    bool number = false;
    bench_start(&b, small_network());
    b.config.performance = failing_performance;
    b.config.context = &number;
    esp_objective *objective = NULL;
    CHECK_OK(esp_objective_create(&b.config, &objective));
    esp_widths full = esp_widths_full(b.net);
    double performance = 1;
    CHECK_FAILS(ESP_ERR_MACHINE, esp_objective_evaluate(objective, 1, &full, 1, &performance), "the renderer is gone");
    CU_ASSERT_EQUAL(esp_objective_evaluations(objective), 0);
    number = true;
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_objective_evaluate(objective, 1, &full, 1, &performance),
                "expected a finite number");
    CU_ASSERT_EQUAL(esp_objective_evaluations(objective), 0);
    esp_objective_free(objective);
    bench_end(&b);
}

/* ---- targets ---- */

static void shared_coefficient_cuts_its_axes_alike(void)
{
    bench b;
    bench_start(&b, agent_network());
    CHECK_OK(esp_grouping_from_specs(b.net, table_iv, TABLE_IV, ESP_ALL_COMPONENTS, &b.grouping));
    esp_search_config config = target(0.2);
    esp_search_result result;
    CHECK_OK(bench_search(&b, "random", &config, &result));
    const esp_group *shared = &b.grouping.group[9];
    for (int i = 1; i < 4; i++)
        CU_ASSERT_EQUAL(result.widths.kept[shared->axis[i]], result.widths.kept[shared->axis[0]]);
    CU_ASSERT_DOUBLE_EQUAL(result.nominal, 0.2, 0.01);
    bench_end(&b);
}

static void unreachable_target_names_the_nearest_sparsity(void)
{
    bench b;
    bench_start(&b, small_network());
    esp_search_config config = target(0.99);
    esp_search_result result;
    /* 1 of 7 and 1 of 5 units leave 4 + 2 + 4 of 80 parameters. */
    CHECK_FAILS(ESP_ERR_INFEASIBLE, bench_search(&b, "gd", &config, &result),
                "reaches sparsity 0.99 +- 0.01: the nearest is 0.875; raise --tolerance or lower --sparsity");
    config = target(0.03);
    CHECK_FAILS(ESP_ERR_INFEASIBLE, bench_search(&b, "magnitude", &config, &result), "the nearest is");
    CU_ASSERT_EQUAL(b.performance.evaluations, 0);
    bench_end(&b);
}

/* ---- methods ---- */

static void descent_leaves_the_group_that_hurts_alone(void)
{
    bench b;
    bench_start(&b, middle_agent());
    for (int hurting = 4; hurting < 15; hurting += 5) { /* the latent, and hidden units of two heads */
        memset(b.performance.limit, 0, sizeof b.performance.limit);
        b.performance.limit[hurting] = 0.1;
        esp_search_config config = target(0.3);
        esp_search_result result, equal;
        CHECK_OK(bench_search(&b, "gd", &config, &result));
        CHECK_OK(bench_search(&b, "magnitude", &config, &equal));
        CU_ASSERT(result.coefficient[hurting] <= 0.05);
        CU_ASSERT(result.performance >= 0.95 * 845);
        CU_ASSERT(equal.performance < 0.5 * 845);
        CU_ASSERT_DOUBLE_EQUAL(result.structural, 0.3, 0.01);
        CU_ASSERT_EQUAL(result.baseline, 845);
    }
    bench_end(&b);
}

static void draw_limits(bench *b, uint64_t seed, double lowest, double range)
{
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 6);
    for (int g = 0; g < b->grouping.num; g++) {
        double u = esp_rng_uniform(&rng);
        b->performance.limit[g] = lowest + range * u * u;
    }
}

static void descent_beats_the_baselines_in_spite_of_noise(void)
{
    bench b;
    bench_start(&b, middle_agent());
    b.performance.noise = 0.02;
    double sums[3] = {0};
    const char *methods[] = {"gd", "magnitude", "random"};
    for (uint64_t seed = 0; seed < 4; seed++) {
        draw_limits(&b, seed, 0.3, 0.4);
        for (int m = 0; m < 3; m++) {
            esp_search_config config = target(0.2);
            esp_search_result result;
            CHECK_OK(bench_search(&b, methods[m], &config, &result));
            sums[m] += synthetic_truth(&b.performance, &result.widths) / 4;
        }
    }
    CU_ASSERT(sums[0] > sums[1] + 20);
    CU_ASSERT(sums[0] > sums[2] + 20);
    bench_end(&b);
}

/* The agent of Table III: 10 strides to 20 %, 20 strides to 80 %, and a few iterations at the target. */
static void descent_reaches_its_target_in_few_iterations(void)
{
    const double sparsity[] = {0.2, 0.8}, range[] = {0.4, 3.5};
    const int fewest[] = {10, 20}, most[] = {20, 40};
    bench b;
    bench_start(&b, agent_network());
    for (int i = 0; i < 2; i++) {
        draw_limits(&b, 1, 0.3, range[i]);
        esp_search_config config = target(sparsity[i]);
        esp_search_result result;
        config.finalists = 1;
        CHECK_OK(bench_search(&b, "gd", &config, &result));
        CU_ASSERT(result.iterations >= fewest[i] && result.iterations <= most[i]);
        CU_ASSERT(result.evaluations <= 31 * (result.iterations + 1));
        CU_ASSERT_DOUBLE_EQUAL(result.structural, sparsity[i], 0.01);
        config.iterations = i == 0 ? 11 : 22;
        CHECK_OK(bench_search(&b, "gd", &config, &result));
        CU_ASSERT_EQUAL(result.iterations, config.iterations);
        CU_ASSERT_DOUBLE_EQUAL(result.structural, sparsity[i], 0.01);
    }
    bench_end(&b);
}

static void one_iteration_is_evaluated_in_full_batches(void)
{
    bench b;
    bench_start(&b, middle_agent());
    esp_search_config config = target(0.2);
    config.iterations = 4;
    esp_search_result result;
    CHECK_OK(bench_search(&b, "gd", &config, &result));
    /* the uncut network, four iterations of at most 31 candidates in batches of 16, the end point */
    CU_ASSERT(b.performance.calls > 1 + 4 && b.performance.calls <= 1 + 4 * 2 + 1);
    CU_ASSERT_EQUAL(b.performance.largest_batch, 16);
    bench_end(&b);
}

static void searches_are_deterministic(void)
{
    bench b;
    bench_start(&b, middle_agent());
    b.performance.noise = 0.05;
    draw_limits(&b, 3, 0.3, 0.5);
    const char *drawing = "grid evolve random"; /* another seed, another result */
    /* Methods that draw as well, but whose common starting point may stay the best. */
    const char *maybe = "nlopt:crs2 nlopt:isres";
    for (const esp_search_method *method = esp_search_methods; method->name; method++) {
        esp_search_config config = target(0.3);
        esp_search_result first, second;
        CHECK_OK(bench_search(&b, method->name, &config, &first));
        CHECK_OK(bench_search(&b, method->name, &config, &second));
        CU_ASSERT(same_point(&b, &first, &second));
        config.seed = 2;
        CHECK_OK(bench_search(&b, method->name, &config, &second));
        if (!strstr(maybe, method->name))
            CU_ASSERT_EQUAL(same_point(&b, &first, &second), strstr(drawing, method->name) == NULL);
    }
    bench_end(&b);
}

static void every_method_keeps_target_and_budget(void)
{
    const double targets[] = {0, 0.05, 0.2, 0.5, 0.8, 0.95};
    const int budgets[] = {2, 10, 40, 100};
    bench b;
    bench_start(&b, middle_agent());
    draw_limits(&b, 4, 0.3, 1);
    for (const esp_search_method *method = esp_search_methods; method->name; method++) {
        for (int t = 0; t < 6; t++) {
            for (int i = 0; i < 4; i++) {
                esp_search_config config = target(targets[t]);
                esp_search_result result;
                b.config.budget = budgets[i];
                b.performance.evaluations = 0;
                CHECK_OK(bench_search(&b, method->name, &config, &result));
                CU_ASSERT(b.performance.evaluations <= budgets[i]);
                CU_ASSERT_EQUAL(b.performance.evaluations, result.evaluations);
                CU_ASSERT_DOUBLE_EQUAL(result.structural, targets[t], 0.01 + 1e-12);
                CU_ASSERT_EQUAL(result.performance, synthetic_truth(&b.performance, &result.widths));
            }
        }
    }
    bench_end(&b);
}

/* 200 evaluations are 6 iterations: too few for strides of 0.025, so the strides are longer. */
static void descent_arrives_within_its_budget(void)
{
    bench b;
    bench_start(&b, middle_agent());
    b.performance.limit[5] = 0.1;
    b.config.budget = 200;
    esp_search_config config = target(0.5);
    esp_search_result result;
    config.finalists = 1;
    CHECK_OK(bench_search(&b, "gd", &config, &result));
    CU_ASSERT(result.iterations >= 6 && result.iterations <= 12);
    CU_ASSERT(result.coefficient[5] <= 0.05);
    CU_ASSERT_DOUBLE_EQUAL(result.structural, 0.5, 0.01);
    bench_end(&b);
}

static void performance_of_zero_or_below_is_searched_like_any_other(void)
{
    bench b;
    bench_start(&b, middle_agent());
    b.performance.limit[6] = 0.1;
    for (int i = 0; i < 3; i++) {
        b.performance.height = i == 2 ? 0 : 845;
        b.performance.offset = i == 0 ? -845 : i == 1 ? -2000 : 0; /* P(0) = 0, negative, always 0 */
        esp_search_config config = target(0.3);
        esp_search_result result;
        CHECK_OK(bench_search(&b, "gd", &config, &result));
        CU_ASSERT(isfinite(result.performance));
        CU_ASSERT_DOUBLE_EQUAL(result.structural, 0.3, 0.01);
        if (i < 2) CU_ASSERT(result.coefficient[6] <= 0.05);
    }
    bench_end(&b);
}

static void more_random_draws_do_no_worse(void)
{
    bench b;
    bench_start(&b, middle_agent());
    draw_limits(&b, 5, 0.2, 0.5);
    esp_search_config config = target(0.3);
    double last = -INFINITY;
    config.finalists = 1;
    for (config.draws = 1; config.draws <= 64; config.draws *= 4) {
        esp_search_result result;
        CHECK_OK(bench_search(&b, "random", &config, &result));
        CU_ASSERT_EQUAL(result.evaluations, 1 + config.draws);
        CU_ASSERT(result.performance >= last);
        last = result.performance;
    }
    bench_end(&b);
}

static void magnitude_cuts_every_group_by_the_same_fraction(void)
{
    bench b;
    bench_start(&b, agent_network());
    esp_search_config config = target(0.2);
    esp_search_result result;
    CHECK_OK(bench_search(&b, "magnitude", &config, &result));
    CU_ASSERT_EQUAL(result.evaluations, 2);
    for (int g = 0; g < b.grouping.num; g++) {
        int n = b.net->axis[b.grouping.group[g].axis[0]].size;
        CU_ASSERT_DOUBLE_EQUAL(result.coefficient[g], result.coefficient[5], 0.5 / n + 0.5 / 512 + 1e-12);
    }
    bench_end(&b);
}

/* ---- words and bounds ---- */

static void unknown_method_is_answered_with_the_known_ones(void)
{
    CU_ASSERT_PTR_EQUAL(esp_search_find("gd"), &esp_search_methods[0]);
    CU_ASSERT_PTR_NULL(esp_search_find("magnitud"));
    CU_ASSERT(strstr(esp_error_text(), "expected gd|grid|sensitivity|") != NULL);
    CU_ASSERT(strstr(esp_error_text(), ", found 'magnitud'") != NULL);
}

static void configuration_outside_its_bounds_is_refused_by_key(void)
{
    bench b;
    bench_start(&b, small_network());
    const struct { size_t offset; double value; const char *key; } wrong[] = {
        {offsetof(esp_search_config, target.sparsity), -0.1, "target sparsity"},
        {offsetof(esp_search_config, target.sparsity), 1, "target sparsity"},
        {offsetof(esp_search_config, target.sparsity), NAN, "target sparsity"},
        {offsetof(esp_search_config, target.tolerance), -0.01, "tolerance"},
        {offsetof(esp_search_config, lambda), 0, "search.lambda"},
        {offsetof(esp_search_config, rate), INFINITY, "search.rate"},
        {offsetof(esp_search_config, momentum), 1, "search.momentum"},
        {offsetof(esp_search_config, difference), 0, "search.difference"},
        {offsetof(esp_search_config, difference), 0.96, "search.difference"},
    };
    esp_search_result result;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        esp_search_config config = target(0.2);
        *(double *)((char *)&config + wrong[i].offset) = wrong[i].value;
        CHECK_FAILS(ESP_ERR_RANGE, bench_search(&b, "gd", &config, &result), wrong[i].key);
    }
    esp_search_config config = target(0.2);
    config.iterations = 0;
    CHECK_FAILS(ESP_ERR_RANGE, bench_search(&b, "gd", &config, &result),
                "'search.iterations' must be a whole number from 1 to 100000, found 0");
    bench_end(&b);
}

/* The range and default of every key stand in one place: a program may set what a file or --set may set. */
static void every_search_key_is_checked_against_the_range_it_documents(void)
{
    for (int i = 0; i < esp_search_num_fields; i++) {
        const esp_field *field = &esp_search_fields[i];
        const double values[] = {field->min - 1, field->min, field->max, field->max + field->max};
        for (int k = 0; k < 4; k++) {
            esp_search_config config = target(0.2);
            void *member = (char *)&config + field->offset;
            if (field->type == ESP_INT) *(int *)member = (int)values[k];
            else                        *(double *)member = values[k];
            if (k == 1 || k == 2) CHECK_OK(esp_search_config_check(&config));
            else                  CHECK_FAILS(ESP_ERR_RANGE, esp_search_config_check(&config), field->path);
        }
    }
}

static esp_status interrupted_performance(void *context, int n, const esp_cut *cuts, int scale, double *performance)
{
    synthetic *s = context;
    if (s->calls == 3) raise(SIGINT);
    return synthetic_performance(context, n, cuts, scale, performance);
}

/* This test comes last, since the request to stop stays for the rest of the program. */
static void interrupted_search_stops_at_the_next_batch(void)
{
    bench b;
    bench_start(&b, middle_agent());
    b.config.performance = interrupted_performance;
    esp_interrupt_install();
    esp_search_config config = target(0.3);
    esp_search_result result;
    CHECK_FAILS(ESP_ERR_INTERRUPTED, bench_search(&b, "gd", &config, &result), "interrupted");
    CU_ASSERT_EQUAL(b.performance.calls, 4);
    bench_end(&b);
}

static void count_blindness(void *context, esp_log_level level, const char *line)
{
    *(int *)context += level == ESP_LOG_WARNING && strstr(line, "cannot judge its cuts");
}

static void network_without_performance_causes_a_warning(void)
{
    const double heights[] = {845, 0, 1e-12};
    esp_search_config config = target(0.2);
    esp_search_result result;
    for (int i = 0; i < 3; i++) {
        int warnings = 0;
        bench b;
        bench_start(&b, middle_agent());
        b.performance.height = heights[i];
        esp_log_to(count_blindness, NULL, &warnings);
        CHECK_OK(bench_search(&b, "magnitude", &config, &result));
        esp_log_to(NULL, NULL, NULL);
        CU_ASSERT_EQUAL(warnings, heights[i] < 1e-9);
        CU_ASSERT_EQUAL(result.judged, heights[i] > 1e-9);
        bench_end(&b);
    }
}

/* Between them they have every key, and a key that none of them has would be of no use. */
static void every_key_is_read_by_a_method_and_every_method_names_keys_that_exist(void)
{
    for (int f = 0; f < esp_search_num_fields; f++) {
        int readers = 0;
        for (const esp_search_method *m = esp_search_methods; m->name; m++)
            readers += esp_search_reads(m, esp_search_fields[f].path);
        CU_ASSERT(readers > 0);
    }
    for (const esp_search_method *m = esp_search_methods; m->name; m++) {
        char word[ESP_CONFIG_TEXT], path[ESP_CONFIG_TEXT + 8];
        for (int i = 0; m->keys && (esp_choice_word(m->keys, i, word), *word); i++) {
            snprintf(path, sizeof path, "search.%s", word);
            CU_ASSERT(esp_config_has(esp_search_fields, esp_search_num_fields, path));
        }
    }
}

/* What a method reads decides what it returns: a key that it does not name changes nothing. */
static void method_returns_the_same_whatever_the_keys_that_it_does_not_read(void)
{
    for (const esp_search_method *m = esp_search_methods; m->name; m++) {
        esp_search_config plain = target(0.3), other = plain;
        plain.draws = other.draws = 3;
        plain.generations = other.generations = 2;
        plain.iterations = other.iterations = 2;
        plain.samples = other.samples = 20;
        if (!esp_search_reads(m, "search.iterations")) other.iterations = 5;
        if (!esp_search_reads(m, "search.generations")) other.generations = 5;
        if (!esp_search_reads(m, "search.draws")) other.draws = 7;
        if (!esp_search_reads(m, "search.grid")) other.grid = 4;
        if (!esp_search_reads(m, "search.samples")) other.samples = 50;
        if (!esp_search_reads(m, "search.levels")) other.levels = 3;
        if (!esp_search_reads(m, "search.finalists")) other.finalists = 2;
        if (!esp_search_reads(m, "search.rate")) other.rate = 0.2;
        esp_search_result one, two;
        bench b;
        bench_start(&b, middle_agent());
        CHECK_OK(bench_search(&b, m->name, &plain, &one));
        CHECK_OK(bench_search(&b, m->name, &other, &two));
        CU_ASSERT(esp_widths_equal(b.net, &one.widths, &two.widths));
        CU_ASSERT_EQUAL(one.evaluations, two.evaluations);
        bench_end(&b);
    }
}

static void first_failure_by_index_is_the_one_raised(void)
{
    esp_error errors[4] = {{ESP_OK, ""}, {ESP_OK, ""}, {ESP_ERR_IO, "second"}, {ESP_ERR_NUMERIC, "third"}};
    CHECK_FAILS(ESP_ERR_IO, esp_error_first(errors, 4), "second");
    CU_ASSERT_EQUAL(esp_error_first(errors, 2), ESP_OK);
}

static CU_TestInfo tests[] = {
    {"equal_widths_are_evaluated_once", equal_widths_are_evaluated_once},
    {"spent_budget_leaves_nan_and_no_error", spent_budget_leaves_nan_and_no_error},
    {"cuts_are_evaluated_in_batches_of_the_requested_size", cuts_are_evaluated_in_batches_of_the_requested_size},
    {"failed_evaluation_is_reported_and_forgotten", failed_evaluation_is_reported_and_forgotten},
    {"shared_coefficient_cuts_its_axes_alike", shared_coefficient_cuts_its_axes_alike},
    {"unreachable_target_names_the_nearest_sparsity", unreachable_target_names_the_nearest_sparsity},
    {"descent_leaves_the_group_that_hurts_alone", descent_leaves_the_group_that_hurts_alone},
    {"descent_beats_the_baselines_in_spite_of_noise", descent_beats_the_baselines_in_spite_of_noise},
    {"descent_reaches_its_target_in_few_iterations", descent_reaches_its_target_in_few_iterations},
    {"one_iteration_is_evaluated_in_full_batches", one_iteration_is_evaluated_in_full_batches},
    {"searches_are_deterministic", searches_are_deterministic},
    {"every_method_keeps_target_and_budget", every_method_keeps_target_and_budget},
    {"descent_arrives_within_its_budget", descent_arrives_within_its_budget},
    {"performance_of_zero_or_below_is_searched_like_any_other",
     performance_of_zero_or_below_is_searched_like_any_other},
    {"more_random_draws_do_no_worse", more_random_draws_do_no_worse},
    {"magnitude_cuts_every_group_by_the_same_fraction", magnitude_cuts_every_group_by_the_same_fraction},
    {"unknown_method_is_answered_with_the_known_ones", unknown_method_is_answered_with_the_known_ones},
    {"configuration_outside_its_bounds_is_refused_by_key", configuration_outside_its_bounds_is_refused_by_key},
    {"every_search_key_is_checked_against_the_range_it_documents",
     every_search_key_is_checked_against_the_range_it_documents},
    {"every_key_is_read_by_a_method_and_every_method_names_keys_that_exist",
     every_key_is_read_by_a_method_and_every_method_names_keys_that_exist},
    {"method_returns_the_same_whatever_the_keys_that_it_does_not_read",
     method_returns_the_same_whatever_the_keys_that_it_does_not_read},
    {"network_without_performance_causes_a_warning",
     network_without_performance_causes_a_warning},
    {"first_failure_by_index_is_the_one_raised", first_failure_by_index_is_the_one_raised},
    {"interrupted_search_stops_at_the_next_batch", interrupted_search_stops_at_the_next_batch},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("search", tests)
