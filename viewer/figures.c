/* Live figures of an episode: reward, action, the task's first quantity and latency of every control step so far, and
 * the action sequences that the planner is considering. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/colors.h"

#define FAN 40          /* most sequences drawn */
#define LINE_WIDTH 1.6  /* px */
#define EDGE 0.06       /* room above and below the range, as a share of it */

/* What a figure shows. */
typedef struct {
    char    title[64];  /* with the unit: "action (N m)" */
    double  low, high;  /* the range that is labelled */
    esp_ink ink;
} curve;

struct esp_figures {
    curve  curve[ESP_CURVES];
    double duration;            /* s of an episode */
    double (*points)[2];        /* [room] of one line, px; owned */
};

/* ---- what is shown ------------------------------------------------------------------------------ */

/* The unit of an actuator's control: that of a force or a torque, or of the place that it holds. "" when its gear or
 * gain makes it neither. */
static const char *action_unit(const mjModel *model, int actuator)
{
    int joint = model->actuator_trnid[2 * actuator];
    bool at_joint = model->actuator_trntype[actuator] == mjTRN_JOINT && joint >= 0;
    if (!at_joint || model->actuator_gear[6 * actuator] != 1) return "";
    bool turns = model->jnt_type[joint] == mjJNT_HINGE;
    if (!turns && model->jnt_type[joint] != mjJNT_SLIDE) return "";
    int bias = model->actuator_biastype[actuator];
    bool motor = model->actuator_gaintype[actuator] == mjGAIN_FIXED && bias == mjBIAS_NONE &&
                 model->actuator_gainprm[mjNGAIN * actuator] == 1;
    bool servo = bias == mjBIAS_AFFINE && model->actuator_biasprm[mjNBIAS * actuator + 1] < 0;
    if (motor) return turns ? " (N m)" : " (N)";
    return servo ? (turns ? " (rad)" : " (m)") : "";
}

static void describe_action(curve *curve, const esp_world *world)
{
    const esp_actuation *a = &world->actuation[0];
    curve->low = a->offset + a->scale * fmax(a->low, -1.0);
    curve->high = a->offset + a->scale * fmin(a->high, 1.0);
    snprintf(curve->title, sizeof curve->title, "action%s", action_unit(world->model, 0));
}

static void describe_quantity(curve *curve, const esp_task *task)
{
    if (task->about.num_quantities == 0) return;
    const esp_task_quantity *quantity = &task->about.quantities[0];
    snprintf(curve->title, sizeof curve->title, "%s (%s)", quantity->name, quantity->unit);
    curve->low = quantity->low;
    curve->high = quantity->high;
}

/* Of a control step; 0 when there is no bound, and the figure follows the episode. */
static double largest_reward(const esp_world *world)
{
    double largest = world->task->about.largest_reward;
    return world->config.action_repeat * (isfinite(largest) ? largest > 0 ? largest : 1.0 : 0.0);
}

esp_figures *esp_figures_create(const esp_actor *actor)
{
    const esp_world *world = actor->world;
    esp_figures *figures = esp_alloc(1, sizeof *figures);
    figures->duration = world->num_steps * world->repeat * world->model->opt.timestep;
    figures->points = esp_alloc((size_t)actor->history.room + FAN, sizeof *figures->points);
    figures->curve[ESP_CURVE_REWARD] = (curve){"reward", 0, largest_reward(world), {{0x57, 0xc7, 0x78}}};
    figures->curve[ESP_CURVE_ACTION] = (curve){"", 0, 0, {{0xf2, 0x99, 0x3b}}};
    figures->curve[ESP_CURVE_QUANTITY] = (curve){"", 0, 1, {{0x5c, 0xad, 0xf0}}};
    figures->curve[ESP_CURVE_LATENCY] = (curve){"latency (ms)", 0, 1, {{0xdb, 0x9e, 0xd6}}};
    describe_action(&figures->curve[ESP_CURVE_ACTION], world);
    describe_quantity(&figures->curve[ESP_CURVE_QUANTITY], world->task);
    return figures;
}

