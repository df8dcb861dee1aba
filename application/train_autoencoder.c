/* Training an autoencoder, from its configuration to the figures of the result. */
#include <stdio.h>
#include <stdlib.h>

#include "application/application_internal.h"

static void add_figures(const esp_train_request *request, const esp_autoencoder_config *config, const char *checkpoint,
                        const esp_reconstruction *r, esp_figure_list *out)
{
    char seed[64], error[64];
    snprintf(seed, sizeof seed, "with seed %ju", (uintmax_t)config->train.seed);
    snprintf(error, sizeof error, "mean squared error of %d test images", r->images);
    esp_figure_list_add(out, (esp_figure){.key = "data", .line = 1, .label = "data",
                                          .text = esp_digits_name(esp_judging_text(&request->judging, "data"))});
    esp_figure_list_add(out, (esp_figure){.key = "run_dir", .text = request->run_dir});
    esp_figure_list_add(out, (esp_figure){.key = "checkpoint", .line = 5, .label = "checkpoint", .text = checkpoint});
    esp_figure_list_add(out, (esp_figure){.key = "seed", .kind = ESP_FIGURE_NUMBER,
                                          .value = (double)config->train.seed});
    esp_figure_list_add(out, (esp_figure){.key = "epochs", .line = 2, .label = "epochs", .kind = ESP_FIGURE_NUMBER,
                                          .value = config->train.epochs, .unit = seed});
    esp_figure_list_add(out, (esp_figure){.key = "images", .kind = ESP_FIGURE_NUMBER, .value = r->images});
    esp_reconstruction_figures(r, 3, error, out);
}

static esp_status describe(const esp_train_request *request, const esp_autoencoder_config *config,
                           const esp_images *test, esp_figure_list *out)
{
    esp_autoencoder_checkpoint checkpoint = {.net = NULL};
    esp_reconstruction result;
    char *path = esp_path_join(request->run_dir, "checkpoint.safetensors");
    esp_status status = esp_autoencoder_checkpoint_read(path, NULL, &checkpoint);
    if (status == ESP_OK) status = esp_reconstruct(checkpoint.net, test, NULL, &result);
    if (status == ESP_OK) add_figures(request, config, path, &result, out);
    esp_autoencoder_checkpoint_free(&checkpoint);
    free(path);
    return status;
}

esp_status esp_train_autoencoder(const esp_train_request *request, const cJSON *json, esp_figure_list *out)
{
    esp_autoencoder_config config = esp_autoencoder_config_default();
    const esp_settings *settings = request->settings;
    const char *data = esp_judging_text(&request->judging, "data");
    esp_images train = {.count = 0}, test = {.count = 0};
    esp_status status =
        esp_config_read(esp_autoencoder_fields, esp_autoencoder_num_fields, json, request->path, &config);
    if (status == ESP_OK)
        status = esp_settings_apply(settings, esp_autoencoder_fields, esp_autoencoder_num_fields, &config, NULL);
    if (status == ESP_OK && settings->has_seed) config.train.seed = settings->seed;
    if (status == ESP_OK && !data) esp_log(ESP_LOG_INFO, "no --data DIR: generated digits stand in for MNIST");
    if (status == ESP_OK) status = esp_images_load(data, true, &train);
    if (status == ESP_OK) status = esp_images_load(data, false, &test);
    cJSON *about = esp_training_about(request);
    esp_run_request run = {.folder = request->run_dir, .resume = request->resume, .about = about,
                           .watch = request->watch};
    if (status == ESP_OK) status = esp_autoencoder_train(&config, &train, &test, &run);
    cJSON_Delete(about);
    if (status == ESP_OK) status = describe(request, &config, &test, out);
    esp_images_free(&train);
    esp_images_free(&test);
    return status;
}

/* ---- what the lines of metrics.jsonl mean ---- */

static const esp_metric_card cards[] = {
    {{"test_mse", "test error", esp_text_error}, ESP_LINE_LAST, "mean squared error after the last epoch", NULL},
    {{"psnr_of_mean_mse_db", "PSNR, dB", esp_text_performance}, ESP_LINE_LAST, "of the mean error", NULL},
    {{"epoch", "epochs", esp_text_count}, ESP_LINE_LAST, NULL, "/train/epochs"},
    {.metric = {NULL, NULL, NULL}},
};

static const esp_metric columns[] = {
    {"epoch", "epoch", esp_text_count},
    {"train_mse", "training error", esp_text_error},
    {"test_mse", "test error", esp_text_error},
    {"psnr_of_mean_mse_db", "PSNR of the mean error, dB", esp_text_performance},
    {"mean_psnr_db", "mean PSNR of images, dB", esp_text_performance},
    {.key = NULL},
};

static const esp_metric_chart charts[] = {
    {.title = "Reconstruction error", .y = "mean squared error", .log = true,
     .caption = "Training: mean over the batches of an epoch, while the weights change. Test: after the epoch.",
     .curve = {{"train_mse", "training images", NULL}, {"test_mse", "test images", NULL}}},
    {.title = "Signal to noise", .y = "PSNR, dB", .caption = "On test images.",
     .curve = {{"psnr_of_mean_mse_db", "of the mean error", NULL}, {"mean_psnr_db", "mean over images", NULL}}},
    {.title = NULL},
};

const esp_learning esp_learning_autoencoder = {
    .counter = "epoch", .score = "test_mse", .least = true, .cards = cards,
    .table_caption = "Error on the test images.",
    .table_lines = 1u << ESP_LINE_FIRST | 1u << ESP_LINE_BEST | 1u << ESP_LINE_LAST, .columns = columns,
    .charts = charts,
};
