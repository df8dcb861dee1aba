/* What the network sees: MuJoCo's renderer in an off-screen EGL context, box-filtered to gray.
 *
 * The picture is rendered larger than the network needs and averaged down, because the angle of
 * the pole lives below the pixel: 28x28 drawn directly shows 1,040 distinct frames over 3,600
 * angles, 84x84 averaged down more than 3,000. */
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GL/gl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "envs/envs_internal.h"

#define MAX_GEOMS 1000 /* drawn shapes a frame, MuJoCo's decorations included */
#define NEEDS "off-screen rendering needs EGL (Debian: apt install libegl1 libgl1-mesa-dri)"

struct esp_renderer {
    const esp_world *world;   /* borrowed */
    EGLContext       context; /* owned, like all below */
    mjvScene         scene;
    mjrContext       draw;
    mjvOption        option;
    mjvCamera        camera;
    int              side;    /* rendered pixels a side */
    uint8_t         *pixels;  /* [side, side, 4], bottom row first */
    mjData          *shown;   /* argument of render, borrowed for the call */
};

/* ---- EGL ------------------------------------------------------------------------------------- */

/* One display for the process, never terminated: other parts of it may be drawing as well. */
static EGLDisplay display = EGL_NO_DISPLAY;
static void (*read_pixels)(GLint, GLint, GLsizei, GLsizei, GLenum, GLenum, void *);

/* Creating contexts is rare and touches state shared by all threads (MuJoCo's table of GL entry
 * points, Mesa's loader), so it is done one at a time. */
static pthread_mutex_t creating = PTHREAD_MUTEX_INITIALIZER;

/* Sets a variable for the display about to be opened; true if it has to be removed again. */
static bool lend_variable(const char *name, const char *value)
{
    return !getenv(name) && setenv(name, value, 0) == 0;
}

/* Mesa reads these while the display opens. They are taken back afterwards: a window that this
 * process or a child of it opens later should have the graphics card and all threads. */
static EGLBoolean initialize_quietly(void)
{
    const char *const names[] = {"LP_NUM_THREADS", "LIBGL_ALWAYS_SOFTWARE", "EGL_LOG_LEVEL"};
    const char *const values[] = {
        "0",    /* draw in the calling thread: waking helpers costs more than a small frame */
        "1",    /* the same pixels on machines with and without a graphics card */
        "fatal" /* what goes wrong is reported by us, in one line */
    };
    bool lent[3];
    for (int i = 0; i < 3; i++) lent[i] = lend_variable(names[i], values[i]);
    EGLBoolean done = eglInitialize(display, NULL, NULL);
    for (int i = 0; i < 3; i++)
        if (lent[i]) unsetenv(names[i]);
    return done;
}

static esp_status open_display(void)
{
    if (display != EGL_NO_DISPLAY) return ESP_OK;
    PFNEGLGETPLATFORMDISPLAYEXTPROC get_display =
        (PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress("eglGetPlatformDisplayEXT");
    if (get_display) display = get_display(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
    if (display == EGL_NO_DISPLAY) return esp_fail(ESP_ERR_MACHINE, NEEDS ": no surfaceless platform");
    if (!initialize_quietly()) {
        display = EGL_NO_DISPLAY;
        return esp_fail(ESP_ERR_MACHINE, NEEDS ": eglInitialize failed with 0x%x", (unsigned)eglGetError());
    }
    read_pixels = (void (*)(GLint, GLint, GLsizei, GLsizei, GLenum, GLenum, void *))eglGetProcAddress("glReadPixels");
    if (!read_pixels) return esp_fail(ESP_ERR_MACHINE, NEEDS ": no glReadPixels");
    return ESP_OK;
}

/* What the calling thread had current, to be put back after a call. */
typedef struct {
    EGLenum    api;
    EGLDisplay display;
    EGLContext context;
    EGLSurface draw, read;
} binding;

static binding current_binding(void)
{
    binding now = {eglQueryAPI(), eglGetCurrentDisplay(), eglGetCurrentContext(), eglGetCurrentSurface(EGL_DRAW),
                   eglGetCurrentSurface(EGL_READ)};
    return now;
}

/* A thread that had nothing leaves EGL altogether: LLVM's OpenMP joins its threads when the
 * process exits, after Mesa's own exit handler, and Mesa then frees what it kept for them twice. */
static void restore(const binding *before)
{
    if (before->context != EGL_NO_CONTEXT) {
        eglMakeCurrent(before->display, before->draw, before->read, before->context);
    } else {
        eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
        eglReleaseThread();
    }
    if (before->api != EGL_OPENGL_ES_API) eglBindAPI(before->api); /* a thread starts with OpenGL ES */
}

static esp_status choose_and_create(EGLContext *out)
{
    static const EGLint wanted[] = {EGL_SURFACE_TYPE, EGL_DONT_CARE, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_NONE};
    EGLConfig config = NULL;
    EGLint found = 0;
    if (!eglBindAPI(EGL_OPENGL_API) || !eglChooseConfig(display, wanted, &config, 1, &found) || found < 1)
        return esp_fail(ESP_ERR_MACHINE, NEEDS ": no configuration with desktop OpenGL");
    *out = eglCreateContext(display, config, EGL_NO_CONTEXT, NULL);
    if (*out == EGL_NO_CONTEXT)
        return esp_fail(ESP_ERR_MACHINE, NEEDS ": eglCreateContext failed with 0x%x", (unsigned)eglGetError());
    return ESP_OK;
}

static esp_status create_context(EGLContext *out)
{
    binding before = current_binding();
    esp_status status = choose_and_create(out);
    restore(&before);
    return status;
}

/* Runs a part of MuJoCo's drawing with the renderer's context current. All the switching takes
 * about 2 us a frame, and in return any thread may use any renderer. */
static esp_status with_context(esp_renderer *renderer, esp_status (*work)(void *renderer))
{
    binding before = current_binding();
    esp_status status = ESP_OK;
    if (eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, renderer->context))
        status = esp_guard(work, renderer, ESP_ERR_MACHINE);
    else
        status = esp_fail(ESP_ERR_MACHINE, "cannot make the EGL context current: error 0x%x", (unsigned)eglGetError());
    restore(&before);
    return status;
}

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
    /* Effects cost ten times the picture itself and tell the network nothing. */
    memset(renderer->scene.flags, 0, sizeof renderer->scene.flags);
    renderer->scene.flags[mjRND_CULL_FACE] = 1;
    mjv_defaultOption(&renderer->option);
    mjv_defaultCamera(&renderer->camera);
    renderer->camera.type = mjCAMERA_FIXED;
    renderer->camera.fixedcamid = renderer->world->camera;
    return ESP_OK;
}

