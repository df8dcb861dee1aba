/* A search under way: what every method works on, and the points that it offers. */
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
    const esp_objective_config *settings; /* the objective's */
    const esp_levels *levels;             /* the objective's */
    const esp_search_config *config;
    const esp_search_method *method;
    esp_search_result result;             /* the method finds the baseline and the widths of the equal cut in it */
    int          num_finalists;
    esp_finalist finalist[ESP_MAX_FINALISTS]; /* feasible points offered so far, best first */
};

/* ---- objective.c ---- */

const esp_levels *esp_objective_levels(const esp_objective *objective); /* of the settings' network and grouping */
/* The evaluations that follow bring the search from `done` to done + span, of 1; every block of
 * them moves the progress bar. */
void esp_objective_stage(esp_objective *objective, double done, double span);
/* Keeps so much of the budget from whoever evaluates, until it is set to 0 again. */
void esp_objective_reserve(esp_objective *objective, int evaluations);

/* ---- search.c ---- */

bool   esp_search_feasible(const esp_search_run *run, const esp_widths *widths);
/* Best performance offered so far, NAN before there is one. */
double esp_search_best(const esp_search_run *run);
/* Evaluates points at scale 1 and offers them; performance [n] may be NULL. */
esp_status esp_search_judge(esp_search_run *run, int n, const esp_widths *widths, double *performance);
/* The evaluations that follow bring the method from `done` of its `total` to done + span. */
void   esp_search_stage(const esp_search_run *run, double done, double span, double total);
/* The performance that losses are divided by: that of the uncut network, 1 when it is nothing. */
double esp_search_scale(const esp_search_run *run);

/* ---- finalists.c ---- */

/* Remembers a point when it is feasible and one of the best; performance at scale 1, NAN: not evaluated. */
void       esp_search_offer(esp_search_run *run, const esp_widths *widths, double performance);
/* Share of the progress bar that the finalists take. */
double     esp_finalists_share(const esp_search_config *config);
/* Keeps what the finalists need of the budget. */
void       esp_finalists_reserve(const esp_search_run *run);
/* Judges the points offered and leaves the best in run->result. */
esp_status esp_finalists_judge(esp_search_run *run);

#endif
