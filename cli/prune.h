/* What `prune` and `sweep` share on the command line and on the terminal. */
#ifndef ESP_CLI_PRUNE_H
#define ESP_CLI_PRUNE_H

#include "cli/cli.h"

/* ---- prune_options.c: options about one pruning ---------------------------------------------------- */

/* Children of the parsers of `prune` and `sweep`: everything but what a sweep varies, and how a network is
 * judged, whose input is an esp_prune_request; options of every command. --help ends with the list of
 * methods. */
extern const struct argp_child esp_prune_children[];
esp_status esp_parse_sparsity(const char *option, const char *text, double *out);
esp_status esp_parse_method(const char *text, const esp_search_method **out);

/* ---- prune_tables.c -------------------------------------------------------------------------------- */

void esp_pruning_print_tables(const esp_pruning *pruning);

#endif
