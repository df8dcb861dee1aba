/* What kind of result a path holds: a run, a sweep, or a search with its journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pages/pages_internal.h"

static const char journal_end[] = ".journal.jsonl";

static bool holds(const char *folder, const char *name)
{
    char *path = esp_path_join(folder, name);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static esp_status find_in_folder(esp_source *source)
{
    const char *path = source->path;
    if (holds(path, "results.jsonl"))      source->kind = ESP_SOURCE_SWEEP;
    else if (holds(path, "metrics.jsonl")) source->kind = ESP_SOURCE_RUN;
    else
        return esp_fail(ESP_ERR_FORMAT, "%s: holds neither metrics.jsonl of a run nor results.jsonl of a sweep; name "
                        "another folder", path);
    return ESP_OK;
}

/* Finds the journal beside a network, or, given a journal, the network of that name beside it. */
static esp_status find_search(esp_source *source)
{
    const char *path = source->path;
    size_t length = strlen(path);
    source->kind = ESP_SOURCE_SEARCH;
    source->journal = esp_alloc(length + sizeof journal_end, 1);
    snprintf(source->journal, length + sizeof journal_end, "%s%s", path, ends_with(path, ".jsonl") ? "" : journal_end);
    if (ends_with(path, journal_end)) source->checkpoint = strndup(path, length - strlen(journal_end));
    else if (!ends_with(path, ".jsonl")) source->checkpoint = esp_strdup(path);
    if (access(source->journal, F_OK) == 0) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: there is no %s with the search of this file; expected a network written by "
                    "`prune', the journal of a search, or a folder of `train' or `sweep'", path,
                    esp_path_name(source->journal));
}

esp_status esp_source_find(const char *path, esp_source *out)
{
    size_t bytes;
    *out = (esp_source){.path = path};
    esp_status status = esp_file_bytes(path, &bytes);
    if (status == ESP_OK) status = esp_is_folder(path) ? find_in_folder(out) : find_search(out);
    if (status != ESP_OK) esp_source_free(out);
    return status;
}

void esp_source_free(esp_source *source)
{
    free(source->journal);
    free(source->checkpoint);
    source->journal = source->checkpoint = NULL;
}
