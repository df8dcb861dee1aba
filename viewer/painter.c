/* Draws one frame of a player: for every actor its scene as made for people to look at, and over it the caption, the
 * figures and what the network sees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/viewer_internal.h"

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
    free(painter->inset);
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

static void draw_caption(const esp_painter *painter, const esp_actor *actor, mjrRect tile)
{
    char values[256], controller[ESP_CONFIG_TEXT];
    esp_choice_word(actor->role.acting->controllers, actor->role.controller, controller);
    esp_format(values, sizeof values, "%.32s\n%s\n%.1f %%\n%zu\n%.2f s\n%.1f", actor->role.name, controller,
             100.0 * actor->sparsity, actor->params, actor->play->data->time,
             actor->play->episode_return + actor->play->reward);
    static const char labels[] = "checkpoint\ncontroller\nsparsity\nparameters\ntime\nreturn";
    mjr_overlay(mjFONT_NORMAL, mjGRID_TOPLEFT, tile, labels, values,
                &painter->draw);
}

/* Every pixel becomes a square; together they take about a fifth of the tile. */
static void draw_inset(esp_painter *painter, const esp_actor *actor, mjrRect tile)
{
    enum { FRAME = 2, MARGIN = 6 };
    int size = actor->world->config.image_size, zoom = tile.width / 5 / size;
    if (zoom < 1) zoom = 1;
    int side = size * zoom;
    if (side + 2 * (FRAME + MARGIN) > tile.width || side + 2 * (FRAME + MARGIN) > tile.height) return;
    if (painter->inset_side != side) {
        free(painter->inset);
        painter->inset = esp_alloc((size_t)side * side, 3);
        painter->inset_side = side;
    }
    const uint8_t *frame = esp_actor_sees(actor);
    for (int y = 0; y < side; y++) /* OpenGL's first row is at the bottom */
        for (int x = 0; x < side; x++)
            memset(painter->inset + 3 * ((size_t)y * side + x), frame[(side - 1 - y) / zoom * size + x / zoom], 3);
    mjrRect place = {tile.left + tile.width - side - FRAME - MARGIN,
                     tile.bottom + tile.height - side - FRAME - MARGIN, side, side};
    mjrRect border = {place.left - FRAME, place.bottom - FRAME, side + 2 * FRAME, side + 2 * FRAME};
    mjr_rectangle(border, 0.92f, 0.93f, 0.94f, 1.0f);
    mjr_drawPixels(painter->inset, NULL, place, &painter->draw);
}

mjrRect esp_painter_tile(const esp_painter *painter, mjrRect whole, int actor)
{
    int count = painter->player->count;
    int left = whole.width * actor / count, right = whole.width * (actor + 1) / count;
    return (mjrRect){whole.left + left, whole.bottom, right - left, whole.height};
}

void esp_painter_paint(esp_painter *painter, mjrRect whole, esp_overlays overlays)
{
    for (int i = 0; i < painter->player->count; i++) {
        const esp_actor *actor = &painter->player->actor[i];
        mjrRect tile = esp_painter_tile(painter, whole, i);
        esp_painter_show(painter, i);
        mjr_render(tile, &painter->scene, &painter->draw);
        if (overlays.caption) draw_caption(painter, actor, tile);
        if (overlays.inset) draw_inset(painter, actor, tile);
        if (overlays.figures) esp_figures_draw(painter->figures, actor, tile, &painter->draw);
    }
}
