/* Activations fused with the bias, and their derivatives through the output. */
#include "nn/activation_functions.h"
#include "nn/nn_internal.h"

float esp_expf(float x)
{
    return esp_exp(x);
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
    }
}
