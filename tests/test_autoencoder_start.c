/* A run of zero epochs leaves the initial weights: principal components as a network. */
#include <unistd.h>

#include "small_autoencoder.h"

enum { IMAGES = 60 }; /* fewer images than latent entries: their components represent them exactly */

static char folder[] = "/tmp/espalier-start-XXXXXX";

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
}

static void remove_run(void)
{
    static const char *const files[] = {"checkpoint.safetensors", "state.safetensors", "metrics.jsonl", "config.json"};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char *path = esp_path_join(folder, files[f]);
        unlink(path);
        free(path);
    }
}

__attribute__((destructor)) static void remove_folder(void)
{
    remove_run();
    rmdir(folder);
}

static esp_network *start_with(const esp_images *images, esp_autoencoder_config config)
{
    esp_autoencoder_checkpoint start = {0};
    config.train.epochs = 0;
    CHECK_OK(esp_autoencoder_train(&config, images, images, &(esp_run_request){.folder = folder}));
    char *path = esp_path_join(folder, "checkpoint.safetensors");
    CHECK_OK(esp_autoencoder_checkpoint_read(path, NULL, &start));
    free(path);
    remove_run();
    esp_network *net = esp_network_clone(start.net);
    esp_autoencoder_checkpoint_free(&start);
    return net;
}

static esp_network *start_of(const esp_images *images, double offset)
{
    esp_autoencoder_config config = esp_autoencoder_config_default();
    config.train.offset = offset;
    return start_with(images, config);
}

static const float *reconstruct(const esp_network *net, esp_tape *tape[2], const float *x, int n)
{
    return esp_forward(net, tape[1], esp_forward(net, tape[0], x, n), n);
}

/* With an offset that no image gets below, every layer is linear: the argument of Sigmoid is the image. */
static void images_within_the_components_pass_unchanged(void)
{
    esp_images images = rectangles(IMAGES);
    esp_network *net = start_of(&images, 30.0);
    esp_tape *tape[2] = {esp_tape_create(net, 0, IMAGES), esp_tape_create(net, 1, IMAGES)};
    size_t count = (size_t)IMAGES * ESP_IMAGE_PIXELS;
    float *x = esp_alloc(count, sizeof *x), *expected = esp_alloc(count, sizeof *expected);
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)images.pixels[i] / 255.0f;
        expected[i] = (float)(1.0 / (1.0 + exp(-8.0 * ((double)x[i] - 0.5))));
    }
    /* Errors: float32, and BatchNorm's epsilon against the offset of 30. */
    CHECK_CLOSE("reconstruction", count, reconstruct(net, tape, x, IMAGES), expected, 1e-3, 0.0);
    for (int c = 0; c < 2; c++) esp_tape_free(tape[c]);
    free(x);
    free(expected);
    esp_images_free(&images);
    esp_network_free(net);
}

static void the_latent_holds_the_components_by_falling_variance(void)
{
    esp_images images = rectangles(IMAGES);
    esp_network *net = start_of(&images, 30.0);
    esp_tape *encoder = esp_tape_create(net, 0, IMAGES);
    float *x = esp_alloc((size_t)IMAGES * ESP_IMAGE_PIXELS, sizeof *x);
    double last = INFINITY;
    for (size_t i = 0; i < (size_t)IMAGES * ESP_IMAGE_PIXELS; i++) x[i] = (float)images.pixels[i] / 255.0f;
    const float *z = esp_forward(net, encoder, x, IMAGES);
    for (int k = 0; k < 256; k++) {
        double mean = 0.0, variance = 0.0;
        for (int i = 0; i < IMAGES; i++) mean += (double)z[i * 256 + k] / IMAGES;
        for (int i = 0; i < IMAGES; i++) variance += pow((double)z[i * 256 + k] - mean, 2.0) / IMAGES;
        CU_ASSERT_DOUBLE_EQUAL(mean, 0.0, 1e-3);
        CU_ASSERT(variance <= last + 1e-5); /* float32 */
        last = variance;
    }
    esp_tape_free(encoder);
    free(x);
    esp_images_free(&images);
    esp_network_free(net);
}

static void norms_tell_strong_components_and_faint_units(void)
{
    esp_images images = rectangles(IMAGES);
    esp_network *net = start_of(&images, 30.0);
    esp_ranking ranking;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("l2"), 1, NULL, &ranking));
    static const char *const hidden[] = {"encoder.hidden1", "encoder.hidden2", "encoder.hidden3",
                                         "decoder.hidden1", "decoder.hidden2", "decoder.hidden3"};
    for (int h = 0; h < 6; h++) {
        int axis = esp_network_find_axis(net, hidden[h]), size = net->axis[axis].size;
        for (int i = 256; i < size; i++) CU_ASSERT(ranking.order[axis][i] >= 256);
    }
    int latent = esp_network_find_axis(net, "latent");
    for (int k = 0; k < 10; k++) CU_ASSERT(ranking.score[latent][k] > ranking.score[latent][k + 20]);
    esp_ranking_free(&ranking);
    esp_images_free(&images);
    esp_network_free(net);
}

/* Bit by bit: centring would have rounded the biases. */
static void a_uniform_start_is_that_of_pytorch_and_nothing_is_centred(void)
{
    esp_images images = rectangles(IMAGES);
    esp_autoencoder_config config = esp_autoencoder_config_default();
    config.train.start = ESP_START_UNIFORM;
    config.train.seed = 7;
    esp_network *net = start_with(&images, config), *expected = esp_network_clone(net);
    esp_network_init_default(expected, 7);
    CU_ASSERT_EQUAL(memcmp(net->weights, expected->weights, net->num_weights * sizeof *net->weights), 0);
    esp_network_free(expected);
    esp_network_free(net);
    esp_images_free(&images);
}

static CU_TestInfo tests[] = {
    {"images_within_the_components_pass_unchanged", images_within_the_components_pass_unchanged},
    {"the_latent_holds_the_components_by_falling_variance", the_latent_holds_the_components_by_falling_variance},
    {"norms_tell_strong_components_and_faint_units", norms_tell_strong_components_and_faint_units},
    {"a_uniform_start_is_that_of_pytorch_and_nothing_is_centred",
     a_uniform_start_is_that_of_pytorch_and_nothing_is_centred},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("autoencoder_start", tests)
