/* The share of its return that a network keeps, on episodes that nothing else plays. */
#include <math.h>
#include <stdlib.h>

#include "application/application_internal.h"

#define FIRST_KEPT 2000000 /* their first number among the search's episodes, which end far below */

/* returns [count], starts in turn */
static esp_status play(const esp_keeping *k, const esp_network *net, int starts, int count, double *returns)
{
    esp_episode *episodes = esp_alloc((size_t)count, sizeof *episodes);
    esp_trajectory *trajectories = esp_alloc((size_t)count, sizeof *trajectories);
    esp_search_episodes(k->seed, starts, FIRST_KEPT, count, episodes);
    esp_playing playing = {.actors = k->actors, .net = net, .episodes = episodes, .count = count};
    esp_status status = esp_play_episodes(k->pool, &playing, "keep", trajectories);
    for (int i = 0; i < count; i++) returns[i] = trajectories[i].episode_return;
    free(episodes);
    free(trajectories);
    return status;
}

/* Of the mean returns from one start. */
static double kept_share(const esp_application *app, int count, int start, int starts, const double *dense,
                         const double *pruned)
{
    double before = 0, after = 0;
    for (int i = start; i < count; i += starts) {
        before += dense[i];
        after += pruned[i];
    }
    return esp_application_kept(app, before, after);
}

esp_status esp_keeping_share(const esp_keeping *k, const esp_network *net, double *share)
{
    int starts = esp_names_count(esp_pool_world(k->pool)->task->about.starts), count = starts * k->per_start;
    double *pruned = esp_alloc((size_t)count, sizeof *pruned);
    esp_status status = ESP_OK;
    if (!*k->returns) { /* the dense network plays once */
        *k->returns = esp_alloc((size_t)count, sizeof **k->returns);
        status = play(k, k->dense, starts, count, *k->returns);
    }
    if (status == ESP_OK) status = play(k, net, starts, count, pruned);
    *share = INFINITY;
    for (int i = 0; i < starts; i++)
        *share = fmin(*share, kept_share(k->application, count, i, starts, *k->returns, pruned));
    free(pruned);
    return status;
}
