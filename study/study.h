/* study: the work that is done with trained networks, as a library - they are pruned, compared, swept over. It knows
 * no command line and prints nothing: results are structs, JSON and files; progress and log go to the callbacks of
 * base. */
#ifndef ESP_STUDY_H
#define ESP_STUDY_H

#include "application/application.h"
#include "sequential/sequential.h"

/* ---- prune_run.c: one pruning -------------------------------------------------------------------------- */

#define ESP_GROUPS_CHOICES "structural|paper" /* words for esp_prune_request.groups */
#define ESP_PRESET_CHOICES "best|paper"       /* words for esp_prune_request.preset */
enum { ESP_PRESET_BEST, ESP_PRESET_PAPER };   /* values of it */
enum { ESP_BY_PRESET = -1 };                  /* for a number that the preset is to choose */

/* A request to prune. What is left open (NULL, ESP_BY_PRESET, NAN) is filled in by the preset. */
typedef struct {
    int    preset;                      /* index in ESP_PRESET_CHOICES */
    const esp_search_method *method;       /* row of esp_search_methods, or NULL */
    const esp_importance    *importance;   /* row of esp_importances, or NULL */
    const esp_compensation  *compensation; /* row of esp_compensations, or NULL */
    int    groups;                      /* index in ESP_GROUPS_CHOICES, or ESP_BY_PRESET */
    int    rounds;                      /* cuts one after another, each followed by finetuning; or ESP_BY_PRESET */
    int    budget;                      /* evaluations per round; 0: no limit */
    int    round_to;                    /* kept widths are multiples of it */
    int    finetune;                    /* gradient steps after the last cut, or ESP_BY_PRESET */
    double keep;                        /* share of the performance that is to be kept, in (0, 1]; 0: none */
    bool   smallest;                    /* look for the smallest network that keeps it; the target is not read */
    bool   all_components;              /* also write the components that the controller does not run */
    int    num_pins;                    /* number of groups with a fixed coefficient */
    const char *pin[ESP_MAX_AXES];      /* [num_pins] PATTERN=VALUE, in order, borrowed */
    esp_judging judging;                /* options of the application */
    esp_search_config search;           /* target, of the original's parameters, and settings of the method; a
                                         * tolerance of NAN is left to the preset */
} esp_prune_request;

/* 20 % with the preset `best`: every choice is left to it. */
esp_prune_request esp_prune_request_default(void);
/* Fills in what is left open. Best: units ranked by the squared error that remains without them, the layers behind
 * repaired by least squares, `sensitivity`, finetuning where the application can, and several rounds when less than
 * ESP_ROUND_LEFT stays; without data `magnitude` by 2-norms, nothing repaired. Paper: the paper's groups and gradient
 * descent, units ranked by their 2-norm, nothing repaired or finetuned, and for its grid no finalists. */
void esp_prune_request_settle(esp_prune_request *request, const esp_subject *subject);
/* The part of it that depends on neither target nor subject; `best` leaves steps, rounds and tolerance open. */
void esp_prune_request_choose(esp_prune_request *request);

/* The networks that are compared, in the order of reports. */
typedef enum {
    ESP_BEFORE,        /* the subject's own */
    ESP_UNCOMPENSATED, /* only with a compensation: the last round's cut without it */
    ESP_AFTER,         /* after the last round's surgery, and compensation if requested */
    ESP_FINETUNED,     /* only with gradient steps */
    ESP_PRUNED_STAGES  /* number of stages */
} esp_prune_stage;
extern const char *const esp_prune_stage_names[]; /* "before", "uncompensated", ...: suffixes of JSON keys */

enum { ESP_MOST_ROUNDS = 16 }; /* most rounds of one pruning */
#define ESP_ROUND_LEFT 0.05    /* share of the original that one cut may leave; less is reached in several rounds */

