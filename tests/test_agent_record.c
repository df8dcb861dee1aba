/* A recording holds what the agent saw and did, the same on any number of threads, in episodes that serve no other
 * purpose; its samples are what the components read. */
#include <omp.h>

#include "tiny_agent.h"
#include "starts.h"

enum { EPISODES = 13, STACK = 2, FRAME = 24 * 24, IMAGE = STACK * FRAME };

typedef struct {
    esp_agent_config config;
    esp_world   *world;
    esp_pool    *pool;
    esp_network *net;
    esp_record_config record;
} stage;

/* False, with the reason printed, on a machine without EGL. */
static bool open_stage(stage *s)
{
    esp_simulator *simulator = NULL;
    *s = (stage){.config = tiny_config(), .record = esp_record_config_default()};
    CHECK_OK(esp_world_create(&s->config.env, &s->world));
    s->pool = esp_pool_create(s->world, ESP_EPISODE_BLOCK, true);
    s->net = tiny_network(&s->config, s->world->num_actions, 1);
    s->record.net = s->net;
    s->record.config = &s->config;
    s->record.episodes = EPISODES;
    esp_status status = esp_pool_simulator(s->pool, &simulator);
    if (status == ESP_ERR_MACHINE) printf("skipped: %s ", esp_error_text());
    else CHECK_OK(status);
    return status == ESP_OK;
}

static void close_stage(stage *s)
{
    esp_network_free(s->net);
    esp_pool_free(s->pool);
    esp_world_free(s->world);
}

/* ---- recording ---- */

static bool same_recording(const esp_recording *a, const esp_recording *b)
{
    size_t steps = (size_t)a->episodes * a->num_steps;
    return a->episodes == b->episodes && a->mean_return == b->mean_return &&
           memcmp(a->frames, b->frames, (steps + a->episodes) * FRAME) == 0 &&
           memcmp(a->actions, b->actions, steps * sizeof *a->actions) == 0 &&
           memcmp(a->intended, b->intended, steps * sizeof *a->intended) == 0 &&
           memcmp(a->rewards, b->rewards, steps * sizeof *a->rewards) == 0;
}

static void check_threads(esp_controller_kind kind)
{
    int threads = omp_get_max_threads();
    stage s;
    if (open_stage(&s)) {
        esp_recording one, two;
        s.record.kind = kind;
        omp_set_num_threads(1);
        CHECK_OK(esp_recording_make(s.pool, &s.record, &one));
        omp_set_num_threads(2);
        CHECK_OK(esp_recording_make(s.pool, &s.record, &two));
        CU_ASSERT(same_recording(&one, &two));
        esp_recording_free(&one);
        esp_recording_free(&two);
    }
    omp_set_num_threads(threads);
    close_stage(&s);
}

static void recording_a_policy_is_bit_identical_on_one_thread_and_two(void)
{
    check_threads(ESP_CONTROLLER_POLICY);
}

static void recording_a_planner_is_bit_identical_on_one_thread_and_two(void)
{
    check_threads(ESP_CONTROLLER_MPPI);
}

/* Plays the recorded actions once more and keeps every observation on the way. */
typedef struct {
    const esp_recording *recording;
    uint8_t *obs; /* [EPISODES, L, IMAGE] */
} echo;

static esp_status act_again(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    const echo *e = context;
    for (int i = 0; i < n; i++) {
        size_t at = (size_t)i * TINY_STEPS + step;
        memcpy(e->obs + at * IMAGE, (const uint8_t *)obs->item[0] + (size_t)i * IMAGE, IMAGE);
        actions[i] = e->recording->actions[at];
    }
    return ESP_OK;
}

/* Observations [EPISODES, L, IMAGE] of a recording, from the simulator; checks frames and rewards. */
static uint8_t *play_again(const stage *s, const esp_recording *r)
{
    esp_simulator *simulator = NULL;
    esp_episode episodes[EPISODES];
    esp_trajectory trajectories[EPISODES] = {{0}};
    echo e = {r, esp_alloc((size_t)EPISODES * TINY_STEPS, IMAGE)};
    uint8_t *frames = esp_alloc((size_t)EPISODES * (TINY_STEPS + 1), FRAME);
    float rewards[EPISODES][TINY_STEPS];
    esp_episodes_name(s->record.seed, ESP_EPISODES_RECORD, START_RANDOM, EPISODES, episodes);
    for (int i = 0; i < EPISODES; i++) {
        episodes[i].start = i % 2 ? START_HANGING : START_RANDOM;
        trajectories[i].frames = frames + (size_t)i * (TINY_STEPS + 1) * FRAME;
        trajectories[i].rewards = rewards[i];
    }
    CHECK_OK(esp_simulator_create(s->world, EPISODES, true, &simulator));
    CHECK_OK(esp_rollout(simulator, episodes, EPISODES, act_again, &e, trajectories));
    CU_ASSERT_EQUAL(memcmp(frames, r->frames, (size_t)EPISODES * (TINY_STEPS + 1) * FRAME), 0);
    CU_ASSERT_EQUAL(memcmp(rewards, r->rewards, sizeof rewards), 0);
    esp_simulator_free(simulator);
    free(frames);
    return e.obs;
}

