/* What a person does while looking on: pause, slow motion, steps, resets, another controller, a smaller network,
 * pushes with the mouse. It knows no window; a window hands over keys, clicks and the time that passed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/session.h"

#define LONGEST_LAG 0.1   /* s of simulation that are caught up after a slow frame, at most */
#define ROUNDING 1e-9     /* s; frame times do not add up to whole steps exactly */
#define MESSAGE_TIME 4.0  /* s */

static const double speeds[] = {1.0, 0.5, 0.25, 0.1};
enum { NUM_SPEEDS = sizeof speeds / sizeof *speeds };

/* ---- create ------------------------------------------------------------------------------------------ */

static void show_selected(esp_session *session)
{
    const esp_casting *casting = &session->casting[session->controls.selected];
    session->controls.controller = casting->controller;
    session->controls.sparsity = casting->sparsity;
}

static esp_status begin(esp_session *session)
{
    esp_episode episode;
    esp_episodes_name(session->seed, ESP_EPISODES_REPORT, session->start, 1, &episode);
    episode.index = (uint64_t)session->episode;
    session->due = 0.0;
    return esp_player_begin(session->player, &episode);
}

esp_status esp_session_create(int count, const esp_role *roles, uint64_t seed, const char *along, esp_session **out)
{
    esp_session *session = esp_alloc(1, sizeof *session);
    session->seed = seed;
    session->controls = (esp_controls){.caption = 1, .figures = 1, .inset = 1, .shadows = 1};
    esp_status status = esp_player_create(count, roles, &session->player);
    if (status == ESP_OK) status = esp_painter_create(session->player, 0, 0, &session->painter);
    for (int i = 0; i < count && status == ESP_OK; i++) {
        session->casting[i] = (esp_casting){.full = roles[i].net, .controller = roles[i].controller};
        status = esp_cutter_create(&roles[i], i == 0 ? along : NULL, &session->casting[i].cutter);
    }
    /* The scene made for people determines how hard the mouse pulls. */
    for (int i = 0; i < count && status == ESP_OK; i++)
        session->player->actor[i].world->model->vis.map.stiffness = session->painter->model->vis.map.stiffness;
    if (status == ESP_OK) session->start = session->player->actor[0].world->start;
    if (status == ESP_OK) status = begin(session);
    if (status == ESP_OK) {
        show_selected(session);
        session->shown = session->controls;
        *out = session;
    } else {
        esp_session_free(session);
    }
    return status;
}

void esp_session_free(esp_session *session)
{
    if (!session) return;
    esp_painter_free(session->painter);
    esp_player_free(session->player);
    for (int i = 0; i < ESP_MOST_ROLES; i++) {
        esp_cutter_free(session->casting[i].cutter);
        esp_network_free(session->casting[i].cut);
    }
    free(session);
}

void esp_session_say(esp_session *session, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(session->message, sizeof session->message, format, arguments);
    va_end(arguments);
    session->message_until = esp_clock() + MESSAGE_TIME;
}

/* ---- the panel --------------------------------------------------------------------------------------- */

/* The same for all roles, which belong to one application. */
static const esp_acting *acting(const esp_session *session)
{
    return session->player->actor[0].role.acting;
}

/* The full network (*out NULL) or a smaller one. ESP_ERR_USAGE when the file lacks what the controller runs. */
static esp_status make_cut(const esp_session *session, esp_network **out)
{
    const esp_controls *wanted = &session->controls;
    const esp_casting *casting = &session->casting[wanted->selected];
    *out = NULL;
    esp_status status = acting(session)->check(casting->full, wanted->controller);
    bool network = casting->full->num_axes > 0; /* a task has none */
    if (status != ESP_OK || wanted->sparsity <= 0.0 || !network) return status;
    return esp_cutter_cut(casting->cutter, wanted->controller, wanted->sparsity, out);
}

/* The old network is freed only when nothing runs it any more. A request that cannot be met leaves the controller as
 * it is, and slider and buttons return to it. */
static esp_status recast(esp_session *session)
{
    int selected = session->controls.selected;
    esp_casting *casting = &session->casting[selected];
    esp_network *cut;
    if (make_cut(session, &cut) != ESP_OK) {
        esp_session_say(session, "%s", esp_error_text());
        show_selected(session);
        return ESP_OK;
    }
    int controller = session->controls.controller;
    esp_status status = esp_player_recast(session->player, selected, cut ? cut : casting->full, controller);
    esp_network_free(casting->cut);
    casting->cut = cut;
    casting->controller = controller;
    casting->sparsity = session->controls.sparsity;
    return status;
}

