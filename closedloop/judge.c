/* Candidates of a search, judged by the same episodes. */
#include <stdlib.h>

#include "closedloop/play_internal.h"

/* n candidates over the same episodes. The blocks of all candidates are shared among the threads
 * together, since the few candidates that play many episodes have to fill all threads as well. */
typedef struct {
    const esp_closed_loop *loop;
    const esp_cut  *cuts;
    int             n, count;       /* candidates; episodes per candidate */
    esp_episode    *episodes;       /* [count] */
    esp_network   **nets;           /* [n] */
    esp_trajectory *trajectories;   /* [n, count] */
} trial;

static esp_status cut_all(const trial *t)
{
    esp_error *errors = esp_alloc((size_t)t->n, sizeof *errors);
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < t->n; i++)
        esp_error_take(&errors[i], esp_surgeon_operate(t->loop->surgeon, &t->cuts[i], &t->nets[i]));
    esp_status status = esp_error_first(errors, t->n);
    free(errors);
    return status;
}

static esp_playing playing_of(const trial *t, const esp_network *net)
{
    return (esp_playing){.actors = t->loop->actors, .net = net, .episodes = t->episodes, .count = t->count};
}

static esp_status play_all(const trial *t)
{
    esp_playing shape = playing_of(t, NULL);
    int block = esp_playing_block(&shape, 0), blocks = (t->count + block - 1) / block;
    esp_error *errors = esp_alloc((size_t)(t->n * blocks), sizeof *errors);
    esp_step_count unseen = {.task = NULL};
    /* a single block leaves the threads to its planner */
#pragma omp parallel for schedule(dynamic, 1) if (t->n * blocks > 1)
    for (int i = 0; i < t->n * blocks; i++) {
        int candidate = i / blocks;
        esp_playing playing = playing_of(t, t->nets[candidate]);
        esp_trajectory *trajectories = t->trajectories + (size_t)candidate * (size_t)t->count;
        esp_error_take(&errors[i], esp_play_block(t->loop->pool, &playing, i % blocks * block, &unseen, trajectories));
    }
    esp_status status = esp_error_first(errors, t->n * blocks);
    free(errors);
    return status;
}

/* ---- the bound of the total variation ---- */

double esp_mean_variation(const esp_trajectory *trajectories, int count)
{
    double sum = 0.0;
    for (int e = 0; e < count; e++) sum += trajectories[e].behaviour.variation;
    return sum / count;
}

double esp_bounded_return(double mean_return, double variation, double allowed)
{
    if (allowed <= 0.0 || variation <= allowed) return mean_return;
    return mean_return > 0.0 ? mean_return * (allowed / variation) : mean_return * (variation / allowed);
}

/* That of the reference on the same episodes, which are played once. */
static esp_status reference_variation(const trial *t, double *out)
{
    const esp_closed_loop *loop = t->loop;
    esp_closed_loop_memory *memory = loop->memory;
    for (int i = 0; i < memory->known; i++)
        if (memory->count[i] == t->count) {
            *out = memory->variation[i];
            return ESP_OK;
        }
    esp_trajectory *trajectories = esp_alloc((size_t)t->count, sizeof *trajectories);
    esp_playing playing = playing_of(t, loop->reference);
    esp_status status = esp_play_episodes(loop->pool, &playing, NULL, trajectories);
    if (status == ESP_OK) *out = esp_mean_variation(trajectories, t->count);
    if (status == ESP_OK && memory->known < ESP_MOST_SCALES) {
        memory->count[memory->known] = t->count;
        memory->variation[memory->known++] = *out;
    }
    free(trajectories);
    return status;
}

static esp_status punish_variation(const trial *t, double *performance)
{
    double allowed;
    if (t->loop->max_variation <= 0.0) return ESP_OK;
    esp_status status = reference_variation(t, &allowed);
    if (status != ESP_OK) return status;
    allowed *= t->loop->max_variation;
    for (int i = 0; i < t->n; i++) {
        double variation = esp_mean_variation(t->trajectories + (size_t)i * (size_t)t->count, t->count);
        performance[i] = esp_bounded_return(performance[i], variation, allowed);
    }
    return ESP_OK;
}

esp_status esp_closed_loop_performance(void *context, int n, const esp_cut *cuts, int scale, double *performance)
{
    const esp_closed_loop *loop = context;
    trial t = {.loop = loop, .cuts = cuts, .n = n, .count = scale * loop->count};
    t.episodes = esp_alloc((size_t)t.count, sizeof *t.episodes);
    t.nets = esp_alloc((size_t)n, sizeof *t.nets);
    t.trajectories = esp_alloc((size_t)n * (size_t)t.count, sizeof *t.trajectories);
    esp_search_episodes(loop->seed, esp_names_count(esp_pool_world(loop->pool)->task->about.starts), 0,
                        t.count, t.episodes);
    esp_status status = cut_all(&t);
    if (status == ESP_OK) status = play_all(&t);
    for (int i = 0; i < n; i++) {
        performance[i] = 0.0;
        for (int e = 0; e < t.count; e++)
            performance[i] += t.trajectories[(size_t)i * (size_t)t.count + (size_t)e].episode_return / t.count;
        esp_network_free(t.nets[i]);
    }
    if (status == ESP_OK) status = punish_variation(&t, performance);
    free(t.trajectories);
    free(t.nets);
    free(t.episodes);
    return status;
}
