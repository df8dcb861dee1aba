/* agent: TD-MPC (Hansen, Wang, Su, ICML 2022) - a task-oriented latent dynamics model learnt from pixels, the planner
 * that uses it, and the two controllers that one checkpoint provides. */
#ifndef ESP_AGENT_H
#define ESP_AGENT_H

#include "closedloop/closedloop.h"

/* ---- config.c -------------------------------------------------------------------------------- */

/* Which controller acts: the planner runs every component, the policy only encoder and policy. */
typedef enum { ESP_CONTROLLER_MPPI, ESP_CONTROLLER_POLICY } esp_controller_kind;
#define ESP_CONTROLLER_CHOICES "mppi|policy" /* words of esp_controller_kind, in its order */
/* Which action a plan returns: the mean of the last iteration, or an elite drawn by its score (the reference). */
typedef enum { ESP_ACT_ON_MEAN, ESP_ACT_ON_ELITE } esp_act_on;

/* network.* */
typedef struct {
    int latent;   /* latent entries */
    int hidden;   /* hidden units of every head */
    int channels; /* channels of every convolution */
} esp_network_config;

/* Size of one plan. */
typedef struct {
    int horizon;    /* control steps looked ahead, >= 1 */
    int samples;    /* action sequences sampled per iteration */
    int elites;     /* best sequences kept, at most samples + policy trajectories */
    int iterations; /* refinements of mean and std per plan */
} esp_plan_budget;

/* planner.* */
typedef struct {
    esp_plan_budget budget;  /* budget for acting */
    esp_plan_budget search;  /* planner.search.*: used while a search compares candidates */
    double policy_fraction;  /* policy trajectories per sample, in addition to the samples */
    double temperature;      /* multiplies the value, so larger is greedier */
    double momentum;         /* share of the old mean that is kept */
    double min_std, max_std; /* bounds of the sampling deviation, in action units */
    int    act_on;           /* esp_act_on */
} esp_planner_config;

/* loss.*: the update; names and defaults are those of the reference where it has them. */
typedef struct {
    double consistency, reward, value; /* loss weights */
    double rho;                        /* weight of step t is rho^t */
    double discount;                   /* discount of the value, per control step */
    double grad_clip;                  /* largest 2-norm of the gradient */
    double learning_rate;              /* learning rate of both Adam optimisers */
    double tau;                        /* share of the model that enters the target network */
    int    target_every;               /* updates between target updates */
    double policy_std;                 /* deviation of the noise on the policy's actions in targets and plans */
    double pre_tanh;                   /* penalty on the squared input of tanh; 0 as in the reference */
} esp_loss_config;

/* train.* */
typedef struct {
    uint64_t seed;            /* seed of all random numbers of the run */
    int    updates;           /* gradient steps in total */
    int    batch, horizon;    /* sequences per update, and control steps in each, >= 1 */
    const char *reward;       /* reward to learn from during the first ... */
    int    reward_updates;    /* ... reward_updates updates; after that env.reward, which evaluations always use */
    double reward_scale;      /* multiplies a control step's reward */
    int    buffer;            /* episodes kept */
    int    seed_episodes;     /* episodes of sticky random actions before the first update */
    double seed_extreme;      /* probability that a sticky action is +-1 */
    int    seed_hold;         /* most control steps that a sticky action lasts */
    int    pretrain;          /* updates on the seed episodes alone, before more are collected */
    int    cycle_episodes;    /* episodes collected after every ... */
    int    cycle_updates;     /* ... cycle_updates updates */
    double other_starts;      /* share of the collected episodes from starts other than the task's first */
    double noise_start, noise_end; /* deviation of the noise on collected actions, at first and in the end */
    int    noise_updates;     /* updates over which it falls linearly */
    double per_alpha, per_beta; /* prioritised replay: exponents of priorities and of importance weights */
    int    augment;           /* random shift in pixels; 0: none */
    double learning_rate_end; /* share of the learning rate left at the last update (cosine) */
    double average;           /* decay of the averaged weights per update; 0: no averaging */
    int    eval_every;        /* updates between evaluations and checkpoints */
    int    eval_episodes;     /* episodes per evaluation, for each start and controller */
} esp_train_config;

