/* pruning: which units go, how many of each, and what is left - for any network with named axes.
 *
 * The module sees axes, tensors and a performance callback; it knows no agent and no image. */
#ifndef ESP_PRUNING_H
#define ESP_PRUNING_H

#include "nn/nn.h"

#define ESP_MAX_COEFFICIENT 0.95 /* paper, section IV-B: some units always stay */

/* ---- groups.c ------------------------------------------------------------------------------- */

/* One axis or several axes that share one coefficient. */
typedef struct {
    char   name[2 * ESP_NAME];
    bool   coupling;             /* several components depend on it */
    int    num_axes;
    int    axis[ESP_MAX_AXES];
    int    modules;              /* layers involved, the column "Modules" of Tables II and IV */
    size_t params;               /* s_i of Eq. (1b) */
    double least, most;          /* bounds of the coefficient: 0 and ESP_MAX_COEFFICIENT unless pinned */
} esp_group;

typedef struct {
    bool structural_constraint;  /* the constraint is on structural sparsity, else on nominal */
    int  round_to;               /* kept widths are multiples of it, or the full size; 1: any width */
    int  num;
    esp_group group[ESP_MAX_AXES];
} esp_grouping;

/* A group of an application's own table, by names. `axes` share the coefficient; `modules` are
 * only counted, and may name what is no layer here (the paper counts activations). Lists end with
 * NULL or are full. */
typedef struct {
    const char *name;
    bool        coupling;
    const char *axes[8];
    const char *modules[8];
} esp_group_spec;

/* One group for every prunable axis that touches one of `components`. s_i counts all trainable
 * tensors along the axis in those components, so the s_i overlap and exceed the network. */
void esp_grouping_structural(const esp_network *net, unsigned components, esp_grouping *out);

/* The groups of a table, without the axes and modules that none of `components` touches and
 * without groups that are then empty. s_i counts the dense and convolution layers that produce
 * the units (weights and biases), as Tables II and IV do. ESP_ERR_SHAPE when the network lacks an
 * axis, may not lose units of it, or finds it in two groups. */
esp_status esp_grouping_from_specs(const esp_network *net, const esp_group_spec *specs, int count,
                                   unsigned components, esp_grouping *out);

/* Fixes the coefficient of every group whose name matches a shell pattern (fnmatch): 0 protects it.
 * ESP_ERR_USAGE with the names there are when none matches, ESP_ERR_RANGE outside [0, 0.95]. */
esp_status esp_grouping_pin(esp_grouping *grouping, const char *pattern, double value);

/* ---- widths.c: how many units stay, and exact sparsity from counts alone --------------------- */

typedef struct { int kept[ESP_MAX_AXES]; } esp_widths; /* by axis of the network */

esp_widths esp_widths_full(const esp_network *net);
/* kept = n - round(c n) with c within the group's bounds, at least one unit and at least
 * n - floor(0.95 n); then the nearest width that round_to allows, which n always is. */
esp_widths esp_widths_of(const esp_network *net, const esp_grouping *grouping, const double *coefficients);
/* The realised coefficient of a group: units removed / units before, over all its axes. */
double esp_group_fraction(const esp_network *net, const esp_group *group, const esp_widths *widths);
/* Trainable parameters of a set of components at these widths: a product per tensor. */
size_t esp_widths_params(const esp_network *net, const esp_widths *widths, unsigned components);
double esp_structural_sparsity(const esp_network *net, const esp_widths *widths, unsigned components);
/* Eq. (1b) with c_i the realised fraction. */
double esp_nominal_sparsity(const esp_network *net, const esp_grouping *grouping, const esp_widths *widths);
/* The one the grouping constrains. */
double esp_constrained_sparsity(const esp_network *net, const esp_grouping *grouping, const esp_widths *widths,
                                unsigned components);
/* The constrained sparsity with real-valued widths n (1 - c), and its gradient [groups] (NULL: not
 * wanted): what a descent follows where the exact one is a staircase. */
double esp_smooth_sparsity(const esp_network *net, const esp_grouping *grouping, unsigned components,
                           const double *coefficients, double *gradient);

/* ---- calibration.c: recorded data ---------------------------------------------------------------- */

/* What one component reads when recorded data runs through the network. */
typedef struct {
    int          source;  /* component whose output comes first in the input; -1: recorded data alone */
    const void  *data;    /* source -1: [count, in_size] as esp_forward takes it (uint8 images when the first
                             layer is an image, else float). Otherwise [count, columns] float that follow the
                             source's output, or NULL */
    int          columns; /* of data behind a source's output; source -1: not read */
    const float *target;  /* [count, out_size] what the output should be, for criteria that look at a loss;
                             NULL: no opinion */
} esp_feed;

/* Recorded data for every component of a network; borrows it. A source stands before its readers. A
 * component with source -1 and no data is not run: its layers neither count in importance nor are they
 * compensated. */
