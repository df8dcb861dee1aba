/* The journal of a search: what objective.c reads from it and writes into it. */
#ifndef ESP_JOURNAL_INTERNAL_H
#define ESP_JOURNAL_INTERNAL_H

#include "search/search.h"

/* The journal of one search, open and locked. */
typedef struct esp_journal esp_journal;

/* Receives every evaluation that the file holds. */
typedef void (*esp_journal_fn)(void *context, const esp_widths *widths, int scale, double performance);

/* One evaluation, to be written. */
typedef struct {
    const esp_widths *widths;
    int    scale, number;     /* number: of the file's evaluations, from 1 */
    double performance, wall_s;
} esp_evaluation;

/* Locks config->journal, checks that it belongs to this search and hands every evaluation in it to `found`; an
 * incomplete last line is removed. A file that does not exist is made by the first append. */
esp_status esp_journal_open(const esp_objective_config *config, esp_journal_fn found, void *context, esp_journal **out);
void       esp_journal_close(esp_journal *journal); /* accepts NULL */
/* Whether the file belongs to another search and will be set aside (config->set_aside): what `found` got is then of no
 * use. */
bool       esp_journal_makes_way(const esp_journal *journal);
esp_status esp_journal_append(esp_journal *journal, const esp_objective_config *config, const esp_evaluation *evaluation);
esp_status esp_journal_add_result(esp_journal *journal, const cJSON *result);

#endif
