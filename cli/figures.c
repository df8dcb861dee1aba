/* Figures as lines of a table. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

/* The first figure begins its line; others follow, separated if they have a label. */
static void write_line(FILE *out, const esp_figure_list *figures, int line)
{
    bool first = true;
    for (int i = 0; i < figures->count; i++) {
        const esp_figure *f = &figures->figure[i];
        if (f->line != line) continue;
        if (!first) fputs(f->label ? "   " : ", ", out);
        if (!first && f->label) fprintf(out, "%s ", f->label);
        char *text = esp_figure_text(f);
        fputs(text, out);
        free(text);
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
