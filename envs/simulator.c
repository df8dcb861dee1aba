/* The one acting interface: n episodes in lockstep that observe, act and step. One call of the controller serves all
 * of them, so its matrix products are large; nothing is allocated while they play. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "envs/envs_internal.h"

struct esp_simulator {
    const esp_world *world;     /* borrowed */
    int              capacity, n;
    esp_play        *play;      /* [capacity], owned like everything below */
    esp_renderer   **renderer;  /* [num_items]; NULL for floats and without pixels */
    void           **item;      /* [num_items], each [capacity, history, size]; NULL for pixels that are not drawn */
    esp_observation  obs;       /* points to the arrays of `item` */
    double          *numbers;   /* of the widest item of floats, one moment */
    void            *program;   /* the task's, for all episodes; NULL: it has none */
    float           *actions;   /* [capacity, num_actions] */
    int              count;     /* physics steps of the present call */
};

/* ---- create ----------------------------------------------------------------------------------- */

static esp_status make_data(void *argument)
{
    esp_simulator *simulator = argument;
    for (int i = 0; i < simulator->capacity; i++) {
        simulator->play[i].data = mj_makeData(simulator->world->model);
        if (!simulator->play[i].data)
            return esp_fail(ESP_ERR_MACHINE, "no memory for %d simulations", simulator->capacity);
    }
    return ESP_OK;
}

static size_t moment_bytes(const esp_obs_item *item)
{
    return esp_obs_item_size(item) * (item->kind == ESP_ITEM_FLOATS ? sizeof(float) : 1);
}

static esp_status open_program(void *argument)
{
    esp_simulator *simulator = argument;
    const esp_world *world = simulator->world;
    if (!world->task->open) return ESP_OK;
    esp_status status = world->task->open(world->task, world->model, &simulator->program);
    for (int i = 0; i < simulator->capacity; i++) simulator->play[i].program = simulator->program;
    return status;
}

static size_t widest_item(const esp_world *world)
{
    size_t widest = 1;
    for (int k = 0; k < world->num_items; k++)
        if (world->item[k].kind == ESP_ITEM_FLOATS && esp_obs_item_size(&world->item[k]) > widest)
            widest = esp_obs_item_size(&world->item[k]);
    return widest;
}

static esp_status make_items(esp_simulator *simulator, bool render)
{
    const esp_world *world = simulator->world;
    esp_status status = ESP_OK;
    for (int k = 0; k < world->num_items && status == ESP_OK; k++) {
        const esp_obs_item *item = &world->item[k];
        if (item->kind == ESP_ITEM_PIXELS && !render) continue;
        simulator->item[k] = esp_alloc((size_t)simulator->capacity * (size_t)item->history, moment_bytes(item));
        if (item->kind == ESP_ITEM_PIXELS) status = esp_renderer_create(world, k, &simulator->renderer[k]);
    }
    return status;
}

esp_status esp_simulator_create(const esp_world *world, int capacity, bool render, esp_simulator **out)
{
    if (capacity < 1) return esp_fail(ESP_ERR_RANGE, "a simulator for %d episodes, expected at least 1", capacity);
    esp_simulator *simulator = esp_alloc(1, sizeof *simulator);
    size_t items = (size_t)world->num_items, actions = (size_t)world->num_actions;
    simulator->world = world;
    simulator->capacity = capacity;
    simulator->play = esp_alloc((size_t)capacity, sizeof *simulator->play);
    simulator->renderer = esp_alloc(items, sizeof *simulator->renderer);
    simulator->item = esp_alloc(items, sizeof *simulator->item);
    simulator->obs = (esp_observation){world->num_items, (const void *const *)simulator->item};
    simulator->actions = esp_alloc((size_t)capacity * actions, sizeof *simulator->actions);
    simulator->numbers = esp_alloc(widest_item(world), sizeof *simulator->numbers);
    for (int i = 0; i < capacity; i++) {
        simulator->play[i].action = esp_alloc(actions, sizeof(float));
        simulator->play[i].command = esp_alloc((size_t)world->task->about.num_commands + 1, sizeof(float));
        simulator->play[i].before = esp_alloc((size_t)world->model->nq + 1, sizeof(mjtNum));
        simulator->play[i].noted = esp_alloc(ESP_TASK_NOTED, sizeof(double));
    }
    esp_status status = esp_guard(make_data, simulator, ESP_ERR_MACHINE);
    if (status == ESP_OK) status = esp_guard(open_program, simulator, ESP_ERR_FORMAT);
    if (status == ESP_OK) status = make_items(simulator, render);
    if (status == ESP_OK) *out = simulator;
    else                  esp_simulator_free(simulator);
    return status;
}

