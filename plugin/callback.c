/* MuJoCo's control callback, one per process: finds the core of a simulation and lets it act.
 *
 * Simulations are known by their mjData. A thread steps the same one again and again, so it remembers the last one it
 * found; the count of removals tells when that may be stale. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/plugin_internal.h"

typedef enum {
    DRIVEN,
    REFUSED, /* it asked for a controller that cannot be loaded: zero control */
    IGNORED  /* it asked for no controller */
} standing;

typedef struct simulation {
    mjData            *data; /* borrowed */
    standing           standing;
    esp_core          *core; /* owned; set when DRIVEN */
    struct simulation *next;
} simulation;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects the list and the installation */
static simulation *simulations;
static _Atomic uint64_t removals;
static atomic_bool takes_all;
static mjfGeneric before_us; /* the callback that was set before */

static _Thread_local struct {
    const mjData *data;
    simulation   *found;
    uint64_t      removals;
} last;
static _Thread_local bool paused, ours;

/* ---- the list ------------------------------------------------------------------------------------ */

static simulation *find(const mjData *data)
{
    uint64_t now = atomic_load_explicit(&removals, memory_order_acquire);
    if (last.found && last.data == data && last.removals == now) return last.found;

    pthread_mutex_lock(&lock);
    simulation *s = simulations;
    while (s && s->data != data) s = s->next;
    pthread_mutex_unlock(&lock);
    last.data = data;
    last.found = s;
    last.removals = now;
    return s;
}

static simulation *add(mjData *data, standing standing, esp_core *core)
{
    simulation *s = esp_alloc(1, sizeof *s);
    *s = (simulation){.data = data, .standing = standing, .core = core};
    pthread_mutex_lock(&lock);
    s->next = simulations;
    simulations = s;
    pthread_mutex_unlock(&lock);
    return s;
}

/* Freed outside the lock: a core deletes its own mjData, which calls back into this file. */
static void discard(const mjData *data)
{
    pthread_mutex_lock(&lock);
    simulation **at = &simulations;
    while (*at && (*at)->data != data) at = &(*at)->next;
    simulation *s = *at;
    if (s) {
        *at = s->next;
        atomic_fetch_add_explicit(&removals, 1, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    if (!s) return;
    esp_core_free(s->core);
    free(s);
}

/* ---- creating -------------------------------------------------------------------------------------- */

static esp_status create(const mjModel *model, const esp_plugin_options *options, bool *named, esp_core **out)
{
    esp_plugin_settings settings = {.checkpoint = NULL};
    esp_status status = esp_plugin_check_mujoco();
    if (status == ESP_OK) status = esp_plugin_settings_read(options, model, 0, esp_plugin_scene_text, &settings);
    *named = settings.checkpoint != NULL;
    if (status == ESP_OK && !*named)
        status = esp_fail(ESP_ERR_USAGE, "no checkpoint is named; set ESPALIER_CHECKPOINT or add <custom><text "
                                         "name=\"espalier.checkpoint\" data=\"FILE\"/> to the model");
    if (status == ESP_OK) status = esp_core_create(model, &settings, out);
    esp_plugin_settings_free(&settings);
    return status;
}

/* Registers a simulation on its first appearance, in a program that does not know the library. */
static simulation *meet(const mjModel *model, mjData *data)
{
    bool named;
    esp_core *core = NULL;
    if (create(model, NULL, &named, &core) == ESP_OK) return add(data, DRIVEN, core);
    esp_plugin_complain(model, esp_error_text());
    return add(data, named ? REFUSED : IGNORED, NULL);
}

/* ---- the callback ---------------------------------------------------------------------------------- */

static void control(const mjModel *model, mjData *data)
{
    if (ours) return;
    simulation *s = find(data);
    if (!s && atomic_load_explicit(&takes_all, memory_order_relaxed) && !paused) s = meet(model, data);
    if (s && s->standing == DRIVEN) {
        esp_core_control(s->core, model, data);
    } else if (s && s->standing == REFUSED) {
        memset(data->ctrl, 0, (size_t)model->nu * sizeof *data->ctrl);
    } else if (before_us) {
        before_us(model, data);
    }
}

void esp_callback_install(void)
{
    pthread_mutex_lock(&lock);
    if (mjcb_control != control) {
        before_us = mjcb_control;
        mjcb_control = control;
    }
    pthread_mutex_unlock(&lock);
}

void esp_callback_take_all(void)
{
    atomic_store(&takes_all, true);
    esp_callback_install();
}

void esp_callback_pause(bool pause)
{
    paused = pause;
}

void esp_callback_leave_out_thread(void)
{
    ours = true;
}

bool esp_callback_leaves_out(void)
{
    return ours;
}

void esp_callback_forget(mjData *data)
{
    discard(data);
}

/* ---- for programs that link the library ------------------------------------------------------------- */

int esp_plugin_attach(const mjModel *model, mjData *data, const esp_plugin_options *options)
{
    bool named;
    esp_core *core = NULL;
    esp_status status = create(model, options, &named, &core);
    if (status != ESP_OK) return (int)esp_fail_in(status, "model '%s'", model->names);
    discard(data); /* attached again, with new options */
    add(data, DRIVEN, core);
    return 0;
}

void esp_plugin_detach(mjData *data)
{
    discard(data);
}

const char *esp_plugin_error(void)
{
    return esp_error_text();
}
