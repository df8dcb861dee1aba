/* Imitation: encoder and policy learn the actions that another controller took in the same states.
 * Gradients of blocks of fixed size are added in block order, as in the update. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_internal.h"

#define BLOCK 32

typedef struct {
    int       first, n;         /* samples of the batch */
    esp_tape *encoder, *policy;
    float    *grads;            /* [num_weights] */
    float    *dz, *dmu;         /* [n, L], [n, A] */
    double    squares;          /* sum of squared differences */
} block;

struct esp_imitator {
    esp_network *net;
    esp_adam     encoder_adam, policy_adam;
    int          batch, num_blocks, num_actions;
    size_t       image;
    block       *blocks;
};

esp_imitator *esp_imitator_create(esp_network *net, int batch)
{
    esp_imitator *m = esp_alloc(1, sizeof *m);
    m->net = net;
    m->batch = batch;
    m->num_actions = net->component[ESP_TOLD_POLICY].out_size;
    m->image = (size_t)net->component[ESP_TOLD_ENCODER].in_size;
    m->num_blocks = (batch + BLOCK - 1) / BLOCK;
    m->blocks = esp_alloc((size_t)m->num_blocks, sizeof *m->blocks);
    esp_adam_init(&m->encoder_adam, net->component[ESP_TOLD_ENCODER].count);
    esp_adam_init(&m->policy_adam, net->component[ESP_TOLD_POLICY].count);
    for (int i = 0; i < m->num_blocks; i++) {
        block *b = &m->blocks[i];
        b->first = i * BLOCK;
        b->n = batch - b->first < BLOCK ? batch - b->first : BLOCK;
        b->encoder = esp_tape_create(net, ESP_TOLD_ENCODER, BLOCK);
        b->policy = esp_tape_create(net, ESP_TOLD_POLICY, BLOCK);
        b->grads = esp_alloc(net->num_weights, sizeof(float));
        b->dz = esp_alloc((size_t)BLOCK * esp_told_latent(net), sizeof(float));
        b->dmu = esp_alloc((size_t)BLOCK * m->num_actions, sizeof(float));
    }
    return m;
}

void esp_imitator_free(esp_imitator *m)
{
    if (!m) return;
    for (int i = 0; i < m->num_blocks; i++) {
        block *b = &m->blocks[i];
        esp_tape_free(b->encoder);
        esp_tape_free(b->policy);
        free(b->grads);
        free(b->dz);
        free(b->dmu);
    }
    free(m->blocks);
    esp_adam_free(&m->encoder_adam);
    esp_adam_free(&m->policy_adam);
    free(m);
}

/* Mean squared difference between tanh(mu) and the intended action, and its gradient back to the
 * images. */
static void block_gradient(const esp_imitator *m, block *b, const uint8_t *obs, const float *intended)
{
    const esp_component *encoder = &m->net->component[ESP_TOLD_ENCODER], *policy = &m->net->component[ESP_TOLD_POLICY];
    int A = m->num_actions;
    memset(b->grads + encoder->offset, 0, encoder->count * sizeof *b->grads);
    memset(b->grads + policy->offset, 0, policy->count * sizeof *b->grads);
    const float *z = esp_forward(m->net, b->encoder, obs + (size_t)b->first * m->image, b->n);
    const float *mu = esp_forward(m->net, b->policy, z, b->n);
    b->squares = 0.0;
    for (int i = 0; i < b->n * A; i++) {
        float action = tanhf(mu[i]), difference = action - intended[(size_t)b->first * A + i];
        b->squares += (double)difference * difference;
        b->dmu[i] = 2.0f * difference * (1.0f - action * action) / (float)(m->batch * A);
    }
    esp_backward(m->net, b->policy, b->dmu, b->grads, b->dz);
    esp_backward(m->net, b->encoder, b->dz, b->grads, NULL);
}

/* Sums the blocks' gradients of one component into the first block's, in block order, and moves the
 * weights. */
static void move_component(esp_imitator *m, int component, esp_adam *adam, double learning_rate)
{
    size_t first = m->net->component[component].offset, count = m->net->component[component].count;
    float *total = m->blocks[0].grads + first;
    for (int i = 1; i < m->num_blocks; i++)
        for (size_t j = 0; j < count; j++) total[j] += m->blocks[i].grads[first + j];
    esp_adam_step(adam, (float)learning_rate, 1.0f, total, m->net->weights + first);
}

esp_status esp_imitator_step(esp_imitator *m, const uint8_t *obs, const float *intended, double learning_rate,
                             double *loss)
{
    *loss = 0.0;
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < m->num_blocks; i++) block_gradient(m, &m->blocks[i], obs, intended);
    for (int i = 0; i < m->num_blocks; i++) *loss += m->blocks[i].squares / ((double)m->batch * m->num_actions);
    if (!isfinite(*loss)) return esp_fail(ESP_ERR_NUMERIC, "the policy's action is not a number");
    move_component(m, ESP_TOLD_ENCODER, &m->encoder_adam, learning_rate);
    move_component(m, ESP_TOLD_POLICY, &m->policy_adam, learning_rate);
    return ESP_OK;
}
