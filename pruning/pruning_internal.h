/* What the files of pruning share: the journal's two doors and the helpers of search methods. */
#ifndef ESP_PRUNING_INTERNAL_H
#define ESP_PRUNING_INTERNAL_H

#include "pruning/pruning.h"

/* ---- journal.c ---- */

typedef void (*esp_journal_fn)(void *context, const esp_widths *widths, int scale, double performance);

/* Creates config->journal, or checks that it belongs to this search and hands every evaluation in
 * it to `found`. Afterwards the file ends with a complete line. */
esp_status esp_journal_open(const esp_objective_config *config, esp_journal_fn found, void *context);
/* `number` counts the evaluations of the file, from 1. */
esp_status esp_journal_append(const esp_objective_config *config, const esp_widths *widths, int scale,
                              double performance, double wall_s, int number);

/* ---- widths.c ---- */

/* Elements of one tensor at these widths. */
size_t esp_tensor_params(const esp_tensor *tensor, const esp_widths *widths);

/* ---- levels.c ---- */

/* The distinct settings of every group within its bounds and rounding, fewest units removed first.
 * A setting is named by a coefficient for which esp_widths_of gives its widths. */
typedef struct {
    int     num;                        /* groups */
    int     count[ESP_MAX_AXES];        /* levels of a group, at least 1 */
    double *coefficient[ESP_MAX_AXES];  /* [count], rising; owned */
} esp_levels;

void       esp_levels_make(const esp_network *net, const esp_grouping *grouping, esp_levels *out);
void       esp_levels_free(esp_levels *levels);
int        esp_levels_nearest(const esp_levels *levels, int g, double coefficient);
/* The widths of a level for every group. */
esp_widths esp_levels_widths(const esp_objective *objective, const int *level);

/* ---- the rows of the table in importance.c: scores [axis][unit] of every axis ---- */

typedef esp_status (*esp_score_fn)(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                                   double *const *scores);

esp_status esp_score_l1(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores);
esp_status esp_score_l2(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores);
esp_status esp_score_lamp(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                          double *const *scores);
esp_status esp_score_activation(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                                double *const *scores);
esp_status esp_score_taylor(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                            double *const *scores);
esp_status esp_score_obs(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                         double *const *scores);

/* ---- calibration.c: recorded data at every layer ---- */

enum { ESP_PLAYBACK_BLOCKS = 8 };

/* The samples first .. first + n - 1. */
typedef struct {
    int         first, n;
    esp_tape   *tape[ESP_MAX_COMPONENTS];   /* NULL: not fed */
    float      *joined[ESP_MAX_COMPONENTS]; /* a source's output and the data that follow it */
    const void *input[ESP_MAX_COMPONENTS];
} esp_playback_block;

/* Recorded data running through a network, a batch of blocks at a time. */
typedef struct {
    const esp_network     *net;
    const esp_calibration *calibration;
    int played, num_blocks, max_blocks;
    esp_playback_block block[ESP_PLAYBACK_BLOCKS];
} esp_playback;

esp_playback *esp_playback_create(const esp_network *net, const esp_calibration *calibration); /* borrows both */
void esp_playback_free(esp_playback *play); /* accepts NULL */
/* Runs the next batch, on all threads; false at the end of the data. */
bool esp_playback_next(esp_playback *play);
/* [block->n, in_size] what a layer read, not of an image layer; [block->n, out_size] of a component. */
const float *esp_playback_input(const esp_playback *play, const esp_playback_block *block, int layer);
const float *esp_playback_output(const esp_playback *play, const esp_playback_block *block, int component);

bool esp_calibration_feeds(const esp_calibration *calibration, int component);
/* Another component reads its output. */
bool esp_calibration_is_source(const esp_network *net, const esp_calibration *calibration, int component);
/* Dense or convolution: a matrix that reads an axis. */
bool esp_layer_has_weights(const esp_layer *layer);
/* The rows of recorded data from sample `first` on, of a component without source. */
const void *esp_feed_rows(const esp_network *net, const esp_calibration *calibration, int component, int first);
/* joined [n, width + columns]: rows of a source's output [n, width], each followed by its data. */
void esp_feed_join(const esp_feed *feed, int first, int n, int width, const float *source, float *joined);

/* A dense or convolution layer that reads an axis. Unit u of the axis is multiplied with the columns
 * first + u block .. first + (u + 1) block - 1 of its weights [out, columns]. */
