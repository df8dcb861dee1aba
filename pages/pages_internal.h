/* What the files of pages share: the source that is read, and how its numbers get onto a page. */
#ifndef ESP_PAGES_INTERNAL_H
#define ESP_PAGES_INTERNAL_H

#include "pages/pages.h"
#include "report/report.h"

/* ---- source.c: what a path holds ------------------------------------------------------------ */

typedef struct {
    esp_source_kind kind;
    const char *path;        /* as given: a folder, a pruned network or a journal */
    char       *journal;     /* journal of a search, owned */
    char       *checkpoint;  /* network beside that journal, owned; NULL: there is none */
} esp_source;

/* When there is nothing to report on, ESP_ERR_FORMAT names the files that were looked for. */
esp_status esp_source_find(const char *path, esp_source *out);
void       esp_source_free(esp_source *source);

/* ---- a report in the making ----------------------------------------------------------------------- */

typedef struct {
    const esp_settings *settings;
    const esp_source  *source;
    bool      film;          /* whether a film is wanted */
    cJSON    *data;          /* all numbers of the page, owned */
    esp_page *page;          /* owned */
} esp_report;

/* run.c, search.c, sweep.c: fill data and page. */
esp_status esp_report_run(esp_report *report);
esp_status esp_report_search(esp_report *report);
esp_status esp_report_sweep(esp_report *report);

/* ---- journal.c: the evaluations of a search ----------------------------------------------------------- */

typedef struct {
    int     count, all; /* evaluations on the page, and in the journal */
    double  cost;       /* the same counted by their length, as the search's budget counts them */
    int     room;       /* room of the arrays */
    double *number, *performance, *sparsity, *scale;  /* per evaluation; number 1 is the uncut network */
    double *round;      /* round of the pruning, from 1 */
    double *nominal;    /* nominal or structural sparsity, whichever was not asked for */
    double *objective;  /* NAN: unknown, or judged at another fidelity than the first */
    double *best;       /* the least objective so far */
    double *feasible;   /* the best performance so far, at the first fidelity, within tolerance of the target */
} esp_evaluations;

/* Fills the data of the report as well. The caller frees *e, also after a failure. */
esp_status esp_report_read_search(esp_report *report, esp_evaluations *out);
void       esp_evaluations_free(esp_evaluations *evaluations);
/* What the search was asked for: the search that gave the last result, else the one that began the journal. */
const cJSON *esp_report_question(const cJSON *data);

/* ---- recipe.c ---------------------------------------------------------------------------------- */

/* "method evolve, importance obs, repair lsq, 500 finetuning steps, 3 rounds, seed 1, structural groups", from what a
 * search or a sweep was asked for; parts that are not known are left out. num_seeds: seeds from the first one on. */
void esp_report_recipe(const cJSON *asked, int num_seeds, char *out, size_t size);

/* ---- search.c, search_charts.c -------------------------------------------------------------------- */

const char *esp_report_measure(const esp_report *report); /* "mean return" */
/* A section with every cut that the search tried; `asked` points to what it was asked for. */
esp_status  esp_report_search_charts(esp_report *report, const esp_evaluations *e, const char *asked);

/* ---- rounds.c: prunings in several rounds --------------------------------------------------------- */

enum { ESP_ROUND_MARKS = 16 }; /* most rounds that are marked in a chart */
/* A table of the rounds of the pruning at a pointer; nothing when it had one. */
void esp_report_rounds(esp_report *report, const char *pointer);
/* Vertical lines where the second and later rounds begin, for a chart over evaluations; returns their number. */
int  esp_round_marks(const esp_evaluations *e, esp_chart_reference out[ESP_ROUND_MARKS]);

/* ---- values.c: numbers of the data, found by pointer ------------------------------------------ */

/* Finds a value by a pointer as in RFC 6901 ("/cells/3/params_after"; names without / and ~); NULL when it is
 * missing. */
const cJSON *esp_data_find(const cJSON *data, const char *pointer);
double       esp_data_number(const cJSON *data, const char *pointer); /* NAN when it is not a number */
const char  *esp_data_text(const cJSON *data, const char *pointer);   /* NULL when it is not text */

