/* The hot paths of an agent: what each is, how to call it once, what it costs. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/application_internal.h"

#define EPISODE_SEED 1

/* What to measure, and where its rows go. */
typedef struct {
    esp_bench              *out;
    const esp_network      *net;
    const esp_agent_config *config;
} paths;

static void fill_bytes(size_t count, uint8_t *x)
{
    esp_rng rng = esp_rng_make(EPISODE_SEED, ESP_RNG_TEST, 1);
    for (size_t i = 0; i < count; i++) x[i] = (uint8_t)esp_rng_u32(&rng);
}

static uint8_t *new_bytes(size_t count)
{
    uint8_t *x = esp_alloc(count, 1);
    fill_bytes(count, x);
    return x;
}

/* ---- encoder and policy ---- */

typedef struct {
    esp_runner *encoder, *policy;
    uint8_t *obs;
    int n;
} forward;

static esp_status encode(void *context)
{
    forward *f = context;
    return esp_bench_finite(1, esp_runner_forward(f->encoder, f->obs, f->n));
}

static esp_status act(void *context)
{
    forward *f = context;
    return esp_bench_finite(1, esp_runner_forward(f->policy, esp_runner_forward(f->encoder, f->obs, f->n), f->n));
}

static esp_status bench_forward(paths *bench)
{
    enum { BATCH = 64 };
    const esp_network *net = bench->net;
    double encoder = 2 * esp_component_macs(net, ESP_TOLD_ENCODER);
    double policy = 2 * esp_component_macs(net, ESP_TOLD_POLICY);
    esp_packed *packed = esp_packed_create(net, esp_controller_components(ESP_CONTROLLER_POLICY));
    forward f = {.n = 1, .encoder = esp_runner_create(packed, ESP_TOLD_ENCODER, BATCH),
                 .policy = esp_runner_create(packed, ESP_TOLD_POLICY, BATCH),
                 .obs = new_bytes((size_t)BATCH * net->component[ESP_TOLD_ENCODER].in_size)};
    esp_bench_path one = {.work = encode, .context = &f, .flops = encoder};
    esp_bench_path action = {.work = act, .context = &f, .flops = encoder + policy};
    esp_bench_path batch = {.work = encode, .context = &f, .flops = BATCH * encoder};
    esp_status status = esp_bench_add(bench->out, "encode.1", "one observation", 1, &one);
    if (status == ESP_OK)
        status = esp_bench_add(bench->out, "policy.1", "encoder and policy, one observation", 1, &action);
    f.n = BATCH;
    if (status == ESP_OK) status = esp_bench_add(bench->out, "encode.64", "64 observations", 1, &batch);
    esp_runner_free(f.encoder);
    esp_runner_free(f.policy);
    esp_packed_free(packed);
    free(f.obs);
    return status;
}

/* ---- planner ---- */

typedef struct {
    esp_mppi *planner;
    float    *z, *action;
    int       num_actions;
} planning;

static esp_status plan(void *context)
{
    planning *p = context;
    esp_rng rng = esp_rng_make(EPISODE_SEED, ESP_RNG_PLAN, 0);
    esp_mppi_reset(p->planner, 0);
    esp_status status = esp_mppi_plan(p->planner, 1, p->z, NULL, &rng, p->action, NULL);
    return status == ESP_OK ? esp_bench_finite(p->num_actions, p->action) : status;
}

/* The planner divides its work among the threads that exist when it is created. */
static esp_status add_plan(paths *bench, const char *name, const esp_network *net, const esp_plan_budget *budget,
                           int threads)
{
    const esp_agent_config *config = bench->config;
    char size[96];
    int before = omp_get_max_threads(), policies = esp_policy_trajectories(&config->planner, budget->samples);
    snprintf(size, sizeof size, "%d + %d samples, horizon %d, %d iterations", budget->samples, policies,
             budget->horizon, budget->iterations);
    omp_set_num_threads(threads);
    planning p = {.planner = esp_mppi_create(net, &config->planner, budget, &config->loss, 1),
                  .z = esp_bench_floats((size_t)esp_told_latent(net)),
                  .num_actions = net->component[ESP_TOLD_POLICY].out_size};
    p.action = esp_alloc((size_t)p.num_actions, sizeof *p.action);
    omp_set_num_threads(before);
    double encoder = 2 * esp_component_macs(net, ESP_TOLD_ENCODER);
    esp_bench_path path = {.work = plan, .context = &p,
                 .flops = esp_action_flops(net, &config->planner, budget, ESP_CONTROLLER_MPPI) - encoder};
    esp_status status = esp_bench_add(bench->out, name, size, threads, &path);
    esp_mppi_free(p.planner);
    free(p.action);
    free(p.z);
    return status;
}

