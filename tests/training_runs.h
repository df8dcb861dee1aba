/* Training runs as separate processes, as for the user: a stopped run leaves only files, which are compared. The test
 * supplies how to train and which entries of its state hold seconds. */
#ifndef ESP_TESTS_TRAINING_RUNS_H
#define ESP_TESTS_TRAINING_RUNS_H

#include <omp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nn/nn.h"

#include "check.h"

static esp_status train_here(const char *run, bool resume); /* the same configuration for every run */
static bool is_clock(const esp_st_tensor *tensor, size_t i);

static char folder[] = "/tmp/espalier-train-XXXXXX";
static pid_t owner;

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
    owner = getpid();
}

__attribute__((destructor)) static void remove_folder(void)
{
    char command[sizeof folder + 16];
    if (getpid() != owner) return;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) printf("%s stays behind\n", folder);
}

static inline char *run_dir(const char *run)
{
    return esp_path_join(folder, run);
}

static inline char *run_file(const char *run, const char *file)
{
    char *dir = run_dir(run), *path = esp_path_join(dir, file);
    free(dir);
    return path;
}

/* ---- processes ---- */

/* How a run is stopped, and at which gradient step. */
typedef enum { NEVER, ASKED, KILLED } stop_kind;
typedef struct { stop_kind kind; int step; } stop;

static inline void stop_at_step(void *context, const char *task, double done, double total, const char *detail)
{
    const stop *s = context;
    (void)total;
    (void)detail;
    if (strcmp(task, "train") != 0 || done < s->step) return;
    if (s->kind == ASKED) raise(SIGINT);
    if (s->kind == KILLED) raise(SIGKILL);
}

static inline _Noreturn void train_in_this_process(const char *run, bool resume, stop s, int threads)
{
    omp_set_num_threads(threads);
    esp_interrupt_install();
    esp_log_to(NULL, s.kind == NEVER ? NULL : stop_at_step, &s);
    esp_status status = train_here(run, resume);
    if (status != ESP_OK && status != ESP_ERR_INTERRUPTED) printf("%s ", esp_error_text());
    fflush(NULL);
    _exit(status); /* LeakSanitizer, which exit would start, crashes now and then on the stacks of OpenMP's threads */
}

/* Runs the training in a new process and returns its status; a killed one counts as ESP_OK. OpenMP's threads do not
 * survive a fork, so no earlier test may have started any in this process. */
static inline esp_status train(const char *run, bool resume, stop s, int threads)
{
    int ended = 0;
    fflush(NULL);
    pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) train_in_this_process(run, resume, s, threads);
    CU_ASSERT_EQUAL_FATAL(waitpid(child, &ended, 0), child);
    if (s.kind == KILLED && WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL) return ESP_OK;
    CU_ASSERT_FATAL(WIFEXITED(ended));
    return (esp_status)WEXITSTATUS(ended);
}

/* The uninterrupted run, made once; false on a machine that cannot train. */
static inline bool whole_run(void)
{
    static bool made;
    static esp_status status;
    if (!made) status = train("whole", false, (stop){NEVER, 0}, 2);
    made = true;
    if (status == ESP_ERR_MACHINE) printf("skipped ");
    else CU_ASSERT_EQUAL_FATAL(status, ESP_OK);
    return status == ESP_OK;
}

/* ---- comparing what runs leave ---- */

static inline char *read_file(const char *run, const char *file, size_t *size)
{
    char *path = run_file(run, file), *data = NULL;
    CHECK_OK(esp_file_read(path, (size_t)1 << 26, &data, size));
    free(path);
    return data;
}

static inline bool same_bytes(const char *a, const char *b, const char *file)
{
    size_t first_size = 0, second_size = 0;
    char *first = read_file(a, file, &first_size), *second = read_file(b, file, &second_size);
    bool same = first_size == second_size && memcmp(first, second, first_size) == 0;
    free(first);
    free(second);
    return same;
}

static inline bool same_tensor(const esp_st_tensor *a, const esp_st_tensor *b)
{
    size_t width = a->dtype == ESP_I64 ? 8 : a->dtype == ESP_F32 ? 4 : 1;
    if (strcmp(a->name, b->name) != 0 || a->count != b->count || a->dtype != b->dtype) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!is_clock(a, i) && memcmp((const char *)a->data + i * width, (const char *)b->data + i * width, width) != 0)
            return false;
    return true;
}

static inline esp_safetensors *read_state(const char *run)
{
    char *path = run_file(run, "state.safetensors");
    esp_safetensors *file = NULL;
    CHECK_OK(esp_safetensors_read(path, &file));
    free(path);
    return file;
}

static inline void check_same_state(const char *a, const char *b)
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
static inline cJSON *read_metrics(const char *run)
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

/* Checks that the run equals the one that was never stopped. */
static inline void check_same_run(const char *run)
{
    cJSON *metrics = read_metrics(run), *expected = read_metrics("whole");
    CU_ASSERT(same_bytes("whole", run, "checkpoint.safetensors"));
    CU_ASSERT(same_bytes("whole", run, "config.json"));
    CU_ASSERT(cJSON_Compare(metrics, expected, true));
    check_same_state("whole", run);
    cJSON_Delete(metrics);
    cJSON_Delete(expected);
}

/* Appends lines as a run writes them after its last saved state, the last one cut short by a kill. */
static inline void append_metrics(const char *run, const char *text)
{
    char *path = run_file(run, "metrics.jsonl");
    CHECK_OK(esp_file_append(path, text, strlen(text)));
    free(path);
}

static inline int64_t steps_done(const char *run)
{
    esp_safetensors *state = read_state(run);
    int64_t step = ((const int64_t *)esp_safetensors_find(state, "counters")->data)[0];
    esp_safetensors_free(state);
    return step;
}

/* Sets one entry of a tensor in the state to `value`, or to `integer` in a tensor of integers; returns the whole file
 * as it was, to be written back. */
static inline char *edit_state(const char *run, const char *tensor, size_t index, float value, int64_t integer,
                               size_t *size)
{
    char *path = run_file(run, "state.safetensors"), *old = read_file(run, "state.safetensors", size);
    esp_safetensors *file = read_state(run);
    const esp_st_tensor *found = esp_safetensors_find(file, tensor);
    CU_ASSERT_FATAL(found != NULL && index < found->count);
    if (found->dtype == ESP_I64) ((int64_t *)found->data)[index] = integer;
    else                         ((float *)found->data)[index] = value;
    CHECK_OK(esp_safetensors_write(path, file->tensor, file->count, NULL));
    esp_safetensors_free(file);
    free(path);
    return old;
}

/* A mistake in a state, and the words that refuse it. */
typedef struct {
    const char *tensor;
    size_t      index;
    float       value;
    int64_t     integer;
    esp_status  status;
    const char *sentence;
} state_mistake;

/* Checks that resuming names the file, the tensor and what is wrong, for each mistake alone. */
static inline void check_state_mistakes(const char *run, const state_mistake *mistakes, int count)
{
    for (int i = 0; i < count; i++) {
        const state_mistake *m = &mistakes[i];
        size_t size;
        char *path = run_file(run, "state.safetensors");
        char *old = edit_state(run, m->tensor, m->index, m->value, m->integer, &size);
        CHECK_FAILS(m->status, train_here(run, true), m->sentence);
        CU_ASSERT(strstr(esp_error_text(), path) != NULL);
        CHECK_OK(esp_file_write(path, old, size));
        free(old);
        free(path);
    }
}

#endif
