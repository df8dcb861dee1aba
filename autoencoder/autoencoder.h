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

/* ---- images.c, idx.c, digits.c ---------------------------------------------------------------- */

/* Gray images, 0 the paper and 255 the ink. */
typedef struct {
    int      count;
    uint8_t *pixels;    /* [count, 784], owned */
    bool     generated; /* drawn by esp_digits_draw, not read from a file: results must say so */
} esp_images;

/* Reads train-images-idx3-ubyte (`train`) or t10k-images-idx3-ubyte from the folder, plain or with
 * .gz, the plain one when both are there; "images.idx3" is accepted as well. Folder NULL: generates
 * ESP_GENERATED_TRAIN or ESP_GENERATED_TEST digits, always the same. *out is written on success only. */
esp_status esp_images_load(const char *folder, bool train, esp_images *out);
void       esp_images_free(esp_images *images); /* accepts what was zeroed; zeroes it */

/* One file of 28 x 28 images in the IDX format of the MNIST database (LeCun, Cortes, Burges), plain or
 * gzipped whatever its name. ESP_ERR_IO when it cannot be read, ESP_ERR_FORMAT when its header, length or
 * gzip data is wrong; memory grows with the bytes that are really there, not with what a header says. */
esp_status esp_idx_read(const char *path, esp_images *out);

enum { ESP_GENERATED_TRAIN = 10000, ESP_GENERATED_TEST = 2000 };

/* Draws digits that look hand-written: image i shows the digit i mod 10 and depends on i alone. The test
 * images of esp_images_load are those after the training images. pixels [count, 784]. */
void esp_digits_draw(int first, int count, uint8_t *pixels);

#endif
