/* elimination: counts, draws or optimises over all combinations of a few widths for every group without
 * enumerating them. */
#ifndef ESP_ELIMINATION_H
#define ESP_ELIMINATION_H

#include "pruning/pruning.h"

/* A few coefficients for every group, and for ESP_LEAST what each is predicted to lose. */
typedef struct {
    int     count[ESP_MAX_AXES];        /* by group */
    double *coefficient[ESP_MAX_AXES]; /* [count], owned */
    double *share[ESP_MAX_AXES];       /* [count], owned: c_i of Eq. (1b), not rounded to a unit */
    double *loss[ESP_MAX_AXES];        /* [count], owned; NULL with ESP_COUNT */
} esp_choices;

/* At most `points` levels of every group, evenly spaced between its bounds. */
void esp_choices_make(const esp_levels *levels, const esp_grouping *grouping, int points, esp_choices *out);
void esp_choices_free(esp_choices *choices); /* its arrays */

/* What an elimination computes with. */
typedef enum {
    ESP_COUNT,   /* value: in how many ways; exact up to 2^53 */
    ESP_LEAST    /* value: the least loss; what weighs more and loses more is left out, 256 terms are kept */
} esp_algebra;

/* All combinations of the choices, summed up group by group along the axes that tie them; owns its tables. */
typedef struct esp_elimination esp_elimination;

/* Borrows net, grouping and choices. */
esp_status esp_elimination_create(const esp_network *net, const esp_grouping *grouping, const esp_choices *choices,
                                  esp_algebra algebra, esp_elimination **out);
void       esp_elimination_free(esp_elimination *elimination); /* accepts NULL */
/* ESP_COUNT: combinations whose constrained sparsity (nominal: before rounding to units, as the paper
 * counts) is within tolerance of the target; *nearest is the sparsity closest to it. */
esp_status esp_elimination_count(esp_elimination *elimination, double sparsity, double tolerance, double *count,
                                 double *nearest);
/* ESP_COUNT: the choices [groups] of combination number `rank` of those counted last. Rising ranks are fastest. */
esp_status esp_elimination_pick(esp_elimination *elimination, double rank, int *choice);
/* ESP_LEAST: the choices [groups] with the least loss among those that reach a sparsity, within one
 * step of the front; the sparsest of all when none does. */
esp_status esp_elimination_best(esp_elimination *elimination, double sparsity, int *choice);

#endif
