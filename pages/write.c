/* From a path to the page about its results. */
#include "pages/pages_internal.h"

/* How the page of each kind of source is made, and which list of the data it counts. */
static const struct {
    esp_status (*make)(esp_report *report);
    const char *counted, *list; /* a list, or the length of one */
} pages[] = {
    [ESP_SOURCE_RUN] = {esp_report_run, "lines", "/metrics"},
    [ESP_SOURCE_SWEEP] = {esp_report_sweep, "cells", "/cells"},
    [ESP_SOURCE_SEARCH] = {esp_report_search, "evaluations", "/evaluations/count"},
};

static esp_status write_page(esp_report *report, const char *output, esp_pages_result *out)
{
    esp_status status = esp_file_writable(output);
    if (status == ESP_OK) status = pages[out->kind].make(report);
    if (status != ESP_OK) return status;
    out->counted = pages[out->kind].counted;
    const cJSON *list = esp_data_find(report->data, pages[out->kind].list);
    out->count = cJSON_IsNumber(list) ? list->valueint : cJSON_GetArraySize(list);
    if (report->settings->command) cJSON_AddStringToObject(report->data, "command", report->settings->command);
    esp_page_data(report->page, report->data);
    return esp_page_write(report->page, output, &out->bytes);
}

esp_status esp_pages_write(const esp_pages_request *request, esp_pages_result *out)
{
    esp_source source;
    esp_status status = esp_source_find(request->source, &source);
    if (status != ESP_OK) return status;
    esp_lock *lock = NULL;
    esp_report report = {.settings = request->settings, .source = &source, .film = request->film};
    *out = (esp_pages_result){.kind = source.kind};
    status = esp_lock_take(request->output, &lock);
    if (status == ESP_OK) status = write_page(&report, request->output, out);
    esp_lock_release(lock);
    esp_page_free(report.page);
    cJSON_Delete(report.data);
    esp_source_free(&source);
    return status;
}