static void free_play(esp_play *play)
{
    if (play->data) mj_deleteData(play->data);
    free(play->action);
    free(play->command);
    free(play->before);
    free(play->noted);
}

void esp_simulator_free(esp_simulator *simulator)
{
    if (!simulator) return;
    for (int i = 0; i < simulator->capacity; i++) free_play(&simulator->play[i]);
    for (int k = 0; k < simulator->world->num_items; k++) {
        esp_renderer_free(simulator->renderer[k]);
        free(simulator->item[k]);
    }
    free(simulator->play);
    free(simulator->renderer);
    free(simulator->item);
    if (simulator->program) simulator->world->task->close(simulator->program);
    free(simulator->actions);
    free(simulator->numbers);
    free(simulator);
}

esp_play *esp_simulator_play(esp_simulator *simulator, int episode)
{
    return &simulator->play[episode];
}

const esp_world *esp_simulator_world(const esp_simulator *simulator)
{
    return simulator->world;
}

const esp_observation *esp_simulator_observation(const esp_simulator *simulator)
{
    return &simulator->obs;
}

/* ---- begin -------------------------------------------------------------------------------------- */

static void forget(const esp_world *world, const esp_episode *name, esp_play *play)
{
    play->name = *name;
    play->physics_steps = play->steps = 0;
    play->reward = play->last_reward = play->episode_return = 0.0;
    play->variation = play->error = 0.0;
    play->saturated = 0;
    play->ended = play->halfway = false;
    play->ending = ESP_ENDING_NONE;
    play->fresh = true;
    memset(play->action, 0, (size_t)world->num_actions * sizeof *play->action);
    memset(play->command, 0, (size_t)world->task->about.num_commands * sizeof *play->command);
}

/* The first moment of an episode also begins its first control step. */
static void note_start(const esp_world *world, esp_play *play)
{
    play->began = play->data->time;
    memcpy(play->before, play->data->qpos, (size_t)world->model->nq * sizeof *play->before);
    if (world->task->note) world->task->note(world->task, world->model, play);
}

static esp_status start(void *argument)
{
    esp_simulator *simulator = argument;
    const esp_world *world = simulator->world;
    esp_status status = ESP_OK;
    for (int i = 0; i < simulator->n && status == ESP_OK; i++) {
        esp_play *play = &simulator->play[i];
        esp_rng rng = esp_rng_make(play->name.seed, ESP_RNG_START, play->name.index);
        mj_resetData(world->model, play->data);
        status = world->task->reset(world->task, world->model, play, &rng);
        mj_forward(world->model, play->data);
        play->halfway = true;
        note_start(world, play);
    }
    return status;
}

esp_status esp_simulator_begin(esp_simulator *simulator, const esp_episode *episodes, int n)
{
    if (n < 0 || n > simulator->capacity)
        return esp_fail(ESP_ERR_SHAPE, "%d episodes at once, the simulator holds %d", n, simulator->capacity);
    simulator->n = n;
    for (int i = 0; i < n; i++) forget(simulator->world, &episodes[i], &simulator->play[i]);
    return esp_guard(start, simulator, ESP_ERR_NUMERIC);
}

