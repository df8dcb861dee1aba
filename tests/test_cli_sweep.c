/* espalier sweep: every cell is made once, whatever happens in between; the pictures show the
 * cells. */
#include "cli_run.h"

#define CELLS "--controller policy --episodes 2 --report-episodes 2 --tolerance 0.02 --set search.draws=2"
#define SWEEP "$E sweep agent.safetensors " CELLS
/* A table without the columns that hold times; no text in it holds a comma. */
#define WITHOUT_TIMES                                                                                                  \
    "awk -F, 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == \"wall_s\" || $i == \"ms\") times[i] = 1} "               \
    "{for (i = 1; i <= NF; i++) if (!(i in times)) printf \"%%s,\", $i; print \"\"}'"
#define LISTS " --methods magnitude,random --sparsities 0.2,0.5"

/* ---- what was made ---- */

static cJSON *read_line(const char *line, size_t size)
{
    cJSON *json = NULL;
    CHECK_OK(esp_json_parse(line, size, "results.jsonl", &json));
    return json;
}

/* The lines of a sweep's results, as an array; the caller deletes it. */
static cJSON *read_cells(const char *path)
{
    cJSON *cells = cJSON_CreateArray();
    char *text = cli_file(path);
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        cJSON_AddItemToArray(cells, read_line(line, (size_t)(end - line)));
    free(text);
    return cells;
}

static const char *text_of(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    CU_ASSERT_FATAL(cJSON_IsString(item));
    return item->valuestring;
}

static void every_method_is_run_at_every_sparsity(void)
{
    cli_begin();
    CLI_OK(SWEEP LISTS " -o whole --json");
    cJSON *json = cli_json(), *cells = read_cells("whole/results.jsonl"), *cell;
    cli_check_keys(json, "application directory cells version");
    CU_ASSERT(cJSON_Compare(cells, cJSON_GetObjectItem(json, "cells"), true));
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(cells), 5);
    CU_ASSERT_STRING_EQUAL(text_of(cJSON_GetArrayItem(cells, 0), "way"), "dense");
    int i = 0;
    cJSON_ArrayForEach(cell, cells) {
        if (i++ == 0) continue;
        cli_check_keys(cell, "way method importance groups seed target_sparsity structural_sparsity nominal_sparsity "
                             "coefficients kept performance_after search_performance evaluations wall_s params_after "
                             "flops_after");
        CU_ASSERT_STRING_EQUAL(text_of(cell, "way"), i <= 3 ? "magnitude" : "random");
        CU_ASSERT_EQUAL(cli_number(cell, "target_sparsity"), i % 2 ? 0.5 : 0.2);
        CU_ASSERT_DOUBLE_EQUAL(cli_number(cell, "structural_sparsity"), cli_number(cell, "target_sparsity"), 0.02);
    }
    cJSON_Delete(json);
    cJSON_Delete(cells);
}

/* A cell says what `prune` says to the same question. */
static void a_cell_is_what_prune_gives(void)
{
    cJSON *cells = read_cells("whole/results.jsonl"), *cell = cJSON_GetArrayItem(cells, 3);
    CLI_OK(BARE "agent.safetensors " CELLS " --method random --sparsity 0.2 -o random.st --json");
    cJSON *json = cli_json();
    CU_ASSERT(cJSON_Compare(cJSON_GetObjectItem(json, "kept"), cJSON_GetObjectItem(cell, "kept"), true));
    CU_ASSERT_EQUAL(cli_number(json, "performance_after"), cli_number(cell, "performance_after"));
    CU_ASSERT_EQUAL(cli_number(json, "evaluations"), cli_number(cell, "evaluations"));
    cJSON_Delete(json);
    cJSON_Delete(cells);
}

static int count_commas(const char *line)
{
    int commas = 0;
    bool quoted = false;
    for (; *line && *line != '\n'; line++) {
        if (*line == '"') quoted = !quoted;
        commas += *line == ',' && !quoted;
    }
    CU_ASSERT(!quoted);
    return commas;
}

