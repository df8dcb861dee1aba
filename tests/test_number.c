#include "check.h"

#include "comma_locale.h"
#include "report/report.h"

static void decimal_numbers_are_read_to_the_last_bit(void)
{
    static const struct { const char *text; double value; } cases[] = {
        {"0", 0.0}, {"-1.5", -1.5}, {"+2", 2.0}, {".5", 0.5}, {"5.", 5.0}, {"1e3", 1000.0}, {"1E-3", 1e-3},
        {"1e+2", 100.0}, {"0.16", 0.16}, {"0.1000000000000000055511151231257827", 0.1}, {"1e-400", 0.0},
        {"1.7976931348623157e308", 1.7976931348623157e308}, {"000012", 12.0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = NAN;
        CU_ASSERT(esp_number_parse(cases[i].text, &value));
        CU_ASSERT_EQUAL(value, cases[i].value);
    }
}

static void anything_but_a_decimal_number_is_refused(void)
{
    static const char *const cases[] = {"",          " 1",    "1 ",  "0x10",  "0x1p3", "inf",   "nan",
                                        "-infinity", "1e999", "1,5", "1.5.2", ".",     "-",     "+.",
                                        "e5",        "1e",    "1e+", "--1",   "1d2",   "1_000", "\xd9\xa1"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = 7;
        bool read = esp_number_parse(cases[i], &value);
        if (read) printf("\n    '%s' was read ", cases[i]);
        CU_ASSERT(!read && value == 7);
    }
}

static void whole_numbers_are_digits_within_64_bits(void)
{
    int64_t i = 7;
    uint64_t u = 7;
    CU_ASSERT(esp_u64_parse("18446744073709551615", &u) && u == UINT64_MAX);
    CU_ASSERT(esp_i64_parse("-9223372036854775808", &i) && i == INT64_MIN);
    CU_ASSERT(esp_i64_parse("9223372036854775807", &i) && i == INT64_MAX);
    CU_ASSERT(esp_i64_parse("-0", &i) && i == 0);
    CU_ASSERT(!esp_u64_parse("18446744073709551616", &u) && !esp_u64_parse("99999999999999999999", &u));
    CU_ASSERT(!esp_i64_parse("9223372036854775808", &i) && !esp_i64_parse("-9223372036854775809", &i));
    static const char *const neither[] = {"", "-", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "--1"};
    for (size_t k = 0; k < sizeof neither / sizeof *neither; k++)
        CU_ASSERT(!esp_u64_parse(neither[k], &u) && !esp_i64_parse(neither[k], &i));
    CU_ASSERT(!esp_u64_parse("-1", &u));
    CU_ASSERT(u == UINT64_MAX && i == 0);
    CU_ASSERT(esp_digits_parse("640x480", &u) == 3 && u == 640);
    CU_ASSERT(esp_digits_parse("x480", &u) == 0 && u == 640);
}

static void a_host_with_a_decimal_comma_reads_and_writes_points(void)
{
    double value = NAN;
    char text[32];
    comma_begin();
    CU_ASSERT(esp_number_parse("0.16", &value) && value == 0.16);
    CU_ASSERT(!esp_number_parse("0,16", &value));
    CU_ASSERT_EQUAL(esp_format(text, sizeof text, "%.2f|%g", 1234.5, 0.1), 11);
    CU_ASSERT_STRING_EQUAL(text, "1234.50|0.1");
    CHECK_FAILS(ESP_ERR_RANGE, esp_fail(ESP_ERR_RANGE, "period %g s", 0.16), "period 0.16 s");
    snprintf(text, sizeof text, "%.1f", 1.5); /* the host's own locale is unchanged */
    CU_ASSERT_STRING_EQUAL(text, "1,5");
    comma_end();
}

static void a_host_with_a_decimal_comma_reads_and_writes_the_same_json(void)
{
    static const char source[] = "{\"a\":0.1,\"b\":[1e-3,-2.5e+20,12345.678]}";
    cJSON *json = NULL;
    comma_begin();
    CHECK_OK(esp_json_parse(source, strlen(source), "text", &json));
    CU_ASSERT_EQUAL(esp_json_number(json, "a"), 0.1);
    char *line = esp_json_line(json), *pretty = esp_json_pretty(json);
    CU_ASSERT_STRING_EQUAL(line, "{\"a\":0.1,\"b\":[0.001,-2.5e+20,12345.678]}");
    CU_ASSERT(strstr(pretty, "0.1,") && !strstr(pretty, "0,1"));
    comma_end();
    free(line);
    free(pretty);
    cJSON_Delete(json);
}

static char *draw_chart(void)
{
    static const double x[] = {0.1, 0.25, 0.75}, y[] = {1.5, 2.5, 0.5};
    esp_chart_series series = {.name = "one", .count = 3, .x = x, .y = y};
    esp_chart chart = {.title = "title", .num_series = 1, .series = &series};
    char *svg = NULL;
    CHECK_OK(esp_chart_svg(&chart, &svg));
    return svg;
}

static void a_host_with_a_decimal_comma_draws_the_same_chart(void)
{
    char *plain = draw_chart();
    comma_begin();
    char *comma = draw_chart();
    comma_end();
    CU_ASSERT_STRING_EQUAL(plain, comma);
    free(plain);
    free(comma);
}

static void a_count_is_written_with_its_noun(void)
{
    char text[64];
    CU_ASSERT_STRING_EQUAL(esp_text_counted(0, "episode", text, sizeof text), "0 episodes");
    CU_ASSERT_STRING_EQUAL(esp_text_counted(1, "episode", text, sizeof text), "1 episode");
    CU_ASSERT_STRING_EQUAL(esp_text_counted(1344, "episode", text, sizeof text), "1,344 episodes");
}

static CU_TestInfo tests[] = {
    {"decimal numbers are read to the last bit", decimal_numbers_are_read_to_the_last_bit},
    {"anything but a decimal number is refused", anything_but_a_decimal_number_is_refused},
    {"whole numbers are digits within 64 bits", whole_numbers_are_digits_within_64_bits},
    {"a host with a decimal comma reads and writes points", a_host_with_a_decimal_comma_reads_and_writes_points},
    {"a host with a decimal comma reads and writes the same JSON",
     a_host_with_a_decimal_comma_reads_and_writes_the_same_json},
    {"a host with a decimal comma draws the same chart", a_host_with_a_decimal_comma_draws_the_same_chart},
    {"a count is written with its noun", a_count_is_written_with_its_noun},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("number", tests)
