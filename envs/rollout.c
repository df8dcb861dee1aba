/* Episodes in lockstep: one call of the controller serves all of them, so its matrix products are
 * large, and nothing is allocated while they play. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "envs/envs_internal.h"

struct esp_simulator {
    const esp_world *world;     /* borrowed */
    int              capacity;
    esp_renderer    *renderer;  /* owned; NULL without pixels */
    mjData         **data;      /* [capacity], owned */
    size_t           pixels;    /* of one frame */
    uint8_t         *obs;       /* [capacity, frame_stack, pixels]; NULL without pixels */
    float           *actions;   /* [capacity, num_actions] */

    /* The call of esp_rollout that is running. */
    const esp_episode *episodes;
    esp_trajectory    *out;
    int                n, step;
};

/* ---- create ----------------------------------------------------------------------------------- */

static esp_status make_data(void *argument)
{
    esp_simulator *simulator = argument;
    for (int i = 0; i < simulator->capacity; i++) {
        simulator->data[i] = mj_makeData(simulator->world->model);
        if (!simulator->data[i]) return esp_fail(ESP_ERR_MACHINE, "no memory for %d simulations", simulator->capacity);
    }
    return ESP_OK;
}

esp_status esp_simulator_create(const esp_world *world, int capacity, bool render, esp_simulator **out)
{
    if (capacity < 1) return esp_fail(ESP_ERR_RANGE, "a simulator for %d episodes, expected at least 1", capacity);
    esp_simulator *simulator = esp_alloc(1, sizeof *simulator);
    simulator->world = world;
    simulator->capacity = capacity;
    simulator->data = esp_alloc((size_t)capacity, sizeof *simulator->data);
    simulator->actions = esp_alloc((size_t)capacity * world->num_actions, sizeof *simulator->actions);
    simulator->pixels = (size_t)world->config.image_size * world->config.image_size;

    esp_status status = esp_guard(make_data, simulator, ESP_ERR_MACHINE);
    if (status == ESP_OK && render) {
        simulator->obs = esp_alloc((size_t)capacity * world->config.frame_stack, simulator->pixels);
        status = esp_renderer_create(world, &simulator->renderer);
    }
    if (status == ESP_OK) *out = simulator;
    else                  esp_simulator_free(simulator);
    return status;
}

void esp_simulator_free(esp_simulator *simulator)
{
    if (!simulator) return;
    for (int i = 0; i < simulator->capacity; i++)
        if (simulator->data[i]) mj_deleteData(simulator->data[i]);
    esp_renderer_free(simulator->renderer);
    free(simulator->data);
    free(simulator->obs);
    free(simulator->actions);
    free(simulator);
}

/* ---- what is recorded -------------------------------------------------------------------------- */

static void record_state(esp_simulator *simulator, int episode, int state)
{
    const mjModel *model = simulator->world->model;
    const mjData *data = simulator->data[episode];
    esp_trajectory *out = &simulator->out[episode];
    if (out->states) {
        double *row = out->states + (size_t)state * (size_t)(model->nq + model->nv);
        memcpy(row, data->qpos, (size_t)model->nq * sizeof *row);
        memcpy(row + model->nq, data->qvel, (size_t)model->nv * sizeof *row);
    }
    if (!simulator->world->task->goal(model, data)) out->settled = simulator->world->num_steps;
    else if (out->settled == simulator->world->num_steps) out->settled = state;
}

static esp_status record_frame(esp_simulator *simulator, int episode, int state)
{
    size_t pixels = simulator->pixels;
    int stack = simulator->world->config.frame_stack;
    uint8_t *obs = simulator->obs + (size_t)episode * stack * pixels;
    esp_status status = esp_observe(simulator->renderer, simulator->data[episode], state == 0, obs);
    uint8_t *frames = simulator->out[episode].frames;
    if (status == ESP_OK && frames)
        memcpy(frames + (size_t)state * pixels, obs + (size_t)(stack - 1) * pixels, pixels);
    return status;
}

/* Nobody acts on the last frame of an episode, so it is drawn only for who wants it. */
static esp_status record(esp_simulator *simulator, int state)
{
    bool last = state == simulator->world->num_steps;
    esp_status status = ESP_OK;
    for (int i = 0; i < simulator->n && status == ESP_OK; i++) {
        record_state(simulator, i, state);
        if (simulator->renderer && (!last || simulator->out[i].frames)) status = record_frame(simulator, i, state);
    }
    return status;
}

/* ---- one control step --------------------------------------------------------------------------- */

void esp_world_start(const esp_world *world, const esp_episode *episode, mjData *data)
{
    esp_rng rng = esp_rng_make(episode->seed, ESP_RNG_START, episode->index);
    mj_resetData(world->model, data);
    world->task->reset(world->model, data, (esp_start)episode->start, &rng);
    mj_forward(world->model, data);
}

/* MuJoCo answers numbers it cannot integrate by resetting the state before its next step, which
 * would silently start another episode in the middle of this one. */
static bool diverged(const mjModel *model, const mjData *data)
{
    bool reset = data->warning[mjWARN_BADQPOS].number || data->warning[mjWARN_BADQVEL].number ||
                 data->warning[mjWARN_BADQACC].number;
    for (int i = 0; i < model->nq && !reset; i++) reset = !isfinite(data->qpos[i]);
    for (int i = 0; i < model->nv && !reset; i++) reset = !isfinite(data->qvel[i]);
    return reset;
}

