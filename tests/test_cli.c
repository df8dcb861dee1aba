/* The command line as scripts see it: exit statuses, sentences, JSON keys, files. */
#include "search/search.h"

#include "cli_run.h"

static void an_agent_is_trained_into_a_run_directory(void)
{
    cli_begin();
    CLI_OK("test -s run/config.json && test -s run/metrics.jsonl && test -s run/checkpoint.safetensors");
    CLI_OK("$E train tiny.json -o second --json --set train.updates=15 --seed 7");
    cJSON *json = cli_json();
    cli_check_keys(json, "application task run_dir checkpoint seed updates best_score best_update wall_s version");
    CU_ASSERT(cli_number(json, "seed") == 7 && cli_number(json, "updates") == 15);
    CU_ASSERT(strstr(cli_err, "update 15: mean return") != NULL);
    cJSON_Delete(json);
    CLI_OK("grep -q '\"seed\":[[:space:]]*7' second/config.json");
}

/* argp wraps lines that are longer than a terminal; the rest of a wrapped example starts at the
 * margin. */
static void check_examples(const char *help)
{
    const char *line = strstr(help, "Examples:\n");
    for (line = line ? strchr(line, '\n') + 1 : ""; *line && *line != '\n'; line = strchr(line, '\n') + 1) {
        bool whole = strncmp(line, "  ", 2) == 0;
        if (!whole) printf("\n    broken example: %.80s ", line);
        CU_ASSERT(whole);
    }
}

static void help_lists_every_command_with_examples(void)
{
    static const char *const commands[] = {"train", "eval", "prune", "sweep", "inspect", "view", "record", "bench"};
    enum { COMMANDS = sizeof commands / sizeof *commands };
    CLI_OK("$E --help");
    for (int i = 0; i < COMMANDS; i++) CU_ASSERT(strstr(cli_out, commands[i]) != NULL);
    CU_ASSERT(strstr(cli_out, "Examples:") != NULL);
    for (int i = 0; i < COMMANDS; i++) {
        CLI_OK("$E %s --help", commands[i]);
        CU_ASSERT(strstr(cli_out, "Usage: espalier") != NULL && strstr(cli_out, commands[i]) != NULL);
        CU_ASSERT(strstr(cli_out, "Examples:") != NULL && strstr(cli_out, "--threads=N") != NULL);
        check_examples(cli_out);
    }
    CLI_OK("$E --version");
    CU_ASSERT_STRING_EQUAL(cli_out, "espalier " ESP_VERSION "\n");
}

/* A method and an importance may have the same name, so every row of that name is looked at. */
static bool listed(const char *name, bool marked, const char *help)
{
    char row[256];
    size_t length = (size_t)snprintf(row, sizeof row, "\n  %s%s ", name, marked ? "*" : "");
    for (const char *at = cli_out; (at = strstr(at, row)); at++)
        if (strncmp(at + length + strspn(at + length, " "), help, 20) == 0) return true;
    return false;
}

static void help_of_prune_lists_methods_importances_and_compensations(void)
{
    CLI_OK("$E prune --help");
    for (const esp_search_method *m = esp_search_methods; m->name; m++) CU_ASSERT(listed(m->name, false, m->help));
    for (const esp_importance *i = esp_importances; i->name; i++) CU_ASSERT(listed(i->name, i->needs_data, i->help));
    for (const esp_compensation *c = esp_compensations; c->name; c++)
        CU_ASSERT(listed(c->name, c->needs_data, c->help));
}

