/* The pendulum's scene with parts of its text replaced. */
#ifndef ESP_TESTS_EDITED_SCENE_H
#define ESP_TESTS_EDITED_SCENE_H

#include "base/base.h"

#include "check.h"

#define PENDULUM_SCENE ESP_SOURCE "/models/pendulum/scene.xml"

typedef struct {
    const char *old, *new;
} scene_edit;

static inline char *replaced(char *text, const char *old, const char *new)
{
    char *at = strstr(text, old);
    CU_ASSERT_FATAL(at != NULL);
    char *out = esp_alloc(strlen(text) + strlen(new) + 1, 1);
    sprintf(out, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    free(text);
    return out;
}

/* Writes one file, with the scene's includes inserted. The list of edits ends with one whose old
 * text is NULL. */
static inline void write_scene(const char *path, const scene_edit *edits)
{
    char *physics = NULL, *text = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read(ESP_SOURCE "/models/pendulum/physics.xml", 1 << 20, &physics, &size));
    CHECK_OK(esp_file_read(PENDULUM_SCENE, 1 << 20, &text, &size));
    char *from = strstr(physics, "<mujoco>"), *to = strstr(physics, "</mujoco>");
    CU_ASSERT_FATAL(from != NULL && to != NULL);
    *to = 0;
    text = replaced(text, "<include file=\"physics.xml\"/>", from + strlen("<mujoco>"));
    for (; edits->old; edits++) text = replaced(text, edits->old, edits->new);
    CHECK_OK(esp_file_write(path, text, strlen(text)));
    free(text);
    free(physics);
}

#endif
