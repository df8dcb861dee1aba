/* Whole episodes in lockstep, and what is kept of them. */
#include <string.h>

#include "envs/envs_internal.h"

/* The state of one call of esp_rollout. */
typedef struct {
    const esp_world *world;
    esp_simulator   *simulator;
    esp_trajectory  *out;
    int              n;
    int              pixels; /* item whose frames are kept; -1: nothing is drawn */
} rollout;

static void record_state(const rollout *r, const esp_play *play, esp_trajectory *out)
{
    const mjModel *model = r->world->model;
    const esp_task *task = r->world->task;
    if (out->states) {
        double *row = out->states + (size_t)play->steps * (size_t)(model->nq + model->nv);
        memcpy(row, play->data->qpos, (size_t)model->nq * sizeof *row);
        memcpy(row + model->nq, play->data->qvel, (size_t)model->nv * sizeof *row);
    }
    if (!task->goal || !task->goal(task, model, play)) out->settled = r->world->num_steps;
    else if (out->settled == r->world->num_steps) out->settled = play->steps;
}

static void record_step(const rollout *r, const esp_play *play, esp_trajectory *out)
{
    size_t actions = (size_t)r->world->num_actions, step = (size_t)play->steps - 1;
    out->length = play->steps;
    out->ending = play->ending;
    out->episode_return = play->episode_return;
    if (out->rewards) out->rewards[step] = (float)play->last_reward;
    if (out->actions) memcpy(out->actions + step * actions, play->action, actions * sizeof *play->action);
}

/* No action follows the last moment of an episode, so it is observed only if its frame is
 * wanted. */
static esp_status observe(const rollout *r, int i)
{
    const esp_play *play = esp_simulator_play(r->simulator, i);
    uint8_t *frames = r->pixels < 0 ? NULL : r->out[i].frames;
    if (play->ended && !frames) return ESP_OK;
    esp_status status = esp_simulator_observe_one(r->simulator, i);
    if (status != ESP_OK || !frames) return status;
    size_t size = esp_obs_item_size(&r->world->item[r->pixels]);
    memcpy(frames + (size_t)play->steps * size, esp_simulator_newest(r->simulator, i, r->pixels), size);
    return ESP_OK;
}

static esp_status begin(const rollout *r, const esp_episode *episodes)
{
    esp_status status = esp_simulator_begin(r->simulator, episodes, r->n);
    for (int i = 0; i < r->n && status == ESP_OK; i++) {
        r->out[i].episode_return = 0.0;
        r->out[i].length = 0;
        r->out[i].ending = ESP_ENDING_NONE;
        r->out[i].settled = r->world->num_steps;
        record_state(r, esp_simulator_play(r->simulator, i), &r->out[i]);
        status = observe(r, i);
    }
    return status;
}

/* Plays one control step of all episodes that have not ended; *playing says whether any is left. */
static esp_status play_step(const rollout *r, esp_act_fn act, void *context, bool *playing)
{
    esp_status status = esp_check_interrupt();
    if (status == ESP_OK) status = esp_simulator_act(r->simulator, act, context);
    if (status == ESP_OK) status = esp_simulator_step(r->simulator, r->world->repeat);
    *playing = false;
    for (int i = 0; i < r->n && status == ESP_OK; i++) {
        const esp_play *play = esp_simulator_play(r->simulator, i);
        if (play->steps == r->out[i].length) continue; /* the episode had ended before */
        record_step(r, play, &r->out[i]);
        record_state(r, play, &r->out[i]);
        r->out[i].behaviour = esp_play_behaviour(r->world, play, r->out[i].settled);
        status = observe(r, i);
        if (!play->ended) *playing = true;
    }
    return status;
}

esp_status esp_rollout(esp_simulator *simulator, const esp_episode *episodes, int n,
                       esp_act_fn act, void *context, esp_trajectory *out)
{
    const esp_world *world = esp_simulator_world(simulator);
    rollout r = {.world = world, .simulator = simulator, .out = out, .n = n, .pixels = esp_world_pixels(world)};
    if (r.pixels >= 0 && !esp_simulator_observation(simulator)->item[r.pixels]) r.pixels = -1;
    bool playing = n > 0;
    esp_status status = begin(&r, episodes);
    while (status == ESP_OK && playing) status = play_step(&r, act, context, &playing);
    return status;
}