static void wrong_usage_has_status_2_and_one_line(void)
{
    static const struct { const char *arguments, *word; } cases[] = {
        {"", "a command is missing"},
        {"evla agent.safetensors", "did you mean 'eval'?"},
        {"frobnicate", "unknown command 'frobnicate'"},
        {"eval", "CHECKPOINT is missing"},
        {"eval a b", "unexpected argument 'b'"},
        {"eval agent.safetensors --junit agent.safetensors", "--junit: 'agent.safetensors' does not end with .xml"},
        {"eval agent.safetensors --picture agent.safetensors", "--picture"},
        {"report run -o run/metrics.jsonl", "-o: 'run/metrics.jsonl' does not end with .html"},
        {"doctor all", "unexpected argument 'all'"},
        {"eval agent.safetensors --episodes", "--episodes needs a value"},
        {"eval agent.safetensors --epsiodes 3", "unknown option '--epsiodes'; did you mean '--episodes'?"},
        {"eval agent.safetensors --min 3", "several options begin with '--min'; `espalier eval --help' lists"},
        {"inspect --bogus agent.safetensors", "unknown option '--bogus'; `espalier inspect --help' lists the options"},
        {"eval agent.safetensors --quiet=3", "--quiet takes no value"},
        {"--bogus eval", "unknown option '--bogus'; `espalier --help' lists the options"},
        {"prune agent.safetensors -o", "-o needs a value"},
        {"prune agent.safetensors -x 3", "unknown option '-x'; `espalier prune --help' lists the options"},
        {"train tiny.json", "-o RUN_DIR is missing"},
        {"train -o x", "CONFIG.json is missing"},
        {"prune agent.safetensors", "-o OUT.safetensors is missing"},
        {"eval agent.safetensors --threads 0", "--threads: expected a whole number from 1 to 1024, found '0'"},
        {"eval agent.safetensors --threads two", "found 'two'"},
        {"eval agent.safetensors --seed -1", "--seed: expected a whole number"},
        {"eval agent.safetensors --seed 1e3", "found '1e3'"},
        {"eval agent.safetensors --seed 99999999999999999999", "--seed"},
        {"eval agent.safetensors --episodes 0", "--episodes"},
        {"eval agent.safetensors --controller pid",
         "--controller: expected mppi|policy|lib:FILE.so|zero|random, found 'pid'"},
        {"eval agent.safetensors --start up", "env.start: task 'pendulum' has no 'up'"},
        {"eval agent.safetensors --min-return high", "--min-return: expected a number"},
        {"eval agent.safetensors --min-return nan", "--min-return: expected a number"},
        {"eval agent.safetensors --min-return 0x10", "--min-return: expected a number"},
        {"eval agent.safetensors --set planner.sample=3", "did you mean 'planner.samples'?"},
        {"eval agent.safetensors --set planner.samples", "write PATH=VALUE"},
        {"eval agent.safetensors --set planner.samples=0", "from 1 to 65536"},
        {"eval agent.safetensors --set planner.elites=500", "elites"},
        {"eval agent.safetensors --set env.image_size=28", "'env.image_size' is 24 in the trained network"},
        {"eval agent.safetensors --set network.hidden=28", "'network.hidden' is 24 in the trained network"},
        {"eval agent.safetensors --set search.rate=1", "unknown key 'search.rate'"},
        {"prune agent.safetensors -o o --sparsity 1.5", "--sparsity: 1.5 is outside the range, 0 < sparsity < 1"},
        {"prune agent.safetensors -o o --sparsity 0", "--sparsity"},
        {"prune agent.safetensors -o o --sparsity nan", "--sparsity"},
        {"prune agent.safetensors -o o --tolerance -0.1", "--tolerance"},
        {"prune agent.safetensors -o o --groups some", "structural|paper"},
        {"prune agent.safetensors -o o --importance l3",
         "--importance: expected l1|l2|random|lamp|activation|taylor|obs, found"},
        {"prune agent.safetensors -o o --method gdd", "--method: expected gd|grid|"},
        {"prune agent.safetensors -o o --budget 1", "--budget"},
        {"prune agent.safetensors -o o --set search.rte=1", "did you mean 'search.rate'?"},
        {"prune agent.safetensors -o agent.safetensors", "is the checkpoint itself"},
        {"prune agent.safetensors -o o --journal o", "is the output as well"},
        {"prune agent.safetensors -o o.onnx", "'o.onnx' does not end with .safetensors"},
        {"train unknown_key.json -o x", "unknown_key.json: unknown key 'planner.sample' (did you mean"},
        {"train wrong_type.json -o x", "'train.batch' must be a whole number"},
        {"train wrong_range.json -o x", "'train.batch' must be a whole number from 1"},
        {"train tiny.json -o run", "add --resume to continue it"},
        {"train tiny.json -o run --resume --set train.batch=9",
         "'train.batch' is 8 in run/config.json and 9 in this one"},
        {"bench --only nothing", "no row matches 'nothing'"},
        {"prune agent.safetensors -o o --budget 0", "--budget: expected a whole number from 2"},
        {"prune agent.safetensors -o o --round-to 0", "--round-to: expected a whole number from 1"},
        {"prune agent.safetensors -o o --finetune -1", "--finetune: expected a whole number"},
        {"prune agent.safetensors -o o --compensate most", "--compensate: expected none|mean|lsq, found 'most'"},
        {"prune agent.safetensors -o o --method magnitud", "found 'magnitud'"},
        {"prune agent.safetensors -o o --pin nothing=0", "no group matches 'nothing'; there are: latent, encoder"},
        {"prune agent.safetensors -o o --pin latent", "--pin: expected PATTERN=COEFFICIENT, found 'latent'"},
        {"prune agent.safetensors -o o --pin =0", "--pin: expected PATTERN=COEFFICIENT, found '=0'"},
        {"prune agent.safetensors -o o --pin latent=", "--pin: expected a number, found ''"},
        {"prune agent.safetensors -o o --pin latent=nan", "--pin: expected a number, found 'nan'"},
        {"prune agent.safetensors -o o --pin latent=1.5", "group 'latent': coefficient 1.5, expected 0 to 1"},
        {"eval agent.safetensors --min-psnr 20", "not for agent.safetensors, which belongs to application 'tdmpc'"},
        {"eval agent.safetensors --data run", "--data: not for agent.safetensors"},
        {"prune agent.safetensors -o o --images 100", "--images: not for agent.safetensors"},
        {"train tiny.json -o x --data run", "--data: not for tiny.json"},
    };
    CLI_OK("echo '{\"planner\": {\"sample\": 3}}' >unknown_key.json");
    CLI_OK("echo '{\"train\": {\"batch\": \"8\"}}' >wrong_type.json");
    CLI_OK("echo '{\"train\": {\"batch\": 0}}' >wrong_range.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) cli_check_refusal(2, cases[i].arguments, cases[i].word);
    CLI_OK("! test -e o && ! test -e x");
}

/* Variations of the good checkpoint, made byte by byte. */
static void write_bad_checkpoints(void)
{
    char *data = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read("agent.safetensors", (size_t)1 << 30, &data, &size));
    CHECK_OK(esp_file_write("truncated.st", data, size / 2));
    CHECK_OK(esp_file_write("header.st", data, 20));
    CHECK_OK(esp_file_write("empty.st", "", 0));
    uint32_t nan = 0x7fc00000;
    memcpy(data + size - 4, &nan, 4);
    CHECK_OK(esp_file_write("nan.st", data, size));
    esp_rng rng = esp_rng_make(3, ESP_RNG_TEST, 0);
    for (size_t i = 0; i < size; i++) data[i] = (char)esp_rng_u32(&rng);
    CHECK_OK(esp_file_write("random.st", data, size));
    free(data);
}

