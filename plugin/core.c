/* When to act: finds the starts of physics steps among all evaluations of the dynamics, counts them into control
 * steps and episodes, and keeps the sums of rewards.
 *
 * MuJoCo also evaluates the dynamics in the middle of a step (Runge-Kutta), around one (finite differences), and
 * while the simulation is paused, as often as the host likes; a control is due after a fixed number of steps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/plugin_internal.h"

struct esp_core {
    esp_plugin_settings settings;  /* owned */
    esp_pilot          *pilot;     /* owned */
    esp_plugin_log     *log;       /* owned; NULL: no log */
    bool                failed;    /* reported; the control stays zero */
    int                 nq, nv, nu;
    mjtNum             *control;   /* [nu] control that is held */

    /* The last start of a step. */
    bool    started;               /* whether there was one */
    size_t  stack;                 /* use of MuJoCo's stack at that time: inside a step it is higher */
    double  time, timestep;        /* s */
    mjtNum *state;                 /* [nq + nv] */

    esp_episode episode;
    int64_t     steps;             /* steps of this episode */
    int         held;              /* steps with the present control */
    double      reward;            /* sum of rewards over these steps */
    double      episode_return;    /* sum over the completed control steps */

    int         decisions;         /* decisions so far, until their speed is known */
    double      deciding;          /* time of those that are timed, s */
};

/* A log that cannot be written is not a reason to stop acting. */
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
    INSIDE,    /* inside a step: its control holds */
    AGAIN,     /* the same start of a step again */
    NEXT,      /* the next step */
    ELSEWHERE  /* a state that was not reached by a step */
} moment;

static bool same_state(const esp_core *core, const mjData *data)
{
    return memcmp(core->state, data->qpos, (size_t)core->nq * sizeof(mjtNum)) == 0 &&
           memcmp(core->state + core->nq, data->qvel, (size_t)core->nv * sizeof(mjtNum)) == 0;
}

/* Runge-Kutta and finite differences keep their numbers on MuJoCo's stack while they evaluate the dynamics, which
 * distinguishes their states from those of the simulation. */
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

/* Physics steps for which a control is held; a host may change the time step while it runs. */
static double steps_per_control(const esp_core *core, const mjModel *model)
{
    return fmax(1.0, round(control_period(core) / model->opt.timestep));
}

/* ---- speed ----------------------------------------------------------------------------------------- */

#define TIMED 10 /* timed decisions, after a first one that warms up */

/* With a controller that is slower than its period, a host that should run in real time falls behind. Reported
 * once. */
static void watch_speed(esp_core *core, const mjModel *model, double seconds)
{
    if (core->decisions > TIMED || core->decisions++ == 0) return;
    core->deciding += seconds;
    double mean = core->deciding / TIMED, period = steps_per_control(core, model) * model->opt.timestep;
    if (core->decisions <= TIMED || mean <= period) return;
    char sentence[ESP_ERROR_TEXT];
    esp_format(sentence, sizeof sentence, "%.3g ms per action, but one is due every %.3g ms: "
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

/* An episode without any step was only a look at the state before the host set it up. */
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
    hold(core, data); /* comes first, because a reward may depend on the control */
    if (core->failed) return;
    moment now = find_moment(core, data);
    if (now == INSIDE || now == AGAIN) return;
    if (now == NEXT) count_step(core, model, data);
    else             begin_episode(core, model, data);
    remember(core, model, data);
    hold(core, data);
}
