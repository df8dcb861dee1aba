/* Figures of a page: charts, and pictures that are part of the file. */
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

/* A chart that is scaled down to a phone cannot be read, so every chart is drawn twice. */
enum { WIDE = 880, NARROW = 350, WIDE_HEIGHT = 400, NARROW_HEIGHT = 320, BARS_HEIGHT = 300 }; /* px */

static esp_status add_svg(esp_page *page, esp_chart chart, const char *class, int width, int height)
{
    char *svg = NULL;
    chart.width = width;
    chart.height = height;
    esp_status status = esp_chart_svg(&chart, &svg);
    if (status != ESP_OK) return status;
    esp_xml_add(&page->body, "<div class=\"%s\">", class);
    esp_xml_paste(&page->body, svg, strlen(svg));
    esp_xml_add(&page->body, "</div>\n");
    free(svg);
    return ESP_OK;
}

static void end_figure(esp_page *page, const char *caption)
{
    if (caption) esp_page_element(page, "figcaption", caption);
    esp_xml_add(&page->body, "</figure>\n");
}

esp_status esp_page_chart(esp_page *page, const esp_chart *chart, const char *caption)
{
    esp_page_join(page, ESP_BLOCK_NONE);
    esp_xml_add(&page->body, "<figure>");
    bool bars = chart->kind == ESP_CHART_BARS;
    esp_status status = add_svg(page, *chart, "wide", WIDE, bars ? BARS_HEIGHT : WIDE_HEIGHT);
    if (status == ESP_OK) status = add_svg(page, *chart, "narrow", NARROW, bars ? BARS_HEIGHT : NARROW_HEIGHT);
    end_figure(page, caption);
    return status;
}

static void add_base64(esp_xml *xml, const uint8_t *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = esp_alloc((size + 2) / 3 * 4 + 1, 1), *to = text;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0)
                        | (left > 2 ? data[i + 2] : 0);
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[bits & 63] : '=';
    }
    esp_xml_paste(xml, text, (size_t)(to - text));
    free(text);
}

/* Width or height, from its place in the first chunk of a PNG file. */
static unsigned side(const uint8_t *png, size_t size, size_t at)
{
    return size < at + 4 ? 0 : (unsigned)png[at] << 24 | (unsigned)png[at + 1] << 16 | (unsigned)png[at + 2] << 8
                                   | (unsigned)png[at + 3];
}

void esp_page_picture(esp_page *page, const void *png, size_t size, int least, const char *alt, const char *caption)
{
    esp_xml *body = &page->body;
    esp_page_join(page, ESP_BLOCK_NONE);
    esp_xml_add(body, "<figure><div class=\"scroll\" tabindex=\"0\"><img width=\"%u\" height=\"%u\" "
                "style=\"min-height:%dpx\" alt=\"", side(png, size, 16), side(png, size, 20), least);
    esp_xml_text(body, alt);
    esp_xml_add(body, "\" src=\"data:image/png;base64,");
    add_base64(body, png, size);
    esp_xml_add(body, "\"/></div>");
    bool wider = side(png, size, 16) > NARROW;
    esp_xml_add(body, "%s", wider ? "<p class=\"caption phone\"><span class=\"hint\">Scroll sideways.</span></p>" : "");
    end_figure(page, caption);
}
