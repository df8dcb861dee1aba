/* Prioritised replay of whole episodes. Frames are stored once; a stack that reaches back past the
 * start of its episode repeats the first frame. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"

struct esp_replay {
    esp_replay_config config;
    int64_t  added;
    uint8_t *frames;      /* [capacity, L + 1, frame] */
    float   *actions;     /* [capacity, L, A] */
    float   *rewards;     /* [capacity, L] */
    float   *priorities;  /* [capacity, L] */
    double  *mass;        /* [capacity, L] priority^alpha */
    double  *episode_mass;/* [capacity] sum over the episode, so that a draw scans two short lists */
};

esp_replay *esp_replay_create(const esp_replay_config *config)
{
    esp_replay *replay = esp_alloc(1, sizeof *replay);
    size_t slots = (size_t)config->capacity * config->num_steps;
    replay->config = *config;
    replay->frames = esp_alloc(slots + config->capacity, (size_t)config->frame);
    replay->actions = esp_alloc(slots * config->num_actions, sizeof(float));
    replay->rewards = esp_alloc(slots, sizeof(float));
    replay->priorities = esp_alloc(slots, sizeof(float));
    replay->mass = esp_alloc(slots, sizeof(double));
    replay->episode_mass = esp_alloc((size_t)config->capacity, sizeof(double));
    /* The reference initialises priorities to one; slots that were never filled are never drawn. */
    for (size_t i = 0; i < slots; i++) replay->priorities[i] = 1.0f;
    return replay;
}

void esp_replay_free(esp_replay *replay)
{
    if (!replay) return;
    free(replay->frames);
    free(replay->actions);
    free(replay->rewards);
    free(replay->priorities);
    free(replay->mass);
    free(replay->episode_mass);
    free(replay);
}

static int filled_episodes(const esp_replay *replay)
{
    return replay->added < replay->config.capacity ? (int)replay->added : replay->config.capacity;
}

size_t esp_replay_slots(const esp_replay *replay)
{
    return (size_t)filled_episodes(replay) * replay->config.num_steps;
}

int64_t esp_replay_added(const esp_replay *replay)
{
    return replay->added;
}

void esp_replay_begin_at(esp_replay *replay, int64_t first)
{
    replay->added = first;
}

float *esp_replay_priorities(esp_replay *replay)
{
    return replay->priorities;
}

static void refresh_slot(esp_replay *replay, size_t slot)
{
    float priority = replay->priorities[slot];
    replay->mass[slot] = priority > 0.0f ? pow(priority, replay->config.alpha) : 0.0;
}

static void sum_episode(esp_replay *replay, int episode)
{
    int steps = replay->config.num_steps;
    double sum = 0.0;
    for (int i = 0; i < steps; i++) sum += replay->mass[(size_t)episode * steps + i];
    replay->episode_mass[episode] = sum;
}

void esp_replay_refresh(esp_replay *replay)
{
    for (size_t i = 0; i < esp_replay_slots(replay); i++) refresh_slot(replay, i);
    for (int e = 0; e < filled_episodes(replay); e++) sum_episode(replay, e);
}

static float largest_priority(const esp_replay *replay)
{
    float largest = replay->added ? 0.0f : 1.0f;
    for (size_t i = 0; i < esp_replay_slots(replay); i++)
        if (replay->priorities[i] > largest) largest = replay->priorities[i];
    return largest;
}

void esp_replay_add(esp_replay *replay, const uint8_t *frames, const float *actions, const float *rewards)
{
    const esp_replay_config *config = &replay->config;
    size_t steps = (size_t)config->num_steps;
    int episode = (int)(replay->added % config->capacity);
    size_t first = (size_t)episode * steps;
    float priority = largest_priority(replay);
    memcpy(replay->frames + (size_t)episode * (steps + 1) * config->frame, frames, (steps + 1) * config->frame);
    memcpy(replay->actions + first * config->num_actions, actions, steps * config->num_actions * sizeof(float));
    memcpy(replay->rewards + first, rewards, steps * sizeof(float));
    for (size_t i = 0; i < steps; i++) {
        replay->priorities[first + i] = i + config->horizon < steps ? priority : 0.0f;
        refresh_slot(replay, first + i);
    }
    replay->added++;
    sum_episode(replay, episode);
}