static void bad_files_have_status_1_and_are_named(void)
{
    static const struct { const char *arguments, *word; } cases[] = {
        {"eval missing.st", "missing.st"},
        {"eval truncated.st", "truncated.st"},
        {"eval header.st", "header.st"},
        {"eval empty.st", "empty.st"},
        {"eval nan.st", "nan.st"},
        {"eval random.st", "random.st"},
        {"eval tiny.json", "tiny.json"},
        {"eval run", "'run': it is a folder, not a file"},
        {"inspect nan.st", "nan.st"},
        {"inspect run/state.safetensors", "state.safetensors"},
        {"prune truncated.st -o o", "truncated.st"},
        {"prune agent.safetensors -o nowhere/o", "cannot write 'nowhere/o': folder 'nowhere' does not exist"},
        {"prune agent.safetensors -o run", "cannot write 'run'"},
        {"prune agent.safetensors -o /dev/null", "/dev/null"},
        {"prune agent.safetensors -o o --journal tiny.json", "tiny.json"},
        {"prune agent.safetensors -o o --journal nowhere/j", "nowhere/j"},
        {"prune agent.safetensors -o o --sparsity 0.123456 --tolerance 0 --quiet", "no cut of these groups reaches"},
        {"prune agent.safetensors -o o --controller policy --sparsity 0.9999999", "the largest possible is 0.9"},
        {"prune agent.safetensors -o grid.st --controller policy --method grid --groups paper --set search.grid=2 "
         "--tolerance 0.001 --quiet", "none of 32 points of the grid has sparsity 0.2 +- 0.001: the nearest is 0."},
        {"train missing.json -o x", "missing.json"},
        {"train malformed.json -o x", "malformed.json: line 2"},
        {"train deep.json -o x", "deep.json"},
        {"train run -o x", "'run': it is a folder"},
        {"train tiny.json -o tiny.json", "tiny.json"},
        {"train tiny.json -o x --set env.scene=nowhere.xml", "nowhere.xml"},
        {"train tiny.json -o x --set env.scene=malformed.json", "malformed.json"},
        {"eval agent.safetensors --config missing.json", "missing.json"},
    };
    write_bad_checkpoints();
    CLI_OK("echo '{\"train\": ' >malformed.json");
    CLI_OK("head -c 5000 /dev/zero | tr '\\0' '[' >deep.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) cli_check_refusal(1, cases[i].arguments, cases[i].word);
    CLI_OK("! test -e o");
    cli_check_refusal(2, "eval agent.safetensors --config unknown_key.json", "unknown key 'planner.sample'");
}

static void eval_reports_what_the_contract_promises(void)
{
    CLI_OK("$E eval agent.safetensors --episodes 5 --json");
    cJSON *json = cli_json();
    cli_check_keys(json, "application controller episodes return_mean return_std return_ci95 return_iqm returns "
                         "steps_per_second params flops_per_action start task seed success_rate params_used version");
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(json, "returns")), 5);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(json, "return_ci95")), 2);
    CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItem(json, "controller")->valuestring, "mppi");
    CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItem(json, "start")->valuestring, "random");
    CU_ASSERT_EQUAL(cli_number(json, "params"), cli_number(json, "params_used"));
    CU_ASSERT_STRING_EQUAL(cli_err, "");
    cJSON_Delete(json);

    CLI_OK("$E eval agent.safetensors --episodes 2 --json --controller policy --start hanging");
    json = cli_json();
    CU_ASSERT(cli_number(json, "params") > cli_number(json, "params_used"));
    CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItem(json, "start")->valuestring, "hanging");
    cJSON_Delete(json);
    CLI_OK("$E --json --seed 5 eval agent.safetensors --episodes 1");
    json = cli_json();
    CU_ASSERT_EQUAL(cli_number(json, "seed"), 5);
    cJSON_Delete(json);
}

