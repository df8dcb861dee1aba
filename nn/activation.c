/* Activations: fused with the bias, with derivatives through the output; and as layers of their own. */
#include <assert.h>

#include "nn/activation_functions.h"
#include "nn/nn_internal.h"

float esp_expf(float x)
{
    return esp_exp(x);
}

bool esp_act_fuses(esp_act act)
{
    return act <= ESP_ACT_SIGMOID;
}

#define ROWS_LOOP(FUNCTION)                                                 \
    for (int i = 0; i < rows; i++, y += cols)                               \
        for (int j = 0; j < cols; j++) y[j] = FUNCTION(y[j] + bias[j])

ESP_VECTORISED
static void bias_forward(esp_act act, int rows, int cols, const float *restrict bias, float *restrict y)
{
    switch (act) {
    case ESP_ACT_NONE:
        ROWS_LOOP();
        break;
    case ESP_ACT_RELU:
        ROWS_LOOP(esp_relu);
        break;
    case ESP_ACT_ELU:
        ROWS_LOOP(esp_elu);
        break;
    case ESP_ACT_TANH:
        ROWS_LOOP(esp_tanh);
        break;
    case ESP_ACT_SIGMOID:
        ROWS_LOOP(esp_sigmoid);
        break;
    default:
        assert(esp_act_fuses(act));
    }
}

#define FLAT_LOOP(FUNCTION) \
    for (size_t i = 0; i < count; i++) y[i] = FUNCTION(y[i])

ESP_VECTORISED
static void plain_forward(esp_act act, size_t count, float *restrict y)
{
    switch (act) {
    case ESP_ACT_NONE:
        break;
    case ESP_ACT_RELU:
        FLAT_LOOP(esp_relu);
        break;
    case ESP_ACT_ELU:
        FLAT_LOOP(esp_elu);
        break;
    case ESP_ACT_TANH:
        FLAT_LOOP(esp_tanh);
        break;
    case ESP_ACT_SIGMOID:
        FLAT_LOOP(esp_sigmoid);
        break;
    default:
        assert(esp_act_fuses(act));
    }
}

void esp_act_forward(esp_act act, int rows, int cols, const float *bias, float *y)
{
    if (bias) bias_forward(act, rows, cols, bias, y);
    else plain_forward(act, (size_t)rows * (size_t)cols, y);
}

ESP_VECTORISED
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
    default:
        assert(esp_act_fuses(act));
    }
}

/* ---- layers of their own ---- */

static float gelu(float x)
{
    return 0.5f * x * (1.0f + erff(x * 0.70710678f));
}

static float gelu_slope(float x)
{
    return 0.5f * (1.0f + erff(x * 0.70710678f)) + x * 0.39894228f * esp_exp(-0.5f * x * x);
}

#define GELU_TANH_ARGUMENT(x) (0.79788456f * ((x) + 0.044715f * (x) * (x) * (x)))

static inline float gelu_tanh(float x)
{
    return 0.5f * x * (1.0f + esp_tanh(GELU_TANH_ARGUMENT(x)));
}

static inline float gelu_tanh_slope(float x)
{
    float t = esp_tanh(GELU_TANH_ARGUMENT(x));
    return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * 0.79788456f * (1.0f + 0.134145f * x * x);
}

static inline float silu_slope(float x)
{
    float s = esp_sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
}

/* From exp(-|x|), which cannot overflow. */
static float softplus(float x)
{
    return (x > 0.0f ? x : 0.0f) + log1pf(esp_exp(-fabsf(x)));
}

#define MAP(EXPRESSION)                  \
    for (size_t i = 0; i < count; i++) { \
        float v = x[i];                  \
        y[i] = (EXPRESSION);             \
    }                                    \
    break

ESP_VECTORISED
void esp_act_layer_forward(const esp_layer *layer, size_t count, const float *x, float *y)
{
    const float a = layer->alpha, b = layer->beta;
    switch (layer->act) {
    case ESP_ACT_NONE:       MAP(v);
    case ESP_ACT_RELU:       MAP(esp_relu(v));
    case ESP_ACT_ELU:        MAP(v < 0.0f ? a * (esp_exp_of_negative(v) - 1.0f) : v);
    case ESP_ACT_TANH:       MAP(esp_tanh(v));
    case ESP_ACT_SIGMOID:    MAP(esp_sigmoid(v));
    case ESP_ACT_LEAKY_RELU: MAP(v < 0.0f ? a * v : v);
    case ESP_ACT_GELU:       MAP(gelu(v));
    case ESP_ACT_GELU_TANH:  MAP(gelu_tanh(v));
    case ESP_ACT_SILU:       MAP(esp_silu(v));
    case ESP_ACT_SOFTPLUS:   MAP(softplus(v));
    case ESP_ACT_CLIP:       MAP(v < a ? a : v > b ? b : v);
    }
}

#define MAP_SLOPE(EXPRESSION)            \
    for (size_t i = 0; i < count; i++) { \
        float v = x[i];                  \
        dx[i] = dy[i] * (EXPRESSION);    \
    }                                    \
    break

ESP_VECTORISED
void esp_act_layer_backward(const esp_layer *layer, size_t count, const float *x, const float *dy, float *dx)
{
    const float a = layer->alpha, b = layer->beta;
    switch (layer->act) {
    case ESP_ACT_NONE:       MAP_SLOPE(((void)v, 1.0f));
    case ESP_ACT_RELU:       MAP_SLOPE(v > 0.0f ? 1.0f : 0.0f);
    case ESP_ACT_ELU:        MAP_SLOPE(v < 0.0f ? a * esp_exp_of_negative(v) : 1.0f);
    case ESP_ACT_TANH:       MAP_SLOPE(1.0f - esp_tanh(v) * esp_tanh(v));
    case ESP_ACT_SIGMOID:    MAP_SLOPE(esp_sigmoid(v) * (1.0f - esp_sigmoid(v)));
    case ESP_ACT_LEAKY_RELU: MAP_SLOPE(v < 0.0f ? a : 1.0f);
    case ESP_ACT_GELU:       MAP_SLOPE(gelu_slope(v));
    case ESP_ACT_GELU_TANH:  MAP_SLOPE(gelu_tanh_slope(v));
    case ESP_ACT_SILU:       MAP_SLOPE(silu_slope(v));
    case ESP_ACT_SOFTPLUS:   MAP_SLOPE(esp_sigmoid(v));
    case ESP_ACT_CLIP:       MAP_SLOPE(v < a || v > b ? 0.0f : 1.0f);
    }
}
