/* Numbers as text. A host program may run under a locale whose decimal point is a comma; everything is read and
 * written in the C locale all the same, so that files, settings and log lines are alike everywhere. This is the only
 * file that converts between numbers and text (tests/numbers.sh). */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_internal.h"

/* ---- the C locale, for one thread and one call --------------------------------------------- */

static locale_t plain;
static pthread_once_t plain_once = PTHREAD_ONCE_INIT;

static void make_plain(void)
{
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

locale_t esp_locale_plain(void)
{
    pthread_once(&plain_once, make_plain);
    return plain ? uselocale(plain) : (locale_t)0;
}

void esp_locale_restore(locale_t before)
{
    if (before) uselocale(before);
}

/* ---- text to numbers ----------------------------------------------------------------------- */

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

static const char *skip_sign(const char *text)
{
    return text + (*text == '-' || *text == '+');
}

/* strtod accepts more than that: leading space, hexadecimal, "inf" and "nan". */
static bool is_decimal(const char *text)
{
    const char *whole = skip_sign(text), *at = skip_digits(whole);
    long digits = at - whole;
    if (*at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction);
        digits += at - fraction;
    }
    if (digits == 0) return false;
    if (*at == 'e' || *at == 'E') {
        const char *exponent = skip_sign(at + 1);
        at = skip_digits(exponent);
        if (at == exponent) return false;
    }
    return *at == 0;
}

bool esp_number_parse(const char *text, double *out)
{
    if (!is_decimal(text)) return false;
    locale_t before = esp_locale_plain();
    double value = strtod(text, NULL);
    esp_locale_restore(before);
    if (!isfinite(value)) return false;
    *out = value;
    return true;
}

size_t esp_digits_parse(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, (unsigned)(*at - '0'), &value))
            return 0;
    if (at > text) *out = value;
    return (size_t)(at - text);
}

bool esp_u64_parse(const char *text, uint64_t *out)
{
    uint64_t value;
    size_t length = esp_digits_parse(text, &value);
    if (length == 0 || text[length]) return false;
    *out = value;
    return true;
}

bool esp_i64_parse(const char *text, int64_t *out)
{
    uint64_t size;
    bool negative = *text == '-';
    if (!esp_u64_parse(text + negative, &size) || size > (uint64_t)INT64_MAX + negative) return false;
    *out = negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

/* ---- numbers to text ----------------------------------------------------------------------- */

int esp_format_list(char *out, size_t size, const char *format, va_list arguments)
{
    locale_t before = esp_locale_plain();
    int length = vsnprintf(out, size, format, arguments);
    esp_locale_restore(before);
    return length;
}

int esp_format(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = esp_format_list(out, size, format, arguments);
    va_end(arguments);
    return length;
}
