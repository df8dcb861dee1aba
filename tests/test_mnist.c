/* The images of the MNIST database are read unchanged, from both kinds of file. */
#include <zlib.h>

#include "tests/idx_files.h"
#include "tests/mnist.h"

/* Of the unpacked files, whose published MD5 sums are 6bbc9ace898e44ae57da46a324031adb and
 * 2646ac647ad5339dbf082846283269ea: CRC-32 and sum of all pixels, sum of the first image, computed with Python's
 * zlib. */
static const struct {
    bool     train;
    int      count;
    uint32_t crc;
    uint64_t sum;
    uint32_t first;
} sets[] = {{true, 60000, 0xf3639b56, 1567298545, 27525}, {false, 10000, 0xe4ca5f57, 264923200, 18454}};

static uint64_t sum_of(const uint8_t *pixels, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += pixels[i];
    return sum;
}

static void both_sets_have_their_published_content(void)
{
    for (int s = 0; s < 2; s++) {
        esp_images images = {0};
        CHECK_OK(esp_images_load(mnist_folder(), sets[s].train, &images));
        CU_ASSERT_EQUAL_FATAL(images.count, sets[s].count);
        size_t size = (size_t)images.count * ESP_IMAGE_PIXELS;
        CU_ASSERT_EQUAL(crc32(0, images.pixels, (uInt)size), sets[s].crc);
        CU_ASSERT_EQUAL(sum_of(images.pixels, size), sets[s].sum);
        CU_ASSERT_EQUAL(sum_of(images.pixels, ESP_IMAGE_PIXELS), sets[s].first);
        CU_ASSERT(!images.generated);
        esp_images_free(&images);
    }
}

/* The other kind of file is made from the one that was read. */
static void gzipped_test_images_equal_plain_ones(void)
{
    esp_images images = {0}, again = {0};
    CHECK_OK(esp_images_load(mnist_folder(), false, &images));
    idx_bytes file = idx_make(images.count, 0);
    memcpy(file.data + IDX_HEADER, images.pixels, file.size - IDX_HEADER);
    idx_write("t10k-images-idx3-ubyte", file.data, file.size);
    CHECK_OK(esp_images_load(idx_folder, false, &again));
    CU_ASSERT(idx_holds(&again, &file));
    esp_images_free(&images);
    esp_images_free(&again);
    free(file.data);
}

static void labels_are_not_images(void)
{
    esp_images images;
    char *path = esp_path_join(mnist_folder(), "train-labels-idx1-ubyte.gz");
    if (access(path, F_OK) == 0) CHECK_FAILS(ESP_ERR_FORMAT, esp_idx_read(path, &images), "holds labels, not images");
    free(path);
}

static CU_TestInfo tests[] = {
    {"both sets have their published content", both_sets_have_their_published_content},
    {"gzipped test images equal plain ones", gzipped_test_images_equal_plain_ones},
    {"labels are not images", labels_are_not_images},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("mnist", tests)
