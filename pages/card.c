/* A model card in the form of the Hugging Face Hub: YAML that programs read, then Markdown for people. It states what
 * the file says about itself and what was measured for this card, nothing else. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages/pages_internal.h"

/* The file's name without ".safetensors". */
static char *name_of(const esp_subject *subject)
{
    static const char end[] = ".safetensors";
    char *name = esp_strdup(esp_path_name(subject->path));
    size_t length = strlen(name), tail = sizeof end - 1;
    if (length > tail && strcmp(name + length - tail, end) == 0) name[length - tail] = 0;
    return name;
}

/* ---- YAML: the model-index ---- */

static void yaml_line(FILE *out, const char *start, const char *text)
{
    fputs(start, out);
    esp_yaml_text(out, text);
    putc('\n', out);
}

static void yaml_metric(FILE *out, const char *type, const char *name, double value)
{
    char number[ESP_NUMBER_TEXT];
    esp_format(number, sizeof number, "%.10g", value);
    yaml_line(out, "    - type: ", type);
    yaml_line(out, "      name: ", name);
    fprintf(out, "      value: %s\n", number);
}

/* The main measure, then the figures that are compared before and after a pruning. */
static void yaml_metrics(FILE *out, const esp_application *app, const esp_measurement *m)
{
    yaml_metric(out, app->card_metric ? app->card_metric : "performance", app->measure_name, m->performance);
    for (const esp_compared *c = app->compared; c->key; c++) {
        const esp_figure *figure = esp_figure_list_find(&m->figures, c->key);
        if (!figure || !isfinite(figure->value)) continue;
        yaml_metric(out, c->key, c->label,
                    figure->kind == ESP_FIGURE_SHARE ? figure->value / figure->other : figure->value);
    }
}

static void write_index(FILE *out, const esp_subject *subject, const esp_measurement *m, const char *name)
{
    const esp_application *app = subject->application;
    const char *task = esp_json_text(subject->metadata.contract, "task");
    char samples[256];
    app->samples(subject, samples, sizeof samples);
    fputs("---\nlibrary_name: espalier\n", out);
    if (app->card_task) yaml_line(out, "pipeline_tag: ", app->card_task);
    fputs("tags:\n- pruning\n", out);
    yaml_line(out, "- ", app->name);
    yaml_line(out, "model-index:\n- name: ", name);
    yaml_line(out, "  results:\n  - task:\n      type: ", app->card_task ? app->card_task : "other");
    yaml_line(out, "      name: ", task ? task : app->name);
    yaml_line(out, "    dataset:\n      type: ", task ? task : app->name);
    yaml_line(out, "      name: ", samples);
    fputs("    metrics:\n", out);
    yaml_metrics(out, app, m);
    fputs("---\n\n", out);
}

/* ---- Markdown ---- */

static void row(FILE *out, const char *label, const char *text)
{
    fputs("| ", out);
    esp_markdown_text(out, label);
    fputs(" | ", out);
    esp_markdown_text(out, text);
    fputs(" |\n", out);
}

static void heading(FILE *out, const char *title)
{
    fprintf(out, "\n## %s\n\n", title);
}

/* Members of an object as rows; lists and objects as JSON. */
static void json_rows(FILE *out, const cJSON *object)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        char *line = cJSON_IsString(item) ? esp_strdup(item->valuestring) : esp_json_line(item);
        if (line) row(out, item->string, line);
        free(line);
    }
}

static void write_lead(FILE *out, const esp_subject *subject, const char *name)
{
    char title[256], params[ESP_NUMBER_TEXT], original[ESP_NUMBER_TEXT], percent[ESP_NUMBER_TEXT], line[512];
    double now = (double)esp_network_params(subject->net, subject->components);
    double before = esp_subject_original_params(subject);
    subject->application->title(subject, title, sizeof title);
    esp_text_count(now, params);
    if (now < before)
        esp_format(line, sizeof line, "%s; %s parameters, pruned from %s (%s removed).", title, params,
                   esp_text_count(before, original), esp_text_percent(1 - now / before, percent));
    else
        esp_format(line, sizeof line, "%s; %s parameters.", title, params);
    fputs("# ", out);
    esp_markdown_text(out, name);
    fputs("\n\n", out);
    esp_markdown_text(out, line);
    putc('\n', out);
}

static void write_results(FILE *out, const esp_subject *subject, const esp_measurement *m)
{
    char samples[256];
    cJSON *facts = cJSON_CreateObject();
    subject->application->samples(subject, samples, sizeof samples);
    heading(out, "Results");
    esp_markdown_text(out, samples);
    fputs(":\n\n| figure | value |\n|---|---|\n", out);
    for (int i = 0; i < m->figures.count; i++) {
        const esp_figure *figure = &m->figures.figure[i];
        char *text = figure->label ? esp_figure_text(figure) : NULL;
        if (text) row(out, figure->label, text);
        free(text);
    }
    cJSON_AddStringToObject(facts, "espalier", ESP_VERSION);
    if (subject->application->ancestry) subject->application->ancestry(subject, facts);
    json_rows(out, facts);
    cJSON_Delete(facts);
    if (!subject->settings->command) return;
    fputs("\nMeasured by\n\n", out);
    esp_markdown_code(out, subject->settings->command);
}

static void write_contract(FILE *out, const esp_metadata *metadata)
{
    if (!metadata->contract) return;
    heading(out, metadata->derived ? "Contract, derived from the configuration" : "Contract");
    fputs("| key | value |\n|---|---|\n", out);
    json_rows(out, metadata->contract);
}

static void write_pedigree(FILE *out, const cJSON *pedigree)
{
    const cJSON *entry;
    if (cJSON_GetArraySize(pedigree) == 0) return;
    heading(out, "Pedigree");
    fputs("The prunings that made this network, oldest first:\n\n", out);
    cJSON_ArrayForEach(entry, pedigree) {
        const char *command = esp_json_text(entry, "command"), *method = esp_json_text(entry, "method");
        esp_markdown_code(out, command ? command : method);
    }
}

esp_status esp_card_write(const esp_subject *subject, const esp_measurement *measured, const char *path)
{
    char *text = NULL, *name = name_of(subject);
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    esp_status status = out ? ESP_OK : esp_fail(ESP_ERR_MACHINE, "no memory for %s", path);
    if (out) {
        write_index(out, subject, measured, name);
        write_lead(out, subject, name);
        write_results(out, subject, measured);
        write_contract(out, &subject->metadata);
        write_pedigree(out, subject->metadata.pedigree);
        fclose(out);
        status = esp_file_write(path, text, size);
    }
    free(text);
    free(name);
    return status;
}