/* The whole configuration of an agent: every key of docs/configuration.md except search.*. */
typedef struct {
    int application;          /* always 0, "tdmpc"; other applications have their own configuration */
    esp_env_config     env;     /* env.* */
    esp_network_config network; /* network.* */
    esp_planner_config planner; /* planner.* */
    esp_loss_config    loss;    /* loss.* */
    esp_train_config   train;   /* train.* */
} esp_agent_config;

extern const esp_field esp_agent_fields[];   /* the keys of an esp_agent_config */
extern const int       esp_agent_num_fields; /* number of keys */

/* The defaults that docs/configuration.md lists. */
esp_agent_config esp_agent_config_default(void);
/* Checks what every use of an agent needs and no range of a single key can say (elites and samples, names that the
 * task has), and fills in the names that the task chooses. */
esp_status esp_agent_config_settle(esp_agent_config *config);
int esp_policy_trajectories(const esp_planner_config *planner, int samples); /* truncated, as in the reference */

/* ---- told.c: the model ------------------------------------------------------------------------ */

/* The components in the order of esp_network.component. The policy is last, so that all weights that the model's
 * optimiser moves are contiguous, and so are the policy's. */
typedef enum {
    ESP_TOLD_ENCODER, ESP_TOLD_DYNAMICS, ESP_TOLD_REWARD, ESP_TOLD_Q1, ESP_TOLD_Q2, ESP_TOLD_POLICY, /* by name */
    ESP_TOLD_COMPONENTS /* how many there are */
} esp_told_component;

/* A network description with the reference's tensor names (`_encoder.1.weight`, ...). The policy
 * component ends before tanh. */
esp_status esp_told_create(const esp_agent_config *config, int num_actions, esp_network **out);
/* The same without the layers, tensors and axes of the heads that are missing from the bit set `components`; encoder
 * and policy are always included. */
esp_status esp_told_create_part(const esp_agent_config *config, int num_actions, unsigned components,
                                esp_network **out);
extern const char *const esp_told_names[ESP_TOLD_COMPONENTS]; /* "encoder", "dynamics", ... "pi" */
/* Orthogonal weights; the last layers of reward, Q1 and Q2 are zero. */
void esp_told_init(esp_network *net, uint64_t seed);
int  esp_told_latent(const esp_network *net); /* entries of the latent, fewer after a cut */
/* Bit set of the components that a controller runs. */
unsigned esp_controller_components(esp_controller_kind kind);
/* ESP_OK, or ESP_ERR_USAGE naming the components that the controller runs and the network lacks. */
esp_status esp_controller_check(const esp_network *net, esp_controller_kind kind);
/* Table IV: eight component-specific and two coupling groups. */
extern const esp_group_spec esp_told_paper_groups[];
extern const int            esp_told_num_paper_groups; /* number of groups: ten */
/* FLOPs per action: twice the multiply-adds. */
double esp_action_flops(const esp_network *net, const esp_planner_config *planner, const esp_plan_budget *budget,
                        esp_controller_kind kind);

/* x [n, latent + actions] = z | a, row by row */
void esp_concat(int n, int latent, const float *z, int actions, const float *a, float *x);
/* The reference's noisy policy: a = clamp(tanh(mu) + clamp(std noise, +-0.3), +-(1 - 1e-6)). */
void esp_noisy_action(size_t count, const float *mu, const float *noise, float std, float *a);

/* ---- contract.c ---------------------------------------------------------------------------------- */

/* The contract of a file at `path`; the caller deletes it. world: as for esp_contract_add_world. */
cJSON *esp_agent_contract(const char *path, const esp_agent_config *config, const esp_world *world,
                          esp_controller_kind controller);

/* ---- checkpoint.c ------------------------------------------------------------------------------ */

/* The content of a file. */
typedef struct {
    esp_agent_config    config;     /* configuration it was made with */
    esp_network        *net;        /* owned; heads that the file leaves out have no layers */
    esp_controller_kind controller; /* controller that the file is for; it acts unless another is chosen */
    esp_metadata        metadata;   /* owned; always with a contract, derived when the file has none */
} esp_agent_checkpoint;

