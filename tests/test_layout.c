/* The parts of a tile: nothing covers the scene at any size, and figures are left out before they become too small. */
#include "viewer/viewer_internal.h"

#include "tests/check.h"

static const esp_overlays all = {.caption = true, .figures = true, .inset = true};

static bool apart(esp_area a, esp_area b)
{
    if (a.width == 0 || a.height == 0 || b.width == 0 || b.height == 0) return true;
    return a.left + a.width <= b.left || b.left + b.width <= a.left || a.top + a.height <= b.top ||
           b.top + b.height <= a.top;
}

static bool inside(esp_area part, esp_area whole)
{
    return part.width == 0 || part.height == 0 ||
           (part.left >= whole.left && part.top >= whole.top && part.left + part.width <= whole.left + whole.width &&
            part.top + part.height <= whole.top + whole.height);
}

static int count_panels(const esp_layout *layout)
{
    int count = 0;
    for (int i = 0; i < ESP_PANELS; i++) count += layout->panel[i].width > 0;
    return count;
}

static void check(int width, int height, esp_overlays overlays, bool plans)
{
    esp_layout l = esp_layout_make(width, height, overlays, true, plans);
    esp_area tile = {0, 0, width, height};
    CU_ASSERT(inside(l.header, tile) && inside(l.scene, tile) && inside(l.strip, tile) && inside(l.sees, l.strip));
    CU_ASSERT(apart(l.header, l.scene) && apart(l.scene, l.strip));
    CU_ASSERT_EQUAL(l.header.height + l.scene.height + l.strip.height, height);
    CU_ASSERT(l.scene.height >= 0.4 * height);
    for (int i = 0; i < ESP_PANELS; i++) {
        CU_ASSERT(inside(l.panel[i], l.strip) && apart(l.panel[i], l.sees));
        CU_ASSERT(l.panel[i].width == 0 || l.panel[i].width >= 4 * esp_text_height(l.size));
        for (int k = 0; k < i; k++) CU_ASSERT(apart(l.panel[i], l.panel[k]));
    }
}

static void nothing_covers_the_scene_at_any_size(void)
{
    for (int width = 64; width < 2000; width += 61)
        for (int height = 64; height < 1500; height += 53)
            for (int bits = 0; bits < 16; bits++)
                check(width, height, (esp_overlays){.caption = bits & 1, .figures = bits & 2, .inset = bits & 4},
                      bits & 8);
}

static void a_usual_tile_has_all_figures(void)
{
    esp_layout policy = esp_layout_make(640, 480, all, true, false);
    esp_layout planner = esp_layout_make(640, 480, all, true, true);
    CU_ASSERT_EQUAL(count_panels(&policy), 4);
    CU_ASSERT_EQUAL(count_panels(&planner), 5);
    CU_ASSERT(policy.details && !policy.narrow && policy.sees.width > 60);
    CU_ASSERT_EQUAL(policy.size, ESP_TEXT_NORMAL);
}

static void small_tiles_lay_out_differently(void)
{
    esp_layout small = esp_layout_make(320, 240, all, true, false), tiny = esp_layout_make(200, 160, all, true, false);
    CU_ASSERT(small.narrow && small.size == ESP_TEXT_SMALL);
    CU_ASSERT_EQUAL(count_panels(&small), 2);
    CU_ASSERT(small.panel[ESP_PANEL_QUANTITY].width > 0 && small.panel[ESP_PANEL_ACTION].width > 0);
    CU_ASSERT(tiny.header.height > 0 && !tiny.details && count_panels(&tiny) == 0 && tiny.strip.height == 0);
    CU_ASSERT_EQUAL(esp_layout_make(1920, 1080, all, true, false).size, ESP_TEXT_LARGE);
}

static void a_task_without_a_quantity_has_no_figure_of_it(void)
{
    esp_layout layout = esp_layout_make(640, 480, all, false, false);
    CU_ASSERT_EQUAL(count_panels(&layout), 3);
    CU_ASSERT_EQUAL(layout.panel[ESP_PANEL_QUANTITY].width, 0);
}

static void without_overlays_the_scene_fills_the_tile(void)
{
    esp_layout layout = esp_layout_make(160, 160, (esp_overlays){.caption = false}, true, true);
    CU_ASSERT(layout.scene.top == 0 && layout.scene.height == 160 && layout.scene.width == 160);
    CU_ASSERT(layout.header.height == 0 && layout.strip.height == 0);
}

static CU_TestInfo tests[] = {
    {"nothing covers the scene at any size", nothing_covers_the_scene_at_any_size},
    {"a usual tile has all figures", a_usual_tile_has_all_figures},
    {"small tiles lay out differently", small_tiles_lay_out_differently},
    {"a task without a quantity has no figure of it", a_task_without_a_quantity_has_no_figure_of_it},
    {"without overlays the scene fills the tile", without_overlays_the_scene_fills_the_tile},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("layout", tests)
