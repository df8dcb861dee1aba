/* Memory is zeroed and aligned, and running out ends the program at once. */
#include "tests/check.h"

#include <sys/wait.h>
#include <unistd.h>

static bool is_aligned(const void *pointer)
{
    return (uintptr_t)pointer % 64 == 0;
}

static void alloc_gives_zeroed_aligned_memory_for_any_count(void)
{
    for (size_t count = 0; count < 300; count += 7) {
        char *block = esp_alloc(count, 3);
        CU_ASSERT(block && is_aligned(block));
        for (size_t i = 0; i < 3 * count; i++) CU_ASSERT_EQUAL(block[i], 0);
        memset(block, 0x55, 3 * count);
        free(block);
    }
}

static void strdup_copies_a_text(void)
{
    char *copy = esp_strdup("pendulum");
    CU_ASSERT_STRING_EQUAL(copy, "pendulum");
    free(copy);
}

/* Runs `fatal` in a child without its message; returns its wait status. */
static int fate_of(void (*fatal)(void))
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(99);
        fatal();
        _exit(98);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

static void take_product_beyond_size_t(void)
{
    free(esp_alloc(SIZE_MAX / 2, 3));
}

static void take_more_than_any_machine_has(void)
{
    free(esp_alloc(SIZE_MAX / 4, 1));
}

static void alloc_ends_the_program_when_memory_runs_out(void)
{
    int overflow = fate_of(take_product_beyond_size_t), refused = fate_of(take_more_than_any_machine_has);
    CU_ASSERT(WIFEXITED(overflow) && WEXITSTATUS(overflow) == 1);
    CU_ASSERT(WIFEXITED(refused) && WEXITSTATUS(refused) == 1);
}

static CU_TestInfo tests[] = {
    {"alloc gives zeroed aligned memory for any count", alloc_gives_zeroed_aligned_memory_for_any_count},
    {"strdup copies a text", strdup_copies_a_text},
    {"alloc ends the program when memory runs out", alloc_ends_the_program_when_memory_runs_out},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("memory", tests)
