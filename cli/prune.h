/* What `espalier prune` shares between doing it and telling about it. */
#ifndef ESP_CLI_PRUNE_H
#define ESP_CLI_PRUNE_H

#include "cli/cli.h"

#define ESP_GROUPS_CHOICES "structural|paper"

enum { ESP_BEFORE, ESP_AFTER };

typedef struct {
    /* asked for */
    esp_options *common;
    const char  *checkpoint, *output;
    char        *journal;               /* owned */
    bool         journal_named;         /* by --journal */
    const esp_search_method *method;
    int          groups, importance, controller;
    int          episodes, report_episodes, budget;
    esp_search_config search;

    /* found */
    esp_subject       subject;
    esp_grouping      grouping;
    esp_ranking       ranking;
    esp_search_result result;
    esp_network      *pruned;           /* owned */
    double            wall_s;           /* of the search */
    esp_measurement   measured[2];      /* ESP_BEFORE, ESP_AFTER: held-out episodes */
    double            ms[2];            /* an action, median */
    size_t            bytes[2];         /* of the files */
} esp_pruning;

/* ---- prune_report.c ---- */

unsigned esp_pruning_components(const esp_pruning *p);
void     esp_pruning_print_json(const esp_pruning *p);
void     esp_pruning_print_tables(const esp_pruning *p);

#endif
