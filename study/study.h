/* study: what is done with trained networks - opened as the checkpoints of an application, judged, pruned,
 * swept over, trained, timed - as a library. It knows no command line and prints nothing: results are structs,
 * JSON and files; progress and log go to the callbacks of base. */
#ifndef ESP_STUDY_H
#define ESP_STUDY_H

#include "envs/envs.h"
#include "search/search.h"

/* ---- settings.c: how a run was asked for ------------------------------------------------------------ */

#define ESP_MAX_SETTINGS 256 /* assignments of one run */

/* What holds for a whole run, whatever it does. Borrows its texts. */
typedef struct {
    uint64_t    seed;          /* names every random number */
    bool        has_seed;      /* it was given: `train` takes it instead of its configuration's */
    const char *config;        /* CONFIG.json of a checkpoint that espalier did not write, or NULL */
    int         num_assignments; /* of configuration keys */
    const char *assignment[ESP_MAX_SETTINGS]; /* "PATH=VALUE" of configuration keys, in order */
    const char *command;       /* kept in results, so that they can be made again; NULL: not known */
} esp_settings;

esp_settings esp_settings_default(void); /* seed 1, nothing else */
/* Applies every assignment to a configuration, those of search.* to `search` unless it is NULL. */
esp_status esp_settings_apply(const esp_settings *settings, const esp_field *fields, int count, void *config,
                              esp_search_config *search);
/* Warns in one line about assignments to keys search.* that none of the methods reads, and names those that each
 * reads. */
void esp_settings_warn_unread(const esp_settings *settings, int count, const esp_search_method *const *methods);

/* ---- figures.c: named results with their units ------------------------------------------------------- */

/* What a figure is. */
typedef enum {
    ESP_FIGURE_TEXT,     /* text */
    ESP_FIGURE_NUMBER,   /* value */
    ESP_FIGURE_SCALED,   /* value, which people read with k, M, G before the unit */
    ESP_FIGURE_SECONDS,  /* value, s */
    ESP_FIGURE_SHARE,    /* value of `other`: 17 of 20; to programs the quotient */
    ESP_FIGURE_INTERVAL, /* from value to `other` */
    ESP_FIGURE_LIST      /* list [count] */
} esp_figure_kind;

/* One result. Programs read `key`; people read the lines, on which figures stand side by side in their order:
 * "mean return  849.1   95 % interval [804.9, 890.8]". */
typedef struct {
    const char     *key;      /* of JSON; NULL: for people alone */
    int             line;     /* from 1, among those of one result; 0: for programs alone */
    const char     *label;    /* in front of the value, or NULL; the first of a line has one */
    esp_figure_kind kind;     /* which of the following it has */
    int             decimals; /* people read so many, of numbers and intervals */
    double          value;    /* in `unit` */
    double          other;    /* of a share what it is a share of, of an interval its upper end */
    const char     *text;     /* of a text */
    int             count;    /* of a list: its values */
    const double   *list;     /* [count] */
    const char     *unit;     /* behind the value: "dB", "control steps per second"; or NULL */
} esp_figure;

/* A list of figures; zeroed memory is an empty one. */
typedef struct {
    int         count;   /* of figures */
    esp_figure *figure;  /* [count], owned with their text, list and unit */
} esp_figure_list;

/* Copies text, list and unit, borrows key and label. */
void esp_figure_list_add(esp_figure_list *figures, esp_figure figure);
/* NULL: none has this key; valid until the next add. */
const esp_figure *esp_figure_list_find(const esp_figure_list *figures, const char *key);
void esp_figure_list_json(const esp_figure_list *figures, cJSON *object); /* adds those that have a key, in order */
void esp_figure_json(const esp_figure *figure, const char *key, cJSON *object); /* one, by another name */
void esp_figure_list_free(esp_figure_list *figures); /* leaves an empty one */

/* ---- options.c: options that some applications have and others do not ---------------------------------- */

/* What is done with a checkpoint, as bits. */
enum { ESP_FOR_EVAL = 1, ESP_FOR_PRUNE = 2, ESP_FOR_SHOW = 4, ESP_FOR_TRAIN = 8 };

