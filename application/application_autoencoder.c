/* The autoencoder as an application: judged by the error of its reconstructions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "application/application_internal.h"

/* Training images per evaluation of a search (as in the paper); images of recorded data, of which 10,000 instead of
 * 30,000 add a tenth more error where half of the parameters are gone; and images that decide about --keep. */
#define SEARCH_IMAGES 1000
#define RECORDED_IMAGES 30000
#define KEEP_IMAGES 10000

/* The application's part of a subject. */
typedef struct {
    esp_autoencoder_config stored;  /* configuration in the file */
    esp_autoencoder_config config;  /* the same with settings applied */
    const char *data;               /* folder of MNIST, borrowed; NULL: generated digits */
    esp_images  train, test;
} autoencoder;

static const esp_option options[] = {
    {"data", "data", ESP_FOR_EVAL | ESP_FOR_PRUNE | ESP_FOR_TRAIN, ESP_OPTION_TEXT, "DIR", 0, 0,
     "Autoencoder: folder with the files of MNIST (default: generated digits)"},
    {"min-psnr", ESP_KEY_DEMAND, ESP_FOR_EVAL | ESP_FOR_PRUNE, ESP_OPTION_NUMBER, "X", 0, 0,
     "Autoencoder: exit with status 3 when the PSNR of the mean error is below X dB"},
    {"picture", ESP_KEY_PICTURE, ESP_FOR_EVAL, ESP_OPTION_TEXT, "FILE.png", 0, 0,
     "Autoencoder: draw the first test images above their reconstructions"},
    {"images", ESP_KEY_SEARCH, ESP_FOR_PRUNE, ESP_OPTION_COUNT, "N", 1, 10000000,
     "Autoencoder: training images per evaluation (default 1000)"},
    {.key = NULL},
};

/* ---- open ---- */

static esp_status open_autoencoder(esp_subject *subject, esp_search_config *search)
{
    esp_autoencoder_checkpoint checkpoint = {.net = NULL};
    esp_status status = esp_autoencoder_checkpoint_take(subject->file, &checkpoint);
    if (status != ESP_OK) return esp_subject_blame(subject, status);
    autoencoder *a = subject->state = esp_alloc(1, sizeof *a);
    a->stored = a->config = checkpoint.config;
    a->data = esp_judging_text(&subject->judging, "data");
    subject->net = checkpoint.net;
    subject->metadata = checkpoint.metadata;
    subject->components = ESP_ALL_COMPONENTS;
    if (!subject->search) subject->search = SEARCH_IMAGES;
    return esp_settings_apply(subject->settings, esp_autoencoder_fields, esp_autoencoder_num_fields, &a->config,
                              search);
}

static esp_status prepare(esp_subject *subject)
{
    autoencoder *a = subject->state;
    if (!a->data) esp_log(ESP_LOG_INFO, "no --data DIR: generated digits stand in for MNIST");
    esp_status status = esp_images_load(a->data, true, &a->train);
    if (status == ESP_OK) status = esp_images_load(a->data, false, &a->test);
    if (status == ESP_OK && subject->search > a->train.count) subject->search = a->train.count;
    return status;
}

static void close_autoencoder(esp_subject *subject)
{
    autoencoder *a = subject->state;
    esp_images_free(&a->train);
    esp_images_free(&a->test);
    free(a);
}

/* ---- recorded data: the last training images; searches are judged on the first ones ---- */

/* Where there are many images, --keep has some of its own. */
static int num_recorded(const esp_subject *subject)
{
    const autoencoder *a = subject->state;
    int count = a->train.count, left = count - subject->search;
    if (left > 2 * KEEP_IMAGES) left -= KEEP_IMAGES;
    return left < 1 ? count : left < RECORDED_IMAGES ? left : RECORDED_IMAGES;
}