/* config_path: a JSON configuration for files without our metadata, or NULL. */
esp_status esp_agent_checkpoint_read(const char *path, const char *config_path, esp_agent_checkpoint *out);
/* The same for a file that is already open; copies what it keeps. */
esp_status esp_agent_checkpoint_take(const esp_checkpoint *file, esp_agent_checkpoint *out);
/* Writes the components in the bit set, with a contract and a pedigree (NULL: without). */
esp_status esp_agent_checkpoint_save(const char *path, const esp_agent_config *config, const esp_network *net,
                                     unsigned components, const esp_metadata *metadata);
/* Writes all components of the network, with a contract that says nothing about a scene, and no pedigree. */
esp_status esp_agent_checkpoint_write(const char *path, const esp_agent_config *config, const esp_network *net);
/* Frees what it owns. */
void       esp_agent_checkpoint_free(esp_agent_checkpoint *checkpoint);

/* ---- mppi.c -------------------------------------------------------------------------------------- */

/* Standard-normal numbers of one plan (H horizon, I iterations, N samples, P policy trajectories, A actions). Tests
 * that replay the reference pass them in; otherwise the planner draws them. */
typedef struct {
    const float *policy;  /* [H, P, A] */
    const float *action;  /* [I, H, N, A] */
    const float *value;   /* [I, N + P, A] */
    double       choice;  /* uniform number that picks an elite */
    const float *explore; /* [A] added to the action, times the last std; NULL: nothing is added */
} esp_plan_noise;

/* Records what a plan did, for tests and the viewer; every pointer may be NULL. */
typedef struct {
    float *policy_actions; /* [H, P, A] */
    float *actions;        /* [I, H, N + P, A] */
    float *value;          /* [I, N + P] */
    float *score;          /* [I, K] */
    int   *elite;          /* [I, K] indices, by value, best first */
    float *mean, *std;     /* [I, H, A] after each iteration */
    int   *choice;         /* [1] index into the last iteration's elites */
} esp_plan_trace;

/* Plans for up to `episodes` episodes that advance in lockstep, so that their samples form large matrix products.
 * Owns its workspace; borrows the model. Blocks of samples run on all threads when called from outside a parallel
 * region. */
typedef struct esp_mppi esp_mppi;

/* Copies config and budget; `loss` provides discount and policy noise. The network must have every component. */
esp_mppi *esp_mppi_create(const esp_network *net, const esp_planner_config *config, const esp_plan_budget *budget,
                          const esp_loss_config *loss, int episodes);
void      esp_mppi_free(esp_mppi *planner); /* accepts NULL */
/* Discards the warm start of episode e. */
void      esp_mppi_reset(esp_mppi *planner, int e);
/* Copies the warm starts of a planner with the same network and budget. */
void      esp_mppi_copy(esp_mppi *to, const esp_mppi *from);
float    *esp_mppi_mean(esp_mppi *planner, int e);      /* [H, A], the warm start of the next call */
/* z [n, latent] -> actions [n, A] in [-1, 1]; noise [n] or NULL: drawn from rng [n]. Allocates
 * nothing. trace (of episode 0) may be NULL. */
esp_status esp_mppi_plan(esp_mppi *planner, int n, const float *z, const esp_plan_noise *noise, esp_rng *rng,
                         float *actions, esp_plan_trace *trace);

/* ---- controller.c --------------------------------------------------------------------------------- */

/* The controller of one checkpoint, for n episodes in lockstep. Borrows the network. */
typedef struct esp_controller esp_controller;

/* Copies config and budget (of the planner); for up to `episodes` episodes at once. */
esp_controller *esp_controller_create(const esp_network *net, const esp_agent_config *config, esp_controller_kind kind,
                                      const esp_plan_budget *budget, int episodes);
