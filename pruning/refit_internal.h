/* The least-squares fit of one layer. */
#ifndef ESP_REFIT_INTERNAL_H
#define ESP_REFIT_INTERNAL_H

#include "pruning/pruning.h"

/* A fit is drawn towards the old weights, the more so the fewer rows there are per column: the ridge is this share,
 * times columns / rows, of the inputs' mean variance. On the MNIST autoencoder with 4,000 samples and half of the
 * parameters removed it lowers the added test error from 0.0020 to 0.0018; with 1,000 to 20,000 samples any value
 * from 0.1 to 0.5 is within 3 % of it. */
#define ESP_LSQ_SHRINKAGE 0.3

/* What to fit. Borrows everything. */
typedef struct {
    esp_network *net;          /* the network whose layer is fitted: dense or convolution */
    int          layer;        /* its index */
    int          count;        /* samples */
    int          refinements;  /* iterations behind an activation, after the linear fit */
    const float *x;            /* [count, in_size] what the layer reads */
    int          target_outs;  /* outputs of the dense layer, per place */
    const float *target;       /* [count * rows, target_outs] its pre-activations */
    const int   *kept;         /* [outs] the dense layer's output that each output of this one stands for */
} esp_refit;

/* Gives the layer new weights and biases. Runs on all threads; bit-identical for any number of them. ESP_ERR_NUMERIC
 * when what it reads is not finite. */
esp_status esp_refit_layer(const esp_refit *request);

#endif
