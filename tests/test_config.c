/* A configuration is read by its table: known and valid values are taken, everything else is
 * refused by name, with the value found and the one expected. */
#include "tests/check.h"

#include <limits.h>

typedef enum { REWARD_SPARSE, REWARD_DENSE } reward;

typedef struct {
    uint64_t seed;
    reward   reward;
    int      samples, horizon, any;
    double   temperature, rate;
    bool     gray;
    const char *task;
} config;

static const esp_field fields[] = {
    {"seed", ESP_U64, offsetof(config, seed), 0, INFINITY, NULL, "seed of everything random"},
    {"env.task", ESP_TEXT, offsetof(config, task), 0, 0, NULL, "name of the task"},
    {"env.reward", ESP_CHOICE, offsetof(config, reward), 0, 0, "sparse|dense", "reward of a step"},
    {"env.gray", ESP_BOOL, offsetof(config, gray), 0, 0, NULL, "one channel a frame"},
    {"planner.samples", ESP_INT, offsetof(config, samples), 1, 4096, NULL, "sequences per iteration"},
    {"planner.search.horizon", ESP_INT, offsetof(config, horizon), 1, 50, NULL, "steps looked ahead"},
    {"planner.temperature", ESP_DOUBLE, offsetof(config, temperature), 0, 100, NULL, "greed"},
    {"rate", ESP_DOUBLE, offsetof(config, rate), -INFINITY, INFINITY, NULL, "any number"},
    {"any", ESP_INT, offsetof(config, any), -INFINITY, INFINITY, NULL, "any int"},
};
enum { COUNT = sizeof fields / sizeof *fields };

static config defaults(void)
{
    return (config){.seed = 1, .samples = 512, .horizon = 5, .temperature = 0.5, .task = "pendulum"};
}

static esp_status read(const char *text, config *out)
{
    cJSON *json = NULL;
    esp_status status = esp_json_parse(text, strlen(text), "config.json", &json);
    if (status == ESP_OK) status = esp_config_read(fields, COUNT, json, "config.json", out);
    cJSON_Delete(json);
    return status;
}

static void keys_in_nested_objects_are_taken_and_absent_ones_keep_their_value(void)
{
    config c = defaults();
    CHECK_OK(read("{\"seed\": 7, \"env\": {\"task\": \"cartpole\", \"reward\": \"dense\", \"gray\": true},"
                  " \"planner\": {\"samples\": 128.0, \"search\": {\"horizon\": 3}}, \"rate\": -1e300}", &c));
    CU_ASSERT(c.seed == 7 && c.reward == REWARD_DENSE && c.gray && c.samples == 128 && c.horizon == 3);
    CU_ASSERT_STRING_EQUAL(c.task, "cartpole");
    CU_ASSERT(c.temperature == 0.5 && c.rate == -1e300);
    CHECK_OK(read("{\"planner\": {}}", &c));
    CU_ASSERT_EQUAL(c.samples, 128);
}

