/* When to act: finds the starts of physics steps among all evaluations of the dynamics, counts them
 * into control steps and episodes, and keeps the books.
 *
 * MuJoCo evaluates the dynamics also in the middle of a step (Runge-Kutta), around one (finite
 * differences) and as often as the host likes at a standstill; a control is due after so many steps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/plugin_internal.h"

struct esp_core {
    esp_plugin_settings settings;  /* owned */
    esp_pilot          *pilot;     /* owned */
    esp_plugin_log     *log;       /* owned; NULL: none */
    bool                failed;    /* told; the control stays zero */
    int                 nq, nv, nu;
    mjtNum             *control;   /* [nu] held */

    /* The last start of a step. */
    bool    started;               /* there was one */
    size_t  stack;                 /* MuJoCo's stack in use then: inside a step it is higher */
    double  time, timestep;        /* s */
    mjtNum *state;                 /* [nq + nv] */

    esp_episode episode;
    int64_t     steps;             /* of this episode */
    int         held;              /* steps under the present control */
    double      reward;            /* of these steps */
    double      episode_return;    /* of the completed control steps */

    int         decisions;         /* until their speed is known */
    double      deciding;          /* s, of the timed ones */
};

/* A log that cannot be written is no reason to stop acting. */
static void act_without_log(esp_core *core, const mjModel *model)
{
    char sentence[ESP_ERROR_TEXT];
    esp_format(sentence, sizeof sentence, "acting without a log: %s", esp_error_text());
    esp_plugin_complain(model, sentence);
    esp_plugin_log_close(core->log);
    core->log = NULL;
}

/* ---- create -------------------------------------------------------------------------------------- */

esp_status esp_core_create(const mjModel *model, esp_plugin_settings *settings, esp_core **out)
{
    esp_core *core = esp_alloc(1, sizeof *core);
    core->settings = *settings;
    *settings = (esp_plugin_settings){.checkpoint = NULL};
    esp_plugin_listen();
    esp_callback_install(); /* before the pilot compiles the agent's scene, which evaluates the dynamics once */
    esp_status status = esp_pilot_create(model, &core->settings, &core->pilot);
    if (status != ESP_OK) {
        esp_core_free(core);
        return status;
    }
    core->nq = (int)model->nq;
    core->nv = (int)model->nv;
    core->nu = (int)model->nu;
    core->control = esp_alloc((size_t)core->nu, sizeof *core->control);
    core->state = esp_alloc((size_t)(core->nq + core->nv), sizeof *core->state);
    core->episode.seed = core->settings.seed;
    if (core->settings.log && esp_plugin_log_open(core->settings.log, &core->log) != ESP_OK)
        act_without_log(core, model);
    *out = core;
    return ESP_OK;
}

void esp_core_free(esp_core *core)
{
    if (!core) return;
    esp_pilot_free(core->pilot);
    esp_plugin_log_close(core->log);
    esp_plugin_settings_free(&core->settings);
    free(core->control);
    free(core->state);
    free(core);
}

void esp_core_restart(esp_core *core)
{
    core->started = false;
}

void esp_core_copy(esp_core *to, const esp_core *from)
{
    esp_core kept = *to;
    *to = *from;
    to->settings = kept.settings;
    to->pilot = kept.pilot;
    to->log = kept.log;
    to->control = kept.control;
    to->state = kept.state;
    memcpy(to->control, from->control, (size_t)from->nu * sizeof *to->control);
    memcpy(to->state, from->state, (size_t)(from->nq + from->nv) * sizeof *to->state);
    esp_pilot_copy(to->pilot, from->pilot);
}

/* ---- the log --------------------------------------------------------------------------------------- */

static cJSON *numbers(const mjtNum *values, int count)
{
    cJSON *array = cJSON_CreateArray();
    for (int i = 0; i < count; i++) cJSON_AddItemToArray(array, cJSON_CreateNumber((double)values[i]));
    return array;
}

/* The state, the control chosen in it, the reward of the control step before it, the return so far. */
static esp_status write_log(const esp_core *core, const mjData *data, double reward)
{
    if (!core->log) return ESP_OK;
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "time", data->time);
    cJSON_AddItemToObject(line, "qpos", numbers(data->qpos, core->nq));
    cJSON_AddItemToObject(line, "ctrl", numbers(core->control, core->nu));
    cJSON_AddNumberToObject(line, "reward", reward);
    cJSON_AddNumberToObject(line, "return", core->episode_return);
    esp_status status = esp_plugin_log_append(core->log, line);
    cJSON_Delete(line);
    return status;
}

/* ---- time ------------------------------------------------------------------------------------------ */

