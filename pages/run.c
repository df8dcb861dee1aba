/* The page of a training run: learning curves, the best checkpoint in numbers, the network in action. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pages/pages_internal.h"

enum { MOST_LINES = 1500 }; /* most lines of metrics that are drawn */

/* ---- data ---- */

/* Keeps the lines with an evaluation and every `stride`-th of the others, and the last: a long run has more than a
 * chart can show. The stride doubles while reading, so that a long file is never in memory as a whole. */
typedef struct {
    const char *path;
    cJSON *kept;      /* array of the lines kept */
    cJSON *last;      /* the last line if it was not kept, else NULL */
    int    count, stride;
} metrics;

static void thin(metrics *m)
{
    int i = 0;
    m->stride *= 2;
    for (cJSON *line = m->kept->child, *next; line; line = next, i++) {
        next = line->next;
        if (i % 2 == 1 && !cJSON_HasObjectItem(line, "score"))
            cJSON_Delete(cJSON_DetachItemViaPointer(m->kept, line));
    }
}

static esp_status take_line(void *context, int number, cJSON *line)
{
    metrics *m = context;
    cJSON_Delete(m->last);
    m->last = NULL;
    if (!cJSON_IsObject(line)) {
        cJSON_Delete(line);
        return esp_fail(ESP_ERR_FORMAT, "%s: line %d is not a JSON object", m->path, number);
    }
    if ((number - 1) % m->stride == 0 || cJSON_HasObjectItem(line, "score")) cJSON_AddItemToArray(m->kept, line);
    else                                                                   m->last = line;
    if (++m->count % MOST_LINES == 0 && cJSON_GetArraySize(m->kept) > MOST_LINES) thin(m);
    return ESP_OK;
}

/* Adds a JSON file of the folder to the data; a missing file is an error only when it is needed. */
static esp_status add_file(esp_report *report, const char *key, const char *name, bool needed)
{
    cJSON *json = NULL;
    char *path = esp_path_join(report->source->path, name);
    esp_status status = needed || access(path, F_OK) == 0 ? esp_json_read(path, &json) : ESP_OK;
    if (json) cJSON_AddItemToObject(report->data, key, json);
    free(path);
    return status;
}

static esp_status add_metrics(esp_report *report)
{
    char *path = esp_path_join(report->source->path, "metrics.jsonl");
    metrics m = {.path = path, .kept = cJSON_CreateArray(), .stride = 1};
    esp_status status = esp_json_lines_read(path, take_line, &m);
    if (status == ESP_OK && m.count == 0)
        status = esp_fail(ESP_ERR_FORMAT, "%s: holds no line yet; wait for the run's first evaluation", path);
    if (m.last && status == ESP_OK) cJSON_AddItemToArray(m.kept, m.last);
    else                            cJSON_Delete(m.last);
    if (status == ESP_OK) cJSON_AddItemToObject(report->data, "metrics", m.kept);
    else                  cJSON_Delete(m.kept);
    free(path);
    return status;
}

/* Index of the line with the largest value, or with sign -1 the smallest; -1: no line has the key. */
static int best_line(const cJSON *metrics, const char *key, double sign)
{
    const cJSON *line;
    double best = -INFINITY;
    int index = 0, found = -1;
    cJSON_ArrayForEach(line, metrics) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, key);
        if (cJSON_IsNumber(item) && sign * item->valuedouble > best) {
            best = sign * item->valuedouble;
            found = index;
        }
        index++;
    }
    return found;
}

static int last_line(const cJSON *metrics, const char *key)
{
    int found = -1, index = 0;
    const cJSON *line;
    cJSON_ArrayForEach(line, metrics) {
        if (cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(line, key))) found = index;
        index++;
    }
    return found;
}

/* Index of the line that a card or a row shows; -1: none. */
static int find_line(const esp_report *report, const esp_learning *learning, esp_metric_line line, const char *key)
{
    const cJSON *metrics = esp_data_find(report->data, "/metrics");
    if (line == ESP_LINE_FIRST) return 0;
    if (line == ESP_LINE_LAST) return last_line(metrics, key);
    return best_line(metrics, learning->score, learning->least ? -1 : 1);
}

/* ---- numbers ---- */

/* "of 20,000", "after update 12,500; this checkpoint was kept", or the card's own remark. */
static const char *card_remark(const esp_report *report, const esp_learning *learning, const esp_metric_card *card,
                               int line, char *out, size_t size)
{
    char count[ESP_NUMBER_TEXT], pointer[64];
    if (card->of) {
        snprintf(pointer, sizeof pointer, "/config%s", card->of);
        snprintf(out, size, "of %s", esp_text_count(esp_data_number(report->data, pointer), count));
        return out;
    }
    if (card->line != ESP_LINE_BEST) return card->remark;
    snprintf(pointer, sizeof pointer, "/metrics/%d/%s", line, learning->counter);
    snprintf(out, size, "after %s %s; %s", learning->counter,
             esp_text_count(esp_data_number(report->data, pointer), count), card->remark);
    return out;
}

