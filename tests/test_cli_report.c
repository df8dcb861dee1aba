/* espalier report: a page from the output of any command, with the numbers that the command gave, and one clear line
 * about anything else. */
#include <sys/resource.h>

#include "cli_run.h"
#include "page_text.h"
#include "sanitized.h"

#define PRUNE BARE "agent.safetensors --controller policy --sparsity 0.3 --tolerance 0.02 --episodes 2 " \
              "--report-episodes 3 --set search.iterations=3"
#define SWEEP                                                                                                          \
    "$E sweep agent.safetensors --controller policy --episodes 2 --report-episodes 2 --tolerance 0.02 "                \
    "--set search.iterations=2 --set search.draws=2 --methods magnitude,random,gd --sparsities 0.2,0.5 -o sweep"

/* Runs a command line and returns its page, whose numbers must be those of its data; the caller deletes *data. */
static char *report(const char *arguments, cJSON **data)
{
    char *html = NULL;
    size_t size = 0;
    CLI_OK("rm -f page.html && $E report %s -o page.html --quiet", arguments);
    CHECK_OK(esp_file_read("page.html", 1 << 24, &html, &size));
    CU_ASSERT(strncmp(html, "<!DOCTYPE html>", 15) == 0 && page_is_alone(html));
    *data = page_data(html);
    page_check_numbers(html, *data);
    return html;
}

static bool shows(const char *html, const char *text)
{
    if (strstr(html, text)) return true;
    printf("\n    the page does not show: %s ", text);
    return false;
}

static const cJSON *item_at(const cJSON *data, const char *pointer)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", pointer);
    return page_item(data, copy);
}

/* ---- pages ---- */

static void a_run_has_its_learning_curves_and_an_episode(void)
{
    cli_begin();
    cJSON *data;
    char *html = report("run", &data);
    CU_ASSERT(shows(html, "Training of run") && shows(html, ">best mean return<"));
    CU_ASSERT(shows(html, "planner, hanging start") && shows(html, "espalier train tiny.json -o run --quiet"));
    CU_ASSERT(strstr(html, "policy, loss") == NULL); /* policy_loss names a loss, not a start */
    CU_ASSERT(shows(html, "data:image/png;base64,"));
    char *metrics = cli_file("run/metrics.jsonl");
    CU_ASSERT_EQUAL(cJSON_GetArraySize(item_at(data, "/metrics")), cli_lines(metrics));
    CU_ASSERT_EQUAL(cli_number(item_at(data, "/config/train"), "updates"), 60);
    free(metrics);
    cJSON_Delete(data);
    free(html);
}

/* What `prune --json` printed. */
static cJSON *pruned;

static void a_pruned_network_has_before_and_after_and_its_search(void)
{
    cJSON *data;
    CLI_OK(PRUNE " -o small.st --json");
    pruned = cli_json();
    char *html = report("small.st", &data);
    CU_ASSERT(cJSON_Compare(item_at(data, "/result"), pruned, true));
    CU_ASSERT(shows(html, "Pruning of agent.safetensors to 30\u00a0%") && shows(html, ">mean return<"));
    CU_ASSERT(shows(html, ">Objective<") && shows(html, ">Coefficients of the groups<") && shows(html, ">coupling<"));
    CU_ASSERT(shows(html, "--set search.iterations=3 -o small.st --json") && shows(html, "the pruned network"));
    CU_ASSERT(shows(html, "method gd, importance l2, nothing repaired, not finetuned, seed 1, structural groups, "
                          "controller policy; "));
    CU_ASSERT(shows(html, "data:image/png;base64,"));
    cJSON_Delete(data);
    free(html);
}

/* Longer evaluations count as several on both. */
static void evaluations_are_counted_as_prune_counts_them(void)
{
    char text[128], counted[64];
    CLI_OK("$E prune agent.safetensors --controller policy --sparsity 0.3 --tolerance 0.02 --episodes 2 "
           "--report-episodes 3 --method evolve --budget 60 -o counted.st --json");
    cJSON *json = cli_json(), *data;
    char *html = report("counted.st --no-film", &data);
    esp_text_counted(cli_number(json, "evaluations"), "evaluation", counted, sizeof counted);
    snprintf(text, sizeof text, "controller policy; %s<", counted);
    CU_ASSERT(shows(html, text));
    snprintf(text, sizeof text, "counted by length they are %s.", counted);
    CU_ASSERT(shows(html, text) && shows(html, "re-evaluated on more data"));
    cJSON_Delete(json);
    cJSON_Delete(data);
    free(html);
}

