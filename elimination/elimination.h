/* elimination: counts, samples or optimises over all combinations of a few widths per group without enumerating
 * them. */
#ifndef ESP_ELIMINATION_H
#define ESP_ELIMINATION_H

#include "pruning/pruning.h"

/* A few coefficients per group, and for ESP_LEAST the predicted loss of each. */
typedef struct {
    int     count[ESP_MAX_AXES];        /* per group */
    double *coefficient[ESP_MAX_AXES]; /* [count], owned */
    double *share[ESP_MAX_AXES];       /* [count], owned: c_i of Eq. (1b), not rounded to whole units */
    double *loss[ESP_MAX_AXES];        /* [count], owned; NULL with ESP_COUNT */
} esp_choices;

/* At most `points` levels per group, evenly spaced between its bounds. */
void esp_choices_make(const esp_levels *levels, const esp_grouping *grouping, int points, esp_choices *out);
void esp_choices_free(esp_choices *choices); /* frees its arrays */

/* What an elimination computes. */
typedef enum {
    ESP_COUNT,   /* number of ways; exact up to 2^53 */
    ESP_LEAST    /* the least loss; dominated terms are dropped, and 256 kept */
} esp_algebra;

/* All combinations of the choices, summed group by group along the axes that connect them; owns its tables. */
typedef struct esp_elimination esp_elimination;

/* Borrows net, grouping and choices. */
esp_status esp_elimination_create(const esp_network *net, const esp_grouping *grouping, const esp_choices *choices,
                                  esp_algebra algebra, esp_elimination **out);
void       esp_elimination_free(esp_elimination *elimination); /* accepts NULL */
/* ESP_COUNT: number of combinations whose constrained sparsity (nominal: before rounding to units, as the paper
 * counts) is within tolerance of the target; *nearest is the sparsity closest to the target. */
esp_status esp_elimination_count(esp_elimination *elimination, double sparsity, double tolerance, double *count,
                                 double *nearest);
/* ESP_COUNT: the choices [groups] of combination number `rank` among those counted last. Fastest in ascending order
 * of ranks. */
esp_status esp_elimination_pick(esp_elimination *elimination, double rank, int *choice);
/* ESP_LEAST: the choices [groups] with the least loss among those that reach a sparsity, up to one step of the list;
 * the sparsest of all when none reaches it. */
esp_status esp_elimination_best(esp_elimination *elimination, double sparsity, int *choice);

#endif
