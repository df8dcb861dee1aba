/* The command line with an autoencoder: what scripts read, and what is refused. */
#include "autoencoder/autoencoder.h"

#include "cli_run.h"

#define AGENT ESP_SOURCE "/models/pendulum/agent.safetensors"

/* Few images and few steps: the network is the paper's, only its training is short. */
enum { TRAIN = 300, TEST = 100, HEADER = 16 };

/* ---- a folder of images, and folders that are wrong ---- */

static void put(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void write_images(const char *path, int first, int count)
{
    size_t size = HEADER + (size_t)count * ESP_IMAGE_PIXELS;
    uint8_t *file = esp_alloc(size, 1);
    put(file, 0x0803);
    put(file + 4, (uint32_t)count);
    put(file + 8, ESP_IMAGE_SIDE);
    put(file + 12, ESP_IMAGE_SIDE);
    esp_digits_draw(first, count, file + HEADER);
    CHECK_OK(esp_file_write(path, file, size));
    free(file);
}

static void an_autoencoder_is_trained_into_a_run_directory(void)
{
    cli_open();
    CLI_OK("mkdir digits");
    CLI_OK("echo '{\"application\": \"autoencoder\", \"train\": {\"epochs\": 3, \"batch\": 50}}' >ae.json");
    write_images("digits/train-images-idx3-ubyte", 0, TRAIN);
    write_images("digits/t10k-images-idx3-ubyte", TRAIN, TEST);
    CLI_OK("$E train ae.json -o run --data digits --seed 7 --json");
    cJSON *json = cli_json();
    cli_check_keys(json, "application data run_dir checkpoint seed epochs images mse psnr_of_mean_mse_db mean_psnr_db "
                         "version");
    CU_ASSERT(cli_number(json, "seed") == 7 && cli_number(json, "epochs") == 3);
    CU_ASSERT(cli_number(json, "images") == TEST);
    CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItem(json, "data")->valuestring, "digits");
    CU_ASSERT(strstr(cli_err, "epoch 3: ") != NULL && !strstr(cli_err, "nan"));
    cJSON_Delete(json);
    CLI_OK("test -s run/config.json && test -s run/metrics.jsonl && cp run/checkpoint.safetensors ae.st");
}

static void train_interrupted_and_resumed_gives_the_same_file(void)
{
    char *const argv[] = {"espalier", "train", "ae.json", "-o", "stopped", "--data", "digits", "--seed", "7", NULL};
    int status = cli_interrupt(argv, "stopped/state.safetensors", SIGINT);
    char *said = cli_file("err");
    if (status != 0) /* the run may have ended before the signal */
        CU_ASSERT(strstr(said, "espalier: interrupted; resume with: espalier train ae.json -o stopped --data digits "
                               "--seed 7 --resume\n") != NULL);
    free(said);
    CLI_OK("$E train ae.json -o stopped --data digits --seed 7 --resume && cmp stopped/checkpoint.safetensors ae.st");
}

static void without_data_every_result_says_that_digits_are_generated(void)
{
    CLI_OK("$E train ae.json -o generated --set train.epochs=0 --json");
    cJSON *json = cli_json();
    CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItem(json, "data")->valuestring, "generated digits");
    CU_ASSERT_EQUAL(cli_number(json, "images"), ESP_GENERATED_TEST);
    CU_ASSERT(strstr(cli_err, "generated digits stand in for MNIST") != NULL);
    cJSON_Delete(json);
    CLI_OK("$E eval ae.st");
    CU_ASSERT(strstr(cli_out, "2000 test images, generated digits") != NULL);
    CU_ASSERT(strstr(cli_err, "generated digits stand in for MNIST") != NULL);
}

static void eval_reports_what_the_contract_promises(void)
{
    CLI_OK("$E eval ae.st --data digits --json");
    cJSON *json = cli_json();
    cli_check_keys(json, "application checkpoint data images mse psnr_of_mean_mse_db mean_psnr_db params "
                         "flops_per_image version");
    CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItem(json, "application")->valuestring, "autoencoder");
    CU_ASSERT(cli_number(json, "images") == TEST && cli_number(json, "params") == 2312992);
    CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "psnr_of_mean_mse_db"), -10 * log10(cli_number(json, "mse")), 1e-9);
    /* 1 / mse is convex: the mean of the logarithms is the larger one. */
    CU_ASSERT(cli_number(json, "mean_psnr_db") >= cli_number(json, "psnr_of_mean_mse_db"));
    CU_ASSERT_STRING_EQUAL(cli_err, "");
    cJSON_Delete(json);
}