esp_status esp_session_apply(esp_session *session)
{
    esp_controls *now = &session->controls;
    const esp_controls *before = &session->shown;
    esp_status status = ESP_OK;
    if (now->selected != before->selected) show_selected(session);
    else if (now->controller != before->controller || now->sparsity != before->sparsity) status = recast(session);
    session->painter->scene.flags[mjRND_SHADOW] = (mjtByte)now->shadows;
    session->shown = *now;
    return status;
}

/* ---- keys -------------------------------------------------------------------------------------------- */

static esp_status toggle_pause(esp_session *session)
{
    session->controls.pause = !session->controls.pause;
    return ESP_OK;
}

/* A single step is a whole control step: up to the next decision. */
static esp_status single_step(esp_session *session)
{
    session->controls.pause = 1;
    session->single = session->player->actor[0].world->repeat;
    return ESP_OK;
}

static esp_status reset(esp_session *session)
{
    return begin(session);
}

static esp_status next_episode(esp_session *session)
{
    session->episode++;
    return begin(session);
}

static esp_status slower(esp_session *session)
{
    if (session->controls.speed < NUM_SPEEDS - 1) session->controls.speed++;
    return ESP_OK;
}

static esp_status faster(esp_session *session)
{
    if (session->controls.speed > 0) session->controls.speed--;
    return ESP_OK;
}

static esp_status other_controller(esp_session *session)
{
    int count = esp_choice_count(acting(session)->controllers);
    session->controls.controller = (session->controls.controller + 1) % count;
    return ESP_OK;
}

static esp_status next_checkpoint(esp_session *session)
{
    session->controls.selected = (session->controls.selected + 1) % session->player->count;
    return ESP_OK;
}

static esp_status cut_less(esp_session *session)
{
    session->controls.sparsity = fmax(0.0, session->controls.sparsity - 0.05);
    return ESP_OK;
}

static esp_status cut_more(esp_session *session)
{
    session->controls.sparsity = fmin(ESP_MAX_COEFFICIENT, session->controls.sparsity + 0.05);
    return ESP_OK;
}

static esp_status toggle_help(esp_session *session)
{
    session->help = !session->help;
    return ESP_OK;
}

static esp_status toggle_caption(esp_session *session)
{
    session->controls.caption = !session->controls.caption;
    return ESP_OK;
}

static esp_status toggle_figures(esp_session *session)
{
    session->controls.figures = !session->controls.figures;
    return ESP_OK;
}

static esp_status toggle_inset(esp_session *session)
{
    session->controls.inset = !session->controls.inset;
    return ESP_OK;
}

static esp_status toggle_shadows(esp_session *session)
{
    session->controls.shadows = !session->controls.shadows;
    return ESP_OK;
}

static esp_status first_view(esp_session *session)
{
    mjv_defaultFreeCamera(session->painter->model, &session->painter->camera);
    return ESP_OK;
}

static esp_status take_picture(esp_session *session)
{
    session->picture_wanted = true;
    return ESP_OK;
}

static esp_status quit(esp_session *session)
{
    session->quit = true;
    return ESP_OK;
}

/* Key codes are those of GLFW, which MuJoCo's panel uses as well: letters are capitals. */
static const struct {
    int         key;
    const char *name, *meaning;
    esp_status (*act)(esp_session *session);
} keys[] = {
    {mjKEY_F1, "F1", "this list", toggle_help},
    {' ', "Space", "pause, resume", toggle_pause},
    {mjKEY_RIGHT, "Right", "one control step", single_step},
    {mjKEY_DOWN, "Down", "slower", slower},
    {mjKEY_UP, "Up", "faster", faster},
    {mjKEY_BACKSPACE, "Backspace", "restart this episode", reset},
    {'N', "N", "next episode", next_episode},
    {mjKEY_TAB, "Tab", "select the next checkpoint", next_checkpoint},
    {'C', "C", "switch its controller", other_controller},
    {']', "]", "cut 5 % more from it", cut_more},
    {'[', "[", "cut 5 % less from it", cut_less},
    {mjKEY_F2, "F2", "captions", toggle_caption},
    {mjKEY_F3, "F3", "figures", toggle_figures},
    {mjKEY_F4, "F4", "what the network sees", toggle_inset},
    {mjKEY_F5, "F5", "shadows", toggle_shadows},
    {'V', "V", "first view", first_view},
    {'P', "P", "save a picture", take_picture},
    {mjKEY_ESCAPE, "Esc", "quit", quit},
};
enum { NUM_KEYS = sizeof keys / sizeof *keys };

