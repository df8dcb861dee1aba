/* Held-out episodes of an agent: what is kept of each. */
#include <math.h>
#include <stdlib.h>

#include "application/agent_internal.h"

esp_status esp_agent_play(const esp_subject *subject, const esp_network *net, int first, int count, const char *task,
                          double *steps, esp_samples *out)
{
    const esp_agent_subject *a = subject->state;
    esp_samples samples = esp_samples_of_world(a->world, a->every_start);
    int total = samples.num_starts * count;
    esp_episode *episodes = esp_samples_episodes(a->world, &samples, subject->settings->seed, first, count);
    esp_trajectory *trajectories = esp_alloc((size_t)total, sizeof *trajectories);
    esp_actors actors = esp_agent_library_actors(a);
    esp_evaluation evaluation = {.net = net, .config = &a->config, .kind = a->kind,
                                 .budget = &a->config.planner.budget, .episodes = episodes, .count = total,
                                 .actors = a->library ? &actors : NULL};
    esp_status status = esp_evaluate(a->pool, &evaluation, task, trajectories);
    *steps = 0.0;
    for (int i = 0; i < total; i++) *steps += trajectories[i].length;
    if (status == ESP_OK) {
        esp_samples_keep(trajectories, count, &samples);
        *out = samples;
    }
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