/* One control step is too short to learn from but long enough to be judged. */
static void eval_needs_no_key_that_only_training_uses(void)
{
    CLI_OK("$E eval agent.safetensors --episodes 1 --controller policy --set env.physics_steps=8 --json");
    cJSON_Delete(cli_json());
    CU_ASSERT_EQUAL(cli("$E train tiny.json -o short --set env.physics_steps=8"), 2);
    CU_ASSERT(strstr(cli_err, "train.horizon") != NULL);
}

/* Even when it is longer than 127 bytes. */
static void a_scene_given_by_set_is_named_in_results(void)
{
    char folder[170], command[1024];
    snprintf(folder, sizeof folder, "%0160d", 7);
    snprintf(command, sizeof command, "mkdir %s && cp " ESP_SOURCE "/models/pendulum/*.xml %s/", folder, folder);
    CLI_OK(command);
    snprintf(command, sizeof command, "$E eval agent.safetensors --episodes 1 --controller policy --json "
             "--set env.scene=%s/scene.xml", folder);
    CLI_OK(command);
    cJSON *json = cli_json();
    CU_ASSERT(strncmp(cJSON_GetStringValue(cJSON_GetObjectItem(json, "scene")), folder, strlen(folder)) == 0);
    cJSON_Delete(json);
    snprintf(command, sizeof command, "sed -i 's/timestep=\"0.02\"/timestep=\"0.005\"/' %s/*.xml", folder);
    CLI_OK(command);
    snprintf(command, sizeof command, "$E eval agent.safetensors --episodes 1 --controller policy "
             "--set env.scene=%s/scene.xml", folder);
    CLI_OK(command);
    CU_ASSERT(strstr(cli_err, "a control step is 32 physics steps, 0.16 s") != NULL);
    CU_ASSERT(strstr(cli_out, folder) != NULL);
}

