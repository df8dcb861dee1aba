/* trainer: shared by learn.c, train_state.c and trainer.c. */
#ifndef ESP_AUTOENCODER_TRAINER_INTERNAL_H
#define ESP_AUTOENCODER_TRAINER_INTERNAL_H

#include "autoencoder/autoencoder.h"

/* start.c: sets the weights so that the network projects the images linearly onto their leading
 * principal components, as many as the latent has entries. */
void esp_autoencoder_start(esp_network *net, const esp_images *images, const esp_autoencoder_train_config *config);

/* learn.c: gradient steps on images. Owns all but the network and the images. */
typedef struct {
    esp_autoencoder_train_config config;
    const esp_images        *images;
    esp_network             *net;
    esp_network             *average;   /* NULL: config.average is 0 */
    esp_autoencoder_updater *updater;
    int64_t                  step, steps; /* gradient steps done, and in total */
    int                      steps_per_epoch, batch;
    int                     *order;     /* [images] order of epoch `shuffled` */
    int64_t                  shuffled;
} esp_learner;

void       esp_learner_init(esp_learner *learner, const esp_autoencoder_train_config *config, esp_network *net,
                            const esp_images *images);
void       esp_learner_free(esp_learner *learner);
/* Call before the first step: from here on the mean of the first batch is taken off the inputs of all dense layers. */
void       esp_learner_centre(esp_learner *learner);
/* One gradient step; *mse is that of its batch. */
esp_status esp_learner_step(esp_learner *learner, double *mse);
/* The network that is judged and kept: the averaged one, or the trained one, as a plain network. */
void       esp_learner_result(const esp_learner *learner, esp_network *out);

/* trainer.c: a learner with a run folder around it. */
typedef struct {
    const esp_autoencoder_config *config;
    esp_run          *run;       /* owned */
    const esp_images *test;
    uint64_t          images_hash; /* hash of the training images */
    esp_network      *net;       /* owned: being trained */
    esp_network      *result;    /* owned: judged and kept */
    esp_learner       learner;
    double            seconds;   /* time spent by earlier processes of this run, s */
    double            started;   /* esp_clock at the start of this process */
} esp_autoencoder_trainer;

double esp_autoencoder_trainer_seconds(const esp_autoencoder_trainer *trainer);

/* train_state.c: state.safetensors, written between epochs. */
esp_status esp_autoencoder_trainer_save(const esp_autoencoder_trainer *trainer);
esp_status esp_autoencoder_trainer_restore(esp_autoencoder_trainer *trainer);

#endif
