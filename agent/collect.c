/* Training episodes: sticky random actions first, then the policy with Gaussian noise. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/trainer_internal.h"

/* Who acts in one block of episodes, and how noise is drawn. */
typedef struct {
    esp_trainer    *trainer;
    esp_controller *controller;                /* NULL: sticky random or recorded actions */
    const float    *recorded;                  /* [n, L, A]; NULL: not recorded */
    float           std;
    esp_rng         rng[ESP_EPISODE_BLOCK];
    float          *held;                      /* [ESP_EPISODE_BLOCK, A], owned */
    float          *scratch;                   /* [A], owned */
    int             left[ESP_EPISODE_BLOCK];   /* control steps that the held action still lasts */
} actor;

/* Random actions pump no energy into a system unless each is held for a while. */
static void sticky_action(actor *a, int e, float *action)
{
    const esp_train_config *c = &a->trainer->config.train;
    int A = a->trainer->world->num_actions;
    float *held = a->held + e * A;
    if (a->left[e]-- == 0) {
        a->left[e] = (int)esp_rng_below(&a->rng[e], (uint32_t)c->seed_hold);
        for (int i = 0; i < A; i++) {
            bool extreme = esp_rng_uniform(&a->rng[e]) < c->seed_extreme;
            double u = 2.0 * esp_rng_uniform(&a->rng[e]) - 1.0;
            held[i] = extreme ? (u < 0.0 ? -1.0f : 1.0f) : (float)u;
        }
    }
    memcpy(action, held, (size_t)A * sizeof(float));
}

static esp_status choose(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    actor *a = context;
    int A = a->trainer->world->num_actions, L = a->trainer->world->num_steps;
    if (a->recorded) {
        for (int e = 0; e < n; e++)
            memcpy(actions + e * A, a->recorded + ((size_t)e * L + step) * A, (size_t)A * sizeof(float));
        return ESP_OK;
    }
    if (!a->controller) {
        for (int e = 0; e < n; e++) sticky_action(a, e, actions + e * A);
        return ESP_OK;
    }
    esp_status status = esp_controller_act(a->controller, n, step, obs, actions);
    esp_explore(n, A, a->trainer->world->actuation, a->std, a->rng, a->scratch, actions);
    return status;
}

/* The configured share of episodes starts at other starts than the task's first; those episodes are evenly spread,
 * and the other starts take turns. */
static void name_episodes(const esp_trainer *trainer, int64_t first, int n, esp_episode *out)
{
    int others = esp_names_count(trainer->world->task->about.starts) - 1;
    double share = others > 0 ? trainer->config.train.other_starts : 0.0;
    esp_episodes_name(trainer->config.train.seed, ESP_EPISODES_TRAIN, 0, n, out);
    for (int i = 0; i < n; i++) {
        int64_t k = first + i;
        double before = floor((double)k * share);
        out[i].index = (uint64_t)k;
        if (floor((double)(k + 1) * share) > before) out[i].start = 1 + (int)fmod(before, others);
    }
}

/* Memory for `n` episodes, reused by later ones. */
typedef struct {
    esp_recording   memory;
    esp_trajectory *trajectory;
} recording;

static recording recording_create(const esp_trainer *trainer, int n)
{
    recording r;
    esp_recording_create(&trainer->config.env, trainer->world->num_actions, n, &r.memory);
    r.trajectory = esp_recording_trajectories(&r.memory);
    return r;
}

static void recording_free(recording *r)
{
    esp_recording_free(&r->memory);
    free(r->trajectory);
}

static esp_status play_block(esp_trainer *trainer, int64_t first, int n, bool again, esp_trajectory *out)
{
    esp_simulator *simulator;
    esp_episode episodes[ESP_EPISODE_BLOCK];
    bool shaped = trainer->update < trainer->config.train.reward_updates;
    esp_status status = esp_pool_simulator(shaped ? trainer->shaped_pool : trainer->pool, &simulator);
    if (status != ESP_OK) return status;
    actor *a = esp_alloc(1, sizeof *a);
    const esp_agent_config *config = &trainer->config;
    size_t episode = (size_t)trainer->world->num_steps * trainer->world->num_actions;
    bool sticky = first < config->train.seed_episodes;
    name_episodes(trainer, first, n, episodes);
    a->held = esp_alloc((size_t)ESP_EPISODE_BLOCK * trainer->world->num_actions, sizeof *a->held);
    a->scratch = esp_alloc((size_t)trainer->world->num_actions, sizeof *a->scratch);
    a->trainer = trainer;
    a->std = (float)esp_linear_schedule(config->train.noise_start, config->train.noise_end,
                                        config->train.noise_updates, trainer->update);
    for (int e = 0; e < n; e++)
        a->rng[e] = esp_rng_make(episodes[e].seed, sticky ? ESP_RNG_SEED_ACTIONS : ESP_RNG_EXPLORE, episodes[e].index);
    if (again) a->recorded = trainer->actions + (size_t)(first % config->train.buffer) * episode;
    else if (!sticky)
        a->controller = esp_controller_create(trainer->net, config, ESP_CONTROLLER_POLICY, NULL, n);
    status = esp_rollout(simulator, episodes, n, choose, a, out);
    esp_controller_free(a->controller);
    free(a->held);
    free(a->scratch);
    free(a);
    return status;
}

