/* Where images come from: a folder with the files of the MNIST database, or the generator. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "autoencoder/autoencoder.h"

void esp_images_free(esp_images *images)
{
    free(images->pixels);
    *images = (esp_images){0};
}

static void generate(bool train, esp_images *out)
{
    int first = train ? 0 : ESP_GENERATED_TRAIN;
    out->count = train ? ESP_GENERATED_TRAIN : ESP_GENERATED_TEST;
    out->generated = true;
    out->pixels = esp_alloc((size_t)out->count, ESP_IMAGE_PIXELS);
    esp_digits_draw(first, out->count, out->pixels);
}

/* Some archives unpack each file into a folder of the same name, so only regular files count. */
static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* The first of four file names that exists, in new memory; NULL when none does. */
static char *find(const char *folder, const char *set)
{
    static const char *const endings[] = {"-idx3-ubyte", ".idx3-ubyte", "-idx3-ubyte.gz", ".idx3-ubyte.gz"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-images%s", set, endings[i]);
        char *path = esp_path_join(folder, name);
        if (is_file(path)) return path;
        free(path);
    }
    return NULL;
}

static esp_status not_found(const char *folder, const char *set)
{
    struct stat info;
    if (stat(folder, &info) != 0)
        return esp_fail(ESP_ERR_IO, "cannot open the data folder '%s': %s; expected one with the four files of the "
                        "MNIST database (train-images-idx3-ubyte and so on, plain or .gz)", folder, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return esp_fail(ESP_ERR_IO, "'%s' is a file; expected the folder that holds the four files of the MNIST "
                        "database", folder);
    return esp_fail(ESP_ERR_IO, "folder '%s' has neither %s-images-idx3-ubyte nor %s-images-idx3-ubyte.gz, which "
                    "are among the four files of the MNIST database", folder, set, set);
}

esp_status esp_images_load(const char *folder, bool train, esp_images *out)
{
    if (!folder) {
        generate(train, out);
        return ESP_OK;
    }
    const char *set = train ? "train" : "t10k";
    char *path = find(folder, set);
    esp_status status = path ? esp_idx_read(path, out) : not_found(folder, set);
    free(path);
    return status;
}

uint64_t esp_images_hash(const esp_images *images)
{
    uint64_t hash = ESP_HASH_START;
    for (size_t i = 0; i < (size_t)images->count * ESP_IMAGE_PIXELS; i++) hash = esp_hash_step(hash, images->pixels[i]);
    return hash;
}