/* J(c) = -P(c) / |P(0)| + lambda (rho - rho*)^2 of every evaluation, and the least so far. */
static void the_objective_is_that_of_the_evaluations(void)
{
    cJSON *data;
    char *html = report("small.st.journal.jsonl --no-film", &data);
    const cJSON *p = item_at(data, "/evaluations/performance"), *rho = item_at(data, "/evaluations/sparsity");
    const cJSON *j = item_at(data, "/evaluations/objective"), *best = item_at(data, "/evaluations/best");
    const cJSON *scale = item_at(data, "/evaluations/scale");
    int count = cJSON_GetArraySize(p), compared = 0;
    CU_ASSERT(count > 5);
    double least = INFINITY, first = cJSON_GetArrayItem(p, 0)->valuedouble;
    CU_ASSERT_EQUAL(cJSON_GetArrayItem(rho, 0)->valuedouble, 0);
    for (int i = 0; i < count; i++) {
        if (cJSON_GetArrayItem(scale, i)->valuedouble != 1) continue;
        double miss = cJSON_GetArrayItem(rho, i)->valuedouble - cli_number(pruned, "target_sparsity");
        double value = cli_number(pruned, "lambda") * miss * miss - cJSON_GetArrayItem(p, i)->valuedouble / fabs(first);
        least = fmin(least, value);
        CU_ASSERT_DOUBLE_EQUAL(cJSON_GetArrayItem(j, i)->valuedouble, value, 1e-9 * fabs(value));
        CU_ASSERT_DOUBLE_EQUAL(cJSON_GetArrayItem(best, i)->valuedouble, least, 1e-9 * fabs(least));
        compared++;
    }
    CU_ASSERT(compared > 5);
    CU_ASSERT(strstr(html, "data:image/png") == NULL);
    cJSON_Delete(data);
    free(html);
}

static void a_search_that_was_repeated_shows_its_last_result(void)
{
    cJSON *data;
    CLI_OK("cp small.st first.st && " PRUNE " -o small.st --json");
    CLI_OK("cmp small.st first.st && test $(grep -c '^{\"result\"' small.st.journal.jsonl) = 2");
    char *html = report("small.st --no-film", &data);
    CU_ASSERT_EQUAL(cli_number(item_at(data, "/result"), "performance_after"), cli_number(pruned, "performance_after"));
    CU_ASSERT_EQUAL(cli_number(item_at(data, "/result"), "evaluations"), cli_number(pruned, "evaluations"));
    cJSON_Delete(data);
    free(html);
}

static void a_search_without_a_result_says_so(void)
{
    cJSON *data;
    CLI_OK("head -8 small.st.journal.jsonl >part.jsonl && head -c 40 small.st.journal.jsonl >>part.jsonl");
    char *html = report("part.jsonl", &data);
    CU_ASSERT(shows(html, "The journal holds no result") && shows(html, ">Objective<"));
    CU_ASSERT(shows(html, "espalier prune --preset paper"));
    CU_ASSERT_EQUAL(cli_number(item_at(data, "/evaluations"), "count"), 7);
    cJSON_Delete(data);
    free(html);
}