static esp_status free_drawing(void *argument)
{
    esp_renderer *renderer = argument;
    mjr_freeContext(&renderer->draw);
    eglDestroyContext(display, renderer->context); /* it is current: destroyed when the thread lets go */
    return ESP_OK;
}

/* mj_step leaves positions in space one step behind qpos, so they are brought up first; the next
 * mj_step recomputes them from qpos, hence drawing does not touch the physics. */
static esp_status render(void *argument)
{
    esp_renderer *renderer = argument;
    const mjModel *model = renderer->world->model;
    mj_kinematics(model, renderer->shown);
    mj_comPos(model, renderer->shown);
    mj_camlight(model, renderer->shown);

    mjrRect whole = {0, 0, renderer->side, renderer->side};
    mjv_updateScene(model, renderer->shown, &renderer->option, NULL, &renderer->camera, mjCAT_ALL, &renderer->scene);
    mjr_render(whole, &renderer->scene, &renderer->draw);
    /* RGBA is how Mesa stores it, so this is a copy; MuJoCo's own read converts to RGB. */
    read_pixels(0, 0, renderer->side, renderer->side, GL_RGBA, GL_UNSIGNED_BYTE, renderer->pixels);
    return ESP_OK;
}

/* Luma weights of BT.601 in 1/256, as integers so that the result is the same everywhere. */
static unsigned luma(const uint8_t *rgba)
{
    return 77u * rgba[0] + 150u * rgba[1] + 29u * rgba[2];
}

static void box_filter(const uint8_t *pixels, int size, int supersample, uint8_t *frame)
{
    int side = size * supersample;
    unsigned weight = 256u * (unsigned)(supersample * supersample);
    for (int row = 0; row < size; row++) {
        const uint8_t *top = pixels + (size_t)(size - 1 - row) * supersample * side * 4; /* GL starts at the bottom */
        for (int column = 0; column < size; column++) {
            unsigned sum = weight / 2;
            for (int y = 0; y < supersample; y++)
                for (int x = 0; x < supersample; x++)
                    sum += luma(top + 4 * ((size_t)y * side + (size_t)column * supersample + x));
            frame[row * size + column] = (uint8_t)(sum / weight);
        }
    }
}

/* ---- public ----------------------------------------------------------------------------------- */

esp_status esp_renderer_create(const esp_world *world, esp_renderer **out)
{
    esp_renderer *renderer = esp_alloc(1, sizeof *renderer);
    renderer->world = world;
    renderer->context = EGL_NO_CONTEXT;
    renderer->side = world->config.image_size * world->config.supersample;
    renderer->pixels = esp_alloc((size_t)renderer->side * renderer->side, 4);
    mjv_defaultScene(&renderer->scene);
    mjr_defaultContext(&renderer->draw);

    pthread_mutex_lock(&creating);
    esp_status status = open_display();
    if (status == ESP_OK) status = create_context(&renderer->context);
    if (status == ESP_OK) status = with_context(renderer, prepare_drawing);
    pthread_mutex_unlock(&creating);

    if (status == ESP_OK) *out = renderer;
    else                  esp_renderer_free(renderer);
    return status;
}

void esp_renderer_free(esp_renderer *renderer)
{
    if (!renderer) return;
    if (renderer->context != EGL_NO_CONTEXT) {
        pthread_mutex_lock(&creating);
        with_context(renderer, free_drawing);
        pthread_mutex_unlock(&creating);
    }
    mjv_freeScene(&renderer->scene);
    free(renderer->pixels);
    free(renderer);
}

esp_status esp_renderer_frame(esp_renderer *renderer, mjData *data, uint8_t *frame)
{
    const esp_env_config *config = &renderer->world->config;
    renderer->shown = data;
    esp_status status = with_context(renderer, render);
    if (status == ESP_OK) box_filter(renderer->pixels, config->image_size, config->supersample, frame);
    return status;
}

esp_status esp_observe(esp_renderer *renderer, mjData *data, bool first, uint8_t *obs)
{
    const esp_env_config *config = &renderer->world->config;
    size_t pixels = (size_t)config->image_size * config->image_size;
    size_t older = (size_t)(config->frame_stack - 1) * pixels;
    memmove(obs, obs + pixels, older);
    esp_status status = esp_renderer_frame(renderer, data, obs + older);
    if (status == ESP_OK && first)
        for (size_t at = 0; at < older; at += pixels) memcpy(obs + at, obs + older, pixels);
    return status;
}
