/* Shared by the files of networks without a task as an application. */
#ifndef ESP_APPLICATION_NETWORK_INTERNAL_H
#define ESP_APPLICATION_NETWORK_INTERNAL_H

#include "application/application_internal.h"
#include "onnx/onnx.h"

/* What rows of inputs are for: every row has one purpose. */
typedef enum {
    ESP_ROWS_LEARN,   /* importance, repair and gradient steps */
    ESP_ROWS_SEARCH,  /* candidates of a search */
    ESP_ROWS_KEEP,    /* --keep */
    ESP_ROWS_REPORT,  /* held out */
    ESP_ROW_PURPOSES  /* number of purposes */
} esp_row_purpose;

/* Inputs, and what the network that was opened makes of them. */
typedef struct {
    int    count;     /* rows */
    void  *x;         /* [count, inputs] floats, or bytes for a network that reads bytes; owned */
    float *y;         /* [count, outputs], owned */
} esp_rows;

/* The application's part of a subject. */
typedef struct {
    esp_onnx_file file;    /* names of inputs, outputs and nodes; its network is the subject's */
    const char   *data;    /* FILE.safetensors, borrowed; NULL: standard normal inputs */
    uint64_t      hash;    /* of all rows */
    esp_rows      rows[ESP_ROW_PURPOSES]; /* after esp_subject_prepare */
} esp_network_subject;

/* ---- network_rows.c ---- */

/* Reads the rows from the data file, or makes them, and runs the network on them. ESP_ERR_FORMAT, ESP_ERR_SHAPE or
 * ESP_ERR_NUMERIC when the arrays of the file are not the network's inputs. */
esp_status esp_network_rows(const esp_subject *subject, esp_network_subject *state);
/* Bytes of a row of inputs. */
size_t     esp_network_row_bytes(const esp_network *net);
void       esp_network_rows_free(esp_network_subject *state);
/* How well `net` reproduces the outputs of the first `count` rows: 1 minus squared error / variance of the outputs, 1
 * for equal outputs, 0 for their means; *mse (may be NULL): mean squared error. */
double     esp_network_agreement(const esp_network *net, const esp_rows *rows, int count, double *mse);

/* ---- network_file.c: as a checkpoint ---- */

/* The contract of `file` says which application the checkpoint belongs to. */
esp_status esp_network_file_write(const char *path, const esp_onnx_file *file);
/* ESP_ERR_FORMAT or ESP_ERR_SHAPE when configuration and graph do not fit together. The caller frees *out. */
esp_status esp_network_file_read(const esp_checkpoint *checkpoint, esp_onnx_file *out);
/* The contract of a network without a task: its inputs and outputs; the caller deletes it. */
cJSON     *esp_network_contract(const esp_onnx_file *file);

/* ---- network_finetune.c: a hook of esp_application ---- */

esp_status esp_network_finetune(const esp_subject *subject, void *recording, esp_network *net, int steps);

#endif
