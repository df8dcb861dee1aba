/* What the files of search share: the journal's two doors and the helpers of search methods. */
#ifndef ESP_SEARCH_INTERNAL_H
#define ESP_SEARCH_INTERNAL_H

#include "search/search.h"

/* ---- journal.c ---- */

typedef void (*esp_journal_fn)(void *context, const esp_widths *widths, int scale, double performance);

typedef struct esp_journal esp_journal;

typedef struct {
    const esp_widths *widths;
    int    scale, number;     /* of the file's evaluations, from 1 */
    double performance, wall_s;
} esp_evaluation;

/* Locks config->journal, checks that it belongs to this search and hands every evaluation in it to `found`; a last
 * line without its end is mended. Without a file there is none before the first append. */
esp_status esp_journal_open(const esp_objective_config *config, esp_journal_fn found, void *context, esp_journal **out);
void       esp_journal_close(esp_journal *journal); /* accepts NULL */
/* Whether the file is of another search (config->set_aside): what `found` got is then of no use. */
bool       esp_journal_makes_way(const esp_journal *journal);
esp_status esp_journal_append(esp_journal *journal, const esp_objective_config *config, const esp_evaluation *evaluation);
esp_status esp_journal_add_result(esp_journal *journal, const cJSON *result);

/* ---- objective.c: for the methods ---- */

const esp_levels *esp_objective_levels(const esp_objective *objective); /* of the settings' network and grouping */
/* The evaluations that follow bring the search from `done` to done + span, of 1; every block of
 * them moves the progress bar. */
void esp_objective_stage(esp_objective *objective, double done, double span);
/* Keeps so much of the budget from whoever evaluates until it is set to 0 again. */
void esp_objective_reserve(esp_objective *objective, int evaluations);

/* ---- search.c: for the methods ---- */

typedef struct {
    esp_widths widths;
    double     performance;
} esp_finalist;

struct esp_search_run {
    esp_objective *objective;
    const esp_objective_config *settings;
    const esp_levels *levels;
    const esp_search_config *config;
    const esp_search_method *method;
    esp_search_result result;             /* comes with the baseline and the widths of the equal cut */
    int          num_finalists;
    esp_finalist finalist[ESP_MAX_FINALISTS]; /* feasible points offered so far, best first */
};

bool   esp_search_feasible(const esp_search_run *run, const esp_widths *widths);
/* Best performance offered so far, NAN before there is one. */
double esp_search_best(const esp_search_run *run);
/* Evaluates points at scale 1 and offers them; performance [n] may be NULL. */
esp_status esp_search_judge(esp_search_run *run, int n, const esp_widths *widths, double *performance);
/* The evaluations that follow bring the method from `done` of its `total` to done + span. */
void   esp_search_stage(const esp_search_run *run, double done, double span, double total);

/* ---- finalists.c ---- */

/* Remembers a point when it is feasible and one of the best; performance at scale 1, NAN: not evaluated. */
void       esp_search_offer(esp_search_run *run, const esp_widths *widths, double performance);
double     esp_finalists_share(const esp_search_config *config);
/* Keeps what the finalists need of the budget. */
void       esp_finalists_reserve(const esp_search_run *run);
/* Judges the points offered and leaves the best in run->result. */
esp_status esp_finalists_judge(esp_search_run *run);

/* ---- search_global.c, search_sensitivity.c: where evolve starts ---- */

/* The cut of one ranking over all groups. */
esp_status esp_global_cut(const esp_search_run *run, bool lamp, esp_widths *widths);

enum { ESP_CURVE_CANDIDATES = 8 };

/* What a group loses when it is cut alone. */
typedef struct {
    int    num;                           /* levels evaluated; 0: nothing is known */
    double coefficient[ESP_CURVE_LEVELS]; /* rising, above the least */
    double lost[ESP_CURVE_LEVELS];        /* share of the performance, 0 to 0.99, never falling */
} esp_curve;

/* Levels a group that so many evaluations pay for, search.levels at most; below 1: none. */
int        esp_curves_affordable(const esp_search_run *run, int evaluations);
/* Evaluates the curves [groups] at so many levels. */
esp_status esp_curves_make(esp_search_run *run, int levels, esp_curve *curves);
/* The loss they predict for a cut. */
double     esp_curves_loss(const esp_search_run *run, const esp_curve *curves, const esp_widths *widths);
/* The cuts with the least predicted loss, not evaluated; widths [ESP_CURVE_CANDIDATES]. */
esp_status esp_curves_candidates(esp_search_run *run, const esp_curve *curves, int *num, esp_widths *widths);

/* ---- starts.c ---- */

enum { ESP_STARTS = 3 + ESP_CURVE_CANDIDATES };

typedef struct {
    int        num;                     /* cuts, not evaluated, at least 1 */
    esp_widths widths[ESP_STARTS];      /* the equal cut first, which is the result when the budget ends at once */
    bool       informed;                /* there are curves: a third of the budget pays for two levels of each */
    esp_curve  curves[ESP_MAX_AXES];    /* by group */
} esp_starts;

/* The equal cut, the cuts of one ranking over all groups, and with curves the cuts that they predict. */
esp_status esp_starts_make(esp_search_run *run, esp_starts *out);

/* ---- the rows of esp_search_methods ---- */

esp_status esp_search_gd(esp_search_run *run);
esp_status esp_search_grid(esp_search_run *run);
esp_status esp_search_global(esp_search_run *run);
esp_status esp_search_lamp(esp_search_run *run);
esp_status esp_search_sensitivity(esp_search_run *run);
esp_status esp_search_evolve(esp_search_run *run);
esp_status esp_search_nlopt(esp_search_run *run);
esp_status esp_search_magnitude(esp_search_run *run);
esp_status esp_search_random(esp_search_run *run);

#endif
