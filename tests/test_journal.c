/* The journal: everything in it is read back bit for bit, a kill at any byte costs only the
 * evaluation that was being written, and a journal that belongs to another search is refused. */
#include <unistd.h>

#include "check.h"
#include "pruned_networks.h"
#include "synthetic_performance.h"

static char folder[] = "/tmp/espalier-journal-XXXXXX";
static char path[64];

/* 2 groups on a small perceptron; numbers with all 17 digits. */
static void start(bench *b)
{
    bench_start(b, small_network());
    b->performance.limit[0] = 0.3;
    b->performance.limit[1] = 0.7;
    b->performance.noise = 0.01;
    b->config.journal = path;
    remove(path);
}

static esp_search_config coarse_config(void)
{
    esp_search_config config = esp_search_config_default();
    config.target.sparsity = 0.4;
    config.target.tolerance = 0.05;
    config.iterations = config.draws = 6;
    return config;
}

static char *journal_text(size_t *size)
{
    char *text = NULL;
    CHECK_OK(esp_file_read(path, 1 << 20, &text, size));
    return text;
}

static int lines_of(const char *text, size_t size)
{
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    return lines;
}

static void write_text(const char *text, size_t size)
{
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(text, 1, size, file), size);
    fclose(file);
}

static bool same_result(const esp_search_result *a, const esp_search_result *b, int groups, int axes)
{
    return memcmp(a->coefficient, b->coefficient, (size_t)groups * sizeof(double)) == 0 &&
           memcmp(a->widths.kept, b->widths.kept, (size_t)axes * sizeof(int)) == 0 && a->baseline == b->baseline &&
           a->performance == b->performance && a->structural == b->structural && a->nominal == b->nominal &&
           a->evaluations == b->evaluations && a->iterations == b->iterations;
}

static void journal_names_groups_and_lists_every_evaluation(void)
{
    bench b;
    start(&b);
    cJSON *identity = cJSON_CreateObject();
    cJSON_AddNumberToObject(identity, "seed", 7);
    b.config.identity = identity;
    esp_search_config config = coarse_config();
    esp_search_result result;
    CHECK_OK(bench_search(&b, "gd", &config, &result));

    size_t size;
    char *text = journal_text(&size), *rest = NULL, *line = strtok_r(text, "\n", &rest);
    cJSON *header = NULL;
    CHECK_OK(esp_json_parse(line, strlen(line), "header", &header));
    CU_ASSERT_EQUAL(cJSON_GetObjectItem(cJSON_GetObjectItem(header, "identity"), "seed")->valueint, 7);
    CU_ASSERT_STRING_EQUAL(cJSON_GetArrayItem(cJSON_GetObjectItem(header, "groups"), 1)->valuestring, "two");
    cJSON_Delete(header);
    int count = 0, spent = 0;
    while ((line = strtok_r(NULL, "\n", &rest))) {
        cJSON *entry = NULL;
        CHECK_OK(esp_json_parse(line, strlen(line), "entry", &entry));
        int kept = cJSON_GetObjectItem(cJSON_GetObjectItem(entry, "kept"), "one")->valueint;
        double c = cJSON_GetObjectItem(cJSON_GetObjectItem(entry, "coefficients"), "one")->valuedouble;
        CU_ASSERT_EQUAL(c, (7 - kept) / 7.0);
        CU_ASSERT(cJSON_GetObjectItem(entry, "wall_s")->valuedouble >= 0);
        CU_ASSERT(cJSON_IsNumber(cJSON_GetObjectItem(entry, "performance")));
        CU_ASSERT_EQUAL(cJSON_GetObjectItem(entry, "evaluation")->valueint, ++count);
        spent += cJSON_GetObjectItem(entry, "scale")->valueint;
        cJSON_Delete(entry);
    }
    CU_ASSERT_EQUAL(spent, result.evaluations);
    CU_ASSERT_EQUAL(spent, b.performance.evaluations);
    free(text);
    cJSON_Delete(identity);
    bench_end(&b);
}

