/* The folder of a training run: config.json, metrics.jsonl, a state to resume from, and run.json for readers. It is
 * locked from claim to release, so that none of these files comes from another run. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

struct esp_run {
    char         *folder;  /* owned */
    esp_lock     *lock;
    esp_run_watch watch;
    esp_json_log *metrics; /* opened by the first append; NULL: closed */
};

const char *esp_run_folder(const esp_run *run)
{
    return run->folder;
}

char *esp_run_state_path(const esp_run *run)
{
    return esp_path_join(run->folder, "state.safetensors");
}

static bool has_state(const esp_run *run)
{
    char *path = esp_run_state_path(run);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

/* ---- claim --------------------------------------------------------------------------------- */

/* A run that was killed between its first checkpoint and its first state leaves a checkpoint that does not belong to
 * the next run's configuration. */
static void remove_leftovers(const char *folder, const char *metrics)
{
    char *checkpoint = esp_path_join(folder, "checkpoint.safetensors");
    if (access(metrics, F_OK) == 0) unlink(checkpoint);
    free(checkpoint);
}

static esp_status start_run(const esp_run_request *request, const cJSON *config)
{
    char *metrics = esp_path_join(request->folder, "metrics.jsonl"),
         *path = esp_path_join(request->folder, "config.json");
    char *about = esp_path_join(request->folder, "run.json");
    remove_leftovers(request->folder, metrics);
    esp_status status = esp_json_write(path, config);
    if (status == ESP_OK) status = esp_file_write(metrics, "", 0);
    if (status == ESP_OK && request->about) status = esp_json_write(about, request->about);
    free(metrics);
    free(path);
    free(about);
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

static esp_status begin(const esp_run *run, const esp_run_request *request, const cJSON *config, bool *go_on)
{
    *go_on = has_state(run);
    if (*go_on && !request->resume)
        return esp_fail(ESP_ERR_USAGE, "%s already holds a run; add --resume to continue it, or name another folder",
                        request->folder);
    if (*go_on) return compare_config(request->folder, config);
    if (request->resume)
        esp_log(ESP_LOG_INFO, "%s holds no saved state; the run starts from the beginning", request->folder);
    return start_run(request, config);
}

esp_status esp_run_claim(const esp_run_request *request, const cJSON *config, esp_run **out, bool *go_on)
{
    esp_run *run = esp_alloc(1, sizeof *run);
    run->folder = esp_strdup(request->folder);
    run->watch = request->watch;
    esp_status status = esp_folder_make(request->folder);
    if (status == ESP_OK) status = esp_lock_take(request->folder, &run->lock);
    if (status == ESP_OK) status = begin(run, request, config, go_on);
    if (status == ESP_OK) *out = run;
    else                  esp_run_release(run);
    return status;
}

void esp_run_release(esp_run *run)
{
    if (!run) return;
    esp_json_log_close(run->metrics);
    esp_lock_release(run->lock);
    free(run->folder);
    free(run);
}

/* ---- metrics ------------------------------------------------------------------------------- */

esp_status esp_run_append(esp_run *run, cJSON *line)
{
    esp_status status = ESP_OK;
    if (!run->metrics) {
        char *path = esp_path_join(run->folder, "metrics.jsonl");
        status = esp_json_log_open(path, &run->metrics);
        free(path);
    }
    if (status == ESP_OK) status = esp_json_log_append(run->metrics, line);
    if (status == ESP_OK && run->watch.see) status = run->watch.see(run->watch.context, line);
    cJSON_Delete(line);
    return status;
}

/* Lines begin with {"counter":NUMBER, as written by esp_run_append. */
static bool line_counts(const char *line, const char *counter, uint64_t *value)
{
    size_t length = strlen(counter);
    return strncmp(line, "{\"", 2) == 0 && strncmp(line + 2, counter, length) == 0 &&
           strncmp(line + 2 + length, "\":", 2) == 0 && esp_digits_parse(line + 4 + length, value) > 0;
}

esp_status esp_run_cut(esp_run *run, const char *counter, int64_t last)
{
    char *path = esp_path_join(run->folder, "metrics.jsonl"), *data = NULL, *kept = NULL;
    size_t size = 0, length = 0;
    esp_json_log_close(run->metrics); /* the file is about to be replaced */
    run->metrics = NULL;
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
