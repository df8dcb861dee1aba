/* The folder of a training run: config.json, metrics.jsonl, a state to go on from, and run.json for readers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

char *esp_run_state_path(const char *folder)
{
    return esp_path_join(folder, "state.safetensors");
}

static bool has_state(const char *folder)
{
    char *path = esp_run_state_path(folder);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static esp_status start_run(const char *folder, const cJSON *config)
{
    char *metrics = esp_path_join(folder, "metrics.jsonl"), *path = esp_path_join(folder, "config.json");
    esp_status status = esp_folder_make(folder);
    if (status == ESP_OK) status = esp_json_write(path, config);
    if (status == ESP_OK) status = esp_file_write(metrics, "", 0);
    free(metrics);
    free(path);
    return status;
}

static esp_status compare_config(const char *folder, const cJSON *config)
{
    cJSON *old = NULL;
    char *path = esp_path_join(folder, "config.json");
    esp_status status = esp_json_read(path, &old);
    if (status == ESP_OK && !cJSON_IsObject(old))
        status = esp_fail(ESP_ERR_FORMAT, "%s: is not the configuration of a run", path);
    char *differs = status == ESP_OK ? esp_json_difference(old, path, config, "this one") : NULL;
    if (differs)
        status = esp_fail(ESP_ERR_USAGE, "%s was made with another configuration: %s; use %s, or name another folder",
                          folder, differs, path);
    cJSON_Delete(old);
    free(differs);
    free(path);
    return status;
}

esp_status esp_run_claim(const char *folder, const cJSON *config, bool resume, bool *go_on)
{
    *go_on = has_state(folder);
    if (*go_on && !resume)
        return esp_fail(ESP_ERR_USAGE, "%s already holds a run; add --resume to go on with it, or name another folder",
                        folder);
    if (*go_on) return compare_config(folder, config);
    if (resume) esp_log(ESP_LOG_INFO, "%s holds no saved state; the run starts from the beginning", folder);
    return start_run(folder, config);
}

esp_status esp_run_describe(const char *folder, const cJSON *about)
{
    if (has_state(folder)) return ESP_OK;
    char *path = esp_path_join(folder, "run.json");
    esp_status status = esp_folder_make(folder);
    if (status == ESP_OK) status = esp_json_write(path, about);
    free(path);
    return status;
}

esp_status esp_run_append(const char *folder, cJSON *line)
{
    char *path = esp_path_join(folder, "metrics.jsonl");
    esp_status status = esp_json_append(path, line);
    free(path);
    cJSON_Delete(line);
    return status;
}

/* Lines begin with {"counter":NUMBER, as esp_run_append wrote them. */
static bool line_counts(const char *line, const char *counter, uint64_t *value)
{
    size_t length = strlen(counter);
    return strncmp(line, "{\"", 2) == 0 && strncmp(line + 2, counter, length) == 0 &&
           strncmp(line + 2 + length, "\":", 2) == 0 && esp_digits_parse(line + 4 + length, value) > 0;
}

esp_status esp_run_cut(const char *folder, const char *counter, int64_t last)
{
    char *path = esp_path_join(folder, "metrics.jsonl"), *data = NULL, *kept = NULL;
    size_t size = 0, length = 0;
    esp_status status = esp_file_read(path, ESP_JSON_LINES_LIMIT, &data, &size);
    if (status == ESP_OK) {
        kept = esp_alloc(size + 1, 1);
        for (char *line = data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            uint64_t value;
            if (!line_counts(line, counter, &value) || value > INT64_MAX || (int64_t)value > last) continue;
            memcpy(kept + length, line, (size_t)(end - line + 1));
            length += (size_t)(end - line + 1);
        }
        status = esp_file_write(path, kept, length);
    }
    free(path);
    free(data);
    free(kept);
    return status;
}
