/* Adam and the moving average against the recorded steps of the reference (case 3b). Sizes and constants come from
 * the recording. */
#include "reference.h"

/* A recording may choose rate and tau freely; its betas and eps must be those of esp_adam. */
static void check_constants(const esp_safetensors *file)
{
    CU_ASSERT_DOUBLE_EQUAL(reference_number(file, "beta1"), 0.9, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(reference_number(file, "beta2"), 0.999, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(reference_number(file, "eps"), 1e-8, 1e-20);
}

static void adam_takes_the_reference_steps(void)
{
    esp_safetensors *file = reference_open("adam.safetensors");
    const esp_st_tensor *grad = reference_tensor(file, "in.grad"); /* [steps, count] */
    size_t steps = (size_t)grad->shape[0], count = (size_t)grad->shape[1], row = count * sizeof(float);
    float *weights = esp_alloc(count, sizeof *weights), *params = esp_alloc(grad->count, sizeof *params);
    float *m = esp_alloc(grad->count, sizeof *m), *v = esp_alloc(grad->count, sizeof *v);
    esp_adam adam;
    check_constants(file);
    esp_adam_init(&adam, count);
    memcpy(weights, reference_floats(file, "in.param"), row);
    for (size_t k = 0; k < steps; k++) {
        esp_adam_step(&adam, (float)reference_number(file, "lr"), 1.0f, (const float *)grad->data + k * count, weights);
        memcpy(params + k * count, weights, row);
        memcpy(m + k * count, adam.m, row);
        memcpy(v + k * count, adam.v, row);
    }
    reference_check(file, "out.param", grad->count, params, 2e-6, 1e-6);
    reference_check(file, "out.m", grad->count, m, 1e-12, 1e-4);
    reference_check(file, "out.v", grad->count, v, 1e-17, 1e-5);
    esp_adam_free(&adam);
    free(weights);
    free(params);
    free(m);
    free(v);
    esp_safetensors_free(file);
}

/* Moves towards the weights after the last step. */
static void moving_average_equals_the_reference(void)
{
    esp_safetensors *file = reference_open("adam.safetensors");
    const esp_st_tensor *start = reference_tensor(file, "in.target"), *params = reference_tensor(file, "out.param");
    float *target = esp_alloc(start->count, sizeof *target);
    memcpy(target, start->data, start->count * sizeof *target);
    esp_ema(start->count, (float)reference_number(file, "tau"),
            (const float *)params->data + params->count - start->count, target);
    reference_check(file, "out.ema", start->count, target, 1e-6, 1e-6);
    free(target);
    esp_safetensors_free(file);
}

static CU_TestInfo tests[] = {
    {"adam_takes_the_reference_steps", adam_takes_the_reference_steps},
    {"moving_average_equals_the_reference", moving_average_equals_the_reference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_adam", tests)
