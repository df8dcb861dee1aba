/* Live figures of an episode: reward, action, the task's first quantity and latency of every control step so far, and
 * the action sequences that the planner is considering. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/viewer_internal.h"

#define FAN 40   /* most sequences drawn */
#define WIDE 420 /* width that four figures in a row need, px */

struct esp_figures {
    mjvFigure curve[ESP_CURVES];
    mjvFigure fan;
};

static const char *const titles[ESP_CURVES] = {"reward", "action", "", "latency (ms)"};

static void set_range(mjvFigure *figure, int axis, double low, double high)
{
    figure->range[axis][0] = (float)low;
    figure->range[axis][1] = (float)high;
}

static void set_color(float *rgb, float r, float g, float b)
{
    rgb[0] = r;
    rgb[1] = g;
    rgb[2] = b;
}

static void make_figure(mjvFigure *figure, const char *title)
{
    static const float paper[] = {0.08f, 0.09f, 0.11f, 0.62f}, pane[] = {0.08f, 0.09f, 0.11f, 0.0f};
    mjv_defaultFigure(figure);
    snprintf(figure->title, sizeof figure->title, "%s", title);
    memcpy(figure->figurergba, paper, sizeof paper);
    memcpy(figure->panergba, pane, sizeof pane);
    set_color(figure->gridrgb, 0.32f, 0.34f, 0.37f);
    set_color(figure->textrgb, 0.92f, 0.93f, 0.94f);
    figure->flg_legend = 0;
    figure->flg_ticklabel[0] = 0;
    figure->flg_ticklabel[1] = 1;
    figure->linewidth = 1.5f;
    figure->gridsize[0] = 5;
    figure->gridsize[1] = 3;
    snprintf(figure->yformat, sizeof figure->yformat, "%%.3g");
    snprintf(figure->minwidth, sizeof figure->minwidth, "-1.5");
}

static void action_range(const esp_world *world, double range[2])
{
    const esp_actuation *a = &world->actuation[0];
    range[0] = a->offset + a->scale * fmax(a->low, -1.0);
    range[1] = a->offset + a->scale * fmin(a->high, 1.0);
    double margin = 0.1 * (range[1] - range[0]);
    range[0] -= margin;
    range[1] += margin;
}

static void describe_quantity(mjvFigure *figure, const esp_task *task)
{
    if (task->about.num_quantities == 0) return;
    const esp_task_quantity *quantity = &task->about.quantities[0];
    snprintf(figure->title, sizeof figure->title, "%s (%s)", quantity->name, quantity->unit);
    set_range(figure, 1, quantity->low, quantity->high);
}

/* Draws the terms of the reward below it, in the same unit: each is multiplied by the physics steps per control
 * step. */
static void describe_reward(mjvFigure *figure, const esp_actor *actor)
{
    static const float colors[ESP_MOST_TERMS][3] = {
        {0.86f, 0.62f, 0.84f}, {0.36f, 0.68f, 0.94f}, {0.95f, 0.60f, 0.23f}, {0.93f, 0.86f, 0.35f},
        {0.55f, 0.58f, 0.95f}, {0.90f, 0.42f, 0.42f}, {0.45f, 0.82f, 0.80f}, {0.70f, 0.72f, 0.74f}};
    int terms = actor->history.num_terms;
    set_range(figure, 1, 0.0, actor->world->config.action_repeat);
    figure->flg_legend = terms > 0;
    memcpy(figure->linergb[terms], figure->linergb[0], sizeof figure->linergb[0]);
    snprintf(figure->linename[terms], sizeof figure->linename[0], "reward");
    for (int i = 0; i < terms; i++) {
        memcpy(figure->linergb[i], colors[i], sizeof colors[i]);
        esp_format(figure->linename[i], sizeof figure->linename[0], "%s", actor->world->task->about.terms[i]);
    }
}

esp_figures *esp_figures_create(const esp_actor *actor)
{
    static const float colors[ESP_CURVES][3] = {
        {0.34f, 0.78f, 0.47f}, {0.95f, 0.60f, 0.23f}, {0.36f, 0.68f, 0.94f}, {0.86f, 0.62f, 0.84f}};
    const esp_world *world = actor->world;
    double duration = world->num_steps * world->repeat * world->model->opt.timestep, range[2];
    esp_figures *figures = esp_alloc(1, sizeof *figures);
    for (int i = 0; i < ESP_CURVES; i++) {
        make_figure(&figures->curve[i], titles[i]);
        set_range(&figures->curve[i], 0, 0.0, duration);
        memcpy(figures->curve[i].linergb[0], colors[i], sizeof colors[i]);
    }
    describe_reward(&figures->curve[ESP_CURVE_REWARD], actor);
    action_range(world, range);
    set_range(&figures->curve[ESP_CURVE_ACTION], 1, range[0], range[1]);
    describe_quantity(&figures->curve[ESP_CURVE_QUANTITY], world->task);

    make_figure(&figures->fan, "plan");
    set_range(&figures->fan, 1, -1.1, 1.1);
    figures->fan.linewidth = 1.0f;
    return figures;
}

