/* Generated digits depend on their index alone, have the layout and ink of MNIST's, and can be told apart. */
#include <omp.h>

#include "autoencoder/autoencoder.h"
#include "tests/check.h"

enum { ALL = ESP_GENERATED_TRAIN + ESP_GENERATED_TEST };

static uint8_t *drawn(int first, int count)
{
    uint8_t *pixels = esp_alloc((size_t)count, ESP_IMAGE_PIXELS);
    esp_digits_draw(first, count, pixels);
    return pixels;
}

static const uint8_t *image_of(const uint8_t *pixels, int i)
{
    return pixels + (size_t)i * ESP_IMAGE_PIXELS;
}

static void image_depends_on_its_index_alone(void)
{
    uint8_t *all = drawn(0, 200), *some = drawn(77, 23);
    CU_ASSERT_EQUAL(memcmp(some, image_of(all, 77), 23 * ESP_IMAGE_PIXELS), 0);
    free(all);
    free(some);
}

static void number_of_threads_changes_no_pixel(void)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    uint8_t *one = drawn(0, 500);
    omp_set_num_threads(3);
    uint8_t *three = drawn(0, 500);
    omp_set_num_threads(before);
    CU_ASSERT_EQUAL(memcmp(one, three, 500 * ESP_IMAGE_PIXELS), 0);
    free(one);
    free(three);
}

static int compare_images(const void *a, const void *b)
{
    return memcmp(a, b, ESP_IMAGE_PIXELS);
}

static void no_two_training_or_test_images_are_equal(void)
{
    uint8_t *all = drawn(0, ALL);
    qsort(all, ALL, ESP_IMAGE_PIXELS, compare_images);
    int equal = 0;
    for (int i = 1; i < ALL; i++) equal += compare_images(image_of(all, i - 1), image_of(all, i)) == 0;
    CU_ASSERT_EQUAL(equal, 0);
    free(all);
}

/* ---- layout and ink ---- */

/* Extent in one direction: the first and the last line with ink, and the centre of mass. */
typedef struct {
    int    first, last;
    double centre;
} extent;

static extent extent_of(const uint8_t *image, int stride, int other)
{
    extent e = {ESP_IMAGE_SIDE, -1, 0};
    double mass = 0, moment = 0;
    for (int i = 0; i < ESP_IMAGE_SIDE; i++) {
        int line = 0;
        for (int k = 0; k < ESP_IMAGE_SIDE; k++) line += image[i * stride + k * other];
        if (line && e.first > i) e.first = i;
        if (line) e.last = i;
        mass += line;
        moment += line * (i + 0.5);
    }
    e.centre = moment / mass;
    return e;
}

/* The box moves by whole pixels and stays in the image; 0.01 allows for gray levels rounded to integers. */
static bool is_central(extent e)
{
    return fabs(e.centre - 0.5 * ESP_IMAGE_SIDE) < 0.51 || e.first == 0 || e.last == ESP_IMAGE_SIDE - 1;
}

static void ink_fills_twenty_pixels_and_is_centred_by_its_mass(void)
{
    int bad = 0;
    uint8_t *all = drawn(0, ALL);
    for (int i = 0; i < ALL; i++) {
        extent x = extent_of(image_of(all, i), 1, ESP_IMAGE_SIDE), y = extent_of(image_of(all, i), ESP_IMAGE_SIDE, 1);
        int width = x.last - x.first + 1, height = y.last - y.first + 1;
        bool fits = width <= 20 && height <= 20 && (width >= 18 || height >= 18);
        bad += !(fits && is_central(x) && is_central(y));
    }
    CU_ASSERT_EQUAL(bad, 0);
    free(all);
}

/* MNIST's 60,000 training images have 33.3, 78.6, 11.0; pixels of at least 1, 128 and 253: 19.1 %, 13.2 % and 5.6
 * %. */
