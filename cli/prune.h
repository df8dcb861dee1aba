/* Shared by `prune` and `sweep`, on the command line and in their output. */
#ifndef ESP_CLI_PRUNE_H
#define ESP_CLI_PRUNE_H

#include "cli/cli.h"

/* ---- prune_options.c: options of one pruning --------------------------------------------------------- */

/* Child parsers of `prune` and `sweep`: everything except what a sweep varies; how a network is judged (their input
 * is an esp_prune_request); options of every command. --help ends with the list of methods. */
extern const struct argp_child esp_prune_children[];
/* A fraction above 0 and below 1; error messages name the option. */
esp_status esp_parse_sparsity(const char *option, const char *text, double *out);
/* An importance by its name; the error message names the option and lists all of them. */
esp_status esp_parse_importance(const char *option, const char *text, const esp_importance **out);
/* A search method by its name; the error message is like that of esp_parse_importance. */
esp_status esp_parse_method(const char *option, const char *text, const esp_search_method **out);

/* ---- prune_tables.c -------------------------------------------------------------------------------- */

/* Prints the search, the groups, and one column per measured stage to standard output. */
void esp_pruning_print_tables(const esp_pruning *pruning);

#endif
