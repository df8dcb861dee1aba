/* Memory is zeroed and aligned, scratch is a stack, and running out ends the program at once. */
#include "tests/check.h"

#include <signal.h>
#include <sys/resource.h>
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

/* Runs `fatal` in a child without core dump or message; its wait status. */
static int fate_of(void (*fatal)(void))
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
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

static void alloc_ends_the_program_when_memory_is_out(void)
{
    int overflow = fate_of(take_product_beyond_size_t), refused = fate_of(take_more_than_any_machine_has);
    CU_ASSERT(WIFEXITED(overflow) && WEXITSTATUS(overflow) == 1);
    CU_ASSERT(WIFEXITED(refused) && WEXITSTATUS(refused) == 1);
}

static void arena_pieces_are_aligned_and_do_not_overlap(void)
{
    esp_arena arena;
    esp_arena_init(&arena, 1024);
    char *a = esp_arena_take(&arena, 1), *b = esp_arena_take(&arena, 65);
    float *c = esp_arena_floats(&arena, 3);
    CU_ASSERT(is_aligned(a) && is_aligned(b) && is_aligned(c));
    CU_ASSERT(b >= a + 1 && (char *)c >= b + 65);
    esp_arena_free(&arena);
    CU_ASSERT_PTR_NULL(arena.base);
}

static void arena_reset_gives_the_same_memory_again(void)
{
    esp_arena arena;
    esp_arena_init(&arena, 1024);
    esp_arena_take(&arena, 100);
    size_t mark = esp_arena_mark(&arena);
    void *first = esp_arena_take(&arena, 200);
    esp_arena_reset(&arena, mark);
    CU_ASSERT_PTR_EQUAL(esp_arena_take(&arena, 300), first);
    esp_arena_free(&arena);
}

static void arena_can_be_filled_to_its_last_byte(void)
{
    esp_arena arena;
    esp_arena_init(&arena, 100);
    esp_arena_take(&arena, 64);
    char *last = esp_arena_take(&arena, 36);
    memset(last, 1, 36);
    CU_ASSERT_EQUAL(esp_arena_mark(&arena), 100);
    esp_arena_free(&arena);
}

static void take_a_byte_too_many(void)
{
    esp_arena arena;
    esp_arena_init(&arena, 100);
    esp_arena_take(&arena, 64);
    esp_arena_take(&arena, 37);
}

static void take_floats_beyond_size_t(void)
{
    esp_arena arena;
    esp_arena_init(&arena, 100);
    esp_arena_floats(&arena, SIZE_MAX / 2);
}

static void arena_aborts_when_it_is_too_small(void)
{
    int one_byte = fate_of(take_a_byte_too_many), overflow = fate_of(take_floats_beyond_size_t);
    CU_ASSERT(WIFSIGNALED(one_byte) && WTERMSIG(one_byte) == SIGABRT);
    CU_ASSERT(WIFSIGNALED(overflow) && WTERMSIG(overflow) == SIGABRT);
}

static CU_TestInfo tests[] = {
    {"alloc gives zeroed aligned memory for any count", alloc_gives_zeroed_aligned_memory_for_any_count},
    {"strdup copies a text", strdup_copies_a_text},
    {"alloc ends the program when memory is out", alloc_ends_the_program_when_memory_is_out},
    {"arena pieces are aligned and do not overlap", arena_pieces_are_aligned_and_do_not_overlap},
    {"arena reset gives the same memory again", arena_reset_gives_the_same_memory_again},
    {"arena can be filled to its last byte", arena_can_be_filled_to_its_last_byte},
    {"arena aborts when it is too small", arena_aborts_when_it_is_too_small},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("memory", tests)
