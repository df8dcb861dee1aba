/* Declarations that only the files of envs share. */
#ifndef ESP_ENVS_INTERNAL_H
#define ESP_ENVS_INTERNAL_H

#include <GL/gl.h>

#include "envs/envs.h"

/* glReadPixels, set once a context was created. */
extern void (*esp_read_pixels)(GLint, GLint, GLsizei, GLsizei, GLenum, GLenum, void *);

/* Whether bodies and joints are the same in number, place, mass and damping. Names, geoms, lights, cameras, options
 * and actuators may differ. */
bool esp_same_physics(const mjModel *a, const mjModel *b);

/* Copies text as one line: line breaks become "; ", trailing blanks are dropped. */
void esp_one_line(const char *text, char *out, size_t size);

#endif
