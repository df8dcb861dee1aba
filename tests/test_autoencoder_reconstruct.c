/* Reconstruction errors against a plain loop over the images. */
#include <omp.h>

#include "plain_network.h"
#include "small_autoencoder.h"

enum { IMAGES = 255, CHECKED = 5 }; /* a block and a few more */

static esp_network *test_network(void)
{
    return small_autoencoder(ESP_IMAGE_PIXELS, 20, 6, 1);
}

static double *plain_weights(const esp_network *net)
{
    double *weights = esp_alloc(net->num_weights, sizeof *weights);
    for (size_t i = 0; i < net->num_weights; i++) weights[i] = net->weights[i];
    return weights;
}

/* Reconstruction [784] of one image; the caller frees it. */
static double *plain_reconstruction(const esp_network *net, const double *weights, const uint8_t *image)
{
    double x[ESP_IMAGE_PIXELS];
    for (int p = 0; p < ESP_IMAGE_PIXELS; p++) x[p] = image[p] / 255.0;
    double *latent = plain_forward(net, 0, weights, x, 1, false);
    double *y = plain_forward(net, 1, weights, latent, 1, false);
    free(latent);
    return y;
}

static void errors_are_those_of_a_plain_loop(void)
{
    esp_network *net = test_network();
    esp_images images = rectangles(IMAGES);
    esp_reconstruction result;
    double mse[IMAGES], *weights = plain_weights(net);
    CHECK_OK(esp_reconstruct(net, &images, mse, &result));
    for (int i = IMAGES - CHECKED; i < IMAGES; i++) {
        const uint8_t *image = images.pixels + (size_t)i * ESP_IMAGE_PIXELS;
        double *y = plain_reconstruction(net, weights, image), expected = 0.0;
        for (int p = 0; p < ESP_IMAGE_PIXELS; p++)
            expected += (y[p] - image[p] / 255.0) * (y[p] - image[p] / 255.0) / ESP_IMAGE_PIXELS;
        CU_ASSERT_DOUBLE_EQUAL(mse[i], expected, 1e-6); /* float32 */
        free(y);
    }
    free(weights);
    esp_images_free(&images);
    esp_network_free(net);
}

/* Jensen: the mean of the logarithms is never below the logarithm of the mean. */
static void both_psnrs_follow_from_the_errors_of_the_images(void)
{
    esp_network *net = test_network();
    esp_images images = rectangles(IMAGES);
    esp_reconstruction result;
    double mse[IMAGES], sum = 0.0, psnr = 0.0;
    CHECK_OK(esp_reconstruct(net, &images, mse, &result));
    for (int i = 0; i < IMAGES; i++) {
        sum += mse[i];
        psnr -= 10.0 * log10(mse[i]);
    }
    CU_ASSERT_EQUAL(result.images, IMAGES);
    CU_ASSERT_DOUBLE_EQUAL(result.mse, sum / IMAGES, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(result.psnr_of_mean_mse_db, -10.0 * log10(sum / IMAGES), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(result.mean_psnr_db, psnr / IMAGES, 1e-9);
    CU_ASSERT(result.mean_psnr_db >= result.psnr_of_mean_mse_db);
    esp_images_free(&images);
    esp_network_free(net);
}

static void result_is_bit_identical_for_any_number_of_threads(void)
{
    esp_network *net = test_network();
    esp_images images = rectangles(IMAGES);
    esp_reconstruction one, three;
    omp_set_num_threads(1);
    CHECK_OK(esp_reconstruct(net, &images, NULL, &one));
    omp_set_num_threads(3);
    CHECK_OK(esp_reconstruct(net, &images, NULL, &three));
    omp_set_num_threads(omp_get_num_procs());
    CU_ASSERT_EQUAL(one.mse, three.mse);
    CU_ASSERT_EQUAL(one.mean_psnr_db, three.mean_psnr_db);
    esp_images_free(&images);
    esp_network_free(net);
}

static void pictures_are_the_rounded_reconstructions(void)
{
    esp_network *net = test_network();
    esp_images images = rectangles(IMAGES);
    uint8_t *pixels = esp_alloc((size_t)CHECKED * ESP_IMAGE_PIXELS, 1);
    double *weights = plain_weights(net);
    esp_reconstruct_pixels(net, &images, 3, CHECKED, pixels);
    for (int i = 0; i < CHECKED; i++) {
        double *y = plain_reconstruction(net, weights, images.pixels + (size_t)(3 + i) * ESP_IMAGE_PIXELS);
        for (int p = 0; p < ESP_IMAGE_PIXELS; p++) /* half a grey level, and float32 */
            CU_ASSERT(fabs(255.0 * y[p] - pixels[i * ESP_IMAGE_PIXELS + p]) <= 0.501);
        free(y);
    }
    free(weights);
    free(pixels);
    esp_images_free(&images);
    esp_network_free(net);
}

static void weights_that_overflow_are_reported(void)
{
    esp_network *net = test_network();
    esp_images images = rectangles(4);
    esp_reconstruction result;
    for (size_t i = 0; i < net->tensor[0].count; i++) net->weights[i] = 3e38f; /* infinite in any order of sums */
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_reconstruct(net, &images, NULL, &result), "not finite");
    esp_images_free(&images);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"errors_are_those_of_a_plain_loop", errors_are_those_of_a_plain_loop},
    {"both_psnrs_follow_from_the_errors_of_the_images", both_psnrs_follow_from_the_errors_of_the_images},
    {"result_is_bit_identical_for_any_number_of_threads", result_is_bit_identical_for_any_number_of_threads},
    {"pictures_are_the_rounded_reconstructions", pictures_are_the_rounded_reconstructions},
    {"weights_that_overflow_are_reported", weights_that_overflow_are_reported},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("autoencoder_reconstruct", tests)
