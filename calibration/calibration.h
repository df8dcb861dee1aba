/* calibration: recorded data running through a network, and the sums over it from which importance and repair are
 * computed.
 *
 * The module sees layers, axes and arrays; it knows neither groups, cuts nor applications. */
#ifndef ESP_CALIBRATION_H
#define ESP_CALIBRATION_H

#include "nn/nn.h"

/* ---- calibration.c: recorded data ---------------------------------------------------------------- */

/* What one component reads when recorded data runs through the network. */
typedef struct {
    int          source;  /* component whose output comes first in the input; -1: recorded data alone */
    const void  *data;    /* with source -1: [count, in_size] as esp_forward takes it (uint8 images when the first
                           * layer is an image, else float). Otherwise [count, columns] float that follow the source's
                           * output, or NULL */
    int          columns; /* columns of data after a source's output; not read with source -1 */
    const float *target;  /* [count, out_size] what the output should be, for criteria that use a loss; NULL: no
                           * targets */
} esp_feed;

/* Recorded data for every component of a network; borrows it. A source comes before the components that read it. A
 * component with source -1 and no data is not run: its layers neither count in importance nor are they compensated. */
typedef struct {
    int      count;                     /* samples, at least 1 */
    int      refinements;               /* of a least-squares fit behind an activation; 0: it is linear */
    esp_feed feed[ESP_MAX_COMPONENTS];  /* per component of the network */
} esp_calibration;

/* ESP_OK, or ESP_ERR_SHAPE naming the component whose feed does not fit. */
esp_status esp_calibration_check(const esp_network *net, const esp_calibration *calibration);
/* Whether the component is run. */
bool esp_calibration_feeds(const esp_calibration *calibration, int component);
/* Whether another component reads its output. */
bool esp_calibration_is_source(const esp_network *net, const esp_calibration *calibration, int component);

/* ---- playback.c: the data at every layer ----------------------------------------------------------- */

enum { ESP_PLAYBACK_BLOCKS = 8 }; /* most blocks per batch */

/* The samples first .. first + n - 1. */
typedef struct {
    int         first, n;                   /* range of samples */
    esp_tape   *tape[ESP_MAX_COMPONENTS];   /* NULL: component is not fed */
    float      *joined[ESP_MAX_COMPONENTS]; /* a source's output and the data that follow it */
    const void *input[ESP_MAX_COMPONENTS];  /* [n, in_size] of each component that is fed */
} esp_playback_block;

/* Recorded data running through a network, a batch of blocks at a time. */
typedef struct {
    const esp_network     *net;         /* borrowed */
    const esp_calibration *calibration; /* borrowed */
    int played;                         /* samples run so far */
    int num_blocks, max_blocks;         /* blocks in this batch; most blocks in a batch */
    esp_playback_block block[ESP_PLAYBACK_BLOCKS]; /* [num_blocks] */
} esp_playback;

/* Borrows both; the calibration must have passed esp_calibration_check. */
esp_playback *esp_playback_create(const esp_network *net, const esp_calibration *calibration);
void esp_playback_free(esp_playback *play); /* accepts NULL */
/* Runs the next batch, on all threads; false at the end of the data. */
bool esp_playback_next(esp_playback *play);
/* First input [block->n, in_size] of a layer; not for image layers, which read bytes. */
const float *esp_playback_input(const esp_playback *play, const esp_playback_block *block, int layer);
/* Output [block->n, out_size] of a component. */
const float *esp_playback_output(const esp_playback *play, const esp_playback_block *block, int component);

/* The rows of recorded data from sample `first` on, of a component without source. */
const void *esp_feed_rows(const esp_network *net, const esp_calibration *calibration, int component, int first);
/* Fills joined [n, width + columns]: rows of a source's output [n, width], each followed by its data. */
void esp_feed_join(const esp_feed *feed, int first, int n, int width, const float *source, float *joined);

/* ---- readers.c: the layers that read an axis -------------------------------------------------------- */

/* A dense or convolution layer that reads an axis. Unit u of the axis is multiplied with the columns
 * first + u block .. first + (u + 1) block - 1 of its weights [out, columns]. */
