/* Tables of a page: headings, rows, right-aligned numbers, bars. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

static const char *class_of(char alignment)
{
    return alignment == 'r' ? " class=\"number\"" : alignment == 'b' ? " class=\"bar\"" : "";
}

static void add_headings(esp_page *page, const char *headings)
{
    for (const char *letter = page->alignment; *letter; letter++) {
        size_t length = strcspn(headings, "|");
        char *heading = strndup(headings, length);
        esp_xml_add(&page->body, "<th scope=\"col\"%s>", class_of(*letter));
        esp_xml_text(&page->body, heading);
        esp_xml_add(&page->body, "</th>");
        free(heading);
        headings += length + (headings[length] == '|');
    }
}

void esp_page_table(esp_page *page, const char *caption, const char *alignment, const char *headings)
{
    esp_page_join(page, ESP_BLOCK_NONE);
    esp_xml_add(&page->body, "<div class=\"table\">");
    esp_page_element(page, "p class=\"caption\"", caption);
    esp_xml_add(&page->body, "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
    page->alignment = alignment;
    add_headings(page, headings);
    esp_xml_add(&page->body, "</tr></thead><tbody>\n");
    page->block = ESP_BLOCK_TABLE;
    page->column = -1;
}

void esp_page_close_row(esp_page *page)
{
    if (page->column >= 0) esp_xml_add(&page->body, "</tr>\n");
    page->column = -1;
}

void esp_page_row(esp_page *page)
{
    esp_page_close_row(page);
    esp_xml_add(&page->body, "<tr>");
    page->column = 0;
}

/* The first cell of a row is its heading. */
static const char *open_cell(esp_page *page)
{
    int column = page->column++;
    const char *tag = column == 0 ? "th" : "td";
    esp_xml_add(&page->body, "<%s%s%s>", tag, column == 0 ? " scope=\"row\"" : "", class_of(page->alignment[column]));
    return tag;
}

void esp_page_cell(esp_page *page, const char *text)
{
    const char *tag = open_cell(page);
    esp_xml_text(&page->body, text);
    esp_xml_add(&page->body, "</%s>", tag);
}

void esp_page_number(esp_page *page, const esp_quantity *quantity)
{
    const char *tag = open_cell(page);
    esp_page_quantity(page, quantity);
    esp_xml_add(&page->body, "</%s>", tag);
}

void esp_page_bar(esp_page *page, double share, esp_tone tone)
{
    const char *tag = open_cell(page);
    esp_xml_add(&page->body, "<span class=\"track\"><span class=\"fill %s\" style=\"width:%.2f%%\"></span></span></%s>",
                tone == ESP_TONE_FIRST ? "first" : "second", 100 * fmin(fmax(share, 0), 1), tag);
}