/* What values an option takes. */
typedef enum {
    ESP_OPTION_TEXT,    /* any */
    ESP_OPTION_CHOICE,  /* one of some words */
    ESP_OPTION_COUNT,   /* a whole number from min to max */
    ESP_OPTION_NUMBER   /* a finite number */
} esp_option_type;

/* Describes one; a command line is made of them, and other programs give them by name. */
typedef struct {
    const char     *name;      /* "report-episodes" */
    const char     *key;       /* what it decides: options of other commands or applications may have the same */
    unsigned        purposes;  /* ESP_FOR_ bits */
    esp_option_type type;      /* of its value */
    const char     *argument;  /* the word for its value; of a choice, the words to choose from: "mppi|policy" */
    int             min, max;  /* of a count */
    const char     *help;      /* one sentence */
} esp_option;

/* Keys that every application understands the same way; others belong to one application. */
#define ESP_KEY_SEARCH  "search"   /* samples (episodes, images) behind one evaluation of a search */
#define ESP_KEY_REPORT  "report"   /* held-out samples */
#define ESP_KEY_DEMAND  "demand"   /* least performance that is asked for */
#define ESP_KEY_PICTURE "picture"  /* path of a picture of what the network does */

/* An option with the value that it was given. */
typedef struct {
    const esp_option *option;  /* of a table */
    const char       *text;    /* borrowed */
    double            number;  /* its value; of a choice its index */
} esp_given;

enum { ESP_MOST_GIVEN = 16 }; /* options given at once */

/* How a checkpoint is judged: the options that were given, none of them to begin with. */
typedef struct {
    int       count;                 /* of those given */
    esp_given given[ESP_MOST_GIVEN]; /* [count], in order */
} esp_judging;

/* Gives an option of any application by its name; the last one of a name holds. ESP_ERR_USAGE for a value that
 * it does not take. */
esp_status esp_judging_give(esp_judging *judging, unsigned purpose, const char *name, const char *text);
const esp_given *esp_judging_find(const esp_judging *judging, const char *key); /* NULL: nothing given for the key */
const char      *esp_judging_text(const esp_judging *judging, const char *key); /* of its value; NULL: nothing given */
/* The number of what was given for a key, of a choice the index; `otherwise`: nothing given. */
double           esp_judging_number(const esp_judging *judging, const char *key, double otherwise);

/* ---- subject.c: a checkpoint that something is done with ------------------------------------------------- */

typedef struct esp_application esp_application; /* below */

/* A trained network, opened. */
typedef struct {
    const char            *path;         /* borrowed */
    const esp_settings    *settings;     /* borrowed */
    const esp_application *application;  /* that the file belongs to */
    esp_judging  judging;      /* options that were given */
    esp_network *net;          /* owned */
    esp_metadata metadata;     /* contract and pedigree of the file, owned */
    esp_checkpoint *file;      /* while the application opens it, then NULL */
    unsigned     components;   /* bit set of those that sparsity counts */
    size_t       bytes;        /* of the file */
    int          search;       /* samples behind one evaluation of a search */
    int          report;       /* held-out samples; an application may use all it has */
    void        *state;        /* the application's own: configuration, simulator, images */
} esp_subject;

/* Reads the file, finds its application, applies the settings (those of search.* to `search` unless it is NULL)
 * and the given options; judging NULL: none. ESP_ERR_USAGE for settings that the trained network contradicts and
 * for options that its application does not have. */
esp_status esp_subject_open(const char *path, const esp_settings *settings, const esp_judging *judging,
                            esp_search_config *search, esp_subject *out);
/* Makes ready what judging takes: simulator, images. Not needed to look at the network. */
esp_status esp_subject_prepare(esp_subject *subject);
/* Adds what judging it depends on: task, start, controller, data ... */
void       esp_subject_question_json(const esp_subject *subject, cJSON *json);
void       esp_subject_close(esp_subject *subject); /* accepts one that was not opened, zeroed */

/* ---- roles: checkpoints that play episodes step by step ------------------------------------------------ */

/* Action sequences that a controller compared before its last action; the arrays belong to the controller. */
typedef struct {
    int          count;        /* sequences */
    int          steps;        /* control steps of each */
    int          num_actions;  /* of a step */
    const float *actions;      /* [steps, count, num_actions] in [-1, 1] */
    const float *value;        /* [count] that each promises; higher is better */
    const float *mean;         /* [steps, num_actions] that the controller settled on */
} esp_considered;

