/* JSON is strict: an accepted text becomes a tree with the same content, everything else is refused
 * with its line. */
#include "tests/check.h"

#include <time.h>
#include <unistd.h>

/* Parses a copy of exactly `size` bytes, so that a sanitizer sees any read beyond them. */
static esp_status parse(const char *text, size_t size, cJSON **out)
{
    char *copy = malloc(size ? size : 1);
    memcpy(copy, text, size);
    esp_status status = esp_json_parse(copy, size, "x.json", out);
    free(copy);
    return status;
}

static const char document[] =
    "{\n"
    "  \"env\": {\"task\": \"pendulum\", \"start\": \"random\", \"dense\": false},\n"
    "  \"planner\": {\"samples\": 128, \"temperature\": 0.5, \"std\": [2.0, -0.05, 1e-3, 0]},\n"
    "  \"note\": \"G\\u00f6rges \\ud83c\\udf33 \303\266 \\\"\\\\\\/\\b\\f\\n\\r\\t\",\n"
    "  \"nothing\": null, \"empty\": [{}, [], \"\"]\n"
    "}\n";

static void a_valid_document_becomes_the_tree_it_describes(void)
{
    cJSON *json = NULL;
    CHECK_OK(parse(document, strlen(document), &json));
    const cJSON *planner = cJSON_GetObjectItemCaseSensitive(json, "planner");
    CU_ASSERT_EQUAL(cJSON_GetObjectItemCaseSensitive(planner, "samples")->valuedouble, 128);
    CU_ASSERT_EQUAL(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(planner, "std"), 1)->valuedouble, -0.05);
    CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItemCaseSensitive(json, "note")->valuestring,
                           "G\303\266rges \360\237\214\263 \303\266 \"\\/\b\f\n\r\t");
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "empty")), 3);
    cJSON_Delete(json);
}

static void every_kind_of_value_may_stand_alone(void)
{
    static const char *const texts[] = {"0", "-1.5E+3", "true", "false", "null", "\"\"", "[]", " {} \r\n\t"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cJSON *json = NULL;
        CHECK_OK(parse(texts[i], strlen(texts[i]), &json));
        cJSON_Delete(json);
    }
}

