/* application: kinds of networks, as a library - checkpoints are opened, judged, trained and timed without knowing of
 * which kind they are. A kind is a row of esp_applications. */
#ifndef ESP_APPLICATION_H
#define ESP_APPLICATION_H

#include "deploy/deploy.h"
#include "envs/envs.h"
#include "search/search.h"

/* ---- settings.c: the settings of a run ---------------------------------------------------------------- */

#define ESP_MAX_SETTINGS 256 /* most assignments per run */

/* Settings of a whole run, whatever it does. Borrows its texts. */
typedef struct {
    uint64_t    seed;          /* seed of all random numbers */
    bool        has_seed;      /* a seed was given: `train` takes it instead of its configuration's */
    const char *config;        /* CONFIG.json of a checkpoint that espalier did not write, or NULL */
    int         num_assignments; /* number of assignments */
    const char *assignment[ESP_MAX_SETTINGS]; /* "PATH=VALUE" of configuration keys, in order */
    const char *command;       /* command that is kept in results, so that they can be repeated; NULL: not known */
} esp_settings;

esp_settings esp_settings_default(void); /* seed 1, nothing else */
/* Applies every assignment to a configuration, and those of search.* to `search` unless it is NULL. */
esp_status esp_settings_apply(const esp_settings *settings, const esp_field *fields, int count, void *config,
                              esp_search_config *search);
/* Warns in one line about assignments to keys search.* that none of the methods reads, and names those that each
 * reads. */
void esp_settings_warn_unread(const esp_settings *settings, int count, const esp_search_method *const *methods);

/* ---- figures.c: named results with their units ------------------------------------------------------- */

/* Kinds of figures. */
typedef enum {
    ESP_FIGURE_TEXT,     /* text */
    ESP_FIGURE_NUMBER,   /* `value` */
    ESP_FIGURE_SCALED,   /* `value`, shown to people with k, M or G before the unit */
    ESP_FIGURE_SECONDS,  /* `value`, in s */
    ESP_FIGURE_SHARE,    /* `value` of `other`, as in 17 of 20; programs get the quotient */
    ESP_FIGURE_INTERVAL, /* from `value` to `other` */
    ESP_FIGURE_LIST      /* `list` [count] */
} esp_figure_kind;

/* One result. Programs read it by `key`; people read lines on which figures stand side by side, in order: "mean
 * return  849.1   95 % interval [804.9, 890.8]". */
typedef struct {
    const char     *key;      /* key in JSON; NULL: for people only */
    int             line;     /* line of the result, from 1; 0: for programs only */
    const char     *label;    /* before the value, or NULL; the first figure of a line has one */
    esp_figure_kind kind;     /* one of the kinds above */
    int             decimals; /* shown to people, in numbers and intervals */
    double          value;    /* in `unit` */
    double          other;    /* share: what it is a share of; interval: its upper end */
    const char     *text;     /* of ESP_FIGURE_TEXT */
    int             count;    /* length of a list */
    const double   *list;     /* [count] */
    const char     *unit;     /* after the value: "dB", "control steps per second"; or NULL */
} esp_figure;

/* A list of figures; zeroed memory is an empty one. */
typedef struct {
    int         count;   /* number of figures */
    esp_figure *figure;  /* [count], owned with their text, list and unit */
} esp_figure_list;

/* Copies text, list and unit, borrows key and label. */
void esp_figure_list_add(esp_figure_list *figures, esp_figure figure);
/* NULL when none has this key; valid until the next add. */
const esp_figure *esp_figure_list_find(const esp_figure_list *figures, const char *key);
/* Adds the figures that have a key, in order. */
void esp_figure_list_json(const esp_figure_list *figures, cJSON *object);
void esp_figure_json(const esp_figure *figure, const char *key, cJSON *object); /* adds one under another key */
/* The value of a figure with its unit, in new memory: "849.1", "17 of 20 episodes", "12.4 MFLOP". */
char *esp_figure_text(const esp_figure *figure);
void esp_figure_list_free(esp_figure_list *figures); /* leaves it empty */

/* ---- options.c: options that some applications have and others do not ---------------------------------- */

/* What a checkpoint is used for, as bits. */
enum { ESP_FOR_EVAL = 1, ESP_FOR_PRUNE = 2, ESP_FOR_SHOW = 4, ESP_FOR_TRAIN = 8, ESP_FOR_COMPARE = 16 };