typedef struct esp_acting esp_acting; /* below */

/* A checkpoint that plays. Borrows everything. */
typedef struct {
    const char           *name;       /* for captions */
    const esp_network    *net;        /* with the components that the controller runs */
    const esp_env_config *env;        /* the world that it acts in */
    int                   controller; /* index into acting->controllers */
    const void           *config;     /* the application's own */
    const esp_acting     *acting;     /* of the application */
} esp_role;

/* How networks of an application act. A controller plays one episode at a time, on one thread. */
struct esp_acting {
    const char *controllers;                              /* their words: "mppi|policy" */
    unsigned   (*components)(int controller);             /* that it runs, as bits */
    /* ESP_OK, or ESP_ERR_USAGE naming what the controller runs and the network lacks. */
    esp_status (*check)(const esp_network *net, int controller);
    int        (*num_actions)(const esp_network *net);    /* of a control step */
    /* The parameters that the role's controller used before anything was cut. */
    esp_status (*original_params)(const esp_role *role, int num_actions, size_t *out);
    void      *(*create)(const esp_role *role);           /* copies the role's settings, borrows its network */
    void       (*free)(void *controller);                 /* accepts NULL */
    void       (*begin)(void *controller, const esp_episode *episode); /* forgets the episode before */
    esp_act_fn   act;                                     /* its context is the controller */
    bool       (*considered)(const void *controller, esp_considered *out); /* false: it compares no sequences */
};

/* ---- measuring ---------------------------------------------------------------------------------------------- */

/* What held-out episodes or images say of a network. */
typedef struct {
    double      performance;  /* mean return, or PSNR of the mean error; higher is better */
    double      low, high;    /* its 95 % interval; NAN: it has none */
    esp_figure_list figures;      /* all there is to say, owned */
} esp_measurement;

/* Plays or reconstructs with `net` in the place of the subject's own network; `task` names the progress, NULL:
 * none is shown. The caller frees *out. */
esp_status esp_subject_measure(const esp_subject *subject, const esp_network *net, const char *task,
                               esp_measurement *out);
void       esp_measurement_free(esp_measurement *measurement); /* accepts one that is zeroed */

/* ---- training.c --------------------------------------------------------------------------------------------- */

/* What training was asked for; borrows everything. */
typedef struct {
    const esp_settings *settings; /* a seed given there replaces train.seed */
    const char  *path;         /* CONFIG.json */
    const char  *run_dir;      /* made if absent: config.json, metrics.jsonl, checkpoint.safetensors */
    esp_judging  judging;      /* options of the application */
    bool         resume;       /* goes on with the run in run_dir */
} esp_train_request;

/* Trains, and says in figures what came out; `application` is the one that the configuration names.
 * ESP_ERR_INTERRUPTED after a signal: the same request with `resume` goes on. */
esp_status esp_training_run(const esp_train_request *request, const esp_application **application,
                            esp_figure_list *out);

/* ---- bench.c, bench_agent.c: speed ---------------------------------------------------------------------------- */

#define ESP_MAX_BENCH_ROWS 64 /* of one table */

/* One measured line. */
typedef struct {
    char   name[48];          /* "plan.reference" */
    char   size[96];          /* of the work, in words */
    char   unit[16];          /* of the following: "ms", or a rate */
    char   note[64];          /* how it compares with another row, or empty */
    int    threads;           /* it was measured with */
    int    repeats;           /* behind the quantiles */
    double median, p10, p90;  /* quantiles of the repeats, p10 the slower end of a rate */
    double gflops;            /* at the median; 0: not counted */
} esp_bench_row;

/* What is measured, and what came out. */
typedef struct {
    const esp_settings *settings; /* borrowed */
    const char *checkpoint;   /* borrowed; NULL: a full-size agent with random weights */
    const char *only;         /* pattern of row names, borrowed, or NULL */
    int         threads;      /* T: rows that can use threads are measured with 1 and with T */
    double        peak;       /* GFLOP/s of one thread in a matrix product */
    int           num_rows;   /* result, as peak and rows */
    esp_bench_row row[ESP_MAX_BENCH_ROWS]; /* [num_rows] */
} esp_bench;