static void malformed_text_is_refused_with_its_line_and_reason(void)
{
    static const struct { const char *text, *word; } cases[] = {
        {"", "line 1: the text ends where a value"},
        {" \n \n", "line 3: the text ends where a value"},
        {"{} {}", "'{' where the end"},
        {"{}\n\n,", "line 3: ',' where the end"},
        {"[1] x", "'x' where the end"},
        {"{\"a\": 1,\n \"b\" 2}", "line 2: '2' where ':'"},
        {"{\"a\": 1,}", "'}' where a key"},
        {"{a: 1}", "'a' where a key"},
        {"{'a': 1}", "''' where a key"},
        {"{\"a\": 1 \"b\": 2}", "',' or '}'"},
        {"{\"a\": }", "'}' where a value"},
        {"{\"a\"", "the text ends where ':'"},
        {"{\"a\": [1, 2}", "',' or ']'"},
        {"[1,]", "']' where a value"},
        {"[,1]", "',' where a value"},
        {"[1", "the text ends"},
        {"]", "']' where a value"},
        {"\"abc", "no closing quote"},
        {"\"abc\\", "the text ends where an escape"},
        {"\"\\x\"", "'x' where an escape"},
        {"\"\\u12g4\"", "four hexadecimal digits"},
        {"\"\\u0000\"", "zero character"},
        {"\"\\ud800\"", "surrogate"},
        {"\"\\ud800\\u0041\"", "surrogate"},
        {"\"\\udc00\\ud800\"", "surrogate"},
        {"\"a\tb\"", "control character 0x09"},
        {"\"a\nb\"", "control character 0x0a"},
        {"\"\x1f\"", "control character 0x1f"},
        {"[\x01]", "byte 0x01 where a value"},
        {"\"\x80\"", "invalid UTF-8 byte 0x80"},
        {"\"\xc0\x80\"", "invalid UTF-8 byte 0xc0"},
        {"\"\xc3(\"", "invalid UTF-8 after byte 0xc3"},
        {"\"\xe0\x80\x80\"", "invalid UTF-8 after byte 0xe0"},
        {"\"\xed\xa0\x80\"", "invalid UTF-8 after byte 0xed"},
        {"\"\xf4\x90\x80\x80\"", "invalid UTF-8 after byte 0xf4"},
        {"\"\xf5\x80\x80\x80\"", "invalid UTF-8 byte 0xf5"},
        {"\"\xe2\x82\"", "invalid UTF-8 after byte 0xe2"},
        {"\"\xf0\x9f\x8c", "invalid UTF-8 after byte 0xf0"},
        {"\xef\xbb\xbf{}", "byte 0xef where a value"},
        {"1e999", "1e999 is not finite"},
        {"[1,\n-1e400]", "line 2: the number -1e400 is not finite"},
        {"NaN", "not finite"},
        {"[Infinity]", "not finite"},
        {"-Infinity", "'I' where a digit"},
        {"01", "superfluous 0"},
        {"-", "the text ends where a digit"},
        {"+1", "'+' where a value"},
        {".5", "'.' where a value"},
        {"1.", "digit after the point"},
        {"1e+", "digit of the exponent"},
        {"0x10", "'x' where the end"},
        {"1.0000000000000000000000000000000000000000000000000000000000000000", "more than 63"},
        {"tru", "'t' where a value"},
        {"True", "'T' where a value"},
        {"nulll", "'l' where the end"},
        {"// no comment\n{}", "'/' where a value"},
        {"{\"a\": 1,\n\"b\": 2,\n\"a\": 3}", "line 3: duplicate key 'a'"},
        {"{\"a\": 1, \"\\u0061\": 2}", "duplicate key 'a'"},
        {"{\"a\": {\"b\": 1,\n\"b\": 2}}", "line 2: duplicate key 'b'"},
        {"[{\"k\": 1}, {\"k\": [{\"z\": 1,\n\"y\": 2,\n\"z\": 3}]}]", "line 3: duplicate key 'z'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *json = NULL;
        CHECK_FAILS(ESP_ERR_FORMAT, parse(cases[i].text, strlen(cases[i].text), &json), cases[i].word);
        CU_ASSERT(strncmp(esp_error_text(), "x.json: line ", 13) == 0);
        CU_ASSERT_PTR_NULL(json);
    }
}

static void an_embedded_zero_byte_is_refused(void)
{
    cJSON *json = NULL;
    CHECK_FAILS(ESP_ERR_FORMAT, parse("{}\0", 3, &json), "zero byte");
    CHECK_FAILS(ESP_ERR_FORMAT, parse("[1,\0]", 5, &json), "zero byte");
    CHECK_FAILS(ESP_ERR_FORMAT, parse("\"a\0b\"", 5, &json), "control character 0x00");
    CHECK_FAILS(ESP_ERR_FORMAT, parse("\"\\\0\"", 4, &json), "zero byte where an escape");
}

static void equal_keys_of_different_objects_are_not_duplicates(void)
{
    static const char text[] = "{\"a\": {\"a\": 1}, \"A\": [{\"a\": 2}, {\"a\": 3}], \"\": 0}";
    cJSON *json = NULL;
    CHECK_OK(parse(text, strlen(text), &json));
    cJSON_Delete(json);
}

static void thirty_two_levels_are_accepted_and_one_more_is_not(void)
{
    char text[200];
    for (int depth = 32; depth <= 33; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        cJSON *json = NULL;
        esp_status status = parse(text, 2 * (size_t)depth, &json);
        CU_ASSERT_EQUAL(status, depth == 32 ? ESP_OK : ESP_ERR_FORMAT);
        cJSON_Delete(json);
    }
    CU_ASSERT(strstr(esp_error_text(), "more than 32 levels") != NULL);
}

/* A million opening brackets must not become a million stack frames. */
static void hostile_depth_is_refused_at_once(void)
{
    enum { DEPTH = 1000000 };
    char *text = malloc(DEPTH);
    memset(text, '[', DEPTH);
    cJSON *json = NULL;
    CHECK_FAILS(ESP_ERR_FORMAT, esp_json_parse(text, DEPTH, "x.json", &json), "more than 32 levels");
    free(text);
}

/* Comparing all pairs of 100,000 keys would take a minute. */
static void an_object_of_many_keys_is_checked_quickly(void)
{
    enum { KEYS = 100000 };
    char *text = malloc(KEYS * 16);
    size_t size = 0;
    for (int i = 0; i < KEYS; i++) size += (size_t)sprintf(text + size, "%c\"k%d\":0", i ? ',' : '{', i);
    text[size++] = '}';
    cJSON *json = NULL;
    clock_t start = clock(); /* processor time, since the machine may be busy */
    CHECK_OK(esp_json_parse(text, size, "x.json", &json));
    CU_ASSERT(clock() - start < 10 * CLOCKS_PER_SEC);
    cJSON_Delete(json);
    free(text);
}

/* An earlier version needed a hundred bytes of memory for two bytes of text: 0.7 GB for 16 MiB. */
static void values_that_are_too_many_for_their_text_are_refused(void)
{
    enum { SIZE = 1 << 22 };
    char *text = malloc(SIZE + 1);
    for (int i = 0; i < SIZE; i += 2) memcpy(text + i, i ? ",0" : "[0", 2);
    text[SIZE] = ']';
    cJSON *json = NULL;
    CHECK_FAILS(ESP_ERR_FORMAT, esp_json_parse(text, SIZE + 1, "x.json", &json), "more than 589824 values");
    text[2 * 60000] = ']'; /* few enough values, whatever their length */
    CHECK_OK(esp_json_parse(text, 2 * 60000 + 1, "x.json", &json));
    cJSON_Delete(json);
    free(text);
}

/* A text that was accepted in spite of damage must be printable and parse again to the same
 * text. */
static void check_survivor(cJSON *json)
{
    char *printed = cJSON_PrintUnformatted(json);
    cJSON *again = NULL;
    CHECK_OK(parse(printed, strlen(printed), &again));
    char *reprinted = cJSON_PrintUnformatted(again);
    if (strcmp(printed, reprinted) != 0) CU_FAIL("an accepted text changes when written and read");
    cJSON_free(printed);
    cJSON_free(reprinted);
    cJSON_Delete(json);
    cJSON_Delete(again);
}

static void damaged_documents_never_crash_and_survivors_round_trip(void)
{
    int accepted = 0, refused = 0;
    for (uint64_t round = 0; round < 20000; round++) {
        esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, round);
        char text[sizeof document];
        memcpy(text, document, sizeof document);
        uint32_t size = (uint32_t)strlen(document);
        for (uint32_t flips = 1 + esp_rng_below(&rng, 3); flips > 0; flips--)
            text[esp_rng_below(&rng, size)] ^= (char)(1u << esp_rng_below(&rng, 8));
        if (esp_rng_below(&rng, 4) == 0) size = esp_rng_below(&rng, size);

        cJSON *json = NULL;
        if (parse(text, size, &json) == ESP_OK) {
            accepted++;
            check_survivor(json);
        } else {
            refused++;
            CU_ASSERT(json == NULL && strncmp(esp_error_text(), "x.json: line ", 13) == 0);
        }
    }
    CU_ASSERT(accepted > 1000 && refused > 1000);
}

