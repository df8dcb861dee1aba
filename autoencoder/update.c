/* One gradient step of the autoencoder: the squared error of a batch, its gradient by all threads together, Adam. */
#include <math.h>
#include <stdlib.h>

#include "autoencoder/autoencoder.h"

enum { ADAM_STRETCH = 16384 }; /* weights per parallel block */

esp_autoencoder_updater *esp_autoencoder_updater_create(esp_network *net, int capacity)
{
    esp_autoencoder_updater *u = esp_alloc(1, sizeof *u);
    size_t pixels = (size_t)net->layer[0].in_size * (size_t)capacity;
    *u = (esp_autoencoder_updater){.net = net, .tape = esp_team_tape_create(net, capacity),
                                   .input = esp_alloc(pixels, sizeof(float)),
                                   .target = esp_alloc(pixels, sizeof(float)),
                                   .grads = esp_alloc(net->num_weights, sizeof(float)),
                                   .error = esp_alloc((size_t)net->layer[0].in_size, sizeof(double))};
    u->centres = esp_team_tape_centres(u->tape, &u->num_centres);
    esp_adam_init(&u->adam, net->num_weights);
    return u;
}

void esp_autoencoder_updater_free(esp_autoencoder_updater *updater)
{
    if (!updater) return;
    free(updater->input);
    free(updater->target);
    free(updater->grads);
    free(updater->error);
    esp_adam_free(&updater->adam);
    esp_team_tape_free(updater->tape);
    free(updater);
}

void esp_autoencoder_updater_centre(esp_autoencoder_updater *updater, int n)
{
    esp_team_tape_centre(updater->tape, updater->input, n);
}

void esp_autoencoder_updater_export(const esp_autoencoder_updater *updater, const float *weights, float *out)
{
    esp_team_tape_plain(updater->tape, weights, out);
}

/* An esp_team_loss_fn: the squared error of some pixels over the batch, and its gradient. */
static void squared_error(void *context, int first, int count, int n, const float *y, float *dy)
{
    const esp_autoencoder_updater *u = context;
    float scale = 2.0f / (float)n;
    for (int j = 0; j < count; j++, y += n, dy += n) {
        const float *target = u->target + (size_t)(first + j) * n;
        float total = 0.0f;
#pragma omp simd reduction(+ : total)
        for (int i = 0; i < n; i++) {
            float difference = y[i] - target[i];
            total += difference * difference;
            dy[i] = difference * scale;
        }
        u->error[first + j] = total;
    }
}

static void move_weights(esp_autoencoder_updater *u, double learning_rate)
{
    esp_adam_rates rates = esp_adam_begin(&u->adam, (float)learning_rate);
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < u->net->num_weights; first += ADAM_STRETCH) {
        size_t rest = u->net->num_weights - first, count = rest < ADAM_STRETCH ? rest : ADAM_STRETCH;
        esp_adam_move(&u->adam, rates, 1.0f, first, count, u->grads, u->net->weights);
    }
}

esp_status esp_autoencoder_updater_step(esp_autoencoder_updater *u, const esp_autoencoder_step *step, double *mse)
{
    int pixels = u->net->layer[0].in_size;
    esp_team_gradient(u->tape, u->input, step->n, step->batch_statistics, squared_error, u, u->grads);
    move_weights(u, step->learning_rate);
    double error = 0.0;
    for (int j = 0; j < pixels; j++) error += u->error[j];
    *mse = error / ((double)step->n * pixels);
    if (!isfinite(*mse))
        return esp_fail(ESP_ERR_NUMERIC, "the reconstruction error is not finite; lower train.learning_rate");
    return ESP_OK;
}