static void the_table_has_a_column_for_every_number(void)
{
    char *csv = cli_file("whole/results.csv");
    static const char first[] = "way,method,importance,groups,target_sparsity,seed,compensation,finetune_steps,"
                                "structural_sparsity,nominal_sparsity,judged,performance_before,performance,"
                                "performance_low,performance_high,";
    CU_ASSERT(strstr(csv, ",search_performance,evaluations,wall_s,params,bytes,flops,macs,ms,error,c:latent,") != NULL);
    CU_ASSERT_EQUAL(cli_lines(csv), 6);
    CU_ASSERT(strncmp(csv, first, strlen(first)) == 0);
    for (char *line = csv; *line; line = strchr(line, '\n') + 1)
        CU_ASSERT_EQUAL(count_commas(line), count_commas(csv));
    free(csv);
}

/* The value of a column in the row of the dense network, the first; NAN: empty or text. */
static double dense_value(const char *column)
{
    char *csv = cli_file("whole/results.csv"), *rest = csv, *header = strsep(&rest, "\n"), *row = strsep(&rest, "\n");
    double value = NAN;
    for (char *name; (name = strsep(&header, ",")) != NULL;) {
        const char *text = strsep(&row, ",");
        if (strcmp(name, column) == 0 && text && *text && *text != '"') value = strtod(text, NULL);
    }
    free(csv);
    return value;
}

static void the_row_of_the_dense_network_is_complete(void)
{
    static const char *const zero[] = {"target_sparsity", "structural_sparsity", "nominal_sparsity", "finetune_steps",
                                       "evaluations"};
    for (int i = 0; i < 5; i++) CU_ASSERT_EQUAL(dense_value(zero[i]), 0);
    CU_ASSERT_EQUAL(dense_value("seed"), 1);
    CU_ASSERT(dense_value("performance") == dense_value("performance_before"));
    CU_ASSERT(dense_value("performance_low") <= dense_value("performance"));
    CU_ASSERT(dense_value("performance_high") >= dense_value("performance"));
    CU_ASSERT(dense_value("success_rate") >= 0 && dense_value("ms") > 0);
    CU_ASSERT_EQUAL(dense_value("bytes"), 4 * dense_value("params"));
    CU_ASSERT_EQUAL(dense_value("macs"), dense_value("flops") / 2);
}

static void pictures_show_every_method(void)
{
    static const char *const names[] = {"whole/performance.svg", "whole/pareto.svg"};
    for (int i = 0; i < 2; i++) {
        char *svg = cli_file(names[i]);
        CU_ASSERT(strncmp(svg, "<svg", 4) == 0 || strncmp(svg, "<?xml", 5) == 0);
        CU_ASSERT(strstr(svg, "magnitude") != NULL && strstr(svg, "random") != NULL && strstr(svg, "dense") != NULL);
        free(svg);
    }
}

static void finished_cells_are_not_made_again(void)
{
    CLI_OK("cp -r whole before");
    CLI_OK(SWEEP LISTS " -o whole");
    CU_ASSERT(strstr(cli_out, "magnitude") != NULL && strstr(cli_out, "dense") != NULL);
    CU_ASSERT_STRING_EQUAL(cli_err, "");
    CLI_OK("diff -r before whole");
}

/* A folder in place of results.csv stops even root, whom permissions do not stop. */
static void a_finished_sweep_is_printed_even_where_nothing_can_be_written(void)
{
    CLI_OK("mkdir locked && cp before/*.json* locked && mkdir locked/results.csv");
    CLI_OK(SWEEP LISTS " -o locked");
    CU_ASSERT(strstr(cli_out, "magnitude") != NULL && strstr(cli_out, "dense") != NULL);
    CU_ASSERT(strstr(cli_err, "warning: cannot write 'locked/results.csv'") != NULL && cli_lines(cli_err) == 1);
    CU_ASSERT_EQUAL(cli(SWEEP " --methods magnitude --sparsities 0.6 -o locked"), 1);
    CU_ASSERT(strstr(cli_err, "cannot write 'locked/results.csv'") != NULL);
}

