/* Adam and the plain vector loops around it, written so that compilers vectorise them: every update
 * runs them over all weights. Threads share them in chunks. */
#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "nn/nn_internal.h"

#define CHUNK 32768 /* weights per chunk: their gradients, moments and values stay in the second-level cache */

static size_t chunk_at(size_t first, size_t count)
{
    return count - first < CHUNK ? count - first : CHUNK;
}

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

void esp_adam_step(esp_adam *adam, float lr, float scale, const float *grad, float *weights)
{
    esp_adam_rates rates = esp_adam_begin(adam, lr);
#pragma omp parallel for schedule(dynamic, 1) if (!omp_in_parallel())
    for (size_t first = 0; first < adam->count; first += CHUNK)
        esp_adam_move(adam, rates, scale, first, chunk_at(first, adam->count), grad, weights);
}

#define LANES 8

/* Eight interleaved sums, whatever the vector width of this machine: a product of two floats is
 * exact in double, so every build adds the same numbers in the same order. */
ESP_VECTORISED
static double squares(size_t count, const float *x)
{
    double lane[LANES] = {0};
    size_t whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t l = 0; l < LANES; l++) lane[l] += (double)x[i + l] * (double)x[i + l];
    for (size_t i = whole; i < count; i++) lane[i - whole] += (double)x[i] * (double)x[i];

    double sum = 0.0;
    for (size_t l = 0; l < LANES; l++) sum += lane[l];
    return sum;
}

double esp_norm2(size_t count, const float *x)
{
    enum { PARTS = 32 };
    double part[PARTS], sum = 0.0;
    size_t length = (count + PARTS - 1) / PARTS;
#pragma omp parallel for schedule(dynamic, 1) if (!omp_in_parallel())
    for (size_t p = 0; p < PARTS; p++) {
        size_t first = p * length < count ? p * length : count;
        part[p] = squares(count - first < length ? count - first : length, x + first);
    }
    for (size_t p = 0; p < PARTS; p++) sum += part[p];
    return sqrt(sum);
}

float esp_clip_scale(double norm, double max_norm)
{
    double scale = max_norm / (norm + 1e-6);
    return scale > 1.0 ? 1.0f : (float)scale; /* in this order a NaN stays NaN */
}

ESP_VECTORISED
static void approach(size_t count, float tau, const float *restrict source, float *restrict target)
{
    for (size_t i = 0; i < count; i++) target[i] += tau * (source[i] - target[i]);
}

void esp_ema(size_t count, float tau, const float *source, float *target)
{
#pragma omp parallel for schedule(dynamic, 1) if (!omp_in_parallel())
    for (size_t first = 0; first < count; first += CHUNK)
        approach(chunk_at(first, count), tau, source + first, target + first);
}
