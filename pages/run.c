/* The page of a training run: learning curves, what the best checkpoint was, what it does. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pages/pages.h"

enum { MOST_LINES = 1500 }; /* of metrics that are drawn */

/* ---- data ---- */

/* Lines with an evaluation, and of the others every so-manieth: a long run has more than a chart can show. */
static cJSON *thin(cJSON *lines)
{
    int stride = cJSON_GetArraySize(lines) / MOST_LINES + 1, i = 0;
    if (stride == 1) return lines;
    cJSON *kept = cJSON_CreateArray();
    for (cJSON *line = lines->child, *next; line; line = next, i++) {
        next = line->next;
        if (i % stride != 0 && next && !cJSON_HasObjectItem(line, "score")) continue;
        cJSON_AddItemToArray(kept, cJSON_DetachItemViaPointer(lines, line));
    }
    cJSON_Delete(lines);
    return kept;
}

/* A file of the folder as part of the data; one that is not there is left out unless it is needed. */
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
    cJSON *lines = NULL;
    char *path = esp_path_join(report->source->path, "metrics.jsonl");
    esp_status status = esp_lines_read(path, &lines);
    if (status == ESP_OK && cJSON_GetArraySize(lines) == 0) {
        cJSON_Delete(lines);
        status = esp_fail(ESP_ERR_FORMAT, "%s: no line yet; the run has hardly begun", path);
    } else if (status == ESP_OK) {
        cJSON_AddItemToObject(report->data, "metrics", thin(lines));
    }
    free(path);
    return status;
}

/* Index of the line whose value is the most, or with sign -1 the least; -1: no line has the key. */
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

/* ---- curves ---- */

typedef struct { const char *key, *name; } curve;

/* Points where a line has both keys; they are freed with the chart's. */
static esp_chart_series make_series(const cJSON *metrics, const char *x_key, const curve *curve)
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
    return (esp_chart_series){.name = curve->name, .count = count, .x = x, .y = y};
}

/* What all charts of a run have in common: a chart, its x, and a list of curves that ends with NULL. */
static esp_status draw(esp_report *report, esp_chart chart, const char *x_key, const curve *curves, const char *caption)
{
    const cJSON *metrics = esp_data_find(report->data, "/metrics");
    esp_chart_series series[8];
    int points = 0;
    for (; curves[chart.num_series].key; chart.num_series++) {
        series[chart.num_series] = make_series(metrics, x_key, &curves[chart.num_series]);
        points += series[chart.num_series].count;
    }
    chart.kind = ESP_CHART_LINES;
    chart.series = series;
    esp_status status = points > 0 ? esp_page_chart(report->page, &chart, caption) : ESP_OK;
    for (int i = 0; i < chart.num_series; i++) {
        free((void *)series[i].x);
        free((void *)series[i].y);
    }
    return status;
}

/* ---- what both applications say ---- */

static void add_origin(esp_report *report)
{
    esp_report_origin(report, "/about/command", "The folder does not say which command started the run.");
    esp_page_fact(report->page, "run", report->source->path);
    esp_report_fact(report, "data", "/about/data");
    esp_report_fact(report, "trained with espalier", "/about/version");
    esp_report_folded(report, "configuration", "/config");
}

static void add_time(esp_report *report)
{
    char pointer[64];
    const cJSON *metrics = esp_data_find(report->data, "/metrics");
    snprintf(pointer, sizeof pointer, "/metrics/%d/wall_s", last_line(metrics, "wall_s"));
    esp_report_card(report, "time", esp_text_seconds, pointer, "so far, on its machine");
}

static void add_film(esp_report *report, const esp_application *application)
{
    char *checkpoint = esp_path_join(report->source->path, "checkpoint.safetensors");
    double seed = esp_data_number(report->data, "/config/train/seed");
    esp_film_request request = {.application = application, .count = 1, .path = {checkpoint},
                                .name = {"the checkpoint of the run"}, .controller = ESP_CONTROLLER_POLICY,
                                .seed = seed >= 0 ? (uint64_t)seed : 1,
                                .data = esp_data_text(report->data, "/about/data")};
    esp_report_film(report, &request);
    free(checkpoint);
}

