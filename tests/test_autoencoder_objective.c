/* The reconstruction objective: the performance of a cut is exactly that of the cut network, whatever else was or is
 * being evaluated. */
#include <omp.h>
#include <signal.h>

#include "allocations.h"
#include "autoencoder/autoencoder.h"
#include "check.h"
#include "search/search.h"

enum { POOL = 200, CUTS = 24 };

static uint8_t pixels[POOL * ESP_IMAGE_PIXELS];
static const esp_images images = {POOL, pixels, true};
static esp_network *net;
static esp_ranking ranking;
static esp_widths widths[CUTS]; /* the full network, one unit everywhere, then random widths with common prefixes */
static esp_cut cuts[CUTS];

/* Random weights whose layers amplify, so that a unit lost anywhere changes the picture, and running statistics as
 * varied as those of a trained network. */
static void randomise(void)
{
    esp_network_init_default(net, 1);
    for (size_t i = 0; i < net->num_weights; i++) net->weights[i] *= 2;
    for (int t = 0; t < net->num_tensors; t++) {
        const esp_tensor *tensor = &net->tensor[t];
        const esp_layer *layer = &net->layer[tensor->layer];
        float *values = esp_network_weights(net, t);
        if (layer->kind != ESP_LAYER_BATCHNORM) continue;
        esp_rng rng = esp_rng_make(3, ESP_RNG_TEST, (uint64_t)t);
        esp_rng_normal(&rng, values, tensor->count);
        for (size_t i = 0; i < tensor->count; i++)
            values[i] = t == layer->weight ? 1 + 0.2f * values[i] : t == layer->var ? 0.1f + 0.1f * fabsf(values[i])
                                                                                  : 0.1f * values[i];
    }
}

/* Keeps half of the widths of the cut before, from the input on, so that cuts share layers. */
static void draw_widths(void)
{
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    for (int i = 0; i < CUTS; i++) {
        widths[i] = i > 2 ? widths[i - 1] : esp_widths_full(net);
        int changed = (int)esp_rng_below(&rng, (uint32_t)net->num_axes);
        for (int axis = 0; axis < net->num_axes; axis++) {
            int size = net->axis[axis].size;
            if (!net->axis[axis].prunable || i == 0) continue;
            if (i == 1) widths[i].kept[axis] = 1;
            else if (i == 2 || axis >= changed) widths[i].kept[axis] = 1 + (int)esp_rng_below(&rng, (uint32_t)size);
        }
    }
}

static void make_subject(void)
{
    CHECK_OK(esp_autoencoder_create(&net));
    randomise();
    CHECK_OK(esp_ranking_make(net, esp_importance_find("random"), 5, NULL, &ranking));
    draw_widths();
    for (int i = 0; i < CUTS; i++) esp_cut_make(net, &ranking, &widths[i], &cuts[i]);
    esp_digits_draw(0, POOL, pixels);
}

static void free_subject(void)
{
    for (int i = 0; i < CUTS; i++) esp_cut_free(&cuts[i]);
    esp_ranking_free(&ranking);
    esp_network_free(net);
}

static esp_autoencoder_objective *objective_of(int count)
{
    esp_autoencoder_objective *objective = NULL;
    CHECK_OK(esp_autoencoder_objective_create(net, &ranking, &images, count, &objective));
    return objective;
}

/* The direct way: a smaller network, and both of its components on all images at once. */
static double by_surgery(const esp_cut *cut, int count)
{
    esp_network *smaller = NULL;
    CHECK_OK(esp_surgery(net, cut, &smaller));
    size_t values = (size_t)count * ESP_IMAGE_PIXELS;
    float *x = esp_alloc(values, sizeof *x);
    for (size_t i = 0; i < values; i++) x[i] = (float)pixels[i] / 255;
    esp_tape *encoder = esp_tape_create(smaller, ESP_AUTOENCODER_ENCODER, count);
    esp_tape *decoder = esp_tape_create(smaller, ESP_AUTOENCODER_DECODER, count);
    const float *y = esp_forward(smaller, decoder, esp_forward(smaller, encoder, x, count), count);
    double sum = 0;
    for (size_t i = 0; i < values; i++) sum += ((double)y[i] - x[i]) * ((double)y[i] - x[i]);
    esp_tape_free(encoder);
    esp_tape_free(decoder);
    esp_network_free(smaller);
    free(x);
    return -10 * log10(sum / (double)values);
}

/* 1e-5 dB is 2e-6 of the error: float32 sums of up to 784 products in another order, and BatchNorm
 * multiplied into the weights, through eight layers; rounding errors of pixels average out. */
static void check_against_surgery(int count)
{
    esp_autoencoder_objective *objective = objective_of(count);
    double performance[CUTS];
    CHECK_OK(esp_autoencoder_objective_performance(objective, CUTS, cuts, 1, performance));
    for (int i = 0; i < CUTS; i++) CU_ASSERT_DOUBLE_EQUAL(performance[i], by_surgery(&cuts[i], count), 1e-5);
    /* The cuts differ in performance. */
    for (int i = 1; i < CUTS; i++) CU_ASSERT(fabs(performance[i] - performance[i - 1]) > 1e-3);
    esp_autoencoder_objective_free(objective);
}

