/* Level-switch evolution on the feasible set (EvoPress, Sieberling et al., ICML 2025): offspring move units between
 * groups so that sparsity is preserved; all of them are judged at scale 1, the few that look better than their parent
 * at a larger scale, and the best of these becomes the next parent. It starts from the best of the equal cut, the
 * cuts of one ranking over all groups and, when a third of the budget pays for curves, the cuts that sensitivity
 * predicts. */
#include <math.h>
#include <string.h>

#include "search/methods_internal.h"
#include "search/run_internal.h"
#include "search/starts_internal.h"

enum {
    OFFSPRING = 8,
    BROOD = 8,            /* mutations drawn per offspring; the one with the least predicted loss is used */
    SURVIVORS = 2,
    SCALE = 4,            /* scale of survivors */
    SCALED = 120,         /* budget from which survivors are worth their cost */
    ATTEMPTS = 16,        /* to get an offspring that differs from its parent */
    PATIENCE = 8          /* generations without a new parent before giving up, without a budget */
};

#define LARGEST 0.25      /* largest coefficient moved by a switch; the smallest is 1/16 of it */

typedef struct {
    esp_search_run *run;
    int        scale;     /* scale of parents and survivors */
    esp_starts starts;
    esp_widths parent;
    double     seen, kept; /* performance of the parent at scale 1 and at `scale` */
    int        stale;      /* generations since the last new parent */
} evolution;

/* ---- mutation ---- */

static double miss(const esp_search_run *run, const int *level)
{
    esp_widths widths = esp_levels_widths(run->levels, level);
    double sparsity = esp_constrained_sparsity(run->settings->net, run->settings->grouping, &widths);
    return sparsity - run->config->target.sparsity;
}

/* Sets a group to the level that brings the sparsity closest to the target. */
static void balance(const esp_search_run *run, int g, int *level)
{
    int low = 0, high = run->levels->count[g] - 1;
    while (high - low > 1) {
        level[g] = (low + high) / 2;
        if (miss(run, level) < 0) low = level[g];
        else                      high = level[g];
    }
    level[g] = low;
    double below = fabs(miss(run, level));
    level[g] = high;
    if (fabs(miss(run, level)) > below) level[g] = low;
}

/* Moves one group, and another one in return, and further groups if that is not enough. */
static void switch_levels(const esp_search_run *run, esp_rng *rng, int *level)
{
    int num = run->levels->num, mover = (int)esp_rng_below(rng, (uint32_t)num);
    double step = LARGEST * exp2(-4 * esp_rng_uniform(rng)) * (esp_rng_below(rng, 2) ? 1 : -1);
    int wish = esp_levels_nearest(run->levels, mover, run->levels->coefficient[mover][level[mover]] + step);
    int count = run->levels->count[mover];
    if (wish == level[mover]) wish += step > 0 ? 1 : -1;
    level[mover] = wish < 0 ? 0 : wish >= count ? count - 1 : wish;
    int first = (int)esp_rng_below(rng, (uint32_t)num);
    for (int i = 0; i < num && fabs(miss(run, level)) > run->config->target.tolerance; i++) {
        int payer = (first + i) % num;
        if (payer != mover) balance(run, payer, level);
    }
}

static void levels_of(const esp_search_run *run, const esp_widths *widths, int *level)
{
    const esp_objective_config *settings = run->settings;
    for (int g = 0; g < run->levels->num; g++) {
        const esp_group *group = &settings->grouping->group[g];
        level[g] = esp_levels_nearest(run->levels, g, esp_group_fraction(settings->net, group, widths));
    }
}

/* False when no attempt gave a feasible cut that differs from its parent. */
static bool mutate(const evolution *e, esp_rng *rng, esp_widths *out)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int level[ESP_MAX_AXES], switches = 1 + (int)esp_rng_below(rng, 3);
        levels_of(e->run, &e->parent, level);
        for (int i = 0; i < switches; i++) switch_levels(e->run, rng, level);
        *out = esp_levels_widths(e->run->levels, level);
        if (!esp_widths_equal(e->run->settings->net, out, &e->parent) && esp_search_feasible(e->run, out)) return true;
    }
    return false;
}

