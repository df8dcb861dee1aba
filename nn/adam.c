/* Adam and the plain vector loops around it, written so that compilers vectorise them: every update
 * runs them over all weights. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "nn/nn_internal.h"

void esp_adam_init(esp_adam *adam, size_t count)
{
    *adam = (esp_adam){.count = count, .m = esp_alloc(count, sizeof(float)), .v = esp_alloc(count, sizeof(float))};
}

void esp_adam_free(esp_adam *adam)
{
    free(adam->m);
    free(adam->v);
    *adam = (esp_adam){0};
}

ESP_VECTORISED
static void move_weights(size_t count, float rate, float root, float scale, const float *restrict grad,
                         float *restrict m, float *restrict v, float *restrict weights)
{
    for (size_t i = 0; i < count; i++) {
        float g = grad[i] * scale;
        m[i] = 0.9f * m[i] + 0.1f * g;
        v[i] = 0.999f * v[i] + 0.001f * g * g; /* not 1 - 0.999f, which has a relative error of 5e-5 */
        weights[i] -= rate * m[i] / (sqrtf(v[i]) * root + 1e-8f);
    }
}

esp_adam_rates esp_adam_begin(esp_adam *adam, float lr)
{
    adam->step++;
    double rate = lr / (1.0 - pow(0.9, (double)adam->step));
    double root = 1.0 / sqrt(1.0 - pow(0.999, (double)adam->step));
    return (esp_adam_rates){(float)rate, (float)root};
}

void esp_adam_move(esp_adam *adam, esp_adam_rates rates, float scale, size_t first, size_t count, const float *grad,
                   float *weights)
{
    assert(first <= adam->count && count <= adam->count - first);
    move_weights(count, rates.rate, rates.root, scale, grad + first, adam->m + first, adam->v + first,
                 weights + first);
}

/* One thread: 1.5 M weights take 1.1 ms; two idle threads would save half of that, but two on a
 * busy machine took 11 ms. */
void esp_adam_step(esp_adam *adam, float lr, float scale, const float *grad, float *weights)
{
    esp_adam_move(adam, esp_adam_begin(adam, lr), scale, 0, adam->count, grad, weights);
}

#define LANES 8

/* Eight interleaved sums, whatever the vector width of this machine: a product of two floats is
 * exact in double, so every build adds the same numbers in the same order. */
ESP_VECTORISED
double esp_norm2(size_t count, const float *x)
{
    double lane[LANES] = {0};
    size_t whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t l = 0; l < LANES; l++) lane[l] += (double)x[i + l] * (double)x[i + l];
    for (size_t i = whole; i < count; i++) lane[i - whole] += (double)x[i] * (double)x[i];

    double sum = 0.0;
    for (size_t l = 0; l < LANES; l++) sum += lane[l];
    return sqrt(sum);
}

float esp_clip_scale(double norm, double max_norm)
{
    double scale = max_norm / (norm + 1e-6);
    return scale > 1.0 ? 1.0f : (float)scale; /* in this order a NaN stays NaN */
}

ESP_VECTORISED
void esp_ema(size_t count, float tau, const float *restrict source, float *restrict target)
{
    for (size_t i = 0; i < count; i++) target[i] += tau * (source[i] - target[i]);
}
