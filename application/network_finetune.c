/* Gradient steps after a cut: the smaller network learns the outputs of the one that was opened (Hinton et al. 2015,
 * arXiv:1503.02531, with squared errors), on recorded inputs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "application/network_internal.h"

enum { BATCH = 128 };
#define RATE 3e-4f   /* of Adam at the first step; it falls to 0 */
#define MOST_NORM 10 /* of the gradient; longer ones are scaled down */

/* Rows of one step, drawn at random. */
static void draw_batch(const esp_rows *rows, uint64_t seed, int step, size_t row_bytes, int outputs, char *x, float *y)
{
    esp_rng rng = esp_rng_make(seed, ESP_RNG_SHUFFLE, (uint64_t)step);
    for (int i = 0; i < BATCH; i++) {
        size_t row = esp_rng_below(&rng, (uint32_t)rows->count);
        memcpy(x + (size_t)i * row_bytes, (const char *)rows->x + row * row_bytes, row_bytes);
        memcpy(y + (size_t)i * (size_t)outputs, rows->y + row * (size_t)outputs, (size_t)outputs * sizeof *y);
    }
}

/* y becomes the gradient of the mean squared error of `found`. */
static void gradient_of(size_t count, const float *found, float *y)
{
    for (size_t i = 0; i < count; i++) y[i] = 2 * (found[i] - y[i]) / (float)count;
}

esp_status esp_network_finetune(const esp_subject *subject, void *recording, esp_network *net, int steps)
{
    const esp_network_subject *state = recording;
    int outputs = net->component[0].out_size;
    size_t values = (size_t)BATCH * (size_t)outputs, row_bytes = esp_network_row_bytes(net);
    char *x = esp_alloc(BATCH, row_bytes);
    float *y = esp_alloc(values, sizeof *y);
    float *grads = esp_alloc(net->num_weights, sizeof *grads);
    esp_tape *tape = esp_tape_create(net, 0, BATCH);
    esp_adam adam;
    esp_adam_init(&adam, net->num_weights);
    esp_status status = ESP_OK;
    for (int step = 0; step < steps && status == ESP_OK; step++) {
        draw_batch(&state->rows[ESP_ROWS_LEARN], subject->settings->seed, step, row_bytes, outputs, x, y);
        gradient_of(values, esp_forward(net, tape, x, BATCH), y);
        memset(grads, 0, net->num_weights * sizeof *grads);
        esp_backward(net, tape, y, grads, NULL);
        double norm = esp_norm2(net->num_weights, grads);
        if (!isfinite(norm))
            status = esp_fail(ESP_ERR_NUMERIC, "--finetune: the gradient of step %d is not finite", step);
        else esp_adam_step(&adam, RATE * (1 - (float)step / (float)steps), esp_clip_scale(norm, MOST_NORM), grads,
                           net->weights);
        if (step % 100 == 0 && status == ESP_OK) status = esp_check_interrupt();
    }
    esp_adam_free(&adam);
    esp_tape_free(tape);
    free(grads);
    free(x);
    free(y);
    return status;
}