static void a_return_below_the_threshold_has_status_3(void)
{
    CU_ASSERT_EQUAL(cli("$E eval agent.safetensors --episodes 2 --json --min-return 97"), 3);
    cJSON_Delete(cli_json());
    CU_ASSERT(strstr(cli_err, "is below --min-return 97") != NULL);
    CLI_OK("$E eval agent.safetensors --episodes 2 --min-return -1");
    CU_ASSERT(strstr(cli_out, "pendulum, random start, dense reward") != NULL);
}

static void a_foreign_checkpoint_loads_with_its_configuration(void)
{
    CLI_OK("$E eval agent.safetensors --episodes 2 --json --config run/config.json");
    cJSON_Delete(cli_json());
}

static void check_groups(const cJSON *groups, const char *name, int count)
{
    const cJSON *list = cJSON_GetObjectItem(groups, name), *group;
    CU_ASSERT_EQUAL(cJSON_GetArraySize(list), count);
    cJSON_ArrayForEach(group, list) {
        cli_check_keys(group, "name type modules params");
        CU_ASSERT(cli_number(group, "modules") >= 1 && cli_number(group, "params") > 0);
    }
}

static void inspect_reports_components_axes_and_both_groupings(void)
{
    CLI_OK("$E inspect agent.safetensors --json");
    cJSON *json = cli_json(), *axis, *component;
    cli_check_keys(json, "application components params size_bytes flops_per_action axes groups");
    double sum = 0;
    cJSON_ArrayForEach(component, cJSON_GetObjectItem(json, "components")) sum += component->valuedouble;
    CU_ASSERT_EQUAL(sum, cli_number(json, "params"));
    cJSON_ArrayForEach(axis, cJSON_GetObjectItem(json, "axes")) {
        cli_check_keys(axis, "name size components prunable");
        CU_ASSERT(cJSON_IsArray(cJSON_GetObjectItem(axis, "components")));
        CU_ASSERT(cJSON_IsBool(cJSON_GetObjectItem(axis, "prunable")));
    }
    check_groups(cJSON_GetObjectItem(json, "groups"), "structural", 15);
    check_groups(cJSON_GetObjectItem(json, "groups"), "paper", 10);
    cJSON_Delete(json);
    CLI_OK("$E inspect agent.safetensors");
    CU_ASSERT(strstr(cli_out, "paper groups") != NULL && strstr(cli_out, "encoder-model") != NULL);
}

