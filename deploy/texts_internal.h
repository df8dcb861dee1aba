/* The texts that the build embeds. */
#ifndef ESP_DEPLOY_TEXTS_INTERNAL_H
#define ESP_DEPLOY_TEXTS_INTERNAL_H

#include "deploy/deploy_internal.h"

/* A file of deploy/runtime or deploy/templates. */
typedef struct { const char *name, *text; } embedded_text;

/* The text of a helper function, by the name of its file: "dense.c". */
const char *esp_c_runtime_text(const char *name);

#endif