void esp_figures_free(esp_figures *figures)
{
    if (!figures) return;
    free(figures->points);
    free(figures);
}

/* ---- the frame of a figure ------------------------------------------------------------------------ */

/* A figure in the making: its sketch, and the plot inside of it. */
typedef struct {
    esp_sketch   *sketch;
    esp_text_size size;
    esp_area      panel, plot;
    double        low, high, end;  /* ranges: of y, and of x from 0 */
} pane;

static double x_of(const pane *p, double x)
{
    return p->plot.left + p->plot.width * x / p->end;
}

static double y_of(const pane *p, double y)
{
    double share = (y - p->low) / (p->high - p->low);
    share = fmin(fmax((share + EDGE) / (1 + 2 * EDGE), 0), 1);
    return p->plot.top + p->plot.height * (1 - share);
}

/* "-1" with a real minus sign. */
static void write_tick(double value, char *out, size_t size)
{
    char digits[32];
    esp_format(digits, sizeof digits, "%.3g", fabs(value));
    snprintf(out, size, "%s%s", value < 0 ? "\u2212" : "", digits);
}

/* Labels of the lowest and the highest value, and of zero between them; a thin line at each. */
static void draw_y_axis(pane *p)
{
    double ticks[3] = {p->low, p->high, 0};
    int count = p->low < 0 && p->high > 0 ? 3 : 2, height = esp_text_height(p->size), room = 0;
    char text[3][40];
    for (int i = 0; i < count; i++) {
        write_tick(ticks[i], text[i], sizeof *text);
        int width = esp_sketch_text_width(p->size, text[i]);
        if (width > room) room = width;
    }
    p->plot.left += room + 4;
    p->plot.width -= room + 4;
    for (int i = 0; i < count; i++) {
        int y = (int)lround(y_of(p, ticks[i])), left = p->plot.left - 4 - esp_sketch_text_width(p->size, text[i]);
        esp_sketch_fill(p->sketch, (esp_area){p->plot.left, y, p->plot.width, 1}, esp_color_line);
        if (i < 2 || p->plot.height > 3 * height)
            esp_sketch_text(p->sketch, p->size, left, y - height / 2, text[i], esp_color_soft);
    }
}

/* The last x with its unit, at the right below the plot. */
static void draw_x_axis(const pane *p, const char *end)
{
    int top = p->plot.top + p->plot.height + 1, right = p->plot.left + p->plot.width;
    esp_sketch_fill(p->sketch, (esp_area){p->plot.left, p->plot.top, 1, p->plot.height}, esp_color_line);
    int width = esp_sketch_text_width(p->size, end), zero = esp_sketch_text_width(p->size, "0");
    if (p->plot.width > width + 2 * zero) esp_sketch_text(p->sketch, p->size, p->plot.left, top, "0", esp_color_soft);
    esp_sketch_text(p->sketch, p->size, right - width, top, end, esp_color_soft);
}

static pane make_pane(esp_sketch *sketch, const esp_layout *layout, esp_panel panel, double low, double high,
                      double end)
{
    enum { SIDE = 6 };
    esp_area area = layout->panel[panel];
    int line = esp_text_height(ESP_TEXT_SMALL), title = esp_text_height(layout->size) + 5;
    if (layout->size == ESP_TEXT_LARGE) line = esp_text_height(ESP_TEXT_NORMAL);
    pane p = {.sketch = sketch, .size = layout->size == ESP_TEXT_LARGE ? ESP_TEXT_NORMAL : ESP_TEXT_SMALL,
              .panel = area, .low = low, .high = high > low ? high : low + 1, .end = end > 0 ? end : 1};
    p.plot = (esp_area){area.left + SIDE, area.top + title, area.width - 2 * SIDE, area.height - title - line - 1};
    draw_y_axis(&p);
    return p;
}

