/* Files with a JSON value a line, to which a program that may be killed at any time appends.
 *
 * A last line without its end is what a kill left: it counts when it is JSON, since then nothing but the
 * end is missing, and is as if it were not there otherwise. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

static esp_status take_lines(const char *path, const char *text, size_t size, esp_json_line_fn take, void *context)
{
    esp_status status = ESP_OK;
    int number = 0;
    for (size_t at = 0, length; status == ESP_OK && at < size; at += length + 1) {
        const char *end = memchr(text + at, '\n', size - at);
        cJSON *line = NULL;
        length = end ? (size_t)(end - text) - at : size - at;
        number++;
        status = esp_json_parse(text + at, length, "not JSON", &line);
        if (status == ESP_OK) status = take(context, number, line);
        else if (status == ESP_ERR_FORMAT && !end) return ESP_OK;
        else status = esp_fail_in(status, "%s: line %d", path, number);
    }
    return status;
}

esp_status esp_json_lines_read(const char *path, esp_json_line_fn take, void *context)
{
    char *text = NULL;
    size_t size = 0;
    esp_status status = esp_file_read(path, ESP_JSON_LINES_LIMIT, &text, &size);
    if (status == ESP_OK) status = take_lines(path, text, size, take, context);
    free(text);
    return status;
}

static esp_status mend(const char *path, const char *text, size_t size)
{
    cJSON *line = NULL;
    size_t whole = size;
    while (whole > 0 && text[whole - 1] != '\n') whole--;
    if (whole == size) return ESP_OK;
    esp_status status = esp_json_parse(text + whole, size - whole, "not JSON", &line);
    cJSON_Delete(line);
    if (status == ESP_OK) return esp_file_append(path, "\n", 1);
    return status == ESP_ERR_FORMAT ? esp_file_write(path, text, whole) : status;
}

esp_status esp_json_lines_mend(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    esp_status status = esp_file_read(path, ESP_JSON_LINES_LIMIT, &text, &size);
    if (status == ESP_OK) status = mend(path, text, size);
    free(text);
    return status;
}
