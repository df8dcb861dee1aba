/* espalier doctor: what this machine has, what it lacks, and what to do about it.
 *
 * Every check runs in its own process, so that a graphics driver that crashes becomes a line like any other. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "report/report.h"
#include "viewer/viewer.h"

#define PATIENCE 30   /* s per check */
#define FACTS 2048    /* bytes of JSON from one check */

static const struct argp argp = {
    .doc = "Checks the parts of this machine that espalier uses, one line each: MuJoCo, off-screen drawing, models, "
           "BLAS, threads, instruction sets, memory, MPI, window, video, pictures. If something is wrong, its line "
           "says what to do. The exit status is 1 when no agent can be evaluated here.\v"
           "Examples:\n"
           "  espalier doctor\n"
           "  espalier doctor --json | jq -r .mujoco.version\n"
           "  espalier doctor >doctor.txt && espalier eval agent.safetensors\n",
    .children = esp_options_children,
};

/* ---- what a check finds out --------------------------------------------------------------------------- */

typedef struct {
    char text[512];    /* the text after the name, when all is well */
    char facts[FACTS]; /* a JSON object, as text because it crosses processes; "": no facts */
} finding;

static void say(finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(finding *f, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(f->text, sizeof f->text, format, arguments);
    va_end(arguments);
}

/* Deletes the object. */
static void keep_facts(finding *f, cJSON *facts)
{
    char *text = esp_json_line(facts);
    int length = snprintf(f->facts, sizeof f->facts, "%s", text ? text : "");
    if ((size_t)length >= sizeof f->facts) f->facts[0] = 0;
    free(text);
    cJSON_Delete(facts);
}

static void keep_fact(finding *f, const char *key, const char *value)
{
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddStringToObject(facts, key, value);
    keep_facts(f, facts);
}

/* ---- the checks ------------------------------------------------------------------------------------------ */

static esp_status check_mujoco(void *argument)
{
    finding *f = argument;
    esp_mujoco_facts mujoco;
    esp_status status = esp_mujoco_describe(&mujoco);
    const char *source = mujoco.file ? mujoco.file : "linked statically";
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddStringToObject(facts, "version", mujoco.version);
    cJSON_AddStringToObject(facts, "headers", mujoco.headers);
    cJSON_AddStringToObject(facts, "source", source);
    cJSON_AddBoolToObject(facts, "plugin_api", mujoco.plugin_api);
    keep_facts(f, facts);
    say(f, "%s, headers %s, %s; %s", mujoco.version, mujoco.headers,
        mujoco.plugin_api ? "with engine plugins" : "no engine plugins (they came with 2.3.1)", source);
    return status;
}

static esp_status check_egl(void *argument)
{
    finding *f = argument;
    esp_offscreen *offscreen = NULL;
    esp_offscreen_facts egl;
    esp_status status = esp_offscreen_create(&offscreen);
    if (status == ESP_OK) status = esp_offscreen_describe(offscreen, &egl);
    if (status != ESP_OK) return status;
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddStringToObject(facts, "version", egl.egl);
    cJSON_AddStringToObject(facts, "renderer", egl.renderer);
    cJSON_AddStringToObject(facts, "opengl", egl.opengl);
    keep_facts(f, facts);
    say(f, "%s, %s; OpenGL %s", egl.egl, egl.renderer, egl.opengl);
    esp_offscreen_free(offscreen);
    return ESP_OK;
}

static esp_status check_models(void *argument)
{
    finding *f = argument;
    esp_env_config config = esp_env_config_default();
    esp_world *world = NULL;
    esp_status status = esp_world_create(&config, &world);
    if (status != ESP_OK) return status;
    char *task = esp_path_folder(world->scene), *folder = esp_path_folder(task);
    keep_fact(f, "folder", folder);
    say(f, "%s", folder);
    free(task);
    free(folder);
    esp_world_free(world);
    return ESP_OK;
}

static esp_status check_episode(void *argument)
{
    finding *f = argument;
    esp_env_config config = esp_env_config_default();
    esp_world *world = NULL;
    double seconds;
    esp_status status = esp_world_create(&config, &world);
    if (status == ESP_OK) status = esp_world_try(world, &seconds);
    if (status == ESP_OK) say(f, "the first control step of %s, observed and acted in", world->task->about.name);
    esp_world_free(world);
    return status;
}

static esp_status check_display(void *argument)
{
    finding *f = argument;
    esp_window_facts window;
    esp_status status = esp_window_try(&window);
    const char *display = getenv("DISPLAY");
    cJSON *facts = cJSON_CreateObject();
    if (window.glfw[0]) cJSON_AddStringToObject(facts, "glfw", window.glfw);
    if (display) cJSON_AddStringToObject(facts, "name", display);
    if (status == ESP_OK) cJSON_AddStringToObject(facts, "renderer", window.renderer);
    keep_facts(f, facts);
    say(f, "%s; GLFW %s, %s", display ? display : "a window opens", window.glfw, window.renderer);
    return status;
}

static esp_status check_blas(void *argument)
{
    finding *f = argument;
    esp_blas_facts blas = esp_blas_describe();
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddStringToObject(facts, "version", blas.version);
    cJSON_AddStringToObject(facts, "kernel", blas.kernel);
    cJSON_AddStringToObject(facts, "source", blas.file ? blas.file : "linked statically");
    keep_facts(f, facts);
    say(f, "kernels for %s%s; %s", blas.kernel, getenv("OPENBLAS_CORETYPE") ? ", as set by OPENBLAS_CORETYPE" : "",
        blas.version);
    return ESP_OK;
}

/* The processors that this process may run on, and how much of their time a container allows. */
static esp_status check_threads(void *argument)
{
    finding *f = argument;
    int threads = omp_get_max_threads(), processors = omp_get_num_procs();
    double quota = esp_processor_quota();
    char limit[64] = "", number[64];
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddNumberToObject(facts, "threads", threads);
    cJSON_AddNumberToObject(facts, "processors", processors);
    if (quota < processors) {
        cJSON_AddNumberToObject(facts, "quota", quota);
        esp_format(limit, sizeof limit, ", of which a control group allows %.3g", quota);
        processors = quota < 1 ? 1 : (int)quota;
    }
    keep_facts(f, facts);
    esp_text_counted(omp_get_num_procs(), "processor", number, sizeof number);
    say(f, "%d on %s%s", threads, number, limit);
    if (threads <= processors) return ESP_OK;
    return esp_fail(ESP_ERR_MACHINE, "%d on %s%s wait for each other more than they work (set "
                    "OMP_NUM_THREADS or --threads to %d)", threads, number, limit, processors);
}

static esp_status check_isa(void *argument)
{
    finding *f = argument;
    char processor[256];
    esp_processor_name(processor, sizeof processor);
    cJSON *facts = cJSON_CreateObject(), *compiled = cJSON_AddArrayToObject(facts, "compiled");
    for (int i = 0; i < esp_num_kernels(); i++) cJSON_AddItemToArray(compiled, cJSON_CreateString(esp_kernel_name(i)));
    cJSON_AddStringToObject(facts, "processor", processor);
    cJSON_AddStringToObject(facts, "used", esp_kernel_used());
    keep_facts(f, facts);
    say(f, "%s; matrix kernels for %s", processor, esp_kernel_used());
    return ESP_OK;
}

static esp_status check_memory(void *argument)
{
    finding *f = argument;
    double mib = 1024.0 * 1024.0, available = (double)esp_memory_free() / mib, limit = (double)esp_memory_limit() / mib;
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddNumberToObject(facts, "free_mib", floor(available));
    if (esp_memory_limit() != SIZE_MAX) cJSON_AddNumberToObject(facts, "limit_mib", floor(limit));
    keep_facts(f, facts);
    say(f, "%.0f MiB free", available);
    if (esp_memory_limit() == SIZE_MAX) return ESP_OK;
    return esp_fail(ESP_ERR_MACHINE, "%.0f MiB free, but `ulimit -v` allows %.0f: raise it if something fails to "
                    "start", available, limit);
}

static esp_status check_mpi(void *argument)
{
    finding *f = argument;
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddBoolToObject(facts, "built", false);
    keep_facts(f, facts);
    say(f, "not built in: every command uses the threads of one machine");
    return ESP_OK;
}

/* Checks a program of another package. */
static esp_status check_program(finding *f, const char *name, esp_status (*ask)(char *version, size_t size))
{
    char version[128];
    esp_status status = ask(version, sizeof version);
    if (status != ESP_OK) return status;
    keep_fact(f, "version", version);
    say(f, "%s %s", name, version);
    return ESP_OK;
}

static esp_status check_ffmpeg(void *argument)
{
    return check_program(argument, "ffmpeg", esp_movie_program);
}

static esp_status check_pictures(void *argument)
{
    return check_program(argument, "with letters by rsvg-convert", esp_svg_program);
}

/* ---- all ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *key, *title;
    bool        needed; /* whether evaluating an agent needs it */
    esp_status (*check)(void *argument);
} line;

