/* autoencoder: the paper's use case I - images compressed to a latent and reconstructed, judged by
 * the reconstruction error. */
#ifndef ESP_AUTOENCODER_H
#define ESP_AUTOENCODER_H

#include "nn/nn.h"
#include "pruning/pruning.h"

/* ---- model.c ---------------------------------------------------------------------------------- */

/* Pixels of an image: per side and in all. */
enum { ESP_IMAGE_SIDE = 28, ESP_IMAGE_PIXELS = ESP_IMAGE_SIDE * ESP_IMAGE_SIDE };

/* Indices of the network's components, and how many there are. */
typedef enum { ESP_AUTOENCODER_ENCODER, ESP_AUTOENCODER_DECODER, ESP_AUTOENCODER_COMPONENTS } esp_autoencoder_component;

/* The network of Table I: encoder 784-652-520-388-256, decoder mirrored, BatchNorm and ReLU after
 * every hidden layer, Sigmoid at the end; 2,312,992 trainable parameters. Tensor names are those of
 * PyTorch's Sequential (`encoder.0.weight`). Input [n, 784] float in [0, 1]. The caller frees *out. */
esp_status esp_autoencoder_create(esp_network **out);

/* Table II: four component-specific groups and the latent. */
extern const esp_group_spec esp_autoencoder_paper_groups[];
extern const int            esp_autoencoder_num_paper_groups; /* 5 */

/* ---- images.c, idx.c, digits.c ---------------------------------------------------------------- */

/* Gray images, 0 the paper and 255 the ink. */
typedef struct {
    int      count;     /* images */
    uint8_t *pixels;    /* [count, 784], owned */
    bool     generated; /* drawn by esp_digits_draw, not read from a file: results must say so */
} esp_images;

/* Reads train-images-idx3-ubyte (`train`) or t10k-images-idx3-ubyte from the folder, plain or with
 * .gz, the plain one when both are there; "images.idx3" is accepted as well. Folder NULL: generates
 * ESP_GENERATED_TRAIN or ESP_GENERATED_TEST digits, always the same. *out is written on success only. */
esp_status esp_images_load(const char *folder, bool train, esp_images *out);
void       esp_images_free(esp_images *images); /* accepts what was zeroed; zeroes it */
uint64_t   esp_images_hash(const esp_images *images); /* of all pixels: names the images */

enum { ESP_IDX_MAX_IMAGES = 1000000 }; /* of one file: 784 MB */
/* One file of 28 x 28 images in the IDX format of the MNIST database (LeCun, Cortes, Burges), plain or
 * gzipped whatever its name, of at most ESP_IDX_MAX_IMAGES images. ESP_ERR_IO when it cannot be read,
 * ESP_ERR_FORMAT when its header, length or gzip data is wrong; memory grows with the bytes that are really
 * there, not with what a header says. *out is written on success only. */
esp_status esp_idx_read(const char *path, esp_images *out);

/* Images that stand in for the files of MNIST when no folder is given. */
enum { ESP_GENERATED_TRAIN = 10000, ESP_GENERATED_TEST = 2000 };

/* Draws digits that look hand-written: image i shows the digit i mod 10 and depends on i alone. The test
 * images of esp_images_load are those after the training images. pixels [count, 784]. */
void esp_digits_draw(int first, int count, uint8_t *pixels);

/* ---- config.c ---------------------------------------------------------------------------------- */

/* How an autoencoder is trained and finetuned. */
typedef struct {
    uint64_t seed;              /* names every random number */
    int      epochs;            /* passes over the training images */
    int      batch;             /* images per gradient step */
    double   learning_rate;     /* of Adam, at first; falls along half a cosine */
    double   learning_rate_end; /* share of it left at the end */
    int      warmup;            /* gradient steps over which it rises from 0 at first */
    double   offset;            /* first offset of BatchNorm, in deviations: large, ReLU starts linear */
    double   batch_statistics;  /* share of the updates after which BatchNorm keeps its running statistics */
    double   average;           /* decay per update of averaged weights; 0: none */
    int      shift;             /* random shift of images, pixels */
    int      eval_every;        /* epochs between evaluations and saved states */
} esp_autoencoder_train_config;

