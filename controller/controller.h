/* controller: a feed-forward network that turns a task's observation into its actions - how it acts, what is recorded
 * of it, and how a smaller network learns from it. */
#ifndef ESP_CONTROLLER_H
#define ESP_CONTROLLER_H

#include "closedloop/closedloop.h"

/* ---- policy.c: acting --------------------------------------------------------------------------------- */

/* ESP_OK when the one component of the network reads the numbers of the task's observation and writes its actions;
 * otherwise ESP_ERR_SHAPE with a sentence that says which item gives how many numbers. */
esp_status esp_policy_check(const esp_world *world, const esp_network *net);
/* How such networks act in the world, which is borrowed. */
esp_actors esp_policy_actors(const esp_world *world);

enum { ESP_POLICY_BLOCK = 5 }; /* episodes that each simulator of a pool must hold */

/* ---- record.c: what a network saw and did ----------------------------------------------------------------- */

/* Which episodes to record; borrows everything. */
typedef struct {
    const esp_network *net;       /* the network that acts */
    esp_pool          *pool;      /* where it acts */
    int                episodes;  /* number of episodes, >= 1; the task's starts take turns */
    double             noise;     /* largest deviation of the noise on the actions: every second episode of a start is
                                   * undisturbed, the others have more and more */
    uint64_t           first, seed; /* number of the first episode, and seed of all */
    const char        *task;      /* label of a progress bar; NULL: none */
} esp_policy_recording;

/* Observations, and what a network makes of them. */
typedef struct {
    int    count;     /* rows */
    float *x, *y;     /* [count, inputs], [count, outputs], owned */
} esp_policy_rows;

/* Every control step of the episodes, in order. y are the outputs of the network before clipping and noise. The caller
 * frees *out. */
esp_status esp_policy_record(const esp_policy_recording *recording, esp_policy_rows *out);
/* Replaces y by the outputs of another network with the same inputs and outputs; on all threads. */
void       esp_policy_label(const esp_network *net, esp_policy_rows *rows);
void       esp_policy_rows_free(esp_policy_rows *rows); /* leaves them empty */

/* ---- imitate.c: gradient steps ------------------------------------------------------------------------------- */

/* What a smaller network learns from; borrows everything. */
typedef struct {
    const esp_network     *dense;    /* the network to imitate */
    const esp_policy_rows *recorded; /* its own episodes */
    esp_pool              *pool;     /* where the smaller one plays */
    uint64_t               seed;     /* seed of batches and episodes */
    int                    steps;    /* gradient steps */
    double                 max_variation; /* weights whose actions vary more than this many times as much as the dense
                                           * network's are chosen last; 0: no bound */
} esp_policy_lesson;

/* Trains `net` to give the actions of the dense network, in the recorded episodes and in those that it plays itself,
 * which the dense one labels. Outputs that are clipped alike count as equal. Of the weights on the way those with the
 * highest mean return are the result, by episodes that no search and no report plays. On failure the weights are
 * unchanged. Bit-identical for any number of threads. */
esp_status esp_policy_imitate(esp_network *net, const esp_policy_lesson *lesson);

#endif
