/* The grammar of RFC 8259, checked before cJSON sees the text: cJSON builds trees well but lets
 * through bad UTF-8, control characters, odd numbers and trailing text, and names no line. */
#include "base/base_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_NUMBER = 63 }; /* cJSON copies a number into 64 bytes */

/* cJSON takes about 100 bytes for a value, but the text of a value may be a single byte. To keep the tree a small
 * multiple of its text, values must take 8 bytes on average; the first 65,536, a few MiB, are exempt. */
enum { FREE_VALUES = 1 << 16, BYTES_PER_VALUE = 8 };

typedef struct {
    const unsigned char *at, *end;
    const char *source;
    int line, depth;
    size_t values, most_values;
    size_t keys, wanted_key;
    int *wanted_line;
} scanner;

static esp_status scan_value(scanner *s);

__attribute__((format(printf, 2, 3)))
static esp_status refuse(const scanner *s, const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(what, sizeof what, format, arguments);
    va_end(arguments);
    return esp_fail(ESP_ERR_FORMAT, "%s: line %d: %s", s->source, s->line, what);
}

static esp_status refuse_instead_of(const scanner *s, const char *expected)
{
    if (s->at == s->end) return refuse(s, "the text ends where %s is expected", expected);
    if (*s->at == 0) return refuse(s, "a zero byte where %s is expected", expected);
    if (*s->at > 0x20 && *s->at < 0x7f) return refuse(s, "'%c' where %s is expected", *s->at, expected);
    return refuse(s, "byte 0x%02x where %s is expected", *s->at, expected);
}

/* The byte ahead, or -1 at the end. */
static int peek(const scanner *s)
{
    return s->at < s->end ? *s->at : -1;
}

static bool accept(scanner *s, char byte)
{
    if (peek(s) != byte) return false;
    s->at++;
    return true;
}

static bool accept_digits(scanner *s)
{
    const unsigned char *start = s->at;
    while (peek(s) >= '0' && peek(s) <= '9') s->at++;
    return s->at > start;
}

static void skip_space(scanner *s)
{
    for (; s->at < s->end; s->at++) {
        if (*s->at == '\n') s->line++;
        else if (*s->at != ' ' && *s->at != '\t' && *s->at != '\r') return;
    }
}

/* ---- strings ------------------------------------------------------------------------------- */

static bool read_hex4(scanner *s, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *digit = peek(s) > 0 ? strchr(digits, peek(s)) : NULL;
        if (!digit) return false;
        unsigned value = (unsigned)(digit - digits);
        *code = *code * 16 + (value < 16 ? value : value - 6);
        s->at++;
    }
    return true;
}

static esp_status scan_unicode_escape(scanner *s)
{
    unsigned code, low;
    if (!read_hex4(s, &code)) return refuse(s, "\\u needs four hexadecimal digits");
    if (code == 0) return refuse(s, "a string holds a zero character (\\u0000)");
    if (code < 0xd800 || code > 0xdfff) return ESP_OK;
    if (code > 0xdbff || !accept(s, '\\') || !accept(s, 'u') || !read_hex4(s, &low) || low < 0xdc00 || low > 0xdfff)
        return refuse(s, "half of a \\u surrogate pair");
    return ESP_OK;
}

static esp_status scan_escape(scanner *s)
{
    if (accept(s, 'u')) return scan_unicode_escape(s);
    if (peek(s) <= 0 || !strchr("\"\\/bfnrt", peek(s))) return refuse_instead_of(s, "an escape character");
    s->at++;
    return ESP_OK;
}

/* One character beyond ASCII. The second byte's range excludes overlong forms, surrogates and codes above 10ffff
 * (Unicode standard, table 3-7). */
static esp_status scan_utf8(scanner *s)
{
    int lead = *s->at++;
    int rest = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    int low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    int high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0xc2 || lead > 0xf4) return refuse(s, "invalid UTF-8 byte 0x%02x", (unsigned)lead);
    for (; rest > 0; rest--) {
        if (peek(s) < low || peek(s) > high) return refuse(s, "invalid UTF-8 after byte 0x%02x", (unsigned)lead);
        s->at++;
        low = 0x80;
        high = 0xbf;
    }
    return ESP_OK;
}