static void an_unknown_key_is_refused_with_the_nearest_valid_name(void)
{
    static const struct { const char *text, *sentence; } cases[] = {
        {"{\"planner\": {\"sample\": 1}}",
         "config.json: unknown key 'planner.sample' (did you mean 'planner.samples'?)"},
        {"{\"planner\": {\"search\": {\"horizont\": 1}}}",
         "config.json: unknown key 'planner.search.horizont' (did you mean 'planner.search.horizon'?)"},
        {"{\"sede\": 1}", "config.json: unknown key 'sede' (did you mean 'seed'?)"},
        {"{\"samples\": 1}", "config.json: unknown key 'samples' (did you mean 'planner.samples'?)"},
        {"{\"planer\": {\"samples\": 1}}", "config.json: unknown key 'planer' (did you mean 'planner'?)"},
        {"{\"planner\": {\"serach\": {}}}",
         "config.json: unknown key 'planner.serach' (did you mean 'planner.search'?)"},
        {"{\"quaternion\": 1}", "config.json: unknown key 'quaternion'"},
        {"{\"Seed\": 1}", "config.json: unknown key 'Seed' (did you mean 'seed'?)"},
        {"{\"\": 1}", "config.json: unknown key ''"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config c = defaults();
        CU_ASSERT_EQUAL(read(cases[i].text, &c), ESP_ERR_USAGE);
        CU_ASSERT_STRING_EQUAL(esp_error_text(), cases[i].sentence);
    }
}

static void a_value_of_the_wrong_type_or_range_is_refused_and_changes_nothing(void)
{
    static const struct { esp_status status; const char *text, *word; } cases[] = {
        {ESP_ERR_USAGE, "{\"planner\": {\"samples\": 3.5}}",
         "'planner.samples' must be a whole number from 1 to 4096, found 3.5"},
        {ESP_ERR_RANGE, "{\"planner\": {\"samples\": 0}}", "a whole number from 1 to 4096, found 0"},
        {ESP_ERR_RANGE, "{\"planner\": {\"samples\": 4097}}", "from 1 to 4096, found 4097"},
        {ESP_ERR_RANGE, "{\"planner\": {\"samples\": 1e300}}", "from 1 to 4096, found 1e+300"},
        {ESP_ERR_USAGE, "{\"planner\": {\"samples\": \"128\"}}", "found '128'"},
        {ESP_ERR_USAGE, "{\"planner\": {\"samples\": null}}", "found null"},
        {ESP_ERR_USAGE, "{\"planner\": {\"samples\": [1]}}", "found an array"},
        {ESP_ERR_USAGE, "{\"planner\": {\"samples\": {\"x\": 1}}}", "found an object"},
        {ESP_ERR_USAGE, "{\"planner\": 3}", "'planner' is a group of keys"},
        {ESP_ERR_USAGE, "{\"planner.samples\": 3}", "has a dot"},
        {ESP_ERR_RANGE, "{\"planner\": {\"temperature\": 100.5}}", "a number from 0 to 100, found 100.5"},
        {ESP_ERR_USAGE, "{\"env\": {\"gray\": 1}}", "'env.gray' must be true or false, found 1"},
        {ESP_ERR_USAGE, "{\"env\": {\"reward\": \"spars\"}}", "must be one of sparse, dense, found 'spars'"},
        {ESP_ERR_USAGE, "{\"env\": {\"reward\": \"sparse|dense\"}}", "must be one of sparse, dense"},
        {ESP_ERR_USAGE, "{\"env\": {\"reward\": 1}}", "must be one of sparse, dense, found 1"},
        {ESP_ERR_USAGE, "{\"env\": {\"task\": true}}", "text, found true"},
        {ESP_ERR_RANGE, "{\"seed\": -1}", "a whole number of at least 0, found -1"},
        {ESP_ERR_USAGE, "{\"seed\": 0.5}", "a whole number of at least 0, found 0.5"},
        {ESP_ERR_RANGE, "{\"seed\": 9007199254740993}", "write it as a string of digits"},
        {ESP_ERR_USAGE, "{\"seed\": \"18446744073709551616\"}", "a whole number of at least 0"},
        {ESP_ERR_USAGE, "{\"seed\": \"12x\"}", "found '12x'"},
        {ESP_ERR_RANGE, "{\"any\": 2147483648}", "'any' must be a whole number"},
        {ESP_ERR_USAGE, "[]", "must be a JSON object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config c = defaults(), before = c;
        CHECK_FAILS(cases[i].status, read(cases[i].text, &c), cases[i].word);
        CU_ASSERT(memcmp(&c, &before, sizeof c) == 0);
    }
}

static void limits_are_part_of_the_range(void)
{
    config c = defaults();
    CHECK_OK(read("{\"planner\": {\"samples\": 1, \"temperature\": 0}, \"any\": -2147483648}", &c));
    CU_ASSERT(c.samples == 1 && c.temperature == 0 && c.any == INT_MIN);
    CHECK_OK(read("{\"planner\": {\"samples\": 4096, \"temperature\": 100}, \"any\": 2147483647}", &c));
    CU_ASSERT(c.samples == 4096 && c.temperature == 100 && c.any == INT_MAX);
}

static void a_text_of_any_length_is_kept_whole(void)
{
    enum { LONG = 100000 };
    static char text[LONG + 10] = "env.task=";
    config c = defaults();
    memset(text + 9, 'x', LONG);
    CHECK_OK(esp_config_set(fields, COUNT, text, &c));
    CU_ASSERT_STRING_EQUAL(c.task, text + 9);
    config copy = c;
    CHECK_OK(esp_config_set(fields, COUNT, "env.task=other", &c));
    CU_ASSERT_STRING_EQUAL(copy.task, text + 9);
}

static void set_applies_one_assignment(void)
{
    config c = defaults();
    CHECK_OK(esp_config_set(fields, COUNT, "planner.samples=64", &c));
    CHECK_OK(esp_config_set(fields, COUNT, "planner.temperature=2.5e-1", &c));
    CHECK_OK(esp_config_set(fields, COUNT, "env.gray=true", &c));
    CHECK_OK(esp_config_set(fields, COUNT, "env.reward=dense", &c));
    CHECK_OK(esp_config_set(fields, COUNT, "env.task=a=b 1", &c));
    CHECK_OK(esp_config_set(fields, COUNT, "seed=18446744073709551615", &c));
    CU_ASSERT(c.samples == 64 && c.temperature == 0.25 && c.gray && c.reward == REWARD_DENSE && c.seed == UINT64_MAX);
    CU_ASSERT_STRING_EQUAL(c.task, "a=b 1");
    CHECK_OK(esp_config_set(fields, COUNT, "env.task=", &c));
    CU_ASSERT_STRING_EQUAL(c.task, "");
}

static void set_refuses_what_a_file_would_refuse(void)
{
    static const struct { const char *assignment, *word; } cases[] = {
        {"planner.sample=3", "--set: unknown key 'planner.sample' (did you mean 'planner.samples'?)"},
        {"samples=3", "did you mean 'planner.samples'?"},
        {"planner=3", "'planner' is a group of keys"},
        {"planner.samples", "has no value (write PATH=VALUE)"},
        {"planner.samples=", "must be a whole number from 1 to 4096, found ''"},
        {"planner.samples=many", "found 'many'"},
        {"planner.samples=0x10", "found '0x10'"},
        {"planner.samples= 7x", "found ' 7x'"},
        {"planner.temperature=nan", "a number from 0 to 100, found 'nan'"},
        {"env.gray=yes", "true or false, found 'yes'"},
        {"env.reward=", "one of sparse, dense"},
        {"seed=-3", "at least 0, found -3"},
        {"=1", "unknown key ''"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config c = defaults(), before = c;
        CU_ASSERT_NOT_EQUAL(esp_config_set(fields, COUNT, cases[i].assignment, &c), ESP_OK);
        if (!strstr(esp_error_text(), cases[i].word)) printf("\n    error text: %s ", esp_error_text());
        CU_ASSERT(strstr(esp_error_text(), cases[i].word) != NULL);
        CU_ASSERT(memcmp(&c, &before, sizeof c) == 0);
    }
}

static void a_configuration_written_and_read_is_the_same(void)
{
    config c = {.seed = UINT64_MAX - 2, .reward = REWARD_DENSE, .samples = 77, .horizon = 9, .any = -3,
                .temperature = 0.1, .rate = 1.0 / 3, .gray = true, .task = "G\303\266rges \"x\"\n"};
    config back = defaults();
    cJSON *json = esp_config_json(fields, COUNT, &c);
    char *text = cJSON_Print(json);
    CHECK_OK(read(text, &back));
    CU_ASSERT(back.seed == c.seed && back.reward == c.reward && back.samples == c.samples && back.any == c.any);
    CU_ASSERT(back.temperature == c.temperature && back.rate == c.rate && back.gray == c.gray);
    CU_ASSERT(back.horizon == c.horizon && strcmp(back.task, c.task) == 0);
    cJSON *planner = cJSON_GetObjectItemCaseSensitive(json, "planner");
    CU_ASSERT_EQUAL(cJSON_GetArraySize(planner), 3);
    CU_ASSERT(cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(planner, "samples")));
    cJSON_free(text);
    cJSON_Delete(json);
}

static void a_seed_is_exact_on_both_sides_of_2_to_the_53(void)
{
    for (uint64_t seed = (1ull << 53) - 2; seed < (1ull << 53) + 3; seed++) {
        config c = {.seed = seed}, back = defaults();
        cJSON *json = esp_config_json(fields, 1, &c);
        CHECK_OK(esp_config_read(fields, 1, json, "config.json", &back));
        CU_ASSERT_EQUAL(back.seed, seed);
        cJSON_Delete(json);
    }
}

static void nearest_finds_typing_errors_and_nothing_far(void)
{
    static const char *const words[] = {"eval", "prune", "sweep", "inspect", "view"};
    CU_ASSERT_STRING_EQUAL(esp_nearest("prnue", words, 5), "prune");
    CU_ASSERT_STRING_EQUAL(esp_nearest("inspekt", words, 5), "inspect");
    CU_ASSERT_STRING_EQUAL(esp_nearest("eva", words, 5), "eval");
    CU_ASSERT_STRING_EQUAL(esp_nearest("sweeep", words, 5), "sweep");
    CU_ASSERT_PTR_NULL(esp_nearest("train", words, 5));
    CU_ASSERT_PTR_NULL(esp_nearest("x", words, 5));
    CU_ASSERT_PTR_NULL(esp_nearest("", words, 5));
    CU_ASSERT_PTR_NULL(esp_nearest("eval", words, 0));
}

static void choices_are_whole_words(void)
{
    char word[ESP_CONFIG_TEXT];
    CU_ASSERT_EQUAL(esp_choice_index("gd|grid|magnitude", "gd"), 0);
    CU_ASSERT_EQUAL(esp_choice_index("gd|grid|magnitude", "magnitude"), 2);
    CU_ASSERT_EQUAL(esp_choice_index("gd|grid|magnitude", "g"), -1);
    CU_ASSERT_EQUAL(esp_choice_index("gd|grid|magnitude", "gd|grid"), -1);
    CU_ASSERT_EQUAL(esp_choice_index("gd|grid|magnitude", ""), -1);
    esp_choice_word("gd|grid|magnitude", 1, word);
    CU_ASSERT_STRING_EQUAL(word, "grid");
    esp_choice_word("gd|grid|magnitude", 3, word);
    CU_ASSERT_STRING_EQUAL(word, "");
}

static void a_key_of_another_table_is_found_wherever_it_stands(void)
{
    static const struct { const char *json, *stranger; } cases[] = {
        {"{}", NULL}, {"[1]", NULL}, {"{\"seed\": 1, \"planner\": {\"samples\": 2}}", NULL},
        {"{\"seed\": 1, \"train\": {\"epochs\": 2}}", "train.epochs"},
        {"{\"planner\": {\"x\": 2, \"y\": 3}}", "planner.x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *json = cJSON_Parse(cases[i].json);
        char *found = esp_config_stranger(fields, COUNT, json);
        if (found && cases[i].stranger) CU_ASSERT_STRING_EQUAL(found, cases[i].stranger);
        CU_ASSERT_EQUAL(!found, !cases[i].stranger);
        free(found);
        cJSON_Delete(json);
    }
}

static CU_TestInfo tests[] = {
    {"a key of another table is found wherever it stands", a_key_of_another_table_is_found_wherever_it_stands},
    {"keys in nested objects are taken and absent ones keep their value",
     keys_in_nested_objects_are_taken_and_absent_ones_keep_their_value},
    {"an unknown key is refused with the nearest valid name", an_unknown_key_is_refused_with_the_nearest_valid_name},
    {"a value of the wrong type or range is refused and changes nothing",
     a_value_of_the_wrong_type_or_range_is_refused_and_changes_nothing},
    {"limits are part of the range", limits_are_part_of_the_range},
    {"a text of any length is kept whole", a_text_of_any_length_is_kept_whole},
    {"set applies one assignment", set_applies_one_assignment},
    {"set refuses what a file would refuse", set_refuses_what_a_file_would_refuse},
    {"a configuration written and read is the same", a_configuration_written_and_read_is_the_same},
    {"a seed is exact on both sides of 2^53", a_seed_is_exact_on_both_sides_of_2_to_the_53},
    {"nearest finds typing errors and nothing far", nearest_finds_typing_errors_and_nothing_far},
    {"choices are whole words", choices_are_whole_words},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("config", tests)
