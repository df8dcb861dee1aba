/* The hot paths: what each is, how it is called once, what it costs. Every repeat starts from the
 * same state, so that repeats differ by the machine alone. */
#include <fnmatch.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/bench.h"

#define SAMPLE_S 1.0      /* seconds of one row */
#define MAX_REPEATS 2000
#define MIN_REPEATS 3
#define EPISODE_SEED 1

/* ---- one row ---- */

/* One repeat; `prepare` (may be NULL) restores the start state outside the measured time. */
typedef struct {
    esp_status (*work)(void *context);
    void (*prepare)(void *context);
    void  *context;
    double flops;       /* of one repeat; 0: not counted */
    double per_second;  /* 0: the row says milliseconds; else things done by one repeat: a rate */
    const char *unit;   /* of the rate */
} path;

static bool wanted(const esp_bench *bench, const char *name)
{
    return !bench->only || fnmatch(bench->only, name, 0) == 0;
}

static esp_status repeat(const path *p, double *seconds)
{
    if (p->prepare) p->prepare(p->context);
    double started = esp_clock();
    esp_status status = p->work(p->context);
    *seconds = esp_clock() - started;
    return status == ESP_OK ? esp_check_interrupt() : status;
}

/* Sorted seconds of every repeat, after one that warms caches, renderers and threads up. */
static esp_status sample(const path *p, double *seconds, int *count)
{
    *count = 0;
    esp_status status = repeat(p, seconds);
    for (double end = esp_clock() + SAMPLE_S;
         status == ESP_OK && *count < MAX_REPEATS && (*count < MIN_REPEATS || esp_clock() < end); ++*count)
        status = repeat(p, &seconds[*count]);
    esp_sort_doubles(*count, seconds);
    return status;
}

static void fill_row(const path *p, int count, const double *seconds, esp_bench_row *row)
{
    double low = esp_quantile(count, seconds, 0.1), high = esp_quantile(count, seconds, 0.9);
    double median = esp_quantile(count, seconds, 0.5);
    row->repeats = count;
    row->gflops = p->flops / median * 1e-9;
    row->median = p->per_second > 0 ? p->per_second / median : 1e3 * median;
    row->p10 = p->per_second > 0 ? p->per_second / high : 1e3 * low;
    row->p90 = p->per_second > 0 ? p->per_second / low : 1e3 * high;
    snprintf(row->unit, sizeof row->unit, "%s", p->per_second > 0 ? p->unit : "ms");
}

static esp_status measure_row(const char *name, const char *size, int threads, const path *p, esp_bench_row *row)
{
    double seconds[MAX_REPEATS];
    int count, before = omp_get_max_threads();
    omp_set_num_threads(threads);
    esp_status status = sample(p, seconds, &count);
    omp_set_num_threads(before);
    if (status != ESP_OK) return esp_fail_in(status, "bench %s", name);
    *row = (esp_bench_row){.threads = threads};
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->size, sizeof row->size, "%s", size);
    fill_row(p, count, seconds, row);
    return ESP_OK;
}

/* Measures a path with `threads` and appends its row, if it is wanted. */
static esp_status add_row(esp_bench *bench, const char *name, const char *size, int threads, const path *p)
{
    if (!wanted(bench, name) || bench->num_rows == ESP_MAX_BENCH_ROWS) return ESP_OK;
    esp_progress("bench", bench->num_rows, 0, "%s", name);
    esp_status status = measure_row(name, size, threads, p, &bench->row[bench->num_rows]);
    if (status == ESP_OK) bench->num_rows++;
    return status;
}

static const esp_bench_row *find_row(const esp_bench *bench, const char *name, int threads)
{
    for (int i = 0; i < bench->num_rows; i++)
        if (strcmp(bench->row[i].name, name) == 0 && bench->row[i].threads == threads) return &bench->row[i];
    return NULL;
}

/* Says on the last row how it compares with another one. */
static void compare(esp_bench *bench, const char *name, int threads, const char *format)
{
    const esp_bench_row *other = find_row(bench, name, threads);
    if (bench->num_rows == 0 || !other) return;
    esp_bench_row *row = &bench->row[bench->num_rows - 1];
    char number[ESP_NUMBER_TEXT];
    snprintf(number, sizeof number, "%.2f", row->median / other->median);
    if (row != other) snprintf(row->note, sizeof row->note, "%s %s", number, format);
}

static esp_status check_finite(int count, const float *x)
{
    for (int i = 0; i < count; i++)
        if (!isfinite(x[i])) return esp_fail(ESP_ERR_NUMERIC, "a result is not finite");
    return ESP_OK;
}

static void fill_normal(size_t count, float *x)
{
    esp_rng rng = esp_rng_make(EPISODE_SEED, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, x, count);
}