/* The report on the smaller network matches the file. */
static void check_pruned(const cJSON *json, const char *path, double target)
{
    double before = cli_number(json, "params_before"), after = cli_number(json, "params_after");
    CU_ASSERT_DOUBLE_EQUAL(1 - after / before, cli_number(json, "structural_sparsity"), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "structural_sparsity"), target, 0.02 + 1e-12);
    CLI_OK("$E inspect %s --json", path);
    cJSON *file = cli_json();
    CU_ASSERT_EQUAL(cli_number(file, "params"), after);
    const cJSON *axis;
    cJSON_ArrayForEach(axis, cJSON_GetObjectItem(file, "axes")) {
        const cJSON *kept = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItem(json, "kept"),
                                                             cJSON_GetObjectItem(axis, "name")->valuestring);
        if (kept) CU_ASSERT_EQUAL(cJSON_GetArrayItem(kept, 0)->valuedouble, cli_number(axis, "size"));
    }
    cJSON_Delete(file);
}

static void prune_writes_a_smaller_network_and_proves_it(void)
{
    CLI_OK(BARE "agent.safetensors -o small.st --sparsity 0.3 --tolerance 0.02 --report-episodes 4 --json");
    cJSON *json = cli_json();
    cli_check_keys(json, "method importance groups target_sparsity nominal_sparsity structural_sparsity coefficients "
                         "kept performance_before performance_after search_performance evaluations iterations wall_s "
                         "params_before params_after flops_before flops_after checkpoint controller seed start");
    CU_ASSERT(cli_number(json, "flops_after") < cli_number(json, "flops_before"));
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(json, "coefficients")), 15);
    check_pruned(json, "small.st", 0.3);

    CLI_OK("$E eval small.st --episodes 4 --json");
    cJSON *again = cli_json();
    CU_ASSERT_EQUAL(cli_number(again, "return_mean"), cli_number(json, "performance_after"));
    cJSON_Delete(again);
    CLI_OK("$E eval agent.safetensors --episodes 4 --json");
    again = cli_json();
    CU_ASSERT_EQUAL(cli_number(again, "return_mean"), cli_number(json, "performance_before"));
    cJSON_Delete(again);
    cJSON_Delete(json);
    CLI_OK("! ls small.st.* | grep -v journal"); /* no temporary left behind */
}

static void prune_knows_baselines_groups_importances_and_the_policy(void)
{
    CLI_OK(BARE "agent.safetensors -o m.st --method magnitude --importance l1 --report-episodes 2 "
           "--tolerance 0.02");
    CU_ASSERT(strstr(cli_out, "magnitude, l1, structural groups") != NULL && strstr(cli_out, "parameters") != NULL);
    CLI_OK(BARE "agent.safetensors -o r.st --method random --importance random --report-episodes 2 "
           "--tolerance 0.02 --groups paper --set search.draws=2 --json");
    cJSON *json = cli_json();
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(json, "coefficients")), 10);
    CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "nominal_sparsity"), 0.2, 0.02 + 1e-12);
    cJSON_Delete(json);
    CLI_OK(BARE "agent.safetensors -o p.st --controller policy --budget 20 --report-episodes 2 "
           "--tolerance 0.02 --json");
    json = cli_json();
    CU_ASSERT(cli_number(json, "evaluations") <= 20);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(json, "coefficients")), 7);
    CU_ASSERT_DOUBLE_EQUAL(1 - cli_number(json, "params_after") / cli_number(json, "params_before"),
                           cli_number(json, "structural_sparsity"), 1e-12);
    cJSON_Delete(json);
}

/* Said once, and it changes nothing. */
static void a_setting_that_the_method_does_not_read_is_warned_about(void)
{
    CLI_OK(BARE "agent.safetensors -o unread.st --controller policy --method random --sparsity 0.3 "
           "--tolerance 0.05 --episodes 2 --report-episodes 1 --set search.draws=2 --set search.iterations=9 "
           "--set search.rate=1 --quiet");
    CU_ASSERT(strstr(cli_err, "--set: search.iterations, search.rate have no effect: method 'random' reads "
                              "search.draws, search.finalists\n") != NULL);
    CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
    CLI_OK("$E sweep agent.safetensors -o unread --controller policy --methods magnitude/l1,magnitude/l2,random "
           "--sparsities 0.3 --tolerance 0.05 --episodes 2 --report-episodes 1 --set search.draws=2 "
           "--set search.grid=3 --quiet");
    CU_ASSERT(strstr(cli_err, "--set: search.grid has no effect: method 'magnitude' reads no such key; method 'random' "
                              "reads search.draws, search.finalists\n") != NULL);
    CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
}

