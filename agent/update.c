/* One TD-MPC update (Hansen et al. 2022, Algorithm 2, as in the reference implementation): latent
 * consistency, reward and value losses through an unrolled model, then the policy on the latents.
 *
 * The batch is divided into blocks of a fixed number of samples. One thread computes a block from images to the
 * gradients of all outputs; then the threads share the gradients of the weights, each of which is one sum over the
 * batch. So the result does not depend on the number of threads.
 *
 * Rows of [T, batch, ...] arrays are sorted by block, then by step: the rows of a block are neighbours. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"

#define BLOCK 32          /* samples */
#define LOSS_CLAMP 1e4f   /* largest loss of a sample; beyond it the gradient is zero (reference) */

/* Everything one thread needs for one block of n <= BLOCK samples. [T, n, ...] arrays are dense. */
typedef struct {
    int first, n;         /* first sample in the batch, and number of samples */
    int row, policy_row;  /* first row of the block among T, and among T + 1, rows per sample */
    esp_runner *next_encoder, *next_policy;                /* online networks, for the targets */
    esp_runner *target_encoder, *target_q1, *target_q2;
    float *scratch;       /* of the encoder's way back */
    float *z;             /* [T + 1, n, L], a part of work.z */
    float *z_next;        /* [T, n, L] next observations, by the online encoder */
    float *z_target;      /* [T, n, L] the same, by the target encoder */
    float *dx, *dx_part;  /* [T + 1, n, L + A] */
    float *action, *noise;      /* [T + 1, n, A] */
    float *r, *td;        /* [T, n] */
    int   *rows1, *rows2; /* rows of the block whose smaller value is Q1's, and Q2's */
    double pi_loss, pre_tanh;
} block;

typedef struct esp_update_work {
    int B, T, L, A, X, num_blocks;
    size_t image;         /* bytes of one stacked observation */
    esp_packed *online, *target; /* weights of the two networks, packed again whenever they have moved */
    esp_batch_tape *encoder, *dynamics, *reward, *q1, *q2, *policy;
    float *z;             /* [T + 1, B, L], input of the policy */
    float *x;             /* [T + 1, B, L + A], input of the other four */
    block *blocks;
} work;

/* ---- memory ---- */

static float *floats(size_t count)
{
    return esp_alloc(count, sizeof(float));
}

static void block_create(block *b, const work *w)
{
    int rows = (w->T + 1) * BLOCK;
    b->row = w->T * b->first;
    b->policy_row = (w->T + 1) * b->first;
    b->next_encoder = esp_runner_create(w->online, ESP_TOLD_ENCODER, BLOCK);
    b->next_policy = esp_runner_create(w->online, ESP_TOLD_POLICY, rows);
    b->target_encoder = esp_runner_create(w->target, ESP_TOLD_ENCODER, BLOCK);
    b->target_q1 = esp_runner_create(w->target, ESP_TOLD_Q1, rows);
    b->target_q2 = esp_runner_create(w->target, ESP_TOLD_Q2, rows);
    b->scratch = floats(esp_batch_tape_scratch(w->encoder));
    b->z = w->z + (size_t)b->policy_row * w->L;
    b->z_next = floats((size_t)rows * w->L);
    b->z_target = floats((size_t)rows * w->L);
    b->dx = floats((size_t)rows * w->X);
    b->dx_part = floats((size_t)rows * w->X);
    b->action = floats((size_t)rows * w->A);
    b->noise = floats((size_t)rows * w->A);
    b->r = floats((size_t)rows);
    b->td = floats((size_t)rows);
    b->rows1 = esp_alloc((size_t)rows, sizeof *b->rows1);
    b->rows2 = esp_alloc((size_t)rows, sizeof *b->rows2);
}

static void block_free(block *b)
{
    void *const arrays[] = {b->scratch, b->z_next, b->z_target, b->dx,    b->dx_part, b->action,
                            b->noise,   b->r,      b->td,       b->rows1, b->rows2};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    esp_runner_free(b->next_encoder);
    esp_runner_free(b->next_policy);
    esp_runner_free(b->target_encoder);
    esp_runner_free(b->target_q1);
    esp_runner_free(b->target_q2);
}