/* An earlier version took 0.6 GB for 120,000 evaluations in 17 MB and made a page of 80 MB. */
static void a_long_journal_takes_little_memory_and_has_a_page_to_look_at(void)
{
    enum { LINES = 120000, BEST = 77777 };
    char *argv[] = {"espalier", "report", "long.jsonl", "--no-film", "-o", "long.html", NULL};
    FILE *journal = fopen("long.jsonl", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(journal);
    fprintf(journal, "{\"format\":\"espalier search journal 1\",\"identity\":{},\"about\":{\"lambda\":100,"
                     "\"target_sparsity\":0.2,\"tolerance\":0.01}}\n");
    for (int i = 1; i <= LINES; i++)
        fprintf(journal,
                "{\"kept\":{\"one\":5},\"coefficients\":{\"one\":0.2857142857142857},\"scale\":1,\"performance\":"
                "%d,\"wall_s\":0.1,\"evaluation\":%d,\"structural\":0.2}\n",
                i == BEST ? 5000 : i % 997 + 1, i);
    fclose(journal);
    struct rusage used;
    int status = -1;
    pid_t child = cli_start(argv);
    CU_ASSERT_FATAL(wait4(child, &status, 0, &used) == child && status == 0);
    /* KiB; the program itself takes 40 MiB */
    CU_ASSERT(SANITIZED || used.ru_maxrss < 200 * 1024);
    cJSON *data;
    char *html = report("long.jsonl --no-film", &data);
    CU_ASSERT(strlen(html) < 2 << 20);
    CU_ASSERT_EQUAL(cli_number(item_at(data, "/evaluations"), "count"), LINES);
    CU_ASSERT(shows(html, "The journal holds 120,000 evaluations.") && shows(html, "Of them, 2,"));
    const cJSON *number = item_at(data, "/evaluations/number"), *value;
    const cJSON *performance = item_at(data, "/evaluations/performance");
    bool best = false;
    int at = 0;
    cJSON_ArrayForEach(value, performance)
        best = best || (value->valuedouble == 5000 && cJSON_GetArrayItem(number, at)->valuedouble == BEST), at++;
    CU_ASSERT(best);
    CU_ASSERT_EQUAL(cJSON_GetArrayItem(number, 0)->valuedouble, 1);
    CU_ASSERT_EQUAL(cJSON_GetArrayItem(number, at - 1)->valuedouble, LINES);
    cJSON_Delete(data);
    free(html);
}

/* A journal from before sparsities and the question were written to it. */
static void a_journal_of_evaluations_alone_has_a_page(void)
{
    CLI_OK("sed 's/,\"about\":.*/}/; s/,\"structural\".*/}/; s/,\"scale\":1//' part.jsonl >old.jsonl");
    CLI_OK("$E report old.jsonl -o old.html --json");
    cJSON *json = cli_json();
    char *html = cli_file("old.html");
    CU_ASSERT(shows(html, "Search journal old.jsonl") && shows(html, ">Performance of the cuts tried<"));
    CU_ASSERT(strstr(html, ">Objective<") == NULL && strstr(html, ">Sparsity of the cuts tried<") == NULL);
    CU_ASSERT_EQUAL(cli_number(json, "evaluations"), 7);
    cJSON_Delete(json);
    free(html);
}

static void a_sweep_has_curves_and_a_row_for_every_cell(void)
{
    cJSON *data, *json;
    CLI_OK(SWEEP " --json");
    json = cli_json();
    char *html = report("sweep", &data);
    CU_ASSERT(shows(html, "Sweep of agent.safetensors") && shows(html, ">Performance after pruning<"));
    CU_ASSERT(shows(html, ">Performance and size<") && shows(html, "espalier sweep agent.safetensors"));
    const cJSON *cells = cJSON_GetObjectItem(json, "cells"), *cell, *shown = item_at(data, "/cells");
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(shown), cJSON_GetArraySize(cells));
    int index = 0;
    cJSON_ArrayForEach(cell, cells) {
        char pointer[64];
        const char *key = cJSON_HasObjectItem(cell, "performance_after") ? "performance_after" : "performance_before";
        CU_ASSERT_EQUAL(cli_number(cJSON_GetArrayItem(shown, index), key), cli_number(cell, key));
        snprintf(pointer, sizeof pointer, "data-pointer=\"/cells/%d/%s\"", index++, key);
        CU_ASSERT(shows(html, pointer));
    }
    cJSON_Delete(json);
    cJSON_Delete(data);
    free(html);
}

/* The file that a sweep writes holds the finetuned network, so the page shows what that one returns. */
static void a_sweep_shows_the_network_that_results(void)
{
    cJSON *data;
    CLI_OK("$E sweep agent.safetensors --controller policy --episodes 2 --report-episodes 2 --tolerance 0.02 "
           "--methods magnitude --sparsities 0.5 --finetune 3 -o tuned --quiet");
    char *html = report("tuned", &data);
    CU_ASSERT(shows(html, "data-pointer=\"/cells/1/performance_finetuned\""));
    CU_ASSERT(!strstr(html, "data-pointer=\"/cells/1/performance_after\""));
    cJSON_Delete(data);
    free(html);
}

