/* Model predictive path integral planning in latent space (Hansen et al. 2022, Algorithm 1, as in
 * the reference implementation), for several episodes at once.
 *
 * Sequences of all episodes are rows of the same matrix products, in blocks of fixed size that
 * threads share. Policy trajectories are unrolled once per plan: only the noise on the action that
 * values their end is new in every iteration. */
#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"

/* Sequences per block: a multiple of the full tile heights 6 and 12 (nn/dense_kernel.c), so that no block ends in a
 * small tile; the 64 samples of a small plan make two blocks, one per thread. */
#define BLOCK 36

/* Memory that one thread needs to value a block of sequences. */
typedef struct {
    esp_runner *dynamics, *reward, *policy, *q1, *q2;
    float *x; /* [BLOCK, latent + action] */
    float *z; /* [BLOCK, latent] */
    float *a; /* [BLOCK, action] */
} worker;

typedef struct { float value; int index; } ranked;

/* A set of sequences, E * per_episode rows. */
typedef struct {
    int    per_episode;
    float *actions;   /* [H, rows, A] */
    float *value;     /* [rows] */
    float *noise;     /* [rows, A] noise of the action that values the end */
    float *end;       /* [rows, L] last latent, policy trajectories only */
    float *rewards;   /* [rows] discounted sum, policy trajectories only */
} sequences;

struct esp_mppi {
    esp_packed *model;
    esp_planner_config config;
    esp_plan_budget budget;
    float discount, policy_std;
    int E, L, A, X, num_workers;
    worker *workers;
    bool *warm;           /* [E] true: mean holds the last plan */
    float *mean, *std;    /* [E, H, A] */
    sequences samples, policies;
    float *policy_noise;  /* [H, E * P, A] */
    float *action_noise;  /* [H, N, A] of one episode */
    ranked *ranks;        /* [N + P] */
    float *score;         /* [K] */
    double *cumulative;   /* [K] */
};

/* ---- memory ---- */

static float *floats(size_t count)
{
    return esp_alloc(count, sizeof(float));
}

static void worker_create(worker *w, const esp_packed *model, int X, int L, int A)
{
    w->dynamics = esp_runner_create(model, ESP_TOLD_DYNAMICS, BLOCK);
    w->reward = esp_runner_create(model, ESP_TOLD_REWARD, BLOCK);
    w->policy = esp_runner_create(model, ESP_TOLD_POLICY, BLOCK);
    w->q1 = esp_runner_create(model, ESP_TOLD_Q1, BLOCK);
    w->q2 = esp_runner_create(model, ESP_TOLD_Q2, BLOCK);
    w->x = floats((size_t)BLOCK * X);
    w->z = floats((size_t)BLOCK * L);
    w->a = floats((size_t)BLOCK * A);
}

static void worker_free(worker *w)
{
    esp_runner_free(w->dynamics);
    esp_runner_free(w->reward);
    esp_runner_free(w->policy);
    esp_runner_free(w->q1);
    esp_runner_free(w->q2);
    free(w->x);
    free(w->z);
    free(w->a);
}

static void sequences_create(sequences *s, const esp_mppi *p, int per_episode, bool ends)
{
    size_t rows = (size_t)p->E * per_episode;
    s->per_episode = per_episode;
    s->actions = floats((size_t)p->budget.horizon * rows * p->A);
    s->value = floats(rows);
    s->noise = floats(rows * p->A);
    s->end = ends ? floats(rows * p->L) : NULL;
    s->rewards = ends ? floats(rows) : NULL;
}

static void sequences_free(sequences *s)
{
    free(s->actions);
    free(s->value);
    free(s->noise);
    free(s->end);
    free(s->rewards);
}

