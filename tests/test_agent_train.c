/* A training run goes to its end, and one that was stopped goes on as if nothing had happened. Every
 * run is a process of its own, as for the user: a stop leaves nothing behind but files. */
#include <omp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tiny_agent.h"

enum { EVAL_EVERY = 40, UPDATES = 135, BUFFER = 20 };

static char folder[] = "/tmp/espalier-train-XXXXXX";
static pid_t owner;

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
    owner = getpid();
}

__attribute__((destructor)) static void remove_folder(void)
{
    static const char *const runs[] = {"whole", "early", "late", "none", "refused"};
    static const char *const files[] = {"checkpoint.safetensors", "state.safetensors", "metrics.jsonl", "config.json"};
    char path[128];
    if (getpid() != owner) return;
    for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
        for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
            snprintf(path, sizeof path, "%s/%s/%s", folder, runs[r], files[f]);
            unlink(path);
        }
        snprintf(path, sizeof path, "%s/%s", folder, runs[r]);
        rmdir(path);
    }
    rmdir(folder);
}

/* Everything a run has: averaged weights, shifts, exploration, and a buffer that is full in the end. */
static esp_agent_config run_config(void)
{
    esp_agent_config config = tiny_config();
    config.train.updates = UPDATES;
    config.train.reward_updates = EVAL_EVERY; /* the reward changes right where a state is saved */
    config.train.batch = 8;
    config.train.horizon = 2;
    config.train.reward = ESP_REWARD_MIXED;
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

/* ---- runs as processes ---- */

static char *run_dir(const char *run)
{
    return esp_path_join(folder, run);
}

static char *run_file(const char *run, const char *file)
{
    char *dir = run_dir(run), *path = esp_path_join(dir, file);
    free(dir);
    return path;
}

/* How a run ends before its end. */
typedef enum { NEVER, ASKED, KILLED } stop_kind;
typedef struct { stop_kind kind; int update; } stop;

static void stop_at_update(void *context, const char *task, double done, double total, const char *detail)
{
    const stop *s = context;
    (void)total;
    (void)detail;
    if (strcmp(task, "train") != 0 || done < s->update) return;
    if (s->kind == ASKED) raise(SIGINT);
    if (s->kind == KILLED) _exit(0);
}

static _Noreturn void train_in_this_process(const esp_agent_config *config, const char *run, bool resume, stop s,
                                            int threads)
{
    char *dir = run_dir(run);
    omp_set_num_threads(threads);
    esp_interrupt_install();
    esp_log_to(NULL, s.kind == NEVER ? NULL : stop_at_update, &s);
    esp_status status = esp_train(config, dir, resume);
    if (status != ESP_OK && status != ESP_ERR_INTERRUPTED) printf("%s ", esp_error_text());
    free(dir);
    exit(status);
}

/* The status of a run in a new process; a killed one counts as ESP_OK. */
static esp_status train(const char *run, bool resume, stop s, int threads)
{
    esp_agent_config config = run_config();
    int ended = 0;
    fflush(NULL);
    pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) train_in_this_process(&config, run, resume, s, threads);
    CU_ASSERT_EQUAL_FATAL(waitpid(child, &ended, 0), child);
    CU_ASSERT_FATAL(WIFEXITED(ended));
    return (esp_status)WEXITSTATUS(ended);
}

/* The run that was never stopped, made once; false on a machine without EGL. */
static bool whole_run(void)
{
    static bool made;
    static esp_status status;
    if (!made) status = train("whole", false, (stop){NEVER, 0}, 2);
    made = true;
    if (status == ESP_ERR_MACHINE) printf("skipped ");
    else CU_ASSERT_EQUAL_FATAL(status, ESP_OK);
    return status == ESP_OK;
}

/* ---- what runs leave behind ---- */

static char *read_file(const char *run, const char *file, size_t *size)
{
    char *path = run_file(run, file), *data = NULL;
    CHECK_OK(esp_file_read(path, (size_t)1 << 26, &data, size));
    free(path);
    return data;
}

