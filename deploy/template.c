/* Templates of generated files, and the texts of helper functions, as they are embedded. */
#include <assert.h>
#include <string.h>

#include "deploy/texts_internal.h"

#include "deploy_texts.h"

static const char *find_text(const embedded_text *texts, const char *name)
{
    while (texts->name && strcmp(texts->name, name) != 0) texts++;
    assert(texts->name);
    return texts->text;
}

const char *esp_c_runtime_text(const char *name)
{
    return find_text(runtime_texts, name);
}

static const char *value_of(const esp_c_entry *entries, int count, const char *key, size_t length)
{
    for (int i = 0; i < count; i++)
        if (strlen(entries[i].key) == length && memcmp(entries[i].key, key, length) == 0) return entries[i].text;
    assert(!"every key of a template has an entry");
    return "";
}

/* One line with its newline. */
static void write_line(const char *line, const char *end, const esp_c_entry *entries, int count, FILE *out)
{
    while (line < end) {
        const char *key = memchr(line, '@', (size_t)(end - line));
        const char *close = key ? memchr(key + 1, '@', (size_t)(end - key - 1)) : NULL;
        if (!close) break;
        fwrite(line, 1, (size_t)(key - line), out);
        fputs(value_of(entries, count, key + 1, (size_t)(close - key - 1)), out);
        line = close + 1;
    }
    fwrite(line, 1, (size_t)(end - line), out);
}

void esp_c_template_write(const char *name, const esp_c_entry *entries, int count, FILE *out)
{
    bool shown = true;
    for (const char *line = find_text(template_texts, name), *end; *line; line = end) {
        end = strchr(line, '\n') + 1;
        if (strncmp(line, "@if ", 4) == 0)
            shown = *value_of(entries, count, line + 4, (size_t)(end - line - 6)) != '\0';
        else if (strncmp(line, "@else@", 6) == 0)
            shown = !shown;
        else if (strncmp(line, "@end@", 5) == 0)
            shown = true;
        else if (shown)
            write_line(line, end, entries, count, out);
    }
}