static esp_status record(const esp_subject *subject, void **memory, esp_calibration *out)
{
    const autoencoder *a = subject->state;
    const esp_images *train = &a->train;
    int count = num_recorded(subject);
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

/* The images themselves are part of the identity: a folder may hold others next time. */
static void identify(const esp_subject *subject, cJSON *identity)
{
    const autoencoder *a = subject->state;
    esp_json_add_hash(identity, "images_hash", esp_images_hash(&a->train));
    cJSON_AddNumberToObject(identity, "images", subject->search);
}

static void free_objective(void *objective)
{
    esp_autoencoder_objective_free(objective);
}

/* Compensation gives every cut its own weights; plain cuts share the layers they have in common, the more so the more
 * of them come together. */
static esp_status judge(const esp_judge_config *config, esp_judge *out)
{
    const esp_subject *subject = config->subject;
    const autoencoder *a = subject->state;
    const esp_images *images = &a->train;
    if (config->compensation->repair) {
        esp_reconstruction_candidates *candidates = esp_alloc(1, sizeof *candidates);
        *candidates = (esp_reconstruction_candidates){config->surgeon, images, subject->search};
        *out = (esp_judge){esp_reconstruction_candidates_performance, candidates, 16, free};
        return ESP_OK;
    }
    esp_autoencoder_objective *objective = NULL;
    esp_status status = esp_autoencoder_objective_create(subject->net, config->ranking, images,
                                                         subject->search, &objective);
    *out = (esp_judge){esp_autoencoder_objective_performance, objective, 1024, free_objective};
    return status;
}

/* ---- size and time ---- */

static double flops(const esp_subject *subject, const esp_network *net)
{
    (void)subject;
    return 2.0 * (esp_component_macs(net, ESP_AUTOENCODER_ENCODER) + esp_component_macs(net, ESP_AUTOENCODER_DECODER));
}

/* A network that reconstructs one image again and again. */
typedef struct {
    const esp_network *net;
    esp_tape *encoder, *decoder;  /* owned */
    float     pixels[ESP_IMAGE_PIXELS];
} reconstructing;

static void reconstruct_once(void *context)
{
    reconstructing *r = context;
    esp_forward(r->net, r->decoder, esp_forward(r->net, r->encoder, r->pixels, 1), 1);
}

/* Time for one image on one thread. */
static void time_of_image(const esp_subject *subject, int n, const esp_network *const *nets, esp_timing *out)
{
    const autoencoder *a = subject->state;
    reconstructing *each = esp_alloc((size_t)n, sizeof *each);
    void **context = esp_alloc((size_t)n, sizeof *context);
    for (int k = 0; k < n; k++) {
        context[k] = &each[k];
        each[k].net = nets[k];
        each[k].encoder = esp_tape_create(nets[k], ESP_AUTOENCODER_ENCODER, 1);
        each[k].decoder = esp_tape_create(nets[k], ESP_AUTOENCODER_DECODER, 1);
        for (int i = 0; i < ESP_IMAGE_PIXELS; i++) each[k].pixels[i] = (float)a->test.pixels[i] / 255.0f;
    }
    esp_timing_take(n, reconstruct_once, context, out);
    for (int k = 0; k < n; k++) {
        esp_tape_free(each[k].encoder);
        esp_tape_free(each[k].decoder);
    }
    free(each);
    free(context);
}

static esp_status finetune(const esp_subject *subject, void *recording, esp_network *net, int steps)
{
    (void)recording; /* all training images are used */
    const autoencoder *a = subject->state;
    return esp_autoencoder_finetune(net, &a->train, subject->search, &a->config.train, steps);
}

/* Training images that neither judge candidates nor are among the last ones, which repair them. */
static esp_status keeps(const esp_subject *subject, const esp_network *net, double *share)
{
    const autoencoder *a = subject->state;
    esp_images images = a->train;
    int left = images.count - subject->search - num_recorded(subject);
    int count = left < KEEP_IMAGES ? left : KEEP_IMAGES;
    if (count < 1) {
        count = images.count;
        esp_log(ESP_LOG_WARNING, "--keep is judged on images that the search saw: there are only %d", count);
    } else images.pixels += (size_t)subject->search * ESP_IMAGE_PIXELS;
    images.count = count;
    esp_reconstruction before, after;
    esp_status status = esp_reconstruct(subject->net, &images, NULL, &before);
    if (status == ESP_OK) status = esp_reconstruct(net, &images, NULL, &after);
    if (status == ESP_OK) *share = before.mse / after.mse;
    return status;
}

static esp_status write_autoencoder(const esp_subject *subject, const char *path, const esp_network *net,
                                    unsigned components, const cJSON *pedigree)
{
    (void)components; /* all components are used */
    const autoencoder *a = subject->state;
    cJSON *contract = esp_autoencoder_contract();
    esp_status status = esp_autoencoder_checkpoint_save(path, &a->stored, net,
                                                        &(esp_metadata){.contract = contract,
                                                                        .pedigree = (cJSON *)pedigree});
    cJSON_Delete(contract);
    return status;
}

/* Only the folder's name: where it is does not matter, its content does. */
static void ancestry(const esp_subject *subject, cJSON *entry)
{
    const autoencoder *a = subject->state;
    const char *slash = a->data ? strrchr(a->data, '/') : NULL;
    if (a->data) cJSON_AddStringToObject(entry, "data", slash && slash[1] ? slash + 1 : a->data);
    esp_json_add_hash(entry, "images_hash", esp_images_hash(&a->train));
}

/* ---- test images ---- */

/* The PSNR of every image; a perfect one counts as 100 dB. */
static esp_samples samples_of(int count, const double *image_mse)
{
    const double best = 100.0;
    esp_samples samples = {.num_traits = 1, .trait = {{"psnr", "PSNR of an image, dB", "dB", 2}}, .most = INFINITY,
                           .num_starts = 1, .start = {{.count = count}}};
    double *psnr = samples.start[0].value[0] = esp_alloc((size_t)count, sizeof *psnr);
    for (int i = 0; i < count; i++) psnr[i] = fmin(best, -10.0 * log10(fmax(image_mse[i], 1e-300)));
    return samples;
}

static esp_status measure(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out)
{
    (void)task; /* takes two seconds at most */
    const autoencoder *a = subject->state;
    esp_reconstruction r;
    double *image_mse = esp_alloc((size_t)a->test.count, sizeof *image_mse);
    esp_status status = esp_reconstruct(net, &a->test, image_mse, &r);
    if (status == ESP_OK) out->samples = samples_of(a->test.count, image_mse);
    free(image_mse);
    if (status != ESP_OK) return status;
    out->performance = r.psnr_of_mean_mse_db;
    esp_figure_list_add(&out->figures, (esp_figure){.key = "images", .line = 1, .label = "images",
                                                     .kind = ESP_FIGURE_NUMBER, .value = r.images,
                                                     .unit = "test images"});
    esp_figure_list_add(&out->figures, (esp_figure){.line = 1, .text = esp_digits_name(a->data)});
    esp_reconstruction_figures(&r, 2, "mean squared error", &out->figures);
    esp_figure_list_add(&out->figures, (esp_figure){.key = "flops_per_image", .line = 4, .label = "work",
                                                    .kind = ESP_FIGURE_SCALED, .value = flops(subject, net),
                                                    .unit = "FLOPs per image"});
    return ESP_OK;
}

void esp_reconstruction_figures(const esp_reconstruction *r, int line, const char *of_error, esp_figure_list *out)
{
    esp_figure_list_add(out, (esp_figure){.key = "mse", .line = line, .label = "error", .kind = ESP_FIGURE_NUMBER,
                                          .decimals = 6, .value = r->mse, .unit = of_error});
    esp_figure_list_add(out, (esp_figure){.key = "psnr_of_mean_mse_db", .line = line + 1, .label = "PSNR",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 2, .value = r->psnr_of_mean_mse_db,
                                          .unit = "dB of the mean error"});
    esp_figure_list_add(out, (esp_figure){.key = "mean_psnr_db", .line = line + 1, .kind = ESP_FIGURE_NUMBER,
                                          .decimals = 2, .value = r->mean_psnr_db, .unit = "dB mean over images"});
}

static const esp_compared compared[] = {
    {.key = "mean_psnr_db", .label = "mean PSNR of images, dB", .kind = ESP_FIGURE_NUMBER, .decimals = 2},
    {.key = "mse", .label = "mean squared error", .kind = ESP_FIGURE_NUMBER, .decimals = 6, .error = true},
    {.key = NULL},
};

/* ---- a picture ---- */

/* Two rows as in Fig. 1: images, with their reconstructions below; ink is dark, as on paper. */
static esp_status draw(esp_subject *subject, const char *path)
{
    enum { COLUMNS = 16 };
    autoencoder *a = subject->state;
    uint8_t pixels[2 * COLUMNS * ESP_IMAGE_PIXELS];
    /* The picture needs only the test images, not the many training images. */
    esp_status status = a->test.count > 0 ? ESP_OK : esp_images_load(a->data, false, &a->test);
    if (status != ESP_OK) return status;
    int columns = a->test.count < COLUMNS ? a->test.count : COLUMNS;
    size_t row = (size_t)columns * ESP_IMAGE_PIXELS;
    esp_sheet sheet = {.rows = 2, .columns = columns, .width = ESP_IMAGE_SIDE, .height = ESP_IMAGE_SIDE, .zoom = 2,
                       .gap = 4};
    memcpy(pixels, a->test.pixels, row);
    esp_reconstruct_pixels(subject->net, &a->test, 0, columns, pixels + row);
    for (size_t i = 0; i < 2 * row; i++) pixels[i] = (uint8_t)(255 - pixels[i]);
    return esp_sheet_write(path, &sheet, pixels);
}

static void caption(const cJSON *asked, const char *name, char *out, size_t size)
{
    const char *data = esp_digits_folder(esp_json_text(asked, "data"));
    snprintf(out, size, "Test images (%s) above their reconstructions by %s.", esp_digits_name(data), name);
}

static const esp_picture picture = {
    .draw = draw,
    .title = "Reconstructions",
    .alternative = "test images above their reconstructions",
    .missing = "The reconstructions could not be drawn:",
    .caption = caption,
};

static void film(const cJSON *asked, bool quick, esp_judging *out)
{
    (void)quick;
    const char *data = esp_digits_folder(esp_json_text(asked, "data"));
    if (data) esp_judging_give(out, ESP_FOR_EVAL, "data", data);
}

/* ---- descriptions ---- */

static void question(const esp_subject *subject, esp_figure_list *out)
{
    const autoencoder *a = subject->state;
    esp_figure_list_add(out, (esp_figure){.key = "data", .text = esp_digits_name(a->data)});
}

static void samples(const esp_subject *subject, char *out, size_t size)
{
    const autoencoder *a = subject->state;
    snprintf(out, size, "%d test images, %s", a->test.count, esp_digits_name(a->data));
}

static void inspect(const esp_subject *subject, esp_figure_list *out)
{
    esp_figure_list_add(out, (esp_figure){.key = "flops_per_image", .line = 1, .kind = ESP_FIGURE_SCALED,
                                          .value = flops(subject, subject->net), .unit = "FLOP"});
}

static void title(const esp_subject *subject, char *out, size_t size)
{
    (void)subject;
    snprintf(out, size, "autoencoder of %d x %d images", ESP_IMAGE_SIDE, ESP_IMAGE_SIDE);
}

static void run_title(const cJSON *config, char *out, size_t size)
{
    (void)config;
    snprintf(out, size, "autoencoder of digits");
}

const esp_application esp_application_autoencoder = {
    .name = "autoencoder",
    .measure_name = "PSNR of the mean error, dB",
    .decibels = true,
    .sample_name = "images",
    .card_task = "image-to-image",
    .card_metric = "psnr",
    .action_name = "image",
    .paper_groups = esp_autoencoder_paper_groups,
    .num_paper_groups = &esp_autoencoder_num_paper_groups,
    .fields = esp_autoencoder_fields,
    .num_fields = &esp_autoencoder_num_fields,
    .options = options,
    .compared = compared,
    .learning = &esp_learning_autoencoder,
    .picture = &picture,
    .train = esp_train_autoencoder,
    .open = open_autoencoder,
    .prepare = prepare,
    .close = close_autoencoder,
    .record = record,
    .forget = free,
    .identify = identify,
    .judge = judge,
    .measure = measure,
    .flops = flops,
    .time = time_of_image,
    .finetune = finetune,
    .keeps = keeps,
    .write = write_autoencoder,
    .ancestry = ancestry,
    .film = film,
    .question = question,
    .inspect = inspect,
    .title = title,
    .run_title = run_title,
    .samples = samples,
};
