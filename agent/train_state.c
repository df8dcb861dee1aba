/* state.safetensors: everything a run needs to go on bit for bit after a kill. The replay buffer
 * is kept as the actions of its episodes; playing them again restores frames and rewards. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/trainer_internal.h"

enum { COUNTERS = 6 };

/* Doubles travel as the 64 bits they are: the file has no 64-bit floats. */
typedef union { double number; int64_t bits; } double_bits;

/* One tensor of the file and the memory behind it; the same table writes and reads. */
typedef struct {
    const char *name;
    esp_dtype   dtype;
    size_t      count;
    void       *data;
} item;

static size_t dtype_size(esp_dtype dtype)
{
    return dtype == ESP_I64 ? 8 : dtype == ESP_F32 ? 4 : 1;
}

typedef struct {
    int64_t counter[COUNTERS];
    int64_t window[16];
} packed;

/* 8-byte tensors first, so that all are aligned. */
static int list_items(const esp_trainer *t, packed *p, item *out)
{
    const esp_updater *u = t->updater;
    size_t weights = t->net->num_weights, L = (size_t)t->world->num_steps;
    size_t slots = (size_t)t->config.train.buffer * L;
    item items[] = {
        {"counters", ESP_I64, COUNTERS, p->counter},
        {"window", ESP_I64, (size_t)ESP_TRAIN_WINDOW_FIELDS, p->window},
        {"model", ESP_F32, weights, t->net->weights},
        {"target", ESP_F32, weights, u->target->weights},
        {"model_adam.m", ESP_F32, u->model_adam.count, u->model_adam.m},
        {"model_adam.v", ESP_F32, u->model_adam.count, u->model_adam.v},
        {"policy_adam.m", ESP_F32, u->policy_adam.count, u->policy_adam.m},
        {"policy_adam.v", ESP_F32, u->policy_adam.count, u->policy_adam.v},
        {"priorities", ESP_F32, slots, esp_replay_priorities(t->replay)},
        {"actions", ESP_F32, slots * t->world->num_actions, t->actions},
        {"average", ESP_F32, t->average ? weights : 0, t->average ? t->average->weights : NULL},
    };
    int count = sizeof items / sizeof *items - (t->average ? 0 : 1);
    memcpy(out, items, (size_t)count * sizeof *items);
    return count;
}

static void pack(const esp_trainer *t, packed *p)
{
    const double *window = (const double *)&t->window;
    double_bits best = {.number = t->best}, seconds = {.number = esp_trainer_seconds(t)};
    int64_t counter[COUNTERS] = {t->update, esp_replay_added(t->replay), t->updater->model_adam.step,
                                 t->updater->policy_adam.step, best.bits, seconds.bits};
    memcpy(p->counter, counter, sizeof counter);
    for (int i = 0; i < ESP_TRAIN_WINDOW_FIELDS; i++) p->window[i] = (double_bits){.number = window[i]}.bits;
}

static void unpack(esp_trainer *t, const packed *p)
{
    double *window = (double *)&t->window;
    t->update = p->counter[0];
    t->updater->model_adam.step = p->counter[2];
    t->updater->policy_adam.step = p->counter[3];
    t->best = (double_bits){.bits = p->counter[4]}.number;
    t->seconds = (double_bits){.bits = p->counter[5]}.number;
    for (int i = 0; i < ESP_TRAIN_WINDOW_FIELDS; i++) window[i] = (double_bits){.bits = p->window[i]}.number;
}

esp_status esp_trainer_save(const esp_trainer *trainer)
{
    packed p = {0};
    item items[16];
    esp_st_tensor tensors[16];
    pack(trainer, &p);
    int count = list_items(trainer, &p, items);
    for (int i = 0; i < count; i++)
        tensors[i] = (esp_st_tensor){.name = (char *)items[i].name, .dtype = items[i].dtype, .rank = 1,
                                     .shape = {(int64_t)items[i].count}, .count = items[i].count,
                                     .data = items[i].data};
    char *path = esp_path_join(trainer->run_dir, "state.safetensors");
    esp_status status = esp_safetensors_write(path, tensors, count, NULL);
    free(path);
    return status;
}

static esp_status check_item(const char *path, const item *wanted, const esp_st_tensor *found)
{
    if (!found) return esp_fail(ESP_ERR_FORMAT, "%s: tensor '%s' is missing", path, wanted->name);
    if (found->dtype != wanted->dtype || found->count != wanted->count)
        return esp_fail(ESP_ERR_SHAPE, "%s: tensor '%s' has %zu entries, this configuration needs %zu", path,
                        wanted->name, found->count, wanted->count);
    return ESP_OK;
}

/* Counters come from a file: they must be a state this configuration can be in. */
static esp_status check_counters(const char *path, const esp_trainer *t, const packed *p)
{
    int64_t episodes = p->counter[1];
    if (p->counter[0] < 0 || p->counter[0] > t->config.train.updates || episodes < t->config.train.seed_episodes ||
        episodes > INT64_MAX / 2 || p->counter[2] < 0 || p->counter[3] < 0)
        return esp_fail(ESP_ERR_RANGE, "%s: %lld updates and %lld episodes do not fit the configuration", path,
                        (long long)p->counter[0], (long long)episodes);
    return ESP_OK;
}

static esp_status read_items(esp_trainer *t, const char *path, packed *p, float **priorities)
{
    esp_safetensors *file = NULL;
    item items[16];
    int count = list_items(t, p, items);
    esp_status status = esp_safetensors_read(path, &file);
    for (int i = 0; i < count && status == ESP_OK; i++)
        status = check_item(path, &items[i], esp_safetensors_find(file, items[i].name));
    for (int i = 0; i < count && status == ESP_OK; i++)
        memcpy(items[i].data, esp_safetensors_find(file, items[i].name)->data,
               items[i].count * dtype_size(items[i].dtype));
    if (status == ESP_OK) {
        const esp_st_tensor *kept = esp_safetensors_find(file, "priorities");
        *priorities = esp_alloc(kept->count, sizeof(float));
        memcpy(*priorities, kept->data, kept->count * sizeof(float));
    }
    esp_safetensors_free(file);
    return status;
}

esp_status esp_trainer_restore(esp_trainer *trainer)
{
    packed p = {0};
    float *priorities = NULL;
    char *path = esp_path_join(trainer->run_dir, "state.safetensors");
    esp_status status = read_items(trainer, path, &p, &priorities);
    if (status == ESP_OK) status = check_counters(path, trainer, &p);
    if (status == ESP_OK) {
        unpack(trainer, &p);
        status = esp_trainer_rebuild(trainer, p.counter[1], priorities);
    }
    free(priorities);
    free(path);
    return status;
}

bool esp_trainer_has_state(const char *run_dir)
{
    char *path = esp_path_join(run_dir, "state.safetensors");
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}
