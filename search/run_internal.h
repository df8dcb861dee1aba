/* A search in progress: the state that every method works on, and the points that it offers. */
#ifndef ESP_RUN_INTERNAL_H
#define ESP_RUN_INTERNAL_H

#include "search/search.h"

/* A feasible point and its performance. */
typedef struct {
    esp_widths widths;
    double     performance;
} esp_finalist;

struct esp_search_run {
    esp_objective *objective;
    const esp_objective_config *settings; /* owned by the objective */
    const esp_levels *levels;             /* owned by the objective */
    const esp_search_config *config;
    const esp_search_method *method;
    esp_search_result result;             /* on entry, the baseline and the widths of the equal cut */
    int          num_finalists;
    esp_finalist finalist[ESP_MAX_FINALISTS]; /* feasible points offered so far, best first */
};

/* ---- objective.c ---- */

/* Levels of the settings' network and grouping. */
const esp_levels *esp_objective_levels(const esp_objective *objective);
/* Announces that the next evaluations bring the search from `done` to done + span, of 1; every
 * block of them moves the progress bar. */
void esp_objective_stage(esp_objective *objective, double done, double span);
/* Reserves part of the budget, which evaluations cannot use until this is set to 0 again. */
void esp_objective_reserve(esp_objective *objective, int evaluations);

/* ---- search.c ---- */

bool   esp_search_feasible(const esp_search_run *run, const esp_widths *widths);
/* Best performance offered so far, NAN before there is one. */
double esp_search_best(const esp_search_run *run);
/* Evaluates points at scale 1 and offers them; performance [n] may be NULL. */
esp_status esp_search_judge(esp_search_run *run, int n, const esp_widths *widths, double *performance);
/* Announces that the next evaluations bring the method from `done` of its `total` to done +
 * span. */
void   esp_search_stage(const esp_search_run *run, double done, double span, double total);
/* The performance by which losses are divided: that of the uncut network, or 1 when it is
 * negligible. */
double esp_search_scale(const esp_search_run *run);

/* ---- finalists.c ---- */

/* Remembers a point if it is feasible and among the best; performance at scale 1, NAN: not
 * evaluated. */
void       esp_search_offer(esp_search_run *run, const esp_widths *widths, double performance);
/* Share of the progress bar that the finalists take. */
double     esp_finalists_share(const esp_search_config *config);
/* Reserves the part of the budget that the finalists need. */
void       esp_finalists_reserve(const esp_search_run *run);
/* Judges the offered points and leaves the best in run->result. */
esp_status esp_finalists_judge(esp_search_run *run);

#endif
