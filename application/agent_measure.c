/* Held-out episodes of an agent, and the work and time per action. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/agent_internal.h"

/* ---- size and time ---- */

double esp_agent_flops_by(const esp_agent_subject *a, const esp_network *net, esp_controller_kind kind)
{
    const esp_planner_config *planner = &a->config.planner;
    return esp_action_flops(net, planner, &planner->budget, kind);
}

double esp_agent_flops(const esp_subject *subject, const esp_network *net)
{
    const esp_agent_subject *a = subject->state;
    return esp_agent_flops_by(a, net, a->kind);
}

/* A controller that looks at one black picture again and again. */
typedef struct {
    esp_controller *controller;
    esp_observation obs;
    const void     *item[1];
    uint8_t        *pixels;  /* owned, like action */
    float          *action;
    int             step;
} acting;

static void act_once(void *context)
{
    acting *a = context;
    esp_controller_act(a->controller, 1, a->step++, &a->obs, a->action);
}

static acting *acting_create(const esp_agent_subject *a, const esp_network *net)
{
    acting *out = esp_alloc(1, sizeof *out);
    esp_episode episode = {.seed = 0};
    out->action = esp_alloc((size_t)net->component[ESP_TOLD_POLICY].out_size, sizeof *out->action);
    out->item[0] = out->pixels = esp_alloc((size_t)net->component[ESP_TOLD_ENCODER].in_size, 1);
    out->obs = (esp_observation){.num_items = 1, .item = out->item};
    out->controller = esp_controller_create(net, &a->config, a->kind, &a->config.planner.budget, 1);
    esp_controller_begin(out->controller, &episode, 1);
    return out;
}

static void acting_free(acting *a)
{
    esp_controller_free(a->controller);
    free(a->pixels);
    free(a->action);
    free(a);
}

/* From picture to action, one episode, all threads. */
void esp_agent_time(const esp_subject *subject, int n, const esp_network *const *nets, esp_timing *out)
{
    void **each = esp_alloc((size_t)n, sizeof *each);
    for (int k = 0; k < n; k++) each[k] = acting_create(subject->state, nets[k]);
    esp_timing_take(n, act_once, each, out);
    for (int k = 0; k < n; k++) acting_free(each[k]);
    free(each);
}

/* ---- held-out episodes ---- */

/* Figures of their returns, from line 3 on; the question (see `question`) has the first two
 * lines. */
static void add_returns(const esp_subject *subject, const esp_summary *s, const double *returns, esp_figure_list *out)
{
    char seed[64];
    double worst = returns[0];
    for (int i = 1; i < s->count; i++) worst = fmin(worst, returns[i]);
    snprintf(seed, sizeof seed, "of seed %ju", (uintmax_t)subject->settings->seed);
    esp_figure_list_add(out, (esp_figure){.key = "episodes", .line = 3, .label = "episodes", .kind = ESP_FIGURE_NUMBER,
                                          .value = s->count, .unit = seed});
    esp_figure_list_add(out, (esp_figure){.key = "return_mean", .line = 4, .label = "mean return",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = s->mean});
    esp_figure_list_add(out, (esp_figure){.key = "return_std", .line = 5, .label = "deviation",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = s->std});
    esp_figure_list_add(out, (esp_figure){.key = "return_ci95", .line = 4, .label = "95 % interval",
                                          .kind = ESP_FIGURE_INTERVAL, .decimals = 1, .value = s->low,
                                          .other = s->high});
    esp_figure_list_add(out, (esp_figure){.key = "return_iqm", .line = 5, .label = "interquartile mean",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = s->iqm});
    esp_figure_list_add(out, (esp_figure){.key = "return_worst", .line = 5, .label = "worst",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = worst});
    esp_figure_list_add(out, (esp_figure){.key = "returns", .kind = ESP_FIGURE_LIST, .count = s->count,
                                          .list = returns});
}

