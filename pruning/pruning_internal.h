/* What the files of pruning share: the journal's two doors and the helpers of search methods. */
#ifndef ESP_PRUNING_INTERNAL_H
#define ESP_PRUNING_INTERNAL_H

#include "pruning/pruning.h"

/* ---- journal.c ---- */

typedef void (*esp_journal_fn)(void *context, const esp_widths *widths, double performance);

/* Creates config->journal, or checks that it belongs to this search and hands every evaluation in
 * it to `found`. Afterwards the file ends with a complete line. */
esp_status esp_journal_open(const esp_objective_config *config, esp_journal_fn found, void *context);
/* `number` counts the evaluations of the file, from 1. */
esp_status esp_journal_append(const esp_objective_config *config, const esp_widths *widths, double performance,
                              double wall_s, int number);

/* ---- the rows of the table in importance.c: scores [axis][unit] of every axis ---- */

typedef esp_status (*esp_score_fn)(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                                   double *const *scores);

esp_status esp_score_l1(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores);
esp_status esp_score_l2(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores);

/* ---- objective.c: for the methods ---- */

/* The evaluations that follow bring the search from `done` of `total` to done + span; every block
 * of them moves the progress bar. */
void   esp_objective_stage(esp_objective *objective, double done, double span, double total);

/* ---- search.c: for the methods ---- */

double esp_search_sparsity(const esp_objective *objective, const esp_widths *widths);
bool   esp_search_feasible(const esp_objective *objective, const esp_search_config *config, const esp_widths *widths);
/* Remembers a point in *result when it is feasible and the best so far; true when it is. */
bool   esp_search_offer(const esp_objective *objective, const esp_search_config *config, const esp_widths *widths,
                        double performance, esp_search_result *result);

/* ---- the rows of esp_search_methods ---- */

esp_status esp_search_gd(esp_objective *objective, const esp_search_config *config, esp_search_result *result);
esp_status esp_search_magnitude(esp_objective *objective, const esp_search_config *config, esp_search_result *result);
esp_status esp_search_random(esp_objective *objective, const esp_search_config *config, esp_search_result *result);

#endif
