/* Activations fused with the bias, and their derivatives through the output. */
#include <math.h>
#include <string.h>

#include "nn/nn.h"

/* glibc's expf is a call per element and was 11 % of a plan; this one is straight-line code that
 * the compiler turns into vectors: exp(x) = 2^n exp(r), |r| <= ln 2 / 2, exp(r) by the minimax
 * polynomial of degree 5 of Cephes. */
static inline float exp_polynomial(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    /* Adding and subtracting 1.5 * 2^23 rounds to the nearest integer. */
    float shifted = x * 1.44269504f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    float y = p * r * r + r + 1.0f;
    uint32_t bits = ((uint32_t)(int32_t)n + 127u) << 23; /* unsigned: a NaN's n must not overflow */
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return y * scale;
}

float esp_expf(float x)
{
    return exp_polynomial(x);
}

static inline float elu(float x)
{
    return x > 0.0f ? x : exp_polynomial(x) - 1.0f;
}

static inline float tanh_exp(float x)
{
    float e = exp_polynomial(-2.0f * fabsf(x));
    return copysignf((1.0f - e) / (1.0f + e), x);
}

static inline float sigmoid(float x)
{
    return 1.0f / (1.0f + exp_polynomial(-x));
}

/* NaN stays NaN in every branch: comparisons with it are false and fall to the arithmetic. */
static inline float relu(float x)
{
    return x < 0.0f ? 0.0f : x;
}

#define ROWS_LOOP(FUNCTION)                                                 \
    for (int i = 0; i < rows; i++, y += cols)                               \
        for (int j = 0; j < cols; j++) y[j] = FUNCTION(y[j] + bias[j])

static void bias_forward(esp_act act, int rows, int cols, const float *restrict bias, float *restrict y)
{
    switch (act) {
    case ESP_ACT_NONE:
        ROWS_LOOP();
        break;
    case ESP_ACT_RELU:
        ROWS_LOOP(relu);
        break;
    case ESP_ACT_ELU:
        ROWS_LOOP(elu);
        break;
    case ESP_ACT_TANH:
        ROWS_LOOP(tanh_exp);
        break;
    case ESP_ACT_SIGMOID:
        ROWS_LOOP(sigmoid);
        break;
    }
}

#define FLAT_LOOP(FUNCTION) \
    for (size_t i = 0; i < count; i++) y[i] = FUNCTION(y[i])

static void plain_forward(esp_act act, size_t count, float *restrict y)
{
    switch (act) {
    case ESP_ACT_NONE:
        break;
    case ESP_ACT_RELU:
        FLAT_LOOP(relu);
        break;
    case ESP_ACT_ELU:
        FLAT_LOOP(elu);
        break;
    case ESP_ACT_TANH:
        FLAT_LOOP(tanh_exp);
        break;
    case ESP_ACT_SIGMOID:
        FLAT_LOOP(sigmoid);
        break;
    }
}

void esp_act_forward(esp_act act, int rows, int cols, const float *bias, float *y)
{
    if (bias) bias_forward(act, rows, cols, bias, y);
    else plain_forward(act, (size_t)rows * (size_t)cols, y);
}

void esp_act_backward(esp_act act, size_t count, const float *restrict y, float *restrict dy)
{
    switch (act) {
    case ESP_ACT_NONE:
        break;
    case ESP_ACT_RELU:
        for (size_t i = 0; i < count; i++) dy[i] = y[i] > 0.0f ? dy[i] : 0.0f;
        break;
    case ESP_ACT_ELU: /* for x <= 0 the derivative exp(x) is y + 1 */
        for (size_t i = 0; i < count; i++) dy[i] *= y[i] > 0.0f ? 1.0f : y[i] + 1.0f;
        break;
    case ESP_ACT_TANH:
        for (size_t i = 0; i < count; i++) dy[i] *= 1.0f - y[i] * y[i];
        break;
    case ESP_ACT_SIGMOID:
        for (size_t i = 0; i < count; i++) dy[i] *= y[i] * (1.0f - y[i]);
        break;
    }
}
