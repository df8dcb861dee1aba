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
    uint64_t seed = subject->settings->seed;
    esp_summary summary = esp_samples_figures(a->world, &out->samples, seed, &out->figures);
    out->performance = summary.mean;
    out->low = summary.low;
    out->high = summary.high;
    add_costs(subject, net, steps_per_s, &out->figures);
    esp_samples_other_starts(&out->samples, seed, 11, &out->figures);
}

/* Plays the first report episodes of the seed, of one start or of all. */
esp_status esp_agent_measure(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out)
{
    double steps, started = esp_clock();
    esp_status status = esp_agent_play(subject, net, 0, subject->report, task, &steps, &out->samples);
    if (status == ESP_OK) collect(subject, net, steps / (esp_clock() - started), out);
    return status;
}