static void search_resumed_from_any_byte_ends_the_same_and_repeats_nothing(void)
{
    bench b;
    start(&b);
    esp_search_config config = coarse_config();
    esp_search_result whole, resumed;
    CHECK_OK(bench_search(&b, "gd", &config, &whole));
    size_t size, new_size;
    char *text = journal_text(&size);
    int lines = lines_of(text, size);
    CU_ASSERT(lines > 8);
    for (size_t cut = 0; cut <= size; cut++) {
        write_text(text, cut);
        b.performance.evaluations = 0;
        CHECK_OK(bench_search(&b, "gd", &config, &resumed));
        CU_ASSERT(same_result(&whole, &resumed, b.grouping.num, b.net->num_axes));
        /* A line that lacks only its newline is complete. */
        int complete = lines_of(text, cut) + (cut < size && cut > 0 && text[cut] == '\n');
        CU_ASSERT_EQUAL(b.performance.evaluations, complete == 0 ? lines - 1 : lines - complete);
        char *again = journal_text(&new_size);
        CU_ASSERT_EQUAL(lines_of(again, new_size), lines);
        free(again);
    }
    free(text);
    bench_end(&b);
}

static void every_method_resumes_bit_for_bit(void)
{
    bench b;
    start(&b);
    for (const esp_search_method *method = esp_search_methods; method->name; method++) {
        esp_search_config config = coarse_config();
        esp_search_result whole, resumed;
        remove(path);
        b.config.budget = 60;
        CHECK_OK(bench_search(&b, method->name, &config, &whole));
        CU_ASSERT(whole.evaluations <= 60);
        size_t size, new_size;
        char *text = journal_text(&size);
        for (int part = 0; part <= 8; part++) {
            write_text(text, size * (size_t)part / 8);
            CHECK_OK(bench_search(&b, method->name, &config, &resumed));
            CU_ASSERT(same_result(&whole, &resumed, b.grouping.num, b.net->num_axes));
            char *again = journal_text(&new_size);
            CU_ASSERT_EQUAL(lines_of(again, new_size), lines_of(text, size));
            free(again);
        }
        free(text);
    }
    bench_end(&b);
}

static void resumed_search_spends_its_budget_like_an_uninterrupted_one(void)
{
    bench b;
    start(&b);
    b.config.budget = 9;
    esp_search_config config = coarse_config();
    esp_search_result whole, resumed;
    CHECK_OK(bench_search(&b, "gd", &config, &whole));
    CU_ASSERT(whole.evaluations <= 9);
    b.performance.evaluations = 0;
    CHECK_OK(bench_search(&b, "gd", &config, &resumed));
    CU_ASSERT(same_result(&whole, &resumed, b.grouping.num, b.net->num_axes));
    CU_ASSERT_EQUAL(b.performance.evaluations, 0);
    bench_end(&b);
}

static void evaluations_of_one_method_serve_the_next(void)
{
    bench b;
    start(&b);
    esp_search_config config = coarse_config();
    esp_search_result first, alone, second;
    CHECK_OK(bench_search(&b, "gd", &config, &first));
    b.performance.evaluations = 0;
    CHECK_OK(bench_search(&b, "random", &config, &second));
    int fresh = b.performance.evaluations;
    b.config.journal = NULL;
    CHECK_OK(bench_search(&b, "random", &config, &alone));
    CU_ASSERT(same_result(&alone, &second, b.grouping.num, b.net->num_axes));
    CU_ASSERT(fresh < alone.evaluations);
    bench_end(&b);
}

static cJSON *line_of(const char *text, int number)
{
    cJSON *json = NULL;
    for (; number > 1; number--) text = strchr(text, '\n') + 1;
    CHECK_OK(esp_json_parse(text, strcspn(text, "\n"), "line", &json));
    return json;
}

