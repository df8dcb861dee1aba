/* Sketches: rectangles, lines and text on pixels, with smooth edges, for pictures and windows that no browser draws. */
#include <math.h>
#include <string.h>

#include "report/glyphs.h"
#include "report/report_internal.h"

/* ---- pixels ---- */

void esp_sketch_fill(esp_sketch *sketch, esp_area area, esp_ink ink)
{
    int right = area.left + area.width, bottom = area.top + area.height;
    int left = area.left < 0 ? 0 : area.left, top = area.top < 0 ? 0 : area.top;
    if (right > sketch->width) right = sketch->width;
    if (bottom > sketch->height) bottom = sketch->height;
    for (int y = top; y < bottom; y++) {
        uint8_t *pixel = sketch->pixels + 3 * ((size_t)y * (size_t)sketch->width + (size_t)left);
        for (int x = left; x < right; x++, pixel += 3) memcpy(pixel, ink.rgb, 3);
    }
}

/* Lays ink over a pixel; share 0 .. 1 of it is covered. */
static void cover(esp_sketch *sketch, int x, int y, esp_ink ink, float share)
{
    if (x < 0 || y < 0 || x >= sketch->width || y >= sketch->height || share <= 0) return;
    uint8_t *pixel = sketch->pixels + 3 * ((size_t)y * (size_t)sketch->width + (size_t)x);
    for (int c = 0; c < 3; c++)
        pixel[c] = (uint8_t)(pixel[c] + (ink.rgb[c] - pixel[c]) * share + 0.5f);
}

/* ---- lines ---- */

/* Distance of a point from the segment from a to b. */
static double distance(double x, double y, const double a[2], const double b[2])
{
    double dx = b[0] - a[0], dy = b[1] - a[1], length = dx * dx + dy * dy;
    double t = length > 0 ? ((x - a[0]) * dx + (y - a[1]) * dy) / length : 0;
    t = fmin(fmax(t, 0), 1);
    return hypot(x - a[0] - t * dx, y - a[1] - t * dy);
}

/* Only the pixels near the segment are visited: column by column if it is flat, row by row if it is steep. */
static void segment(esp_sketch *sketch, const double a[2], const double b[2], double half, esp_ink ink)
{
    int along = fabs(b[0] - a[0]) >= fabs(b[1] - a[1]) ? 0 : 1, across = 1 - along;
    const double *from = a[along] <= b[along] ? a : b, *to = from == a ? b : a;
    double length = to[along] - from[along], slope = length > 0 ? (to[across] - from[across]) / length : 0;
    double reach = 1.5 * (half + 1); /* a diagonal is that much wider across */
    int last = (int)floor(to[along] + half + 1);
    for (int i = (int)floor(from[along] - half - 1); i <= last; i++) {
        double t = fmin(fmax(i + 0.5 - from[along], 0), length), middle = from[across] + slope * t;
        for (int k = (int)floor(middle - reach); k <= (int)floor(middle + reach); k++) {
            int x = along == 0 ? i : k, y = along == 0 ? k : i;
            double share = half + 0.5 - distance(x + 0.5, y + 0.5, a, b);
            cover(sketch, x, y, ink, (float)fmin(share, 1));
        }
    }
}

void esp_sketch_line(esp_sketch *sketch, int count, const double (*point)[2], double width, esp_ink ink)
{
    for (int i = 0; i + 1 < count; i++)
        if (isfinite(point[i][0] + point[i][1] + point[i + 1][0] + point[i + 1][1]))
            segment(sketch, point[i], point[i + 1], width / 2, ink);
}

/* ---- text ---- */

static const esp_glyph *find(const esp_glyphs *glyphs, uint32_t code)
{
    int low = 0, high = glyphs->count - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        if ((uint32_t)glyphs->glyph[middle].code == code) return &glyphs->glyph[middle];
        if ((uint32_t)glyphs->glyph[middle].code < code) low = middle + 1;
        else                                             high = middle - 1;
    }
    return code == '?' ? NULL : find(glyphs, '?');
}

int esp_text_height(esp_text_size size)
{
    return esp_glyph_sizes[size].size + 4;
}

int esp_sketch_text_width(esp_text_size size, const char *text)
{
    int width = 0;
    for (uint32_t c; (c = esp_next_character(&text));) width += find(&esp_glyph_sizes[size], c)->advance;
    return width;
}

static void draw_glyph(esp_sketch *sketch, const esp_glyph *glyph, int pen, int base, esp_ink ink)
{
    const char *digit = glyph->coverage;
    for (int y = 0; y < glyph->height; y++)
        for (int x = 0; x < glyph->width; x++, digit++) {
            int share = *digit <= '9' ? *digit - '0' : *digit - 'a' + 10;
            cover(sketch, pen + glyph->left + x, base - glyph->top + y, ink, (float)share / 15);
        }
}

void esp_sketch_text(esp_sketch *sketch, esp_text_size size, int left, int top, const char *text, esp_ink ink)
{
    int base = top + esp_glyph_sizes[size].size; /* capitals reach three quarters of an em above it */
    for (uint32_t c; (c = esp_next_character(&text));) {
        const esp_glyph *glyph = find(&esp_glyph_sizes[size], c);
        draw_glyph(sketch, glyph, left, base, ink);
        left += glyph->advance;
    }
}

void esp_sketch_text_within(esp_sketch *sketch, esp_text_size size, int left, int top, int width, const char *text,
                            esp_ink ink)
{
    if (esp_sketch_text_width(size, text) <= width) {
        esp_sketch_text(sketch, size, left, top, text, ink);
        return;
    }
    char cut[256];
    size_t length = 0;
    int room = width - esp_sketch_text_width(size, "\u2026");
    for (const char *at = text, *before = text; length + 8 < sizeof cut; before = at) {
        uint32_t c = esp_next_character(&at);
        if (c == 0 || (room -= find(&esp_glyph_sizes[size], c)->advance) < 0) break;
        memcpy(cut + length, before, (size_t)(at - before));
        length += (size_t)(at - before);
    }
    memcpy(cut + length, "\u2026", sizeof "\u2026");
    if (width > 0) esp_sketch_text(sketch, size, left, top, cut, ink);
}
