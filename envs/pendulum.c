/* Pendulum swing-up of the control suite (Tassa et al. 2018, arXiv:1801.00690): pump energy until
 * the pole stands, then hold it. theta = qpos[0] in rad, 0 upright. */
#include <math.h>
#include <string.h>

#include "envs/envs.h"

#define UPRIGHT_ANGLE (8.0 * M_PI / 180.0) /* rad; the reward of the control suite */
#define HANGING_NOISE 0.1                  /* rad; half width of the uniform noise around hanging */
#define GOAL_ANGLE    0.1                  /* rad */
#define GOAL_SPEED    0.5                  /* rad/s */

/* In the order of their names below. Mixed, the mean of both, is for learning: dense shows the way up, sparse is the
 * actual goal. */
enum { START_RANDOM, START_HANGING };
enum { REWARD_SPARSE, REWARD_DENSE, REWARD_MIXED };
static const char *const starts[] = {"random", "hanging", NULL};
static const char *const rewards[] = {"sparse", "dense", "mixed", NULL};
static const char *const terms[] = {"upright", "height", NULL};

static const esp_task_quantity quantities[] = {{"angle", "rad", -M_PI, M_PI, .error = true}};
static const esp_obs_item items[] = {{.name = "pixels", .kind = ESP_ITEM_PIXELS, .camera = "side"}};

static void reset(const esp_task *task, const mjModel *model, esp_play *play, esp_rng *rng)
{
    (void)task, (void)model;
    double u = 2.0 * esp_rng_uniform(rng) - 1.0;
    play->data->qpos[0] = play->name.start == START_HANGING ? M_PI + HANGING_NOISE * u : M_PI * u;
    play->data->qvel[0] = 0.0;
}

static void give_terms(const esp_task *task, const mjModel *model, const esp_play *play, double *out)
{
    (void)task, (void)model;
    double height = cos(play->data->qpos[0]);
    out[REWARD_SPARSE] = height >= cos(UPRIGHT_ANGLE) ? 1.0 : 0.0;
    out[REWARD_DENSE] = 0.5 * (1.0 + height);
}

static double reward(const esp_task *task, const mjModel *model, const esp_play *play, int kind)
{
    double term[2];
    give_terms(task, model, play, term);
    return kind == REWARD_MIXED ? 0.5 * (term[REWARD_SPARSE] + term[REWARD_DENSE]) : term[kind];
}

/* Angle modulo full turns, in [-pi, pi]. */
static double angle(const esp_play *play)
{
    return remainder(play->data->qpos[0], 2.0 * M_PI);
}

static bool goal(const esp_task *task, const mjModel *model, const esp_play *play)
{
    (void)task, (void)model;
    return fabs(angle(play)) <= GOAL_ANGLE && fabs(play->data->qvel[0]) <= GOAL_SPEED;
}

static double quantity(const esp_task *task, const mjModel *model, const esp_play *play, int index)
{
    (void)task, (void)model, (void)index;
    return angle(play);
}

static const char *mismatch(const esp_task *task, const mjModel *model)
{
    (void)task;
    int hinge = mj_name2id(model, mjOBJ_JOINT, "hinge");
    if (hinge < 0 || model->jnt_type[hinge] != mjJNT_HINGE) return "a hinge joint named 'hinge' is missing";
    if (model->nq != 1) return "the joint 'hinge' must be the only one";
    if (model->nu != 1) return "exactly one actuator is needed";
    return NULL;
}

const esp_task esp_task_pendulum = {
    .about = {
        .name = "pendulum",
        .starts = starts,
        .rewards = rewards,
        .training_reward = "mixed",
        .terms = terms,
        .goal = "hold the pole up to the end",
        .show_start = "hanging",
        .show_seconds = 9.0, /* the pole is up after 5 to 7 s */
        .timestep = 0.02,
        .num_quantities = 1,
        .quantities = quantities,
        .num_items = 1,
        .items = items,
    },
    .mismatch = mismatch,
    .reset = reset,
    .reward = reward,
    .terms = give_terms,
    .goal = goal,
    .quantity = quantity,
};
