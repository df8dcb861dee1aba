/* pruning: which units are removed, how many of each axis, and the network that is left - for any network with named
 * axes.
 *
 * The module sees axes, tensors and recorded data; it knows neither agents nor images. */
#ifndef ESP_PRUNING_H
#define ESP_PRUNING_H

#include "calibration/calibration.h"

#define ESP_MAX_COEFFICIENT 0.95 /* paper, section IV-B: some units always stay */
#define ESP_NO_CEILING 1.0       /* as a ceiling: one unit per axis stays, and no more than that is promised */

/* ---- groups.c ------------------------------------------------------------------------------- */

/* One axis or several axes that share one coefficient. */
typedef struct {
    char   name[2 * ESP_NAME];   /* the axis's name, or the one in the application's table */
    bool   coupling;             /* several components depend on it */
    int    num_axes;             /* at least 1 */
    int    axis[ESP_MAX_AXES];   /* [num_axes] indices of the network's axes; no axis is in two groups */
    int    modules;              /* layers involved, the column "Modules" of Tables II and IV */
    size_t params;               /* s_i of Eq. (1b) */
    double least, most;          /* bounds of the coefficient: 0 and the grouping's ceiling unless pinned */
} esp_group;

/* The groups of a network, and how sparsity is counted over them. Holds no pointers: may be copied freely. */
typedef struct {
    unsigned components;         /* components whose parameters sparsity counts: those the controller uses */
    bool structural_constraint;  /* the constraint is on structural sparsity; false: on nominal */
    int  round_to;               /* kept widths are multiples of it, or the full size; 1: any width */
    double ceiling;              /* largest coefficient, ESP_MAX_COEFFICIENT or ESP_NO_CEILING */
    int  num;                    /* number of groups, 0 to ESP_MAX_AXES */
    esp_group group[ESP_MAX_AXES]; /* [num] */
} esp_grouping;

/* A group in an application's own table, by names. `axes` share the coefficient; `modules` are only counted, and may
 * name modules that are not layers here (the paper counts activations). Lists end with NULL or are full. */
typedef struct {
    const char *name;       /* name of the group; reports show it and esp_grouping_pin matches it */
    bool        coupling;   /* several components depend on it */
    const char *axes[8];    /* names of axes, at least one */
    const char *modules[8]; /* names of layers, "_encoder.1" */
} esp_group_spec;

/* One group for every prunable axis that touches one of `components`. s_i counts all trainable tensors along the axis
 * in those components, so the s_i overlap and add up to more than the network. */
void esp_grouping_structural(const esp_network *net, unsigned components, esp_grouping *out);

/* The groups of a table, without the axes and modules that none of `components` touches and without groups that are
 * empty then. s_i counts the dense and convolution layers that produce the units (weights and biases), as Tables II
 * and IV do. ESP_ERR_SHAPE when the network lacks an axis (though all its components have layers), when the axis may
 * not lose units, or when it is in two groups. */
esp_status esp_grouping_from_specs(const esp_network *net, const esp_group_spec *specs, int count,
                                   unsigned components, esp_grouping *out);

/* Sets the largest coefficient of all groups; call it before groups are pinned. */
void esp_grouping_limit(esp_grouping *grouping, double ceiling);

/* Fixes the coefficient of every group whose name matches a shell pattern (fnmatch); 0 protects the group.
 * ESP_ERR_USAGE with the names of all groups when none matches, ESP_ERR_RANGE outside [0, ceiling]. */
esp_status esp_grouping_pin(esp_grouping *grouping, const char *pattern, double value);

/* ---- widths.c: how many units stay, and exact sparsity from counts alone --------------------- */

typedef struct { int kept[ESP_MAX_AXES]; } esp_widths; /* per axis of the network */

/* All units of every axis. */
esp_widths esp_widths_full(const esp_network *net);
/* Whether both keep the same number of units of every axis of `net`. */
bool       esp_widths_equal(const esp_network *net, const esp_widths *a, const esp_widths *b);
/* kept = n - round(c n) with c within the group's bounds, at least one unit and at least n - floor(ceiling n); then the
 * nearest width that round_to allows (n is always allowed). */