static int journal_lines(void)
{
    size_t size;
    char *text = journal_text(&size);
    int lines = lines_of(text, size);
    free(text);
    return lines;
}

/* A resumed search ignores what the header says besides the identity, and any line after the last evaluation. */
static void question_and_result_in_a_journal_are_for_readers_alone(void)
{
    bench b;
    start(&b);
    esp_search_config config = coarse_config();
    esp_search_result whole, resumed, next;
    cJSON *about = cJSON_CreateObject(), *result = cJSON_CreateObject();
    cJSON_AddStringToObject(about, "command", "first");
    cJSON_AddNumberToObject(result, "performance", 7);
    b.config.about = about;
    CHECK_OK(bench_search(&b, "gd", &config, &whole));
    esp_objective *objective = NULL;
    CHECK_OK(esp_objective_create(&b.config, &objective));
    CU_ASSERT(cJSON_Compare(esp_objective_question(objective), about, true));
    CHECK_OK(esp_objective_add_result(objective, result));
    esp_objective_free(objective);
    CHECK_OK(esp_objective_create(&b.config, &objective));
    CU_ASSERT(cJSON_Compare(esp_objective_question(objective), result, true));
    esp_objective_free(objective);
    int lines = journal_lines();
    cJSON_SetValuestring(cJSON_GetObjectItem(about, "command"), "other");
    b.performance.evaluations = 0;
    CHECK_OK(bench_search(&b, "gd", &config, &resumed));
    CU_ASSERT(same_result(&whole, &resumed, b.grouping.num, b.net->num_axes));
    CU_ASSERT_EQUAL(b.performance.evaluations, 0);
    CU_ASSERT_EQUAL(journal_lines(), lines);
    CHECK_OK(bench_search(&b, "random", &config, &next)); /* evaluations after a result */
    CU_ASSERT(journal_lines() > lines);
    b.performance.evaluations = 0;
    CHECK_OK(bench_search(&b, "random", &config, &resumed));
    CU_ASSERT(same_result(&next, &resumed, b.grouping.num, b.net->num_axes));
    CU_ASSERT_EQUAL(b.performance.evaluations, 0);

    size_t size;
    char *text = journal_text(&size);
    cJSON *header = line_of(text, 1), *last = line_of(text, lines);
    CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItem(cJSON_GetObjectItem(header, "about"), "command")->valuestring, "first");
    CU_ASSERT(cJSON_Compare(cJSON_GetObjectItem(last, "result"), result, true));
    free(text);
    cJSON_Delete(header);
    cJSON_Delete(last);
    cJSON_Delete(about);
    cJSON_Delete(result);
    bench_end(&b);
}

static void evaluations_name_their_sparsities(void)
{
    bench b;
    start(&b);
    esp_objective *objective = NULL;
    esp_widths less = esp_widths_full(b.net);
    double performance = 0;
    less.kept[1] = 3;
    CHECK_OK(esp_objective_create(&b.config, &objective));
    CHECK_OK(esp_objective_evaluate(objective, 1, &less, 1, &performance));
    esp_objective_free(objective);
    size_t size;
    char *text = journal_text(&size);
    cJSON *entry = line_of(text, 2);
    double structural = esp_structural_sparsity(b.net, &less, b.grouping.components);
    double nominal = esp_nominal_sparsity(b.net, &b.grouping, &less);
    CU_ASSERT(structural > 0 && nominal > 0);
    CU_ASSERT_EQUAL(cJSON_GetObjectItem(entry, "structural")->valuedouble, structural);
    CU_ASSERT_EQUAL(cJSON_GetObjectItem(entry, "nominal")->valuedouble, nominal);
    cJSON_Delete(entry);
    free(text);
    bench_end(&b);
}

