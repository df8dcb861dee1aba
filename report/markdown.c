/* Any text inside YAML and Markdown documents. */
#include <string.h>

#include "report/report_internal.h"

/* Passes on a text in which what is not printable became U+FFFD and line ends became blanks; characters of `special`
 * get a backslash. */
static void write_text(FILE *out, const char *text, const char *special)
{
    for (uint32_t c; (c = esp_next_character(&text));) {
        char utf8[5];
        bool blank = c == '\t' || c == '\n' || c == '\r', control = c < 0x20 || (c >= 0x7f && c < 0xa0);
        bool invisible = control || c == 0x2028 || c == 0x2029 || c == 0xfeff;
        if (c < 0x80 && c >= 0x20 && strchr(special, (int)c)) putc('\\', out);
        fputs(esp_character_text(blank ? ' ' : invisible ? 0xfffd : c, utf8), out);
    }
}

void esp_yaml_text(FILE *out, const char *text)
{
    putc('"', out);
    write_text(out, text, "\"\\");
    putc('"', out);
}

void esp_markdown_text(FILE *out, const char *text)
{
    write_text(out, text, "\\`*_[]<>|&~$#");
}

void esp_markdown_code(FILE *out, const char *text)
{
    fputs("    ", out);
    write_text(out, text, "");
    putc('\n', out);
}