void esp_simulator_join(esp_simulator *simulator, const esp_episode *episode)
{
    simulator->n = 1;
    forget(simulator->world, episode, &simulator->play[0]);
    note_start(simulator->world, &simulator->play[0]);
}

void esp_simulator_copy(esp_simulator *to, const esp_simulator *from)
{
    const esp_world *world = from->world;
    to->n = from->n;
    for (int k = 0; k < world->num_items; k++)
        if (from->item[k] && to->item[k])
            memcpy(to->item[k], from->item[k],
                   (size_t)from->capacity * (size_t)world->item[k].history * moment_bytes(&world->item[k]));
    for (int i = 0; i < from->n; i++) {
        esp_play own = to->play[i];
        to->play[i] = from->play[i];
        to->play[i].data = own.data;
        to->play[i].action = memcpy(own.action, from->play[i].action, (size_t)world->num_actions * sizeof(float));
        to->play[i].command =
            memcpy(own.command, from->play[i].command, (size_t)world->task->about.num_commands * sizeof(float));
        to->play[i].program = own.program;
        to->play[i].noted = memcpy(own.noted, from->play[i].noted, ESP_TASK_NOTED * sizeof(double));
        to->play[i].before = memcpy(own.before, from->play[i].before, (size_t)world->model->nq * sizeof(mjtNum));
    }
}

/* ---- observe ------------------------------------------------------------------------------------ */

/* Start of the history of an item, of one episode. */
static char *history_of(const esp_simulator *simulator, int episode, int k)
{
    const esp_obs_item *item = &simulator->world->item[k];
    return (char *)simulator->item[k] + (size_t)episode * (size_t)item->history * moment_bytes(item);
}

const void *esp_simulator_newest(const esp_simulator *simulator, int episode, int k)
{
    const esp_obs_item *item = &simulator->world->item[k];
    return history_of(simulator, episode, k) + (size_t)(item->history - 1) * moment_bytes(item);
}

/* The task gives doubles, a controller gets floats. */
static void observe_numbers(const esp_simulator *simulator, const esp_play *play, int k, float *out)
{
    const esp_world *world = simulator->world;
    size_t size = esp_obs_item_size(&world->item[k]);
    world->task->observe(world->task, world->model, play, k, simulator->numbers);
    for (size_t i = 0; i < size; i++) out[i] = (float)simulator->numbers[i];
}

static esp_status observe_item(esp_simulator *simulator, int episode, int k)
{
    const esp_world *world = simulator->world;
    esp_play *play = &simulator->play[episode];
    size_t bytes = moment_bytes(&world->item[k]), older = (size_t)(world->item[k].history - 1) * bytes;
    char *moments = history_of(simulator, episode, k), *newest = moments + older;
    esp_status status = ESP_OK;
    memmove(moments, moments + bytes, older);
    if (simulator->renderer[k]) status = esp_renderer_frame(simulator->renderer[k], play->data, (uint8_t *)newest);
    else                        observe_numbers(simulator, play, k, (float *)newest);
    if (status == ESP_OK && play->fresh)
        for (size_t at = 0; at < older; at += bytes) memcpy(moments + at, newest, bytes);
    return status;
}

esp_status esp_simulator_observe_one(esp_simulator *simulator, int episode)
{
    esp_status status = ESP_OK;
    for (int k = 0; k < simulator->world->num_items && status == ESP_OK; k++)
        if (simulator->item[k]) status = observe_item(simulator, episode, k);
    simulator->play[episode].fresh = false;
    return status;
}

esp_status esp_simulator_observe(esp_simulator *simulator)
{
    esp_status status = ESP_OK;
    for (int i = 0; i < simulator->n && status == ESP_OK; i++)
        if (!simulator->play[i].ended) status = esp_simulator_observe_one(simulator, i);
    return status;
}

/* ---- act ---------------------------------------------------------------------------------------- */

static double clip(double value, double low, double high)
{
    return fmin(high, fmax(low, value));
}

