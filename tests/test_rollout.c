/* Episodes depend on their names and the actions alone: not on the batch, the thread or the camera. */
#include "envs/envs.h"

#include "check.h"
#include "starts.h"

enum { STEPS = 25, REPEAT = 8, STACK = 3, SIDE = 28, PIXELS = SIDE * SIDE, EPISODES = 6 };

/* All results of an episode, in fixed arrays. */
typedef struct {
    float   rewards[STEPS], actions[STEPS];
    uint8_t frames[STEPS + 1][PIXELS];
    double  states[STEPS + 1][2];
} record;

static esp_env_config short_config(void)
{
    esp_env_config config = esp_env_config_default();
    config.physics_steps = STEPS * REPEAT;
    config.action_repeat = REPEAT;
    config.frame_stack = STACK;
    config.reward = "dense";
    return config;
}

static esp_world *open_world(void)
{
    esp_env_config config = short_config();
    esp_world *world = NULL;
    CHECK_OK(esp_world_create(&config, &world));
    return world;
}

/* NULL, with the reason printed, on a machine without EGL. */
static esp_simulator *open_simulator(const esp_world *world, int capacity, bool render)
{
    esp_simulator *simulator = NULL;
    esp_status status = esp_simulator_create(world, capacity, render, &simulator);
    if (render && status == ESP_ERR_MACHINE) {
        printf("skipped: %s ", esp_error_text());
        return NULL;
    }
    CHECK_OK(status);
    return simulator;
}

static esp_trajectory into(record *r)
{
    return (esp_trajectory){.rewards = r->rewards, .actions = r->actions, .frames = r->frames[0],
                            .states = r->states[0]};
}

static esp_episode name_episode(int index)
{
    return (esp_episode){.seed = 11, .index = (uint64_t)index, .start = START_RANDOM};
}

/* An action computed from the pixels, so that any difference spreads to the states. */
static esp_status act_on_pixels(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    (void)context;
    for (int i = 0; i < n; i++) {
        unsigned hash = (unsigned)step;
        for (int k = 0; k < STACK * PIXELS; k++)
            hash = hash * 31u + ((const uint8_t *)obs->item[0])[(size_t)i * STACK * PIXELS + k];
        actions[i] = (float)(hash % 2001u) / 1000.0f - 1.0f;
    }
    return ESP_OK;
}

typedef struct {
    int   calls, in_order, last_n;
    float action;
} counting;

static esp_status act_counting(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    counting *c = context;
    (void)obs;
    c->in_order += step == c->calls;
    c->calls++;
    c->last_n = n;
    for (int i = 0; i < n; i++) actions[i] = c->action;
    return ESP_OK;
}