esp_widths esp_widths_of(const esp_network *net, const esp_grouping *grouping, const double *coefficients);
/* The realised coefficient of a group: units removed / units before, over all its axes. */
double esp_group_fraction(const esp_network *net, const esp_group *group, const esp_widths *widths);
/* Trainable parameters of a set of components at these widths: a product per tensor. */
size_t esp_widths_params(const esp_network *net, const esp_widths *widths, unsigned components);
/* Trainable parameters removed / before, of a set of components, in [0, 1); 0 when they have none. */
double esp_structural_sparsity(const esp_network *net, const esp_widths *widths, unsigned components);
/* Eq. (1b) with c_i the realised fraction. */
double esp_nominal_sparsity(const esp_network *net, const esp_grouping *grouping, const esp_widths *widths);
/* The sparsity that the grouping constrains. */
double esp_constrained_sparsity(const esp_network *net, const esp_grouping *grouping, const esp_widths *widths);
/* The constrained sparsity with real-valued widths n (1 - c), and its gradient [groups] (NULL: not wanted): a descent
 * follows these where the exact sparsity is a staircase. */
double esp_smooth_sparsity(const esp_network *net, const esp_grouping *grouping, const double *coefficients,
                           double *gradient);

/* Slack of comparisons: bounds like 0.21 are not exact in binary. */
#define ESP_SPARSITY_SLACK 1e-12

/* Elements of one tensor at these widths. */
size_t esp_tensor_params(const esp_tensor *tensor, const esp_widths *widths);

/* ---- levels.c ----------------------------------------------------------------------------------- */

/* The distinct settings of every group within its bounds and rounding, fewest units removed first. A setting is
 * represented by a coefficient for which esp_widths_of gives its widths. */
typedef struct {
    const esp_network  *net;            /* borrowed */
    const esp_grouping *grouping;       /* borrowed */
    int     num;                        /* number of groups */
    int     count[ESP_MAX_AXES];        /* levels per group, at least 1 */
    double *coefficient[ESP_MAX_AXES];  /* [count], ascending; owned */
} esp_levels;

/* Fills *out; free it with esp_levels_free. Borrows net and grouping. */
void       esp_levels_make(const esp_network *net, const esp_grouping *grouping, esp_levels *out);
void       esp_levels_free(esp_levels *levels); /* frees the arrays and zeroes *levels */
/* Index of group g's level with the nearest coefficient; of two equally near ones the level that removes more. */
int        esp_levels_nearest(const esp_levels *levels, int g, double coefficient);
/* The widths for one level per group. */
esp_widths esp_levels_widths(const esp_levels *levels, const int *level);

/* ---- project.c ---------------------------------------------------------------------------------- */

/* A constrained sparsity, and how far from it a cut may be. */
typedef struct {
    double sparsity, tolerance; /* parameters removed / before, each in [0, 1); met within sparsity +- tolerance */
} esp_target;

/* Whether the constrained sparsity at these widths is within the tolerance, up to ESP_SPARSITY_SLACK. */
bool esp_target_met(const esp_levels *levels, const esp_target *target, const esp_widths *widths);
/* The coefficients t * direction (clamped to the groups' bounds) whose sparsity is closest to the target; direction
 * >= 0, all zero means all equal. When that is not within the tolerance, the fewest single levels are moved that get
 * it there. ESP_ERR_INFEASIBLE names the nearest sparsity and the option to loosen. */
esp_status esp_project(const esp_levels *levels, const esp_target *target, const double *direction,
                       esp_widths *widths);
/* The last part alone: moves coefficients near the target to within the tolerance. */
esp_status esp_project_nearest(const esp_levels *levels, const esp_target *target, const double *coefficient,
                               esp_widths *widths);

/* ---- importance.c, importance_*.c ------------------------------------------------------------------ */

/* A criterion for how much each unit matters: a row of the table below. */
typedef struct {
    const char *name;       /* value of --importance and of the key "importance" */
    const char *help;       /* one line for the list of criteria */
    bool        needs_data; /* scores depend on recorded data as well as on the weights */
    /* Adds the scores [axis][unit] of every axis to arrays of zeros. calibration: of this network; NULL unless
     * needs_data. seed: for random numbers. ESP_ERR_NUMERIC when data or weights make a score impossible. */
    esp_status (*score)(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores);
} esp_importance;