/* A configuration file; plain data. */
typedef struct {
    int application;                    /* always 0: "autoencoder" */
    esp_autoencoder_train_config train; /* train.* */
} esp_autoencoder_config;

/* What holds for keys that a file does not name. */
esp_autoencoder_config esp_autoencoder_config_default(void);
/* Every key with its range and meaning, for esp_config_read and the documentation. */
extern const esp_field esp_autoencoder_fields[];
extern const int       esp_autoencoder_num_fields; /* entries of the table */

/* ---- checkpoint.c: an autoencoder in one safetensors file ---------------------------------------- */

/* What a file holds; esp_autoencoder_checkpoint_free. */
typedef struct {
    esp_autoencoder_config config; /* as in the file */
    esp_network *net;     /* owned */
    esp_metadata metadata; /* owned; the contract is always there, derived if need be */
} esp_autoencoder_checkpoint;

/* The contract of every autoencoder, the caller's to delete. */
cJSON *esp_autoencoder_contract(void);

/* Sizes of prunable axes come from the file's shapes. A file without our metadata needs
 * config_path; otherwise NULL. An agent is refused. */
esp_status esp_autoencoder_checkpoint_read(const char *path, const char *config_path, esp_autoencoder_checkpoint *out);
/* The same of a file that was opened; copies what it keeps. */
esp_status esp_autoencoder_checkpoint_take(const esp_checkpoint *file, esp_autoencoder_checkpoint *out);
/* Writes network, configuration, contract and pedigree; borrows all. ESP_ERR_IO when it cannot be written. */
esp_status esp_autoencoder_checkpoint_save(const char *path, const esp_autoencoder_config *config,
                                           const esp_network *net, const esp_metadata *metadata);
/* With the contract of every autoencoder and no pedigree. */
esp_status esp_autoencoder_checkpoint_write(const char *path, const esp_autoencoder_config *config,
                                            const esp_network *net);
void       esp_autoencoder_checkpoint_free(esp_autoencoder_checkpoint *checkpoint); /* a zeroed one too */

/* ---- reconstruct.c ------------------------------------------------------------------------------- */

/* Errors are of pixels in [0, 1], compared before rounding to 8 bits. */
typedef struct {
    int    images;                /* that were compared */
    double mse;                   /* mean over images and pixels */
    double psnr_of_mean_mse_db;   /* 10 log10(1 / mse) */
    double mean_psnr_db;          /* mean over images of 10 log10(1 / mse of the image) */
} esp_reconstruction;

/* Runs all images through the network, in blocks of fixed size on all threads; sums are in double in
 * the order of the images. image_mse [count], or NULL: not wanted. ESP_ERR_NUMERIC when a
 * reconstruction is not finite. */
esp_status esp_reconstruct(const esp_network *net, const esp_images *images, double *image_mse,
                           esp_reconstruction *out);
/* The reconstructions of the images first .. first + count - 1, pixels [count, 784] rounded. */
void esp_reconstruct_pixels(const esp_network *net, const esp_images *images, int first, int count, uint8_t *pixels);

/* ---- update.c ------------------------------------------------------------------------------------ */

/* Gradient steps on batches of images, through both components of an autoencoder of any size. Borrows the
 * network. */
typedef struct {
    esp_network   *net;            /* borrowed: what a step changes */
    esp_team_tape *tape;           /* owned */
    float         *input, *target; /* [pixels, n], n <= capacity images: filled by the caller, who takes
                                      centres[0 .. pixels) off the input */
    size_t         num_centres;
    float         *centres;        /* [num_centres] the tape's: of the inputs of all dense layers */
    float         *grads;          /* [num_weights] of the last step */
    double        *error;          /* [pixels] squared error of a pixel over the last batch */
    esp_adam       adam;           /* over all weights; running statistics have no gradient */
} esp_autoencoder_updater;

/* For batches of up to `capacity` images. */
esp_autoencoder_updater *esp_autoencoder_updater_create(esp_network *net, int capacity);
void                     esp_autoencoder_updater_free(esp_autoencoder_updater *updater); /* accepts NULL */

