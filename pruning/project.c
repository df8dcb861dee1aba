/* Projection: from a direction in the space of coefficients to the cut along it that meets the
 * target sparsity. It costs no evaluation, so methods can search over directions and never see a
 * cut that misses the target. */
#include <math.h>

#include "pruning/pruning.h"

typedef struct {
    const esp_levels *levels;
    const esp_target *target;
    int    level[ESP_MAX_AXES];
    double wish[ESP_MAX_AXES];  /* the coefficient before rounding */
} projection;

static double sparsity_of(const projection *p)
{
    esp_widths widths = esp_levels_widths(p->levels, p->level);
    return esp_constrained_sparsity(p->levels->net, p->levels->grouping, &widths);
}

static double miss(const projection *p)
{
    return fabs(sparsity_of(p) - p->target->sparsity);
}

/* ---- along the direction ---- */

static void stretch(projection *p, const double *direction, double t)
{
    for (int g = 0; g < p->levels->num; g++) {
        p->wish[g] = fmin(t * direction[g], p->levels->grouping->ceiling);
        p->level[g] = esp_levels_nearest(p->levels, g, p->wish[g]);
    }
}

/* Sparsity never falls with t, so bisection finds the step of the staircase closest to the
 * target. */
static void stretch_to_target(projection *p, const double *direction)
{
    double smallest = INFINITY;
    for (int g = 0; g < p->levels->num; g++)
        if (direction[g] > 0) smallest = fmin(smallest, direction[g]);
    double low = 0, high = p->levels->grouping->ceiling / fmax(smallest, 1e-9); /* there every group is at its limit */
    for (int i = 0; i < 100; i++) {
        double middle = 0.5 * (low + high);
        stretch(p, direction, middle);
        if (sparsity_of(p) < p->target->sparsity) low = middle;
        else                                      high = middle;
    }
    stretch(p, direction, low);
    double miss_below = miss(p);
    stretch(p, direction, high);
    if (miss(p) > miss_below) stretch(p, direction, low);
}

/* ---- repair: where one step of the staircase is longer than the tolerance ---- */

static bool shift(projection *p, int g, int levels)
{
    int level = p->level[g] + levels;
    if (level < 0 || level >= p->levels->count[g]) return false;
    p->level[g] = level;
    return true;
}

/* Moves by one level the group that is furthest from its wish, among those whose move helps. */
static bool move_one(projection *p)
{
    double before = miss(p), furthest = -INFINITY;
    int sign = sparsity_of(p) < p->target->sparsity ? 1 : -1, chosen = -1;
    for (int g = 0; g < p->levels->num; g++) {
        double deviation = sign * (p->wish[g] - p->levels->coefficient[g][p->level[g]]);
        if (deviation <= furthest || !shift(p, g, sign)) continue;
        if (miss(p) < before) {
            furthest = deviation;
            chosen = g;
        }
        p->level[g] -= sign;
    }
    if (chosen >= 0) p->level[chosen] += sign;
    return chosen >= 0;
}

/* For cases where single levels are too coarse: `up` more in one group, `down` less in another, if
 * that helps. */
static bool exchange(projection *p, int up, int down)
{
    double nearest = miss(p);
    int more = -1, less = -1;
    for (int g = 0; g < p->levels->num; g++) {
        if (!shift(p, g, up)) continue;
        for (int h = 0; h < p->levels->num; h++) {
            if (h == g || !shift(p, h, -down)) continue;
            if (miss(p) < nearest) {
                nearest = miss(p);
                more = g;
                less = h;
            }
            p->level[h] += down;
        }
        p->level[g] -= up;
    }
    if (more < 0) return false;
    p->level[more] += up;
    p->level[less] -= down;
    return true;
}

static bool exchange_some(projection *p)
{
    enum { LARGEST = 4 };
    for (int size = 2; size <= 2 * LARGEST; size++)
        for (int up = 1; up < size; up++)
            if (up <= LARGEST && size - up <= LARGEST && exchange(p, up, size - up)) return true;
    return false;
}

static esp_status unreachable(const projection *p)
{
    const esp_grouping *grouping = p->levels->grouping;
    bool pinned = false;
    for (int g = 0; g < grouping->num; g++)
        pinned = pinned || grouping->group[g].least > 0 || grouping->group[g].most < grouping->ceiling;
    double nearest = sparsity_of(p);
    return esp_fail(ESP_ERR_INFEASIBLE, "no cut of these groups reaches sparsity %g +- %g: the nearest is "
                    "%.6g; raise --tolerance or %s --sparsity%s%s", p->target->sparsity, p->target->tolerance, nearest,
                    nearest < p->target->sparsity ? "lower" : "raise", pinned ? " or loosen --pin" : "",
                    grouping->round_to > 1 ? " or lower --round-to" : "");
}

/* Every move comes closer to the target, so this ends. */
static esp_status repair(projection *p)
{
    while (miss(p) > p->target->tolerance + ESP_SPARSITY_SLACK)
        if (!move_one(p) && !exchange_some(p)) return unreachable(p);
    return ESP_OK;
}

/* ---- public ---- */

bool esp_target_met(const esp_levels *levels, const esp_target *target, const esp_widths *widths)
{
    double miss = fabs(esp_constrained_sparsity(levels->net, levels->grouping, widths) - target->sparsity);
    return miss <= target->tolerance + ESP_SPARSITY_SLACK;
}

static esp_status finish(projection *p, esp_widths *widths)
{
    esp_status status = repair(p);
    if (status == ESP_OK) *widths = esp_levels_widths(p->levels, p->level);
    return status;
}

esp_status esp_project_nearest(const esp_levels *levels, const esp_target *target, const double *coefficient,
                               esp_widths *widths)
{
    projection p = {.levels = levels, .target = target};
    stretch(&p, coefficient, 1);
    return finish(&p, widths);
}

esp_status esp_project(const esp_levels *levels, const esp_target *target, const double *direction,
                       esp_widths *widths)
{
    projection p = {.levels = levels, .target = target};
    double largest = 0, scaled[ESP_MAX_AXES];
    for (int g = 0; g < levels->num; g++) largest = fmax(largest, direction[g]);
    for (int g = 0; g < levels->num; g++) scaled[g] = largest > 0 ? direction[g] / largest : 1;
    stretch_to_target(&p, scaled);
    return finish(&p, widths);
}
