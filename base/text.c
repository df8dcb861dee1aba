/* Numbers as people read them, in tables and on pages. */
#include <math.h>
#include <stdio.h>

#include "base/base.h"

char *esp_text_count(double count, char out[ESP_NUMBER_TEXT])
{
    char digits[ESP_NUMBER_TEXT];
    int length = esp_format(digits, sizeof digits, "%.0f", count), at = 0;
    for (int i = 0; i < length && at < ESP_NUMBER_TEXT - 2; i++) {
        if (i > 0 && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

char *esp_text_counted(double count, const char *noun, char *out, size_t size)
{
    char number[ESP_NUMBER_TEXT];
    snprintf(out, size, "%s %s%s", esp_text_count(count, number), noun, count == 1 ? "" : "s");
    return out;
}

char *esp_text_scaled(double value, char out[ESP_NUMBER_TEXT])
{
    static const char *const unit[] = {"", " k", " M", " G", " T"};
    int scale = 0;
    for (; fabs(value) >= 1000 && scale < 4; scale++) value /= 1000;
    char digits[ESP_NUMBER_TEXT];
    if (scale > 0) esp_text_short(value, digits);
    else           esp_format(digits, sizeof digits, "%.3g", value);
    snprintf(out, ESP_NUMBER_TEXT, "%.24s%s", digits, unit[scale]);
    return out;
}

char *esp_text_seconds(double seconds, char out[ESP_NUMBER_TEXT])
{
    long whole = lround(seconds);
    if (seconds < 10) esp_format(out, ESP_NUMBER_TEXT, "%.1f s", seconds);
    else if (whole < 3600) esp_format(out, ESP_NUMBER_TEXT, "%ld:%02ld", whole / 60, whole % 60);
    else esp_format(out, ESP_NUMBER_TEXT, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    return out;
}

char *esp_text_performance(double value, char out[ESP_NUMBER_TEXT])
{
    esp_format(out, ESP_NUMBER_TEXT, fabs(value) < 100 ? "%.2f" : "%.1f", value);
    return out;
}

char *esp_text_short(double value, char out[ESP_NUMBER_TEXT])
{
    int length = esp_format(out, ESP_NUMBER_TEXT, "%#.3g", value); /* "0.0340", so that columns are even */
    if (length > 0 && out[length - 1] == '.') out[length - 1] = 0;
    return out;
}

char *esp_text_percent(double share, char out[ESP_NUMBER_TEXT])
{
    esp_format(out, ESP_NUMBER_TEXT, "%.1f %%", 100 * share);
    return out;
}

char *esp_text_whole(double value, char out[ESP_NUMBER_TEXT])
{
    esp_format(out, ESP_NUMBER_TEXT, "%.0f", value);
    return out;
}

char *esp_text_error(double value, char out[ESP_NUMBER_TEXT])
{
    esp_format(out, ESP_NUMBER_TEXT, "%.6f", value);
    return out;
}
