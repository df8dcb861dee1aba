/* Declarations that only the files of plugin share. */
#ifndef ESP_PLUGIN_INTERNAL_H
#define ESP_PLUGIN_INTERNAL_H

#include "agent/agent.h"
#include "plugin/plugin.h"

/* ---- settings.c ------------------------------------------------------------------------------ */

/* Checks the version: a program may bring another MuJoCo than the one whose structs we were compiled for. */
esp_status esp_plugin_check_mujoco(void);

typedef struct {
    char               *checkpoint; /* owned; NULL: none was given */
    int                 controller; /* esp_controller_kind; -1: the one that the checkpoint is for */
    double              period;     /* s; 0: the task's control period */
    uint64_t            seed;
    char               *log;        /* owned, or NULL */
} esp_plugin_settings;

/* Looks up a value where the program's own options do not give it: in the attributes of an engine plugin, the
 * environment, or the scene. Returns NULL or "" when there is none. */
typedef const char *(*esp_plugin_lookup)(const mjModel *model, int instance, const char *key);

/* Options first, then the environment (ESPALIER_<KEY>), then `lookup`. options may be NULL. */
esp_status esp_plugin_settings_read(const esp_plugin_options *options, const mjModel *model, int instance,
                                    esp_plugin_lookup lookup, esp_plugin_settings *out);
void       esp_plugin_settings_free(esp_plugin_settings *settings);
/* An esp_plugin_lookup: <custom><text name="espalier.<key>" data="..."/>. */
const char *esp_plugin_scene_text(const mjModel *model, int instance, const char *key);

/* Prints one line about a model to stderr; identical consecutive lines are printed once. */
void esp_plugin_complain(const mjModel *model, const char *sentence);
/* From now on, warnings of the modules below are printed to stderr in the same way. */
void esp_plugin_listen(void);

/* ---- log.c: a log of decisions ------------------------------------------------------------------- */

/* A file of JSON lines that belongs to this program; its simulations may share it. */
typedef struct esp_plugin_log esp_plugin_log;

/* ESP_ERR_IO when another process holds it. */
esp_status esp_plugin_log_open(const char *path, esp_plugin_log **out);
void       esp_plugin_log_close(esp_plugin_log *log); /* accepts NULL */
esp_status esp_plugin_log_append(esp_plugin_log *log, const cJSON *line);

/* ---- pilot.c: observes and acts, on its own thread -------------------------------------------- */

/* Owns a thread, and on it an EGL context, a copy of the model, the network and the frame stack. The host's OpenGL
 * context and signal handlers belong to other threads and are never touched. */
typedef struct esp_pilot esp_pilot;

esp_status esp_pilot_create(const mjModel *model, const esp_plugin_settings *settings, esp_pilot **out);
void       esp_pilot_free(esp_pilot *pilot);
const esp_world *esp_pilot_world(const esp_pilot *pilot);
/* Draws the state of data and chooses control [nu], in the actuators' units. A given episode begins with this state;
 * NULL continues the present one. Waits for the thread. */
esp_status esp_pilot_decide(esp_pilot *pilot, const mjData *data, const esp_episode *begin, mjtNum *control);
/* Reward of a state of the host in the present episode. */
double     esp_pilot_reward(esp_pilot *pilot, const mjModel *model, mjData *data);
/* Copies the state of another pilot with the same model and settings, so that `to` continues from there. */
void       esp_pilot_copy(esp_pilot *to, const esp_pilot *from);

/* ---- core.c: when to act ----------------------------------------------------------------------- */

/* One driven simulation. Like mjData, it must not be shared between threads without a lock. */
typedef struct esp_core esp_core;

/* Takes ownership of the settings, even on failure. */
esp_status esp_core_create(const mjModel *model, esp_plugin_settings *settings, esp_core **out);
void       esp_core_free(esp_core *core);
/* Called whenever MuJoCo evaluates the dynamics of data: writes the present control to data->ctrl, after choosing it
 * if one is due. A failure is reported once, and the control is zero. */
void       esp_core_control(esp_core *core, const mjModel *model, mjData *data);
/* Makes the next state begin an episode, whatever it looks like. */
void       esp_core_restart(esp_core *core);
/* Copies the state of another core with the same model and settings, so that `to` continues from there. */
void       esp_core_copy(esp_core *to, const esp_core *from);

/* ---- engine.c: MuJoCo's engine plugin ------------------------------------------------------------ */

/* Sets the forces of the actuators that belong to a plugin instance to their controls, since an actuator plugin has
 * no gain; zero when nothing drives the instance. MuJoCo 2.3.1 and later. */
void esp_plugin_exert(const mjModel *model, mjData *data, int instance, bool driven);

/* ---- callback.c: MuJoCo's control callback ------------------------------------------------------ */

/* Takes over mjcb_control; simulations that are not ours are passed on to the callback that was set before. */
void esp_callback_install(void);
/* From now on, simulations that are not attached are considered too: their scene and the environment decide whether
 * they are driven. */
void esp_callback_take_all(void);
/* While a thread pauses it, evaluations of the dynamics on this thread are ignored: the compiler's test step. */
void esp_callback_pause(bool pause);
/* Evaluations on the calling thread from now on belong to no simulation: no callback sees them, not even the
 * host's. */
void esp_callback_leave_out_thread(void);
bool esp_callback_leaves_out(void); /* whether the calling thread is left out */
/* Call before the data is deleted. */
void esp_callback_forget(mjData *data);

#endif
