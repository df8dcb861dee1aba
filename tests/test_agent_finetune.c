/* Gradient steps after a cut: zero steps change nothing, more steps bring the pruned policy closer to the dense one
 * and recover return, and a failure or a stop leaves the network unchanged. */
#include <omp.h>
#include <signal.h>

#include "tiny_agent.h"
#include "starts.h"

enum { EPISODES = 12, BATCH = 16, HORIZON = 2 };

/* A dense agent, its recording, and a pruned agent. */
typedef struct {
    esp_agent_config config;
    esp_world    *world;
    esp_pool     *pool;
    esp_network  *dense, *net;
    esp_recording recording;
} stage;

/* Removes half of the units of every prunable axis. */
static esp_network *prune(const esp_network *net)
{
    esp_network *out = NULL;
    esp_ranking ranking;
    esp_cut cut;
    esp_widths widths = esp_widths_full(net);
    for (int i = 0; i < net->num_axes; i++)
        if (net->axis[i].prunable) widths.kept[i] = (widths.kept[i] + 1) / 2;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("l2"), 1, NULL, &ranking));
    esp_cut_make(net, &ranking, &widths, &cut);
    CHECK_OK(esp_surgery(net, &cut, &out));
    esp_cut_free(&cut);
    esp_ranking_free(&ranking);
    return out;
}

/* False, with the reason printed, on a machine without EGL. */
static bool open_stage(stage *s)
{
    esp_simulator *simulator = NULL;
    *s = (stage){.config = tiny_config()};
    s->config.train.batch = BATCH;
    s->config.train.horizon = HORIZON;
    s->config.train.average = 0.9;
    CHECK_OK(esp_world_create(&s->config.env, &s->world));
    s->pool = esp_pool_create(s->world, ESP_EPISODE_BLOCK, true);
    s->dense = tiny_network(&s->config, s->world->num_actions, 1);
    s->net = prune(s->dense);
    esp_status status = esp_pool_simulator(s->pool, &simulator);
    if (status == ESP_ERR_MACHINE) {
        printf("skipped: %s ", esp_error_text());
        return false;
    }
    CHECK_OK(status);
    esp_record_config record = esp_record_config_default();
    record.net = s->dense;
    record.config = &s->config;
    record.episodes = EPISODES;
    CHECK_OK(esp_recording_make(s->pool, &record, &s->recording));
    return true;
}

static void close_stage(stage *s)
{
    esp_recording_free(&s->recording);
    esp_network_free(s->dense);
    esp_network_free(s->net);
    esp_pool_free(s->pool);
    esp_world_free(s->world);
}

static esp_status finetune(const stage *s, esp_controller_kind kind, int steps, esp_network *net)
{
    esp_finetune_config settings = esp_finetune_config_default();
    settings.components = esp_controller_components(kind);
    settings.steps = steps;
    return esp_agent_finetune(net, &s->config, s->dense, &s->recording, &settings);
}

static bool same_weights(const esp_network *a, const esp_network *b)
{
    return a->num_weights == b->num_weights &&
           memcmp(a->weights, b->weights, a->num_weights * sizeof *a->weights) == 0;
}

/* ---- claims ---- */

static void no_steps_change_nothing(void)
{
    stage s;
    if (open_stage(&s)) {
        esp_network *net = esp_network_clone(s.net);
        CHECK_OK(finetune(&s, ESP_CONTROLLER_MPPI, 0, net));
        CU_ASSERT(same_weights(net, s.net));
        esp_network_free(net);
    }
    close_stage(&s);
}

static void check_threads(esp_controller_kind kind)
{
    int threads = omp_get_max_threads();
    stage s;
    if (open_stage(&s)) {
        s.config.train.batch = 40; /* two blocks */
        esp_network *one = esp_network_clone(s.net), *two = esp_network_clone(s.net);
        omp_set_num_threads(1);
        CHECK_OK(finetune(&s, kind, 5, one));
        omp_set_num_threads(2);
        CHECK_OK(finetune(&s, kind, 5, two));
        CU_ASSERT(same_weights(one, two));
        CU_ASSERT(!same_weights(one, s.net));
        esp_network_free(one);
        esp_network_free(two);
    }
    omp_set_num_threads(threads);
    close_stage(&s);
}

static void finetuning_a_policy_is_bit_identical_on_one_thread_and_two(void)
{
    check_threads(ESP_CONTROLLER_POLICY);
}

static void finetuning_a_planner_is_bit_identical_on_one_thread_and_two(void)
{
    check_threads(ESP_CONTROLLER_MPPI);
}

static bool component_changed(const stage *s, const esp_network *net, int component)
{
    const esp_component *c = &net->component[component];
    return memcmp(net->weights + c->offset, s->net->weights + c->offset, c->count * sizeof *net->weights) != 0;
}

