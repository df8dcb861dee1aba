/* Observes and acts: one thread that owns an EGL context, a copy of the model and the network.
 *
 * The caller hands over a state and waits; one lock guards the data that both share. Only the state is copied, so it
 * does not matter what the host does to its own data and OpenGL context meanwhile. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/plugin_internal.h"

typedef enum { IDLE, DECIDE, QUIT } request;

struct esp_pilot {
    /* Read by the thread while it starts; the creator waits for that. */
    const mjModel             *model;
    const esp_plugin_settings *settings;

    /* After that only used by the thread. */
    esp_agent_checkpoint agent;
    esp_world      *world;
    esp_simulator  *simulator;   /* plays one episode, whose state comes from the host */
    esp_play       *play;        /* borrowed from the simulator */
    void           *program;     /* the task's, for the host's model, whose elements may be numbered otherwise */
    esp_controller *controller;

    pthread_t       thread;
    pthread_mutex_t lock;        /* guards the members below, and those of the thread while it is idle */
    pthread_cond_t  asked, answered;
    request         request;
    bool            begins;      /* an episode begins with this state */
    esp_episode     episode;
    mjtNum         *control;     /* owned by the caller */
    esp_error       result;      /* of the start or the decision */
};

/* ---- on the thread ----------------------------------------------------------------------------- */

static esp_status open_eyes(esp_pilot *pilot)
{
    esp_status status = esp_world_adopt(&pilot->agent.config.env, pilot->model, &pilot->world);
    if (status != ESP_OK) return status;
    int outputs = pilot->agent.net->component[ESP_TOLD_POLICY].out_size;
    if (outputs != pilot->world->num_actions)
        return esp_fail(ESP_ERR_SHAPE, "%s: controls %d actuators, but the model has %d", pilot->settings->checkpoint,
                        outputs, pilot->world->num_actions);
    esp_status made = esp_simulator_create(pilot->world, 1, true, &pilot->simulator);
    if (made == ESP_OK) pilot->play = esp_simulator_play(pilot->simulator, 0);
    const esp_task *task = pilot->world->task;
    if (made == ESP_OK && task->open) made = task->open(task, pilot->model, &pilot->program);
    return made;
}

static esp_status choose_controller(esp_pilot *pilot)
{
    if (pilot->settings->controller >= 0) pilot->agent.controller = (esp_controller_kind)pilot->settings->controller;
    esp_status status = esp_controller_check(pilot->agent.net, pilot->agent.controller);
    return status == ESP_OK ? ESP_OK : esp_fail_in(status, "%s", pilot->settings->checkpoint);
}

static esp_status start(esp_pilot *pilot)
{
    esp_status status = esp_agent_checkpoint_read(pilot->settings->checkpoint, NULL, &pilot->agent);
    if (status == ESP_OK) status = choose_controller(pilot);
    if (status == ESP_OK) status = open_eyes(pilot);
    if (status != ESP_OK) return status;
    const esp_agent_config *config = &pilot->agent.config;
    esp_contract_check_scene(pilot->agent.metadata.contract, pilot->settings->checkpoint, &config->env);
    pilot->controller = esp_controller_create(pilot->agent.net, config, pilot->agent.controller,
                                              &config->planner.budget, 1);
    return ESP_OK;
}

static void stop(esp_pilot *pilot)
{
    esp_controller_free(pilot->controller);
    if (pilot->program) pilot->world->task->close(pilot->program);
    esp_simulator_free(pilot->simulator);
    esp_world_free(pilot->world);
    esp_agent_checkpoint_free(&pilot->agent);
}

static esp_status decide(esp_pilot *pilot)
{
    if (pilot->begins) {
        esp_controller_begin(pilot->controller, &pilot->episode, 1);
        esp_simulator_join(pilot->simulator, &pilot->episode);
    }
    esp_status status = esp_simulator_observe(pilot->simulator);
    if (status == ESP_OK) status = esp_simulator_act(pilot->simulator, esp_controller_act, pilot->controller);
    if (status == ESP_OK)
        memcpy(pilot->control, pilot->play->data->ctrl, (size_t)pilot->world->num_actions * sizeof *pilot->control);
    return status;
}

static void answer(esp_pilot *pilot, esp_status status)
{
    esp_error_take(&pilot->result, status);
    pilot->request = IDLE;
    pthread_cond_signal(&pilot->answered);
}