static void add_card(esp_report *report, const esp_learning *learning, const esp_metric_card *card)
{
    char pointer[64], remark[128];
    int line = find_line(report, learning, card->line, card->metric.key);
    if (line < 0 && card->line == ESP_LINE_BEST) esp_page_note(report->page, "The run has not been evaluated yet.");
    if (line < 0) return;
    snprintf(pointer, sizeof pointer, "/metrics/%d/%s", line, card->metric.key);
    esp_report_card(report, card->metric.label, card->metric.text, pointer,
                    card_remark(report, learning, card, line, remark, sizeof remark));
}

static void add_time(esp_report *report)
{
    char pointer[64];
    const cJSON *metrics = esp_data_find(report->data, "/metrics");
    snprintf(pointer, sizeof pointer, "/metrics/%d/wall_s", last_line(metrics, "wall_s"));
    esp_report_card(report, "time", esp_text_seconds, pointer, "so far, on the machine of the run");
}

/* ---- families of metrics ---- */

enum { MOST_METRICS = 16, LABEL = 64 };

/* The metrics of a list, with families expanded. Keys are borrowed from the lines. */
typedef struct {
    int        count;
    esp_metric metric[MOST_METRICS];
    char       label[MOST_METRICS][LABEL];
} metric_list;

static bool has_key(const metric_list *list, const char *key)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->metric[i].key, key) == 0) return true;
    return false;
}

/* The label of a member is the family's, with * replaced by the member's name. */
static void add_member(const esp_metric *family, const char *key, const char *end, metric_list *list)
{
    if (list->count == MOST_METRICS || has_key(list, key)) return;
    char *label = list->label[list->count];
    const char *star = family->label ? strchr(family->label, '*') : NULL;
    if (star) snprintf(label, LABEL, "%.*s%s%s", (int)(star - family->label), family->label, end, star + 1);
    list->metric[list->count++] = (esp_metric){key, star ? label : family->label, family->text};
}

/* Members are looked for in the lines of evaluations, which have a score: "policy_*" means the returns by start there,
 * while other lines have a "policy_loss". */
static void add_family(const cJSON *metrics, const char *score, const esp_metric *family, metric_list *list)
{
    size_t prefix = strcspn(family->key, "*");
    const cJSON *line, *item;
    cJSON_ArrayForEach(line, metrics)
        cJSON_ArrayForEach(item, line)
            if (cJSON_HasObjectItem(line, score) && strncmp(item->string, family->key, prefix) == 0)
                add_member(family, item->string, item->string + prefix, list);
}

/* Expands at most `room` metrics, or all up to the one without a key. */
static void expand(const esp_report *report, const esp_learning *learning, const esp_metric *metric, int room,
                   metric_list *out)
{
    const cJSON *metrics = esp_data_find(report->data, "/metrics");
    *out = (metric_list){.count = 0};
    for (int i = 0; i < room && metric[i].key; i++) {
        if (strchr(metric[i].key, '*'))       add_family(metrics, learning->score, &metric[i], out);
        else if (out->count < MOST_METRICS) out->metric[out->count++] = metric[i];
    }
}

static void add_table(esp_report *report, const esp_learning *learning)
{
    static const char *const names[] = {[ESP_LINE_FIRST] = "first", [ESP_LINE_BEST] = "best",
                                        [ESP_LINE_LAST] = "last"};
    char headings[MOST_METRICS * (LABEL + 1)] = "", alignment[MOST_METRICS + 2] = "l";
    metric_list columns;
    expand(report, learning, learning->columns, ESP_MOST_COLUMNS, &columns);
    for (int i = 0; i < columns.count; i++) {
        snprintf(headings + strlen(headings), sizeof headings - strlen(headings), "|%s", columns.metric[i].label);
        strcat(alignment, "r");
    }
    esp_page_table(report->page, learning->table_caption, alignment, headings);
    for (int i = ESP_LINE_FIRST; i <= ESP_LINE_LAST; i++) {
        if (!(learning->table_lines >> i & 1u)) continue;
        int line = find_line(report, learning, (esp_metric_line)i, learning->score);
        esp_page_row(report->page);
        esp_page_cell(report->page, names[i]);
        for (int k = 0; k < columns.count; k++)
            esp_report_cell(report, columns.metric[k].text, "/metrics/%d/%s", line, columns.metric[k].key);
    }
}

static void add_numbers(esp_report *report, const esp_learning *learning)
{
    for (const esp_metric_card *card = learning->cards; card->metric.key; card++) add_card(report, learning, card);
    add_time(report);
    if (find_line(report, learning, ESP_LINE_BEST, NULL) >= 0) add_table(report, learning);
}

/* ---- curves ---- */