/* Measures the rows that `only` selects, about a second each, and fills peak and rows. ESP_ERR_USAGE when the
 * application has no paths to measure. */
esp_status esp_bench_run(esp_bench *bench);

/* ---- application.c, application_*.c: what can be pruned ------------------------------------------------------ */

/* Who judges the cuts of a search. */
typedef struct {
    esp_performance_fn performance;       /* higher is better */
    void  *context;                       /* of the function, owned */
    int    at_once;                       /* cuts that it likes to get at once */
    void (*free)(void *context);          /* accepts NULL */
} esp_judge;

/* What a judge is made for; borrows everything. */
typedef struct {
    const esp_subject      *subject;      /* whose network is cut */
    const esp_ranking      *ranking;      /* that says which units go first */
    const esp_surgeon      *surgeon;      /* that makes the networks */
    const esp_compensation *compensation; /* what the surgeon does */
} esp_judge_config;

/* A figure of a measurement that is compared before and after a pruning, in JSON as KEY_before, KEY_after. */
typedef struct {
    const char     *key;       /* of the figure */
    const char     *label;     /* in tables and on pages */
    esp_figure_kind kind;      /* of the figure */
    int             decimals;  /* of a number */
    bool            error;     /* less is better, and people want to see what was added */
} esp_compared;

/* A number of metrics.jsonl as a page of a training run shows it. A key that ends with a star stands for a family: one
 * metric for each ending that the lines have, which also replaces the star of the label. */
typedef struct {
    const char   *key;    /* of a line */
    const char   *label;  /* for people */
    esp_number_fn text;   /* that writes it */
} esp_metric;

/* Which line of a run: the first, the one with the best score, the last that has the number. */
typedef enum { ESP_LINE_FIRST, ESP_LINE_BEST, ESP_LINE_LAST } esp_metric_line;

/* A number in large print. */
typedef struct {
    esp_metric      metric;    /* the number */
    esp_metric_line line;      /* that it is taken from */
    const char     *remark;    /* or NULL; of a best line it stands behind "after update 1,000; " */
    const char     *of;        /* pointer into config.json, as "/train/updates", to what it counts up to; or NULL */
} esp_metric_card;

enum { ESP_MOST_CURVES = 5, ESP_MOST_COLUMNS = 8 }; /* of a chart, of a table */

/* Curves over a counter. */
typedef struct {
    const char *title;         /* above it */
    const char *y;             /* label of its vertical axis */
    const char *caption;       /* a sentence or two below it */
    bool        from_zero;     /* the axis shows 0 and 1 */
    bool        log;           /* the axis is logarithmic */
    esp_metric  curve[ESP_MOST_CURVES]; /* up to one without key; a label NULL needs no legend */
} esp_metric_chart;

/* What the lines of a training run's metrics.jsonl mean; lists end with an entry without key or title. */
typedef struct {
    const char *counter;       /* key that counts up: "update" */
    const char *score;         /* key by which lines are compared */
    bool        least;         /* the least is the best */
    const esp_metric_card  *cards;         /* in large print on top */
    const char             *table_caption; /* of the table of some lines */
    unsigned                table_lines;   /* which: bits 1 << ESP_LINE_... */
    const esp_metric       *columns;       /* of the table, ESP_MOST_COLUMNS at most */
    const esp_metric_chart *charts;        /* over the counter */
} esp_learning;

/* A picture of what a network does, and the words that stand around it. */
typedef struct {
    esp_status (*draw)(esp_subject *subject, const char *path); /* PNG; of an opened subject, prepared or not */
    const char *title;         /* of its section: "Reconstructions" */
    const char *alternative;   /* what is seen in it, for those who do not see it */
    const char *missing;       /* said when it could not be drawn */
    /* Under it; `asked` as for film, `name` is the network's. */
    void (*caption)(const cJSON *asked, const char *name, char *out, size_t size);
} esp_picture;

/* An application: what a checkpoint is for and how it is judged. Commands, pages and viewer know nothing else of
 * it, so a third one is a third row in applications.c. Hooks that may be NULL say so. */
