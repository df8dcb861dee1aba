/* Shared by chain.c, path.c and objective.c: the network as a chain of products, and the activations of one block of
 * images along it. */
#ifndef ESP_AUTOENCODER_OBJECTIVE_INTERNAL_H
#define ESP_AUTOENCODER_OBJECTIVE_INTERNAL_H

#include "autoencoder/autoencoder.h"

enum { ESP_CHAIN_MAX = ESP_MAX_LAYERS };

/* ---- chain.c ---------------------------------------------------------------------------------- */

/* y = act(weight x + bias). Units of prunable axes are ordered by importance, so the layer after a cut is the first
 * rows and columns of this one. */
typedef struct {
    int     axis;    /* axis of the input */
    int     in, out; /* numbers of units, uncut */
    esp_act act;
    float  *weight;  /* [out, in], BatchNorm's running statistics and affine part folded in */
    float  *bias;    /* [out] */
} esp_chain_layer;

typedef struct {
    int num;
    esp_chain_layer layer[ESP_CHAIN_MAX];
} esp_chain;

/* All components one after another; copies the weights. ESP_ERR_SHAPE for a layer that is neither dense nor a
 * BatchNorm after a dense one. On failure nothing needs to be freed. */
esp_status esp_chain_make(const esp_network *net, const esp_ranking *ranking, esp_chain *out);
void       esp_chain_free(esp_chain *chain);

/* ---- path.c ------------------------------------------------------------------------------------- */

/* Images per block, and units per step of a product. Both are fixed, because results depend on them bit by bit.
 * OpenBLAS multiplies such small tiles without packing them, at 112 GFLOP/s per core of an AMD EPYC, where products
 * of whole layers with 250 images reach 97 to 100. */
enum { ESP_BLOCK_IMAGES = 64, ESP_TILE_UNITS = 64 };

typedef struct esp_path esp_path;

esp_path *esp_path_create(const esp_chain *chain); /* borrows the chain */
void      esp_path_free(esp_path *path);           /* accepts NULL */
/* Must be called before the images change. */
void      esp_path_forget(esp_path *path);
/* Squared error of the reconstructions, summed over the first `images` of a block and their pixels. x [in,
 * ESP_BLOCK_IMAGES]; width [chain->num]: kept units of every layer's input. The result depends on x, images and width
 * alone, whatever was computed before. */
double esp_path_error(esp_path *path, const float *x, int images, const int *width);

#endif