/* One round: a search in the network that the round before left, the cut, and gradient steps. */
typedef struct {
    double target;      /* sparsity that it was to reach, of the original's parameters */
    double sparsity;    /* sparsity that it reached */
    double params;      /* parameters left */
    int    evaluations; /* evaluations of its search */
    double performance; /* of its cut, as the search saw it, before finetuning */
    int    finetune;    /* gradient steps */
    double wall_s;      /* time of search and finetuning */
} esp_prune_round;

/* One finished pruning. */
typedef struct {
    const esp_subject *subject;         /* borrowed */
    esp_prune_request  request;         /* the request behind it, settled */
    esp_grouping       grouping;        /* which axes share a coefficient */
    esp_search_result  result;          /* of all rounds: widths, coefficients and sparsities of the subject's network;
                                         * performance as the last search saw it, the baseline as the first did */
    int                num_rounds;      /* rounds made */
    esp_prune_round    round[ESP_MOST_ROUNDS]; /* [num_rounds] */
    esp_network       *base;            /* network that the last round cut; the subject's, or owned */
    esp_grouping       cutting;         /* the groups of `base` */
    esp_ranking        ranking;         /* order in which its units were removed, owned */
    esp_objective     *objective;       /* evaluations of the last round, owned; holds the journal, locked */
    double             wall_s;          /* time of recording and of all rounds */
    double             finetune_s;      /* part of it that was finetuning, in sizes that failed too */
    esp_network       *net[ESP_PRUNED_STAGES]; /* owned, except for ESP_BEFORE, which is the subject's */
    bool               has[ESP_PRUNED_STAGES];      /* whether the stage was measured */
    esp_measurement    measured[ESP_PRUNED_STAGES]; /* owned; valid where `has` says so */
    esp_timing         time[ESP_PRUNED_STAGES];     /* time per action or image; set by esp_pruning_time */
    size_t             bytes[ESP_PRUNED_STAGES];    /* size of the file; 0: not written */
} esp_pruning;

/* Everything besides its widths that the performance of a cut depends on; the caller deletes it. */
cJSON *esp_pruning_identity(const esp_subject *subject, const esp_prune_request *request);

/* The role of a search's journal. */
typedef enum {
    ESP_JOURNAL_OWN,    /* named after the output; one of another search is moved aside */
    ESP_JOURNAL_NAMED,  /* named by the user: must belong to this search */
    ESP_JOURNAL_SHARED  /* shared by searches of a sweep: does not name the target of this one */
} esp_journal_kind;

/* The stage that is the result: finetuned, or after. */
esp_prune_stage esp_pruning_last(const esp_pruning *pruning);
/* Searches, and makes the smaller network, round by round. Every evaluation is kept in the file `journal` (NULL: not
 * kept), from which a later search resumes. ESP_ERR_INFEASIBLE when no cut meets the target, ESP_ERR_INTERRUPTED after
 * a signal. The caller frees *out, which borrows the subject. */
esp_status esp_pruning_search(const esp_subject *subject, const esp_prune_request *request, const char *journal,
                              esp_journal_kind kind, esp_pruning *out);
/* Measures the held-out performance of a stage; does nothing when the stage has no network. */
esp_status esp_pruning_measure(esp_pruning *pruning, esp_prune_stage stage);
/* Times the network before and the smaller one in turns. Stages after the cut differ in their weights only, so all of
 * them get the time of the smaller network. */
void       esp_pruning_time(esp_pruning *pruning);
/* prune_check.c: the share of the held-out performance before that is left, of several starts the least; NAN: not
 * measured, or there was none. */
double     esp_pruning_kept(const esp_pruning *pruning);
/* ESP_ERR_RANGE, naming what was found and demanded, when a demand on the result is not met: request.keep, the least
 * performance or the bound that the judging demands. */
esp_status esp_pruning_check(const esp_pruning *pruning);
/* Warns about a result that lost more than a twentieth, unless something is demanded, and names what to try next. */
void       esp_pruning_warn(const esp_pruning *pruning);
/* For a stage that has a network: the parameters that sparsity counts, and the FLOPs per action or image. */
double     esp_pruning_params(const esp_pruning *pruning, esp_prune_stage stage);
double     esp_pruning_flops(const esp_pruning *pruning, esp_prune_stage stage); /* multiply-adds times two */
/* Writes the resulting network (the finetuned one if there is one) and notes the size of the file. */
esp_status esp_pruning_write(esp_pruning *pruning, const char *path);
void       esp_pruning_free(esp_pruning *pruning); /* accepts a zeroed struct */

