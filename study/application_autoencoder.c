/* The autoencoder as an application: judged by the error of its reconstructions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/application.h"
#include "report/report.h"

/* Training images behind one evaluation of a search (as in the paper), and behind recorded data. */
#define SEARCH_IMAGES 1000
#define RECORDED_IMAGES 10000

/* ---- open ---- */

static esp_status open_autoencoder(esp_subject *subject, esp_search_config *search)
{
    esp_autoencoder_checkpoint checkpoint = {.net = NULL};
    esp_status status = esp_autoencoder_checkpoint_read(subject->path, subject->options->config, &checkpoint);
    if (status != ESP_OK) return esp_subject_blame(subject, status);
    esp_autoencoder_case *autoencoder = &subject->autoencoder;
    autoencoder->stored = autoencoder->config = checkpoint.config;
    subject->net = checkpoint.net;
    esp_metadata_free(&checkpoint.metadata);
    subject->components = ESP_ALL_COMPONENTS;
    if (!subject->judging.search) subject->judging.search = SEARCH_IMAGES;
    return esp_options_apply(subject->options, esp_autoencoder_fields, esp_autoencoder_num_fields,
                             &autoencoder->config, search);
}

static esp_status prepare(esp_subject *subject)
{
    const char *folder = subject->judging.data;
    if (!folder) esp_log(ESP_LOG_INFO, "no --data DIR: generated digits stand in for MNIST");
    esp_images *train = &subject->autoencoder.train;
    esp_status status = esp_images_load(folder, true, train);
    if (status == ESP_OK) status = esp_images_load(folder, false, &subject->autoencoder.test);
    if (status == ESP_OK && subject->judging.search > train->count) subject->judging.search = train->count;
    return status;
}

static void close_autoencoder(esp_subject *subject)
{
    esp_images_free(&subject->autoencoder.train);
    esp_images_free(&subject->autoencoder.test);
}

/* ---- recorded data: the last training images; a search is judged on the first ones ---- */

static esp_status record(const esp_subject *subject, void **memory, esp_calibration *out)
{
    const esp_images *train = &subject->autoencoder.train;
    int count = train->count < RECORDED_IMAGES ? train->count : RECORDED_IMAGES;
    size_t values = (size_t)count * ESP_IMAGE_PIXELS, first = (size_t)train->count * ESP_IMAGE_PIXELS - values;
    float *pixels = esp_alloc(values, sizeof *pixels);
    for (size_t i = 0; i < values; i++) pixels[i] = (float)train->pixels[first + i] / 255.0f;
    *out = (esp_calibration){.count = count};
    out->feed[ESP_AUTOENCODER_ENCODER] = (esp_feed){.source = -1, .data = pixels};
    out->feed[ESP_AUTOENCODER_DECODER] = (esp_feed){.source = ESP_AUTOENCODER_ENCODER, .target = pixels};
    *memory = pixels;
    return ESP_OK;
}

/* ---- the digits by name ---- */

static const char generated[] = "generated digits";

const char *esp_digits_name(const char *folder)
{
    return folder ? folder : generated;
}

const char *esp_digits_folder(const char *name)
{
    return name && strcmp(name, generated) != 0 ? name : NULL;
}

/* ---- the judge of a search ---- */

/* A folder may hold other images next time. */
static void identify(const esp_subject *subject, cJSON *identity)
{
    esp_json_add_hash(identity, "images_hash", esp_images_hash(&subject->autoencoder.train));
    cJSON_AddNumberToObject(identity, "images", subject->judging.search);
}

static void free_objective(void *objective)
{
    esp_autoencoder_objective_free(objective);
}

/* Compensation gives every cut weights of its own; plain cuts share what they have in common, the more of
 * them come at once the better. */
