/* Search: what all methods share - the table they are found in, the promise they make about
 * sparsity, and the projection onto the cuts that keep it. A method is one file and one row. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pruning/pruning_internal.h"

/* ---- the table ---- */

const esp_search_method esp_search_methods[] = {
    {"gd", "gradient descent on the coefficients by central differences (the paper's method)", esp_search_gd},
    {"magnitude", "the same coefficient for every group; importance alone decides (baseline)", esp_search_magnitude},
    {"random", "random coefficients scaled to the target, best of search.iterations draws (baseline with 1)",
     esp_search_random},
    {NULL, NULL, NULL},
};

const esp_search_method *esp_search_find(const char *name)
{
    const char *names[sizeof esp_search_methods / sizeof *esp_search_methods];
    char list[256] = "";
    int count = 0;
    for (const esp_search_method *method = esp_search_methods; method->name; method++) {
        if (strcmp(method->name, name) == 0) return method;
        if (count > 0) strncat(list, ", ", sizeof list - strlen(list) - 1);
        strncat(list, method->name, sizeof list - strlen(list) - 1);
        names[count++] = method->name;
    }
    const char *nearest = esp_nearest(name, names, count);
    if (nearest) esp_fail(ESP_ERR_USAGE, "unknown search method '%s'; did you mean '%s'?", name, nearest);
    else         esp_fail(ESP_ERR_USAGE, "unknown search method '%s'; there are: %s", name, list);
    return NULL;
}

esp_search_config esp_search_config_default(void)
{
    return (esp_search_config){.sparsity = 0.2, .tolerance = 0.01, .lambda = 1e4, .rate = 0.05, .momentum = 0.5,
                               .difference = 0.05, .iterations = 40, .seed = 1};
}

/* ---- for the methods ---- */

double esp_search_sparsity(const esp_objective *objective, const esp_widths *widths)
{
    const esp_objective_config *settings = esp_objective_settings(objective);
    return esp_constrained_sparsity(settings->net, settings->grouping, widths, settings->components);
}

/* The slack is for bounds like 0.21 that binary numbers miss by a hair. */
static bool within(const esp_search_config *config, double sparsity)
{
    return fabs(sparsity - config->sparsity) <= config->tolerance + 1e-12;
}

bool esp_search_feasible(const esp_objective *objective, const esp_search_config *config, const esp_widths *widths)
{
    return within(config, esp_search_sparsity(objective, widths));
}

bool esp_search_offer(const esp_objective *objective, const esp_search_config *config, const esp_widths *widths,
                      double performance, esp_search_result *result)
{
    bool better = isnan(result->performance) || performance > result->performance;
    if (isnan(performance) || !better || !esp_search_feasible(objective, config, widths)) return false;
    result->widths = *widths;
    result->performance = performance;
    return true;
}

/* ---- projection ---- */

/* A cut by whole units of every group. The unit of a group is one of its largest axis; the other
 * axes follow through the common coefficient. */
typedef struct {
    const esp_objective *objective;
    const esp_search_config *config;
    int    num;
    int    units[ESP_MAX_AXES], most[ESP_MAX_AXES], removed[ESP_MAX_AXES];
    double wish[ESP_MAX_AXES];  /* the coefficient before rounding */
} projection;

static projection projection_start(const esp_objective *objective, const esp_search_config *config)
{
    const esp_objective_config *settings = esp_objective_settings(objective);
    projection p = {.objective = objective, .config = config, .num = settings->grouping->num};
    for (int g = 0; g < p.num; g++) {
        const esp_group *group = &settings->grouping->group[g];
        for (int i = 0; i < group->num_axes; i++) {
            int n = settings->net->axis[group->axis[i]].size;
            if (n > p.units[g]) p.units[g] = n;
        }
        p.most[g] = (int)floor(ESP_MAX_COEFFICIENT * p.units[g]);
    }
    return p;
}

