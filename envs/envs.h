/* envs: MuJoCo tasks seen through a camera, and episodes that advance in lockstep.
 *
 * Physics is double because MuJoCo is, networks are float; the conversion is here. One control step is
 * `action_repeat` physics steps, and its reward is the sum over them (control-suite convention). */
#ifndef ESP_ENVS_H
#define ESP_ENVS_H

#include <mujoco/mujoco.h>

#include "base/base.h"

/* The env.* keys of the configuration. Texts live as long as the process (esp_intern), so the struct may be copied
 * freely. */
typedef struct {
    const char *task;     /* name below the models folder, a task file (*.json), or native code (*.so) */
    const char *scene;    /* MJCF file; NULL or "": the task's own */
    const char *start;    /* name of one of the task's starts; NULL or "": the first */
    const char *reward;   /* name of one of the task's rewards; NULL or "": the first */
    int  action_repeat;   /* task time steps per control step; 0: the task's own */
    int  physics_steps;   /* task time steps per episode, a multiple of action_repeat; 0: the task's own */
    int  frame_stack;     /* gray frames the network sees, newest last */
    int  image_size;      /* pixels per side that the network sees */
    int  supersample;     /* rendered pixels per pixel the network sees, along each side; box-filtered down */
} esp_env_config;

/* Ranges of image_size, frame_stack and the like, for code that checks a configuration. */
enum { ESP_IMAGE_SIZE_MIN = 21, ESP_IMAGE_SIZE_MAX = 128, ESP_FRAME_STACK_MAX = 32 };

/* The pendulum, seen in 9 frames of 28 x 28 pixels; scene, start and reward are NULL: the task's own. */
esp_env_config esp_env_config_default(void);
/* Of any task: whatever the task file says, and 9 frames of 28 x 28 pixels where it says nothing. */
esp_env_config esp_env_config_of(const char *task);
/* Checks ranges and names, and fills in the task's first start and reward where none is named, and its action repeat
 * and episode length where they are 0. ESP_ERR_USAGE for a name that the task does not have, ESP_ERR_RANGE for a
 * number; otherwise as esp_task_open. */
esp_status     esp_env_config_settle(esp_env_config *config);
int            esp_env_steps(const esp_env_config *config);  /* control steps per episode, at most */
size_t         esp_env_pixels(const esp_env_config *config); /* pixels of one frame */

/* ---- observations, actions, episodes ----------------------------------------------------------- */

/* One named item of an observation. With a history above 1 its last moments are kept, oldest first. */
typedef struct {
    const char *name;           /* such as "pixels"; owned by the task, lives as long as the process */
    enum { ESP_ITEM_PIXELS, ESP_ITEM_FLOATS } kind; /* uint8_t or float */
    int         history;        /* moments kept; 0 (pixels only): env.frame_stack */
    int         width, height;  /* pixels: size, 0: env.image_size; floats: width numbers, height 1 */
    int         supersample;    /* pixels: 0: env.supersample */
    const char *camera;         /* pixels: camera that draws them; floats: NULL */
} esp_obs_item;

size_t esp_obs_item_size(const esp_obs_item *item); /* pixels or floats per moment */

/* What a controller sees: item [num_items], each [n, history, height, width] of the item's kind; NULL for pixels when
 * nothing is drawn. */
typedef struct {
    int                num_items; /* as in the world */
    const void *const *item;      /* [num_items], borrowed from the owner of the observation */
} esp_observation;

/* How one output of a controller becomes a control: clipped to [low, high], then control = offset + scale * output,
 * clipped to [control_low, control_high] in the actuator's own unit. */
typedef struct {
    /* low and high limit the output (-1 and 1); offset, control_low and control_high are in the actuator's unit,
     * scale in that unit per 1 of output. An actuator without a range has offset 0, scale 1 and infinite limits. */
    double low, high, offset, scale, control_low, control_high;
} esp_actuation;

/* Names an episode: equal names give equal start states. */
typedef struct {
    uint64_t seed, index;     /* key and number of the random stream that reset draws from */
    int      start;           /* index into the task's starts */
} esp_episode;

/* Why an episode ended. Numbers from 1: the task ended it, and the number is that of the ending. */
enum { ESP_ENDING_NONE = 0, ESP_ENDING_TIME = -1, ESP_ENDING_DIVERGED = -2 };

