/* espalier record: episodes as a video, a film strip or a folder of pictures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/shown.h"

typedef struct {
    esp_shown    shown;
    const char  *output;
    int          width, height; /* px per checkpoint; 0: depends on the kind of output */
    int          frames;        /* frames of a film strip */
    int          episodes;
    double       fps, seconds;  /* 0: the whole episode */
} arguments;

enum { KEY_SIZE = 0x2000, KEY_FPS, KEY_SECONDS, KEY_EPISODES, KEY_FRAMES };

static const struct argp_option table[] = {
    {"output", 'o', "FILE.mp4|FILE.png|DIR", 0, "Video, film strip, or folder (an existing one, or a name that ends "
     "with /) for one picture per frame", 0},
    {"size", KEY_SIZE, "WxH", 0, "Pixels per checkpoint (default 640x480; film strip 160x160)", 0},
    {"fps", KEY_FPS, "N", 0, "Frames per second of video or folder (default 25)", 0},
    {"frames", KEY_FRAMES, "N", 0, "Evenly spread frames of a film strip (default 10)", 0},
    {"seconds", KEY_SECONDS, "S", 0, "Stop an episode after S seconds (default: its end)", 0},
    {"episodes", KEY_EPISODES, "N", 0, "Episodes one after the other (default 1); --seed names them as in eval", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->shown; break;
    case 'o': a->output = argument; break;
    case KEY_SIZE: status = esp_parse_size("--size", argument, 64, 4096, &a->width, &a->height); break;
    case KEY_FPS: status = esp_parse_positive("--fps", argument, 1000, &a->fps); break;
    case KEY_SECONDS: status = esp_parse_positive("--seconds", argument, 1e6, &a->seconds); break;
    case KEY_FRAMES: status = esp_parse_int("--frames", argument, 1, 100, &a->frames); break;
    case KEY_EPISODES: status = esp_parse_int("--episodes", argument, 1, 1000, &a->episodes); break;
    case ARGP_KEY_END: status = esp_need_argument(a->output, "-o FILE.mp4|FILE.png|DIR"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp_child children[] = {{&esp_shown_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .doc = "Plays an episode and records it; several checkpoints are played side by side from the same start. "
           "Needs no display.\v"
           "Examples:\n"
           "  espalier record models/pendulum/agent.safetensors -o episode.mp4\n"
           "  espalier record agent.safetensors pruned.safetensors \\\n"
           "      --controller policy --start hanging -o side-by-side.mp4\n"
           "  espalier record agent.safetensors --seconds 8 -o strip.png\n"
           "  espalier record agent.safetensors --fps 10 -o frames/\n",
    .children = children,
};

/* ---- play ---- */

typedef struct {
    esp_film_config film;
    int         frames;   /* frames drawn */
    const char *names[ESP_MOST_ROLES]; /* of the roles */
    esp_player *player;
    esp_canvas *canvas;
    uint8_t    *pixels;   /* [height, roles * width, 3] */
    int         steps;    /* physics steps played of an episode */
    double      interval; /* physics steps between frames */
} recording;

/* Adds the frames at the physics steps nearest to their times, including the start. */
static esp_status play(const arguments *a, recording *r, esp_film *film, int episode)
{
    esp_status status = ESP_OK;
    bool strip = r->film.kind == ESP_FILM_STRIP;
    int frames = strip ? a->frames : (int)ceil(r->steps / r->interval - 1e-9);
    for (int i = 0; i < frames && status == ESP_OK; i++) {
        int at = (int)lround(i * r->interval);
        while (status == ESP_OK && esp_player_steps(r->player) < at) status = esp_player_step(r->player);
        if (status == ESP_OK) status = esp_check_interrupt();
        if (status == ESP_OK) status = esp_canvas_frame(r->canvas, r->pixels);
        if (status == ESP_OK) status = esp_film_add(film, at * esp_player_timestep(r->player), r->pixels);
        esp_progress("record", episode * frames + i + 1, a->episodes * frames, "%.1f s",
                     at * esp_player_timestep(r->player));
    }
    while (status == ESP_OK && esp_player_steps(r->player) < r->steps) status = esp_player_step(r->player);
    return status;
}

static esp_status play_all(const arguments *a, recording *r, esp_film *film, double *returns)
{
    esp_episode *episodes = esp_alloc((size_t)a->episodes, sizeof *episodes);
    esp_episodes_name(a->shown.options->settings.seed, ESP_EPISODES_REPORT, esp_shown_start(&a->shown), a->episodes,
                      episodes);
    esp_status status = ESP_OK;
    for (int i = 0; i < a->episodes && status == ESP_OK; i++) {
        status = esp_player_begin(r->player, &episodes[i]);
        if (status == ESP_OK) status = play(a, r, film, i);
        for (int role = 0; role < a->shown.count; role++)
            returns[i * a->shown.count + role] = esp_player_return(r->player, role);
    }
    free(episodes);
    return status;
}

/* A strip has room for the scene only. */
static esp_status plan(const arguments *a, recording *r)
{
    bool strip = r->film.kind == ESP_FILM_STRIP;
    double timestep = esp_player_timestep(r->player);
    r->steps = esp_player_length(r->player);
    if (a->seconds > 0) r->steps = (int)fmin(r->steps, ceil(a->seconds / timestep - 1e-9));
    if (!strip)             r->interval = 1.0 / (a->fps * timestep);
    else if (a->frames > 1) r->interval = (double)r->steps / (a->frames - 1);
    r->film.path = a->output;
    r->film.roles = a->shown.count;
    for (int i = 0; i < a->shown.count; i++) r->names[i] = a->shown.role[i].name;
    r->film.names = r->names;
    r->film.frames = a->frames;
    r->film.fps = a->fps;
    r->film.width = a->width ? a->width : strip ? 160 : 640;
    r->film.height = a->height ? a->height : strip ? 160 : 480;
    r->pixels = esp_alloc((size_t)r->film.roles * (size_t)r->film.width, 3 * (size_t)r->film.height);
    esp_overlays overlays = {.caption = !strip, .figures = !strip, .inset = !strip};
    return esp_canvas_create(r->player, r->film.width, r->film.height, overlays, &r->canvas);
}

static esp_status record(const arguments *a, recording *r, double *returns)
{
    esp_film *film = NULL;
    esp_status status = esp_player_create(a->shown.count, a->shown.role, &r->player);
    if (status == ESP_OK) status = plan(a, r);
    if (status == ESP_OK) status = esp_film_create(&r->film, &film);
    if (status == ESP_OK) status = play_all(a, r, film, returns);
    if (status == ESP_OK) {
        r->frames = esp_film_count(film);
        status = esp_film_finish(film);
    } else {
        esp_film_cancel(film);
    }
    esp_canvas_free(r->canvas);
    esp_player_free(r->player);
    free(r->pixels);
    return status;
}

/* ---- results ---- */

/* Adds which controller acts, where an application offers a choice: the given one, or that of each
 * file. */
static void add_controller(cJSON *json, const esp_subject *subject)
{
    esp_figure_list question = {.count = 0};
    subject->application->question(subject, &question);
    const esp_figure *controller = esp_figure_list_find(&question, "controller");
    if (controller) esp_figure_json(controller, "controller", json);
    esp_figure_list_free(&question);
}

static void print_json(const arguments *a, const recording *r, const double *returns)
{
    cJSON *json = cJSON_CreateObject(), *checkpoints = cJSON_AddArrayToObject(json, "checkpoints");
    cJSON_AddStringToObject(json, "output", a->output);
    cJSON_AddNumberToObject(json, "frames", r->frames);
    cJSON_AddNumberToObject(json, "width", r->film.roles * r->film.width);
    cJSON_AddNumberToObject(json, "height", r->film.height);
    add_controller(json, &a->shown.subject[0]);
    cJSON_AddNumberToObject(json, "seed", (double)a->shown.options->settings.seed);
    for (int role = 0; role < a->shown.count; role++) {
        cJSON *item = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(item, "returns");
        cJSON_AddStringToObject(item, "checkpoint", a->shown.path[role]);
        add_controller(item, &a->shown.subject[role]);
        for (int i = 0; i < a->episodes; i++)
            cJSON_AddItemToArray(list, cJSON_CreateNumber(returns[i * a->shown.count + role]));
        cJSON_AddItemToArray(checkpoints, item);
    }
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

static void print_table(const arguments *a, const recording *r, const double *returns)
{
    printf("%s: %d frames\n", a->output, r->frames);
    for (int role = 0; role < a->shown.count; role++) {
        printf("%s: return", a->shown.path[role]);
        for (int i = 0; i < a->episodes; i++) printf(" %.1f", returns[i * a->shown.count + role]);
        putchar('\n');
    }
}

int esp_cmd_record(int argc, char **argv, esp_options *options)
{
    arguments a = {.shown = esp_shown_of(options), .fps = 25, .frames = 10, .episodes = 1};
    recording r = {.player = NULL};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    double *returns = NULL;
    if (status == ESP_OK) status = esp_film_kind_of(a.output, &r.film.kind);
    if (status == ESP_OK && r.film.kind == ESP_FILM_STRIP && a.episodes > 1)
        status = esp_fail(ESP_ERR_USAGE, "--episodes: a film strip shows one");
    if (status == ESP_OK && r.film.kind == ESP_FILM_STRIP) status = esp_file_writable(a.output);
    if (status == ESP_OK) status = esp_shown_open(&a.shown);
    if (status == ESP_OK) {
        returns = esp_alloc((size_t)(a.episodes * a.shown.count), sizeof *returns);
        status = record(&a, &r, returns);
    }
    if (status == ESP_OK && options->json) print_json(&a, &r, returns);
    if (status == ESP_OK && !options->json) print_table(&a, &r, returns);
    free(returns);
    esp_shown_close(&a.shown);
    return status == ESP_OK ? ESP_EXIT_DONE : esp_console_fail(status);
}
