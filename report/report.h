/* report: pictures of results - charts as SVG, the same charts and sheets of gray images as PNG - and HTML pages made
 * of them.
 *
 * A chart is described by plain structs that borrow the caller's numbers and texts; texts are UTF-8. */
#ifndef ESP_REPORT_H
#define ESP_REPORT_H

#include <stdio.h>

#include "base/base.h"

/* ---- chart.c, chart_frame.c, ticks.c ----------------------------------------------------------- */

/* How the values of a chart are drawn. */
typedef enum {
    ESP_CHART_LINES,   /* points joined in the order given, with markers */
    ESP_CHART_POINTS,  /* markers alone */
    ESP_CHART_BARS     /* one group of bars per category */
} esp_chart_kind;

/* One axis of a chart; its range and ticks follow from the data. */
typedef struct {
    const char *label;            /* "parameters pruned (%)"; NULL: none */
    bool        log;              /* decimal logarithm; values <= 0 are then skipped */
    double      low, high;        /* values that the range must include beside the data; equal: the data alone */
} esp_chart_axis;

/* One series, such as a method or a run. Points that are not finite are skipped and leave a gap in the line. */
typedef struct {
    const char   *name;           /* name in the legend; NULL: not listed */
    int           count;          /* points, or categories of bars */
    const double *x;              /* [count]; unused by bars, whose i-th value belongs to category i */
    const double *y;              /* [count] */
    const double *low, *high;     /* [count] ends of the interval around y; NULL: no intervals */
    int           style;          /* colour and marker, from 1 on, so that a name looks the same in several charts;
                                   * 0: by its place among the series */
} esp_chart_series;

/* A dashed line across the plot, its label in the margin. */
typedef struct {
    bool        vertical;         /* true: at an x (not with bars); false: at a y */
    double      at;               /* in units of the axis */
    const char *label;            /* NULL: none */
} esp_chart_reference;

/* Members that are not needed may be left zero. */
typedef struct {
    esp_chart_kind             kind;        /* kind of all series */
    const char                *title;       /* above the plot; NULL: no title */
    esp_chart_axis             x, y;        /* bars have categories along x */
    int                        num_series;  /* >= 0 */
    const esp_chart_series    *series;      /* [num_series] borrowed */
    /* Lines: the first num_scattered series are markers alone, as with points. */
    int                        num_scattered;
    int                        num_references; /* >= 0 */
    const esp_chart_reference *references;  /* [num_references] borrowed */
    int                        num_categories; /* number of categories of bars */
    const char *const         *categories;  /* bars: [num_categories] names, none of them NULL */
    bool                       error_bars;  /* lines: draw intervals as error bars instead of bands */
    bool                       frontier;    /* points: draw a staircase through the points that no other beats with at
                                             * most their x (cost) and at least their y (performance) */
    int                        width, height; /* px, 0: 640 x 400; the height grows when the legend or
                                                 the names of the categories need it */
} esp_chart;

/* The chart as one self-contained <svg> element in new memory (caller frees). Colours are those of Okabe and Ito
 * (2008), which everyone can tell apart, dark enough for lines on white; marker shapes differ as well. Bars that are
 * not finite take no room in their group, so that two series can colour one row of bars.
 *
 * It stands alone on white paper. A page that inlines it can use its own colours with the rules `.esp-chart { color:
 * inherit }` and `.esp-paper { fill: none }`.
 *
 * ESP_ERR_RANGE when a size is outside 200 .. 4000 px. */
esp_status esp_chart_svg(const esp_chart *chart, char **out_text);

/* ---- xml.c ------------------------------------------------------------------------------------- */

/* Any text as XML content or attribute, in new memory: &, <, > and quotes escaped, line ends and tabs as blanks,
 * characters that XML or UTF-8 forbid as U+FFFD. */
char *esp_xml_escape(const char *text);

/* ---- raster.c ---------------------------------------------------------------------------------- */

