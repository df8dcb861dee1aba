/* The closed loop: episodes of a controller, in blocks of fixed size on all threads, and the
 * performance of many pruned candidates over the same episodes. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_internal.h"

/* Control steps played by all threads; the first thread shows them. */
typedef struct {
    const char *task; /* NULL: no progress is shown */
    double done, total;
} step_count;

typedef struct {
    esp_controller *controller;
    step_count     *steps;
    int             num_actions, num_steps;
    const double   *noise;                  /* [n]; NULL: none */
    float          *intended;               /* [n, num_steps, num_actions]; NULL: not wanted */
    float          *scratch;                /* [num_actions], owned */
    esp_rng         rng[ESP_EPISODE_BLOCK]; /* streams of the noise, one per episode */
} player;

/* Stores the action that the controller chose, then adds noise to it. */
static void disturb(player *p, int e, int step, float *action)
{
    size_t at = (size_t)e * p->num_steps + step, A = (size_t)p->num_actions;
    if (p->intended) memcpy(p->intended + at * A, action, A * sizeof *action);
    if (p->noise && p->noise[e] > 0.0)
        esp_explore(1, p->num_actions, (float)p->noise[e], &p->rng[e], p->scratch, action);
}

static esp_status act(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    player *p = context;
    double done;
#pragma omp atomic capture
    done = p->steps->done += n;
    if (p->steps->task && omp_get_thread_num() == 0)
        esp_progress(p->steps->task, done, p->steps->total, "control steps");
    esp_status status = esp_controller_act(p->controller, n, step, obs, actions);
    for (int e = 0; e < n; e++) disturb(p, e, step, actions + e * p->num_actions);
    return status;
}

/* A planner's samples already fill matrix products; a policy needs more episodes in lockstep. */
static int block_size(const esp_evaluation *ev, int first)
{
    int block = ev->kind == ESP_CONTROLLER_MPPI ? ESP_EPISODE_BLOCK / 2 : ESP_EPISODE_BLOCK;
    return ev->count - first < block ? ev->count - first : block;
}

/* One block on the calling thread, start to end. */
static esp_status play_block(esp_pool *pool, const esp_evaluation *ev, int first, step_count *steps,
                             esp_trajectory *out)
{
    esp_simulator *simulator;
    int n = block_size(ev, first);
    esp_status status = esp_pool_simulator(pool, &simulator);
    if (status != ESP_OK) return status;
    player p = {.controller = esp_controller_create(ev->net, ev->config, ev->kind, ev->budget, n), .steps = steps,
                .num_actions = ev->net->component[ESP_TOLD_POLICY].out_size,
                .num_steps = esp_env_steps(&ev->config->env), .noise = ev->noise ? ev->noise + first : NULL};
    p.scratch = esp_alloc((size_t)p.num_actions, sizeof *p.scratch);
    if (ev->intended) p.intended = ev->intended + (size_t)first * p.num_steps * p.num_actions;
    esp_controller_begin(p.controller, ev->episodes + first, n);
    for (int e = 0; e < n; e++)
        p.rng[e] = esp_rng_make(ev->episodes[first + e].seed, ESP_RNG_EXPLORE, ev->episodes[first + e].index);
    status = esp_rollout(simulator, ev->episodes + first, n, act, &p, out + first);
    esp_controller_free(p.controller);
    free(p.scratch);
    return status;
}

esp_status esp_evaluate(esp_pool *pool, const esp_evaluation *ev, const char *task, esp_trajectory *trajectories)
{
    int block = block_size(ev, 0), blocks = ev->count > 0 ? (ev->count + block - 1) / block : 0;
    int steps_each = esp_env_steps(&ev->config->env);
    step_count steps = {.task = task, .total = (double)ev->count * steps_each};
    esp_error *errors = esp_alloc((size_t)blocks + 1, sizeof *errors);
#pragma omp parallel for schedule(dynamic, 1)
    for (int b = 0; b < blocks; b++)
        esp_error_take(&errors[b], play_block(pool, ev, b * block, &steps, trajectories));
    esp_status status = esp_error_first(errors, blocks);
    if (task && status == ESP_OK) esp_progress(task, steps.total, steps.total, "control steps");
    free(errors);
    return status;
}

/* ---- candidates of a search ---- */

void esp_search_episodes(uint64_t seed, int starts, uint64_t first, int count, esp_episode *out)
{
    for (int i = 0; i < count; i++) {
        esp_episodes_name(seed, ESP_EPISODES_SEARCH, i % starts, 1, &out[i]);
        out[i].index = first + (uint64_t)(i / starts);
    }
}

/* n candidates over the same episodes. The blocks of all candidates are shared among the threads
 * together, since the few candidates that play many episodes have to fill all threads as well. */
