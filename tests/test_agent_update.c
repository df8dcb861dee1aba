/* One update follows the gradient of its losses, checked against central differences of plain loops
 * in double for every tensor; it is bit-identical on one thread and two; it is complete or refused. */
#include <omp.h>

#include "plain_network.h"
#include "tiny_agent.h"

enum { ACTIONS = 2, HORIZON = 3, PROBES = 6 };

/* A batch of random pixels, actions and noise. */
typedef struct {
    esp_batch batch;
    uint8_t *obs, *next_obs;
    float *actions, *rewards, *weights, *td_noise, *pi_noise;
} random_batch;

static float *normals(esp_rng *rng, size_t count, float factor)
{
    float *out = esp_alloc(count, sizeof *out);
    esp_rng_normal(rng, out, count);
    for (size_t i = 0; i < count; i++) out[i] *= factor;
    return out;
}

static uint8_t *pixels(esp_rng *rng, size_t count)
{
    uint8_t *out = esp_alloc(count, 1);
    for (size_t i = 0; i < count; i++) out[i] = (uint8_t)esp_rng_below(rng, 256);
    return out;
}

static random_batch make_batch(const esp_network *net, int batch, uint64_t index)
{
    esp_rng rng = esp_rng_make(17, ESP_RNG_TEST, index);
    size_t B = (size_t)batch, T = HORIZON, image = (size_t)net->component[ESP_TOLD_ENCODER].in_size;
    random_batch r = {.obs = pixels(&rng, B * image), .next_obs = pixels(&rng, T * B * image),
                      .actions = normals(&rng, T * B * ACTIONS, 0.5f), .rewards = normals(&rng, T * B, 1.0f),
                      .weights = normals(&rng, B, 0.1f), .td_noise = normals(&rng, T * B * ACTIONS, 1.0f),
                      .pi_noise = normals(&rng, (T + 1) * B * ACTIONS, 1.0f)};
    for (size_t b = 0; b < B; b++) r.weights[b] = 0.3f + fabsf(r.weights[b]);
    r.pi_noise[0] = 9.0f; /* beyond the clamp of the noise */
    r.batch = (esp_batch){.batch = batch, .horizon = HORIZON, .obs = r.obs, .next_obs = r.next_obs,
                          .actions = r.actions, .rewards = r.rewards, .weights = r.weights,
                          .td_noise = r.td_noise, .pi_noise = r.pi_noise};
    return r;
}