static bool same_bytes(const char *a, const char *b, const char *file)
{
    size_t first_size = 0, second_size = 0;
    char *first = read_file(a, file, &first_size), *second = read_file(b, file, &second_size);
    bool same = first_size == second_size && memcmp(first, second, first_size) == 0;
    free(first);
    free(second);
    return same;
}

/* The fields of state.safetensors that hold seconds: counter 5, and the last of the window. */
static bool is_clock(const esp_st_tensor *tensor, size_t i)
{
    if (strcmp(tensor->name, "counters") == 0) return i == 5;
    return strcmp(tensor->name, "window") == 0 && i == tensor->count - 1;
}

static bool same_tensor(const esp_st_tensor *a, const esp_st_tensor *b)
{
    size_t width = a->dtype == ESP_I64 ? 8 : a->dtype == ESP_F32 ? 4 : 1;
    if (strcmp(a->name, b->name) != 0 || a->count != b->count || a->dtype != b->dtype) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!is_clock(a, i) && memcmp((const char *)a->data + i * width, (const char *)b->data + i * width, width) != 0)
            return false;
    return true;
}

static esp_safetensors *read_state(const char *run)
{
    char *path = run_file(run, "state.safetensors");
    esp_safetensors *file = NULL;
    CHECK_OK(esp_safetensors_read(path, &file));
    free(path);
    return file;
}

static void check_same_state(const char *a, const char *b)
{
    esp_safetensors *first = read_state(a), *second = read_state(b);
    CU_ASSERT_EQUAL_FATAL(first->count, second->count);
    for (int i = 0; i < first->count; i++) {
        bool same = same_tensor(&first->tensor[i], &second->tensor[i]);
        if (!same) printf("\n    '%s' differs ", first->tensor[i].name);
        CU_ASSERT(same);
    }
    esp_safetensors_free(first);
    esp_safetensors_free(second);
}

/* The lines of metrics.jsonl without their wall-clock keys, one after another in an array. */
static cJSON *read_metrics(const char *run)
{
    size_t size = 0;
    char *data = read_file(run, "metrics.jsonl", &size);
    cJSON *lines = cJSON_CreateArray();
    for (char *line = data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        cJSON *json = NULL;
        CHECK_OK(esp_json_parse(line, (size_t)(end - line), "metrics.jsonl", &json));
        cJSON_DeleteItemFromObject(json, "wall_s");
        cJSON_DeleteItemFromObject(json, "ms_per_update");
        cJSON_AddItemToArray(lines, json);
    }
    free(data);
    return lines;
}

static void check_same_run(const char *run)
{
    cJSON *metrics = read_metrics(run), *expected = read_metrics("whole");
    CU_ASSERT(same_bytes("whole", run, "checkpoint.safetensors"));
    CU_ASSERT(same_bytes("whole", run, "config.json"));
    CU_ASSERT(cJSON_Compare(metrics, expected, true));
    check_same_state("whole", run);
    cJSON_Delete(metrics);
    cJSON_Delete(expected);
}

static int64_t updates_done(const char *run)
{
    esp_safetensors *state = read_state(run);
    int64_t update = ((const int64_t *)esp_safetensors_find(state, "counters")->data)[0];
    esp_safetensors_free(state);
    return update;
}

/* ---- claims ---- */

static void a_run_reaches_its_end_and_leaves_an_agent(void)
{
    if (!whole_run()) return;
    esp_agent_config config = run_config();
    esp_checkpoint best = {0};
    char *path = run_file("whole", "checkpoint.safetensors");
    CHECK_OK(esp_checkpoint_read(path, NULL, &best));
    CU_ASSERT_EQUAL(best.config.train.updates, UPDATES);
    CU_ASSERT_EQUAL(best.config.network.latent, config.network.latent);
    CU_ASSERT_EQUAL(updates_done("whole"), UPDATES);
    esp_checkpoint_free(&best);
    free(path);
}

/* Updates 40, 80, 120 and 135 were evaluated; the window of update 100 tells of losses. */
static void metrics_tell_of_every_evaluation_once(void)
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

