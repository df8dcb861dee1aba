/* Glyphs of the font that sketches are written in: data of glyphs.c. */
#ifndef ESP_REPORT_GLYPHS_H
#define ESP_REPORT_GLYPHS_H

#include "report/report.h"

/* One character. Its picture stands `left` px to the right of the pen and reaches `top` px above the base line. */
typedef struct {
    int code;                  /* Unicode */
    int advance;               /* px by which the pen moves */
    int left, top;             /* px, see above */
    int width, height;         /* px of its picture */
    const char *coverage;      /* [height, width] hexadecimal digits, 0 none .. f all of a pixel */
} esp_glyph;

/* One size of the font. */
typedef struct {
    int size;                  /* px per em */
    int count;                 /* number of glyphs */
    const esp_glyph *glyph;    /* [count], by rising code */
} esp_glyphs;

/* All sizes, in the order of esp_text_size. */
extern const esp_glyphs esp_glyph_sizes[ESP_TEXT_SIZES];

#endif
