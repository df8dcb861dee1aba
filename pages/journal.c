/* The journal of a search, read for its page: every evaluation, the objective and the best so far,
 * the last result. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pages/pages_internal.h"

/* A page shows a limited number of evaluations: the journal is cut into stretches, and each keeps
 * its best and its worst. */
enum { STRETCHES = 1000 };

enum { ARRAYS = 9 };

static void list_arrays(esp_evaluations *e, double **out[ARRAYS])
{
    double **arrays[ARRAYS] = {&e->number,    &e->performance, &e->sparsity, &e->nominal,
                               &e->scale,     &e->objective,   &e->best,     &e->feasible, &e->round};
    memcpy(out, arrays, sizeof arrays);
}

void esp_evaluations_free(esp_evaluations *e)
{
    double **arrays[ARRAYS];
    list_arrays(e, arrays);
    for (int i = 0; i < ARRAYS; i++) free(*arrays[i]);
}

/* Index of a new evaluation; grows the arrays if needed. */
static int add_evaluation(esp_evaluations *e)
{
    double **arrays[ARRAYS];
    list_arrays(e, arrays);
    int room = e->count < e->room ? 0 : 2 * e->room + 256;
    for (int i = 0; i < ARRAYS && room > 0; i++) {
        double *larger = esp_alloc((size_t)room, sizeof *larger);
        if (e->count > 0) memcpy(larger, *arrays[i], (size_t)e->count * sizeof *larger);
        free(*arrays[i]);
        *arrays[i] = larger;
    }
    if (room > 0) e->room = room;
    return e->count++;
}

static esp_status check_evaluation(const char *path, int line, const cJSON *json)
{
    const cJSON *kept = cJSON_GetObjectItemCaseSensitive(json, "kept");
    if (cJSON_IsObject(kept) && isfinite(esp_json_number(json, "performance"))) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: line %d: an evaluation needs \"kept\" (an object) and \"performance\" (a "
                    "number)", path, line);
}

/* What the search was asked for: the search that gave the last result, else the one that began the
 * journal. */
const cJSON *esp_report_question(const cJSON *data)
{
    const cJSON *result = esp_data_find(data, "/result");
    return result ? result : esp_data_find(data, "/about");
}

/* J(c) = -P(c) / |P(0)| + lambda (rho(c) - rho*)^2, and the least so far. The first evaluation is
 * P(0). */
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

static esp_status take_evaluation(const char *path, int number, const cJSON *line, esp_evaluations *e)
{
    esp_status status = check_evaluation(path, number, line);
    if (status != ESP_OK) return status;
    int i = add_evaluation(e);
    e->number[i] = i + 1;
    e->performance[i] = esp_json_number(line, "performance");
    e->sparsity[i] = esp_json_number(line, "structural");
    e->nominal[i] = esp_json_number(line, "nominal");
    e->scale[i] = cJSON_HasObjectItem(line, "scale") ? esp_json_number(line, "scale") : 1;
    e->round[i] = cJSON_HasObjectItem(line, "round") ? esp_json_number(line, "round") : 1;
    return ESP_OK;
}

typedef struct {
    const char      *path;
    cJSON           *data;
    esp_evaluations *e;
    int              lines; /* lines read so far */
} reader;

static esp_status take_line(void *context, int number, cJSON *line)
{
    reader *reader = context;
    cJSON *result = cJSON_GetObjectItemCaseSensitive(line, "result");
    esp_status status = ESP_OK;
    reader->lines = number;
    if (!cJSON_IsObject(line)) {
        status = esp_fail(ESP_ERR_FORMAT, "%s: line %d is not a JSON object", reader->path, number);
    } else if (number == 1) {
        status = take_header(reader->path, line, reader->data);
    } else if (result) {
        cJSON_DeleteItemFromObject(reader->data, "result");
        cJSON_AddItemToObject(reader->data, "result", cJSON_DetachItemViaPointer(line, result));
    } else {
        status = take_evaluation(reader->path, number, line, reader->e);
    }
    cJSON_Delete(line);
    return status;
}

/* ---- choice of what is shown ---- */

static void keep(esp_evaluations *e, int to, int from)
{
    double **arrays[ARRAYS];
    list_arrays(e, arrays);
    for (int i = 0; i < ARRAYS; i++) (*arrays[i])[to] = (*arrays[i])[from];
}

/* Keeps the first (the uncut network), the last, and the best and the worst of every stretch, in
 * order. */
static void thin(esp_evaluations *e)
{
    int all = e->count, shown = 0;
    if (all <= 2 * STRETCHES + 2) return;
    for (int s = 0; s < STRETCHES; s++) {
        int first = (int)((int64_t)all * s / STRETCHES), end = (int)((int64_t)all * (s + 1) / STRETCHES);
        int least = first, most = first;
        for (int i = first; i < end; i++) {
            if (e->performance[i] < e->performance[least]) least = i;
            if (e->performance[i] > e->performance[most]) most = i;
        }
        for (int i = first; i < end; i++)
            if (i == least || i == most || i == 0 || i == all - 1) keep(e, shown++, i);
    }
    e->count = shown;
}

static void add_series(cJSON *data, const esp_evaluations *e)
{
    cJSON *json = cJSON_AddObjectToObject(data, "evaluations");
    cJSON_AddNumberToObject(json, "count", e->all);
    if (e->count < e->all) esp_json_add_doubles(json, "number", e->count, e->number);
    esp_json_add_doubles(json, "performance", e->count, e->performance);
    esp_json_add_doubles(json, "scale", e->count, e->scale);
    esp_json_add_doubles(json, "sparsity", e->count, e->sparsity);
    esp_json_add_doubles(json, "objective", e->count, e->objective);
    esp_json_add_doubles(json, "best", e->count, e->best);
    esp_json_add_doubles(json, "best_at_target", e->count, e->feasible);
}

/* Runs after reading, because the target sparsity is known only then. */
static void finish(cJSON *data, esp_evaluations *e)
{
    const char *constraint = esp_json_text(esp_report_question(data), "constraint");
    if (constraint && strcmp(constraint, "nominal") == 0) {
        double *structural = e->sparsity;
        e->sparsity = e->nominal;
        e->nominal = structural;
    }
    add_objective(data, e);
    e->all = e->count;
    for (int i = 0; i < e->count; i++) e->cost += e->scale[i];
    thin(e);
    add_series(data, e);
}

esp_status esp_report_read_search(esp_report *report, esp_evaluations *e)
{
    const char *path = report->source->journal;
    report->data = cJSON_CreateObject();
    cJSON_AddStringToObject(report->data, "kind", "search");
    cJSON_AddStringToObject(report->data, "source", report->source->path);
    cJSON_AddStringToObject(report->data, "journal", path);
    cJSON_AddStringToObject(report->data, "version", ESP_VERSION);
    reader reader = {path, report->data, e, 0};
    esp_status status = esp_json_lines_read(path, take_line, &reader);
    if (status == ESP_OK && reader.lines == 0) status = take_header(path, NULL, report->data);
    if (status == ESP_OK) finish(report->data, e);
    return status;
}
