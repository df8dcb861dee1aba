/* plugin: a trained or pruned controller inside any MuJoCo program, as libespalier_controller.so.
 *
 * An unmodified program gets it by preloading the library, a program with MuJoCo 2.3.1 or later by
 * loading it as an engine plugin; both are configured by the scene and the environment (docs/plugin.md).
 * A program that links the library says itself which simulation is driven: the functions below. */
#ifndef ESP_PLUGIN_H
#define ESP_PLUGIN_H

#include <stdint.h>

#include <mujoco/mujoco.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library shows these functions and hides all others. */
#define ESP_PLUGIN_API __attribute__((visibility("default")))

/* What a member leaves open (NULL or 0) the environment decides, then the scene's <custom> text, then
 * the default: ESPALIER_CHECKPOINT and espalier.checkpoint, and so on. */
typedef struct {
    const char *checkpoint; /* agent.safetensors */
    const char *controller; /* "mppi", the planner, or "policy"; NULL: what the checkpoint is for */
    double      period;     /* s between two controls; default: env.action_repeat steps of the model */
    uint64_t    seed;       /* names the episodes, as `espalier eval --seed` does */
    const char *log;        /* file that gets one JSON line a control step; default: none */
} esp_plugin_options;

/* Drives data from now on: in each of its steps MuJoCo's control callback holds the chosen control in
 * data->ctrl. The start of an episode is the next state that comes; a state that no step leads to (a
 * reset, a loaded keyframe, a pose set by hand) starts another one.
 *
 * Copies the model and the options; borrows data, so detach it before mj_deleteData. `options` may be
 * NULL. Takes mjcb_control over and passes on to the callback that was there what is not attached: a
 * program that installs a callback of its own does so before. Returns 0, or another value with
 * esp_plugin_error telling why: then data is not attached. Any thread; data in one thread at a time. */
ESP_PLUGIN_API int esp_plugin_attach(const mjModel *model, mjData *data, const esp_plugin_options *options);

/* Ends it and frees everything; data->ctrl keeps its last value. Not attached: nothing happens. */
ESP_PLUGIN_API void esp_plugin_detach(mjData *data);

/* One sentence on the calling thread's last failure; never NULL. */
ESP_PLUGIN_API const char *esp_plugin_error(void);

#ifdef __cplusplus
}
#endif

#endif
