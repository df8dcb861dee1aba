/* The settings of a run, whoever asked for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/application.h"

esp_settings esp_settings_default(void)
{
    return (esp_settings){.seed = 1};
}

/* Native code is loaded only from paths that a person typed, which are these. */
static void allow_native(const char *assignment)
{
    static const char key[] = "env.task=";
    size_t length = strlen(assignment);
    if (strncmp(assignment, key, sizeof key - 1) == 0 && length > 3 && strcmp(assignment + length - 3, ".so") == 0)
        esp_task_allow_native(assignment + sizeof key - 1);
}

esp_status esp_settings_apply(const esp_settings *settings, const esp_field *fields, int count, void *config,
                              esp_search_config *search)
{
    esp_status status = ESP_OK;
    for (int i = 0; i < settings->num_assignments && status == ESP_OK; i++) {
        const char *assignment = settings->assignment[i];
        allow_native(assignment);
        if (search && strncmp(assignment, "search.", strlen("search.")) == 0)
            status = esp_config_set(esp_search_fields, esp_search_num_fields, assignment, search);
        else
            status = esp_config_set(fields, count, assignment, config);
    }
    return status;
}

/* ---- settings of a search that its method never reads ---- */

static bool is_read(const char *path, int count, const esp_search_method *const *methods)
{
    for (int i = 0; i < count; i++)
        if (esp_search_reads(methods[i], path)) return true;
    return false;
}

/* "method 'random' reads search.draws, search.finalists; method 'magnitude' reads none" */
static void list_keys(FILE *out, int count, const esp_search_method *const *methods)
{
    for (int i = 0; i < count; i++) {
        const char *comma = "";
        bool before = false; /* a sweep may name a method with several importances */
        for (int k = 0; k < i; k++) before |= methods[k] == methods[i];
        if (before) continue;
        fprintf(out, "%s method '%s' reads ", i > 0 ? ";" : "", methods[i]->name);
        for (int f = 0; f < esp_search_num_fields; f++) {
            if (!esp_search_reads(methods[i], esp_search_fields[f].path)) continue;
            fprintf(out, "%s%s", comma, esp_search_fields[f].path);
            comma = ", ";
        }
        if (!*comma) fputs("no such key", out);
    }
}

void esp_settings_warn_unread(const esp_settings *settings, int count, const esp_search_method *const *methods)
{
    char *text = NULL;
    size_t size = 0;
    int unread = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return;
    for (int i = 0; i < settings->num_assignments; i++) {
        char path[ESP_CONFIG_TEXT];
        const char *assignment = settings->assignment[i];
        snprintf(path, sizeof path, "%.*s", (int)strcspn(assignment, "="), assignment);
        if (strncmp(path, "search.", strlen("search.")) != 0 || is_read(path, count, methods)) continue;
        fprintf(out, "%s%s", unread++ > 0 ? ", " : "", path);
    }
    fprintf(out, " %s no effect:", unread > 1 ? "have" : "has");
    list_keys(out, count, methods);
    fclose(out);
    if (unread > 0) esp_log(ESP_LOG_WARNING, "--set: %s", text);
    free(text);
}