void esp_figures_free(esp_figures *figures)
{
    free(figures);
}

/* ---- curves ------------------------------------------------------------------------------------- */

/* Draws value [room] as a line. An episode with more samples than a line can hold is shown by evenly spread
 * samples. */
static void fill_line(mjvFigure *figure, int line, const esp_history *history, const float *value, double scale)
{
    int stride = (history->room + mjMAXLINEPNT - 1) / mjMAXLINEPNT, points = 0;
    for (int i = 0; i < history->count; i += stride, points++) {
        figure->linedata[line][2 * points] = history->time[i];
        figure->linedata[line][2 * points + 1] = (float)(scale * value[i]);
    }
    figure->linepnt[line] = points;
}

static void fill_reward(mjvFigure *figure, const esp_history *history, double repeat)
{
    int terms = history->num_terms;
    for (int i = 0; i < terms; i++) fill_line(figure, i, history, history->terms + i * history->room, repeat);
    fill_line(figure, terms, history, history->value[ESP_CURVE_REWARD], 1.0);
}

/* From zero to the longest latency so far, in round numbers, so that the axis seldom moves. */
static void fit_latency(mjvFigure *figure, const esp_history *history)
{
    double longest = 0.0;
    for (int i = 0; i < history->count; i++) longest = fmax(longest, history->value[ESP_CURVE_LATENCY][i]);
    set_range(figure, 1, 0.0, longest > 0.0 ? exp2(ceil(log2(longest))) : 1.0);
}

/* ---- the planner --------------------------------------------------------------------------------- */

/* From dim blue for a low value to bright yellow for a high one. */
static void value_color(float *rgb, float share)
{
    set_color(rgb, 0.18f + 0.80f * share, 0.28f + 0.58f * share, 0.55f - 0.30f * share);
}

static void fill_sequence(mjvFigure *figure, int line, const float *actions, int steps, int stride)
{
    for (int t = 0; t < steps; t++) {
        figure->linedata[line][2 * t] = (float)t;
        figure->linedata[line][2 * t + 1] = actions[(size_t)t * stride];
    }
    figure->linepnt[line] = steps;
}

/* Sequences coloured by their value, and in white the mean that the controller settled on. */
static void fill_fan(mjvFigure *figure, const esp_considered *c)
{
    int steps = c->steps < mjMAXLINEPNT ? c->steps : mjMAXLINEPNT, shown = c->count < FAN ? c->count : FAN;
    float low = INFINITY, high = -INFINITY;
    for (int i = 0; i < c->count; i++) {
        low = fminf(low, c->value[i]);
        high = fmaxf(high, c->value[i]);
    }
    for (int i = 0; i < shown; i++) {
        int sequence = (int)((long)i * c->count / shown);
        value_color(figure->linergb[i], high > low ? (c->value[sequence] - low) / (high - low) : 1.0f);
        fill_sequence(figure, i, c->actions + (size_t)sequence * c->num_actions, steps, c->count * c->num_actions);
    }
    set_color(figure->linergb[shown], 1.0f, 1.0f, 1.0f);
    fill_sequence(figure, shown, c->mean, steps, c->num_actions);
    set_range(figure, 0, 0.0, steps > 1 ? steps - 1 : 1);
    esp_format(figure->title, sizeof figure->title, "plan, value %.1f", high);
}

/* ---- draw ------------------------------------------------------------------------------------------ */

/* Four figures in a row where there is room, else two rows. */
void esp_figures_draw(esp_figures *figures, const esp_actor *actor, mjrRect area, const mjrContext *context)
{
    int columns = area.width >= WIDE ? ESP_CURVES : ESP_CURVES / 2, rows = ESP_CURVES / columns;
    int width = area.width / columns, height = area.height / (rows == 1 ? 4 : 6);
    for (int i = 0; i < ESP_CURVES; i++) {
        mjvFigure *figure = &figures->curve[i];
        int row = rows - 1 - i / columns; /* rows count from the bottom */
        mjrRect place = {area.left + i % columns * width, area.bottom + row * height, width, height};
        if (i == ESP_CURVE_REWARD) fill_reward(figure, &actor->history, actor->world->config.action_repeat);
        else                       fill_line(figure, 0, &actor->history, actor->history.value[i], 1.0);
        if (i == ESP_CURVE_LATENCY) fit_latency(figure, &actor->history);
        mjr_figure(place, figure, context);
    }
    esp_considered considered;
    if (actor->history.count == 0 || !actor->role.acting->considered(actor->controller, &considered)) return;
    mjrRect place = {area.left + (columns - 1) * width, area.bottom + rows * height, width, height};
    fill_fan(&figures->fan, &considered);
    mjr_figure(place, &figures->fan, context);
}