void            esp_controller_free(esp_controller *controller); /* accepts NULL */
/* Starts n episodes; their names are the keys of the planner's noise. */
void            esp_controller_begin(esp_controller *controller, const esp_episode *episodes, int n);
/* Copies the state of another controller of the same network, kind and size, so that `to` continues from there. */
void            esp_controller_copy(esp_controller *to, const esp_controller *from);
/* From now on every plan fills `trace`, which is borrowed; NULL: plans are not traced. The policy does not plan. */
void            esp_controller_watch(esp_controller *controller, esp_plan_trace *trace);
/* An esp_act_fn whose context is the controller. */
esp_status      esp_controller_act(void *controller, int n, int step, const esp_observation *obs, float *actions);

/* ---- evaluate.c: the closed loop ---------------------------------------------------------------------- */

/* Which network plays which episodes. Borrows everything. */
typedef struct {
    const esp_network     *net;      /* the network that acts */
    const esp_agent_config *config;  /* configuration of the same checkpoint */
    esp_controller_kind    kind;     /* which controller acts */
    const esp_plan_budget *budget;   /* budget of the planner */
    const esp_episode     *episodes; /* [count] the episodes to play */
    int                    count;    /* >= 1 */
    const double          *noise;    /* [count] deviation of Gaussian noise on the actions; NULL: no noise */
    float                 *intended; /* [count, steps, actions] actions before the noise; NULL: not wanted */
    const esp_actors      *actors;   /* act in place of the network's controllers; NULL: those act */
} esp_evaluation;

/* Plays all episodes on all threads, in blocks of fixed size that advance in lockstep: 5 with the planner, whose
 * samples already fill matrix products, ESP_EPISODE_BLOCK with the policy. trajectories [count]. Progress is reported
 * under `task` when it is not NULL. */
esp_status esp_evaluate(esp_pool *pool, const esp_evaluation *evaluation, const char *task,
                        esp_trajectory *trajectories);
/* Episodes that each simulator of an evaluation's pool must hold. */
#define ESP_EPISODE_BLOCK 10

/* How agents act, with the controller that a configuration describes. */
typedef struct {
    const esp_agent_config *config; /* borrowed */
    esp_controller_kind     kind;   /* which controller acts */
    const esp_plan_budget  *budget; /* of the planner, borrowed */
} esp_agent_acting_config;

/* Borrows the configuration. */
esp_actors esp_agent_actors(const esp_agent_acting_config *config);

/* ---- replay.c ------------------------------------------------------------------------------------------- */

/* Prioritised replay of whole episodes (Schaul et al. 2016, as in the reference): frames are stored once and stacked
 * when drawn. */
typedef struct {
    int num_steps, num_actions, frame, stack, horizon, capacity; /* frame: pixels per frame; capacity: episodes */
    double alpha, beta; /* exponents of priorities and of importance weights */
} esp_replay_config;

/* A ring of `capacity` episodes; owns copies of them. Each control step is a slot. */
typedef struct esp_replay esp_replay;

esp_replay *esp_replay_create(const esp_replay_config *config); /* copies the configuration; the buffer is empty */
void        esp_replay_free(esp_replay *replay);                /* accepts NULL */
/* Copies an episode: frames [L + 1, frame], actions [L, A], rewards [L]. Its steps get the largest priority in the
 * buffer (1 for the first episode), except for its last `horizon` steps, which get 0 and are never drawn. */
void        esp_replay_add(esp_replay *replay, const uint8_t *frames, const float *actions, const float *rewards);
int64_t     esp_replay_added(const esp_replay *replay);  /* episodes ever added */
/* Gives the next episode the number `first`, so that in a rebuilt buffer every episode is in its place. */
void        esp_replay_begin_at(esp_replay *replay, int64_t first);
size_t      esp_replay_slots(const esp_replay *replay);  /* filled slots */
float      *esp_replay_priorities(esp_replay *replay);   /* [capacity * num_steps] */
void        esp_replay_refresh(esp_replay *replay);      /* call after writing priorities directly */
double      esp_replay_probability(const esp_replay *replay, size_t slot); /* probability of being drawn next */
/* Slots drawn with their probabilities, with replacement. */
void        esp_replay_draw(const esp_replay *replay, esp_rng *rng, int batch, size_t *slots);
/* Importance weights (N p)^-beta, divided by their maximum. */
void        esp_replay_weights(const esp_replay *replay, int batch, const size_t *slots, float *weights);
/* obs [B, stack, frame], next_obs [T, B, stack, frame], actions [T, B, A], rewards [T, B]. */
void        esp_replay_gather(const esp_replay *replay, int batch, const size_t *slots, int steps, uint8_t *obs,
                              uint8_t *next_obs, float *actions, float *rewards);
