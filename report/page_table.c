/* Tables of a page: headings, rows, right-aligned numbers, bars, and the hint that a table scrolls. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

/* As in page_style.c. */
#define WIDE_ROOM   (59.5 * 16)             /* px for a table on a wide page */
#define NARROW_ROOM (390 - 2 * 12.8)        /* px on a phone */
enum { WIDE_FONT = 14, NARROW_FONT = 13, WIDE_PADDING = 18, NARROW_PADDING = 13, BAR_EMS = 5 };
enum { VISIBLE_ROWS = 14 };                 /* rows that a table shows before it scrolls */

static const char *class_of(char alignment)
{
    return alignment == 'r' ? " class=\"number\"" : alignment == 'b' ? " class=\"bar\"" : "";
}

/* Keeps the width of the widest text of a column; headings wrap, so only their longest word counts. */
static void measure(esp_page_grid *table, int column, const char *text, bool heading)
{
    if (!text || column < 0 || column >= ESP_MOST_COLUMNS_OF_TABLE) return;
    double ems = 0;
    if (!heading) ems = esp_text_width(text, 1);
    for (const char *word = text; heading && *word; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        char *copy = strndup(word, length);
        ems = fmax(ems, 1.1 * esp_text_width(copy, 1)); /* bold */
        free(copy);
        word += length;
    }
    table->width[column] = fmax(table->width[column], ems);
}

static void add_headings(esp_page *page, const char *headings)
{
    int column = 0;
    for (const char *letter = page->table.alignment; *letter; letter++) {
        size_t length = strcspn(headings, "|");
        char *heading = strndup(headings, length);
        esp_xml_add(&page->body, "<th scope=\"col\"%s>", class_of(*letter));
        esp_xml_text(&page->body, heading);
        esp_xml_add(&page->body, "</th>");
        measure(&page->table, column++, heading, true);
        free(heading);
        headings += length + (headings[length] == '|');
    }
}

void esp_page_table(esp_page *page, const char *caption, const char *alignment, const char *headings)
{
    esp_page_join(page, ESP_BLOCK_NONE);
    page->table = (esp_page_grid){.column = -1};
    assert(strlen(alignment) <= ESP_MOST_COLUMNS_OF_TABLE);
    strcpy(page->table.alignment, alignment);
    esp_xml_add(&page->body, "<div class=\"table\"><p class=\"caption\">");
    esp_xml_text(&page->body, caption);
    page->table.hint = page->body.length;
    esp_xml_add(&page->body, "</p><div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
    add_headings(page, headings);
    esp_xml_add(&page->body, "</tr></thead><tbody>\n");
    page->block = ESP_BLOCK_TABLE;
}

static void close_row(esp_page *page)
{
    if (page->table.column >= 0) esp_xml_add(&page->body, "</tr>\n");
    page->table.column = -1;
}

/* ---- does it scroll? ---- */

static double table_width(const esp_page_grid *table, double font, double padding)
{
    double width = 0;
    for (int i = 0; table->alignment[i] && i < ESP_MOST_COLUMNS_OF_TABLE; i++)
        width += font * (table->alignment[i] == 'b' ? BAR_EMS : table->width[i]) + padding;
    return width;
}

void esp_page_end_table(esp_page *page)
{
    esp_page_grid *table = &page->table;
    close_row(page);
    bool wide = table_width(table, WIDE_FONT, WIDE_PADDING) > WIDE_ROOM, tall = table->rows > VISIBLE_ROWS;
    bool narrow = table_width(table, NARROW_FONT, NARROW_PADDING) > NARROW_ROOM;
    esp_xml hint = {0};
    if (tall)
        esp_xml_add(&hint, " <span class=\"hint\">%d rows%s.</span>", table->rows,
                    wide ? "; scroll down and sideways" : "; scroll down");
    else if (wide)
        esp_xml_add(&hint, " <span class=\"hint\">Scroll sideways.</span>");
    if (narrow && !wide) esp_xml_add(&hint, " <span class=\"hint phone\">Scroll sideways.</span>");
    if (hint.text) esp_xml_insert(&page->body, table->hint, hint.text);
    free(hint.text);
}

/* ---- rows ---- */

void esp_page_row(esp_page *page)
{
    close_row(page);
    esp_xml_add(&page->body, "<tr>");
    page->table.column = 0;
    page->table.rows++;
}

/* The first cell of a row is its heading. */
static const char *open_cell(esp_page *page, const char *text)
{
    int column = page->table.column++;
    const char *tag = column == 0 ? "th" : "td";
    measure(&page->table, column, text, false);
    esp_xml_add(&page->body, "<%s%s%s>", tag, column == 0 ? " scope=\"row\"" : "",
                class_of(page->table.alignment[column]));
    return tag;
}

void esp_page_cell(esp_page *page, const char *text)
{
    const char *tag = open_cell(page, text);
    esp_xml_text(&page->body, text);
    esp_xml_add(&page->body, "</%s>", tag);
}

void esp_page_number(esp_page *page, const esp_quantity *quantity)
{
    const char *tag = open_cell(page, quantity->text);
    esp_page_quantity(page, quantity);
    esp_xml_add(&page->body, "</%s>", tag);
}

void esp_page_bar(esp_page *page, double share, esp_tone tone)
{
    const char *tag = open_cell(page, NULL);
    esp_xml_add(&page->body, "<span class=\"track\"><span class=\"fill %s\" style=\"width:%.2f%%\"></span></span></%s>",
                tone == ESP_TONE_FIRST ? "first" : "second", 100 * fmin(fmax(share, 0), 1), tag);
}