typedef struct {
    int      count;                     /* samples */
    esp_feed feed[ESP_MAX_COMPONENTS];
} esp_calibration;

/* ESP_OK, or ESP_ERR_SHAPE naming the component whose feed does not fit. */
esp_status esp_calibration_check(const esp_network *net, const esp_calibration *calibration);

/* ---- importance.c, importance_*.c ------------------------------------------------------------------ */

/* The first four look at weights alone, the others at recorded data. Weights of a unit are all it
 * reads and writes; biases, scales and shifts of normalisations do not count, since they say where a
 * unit works, not how much it matters. */
typedef enum {
    ESP_IMPORTANCE_L1,         /* sum of |weights| */
    ESP_IMPORTANCE_L2,         /* 2-norm of the weights */
    ESP_IMPORTANCE_RANDOM,     /* a draw from the seed */
    ESP_IMPORTANCE_LAMP,       /* squared norm over those of all units of the axis that are not smaller: Lee et al.
                                  2021 (arXiv:2010.07611), with units for weights */
    ESP_IMPORTANCE_ACTIVATION, /* root mean square of the output, times the 2-norm of the outgoing weights */
    ESP_IMPORTANCE_TAYLOR,     /* mean |loss gradient times activation|: Molchanov et al. 2017 (arXiv:1611.06440) */
    ESP_IMPORTANCE_OBS         /* squared error at the outputs that refitting the readers leaves, accumulated from the
                                  first unit to go: optimal brain surgeon (see importance_obs.c) */
} esp_importance;
#define ESP_IMPORTANCE_CHOICES "l1|l2|random|lamp|activation|taylor|obs"

/* Units of every axis, most important first (equal scores keep the lower index), and their scores.
 * Owned arrays. */
typedef struct {
    int    *order[ESP_MAX_AXES];
    double *score[ESP_MAX_AXES]; /* by unit; comparable across axes as far as the criterion allows */
} esp_ranking;

bool esp_importance_needs_data(esp_importance kind); /* recorded, beside the weights */
/* calibration: recorded data, NULL for criteria that look at weights alone; ESP_ERR_USAGE when a
 * criterion lacks it. */
esp_status esp_ranking_make(const esp_network *net, esp_importance kind, uint64_t seed,
                            const esp_calibration *calibration, esp_ranking *out);
void       esp_ranking_free(esp_ranking *ranking);

/* ---- surgery.c ----------------------------------------------------------------------------------- */

/* For every axis the sorted list of kept units. */
typedef struct {
    esp_widths widths;
    int       *kept[ESP_MAX_AXES]; /* [widths.kept[axis]], owned */
} esp_cut;

void esp_cut_make(const esp_network *net, const esp_ranking *ranking, const esp_widths *widths, esp_cut *out);
void esp_cut_free(esp_cut *cut);
/* Cut + network -> a physically smaller network, the caller's to free. */
esp_status esp_surgery(const esp_network *net, const esp_cut *cut, esp_network **out);

/* ---- compensate.c: surgery that repairs what it leaves ------------------------------------------------ */

typedef enum {
    ESP_COMPENSATION_NONE,
    ESP_COMPENSATION_MEAN, /* the mean contribution of the removed units goes into the bias of their readers */
    ESP_COMPENSATION_LSQ   /* readers are fitted again by least squares to the dense network's pre-activations */
} esp_compensation;
#define ESP_COMPENSATION_CHOICES "none|mean|lsq"

/* A network, and what compensation needs of it, computed once. */
typedef struct esp_surgeon esp_surgeon;

/* Borrows net and calibration (NULL when nothing is compensated; otherwise ESP_ERR_USAGE). */
esp_status esp_surgeon_create(const esp_network *net, esp_compensation compensation,
                              const esp_calibration *calibration, esp_surgeon **out);
void       esp_surgeon_free(esp_surgeon *surgeon); /* accepts NULL */
/* esp_surgery, then compensation. Single-threaded; several threads may operate at once. */
esp_status esp_surgeon_operate(const esp_surgeon *surgeon, const esp_cut *cut, esp_network **out);

/* ---- objective.c, journal.c: evaluations, cached by width vector, journalled ---------------------- */

/* Performance (higher is better, finite) of n cuts of the dense network, evaluated in parallel by
 * the application; equal cuts give equal numbers. `scale` >= 1 is the fidelity: so many times the
 * episodes or images of scale 1, which are among them, at so many times the cost. */
typedef esp_status (*esp_performance_fn)(void *context, int n, const esp_cut *cuts, int scale, double *performance);

/* What is searched: borrowed parts and the memory of what was evaluated. */
typedef struct esp_objective esp_objective;

