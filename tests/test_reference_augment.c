/* Random shifts against recorded ones of the reference (case 5). */
#include "reference_agent.h"

/* Shifts all images of a case: exactly the integer shift, and the reference's interpolated image
 * within four times the difference that was measured when it was recorded. */
static void check_shifts(const char *name)
{
    esp_safetensors *file = reference_open(name);
    const esp_st_tensor *in = reference_tensor(file, "in.image"), *exact = reference_tensor(file, "out.image_int");
    const int64_t *shift = reference_tensor(file, "in.shift")->data;
    int images = (int)in->shape[0], channels = (int)in->shape[1], rows = (int)in->shape[2];
    int pad = reference_int(file, "pad");
    double atol = 4.0 * reference_number(file, "diff_f32_vs_int");
    size_t size = (size_t)channels * rows * rows;
    uint8_t *out = esp_alloc(in->count, 1);
    float *got = esp_alloc(in->count, sizeof *got);
    for (int i = 0; i < images; i++)
        esp_random_shift(channels, rows, pad, (int)shift[2 * i], (int)shift[2 * i + 1],
                         (const uint8_t *)in->data + i * size, out + i * size);
    for (size_t i = 0; i < in->count; i++) got[i] = out[i];
    CU_ASSERT_EQUAL(memcmp(out, exact->data, in->count), 0);
    reference_check(file, "out.image", in->count, got, atol, 0.0);
    free(out);
    free(got);
    esp_safetensors_free(file);
}

static void shifts_of_28_pixels_equal_the_reference(void)
{
    check_shifts("aug_28.safetensors");
}

static void shifts_of_84_pixels_equal_the_reference(void)
{
    check_shifts("aug_84.safetensors");
}

static CU_TestInfo tests[] = {
    {"shifts_of_28_pixels_equal_the_reference", shifts_of_28_pixels_equal_the_reference},
    {"shifts_of_84_pixels_equal_the_reference", shifts_of_84_pixels_equal_the_reference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_augment", tests)