static void fill_bytes(size_t count, uint8_t *x)
{
    esp_rng rng = esp_rng_make(EPISODE_SEED, ESP_RNG_TEST, 1);
    for (size_t i = 0; i < count; i++) x[i] = (uint8_t)esp_rng_u32(&rng);
}

static float *new_floats(size_t count)
{
    float *x = esp_alloc(count, sizeof *x);
    fill_normal(count, x);
    return x;
}

static uint8_t *new_bytes(size_t count)
{
    uint8_t *x = esp_alloc(count, 1);
    fill_bytes(count, x);
    return x;
}

/* ---- matrix product: the limit that all others are compared with ---- */

enum { GEMM = 512 };

typedef struct { float *a, *b, *c; } product;

static esp_status multiply(void *context)
{
    product *p = context;
    esp_gemm_nt(GEMM, GEMM, GEMM, p->a, p->b, 0, p->c);
    return check_finite(GEMM, p->c);
}

/* Measured whatever is selected, because the other rows are compared with it. */
static esp_status bench_gemm(esp_bench *bench)
{
    const size_t count = (size_t)GEMM * GEMM;
    product p = {new_floats(count), new_floats(count), new_floats(count)};
    path path = {.work = multiply, .context = &p, .flops = 2.0 * GEMM * GEMM * GEMM};
    esp_status status = measure_row("gemm", "512 x 512 x 512, float32", 1, &path, &bench->row[0]);
    bench->peak = bench->row[0].gflops;
    bench->num_rows = status == ESP_OK && wanted(bench, "gemm");
    free(p.a);
    free(p.b);
    free(p.c);
    return status;
}

/* ---- encoder and policy ---- */

typedef struct {
    const esp_network *net;
    esp_tape *encoder, *policy;
    uint8_t *obs;
    int n;
} forward;

static esp_status encode(void *context)
{
    forward *f = context;
    return check_finite(1, esp_forward(f->net, f->encoder, f->obs, f->n));
}

static esp_status act(void *context)
{
    forward *f = context;
    return check_finite(1, esp_forward(f->net, f->policy, esp_forward(f->net, f->encoder, f->obs, f->n), f->n));
}

static esp_status bench_forward(esp_bench *bench)
{
    enum { BATCH = 64 };
    const esp_network *net = bench->subject.net;
    double encoder = 2 * esp_component_macs(net, ESP_TOLD_ENCODER);
    double policy = 2 * esp_component_macs(net, ESP_TOLD_POLICY);
    forward f = {.net = net, .n = 1, .encoder = esp_tape_create(net, ESP_TOLD_ENCODER, BATCH),
                 .policy = esp_tape_create(net, ESP_TOLD_POLICY, BATCH),
                 .obs = new_bytes((size_t)BATCH * net->component[ESP_TOLD_ENCODER].in_size)};
    path one = {.work = encode, .context = &f, .flops = encoder};
    path action = {.work = act, .context = &f, .flops = encoder + policy};
    path batch = {.work = encode, .context = &f, .flops = BATCH * encoder};
    esp_status status = add_row(bench, "encode.1", "one observation", 1, &one);
    if (status == ESP_OK) status = add_row(bench, "policy.1", "encoder and policy, one observation", 1, &action);
    f.n = BATCH;
    if (status == ESP_OK) status = add_row(bench, "encode.64", "64 observations", 1, &batch);
    esp_tape_free(f.encoder);
    esp_tape_free(f.policy);
    free(f.obs);
    return status;
}

/* ---- planner ---- */

typedef struct {
    esp_mppi *planner;
    float    *z;
} planning;

static esp_status plan(void *context)
{
    planning *p = context;
    esp_rng rng = esp_rng_make(EPISODE_SEED, ESP_RNG_PLAN, 0);
    float action[ESP_MAX_ACTIONS] = {0};
    esp_mppi_reset(p->planner, 0);
    esp_status status = esp_mppi_plan(p->planner, 1, p->z, NULL, &rng, action, NULL);
    return status == ESP_OK ? check_finite(1, action) : status;
}

/* The planner divides its work by the threads there are when it is made. */
static esp_status add_plan(esp_bench *bench, const char *name, const esp_network *net, const esp_plan_budget *budget,
                           int threads)
{
    const esp_agent_config *config = &bench->subject.agent.config;
    char size[96];
    int before = omp_get_max_threads(), policies = esp_policy_trajectories(&config->planner, budget->samples);
    snprintf(size, sizeof size, "%d + %d samples, horizon %d, %d iterations", budget->samples, policies,
             budget->horizon, budget->iterations);
    omp_set_num_threads(threads);
    planning p = {.planner = esp_mppi_create(net, &config->planner, budget, &config->loss, 1),
                  .z = new_floats((size_t)esp_told_latent(net))};
    omp_set_num_threads(before);
    double encoder = 2 * esp_component_macs(net, ESP_TOLD_ENCODER);
    path path = {.work = plan, .context = &p,
                 .flops = esp_action_flops(net, &config->planner, budget, ESP_CONTROLLER_MPPI) - encoder};
    esp_status status = add_row(bench, name, size, threads, &path);
    esp_mppi_free(p.planner);
    free(p.z);
    return status;
}