/* ---- compare.c: is one checkpoint worse than another? ------------------------------------------------- */

/* What to compare; borrows both subjects, which are open and get prepared when they can be compared. */
typedef struct {
    esp_subject *a, *b;       /* B is judged by A */
    double margin;            /* share of A's mean performance that B may lose, in (0, 1) */
    int    limit;             /* most samples of each start, >= 1 */
} esp_comparison_request;

/* The result. */
typedef struct {
    esp_verdict verdict;       /* undecided: the limit was reached */
    double      margin, error; /* as requested; largest probability of a wrong verdict */
    int         limit;         /* as requested */
    uint64_t    seed;          /* names the samples */
    double      low, high;     /* bounds of B's mean as a share of A's, each wrong with probability `error` */
    esp_paired  all;           /* all pairs; every start has equally many */
    esp_samples samples[2];    /* those of A and B, owned */
} esp_comparison;

extern const char *const esp_verdict_names[]; /* "undecided", "not worse", "worse" */

/* Plays both on the same samples, every start equally often, until the test of sequential/ is sure or the limit is
 * reached. Bit-identical for any number of threads. ESP_ERR_USAGE when the two do not play the same task or cannot be
 * compared sample by sample. The caller frees *out. */
esp_status esp_compare(const esp_comparison_request *request, esp_comparison *out);
void       esp_comparison_free(esp_comparison *comparison); /* accepts a zeroed struct */
/* The verdict and all that led to it; the caller deletes it. */
cJSON     *esp_comparison_json(const esp_comparison_request *request, const esp_comparison *comparison);

/* ---- pedigree.c: where a file comes from -------------------------------------------------------------- */

/* The pedigree of the file that the pruning makes: that of the input file, and an entry for this pruning. It holds
 * nothing that differs between equal work: no times, threads, ranks or paths. The caller deletes it. */
cJSON *esp_pruning_pedigree(const esp_pruning *pruning);
/* Parameters of the controller before the first pruning in its file's pedigree; those of the file if it has none. */
double esp_subject_original_params(const esp_subject *subject);

/* ---- pruning_json.c ------------------------------------------------------------------------------------------ */

/* The stages that were measured; the caller deletes it. */
cJSON *esp_pruning_json(const esp_pruning *pruning);
/* What a search is asked, known before it starts; the caller deletes it. */
cJSON *esp_pruning_question_json(const esp_pruning *pruning);
/* The same with the command and the version that asked; the caller deletes it. */
cJSON *esp_pruning_about_json(const esp_pruning *pruning);
/* For a sweep: the measured network before any pruning; the caller deletes it. */
cJSON *esp_pruning_dense_json(const esp_pruning *pruning);

/* ---- sweep_results.c: sweep.json and results.jsonl --------------------------------------------------- */

enum { ESP_SWEEP_LIST = 32, ESP_SWEEP_SEEDS = 1000 }; /* most ways and sparsities; most seeds */

/* One way to prune: a method and the importance that it ranks by. */
typedef struct {
    const esp_search_method *method;     /* row of esp_search_methods */
    const esp_importance    *importance; /* row of esp_importances */
    char name[64];                       /* "magnitude/l1"; without the importance when that is the default */
} esp_sweep_way;