static void a_psnr_below_the_threshold_has_status_3(void)
{
    CU_ASSERT_EQUAL(cli("$E eval ae.st --data digits --json --min-psnr 90"), 3);
    cJSON_Delete(cli_json());
    CU_ASSERT(strstr(cli_err, "is below --min-psnr 90") != NULL && cli_lines(cli_err) == 1);
    CLI_OK("$E eval ae.st --data digits --min-psnr 1");
    CU_ASSERT(strstr(cli_out, "100 test images, digits") != NULL);
}

static void inspect_reports_the_tables_of_the_paper(void)
{
    CLI_OK("$E inspect ae.st --json");
    cJSON *json = cli_json();
    cli_check_keys(json, "application components params size_bytes flops_per_image axes groups");
    const cJSON *groups = cJSON_GetObjectItem(json, "groups"), *components = cJSON_GetObjectItem(json, "components");
    CU_ASSERT_EQUAL(cli_number(components, "encoder") + cli_number(components, "decoder"), 2312992);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(groups, "structural")), 7);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(groups, "paper")), 5);
    cJSON_Delete(json);
    CLI_OK("$E inspect ae.st");
    CU_ASSERT(strstr(cli_out, "encoder-decoder") != NULL && strstr(cli_out, "99,584") != NULL);
}

/* ---- prune ---- */

#define PRUNE BARE "ae.st --data digits --images 50 "

static const cJSON *kept(const cJSON *json, const char *axis)
{
    const cJSON *pair = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItem(json, "kept"), axis);
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(pair), 2);
    return pair;
}

/* The network in the file is that of the given stage. */
static void check_file(const cJSON *json, const char *path, const char *stage)
{
    char key[64];
    CLI_OK("$E eval %s --data digits --json", path);
    cJSON *again = cli_json();
    snprintf(key, sizeof key, "performance_%s", stage);
    CU_ASSERT_EQUAL(cli_number(again, "psnr_of_mean_mse_db"), cli_number(json, key));
    snprintf(key, sizeof key, "mse_%s", stage);
    CU_ASSERT_EQUAL(cli_number(again, "mse"), cli_number(json, key));
    CU_ASSERT_EQUAL(cli_number(again, "params"), cli_number(json, "params_after"));
    cJSON_Delete(again);
}

static void prune_writes_a_smaller_network_and_proves_it(void)
{
    CLI_OK(PRUNE "-o small.st --sparsity 0.3 --set search.draws=2 --budget 60 --method random --json");
    cJSON *json = cli_json();
    cli_check_keys(json, "application data seed method importance groups target_sparsity nominal_sparsity "
                         "structural_sparsity coefficients kept performance_before performance_after "
                         "search_performance evaluations iterations wall_s params_before params_after flops_before "
                         "flops_after checkpoint mse_before mse_after mean_psnr_db_before mean_psnr_db_after");
    CU_ASSERT(cli_number(json, "search_images") == 50 && cli_number(json, "evaluations") <= 60);
    CU_ASSERT(!cJSON_HasObjectItem(json, "performance_uncompensated"));
    CU_ASSERT(!cJSON_HasObjectItem(json, "performance_finetuned"));
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(json, "coefficients")), 7);
    CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "structural_sparsity"), 0.3, 0.01 + 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(1 - cli_number(json, "params_after") / cli_number(json, "params_before"),
                           cli_number(json, "structural_sparsity"), 1e-12);
    CU_ASSERT(cli_number(json, "flops_after") < cli_number(json, "flops_before"));
    check_file(json, "small.st", "after");
    cJSON_Delete(json);
    CLI_OK("! ls small.st.* | grep -v journal"); /* no temporary left behind */
}

