/* Shared by the files of graph: nodes as they were described, and the plan that they are lowered to. */
#ifndef ESP_GRAPH_INTERNAL_H
#define ESP_GRAPH_INTERNAL_H

#include "graph/graph.h"

enum { ESP_NODE_TENSORS = 4 }; /* weight, bias, mean, variance */

/* One value and what computes it. layer: kind, attributes and inputs, which are values here; its tensors, dimensions
 * and sizes are not used. */
typedef struct {
    bool      is_row;    /* an input of its component; in a plan: the row that the component reads */
    bool      is_bytes;  /* an input of bytes */
    esp_layer layer;
    esp_shape shape;
    int       first;     /* slice: first unit */
    int       shares;    /* value whose tensors it has; ESP_NO_VALUE: its own */
    bool      no_bias;
    float    *data[ESP_NODE_TENSORS]; /* owned by the graph, borrowed by a plan; NULL: initial values */
} esp_node;

/* Units of two values that go together. */
typedef struct { int a, a_first, b, b_first, count; bool wired; } esp_tie;

typedef struct { int value, first; char name[ESP_NAME]; } esp_axis_name;

typedef struct {
    char name[ESP_NAME];
    int  num_inputs, num_outputs, input[ESP_MAX_PORTS], output[ESP_MAX_PORTS]; /* values */
    char output_name[ESP_MAX_PORTS][ESP_NAME];
} esp_graph_component_plan;

/* Lists that grow: `num` of `room` entries are used. */
struct esp_graph {
    int num_components;
    esp_graph_component_plan component[ESP_MAX_COMPONENTS];
    int num_nodes, node_room;
    esp_node *node;
    int num_ties, tie_room;
    esp_tie *tie;
    int num_names, name_room;
    esp_axis_name *name;
    esp_error error;
};

/* ---- graph.c: what all nodes have in common ---------------------------------------------------------------- */

bool esp_graph_usable(const esp_graph *graph); /* nothing has failed so far */
/* Records the sentence as the graph's error unless there is one; returns ESP_NO_VALUE. */
int  esp_refuse(esp_graph *graph, esp_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Whether it is a value of the component that is being built; otherwise that is an error, unless it is
 * ESP_NO_VALUE. */
bool esp_graph_has(esp_graph *graph, int value);
bool esp_graph_check_shape(esp_graph *graph, const char *module, esp_shape shape);
/* A node of the component started last that reads `num` values; NULL after an error. Its value is esp_graph_last. */
esp_node *esp_graph_add(esp_graph *graph, esp_layer_kind kind, const char *module, int num, const int *inputs,
                        esp_shape shape);
int  esp_graph_last(const esp_graph *graph);

/* ---- lower.c: nodes that the outputs depend on, one per layer, with the rows that components read and write ---- */

typedef struct {
    int       num, room;
    esp_node *node;      /* [num] component by component; inputs are nodes of the plan */
    int      *node_of;   /* [num_nodes of the graph] node of a value; -1: no output depends on it */
    int       row[ESP_MAX_COMPONENTS];  /* node of the row that the component reads; -1: a slot */
    int       last[ESP_MAX_COMPONENTS]; /* node whose output it writes; -1: a slot */
} esp_plan;

esp_status esp_plan_make(const esp_graph *graph, esp_plan *out);
void       esp_plan_free(esp_plan *plan);

/* ---- units.c: which units are removed together ------------------------------------------------------------- */

/* Every position of every value of a plan is a unit at first; then units are tied. Owns its arrays. */
typedef struct {
    int          num;
    int         *first;    /* [nodes] unit of position 0 of each node */
    int         *tied;     /* [num] a unit of the same set with a smaller or equal number; roots point to themselves */
    const char **fixed;    /* [num] of roots: why it stays; NULL: it can be removed */
    int         *port;     /* [num] input that the unit is of, counted over all; -1: of a node */
} esp_units;

esp_status esp_units_make(const esp_graph *graph, const esp_plan *plan, esp_units *out);
void       esp_units_free(esp_units *units);
int        esp_unit_root(esp_units *units, int unit);
void       esp_unit_fix(esp_units *units, int unit, const char *why); /* the first reason stays */

/* ---- runs.c: dimensions as parts ---------------------------------------------------------------------------- */

/* A stretch of positions of one dimension: `units` units, in their order, with `block` positions each. */
typedef struct {
    int  first, positions, units, block;
    bool fixed;
} esp_stretch;

/* How units stand in all dimensions of a plan. Units that follow each other wherever they stand, each with as many
 * positions as the other, are linked. */
typedef struct {
    const esp_plan *plan;
    esp_units      *units;
    int  *root;           /* [units] */
    int  *next, *before;  /* [units] of roots: the unit that always follows, and that always precedes; < 0: none */
    int  *maker;          /* [units] node that has the unit */
    bool *merged;         /* [nodes] fixed units of several inputs or nodes are one part */
} esp_runs;

/* Fixes the units that no part can express, so that every node has at most ESP_MAX_PARTS parts. */
void esp_runs_make(const esp_plan *plan, esp_units *units, esp_runs *out);
void esp_runs_free(esp_runs *runs);
/* The next part of a dimension with these roots [count], from position *at on; false at its end. */
bool esp_next_stretch(const esp_runs *runs, const int *root, int count, bool merged, int *at, esp_stretch *out);

/* ---- axes.c: the axes of a network, from the parts of all dimensions ---------------------------------------- */

/* An axis is a list of units; owns the list. */
typedef struct {
    int        size;
    int       *unit;  /* [size] roots */
    bool       fixed;
    const char *name; /* given by the caller; NULL: none */
    int        order; /* of naming */
    int        index; /* in the network */
} esp_axis_plan;

typedef struct {
    int num, room;
    esp_axis_plan *axis; /* [num] */
    esp_dim *dim;        /* [nodes] what each node's output consists of, by axes of the network */
    esp_dim  unread[ESP_MAX_COMPONENTS][ESP_MAX_PORTS]; /* of inputs that nothing reads */
} esp_axes;

/* Declares the axes in `net`. */
esp_status esp_axes_make(const esp_graph *graph, const esp_runs *runs, esp_network *net, esp_axes *out);
void       esp_axes_free(esp_axes *axes);

#endif
