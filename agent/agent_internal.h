/* Shared by training, recording and finetuning. */
#ifndef ESP_AGENT_INTERNAL_H
#define ESP_AGENT_INTERNAL_H

#include "agent/agent.h"

/* ---- config.c: checks that only learning needs ---- */

/* ESP_ERR_RANGE unless an episode is longer than train.horizon. The configuration is settled. */
esp_status esp_agent_config_check_unroll(const esp_agent_config *config);
/* ESP_ERR_USAGE when the task can end episodes early: replay and recordings hold episodes of one length. */
esp_status esp_agent_check_task(const esp_task *task);

/* ---- record.c ---- */

/* Memory for `episodes` episodes, and trajectories [episodes] that write into it (owned by the caller). */
void            esp_recording_create(const esp_env_config *env, int num_actions, int episodes, esp_recording *out);
esp_trajectory *esp_recording_trajectories(const esp_recording *recording);

/* The observation [stack, frame] at a step: its newest frame and those before it; before the start the first frame is
 * repeated. */
void            esp_recording_obs(const esp_recording *recording, int episode, int step, uint8_t *obs);

/* ---- draw.c: batches for the updater ---- */

/* Memory for one batch, and the replay slots that it was drawn from, which receive its new priorities. */
typedef struct {
    esp_batch batch;         /* borrows the arrays below */
    size_t   *slots;         /* [B] */
    uint8_t  *obs, *next_obs, *shifted;
    float    *actions, *rewards, *weights, *td_noise, *pi_noise;
    int       num_actions;
    int       pad, size, stack; /* of the random shift: range in pixels, image side, frames */
    size_t    image;            /* pixels in a stack */
} esp_draw;

/* Batches of train.batch samples of train.horizon steps, shifted by train.augment pixels. */
esp_draw *esp_draw_create(const esp_agent_config *config, int num_actions);
void      esp_draw_free(esp_draw *draw); /* accepts NULL */
/* Draws batch number `update`; this number and the seed determine everything random about it. */
void      esp_draw_batch(esp_draw *draw, const esp_replay *replay, uint64_t seed, int64_t update);

/* ---- targets.c ---- */

/* [episodes, num_steps] scaled reward + discount * the dense agent's value of the state after the step; the caller
 * frees it. */
float *esp_dense_targets(const esp_network *dense, const esp_agent_config *config, const esp_recording *recording);

/* ---- imitate.c ---- */

/* Trains encoder and policy alone; borrows the network, owns both Adam optimisers and the workspace. */
typedef struct esp_imitator esp_imitator;

esp_imitator *esp_imitator_create(esp_network *net, int batch);
void          esp_imitator_free(esp_imitator *imitator); /* accepts NULL */
/* One step towards the actions intended [batch, A] at obs [batch, C, H, W]; *loss is the mean squared difference
 * before the step. ESP_ERR_NUMERIC when it is not finite. */
esp_status    esp_imitator_step(esp_imitator *imitator, const uint8_t *obs, const float *intended,
                                double learning_rate, double *loss);

/* ---- distil.c ---- */

/* Finetuning of a policy, as esp_agent_finetune; the arguments fit each other. */
esp_status esp_distil(esp_network *net, const esp_agent_config *config, const esp_network *dense,
                      const esp_recording *recording, const esp_finetune_config *settings);

#endif
