/* The acting interface: what an observation holds, how an action becomes a control, when an episode ends; with a task
 * made of the pendulum's physics, without pixels. */
#include "envs/envs.h"

#include "check.h"
#include "starts.h"

enum { STEPS = 12, HISTORY = 3, ENTRIES = 4, COMMANDS = 2 };

/* Draws a command in reset, shows angle, last action, command and clock as floats, and ends after as many control
 * steps as the episode's number. */
static esp_status reset(const esp_task *task, const mjModel *model, esp_play *play, esp_rng *rng)
{
    (void)task, (void)model;
    play->data->qpos[0] = 3.0;
    for (int i = 0; i < COMMANDS; i++) play->command[i] = (float)esp_rng_uniform(rng);
    return ESP_OK;
}

static void observe(const esp_task *task, const mjModel *model, const esp_play *play, int index, double *out)
{
    (void)task, (void)model;
    CU_ASSERT_EQUAL(index, 1);
    out[0] = play->data->qpos[0];
    out[1] = (double)play->action[0];
    out[2] = (double)play->command[COMMANDS - 1];
    out[3] = play->data->time - play->began;
}

static int done(const esp_task *task, const mjModel *model, const esp_play *play)
{
    (void)task, (void)model;
    return play->name.index > 0 && play->steps == (int)play->name.index;
}

static const esp_obs_item items[] = {
    {.name = "picture", .kind = ESP_ITEM_PIXELS, .camera = "side"},
    {.name = "state", .kind = ESP_ITEM_FLOATS, .width = ENTRIES, .history = HISTORY}};

/* The world of the task, and the simulator; freed by close_stage. */
typedef struct {
    esp_task       task;
    esp_world     *world;
    esp_simulator *simulator;
} stage;

static void open_stage(int capacity, stage *s)
{
    esp_env_config config = esp_env_config_default();
    config.physics_steps = STEPS * config.action_repeat;
    config.reward = "dense";
    CHECK_OK(esp_world_create(&config, &s->world));
    s->task = *s->world->task;
    s->task.about.num_commands = COMMANDS;
    s->task.reset = reset;
    s->task.observe = observe;
    s->task.done = done;
    s->world->task = &s->task;
    free(s->world->item);
    s->world->num_items = 2;
    s->world->item = esp_alloc(2, sizeof *s->world->item);
    memcpy(s->world->item, items, sizeof items);
    s->world->item[1].height = 1;
    s->simulator = NULL;
    CHECK_OK(esp_simulator_create(s->world, capacity, false, &s->simulator));
}

static void close_stage(stage *s)
{
    esp_simulator_free(s->simulator);
    esp_world_free(s->world);
}

static esp_status act(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    (void)obs;
    for (int i = 0; i < n; i++) actions[i] = *(const float *)context + 0.01f * (float)step;
    return ESP_OK;
}

static void an_episode_that_ends_early_has_a_length_of_its_own(void)
{
    stage s;
    float rewards[3][STEPS], alone[STEPS], action = 0.4f;
    esp_episode names[3] = {{.index = 0}, {.index = 5}, {.index = 2}};
    esp_trajectory out[3], single = {.rewards = alone};
    open_stage(3, &s);
    memset(rewards, 0xff, sizeof rewards); /* NAN */
    for (int i = 0; i < 3; i++) out[i] = (esp_trajectory){.rewards = rewards[i]};
    CHECK_OK(esp_rollout(s.simulator, names, 3, act, &action, out));
    CU_ASSERT(out[0].length == STEPS && out[1].length == 5 && out[2].length == 2);
    for (int i = 0; i < 3; i++) {
        double sum = 0.0;
        for (int t = 0; t < out[i].length; t++) sum += rewards[i][t];
        CU_ASSERT_DOUBLE_EQUAL(out[i].episode_return, sum, 1e-5); /* rewards are float */
        CU_ASSERT(out[i].length == STEPS || isnan(rewards[i][out[i].length]));
        CHECK_OK(esp_rollout(s.simulator, &names[i], 1, act, &action, &single));
        CU_ASSERT_EQUAL(single.episode_return, out[i].episode_return);
        CU_ASSERT(memcmp(alone, rewards[i], (size_t)out[i].length * sizeof *alone) == 0);
    }
    close_stage(&s);
}

static void float_items_have_a_history_that_the_first_moment_fills(void)
{
    stage s;
    float action = 0.25f;
    esp_episode name = {.index = 0};
    open_stage(1, &s);
    CU_ASSERT_PTR_NULL(esp_simulator_observation(s.simulator)->item[0]); /* no pixels were asked for */
    CHECK_OK(esp_simulator_begin(s.simulator, &name, 1));
    CHECK_OK(esp_simulator_observe(s.simulator));
    const float *seen = esp_simulator_observation(s.simulator)->item[1];
    for (int k = 0; k < HISTORY; k++) CU_ASSERT(seen[ENTRIES * k] == 3.0f && seen[ENTRIES * k + 1] == 0.0f);
    CHECK_OK(esp_simulator_act(s.simulator, act, &action));
    CHECK_OK(esp_simulator_step(s.simulator, s.world->repeat));
    CHECK_OK(esp_simulator_observe(s.simulator));
    CU_ASSERT(seen[0] == 3.0f && seen[ENTRIES] == 3.0f && seen[2 * ENTRIES] != 3.0f);
    CU_ASSERT(esp_simulator_newest(s.simulator, 0, 1) == (const void *)(seen + 2 * ENTRIES));
    close_stage(&s);
}

