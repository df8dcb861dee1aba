/* Pendulum swing-up of the control suite (Tassa et al. 2018, arXiv:1801.00690): pump energy until
 * the pole stands, then hold it. theta = qpos[0] in rad, 0 upright. */
#include <math.h>
#include <string.h>

#include "envs/envs.h"

#define UPRIGHT_ANGLE (8.0 * M_PI / 180.0) /* rad; the reward of the control suite */
#define HANGING_NOISE 0.1                  /* rad; half width of the uniform noise around hanging */
#define GOAL_ANGLE    0.1                  /* rad */
#define GOAL_SPEED    0.5                  /* rad/s */

static void reset(const mjModel *model, mjData *data, esp_start start, esp_rng *rng)
{
    (void)model;
    double u = 2.0 * esp_rng_uniform(rng) - 1.0;
    data->qpos[0] = start == ESP_START_HANGING ? M_PI + HANGING_NOISE * u : M_PI * u;
    data->qvel[0] = 0.0;
}

static double reward(const mjModel *model, const mjData *data, esp_reward_kind kind)
{
    (void)model;
    double height = cos(data->qpos[0]);
    double dense = 0.5 * (1.0 + height), sparse = height >= cos(UPRIGHT_ANGLE) ? 1.0 : 0.0;
    switch (kind) {
    case ESP_REWARD_SPARSE:
        return sparse;
    case ESP_REWARD_DENSE:
        return dense;
    case ESP_REWARD_MIXED:
        return 0.5 * (sparse + dense);
    }
    return 0.0;
}

static bool goal(const mjModel *model, const mjData *data)
{
    (void)model;
    double wrapped = remainder(data->qpos[0], 2.0 * M_PI);
    return fabs(wrapped) <= GOAL_ANGLE && fabs(data->qvel[0]) <= GOAL_SPEED;
}

static const char *mismatch(const mjModel *model)
{
    int hinge = mj_name2id(model, mjOBJ_JOINT, "hinge");
    if (hinge < 0 || model->jnt_type[hinge] != mjJNT_HINGE) return "a hinge joint named 'hinge' is missing";
    if (model->nq != 1) return "the joint 'hinge' must be the only one";
    if (model->nu != 1) return "exactly one actuator is needed";
    return NULL;
}

const esp_task esp_task_pendulum = {
    .name = "pendulum",
    .camera = "side",
    .reset = reset,
    .reward = reward,
    .goal = goal,
    .mismatch = mismatch,
};
