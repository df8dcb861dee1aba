/* pruning: which units go, how many of each, and what is left - for any network with named axes.
 *
 * The module sees axes, tensors and recorded data; it knows no agent and no image. */
#ifndef ESP_PRUNING_H
#define ESP_PRUNING_H

#include "calibration/calibration.h"

#define ESP_MAX_COEFFICIENT 0.95 /* paper, section IV-B: some units always stay */

/* ---- groups.c ------------------------------------------------------------------------------- */

/* One axis or several axes that share one coefficient. */
typedef struct {
    char   name[2 * ESP_NAME];   /* the axis's, or the one in the application's table */
    bool   coupling;             /* several components depend on it */
    int    num_axes;             /* at least 1 */
    int    axis[ESP_MAX_AXES];   /* [num_axes] indices of the network's axes; no axis is in two groups */
    int    modules;              /* layers involved, the column "Modules" of Tables II and IV */
    size_t params;               /* s_i of Eq. (1b) */
    double least, most;          /* bounds of the coefficient: 0 and ESP_MAX_COEFFICIENT unless pinned */
} esp_group;

/* The groups of a network, and how sparsity is counted over them. Holds no pointers: copied freely. */
typedef struct {
    unsigned components;         /* whose parameters sparsity counts: those the controller uses */
    bool structural_constraint;  /* the constraint is on structural sparsity, else on nominal */
    int  round_to;               /* kept widths are multiples of it, or the full size; 1: any width */
    int  num;                    /* groups, 0 to ESP_MAX_AXES */
    esp_group group[ESP_MAX_AXES]; /* [num] */
} esp_grouping;

/* A group of an application's own table, by names. `axes` share the coefficient; `modules` are
 * only counted, and may name what is no layer here (the paper counts activations). Lists end with
 * NULL or are full. */
typedef struct {
    const char *name;       /* of the group; reports show it and esp_grouping_pin matches it */
    bool        coupling;   /* several components depend on it */
    const char *axes[8];    /* names of axes, at least one */
    const char *modules[8]; /* names of layers, "_encoder.1" */
} esp_group_spec;

/* One group for every prunable axis that touches one of `components`. s_i counts all trainable
 * tensors along the axis in those components, so the s_i overlap and exceed the network. */
void esp_grouping_structural(const esp_network *net, unsigned components, esp_grouping *out);

/* The groups of a table, without the axes and modules that none of `components` touches and
 * without groups that are then empty. s_i counts the dense and convolution layers that produce
 * the units (weights and biases), as Tables II and IV do. ESP_ERR_SHAPE when the network lacks an
 * axis (though all its components have layers), may not lose units of it, or finds it in two groups. */
esp_status esp_grouping_from_specs(const esp_network *net, const esp_group_spec *specs, int count,
                                   unsigned components, esp_grouping *out);

/* Fixes the coefficient of every group whose name matches a shell pattern (fnmatch): 0 protects it.
 * ESP_ERR_USAGE with the names there are when none matches, ESP_ERR_RANGE outside [0, 0.95]. */
esp_status esp_grouping_pin(esp_grouping *grouping, const char *pattern, double value);

/* ---- widths.c: how many units stay, and exact sparsity from counts alone --------------------- */

typedef struct { int kept[ESP_MAX_AXES]; } esp_widths; /* by axis of the network */

/* All units of every axis. */
esp_widths esp_widths_full(const esp_network *net);
/* Whether both keep as many units of every axis of `net`. */
bool       esp_widths_equal(const esp_network *net, const esp_widths *a, const esp_widths *b);
/* kept = n - round(c n) with c within the group's bounds, at least one unit and at least
 * n - floor(0.95 n); then the nearest width that round_to allows, which n always is. */
