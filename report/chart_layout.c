/* The layout of a chart: how much room its texts need, and what is left for the plot. Texts stand
 * in the margins and never cover a point. */
#include <math.h>

#include "report/report_internal.h"

#define RADIANS (3.14159265358979323846 / 180)
#define LEAN 40 /* degrees */

double esp_frame_x(const esp_frame *frame, double x)
{
    return frame->left + esp_range_place(&frame->x, x) * (frame->right - frame->left);
}

double esp_frame_y(const esp_frame *frame, double y)
{
    return frame->bottom - esp_range_place(&frame->y, y) * (frame->bottom - frame->top);
}

/* At most five round steps leave at least two ticks in any range. */
static int tick_count(double px)
{
    return (int)fmax(5, px / 50);
}

static double widest_tick(const esp_ticks *ticks)
{
    double width = 0;
    for (int i = 0; i < ticks->num; i++) width = fmax(width, esp_text_width(ticks->text[i], ESP_FONT));
    return width;
}

/* Whether the labels keep their distance on an axis of `room` px. */
static bool labels_fit(const esp_range *range, const esp_ticks *ticks, double room)
{
    double needed = widest_tick(ticks) + 12, last = -INFINITY;
    for (int i = 0; i < ticks->num; i++) {
        if (!ticks->text[i][0]) continue;
        double at = esp_range_place(range, ticks->at[i]) * room;
        if (at - last < needed) return false;
        last = at;
    }
    return true;
}

static void fit_x_ticks(esp_frame *frame)
{
    double room = frame->right - frame->left;
    int most = tick_count(room);
    do esp_ticks_make(&frame->x, most, &frame->x_ticks);
    while (!labels_fit(&frame->x, &frame->x_ticks, room) && --most > 1);
}

static double reference_room(const esp_chart *chart, double most)
{
    double room = 0;
    for (int i = 0; i < chart->num_references; i++) {
        const esp_chart_reference *line = &chart->references[i];
        if (!line->vertical && line->label && esp_reference_shown(chart, line))
            room = fmax(room, esp_text_width(line->label, ESP_SMALL_FONT) + ESP_GAP);
    }
    return fmin(room, most);
}

static bool has_vertical_label(const esp_chart *chart)
{
    for (int i = 0; i < chart->num_references; i++) {
        const esp_chart_reference *line = &chart->references[i];
        if (line->vertical && line->label && esp_reference_shown(chart, line)) return true;
    }
    return false;
}

/* Names of categories are horizontal where they fit, tilted where there are many, vertical where
 * there are too many. */
static void fit_categories(esp_frame *frame)
{
    const esp_chart *chart = frame->chart;
    if (chart->num_categories < 1) return;
    double longest = 0;
    for (int i = 0; i < chart->num_categories; i++)
        longest = fmax(longest, esp_text_width(chart->categories[i], ESP_FONT));
    double slot = (frame->right - frame->left) / chart->num_categories;
    frame->label_room = fmin(longest, 0.6 * frame->height);
    if (longest + 8 <= slot) return;

    double overhang = frame->label_room * cos(LEAN * RADIANS) - slot / 2; /* overhang of the first name */
    double left = fmax(frame->left, ESP_MARGIN + overhang), leaning = (frame->right - left) / chart->num_categories;
    if (leaning * sin(LEAN * RADIANS) >= ESP_FONT) {
        frame->label_angle = LEAN;
        frame->left = left;
    } else {
        frame->label_angle = 90;
        frame->label_every = (int)ceil((ESP_FONT + 1) / slot);
    }
}

void esp_frame_make(const esp_chart *chart, esp_frame *frame)
{
    *frame = (esp_frame){.chart = chart, .label_every = 1};
    frame->width = chart->width ? chart->width : 640;
    frame->height = chart->height ? chart->height : 400;
    esp_chart_ranges(chart, &frame->x, &frame->y);

    esp_ticks_make(&frame->y, tick_count(frame->height), &frame->y_ticks);
    double ticks = widest_tick(&frame->y_ticks);
    frame->left = ESP_MARGIN + (chart->y.label ? ESP_LABEL_FONT + ESP_GAP : 0) + ticks + ESP_GAP + 2;
    frame->right = frame->width - ESP_MARGIN - reference_room(chart, 0.3 * frame->width);
    double below = ESP_FONT + ESP_GAP;
    if (chart->kind == ESP_CHART_BARS) {
        fit_categories(frame);
        double angle = frame->label_angle * RADIANS;
        below = ESP_GAP + frame->label_room * sin(angle) + ESP_FONT * cos(angle);
    } else {
        fit_x_ticks(frame);
    }

    frame->y_label = frame->left - ticks - 2 * ESP_GAP - 2;

    frame->legend_top = ESP_MARGIN + ESP_TITLE_ROW * esp_title(frame, NULL);
    int rows = esp_legend(frame, NULL);
    frame->top = frame->legend_top + ESP_LEGEND_ROW * rows + (rows ? 2 : 0);
    if (has_vertical_label(chart)) frame->top += ESP_SMALL_FONT + ESP_GAP;
    frame->bottom = frame->height - ESP_MARGIN - below - (chart->x.label ? ESP_LABEL_FONT + ESP_GAP : 0);
    double short_by = fmax(0, 0.4 * frame->height - (frame->bottom - frame->top));
    frame->bottom += short_by;
    frame->height += short_by;
}
