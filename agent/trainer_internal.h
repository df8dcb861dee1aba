/* A training run, shared by the loop, the collection of episodes, and the files from which a killed
 * run resumes. */
#ifndef ESP_TRAINER_INTERNAL_H
#define ESP_TRAINER_INTERNAL_H

#include "agent/agent_internal.h"

/* Sums of the updates since the last line of metrics.jsonl. */
typedef struct {
    double updates, weighted_loss, consistency, reward, value, pi_loss, grad_norm, pre_tanh, seconds;
} esp_train_window;
#define ESP_TRAIN_WINDOW_FIELDS (int)(sizeof(esp_train_window) / sizeof(double))

typedef struct {
    esp_agent_config config;
    esp_run     *run;         /* owned */
    esp_world   *shaped_world, *world; /* the same task, rewarded by train.reward and by env.reward */
    esp_pool    *shaped_pool, *pool;
    esp_network *net;
    esp_network *average;     /* running mean of the weights; NULL when train.average is 0 */
    esp_updater *updater;
    esp_replay  *replay;
    float       *actions;     /* [buffer, L, A] actions of the episodes in the buffer, from which it can be rebuilt */
    int64_t      update;      /* updates done */
    double       best;        /* score of checkpoint.safetensors */
    double       seconds;     /* time spent by earlier processes of this run, s */
    double       started;     /* esp_clock at the start of this process */
    double       collected;   /* mean return of the last cycle */
    esp_train_window window;
} esp_trainer;

double esp_trainer_seconds(const esp_trainer *trainer);

/* collect.c: plays `count` new episodes and adds them to the buffer - sticky random actions before
 * the first update, the policy with noise afterwards. */
esp_status esp_trainer_collect(esp_trainer *trainer, int count);
/* Fills the buffer by playing the recorded actions of the last episodes up to number `last`, with
 * the reward of the present update; its priorities are kept. Physics and renderer are
 * deterministic, so only actions need to be stored. */
esp_status esp_trainer_rebuild(esp_trainer *trainer, int64_t last);

/* train_state.c: state.safetensors holds everything that is not in the other files. */
esp_status esp_trainer_save(const esp_trainer *trainer);
esp_status esp_trainer_restore(esp_trainer *trainer);

#endif