/* The kind of values that an option takes. */
typedef enum {
    ESP_OPTION_TEXT,    /* any text */
    ESP_OPTION_CHOICE,  /* one of some words */
    ESP_OPTION_CONTROLLER, /* the same, or lib:FILE.so, which counts as the last word */
    ESP_OPTION_COUNT,   /* a whole number from min to max */
    ESP_OPTION_NUMBER   /* a finite number */
} esp_option_type;

#define ESP_LIBRARY_PREFIX "lib:" /* in front of the name of a shared library that acts as controller */
bool esp_is_library(const char *controller); /* whether the text begins with it */

/* Describes an option; `cli` makes command line options of them, other programs set them by name. */
typedef struct {
    const char     *name;      /* "report-episodes" */
    const char     *key;       /* what it decides; options of other commands or applications may have the same key */
    unsigned        purposes;  /* ESP_FOR_... bits */
    esp_option_type type;      /* type of its value */
    const char     *argument;  /* name of its value; for a choice, the words to choose from: "mppi|policy" */
    int             min, max;  /* limits of a count */
    const char     *help;      /* one sentence */
} esp_option;

/* Keys with the same meaning in every application; other keys belong to one application. */
#define ESP_KEY_SEARCH  "search"   /* samples (episodes, images) per evaluation of a search */
#define ESP_KEY_REPORT  "report"   /* held-out samples */
#define ESP_KEY_DEMAND  "demand"   /* least performance that is demanded */
#define ESP_KEY_BOUND   "bound"    /* largest multiple of the application's bounded figure after a pruning */
#define ESP_KEY_PICTURE "picture"  /* path for a picture of the network in action */

/* An option and the value that was given. */
typedef struct {
    const esp_option *option;  /* in the table of an application */
    const char       *text;    /* borrowed */
    double            number;  /* the value as a number; for a choice its index */
} esp_given;

enum { ESP_MOST_GIVEN = 16 }; /* most options given together */

/* How a checkpoint is judged: the options that were given, initially none. */
typedef struct {
    bool      every_start;           /* held-out samples are of every start of a task, unless an option names one */
    int       count;                 /* number of options given */
    esp_given given[ESP_MOST_GIVEN]; /* [count], in order */
} esp_judging;

/* Sets an option of any application by its name; the last value given for a name holds. ESP_ERR_USAGE for a value
 * that the option does not take. */
esp_status esp_judging_give(esp_judging *judging, unsigned purpose, const char *name, const char *text);
/* NULL when nothing was given for the key. */
const esp_given *esp_judging_find(const esp_judging *judging, const char *key);
/* Its value; NULL when nothing was given. */
const char      *esp_judging_text(const esp_judging *judging, const char *key);
/* The number given for a key, for a choice its index; `otherwise` when nothing was given. */
double           esp_judging_number(const esp_judging *judging, const char *key, double otherwise);

/* ---- subject.c: an opened checkpoint ---------------------------------------------------------------------- */

typedef struct esp_application esp_application; /* defined below */

/* A trained network, opened. */
typedef struct {
    const char            *path;         /* borrowed */
    const esp_settings    *settings;     /* borrowed */
    const esp_application *application;  /* application that the file belongs to */
    esp_judging  judging;      /* options that were given */
    esp_network *net;          /* owned */
    esp_metadata metadata;     /* contract and pedigree of the file, owned */
    esp_checkpoint *file;      /* only while the application opens it, then NULL */
    unsigned     components;   /* bit set of the components that sparsity counts */
    size_t       bytes;        /* size of the file */
    int          search;       /* samples per evaluation of a search */
    int          report;       /* held-out samples; an application may use all it has */
    void        *state;        /* the application's own state: configuration, simulator, images */
} esp_subject;

/* Reads the file, finds its application, applies the settings (those of search.* to `search` unless it is NULL) and
 * the given options (judging NULL: none). ESP_ERR_USAGE for settings that contradict the trained network and for
 * options that its application does not have. */
esp_status esp_subject_open(const char *path, const esp_settings *settings, const esp_judging *judging,
                            esp_search_config *search, esp_subject *out);
