/* autoencoder: the paper's use case I - images compressed to a latent and reconstructed, judged by
 * the reconstruction error. */
#ifndef ESP_AUTOENCODER_H
#define ESP_AUTOENCODER_H

#include "nn/nn.h"
#include "pruning/pruning.h"

/* ---- model.c ---------------------------------------------------------------------------------- */

enum { ESP_IMAGE_SIDE = 28, ESP_IMAGE_PIXELS = ESP_IMAGE_SIDE * ESP_IMAGE_SIDE };

typedef enum { ESP_AUTOENCODER_ENCODER, ESP_AUTOENCODER_DECODER, ESP_AUTOENCODER_COMPONENTS } esp_autoencoder_component;

/* The network of Table I: encoder 784-652-520-388-256, decoder mirrored, BatchNorm and ReLU after
 * every hidden layer, Sigmoid at the end; 2,312,992 trainable parameters. Tensor names are those of
 * PyTorch's Sequential (`encoder.0.weight`). Input [n, 784] float in [0, 1]. */
esp_status esp_autoencoder_create(esp_network **out);

/* Table II: four component-specific groups and the latent. */
extern const esp_group_spec esp_autoencoder_paper_groups[];
extern const int            esp_autoencoder_num_paper_groups;

#endif
