/* report: pictures of results - charts as SVG, photographs of them and sheets of gray images as PNG.
 *
 * A chart is described by plain structs that borrow the caller's numbers and texts; texts are UTF-8. */
#ifndef ESP_REPORT_H
#define ESP_REPORT_H

#include "base/base.h"

/* ---- chart.c, chart_frame.c, ticks.c ----------------------------------------------------------- */

typedef enum {
    ESP_CHART_LINES,   /* points joined in the order given, with markers */
    ESP_CHART_POINTS,  /* markers alone */
    ESP_CHART_BARS     /* a group of bars for every category */
} esp_chart_kind;

typedef struct {
    const char *label;            /* "parameters pruned (%)"; NULL: none */
    bool        log;              /* decimal logarithm; values <= 0 are then skipped */
    double      low, high;        /* what must be in the range, beside the data; equal: the data alone */
} esp_chart_axis;

/* A method, a run. Points that are not finite are skipped and leave a gap in the line. */
typedef struct {
    const char   *name;           /* in the legend; NULL: not there */
    int           count;
    const double *x;              /* [count]; unused by bars, whose i-th value belongs to category i */
    const double *y;              /* [count] */
    const double *low, *high;     /* [count] ends of the interval around y; NULL: none */
} esp_chart_series;

/* A dashed line across the plot, its label in the margin. */
typedef struct {
    bool        vertical;         /* at an x (not with bars), else at a y */
    double      at;
    const char *label;            /* NULL: none */
} esp_chart_reference;

/* Zero is a good value for whatever is not needed. */
typedef struct {
    esp_chart_kind             kind;
    const char                *title;
    esp_chart_axis             x, y;
    int                        num_series;
    const esp_chart_series    *series;
    int                        num_references;
    const esp_chart_reference *references;
    int                        num_categories;
    const char *const         *categories;  /* bars: [num_categories], none NULL */
    bool                       error_bars;  /* lines: intervals as error bars; else as bands */
    bool                       frontier;    /* points: a staircase through those that none beats with at
                                               most its x (cost) and at least its y (performance) */
    int                        width, height; /* px, 0: 640 x 400; the height grows when the legend or
                                                 the names of the categories need it */
} esp_chart;

/* The chart as one self-contained <svg> element in new memory, the caller's to free. Colours are
 * those of Okabe and Ito (2008), told apart by everyone; marker shapes differ as well. Bars that
 * are not finite take no room in their group, so that two series can colour one row of bars.
 *
 * It stands alone on white paper. A page that inlines it takes over its colours with the rules
 * `.esp-chart { color: inherit }` and `.esp-paper { fill: none }`.
 *
 * ESP_ERR_RANGE when a size is outside 200 .. 4000 px. */
esp_status esp_chart_svg(const esp_chart *chart, char **out_text);

/* ---- svg.c ------------------------------------------------------------------------------------- */

/* Text of a person or a file as XML content or attribute, in new memory: &, <, >, quotes escaped, line
 * ends and tabs as blanks, what XML or UTF-8 forbids as U+FFFD. */
char *esp_xml_escape(const char *text);

/* ---- raster.c ---------------------------------------------------------------------------------- */

/* Draws an SVG text to a PNG file, `zoom` times its size in px, with the program rsvg-convert.
 * ESP_ERR_MACHINE when this program is missing or fails: the SVG is then all there is. */
esp_status esp_svg_draw(const char *svg, double zoom, const char *path);

/* ---- png.c, sheet.c ---------------------------------------------------------------------------- */

/* Writes 8-bit pixels [height, width, channels] as a PNG file; channels 1 (gray) or 3 (sRGB).
 * ESP_ERR_RANGE for another number of channels or a size outside 1 .. 32767. */
esp_status esp_png_write(const char *path, int width, int height, int channels, const uint8_t *pixels);

/* How gray images of one size are laid out in a picture. */
typedef struct {
    int rows, columns;            /* images, >= 1 */
    int width, height;            /* px of one image, >= 1 */
    int zoom;                     /* magnification, >= 1; a pixel becomes a square */
    int gap;                      /* white px around the images, >= 0 */
    int separator;                /* thickness in px of a gray line in the gap between two rows, 0 .. gap */
} esp_sheet;

/* Writes images [rows, columns, height, width], 0 black .. 255 white, as a gray PNG file; its
 * width is gap + columns * (zoom * width + gap), its height alike. ESP_ERR_RANGE as esp_png_write. */
esp_status esp_sheet_write(const char *path, const esp_sheet *sheet, const uint8_t *images);

#endif
