/* The folder of a sweep: sweep.json holds the question, results.jsonl one line per finished
 * cell. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "study/study.h"

/* ---- the question: what two sweeps must have in common to share a folder ---- */

static cJSON *question(const esp_sweep *sweep, const esp_subject *subject)
{
    const esp_prune_request *request = &sweep->request;
    cJSON *json = esp_pruning_identity(subject, request);
    cJSON_DeleteItemFromObject(json, "importance"); /* cells differ in these */
    cJSON_DeleteItemFromObject(json, "seed");
    cJSON_DeleteItemFromObject(json, "controller"); /* part of what the agent adds below */
    esp_subject_question_json(subject, json);
    cJSON_AddNumberToObject(json, "report", subject->report);
    esp_json_add_choice(json, "preset", ESP_PRESET_CHOICES, request->preset);
    if (isnan(request->search.target.tolerance)) cJSON_AddStringToObject(json, "tolerance", "preset");
    else cJSON_AddNumberToObject(json, "tolerance", request->search.target.tolerance);
    cJSON_AddNumberToObject(json, "rounds", request->rounds);
    cJSON_AddNumberToObject(json, "budget", request->budget);
    cJSON_AddNumberToObject(json, "finetune", request->finetune);
    cJSON_AddNumberToObject(json, "round_to", request->round_to);
    cJSON_AddItemToObject(json, "pin", cJSON_CreateStringArray((const char *const *)request->pin, request->num_pins));
    cJSON *search = esp_config_json(esp_search_fields, esp_search_num_fields, &request->search);
    cJSON_AddItemToObject(json, "search", cJSON_DetachItemFromObject(search, "search"));
    cJSON_Delete(search);
    return json;
}

static const char *first_difference(const cJSON *asked, const cJSON *found)
{
    for (const cJSON *item = asked->child; item; item = item->next)
        if (!cJSON_Compare(item, cJSON_GetObjectItemCaseSensitive(found, item->string), true)) return item->string;
    return NULL;
}

/* A folder without sweep.json that holds cells or a training run does not belong to a sweep, which
 * writes its question first. */
static esp_status check_folder(const char *folder)
{
    static const char *const others[] = {"results.jsonl", "metrics.jsonl"};
    for (int i = 0; i < 2; i++) {
        char *path = esp_path_join(folder, others[i]);
        bool found = access(path, F_OK) == 0;
        free(path);
        if (found)
            return esp_fail(ESP_ERR_FORMAT, "'%s' holds %s, but no sweep.json says that it belongs to a sweep; name "
                            "another folder with -o", folder, others[i]);
    }
    return ESP_OK;
}

static esp_status check_question(const char *folder, const char *path, const cJSON *asked)
{
    cJSON *found = NULL;
    bool begun = access(path, F_OK) == 0;
    esp_status status = begun ? esp_json_read(path, &found) : check_folder(folder);
    if (!begun) return status == ESP_OK ? esp_json_write(path, asked) : status;
    const char *key = status == ESP_OK ? first_difference(asked, found) : NULL;
    if (key)
        status = esp_fail(ESP_ERR_FORMAT, "%s describes a sweep with another '%s'; name another folder with -o", path,
                          key);
    cJSON_Delete(found);
    return status;
}

/* ---- the finished cells ---- */

/* One number per group; all cells of a sweep have the same groups. */
static bool are_coefficients(const esp_sweep *sweep, const cJSON *coefficients)
{
    const cJSON *group, *cell;
    int count = cJSON_GetArraySize(coefficients);
    if (!cJSON_IsObject(coefficients) || count < 1 || count > ESP_MAX_AXES) return false;
    cJSON_ArrayForEach(group, coefficients)
        if (!cJSON_IsNumber(group)) return false;
    cJSON_ArrayForEach(cell, sweep->results) {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(cell, "coefficients");
        if (other) return cJSON_GetArraySize(other) == count;
    }
    return true;
}

static bool has_numbers(const cJSON *cell, int count, const char *const *keys)
{
    for (int i = 0; i < count; i++)
        if (!isfinite(esp_json_number(cell, keys[i]))) return false;
    return true;
}

/* The dense network, the result of a method, or the reason why there is none: checks what the
 * report reads of each. */
static bool is_cell(const esp_sweep *sweep, const cJSON *cell)
{
    static const char *const all[] = {"seed"}, *const dense[] = {"performance_before", "params_before"};
    static const char *const pruned[] = {"performance_after", "params_after", "structural_sparsity", "evaluations"};
    static const char *const wanted[] = {"target_sparsity"};
    const char *way = esp_json_text(cell, "way");
    const cJSON *coefficients = cJSON_GetObjectItemCaseSensitive(cell, "coefficients");
    if (coefficients && !are_coefficients(sweep, coefficients)) return false;
    if (!way || !has_numbers(cell, 1, all)) return false;
    if (strcmp(way, "dense") == 0) return has_numbers(cell, 2, dense);
    if (!has_numbers(cell, 1, wanted)) return false;
    return esp_json_text(cell, "error") || (coefficients && has_numbers(cell, 4, pruned));
}