esp_mppi *esp_mppi_create(const esp_network *net, const esp_planner_config *config, const esp_plan_budget *budget,
                          const esp_loss_config *loss, int episodes)
{
    esp_mppi *p = esp_alloc(1, sizeof *p);
    int H = budget->horizon, N = budget->samples, P = esp_policy_trajectories(config, budget->samples);
    p->model = esp_packed_create(net, ESP_ALL_COMPONENTS & ~(1u << ESP_TOLD_ENCODER));
    p->config = *config;
    p->budget = *budget;
    p->discount = (float)loss->discount;
    p->policy_std = (float)loss->policy_std;
    p->E = episodes;
    p->L = esp_told_latent(net);
    p->A = net->component[ESP_TOLD_POLICY].out_size;
    p->X = p->L + p->A;
    p->num_workers = omp_in_parallel() ? 1 : omp_get_max_threads();
    p->workers = esp_alloc((size_t)p->num_workers, sizeof *p->workers);
    for (int i = 0; i < p->num_workers; i++) worker_create(&p->workers[i], p->model, p->X, p->L, p->A);
    p->warm = esp_alloc((size_t)episodes, sizeof *p->warm);
    p->mean = floats((size_t)episodes * H * p->A);
    p->std = floats((size_t)episodes * H * p->A);
    sequences_create(&p->samples, p, N, false);
    sequences_create(&p->policies, p, P, true);
    p->policy_noise = floats((size_t)H * episodes * P * p->A);
    p->action_noise = floats((size_t)H * N * p->A);
    p->ranks = esp_alloc((size_t)(N + P), sizeof *p->ranks);
    p->score = floats((size_t)budget->elites);
    p->cumulative = esp_alloc((size_t)budget->elites, sizeof(double));
    return p;
}

void esp_mppi_free(esp_mppi *p)
{
    if (!p) return;
    for (int i = 0; i < p->num_workers; i++) worker_free(&p->workers[i]);
    free(p->workers);
    esp_packed_free(p->model);
    free(p->warm);
    free(p->mean);
    free(p->std);
    sequences_free(&p->samples);
    sequences_free(&p->policies);
    free(p->policy_noise);
    free(p->action_noise);
    free(p->ranks);
    free(p->score);
    free(p->cumulative);
    free(p);
}

void esp_mppi_reset(esp_mppi *p, int e)
{
    p->warm[e] = false;
}

void esp_mppi_copy(esp_mppi *to, const esp_mppi *from)
{
    memcpy(to->warm, from->warm, (size_t)from->E * sizeof *from->warm);
    memcpy(to->mean, from->mean, (size_t)from->E * from->budget.horizon * from->A * sizeof *from->mean);
}

float *esp_mppi_mean(esp_mppi *p, int e)
{
    p->warm[e] = true;
    return p->mean + (size_t)e * p->budget.horizon * p->A;
}

/* ---- the value of sequences ---- */

/* One step of the model for n rows: adds weight * reward to sum and advances w->z. */
static void model_step(const esp_mppi *p, worker *w, int n, const float *actions, float weight, float *sum)
{
    esp_concat(n, p->L, w->z, p->A, actions, w->x);
    const float *reward = esp_runner_forward(w->reward, w->x, n);
    for (int i = 0; i < n; i++) sum[i] += weight * reward[i];
    memcpy(w->z, esp_runner_forward(w->dynamics, w->x, n), (size_t)n * p->L * sizeof(float));
}

/* The first step of n rows, all from the latent z0. */
static void first_step(const esp_mppi *p, worker *w, int n, const float *z0, const float *actions, float *sum, float *z)
{
    memcpy(sum, esp_runner_forward_shared(w->reward, z0, p->L, actions, n), (size_t)n * sizeof(float));
    memcpy(z, esp_runner_forward_shared(w->dynamics, z0, p->L, actions, n), (size_t)n * p->L * sizeof(float));
}

/* min(Q1, Q2) at the end of a sequence with a noisy policy action; NaN -> 0, infinities to the
 * largest float, as torch.nan_to_num. */
static void end_values(const esp_mppi *p, worker *w, int n, const float *z, const float *noise, const float *rewards,
                       float *value)
{
    const float *mu = esp_runner_forward(w->policy, z, n);
    esp_noisy_action((size_t)n * p->A, mu, noise, p->policy_std, w->a);
    esp_concat(n, p->L, z, p->A, w->a, w->x);
    const float *q1 = esp_runner_forward(w->q1, w->x, n), *q2 = esp_runner_forward(w->q2, w->x, n);
    float weight = powf(p->discount, (float)p->budget.horizon);
    for (int i = 0; i < n; i++) {
        float v = rewards[i] + weight * fminf(q1[i], q2[i]);
        value[i] = isnan(v) ? 0.0f : fminf(fmaxf(v, -FLT_MAX), FLT_MAX);
    }
}

static void start_rows(const esp_mppi *p, worker *w, const float *z0, int per_episode, int first, int n)
{
    for (int i = 0; i < n; i++)
        memcpy(w->z + (size_t)i * p->L, z0 + (size_t)((first + i) / per_episode) * p->L, (size_t)p->L * sizeof(float));
}