/* Prepares what judging needs: simulator, images. Not needed to inspect the network. */
esp_status esp_subject_prepare(esp_subject *subject);
/* Adds everything that judging depends on: task, start, controller, data ... */
void       esp_subject_question_json(const esp_subject *subject, cJSON *json);
void       esp_subject_close(esp_subject *subject); /* accepts a zeroed struct that was not opened */

/* ---- roles: checkpoints that play episodes step by step ------------------------------------------------ */

/* Action sequences that a controller compared before its last action; the arrays belong to the controller. */
typedef struct {
    int          count;        /* number of sequences */
    int          steps;        /* control steps per sequence */
    int          num_actions;  /* actions per step */
    const float *actions;      /* [steps, count, num_actions] in [-1, 1] */
    const float *value;        /* [count] predicted value of each; higher is better */
    const float *mean;         /* [steps, num_actions] mean that the controller settled on */
} esp_considered;

typedef struct esp_acting esp_acting; /* defined below */

/* A checkpoint that plays. Borrows everything. */
typedef struct {
    const char           *name;       /* shown in captions */
    const esp_network    *net;        /* with the components that the controller runs */
    const esp_env_config *env;        /* world in which it acts */
    int                   controller; /* index into acting->controllers */
    const void           *config;     /* owned by the application */
    const esp_acting     *acting;     /* how the application acts */
} esp_role;

/* How networks of an application act. A controller plays one episode at a time, on one thread. */
struct esp_acting {
    const char *controllers;                              /* names of the controllers: "mppi|policy" */
    unsigned   (*components)(int controller);             /* components that the controller runs, as bits */
    /* ESP_OK, or ESP_ERR_USAGE naming the components that the controller runs and the network lacks. */
    esp_status (*check)(const esp_network *net, int controller);
    int        (*num_actions)(const esp_network *net);    /* actions per control step; 0: as many as the task has */
    /* Number of parameters that the role's controller used before any pruning. */
    esp_status (*original_params)(const esp_role *role, int num_actions, size_t *out);
    void      *(*create)(const esp_role *role);           /* copies the role's settings, borrows its network */
    void       (*free)(void *controller);                 /* accepts NULL */
    /* Begins an episode and forgets the one before. */
    void       (*begin)(void *controller, const esp_episode *episode);
    esp_act_fn   act;                                     /* its context is the controller */
    bool       (*considered)(const void *controller, esp_considered *out); /* false: it does not compare sequences */
};

/* ---- timing.c ------------------------------------------------------------------------------------------------ */

/* Time of something repeated, in ms. */
typedef struct {
    int    repeats;          /* number of repeats; 0: not measured */
    double median, p10, p90; /* quantiles over the repeats */
} esp_timing;

/* ---- samples.c: what was measured of every held-out sample ----------------------------------------------- */

enum { ESP_MOST_TRAITS = 8, ESP_MOST_STARTS = 8 }; /* most traits of samples, and most starts of a task */

/* A number that every sample has. The first trait of an application is its performance: higher is better. */
typedef struct {
    const char *key;       /* key in JSON: "total_variation" */
    const char *label;     /* label for people: "total variation" */
    const char *unit;      /* unit, or NULL; lives as long as the process */
    int         decimals;  /* shown to people */
} esp_trait;

/* Samples from one start, in order: sample i of one network and sample i of another are the same episode or image. */
typedef struct {
    const char *name;                   /* name of the start, such as "hanging", borrowed; NULL: the task has none */
    int         count;                  /* number of samples */
    double     *value[ESP_MOST_TRAITS]; /* [num_traits][count], owned; NAN: this sample has none */
} esp_start_samples;

/* Samples of all starts that were played, equally many of each; zeroed memory holds none. */
typedef struct {
    int       num_traits;               /* number of traits */
    esp_trait trait[ESP_MOST_TRAITS];   /* [num_traits] */
    double    most;                     /* largest possible performance when 0 is the least; INFINITY: not bounded */
    int       num_starts;               /* number of starts; 1 for an application without */
    esp_start_samples start[ESP_MOST_STARTS]; /* [num_starts], the configured one first */
} esp_samples;