static esp_status judge(const esp_judge_config *config, esp_judge *out)
{
    const esp_subject *subject = config->subject;
    const esp_images *images = &subject->autoencoder.train;
    if (config->compensation != ESP_COMPENSATION_NONE) {
        esp_reconstruction_candidates *candidates = esp_alloc(1, sizeof *candidates);
        *candidates = (esp_reconstruction_candidates){config->surgeon, images, subject->judging.search};
        *out = (esp_judge){esp_reconstruction_candidates_performance, candidates, 16, free};
        return ESP_OK;
    }
    esp_autoencoder_objective *objective = NULL;
    esp_status status = esp_autoencoder_objective_create(subject->net, config->ranking, images,
                                                         subject->judging.search, &objective);
    *out = (esp_judge){esp_autoencoder_objective_performance, objective, 1024, free_objective};
    return status;
}

/* ---- test images ---- */

static esp_status measure(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out)
{
    (void)task; /* two seconds at most */
    *out = (esp_measurement){.returns = NULL};
    esp_status status = esp_reconstruct(net, &subject->autoencoder.test, NULL, &out->reconstruction);
    out->performance = out->reconstruction.psnr_of_mean_mse_db;
    return status;
}

/* Two rows as in Fig. 1: images, reconstructions below them; ink is dark, as on paper. */
static esp_status picture(const esp_subject *subject, const char *path)
{
    enum { COLUMNS = 16 };
    const esp_images *test = &subject->autoencoder.test;
    uint8_t pixels[2 * COLUMNS * ESP_IMAGE_PIXELS];
    int columns = test->count < COLUMNS ? test->count : COLUMNS;
    size_t row = (size_t)columns * ESP_IMAGE_PIXELS;
    esp_sheet sheet = {.rows = 2, .columns = columns, .width = ESP_IMAGE_SIDE, .height = ESP_IMAGE_SIDE, .zoom = 2,
                       .gap = 4};
    memcpy(pixels, test->pixels, row);
    esp_reconstruct_pixels(subject->net, test, 0, columns, pixels + row);
    for (size_t i = 0; i < 2 * row; i++) pixels[i] = (uint8_t)(255 - pixels[i]);
    return esp_sheet_write(path, &sheet, pixels);
}

/* ---- size and time ---- */

static double flops(const esp_subject *subject, const esp_network *net)
{
    (void)subject;
    return 2.0 * (esp_component_macs(net, ESP_AUTOENCODER_ENCODER) + esp_component_macs(net, ESP_AUTOENCODER_DECODER));
}

/* One image, one thread. */
static double time_of_image(const esp_subject *subject, const esp_network *net)
{
    enum { WARM_UP = 20, COUNT = 200 };
    float pixels[ESP_IMAGE_PIXELS];
    double ms[COUNT];
    for (int i = 0; i < ESP_IMAGE_PIXELS; i++) pixels[i] = (float)subject->autoencoder.test.pixels[i] / 255.0f;
    esp_tape *encoder = esp_tape_create(net, ESP_AUTOENCODER_ENCODER, 1);
    esp_tape *decoder = esp_tape_create(net, ESP_AUTOENCODER_DECODER, 1);
    for (int i = -WARM_UP; i < COUNT; i++) {
        double started = esp_clock();
        esp_forward(net, decoder, esp_forward(net, encoder, pixels, 1), 1);
        if (i >= 0) ms[i] = 1e3 * (esp_clock() - started);
    }
    esp_tape_free(encoder);
    esp_tape_free(decoder);
    esp_sort_doubles(COUNT, ms);
    return esp_quantile(COUNT, ms, 0.5);
}

static esp_status finetune(const esp_subject *subject, void *recording, esp_network *net, int steps)
{
    (void)recording; /* all training images */
    const esp_autoencoder_case *autoencoder = &subject->autoencoder;
    return esp_autoencoder_finetune(net, &autoencoder->train, subject->judging.search, &autoencoder->config.train,
                                    steps);
}

static esp_status write_autoencoder(const esp_subject *subject, const char *path, const esp_network *net)
{
    return esp_autoencoder_checkpoint_write(path, &subject->autoencoder.stored, net);
}

/* ---- what is said ---- */

static void question_json(const esp_subject *subject, cJSON *json)
{
    cJSON_AddStringToObject(json, "data", esp_digits_name(subject->judging.data));
}

