/* A painter in an off-screen context: pictures without a window. */
#include <stdlib.h>
#include <string.h>

#include "viewer/viewer_internal.h"

struct esp_canvas {
    esp_offscreen *context; /* owned, like everything below */
    esp_painter   *painter;
    bool           attached;
    esp_overlays   overlays;
    mjrRect        whole;
    uint8_t       *pixels;  /* argument of paint, borrowed for the call */
};

static esp_status attach(void *argument)
{
    esp_canvas *canvas = argument;
    return esp_painter_attach(canvas->painter);
}

static esp_status detach(void *argument)
{
    esp_canvas *canvas = argument;
    esp_painter_detach(canvas->painter);
    return ESP_OK;
}

static esp_status paint(void *argument)
{
    esp_canvas *canvas = argument;
    esp_painter_paint(canvas->painter, canvas->whole, canvas->overlays);
    mjr_readPixels(canvas->pixels, NULL, canvas->whole, &canvas->painter->draw);
    return ESP_OK;
}

esp_status esp_canvas_create(const esp_player *player, int width, int height, esp_overlays overlays, esp_canvas **out)
{
    esp_canvas *canvas = esp_alloc(1, sizeof *canvas);
    canvas->overlays = overlays;
    canvas->whole = (mjrRect){0, 0, width * player->count, height};
    esp_status status = esp_painter_create(player, canvas->whole.width, height, &canvas->painter);
    if (status == ESP_OK) status = esp_offscreen_create(&canvas->context);
    if (status == ESP_OK) status = esp_offscreen_prepare(canvas->context, attach, canvas);
    if (status == ESP_OK) canvas->attached = true;
    if (status == ESP_OK) *out = canvas;
    else                  esp_canvas_free(canvas);
    return status;
}

void esp_canvas_free(esp_canvas *canvas)
{
    if (!canvas) return;
    if (canvas->attached) esp_offscreen_prepare(canvas->context, detach, canvas);
    esp_offscreen_free(canvas->context);
    esp_painter_free(canvas->painter);
    free(canvas);
}

esp_status esp_canvas_frame(esp_canvas *canvas, uint8_t *pixels)
{
    canvas->pixels = pixels;
    esp_status status = esp_offscreen_run(canvas->context, paint, canvas);
    if (status == ESP_OK) esp_pixels_turn(pixels, canvas->whole.width, canvas->whole.height);
    return status;
}
