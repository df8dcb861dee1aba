/* Linear schedules against recorded ones of the reference (case 8). A recording holds steps and values; start, end
 * and duration are derived from them, so that any schedule can be recorded. */
#include "agent/agent.h"

#include "reference.h"

typedef struct {
    const int64_t *step;
    const float   *value;
    size_t         count;
    double         start, end, duration;
} schedule;

/* Start and end are the values at the first and the last step. The duration follows from the point between them that
 * is furthest along, where rounding of the value matters least. */
static void derive(schedule *s)
{
    s->start = s->value[0];
    s->end = s->value[s->count - 1];
    s->duration = 1.0;
    for (size_t i = 0; i < s->count; i++) {
        double moved = (s->value[i] - s->start) / (s->end - s->start);
        if (moved > 0.0 && moved < 1.0) s->duration = round((double)s->step[i] / moved);
    }
}

/* The decimal number that a float such as 0.05 came from; floats keep seven digits. */
static double decimal(double value)
{
    return round(value * 1e6) / 1e6;
}

static schedule read_schedule(const esp_safetensors *file, int index)
{
    char name[32];
    snprintf(name, sizeof name, "in.step.%d", index);
    const esp_st_tensor *steps = reference_tensor(file, name);
    snprintf(name, sizeof name, "out.value.%d", index);
    schedule s = {.step = steps->data, .value = reference_floats(file, name), .count = steps->count};
    CU_ASSERT_FATAL(s.count >= 2 && s.step[0] == 0);
    derive(&s);
    s.start = decimal(s.start);
    s.end = decimal(s.end);
    return s;
}

static void check_values(const schedule *s)
{
    for (size_t i = 0; i < s->count; i++) {
        float value = (float)esp_linear_schedule(s->start, s->end, s->duration, s->step[i]);
        CHECK_CLOSE("value", 1, &value, &s->value[i], 1e-6, 0.0);
    }
}

/* Truncated to whole steps, at most the largest recorded. */
static void check_horizon(const schedule *s, const esp_st_tensor *horizon)
{
    const int64_t *expected = horizon->data;
    int64_t most = 0;
    for (size_t i = 0; i < s->count; i++) most = expected[i] > most ? expected[i] : most;
    for (size_t i = 0; i < s->count; i++) {
        double value = esp_linear_schedule(s->start, s->end, s->duration, s->step[i]);
        CU_ASSERT_EQUAL((int64_t)fmin((double)most, value), expected[i]);
    }
}

static void every_schedule_equals_the_reference(void)
{
    esp_safetensors *file = reference_open("schedule.safetensors");
    char steps[32], horizon[32];
    int count = 0;
    for (;; count++) {
        snprintf(steps, sizeof steps, "in.step.%d", count);
        snprintf(horizon, sizeof horizon, "out.horizon.%d", count);
        if (!esp_safetensors_find(file, steps)) break;
        schedule s = read_schedule(file, count);
        check_values(&s);
        if (esp_safetensors_find(file, horizon)) check_horizon(&s, esp_safetensors_find(file, horizon));
    }
    CU_ASSERT(count > 0);
    esp_safetensors_free(file);
}

static CU_TestInfo tests[] = {
    {"every_schedule_equals_the_reference", every_schedule_equals_the_reference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_schedule", tests)