static void free_batch(random_batch *r)
{
    void *const arrays[] = {r->obs, r->next_obs, r->actions, r->rewards, r->weights, r->td_noise, r->pi_noise};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

/* ---- the losses once more, in double ---- */

static double *doubles_of(const float *x, size_t count)
{
    double *out = esp_alloc(count, sizeof *out);
    for (size_t i = 0; i < count; i++) out[i] = x[i];
    return out;
}

static double *encode(const esp_network *net, const double *weights, const uint8_t *images, int n)
{
    size_t count = (size_t)n * net->component[ESP_TOLD_ENCODER].in_size;
    double *x = esp_alloc(count, sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = images[i];
    double *z = plain_forward(net, ESP_TOLD_ENCODER, weights, x, n, false);
    free(x);
    return z;
}

/* Output of a head at (z, a), one value per row. */
static double *head(const esp_network *net, int component, const double *weights, const double *z, const double *a,
                    int n)
{
    int L = esp_told_latent(net), X = L + ACTIONS;
    double *x = esp_alloc((size_t)n * X, sizeof *x);
    for (int i = 0; i < n; i++) {
        memcpy(x + i * X, z + i * L, (size_t)L * sizeof *x);
        memcpy(x + i * X + L, a + i * ACTIONS, ACTIONS * sizeof *x);
    }
    double *y = plain_forward(net, component, weights, x, n, false);
    free(x);
    return y;
}

static double clamped(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static void noisy_actions(const double *mu, const float *noise, double std, int count, double *a)
{
    for (int i = 0; i < count; i++)
        a[i] = clamped(tanh(mu[i]) + clamped(noise[i] * std, -0.3, 0.3), -1.0 + 1e-6, 1.0 - 1e-6);
}

/* What an update is compared with: the batch, and targets that have no gradient. */
typedef struct {
    const esp_network *net;
    const esp_loss_config *config;
    const esp_batch *batch;
    double *td;       /* [T, B] */
    double *z_target; /* [T, B, L] */
} plain_update;

static plain_update plain_targets(const esp_updater *u, const esp_batch *batch)
{
    int rows = batch->horizon * batch->batch;
    plain_update p = {.net = u->net, .config = &u->config, .batch = batch,
                      .td = esp_alloc((size_t)rows, sizeof *p.td)};
    double *online = doubles_of(u->net->weights, u->net->num_weights);
    double *target = doubles_of(u->target->weights, u->target->num_weights);
    double *z = encode(u->net, online, batch->next_obs, rows);
    double *a = plain_forward(u->net, ESP_TOLD_POLICY, online, z, rows, false);
    noisy_actions(a, batch->td_noise, u->config.policy_std, rows * ACTIONS, a);
    double *q1 = head(u->net, ESP_TOLD_Q1, target, z, a, rows), *q2 = head(u->net, ESP_TOLD_Q2, target, z, a, rows);
    for (int i = 0; i < rows; i++) p.td[i] = batch->rewards[i] + u->config.discount * fmin(q1[i], q2[i]);
    p.z_target = encode(u->net, target, batch->next_obs, rows);
    double *const arrays[] = {online, target, z, a, q1, q2};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    return p;
}

/* Adds step t of the losses of every sample, [B] each, and moves z on; z is freed and replaced. */
static double *plain_step(const plain_update *p, const double *weights, int t, double *z, double *consistency,
                          double *reward, double *value)
{
    int B = p->batch->batch, L = esp_told_latent(p->net);
    double rho = pow(p->config->rho, t), *a = doubles_of(p->batch->actions + t * B * ACTIONS, (size_t)B * ACTIONS);
    double *r = head(p->net, ESP_TOLD_REWARD, weights, z, a, B), *q1 = head(p->net, ESP_TOLD_Q1, weights, z, a, B);
    double *q2 = head(p->net, ESP_TOLD_Q2, weights, z, a, B), *next = head(p->net, ESP_TOLD_DYNAMICS, weights, z, a, B);
    for (int i = 0; i < B; i++) {
        double td = p->td[t * B + i], squares = 0.0;
        for (int j = 0; j < L; j++) squares += pow(next[i * L + j] - p->z_target[(t * B + i) * L + j], 2);
        consistency[i] += rho * squares / L;
        reward[i] += rho * pow(r[i] - p->batch->rewards[t * B + i], 2);
        value[i] += rho * (pow(q1[i] - td, 2) + pow(q2[i] - td, 2));
    }
    double *const arrays[] = {a, r, q1, q2, z};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    return next;
}

static double plain_model_loss(const plain_update *p, const double *weights)
{
    int B = p->batch->batch;
    double *losses = esp_alloc(3 * (size_t)B, sizeof *losses), total = 0.0;
    double *z = encode(p->net, weights, p->batch->obs, B);
    for (int t = 0; t < p->batch->horizon; t++)
        z = plain_step(p, weights, t, z, losses, losses + B, losses + 2 * B);
    for (int i = 0; i < B; i++)
        total += p->batch->weights[i] / B *
                 (p->config->consistency * fmin(losses[i], 1e4) + p->config->reward * fmin(losses[B + i], 1e4) +
                  p->config->value * fmin(losses[2 * B + i], 1e4));
    free(losses);
    free(z);
    return total;
}

/* -sum_t rho^t mean_b min(Q1, Q2)(z_t, a_t) plus the penalty on mu^2. The gradient ignores both clamps, as in the
 * reference: actions move with tanh(mu) around their clamped value at `base`. */
static double plain_policy_loss(const plain_update *p, const double *base, const double *weights, const double *z)
{
    int B = p->batch->batch, rows = (p->batch->horizon + 1) * B, count = rows * ACTIONS;
    double *mu0 = plain_forward(p->net, ESP_TOLD_POLICY, base, z, rows, false);
    double *mu = plain_forward(p->net, ESP_TOLD_POLICY, weights, z, rows, false);
    double *a = esp_alloc((size_t)count, sizeof *a), loss = 0.0;
    noisy_actions(mu0, p->batch->pi_noise, p->config->policy_std, count, a);
    for (int i = 0; i < count; i++) a[i] += tanh(mu[i]) - tanh(mu0[i]);
    double *q1 = head(p->net, ESP_TOLD_Q1, base, z, a, rows), *q2 = head(p->net, ESP_TOLD_Q2, base, z, a, rows);
    for (int i = 0; i < rows; i++) {
        double weight = pow(p->config->rho, i / B) / B;
        loss -= weight * fmin(q1[i], q2[i]);
        for (int k = 0; k < ACTIONS; k++) loss += weight * p->config->pre_tanh * pow(mu[i * ACTIONS + k], 2);
    }
    double *const arrays[] = {mu0, mu, a, q1, q2};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    return loss;
}

/* ---- gradients ---- */

typedef struct {
    esp_agent_config config;
    esp_network *net;
    esp_updater *updater;
    random_batch drawn;
    plain_update plain;
    double *before; /* weights before the update, and a copy to move one by one */
    double *probed;
} update_case;

/* One update of a tiny agent whose target differs from it. Sample 1 lies beyond the clamp of the
 * losses, where the gradient is zero. */
static void update_tiny_agent(double pre_tanh, update_case *c)
{
    *c = (update_case){.config = tiny_config()};
    c->config.loss.pre_tanh = pre_tanh;
    c->net = tiny_network(&c->config, ACTIONS, 1);
    c->updater = esp_updater_create(c->net, &c->config.loss, 5, HORIZON);
    esp_network *other = tiny_network(&c->config, ACTIONS, 2);
    memcpy(c->updater->target->weights, other->weights, other->num_weights * sizeof(float));
    esp_network_free(other);
    c->drawn = make_batch(c->net, 5, 0);
    c->drawn.rewards[1] = 300.0f;
    c->plain = plain_targets(c->updater, &c->drawn.batch);
    c->before = doubles_of(c->net->weights, c->net->num_weights);
    c->probed = doubles_of(c->net->weights, c->net->num_weights);
    CHECK_OK(esp_updater_step(c->updater, &c->drawn.batch, 1, 1e-3));
}

static void free_case(update_case *c)
{
    free(c->plain.td);
    free(c->plain.z_target);
    free(c->before);
    free(c->probed);
    free_batch(&c->drawn);
    esp_updater_free(c->updater);
    esp_network_free(c->net);
}

/* In double the loss is smooth at this width and the difference accurate to a relative 1e-8; what
 * remains is the float32 arithmetic of the update. */
#define WIDTH 1e-6

typedef double (*loss_fn)(const update_case *c, const double *weights);

static double model_loss(const update_case *c, const double *weights)
{
    return plain_model_loss(&c->plain, weights) / c->drawn.batch.horizon;
}

static double policy_loss(const update_case *c, const double *weights)
{
    /* Values after the model's step; policy and latents before it. */
    const esp_component *policy = &c->net->component[ESP_TOLD_POLICY];
    int rows = (c->drawn.batch.horizon + 1) * c->drawn.batch.batch;
    double *z = doubles_of(c->updater->record.zs, (size_t)rows * esp_told_latent(c->net));
    double *base = doubles_of(c->net->weights, c->net->num_weights);
    double *moved = doubles_of(c->net->weights, c->net->num_weights);
    memcpy(base + policy->offset, c->before + policy->offset, policy->count * sizeof *base);
    memcpy(moved + policy->offset, weights + policy->offset, policy->count * sizeof *moved);
    double loss = plain_policy_loss(&c->plain, base, moved, z);
    free(z);
    free(base);
    free(moved);
    return loss;
}

static float difference(const update_case *c, loss_fn loss, size_t index)
{
    c->probed[index] = c->before[index] + WIDTH;
    double above = loss(c, c->probed);
    c->probed[index] = c->before[index] - WIDTH;
    double below = loss(c, c->probed);
    c->probed[index] = c->before[index];
    return (float)((above - below) / (2.0 * WIDTH));
}

/* A few weights of every tensor of the policy, or of all other tensors. */
static void check_gradients(const update_case *c, loss_fn loss, bool policy)
{
    int moving = 0;
    for (int t = 0; t < c->net->num_tensors; t++) {
        const esp_tensor *tensor = &c->net->tensor[t];
        if ((tensor->component == ESP_TOLD_POLICY) != policy) continue;
        size_t stride = tensor->count / PROBES ? tensor->count / PROBES : 1;
        bool moves = false;
        for (size_t i = 0; i < tensor->count; i += stride) {
            float expected = difference(c, loss, tensor->offset + i);
            const float *got = c->updater->record.grads + tensor->offset + i;
            CHECK_CLOSE(tensor->name, 1, got, &expected, 2e-6, 1e-4);
            moves |= fabsf(expected) > 1e-4f;
        }
        moving += moves;
    }
    CU_ASSERT(moving >= (policy ? 5 : 30)); /* the claim does not rest on zeros */
}

static void model_gradient_matches_central_differences_in_every_tensor(void)
{
    update_case c;
    update_tiny_agent(0.01, &c);
    CU_ASSERT(fabs(c.updater->record.weighted_loss - plain_model_loss(&c.plain, c.before)) < 1e-3);
    CU_ASSERT(c.updater->record.reward_loss[1] > 1e4f);
    check_gradients(&c, model_loss, false);
    free_case(&c);
}

static void policy_gradient_matches_central_differences_in_every_tensor(void)
{
    update_case c;
    update_tiny_agent(0.0, &c);
    CU_ASSERT(fabs(c.updater->record.pi_loss - policy_loss(&c, c.before)) < 1e-5);
    check_gradients(&c, policy_loss, true);
    free_case(&c);
}

static void pre_tanh_penalty_enters_loss_and_gradient(void)
{
    update_case c;
    update_tiny_agent(0.3, &c);
    CU_ASSERT(fabs(c.updater->record.pi_loss - policy_loss(&c, c.before)) < 1e-5);
    check_gradients(&c, policy_loss, true);
    free_case(&c);
}

/* ---- blocks ---- */

static void *repeat(const void *part, size_t steps, size_t from, size_t to, size_t bytes)
{
    char *out = esp_alloc(steps * to, bytes);
    for (size_t t = 0; t < steps; t++)
        for (size_t b = 0; b < to; b++)
            memcpy(out + (t * to + b) * bytes, (const char *)part + (t * from + b % from) * bytes, bytes);
    return out;
}

/* Repeats the samples of `one` `times` times in one batch. */
static random_batch repeat_batch(const esp_network *net, const random_batch *one, int times)
{
    size_t B = (size_t)one->batch.batch, all = B * (size_t)times, T = HORIZON, number = sizeof(float);
    size_t image = (size_t)net->component[ESP_TOLD_ENCODER].in_size;
    random_batch r = {.obs = repeat(one->obs, 1, B, all, image), .next_obs = repeat(one->next_obs, T, B, all, image),
                      .actions = repeat(one->actions, T, B, all, ACTIONS * number),
                      .rewards = repeat(one->rewards, T, B, all, number),
                      .weights = repeat(one->weights, 1, B, all, number),
                      .td_noise = repeat(one->td_noise, T, B, all, ACTIONS * number),
                      .pi_noise = repeat(one->pi_noise, T + 1, B, all, ACTIONS * number)};
    r.batch = (esp_batch){.batch = (int)all, .horizon = HORIZON, .obs = r.obs, .next_obs = r.next_obs,
                          .actions = r.actions, .rewards = r.rewards, .weights = r.weights,
                          .td_noise = r.td_noise, .pi_noise = r.pi_noise};
    return r;
}

/* 70 samples fill three blocks, so a lost block would show. Tolerance: rounding of sums of 7 and 70 floats. */
static void a_batch_repeated_ten_times_has_the_gradient_of_one(void)
{
    enum { SAMPLES = 7, ROUNDS = 10 };
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1), *again = esp_network_clone(net);
    esp_updater *one = esp_updater_create(net, &config.loss, SAMPLES, HORIZON);
    esp_updater *ten = esp_updater_create(again, &config.loss, SAMPLES * ROUNDS, HORIZON);
    random_batch round = make_batch(net, SAMPLES, 0), rounds = repeat_batch(net, &round, ROUNDS);
    /* At rate 0 both policies are judged by the same values. */
    CHECK_OK(esp_updater_step(one, &round.batch, 1, 0.0));
    CHECK_OK(esp_updater_step(ten, &rounds.batch, 1, 0.0));
    CHECK_CLOSE("gradient", net->num_weights, ten->record.grads, one->record.grads, 1e-6, 1e-4);
    for (int b = 0; b < SAMPLES * ROUNDS; b++) {
        const float *expected = one->record.priorities + b % SAMPLES;
        CHECK_CLOSE("priority", 1, ten->record.priorities + b, expected, 0.0, 1e-5);
    }
    CU_ASSERT(fabs(ten->record.weighted_loss / one->record.weighted_loss - 1.0) < 1e-5);
    CU_ASSERT(fabs(ten->record.pi_loss / one->record.pi_loss - 1.0) < 1e-5);
    free_batch(&round);
    free_batch(&rounds);
    esp_updater_free(one);
    esp_updater_free(ten);
    esp_network_free(net);
    esp_network_free(again);
}

/* ---- threads ---- */

/* Weights of model and target after three updates of a network large enough for three blocks of
 * samples and for the parallel loops over weights. The caller frees them. */
static float *train_on(int threads, size_t *count)
{
    enum { BATCH = 70 };
    esp_agent_config config = tiny_config();
    config.network.hidden = 144;
    omp_set_num_threads(threads);
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_updater *updater = esp_updater_create(net, &config.loss, BATCH, HORIZON);
    for (int i = 0; i < 3; i++) {
        random_batch r = make_batch(net, BATCH, (uint64_t)i);
        CHECK_OK(esp_updater_step(updater, &r.batch, i, 1e-3));
        free_batch(&r);
    }
    float *out = esp_alloc(2 * net->num_weights, sizeof *out);
    memcpy(out, net->weights, net->num_weights * sizeof *out);
    memcpy(out + net->num_weights, updater->target->weights, net->num_weights * sizeof *out);
    *count = 2 * net->num_weights;
    esp_updater_free(updater);
    esp_network_free(net);
    return out;
}

static void updates_are_bit_identical_on_one_thread_and_two(void)
{
    int threads = omp_get_max_threads();
    size_t count = 0;
    float *one = train_on(1, &count), *two = train_on(2, &count);
    CU_ASSERT(count > 2 * 100000);
    CU_ASSERT_EQUAL(memcmp(one, two, count * sizeof *one), 0);
    omp_set_num_threads(threads);
    free(one);
    free(two);
}

/* ---- whole or refused ---- */

static void target_moves_only_every_so_many_updates(void)
{
    esp_agent_config config = tiny_config();
    config.loss.target_every = 2;
    config.loss.tau = 0.25;
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_updater *updater = esp_updater_create(net, &config.loss, 4, HORIZON);
    random_batch r = make_batch(net, 4, 0);
    size_t bytes = net->num_weights * sizeof(float);
    esp_network *before = esp_network_clone(updater->target);
    CHECK_OK(esp_updater_step(updater, &r.batch, 7, 1e-3));
    CU_ASSERT_EQUAL(memcmp(before->weights, updater->target->weights, bytes), 0);
    CHECK_OK(esp_updater_step(updater, &r.batch, 8, 1e-3));
    esp_ema(net->num_weights, 0.25f, net->weights, before->weights);
    CU_ASSERT_EQUAL(memcmp(before->weights, updater->target->weights, bytes), 0);
    free_batch(&r);
    esp_network_free(before);
    esp_updater_free(updater);
    esp_network_free(net);
}

static void infinite_reward_is_refused_and_changes_nothing(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1), *before = esp_network_clone(net);
    esp_updater *updater = esp_updater_create(net, &config.loss, 4, HORIZON);
    random_batch r = make_batch(net, 4, 0);
    r.rewards[2] = INFINITY;
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_updater_step(updater, &r.batch, 0, 1e-3), "learning_rate");
    CU_ASSERT_EQUAL(memcmp(before->weights, net->weights, net->num_weights * sizeof(float)), 0);
    CU_ASSERT_EQUAL(memcmp(before->weights, updater->target->weights, net->num_weights * sizeof(float)), 0);
    CU_ASSERT_EQUAL(updater->model_adam.step, 0);
    free_batch(&r);
    esp_network_free(before);
    esp_updater_free(updater);
    esp_network_free(net);
}