static void *fly(void *argument)
{
    esp_pilot *pilot = argument;
    esp_callback_leave_out_thread();
    pthread_mutex_lock(&pilot->lock);
    answer(pilot, start(pilot));
    while (pilot->request != QUIT) {
        pthread_cond_wait(&pilot->asked, &pilot->lock);
        if (pilot->request == DECIDE) answer(pilot, decide(pilot));
    }
    stop(pilot);
    pthread_mutex_unlock(&pilot->lock);
    return NULL;
}

/* ---- on the caller's thread --------------------------------------------------------------------- */

static esp_status await(esp_pilot *pilot)
{
    while (pilot->request == DECIDE) pthread_cond_wait(&pilot->answered, &pilot->lock);
    return pilot->result.status == ESP_OK ? ESP_OK : esp_error_raise(&pilot->result);
}

/* Blocks all signals: the host's handlers must not run on a thread that it does not know. */
static int create_thread(esp_pilot *pilot)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&pilot->thread, NULL, fly, pilot);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static void destroy(esp_pilot *pilot)
{
    pthread_cond_destroy(&pilot->asked);
    pthread_cond_destroy(&pilot->answered);
    pthread_mutex_destroy(&pilot->lock);
    free(pilot);
}

esp_status esp_pilot_create(const mjModel *model, const esp_plugin_settings *settings, esp_pilot **out)
{
    esp_pilot *pilot = esp_alloc(1, sizeof *pilot);
    pilot->model = model;
    pilot->settings = settings;
    pilot->request = DECIDE; /* the answer says whether it started */
    pthread_mutex_init(&pilot->lock, NULL);
    pthread_cond_init(&pilot->asked, NULL);
    pthread_cond_init(&pilot->answered, NULL);
    int code = create_thread(pilot);
    if (code != 0) {
        destroy(pilot);
        return esp_fail(ESP_ERR_MACHINE, "no thread to act on: %s", strerror(code));
    }
    pthread_mutex_lock(&pilot->lock);
    esp_status status = await(pilot);
    pthread_mutex_unlock(&pilot->lock);
    if (status == ESP_OK) *out = pilot;
    else                  esp_pilot_free(pilot);
    return status;
}

void esp_pilot_free(esp_pilot *pilot)
{
    if (!pilot) return;
    pthread_mutex_lock(&pilot->lock);
    pilot->request = QUIT;
    pthread_cond_signal(&pilot->asked);
    pthread_mutex_unlock(&pilot->lock);
    pthread_join(pilot->thread, NULL);
    destroy(pilot);
}

const esp_world *esp_pilot_world(const esp_pilot *pilot)
{
    return pilot->world;
}

/* Copies everything that an observation depends on. */
static void copy_state(const mjModel *model, const mjData *from, mjData *to)
{
    to->time = from->time;
    memcpy(to->qpos, from->qpos, (size_t)model->nq * sizeof *to->qpos);
    memcpy(to->qvel, from->qvel, (size_t)model->nv * sizeof *to->qvel);
    memcpy(to->act, from->act, (size_t)model->na * sizeof *to->act);
    memcpy(to->mocap_pos, from->mocap_pos, (size_t)model->nmocap * 3 * sizeof *to->mocap_pos);
    memcpy(to->mocap_quat, from->mocap_quat, (size_t)model->nmocap * 4 * sizeof *to->mocap_quat);
    memcpy(to->sensordata, from->sensordata, (size_t)model->nsensordata * sizeof *to->sensordata);
}

double esp_pilot_reward(esp_pilot *pilot, const mjModel *model, mjData *data)
{
    pthread_mutex_lock(&pilot->lock);
    esp_play play = *pilot->play;
    play.data = data;
    play.program = pilot->program;
    double reward = esp_world_reward(pilot->world, model, &play);
    pthread_mutex_unlock(&pilot->lock);
    return reward;
}

esp_status esp_pilot_decide(esp_pilot *pilot, const mjData *data, const esp_episode *begin, mjtNum *control)
{
    pthread_mutex_lock(&pilot->lock);
    copy_state(pilot->world->model, data, pilot->play->data);
    pilot->begins = begin != NULL;
    if (begin) pilot->episode = *begin;
    pilot->control = control;
    pilot->request = DECIDE;
    pthread_cond_signal(&pilot->asked);
    esp_status status = await(pilot);
    pthread_mutex_unlock(&pilot->lock);
    return status;
}

void esp_pilot_copy(esp_pilot *to, const esp_pilot *from)
{
    esp_simulator_copy(to->simulator, from->simulator);
    esp_controller_copy(to->controller, from->controller);
}
