/* An opened checkpoint, and the application that it belongs to. */
#include <math.h>
#include <stdlib.h>

#include "application/application_internal.h"

#define REPORT_SAMPLES 20

esp_status esp_subject_blame(const esp_subject *subject, esp_status status)
{
    bool wrong_key = status == ESP_ERR_USAGE || status == ESP_ERR_RANGE;
    return wrong_key && !subject->settings->config ? ESP_ERR_FORMAT : status;
}

static esp_status open_file(esp_subject *subject)
{
    subject->application = esp_application_of_path(subject->path, subject->settings, &subject->judging);
    if (subject->application) return ESP_OK;
    esp_checkpoint file = {.file = NULL};
    esp_status status = esp_checkpoint_open(subject->path, subject->settings->config, &file);
    if (status != ESP_OK) return esp_subject_blame(subject, status);
    subject->file = esp_alloc(1, sizeof *subject->file);
    *subject->file = file;
    return esp_subject_blame(subject, esp_application_of_json(file.config, file.source, &subject->application));
}

/* Frees the file early, because it holds a second copy of every tensor. */
static void close_file(esp_subject *subject)
{
    if (subject->file) esp_checkpoint_close(subject->file);
    free(subject->file);
    subject->file = NULL;
}

esp_status esp_subject_open(const char *path, const esp_settings *settings, const esp_judging *judging,
                            esp_search_config *search, esp_subject *out)
{
    esp_subject subject = {.path = path, .settings = settings};
    if (judging) subject.judging = *judging;
    subject.search = (int)esp_judging_number(&subject.judging, ESP_KEY_SEARCH, 0);
    subject.report = (int)esp_judging_number(&subject.judging, ESP_KEY_REPORT, REPORT_SAMPLES);
    esp_status status = esp_file_bytes(path, &subject.bytes);
    if (status == ESP_OK) status = open_file(&subject);
    if (status == ESP_OK) status = esp_judging_check(&subject.judging, subject.application, path);
    if (status == ESP_OK) status = subject.application->open(&subject, search);
    close_file(&subject);
    if (status == ESP_OK) *out = subject;
    else                  esp_subject_close(&subject);
    return status;
}

esp_status esp_subject_prepare(esp_subject *subject)
{
    return subject->application->prepare(subject);
}

esp_status esp_subject_measure(const esp_subject *subject, const esp_network *net, const char *task,
                               esp_measurement *out)
{
    *out = (esp_measurement){.low = NAN, .high = NAN};
    return subject->application->measure(subject, net, task, out);
}

void esp_subject_question_json(const esp_subject *subject, cJSON *json)
{
    esp_figure_list question = {.count = 0};
    subject->application->question(subject, &question);
    esp_figure_list_json(&question, json);
    esp_figure_list_free(&question);
}

void esp_subject_close(esp_subject *subject)
{
    if (subject->application && subject->state) subject->application->close(subject);
    esp_network_free(subject->net);
    esp_metadata_free(&subject->metadata);
    *subject = (esp_subject){.net = NULL};
}

void esp_measurement_free(esp_measurement *measurement)
{
    esp_figure_list_free(&measurement->figures);
    esp_samples_free(&measurement->samples);
}
