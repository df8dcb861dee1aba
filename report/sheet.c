/* Contact sheets: gray images in rows, enlarged without smoothing, so that every pixel can be compared. */
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

enum { WHITE = 255, SEPARATOR = 128 };

/* Copies one image to the picture's pixels at `to`, every pixel zoom x zoom times. */
static void enlarge(const esp_sheet *sheet, const uint8_t *image, uint8_t *to, size_t stride)
{
    for (int row = 0; row < sheet->height * sheet->zoom; row++, to += stride)
        for (int column = 0; column < sheet->width * sheet->zoom; column++)
            to[column] = image[row / sheet->zoom * sheet->width + column / sheet->zoom];
}

/* Draws lines in the middle of the gaps between rows. */
static void separate(const esp_sheet *sheet, uint8_t *picture, size_t stride)
{
    int step = sheet->height * sheet->zoom + sheet->gap;
    for (int row = 1; row < sheet->rows; row++) {
        uint8_t *line = picture + stride * (size_t)(row * step + (sheet->gap - sheet->separator) / 2) + sheet->gap;
        for (int i = 0; i < sheet->separator; i++, line += stride)
            memset(line, SEPARATOR, stride - 2 * (size_t)sheet->gap);
    }
}

/* Length of one side in px, or 0 when that is more than a picture can have. */
static int side(int images, int px, int zoom, int gap)
{
    int64_t length = gap + images * ((int64_t)px * zoom + gap);
    return length > ESP_MOST_PX ? 0 : (int)length;
}

static esp_status check(const char *path, const esp_sheet *sheet)
{
    const struct { const char *what; int value, least, most; } bounds[] = {
        {"rows", sheet->rows, 1, ESP_MOST_PX},     {"columns", sheet->columns, 1, ESP_MOST_PX},
        {"width", sheet->width, 1, ESP_MOST_PX},   {"height", sheet->height, 1, ESP_MOST_PX},
        {"zoom", sheet->zoom, 1, ESP_MOST_PX},     {"gap", sheet->gap, 0, ESP_MOST_PX},
        {"separator", sheet->separator, 0, sheet->gap},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (bounds[i].value < bounds[i].least || bounds[i].value > bounds[i].most)
            return esp_fail(ESP_ERR_RANGE, "'%s': the %s of a sheet cannot be %d; expected %d to %d", path,
                            bounds[i].what, bounds[i].value, bounds[i].least, bounds[i].most);
    return ESP_OK;
}

esp_status esp_sheet_write(const char *path, const esp_sheet *sheet, const uint8_t *images)
{
    esp_status status = check(path, sheet);
    if (status != ESP_OK) return status;
    int width = side(sheet->columns, sheet->width, sheet->zoom, sheet->gap);
    int height = side(sheet->rows, sheet->height, sheet->zoom, sheet->gap);
    if (width == 0 || height == 0)
        return esp_fail(ESP_ERR_RANGE, "'%s': %d x %d images, enlarged %d times, are more than %d px", path,
                        sheet->rows, sheet->columns, sheet->zoom, ESP_MOST_PX);

    size_t stride = (size_t)width, pixels = (size_t)sheet->width * (size_t)sheet->height;
    uint8_t *picture = memset(esp_alloc(stride, (size_t)height), WHITE, stride * (size_t)height);
    for (int row = 0; row < sheet->rows; row++) {
        for (int column = 0; column < sheet->columns; column++) {
            size_t y = (size_t)(sheet->gap + row * (sheet->height * sheet->zoom + sheet->gap));
            size_t x = (size_t)(sheet->gap + column * (sheet->width * sheet->zoom + sheet->gap));
            enlarge(sheet, images + pixels * ((size_t)row * (size_t)sheet->columns + (size_t)column),
                    picture + y * stride + x, stride);
        }
    }
    separate(sheet, picture, stride);
    status = esp_png_write(path, width, height, 1, picture);
    free(picture);
    return status;
}