esp_status esp_world_step(const esp_world *world, mjData *data, double *sum)
{
    double time = data->time;
    mj_step(world->model, data);
    if (diverged(world->model, data))
        return esp_fail(ESP_ERR_NUMERIC, "%s: the simulation is unstable at %.3g s", world->scene, time);
    *sum += world->task->reward(world->model, data, (esp_reward_kind)world->config.reward);
    return ESP_OK;
}

static esp_status start(void *argument)
{
    esp_simulator *simulator = argument;
    for (int i = 0; i < simulator->n; i++) {
        esp_world_start(simulator->world, &simulator->episodes[i], simulator->data[i]);
        simulator->out[i].episode_return = 0.0;
        simulator->out[i].settled = simulator->world->num_steps;
    }
    return ESP_OK;
}

/* [-1, 1] becomes the actuator's range in its own unit; one without a range takes it as it is. */
esp_status esp_actuate(const mjModel *model, float *action, mjtNum *ctrl)
{
    for (int k = 0; k < model->nu; k++) {
        if (isnan(action[k])) return esp_fail(ESP_ERR_NUMERIC, "action %d is not a number", k);
        action[k] = fminf(1.0f, fmaxf(-1.0f, action[k]));
        const mjtNum *range = model->actuator_ctrlrange + 2 * k;
        bool limited = model->actuator_ctrllimited[k];
        ctrl[k] = limited ? 0.5 * (range[0] + range[1]) + 0.5 * (range[1] - range[0]) * action[k] : action[k];
    }
    return ESP_OK;
}

static esp_status apply_actions(esp_simulator *simulator)
{
    const esp_world *world = simulator->world;
    esp_status status = ESP_OK;
    for (int i = 0; i < simulator->n && status == ESP_OK; i++) {
        status = esp_actuate(world->model, simulator->actions + i * world->num_actions, simulator->data[i]->ctrl);
        if (status != ESP_OK) esp_fail_in(status, "control step %d of episode %d", simulator->step, i);
    }
    return status;
}

static esp_status advance(void *argument)
{
    esp_simulator *simulator = argument;
    const esp_world *world = simulator->world;
    for (int i = 0; i < simulator->n; i++) {
        mjData *data = simulator->data[i];
        const float *action = simulator->actions + i * world->num_actions;
        esp_trajectory *out = &simulator->out[i];
        double reward = 0.0;
        for (int repeat = 0; repeat < world->config.action_repeat; repeat++) {
            esp_status status = esp_world_step(world, data, &reward);
            if (status != ESP_OK) return status;
        }
        out->episode_return += reward;
        if (out->rewards) out->rewards[simulator->step] = (float)reward;
        if (out->actions)
            memcpy(out->actions + simulator->step * world->num_actions, action,
                   (size_t)world->num_actions * sizeof *action);
    }
    return ESP_OK;
}

static esp_status play(esp_simulator *simulator, esp_act_fn act, void *context)
{
    esp_status status = esp_guard(start, simulator, ESP_ERR_NUMERIC);
    if (status == ESP_OK) status = record(simulator, 0);
    for (int step = 0; step < simulator->world->num_steps && status == ESP_OK; step++) {
        simulator->step = step;
        status = esp_check_interrupt();
        if (status == ESP_OK) status = act(context, simulator->n, step, simulator->obs, simulator->actions);
        if (status == ESP_OK) status = apply_actions(simulator);
        if (status == ESP_OK) status = esp_guard(advance, simulator, ESP_ERR_NUMERIC);
        if (status == ESP_OK) status = record(simulator, step + 1);
    }
    return status;
}

esp_status esp_rollout(esp_simulator *simulator, const esp_episode *episodes, int n,
                       esp_act_fn act, void *context, esp_trajectory *out)
{
    if (n < 0 || n > simulator->capacity)
        return esp_fail(ESP_ERR_SHAPE, "%d episodes at once, the simulator holds %d", n, simulator->capacity);
    simulator->episodes = episodes;
    simulator->out = out;
    simulator->n = n;
    return play(simulator, act, context);
}

/* ---- the pool ----------------------------------------------------------------------------------- */

/* A list, since the number of threads of later parallel regions is not known here. */
typedef struct slot {
    int            thread;
    esp_simulator *simulator;
    struct slot   *next;
} slot;

struct esp_pool {
    const esp_world *world; /* borrowed */
    int              capacity;
    bool             render;
    omp_lock_t       lock;
    slot            *slots;
};

esp_pool *esp_pool_create(const esp_world *world, int capacity, bool render)
{
    esp_pool *pool = esp_alloc(1, sizeof *pool);
    *pool = (esp_pool){.world = world, .capacity = capacity, .render = render};
    omp_init_lock(&pool->lock);
    return pool;
}

void esp_pool_free(esp_pool *pool)
{
    if (!pool) return;
    while (pool->slots) {
        slot *first = pool->slots;
        pool->slots = first->next;
        esp_simulator_free(first->simulator);
        free(first);
    }
    omp_destroy_lock(&pool->lock);
    free(pool);
}

static esp_status find_or_create(esp_pool *pool, int thread, esp_simulator **out)
{
    for (const slot *s = pool->slots; s; s = s->next)
        if (s->thread == thread) {
            *out = s->simulator;
            return ESP_OK;
        }
    esp_status status = esp_simulator_create(pool->world, pool->capacity, pool->render, out);
    if (status != ESP_OK) return status;
    slot *added = esp_alloc(1, sizeof *added);
    *added = (slot){thread, *out, pool->slots};
    pool->slots = added;
    return ESP_OK;
}

esp_status esp_pool_simulator(esp_pool *pool, esp_simulator **out)
{
    omp_set_lock(&pool->lock);
    esp_status status = find_or_create(pool, omp_get_thread_num(), out);
    omp_unset_lock(&pool->lock);
    return status;
}
