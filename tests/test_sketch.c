/* Sketches: rectangles, smooth lines and smooth text on pixels, cut off at the edges. */
#include "report/report.h"

#include "tests/check.h"

enum { WIDTH = 120, HEIGHT = 40 };

static const esp_ink black = {{0, 0, 0}}, white = {{255, 255, 255}};
static uint8_t pixels[3 * WIDTH * HEIGHT];

static esp_sketch blank(void)
{
    esp_sketch sketch = {WIDTH, HEIGHT, pixels};
    esp_sketch_fill(&sketch, (esp_area){0, 0, WIDTH, HEIGHT}, black);
    return sketch;
}

static int at(int x, int y)
{
    return pixels[3 * (y * WIDTH + x)];
}

static int sum(int left, int top, int right, int bottom)
{
    int total = 0;
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) total += at(x, y);
    return total;
}

static void a_rectangle_covers_its_pixels_and_is_cut_at_the_edges(void)
{
    esp_sketch sketch = blank();
    esp_sketch_fill(&sketch, (esp_area){10, 5, 4, 3}, white);
    CU_ASSERT_EQUAL(sum(0, 0, WIDTH, HEIGHT), 12 * 255);
    CU_ASSERT(at(10, 5) == 255 && at(13, 7) == 255 && at(14, 5) == 0 && at(10, 8) == 0);
    esp_sketch_fill(&sketch, (esp_area){-5, -5, 7, 6}, white);
    esp_sketch_fill(&sketch, (esp_area){WIDTH - 1, HEIGHT - 1, 9, 9}, white);
    CU_ASSERT_EQUAL(sum(0, 0, WIDTH, HEIGHT), (12 + 2 + 1) * 255);
}

/* The ink of a line is its length times its width, in any direction. */
static void a_line_is_as_wide_as_asked_for_in_any_direction(void)
{
    for (int degrees = 0; degrees < 360; degrees += 15) {
        esp_sketch sketch = blank();
        double angle = degrees * M_PI / 180, length = 15;
        const double points[2][2] = {{60, 20}, {60 + length * cos(angle), 20 + length * sin(angle)}};
        esp_sketch_line(&sketch, 2, points, 2.0, white);
        double ink = sum(0, 0, WIDTH, HEIGHT) / 255.0, ends = M_PI; /* half a disc at each end */
        CU_ASSERT_DOUBLE_EQUAL(ink, 2 * length + ends, 1.5);
    }
}

static void a_line_has_smooth_edges(void)
{
    esp_sketch sketch = blank();
    const double points[2][2] = {{10, 10}, {40, 17}};
    esp_sketch_line(&sketch, 2, points, 1.6, white);
    int between = 0;
    for (int i = 0; i < WIDTH * HEIGHT; i++) between += pixels[3 * i] > 20 && pixels[3 * i] < 235;
    CU_ASSERT(between > 40);
}

static void points_that_are_not_finite_leave_a_gap(void)
{
    esp_sketch sketch = blank();
    const double points[5][2] = {{10, 10}, {20, 10}, {NAN, 10}, {40, 10}, {50, 10}};
    esp_sketch_line(&sketch, 5, points, 2.0, white);
    CU_ASSERT(sum(10, 0, 20, 20) > 0 && sum(40, 0, 50, 20) > 0 && sum(24, 0, 36, 20) == 0);
    const double far[2][2] = {{-50, -50}, {500, 300}}; /* only what is inside is drawn */
    esp_sketch_line(&sketch, 2, far, 2.0, white);
    const double nowhere[2][2] = {{INFINITY, 0}, {0, 0}};
    esp_sketch_line(&sketch, 2, nowhere, 2.0, white);
}