/* Keeps what esp_behaviour says about outputs, before one replaces the last; nothing changes at the first step. */
static void note_output(const esp_actuation *a, float output, float last, esp_play *play)
{
    double near = 0.01 * 0.5 * (a->high - a->low); /* infinite for an actuator without a range */
    if (play->steps > 0) play->variation += fabs((double)output - (double)last);
    if (isfinite(near)) play->saturated += output >= a->high - near || output <= a->low + near;
}

static esp_status actuate(const esp_world *world, const float *action, esp_play *play)
{
    for (int k = 0; k < world->num_actions; k++) {
        const esp_actuation *a = &world->actuation[k];
        if (isnan(action[k])) return esp_fail(ESP_ERR_NUMERIC, "action %d is not a number", k);
        float output = (float)clip(action[k], a->low, a->high);
        note_output(a, output, play->action[k], play);
        play->action[k] = output;
        play->data->ctrl[k] = clip(a->offset + a->scale * play->action[k], a->control_low, a->control_high);
    }
    return ESP_OK;
}

static int step_of(const esp_simulator *simulator)
{
    int step = 0;
    for (int i = 0; i < simulator->n; i++)
        if (simulator->play[i].steps > step) step = simulator->play[i].steps;
    return step;
}

esp_status esp_simulator_act(esp_simulator *simulator, esp_act_fn act, void *context)
{
    const esp_world *world = simulator->world;
    int step = step_of(simulator);
    esp_status status = act(context, simulator->n, step, &simulator->obs, simulator->actions);
    for (int i = 0; i < simulator->n && status == ESP_OK; i++) {
        esp_play *play = &simulator->play[i];
        if (play->ended) continue;
        memcpy(play->before, play->data->qpos, (size_t)world->model->nq * sizeof *play->before);
        if (world->task->note) world->task->note(world->task, world->model, play);
        status = actuate(world, simulator->actions + i * world->num_actions, play);
        if (status != ESP_OK) esp_fail_in(status, "control step %d of episode %d", step, i);
    }
    return status;
}

/* ---- step --------------------------------------------------------------------------------------- */

/* When MuJoCo meets numbers that it cannot integrate, it resets the state before its next step, which would silently
 * start another episode in the middle of this one. */
static bool diverged(const mjModel *model, const mjData *data)
{
    bool reset = data->warning[mjWARN_BADQPOS].number || data->warning[mjWARN_BADQVEL].number ||
                 data->warning[mjWARN_BADQACC].number;
    for (int i = 0; i < model->nq && !reset; i++) reset = !isfinite(data->qpos[i]);
    for (int i = 0; i < model->nv && !reset; i++) reset = !isfinite(data->qvel[i]);
    return reset;
}

/* Distance from the goal; 0 when the task does not measure it. */
static double distance(const esp_world *world, const esp_play *play)
{
    const esp_task *task = world->task;
    const esp_task_quantity *error = esp_task_error(task);
    return error ? fabs(task->quantity(task, world->model, play, (int)(error - task->about.quantities))) : 0.0;
}

static void end(esp_play *play, int ending)
{
    play->ended = true;
    play->ending = ending;
}

static void finish_control(const esp_world *world, esp_play *play)
{
    play->steps++;
    if (play->steps > esp_world_steady_from(world)) play->error += distance(world, play);
    play->episode_return += play->reward;
    play->last_reward = play->reward;
    play->reward = 0.0;
    if (play->steps == world->num_steps) end(play, ESP_ENDING_TIME);
}

/* After a step what MuJoCo derives from the state (positions of bodies, sensors) is that of the state before. With
 * `refresh` a step ends with the first half of the next one instead, which costs nothing: the same work in another
 * order. Runge-Kutta has no halves, and repeats the first part. */