static void a_finished_sweep_grows(void)
{
    CLI_OK(SWEEP " --methods magnitude,random --sparsities 0.2,0.5,0.6 -o whole");
    CU_ASSERT(strstr(cli_err, "magnitude at 0.6") != NULL && strstr(cli_err, "random at 0.6") != NULL);
    CU_ASSERT(strstr(cli_err, "at 0.2") == NULL && strstr(cli_err, "at 0.5") == NULL);
    CLI_OK(SWEEP " --methods magnitude --sparsities 0.2 --seeds 2 -o whole");
    CU_ASSERT(strstr(cli_err, "seed 2") != NULL && strstr(cli_err, "seed 1") == NULL);
    CLI_OK("head -n 5 whole/results.jsonl | cmp - before/results.jsonl");
    CLI_OK("test $(wc -l <whole/results.jsonl) = 9"); /* two at 0.6; dense and one cell of seed 2 */
}

static void a_killed_sweep_resumes_to_the_same_table(void)
{
    char *const argv[] = {"espalier", "sweep", "agent.safetensors", "--controller", "policy", "--episodes", "2",
                          "--report-episodes", "2", "--tolerance", "0.02", "--set", "search.draws=2", "--methods",
                          "magnitude,random", "--sparsities", "0.2,0.5", "-o", "killed", NULL};
    int kills = cli_kill_until_done(argv, 60);
    CU_ASSERT(kills > 0);
    printf("(%d kills) ", kills);
    CLI_OK(WITHOUT_TIMES " before/results.csv >a && " WITHOUT_TIMES " killed/results.csv >b && cmp a b");
}

static void an_interrupted_sweep_says_how_to_resume(void)
{
    char *const argv[] = {"espalier", "sweep", "agent.safetensors", "--episodes", "1000", "--sparsities", "0.5", "-o",
                          "stopped", "--quiet", NULL};
    CU_ASSERT_EQUAL(cli_interrupt(argv, "stopped/results.jsonl", SIGINT), 75);
    char *said = cli_file("err");
    CU_ASSERT_STRING_EQUAL(said, "espalier: interrupted; the same command resumes from stopped\n");
    free(said);
    CLI_OK("test $(wc -l <stopped/results.jsonl) = 1"); /* the dense network */
}

static void a_sparsity_out_of_reach_is_a_result(void)
{
    CLI_OK(SWEEP " --methods random --sparsities 0.2,0.9 --pin '*.hidden*=0' --pin 'latent=0' -o reach --quiet");
    CU_ASSERT(strstr(cli_err, "warning: random at 0.9: no cut of these groups reaches") != NULL);
    CU_ASSERT(strstr(cli_out, "cannot be reached") != NULL);
    cJSON *cells = read_cells("reach/results.jsonl"), *cell = cJSON_GetArrayItem(cells, 2);
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(cells), 3);
    CU_ASSERT(strstr(text_of(cell, "error"), "the largest possible is") != NULL);
    CU_ASSERT(!cJSON_HasObjectItem(cell, "performance_after"));
    cJSON_Delete(cells);
    CLI_OK(SWEEP " --methods random --sparsities 0.2,0.9 --pin '*.hidden*=0' --pin 'latent=0' -o reach");
    CU_ASSERT_STRING_EQUAL(cli_err, ""); /* it is not tried again */
}

