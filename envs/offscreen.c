/* OpenGL contexts without a window: EGL on Mesa's surfaceless platform, which needs no display and no
 * graphics card. */
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GL/gl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envs/envs_internal.h"

#define ENOUGH ((size_t)600 << 20) /* bytes of address space that Mesa's renderer needs with all its libraries */

struct esp_offscreen {
    EGLContext context; /* owned */
};

/* One display for the whole process, never terminated: other parts of the process may be drawing as well. */
static EGLDisplay display = EGL_NO_DISPLAY;
void (*esp_read_pixels)(GLint, GLint, GLsizei, GLsizei, GLenum, GLenum, void *);

/* Creating contexts is rare and touches state shared by all threads (MuJoCo's table of GL entry
 * points, Mesa's loader), so it is done one at a time. */
static pthread_mutex_t creating = PTHREAD_MUTEX_INITIALIZER;

/* Sets a variable for the display about to be opened; true if it has to be removed again. */
static bool lend_variable(const char *name, const char *value)
{
    return !getenv(name) && setenv(name, value, 0) == 0;
}

/* Mesa reads these variables while the display opens. They are restored afterwards: a window that this process or its
 * child opens later should have the graphics card and all threads. */
static EGLBoolean initialize_quietly(void)
{
    const char *const names[] = {"LP_NUM_THREADS", "LIBGL_ALWAYS_SOFTWARE", "EGL_LOG_LEVEL"};
    const char *const values[] = {
        "0",    /* draw in the calling thread: waking helper threads costs more than drawing a small frame */
        "1",    /* software rendering: the same pixels on machines with and without a graphics card */
        "fatal" /* we report failures ourselves, in one line */
    };
    bool lent[3];
    for (int i = 0; i < 3; i++) lent[i] = lend_variable(names[i], values[i]);
    EGLBoolean done = eglInitialize(display, NULL, NULL);
    for (int i = 0; i < 3; i++)
        if (lent[i]) unsetenv(names[i]);
    return done;
}