static void text_is_smooth_and_stays_in_its_box(void)
{
    for (int size = 0; size < ESP_TEXT_SIZES; size++) {
        esp_sketch sketch = blank();
        int width = esp_sketch_text_width(size, "Agjy 0.5"), height = esp_text_height(size), between = 0;
        esp_sketch_text(&sketch, size, 5, 6, "Agjy 0.5", white);
        CU_ASSERT(sum(5, 6, 5 + width, 6 + height) > 20 * 255);
        CU_ASSERT_EQUAL(sum(5, 6, 5 + width, 6 + height), sum(0, 0, WIDTH, HEIGHT));
        for (int i = 0; i < WIDTH * HEIGHT; i++) between += pixels[3 * i] > 20 && pixels[3 * i] < 235;
        CU_ASSERT(between > 20);
    }
}

/* Digits are equally wide, so that a running clock stands still. */
static void digits_are_equally_wide_and_sizes_differ(void)
{
    for (int size = 0; size < ESP_TEXT_SIZES; size++)
        for (char digit[] = "0"; *digit <= '9'; ++*digit)
            CU_ASSERT_EQUAL(esp_sketch_text_width(size, digit), esp_sketch_text_width(size, "0"));
    CU_ASSERT(esp_text_height(ESP_TEXT_SMALL) < esp_text_height(ESP_TEXT_NORMAL));
    CU_ASSERT(esp_sketch_text_width(ESP_TEXT_NORMAL, "il") < esp_sketch_text_width(ESP_TEXT_NORMAL, "MW"));
}

static void unknown_characters_become_question_marks(void)
{
    CU_ASSERT_EQUAL(esp_sketch_text_width(ESP_TEXT_NORMAL, "\u4e2d"), esp_sketch_text_width(ESP_TEXT_NORMAL, "?"));
    CU_ASSERT_EQUAL(esp_sketch_text_width(ESP_TEXT_NORMAL, "\xff"), esp_sketch_text_width(ESP_TEXT_NORMAL, "?"));
    CU_ASSERT(esp_sketch_text_width(ESP_TEXT_NORMAL, "\u2212") > esp_sketch_text_width(ESP_TEXT_NORMAL, "-"));
}

static void text_that_does_not_fit_ends_with_an_ellipsis(void)
{
    static uint8_t expected[sizeof pixels];
    int room = esp_sketch_text_width(ESP_TEXT_NORMAL, "agent\u2026");
    esp_sketch sketch = blank();
    esp_sketch_text(&sketch, ESP_TEXT_NORMAL, 3, 4, "agent\u2026", white);
    memcpy(expected, pixels, sizeof pixels);
    sketch = blank();
    esp_sketch_text_within(&sketch, ESP_TEXT_NORMAL, 3, 4, room, "agent.safetensors", white);
    CU_ASSERT(memcmp(expected, pixels, sizeof pixels) == 0);
    sketch = blank();
    esp_sketch_text_within(&sketch, ESP_TEXT_NORMAL, 3, 4, 0, "agent.safetensors", white);
    CU_ASSERT_EQUAL(sum(0, 0, WIDTH, HEIGHT), 0);
    char long_name[2000];
    memset(long_name, 'i', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    esp_sketch_text_within(&sketch, ESP_TEXT_SMALL, 3, 4, 3000, long_name, white);
}

static CU_TestInfo tests[] = {
    {"a rectangle covers its pixels and is cut at the edges", a_rectangle_covers_its_pixels_and_is_cut_at_the_edges},
    {"a line is as wide as asked for in any direction", a_line_is_as_wide_as_asked_for_in_any_direction},
    {"a line has smooth edges", a_line_has_smooth_edges},
    {"points that are not finite leave a gap", points_that_are_not_finite_leave_a_gap},
    {"text is smooth and stays in its box", text_is_smooth_and_stays_in_its_box},
    {"digits are equally wide and sizes differ", digits_are_equally_wide_and_sizes_differ},
    {"unknown characters become question marks", unknown_characters_become_question_marks},
    {"text that does not fit ends with an ellipsis", text_that_does_not_fit_ends_with_an_ellipsis},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("sketch", tests)