static void cells_obey_pins_rounding_and_budget(void)
{
    CLI_OK(SWEEP " --methods random --sparsities 0.3 --round-to 4 --pin latent=0 --budget 3 --tolerance 0.05 "
           "-o options");
    cJSON *cells = read_cells("options/results.jsonl"), *cell = cJSON_GetArrayItem(cells, 1), *pair;
    CU_ASSERT(cli_number(cell, "evaluations") <= 3);
    cJSON_ArrayForEach(pair, cJSON_GetObjectItem(cell, "kept")) {
        int width = cJSON_GetArrayItem(pair, 0)->valueint, whole = cJSON_GetArrayItem(pair, 1)->valueint;
        CU_ASSERT(width == whole || width % 4 == 0);
        if (strcmp(pair->string, "latent") == 0) CU_ASSERT_EQUAL(width, whole);
    }
    cJSON_Delete(cells);
}

static void every_method_makes_a_cell(void)
{
    static const char methods[] = "gd,grid,sensitivity,evolve,magnitude,global,lamp,random,nlopt:cobyla,nlopt:bobyqa,"
                                  "nlopt:crs2,nlopt:isres,nlopt:direct";
    CLI_OK("$E sweep agent.safetensors --controller policy --episodes 1 --report-episodes 2 --tolerance 0.03 "
           "--budget 20 --methods %s --sparsities 0.3 -o methods --quiet", methods);
    cJSON *cells = read_cells("methods/results.jsonl"), *cell;
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cells), 14);
    cJSON_ArrayForEach(cell, cells) {
        if (strcmp(text_of(cell, "way"), "dense") == 0) continue;
        CU_ASSERT_STRING_EQUAL(text_of(cell, "way"), text_of(cell, "method"));
        CU_ASSERT_DOUBLE_EQUAL(cli_number(cell, "structural_sparsity"), 0.3, 0.03 + 1e-12);
        CU_ASSERT(cli_number(cell, "evaluations") <= 20);
    }
    cJSON_Delete(cells);
    char *csv = cli_file("methods/results.csv");
    CU_ASSERT_EQUAL(cli_lines(csv), 15);
    free(csv);
}

static void without_a_program_for_pictures_there_is_a_warning(void)
{
    CLI_OK("PATH= $E sweep agent.safetensors " CELLS " --methods magnitude --sparsities 0.2 -o plain --quiet");
    CU_ASSERT(strstr(cli_err, "rsvg-convert") != NULL);
    CU_ASSERT(strncmp(cli_err, "espalier: warning: ", 19) == 0);
    CLI_OK("test -s plain/performance.svg && test -s plain/pareto.svg && test -s plain/results.csv");
    CLI_OK("! ls plain | grep png");
}

/* ---- what is refused ---- */

static void another_question_is_refused_in_the_same_folder(void)
{
    static const struct { const char *arguments, *word; } cases[] = {
        {"--tolerance 0.03", "another 'tolerance'"},
        {"--budget 50", "another 'budget'"},
        {"--episodes 3", "another 'episodes'"},
        {"--report-episodes 3", "another 'report'"},
        {"--groups paper", "another 'groups'"},
        {"--compensate mean", "another 'compensation'"},
        {"--controller mppi", "another 'controller'"},
        {"--set search.draws=3", "another 'search'"},
        {"--set planner.policy_fraction=0.5", "another 'planner'"},
        {"--start hanging", "another 'start'"},
        {"--pin latent=0", "another '"},
        {"--round-to 4", "another '"},
        {"--finetune 3", "another '"},
    };
    CLI_OK("cp -r whole kept");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments, "sweep agent.safetensors " CELLS LISTS " -o whole %s",
                 cases[i].arguments);
        cli_check_refusal(1, arguments, cases[i].word);
    }
    CLI_OK("$E sweep run/checkpoint.safetensors " CELLS LISTS " -o whole"); /* the same network under another name */
    CLI_OK("cmp whole/results.jsonl kept/results.jsonl && cmp whole/sweep.json kept/sweep.json");
}

