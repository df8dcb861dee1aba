/* The functions in the rows of esp_compensations: prepare, repair and free of each. */
#ifndef ESP_COMPENSATE_INTERNAL_H
#define ESP_COMPENSATE_INTERNAL_H

#include "pruning/pruning.h"

/* ---- compensate_mean.c ---- */

void      *esp_mean_prepare(const esp_network *net, const esp_calibration *calibration);
esp_status esp_mean_repair(const void *prepared, const esp_cut *cut, esp_network *smaller);
void       esp_mean_free(void *prepared);

/* ---- compensate_lsq.c ---- */

/* A fit is drawn towards the old weights, the more so the fewer rows there are per column: the ridge is this share,
 * times columns / rows, of the inputs' mean variance. On the MNIST autoencoder with 4,000 samples and half of the
 * parameters removed it lowers the added test error from 0.0020 to 0.0018; with 1,000 to 20,000 samples any value
 * from 0.1 to 0.5 is within 3 % of it. */
#define ESP_LSQ_SHRINKAGE 0.3

void      *esp_lsq_prepare(const esp_network *net, const esp_calibration *calibration);
esp_status esp_lsq_repair(const void *prepared, const esp_cut *cut, esp_network *smaller);
void       esp_lsq_free(void *prepared);

#endif