static void a_hundred_cells_are_less_than_two_megabytes(void)
{
    cJSON *data;
    CLI_OK("rm -rf many && cp -r sweep many && for s in $(seq 1 17); do sed \"s/\\\"seed\\\":1,/\\\"seed\\\":$s,/\" "
           "sweep/results.jsonl; done >many/results.jsonl");
    char *html = report("many", &data);
    CU_ASSERT(cJSON_GetArraySize(item_at(data, "/cells")) >= 100);
    CU_ASSERT(shows(html, "seeds 1 to 17") && strlen(html) <= 2000000);
    cJSON_Delete(data);
    free(html);
}

/* The run of an autoencoder, in the few lines that its page is made from. */
static void a_run_of_an_autoencoder_has_its_errors(void)
{
    cJSON *data;
    CLI_OK("mkdir -p auto && echo '{\"application\": \"autoencoder\", \"train\": {\"epochs\": 3, \"seed\": 4}}' "
           ">auto/config.json");
    CLI_OK("for e in 0 1 2 3; do echo '{\"epoch\":'$e',\"train_mse\":0.00'$e'1,\"test_mse\":0.00'$((5-e))'2,"
           "\"psnr_of_mean_mse_db\":2'$e'.5,\"mean_psnr_db\":2'$e'.75,\"wall_s\":'$e'}'; done >auto/metrics.jsonl");
    char *html = report("auto", &data);
    CU_ASSERT(shows(html, ">Reconstruction error<") && shows(html, ">0.002200</data>") && shows(html, ">23.50</data>"));
    CU_ASSERT(shows(html, "The reconstructions could not be drawn") && shows(html, "auto/checkpoint.safetensors"));
    cJSON_Delete(data);
    free(html);
}

/* ---- what is there and what is not ---- */

/* A pole that hangs and is hardly pushed for a few steps: every return is 0, and no result may look good. */
static void a_search_that_could_judge_nothing_says_so_everywhere(void)
{
    CLI_OK(BARE "agent.safetensors --controller policy --start hanging --set env.physics_steps=16 "
           "--set env.reward=sparse --sparsity 0.3 --tolerance 0.02 --method random --set search.draws=2 --episodes 2 "
           "--report-episodes 2 -o blind.st --json");
    CU_ASSERT(strstr(cli_err, "cannot judge its cuts") != NULL);
    cJSON *json = cli_json(), *data = NULL;
    CU_ASSERT(cJSON_IsFalse(cJSON_GetObjectItem(json, "judged")));
    cJSON_Delete(json);
    char *html = report("blind.st --no-film", &data);
    CU_ASSERT(shows(html, "could not judge its"));
    free(html);
    cJSON_Delete(data);
    CLI_OK("$E sweep agent.safetensors --controller policy --start hanging --set env.physics_steps=16 "
           "--set env.reward=sparse --methods magnitude --sparsities 0.3 --tolerance 0.02 "
           "--episodes 2 --report-episodes 2 -o blind --quiet");
    html = report("blind", &data);
    CU_ASSERT(shows(html, "In 1 of the prunings below the search could not judge") && !strstr(html, "can be removed"));
    free(html);
    cJSON_Delete(data);
}

static void rounds_are_listed_and_marked_in_charts(void)
{
    cJSON *data = NULL;
    CLI_OK("$E prune agent.safetensors --controller policy --sparsity 0.6 --rounds 2 --method magnitude "
           "--importance l2 --compensate none --finetune 2 --episodes 2 --report-episodes 2 --quiet -o two.st");
    char *html = report("two.st --no-film", &data);
    CU_ASSERT(shows(html, "Rounds: each one searched, cut and finetuned") && shows(html, ">round 2<"));
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(cJSON_GetObjectItem(data, "result"), "rounds")), 2);
    free(html);
    cJSON_Delete(data);
}

static void a_report_says_what_it_wrote(void)
{
    CLI_OK("rm -f report.html && $E report sweep --json --no-film");
    cJSON *json = cli_json();
    cli_check_keys(json, "output bytes source kind cells version");
    char *html = cli_file("report.html");
    CU_ASSERT_EQUAL(cli_number(json, "bytes"), (double)strlen(html));
    CU_ASSERT_EQUAL(cli_number(json, "cells"), 7);
    CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItem(json, "kind")->valuestring, "sweep");
    cJSON_Delete(json);
    free(html);
    CLI_OK("$E report run --no-film");
    CU_ASSERT(strncmp(cli_out, "written: report.html (", 22) == 0);
}