static void ink_is_as_much_and_as_dark_as_in_mnist(void)
{
    uint8_t *all = drawn(0, ALL);
    double n = (double)ALL * ESP_IMAGE_PIXELS, mean = 0, square = 0, ink = 0, dark = 0, full = 0, image_square = 0;
    for (int i = 0; i < ALL; i++) {
        double image_mean = 0;
        for (int p = 0; p < ESP_IMAGE_PIXELS; p++) {
            int v = image_of(all, i)[p];
            image_mean += (double)v / ESP_IMAGE_PIXELS;
            square += v * v / n;
            ink += (v >= 1) / n;
            dark += (v >= 128) / n;
            full += (v >= 253) / n;
        }
        mean += image_mean / ALL;
        image_square += image_mean * image_mean / ALL;
    }
    CU_ASSERT_DOUBLE_EQUAL(mean, 33.3, 3.3);
    CU_ASSERT_DOUBLE_EQUAL(sqrt(square - mean * mean), 78.6, 7.9);
    CU_ASSERT_DOUBLE_EQUAL(sqrt(image_square - mean * mean), 11.0, 1.1);
    CU_ASSERT_DOUBLE_EQUAL(ink, 0.191, 0.019);
    CU_ASSERT_DOUBLE_EQUAL(dark, 0.132, 0.013);
    CU_ASSERT_DOUBLE_EQUAL(full, 0.056, 0.006);
    free(all);
}

/* ---- digits ---- */

enum { DIGITS = 10 };

static void add_to_means(const uint8_t *pixels, int count, double mean[DIGITS][ESP_IMAGE_PIXELS])
{
    for (int i = 0; i < count; i++)
        for (int p = 0; p < ESP_IMAGE_PIXELS; p++)
            mean[i % DIGITS][p] += (double)image_of(pixels, i)[p] * DIGITS / count;
}

static int nearest_mean(const uint8_t *image, double mean[DIGITS][ESP_IMAGE_PIXELS])
{
    int nearest = 0;
    double least = INFINITY;
    for (int d = 0; d < DIGITS; d++) {
        double distance = 0;
        for (int p = 0; p < ESP_IMAGE_PIXELS; p++) distance += pow(image[p] - mean[d][p], 2);
        if (distance < least) nearest = d;
        least = fmin(least, distance);
    }
    return nearest;
}

/* The nearest class mean is right on 82 % of MNIST's test images. */
static void image_i_shows_digit_i_mod_10_as_recognisably_as_mnist(void)
{
    static double mean[DIGITS][ESP_IMAGE_PIXELS];
    uint8_t *train = drawn(0, ESP_GENERATED_TRAIN), *test = drawn(ESP_GENERATED_TRAIN, ESP_GENERATED_TEST);
    add_to_means(train, ESP_GENERATED_TRAIN, mean);
    int right[DIGITS] = {0};
    for (int i = 0; i < ESP_GENERATED_TEST; i++)
        right[i % DIGITS] += nearest_mean(image_of(test, i), mean) == i % DIGITS;
    double all = 0;
    for (int d = 0; d < DIGITS; d++) {
        all += (double)right[d] / ESP_GENERATED_TEST;
        CU_ASSERT(right[d] > 0.5 * ESP_GENERATED_TEST / DIGITS);
    }
    CU_ASSERT_DOUBLE_EQUAL(all, 0.82, 0.05);
    free(train);
    free(test);
}

static CU_TestInfo tests[] = {
    {"image depends on its index alone", image_depends_on_its_index_alone},
    {"number of threads changes no pixel", number_of_threads_changes_no_pixel},
    {"no two training or test images are equal", no_two_training_or_test_images_are_equal},
    {"ink fills twenty pixels and is centred by its mass", ink_fills_twenty_pixels_and_is_centred_by_its_mass},
    {"ink is as much and as dark as in MNIST", ink_is_as_much_and_as_dark_as_in_mnist},
    {"image i shows digit i mod 10, as recognisably as MNIST",
     image_i_shows_digit_i_mod_10_as_recognisably_as_mnist},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("digits", tests)
