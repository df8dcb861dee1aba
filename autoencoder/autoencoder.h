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
extern const int            esp_autoencoder_num_paper_groups; /* number of groups: 5 */

/* ---- images.c, idx.c, digits.c ---------------------------------------------------------------- */

/* Gray images: 0 is the paper, 255 the ink. */
typedef struct {
    int      count;     /* images */
    uint8_t *pixels;    /* [count, 784], owned */
    bool     generated; /* drawn by esp_digits_draw, not read from a file: results must say so */
} esp_images;

/* Reads train-images-idx3-ubyte (`train`) or t10k-images-idx3-ubyte from the folder, plain or .gz (the plain file
 * when both exist); "images.idx3" is accepted as well as "images-idx3". Folder NULL: generates ESP_GENERATED_TRAIN or
 * ESP_GENERATED_TEST digits, always the same ones. *out is written on success only. */
esp_status esp_images_load(const char *folder, bool train, esp_images *out);
void       esp_images_free(esp_images *images); /* accepts a zeroed struct; zeroes it */
uint64_t   esp_images_hash(const esp_images *images); /* of all pixels: identifies the images */

enum { ESP_IDX_MAX_IMAGES = 1000000 }; /* limit for one file: 784 MB */
/* Reads one file of 28 x 28 images in the IDX format of the MNIST database (LeCun, Cortes, Burges), plain or gzipped
 * whatever its name, of at most ESP_IDX_MAX_IMAGES images. ESP_ERR_IO when it cannot be read, ESP_ERR_FORMAT when its
 * header, length or gzip data is wrong; memory grows with the bytes that are really in the file, not with what its
 * header promises. *out is written on success only. */
esp_status esp_idx_read(const char *path, esp_images *out);

/* Numbers of generated images that stand in for the MNIST files when no folder is given. */
enum { ESP_GENERATED_TRAIN = 10000, ESP_GENERATED_TEST = 2000 };

/* Draws digits that look hand-written: image i shows the digit i mod 10 and depends on i alone. The test
 * images of esp_images_load are those after the training images. pixels [count, 784]. */
void esp_digits_draw(int first, int count, uint8_t *pixels);

/* ---- config.c ---------------------------------------------------------------------------------- */

/* The weights before the first step: the leading principal components of the images, with the inputs of all dense
 * layers centred in every step; or drawn as PyTorch does by default, with nothing centred. */
typedef enum { ESP_START_COMPONENTS, ESP_START_UNIFORM } esp_autoencoder_start_from;
#define ESP_AUTOENCODER_START_CHOICES "components|uniform" /* in the order of the enum */

/* How an autoencoder is trained and finetuned. */
typedef struct {
    uint64_t seed;              /* seed of all random numbers */
    int      start;             /* esp_autoencoder_start_from: the first weights */
    int      epochs;            /* passes over the training images */
    int      batch;             /* images per gradient step */
    double   learning_rate;     /* initial learning rate of Adam; falls along half a cosine */
    double   learning_rate_end; /* share of the learning rate left at the end */
    int      warmup;            /* gradient steps over which the learning rate first rises from 0 */
    /* Initial offset of BatchNorm, in standard deviations; when large, ReLU starts out linear. */
    double   offset;
    /* Share of the updates that use batch statistics, before BatchNorm switches to its running ones. */
    double   batch_statistics;
    double   average;           /* decay per update of the averaged weights; 0: no averaging */
    int      shift;             /* random shift of images, pixels */
    int      eval_every;        /* epochs between evaluations and saved states */
} esp_autoencoder_train_config;

/* A configuration file; plain data. */
typedef struct {
    int application;                    /* always 0, "autoencoder" */
    esp_autoencoder_train_config train; /* train.* */
} esp_autoencoder_config;

/* Defaults of the keys that a file does not name. */
esp_autoencoder_config esp_autoencoder_config_default(void);
/* Every key with its range and meaning, for esp_config_read and the documentation. */
extern const esp_field esp_autoencoder_fields[];
extern const int       esp_autoencoder_num_fields; /* entries of the table */

