/* A writer of SVG and HTML text: appends formatted markup and escaped words, and estimates how wide
 * words are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

/* ---- growing text ---- */

static void reserve(esp_xml *svg, size_t more)
{
    if (svg->length + more < svg->room) return;
    size_t room = 2 * (svg->length + more) + 4096;
    char *text = esp_alloc(room, 1);
    if (svg->text) memcpy(text, svg->text, svg->length);
    free(svg->text);
    svg->text = text;
    svg->room = room;
}

void esp_xml_add(esp_xml *svg, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = esp_format_list(NULL, 0, format, arguments);
    if (length > 0) {
        reserve(svg, (size_t)length + 1);
        esp_format_list(svg->text + svg->length, (size_t)length + 1, format, again);
        svg->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

void esp_xml_paste(esp_xml *svg, const char *text, size_t length)
{
    reserve(svg, length + 1);
    memcpy(svg->text + svg->length, text, length);
    svg->length += length;
    svg->text[svg->length] = 0;
}

void esp_xml_insert(esp_xml *xml, size_t at, const char *text)
{
    size_t length = strlen(text);
    reserve(xml, length + 1);
    memmove(xml->text + at + length, xml->text + at, xml->length - at + 1);
    memcpy(xml->text + at, text, length);
    xml->length += length;
}

/* ---- characters ---- */

/* Reads one character of UTF-8 and moves past it. Returns 0 at the end; for a sequence that is cut
 * short, overlong, a surrogate or beyond U+10FFFF, and for characters that XML 1.0 forbids, U+FFFD,
 * moving on by one byte. */
uint32_t esp_next_character(const char **text)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)*text;
    if (*at == 0) return 0;
    (*text)++;
    if (*at < 0x80) return *at < 0x20 && *at != '\t' && *at != '\n' && *at != '\r' ? 0xfffd : *at;

    int more = *at >= 0xf0 && *at < 0xf8 ? 3 : *at >= 0xe0 && *at < 0xf0 ? 2 : *at >= 0xc0 && *at < 0xe0 ? 1 : 0;
    if (more == 0) return 0xfffd;
    uint32_t character = *at & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0xfffd;
        character = character << 6 | (at[i] & 0x3f);
    }
    bool forbidden = character < smallest[more] || character > 0x10ffff || (character >= 0xd800 && character < 0xe000)
                     || character == 0xfffe || character == 0xffff;
    if (forbidden) return 0xfffd;
    *text += more;
    return character;
}

char *esp_character_text(uint32_t c, char utf8[5])
{
    memset(utf8, 0, 5);
    if (c < 0x80) {
        utf8[0] = (char)c;
    } else if (c < 0x800) {
        utf8[0] = (char)(0xc0 | c >> 6);
        utf8[1] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        utf8[0] = (char)(0xe0 | c >> 12);
        utf8[1] = (char)(0x80 | (c >> 6 & 0x3f));
        utf8[2] = (char)(0x80 | (c & 0x3f));
    } else {
        utf8[0] = (char)(0xf0 | c >> 18);
        utf8[1] = (char)(0x80 | (c >> 12 & 0x3f));
        utf8[2] = (char)(0x80 | (c >> 6 & 0x3f));
        utf8[3] = (char)(0x80 | (c & 0x3f));
    }
    return utf8;
}

static void add_character(esp_xml *svg, uint32_t c)
{
    char utf8[5];
    switch (c) {
    case '&': esp_xml_add(svg, "&amp;"); return;
    case '<': esp_xml_add(svg, "&lt;"); return;
    case '>': esp_xml_add(svg, "&gt;"); return;
    case '"': esp_xml_add(svg, "&quot;"); return;
    case '\t':
    case '\n':
    case '\r': esp_xml_add(svg, " "); return;
    default: esp_xml_add(svg, "%s", esp_character_text(c, utf8));
    }
}

void esp_xml_text(esp_xml *svg, const char *text)
{
    for (uint32_t c; (c = esp_next_character(&text));) add_character(svg, c);
}

char *esp_xml_escape(const char *text)
{
    esp_xml escaped = {.text = NULL};
    reserve(&escaped, 1);
    esp_xml_text(&escaped, text);
    return escaped.text;
}

/* ---- widths ---- */

/* Advance width in ems. Four classes are enough to lay out labels; exact metrics depend on the
 * reader's fonts. */
static double advance(uint32_t c)
{
    if (c >= 0x80) return c == 0x2026 || c >= 0x2e80 ? 1 : 0.65; /* ellipsis and ideographs are square */
    if (strchr("ijl'|I", (int)c)) return 0.3;
    if (strchr("frt.,:;()[]-/ !\"J", (int)c)) return 0.4;
    if (strchr("mwMW%@+=<>~#&", (int)c)) return 0.95;
    return c >= 'A' && c <= 'Z' ? 0.72 : 0.63;
}

double esp_text_width(const char *text, double size)
{
    double ems = 0;
    for (uint32_t c; (c = esp_next_character(&text));) ems += advance(c);
    return ems * size;
}

size_t esp_text_line(const char *text, double size, double width)
{
    const char *at = text, *line_end = NULL;
    double ems = 0;
    for (uint32_t c; (c = esp_next_character(&at));) {
        if (c == ' ' && at - text > 1) line_end = at;
        if (c != ' ' && (ems + advance(c)) * size > width && line_end) return (size_t)(line_end - text);
        ems += advance(c);
    }
    return (size_t)(at - text);
}

void esp_xml_text_within(esp_xml *svg, const char *text, double size, double width)
{
    if (esp_text_width(text, size) <= width) {
        esp_xml_text(svg, text);
        return;
    }
    double left = width - size; /* room left beside the ellipsis */
    for (uint32_t c; (c = esp_next_character(&text)) && (left -= advance(c) * size) >= 0;) add_character(svg, c);
    esp_xml_add(svg, "\u2026");
}
