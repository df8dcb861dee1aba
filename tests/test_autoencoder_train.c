/* A training run learns, and one that was stopped goes on as if nothing had happened. Every run is a
 * process of its own, as for the user: a stop leaves nothing behind but files. */
#include <omp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "small_autoencoder.h"

enum { IMAGES = 40, TEST_IMAGES = 20, BATCH = 12, EPOCHS = 5, STEPS_PER_EPOCH = 3 };

static char folder[] = "/tmp/espalier-train-XXXXXX";
static pid_t owner;

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
    owner = getpid();
}

__attribute__((destructor)) static void remove_folder(void)
{
    static const char *const runs[] = {"whole", "asked", "killed", "none", "refused"};
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

/* Everything a run has: averaged weights, shifts, and statistics that are frozen in the middle. */
static esp_autoencoder_config run_config(void)
{
    esp_autoencoder_config config = esp_autoencoder_config_default();
    config.train.epochs = EPOCHS;
    config.train.batch = BATCH;
    config.train.learning_rate = 1e-4;
    config.train.warmup = 5;
    config.train.batch_statistics = 0.5;
    config.train.average = 0.9;
    config.train.shift = 1;
    config.train.eval_every = 2;
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
typedef struct { stop_kind kind; int step; } stop;

static void stop_at_step(void *context, const char *task, double done, double total, const char *detail)
{
    const stop *s = context;
    (void)total;
    (void)detail;
    if (strcmp(task, "train") != 0 || done < s->step) return;
    if (s->kind == ASKED) raise(SIGINT);
    if (s->kind == KILLED) raise(SIGKILL);
}

static esp_status train_here(const esp_autoencoder_config *config, const char *run, bool resume)
{
    esp_images train = rectangles(IMAGES), test = rectangles(TEST_IMAGES);
    char *dir = run_dir(run);
    esp_status status = esp_autoencoder_train(config, &train, &test, dir, resume);
    free(dir);
    esp_images_free(&train);
    esp_images_free(&test);
    return status;
}

static _Noreturn void train_in_this_process(const char *run, bool resume, stop s, int threads)
{
    esp_autoencoder_config config = run_config();
    omp_set_num_threads(threads);
    esp_interrupt_install();
    esp_log_to(NULL, s.kind == NEVER ? NULL : stop_at_step, &s);
    esp_status status = train_here(&config, run, resume);
    if (status != ESP_OK && status != ESP_ERR_INTERRUPTED) printf("%s ", esp_error_text());
    exit(status);
}

/* The status of a run in a new process; a killed one counts as ESP_OK. OpenMP's threads do not survive
 * a fork, so no test before may have started any in this process. */
static esp_status train(const char *run, bool resume, stop s, int threads)
{
    int ended = 0;
    fflush(NULL);
    pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) train_in_this_process(run, resume, s, threads);
    CU_ASSERT_EQUAL_FATAL(waitpid(child, &ended, 0), child);
    if (s.kind == KILLED) {
        CU_ASSERT_FATAL(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);
        return ESP_OK;
    }
    CU_ASSERT_FATAL(WIFEXITED(ended));
    return (esp_status)WEXITSTATUS(ended);
}

/* The run that was never stopped, made once. */
static void whole_run(void)
{
    static bool made;
    if (!made) CU_ASSERT_EQUAL_FATAL(train("whole", false, (stop){NEVER, 0}, 2), ESP_OK);
    made = true;
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

static esp_safetensors *read_state(const char *run)
{
    char *path = run_file(run, "state.safetensors");
    esp_safetensors *file = NULL;
    CHECK_OK(esp_safetensors_read(path, &file));
    free(path);
    return file;
}

/* All arrays but the counters, which hold seconds. */
static void check_same_state(const char *a, const char *b)
{
    esp_safetensors *first = read_state(a), *second = read_state(b);
    CU_ASSERT_EQUAL_FATAL(first->count, second->count);
    for (int i = 0; i < first->count; i++) {
        const esp_st_tensor *x = &first->tensor[i], *y = &second->tensor[i];
        if (x->dtype != ESP_F32) continue;
        CU_ASSERT_EQUAL_FATAL(x->count, y->count);
        CU_ASSERT_EQUAL(memcmp(x->data, y->data, x->count * sizeof(float)), 0);
    }
    esp_safetensors_free(first);
    esp_safetensors_free(second);
}

/* The lines of metrics.jsonl without the wall clock, one after another in an array. */
static cJSON *read_metrics(const char *run)
{
    size_t size = 0;
    char *data = read_file(run, "metrics.jsonl", &size);
    cJSON *lines = cJSON_CreateArray();
    for (char *line = data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        cJSON *json = NULL;
        CHECK_OK(esp_json_parse(line, (size_t)(end - line), "metrics.jsonl", &json));
        cJSON_DeleteItemFromObject(json, "wall_s");
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

static int64_t steps_done(const char *run)
{
    esp_safetensors *state = read_state(run);
    int64_t step = ((const int64_t *)esp_safetensors_find(state, "counters")->data)[0];
    esp_safetensors_free(state);
    return step;
}

static double metric(const cJSON *lines, int index, const char *key)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItem(cJSON_GetArrayItem(lines, index), key));
}

/* ---- claims ---- */

static void a_run_lowers_the_error_and_leaves_an_autoencoder(void)
{
    whole_run();
    esp_autoencoder_checkpoint result = {0};
    cJSON *lines = read_metrics("whole");
    char *path = run_file("whole", "checkpoint.safetensors");
    CU_ASSERT(metric(lines, 3, "test_mse") < metric(lines, 0, "test_mse"));
    CHECK_OK(esp_autoencoder_checkpoint_read(path, NULL, &result));
    CU_ASSERT_EQUAL(result.config.train.epochs, EPOCHS);
    CU_ASSERT_EQUAL(steps_done("whole"), EPOCHS * STEPS_PER_EPOCH);
    esp_autoencoder_checkpoint_free(&result);
    cJSON_Delete(lines);
    free(path);
}

/* Before the first step, every second epoch, and the end. */
static void metrics_tell_of_every_evaluation_once(void)
{
    static const int expected[] = {0, 2, 4, 5};
    whole_run();
    cJSON *lines = read_metrics("whole");
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(lines), 4);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(metric(lines, i, "epoch"), expected[i]);
        CU_ASSERT(metric(lines, i, "test_mse") > 0.0);
        CU_ASSERT(i == 0 || metric(lines, i, "train_mse") > 0.0);
    }
    cJSON_Delete(lines);
}