static void every_stage_is_reported_on_its_own(void)
{
    CLI_OK(PRUNE "-o stages.st --method magnitude --sparsity 0.6 --compensate mean --finetune 3 --json");
    cJSON *json = cli_json();
    cli_check_keys(json, "performance_before performance_uncompensated performance_after performance_finetuned "
                         "mse_before mse_uncompensated mse_after mse_finetuned");
    CU_ASSERT_EQUAL(cli_number(json, "finetune_steps"), 3);
    CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItem(json, "compensation")->valuestring, "mean");
    CU_ASSERT(cli_number(json, "mse_uncompensated") != cli_number(json, "mse_after"));
    CU_ASSERT(cli_number(json, "mse_finetuned") != cli_number(json, "mse_after"));
    check_file(json, "stages.st", "finetuned");
    double uncompensated = cli_number(json, "mse_uncompensated"), after = cli_number(json, "mse_after");
    cJSON_Delete(json);

    /* The cut of magnitude depends on nothing else, so plain runs must report the same for their
     * stage. */
    CLI_OK(PRUNE "-o plain.st --method magnitude --sparsity 0.6 --json");
    json = cli_json();
    CU_ASSERT_EQUAL(cli_number(json, "mse_after"), uncompensated);
    cJSON_Delete(json);
    CLI_OK(PRUNE "-o mean.st --method magnitude --sparsity 0.6 --compensate mean --json");
    json = cli_json();
    CU_ASSERT_EQUAL(cli_number(json, "mse_after"), after);
    check_file(json, "mean.st", "after");
    cJSON_Delete(json);
    CLI_OK(PRUNE "-o table.st --method magnitude --sparsity 0.6 --compensate mean --finetune 1");
    CU_ASSERT(strstr(cli_out, "uncompensated") != NULL && strstr(cli_out, "finetuned") != NULL);
}

static void least_squares_repair_the_recorded_images(void)
{
    CLI_OK(PRUNE "-o lsq.st --method magnitude --compensate lsq --json");
    cJSON *json = cli_json();
    CU_ASSERT(cli_number(json, "mse_after") < cli_number(json, "mse_uncompensated"));
    check_file(json, "lsq.st", "after");
    cJSON_Delete(json);
}

static void units_can_be_ranked_by_recorded_images(void)
{
    static const char *const names[] = {"lamp", "activation", "taylor"};
    for (int i = 0; i < 3; i++) {
        CLI_OK(PRUNE "-o ranked.st --method magnitude --importance %s --json", names[i]);
        cJSON *json = cli_json();
        CU_ASSERT_STRING_EQUAL(cJSON_GetObjectItem(json, "importance")->valuestring, names[i]);
        check_file(json, "ranked.st", "after");
        cJSON_Delete(json);
    }
}

static void pins_and_rounding_are_obeyed(void)
{
    CLI_OK(PRUNE "-o pinned.st --method magnitude --round-to 8 --pin 'encoder.*=0' --pin latent=0.25 --json");
    cJSON *json = cli_json();
    const cJSON *pair;
    cJSON_ArrayForEach(pair, cJSON_GetObjectItem(json, "kept")) {
        int width = cJSON_GetArrayItem(pair, 0)->valueint, whole = cJSON_GetArrayItem(pair, 1)->valueint;
        CU_ASSERT(width == whole || width % 8 == 0);
        if (strncmp(pair->string, "encoder", 7) == 0) CU_ASSERT_EQUAL(width, whole);
    }
    CU_ASSERT_EQUAL(cJSON_GetArrayItem(kept(json, "latent"), 0)->valueint, 192);
    CU_ASSERT(cJSON_GetArrayItem(kept(json, "decoder.hidden3"), 0)->valueint < 652);
    CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "structural_sparsity"), 0.2, 0.01 + 1e-12);
    check_file(json, "pinned.st", "after");
    cJSON_Delete(json);
}

static void groups_of_the_paper_are_constrained_by_nominal_sparsity(void)
{
    CLI_OK(PRUNE "-o paper.st --method magnitude --groups paper --json");
    cJSON *json = cli_json();
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(json, "coefficients")), 5);
    CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "nominal_sparsity"), 0.2, 0.01 + 1e-12);
    CU_ASSERT_EQUAL(cJSON_GetArrayItem(kept(json, "encoder.hidden1"), 0)->valueint, 652);
    cJSON_Delete(json);
}

static void prune_gives_the_same_files_with_one_thread_and_two(void)
{
    static const char *const strip = "sed -n '/^{\"kept\"/ s/,\"wall_s\":[^,}]*//p' %s.st.journal.jsonl >%s";
    CLI_OK(PRUNE "-o one.st --set search.iterations=2 --threads 1");
    CLI_OK(PRUNE "-o two.st --set search.iterations=2 --threads 2");
    CLI_OK(strip, "one", "one");
    CLI_OK(strip, "two", "two");
    CLI_OK("cmp one.st two.st && cmp one two");
}