static void a_report_leaves_its_source_unchanged(void)
{
    CLI_OK("rm -rf kept cut && cp -r sweep cut && truncate -s -30 cut/results.jsonl && cp -r cut kept");
    CLI_OK("$E report cut -o cut.html --no-film && diff -r cut kept");
    CLI_OK("cp small.st.journal.jsonl kept.jsonl && $E report small.st -o small.html");
    CLI_OK("cmp small.st.journal.jsonl kept.jsonl");
}

static void without_the_network_there_is_no_strip_and_the_page_says_why(void)
{
    cJSON *data;
    CLI_OK("rm -rf bare && mkdir bare && cp run/*.json* bare");
    char *html = report("bare", &data);
    CU_ASSERT(shows(html, "There is no film strip") && shows(html, "bare/checkpoint.safetensors"));
    cJSON_Delete(data);
    free(html);
    CLI_OK("echo junk >bare/checkpoint.safetensors");
    html = report("bare", &data);
    CU_ASSERT(shows(html, "There is no film strip") && strstr(html, "data:image/png") == NULL);
    cJSON_Delete(data);
    free(html);
}

static void a_machine_that_cannot_draw_writes_the_page_all_the_same(void)
{
    cJSON *data;
    setenv("__EGL_VENDOR_LIBRARY_FILENAMES", "/nowhere", 1);
    char *html = report("run", &data);
    unsetenv("__EGL_VENDOR_LIBRARY_FILENAMES");
    CU_ASSERT(shows(html, "There is no film strip") && shows(html, "EGL") && shows(html, ">Mean return<"));
    cJSON_Delete(data);
    free(html);
}

static void paths_without_results_are_refused(void)
{
    static const struct { int status; const char *arguments, *word; } cases[] = {
        {2, "report", "SOURCE is missing"},
        {2, "report run sweep", "unexpected argument 'sweep'"},
        {1, "report nowhere", "nowhere"},
        {1, "report empty", "empty: holds neither metrics.jsonl of a run nor results.jsonl of a"},
        {1, "report agent.safetensors", "there is no agent.safetensors.journal.jsonl with the search of this file"},
        {1, "report tiny.json", "tiny.json.journal.jsonl with the search of this file; expected a network written by"},
        {1, "report metrics.jsonl", "metrics.jsonl: not a search journal"},
        {1, "report run -o nowhere/page.html", "nowhere/page.html"},
        {2, "report run -o sweep", "does not end with .html"},
    };
    CLI_OK("mkdir -p empty && cp run/metrics.jsonl .");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cli_check_refusal(cases[i].status, cases[i].arguments, cases[i].word);
    CLI_OK("! ls nowhere");
}