/* What the reference plans with (Hansen et al. 2022). */
static const esp_plan_budget reference_budget = {.horizon = 5, .samples = 512, .elites = 64, .iterations = 6};

static esp_status bench_plan(esp_bench *bench)
{
    const esp_network *net = bench->subject.net;
    const esp_planner_config *planner = &bench->subject.agent.config.planner;
    int T = bench->threads;
    esp_status status = add_plan(bench, "plan.reference", net, &reference_budget, 1);
    if (status == ESP_OK && T > 1) {
        status = add_plan(bench, "plan.reference", net, &reference_budget, T);
        if (wanted(bench, "plan.reference")) compare(bench, "plan.reference", 1, "of one thread");
    }
    if (status == ESP_OK) status = add_plan(bench, "plan.shipped", net, &planner->budget, T);
    if (status == ESP_OK) status = add_plan(bench, "plan.search", net, &planner->search, T);
    return status;
}

/* Half of the parameters gone, the same share of every axis. */
static esp_status halve(const esp_network *net, esp_network **out)
{
    const esp_target half = {.sparsity = 0.5, .tolerance = 0.01};
    esp_grouping grouping;
    esp_ranking ranking;
    esp_cut cut;
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
    esp_status status = esp_ranking_make(net, ESP_IMPORTANCE_L2, EPISODE_SEED, NULL, &ranking);
    if (status != ESP_OK) return status;
    status = esp_cut_equal(net, &grouping, &ranking, &half, &cut);
    esp_ranking_free(&ranking);
    if (status != ESP_OK) return status;
    status = esp_surgery(net, &cut, out);
    esp_cut_free(&cut);
    return status;
}

static esp_status bench_pruned(esp_bench *bench)
{
    esp_network *half = NULL;
    esp_status status = halve(bench->subject.net, &half);
    int T = bench->threads;
    if (status == ESP_OK) status = add_plan(bench, "plan.pruned50", half, &reference_budget, T);
    if (status == ESP_OK && wanted(bench, "plan.pruned50")) compare(bench, "plan.reference", T, "of dense");
    esp_network_free(half);
    return status;
}

/* ---- training update ---- */

enum { UPDATE_BATCH = 64, UPDATE_HORIZON = 3 };

typedef struct {
    const esp_network *start;
    esp_network *net;
    esp_updater *updater;
    esp_batch    batch;
} training;

static void restore_weights(void *context)
{
    training *t = context;
    memcpy(t->net->weights, t->start->weights, t->start->num_weights * sizeof(float));
}

static esp_status update(void *context)
{
    training *t = context;
    return esp_updater_step(t->updater, &t->batch, 1, t->updater->config.learning_rate);
}

static esp_status bench_update(esp_bench *bench)
{
    const size_t B = UPDATE_BATCH, T = UPDATE_HORIZON;
    const esp_network *net = bench->subject.net;
    size_t image = (size_t)net->component[ESP_TOLD_ENCODER].in_size;
    size_t A = (size_t)net->component[ESP_TOLD_POLICY].out_size;
    if (!wanted(bench, "update")) return ESP_OK;
    training t = {.start = net, .net = esp_network_clone(net)};
    uint8_t *obs = new_bytes(B * image), *next_obs = new_bytes(T * B * image);
    float *actions = new_floats(T * B * A), *rewards = new_floats(T * B), *weights = new_floats(B);
    float *td_noise = new_floats(T * B * A), *pi_noise = new_floats((T + 1) * B * A);
    for (size_t i = 0; i < B; i++) weights[i] = 1;
    t.updater = esp_updater_create(t.net, &bench->subject.agent.config.loss, UPDATE_BATCH, UPDATE_HORIZON);
    t.batch = (esp_batch){.batch = UPDATE_BATCH, .horizon = UPDATE_HORIZON, .obs = obs, .next_obs = next_obs,
                          .actions = actions, .rewards = rewards, .weights = weights, .td_noise = td_noise,
                          .pi_noise = pi_noise};
    path path = {.work = update, .prepare = restore_weights, .context = &t};
    esp_status status = add_row(bench, "update", "batch 64, horizon 3", bench->threads, &path);
    esp_updater_free(t.updater);
    esp_network_free(t.net);
    void *memory[] = {obs, next_obs, actions, rewards, weights, td_noise, pi_noise};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
    return status;
}

/* ---- camera ---- */

