/* Colours of captions and figures in the viewer, the same as on a dark page. */
#ifndef ESP_VIEWER_COLORS_H
#define ESP_VIEWER_COLORS_H

#include <string.h>

#include "viewer/viewer_internal.h"

static const esp_ink esp_color_panel = {{0x14, 0x17, 0x1c}}; /* behind captions and figures */
static const esp_ink esp_color_line = {{0x3a, 0x43, 0x4e}};  /* grids, and between tiles */
static const esp_ink esp_color_text = {{0xe6, 0xe9, 0xed}};  /* text */
static const esp_ink esp_color_soft = {{0xa3, 0xad, 0xb8}};  /* less important text */

#endif