/* Stopped within the pretraining, 20 updates after the first saved state. */
static void a_run_stopped_early_and_resumed_ends_with_the_same_bytes(void)
{
    if (!whole_run()) return;
    CU_ASSERT_EQUAL(train("early", false, (stop){ASKED, 60}, 2), ESP_ERR_INTERRUPTED);
    CU_ASSERT_EQUAL(updates_done("early"), EVAL_EVERY);
    CU_ASSERT_EQUAL(train("early", true, (stop){NEVER, 0}, 2), ESP_OK);
    check_same_run("early");
}

/* Killed when the buffer had begun to lose its first episodes, while a line was being written; then
 * resumed on another number of threads. */
static void a_run_killed_late_and_resumed_ends_with_the_same_bytes(void)
{
    if (!whole_run()) return;
    CU_ASSERT_EQUAL(train("late", false, (stop){KILLED, 130}, 2), ESP_OK);
    CU_ASSERT_EQUAL(updates_done("late"), 3 * EVAL_EVERY);
    static const char later[] = "{\"update\":130,\"score\":1}\n{\"update\":13";
    char *path = run_file("late", "metrics.jsonl");
    CHECK_OK(esp_file_append(path, later, sizeof later - 1));
    free(path);
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
    CU_ASSERT_EQUAL(updates_done("whole"), UPDATES);
}

static void a_folder_with_a_run_is_refused_without_resume(void)
{
    if (!whole_run()) return;
    esp_agent_config config = run_config();
    char *dir = run_dir("whole");
    CHECK_FAILS(ESP_ERR_USAGE, esp_train(&config, dir, false), "--resume");
    CU_ASSERT_EQUAL(updates_done("whole"), UPDATES);
    free(dir);
}

static void resuming_with_another_configuration_is_refused(void)
{
    if (!whole_run()) return;
    esp_agent_config config = run_config();
    char *dir = run_dir("whole");
    config.loss.rho = 0.25;
    CHECK_FAILS(ESP_ERR_USAGE, esp_train(&config, dir, true), "another configuration");
    free(dir);
}

static void a_damaged_state_is_refused_by_name(void)
{
    if (!whole_run()) return;
    esp_agent_config config = run_config();
    size_t size = 0;
    char *dir = run_dir("whole"), *path = run_file("whole", "state.safetensors");
    char *state = read_file("whole", "state.safetensors", &size);
    CHECK_OK(esp_file_write(path, state, size / 2));
    CHECK_FAILS(ESP_ERR_FORMAT, esp_train(&config, dir, true), "state.safetensors");
    CHECK_OK(esp_file_write(path, state, size));
    free(state);
    free(path);
    free(dir);
}

static void a_configuration_that_cannot_work_is_refused_before_anything_is_written(void)
{
    esp_agent_config config = run_config();
    char *dir = run_dir("refused");
    config.train.horizon = TINY_STEPS;
    CHECK_FAILS(ESP_ERR_RANGE, esp_train(&config, dir, false), "train.horizon");
    CU_ASSERT_NOT_EQUAL(access(dir, F_OK), 0);
    free(dir);
}

static CU_TestInfo tests[] = {
    {"a_run_reaches_its_end_and_leaves_an_agent", a_run_reaches_its_end_and_leaves_an_agent},
    {"metrics_tell_of_every_evaluation_once", metrics_tell_of_every_evaluation_once},
    {"a_run_stopped_early_and_resumed_ends_with_the_same_bytes",
     a_run_stopped_early_and_resumed_ends_with_the_same_bytes},
    {"a_run_killed_late_and_resumed_ends_with_the_same_bytes", a_run_killed_late_and_resumed_ends_with_the_same_bytes},
    {"a_run_killed_before_its_first_state_starts_again", a_run_killed_before_its_first_state_starts_again},
    {"an_ended_run_resumed_stays_as_it_is", an_ended_run_resumed_stays_as_it_is},
    {"a_folder_with_a_run_is_refused_without_resume", a_folder_with_a_run_is_refused_without_resume},
    {"resuming_with_another_configuration_is_refused", resuming_with_another_configuration_is_refused},
    {"a_damaged_state_is_refused_by_name", a_damaged_state_is_refused_by_name},
    {"a_configuration_that_cannot_work_is_refused_before_anything_is_written",
     a_configuration_that_cannot_work_is_refused_before_anything_is_written},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_train", tests)
