/* The engine plugin of MuJoCo 2.3.1 and later: an actuator whose force is chosen by an espalier controller.
 *
 * An instance keeps its settings in mjData's plugin_data and makes its core when the dynamics are first evaluated:
 * mjData is also created just to be copied, or by the compiler just for its sizes. */
#include <mujoco/mujoco.h>

#if mjVERSION_HEADER >= 231
#include <stdio.h>
#include <stdlib.h>

#include "plugin/plugin_internal.h"

typedef struct {
    esp_core *core;   /* owned; NULL: not needed yet, or refused */
    bool      refused;
} instance_data;

static instance_data *data_of(const mjData *data, int instance)
{
    return (instance_data *)data->plugin_data[instance];
}

/* ---- configuration --------------------------------------------------------------------------------- */

static const char *const attributes[] = {"checkpoint", "controller", "period", "seed", "log"};

/* An esp_plugin_lookup. */
static const char *attribute(const mjModel *model, int instance, const char *key)
{
    return mj_getPluginConfig(model, instance, key);
}

static esp_status create_core(const mjModel *model, int instance, esp_core **out)
{
    esp_plugin_settings settings;
    esp_status status = esp_plugin_settings_read(NULL, model, instance, attribute, &settings);
    if (status == ESP_OK && !settings.checkpoint)
        status = esp_fail(ESP_ERR_USAGE, "the plugin has no attribute 'checkpoint' (nor is ESPALIER_CHECKPOINT set)");
    if (status == ESP_OK) status = esp_core_create(model, &settings, out);
    esp_plugin_settings_free(&settings);
    return status;
}

/* NULL: refused, and already reported. */
static esp_core *core_of(const mjModel *model, instance_data *own, int instance)
{
    if (!own->core && !own->refused && create_core(model, instance, &own->core) != ESP_OK) {
        own->refused = true;
        esp_plugin_complain(model, esp_error_text());
    }
    return own->core;
}

/* ---- called by MuJoCo ------------------------------------------------------------------------------- */

static int no_state(const mjModel *model, int instance)
{
    (void)model;
    (void)instance;
    return 0;
}

static int init(const mjModel *model, mjData *data, int instance)
{
    (void)model;
    data->plugin_data[instance] = (uintptr_t)esp_alloc(1, sizeof(instance_data));
    return 0;
}

static void destroy(mjData *data, int instance)
{
    instance_data *own = data_of(data, instance);
    if (!own) return;
    esp_core_free(own->core);
    free(own);
    data->plugin_data[instance] = 0;
}

static void copy(mjData *to, const mjModel *model, const mjData *from, int instance)
{
    instance_data *own = data_of(to, instance);
    const instance_data *other = data_of(from, instance);
    own->refused = other->refused;
    if (other->core && core_of(model, own, instance)) esp_core_copy(own->core, other->core);
    else if (own->core) esp_core_restart(own->core);
}

static void restart(instance_data *own)
{
    if (own && own->core) esp_core_restart(own->core);
}

#if mjVERSION_HEADER == 231
static void reset(const mjModel *model, mjData *data, int instance)
{
    (void)model;
    restart(data_of(data, instance));
}
#else
static void reset(const mjModel *model, mjtNum *state, void *data, int instance)
{
    (void)model;
    (void)state;
    (void)instance;
    restart(data);
}
#endif

/* Since MuJoCo 3.11.0 an actuator may have several controls and several forces; before, it had one of each. */
#if mjVERSION_HEADER >= 3011000
#define NUM_ACTUATORS(model) ((int)(model)->nactuator)
#define FIRST_FORCE(model, actuator) ((model)->actuator_outadr[actuator])
#define NUM_FORCES(model, actuator) ((model)->actuator_outnum[actuator])
#define FIRST_CONTROL(model, actuator) ((model)->actuator_ctrladr[actuator])
#define NUM_CONTROLS(model, actuator) ((model)->actuator_ctrlnum[actuator])
#else
#define NUM_ACTUATORS(model) ((int)(model)->nu)
#define FIRST_FORCE(model, actuator) (actuator)
#define NUM_FORCES(model, actuator) 1
#define FIRST_CONTROL(model, actuator) (actuator)
#define NUM_CONTROLS(model, actuator) 1
#endif

/* An instance that no actuator refers to has nothing to drive. */
static bool drives(const mjModel *model, int instance)
{
    for (int i = 0; i < NUM_ACTUATORS(model); i++)
        if (model->actuator_plugin[i] == instance) return true;
    return false;
}

/* A force beyond the last control has no control to follow. */
static void exert(const mjModel *model, mjData *data, int actuator, bool driven)
{
    mjtNum *force = data->actuator_force + FIRST_FORCE(model, actuator);
    const mjtNum *control = data->ctrl + FIRST_CONTROL(model, actuator);
    for (int k = 0; k < NUM_FORCES(model, actuator); k++)
        force[k] = driven && k < NUM_CONTROLS(model, actuator) ? control[k] : 0.0;
}

void esp_plugin_exert(const mjModel *model, mjData *data, int instance, bool driven)
{
    for (int i = 0; i < NUM_ACTUATORS(model); i++)
        if (model->actuator_plugin[i] == instance) exert(model, data, i, driven);
}

static void compute(const mjModel *model, mjData *data, int instance, int capability)
{
    (void)capability;
    if (esp_callback_leaves_out() || !drives(model, instance)) return; /* a pilot must not have pilots of its own */
    esp_core *core = core_of(model, data_of(data, instance), instance);
    if (core) esp_core_control(core, model, data);
    esp_plugin_exert(model, data, instance, core != NULL);
}

static void register_plugin(void)
{
    if (esp_plugin_check_mujoco() != ESP_OK) {
        fprintf(stderr, "espalier: %s: no plugin\n", esp_error_text());
        return;
    }
    /* Registered by another copy of this library; registering twice is an error. */
    if (mjp_getPlugin("espalier.controller", NULL)) return;
    mjpPlugin plugin;
    mjp_defaultPlugin(&plugin);
    plugin.name = "espalier.controller";
    plugin.nattribute = sizeof attributes / sizeof *attributes;
    plugin.attributes = attributes;
#if mjVERSION_HEADER == 231
    plugin.type = mjPLUGIN_ACTUATOR;
#else
    plugin.capabilityflags = mjPLUGIN_ACTUATOR;
#endif
    plugin.nstate = no_state;
    plugin.init = init;
    plugin.destroy = destroy;
    plugin.copy = copy;
    plugin.reset = reset;
    plugin.compute = compute;
    mjp_registerPlugin(&plugin);
}

/* MuJoCo's macro was renamed in 2.3.4, and has taken a name since 3.7.0. */
#if mjVERSION_HEADER >= 3007000
mjPLUGIN_LIB_INIT(espalier)
#elif defined(mjPLUGIN_LIB_INIT)
mjPLUGIN_LIB_INIT
#else
mjPLUGIN_DYNAMIC_LIBRARY_INIT
#endif
{
    register_plugin();
}
#else
typedef int esp_no_engine_plugin; /* this MuJoCo can use the controller only by its control callback */
#endif