static esp_status take_cell(void *context, int line, cJSON *cell)
{
    esp_sweep *sweep = context;
    if (is_cell(sweep, cell)) {
        cJSON_AddItemToArray(sweep->results, cell);
        return ESP_OK;
    }
    cJSON_Delete(cell);
    return esp_fail(ESP_ERR_FORMAT, "%s/results.jsonl: line %d is not a cell of a sweep", sweep->folder, line);
}

/* Opens the log; its last line gets its newline. */
static esp_status open_log(esp_sweep *sweep)
{
    char *path = esp_path_join(sweep->folder, "results.jsonl");
    esp_status status = esp_json_log_open(path, &sweep->log);
    if (status == ESP_OK) status = esp_json_log_read(sweep->log, NULL, NULL);
    if (status == ESP_OK) status = esp_json_log_mend(sweep->log);
    free(path);
    return status;
}

esp_status esp_sweep_open(esp_sweep *sweep, const esp_subject *subject)
{
    char *asked_path = esp_path_join(sweep->folder, "sweep.json");
    char *results_path = esp_path_join(sweep->folder, "results.jsonl");
    esp_prune_request_choose(&sweep->request);
    cJSON *asked = question(sweep, subject);
    sweep->application = subject->application;
    sweep->measure_name = subject->application->measure_name;
    sweep->seed = subject->settings->seed;
    sweep->results = cJSON_CreateArray();
    esp_status status = esp_folder_make(sweep->folder);
    if (status == ESP_OK) status = esp_lock_take(sweep->folder, &sweep->lock);
    if (status == ESP_OK) status = check_question(sweep->folder, asked_path, asked);
    bool begun = status == ESP_OK && access(results_path, F_OK) == 0;
    if (begun) status = esp_json_lines_read(results_path, take_cell, sweep);
    /* A finished sweep may be in a place where nothing can be written. */
    if (begun && status == ESP_OK && access(results_path, W_OK) == 0) status = open_log(sweep);
    cJSON_Delete(asked);
    free(asked_path);
    free(results_path);
    return status;
}

bool esp_sweep_equal(double sparsity, double other)
{
    return fabs(sparsity - other) < 1e-9;
}

const cJSON *esp_sweep_find(const esp_sweep *sweep, const esp_sweep_way *way, double sparsity, uint64_t seed)
{
    const cJSON *cell;
    cJSON_ArrayForEach(cell, sweep->results) {
        const char *name = esp_json_text(cell, "way");
        if (strcmp(name, way ? way->name : "dense") != 0 || esp_json_number(cell, "seed") != (double)seed) continue;
        if (!way || esp_sweep_equal(esp_json_number(cell, "target_sparsity"), sparsity)) return cell;
    }
    return NULL;
}

/* ---- reading a folder ---- */

static esp_status add_way(esp_sweep *sweep, const char *name)
{
    char method[sizeof sweep->way->name];
    for (int i = 0; i < sweep->num_ways; i++)
        if (strcmp(sweep->way[i].name, name) == 0) return ESP_OK;
    if (sweep->num_ways == ESP_SWEEP_LIST)
        return esp_fail(ESP_ERR_FORMAT, "%s: holds more than %d methods", sweep->folder, ESP_SWEEP_LIST);
    esp_sweep_way *way = &sweep->way[sweep->num_ways++];
    snprintf(way->name, sizeof way->name, "%s", name);
    snprintf(method, sizeof method, "%.*s", (int)strcspn(way->name, "/"), way->name);
    way->method = esp_search_find(method);
    return way->method ? ESP_OK : esp_fail_in(ESP_ERR_FORMAT, "%s/results.jsonl", sweep->folder);
}

static esp_status add_sparsity(esp_sweep *sweep, double sparsity)
{
    for (int i = 0; i < sweep->num_sparsities; i++)
        if (esp_sweep_equal(sweep->sparsity[i], sparsity)) return ESP_OK;
    if (sweep->num_sparsities == ESP_SWEEP_LIST)
        return esp_fail(ESP_ERR_FORMAT, "%s: holds more than %d sparsities", sweep->folder, ESP_SWEEP_LIST);
    sweep->sparsity[sweep->num_sparsities++] = sparsity;
    return ESP_OK;
}

