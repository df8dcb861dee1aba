/* A page is well formed whatever is written on it, keeps its numbers, and needs no other file. */
#include "report/report.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/page_text.h"
#include "tests/strict_xml.h"

static const char evil[] = "</script><script>alert(1)</script> & \"quoted\" <b> \xff";

static char path[64];

/* The written page, its declaration checked and removed; frees the page. */
static char *write_page(esp_page *page)
{
    static const char declaration[] = "<!DOCTYPE html>\n";
    char *html = NULL;
    size_t size = 0, bytes = 0;
    snprintf(path, sizeof path, "/tmp/espalier-page-%ld.html", (long)getpid());
    CHECK_OK(esp_page_write(page, path, &bytes));
    esp_page_free(page);
    CHECK_OK(esp_file_read(path, 1 << 24, &html, &size));
    unlink(path);
    CU_ASSERT_EQUAL(size, bytes);
    CU_ASSERT_EQUAL(strlen(html), size);
    CU_ASSERT_FATAL(strncmp(html, declaration, strlen(declaration)) == 0);
    CU_ASSERT(is_strict_xml(html + strlen(declaration)));
    CU_ASSERT(page_is_alone(html));
    return html;
}

static esp_chart small_chart(void)
{
    static const double x[] = {0, 1, 2}, y[] = {3, 1, 2};
    static const esp_chart_series series = {.name = evil, .count = 3, .x = x, .y = y};
    return (esp_chart){.title = evil, .num_series = 1, .series = &series};
}

static int count_of(const char *text, const char *word)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, word)); at++) count++;
    return count;
}

static void a_page_has_a_head_for_phones_and_both_schemes(void)
{
    char *html = write_page(esp_page_create("A title", "A lead."));
    static const char *const parts[] = {"<html lang=\"en\">", "<meta charset=\"utf-8\"/>", "name=\"viewport\"",
                                        "<title>A title</title>", "<h1>A title</h1>", "prefers-color-scheme:dark",
                                        "default-src 'none'", ">A lead.<"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) CU_ASSERT(strstr(html, parts[i]) != NULL);
    free(html);
}

static void texts_cannot_break_out_of_their_place(void)
{
    esp_page *page = esp_page_create(evil, evil);
    esp_chart chart = small_chart();
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "</script><!--", "</script>&<!--");
    esp_page_section(page, evil);
    esp_page_text(page, evil);
    esp_page_note(page, evil);
    esp_page_code(page, evil);
    esp_page_folded(page, evil, evil);
    esp_page_card(page, evil, &(esp_quantity){.text = evil, .pointer = evil, .value = 1}, evil);
    esp_page_fact(page, evil, evil);
    esp_page_table(page, evil, "lrb", evil);
    esp_page_row(page);
    esp_page_cell(page, evil);
    esp_page_number(page, &(esp_quantity){.text = evil, .pointer = evil, .value = 1});
    esp_page_bar(page, 0.5, ESP_TONE_FIRST);
    CHECK_OK(esp_page_chart(page, &chart, evil));
    esp_page_picture(page, evil, sizeof evil, 10, evil, evil);
    esp_page_data(page, data);
    char *html = write_page(page);
    CU_ASSERT(strstr(html, "alert(1)") != NULL && strstr(html, "<script>") == NULL);
    CU_ASSERT_EQUAL(count_of(html, "</script>"), 1);
    cJSON *read = page_data(html);
    CU_ASSERT(cJSON_Compare(read, data, true));
    cJSON_Delete(read);
    cJSON_Delete(data);
    free(html);
}

static void numbers_keep_all_their_digits(void)
{
    esp_page *page = esp_page_create("Numbers", "All.");
    cJSON *data = cJSON_CreateObject();
    cJSON_AddNumberToObject(data, "third", 1.0 / 3);
    cJSON_AddNumberToObject(data, "params", 1548360);
    cJSON_AddNumberToObject(data, "flops", 844012345);
    esp_page_card(page, "third", &(esp_quantity){.text = "33.3 %", .pointer = "/third", .value = 1.0 / 3}, NULL);
    esp_page_table(page, "Table", "lr", "name|value");
    esp_page_row(page);
    esp_page_cell(page, "parameters");
    esp_page_number(page, &(esp_quantity){.text = "1,548,360", .pointer = "/params", .value = 1548360});
    esp_page_row(page);
    esp_page_cell(page, "FLOP");
    esp_page_number(page, &(esp_quantity){.text = "844 M", .pointer = "/flops", .value = 844012345});
    esp_page_data(page, data);
    char *html = write_page(page);
    cJSON *read = page_data(html);
    CU_ASSERT_EQUAL(page_check_numbers(html, read), 3);
    cJSON_Delete(read);
    cJSON_Delete(data);
    free(html);
}