/* What episodes are for; keeps their seeds apart. Two bits of a seed: there is no fifth. */
typedef enum { ESP_EPISODES_REPORT, ESP_EPISODES_SEARCH, ESP_EPISODES_TRAIN, ESP_EPISODES_RECORD } esp_episode_use;

/* episode.c: the first `count` episodes of a seed, all from one start. */
void esp_episodes_name(uint64_t seed, esp_episode_use use, int start, int count, esp_episode *out);

/* What a return hides: how an episode was played. A controller that chatters between the ends of its range, or holds
 * the goal only just, may return as much as one that does neither. */
typedef struct {
    double variation;         /* total variation of the outputs: sum of |change| between control steps, all actuators */
    double saturation;        /* share of the outputs within 1 % of an end of their range, in [0, 1] */
    double goal_time;         /* s from the start until the goal holds to the end; NAN: it does not */
    double steady_error;      /* mean distance from the goal over the last fifth of the longest episode, in the unit of
                               * the task's error; NAN: the task has none, or the episode ended earlier */
} esp_behaviour;

enum { ESP_TASK_NOTED = 64 }; /* most numbers that a task notes */

/* An episode being played: its simulation, and what belongs to the episode but not to mjData. */
typedef struct {
    esp_episode name;         /* copied from esp_simulator_begin or esp_simulator_join */
    mjData *data;             /* owned by the simulator */
    int     physics_steps;    /* physics steps of the model since the start */
    int     steps;            /* control steps finished */
    double  began;            /* data->time at the start, s; the episode's clock is the difference */
    float  *action;           /* [num_actions] the last action, clipped; 0 before the first */
    float  *command;          /* [num_commands] the command drawn by reset */
    mjtNum *before;           /* [nq] positions when the last action was chosen */
    double *noted;            /* [ESP_TASK_NOTED] what the task noted at the beginning of its present time step */
    void   *program;          /* what the task keeps per simulator; NULL: nothing */
    double  reward;           /* reward of the present control step so far */
    double  last_reward;      /* reward of the last finished control step */
    double  episode_return;   /* sum over all finished control steps */
    double  variation;        /* as in esp_behaviour, so far */
    int     saturated;        /* outputs within 1 % of an end of their range, so far */
    double  error;            /* sum of the distances from the goal after each control step of the last fifth */
    bool    fresh;            /* nothing of this episode was observed yet */
    bool    ended;            /* it is not stepped any further */
    int     ending;           /* ESP_ENDING_..., or the number of the task's ending */
    bool    halfway;          /* mj_step1 was done for the present state, mj_step2 comes next */
} esp_play;

/* ---- tasks.c: the registry ------------------------------------------------------------------ */

/* A quantity worth plotting over an episode. */
typedef struct {
    const char *name, *unit;  /* "angle", "rad" */
    double      low, high;    /* range of the plot */
    bool        error;        /* its absolute value is the distance from the goal; true for one quantity at most */
} esp_task_quantity;

/* What a task says about itself. Arrays of names end with NULL. */
typedef struct {
    const char         *name;           /* value of env.task */
    const char         *about;          /* one or two sentences, or NULL */
    const char         *file;           /* path of the task file; NULL: the task is C */
    const char         *scene;          /* MJCF file, relative to the task's folder; NULL: scene.xml */
    const char *const  *starts;         /* start states of episodes; the first is the default */
    const char *const  *rewards;        /* the first is the default, and results are measured in it */
    const char         *training_reward; /* reward that training begins with */
    const char *const  *terms;          /* terms of the reward, as esp_task.terms gives them; the viewer plots each */
    const char         *goal;           /* "hold the pole up to the end": completes "20 of 20 episodes ..." */
    const char         *show_start;     /* the start most worth watching */
    double              show_seconds;   /* time from the start until the goal is kept, with some margin, s */
    double              timestep;       /* s; the unit in which env.action_repeat and env.physics_steps count */
    int                 action_repeat;  /* time steps per control step, where the configuration does not say; 0: 1 */
    int                 steps;          /* time steps per episode, where the configuration does not say; 0: 1000 */
    const char *const  *endings;        /* names of what ends an episode early; NULL: it has no names */
    double              largest_reward; /* of a time step, when 0 is the least; 0: 1; INFINITY: not bounded */
    bool                refresh;        /* what MuJoCo derives from the state belongs to the present state when the
                                         * task's functions are called; otherwise, after a step, to the state before */
    int                 num_quantities; /* entries of quantities; 0: nothing is plotted */
    const esp_task_quantity *quantities;     /* plotted by viewer and reports; the first is the most telling */
    int                 num_items;      /* entries of items, at least 1 */
    const esp_obs_item *items;          /* the observation, in the order in which a controller receives it */
    int                 num_commands;   /* numbers in a command, drawn by reset */
    bool                reward_per_step; /* the reward is taken once per time step of the task, at its end, not after
                                         * every physics step */
} esp_task_description;

