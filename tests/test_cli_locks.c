/* Two processes with one output, and signals: the second process is refused in one line with the id of the first,
 * whose result does not change; every signal that asks for an end is heard soon, even within a long plan. */
#include "cli_run.h"

static void machine_can_draw(void)
{
    cli_begin();
}

/* The command is refused with the id of the process that holds the output. */
static void check_refused(const char *arguments, pid_t holder)
{
    char expected[64];
    snprintf(expected, sizeof expected, "is being written by process %ld (", (long)holder);
    cli_check_refusal(1, arguments, expected);
}

static void wait_for(const char *file)
{
    for (int i = 0; i < 6000 && access(file, F_OK) != 0; i++) usleep(10000);
    CU_ASSERT_FATAL(access(file, F_OK) == 0);
}

static int end_of(pid_t child)
{
    int status = -1;
    CU_ASSERT_FATAL(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Starts the first command, runs a second one as soon as `file` exists, and lets the first finish. */
static void meet(char *const first[], const char *file, const char *second)
{
    pid_t child = cli_start(first);
    wait_for(file);
    check_refused(second, child);
    CU_ASSERT_EQUAL(end_of(child), 0);
    CU_ASSERT_NOT_EQUAL(access(file, F_OK), 0);
}

static void the_second_of_two_prunings_with_one_output_is_refused(void)
{
    char *first[] = {"espalier", "prune", "--preset", "paper", "--groups", "structural", "agent.safetensors",
                     "-o", "both.st", "--method", "evolve", NULL};
    CLI_OK(BARE "agent.safetensors -o alone.st --method evolve --quiet");
    meet(first, "both.st.lock", "prune agent.safetensors -o both.st --method random --seed 2 --importance l1");
    CLI_OK("strip() { sed 's/,\"wall_s\":[^,}]*//; /^{\"result\"/d; s/,\"about\":.*//' $1.journal.jsonl; }; "
           "strip both.st >a; strip alone.st >b; cmp a b && test $(grep -c '^{\"format\"' both.st.journal.jsonl) = 1");
    CU_ASSERT_NOT_EQUAL(access("both.st.journal.jsonl.old", F_OK), 0);
}

static void the_second_of_two_trainings_into_one_folder_is_refused(void)
{
    char *first[] = {"espalier", "train", "tiny.json", "-o", "twice", NULL};
    meet(first, "twice/.lock", "train tiny.json -o twice --set train.seed=7");
    CLI_OK("cmp twice/checkpoint.safetensors run/checkpoint.safetensors && cmp twice/config.json run/config.json && "
           "test $(wc -l <twice/metrics.jsonl) = $(wc -l <run/metrics.jsonl)");
}

/* This process itself is the first one. */
static void every_command_that_writes_respects_the_lock(void)
{
    static const struct { const char *output, *arguments; } cases[] = {
        {"x.st", "prune agent.safetensors -o x.st"},
        {"j.jsonl", "prune agent.safetensors -o y.st --method magnitude --journal j.jsonl"},
        {"run", "train tiny.json -o run --resume"},
        {"run", "train tiny.json -o run"},
        {"folder", "sweep agent.safetensors -o folder --methods magnitude --sparsities 0.2"},
        {"s.png", "record agent.safetensors -o s.png"},
        {"folder", "record agent.safetensors -o folder"},
        {"page.html", "report run -o page.html"},
    };
    CLI_OK("mkdir folder");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        esp_lock *lock = NULL;
        CHECK_OK(esp_lock_take(cases[i].output, &lock));
        check_refused(cases[i].arguments, getpid());
        esp_lock_release(lock);
    }
    CLI_OK("ls -A folder");
    CU_ASSERT_STRING_EQUAL(cli_out, ""); /* a refusal leaves nothing */
    CU_ASSERT_NOT_EQUAL(cli("ls x.st* y.st* j.jsonl* s.png* page.html*"), 0);
}

static void the_second_of_two_sweeps_into_one_folder_is_refused(void)
{
    char *first[] = {"espalier", "sweep", "agent.safetensors", "-o", "cells", "--methods", "magnitude,random,gd",
                     "--sparsities", "0.2,0.5", NULL};
    meet(first, "cells/.lock", "sweep agent.safetensors -o cells --methods magnitude,random,gd --sparsities 0.2,0.5");
    CLI_OK("test $(wc -l <cells/results.jsonl) = 7"); /* six cells and the dense network */
}

static void locks_of_a_killed_process_are_free(void)
{
    char *first[] = {"espalier", "prune", "--preset", "paper", "--groups", "structural", "agent.safetensors",
                     "-o", "killed.st", "--method", "evolve", NULL};
    pid_t child = cli_start(first);
    wait_for("killed.st.journal.jsonl");
    kill(child, SIGKILL);
    CU_ASSERT_EQUAL(end_of(child), -1);
    CLI_OK(BARE "agent.safetensors -o killed.st --method evolve --quiet && cmp killed.st alone.st");
    CLI_OK("ls -A | grep '^killed.st'");
    CU_ASSERT_STRING_EQUAL(cli_out, "killed.st\nkilled.st.journal.jsonl\n");
}

static void an_infeasible_search_leaves_nothing(void)
{
    CU_ASSERT_EQUAL(cli(BARE "agent.safetensors -o never.st --sparsity 0.5 --pin '*=0'"), 1);
    CU_ASSERT_NOT_EQUAL(cli("ls never.st*"), 0);
}

/* One plan takes minutes. */
static void signals_are_heard_within_one_long_plan(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    char *argv[] = {"espalier", "eval", "agent.safetensors", "--episodes", "1", "--set", "planner.samples=65536",
                    "--set", "planner.horizon=100", "--set", "planner.iterations=100", NULL};
    for (int i = 0; i < 3; i++) {
        pid_t child = cli_start(argv);
        usleep(3000000);
        double start = esp_clock();
        kill(child, signals[i]);
        CU_ASSERT_EQUAL(end_of(child), 75);
        CU_ASSERT(esp_clock() - start < 5);
        char *said = cli_file("err");
        CU_ASSERT(strstr(said, "espalier: interrupted") != NULL);
        free(said);
    }
}

/* As under nohup: the terminal may close. */
static void a_hangup_that_was_ignored_stays_ignored(void)
{
    CLI_OK("trap '' HUP; $E eval agent.safetensors --episodes 20 --json >long & pid=$!; sleep 0.5; kill -HUP $pid; "
           "wait $pid");
    CLI_OK("grep -q returns long");
}

static CU_TestInfo tests[] = {
    {"machine can draw", machine_can_draw},
    {"the second of two prunings with one output is refused", the_second_of_two_prunings_with_one_output_is_refused},
    {"the second of two trainings into one folder is refused", the_second_of_two_trainings_into_one_folder_is_refused},
    {"every command that writes respects the lock", every_command_that_writes_respects_the_lock},
    {"the second of two sweeps into one folder is refused", the_second_of_two_sweeps_into_one_folder_is_refused},
    {"locks of a killed process are free", locks_of_a_killed_process_are_free},
    {"an infeasible search leaves nothing", an_infeasible_search_leaves_nothing},
    {"signals are heard within one long plan", signals_are_heard_within_one_long_plan},
    {"a hangup that was ignored stays ignored", a_hangup_that_was_ignored_stays_ignored},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli locks", tests)
