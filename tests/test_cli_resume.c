/* The same files, bit for bit, for any number of threads and however often a run was killed. */
#include "cli_run.h"

static void train_gives_the_same_file_with_one_thread_and_two(void)
{
    cli_begin();
    CLI_OK("$E train tiny.json -o one --threads 1 && $E train tiny.json -o two --threads 2");
    CLI_OK("cmp one/checkpoint.safetensors two/checkpoint.safetensors");
    CLI_OK("cmp one/checkpoint.safetensors agent.safetensors");
}

static void train_killed_and_resumed_gives_the_same_file(void)
{
    char *const argv[] = {"espalier", "train", "tiny.json", "-o", "killed", "--resume", NULL};
    int kills = cli_kill_until_done(argv, 100);
    CU_ASSERT(kills > 0);
    printf("(%d kills) ", kills);
    CLI_OK("cmp killed/checkpoint.safetensors agent.safetensors");
    /* Each update has one line, in order; only wall_s differs. */
    CLI_OK("sed 's/,\"wall_s.*//; s/,\"ms_per_update.*//' killed/metrics.jsonl >a");
    CLI_OK("sed 's/,\"wall_s.*//; s/,\"ms_per_update.*//' run/metrics.jsonl >b && cmp a b");
}

static void train_interrupted_says_how_to_resume(void)
{
    char *const argv[] = {"espalier", "train", "tiny.json", "-o", "stopped", "--set", "train.updates=100000", "--quiet",
                          NULL};
    CU_ASSERT_EQUAL(cli_interrupt(argv, "stopped/state.safetensors", SIGINT), 75);
    char *said = cli_file("err");
    CU_ASSERT_STRING_EQUAL(said, "espalier: interrupted; resume with: espalier train tiny.json -o stopped --set "
                                 "train.updates=100000 --quiet --resume\n");
    free(said);
}

/* The array "returns" as text. */
static char *returns_of(const char *options)
{
    CLI_OK("$E eval agent.safetensors --episodes 23 --json %s", options);
    cJSON *json = cli_json();
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(json, "returns"));
    cJSON_Delete(json);
    return text;
}

static void eval_gives_the_same_returns_with_one_thread_and_two(void)
{
    static const char *const controllers[] = {"--controller policy", "--controller mppi"};
    for (int i = 0; i < 2; i++) {
        char options[64];
        snprintf(options, sizeof options, "%s --threads 1", controllers[i]);
        char *one = returns_of(options);
        snprintf(options, sizeof options, "%s --threads 2", controllers[i]);
        char *two = returns_of(options);
        CU_ASSERT_STRING_EQUAL(one, two);
        cJSON_free(one);
        cJSON_free(two);
    }
}

#define PRUNE "prune", "--preset", "paper", "--groups", "structural", "agent.safetensors", "--sparsity", "0.3", \
              "--tolerance", "0.02", "--episodes", "4", \
              "--set", "search.iterations=6"
#define PRUNE_TEXT BARE "agent.safetensors --sparsity 0.3 --tolerance 0.02 --episodes 4 --set search.iterations=6"

/* The evaluations of a search without their times; other lines name the command. */
static const char *const strip_journal =
    "sed -n '/^{\"\\(kept\\|round\\)\"/ s/,\"wall_s\":[^,}]*//p' %s.journal.jsonl >%s.lines";

static void prune_gives_the_same_files_with_one_thread_and_two(void)
{
    CLI_OK(PRUNE_TEXT " -o one.st --threads 1 && " PRUNE_TEXT " -o two.st --threads 2");
    CLI_OK(strip_journal, "one.st", "one");
    CLI_OK(strip_journal, "two.st", "two");
    CLI_OK("cmp one.st two.st && cmp one.lines two.lines");
}

static void prune_killed_and_started_again_gives_the_same_files(void)
{
    char *const argv[] = {"espalier", PRUNE, "-o", "killed.st", NULL};
    int kills = cli_kill_until_done(argv, 60);
    CU_ASSERT(kills > 0);
    printf("(%d kills) ", kills);
    char *said = cli_file("err");
    CU_ASSERT(strstr(said, "resuming from killed.st.journal.jsonl") != NULL);
    free(said);
    CLI_OK(strip_journal, "killed.st", "killed");
    CLI_OK("cmp one.st killed.st && cmp one.lines killed.lines");
}

