/* search: finds the widths that meet a target sparsity with the best performance, as an application measures it.
 *
 * The module sees a network, its groups and a performance callback; it knows neither agents nor images. */
#ifndef ESP_SEARCH_H
#define ESP_SEARCH_H

#include "pruning/pruning.h"

/* ---- objective.c, journal.c: evaluations, cached by width vector, journalled ---------------------- */

/* Performance (higher is better, finite) of n cuts of the dense network, evaluated in parallel by the application;
 * equal cuts give equal numbers. `scale` >= 1 is the fidelity: scale times the episodes or images of scale 1
 * (including those), at scale times the cost. */
typedef esp_status (*esp_performance_fn)(void *context, int n, const esp_cut *cuts, int scale, double *performance);

/* What is searched: borrowed parts and the memory of what was evaluated. */
typedef struct esp_objective esp_objective;

/* The question that an objective answers. Everything it points to is the caller's. */
typedef struct {
    const esp_network  *net;         /* the dense network */
    const esp_grouping *grouping;    /* of net: what may be cut, and how sparsity is counted */
    const esp_ranking  *ranking;     /* of net: which units stay at given widths */
    esp_performance_fn  performance; /* what is maximised */
    void               *context;     /* passed to `performance` */
    int                 budget;      /* most evaluations; one of scale s counts s; >= 2; 0: no limit */
    int                 at_once;     /* most cuts per call of `performance`, >= 1; 0: 16 */
    const char         *journal;     /* path of a JSON-lines file; NULL: no journal is kept */
    bool                set_aside;   /* move a journal of another question to JOURNAL.old, with a warning */
    uint64_t            section;     /* part of the journal that holds this search's evaluations, for searches that
                                      * follow one another in one file; 0: the part of the search that began it */
    int                 round;       /* noted beside the evaluations of a section, for readers */
    double              whole;       /* parameters that the sparsity in the journal counts from, at least those of
                                      * `net`; 0: those of `net` */
    const cJSON        *identity;    /* everything that makes evaluations comparable (checkpoint hash, seeds,
                                      * episodes, planner); a journal with another identity is refused. Groups and
                                      * ranking are compared in any case */
    const cJSON        *about;       /* for readers of a new journal: the command and the target; never compared.
                                      * NULL: nothing */
} esp_objective_config;

/* Copies the configuration and borrows what it points to. Reads an existing journal, so that an interrupted search
 * repeats no evaluation; a last line cut short by a kill is dropped. The journal is locked until esp_objective_free:
 * ESP_ERR_IO, naming the process, when another process holds it. */
esp_status esp_objective_create(const esp_objective_config *config, esp_objective **out);
void       esp_objective_free(esp_objective *objective); /* accepts NULL */

/* Evaluations that the journal already held. */
int        esp_objective_known(const esp_objective *objective);
/* What the last search in the existing journal was for: its result, or the header's `about` while there is no result.
 * Its target and method may differ from those of this search. NULL when there is no journal or it does not say. Owned
 * by the objective. */
const cJSON *esp_objective_question(const esp_objective *objective);
/* Ends the journal, if there is one, with the result of its search, for readers; a search that resumes from it
 * ignores the result. */
esp_status esp_objective_add_result(esp_objective *objective, const cJSON *result);

/* Performance at n width vectors [n], all at one scale; evaluates only those never seen at that scale, and duplicates
 * once.
 *
 * A spent budget is not an error: the later ones of `widths`, which it does not cover, get NAN. Evaluations read from
 * the journal count when they are asked for, so a resumed search spends its budget exactly as an uninterrupted one.
 * ESP_ERR_NUMERIC when a performance is not finite. */
esp_status esp_objective_evaluate(esp_objective *objective, int n, const esp_widths *widths, int scale,
                                  double *performance);
/* Distinct evaluations asked for, times their scale. */
int        esp_objective_evaluations(const esp_objective *objective);
int        esp_objective_left(const esp_objective *objective);        /* rest of the budget; INT_MAX: no limit */
/* The objective's copy of its configuration, valid until esp_objective_free: at_once is filled in; journal, identity
 * and about are NULL, since only esp_objective_create reads them. */
