/* Everything around the marks of a chart: title, grid, axes with ticks and labels, reference lines. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

int esp_title(const esp_frame *frame, esp_xml *svg)
{
    double size = 1.1 * ESP_TITLE_FONT, room = frame->width - ESP_MARGIN - frame->left; /* bold text is a tenth wider */
    const char *rest = frame->chart->title ? frame->chart->title : "";
    int lines = 0;
    for (; *rest; lines++) {
        size_t length = esp_text_line(rest, size, room);
        if (svg) {
            char *line = strndup(rest, length - (rest[length - 1] == ' '));
            esp_xml_add(svg, "<text fill=\"currentColor\" font-size=\"%d\" font-weight=\"bold\" ", ESP_TITLE_FONT);
            esp_xml_add(svg, "x=\"%.1f\" y=\"%d\">", frame->left, ESP_MARGIN + 11 + lines * ESP_TITLE_ROW);
            esp_xml_text_within(svg, line, size, room);
            esp_xml_add(svg, "</text>\n");
            free(line);
        }
        rest += length;
    }
    return lines;
}

static void axis_labels(const esp_frame *frame, esp_xml *svg)
{
    const char *x = frame->chart->x.label, *y = frame->chart->y.label;
    if (!x && !y) return;
    esp_xml_add(svg, "<g fill=\"currentColor\" font-size=\"%d\" text-anchor=\"middle\">", ESP_LABEL_FONT);
    if (x) {
        esp_xml_add(svg, "<text x=\"%.1f\" y=\"%.1f\">", (frame->left + frame->right) / 2,
                    frame->height - ESP_MARGIN + 2);
        esp_xml_text_within(svg, x, ESP_LABEL_FONT, frame->width - 2 * ESP_MARGIN);
        esp_xml_add(svg, "</text>");
    }
    if (y) {
        esp_xml_add(svg, "<text transform=\"translate(%.1f %.1f)rotate(-90)\">", frame->y_label,
                    (frame->top + frame->bottom) / 2);
        esp_xml_text_within(svg, y, ESP_LABEL_FONT, frame->height - 2 * ESP_MARGIN);
        esp_xml_add(svg, "</text>");
    }
    esp_xml_add(svg, "</g>\n");
}

static void grid(const esp_frame *frame, esp_xml *svg)
{
    esp_xml_add(svg, "<path stroke=\"currentColor\" opacity=\".13\" d=\"");
    for (int i = 0; i < frame->y_ticks.num; i++)
        if (frame->y_ticks.text[i][0])
            esp_xml_add(svg, "M%.1f %.1fH%.1f", frame->left, esp_frame_y(frame, frame->y_ticks.at[i]), frame->right);
    for (int i = 0; i < frame->x_ticks.num; i++)
        if (frame->x_ticks.text[i][0])
            esp_xml_add(svg, "M%.1f %.1fV%.1f", esp_frame_x(frame, frame->x_ticks.at[i]), frame->top, frame->bottom);
    esp_xml_add(svg, "\"/>\n");
}

/* The two axes and their tick marks. */
static void axes(const esp_frame *frame, esp_xml *svg)
{
    esp_xml_add(svg, "<path stroke=\"currentColor\" d=\"M%.1f %.1fV%.1fH%.1f", frame->left, frame->top, frame->bottom,
                frame->right);
    for (int i = 0; i < frame->y_ticks.num; i++)
        esp_xml_add(svg, "M%.1f %.1fh-%d", frame->left, esp_frame_y(frame, frame->y_ticks.at[i]),
                    frame->y_ticks.text[i][0] ? 4 : 2);
    for (int i = 0; i < frame->x_ticks.num; i++)
        esp_xml_add(svg, "M%.1f %.1fv%d", esp_frame_x(frame, frame->x_ticks.at[i]), frame->bottom,
                    frame->x_ticks.text[i][0] ? 4 : 2);
    esp_xml_add(svg, "\"/>\n");
}

static void tick_labels(const esp_frame *frame, esp_xml *svg)
{
    esp_xml_add(svg, "<g class=\"esp-y-ticks\" fill=\"currentColor\" text-anchor=\"end\">");
    for (int i = 0; i < frame->y_ticks.num; i++)
        if (frame->y_ticks.text[i][0])
            esp_xml_add(svg, "<text x=\"%.1f\" y=\"%.1f\">%s</text>", frame->left - ESP_GAP - 2,
                        esp_frame_y(frame, frame->y_ticks.at[i]) + 4, frame->y_ticks.text[i]);
    esp_xml_add(svg, "</g>\n<g class=\"esp-x-ticks\" fill=\"currentColor\" text-anchor=\"middle\">");
    for (int i = 0; i < frame->x_ticks.num; i++)
        if (frame->x_ticks.text[i][0])
            esp_xml_add(svg, "<text x=\"%.1f\" y=\"%.1f\">%s</text>", esp_frame_x(frame, frame->x_ticks.at[i]),
                        frame->bottom + ESP_GAP + ESP_FONT, frame->x_ticks.text[i]);
    esp_xml_add(svg, "</g>\n");
}