/* Means over episodes of what the return hides, on two lines from line 7 on; `held` has the goal in words. */
static void add_traits(const esp_samples *samples, const char *held, esp_figure_list *out)
{
    static const struct { int trait; const char *label; int line; } shown[] = {
        {ESP_TRAIT_GOAL_TIME, "after", 6}, {ESP_TRAIT_STEADY_ERROR, "steady-state error", 7},
        {ESP_TRAIT_VARIATION, "total variation of actions", 8}, {ESP_TRAIT_SATURATION, "saturated", 8}};
    const esp_start_samples *first = &samples->start[0];
    int reached = 0;
    for (int i = 0; i < first->count; i++) reached += !isnan(first->value[ESP_TRAIT_GOAL_TIME][i]);
    esp_figure_list_add(out, (esp_figure){.key = "success_rate", .line = 6, .label = "goal held",
                                          .kind = ESP_FIGURE_SHARE, .value = reached, .other = first->count,
                                          .unit = held});
    for (size_t k = 0; k < sizeof shown / sizeof *shown; k++) {
        const esp_trait *trait = &samples->trait[shown[k].trait];
        if (shown[k].trait >= samples->num_traits) continue;
        esp_figure_list_add(out, (esp_figure){.key = trait->key, .line = shown[k].line, .label = shown[k].label,
                                              .kind = ESP_FIGURE_NUMBER, .decimals = trait->decimals,
                                              .value = esp_start_samples_mean(first, shown[k].trait),
                                              .unit = trait->unit});
    }
}

/* Starts after the first: one line each. */
static void add_others(const esp_samples *samples, uint64_t seed, int line, esp_figure_list *out)
{
    for (int s = 1; s < samples->num_starts; s++) {
        const esp_start_samples *start = &samples->start[s];
        esp_summary summary = esp_summarise(start->count, start->value[0], seed);
        esp_figure_list_add(out, (esp_figure){.line = line, .label = "other starts", .text = start->name});
        esp_figure_list_add(out, (esp_figure){.line = line, .label = "mean return", .kind = ESP_FIGURE_NUMBER,
                                              .decimals = 1, .value = summary.mean});
        esp_figure_list_add(out, (esp_figure){.line = line, .label = "95 % interval", .kind = ESP_FIGURE_INTERVAL,
                                              .decimals = 1, .value = summary.low, .other = summary.high});
        esp_figure_list_add(out, (esp_figure){.line = line++, .label = "interquartile mean",
                                              .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = summary.iqm});
    }
}

static void add_costs(const esp_subject *subject, const esp_network *net, double steps_per_s, esp_figure_list *out)
{
    esp_figure_list_add(out, (esp_figure){.key = "steps_per_second", .line = 10, .label = "speed",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = steps_per_s,
                                          .unit = "control steps per second"});
    esp_figure_list_add(out, (esp_figure){.key = "flops_per_action", .line = 9, .label = "work",
                                          .kind = ESP_FIGURE_SCALED, .value = esp_agent_flops(subject, net),
                                          .unit = "FLOPs per action"});
}

/* The figures are those of the first start, the configured one, whatever others were played. */
static void collect(const esp_subject *subject, const esp_network *net, double steps_per_s, esp_measurement *out)
{
    const esp_agent_subject *a = subject->state;
    const esp_start_samples *first = &out->samples.start[0];
    esp_summary summary = esp_summarise(first->count, first->value[0], subject->settings->seed);
    char held[128];
    out->performance = summary.mean;
    out->low = summary.low;
    out->high = summary.high;
    add_returns(subject, &summary, first->value[0], &out->figures);
    snprintf(held, sizeof held, "episodes %s", a->world->task->about.goal);
    add_traits(&out->samples, held, &out->figures);
    add_costs(subject, net, steps_per_s, &out->figures);
    add_others(&out->samples, subject->settings->seed, 11, &out->figures);
}

/* Plays the first report episodes of the seed, of one start or of all. */
esp_status esp_agent_measure(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out)
{
    double steps, started = esp_clock();
    esp_status status = esp_agent_play(subject, net, 0, subject->report, task, &steps, &out->samples);
    if (status == ESP_OK) collect(subject, net, steps / (esp_clock() - started), out);
    return status;
}
