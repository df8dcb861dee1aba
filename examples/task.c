/* A task in C, for what no expression of a task file can say: the pendulum, rewarded for its energy.
 *
 *   cc -shared -fPIC -I. $(pkg-config --cflags libcjson) -I MUJOCO/include -o mytask.so examples/task.c -lm
 *   espalier eval models/pendulum/agent.safetensors --controller policy --set env.task=./mytask.so \
 *     --set env.scene=models/pendulum/scene.xml --start hanging --set env.reward=energy --set train.reward=energy
 */
#include <math.h>

#include "envs/envs.h"

static const char *const starts[] = {"hanging", NULL};
static const char *const rewards[] = {"energy", NULL};
static const char *const terms[] = {"energy", NULL};
static const esp_obs_item items[] = {{.name = "pixels", .kind = ESP_ITEM_PIXELS, .camera = "side"}};

static esp_status fit(const esp_task *task, const mjModel *model)
{
    (void)task;
    if (model->nq == 1 && model->nu == 1) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "one joint and one actuator are needed");
}

static esp_status reset(const esp_task *task, const mjModel *model, esp_play *play, esp_rng *rng)
{
    (void)task, (void)model;
    play->data->qpos[0] = M_PI + 0.1 * (2.0 * esp_rng_uniform(rng) - 1.0);
    return ESP_OK;
}

/* 1 at the energy of a pole that stands still upright, less by the square of the distance. */
static double energy(const mjData *data)
{
    double potential = 9.81 * 0.5 * (cos(data->qpos[0]) - 1.0), kinetic = 0.5 * 0.25 * data->qvel[0] * data->qvel[0];
    double distance = (potential + kinetic) / 9.81;
    return fmax(0.0, 1.0 - distance * distance);
}

static double reward(const esp_task *task, const mjModel *model, const esp_play *play, int kind)
{
    (void)task, (void)model, (void)kind;
    return energy(play->data);
}

static void give_terms(const esp_task *task, const mjModel *model, const esp_play *play, double *out)
{
    (void)task, (void)model;
    out[0] = energy(play->data);
}

static bool goal(const esp_task *task, const mjModel *model, const esp_play *play)
{
    (void)task, (void)model;
    return energy(play->data) > 0.9;
}

const int esp_task_version = ESP_TASK_VERSION;
const esp_task esp_task_export = {
    .about = {.name = "pendulum-energy", .starts = starts, .rewards = rewards, .training_reward = "energy",
              .terms = terms, .goal = "keep the energy to the end", .show_start = "hanging", .show_seconds = 9.0,
              .timestep = 0.02, .action_repeat = 8, .steps = 1000, .largest_reward = 1.0, .num_items = 1,
              .items = items},
    .fit = fit,
    .reset = reset,
    .reward = reward,
    .terms = give_terms,
    .goal = goal,
};