/* A journal begins with its first evaluation, that of the uncut network. */
static esp_status open_only(bench *b)
{
    esp_objective *objective = NULL;
    esp_widths full = esp_widths_full(b->net);
    double performance;
    esp_status status = esp_objective_create(&b->config, &objective);
    if (status == ESP_OK) status = esp_objective_evaluate(objective, 1, &full, 1, &performance);
    esp_objective_free(objective);
    return status;
}

/* ---- scales ---- */

static void scales_are_kept_apart_in_cache_budget_and_journal(void)
{
    bench b;
    start(&b);
    b.config.budget = 11;
    esp_widths less = esp_widths_full(b.net);
    less.kept[1] = 3;
    double first[3], again[3];
    for (int run = 0; run < 2; run++) {
        esp_objective *objective = NULL;
        double *performance = run == 0 ? first : again;
        b.performance.evaluations = 0;
        CHECK_OK(esp_objective_create(&b.config, &objective));
        CHECK_OK(esp_objective_evaluate(objective, 1, &less, 1, &performance[0]));
        CHECK_OK(esp_objective_evaluate(objective, 1, &less, 4, &performance[1]));
        CHECK_OK(esp_objective_evaluate(objective, 1, &less, 4, &performance[1]));
        CU_ASSERT_EQUAL(esp_objective_evaluations(objective), 5);
        CHECK_OK(esp_objective_evaluate(objective, 1, &less, 7, &performance[2])); /* 6 evaluations are left */
        CU_ASSERT(isnan(performance[2]));
        CU_ASSERT_EQUAL(esp_objective_left(objective), 6);
        CU_ASSERT_EQUAL(b.performance.evaluations, run == 0 ? 5 : 0);
        esp_objective_free(objective);
    }
    CU_ASSERT(first[0] != first[1]);
    CU_ASSERT(first[0] == again[0] && first[1] == again[1]);
    bench_end(&b);
}

static void lines_without_a_scale_have_scale_one(void)
{
    bench b;
    start(&b);
    esp_objective *objective = NULL;
    CHECK_OK(open_only(&b));
    const char line[] = "{\"kept\":{\"one\":5},\"performance\":3}\n";
    CHECK_OK(esp_file_append(path, line, strlen(line)));
    CHECK_OK(esp_objective_create(&b.config, &objective));
    esp_widths five = esp_widths_full(b.net);
    five.kept[1] = 5;
    double performance = 0;
    int calls = b.performance.calls;
    CHECK_OK(esp_objective_evaluate(objective, 1, &five, 1, &performance));
    CU_ASSERT_EQUAL(performance, 3);
    CU_ASSERT_EQUAL(b.performance.calls, calls);
    CHECK_OK(esp_objective_evaluate(objective, 1, &five, 2, &performance));
    CU_ASSERT_EQUAL(b.performance.calls, calls + 1);
    esp_objective_free(objective);
    bench_end(&b);
}

/* ---- journals of something else ---- */

static void journal_of_another_identity_is_refused_by_key(void)
{
    bench b;
    start(&b);
    cJSON *mine = cJSON_CreateObject(), *other = cJSON_CreateObject();
    cJSON_AddStringToObject(mine, "checkpoint", "abc");
    cJSON_AddNumberToObject(mine, "seed", 7);
    cJSON_AddStringToObject(other, "checkpoint", "abc");
    cJSON_AddNumberToObject(other, "seed", 8);
    b.config.identity = mine;
    CHECK_OK(open_only(&b));
    CHECK_OK(open_only(&b));
    b.config.identity = other;
    CHECK_FAILS(ESP_ERR_FORMAT, open_only(&b), "belongs to another search: 'seed' is 7 there and 8 here");
    cJSON_AddNumberToObject(mine, "episodes", 3);
    b.config.identity = mine;
    CHECK_FAILS(ESP_ERR_FORMAT, open_only(&b), "'episodes' is absent there and 3 here");
    b.config.identity = NULL;
    CHECK_FAILS(ESP_ERR_FORMAT, open_only(&b), "belongs to another search");
    cJSON_Delete(mine);
    cJSON_Delete(other);
    bench_end(&b);
}

