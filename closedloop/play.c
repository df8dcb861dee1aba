/* Episodes of a network, in blocks of fixed size on all threads. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "closedloop/play_internal.h"

/* Plays one block. */
typedef struct {
    const esp_playing *playing;
    esp_step_count    *steps;
    const esp_world   *world;
    void              *actor;
    int                first;       /* episode of the playing */
    int                num_numbers; /* of an observation; 0: not wanted */
    float             *row;         /* [block, num_numbers], owned */
    float             *scratch;     /* [num_actions], owned */
    esp_rng           *rng;         /* [block] streams of the noise, one per episode; owned */
} player;

/* Stores what the controller saw and chose, then adds noise to its action. */
static void disturb(player *p, int e, int step, float *action)
{
    const esp_playing *playing = p->playing;
    size_t at = (size_t)(p->first + e) * (size_t)p->world->num_steps + (size_t)step;
    size_t A = (size_t)p->world->num_actions, numbers = (size_t)p->num_numbers;
    double noise = playing->noise ? playing->noise[p->first + e] : 0.0;
    if (playing->intended) memcpy(playing->intended + at * A, action, A * sizeof *action);
    if (numbers)
        memcpy(playing->observed + at * numbers, p->row + (size_t)e * numbers, numbers * sizeof *p->row);
    if (noise > 0.0) esp_explore(1, (int)A, p->world->actuation, (float)noise, &p->rng[e], p->scratch, action);
}

static esp_status act(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    player *p = context;
    double done;
#pragma omp atomic capture
    done = p->steps->done += n;
    if (p->steps->task && omp_get_thread_num() == 0)
        esp_progress(p->steps->task, done, p->steps->total, "control steps");
    esp_status status = p->playing->actors->act(p->actor, n, step, obs, actions);
    if (p->num_numbers) esp_observation_rows(p->world, obs, n, p->row);
    for (int e = 0; e < n; e++) disturb(p, e, step, actions + e * p->world->num_actions);
    return status;
}

int esp_playing_block(const esp_playing *playing, int first)
{
    int block = playing->actors->block, left = playing->count - first;
    return left < block ? left : block;
}

static player player_create(const esp_world *world, const esp_playing *playing, int first, int n,
                            esp_step_count *steps)
{
    player p = {.playing = playing, .steps = steps, .world = world, .first = first};
    const esp_episode *episodes = playing->episodes + first;
    if (playing->observed) p.num_numbers = esp_observation_numbers(world);
    p.row = esp_alloc((size_t)n, (size_t)(p.num_numbers + 1) * sizeof *p.row);
    p.scratch = esp_alloc((size_t)world->num_actions, sizeof *p.scratch);
    p.rng = esp_alloc((size_t)n, sizeof *p.rng);
    for (int e = 0; e < n; e++) p.rng[e] = esp_rng_make(episodes[e].seed, ESP_RNG_EXPLORE, episodes[e].index);
    p.actor = playing->actors->create(playing->actors->context, playing->net, episodes, n);
    return p;
}

static void player_free(player *p)
{
    p->playing->actors->free(p->actor);
    free(p->row);
    free(p->scratch);
    free(p->rng);
}

esp_status esp_play_block(esp_pool *pool, const esp_playing *playing, int first, esp_step_count *steps,
                          esp_trajectory *out)
{
    esp_simulator *simulator;
    int n = esp_playing_block(playing, first);
    esp_status status = esp_pool_simulator(pool, &simulator);
    if (status != ESP_OK) return status;
    player p = player_create(esp_pool_world(pool), playing, first, n, steps);
    status = esp_rollout(simulator, playing->episodes + first, n, act, &p, out + first);
    player_free(&p);
    return status;
}

esp_status esp_play_episodes(esp_pool *pool, const esp_playing *playing, const char *task,
                             esp_trajectory *trajectories)
{
    int block = esp_playing_block(playing, 0), blocks = playing->count > 0 ? (playing->count + block - 1) / block : 0;
    esp_step_count steps = {.task = task, .total = (double)playing->count * esp_pool_world(pool)->num_steps};
    esp_error *errors = esp_alloc((size_t)blocks + 1, sizeof *errors);
#pragma omp parallel for schedule(dynamic, 1)
    for (int b = 0; b < blocks; b++)
        esp_error_take(&errors[b], esp_play_block(pool, playing, b * block, &steps, trajectories));
    esp_status status = esp_error_first(errors, blocks);
    if (task && status == ESP_OK) esp_progress(task, steps.total, steps.total, "control steps");
    free(errors);
    return status;
}

void esp_search_episodes(uint64_t seed, int starts, uint64_t first, int count, esp_episode *out)
{
    for (int i = 0; i < count; i++) {
        esp_episodes_name(seed, ESP_EPISODES_SEARCH, i % starts, 1, &out[i]);
        out[i].index = first + (uint64_t)(i / starts);
    }
}
