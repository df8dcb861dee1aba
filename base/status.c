/* The sentence that goes with a status: one per thread, written where something fails, read where a
 * person gets to see it. */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

static _Thread_local char error_text[ESP_ERROR_TEXT];

/* Names quoted from a file may hold anything: control characters must not reach the terminal, and a
 * sentence must stay on one line. */
static void keep_sentence(const char *text)
{
    size_t i = 0;
    for (; text[i] && i < ESP_ERROR_TEXT - 1; i++) {
        unsigned char byte = (unsigned char)text[i];
        error_text[i] = byte < 0x20 || byte == 0x7f ? '?' : text[i];
    }
    error_text[i] = 0;
}

esp_status esp_fail(esp_status status, const char *format, ...)
{
    /* Formatted into another buffer first: an argument may be esp_error_text() itself. */
    char text[ESP_ERROR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    keep_sentence(text);
    return status;
}

esp_status esp_fail_in(esp_status status, const char *format, ...)
{
    char text[2 * ESP_ERROR_TEXT + 2];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(text, ESP_ERROR_TEXT, format, arguments);
    va_end(arguments);

    size_t length = strlen(text);
    snprintf(text + length, sizeof text - length, ": %s", error_text);
    keep_sentence(text);
    return status;
}

const char *esp_error_text(void)
{
    return error_text;
}

void esp_error_take(esp_error *error, esp_status status)
{
    error->status = status;
    memcpy(error->text, error_text, sizeof error->text);
}

esp_status esp_error_raise(const esp_error *error)
{
    keep_sentence(error->text);
    return error->status;
}

esp_status esp_error_first(const esp_error *errors, int count)
{
    for (int i = 0; i < count; i++)
        if (errors[i].status != ESP_OK) return esp_error_raise(&errors[i]);
    return ESP_OK;
}