/* A cell, and a card, with the number at a pointer. When it is missing the cell is empty and no card is made. */
void esp_report_cell(esp_report *report, esp_number_fn text, const char *pointer, ...)
    __attribute__((format(printf, 3, 4)));
/* A cell with so many decimals; sign: always with a sign, as a difference. */
void esp_report_number(esp_report *report, int decimals, bool sign, const char *pointer, ...)
    __attribute__((format(printf, 4, 5)));
/* A cell with a time in ms, and its text: as many digits as its spread allows. */
void  esp_report_time(esp_report *report, const char *pointer, ...) __attribute__((format(printf, 2, 3)));
char *esp_report_time_text(const esp_report *report, const char *pointer, char out[ESP_NUMBER_TEXT]);
/* How performances are written beside that of the dense network: with equally many decimals. */
esp_number_fn esp_report_performance_text(double dense);
/* A cell with a performance, in red when it is too far below that of the dense network; application NULL: never. */
void esp_report_performance(esp_report *report, const esp_application *application, double dense, const char *pointer,
                            ...) __attribute__((format(printf, 4, 5)));
/* Whether a pruned network keeps less than it should; false when that is not known. */
bool esp_report_is_bad(const esp_application *application, double dense, double performance);
/* A cell with the two numbers at a pointer, with the decimals of the dense performance: "804.9 to 890.8". */
void esp_report_interval(esp_report *report, double dense, const char *pointer, ...)
    __attribute__((format(printf, 3, 4)));
void esp_report_card(esp_report *report, const char *label, esp_number_fn text, const char *pointer,
                     const char *remark);
void esp_report_bad_card(esp_report *report, const char *label, esp_number_fn text, const char *pointer,
                         const char *remark); /* the same in red */
/* A fact with the text at a pointer; nothing when it is missing. */
void esp_report_fact(esp_report *report, const char *label, const char *pointer);
/* Begins the section on the origin of the results: the command at a pointer, or the note `otherwise` when there is
 * none. */
void esp_report_origin(esp_report *report, const char *pointer, const char *otherwise);
/* Facts on what a search or a sweep was asked for, from the JSON at a pointer. */
void esp_report_asked(esp_report *report, const char *pointer);
/* The JSON at a pointer, folded away; nothing when it is missing. */
void esp_report_folded(esp_report *report, const char *summary, const char *pointer);

/* ---- stages.c, paired.c, groups.c: one pruning, from the JSON at a pointer ----------------------- */

/* A table of the network before and after, one column per stage. */
void esp_report_stages(esp_report *report, const char *pointer);
/* A table of the differences of the same samples before and at a stage ("after"); nothing when there are none. */
void esp_report_paired(esp_report *report, const char *pointer, const char *stage);
/* Coefficients as bars, coloured by whether a group belongs to one component or couples several, and kept widths;
 * `grouping` points to the list of groups. */
esp_status esp_report_groups(esp_report *report, const char *pointer, const char *grouping);
/* The application whose network was pruned. */
const esp_application *esp_report_application(const esp_report *report, const char *pointer); /* NULL: unknown */

/* ---- film.c -------------------------------------------------------------------------------------- */

/* What to film: one network, or two to compare. */
typedef struct {
    const esp_application *application;
    int          count;
    const char  *path[2], *name[2];
    const cJSON *asked;             /* the options that the result was made with, or NULL */
    bool         quick;             /* choose options for a short wait */
    uint64_t     seed;              /* seed of the episode */
    double     *seconds;     /* used inside film.c: receives the length of a film strip, s */
} esp_film_request;

/* A film strip, or digits above their reconstructions; when it cannot be made, the page says why. */
void esp_report_film(esp_report *report, const esp_film_request *request);

/* ---- sweep_charts.c ---------------------------------------------------------------------------------- */

typedef esp_status (*esp_sweep_chart_fn)(void *context, const char *name, const esp_chart *chart);

/* Passes the charts of a sweep to `take`, one after the other: "performance", "pareto", and, where there are any, one
 * of the coefficients at each sparsity: "coefficients-20", "coefficients-40" ... */
esp_status esp_sweep_draw(const esp_sweep *sweep, esp_sweep_chart_fn take, void *context);

#endif