static void performance_is_that_of_the_cut_network(void)
{
    check_against_surgery(128);
}

static void any_number_of_images_is_counted_exactly(void)
{
    const int counts[] = {1, 15, 64, 65, POOL};
    for (int i = 0; i < 5; i++) check_against_surgery(counts[i]);
}

static void results_do_not_depend_on_other_cuts_order_or_history(void)
{
    esp_autoencoder_objective *together = objective_of(POOL), *alone = objective_of(POOL);
    double expected[CUTS], performance[CUTS];
    esp_cut reversed[CUTS];
    CHECK_OK(esp_autoencoder_objective_performance(together, CUTS, cuts, 1, expected));
    for (int i = 0; i < CUTS; i++) reversed[i] = cuts[CUTS - 1 - i];
    CHECK_OK(esp_autoencoder_objective_performance(together, CUTS, reversed, 1, performance));
    for (int i = 0; i < CUTS; i++) CU_ASSERT_EQUAL(performance[i], expected[CUTS - 1 - i]);
    for (int i = 0; i < CUTS; i++) {
        double number;
        CHECK_OK(esp_autoencoder_objective_performance(alone, 1, &cuts[i], 1, &number));
        CU_ASSERT_EQUAL(number, expected[i]);
    }
    for (int i = 0; i < CUTS; i++) {
        esp_autoencoder_objective *fresh = objective_of(POOL);
        CHECK_OK(esp_autoencoder_objective_performance(fresh, 1, &cuts[i], 1, performance));
        CU_ASSERT_EQUAL(performance[0], expected[i]);
        esp_autoencoder_objective_free(fresh);
    }
    esp_autoencoder_objective_free(alone);
    esp_autoencoder_objective_free(together);
}

static void results_do_not_depend_on_threads(void)
{
    double expected[CUTS], performance[CUTS];
    int before = omp_get_max_threads();
    for (int threads = 1; threads <= 3; threads++) {
        omp_set_num_threads(threads);
        esp_autoencoder_objective *objective = objective_of(POOL);
        CHECK_OK(esp_autoencoder_objective_performance(objective, CUTS, cuts, 1, performance));
        if (threads == 1) memcpy(expected, performance, sizeof expected);
        CU_ASSERT_EQUAL(memcmp(performance, expected, sizeof expected), 0);
        omp_set_num_threads(4 - threads); /* more or fewer threads than it was made for */
        CHECK_OK(esp_autoencoder_objective_performance(objective, CUTS, cuts, 1, performance));
        CU_ASSERT_EQUAL(memcmp(performance, expected, sizeof expected), 0);
        esp_autoencoder_objective_free(objective);
    }
    omp_set_num_threads(before);
}

static void scale_multiplies_the_images_up_to_all_there_are(void)
{
    const int scales[] = {1, 3, 2, 1000000000, 1}, counts[] = {70, POOL, 140, POOL, 70};
    esp_autoencoder_objective *objective = objective_of(70);
    for (int i = 0; i < 5; i++) {
        esp_autoencoder_objective *other = objective_of(counts[i]);
        double performance[CUTS], expected[CUTS];
        CHECK_OK(esp_autoencoder_objective_performance(objective, CUTS, cuts, scales[i], performance));
        CHECK_OK(esp_autoencoder_objective_performance(other, CUTS, cuts, 1, expected));
        CU_ASSERT_EQUAL(memcmp(performance, expected, sizeof expected), 0);
        esp_autoencoder_objective_free(other);
    }
    esp_autoencoder_objective_free(objective);
}

static void equal_cuts_get_equal_numbers(void)
{
    esp_autoencoder_objective *objective = objective_of(70);
    const esp_cut twice[] = {cuts[4], cuts[9], cuts[4]};
    double performance[3];
    CHECK_OK(esp_autoencoder_objective_performance(objective, 3, twice, 1, performance));
    CU_ASSERT_EQUAL(performance[0], performance[2]);
    CU_ASSERT_NOT_EQUAL(performance[0], performance[1]);
    esp_autoencoder_objective_free(objective);
}

static void search_objective_passes_its_cuts_on(void)
{
    esp_autoencoder_objective *context = objective_of(64);
    esp_grouping grouping;
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
    esp_objective_config config = {.net = net, .grouping = &grouping, .ranking = &ranking,
                                   .context = context, .at_once = CUTS,
                                   .performance = esp_autoencoder_objective_performance};
    esp_objective *objective = NULL;
    double performance[CUTS], expected[CUTS];
    CHECK_OK(esp_objective_create(&config, &objective));
    CHECK_OK(esp_objective_evaluate(objective, CUTS, widths, 1, performance));
    CHECK_OK(esp_autoencoder_objective_performance(context, CUTS, cuts, 1, expected));
    CU_ASSERT_EQUAL(memcmp(performance, expected, sizeof expected), 0);
    esp_objective_free(objective);
    esp_autoencoder_objective_free(context);
}

