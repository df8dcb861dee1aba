/* Activation functions of one number, as straight-line code that compilers turn into vectors. */
#ifndef ESP_NN_ACTIVATION_FUNCTIONS_H
#define ESP_NN_ACTIVATION_FUNCTIONS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* glibc's expf is a call per element and was 11 % of a plan. exp(x) = 2^n exp(r), |r| <= ln 2 / 2, exp(r) by the
 * minimax polynomial of degree 5 of Cephes; x between -87 and 88. */
static inline float esp_exp_within(float x)
{
    /* Adding 1.5 * 2^23 rounds to the nearest integer, and leaves it in the lowest bits. */
    float shifted = x * 1.44269504f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    float y = p * r * r + r + 1.0f, scale;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127u) << 23;
    memcpy(&scale, &bits, sizeof scale);
    return y * scale;
}

/* exp of any x; NaN stays NaN. */
static inline float esp_exp(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    return esp_exp_within(x);
}

/* exp(x) for x < 0; meaningless otherwise. Read as integers, negative floats grow with their magnitude, so a minimum of
 * integers clamps x to -87 in one instruction; a minimum of floats that keeps NaN takes four. */
static inline float esp_exp_of_negative(float x)
{
    const float least = -87.0f;
    int32_t bits, limit;
    memcpy(&bits, &x, sizeof bits);
    memcpy(&limit, &least, sizeof limit);
    bits = bits < limit ? bits : limit;
    memcpy(&x, &bits, sizeof x);
    return esp_exp_within(x);
}

/* x for x >= 0, else exp(x) - 1, with an absolute error below 3e-7 */
static inline float esp_elu(float x)
{
    return x < 0.0f ? esp_exp_of_negative(x) - 1.0f : x;
}

/* From exp(-2 |x|), which cannot overflow; absolute error below 3e-7. */
static inline float esp_tanh(float x)
{
    float e = esp_exp(-2.0f * fabsf(x));
    return copysignf((1.0f - e) / (1.0f + e), x);
}

/* 1 / (1 + exp(-x)) */
static inline float esp_sigmoid(float x)
{
    return 1.0f / (1.0f + esp_exp(-x));
}

/* x / (1 + exp(-x)), from exp(-|x|), which cannot overflow. */
static inline float esp_silu(float x)
{
    float e = esp_exp_of_negative(-fabsf(x));
    return x * (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* max(x, 0). NaN stays NaN: x < 0 is false for it. */
static inline float esp_relu(float x)
{
    return x < 0.0f ? 0.0f : x;
}

#endif
