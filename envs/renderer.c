/* What the network sees: MuJoCo's renderer in an off-screen context, box-filtered to gray.
 *
 * The picture is rendered larger than the network needs and averaged down, because the pole's angle
 * shows in fractions of a pixel: 28x28 drawn directly gives 1,040 distinct frames over 3,600
 * angles, 84x84 averaged down more than 3,000. */
#include <GL/gl.h>
#include <stdlib.h>
#include <string.h>

#include "envs/envs_internal.h"

#define MAX_GEOMS 1000 /* shapes drawn per frame, MuJoCo's decorations included */

struct esp_renderer {
    const esp_world *world;   /* borrowed */
    esp_offscreen   *context; /* owned, like everything below */
    mjvScene         scene;
    mjrContext       draw;
    mjvOption        option;
    mjvCamera        camera;
    const esp_obs_item *item; /* what is drawn; the world's */
    int              width, height; /* rendered pixels */
    uint8_t         *pixels;  /* [height, width, 4], bottom row first */
    uint32_t        *sums;    /* [width] luma of the rows that become one */
    mjData          *shown;   /* argument of render, borrowed for the call */
};

/* ---- MuJoCo's part ---------------------------------------------------------------------------- */

static esp_status prepare_drawing(void *argument)
{
    esp_renderer *renderer = argument;
    const mjModel *model = renderer->world->model;
    mjr_makeContext(model, &renderer->draw, mjFONTSCALE_100);
    mjr_setBuffer(mjFB_OFFSCREEN, &renderer->draw);
    if (renderer->draw.currentBuffer != mjFB_OFFSCREEN)
        return esp_fail(ESP_ERR_MACHINE, "OpenGL offers no off-screen buffer");

    mjv_makeScene(model, &renderer->scene, MAX_GEOMS);
    /* Effects take ten times as long as the picture itself and tell the network nothing. */
    memset(renderer->scene.flags, 0, sizeof renderer->scene.flags);
    renderer->scene.flags[mjRND_CULL_FACE] = 1;
    mjv_defaultOption(&renderer->option);
    mjv_defaultCamera(&renderer->camera);
    renderer->camera.type = mjCAMERA_FIXED;
    renderer->camera.fixedcamid = mj_name2id(model, mjOBJ_CAMERA, renderer->item->camera);
    return ESP_OK;
}

static esp_status free_drawing(void *argument)
{
    esp_renderer *renderer = argument;
    mjr_freeContext(&renderer->draw);
    return ESP_OK;
}

/* mj_step leaves body positions one step behind qpos, so they are updated first; the next mj_step
 * recomputes them from qpos, so drawing does not affect the physics. */
static esp_status render(void *argument)
{
    esp_renderer *renderer = argument;
    const mjModel *model = renderer->world->model;
    mj_kinematics(model, renderer->shown);
    mj_comPos(model, renderer->shown);
    mj_camlight(model, renderer->shown);

    mjrRect whole = {0, 0, renderer->width, renderer->height};
    mjv_updateScene(model, renderer->shown, &renderer->option, NULL, &renderer->camera, mjCAT_ALL, &renderer->scene);
    mjr_render(whole, &renderer->scene, &renderer->draw);
    /* Mesa stores RGBA, so this read is a plain copy; mjr_readPixels converts to RGB. */
    esp_read_pixels(0, 0, renderer->width, renderer->height, GL_RGBA, GL_UNSIGNED_BYTE, renderer->pixels);
    return ESP_OK;
}

/* Adds the luma of a row of pixels to `sums`, weights of BT.601 in 1/256: integers give the same result everywhere. */
ESP_VECTORISED
static void add_luma(int count, const uint8_t *restrict rgba, uint32_t *restrict sums)
{
    for (int i = 0; i < count; i++) sums[i] += 77u * rgba[4 * i] + 150u * rgba[4 * i + 1] + 29u * rgba[4 * i + 2];
}

static void box_filter(const uint8_t *pixels, const esp_obs_item *item, uint32_t *sums, uint8_t *frame)
{
    int supersample = item->supersample, side = item->width * supersample;
    uint32_t weight = 256u * (uint32_t)(supersample * supersample);
    for (int row = 0; row < item->height; row++) {
        /* OpenGL's first row is at the bottom */
        const uint8_t *top = pixels + (size_t)(item->height - 1 - row) * (size_t)supersample * (size_t)side * 4;
        memset(sums, 0, (size_t)side * sizeof *sums);
        for (int y = 0; y < supersample; y++) add_luma(side, top + (size_t)y * (size_t)side * 4, sums);
        for (int column = 0; column < item->width; column++) {
            uint32_t sum = weight / 2;
            for (int x = 0; x < supersample; x++) sum += sums[column * supersample + x];
            frame[row * item->width + column] = (uint8_t)(sum / weight);
        }
    }
}

/* ---- public ----------------------------------------------------------------------------------- */

esp_status esp_renderer_create(const esp_world *world, int item, esp_renderer **out)
{
    esp_renderer *renderer = esp_alloc(1, sizeof *renderer);
    renderer->world = world;
    renderer->item = &world->item[item];
    renderer->width = renderer->item->width * renderer->item->supersample;
    renderer->height = renderer->item->height * renderer->item->supersample;
    renderer->pixels = esp_alloc((size_t)renderer->width * (size_t)renderer->height, 4);
    renderer->sums = esp_alloc((size_t)renderer->width, sizeof *renderer->sums);
    mjv_defaultScene(&renderer->scene);
    mjr_defaultContext(&renderer->draw);

    esp_status status = esp_offscreen_create(&renderer->context);
    if (status == ESP_OK) status = esp_offscreen_prepare(renderer->context, prepare_drawing, renderer);

    if (status == ESP_OK) *out = renderer;
    else                  esp_renderer_free(renderer);
    return status;
}

void esp_renderer_free(esp_renderer *renderer)
{
    if (!renderer) return;
    if (renderer->context) esp_offscreen_prepare(renderer->context, free_drawing, renderer);
    esp_offscreen_free(renderer->context);
    mjv_freeScene(&renderer->scene);
    free(renderer->pixels);
    free(renderer->sums);
    free(renderer);
}

esp_status esp_renderer_frame(esp_renderer *renderer, mjData *data, uint8_t *frame)
{
    renderer->shown = data;
    esp_status status = esp_offscreen_run(renderer->context, render, renderer);
    if (status == ESP_OK) box_filter(renderer->pixels, renderer->item, renderer->sums, frame);
    return status;
}
