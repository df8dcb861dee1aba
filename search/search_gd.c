/* The paper's search (section IV-D): gradient descent with momentum on all coefficients at once,
 *
 *   J(c) = -P(c) / |P(0)| + lambda (rho(c) - rho*)^2,   c in [0, 0.95]^m,
 *
 * from c = 0, the gradient of P by central differences, coefficients rising until the target
 * sparsity is reached. Deterministic: no random number is drawn.
 *
 * The two terms of J could not be more different. P costs an episode for every number and is
 * noisy; rho is exact, smooth and free. A plain step on their sum needs a lambda that outweighs P
 * at the target (a miss of 0.01 is 1e-4 squared), and with such a lambda P has no say on the way
 * there and the step is unstable beyond a tiny rate. So only P takes an explicit step, and the
 * penalty is solved for (implicit Euler, one bisection of microseconds):
 *
 *   c' = clamp(c + momentum v - rate grad(-P/|P(0)|) + price grad rho),
 *   price = -2 rate lambda (rho(c') - goal)
 *
 * Any lambda is stable. The default 1e4 makes a miss of the default tolerance, 0.01, cost as much
 * as the whole performance. The goal runs ahead of rho by one stride at most, so performance is
 * sampled along the way whatever the scale of the problem: 10 strides to 20 %, 20 to 80 %, longer
 * ones when the budget would end before. P is divided by |P(0)|, so slopes are scale-free too: 1
 * means that the performance is gone when the group is.
 *
 * rate, momentum and difference were chosen, before gains counted as free, on the agent of Table III,
 * 15 structural groups, with the synthetic performance of tests/synthetic_performance.h and 2 % noise:
 * mean over 8 draws of its limits of the noise-free P at 20, 50 and 80 %, where the uncut network has
 * 845 and equal coefficients leave 633, 47 and 2 (limits are wider for the larger targets):
 *   rate 0.05, momentum 0.5: 711, 432, 479    rate 0.05, momentum 0:   709, 423, 427
 *   rate 0.2,  momentum 0.5: 672, 424, 486    rate 0.05, momentum 0.8: 704, 432, 466
 * A difference of 0.1 instead of 0.05 needs fewer iterations and loses 4 % at 20 %, because
 * performance bends within the step. */
#include <math.h>

#include "search/methods_internal.h"
#include "search/run_internal.h"

#define STRIDE   0.02 /* least sparsity gained per iteration; */
#define STRIDES  20   /* for larger targets the target divided by this */
#define STEEPEST 2.0  /* steeper slopes (one unit that breaks the controller) all say "keep away" */
#define PATIENCE 3    /* iterations at the target without a gain before giving up */
#define GAIN     1e-3 /* share of |P(0)| that counts as a gain */

typedef struct {
    esp_search_run *run;
    const esp_objective_config *settings;
    const esp_search_config *config;
    int    num;                  /* number of groups */
    double scale;                /* |P(0)| */
    double c[ESP_MAX_AXES];      /* the iterate */
    double v[ESP_MAX_AXES];      /* its last move */
    double slope[ESP_MAX_AXES];  /* gradient of -P / |P(0)| */
    bool   arrived;              /* the target was reached once: coefficients may fall again */
    double best;                 /* performance at the last gain */
    int    stale;                /* iterations since then */
} descent;

/* ---- the slopes of P ---- */

static esp_widths iterate(const descent *d)
{
    return esp_widths_of(d->settings->net, d->settings->grouping, d->c);
}

static esp_widths beside(const descent *d, int g, double distance)
{
    descent moved = *d;
    const esp_group *group = &d->settings->grouping->group[g];
    moved.c[g] = fmin(fmax(d->c[g] + distance, group->least), group->most);
    return iterate(&moved);
}

/* Below 1/n the rounded width does not change and the difference is exactly zero. */
static double half_width(const descent *d, int g)
{
    const esp_group *group = &d->settings->grouping->group[g];
    double h = d->config->difference;
    for (int i = 0; i < group->num_axes; i++) h = fmax(h, 1.0 / d->settings->net->axis[group->axis[i]].size);
    return h;
}

static double fraction(const descent *d, int g, const esp_widths *widths)
{
    return esp_group_fraction(d->settings->net, &d->settings->grouping->group[g], widths);
}

/* One-sided where a bound is near. Tiny axes whose rounding still hides the move get a wider one. */
static void choose_difference(const descent *d, int g, esp_widths *less, esp_widths *more)
{
    for (double h = half_width(d, g);; h *= 2) {
        *less = beside(d, g, -h);
        *more = beside(d, g, h);
        if (fraction(d, g, less) != fraction(d, g, more) || h > 1) return;
    }
}

/* Divides by the realised move, not by the intended one. A cut that seems to gain was lucky with its episodes: its
 * loss counts as zero, and growth is left to the sparsity term. When gains were taken at face value, groups that save
 * next to nothing (a channel of a convolution) lost units that could not come back: the pendulum agent kept 96 % at
 * 20 %, and has kept all of it since (10 episodes each). */
