/* Gradient steps on images: which images are drawn, how they are shifted, the learning rate, the
 * averaged weights. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "autoencoder/trainer_internal.h"

enum {
    COLUMNS = 16,            /* images drawn by one thread at a time: one row of their pixels fills a cache line */
    AVERAGE_STRETCH = 65536  /* weights averaged by one thread at a time */
};

void esp_learner_init(esp_learner *learner, const esp_autoencoder_train_config *config, esp_network *net,
                      const esp_images *images)
{
    assert(images->count > 0);
    int batch = config->batch < images->count ? config->batch : images->count;
    /* Images left over by one epoch may come up in the next epoch's order. */
    int per_epoch = images->count / batch;
    *learner = (esp_learner){.config = *config, .images = images, .net = net, .batch = batch,
                             .steps_per_epoch = per_epoch, .steps = (int64_t)config->epochs * per_epoch,
                             .average = config->average > 0.0 ? esp_network_clone(net) : NULL,
                             .updater = esp_autoencoder_updater_create(net, batch),
                             .order = esp_alloc((size_t)images->count, sizeof(int)), .shuffled = -1};
}

void esp_learner_free(esp_learner *learner)
{
    esp_network_free(learner->average);
    esp_autoencoder_updater_free(learner->updater);
    free(learner->order);
}

void esp_learner_result(const esp_learner *learner, esp_network *out)
{
    const esp_network *trained = learner->average ? learner->average : learner->net;
    esp_autoencoder_updater_export(learner->updater, trained->weights, out->weights);
}

/* ---- a batch ---- */

/* Fisher-Yates shuffle: the order of an epoch depends only on the seed and the epoch. */
static void shuffle(esp_learner *l, int64_t epoch)
{
    esp_rng rng = esp_rng_make(l->config.seed, ESP_RNG_SHUFFLE, (uint64_t)epoch);
    for (int i = 0; i < l->images->count; i++) l->order[i] = i;
    for (int i = l->images->count - 1; i > 0; i--) {
        int other = (int)esp_rng_below(&rng, (uint32_t)i + 1), kept = l->order[i];
        l->order[i] = l->order[other];
        l->order[other] = kept;
    }
    l->shuffled = epoch;
}

/* image [pixels] moved by (sx, sy); uncovered pixels are black. */
static void shift(const uint8_t *image, int sx, int sy, uint8_t *out)
{
    memset(out, 0, ESP_IMAGE_PIXELS);
    for (int y = 0; y < ESP_IMAGE_SIDE; y++) {
        int from = y - sy;
        if (from < 0 || from >= ESP_IMAGE_SIDE) continue;
        int left = sx > 0 ? sx : 0, width = ESP_IMAGE_SIDE - abs(sx);
        memcpy(out + y * ESP_IMAGE_SIDE + left, image + from * ESP_IMAGE_SIDE + left - sx, (size_t)width);
    }
}

static void draw_image(const esp_learner *l, esp_rng *rng, const uint8_t *image, uint8_t *out)
{
    int reach = l->config.shift;
    uint32_t places = 2 * (uint32_t)reach + 1;
    int sx = reach ? (int)esp_rng_below(rng, places) - reach : 0;
    int sy = reach ? (int)esp_rng_below(rng, places) - reach : 0;
    shift(image, sx, sy, out);
}

/* Columns first .. first + count - 1 of the updater's input and target. */
static void draw_columns(const esp_learner *l, const esp_rng *draw, const int *indices, int first, int count)
{
    uint8_t drawn[COLUMNS][ESP_IMAGE_PIXELS];
    for (int i = 0; i < count; i++) {
        esp_rng rng = esp_rng_fork(draw, (uint64_t)(first + i));
        draw_image(l, &rng, l->images->pixels + (size_t)indices[first + i] * ESP_IMAGE_PIXELS, drawn[i]);
    }
    for (int p = 0; p < ESP_IMAGE_PIXELS; p++) {
        float *input = l->updater->input + (size_t)p * l->batch + first;
        float *target = l->updater->target + (size_t)p * l->batch + first;
        for (int i = 0; i < count; i++) target[i] = (float)drawn[i][p] / 255.0f;
        float centre = l->updater->centres[p];
        for (int i = 0; i < count; i++) input[i] = target[i] - centre;
    }
}

static void draw_batch(esp_learner *l)
{
    int64_t epoch = l->step / l->steps_per_epoch;
    if (epoch != l->shuffled) shuffle(l, epoch);
    const int *indices = l->order + (l->step % l->steps_per_epoch) * l->batch;
    esp_rng draw = esp_rng_make(l->config.seed, ESP_RNG_UPDATE, (uint64_t)l->step);
#pragma omp parallel for schedule(static)
    for (int first = 0; first < l->batch; first += COLUMNS)
        draw_columns(l, &draw, indices, first, l->batch - first < COLUMNS ? l->batch - first : COLUMNS);
}

void esp_learner_centre(esp_learner *learner)
{
    draw_batch(learner);
    esp_autoencoder_updater_centre(learner->updater, learner->batch);
    if (learner->average)
        memcpy(learner->average->weights, learner->net->weights, learner->net->num_weights * sizeof(float));
}

/* ---- the step ---- */

static double learning_rate(const esp_learner *l)
{
    double progress = (double)l->step / (double)l->steps, end = l->config.learning_rate_end;
    /* Adam's first steps have full length in every direction, whatever the gradient; hence the
     * warm-up. */
    double rise = l->step < l->config.warmup ? (double)(l->step + 1) / l->config.warmup : 1.0;
    return rise * l->config.learning_rate * (end + (1.0 - end) * 0.5 * (1.0 + cos(M_PI * progress)));
}

/* At first the mean of all weights so far, then an exponential average. */
static void average_weights(esp_learner *l)
{
    if (!l->average) return;
    double decay = fmin(l->config.average, (double)l->step / (double)(l->step + 9));
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < l->net->num_weights; first += AVERAGE_STRETCH) {
        size_t rest = l->net->num_weights - first;
        esp_ema(rest < AVERAGE_STRETCH ? rest : AVERAGE_STRETCH, (float)(1.0 - decay), l->net->weights + first,
                l->average->weights + first);
    }
}

esp_status esp_learner_step(esp_learner *learner, double *mse)
{
    const esp_autoencoder_train_config *c = &learner->config;
    bool batch_statistics = (double)learner->step < c->batch_statistics * (double)learner->steps;
    esp_autoencoder_step step = {.n = learner->batch, .batch_statistics = batch_statistics,
                                 .learning_rate = learning_rate(learner)};
    draw_batch(learner);
    esp_status status = esp_autoencoder_updater_step(learner->updater, &step, mse);
    if (status != ESP_OK) return esp_fail_in(status, "gradient step %lld", (long long)learner->step);
    learner->step++;
    average_weights(learner);
    return ESP_OK;
}