/* A task; worlds borrow it. Tasks of the registry live as long as the process. */
typedef struct esp_task esp_task;
/* A description, and functions that only read the model. Functions that may be NULL say so. */
struct esp_task {
    esp_task_description about; /* its texts and arrays live as long as the task */
    void *state;                /* owned by the task, read only by its functions; NULL: it needs none */
    /* Whether the MJCF fits the task: ESP_ERR_FORMAT with one line that says what it lacks (a joint, an actuator). */
    esp_status (*fit)(const esp_task *task, const mjModel *model);
    /* Changes the model after it was loaded; NULL: nothing. */
    esp_status (*edit)(const esp_task *task, mjModel *model);
    /* Changes the map [nu] from outputs to controls, which is [-1, 1] to the actuator's range; NULL: that stays. */
    esp_status (*actuation)(const esp_task *task, const mjModel *model, esp_actuation *out);
    /* Makes what one simulator needs, play->program; NULL: nothing. The model fits. */
    esp_status (*open)(const esp_task *task, const mjModel *model, void **out);
    void       (*close)(void *program); /* frees it; NULL if `open` is */
    /* Puts play->data into the start state play->name.start and draws play->command; the caller runs mj_forward
     * next. */
    esp_status (*reset)(const esp_task *task, const mjModel *model, esp_play *play, esp_rng *rng);
    /* Keeps in play->noted what later functions need of the beginning of a time step; NULL: nothing. */
    void   (*note)(const esp_task *task, const mjModel *model, esp_play *play);
    /* The reward numbered `kind`. One that is not finite ends the rollout with ESP_ERR_NUMERIC. */
    double (*reward)(const esp_task *task, const mjModel *model, const esp_play *play, int kind);
    /* Fills terms, in the order of about.terms; may be NULL. */
    void   (*terms)(const esp_task *task, const mjModel *model, const esp_play *play, double *terms);
    /* Whether the goal holds; NULL: the task has none. */
    bool   (*goal)(const esp_task *task, const mjModel *model, const esp_play *play);
    /* 0, or when the episode ends early the number of the ending, from 1, in about.endings; NULL: it never does. */
    int    (*done)(const esp_task *task, const mjModel *model, const esp_play *play);
    /* Present value of about.quantities[index], in its unit. */
    double (*quantity)(const esp_task *task, const mjModel *model, const esp_play *play, int index);
    /* Writes item `index`, which is of floats; NULL when all items are pixels. */
    void   (*observe)(const esp_task *task, const mjModel *model, const esp_play *play, int index, double *out);
};

/* The task of a name, a task file or native code; it lives as long as the process. ESP_ERR_USAGE for an unknown name;
 * other failures are those of the file or of its scene. */
esp_status      esp_task_open(const char *name, const esp_task **out);
/* The same; NULL, with the error text set, when it fails. */
const esp_task *esp_task_find(const char *name);
/* The name below the models folders of a task that was given as the path of its file, in new memory that the caller
 * frees; NULL when it does not lie there. A name stays as it is. */
char           *esp_task_model_name(const char *task);
/* Adds a task in C under its name, which esp_task_find then knows. The task must live as long as the process. */
void            esp_task_register(const esp_task *task);
/* Lets esp_task_find load native code from this path; call it for paths that the user typed, and for no others. */
void            esp_task_allow_native(const char *path);
/* Version of the structs of this header; a shared object with a task exports it as `const int esp_task_version`, and
 * the task as `const esp_task esp_task_export`. */
