/* Adam and the moving average against the recorded steps of the reference (case 3b). */
#include "reference.h"

#define COUNT 64
#define STEPS 6
#define RATE 1e-3f

static void adam_takes_the_reference_steps(void)
{
    esp_safetensors *file = reference_open("adam.safetensors");
    float weights[COUNT], params[STEPS * COUNT], m[STEPS * COUNT], v[STEPS * COUNT];
    const float *grad = reference_floats(file, "in.grad");
    memcpy(weights, reference_floats(file, "in.param"), sizeof weights);
    esp_adam adam;
    esp_adam_init(&adam, COUNT);
    for (int k = 0; k < STEPS; k++) {
        esp_adam_step(&adam, RATE, 1.0f, grad + k * COUNT, weights);
        memcpy(params + k * COUNT, weights, sizeof weights);
        memcpy(m + k * COUNT, adam.m, sizeof weights);
        memcpy(v + k * COUNT, adam.v, sizeof weights);
    }
    reference_check(file, "out.param", STEPS * COUNT, params, 2e-6, 1e-6);
    reference_check(file, "out.m", STEPS * COUNT, m, 1e-12, 1e-4);
    reference_check(file, "out.v", STEPS * COUNT, v, 1e-17, 1e-5);
    esp_adam_free(&adam);
    esp_safetensors_free(file);
}

static void moving_average_equals_the_reference(void)
{
    esp_safetensors *file = reference_open("adam.safetensors");
    float target[COUNT];
    memcpy(target, reference_floats(file, "in.target"), sizeof target);
    esp_ema(COUNT, 0.01f, reference_floats(file, "out.param") + (STEPS - 1) * COUNT, target);
    reference_check(file, "out.ema", COUNT, target, 1e-6, 1e-6);
    esp_safetensors_free(file);
}

static CU_TestInfo tests[] = {
    {"adam_takes_the_reference_steps", adam_takes_the_reference_steps},
    {"moving_average_equals_the_reference", moving_average_equals_the_reference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_adam", tests)
