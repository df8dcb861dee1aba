/* The functions in the rows of esp_compensations: prepare, repair and free of each. */
#ifndef ESP_COMPENSATE_INTERNAL_H
#define ESP_COMPENSATE_INTERNAL_H

#include "pruning/pruning.h"

/* ---- compensate_mean.c ---- */

void      *esp_mean_prepare(const esp_network *net, const esp_calibration *calibration);
esp_status esp_mean_repair(const void *prepared, const esp_cut *cut, esp_network *smaller);
void       esp_mean_free(void *prepared);

/* ---- compensate_lsq.c ---- */

void      *esp_lsq_prepare(const esp_network *net, const esp_calibration *calibration);
esp_status esp_lsq_repair(const void *prepared, const esp_cut *cut, esp_network *smaller);
void       esp_lsq_free(void *prepared);

#endif