static esp_status take_seeds(esp_sweep *sweep)
{
    double least = INFINITY, most = -INFINITY;
    const cJSON *cell;
    cJSON_ArrayForEach(cell, sweep->results) {
        least = fmin(least, esp_json_number(cell, "seed"));
        most = fmax(most, esp_json_number(cell, "seed"));
    }
    if (!(least >= 0 && most < 0x1p53 && most - least < ESP_SWEEP_SEEDS))
        return esp_fail(ESP_ERR_FORMAT, "%s: seeds from %.0f to %.0f; a report handles at most %d consecutive ones",
                        sweep->folder, least, most, ESP_SWEEP_SEEDS);
    sweep->seed = (uint64_t)least;
    sweep->num_seeds = (int)(most - least) + 1;
    return ESP_OK;
}

/* Derives the question from the finished cells. */
static esp_status infer(esp_sweep *sweep)
{
    const esp_application *application = NULL;
    const cJSON *cell;
    esp_status status = ESP_OK;
    cJSON_ArrayForEach(cell, sweep->results) {
        bool dense = strcmp(esp_json_text(cell, "way"), "dense") == 0;
        const char *name = esp_json_text(cell, "application");
        if (dense && !application && !(application = esp_application_find(name ? name : "")))
            return esp_fail_in(ESP_ERR_FORMAT, "%s/results.jsonl", sweep->folder);
        if (dense) continue;
        status = add_way(sweep, esp_json_text(cell, "way"));
        if (status == ESP_OK) status = add_sparsity(sweep, esp_json_number(cell, "target_sparsity"));
        if (status != ESP_OK) return status;
    }
    if (!application)
        return esp_fail(ESP_ERR_FORMAT, "%s/results.jsonl: holds no cell of the dense network yet; wait for the "
                        "sweep's first cell", sweep->folder);
    sweep->application = application;
    sweep->measure_name = application->measure_name;
    return take_seeds(sweep);
}

esp_status esp_sweep_read(const char *folder, esp_sweep *out)
{
    char *path = esp_path_join(folder, "results.jsonl");
    *out = (esp_sweep){.folder = folder, .results = cJSON_CreateArray()};
    esp_status status = esp_json_lines_read(path, take_cell, out);
    if (status == ESP_OK) status = infer(out);
    if (status != ESP_OK) cJSON_Delete(out->results);
    free(path);
    return status;
}

void esp_sweep_close(esp_sweep *sweep)
{
    esp_json_log_close(sweep->log);
    esp_lock_release(sweep->lock);
    cJSON_Delete(sweep->results);
    sweep->results = NULL;
}

esp_status esp_sweep_add(esp_sweep *sweep, cJSON *cell)
{
    esp_status status = sweep->log ? ESP_OK : open_log(sweep);
    if (status == ESP_OK) status = esp_json_log_append(sweep->log, cell);
    if (status == ESP_OK) cJSON_AddItemToArray(sweep->results, cell);
    else                  cJSON_Delete(cell);
    return status;
}

/* ---- what was demanded ---- */

const char *esp_cell_stage(const cJSON *cell)
{
    if (strcmp(esp_json_text(cell, "way"), "dense") == 0) return "before";
    return cJSON_HasObjectItem(cell, "performance_finetuned") ? "finetuned" : "after";
}

static esp_status check_cell(const esp_sweep *sweep, const esp_subject *subject, const cJSON *cell)
{
    const esp_given *least = esp_judging_find(&sweep->request.judging, ESP_KEY_DEMAND);
    const char *way = esp_json_text(cell, "way");
    const cJSON *dense = esp_sweep_find(sweep, NULL, 0, (uint64_t)esp_json_number(cell, "seed"));
    char key[64];
    snprintf(key, sizeof key, "performance_%s", esp_cell_stage(cell));
    double after = esp_json_number(cell, key), before = esp_json_number(dense, "performance_before");
    double kept = esp_application_kept(subject->application, before, after);
    if (strcmp(way, "dense") == 0) return ESP_OK;
    if ((!least || after >= least->number) && !(kept < sweep->request.keep)) return ESP_OK;
    return esp_fail(ESP_ERR_RANGE, "%s at %g, seed %.0f: %s %.4g, %.1f %% of the unpruned network's, misses --%s", way,
                    esp_json_number(cell, "target_sparsity"), esp_json_number(cell, "seed"), sweep->measure_name, after,
                    100 * kept, least && !(after >= least->number) ? least->option->name : "keep");
}

esp_status esp_sweep_check(const esp_sweep *sweep, const esp_subject *subject)
{
    const cJSON *cell;
    esp_status status = ESP_OK;
    cJSON_ArrayForEach(cell, sweep->results)
        if (status == ESP_OK) status = check_cell(sweep, subject, cell);
    return status;
}
