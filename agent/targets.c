/* Value targets: the dense agent's values of recorded states, from which a pruned agent learns its
 * own. */
#include <math.h>
#include <stdlib.h>

#include "agent/agent_internal.h"

enum { BLOCK = 64 };

/* min(Q1, Q2) of the dense agent, with its policy's actions, in the states after steps first ..
 * first + n - 1. */
static void block_values(const esp_network *dense, const esp_recording *r, size_t first, int n, float *value)
{
    size_t image = (size_t)r->stack * r->frame;
    int latent = esp_told_latent(dense), A = r->num_actions;
    uint8_t *obs = esp_alloc((size_t)n, image);
    float *a = esp_alloc((size_t)n * A, sizeof *a), *x = esp_alloc((size_t)n * (latent + A), sizeof *x);
    esp_tape *encoder = esp_tape_create(dense, ESP_TOLD_ENCODER, n);
    esp_tape *policy = esp_tape_create(dense, ESP_TOLD_POLICY, n);
    esp_tape *q1 = esp_tape_create(dense, ESP_TOLD_Q1, n), *q2 = esp_tape_create(dense, ESP_TOLD_Q2, n);
    for (int i = 0; i < n; i++) {
        size_t step = first + i;
        esp_recording_obs(r, (int)(step / r->num_steps), (int)(step % r->num_steps) + 1, obs + i * image);
    }
    const float *z = esp_forward(dense, encoder, obs, n), *mu = esp_forward(dense, policy, z, n);
    for (int i = 0; i < n * A; i++) a[i] = tanhf(mu[i]);
    esp_concat(n, latent, z, A, a, x);
    const float *first_q = esp_forward(dense, q1, x, n), *second_q = esp_forward(dense, q2, x, n);
    for (int i = 0; i < n; i++) value[i] = fminf(first_q[i], second_q[i]);
    esp_tape_free(encoder);
    esp_tape_free(policy);
    esp_tape_free(q1);
    esp_tape_free(q2);
    free(obs);
    free(a);
    free(x);
}

float *esp_dense_targets(const esp_network *dense, const esp_agent_config *config, const esp_recording *r)
{
    size_t total = (size_t)r->episodes * r->num_steps;
    float *target = esp_alloc(total, sizeof *target);
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t first = 0; first < total; first += BLOCK)
        block_values(dense, r, first, (int)(total - first < BLOCK ? total - first : BLOCK), target + first);
    for (size_t i = 0; i < total; i++)
        target[i] = (float)(config->train.reward_scale * r->rewards[i] + config->loss.discount * target[i]);
    return target;
}