static void recorded_actions_from_the_recording_s_own_starts_give_its_frames_and_rewards(void)
{
    stage s;
    if (open_stage(&s)) {
        esp_recording r;
        CHECK_OK(esp_recording_make(s.pool, &s.record, &r));
        free(play_again(&s, &r));
        esp_recording_free(&r);
    }
    close_stage(&s);
}

/* Two episodes of each of four levels, then the first level again. */
static void noise_grows_from_none_to_the_deviation_asked_for(void)
{
    stage s;
    if (open_stage(&s)) {
        esp_recording r;
        double squares[4] = {0.0};
        s.record.noise = 0.3;
        CHECK_OK(esp_recording_make(s.pool, &s.record, &r));
        for (int i = 0; i < 8 * TINY_STEPS; i++)
            squares[i / TINY_STEPS / 2] += pow((double)r.actions[i] - r.intended[i], 2.0) / (2 * TINY_STEPS);
        CU_ASSERT_EQUAL(squares[0], 0.0);
        /* 24 draws per level: their deviation is known to 15 %, and clamping the actions cuts some of it. */
        for (int level = 1; level < 4; level++) CU_ASSERT_DOUBLE_EQUAL(sqrt(squares[level]), 0.1 * level, 0.04 * level);
        esp_recording_free(&r);
    }
    close_stage(&s);
}

static void a_recording_without_episodes_or_with_invalid_noise_is_refused(void)
{
    stage s = {.config = tiny_config(), .record = esp_record_config_default()};
    esp_recording r;
    s.record.config = &s.config;
    s.record.episodes = 0;
    CHECK_FAILS(ESP_ERR_RANGE, esp_recording_make(NULL, &s.record, &r), "0 episodes");
    s.record.episodes = 1;
    s.record.noise = NAN;
    CHECK_FAILS(ESP_ERR_RANGE, esp_recording_make(NULL, &s.record, &r), "noise");
}

static void an_agent_with_a_nan_weight_is_not_recorded(void)
{
    stage s;
    if (open_stage(&s)) {
        esp_recording r;
        esp_network_weights(s.net, esp_network_find_tensor(s.net, "_pi.4.bias"))[0] = NAN;
        CHECK_FAILS(ESP_ERR_NUMERIC, esp_recording_make(s.pool, &s.record, &r), "not a number");
    }
    close_stage(&s);
}

/* ---- samples ---- */

static void samples_are_what_the_controller_saw_and_did(void)
{
    stage s;
    if (open_stage(&s)) {
        esp_recording r;
        CHECK_OK(esp_recording_make(s.pool, &s.record, &r));
        uint8_t *obs = play_again(&s, &r);
        esp_recorded_samples samples = esp_recording_samples(&r, 1000000, ESP_ALL_COMPONENTS);
        CU_ASSERT_EQUAL_FATAL(samples.calibration.count, EPISODES * TINY_STEPS);
        CU_ASSERT_EQUAL(memcmp(samples.obs, obs, (size_t)EPISODES * TINY_STEPS * IMAGE), 0);
        CU_ASSERT_EQUAL(memcmp(samples.actions, r.actions, EPISODES * TINY_STEPS * sizeof(float)), 0);
        esp_recorded_samples_free(&samples);
        esp_recording_free(&r);
        free(obs);
    }
    close_stage(&s);
}

static void few_samples_are_spread_evenly(void)
{
    stage s;
    if (open_stage(&s)) {
        enum { COUNT = 10 };
        esp_recording r;
        CHECK_OK(esp_recording_make(s.pool, &s.record, &r));
        esp_recorded_samples all = esp_recording_samples(&r, EPISODES * TINY_STEPS, ESP_ALL_COMPONENTS);
        esp_recorded_samples few = esp_recording_samples(&r, COUNT, ESP_ALL_COMPONENTS);
        CU_ASSERT_EQUAL_FATAL(few.calibration.count, COUNT);
        for (int i = 0; i < COUNT; i++) {
            int at = i * EPISODES * TINY_STEPS / COUNT;
            CU_ASSERT_EQUAL(few.actions[i], all.actions[at]);
            CU_ASSERT_EQUAL(memcmp(few.obs + (size_t)i * IMAGE, all.obs + (size_t)at * IMAGE, IMAGE), 0);
        }
        esp_recorded_samples_free(&all);
        esp_recorded_samples_free(&few);
        esp_recording_free(&r);
    }
    close_stage(&s);
}

