/* The words and lists of a graph in JSON, which writer and reader share. docs/graph.md describes the format. */
#ifndef ESP_GRAPH_JSON_INTERNAL_H
#define ESP_GRAPH_JSON_INTERNAL_H

#include "graph/graph.h"

#define ESP_GRAPH_VERSION 1

/* By esp_layer_kind. "image" is never written: it is an input. */
#define ESP_OP_CHOICES \
    "image|conv|flatten|dense|layernorm|batchnorm|unflatten|act|scale|add|sub|mul|div|concat|slice|maxpool|avgpool"
/* By esp_act. */
#define ESP_ACT_CHOICES "none|relu|elu|tanh|sigmoid|leaky_relu|gelu|gelu_tanh|silu|softplus|clip"

enum { ESP_WINDOW_NUMBERS = 10 }; /* as the members of esp_window, in their order */

#endif
