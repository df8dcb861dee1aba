/* Shared by the files of application. */
#ifndef ESP_APPLICATION_INTERNAL_H
#define ESP_APPLICATION_INTERNAL_H

#include "agent/agent.h"
#include "autoencoder/autoencoder.h"
#include "application/application.h"

/* ---- application.c ---- */

bool esp_has_suffix(const char *path, const char *suffix); /* whether it ends with it; suffix NULL: no */

/* ---- options.c ---- */

/* ESP_ERR_USAGE naming a given option that the application does not have, or a value that it does not take; `path` is
 * the file that it was given for. Choices become indices into the words of this application. */
esp_status esp_judging_check(esp_judging *judging, const esp_application *application, const char *path);

/* ---- episodes.c ---- */

/* What is kept of an episode, in the order of esp_samples.trait. The steady-state error is last, because some tasks
 * have none. */
enum {
    ESP_TRAIT_RETURN, ESP_TRAIT_VARIATION, ESP_TRAIT_SATURATION, ESP_TRAIT_GOAL_TIME, ESP_TRAIT_STEADY_ERROR,
    ESP_AGENT_TRAITS
};

/* Traits and starts of a world's episodes, no samples yet: the configured start first, and with `every_start` the
 * task's others. */
esp_samples  esp_samples_of_world(const esp_world *world, bool every_start);
/* Names the episodes first .. first + count - 1 of every start, [starts, count] in new memory. */
esp_episode *esp_samples_episodes(const esp_world *world, const esp_samples *samples, uint64_t seed, int first,
                                  int count);
/* Keeps the traits of played episodes [starts, count]. */
void         esp_samples_keep(const esp_trajectory *trajectories, int count, esp_samples *out);
/* Figures of the first start on lines 3 to 8: returns, and what they hide. Gives the summary of the returns. */
esp_summary  esp_samples_figures(const esp_world *world, const esp_samples *samples, uint64_t seed,
                                 esp_figure_list *out);
/* Figures of the starts after the first: one line each. */
void         esp_samples_other_starts(const esp_samples *samples, uint64_t seed, int line, esp_figure_list *out);

/* Figures on line 9: how the episodes of one start ended, [count]. */
void         esp_endings_figures(const esp_world *world, const esp_trajectory *trajectories, int count,
                                 esp_figure_list *out);

/* ---- kept.c ---- */

/* Who plays, to find out which share of its return a network keeps; borrows everything. */
typedef struct {
    const esp_application *application; /* whose measure it is */
    esp_pool          *pool;       /* where they act */
    const esp_actors  *actors;     /* how they act */
    const esp_network *dense;      /* the network that others are compared with */
    uint64_t           seed;       /* seed of the episodes */
    int                per_start;  /* episodes of each start */
    double           **returns;    /* of the dense network, NULL before the first call; the caller frees *returns */
} esp_keeping;

/* The share of the dense network's mean return that `net` keeps; of several starts the least. */
esp_status   esp_keeping_share(const esp_keeping *keeping, const esp_network *net, double *share);

/* ---- timing.c ---- */

/* Work to be timed, such as one action. */
typedef void (*esp_timed_fn)(void *context);
/* Calls work(context[k]) for k = 0 .. n - 1 again and again, for half a second per context and at least 11 times after
 * a warm-up; out [n]. */
void esp_timing_take(int n, esp_timed_fn work, void *const *context, esp_timing *out);

/* ---- answering.c ---- */

/* Time that the first component of each network takes for one row x [inputs], one thread; out [n]. */
void       esp_time_answers(int n, const esp_network *const *nets, const float *x, esp_timing *out);
/* Measures a row of `bench`, if it is wanted: answers of the first component per second, one thread. */
esp_status esp_bench_answers(const esp_network *net, const char *name, const char *unit, esp_bench *out);

/* ---- subject.c ---- */

/* Corrects the status of a failure to read the checkpoint: a wrong key in the file is the file's fault, a wrong key
 * in the given configuration the user's. */
esp_status esp_subject_blame(const esp_subject *subject, esp_status status);

/* ---- deployment.c ---- */

/* A text that the deployment keeps, at most 2,047 bytes of it. */
const char *esp_deployment_keep(esp_deployment *deployment, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- deployment.c ---- */

/* The components that the subject's controller runs, one after another, into components [ESP_MAX_COMPONENTS].
 * ESP_ERR_USAGE when one does not read what the one before it writes. */
esp_status esp_subject_chain(const esp_subject *subject, int *count, int *components);

/* ---- agent_acting.c ---- */

extern const esp_acting esp_agent_acting; /* config of its roles: an esp_agent_config */

/* ---- training.c ---- */

/* The content of run.json: how a run was started; the caller deletes it. */
cJSON *esp_training_about(const esp_train_request *request);

/* ---- train_agent.c, train_autoencoder.c: rows of the applications ---- */

esp_status esp_train_agent(const esp_train_request *request, const cJSON *config, esp_figure_list *out);
esp_status esp_train_autoencoder(const esp_train_request *request, const cJSON *config, esp_figure_list *out);
/* The meaning of the lines in their metrics. */
extern const esp_learning esp_learning_agent, esp_learning_autoencoder;

/* ---- reconstruction figures of both training and evaluation, application_autoencoder.c ---- */

/* The name of the digits in JSON and tables: the folder, or that they are generated; and the inverse. */
const char *esp_digits_name(const char *folder);
const char *esp_digits_folder(const char *name); /* NULL: generated digits, or not a name */
/* Adds figures on two lines, beginning at `line`; of_error: the unit of the error. */
void esp_reconstruction_figures(const esp_reconstruction *r, int line, const char *of_error, esp_figure_list *out);

/* ---- bench.c: rows ---- */

/* One repeat; `prepare` (may be NULL) restores the start state outside the measured time. */
typedef struct {
    esp_status (*work)(void *context);
    void (*prepare)(void *context);
    void  *context;
    double flops;       /* FLOPs per repeat; 0: not counted */
    double per_second;  /* 0: the row is in milliseconds; otherwise a rate of so many things per repeat */
    const char *unit;   /* unit of the rate */
} esp_bench_path;

bool esp_bench_wanted(const esp_bench *bench, const char *name);
/* Measures a path with `threads` and appends its row, if the row is wanted. */
esp_status esp_bench_add(esp_bench *bench, const char *name, const char *size, int threads, const esp_bench_path *path);
/* Notes on the last row how it compares with another path, if that was measured. */
void       esp_bench_compare(esp_bench *bench, const char *name, int threads, const char *of_what);
esp_status esp_bench_finite(int count, const float *x); /* ESP_ERR_NUMERIC unless all are finite */
float     *esp_bench_floats(size_t count);              /* standard normal, always the same, in new memory */

/* ---- bench_agent.c ---- */

/* Measures the hot paths of an agent; without a network those of a full-size one with random weights. */
esp_status esp_bench_agent(esp_bench *bench, const esp_network *net, const esp_agent_config *config);
esp_status esp_bench_random_agent(esp_bench *bench);

#endif