static void question_text(const esp_subject *subject, char *out, size_t size)
{
    snprintf(out, size, "%d test images, %s", subject->autoencoder.test.count, esp_digits_name(subject->judging.data));
}

static void eval_json(const esp_subject *subject, const esp_measurement *m, cJSON *json)
{
    const esp_reconstruction *r = &m->reconstruction;
    cJSON_AddNumberToObject(json, "images", r->images);
    cJSON_AddNumberToObject(json, "mse", r->mse);
    cJSON_AddNumberToObject(json, "psnr_of_mean_mse_db", r->psnr_of_mean_mse_db);
    cJSON_AddNumberToObject(json, "mean_psnr_db", r->mean_psnr_db);
    cJSON_AddNumberToObject(json, "flops_per_image", flops(subject, subject->net));
}

static void eval_rows(const esp_subject *subject, const esp_measurement *m, esp_table *table)
{
    char work[ESP_NUMBER_TEXT];
    const esp_reconstruction *r = &m->reconstruction;
    esp_table_row(table, "images|%d test images, %s", r->images, esp_digits_name(subject->judging.data));
    esp_table_row(table, "error|%.6f mean squared error", r->mse);
    esp_table_row(table, "PSNR|%.2f dB of the mean error, %.2f dB mean over images", r->psnr_of_mean_mse_db,
                  r->mean_psnr_db);
    esp_table_row(table, "work|%sFLOP an image", esp_text_scaled(flops(subject, subject->net), work));
}

static void prune_json(const esp_measurement *m, const char *suffix, cJSON *json)
{
    char key[64];
    snprintf(key, sizeof key, "mse_%s", suffix);
    cJSON_AddNumberToObject(json, key, m->reconstruction.mse);
    snprintf(key, sizeof key, "mean_psnr_db_%s", suffix);
    cJSON_AddNumberToObject(json, key, m->reconstruction.mean_psnr_db);
}

static void prune_rows(int count, const esp_measurement *m, esp_table *table)
{
    esp_table_row(table, "mean PSNR of images, dB");
    for (int i = 0; i < count; i++) esp_table_cell(table, "%.2f", m[i].reconstruction.mean_psnr_db);
    esp_table_row(table, "mean squared error");
    for (int i = 0; i < count; i++) esp_table_cell(table, "%.6f", m[i].reconstruction.mse);
    esp_table_row(table, "  added");
    for (int i = 0; i < count; i++)
        esp_table_cell(table, "%.6f", m[i].reconstruction.mse - m[0].reconstruction.mse);
}

static void inspect_json(const esp_subject *subject, cJSON *json)
{
    cJSON_AddNumberToObject(json, "flops_per_image", flops(subject, subject->net));
}

static void inspect_text(const esp_subject *subject, char *out, size_t size)
{
    char work[ESP_NUMBER_TEXT];
    snprintf(out, size, "autoencoder of 28 x 28 images; an image takes %sFLOP",
             esp_text_scaled(flops(subject, subject->net), work));
}

const esp_application esp_application_autoencoder = {
    .name = "autoencoder",
    .measure_name = "PSNR of the mean error, dB",
    .sample_name = "images",
    .action_name = "image",
    .paper_groups = esp_autoencoder_paper_groups,
    .num_paper_groups = &esp_autoencoder_num_paper_groups,
    .train = esp_train_autoencoder,
    .open = open_autoencoder,
    .prepare = prepare,
    .close = close_autoencoder,
    .record = record,
    .forget = free,
    .identify = identify,
    .judge = judge,
    .measure = measure,
    .picture = picture,
    .flops = flops,
    .time = time_of_image,
    .finetune = finetune,
    .write = write_autoencoder,
    .question_json = question_json,
    .question_text = question_text,
    .eval_json = eval_json,
    .eval_rows = eval_rows,
    .prune_json = prune_json,
    .prune_rows = prune_rows,
    .inspect_json = inspect_json,
    .inspect_text = inspect_text,
};
