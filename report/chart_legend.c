/* The look of a series - colour and marker - and the legend that explains it, in rows above the plot. */
#include <math.h>

#include "report/report_internal.h"

enum { KEY = 26, COLORS = 7, SHAPES = 6 }; /* px that a sample takes, and how many looks there are */

const char *esp_series_color(int series)
{
    /* Okabe and Ito's without yellow, which is faint on white; their black follows the page. */
    static const char *const colors[COLORS] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                                                          "#56b4e9", "currentColor"};
    return colors[series % COLORS];
}

void esp_series_marker(esp_svg *svg, int series, double x, double y)
{
    /* Of about equal area; six shapes and seven colours give 42 pairs before one comes again. */
    static const char *const shapes[SHAPES] = {
        "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z",
        "m-3.2-3.2h6.4v6.4h-6.4z",
        "m0-4.4l4.2 7.4h-8.4z",
        "m0-4.6l4.6 4.6l-4.6 4.6l-4.6-4.6z",
        "m0 4.4l4.2-7.4h-8.4z",
        "m-1.4-4h2.8v2.6h2.6v2.8h-2.6v2.6h-2.8v-2.6h-2.6v-2.8h2.6z",
    };
    esp_svg_add(svg, "M%.1f %.1f%s", x, y, shapes[series % SHAPES]);
}

static void legend_key(const esp_frame *frame, esp_svg *svg, int series, double x, double y)
{
    const char *color = esp_series_color(series);
    if (frame->chart->kind == ESP_CHART_BARS) {
        esp_svg_add(svg, "<path fill=\"%s\" d=\"M%.1f %.1fh12v-10h-12z\"/>", color, x + 6, y + 5);
        return;
    }
    if (frame->chart->kind == ESP_CHART_LINES)
        esp_svg_add(svg, "<path stroke=\"%s\" stroke-width=\"1.8\" d=\"M%.1f %.1fh22\"/>", color, x, y);
    esp_svg_add(svg, "<path fill=\"%s\" d=\"", color);
    esp_series_marker(svg, series, x + 11, y);
    esp_svg_add(svg, "\"/>");
}

int esp_legend(const esp_frame *frame, esp_svg *svg)
{
    const esp_chart *chart = frame->chart;
    double x = frame->left, limit = frame->width - ESP_MARGIN;
    int row = 0, named = 0;
    for (int s = 0; s <= chart->num_series; s++) {
        bool frontier = s == chart->num_series; /* after the series */
        if (frontier && !(chart->frontier && chart->kind == ESP_CHART_POINTS)) break;
        const char *name = frontier ? "frontier" : chart->series[s].name;
        if (!name) continue;
        double room = fmin(esp_text_width(name, ESP_FONT), limit - frame->left - KEY);
        if (named++ && x + KEY + room > limit) {
            x = frame->left;
            row++;
        }
        if (svg) {
            double y = frame->legend_top + row * ESP_LEGEND_ROW + ESP_FONT / 2.0;
            if (frontier) esp_svg_add(svg, "<path stroke=\"currentColor\" opacity=\".5\" d=\"M%.1f %.1fh22\"/>", x, y);
            else          legend_key(frame, svg, s, x, y);
            esp_svg_add(svg, "<text fill=\"currentColor\" x=\"%.1f\" y=\"%.1f\">", x + KEY, y + 4);
            esp_svg_escape_within(svg, name, ESP_FONT, room);
            esp_svg_add(svg, "</text>");
        }
        x += KEY + room + 14;
    }
    return named ? row + 1 : 0;
}