static void a_journal_of_other_images_is_refused(void)
{
    CLI_OK("cp -r digits others && cp digits/t10k-images-idx3-ubyte others/train-images-idx3-ubyte");
    cli_check_refusal(1, "prune --preset paper --groups structural ae.st -o o --data others --images 50 "
                      "--journal one.st.journal.jsonl",
                      "belongs to another search: 'images_hash' is");
    cli_check_refusal(1, "prune --preset paper --groups structural ae.st -o o --data digits --images 51 "
                      "--journal one.st.journal.jsonl",
                      "belongs to another search: 'images' is 50 there");
}

/* ---- what is refused ---- */

static void options_of_the_other_application_are_refused(void)
{
    static const struct { const char *arguments, *word; } cases[] = {
        {"eval ae.st --min-return 1", "--min-return: not for ae.st, which belongs to application 'autoencoder'"},
        {"eval ae.st --episodes 3", "--episodes: not for ae.st"},
        {"eval ae.st --controller policy", "--controller: not for ae.st"},
        {"eval ae.st --start hanging", "--start: not for ae.st"},
        {"prune ae.st -o o --episodes 3", "--episodes: not for ae.st"},
        {"prune ae.st -o o --report-episodes 3", "--report-episodes: not for ae.st"},
        {"sweep ae.st -o folder --controller policy", "--controller: not for ae.st"},
        {"eval " AGENT " --min-psnr 1", "agent.safetensors, which belongs to application 'tdmpc'"},
        {"eval " AGENT " --data digits", "--data: not for"},
        {"prune " AGENT " -o o --images 10", "--images: not for"},
        {"train " ESP_SOURCE "/models/pendulum/config.json -o new --data digits", "--data: not for"},
        {"eval ae.st --set planner.samples=3", "unknown key 'planner.samples'"},
        {"eval " AGENT " --set train.epochs=3", "unknown key 'train.epochs'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) cli_check_refusal(2, cases[i].arguments, cases[i].word);
    CLI_OK("! test -e o && ! test -e folder && ! test -e new");
}

static void a_checkpoint_of_the_other_application_is_refused(void)
{
    static const struct { int status; const char *arguments, *word; } cases[] = {
        {1, "eval " AGENT " --config ae.json", "expected an autoencoder"},
        {1, "eval ae.st --config " ESP_SOURCE "/models/pendulum/config.json", "its application is 'autoencoder'"},
        {2, "eval ae.st --config digits.json", "application 'digits' is unknown"},
        {2, "train digits.json -o new", "digits.json: application 'digits' is unknown"},
        {2, "train number.json -o new", "number.json: key 'application' must be a string"},
        {2, "train list.json -o new", "list.json: a configuration must be a JSON object"},
        {2, "train nameless.json -o new", "'train.epochs' is a key of application 'autoencoder'; add"},
        {2, "train mistyped.json -o new", "unknown key 'train.epoch' (did you mean 'train.epochs'?)"},
        {2, "train ae.json -o new --set train.batch=1", "'train.batch'"},
        {2, "train ae.json -o run --data digits", "run already holds a run; add --resume"},
        {2, "train ae.json -o run --data digits --resume", "run was made with another configuration"},
    };
    CLI_OK("echo '{\"application\": \"digits\"}' >digits.json && echo '{\"application\": 3}' >number.json");
    CLI_OK("echo '[]' >list.json && echo '{\"train\": {\"seed\": 2, \"epochs\": 3}}' >nameless.json");
    CLI_OK("echo '{\"application\": \"autoencoder\", \"train\": {\"epoch\": 3}}' >mistyped.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments, "%s --quiet", cases[i].arguments);
        cli_check_refusal(cases[i].status, arguments, cases[i].word);
    }
    CLI_OK("! test -e new");
}

/* Writes a folder like digits/ with another file of training images, whose header begins with four
 * numbers. */
static void write_folder(const char *folder, const uint32_t header[4], const char *data, size_t size)
{
    char path[128];
    uint8_t *file = esp_alloc(size, 1);
    memcpy(file, data, size);
    for (int i = 0; i < 4; i++) put(file + 4 * i, header[i]);
    CLI_OK("mkdir %s && cp digits/t10k-images-idx3-ubyte %s", folder, folder);
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", folder);
    CHECK_OK(esp_file_write(path, file, size));
    free(file);
}

static void write_folders(void)
{
    static const uint32_t good[4] = {0x803, TRAIN, 28, 28}, magic[4] = {0x12345678, TRAIN, 28, 28},
                          count[4] = {0x803, 4000000000u, 28, 28}, size[4] = {0x803, TRAIN, 28, 29},
                          labels[4] = {0x801, TRAIN, 0, 0};
    char *data = cli_file("digits/train-images-idx3-ubyte");
    size_t whole = HEADER + (size_t)TRAIN * ESP_IMAGE_PIXELS;
    write_folder("magic", magic, data, whole);
    write_folder("count", count, data, whole);
    write_folder("size", size, data, whole);
    write_folder("labels", labels, data, 8 + TRAIN);
    write_folder("short", good, data, whole - 1);
    write_folder("trailing", good, data, whole + 1); /* includes the final 0 that cli_file appends */
    free(data);
    CLI_OK("mkdir empty && mkdir half && cp digits/train-images-idx3-ubyte half");
    CLI_OK("cp -r digits hollow && : >hollow/train-images-idx3-ubyte");
}

static void images_that_are_wrong_are_refused_by_name(void)
{
    static const struct { const char *folder, *word; } cases[] = {
        {"magic", "magic/train-images-idx3-ubyte: "},
        {"count", "count/train-images-idx3-ubyte: "},
        {"size", "size/train-images-idx3-ubyte: "},
        {"labels", "labels/train-images-idx3-ubyte: holds labels, not images"},
        {"short", "short/train-images-idx3-ubyte: ends after 235199 bytes"},
        {"trailing", "trailing/train-images-idx3-ubyte: has bytes after its 300 images"},
        {"hollow", "hollow/train-images-idx3-ubyte: is empty"},
        {"empty", "folder 'empty' has neither train-images-idx3-ubyte nor"},
        {"half", "folder 'half' has neither t10k-images-idx3-ubyte nor"},
        {"missing", "cannot open the data folder 'missing': No such file"},
        {"ae.st", "'ae.st' is a file; expected the folder"},
    };
    static const char *const commands[] = {"eval ae.st", "train ae.json -o new", "prune ae.st -o o",
                                           "sweep ae.st -o folder"};
    write_folders();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char arguments[128];
        snprintf(arguments, sizeof arguments, "%s --data %s", commands[i % 4], cases[i].folder);
        cli_check_refusal(1, arguments, cases[i].word);
        snprintf(arguments, sizeof arguments, "%s --data %s", commands[(i + 1) % 4], cases[i].folder);
        cli_check_refusal(1, arguments, cases[i].word);
    }
    CLI_OK("! test -e new && ! test -e o && ! test -e folder");
}

static CU_TestInfo tests[] = {
    {"an autoencoder is trained into a run directory", an_autoencoder_is_trained_into_a_run_directory},
    {"train interrupted and resumed gives the same file", train_interrupted_and_resumed_gives_the_same_file},
    {"without data every result says that digits are generated",
     without_data_every_result_says_that_digits_are_generated},
    {"eval reports what the contract promises", eval_reports_what_the_contract_promises},
    {"a PSNR below the threshold has status 3", a_psnr_below_the_threshold_has_status_3},
    {"inspect reports the tables of the paper", inspect_reports_the_tables_of_the_paper},
    {"prune writes a smaller network and proves it", prune_writes_a_smaller_network_and_proves_it},
    {"every stage is reported on its own", every_stage_is_reported_on_its_own},
    {"least squares repair the recorded images", least_squares_repair_the_recorded_images},
    {"units can be ranked by recorded images", units_can_be_ranked_by_recorded_images},
    {"pins and rounding are obeyed", pins_and_rounding_are_obeyed},
    {"groups of the paper are constrained by nominal sparsity",
     groups_of_the_paper_are_constrained_by_nominal_sparsity},
    {"prune gives the same files with one thread and two", prune_gives_the_same_files_with_one_thread_and_two},
    {"a journal of other images is refused", a_journal_of_other_images_is_refused},
    {"options of the other application are refused", options_of_the_other_application_are_refused},
    {"a checkpoint of the other application is refused", a_checkpoint_of_the_other_application_is_refused},
    {"images that are wrong are refused by name", images_that_are_wrong_are_refused_by_name},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli autoencoder", tests)
