/* A training run reaches its end, and a run that was stopped resumes as if nothing had happened. */
#include "tiny_agent.h"
#include "training_runs.h"

enum { EVAL_EVERY = 40, UPDATES = 135, BUFFER = 20 };

/* A run with all features: averaged weights, shifts, exploration, and a buffer that is full in the
 * end. */
static esp_agent_config run_config(void)
{
    esp_agent_config config = tiny_config();
    config.train.updates = UPDATES;
    config.train.reward_updates = EVAL_EVERY; /* the reward changes exactly where a state is saved */
    config.train.batch = 8;
    config.train.horizon = 2;
    config.train.reward = "mixed";
    config.train.buffer = BUFFER;
    config.train.seed_episodes = 18;
    config.train.pretrain = 110;
    config.train.cycle_episodes = 3;
    config.train.cycle_updates = 10;
    config.train.augment = 1;
    config.train.learning_rate_end = 0.5;
    config.train.average = 0.9;
    config.train.eval_every = EVAL_EVERY;
    config.train.eval_episodes = 2;
    return config;
}

static esp_status train_as(const esp_agent_config *config, const char *run, bool resume)
{
    char *dir = run_dir(run);
    esp_status status = esp_train(config, &(esp_run_request){.folder = dir, .resume = resume});
    free(dir);
    return status;
}

static esp_status train_here(const char *run, bool resume)
{
    esp_agent_config config = run_config();
    return train_as(&config, run, resume);
}

/* Counter 5, and the last of the window. */
static bool is_clock(const esp_st_tensor *tensor, size_t i)
{
    if (strcmp(tensor->name, "counters") == 0) return i == 5;
    return strcmp(tensor->name, "window") == 0 && i == tensor->count - 1;
}

/* ---- claims ---- */

static void a_run_reaches_its_end_and_leaves_an_agent(void)
{
    if (!whole_run()) return;
    esp_agent_config config = run_config();
    esp_agent_checkpoint best = {0};
    char *path = run_file("whole", "checkpoint.safetensors");
    CHECK_OK(esp_agent_checkpoint_read(path, NULL, &best));
    CU_ASSERT_EQUAL(best.config.train.updates, UPDATES);
    CU_ASSERT_EQUAL(best.config.network.latent, config.network.latent);
    CU_ASSERT_EQUAL(steps_done("whole"), UPDATES);
    esp_agent_checkpoint_free(&best);
    free(path);
}

/* Updates 40, 80, 120 and 135 are evaluated; update 100 has a line for losses only. */
static void metrics_list_every_evaluation_once(void)
{
    static const int expected[] = {40, 80, 100, 120, 135};
    if (!whole_run()) return;
    cJSON *lines = read_metrics("whole");
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(lines), 5);
    for (int i = 0; i < 5; i++) {
        const cJSON *line = cJSON_GetArrayItem(lines, i), *item;
        CU_ASSERT_EQUAL(cJSON_GetNumberValue(cJSON_GetObjectItem(line, "update")), expected[i]);
        CU_ASSERT((cJSON_GetObjectItem(line, expected[i] == 100 ? "loss" : "score")) != NULL);
        cJSON_ArrayForEach(item, line) CU_ASSERT(cJSON_IsNumber(item));
    }
    cJSON_Delete(lines);
}

/* Stopped during pretraining, 20 updates after the first saved state. */
static void a_run_stopped_early_and_resumed_ends_with_the_same_bytes(void)
{
    if (!whole_run()) return;
    CU_ASSERT_EQUAL(train("early", false, (stop){ASKED, 60}, 2), ESP_ERR_INTERRUPTED);
    CU_ASSERT_EQUAL(steps_done("early"), EVAL_EVERY);
    CU_ASSERT_EQUAL(train("early", true, (stop){NEVER, 0}, 2), ESP_OK);
    check_same_run("early");
}

/* Killed after the buffer had begun to drop its first episodes, in the middle of writing a line;
 * then resumed with another number of threads. */
static void a_run_killed_late_and_resumed_ends_with_the_same_bytes(void)
{
    if (!whole_run()) return;
    CU_ASSERT_EQUAL(train("late", false, (stop){KILLED, 130}, 2), ESP_OK);
    CU_ASSERT_EQUAL(steps_done("late"), 3 * EVAL_EVERY);
    append_metrics("late", "{\"update\":130,\"score\":1}\n{\"update\":13");
    CU_ASSERT_EQUAL(train("late", true, (stop){NEVER, 0}, 1), ESP_OK);
    check_same_run("late");
}

static void a_run_killed_before_its_first_state_starts_again(void)
{
    if (!whole_run()) return;
    CU_ASSERT_EQUAL(train("none", false, (stop){KILLED, 10}, 2), ESP_OK);
    CU_ASSERT_EQUAL(train("none", true, (stop){NEVER, 0}, 2), ESP_OK);
    check_same_run("none");
}

static void an_ended_run_resumed_stays_as_it_is(void)
{
    if (!whole_run()) return;
    CU_ASSERT_EQUAL(train("whole", true, (stop){NEVER, 0}, 2), ESP_OK);
    CU_ASSERT_EQUAL(steps_done("whole"), UPDATES);
}

static void a_folder_with_a_run_is_refused_without_resume(void)
{
    if (!whole_run()) return;
    CHECK_FAILS(ESP_ERR_USAGE, train_here("whole", false), "--resume");
    CU_ASSERT_EQUAL(steps_done("whole"), UPDATES);
}