static void category_labels(const esp_frame *frame, esp_xml *svg)
{
    double angle = frame->label_angle;
    esp_xml_add(svg, "<g class=\"esp-categories\" fill=\"currentColor\" text-anchor=\"%s\">",
                angle > 0 ? "end" : "middle");
    for (int i = 0; i < frame->chart->num_categories; i += frame->label_every) {
        double x = esp_frame_x(frame, i), y = frame->bottom + ESP_GAP;
        if (angle > 0) /* centres the letters under the bar, whatever the angle */
            esp_xml_add(svg, "<text transform=\"translate(%.1f %.1f)rotate(-%.0f)\" dy=\".35em\">", x, y, angle);
        else
            esp_xml_add(svg, "<text x=\"%.1f\" y=\"%.1f\">", x, y + ESP_FONT - 1);
        esp_xml_text_within(svg, frame->chart->categories[i], ESP_FONT, frame->label_room);
        esp_xml_add(svg, "</text>");
    }
    esp_xml_add(svg, "</g>\n");
}

void esp_frame_draw(const esp_frame *frame, esp_xml *svg)
{
    esp_title(frame, svg);
    esp_xml_add(svg, "<g class=\"esp-legend\">");
    esp_legend(frame, svg);
    esp_xml_add(svg, "</g>\n");
    grid(frame, svg);
    axes(frame, svg);
    tick_labels(frame, svg);
    if (frame->chart->kind == ESP_CHART_BARS) category_labels(frame, svg);
    axis_labels(frame, svg);
}

/* ---- reference lines ---- */

/* A label in a margin: its middle and half its length along the axis, px. */
typedef struct {
    double      at, half;
    const char *text;
} label;

static int compare_labels(const void *a, const void *b)
{
    double difference = ((const label *)a)->at - ((const label *)b)->at;
    return (difference > 0) - (difference < 0);
}

/* Moves overlapping labels apart, then back inside the end of the margin. */
static void spread(label *labels, int count, double end)
{
    qsort(labels, (size_t)count, sizeof *labels, compare_labels);
    for (int i = 1; i < count; i++)
        labels[i].at = fmax(labels[i].at, labels[i - 1].at + labels[i - 1].half + labels[i].half);
    for (int i = count - 1; i >= 0; i--) {
        labels[i].at = fmin(labels[i].at, end - labels[i].half);
        end = labels[i].at - labels[i].half;
    }
}

static void reference_labels(const esp_frame *frame, bool vertical, esp_xml *svg)
{
    const esp_chart *chart = frame->chart;
    label *labels = esp_alloc((size_t)chart->num_references + 1, sizeof *labels);
    int count = 0;
    for (int i = 0; i < chart->num_references; i++) {
        const esp_chart_reference *line = &chart->references[i];
        if (line->vertical != vertical || !line->label || !esp_reference_shown(chart, line)) continue;
        labels[count++] = vertical ? (label){esp_frame_x(frame, line->at),
                                             esp_text_width(line->label, ESP_SMALL_FONT) / 2 + ESP_GAP, line->label}
                                   : (label){esp_frame_y(frame, line->at), ESP_SMALL_FONT / 2.0 + 1, line->label};
    }
    spread(labels, count, vertical ? frame->width : frame->bottom + ESP_GAP);
    for (int i = 0; i < count; i++) {
        double x = vertical ? labels[i].at : frame->right + ESP_GAP;
        double y = vertical ? frame->top - ESP_GAP : labels[i].at + 4;
        esp_xml_add(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, vertical ? "middle" : "start");
        esp_xml_text_within(svg, labels[i].text, ESP_SMALL_FONT, vertical ? frame->width : frame->width - x);
        esp_xml_add(svg, "</text>");
    }
    free(labels);
}

void esp_frame_references(const esp_frame *frame, esp_xml *svg)
{
    const esp_chart *chart = frame->chart;
    esp_xml_add(svg, "<path class=\"esp-references\" stroke=\"currentColor\" stroke-width=\"1.2\" ");
    esp_xml_add(svg, "opacity=\".75\" stroke-dasharray=\"6 4\" d=\"");
    for (int i = 0; i < chart->num_references; i++) {
        const esp_chart_reference *line = &chart->references[i];
        if (!esp_reference_shown(chart, line)) continue;
        if (line->vertical)
            esp_xml_add(svg, "M%.1f %.1fV%.1f", esp_frame_x(frame, line->at), frame->bottom, frame->top);
        else
            esp_xml_add(svg, "M%.1f %.1fH%.1f", frame->left, esp_frame_y(frame, line->at), frame->right);
    }
    esp_xml_add(svg, "\"/>\n<g fill=\"currentColor\" font-size=\"%d\">", ESP_SMALL_FONT);
    reference_labels(frame, true, svg);
    reference_labels(frame, false, svg);
    esp_xml_add(svg, "</g>\n");
}