typedef struct {
    const esp_network  *net;
    const esp_grouping *grouping;
    const esp_ranking  *ranking;
    unsigned            components;  /* those the controller uses; sparsity counts only them */
    esp_performance_fn  performance;
    void               *context;
    int                 budget;      /* evaluations at most, one of scale s counting s; >= 2; 0: no limit */
    int                 at_once;     /* cuts of one call of `performance` at most, >= 1; 0: 16 */
    const char         *journal;     /* path of a JSON-lines file, or NULL: not kept */
    const cJSON        *identity;    /* what makes evaluations comparable (checkpoint hash, seeds,
                                        episodes, planner); a journal with another one is refused.
                                        Groups and ranking are compared without being named here */
    const cJSON        *about;       /* for readers of a new journal: the command, what is wanted; never
                                        compared. NULL: nothing */
} esp_objective_config;

/* Copies the configuration and borrows what it points to. Reads an existing journal, so that an
 * interrupted search repeats no evaluation; a last line cut short by a kill is dropped. */
esp_status esp_objective_create(const esp_objective_config *config, esp_objective **out);
void       esp_objective_free(esp_objective *objective); /* accepts NULL */

/* Ends a journal with what its search gave, for readers; a search that goes on from it looks past it. */
esp_status esp_journal_add_result(const char *path, const cJSON *result);

/* Performance at n width vectors [n], all at one scale; only those never seen at that scale are
 * evaluated, duplicates once.
 *
 * A spent budget is no error: what it does not cover, the later ones of `widths`, gets NAN.
 * Evaluations read from the journal count as soon as they are asked for, so a resumed search spends
 * its budget exactly as an uninterrupted one. ESP_ERR_NUMERIC when a performance is not finite. */
esp_status esp_objective_evaluate(esp_objective *objective, int n, const esp_widths *widths, int scale,
                                  double *performance);
int        esp_objective_evaluations(const esp_objective *objective); /* distinct ones asked for, times their scale */
int        esp_objective_left(const esp_objective *objective);        /* of the budget; INT_MAX: no limit */
const esp_objective_config *esp_objective_settings(const esp_objective *objective);

/* ---- search.c, search_*.c ---------------------------------------------------------------------------- */

#define ESP_MAX_FINALISTS 64

/* search.* of the configuration. */
typedef struct {
    double sparsity, tolerance;  /* target and its half-width */
    double lambda;               /* weight of the quadratic sparsity penalty */
    double rate, momentum;       /* gradient descent: coefficient per slope of relative performance */
    double difference;           /* half-width of a central difference, at least one unit */
    int    iterations;           /* at most; evolve: generations; random: coefficient vectors drawn; nlopt: tens
                                    of evaluations */
    int    grid;                 /* grid: points per coefficient, 2 to 1000 */
    int    samples;              /* grid: survivors evaluated at most */
    int    levels;               /* sensitivity: cuts of each group alone, 1 to 64 */
    int    finalists;            /* best points judged again at larger scales, 1 (none) to 64 */
    uint64_t seed;
} esp_search_config;

/* 20 % +- 1 %, as in the paper; the numbers behind gd are explained in search_gd.c. */
esp_search_config esp_search_config_default(void);

typedef struct {
    double coefficient[ESP_MAX_AXES]; /* realised fraction by group */
    esp_widths widths;
    double baseline;                  /* performance of the uncut network, search episodes */
    double performance;               /* of the result, search episodes; NAN: an earlier search on
                                         the same objective left no evaluation for it */
    int    scale;                     /* of these two performances */
    double structural, nominal;
    int    evaluations, iterations;   /* evaluations in those of scale 1 */
    double combinations, survivors;   /* grid: all, and those at the target; other methods: 0 */
} esp_search_result;

/* A search under way, what a method works on (pruning_internal.h). */
typedef struct esp_search_run esp_search_run;

typedef struct {
    const char *name;                 /* of --method */
    const char *help;
    /* Offers every feasible point it may end at, with its performance at scale 1, or leaves the one
     * it ends at in run->result.widths without evaluating it. Stops early when the budget ends. */
    esp_status (*search)(esp_search_run *run);
} esp_search_method;

extern const esp_search_method esp_search_methods[]; /* ends with name == NULL */
const esp_search_method *esp_search_find(const char *name); /* NULL with the error text set */

/* Runs a method, judges the best points it found again at larger scales (finalists.c), and checks
 * its promise: |constrained sparsity - target| <= tolerance, or ESP_ERR_INFEASIBLE with the nearest
 * sparsity that can be reached, found before anything is evaluated. ESP_ERR_RANGE for a
 * configuration outside its bounds. */
esp_status esp_search(esp_objective *objective, const esp_search_method *method,
                      const esp_search_config *config, esp_search_result *result);

/* The coefficients t * direction (clamped to the groups' bounds) whose sparsity is closest to the
 * target; direction >= 0, all zero means all equal. Also the smallest repair: single levels are then
 * moved to come within tolerance. ESP_ERR_INFEASIBLE names the nearest sparsity and what to loosen. */
esp_status esp_search_project(const esp_objective *objective, const esp_search_config *config,
                              const double *direction, esp_widths *widths);

#endif
