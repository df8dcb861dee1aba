/* The folder of a run: claimed once, resumed only with its own configuration, metrics cut at the state. */
#include <unistd.h>

#include "check.h"

static char folder[] = "/tmp/espalier-run-XXXXXX";

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
}

__attribute__((destructor)) static void remove_folder(void)
{
    static const char *const files[] = {"state.safetensors", "metrics.jsonl", "config.json", "run.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = esp_path_join(folder, files[i]);
        unlink(path);
        free(path);
    }
    rmdir(folder);
}

static cJSON *config(int epochs)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "epochs", epochs);
    return json;
}

static void write_state(void)
{
    char *path = esp_run_state_path(folder);
    CHECK_OK(esp_file_write(path, "state", 5));
    free(path);
}

static void remove_state(void)
{
    char *path = esp_run_state_path(folder);
    unlink(path);
    free(path);
}

static char *read_metrics(void)
{
    char *path = esp_path_join(folder, "metrics.jsonl"), *text = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read(path, 1 << 20, &text, &size));
    free(path);
    return text;
}

static void append(const char *counter, double value)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, counter, value);
    cJSON_AddNumberToObject(line, "loss", 0.5);
    CHECK_OK(esp_run_append(folder, line));
}

static void a_folder_without_a_state_becomes_a_new_run(void)
{
    cJSON *json = config(3);
    bool go_on = true;
    remove_state();
    append("epoch", 1);
    CHECK_OK(esp_run_claim(folder, json, true, &go_on));
    CU_ASSERT_FALSE(go_on);
    char *text = read_metrics();
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
    cJSON_Delete(json);
}

static void a_state_is_gone_on_from_only_when_asked_and_with_its_configuration(void)
{
    cJSON *json = config(3), *other = config(4);
    bool go_on = false;
    remove_state();
    CHECK_OK(esp_run_claim(folder, json, false, &go_on));
    write_state();
    CHECK_FAILS(ESP_ERR_USAGE, esp_run_claim(folder, json, false, &go_on), "--resume");
    CHECK_FAILS(ESP_ERR_USAGE, esp_run_claim(folder, other, true, &go_on), "another configuration");
    CHECK_OK(esp_run_claim(folder, json, true, &go_on));
    CU_ASSERT(go_on);
    cJSON_Delete(json);
    cJSON_Delete(other);
}

/* Lines of another counter, later lines and half a line go. */
static void what_a_run_says_of_its_start_stays_when_it_is_resumed(void)
{
    cJSON *first = config(1), *second = config(2), *found = NULL;
    char *path = esp_path_join(folder, "run.json");
    remove_state();
    CHECK_OK(esp_run_describe(folder, first)); /* began, and was killed before its first state */
    CHECK_OK(esp_run_describe(folder, second));
    write_state();
    CHECK_OK(esp_run_describe(folder, first));
    CHECK_OK(esp_json_read(path, &found));
    CU_ASSERT(cJSON_Compare(found, second, true));
    remove_state();
    cJSON_Delete(found);
    cJSON_Delete(first);
    cJSON_Delete(second);
    free(path);
}

static void metrics_behind_the_state_are_cut(void)
{
    cJSON *json = config(3);
    bool go_on;
    remove_state();
    CHECK_OK(esp_run_claim(folder, json, false, &go_on));
    append("epoch", 1);
    append("epochs", 1);
    append("epoch", 2);
    append("epoch", 3);
    char *path = esp_path_join(folder, "metrics.jsonl");
    CHECK_OK(esp_file_append(path, "{\"epoch\":1", 10));
    CHECK_OK(esp_run_cut(folder, "epoch", 2));
    char *text = read_metrics();
    CU_ASSERT_STRING_EQUAL(text, "{\"epoch\":1,\"loss\":0.5}\n{\"epoch\":2,\"loss\":0.5}\n");
    free(text);
    free(path);
    cJSON_Delete(json);
}

static CU_TestInfo tests[] = {
    {"a_folder_without_a_state_becomes_a_new_run", a_folder_without_a_state_becomes_a_new_run},
    {"a_state_is_gone_on_from_only_when_asked_and_with_its_configuration",
     a_state_is_gone_on_from_only_when_asked_and_with_its_configuration},
    {"what_a_run_says_of_its_start_stays_when_it_is_resumed", what_a_run_says_of_its_start_stays_when_it_is_resumed},
    {"metrics_behind_the_state_are_cut", metrics_behind_the_state_are_cut},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("run", tests)