static void episode_has_exactly_its_number_of_steps(void)
{
    esp_env_config config = esp_env_config_default();
    esp_world *world = NULL;
    CHECK_OK(esp_world_create(&config, &world));
    esp_simulator *simulator = open_simulator(world, 2, false);
    esp_episode episodes[2] = {name_episode(0), name_episode(1)};
    esp_trajectory out[2] = {{0}};
    counting count = {.action = 0.5f};
    CHECK_OK(esp_rollout(simulator, episodes, 2, act_counting, &count, out));
    CU_ASSERT_EQUAL(count.calls, 125);
    CU_ASSERT_EQUAL(count.in_order, 125);
    CU_ASSERT_EQUAL(count.last_n, 2);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static esp_status start_upright(const esp_task *task, const mjModel *model, esp_play *play, esp_rng *rng)
{
    (void)task, (void)model, (void)rng;
    play->data->qpos[0] = play->data->qvel[0] = 0.0;
    return ESP_OK;
}

/* Exactly upright and at rest the pole stays there, which gives the largest possible return:
 * 1000. */
static void returns_are_at_most_1000(void)
{
    esp_env_config config = esp_env_config_default();
    esp_world *world = NULL;
    CHECK_OK(esp_world_create(&config, &world));
    esp_simulator *simulator = open_simulator(world, 1, false);
    counting count = {.action = 0.0f};
    float rewards[125];
    esp_trajectory out = {.rewards = rewards};
    for (int i = 0; i < 20; i++) {
        esp_episode episode = name_episode(i);
        CHECK_OK(esp_rollout(simulator, &episode, 1, act_counting, &count, &out));
        double sum = 0.0;
        for (int k = 0; k < 125; k++) sum += rewards[k];
        CU_ASSERT(out.episode_return >= 0.0 && out.episode_return <= 1000.0);
        CU_ASSERT_EQUAL(out.episode_return, sum);
    }
    esp_task upright = *world->task;
    upright.reset = start_upright;
    world->task = &upright;
    esp_episode episode = name_episode(0);
    CHECK_OK(esp_rollout(simulator, &episode, 1, act_counting, &count, &out));
    CU_ASSERT_EQUAL(out.episode_return, 1000.0);
    CU_ASSERT_EQUAL(out.settled, 0);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

typedef struct {
    const record *record; /* states recorded so far */
    float         push;
} balancing;

/* Holds the pole up by its recorded state, but pushes it at steps 5 and 6. */
static esp_status act_balancing(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    const balancing *b = context;
    const double *state = b->record->states[step];
    (void)n;
    (void)obs;
    actions[0] = step == 5 || step == 6 ? b->push : (float)(-7.0 * state[0] - 1.5 * state[1]);
    return ESP_OK;
}

/* The start of the last unbroken run of states in the goal, found backwards. */
static int last_stay(const esp_world *world, mjData *data, const record *r)
{
    int first = STEPS;
    void *program = NULL;
    CHECK_OK(world->task->open(world->task, world->model, &program));
    esp_play play = {.data = data, .program = program};
    for (int k = STEPS; k >= 0; k--) {
        data->qpos[0] = r->states[k][0];
        data->qvel[0] = r->states[k][1];
        if (!world->task->goal(world->task, world->model, &play)) break;
        first = k;
    }
    world->task->close(program);
    return first;
}

static void settled_is_the_first_state_of_the_final_stay(void)
{
    esp_world *world = open_world();
    esp_task upright = *world->task;
    upright.reset = start_upright;
    world->task = &upright;
    esp_simulator *simulator = open_simulator(world, 1, false);
    mjData *data = mj_makeData(world->model);
    static record r;
    int stayed = 0, returned = 0, fell = 0;
    for (int i = 0; i <= 25; i++) {
        balancing controller = {.record = &r, .push = 0.04f * (float)i};
        esp_episode episode = name_episode(i);
        esp_trajectory out = into(&r);
        CHECK_OK(esp_rollout(simulator, &episode, 1, act_balancing, &controller, &out));
        CU_ASSERT_EQUAL(out.settled, last_stay(world, data, &r));
        stayed += out.settled == 0;
        returned += out.settled > 0 && out.settled < STEPS;
        fell += out.settled == STEPS;
    }
    CU_ASSERT(stayed > 0 && returned > 0 && fell > 0);
    mj_deleteData(data);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

/* Outputs that alternate between the ends of their range, after a first one in the middle. */
static esp_status act_chattering(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    (void)context, (void)n, (void)obs;
    actions[0] = step == 0 ? 0.5f : step % 2 ? 3.0f : -0.995f;
    return ESP_OK;
}

static void behaviour_counts_changes_and_ends_of_the_range(void)
{
    esp_world *world = open_world();
    esp_simulator *simulator = open_simulator(world, 1, false);
    esp_episode episode = name_episode(3);
    static record r;
    esp_trajectory out = into(&r);
    for (int again = 0; again < 2; again++) { /* nothing is left of the episode before */
        CHECK_OK(esp_rollout(simulator, &episode, 1, act_chattering, NULL, &out));
        CU_ASSERT_DOUBLE_EQUAL(out.behaviour.variation, 0.5 + (STEPS - 2) * 1.995, 1e-5);
        CU_ASSERT_DOUBLE_EQUAL(out.behaviour.saturation, (STEPS - 1.0) / STEPS, 1e-12);
        CU_ASSERT(isnan(out.behaviour.goal_time));
    }
    double sum = 0;
    for (int k = STEPS - STEPS / 5 + 1; k <= STEPS; k++) sum += fabs(remainder(r.states[k][0], 2 * M_PI));
    CU_ASSERT_DOUBLE_EQUAL(out.behaviour.steady_error, sum / (STEPS / 5), 1e-12);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static void time_to_the_goal_is_that_of_the_final_stay(void)
{
    esp_world *world = open_world();
    esp_task upright = *world->task;
    upright.reset = start_upright;
    world->task = &upright;
    esp_simulator *simulator = open_simulator(world, 1, false);
    static record r;
    esp_episode episode = name_episode(0);
    balancing controller = {.record = &r, .push = 0.2f};
    esp_trajectory out = into(&r);
    CHECK_OK(esp_rollout(simulator, &episode, 1, act_balancing, &controller, &out));
    CU_ASSERT_DOUBLE_EQUAL(out.behaviour.goal_time, out.settled * 0.16, 1e-12);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static void equal_episode_names_give_equal_starts(void)
{
    esp_world *world = open_world();
    esp_simulator *simulator = open_simulator(world, 5, false);
    static record r[5];
    esp_episode episodes[5] = {name_episode(1), name_episode(2), name_episode(1), name_episode(1), name_episode(1)};
    episodes[3].seed++;
    episodes[4].start = START_HANGING;
    esp_trajectory out[5];
    for (int i = 0; i < 5; i++) out[i] = into(&r[i]);
    counting count = {.action = 0.1f};
    CHECK_OK(esp_rollout(simulator, episodes, 5, act_counting, &count, out));
    CU_ASSERT(memcmp(r[0].states, r[2].states, sizeof r[0].states) == 0);
    CU_ASSERT(r[0].states[0][0] != r[1].states[0][0]);
    CU_ASSERT(r[0].states[0][0] != r[3].states[0][0]);
    CU_ASSERT(fabs(r[4].states[0][0] - M_PI) <= 0.1);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static void actions_are_clamped_to_one(void)
{
    esp_world *world = open_world();
    esp_simulator *simulator = open_simulator(world, 1, false);
    static record r[4];
    const float actions[4] = {1.0f, 7.0f, INFINITY, -7.0f};
    for (int i = 0; i < 4; i++) {
        esp_episode episode = name_episode(0);
        esp_trajectory out = into(&r[i]);
        counting count = {.action = actions[i]};
        CHECK_OK(esp_rollout(simulator, &episode, 1, act_counting, &count, &out));
    }
    CU_ASSERT_EQUAL(r[1].actions[0], 1.0f);
    CU_ASSERT_EQUAL(r[3].actions[0], -1.0f);
    CU_ASSERT(memcmp(r[0].states, r[1].states, sizeof r[0].states) == 0);
    CU_ASSERT(memcmp(r[0].states, r[2].states, sizeof r[0].states) == 0);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

/* Fails at step 3, in the last episode: by an action that is NaN, or by returning an error. */
static esp_status act_failing(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    const bool *says_so = context;
    (void)obs;
    for (int i = 0; i < n; i++) actions[i] = 0.0f;
    if (step < 3) return ESP_OK;
    if (*says_so) return esp_fail(ESP_ERR_SHAPE, "the controller is broken");
    actions[n - 1] = NAN;
    return ESP_OK;
}

static void a_failing_controller_stops_the_episodes(void)
{
    esp_world *world = open_world();
    esp_simulator *simulator = open_simulator(world, 2, false);
    esp_episode episodes[3] = {name_episode(0), name_episode(1), name_episode(2)};
    esp_trajectory out[3] = {{0}};
    bool says_so = false;
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_rollout(simulator, episodes, 2, act_failing, &says_so, out),
                "control step 3 of episode 1: action 0 is not a number");
    says_so = true;
    CHECK_FAILS(ESP_ERR_SHAPE, esp_rollout(simulator, episodes, 2, act_failing, &says_so, out), "broken");
    CHECK_FAILS(ESP_ERR_SHAPE, esp_rollout(simulator, episodes, 3, act_failing, &says_so, out), "holds 2");
    esp_simulator_free(simulator);
    esp_world_free(world);
}

typedef struct {
    const record *record; /* frames recorded so far */
    int           differing;
} stack_check;

/* After a reset the first frame fills the stack; then it slides, the newest frame last. */
static esp_status act_checking_the_stack(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    stack_check *check = context;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < STACK; k++) {
            int shown = step - (STACK - 1) + k;
            const uint8_t *expected = check->record[i].frames[shown < 0 ? 0 : shown];
            check->differing +=
                memcmp((const uint8_t *)obs->item[0] + ((size_t)i * STACK + k) * PIXELS, expected, PIXELS) != 0;
        }
        actions[i] = 0.3f;
    }
    return ESP_OK;
}

static void observations_are_the_last_frames_oldest_first(void)
{
    esp_world *world = open_world();
    esp_simulator *simulator = open_simulator(world, 2, true);
    static record r[2];
    esp_episode episodes[2] = {name_episode(0), name_episode(1)};
    esp_trajectory out[2] = {into(&r[0]), into(&r[1])};
    stack_check check = {.record = r};
    for (int repeat = 0; simulator && repeat < 2; repeat++) /* the second time over frames of the first */
        CHECK_OK(esp_rollout(simulator, episodes, 2, act_checking_the_stack, &check, out));
    CU_ASSERT_EQUAL(check.differing, 0);
    if (simulator) CU_ASSERT(memcmp(r[0].frames[0], r[0].frames[STEPS], PIXELS) != 0);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

/* Episodes 0 .. EPISODES-1 in batches of `batch`; each simulator of the pool plays one batch at a
 * time. */
static bool play_all(const esp_world *world, int batch, int threads, record *records)
{
    esp_pool *pool = esp_pool_create(world, batch, true);
    esp_error error = {0};
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int first = 0; first < EPISODES; first += batch) {
        esp_episode episodes[EPISODES];
        esp_trajectory out[EPISODES];
        for (int i = 0; i < batch; i++) {
            episodes[i] = name_episode(first + i);
            out[i] = into(&records[first + i]);
        }
        esp_simulator *simulator = NULL;
        esp_status status = esp_pool_simulator(pool, &simulator);
        if (status == ESP_OK) status = esp_rollout(simulator, episodes, batch, act_on_pixels, NULL, out);
#pragma omp critical
        if (status != ESP_OK) esp_error_take(&error, status);
    }
    esp_pool_free(pool);
    if (error.status == ESP_ERR_MACHINE) {
        printf("skipped: %s ", error.text);
        return false;
    }
    CHECK_OK(esp_error_raise(&error));
    return true;
}

static record reference[EPISODES], again[EPISODES];

static void episode_in_a_batch_equals_the_episode_alone(void)
{
    esp_world *world = open_world();
    if (play_all(world, 1, 1, reference)) {
        for (int batch = 2; batch <= EPISODES; batch *= 3) { /* 2 and 6 divide the number of episodes */
            memset(again, 0, sizeof again);
            play_all(world, batch, 1, again);
            CU_ASSERT(memcmp(reference, again, sizeof again) == 0);
        }
    }
    esp_world_free(world);
}

static void episodes_are_the_same_on_one_thread_and_two(void)
{
    esp_world *world = open_world();
    if (play_all(world, 1, 1, reference)) {
        for (int repeat = 0; repeat < 3; repeat++) {
            memset(again, 0, sizeof again);
            play_all(world, repeat == 0 ? 1 : 2, 2, again);
            CU_ASSERT(memcmp(reference, again, sizeof again) == 0);
        }
    }
    esp_world_free(world);
}

static void pool_outlives_parallel_regions_of_any_size(void)
{
    esp_world *world = open_world();
    esp_pool *pool = esp_pool_create(world, 1, true);
    bool sees = play_all(world, 1, 1, reference);
    for (int region = 0; sees && region < 6; region++) {
#pragma omp parallel num_threads(1 + region % 3)
        {
            esp_simulator *simulator = NULL;
            record *mine = esp_alloc(1, sizeof *mine);
            esp_trajectory out = into(mine);
            esp_episode episode = name_episode(0);
            esp_status status = esp_pool_simulator(pool, &simulator);
            if (status == ESP_OK) status = esp_rollout(simulator, &episode, 1, act_on_pixels, NULL, &out);
#pragma omp critical
            CU_ASSERT(status == ESP_OK && memcmp(mine, &reference[0], sizeof *mine) == 0);
            free(mine);
        }
    }
    esp_pool_free(pool);
    esp_world_free(world);
}

static void camera_does_not_touch_the_physics(void)
{
    esp_world *world = open_world();
    esp_simulator *seeing = open_simulator(world, 1, true), *blind = open_simulator(world, 1, false);
    static record with, without;
    esp_episode episode = name_episode(4);
    counting count = {.action = -0.7f};
    esp_trajectory out = into(&without);
    CHECK_OK(esp_rollout(blind, &episode, 1, act_counting, &count, &out));
    out = into(&with);
    if (seeing) {
        CHECK_OK(esp_rollout(seeing, &episode, 1, act_counting, &count, &out));
        CU_ASSERT(memcmp(with.states, without.states, sizeof with.states) == 0);
    }
    esp_simulator_free(seeing);
    esp_simulator_free(blind);
    esp_world_free(world);
}

static CU_TestInfo tests[] = {
    {"episode has exactly its number of steps", episode_has_exactly_its_number_of_steps},
    {"returns are at most 1000", returns_are_at_most_1000},
    {"settled is the first state of the final stay", settled_is_the_first_state_of_the_final_stay},
    {"behaviour counts changes and ends of the range", behaviour_counts_changes_and_ends_of_the_range},
    {"time to the goal is that of the final stay", time_to_the_goal_is_that_of_the_final_stay},
    {"equal episode names give equal starts", equal_episode_names_give_equal_starts},
    {"actions are clamped to one", actions_are_clamped_to_one},
    {"a failing controller stops the episodes", a_failing_controller_stops_the_episodes},
    {"observations are the last frames oldest first", observations_are_the_last_frames_oldest_first},
    {"episode in a batch equals the episode alone", episode_in_a_batch_equals_the_episode_alone},
    {"episodes are the same on one thread and two", episodes_are_the_same_on_one_thread_and_two},
    {"pool outlives parallel regions of any size", pool_outlives_parallel_regions_of_any_size},
    {"camera does not touch the physics", camera_does_not_touch_the_physics},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("rollout", tests)
