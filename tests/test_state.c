/* Named arrays come back bit for bit, and a file that lacks one leaves memory as it was. */
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
    esp_state_item items[] = {{"counters", ESP_I64, 2, counters}, {"weights", ESP_F32, 3, weights}};
    esp_state_item read[] = {{"weights", ESP_F32, 3, read_weights}, {"counters", ESP_I64, 2, read_counters}};
    CHECK_OK(esp_state_write(path, items, 2));
    CHECK_OK(esp_state_read(path, read, 2));
    CU_ASSERT_EQUAL(memcmp(counters, read_counters, sizeof counters), 0);
    CU_ASSERT_EQUAL(memcmp(weights, read_weights, sizeof weights), 0);
}

static void a_file_that_does_not_fit_changes_nothing(void)
{
    float weights[3] = {1, 2, 3}, kept[3] = {7, 7, 7};
    esp_state_item item = {"weights", ESP_F32, 3, weights};
    esp_state_item missing[] = {{"weights", ESP_F32, 3, kept}, {"moments", ESP_F32, 3, kept}};
    esp_state_item shorter = {"weights", ESP_F32, 2, kept}, integer = {"weights", ESP_I64, 3, kept};
    CHECK_OK(esp_state_write(path, &item, 1));
    CHECK_FAILS(ESP_ERR_FORMAT, esp_state_read(path, missing, 2), "'moments' is missing");
    CHECK_FAILS(ESP_ERR_SHAPE, esp_state_read(path, &shorter, 1), "3 entries, this configuration needs 2");
    CHECK_FAILS(ESP_ERR_SHAPE, esp_state_read(path, &integer, 1), "'weights'");
    CU_ASSERT_EQUAL(kept[0], 7.0f);
}

static void doubles_travel_as_their_bits(void)
{
    const double numbers[] = {1.0 / 3.0, -0.0, INFINITY, 5e-324};
    for (int i = 0; i < 4; i++) {
        double back = esp_double_of(esp_double_bits(numbers[i]));
        CU_ASSERT_EQUAL(memcmp(&back, &numbers[i], sizeof back), 0);
    }
}

static CU_TestInfo tests[] = {
    {"arrays_read_back_bit_for_bit", arrays_read_back_bit_for_bit},
    {"a_file_that_does_not_fit_changes_nothing", a_file_that_does_not_fit_changes_nothing},
    {"doubles_travel_as_their_bits", doubles_travel_as_their_bits},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("state", tests)
