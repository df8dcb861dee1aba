/* Tasks that are files: what is read of a file, and what it becomes with a model. */
#ifndef ESP_ENVS_TASK_INTERNAL_H
#define ESP_ENVS_TASK_INTERNAL_H

#include "envs/expression_internal.h"
#include "envs/quantity_internal.h"

/* ---- task_json.c: values of a task file ------------------------------------------------------------- */

/* An expression with its name. */
typedef struct {
    const char *name, *text;
} esp_named_text;

/* A list of them, in the order of the file. */
typedef struct {
    int             count;
    esp_named_text *item; /* [count], owned; the texts belong to the JSON */
} esp_text_list;

/* Refuses a value that is not an object, and keys that are not in "a|b|c", with the nearest. */
esp_status esp_task_keys(const cJSON *object, const char *where, const char *keys);
/* A number, or a constant expression such as "pi / 2". */
esp_status esp_task_number(const cJSON *value, const char *where, double *out);
/* The same with a range; absent (NULL): *out stays as it is. */
esp_status esp_task_number_within(const cJSON *value, const char *where, double least, double most, double *out);
esp_status esp_task_int_within(const cJSON *value, const char *where, int least, int most, int *out);
/* A list of numbers [count]. */
esp_status esp_task_numbers(const cJSON *value, const char *where, int count, double *out);
/* Text; absent: *out stays as it is. */
esp_status esp_task_text(const cJSON *value, const char *where, const char **out);
/* Index of a word of "a|b|c"; absent: *out stays as it is. */
esp_status esp_task_choice(const cJSON *value, const char *where, const char *choices, int *out);
/* Reads {"name": "expression", ...}; absent: an empty list. */
esp_status esp_task_texts(const cJSON *object, const char *where, esp_text_list *out);

/* ---- task_file.c ---------------------------------------------------------------------------------------- */

/* A task file. Lives as long as the process. */
typedef struct {
    esp_task       task;         /* first: functions get a pointer to it */
    char          *path;         /* of the file */
    cJSON         *json;         /* texts below belong to it */
    int            num_aliases;
    esp_alias     *alias;        /* [num_aliases] */
    esp_text_list  definitions;  /* and after them the terms */
    int            num_terms;    /* the last ones of the definitions */
    esp_text_list  rewards, endings;
    const char    *goal;         /* an expression */
    const char   **plot;         /* [num_quantities] expressions */
    const char   **command;      /* [num_commands] names, ends with NULL */
    double        *command_range; /* [num_commands, 2] */
    const char   **valid;        /* names of definitions, for sentences; ends with NULL */
    int            num_joints, num_actuators; /* of its own scene */
    cJSON         *joints;       /* types of its named joints, by name; owned */
    bool           derived;      /* some expression needs what MuJoCo derives from the state */
} esp_task_file;

/* Reads a file, checks it with its own scene, and gives it a name. `scene`: path of that scene. */
esp_status esp_task_file_read(const char *path, const char *name, esp_task_file **out);
esp_status esp_task_file_check(esp_task_file *file, const char *scene);
void       esp_task_file_free(esp_task_file *file); /* accepts NULL */
/* The names that the expressions of a file may use with a model. */
esp_names  esp_task_file_names(const esp_task_file *file, const mjModel *model);

/* ---- task_program.c: the expressions of a file, compiled for a model ---------------------------------------- */

enum {
    ESP_TASK_LIST = 256,    /* most definitions, rewards, endings or plots */
    ESP_TASK_VALUES = 4096, /* most values of a program */
    ESP_TASK_WIDTH = 4096   /* most numbers of an item of an observation */
};

/* A value that is read from the simulation before formulas use it. */
typedef struct {
    esp_quantity quantity;
    char        *name;   /* owned */
    int          noted;  /* index into play->noted; -1: its present value */
} esp_load;

/* A compiled expression. Formula i writes value[num_fixed + i]. */
typedef struct {
    const char     *name; /* NULL: it has none */
    esp_expression *code;
    int             num_uses, *use; /* indices of loads, and ~index of formulas */
} esp_formula;

/* Formulas that are computed together, with all that they use; their results are the last ones. */
typedef struct {
    int  num_loads, *load;
    int  num_formulas, *formula;
    int  num_results, *result; /* indices of formulas */
} esp_block;

typedef struct esp_start_rules esp_start_rules; /* task_start.c */
typedef struct esp_item_rules esp_item_rules;   /* task_observe.c */

/* A task with a model, used by one thread at a time. */
typedef struct {
    const esp_task_file *file;  /* borrowed */
    esp_names    names;
    double      *load_value;    /* [ESP_TASK_VALUES] */
    double      *formula_value; /* [ESP_TASK_VALUES] */
    int          num_loads, num_formulas, num_noted;
    esp_load    *load;          /* [ESP_TASK_VALUES] */
    esp_formula *formula;       /* [ESP_TASK_VALUES] */
    esp_text_list *draws;       /* draws of the start that is being compiled, by name; or NULL */
    double      *drawn;         /* [ESP_TASK_LIST] numbers drawn by a start */
    esp_block    terms, endings, goal;
    esp_block   *reward, *plot; /* [rewards.count], [num_quantities] */
    esp_start_rules *start;     /* [number of starts] */
    esp_item_rules  *item;      /* [num_items] */
} esp_program;

esp_status esp_program_create(const esp_task_file *file, const mjModel *model, esp_program **out);
void       esp_program_free(esp_program *program); /* accepts NULL */
/* Compiles one more formula; `where` names it in sentences. */
esp_status esp_program_add(esp_program *program, const char *name, const char *text, const char *where, int *formula);
void       esp_block_make(const esp_program *program, int count, const int *formulas, esp_block *out);
void       esp_block_free(esp_block *block);
/* Computes the block, and returns its first result. */
double     esp_block_run(esp_program *program, const esp_block *block, const esp_play *play);
double     esp_block_result(const esp_program *program, const esp_block *block, int index);

/* ---- task_start.c ------------------------------------------------------------------------------------------- */

esp_status esp_starts_compile(esp_program *program);
void       esp_starts_free(esp_program *program);
esp_status esp_start_draw(esp_program *program, const mjModel *model, esp_play *play, esp_rng *rng);

/* ---- task_observe.c ------------------------------------------------------------------------------------------ */

/* Reads what the description of an item says without a model. */
esp_status esp_item_read(const cJSON *json, const char *where, esp_obs_item *out);
esp_status esp_items_compile(esp_program *program);
void       esp_items_free(esp_program *program);
int        esp_item_width(const esp_program *program, int item); /* numbers per moment; 0 for pixels */
bool       esp_item_derived(const esp_program *program, int item); /* whether it needs what MuJoCo derives */
void       esp_item_observe(esp_program *program, const esp_play *play, int item, double *out);
/* Fills the action map [nu] of the file. */
esp_status esp_actions_read(const esp_task_file *file, const mjModel *model, esp_actuation *out);

/* world.c: loads an MJCF file; MuJoCo's errors become one line. Call it inside esp_guard. */
esp_status esp_model_load(const char *scene, bool warn, mjModel **out);
/* scene_files.c: refuses a scene that names files outside of the folders [count]. */
esp_status esp_scene_stays_below(const char *scene, int count, char *const *folders);

#endif