extern const esp_importance esp_importances[]; /* ends with name == NULL */
/* The row of this name; NULL with the error text "expected l1|l2|..., found 'name'". */
const esp_importance *esp_importance_find(const char *name);

/* Units of every axis, most important first (of equal scores the lower index first), and their scores.
 * Owned arrays. */
typedef struct {
    int    *order[ESP_MAX_AXES]; /* [units of the axis] units by rank */
    double *score[ESP_MAX_AXES]; /* [units of the axis] scores by unit; comparable across axes as far as the criterion
                                  * allows */
} esp_ranking;

/* Ranks the units of every axis by a criterion. calibration: recorded data, NULL for criteria that need none;
 * ESP_ERR_USAGE when the criterion lacks its data, ESP_ERR_NUMERIC naming the unit whose score is not finite. */
esp_status esp_ranking_make(const esp_network *net, const esp_importance *importance, uint64_t seed,
                            const esp_calibration *calibration, esp_ranking *out);
void       esp_ranking_free(esp_ranking *ranking); /* frees the arrays and zeroes *ranking */

/* ---- surgery.c ----------------------------------------------------------------------------------- */

/* For every axis the sorted list of kept units. */
typedef struct {
    esp_widths widths;             /* units kept per axis, at least 1 */
    int       *kept[ESP_MAX_AXES]; /* [widths.kept[axis]] units, ascending; owned */
} esp_cut;

/* Keeps the most important units of every axis, as many as `widths` says: 1 to the axis's size, and all of an axis
 * that is not prunable. Copies what it needs; esp_cut_free frees the lists of *out. */
void esp_cut_make(const esp_network *net, const esp_ranking *ranking, const esp_widths *widths, esp_cut *out);
/* Cuts the same fraction of every group, as much as the target needs; ESP_ERR_INFEASIBLE as esp_project. */
esp_status esp_cut_equal(const esp_network *net, const esp_grouping *grouping, const esp_ranking *ranking,
                         const esp_target *target, esp_cut *out);
void esp_cut_free(esp_cut *cut); /* frees the lists and zeroes *cut */
/* The kept positions of a dimension, ascending, into `positions` [esp_dim_size]; returns how many there are. */
int  esp_cut_positions(const esp_network *net, const esp_cut *cut, const esp_dim *dim, int *positions);
/* Makes a physically smaller network from a network and a cut; the caller frees it. */
esp_status esp_surgery(const esp_network *net, const esp_cut *cut, esp_network **out);

/* ---- compensate.c: surgery with a repair of the layers behind --------------------------------------- */

/* How the layers that read removed units make up for their loss: a row of the table below. */
typedef struct {
    const char *name;       /* value of --compensate and of the key "compensation" */
    const char *help;       /* one line for the list of compensations */
    bool        needs_data; /* the repair depends on recorded data */
    /* Computes once, from recorded data, what every repair of this network needs; borrows both. NULL: nothing to
     * prepare. */
    void      *(*prepare)(const esp_network *net, const esp_calibration *calibration);
    /* Gives new weights to `smaller`, which esp_surgery made of the network with this cut. NULL: nothing is
     * repaired. */
    esp_status (*repair)(const void *prepared, const esp_cut *cut, esp_network *smaller);
    void       (*free)(void *prepared); /* frees the result of prepare; NULL if prepare is NULL */
} esp_compensation;

extern const esp_compensation esp_compensations[]; /* the first repairs nothing; ends with name == NULL */
/* The row of this name; NULL with the error text "expected none|mean|lsq, found 'name'". */
const esp_compensation *esp_compensation_find(const char *name);

/* A network with all that compensation needs of it, computed once. */
typedef struct esp_surgeon esp_surgeon;

/* Borrows net and calibration, which may be NULL when the compensation needs no data; otherwise NULL is
 * ESP_ERR_USAGE. */
esp_status esp_surgeon_create(const esp_network *net, const esp_compensation *compensation,
                              const esp_calibration *calibration, esp_surgeon **out);
void       esp_surgeon_free(esp_surgeon *surgeon); /* accepts NULL */
/* esp_surgery, then compensation. Single-threaded; several threads may operate at the same time. */
esp_status esp_surgeon_operate(const esp_surgeon *surgeon, const esp_cut *cut, esp_network **out);

#endif