static void broken_files_are_refused_and_named(void)
{
    static const struct { const char *arguments, *line, *file, *word; } cases[] = {
        {"run", "{", "metrics.jsonl", "bad/metrics.jsonl: line "},
        {"run", "[]", "metrics.jsonl", "is not a JSON object"},
        {"run", NULL, "metrics.jsonl", "no line yet"},
        {"run", "junk", "config.json", "bad/config.json: line"},
        {"run", "junk", "run.json", "bad/run.json: line"},
        {"sweep", "{", "results.jsonl", "bad/results.jsonl: line 8: not JSON"},
        {"sweep", "{\"way\": \"dense\", \"seed\": 1}", "results.jsonl", "line 8 is not a cell of a sweep"},
        {"sweep", "{\"way\": \"new\", \"seed\": 1, \"target_sparsity\": 0.1, \"error\": \"\"}", "results.jsonl",
         "nlopt:direct, found 'new'"},
        {"sweep", "{\"way\": \"gd\", \"seed\": 4000, \"target_sparsity\": 0.1, \"error\": \"\"}", "results.jsonl",
         "seeds from 1 to 4000"},
        {"sweep", NULL, "results.jsonl", "no cell of the dense network"},
        {"sweep", "{", "sweep.json", "bad/sweep.json: line"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *line = cases[i].line;
        bool append = strstr(cases[i].file, ".jsonl") && line;
        CLI_OK("rm -rf bad && cp -r %s bad && rm -f bad/state* && printf '%s%s' %s bad/%s", cases[i].arguments,
               line ? line : "", line ? "\\n" : "", append ? ">>" : ">", cases[i].file);
        cli_check_refusal(1, "report bad -o bad.html", cases[i].word);
    }
    CLI_OK("! test -e bad.html");
}

static void broken_journals_are_refused_and_named(void)
{
    static const struct { const char *line, *word; } cases[] = {
        {"{", "bad.jsonl: line 9: not JSON"},
        {"{}", "bad.jsonl: line 9: an evaluation needs"},
        {"{\"kept\": {}, \"performance\": \"much\"}", "line 9: an evaluation needs"},
        {"3", "line 9 is not a JSON object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLI_OK("head -8 small.st.journal.jsonl >bad.jsonl && echo '%s' >>bad.jsonl", cases[i].line);
        cli_check_refusal(1, "report bad.jsonl -o bad.html", cases[i].word);
    }
    CLI_OK("true >bad.jsonl");
    cli_check_refusal(1, "report bad.jsonl", "not a search journal");
    CLI_OK("! test -e bad.html");
}

/* Keys may be present with values of another type. */
static void a_result_of_the_wrong_shape_breaks_nothing(void)
{
    static const char *const results[] = {
        "{\"result\":3}",
        "{\"result\":{}}",
        "{\"result\":{\"coefficients\":[1,\"x\"]}}",
        "{\"result\":{\"coefficients\":{\"a\":\"x\",\"b\":{}},\"kept\":{\"a\":[]}}}",
        ("{\"result\":{\"application\":\"other\",\"performance_before\":1,\"performance_after\":null,"
         "\"coefficients\":{\"a\":1},\"grouping\":[3,{\"name\":4},{\"name\":\"a\",\"axes\":3}]}}"),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        CLI_OK("head -8 small.st.journal.jsonl >odd.jsonl && echo '%s' >>odd.jsonl", results[i]);
        CLI_OK("$E report odd.jsonl -o odd.html");
    }
    cJSON_Delete(pruned);
}

static CU_TestInfo tests[] = {
    {"a run has its learning curves and an episode", a_run_has_its_learning_curves_and_an_episode},
    {"a pruned network has before and after and its search", a_pruned_network_has_before_and_after_and_its_search},
    {"evaluations are counted as prune counts them", evaluations_are_counted_as_prune_counts_them},
    {"the objective is that of the evaluations", the_objective_is_that_of_the_evaluations},
    {"a search that was repeated shows its last result", a_search_that_was_repeated_shows_its_last_result},
    {"a search without a result says so", a_search_without_a_result_says_so},
    {"a long journal takes little memory and has a page to look at",
     a_long_journal_takes_little_memory_and_has_a_page_to_look_at},
    {"a journal of evaluations alone has a page", a_journal_of_evaluations_alone_has_a_page},
    {"a sweep has curves and a row for every cell", a_sweep_has_curves_and_a_row_for_every_cell},
    {"a sweep shows the network that results", a_sweep_shows_the_network_that_results},
    {"a hundred cells are less than two megabytes", a_hundred_cells_are_less_than_two_megabytes},
    {"a run of an autoencoder has its errors", a_run_of_an_autoencoder_has_its_errors},
    {"a search that could judge nothing says so everywhere", a_search_that_could_judge_nothing_says_so_everywhere},
    {"rounds are listed and marked in charts", rounds_are_listed_and_marked_in_charts},
    {"a report says what it wrote", a_report_says_what_it_wrote},
    {"a report leaves its source unchanged", a_report_leaves_its_source_unchanged},
    {"without the network there is no strip and the page says why",
     without_the_network_there_is_no_strip_and_the_page_says_why},
    {"a machine that cannot draw writes the page all the same",
     a_machine_that_cannot_draw_writes_the_page_all_the_same},
    {"paths without results are refused", paths_without_results_are_refused},
    {"broken files are refused and named", broken_files_are_refused_and_named},
    {"broken journals are refused and named", broken_journals_are_refused_and_named},
    {"a result of the wrong shape breaks nothing", a_result_of_the_wrong_shape_breaks_nothing},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli report", tests)
