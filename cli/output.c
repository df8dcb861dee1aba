/* Results on standard output: tables for people, one JSON object for programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* ---- a result that cannot be read is not a success ---- */

/* Runs at exit, so that argp's --help is checked as well. */
static void check_written(void)
{
    if (!ferror(stdout) && fflush(stdout) == 0) return;
    fprintf(stderr, "espalier: cannot write to standard output: %s\n", strerror(errno));
    _exit(ESP_EXIT_FAILED);
}

void esp_output_install(void)
{
    atexit(check_written);
}

/* ---- tables ---- */

enum { MAX_COLUMNS = 16, LINE = 1024 };

struct esp_table {
    const char *alignment;
    int    columns, rows, capacity;
    char **lines;               /* cells separated by '|'; NULL is a rule */
    int    width[MAX_COLUMNS];
};

esp_table *esp_table_create(const char *alignment)
{
    esp_table *table = esp_alloc(1, sizeof *table);
    table->alignment = alignment;
    table->columns = (int)strlen(alignment);
    return table;
}

static void append(esp_table *table, char *line)
{
    if (table->rows == table->capacity) {
        int capacity = table->capacity ? 2 * table->capacity : 32;
        char **larger = esp_alloc((size_t)capacity, sizeof *larger);
        if (table->lines) memcpy(larger, table->lines, (size_t)table->rows * sizeof *larger);
        free(table->lines);
        table->lines = larger;
        table->capacity = capacity;
    }
    table->lines[table->rows++] = line;
}

void esp_table_row(esp_table *table, const char *format, ...)
{
    char line[LINE];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(line, sizeof line, format, arguments);
    va_end(arguments);
    append(table, esp_strdup(line));
}

void esp_table_cell(esp_table *table, const char *format, ...)
{
    char cell[LINE];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(cell, sizeof cell, format, arguments);
    va_end(arguments);
    char **line = &table->lines[table->rows - 1];
    size_t size = strlen(*line) + strlen(cell) + 2;
    char *longer = esp_alloc(size, 1);
    snprintf(longer, size, "%s|%s", *line, cell);
    free(*line);
    *line = longer;
}

void esp_table_rule(esp_table *table)
{
    append(table, NULL);
}

static void measure_row(esp_table *table, const char *cell)
{
    for (int column = 0; column < table->columns; column++) {
        int width = (int)strcspn(cell, "|");
        if (width > table->width[column]) table->width[column] = width;
        cell += width + (cell[width] == '|');
    }
}

static void print_rule(const esp_table *table)
{
    int width = 2 * (table->columns - 1);
    for (int column = 0; column < table->columns; column++) width += table->width[column];
    for (int i = 0; i < width; i++) putchar('-');
    putchar('\n');
}

static void print_row(const esp_table *table, const char *cell)
{
    for (int column = 0; column < table->columns; column++) {
        int width = (int)strcspn(cell, "|"), space = table->width[column] - width;
        bool last = column == table->columns - 1, right = table->alignment[column] == 'r';
        printf("%*s%.*s", right ? space : 0, "", width, cell);
        if (!last) printf("%*s", (right ? 0 : space) + 2, "");
        cell += width + (cell[width] == '|');
    }
    putchar('\n');
}

void esp_table_print(esp_table *table)
{
    for (int i = 0; i < table->rows; i++)
        if (table->lines[i]) measure_row(table, table->lines[i]);
    for (int i = 0; i < table->rows; i++) {
        if (table->lines[i]) print_row(table, table->lines[i]);
        else                 print_rule(table);
        free(table->lines[i]);
    }
    free(table->lines);
    free(table);
}

/* ---- JSON ---- */

void esp_json_print(cJSON *json)
{
    char *text = esp_json_pretty(json);
    puts(text);
    free(text);
    cJSON_Delete(json);
}
