/* Files of JSON lines: every line with its number, and what happens to a last line that was cut
 * short. */
#include "tests/check.h"

#include <unistd.h>

static char path[] = "/tmp/espalier-json-lines-XXXXXX";

static void write_text(const char *text, size_t size)
{
    CHECK_OK(esp_file_write(path, text, size));
}

static bool holds(const char *text, size_t size)
{
    char *found = NULL;
    size_t found_size = 0;
    CHECK_OK(esp_file_read(path, ESP_JSON_LINES_LIMIT, &found, &found_size));
    bool same = found_size == size && memcmp(found, text, size) == 0;
    free(found);
    return same;
}

typedef struct {
    int    count;
    double sum;    /* sum of "value" */
    int    refused; /* number of the line to refuse, 0: none */
} taken;

static esp_status take(void *context, int number, cJSON *line)
{
    taken *t = context;
    t->count++;
    CU_ASSERT_EQUAL(number, t->count);
    t->sum += esp_json_number(line, "value");
    cJSON_Delete(line);
    return number == t->refused ? esp_fail(ESP_ERR_RANGE, "not this one") : ESP_OK;
}

/* What a program does with a file that a killed one may have left. */
static esp_status mend(void)
{
    esp_json_log *log = NULL;
    esp_status status = esp_json_log_open(path, &log);
    if (status == ESP_OK) status = esp_json_log_read(log, NULL, NULL);
    if (status == ESP_OK) status = esp_json_log_mend(log);
    esp_json_log_close(log);
    return status;
}

static void append(esp_json_log *log, double value)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "value", value);
    CHECK_OK(log ? esp_json_log_append(log, line) : esp_json_append(path, line));
    cJSON_Delete(line);
}

static void appended_lines_come_back_in_order(void)
{
    taken t = {0};
    esp_json_log *log = NULL;
    CU_ASSERT_FATAL(close(mkstemp(path)) == 0);
    for (int i = 1; i <= 150; i++) append(NULL, i);
    CHECK_OK(esp_json_log_open(path, &log));
    for (int i = 151; i <= 300; i++) append(log, i);
    esp_json_log_close(log);
    CHECK_OK(esp_json_lines_read(path, take, &t));
    CU_ASSERT_EQUAL(t.count, 300);
    CU_ASSERT_EQUAL(t.sum, 300 * 301 / 2);
}

static void a_file_cut_at_any_byte_keeps_its_whole_lines(void)
{
    static const char text[] = "{\"value\":1}\n{\"value\":20,\"s\":\"\303\266\\n\"}\n{\"value\":300}\n";
    size_t size = strlen(text), whole = 0;
    int lines = 0;
    double sum = 0;
    for (size_t cut = 0; cut <= size; cut++) {
        if (cut > 0 && text[cut - 1] == '\n') whole = cut;
        if (text[cut] == '\n') { /* only its newline is missing: the line counts, and gets its newline */
            static const double values[] = {1, 20, 300};
            whole = cut + 1;
            sum += values[lines++];
        }
        taken t = {0};
        write_text(text, cut);
        CHECK_OK(esp_json_lines_read(path, take, &t));
        CU_ASSERT_EQUAL(t.count, lines);
        CU_ASSERT_EQUAL(t.sum, sum);
        CU_ASSERT(holds(text, cut)); /* reading writes nothing */
        CHECK_OK(mend());
        CU_ASSERT(holds(text, whole));
    }
    CU_ASSERT_EQUAL(lines, 3);
}

static void a_line_that_is_not_json_is_refused_by_its_number(void)
{
    static const struct { const char *text; int number; } cases[] = {
        {"junk\n", 1}, {"\n", 1}, {"{\"value\":1}\n\n", 2}, {"{\"value\":1}\n{\"value\":\n{}\n", 2}, {"{} {}\n{}\n", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char where[80];
        taken t = {0};
        snprintf(where, sizeof where, "%s: line %d: not JSON: ", path, cases[i].number);
        write_text(cases[i].text, strlen(cases[i].text));
        CHECK_FAILS(ESP_ERR_FORMAT, esp_json_lines_read(path, take, &t), where);
        CU_ASSERT_EQUAL(t.count, cases[i].number - 1);
    }
    taken t = {0};
    write_text("{}\0{}\n", 6);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_json_lines_read(path, take, &t), "line 1: not JSON");
}