/* ---- blocks ---- */

static void cards_and_facts_that_follow_each_other_are_one_list(void)
{
    esp_page *page = esp_page_create("Lists", "Four.");
    for (int i = 0; i < 3; i++) esp_page_card(page, "card", &(esp_quantity){.text = "1"}, NULL);
    for (int i = 0; i < 3; i++) esp_page_fact(page, "fact", "text");
    esp_page_text(page, "between");
    esp_page_fact(page, "fact", "text");
    char *html = write_page(page);
    CU_ASSERT_EQUAL(count_of(html, "<dl class=\"cards\">"), 1);
    CU_ASSERT_EQUAL(count_of(html, "<dl class=\"facts\">"), 2);
    CU_ASSERT_EQUAL(count_of(html, "<dt>"), 7);
    free(html);
}

static void a_table_has_a_heading_for_every_column_and_aligns_numbers(void)
{
    esp_page *page = esp_page_create("Table", "One.");
    esp_page_table(page, "Caption", "lrb", "name|value|bar");
    for (int i = 0; i < 4; i++) {
        esp_page_row(page);
        esp_page_cell(page, "name");
        esp_page_number(page, &(esp_quantity){.text = "1"});
        esp_page_bar(page, i - 1.0, ESP_TONE_SECOND);
    }
    char *html = write_page(page);
    CU_ASSERT_EQUAL(count_of(html, "<th scope=\"col\""), 3);
    CU_ASSERT_EQUAL(count_of(html, "<tr>"), 5);
    CU_ASSERT_EQUAL(count_of(html, "<th scope=\"row\">name</th><td class=\"number\">1</td>"), 4);
    /* The bar stays within the cell. */
    CU_ASSERT(strstr(html, "width:0.00%") != NULL && strstr(html, "width:100.00%") != NULL);
    CU_ASSERT(strstr(html, "-1") == NULL || strstr(html, "width:-") == NULL);
    free(html);
}

/* A table of so many rows and columns, whose cells hold `text`. */
static char *table_of(int rows, int columns, const char *text)
{
    char headings[512] = "", alignment[32] = "";
    esp_page *page = esp_page_create("Table", "One.");
    for (int i = 0; i < columns; i++) {
        strcat(headings, i ? "|heading" : "heading");
        strcat(alignment, i ? "r" : "l");
    }
    esp_page_table(page, "Caption.", alignment, headings);
    for (int i = 0; i < rows; i++) {
        esp_page_row(page);
        for (int k = 0; k < columns; k++) esp_page_cell(page, text);
    }
    return write_page(page);
}

