/* A sheet shows every pixel of every image as a square, in its place, and nothing else. */
#include "report/report.h"

#include "tests/read_png.h"

/* The value that a pixel of the sheet must have. */
static uint8_t expected(const esp_sheet *s, const uint8_t *images, int x, int y)
{
    int step_x = s->zoom * s->width + s->gap, step_y = s->zoom * s->height + s->gap;
    int column = (x - s->gap) / step_x, row = (y - s->gap) / step_y;
    int in_x = (x - s->gap) % step_x / s->zoom, in_y = (y - s->gap) % step_y / s->zoom;
    if (x >= s->gap && y >= s->gap && in_x < s->width && in_y < s->height)
        return images[((row * s->columns + column) * s->height + in_y) * s->width + in_x];

    int total = s->gap + s->columns * step_x, below = (y - s->gap) % step_y - s->zoom * s->height;
    bool between = y >= s->gap && below >= 0 && row + 1 < s->rows && x >= s->gap && x < total - s->gap;
    int start = (s->gap - s->separator) / 2;
    return between && below >= start && below < start + s->separator ? 128 : 255;
}

static void every_pixel_is_in_its_place(void)
{
    static const esp_sheet sheets[] = {
        {1, 1, 1, 1, 1, 0, 0}, {2, 5, 28, 28, 3, 4, 0}, {3, 2, 7, 4, 2, 5, 2},
        {4, 1, 3, 9, 1, 3, 3}, {2, 2, 5, 5, 4, 0, 0},
    };
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    for (size_t i = 0; i < sizeof sheets / sizeof *sheets; i++) {
        const esp_sheet *s = &sheets[i];
        size_t size = (size_t)(s->rows * s->columns * s->width * s->height);
        uint8_t *images = esp_alloc(size, 1);
        for (size_t k = 0; k < size; k++) images[k] = (uint8_t)esp_rng_u32(&rng);
        CHECK_OK(esp_sheet_write(picture_path(), s, images));
        picture got = read_png(picture_path());
        CU_ASSERT_EQUAL_FATAL(got.channels, 1);
        CU_ASSERT_EQUAL_FATAL(got.width, s->gap + s->columns * (s->zoom * s->width + s->gap));
        CU_ASSERT_EQUAL_FATAL(got.height, s->gap + s->rows * (s->zoom * s->height + s->gap));
        int wrong = 0;
        for (int y = 0; y < got.height; y++)
            for (int x = 0; x < got.width; x++) wrong += got.pixels[y * got.width + x] != expected(s, images, x, y);
        CU_ASSERT_EQUAL(wrong, 0);
        free(got.pixels);
        free(images);
    }
    unlink(picture_path());
}

static void layouts_that_make_no_sense_are_refused(void)
{
    const esp_sheet good = {1, 1, 28, 28, 2, 4, 0};
    const uint8_t image[784] = {0};
    esp_sheet bad = good;
    bad.rows = 0;
    CHECK_FAILS(ESP_ERR_RANGE, esp_sheet_write(picture_path(), &bad, image), "rows");
    bad = good, bad.zoom = -1;
    CHECK_FAILS(ESP_ERR_RANGE, esp_sheet_write(picture_path(), &bad, image), "zoom");
    bad = good, bad.separator = 5;
    CHECK_FAILS(ESP_ERR_RANGE, esp_sheet_write(picture_path(), &bad, image), "0 to 4");
    bad = good, bad.columns = 30000;
    CHECK_FAILS(ESP_ERR_RANGE, esp_sheet_write(picture_path(), &bad, image), "32767 px");
    CU_ASSERT(access(picture_path(), F_OK) != 0);
}

static CU_TestInfo tests[] = {
    {"every_pixel_is_in_its_place", every_pixel_is_in_its_place},
    {"layouts_that_make_no_sense_are_refused", layouts_that_make_no_sense_are_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("sheet", tests)