#define ESP_TASK_VERSION 1
/* Sets *name to the first of `names` where it is NULL or "". ESP_ERR_USAGE when it is not among them; `key` begins
 * the sentence. */
esp_status esp_task_settle(const esp_task *task, const char *key, const char *const *names, const char **name);
/* Number of `names` before the NULL that ends them. */
int esp_names_count(const char *const *names);
/* Index of a name; the first for NULL or "", -1 when there is none. */
int esp_names_index(const char *const *names, const char *name);

/* ---- world.c: a task with its loaded model, shared read-only by all threads ------------------ */

/* Made by esp_world_create or esp_world_adopt and constant from then on; esp_world_free frees everything it owns. */
typedef struct {
    esp_env_config  config;      /* settled copy */
    const esp_task *task;        /* borrowed */
    mjModel        *model;       /* owned */
    int             start;       /* config.start as an index */
    int             reward;      /* config.reward as an index */
    int             num_actions; /* actuators of the model, at least 1 */
    int             num_steps;   /* control steps per episode, at most */
    int             repeat;      /* physics steps of this model per control step */
    int             substeps;    /* physics steps of this model per time step of the task, at least 1 */
    double          reward_weight; /* weight of the reward of a physics step: model's time step / task's */
    esp_actuation  *actuation;   /* [num_actions], owned */
    int             num_items;   /* items of an observation, as the task describes them */
    esp_obs_item   *item;        /* [num_items], owned; sizes filled in */
    char           *scene;       /* path of the MJCF, owned */
} esp_world;

/* An item of the task's observation, with the sizes that the task leaves to the configuration filled in. */
esp_obs_item esp_task_item(const esp_task *task, const esp_env_config *config, int item);
/* The path of the scene, in new memory that the caller frees: config.scene if given, else the task's own: beside its
 * file, or below $ESPALIER_MODELS, the installed models or those of the source tree; ESP_ERR_MACHINE when none of them
 * has it. */
esp_status esp_scene_find(const esp_env_config *config, char **out);
/* Loads the scene that esp_scene_find names. MuJoCo's own errors become one line.
 *
 * The control period is env.action_repeat times the *task's* time step. A scene with a finer time step takes more
 * physics steps per period, each with a smaller share of the reward, so that returns stay comparable; a warning says
 * so, and whether the period cannot be met exactly. */
esp_status esp_world_create(const esp_env_config *config, esp_world **out);
/* A world for a model that another program loaded and steps, with the same checks as for our own. Pictures are drawn
 * from the task's own scene, found as above, when its physics equals the model's; otherwise from a copy of the model,
 * which then needs the task's cameras. Error sentences do not begin with the model's name; the caller adds it. */
esp_status esp_world_adopt(const esp_env_config *config, const mjModel *model, esp_world **out);
void       esp_world_free(esp_world *world); /* accepts NULL */
double     esp_world_period(const esp_world *world); /* s, the control period that the task asks for */
/* Reward of the state of `play`, in a model with this world's physics. */
double     esp_world_reward(const esp_world *world, const mjModel *model, const esp_play *play);
/* Task, times, starts, expressions, observation and actions, as a JSON object that the caller deletes
 * (docs/json.md). */
cJSON     *esp_world_json(const esp_world *world);
/* Index of the first item of pixels, the one an agent looks at; -1 when there is none. */
int        esp_world_pixels(const esp_world *world);
/* The quantity that is the task's distance from the goal; NULL: it has none. */
const esp_task_quantity *esp_task_error(const esp_task *task);

/* ---- observation_rows.c: an observation as a network reads it --------------------------------------- */

/* Numbers of an observation: its items of floats, each with its history, one after another. */
int  esp_observation_numbers(const esp_world *world);
/* The observations of n episodes as rows [n, numbers]. */
void esp_observation_rows(const esp_world *world, const esp_observation *obs, int n, float *out);

/* ---- contract.c: what a file says of the world that its controller belongs to ----------------------- */

/* Adds scene, observation and, with a world, the scene's hash, the actions and the control period (docs/files.md) to
 * the contract of a file at `path`. world: of this configuration, or NULL. */
void esp_contract_add_world(cJSON *contract, const char *path, const esp_env_config *config, const esp_world *world);
/* Warns in one line, which names file and scene, when the scene of this configuration has another hash than the
 * contract of the file at `path`. Says nothing when there is no hash or no scene. */
