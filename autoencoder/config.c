/* Every configuration key of an autoencoder: its place, its range, its meaning. */
#include "autoencoder/autoencoder.h"

#define KEY_INT(path, member, low, high, help) \
    {path, ESP_INT, offsetof(esp_autoencoder_config, member), low, high, NULL, help}
#define KEY_DOUBLE(path, member, low, high, help) \
    {path, ESP_DOUBLE, offsetof(esp_autoencoder_config, member), low, high, NULL, help}

const esp_field esp_autoencoder_fields[] = {
    {"application", ESP_CHOICE, offsetof(esp_autoencoder_config, application), 0, 0, "autoencoder",
     "the kind of checkpoint"},

    {"train.seed", ESP_U64, offsetof(esp_autoencoder_config, train.seed), 0, 9e15, NULL, "seed of all random numbers"},
    {"train.start", ESP_CHOICE, offsetof(esp_autoencoder_config, train.start), 0, 0, ESP_AUTOENCODER_START_CHOICES,
     "first weights: principal components, or PyTorch's default"},
    KEY_INT("train.epochs", train.epochs, 0, 1000000, "passes over the training images"),
    KEY_INT("train.batch", train.batch, 2, 65536, "images per gradient step"),
    KEY_DOUBLE("train.learning_rate", train.learning_rate, 0, 1, "initial value for Adam; falls along half a cosine"),
    KEY_DOUBLE("train.learning_rate_end", train.learning_rate_end, 0, 1, "share of the learning rate left at the end"),
    KEY_INT("train.warmup", train.warmup, 0, 100000000, "gradient steps over which the learning rate first rises"),
    KEY_DOUBLE("train.offset", train.offset, -100, 100, "initial offset of BatchNorm; large: ReLU starts out linear"),
    KEY_DOUBLE("train.batch_statistics", train.batch_statistics, 0, 1,
               "share of the updates that use batch statistics, before BatchNorm uses running ones"),
    KEY_DOUBLE("train.average", train.average, 0, 0.999999, "decay per update of averaged weights; 0: no averaging"),
    KEY_INT("train.shift", train.shift, 0, 27, "random shift of images, pixels"),
    KEY_INT("train.eval_every", train.eval_every, 1, 1000000, "epochs between evaluations and saved states"),
};
const int esp_autoencoder_num_fields = sizeof esp_autoencoder_fields / sizeof *esp_autoencoder_fields;

esp_autoencoder_config esp_autoencoder_config_default(void)
{
    return (esp_autoencoder_config){
        .train = {.seed = 1, .start = ESP_START_COMPONENTS, .epochs = 24, .batch = 256, .learning_rate = 1e-3,
                  .learning_rate_end = 0.0, .warmup = 200, .offset = 3.0, .batch_statistics = 0.0, .average = 0.999,
                  .shift = 1, .eval_every = 1},
    };
}