static double total_mass(const esp_replay *replay)
{
    double total = 0.0;
    for (int e = 0; e < filled_episodes(replay); e++) total += replay->episode_mass[e];
    return total;
}

double esp_replay_probability(const esp_replay *replay, size_t slot)
{
    return replay->mass[slot] / total_mass(replay);
}

/* The slot that contains a point of the cumulative mass; never one of mass 0. */
static size_t slot_at(const esp_replay *replay, double point)
{
    int episodes = filled_episodes(replay), steps = replay->config.num_steps, e = 0;
    while (e < episodes - 1 && point >= replay->episode_mass[e]) point -= replay->episode_mass[e++];
    size_t first = (size_t)e * steps, last = first;
    for (int i = 0; i < steps; i++) {
        double mass = replay->mass[first + i];
        if (mass <= 0.0) continue;
        last = first + i;
        if (point < mass) return last;
        point -= mass;
    }
    return last; /* rounding left a remainder after the last slot */
}

void esp_replay_draw(const esp_replay *replay, esp_rng *rng, int batch, size_t *slots)
{
    double total = total_mass(replay);
    for (int b = 0; b < batch; b++) slots[b] = slot_at(replay, esp_rng_uniform(rng) * total);
}

void esp_replay_weights(const esp_replay *replay, int batch, const size_t *slots, float *weights)
{
    double n = (double)esp_replay_slots(replay), total = total_mass(replay), largest = 0.0;
    for (int b = 0; b < batch; b++) {
        double weight = pow(n * replay->mass[slots[b]] / total, -replay->config.beta);
        weights[b] = (float)weight;
        if (weight > largest) largest = weight;
    }
    for (int b = 0; b < batch; b++) weights[b] = (float)(weights[b] / largest);
}

/* Gathers the stack, oldest frame first, whose newest frame is number `newest` of its episode. */
static void gather_stack(const esp_replay *replay, int episode, int newest, uint8_t *out)
{
    size_t frame = (size_t)replay->config.frame;
    const uint8_t *first = replay->frames + (size_t)episode * (replay->config.num_steps + 1) * frame;
    for (int i = newest - replay->config.stack + 1; i <= newest; i++, out += frame)
        memcpy(out, first + (i < 0 ? 0 : i) * frame, frame);
}

void esp_replay_gather(const esp_replay *replay, int batch, const size_t *slots, int steps, uint8_t *obs,
                       uint8_t *next_obs, float *actions, float *rewards)
{
    const esp_replay_config *config = &replay->config;
    size_t stack = (size_t)config->stack * config->frame, width = (size_t)config->num_actions;
    for (int b = 0; b < batch; b++) {
        int episode = (int)(slots[b] / config->num_steps), start = (int)(slots[b] % config->num_steps);
        gather_stack(replay, episode, start, obs + b * stack);
        for (int t = 0; t < steps; t++) {
            size_t at = (size_t)t * batch + b;
            gather_stack(replay, episode, start + t + 1, next_obs + at * stack);
            memcpy(actions + at * width, replay->actions + (slots[b] + t) * width, width * sizeof(float));
            rewards[at] = replay->rewards[slots[b] + t];
        }
    }
}

void esp_replay_update(esp_replay *replay, int batch, const size_t *slots, const float *priorities)
{
    for (int b = 0; b < batch; b++) {
        replay->priorities[slots[b]] = priorities[b] + 1e-6f;
        refresh_slot(replay, slots[b]);
    }
    for (int b = 0; b < batch; b++) sum_episode(replay, (int)(slots[b] / replay->config.num_steps));
}