static void value_samples(const esp_mppi *p, worker *w, const float *z0, int rows, int first, int n)
{
    const sequences *s = &p->samples;
    float sum[BLOCK], weight = p->discount;
    for (int i = 0, same; i < n; i += same) { /* rows of the same episode */
        int row = first + i, e = row / s->per_episode, left = (e + 1) * s->per_episode - row;
        same = left < n - i ? left : n - i;
        first_step(p, w, same, z0 + (size_t)e * p->L, s->actions + (size_t)row * p->A, sum + i,
                   w->z + (size_t)i * p->L);
    }
    for (int t = 1; t < p->budget.horizon && !esp_interrupted(); t++, weight *= p->discount)
        model_step(p, w, n, s->actions + ((size_t)t * rows + first) * p->A, weight, sum);
    end_values(p, w, n, w->z, s->noise + (size_t)first * p->A, sum, s->value + first);
}

static void unroll_policy(const esp_mppi *p, worker *w, const float *z0, int rows, int first, int n)
{
    const sequences *s = &p->policies;
    float *sum = s->rewards + first, weight = 1.0f;
    memset(sum, 0, (size_t)n * sizeof(float));
    start_rows(p, w, z0, s->per_episode, first, n);
    for (int t = 0; t < p->budget.horizon && !esp_interrupted(); t++, weight *= p->discount) {
        size_t at = ((size_t)t * rows + first) * p->A;
        const float *mu = esp_runner_forward(w->policy, w->z, n);
        esp_noisy_action((size_t)n * p->A, mu, p->policy_noise + at, p->policy_std, s->actions + at);
        model_step(p, w, n, s->actions + at, weight, sum);
    }
    memcpy(s->end + (size_t)first * p->L, w->z, (size_t)n * p->L * sizeof(float));
}

static int blocks_of(int rows)
{
    return (rows + BLOCK - 1) / BLOCK;
}

static int block_size(int rows, int first)
{
    return rows - first < BLOCK ? rows - first : BLOCK;
}

static void unroll_policies(esp_mppi *p, int n, const float *z0)
{
    int rows = n * p->policies.per_episode, blocks = blocks_of(rows);
#pragma omp parallel for schedule(dynamic, 1) num_threads(p->num_workers)
    for (int b = 0; b < blocks; b++)
        unroll_policy(p, &p->workers[omp_get_thread_num()], z0, rows, b * BLOCK, block_size(rows, b * BLOCK));
}

static void value_all(esp_mppi *p, int n, const float *z0)
{
    int rows = n * p->samples.per_episode, policy_rows = n * p->policies.per_episode;
    int blocks = blocks_of(rows), all = blocks + blocks_of(policy_rows);
#pragma omp parallel for schedule(dynamic, 1) num_threads(p->num_workers)
    for (int b = 0; b < all; b++) {
        worker *w = &p->workers[omp_get_thread_num()];
        if (b < blocks) {
            value_samples(p, w, z0, rows, b * BLOCK, block_size(rows, b * BLOCK));
        } else {
            int first = (b - blocks) * BLOCK;
            const sequences *s = &p->policies;
            end_values(p, w, block_size(policy_rows, first), s->end + (size_t)first * p->L,
                       s->noise + (size_t)first * p->A, s->rewards + first, s->value + first);
        }
    }
}

/* ---- noise ---- */

/* Fills in count standard normals: copied from the caller's noise if there is any, otherwise
 * drawn. */
static void fill_noise(const float *given, esp_rng *rng, size_t count, float *out)
{
    if (given) memcpy(out, given, count * sizeof(float));
    else esp_rng_normal(rng, out, count);
}

static void begin_episode(esp_mppi *p, int n, int e, const esp_plan_noise *noise, esp_rng *rng)
{
    int H = p->budget.horizon, P = p->policies.per_episode, A = p->A;
    float *mean = p->mean + (size_t)e * H * A, *std = p->std + (size_t)e * H * A;
    size_t step = (size_t)P * A;
    if (p->warm[e]) memmove(mean, mean + A, (size_t)(H - 1) * A * sizeof(float));
    memset(mean + (p->warm[e] ? (H - 1) * A : 0), 0, (size_t)(p->warm[e] ? 1 : H) * A * sizeof(float));
    for (int i = 0; i < H * A; i++) std[i] = (float)p->config.max_std;
    for (int t = 0; t < H; t++)
        fill_noise(noise ? noise->policy + t * step : NULL, rng, step, p->policy_noise + ((size_t)t * n + e) * step);
}