static long allocations_of(esp_autoencoder_objective *objective, int n)
{
    double performance[CUTS];
    start_counting();
    esp_status status = esp_autoencoder_objective_performance(objective, n, cuts, 1, performance);
    long count = stop_counting();
    CHECK_OK(status);
    return count;
}

static void allocations_do_not_grow_with_the_work(void)
{
    esp_autoencoder_objective *objective = objective_of(POOL), *small = objective_of(1);
    allocations_of(objective, CUTS); /* the first call starts threads */
    long few = allocations_of(small, 1);
    CU_ASSERT(!COUNTS_ALLOCATIONS || few > 0);
    for (int i = 0; i < 3; i++) CU_ASSERT_EQUAL(allocations_of(objective, CUTS), few);
    esp_autoencoder_objective_free(objective);
    esp_autoencoder_objective_free(small);
}

static void cut_of_another_ranking_is_refused_by_axis(void)
{
    esp_autoencoder_objective *objective = objective_of(1);
    esp_ranking other;
    esp_cut foreign;
    double performance = 7;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("random"), 6, NULL, &other));
    esp_cut_make(net, &other, &widths[5], &foreign);
    CHECK_FAILS(ESP_ERR_SHAPE, esp_autoencoder_objective_performance(objective, 1, &foreign, 1, &performance),
                "hidden");
    CU_ASSERT_EQUAL(performance, 7);
    esp_cut_free(&foreign);
    esp_ranking_free(&other);
    esp_autoencoder_objective_free(objective);
}

static void no_images_are_refused(void)
{
    esp_autoencoder_objective *objective = NULL;
    const esp_images none = {0, NULL, true};
    CHECK_FAILS(ESP_ERR_RANGE, esp_autoencoder_objective_create(net, &ranking, &images, 0, &objective), "at least 1");
    CHECK_FAILS(ESP_ERR_RANGE, esp_autoencoder_objective_create(net, &ranking, &none, 5, &objective), "at least 1");
    CU_ASSERT_PTR_NULL(objective);
}

static void layer_that_is_not_a_product_is_refused_by_name(void)
{
    esp_network *other = esp_network_new();
    int in = esp_network_axis(other, "in", 4, false), out = esp_network_axis(other, "out", 4, false);
    esp_network_component(other, "net");
    esp_network_dense(other, "net.0", esp_dim_of(in), esp_dim_of(out), ESP_ACT_NONE);
    esp_network_norm(other, ESP_LAYER_LAYERNORM, "net.1", out, ESP_ACT_TANH);
    CHECK_OK(esp_network_finish(other));
    esp_ranking order;
    CHECK_OK(esp_ranking_make(other, esp_importance_find("l1"), 0, NULL, &order));
    esp_autoencoder_objective *objective = NULL;
    CHECK_FAILS(ESP_ERR_SHAPE, esp_autoencoder_objective_create(other, &order, &images, 1, &objective), "'net.1'");
    esp_ranking_free(&order);
    esp_network_free(other);
}

/* This test comes last, because an interruption cannot be taken back. */
static void interrupted_evaluation_says_so(void)
{
    esp_autoencoder_objective *objective = objective_of(POOL);
    double performance[CUTS];
    esp_interrupt_install();
    raise(SIGINT);
    CHECK_FAILS(ESP_ERR_INTERRUPTED, esp_autoencoder_objective_performance(objective, CUTS, cuts, 1, performance),
                "interrupted");
    esp_autoencoder_objective_free(objective);
    free_subject();
}

static CU_TestInfo tests[] = {
    {"(the subject)", make_subject},
    {"performance_is_that_of_the_cut_network", performance_is_that_of_the_cut_network},
    {"any_number_of_images_is_counted_exactly", any_number_of_images_is_counted_exactly},
    {"results_do_not_depend_on_other_cuts_order_or_history", results_do_not_depend_on_other_cuts_order_or_history},
    {"results_do_not_depend_on_threads", results_do_not_depend_on_threads},
    {"scale_multiplies_the_images_up_to_all_there_are", scale_multiplies_the_images_up_to_all_there_are},
    {"equal_cuts_get_equal_numbers", equal_cuts_get_equal_numbers},
    {"search_objective_passes_its_cuts_on", search_objective_passes_its_cuts_on},
    {"allocations_do_not_grow_with_the_work", allocations_do_not_grow_with_the_work},
    {"cut_of_another_ranking_is_refused_by_axis", cut_of_another_ranking_is_refused_by_axis},
    {"no_images_are_refused", no_images_are_refused},
    {"layer_that_is_not_a_product_is_refused_by_name", layer_that_is_not_a_product_is_refused_by_name},
    {"interrupted_evaluation_says_so", interrupted_evaluation_says_so},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("autoencoder objective", tests)
