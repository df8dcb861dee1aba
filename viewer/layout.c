/* Where the parts of a tile are: the caption above the scene, figures below it, so that nothing covers the scene. Small
 * tiles have a smaller font and fewer figures. */
#include <math.h>

#include "viewer/viewer_internal.h"

/* Least size of a figure in heights of a line of text. */
#define LEAST_WIDTH  7.0
#define LEAST_HEIGHT 4.2
/* Shares of the tile's height: most of it for all figures, and usual height of one row of them. */
#define MOST_STRIP 0.4
#define USUAL_STRIP 0.32 /* of several rows */
#define USUAL_ROW  0.24
#define LEAST_SCENE 0.45 /* of the height: figures are left out rather than leave the scene less */
enum { MARGIN = 3 }; /* px around the lines of the caption */

static esp_text_size text_size(int width, int height)
{
    if (width < 440 || height < 360) return ESP_TEXT_SMALL;
    return width < 1100 || height < 800 ? ESP_TEXT_NORMAL : ESP_TEXT_LARGE;
}

/* Name and state share a line where there is room; details of the network follow where the tile is high enough. */
static void place_caption(int width, int height, esp_layout *out)
{
    int line = esp_text_height(out->size);
    out->narrow = width < 24 * line;
    out->details = height >= 14 * line;
    out->header = (esp_area){0, 0, width, (1 + out->narrow + out->details) * line + 2 * MARGIN};
}

/* The figures in the order of their importance: as many as fit are shown. */
static int choose_panels(bool quantity, bool plans, int room, bool chosen[ESP_PANELS])
{
    const struct { esp_panel panel; bool there; } order[] = {
        {ESP_PANEL_QUANTITY, quantity}, {ESP_PANEL_ACTION, true},  {ESP_PANEL_REWARD, true},
        {ESP_PANEL_PLAN, plans},        {ESP_PANEL_LATENCY, true},
    };
    int count = 0;
    for (int i = 0; i < ESP_PANELS; i++) chosen[i] = false;
    for (size_t i = 0; i < sizeof order / sizeof *order && count < room; i++) {
        if (!order[i].there) continue;
        chosen[order[i].panel] = true;
        count++;
    }
    return count;
}

/* The figure of the reward also names its terms; in several rows the columns are aligned instead. */
static double weight(int panel, bool alone)
{
    return panel == ESP_PANEL_REWARD && alone ? 1.6 : 1.0;
}

/* Fills one row with the next `count` chosen figures from *panel on, and moves past them. */
static void fill_row(esp_layout *out, const bool chosen[ESP_PANELS], int count, bool alone, esp_area row, int *panel)
{
    double all = 0, before = 0;
    int first = *panel, placed = 0;
    for (int i = first; i < ESP_PANELS && placed < count; i++)
        if (chosen[i]) all += weight(i, alone), placed++;
    for (placed = 0; *panel < ESP_PANELS && placed < count; ++*panel) {
        if (!chosen[*panel]) continue;
        double after = before + weight(*panel, alone);
        int left = (int)(row.width * before / all), right = (int)(row.width * after / all);
        out->panel[*panel] = (esp_area){row.left + left, row.top, right - left, row.height};
        before = after;
        placed++;
    }
}

/* Spreads the chosen figures over the strip; the last row may have fewer, wider ones. */
static void spread(esp_layout *out, const bool chosen[ESP_PANELS], int count, int rows, esp_area strip)
{
    int panel = 0, columns = (count + rows - 1) / rows, height = strip.height / rows;
    for (int i = 0; i < rows; i++) {
        esp_area row = {strip.left, strip.top + i * height, strip.width, height};
        int left = count - i * columns;
        fill_row(out, chosen, left < columns ? left : columns, rows == 1, row, &panel);
    }
}

esp_layout esp_layout_make(int width, int height, esp_overlays overlays, bool quantity, bool plans)
{
    esp_layout out = {.size = text_size(width, height)};
    int line = esp_text_height(out.size);
    if (overlays.caption) place_caption(width, height, &out);
    double least = LEAST_HEIGHT * line, most = MOST_STRIP * height;
    int row = (int)fmax(least, USUAL_ROW * height), rows = 1, count = 0;
    bool chosen[ESP_PANELS], there = overlays.figures || overlays.inset;
    if (!there || height - out.header.height - row < LEAST_SCENE * height) {
        row = 0;
        overlays = (esp_overlays){.caption = overlays.caption};
    }
    int side = overlays.inset ? (int)fmin(row, 0.3 * width) : 0, across = (int)((width - side) / (LEAST_WIDTH * line));
    overlays.figures = overlays.figures && across > 0;
    if (overlays.figures) {
        int wanted = choose_panels(quantity, plans, ESP_PANELS, chosen);
        rows = (int)fmax(1, fmin(ceil((double)wanted / across), floor(most / least)));
        if (rows > 1) row = (int)fmax(least, USUAL_STRIP * height / rows);
        count = choose_panels(quantity, plans, across * rows, chosen);
    }
    int strip = row * rows, top = height - strip;
    out.strip = (esp_area){0, top, width, strip};
    out.sees = (esp_area){width - side, top, side, side};
    if (overlays.figures) spread(&out, chosen, count, rows, (esp_area){0, top, width - side, strip});
    out.scene = (esp_area){0, out.header.height, width, top - out.header.height};
    return out;
}
