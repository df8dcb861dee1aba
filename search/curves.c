/* Sensitivity curves and a knapsack over them (SPDY, Frantar and Alistarh, ICML 2022): every group is cut alone at a
 * few levels, and the cut of all groups with the least predicted loss is found among all combinations at once
 * (elimination.c), with exact parameter counts. The curves do not depend on the target, so with the same journal
 * another target costs a handful of evaluations.
 *
 * How the losses of groups add up depends on what performance is. Where any part can fail the whole, the shares of
 * performance that are kept multiply (-log adds); where performance is the logarithm of an error, errors add (PSNR: 6
 * is 26 dB in nepers of power). And the curve of a group alone is least reliable where all groups are cut deeply at
 * once: mistrust * c^2 is added to every curve. The best cuts under each of these assumptions are evaluated. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elimination/elimination.h"
#include "search/run_internal.h"
#include "search/starts_internal.h"

#define WORST 0.99 /* largest share of the performance lost: greater losses count as this */
#define NEPERS 6
#define TYPICAL_MISTRUST 0.1

typedef enum { SHARES_MULTIPLY, ERRORS_ADD } addition;

static const struct {
    addition addition;
    double   mistrust;
} models[] = {
    {SHARES_MULTIPLY, 0.003}, {SHARES_MULTIPLY, 0.1}, {SHARES_MULTIPLY, 1},
    {ERRORS_ADD, 0.003},      {ERRORS_ADD, 0.1},      {ERRORS_ADD, 1},
};

enum {
    NUM_MODELS = sizeof models / sizeof *models,
    POINTS = 24        /* settings of a group in the knapsack */
};

/* A cut that seems to gain was lucky with its episodes: its loss counts as zero. */
static double lost_of(const esp_search_run *run, double performance)
{
    return fmin(fmax((run->result.baseline - performance) / esp_search_scale(run), 0), WORST);
}

static double loss_of(addition addition, double lost)
{
    return addition == SHARES_MULTIPLY ? -log(1 - lost) : expm1(NEPERS * lost) / NEPERS;
}

/* The closest curve that never falls: neighbours in the wrong order get their mean (pool adjacent violators). A
 * running maximum would let one unlucky evaluation spoil all later levels. */
static void make_monotone(int num, double *loss)
{
    double mean[ESP_CURVE_LEVELS];
    int size[ESP_CURVE_LEVELS], blocks = 0;
    for (int i = 0; i < num; i++) {
        mean[blocks] = loss[i];
        size[blocks++] = 1;
        for (; blocks > 1 && mean[blocks - 2] > mean[blocks - 1]; blocks--) {
            int both = size[blocks - 2] + size[blocks - 1];
            mean[blocks - 2] = (mean[blocks - 2] * size[blocks - 2] + mean[blocks - 1] * size[blocks - 1]) / both;
            size[blocks - 2] = both;
        }
    }
    for (int b = 0, i = 0; b < blocks; b++)
        for (int k = 0; k < size[b]; k++) loss[i++] = mean[b];
}

/* ---- curves ---- */

static void choose_levels(const esp_search_run *run, int g, int num, esp_curve *out)
{
    const esp_group *group = &run->settings->grouping->group[g];
    int last = 0;
    for (int i = 1; i <= num; i++) {
        double wish = group->least + (group->most - group->least) * i / num;
        int level = esp_levels_nearest(run->levels, g, wish);
        if (level != last) out->coefficient[out->num++] = run->levels->coefficient[g][level];
        last = level;
    }
}

static esp_widths cut_alone(const esp_search_run *run, int g, double coefficient)
{
    double c[ESP_MAX_AXES];
    for (int i = 0; i < run->levels->num; i++) c[i] = run->levels->coefficient[i][0];
    c[g] = coefficient;
    return esp_widths_of(run->settings->net, run->settings->grouping, c);
}

esp_status esp_curves_make(esp_search_run *run, int num, esp_curve *curves)
{
    int groups = run->levels->num, count = 0;
    esp_widths *widths = esp_alloc((size_t)(groups * num) + 1, sizeof *widths);
    double *performance = esp_alloc((size_t)(groups * num) + 1, sizeof *performance);
    memset(curves, 0, (size_t)groups * sizeof *curves);
    for (int g = 0; g < groups; g++) {
        choose_levels(run, g, num, &curves[g]);
        for (int i = 0; i < curves[g].num; i++) widths[count++] = cut_alone(run, g, curves[g].coefficient[i]);
    }
    esp_status status = esp_search_judge(run, count, widths, performance);
    for (int g = 0, at = 0; g < groups && status == ESP_OK; g++) {
        for (int i = 0; i < curves[g].num; i++) curves[g].lost[i] = lost_of(run, performance[at++]);
        make_monotone(curves[g].num, curves[g].lost);
    }
    free(performance);
    free(widths);
    return status;
}

