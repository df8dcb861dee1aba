/* Event files for TensorBoard: framing, numbers, runs that are resumed, sweeps. tests/event_files.py reads them: by
 * itself, and with TensorBoard's own reader in the Python that ESPALIER_PYTHON names (python3), where that has it. */
#include "cli_run.h"

#define SCRIPT ESP_SOURCE "/tests/event_files.py"

/* Compares the event files of a folder with the metrics or the table that they show, with both readers. */
static void check_events(const char *folder, const char *source, const char *name)
{
    CLI_OK("python3 " SCRIPT " own %s %s %s", folder, source, name);
    int status = cli("${ESPALIER_PYTHON:-python3} " SCRIPT " tensorboard %s %s %s", folder, source, name);
    if (status != 0) cli_say(); /* also why it was skipped */
    CU_ASSERT(status == 0 || status == 77);
}

static void a_training_run_is_written_as_it_goes(void)
{
    cli_begin();
    CLI_OK("$E train tiny.json -o one --set train.updates=105 --tensorboard board/one --quiet");
    CLI_OK("test $(ls board/one | wc -l) = 1");
    check_events("board/one", "one/metrics.jsonl", "update");
}

static void a_killed_and_resumed_run_has_every_step_once(void)
{
    char *const argv[] = {"espalier", "train", "tiny.json", "-o", "killed", "--resume", "--tensorboard", "board/killed",
                          "--quiet", NULL};
    int kills = cli_kill_until_done(argv, 300);
    printf("(%d kills) ", kills);
    check_events("board/killed", "killed/metrics.jsonl", "update");
}

/* A process that was killed between a line of metrics and its state left steps that the next one writes again. */
static void a_resumed_run_replaces_the_steps_that_it_repeats(void)
{
    CLI_OK("mkdir -p board/again && cp board/one/* board/again/");
    CLI_OK("$E train tiny.json -o again --set train.updates=105 --tensorboard board/again --quiet");
    CLI_OK("test $(ls board/again | wc -l) = 2");
    check_events("board/again", "again/metrics.jsonl", "update");
}

static void a_finished_run_is_written_whole_when_it_is_resumed(void)
{
    CLI_OK("$E train tiny.json -o run --resume --tensorboard board/late --quiet");
    check_events("board/late", "run/metrics.jsonl", "update");
    CLI_OK("$E train tiny.json -o run --resume --tensorboard board/late --quiet");
    CLI_OK("test $(ls board/late | wc -l) = 1");
}

static void a_sweep_is_one_run_per_method_and_seed(void)
{
    CLI_OK("$E sweep agent.safetensors --controller policy --episodes 2 --report-episodes 2 --tolerance 0.03 --set "
           "search.draws=2 --methods magnitude/l2,random --sparsities 0.2,0.5 "
           "--compensate none --finetune 0 -o s --tensorboard board/s --quiet");
    CLI_OK("find board/s -type f | sed 's|/events.*||' | sort | tr '\\n' ' '");
    CU_ASSERT_STRING_EQUAL(cli_out, "board/s/dense/seed1 board/s/magnitude/l2/seed1 board/s/random/seed1 ");
    check_events("board/s/dense/seed1", "s/results.csv", "dense");
    check_events("board/s/magnitude/l2/seed1", "s/results.csv", "magnitude/l2");
    check_events("board/s/random/seed1", "s/results.csv", "random");
}

static void an_event_file_that_cannot_be_written_ends_the_run(void)
{
    CLI_OK("echo >occupied");
    cli_check_refusal(1, "train tiny.json -o refused --tensorboard occupied --quiet", "occupied");
}

static CU_TestInfo tests[] = {
    {"a training run is written as it goes", a_training_run_is_written_as_it_goes},
    {"a killed and resumed run has every step once", a_killed_and_resumed_run_has_every_step_once},
    {"a resumed run replaces the steps that it repeats", a_resumed_run_replaces_the_steps_that_it_repeats},
    {"a finished run is written whole when it is resumed", a_finished_run_is_written_whole_when_it_is_resumed},
    {"a sweep is one run per method and seed", a_sweep_is_one_run_per_method_and_seed},
    {"an event file that cannot be written ends the run", an_event_file_that_cannot_be_written_ends_the_run},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli tensorboard", tests)