struct esp_application {
    const char *name;                    /* of the key "application" */
    const char *measure_name;            /* "mean return" */
    const char *sample_name;             /* "episodes": what one evaluation of a search is made of */
    const char *action_name;             /* "action": what FLOPs and time are counted for */
    const esp_group_spec *paper_groups;     /* [*num_paper_groups]; Tables II and IV of the paper */
    const int            *num_paper_groups; /* how many */
    const esp_field      *fields;        /* [*num_fields]; keys of its configuration */
    const int            *num_fields;    /* how many */
    const esp_option     *options;       /* up to one without name */
    const esp_compared   *compared;      /* up to one without key, in the order of tables */
    const esp_learning   *learning;      /* what its training runs write down */
    const esp_picture    *picture;       /* NULL: it draws none */

    /* Checks `config` with the settings, trains, says what came out. */
    esp_status (*train)(const esp_train_request *request, const cJSON *config, esp_figure_list *out);

    /* Sets net, components and state, and search unless it was given. */
    esp_status (*open)(esp_subject *subject, esp_search_config *search);
    esp_status (*prepare)(esp_subject *subject);          /* as esp_subject_prepare */
    void       (*close)(esp_subject *subject);            /* frees the state; also after a failure */

    /* Recorded data for importance, compensation and finetuning; the calibration borrows the recording. */
    esp_status (*record)(const esp_subject *subject, void **recording, esp_calibration *calibration);
    void       (*forget)(void *recording);                /* accepts NULL */

    void       (*identify)(const esp_subject *subject, cJSON *identity); /* what decides a performance */
    esp_status (*judge)(const esp_judge_config *config, esp_judge *out); /* the caller frees out->context */
    /* As esp_subject_measure, into a measurement that is empty. */
    esp_status (*measure)(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out);
    double     (*flops)(const esp_subject *subject, const esp_network *net); /* of one action or image */
    double     (*time)(const esp_subject *subject, const esp_network *net);  /* of the same, median ms */
    /* Trains a cut network for so many gradient steps, as the recording or the subject's data want it. */
    esp_status (*finetune)(const esp_subject *subject, void *recording, esp_network *net, int steps);
    /* Writes these components of a network with the configuration that the file had (other settings were for this
     * run, except for the world it was judged in), a contract for whoever it was judged for, and this pedigree. */
    esp_status (*write)(const esp_subject *subject, const char *path, const esp_network *net, unsigned components,
                        const cJSON *pedigree);
    /* Adds to the entry of a pruning what decided its result: controller, data, version of the simulator. An option
     * of the application whose key is there becomes part of the canonical command. NULL: nothing. */
    void       (*ancestry)(const esp_subject *subject, cJSON *entry);

    /* Casts the subject, which the role borrows; NULL: there are no episodes to play. */
    void       (*cast)(const esp_subject *subject, esp_role *role);
    /* Options for a film of a network, from what was asked when it was made (may be NULL); `quick`: nobody wants
     * to wait long. */
    void (*film)(const cJSON *asked, bool quick, esp_judging *out);
    /* Speed of its hot paths; subject NULL: with random weights. NULL: it has none that are measured. */
    esp_status (*bench)(const esp_subject *subject, esp_bench *bench);

    void (*question)(const esp_subject *subject, esp_figure_list *out);       /* task, controller, data ... */
    void (*inspect)(const esp_subject *subject, esp_figure_list *out);        /* work of an action or image */
    void (*title)(const esp_subject *subject, char *out, size_t size);    /* "TD-MPC agent, task pendulum" */
    void (*run_title)(const cJSON *config, char *out, size_t size);       /* the same of a configuration */
    void (*samples)(const esp_subject *subject, char *out, size_t size);  /* "20 held-out episodes of seed 1 ..." */
};

/* Rows of the table; named there and nowhere else. */
extern const esp_application esp_application_agent, esp_application_autoencoder;
/* The table of all, up to NULL; the first is what a configuration means that names none. */
extern const esp_application *const esp_applications[];
const esp_application *esp_application_find(const char *name); /* NULL with the error text set */
/* Of a configuration: its key "application". */
esp_status esp_application_of_json(const cJSON *json, const char *source, const esp_application **out);