/* Stores priority + 1e-6 for each slot. */
void        esp_replay_update(esp_replay *replay, int batch, const size_t *slots, const float *priorities);

/* augment.c: out[c, y, x] = in[c, clamp(y + sy - pad), clamp(x + sx - pad)], 0 <= s <= 2 pad. */
void esp_random_shift(int channels, int rows, int pad, int sx, int sy, const uint8_t *in, uint8_t *out);

/* ---- update.c: one TD-MPC update --------------------------------------------------------------------------- */

/* What an update learns from; borrowed arrays. B is the batch size, T the horizon, A the number of actions. */
typedef struct {
    int batch, horizon;       /* B, T */
    const uint8_t *obs;       /* [B, C, H, W] */
    const uint8_t *next_obs;  /* [T, B, C, H, W] */
    const float   *actions;   /* [T, B, A] */
    const float   *rewards;   /* [T, B] */
    const float   *weights;   /* [B] */
    const float   *td_noise;  /* [T, B, A] standard normal */
    const float   *pi_noise;  /* [T + 1, B, A] standard normal */
    const float   *td_target; /* [T, B] values that Q1 and Q2 learn; NULL: bootstrapped */
} esp_batch;

/* Everything one update computed; arrays owned by the updater, valid until the next update. */
typedef struct {
    float *zs;              /* [T + 1, B, L] */
    float *next_z_target;   /* [T, B, L] */
    float *reward_pred, *q1, *q2, *td_target;                                      /* [T, B] */
    float *consistency_loss, *reward_loss, *value_loss, *total_loss, *priorities;  /* [B] */
    double weighted_loss, grad_norm, pi_loss, pi_grad_norm, pre_tanh;  /* pre_tanh: mean |input of tanh| */
    float *grads;           /* laid out like the weights; before clipping */
} esp_update_record;

/* Owns the target network, both Adam optimisers and the workspace; borrows and changes the model. */
typedef struct {
    esp_network *net;                     /* the model, borrowed */
    esp_network *target;                  /* its slow copy, whose values are the targets */
    esp_adam     model_adam, policy_adam; /* one for the policy, one for all other components */
    esp_loss_config config;               /* copied */
    esp_update_record record;             /* results of the last update */
    struct esp_update_work *work;         /* private to update.c */
} esp_updater;

/* For batches of exactly this size; the target begins as a copy of the model. */
esp_updater *esp_updater_create(esp_network *net, const esp_loss_config *config, int batch, int horizon);
void         esp_updater_free(esp_updater *updater); /* accepts NULL; the model stays */
/* `step` decides whether the target network moves; learning_rate overrides config.learning_rate. */
esp_status   esp_updater_step(esp_updater *updater, const esp_batch *batch, int64_t step, double learning_rate);

/* ---- trainer.c ------------------------------------------------------------------------------------------------ */

/* Learns an agent into a run's folder: config.json, metrics.jsonl, checkpoint.safetensors (best so far),
 * state.safetensors to resume from exactly. */
esp_status esp_train(const esp_agent_config *config, const esp_run_request *run);

/* ---- schedule.c --------------------------------------------------------------------------------- */

/* The schedule of the reference: "linear(a, b, d)" at a step. */
double esp_linear_schedule(double start, double end, double duration, int64_t step);

/* ---- record.c: episodes of the dense agent, recorded for pruning ----------------------------- */

