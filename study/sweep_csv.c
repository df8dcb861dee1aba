/* results.csv: the cells of a sweep for spreadsheets. */
#include <stdio.h>
#include <stdlib.h>

#include "study/study.h"

static const char *const columns[] = {
    "way", "method", "importance", "groups", "target_sparsity", "seed", "structural_sparsity", "nominal_sparsity",
    "performance_before", "performance_after", "search_performance", "evaluations", "wall_s", "params_after",
    "flops_after", "error"};
enum { NUM_COLUMNS = sizeof columns / sizeof *columns };

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

static void write_rows(FILE *out, const esp_sweep *sweep)
{
    const cJSON *groups = find_groups(sweep), *group, *cell;
    for (int i = 0; i < NUM_COLUMNS; i++) fprintf(out, "%s%s", i ? "," : "", columns[i]);
    cJSON_ArrayForEach(group, groups) fprintf(out, ",c:%s", group->string);
    putc('\n', out);
    cJSON_ArrayForEach(cell, sweep->results) {
        for (int i = 0; i < NUM_COLUMNS; i++) {
            if (i) putc(',', out);
            write_value(out, cJSON_GetObjectItemCaseSensitive(cell, columns[i]));
        }
        const cJSON *coefficients = cJSON_GetObjectItemCaseSensitive(cell, "coefficients");
        cJSON_ArrayForEach(group, groups) {
            putc(',', out);
            write_value(out, cJSON_GetObjectItemCaseSensitive(coefficients, group->string));
        }
        putc('\n', out);
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