static void batch_of_another_size_is_refused(void)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_updater *updater = esp_updater_create(net, &config.loss, 5, HORIZON);
    random_batch r = make_batch(net, 4, 0);
    CHECK_FAILS(ESP_ERR_SHAPE, esp_updater_step(updater, &r.batch, 0, 1e-3), "4 samples");
    free_batch(&r);
    esp_updater_free(updater);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"model_gradient_matches_central_differences_in_every_tensor",
     model_gradient_matches_central_differences_in_every_tensor},
    {"policy_gradient_matches_central_differences_in_every_tensor",
     policy_gradient_matches_central_differences_in_every_tensor},
    {"pre_tanh_penalty_enters_loss_and_gradient", pre_tanh_penalty_enters_loss_and_gradient},
    {"a_batch_repeated_ten_times_has_the_gradient_of_one", a_batch_repeated_ten_times_has_the_gradient_of_one},
    {"updates_are_bit_identical_on_one_thread_and_two", updates_are_bit_identical_on_one_thread_and_two},
    {"target_moves_only_every_so_many_updates", target_moves_only_every_so_many_updates},
    {"infinite_reward_is_refused_and_changes_nothing", infinite_reward_is_refused_and_changes_nothing},
    {"batch_of_another_size_is_refused", batch_of_another_size_is_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_update", tests)