esp_widths esp_widths_of(const esp_network *net, const esp_grouping *grouping, const double *coefficients);
/* The realised coefficient of a group: units removed / units before, over all its axes. */
double esp_group_fraction(const esp_network *net, const esp_group *group, const esp_widths *widths);
/* Trainable parameters of a set of components at these widths: a product per tensor. */
size_t esp_widths_params(const esp_network *net, const esp_widths *widths, unsigned components);
/* Trainable parameters removed / before, of a set of components, in [0, 1); 0 when they have none. */
double esp_structural_sparsity(const esp_network *net, const esp_widths *widths, unsigned components);
/* Eq. (1b) with c_i the realised fraction. */
double esp_nominal_sparsity(const esp_network *net, const esp_grouping *grouping, const esp_widths *widths);
/* The one the grouping constrains. */
double esp_constrained_sparsity(const esp_network *net, const esp_grouping *grouping, const esp_widths *widths);
/* The constrained sparsity with real-valued widths n (1 - c), and its gradient [groups] (NULL: not
 * wanted): what a descent follows where the exact one is a staircase. */
double esp_smooth_sparsity(const esp_network *net, const esp_grouping *grouping, const double *coefficients,
                           double *gradient);

/* Bounds like 0.21 are missed by binary numbers by a hair. */
#define ESP_SPARSITY_SLACK 1e-12

/* Elements of one tensor at these widths. */
size_t esp_tensor_params(const esp_tensor *tensor, const esp_widths *widths);

/* ---- levels.c ----------------------------------------------------------------------------------- */

/* The distinct settings of every group within its bounds and rounding, fewest units removed first.
 * A setting is named by a coefficient for which esp_widths_of gives its widths. */
typedef struct {
    const esp_network  *net;            /* borrowed */
    const esp_grouping *grouping;       /* borrowed */
    int     num;                        /* groups */
    int     count[ESP_MAX_AXES];        /* levels of a group, at least 1 */
    double *coefficient[ESP_MAX_AXES];  /* [count], rising; owned */
} esp_levels;

/* Fills *out, which esp_levels_free empties. Borrows net and grouping. */
void       esp_levels_make(const esp_network *net, const esp_grouping *grouping, esp_levels *out);
void       esp_levels_free(esp_levels *levels); /* the arrays, not *levels, which becomes zero */
/* Index of group g's level whose coefficient is nearest; of two equally near the one that removes more. */
int        esp_levels_nearest(const esp_levels *levels, int g, double coefficient);
/* The widths of a level for every group. */
esp_widths esp_levels_widths(const esp_levels *levels, const int *level);

/* ---- project.c ---------------------------------------------------------------------------------- */

/* A constrained sparsity and how far from it a cut may be. */
typedef struct {
    double sparsity, tolerance; /* parameters removed / before, each in [0, 1); met within sparsity +- tolerance */
} esp_target;

/* Whether the constrained sparsity at these widths is within the tolerance, up to ESP_SPARSITY_SLACK. */
bool esp_target_met(const esp_levels *levels, const esp_target *target, const esp_widths *widths);
/* The coefficients t * direction (clamped to the groups' bounds) whose sparsity is closest to the
 * target; direction >= 0, all zero means all equal. Also the smallest repair: single levels are then
 * moved to come within tolerance. ESP_ERR_INFEASIBLE names the nearest sparsity and what to loosen. */
esp_status esp_project(const esp_levels *levels, const esp_target *target, const double *direction,
                       esp_widths *widths);
/* The repair alone, of coefficients near the target. */
esp_status esp_project_nearest(const esp_levels *levels, const esp_target *target, const double *coefficient,
                               esp_widths *widths);

/* ---- importance.c, importance_*.c ------------------------------------------------------------------ */

/* A criterion that says how much each unit matters: a row of the table below. */
typedef struct {
    const char *name;       /* of --importance and of the key "importance" */
    const char *help;       /* one line for the list of criteria */
    bool        needs_data; /* scores depend on recorded data, beside the weights */
    /* Adds the scores [axis][unit] of every axis to zeros. calibration: of this network; NULL unless needs_data.
     * seed: of random numbers. ESP_ERR_NUMERIC when data or weights make a score impossible. */
    esp_status (*score)(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores);
} esp_importance;

