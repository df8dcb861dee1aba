/* Named arrays come back bit for bit, and a file that lacks one leaves memory unchanged. */
#include <unistd.h>

#include "check.h"
#include "nn/nn.h"

static char path[] = "/tmp/espalier-state-XXXXXX";

__attribute__((constructor)) static void make_file(void)
{
    int fd = mkstemp(path);
    if (fd < 0) abort();
    close(fd);
}

__attribute__((destructor)) static void remove_file(void)
{
    unlink(path);
}

static void arrays_read_back_bit_for_bit(void)
{
    int64_t counters[2] = {-5, INT64_MAX}, read_counters[2] = {0};
    float weights[3] = {1.0f / 3.0f, -0.0f, 1e-40f}, read_weights[3] = {0};
    esp_state_item items[] = {{"counters", ESP_I64, 2, counters, 0, 0}, {"weights", ESP_F32, 3, weights, 0, 0}};
    esp_state_item read[] = {{"weights", ESP_F32, 3, read_weights, -1, 1},
                             {"counters", ESP_I64, 2, read_counters, 0, 0}};
    CHECK_OK(esp_state_write(path, items, 2));
    CHECK_OK(esp_state_read(path, read, 2));
    CU_ASSERT_EQUAL(memcmp(counters, read_counters, sizeof counters), 0);
    CU_ASSERT_EQUAL(memcmp(weights, read_weights, sizeof weights), 0);
}

static void a_file_that_does_not_fit_changes_nothing(void)
{
    float weights[3] = {1, 2, 3}, kept[3] = {7, 7, 7};
    esp_state_item item = {"weights", ESP_F32, 3, weights, 0, 0};
    esp_state_item missing[] = {{"weights", ESP_F32, 3, kept, 0, 9}, {"moments", ESP_F32, 3, kept, 0, 9}};
    esp_state_item shorter = {"weights", ESP_F32, 2, kept, 0, 9}, integer = {"weights", ESP_I64, 3, kept, 0, 9};
    CHECK_OK(esp_state_write(path, &item, 1));
    CHECK_FAILS(ESP_ERR_FORMAT, esp_state_read(path, missing, 2), "'moments' is missing");
    CHECK_FAILS(ESP_ERR_SHAPE, esp_state_read(path, &shorter, 1), "3 entries, but this configuration needs 2");
    CHECK_FAILS(ESP_ERR_SHAPE, esp_state_read(path, &integer, 1), "'weights'");
    CU_ASSERT_EQUAL(kept[0], 7.0f);
}

static void entries_outside_their_range_are_refused_and_change_nothing(void)
{
    const float wrong[] = {NAN, INFINITY, -INFINITY, 2.5f, -0.5f};
    for (int i = 0; i < 5; i++) {
        float weights[2] = {1, wrong[i]}, kept[2] = {7, 7};
        esp_state_item item = {"weights", ESP_F32, 2, weights, 0, 0}, read = {"weights", ESP_F32, 2, kept, 0, 2};
        CHECK_OK(esp_state_write(path, &item, 1));
        CHECK_FAILS(ESP_ERR_NUMERIC, esp_state_read(path, &read, 1), "index 1, expected a number from 0 to 2");
        CU_ASSERT(strstr(esp_error_text(), path) != NULL);
        CU_ASSERT_EQUAL(kept[0], 7.0f);
    }
}

static void infinity_is_refused_whatever_the_range(void)
{
    float weights[1] = {INFINITY}, kept[1] = {7};
    esp_state_item item = {"weights", ESP_F32, 1, weights, 0, 0};
    esp_state_item read = {"weights", ESP_F32, 1, kept, -INFINITY, INFINITY};
    CHECK_OK(esp_state_write(path, &item, 1));
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_state_read(path, &read, 1), "is inf at index 0");
}

static void doubles_are_stored_as_their_bits(void)
{
    const double numbers[] = {1.0 / 3.0, -0.0, INFINITY, 5e-324};
    for (int i = 0; i < 4; i++) {
        double back = 7.0;
        CHECK_OK(esp_state_double("x", "it", esp_double_bits(numbers[i]), -INFINITY, INFINITY, &back));
        CU_ASSERT_EQUAL(memcmp(&back, &numbers[i], sizeof back), 0);
    }
}

static void a_double_outside_its_range_is_refused_by_name(void)
{
    double kept = 7.0;
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_state_double("x", "the clock", esp_double_bits(NAN), -INFINITY, INFINITY, &kept),
                "x: the clock is nan");
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_state_double("x", "the clock", esp_double_bits(-1.0), 0.0, 9.0, &kept),
                "x: the clock is -1, expected a number from 0 to 9");
    CU_ASSERT_EQUAL(kept, 7.0);
}

static CU_TestInfo tests[] = {
    {"arrays_read_back_bit_for_bit", arrays_read_back_bit_for_bit},
    {"a_file_that_does_not_fit_changes_nothing", a_file_that_does_not_fit_changes_nothing},
    {"entries_outside_their_range_are_refused_and_change_nothing",
     entries_outside_their_range_are_refused_and_change_nothing},
    {"infinity_is_refused_whatever_the_range", infinity_is_refused_whatever_the_range},
    {"doubles_are_stored_as_their_bits", doubles_are_stored_as_their_bits},
    {"a_double_outside_its_range_is_refused_by_name", a_double_outside_its_range_is_refused_by_name},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("state", tests)