/* Predicted loss: linear between the levels, zero below the first, plus mistrust. */
static double predicted(const esp_curve *curve, double least, double coefficient, addition addition, double mistrust)
{
    double c0 = least, loss0 = 0, doubt = mistrust * coefficient * coefficient;
    for (int i = 0; i < curve->num; i++) {
        double c1 = curve->coefficient[i], loss1 = loss_of(addition, curve->lost[i]);
        if (coefficient <= c1) return loss0 + (loss1 - loss0) * fmax(coefficient - c0, 0) / (c1 - c0) + doubt;
        c0 = c1;
        loss0 = loss1;
    }
    return loss0 + doubt;
}

double esp_curves_loss(const esp_search_run *run, const esp_curve *curves, const esp_widths *widths)
{
    double loss = 0;
    for (int g = 0; g < run->levels->num; g++) {
        const esp_group *group = &run->settings->grouping->group[g];
        double c = esp_group_fraction(run->settings->net, group, widths);
        loss += predicted(&curves[g], group->least, c, SHARES_MULTIPLY, TYPICAL_MISTRUST);
    }
    return loss;
}

/* ---- knapsack ---- */

static void predict_choices(const esp_search_run *run, const esp_curve *curves, int model, esp_choices *choices)
{
    for (int g = 0; g < run->levels->num; g++) {
        double least = run->settings->grouping->group[g].least;
        if (!choices->loss[g]) choices->loss[g] = esp_alloc((size_t)choices->count[g], sizeof(double));
        for (int i = 0; i < choices->count[g]; i++)
            choices->loss[g][i] = predicted(&curves[g], least, choices->coefficient[g][i], models[model].addition,
                                            models[model].mistrust);
    }
}

/* The best combination of choices that removes no more than necessary; projected to the target when a choice, which
 * is a step of several units, went beyond it. */
static esp_status solve(esp_search_run *run, const esp_choices *choices, esp_widths *widths)
{
    esp_elimination *elimination = NULL;
    int choice[ESP_MAX_AXES];
    double coefficient[ESP_MAX_AXES];
    const esp_objective_config *settings = run->settings;
    const esp_target *target = &run->config->target;
    esp_status status = esp_elimination_create(settings->net, settings->grouping, choices, ESP_LEAST, &elimination);
    if (status == ESP_OK) status = esp_elimination_best(elimination, target->sparsity - target->tolerance, choice);
    esp_elimination_free(elimination);
    if (status != ESP_OK) return status;
    for (int g = 0; g < run->levels->num; g++) coefficient[g] = choices->coefficient[g][choice[g]];
    *widths = esp_widths_of(settings->net, settings->grouping, coefficient);
    if (esp_search_feasible(run, widths)) return ESP_OK;
    return esp_project(run->levels, target, coefficient, widths);
}

esp_status esp_curves_candidates(esp_search_run *run, const esp_curve *curves, int *num, esp_widths *widths)
{
    esp_choices choices;
    esp_choices_make(run->levels, run->settings->grouping, POINTS, &choices);
    esp_status status = ESP_OK;
    *num = 0;
    for (int i = 0; i < NUM_MODELS && status == ESP_OK; i++) {
        predict_choices(run, curves, i, &choices);
        status = solve(run, &choices, &widths[*num]);
        if (status == ESP_OK)             ++*num;
        if (status == ESP_ERR_INFEASIBLE) status = ESP_OK; /* the units are too coarse in this direction */
    }
    esp_choices_free(&choices);
    return status;
}

int esp_curves_affordable(const esp_search_run *run, int evaluations)
{
    int movable = 0;
    for (int g = 0; g < run->levels->num; g++) movable += run->levels->count[g] > 1;
    int affordable = movable > 0 ? (evaluations - NUM_MODELS) / movable : 0;
    return affordable < run->config->levels ? affordable : run->config->levels;
}

_Static_assert((int)NUM_MODELS <= (int)ESP_CURVE_CANDIDATES, "a caller's array holds all candidates");