/* Centres the network on the n images in `input`, which are as they are: esp_team_tape_centre. */
void esp_autoencoder_updater_centre(esp_autoencoder_updater *updater, int n);
/* `weights` of the centred network as those of a plain one, into out [num_weights]; may be the same. */
void esp_autoencoder_updater_export(const esp_autoencoder_updater *updater, const float *weights, float *out);

/* One gradient step. */
typedef struct {
    int    n;                /* images in the batch */
    bool   batch_statistics; /* false: BatchNorm uses its running statistics and leaves them */
    double learning_rate;    /* of Adam */
} esp_autoencoder_step;

/* Gradient of the squared error, summed over pixels and averaged over images, then Adam. *mse: per
 * pixel, before the step. ESP_ERR_NUMERIC when it is not finite; the weights are lost then. */
esp_status esp_autoencoder_updater_step(esp_autoencoder_updater *updater, const esp_autoencoder_step *step,
                                        double *mse);

/* ---- trainer.c ------------------------------------------------------------------------------------ */

/* Trains a new network into a run's folder: config.json, metrics.jsonl, checkpoint.safetensors (averaged
 * weights) and state.safetensors, from which `run->resume` goes on bit for bit. Interrupted runs return
 * ESP_ERR_INTERRUPTED and can be resumed. */
esp_status esp_autoencoder_train(const esp_autoencoder_config *config, const esp_images *train, const esp_images *test,
                                 const esp_run_request *run);

/* ---- finetune.c ------------------------------------------------------------------------------------- */

/* Trains `net`, pruned or not, further in memory: `steps` gradient steps with the keys of `config`
 * but epochs, offset and eval_every; the warm-up takes at most a tenth of the steps. The first `judging`
 * images (at least 1) are not learnt from: net ends as it was at the start or at one of ten moments,
 * whichever had the least error on them. Whatever is returned, net holds the best found so far. */
esp_status esp_autoencoder_finetune(esp_network *net, const esp_images *images, int judging,
                                    const esp_autoencoder_train_config *config, int64_t steps);

/* ---- candidates.c: the objective of a search over compensated cuts --------------------------------- */

/* Where cuts are made and what they are judged on; borrows both. */
typedef struct {
    const esp_surgeon *surgeon;   /* cuts and compensates */
    const esp_images  *images;    /* compared with their reconstructions */
    int                count;     /* images of one evaluation at scale 1: the first ones */
} esp_reconstruction_candidates;

/* An esp_performance_fn: PSNR of the mean error, in dB, of every cut after surgery and compensation;
 * context is an esp_reconstruction_candidates. */
esp_status esp_reconstruction_candidates_performance(void *context, int n, const esp_cut *cuts, int scale,
                                                     double *performance);

/* ---- objective.c, chain.c, path.c --------------------------------------------------------------- */

/* Reconstruction as a performance of plain cuts: nothing is compensated, so cuts share the layers before
 * their first difference. Owns the weights, ordered by importance, and the activations of the last cut, which
 * the next one continues where it can. */
typedef struct esp_autoencoder_objective esp_autoencoder_objective;

/* net and ranking as given to esp_objective: every cut must follow this ranking. Evaluations at scale 1
 * use the first `count` images, all of them if there are fewer; ESP_ERR_RANGE when count < 1 or there are
 * none. Borrows network and images. */
esp_status esp_autoencoder_objective_create(const esp_network *net, const esp_ranking *ranking,
                                            const esp_images *images, int count, esp_autoencoder_objective **out);
void       esp_autoencoder_objective_free(esp_autoencoder_objective *objective); /* accepts NULL */

/* An esp_performance_fn: PSNR of the mean error, in dB; context is an esp_autoencoder_objective, used by one
 * call at a time. The more cuts at once, the more they share (at_once of esp_objective_config); a number
 * depends on its cut, the scale and the images alone. ESP_ERR_SHAPE for a cut that follows another ranking,
 * ESP_ERR_INTERRUPTED with nothing evaluated. */
esp_status esp_autoencoder_objective_performance(void *context, int n, const esp_cut *cuts, int scale,
                                                 double *performance);

#endif