static int draw_title(const pane *p, esp_text_size size, const char *title, esp_ink ink, int left)
{
    int room = p->panel.left + p->panel.width - left;
    if (left > p->panel.left + 8 && esp_sketch_text_width(size, title) > room) return p->panel.left + p->panel.width;
    esp_sketch_text_within(p->sketch, size, left, p->panel.top + 2, room, title, ink);
    return left + esp_sketch_text_width(size, title);
}

/* ---- curves ------------------------------------------------------------------------------------- */

static void draw_line(const esp_figures *figures, const pane *p, const esp_history *history, const float *value,
                      double scale, esp_ink ink)
{
    for (int i = 0; i < history->count; i++) {
        figures->points[i][0] = x_of(p, history->time[i]);
        figures->points[i][1] = y_of(p, scale * value[i]);
    }
    double width = p->size == ESP_TEXT_SMALL ? LINE_WIDTH : 1.4 * LINE_WIDTH;
    esp_sketch_line(p->sketch, history->count, (const double (*)[2])figures->points, width, ink);
}

/* Rewards of a control step per value of a term: the term's value holds for each of the task's time steps. */
static double term_scale(const esp_actor *actor)
{
    return actor->world->config.action_repeat;
}

/* The terms of the reward, in its unit. Their names follow the title in their colours. */
static void draw_terms(const esp_figures *figures, const pane *p, const esp_actor *actor, esp_text_size size, int left)
{
    static const esp_ink inks[ESP_MOST_TERMS] = {
        {{0xdb, 0x9e, 0xd6}}, {{0x5c, 0xad, 0xf0}}, {{0xf2, 0x99, 0x3b}}, {{0xed, 0xdb, 0x59}},
        {{0x8c, 0x94, 0xf2}}, {{0xe6, 0x6b, 0x6b}}, {{0x73, 0xd1, 0xcc}}, {{0xb3, 0xb8, 0xbd}}};
    const esp_history *history = &actor->history;
    for (int i = 0; i < history->num_terms; i++) {
        draw_line(figures, p, history, history->terms + i * history->room, term_scale(actor), inks[i]);
        left = draw_title(p, size, actor->world->task->about.terms[i], inks[i], left + 8);
    }
}

/* The least of 1, 2, 5 times a power of ten that is not less. */
static double round_up(double value)
{
    static const double steps[] = {1, 2, 5, 10};
    double power = pow(10, floor(log10(value)));
    for (int i = 0; i < 4; i++)
        if (steps[i] * power >= value * (1 - 1e-9)) return steps[i] * power;
    return 10 * power;
}

/* The range of a reward that is not bounded is that of the episode so far, 0 included. */
static void fit_reward(const esp_actor *actor, double *low, double *high)
{
    const esp_history *h = &actor->history;
    if (isfinite(actor->world->task->about.largest_reward)) return;
    double least = 0.0, most = 0.0;
    for (int i = 0; i < h->count; i++) {
        least = fmin(least, h->value[ESP_CURVE_REWARD][i]);
        most = fmax(most, h->value[ESP_CURVE_REWARD][i]);
        for (int k = 0; k < h->num_terms; k++) {
            double term = term_scale(actor) * (double)h->terms[k * h->room + i];
            least = fmin(least, term);
            most = fmax(most, term);
        }
    }
    *low = least < 0 ? -round_up(-least) : 0.0;
    *high = most > 0 ? round_up(most) : least < 0 ? 0.0 : 1.0;
}

