/* One block of episodes, for all who divide episodes among threads. */
#ifndef ESP_CLOSEDLOOP_PLAY_INTERNAL_H
#define ESP_CLOSEDLOOP_PLAY_INTERNAL_H

#include "closedloop/closedloop.h"

/* Control steps played by all threads; the first thread shows them. */
typedef struct {
    const char *task; /* NULL: no progress is shown */
    double done, total;
} esp_step_count;

/* Episodes of the block that begins with episode `first`. */
int        esp_playing_block(const esp_playing *playing, int first);
/* Plays it on the calling thread, start to end; out [count] of the playing. */
esp_status esp_play_block(esp_pool *pool, const esp_playing *playing, int first, esp_step_count *steps,
                          esp_trajectory *out);

#endif