static void wrong_lists_have_status_2(void)
{
    static const struct { const char *arguments, *word; } cases[] = {
        {"sweep", "CHECKPOINT is missing"},
        {"sweep agent.safetensors", "-o DIR is missing"},
        {"sweep agent.safetensors -o new --methods magnitud", "--methods: expected gd|grid|"},
        {"sweep agent.safetensors -o new --methods magnitude/l3", "--methods: expected l1|l2|random"},
        {"sweep agent.safetensors -o new --methods magnitude/", "found ''"},
        {"sweep agent.safetensors -o new --methods /l1", "|nlopt:direct, found ''"},
        {"sweep agent.safetensors -o new --methods random,gd,random", "--methods: 'random' is in the list twice"},
        {"sweep agent.safetensors -o new --methods ,", "--methods: the list ',' has an empty entry"},
        {"sweep agent.safetensors -o new --sparsities 0.2,,0.5",
         "--sparsities: the list '0.2,,0.5' has an empty entry"},
        {"sweep agent.safetensors -o new --sparsities ''", "--sparsities: the list '' has an empty entry"},
        {"sweep agent.safetensors -o new --sparsities 0.2,junk",
         "--sparsities: expected a share such as 0.95 or 95%, found 'junk'"},
        {"sweep agent.safetensors -o new --sparsities 0.2,0.3x", "found '0.3x'"},
        {"sweep agent.safetensors -o new --sparsities 0.2,0", "--sparsities: 0 is outside the range"},
        {"sweep agent.safetensors -o new --sparsities 0.2,0.20", "--sparsities: 0.20 is in the list twice"},
        {"sweep agent.safetensors -o new --sparsities $(seq -s, 0.01 0.01 0.4)", "more than 32 entries"},
        {"sweep agent.safetensors -o new --seeds 0", "--seeds: expected a whole number from 1"},
        {"sweep agent.safetensors -o new --budget 1", "--budget: expected a whole number from 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) cli_check_refusal(2, cases[i].arguments, cases[i].word);
    CLI_OK("! test -e new");
}

/* Results of unknown origin are not taken for cells of this sweep, and nothing is written beside
 * them. */
static void results_without_their_question_are_refused(void)
{
    CLI_OK("mkdir orphan && cp whole/results.jsonl orphan");
    cli_check_refusal(1, "sweep agent.safetensors " CELLS LISTS " -o orphan",
                      "'orphan' holds results.jsonl, but no sweep.json");
    CLI_OK("ls -A orphan");
    CU_ASSERT_STRING_EQUAL(cli_out, "results.jsonl\n");
}

static void runs_and_sweeps_do_not_share_a_folder(void)
{
    cli_check_refusal(1, "sweep agent.safetensors " CELLS LISTS " -o run",
                      "'run' holds metrics.jsonl, but no sweep.json");
    cli_check_refusal(1, "train tiny.json -o whole", "'whole' holds a sweep; name another folder");
    CLI_OK("test ! -e run/sweep.json && test ! -e whole/config.json");
}

/* results.jsonl with one more line, sweep.json with other content. */
#define CELL "\"way\": \"random\", \"seed\": 1, \"target_sparsity\": 0.3, "

static void malformed_folders_are_refused_and_kept(void)
{
    static const struct { const char *file, *line, *word; } cases[] = {
        {"results.jsonl", "{", "results.jsonl: line 6: not JSON"},
        {"results.jsonl", "junk", "results.jsonl: line 6: not JSON"},
        {"results.jsonl", "[]", "results.jsonl: line 6 is not a cell of a sweep"},
        {"results.jsonl", "{\"way\": 3, \"seed\": 1}", "line 6 is not a cell"},
        {"results.jsonl", "{\"way\": \"dense\", \"seed\": 1}", "line 6 is not a cell"},
        {"results.jsonl", "{" CELL "\"performance_after\": 1}", "line 6 is not a cell"},
        {"results.jsonl", "{" CELL "\"error\": \"\", \"coefficients\": [1]}", "line 6 is not a cell"},
        {"results.jsonl", "{" CELL "\"error\": \"\", \"coefficients\": {\"latent\": 0.5}}", "line 6 is not a cell"},
        {"results.jsonl", "{" CELL "\"error\": \"\", \"coefficients\": {\"latent\": \"x\"}}", "line 6 is not a cell"},
        {"sweep.json", "{", "sweep.json: line"},
        {"sweep.json", "[]", "sweep.json describes a sweep with another 'version'"},
        {"journals/l2-1.jsonl", "junk", "l2-1.jsonl: line "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool whole = strcmp(cases[i].file, "sweep.json") == 0;
        CLI_OK("rm -rf bad && cp -r before bad && echo '%s' >%s bad/%s && cp bad/%s line", cases[i].line,
               whole ? "" : ">", cases[i].file, cases[i].file);
        cli_check_refusal(1, "sweep agent.safetensors " CELLS " --methods random --sparsities 0.3 -o bad --quiet",
                          cases[i].word);
        CLI_OK("cmp bad/%s line", cases[i].file);
    }
}

static void a_last_line_cut_short_is_made_again(void)
{
    CLI_OK("rm -rf bad && cp -r before bad && truncate -s -40 bad/results.jsonl");
    CLI_OK(SWEEP LISTS " -o bad");
    CU_ASSERT(strstr(cli_err, "random at 0.5") != NULL && strstr(cli_err, "at 0.2") == NULL);
    CLI_OK(WITHOUT_TIMES " before/results.csv >a && " WITHOUT_TIMES " bad/results.csv >b && cmp a b");
    /* The last line lacks only its newline. */
    CLI_OK("rm -rf bad && cp -r before bad && truncate -s -1 bad/results.jsonl");
    CLI_OK(SWEEP LISTS " -o bad && cmp bad/results.jsonl before/results.jsonl");
}

static void a_folder_that_cannot_be_written_has_status_1(void)
{
    cli_check_refusal(1, "sweep agent.safetensors -o tiny.json", "cannot create folder 'tiny.json'");
    cli_check_refusal(1, "sweep agent.safetensors -o /proc/sweep", "/proc/sweep");
}

static CU_TestInfo tests[] = {
    {"every method is run at every sparsity", every_method_is_run_at_every_sparsity},
    {"a cell is what prune gives", a_cell_is_what_prune_gives},
    {"the table has a column for every number", the_table_has_a_column_for_every_number},
    {"the row of the dense network is complete", the_row_of_the_dense_network_is_complete},
    {"pictures show every method", pictures_show_every_method},
    {"finished cells are not made again", finished_cells_are_not_made_again},
    {"a finished sweep is printed even where nothing can be written",
     a_finished_sweep_is_printed_even_where_nothing_can_be_written},
    {"a finished sweep grows", a_finished_sweep_grows},
    {"a killed sweep resumes to the same table", a_killed_sweep_resumes_to_the_same_table},
    {"an interrupted sweep says how to resume", an_interrupted_sweep_says_how_to_resume},
    {"a sparsity out of reach is a result", a_sparsity_out_of_reach_is_a_result},
    {"cells obey pins, rounding and budget", cells_obey_pins_rounding_and_budget},
    {"every method makes a cell", every_method_makes_a_cell},
    {"without a program for pictures there is a warning", without_a_program_for_pictures_there_is_a_warning},
    {"runs and sweeps do not share a folder", runs_and_sweeps_do_not_share_a_folder},
    {"results without their question are refused", results_without_their_question_are_refused},
    {"another question is refused in the same folder", another_question_is_refused_in_the_same_folder},
    {"wrong lists have status 2", wrong_lists_have_status_2},
    {"malformed folders are refused and kept", malformed_folders_are_refused_and_kept},
    {"a last line cut short is made again", a_last_line_cut_short_is_made_again},
    {"a folder that cannot be written has status 1", a_folder_that_cannot_be_written_has_status_1},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli sweep", tests)
