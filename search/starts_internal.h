/* Where methods that move on the feasible set begin: cuts that rankings and curves of single groups suggest. */
#ifndef ESP_STARTS_INTERNAL_H
#define ESP_STARTS_INTERNAL_H

#include "search/search.h"

/* ---- search_global.c ---- */

/* The cut of one ranking over all groups. */
esp_status esp_global_cut(const esp_search_run *run, bool lamp, esp_widths *widths);

/* ---- curves.c ---- */

enum { ESP_CURVE_CANDIDATES = 8 }; /* cuts predicted by curves, at most */

/* What a group loses when it is cut alone. */
typedef struct {
    int    num;                           /* levels evaluated; 0: nothing is known */
    double coefficient[ESP_CURVE_LEVELS]; /* rising, above the least */
    double lost[ESP_CURVE_LEVELS];        /* share of the performance, 0 to 0.99, never falling */
} esp_curve;

/* Levels of each group that so many evaluations pay for, search.levels at most; below 1: none. */
int        esp_curves_affordable(const esp_search_run *run, int evaluations);
/* Evaluates the curves [groups] at so many levels. */
esp_status esp_curves_make(esp_search_run *run, int levels, esp_curve *curves);
/* The loss that they predict for a cut. */
double     esp_curves_loss(const esp_search_run *run, const esp_curve *curves, const esp_widths *widths);
/* The cuts with the least predicted loss, not evaluated; widths [ESP_CURVE_CANDIDATES]. */
esp_status esp_curves_candidates(esp_search_run *run, const esp_curve *curves, int *num, esp_widths *widths);

/* ---- starts.c ---- */

enum { ESP_STARTS = 3 + ESP_CURVE_CANDIDATES }; /* starts, at most */

typedef struct {
    int        num;                     /* cuts, not evaluated, at least 1 */
    esp_widths widths[ESP_STARTS];      /* the equal cut first, which is the result when the budget ends at once */
    bool       informed;                /* there are curves: a third of the budget pays for two levels of each */
    esp_curve  curves[ESP_MAX_AXES];    /* by group */
} esp_starts;

/* The equal cut, the cuts of one ranking over all groups, and with curves the cuts that they predict. */
esp_status esp_starts_make(esp_search_run *run, esp_starts *out);

#endif
