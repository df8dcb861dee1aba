/* The window: passes GLFW's events to the panel and the session, and lets the painter draw.
 *
 * Its context is made by EGL, because the renderers of the controllers use EGL contexts on the same thread, and only
 * an EGL context can be made current again after they have drawn. */
#include <GLFW/glfw3.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/colors.h"
#include "viewer/panel.h"

#define FRAME_TIME (1.0 / 75.0) /* s; frames are not drawn more often than this on a screen without a 60 Hz limit */
#define HELP_TEXT 1024

typedef struct {
    GLFWwindow  *glfw;
    esp_session *session;
    mjUI         panel;
    mjuiState    state;      /* rectangles: 0 the window, 1 the panel, 2 where the actors are */
    bool         attached;
    bool         pushing;
    esp_controls painted;    /* values that the panel showed last */
    esp_status   status;     /* status of what the last events led to */
} window;

enum { PANEL = 1, STAGE = 2 };

static char complaint[256]; /* GLFW's last error */

static void on_complaint(int code, const char *text)
{
    (void)code;
    snprintf(complaint, sizeof complaint, "%s", text);
}

/* ---- layout -------------------------------------------------------------------------------------------- */

static void lay_out(window *w)
{
    int width, height;
    glfwGetFramebufferSize(w->glfw, &width, &height);
    w->state.nrect = 3;
    w->state.rect[0] = (mjrRect){0, 0, width, height};
    w->state.rect[PANEL] = (mjrRect){0, 0, w->panel.width, height};
    w->state.rect[STAGE] = (mjrRect){w->panel.width, 0, width > w->panel.width ? width - w->panel.width : 0, height};
}

/* ---- drawing ------------------------------------------------------------------------------------------- */

/* Copies the next line of a text and moves past it; false at the end. */
static bool next_line(const char **text, char *out, size_t size)
{
    size_t length = strcspn(*text, "\n");
    if (**text == 0) return false;
    snprintf(out, size, "%.*s", (int)length, *text);
    *text += length + ((*text)[length] == '\n');
    return true;
}

static int count_lines(const char *text)
{
    char line[256];
    int count = 0;
    while (next_line(&text, line, sizeof line)) count++;
    return count;
}

static int widest_line(esp_text_size size, const char *text)
{
    char line[256];
    int width = 0;
    while (next_line(&text, line, sizeof line))
        if (esp_sketch_text_width(size, line) > width) width = esp_sketch_text_width(size, line);
    return width;
}

static void draw_lines(esp_sketch *box, esp_text_size size, int left, const char *text, esp_ink ink)
{
    enum { TOP = 5 };
    char line[256];
    for (int top = TOP; next_line(&text, line, sizeof line); top += esp_text_height(size))
        esp_sketch_text_within(box, size, left, top, box->width - left - TOP, line, ink);
}

/* A box of text in the middle of the stage, `top` px below its upper edge; several lines where the text has them.
 * right: a second column, or NULL. */
static void draw_box(const window *w, int top, const char *left, const char *right, esp_ink ink)
{
    enum { MARGIN = 10, GAP = 24 };
    const mjrRect *stage = &w->state.rect[STAGE];
    int lines = count_lines(left);
    esp_text_size size = lines * esp_text_height(ESP_TEXT_NORMAL) > stage->height - top - 3 * MARGIN ? ESP_TEXT_SMALL
                                                                                                     : ESP_TEXT_NORMAL;
    int column = widest_line(size, left), width = column + (right ? GAP + widest_line(size, right) : 0) + 2 * MARGIN;
    int height = lines * esp_text_height(size) + MARGIN;
    if (width > stage->width) width = stage->width;
    if (height > stage->height - top) height = stage->height - top;
    if (width < 2 * MARGIN || height < MARGIN) return;
    esp_sketch box = {width, height, esp_alloc((size_t)width * (size_t)height, 3)};
    esp_sketch_fill(&box, (esp_area){0, 0, width, height}, esp_color_panel);
    draw_lines(&box, size, MARGIN, left, ink);
    if (right) draw_lines(&box, size, MARGIN + column + GAP, right, esp_color_text);
    esp_painter_put(w->session->painter, *stage, (stage->width - width) / 2, top, &box);
    free(box.pixels);
}

static void draw_notices(const window *w)
{
    static const char *const speeds[] = {"", "half speed", "quarter speed", "a tenth of the speed"};
    static const esp_ink yellow = {{0xff, 0xd9, 0x66}};
    const esp_session *session = w->session;
    mjrRect scene = esp_painter_scene(session->painter, w->state.rect[STAGE], 0);
    int top = w->state.rect[STAGE].height - (scene.bottom + scene.height) + 8;
    if (session->controls.pause) draw_box(w, top, "paused", NULL, yellow);
    else if (session->controls.speed > 0) draw_box(w, top, speeds[session->controls.speed], NULL, yellow);
    if (esp_clock() < session->message_until) draw_box(w, top + 32, session->message, NULL, yellow);
    if (!session->help) return;
    char names[HELP_TEXT], meanings[HELP_TEXT];
    esp_session_help(names, meanings, HELP_TEXT);
    draw_box(w, 8, names, meanings, esp_color_soft);
}

