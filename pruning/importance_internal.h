/* The scores in the rows of esp_importances, each as esp_importance.score. */
#ifndef ESP_IMPORTANCE_INTERNAL_H
#define ESP_IMPORTANCE_INTERNAL_H

#include "pruning/pruning.h"

esp_status esp_score_l1(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores);
esp_status esp_score_l2(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores);
esp_status esp_score_lamp(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                          double *const *scores);
esp_status esp_score_activation(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                                double *const *scores);
esp_status esp_score_taylor(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                            double *const *scores);
esp_status esp_score_obs(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                         double *const *scores);

#define ESP_OBS_RIDGE 1e-4 /* ridge of obs, added to the diagonal: share of the inputs' mean variance */

#endif