static esp_widths projection_widths(const projection *p)
{
    const esp_objective_config *settings = esp_objective_settings(p->objective);
    double coefficient[ESP_MAX_AXES];
    for (int g = 0; g < p->num; g++) coefficient[g] = (double)p->removed[g] / p->units[g];
    return esp_widths_of(settings->net, settings->grouping, coefficient);
}

static double projection_sparsity(const projection *p)
{
    esp_widths widths = projection_widths(p);
    return esp_search_sparsity(p->objective, &widths);
}

static double miss(const projection *p)
{
    return fabs(projection_sparsity(p) - p->config->sparsity);
}

static void stretch(projection *p, const double *direction, double t)
{
    for (int g = 0; g < p->num; g++) {
        p->wish[g] = fmin(t * direction[g], ESP_MAX_COEFFICIENT);
        p->removed[g] = (int)lround(p->wish[g] * p->units[g]);
        if (p->removed[g] > p->most[g]) p->removed[g] = p->most[g];
    }
}

/* Sparsity never falls with t, so bisection finds the step of the staircase next to the target. */
static void stretch_to_target(projection *p, const double *direction)
{
    double smallest = INFINITY;
    for (int g = 0; g < p->num; g++)
        if (direction[g] > 0) smallest = fmin(smallest, direction[g]);
    double low = 0, high = ESP_MAX_COEFFICIENT / fmax(smallest, 1e-9); /* there, every group is at its limit */
    for (int i = 0; i < 100; i++) {
        double middle = 0.5 * (low + high);
        stretch(p, direction, middle);
        if (projection_sparsity(p) < p->config->sparsity) low = middle;
        else                                              high = middle;
    }
    stretch(p, direction, low);
    double miss_below = miss(p);
    stretch(p, direction, high);
    if (miss(p) > miss_below) stretch(p, direction, low);
}

static bool shift(projection *p, int g, int units)
{
    int removed = p->removed[g] + units;
    if (removed < 0 || removed > p->most[g]) return false;
    p->removed[g] = removed;
    return true;
}

/* Moves one unit of the group that is furthest from its wish, among those whose move helps. */
static bool move_one(projection *p)
{
    double before = miss(p), furthest = -INFINITY;
    int sign = projection_sparsity(p) < p->config->sparsity ? 1 : -1, chosen = -1;
    for (int g = 0; g < p->num; g++) {
        double deviation = sign * (p->wish[g] - (double)p->removed[g] / p->units[g]);
        if (deviation <= furthest || !shift(p, g, sign)) continue;
        if (miss(p) < before) {
            furthest = deviation;
            chosen = g;
        }
        p->removed[g] -= sign;
    }
    if (chosen >= 0) p->removed[chosen] += sign;
    return chosen >= 0;
}

/* Where single units are too coarse: one more in a group, one less in another, if that helps. */
static bool exchange_two(projection *p)
{
    double nearest = miss(p);
    int more = -1, less = -1;
    for (int g = 0; g < p->num; g++) {
        if (!shift(p, g, 1)) continue;
        for (int h = 0; h < p->num; h++) {
            if (h == g || !shift(p, h, -1)) continue;
            if (miss(p) < nearest) {
                nearest = miss(p);
                more = g;
                less = h;
            }
            p->removed[h]++;
        }
        p->removed[g]--;
    }
    if (more < 0) return false;
    p->removed[more]++;
    p->removed[less]--;
    return true;
}

/* Every move comes closer to the target, so this ends. */
static esp_status repair(projection *p)
{
    while (!within(p->config, projection_sparsity(p))) {
        if (move_one(p) || exchange_two(p)) continue;
        double nearest = projection_sparsity(p);
        return esp_fail(ESP_ERR_INFEASIBLE, "no cut of these groups reaches sparsity %.3f +- %.3f: the nearest is "
                        "%.3f; raise --tolerance or %s --sparsity", p->config->sparsity, p->config->tolerance,
                        nearest, nearest < p->config->sparsity ? "lower" : "raise");
    }
    return ESP_OK;
}