void esp_samples_append(esp_samples *to, const esp_samples *more); /* copies; `to` may be empty */
void esp_samples_free(esp_samples *samples);                       /* leaves it empty */
/* The samples of all starts together, one start after the other; the caller frees them. */
esp_start_samples esp_samples_all(const esp_samples *samples);
void   esp_start_samples_free(esp_start_samples *start);           /* leaves it empty */
double esp_start_samples_mean(const esp_start_samples *start, int trait); /* over samples that have it, or NAN */
/* Adds count (as `sample_name`), mean, interval, interquartile mean and worst performance, and the means of all other
 * traits; null where no sample has one. */
void   esp_start_samples_json(const esp_samples *samples, const esp_start_samples *start, const char *sample_name,
                              uint64_t seed, cJSON *json);
/* Adds these under `key`, one object per start; nothing for an application without starts. */
void   esp_samples_starts_json(const esp_samples *samples, const char *sample_name, uint64_t seed, const char *key,
                               cJSON *json);
/* The performances of the same samples before and after, one object per start; the caller deletes the array. */
cJSON *esp_samples_paired_json(const esp_samples *before, const esp_samples *after, uint64_t seed);

/* ---- measuring ---------------------------------------------------------------------------------------------- */

/* Performance of a network on held-out episodes or images. */
typedef struct {
    double      performance;  /* mean return, or PSNR of the mean error; higher is better */
    double      low, high;    /* its 95 % interval; NAN: there is none */
    esp_figure_list figures;  /* all results, owned */
    esp_samples samples;      /* the samples behind them, owned; empty: they cannot be told apart */
} esp_measurement;

/* Plays or reconstructs with `net` in place of the subject's own network; `task` is the label of the progress bar
 * (NULL: none). The caller frees *out. */
esp_status esp_subject_measure(const esp_subject *subject, const esp_network *net, const char *task,
                               esp_measurement *out);
void       esp_measurement_free(esp_measurement *measurement); /* accepts a zeroed struct */

/* ---- deployment.c: subjects as source code for other projects ---------------------------------------------- */

enum { ESP_DEPLOYMENT_TEXTS = 8 }; /* most texts that a deployment keeps */

/* What esp_c_write needs; owns the texts and the example that `code` points to, and borrows the subject. */
typedef struct {
    esp_c_export code;                       /* what is exported */
    char        *title;                      /* owned */
    void        *example;                    /* owned */
    float       *expected;                   /* owned; NULL: computed when the code is written */
    esp_c_planner planner;                   /* of a planner */
    char        *text[ESP_DEPLOYMENT_TEXTS]; /* owned; NULL: not used */
} esp_deployment;

/* Describes the controller of a subject; `name` becomes the prefix of its code. May prepare the subject, to record an
 * example in closed loop. The caller frees *out. */
esp_status esp_deployment_make(esp_subject *subject, const char *name, esp_deployment *out);
void       esp_deployment_free(esp_deployment *deployment); /* accepts a zeroed struct */
/* Writes the components that the subject's controller runs, one after another, or one component alone (NULL: all of
 * them), as an ONNX file with contract and pedigree; *inputs and *outputs are numbers per sample. ESP_ERR_USAGE when
 * the order is not known, as for a planner, or there is no such component. */
esp_status esp_subject_write_onnx(const esp_subject *subject, const char *component, const char *path, int *inputs,
                                  int *outputs);

/* ---- training.c --------------------------------------------------------------------------------------------- */

/* A request to train; borrows everything. */
typedef struct {
    const esp_settings *settings; /* a seed in them replaces train.seed */
    const char  *path;         /* CONFIG.json */
    const char  *run_dir;      /* created if absent: config.json, metrics.jsonl, checkpoint.safetensors */
    esp_judging  judging;      /* options of the application */
    bool         resume;       /* continue the run in run_dir */
    esp_run_watch watch;       /* who sees the lines of metrics.jsonl */
} esp_train_request;

/* Trains, and describes the result in figures; `application` is set to the one that the configuration names.
 * ESP_ERR_INTERRUPTED after a signal: the same request with `resume` continues the run. */
esp_status esp_training_run(const esp_train_request *request, const esp_application **application,
                            esp_figure_list *out);

/* ---- bench.c, bench_agent.c: speed ---------------------------------------------------------------------------- */

#define ESP_MAX_BENCH_ROWS 64 /* most rows of a table */

