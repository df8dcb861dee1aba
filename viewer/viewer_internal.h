/* Declarations that only the files of viewer share. */
#ifndef ESP_VIEWER_INTERNAL_H
#define ESP_VIEWER_INTERNAL_H

#include "report/report.h"
#include "viewer/viewer.h"

/* ---- player.c -------------------------------------------------------------------------------- */

/* The curves in the figures, one value per control step. */
typedef enum { ESP_CURVE_REWARD, ESP_CURVE_ACTION, ESP_CURVE_QUANTITY, ESP_CURVE_LATENCY, ESP_CURVES } esp_curve;

typedef struct {
    int    count;                /* samples, at most `room` */
    int    room;
    float *time;                 /* [room] s */
    float *value[ESP_CURVES];    /* [room] */
    int     num_terms;           /* terms of the task's reward that are plotted */
    float  *terms;               /* [num_terms, room], each in the state that the control step led to */
    double *now;                 /* [num_terms] terms of one state */
} esp_history;

enum { ESP_MOST_TERMS = 8 };     /* plotted; a task may have more */

/* One role on stage. Owns what it points to, except for what the role borrows. */
typedef struct {
    esp_role        role;
    esp_world      *world;
    esp_simulator  *simulator;       /* of one episode */
    esp_play       *play;            /* borrowed from the simulator */
    void           *controller;      /* owned, made by role.acting */
    size_t          params;          /* parameters that the controller uses */
    double          sparsity;        /* structural sparsity, relative to the network that its configuration describes */
    double          latency;         /* time the last action took, s */
    esp_history     history;
} esp_actor;

struct esp_player {
    int         count;
    esp_episode episode;             /* the episode begun last */
    esp_actor   actor[ESP_MOST_ROLES];
};

const uint8_t *esp_actor_sees(const esp_actor *actor); /* the newest frame, [image_size, image_size] */

/* ---- trail.c: the cuts that a sweep or a search tried ----------------------------------------------- */

typedef struct {
    int            controller;  /* controller that the cut is for, as in esp_role */
    double         sparsity;    /* structural, of the parameters used; in a sweep the target */
    double         performance; /* return */
    double         scale;       /* search: length of the evaluation relative to the shortest one; sweep: 0 */
    const esp_importance *importance;
    uint64_t       seed;        /* seed of random importance */
    esp_widths     widths;
} esp_tried;

typedef struct {
    int        count;
    esp_tried *cut;             /* [count], owned */
} esp_trail;

/* source: the folder of an `espalier sweep` of the role's network, or the journal of an `espalier prune` of it.
 * Errors name the file and the line; a source without any usable cut is an error. */
esp_status esp_trail_read(const esp_role *role, const char *source, esp_trail *out);
void       esp_trail_free(esp_trail *trail);

/* ---- cutter.c ------------------------------------------------------------------------------------ */

/* Cuts the network of a role to any sparsity in a moment. Borrows what the role borrows. */
typedef struct esp_cutter esp_cutter;

/* along: a source for esp_trail_read, whose cuts are then repeated; NULL: the units of smallest 2-norm are removed,
 * the same fraction of every group. */
esp_status esp_cutter_create(const esp_role *role, const char *along, esp_cutter **out);
void       esp_cutter_free(esp_cutter *cutter); /* accepts NULL */
/* Cuts to a structural sparsity of the parameters that the controller uses, as close as a slider can tell or as the
 * trail allows. The caller frees the smaller network. */
esp_status esp_cutter_cut(const esp_cutter *cutter, int controller, double sparsity, esp_network **out);

/* ---- layout.c: where the parts of a tile are ------------------------------------------------------ */

/* Figures of a tile, in their order; the first ones are the curves of esp_curve. */
typedef enum {
    ESP_PANEL_REWARD, ESP_PANEL_ACTION, ESP_PANEL_QUANTITY, ESP_PANEL_LATENCY, ESP_PANEL_PLAN, ESP_PANELS
} esp_panel;

/* Parts of a tile that do not overlap, in px from its upper left corner; a part that is not drawn has no height. */
typedef struct {
    esp_text_size size;
    esp_area header;             /* the caption, above the scene */
    bool     narrow, details;    /* caption: name and state on two lines; a line about the network */
    esp_area scene;
    esp_area strip;              /* figures and what the network sees, below the scene */
    esp_area panel[ESP_PANELS];  /* in the strip; width 0: not shown */
    esp_area sees;               /* in the strip, square */
} esp_layout;

