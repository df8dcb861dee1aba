/* Speed of the reconstruction objective on the work of two searches with the paper's groups, 1,000 images per cut:
 *   grid     the cuts with 10 coefficients per group from 0 to 0.95 whose nominal sparsity is 20 +- 1 %,
 *            all in one call;
 *   descent  64 iterates on the way to 20 %, each with every coefficient 0.05 more and 0.05 less, in one
 *            call of 11 cuts per iterate.
 * Digits are drawn, and the network has random weights. Every repeat starts with a new objective, whose creation
 * counts. OMP_NUM_THREADS sets the threads. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autoencoder/autoencoder.h"

enum { SEED = 1, IMAGES = 1000, LEVELS = 10, ITERATES = 64, MOST_CUTS = 2000, REPEATS = 5 };

typedef struct {
    esp_network *net;
    esp_grouping grouping;
    esp_ranking  ranking;
    esp_images   images;
} subject;

/* ---- what is measured ---- */

/* Random weights whose layers amplify, so that cuts matter. */
static void randomise(esp_network *net)
{
    esp_network_init_default(net, SEED);
    for (size_t i = 0; i < net->num_weights; i++) net->weights[i] *= 2;
    for (int t = 0; t < net->num_tensors; t++) {
        const esp_layer *layer = &net->layer[net->tensor[t].layer];
        if (t != layer->var) continue;
        for (size_t i = 0; i < net->tensor[t].count; i++) esp_network_weights(net, t)[i] = 0.2f;
    }
}

static esp_status subject_make(subject *out)
{
    esp_status status = esp_autoencoder_create(&out->net);
    if (status != ESP_OK) return status;
    randomise(out->net);
    status = esp_grouping_from_specs(out->net, esp_autoencoder_paper_groups, esp_autoencoder_num_paper_groups,
                                     ESP_ALL_COMPONENTS, &out->grouping);
    if (status == ESP_OK) status = esp_ranking_make(out->net, esp_importance_find("l2"), SEED, NULL, &out->ranking);
    out->images = (esp_images){IMAGES, esp_alloc((size_t)IMAGES * ESP_IMAGE_PIXELS, 1), true};
    esp_digits_draw(0, IMAGES, out->images.pixels);
    return status;
}

/* Fills in the widths of all combinations within the tolerance; returns how many there are. */
static int grid(const subject *s, esp_widths *widths)
{
    int combinations = 1, count = 0, groups = s->grouping.num;
    for (int g = 0; g < groups; g++) combinations *= LEVELS;
    for (int i = 0; i < combinations; i++) {
        double c[ESP_MAX_AXES];
        for (int g = 0, rest = i; g < groups; g++, rest /= LEVELS)
            c[g] = ESP_MAX_COEFFICIENT * (rest % LEVELS) / (LEVELS - 1);
        esp_widths at = esp_widths_of(s->net, &s->grouping, c);
        bool feasible = fabs(esp_nominal_sparsity(s->net, &s->grouping, &at) - 0.2) <= 0.01;
        if (feasible && count < MOST_CUTS) widths[count++] = at;
    }
    return count;
}

/* For 16 iterates each coefficient rises at its own pace; then they wander around the target. */
static int descent(const subject *s, esp_widths *widths)
{
    int count = 0;
    for (int i = 0; i < ITERATES; i++) {
        double c[ESP_MAX_AXES];
        esp_rng rng = esp_rng_make(SEED, ESP_RNG_TEST, (uint64_t)i);
        for (int g = 0; g < s->grouping.num; g++)
            c[g] = fmin(i / 16.0, 1) * (0.1 + 0.2 * ((g + 3) % s->grouping.num) / (s->grouping.num - 1)) +
                   (i ? 0.02 * esp_rng_uniform(&rng) : 0);
        widths[count++] = esp_widths_of(s->net, &s->grouping, c);
        for (int g = 0; g < s->grouping.num; g++)
            for (int side = -1; side <= 1; side += 2) {
                double at = c[g];
                c[g] += 0.05 * side;
                widths[count++] = esp_widths_of(s->net, &s->grouping, c);
                c[g] = at;
            }
    }
    return count;
}