/* One measured line. */
typedef struct {
    char   name[48];          /* "plan.reference" */
    char   size[96];          /* size of the work, in words */
    char   unit[16];          /* unit of the figures below: "ms", or a rate */
    char   note[64];          /* comparison with another row, or empty */
    int    threads;           /* threads used */
    int    repeats;           /* number of repeats */
    double median, p10, p90;  /* quantiles over the repeats; p10 of a rate is its slower end */
    double gflops;            /* GFLOP/s at the median; 0: not counted */
} esp_bench_row;

/* What to measure, and the results. */
typedef struct {
    const esp_settings *settings; /* borrowed */
    const char *checkpoint;   /* borrowed; NULL: a full-size agent with random weights */
    const char *only;         /* pattern of row names, borrowed; NULL: all rows */
    int         threads;      /* T: rows that can use threads are measured with 1 and with T */
    double        peak;       /* GFLOP/s of one thread in a matrix product */
    int           num_rows;   /* results, like peak and row */
    esp_bench_row row[ESP_MAX_BENCH_ROWS]; /* [num_rows] */
} esp_bench;

/* Measures the rows selected by `only`, for about a second each, and fills in peak and rows. ESP_ERR_USAGE when the
 * application has no paths to measure. */
esp_status esp_bench_run(esp_bench *bench);

/* ---- application.c, application_*.c: kinds of networks that can be pruned ------------------------------------ */

/* A judge of the cuts in a search. */
typedef struct {
    esp_performance_fn performance;       /* higher is better */
    void  *context;                       /* context of the function, owned */
    int    at_once;                       /* best number of cuts per call */
    void (*free)(void *context);          /* accepts NULL */
} esp_judge;

/* What a judge is made from; borrows everything. */
typedef struct {
    const esp_subject      *subject;      /* subject whose network is cut: in later rounds, what the ones before left */
    const esp_network      *dense;        /* network before the first round, to which bounds refer */
    const esp_ranking      *ranking;      /* ranking of the units */
    const esp_surgeon      *surgeon;      /* surgeon that makes the networks */
    const esp_compensation *compensation; /* compensation applied by the surgeon */
} esp_judge_config;

/* A figure of a measurement that is compared before and after pruning, in JSON as KEY_before, KEY_after. */
typedef struct {
    const char     *key;       /* key of the figure */
    const char     *label;     /* label in tables and on pages */
    esp_figure_kind kind;      /* kind of the figure */
    int             decimals;  /* decimals of a number */
    bool            error;     /* an error: less is better, and the increase is shown */
    bool            task_unit; /* the figure's unit depends on the task; in JSON it is KEY_unit */
} esp_compared;

/* A number of metrics.jsonl, as the page of a training run shows it. A key that ends with a star stands for a family:
 * one metric for each ending that occurs in the lines; the ending also replaces the star in the label. */
typedef struct {
    const char   *key;    /* of a line */
    const char   *label;  /* label for people */
    esp_number_fn text;   /* how it is written */
} esp_metric;

/* A line of a run: the first, the one with the best score, or the last that has the number. */
typedef enum { ESP_LINE_FIRST, ESP_LINE_BEST, ESP_LINE_LAST } esp_metric_line;

/* A number shown large. */
typedef struct {
    esp_metric      metric;    /* which number */
    esp_metric_line line;      /* line it is taken from */
    const char     *remark;    /* remark, or NULL; for a best line it follows "after update 1,000; " */
    /* Pointer into config.json to the number it counts up to, as "/train/updates"; or NULL. */
    const char     *of;
} esp_metric_card;

enum { ESP_MOST_CURVES = 5, ESP_MOST_COLUMNS = 8 }; /* most curves per chart, and most columns per table */

/* Curves over a counter. */
typedef struct {
    const char *title;         /* title of the chart */
    const char *y;             /* label of its vertical axis */
    const char *caption;       /* a sentence or two below the chart */
    bool        from_zero;     /* the axis shows 0 and 1 */
    bool        log;           /* the axis is logarithmic */
    esp_metric  curve[ESP_MOST_CURVES]; /* up to one without a key; a label of NULL gets no legend */
} esp_metric_chart;

