/* A chart as SVG text: the marks of its series - bands, lines, markers, bars - inside its frame. */
#include <math.h>
#include <stdlib.h>

#include "report/report_internal.h"

/* ---- points ---- */

static bool has_point(const esp_frame *frame, const esp_chart_series *series, int i)
{
    return i >= 0 && i < series->count && esp_drawable(series->y[i], frame->y.log)
           && (frame->chart->kind == ESP_CHART_BARS || esp_drawable(series->x[i], frame->x.log));
}

static bool has_interval(const esp_frame *frame, const esp_chart_series *series, int i)
{
    return series->low && series->high && has_point(frame, series, i) && esp_drawable(series->low[i], frame->y.log)
           && esp_drawable(series->high[i], frame->y.log);
}

/* ---- marks of lines and points ---- */

static void add_corner(const esp_frame *frame, esp_xml *svg, bool first, double x, double y)
{
    esp_xml_add(svg, "%c%.1f %.1f", first ? 'M' : 'L', esp_frame_x(frame, x), esp_frame_y(frame, y));
}

/* One closed shape per run of neighbouring points with intervals: along the upper ends, then back
 * along the lower ones. */
static void band(const esp_frame *frame, int s, esp_xml *svg)
{
    const esp_chart_series *series = &frame->chart->series[s];
    esp_xml_add(svg, "<path class=\"esp-band\" fill=\"%s\" opacity=\".16\" d=\"",
                esp_series_color(esp_series_style(frame->chart, s)));
    for (int from = 0, to; from < series->count; from = to + 1) {
        for (to = from; has_interval(frame, series, to); to++)
            add_corner(frame, svg, to == from, series->x[to], series->high[to]);
        for (int i = to - 1; i >= from; i--) add_corner(frame, svg, false, series->x[i], series->low[i]);
        if (to > from) esp_xml_add(svg, "z");
    }
    esp_xml_add(svg, "\"/>");
}

static void error_bar(const esp_frame *frame, esp_xml *svg, double x, double low, double high)
{
    esp_xml_add(svg, "M%.1f %.1fh6m-3 0V%.1fm-3 0h6", x - 3, esp_frame_y(frame, low), esp_frame_y(frame, high));
}

static void error_bars(const esp_frame *frame, int s, esp_xml *svg)
{
    const esp_chart_series *series = &frame->chart->series[s];
    esp_xml_add(svg, "<path class=\"esp-intervals\" stroke=\"%s\" stroke-width=\"1.2\" d=\"",
                esp_series_color(esp_series_style(frame->chart, s)));
    for (int i = 0; i < series->count; i++)
        if (has_interval(frame, series, i))
            error_bar(frame, svg, esp_frame_x(frame, series->x[i]), series->low[i], series->high[i]);
    esp_xml_add(svg, "\"/>");
}

static void line(const esp_frame *frame, int s, esp_xml *svg)
{
    const esp_chart_series *series = &frame->chart->series[s];
    esp_series_line(svg, esp_series_style(frame->chart, s));
    for (int i = 0; i < series->count; i++)
        if (has_point(frame, series, i))
            add_corner(frame, svg, !has_point(frame, series, i - 1), series->x[i], series->y[i]);
    esp_xml_add(svg, "\"/>");
}

enum { CROWD = 60 }; /* number of markers from which they are drawn translucent */

/* A point without neighbours always gets a marker, since no line shows it. */
static void markers(const esp_frame *frame, int s, esp_xml *svg)
{
    const esp_chart_series *series = &frame->chart->series[s];
    bool all = esp_series_marked(frame->chart, s);
    int style = esp_series_style(frame->chart, s);
    bool crowd = esp_series_scattered(frame->chart, s) && series->count > CROWD;
    esp_xml_add(svg, "<path class=\"esp-markers\" fill=\"%s\"%s d=\"", esp_series_color(style),
                crowd ? " fill-opacity=\".75\"" : "");
    for (int i = 0; i < series->count; i++) {
        bool alone = !has_point(frame, series, i - 1) && !has_point(frame, series, i + 1);
        if (has_point(frame, series, i) && (all || alone))
            esp_series_marker(svg, style, esp_frame_x(frame, series->x[i]), esp_frame_y(frame, series->y[i]));
    }
    esp_xml_add(svg, "\"/>\n");
}

/* ---- the frontier ---- */

typedef struct { double x, y; } point;

static int compare_points(const void *a, const void *b)
{
    const point *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return (p->y < q->y) - (p->y > q->y); /* the better point first */
}

/* Nothing was measured between two points of the frontier, so all that is certain is a
 * staircase. */
static void frontier(const esp_frame *frame, esp_xml *svg)
{
    const esp_chart *chart = frame->chart;
    size_t room = 1, count = 0;
    for (int s = 0; s < chart->num_series; s++) room += (size_t)chart->series[s].count;
    point *points = esp_alloc(room, sizeof *points);
    for (int s = 0; s < chart->num_series; s++)
        for (int i = 0; i < chart->series[s].count; i++)
            if (has_point(frame, &chart->series[s], i))
                points[count++] = (point){chart->series[s].x[i], chart->series[s].y[i]};
    qsort(points, count, sizeof *points, compare_points);

    double best = -INFINITY;
    esp_xml_add(svg, "<path class=\"esp-frontier\" " ESP_FRONTIER_STROKE " d=\"");
    for (size_t i = 0; i < count; i++) {
        if (points[i].y <= best) continue;
        double x = esp_frame_x(frame, points[i].x), y = esp_frame_y(frame, points[i].y);
        if (best == -INFINITY) esp_xml_add(svg, "M%.1f %.1f", x, y);
        else                   esp_xml_add(svg, "H%.1fV%.1f", x, y);
        best = points[i].y;
    }
    if (count > 0) esp_xml_add(svg, "H%.1f", frame->right);
    esp_xml_add(svg, "\"/>\n");
    free(points);
}

