/* deploy: networks as source code that other projects compile. The code is C99 and C++17, allocates nothing, reads no
 * files and needs no library but libm; all that changes is in a struct of its caller. docs/device.md shows the way to a
 * board. */
#ifndef ESP_DEPLOY_H
#define ESP_DEPLOY_H

#include "nn/nn.h"

/* ---- export.c ------------------------------------------------------------------------------------ */

/* A planner that acts on what the last component of the chain writes, the latent state: MPPI as in agent/mppi.c. The
 * components read latent | action, the policy the latent alone; they consist of dense layers, LayerNorm and
 * activations. */
typedef struct {
    int    dynamics, reward, value[2], policy; /* components */
    int    horizon;                 /* control steps looked ahead */
    int    samples, trajectories;   /* sequences per iteration: drawn, and the policy's */
    int    elites, iterations;      /* best sequences kept, and refinements */
    double temperature, momentum;   /* as in the configuration */
    double min_std, max_std;        /* bounds of the deviation, in action units */
    double discount, policy_std;    /* per control step; of the policy's noise */
    bool   on_mean;                 /* the mean acts; false: an elite drawn by its score */
} esp_c_planner;

/* What is exported; borrows everything. A step reads one input, runs components one after another, and writes the
 * outputs of the last one. */
typedef struct {
    const char        *name;     /* prefix of every public name and of the files: a C identifier in small letters */
    const char        *title;    /* one line: "Policy of a TD-MPC agent, task pendulum" */
    const char        *origin;   /* file that the network was read from */
    const esp_network *net;      /* the network */
    uint64_t           hash;     /* identifies network and controller; a library of other code has another one */
    int                num_components;                 /* components that run, at least one */
    int                component[ESP_MAX_COMPONENTS];  /* [num_components] each reads what the one before it wrote */
    esp_act            last;     /* applied to the outputs: one that fuses */
    const esp_c_planner *planner; /* chooses the action; NULL: the outputs are the last component's */
    int                history;  /* inputs that the network reads at once, the newest last; the state keeps them */
    const char        *about;    /* sentences about the controller, or "" */
    const char        *input_about, *output_about; /* what the numbers mean: sentences, lines end with \n; or "" */
    int                num_examples;  /* steps of the example, at least 1, from the start of an episode */
    const void        *example;       /* [num_examples, inputs] bytes for a component that reads bytes, else float */
    const float       *expected;      /* [num_examples, outputs]; NULL: computed here; needed with a planner */
    uint64_t           example_seed, example_episode; /* of the example, which name a planner's random numbers */
    double             tolerance;     /* of the example's test; 0: 1e-5 */
    const char        *example_about; /* one line: where the example comes from */
} esp_c_export;

/* Where the files stand: flat, or as an Arduino library. */
typedef enum { ESP_LAYOUT_CMAKE, ESP_LAYOUT_ARDUINO } esp_c_layout;
#define ESP_LAYOUT_CHOICES "cmake|arduino" /* words of esp_c_layout, in its order */

/* What the code costs on a device with 32-bit floats. */
typedef struct {
    int    inputs, outputs;  /* numbers per step */
    size_t flash;            /* bytes of constants; the code itself adds a few kB */
    size_t ram;              /* bytes of the state */
    size_t stack;            /* bytes of stack, at most, with -O2 */
    double macs;             /* multiply-adds per step */
} esp_c_costs;

/* Writes header, source, weights, example, test and build files to a folder, which appears complete or not at all. A
 * folder that exists is replaced when it holds nothing but an earlier export. ESP_ERR_USAGE for a name that is not a C
 * identifier and for a folder with other files, ESP_ERR_NUMERIC for weights that are not finite, ESP_ERR_IO. */
esp_status esp_c_write(const esp_c_export *what, esp_c_layout layout, const char *folder, esp_c_costs *out);

/* The outputs that the host computes for the example without a planner, [num_examples, outputs] in new memory. */
float *esp_c_expected(const esp_c_export *what);
/* Of components, their last activation and the history; what a library is told apart by. */
uint64_t esp_c_hash(const esp_c_export *what);
/* Numbers per input of a step. */
int esp_c_inputs(const esp_c_export *what);

/* ---- library.c: an export, compiled as a shared library ------------------------------------------- */

/* A loaded library; any number of states and threads may use it. */
typedef struct esp_library esp_library;

/* Runs code of the file: only for files that the user named. The caller frees *out. ESP_ERR_IO when it cannot be
 * loaded, ESP_ERR_FORMAT when it is not a library that `espalier export` described. */
esp_status  esp_library_open(const char *path, esp_library **out);
void        esp_library_free(esp_library *library);          /* accepts NULL */
const char *esp_library_hash(const esp_library *library);    /* of the export, 16 digits */
int         esp_library_inputs(const esp_library *library);  /* numbers or bytes per step */
int         esp_library_outputs(const esp_library *library); /* numbers per step */
void       *esp_library_state(const esp_library *library);   /* of one controller, in new memory */
/* Starts an episode; its name is the key of a planner's random numbers. */
void        esp_library_reset(const esp_library *library, void *state, uint64_t seed, uint64_t episode);
/* One control step: input [inputs] -> output [outputs]; false: an output is not a finite number. */
bool        esp_library_step(const esp_library *library, void *state, const void *input, float *output);

#endif