/* quantity: the task has one that is plotted; plans: the controller compares sequences. */
esp_layout esp_layout_make(int width, int height, esp_overlays overlays, bool quantity, bool plans);

/* ---- caption.c ------------------------------------------------------------------------------------ */

/* Draws the caption of an actor into the header of its tile. */
void esp_caption_draw(const esp_actor *actor, const esp_layout *layout, esp_sketch *sketch);

/* ---- figures.c ----------------------------------------------------------------------------------- */

/* Curves of an episode and the planner's candidates, in the ranges of an actor's task. */
typedef struct esp_figures esp_figures;

esp_figures *esp_figures_create(const esp_actor *actor);
void         esp_figures_free(esp_figures *figures); /* accepts NULL */
/* Draws them into their panels of a tile; latency: the upper end of its axis, ms. */
void         esp_figures_draw(const esp_figures *figures, const esp_actor *actor, const esp_layout *layout,
                              double latency, esp_sketch *sketch);
/* A round number that is not less than any latency of the episode but the first: the axis that all actors share, ms. */
double       esp_figures_latency(const esp_player *player);

/* ---- painter.c: one frame into the current context ------------------------------------------------ */

/* Everything MuJoCo needs to draw, and the view that people chose. */
typedef struct {
    const esp_player *player;      /* borrowed */
    bool         offscreen;        /* true: draws to an off-screen buffer; false: to the window's */
    mjModel     *model;            /* scene made for people; owned, like everything below */
    mjData      *shown;            /* the state being drawn */
    mjvScene     scene;
    mjrContext   draw;
    mjvOption    option;
    mjvCamera    camera;
    mjvPerturb   push;             /* push by the mouse ... */
    int          pushed;           /* ... on this actor; -1: on none */
    esp_figures *figures;
    esp_overlays overlays;         /* as painted last */
    uint8_t     *pixels;           /* [room] of one tile */
    size_t       room;             /* bytes */
} esp_painter;

/* Loads view.xml beside the task's scene, or uses the scene itself when there is none. width, height: px of the
 * largest off-screen picture; 0: it draws to a window. Borrows the player. */
esp_status esp_painter_create(const esp_player *player, int width, int height, esp_painter **out);
void       esp_painter_free(esp_painter *painter); /* esp_painter_detach first, if attached */
/* Call with the context current, under esp_guard. */
esp_status esp_painter_attach(esp_painter *painter);
void       esp_painter_detach(esp_painter *painter);
/* Puts an actor into painter->scene; painter->shown then holds its derived positions. */
void       esp_painter_show(esp_painter *painter, int actor);
/* Draws all actors side by side. Call with the context current, under esp_guard. */
void       esp_painter_paint(esp_painter *painter, mjrRect whole, esp_overlays overlays);
/* The part of a picture that shows an actor, and in it the scene, as painted last. */
mjrRect    esp_painter_tile(const esp_painter *painter, mjrRect whole, int actor);
mjrRect    esp_painter_scene(const esp_painter *painter, mjrRect whole, int actor);
/* Draws a sketch into a picture, its upper left corner so many px from that of the picture, and leaves it upside down.
 * Call as esp_painter_paint. */
void       esp_painter_put(const esp_painter *painter, mjrRect picture, int left, int top, esp_sketch *sketch);
/* Turns pixels [height, width, 3] upside down. */
void       esp_pixels_turn(uint8_t *pixels, int width, int height);

/* ---- movie.c: frames to a video file ---------------------------------------------------------------- */

/* A running ffmpeg program that receives raw frames. */
typedef struct esp_movie esp_movie;

/* The file gets its name when it is finished. ESP_ERR_MACHINE when ffmpeg is missing. */
esp_status esp_movie_create(const char *path, int width, int height, double fps, esp_movie **out);
/* pixels [height, width, 3] */
esp_status esp_movie_add(esp_movie *movie, const uint8_t *pixels);
/* Ends the video and frees the movie; frees it also on failure. */
esp_status esp_movie_finish(esp_movie *movie);
/* Frees the movie and leaves nothing behind. Accepts NULL. */
void       esp_movie_cancel(esp_movie *movie);

#endif