/* ---- measuring ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds of one repeat, from the creation of the objective to its last result. */
static esp_status repeat(const subject *s, int count, const esp_cut *cuts, int at_once, double *performance,
                         double *seconds)
{
    esp_autoencoder_objective *objective = NULL;
    double start = esp_clock();
    esp_status status = esp_autoencoder_objective_create(s->net, &s->ranking, &s->images, IMAGES, &objective);
    for (int i = 0; i < count && status == ESP_OK; i += at_once) {
        int n = count - i < at_once ? count - i : at_once;
        status = esp_autoencoder_objective_performance(objective, n, cuts + i, 1, performance + i);
    }
    *seconds = esp_clock() - start;
    esp_autoencoder_objective_free(objective);
    return status;
}

/* The direct way: a smaller network reconstructs all images. */
static esp_status by_surgery(const subject *s, const esp_cut *cut, double *performance)
{
    esp_network *smaller = NULL;
    esp_reconstruction result;
    esp_status status = esp_surgery(s->net, cut, &smaller);
    if (status == ESP_OK) status = esp_reconstruct(smaller, &s->images, NULL, &result);
    if (status == ESP_OK) *performance = result.psnr_of_mean_mse_db;
    esp_network_free(smaller);
    return status;
}

/* 1e-5 dB is 2e-6 of the error: float32 sums in another order through eight layers. */
static esp_status check(const subject *s, int count, const esp_cut *cuts, const double *performance)
{
    for (int i = 0; i < count; i += count / 7) {
        double expected;
        esp_status status = by_surgery(s, &cuts[i], &expected);
        if (status != ESP_OK) return status;
        if (!(fabs(performance[i] - expected) <= 1e-5))
            return esp_fail(ESP_ERR_NUMERIC, "cut %d has %.9g dB, surgery says %.9g", i, performance[i], expected);
    }
    return ESP_OK;
}

static esp_status measure(const subject *s, const char *name, int count, const esp_widths *widths, int at_once)
{
    esp_cut *cuts = esp_alloc((size_t)count, sizeof *cuts);
    double *performance = esp_alloc((size_t)count, sizeof *performance), seconds[REPEATS], warm;
    for (int i = 0; i < count; i++) esp_cut_make(s->net, &s->ranking, &widths[i], &cuts[i]);
    esp_status status = repeat(s, count < 50 ? count : 50, cuts, at_once, performance, &warm);
    for (int r = 0; r < REPEATS && status == ESP_OK; r++)
        status = repeat(s, count, cuts, at_once, performance, &seconds[r]);
    if (status == ESP_OK) status = check(s, count, cuts, performance);
    if (status == ESP_OK) {
        qsort(seconds, REPEATS, sizeof *seconds, compare); /* of five repeats, p10 and p90 are the least and the most */
        printf("%-8s %7d %8d %8.2f %8.2f %8.2f s\n", name, count, at_once, seconds[REPEATS / 2], seconds[0],
               seconds[REPEATS - 1]);
        fflush(stdout);
    }
    for (int i = 0; i < count; i++) esp_cut_free(&cuts[i]);
    free(performance);
    free(cuts);
    return status;
}

/* ---- the machine ---- */

static void print_machine(void)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "model name", 10) != 0) continue;
        printf("%.*s", (int)sizeof line, strchr(line, ':') ? strchr(line, ':') + 2 : line);
        break;
    }
    if (file) fclose(file);
#ifdef __OPTIMIZE__
    printf("optimised, %s\n", __VERSION__);
#else
    printf("not optimised, %s\n", __VERSION__);
#endif
}

int main(void)
{
    subject s = {0};
    esp_widths *widths = esp_alloc(MOST_CUTS, sizeof *widths);
    esp_status status = subject_make(&s);
    print_machine();
    printf("%d images, %d threads, %d repeats\n\n", IMAGES, omp_get_max_threads(), REPEATS);
    printf("%-8s %7s %8s %8s %8s %8s\n", "search", "cuts", "at once", "median", "p10", "p90");
    if (status == ESP_OK) {
        int count = grid(&s, widths);
        status = measure(&s, "grid", count, widths, count);
    }
    if (status == ESP_OK) {
        int count = descent(&s, widths);
        status = measure(&s, "descent", count, widths, 1 + 2 * s.grouping.num);
    }
    if (status != ESP_OK) fprintf(stderr, "bench_reconstruction: %s\n", esp_error_text());
    esp_ranking_free(&s.ranking);
    esp_network_free(s.net);
    esp_images_free(&s.images);
    free(widths);
    return status != ESP_OK;
}
