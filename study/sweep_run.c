/* Makes the cells of a sweep: the dense network, then every method at every sparsity, seed by
 * seed. */
#include <stdio.h>
#include <stdlib.h>

#include "study/study.h"

static esp_status measure_dense(esp_sweep *sweep, const esp_subject *subject)
{
    uint64_t seed = subject->settings->seed;
    if (esp_sweep_find(sweep, NULL, 0, seed)) return ESP_OK;
    esp_pruning p = {.subject = subject, .net = {[ESP_BEFORE] = subject->net}};
    esp_status status = esp_pruning_measure(&p, ESP_BEFORE);
    if (status == ESP_OK) {
        esp_pruning_time(&p);
        cJSON *cell = esp_pruning_dense_json(&p);
        cJSON_AddStringToObject(cell, "way", "dense");
        status = esp_sweep_add(sweep, cell);
    }
    esp_pruning_free(&p);
    return status;
}

/* Cells with the same importance and seed share a journal: an evaluation made by one method serves
 * the others. */
static esp_status place_journal(const esp_sweep *sweep, const esp_sweep_way *way, uint64_t seed, char **path)
{
    char name[ESP_CONFIG_TEXT + 64];
    char *journals = esp_path_join(sweep->folder, "journals");
    snprintf(name, sizeof name, "%s-%ju.jsonl", way->importance->name, (uintmax_t)seed);
    *path = esp_path_join(journals, name);
    esp_status status = esp_folder_make(journals);
    free(journals);
    return status;
}

static esp_status prune_cell(const esp_sweep *sweep, const esp_subject *subject, const esp_sweep_way *way,
                             double sparsity, cJSON **out)
{
    esp_prune_request request = sweep->request;
    esp_pruning p;
    char *journal = NULL;
    request.method = way->method;
    request.importance = way->importance;
    request.search.target.sparsity = sparsity;
    esp_status status = place_journal(sweep, way, subject->settings->seed, &journal);
    if (status == ESP_OK) status = esp_pruning_search(subject, &request, journal, ESP_JOURNAL_SHARED, &p);
    free(journal);
    if (status != ESP_OK) return status;
    for (int stage = ESP_AFTER; stage < ESP_PRUNED_STAGES && status == ESP_OK; stage++)
        status = esp_pruning_measure(&p, (esp_prune_stage)stage);
    if (status == ESP_OK) {
        esp_pruning_time(&p);
        *out = esp_pruning_json(&p);
    }
    esp_pruning_free(&p);
    return status;
}

/* A sparsity that cannot be reached is a result as well. */
static cJSON *infeasible_cell(const esp_subject *subject, const esp_sweep_way *way, double sparsity)
{
    cJSON *cell = cJSON_CreateObject();
    cJSON_AddStringToObject(cell, "method", way->method->name);
    cJSON_AddStringToObject(cell, "importance", way->importance->name);
    cJSON_AddNumberToObject(cell, "target_sparsity", sparsity);
    cJSON_AddNumberToObject(cell, "seed", (double)subject->settings->seed);
    cJSON_AddStringToObject(cell, "error", esp_error_text());
    return cell;
}

static esp_status run_cell(esp_sweep *sweep, const esp_subject *subject, int number, const esp_sweep_way *way,
                           double sparsity)
{
    if (esp_sweep_find(sweep, way, sparsity, subject->settings->seed)) return ESP_OK;
    cJSON *cell = NULL;
    int total = sweep->num_ways * sweep->num_sparsities * sweep->num_seeds;
    esp_log(ESP_LOG_INFO, "cell %d of %d: %s at %g, seed %ju", number, total, way->name, sparsity,
            (uintmax_t)subject->settings->seed);
    esp_status status = prune_cell(sweep, subject, way, sparsity, &cell);
    if (status == ESP_ERR_INFEASIBLE) {
        esp_log(ESP_LOG_WARNING, "%s at %g: %s", way->name, sparsity, esp_error_text());
        cell = infeasible_cell(subject, way, sparsity);
    } else if (status != ESP_OK) {
        return status;
    }
    cJSON_AddStringToObject(cell, "way", way->name);
    return esp_sweep_add(sweep, cell);
}

static esp_status run_seed(esp_sweep *sweep, const esp_subject *subject, int index)
{
    esp_settings settings = *subject->settings;
    esp_subject seeded = *subject;
    settings.seed += (uint64_t)index;
    seeded.settings = &settings;
    int number = index * sweep->num_ways * sweep->num_sparsities;
    esp_status status = measure_dense(sweep, &seeded);
    for (int w = 0; w < sweep->num_ways; w++)
        for (int s = 0; s < sweep->num_sparsities && status == ESP_OK; s++)
            status = run_cell(sweep, &seeded, ++number, &sweep->way[w], sweep->sparsity[s]);
    return status;
}

esp_status esp_sweep_run(esp_sweep *sweep, const esp_subject *subject)
{
    const esp_search_method *methods[ESP_SWEEP_LIST];
    esp_status status = ESP_OK;
    for (int i = 0; i < sweep->num_ways; i++) methods[i] = sweep->way[i].method;
    esp_settings_warn_unread(subject->settings, sweep->num_ways, methods);
    for (int i = 0; i < sweep->num_seeds && status == ESP_OK; i++) status = run_seed(sweep, subject, i);
    return status;
}
