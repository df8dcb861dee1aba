/* Small parts of a model that can be computed on one row. */
#ifndef ESP_ONNX_EVALUATE_H
#define ESP_ONNX_EVALUATE_H

#include "onnx/onnx_internal.h"

enum { ESP_ONNX_REGION = 32 }; /* most nodes of a region */

/* How a node is computed. */
typedef enum { ESP_ONNX_ONE, ESP_ONNX_TWO, ESP_ONNX_WHERE, ESP_ONNX_CLIP, ESP_ONNX_MEAN } esp_onnx_step_kind;

/* A node that works element by element, or takes the mean of the row. */
typedef struct {
    const esp_onnx_node *node;
    esp_onnx_step_kind   kind;
    int      num_inputs;                         /* inputs that are read */
    bool     reshapes;                           /* it may give its output other dimensions */
    double (*one)(double x, const double *p);
    double (*two)(double a, double b);
    double   p[2];                               /* parameters */
} esp_onnx_step;

/* Nodes between one value, the root, and the output of the last node, which depends on nothing else. */
typedef struct {
    int           root;                      /* index of the value */
    int           width;                     /* elements of the row */
    int           count;                     /* number of nodes */
    esp_onnx_step step[ESP_ONNX_REGION];     /* [count] last node first */
} esp_onnx_region;

/* False when the node cannot be computed. */
bool esp_onnx_step_make(const esp_onnx_model *model, const esp_onnx_node *node, esp_onnx_step *out);
/* The row y [width] that the region makes of x [width]. */
void esp_onnx_region_run(const esp_onnx_model *model, const esp_onnx_region *region, const double *x, double *y);

#endif