static void resuming_with_another_configuration_is_refused(void)
{
    if (!whole_run()) return;
    esp_agent_config config = run_config();
    config.loss.rho = 0.25;
    CHECK_FAILS(ESP_ERR_USAGE, train_as(&config, "whole", true), "another configuration");
}

static void a_damaged_state_is_refused_by_name(void)
{
    if (!whole_run()) return;
    size_t size = 0;
    char *path = run_file("whole", "state.safetensors"), *state = read_file("whole", "state.safetensors", &size);
    CHECK_OK(esp_file_write(path, state, size / 2));
    CHECK_FAILS(ESP_ERR_FORMAT, train_here("whole", true), "state.safetensors");
    CHECK_OK(esp_file_write(path, state, size));
    free(state);
    free(path);
}

static void every_number_of_a_state_is_checked_before_it_is_used(void)
{
    static const state_mistake mistakes[] = {
        {"counters", 0, 0, UPDATES - 1, ESP_ERR_RANGE, "updates are done"},
        {"counters", 0, 0, INT64_MAX, ESP_ERR_RANGE, "updates are done"},
        {"counters", 1, 0, INT64_MAX, ESP_ERR_RANGE, "episodes after"},
        {"counters", 2, 0, INT64_MAX, ESP_ERR_RANGE, "Adam of the model has made 9223372036854775807 steps"},
        {"counters", 3, 0, -1, ESP_ERR_RANGE, "Adam of the policy has made -1 steps"},
        {"counters", 4, 0, 0x7ff8000000000000, ESP_ERR_NUMERIC, "the best score is nan"},
        {"counters", 5, 0, 0x7ff0000000000000, ESP_ERR_NUMERIC, "the time spent is inf"},
        {"counters", 5, 0, INT64_MIN + 0x3ff0000000000000, ESP_ERR_NUMERIC, "the time spent is -1"},
        {"window", 2, 0, 0x7ff8000000000000, ESP_ERR_NUMERIC, "metrics is nan"},
        {"model", 3, NAN, 0, ESP_ERR_NUMERIC, "tensor 'model' is nan at index 3"},
        {"model", 4, 3e38f, 0, ESP_ERR_NUMERIC, "tensor 'model' is 3e+38 at index 4"},
        {"target", 0, NAN, 0, ESP_ERR_NUMERIC, "tensor 'target' is nan"},
        {"average", 0, INFINITY, 0, ESP_ERR_NUMERIC, "tensor 'average' is inf"},
        {"model_adam.m", 1, -INFINITY, 0, ESP_ERR_NUMERIC, "tensor 'model_adam.m' is -inf"},
        {"model_adam.v", 1, NAN, 0, ESP_ERR_NUMERIC, "tensor 'model_adam.v' is nan"},
        {"policy_adam.m", 1, NAN, 0, ESP_ERR_NUMERIC, "tensor 'policy_adam.m' is nan"},
        {"policy_adam.v", 1, -1e-9f, 0, ESP_ERR_NUMERIC, "tensor 'policy_adam.v' is -1e-09"},
        {"priorities", 0, NAN, 0, ESP_ERR_NUMERIC, "tensor 'priorities' is nan"},
        {"priorities", 0, -1, 0, ESP_ERR_NUMERIC, "tensor 'priorities' is -1"},
        {"actions", 0, 1.5f, 0, ESP_ERR_NUMERIC, "tensor 'actions' is 1.5 at index 0, expected a number from -1 to 1"},
    };
    if (!whole_run()) return;
    check_state_mistakes("whole", mistakes, sizeof mistakes / sizeof *mistakes);
}

static void a_configuration_that_cannot_work_is_refused_before_anything_is_written(void)
{
    esp_agent_config config = run_config();
    char *dir = run_dir("refused");
    config.train.horizon = TINY_STEPS;
    CHECK_FAILS(ESP_ERR_RANGE, train_as(&config, "refused", false), "train.horizon");
    CU_ASSERT_NOT_EQUAL(access(dir, F_OK), 0);
    free(dir);
}

static CU_TestInfo tests[] = {
    {"a_run_reaches_its_end_and_leaves_an_agent", a_run_reaches_its_end_and_leaves_an_agent},
    {"metrics_list_every_evaluation_once", metrics_list_every_evaluation_once},
    {"a_run_stopped_early_and_resumed_ends_with_the_same_bytes",
     a_run_stopped_early_and_resumed_ends_with_the_same_bytes},
    {"a_run_killed_late_and_resumed_ends_with_the_same_bytes", a_run_killed_late_and_resumed_ends_with_the_same_bytes},
    {"a_run_killed_before_its_first_state_starts_again", a_run_killed_before_its_first_state_starts_again},
    {"an_ended_run_resumed_stays_as_it_is", an_ended_run_resumed_stays_as_it_is},
    {"a_folder_with_a_run_is_refused_without_resume", a_folder_with_a_run_is_refused_without_resume},
    {"resuming_with_another_configuration_is_refused", resuming_with_another_configuration_is_refused},
    {"a_damaged_state_is_refused_by_name", a_damaged_state_is_refused_by_name},
    {"every_number_of_a_state_is_checked_before_it_is_used", every_number_of_a_state_is_checked_before_it_is_used},
    {"a_configuration_that_cannot_work_is_refused_before_anything_is_written",
     a_configuration_that_cannot_work_is_refused_before_anything_is_written},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_train", tests)
