/* libpng reads back what was written as PNG; pictures that cannot be written leave nothing
 * behind. */
#include "report/report.h"

#include "tests/read_png.h"

static void pixels_are_read_back_as_written(void)
{
    static const int sizes[][2] = {{1, 1}, {28, 28}, {301, 7}, {3, 500}};
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    for (int channels = 1; channels <= 3; channels += 2) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            int width = sizes[i][0], height = sizes[i][1];
            size_t size = (size_t)width * (size_t)height * (size_t)channels;
            uint8_t *pixels = esp_alloc(size, 1);
            for (size_t k = 0; k < size; k++) pixels[k] = (uint8_t)esp_rng_u32(&rng);
            CHECK_OK(esp_png_write(picture_path(), width, height, channels, pixels));
            picture got = read_png(picture_path());
            CU_ASSERT_FATAL(got.width == width && got.height == height && got.channels == channels);
            CU_ASSERT(memcmp(got.pixels, pixels, size) == 0);
            free(got.pixels);
            free(pixels);
        }
    }
    unlink(picture_path());
}

static void sizes_no_picture_can_have_are_refused(void)
{
    const uint8_t pixel[4] = {0};
    CHECK_FAILS(ESP_ERR_RANGE, esp_png_write(picture_path(), 0, 1, 1, pixel), "0 x 1");
    CHECK_FAILS(ESP_ERR_RANGE, esp_png_write(picture_path(), 1, -5, 1, pixel), "1 x -5");
    CHECK_FAILS(ESP_ERR_RANGE, esp_png_write(picture_path(), 40000, 1, 1, pixel), "32767");
    CHECK_FAILS(ESP_ERR_RANGE, esp_png_write(picture_path(), 1, 1, 2, pixel), "2 channels");
    CU_ASSERT(access(picture_path(), F_OK) != 0);
}

static void a_path_that_cannot_be_written_is_named(void)
{
    const uint8_t pixel = 7;
    CHECK_FAILS(ESP_ERR_IO, esp_png_write("/tmp/espalier-no-such-folder/x.png", 1, 1, 1, &pixel),
                "espalier-no-such-folder");
    CHECK_FAILS(ESP_ERR_IO, esp_png_write("/tmp", 1, 1, 1, &pixel), "folder");
}

static CU_TestInfo tests[] = {
    {"pixels are read back as written", pixels_are_read_back_as_written},
    {"sizes no picture can have are refused", sizes_no_picture_can_have_are_refused},
    {"a path that cannot be written is named", a_path_that_cannot_be_written_is_named},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("png", tests)
