/* What a person does while looking on; sits between a window and the player. */
#ifndef ESP_VIEWER_SESSION_H
#define ESP_VIEWER_SESSION_H

#include "viewer/viewer_internal.h"

/* What the panel shows and sets; it holds pointers to these members. */
typedef struct {
    int    pause;       /* 1: simulated time stands still */
    int    speed;       /* index: 1, 1/2, 1/4, 1/10 of real time */
    int    selected;    /* role that the next two members belong to */
    int    controller;  /* as esp_role has it */
    mjtNum sparsity;    /* sparsity relative to the network as it was loaded */
    int    caption, figures, inset, shadows; /* 1: drawn */
} esp_controls;

/* What plays a role at the moment. */
typedef struct {
    const esp_network *full;       /* as loaded; borrowed */
    esp_cutter        *cutter;     /* owned */
    esp_network       *cut;        /* owned; NULL: the full network plays */
    int                controller; /* as esp_role has it */
    double             sparsity;   /* structural sparsity of the network that plays */
} esp_casting;

/* What a window shows and what was requested of it. */
typedef struct {
    esp_player  *player;           /* owned */
    esp_painter *painter;          /* owned */
    esp_controls controls;         /* values requested ... */
    esp_controls shown;            /* ... and values applied last */
    esp_casting  casting[ESP_MOST_ROLES]; /* by role */
    uint64_t     seed;             /* seed that names the episodes, together with ... */
    int          start, episode;   /* ... index of the task's start, and episode number */
    double       due;              /* s of simulation that are due but not played yet */
    double       simulated;        /* s of simulation played */
    int          single;           /* physics steps to play in spite of the pause */
    bool         help, quit, picture_wanted; /* requested by a key */
    char         message[256];     /* text for the person, shown until ... */
    double       message_until;    /* ... esp_clock reaches this time */
} esp_session;

/* Begins the first episode of the seed, as `eval` names them. Borrows what the roles point to; `along` is the trail
 * of the first role, as esp_cutter_create takes it. */
esp_status esp_session_create(int count, const esp_role *roles, uint64_t seed, const char *along, esp_session **out);
void       esp_session_free(esp_session *session); /* accepts NULL */
/* Applies session->controls to player and painter. */
esp_status esp_session_apply(esp_session *session);
/* Handles a pressed key, given by its code in GLFW. Unknown keys do nothing. */
esp_status esp_session_key(esp_session *session, int key);
/* The keys and mouse actions with their meanings, one per line. */
void       esp_session_help(char *names, char *meanings, size_t size);
/* Plays as much as fits into `seconds` of real time; episodes follow each other. */
esp_status esp_session_advance(esp_session *session, double seconds);
/* Shows a message for a few seconds. */
void       esp_session_say(esp_session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The mouse takes hold of what is at (x, y) of an actor's tile, 0 to 1 from its lower left corner; aspect is
 * width / height. Moves in heights of the tile. */
void       esp_session_push_begin(esp_session *session, int actor, double x, double y, double aspect);
void       esp_session_push_move(esp_session *session, double dx, double dy); /* drags the body further */
void       esp_session_push_end(esp_session *session);                          /* releases it */

#endif
