/* The reconstruction objective of a search whose cuts are compensated: every candidate is another network, with its
 * own weights, and is run as a whole. (Plain cuts share the layers that they have in common: objective.c.) */
#include <math.h>
#include <stdlib.h>

#include "autoencoder/autoencoder.h"

static esp_status judge(const esp_reconstruction_candidates *c, const esp_cut *cut, int count, double *performance)
{
    esp_network *net = NULL;
    esp_reconstruction result;
    esp_images images = {.count = count < c->images->count ? count : c->images->count, .pixels = c->images->pixels};
    esp_status status = esp_surgeon_operate(c->surgeon, cut, &net);
    if (status == ESP_OK) status = esp_reconstruct(net, &images, NULL, &result);
    if (status == ESP_OK) *performance = result.psnr_of_mean_mse_db;
    esp_network_free(net);
    return status;
}

esp_status esp_reconstruction_candidates_performance(void *context, int n, const esp_cut *cuts, int scale,
                                                     double *performance)
{
    const esp_reconstruction_candidates *c = context;
    esp_error *errors = esp_alloc((size_t)n, sizeof *errors);
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < n; i++) esp_error_take(&errors[i], judge(c, &cuts[i], scale * c->count, &performance[i]));
    esp_status status = esp_error_first(errors, n);
    free(errors);
    return status;
}