esp_status esp_session_key(esp_session *session, int key)
{
    for (int i = 0; i < NUM_KEYS; i++) {
        if (keys[i].key != key) continue;
        esp_status status = keys[i].act(session);
        return status == ESP_OK ? esp_session_apply(session) : status;
    }
    return ESP_OK;
}

void esp_session_help(char *names, char *meanings, size_t size)
{
    static const char *const mouse[][2] = {{"drag", "turn the camera"}, {"right drag", "move the camera"},
                                           {"wheel", "zoom"}, {"Ctrl drag", "push a body"}};
    size_t left = 0, right = 0;
    for (int i = 0; i < NUM_KEYS; i++) {
        left += (size_t)snprintf(names + left, size - left, "%s\n", keys[i].name);
        right += (size_t)snprintf(meanings + right, size - right, "%s\n", keys[i].meaning);
    }
    for (int i = 0; i < 4; i++) {
        left += (size_t)snprintf(names + left, size - left, i < 3 ? "%s\n" : "%s", mouse[i][0]);
        right += (size_t)snprintf(meanings + right, size - right, i < 3 ? "%s\n" : "%s", mouse[i][1]);
    }
}

/* ---- the mouse --------------------------------------------------------------------------------------- */

/* Index of the body at a place in the tile; 0 or less: no movable body. */
static int body_at(esp_painter *painter, double x, double y, double aspect)
{
    mjtNum point[3];
    int geom = -1, skin = -1;
#if mjVERSION_HEADER >= 300
    int flex = -1;
    return mjv_select(painter->model, painter->shown, &painter->option, aspect, x, y, &painter->scene, point, &geom,
                      &flex, &skin);
#else
    return mjv_select(painter->model, painter->shown, &painter->option, aspect, x, y, &painter->scene, point, &geom,
                      &skin);
#endif
}

void esp_session_push_begin(esp_session *session, int actor, double x, double y, double aspect)
{
    esp_painter *painter = session->painter;
    esp_painter_show(painter, actor);
    int body = body_at(painter, x, y, aspect);
    mjv_defaultPerturb(&painter->push);
    /* A click beside every body takes the moving end. */
    painter->push.select = body > 0 ? body : painter->model->nbody - 1;
    mju_copy3(painter->push.localpos, painter->model->body_ipos + 3 * painter->push.select);
    painter->pushed = actor;
    mjv_initPerturb(painter->model, painter->shown, &painter->scene, &painter->push);
    painter->push.active = mjPERT_TRANSLATE;
}

void esp_session_push_move(esp_session *session, double dx, double dy)
{
    esp_painter *painter = session->painter;
    if (painter->pushed < 0) return;
    esp_painter_show(painter, painter->pushed);
    mjv_movePerturb(painter->model, painter->shown, mjMOUSE_MOVE_V, dx, dy, &painter->scene, &painter->push);
}

void esp_session_push_end(esp_session *session)
{
    session->painter->pushed = -1;
}

/* A spring between the mouse and the body's centre of mass. */
static void apply_push(esp_session *session)
{
    for (int i = 0; i < session->player->count; i++) {
        esp_actor *actor = &session->player->actor[i];
        mju_zero(actor->play->data->xfrc_applied, 6 * actor->world->model->nbody);
        if (i == session->painter->pushed)
            mjv_applyPerturbForce(actor->world->model, actor->play->data, &session->painter->push);
    }
}

/* ---- time ---------------------------------------------------------------------------------------------- */

static esp_status step(esp_session *session)
{
    esp_status status = ESP_OK;
    if (esp_player_ended(session->player)) status = next_episode(session);
    apply_push(session);
    if (status == ESP_OK) status = esp_player_step(session->player);
    session->simulated += esp_player_timestep(session->player);
    return status;
}

esp_status esp_session_advance(esp_session *session, double seconds)
{
    double timestep = esp_player_timestep(session->player);
    esp_status status = ESP_OK;
    for (; session->single > 0 && status == ESP_OK; session->single--) status = step(session);
    if (session->controls.pause || status != ESP_OK) return status;
    session->due = fmin(session->due + seconds * speeds[session->controls.speed], LONGEST_LAG);
    for (; session->due > timestep - ROUNDING && status == ESP_OK; session->due -= timestep) status = step(session);
    return status;
}