static void record_create(esp_update_record *r, const work *w, size_t num_weights)
{
    size_t TB = (size_t)w->T * w->B;
    r->zs = floats((TB + w->B) * w->L);
    r->next_z_target = floats(TB * w->L);
    r->reward_pred = floats(TB);
    r->q1 = floats(TB);
    r->q2 = floats(TB);
    r->td_target = floats(TB);
    r->consistency_loss = floats((size_t)w->B);
    r->reward_loss = floats((size_t)w->B);
    r->value_loss = floats((size_t)w->B);
    r->total_loss = floats((size_t)w->B);
    r->priorities = floats((size_t)w->B);
    r->grads = floats(num_weights);
}

static void record_free(esp_update_record *r)
{
    float *const arrays[] = {r->zs,               r->next_z_target, r->reward_pred, r->q1,
                             r->q2,               r->td_target,     r->priorities,  r->grads,
                             r->consistency_loss, r->reward_loss,   r->value_loss,  r->total_loss};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

static void tapes_create(work *w)
{
    int rows = (w->T + 1) * w->B;
    w->encoder = esp_batch_tape_create(w->online, ESP_TOLD_ENCODER, w->B);
    w->dynamics = esp_batch_tape_create(w->online, ESP_TOLD_DYNAMICS, w->T * w->B);
    w->reward = esp_batch_tape_create(w->online, ESP_TOLD_REWARD, w->T * w->B);
    w->q1 = esp_batch_tape_create(w->online, ESP_TOLD_Q1, rows);
    w->q2 = esp_batch_tape_create(w->online, ESP_TOLD_Q2, rows);
    w->policy = esp_batch_tape_create(w->online, ESP_TOLD_POLICY, rows);
    w->z = floats((size_t)rows * w->L);
    w->x = floats((size_t)rows * w->X);
    esp_batch_input(w->policy, w->z);
    esp_batch_tape *const read_x[] = {w->dynamics, w->reward, w->q1, w->q2};
    for (size_t i = 0; i < sizeof read_x / sizeof *read_x; i++) esp_batch_input(read_x[i], w->x);
}

static void tapes_free(work *w)
{
    esp_batch_tape *const tapes[] = {w->encoder, w->dynamics, w->reward, w->q1, w->q2, w->policy};
    for (size_t i = 0; i < sizeof tapes / sizeof *tapes; i++) esp_batch_tape_free(tapes[i]);
    free(w->z);
    free(w->x);
}

esp_updater *esp_updater_create(esp_network *net, const esp_loss_config *config, int batch, int horizon)
{
    esp_updater *updater = esp_alloc(1, sizeof *updater);
    work *w = esp_alloc(1, sizeof *w);
    updater->net = net;
    updater->target = esp_network_clone(net);
    updater->config = *config;
    updater->work = w;
    esp_adam_init(&updater->model_adam, net->component[ESP_TOLD_POLICY].offset);
    esp_adam_init(&updater->policy_adam, net->component[ESP_TOLD_POLICY].count);
    w->B = batch;
    w->T = horizon;
    w->L = esp_told_latent(net);
    w->A = net->component[ESP_TOLD_POLICY].out_size;
    w->X = w->L + w->A;
    w->image = (size_t)net->component[ESP_TOLD_ENCODER].in_size;
    w->online = esp_packed_create_to_learn(net, ESP_ALL_COMPONENTS);
    w->target = esp_packed_create(updater->target, 1u << ESP_TOLD_ENCODER | 1u << ESP_TOLD_Q1 | 1u << ESP_TOLD_Q2);
    tapes_create(w);
    w->num_blocks = (batch + BLOCK - 1) / BLOCK;
    w->blocks = esp_alloc((size_t)w->num_blocks, sizeof *w->blocks);
    for (int i = 0; i < w->num_blocks; i++) {
        block *b = &w->blocks[i];
        b->first = i * BLOCK;
        b->n = batch - b->first < BLOCK ? batch - b->first : BLOCK;
        block_create(b, w);
    }
    record_create(&updater->record, w, net->num_weights);
    return updater;
}

void esp_updater_free(esp_updater *updater)
{
    if (!updater) return;
    work *w = updater->work;
    for (int i = 0; i < w->num_blocks; i++) block_free(&w->blocks[i]);
    free(w->blocks);
    tapes_free(w);
    esp_packed_free(w->online);
    esp_packed_free(w->target);
    free(w);
    record_free(&updater->record);
    esp_adam_free(&updater->model_adam);
    esp_adam_free(&updater->policy_adam);
    esp_network_free(updater->target);
    free(updater);
}

/* ---- between [T, B, width] of the batch and [T, n, width] of a block ---- */

static void take(const work *w, const block *b, int steps, int width, const float *whole, float *part)
{
    for (int t = 0; t < steps; t++)
        memcpy(part + (size_t)t * b->n * width, whole + ((size_t)t * w->B + b->first) * width,
               (size_t)b->n * width * sizeof(float));
}

static void give(const work *w, const block *b, int steps, int width, const float *part, float *whole)
{
    for (int t = 0; t < steps; t++)
        memcpy(whole + ((size_t)t * w->B + b->first) * width, part + (size_t)t * b->n * width,
               (size_t)b->n * width * sizeof(float));
}

/* ---- targets ---- */

/* Encodes next_obs of all steps into z [T, n, L]. */
static void encode_next(const work *w, const block *b, esp_runner *encoder, const esp_batch *batch, float *z)
{
    for (int t = 0; t < w->T; t++) {
        const uint8_t *images = batch->next_obs + ((size_t)t * w->B + b->first) * w->image;
        memcpy(z + (size_t)t * b->n * w->L, esp_runner_forward(encoder, images, b->n),
               (size_t)b->n * w->L * sizeof(float));
    }
}

/* reward + discount min(target Q1, target Q2)(online encoder, noisy online policy). */
static void block_bootstrap(esp_updater *u, block *b, const esp_batch *batch)
{
    const work *w = u->work;
    int rows = w->T * b->n;
    encode_next(w, b, b->next_encoder, batch, b->z_next);
    const float *mu = esp_runner_forward(b->next_policy, b->z_next, rows);
    take(w, b, w->T, w->A, batch->td_noise, b->noise);
    esp_noisy_action((size_t)rows * w->A, mu, b->noise, (float)u->config.policy_std, b->action);
    float *x = w->x + (size_t)b->row * w->X;
    esp_concat(rows, w->L, b->z_next, w->A, b->action, x);
    const float *q1 = esp_runner_forward(b->target_q1, x, rows);
    const float *q2 = esp_runner_forward(b->target_q2, x, rows);
    for (int i = 0; i < rows; i++) b->td[i] = b->r[i] + (float)u->config.discount * fminf(q1[i], q2[i]);
}

static void block_targets(esp_updater *u, block *b, const esp_batch *batch)
{
    const work *w = u->work;
    take(w, b, w->T, 1, batch->rewards, b->r);
    if (batch->td_target) take(w, b, w->T, 1, batch->td_target, b->td);
    else                  block_bootstrap(u, b, batch);
    give(w, b, w->T, 1, b->td, u->record.td_target);
    encode_next(w, b, b->target_encoder, batch, b->z_target);
    give(w, b, w->T, w->L, b->z_target, u->record.next_z_target);
}

/* ---- model ---- */

static void block_unroll(esp_updater *u, block *b, const esp_batch *batch)
{
    const work *w = u->work;
    size_t step = (size_t)b->n * w->L;
    take(w, b, w->T, w->A, batch->actions, b->action);
    memcpy(b->z, esp_batch_forward(w->encoder, b->first, b->n), step * sizeof(float));
    for (int t = 0; t < w->T; t++) {
        int row = b->row + t * b->n;
        esp_concat(b->n, w->L, b->z + t * step, w->A, b->action + (size_t)t * b->n * w->A,
                   w->x + (size_t)row * w->X);
        memcpy(b->z + (t + 1) * step, esp_batch_forward(w->dynamics, row, b->n), step * sizeof(float));
    }
    give(w, b, w->T + 1, w->L, b->z, u->record.zs);
}

/* The losses of the block's samples, and the factors of their gradients: the sample's weight over
 * batch and horizon, or zero where the clamp acts. */
typedef struct { float consistency[BLOCK], reward[BLOCK], value[BLOCK]; } factors;

static float clamped(float loss, double coefficient, float scale, float *factor)
{
    *factor = loss <= LOSS_CLAMP ? (float)coefficient * scale : 0.0f;
    return (float)coefficient * fminf(loss, LOSS_CLAMP);
}

static void block_losses(esp_updater *u, block *b, const esp_batch *batch, const float *reward, const float *q1,
                         const float *q2, factors *f)
{
    const work *w = u->work;
    const esp_loss_config *c = &u->config;
    esp_update_record *r = &u->record;
    for (int i = 0; i < b->n; i++) {
        double rho = 1.0, consistency = 0.0, rewards = 0.0, value = 0.0, priority = 0.0;
        for (int t = 0; t < w->T; t++, rho *= c->rho) {
            int at = t * b->n + i;
            const float *z = b->z + (size_t)(at + b->n) * w->L, *target = b->z_target + (size_t)at * w->L;
            double squares = 0.0;
            for (int j = 0; j < w->L; j++) squares += ((double)z[j] - target[j]) * ((double)z[j] - target[j]);
            double e1 = (double)q1[at] - b->td[at], e2 = (double)q2[at] - b->td[at];
            consistency += rho * squares / w->L;
            rewards += rho * ((double)reward[at] - b->r[at]) * ((double)reward[at] - b->r[at]);
            value += rho * (e1 * e1 + e2 * e2);
            priority += rho * (fabs(e1) + fabs(e2));
        }
        int s = b->first + i;
        float scale = batch->weights[s] / ((float)w->B * (float)w->T);
        r->consistency_loss[s] = (float)consistency;
        r->reward_loss[s] = (float)rewards;
        r->value_loss[s] = (float)value;
        r->priorities[s] = fminf((float)priority, LOSS_CLAMP);
        r->total_loss[s] = clamped((float)consistency, c->consistency, scale, &f->consistency[i]) +
                           clamped((float)rewards, c->reward, scale, &f->reward[i]) +
                           clamped((float)value, c->value, scale, &f->value[i]);
    }
}

static void add(size_t count, const float *restrict part, float *restrict sum)
{
    for (size_t i = 0; i < count; i++) sum[i] += part[i];
}

/* Fills dx [T, n, X] for reward, Q1 and Q2 together. */
static void heads_backward(esp_updater *u, block *b, const factors *f, const float *reward, const float *q1,
                           const float *q2)
{
    const work *w = u->work;
    int rows = w->T * b->n;
    float *dr = esp_batch_gradient(w->reward, b->row);
    float *dq1 = esp_batch_gradient(w->q1, b->row), *dq2 = esp_batch_gradient(w->q2, b->row);
    float rho = 1.0f;
    for (int t = 0; t < w->T; t++, rho *= (float)u->config.rho)
        for (int i = 0; i < b->n; i++) {
            int at = t * b->n + i;
            dr[at] = 2.0f * rho * f->reward[i] * (reward[at] - b->r[at]);
            dq1[at] = 2.0f * rho * f->value[i] * (q1[at] - b->td[at]);
            dq2[at] = 2.0f * rho * f->value[i] * (q2[at] - b->td[at]);
        }
    esp_batch_backward(w->reward, b->row, rows, b->scratch, b->dx);
    esp_batch_backward(w->q1, b->row, rows, b->scratch, b->dx_part);
    add((size_t)rows * w->X, b->dx_part, b->dx);
    esp_batch_backward(w->q2, b->row, rows, b->scratch, b->dx_part);
    add((size_t)rows * w->X, b->dx_part, b->dx);
}

/* dz += the latent part of dx [n, X]. */
static void add_latent_part(const work *w, int n, const float *dx, float *dz)
{
    for (int i = 0; i < n; i++) add((size_t)w->L, dx + (size_t)i * w->X, dz + (size_t)i * w->L);
}

/* Back through time: the gradient of z_t comes from the heads at t, from the consistency with the
 * target encoder, and, through the dynamics, from all later steps. */
static void unroll_backward(esp_updater *u, block *b, const factors *f)
{
    const work *w = u->work;
    size_t step = (size_t)b->n * w->L;
    float *dz = esp_batch_gradient(w->dynamics, b->row + (w->T - 1) * b->n);
    memset(dz, 0, step * sizeof(float));
    for (int t = w->T - 1; t >= 0; t--) {
        float rho = (float)pow(u->config.rho, t);
        const float *z = b->z + (t + 1) * step, *target = b->z_target + t * step;
        for (int i = 0; i < b->n; i++)
            for (int j = 0; j < w->L; j++) {
                size_t at = (size_t)i * w->L + j;
                dz[at] += 2.0f * rho * f->consistency[i] / (float)w->L * (z[at] - target[at]);
            }
        esp_batch_backward(w->dynamics, b->row + t * b->n, b->n, b->scratch, b->dx_part);
        dz = t > 0 ? esp_batch_gradient(w->dynamics, b->row + (t - 1) * b->n)
                   : esp_batch_gradient(w->encoder, b->first);
        memset(dz, 0, step * sizeof(float));
        add_latent_part(w, b->n, b->dx_part, dz);
        add_latent_part(w, b->n, b->dx + (size_t)t * b->n * w->X, dz);
    }
    esp_batch_backward(w->encoder, b->first, b->n, b->scratch, NULL);
}

static void block_model(esp_updater *u, block *b, const esp_batch *batch)
{
    const work *w = u->work;
    int rows = w->T * b->n;
    factors f;
    block_unroll(u, b, batch);
    const float *reward = esp_batch_forward(w->reward, b->row, rows);
    const float *q1 = esp_batch_forward(w->q1, b->row, rows);
    const float *q2 = esp_batch_forward(w->q2, b->row, rows);
    give(w, b, w->T, 1, reward, u->record.reward_pred);
    give(w, b, w->T, 1, q1, u->record.q1);
    give(w, b, w->T, 1, q2, u->record.q2);
    block_losses(u, b, batch, reward, q1, q2, &f);
    heads_backward(u, b, &f, reward, q1, q2);
    unroll_backward(u, b, &f);
}

/* ---- policy ---- */

/* -rho^t mean min(Q1, Q2) of the block; sorts its rows by the smaller of the two, through which the gradient goes.
 * Returns the number of rows in rows1; the others are in rows2. */
static int compare_values(const esp_updater *u, block *b, const float *q1, const float *q2)
{
    const work *w = u->work;
    double weight = 1.0 / w->B;
    int n1 = 0, n2 = 0;
    b->pi_loss = 0.0;
    for (int t = 0; t <= w->T; t++, weight *= u->config.rho)
        for (int i = t * b->n; i < (t + 1) * b->n; i++) {
            bool first = q1[i] <= q2[i];
            b->pi_loss -= weight * (first ? q1[i] : q2[i]);
            if (first) b->rows1[n1++] = i;
            else       b->rows2[n2++] = i;
        }
    return n1;
}

/* The loss gradient of the actions of these rows through one value network; overwrites b->action there. */
static void value_gradient(const esp_updater *u, block *b, esp_batch_tape *q, int count, const int *rows)
{
    const work *w = u->work;
    if (count == 0) return;
    esp_batch_select(q, b->policy_row, count, rows);
    float *dq = esp_batch_gradient(q, b->policy_row);
    for (int k = 0; k < count; k++) dq[k] = (float)(-pow(u->config.rho, rows[k] / b->n) / w->B);
    esp_batch_backward(q, b->policy_row, count, b->scratch, b->dx);
    for (int k = 0; k < count; k++)
        memcpy(b->action + (size_t)rows[k] * w->A, b->dx + (size_t)k * w->X + w->L, (size_t)w->A * sizeof(float));
}

/* The gradient of the policy's outputs through tanh, ignoring both clamps (reference), plus the penalty on
 * the input of tanh: without it one seed in two saturates into a bang-bang policy. */
static void policy_gradient(const esp_updater *u, block *b, const float *mu, const float *daction, float *dmu)
{
    const work *w = u->work;
    double weight = 1.0 / w->B;
    for (int t = 0; t <= w->T; t++, weight *= u->config.rho)
        for (int i = t * b->n * w->A; i < (t + 1) * b->n * w->A; i++) {
            float y = tanhf(mu[i]);
            dmu[i] = daction[i] * (1.0f - y * y) + (float)(2.0 * weight * u->config.pre_tanh) * mu[i];
            b->pi_loss += weight * u->config.pre_tanh * mu[i] * mu[i];
            b->pre_tanh += fabs((double)mu[i]);
        }
}

static void block_policy(esp_updater *u, block *b, const esp_batch *batch)
{
    const work *w = u->work;
    int rows = (w->T + 1) * b->n;
    take(w, b, w->T + 1, w->A, batch->pi_noise, b->noise);
    const float *mu = esp_batch_forward(w->policy, b->policy_row, rows);
    esp_noisy_action((size_t)rows * w->A, mu, b->noise, (float)u->config.policy_std, b->action);
    esp_concat(rows, w->L, b->z, w->A, b->action, w->x + (size_t)b->policy_row * w->X);
    const float *q1 = esp_batch_forward(w->q1, b->policy_row, rows);
    const float *q2 = esp_batch_forward(w->q2, b->policy_row, rows);
    b->pre_tanh = 0.0;
    int first = compare_values(u, b, q1, q2);
    value_gradient(u, b, w->q1, first, b->rows1);
    value_gradient(u, b, w->q2, rows - first, b->rows2);
    policy_gradient(u, b, mu, b->action, esp_batch_gradient(w->policy, b->policy_row));
    esp_batch_backward(w->policy, b->policy_row, rows, b->scratch, NULL);
}

/* ---- the step ---- */

/* Gradients of the weights of these tapes, each over its first rows[i] rows, into record.grads. */
static void weight_gradients(esp_updater *u, int num_tapes, esp_batch_tape *const *tapes, const int *rows)
{
    int pieces = 0;
    for (int i = 0; i < num_tapes; i++) pieces += esp_batch_pieces(tapes[i]);
#pragma omp parallel for schedule(dynamic, 1)
    for (int p = 0; p < pieces; p++) {
        int i = 0, piece = p;
        for (; piece >= esp_batch_pieces(tapes[i]); i++) piece -= esp_batch_pieces(tapes[i]);
        esp_batch_piece(tapes[i], piece, rows[i], u->record.grads);
    }
}

static esp_status model_step(esp_updater *u, const esp_batch *batch, double learning_rate)
{
    work *w = u->work;
    esp_update_record *r = &u->record;
    esp_packed_fill(w->online, ESP_ALL_COMPONENTS);
    esp_packed_fill(w->target, ESP_ALL_COMPONENTS);
    esp_batch_input(w->encoder, batch->obs);
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < w->num_blocks; i++) {
        block_targets(u, &w->blocks[i], batch);
        block_model(u, &w->blocks[i], batch);
    }
    esp_batch_tape *const tapes[] = {w->encoder, w->dynamics, w->reward, w->q1, w->q2};
    const int TB = w->T * w->B, rows[] = {w->B, TB, TB, TB, TB};
    weight_gradients(u, 5, tapes, rows);
    r->weighted_loss = 0.0;
    for (int i = 0; i < w->B; i++) r->weighted_loss += (double)batch->weights[i] * r->total_loss[i] / w->B;
    r->grad_norm = esp_norm2(u->model_adam.count, r->grads);
    if (!isfinite(r->grad_norm) || !isfinite(r->weighted_loss))
        return esp_fail(ESP_ERR_NUMERIC, "the model's loss is not finite (gradient norm %g); lower loss.learning_rate",
                        r->grad_norm);
    float scale = esp_clip_scale(r->grad_norm, u->config.grad_clip);
    esp_adam_step(&u->model_adam, (float)learning_rate, scale, r->grads, u->net->weights);
    return ESP_OK;
}

