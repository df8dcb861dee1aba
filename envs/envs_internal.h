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

/* guard.c: whether MuJoCo's warnings on this thread are dropped. */
void esp_guard_silence(bool silent);

/* behaviour.c: the control step after which the last fifth of the longest episode begins. */
int esp_world_steady_from(const esp_world *world);
/* How an episode was played that the goal holds in from state number `settled` on (num_steps: never). */
esp_behaviour esp_play_behaviour(const esp_world *world, const esp_play *play, int settled);

/* world.c: path of the task's own scene, in new memory; ESP_ERR_MACHINE when a task of the models folder has none. */
esp_status esp_task_scene(const esp_task *task, char **out);
/* The first existing file NAME/FILE below $ESPALIER_MODELS, the installed models and those of the source
 * tree, in new memory; NULL: none. *other: it was found although $ESPALIER_MODELS is set to another folder. */
char *esp_models_find(const char *name, const char *file, bool *other);
/* The folders that it searches, [4] in new memory, NULL where there is none. */
void  esp_models_folders(char *folders[4]);

/* Copies text as one line: line breaks become "; ", trailing blanks are dropped. */
void esp_one_line(const char *text, char *out, size_t size);

#endif
