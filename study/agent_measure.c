/* Held-out episodes of an agent, and the work and time per action. */
#include <stdio.h>
#include <stdlib.h>

#include "study/agent_internal.h"

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

/* From picture to action, one episode, all threads. */
double esp_agent_time(const esp_subject *subject, const esp_network *net)
{
    enum { WARM_UP = 3, LEAST = 7, MOST = 200 };
    const double budget_s = 0.5;
    const esp_agent_subject *a = subject->state;
    float *action = esp_alloc((size_t)net->component[ESP_TOLD_POLICY].out_size, sizeof *action);
    double ms[MOST];
    int count = 0;
    uint8_t *pixels = esp_alloc((size_t)net->component[ESP_TOLD_ENCODER].in_size, 1);
    esp_observation obs = {.num_items = 1, .item = (const void *const[]){pixels}};
    esp_episode episode = {.seed = 0};
    esp_controller *controller = esp_controller_create(net, &a->config, a->kind, &a->config.planner.budget, 1);
    esp_controller_begin(controller, &episode, 1);
    for (int i = 0; i < WARM_UP; i++) esp_controller_act(controller, 1, i, &obs, action);
    for (double end = esp_clock() + budget_s; count < MOST && (count < LEAST || esp_clock() < end); count++) {
        double started = esp_clock();
        esp_controller_act(controller, 1, WARM_UP + count, &obs, action);
        ms[count] = 1e3 * (esp_clock() - started);
    }
    esp_controller_free(controller);
    free(pixels);
    free(action);
    esp_sort_doubles(count, ms);
    return esp_quantile(count, ms, 0.5);
}

/* ---- held-out episodes ---- */

/* Figures of their returns, from line 3 on; the question (see `question`) has the first two
 * lines. */
static void add_returns(const esp_subject *subject, const esp_summary *s, const double *returns, esp_figure_list *out)
{
    char seed[64];
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
    esp_figure_list_add(out, (esp_figure){.key = "returns", .kind = ESP_FIGURE_LIST, .count = s->count,
                                          .list = returns});
}

static void add_costs(const esp_subject *subject, const esp_network *net, double steps_per_s, esp_figure_list *out)
{
    esp_figure_list_add(out, (esp_figure){.key = "steps_per_second", .line = 8, .label = "speed",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = steps_per_s,
                                          .unit = "control steps per second"});
    esp_figure_list_add(out, (esp_figure){.key = "flops_per_action", .line = 7, .label = "work",
                                          .kind = ESP_FIGURE_SCALED, .value = esp_agent_flops(subject, net),
                                          .unit = "FLOPs per action"});
}

static void collect(const esp_subject *subject, const esp_network *net, const esp_trajectory *trajectories, int count,
                    double wall_s, esp_measurement *out)
{
    const esp_agent_subject *a = subject->state;
    double *returns = esp_alloc((size_t)count, sizeof *returns);
    char held[128];
    int settled = 0;
    double steps = 0.0;
    for (int i = 0; i < count; i++) {
        steps += trajectories[i].length;
        returns[i] = trajectories[i].episode_return;
        settled += trajectories[i].settled < a->world->num_steps;
    }
    esp_summary summary = esp_summarise(count, returns, subject->settings->seed);
    out->performance = summary.mean;
    out->low = summary.low;
    out->high = summary.high;
    add_returns(subject, &summary, returns, &out->figures);
    snprintf(held, sizeof held, "episodes %s", a->world->task->about.goal);
    esp_figure_list_add(&out->figures, (esp_figure){.key = "success_rate", .line = 6, .label = "goal held",
                                                    .kind = ESP_FIGURE_SHARE, .value = settled, .other = count,
                                                    .unit = held});
    add_costs(subject, net, steps / wall_s, &out->figures);
    free(returns);
}

/* Plays the first report episodes of the seed with the subject's start and planner. */
esp_status esp_agent_measure(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out)
{
    const esp_agent_subject *a = subject->state;
    int count = subject->report;
    esp_episode *episodes = esp_alloc((size_t)count, sizeof *episodes);
    esp_trajectory *trajectories = esp_alloc((size_t)count, sizeof *trajectories);
    esp_episodes_name(subject->settings->seed, ESP_EPISODES_REPORT, a->world->start, count, episodes);
    esp_evaluation evaluation = {.net = net, .config = &a->config, .kind = a->kind,
                                 .budget = &a->config.planner.budget, .episodes = episodes, .count = count};
    double started = esp_clock();
    esp_status status = esp_evaluate(a->pool, &evaluation, task, trajectories);
    if (status == ESP_OK) collect(subject, net, trajectories, count, esp_clock() - started, out);
    free(episodes);
    free(trajectories);
    return status;
}
