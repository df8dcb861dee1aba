/* Pixels to a PNG file: libpng writes to memory, then the file is written whole or not at all. */
#include <png.h>
#include <stdlib.h>

#include "report/report_internal.h"

esp_status esp_png_write(const char *path, int width, int height, int channels, const uint8_t *pixels)
{
    if (width < 1 || width > ESP_MOST_PX || height < 1 || height > ESP_MOST_PX)
        return esp_fail(ESP_ERR_RANGE, "'%s': a picture cannot be %d x %d px; expected 1 to %d", path, width,
                        height, ESP_MOST_PX);
    if (channels != 1 && channels != 3)
        return esp_fail(ESP_ERR_RANGE, "'%s': a picture cannot have %d channels; expected 1 or 3", path, channels);

    png_image image = {.version = PNG_IMAGE_VERSION, .width = (png_uint_32)width, .height = (png_uint_32)height,
                       .format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    char *png = esp_alloc(size, 1);
    esp_status status;
    if (png_image_write_to_memory(&image, png, &size, 0, pixels, 0, NULL)) status = esp_file_write(path, png, size);
    else status = esp_fail(ESP_ERR_MACHINE, "cannot write '%s': libpng says: %s", path, image.message);
    png_image_free(&image);
    free(png);
    return status;
}
