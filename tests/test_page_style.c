/* Colours of a page stand out from their backgrounds, in light and in dark: 4.5:1 for text and 3:1 for lines, as WCAG
 * 2.1 asks for (criteria 1.4.3 and 1.4.11). */
#include "report/report_internal.h"

#include "tests/check.h"

static char *style;

static void the_style_is_made(void)
{
    esp_xml css = {0};
    esp_page_style(&css);
    style = css.text;
    CU_ASSERT_PTR_NOT_NULL_FATAL(style);
}

/* The value of a variable such as "--ink" in the light scheme, or in the dark one. */
static const char *variable(const char *name, bool dark)
{
    static char value[8];
    char key[32];
    const char *scheme = strstr(style, dark ? "prefers-color-scheme:dark" : ":root"), *at;
    snprintf(key, sizeof key, "%s:#", name);
    at = scheme ? strstr(scheme, key) : NULL;
    if (!at) printf("\n    no colour %s ", name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at += strlen(key) - 1;
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at, ";}"), at);
    return value;
}

static double channel(const char *hex, int digits)
{
    char text[3] = {hex[0], hex[digits == 2], 0};
    double value = strtol(text, NULL, 16) / 255.0;
    return value <= 0.03928 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

/* Relative luminance of #rgb or #rrggbb. */
static double luminance(const char *color)
{
    int digits = strlen(color) == 4 ? 1 : 2;
    CU_ASSERT_FATAL(color[0] == '#' && strlen(color) == (size_t)(1 + 3 * digits));
    return 0.2126 * channel(color + 1, digits) + 0.7152 * channel(color + 1 + digits, digits) +
           0.0722 * channel(color + 1 + 2 * digits, digits);
}

static double contrast(const char *color, const char *other)
{
    double a = luminance(color) + 0.05, b = luminance(other) + 0.05;
    return a > b ? a / b : b / a;
}

static void check_contrast(const char *what, const char *color, bool dark, double least)
{
    static const char *const backgrounds[] = {"--paper", "--panel"};
    for (int i = 0; i < 2; i++) {
        double found = contrast(color, variable(backgrounds[i], dark));
        if (found < least)
            printf("\n    %s %s on %s, %s: %.2f ", what, color, backgrounds[i], dark ? "dark" : "light", found);
        CU_ASSERT(found >= least);
    }
}

static void contrast_is_that_of_the_standard(void)
{
    CU_ASSERT_DOUBLE_EQUAL(contrast("#000", "#ffffff"), 21.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(contrast("#777777", "#fff"), 4.48, 0.005); /* the usual example of just too little */
}

static void text_stands_out_in_light_and_in_dark(void)
{
    static const char *const texts[] = {"--ink", "--soft", "--brand", "--bad"};
    for (int dark = 0; dark < 2; dark++)
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            char color[8];
            snprintf(color, sizeof color, "%s", variable(texts[i], dark));
            check_contrast(texts[i], color, dark, 4.5);
        }
}

static void lines_and_bars_stand_out_in_light_and_in_dark(void)
{
    for (int dark = 0; dark < 2; dark++) {
        for (int i = 0; i < ESP_SERIES_COLORS - 1; i++)
            check_contrast("series", dark ? esp_series_dark_color(i) : esp_series_color(i), dark, 3.0);
        for (int i = 0; i < 2; i++) { /* bars in tables have the colours of the first two series */
            const char *color = variable(i ? "--second" : "--first", dark);
            CU_ASSERT_STRING_EQUAL(color, dark ? esp_series_dark_color(i) : esp_series_color(i));
        }
    }
    CU_ASSERT_STRING_EQUAL(esp_series_color(ESP_SERIES_COLORS - 1), "currentColor");
}

static void a_dark_page_has_the_dark_colours_of_all_series(void)
{
    for (int i = 0; i < ESP_SERIES_COLORS - 1; i++) {
        char rule[128];
        snprintf(rule, sizeof rule, ".esp-chart [stroke='%s']{stroke:%s}.esp-chart [fill='%s']{fill:%s}",
                 esp_series_color(i), esp_series_dark_color(i), esp_series_color(i), esp_series_dark_color(i));
        CU_ASSERT_PTR_NOT_NULL(strstr(style, rule));
    }
    free(style);
}

static CU_TestInfo tests[] = {
    {"the style is made", the_style_is_made},
    {"contrast is that of the standard", contrast_is_that_of_the_standard},
    {"text stands out in light and in dark", text_stands_out_in_light_and_in_dark},
    {"lines and bars stand out in light and in dark", lines_and_bars_stand_out_in_light_and_in_dark},
    {"a dark page has the dark colours of all series", a_dark_page_has_the_dark_colours_of_all_series},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("page style", tests)