static void draw_curve(const esp_figures *figures, const esp_actor *actor, const esp_layout *layout, esp_curve which,
                       double high, esp_sketch *sketch)
{
    esp_panel panel = (esp_panel)which; /* the first panels are the curves */
    if (layout->panel[panel].width == 0) return;
    const curve *c = &figures->curve[which];
    char end[40];
    double low = c->low;
    if (which == ESP_CURVE_REWARD) fit_reward(actor, &low, &high);
    pane p = make_pane(sketch, layout, panel, low, high, figures->duration);
    esp_format(end, sizeof end, "%g s", figures->duration);
    draw_x_axis(&p, end);
    int left = draw_title(&p, layout->size, c->title, c->ink, p.panel.left + 6);
    if (which == ESP_CURVE_REWARD) draw_terms(figures, &p, actor, layout->size, left);
    draw_line(figures, &p, &actor->history, actor->history.value[which], 1.0, c->ink);
}

/* The first action runs with cold caches and would flatten the others. */
double esp_figures_latency(const esp_player *player)
{
    double longest = 0.0;
    for (int actor = 0; actor < player->count; actor++) {
        const esp_history *history = &player->actor[actor].history;
        for (int i = history->count > 1; i < history->count; i++)
            longest = fmax(longest, history->value[ESP_CURVE_LATENCY][i]);
    }
    return longest > 0 ? round_up(longest) : 1.0;
}

/* ---- the planner --------------------------------------------------------------------------------- */

/* From blue for a low value to bright yellow for a high one. */
static esp_ink value_color(double share)
{
    return (esp_ink){{(uint8_t)(70 + 180 * share), (uint8_t)(95 + 125 * share), (uint8_t)(170 - 93 * share)}};
}

static void draw_sequence(const esp_figures *figures, const pane *p, const float *actions, int steps, int stride,
                          double width, esp_ink ink)
{
    for (int t = 0; t < steps; t++) {
        figures->points[t][0] = x_of(p, t);
        figures->points[t][1] = y_of(p, actions[(size_t)t * (size_t)stride]);
    }
    esp_sketch_line(p->sketch, steps, (const double (*)[2])figures->points, width, ink);
}

/* Sequences coloured by their value, and in white the mean that the controller settled on. */
static void draw_fan(const esp_figures *figures, const esp_actor *actor, const esp_layout *layout, esp_sketch *sketch)
{
    esp_considered c;
    if (layout->panel[ESP_PANEL_PLAN].width == 0 || actor->history.count == 0) return;
    if (!actor->role.acting->considered(actor->controller, &c)) return;
    int steps = c.steps < FAN ? c.steps : FAN, shown = c.count < FAN ? c.count : FAN;
    float low = INFINITY, high = -INFINITY;
    for (int i = 0; i < c.count; i++) {
        low = fminf(low, c.value[i]);
        high = fmaxf(high, c.value[i]);
    }
    char title[64], end[40];
    pane p = make_pane(sketch, layout, ESP_PANEL_PLAN, -1, 1, steps > 1 ? steps - 1 : 1);
    esp_format(title, sizeof title, "plan, value %.1f", high);
    snprintf(end, sizeof end, "%d steps", steps - 1);
    draw_title(&p, layout->size, title, esp_color_text, p.panel.left + 6);
    draw_x_axis(&p, end);
    for (int i = 0; i < shown; i++) {
        int sequence = (int)((long)i * c.count / shown);
        draw_sequence(figures, &p, c.actions + (size_t)sequence * (size_t)c.num_actions, steps, c.count * c.num_actions,
                      1.0, value_color(high > low ? (c.value[sequence] - low) / (high - low) : 1));
    }
    draw_sequence(figures, &p, c.mean, steps, c.num_actions, 2.0, (esp_ink){{255, 255, 255}});
}

/* ---- all ------------------------------------------------------------------------------------------ */

void esp_figures_draw(const esp_figures *figures, const esp_actor *actor, const esp_layout *layout, double latency,
                      esp_sketch *sketch)
{
    for (int i = 0; i < ESP_CURVES; i++)
        draw_curve(figures, actor, layout, (esp_curve)i, i == ESP_CURVE_LATENCY ? latency : figures->curve[i].high,
                   sketch);
    draw_fan(figures, actor, layout, sketch);
}