extern const esp_importance esp_importances[]; /* ends with name == NULL */
/* The row of this name; NULL with the error text "expected l1|l2|..., found 'name'". */
const esp_importance *esp_importance_find(const char *name);

/* Units of every axis, most important first (equal scores keep the lower index), and their scores.
 * Owned arrays. */
typedef struct {
    int    *order[ESP_MAX_AXES]; /* [units of the axis], by rank */
    double *score[ESP_MAX_AXES]; /* [units of the axis], by unit; comparable across axes as far as the criterion
                                    allows */
} esp_ranking;

/* Ranks the units of every axis by a criterion. calibration: recorded data, NULL for criteria that need none;
 * ESP_ERR_USAGE when a criterion lacks it, ESP_ERR_NUMERIC naming the unit whose score is not finite. */
esp_status esp_ranking_make(const esp_network *net, const esp_importance *importance, uint64_t seed,
                            const esp_calibration *calibration, esp_ranking *out);
void       esp_ranking_free(esp_ranking *ranking); /* the arrays, not *ranking, which becomes zero */

/* ---- surgery.c ----------------------------------------------------------------------------------- */

/* For every axis the sorted list of kept units. */
typedef struct {
    esp_widths widths;             /* units kept of every axis, at least 1 */
    int       *kept[ESP_MAX_AXES]; /* [widths.kept[axis]] units, rising; owned */
} esp_cut;

/* Keeps the most important units of every axis, as many as `widths` says: 1 to the axis's size, and all of an axis
 * that is not prunable. Copies what it needs; esp_cut_free frees the lists of *out. */
void esp_cut_make(const esp_network *net, const esp_ranking *ranking, const esp_widths *widths, esp_cut *out);
/* The same fraction of every group, as much as a target wants; ESP_ERR_INFEASIBLE as esp_project. */
esp_status esp_cut_equal(const esp_network *net, const esp_grouping *grouping, const esp_ranking *ranking,
                         const esp_target *target, esp_cut *out);
void esp_cut_free(esp_cut *cut); /* the lists, not *cut, which becomes zero */
/* Cut + network -> a physically smaller network, the caller's to free. */
esp_status esp_surgery(const esp_network *net, const esp_cut *cut, esp_network **out);

/* ---- compensate.c: surgery that repairs what it leaves ------------------------------------------------ */

/* How the layers that read removed units make up for them: a row of the table below. */
typedef struct {
    const char *name;       /* of --compensate and of the key "compensation" */
    const char *help;       /* one line for the list of compensations */
    bool        needs_data; /* the repair depends on recorded data */
    /* What every repair of this network needs, computed once from recorded data; borrows both. NULL: nothing. */
    void      *(*prepare)(const esp_network *net, const esp_calibration *calibration);
    /* Gives new weights to `smaller`, which esp_surgery made of the network by this cut. NULL: nothing is repaired. */
    esp_status (*repair)(const void *prepared, const esp_cut *cut, esp_network *smaller);
    void       (*free)(void *prepared); /* what prepare made; NULL with prepare */
} esp_compensation;

extern const esp_compensation esp_compensations[]; /* the first repairs nothing; ends with name == NULL */
/* The row of this name; NULL with the error text "expected none|mean|lsq, found 'name'". */
const esp_compensation *esp_compensation_find(const char *name);

/* A network, and what compensation needs of it, computed once. */
typedef struct esp_surgeon esp_surgeon;

/* Borrows net and calibration, which may be NULL when the compensation needs no data; otherwise ESP_ERR_USAGE. */
esp_status esp_surgeon_create(const esp_network *net, const esp_compensation *compensation,
                              const esp_calibration *calibration, esp_surgeon **out);
void       esp_surgeon_free(esp_surgeon *surgeon); /* accepts NULL */
/* esp_surgery, then compensation. Single-threaded; several threads may operate at once. */
esp_status esp_surgeon_operate(const esp_surgeon *surgeon, const esp_cut *cut, esp_network **out);

#endif
