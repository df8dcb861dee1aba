/* What the files of envs share and nobody else sees. */
#ifndef ESP_ENVS_INTERNAL_H
#define ESP_ENVS_INTERNAL_H

#include <GL/gl.h>

#include "envs/envs.h"

/* glReadPixels, known once a context was created. */
extern void (*esp_read_pixels)(GLint, GLint, GLsizei, GLsizei, GLenum, GLenum, void *);

/* Bodies and joints are the same in number, place, mass and damping. Names, geoms, lights, cameras, options and how
 * the actuators are driven may differ. */
bool esp_same_physics(const mjModel *a, const mjModel *b);

/* Copies text as one line: line breaks become "; ", trailing blanks go. */
void esp_one_line(const char *text, char *out, size_t size);

#endif
