/* Images come from the right file of a folder, or from the generator, and say which. */
#include <sys/stat.h>

#include "tests/idx_files.h"

static const char *const names[] = {"train-images-idx3-ubyte", "train-images.idx3-ubyte",
                                    "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte.gz"};
enum { NAMES = sizeof names / sizeof *names };

static void make_folder(const char *name, char path[512])
{
    snprintf(path, 512, "%s/%s", idx_folder, name);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0777), 0);
}

/* A file of `count` images, gzipped if its name says so. */
static void put_images(const char *name, int count)
{
    idx_bytes file = idx_make(count, 0), packed = idx_gzip(file.data, file.size);
    const idx_bytes *content = strstr(name, ".gz") ? &packed : &file;
    idx_write(name, content->data, content->size);
    free(packed.data);
    free(file.data);
}

static int images_in(const char *folder, bool train)
{
    esp_images images = {0};
    CHECK_OK(esp_images_load(folder, train, &images));
    int count = images.count;
    CU_ASSERT(!images.generated);
    esp_images_free(&images);
    return count;
}

/* Files are added to the folder from the last name to the first. */
static void plain_files_go_before_gzipped_ones(void)
{
    char folder[512], name[64];
    make_folder("names", folder);
    for (int i = NAMES - 1; i >= 0; i--) {
        snprintf(name, sizeof name, "names/%s", names[i]);
        put_images(name, i + 1);
        CU_ASSERT_EQUAL(images_in(folder, true), i + 1);
    }
}

static void training_and_test_images_are_different_files(void)
{
    char folder[512];
    esp_images images;
    make_folder("both", folder);
    put_images("both/t10k-images-idx3-ubyte.gz", 3);
    CU_ASSERT_EQUAL(images_in(folder, false), 3);
    CHECK_FAILS(ESP_ERR_IO, esp_images_load(folder, true, &images), "neither train-images-idx3-ubyte nor");
    put_images("both/train-images-idx3-ubyte.gz", 5);
    CU_ASSERT_EQUAL(images_in(folder, true), 5);
    CU_ASSERT_EQUAL(images_in(folder, false), 3);
}

static void folder_with_the_name_of_a_file_is_skipped(void)
{
    char folder[512], inner[512];
    make_folder("archive", folder);
    make_folder("archive/train-images-idx3-ubyte", inner);
    put_images("archive/train-images-idx3-ubyte/train-images-idx3-ubyte", 1);
    put_images("archive/train-images.idx3-ubyte", 2);
    CU_ASSERT_EQUAL(images_in(folder, true), 2);
    CU_ASSERT_EQUAL(images_in(inner, true), 1);
}

static void missing_data_says_what_was_looked_for(void)
{
    char folder[512];
    esp_images images = {.count = -1};
    make_folder("empty", folder);
    CHECK_FAILS(ESP_ERR_IO, esp_images_load(folder, false, &images),
                "neither t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte.gz");
    CHECK_FAILS(ESP_ERR_IO, esp_images_load(folder, true, &images), "the four files of the MNIST database");
    CHECK_FAILS(ESP_ERR_IO, esp_images_load("/nonexistent", true, &images),
                "cannot open the data folder '/nonexistent': No such file or directory; expected");
    CHECK_FAILS(ESP_ERR_IO, esp_images_load("", true, &images), "cannot open the data folder ''");
    put_images("empty/some-file", 1);
    strcat(folder, "/some-file");
    CHECK_FAILS(ESP_ERR_IO, esp_images_load(folder, true, &images), "is a file; expected the folder");
    CU_ASSERT(images.count == -1 && images.pixels == NULL);
}

static void labels_under_the_name_of_images_are_refused(void)
{
    char folder[512];
    esp_images images;
    make_folder("labels", folder);
    uint8_t labels[8 + 2] = {0, 0, 8, 1, 0, 0, 0, 2, 5, 0};
    idx_write("labels/train-images-idx3-ubyte", labels, sizeof labels);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_images_load(folder, true, &images), "labels/train-images-idx3-ubyte: holds labels");
}

static void no_folder_means_the_same_generated_digits_each_time(void)
{
    for (int train = 0; train < 2; train++) {
        esp_images first = {0}, second = {0};
        CHECK_OK(esp_images_load(NULL, train, &first));
        CHECK_OK(esp_images_load(NULL, train, &second));
        CU_ASSERT(first.generated && second.generated);
        CU_ASSERT_EQUAL(first.count, train ? ESP_GENERATED_TRAIN : ESP_GENERATED_TEST);
        CU_ASSERT_EQUAL_FATAL(first.count, second.count);
        CU_ASSERT_EQUAL(memcmp(first.pixels, second.pixels, (size_t)first.count * ESP_IMAGE_PIXELS), 0);
        esp_images_free(&first);
        esp_images_free(&second);
    }
}

static void freeing_twice_or_nothing_is_allowed(void)
{
    esp_images images = {0};
    esp_images_free(&images);
    CHECK_OK(esp_images_load(NULL, false, &images));
    esp_images_free(&images);
    esp_images_free(&images);
    CU_ASSERT(images.count == 0 && images.pixels == NULL);
}

static CU_TestInfo tests[] = {
    {"plain files go before gzipped ones", plain_files_go_before_gzipped_ones},
    {"training and test images are different files", training_and_test_images_are_different_files},
    {"folder with the name of a file is skipped", folder_with_the_name_of_a_file_is_skipped},
    {"missing data says what was looked for", missing_data_says_what_was_looked_for},
    {"labels under the name of images are refused", labels_under_the_name_of_images_are_refused},
    {"no folder means the same generated digits each time", no_folder_means_the_same_generated_digits_each_time},
    {"freeing twice or nothing is allowed", freeing_twice_or_nothing_is_allowed},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("images", tests)