static void only_components_that_the_controller_runs_change(void)
{
    stage s;
    if (open_stage(&s)) {
        for (int kind = ESP_CONTROLLER_MPPI; kind <= ESP_CONTROLLER_POLICY; kind++) {
            esp_network *net = esp_network_clone(s.net);
            CHECK_OK(finetune(&s, (esp_controller_kind)kind, 3, net));
            unsigned components = esp_controller_components((esp_controller_kind)kind);
            for (int c = 0; c < ESP_TOLD_COMPONENTS; c++)
                CU_ASSERT_EQUAL(component_changed(&s, net, c), components >> c & 1);
            esp_network_free(net);
        }
    }
    close_stage(&s);
}

/* ---- losses ---- */

/* Mean squared difference to the actions of the dense policy. */
static double action_error(const stage *s, const esp_network *net)
{
    esp_recorded_samples all = esp_recording_samples(&s->recording, EPISODES * TINY_STEPS, ESP_ALL_COMPONENTS);
    int n = all.calibration.count;
    double sum = 0.0;
    esp_tape *encoder = esp_tape_create(net, ESP_TOLD_ENCODER, n), *policy = esp_tape_create(net, ESP_TOLD_POLICY, n);
    const float *mu = esp_forward(net, policy, esp_forward(net, encoder, all.obs, n), n);
    for (int i = 0; i < n; i++) sum += pow(tanh(mu[i]) - s->recording.intended[i], 2.0) / n;
    esp_tape_free(encoder);
    esp_tape_free(policy);
    esp_recorded_samples_free(&all);
    return sum;
}

/* The dense agent's value of a state: min(Q1, Q2) of its policy's action there. */
static float dense_value(const stage *s, const uint8_t *obs)
{
    esp_tape *tape[ESP_TOLD_COMPONENTS];
    float x[64];
    int latent = esp_told_latent(s->dense);
    for (int c = 0; c < ESP_TOLD_COMPONENTS; c++) tape[c] = esp_tape_create(s->dense, c, 1);
    const float *z = esp_forward(s->dense, tape[ESP_TOLD_ENCODER], obs, 1);
    memcpy(x, z, (size_t)latent * sizeof *x);
    x[latent] = tanhf(esp_forward(s->dense, tape[ESP_TOLD_POLICY], z, 1)[0]);
    float value = fminf(esp_forward(s->dense, tape[ESP_TOLD_Q1], x, 1)[0],
                        esp_forward(s->dense, tape[ESP_TOLD_Q2], x, 1)[0]);
    for (int c = 0; c < ESP_TOLD_COMPONENTS; c++) esp_tape_free(tape[c]);
    return value;
}

/* Losses of a network over one fixed batch of the recording: consistency, reward, and value against the dense agent's
 * values. */
static void model_losses(const stage *s, const esp_network *net, double losses[3])
{
    enum { PER_EPISODE = 8, SLOTS = EPISODES * PER_EPISODE, ALL = HORIZON * SLOTS };
    size_t image = (size_t)net->component[ESP_TOLD_ENCODER].in_size, slots[SLOTS];
    float actions[ALL], rewards[ALL], target[ALL], weights[SLOTS], noise[ALL + SLOTS] = {0};
    uint8_t *obs = esp_alloc(SLOTS, image), *next_obs = esp_alloc(ALL, image);
    esp_network *copy = esp_network_clone(net);
    esp_updater *updater = esp_updater_create(copy, &s->config.loss, SLOTS, HORIZON);
    esp_replay *replay = esp_recording_replay(&s->recording, &s->config);
    for (int i = 0; i < SLOTS; i++) {
        slots[i] = (size_t)(i / PER_EPISODE * TINY_STEPS + i % PER_EPISODE);
        weights[i] = 1.0f;
    }
    esp_replay_gather(replay, SLOTS, slots, HORIZON, obs, next_obs, actions, rewards);
    for (int i = 0; i < ALL; i++)
        target[i] = rewards[i] + (float)s->config.loss.discount * dense_value(s, next_obs + i * image);
    esp_batch batch = {.batch = SLOTS, .horizon = HORIZON, .obs = obs, .next_obs = next_obs, .actions = actions,
                       .rewards = rewards, .weights = weights, .td_noise = noise, .pi_noise = noise,
                       .td_target = target};
    CHECK_OK(esp_updater_step(updater, &batch, 0, 0.0));
    CU_ASSERT_EQUAL(memcmp(updater->record.td_target, target, sizeof target), 0);
    const float *const by_sample[] = {updater->record.consistency_loss, updater->record.reward_loss,
                                      updater->record.value_loss};
    for (int l = 0; l < 3; l++) {
        losses[l] = 0.0;
        for (int i = 0; i < SLOTS; i++) losses[l] += by_sample[l][i] / SLOTS;
    }
    esp_replay_free(replay);
    esp_updater_free(updater);
    esp_network_free(copy);
    free(obs);
    free(next_obs);
}

