/* An SVG becomes a PNG of the requested size; a machine that cannot draw says what it lacks. */
#include "report/report.h"

#include "tests/read_png.h"

static const char red[] = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"30\" height=\"20\">"
                          "<rect width=\"30\" height=\"20\" fill=\"#ff0000\"/></svg>";

static bool can_draw(void)
{
    if (system("command -v rsvg-convert >/dev/null") == 0) return true;
    printf("\n    skipped: rsvg-convert (package librsvg2-bin) is not installed ");
    return false;
}

static void a_drawing_has_the_size_and_colours_of_the_text(void)
{
    if (!can_draw()) return;
    CHECK_OK(esp_svg_draw(red, 3, picture_path()));
    picture got = read_png(picture_path());
    CU_ASSERT(got.width == 90 && got.height == 60);
    const uint8_t *middle = got.pixels + (30 * 90 + 45) * got.channels;
    CU_ASSERT(got.channels == 3 && middle[0] == 255 && middle[1] == 0 && middle[2] == 0);
    free(got.pixels);
    unlink(picture_path());
}

static void a_large_text_is_drawn_too(void)
{
    if (!can_draw()) return;
    size_t size = sizeof red + 4000000; /* more than fits in a pipe */
    char *svg = esp_alloc(size, 1);
    memset(svg, ' ', size - 1);
    memcpy(svg, red, strlen(red));
    CHECK_OK(esp_svg_draw(svg, 1, picture_path()));
    free(svg);
    unlink(picture_path());
}

static void text_that_is_not_svg_is_refused_with_the_programs_words(void)
{
    if (!can_draw()) return;
    CHECK_FAILS(ESP_ERR_MACHINE, esp_svg_draw("<svg", 1, picture_path()), "rsvg-convert failed: ");
    CHECK_FAILS(ESP_ERR_MACHINE, esp_svg_draw("", 1, picture_path()), "rsvg-convert failed: ");
    CU_ASSERT(access(picture_path(), F_OK) != 0);
}

static void a_path_that_cannot_be_written_is_named(void)
{
    if (!can_draw()) return;
    CHECK_FAILS(ESP_ERR_IO, esp_svg_draw(red, 1, "/tmp/espalier-no-such-folder/x.png"), "espalier-no-such-folder");
}

static void without_the_program_its_package_is_named(void)
{
    static const char *const paths[] = {"", "/nonexistent"};
    char *before = esp_strdup(getenv("PATH"));
    for (int i = 0; i < 2; i++) {
        setenv("PATH", paths[i], 1);
        CHECK_FAILS(ESP_ERR_MACHINE, esp_svg_draw(red, 1, picture_path()), "librsvg2-bin");
        CU_ASSERT(access(picture_path(), F_OK) != 0);
    }
    setenv("PATH", before, 1);
    free(before);
}

static CU_TestInfo tests[] = {
    {"a_drawing_has_the_size_and_colours_of_the_text", a_drawing_has_the_size_and_colours_of_the_text},
    {"a_large_text_is_drawn_too", a_large_text_is_drawn_too},
    {"text_that_is_not_svg_is_refused_with_the_programs_words",
     text_that_is_not_svg_is_refused_with_the_programs_words},
    {"a_path_that_cannot_be_written_is_named", a_path_that_cannot_be_written_is_named},
    {"without_the_program_its_package_is_named", without_the_program_its_package_is_named},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("raster", tests)