/* ---- bars ---- */

static int bars_of_category(const esp_frame *frame, int category)
{
    int count = 0;
    for (int s = 0; s < frame->chart->num_series; s++) count += has_point(frame, &frame->chart->series[s], category);
    return count;
}

/* Width of a bar in px: a fifth of a category's room stays free around the largest group. */
static double bar_width(const esp_frame *frame)
{
    int most = 1;
    for (int c = 0; c < frame->chart->num_categories; c++) {
        int count = bars_of_category(frame, c);
        if (count > most) most = count;
    }
    double slot = frame->chart->num_categories > 0 ? (frame->right - frame->left) / frame->chart->num_categories : 0;
    return fmin(0.8 * slot / most, 48);
}

/* Left edge of the bar of series s in a category. */
static double bar_left(const esp_frame *frame, int s, int category, double width)
{
    int before = 0;
    for (int i = 0; i < s; i++) before += has_point(frame, &frame->chart->series[i], category);
    return esp_frame_x(frame, category) + width * (before - bars_of_category(frame, category) / 2.0);
}

static void bars(const esp_frame *frame, int s, esp_xml *svg)
{
    const esp_chart_series *series = &frame->chart->series[s];
    double width = bar_width(frame), ground = frame->y.log ? frame->bottom : esp_frame_y(frame, 0);
    int count = series->count < frame->chart->num_categories ? series->count : frame->chart->num_categories;
    esp_xml_add(svg, "<path class=\"esp-bars\" fill=\"%s\" d=\"", esp_series_color(esp_series_style(frame->chart, s)));
    for (int c = 0; c < count; c++)
        if (has_point(frame, series, c))
            esp_xml_add(svg, "M%.1f %.1fV%.1fh%.1fV%.1fz", bar_left(frame, s, c, width), ground,
                        esp_frame_y(frame, series->y[c]), width, ground);
    esp_xml_add(svg, "\"/>\n<path class=\"esp-intervals\" stroke=\"currentColor\" d=\"");
    for (int c = 0; c < count; c++)
        if (has_interval(frame, series, c))
            error_bar(frame, svg, bar_left(frame, s, c, width) + width / 2, series->low[c], series->high[c]);
    esp_xml_add(svg, "\"/>\n");
}

/* ---- all ---- */

static bool has_intervals(const esp_chart_series *series)
{
    return series->low && series->high;
}

/* Bands lie below all lines and lines below all markers, so that no series hides another. */
static void draw_marks(const esp_frame *frame, esp_xml *svg)
{
    const esp_chart *chart = frame->chart;
    bool lines = chart->kind == ESP_CHART_LINES, bands = lines && !chart->error_bars;
    if (chart->kind == ESP_CHART_BARS) {
        for (int s = 0; s < chart->num_series; s++) bars(frame, s, svg);
        esp_frame_references(frame, svg);
        return;
    }
    for (int s = 0; s < chart->num_series && bands; s++)
        if (has_intervals(&chart->series[s])) band(frame, s, svg);
    esp_frame_references(frame, svg);
    if (chart->frontier && !lines) frontier(frame, svg);
    for (int s = 0; s < chart->num_series; s++) {
        if (lines && !esp_series_scattered(chart, s)) line(frame, s, svg);
        if (!bands && has_intervals(&chart->series[s])) error_bars(frame, s, svg);
    }
    for (int s = 0; s < chart->num_series; s++) markers(frame, s, svg);
}

static esp_status check_size(const char *which, int px)
{
    if (px == 0 || (px >= 200 && px <= 4000)) return ESP_OK;
    return esp_fail(ESP_ERR_RANGE, "a chart cannot be %d px %s; expected 200 to 4000", px, which);
}

esp_status esp_chart_svg(const esp_chart *chart, char **out_text)
{
    esp_status status = check_size("wide", chart->width);
    if (status == ESP_OK) status = check_size("high", chart->height);
    if (status != ESP_OK) return status;

    esp_frame frame;
    esp_xml svg = {0};
    esp_frame_make(chart, &frame);
    esp_xml_add(&svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"esp-chart\" width=\"%.0f\" height=\"%.0f\" "
                "viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"",
                frame.width, frame.height, frame.width, frame.height);
    esp_xml_text(&svg, chart->title ? chart->title : "chart");
    esp_xml_add(&svg, "\" font-family=\"" ESP_FONTS "\" font-size=\"%d\" color=\"#222\" "
                "fill=\"none\" stroke-linejoin=\"round\">\n", ESP_FONT);
    esp_xml_add(&svg, "<rect class=\"esp-paper\" width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n");
    esp_frame_draw(&frame, &svg);
    draw_marks(&frame, &svg);
    esp_xml_add(&svg, "</svg>\n");
    *out_text = svg.text;
    return ESP_OK;
}
