/* envs: MuJoCo tasks seen through a camera, and episodes that advance in step.
 *
 * Physics is double because MuJoCo is, networks are float; the conversion is here. One control
 * step is `action_repeat` physics steps and its reward their sum (control-suite convention). */
#ifndef ESP_ENVS_H
#define ESP_ENVS_H

#include <mujoco/mujoco.h>

#include "base/base.h"

#define ESP_MAX_ACTIONS 8

typedef enum { ESP_START_RANDOM, ESP_START_HANGING } esp_start;
/* Mixed, the mean of both, is for learning: dense shows the way up, sparse says what counts. */
typedef enum { ESP_REWARD_SPARSE, ESP_REWARD_DENSE, ESP_REWARD_MIXED } esp_reward_kind;

/* env.* of the configuration. */
typedef struct {
    char task[ESP_CONFIG_TEXT];   /* name in the registry */
    char scene[ESP_CONFIG_TEXT];  /* MJCF file; empty: the task's own, models/<task>/scene.xml */
    int  start;                   /* esp_start */
    int  reward;                  /* esp_reward_kind */
    int  action_repeat;           /* physics steps a control step */
    int  physics_steps;           /* physics steps an episode, a multiple of action_repeat */
    int  frame_stack;             /* gray frames the network sees, newest last */
    int  image_size;              /* pixels a side the network sees */
    int  supersample;             /* rendered pixels per pixel side, box-filtered down */
} esp_env_config;

esp_env_config esp_env_config_default(void);

/* ---- tasks.c: the registry ------------------------------------------------------------------ */

/* A task: one MJCF and these functions. All read-only on the model. */
typedef struct {
    const char *name;
    const char *camera;                       /* camera of the MJCF the network looks through */
    /* Puts data into a start state drawn from rng; mj_forward is called afterwards. */
    void   (*reset)(const mjModel *model, mjData *data, esp_start start, esp_rng *rng);
    double (*reward)(const mjModel *model, const mjData *data, esp_reward_kind kind); /* [0, 1] a physics step */
    bool   (*goal)(const mjModel *model, const mjData *data);                         /* pole up and slow */
    /* One line on what the MJCF lacks (a joint, an actuator), or NULL if it fits the task. */
    const char *(*mismatch)(const mjModel *model);
} esp_task;

extern const esp_task esp_task_pendulum;
const esp_task *esp_task_find(const char *name); /* NULL: unknown, with the error text set */

/* ---- world.c: a task with its loaded model, shared read-only by all threads ------------------ */

typedef struct {
    esp_env_config  config;   /* copied */
    const esp_task *task;
    mjModel        *model;    /* owned */
    int             camera;
    int             num_actions;
    int             num_steps; /* control steps an episode */
    char           *scene;     /* path of the MJCF, owned */
} esp_world;

/* Finds the scene: config.scene if given, else <task>/scene.xml below $ESPALIER_MODELS, the
 * installed models or the source tree's. MuJoCo's own errors become one line. */
esp_status esp_world_create(const esp_env_config *config, esp_world **out);
/* A world around a copy of a model that another program loaded, checked like one of ours; `scene` is
 * the model's own name, which sentences on failures leave to the caller. */
esp_status esp_world_adopt(const esp_env_config *config, const mjModel *model, esp_world **out);
void       esp_world_free(esp_world *world);

/* ---- scene_hash.c --------------------------------------------------------------------------------- */

/* Over the bytes of an MJCF file and, recursively, of the files that it names and that stand beside it. */
esp_status esp_scene_hash(const char *path, uint64_t *hash);

/* ---- machine.c: whether this machine can play episodes ------------------------------------------ */

/* The MuJoCo of this process. Texts are the library's own. */
typedef struct {
    const char *version;    /* of the library, "3.17.0" */
    char        headers[24]; /* of the headers espalier was built with */
    const char *file;       /* the loaded library; NULL: linked statically */
    bool        plugin_api; /* it has engine plugins (2.3.1 and later) */
} esp_mujoco_facts;

/* ESP_ERR_MACHINE when library and headers are of different versions, whose structs differ; *out is filled in
 * any case. */
esp_status esp_mujoco_describe(esp_mujoco_facts *out);

/* Plays the first control step of an episode, pictures included, with the action 0: what an evaluation needs of the
 * machine. *seconds is the time that took, without making the world and its renderer. */
esp_status esp_world_try(const esp_world *world, double *seconds);

/* ---- guard.c: MuJoCo's own errors ---------------------------------------------------------------- */

/* Runs work(argument) and returns what it returns. MuJoCo reports what it cannot do by calling
 * mju_error, which by default ends the process; inside `work` it becomes `on_error` with MuJoCo's
 * sentence. What `work` held at that moment is lost, so it should take nothing. */
esp_status esp_guard(esp_status (*work)(void *argument), void *argument, esp_status on_error);

/* ---- offscreen.c: OpenGL without a window -------------------------------------------------------- */

