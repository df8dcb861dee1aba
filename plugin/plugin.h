/* plugin: a trained or pruned controller inside any MuJoCo program, as libespalier_controller.so.
 *
 * An unmodified program gets it by preloading the library, a program with MuJoCo 2.3.1 or later by loading it as an
 * engine plugin; both are configured by the scene and the environment (docs/plugin.md). A program that links the
 * library chooses which simulations are driven, with the functions below. */
#ifndef ESP_PLUGIN_H
#define ESP_PLUGIN_H

#include <stdint.h>

#include <mujoco/mujoco.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library exports these functions and hides all others. */
#define ESP_PLUGIN_API __attribute__((visibility("default")))

/* Members that are left open (NULL or 0) come from the environment, then from the scene's <custom> text, then from
 * the default: ESPALIER_CHECKPOINT and espalier.checkpoint, and so on. */
typedef struct {
    const char *checkpoint; /* agent.safetensors */
    const char *controller; /* "mppi", the planner, or "policy"; default: the one that the checkpoint is for */
    double      period;     /* s between two controls; default: env.action_repeat steps of the model */
    uint64_t    seed;       /* seed that names the episodes, as `espalier eval --seed` */
    const char *log;        /* file that gets one JSON line per control step; default: none */
} esp_plugin_options;

/* Drives data from now on: in each of its steps MuJoCo's control callback holds the chosen control in data->ctrl. The
 * next state that is evaluated begins an episode; so does every state that was not reached by a step (a reset, a
 * loaded keyframe, a pose set by hand).
 *
 * Copies the model and the options; borrows data, so detach it before mj_deleteData. `options` may be NULL. Takes
 * over mjcb_control and passes simulations that are not attached on to the callback that was set before; a program
 * that installs its own callback must do so first. Returns 0; or another value, with the reason in esp_plugin_error,
 * and data is not attached. May be called from any thread; use data in one thread at a time. */
ESP_PLUGIN_API int esp_plugin_attach(const mjModel *model, mjData *data, const esp_plugin_options *options);

/* Stops driving data and frees everything; data->ctrl keeps its last value. Does nothing when data is not
 * attached. */
ESP_PLUGIN_API void esp_plugin_detach(mjData *data);

/* One sentence about the calling thread's last failure; never NULL. */
ESP_PLUGIN_API const char *esp_plugin_error(void);

#ifdef __cplusplus
}
#endif

#endif
