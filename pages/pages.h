/* pages: what training runs, searches and sweeps left behind, as pages and pictures to look at. */
#ifndef ESP_PAGES_H
#define ESP_PAGES_H

#include "study/study.h"

/* ---- write.c: one HTML file that needs nothing else ----------------------------------------------- */

/* What a path holds that can be reported on. */
typedef enum {
    ESP_SOURCE_RUN,    /* folder of a training run: metrics.jsonl, config.json */
    ESP_SOURCE_SWEEP,  /* folder of a sweep: results.jsonl, sweep.json */
    ESP_SOURCE_SEARCH  /* a pruned network with the journal of its search beside it, or such a journal */
} esp_source_kind;
#define ESP_SOURCE_CHOICES "run|sweep|search" /* their names, in order */

/* What a page is made of; borrows everything. */
typedef struct {
    const char         *source;    /* path of one of the above */
    const char         *output;    /* FILE.html */
    const esp_settings *settings;  /* its command stands on the page; the rest opens checkpoints for films */
    bool                film;      /* with a film strip of an episode, or what the application draws */
} esp_pages_request;

/* What was written. */
typedef struct {
    esp_source_kind kind;          /* of the source */
    size_t          bytes;         /* of the page */
    const char     *counted;       /* "lines" of metrics, "cells" of a sweep, "evaluations" of a search */
    int             count;         /* how many of them the page has */
} esp_pages_result;

/* Reads the source, draws the page, writes it (atomic). ESP_ERR_FORMAT naming what was looked for when there is
 * nothing to report on; a film that cannot be had is a note on the page, not a failure. */
esp_status esp_pages_write(const esp_pages_request *request, esp_pages_result *out);

/* ---- sweep_pictures.c ----------------------------------------------------------------------------- */

/* Writes the charts of a sweep into its folder as NAME.svg and NAME.png: "performance" (Fig. 4), "pareto", and
 * "coefficients" when there are any. A PNG that the machine cannot draw is a warning. */
esp_status esp_sweep_write_pictures(const esp_sweep *sweep);

#endif