/* Which episodes to record. */
typedef struct {
    const esp_network      *net;      /* the dense agent, borrowed */
    const esp_agent_config *config;   /* borrowed */
    esp_controller_kind     kind;     /* controller that acts; the planner uses planner.search.* */
    int                     episodes; /* number of episodes, >= 1; the task's starts take turns */
    double                  noise;    /* largest deviation of the noise on the actions, >= 0. A pruned controller
                                       * leaves the dense one's path, so episodes range from undisturbed to lost */
    uint64_t                first;    /* number of the first episode */
    uint64_t                seed;     /* seed of these episodes, which no search or report plays */
    bool                    quiet;    /* no progress is shown */
} esp_record_config;

/* 100 episodes of the policy with noise up to 2.0, seed 1; the caller sets net and config. */
esp_record_config esp_record_config_default(void);

/* Recorded episodes; owned arrays. */
typedef struct {
    int      episodes, num_steps, num_actions; /* num_steps: control steps of each episode */
    int      stack, frame;      /* frames per observation; pixels per frame */
    uint8_t *frames;            /* [episodes, num_steps + 1, frame]: every frame once */
    float   *intended;          /* [episodes, num_steps, num_actions] actions that the controller chose, and ... */
    float   *actions;           /* ... actions as executed, with noise */
    float   *rewards;           /* [episodes, num_steps], of env.reward, unscaled */
    double   mean_return;       /* mean over the episodes, of env.reward */
} esp_recording;

/* Plays on all threads, with a progress bar; bit-identical for any number of threads. ESP_ERR_RANGE when a setting is
 * out of bounds. */
esp_status esp_recording_make(esp_pool *pool, const esp_record_config *config, esp_recording *out);
void       esp_recording_free(esp_recording *recording); /* frees its arrays */

/* Evenly spread moments of a recording, in the form that importance and compensation need. */
typedef struct {
    esp_calibration calibration; /* borrows the arrays below, valid as long as they are */
    uint8_t        *obs;         /* [count, stack, frame] */
    float          *actions;     /* [count, num_actions] */
} esp_recorded_samples;

/* At most `count` (>= 1) moments, or all of the recording when it holds fewer. Feeds `components`: the encoder reads
 * obs; the policy reads the latent; dynamics, reward and both values read latent | action. */
esp_recorded_samples esp_recording_samples(const esp_recording *recording, int count, unsigned components);
void                 esp_recorded_samples_free(esp_recorded_samples *samples); /* frees their arrays */

/* A replay buffer filled with the recording, its rewards scaled by train.reward_scale; the caller frees it. */
esp_replay *esp_recording_replay(const esp_recording *recording, const esp_agent_config *config);

/* ---- finetune.c: gradient steps after the cut --------------------------------------------------- */

/* Length and rate of finetuning. */
typedef struct {
    int      steps;             /* gradient steps, >= 0 */
    unsigned components;        /* components that the controller runs */
    double   learning_rate;     /* planner: initial learning rate of both Adam optimisers */
    double   learning_rate_end; /* planner: share of it left at the last step (cosine) */
    uint64_t seed;              /* key of the batches, their noise and the episodes */
    esp_pool *pool;             /* policy: where the pruned one plays, borrowed; NULL: it learns from the recording
                                 * alone, and its last weights are the result */
    double max_variation;       /* policy: weights whose actions vary more than this many times as much as the dense
                                 * one's count as if they returned less, as in esp_closed_loop; 0: no bound */
} esp_finetune_config;

/* 1000 steps of all components; the learning rate falls from 1e-3 to a tenth. */
esp_finetune_config esp_finetune_config_default(void);

/* Trains the weights of a pruned agent on a recording of the dense agent. A policy learns the actions that the dense
 * one chooses, in the recording and in episodes that it plays itself; of the weights on the way those with the highest
 * return are the result, by episodes of the search that no evaluation of a cut plays. When `components` includes the
 * model, everything also learns by the losses of training (latent consistency, reward, value, policy) with the dense
 * agent's values as targets; batches, loss.* and weight averaging then follow the agent's configuration. Shows a
 * progress bar; bit-identical for any number of threads. On failure or interruption the
 * weights are unchanged. ESP_ERR_SHAPE when the recording belongs to another agent. */
esp_status esp_agent_finetune(esp_network *net, const esp_agent_config *config, const esp_network *dense,
                              const esp_recording *recording, const esp_finetune_config *settings);

#endif