typedef struct {
    int layer, first, block;
} esp_reader;

enum { ESP_MAX_READERS = 2 * ESP_MAX_LAYERS };

/* The fed layers along an axis, in order; out [ESP_MAX_READERS]. */
int esp_axis_readers(const esp_network *net, const esp_calibration *calibration, int axis, esp_reader *out);

/* Unit of the axis behind every value the reader reads, -1: of another axis; [in_size], the caller's. */
int *esp_reader_units(const esp_network *net, const esp_reader *reader, int axis);
/* The layer whose output a reader of prunable units reads first. */
int  esp_reader_heard(const esp_network *net, const esp_calibration *calibration, const esp_reader *reader);
/* Which layers read an axis that can lose units [ESP_MAX_LAYERS]. */
void esp_pruned_readers(const esp_network *net, const esp_calibration *calibration, bool *wanted);

/* ---- gram.c ---- */

/* Covariance of x, or with targets y of y and x; x are the columns a layer's weights are multiplied
 * with, and a row is one place of the kernel in one sample. Owns its arrays. */
typedef struct {
    int     columns, outs;      /* outs: targets, 0: none */
    double *g;                  /* [columns, columns] symmetric, or [outs, columns] */
    double *mean;               /* [columns] of x */
    double  ridge;              /* in the diagonal of g */
    long    rows, pending;      /* in g; in the sums below, while rows are added */
    float  *products, *sums;
    float  *origin, *buffer;    /* of x; rows of `samples` samples counted from it */
    int     samples;
} esp_gram;

void esp_gram_init(esp_gram *gram, const esp_layer *layer, int outs);
/* x [n, in_size]; y [n * rows, outs], NULL without targets, whose mean over all rows has to be 0. The order
 * of calls decides the rounding. */
void esp_gram_add(esp_gram *gram, const esp_layer *layer, const float *x, int n, const float *y);
void esp_gram_finish(esp_gram *gram); /* from sums to covariances */
void esp_gram_free(esp_gram *gram);
/* Adds `share` of the inputs' mean variance to the diagonal, and what sums in float may be wrong by, so
 * that dead and duplicate units leave a matrix that can be inverted. */
void esp_gram_add_ridge(esp_gram *gram, double share);

/* One for every wanted layer; grams [ESP_MAX_LAYERS]. On all threads. */
void esp_grams_make(const esp_network *net, const esp_calibration *calibration, const bool *wanted, esp_gram *grams);
void esp_grams_free(const esp_network *net, esp_gram *grams);

/* ---- loss.c ---- */

typedef struct esp_loss esp_loss;
/* dy [block->n, out_size]: loss gradient of a layer's output, activation included. */
typedef void (*esp_loss_fn)(void *context, const esp_playback_block *block, int layer, const float *dy);

/* Borrows net and calibration. curvature: random signs even where there are targets, so that mean
 * squared gradients are the diagonal of the Gauss-Newton matrix. */
esp_loss *esp_loss_create(const esp_network *net, const esp_calibration *calibration, bool curvature, uint64_t seed);
void      esp_loss_free(esp_loss *loss); /* accepts NULL */
/* Gradients of the samples of a block that was played, last layer first. */
void esp_loss_backward(const esp_loss *loss, const esp_playback *play, const esp_playback_block *block,
                       esp_loss_fn watch, void *context);
/* Mean squared gradient of every pre-activation of the wanted layers: squares[layer] [outs], the
 * caller's to free, NULL for the others. On all threads. */
void esp_loss_sensitivity(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                          const bool *wanted, double **squares);

/* ---- importance_obs.c ---- */

#define ESP_OBS_RIDGE 1e-4 /* share of the inputs' mean variance */

/* ---- refit.c: compensation by least squares ---- */

/* A fit is drawn to the weights there were, the more so the fewer rows there are for every column: the
 * ridge is this share, times columns / rows, of the inputs' mean variance. On the MNIST autoencoder with
 * 4,000 samples and half of the parameters gone it lowers the added test error from 0.0020 to 0.0018;
 * with 1,000 to 20,000 samples anything from 0.1 to 0.5 is within 3 % of it. */
#define ESP_REFIT_SHRINKAGE 0.3

typedef struct esp_refit esp_refit;