/* Prunings side by side: every way, at every sparsity, with every seed. */
typedef struct {
    const char *folder;        /* folder of its results, borrowed */
    const esp_application *application; /* application of the networks */
    const char *measure_name;  /* measure of the application */
    uint64_t    seed;          /* the first seed */
    int           num_ways;    /* methods, with their importances */
    int           num_sparsities; /* targets */
    int           num_seeds;   /* consecutive seeds from the first one */
    esp_sweep_way way[ESP_SWEEP_LIST];      /* [num_ways] */
    double        sparsity[ESP_SWEEP_LIST]; /* [num_sparsities], fractions */
    esp_prune_request request; /* settings that all cells share */
    cJSON        *results;     /* array of finished cells and dense measurements, owned */
    esp_lock     *lock;        /* lock of the folder, for its one writer; NULL: only reading */
    esp_json_log *log;         /* results.jsonl, opened by the first line */
} esp_sweep;

/* Creates the folder, or reads the results of an earlier sweep with the same question: finished cells are never made
 * again. ESP_ERR_FORMAT when the folder holds another sweep, ESP_ERR_IO when another process is using it. Locks the
 * folder; call esp_sweep_close afterwards, also after a failure. */
esp_status esp_sweep_open(esp_sweep *sweep, const esp_subject *subject);
/* Releases the folder and deletes the results in memory. */
void       esp_sweep_close(esp_sweep *sweep);
/* The finished cell, or NULL; way NULL: the dense network. */
const cJSON *esp_sweep_find(const esp_sweep *sweep, const esp_sweep_way *way, double sparsity, uint64_t seed);
/* Reads a folder as it is, without changing it: ways, sparsities and seeds are those of its cells. A last line that
 * was cut short is skipped. Deletes the results in memory on failure. */
esp_status esp_sweep_read(const char *folder, esp_sweep *out);
bool esp_sweep_equal(double sparsity, double other); /* equal to the precision of a file */
/* ESP_ERR_RANGE naming the first cell that misses request.keep, of the dense network's performance, or the least
 * performance that the judging demands. */
esp_status esp_sweep_check(const esp_sweep *sweep, const esp_subject *subject);
/* The stage of a cell's network that results: "before" of the dense one, "finetuned" if there were gradient steps, else
 * "after". It ends the keys of the cell's performance. */
const char *esp_cell_stage(const cJSON *cell);
/* Appends a line to the file and keeps it; takes ownership of `cell`. */
esp_status esp_sweep_add(esp_sweep *sweep, cJSON *cell);

/* ---- sweep_run.c ----------------------------------------------------------------------------------- */

/* Makes the missing cells, seed by seed, and keeps each as soon as it is finished. ESP_ERR_INTERRUPTED between
 * evaluations; the next run continues. */
esp_status esp_sweep_run(esp_sweep *sweep, const esp_subject *subject);

/* ---- sweep_row.c, sweep_csv.c ----------------------------------------------------------------------- */

/* A cell as one flat object with the same keys for every cell, in one order: what was asked, then the network that
 * results, finetuned if there were gradient steps. null where a cell has no such number. docs/json.md explains the
 * keys. The caller deletes it. */
cJSON *esp_sweep_row(const esp_sweep *sweep, const cJSON *cell);
/* results.csv: these rows, one per cell; one column per key, and one per group for its coefficients. */
esp_status esp_sweep_write_csv(const esp_sweep *sweep);

/* ---- board.c: event files for TensorBoard -------------------------------------------------------------- */

/* The event files of one training run; opaque. */
typedef struct esp_board esp_board;
/* `folder` (created by the first event) receives the event files of the run in `run_dir`; both are copied. */
esp_board *esp_board_new(const char *folder, const char *run_dir);
void       esp_board_free(esp_board *board); /* accepts NULL */
/* The `see` of an esp_run_watch, whose context is the board: writes the numbers of a line. Every process begins a new
 * event file, from whose first step on TensorBoard drops what earlier files of the folder hold. */
esp_status esp_board_take(void *board, const cJSON *line);
/* Writes the whole run when no line was seen and the folder has no event file: the run was finished before. */
esp_status esp_board_finish(esp_board *board);
/* One run per way and seed, FOLDER/WAY/seedN: the numbers of esp_sweep_row over the target sparsity in thousandths.
 * Replaces the files of an earlier call. */
esp_status esp_sweep_write_events(const esp_sweep *sweep, const char *folder);

#endif