typedef struct {
    esp_renderer *renderer;
    mjData       *data;
    uint8_t      *frame;
} filming;

static esp_status render(void *context)
{
    filming *f = context;
    return esp_renderer_frame(f->renderer, f->data, f->frame);
}

static esp_status bench_frame(esp_bench *bench)
{
    const esp_env_config *env = &bench->subject.agent.config.env;
    char size[96];
    esp_world *world = NULL;
    filming f = {.renderer = NULL};
    if (!wanted(bench, "frame")) return ESP_OK;
    snprintf(size, sizeof size, "%d x %d pixels, box-filtered to %d x %d", env->supersample * env->image_size,
             env->supersample * env->image_size, env->image_size, env->image_size);
    esp_status status = esp_world_create(env, &world);
    if (status == ESP_OK) status = esp_renderer_create(world, &f.renderer);
    if (status == ESP_OK) {
        f.data = mj_makeData(world->model);
        f.frame = esp_alloc((size_t)env->image_size, (size_t)env->image_size);
        mj_forward(world->model, f.data);
        path path = {.work = render, .context = &f};
        status = add_row(bench, "frame", size, 1, &path);
        mj_deleteData(f.data);
        free(f.frame);
    }
    esp_renderer_free(f.renderer);
    esp_world_free(world);
    return status;
}

/* ---- episodes ---- */

typedef struct {
    esp_pool       *pool;
    esp_evaluation  evaluation;
    esp_trajectory *trajectories;
} playing;

static esp_status play(void *context)
{
    playing *p = context;
    return esp_evaluate(p->pool, &p->evaluation, NULL, p->trajectories);
}

/* `steps` control steps stand for an episode of full length; every thread gets as many blocks of
 * episodes on average, several where they are short, so that the last one does not decide. */
static esp_status add_episodes(esp_bench *bench, const char *name, esp_controller_kind kind, int blocks, int steps,
                               int threads)
{
    esp_subject shorter = bench->subject;
    const esp_env_config *env = &bench->subject.agent.config.env;
    int full = env->physics_steps / env->action_repeat, count = blocks * ESP_EPISODE_BLOCK * bench->threads;
    if (steps > full) steps = full;
    shorter.agent.config.env.physics_steps = steps * env->action_repeat;
    char size[96];
    snprintf(size, sizeof size, "%d episodes, %d of %d control steps", count, steps, full);

    esp_episode *episodes = esp_alloc((size_t)count, sizeof *episodes);
    esp_episodes_name(EPISODE_SEED, ESP_EPISODES_REPORT, env->start, count, episodes);
    playing p = {.trajectories = esp_alloc((size_t)count, sizeof *p.trajectories)};
    p.evaluation = (esp_evaluation){.net = shorter.net, .config = &shorter.agent.config, .kind = kind,
                                    .budget = &shorter.agent.config.planner.budget, .episodes = episodes,
                                    .count = count};
    path path = {.work = play, .context = &p, .per_second = (double)count * steps / full, .unit = "episodes/s"};
    esp_world *world = NULL;
    esp_status status = esp_world_create(&shorter.agent.config.env, &world);
    if (status == ESP_OK) {
        p.pool = esp_pool_create(world, ESP_EPISODE_BLOCK, true);
        status = add_row(bench, name, size, threads, &path);
    }
    esp_pool_free(p.pool);
    esp_world_free(world);
    free(p.trajectories);
    free(episodes);
    return status;
}

static esp_status bench_episodes(esp_bench *bench)
{
    static const struct { const char *name; esp_controller_kind kind; int blocks, steps; } cases[] = {
        {"episodes.policy", ESP_CONTROLLER_POLICY, 4, 125}, {"episodes.mppi", ESP_CONTROLLER_MPPI, 1, 10}};
    esp_status status = ESP_OK;
    for (int i = 0; i < 2 && status == ESP_OK; i++) {
        if (!wanted(bench, cases[i].name)) continue;
        status = add_episodes(bench, cases[i].name, cases[i].kind, cases[i].blocks, cases[i].steps, 1);
        if (status != ESP_OK || bench->threads == 1) continue;
        status = add_episodes(bench, cases[i].name, cases[i].kind, cases[i].blocks, cases[i].steps, bench->threads);
        compare(bench, cases[i].name, 1, "times one thread");
    }
    return status;
}

/* ---- all ---- */

esp_status esp_bench_run(esp_bench *bench)
{
    esp_status (*const parts[])(esp_bench *) = {bench_gemm,   bench_forward, bench_plan,    bench_pruned,
                                                bench_update, bench_frame,   bench_episodes};
    esp_status status = ESP_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == ESP_OK; i++) status = parts[i](bench);
    esp_progress("bench", 1, 1, "%d rows", bench->num_rows);
    return status;
}
