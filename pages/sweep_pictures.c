/* The charts of a sweep as files: SVG, and PNG where the machine can draw it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages/pages_internal.h"

#define PICTURE_ZOOM 2

static esp_status write_chart(void *context, const char *name, const esp_chart *chart)
{
    const esp_sweep *sweep = context;
    char file[64], *svg = NULL;
    snprintf(file, sizeof file, "%s.svg", name);
    char *svg_path = esp_path_join(sweep->folder, file);
    snprintf(file, sizeof file, "%s.png", name);
    char *png_path = esp_path_join(sweep->folder, file);
    esp_status status = esp_chart_svg(chart, &svg);
    if (status == ESP_OK) status = esp_file_write(svg_path, svg, strlen(svg));
    if (status == ESP_OK) status = esp_svg_draw(svg, PICTURE_ZOOM, png_path);
    if (status == ESP_ERR_MACHINE) { /* the SVG was written */
        esp_log(ESP_LOG_WARNING, "%s", esp_error_text());
        status = ESP_OK;
    }
    free(svg);
    free(svg_path);
    free(png_path);
    return status;
}

esp_status esp_sweep_write_pictures(const esp_sweep *sweep)
{
    return esp_sweep_draw(sweep, write_chart, (void *)sweep);
}
