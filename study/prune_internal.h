/* Shared by the files that make one pruning. */
#ifndef ESP_PRUNE_INTERNAL_H
#define ESP_PRUNE_INTERNAL_H

#include "study/study.h"

/* Data for importance, compensation and finetuning, recorded once from the subject's own network and only if one of
 * them needs it. */
typedef struct {
    void           *recording;          /* the application's, or NULL */
    esp_calibration calibration;        /* all samples */
    esp_calibration fewer;              /* fewer of the same samples, for candidates */
} esp_records;

/* What one round is to do. */
typedef struct {
    int              round;    /* counted from 1 */
    double           target;   /* sparsity, of the original */
    int              finetune; /* gradient steps */
    bool             repaired; /* candidates are repaired by least squares, whatever repairs the result */
    const char      *journal;  /* NULL: no journal is kept */
    esp_journal_kind kind;     /* its role */
} esp_round_plan;

/* ---- prune_round.c ---- */

/* Groups, with pins, of the network that a round cuts: the subject's own or what an earlier round left of it. */
esp_status esp_round_groups(const esp_pruning *pruning, const esp_network *net, esp_grouping *out);
esp_status esp_round_record(const esp_pruning *pruning, esp_records *out);
/* Cuts the network that the pruning holds as its result so far, at first the subject's, and finetunes. */
esp_status esp_round_make(esp_pruning *pruning, const esp_records *records, const esp_round_plan *plan);

/* ---- prune_smallest.c ---- */

/* Rounds of smaller and smaller networks: the pruning ends with the smallest that keeps request.keep.
 * ESP_ERR_INFEASIBLE when none of them does. */
esp_status esp_prune_smallest(esp_pruning *pruning, const esp_records *records, const char *journal,
                              esp_journal_kind kind);

#endif
