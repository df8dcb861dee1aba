/* What `prune` and `sweep` share on the command line and on the terminal. */
#ifndef ESP_CLI_PRUNE_H
#define ESP_CLI_PRUNE_H

#include "cli/cli.h"

/* ---- prune_options.c: options about one pruning ---------------------------------------------------- */

/* Children of the parsers of `prune` and `sweep`: everything but what a sweep varies, and how a network is
 * judged, whose input is an esp_prune_request; options of every command. --help ends with the list of
 * methods. */
extern const struct argp_child esp_prune_children[];
/* A fraction above 0, at most ESP_MAX_COEFFICIENT; the sentence names the option. */
esp_status esp_parse_sparsity(const char *option, const char *text, double *out);
/* A criterion by its name; the sentence names the option and lists all of them. */
esp_status esp_parse_importance(const char *option, const char *text, const esp_importance **out);
/* A search method by its name; ESP_ERR_USAGE with the nearest one. */
esp_status esp_parse_method(const char *text, const esp_search_method **out);

/* ---- prune_tables.c -------------------------------------------------------------------------------- */

/* The search, the groups, and a column for every stage that was measured, on standard output. */
void esp_pruning_print_tables(const esp_pruning *pruning);

#endif