static double slope_between(const descent *d, int g, const esp_widths *widths, const double *performance)
{
    double move = fraction(d, g, &widths[1]) - fraction(d, g, &widths[0]);
    if (move == 0) return 0; /* a group that is pinned or cannot lose a unit */
    double slope = -(performance[1] - performance[0]) / (move * d->scale);
    return fmin(fmax(slope, 0), STEEPEST);
}

/* The iterate and its 2 m neighbours, in one parallel batch. Only the iterate can become the result: the best of
 * dozens of neighbours is the one that was luckiest on the search episodes. */
static esp_status sample(descent *d)
{
    esp_widths widths[1 + 2 * ESP_MAX_AXES];
    double performance[1 + 2 * ESP_MAX_AXES];
    int count = 1 + 2 * d->num;
    widths[0] = iterate(d);
    for (int g = 0; g < d->num; g++) choose_difference(d, g, &widths[1 + 2 * g], &widths[2 + 2 * g]);
    esp_search_stage(d->run, d->run->result.iterations, 1, d->config->iterations + 1);
    esp_status status = esp_objective_evaluate(d->run->objective, count, widths, 1, performance);
    if (status != ESP_OK) return status;
    esp_search_offer(d->run, &widths[0], performance[0]);
    for (int g = 0; g < d->num; g++) d->slope[g] = slope_between(d, g, &widths[1 + 2 * g], &performance[1 + 2 * g]);
    return ESP_OK;
}

/* ---- the step ---- */

static double sparsity_of(const descent *d, const double *c, double *gradient)
{
    return esp_smooth_sparsity(d->settings->net, d->settings->grouping, c, gradient);
}

/* Monotonic, as in the paper, until the target is reached; after that, units may come back. */
static void moved(const descent *d, const double *gradient, double price, double *next)
{
    for (int g = 0; g < d->num; g++) {
        const esp_group *group = &d->settings->grouping->group[g];
        double lowest = d->arrived ? group->least : d->c[g];
        double wish = d->c[g] + d->config->momentum * d->v[g] - d->config->rate * d->slope[g] + price * gradient[g];
        next[g] = fmin(fmax(wish, lowest), group->most);
    }
}

/* An iteration takes at most 2 m + 1 evaluations, and the end point one more; an incomplete gradient would be
 * useless. */
static int iterations_left(const descent *d)
{
    int affordable = (esp_objective_left(d->run->objective) - 1) / (2 * d->num + 1);
    int allowed = d->config->iterations - d->run->result.iterations;
    return affordable < allowed ? affordable : allowed;
}

static void step(descent *d, int steps)
{
    double gradient[ESP_MAX_AXES], next[ESP_MAX_AXES];
    double sparsity = sparsity_of(d, d->c, gradient), target = d->config->target.sparsity;
    double stride = fmax(fmax(STRIDE, target / STRIDES), fabs(target - sparsity) / steps);
    double goal = fmin(fmax(target, sparsity - stride), sparsity + stride);
    double stiffness = 2 * d->config->rate * d->config->lambda, low = -stiffness, high = stiffness;
    for (int i = 0; i < 100; i++) { /* price + stiffness (rho(price) - goal) rises with the price */
        double price = 0.5 * (low + high);
        moved(d, gradient, price, next);
        if (price + stiffness * (sparsity_of(d, next, NULL) - goal) < 0) low = price;
        else                                                            high = price;
    }
    for (int g = 0; g < d->num; g++) {
        d->v[g] = next[g] - d->c[g];
        d->c[g] = next[g];
    }
    d->arrived = d->arrived || fabs(sparsity_of(d, d->c, NULL) - target) <= d->config->target.tolerance;
    d->run->result.iterations++;
}

/* ---- the descent ---- */

static bool exhausted(descent *d)
{
    double performance = esp_search_best(d->run);
    if (!isnan(performance) && (isnan(d->best) || performance > d->best + GAIN * d->scale)) {
        d->best = performance;
        d->stale = 0;
    } else if (d->arrived) {
        d->stale++;
    }
    return d->stale >= PATIENCE;
}

/* The last iterate counts as well. When no point on the way was feasible, it is brought to the target. */
static esp_status finish(descent *d)
{
    esp_widths widths = iterate(d);
    if (esp_search_feasible(d->run, &widths)) return esp_search_judge(d->run, 1, &widths, NULL);
    if (d->run->num_finalists > 0) return ESP_OK;
    return esp_project(d->run->levels, &d->config->target, d->c, &d->run->result.widths);
}

esp_status esp_search_gd(esp_search_run *run)
{
    descent d = {.run = run, .settings = run->settings, .config = run->config, .num = run->levels->num,
                 .scale = esp_search_scale(run), .best = NAN};
    for (int g = 0; g < d.num; g++) d.c[g] = run->settings->grouping->group[g].least;
    esp_status status = ESP_OK;
    for (int left; (left = iterations_left(&d)) > 0; step(&d, left)) {
        status = sample(&d);
        if (status != ESP_OK || exhausted(&d)) break;
    }
    if (status == ESP_OK && run->result.iterations == 0)
        esp_log(ESP_LOG_WARNING, "a budget of %d evaluations pays for no iteration of gd: every group loses the same "
                "fraction", run->settings->budget);
    return status == ESP_OK ? finish(&d) : status;
}
