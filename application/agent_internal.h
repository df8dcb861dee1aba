/* Shared by the files of the agent as an application. */
#ifndef ESP_APPLICATION_AGENT_INTERNAL_H
#define ESP_APPLICATION_AGENT_INTERNAL_H

#include "application/application_internal.h"

/* The agent's part of a subject. */
typedef struct {
    esp_agent_config    stored;  /* configuration in the file */
    esp_agent_config    config;  /* the same with settings and --start applied */
    esp_controller_kind kind;    /* controller that acts */
    bool       every_start;      /* held-out episodes are of every start, of config.env.start first */
    esp_world *world;            /* owned, like the pool; made by esp_subject_prepare */
    esp_pool  *pool;
    esp_library *library;        /* acts in place of the network, owned; NULL: the network acts */
    const char *library_name;    /* as given: "lib:FILE.so", borrowed; or NULL */
    double    *kept;             /* of the subject's network, returns on the episodes of esp_agent_keeps; or NULL */
} esp_agent_subject;

/* ---- agent_judge.c: hooks of esp_application ---- */

void       esp_agent_identify(const esp_subject *subject, cJSON *identity);
esp_status esp_agent_judge(const esp_judge_config *config, esp_judge *out);
esp_status esp_agent_record(const esp_subject *subject, void **out, esp_calibration *calibration);
void       esp_agent_forget(void *memory);
esp_status esp_agent_keeps(const esp_subject *subject, const esp_network *net, double *share);
int        esp_agent_finetune_steps(const esp_subject *subject, double left);
esp_status esp_agent_finetune_cut(const esp_subject *subject, void *memory, esp_network *net, int steps);

/* ---- agent_measure.c: hooks of esp_application, except for the first ---- */

/* FLOPs per action with any controller. */
double     esp_agent_flops_by(const esp_agent_subject *a, const esp_network *net, esp_controller_kind kind);
double     esp_agent_flops(const esp_subject *subject, const esp_network *net);
void       esp_agent_time(const esp_subject *subject, int n, const esp_network *const *nets, esp_timing *out);

/* ---- agent_deploy.c: a hook of esp_application ---- */

/* The hash of the code that a controller of the subject is exported as. */
uint64_t   esp_agent_code_hash(const esp_subject *subject, esp_controller_kind kind);
esp_status esp_agent_deploy(esp_subject *subject, esp_deployment *out);

/* ---- agent_library.c ---- */

/* Actors of a subject with a library, which they borrow. */
esp_actors esp_agent_library_actors(const esp_agent_subject *a);
/* Loads the subject's library and sets the controller that it was exported from. ESP_ERR_USAGE: it is of another
 * checkpoint. */
esp_status esp_agent_library_open(const esp_subject *subject, const char *path);

/* ---- agent_sample.c: a hook of esp_application, and what it does ---- */

/* Plays `count` held-out episodes of every start that the subject is judged on, from number `first` on, with the
 * subject's planner. *steps: control steps played. *out is written on success. */
esp_status esp_agent_play(const esp_subject *subject, const esp_network *net, int first, int count, const char *task,
                          double *steps, esp_samples *out);
esp_status esp_agent_sample(const esp_subject *subject, const esp_network *net, int first, int count, const char *task,
                            esp_samples *out);
esp_status esp_agent_measure(const esp_subject *subject, const esp_network *net, const char *task,
                             esp_measurement *out);

#endif
