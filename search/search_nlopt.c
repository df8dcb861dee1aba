/* Optimisers of NLopt (S. G. Johnson, github.com/stevengj/nlopt) as off-the-shelf comparison. They move a direction
 * in the space of coefficients; its projection onto the cuts that meet the target is evaluated, so they never see an
 * infeasible point and need no penalty. Cuts consist of whole units: steps below one unit find the performance in the
 * cache.
 *
 * The direction is that of the best start, each coefficient of it times a factor from 1/4 to 4, and the optimiser
 * sees the logarithm of the factors, -1 to 1: all five begin at the start, even `direct`, which always starts in the
 * middle of its box. */
#include <math.h>
#include <nlopt.h>
#include <string.h>

#include "search/methods_internal.h"
#include "search/run_internal.h"
#include "search/starts_internal.h"

enum { CALLS = 4 }; /* calls per evaluation allowed: most points of a search may be known ones */

#define LARGEST 2.0  /* largest binary logarithm of a factor */
#define STEP    0.25 /* first steps of cobyla and bobyqa, as a share of the logarithm's range: a factor of 1.4 */
#define LEAST   0.02 /* least coefficient of the start, so that groups it leaves alone can move */

static const struct {
    const char *name;
    nlopt_algorithm algorithm;
} optimisers[] = {
    {"nlopt:cobyla", NLOPT_LN_COBYLA},
    {"nlopt:bobyqa", NLOPT_LN_BOBYQA},
    {"nlopt:crs2", NLOPT_GN_CRS2_LM},
    {"nlopt:isres", NLOPT_GN_ISRES},
    {"nlopt:direct", NLOPT_GN_DIRECT},
};

typedef struct {
    esp_search_run *run;
    nlopt_opt  opt;
    esp_status status;
    int        start, most; /* evaluations before, and the most that are allowed */
    double     direction[ESP_MAX_AXES]; /* direction of the start */
} optimisation;

static int spent(const optimisation *o)
{
    return esp_objective_evaluations(o->run->objective) - o->start;
}

static esp_status project(const optimisation *o, const double *x, esp_widths *widths)
{
    double direction[ESP_MAX_AXES];
    for (int g = 0; g < o->run->levels->num; g++) direction[g] = o->direction[g] * exp2(LARGEST * x[g]);
    return esp_project(o->run->levels, &o->run->config->target, direction, widths);
}

/* The objective, minimised: the share of performance lost. A direction that leads to no cut loses all. */
static double lost(unsigned n, const double *x, double *gradient, void *context)
{
    (void)n;
    (void)gradient;
    optimisation *o = context;
    esp_widths widths;
    double performance = NAN;
    if (spent(o) >= o->most || esp_objective_left(o->run->objective) < 1) {
        nlopt_force_stop(o->opt);
        return 1;
    }
    if (project(o, x, &widths) != ESP_OK) return 1;
    esp_search_stage(o->run, spent(o), 1, o->most);
    o->status = esp_search_judge(o->run, 1, &widths, &performance);
    if (o->status != ESP_OK) nlopt_force_stop(o->opt);
    if (isnan(performance)) return 1;
    return (o->run->result.baseline - performance) / esp_search_scale(o->run);
}

static esp_status optimise(optimisation *o)
{
    double x[ESP_MAX_AXES] = {0}, least;
    nlopt_set_min_objective(o->opt, lost, o);
    nlopt_set_lower_bounds1(o->opt, -1);
    nlopt_set_upper_bounds1(o->opt, 1);
    nlopt_set_initial_step1(o->opt, STEP);
    nlopt_set_xtol_abs1(o->opt, 1e-3);
    nlopt_set_maxeval(o->opt, o->most < 100000000 ? CALLS * o->most : 0);
    nlopt_srand((unsigned long)o->run->config->seed);
    nlopt_result result = nlopt_optimize(o->opt, x, &least);
    if (o->status != ESP_OK) return o->status;
    if (result == NLOPT_INVALID_ARGS || result == NLOPT_OUT_OF_MEMORY) /* other failures mean an early end */
        return esp_fail(ESP_ERR_NUMERIC, "%s: %s", o->run->method->name, nlopt_result_to_string(result));
    return ESP_OK;
}

static esp_status choose_start(optimisation *o)
{
    const esp_objective_config *settings = o->run->settings;
    esp_starts starts;
    double performance[ESP_STARTS];
    int best = 0;
    esp_status status = esp_starts_make(o->run, &starts);
    if (status == ESP_OK) status = esp_search_judge(o->run, starts.num, starts.widths, performance);
    for (int i = 1; i < starts.num && status == ESP_OK; i++)
        if (performance[i] > performance[best]) best = i;
    for (int g = 0; g < settings->grouping->num && status == ESP_OK; g++)
        o->direction[g] = fmax(esp_group_fraction(settings->net, &settings->grouping->group[g], &starts.widths[best]),
                               LEAST);
    return status;
}

esp_status esp_search_nlopt(esp_search_run *run)
{
    unsigned n = (unsigned)run->levels->num;
    optimisation o = {.run = run, .start = esp_objective_evaluations(run->objective),
                      .most = run->settings->budget ? run->settings->budget : run->config->samples};
    esp_search_stage(run, 0, 0.1, 1);
    esp_status status = choose_start(&o);
    if (status != ESP_OK) return status;
    for (size_t i = 0; i < sizeof optimisers / sizeof *optimisers; i++)
        if (strcmp(optimisers[i].name, run->method->name) == 0) o.opt = nlopt_create(optimisers[i].algorithm, n);
    status = optimise(&o);
    nlopt_destroy(o.opt);
    run->result.iterations = spent(&o);
    return status;
}
