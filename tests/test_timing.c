/* Times of several networks are taken in turns. */
#include "application/application_internal.h"

#include "check.h"

typedef struct {
    int   *calls;  /* shared */
    int    turn;   /* which one this is, of two */
    int    own;    /* calls of this one */
    int    out_of_turn;
    double seconds;
} worker;

static void work(void *context)
{
    worker *w = context;
    w->out_of_turn += *w->calls % 2 != w->turn;
    (*w->calls)++;
    w->own++;
    for (double end = esp_clock() + w->seconds; esp_clock() < end;) {}
}

static void work_is_taken_in_turns_and_the_slower_one_is_known(void)
{
    int calls = 0;
    worker quick = {.calls = &calls, .turn = 0, .seconds = 0.0005};
    worker slow = {.calls = &calls, .turn = 1, .seconds = 0.002};
    void *context[] = {&quick, &slow};
    esp_timing time[2];
    esp_timing_take(2, work, context, time);
    CU_ASSERT(quick.out_of_turn == 0 && slow.out_of_turn == 0 && quick.own == slow.own);
    CU_ASSERT(time[0].repeats >= 11 && time[0].repeats == time[1].repeats && time[0].repeats < quick.own);
    for (int k = 0; k < 2; k++) CU_ASSERT(time[k].p10 <= time[k].median && time[k].median <= time[k].p90);
    CU_ASSERT(time[0].p10 >= 0.5 && time[1].p10 >= 2);
    CU_ASSERT(time[0].median < time[1].median);
}

static CU_TestInfo tests[] = {
    {"work is taken in turns, and the slower one is known", work_is_taken_in_turns_and_the_slower_one_is_known},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("timing", tests)
