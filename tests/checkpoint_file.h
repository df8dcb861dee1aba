/* A checkpoint in its own folder, written with the defects that a test asks for. */
#ifndef ESP_TESTS_CHECKPOINT_FILE_H
#define ESP_TESTS_CHECKPOINT_FILE_H

#include <unistd.h>

#include "nn/nn.h"

#include "check.h"

static char folder[] = "/tmp/espalier-checkpoint-XXXXXX";
static char path[sizeof folder + 32], config_path[sizeof folder + 32];

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/net.safetensors", folder);
    snprintf(config_path, sizeof config_path, "%s/config.json", folder);
}

__attribute__((destructor)) static void remove_folder(void)
{
    unlink(path);
    unlink(config_path);
    rmdir(folder);
}

static inline bool same_weights(const esp_network *a, const esp_network *b)
{
    return a->num_weights == b->num_weights && memcmp(a->weights, b->weights, a->num_weights * sizeof(float)) == 0;
}

/* Writes all tensors of `net` except `left_out`, with `text` as the configuration; NULL: none. */
static inline void write_tensors(const esp_network *net, const char *left_out, const char *text)
{
    esp_st_tensor entries[ESP_MAX_TENSORS], used[ESP_MAX_TENSORS];
    int count = esp_network_entries(net, "", entries), kept = 0;
    cJSON *metadata = cJSON_CreateObject();
    if (text) cJSON_AddStringToObject(metadata, "espalier", text);
    for (int i = 0; i < count; i++)
        if (!left_out || strcmp(entries[i].name, left_out) != 0) used[kept++] = entries[i];
    CHECK_OK(esp_safetensors_write(path, used, kept, text ? metadata : NULL));
    cJSON_Delete(metadata);
    esp_st_names_free(entries, count);
}

#endif
