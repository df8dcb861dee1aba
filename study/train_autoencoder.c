/* Training an autoencoder, from its configuration to what is said about the result. */
#include <stdlib.h>

#include "study/application.h"

static void print_json(const esp_train_request *request, const esp_autoencoder_config *config, const char *checkpoint,
                       const esp_reconstruction *r)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", "autoencoder");
    cJSON_AddStringToObject(json, "data", esp_digits_name(request->data));
    cJSON_AddStringToObject(json, "run_dir", request->run_dir);
    cJSON_AddStringToObject(json, "checkpoint", checkpoint);
    cJSON_AddNumberToObject(json, "seed", (double)config->train.seed);
    cJSON_AddNumberToObject(json, "epochs", config->train.epochs);
    cJSON_AddNumberToObject(json, "images", r->images);
    cJSON_AddNumberToObject(json, "mse", r->mse);
    cJSON_AddNumberToObject(json, "psnr_of_mean_mse_db", r->psnr_of_mean_mse_db);
    cJSON_AddNumberToObject(json, "mean_psnr_db", r->mean_psnr_db);
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

static void print_table(const esp_train_request *request, const esp_autoencoder_config *config, const char *checkpoint,
                        const esp_reconstruction *r)
{
    esp_table *table = esp_table_create("ll");
    esp_table_row(table, "data|%s", esp_digits_name(request->data));
    esp_table_row(table, "epochs|%d with seed %ju", config->train.epochs, (uintmax_t)config->train.seed);
    esp_table_row(table, "error|%.6f mean squared error of %d test images", r->mse, r->images);
    esp_table_row(table, "PSNR|%.2f dB of the mean error, %.2f dB mean over images", r->psnr_of_mean_mse_db,
                  r->mean_psnr_db);
    esp_table_row(table, "checkpoint|%s", checkpoint);
    esp_table_print(table);
}

static esp_status report(const esp_train_request *request, const esp_autoencoder_config *config, const esp_images *test)
{
    esp_autoencoder_checkpoint checkpoint = {.net = NULL};
    esp_reconstruction result;
    char *path = esp_path_join(request->run_dir, "checkpoint.safetensors");
    esp_status status = esp_autoencoder_checkpoint_read(path, NULL, &checkpoint);
    if (status == ESP_OK) status = esp_reconstruct(checkpoint.net, test, NULL, &result);
    if (status == ESP_OK && request->options->json) print_json(request, config, path, &result);
    if (status == ESP_OK && !request->options->json) print_table(request, config, path, &result);
    esp_autoencoder_checkpoint_free(&checkpoint);
    free(path);
    return status;
}

esp_status esp_train_autoencoder(const esp_train_request *request)
{
    esp_autoencoder_config config = esp_autoencoder_config_default();
    const esp_options *options = request->options;
    esp_images train = {.count = 0}, test = {.count = 0};
    esp_status status =
        esp_config_read(esp_autoencoder_fields, esp_autoencoder_num_fields, request->json, request->path, &config);
    if (status == ESP_OK)
        status = esp_options_apply(options, esp_autoencoder_fields, esp_autoencoder_num_fields, &config, NULL);
    if (status == ESP_OK && options->has_seed) config.train.seed = options->seed;
    if (status == ESP_OK && !request->data)
        esp_log(ESP_LOG_INFO, "no --data DIR: generated digits stand in for MNIST");
    if (status == ESP_OK) status = esp_images_load(request->data, true, &train);
    if (status == ESP_OK) status = esp_images_load(request->data, false, &test);
    if (status == ESP_OK) status = esp_train_describe(request);
    if (status == ESP_OK) status = esp_autoencoder_train(&config, &train, &test, request->run_dir, request->resume);
    if (status == ESP_OK) status = report(request, &config, &test);
    esp_images_free(&train);
    esp_images_free(&test);
    return status;
}