void esp_contract_check_scene(const cJSON *contract, const char *path, const esp_env_config *config);

/* ---- scene_hash.c --------------------------------------------------------------------------------- */

/* Hash over the bytes of an MJCF file and, recursively, of the files that it names and that stand beside it. */
esp_status esp_scene_hash(const char *path, uint64_t *hash);

/* ---- machine.c: whether this machine can play episodes ------------------------------------------ */

/* The MuJoCo of this process. Texts belong to the library. */
typedef struct {
    const char *version;    /* version of the library, "3.17.0" */
    char        headers[24]; /* version of the headers espalier was built with */
    const char *file;       /* the loaded library; NULL: linked statically */
    bool        plugin_api; /* it has engine plugins (2.3.1 and later) */
} esp_mujoco_facts;

/* ESP_ERR_MACHINE when library and headers have different versions, because their structs differ; *out is filled in
 * any case. */
esp_status esp_mujoco_describe(esp_mujoco_facts *out);

/* Plays the first control step of an episode with action 0, pictures included: all that an evaluation needs of the
 * machine. *seconds is the time this took, not counting the creation of world and renderer. */
esp_status esp_world_try(const esp_world *world, double *seconds);

/* ---- guard.c: MuJoCo's own errors ---------------------------------------------------------------- */

/* Runs work(argument) and returns its status. MuJoCo reports failures by calling mju_error, which by default ends the
 * process; inside `work` such a call becomes `on_error` with MuJoCo's sentence. Resources that `work` held at that
 * moment are lost, so it should acquire none. */
esp_status esp_guard(esp_status (*work)(void *argument), void *argument, esp_status on_error);

/* ---- offscreen.c: OpenGL without a window -------------------------------------------------------- */

/* Owns an EGL context. Any thread may use it, one at a time: it is current during a call only, and an EGL context
 * that the thread had before is restored (the context of a GLX window cannot be restored; such a thread gets
 * ESP_ERR_MACHINE). */
typedef struct esp_offscreen esp_offscreen;

/* The caller frees *out. ESP_ERR_MACHINE when EGL or its driver fails; the sentence names the Debian package, the
 * memory limit or the environment variable at fault. */
esp_status esp_offscreen_create(esp_offscreen **out);
void       esp_offscreen_free(esp_offscreen *offscreen); /* accepts NULL */
/* Runs work(argument) with the context current; MuJoCo's errors become ESP_ERR_MACHINE. */
esp_status esp_offscreen_run(esp_offscreen *offscreen, esp_status (*work)(void *argument), void *argument);
/* The same for work that creates or frees a mjrContext, which touches state shared by all threads: only one thread of
 * the process at a time. */
esp_status esp_offscreen_prepare(esp_offscreen *offscreen, esp_status (*work)(void *argument), void *argument);

/* The renderer in use. */
typedef struct {
    char egl[32];       /* version of EGL, "1.5" */
    char renderer[128]; /* "llvmpipe (LLVM 15.0.6, 256 bits)" */
    char opengl[128];   /* versions of OpenGL and Mesa */
} esp_offscreen_facts;

/* Fills *out; longer texts are cut. ESP_ERR_MACHINE when the driver does not answer. */
esp_status esp_offscreen_describe(esp_offscreen *offscreen, esp_offscreen_facts *out);

/* ---- renderer.c: what the network sees ------------------------------ */

/* Owns an off-screen context and MuJoCo's scene and context. Any thread may use it, one at a time. */
typedef struct esp_renderer esp_renderer;

/* Draws item number `item` of the world's observation. Borrows the world. */
esp_status esp_renderer_create(const esp_world *world, int item, esp_renderer **out);
void       esp_renderer_free(esp_renderer *renderer); /* accepts NULL */
/* Renders at `supersample` times the item's size and box-filters down: frame [height, width] gray, row 0 at the top.
 * Of data only the state is read; derived positions are recomputed. */
esp_status esp_renderer_frame(esp_renderer *renderer, mjData *data, uint8_t *frame);

/* ---- simulator.c: the acting interface: observe, act, step ------------------------------------ */

/* Chooses actions [n, num_actions] for n episodes at control step `step`. */
typedef esp_status (*esp_act_fn)(void *context, int n, int step, const esp_observation *obs, float *actions);