static void prune_for_another_target_says_what_it_reuses_and_what_it_replaces(void)
{
    CLI_OK(BARE "agent.safetensors --episodes 4 --method magnitude --sparsity 0.2 -o reused.st");
    CLI_OK(BARE "agent.safetensors --episodes 4 --method magnitude --sparsity 0.4 -o reused.st");
    CU_ASSERT(strstr(cli_err, "of reused.st.journal.jsonl, where 'target_sparsity' was 0.2, for 0.4; the result will "
                              "replace reused.st\n") != NULL);
    CLI_OK(BARE "agent.safetensors --episodes 4 --method magnitude --sparsity 0.4 -o reused.st");
    CU_ASSERT(strstr(cli_err, "resuming from reused.st.journal.jsonl") != NULL);
}

/* The same of a pruning in two rounds, with everything that the preset `best` does. */
#define ROUNDS "prune", "agent.safetensors", "--controller", "policy", "--sparsity", "0.6", "--tolerance", "0.05", \
               "--rounds", "2", "--finetune", "40", "--episodes", "2", "--report-episodes", "2", \
               "--set", "search.levels=2", "--set", "search.finalists=2"
#define ROUNDS_TEXT "$E prune agent.safetensors --controller policy --sparsity 0.6 --tolerance 0.05 --rounds 2 " \
                    "--finetune 40 --episodes 2 --report-episodes 2 --set search.levels=2 --set search.finalists=2"

static void rounds_give_the_same_files_with_one_thread_and_two(void)
{
    CLI_OK(ROUNDS_TEXT " -o r1.st --threads 1 && " ROUNDS_TEXT " -o r2.st --threads 2");
    CLI_OK(strip_journal, "r1.st", "r1");
    CLI_OK(strip_journal, "r2.st", "r2");
    CLI_OK("cmp r1.st r2.st && cmp r1.lines r2.lines");
    CLI_OK("grep -q '\"round\":2' r1.st.journal.jsonl");
}

static void rounds_killed_and_started_again_give_the_same_files(void)
{
    char *const argv[] = {"espalier", ROUNDS, "-o", "dead.st", NULL};
    int kills = cli_kill_until_done(argv, 60);
    CU_ASSERT(kills > 0);
    printf("(%d kills) ", kills);
    CLI_OK(strip_journal, "dead.st", "dead");
    CLI_OK("cmp r1.st dead.st && cmp r1.lines dead.lines");
}

static void prune_interrupted_leaves_the_journal_and_no_network(void)
{
    char *const argv[] = {"espalier", PRUNE, "-o", "stopped.st", "--set", "search.iterations=10000",
                          "--episodes", "400", NULL};
    CU_ASSERT_EQUAL(cli_interrupt(argv, "stopped.st.journal.jsonl", SIGTERM), 75);
    char *said = cli_file("err");
    CU_ASSERT_STRING_EQUAL(said, "espalier: interrupted; the same command resumes from stopped.st.journal.jsonl\n");
    free(said);
    CLI_OK("test -s stopped.st.journal.jsonl && ! test -e stopped.st");
}

static CU_TestInfo tests[] = {
    {"train gives the same file with one thread and two", train_gives_the_same_file_with_one_thread_and_two},
    {"train killed and resumed gives the same file", train_killed_and_resumed_gives_the_same_file},
    {"train interrupted says how to resume", train_interrupted_says_how_to_resume},
    {"eval gives the same returns with one thread and two", eval_gives_the_same_returns_with_one_thread_and_two},
    {"prune gives the same files with one thread and two", prune_gives_the_same_files_with_one_thread_and_two},
    {"prune killed and started again gives the same files", prune_killed_and_started_again_gives_the_same_files},
    {"rounds give the same files with one thread and two", rounds_give_the_same_files_with_one_thread_and_two},
    {"rounds killed and started again give the same files", rounds_killed_and_started_again_give_the_same_files},
    {"prune interrupted leaves the journal and no network", prune_interrupted_leaves_the_journal_and_no_network},
    {"prune for another target says what it reuses and what it replaces",
     prune_for_another_target_says_what_it_reuses_and_what_it_replaces},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("resume", tests)