/* The budget of the reference (Hansen et al. 2022). */
static const esp_plan_budget reference_budget = {.horizon = 5, .samples = 512, .elites = 64, .iterations = 6};

static esp_status bench_plan(paths *bench)
{
    const esp_network *net = bench->net;
    const esp_planner_config *planner = &bench->config->planner;
    int T = bench->out->threads;
    esp_status status = add_plan(bench, "plan.reference", net, &reference_budget, 1);
    if (status == ESP_OK && T > 1) {
        status = add_plan(bench, "plan.reference", net, &reference_budget, T);
        if (esp_bench_wanted(bench->out, "plan.reference"))
            esp_bench_compare(bench->out, "plan.reference", 1, "of one thread");
    }
    if (status == ESP_OK) status = add_plan(bench, "plan.shipped", net, &planner->budget, T);
    if (status == ESP_OK) status = add_plan(bench, "plan.search", net, &planner->search, T);
    return status;
}

/* Removes half of the parameters, the same share of every axis. */
static esp_status halve(const esp_network *net, esp_network **out)
{
    const esp_target half = {.sparsity = 0.5, .tolerance = 0.01};
    esp_grouping grouping;
    esp_ranking ranking;
    esp_cut cut;
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &grouping);
    esp_status status = esp_ranking_make(net, esp_importance_find("l2"), EPISODE_SEED, NULL, &ranking);
    if (status != ESP_OK) return status;
    status = esp_cut_equal(net, &grouping, &ranking, &half, &cut);
    esp_ranking_free(&ranking);
    if (status != ESP_OK) return status;
    status = esp_surgery(net, &cut, out);
    esp_cut_free(&cut);
    return status;
}