static void one_thread_gives_the_same_bytes(void)
{
    whole_run();
    CU_ASSERT_EQUAL(train("none", false, (stop){NEVER, 0}, 1), ESP_OK);
    check_same_run("none");
}

/* Asked to stop by Ctrl-C in the third epoch: the state is that of the second. */
static void a_run_asked_to_stop_and_resumed_ends_with_the_same_bytes(void)
{
    whole_run();
    CU_ASSERT_EQUAL(train("asked", false, (stop){ASKED, 8}, 2), ESP_ERR_INTERRUPTED);
    CU_ASSERT_EQUAL(steps_done("asked"), 2 * STEPS_PER_EPOCH);
    CU_ASSERT_EQUAL(train("asked", true, (stop){NEVER, 0}, 2), ESP_OK);
    check_same_run("asked");
}

/* Killed after statistics were frozen, while a line was being written; then resumed on another number
 * of threads. */
static void a_run_killed_and_resumed_ends_with_the_same_bytes(void)
{
    whole_run();
    CU_ASSERT_EQUAL(train("killed", false, (stop){KILLED, 13}, 2), ESP_OK);
    CU_ASSERT_EQUAL(steps_done("killed"), 4 * STEPS_PER_EPOCH);
    static const char later[] = "{\"epoch\":5,\"train_mse\":1}\n{\"epoch\":5";
    char *path = run_file("killed", "metrics.jsonl");
    CHECK_OK(esp_file_append(path, later, sizeof later - 1));
    free(path);
    CU_ASSERT_EQUAL(train("killed", true, (stop){NEVER, 0}, 1), ESP_OK);
    check_same_run("killed");
}

