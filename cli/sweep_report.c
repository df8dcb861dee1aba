/* What a sweep leaves to look at: results.csv, and its charts as SVG and PNG. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages/pages.h"

#define PICTURE_ZOOM 2

/* ---- results.csv ---- */

static const char *const columns[] = {
    "way", "method", "importance", "groups", "target_sparsity", "seed", "structural_sparsity", "nominal_sparsity",
    "performance_before", "performance_after", "search_performance", "evaluations", "wall_s", "params_after",
    "flops_after", "error"};
enum { NUM_COLUMNS = sizeof columns / sizeof *columns };

/* Sentences may hold commas and quotes. */
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
    if (cJSON_IsNumber(item)) fprintf(out, "%.10g", item->valuedouble);
    else if (cJSON_IsString(item)) write_text(out, item->valuestring);
}

/* The groups of the first cell that has any; all cells of a sweep have the same. */
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

static esp_status write_csv(const esp_sweep *sweep)
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

/* ---- pictures ---- */

static esp_status write_chart(void *context, const char *name, const esp_chart *chart)
{
    const esp_sweep *sweep = context;
    char file[64], *svg = NULL;
    snprintf(file, sizeof file, "%s.svg", name);
    char *svg_path = esp_path_join(sweep->folder, file);
    snprintf(file, sizeof file, "%s.png", name);
    char *png_path = esp_path_join(sweep->folder, file);
    esp_status status = esp_chart_svg(chart, &svg);
    if (status == ESP_OK) status = esp_file_write(svg_path, svg, strlen(svg));
    if (status == ESP_OK) status = esp_svg_draw(svg, PICTURE_ZOOM, png_path);
    if (status == ESP_ERR_MACHINE) { /* the SVG is there */
        esp_log(ESP_LOG_WARNING, "%s", esp_error_text());
        status = ESP_OK;
    }
    free(svg);
    free(svg_path);
    free(png_path);
    return status;
}

esp_status esp_sweep_report(const esp_sweep *sweep)
{
    esp_status status = write_csv(sweep);
    return status == ESP_OK ? esp_sweep_draw(sweep, write_chart, (void *)sweep) : status;
}

/* ---- on the terminal ---- */

static void print_table(const esp_sweep *sweep, const esp_subject *subject)
{
    esp_table *table = esp_table_create("lrrrrrr");
    esp_table_row(table, "method|seed|target|sparsity|%s|parameters|evaluations", subject->application->measure_name);
    esp_table_rule(table);
    const cJSON *cell;
    cJSON_ArrayForEach(cell, sweep->results) {
        const char *way = cJSON_GetObjectItemCaseSensitive(cell, "way")->valuestring;
        double target = esp_json_number(cell, "target_sparsity");
        bool is_dense = isnan(target);
        double performance = esp_json_number(cell, is_dense ? "performance_before" : "performance_after");
        char params[ESP_NUMBER_TEXT];
        esp_table_row(table, "%s|%.0f", way, esp_json_number(cell, "seed"));
        if (is_dense) esp_table_cell(table, "|");
        else if (isnan(performance)) esp_table_cell(table, "%g|can't be reached", target);
        else esp_table_cell(table, "%g|%.3f", target, esp_json_number(cell, "structural_sparsity"));
        if (isnan(performance)) continue;
        esp_text_count(esp_json_number(cell, is_dense ? "params_before" : "params_after"), params);
        esp_table_cell(table, "%.5g|%s", performance, params);
        if (!is_dense) esp_table_cell(table, "%.0f", esp_json_number(cell, "evaluations"));
    }
    esp_table_print(table);
    printf("\nresults.jsonl, results.csv and pictures are in %s\n", sweep->folder);
}

void esp_sweep_print(const esp_sweep *sweep, const esp_subject *subject)
{
    if (!subject->options->json) {
        print_table(sweep, subject);
        return;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", subject->application->name);
    cJSON_AddStringToObject(json, "directory", sweep->folder);
    cJSON_AddItemToObject(json, "cells", cJSON_Duplicate(sweep->results, true));
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}