static void a_table_that_scrolls_says_so(void)
{
    static const struct { int rows, columns; const char *text, *hint; } cases[] = {
        {3, 2, "1", NULL},
        {3, 8, "804.9 to 890.8", "<span class=\"hint\">Scroll sideways.</span>"},
        {3, 5, "804.9 to 890.8", "<span class=\"hint phone\">Scroll sideways.</span>"},
        {40, 2, "1", "<span class=\"hint\">40 rows; scroll down.</span>"},
        {40, 8, "804.9 to 890.8", "<span class=\"hint\">40 rows; scroll down and sideways.</span>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *html = table_of(cases[i].rows, cases[i].columns, cases[i].text);
        const char *body = strstr(html, "<body>"), *hint = strstr(body, "class=\"hint");
        CU_ASSERT_EQUAL(hint != NULL, cases[i].hint != NULL);
        if (cases[i].hint) CU_ASSERT(strstr(body, cases[i].hint) != NULL);
        CU_ASSERT(strstr(body, "Caption.") < (cases[i].hint ? hint : body + strlen(body)));
        free(html);
    }
}

static void a_bad_number_and_a_warning_are_marked(void)
{
    esp_page *page = esp_page_create("Bad", "One.");
    esp_page_warning(page, "Only 3 % is left.");
    esp_page_card(page, "return", &(esp_quantity){.text = "25.1", .bad = true}, NULL);
    char *html = write_page(page);
    CU_ASSERT(strstr(html, "<p class=\"note warning\">Only 3 % is left.</p>") != NULL);
    CU_ASSERT(strstr(html, "<span class=\"bad\">25.1</span>") != NULL);
    free(html);
}

static void code_keeps_its_lines(void)
{
    esp_page *page = esp_page_create("Code", "Lines.");
    esp_page_code(page, "first\n  second <&>\nthird");
    char *html = write_page(page);
    CU_ASSERT(strstr(html, "<code>first\n  second &lt;&amp;&gt;\nthird\n</code>") != NULL);
    free(html);
}

/* ---- figures ---- */

static void a_chart_is_drawn_for_wide_pages_and_for_narrow_ones(void)
{
    esp_page *page = esp_page_create("Chart", "Twice.");
    esp_chart chart = small_chart();
    CHECK_OK(esp_page_chart(page, &chart, "Caption."));
    char *html = write_page(page);
    CU_ASSERT_EQUAL(count_of(html, "class=\"esp-chart\""), 2);
    CU_ASSERT_EQUAL(count_of(html, "<figcaption>Caption.</figcaption>"), 1);
    CU_ASSERT(strstr(html, "<div class=\"wide\"><svg") != NULL && strstr(html, "<div class=\"narrow\"><svg") != NULL);
    free(html);
}

/* A plain decoder of base64. */
static size_t decode(const char *text, uint8_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = 0;
    uint32_t bits = 0;
    for (int i = 0; *text != '"'; text++, i++) {
        const char *digit = strchr(digits, *text);
        bits = bits << 6 | (*text == '=' ? 0 : (uint32_t)(digit - digits));
        if (i % 4 != 3) continue;
        out[size++] = (uint8_t)(bits >> 16);
        out[size++] = (uint8_t)(bits >> 8);
        out[size++] = (uint8_t)bits;
        if (text[0] == '=') size--;
        if (text[-1] == '=') size--;
    }
    return size;
}

static void a_picture_is_part_of_the_page_byte_for_byte(void)
{
    uint8_t bytes[260], read[300];
    for (int i = 0; i < 260; i++) bytes[i] = (uint8_t)(i * 7);
    memcpy(bytes + 16, "\0\0\4\0\0\0\1\2", 8); /* the place in a PNG file that says 1024 x 258 */
    for (size_t size = 250; size < 260; size++) {
        esp_page *page = esp_page_create("Picture", "One.");
        esp_page_picture(page, bytes, size, 80, "What is seen", "Caption.");
        char *html = write_page(page), *at = strstr(html, "base64,");
        CU_ASSERT_FATAL(at != NULL);
        CU_ASSERT_EQUAL_FATAL(decode(at + strlen("base64,"), read), size);
        CU_ASSERT(memcmp(read, bytes, size) == 0);
        CU_ASSERT(strstr(html, "width=\"1024\" height=\"258\"") != NULL);
        CU_ASSERT(strstr(html, "alt=\"What is seen\"") != NULL);
        free(html);
    }
}

static void a_page_that_cannot_be_written_is_a_failure(void)
{
    esp_page *page = esp_page_create("Page", "None.");
    CHECK_FAILS(ESP_ERR_IO, esp_page_write(page, "/tmp/no/such/folder/page.html", NULL), "/tmp/no/such/folder/page");
    esp_page_free(page);
    esp_page_free(NULL);
}

static CU_TestInfo tests[] = {
    {"a page has a head for phones and both schemes", a_page_has_a_head_for_phones_and_both_schemes},
    {"texts cannot break out of their place", texts_cannot_break_out_of_their_place},
    {"numbers keep all their digits", numbers_keep_all_their_digits},
    {"cards and facts that follow each other are one list", cards_and_facts_that_follow_each_other_are_one_list},
    {"a table has a heading for every column and aligns numbers",
     a_table_has_a_heading_for_every_column_and_aligns_numbers},
    {"a table that scrolls says so", a_table_that_scrolls_says_so},
    {"a bad number and a warning are marked", a_bad_number_and_a_warning_are_marked},
    {"code keeps its lines", code_keeps_its_lines},
    {"a chart is drawn for wide pages and for narrow ones", a_chart_is_drawn_for_wide_pages_and_for_narrow_ones},
    {"a picture is part of the page byte for byte", a_picture_is_part_of_the_page_byte_for_byte},
    {"a page that cannot be written is a failure", a_page_that_cannot_be_written_is_a_failure},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("page", tests)