typedef struct {
    const esp_closed_loop *loop;
    const esp_cut  *cuts;
    int             n, count;       /* candidates; episodes per candidate */
    esp_episode    *episodes;       /* [count] */
    esp_network   **nets;           /* [n] */
    esp_trajectory *trajectories;   /* [n, count] */
} trial;

static esp_status cut_all(const trial *t)
{
    esp_error *errors = esp_alloc((size_t)t->n, sizeof *errors);
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < t->n; i++)
        esp_error_take(&errors[i], esp_surgeon_operate(t->loop->surgeon, &t->cuts[i], &t->nets[i]));
    esp_status status = esp_error_first(errors, t->n);
    free(errors);
    return status;
}

static esp_status play_all(const trial *t)
{
    const esp_closed_loop *loop = t->loop;
    esp_evaluation shape = {.kind = loop->kind, .count = t->count};
    int block = block_size(&shape, 0), blocks = (t->count + block - 1) / block;
    esp_error *errors = esp_alloc((size_t)(t->n * blocks), sizeof *errors);
    step_count unseen = {.task = NULL};
    /* a single block leaves the threads to its planner */
#pragma omp parallel for schedule(dynamic, 1) if (t->n * blocks > 1)
    for (int i = 0; i < t->n * blocks; i++) {
        int candidate = i / blocks;
        esp_evaluation ev = {.net = t->nets[candidate], .config = loop->config, .kind = loop->kind,
                             .budget = &loop->config->planner.search, .episodes = t->episodes, .count = t->count};
        esp_trajectory *trajectories = t->trajectories + (size_t)candidate * (size_t)t->count;
        esp_error_take(&errors[i], play_block(loop->pool, &ev, i % blocks * block, &unseen, trajectories));
    }
    esp_status status = esp_error_first(errors, t->n * blocks);
    free(errors);
    return status;
}

/* ---- the bound of the total variation ---- */

double esp_mean_variation(const esp_trajectory *trajectories, int count)
{
    double sum = 0.0;
    for (int e = 0; e < count; e++) sum += trajectories[e].behaviour.variation;
    return sum / count;
}

/* That of the reference on the same episodes, which are played once. */
static esp_status reference_variation(const trial *t, double *out)
{
    const esp_closed_loop *loop = t->loop;
    esp_closed_loop_memory *memory = loop->memory;
    for (int i = 0; i < memory->known; i++)
        if (memory->count[i] == t->count) {
            *out = memory->variation[i];
            return ESP_OK;
        }
    esp_trajectory *trajectories = esp_alloc((size_t)t->count, sizeof *trajectories);
    esp_evaluation ev = {.net = loop->reference, .config = loop->config, .kind = loop->kind,
                         .budget = &loop->config->planner.search, .episodes = t->episodes, .count = t->count};
    esp_status status = esp_evaluate(loop->pool, &ev, NULL, trajectories);
    if (status == ESP_OK) *out = esp_mean_variation(trajectories, t->count);
    if (status == ESP_OK && memory->known < ESP_MOST_SCALES) {
        memory->count[memory->known] = t->count;
        memory->variation[memory->known++] = *out;
    }
    free(trajectories);
    return status;
}

static esp_status punish_variation(const trial *t, double *performance)
{
    double allowed;
    if (t->loop->max_variation <= 0.0) return ESP_OK;
    esp_status status = reference_variation(t, &allowed);
    if (status != ESP_OK) return status;
    allowed *= t->loop->max_variation;
    for (int i = 0; i < t->n; i++) {
        double variation = esp_mean_variation(t->trajectories + (size_t)i * (size_t)t->count, t->count);
        if (variation > allowed) performance[i] *= allowed / variation;
    }
    return ESP_OK;
}

esp_status esp_closed_loop_performance(void *context, int n, const esp_cut *cuts, int scale, double *performance)
{
    const esp_closed_loop *loop = context;
    trial t = {.loop = loop, .cuts = cuts, .n = n, .count = scale * loop->count};
    t.episodes = esp_alloc((size_t)t.count, sizeof *t.episodes);
    t.nets = esp_alloc((size_t)n, sizeof *t.nets);
    t.trajectories = esp_alloc((size_t)n * (size_t)t.count, sizeof *t.trajectories);
    esp_search_episodes(loop->seed, esp_names_count(esp_pool_world(loop->pool)->task->about.starts), 0,
                        t.count, t.episodes);
    esp_status status = cut_all(&t);
    if (status == ESP_OK) status = play_all(&t);
    for (int i = 0; i < n; i++) {
        performance[i] = 0.0;
        for (int e = 0; e < t.count; e++)
            performance[i] += t.trajectories[(size_t)i * (size_t)t.count + (size_t)e].episode_return / t.count;
        esp_network_free(t.nets[i]);
    }
    if (status == ESP_OK) status = punish_variation(&t, performance);
    free(t.trajectories);
    free(t.nets);
    free(t.episodes);
    return status;
}
