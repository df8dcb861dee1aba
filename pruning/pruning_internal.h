/* What the files of pruning share: the journal's two doors and the helpers of search methods. */
#ifndef ESP_PRUNING_INTERNAL_H
#define ESP_PRUNING_INTERNAL_H

#include "pruning/pruning.h"

/* ---- journal.c ---- */

typedef void (*esp_journal_fn)(void *context, const esp_widths *widths, double performance);

/* Creates config->journal, or checks that it belongs to this search and hands every evaluation in
 * it to `found`. Afterwards the file ends with a complete line. */
esp_status esp_journal_open(const esp_objective_config *config, esp_journal_fn found, void *context);
/* `number` counts the evaluations of the file, from 1. */
esp_status esp_journal_append(const esp_objective_config *config, const esp_widths *widths, double performance,
                              double wall_s, int number);

/* ---- the rows of the table in importance.c: scores [axis][unit] of every axis ---- */

typedef esp_status (*esp_score_fn)(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                                   double *const *scores);

esp_status esp_score_l1(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                        double *const *scores);
esp_status esp_score_l2(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
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

/* ---- objective.c: for the methods ---- */

/* The evaluations that follow bring the search from `done` of `total` to done + span; every block
 * of them moves the progress bar. */
void   esp_objective_stage(esp_objective *objective, double done, double span, double total);

/* ---- search.c: for the methods ---- */

double esp_search_sparsity(const esp_objective *objective, const esp_widths *widths);
bool   esp_search_feasible(const esp_objective *objective, const esp_search_config *config, const esp_widths *widths);
/* Remembers a point in *result when it is feasible and the best so far; true when it is. */
bool   esp_search_offer(const esp_objective *objective, const esp_search_config *config, const esp_widths *widths,
                        double performance, esp_search_result *result);

/* ---- the rows of esp_search_methods ---- */

esp_status esp_search_gd(esp_objective *objective, const esp_search_config *config, esp_search_result *result);
esp_status esp_search_magnitude(esp_objective *objective, const esp_search_config *config, esp_search_result *result);
esp_status esp_search_random(esp_objective *objective, const esp_search_config *config, esp_search_result *result);

#endif
