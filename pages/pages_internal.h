/* What the files of pages share: the source that is read, and how its numbers get on a page. */
#ifndef ESP_PAGES_INTERNAL_H
#define ESP_PAGES_INTERNAL_H

#include "pages/pages.h"
#include "report/report.h"

/* ---- source.c: what a path holds ------------------------------------------------------------ */

typedef struct {
    esp_source_kind kind;
    const char *path;        /* as given: a folder, a pruned network or a journal */
    char       *journal;     /* of a search, owned */
    char       *checkpoint;  /* of a search, the network that goes with the journal's name, owned; NULL: none */
} esp_source;

/* ESP_ERR_FORMAT naming what was looked for when there is nothing to report on. */
esp_status esp_source_find(const char *path, esp_source *out);
void       esp_source_free(esp_source *source);

/* ---- a report under way ---------------------------------------------------------------------------- */

typedef struct {
    const esp_settings *settings;
    const esp_source  *source;
    bool      film;          /* wanted */
    cJSON    *data;          /* all numbers of the page, owned */
    esp_page *page;          /* owned */
} esp_report;

/* run.c, search.c, sweep.c: make data and page. */
esp_status esp_report_run(esp_report *report);
esp_status esp_report_search(esp_report *report);
esp_status esp_report_sweep(esp_report *report);

/* ---- journal.c: what a search tried ------------------------------------------------------------------ */

typedef struct {
    int     count, all; /* that a page shows, and of the journal */
    int     room;       /* of the arrays */
    double *number, *performance, *sparsity, *scale;  /* by evaluation; number 1 is the uncut network */
    double *nominal;    /* the sparsity that was not asked for */
    double *objective;  /* NAN: unknown, or not of the first fidelity */
    double *best;       /* the least objective so far */
    double *feasible;   /* the most performance so far, of the first fidelity, within tolerance of the target */
} esp_evaluations;

/* Fills the data of the report as well. The caller frees it also after a failure. */
esp_status esp_report_read_search(esp_report *report, esp_evaluations *out);
void       esp_evaluations_free(esp_evaluations *evaluations);
/* What was asked: of the search that gave the last result, else of the one that began the journal. */
const cJSON *esp_report_question(const cJSON *data);

/* ---- values.c: numbers of the data, by their place --------------------------------------------- */

/* By a pointer as in RFC 6901 ("/cells/3/params_after"; names without / and ~); NULL: nothing there. */
const cJSON *esp_data_find(const cJSON *data, const char *pointer);
double       esp_data_number(const cJSON *data, const char *pointer); /* NAN: no number there */
const char  *esp_data_text(const cJSON *data, const char *pointer);   /* NULL: no text there */

/* A cell, and a card, with the number at a pointer; a cell is empty when there is none, a card is not made. */
void esp_report_cell(esp_report *report, esp_number_fn text, const char *pointer, ...)
    __attribute__((format(printf, 3, 4)));
/* A cell with the two numbers at a pointer: "804.9 to 890.8". */
void esp_report_interval(esp_report *report, const char *pointer, ...) __attribute__((format(printf, 2, 3)));
void esp_report_card(esp_report *report, const char *label, esp_number_fn text, const char *pointer,
                     const char *remark);
/* A fact with the text at a pointer, unless there is none. */
void esp_report_fact(esp_report *report, const char *label, const char *pointer);
/* Begins the section of facts on where it comes from: the command at a pointer, or a note when there is none. */
void esp_report_origin(esp_report *report, const char *pointer, const char *otherwise);
/* Facts on what was asked of a search or a sweep, whose JSON is at a pointer. */
void esp_report_asked(esp_report *report, const char *pointer);
/* The JSON at a pointer, folded away; nothing when there is none. */
void esp_report_folded(esp_report *report, const char *summary, const char *pointer);

/* ---- stages.c, groups.c: one pruning, whose JSON is at a pointer ----------------------------- */

/* Before and after, a column a stage. */
void esp_report_stages(esp_report *report, const char *pointer);
/* Coefficients as bars, coloured by whether one component depends on a group or several, and kept widths;
 * `grouping` points to the list of groups. */
esp_status esp_report_groups(esp_report *report, const char *pointer, const char *grouping);
/* Of the application that a pruning is of. */
const esp_application *esp_report_application(const esp_report *report, const char *pointer); /* NULL: unknown */

/* ---- film.c -------------------------------------------------------------------------------------- */

/* What is filmed: one network, or two to compare. */
typedef struct {
    const esp_application *application;
    int          count;
    const char  *path[2], *name[2];
    const cJSON *asked;             /* what the networks were made for, or NULL */
    bool         quick;             /* nobody wants to wait long */
    uint64_t     seed;              /* of the episode */
    double     *seconds;     /* set to the length of a film strip, s; for film.c itself */
} esp_film_request;

/* A film strip, or digits above their reconstructions; when that cannot be had, the page says why. */
void esp_report_film(esp_report *report, const esp_film_request *request);

/* ---- sweep_charts.c ---------------------------------------------------------------------------------- */

typedef esp_status (*esp_sweep_chart_fn)(void *context, const char *name, const esp_chart *chart);

/* Hands over its charts one after the other: "performance", "pareto", "coefficients" when there are any. */
esp_status esp_sweep_draw(const esp_sweep *sweep, esp_sweep_chart_fn take, void *context);

#endif
