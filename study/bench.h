/* What `espalier bench` shares between measuring and telling. */
#ifndef ESP_STUDY_BENCH_H
#define ESP_STUDY_BENCH_H

#include "study/application.h"

#define ESP_MAX_BENCH_ROWS 64

/* One measured line. */
typedef struct {
    char   name[48], size[96], unit[16], note[64];
    int    threads, repeats;
    double median, p10, p90;
    double gflops;            /* at the median; 0: not counted */
} esp_bench_row;

typedef struct {
    const char *only;         /* pattern of row names, or NULL */
    int         threads;      /* T: rows that can use threads are measured with 1 and with T */
    esp_subject subject;      /* a given checkpoint, or a full-size agent with random weights */
    double      peak;         /* GFLOP/s of one thread */
    int           num_rows;
    esp_bench_row row[ESP_MAX_BENCH_ROWS];
} esp_bench;

/* ---- bench_rows.c ---- */

/* Measures the rows that --only selects, in the order of the table. */
esp_status esp_bench_run(esp_bench *bench);

#endif