esp_refit *esp_refit_create(const esp_network *net, const esp_calibration *calibration); /* borrows both */
void       esp_refit_free(esp_refit *refit); /* accepts NULL */
/* smaller: what surgery made of the network by this cut; gets new weights. */
esp_status esp_refit_run(const esp_refit *refit, const esp_cut *cut, esp_network *smaller);

/* ---- objective.c: for the methods ---- */

const esp_levels *esp_objective_levels(const esp_objective *objective);
/* The evaluations that follow bring the search from `done` to done + span, of 1; every block of
 * them moves the progress bar. */
void esp_objective_stage(esp_objective *objective, double done, double span);
/* Keeps so much of the budget from whoever evaluates until it is set to 0 again. */
void esp_objective_reserve(esp_objective *objective, int evaluations);

/* ---- search.c: for the methods ---- */

/* Bounds like 0.21 are missed by binary numbers by a hair. */
#define ESP_SPARSITY_SLACK 1e-12

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

double esp_search_sparsity(const esp_objective *objective, const esp_widths *widths);
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

/* ---- project.c ---- */

/* esp_search_project without the stretch: coefficients near the target, moved by single levels. */
esp_status esp_search_repair(const esp_search_run *run, const double *coefficient, esp_widths *widths);

/* ---- terms.c: lists of sums, sorted ---- */

typedef enum {
    ESP_COUNT,   /* value: in how many ways; exact up to 2^53 */
    ESP_LEAST    /* value: the least loss; what weighs more and loses more is left out, 256 terms are kept */
} esp_algebra;

typedef struct {
    int64_t sum;
    double  value;
} esp_term;

typedef struct {
    int       num;   /* at least 1 */
    esp_term *term;  /* [num], sums rising; owned */
} esp_terms;

esp_terms esp_terms_one(int64_t sum, double value);
void      esp_terms_free(esp_terms *terms);
/* Every sum of one term of each list; ESP_ERR_RANGE when the list gets too long. */
esp_status esp_terms_product(esp_algebra algebra, const esp_terms *a, const esp_terms *b, esp_terms *out);
/* All terms of the lists, equal sums made one. */
esp_status esp_terms_union(esp_algebra algebra, int num, const esp_terms *lists, esp_terms *out);
int             esp_terms_above(const esp_terms *terms, int64_t sum); /* index of the first >= sum */
const esp_term *esp_terms_find(const esp_terms *terms, int64_t sum);  /* NULL: none */

/* ---- elimination.c: all combinations of choices at once ---- */

/* A few coefficients for every group, and for ESP_LEAST what each is predicted to lose. */
typedef struct {
    int     count[ESP_MAX_AXES];
    double *coefficient[ESP_MAX_AXES]; /* [count], owned */
    double *share[ESP_MAX_AXES];       /* [count], owned: c_i of Eq. (1b), not rounded to a unit */
    double *loss[ESP_MAX_AXES];        /* [count], owned; NULL with ESP_COUNT */
} esp_choices;

/* At most `points` levels of every group, evenly spaced between its bounds. */
void esp_choices_make(const esp_levels *levels, const esp_grouping *grouping, int points, esp_choices *out);
void esp_choices_free(esp_choices *choices);

typedef struct esp_elimination esp_elimination;

/* Borrows choices. */
esp_status esp_elimination_create(const esp_objective_config *settings, const esp_choices *choices,
                                  esp_algebra algebra, esp_elimination **out);
void       esp_elimination_free(esp_elimination *elimination); /* accepts NULL */
/* ESP_COUNT: combinations whose constrained sparsity (nominal: before rounding to units, as the paper
 * counts) is within tolerance of the target; *nearest is the sparsity closest to it. */
esp_status esp_elimination_count(esp_elimination *elimination, double sparsity, double tolerance, double *count,
                                 double *nearest);
/* ESP_COUNT: the choices [groups] of combination number `rank` of those counted last. Rising ranks are fastest. */
esp_status esp_elimination_pick(esp_elimination *elimination, double rank, int *choice);
/* ESP_LEAST: the choices [groups] with the least loss among those that reach a sparsity, within one
 * step of the front; the sparsest of all when none does. */
esp_status esp_elimination_best(esp_elimination *elimination, double sparsity, int *choice);

/* ---- search_global.c, search_sensitivity.c: where evolve starts ---- */

/* The cut of one ranking over all groups. */
esp_status esp_global_cut(const esp_search_run *run, bool lamp, esp_widths *widths);

enum { ESP_CURVE_LEVELS = 64, ESP_CURVE_CANDIDATES = 8 };

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
