/* state.safetensors: everything a run needs to go on bit for bit after a kill. The replay buffer
 * is kept as the actions of its episodes; playing them again restores frames and rewards. */
#include <stdlib.h>
#include <string.h>

#include "agent/trainer_internal.h"

enum { COUNTERS = 6 };

typedef struct {
    int64_t counter[COUNTERS];
    int64_t window[16];
} packed;

static int list_items(const esp_trainer *t, packed *p, esp_state_item *out)
{
    const esp_updater *u = t->updater;
    size_t weights = t->net->num_weights, L = (size_t)t->world->num_steps;
    size_t slots = (size_t)t->config.train.buffer * L;
    esp_state_item items[] = {
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
    int64_t counter[COUNTERS] = {t->update, esp_replay_added(t->replay), t->updater->model_adam.step,
                                 t->updater->policy_adam.step, esp_double_bits(t->best),
                                 esp_double_bits(esp_trainer_seconds(t))};
    memcpy(p->counter, counter, sizeof counter);
    for (int i = 0; i < ESP_TRAIN_WINDOW_FIELDS; i++) p->window[i] = esp_double_bits(window[i]);
}

static void unpack(esp_trainer *t, const packed *p)
{
    double *window = (double *)&t->window;
    t->update = p->counter[0];
    t->updater->model_adam.step = p->counter[2];
    t->updater->policy_adam.step = p->counter[3];
    t->best = esp_double_of(p->counter[4]);
    t->seconds = esp_double_of(p->counter[5]);
    for (int i = 0; i < ESP_TRAIN_WINDOW_FIELDS; i++) window[i] = esp_double_of(p->window[i]);
}

esp_status esp_trainer_save(const esp_trainer *trainer)
{
    packed p = {0};
    esp_state_item items[ESP_MAX_STATE_ITEMS];
    pack(trainer, &p);
    int count = list_items(trainer, &p, items);
    char *path = esp_run_state_path(trainer->run_dir);
    esp_status status = esp_state_write(path, items, count);
    free(path);
    return status;
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

esp_status esp_trainer_restore(esp_trainer *trainer)
{
    packed p = {0};
    esp_state_item items[ESP_MAX_STATE_ITEMS];
    int count = list_items(trainer, &p, items);
    char *path = esp_run_state_path(trainer->run_dir);
    esp_status status = esp_state_read(path, items, count);
    if (status == ESP_OK) status = check_counters(path, trainer, &p);
    if (status == ESP_OK) {
        unpack(trainer, &p);
        status = esp_trainer_rebuild(trainer, p.counter[1]);
    }
    free(path);
    return status;
}