/* ---- files --------------------------------------------------------------------------------- */

static char folder[] = "/tmp/espalier-json-XXXXXX";

static char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void a_written_tree_is_read_back_equal(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    cJSON *json = NULL, *back = NULL;
    CHECK_OK(parse(document, strlen(document), &json));
    CHECK_OK(esp_json_write(path_of("tree.json"), json));
    CHECK_OK(esp_json_read(path_of("tree.json"), &back));
    CU_ASSERT(cJSON_Compare(json, back, true));
    cJSON_Delete(json);
    cJSON_Delete(back);
    unlink(path_of("tree.json"));
}

static void a_value_is_found_by_its_key_and_kind(void)
{
    cJSON *json = NULL;
    static const char text[] = "{\"n\": -2.5, \"t\": \"sparse\", \"null\": null, \"list\": [1]}";
    CHECK_OK(parse(text, strlen(text), &json));
    CU_ASSERT_EQUAL(esp_json_number(json, "n"), -2.5);
    CU_ASSERT_STRING_EQUAL(esp_json_text(json, "t"), "sparse");
    CU_ASSERT_EQUAL(esp_json_choice(json, "t", "dense|sparse"), 1);
    CU_ASSERT_EQUAL(esp_json_choice(json, "t", "dense|spars"), -1);
    static const char *const others[] = {"N", "null", "list", "absent"};
    for (int i = 0; i < 4; i++) {
        CU_ASSERT(isnan(esp_json_number(json, others[i])));
        CU_ASSERT_PTR_NULL(esp_json_text(json, others[i]));
        CU_ASSERT_EQUAL(esp_json_choice(json, others[i], "sparse"), -1);
    }
    CU_ASSERT(isnan(esp_json_number(json, "t")) && !esp_json_text(json, "n"));
    CU_ASSERT(isnan(esp_json_number(NULL, "n")));
    CU_ASSERT_PTR_NULL(esp_json_text(cJSON_GetObjectItem(json, "list"), "n"));
    cJSON_Delete(json);
}

