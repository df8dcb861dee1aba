/* Shared by the files that write source code. */
#ifndef ESP_DEPLOY_INTERNAL_H
#define ESP_DEPLOY_INTERNAL_H

#include "deploy/deploy.h"

/* ---- names.c ---- */

enum { ESP_C_NAME = ESP_NAME + 16 };

/* Identifiers of everything that is written, unique. */
typedef struct {
    char component[ESP_MAX_COMPONENTS][ESP_C_NAME]; /* "encoder" */
    char layer[ESP_MAX_LAYERS][ESP_C_NAME];         /* "encoder_1"; of layers in those components */
} esp_c_names;

void esp_c_names_make(const esp_c_export *what, esp_c_names *out);
/* ESP_ERR_USAGE unless it is a C identifier of small letters, digits and underscores that is no word of C or C++. */
esp_status esp_c_name_check(const char *name);

/* ---- plan.c ---- */

/* Where the values of one component are while it runs. Layers are counted from the component's first. Values that are
 * never needed at the same time share memory; layers that work element by element overwrite what they read. */
typedef struct {
    int    value[ESP_MAX_LAYERS];     /* place of a layer's output */
    bool   in_place[ESP_MAX_LAYERS];  /* the layer overwrites its first input */
    bool   skipped[ESP_MAX_LAYERS];   /* the layer moves nothing: an order of values that its readers know */
    int    num_values;                /* places */
    size_t offset[ESP_MAX_LAYERS], size[ESP_MAX_LAYERS]; /* of a place in the work memory, in floats */
    int    output;                    /* the place that is the caller's output */
    size_t floats;                    /* of the work memory */
} esp_c_plan;

void esp_c_plan_make(const esp_network *net, int component, esp_c_plan *out);

/* ---- weights.c ---- */

/* Writes the constants of components [count] with their plans [count]; ESP_ERR_NUMERIC when one is not finite.
 * *bytes: what they take. */
esp_status esp_c_weights_write(const esp_c_export *what, const esp_c_names *names, int count, const int *components,
                               const esp_c_plan *plans, FILE *out, size_t *bytes);
/* Writes count numbers as the rows of an initialiser, 9 digits each, so that they are read back bit for bit. */
void esp_c_floats_write(FILE *out, size_t count, const float *values);
void esp_c_bytes_write(FILE *out, size_t count, const uint8_t *values);

/* ---- component.c ---- */

/* Helper functions that the code uses, by their number in helpers.c. */
typedef uint64_t esp_c_helpers;

/* Samples that a planner's components compute at once. */
enum { ESP_C_BATCH = 8 };

/* Writes a component as a function; adds the helpers it calls. rows: it takes up to BATCH samples at once. */
void esp_c_component_write(const esp_c_export *what, const esp_c_names *names, const esp_c_plan *plan, int component,
                           bool rows, FILE *out, esp_c_helpers *used);
/* Writes the call of an activation in place: `count` and `values` are expressions. */
void esp_c_activation_write(FILE *out, esp_act act, float alpha, float beta, const char *count, const char *values,
                            esp_c_helpers *used);

/* ---- helpers.c ---- */

/* Marks a helper, and those that it calls, as used. */
void esp_c_helper_use(esp_c_helpers *used, const char *name);
/* Writes the helpers that are used, callees first. */
void esp_c_helpers_write(esp_c_helpers used, FILE *out);

/* ---- template.c ---- */

/* A text for a key of a template. */
typedef struct { const char *key, *text; } esp_c_entry;

/* Writes a template: @key@ becomes the key's text; lines between "@if key@" and "@end@" (or "@else@") are only there
 * when the key's text is not empty. A key without entry is a bug. */
void esp_c_template_write(const char *name, const esp_c_entry *entries, int count, FILE *out);

/* ---- folder.c ---- */

/* A file to be written. */
typedef struct {
    char  *path;   /* inside the folder, with at most one folder of its own; owned */
    char  *text;   /* owned */
    size_t size;
} esp_c_file;

/* Writes all files: `folder` appears, or is replaced, in one step. */
esp_status esp_c_folder_write(const char *folder, int count, const esp_c_file *files);

#endif
