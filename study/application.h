/* What the commands need to know of an application - of what a checkpoint is for and how it is
 * judged. One row of functions an application; `eval`, `prune` and `sweep` know nothing else of it. */
#ifndef ESP_STUDY_APPLICATION_H
#define ESP_STUDY_APPLICATION_H

#include "autoencoder/autoencoder.h"
#include "cli/cli.h"
#include "search/search.h"

/* ---- options about how a checkpoint is judged ------------------------------------------ */

typedef struct {
    int         controller;   /* tdmpc: esp_controller_kind */
    int         start;        /* tdmpc: esp_start, or -1: the configuration's */
    const char *data;         /* autoencoder: folder of MNIST; NULL: generated digits */
    int         search;       /* episodes or images behind one evaluation of a search; 0: the default */
    int         report;       /* held-out episodes; the autoencoder reports on all test images */
    const char *for_agent, *for_autoencoder; /* an option that was given and that is of no use to others; or NULL */
} esp_judging;

esp_judging esp_judging_default(void);
/* Children of a command's parser, whose input is an esp_judging: --controller and --start for commands
 * that know agents alone; these and --data. */
extern const struct argp esp_playing_argp, esp_judging_argp;

/* ---- subject.c: the checkpoint a command works on --------------------------------------------------- */

typedef struct esp_application esp_application;

typedef struct {
    esp_agent_config stored;  /* as in the file */
    esp_agent_config config;  /* with --set */
    esp_world *world;
    esp_pool  *pool;
} esp_agent_case;

typedef struct {
    esp_autoencoder_config stored, config;
    esp_images train, test;
} esp_autoencoder_case;

typedef struct {
    const char            *path;
    const esp_options     *options;
    const esp_application *application;
    esp_judging  judging;
    esp_network *net;          /* owned */
    unsigned     components;   /* those that sparsity counts */
    size_t       bytes;        /* of the file */
    esp_agent_case       agent;       /* of the application's own */
    esp_autoencoder_case autoencoder;
} esp_subject;

/* Reads the file, finds its application, applies --set (search.* too, when search is not NULL);
 * settings that the trained network contradicts are refused. */
esp_status esp_subject_open(const char *path, const esp_options *options, const esp_judging *judging,
                            esp_search_config *search, esp_subject *out);
void       esp_subject_close(esp_subject *subject);
/* The status of a failure to read the checkpoint: a wrong key in the file is the file's fault, one in
 * --config the user's. */
esp_status esp_subject_blame(const esp_subject *subject, esp_status status);
esp_status esp_file_bytes(const char *path, size_t *bytes);

/* ---- application_*.c ------------------------------------------------------------------------------------ */

/* What held-out episodes or images say. */
typedef struct {
    double performance;       /* mean return, or PSNR of the mean MSE; higher is better */
    esp_summary summary;      /* tdmpc: of the returns */
    double     *returns;      /* tdmpc: [summary.count], owned */
    int         settled;      /* tdmpc: episodes that hold the goal up to the end */
    double      steps;        /* tdmpc: control steps a second */
    esp_reconstruction reconstruction; /* autoencoder */
} esp_measurement;

void esp_measurement_free(esp_measurement *measurement);

/* What `train` was asked for. */
typedef struct {
    const esp_options *options;
    const char *path;         /* of the configuration */
    cJSON      *json;         /* read from it, owned by the command */
    const char *run_dir, *data;
    bool        resume;
} esp_train_request;

/* cmd_train.c: leaves the command that started a run in its folder. */
esp_status esp_train_describe(const esp_train_request *request);
/* train_agent.c, train_autoencoder.c: read the configuration, train, print what came out. */
esp_status esp_train_agent(const esp_train_request *request);
esp_status esp_train_autoencoder(const esp_train_request *request);

/* Who judges the cuts of a search. */
typedef struct {
    esp_performance_fn performance;
    void  *context;
    int    at_once;                       /* cuts that it likes to get at once */
    void (*free)(void *context);          /* accepts NULL */
} esp_judge;

typedef struct {
    const esp_subject *subject;
    const esp_ranking *ranking;
    const esp_surgeon *surgeon;
    esp_compensation   compensation; /* what the surgeon does */
} esp_judge_config;

struct esp_application {
    const char *name;                    /* of the key "application" */
    const char *measure_name;            /* "mean return" */
    const char *sample_name;             /* "episodes": what one evaluation of a search is made of */
    const char *action_name;             /* "action": what flops and time are counted for */
    const esp_group_spec *paper_groups;
    const int            *num_paper_groups;

    esp_status (*train)(const esp_train_request *request);
    esp_status (*open)(esp_subject *subject, esp_search_config *search); /* config, net, components */
    esp_status (*prepare)(esp_subject *subject);          /* what judging takes: simulator, images */
    void       (*close)(esp_subject *subject);            /* also after a failure */

    /* Recorded data for importance, compensation and finetuning; the calibration borrows the recording. */
    esp_status (*record)(const esp_subject *subject, void **recording, esp_calibration *calibration);
    void       (*forget)(void *recording);                /* accepts NULL */

    void       (*identify)(const esp_subject *subject, cJSON *identity); /* what decides a performance */
    esp_status (*judge)(const esp_judge_config *config, esp_judge *out); /* the caller frees out->context */

    esp_status (*measure)(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out);
    esp_status (*picture)(const esp_subject *subject, const char *path); /* of what it does; NULL: none is drawn */
    double     (*flops)(const esp_subject *subject, const esp_network *net);
    double     (*time)(const esp_subject *subject, const esp_network *net); /* median ms */
    esp_status (*finetune)(const esp_subject *subject, void *recording, esp_network *net, int steps);
    /* Writes a network with the configuration that the file had: --set was for this run. */
    esp_status (*write)(const esp_subject *subject, const char *path, const esp_network *net);

    void (*question_json)(const esp_subject *subject, cJSON *json);      /* task, controller, data ... */
    void (*eval_json)(const esp_subject *subject, const esp_measurement *m, cJSON *json);
    void (*eval_rows)(const esp_subject *subject, const esp_measurement *m, esp_table *table);
    /* Keys end with _`suffix`; rows have one cell a measurement. */
    void (*prune_json)(const esp_measurement *m, const char *suffix, cJSON *json);
    void (*prune_rows)(int count, const esp_measurement *m, esp_table *table);
    void (*question_text)(const esp_subject *subject, char *out, size_t size); /* "20 held-out episodes ..." */
    void (*inspect_json)(const esp_subject *subject, cJSON *json);
    void (*inspect_text)(const esp_subject *subject, char *out, size_t size);
};

/* What JSON and tables call the digits of --data: the folder, or that there is none; and back. */
const char *esp_digits_name(const char *folder);
const char *esp_digits_folder(const char *name); /* NULL: generated digits, or no name */

extern const esp_application esp_application_agent, esp_application_autoencoder;
const esp_application *esp_application_find(const char *name); /* NULL with the error text set */
/* Of a configuration: its key "application", "tdmpc" by default. */
esp_status esp_application_of_json(const cJSON *json, const char *source, const esp_application **out);

#endif
