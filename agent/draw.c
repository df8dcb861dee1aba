/* Batches for the updater: samples by priority, random shifts, and the noise of the policy. */
#include <stdlib.h>
#include <string.h>

#include "agent/agent_internal.h"

esp_draw *esp_draw_create(const esp_agent_config *config, int num_actions)
{
    size_t B = (size_t)config->train.batch, T = (size_t)config->train.horizon, A = (size_t)num_actions;
    esp_draw *d = esp_alloc(1, sizeof *d);
    d->pad = config->train.augment;
    d->size = config->env.image_size;
    d->stack = config->env.frame_stack;
    size_t image = (size_t)d->stack * esp_env_pixels(&config->env);
    d->image = image;
    d->slots = esp_alloc(B, sizeof *d->slots);
    d->obs = esp_alloc(B, image);
    d->next_obs = esp_alloc(T * B, image);
    d->shifted = esp_alloc(image, 1);
    d->actions = esp_alloc(T * B * A, sizeof(float));
    d->rewards = esp_alloc(T * B, sizeof(float));
    d->weights = esp_alloc(B, sizeof(float));
    d->td_noise = esp_alloc(T * B * A, sizeof(float));
    d->pi_noise = esp_alloc((T + 1) * B * A, sizeof(float));
    d->batch = (esp_batch){.batch = (int)B, .horizon = (int)T, .obs = d->obs, .next_obs = d->next_obs,
                           .actions = d->actions, .rewards = d->rewards, .weights = d->weights,
                           .td_noise = d->td_noise, .pi_noise = d->pi_noise};
    d->num_actions = num_actions;
    return d;
}

void esp_draw_free(esp_draw *d)
{
    if (!d) return;
    free(d->slots);
    free(d->obs);
    free(d->next_obs);
    free(d->shifted);
    free(d->actions);
    free(d->rewards);
    free(d->weights);
    free(d->td_noise);
    free(d->pi_noise);
    free(d);
}

/* Shifts every stack independently of the others, as the reference does. */
static void shift_stacks(const esp_draw *d, esp_rng *rng, size_t count, uint8_t *images)
{
    for (size_t i = 0; d->pad && i < count; i++, images += d->image) {
        uint32_t shifts = (uint32_t)(2 * d->pad + 1);
        int sx = (int)esp_rng_below(rng, shifts), sy = (int)esp_rng_below(rng, shifts);
        esp_random_shift(d->stack, d->size, d->pad, sx, sy, images, d->shifted);
        memcpy(images, d->shifted, d->image);
    }
}

void esp_draw_batch(esp_draw *d, const esp_replay *replay, uint64_t seed, int64_t update)
{
    int B = d->batch.batch, T = d->batch.horizon;
    size_t TB = (size_t)T * B, A = (size_t)d->num_actions;
    esp_rng choice = esp_rng_make(seed, ESP_RNG_REPLAY, (uint64_t)update);
    esp_rng noise = esp_rng_make(seed, ESP_RNG_UPDATE, (uint64_t)update);
    esp_replay_draw(replay, &choice, B, d->slots);
    esp_replay_weights(replay, B, d->slots, d->weights);
    esp_replay_gather(replay, B, d->slots, T, d->obs, d->next_obs, d->actions, d->rewards);
    shift_stacks(d, &noise, (size_t)B, d->obs);
    shift_stacks(d, &noise, TB, d->next_obs);
    esp_rng_normal(&noise, d->td_noise, TB * A);
    esp_rng_normal(&noise, d->pi_noise, (TB + B) * A);
}