static const line lines[] = {
    {"mujoco", "MuJoCo", true, check_mujoco},
    {"egl", "EGL", true, check_egl},
    {"models", "models", true, check_models},
    {"episode", "an episode", true, check_episode},
    {"blas", "BLAS", false, check_blas},
    {"threads", "threads", false, check_threads},
    {"isa", "processor", false, check_isa},
    {"memory", "memory", false, check_memory},
    {"mpi", "MPI", false, check_mpi},
    {"display", "window", false, check_display},
    {"ffmpeg", "video", false, check_ffmpeg},
    {"pictures", "pictures", false, check_pictures},
};
enum { NUM_LINES = sizeof lines / sizeof *lines };

static cJSON *to_json(const finding *f, esp_status status)
{
    cJSON *json = NULL;
    if (!f->facts[0] || esp_json_parse(f->facts, strlen(f->facts), "facts", &json) != ESP_OK)
        json = cJSON_CreateObject();
    cJSON_AddBoolToObject(json, "ok", status == ESP_OK);
    cJSON_AddStringToObject(json, "text", status == ESP_OK ? f->text : esp_error_text());
    return json;
}

/* Runs all checks; the names of those that are needed and failed go to `lacking`. */
static cJSON *examine(char *lacking, size_t size)
{
    cJSON *json = cJSON_CreateObject();
    size_t length = 0;
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    for (int i = 0; i < NUM_LINES; i++) {
        finding f = {.text = ""};
        esp_status status = esp_isolate(lines[i].check, &f, sizeof f, PATIENCE);
        cJSON_AddItemToObject(json, lines[i].key, to_json(&f, status));
        if (status == ESP_OK || !lines[i].needed) continue;
        length += (size_t)snprintf(lacking + length, size - length, "%s%s", length ? ", " : "", lines[i].title);
    }
    cJSON_AddBoolToObject(json, "evaluates", length == 0);
    return json;
}

static void print_lines(const cJSON *json)
{
    printf("espalier %s\n", ESP_VERSION);
    for (int i = 0; i < NUM_LINES; i++) {
        const cJSON *found = cJSON_GetObjectItemCaseSensitive(json, lines[i].key);
        bool well = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(found, "ok"));
        printf("%-4s %-11s %s\n", well ? "ok" : lines[i].needed ? "FAIL" : "-", lines[i].title,
               esp_json_text(found, "text"));
    }
}

int esp_cmd_doctor(int argc, char **argv, esp_options *options)
{
    char lacking[128] = "";
    esp_status status = esp_parse(&argp, argc, argv, options);
    if (status != ESP_OK) return esp_console_fail(status);
    cJSON *json = examine(lacking, sizeof lacking);
    if (options->json) {
        esp_json_print(json);
    } else {
        print_lines(json);
        cJSON_Delete(json);
    }
    if (!lacking[0]) return ESP_EXIT_DONE;
    return esp_console_fail(esp_fail(ESP_ERR_MACHINE, "missing or broken: %s; no agent can be evaluated until that is "
                                     "mended (the lines above say how)", lacking));
}
