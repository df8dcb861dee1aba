/* A page: its head, its blocks of text, and the file it is written to. */
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

/* ---- blocks ---- */

bool esp_page_join(esp_page *page, esp_block block)
{
    static const char *const ends[] = {[ESP_BLOCK_CARDS] = "</dl>\n", [ESP_BLOCK_FACTS] = "</dl>\n",
                                       [ESP_BLOCK_TABLE] = "</tbody></table></div></div>\n"};
    if (page->block == block && block != ESP_BLOCK_NONE) return true;
    if (page->block == ESP_BLOCK_TABLE) esp_page_end_table(page);
    if (page->block != ESP_BLOCK_NONE) esp_xml_add(&page->body, "%s", ends[page->block]);
    page->block = block;
    return false;
}

void esp_page_element(esp_page *page, const char *tag, const char *text)
{
    esp_xml_add(&page->body, "<%s>", tag);
    esp_xml_text(&page->body, text);
    esp_xml_add(&page->body, "</%.*s>", (int)strcspn(tag, " "), tag);
}

void esp_page_quantity(esp_page *page, const esp_quantity *quantity)
{
    if (!quantity->text) return;
    if (quantity->bad) esp_xml_add(&page->body, "<span class=\"bad\">");
    if (quantity->pointer) {
        esp_xml_add(&page->body, "<data value=\"%.17g\" data-pointer=\"", quantity->value);
        esp_xml_text(&page->body, quantity->pointer);
        esp_xml_add(&page->body, "\">");
    }
    esp_xml_text(&page->body, quantity->text);
    if (quantity->pointer) esp_xml_add(&page->body, "</data>");
    if (quantity->bad) esp_xml_add(&page->body, "</span>");
}

void esp_page_section(esp_page *page, const char *heading)
{
    esp_page_join(page, ESP_BLOCK_NONE);
    if (page->section) esp_xml_add(&page->body, "</section>\n");
    page->section = true;
    esp_xml_add(&page->body, "<section>\n");
    esp_page_element(page, "h2", heading);
    esp_xml_add(&page->body, "\n");
}

static void add_block(esp_page *page, const char *tag, const char *text)
{
    esp_page_join(page, ESP_BLOCK_NONE);
    esp_page_element(page, tag, text);
    esp_xml_add(&page->body, "\n");
}

void esp_page_text(esp_page *page, const char *text)
{
    add_block(page, "p", text);
}

void esp_page_note(esp_page *page, const char *text)
{
    add_block(page, "p class=\"note\"", text);
}

void esp_page_warning(esp_page *page, const char *text)
{
    add_block(page, "p class=\"note warning\"", text);
}

void esp_page_card(esp_page *page, const char *label, const esp_quantity *quantity, const char *remark)
{
    if (!esp_page_join(page, ESP_BLOCK_CARDS)) esp_xml_add(&page->body, "<dl class=\"cards\">\n");
    esp_xml_add(&page->body, "<div>");
    esp_page_element(page, "dt", label);
    esp_xml_add(&page->body, "<dd>");
    esp_page_quantity(page, quantity);
    esp_xml_add(&page->body, "</dd>");
    if (remark) esp_page_element(page, "dd class=\"remark\"", remark);
    esp_xml_add(&page->body, "</div>\n");
}

void esp_page_fact(esp_page *page, const char *label, const char *text)
{
    if (!esp_page_join(page, ESP_BLOCK_FACTS)) esp_xml_add(&page->body, "<dl class=\"facts\">\n");
    esp_page_element(page, "dt", label);
    esp_page_element(page, "dd", text);
    esp_xml_add(&page->body, "\n");
}

/* ---- code ---- */

/* Escaping turns line ends into blanks, as SVG needs; here they are kept. */
static void add_lines(esp_page *page, const char *text)
{
    for (const char *end; *text; text = end + (*end != 0)) {
        end = text + strcspn(text, "\n");
        char *line = strndup(text, (size_t)(end - text));
        esp_xml_text(&page->body, line);
        esp_xml_add(&page->body, "\n");
        free(line);
    }
}

void esp_page_code(esp_page *page, const char *text)
{
    esp_page_join(page, ESP_BLOCK_NONE);
    esp_xml_add(&page->body, "<pre tabindex=\"0\"><code>");
    add_lines(page, text);
    esp_xml_add(&page->body, "</code></pre>\n");
}

void esp_page_folded(esp_page *page, const char *summary, const char *code)
{
    esp_page_join(page, ESP_BLOCK_NONE);
    esp_xml_add(&page->body, "<details>");
    esp_page_element(page, "summary", summary);
    esp_page_code(page, code);
    esp_xml_add(&page->body, "</details>\n");
}

/* ---- data ---- */

/* "<", ">" and "&" occur in JSON strings only, where \u escapes mean the same: nothing can end the
 * element early. */
static void add_json(esp_page *page, const char *text)
{
    for (const char *at = text; *at;) {
        size_t plain = strcspn(at, "<>&");
        esp_xml_paste(&page->body, at, plain);
        at += plain;
        if (*at) esp_xml_add(&page->body, "\\u%04x", (unsigned)*at++);
    }
}

void esp_page_data(esp_page *page, const cJSON *data)
{
    char *text = esp_json_line(data);
    esp_page_join(page, ESP_BLOCK_NONE);
    esp_xml_add(&page->body, "<script type=\"application/json\" id=\"espalier-data\">");
    add_json(page, text);
    esp_xml_add(&page->body, "</script>\n");
    free(text);
}

/* ---- the page ---- */

esp_page *esp_page_create(const char *title, const char *lead)
{
    esp_page *page = esp_alloc(1, sizeof *page);
    page->title = esp_strdup(title);
    esp_xml_add(&page->body, "<header>");
    esp_page_element(page, "p class=\"brand\"", "espalier report");
    esp_page_element(page, "h1", title);
    esp_page_element(page, "p class=\"lead\"", lead);
    esp_xml_add(&page->body, "</header>\n");
    return page;
}

void esp_page_free(esp_page *page)
{
    if (!page) return;
    free(page->body.text);
    free(page->title);
    free(page);
}

/* The policy admits nothing from outside; the empty icon keeps browsers from asking for one. */
static void add_head(esp_xml *html, const char *title)
{
    esp_xml_add(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                "<meta name=\"generator\" content=\"espalier " ESP_VERSION "\"/>\n"
                "<meta http-equiv=\"Content-Security-Policy\" "
                "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"/>\n"
                "<link rel=\"icon\" href=\"data:,\"/>\n<title>");
    esp_xml_text(html, title);
    esp_xml_add(html, "</title>\n<style>\n");
    esp_page_style(html);
    esp_xml_add(html, "</style>\n</head>\n<body>\n");
}

esp_status esp_page_write(esp_page *page, const char *path, size_t *bytes)
{
    esp_xml html = {0};
    esp_page_join(page, ESP_BLOCK_NONE);
    if (page->section) esp_xml_add(&page->body, "</section>\n");
    page->section = false;
    add_head(&html, page->title);
    esp_xml_paste(&html, page->body.text, page->body.length);
    esp_xml_add(&html, "<footer>made by espalier " ESP_VERSION "</footer>\n</body>\n</html>\n");
    esp_status status = esp_file_write(path, html.text, html.length);
    if (bytes) *bytes = html.length;
    free(html.text);
    return status;
}