static esp_status bench_pruned(paths *bench)
{
    esp_network *half = NULL;
    esp_status status = halve(bench->net, &half);
    int T = bench->out->threads;
    if (status == ESP_OK) status = add_plan(bench, "plan.pruned50", half, &reference_budget, T);
    if (status == ESP_OK && esp_bench_wanted(bench->out, "plan.pruned50"))
        esp_bench_compare(bench->out, "plan.reference", T, "of dense");
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

static esp_status bench_update(paths *bench)
{
    const size_t B = UPDATE_BATCH, T = UPDATE_HORIZON;
    const esp_network *net = bench->net;
    size_t image = (size_t)net->component[ESP_TOLD_ENCODER].in_size;
    size_t A = (size_t)net->component[ESP_TOLD_POLICY].out_size;
    if (!esp_bench_wanted(bench->out, "update")) return ESP_OK;
    training t = {.start = net, .net = esp_network_clone(net)};
    uint8_t *obs = new_bytes(B * image), *next_obs = new_bytes(T * B * image);
    float *actions = esp_bench_floats(T * B * A), *rewards = esp_bench_floats(T * B), *weights = esp_bench_floats(B);
    float *td_noise = esp_bench_floats(T * B * A), *pi_noise = esp_bench_floats((T + 1) * B * A);
    for (size_t i = 0; i < B; i++) weights[i] = 1;
    t.updater = esp_updater_create(t.net, &bench->config->loss, UPDATE_BATCH, UPDATE_HORIZON);
    t.batch = (esp_batch){.batch = UPDATE_BATCH, .horizon = UPDATE_HORIZON, .obs = obs, .next_obs = next_obs,
                          .actions = actions, .rewards = rewards, .weights = weights, .td_noise = td_noise,
                          .pi_noise = pi_noise};
    esp_bench_path path = {.work = update, .prepare = restore_weights, .context = &t};
    esp_status status = esp_bench_add(bench->out, "update", "batch 64, horizon 3", bench->out->threads, &path);
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

static esp_status bench_frame(paths *bench)
{
    const esp_env_config *env = &bench->config->env;
    char size[96];
    esp_world *world = NULL;
    filming f = {.renderer = NULL};
    if (!esp_bench_wanted(bench->out, "frame")) return ESP_OK;
    snprintf(size, sizeof size, "%d x %d pixels, box-filtered to %d x %d", env->supersample * env->image_size,
             env->supersample * env->image_size, env->image_size, env->image_size);
    esp_status status = esp_world_create(env, &world);
    if (status == ESP_OK) status = esp_renderer_create(world, 0, &f.renderer);
    if (status == ESP_OK) {
        f.data = mj_makeData(world->model);
        f.frame = esp_alloc((size_t)env->image_size, (size_t)env->image_size);
        mj_forward(world->model, f.data);
        esp_bench_path path = {.work = render, .context = &f};
        status = esp_bench_add(bench->out, "frame", size, 1, &path);
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
 * episodes on average, several where they are short, so that the last block does not dominate. */
static esp_status add_episodes(paths *bench, const char *name, esp_controller_kind kind, int blocks, int steps,
                               int threads)
{
    esp_agent_config shorter = *bench->config;
    const esp_env_config *env = &bench->config->env;
    int full = esp_env_steps(env), count = blocks * ESP_EPISODE_BLOCK * bench->out->threads;
    if (steps > full) steps = full;
    shorter.env.physics_steps = steps * env->action_repeat;
    char size[96];
    snprintf(size, sizeof size, "%d episodes, %d of %d control steps", count, steps, full);

    esp_episode *episodes = esp_alloc((size_t)count, sizeof *episodes);
    playing p = {.trajectories = esp_alloc((size_t)count, sizeof *p.trajectories)};
    p.evaluation = (esp_evaluation){.net = bench->net, .config = &shorter, .kind = kind,
                                    .budget = &shorter.planner.budget, .episodes = episodes,
                                    .count = count};
    esp_bench_path path = {.work = play, .context = &p, .per_second = (double)count * steps / full,
                           .unit = "episodes/s"};
    esp_world *world = NULL;
    esp_status status = esp_world_create(&shorter.env, &world);
    if (status == ESP_OK) {
        esp_episodes_name(EPISODE_SEED, ESP_EPISODES_REPORT, world->start, count, episodes);
        p.pool = esp_pool_create(world, ESP_EPISODE_BLOCK, true);
        status = esp_bench_add(bench->out, name, size, threads, &path);
    }
    esp_pool_free(p.pool);
    esp_world_free(world);
    free(p.trajectories);
    free(episodes);
    return status;
}

static esp_status bench_episodes(paths *bench)
{
    static const struct { const char *name; esp_controller_kind kind; int blocks, steps; } cases[] = {
        {"episodes.policy", ESP_CONTROLLER_POLICY, 4, 125}, {"episodes.mppi", ESP_CONTROLLER_MPPI, 1, 10}};
    esp_status status = ESP_OK;
    for (int i = 0; i < 2 && status == ESP_OK; i++) {
        if (!esp_bench_wanted(bench->out, cases[i].name)) continue;
        status = add_episodes(bench, cases[i].name, cases[i].kind, cases[i].blocks, cases[i].steps, 1);
        if (status != ESP_OK || bench->out->threads == 1) continue;
        status = add_episodes(bench, cases[i].name, cases[i].kind, cases[i].blocks, cases[i].steps,
                              bench->out->threads);
        esp_bench_compare(bench->out, cases[i].name, 1, "times one thread");
    }
    return status;
}

/* ---- all ---- */

static esp_status measure(paths *bench)
{
    esp_status (*const parts[])(paths *) = {bench_forward, bench_plan,  bench_pruned,
                                            bench_update,  bench_frame, bench_episodes};
    esp_status status = ESP_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == ESP_OK; i++) status = parts[i](bench);
    return status;
}

esp_status esp_bench_agent(esp_bench *bench, const esp_network *net, const esp_agent_config *config)
{
    esp_status status = esp_controller_check(net, ESP_CONTROLLER_MPPI);
    return status == ESP_OK ? measure(&(paths){bench, net, config}) : esp_fail_in(status, "%s", bench->checkpoint);
}

/* ---- random weights ---- */

/* The last layers start at zero, with which the planner would be faster: they get the gain of the
 * other layers. */
static void shake_last_layers(esp_network *net, uint64_t seed)
{
    static const char *const last[] = {"_reward.4.weight", "_Q1.5.weight", "_Q2.5.weight"};
    for (int i = 0; i < 3; i++) {
        const esp_tensor *tensor = &net->tensor[esp_network_find_tensor(net, last[i])];
        esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, (uint64_t)i);
        esp_rng_normal(&rng, net->weights + tensor->offset, tensor->count);
        for (size_t k = 0; k < tensor->count; k++) net->weights[tensor->offset + k] *= 0.05f;
    }
}

esp_status esp_bench_random_agent(esp_bench *bench)
{
    const esp_settings *settings = bench->settings;
    esp_agent_config config = esp_agent_config_default();
    esp_network *net = NULL;
    esp_status status = esp_settings_apply(settings, esp_agent_fields, esp_agent_num_fields, &config, NULL);
    if (status == ESP_OK) status = esp_agent_config_settle(&config);
    if (status == ESP_OK) status = esp_told_create(&config, 1, &net);
    if (status != ESP_OK) return status;
    esp_told_init(net, settings->seed);
    shake_last_layers(net, settings->seed);
    status = esp_bench_agent(bench, net, &config);
    esp_network_free(net);
    return status;
}
