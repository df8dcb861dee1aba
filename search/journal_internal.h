/* The journal of a search, as objective.c reads and writes it. */
#ifndef ESP_JOURNAL_INTERNAL_H
#define ESP_JOURNAL_INTERNAL_H

#include "search/search.h"

/* The journal of one search, open and locked. */
typedef struct esp_journal esp_journal;

/* Receives every evaluation in the file. */
typedef void (*esp_journal_fn)(void *context, const esp_widths *widths, int scale, double performance);

/* One evaluation to write. */
typedef struct {
    const esp_widths *widths;
    int    scale, number;     /* number: of the file's evaluations, counted from 1 */
    double performance, wall_s;
} esp_evaluation;

/* Locks config->journal, checks that it belongs to this search and passes every evaluation in it to `found`; an
 * incomplete last line is removed. A file that does not exist is created by the first append. */
esp_status esp_journal_open(const esp_objective_config *config, esp_journal_fn found, void *context, esp_journal **out);
void       esp_journal_close(esp_journal *journal); /* accepts NULL */
/* Whether the file belongs to another search and will be set aside (config->set_aside); the evaluations passed to
 * `found` must be ignored then. */
bool       esp_journal_makes_way(const esp_journal *journal);
/* What the file's last search asked and perhaps found, as in esp_objective_question; NULL: the file does not say. */
const cJSON *esp_journal_question(const esp_journal *journal);
esp_status esp_journal_append(esp_journal *journal, const esp_objective_config *config,
                              const esp_evaluation *evaluation);
esp_status esp_journal_add_result(esp_journal *journal, const cJSON *result);

#endif