/* One point per line that has both keys; freed with the chart's series. */
static esp_chart_series make_series(const cJSON *metrics, const char *x_key, const esp_metric *curve)
{
    size_t room = (size_t)cJSON_GetArraySize(metrics);
    double *x = esp_alloc(room, sizeof *x), *y = esp_alloc(room, sizeof *y);
    int count = 0;
    const cJSON *line;
    cJSON_ArrayForEach(line, metrics) {
        const cJSON *at = cJSON_GetObjectItemCaseSensitive(line, x_key);
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(line, curve->key);
        if (!cJSON_IsNumber(at) || !cJSON_IsNumber(value)) continue;
        x[count] = at->valuedouble;
        y[count++] = value->valuedouble;
    }
    return (esp_chart_series){.name = curve->label, .count = count, .x = x, .y = y};
}

/* Draws nothing when no line has a point for the chart. */
static esp_status draw(esp_report *report, const esp_learning *learning, const esp_metric_chart *metric)
{
    const cJSON *metrics = esp_data_find(report->data, "/metrics");
    esp_chart_series series[MOST_METRICS];
    metric_list curves;
    expand(report, learning, metric->curve, ESP_MOST_CURVES, &curves);
    esp_chart chart = {.kind = ESP_CHART_LINES, .title = metric->title, .x = {.label = learning->counter},
                       .y = {.label = metric->y, .high = metric->from_zero, .log = metric->log}, .series = series};
    int points = 0;
    for (; chart.num_series < curves.count; chart.num_series++) {
        series[chart.num_series] = make_series(metrics, learning->counter, &curves.metric[chart.num_series]);
        points += series[chart.num_series].count;
    }
    esp_status status = points > 0 ? esp_page_chart(report->page, &chart, metric->caption) : ESP_OK;
    for (int i = 0; i < chart.num_series; i++) {
        free((void *)series[i].x);
        free((void *)series[i].y);
    }
    return status;
}

static esp_status add_curves(esp_report *report, const esp_learning *learning)
{
    esp_status status = ESP_OK;
    esp_page_section(report->page, "Learning");
    for (const esp_metric_chart *chart = learning->charts; chart->title && status == ESP_OK; chart++)
        status = draw(report, learning, chart);
    return status;
}

/* ---- the network in action, origin ---- */

static void add_origin(esp_report *report)
{
    esp_report_origin(report, "/about/command", "The folder does not say which command started the run.");
    esp_page_fact(report->page, "run", report->source->path);
    esp_report_fact(report, "data", "/about/data");
    esp_report_fact(report, "trained with espalier", "/about/version");
    esp_report_folded(report, "configuration", "/config");
}

static void add_film(esp_report *report, const esp_application *application)
{
    char *checkpoint = esp_path_join(report->source->path, "checkpoint.safetensors");
    double seed = esp_data_number(report->data, "/config/train/seed");
    esp_film_request request = {.application = application, .count = 1, .path = {checkpoint},
                                .name = {"the checkpoint of the run"}, .quick = true,
                                .asked = esp_data_find(report->data, "/about"),
                                .seed = seed >= 0 ? (uint64_t)seed : 1};
    esp_report_film(report, &request);
    free(checkpoint);
}

/* ---- the page ---- */

static esp_status read_run(esp_report *report, const esp_application **application)
{
    report->data = cJSON_CreateObject();
    cJSON_AddStringToObject(report->data, "kind", "run");
    cJSON_AddStringToObject(report->data, "source", report->source->path);
    cJSON_AddStringToObject(report->data, "version", ESP_VERSION);
    esp_status status = add_file(report, "about", "run.json", false);
    if (status == ESP_OK) status = add_file(report, "config", "config.json", true);
    if (status == ESP_OK) status = add_metrics(report);
    if (status != ESP_OK) return status;
    return esp_application_of_json(esp_data_find(report->data, "/config"), report->source->path, application);
}

esp_status esp_report_run(esp_report *report)
{
    const esp_application *application = NULL;
    char title[512], lead[512], run[256];
    esp_status status = read_run(report, &application);
    /* The configuration at fault is in the folder, not on the command line. */
    if (status == ESP_ERR_USAGE) status = ESP_ERR_FORMAT;
    if (status == ESP_OK && !application->train)
        status = esp_fail(ESP_ERR_FORMAT, "%s: application '%s' is not trained here", report->source->path,
                          application->name);
    if (status != ESP_OK) return status;
    application->run_title(esp_data_find(report->data, "/config"), run, sizeof run);
    snprintf(title, sizeof title, "Training of %s", esp_path_name(report->source->path));
    esp_format(lead, sizeof lead, "%s, seed %.0f", run, esp_data_number(report->data, "/config/train/seed"));
    report->page = esp_page_create(title, lead);
    add_numbers(report, application->learning);
    status = add_curves(report, application->learning);
    if (status != ESP_OK) return status;
    add_film(report, application);
    add_origin(report);
    return ESP_OK;
}