/* The meaning of the lines in a training run's metrics.jsonl; lists end with an entry without key or title. */
typedef struct {
    const char *counter;       /* key that counts up: "update" */
    const char *score;         /* key by which lines are compared */
    bool        least;         /* the least score is the best */
    const esp_metric_card  *cards;         /* numbers shown large at the top */
    const char             *table_caption; /* caption of the table of selected lines */
    unsigned                table_lines;   /* lines in that table: bits 1 << ESP_LINE_... */
    const esp_metric       *columns;       /* columns of that table, at most ESP_MOST_COLUMNS */
    const esp_metric_chart *charts;        /* charts over the counter */
} esp_learning;

/* A picture of the network in action, and the words around it. */
typedef struct {
    /* Draws a PNG, from an opened subject, prepared or not. */
    esp_status (*draw)(esp_subject *subject, const char *path);
    const char *title;         /* title of its section: "Reconstructions" */
    const char *alternative;   /* description for readers who cannot see it */
    const char *missing;       /* shown when it could not be drawn */
    /* Caption of the picture; `asked` as for film, `name` is the network's name. */
    void (*caption)(const cJSON *asked, const char *name, char *out, size_t size);
} esp_picture;

/* An application: what a checkpoint is for and how it is judged. Commands, pages and viewer know an application only
 * by this struct, so a third one is a third row in applications.c. Hooks that may be NULL say so. */
struct esp_application {
    const char *name;                    /* value of the key "application" */
    const char *measure_name;            /* "mean return" */
    bool        decibels;                /* the measure is a logarithm, of which a share says nothing */
    const char *sample_name;             /* "episodes": the samples of one evaluation of a search */
    const char *action_name;             /* "action": the unit of FLOPs and time */
    const char *suffix;                  /* ".onnx": files with it belong to the application, which reads and writes
                                            them itself; NULL: it has checkpoints only */
    const char *card_task;               /* the Hub's name for what it does, for model cards; NULL: it has none */
    const char *card_metric;             /* the Hub's name for its measure; NULL: it has none */
    const esp_group_spec *paper_groups;     /* [*num_paper_groups]; Tables II and IV of the paper */
    const int            *num_paper_groups; /* number of groups */
    const esp_field      *fields;        /* [*num_fields]; keys of its configuration */
    const int            *num_fields;    /* number of fields */
    const esp_option     *options;       /* up to one without a name */
    const char           *bounded;       /* compared figure that the option ESP_KEY_BOUND bounds; NULL: none */
    const esp_compared   *compared;      /* up to one without a key, in the order of tables */
    const esp_learning   *learning;      /* what its training runs record */
    const esp_picture    *picture;       /* NULL: it has no picture */

    /* Checks `config` with the settings, trains, and describes the result. NULL: it cannot. */
    esp_status (*train)(const esp_train_request *request, const cJSON *config, esp_figure_list *out);

    /* Whether a file with the suffix belongs to it, given what it is opened with; the first application that claims it
     * opens it. NULL: every one does. */
    bool       (*claims)(const char *path, const esp_settings *settings, const esp_judging *judging);
    /* Sets net, components and state, and `search` unless that was given. subject->file is NULL for a file with the
     * application's suffix. */
    esp_status (*open)(esp_subject *subject, esp_search_config *search);
    esp_status (*prepare)(esp_subject *subject);          /* as esp_subject_prepare */
    void       (*close)(esp_subject *subject);            /* frees the state, also after a failure */

    /* Whether data can be recorded; otherwise presets choose importance and repair by weights alone. NULL: yes. */
    bool       (*has_data)(const esp_subject *subject);
    /* Records data for importance, compensation and finetuning; the calibration borrows the recording. */
    esp_status (*record)(const esp_subject *subject, void **recording, esp_calibration *calibration);
    void       (*forget)(void *recording);                /* accepts NULL */