static esp_status policy_step(esp_updater *u, const esp_batch *batch, double learning_rate)
{
    work *w = u->work;
    esp_update_record *r = &u->record;
    const esp_component *policy = &u->net->component[ESP_TOLD_POLICY];
    esp_packed_fill(w->online, 1u << ESP_TOLD_Q1 | 1u << ESP_TOLD_Q2); /* they moved in the model's step */
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < w->num_blocks; i++) block_policy(u, &w->blocks[i], batch);
    weight_gradients(u, 1, &w->policy, &(int){(w->T + 1) * w->B});
    r->pi_loss = r->pre_tanh = 0.0;
    for (int i = 0; i < w->num_blocks; i++) {
        r->pi_loss += w->blocks[i].pi_loss;
        r->pre_tanh += w->blocks[i].pre_tanh / ((double)w->B * (w->T + 1) * w->A);
    }
    r->pi_grad_norm = esp_norm2(policy->count, r->grads + policy->offset);
    if (!isfinite(r->pi_grad_norm))
        return esp_fail(ESP_ERR_NUMERIC, "the policy's gradient is not finite; lower loss.learning_rate");
    float scale = esp_clip_scale(r->pi_grad_norm, u->config.grad_clip);
    esp_adam_step(&u->policy_adam, (float)learning_rate, scale, r->grads + policy->offset,
                  u->net->weights + policy->offset);
    return ESP_OK;
}

esp_status esp_updater_step(esp_updater *updater, const esp_batch *batch, int64_t step, double learning_rate)
{
    if (batch->batch != updater->work->B || batch->horizon != updater->work->T)
        return esp_fail(ESP_ERR_SHAPE, "the batch has %d samples of %d steps, but the updater was made for %d of %d",
                        batch->batch, batch->horizon, updater->work->B, updater->work->T);
    esp_status status = model_step(updater, batch, learning_rate);
    if (status == ESP_OK) status = policy_step(updater, batch, learning_rate);
    if (status == ESP_OK && step % updater->config.target_every == 0)
        esp_ema(updater->net->num_weights, (float)updater->config.tau, updater->net->weights, updater->target->weights);
    return status;
}
