/* closedloop: networks that play episodes, whatever they look at and however they decide - many episodes on all
 * threads, the candidates of a search over the same episodes, and smaller networks that learn from the one they were
 * cut from. */
#ifndef ESP_CLOSEDLOOP_H
#define ESP_CLOSEDLOOP_H

#include "envs/envs.h"
#include "pruning/pruning.h"

/* ---- play.c: episodes on all threads ----------------------------------------------------------------- */

/* How networks of one kind act. Borrows its context. */
typedef struct {
    /* An actor that plays these n episodes in lockstep; borrows net and episodes. */
    void      *(*create)(const void *context, const esp_network *net, const esp_episode *episodes, int n);
    void       (*free)(void *actor); /* accepts NULL */
    esp_act_fn   act;                /* its context is the actor */
    const void  *context;            /* of `create` */
    int          block;              /* episodes per actor, at most what a simulator of the pool holds */
} esp_actors;

/* Which network plays which episodes. Borrows everything. */
typedef struct {
    const esp_actors  *actors;   /* how it acts */
    const esp_network *net;      /* the network that acts */
    const esp_episode *episodes; /* [count] the episodes to play */
    int                count;    /* >= 1 */
    const double      *noise;    /* [count] deviation of Gaussian noise on the actions; NULL: no noise */
    float             *intended; /* [count, steps, actions] actions before clipping and noise; NULL: not wanted */
    float             *observed; /* [count, steps, numbers] the observation behind them, as esp_observation_row gives
                                  * it; NULL: not wanted */
} esp_playing;

/* Plays all episodes on all threads, in blocks of fixed size that advance in lockstep. trajectories [count]. Progress
 * is reported under `task` when it is not NULL. Bit-identical for any number of threads. */
esp_status esp_play_episodes(esp_pool *pool, const esp_playing *playing, const char *task,
                             esp_trajectory *trajectories);
/* Names `count` search episodes of a seed, from number `first` of every start on: the `starts` starts of the task take
 * turns, so that every multiple of `starts` covers all of them equally. */
void esp_search_episodes(uint64_t seed, int starts, uint64_t first, int count, esp_episode *out);
/* Adds std times normal noise to actions [n, num_actions] and clamps them to the limits of their outputs, `limits`
 * [num_actions]; episode e draws from rng[e]. noise [num_actions] is scratch. */
void esp_explore(int n, int num_actions, const esp_actuation *limits, float std, esp_rng *rng, float *noise,
                 float *actions);

/* ---- judge.c: candidates of a search -------------------------------------------------------------------- */

enum { ESP_MOST_SCALES = 16 }; /* more than a search uses */

/* Total variation of the reference per episode, by number of episodes, so that it is measured once. */
typedef struct {
    int    known;                     /* entries */
    int    count[ESP_MOST_SCALES];    /* [known] episodes */
    double variation[ESP_MOST_SCALES]; /* [known] mean over them */
} esp_closed_loop_memory;

/* The closed-loop objective of a search: mean return over the first scale * count search episodes; candidates are
 * evaluated in parallel. */
typedef struct {
    const esp_surgeon *surgeon;  /* surgeon of the dense network */
    const esp_actors  *actors;   /* how networks act */
    uint64_t           seed;     /* seed that names the episodes */
    int                count;    /* episodes at scale 1 */
    esp_pool          *pool;     /* its simulators hold actors->block episodes */
    /* Bound of the total variation of the actions, as a multiple of that of `reference` on the same episodes; 0: none.
     * A candidate beyond it counts as if it returned as much less: 10 % above, a return divided by 1.1. */
    double                  max_variation;
    const esp_network      *reference; /* only read with a bound */
    esp_closed_loop_memory *memory;    /* zeroed before the first call; only used with a bound */
} esp_closed_loop;

/* An esp_performance_fn; context is an esp_closed_loop. */
esp_status esp_closed_loop_performance(void *context, int n, const esp_cut *cuts, int scale, double *performance);

/* Mean total variation of the actions per episode. */
double esp_mean_variation(const esp_trajectory *trajectories, int count);
/* What a mean return counts as: less when the total variation is beyond the allowed one (0: no bound). */
double esp_bounded_return(double mean_return, double variation, double allowed);

/* ---- distil.c: a smaller network learns what the one it was cut from does ---------------------------------- */

/* What is learnt, and from what; borrows everything. */
typedef struct {
    int          steps;    /* gradient steps */
    double       rate;     /* of the first step; it falls to a fiftieth */
    esp_network *net;      /* learns: moved by `step` */
    void        *context;  /* of the functions */
    /* One gradient step of `net`; *loss is the mean squared error of the actions before it. */
    esp_status (*step)(void *context, int step, double rate, double *loss);
    /* Plays episodes with a network, from which later steps learn too; NULL: they learn from what is there. */
    esp_status (*play)(void *context, const esp_network *net);
    /* The mean return of a network on episodes that are the same in every call; NULL with `play`. */
    esp_status (*judge)(void *context, const esp_network *net, double *mean_return);
} esp_distillation;

enum { ESP_DISTIL_PLAYS = 5 }; /* calls of `play`, at most */

/* Takes the steps, shows a progress bar, and changes `net` to the running mean of its weights: the one with the highest
 * mean return, or without a judge the last. On failure its weights are what they were. */
esp_status esp_distil_run(const esp_distillation *distillation);

/* ---- schedule.c ----------------------------------------------------------------------------------------------- */

/* 1 at progress 0, `end` at progress 1, half a cosine between. */
double esp_cosine_schedule(double end, double progress);
/* Updates the running mean of the weights after `update` updates: at first the mean of all so far, then an
 * exponential one, since a fixed decay would keep the initial weights for thousands of updates. */
void   esp_average_weights(double decay, int64_t update, const esp_network *net, esp_network *average);

#endif