    void       (*identify)(const esp_subject *subject, cJSON *identity); /* everything that a performance depends on */
    esp_status (*judge)(const esp_judge_config *config, esp_judge *out); /* the caller frees out->context */
    /* As esp_subject_measure, into an empty measurement. */
    esp_status (*measure)(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out);
    /* Adds `count` held-out samples of every start, from number `first` on, to an empty list; progress is shown under
     * `task` unless that is NULL. NULL: it is judged on all its samples at once. */
    esp_status (*sample)(const esp_subject *subject, const esp_network *net, int first, int count, const char *task,
                         esp_samples *out);
    double     (*flops)(const esp_subject *subject, const esp_network *net); /* FLOPs per action or image */
    /* Time per action or image of n networks, repeated in turns; out [n]. */
    void       (*time)(const esp_subject *subject, int n, const esp_network *const *nets, esp_timing *out);
    /* Trains a cut network for a number of gradient steps, on the recording or the subject's data; the subject's own
     * network is the teacher. NULL: it cannot. */
    esp_status (*finetune)(const esp_subject *subject, void *recording, esp_network *net, int steps);
    /* Gradient steps that are worth their time when this share of the original's parameters is left; NULL: none. */
    int        (*finetune_steps)(const esp_subject *subject, double left);
    /* The share of the performance of the subject's own network that another one keeps on samples that neither searches
     * nor finetuning nor reports see; of several starts the least. NULL: sizes are not searched. */
    esp_status (*keeps)(const esp_subject *subject, const esp_network *net, double *share);
    /* Writes these components of a network with the configuration of the original file (other settings applied to
     * this run only, except for the scene in which it was judged), a contract for the controller it was judged for,
     * and this pedigree. */
    esp_status (*write)(const esp_subject *subject, const char *path, const esp_network *net, unsigned components,
                        const cJSON *pedigree);
    /* Adds to the pedigree entry of a pruning what its result depended on: controller, data, version of the
     * simulator. Options of the application whose key is in the entry become part of the canonical command. NULL:
     * nothing to add. */
    void       (*ancestry)(const esp_subject *subject, cJSON *entry);

    esp_act last;                        /* what its controller applies to the outputs of its last component */
    /* Describes the controller for export: components, history, meaning of inputs and outputs, example. NULL:
     * the components run one after another, and the example is random. */
    esp_status (*deploy)(esp_subject *subject, esp_deployment *out);

    /* Writes an ONNX file with the names of the file that was opened. NULL: names follow from the graph. */
    esp_status (*export_onnx)(const esp_subject *subject, const char *path);

    /* Makes a role of the subject, which the role borrows; NULL: there are no episodes to play. */
    void       (*cast)(const esp_subject *subject, esp_role *role);
    /* Sets options for a film of a network, given the options it was made with (may be NULL); `quick`: choose options
     * for a short wait. */
    void (*film)(const cJSON *asked, bool quick, esp_judging *out);
    /* Measures the speed of its hot paths; subject NULL: with random weights. NULL: nothing to measure. */
    esp_status (*bench)(const esp_subject *subject, esp_bench *bench);

    void (*question)(const esp_subject *subject, esp_figure_list *out);       /* task, controller, data ... */
    cJSON *(*facts)(const esp_subject *subject); /* all that `inspect` shows of something without a network, which the
                                                  * caller deletes; NULL: there is a network */
    void (*inspect)(const esp_subject *subject, esp_figure_list *out);        /* work per action or image */
    void (*title)(const esp_subject *subject, char *out, size_t size);    /* "TD-MPC agent, task pendulum" */
    void (*run_title)(const cJSON *config, char *out, size_t size);       /* the same for a configuration */
    void (*samples)(const esp_subject *subject, char *out, size_t size);  /* "20 held-out episodes of seed 1 ..." */
};

/* Share of the performance that is left, 1 for all of it; NAN when there was nothing to lose. Of a measure in decibels,
 * the quotient of the errors: 0.22 dB less are 95 %. */
double esp_application_kept(const esp_application *application, double before, double after);
#define ESP_KEPT_ENOUGH 0.95 /* a smaller share is reported as a warning, in red on pages */

/* Rows of the table; named there and nowhere else. */
extern const esp_application esp_application_agent, esp_application_autoencoder, esp_application_controller,
                             esp_application_network, esp_application_task;
/* All applications, up to NULL; the first is the default of configurations that name none. */
extern const esp_application *const esp_applications[];
const esp_application *esp_application_find(const char *name); /* NULL, with the error text set, when unknown */
/* By the suffix of a path, and what the file is opened with; NULL: a checkpoint. */
const esp_application *esp_application_of_path(const char *path, const esp_settings *settings,
                                               const esp_judging *judging);
/* The application that the key "application" of a configuration names. */
esp_status esp_application_of_json(const cJSON *json, const char *source, const esp_application **out);

#endif
