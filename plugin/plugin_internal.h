/* What the files of plugin share and nobody else sees. */
#ifndef ESP_PLUGIN_INTERNAL_H
#define ESP_PLUGIN_INTERNAL_H

#include "agent/agent.h"
#include "plugin/plugin.h"

/* ---- settings.c ------------------------------------------------------------------------------ */

/* A program may bring another MuJoCo than the one whose structures we were compiled for. */
esp_status esp_plugin_check_mujoco(void);

typedef struct {
    char               *checkpoint; /* owned; NULL: none was named */
    int                 controller; /* esp_controller_kind; -1: the one that the checkpoint is for */
    double              period;     /* s; 0: the task's control period */
    uint64_t            seed;
    char               *log;        /* owned, or NULL */
} esp_plugin_settings;

/* Where a value may stand below the program's own options: the attribute of an engine plugin, the
 * environment, the scene. Returns NULL or "" where there is none. */
typedef const char *(*esp_plugin_lookup)(const mjModel *model, int instance, const char *key);

/* Options first, then the environment (ESPALIER_<KEY>), then `lookup`. options may be NULL. */
esp_status esp_plugin_settings_read(const esp_plugin_options *options, const mjModel *model, int instance,
                                    esp_plugin_lookup lookup, esp_plugin_settings *out);
void       esp_plugin_settings_free(esp_plugin_settings *settings);
/* An esp_plugin_lookup: <custom><text name="espalier.<key>" data="..."/>. */
const char *esp_plugin_scene_text(const mjModel *model, int instance, const char *key);

/* One line on stderr about a model; the same line in a row is printed once. */
void esp_plugin_complain(const mjModel *model, const char *sentence);
/* From now on warnings of the modules below go to stderr in the same way. */
void esp_plugin_listen(void);

/* ---- log.c: what was decided --------------------------------------------------------------------- */

/* A file of JSON lines that belongs to this program, whose simulations may share it. */
typedef struct esp_plugin_log esp_plugin_log;

/* ESP_ERR_IO when another process writes it. */
esp_status esp_plugin_log_open(const char *path, esp_plugin_log **out);
void       esp_plugin_log_close(esp_plugin_log *log); /* accepts NULL */
esp_status esp_plugin_log_append(esp_plugin_log *log, const cJSON *line);

/* ---- pilot.c: sees and acts, on a thread of its own ------------------------------------------- */

/* Owns a thread, and on it an EGL context, a copy of the model, the network and the frame stack. The
 * host's OpenGL context and signal handlers belong to other threads and are never touched. */
typedef struct esp_pilot esp_pilot;

esp_status esp_pilot_create(const mjModel *model, const esp_plugin_settings *settings, esp_pilot **out);
void       esp_pilot_free(esp_pilot *pilot);
const esp_world *esp_pilot_world(const esp_pilot *pilot);
/* Draws the state of data and chooses control [nu], in the actuators' units. A given episode begins
 * with this state; NULL goes on. Waits for the thread. */
esp_status esp_pilot_decide(esp_pilot *pilot, const mjData *data, const esp_episode *begin, mjtNum *control);
/* Reward of a state of the host's in the present episode. */
double     esp_pilot_reward(esp_pilot *pilot, const mjModel *model, mjData *data);
/* Goes on where another pilot of the same model and settings is. */
void       esp_pilot_copy(esp_pilot *to, const esp_pilot *from);

/* ---- core.c: when to act ----------------------------------------------------------------------- */

/* One simulation under control. Not shared between threads without a lock, as mjData is not. */
typedef struct esp_core esp_core;

/* Takes the settings over, also when it fails. */
esp_status esp_core_create(const mjModel *model, esp_plugin_settings *settings, esp_core **out);
void       esp_core_free(esp_core *core);
/* Called whenever MuJoCo evaluates the dynamics of data: writes the control that holds now into
 * data->ctrl, after deciding on it if one is due. What fails is told once and the control is zero. */
void       esp_core_control(esp_core *core, const mjModel *model, mjData *data);
/* The next state starts an episode, whatever it looks like. */
void       esp_core_restart(esp_core *core);
/* Goes on where another core of the same model and settings is. */
void       esp_core_copy(esp_core *to, const esp_core *from);

/* ---- engine.c: MuJoCo's engine plugin ------------------------------------------------------------ */

/* The forces of the actuators that belong to a plugin instance are their controls, since an actuator plugin has no
 * gain; zero when nothing drives the instance. MuJoCo 2.3.1 and later. */
void esp_plugin_exert(const mjModel *model, mjData *data, int instance, bool driven);

/* ---- callback.c: MuJoCo's control callback ------------------------------------------------------ */

/* Takes mjcb_control over, passing on what is not ours to the callback that was there. */
void esp_callback_install(void);
/* From now on every simulation that is not attached is looked at as well: its scene and the
 * environment say whether it is driven. */
void esp_callback_take_all(void);
/* While a thread holds it, evaluations of the dynamics are none of ours: the compiler's test step. */
void esp_callback_pause(bool pause);
/* What the calling thread evaluates from now on is nobody's simulation: no callback sees it, the host's neither. */
void esp_callback_leave_out_thread(void);
bool esp_callback_leaves_out(void); /* whether the calling thread is such a one */
/* The data is about to be deleted. */
void esp_callback_forget(mjData *data);

#endif
