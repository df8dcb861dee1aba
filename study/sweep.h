/* What `espalier sweep` shares: its cells, and the folder they are kept in. */
#ifndef ESP_STUDY_SWEEP_H
#define ESP_STUDY_SWEEP_H

#include "study/prune.h"

enum { ESP_SWEEP_LIST = 32, ESP_SWEEP_SEEDS = 1000 };

/* One way to prune: a method and the importance it ranks with. */
typedef struct {
    const esp_search_method *method;
    int  importance;
    char name[64];            /* "magnitude/l1"; without the importance when that is not spelled out */
} esp_sweep_way;

typedef struct {
    const char *folder;
    const char *measure_name;  /* of the application */
    uint64_t    seed;          /* the first one */
    int           num_ways, num_sparsities, num_seeds;
    esp_sweep_way way[ESP_SWEEP_LIST];
    double        sparsity[ESP_SWEEP_LIST];
    esp_prune_request request; /* what all cells have in common */
    cJSON        *results;     /* array of finished cells and dense measurements, owned */
} esp_sweep;

/* ---- sweep_results.c: results.jsonl ---------------------------------------------------------------- */

/* Makes the folder, or reads what an earlier sweep with the same question left in it: finished cells
 * are never made again. ESP_ERR_FORMAT when the folder holds another sweep. */
esp_status esp_sweep_open(esp_sweep *sweep, const esp_subject *subject);
/* The finished cell, or NULL; way NULL: the dense network. */
const cJSON *esp_sweep_find(const esp_sweep *sweep, const esp_sweep_way *way, double sparsity, uint64_t seed);
/* A folder as it is, for readers: ways, sparsities and seeds are those of its cells. A last line that was
 * cut short is left out and left alone. Deletes results on failure. */
esp_status esp_sweep_read(const char *folder, esp_sweep *out);
bool esp_sweep_equal(double sparsity, double other); /* as far as a file can tell */
/* Appends a line to the file and keeps it; takes `cell`. */
esp_status esp_sweep_add(esp_sweep *sweep, cJSON *cell);

/* ---- sweep_report.c: results.csv and the pictures ------------------------------------------------- */

esp_status esp_sweep_report(const esp_sweep *sweep);
void       esp_sweep_print(const esp_sweep *sweep, const esp_subject *subject);

#endif