static void an_ended_run_resumed_stays_as_it_is(void)
{
    whole_run();
    CU_ASSERT_EQUAL(train("whole", true, (stop){NEVER, 0}, 2), ESP_OK);
    CU_ASSERT_EQUAL(steps_done("whole"), EPOCHS * STEPS_PER_EPOCH);
}

static void a_folder_with_a_run_is_refused_without_resume(void)
{
    whole_run();
    esp_autoencoder_config config = run_config();
    CHECK_FAILS(ESP_ERR_USAGE, train_here(&config, "whole", false), "--resume");
    config.train.shift = 2;
    CHECK_FAILS(ESP_ERR_USAGE, train_here(&config, "whole", true), "another configuration");
}

static void a_state_of_another_run_is_refused_by_name(void)
{
    whole_run();
    esp_autoencoder_config config = run_config();
    size_t size = 0;
    char *path = run_file("whole", "state.safetensors"), *state = read_file("whole", "state.safetensors", &size);
    CHECK_OK(esp_file_write(path, state, size / 2));
    CHECK_FAILS(ESP_ERR_FORMAT, train_here(&config, "whole", true), "state.safetensors");
    int64_t counters[4] = {7, 7, 0, 0};
    esp_state_item item = {"counters", ESP_I64, 4, counters};
    CHECK_OK(esp_state_write(path, &item, 1));
    CHECK_FAILS(ESP_ERR_FORMAT, train_here(&config, "whole", true), "'model' is missing");
    free(state);
    free(path);
}

static void other_images_are_refused(void)
{
    whole_run();
    esp_autoencoder_config config = run_config();
    esp_images train = rectangles(IMAGES);
    char *dir = run_dir("none");
    train.pixels[5] ^= 1;
    CHECK_FAILS(ESP_ERR_USAGE, esp_autoencoder_train(&config, &train, &train, dir, true), "other training images");
    free(dir);
    esp_images_free(&train);
}

static void finetuning_lowers_the_error_of_a_network_of_any_size(void)
{
    esp_images images = rectangles(IMAGES);
    esp_network *net = small_autoencoder(ESP_IMAGE_PIXELS, 30, 8, 1);
    esp_autoencoder_train_config config = run_config().train;
    esp_reconstruction before, after;
    CHECK_OK(esp_reconstruct(net, &images, NULL, &before));
    config.learning_rate = 5e-3;
    CHECK_OK(esp_autoencoder_finetune(net, &images, &config, 50));
    CHECK_OK(esp_reconstruct(net, &images, NULL, &after));
    CU_ASSERT(after.mse < 0.5 * before.mse);
    esp_images_free(&images);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"a_run_lowers_the_error_and_leaves_an_autoencoder", a_run_lowers_the_error_and_leaves_an_autoencoder},
    {"metrics_tell_of_every_evaluation_once", metrics_tell_of_every_evaluation_once},
    {"one_thread_gives_the_same_bytes", one_thread_gives_the_same_bytes},
    {"a_run_asked_to_stop_and_resumed_ends_with_the_same_bytes",
     a_run_asked_to_stop_and_resumed_ends_with_the_same_bytes},
    {"a_run_killed_and_resumed_ends_with_the_same_bytes", a_run_killed_and_resumed_ends_with_the_same_bytes},
    {"an_ended_run_resumed_stays_as_it_is", an_ended_run_resumed_stays_as_it_is},
    {"a_folder_with_a_run_is_refused_without_resume", a_folder_with_a_run_is_refused_without_resume},
    {"a_state_of_another_run_is_refused_by_name", a_state_of_another_run_is_refused_by_name},
    {"other_images_are_refused", other_images_are_refused},
    {"finetuning_lowers_the_error_of_a_network_of_any_size", finetuning_lowers_the_error_of_a_network_of_any_size},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("autoencoder_train", tests)