/* ---- checkpoint.c: an autoencoder in one safetensors file ---------------------------------------- */

/* The content of a file; free it with esp_autoencoder_checkpoint_free. */
typedef struct {
    esp_autoencoder_config config; /* as in the file */
    esp_network *net;     /* owned */
    esp_metadata metadata; /* owned; always with a contract, derived when the file has none */
} esp_autoencoder_checkpoint;

/* The contract that all autoencoders share; the caller deletes it. */
cJSON *esp_autoencoder_contract(void);

/* Reads a file; the sizes of prunable axes come from its tensor shapes. A file without our metadata needs
 * config_path, otherwise that is NULL. A checkpoint of an agent is refused. */
esp_status esp_autoencoder_checkpoint_read(const char *path, const char *config_path, esp_autoencoder_checkpoint *out);
/* The same for a file that is already open; copies what it keeps. */
esp_status esp_autoencoder_checkpoint_take(const esp_checkpoint *file, esp_autoencoder_checkpoint *out);
/* Writes network, configuration, contract and pedigree; borrows all of them. ESP_ERR_IO when the file cannot be
 * written. */
esp_status esp_autoencoder_checkpoint_save(const char *path, const esp_autoencoder_config *config,
                                           const esp_network *net, const esp_metadata *metadata);
/* The same with the contract that all autoencoders share and no pedigree. */
esp_status esp_autoencoder_checkpoint_write(const char *path, const esp_autoencoder_config *config,
                                            const esp_network *net);
void       esp_autoencoder_checkpoint_free(esp_autoencoder_checkpoint *checkpoint); /* accepts a zeroed struct */

/* ---- reconstruct.c ------------------------------------------------------------------------------- */

/* Reconstruction errors, of pixels in [0, 1], taken before rounding to 8 bits. */
typedef struct {
    int    images;                /* number of images compared */
    double mse;                   /* mean over images and pixels */
    double psnr_of_mean_mse_db;   /* 10 log10(1 / mse) */
    double mean_psnr_db;          /* mean over images of 10 log10(1 / mse of the image) */
} esp_reconstruction;

/* Runs all images through the network, in blocks of fixed size on all threads; sums are double, in the order of the
 * images. image_mse [count] may be NULL. ESP_ERR_NUMERIC when a reconstruction is not finite. */
esp_status esp_reconstruct(const esp_network *net, const esp_images *images, double *image_mse,
                           esp_reconstruction *out);
/* Reconstructions of the images first .. first + count - 1, as pixels [count, 784] rounded to 8 bits. */
void esp_reconstruct_pixels(const esp_network *net, const esp_images *images, int first, int count, uint8_t *pixels);

/* ---- update.c ------------------------------------------------------------------------------------ */

/* Gradient steps on batches of images, through both components of an autoencoder of any size. Borrows the
 * network. */
typedef struct {
    esp_network   *net;            /* borrowed; a step changes it */
    esp_team_tape *tape;           /* owned */
    float         *input, *target; /* [pixels, n], n <= capacity images: filled by the caller, who subtracts centres[0
                                    * .. pixels) from the input */
    size_t         num_centres;
    float         *centres;        /* [num_centres] centres of the inputs of all dense layers; owned by the tape */
    float         *grads;          /* [num_weights] gradient of the last step */
    double        *error;          /* [pixels] squared error of each pixel over the last batch */
    esp_adam       adam;           /* state of all weights; running statistics have no gradient */
} esp_autoencoder_updater;

/* For batches of at most `capacity` images. */
esp_autoencoder_updater *esp_autoencoder_updater_create(esp_network *net, int capacity);
void                     esp_autoencoder_updater_free(esp_autoencoder_updater *updater); /* accepts NULL */

/* Centres the network on the n images in `input`, which are not centred themselves: esp_team_tape_centre. */
void esp_autoencoder_updater_centre(esp_autoencoder_updater *updater, int n);
/* Converts `weights` of the centred network to those of a plain network, into out [num_weights]; out may equal
 * weights. */
