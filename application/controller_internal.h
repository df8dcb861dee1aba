/* Shared by the files of feed-forward controllers as an application. */
#ifndef ESP_APPLICATION_CONTROLLER_INTERNAL_H
#define ESP_APPLICATION_CONTROLLER_INTERNAL_H

#include "application/application_internal.h"
#include "controller/controller.h"
#include "onnx/onnx.h"

/* The keys of a controller's configuration. */
typedef struct {
    int            application; /* always 0, "controller" */
    esp_env_config env;         /* env.*, the world it acts in */
} esp_controller_config;

extern const esp_field esp_controller_fields[];
extern const int       esp_controller_num_fields; /* number of keys */

/* The controller's part of a subject. */
typedef struct {
    esp_onnx_file file;           /* names of inputs, outputs and nodes; its network is the subject's */
    esp_controller_config stored; /* configuration of the file */
    esp_controller_config config; /* the same with settings and options applied */
    bool       every_start;       /* held-out episodes are of every start, of config.env.start first */
    esp_world *world;             /* owned, like the pool; made by esp_subject_prepare */
    esp_pool  *pool;
    double    *kept;              /* of the subject's network, returns of the episodes of `keeps`; or NULL */
} esp_controller_subject;

/* ---- controller_file.c ---- */

/* Whether an .onnx file is a controller: a task was given for it, or its contract names one. */
bool       esp_controller_claims(const char *path, const esp_settings *settings, const esp_judging *judging);
/* Reads network, contract and configuration of a file, checkpoint or .onnx. */
esp_status esp_controller_read(esp_subject *subject);
/* Hook of esp_application: an .onnx file or a checkpoint, by the suffix. */
esp_status esp_controller_write(const esp_subject *subject, const char *path, const esp_network *net,
                                unsigned components, const cJSON *pedigree);

/* ---- controller_judge.c: hooks of esp_application ---- */

void       esp_controller_identify(const esp_subject *subject, cJSON *identity);
esp_status esp_controller_judge(const esp_judge_config *config, esp_judge *out);
esp_status esp_controller_record(const esp_subject *subject, void **out, esp_calibration *calibration);
void       esp_controller_forget(void *memory);
esp_status esp_controller_keeps(const esp_subject *subject, const esp_network *net, double *share);
int        esp_controller_finetune_steps(const esp_subject *subject, double left);
esp_status esp_controller_finetune(const esp_subject *subject, void *memory, esp_network *net, int steps);
esp_status esp_controller_measure(const esp_subject *subject, const esp_network *net, const char *task,
                                  esp_measurement *out);
esp_status esp_controller_sample(const esp_subject *subject, const esp_network *net, int first, int count,
                                 const char *task, esp_samples *out);
double     esp_controller_flops(const esp_subject *subject, const esp_network *net);

#endif