static esp_status save_picture(window *w)
{
    mjrRect whole = w->state.rect[0];
    size_t row = 3 * (size_t)whole.width;
    uint8_t *low = esp_alloc(row, (size_t)whole.height), *pixels = esp_alloc(row, (size_t)whole.height);
    char name[64];
    int number = 1;
    do snprintf(name, sizeof name, "espalier-view-%d.png", number++);
    while (access(name, F_OK) == 0);
    mjr_readPixels(low, NULL, whole, &w->session->painter->draw);
    for (int y = 0; y < whole.height; y++)
        memcpy(pixels + (size_t)y * row, low + (size_t)(whole.height - 1 - y) * row, row);
    if (esp_png_write(name, whole.width, whole.height, 3, pixels) == ESP_OK) esp_session_say(w->session, "%s", name);
    else esp_session_say(w->session, "%s", esp_error_text());
    free(low);
    free(pixels);
    return ESP_OK;
}

static esp_status draw(void *argument)
{
    window *w = argument;
    esp_session *session = w->session;
    const esp_controls *c = &session->controls;
    if (memcmp(c, &w->painted, sizeof *c) != 0) { /* changed by a key */
        w->painted = *c;
        mjui_update(-1, -1, &w->panel, &w->state, &session->painter->draw);
    }
    esp_overlays overlays = {.caption = c->caption, .figures = c->figures, .inset = c->inset};
    esp_painter_paint(session->painter, w->state.rect[STAGE], overlays);
    mjui_render(&w->panel, &w->state, &session->painter->draw);
    draw_notices(w);
    if (session->picture_wanted) save_picture(w);
    session->picture_wanted = false;
    return ESP_OK;
}

/* ---- the mouse over the actors ------------------------------------------------------------------------- */

static int actor_at(const window *w, double x)
{
    const esp_painter *painter = w->session->painter;
    int actor = painter->player->count - 1;
    while (actor > 0 && x < esp_painter_tile(painter, w->state.rect[STAGE], actor).left) actor--;
    return actor;
}

static void begin_push(window *w)
{
    int actor = actor_at(w, w->state.x);
    mjrRect scene = esp_painter_scene(w->session->painter, w->state.rect[STAGE], actor);
    esp_session_push_begin(w->session, actor, (w->state.x - scene.left) / scene.width,
                           (w->state.y - scene.bottom) / scene.height, (double)scene.width / scene.height);
    w->pushing = true;
}

/* Moves the free camera by a fraction of the window's height; MuJoCo 3.11.0 stopped asking for the scene. */
static void move_camera(esp_painter *painter, int action, double dx, double dy)
{
#if mjVERSION_HEADER >= 3011000
    mjv_moveCamera(painter->model, action, dx, dy, &painter->camera);
#else
    mjv_moveCamera(painter->model, action, dx, dy, &painter->scene, &painter->camera);
#endif
}

static void move(window *w)
{
    esp_painter *painter = w->session->painter;
    double height = w->state.rect[STAGE].height, dx = w->state.dx / height, dy = -w->state.dy / height;
    int action = w->state.right ? (w->state.shift ? mjMOUSE_MOVE_H : mjMOUSE_MOVE_V)
                                : (w->state.shift ? mjMOUSE_ROTATE_H : mjMOUSE_ROTATE_V);
    if (w->pushing) esp_session_push_move(w->session, dx, dy);
    else            move_camera(painter, action, dx, dy);
}

static void on_stage(window *w)
{
    if (w->state.type == mjEVENT_PRESS && w->state.control) begin_push(w);
    else if (w->state.type == mjEVENT_MOVE) move(w);
    else if (w->state.type == mjEVENT_SCROLL)
        move_camera(w->session->painter, mjMOUSE_ZOOM, 0, -0.05 * w->state.sy);
}

/* ---- events -------------------------------------------------------------------------------------------- */

static esp_status dispatch(void *argument)
{
    window *w = argument;
    int rectangle = w->state.dragrect ? w->state.dragrect : w->state.mouserect;
    if (rectangle == PANEL) return esp_panel_event(&w->panel, &w->state, w->session, &w->session->painter->draw);
    if (rectangle == STAGE) on_stage(w);
    return ESP_OK;
}

