/* Figures as people read them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

static void write_value(FILE *out, const esp_figure *f)
{
    char text[ESP_NUMBER_TEXT];
    switch (f->kind) {
    case ESP_FIGURE_TEXT: fputs(f->text, out); break;
    case ESP_FIGURE_NUMBER:
        if (isnan(f->value)) fputs("-", out);
        else                 fprintf(out, "%.*f", f->decimals, f->value);
        break;
    case ESP_FIGURE_SCALED: fputs(esp_text_scaled(f->value, text), out); break;
    case ESP_FIGURE_SECONDS: fputs(esp_text_seconds(f->value, text), out); break;
    case ESP_FIGURE_SHARE: fprintf(out, "%.0f of %.0f", f->value, f->other); break;
    case ESP_FIGURE_INTERVAL: fprintf(out, "[%.*f, %.*f]", f->decimals, f->value, f->decimals, f->other); break;
    case ESP_FIGURE_LIST: fprintf(out, "%d values", f->count); break;
    }
}

static void write_figure(FILE *out, const esp_figure *f)
{
    write_value(out, f);
    /* the prefix of 12.4 M and the unit FLOP make 12.4 MFLOP */
    if (f->unit) fprintf(out, "%s%s", f->kind == ESP_FIGURE_SCALED ? "" : " ", f->unit);
}

char *esp_figure_text(const esp_figure *figure)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write_figure(out, figure);
    fclose(out);
    return text;
}

/* The first figure begins its line; others follow, separated if they have a label. */
static void write_line(FILE *out, const esp_figure_list *figures, int line)
{
    bool first = true;
    for (int i = 0; i < figures->count; i++) {
        const esp_figure *f = &figures->figure[i];
        if (f->line != line) continue;
        if (!first) fputs(f->label ? "   " : ", ", out);
        if (!first && f->label) fprintf(out, "%s ", f->label);
        write_figure(out, f);
        first = false;
    }
}

static char *line_text(const esp_figure_list *figures, int line)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write_line(out, figures, line);
    fclose(out);
    return text;
}

static const char *label_of(const esp_figure_list *figures, int line)
{
    for (int i = 0; i < figures->count; i++)
        if (figures->figure[i].line == line) return figures->figure[i].label ? figures->figure[i].label : "";
    return NULL;
}

void esp_table_figures(esp_table *table, const esp_figure_list *figures)
{
    int last = 0;
    for (int i = 0; i < figures->count; i++)
        if (figures->figure[i].line > last) last = figures->figure[i].line;
    for (int line = 1; line <= last; line++) {
        const char *label = label_of(figures, line);
        if (!label) continue;
        char *text = line_text(figures, line);
        esp_table_row(table, "%s|%s", label, text);
        free(text);
    }
}