typedef struct {
    int layer;        /* index in the network */
    int first, block; /* columns */
} esp_reader;

enum { ESP_MAX_READERS = ESP_MAX_PARTS * ESP_MAX_LAYERS }; /* most readers of one axis, and of all axes together */

/* The fed layers along an axis, in order, into out [ESP_MAX_READERS]; returns how many there are. */
int  esp_axis_readers(const esp_network *net, const esp_calibration *calibration, int axis, esp_reader *out);
/* Unit of the axis at every value that the reader reads, -1: of another axis; [in_size], freed by the caller. */
int *esp_reader_units(const esp_network *net, const esp_reader *reader, int axis);
/* The layer whose output a reader of prunable units reads first. */
int  esp_reader_producer(const esp_network *net, const esp_calibration *calibration, const esp_reader *reader);
/* Which layers read an axis that can lose units: wanted [ESP_MAX_LAYERS]. */
void esp_pruned_readers(const esp_network *net, const esp_calibration *calibration, bool *wanted);

/* ---- gram.c: covariances of what layers read ---------------------------------------------------------- */

/* Covariance of x, or with targets y of y and x; x are the columns that a layer's weights are multiplied with, and
 * each row is one place of the kernel in one sample. Owns its arrays. */
typedef struct {
    int     columns, outs;      /* outs: targets, 0: none */
    double *g;                  /* [columns, columns] symmetric, or [outs, columns] */
    double *mean;               /* [columns] of x */
    double  ridge;              /* added to the diagonal of g */
    long    rows, pending;      /* rows in g; rows in the sums below, not yet added to g */
    float  *products, *sums;    /* of the pending rows: [as g], [columns] */
    /* [columns] means of the first rows, which x is counted from; rows of `samples` samples relative to them. */
    float  *origin, *buffer;
    int     samples;            /* samples that fit in the buffer */
} esp_gram;

void esp_gram_init(esp_gram *gram, const esp_layer *layer, int outs); /* an empty sum for one layer */
/* x [n, in_size]; y [n * rows, outs], NULL without targets; the mean of y over all rows has to be 0. The order of
 * calls determines the rounding. */
void esp_gram_add(esp_gram *gram, const esp_layer *layer, const float *x, int n, const float *y);
void esp_gram_finish(esp_gram *gram); /* turns sums into covariances */
void esp_gram_free(esp_gram *gram);   /* frees the arrays and zeroes *gram */
/* Adds to the diagonal `share` of the inputs' mean variance, and the possible error of sums in float, so
 * that dead and duplicate units leave a matrix that can be inverted. */
void esp_gram_add_ridge(esp_gram *gram, double share);

/* The covariances of every wanted layer, into grams [ESP_MAX_LAYERS]; free them with esp_grams_free. Runs on all
 * threads. */
void esp_grams_make(const esp_network *net, const esp_calibration *calibration, const bool *wanted, esp_gram *grams);
void esp_grams_free(const esp_network *net, esp_gram *grams); /* frees those of all layers */

/* ---- loss.c: loss gradients ------------------------------------------------------------------------- */

/* A loss over recorded data: squared error against targets, or random signs of the outputs (loss.c explains why). */
typedef struct esp_loss esp_loss;
/* Called for every layer with dy [block->n, out_size], the loss gradient of its output, activation included. */
typedef void (*esp_loss_fn)(void *context, const esp_playback_block *block, int layer, const float *dy);

/* Borrows net and calibration. curvature: random signs even where there are targets, so that mean
 * squared gradients are the diagonal of the Gauss-Newton matrix. */
esp_loss *esp_loss_create(const esp_network *net, const esp_calibration *calibration, bool curvature, uint64_t seed);
void      esp_loss_free(esp_loss *loss); /* accepts NULL */
/* Gradients of the samples in a block that was run, last layer first. */
void esp_loss_backward(const esp_loss *loss, const esp_playback *play, const esp_playback_block *block,
                       esp_loss_fn watch, void *context);
/* Mean squared gradient of every pre-activation of the wanted layers: squares[layer] [outs], freed by the caller,
 * NULL for the others. Runs on all threads. */
void esp_loss_sensitivity(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                          const bool *wanted, double **squares);

#endif
