/* pages: results of training runs, searches and sweeps as pages and pictures to look at. */
#ifndef ESP_PAGES_H
#define ESP_PAGES_H

#include "study/study.h"

/* ---- write.c: one HTML file that needs nothing else ----------------------------------------------- */

/* What kind of result a path holds. */
typedef enum {
    ESP_SOURCE_RUN,    /* folder of a training run: metrics.jsonl, config.json */
    ESP_SOURCE_SWEEP,  /* folder of a sweep: results.jsonl, sweep.json */
    ESP_SOURCE_SEARCH  /* a pruned network with the journal of its search beside it, or such a journal */
} esp_source_kind;
#define ESP_SOURCE_CHOICES "run|sweep|search" /* their names, in order */

/* What to make a page from; borrows everything. */
typedef struct {
    const char         *source;    /* path of one of the above */
    const char         *output;    /* FILE.html */
    const esp_settings *settings;  /* its command is shown on the page; the rest opens checkpoints for films */
    bool                film;      /* add a film strip of an episode, or the picture of the application */
} esp_pages_request;

/* What was written. */
typedef struct {
    esp_source_kind kind;          /* kind of the source */
    size_t          bytes;         /* size of the page */
    const char     *counted;       /* "lines" of metrics, "cells" of a sweep, "evaluations" of a search */
    int             count;         /* how many of them are on the page */
} esp_pages_result;

/* Reads the source, draws the page, writes it (atomic). When there is nothing to report on, ESP_ERR_FORMAT names the
 * files that were looked for; a film that cannot be made is a note on the page, not a failure. */
esp_status esp_pages_write(const esp_pages_request *request, esp_pages_result *out);

/* ---- card.c: a model card ------------------------------------------------------------------------- */

/* Writes a card in the form of the Hugging Face Hub (atomic): YAML with a model-index, then the figures, contract and
 * pedigree as Markdown. `measured`: the held-out figures of the subject; the card states no others. */
esp_status esp_card_write(const esp_subject *subject, const esp_measurement *measured, const char *path);

/* ---- sweep_pictures.c ----------------------------------------------------------------------------- */

/* Writes the charts of a sweep into its folder as NAME.svg and NAME.png: "performance" (Fig. 4), "pareto", and, where
 * there are any, the coefficients at each sparsity as "coefficients-20" ... A PNG that this machine cannot draw causes
 * a warning only. */
esp_status esp_sweep_write_pictures(const esp_sweep *sweep);

#endif
