/* Starting cuts for methods that move on the feasible set: suggested by rankings and by curves of
 * single groups. */
#ifndef ESP_STARTS_INTERNAL_H
#define ESP_STARTS_INTERNAL_H

#include "search/search.h"

/* ---- search_global.c ---- */

/* The cut given by one ranking over all groups. */
esp_status esp_global_cut(const esp_search_run *run, bool lamp, esp_widths *widths);

/* ---- curves.c ---- */

enum { ESP_CURVE_CANDIDATES = 8 }; /* most cuts predicted by curves */

/* What a group loses when it is cut alone. */
typedef struct {
    int    num;                           /* number of levels evaluated; 0: nothing is known */
    double coefficient[ESP_CURVE_LEVELS]; /* ascending, above the least */
    double lost[ESP_CURVE_LEVELS];        /* share of the performance lost, 0 to 0.99, never falling */
} esp_curve;

/* Levels per group that a number of evaluations pays for, at most search.levels; below 1: none. */
int        esp_curves_affordable(const esp_search_run *run, int evaluations);
/* Evaluates the curves [groups] at that many levels. */
esp_status esp_curves_make(esp_search_run *run, int levels, esp_curve *curves);
/* The loss that the curves predict for a cut. */
double     esp_curves_loss(const esp_search_run *run, const esp_curve *curves, const esp_widths *widths);
/* The cuts with the least predicted loss, not evaluated; widths [ESP_CURVE_CANDIDATES]. */
esp_status esp_curves_candidates(esp_search_run *run, const esp_curve *curves, int *num, esp_widths *widths);

/* ---- starts.c ---- */

enum { ESP_STARTS = 3 + ESP_CURVE_CANDIDATES }; /* most starts */

typedef struct {
    int        num;                     /* number of cuts, not evaluated, at least 1 */
    esp_widths widths[ESP_STARTS];      /* the equal cut first; it is the result when the budget is spent at once */
    bool       informed;                /* curves exist: a third of the budget paid for two levels of each */
    esp_curve  curves[ESP_MAX_AXES];    /* per group */
} esp_starts;

/* The equal cut, the cuts of one ranking over all groups, and, with curves, the cuts that they
 * predict. */
esp_status esp_starts_make(esp_search_run *run, esp_starts *out);

#endif
