/* Draws one frame of a player: for every actor its scene as made for people to look at, above it the caption, below it
 * the figures and what the network sees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/colors.h"

#define MAX_GEOMS 1000 /* shapes drawn per frame, MuJoCo's decorations included */

/* ---- the model for people ------------------------------------------------------------------------- */

/* Positions are copied from one model to the other, so these sizes must agree. */
static bool is_same_mechanism(const mjModel *a, const mjModel *b)
{
    return a->nq == b->nq && a->nbody == b->nbody && a->njnt == b->njnt && a->nmocap == b->nmocap;
}

typedef struct {
    esp_painter *painter;
    const char  *path; /* path of the scene made for people, or NULL */
} loading;

static esp_status load(void *argument)
{
    const loading *l = argument;
    esp_painter *painter = l->painter;
    const mjModel *played = painter->player->actor[0].world->model;
    char text[ESP_ERROR_TEXT] = "";
    if (l->path) painter->model = mj_loadXML(l->path, NULL, text, sizeof text);
    else         painter->model = mj_copyModel(NULL, played);
    text[strcspn(text, "\n")] = 0;
    if (!painter->model) return esp_fail(ESP_ERR_FORMAT, "%s", *text ? text : "MuJoCo cannot load it");
    if (!is_same_mechanism(painter->model, played))
        return esp_fail(ESP_ERR_FORMAT, "its bodies and joints differ from those of scene.xml");
    mjv_makeScene(painter->model, &painter->scene, MAX_GEOMS);
    painter->scene.flags[mjRND_REFLECTION] = 0;
    painter->shown = mj_makeData(painter->model);
    return painter->shown ? ESP_OK : esp_fail(ESP_ERR_MACHINE, "no memory for the state to be drawn");
}

static esp_status load_model(esp_painter *painter)
{
    char *folder = esp_path_folder(painter->player->actor[0].world->scene);
    char *path = esp_path_join(folder, "view.xml");
    loading l = {painter, access(path, F_OK) == 0 ? path : NULL};
    esp_status status = esp_guard(load, &l, ESP_ERR_FORMAT);
    if (status != ESP_OK) esp_fail_in(status, "%s", path);
    free(folder);
    free(path);
    return status;
}

esp_status esp_painter_create(const esp_player *player, int width, int height, esp_painter **out)
{
    esp_painter *painter = esp_alloc(1, sizeof *painter);
    painter->player = player;
    mjv_defaultScene(&painter->scene);
    mjr_defaultContext(&painter->draw);
    mjv_defaultOption(&painter->option);
    painter->option.flags[mjVIS_PERTOBJ] = 0;
    mjv_defaultPerturb(&painter->push);
    painter->pushed = -1;
    esp_status status = load_model(painter);
    if (status != ESP_OK) {
        esp_painter_free(painter);
        return status;
    }
    painter->offscreen = width > 0;
    if (painter->offscreen) {
        painter->model->vis.global.offwidth = width;
        painter->model->vis.global.offheight = height;
    }
    mjv_defaultFreeCamera(painter->model, &painter->camera);
    painter->figures = esp_figures_create(&player->actor[0]);
    *out = painter;
    return ESP_OK;
}

void esp_painter_free(esp_painter *painter)
{
    if (!painter) return;
    mjv_freeScene(&painter->scene);
    if (painter->shown) mj_deleteData(painter->shown);
    if (painter->model) mj_deleteModel(painter->model);
    esp_figures_free(painter->figures);
    free(painter->pixels);
    free(painter);
}

/* ---- with the context current --------------------------------------------------------------------- */

esp_status esp_painter_attach(esp_painter *painter)
{
    mjr_makeContext(painter->model, &painter->draw, mjFONTSCALE_100);
    int buffer = painter->offscreen ? mjFB_OFFSCREEN : mjFB_WINDOW;
    mjr_setBuffer(buffer, &painter->draw);
    if (painter->draw.currentBuffer != buffer)
        return esp_fail(ESP_ERR_MACHINE, "OpenGL offers no %s buffer", painter->offscreen ? "off-screen" : "window");
    return ESP_OK;
}

void esp_painter_detach(esp_painter *painter)
{
    mjr_freeContext(&painter->draw);
}

/* Copies all that a picture depends on; velocities are not visible. */
static void take_pose(esp_painter *painter, const mjData *from)
{
    const mjModel *model = painter->model;
    memcpy(painter->shown->qpos, from->qpos, (size_t)model->nq * sizeof(mjtNum));
    memcpy(painter->shown->mocap_pos, from->mocap_pos, (size_t)model->nmocap * 3 * sizeof(mjtNum));
    memcpy(painter->shown->mocap_quat, from->mocap_quat, (size_t)model->nmocap * 4 * sizeof(mjtNum));
    mj_kinematics(model, painter->shown);
    mj_comPos(model, painter->shown);
    mj_camlight(model, painter->shown);
}

void esp_painter_show(esp_painter *painter, int actor)
{
    take_pose(painter, painter->player->actor[actor].play->data);
    const mjvPerturb *push = actor == painter->pushed ? &painter->push : NULL;
    mjv_updateScene(painter->model, painter->shown, &painter->option, push, &painter->camera, mjCAT_ALL,
                    &painter->scene);
}

/* ---- beside the scene ------------------------------------------------------------------------------- */

