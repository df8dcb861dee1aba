/* Named numbers of a simulation: "hinge.qpos", "gyro.x", "torso.pos.z", "ctrl.sum_of_squares". */
#ifndef ESP_ENVS_QUANTITY_INTERNAL_H
#define ESP_ENVS_QUANTITY_INTERNAL_H

#include "envs/envs.h"

/* Where a number is read. */
typedef enum {
    ESP_FROM_QPOS, ESP_FROM_QVEL, ESP_FROM_QACC, ESP_FROM_CTRL, ESP_FROM_ACT, ESP_FROM_ACTUATOR_FORCE,
    ESP_FROM_QFRC_CONSTRAINT, ESP_FROM_QFRC_ACTUATOR, ESP_FROM_SENSOR,
    ESP_FROM_BODY_POS, ESP_FROM_BODY_MAT, ESP_FROM_BODY_QUAT, ESP_FROM_BODY_COM, ESP_FROM_SUBTREE_COM,
    ESP_FROM_GEOM_POS, ESP_FROM_GEOM_MAT, ESP_FROM_SITE_POS, ESP_FROM_SITE_MAT,
    ESP_FROM_TENDON_LENGTH, ESP_FROM_TENDON_VELOCITY, ESP_FROM_MOCAP_POS, ESP_FROM_MOCAP_QUAT,
    ESP_FROM_GEOM_SIZE, ESP_FROM_SITE_SIZE, ESP_FROM_BODY_MASS,
    ESP_FROM_ACTION, ESP_FROM_COMMAND, ESP_FROM_TIME, ESP_FROM_STEP, ESP_FROM_CONTACTS
} esp_source;

/* What is made of several numbers. */
typedef enum { ESP_TAKE_ONE, ESP_TAKE_SUM, ESP_TAKE_SQUARES, ESP_TAKE_ABS, ESP_TAKE_NORM, ESP_TAKE_MAX } esp_take;

/* A number: entries first .. first + count - 1 of an array of MuJoCo's, made one by `take`. */
typedef struct {
    esp_source source;
    int        first, count;
    esp_take   take;
    bool       before;  /* its value at the beginning of the task's present time step */
    bool       derived; /* computed by MuJoCo from the state: after a step it is that of the state before the step */
} esp_quantity;

/* Another name of an element of the scene. */
typedef struct {
    const char *name;   /* an identifier */
    int         kind;   /* mjOBJ_...; -1: any */
    const char *target; /* name in the MJCF */
} esp_alias;

/* The names that quantities are made of. Borrows everything. */
typedef struct {
    const mjModel     *model;
    double             step;          /* s, the task's time step */
    int                num_aliases, num_commands;
    const esp_alias   *alias;         /* [num_aliases] */
    const char *const *command;       /* [num_commands] */
    const char *const *other;         /* further valid names, for sentences; ends with NULL */
} esp_names;

/* ESP_ERR_FORMAT with the nearest valid name when nothing has this name. */
esp_status esp_quantity_find(const esp_names *names, const char *name, esp_quantity *out);
/* Its present value; `before` is not looked at. */
double     esp_quantity_value(const esp_quantity *quantity, const esp_names *names, const esp_play *play);
/* The id of an element by its name or alias; ESP_ERR_FORMAT, with the nearest name of that kind, when there is none.
 * kind: mjOBJ_... */
esp_status esp_element_find(const esp_names *names, int kind, const char *name, int *id);
const char *esp_element_kind(int kind); /* "joint" */
/* Positions and velocities of a joint: 7 and 6, 4 and 3, or 1 and 1. */
int esp_joint_positions(const mjModel *model, int joint);
int esp_joint_velocities(const mjModel *model, int joint);

#endif
