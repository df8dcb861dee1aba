/* Words that a person may type: the known word closest to a mistyped one, the words of a choice
 * "a|b|c", the names in a table, the words of a shell command. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row of the table at a time. `word` fits ESP_CONFIG_TEXT. */
static int edit_distance(const char *word, const char *candidate)
{
    int row[ESP_CONFIG_TEXT];
    int length = (int)strlen(word);
    for (int j = 0; j <= length; j++) row[j] = j;

    for (int i = 1; *candidate; i++, candidate++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= length; j++) {
            int above = row[j];
            int replaced = diagonal + (word[j - 1] != *candidate);
            row[j] = smaller(replaced, 1 + smaller(above, row[j - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

/* Near means at most a third of the letters, so two swapped letters of four still count and one
 * letter is never taken for another. */
const char *esp_nearest(const char *word, const char *const *candidates, int count)
{
    size_t length = strlen(word);
    if (length >= ESP_CONFIG_TEXT) return NULL;

    const char *best = NULL;
    int best_distance = smaller((int)(length + 2) / 3, (int)length - 1) + 1;
    for (int i = 0; i < count; i++) {
        int distance = edit_distance(word, candidates[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}

/* ---- choices ------------------------------------------------------------------------------- */

int esp_choice_index(const char *choices, const char *word)
{
    size_t length = strlen(word);
    for (int index = 0;; index++) {
        size_t span = strcspn(choices, "|");
        if (span == length && memcmp(choices, word, length) == 0) return index;
        if (!choices[span]) return -1;
        choices += span + 1;
    }
}

int esp_choice_count(const char *choices)
{
    int count = 1;
    for (; *choices; choices++) count += *choices == '|';
    return count;
}

void esp_choice_word(const char *choices, int index, char *out)
{
    out[0] = 0;
    for (; index >= 0; index--) {
        size_t span = strcspn(choices, "|");
        if (index == 0 && span < ESP_CONFIG_TEXT) {
            memcpy(out, choices, span);
            out[span] = 0;
        }
        if (!choices[span]) return;
        choices += span + 1;
    }
}

/* ---- tables of named rows -------------------------------------------------------------------- */

/* A pointer to a row is a pointer to its first member. */
static const char *name_of(const void *table, size_t size, size_t row)
{
    return *(const char *const *)(const void *)((const char *)table + row * size);
}

char *esp_row_names(const void *table, size_t size, const char *separator)
{
    size_t length = 1;
    for (size_t row = 0; name_of(table, size, row); row++)
        length += strlen(name_of(table, size, row)) + strlen(separator);
    char *names = esp_alloc(length, 1);
    for (size_t row = 0; name_of(table, size, row); row++) {
        if (row > 0) strcat(names, separator);
        strcat(names, name_of(table, size, row));
    }
    return names;
}

const void *esp_row_find(const void *table, size_t size, const char *word)
{
    if (!word) word = "";
    for (size_t row = 0; name_of(table, size, row); row++)
        if (strcmp(name_of(table, size, row), word) == 0) return (const char *)table + row * size;
    char *names = esp_row_names(table, size, "|");
    esp_fail(ESP_ERR_USAGE, "expected %s, found '%s'", names, word);
    free(names);
    return NULL;
}

/* ---- shell commands -------------------------------------------------------------------------- */

/* A quote inside ends the quotes, is written escaped, and begins them again. */
void esp_write_shell_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:+%@";
    if (*word && !word[strspn(word, plain)]) {
        fprintf(out, " %s", word);
        return;
    }
    fputs(" '", out);
    for (; *word; word++) {
        if (*word == '\'') fputs("'\\''", out);
        else               putc(*word, out);
    }
    putc('\'', out);
}
