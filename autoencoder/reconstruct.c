/* Runs images through the network and measures how much of them is lost. */
#include <math.h>
#include <stdlib.h>

#include "autoencoder/autoencoder.h"

enum { BLOCK = 250 }; /* images per block: 1,000 and 10,000 are whole numbers of blocks */

/* Everything one thread needs for one block. */
typedef struct {
    esp_tape *tape[ESP_AUTOENCODER_COMPONENTS];
    float    *x;      /* [BLOCK, pixels] */
} worker;

static worker worker_create(const esp_network *net)
{
    worker w = {.x = esp_alloc((size_t)BLOCK * ESP_IMAGE_PIXELS, sizeof *w.x)};
    for (int c = 0; c < ESP_AUTOENCODER_COMPONENTS; c++) w.tape[c] = esp_tape_create(net, c, BLOCK);
    return w;
}

static void worker_free(worker *w)
{
    for (int c = 0; c < ESP_AUTOENCODER_COMPONENTS; c++) esp_tape_free(w->tape[c]);
    free(w->x);
}

/* Returns the reconstructions [n, pixels] of the n <= BLOCK images in w->x. */
static const float *worker_run(worker *w, const esp_network *net, const uint8_t *pixels, int n)
{
    for (size_t i = 0; i < (size_t)n * ESP_IMAGE_PIXELS; i++) w->x[i] = (float)pixels[i] / 255.0f;
    const float *latent = esp_forward(net, w->tape[ESP_AUTOENCODER_ENCODER], w->x, n);
    return esp_forward(net, w->tape[ESP_AUTOENCODER_DECODER], latent, n);
}

static double squared_error(const float *x, const float *y)
{
    double sum = 0.0;
    for (int i = 0; i < ESP_IMAGE_PIXELS; i++) sum += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
    return sum / ESP_IMAGE_PIXELS;
}

static double psnr(double mse)
{
    return 10.0 * log10(1.0 / mse);
}

static void all_errors(const esp_network *net, const esp_images *images, double *mse)
{
#pragma omp parallel
    {
        worker w = worker_create(net);
#pragma omp for schedule(dynamic, 1)
        for (int first = 0; first < images->count; first += BLOCK) {
            int n = images->count - first < BLOCK ? images->count - first : BLOCK;
            const float *y = worker_run(&w, net, images->pixels + (size_t)first * ESP_IMAGE_PIXELS, n);
            for (int i = 0; i < n; i++)
                mse[first + i] = squared_error(w.x + (size_t)i * ESP_IMAGE_PIXELS, y + (size_t)i * ESP_IMAGE_PIXELS);
        }
        worker_free(&w);
    }
}

esp_status esp_reconstruct(const esp_network *net, const esp_images *images, double *image_mse,
                           esp_reconstruction *out)
{
    double *mse = image_mse ? image_mse : esp_alloc((size_t)images->count, sizeof *mse);
    esp_reconstruction sum = {.images = images->count};
    all_errors(net, images, mse);
    for (int i = 0; i < images->count; i++) {
        sum.mse += mse[i] / images->count;
        sum.mean_psnr_db += psnr(mse[i]) / images->count;
    }
    sum.psnr_of_mean_mse_db = psnr(sum.mse);
    if (!image_mse) free(mse);
    if (!isfinite(sum.mse)) return esp_fail(ESP_ERR_NUMERIC, "the reconstruction error is not finite");
    *out = sum;
    return ESP_OK;
}

void esp_reconstruct_pixels(const esp_network *net, const esp_images *images, int first, int count, uint8_t *pixels)
{
    worker w = worker_create(net);
    for (int done = 0; done < count; done += BLOCK) {
        int n = count - done < BLOCK ? count - done : BLOCK;
        const float *y = worker_run(&w, net, images->pixels + (size_t)(first + done) * ESP_IMAGE_PIXELS, n);
        /* Sigmoid keeps y within [0, 1]; weights that overflow give NaN, which is shown black. */
        for (size_t i = 0; i < (size_t)n * ESP_IMAGE_PIXELS; i++)
            pixels[(size_t)done * ESP_IMAGE_PIXELS + i] = y[i] > 0.0f ? (uint8_t)(255.0f * y[i] + 0.5f) : 0;
    }
    worker_free(&w);
}
