/* state.safetensors: everything a run needs to continue bit for bit after a kill. Image orders and
 * shifts are not stored: seed and step determine them. */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "autoencoder/trainer_internal.h"

enum { COUNTERS = 4 };

static int list_items(const esp_autoencoder_trainer *t, int64_t counter[COUNTERS], esp_state_item *out)
{
    const esp_learner *l = &t->learner;
    size_t weights = l->net->num_weights;
    double most = ESP_WEIGHT_LIMIT;
    esp_state_item items[] = {
        {"counters", ESP_I64, COUNTERS, counter, 0, 0},
        {"model", ESP_F32, weights, l->net->weights, -most, most},
        {"adam.m", ESP_F32, weights, l->updater->adam.m, -most, most},
        {"adam.v", ESP_F32, weights, l->updater->adam.v, 0, most * most},
        {"centres", ESP_F32, l->updater->num_centres, l->updater->centres, -most, most},
        {"average", ESP_F32, weights, l->average ? l->average->weights : NULL, -most, most},
    };
    int count = sizeof items / sizeof *items - (l->average ? 0 : 1);
    memcpy(out, items, (size_t)count * sizeof *items);
    return count;
}

esp_status esp_autoencoder_trainer_save(const esp_autoencoder_trainer *trainer)
{
    esp_state_item items[ESP_MAX_STATE_ITEMS];
    int64_t counter[COUNTERS] = {trainer->learner.step, trainer->learner.updater->adam.step,
                                 esp_double_bits(esp_autoencoder_trainer_seconds(trainer)),
                                 (int64_t)trainer->images_hash};
    char *path = esp_run_state_path(trainer->run);
    esp_status status = esp_state_write(path, items, list_items(trainer, counter, items));
    free(path);
    return status;
}

/* Counters come from a file, so they are checked: they must be a state that this configuration can
 * reach. */
static esp_status check_counters(const char *path, const esp_autoencoder_trainer *t, const int64_t counter[COUNTERS])
{
    const esp_learner *l = &t->learner;
    if (counter[3] != (int64_t)t->images_hash)
        return esp_fail(ESP_ERR_USAGE, "%s: the run was started with other training images", path);
    if (counter[0] < 0 || counter[0] > l->steps || counter[0] % l->steps_per_epoch || counter[1] != counter[0])
        return esp_fail(ESP_ERR_RANGE, "%s: %lld gradient steps do not fit %d epochs of %d images in batches of %d",
                        path, (long long)counter[0], l->config.epochs, l->images->count, l->batch);
    return ESP_OK;
}

/* Checks the running variances, [num_weights] laid out like the network's weights: BatchNorm takes
 * their root. */
static esp_status check_variances(const char *path, const esp_network *net, const float *weights)
{
    for (int i = 0; i < net->num_layers; i++) {
        if (net->layer[i].var < 0) continue;
        const esp_tensor *var = &net->tensor[net->layer[i].var];
        for (size_t k = 0; k < var->count; k++)
            if (weights[var->offset + k] < 0.0f)
                return esp_fail(ESP_ERR_NUMERIC, "%s: '%s' is %g at index %zu; a variance cannot be negative", path,
                                var->name, (double)weights[var->offset + k], k);
    }
    return ESP_OK;
}

esp_status esp_autoencoder_trainer_restore(esp_autoencoder_trainer *trainer)
{
    esp_learner *l = &trainer->learner;
    esp_state_item items[ESP_MAX_STATE_ITEMS];
    int64_t counter[COUNTERS] = {0};
    char *path = esp_run_state_path(trainer->run);
    esp_status status = esp_state_read(path, items, list_items(trainer, counter, items));
    if (status == ESP_OK) status = check_counters(path, trainer, counter);
    if (status == ESP_OK) status = check_variances(path, l->net, l->net->weights);
    if (status == ESP_OK && l->average) status = check_variances(path, l->net, l->average->weights);
    if (status == ESP_OK)
        status = esp_state_double(path, "the time spent", counter[2], 0.0, DBL_MAX, &trainer->seconds);
    if (status == ESP_OK) {
        l->step = counter[0];
        l->updater->adam.step = counter[1];
    }
    free(path);
    return status;
}