static void journal_of_other_groups_or_importance_is_refused(void)
{
    bench b;
    start(&b);
    CHECK_OK(open_only(&b));
    b.grouping.num = 1;
    CHECK_FAILS(ESP_ERR_FORMAT, open_only(&b), "another set of groups");
    b.grouping.num = 2;
    esp_ranking_free(&b.ranking);
    CHECK_OK(esp_ranking_make(b.net, esp_importance_find("random"), 3, NULL, &b.ranking));
    CHECK_FAILS(ESP_ERR_FORMAT, open_only(&b), "another importance");
    bench_end(&b);
}

static void foreign_file_is_refused_and_left_alone(void)
{
    const char *foreign[] = {"some notes\nof mine\n", "{\"a\": 1}\n", "[1, 2]\n", "x", "{\"format\":"};
    bench b;
    start(&b);
    for (int i = 0; i < 5; i++) {
        size_t size;
        write_text(foreign[i], strlen(foreign[i]));
        /* The last file is the beginning of our own header. */
        CU_ASSERT_EQUAL(open_only(&b), i == 4 ? ESP_OK : ESP_ERR_FORMAT);
        char *text = journal_text(&size);
        if (i < 4) CU_ASSERT_STRING_EQUAL(text, foreign[i]);
        free(text);
    }
    bench_end(&b);
}

static void damaged_lines_are_refused_with_their_number(void)
{
    const char *damaged[] = {
        "{\"kept\":{\"one\":5,\n",
        "{\"kept\":{\"one\":5}}\n",
        "{\"kept\":{\"one\":8},\"performance\":1}\n",
        "{\"kept\":{\"one\":0},\"performance\":1}\n",
        "{\"kept\":{\"one\":2.5},\"performance\":1}\n",
        "{\"kept\":{\"one\":\"2\"},\"performance\":1}\n",
        "{\"kept\":{\"in\":2},\"performance\":1}\n",
        "{\"kept\":{\"nine\":2},\"performance\":1}\n",
        "{\"kept\":{\"one\":5},\"performance\":1e999}\n",
        "{\"kept\":{\"one\":5},\"scale\":0,\"performance\":1}\n",
        "{\"kept\":{\"one\":5},\"scale\":1.5,\"performance\":1}\n",
        "{\"kept\":[5],\"performance\":1}\n",
        "[]\n",
    };
    bench b;
    start(&b);
    CHECK_OK(open_only(&b));
    size_t size;
    char *header = journal_text(&size);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        write_text(header, size);
        CHECK_OK(esp_file_append(path, damaged[i], strlen(damaged[i])));
        CHECK_FAILS(ESP_ERR_FORMAT, open_only(&b), "line 3");
    }
    free(header);
    bench_end(&b);
}

static void journal_that_cannot_be_written_is_an_error(void)
{
    bench b;
    start(&b);
    b.config.journal = "/tmp/espalier-no-such-folder/journal.jsonl";
    CHECK_FAILS(ESP_ERR_IO, open_only(&b), "espalier-no-such-folder");
    b.config.journal = "/tmp";
    CHECK_FAILS(ESP_ERR_IO, open_only(&b), "/tmp");
    bench_end(&b);
}

static void a_search_without_an_evaluation_leaves_no_journal(void)
{
    bench b;
    start(&b);
    esp_objective *objective = NULL;
    CHECK_OK(esp_objective_create(&b.config, &objective));
    esp_objective_free(objective);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    esp_search_config config = coarse_config();
    esp_search_result result;
    config.target.sparsity = 0.999;
    config.target.tolerance = 1e-4;
    CHECK_FAILS(ESP_ERR_INFEASIBLE, bench_search(&b, "gd", &config, &result), "");
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    bench_end(&b);
}

