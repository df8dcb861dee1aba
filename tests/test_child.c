/* Work in a child process: its result comes back; a crash, hang or exit becomes a sentence. */
#include "tests/check.h"

#include <signal.h>
#include <unistd.h>

typedef struct { int given, made; } sum;

static esp_status add_one(void *argument)
{
    sum *s = argument;
    s->made = s->given + 1;
    return ESP_OK;
}

static void results_that_the_work_writes_come_back(void)
{
    sum s = {.given = 41};
    CHECK_OK(esp_isolate(add_one, &s, sizeof s, 10));
    CU_ASSERT_EQUAL(s.made, 42);
}

static esp_status refuse(void *argument)
{
    (void)argument;
    return esp_fail(ESP_ERR_RANGE, "the child's own sentence");
}

static void a_failure_of_the_work_keeps_status_and_sentence(void)
{
    sum s = {.given = 0};
    CHECK_FAILS(ESP_ERR_RANGE, esp_isolate(refuse, &s, sizeof s, 10), "the child's own sentence");
}

static esp_status crash(void *argument)
{
    sum *s = argument;
    s->made = 7;
    fputs("a line\nlast words\n", stderr);
    signal(SIGSEGV, SIG_DFL); /* otherwise a sanitizer would write a report */
    raise(SIGSEGV);
    return ESP_OK;
}

static void a_crash_is_a_sentence_with_the_last_words(void)
{
    sum s = {.given = 0};
    CHECK_FAILS(ESP_ERR_MACHINE, esp_isolate(crash, &s, sizeof s, 10), "Segmentation fault): last words");
    CU_ASSERT_EQUAL(s.made, 7);
}

static esp_status leave(void *argument)
{
    (void)argument;
    fputs("out of something\n\n", stderr);
    _exit(3);
}

static void a_library_that_ends_the_process_ends_only_the_child(void)
{
    sum s = {.given = 0};
    CHECK_FAILS(ESP_ERR_MACHINE, esp_isolate(leave, &s, sizeof s, 10), "status 3: out of something");
}

static esp_status hang(void *argument)
{
    (void)argument;
    while (pause() < 0) continue;
    return ESP_OK;
}

static void work_that_hangs_is_given_up(void)
{
    sum s = {.given = 0};
    double before = esp_clock();
    CHECK_FAILS(ESP_ERR_MACHINE, esp_isolate(hang, &s, sizeof s, 1), "no answer within 1 s");
    CU_ASSERT(esp_clock() - before < 30.0);
}

static void a_program_line_is_its_first_line_or_nothing(void)
{
    char line[32];
    CU_ASSERT(esp_program_line("printf 'one\\ntwo\\n'", line, sizeof line));
    CU_ASSERT_STRING_EQUAL(line, "one");
    CU_ASSERT_FALSE(esp_program_line("echo one; exit 1", line, sizeof line));
    CU_ASSERT_FALSE(esp_program_line("true", line, sizeof line));
}

static void a_program_without_a_version_is_missing_or_does_not_run(void)
{
    char version[32];
    CHECK_OK(esp_program_version("echo", "'tool version 1.2-3 by somebody'", "p", version, sizeof version));
    CU_ASSERT_STRING_EQUAL(version, "1.2-3");
    CHECK_FAILS(ESP_ERR_MACHINE, esp_program_version("no-such-program", "--version", "its-package", version, 32),
                "no-such-program is missing (install the package its-package)");
    CHECK_FAILS(ESP_ERR_MACHINE, esp_program_version("sh", "-c 'echo no memory >&2; exit 1'", "p", version, 32),
                "the program sh is installed but does not run: no memory");
}

static CU_TestInfo tests[] = {
    {"results that the work writes come back", results_that_the_work_writes_come_back},
    {"a failure of the work keeps status and sentence", a_failure_of_the_work_keeps_status_and_sentence},
    {"a crash is a sentence with the last words", a_crash_is_a_sentence_with_the_last_words},
    {"a library that ends the process ends only the child", a_library_that_ends_the_process_ends_only_the_child},
    {"work that hangs is given up", work_that_hangs_is_given_up},
    {"a program line is its first line or nothing", a_program_line_is_its_first_line_or_nothing},
    {"a program without a version is missing or does not run",
     a_program_without_a_version_is_missing_or_does_not_run},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("child", tests)
