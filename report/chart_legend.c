/* The look of a series - colour and marker - and the legend that explains it, in rows above the plot. */
#include <math.h>

#include "report/report_internal.h"

enum { COLORS = ESP_SERIES_COLORS, SHAPES = 6 };

/* The hues of Okabe and Ito without yellow, each as dark as a line on white paper and as light as one on a dark page
 * needs to be (contrast 3:1, WCAG 2.1 criterion 1.4.11); their black becomes the page's text colour. */
static const struct { const char *light, *dark; } colors[COLORS] = {
    {"#0072b2", "#4ba3dd"}, {"#d55e00", "#ee8434"}, {"#009e73", "#2fbf94"},    {"#b5548d", "#d992ba"},
    {"#a97400", "#e6b422"}, {"#2b8cc4", "#8fd0f5"}, {"currentColor", "currentColor"},
};

int esp_series_style(const esp_chart *chart, int series)
{
    return chart->series[series].style > 0 ? chart->series[series].style - 1 : series;
}

const char *esp_series_color(int style)
{
    return colors[style % COLORS].light;
}

const char *esp_series_dark_color(int style)
{
    return colors[style % COLORS].dark;
}

void esp_series_marker(esp_xml *svg, int style, double x, double y)
{
    /* Of about equal area; 6 shapes and 7 colours give 42 pairs before one repeats. */
    static const char *const shapes[SHAPES] = {
        "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z",
        "m-3.2-3.2h6.4v6.4h-6.4z",
        "m0-4.4l4.2 7.4h-8.4z",
        "m0-4.6l4.6 4.6l-4.6 4.6l-4.6-4.6z",
        "m0 4.4l4.2-7.4h-8.4z",
        "m-1.4-4h2.8v2.6h2.6v2.8h-2.6v2.6h-2.8v-2.6h-2.6v-2.8h2.6z",
    };
    esp_xml_add(svg, "M%.1f %.1f%s", x, y, shapes[style % SHAPES]);
}

void esp_series_line(esp_xml *svg, int style)
{
    esp_xml_add(svg, "<path class=\"esp-line\" stroke=\"%s\" stroke-width=\"1.8\"%s d=\"", esp_series_color(style),
                style / COLORS % 2 ? " stroke-dasharray=\"7 3\"" : ""); /* dashed when the colours repeat */
}

bool esp_series_scattered(const esp_chart *chart, int series)
{
    return chart->kind == ESP_CHART_LINES && series < chart->num_scattered;
}

bool esp_series_marked(const esp_chart *chart, int series)
{
    return chart->kind == ESP_CHART_POINTS || esp_series_scattered(chart, series) || chart->series[series].count <= 40;
}

/* Width in px of a sample: of a line, a marker or a bar. */
static double key_width(const esp_chart *chart)
{
    return chart->kind == ESP_CHART_LINES ? 22 : 12;
}

static void legend_key(const esp_frame *frame, esp_xml *svg, int series, double x, double y)
{
    double width = key_width(frame->chart);
    int style = esp_series_style(frame->chart, series);
    if (frame->chart->kind == ESP_CHART_LINES && !esp_series_scattered(frame->chart, series)) {
        esp_series_line(svg, style);
        esp_xml_add(svg, "M%.1f %.1fh%.0f\"/>", x, y, width);
    }
    bool bars = frame->chart->kind == ESP_CHART_BARS;
    if (!bars && !esp_series_marked(frame->chart, series)) return;
    esp_xml_add(svg, "<path fill=\"%s\" d=\"", esp_series_color(style));
    if (bars) esp_xml_add(svg, "M%.1f %.1fh%.0fv-10h-%.0fz", x, y + 5, width, width);
    else      esp_series_marker(svg, style, x + width / 2, y);
    esp_xml_add(svg, "\"/>");
}

int esp_legend(const esp_frame *frame, esp_xml *svg)
{
    const esp_chart *chart = frame->chart;
    double x = frame->left, limit = frame->width - ESP_MARGIN;
    int row = 0, named = 0;
    for (int s = 0; s <= chart->num_series; s++) {
        bool frontier = s == chart->num_series; /* the frontier comes after the series */
        if (frontier && !(chart->frontier && chart->kind == ESP_CHART_POINTS)) break;
        const char *name = frontier ? "frontier" : chart->series[s].name;
        if (!name) continue;
        double key = (frontier ? 22 : key_width(chart)) + 5;
        double room = fmin(esp_text_width(name, ESP_FONT), limit - frame->left - key);
        if (named++ && x + key + room > limit) {
            x = frame->left;
            row++;
        }
        if (svg) {
            double y = frame->legend_top + row * ESP_LEGEND_ROW + ESP_FONT / 2.0;
            if (frontier) esp_xml_add(svg, "<path " ESP_FRONTIER_STROKE " d=\"M%.1f %.1fh22\"/>", x, y);
            else          legend_key(frame, svg, s, x, y);
            esp_xml_add(svg, "<text fill=\"currentColor\" x=\"%.1f\" y=\"%.1f\">", x + key, y + 4);
            esp_xml_text_within(svg, name, ESP_FONT, room);
            esp_xml_add(svg, "</text>");
        }
        x += key + room + 14;
    }
    return named ? row + 1 : 0;
}