static esp_layout layout_of(const esp_painter *painter, const esp_actor *actor, mjrRect tile)
{
    esp_considered considered;
    bool plans = actor->role.acting->considered(actor->controller, &considered);
    esp_overlays overlays = painter->overlays;
    if (esp_world_pixels(actor->world) < 0) overlays.inset = false;
    return esp_layout_make(tile.width, tile.height, overlays, actor->world->task->about.num_quantities > 0,
                           plans);
}

/* What the network sees: its pixels become squares where there is room, else some of them are left out. */
static void draw_sees(const esp_actor *actor, const esp_layout *layout, esp_sketch *sketch)
{
    enum { MARGIN = 8 };
    int pixels = esp_world_pixels(actor->world);
    if (pixels < 0) return;
    int size = actor->world->item[pixels].width, side = layout->sees.width - 2 * MARGIN;
    if (side < 8) return;
    if (side >= size) side = side / size * size;
    int left = layout->sees.left + (layout->sees.width - side) / 2, top = layout->sees.top + MARGIN;
    const uint8_t *frame = esp_actor_sees(actor);
    esp_sketch_fill(sketch, (esp_area){left - 1, top - 1, side + 2, side + 2}, esp_color_soft);
    for (int y = 0; y < side; y++) {
        uint8_t *row = sketch->pixels + 3 * ((size_t)(top + y) * (size_t)sketch->width + (size_t)left);
        for (int x = 0; x < side; x++) memset(row + 3 * x, frame[y * size / side * size + x * size / side], 3);
    }
}

static void reserve(esp_painter *painter, size_t bytes)
{
    if (bytes <= painter->room) return;
    free(painter->pixels);
    painter->pixels = esp_alloc(bytes, 1);
    painter->room = bytes;
}

/* OpenGL's first row is at the bottom. */
void esp_pixels_turn(uint8_t *pixels, int width, int height)
{
    size_t row = 3 * (size_t)width;
    for (int y = 0; y < height / 2; y++) {
        uint8_t *low = pixels + (size_t)y * row, *high = pixels + (size_t)(height - 1 - y) * row;
        for (size_t i = 0; i < row; i++) {
            uint8_t kept = low[i];
            low[i] = high[i];
            high[i] = kept;
        }
    }
}

void esp_painter_put(const esp_painter *painter, mjrRect picture, int left, int top, esp_sketch *sketch)
{
    mjrRect place = {picture.left + left, picture.bottom + picture.height - top - sketch->height, sketch->width,
                     sketch->height};
    if (sketch->height <= 0) return;
    esp_pixels_turn(sketch->pixels, sketch->width, sketch->height);
    mjr_drawPixels(sketch->pixels, NULL, place, &painter->draw);
}

/* A part of the tile that is as wide as the tile. */
static void put_part(const esp_painter *painter, mjrRect tile, esp_area area, const esp_sketch *sketch)
{
    esp_sketch part = {area.width, area.height, sketch->pixels + 3 * (size_t)area.top * (size_t)sketch->width};
    esp_painter_put(painter, tile, area.left, area.top, &part);
}

/* A thin line keeps neighbouring tiles apart. */
static void draw_beside(esp_painter *painter, int index, mjrRect tile, const esp_layout *layout, double latency)
{
    const esp_actor *actor = &painter->player->actor[index];
    reserve(painter, 3 * (size_t)tile.width * (size_t)tile.height);
    esp_sketch sketch = {tile.width, tile.height, painter->pixels};
    esp_sketch_fill(&sketch, layout->strip, esp_color_panel);
    esp_caption_draw(actor, layout, &sketch);
    if (painter->overlays.figures) esp_figures_draw(painter->figures, actor, layout, latency, &sketch);
    if (painter->overlays.inset) draw_sees(actor, layout, &sketch);
    if (index > 0) {
        esp_sketch_fill(&sketch, (esp_area){0, 0, 1, layout->header.height}, esp_color_line);
        esp_sketch_fill(&sketch, (esp_area){0, layout->strip.top, 1, layout->strip.height}, esp_color_line);
    }
    put_part(painter, tile, layout->header, &sketch);
    put_part(painter, tile, layout->strip, &sketch);
}

mjrRect esp_painter_tile(const esp_painter *painter, mjrRect whole, int actor)
{
    int count = painter->player->count;
    int left = whole.width * actor / count, right = whole.width * (actor + 1) / count;
    return (mjrRect){whole.left + left, whole.bottom, right - left, whole.height};
}

/* The scene's place in a tile, for OpenGL. */
static mjrRect scene_in(mjrRect tile, const esp_layout *layout)
{
    return (mjrRect){tile.left, tile.bottom + layout->strip.height, tile.width, layout->scene.height};
}

mjrRect esp_painter_scene(const esp_painter *painter, mjrRect whole, int actor)
{
    mjrRect tile = esp_painter_tile(painter, whole, actor);
    esp_layout layout = layout_of(painter, &painter->player->actor[actor], tile);
    return scene_in(tile, &layout);
}

void esp_painter_paint(esp_painter *painter, mjrRect whole, esp_overlays overlays)
{
    double latency = esp_figures_latency(painter->player);
    painter->overlays = overlays;
    for (int i = 0; i < painter->player->count; i++) {
        mjrRect tile = esp_painter_tile(painter, whole, i);
        if (tile.width <= 0 || tile.height <= 0) continue;
        esp_layout layout = layout_of(painter, &painter->player->actor[i], tile);
        esp_painter_show(painter, i);
        mjr_render(scene_in(tile, &layout), &painter->scene, &painter->draw);
        draw_beside(painter, i, tile, &layout, latency);
    }
}
