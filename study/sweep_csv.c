/* results.csv: the cells of a sweep for spreadsheets. */
#include <stdio.h>
#include <stdlib.h>

#include "study/study.h"

/* Quotes a text: sentences may hold commas and quotes. */
static void write_text(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"') putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void write_value(FILE *out, const cJSON *item)
{
    char number[ESP_NUMBER_TEXT];
    if (cJSON_IsNumber(item)) {
        esp_format(number, sizeof number, "%.10g", item->valuedouble);
        fputs(number, out);
    } else if (cJSON_IsString(item)) {
        write_text(out, item->valuestring);
    } else if (cJSON_IsBool(item)) {
        fputs(cJSON_IsTrue(item) ? "true" : "false", out);
    }
}

/* The groups of the first cell that has any; they are the same in all cells of a sweep. */
static const cJSON *find_groups(const esp_sweep *sweep)
{
    const cJSON *cell, *groups = NULL;
    cJSON_ArrayForEach(cell, sweep->results)
        if (!groups) groups = cJSON_GetObjectItemCaseSensitive(cell, "coefficients");
    return groups;
}

static void write_header(FILE *out, const cJSON *row, const cJSON *groups)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, row) fprintf(out, "%s%s", item == row->child ? "" : ",", item->string);
    cJSON_ArrayForEach(item, groups) fprintf(out, ",c:%s", item->string);
    putc('\n', out);
}

static void write_row(FILE *out, const cJSON *row, const cJSON *groups, const cJSON *coefficients)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, row) {
        if (item != row->child) putc(',', out);
        write_value(out, item);
    }
    cJSON_ArrayForEach(item, groups) {
        putc(',', out);
        write_value(out, cJSON_GetObjectItemCaseSensitive(coefficients, item->string));
    }
    putc('\n', out);
}

static void write_rows(FILE *out, const esp_sweep *sweep)
{
    const cJSON *groups = find_groups(sweep), *cell;
    cJSON_ArrayForEach(cell, sweep->results) {
        cJSON *row = esp_sweep_row(sweep, cell);
        if (cell == sweep->results->child) write_header(out, row, groups);
        write_row(out, row, groups, cJSON_GetObjectItemCaseSensitive(cell, "coefficients"));
        cJSON_Delete(row);
    }
}

esp_status esp_sweep_write_csv(const esp_sweep *sweep)
{
    char *text = NULL, *path = esp_path_join(sweep->folder, "results.csv");
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    esp_status status = out ? ESP_OK : esp_fail(ESP_ERR_MACHINE, "no memory for %s", path);
    if (out) {
        write_rows(out, sweep);
        fclose(out);
        status = esp_file_write(path, text, size);
    }
    free(text);
    free(path);
    return status;
}
