/* The folder of a run: claimed by one process, resumed only with its own configuration, metrics cut at the state. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char folder[] = "/tmp/espalier-run-XXXXXX";

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
}

static void remove_file(const char *name)
{
    char *path = esp_path_join(folder, name);
    unlink(path);
    free(path);
}

static void remove_run(void)
{
    static const char *const files[] = {"state.safetensors", "metrics.jsonl", "config.json", "run.json",
                                        "checkpoint.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) remove_file(files[i]);
}

__attribute__((destructor)) static void remove_folder(void)
{
    remove_run();
    rmdir(folder);
}

static cJSON *config(int epochs)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "epochs", epochs);
    return json;
}

static esp_status claim(int epochs, bool resume, const cJSON *about, esp_run **out, bool *go_on)
{
    cJSON *json = config(epochs);
    esp_run_request request = {.folder = folder, .resume = resume, .about = about};
    esp_status status = esp_run_claim(&request, json, out, go_on);
    cJSON_Delete(json);
    return status;
}

static esp_run *claimed(int epochs, bool resume)
{
    esp_run *run = NULL;
    bool go_on;
    CHECK_OK(claim(epochs, resume, NULL, &run, &go_on));
    return run;
}

static void write_file(const char *name)
{
    char *path = esp_path_join(folder, name);
    CHECK_OK(esp_file_write(path, "state", 5));
    free(path);
}

static bool has_file(const char *name)
{
    char *path = esp_path_join(folder, name);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static char *read_metrics(void)
{
    char *path = esp_path_join(folder, "metrics.jsonl"), *text = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read(path, 1 << 20, &text, &size));
    free(path);
    return text;
}

static void append(esp_run *run, const char *counter, double value)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, counter, value);
    cJSON_AddNumberToObject(line, "loss", 0.5);
    CHECK_OK(esp_run_append(run, line));
}

static void a_folder_without_a_state_becomes_a_new_run(void)
{
    esp_run *run = claimed(2, false);
    bool go_on = true;
    append(run, "epoch", 1);
    esp_run_release(run);
    write_file("checkpoint.safetensors"); /* left by the run that was killed before its first state */
    CHECK_OK(claim(3, true, NULL, &run, &go_on));
    CU_ASSERT_FALSE(go_on);
    CU_ASSERT_FALSE(has_file("checkpoint.safetensors"));
    char *text = read_metrics();
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
    esp_run_release(run);
    remove_run();
}

static void a_state_is_resumed_only_on_request_and_with_its_configuration(void)
{
    esp_run *run = claimed(3, false);
    bool go_on = false;
    esp_run_release(run);
    write_file("state.safetensors");
    CHECK_FAILS(ESP_ERR_USAGE, claim(3, false, NULL, &run, &go_on), "--resume");
    CHECK_FAILS(ESP_ERR_USAGE, claim(4, true, NULL, &run, &go_on), "another configuration");
    CHECK_OK(claim(3, true, NULL, &run, &go_on));
    CU_ASSERT(go_on);
    esp_run_release(run);
    remove_run();
}

static void the_record_of_its_start_stays_when_a_run_is_resumed(void)
{
    cJSON *about[2] = {config(1), config(2)}, *found = NULL;
    char *path = esp_path_join(folder, "run.json");
    esp_run *run = NULL;
    bool go_on;
    for (int i = 0; i < 3; i++) { /* started, and killed before its first state; started; resumed */
        if (i == 2) write_file("state.safetensors");
        CHECK_OK(claim(3, true, about[i % 2], &run, &go_on));
        esp_run_release(run);
    }
    CHECK_OK(esp_json_read(path, &found));
    CU_ASSERT(cJSON_Compare(found, about[1], true));
    cJSON_Delete(found);
    cJSON_Delete(about[0]);
    cJSON_Delete(about[1]);
    free(path);
    remove_run();
}

/* Lines of another counter, later lines and half a line are dropped. */
static void metrics_after_the_state_are_cut(void)
{
    esp_run *run = claimed(3, false);
    append(run, "epoch", 1);
    append(run, "epochs", 1);
    append(run, "epoch", 2);
    append(run, "epoch", 3);
    char *path = esp_path_join(folder, "metrics.jsonl");
    CHECK_OK(esp_file_append(path, "{\"epoch\":1", 10));
    CHECK_OK(esp_run_cut(run, "epoch", 2));
    append(run, "epoch", 3);
    char *text = read_metrics();
    CU_ASSERT_STRING_EQUAL(text,
                           "{\"epoch\":1,\"loss\":0.5}\n{\"epoch\":2,\"loss\":0.5}\n{\"epoch\":3,\"loss\":0.5}\n");
    free(text);
    free(path);
    esp_run_release(run);
    remove_run();
}

/* Another process holds the run until it is killed. */
static void a_run_belongs_to_one_process_until_that_ends(void)
{
    char owner[48];
    esp_run *run = NULL;
    bool go_on;
    int ready[2], status;
    CU_ASSERT_FATAL(pipe(ready) == 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        bool held = claim(3, false, NULL, &run, &go_on) == ESP_OK;
        if (write(ready[1], &held, sizeof held) != (ssize_t)sizeof held) _exit(1);
        for (;;) pause();
    }
    bool held = false;
    CU_ASSERT_FATAL(read(ready[0], &held, sizeof held) == (ssize_t)sizeof held && held);
    snprintf(owner, sizeof owner, "is being written by process %ld ", (long)child);
    CHECK_FAILS(ESP_ERR_IO, claim(3, false, NULL, &run, &go_on), owner);
    CHECK_FAILS(ESP_ERR_IO, claim(4, true, NULL, &run, &go_on), owner);
    kill(child, SIGKILL);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CHECK_OK(claim(4, true, NULL, &run, &go_on));
    esp_run_release(run);
    close(ready[0]);
    close(ready[1]);
    remove_run();
}

static CU_TestInfo tests[] = {
    {"a_folder_without_a_state_becomes_a_new_run", a_folder_without_a_state_becomes_a_new_run},
    {"a_state_is_resumed_only_on_request_and_with_its_configuration",
     a_state_is_resumed_only_on_request_and_with_its_configuration},
    {"the_record_of_its_start_stays_when_a_run_is_resumed", the_record_of_its_start_stays_when_a_run_is_resumed},
    {"metrics_after_the_state_are_cut", metrics_after_the_state_are_cut},
    {"a_run_belongs_to_one_process_until_that_ends", a_run_belongs_to_one_process_until_that_ends},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("run", tests)
