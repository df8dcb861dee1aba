/* Compensation: surgery that repairs what it leaves. */
#include <stdlib.h>
#include <string.h>

#include "pruning/pruning_internal.h"

struct esp_surgeon {
    const esp_network *net;
    esp_compensation   compensation;
    double            *mean[ESP_MAX_LAYERS]; /* mean: [columns] of what a layer's weights are multiplied with */
    esp_refit         *refit;                /* lsq */
};

/* ---- mean ---- */

static void record_means(esp_surgeon *surgeon, const esp_calibration *calibration)
{
    const esp_network *net = surgeon->net;
    bool wanted[ESP_MAX_LAYERS];
    esp_gram grams[ESP_MAX_LAYERS];
    esp_pruned_readers(net, calibration, wanted);
    esp_grams_make(net, calibration, wanted, grams);
    for (int l = 0; l < net->num_layers; l++) {
        if (!wanted[l]) continue;
        surgeon->mean[l] = grams[l].mean;
        grams[l].mean = NULL;
    }
    esp_grams_free(net, grams);
}

/* Columns of the weights that stay, [columns]. */
static void kept_columns(const esp_network *net, const esp_cut *cut, const esp_layer *layer, bool *kept)
{
    int area = layer->kind == ESP_LAYER_CONV2D ? layer->kernel * layer->kernel : 1, first = 0;
    memset(kept, 0, (size_t)esp_layer_columns(layer) * sizeof *kept);
    for (int p = 0; p < layer->in.num; p++) {
        int axis = layer->in.part[p].axis, block = layer->in.part[p].block * area;
        for (int i = 0; i < cut->widths.kept[axis]; i++)
            for (int b = 0; b < block; b++) kept[first + cut->kept[axis][i] * block + b] = true;
        first += net->axis[axis].size * block;
    }
}

/* The removed columns' mean contribution, into the bias. */
static void compensate_mean(const esp_surgeon *surgeon, const esp_cut *cut, int l, const esp_network *smaller)
{
    const esp_network *net = surgeon->net;
    const esp_layer *layer = &net->layer[l];
    const float *weights = esp_network_weights(net, layer->weight);
    float *bias = esp_network_weights(smaller, smaller->layer[l].bias);
    int columns = esp_layer_columns(layer), axis = layer->out.part[0].axis;
    bool *kept = esp_alloc((size_t)columns, sizeof *kept);
    kept_columns(net, cut, layer, kept);
    for (int o = 0; o < cut->widths.kept[axis]; o++) {
        const float *row = weights + (size_t)cut->kept[axis][o] * (size_t)columns;
        double lost = 0;
        for (int j = 0; j < columns; j++)
            if (!kept[j]) lost += (double)row[j] * surgeon->mean[l][j];
        bias[o] += (float)lost;
    }
    free(kept);
}

/* ---- the surgeon ---- */

esp_status esp_surgeon_create(const esp_network *net, esp_compensation compensation,
                              const esp_calibration *calibration, esp_surgeon **out)
{
    if (compensation != ESP_COMPENSATION_NONE) {
        char name[ESP_CONFIG_TEXT];
        esp_choice_word(ESP_COMPENSATION_CHOICES, (int)compensation, name);
        if (!calibration)
            return esp_fail(ESP_ERR_USAGE, "compensation '%s' looks at recorded data, and there is none", name);
        esp_status status = esp_calibration_check(net, calibration);
        if (status != ESP_OK) return status;
    }
    esp_surgeon *surgeon = esp_alloc(1, sizeof *surgeon);
    surgeon->net = net;
    surgeon->compensation = compensation;
    if (compensation == ESP_COMPENSATION_MEAN) record_means(surgeon, calibration);
    if (compensation == ESP_COMPENSATION_LSQ) surgeon->refit = esp_refit_create(net, calibration);
    *out = surgeon;
    return ESP_OK;
}

void esp_surgeon_free(esp_surgeon *surgeon)
{
    if (!surgeon) return;
    for (int l = 0; l < ESP_MAX_LAYERS; l++) free(surgeon->mean[l]);
    esp_refit_free(surgeon->refit);
    free(surgeon);
}

esp_status esp_surgeon_operate(const esp_surgeon *surgeon, const esp_cut *cut, esp_network **out)
{
    esp_network *smaller = NULL;
    esp_status status = esp_surgery(surgeon->net, cut, &smaller);
    for (int l = 0; l < surgeon->net->num_layers && status == ESP_OK; l++)
        if (surgeon->mean[l]) compensate_mean(surgeon, cut, l, smaller);
    if (status == ESP_OK && surgeon->refit) status = esp_refit_run(surgeon->refit, cut, smaller);
    if (status == ESP_OK) *out = smaller;
    else                  esp_network_free(smaller);
    return status;
}
