/* viewer: episodes to look at. A player plays checkpoints side by side from the same start, in lockstep; a painter
 * draws its present state into whatever OpenGL context is current, a window's or an off-screen one. */
#ifndef ESP_VIEWER_H
#define ESP_VIEWER_H

#include "application/application.h"

/* ---- player.c: several controllers, one start, in lockstep ----------------------------------- */

#define ESP_MOST_ROLES 6 /* most checkpoints side by side */

/* Owns a simulation and a controller for each role, and the renderer that they share. One thread. */
typedef struct esp_player esp_player;

/* Copies the roles, borrows what they point to. ESP_ERR_USAGE when the checkpoints differ in application, task or
 * control period; ESP_ERR_MACHINE without EGL. */
esp_status esp_player_create(int count, const esp_role *roles, esp_player **out);
void       esp_player_free(esp_player *player); /* accepts NULL */
/* Begins the same episode for all roles. */
esp_status esp_player_begin(esp_player *player, const esp_episode *episode);
/* Advances all roles by one physics step, choosing actions first when they are due: the same numbers as
 * esp_evaluate. */
esp_status esp_player_step(esp_player *player);

/* Gives a role another network of its configuration, which is borrowed, or another controller; the episode continues
 * from its present state. */
esp_status esp_player_recast(esp_player *player, int role, const esp_network *net, int controller);

int    esp_player_steps(const esp_player *player);     /* physics steps of this episode so far */
int    esp_player_length(const esp_player *player);    /* physics steps per episode, at most */
bool   esp_player_ended(const esp_player *player);     /* whether the episodes of all roles have ended */
double esp_player_timestep(const esp_player *player);  /* s, of physics */
double esp_player_return(const esp_player *player, int role); /* return so far */
const esp_task *esp_player_task(const esp_player *player); /* task of the first role */
const mjData *esp_player_state(const esp_player *player, int role); /* owned by the player, read only */

/* ---- canvas.c: pictures without a window ------------------------------------------------------- */

/* What is drawn beside the scene, above and below it; nothing covers it. */
typedef struct {
    bool caption;  /* controller, size, time, return */
    bool figures;  /* reward, action, the task's first quantity, latency; the planner's candidates: as many as fit */
    bool inset;    /* the picture that the network sees */
} esp_overlays;

/* Owns an off-screen context; borrows the player. */
typedef struct esp_canvas esp_canvas;

/* width, height: px per role. */
esp_status esp_canvas_create(const esp_player *player, int width, int height, esp_overlays overlays, esp_canvas **out);
void       esp_canvas_free(esp_canvas *canvas); /* accepts NULL */
/* Draws the player's present state: pixels [height, roles * width, 3], top row first. */
esp_status esp_canvas_frame(esp_canvas *canvas, uint8_t *pixels);

/* ---- film.c: the output of frames ------------------------------------------------------------------- */

/* What a film is written as. */
typedef enum {
    ESP_FILM_MOVIE,  /* FILE.mp4, encoded by the program ffmpeg */
    ESP_FILM_STRIP,  /* FILE.png: frames in columns above their times, roles in rows below their names */
    ESP_FILM_FOLDER  /* an existing folder, or a name that ends with /: frame-00000.png ... */
} esp_film_kind;

/* Kind by the name of the output; ESP_ERR_USAGE when the name fits none. */
esp_status esp_film_kind_of(const char *path, esp_film_kind *out);

/* What a film consists of. */
typedef struct {
    esp_film_kind kind;          /* as esp_film_kind_of found it */
    const char   *path;          /* borrowed */
    int           roles;         /* number of roles, side by side in a frame */
    const char *const *names;    /* strip: [roles] names of its rows, borrowed; NULL: none */
    int           width, height; /* px per role */
    int           frames;        /* frames in a strip */
    double        fps;           /* frames per second of a movie */
} esp_film_config;

/* Owns the unfinished film: a running ffmpeg, or the frames of a strip. */
typedef struct esp_film esp_film;

/* Files get their names when they are finished; a wrong name is reported at once. ESP_ERR_MACHINE when ffmpeg is
 * missing or fails. */
esp_status esp_film_create(const esp_film_config *config, esp_film **out);
/* pixels [height, roles * width, 3], as esp_canvas_frame makes them; seconds: time of the episode, written below a
 * frame of a strip */
esp_status esp_film_add(esp_film *film, double seconds, const uint8_t *pixels);
int        esp_film_count(const esp_film *film); /* frames so far */
/* Finishes and frees the film; frees it also on failure. */
esp_status esp_film_finish(esp_film *film);
/* Frees the film and leaves neither video nor strip behind. Accepts NULL. */
void       esp_film_cancel(esp_film *film);

/* ---- window.c: a window --------------------------------------------------------------------------- */

/* What to show in the window. */
typedef struct {
    uint64_t    seed;          /* seed that names the episodes, as in `eval` */
    int         width, height; /* size of the window, px */
    double      seconds;       /* s after which it closes; 0: when the person closes it */
    const char *along;         /* sweep or search whose cuts the slider of the first role repeats (trail.c); NULL: it
                                * cuts by magnitude */
} esp_view_options;

/* What the window showed until it closed. */
typedef struct {
    int    frames;          /* drawn */
    double seconds;         /* time the window was open */
    double simulated;       /* s of simulation played in it */
    double frame_ms;        /* mean time to draw a frame */
} esp_view_result;

/* Opens a window in which a person looks on and intervenes (docs/viewer.md); returns when it was closed, or on an
 * interrupt. ESP_ERR_MACHINE without a display, or when espalier was built without GLFW. */
esp_status esp_view(int count, const esp_role *roles, const esp_view_options *options, esp_view_result *out);

/* What this machine uses to open windows. */
typedef struct {
    char glfw[128];     /* version and platforms; empty: espalier was built without GLFW */
    char renderer[128]; /* renderer of OpenGL in a window */
} esp_window_facts;

/* Opens a hidden window and closes it again. ESP_ERR_MACHINE as esp_view; out->glfw is set in any case. */
esp_status esp_window_try(esp_window_facts *out);

/* ---- movie.c: the program that makes videos ---------------------------------------------------------- */

/* Version of ffmpeg. ESP_ERR_MACHINE when ffmpeg is missing or was built without H.264 (libx264). */
esp_status esp_movie_program(char *version, size_t size);

#endif