/* Draws an SVG text to a PNG file, `zoom` times its size in px, with the program rsvg-convert. ESP_ERR_MACHINE when
 * this program is missing or fails. */
esp_status esp_svg_draw(const char *svg, double zoom, const char *path);
/* Version of rsvg-convert; ESP_ERR_MACHINE when it is missing, fails, or has no font to write with. */
esp_status esp_svg_program(char *version, size_t size);

/* ---- png.c, sheet.c ---------------------------------------------------------------------------- */

/* Writes 8-bit pixels [height, width, channels] as a PNG file; channels 1 (gray) or 3 (sRGB).
 * ESP_ERR_RANGE for another number of channels or a size outside 1 .. 32767. */
esp_status esp_png_write(const char *path, int width, int height, int channels, const uint8_t *pixels);

/* How gray images of one size are laid out in a picture. */
typedef struct {
    int rows, columns;            /* images per column and per row, >= 1 */
    int width, height;            /* size of one image, px, >= 1 */
    int zoom;                     /* magnification, >= 1; each pixel becomes a square */
    int gap;                      /* white px around the images, >= 0 */
    int separator;                /* thickness of a gray line in the gap between two rows, px, 0 .. gap */
} esp_sheet;

/* Writes images [rows, columns, height, width], 0 black .. 255 white, as a gray PNG file; its width is gap + columns
 * * (zoom * width + gap), its height likewise. ESP_ERR_RANGE as esp_png_write. */
esp_status esp_sheet_write(const char *path, const esp_sheet *sheet, const uint8_t *images);

/* ---- sketch.c ---------------------------------------------------------------------------------- */

/* A picture to draw on: [height, width, 3] sRGB, top row first. Whatever lies outside of it is cut off. */
typedef struct {
    int      width, height;       /* px */
    uint8_t *pixels;              /* borrowed */
} esp_sketch;

typedef struct { uint8_t rgb[3]; } esp_ink; /* a colour */
/* A rectangle, px from the upper left corner. */
typedef struct { int left, top, width, height; } esp_area;

/* Sizes of the font, DejaVu Sans with smooth edges: 11, 14 and 20 px. It has ASCII and a few signs; other characters
 * become question marks. */
typedef enum { ESP_TEXT_SMALL, ESP_TEXT_NORMAL, ESP_TEXT_LARGE, ESP_TEXT_SIZES } esp_text_size;

void esp_sketch_fill(esp_sketch *sketch, esp_area area, esp_ink ink); /* fills a rectangle */
/* Joins points (x, y), px from the upper left corner, with a smooth line; points that are not finite leave gaps. */
void esp_sketch_line(esp_sketch *sketch, int count, const double (*point)[2], double width, esp_ink ink);
/* Writes a line of UTF-8 text; (left, top) is the corner of a box of esp_text_height and esp_sketch_text_width px. */
void esp_sketch_text(esp_sketch *sketch, esp_text_size size, int left, int top, const char *text, esp_ink ink);
/* The same, cut with an ellipsis when it would be wider than `width` px. */
void esp_sketch_text_within(esp_sketch *sketch, esp_text_size size, int left, int top, int width, const char *text,
                            esp_ink ink);
int  esp_sketch_text_width(esp_text_size size, const char *text); /* px */
int  esp_text_height(esp_text_size size);                         /* px of a line, with the room between lines */

/* ---- page.c, page_style.c, page_table.c, page_figure.c ---------------------------------------------- */

/* An HTML page in one file that needs nothing else: no script, no network; light or dark as the reader prefers, for
 * wide screens and for phones. Blocks follow each other in the order of the calls; a card or a fact joins the block
 * before it when that is of the same kind. All texts are escaped. */
typedef struct esp_page esp_page;

/* A number as shown, and where it stands in the data of the page. */
typedef struct {
    const char *text;     /* "19.9 %"; NULL: an empty cell */
    const char *pointer;  /* "/result/structural_sparsity" (RFC 6901); NULL: not in the data */
    double      value;    /* the number at `pointer` */
    bool        bad;      /* shown in red: far from what is wanted */
} esp_quantity;

