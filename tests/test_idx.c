/* Images arrive to the byte, plain and gzipped; every kind of bad file has its own message. */
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/idx_files.h"
#include "tests/sanitized.h"

static bool reads(const char *path, const idx_bytes *expected)
{
    esp_images images = {0};
    esp_status status = esp_idx_read(path, &images);
    if (status != ESP_OK) printf("\n    error text: %s ", esp_error_text());
    bool equal = status == ESP_OK && idx_holds(&images, expected) && !images.generated;
    esp_images_free(&images);
    return equal;
}

/* 3,000 images fill several blocks of the reader's memory and many of its input. */
static void images_arrive_to_the_byte_plain_and_gzipped(void)
{
    static const int counts[] = {1, 2, 3000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        idx_bytes file = idx_make(counts[i], i), packed = idx_gzip(file.data, file.size);
        CU_ASSERT(reads(idx_write("plain", file.data, file.size), &file));
        CU_ASSERT(reads(idx_write("packed.gz", packed.data, packed.size), &file));
        free(packed.data);
        free(file.data);
    }
}

static void gzip_is_known_by_its_content_not_its_name(void)
{
    idx_bytes file = idx_make(2, 0), packed = idx_gzip(file.data, file.size);
    CU_ASSERT(reads(idx_write("plain.gz", file.data, file.size), &file));
    CU_ASSERT(reads(idx_write("packed", packed.data, packed.size), &file));
    free(packed.data);
    free(file.data);
}

static idx_bytes join(idx_bytes a, idx_bytes b)
{
    idx_bytes both = {a.size + b.size, esp_alloc(a.size + b.size, 1)};
    memcpy(both.data, a.data, a.size);
    memcpy(both.data + a.size, b.data, b.size);
    free(a.data);
    free(b.data);
    return both;
}

static void gzip_members_in_a_row_are_one_file(void)
{
    idx_bytes file = idx_make(2, 0);
    idx_bytes packed = join(idx_gzip(file.data, 1000), idx_gzip(file.data + 1000, file.size - 1000));
    CU_ASSERT(reads(idx_write("packed.gz", packed.data, packed.size), &file));
    free(packed.data);
    free(file.data);
}

/* ---- bad input ---- */

/* Defects of a file with two images: a word of the header replaced, bytes cut off or appended. */
static const struct {
    const char *what;
    int         offset; /* offset of the word */
    uint32_t    word;
    int         surplus;
    const char *sentence;
} mistakes[] = {
    {"labels", 0, 0x0801, 0, "holds labels, not images"},
    {"signed bytes", 0, 0x0903, 0, "IDX type 0x09, expected 0x08"},
    {"floats", 0, 0x0d03, 0, "IDX type 0x0d, expected 0x08"},
    {"matrix", 0, 0x0802, 0, "has 2 dimensions, images have 3"},
    {"colour", 0, 0x0804, 0, "has 4 dimensions, images have 3"},
    {"little-endian", 0, 0x03080000, 0, "is not an IDX file (magic number 0x03080000, expected 0x00000803)"},
    {"picture", 0, 0x89504e47, 0, "is not an IDX file"},
    {"no images", 4, 0, 0, "counts 0 images, expected 1 to 1000000"},
    {"too many images", 4, 1000001, 0, "counts 1000001 images, expected 1 to 1000000"},
    {"most images", 4, 0xffffffff, 0, "counts 4294967295 images"},
    {"CIFAR", 8, 32, 0, "32 rows and 28 columns, expected 28 and 28"},
    {"narrow", 12, 0, 0, "28 rows and 0 columns"},
    {"product overflows", 8, 0x80000000, 0, "2147483648 rows"},
    {"one image more", 4, 3, 0, "ends after 1568 bytes of pixels, but its 3 images need 2352"},
    {"one image less", 4, 1, 0, "has bytes after its 1 images, which end at byte 800"},
    {"one byte short", 4, 2, -1, "ends after 1567 bytes of pixels, but its 2 images need 1568"},
    {"one byte long", 4, 2, 1, "has bytes after its 2 images, which end at byte 1584"},
    {"header alone", 4, 2, -1568, "ends after 0 bytes of pixels"},
    {"half a header", 4, 2, -1574, "ends after 10 bytes, but an IDX header of images has 16"},
    {"labels, short", 0, 0x0801, -1574, "holds labels, not images"},
    {"no magic", 0, 0x0803, -1581, "ends after 3 bytes"},
    {"empty", 0, 0x0803, -1584, "is empty"},
};