/* Plays the episodes [first, first + n) in blocks on all threads. No block crosses the end of the seed episodes or of
 * the ring of recorded actions. */
static esp_status play(esp_trainer *trainer, int64_t first, int n, bool again, const recording *r)
{
    int blocks = (n + ESP_EPISODE_BLOCK - 1) / ESP_EPISODE_BLOCK;
    esp_error *errors = esp_alloc((size_t)blocks, sizeof *errors);
#pragma omp parallel for schedule(dynamic, 1)
    for (int b = 0; b < blocks; b++) {
        int from = b * ESP_EPISODE_BLOCK, size = n - from < ESP_EPISODE_BLOCK ? n - from : ESP_EPISODE_BLOCK;
        esp_error_take(&errors[b], play_block(trainer, first + from, size, again, r->trajectory + from));
    }
    esp_status status = esp_error_first(errors, blocks);
    free(errors);
    return status;
}

static void add_to_buffer(esp_trainer *trainer, int n, const recording *r)
{
    size_t L = (size_t)trainer->world->num_steps, episode = L * trainer->world->num_actions;
    float scale = (float)trainer->config.train.reward_scale;
    for (int i = 0; i < n; i++) {
        size_t slot = (size_t)(esp_replay_added(trainer->replay) % trainer->config.train.buffer);
        for (size_t t = 0; t < L; t++) r->trajectory[i].rewards[t] *= scale;
        memmove(trainer->actions + slot * episode, r->trajectory[i].actions, episode * sizeof(float));
        esp_replay_add(trainer->replay, r->trajectory[i].frames, r->trajectory[i].actions, r->trajectory[i].rewards);
    }
}

/* Most episodes in memory before they enter the buffer. */
#define CHUNK (4 * ESP_EPISODE_BLOCK)

esp_status esp_trainer_collect(esp_trainer *trainer, int count)
{
    recording r = recording_create(trainer, count < CHUNK ? count : CHUNK);
    esp_status status = ESP_OK;
    double sum = 0.0;
    for (int done = 0; done < count && status == ESP_OK; done += CHUNK) {
        int n = count - done < CHUNK ? count - done : CHUNK;
        status = play(trainer, esp_replay_added(trainer->replay), n, false, &r);
        if (status != ESP_OK) break;
        for (int i = 0; i < n; i++) sum += r.trajectory[i].episode_return;
        add_to_buffer(trainer, n, &r);
        if (count > CHUNK) esp_progress("collect", done + n, count, "episodes");
    }
    trainer->collected = sum / count;
    recording_free(&r);
    return status;
}

static esp_status play_again(esp_trainer *trainer, int64_t first, int64_t last)
{
    const esp_train_config *c = &trainer->config.train;
    int64_t ring = c->buffer, seeds = c->seed_episodes, collected = last > seeds ? c->cycle_episodes : seeds;
    recording r = recording_create(trainer, CHUNK);
    esp_status status = ESP_OK;
    double sum = 0.0;
    esp_replay_begin_at(trainer->replay, first);
    for (int64_t k = first; k < last && status == ESP_OK;) {
        int64_t end = k + CHUNK < last ? k + CHUNK : last;
        if (k < seeds && end > seeds) end = seeds;
        if (k % ring + (end - k) > ring) end = k + ring - k % ring;
        status = play(trainer, k, (int)(end - k), true, &r);
        for (int64_t i = k; i < end; i++)
            if (i >= last - collected) sum += r.trajectory[i - k].episode_return;
        if (status == ESP_OK) add_to_buffer(trainer, (int)(end - k), &r);
        k = end;
        esp_progress("rebuild", (double)(k - first), (double)(last - first), "replaying the buffer");
    }
    trainer->collected = sum / (double)(collected < last - first ? collected : last - first);
    recording_free(&r);
    return status;
}

esp_status esp_trainer_rebuild(esp_trainer *trainer, int64_t last)
{
    int64_t ring = trainer->config.train.buffer;
    size_t slots = (size_t)ring * trainer->world->num_steps;
    float *priorities = esp_alloc(slots, sizeof(float));
    memcpy(priorities, esp_replay_priorities(trainer->replay), slots * sizeof(float));
    esp_status status = play_again(trainer, last > ring ? last - ring : 0, last);
    if (status == ESP_OK) {
        memcpy(esp_replay_priorities(trainer->replay), priorities, slots * sizeof(float));
        esp_replay_refresh(trainer->replay);
    }
    free(priorities);
    return status;
}