const esp_objective_config *esp_objective_settings(const esp_objective *objective);

/* ---- search.c, search_*.c ---------------------------------------------------------------------------- */

enum { ESP_MAX_FINALISTS = 64, ESP_CURVE_LEVELS = 64 }; /* largest search.finalists and search.levels */

/* Settings of a search; the members after the target are the search.* keys. */
typedef struct {
    esp_target target;   /* set by options of `prune`, not by keys */
    double lambda;       /* gd: weight of the quadratic sparsity penalty */
    double rate;         /* gd: coefficient per slope of relative performance */
    double momentum;     /* gd: share of the last move that is repeated */
    double difference;   /* gd: half-width of a central difference, at least one unit */
    int    iterations;   /* gd: most steps */
    int    generations;  /* evolve: most generations */
    int    draws;        /* random: directions drawn */
    int    grid;         /* grid: points per coefficient */
    int    samples;      /* grid, nlopt: most cuts evaluated */
    int    levels;       /* sensitivity: cuts per group alone, at most ESP_CURVE_LEVELS */
    int    finalists;    /* best points re-evaluated at larger scales; 1: none */
    uint64_t seed;       /* seed for what grid, evolve, random and nlopt draw; an option, not a key */
} esp_search_config;

/* The keys, their ranges, and their defaults: 20 % +- 1 %, as in the paper; search_gd.c explains the numbers of
 * gd. */
extern const esp_field esp_search_fields[];
extern const int       esp_search_num_fields; /* entries of esp_search_fields */
esp_search_config      esp_search_config_default(void); /* 20 % +- 1 % of all parameters */
/* ESP_ERR_RANGE naming the key that is out of range. */
esp_status             esp_search_config_check(const esp_search_config *config);

/* Where a search ended. Holds no pointers: may be copied freely. */
typedef struct {
    double coefficient[ESP_MAX_AXES]; /* realised fraction per group */
    esp_widths widths;                /* units kept per axis; esp_cut_make turns them into a cut */
    double baseline;                  /* performance of the uncut network on search episodes */
    double performance;               /* performance of the result on search episodes; NAN: an earlier search on the
                                       * same objective left no evaluation for it */
    int    scale;                     /* scale of these two performances */
    double structural, nominal;       /* sparsity of the result, counted both ways, in [0, 1) */
    int    evaluations, iterations;   /* evaluations in units of scale 1 */
    double combinations, survivors;   /* grid: all combinations, and those at the target; other methods: 0 */
    bool   judged;                    /* false: the uncut network has no performance to lose, so cuts could not be
                                         judged and importance alone decided */
} esp_search_result;

/* A search in progress, the state that a method works on (run_internal.h). */
typedef struct esp_search_run esp_search_run;

/* A search method: a row of the table below. */
typedef struct {
    const char *name;                 /* value of --method */
    const char *help;                 /* one line for the list of methods */
    const char *keys;                 /* search.* keys that it reads: "draws|finalists"; NULL: none */
    /* Offers every feasible point at which it may end, with its performance at scale 1, or leaves the final point in
     * run->result.widths without evaluating it. Stops early when the budget is spent. */
    esp_status (*search)(esp_search_run *run);
} esp_search_method;

extern const esp_search_method esp_search_methods[]; /* ends with name == NULL */
const esp_search_method *esp_search_find(const char *name); /* NULL, with the error text set, when unknown */
/* Whether the method reads a key of esp_search_fields, "search.draws". */
bool                     esp_search_reads(const esp_search_method *method, const char *path);

/* Runs a method, judges the best points it found again at larger scales (finalists.c), and checks its promise:
 * |constrained sparsity - target| <= tolerance. Otherwise ESP_ERR_INFEASIBLE, with the nearest reachable sparsity,
 * before anything is evaluated. ESP_ERR_RANGE for a configuration outside its bounds. */
esp_status esp_search(esp_objective *objective, const esp_search_method *method,
                      const esp_search_config *config, esp_search_result *result);

#endif