static void refuse(const char *name, const uint8_t *data, size_t size, const char *sentence)
{
    esp_images images = {.count = -1};
    const char *path = idx_write(name, data, size);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_idx_read(path, &images), sentence);
    CU_ASSERT(strstr(esp_error_text(), path) != NULL);
    CU_ASSERT(images.count == -1 && images.pixels == NULL);
}

static void every_defect_has_its_own_message_plain_and_gzipped(void)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        idx_bytes file = join(idx_make(2, 0), (idx_bytes){1, esp_alloc(1, 1)});
        size_t size = file.size - 1 + (size_t)(ptrdiff_t)mistakes[i].surplus;
        idx_put(file.data + mistakes[i].offset, mistakes[i].word);
        idx_bytes packed = idx_gzip(file.data, size);
        refuse(mistakes[i].what, file.data, size, mistakes[i].sentence);
        refuse(mistakes[i].what, packed.data, packed.size, mistakes[i].sentence);
        free(packed.data);
        free(file.data);
    }
}

static void damaged_gzip_data_is_refused(void)
{
    idx_bytes file = idx_make(2, 0), packed = idx_gzip(file.data, file.size);
    refuse("truncated", packed.data, packed.size - 1, "gzip data ends too early");
    packed.data[packed.size - 8] ^= 1; /* first the checksum, then the length */
    refuse("checksum", packed.data, packed.size, "gzip data is corrupt (incorrect data check)");
    packed.data[packed.size - 8] ^= 1;
    packed.data[packed.size - 1] ^= 1;
    refuse("length", packed.data, packed.size, "gzip data is corrupt (incorrect length check)");
    packed.data[packed.size - 1] ^= 1;
    packed.data[2] = 7;
    refuse("method", packed.data, packed.size, "gzip data is corrupt (unknown compression method)");
    packed.data[2] = Z_DEFLATED;
    packed = join(packed, idx_make(1, 0));
    refuse("trailing", packed.data, packed.size, "has bytes after its gzip data");
    free(packed.data);
    free(file.data);
}

/* A byte changed in the middle of gzip data alters what it unpacks to, and usually how much of it; it may even hit
 * the header of the images. The message must speak of damage, not of a wrong count. */
static void damaged_byte_inside_gzip_data_is_called_damage(void)
{
    idx_bytes file = idx_make(3, 0), packed = idx_gzip(file.data, file.size);
    for (size_t i = 10; i < packed.size - 8; i++) { /* between the header and the checksum */
        packed.data[i] ^= 0x55;
        refuse("inside", packed.data, packed.size, "its gzip data ");
        packed.data[i] ^= 0x55;
    }
    free(packed.data);
    free(file.data);
}

/* Kilobytes by which refusing the file raised the peak memory of this process. */
static long memory_to_refuse(const char *name, const uint8_t *data, size_t size, const char *sentence)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    refuse(name, data, size, sentence);
    getrusage(RUSAGE_SELF, &after);
    return after.ru_maxrss - before.ru_maxrss;
}

static void header_that_promises_much_costs_only_what_the_file_holds(void)
{
    idx_bytes file = idx_make(2, 0);
    idx_put(file.data + 4, ESP_IDX_MAX_IMAGES);
    idx_bytes packed = idx_gzip(file.data, file.size);
    CU_ASSERT(memory_to_refuse("lie", file.data, file.size, "its 1000000 images need 784000000") < 16 * 1024);
    CU_ASSERT(memory_to_refuse("lie.gz", packed.data, packed.size, "its 1000000 images need 784000000") < 16 * 1024);
    free(packed.data);
    free(file.data);
}

/* Sanitizers keep freed memory, including every block that was outgrown. */
enum { BOMB_KILOBYTES = (SANITIZED ? 4 : 1) * 70 * 1024 };

/* 80,000 of 1,000,000 promised images are 63 MB, 0.1 MB of gzip data. */
static void gzip_bomb_costs_only_what_it_unpacks_to(void)
{
    idx_bytes file = idx_make(80000, 0);
    memset(file.data + IDX_HEADER, 0, file.size - IDX_HEADER);
    idx_put(file.data + 4, ESP_IDX_MAX_IMAGES);
    idx_bytes packed = idx_gzip(file.data, file.size);
    free(file.data);
    void *reserve = esp_alloc(80 << 20, 1); /* so that memory freed earlier is not counted */
    CU_ASSERT(memory_to_refuse("bomb.gz", packed.data, packed.size, "ends after 62720000 bytes") < BOMB_KILOBYTES);
    free(reserve);
    free(packed.data);
}