static void a_journal_of_another_search_is_refused_and_kept(void)
{
    CLI_OK("cp m.st.journal.jsonl kept && cp m.st kept.st");
    cli_check_refusal(1, "prune --preset paper --groups structural agent.safetensors -o m.st --importance l1 --seed 2 "
                      "--journal m.st.journal.jsonl",
                  "belongs to another search: 'seed' is 1 there");
    CLI_OK("cmp m.st.journal.jsonl kept && cmp m.st kept.st");
}

static void a_journal_that_was_not_named_makes_way_for_another_search(void)
{
    CLI_OK(BARE "agent.safetensors -o m.st --method magnitude --seed 2 --report-episodes 2 --tolerance 0.02");
    CU_ASSERT(strstr(cli_err, "moved to m.st.journal.jsonl.old") != NULL);
    CLI_OK("cmp m.st.journal.jsonl.old kept && test -s m.st.journal.jsonl");
}

static void output_that_cannot_be_written_is_a_failure(void)
{
    static const char *const commands[] = {"--help", "inspect agent.safetensors", "inspect agent.safetensors --json",
                                           "eval agent.safetensors --episodes 1"};
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(cli("$E %s >/dev/full", commands[i]), 1);
        CU_ASSERT(strstr(cli_err, "cannot write to standard output: No space left on device") != NULL);
    }
}

static void bench_measures_selected_rows(void)
{
    CLI_OK("$E bench agent.safetensors --only 'encode.1' --json");
    cJSON *json = cli_json();
    cli_check_keys(json, "processor threads build peak_gflops rows version");
    const cJSON *rows = cJSON_GetObjectItem(json, "rows"), *row = cJSON_GetArrayItem(rows, 0);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(rows), 1);
    cli_check_keys(row, "name size threads repeats median p10 p90 unit gflops share_of_peak");
    CU_ASSERT(cli_number(row, "p10") <= cli_number(row, "median"));
    CU_ASSERT(cli_number(row, "median") <= cli_number(row, "p90"));
    cJSON_Delete(json);
}

static CU_TestInfo tests[] = {
    {"an agent is trained into a run directory", an_agent_is_trained_into_a_run_directory},
    {"help lists every command with examples", help_lists_every_command_with_examples},
    {"help of prune lists methods, importances and compensations",
     help_of_prune_lists_methods_importances_and_compensations},
    {"wrong usage has status 2 and one line", wrong_usage_has_status_2_and_one_line},
    {"bad files have status 1 and are named", bad_files_have_status_1_and_are_named},
    {"eval reports what the contract promises", eval_reports_what_the_contract_promises},
    {"eval needs no key that only training uses", eval_needs_no_key_that_only_training_uses},
    {"a scene given by --set is named in results", a_scene_given_by_set_is_named_in_results},
    {"a return below the threshold has status 3", a_return_below_the_threshold_has_status_3},
    {"a foreign checkpoint loads with its configuration", a_foreign_checkpoint_loads_with_its_configuration},
    {"inspect reports components, axes and both groupings", inspect_reports_components_axes_and_both_groupings},
    {"prune writes a smaller network and proves it", prune_writes_a_smaller_network_and_proves_it},
    {"prune knows baselines, groups, importances and the policy",
     prune_knows_baselines_groups_importances_and_the_policy},
    {"a setting that the method does not read is warned about",
     a_setting_that_the_method_does_not_read_is_warned_about},
    {"a journal of another search is refused and kept", a_journal_of_another_search_is_refused_and_kept},
    {"a journal that was not named makes way for another search",
     a_journal_that_was_not_named_makes_way_for_another_search},
    {"output that cannot be written is a failure", output_that_cannot_be_written_is_a_failure},
    {"bench measures selected rows", bench_measures_selected_rows},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli", tests)
