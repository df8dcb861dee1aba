/* What the journal of a search says: every evaluation, the objective and the best so far, the last result. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pages/pages_internal.h"

void esp_evaluations_free(esp_evaluations *e)
{
    double *arrays[] = {e->number, e->performance, e->sparsity, e->scale, e->objective, e->best, e->feasible};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

static void alloc_evaluations(esp_evaluations *e, int room)
{
    double **arrays[] = {&e->number,    &e->performance, &e->sparsity, &e->scale,
                         &e->objective, &e->best,        &e->feasible};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        *arrays[i] = esp_alloc((size_t)room + 1, sizeof(double));
}

static esp_status check_evaluation(const char *path, int line, const cJSON *json)
{
    const cJSON *kept = cJSON_GetObjectItemCaseSensitive(json, "kept");
    if (cJSON_IsObject(kept) && isfinite(esp_json_number(json, "performance"))) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: line %d: an evaluation has \"kept\" (an object) and \"performance\" (a "
                    "number)", path, line);
}

/* What was asked: of the search that gave the last result, else of the one that began the journal. */
const cJSON *esp_report_question(const cJSON *data)
{
    const cJSON *result = esp_data_find(data, "/result");
    return result ? result : esp_data_find(data, "/about");
}

/* J(c) = -P(c) / |P(0)| + lambda (rho(c) - rho*)^2, and the best so far. The first evaluation is P(0). */
static void add_objective(const cJSON *data, esp_evaluations *e)
{
    const cJSON *asked = esp_report_question(data);
    double lambda = esp_json_number(asked, "lambda"), target = esp_json_number(asked, "target_sparsity");
    double tolerance = esp_json_number(asked, "tolerance") + 1e-12, best = INFINITY, feasible = -INFINITY;
    for (int i = 0; i < e->count; i++) {
        double miss = e->sparsity[i] - target;
        bool first = e->scale[i] == 1;
        e->objective[i] = first ? -e->performance[i] / fabs(e->performance[0]) + lambda * miss * miss : NAN;
        if (e->objective[i] < best) best = e->objective[i];
        if (first && fabs(miss) <= tolerance && e->performance[i] > feasible) feasible = e->performance[i];
        e->best[i] = isfinite(best) ? best : NAN;
        e->feasible[i] = isfinite(feasible) ? feasible : NAN;
    }
}

static esp_status take_lines(const char *path, const cJSON *lines, cJSON *data, esp_evaluations *e)
{
    const cJSON *line, *result;
    int at = 1;
    cJSON_ArrayForEach(line, lines) {
        if (at++ == 1) continue;
        if ((result = cJSON_GetObjectItemCaseSensitive(line, "result"))) {
            cJSON_DeleteItemFromObject(data, "result");
            cJSON_AddItemToObject(data, "result", cJSON_Duplicate(result, true));
            continue;
        }
        esp_status status = check_evaluation(path, at - 1, line);
        if (status != ESP_OK) return status;
        e->number[e->count] = e->count + 1;
        e->performance[e->count] = esp_json_number(line, "performance");
        e->scale[e->count++] = cJSON_HasObjectItem(line, "scale") ? esp_json_number(line, "scale") : 1;
    }
    const char *constraint = esp_json_text(esp_report_question(data), "constraint");
    int i = 0;
    if (!constraint) constraint = "structural";
    cJSON_ArrayForEach(line, lines)
        if (cJSON_HasObjectItem(line, "kept")) e->sparsity[i++] = esp_json_number(line, constraint);
    add_objective(data, e);
    return ESP_OK;
}

static esp_status take_header(const char *path, const cJSON *header, cJSON *data)
{
    const char *format = esp_data_text(header, "/format");
    if (!format || strncmp(format, "espalier search journal ", strlen("espalier search journal ")) != 0)
        return esp_fail(ESP_ERR_FORMAT, "%s: not a search journal; its first line has no \"format\"", path);
    static const char *const keys[] = {"identity", "about"};
    for (int i = 0; i < 2; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(header, keys[i]);
        if (item) cJSON_AddItemToObject(data, keys[i], cJSON_Duplicate(item, true));
    }
    return ESP_OK;
}

static void add_series(cJSON *data, const esp_evaluations *e)
{
    cJSON *json = cJSON_AddObjectToObject(data, "evaluations");
    cJSON_AddNumberToObject(json, "count", e->count);
    esp_json_add_doubles(json, "performance", e->count, e->performance);
    esp_json_add_doubles(json, "scale", e->count, e->scale);
    esp_json_add_doubles(json, "sparsity", e->count, e->sparsity);
    esp_json_add_doubles(json, "objective", e->count, e->objective);
    esp_json_add_doubles(json, "best", e->count, e->best);
    esp_json_add_doubles(json, "best_at_target", e->count, e->feasible);
}

esp_status esp_report_read_search(esp_report *report, esp_evaluations *e)
{
    const char *path = report->source->journal;
    cJSON *lines = NULL;
    report->data = cJSON_CreateObject();
    cJSON_AddStringToObject(report->data, "kind", "search");
    cJSON_AddStringToObject(report->data, "source", report->source->path);
    cJSON_AddStringToObject(report->data, "journal", path);
    cJSON_AddStringToObject(report->data, "version", ESP_VERSION);
    esp_status status = esp_lines_read(path, &lines);
    if (status != ESP_OK) return status;
    alloc_evaluations(e, cJSON_GetArraySize(lines));
    status = take_header(path, lines->child, report->data);
    if (status == ESP_OK) status = take_lines(path, lines, report->data, e);
    if (status == ESP_OK) add_series(report->data, e);
    cJSON_Delete(lines);
    return status;
}