/* The first environment variable that is set and leads EGL and Mesa away from what is installed. */
static const char *find_detour(void)
{
    static const char *const names[] = {"__EGL_VENDOR_LIBRARY_DIRS", "__EGL_VENDOR_LIBRARY_FILENAMES",
                                        "LIBGL_DRIVERS_PATH", "GALLIUM_DRIVER", "MESA_LOADER_DRIVER_OVERRIDE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i])) return names[i];
    return NULL;
}

/* With too low a memory limit every part of EGL seems to miss a library, so the limit is named first. */
static esp_status no_egl(const char *what, const char *package)
{
    size_t limit = esp_memory_limit();
    const char *detour = find_detour();
    if (limit < ENOUGH)
        return esp_fail(ESP_ERR_MACHINE, "`ulimit -v` allows %zu MiB of address space, in which EGL fails; raise it "
                        "to at least %zu for off-screen rendering", limit >> 20, ENOUGH >> 10);
    if (detour)
        return esp_fail(ESP_ERR_MACHINE, "EGL: %s; off-screen rendering needs it (unset %s; Debian: apt install %s)",
                        what, detour, package);
    return esp_fail(ESP_ERR_MACHINE, "EGL: %s; off-screen rendering needs it (Debian: apt install %s)", what, package);
}

static esp_status open_display(void)
{
    if (display != EGL_NO_DISPLAY) return ESP_OK;
    PFNEGLGETPLATFORMDISPLAYEXTPROC get_display =
        (PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress("eglGetPlatformDisplayEXT");
    if (get_display) display = get_display(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
    if (display == EGL_NO_DISPLAY) return no_egl("it finds no Mesa", "libegl-mesa0");
    if (!initialize_quietly()) {
        display = EGL_NO_DISPLAY;
        return no_egl("Mesa finds no driver that starts", "libgl1-mesa-dri");
    }
    esp_read_pixels =
        (void (*)(GLint, GLint, GLsizei, GLsizei, GLenum, GLenum, void *))eglGetProcAddress("glReadPixels");
    if (!esp_read_pixels) return no_egl("it has no glReadPixels", "libgl1-mesa-dri");
    return ESP_OK;
}

/* The context that the calling thread had, restored after a call. */
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

/* Most calls of EGL, eglDestroyContext among them, give the calling thread a state. At exit libEGL frees the states of
 * all threads, and before GLVND 1.7 a thread that ends later, as those of LLVM's OpenMP do, frees its own again. So a
 * thread that had no context leaves EGL altogether. */
static void restore(const binding *before)
{
    if (before->context != EGL_NO_CONTEXT) {
        eglMakeCurrent(before->display, before->draw, before->read, before->context);
    } else {
        eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
        eglReleaseThread();
    }
    if (before->api != EGL_OPENGL_ES_API) eglBindAPI(before->api); /* a thread begins with OpenGL ES */
}

static esp_status create_context(EGLContext *out)
{
    static const EGLint wanted[] = {EGL_SURFACE_TYPE, EGL_DONT_CARE, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_NONE};
    EGLConfig config = NULL;
    EGLint found = 0;
    if (!eglBindAPI(EGL_OPENGL_API) || !eglChooseConfig(display, wanted, &config, 1, &found) || found < 1)
        return no_egl("its driver has no desktop OpenGL", "libgl1-mesa-dri");
    *out = eglCreateContext(display, config, EGL_NO_CONTEXT, NULL);
    if (*out == EGL_NO_CONTEXT)
        return no_egl("its driver makes no context", "libgl1-mesa-dri");
    return ESP_OK;
}

/* ---- public ------------------------------------------------------------------------------------ */

esp_status esp_offscreen_create(esp_offscreen **out)
{
    EGLContext context = EGL_NO_CONTEXT;
    pthread_mutex_lock(&creating);
    binding before = current_binding();
    esp_status status = open_display();
    if (status == ESP_OK) status = create_context(&context);
    restore(&before);
    pthread_mutex_unlock(&creating);
    if (status != ESP_OK) return status;
    *out = esp_alloc(1, sizeof **out);
    (*out)->context = context;
    return ESP_OK;
}

void esp_offscreen_free(esp_offscreen *offscreen)
{
    if (!offscreen) return;
    pthread_mutex_lock(&creating);
    binding before = current_binding();
    eglDestroyContext(display, offscreen->context);
    restore(&before);
    pthread_mutex_unlock(&creating);
    free(offscreen);
}

/* Switching contexts takes about 2 us per frame, and in return any thread may use any context. */
esp_status esp_offscreen_run(esp_offscreen *offscreen, esp_status (*work)(void *argument), void *argument)
{
    binding before = current_binding();
    esp_status status = ESP_OK;
    if (eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, offscreen->context))
        status = esp_guard(work, argument, ESP_ERR_MACHINE);
    else
        status = esp_fail(ESP_ERR_MACHINE, "cannot make the EGL context current: error 0x%x", (unsigned)eglGetError());
    restore(&before);
    return status;
}

esp_status esp_offscreen_prepare(esp_offscreen *offscreen, esp_status (*work)(void *argument), void *argument)
{
    pthread_mutex_lock(&creating);
    esp_status status = esp_offscreen_run(offscreen, work, argument);
    pthread_mutex_unlock(&creating);
    return status;
}

/* ---- the renderer in use ------------------------------------------------------------------------ */

static esp_status read_facts(void *argument)
{
    esp_offscreen_facts *facts = argument;
    const GLubyte *(*get_string)(GLenum) = (const GLubyte *(*)(GLenum))eglGetProcAddress("glGetString");
    const GLubyte *renderer = get_string ? get_string(GL_RENDERER) : NULL;
    const GLubyte *opengl = get_string ? get_string(GL_VERSION) : NULL;
    const char *egl = eglQueryString(display, EGL_VERSION);
    if (!renderer || !opengl || !egl) return no_egl("its driver does not say what it is", "libgl1-mesa-dri");
    snprintf(facts->egl, sizeof facts->egl, "%.*s", (int)strcspn(egl, " "), egl);
    snprintf(facts->renderer, sizeof facts->renderer, "%s", (const char *)renderer);
    snprintf(facts->opengl, sizeof facts->opengl, "%s", (const char *)opengl);
    return ESP_OK;
}

esp_status esp_offscreen_describe(esp_offscreen *offscreen, esp_offscreen_facts *out)
{
    return esp_offscreen_run(offscreen, read_facts, out);
}