static void step_physics(const esp_world *world, esp_play *play, bool last)
{
    const mjModel *model = world->model;
    bool halves = model->opt.integrator != mjINT_RK4;
    if (halves && world->task->about.refresh && play->halfway) mj_step2(model, play->data);
    else                                                       mj_step(model, play->data);
    play->halfway = world->task->about.refresh && last;
    if (play->halfway) mj_step1(model, play->data);
}

/* Names the first term that is not finite, and the state. */
static esp_status refuse_reward(const esp_world *world, const esp_play *play, double reward)
{
    const esp_task *task = world->task;
    const mjModel *model = world->model;
    char what[128], state[512] = "";
    int count = task->terms && task->about.terms ? esp_names_count(task->about.terms) : 0;
    esp_format(what, sizeof what, "reward '%s' is %g", task->about.rewards[world->reward], reward);
    double *terms = esp_alloc((size_t)count + 1, sizeof *terms);
    if (count > 0) task->terms(task, model, play, terms);
    for (int i = count - 1; i >= 0; i--)
        if (!isfinite(terms[i]))
            esp_format(what, sizeof what, "term '%s' of the reward is %g", task->about.terms[i], terms[i]);
    free(terms);
    for (int i = 0; i < (int)(model->nq + model->nv) && i < 24; i++) {
        double x = i < (int)model->nq ? play->data->qpos[i] : play->data->qvel[i - model->nq];
        size_t used = strlen(state);
        esp_format(state + used, sizeof state - used, "%s%.6g", i == (int)model->nq ? "; qvel " : i > 0 ? " " : "", x);
    }
    return esp_fail(ESP_ERR_NUMERIC, "task '%s': %s in control step %d, at %.4g s, with qpos %s%s", task->about.name,
                    what, play->steps + 1, play->data->time - play->began, state,
                    model->nq + model->nv > 24 ? " ..." : "");
}

static esp_status collect_reward(const esp_world *world, esp_play *play)
{
    double reward = esp_world_reward(world, world->model, play);
    if (!isfinite(reward)) return refuse_reward(world, play, reward);
    play->reward += reward;
    return ESP_OK;
}

/* The rest of an episode that cannot be integrated is not played. */
static void end_diverged(const esp_world *world, esp_play *play, double time)
{
    static atomic_bool told;
    if (!atomic_exchange(&told, true))
        esp_log(ESP_LOG_WARNING, "%s: the simulation is unstable at %.3g s: the episode ends there", world->scene,
                time);
    finish_control(world, play);
    end(play, ESP_ENDING_DIVERGED);
}

static esp_status step_once(const esp_world *world, esp_play *play)
{
    const esp_task *task = world->task;
    double time = play->data->time;
    bool whole = (play->physics_steps + 1) % world->substeps == 0;
    bool finished = (play->physics_steps + 1) % world->repeat == 0;
    if (task->note && play->physics_steps % world->substeps == 0) task->note(task, world->model, play);
    step_physics(world, play, whole || finished || !task->about.reward_per_step);
    play->physics_steps++;
    if (diverged(world->model, play->data)) {
        end_diverged(world, play, time);
        return ESP_OK;
    }
    bool rewarded = !task->about.reward_per_step || whole;
    esp_status status = rewarded ? collect_reward(world, play) : ESP_OK;
    if (status != ESP_OK) return status;
    if (finished) finish_control(world, play);
    int ending = task->done && (whole || finished) ? task->done(task, world->model, play) : 0;
    if (ending && !finished) finish_control(world, play);
    if (ending) end(play, ending);
    return ESP_OK;
}

static esp_status step_all(void *argument)
{
    esp_simulator *simulator = argument;
    esp_status status = ESP_OK;
    for (int i = 0; i < simulator->n; i++)
        for (int k = 0; k < simulator->count && status == ESP_OK && !simulator->play[i].ended; k++)
            status = step_once(simulator->world, &simulator->play[i]);
    return status;
}

esp_status esp_simulator_step(esp_simulator *simulator, int count)
{
    simulator->count = count;
    return esp_guard(step_all, simulator, ESP_ERR_NUMERIC);
}
