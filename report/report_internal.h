/* What the files of `report` share with each other. */
#ifndef ESP_REPORT_INTERNAL_H
#define ESP_REPORT_INTERNAL_H

#include "report/report.h"

#define ESP_MOST_PX 32767 /* largest side of a PNG picture */
#define ESP_FONTS "DejaVu Sans, Verdana, sans-serif" /* fonts of charts; the first that is installed */

/* ---- xml.c: text that grows ---- */

typedef struct {
    char  *text;      /* owned, ends with 0 */
    size_t length, room;
} esp_xml;

void esp_xml_add(esp_xml *svg, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Any text: &, <, > and quotes escaped, characters that XML or UTF-8 forbid replaced by U+FFFD. */
void esp_xml_text(esp_xml *svg, const char *text);
/* The same, cut with an ellipsis when it would be wider than `width` px. */
void esp_xml_text_within(esp_xml *svg, const char *text, double size, double width);
/* Inserts a text that is already escaped at a place inside. */
void esp_xml_insert(esp_xml *xml, size_t at, const char *text);
/* Appends XML that is already escaped, byte for byte. */
void esp_xml_paste(esp_xml *xml, const char *text, size_t length);
/* Reads one character of UTF-8 and moves past it; 0 at the end, U+FFFD for what UTF-8 or XML 1.0 forbid. */
uint32_t esp_next_character(const char **text);
/* A character as UTF-8, ending with 0; returns `utf8`. */
char *esp_character_text(uint32_t c, char utf8[5]);
/* Width in px of a text of this font size in DejaVu Sans, estimated rather too large than too
 * small. */
double esp_text_width(const char *text, double size);
/* Bytes of the words that fit in one line, including the blank after them; at least one word. */
size_t esp_text_line(const char *text, double size, double width);

/* ---- ticks.c: where an axis is labelled ---- */

#define ESP_MAX_TICKS 64

/* The range of an axis, low < high; both > 0 on a logarithmic axis. */
typedef struct {
    bool   log;
    double low, high;
} esp_range;

typedef struct {
    int    num;
    double at[ESP_MAX_TICKS];
    char   text[ESP_MAX_TICKS][32];  /* empty: a small tick without label */
} esp_ticks;

/* Multiples of 1, 2 or 5 times a power of ten inside the range, with about `most` (>= 2) labels; on
 * a logarithmic axis powers of ten and numbers between them. */
void esp_ticks_make(const esp_range *range, int most, esp_ticks *ticks);
/* Position of a value in the range: 0 at low, 1 at high. */
double esp_range_place(const esp_range *range, double value);

/* ---- chart_range.c, chart_layout.c: axes and where the plot is ---- */

enum { ESP_FONT = 12, ESP_SMALL_FONT = 11, ESP_LABEL_FONT = 13, ESP_TITLE_FONT = 15 }; /* px */
enum { ESP_MARGIN = 14, ESP_GAP = 6, ESP_TITLE_ROW = 20, ESP_LEGEND_ROW = 18 };        /* px */

typedef struct {
    const esp_chart *chart;
    esp_range x, y;
    esp_ticks x_ticks, y_ticks;       /* bars have no x ticks */
    double left, right, top, bottom;  /* edges of the plot, px, top < bottom */
    double width, height;             /* size of the picture, px */
    double legend_top;                /* y of the legend's first row, px */
    double y_label;                   /* base line of the y axis' label, px */
    double label_angle;               /* degrees by which the names of categories are turned */
    double label_room;                /* longest name of a category, px */
    int    label_every;               /* every how many categories one is named */
} esp_frame;

/* Whether a value can be drawn on an axis: finite, and positive if logarithmic. */
bool   esp_drawable(double value, bool log);
bool   esp_reference_shown(const esp_chart *chart, const esp_chart_reference *line);
/* Whether a series of a chart of lines consists of markers alone. */
bool   esp_series_scattered(const esp_chart *chart, int series);
/* Whether the points of a series get markers; in a long line they would touch. */
bool   esp_series_marked(const esp_chart *chart, int series);
void   esp_chart_ranges(const esp_chart *chart, esp_range *x, esp_range *y);
void   esp_frame_make(const esp_chart *chart, esp_frame *frame);
double esp_frame_x(const esp_frame *frame, double x);  /* px */
double esp_frame_y(const esp_frame *frame, double y);  /* px */

/* ---- chart_legend.c ---- */

/* Which colour and marker a series has; the argument of the functions below. */
int esp_series_style(const esp_chart *chart, int series);
#define ESP_SERIES_COLORS 7 /* different colours of series; the last is currentColor */
const char *esp_series_color(int style);
/* The same colour on a dark page, which replaces the other there. */
const char *esp_series_dark_color(int style);
/* Opens <path class="esp-line" ... d=" with the stroke of a series. */
void esp_series_line(esp_xml *svg, int style);
/* A marker of the series' shape around (x, y): path data that starts there, then is relative. */
void esp_series_marker(esp_xml *svg, int style, double x, double y);
/* Draws the legend unless svg is NULL; returns its number of rows. */
int  esp_legend(const esp_frame *frame, esp_xml *svg);
#define ESP_FRONTIER_STROKE "stroke=\"currentColor\" stroke-width=\"1.5\" opacity=\".6\""

/* ---- page.c: shared by the blocks of a page ---- */

/* The kind of the last block, which the next call may join. */
typedef enum { ESP_BLOCK_NONE, ESP_BLOCK_CARDS, ESP_BLOCK_FACTS, ESP_BLOCK_TABLE } esp_block;

enum { ESP_MOST_COLUMNS_OF_TABLE = 32 };

/* The open table: where its next cell belongs, and how much room it takes. */
typedef struct {
    char        alignment[ESP_MOST_COLUMNS_OF_TABLE + 1]; /* one letter for each of its columns */
    int         column;     /* column of the next cell; -1: no row is open */
    int         rows;       /* rows so far */
    size_t      hint;       /* place in the body for the hint that it scrolls */
    double      width[ESP_MOST_COLUMNS_OF_TABLE]; /* widest text of each column, in ems */
} esp_page_grid;

struct esp_page {
    esp_xml     body;
    char       *title;
    esp_block   block;      /* the block that is open */
    bool        section;    /* whether a section is open */
    esp_page_grid table;    /* the open table */
};

/* Closes the open block unless it is of this kind; true when it is. */
bool esp_page_join(esp_page *page, esp_block block);
void esp_page_element(esp_page *page, const char *tag, const char *text); /* <tag>escaped</tag> */
void esp_page_quantity(esp_page *page, const esp_quantity *quantity);
/* Ends the last row of the open table, and says above the table in which direction it scrolls. */
void esp_page_end_table(esp_page *page);

/* ---- page_style.c ---- */

/* Adds the CSS of a page, without the characters that XML escapes. */
void esp_page_style(esp_xml *html);

/* ---- chart_frame.c ---- */

/* Draws the title unless svg is NULL; returns its number of lines. */
int  esp_title(const esp_frame *frame, esp_xml *svg);
/* Title, legend, grid, axes with ticks and labels; and the reference lines. */
void esp_frame_draw(const esp_frame *frame, esp_xml *svg);
void esp_frame_references(const esp_frame *frame, esp_xml *svg);

#endif