/* Everything one thread needs to play up to `capacity` episodes at once: mjData, observations, renderers. Rollouts,
 * viewer and plugin all act through it. */
typedef struct esp_simulator esp_simulator;

/* With `render` false, the pixel items of an observation are NULL. Borrows the world. */
esp_status esp_simulator_create(const esp_world *world, int capacity, bool render, esp_simulator **out);
void       esp_simulator_free(esp_simulator *simulator); /* accepts NULL */
const esp_world *esp_simulator_world(const esp_simulator *simulator); /* as given to esp_simulator_create */
/* Episode number `episode`, from 0 to capacity - 1; owned by the simulator. */
esp_play  *esp_simulator_play(esp_simulator *simulator, int episode);
/* The last observation of all episodes; owned by the simulator, overwritten by esp_simulator_observe. */
const esp_observation *esp_simulator_observation(const esp_simulator *simulator);
/* The newest moment of an item, of one episode. */
const void *esp_simulator_newest(const esp_simulator *simulator, int episode, int item);

/* Puts n <= capacity episodes into their start states. */
esp_status esp_simulator_begin(esp_simulator *simulator, const esp_episode *episodes, int n);
/* Begins an episode from the state that its data is in, which the host of a plugin has set. n becomes 1. */
void       esp_simulator_join(esp_simulator *simulator, const esp_episode *episode);
/* Adds the present moment to the observations of all episodes that have not ended; the first moment of an episode
 * fills its whole history. */
esp_status esp_simulator_observe(esp_simulator *simulator);
/* The same for one episode, ended or not. */
esp_status esp_simulator_observe_one(esp_simulator *simulator, int episode);
/* Calls `act` to choose actions from the observations, clips them, and sets the controls. ESP_ERR_NUMERIC when an
 * action is not a number. */
esp_status esp_simulator_act(esp_simulator *simulator, esp_act_fn act, void *context);
/* Advances every episode that has not ended by `count` physics steps. One that MuJoCo cannot integrate ends, with
 * ESP_ENDING_DIVERGED and without the reward of that step. ESP_ERR_NUMERIC when a reward is not finite. */
esp_status esp_simulator_step(esp_simulator *simulator, int count);
/* Copies the state of a simulator with an equal world and capacity, except for its mjData, so that `to` resumes where
 * `from` is. */
void       esp_simulator_copy(esp_simulator *to, const esp_simulator *from);

/* ---- rollout.c: episodes in lockstep ---------------------------------------------------------- */

/* What is kept of an episode. The arrays belong to the caller; NULL means not wanted. When an episode ends early, the
 * rest of its arrays is left untouched. */
typedef struct {
    double   episode_return;  /* sum of rewards */
    int      length;          /* control steps played */
    int      ending;          /* ESP_ENDING_..., or the number of the task's ending */
    int      settled;         /* index of the first state (of length + 1) from which the goal holds to the end;
                               * num_steps: never */
    esp_behaviour behaviour;  /* how it was played */
    float   *rewards;         /* [num_steps] */
    float   *actions;         /* [num_steps, num_actions] clipped */
    uint8_t *frames;          /* [num_steps + 1, height, width] of the first item of pixels */
    double  *states;          /* [num_steps + 1, nq + nv] */
} esp_trajectory;

/* Plays n <= capacity episodes in lockstep on the calling thread until all have ended. Stops early with
 * ESP_ERR_INTERRUPTED, ESP_ERR_NUMERIC (an action is NaN) or the status that `act` returned. */
esp_status esp_rollout(esp_simulator *simulator, const esp_episode *episodes, int n,
                       esp_act_fn act, void *context, esp_trajectory *out);

/* ---- pool.c ------------------------------------------------------------------------------------- */

/* One simulator per OpenMP thread, made when that thread first uses it. */
typedef struct esp_pool esp_pool;

esp_pool  *esp_pool_create(const esp_world *world, int capacity, bool render); /* borrows the world */
void       esp_pool_free(esp_pool *pool); /* accepts NULL */
const esp_world *esp_pool_world(const esp_pool *pool); /* as given to esp_pool_create */
/* The simulator of the calling OpenMP thread. */
esp_status esp_pool_simulator(esp_pool *pool, esp_simulator **out);

#endif
