/* The pendulum is that of the control suite: its numbers, its reward, its starts. */
#include "envs/envs.h"

#include "check.h"
#include "starts.h"

/* What the task's functions need of a simulator; opened with the world, and closed when the next world is. */
static void *program;

static esp_world *open_world(int start, int reward)
{
    esp_env_config config = esp_env_config_default();
    config.start = esp_task_find("pendulum")->about.starts[start];
    config.reward = esp_task_find("pendulum")->about.rewards[reward];
    esp_world *world = NULL;
    CHECK_OK(esp_world_create(&config, &world));
    if (program) world->task->close(program);
    program = NULL;
    CHECK_OK(world->task->open(world->task, world->model, &program));
    return world;
}

/* Puts angles in degrees and speeds in rad/s into mjData, for the task's functions to judge. */
static const esp_play *pose(const esp_world *world, mjData *data, double degrees, double speed)
{
    mj_resetData(world->model, data);
    data->qpos[0] = degrees * M_PI / 180.0;
    data->qvel[0] = speed;
    mj_forward(world->model, data);
    static esp_play play;
    play.data = data;
    play.program = program;
    return &play;
}

static void scene_has_the_numbers_of_the_control_suite(void)
{
    esp_world *world = open_world(START_RANDOM, REWARD_SPARSE);
    const mjModel *model = world->model;
    CU_ASSERT_EQUAL(model->opt.timestep, 0.02);
    CU_ASSERT_EQUAL(model->opt.integrator, mjINT_EULER);
    CU_ASSERT(model->opt.disableflags & mjDSBL_CONTACT);
    CU_ASSERT_EQUAL(model->dof_damping[0], 0.1);
    CU_ASSERT_EQUAL(model->body_mass[1], 1.0);
    CU_ASSERT_DOUBLE_EQUAL(model->body_ipos[3 + 2], 0.5, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(model->body_inertia[3], 0.4 * 0.05 * 0.05, 1e-15); /* a solid sphere */
    CU_ASSERT_EQUAL(model->actuator_ctrlrange[0], -1.0);
    CU_ASSERT_EQUAL(model->actuator_ctrlrange[1], 1.0);
    CU_ASSERT_EQUAL(world->num_actions, 1);
    CU_ASSERT_EQUAL(world->num_steps, 125);
    esp_world_free(world);
}

static void horizontal_pole_falls_like_a_mass_on_a_rod(void)
{
    esp_world *world = open_world(START_RANDOM, REWARD_SPARSE);
    mjData *data = mj_makeData(world->model);
    pose(world, data, 90.0, 0.0);
    CU_ASSERT_DOUBLE_EQUAL(data->qacc[0], 9.81 * 0.5 / (0.25 + 0.001), 1e-9);
    mj_deleteData(data);
    esp_world_free(world);
}

static void keyframes_name_upright_and_hanging(void)
{
    esp_world *world = open_world(START_RANDOM, REWARD_SPARSE);
    const char *names[] = {"upright", "hanging", "test"};
    const double angles[] = {0.0, M_PI, M_PI};
    for (int i = 0; i < 3; i++) {
        int key = mj_name2id(world->model, mjOBJ_KEY, names[i]);
        CU_ASSERT_FATAL(key >= 0);
        CU_ASSERT_EQUAL(world->model->key_qpos[key], angles[i]);
    }
    esp_world_free(world);
}

static void reward_is_one_within_eight_degrees(void)
{
    esp_world *world = open_world(START_RANDOM, REWARD_SPARSE);
    mjData *data = mj_makeData(world->model);
    const double degrees[] = {0, 7.99, -7.99, 360 + 7.99, -720 - 7.99, 8.01, -8.01, 90, 180, 360 - 8.01};
    const double expected[] = {1, 1, 1, 1, 1, 0, 0, 0, 0, 0};
    for (int i = 0; i < 10; i++) {
        const esp_play *play = pose(world, data, degrees[i], 3.0);
        CU_ASSERT_EQUAL(world->task->reward(world->task, world->model, play, REWARD_SPARSE), expected[i]);
    }
    mj_deleteData(data);
    esp_world_free(world);
}

static void dense_reward_is_the_height_of_the_bob(void)
{
    esp_world *world = open_world(START_RANDOM, REWARD_DENSE);
    mjData *data = mj_makeData(world->model);
    const double degrees[] = {0, 60, 90, 180, -90, 360};
    const double expected[] = {1, 0.75, 0.5, 0, 0.5, 1};
    for (int i = 0; i < 6; i++) {
        const esp_play *play = pose(world, data, degrees[i], 0.0);
        CU_ASSERT_DOUBLE_EQUAL(world->task->reward(world->task, world->model, play, REWARD_DENSE), expected[i], 1e-15);
    }
    mj_deleteData(data);
    esp_world_free(world);
}

static void goal_is_upright_and_slow(void)
{
    esp_world *world = open_world(START_RANDOM, REWARD_SPARSE);
    mjData *data = mj_makeData(world->model);
    const double degrees[] = {0, 5.7, -5.7, 360 - 5.7, 5.8, 0, 0, 180};
    const double speed[] = {0, 0.49, -0.49, 0.49, 0, 0.51, -0.51, 0};
    const bool expected[] = {true, true, true, true, false, false, false, false};
    for (int i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(world->task->goal(world->task, world->model, pose(world, data, degrees[i], speed[i])),
                        expected[i]);
    mj_deleteData(data);
    esp_world_free(world);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov: the largest gap between the sorted draws and the uniform distribution stays
 * below 1.63 / sqrt(n) in 99 of 100 cases; the seed is fixed, so the test never fails by chance. */
static void random_start_is_uniform_and_at_rest(void)
{
    enum { DRAWS = 4000 };
    static double angles[DRAWS];
    esp_world *world = open_world(START_RANDOM, REWARD_SPARSE);
    mjData *data = mj_makeData(world->model);
    for (int i = 0; i < DRAWS; i++) {
        esp_rng rng = esp_rng_make(1, ESP_RNG_START, (uint64_t)i);
        esp_play play = {.name = {.start = START_RANDOM}, .data = data, .program = program};
        CHECK_OK(world->task->reset(world->task, world->model, &play, &rng));
        angles[i] = data->qpos[0];
        CU_ASSERT_FATAL(angles[i] >= -M_PI && angles[i] < M_PI && data->qvel[0] == 0.0);
    }
    qsort(angles, DRAWS, sizeof angles[0], ascending);
    double gap = 0.0;
    for (int i = 0; i < DRAWS; i++) gap = fmax(gap, fabs((angles[i] + M_PI) / (2.0 * M_PI) - (i + 0.5) / DRAWS));
    CU_ASSERT(gap < 1.63 / sqrt(DRAWS));
    mj_deleteData(data);
    esp_world_free(world);
}

static void hanging_start_is_within_a_tenth_of_a_radian(void)
{
    esp_world *world = open_world(START_HANGING, REWARD_SPARSE);
    mjData *data = mj_makeData(world->model);
    double least = INFINITY, most = -INFINITY;
    for (int i = 0; i < 1000; i++) {
        esp_rng rng = esp_rng_make(1, ESP_RNG_START, (uint64_t)i);
        esp_play play = {.name = {.start = START_HANGING}, .data = data, .program = program};
        CHECK_OK(world->task->reset(world->task, world->model, &play, &rng));
        least = fmin(least, data->qpos[0] - M_PI);
        most = fmax(most, data->qpos[0] - M_PI);
    }
    CU_ASSERT(least >= -0.1 && least < -0.09);
    CU_ASSERT(most <= 0.1 && most > 0.09);
    mj_deleteData(data);
    esp_world_free(world);
}

static float wave(int step)
{
    return (float)sin(0.9 * step + 0.3);
}

static esp_status act_wave(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    (void)context;
    (void)obs;
    for (int i = 0; i < n; i++) actions[i] = wave(step);
    return ESP_OK;
}

static void trajectory_equals_plain_mj_step_calls_bit_for_bit(void)
{
    esp_world *world = open_world(START_HANGING, REWARD_DENSE);
    static double states[126][2];
    esp_trajectory out = {.states = states[0]};
    esp_episode episode = {.seed = 3, .index = 7, .start = START_HANGING};
    esp_simulator *simulator = NULL;
    CHECK_OK(esp_simulator_create(world, 1, false, &simulator));
    CHECK_OK(esp_rollout(simulator, &episode, 1, act_wave, NULL, &out));

    mjData *data = mj_makeData(world->model);
    data->qpos[0] = states[0][0];
    double sum = 0.0;
    int differing = 0;
    for (int step = 0; step < 125; step++) {
        data->ctrl[0] = (double)wave(step);
        for (int i = 0; i < 8; i++) {
            mj_step(world->model, data);
            sum += 0.5 * (1.0 + cos(data->qpos[0]));
        }
        differing += data->qpos[0] != states[step + 1][0] || data->qvel[0] != states[step + 1][1];
    }
    CU_ASSERT_EQUAL(differing, 0);
    CU_ASSERT_DOUBLE_EQUAL(out.episode_return, sum, 1e-9); /* summed in another order */
    mj_deleteData(data);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static CU_TestInfo tests[] = {
    {"scene has the numbers of the control suite", scene_has_the_numbers_of_the_control_suite},
    {"horizontal pole falls like a mass on a rod", horizontal_pole_falls_like_a_mass_on_a_rod},
    {"keyframes name upright and hanging", keyframes_name_upright_and_hanging},
    {"reward is one within eight degrees", reward_is_one_within_eight_degrees},
    {"dense reward is the height of the bob", dense_reward_is_the_height_of_the_bob},
    {"goal is upright and slow", goal_is_upright_and_slow},
    {"random start is uniform and at rest", random_start_is_uniform_and_at_rest},
    {"hanging start is within a tenth of a radian", hanging_start_is_within_a_tenth_of_a_radian},
    {"trajectory equals plain mj_step calls bit for bit", trajectory_equals_plain_mj_step_calls_bit_for_bit},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("pendulum", tests)