/* ---- agents ---- */

static void agent_row(esp_report *report, const char *name, int line)
{
    static const char *const keys[] = {"policy_random", "policy_hanging", "planner_random", "planner_hanging", "score"};
    esp_page_row(report->page);
    esp_page_cell(report->page, name);
    esp_report_cell(report, esp_text_count, "/metrics/%d/update", line);
    for (int i = 0; i < 5; i++) esp_report_cell(report, esp_text_performance, "/metrics/%d/%s", line, keys[i]);
}

static void agent_numbers(esp_report *report)
{
    const cJSON *metrics = esp_data_find(report->data, "/metrics");
    int best = best_line(metrics, "score", 1);
    char pointer[64], remark[128], count[ESP_NUMBER_TEXT];
    if (best < 0) {
        esp_page_note(report->page, "The run has not been evaluated yet.");
    } else {
        snprintf(pointer, sizeof pointer, "/metrics/%d/update", best);
        snprintf(remark, sizeof remark, "after update %s; this checkpoint was kept",
                 esp_text_count(esp_data_number(report->data, pointer), count));
        snprintf(pointer, sizeof pointer, "/metrics/%d/score", best);
        esp_report_card(report, "best mean return", esp_text_performance, pointer, remark);
    }
    snprintf(pointer, sizeof pointer, "/metrics/%d/update", last_line(metrics, "update"));
    snprintf(remark, sizeof remark, "of %s",
             esp_text_count(esp_data_number(report->data, "/config/train/updates"), count));
    esp_report_card(report, "updates", esp_text_count, pointer, remark);
    snprintf(pointer, sizeof pointer, "/metrics/%d/episodes", last_line(metrics, "episodes"));
    esp_report_card(report, "episodes played", esp_text_count, pointer, NULL);
    add_time(report);
    if (best < 0) return;
    esp_page_table(report->page, "Mean return of the periodic evaluations, planner with its search budget.", "lrrrrrr",
                   "|update|policy, random start|policy, hanging|planner, random|planner, hanging|mean");
    agent_row(report, "best", best);
    agent_row(report, "last", last_line(metrics, "score"));
}

static esp_status agent_curves(esp_report *report)
{
    static const curve returns[] = {{"planner_random", "planner, random start"},
                                    {"policy_random", "policy, random start"},
                                    {"planner_hanging", "planner, hanging start"},
                                    {"policy_hanging", "policy, hanging start"}, {NULL, NULL}};
    static const curve losses[] = {{"consistency_loss", "consistency"}, {"reward_loss", "reward"},
                                   {"value_loss", "value"}, {NULL, NULL}};
    static const curve collected[] = {{"collected_return", NULL}, {NULL, NULL}};
    esp_chart chart = {.title = "Mean return", .x = {.label = "update"},
                       .y = {.label = "mean return", .low = 0, .high = 1}};
    esp_page_section(report->page, "Learning");
    esp_status status = draw(report, chart, "update", returns, "Evaluations on fixed episodes while learning; the "
                             "checkpoint with the best mean of the four is kept.");
    chart.title = "Return of the episodes it learns from";
    chart.y.label = "return";
    if (status == ESP_OK)
        status = draw(report, chart, "update", collected, "What the exploring agent got in the episodes that it "
                      "collected; the first ones are random.");
    chart.title = "Losses";
    chart.y = (esp_chart_axis){.label = "loss", .log = true};
    if (status == ESP_OK)
        status = draw(report, chart, "update", losses, "Of the world model, each point a mean over the updates "
                      "since the one before.");
    return status;
}

/* ---- autoencoders ---- */

