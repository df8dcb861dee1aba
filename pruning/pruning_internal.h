/* What the files of pruning share. */
#ifndef ESP_PRUNING_INTERNAL_H
#define ESP_PRUNING_INTERNAL_H

#include "pruning/pruning.h"

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

#endif