/* ---- prune_run.c: one pruning, asked for and done ---------------------------------------------------- */

#define ESP_GROUPS_CHOICES "structural|paper" /* words for esp_prune_request.groups */

/* What is asked of a pruning. */
typedef struct {
    const esp_search_method *method;       /* of esp_search_methods */
    const esp_importance    *importance;   /* of esp_importances */
    const esp_compensation  *compensation; /* of esp_compensations */
    int    groups;                      /* index in ESP_GROUPS_CHOICES */
    int    budget;                      /* evaluations; 0: no limit */
    int    round_to;                    /* kept widths are multiples of it */
    int    finetune;                    /* gradient steps after the cut */
    bool   all_components;              /* write those too that the controller does not run */
    int    num_pins;                    /* groups whose coefficient is given */
    const char *pin[ESP_MAX_AXES];      /* PATTERN=VALUE, in order, borrowed */
    esp_judging judging;                /* options of the application */
    esp_search_config search;           /* target and settings of the method */
} esp_prune_request;

/* 20 % by the paper's gradient descent, units ranked by their 2-norm, nothing repaired or finetuned. */
esp_prune_request esp_prune_request_default(void);

/* The networks that are compared, in the order of report. */
typedef enum {
    ESP_BEFORE,        /* the subject's own */
    ESP_UNCOMPENSATED, /* only with a compensation: the same cut without it */
    ESP_AFTER,         /* after surgery, repaired when that was asked for */
    ESP_FINETUNED,     /* only with gradient steps */
    ESP_PRUNED_STAGES  /* how many there are */
} esp_prune_stage;
extern const char *const esp_prune_stage_names[]; /* "before", "uncompensated", ...: suffixes of JSON keys */

/* One pruning, done. */
typedef struct {
    const esp_subject *subject;         /* borrowed */
    esp_prune_request  request;         /* that led to it */
    esp_grouping       grouping;        /* what shared a coefficient */
    esp_ranking        ranking;         /* the order in which units went, owned */
    esp_objective     *objective;       /* what was evaluated, owned; holds the journal, locked */
    esp_search_result  result;          /* widths, coefficients, sparsities */
    double             wall_s;          /* of the search */
    esp_network       *net[ESP_PRUNED_STAGES]; /* owned but for ESP_BEFORE, which is the subject's */
    bool               has[ESP_PRUNED_STAGES];      /* measured */
    esp_measurement    measured[ESP_PRUNED_STAGES]; /* owned; valid where `has` says so */
    double             ms[ESP_PRUNED_STAGES];       /* of one action or image, median */
    size_t             bytes[ESP_PRUNED_STAGES];    /* of the file; 0: not written */
} esp_pruning;

/* What decides the performance of a cut, beside its widths; the caller deletes it. */
cJSON *esp_pruning_identity(const esp_subject *subject, const esp_prune_request *request);

/* Whose the journal of a search is. */
typedef enum {
    ESP_JOURNAL_OWN,    /* follows from -o; one of another search is moved aside */
    ESP_JOURNAL_NAMED,  /* by the user: must fit */
    ESP_JOURNAL_SHARED  /* with other searches of a sweep: does not say what this one is after */
} esp_journal_kind;

/* Searches, keeping every evaluation in the file `journal` (NULL: nowhere) to resume from, and makes the smaller
 * network. ESP_ERR_INFEASIBLE when no cut meets the target, ESP_ERR_INTERRUPTED after a signal. The caller frees
 * *out, which borrows the subject. */
esp_status esp_pruning_search(const esp_subject *subject, const esp_prune_request *request, const char *journal,
                              esp_journal_kind kind, esp_pruning *out);
/* Held-out performance and time of a stage; nothing when it has no network. */
esp_status esp_pruning_measure(esp_pruning *pruning, esp_prune_stage stage);
/* Of a stage that has a network: the parameters that sparsity counts, and the FLOPs of one action or image. */
double     esp_pruning_params(const esp_pruning *pruning, esp_prune_stage stage);
double     esp_pruning_flops(const esp_pruning *pruning, esp_prune_stage stage); /* multiply-adds times two */
/* Writes the network that came out, finetuned when that was asked for, and takes the size of the file. */
esp_status esp_pruning_write(esp_pruning *pruning, const char *path);
void       esp_pruning_free(esp_pruning *pruning); /* accepts one that is zeroed */