void esp_autoencoder_updater_export(const esp_autoencoder_updater *updater, const float *weights, float *out);

/* What one gradient step uses. */
typedef struct {
    int    n;                /* images in the batch */
    bool   batch_statistics; /* false: BatchNorm uses its running statistics and leaves them unchanged */
    double learning_rate;    /* of Adam */
} esp_autoencoder_step;

/* Computes the gradient of the squared error, summed over pixels and averaged over images, then applies Adam. *mse:
 * mean per pixel, before the step. ESP_ERR_NUMERIC when it is not finite; the weights are lost then. */
esp_status esp_autoencoder_updater_step(esp_autoencoder_updater *updater, const esp_autoencoder_step *step,
                                        double *mse);

/* ---- trainer.c ------------------------------------------------------------------------------------ */

/* Trains a new network into a run's folder: config.json, metrics.jsonl, checkpoint.safetensors (averaged weights) and
 * state.safetensors, from which `run->resume` continues bit for bit. Interrupted runs return ESP_ERR_INTERRUPTED and
 * can be resumed. */
esp_status esp_autoencoder_train(const esp_autoencoder_config *config, const esp_images *train, const esp_images *test,
                                 const esp_run_request *run);

/* ---- finetune.c ------------------------------------------------------------------------------------- */

/* Trains `net`, pruned or not, further in memory: `steps` gradient steps with the keys of `config` except start,
 * epochs, offset and eval_every; the warm-up takes at most a tenth of the steps. The first `judging` images (at least
 * 1) are held out: net ends with the weights of the start or of one of ten moments, whichever have the least error on
 * them. Whatever the returned status, net holds the best weights found so far. */
esp_status esp_autoencoder_finetune(esp_network *net, const esp_images *images, int judging,
                                    const esp_autoencoder_train_config *config, int64_t steps);

/* ---- candidates.c: the objective of a search over compensated cuts --------------------------------- */

/* How cuts are made and which images judge them; borrows both. */
typedef struct {
    const esp_surgeon *surgeon;   /* cuts and compensates */
    const esp_images  *images;    /* compared with their reconstructions */
    int                count;     /* an evaluation at scale 1 uses the first `count` images */
} esp_reconstruction_candidates;

/* An esp_performance_fn: PSNR of the mean error, in dB, of every cut after surgery and compensation;
 * context is an esp_reconstruction_candidates. */
esp_status esp_reconstruction_candidates_performance(void *context, int n, const esp_cut *cuts, int scale,
                                                     double *performance);

/* ---- objective.c, chain.c, path.c --------------------------------------------------------------- */

/* Reconstruction as the performance of plain cuts: nothing is compensated, so cuts share all layers before their
 * first difference. Owns the weights, ordered by importance, and the activations of the last cut, which the next cut
 * reuses where it can. */
typedef struct esp_autoencoder_objective esp_autoencoder_objective;

/* net and ranking as given to esp_objective: every cut must follow this ranking. Evaluations at scale 1 use the first
 * `count` images, or all of them if there are fewer than `count`. ESP_ERR_RANGE when count < 1 or there are no images.
 * Borrows network and images. */
esp_status esp_autoencoder_objective_create(const esp_network *net, const esp_ranking *ranking,
                                            const esp_images *images, int count, esp_autoencoder_objective **out);
void       esp_autoencoder_objective_free(esp_autoencoder_objective *objective); /* accepts NULL */

/* An esp_performance_fn: PSNR of the mean error, in dB; context is an esp_autoencoder_objective, used by one call at
 * a time. The more cuts per call, the more they share (at_once of esp_objective_config); each result depends on its
 * cut, the scale and the images alone. ESP_ERR_SHAPE for a cut that follows another ranking, ESP_ERR_INTERRUPTED with
 * nothing evaluated. */
esp_status esp_autoencoder_objective_performance(void *context, int n, const esp_cut *cuts, int scale,
                                                 double *performance);

#endif