static void a_journal_belongs_to_one_search_at_a_time(void)
{
    bench b;
    char owner[32];
    start(&b);
    esp_objective *objective = NULL;
    snprintf(owner, sizeof owner, "written by process %ld ", (long)getpid());
    CHECK_OK(esp_objective_create(&b.config, &objective));
    CHECK_FAILS(ESP_ERR_IO, open_only(&b), owner);
    esp_objective_free(objective);
    CHECK_OK(open_only(&b));
    bench_end(&b);
}

/* Evaluations of another search are neither read nor lost. */
static void a_journal_set_aside_keeps_its_content(void)
{
    bench b;
    start(&b);
    char aside[80];
    snprintf(aside, sizeof aside, "%s.old", path);
    cJSON *identity = cJSON_CreateObject();
    CHECK_OK(open_only(&b));
    cJSON_AddNumberToObject(identity, "seed", 8);
    b.config.identity = identity;
    b.config.set_aside = true;
    esp_objective *objective = NULL;
    CHECK_OK(esp_objective_create(&b.config, &objective));
    CU_ASSERT_EQUAL(esp_objective_known(objective), 0);
    CU_ASSERT_NOT_EQUAL(access(aside, F_OK), 0); /* not before the first evaluation */
    esp_objective_free(objective);
    CHECK_OK(open_only(&b));
    CU_ASSERT_EQUAL(access(aside, F_OK), 0);
    b.config.identity = NULL;
    CU_ASSERT_EQUAL(rename(aside, path), 0);
    CHECK_OK(esp_objective_create(&b.config, &objective));
    CU_ASSERT_EQUAL(esp_objective_known(objective), 1);
    esp_objective_free(objective);
    cJSON_Delete(identity);
    bench_end(&b);
}

static void clean_up(void)
{
    remove(path);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static void make_folder(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/journal.jsonl", folder);
}

static CU_TestInfo tests[] = {
    {"(make_folder)", make_folder},
    {"journal_names_groups_and_lists_every_evaluation", journal_names_groups_and_lists_every_evaluation},
    {"search_resumed_from_any_byte_ends_the_same_and_repeats_nothing",
     search_resumed_from_any_byte_ends_the_same_and_repeats_nothing},
    {"every_method_resumes_bit_for_bit", every_method_resumes_bit_for_bit},
    {"resumed_search_spends_its_budget_like_an_uninterrupted_one",
     resumed_search_spends_its_budget_like_an_uninterrupted_one},
    {"evaluations_of_one_method_serve_the_next", evaluations_of_one_method_serve_the_next},
    {"question_and_result_in_a_journal_are_for_readers_alone",
     question_and_result_in_a_journal_are_for_readers_alone},
    {"evaluations_name_their_sparsities", evaluations_name_their_sparsities},
    {"scales_are_kept_apart_in_cache_budget_and_journal", scales_are_kept_apart_in_cache_budget_and_journal},
    {"lines_without_a_scale_have_scale_one", lines_without_a_scale_have_scale_one},
    {"journal_of_another_identity_is_refused_by_key", journal_of_another_identity_is_refused_by_key},
    {"journal_of_other_groups_or_importance_is_refused", journal_of_other_groups_or_importance_is_refused},
    {"foreign_file_is_refused_and_left_alone", foreign_file_is_refused_and_left_alone},
    {"damaged_lines_are_refused_with_their_number", damaged_lines_are_refused_with_their_number},
    {"journal_that_cannot_be_written_is_an_error", journal_that_cannot_be_written_is_an_error},
    {"a_search_without_an_evaluation_leaves_no_journal", a_search_without_an_evaluation_leaves_no_journal},
    {"a_journal_belongs_to_one_search_at_a_time", a_journal_belongs_to_one_search_at_a_time},
    {"a_journal_set_aside_keeps_its_content", a_journal_set_aside_keeps_its_content},
    {"(clean_up)", clean_up},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("journal", tests)
