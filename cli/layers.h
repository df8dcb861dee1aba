/* The layers of a network, for programs and for people. */
#ifndef ESP_CLI_LAYERS_H
#define ESP_CLI_LAYERS_H

#include "cli/cli.h"

/* Adds the list "layers". */
void esp_layers_json(const esp_network *net, cJSON *json);
/* Prints them as a table. */
void esp_layers_print(const esp_network *net);

#endif