esp_status esp_search_project(const esp_objective *objective, const esp_search_config *config,
                              const double *direction, esp_widths *widths)
{
    projection p = projection_start(objective, config);
    double largest = 0, scaled[ESP_MAX_AXES];
    for (int g = 0; g < p.num; g++) largest = fmax(largest, direction[g]);
    for (int g = 0; g < p.num; g++) scaled[g] = largest > 0 ? direction[g] / largest : 1;
    stretch_to_target(&p, scaled);
    esp_status status = repair(&p);
    if (status == ESP_OK) *widths = projection_widths(&p);
    return status;
}

/* ---- a search from start to end ---- */

static esp_status check_range(const char *key, double value, bool good, const char *expected)
{
    if (good) return ESP_OK;
    return esp_fail(ESP_ERR_RANGE, "search.%s: %g, expected %s", key, value, expected);
}

static esp_status check_config(const esp_search_config *config)
{
    const esp_search_config *c = config;
    esp_status status = check_range("sparsity", c->sparsity, c->sparsity >= 0 && c->sparsity < 1, "0 <= sparsity < 1");
    if (status == ESP_OK)
        status = check_range("tolerance", c->tolerance, c->tolerance >= 0 && c->tolerance < 1, "0 <= tolerance < 1");
    if (status == ESP_OK)
        status = check_range("lambda", c->lambda, c->lambda > 0 && isfinite(c->lambda), "a positive number");
    if (status == ESP_OK)
        status = check_range("rate", c->rate, c->rate > 0 && isfinite(c->rate), "a positive number");
    if (status == ESP_OK)
        status = check_range("momentum", c->momentum, c->momentum >= 0 && c->momentum < 1, "0 <= momentum < 1");
    if (status == ESP_OK)
        status = check_range("difference", c->difference, c->difference > 0 && c->difference <= ESP_MAX_COEFFICIENT,
                             "0 < difference <= 0.95");
    if (status == ESP_OK) status = check_range("iterations", c->iterations, c->iterations >= 1, "at least 1");
    return status;
}

static void describe(const esp_objective *objective, esp_search_result *result)
{
    const esp_objective_config *settings = esp_objective_settings(objective);
    const esp_grouping *grouping = settings->grouping;
    for (int g = 0; g < grouping->num; g++)
        result->coefficient[g] = esp_group_fraction(settings->net, &grouping->group[g], &result->widths);
    result->structural = esp_structural_sparsity(settings->net, &result->widths, settings->components);
    result->nominal = esp_nominal_sparsity(settings->net, grouping, &result->widths);
    result->evaluations = esp_objective_evaluations(objective);
}

static esp_status keep_promise(const esp_objective *objective, const esp_search_method *method,
                               const esp_search_config *config, const esp_search_result *result)
{
    if (esp_search_feasible(objective, config, &result->widths)) return ESP_OK;
    return esp_fail(ESP_ERR_INFEASIBLE, "search method '%s' ended at sparsity %.3f, expected %.3f +- %.3f",
                    method->name, esp_search_sparsity(objective, &result->widths), config->sparsity, config->tolerance);
}

esp_status esp_search(esp_objective *objective, const esp_search_method *method,
                      const esp_search_config *config, esp_search_result *result)
{
    const esp_widths full = esp_widths_full(esp_objective_settings(objective)->net);
    const double equal[ESP_MAX_AXES] = {0};
    esp_search_result found = {.widths = full, .performance = NAN};
    esp_status status = check_config(config);
    if (status == ESP_OK) status = esp_search_project(objective, config, equal, &found.widths); /* can it be done? */
    esp_objective_stage(objective, 0, 0, config->iterations);
    if (status == ESP_OK) status = esp_objective_evaluate(objective, 1, &full, &found.baseline);
    if (status == ESP_OK) status = method->run(objective, config, &found);
    if (status == ESP_OK && isnan(found.performance))
        status = esp_objective_evaluate(objective, 1, &found.widths, &found.performance);
    if (status == ESP_OK) status = keep_promise(objective, method, config, &found);
    if (status != ESP_OK) return status;
    describe(objective, &found);
    esp_progress("prune", 1, 1, "%d evaluations", found.evaluations);
    *result = found;
    return ESP_OK;
}