typedef enum {
    INSIDE,    /* a step: its control holds */
    AGAIN,     /* the same start of a step */
    NEXT,      /* the step that follows */
    ELSEWHERE  /* a state no step led to */
} moment;

static bool same_state(const esp_core *core, const mjData *data)
{
    return memcmp(core->state, data->qpos, (size_t)core->nq * sizeof(mjtNum)) == 0 &&
           memcmp(core->state + core->nq, data->qvel, (size_t)core->nv * sizeof(mjtNum)) == 0;
}

/* Runge-Kutta and finite differences keep their own numbers on MuJoCo's stack while they evaluate the
 * dynamics, which tells their states from those of the simulation. */
static moment find_moment(const esp_core *core, const mjData *data)
{
    if (!core->started) return ELSEWHERE;
    if ((size_t)data->pstack > core->stack) return INSIDE;
    double elapsed = data->time - core->time;
    if (elapsed == 0.0) return same_state(core, data) ? AGAIN : ELSEWHERE;
    return fabs(elapsed - core->timestep) <= 1e-6 * core->timestep ? NEXT : ELSEWHERE;
}

static void remember(esp_core *core, const mjModel *model, const mjData *data)
{
    core->started = true;
    core->stack = (size_t)data->pstack;
    core->time = data->time;
    core->timestep = model->opt.timestep;
    memcpy(core->state, data->qpos, (size_t)core->nq * sizeof(mjtNum));
    memcpy(core->state + core->nq, data->qvel, (size_t)core->nv * sizeof(mjtNum));
}

static double control_period(const esp_core *core)
{
    return core->settings.period > 0.0 ? core->settings.period : esp_world_period(esp_pilot_world(core->pilot));
}

/* Physics steps a control is held; a host may change the time step as it runs. */
static double steps_per_control(const esp_core *core, const mjModel *model)
{
    return fmax(1.0, round(control_period(core) / model->opt.timestep));
}

/* ---- speed ----------------------------------------------------------------------------------------- */

#define TIMED 10 /* decisions, after a first one that warms up */

/* A host that should run in real time falls behind with a controller that is slower than its period. Said once. */
static void watch_speed(esp_core *core, const mjModel *model, double seconds)
{
    if (core->decisions > TIMED || core->decisions++ == 0) return;
    core->deciding += seconds;
    double mean = core->deciding / TIMED, period = steps_per_control(core, model) * model->opt.timestep;
    if (core->decisions <= TIMED || mean <= period) return;
    char sentence[ESP_ERROR_TEXT];
    esp_format(sentence, sizeof sentence, "an action takes %.3g ms, but one is due every %.3g ms: "
                 "the simulation cannot run in real time", 1e3 * mean, 1e3 * period);
    esp_plugin_complain(model, sentence);
}

/* ---- acting ---------------------------------------------------------------------------------------- */

static void decide(esp_core *core, const mjModel *model, const mjData *data, const esp_episode *begin)
{
    double reward = core->reward;
    core->episode_return += reward;
    core->reward = 0.0;
    core->held = 0;
    double start = esp_clock();
    esp_status status = esp_pilot_decide(core->pilot, data, begin, core->control);
    watch_speed(core, model, esp_clock() - start);
    if (status == ESP_OK) {
        if (write_log(core, data, reward) != ESP_OK) act_without_log(core, model);
    } else {
        core->failed = true;
        memset(core->control, 0, (size_t)core->nu * sizeof *core->control);
        esp_plugin_complain(model, esp_error_text());
    }
}

/* An episode that no step was made in was a look at the state before it was set up. */
static void begin_episode(esp_core *core, const mjModel *model, const mjData *data)
{
    if (core->steps > 0) core->episode.index++;
    core->steps = 0;
    core->reward = 0.0;
    core->episode_return = 0.0;
    decide(core, model, data, &core->episode);
}

/* The reward of a step is that of the state it led to. */
static void count_step(esp_core *core, const mjModel *model, mjData *data)
{
    core->reward += esp_pilot_reward(core->pilot, model, data);
    core->steps++;
    core->held++;
    if (core->held >= steps_per_control(core, model)) decide(core, model, data, NULL);
}

static void hold(const esp_core *core, mjData *data)
{
    memcpy(data->ctrl, core->control, (size_t)core->nu * sizeof *data->ctrl);
}

void esp_core_control(esp_core *core, const mjModel *model, mjData *data)
{
    hold(core, data); /* first of all: a reward may look at the control */
    if (core->failed) return;
    moment now = find_moment(core, data);
    if (now == INSIDE || now == AGAIN) return;
    if (now == NEXT) count_step(core, model, data);
    else             begin_episode(core, model, data);
    remember(core, model, data);
    hold(core, data);
}