static void autoencoder_numbers(esp_report *report)
{
    const cJSON *metrics = esp_data_find(report->data, "/metrics");
    int best = best_line(metrics, "test_mse", -1), last = last_line(metrics, "test_mse");
    char pointer[64], remark[128], count[ESP_NUMBER_TEXT];
    snprintf(pointer, sizeof pointer, "/metrics/%d/test_mse", last);
    esp_report_card(report, "test error", esp_text_error, pointer, "mean squared error after the last epoch");
    snprintf(pointer, sizeof pointer, "/metrics/%d/psnr_of_mean_mse_db", last);
    esp_report_card(report, "PSNR, dB", esp_text_performance, pointer, "of the mean error");
    snprintf(pointer, sizeof pointer, "/metrics/%d/epoch", last);
    snprintf(remark, sizeof remark, "of %s",
             esp_text_count(esp_data_number(report->data, "/config/train/epochs"), count));
    esp_report_card(report, "epochs", esp_text_count, pointer, remark);
    add_time(report);
    esp_page_table(report->page, "Error on the test images.", "lrrrrr",
                   "|epoch|training error|test error|PSNR of the mean error, dB|mean PSNR of images, dB");
    const struct { const char *name; int line; } rows[] = {{"first", 0}, {"best", best}, {"last", last}};
    for (int i = 0; i < 3; i++) {
        esp_page_row(report->page);
        esp_page_cell(report->page, rows[i].name);
        esp_report_cell(report, esp_text_count, "/metrics/%d/epoch", rows[i].line);
        esp_report_cell(report, esp_text_error, "/metrics/%d/train_mse", rows[i].line);
        esp_report_cell(report, esp_text_error, "/metrics/%d/test_mse", rows[i].line);
        esp_report_cell(report, esp_text_performance, "/metrics/%d/psnr_of_mean_mse_db", rows[i].line);
        esp_report_cell(report, esp_text_performance, "/metrics/%d/mean_psnr_db", rows[i].line);
    }
}

static esp_status autoencoder_curves(esp_report *report)
{
    static const curve errors[] = {{"train_mse", "training images"}, {"test_mse", "test images"}, {NULL, NULL}};
    static const curve psnr[] = {{"psnr_of_mean_mse_db", "of the mean error"}, {"mean_psnr_db", "mean over images"},
                                 {NULL, NULL}};
    esp_chart chart = {.title = "Reconstruction error", .x = {.label = "epoch"},
                       .y = {.label = "mean squared error", .log = true}};
    esp_page_section(report->page, "Learning");
    esp_status status = draw(report, chart, "epoch", errors, "Training: mean over the batches of an epoch while the "
                             "weights change; test: at its end.");
    chart.title = "Signal to noise";
    chart.y = (esp_chart_axis){.label = "PSNR, dB"};
    return status == ESP_OK ? draw(report, chart, "epoch", psnr, "On test images.") : status;
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
    char title[512], lead[512];
    esp_status status = read_run(report, &application);
    if (status == ESP_ERR_USAGE) status = ESP_ERR_FORMAT; /* the folder's fault */
    if (status != ESP_OK) return status;
    bool agent = application == &esp_application_agent;
    const char *task = esp_data_text(report->data, "/config/env/task");
    snprintf(title, sizeof title, "Training of %s", esp_report_name(report->source->path));
    snprintf(lead, sizeof lead, "%s%s, seed %.0f", agent ? "TD-MPC agent, task " : "autoencoder of digits",
             agent ? task ? task : "unknown" : "", esp_data_number(report->data, "/config/train/seed"));
    report->page = esp_page_create(title, lead);
    if (agent) agent_numbers(report);
    else       autoencoder_numbers(report);
    status = agent ? agent_curves(report) : autoencoder_curves(report);
    if (status != ESP_OK) return status;
    add_film(report, application);
    add_origin(report);
    return ESP_OK;
}