static esp_status scan_string(scanner *s)
{
    esp_status status = ESP_OK;
    s->at++; /* the opening quote */
    while (status == ESP_OK && !accept(s, '"')) {
        if (s->at == s->end) return refuse(s, "a string has no closing quote");
        if (*s->at < 0x20) return refuse(s, "control character 0x%02x in a string (write \\u%04x)", *s->at, *s->at);
        if (accept(s, '\\'))      status = scan_escape(s);
        else if (*s->at >= 0x80)  status = scan_utf8(s);
        else                      s->at++;
    }
    return status;
}

/* ---- numbers and words --------------------------------------------------------------------- */

static esp_status scan_number(scanner *s)
{
    const unsigned char *start = s->at;
    accept(s, '-');
    bool leading_zero = peek(s) == '0';
    const unsigned char *digits = s->at;
    if (!accept_digits(s)) return refuse_instead_of(s, "a digit");
    if (leading_zero && s->at > digits + 1) return refuse(s, "a number starts with a superfluous 0");
    if (accept(s, '.') && !accept_digits(s)) return refuse_instead_of(s, "a digit after the point");
    if (accept(s, 'e') || accept(s, 'E')) {
        if (!accept(s, '+')) accept(s, '-');
        if (!accept_digits(s)) return refuse_instead_of(s, "a digit of the exponent");
    }

    char copy[MAX_NUMBER + 1] = {0};
    size_t length = (size_t)(s->at - start);
    if (length > MAX_NUMBER) return refuse(s, "a number of more than %d characters", MAX_NUMBER);
    memcpy(copy, start, length);
    double value;
    if (!esp_number_parse(copy, &value)) return refuse(s, "the number %s is not finite", copy);
    return ESP_OK;
}

static bool accept_word(scanner *s, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0) return false;
    s->at += length;
    return true;
}

static esp_status scan_word(scanner *s)
{
    if (accept_word(s, "true") || accept_word(s, "false") || accept_word(s, "null")) return ESP_OK;
    if (accept_word(s, "NaN") || accept_word(s, "Infinity")) return refuse(s, "a number is not finite");
    return refuse_instead_of(s, "a value");
}

/* ---- structure ----------------------------------------------------------------------------- */

static esp_status scan_member(scanner *s)
{
    if (peek(s) != '"') return refuse_instead_of(s, "a key in double quotes");
    if (s->keys++ == s->wanted_key) *s->wanted_line = s->line;
    esp_status status = scan_string(s);
    if (status != ESP_OK) return status;
    skip_space(s);
    if (!accept(s, ':')) return refuse_instead_of(s, "':' after a key");
    skip_space(s);
    return scan_value(s);
}

/* Objects and arrays differ in their closing bracket and in what stands between their commas. */
static esp_status scan_items(scanner *s, char close, esp_status (*scan_item)(scanner *))
{
    if (++s->depth > MAX_DEPTH) return refuse(s, "more than %d levels deep", MAX_DEPTH);
    s->at++; /* the opening bracket */
    skip_space(s);
    bool closed = accept(s, close);
    while (!closed) {
        esp_status status = scan_item(s);
        if (status != ESP_OK) return status;
        skip_space(s);
        closed = accept(s, close);
        if (!closed && !accept(s, ',')) return refuse_instead_of(s, close == '}' ? "',' or '}'" : "',' or ']'");
        skip_space(s);
    }
    s->depth--;
    return ESP_OK;
}

static esp_status scan_value(scanner *s)
{
    int byte = peek(s);
    if (++s->values > s->most_values)
        return refuse(s, "more than %zu values, too many for the length of the text", s->most_values);
    if (byte == '{') return scan_items(s, '}', scan_member);
    if (byte == '[') return scan_items(s, ']', scan_value);
    if (byte == '"') return scan_string(s);
    if (byte == '-' || (byte >= '0' && byte <= '9')) return scan_number(s);
    return scan_word(s);
}

esp_status esp_json_scan(const char *text, size_t size, const char *source, size_t key, int *key_line)
{
    const unsigned char *start = (const unsigned char *)text;
    scanner s = {.at = start, .end = start + size, .source = source, .line = 1,
                 .most_values = FREE_VALUES + size / BYTES_PER_VALUE, .wanted_key = key, .wanted_line = key_line};
    skip_space(&s);
    esp_status status = scan_value(&s);
    if (status != ESP_OK) return status;
    skip_space(&s);
    return s.at == s.end ? ESP_OK : refuse_instead_of(&s, "the end of the text");
}