static void handle(window *w, esp_status (*work)(void *argument))
{
    if (w->status == ESP_OK) w->status = esp_guard(work, w, ESP_ERR_MACHINE);
}

/* Reads pointer and buttons, in pixels of the frame from its lower left corner. */
static void look_at_mouse(window *w)
{
    mjuiState *s = &w->state;
    double x, y;
    int width, height;
    glfwGetCursorPos(w->glfw, &x, &y);
    glfwGetWindowSize(w->glfw, &width, &height);
    double scale = width > 0 ? (double)s->rect[0].width / width : 1.0;
    x *= scale;
    y = s->rect[0].height - y * scale;
    s->dx = x - s->x;
    s->dy = y - s->y;
    s->x = x;
    s->y = y;
    s->left = glfwGetMouseButton(w->glfw, GLFW_MOUSE_BUTTON_LEFT) == GLFW_PRESS;
    s->right = glfwGetMouseButton(w->glfw, GLFW_MOUSE_BUTTON_RIGHT) == GLFW_PRESS;
    s->middle = glfwGetMouseButton(w->glfw, GLFW_MOUSE_BUTTON_MIDDLE) == GLFW_PRESS;
    s->mouserect = mjr_findRect((int)x, (int)y, s->nrect - 1, s->rect + 1) + 1;
}

static void on_button(GLFWwindow *glfw, int button, int action, int modifiers)
{
    window *w = glfwGetWindowUserPointer(glfw);
    mjuiState *s = &w->state;
    look_at_mouse(w);
    s->control = (modifiers & GLFW_MOD_CONTROL) != 0;
    s->shift = (modifiers & GLFW_MOD_SHIFT) != 0;
    s->alt = (modifiers & GLFW_MOD_ALT) != 0;
    s->button = button == GLFW_MOUSE_BUTTON_LEFT ? mjBUTTON_LEFT
              : button == GLFW_MOUSE_BUTTON_RIGHT ? mjBUTTON_RIGHT : mjBUTTON_MIDDLE;
    s->type = action == GLFW_PRESS ? mjEVENT_PRESS : mjEVENT_RELEASE;
    if (action == GLFW_PRESS && s->mouserect) {
        s->buttontime = glfwGetTime();
        s->dragbutton = s->button;
        s->dragrect = s->mouserect;
    }
    handle(w, dispatch);
    if (action == GLFW_PRESS || s->left || s->right || s->middle) return;
    s->dragrect = s->dragbutton = 0;
    esp_session_push_end(w->session);
    w->pushing = false;
}

static void on_move(GLFWwindow *glfw, double x, double y)
{
    (void)x, (void)y;
    window *w = glfwGetWindowUserPointer(glfw);
    look_at_mouse(w);
    if (!w->state.dragrect) return;
    w->state.type = mjEVENT_MOVE;
    handle(w, dispatch);
}

static void on_scroll(GLFWwindow *glfw, double x, double y)
{
    window *w = glfwGetWindowUserPointer(glfw);
    look_at_mouse(w);
    w->state.type = mjEVENT_SCROLL;
    w->state.sx = x;
    w->state.sy = y;
    handle(w, dispatch);
}

static esp_status press_key(void *argument)
{
    window *w = argument;
    return esp_session_key(w->session, w->state.key);
}

static void on_key(GLFWwindow *glfw, int key, int code, int action, int modifiers)
{
    (void)code, (void)modifiers;
    window *w = glfwGetWindowUserPointer(glfw);
    if (action != GLFW_PRESS) return;
    w->state.key = key;
    handle(w, press_key);
}

static void on_resize(GLFWwindow *glfw, int width, int height)
{
    (void)width, (void)height;
    lay_out(glfwGetWindowUserPointer(glfw));
}

/* ---- open and close -------------------------------------------------------------------------------------- */

static esp_status no_window(void)
{
    return esp_fail(ESP_ERR_MACHINE, "no window: %s; `espalier record` makes a video or pictures without one",
                    *complaint ? complaint : "GLFW gives no reason");
}

static esp_status attach(void *argument)
{
    window *w = argument;
    esp_status status = esp_painter_attach(w->session->painter);
    if (status != ESP_OK) return status;
    w->attached = true;
    esp_panel_make(&w->panel, w->session);
    w->state.rect[PANEL] = (mjrRect){0, 0, 1, 1};
    lay_out(w);
    esp_panel_fit(&w->panel, &w->state, &w->session->painter->draw);
    lay_out(w);
    w->painted = w->session->controls;
    return ESP_OK;
}

static esp_status detach(void *argument)
{
    window *w = argument;
    esp_painter_detach(w->session->painter);
    return ESP_OK;
}

/* Limits the width: with several checkpoints the window could be wider than the screen, which would hide the last
 * ones. */
