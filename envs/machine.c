/* Whether this machine can play episodes: which MuJoCo it loaded, and one control step as a
 * trial. */
#define _GNU_SOURCE /* RTLD_DEFAULT, dladdr */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "envs/envs_internal.h"

/* ---- MuJoCo ---------------------------------------------------------------------------------------- */

/* 2.2.2 is the number 222; since 3.5.0 each part has three digits. */
static void write_version(int number, char *out, size_t size)
{
    int base = number < 1000 ? 10 : 1000;
    snprintf(out, size, "%d.%d.%d", number / base / base, number / base % base, number % base);
}

esp_status esp_mujoco_describe(esp_mujoco_facts *out)
{
    Dl_info library;
    *out = (esp_mujoco_facts){
        .version = mj_versionString(),
        .file = dladdr((void *)mj_version, &library) ? library.dli_fname : NULL,
        .plugin_api = dlsym(RTLD_DEFAULT, "mjp_registerPlugin") != NULL,
    };
    write_version(mjVERSION_HEADER, out->headers, sizeof out->headers);
    if (mj_version() == mjVERSION_HEADER) return ESP_OK;
    return esp_fail(ESP_ERR_MACHINE, "MuJoCo %s is loaded from %s, but espalier was built for %s (build it again, or "
                    "unset LD_LIBRARY_PATH and LD_PRELOAD)", out->version, out->file ? out->file : "this program",
                    out->headers);
}

/* ---- a control step --------------------------------------------------------------------------------- */

/* Acts with 0, and checks that the first picture shows something: a blank one has the same gray
 * everywhere. */
static esp_status act(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    const esp_world *world = context;
    const esp_obs_item *item = &world->item[esp_world_pixels(world)];
    size_t pixels = esp_obs_item_size(item);
    const uint8_t *frame = (const uint8_t *)obs->item[esp_world_pixels(world)] + (size_t)(item->history - 1) * pixels;
    if (step == 0 && memcmp(frame, frame + 1, pixels - 1) == 0)
        return esp_fail(ESP_ERR_MACHINE, "the renderer draws nothing: every pixel of %s is alike", world->scene);
    memset(actions, 0, (size_t)n * (size_t)world->num_actions * sizeof *actions);
    return ESP_OK;
}

esp_status esp_world_try(const esp_world *world, double *seconds)
{
    esp_world brief = *world;
    brief.num_steps = 1;
    esp_simulator *simulator = NULL;
    esp_episode episode = {.seed = 1, .start = world->start};
    esp_trajectory trajectory = {.rewards = NULL};
    esp_status status = esp_simulator_create(&brief, 1, true, &simulator);
    double before = esp_clock();
    if (status == ESP_OK) status = esp_rollout(simulator, &episode, 1, act, &brief, &trajectory);
    *seconds = esp_clock() - before;
    esp_simulator_free(simulator);
    return status;
}