static void the_pruned_policy_comes_closer_to_the_dense_one(void)
{
    stage s;
    if (open_stage(&s)) {
        double before = action_error(&s, s.net);
        CHECK_OK(finetune(&s, ESP_CONTROLLER_POLICY, 300, s.net));
        CU_ASSERT(action_error(&s, s.net) < 0.3 * before);
    }
    close_stage(&s);
}

static void the_losses_of_the_model_fall(void)
{
    stage s;
    if (open_stage(&s)) {
        double before[3], after[3], error = action_error(&s, s.net);
        model_losses(&s, s.net, before);
        CHECK_OK(finetune(&s, ESP_CONTROLLER_MPPI, 200, s.net));
        model_losses(&s, s.net, after);
        for (int l = 0; l < 3; l++) CU_ASSERT(after[l] < 0.7 * before[l]);
        CU_ASSERT(action_error(&s, s.net) < error);
    }
    close_stage(&s);
}

/* ---- return ---- */

static double mean_return(const stage *s, const esp_network *net)
{
    enum { COUNT = 20 };
    esp_episode episodes[COUNT];
    esp_trajectory trajectories[COUNT] = {{0}};
    double mean = 0.0;
    esp_episodes_name(1, ESP_EPISODES_REPORT, START_RANDOM, COUNT, episodes);
    esp_evaluation ev = {.net = net, .config = &s->config, .kind = ESP_CONTROLLER_POLICY, .episodes = episodes,
                         .count = COUNT};
    CHECK_OK(esp_evaluate(s->pool, &ev, NULL, trajectories));
    for (int i = 0; i < COUNT; i++) mean += trajectories[i].episode_return / COUNT;
    return mean;
}

/* The tiny agent is untrained, so its return is no better than another agent's; but a pruned agent that acts like it
 * again must get the same return. */
static void the_return_recovers_towards_that_of_the_dense_agent(void)
{
    stage s;
    if (open_stage(&s)) {
        double dense = mean_return(&s, s.dense), cut = mean_return(&s, s.net);
        CHECK_OK(finetune(&s, ESP_CONTROLLER_POLICY, 300, s.net));
        CU_ASSERT(fabs(mean_return(&s, s.net) - dense) < 0.5 * fabs(cut - dense));
    }
    close_stage(&s);
}

/* ---- what can go wrong ---- */

static void a_recording_of_another_agent_is_refused(void)
{
    stage s;
    if (open_stage(&s)) {
        esp_network *net = esp_network_clone(s.net);
        s.recording.stack++;
        CHECK_FAILS(ESP_ERR_SHAPE, finetune(&s, ESP_CONTROLLER_POLICY, 1, net), "recording");
        s.recording.stack--;
        s.config.train.horizon = TINY_STEPS;
        CHECK_FAILS(ESP_ERR_RANGE, finetune(&s, ESP_CONTROLLER_POLICY, 1, net), "train.horizon");
        CU_ASSERT(same_weights(net, s.net));
        esp_network_free(net);
    }
    close_stage(&s);
}

static void interrupt_at_ten(void *context, const char *task, double done, double total, const char *detail)
{
    (void)context;
    (void)total;
    (void)detail;
    if (strcmp(task, "finetune") == 0 && done == 10) raise(SIGINT);
}

/* This test comes last, because the signal cannot be taken back. */
static void a_stop_leaves_the_network_as_it_was(void)
{
    stage s;
    if (open_stage(&s)) {
        esp_network *net = esp_network_clone(s.net);
        esp_interrupt_install();
        esp_log_to(NULL, interrupt_at_ten, NULL);
        CHECK_FAILS(ESP_ERR_INTERRUPTED, finetune(&s, ESP_CONTROLLER_POLICY, 100, net), "");
        CU_ASSERT(same_weights(net, s.net));
        esp_network_free(net);
    }
    close_stage(&s);
}

static CU_TestInfo tests[] = {
    {"no_steps_change_nothing", no_steps_change_nothing},
    {"finetuning_a_policy_is_bit_identical_on_one_thread_and_two",
     finetuning_a_policy_is_bit_identical_on_one_thread_and_two},
    {"finetuning_a_planner_is_bit_identical_on_one_thread_and_two",
     finetuning_a_planner_is_bit_identical_on_one_thread_and_two},
    {"only_components_that_the_controller_runs_change", only_components_that_the_controller_runs_change},
    {"the_pruned_policy_comes_closer_to_the_dense_one", the_pruned_policy_comes_closer_to_the_dense_one},
    {"the_losses_of_the_model_fall", the_losses_of_the_model_fall},
    {"the_return_recovers_towards_that_of_the_dense_agent", the_return_recovers_towards_that_of_the_dense_agent},
    {"a_recording_of_another_agent_is_refused", a_recording_of_another_agent_is_refused},
    {"a_stop_leaves_the_network_as_it_was", a_stop_leaves_the_network_as_it_was},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_finetune", tests)