static void last_action_command_and_clock_belong_to_the_episode(void)
{
    stage s;
    float action = 0.25f;
    esp_episode names[2] = {{.seed = 1}, {.seed = 2}};
    open_stage(2, &s);
    for (int repeat = 0; repeat < 2; repeat++) { /* the second time nothing of the first may be left */
        CHECK_OK(esp_simulator_begin(s.simulator, names, 2));
        const esp_play *one = esp_simulator_play(s.simulator, 0), *two = esp_simulator_play(s.simulator, 1);
        CU_ASSERT(one->action[0] == 0.0f && one->steps == 0 && one->episode_return == 0.0);
        CU_ASSERT(one->command[0] != two->command[0] && one->command[0] != one->command[1]);
        for (int t = 0; t < 3; t++) {
            CHECK_OK(esp_simulator_observe(s.simulator));
            const float *seen = esp_simulator_newest(s.simulator, 1, 1);
            CU_ASSERT_EQUAL(seen[1], t == 0 ? 0.0f : action + 0.01f * (float)(t - 1));
            CU_ASSERT_EQUAL(seen[2], two->command[1]);
            CU_ASSERT_DOUBLE_EQUAL(seen[3], 0.16 * t, 1e-6);
            CHECK_OK(esp_simulator_act(s.simulator, act, &action));
            CU_ASSERT(two->before[0] == two->data->qpos[0]);
            CHECK_OK(esp_simulator_step(s.simulator, s.world->repeat));
        }
    }
    close_stage(&s);
}

static double control_of(stage *s, float action)
{
    esp_episode name = {.index = 0};
    CHECK_OK(esp_simulator_begin(s->simulator, &name, 1));
    CHECK_OK(esp_simulator_act(s->simulator, act, &action));
    return esp_simulator_play(s->simulator, 0)->data->ctrl[0];
}

static void an_action_is_clipped_scaled_offset_and_clipped_to_the_actuator(void)
{
    stage s;
    open_stage(1, &s);
    s.world->actuation[0] = (esp_actuation){.low = -INFINITY, .high = INFINITY, .offset = 0.5, .scale = 0.25,
                                            .control_low = -1.0, .control_high = 1.0};
    CU_ASSERT_EQUAL(control_of(&s, 0.0f), 0.5);
    CU_ASSERT_EQUAL(control_of(&s, -2.0f), 0.0);
    CU_ASSERT_EQUAL(control_of(&s, 100.0f), 1.0);
    CU_ASSERT_EQUAL(esp_simulator_play(s.simulator, 0)->action[0], 100.0f); /* the action as the observation shows it */
    s.world->actuation[0].low = s.world->actuation[0].high = 2.0;
    CU_ASSERT_EQUAL(control_of(&s, 0.0f), 1.0);
    close_stage(&s);
}

static void reward_may_be_taken_once_per_step_of_the_task(void)
{
    stage s;
    float action = 0.0f;
    esp_episode name = {.index = 1};
    esp_trajectory out = {0};
    open_stage(1, &s);
    s.task.about.reward_per_step = true;
    s.world->substeps = s.world->repeat;
    CHECK_OK(esp_rollout(s.simulator, &name, 1, act, &action, &out));
    double angle = esp_simulator_play(s.simulator, 0)->data->qpos[0];
    CU_ASSERT_EQUAL(out.episode_return, 0.5 * (1.0 + cos(angle)));
    close_stage(&s);
}

/* As a plugin does it: the host's state, here that of another simulator, begins the episode. */
static void an_episode_joined_in_a_state_begins_there(void)
{
    stage s, host;
    esp_episode name = {.seed = 9};
    float action = 0.5f;
    open_stage(1, &s);
    open_stage(1, &host);
    CHECK_OK(esp_simulator_begin(host.simulator, &name, 1));
    CHECK_OK(esp_simulator_act(host.simulator, act, &action));
    CHECK_OK(esp_simulator_step(host.simulator, 20));
    esp_play *play = esp_simulator_play(s.simulator, 0);
    const mjData *from = esp_simulator_play(host.simulator, 0)->data;
    play->data->qpos[0] = from->qpos[0];
    play->data->time = from->time;
    esp_simulator_join(s.simulator, &name);
    CHECK_OK(esp_simulator_observe(s.simulator));
    const float *seen = esp_simulator_newest(s.simulator, 0, 1);
    CU_ASSERT(seen[0] == (float)from->qpos[0] && seen[1] == 0.0f && seen[3] == 0.0f);
    close_stage(&host);
    close_stage(&s);
}

static CU_TestInfo tests[] = {
    {"an episode that ends early has a length of its own", an_episode_that_ends_early_has_a_length_of_its_own},
    {"float items have a history that the first moment fills", float_items_have_a_history_that_the_first_moment_fills},
    {"last action, command and clock belong to the episode", last_action_command_and_clock_belong_to_the_episode},
    {"an action is clipped, scaled, offset and clipped to the actuator",
     an_action_is_clipped_scaled_offset_and_clipped_to_the_actuator},
    {"reward may be taken once per step of the task", reward_may_be_taken_once_per_step_of_the_task},
    {"an episode joined in a state begins there", an_episode_joined_in_a_state_begins_there},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("simulator", tests)
