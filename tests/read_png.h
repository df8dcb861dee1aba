/* A name for a picture of this process, and the picture read back through libpng. */
#ifndef ESP_TESTS_READ_PNG_H
#define ESP_TESTS_READ_PNG_H

#include <png.h>
#include <unistd.h>

#include "tests/check.h"

static inline const char *picture_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/espalier-picture-%ld.png", (long)getpid());
    return path;
}

typedef struct {
    int width, height, channels;
    uint8_t *pixels; /* [height, width, channels], freed by the caller */
} picture;

static inline picture read_png(const char *path)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    CU_ASSERT_FATAL(png_image_begin_read_from_file(&image, path));
    int channels = image.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1;
    image.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    picture result = {(int)image.width, (int)image.height, channels, esp_alloc(PNG_IMAGE_SIZE(image), 1)};
    CU_ASSERT_FATAL(png_image_finish_read(&image, NULL, result.pixels, 0, NULL));
    return result;
}

#endif