static void appended_trees_are_one_line_each_and_nan_is_null(void)
{
    char *text = NULL;
    size_t size = 0;
    for (int step = 0; step < 2; step++) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddNumberToObject(json, "step", step);
        cJSON_AddNumberToObject(json, "loss", step ? (double)NAN : 0.1);
        CHECK_OK(esp_json_append(path_of("metrics.jsonl"), json));
        cJSON_Delete(json);
    }
    CHECK_OK(esp_file_read(path_of("metrics.jsonl"), 1000, &text, &size));
    CU_ASSERT_STRING_EQUAL(text, "{\"step\":0,\"loss\":0.1}\n{\"step\":1,\"loss\":null}\n");
    free(text);
    unlink(path_of("metrics.jsonl"));
}

static void reading_names_the_file_and_the_line(void)
{
    cJSON *json = NULL;
    CHECK_FAILS(ESP_ERR_IO, esp_json_read(path_of("none.json"), &json), "none.json");
    CHECK_OK(esp_file_write(path_of("bad.json"), "{\n\"a\": x}", 9));
    CHECK_FAILS(ESP_ERR_FORMAT, esp_json_read(path_of("bad.json"), &json), "bad.json: line 2: 'x' where a value");
    unlink(path_of("bad.json"));
}

static void a_file_beyond_16_mib_is_refused(void)
{
    cJSON *json = NULL;
    CHECK_OK(esp_file_write(path_of("big.json"), "{}", 2));
    CU_ASSERT_EQUAL(truncate(path_of("big.json"), (16 << 20) + 1), 0);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_json_read(path_of("big.json"), &json), "at most 16777216");
    unlink(path_of("big.json"));
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

/* Keys are written as for --set; NULL: equal. */
static void check_difference(const char *first, const char *second, const char *expected)
{
    cJSON *a = cJSON_Parse(first), *b = cJSON_Parse(second);
    char *text = esp_json_difference(a, "old", b, "new");
    if (text && expected) CU_ASSERT_STRING_EQUAL(text, expected);
    CU_ASSERT_EQUAL(!text, !expected);
    free(text);
    cJSON_Delete(a);
    cJSON_Delete(b);
}

static void the_first_key_that_differs_is_named_with_both_values(void)
{
    check_difference("{\"a\":1,\"b\":{\"c\":[1,2]}}", "{\"b\":{\"c\":[1,2]},\"a\":1}", NULL);
    check_difference("{\"b\":{\"c\":1,\"d\":2}}", "{\"b\":{\"c\":1,\"d\":3}}", "'b.d' is 2 in old and 3 in new");
    check_difference("{\"a\":\"x\"}", "{\"a\":{\"b\":1}}", "'a' is \"x\" in old and {\"b\":1} in new");
    check_difference("{\"a\":true}", "{}", "'a' is true in old and absent in new");
    check_difference("{}", "{\"a\":{\"b\":null}}", "'a' is absent in old and {\"b\":null} in new");
    check_difference("{\"a\":{}}", "{\"a\":{\"b\":null}}", "'a.b' is absent in old and null in new");
}

static CU_TestInfo tests[] = {
    {"a valid document becomes the tree it describes", a_valid_document_becomes_the_tree_it_describes},
    {"every kind of value may stand alone", every_kind_of_value_may_stand_alone},
    {"malformed text is refused with its line and reason", malformed_text_is_refused_with_its_line_and_reason},
    {"an embedded zero byte is refused", an_embedded_zero_byte_is_refused},
    {"equal keys of different objects are not duplicates", equal_keys_of_different_objects_are_not_duplicates},
    {"thirty-two levels are accepted and one more is not", thirty_two_levels_are_accepted_and_one_more_is_not},
    {"hostile depth is refused at once", hostile_depth_is_refused_at_once},
    {"values that are too many for their text are refused", values_that_are_too_many_for_their_text_are_refused},
    {"an object of many keys is checked quickly", an_object_of_many_keys_is_checked_quickly},
    {"damaged documents never crash and survivors round trip", damaged_documents_never_crash_and_survivors_round_trip},
    {"a written tree is read back equal", a_written_tree_is_read_back_equal},
    {"a value is found by its key and kind", a_value_is_found_by_its_key_and_kind},
    {"appended trees are one line each and NaN is null", appended_trees_are_one_line_each_and_nan_is_null},
    {"reading names the file and the line", reading_names_the_file_and_the_line},
    {"the first key that differs is named with both values", the_first_key_that_differs_is_named_with_both_values},
    {"a file beyond 16 MiB is refused", a_file_beyond_16_mib_is_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("json", tests)
