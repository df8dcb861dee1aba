/* Linear schedules against recorded ones of the reference (case 8). */
#include "agent/agent.h"

#include "reference.h"

enum { MAX_STEPS = 32, REFERENCE_HORIZON = 5 };

/* Schedule number `index` of the file. `horizon`: it also gives a planning horizon, truncated. */
static void check_schedule(int index, double start, double end, double duration, bool horizon)
{
    esp_safetensors *file = reference_open("schedule.safetensors");
    char name[32];
    float values[MAX_STEPS];
    snprintf(name, sizeof name, "in.step.%d", index);
    const esp_st_tensor *steps = reference_tensor(file, name);
    CU_ASSERT_FATAL(steps->count <= MAX_STEPS);
    const int64_t *step = steps->data;
    for (size_t i = 0; i < steps->count; i++) values[i] = (float)esp_linear_schedule(start, end, duration, step[i]);
    snprintf(name, sizeof name, "out.value.%d", index);
    reference_check(file, name, steps->count, values, 1e-6, 0.0);

    snprintf(name, sizeof name, "out.horizon.%d", index);
    const int64_t *expected = horizon ? reference_tensor(file, name)->data : NULL;
    for (size_t i = 0; horizon && i < steps->count; i++) {
        double value = esp_linear_schedule(start, end, duration, step[i]);
        CU_ASSERT_EQUAL((int64_t)fmin(REFERENCE_HORIZON, value), expected[i]);
    }
    esp_safetensors_free(file);
}

static void horizon_schedule_equals_the_reference(void)
{
    check_schedule(0, 1.0, 5.0, 25000.0, true);
}

static void deviation_schedule_equals_the_reference(void)
{
    check_schedule(1, 0.5, 0.05, 25000.0, false);
}

static void constant_schedule_equals_the_reference(void)
{
    check_schedule(2, 3.0, 3.0, 1.0, true);
}

static CU_TestInfo tests[] = {
    {"horizon_schedule_equals_the_reference", horizon_schedule_equals_the_reference},
    {"deviation_schedule_equals_the_reference", deviation_schedule_equals_the_reference},
    {"constant_schedule_equals_the_reference", constant_schedule_equals_the_reference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_schedule", tests)