/* The curves recognise hopeless moves; which of the others are good is left to the episodes. */
static bool breed(const evolution *e, esp_rng *rng, esp_widths *out)
{
    if (!e->starts.informed) return mutate(e, rng, out);
    double least = INFINITY;
    for (int i = 0; i < BROOD; i++) {
        esp_widths widths;
        if (!mutate(e, rng, &widths)) continue;
        double loss = esp_curves_loss(e->run, e->starts.curves, &widths);
        if (!(loss < least)) continue;
        least = loss;
        *out = widths;
    }
    return least < INFINITY;
}

/* ---- selection ---- */

/* The best of n at scale 1 that are above `least`, best first. */
static int select_best(int n, const double *performance, double least, int *best)
{
    int num = 0;
    for (int i = 0; i < n; i++) {
        if (!(performance[i] > least)) continue;
        int at = num < SURVIVORS ? num++ : SURVIVORS;
        for (; at > 0 && performance[i] > performance[best[at - 1]]; at--)
            if (at < SURVIVORS) best[at] = best[at - 1];
        if (at < SURVIVORS) best[at] = i;
    }
    return num;
}

static void adopt(evolution *e, const esp_widths *widths, double seen, double kept)
{
    e->parent = *widths;
    e->seen = seen;
    e->kept = kept;
    e->stale = 0;
}

/* Survivors play more episodes; the best of them becomes the parent if it beats the present one there. */
static esp_status succeed(evolution *e, int n, const esp_widths *widths, const double *performance)
{
    int best[SURVIVORS], num = select_best(n, performance, e->seen, best);
    esp_widths survivor[SURVIVORS] = {{{0}}};
    double kept[SURVIVORS];
    for (int i = 0; i < num; i++) survivor[i] = widths[best[i]];
    esp_status status = esp_objective_evaluate(e->run->objective, num, survivor, e->scale, kept);
    for (int i = 0; i < num && status == ESP_OK; i++) {
        esp_search_offer(e->run, &survivor[i], kept[i]);
        if (kept[i] > e->kept) adopt(e, &survivor[i], performance[best[i]], kept[i]);
    }
    return status;
}

static esp_status generate(evolution *e, int generation)
{
    esp_widths widths[OFFSPRING] = {{{0}}};
    double performance[OFFSPRING];
    int num = 0;
    for (int i = 0; i < OFFSPRING; i++) {
        uint64_t index = (uint64_t)generation * OFFSPRING + (uint64_t)i;
        esp_rng rng = esp_rng_make(e->run->config->seed, ESP_RNG_SEARCH, index);
        num += breed(e, &rng, &widths[num]);
    }
    esp_status status = esp_objective_evaluate(e->run->objective, num, widths, 1, performance);
    return status == ESP_OK ? succeed(e, num, widths, performance) : status;
}

/* ---- start ---- */

/* All starts play at the larger scale: the good ones differ by less than the luck at scale 1. */
static esp_status begin(evolution *e)
{
    const esp_starts *starts = &e->starts;
    double seen[ESP_STARTS], kept[ESP_STARTS];
    esp_status status = esp_starts_make(e->run, &e->starts);
    e->parent = starts->widths[0];
    if (status == ESP_OK) status = esp_objective_evaluate(e->run->objective, starts->num, starts->widths, 1, seen);
    if (status == ESP_OK)
        status = esp_objective_evaluate(e->run->objective, starts->num, starts->widths, e->scale, kept);
    for (int i = 0; i < starts->num && status == ESP_OK; i++) {
        esp_search_offer(e->run, &starts->widths[i], kept[i]);
        if (kept[i] > e->kept) adopt(e, &starts->widths[i], seen[i], kept[i]);
    }
    return status;
}

esp_status esp_search_evolve(esp_search_run *run)
{
    int total = run->config->generations, done = 0;
    evolution e = {.run = run, .seen = -INFINITY, .kept = -INFINITY};
    e.scale = esp_objective_left(run->objective) < SCALED ? 1 : SCALE;
    esp_search_stage(run, 0, 1, total + 1);
    esp_status status = begin(&e);
    int patience = run->settings->budget ? total : PATIENCE;
    while (done < total && e.stale < patience && status == ESP_OK && esp_objective_left(run->objective) > 0) {
        esp_search_stage(run, done + 1, 1, total + 1);
        e.stale++;
        status = generate(&e, done++);
    }
    run->result.iterations = done;
    return status;
}