static void a_refusal_ends_the_reading(void)
{
    taken t = {.refused = 2};
    write_text("1\n2\n3\n", 6);
    CHECK_FAILS(ESP_ERR_RANGE, esp_json_lines_read(path, take, &t), "not this one");
    CU_ASSERT_EQUAL(t.count, 2);
}

/* Another process moves the file aside and makes a new one. */
static void lines_go_to_the_opened_file_whatever_its_name_becomes(void)
{
    char aside[80];
    taken t = {0};
    esp_json_log *log = NULL;
    snprintf(aside, sizeof aside, "%s.old", path);
    write_text("", 0);
    CHECK_OK(esp_json_log_open(path, &log));
    append(log, 1);
    CU_ASSERT_EQUAL(rename(path, aside), 0);
    write_text("{\"value\":500}\n", 14);
    append(log, 2);
    esp_json_log_close(log);
    CU_ASSERT(holds("{\"value\":500}\n", 14));
    CHECK_OK(esp_json_lines_read(aside, take, &t));
    CU_ASSERT(t.count == 2 && t.sum == 3);
    CU_ASSERT_EQUAL(unlink(aside), 0);
}

static void a_long_file_is_read_line_by_line(void)
{
    enum { LINES = 3, LENGTH = 200000 }; /* longer than one read */
    taken t = {0};
    char *text = esp_alloc(LINES, LENGTH), *end = text;
    for (int i = 1; i <= LINES; i++) {
        int head = sprintf(end, "{\"value\":%d,\"s\":\"", i);
        memset(end + head, 'x', LENGTH - (size_t)head - 3);
        memcpy(end + LENGTH - 3, "\"}\n", 3);
        end += LENGTH;
    }
    write_text(text, LINES * LENGTH);
    CHECK_OK(esp_json_lines_read(path, take, &t));
    CU_ASSERT(t.count == LINES && t.sum == 6);
    free(text);
}

static void a_line_longer_than_a_json_file_is_refused(void)
{
    taken t = {0};
    CU_ASSERT_EQUAL(truncate(path, 0), 0);
    CU_ASSERT_EQUAL(truncate(path, (off_t)64 << 20), 0);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_json_lines_read(path, take, &t), "a line of more than 16777216 bytes");
}

static void a_file_that_cannot_be_read_is_refused(void)
{
    taken t = {0};
    CU_ASSERT_EQUAL(truncate(path, (off_t)ESP_JSON_LINES_LIMIT + 1), 0);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_json_lines_read(path, take, &t), "at most 1073741824");
    CHECK_FAILS(ESP_ERR_FORMAT, mend(), "at most 1073741824");
    CU_ASSERT_EQUAL(unlink(path), 0);
    CHECK_FAILS(ESP_ERR_IO, esp_json_lines_read(path, take, &t), path);
    CU_ASSERT_EQUAL(t.count, 0);
}

static CU_TestInfo tests[] = {
    {"appended lines come back in order", appended_lines_come_back_in_order},
    {"a file cut at any byte keeps its whole lines", a_file_cut_at_any_byte_keeps_its_whole_lines},
    {"a line that is not JSON is refused by its number", a_line_that_is_not_json_is_refused_by_its_number},
    {"a refusal ends the reading", a_refusal_ends_the_reading},
    {"lines go to the opened file whatever its name becomes", lines_go_to_the_opened_file_whatever_its_name_becomes},
    {"a long file is read line by line", a_long_file_is_read_line_by_line},
    {"a line longer than a JSON file is refused", a_line_longer_than_a_json_file_is_refused},
    {"a file that cannot be read is refused", a_file_that_cannot_be_read_is_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("json lines", tests)
