/* One ranking of all units over all groups, the oldest way to let importance choose the widths: the
 * lowest scores are removed first until the target is reached.
 *
 * `global` compares the scores as they are. `lamp` first divides each squared score by the sum of
 * squares of the units of its axis that would remain with it (Lee et al., ICLR 2021), so that an
 * axis of small weights is not emptied and its last unit, with a score of 1, goes last. */
#include <math.h>
#include <stdlib.h>

#include "search/methods_internal.h"
#include "search/run_internal.h"
#include "search/starts_internal.h"

/* A step from one level of a group to the next, and the value of the units lost on the way. */
typedef struct {
    int    group, level;
    double score;
} rung;

static void lamp_scores(int n, const int *order, double *score)
{
    double staying = 0;
    for (int i = 0; i < n; i++) {
        double square = score[order[i]] * score[order[i]];
        staying += square;
        score[order[i]] = staying > 0 ? square / staying : 0;
    }
}

/* Scores per unit of an axis; the caller frees them. */
static double *scores_of(const esp_search_run *run, int axis, bool lamp)
{
    const esp_ranking *ranking = run->settings->ranking;
    int n = run->settings->net->axis[axis].size;
    double *score = esp_alloc((size_t)n, sizeof *score);
    for (int i = 0; i < n; i++) score[i] = ranking->score[axis][i];
    if (lamp) lamp_scores(n, ranking->order[axis], score);
    return score;
}

static esp_widths widths_of_level(const esp_search_run *run, int g, int level)
{
    double coefficient[ESP_MAX_AXES] = {0};
    coefficient[g] = run->levels->coefficient[g][level];
    return esp_widths_of(run->settings->net, run->settings->grouping, coefficient);
}

/* Adds the scores that an axis loses between two widths to the mean of a rung. */
static void add_lost(const esp_search_run *run, int axis, const double *score, int from, int to, rung *out)
{
    const int *order = run->settings->ranking->order[axis];
    for (int i = to; i < from; i++) out->score += score[order[i]] / (from - to);
}

/* The rungs of a group, never falling: a unit cannot be removed before those below it. */
static void climb(const esp_search_run *run, int g, bool lamp, rung *rungs)
{
    const esp_group *group = &run->settings->grouping->group[g];
    int count = run->levels->count[g];
    for (int level = 1; level < count; level++) rungs[level - 1] = (rung){g, level, 0};
    for (int i = 0; i < group->num_axes; i++) {
        double *score = scores_of(run, group->axis[i], lamp);
        esp_widths above = widths_of_level(run, g, 0);
        for (int level = 1; level < count; level++) {
            esp_widths below = widths_of_level(run, g, level);
            int axis = group->axis[i];
            add_lost(run, axis, score, above.kept[axis], below.kept[axis], &rungs[level - 1]);
            above = below;
        }
        free(score);
    }
    for (int level = 2; level < count; level++)
        rungs[level - 1].score = fmax(rungs[level - 1].score, rungs[level - 2].score);
}

static int compare_rungs(const void *a, const void *b)
{
    const rung *left = a, *right = b;
    int order = (left->score > right->score) - (left->score < right->score);
    if (order == 0) order = left->group - right->group;
    return order ? order : left->level - right->level;
}

static double sparsity_at(const esp_search_run *run, const int *level)
{
    esp_widths widths = esp_levels_widths(run->levels, level);
    return esp_constrained_sparsity(run->settings->net, run->settings->grouping, &widths);
}

/* Removes rungs from the whole network, and stops at the rung closest to the target. */
static void descend(const esp_search_run *run, int count, const rung *rungs, int *level)
{
    double target = run->config->target.sparsity, before = sparsity_at(run, level);
    for (int i = 0; i < count && before < target; i++) {
        level[rungs[i].group] = rungs[i].level;
        double after = sparsity_at(run, level);
        if (after - target > target - before) {
            level[rungs[i].group]--;
            return;
        }
        before = after;
    }
}

esp_status esp_global_cut(const esp_search_run *run, bool lamp, esp_widths *widths)
{
    int count = 0, level[ESP_MAX_AXES] = {0}, at = 0;
    double direction[ESP_MAX_AXES];
    for (int g = 0; g < run->levels->num; g++) count += run->levels->count[g] - 1;
    rung *rungs = esp_alloc((size_t)count + 1, sizeof *rungs);
    for (int g = 0; g < run->levels->num; g++) {
        climb(run, g, lamp, rungs + at);
        at += run->levels->count[g] - 1;
    }
    qsort(rungs, (size_t)count, sizeof *rungs, compare_rungs);
    descend(run, count, rungs, level);
    free(rungs);
    for (int g = 0; g < run->levels->num; g++) direction[g] = run->levels->coefficient[g][level[g]];
    return esp_project_nearest(run->levels, &run->config->target, direction, widths);
}

esp_status esp_search_global(esp_search_run *run)
{
    run->result.iterations = 1;
    return esp_global_cut(run, false, &run->result.widths);
}

esp_status esp_search_lamp(esp_search_run *run)
{
    run->result.iterations = 1;
    return esp_global_cut(run, true, &run->result.widths);
}
