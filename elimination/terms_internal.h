/* Sorted lists of sums: the content of a table's cells. */
#ifndef ESP_TERMS_INTERNAL_H
#define ESP_TERMS_INTERNAL_H

#include "elimination/elimination.h"

typedef struct {
    int64_t sum;
    double  value;
} esp_term;

typedef struct {
    int       num;   /* at least 1 */
    esp_term *term;  /* [num], sums ascending; owned */
} esp_terms;

esp_terms esp_terms_one(int64_t sum, double value);
void      esp_terms_free(esp_terms *terms);
/* Every sum of one term from each list; ESP_ERR_RANGE when the list gets too long. */
esp_status esp_terms_product(esp_algebra algebra, const esp_terms *a, const esp_terms *b, esp_terms *out);
/* All terms of the lists, with equal sums merged. */
esp_status esp_terms_union(esp_algebra algebra, int num, const esp_terms *lists, esp_terms *out);
int             esp_terms_above(const esp_terms *terms, int64_t sum); /* index of the first term with a sum >= `sum` */
const esp_term *esp_terms_find(const esp_terms *terms, int64_t sum);  /* NULL when there is none */

#endif