/* Owns an EGL context. Used by any thread, one at a time: it is current during a call only, and an EGL
 * context the thread had before is restored (a GLX window's cannot be; such a thread gets
 * ESP_ERR_MACHINE). */
typedef struct esp_offscreen esp_offscreen;

esp_status esp_offscreen_create(esp_offscreen **out);
void       esp_offscreen_free(esp_offscreen *offscreen); /* accepts NULL */
/* Runs work(argument) with the context current; MuJoCo's errors become ESP_ERR_MACHINE. */
esp_status esp_offscreen_run(esp_offscreen *offscreen, esp_status (*work)(void *argument), void *argument);
/* The same for work that makes or frees a mjrContext, which touches state shared by all threads: one
 * at a time in the process. */
esp_status esp_offscreen_prepare(esp_offscreen *offscreen, esp_status (*work)(void *argument), void *argument);

/* What draws. */
typedef struct {
    char egl[32];       /* version, "1.5" */
    char renderer[128]; /* "llvmpipe (LLVM 15.0.6, 256 bits)" */
    char opengl[128];   /* version of OpenGL and of Mesa */
} esp_offscreen_facts;

esp_status esp_offscreen_describe(esp_offscreen *offscreen, esp_offscreen_facts *out);

/* ---- renderer.c: what the network sees ------------------------------ */

/* Owns an off-screen context and MuJoCo's scene and context. Used by any thread, one at a time. */
typedef struct esp_renderer esp_renderer;

esp_status esp_renderer_create(const esp_world *world, esp_renderer **out);
void       esp_renderer_free(esp_renderer *renderer);
/* Renders supersample * image_size pixels a side and box-filters: frame [image_size * image_size]
 * gray, row 0 at the top. Only the state of data is read; its positions in space are updated. */
esp_status esp_renderer_frame(esp_renderer *renderer, mjData *data, uint8_t *frame);
/* Draws the newest frame behind the older ones of obs [frame_stack, image_size, image_size]; the
 * first of an episode fills the stack. */
esp_status esp_observe(esp_renderer *renderer, mjData *data, bool first, uint8_t *obs);

/* ---- rollout.c: episodes in lockstep ---------------------------------------------------------- */

/* Names an episode: equal names give equal start states. */
typedef struct {
    uint64_t seed, index;
    int      start;           /* esp_start */
} esp_episode;

/* What an episode left behind. The arrays are the caller's; NULL means not wanted. */
typedef struct {
    double   episode_return;  /* sum of rewards */
    int      settled;         /* first state (of num_steps + 1) from which the goal holds to the end;
                                 num_steps: never */
    float   *rewards;         /* [num_steps] */
    float   *actions;         /* [num_steps, num_actions] */
    uint8_t *frames;          /* [num_steps + 1, image_size * image_size] */
    double  *states;          /* [num_steps + 1, nq + nv] */
} esp_trajectory;

/* Chooses actions [n, num_actions] in [-1, 1] (clamped by the simulator) for n episodes at control
 * step `step`, from obs uint8 [n, frame_stack, image_size, image_size], oldest frame first. */
typedef esp_status (*esp_act_fn)(void *context, int n, int step, const uint8_t *obs, float *actions);

/* Everything one thread needs to play up to `capacity` episodes at once: a renderer and mjData. */
typedef struct esp_simulator esp_simulator;

/* Without pixels (render false) obs is NULL and frames are not recorded. */
esp_status esp_simulator_create(const esp_world *world, int capacity, bool render, esp_simulator **out);
void       esp_simulator_free(esp_simulator *simulator);

/* Plays n <= capacity episodes in step on the calling thread. Stops early with
 * ESP_ERR_INTERRUPTED, ESP_ERR_NUMERIC (an action is NaN) or what `act` returned. */
esp_status esp_rollout(esp_simulator *simulator, const esp_episode *episodes, int n,
                       esp_act_fn act, void *context, esp_trajectory *out);

/* Puts data into the start of an episode. */
void esp_world_start(const esp_world *world, const esp_episode *episode, mjData *data);
/* One physics step, whose reward is added to sum. ESP_ERR_NUMERIC: MuJoCo could not integrate it. To be
 * called under esp_guard. */
esp_status esp_world_step(const esp_world *world, mjData *data, double *sum);

/* Clamps action [nu] to [-1, 1] in place and puts it into the actuators' own units: ctrl [nu].
 * ESP_ERR_NUMERIC: an action is not a number. */
esp_status esp_actuate(const mjModel *model, float *action, mjtNum *ctrl);

/* One simulator per OpenMP thread, made when first used by that thread. */
typedef struct esp_pool esp_pool;

esp_pool  *esp_pool_create(const esp_world *world, int capacity, bool render);
void       esp_pool_free(esp_pool *pool);
/* The simulator of the calling OpenMP thread. */
esp_status esp_pool_simulator(esp_pool *pool, esp_simulator **out);

#endif