static GLFWwindow *create_window(const esp_view_options *options)
{
    int x, y, width = 0, height = 0;
    GLFWmonitor *monitor = glfwGetPrimaryMonitor();
    if (monitor) glfwGetMonitorWorkarea(monitor, &x, &y, &width, &height);
    width = width > 0 && width < options->width ? width : options->width;
    height = height > 0 && height < options->height ? height : options->height;
    return glfwCreateWindow(width, height, "espalier view", NULL, NULL);
}

static void hint_context(void)
{
    glfwWindowHint(GLFW_CONTEXT_CREATION_API, GLFW_EGL_CONTEXT_API);
    glfwWindowHint(GLFW_SAMPLES, 0); /* without a graphics card, smooth edges would double the time per frame */
}

static esp_status open_window(window *w, const esp_view_options *options)
{
    glfwSetErrorCallback(on_complaint);
    if (!glfwInit()) return no_window();
    hint_context();
    w->glfw = create_window(options);
    if (!w->glfw) return no_window();
    glfwSetWindowUserPointer(w->glfw, w);
    glfwMakeContextCurrent(w->glfw);
    glfwSwapInterval(1);
    esp_status status = esp_guard(attach, w, ESP_ERR_MACHINE);
    glfwSetMouseButtonCallback(w->glfw, on_button);
    glfwSetCursorPosCallback(w->glfw, on_move);
    glfwSetScrollCallback(w->glfw, on_scroll);
    glfwSetKeyCallback(w->glfw, on_key);
    glfwSetFramebufferSizeCallback(w->glfw, on_resize);
    return status;
}

static void close_window(window *w)
{
    if (w->attached) esp_guard(detach, w, ESP_ERR_MACHINE);
    glfwTerminate();
}

/* ---- the loop ---------------------------------------------------------------------------------------------- */

static bool goes_on(const window *w, const esp_view_options *options, double open)
{
    return w->status == ESP_OK && !w->session->quit && !glfwWindowShouldClose(w->glfw) && !esp_interrupted() &&
           (options->seconds == 0.0 || open < options->seconds);
}

static void watch(window *w, const esp_view_options *options, esp_view_result *out)
{
    double start = esp_clock(), last = start, due = start, drawing = 0.0;
    while (goes_on(w, options, last - start)) {
        double now = esp_clock();
        w->status = esp_session_advance(w->session, now - last);
        last = now;
        double before = esp_clock();
        if (w->status == ESP_OK) w->status = esp_guard(draw, w, ESP_ERR_MACHINE);
        glfwSwapBuffers(w->glfw);
        drawing += esp_clock() - before;
        out->frames++;
        due = fmax(due + FRAME_TIME, now); /* time lost by a slow frame is not caught up */
        double left = due - esp_clock();
        if (left > 0.0) glfwWaitEventsTimeout(left);
        else            glfwPollEvents();
    }
    out->seconds = last - start;
    out->simulated = w->session->simulated;
    out->frame_ms = out->frames > 0 ? 1e3 * drawing / out->frames : 0.0;
}

esp_status esp_view(int count, const esp_role *roles, const esp_view_options *options, esp_view_result *out)
{
    window *w = esp_alloc(1, sizeof *w);
    esp_view_result result = {.frames = 0};
    esp_status status = esp_session_create(count, roles, options->seed, options->along, &w->session);
    if (status == ESP_OK) status = open_window(w, options);
    if (status == ESP_OK) {
        watch(w, options, &result);
        status = w->status;
    }
    close_window(w);
    esp_session_free(w->session);
    free(w);
    if (status == ESP_OK) *out = result;
    return status;
}

/* ---- can a window open? -------------------------------------------------------------------------------- */

static esp_status describe_window(GLFWwindow *glfw, esp_window_facts *out)
{
    if (!glfw) return no_window();
    glfwMakeContextCurrent(glfw);
    const GLubyte *(*get_string)(GLenum) = (const GLubyte *(*)(GLenum))glfwGetProcAddress("glGetString");
    const GLubyte *renderer = get_string ? get_string(GL_RENDERER) : NULL;
    snprintf(out->renderer, sizeof out->renderer, "%s", renderer ? (const char *)renderer : "unknown renderer");
    return ESP_OK;
}

esp_status esp_window_try(esp_window_facts *out)
{
    *out = (esp_window_facts){.renderer = ""};
    snprintf(out->glfw, sizeof out->glfw, "%s", glfwGetVersionString());
    glfwSetErrorCallback(on_complaint);
    if (!glfwInit()) return no_window();
    hint_context();
    glfwWindowHint(GLFW_VISIBLE, GLFW_FALSE);
    esp_status status = describe_window(glfwCreateWindow(64, 64, "espalier doctor", NULL, NULL), out);
    glfwTerminate();
    return status;
}
