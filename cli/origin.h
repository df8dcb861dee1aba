/* What `inspect` says about the purpose and the origin of a file. */
#ifndef ESP_CLI_ORIGIN_H
#define ESP_CLI_ORIGIN_H

#include "study/study.h"

/* Adds contract, pedigree, params_original and sparsity_of_original. */
void esp_origin_json(const esp_subject *subject, cJSON *json);
/* The same as tables on stdout. */
void esp_origin_print(const esp_subject *subject);

#endif
