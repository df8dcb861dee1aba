/* Held-out episodes of an agent: what is kept of each. */
#include <math.h>
#include <stdlib.h>

#include "application/agent_internal.h"

static void describe(const esp_agent_subject *a, esp_samples *out)
{
    const esp_trait traits[ESP_AGENT_TRAITS] = {
        [ESP_TRAIT_RETURN] = {"return", "return", NULL, 1},
        [ESP_TRAIT_VARIATION] = {"total_variation", "total variation of actions", NULL, 2},
        [ESP_TRAIT_SATURATION] = {"saturation_share", "saturated actions, share", NULL, 3},
        [ESP_TRAIT_GOAL_TIME] = {"goal_seconds", "time to the goal", "s", 2},
        [ESP_TRAIT_STEADY_ERROR] = {"steady_error", "steady-state error", NULL, 4}};
    const esp_task_quantity *error = esp_task_error(a->world->task);
    for (int t = 0; t < ESP_AGENT_TRAITS; t++) out->trait[t] = traits[t];
    if (error) out->trait[ESP_TRAIT_STEADY_ERROR].unit = error->unit;
    out->num_traits = error ? ESP_AGENT_TRAITS : ESP_TRAIT_STEADY_ERROR;
    out->most = a->config.env.physics_steps; /* a time step is rewarded with 1 at most */
}

static void name_starts(const esp_agent_subject *a, esp_samples *out)
{
    const char *const *starts = a->world->task->about.starts;
    out->start[out->num_starts++].name = starts[a->world->start];
    for (int s = 0; starts[s] && a->every_start && out->num_starts < ESP_MOST_STARTS; s++)
        if (s != a->world->start) out->start[out->num_starts++].name = starts[s];
}

static void keep(const esp_trajectory *trajectories, int count, int num_traits, esp_start_samples *out)
{
    out->count = count;
    for (int t = 0; t < num_traits; t++) out->value[t] = esp_alloc((size_t)count, sizeof *out->value[t]);
    for (int i = 0; i < count; i++) {
        const esp_behaviour *b = &trajectories[i].behaviour;
        const double values[ESP_AGENT_TRAITS] = {
            [ESP_TRAIT_RETURN] = trajectories[i].episode_return, [ESP_TRAIT_VARIATION] = b->variation,
            [ESP_TRAIT_SATURATION] = b->saturation, [ESP_TRAIT_GOAL_TIME] = b->goal_time,
            [ESP_TRAIT_STEADY_ERROR] = b->steady_error};
        for (int t = 0; t < num_traits; t++) out->value[t][i] = values[t];
    }
}

/* Episodes first .. first + count - 1 of every start, [starts, count]. */
static esp_episode *name_episodes(const esp_subject *subject, const esp_samples *samples, int first, int count)
{
    const esp_agent_subject *a = subject->state;
    const char *const *names = a->world->task->about.starts;
    esp_episode *episodes = esp_alloc((size_t)(samples->num_starts * count), sizeof *episodes);
    for (int s = 0; s < samples->num_starts; s++) {
        esp_episodes_name(subject->settings->seed, ESP_EPISODES_REPORT, esp_names_index(names, samples->start[s].name),
                          count, episodes + s * count);
        for (int i = 0; i < count; i++) episodes[s * count + i].index += (uint64_t)first;
    }
    return episodes;
}

esp_status esp_agent_play(const esp_subject *subject, const esp_network *net, int first, int count, const char *task,
                          double *steps, esp_samples *out)
{
    const esp_agent_subject *a = subject->state;
    esp_samples samples = {.num_starts = 0};
    describe(a, &samples);
    name_starts(a, &samples);
    int total = samples.num_starts * count;
    esp_episode *episodes = name_episodes(subject, &samples, first, count);
    esp_trajectory *trajectories = esp_alloc((size_t)total, sizeof *trajectories);
    esp_evaluation evaluation = {.net = net, .config = &a->config, .kind = a->kind,
                                 .budget = &a->config.planner.budget, .episodes = episodes, .count = total};
    esp_status status = esp_evaluate(a->pool, &evaluation, task, trajectories);
    *steps = 0.0;
    for (int i = 0; i < total; i++) *steps += trajectories[i].length;
    for (int s = 0; s < samples.num_starts && status == ESP_OK; s++)
        keep(trajectories + s * count, count, samples.num_traits, &samples.start[s]);
    if (status == ESP_OK) *out = samples;
    free(episodes);
    free(trajectories);
    return status;
}

esp_status esp_agent_sample(const esp_subject *subject, const esp_network *net, int first, int count, const char *task,
                            esp_samples *out)
{
    double steps;
    return esp_agent_play(subject, net, first, count, task, &steps, out);
}