static float clamp_action(float a)
{
    return a < -1.0f ? -1.0f : a > 1.0f ? 1.0f : a;
}

static void sample_episode(esp_mppi *p, int n, int e, int iteration, const esp_plan_noise *noise, esp_rng *rng)
{
    int H = p->budget.horizon, N = p->samples.per_episode, P = p->policies.per_episode, A = p->A;
    size_t draws = (size_t)H * N * A, ends = (size_t)(N + P) * A;
    const float *eps = p->action_noise;
    fill_noise(noise ? noise->action + iteration * draws : NULL, rng, draws, p->action_noise);
    const float *mean = p->mean + (size_t)e * H * A, *std = p->std + (size_t)e * H * A;
    for (int t = 0; t < H; t++) {
        float *actions = p->samples.actions + ((size_t)t * n + e) * N * A;
        for (int i = 0; i < N; i++)
            for (int a = 0; a < A; a++)
                actions[i * A + a] = clamp_action(mean[t * A + a] + std[t * A + a] * eps[((size_t)t * N + i) * A + a]);
    }
    const float *value = noise ? noise->value + iteration * ends : NULL;
    fill_noise(value, rng, (size_t)N * A, p->samples.noise + (size_t)e * N * A);
    fill_noise(value ? value + N * A : NULL, rng, (size_t)P * A, p->policies.noise + (size_t)e * P * A);
}

/* ---- elites ---- */

static bool is_better(const ranked *x, const ranked *y)
{
    return x->value != y->value ? x->value > y->value : x->index < y->index;
}

/* Restores the heap below `root`; the worst sequence is at the top. */
static void sift_down(ranked *heap, int root, int count)
{
    ranked moved = heap[root];
    for (int child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && is_better(&heap[child], &heap[child + 1])) child++;
        if (!is_better(&moved, &heap[child])) break;
        heap[root] = heap[child];
    }
    heap[root] = moved;
}

/* Sorts best first. The C library's qsort allocates when there are more than 127 sequences. */
static void sort_ranks(ranked *ranks, int count)
{
    for (int i = count / 2 - 1; i >= 0; i--) sift_down(ranks, i, count);
    for (int last = count - 1; last > 0; last--) {
        ranked worst = ranks[0];
        ranks[0] = ranks[last];
        ranks[last] = worst;
        sift_down(ranks, 0, last);
    }
}

/* Action of sequence `index` of episode e at time t: samples first, then policy trajectories. */
static const float *sequence_action(const esp_mppi *p, int n, int e, int t, int index)
{
    const sequences *s = &p->samples;
    if (index >= s->per_episode) {
        index -= s->per_episode;
        s = &p->policies;
    }
    return s->actions + (((size_t)t * n + e) * s->per_episode + index) * p->A;
}

static void rank_sequences(esp_mppi *p, int e)
{
    int N = p->samples.per_episode, P = p->policies.per_episode, K = p->budget.elites;
    for (int i = 0; i < N; i++) p->ranks[i] = (ranked){p->samples.value[e * N + i], i};
    for (int i = 0; i < P; i++) p->ranks[N + i] = (ranked){p->policies.value[e * P + i], N + i};
    sort_ranks(p->ranks, N + P);
    float sum = 0.0f;
    /* Subtract the best value first: expf overflows once its argument passes 88. */
    for (int k = 0; k < K; k++) {
        p->score[k] = expf((float)p->config.temperature * (p->ranks[k].value - p->ranks[0].value));
        sum += p->score[k];
    }
    for (int k = 0; k < K; k++) p->score[k] /= sum;
}

/* The deviation is taken around the new mean, not around the one smoothed by momentum
 * (reference). */
static void refit(esp_mppi *p, int n, int e)
{
    int K = p->budget.elites, A = p->A;
    float total = 1e-9f, momentum = (float)p->config.momentum;
    for (int k = 0; k < K; k++) total += p->score[k];
    for (int t = 0; t < p->budget.horizon; t++)
        for (int a = 0; a < A; a++) {
            size_t at = ((size_t)e * p->budget.horizon + t) * A + a;
            float sum = 0.0f, squares = 0.0f;
            for (int k = 0; k < K; k++) sum += p->score[k] * sequence_action(p, n, e, t, p->ranks[k].index)[a];
            float mean = sum / total;
            for (int k = 0; k < K; k++) {
                float d = sequence_action(p, n, e, t, p->ranks[k].index)[a] - mean;
                squares += p->score[k] * d * d;
            }
            float std = sqrtf(squares / total);
            p->std[at] = fminf(fmaxf(std, (float)p->config.min_std), (float)p->config.max_std);
            p->mean[at] = momentum * p->mean[at] + (1.0f - momentum) * mean;
        }
}