typedef enum { ESP_TONE_FIRST, ESP_TONE_SECOND } esp_tone; /* the colours of a chart's first two series */

esp_page *esp_page_create(const char *title, const char *lead); /* `lead` is a sentence below the title */
void      esp_page_free(esp_page *page);                        /* accepts NULL */

void esp_page_section(esp_page *page, const char *heading);     /* begins a section; later blocks belong to it */
void esp_page_text(esp_page *page, const char *text);           /* a paragraph */
/* A remark that stands out, such as what is missing and why. */
void esp_page_note(esp_page *page, const char *text);
/* A remark in red, on a result that is far from what is wanted. */
void esp_page_warning(esp_page *page, const char *text);
void esp_page_code(esp_page *page, const char *text);           /* lines shown as they are */
void esp_page_folded(esp_page *page, const char *summary, const char *code); /* shown when the reader unfolds it */
/* An important number, shown large; `remark` may be NULL. */
void esp_page_card(esp_page *page, const char *label, const esp_quantity *quantity, const char *remark);
void esp_page_fact(esp_page *page, const char *label, const char *text); /* one line in a list of facts */

/* One letter per column, 'l', 'r' or 'b' for bars; headings are separated by '|'. Rows and cells follow. A table that
 * is too long or too wide for its place scrolls, and says so. */
void esp_page_table(esp_page *page, const char *caption, const char *alignment, const char *headings);
void esp_page_row(esp_page *page);                                  /* begins a row */
void esp_page_cell(esp_page *page, const char *text);               /* the next cell of the row */
void esp_page_number(esp_page *page, const esp_quantity *quantity); /* the same for a number */
void esp_page_bar(esp_page *page, double share, esp_tone tone); /* share of the cell's width, 0 .. 1 */

/* A chart, drawn once for wide pages and once for narrow ones; its width and height are set by the page. caption NULL:
 * that of the chart before holds for it, too. */
esp_status esp_page_chart(esp_page *page, const esp_chart *chart, const char *caption);
/* A PNG picture, shown at its size or smaller, but at least `least` px high; `alt` describes it in words. */
void esp_page_picture(esp_page *page, const void *png, size_t size, int least, const char *alt, const char *caption);

/* The numbers the page was made from, in <script type="application/json" id="espalier-data">. */
void esp_page_data(esp_page *page, const cJSON *data);
/* Ends the page and writes it; *bytes is its size (NULL: not wanted). */
esp_status esp_page_write(esp_page *page, const char *path, size_t *bytes);

/* ---- markdown.c: any text inside YAML and Markdown ------------------------------------------------ */

/* What is not printable, or not UTF-8, becomes U+FFFD; line ends and tabs become blanks. */
void esp_yaml_text(FILE *out, const char *text);     /* a scalar in double quotes */
void esp_markdown_text(FILE *out, const char *text); /* within a line or a cell; no character is markup */
void esp_markdown_code(FILE *out, const char *text); /* a line of an indented code block */

/* ---- tensorboard.c: event files for TensorBoard ------------------------------------------------- */

/* Writes what an event file begins with. A reader drops the steps from `first_step` on that it has read from earlier
 * files of the folder, so that a resumed run replaces the steps that it repeats. wall_time: seconds since 1970. */
void esp_events_begin(FILE *out, double wall_time, int64_t first_step);
/* Writes one event: every finite number of the object is a scalar, tagged by its key. */
void esp_events_scalars(FILE *out, double wall_time, int64_t step, const cJSON *scalars);
/* The time, in seconds since 1970, in the name of the folder's latest event file; 0: there is none. */
int64_t esp_events_latest(const char *folder);
/* A path for a new event file in the folder, later than those that are there; in new memory. */
char *esp_events_path(const char *folder);

#endif