/* ---- pedigree.c: where a file comes from -------------------------------------------------------------- */

/* The pedigree of the file that the pruning makes: that of the file given, and an entry for this pruning. It says
 * nothing that differs between equal work: no times, threads, ranks or paths. The caller deletes it. */
cJSON *esp_pruning_pedigree(const esp_pruning *pruning);
/* Parameters of the controller before the first pruning of its file's pedigree; those of the file if it has none. */
double esp_subject_original_params(const esp_subject *subject);

/* ---- pruning_json.c ------------------------------------------------------------------------------------------ */

/* The stages that were measured; the caller deletes it. */
cJSON *esp_pruning_json(const esp_pruning *pruning);
/* What is known before a search: what is asked of it; the caller deletes it. */
cJSON *esp_pruning_about_json(const esp_pruning *pruning);
/* Of a sweep, the network before anything is cut, measured; the caller deletes it. */
cJSON *esp_pruning_dense_json(const esp_pruning *pruning);

/* ---- sweep_results.c: sweep.json and results.jsonl --------------------------------------------------- */

enum { ESP_SWEEP_LIST = 32, ESP_SWEEP_SEEDS = 1000 }; /* ways and sparsities; seeds: at most */

/* One way to prune: a method and the importance it ranks with. */
typedef struct {
    const esp_search_method *method;     /* of esp_search_methods */
    const esp_importance    *importance; /* of esp_importances */
    char name[64];                       /* "magnitude/l1"; without the importance when that is not spelled out */
} esp_sweep_way;

/* Prunings side by side: every way, at every sparsity, with every seed. */
typedef struct {
    const char *folder;        /* where its results are kept, borrowed */
    const char *measure_name;  /* of the application */
    uint64_t    seed;          /* the first one */
    int           num_ways;    /* methods, with their importances */
    int           num_sparsities; /* targets */
    int           num_seeds;   /* in a row from the first one */
    esp_sweep_way way[ESP_SWEEP_LIST];      /* [num_ways] */
    double        sparsity[ESP_SWEEP_LIST]; /* [num_sparsities], fractions */
    esp_prune_request request; /* what all cells have in common */
    cJSON        *results;     /* array of finished cells and dense measurements, owned */
    esp_lock     *lock;        /* of the folder, for its one writer; NULL: only read */
    esp_json_log *log;         /* results.jsonl, open from the first line on */
} esp_sweep;

/* Makes the folder, or reads what an earlier sweep with the same question left in it: finished cells
 * are never made again. ESP_ERR_FORMAT when the folder holds another sweep, ESP_ERR_IO when another process is at
 * it. Locks the folder; esp_sweep_close follows, also after a failure. */
esp_status esp_sweep_open(esp_sweep *sweep, const esp_subject *subject);
/* Releases the folder, deletes the results. */
void       esp_sweep_close(esp_sweep *sweep);
/* The finished cell, or NULL; way NULL: the dense network. */
const cJSON *esp_sweep_find(const esp_sweep *sweep, const esp_sweep_way *way, double sparsity, uint64_t seed);
/* A folder as it is, for readers: ways, sparsities and seeds are those of its cells. A last line that was
 * cut short is left out and left alone. Deletes results on failure. */
esp_status esp_sweep_read(const char *folder, esp_sweep *out);
bool esp_sweep_equal(double sparsity, double other); /* as far as a file can tell */
/* Appends a line to the file and keeps it; takes `cell`. */
esp_status esp_sweep_add(esp_sweep *sweep, cJSON *cell);

/* ---- sweep_run.c ----------------------------------------------------------------------------------- */

/* Makes the cells that are missing, seed by seed, each kept as soon as it is finished. ESP_ERR_INTERRUPTED
 * between evaluations; the next run goes on. */
esp_status esp_sweep_run(esp_sweep *sweep, const esp_subject *subject);

/* ---- sweep_csv.c ----------------------------------------------------------------------------------- */

/* results.csv: a row a cell, a column a number, and a coefficient a group. */
esp_status esp_sweep_write_csv(const esp_sweep *sweep);

#endif