/* Number of entries of the cumulative score that are <= u. */
static int pick_elite(esp_mppi *p, double u)
{
    int K = p->budget.elites, choice = 0;
    double sum = 0.0;
    for (int k = 0; k < K; k++) p->cumulative[k] = sum += p->score[k];
    while (choice < K - 1 && p->cumulative[choice] / sum <= u) choice++;
    return choice;
}

static int act(esp_mppi *p, int n, int e, const esp_plan_noise *noise, esp_rng *rng, float *action)
{
    size_t first = (size_t)e * p->budget.horizon * p->A;
    int choice = pick_elite(p, noise ? noise->choice : esp_rng_uniform(rng));
    const float *from = p->config.act_on == ESP_ACT_ON_MEAN ? p->mean + first
                                                            : sequence_action(p, n, e, 0, p->ranks[choice].index);
    for (int a = 0; a < p->A; a++) {
        action[a] = from[a];
        if (noise && noise->explore) action[a] += p->std[first + a] * noise->explore[a];
    }
    return choice;
}

/* ---- the trace of episode 0 ---- */

static void trace_iteration(const esp_mppi *p, int n, int i, const esp_plan_trace *trace)
{
    int H = p->budget.horizon, N = p->samples.per_episode, P = p->policies.per_episode, K = p->budget.elites, A = p->A;
    size_t all = (size_t)(N + P);
    if (trace->policy_actions)
        for (int t = 0; t < H; t++)
            memcpy(trace->policy_actions + (size_t)t * P * A, sequence_action(p, n, 0, t, N),
                   (size_t)P * A * sizeof(float));
    if (trace->actions)
        for (int t = 0; t < H; t++)
            for (int s = 0; s < N + P; s++)
                memcpy(trace->actions + (((size_t)i * H + t) * all + s) * A, sequence_action(p, n, 0, t, s),
                       (size_t)A * sizeof(float));
    if (trace->value) {
        memcpy(trace->value + i * all, p->samples.value, (size_t)N * sizeof(float));
        memcpy(trace->value + i * all + N, p->policies.value, (size_t)P * sizeof(float));
    }
    if (trace->score) memcpy(trace->score + (size_t)i * K, p->score, (size_t)K * sizeof(float));
    if (trace->elite)
        for (int k = 0; k < K; k++) trace->elite[i * K + k] = p->ranks[k].index;
    if (trace->mean) memcpy(trace->mean + (size_t)i * H * A, p->mean, (size_t)H * A * sizeof(float));
    if (trace->std) memcpy(trace->std + (size_t)i * H * A, p->std, (size_t)H * A * sizeof(float));
}

esp_status esp_mppi_plan(esp_mppi *p, int n, const float *z, const esp_plan_noise *noise, esp_rng *rng, float *actions,
                         esp_plan_trace *trace)
{
    for (int i = 0; i < n * p->L; i++)
        if (!isfinite(z[i])) return esp_fail(ESP_ERR_NUMERIC, "the encoder's latent is not finite; the planner stops");

    for (int e = 0; e < n; e++) begin_episode(p, n, e, noise ? &noise[e] : NULL, rng ? &rng[e] : NULL);
    unroll_policies(p, n, z);
    for (int i = 0; i < p->budget.iterations; i++) {
        for (int e = 0; e < n; e++) sample_episode(p, n, e, i, noise ? &noise[e] : NULL, rng ? &rng[e] : NULL);
        value_all(p, n, z);
        if (esp_interrupted()) return esp_check_interrupt(); /* an interruption leaves the values incomplete */
        /* Backwards, so that ranks and score end as those of episode 0, for the trace. */
        for (int e = n - 1; e >= 0; e--) {
            rank_sequences(p, e);
            refit(p, n, e);
            if (i == p->budget.iterations - 1) {
                int choice = act(p, n, e, noise ? &noise[e] : NULL, rng ? &rng[e] : NULL, actions + (size_t)e * p->A);
                if (trace && trace->choice) *trace->choice = choice;
                p->warm[e] = true;
            }
        }
        if (trace) trace_iteration(p, n, i, trace);
    }
    return ESP_OK;
}