/* Without noise, encoder and policy, fed by the calibration, reproduce the recorded actions. */
static void fed_samples_give_the_recorded_actions(void)
{
    stage s;
    if (open_stage(&s)) {
        esp_recording r;
        s.record.noise = 0.0;
        CHECK_OK(esp_recording_make(s.pool, &s.record, &r));
        esp_recorded_samples samples = esp_recording_samples(&r, EPISODES * TINY_STEPS,
                                                             esp_controller_components(ESP_CONTROLLER_POLICY));
        const esp_calibration *c = &samples.calibration;
        int n = c->count;
        float *actions = esp_alloc((size_t)n, sizeof *actions);
        esp_tape *encoder = esp_tape_create(s.net, ESP_TOLD_ENCODER, n);
        esp_tape *policy = esp_tape_create(s.net, ESP_TOLD_POLICY, n);
        CU_ASSERT_EQUAL(c->feed[ESP_TOLD_POLICY].source, ESP_TOLD_ENCODER);
        const float *mu = esp_forward(s.net, policy, esp_forward(s.net, encoder, c->feed[ESP_TOLD_ENCODER].data, n), n);
        for (int i = 0; i < n; i++) actions[i] = tanhf(mu[i]);
        CHECK_CLOSE("action", (size_t)n, actions, r.actions, 1e-5, 0.0); /* batches of another size: rounding */
        CHECK_CLOSE("intended", (size_t)n, r.intended, r.actions, 1e-5, 0.0);
        esp_tape_free(encoder);
        esp_tape_free(policy);
        free(actions);
        esp_recorded_samples_free(&samples);
        esp_recording_free(&r);
    }
    close_stage(&s);
}

static void samples_fit_the_network_and_feed_what_the_controller_runs(void)
{
    stage s;
    if (open_stage(&s)) {
        esp_recording r;
        CHECK_OK(esp_recording_make(s.pool, &s.record, &r));
        for (int kind = ESP_CONTROLLER_MPPI; kind <= ESP_CONTROLLER_POLICY; kind++) {
            unsigned components = esp_controller_components((esp_controller_kind)kind);
            esp_recorded_samples samples = esp_recording_samples(&r, 20, components);
            CHECK_OK(esp_calibration_check(s.net, &samples.calibration));
            for (int c = 0; c < ESP_TOLD_COMPONENTS; c++) {
                const esp_feed *feed = &samples.calibration.feed[c];
                CU_ASSERT_EQUAL(feed->data != NULL || feed->source >= 0, components >> c & 1);
            }
            esp_recorded_samples_free(&samples);
        }
        esp_recording_free(&r);
    }
    close_stage(&s);
}

/* ---- replay ---- */

static void the_replay_holds_every_episode_with_scaled_rewards(void)
{
    stage s;
    if (open_stage(&s)) {
        esp_recording r;
        size_t slot = 3 * TINY_STEPS + 4; /* episode 3 from step 4 on */
        uint8_t obs[IMAGE], next_obs[2 * IMAGE];
        float actions[2], rewards[2];
        s.config.train.reward_scale = 0.5;
        CHECK_OK(esp_recording_make(s.pool, &s.record, &r));
        esp_replay *replay = esp_recording_replay(&r, &s.config);
        CU_ASSERT_EQUAL(esp_replay_slots(replay), EPISODES * TINY_STEPS);
        esp_replay_gather(replay, 1, &slot, 2, obs, next_obs, actions, rewards);
        for (int t = 0; t < 2; t++) {
            CU_ASSERT_EQUAL(actions[t], r.actions[slot + t]);
            CU_ASSERT_EQUAL(rewards[t], 0.5f * r.rewards[slot + t]);
        }
        esp_replay_free(replay);
        esp_recording_free(&r);
    }
    close_stage(&s);
}

static CU_TestInfo tests[] = {
    {"recording_a_policy_is_bit_identical_on_one_thread_and_two",
     recording_a_policy_is_bit_identical_on_one_thread_and_two},
    {"recording_a_planner_is_bit_identical_on_one_thread_and_two",
     recording_a_planner_is_bit_identical_on_one_thread_and_two},
    {"recorded_actions_from_the_recording_s_own_starts_give_its_frames_and_rewards",
     recorded_actions_from_the_recording_s_own_starts_give_its_frames_and_rewards},
    {"noise_grows_from_none_to_the_deviation_asked_for", noise_grows_from_none_to_the_deviation_asked_for},
    {"a_recording_without_episodes_or_with_invalid_noise_is_refused",
     a_recording_without_episodes_or_with_invalid_noise_is_refused},
    {"an_agent_with_a_nan_weight_is_not_recorded", an_agent_with_a_nan_weight_is_not_recorded},
    {"samples_are_what_the_controller_saw_and_did", samples_are_what_the_controller_saw_and_did},
    {"few_samples_are_spread_evenly", few_samples_are_spread_evenly},
    {"fed_samples_give_the_recorded_actions", fed_samples_give_the_recorded_actions},
    {"samples_fit_the_network_and_feed_what_the_controller_runs",
     samples_fit_the_network_and_feed_what_the_controller_runs},
    {"the_replay_holds_every_episode_with_scaled_rewards", the_replay_holds_every_episode_with_scaled_rewards},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_record", tests)