/* Valid in the format but above this reader's limit: 3,000,000 images are 2.4 GB, however small the file. */
static void more_images_than_the_limit_are_refused_before_they_are_read(void)
{
    idx_bytes file = idx_make(20000, 0);
    memset(file.data + IDX_HEADER, 0, file.size - IDX_HEADER);
    idx_put(file.data + 4, 3000000);
    idx_bytes packed = idx_gzip(file.data, file.size);
    CU_ASSERT(memory_to_refuse("many.gz", packed.data, packed.size, "counts 3000000 images, expected 1 to 1000000") <
              1024);
    free(packed.data);
    free(file.data);
}

static void anything_but_a_file_is_an_io_error(void)
{
    esp_images images;
    char path[512];
    CHECK_FAILS(ESP_ERR_IO, esp_idx_read("/nonexistent/images", &images), "cannot open '/nonexistent/images'");
    CHECK_FAILS(ESP_ERR_IO, esp_idx_read(idx_folder, &images), "is not a regular file");
    snprintf(path, sizeof path, "%s/pipe", idx_folder);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    CHECK_FAILS(ESP_ERR_IO, esp_idx_read(path, &images), "is not a regular file");
}

/* ---- damage of every kind ---- */

static void every_shorter_file_is_refused(void)
{
    idx_bytes file = idx_make(1, 0), packed = idx_gzip(file.data, file.size);
    for (size_t size = 0; size < file.size; size++) refuse("cut", file.data, size, "");
    for (size_t size = 0; size < packed.size; size++) refuse("cut", packed.data, size, "");
    free(packed.data);
    free(file.data);
}

static void every_flipped_bit_of_a_header_is_refused(void)
{
    idx_bytes file = idx_make(1, 0);
    for (int bit = 0; bit < 8 * IDX_HEADER; bit++) {
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refuse("flipped", file.data, file.size, "");
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(file.data);
}

/* Refused, or the right images: a flipped bit in the time stamp does no harm. */
static bool is_safe(const idx_bytes *damaged, const idx_bytes *original)
{
    esp_images images = {0};
    esp_status status = esp_idx_read(idx_write("damaged", damaged->data, damaged->size), &images);
    bool safe = status == ESP_OK ? idx_holds(&images, original) : status == ESP_ERR_FORMAT && !images.pixels;
    esp_images_free(&images);
    return safe;
}

static void no_flipped_bit_of_a_gzipped_file_changes_an_image(void)
{
    idx_bytes file = idx_make(1, 0), packed = idx_gzip(file.data, file.size);
    for (size_t bit = 0; bit < 8 * packed.size; bit++) {
        packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CU_ASSERT(is_safe(&packed, &file));
        packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(packed.data);
    free(file.data);
}

static void random_damage_is_noticed_and_never_crashes(void)
{
    for (uint64_t round = 0; round < 500; round++) {
        esp_rng rng = esp_rng_make(2, ESP_RNG_TEST, round);
        idx_bytes file = idx_make(2, round), packed = idx_gzip(file.data, file.size);
        for (uint32_t i = 0, flips = 1 + esp_rng_below(&rng, 20); i < flips; i++)
            packed.data[esp_rng_below(&rng, (uint32_t)packed.size)] ^= (uint8_t)(1 << esp_rng_below(&rng, 8));
        if (round % 2) packed.size = esp_rng_below(&rng, (uint32_t)packed.size);
        CU_ASSERT(is_safe(&packed, &file));
        free(packed.data);
        free(file.data);
    }
}

static CU_TestInfo tests[] = {
    {"images arrive to the byte, plain and gzipped", images_arrive_to_the_byte_plain_and_gzipped},
    {"gzip is known by its content, not its name", gzip_is_known_by_its_content_not_its_name},
    {"gzip members in a row are one file", gzip_members_in_a_row_are_one_file},
    {"every defect has its own message, plain and gzipped", every_defect_has_its_own_message_plain_and_gzipped},
    {"damaged gzip data is refused", damaged_gzip_data_is_refused},
    {"damaged byte inside gzip data is called damage", damaged_byte_inside_gzip_data_is_called_damage},
    {"header that promises much costs only what the file holds",
     header_that_promises_much_costs_only_what_the_file_holds},
    {"gzip bomb costs only what it unpacks to", gzip_bomb_costs_only_what_it_unpacks_to},
    {"more images than the limit are refused before they are read",
     more_images_than_the_limit_are_refused_before_they_are_read},
    {"anything but a file is an I/O error", anything_but_a_file_is_an_io_error},
    {"every shorter file is refused", every_shorter_file_is_refused},
    {"every flipped bit of a header is refused", every_flipped_bit_of_a_header_is_refused},
    {"no flipped bit of a gzipped file changes an image", no_flipped_bit_of_a_gzipped_file_changes_an_image},
    {"random damage is noticed and never crashes", random_damage_is_noticed_and_never_crashes},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("idx", tests)
