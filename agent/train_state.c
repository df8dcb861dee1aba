/* state.safetensors: everything a run needs to continue bit for bit after a kill. Of the replay
 * buffer only the actions of its episodes are kept; playing them again restores frames and rewards. */
#include <float.h>
#include <math.h>
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
    double most = ESP_WEIGHT_LIMIT, square = most * most;
    esp_state_item items[] = {
        {"counters", ESP_I64, COUNTERS, p->counter, 0, 0},
        {"window", ESP_I64, (size_t)ESP_TRAIN_WINDOW_FIELDS, p->window, 0, 0},
        {"model", ESP_F32, weights, t->net->weights, -most, most},
        {"target", ESP_F32, weights, u->target->weights, -most, most},
        {"model_adam.m", ESP_F32, u->model_adam.count, u->model_adam.m, -most, most},
        {"model_adam.v", ESP_F32, u->model_adam.count, u->model_adam.v, 0, square},
        {"policy_adam.m", ESP_F32, u->policy_adam.count, u->policy_adam.m, -most, most},
        {"policy_adam.v", ESP_F32, u->policy_adam.count, u->policy_adam.v, 0, square},
        {"priorities", ESP_F32, slots, esp_replay_priorities(t->replay), 0, most},
        {"actions", ESP_F32, slots * t->world->num_actions, t->actions, -1, 1},
        {"average", ESP_F32, t->average ? weights : 0, t->average ? t->average->weights : NULL, -most, most},
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

esp_status esp_trainer_save(const esp_trainer *trainer)
{
    packed p = {0};
    esp_state_item items[ESP_MAX_STATE_ITEMS];
    pack(trainer, &p);
    int count = list_items(trainer, &p, items);
    char *path = esp_run_state_path(trainer->run);
    esp_status status = esp_state_write(path, items, count);
    free(path);
    return status;
}

/* Number of episodes collected by the time `update` updates are done, following train_loop. */
static int64_t episodes_after(const esp_train_config *c, int64_t update)
{
    int64_t cycles = update > c->pretrain ? 1 + (update - 1 - c->pretrain) / c->cycle_updates : 0;
    return c->seed_episodes + cycles * c->cycle_episodes;
}

/* Counters come from a file, so they are checked: they must belong to a moment at which this
 * configuration saves its state. */
static esp_status check_counters(const char *path, const esp_trainer *t, const packed *p)
{
    const esp_train_config *c = &t->config.train;
    int64_t update = p->counter[0], episodes = p->counter[1];
    if (update < 1 || update > c->updates || (update % c->eval_every && update != c->updates))
        return esp_fail(ESP_ERR_RANGE, "%s: %lld updates are done, but this configuration saves its state every %d up "
                        "to %d", path, (long long)update, c->eval_every, c->updates);
    if (episodes != episodes_after(c, update))
        return esp_fail(ESP_ERR_RANGE, "%s: %lld episodes after %lld updates, but this configuration collects %lld",
                        path, (long long)episodes, (long long)update, (long long)episodes_after(c, update));
    for (int i = 2; i < 4; i++)
        if (p->counter[i] != update)
            return esp_fail(ESP_ERR_RANGE, "%s: Adam of the %s has made %lld steps in %lld updates", path,
                            i == 2 ? "model" : "policy", (long long)p->counter[i], (long long)update);
    return ESP_OK;
}

static esp_status unpack(const char *path, esp_trainer *t, const packed *p)
{
    double *window = (double *)&t->window;
    esp_status status = esp_state_double(path, "the best score", p->counter[4], -INFINITY, DBL_MAX, &t->best);
    if (status == ESP_OK)
        status = esp_state_double(path, "the time spent", p->counter[5], 0.0, DBL_MAX, &t->seconds);
    for (int i = 0; i < ESP_TRAIN_WINDOW_FIELDS && status == ESP_OK; i++)
        status = esp_state_double(path, "a sum for the next line of metrics", p->window[i], -DBL_MAX, DBL_MAX,
                                  &window[i]);
    t->update = p->counter[0];
    t->updater->model_adam.step = p->counter[2];
    t->updater->policy_adam.step = p->counter[3];
    return status;
}

esp_status esp_trainer_restore(esp_trainer *trainer)
{
    packed p = {0};
    esp_state_item items[ESP_MAX_STATE_ITEMS];
    int count = list_items(trainer, &p, items);
    char *path = esp_run_state_path(trainer->run);
    esp_status status = esp_state_read(path, items, count);
    if (status == ESP_OK) status = check_counters(path, trainer, &p);
    if (status == ESP_OK) status = unpack(path, trainer, &p);
    if (status == ESP_OK) status = esp_trainer_rebuild(trainer, p.counter[1]);
    free(path);
    return status;
}
